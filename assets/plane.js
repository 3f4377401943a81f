// The plane in the hand: which cell is under the pointer, clicks, keys, zoom, rings and level of detail.
(function () {
  const asap = (window.asap = window.asap || {});
  const DWELL = 125; // ms before a card appears
  const STILL = 4; // px a click may wander
  const DONUT = 24; // px a cell; below it a donut cannot be read

  let focused = null; // code of the cell that the keyboard is on
  let hovered = null;
  let dwell = 0;
  let pressed = null;
  let latest = 0; // the newest call of `mark`; older ones give up
  let table = null; // of the plane and side that are drawn

  const stage = () => document.getElementById("overview-stage");
  const plot = () => document.querySelector("#overview-plane .js-plotly-plot");
  const ready = (gd) => gd && gd._fullLayout && gd._fullLayout.xaxis && gd.layout && gd.layout.meta;

  // Cell under a point of the window: its code, or null where there are no images.
  function hit(event) {
    const gd = plot();
    if (!ready(gd) || !table) return null;
    const { xaxis, yaxis } = gd._fullLayout;
    const box = gd.getBoundingClientRect();
    const x = xaxis.p2d(event.clientX - box.left - xaxis._offset);
    const y = yaxis.p2d(event.clientY - box.top - yaxis._offset);
    const side = table.side;
    const column = Math.floor(x * side);
    const row = side - 1 - Math.floor(y * side);
    if (column < 0 || row < 0 || column >= side || row >= side) return null;
    const code = row * side + column;
    return table.at.has(code) ? code : null;
  }

  // A cell's place in the window, in px.
  function box(code) {
    const gd = plot();
    const { xaxis, yaxis } = gd._fullLayout;
    const frame = gd.getBoundingClientRect();
    const [column, row] = [code % table.side, Math.floor(code / table.side)];
    const left = frame.left + xaxis._offset + xaxis.d2p(column / table.side);
    const top = frame.top + yaxis._offset + yaxis.d2p(1 - row / table.side);
    return { left, top, size: cellPixels(gd) };
  }

  const cellPixels = (gd) =>
    Math.abs(gd._fullLayout.xaxis.d2p(1 / gd.layout.meta.side) - gd._fullLayout.xaxis.d2p(0));

  function ring(code, kind) {
    const side = table.side;
    const [column, row] = [code % side, Math.floor(code / side)];
    const style = getComputedStyle(document.documentElement);
    const colour = style.getPropertyValue(kind === "selected" ? "--ink" : "--accent").trim();
    return {
      type: "rect", x0: column / side, x1: (column + 1) / side, y0: 1 - (row + 1) / side, y1: 1 - row / side,
      line: { color: colour, width: kind === "selected" ? 3 : 2, dash: kind === "selected" ? "solid" : "dot" },
    };
  }

  // Rings and level of detail as they should be; drawn anew only where they are not.
  function refresh() {
    const gd = plot();
    if (!ready(gd) || !table || table.side !== gd.layout.meta.side) return;
    const shapes = [];
    const chosen = asap.current.cell;
    if (chosen !== null && table.at.has(chosen)) shapes.push(ring(chosen, "selected"));
    if (focused !== null && focused !== chosen) shapes.push(ring(focused, "focused"));
    const source = gd.layout.images[0].source;
    const wanted = source.replace(/donuts|squares/, cellPixels(gd) < DONUT ? "squares" : "donuts");
    const changes = {};
    if (JSON.stringify(shapes) !== (gd._asapShapes || "[]") || (gd.layout.shapes || []).length !== shapes.length) {
      changes.shapes = shapes;
    }
    if (wanted !== source) changes["images[0].source"] = wanted;
    gd._asapShapes = JSON.stringify(shapes);
    if (Object.keys(changes).length) Plotly.relayout(gd, changes);
  }

  function leave() {
    clearTimeout(dwell);
    hovered = null;
    asap.card.hide();
  }

  function move(event) {
    if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > STILL) return leave();
    const code = hit(event);
    stage().style.cursor = code === null ? "" : "pointer";
    if (code === hovered) return;
    leave();
    hovered = code;
    if (code !== null) dwell = setTimeout(() => asap.card.show(table, code, box(code)), DWELL);
  }

  function lift(event) {
    const start = pressed;
    pressed = null;
    if (!start || event.button !== 0 || Math.hypot(event.clientX - start.x, event.clientY - start.y) > STILL) return;
    const code = hit(event);
    if (code === null) return;
    focused = code;
    choose(code);
  }

  const choose = (code) => asap.go({ cell: code === asap.current.cell ? null : code, page: null, image: null });

  // The occupied cell that an arrow leads to: ahead, and rather straight than near.
  function neighbour(code, dx, dy) {
    const side = table.side;
    const place = (c) => [c % side, Math.floor(c / side)];
    const [x, y] = place(code);
    let best = null;
    let least = Infinity;
    for (const other of table.columns.code) {
      const [u, v] = place(other);
      const ahead = (u - x) * dx + (v - y) * dy;
      const aside = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
      if (ahead > 0 && ahead + 2 * aside < least) [best, least] = [other, ahead + 2 * aside];
    }
    return best;
  }

  function focus(code) {
    focused = code;
    refresh();
    document.getElementById("overview-spoken").textContent = asap.spoken(table, table.at.get(code));
    asap.card.show(table, code, box(code));
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function key(event) {
    if (!table || !table.columns.code.length || event.ctrlKey || event.metaKey || event.altKey) return;
    if (ARROWS[event.key]) {
      event.preventDefault();
      const from = focused ?? asap.current.cell;
      const to = from === null ? asap.fullest(table) : neighbour(from, ...ARROWS[event.key]);
      if (to !== null) focus(to);
    } else if (event.key === "Enter" && focused !== null) {
      event.preventDefault();
      choose(focused);
    } else if (event.key === "Escape") leave();
  }

  asap.fullest = (known) => known.columns.code[known.columns.n.indexOf(Math.max(...known.columns.n))];

  function zoom(how) {
    const gd = plot();
    if (!ready(gd)) return;
    const factor = { in: 1 / 1.5, out: 1.5 }[how];
    const range = (axis) => {
      if (!factor) return [-0.012, 1.012];
      const [low, high] = axis.range;
      const [middle, half] = [(low + high) / 2, ((high - low) / 2) * factor];
      return half > 0.75 ? [-0.012, 1.012] : [middle - half, middle + half];
    };
    const { xaxis, yaxis } = gd._fullLayout;
    Plotly.relayout(gd, { "xaxis.range": range(xaxis), "yaxis.range": range(yaxis) });
  }

  function listen() {
    const place = stage();
    if (place.dataset.listening) return;
    place.dataset.listening = "yes";
    place.addEventListener("pointermove", move);
    place.addEventListener("pointerleave", leave);
    place.addEventListener("pointerdown", (event) => (pressed = { x: event.clientX, y: event.clientY }), true);
    window.addEventListener("pointerup", lift, true);
    place.addEventListener("wheel", leave, { passive: true });
    place.addEventListener("keydown", key);
    place.addEventListener("blur", () => {
      focused = null;
      leave();
      refresh();
    });
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-zoom]");
      if (button) zoom(button.dataset.zoom);
    });
  }

  // The plot, once Plotly (which is loaded late) has drawn this plane and side; null where another was asked for.
  async function drawn(plane, side, turn) {
    for (;;) {
      if (turn !== latest) return null;
      const gd = plot();
      if (ready(gd) && gd.on && gd.layout.meta.plane === plane && gd.layout.meta.side === side) return gd;
      await new Promise((done) => setTimeout(done, 16));
    }
  }

  async function mark(figure) {
    listen();
    if (!figure) return dash_clientside.no_update;
    const turn = ++latest;
    const { plane, side } = figure.layout.meta;
    if (!table || table.plane !== plane || table.side !== side) {
      focused = null;
      leave();
      table = null;
      const known = await asap.cells(plane, side);
      if (turn !== latest) return dash_clientside.no_update;
      table = Object.assign(known, { plane });
    }
    const gd = await drawn(plane, side, turn);
    if (!gd) return dash_clientside.no_update;
    if (!gd._asapListening) {
      gd._asapListening = true;
      gd.on("plotly_afterplot", refresh);
    }
    refresh();
    stage().dataset.ready = `${plane}/${side}`;
    return dash_clientside.no_update;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { plane: { mark } });
})();
