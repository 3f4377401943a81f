// The selection lives in the URL: `asap.go` changes it, `read` hands it to the stores. See app/selection.py.
(function () {
  const asap = (window.asap = window.asap || {});

  // Change some of the selection, e.g. {cell: 12, page: null}; null forgets. `quietly` leaves no step to go back to.
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

  // What the URL says, for everything that `known.choices` lists; defaults for what it does not say, or wrongly.
  function parse(search, known) {
    const query = new URLSearchParams(search);
    const found = {};
    for (const [key, allowed] of Object.entries(known.choices)) {
      const text = query.get(key);
      if (Array.isArray(allowed)) found[key] = allowed.find((value) => String(value) === text);
      else if (/^\d{1,9}$/.test(text || "") && Number(text) < allowed) found[key] = Number(text);
      if (found[key] === undefined) found[key] = known.values[key];
    }
    if (found.cell !== null && found.cell >= found.side ** 2) found.cell = null;
    if (found.page < 1) found.page = 1;
    return found;
  }

  asap.current = {};

  const read = function (search, known, ...before) {
    asap.current = parse(search || "", known);
    const keys = ["plane", "side", "show", "cell", "sort", "page", "image"]; // the order of selection.STORES
    return keys.map((key, i) => {
      const value = asap.current[key];
      return before[i] === value ? dash_clientside.no_update : value;
    });
  };

  const choose = function (plane, side, show) {
    const now = asap.current;
    if (plane !== undefined && side !== undefined && (plane !== now.plane || side !== now.side)) {
      asap.go({ plane, side, cell: null, page: null, image: null, show });
    } else if (show !== undefined && show !== now.show) {
      asap.go({ show });
    }
  };

  const chooseSort = function (sort) {
    if (sort !== undefined && sort !== asap.current.sort) asap.go({ sort, page: null });
  };

  // One listener for everything that selects: `data-go="cell=12"` anywhere on the page.
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-go]");
    if (!target || target.disabled || !target.dataset.go) return;
    const changes = Object.fromEntries(
      [...new URLSearchParams(target.dataset.go)].map(([key, value]) => [key, value || null])
    );
    asap.go(changes, target.hasAttribute("data-key")); // stepping through images leaves no trail
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    selection: { read, choose, chooseSort, show: (value) => value },
  });
})();
