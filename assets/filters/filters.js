// The filter's bar: what is chosen, in words; and its menu: what can be chosen, with how many there are.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;
  let latest = 0;
  let words = new Map(); // of conditions that facets list

  const TITLES = { severity: "Severity", text: "Text", shows: "Looks like" };
  const NAMED = ["cell", "lasso", "pattern", "rows", "like"]; // as groups are

  // A condition in words.
  function say(condition) {
    if (words.has(condition)) return words.get(condition);
    const [key, rest] = [condition.split("=")[0], condition.slice(condition.indexOf("=") + 1)];
    if (!condition.includes("=")) return condition.replace("-", " ");
    if (NAMED.includes(key)) return asap.phraseName(condition);
    const title = TITLES[key] || key.replace(/^meta\./, "");
    const values = rest.split("|").map((value) => decodeURIComponent(value.replace(/%(?![0-9A-F]{2})/g, "%25")) || "–");
    return `${title}: ${values.join(" or ").replace("..", " to ")}`;
  }

  function chip(condition) {
    const rest = asap.conditions(asap.current.filter).filter((each) => each !== condition).join("&");
    const name = say(condition);
    const remove = make("button", "chip-remove", "×", { type: "button", "data-go": `filter=${encodeURIComponent(rest)}&page=`, "aria-label": `Remove the filter ${name}` });
    return make("span", "chip", [make("span", "chip-name", name), remove]);
  }

  function option(facet, [label, value, n, all]) {
    const condition = facet.key ? `${facet.key}=${value}` : value;
    const chosen = facet.key ? asap.filter.values(facet.key).includes(value) : asap.filter.has(condition);
    const button = make("button", "facet-option", [make("span", "facet-label", label), make("span", "facet-count", `${asap.number(n)} / ${asap.number(all)}`)], {
      type: "button", "aria-pressed": String(chosen), "data-facet": facet.key || "", "data-value": value,
    });
    if (!n && !chosen) button.classList.add("nobody");
    return button;
  }

  function severity({ thresholds, names, n }) {
    const [low, high] = (asap.filter.values("severity")[0] || "0..1").split("..").map(Number);
    const options = names.map((name, k) => {
      const range = `${thresholds[k]}..${thresholds[k + 1]}`;
      const chosen = asap.filter.values("severity")[0] === range;
      return make("button", "facet-option", [make("span", "facet-label", name), make("span", "facet-count", asap.number(n[k]))], {
        type: "button", "aria-pressed": String(chosen), "data-severity": range,
      });
    });
    const slider = (label, value) => {
      const input = make("input", "", [], { type: "range", min: 0, max: 1, step: 0.01, "aria-label": `${label} severity` });
      input.value = value;
      input.dataset.edge = label;
      return input;
    };
    const shown = make("output", "facet-range", `${low.toFixed(2)} to ${high.toFixed(2)}`);
    return make("section", "facet", [make("h3", "", "Severity"), ...options, make("div", "facet-sliders", [slider("least", low), slider("most", high), shown])]);
  }

  function menu(found) {
    const place = document.getElementById("filters-menu");
    const scrolled = place.querySelector(".dialog-text")?.scrollTop || 0;
    const close = make("button", "icon-button", "×", { type: "button", "data-close": "filters-menu", "aria-label": "Close" });
    const clear = make("button", "text-button", "Clear all", { type: "button", "data-go": "filter=&page=" });
    const head = make("header", "dialog-head", [make("h2", "", "Filter"), make("span", "quiet", `${asap.number(found.n)} / ${asap.number(found.total)} images`), clear, close]);
    const facets = found.facets.map((facet) => make("section", "facet", [make("h3", "", facet.title), ...facet.options.map((each) => option(facet, each))]));
    const focused = place.contains(document.activeElement) && document.activeElement.dataset.value;
    place.replaceChildren(head, make("div", "dialog-text facets", [...facets.slice(0, 4), severity(found.severity), ...facets.slice(4)]));
    place.querySelector(".dialog-text").scrollTop = scrolled;
    if (focused) place.querySelector(`[data-value="${CSS.escape(focused)}"]`)?.focus();
  }

  async function draw(filter) {
    const turn = ++latest;
    const place = document.getElementById("filters-chosen");
    try {
      const found = await asap.fetchJson(asap.query("facets", "", { of: filter }));
      if (turn !== latest) return dash_clientside.no_update;
      for (const facet of found.facets) for (const [label, value] of facet.options) if (!facet.key) words.set(value, label);
      const count = make("span", "filter-count", [make("strong", "", asap.number(found.n)), ` / ${asap.number(found.total)} images`]);
      const chosen = asap.conditions(filter).map(chip);
      const clear = chosen.length > 1 ? [make("button", "text-button", "Clear all", { type: "button", "data-go": "filter=&page=" })] : [];
      const none = found.n ? [] : [make("span", "warn", "No image is left: remove a filter.")];
      asap.refill(place, [count, ...chosen, ...clear, ...none]);
      menu(found);
    } catch (error) {
      if (turn !== latest) return dash_clientside.no_update;
      const clear = make("button", "text-button", "Clear the filter", { type: "button", "data-go": "filter=&page=" });
      place.replaceChildren(make("span", "warn", error.message), clear);
    }
    return dash_clientside.no_update;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-facet], [data-severity]");
    if (!button) return;
    const { facet, value, severity: range } = button.dataset;
    if (range) asap.filter.put("severity", button.ariaPressed === "true" ? [] : [range]);
    else if (!facet) asap.filter.toggle(value);
    else {
      const now = asap.filter.values(facet);
      asap.filter.put(facet, now.includes(value) ? now.filter((each) => each !== value) : [...now, value]);
    }
  });

  document.addEventListener("asap:tags", () => draw(asap.current.filter));

  document.addEventListener("input", (event) => {
    if (!event.target.dataset || !event.target.dataset.edge) return;
    const [low, high] = edges(event.target);
    event.target.parentElement.querySelector("output").textContent = `${low.toFixed(2)} to ${high.toFixed(2)}`;
  });

  document.addEventListener("change", (event) => {
    if (!event.target.dataset || !event.target.dataset.edge) return;
    const [low, high] = edges(event.target);
    asap.filter.put("severity", low <= 0 && high >= 1 ? [] : [`${low}..${high}`]);
  });

  function edges(input) {
    const [one, other] = [...input.parentElement.querySelectorAll("input")].map((each) => Number(each.value));
    return [Math.min(one, other), Math.max(one, other)];
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { filters: { draw } });
})();
