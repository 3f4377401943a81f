// The Dimension View's bars: what the dimensions add to the verdicts of A, or of A against B; and their table.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make, toward } = asap;
  const ORDERS = { size: "By size", difference: "By difference", number: "By number" };
  let latest = 0;
  let shown = null; // what the server said of the present groups
  let mine = null; // the opened image's contributions
  let table = false;

  const side = (value) => (value < 0 ? "real" : "fake");
  const short = (value) => (Math.abs(value) < 0.005 ? "0.00" : `${Math.abs(value).toFixed(2)} ${side(value)}`);
  const range = (low, high) => {
    if (low < 0 !== high < 0) return `${toward(low)} to ${toward(high)}`;
    return `${Math.abs(low < 0 ? high : low).toFixed(2)} to ${toward(low < 0 ? low : high)}`;
  };

  // Where a value lies on a plot, in percent; what is beyond the collection's scale lies at its end.
  const at = (value, [low, high]) => Math.min(100, Math.max(0, (100 * (value - low)) / (high - low)));

  function order() {
    const { order: asked } = asap.current;
    if (asked === "difference" && !shown.difference) return "size";
    return asked || (shown.difference ? "difference" : "size");
  }

  function ordered() {
    const numbers = shown.a.mean.map((_, k) => k);
    const by = order();
    if (by === "number") return numbers;
    const size = by === "difference" ? shown.difference.mean : shown.a.mean;
    return numbers.sort((i, j) => Math.abs(size[j]) - Math.abs(size[i]) || i - j);
  }

  function mark(className, from, to, scale, content) {
    const [low, high] = [at(Math.min(from, to), scale), at(Math.max(from, to), scale)];
    const element = make("span", className, content);
    element.style.left = `${low}%`;
    element.style.width = `${high - low}%`;
    return element;
  }

  // A group's bar from zero to its mean, the interval as a line, a deviation to each side as a band.
  function bar(group, k, which) {
    const mean = group.mean[k];
    const parts = [mark(`mean-bar ${side(mean)} ${which}`, 0, mean, shown.scale), mark(`reach ${which}`, group.low[k], group.high[k], shown.scale)];
    if (which === "alone") parts.unshift(mark("band", mean - group.deviation[k], mean + group.deviation[k], shown.scale));
    return parts;
  }

  function plot(k) {
    const parts = shown.b ? [...bar(shown.a, k, "a"), ...bar(shown.b, k, "b")] : bar(shown.a, k, "alone");
    if (mine) parts.push(mark("mine", mine[k], mine[k], shown.scale));
    return make("span", "plot", parts);
  }

  function gap(k) {
    const { mean, low, high } = shown.difference;
    const scale = [-shown.gap, shown.gap];
    const sure = low[k] > 0 || high[k] < 0;
    return make("span", "plot gap", [mark("reach", low[k], high[k], scale), mark(`dot ${side(mean[k])}${sure ? "" : " unsure"}`, mean[k], mean[k], scale)]);
  }

  function spoken(k) {
    const group = (each, name) => `${name}: ${toward(each.mean[k])}, 95 % interval ${range(each.low[k], each.high[k])}, deviation ${each.deviation[k].toFixed(2)}, ${asap.plural(each.n, "image", "images")}`;
    const parts = [`Dimension ${k + 1}`, group(shown.a, shown.b ? "A" : "mean")];
    if (shown.difference) {
      const { mean, low, high, effect } = shown.difference;
      parts.push(group(shown.b, "B"), `A less B: ${toward(mean[k])}, 95 % interval ${range(low[k], high[k])}, effect size ${Math.abs(effect[k]).toFixed(2)}`);
    }
    if (mine) parts.push(`the opened image: ${toward(mine[k])}`);
    return parts.join("; ");
  }

  function row(k) {
    const parts = [make("span", "name", `${k + 1}`), plot(k)];
    if (shown.difference) parts.push(gap(k), make("span", "value", [make("span", "long", short(shown.difference.mean[k])), `g ${Math.abs(shown.difference.effect[k]).toFixed(2)}`]));
    else parts.push(make("span", "value", short(shown.a.mean[k])));
    const chosen = asap.current.target === k;
    const button = make("button", "dimension-row", parts, {
      type: "button", "data-go": `target=${chosen ? "" : k}`, "aria-label": spoken(k), title: spoken(k).replaceAll("; ", "\n"), "aria-pressed": String(chosen), "data-k": k,
    });
    return make("li", "", button);
  }

  function list() {
    const ends = (word) => make("span", "plot ends", [make("span", "real", shown.difference ? "◂ real" : "◂ toward real"), make("span", "fake", shown.difference ? "fake ▸" : "toward fake ▸")], { title: word });
    const heads = [make("span", "name", "no."), ends("Mean contribution in logits; 0 is the mean real image")];
    if (shown.difference) heads.push(make("span", "plot heading", "A less B"), make("span", "value", [make("span", "long", "A less B"), "effect"], { title: "Hedges' g: the difference in pooled deviations" }));
    else heads.push(make("span", "value", "mean"));
    const place = make("ol", "dimension-list", ordered().map(row), { "aria-label": "Dimensions" });
    const drawn = make("div", `dimension-chart${shown.difference ? " paired" : ""}`, [make("div", "dimension-heads", heads, { "aria-hidden": "true" }), place, key()]);
    drawn.style.setProperty("--zero", `${at(0, shown.scale)}%`);
    return drawn;
  }

  function key() {
    const parts = shown.difference
      ? [make("span", "swatch a", ""), "A", make("span", "swatch b", ""), make("span", "", "B: means · lines: 95 % intervals · hollow dot: no clear difference")]
      : [make("span", "", "bar: mean · line: 95 % interval · band: one deviation between images")];
    if (mine) parts.push(make("span", "swatch mine", ""), make("span", "", "opened image"));
    return make("p", "dimension-key quiet", parts);
  }

  function numbers() {
    const columns = (group, name) => [
      [name, (k) => toward(group.mean[k])], [`${name}, 95 %`, (k) => range(group.low[k], group.high[k])], [`${name}, deviation`, (k) => group.deviation[k].toFixed(2)],
    ];
    const all = [["Dimension", (k) => String(k + 1)], ...columns(shown.a, shown.b ? "A" : "Mean")];
    if (shown.difference) {
      const { mean, low, high, effect } = shown.difference;
      all.push(...columns(shown.b, "B"), ["A less B", (k) => toward(mean[k])], ["A less B, 95 %", (k) => range(low[k], high[k])], ["Effect size g", (k) => Math.abs(effect[k]).toFixed(2)]);
    }
    if (mine) all.push(["Opened image", (k) => toward(mine[k])]);
    const body = ordered().map((k) => make("tr", "", all.map(([, text], i) => make(i ? "td" : "th", "", text(k), i ? {} : { scope: "row" }))));
    const { a, b, filter } = asap.current;
    const words = (group, phrase, name) => `${name}: ${phrase ? asap.phraseName(phrase) : filter ? "all that pass the filter" : "everything"}, ${asap.plural(group.n, "image", "images")}`;
    const caption = [words(shown.a, a, "A"), ...(shown.b ? [words(shown.b, b, "B")] : []), "contributions in logits"].join("; ");
    return make("div", "dimension-table", make("table", "", [make("caption", "", caption), make("thead", "", make("tr", "", all.map(([name]) => make("th", "", name, { scope: "col" })))), make("tbody", "", body)]), { tabindex: "0" });
  }

  function nobody() {
    const { a, filter } = asap.current;
    const why = filter ? `No image of ${a ? "A" : "the collection"} passes the filter.` : "A holds no images.";
    return make("p", "trouble", `${why} There is nothing to sum up.`);
  }

  function bars() {
    const place = document.getElementById("dimension-bars");
    const focused = place.contains(document.activeElement) && document.activeElement.dataset.k;
    const lines = [shown.a ? (table ? numbers() : list()) : nobody()];
    if (shown.a && asap.current.b && !shown.b) lines.unshift(make("p", "trouble slim", "B holds no image that passes: A alone is shown."));
    place.replaceChildren(...lines);
    place.setAttribute("aria-busy", "false");
    if (focused) place.querySelector(`[data-k="${focused}"]`)?.focus();
  }

  function tools() {
    const sort = make("select", "small-select", Object.entries(ORDERS).map(([value, name]) => make("option", "", name, { value })), { "aria-label": "Order of the dimensions" });
    if (!shown.difference) sort.querySelector("[value=difference]").disabled = true;
    sort.value = shown.a ? order() : "size";
    sort.addEventListener("change", () => asap.go({ order: sort.value }));
    const twin = asap.button("The same numbers as a table", "text-button", "Table", () => { table = !table; bars(); tools(); }, { "aria-pressed": String(table) });
    asap.refill(document.getElementById("dimension-tools"), [sort, twin]);
  }

  async function draw(a, b, filter, target, image) {
    const turn = ++latest;
    const place = document.getElementById("dimension-bars");
    const panel = place.closest(".panel");
    panel.toggleAttribute("data-chosen", typeof target === "number");
    place.setAttribute("aria-busy", "true");
    try {
      const asked = { a: a && asap.shown(a), b: b && asap.shown(b), of: filter, v: asap.edition() };
      const opened = image === null || image === undefined ? null : asap.fetchJson(asap.query("contributions", String(image), {}));
      const [found, one] = await Promise.all([asap.fetchJson(asap.query("dimensions", "", asked)), opened]);
      if (turn !== latest) return dash_clientside.no_update;
      shown = found;
      mine = one ? one.values : null;
      panel.dataset.groups = [found.a ? found.a.n : 0, found.b ? found.b.n : 0].join(" ");
      asap.groups.redraw(found);
      tools();
      bars();
      asap.dimension.show(asked, target, found);
    } catch (error) {
      if (turn !== latest) return dash_clientside.no_update;
      asap.groups.redraw(null);
      place.replaceChildren(make("p", "trouble", `The dimensions could not be summed up: ${error.message}.`));
      place.setAttribute("aria-busy", "false");
    }
    return dash_clientside.no_update;
  }

  document.addEventListener("asap:names", () => shown && bars());
  window.dash_clientside = Object.assign({}, window.dash_clientside, { dimensions: { draw } });
})();
