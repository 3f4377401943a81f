// The overview's twin: the same cells as a table, sorted by any column.
(function () {
  const asap = (window.asap = window.asap || {});
  let order = { by: "n", down: true };

  function columns(table) {
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
    return all;
  }

  function render(place, table, cell) {
    const { make } = asap;
    const shown = columns(table);
    const by = shown.find((column) => column.by === order.by) || shown[1];
    const rows = table.columns.code.map((_, j) => j);
    rows.sort((a, b) => (order.down ? -1 : 1) * (by.value(a) - by.value(b)) || a - b);
    const head = shown.map((column) => {
      const sorted = column === by ? (order.down ? "descending" : "ascending") : "none";
      return make("th", "", make("button", "", column.name, { type: "button", "data-sort": column.by }), { "aria-sort": sorted, scope: "col" });
    });
    const body = rows.map((j) => {
      const code = table.columns.code[j];
      const cells = shown.map((column, k) => {
        const text = column.text(j);
        if (k) return make("td", "", text);
        return make("th", "", make("button", "", text, { type: "button", "data-go": `a=${encodeURIComponent(`cell=${asap.current.plane}/${table.side}/${code}`)}&page=&image=` }), { scope: "row" });
      });
      return make("tr", `cell=${asap.current.plane}/${table.side}/${code}` === cell ? "chosen" : "", cells);
    });
    const caption = make("caption", "", `${asap.plural(rows.length, "cell", "cells")} with images, of ${asap.number(table.side ** 2)}`);
    const drawn = make("table", "", [caption, make("thead", "", make("tr", "", head)), make("tbody", "", body)]);
    place.replaceChildren(drawn);
    drawn.tHead.addEventListener("click", (event) => {
      const button = event.target.closest("[data-sort]");
      if (!button) return;
      const name = button.dataset.sort;
      order = { by: name, down: order.by === name ? !order.down : name !== "code" };
      render(place, table, cell);
      place.querySelector(`[data-sort="${name}"]`).focus();
    });
  }

  async function draw(plane, side, cell, show) {
    const place = document.getElementById("overview-table");
    place.closest(".overview-body").classList.toggle("as-table", show === "table");
    if (show === "table") {
      const table = await asap.cells(plane, side);
      if (asap.current.show === "table" && asap.current.side === side) render(place, table, cell);
    }
    return dash_clientside.no_update;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { table: { draw } });
})();
