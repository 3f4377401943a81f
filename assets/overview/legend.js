// What stands around the plane: the menu's state, the line that says what is seen, and the legend, whose words are filters.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;
  const HEATS = { n: "images", fake: "fake share", errors: "error rate", severity: "severity", sensitivity: "sensitivity", pattern: "pattern" };
  const SHOWS = { glyphs: "Glyphs", thumbnails: "Thumbnails", points: "Points", table: "Table" };
  let listening = false;

  const by = (id) => document.getElementById(id);
  const heatName = (measure) => HEATS[measure] || `dimension ${Number(measure.slice(1)) + 1}`;

  // Buttons that choose are pressed while what they choose is so.
  function choices() {
    const now = asap.current;
    by("overview-mode").textContent = now.show === "heat" ? `Heat: ${heatName(now.measure)}` : SHOWS[now.show];
    for (const button of document.querySelectorAll(".overview [data-choice]")) {
      const said = [...new URLSearchParams(button.dataset.choice)];
      button.setAttribute("aria-pressed", String(said.every(([key, value]) => String(now[key]) === value)));
    }
    for (const hint of document.querySelectorAll("#overview-note [data-plane]")) hint.hidden = hint.dataset.plane !== now.plane;
  }

  function state(scene, seen) {
    const all = asap.images();
    const n = scene.table.columns.n.reduce((sum, each) => sum + each, 0);
    const images = n === all ? asap.plural(n, "image", "images") : `${asap.number(n)} of ${asap.plural(all, "image", "images")}`;
    const single = scene.kind === "points" || scene.kind === "cloud";
    const what = single ? `${asap.number(seen)} in view, all drawn` : `${scene.side} × ${scene.side} cells`;
    by("overview-state").textContent = `${images} · ${what}`;
  }

  // A word of the legend that is a filter too: `condition` whole, or a range of severity.
  function word(text, condition, mark, kind) {
    const severity = condition.startsWith("severity=");
    const pressed = severity ? asap.filter.values("severity").includes(condition.slice(9)) : asap.filter.has(condition);
    const attributes = { type: "button", "data-filter": condition, "aria-pressed": String(pressed), title: `Show only: ${text}` };
    return make("button", `key-word ${kind || ""}`, mark ? [mark, text] : text, attributes);
  }

  const icon = (kind) => make("span", `key-icon ${kind}`);

  function enlarged() {
    const pictures = [...document.querySelectorAll(".legend-content > [hidden] img")].map((image) => image.cloneNode());
    if (!asap.labelled()) {
      return make("div", "key-glyph", [make("div", "key-side left", word("judged fake", "judged-fake")), ...pictures, make("div", "key-side", word("judged real", "judged-real"))]);
    }
    return make("div", "key-glyph", [
      make("div", "key-side left", [word("misses", "misses"), word("fake", "fake")]),
      ...pictures,
      make("div", "key-side", [word("false alarms", "false-alarms"), word("real", "real")]),
    ]);
  }

  // What marks of single images, and of cells too small for a ring, stand for.
  function marks(mostly) {
    const of = (name) => (mostly ? `mostly ${name}` : name);
    const words = asap.labelled()
      ? [word(of("real"), "real", icon("real")), word(of("fake"), "fake", icon("fake" + (mostly ? " square" : ""))), word(mostly ? "some wrong" : "judged wrong", "wrong", icon("wrong"))]
      : [word(of("judged real"), "judged-real", icon("real")), word(of("judged fake"), "judged-fake", icon("fake" + (mostly ? " square" : "")))];
    return make("div", "key-row", [...words, unsure()]);
  }

  const unsure = () => word("inconclusive", "inconclusive", icon("unsure"));

  function severities(levels, thresholds) {
    const words = levels.map((name, k) => word(name, `severity=${thresholds[k]}..${thresholds[k + 1]}`, icon(`level-${k}`)));
    return make("div", "key-row", [make("span", "key-name", "Hole: median severity"), ...words]);
  }

  function sizes(table) {
    const circles = [1, ...table.sizes].map((begins, k) => {
      const circle = icon("size");
      circle.style.width = circle.style.height = `${[8, 11, 14, 17][k]}px`;
      return make("span", "key-size", [circle, `${asap.number(begins)}+`]);
    });
    const few = make("span", "key-size", [icon("few"), `under ${table.few}: read with care`]);
    return make("div", "key-row", [make("span", "key-name", "Size: images"), ...circles, make("span", "key-break"), few, unsure()]);
  }

  const LEGENDS = {
    donuts: ({ table }) => [enlarged(), make("div", "key-rows", [severities(table.levels, table.thresholds), sizes(table)])],
    squares: ({ table }) => [make("div", "key-rows", [marks(true), make("p", "hint", `Small cells are drawn plainly; zoom in for rings. Pale: fewer than ${table.few} images.`)])],
    heat: ({ table, field }) => [asap.heatScale(field, table.levels)],
    points: () => [make("div", "key-rows", [marks(false)])],
  };
  LEGENDS.frames = LEGENDS.donuts;
  LEGENDS.cloud = LEGENDS.points;

  function draw(scene) {
    listen();
    const focused = document.activeElement?.closest("#overview-key")?.querySelector(":focus").dataset.filter;
    by("overview-key").replaceChildren(...LEGENDS[scene.kind](scene));
    if (focused) by("overview-key").querySelector(`[data-filter="${focused}"]`)?.focus();
  }

  function listen() {
    if (listening) return;
    listening = true;
    by("overview-key").addEventListener("click", (event) => {
      const button = event.target.closest("[data-filter]");
      if (!button) return;
      const condition = button.dataset.filter;
      if (!condition.startsWith("severity=")) asap.filter.toggle(condition);
      else asap.filter.put("severity", asap.filter.values("severity").includes(condition.slice(9)) ? [] : [condition.slice(9)]);
    });
    const [fold, menu] = [by("overview-legend"), by("overview-menu")];
    fold.open = (remembered() ?? (window.innerHeight >= 700 ? "open" : "shut")) === "open";
    fold.addEventListener("toggle", () => remember(fold.open ? "open" : "shut"));
    document.addEventListener("pointerdown", (event) => {
      if (menu.open && !menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("click", (event) => {
      if (event.target.closest("[data-go]")) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      event.stopPropagation();
      menu.open = false;
      by("overview-mode").focus();
    });
  }

  function remembered() {
    try {
      return localStorage.getItem("asap-legend");
    } catch {
      return null; // a browser that keeps nothing
    }
  }

  function remember(value) {
    try {
      localStorage.setItem("asap-legend", value);
    } catch {
      // it lasts until the page is left
    }
  }

  asap.legend = { choices, state, draw };
})();
