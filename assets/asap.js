// What every script shares: questions to the server, the cells of a plane (fetched once a plane and side), words for
// numbers, and the making of elements.
(function () {
  const asap = (window.asap = window.asap || {});
  const TABLES = 24; // of cells, remembered
  const loaded = new Map();

  const root = () => document.getElementById("selection-root").dataset;

  // "/thumb/<fingerprint>/7?s=128" and the like.
  asap.url = (kind, rest) => `/${kind}/${root().fingerprint}/${rest}`;
  asap.edition = () => root().edition;
  asap.images = () => Number(root().images);
  asap.dimensions = () => Number(root().dimensions);
  asap.labelled = () => root().truth === "yes";

  // A route with its questions: {of: "misses"} becomes "?of=misses"; what is null is not asked.
  asap.query = (kind, rest, asked) => {
    const known = Object.entries(asked).filter(([, value]) => value !== null && value !== undefined && value !== "");
    const text = new URLSearchParams(known.map(([key, value]) => [key, String(value)])).toString();
    return `/${kind}/${root().fingerprint}${rest ? "/" + rest : ""}${text ? "?" + text : ""}`;
  };

  // What the server answered; an error has its words.
  async function answered(response) {
    const said = await response.json().catch((error) => {
      if (response.ok) throw error;
      return {};
    });
    if (response.ok) return said;
    throw new Error(said.error || `the server answered ${response.status}`);
  }

  asap.fetchJson = async (url) => answered(await fetch(url));
  asap.post = async (url, content) =>
    answered(await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) }));

  // The table of one plane and side under a filter: columns, and `at`, which finds a cell's index by its code.
  asap.cells = function (plane, side, of) {
    const url = asap.query("cells", `${plane}/${side}.json`, { of, v: asap.edition() });
    if (!loaded.has(url)) {
      const promise = asap.fetchJson(url).then((table) => {
        table.at = new Map(table.columns.code.map((code, j) => [code, j]));
        return table;
      });
      if (/(^|&)(tag|pattern)=/.test(of || "")) return promise; // what these name may change
      promise.catch(() => loaded.delete(url));
      loaded.set(url, promise);
      if (loaded.size > TABLES) loaded.delete(loaded.keys().next().value);
    }
    return loaded.get(url);
  };

  asap.number = (value) => value.toLocaleString("en-GB");
  asap.percent = (share) => (100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0) + " %";
  asap.span = (low, high) => `${asap.percent(low).replace(" %", "")} – ${asap.percent(high)}`;
  asap.cellName = (code, side) => `Cell ${(code % side) + 1}, ${Math.floor(code / side) + 1}`;
  asap.plural = (n, one, many) => `${asap.number(n)} ${n === 1 ? one : many}`;
  asap.signed = (value, digits = 2) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

  // Logits with the class that they speak for; what is rounded to nothing speaks for none.
  asap.toward = function (value, digits = 2) {
    const size = Math.abs(value).toFixed(digits);
    return Number(size) ? `${size} toward ${value < 0 ? "real" : "fake"}` : size;
  };

  // One cell in a sentence, for ears.
  asap.spoken = function (table, j) {
    const c = table.columns;
    const parts = [`${asap.cellName(c.code[j], table.side)}: ${asap.plural(c.n[j], "image", "images")}`];
    if (asap.labelled()) {
      parts.push(`${asap.percent(c.fake[j] / c.n[j])} fake`);
      parts.push(asap.plural(c.misses[j], "miss", "misses"), asap.plural(c.alarms[j], "false alarm", "false alarms"));
    } else parts.push(`${asap.percent(c.called[j] / c.n[j])} judged fake`);
    parts.push(`severity ${table.levels[c.level[j]]}`);
    return parts.join(", ");
  };

  // An element with a class, attributes and children (strings or elements); text is never read as HTML.
  asap.make = function (tag, className, children, attributes) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
    element.append(...[].concat(children === undefined || children === null ? [] : children));
    return element;
  };

  // A button that does something; its label is what is heard and the hint, where its content does not say it all.
  asap.button = function (label, className, content, act, attributes) {
    const said = label ? { "aria-label": label, title: label } : {};
    const made = asap.make("button", className, content, { type: "button", ...said, ...attributes });
    if (act) made.addEventListener("click", act);
    return made;
  };

  // An element of a drawing.
  asap.draw = function (tag, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // New content for a place. What had the focus has it again, known by its name; else what now stands where it stood.
  asap.refill = function (place, parts) {
    const reached = () => [...place.querySelectorAll("button:enabled, select, input, a")];
    const name = (each) => each.getAttribute("aria-label") || each.textContent;
    const before = reached();
    const at = before.indexOf(document.activeElement);
    place.replaceChildren(...parts);
    if (at < 0) return;
    const now = reached();
    const same = now.find((each) => name(each) === name(before[at]));
    (same || now[Math.min(at, now.length - 1)])?.focus({ preventScroll: true });
  };
})();
