// The Pattern View: which findings, the list of their patterns, what people make of them. See app/routes/findings.py.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make, button } = asap;
  const { UNNAMED, row, card, title, which } = asap.patternParts;
  const FILTERS = { all: "Both sides", fake: "Toward fake", real: "Toward real" };
  const LARGE = "pattern"; // the focus with which cards are shown
  const share = ([have, of]) => have / Math.max(of, 1);
  const SORTS = {
    impact: ["Impact", (p) => Math.abs(p.contribution[0]) * p.n],
    n: ["Images", (p) => p.n],
    flips: ["Flip rate", (p) => (p.drop ? p.drop[0] : -1)],
    share: ["Share difference", (p) => Math.abs(share(p.fake) - share(p.real))],
    here: ["In the group", (p) => p.here ?? 0],
  };
  let hidden = false; // whether hidden ones are listed
  let shown = null; // what the server said
  let question = ""; // what it was asked
  let latest = 0;
  let renaming = null; // the number of the pattern whose name is being written
  let last = null; // the pattern that was chosen when it was last drawn

  const at = (id) => document.getElementById(id);
  const name = (phrase) => asap.phraseName(phrase);
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  // The images that people look at: the group A under the filter.
  const group = () => asap.shown(asap.current.a);

  // The order that is asked for, where there is a group to speak of.
  const rank = () => (asap.current.rank === "here" && (shown.here === null || !shown.key) ? "impact" : asap.current.rank);

  async function load() {
    const turn = ++latest;
    const url = asap.query("patterns", "", { of: asap.current.of, a: group() });
    try {
      const found = await asap.fetchJson(url);
      if (turn !== latest) return false;
      [shown, question] = [found, url];
      if (!found.here) for (const p of [found, ...(found.patterns || [])]) p.here = null; // a group of no image
      for (const p of found.patterns || []) asap.patternNames.set(`pattern=${found.key}/${p.number}`, title(p));
    } catch (error) {
      if (turn !== latest) return false;
      [shown, question] = [{ trouble: error.message, known: [], ready: {}, n: 0, key: null }, ""];
    }
    return true;
  }

  async function draw() {
    const url = asap.query("patterns", "", { of: asap.current.of, a: group() });
    if (url !== question && !(await load())) return dash_clientside.no_update;
    render();
    return dash_clientside.no_update;
  }

  async function reload() {
    if (await load()) render();
  }

  function render() {
    const list = at("pattern-list");
    const kept = list.scrollTop;
    const focused = list.contains(document.activeElement) && document.activeElement.dataset.number;
    tools();
    sets();
    list.replaceChildren(...content(), ...gone());
    list.setAttribute("aria-busy", "false");
    list.scrollTop = kept;
    const { pattern } = asap.current;
    if (pattern !== last && pattern) list.querySelector(".pattern-chosen")?.scrollIntoView({ block: "nearest" });
    last = pattern;
    if (renaming !== null) list.querySelector(".pattern-rename input")?.focus();
    else if (focused) list.querySelector(`[data-number="${focused}"]`)?.focus();
  }

  function content() {
    if (shown.trouble) return [make("p", "trouble", shown.trouble)];
    const running = asap.patternJobs.progress("patterns", (asked) => (asked.of || "") === (asap.current.of || ""));
    if (!shown.key) return running ? [running] : nothing();
    if (shown.note) return [make("p", "pattern-note", `${capital(shown.note)}.`)];
    const { toward } = asap.current;
    const all = shown.patterns.filter((p) => (toward === "all" || p.toward === toward) && (hidden || !p.hidden));
    const order = all.sort((a, b) => a.hidden - b.hidden || SORTS[rank()][1](b) - SORTS[rank()][1](a));
    const few = shown.images < shown.few ? [make("p", "pattern-note", `Only ${asap.plural(shown.images, "image was", "images were")} looked at: what recurs in so few may do so by chance.`)] : [];
    if (!order.length) return [...few, none()];
    const large = asap.current.focus === LARGE;
    const counted = `${asap.plural(order.length, "pattern", "patterns")} of ${asap.plural(shown.groups, "region that stands out", "regions that stand out")} in ${asap.plural(shown.images, "image", "images")}`;
    const head = large ? [make("p", "pattern-summary", counted)] : [make("div", "pattern-columns", [make("span", "", "Pattern"), make("span", "", "logits toward"), make("span", "", "flips")], { "aria-hidden": "true" })];
    const context = about();
    return [...few, ...head, make("div", "pattern-items", order.map((p) => (large ? card : row)(context, p)), { role: "list", "aria-label": `Patterns of ${name(asap.current.of)}` })];
  }

  // Patterns that people edited and that are not among these: how many, and which.
  function gone() {
    const { lost } = shown;
    if (!lost || !lost.length) return [];
    const why = shown.key ? `${lost.length === 1 ? "was" : "were"} not found again` : "will be recognised when patterns are found";
    const says = `${asap.plural(lost.length, "edited pattern", "edited patterns")} ${why}; ${lost.length === 1 ? "it is" : "they are"} kept`;
    return [make("details", "lost", [make("summary", "quiet", says), make("ul", "", lost.map((words) => make("li", "", words)))])];
  }

  // What all patterns are drawn against.
  function about() {
    const [key, number] = (asap.current.pattern || "/").split("/");
    const ends = shown.patterns.flatMap((p) => p.contribution.map(Math.abs));
    return {
      key: shown.key, grid: shown.grid, most: Math.max(...ends, 1e-9), here: shown.here, hereName: asap.current.a ? "A" : "the filter",
      chosen: key === shown.key ? Number(number) : null, look, actions,
    };
  }

  // No pattern to list: why.
  function none() {
    const away = shown.patterns.filter((p) => p.hidden).length;
    const { toward } = asap.current;
    if (shown.patterns.length) return make("p", "pattern-note", `No pattern ${toward === "all" ? "is shown" : `toward ${toward}`}${away && !hidden ? `; ${away} hidden` : ""}.`);
    return make("p", "pattern-note", `Nothing recurs in these ${asap.plural(shown.images, "image", "images")}: ${asap.plural(shown.groups, "region stands", "regions stand")} out, and none is found again surely enough.`);
  }

  // Nothing was looked for yet: what would be done, and for how many images.
  function nothing() {
    if (!shown.n) return [make("p", "pattern-note", `No image is in “${name(asap.current.of)}”.`)];
    const images = asap.plural(shown.n, "image", "images");
    const few = shown.n < shown.few ? [make("p", "", "So few images are hardly enough: what recurs in them may do so by chance.")] : [];
    const said = make("p", "", "The regions that stand out are gathered, those that recur across images are named, and what each does to verdicts is measured by taking it away.");
    const ours = button("", "pattern-find", `Find patterns of ${asap.current.of ? `${name(asap.current.of)}: ${images}` : `all ${images}`}`, () => find(asap.current.of));
    const others = offered().filter((each) => each.of !== (asap.current.of || "") && each.patterns === null);
    const more = others.map((each) => button("", "text-button", `of ${each.label} (${asap.number(each.images)})`, () => find(each.of)));
    if (!asap.jobs.can) {
      const of = asap.current.of ? ` --of "${asap.current.of}"` : "";
      return [make("div", "pattern-nothing", [make("p", "", [`No patterns were looked for in ${name(asap.current.of)} yet (${images}), and no worker runs here. On the command line: `, make("code", "", `python run.py patterns DIR${of}`)]), said])];
    }
    return [make("div", "pattern-nothing", [make("p", "", `No patterns were looked for in ${name(asap.current.of)} yet.`), said, ...few, make("div", "pattern-buttons", [ours, ...more])])];
  }

  function find(of) {
    asap.go({ of: of || null, pattern: null });
    asap.patternJobs.ask("patterns", { of: of || "" });
  }

  // Everything, misses, false alarms, the group that is looked at, and whatever else was looked in.
  function offered() {
    const known = new Map(shown.known.map((each) => [each.of, each]));
    const some = new Map([["", { label: "everything", images: asap.images() }]]);
    for (const [of, images] of Object.entries(shown.ready)) if (images) some.set(of, { label: name(of), images });
    if (group() && shown.here) some.set(group(), { ...(asap.current.a ? { label: `A: ${name(group())}`, brief: "A" } : { label: "what the filter shows", brief: "filter" }), images: shown.here });
    for (const each of shown.known) if (!some.has(each.of)) some.set(each.of, { label: name(each.of), images: each.images });
    const now = asap.current.of || "";
    if (!some.has(now)) some.set(now, { label: name(now), images: shown.n });
    const count = (of) => known.get(of)?.patterns ?? (of === now && shown.key ? shown.patterns.filter((p) => !p.hidden).length : null);
    return [...some].map(([of, each]) => ({ of, ...each, patterns: count(of) }));
  }

  function sets() {
    const now = asap.current.of || "";
    const chips = offered().map(({ of, label, brief, images, patterns }) => {
      const once = patterns === null && ["misses", "false-alarms"].includes(of) && asap.jobs.can;
      const says = patterns === null ? `${once ? "Find" : "No"} patterns of ${label}${once ? "" : " yet"}: ${asap.plural(images, "image", "images")}` : `${asap.plural(patterns, "pattern", "patterns")} of ${label}, ${asap.plural(images, "image", "images")}`;
      const badge = make("span", `pattern-badge${patterns === null ? " open" : ""}`, patterns === null ? (once ? "find" : "+") : asap.number(patterns));
      return button(says, "pattern-set", [make("span", "", capital(brief || label)), badge], () => (once ? find(of) : asap.go({ of: of || null, pattern: null })), { "aria-pressed": String(of === now) });
    });
    asap.refill(at("pattern-sets"), chips);
  }

  function tools() {
    const pick = (label, options, value, act) => {
      const made = make("select", "pattern-select", options.map(([key, words]) => make("option", "", words, { value: key })), { "aria-label": label, title: label });
      made.value = value;
      made.addEventListener("change", () => act(made.value));
      return made;
    };
    const sorts = Object.entries(SORTS).filter(([key]) => key !== "here" || (shown.here !== null && shown.key)).map(([key, [words]]) => [key, words]);
    const away = (shown.patterns || []).filter((p) => p.hidden).length;
    const parts = [
      pick("Order of the patterns", sorts, rank(), (value) => asap.go({ rank: value })),
      pick("Which patterns", Object.entries(FILTERS), asap.current.toward, (value) => asap.go({ toward: value })),
    ];
    if (away) parts.unshift(button(`${hidden ? "Leave out" : "List"} the ${asap.plural(away, "pattern that is", "patterns that are")} hidden`, "text-button switch", `${away} hidden`, () => { hidden = !hidden; render(); }, { "aria-pressed": String(hidden) }));
    asap.refill(at("pattern-tools"), shown.key ? parts : []);
  }

  // What can be looked at of a pattern: its images, and its share of each cell.
  function look(p) {
    const phrase = `pattern=${which(shown, p)}`;
    const images = new URLSearchParams({ a: phrase, page: "", image: "" });
    const heat = new URLSearchParams({ pattern: which(shown, p), show: "heat", measure: "pattern" });
    return [
      button(`The ${asap.plural(p.n, "image that has", "images that have")} it, as group A`, "text-button", "Its images", null, { "data-go": images.toString(), "aria-pressed": String(asap.current.a === phrase) }),
      button("Its share of each cell of the plane", "text-button", "In the plane", null, { "data-go": heat.toString() }),
    ];
  }

  // What can be done with a pattern; each can be taken back.
  function actions(p) {
    const of = title(p);
    const { number } = p;
    if (renaming === number) return [rename(p)];
    const parts = [button("", "text-button", "Rename", () => { renaming = number; render(); })];
    if (p.renamed) parts.push(button("", "text-button", "Original name", () => edit({ do: "rename", number, name: null }, `“${of}” has its original name again.`, { do: "rename", number, name: p.name })));
    parts.push(
      p.hidden
        ? button("", "text-button", "Show again", () => edit({ do: "unhide", number }, `“${of}” is shown again.`, { do: "hide", number }))
        : button("", "text-button", "Hide", () => edit({ do: "hide", number }, `“${of}” is hidden.`, { do: "unhide", number }))
    );
    if (p.merged) parts.push(button("", "text-button", "Split again", () => edit({ do: "split", number }, `“${of}” is ${p.found_as.length} patterns again.`, null)));
    const others = shown.patterns.filter((each) => each.toward === p.toward && each.number !== number && !each.hidden);
    if (others.length) {
      const into = make("select", "pattern-select", [make("option", "", "Merge with …", { value: "" }), ...others.map((each) => make("option", "", `${title(each)} (${asap.number(each.n)})`, { value: each.number }))], { "aria-label": `Merge “${of}” with another pattern` });
      into.addEventListener("change", () => into.value && merge(p, others.find((each) => each.number === Number(into.value))));
      parts.push(into);
    }
    parts.push(...asap.patternJobs.measure(shown, p));
    return parts;
  }

  function merge(p, other) {
    const number = Math.min(p.number, other.number);
    const merged = p.merged || other.merged; // to split it would take apart more than this joined
    asap.go({ pattern: `${shown.key}/${number}` }, true);
    return edit({ do: "merge", numbers: [p.number, other.number] }, `“${title(p)}” and “${title(other)}” are one pattern.`, merged ? null : { do: "split", number });
  }

  function rename(p) {
    const box = make("input", "", [], { type: "text", maxlength: "80", value: p.name === UNNAMED ? "" : p.name, "aria-label": "Name of the pattern" });
    const done = () => { renaming = null; render(); at("pattern-list").querySelector(`[data-number="${p.number}"]`)?.focus(); };
    const form = make("form", "pattern-rename", [box, make("button", "text-button", "Save", { type: "submit" }), button("", "text-button", "Cancel", done)]);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      renaming = null;
      edit({ do: "rename", number: p.number, name: box.value }, `“${title(p)}” is called “${box.value.trim() || p.found_as[0]}”.`, { do: "rename", number: p.number, name: p.renamed ? p.name : null });
    });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      done();
    });
    return form;
  }

  // Change the findings for everybody, draw them anew, and offer the way back.
  async function edit(asked, words, back) {
    try {
      await asap.post(asap.url("patterns", shown.key), asked);
      say(words, back);
    } catch (error) {
      say(`That was not done: ${error.message}.`, null);
    }
    await reload();
  }

  function say(words, back) {
    const place = at("pattern-said");
    const close = button("Close this message", "icon-button", "×", () => (place.hidden = true));
    const undo = back ? [button("", "text-button", "Undo", () => edit(back, "Undone.", null))] : [];
    place.replaceChildren(make("span", "", words), ...undo, close);
    place.hidden = false;
  }

  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const open = event.target.closest?.(".pattern-open");
    if (!step || !open) return;
    const all = [...at("pattern-list").querySelectorAll(".pattern-open")];
    const next = all[all.indexOf(open) + step];
    event.preventDefault();
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  });
  window.addEventListener("focus", () => shown && reload()); // somebody else may have edited

  asap.patterns = { reload, render: () => shown && render(), say };
  window.dash_clientside = Object.assign({}, window.dash_clientside, { patterns: { draw } });
})();
