// The selection lives in the URL: `asap.go` changes it, `read` hands it to the stores. See app/selection.py.
(function () {
  const asap = (window.asap = window.asap || {});

  // Change some of the selection, e.g. {image: 12, page: null}; null forgets. `quietly` leaves no step to go back to.
  asap.go = function (changes, quietly) {
    const query = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === "") query.delete(key);
      else query.set(key, value);
    }
    const text = query.toString();
    const search = text ? "?" + text : "";
    if (search === location.search) return;
    const step = quietly ? "replaceState" : "pushState";
    history[step]({}, "", location.pathname + search + location.hash);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate")); // what dcc.Location listens to
  };

  const fits = {
    object: (allowed, text) => allowed.find((value) => String(value) === text), // a list of values
    number: (below, text) => (/^\d{1,9}$/.test(text) && Number(text) < below ? Number(text) : undefined),
    string: (pattern, text) => (new RegExp(`^(?:${pattern})$`).test(text) ? text : undefined),
  };

  // What the URL says, for everything that `known.choices` lists; defaults for what it does not say, or wrongly.
  function parse(search, known) {
    const query = new URLSearchParams(search);
    const found = {};
    for (const [key, allowed] of Object.entries(known.choices)) {
      const value = fits[typeof allowed](allowed, query.get(key) ?? "");
      found[key] = value === undefined ? known.values[key] : value;
    }
    if (found.page < 1) found.page = 1;
    return found;
  }

  asap.current = {};

  const read = function (search, known, ...before) {
    asap.current = parse(search || "", known);
    document.body.dataset.focus = asap.current.focus || "";
    document.dispatchEvent(new CustomEvent("asap:state"));
    const keys = Object.keys(known.choices); // those with a store come first
    return before.map((was, i) => {
      const value = asap.current[keys[i]];
      return was === value ? dash_clientside.no_update : value;
    });
  };

  // Phrases, see asap_core/selections.py: conditions joined by "&".
  const conditions = (phrase) => (phrase || "").split("&").filter(Boolean);
  asap.conditions = conditions;
  asap.encode = (value) => String(value).replace(/[%&|=]/g, (sign) => "%" + sign.charCodeAt(0).toString(16).toUpperCase());

  // Two phrases that must both hold; each condition once.
  asap.both = (one, other) => [...new Set([...conditions(one), ...conditions(other)])].join("&");

  // The images that views are of: a group under the filter, all under the filter where no group is named.
  asap.shown = (group) => asap.both(group, asap.current.filter);

  const EXCLUDE = [
    ["real", "fake"], ["judged-real", "judged-fake"], ["right", "wrong", "misses", "false-alarms"], ["inconclusive", "conclusive"],
  ];

  // The filter: whole conditions that are on or off, and keys with several values ("generator=A|B").
  asap.filter = {
    has: (condition) => conditions(asap.current.filter).includes(condition),
    set(phrase) {
      asap.go({ filter: phrase || null, page: null });
    },
    toggle(condition) {
      const rivals = EXCLUDE.find((group) => group.includes(condition)) || [];
      const now = conditions(asap.current.filter);
      const kept = now.filter((each) => each !== condition && !rivals.includes(each));
      this.set([...kept, ...(now.includes(condition) ? [] : [condition])].join("&"));
    },
    values(key) {
      const found = conditions(asap.current.filter).find((each) => each.startsWith(key + "="));
      return found ? found.slice(key.length + 1).split("|") : [];
    },
    // One condition of a key: the values (already encoded) in place of those before; none forgets it.
    put(key, values) {
      const kept = conditions(asap.current.filter).filter((each) => !each.startsWith(key + "="));
      this.set([...kept, ...(values.length ? [`${key}=${values.join("|")}`] : [])].join("&"));
    },
  };

  // One listener for everything that selects: `data-go="image=12"` anywhere on the page.
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-go]");
    if (!target || target.disabled || !target.dataset.go) return;
    const changes = Object.fromEntries(
      [...new URLSearchParams(target.dataset.go)].map(([key, value]) => [key, value || null])
    );
    asap.go(changes, target.hasAttribute("data-key")); // stepping through images leaves no trail
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, { selection: { read } });
})();
