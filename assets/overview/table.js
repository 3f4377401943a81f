// The overview's twin: the same cells as a table, sorted by any column.
(function () {
  const asap = (window.asap = window.asap || {});
  let order = { by: "n", down: true };

  function columns(table, field) {
    const c = table.columns;
    const all = [
      { by: "code", name: "Cell", value: (j) => c.code[j], text: (j) => asap.cellName(c.code[j], table.side) },
      { by: "n", name: "Images", value: (j) => c.n[j], text: (j) => asap.number(c.n[j]) },
    ];
    if (asap.labelled()) {
      const right = (j) => (c.n[j] - c.misses[j] - c.alarms[j]) / c.n[j];
      const span = (j) => asap.span(c.low[j] / 1000, c.high[j] / 1000);
      all.push(
        { by: "fake", name: "Fake", value: (j) => c.fake[j] / c.n[j], text: (j) => asap.percent(c.fake[j] / c.n[j]) },
        { by: "misses", name: "Misses", value: (j) => c.misses[j], text: (j) => asap.number(c.misses[j]) },
        { by: "alarms", name: "False alarms", value: (j) => c.alarms[j], text: (j) => asap.number(c.alarms[j]) },
        { by: "right", name: "Judged right", value: right, text: (j) => asap.percent(right(j)) },
        { by: "low", name: "95 % interval", value: (j) => c.low[j], text: span }
      );
    } else {
      all.push({ by: "called", name: "Judged fake", value: (j) => c.called[j] / c.n[j], text: (j) => asap.percent(c.called[j] / c.n[j]) });
    }
    all.push({
      by: "severity", name: "Severity", value: (j) => c.severity[j],
      text: (j) => `${table.levels[c.level[j]]} ${(c.severity[j] / 100).toFixed(2)}`,
    });
    if (field) {
      const value = (j) => field.value[field.code.indexOf(table.columns.code[j])];
      all.push({ by: "measure", name: field.title, value: (j) => value(j) ?? -Infinity, text: (j) => asap.measured(field, value(j)) });
    }
    return all;
  }

  const phrase = (table, code) => `cell=${table.plane}/${table.side}/${code}`;
  const goes = (group, words) => `${group}=${encodeURIComponent(words)}&page=`;

  function render(place, table, field) {
    const { make } = asap;
    const shown = columns(table, field);
    const by = shown.find((column) => column.by === order.by) || shown[1];
    const rows = table.columns.code.map((_, j) => j);
    rows.sort((a, b) => (order.down ? -1 : 1) * (by.value(a) - by.value(b)) || a - b);
    const head = shown.map((column) => {
      const sorted = column === by ? (order.down ? "descending" : "ascending") : "none";
      return make("th", "", make("button", "", column.name, { type: "button", "data-sort": column.by }), { "aria-sort": sorted, scope: "col" });
    });
    const body = rows.map((j) => {
      const words = phrase(table, table.columns.code[j]);
      const cells = shown.map((column, k) => {
        const text = column.text(j);
        if (k) return make("td", "", text);
        const compare = make("button", "compare", "B", { type: "button", "data-go": goes("b", words), "aria-label": `${text} as group B`, title: "Compare: make it group B" });
        return make("th", "", [make("button", "", text, { type: "button", "data-go": goes("a", words) }), compare], { scope: "row" });
      });
      return make("tr", words === asap.current.a ? "of-a" : words === asap.current.b ? "of-b" : "", cells);
    });
    const caption = make("caption", "", `${asap.plural(rows.length, "cell", "cells")} with images, of ${asap.number(table.side ** 2)}`);
    const drawn = make("table", "", [caption, make("thead", "", make("tr", "", head)), make("tbody", "", body)]);
    place.replaceChildren(drawn);
    drawn.tHead.addEventListener("click", (event) => {
      const button = event.target.closest("[data-sort]");
      if (!button) return;
      const name = button.dataset.sort;
      order = { by: name, down: order.by === name ? !order.down : name !== "code" };
      render(place, table, field);
      place.querySelector(`[data-sort="${name}"]`).focus();
    });
  }

  // Beside what every table has, the measure that a heat map shows.
  async function measured(now) {
    if (["n", "fake", "errors", "severity"].includes(now.measure)) return null;
    return asap.heat({ ...now, of: now.filter });
  }

  async function draw() {
    const place = document.getElementById("overview-table");
    const now = asap.current;
    place.closest(".overview-body").classList.toggle("as-table", now.show === "table");
    if (now.show !== "table") return;
    try {
      const table = Object.assign(await asap.cells(now.plane, now.side, now.filter), { plane: now.plane });
      const field = await measured(now);
      if (asap.current === now) render(place, table, field);
    } catch (error) {
      if (asap.current === now) place.replaceChildren(asap.make("p", "trouble", `The table could not be drawn: ${error.message}.`));
    }
  }

  asap.table = { draw };
})();
