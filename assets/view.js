// The part of the plane that is seen: coordinates, zoom, its place in the URL, and Plotly's pan, lasso and box.
(function () {
  const asap = (window.asap = window.asap || {});
  const WHOLE = { x0: -0.012, x1: 1.012, y0: -0.012, y1: 1.012 };
  const LEAST = 0.004; // of the plane: nobody needs to see less
  const CALM = 140; // ms without movement before anything is fetched,
  const PATIENCE = 500; // ms of movement after which it is all the same
  const CORNERS = 60; // of a lasso

  const listeners = { move: [], settle: [], lasso: [] };
  const tell = (kind, ...what) => listeners[kind].forEach((each) => each(...what));
  let written; // the view that this browser put into the URL last
  let goal = WHOLE; // what people want to see
  let wandered = false; // since the URL was written
  let ours = ""; // the range of a move that was not people's own
  let chosen = "pan"; // what the pointer does
  let calm = 0;
  let drawn = 0; // when it was settled last
  let seen = ""; // the range that was told last
  let shape = [0, 0]; // of the window, px

  const plot = () => document.querySelector("#overview-plane .js-plotly-plot");

  // The plot once Plotly, which is loaded late, has drawn it.
  function ready() {
    const gd = plot();
    return gd && gd.on && gd._fullLayout && gd._fullLayout.xaxis && gd._fullLayout._size.w > 0 ? gd : null;
  }

  function range() {
    const { xaxis, yaxis } = ready()._fullLayout;
    return { x0: xaxis.range[0], x1: xaxis.range[1], y0: yaxis.range[0], y1: yaxis.range[1] };
  }

  // The window's size in px, and how many px the plane's whole width takes.
  function size() {
    const { w, h } = ready()._fullLayout._size;
    const { x0, x1 } = range();
    return { width: w, height: h, plane: w / (x1 - x0) };
  }

  function toPixels(x, y) {
    const { x0, y1 } = range();
    const { plane } = size();
    return [(x - x0) * plane, (y1 - y) * plane];
  }

  // A point of the browser's window on the plane.
  function toPlane(event) {
    const box = plot().getBoundingClientRect();
    const { x0, y1 } = range();
    const { plane } = size();
    return [x0 + (event.clientX - box.left) / plane, y1 - (event.clientY - box.top) / plane];
  }

  // The shorter of the two: the window need not be square.
  const span = () => Math.min(range().x1 - range().x0, range().y1 - range().y0);

  const decimals = (span) => (span > 0.1 ? 3 : 5);

  function text() {
    const { x0, x1, y0, y1 } = range();
    if (span() < WHOLE.x1 - WHOLE.x0 + 0.01 && Math.max(x0, y0) < 0 && Math.min(x1, y1) > 1) return null;
    return [x0, y0, x1, y1].map((value) => Number(value.toFixed(decimals(span())))).join(",");
  }

  function set({ x0, x1, y0, y1 }) {
    return Plotly.relayout(ready(), { "xaxis.range": [x0, x1], "yaxis.range": [y0, y1] });
  }

  // Take the view that the URL says, unless this browser has just put it there.
  function adopt(view) {
    if (view === written || (written === undefined && view === null)) return;
    written = view;
    const [x0, y0, x1, y1] = view ? view.split(",").map(Number) : [];
    const sound = view && x1 - x0 >= LEAST / 2 && y1 - y0 >= LEAST / 2 && x1 - x0 < 3 && x1 > -0.5 && x0 < 1.5;
    restore(sound ? { x0, x1, y0, y1 } : WHOLE);
  }

  // See a part of the plane; where the window has another shape, there is more of it, which the URL need not say.
  function restore(part) {
    goal = part;
    set(part);
    ours = Object.values(range()).join(); // the axes have it already, whatever is drawn later
  }

  // The window's shape has changed: the same part of the plane is to be seen.
  function resized() {
    const { w, h } = ready()._fullLayout._size;
    if (w === shape[0] && h === shape[1]) return false;
    shape = [w, h];
    seen = "";
    restore(goal);
    return true;
  }

  function moved() {
    if (ready()._fullLayout.dragmode !== chosen) return use(chosen); // a redrawn figure begins with its own
    if (resized()) return;
    const here = Object.values(range()).join();
    if (here === seen) return; // drawn anew, not moved
    seen = here;
    if (here !== ours) {
      goal = text() === null ? WHOLE : range();
      wandered = true;
    }
    tell("move");
    if (Date.now() - drawn > PATIENCE) settled();
    clearTimeout(calm);
    calm = setTimeout(settled, CALM);
  }

  function settled() {
    if (!ready()) return;
    if (span() < LEAST * 0.99) return void scale(LEAST / span());
    const now = text();
    if (wandered && now !== (asap.current.view ?? null)) {
      written = now;
      asap.go({ view: now }, true);
    }
    wandered = false;
    drawn = Date.now();
    tell("settle");
  }

  // See what people want to see, also if the window is laid out anew before it is drawn.
  function want(part) {
    goal = part;
    wandered = true;
    return set(part);
  }

  // Show more or less around a point, by default the middle of what is seen.
  function scale(factor, x, y) {
    const { x0, x1, y0, y1 } = range();
    const [u, v] = [x ?? (x0 + x1) / 2, y ?? (y0 + y1) / 2];
    const [width, height] = [((x1 - x0) * factor) / 2, ((y1 - y0) * factor) / 2];
    return want({ x0: u - width, x1: u + width, y0: v - height, y1: v + height });
  }

  function zoom(how) {
    if (!ready()) return;
    const factor = { in: 1 / 1.6, out: 1.6, all: 99 }[how];
    if (span() * factor > 1.1) want(WHOLE);
    else scale(Math.max(factor, LEAST / span()));
  }

  // Move so that a square of the plane is seen, if it is not.
  function reveal(x, y, width) {
    const { x0, x1, y0, y1 } = range();
    if (x >= x0 && x + width <= x1 && y >= y0 && y + width <= y1) return null;
    return scale(1, x + width / 2, y + width / 2);
  }

  function use(tool) {
    const gd = ready();
    if (!gd) return;
    chosen = tool;
    if (gd._fullLayout.dragmode !== tool) Plotly.relayout(gd, { dragmode: tool });
    for (const button of document.querySelectorAll("[data-pointer]")) {
      button.setAttribute("aria-pressed", String(button.dataset.pointer === tool));
    }
  }

  const tool = () => chosen;

  // What was drawn around, as corners; few enough for a link.
  function corners(drawn) {
    if (drawn.lassoPoints) {
      const points = drawn.lassoPoints.x.map((x, i) => [x, drawn.lassoPoints.y[i]]);
      let kept = points;
      for (let step = 0.0005; kept.length > CORNERS; step *= 1.5) {
        kept = points.filter(((last) => (point) => {
          if (last && Math.hypot(point[0] - last[0], point[1] - last[1]) < step) return false;
          last = point;
          return true;
        })(null));
      }
      return kept;
    }
    const [[xa, xb], [ya, yb]] = [drawn.range.x, drawn.range.y];
    return [[xa, ya], [xb, ya], [xb, yb], [xa, yb]];
  }

  function selected(drawn) {
    if (!drawn || !(drawn.lassoPoints || drawn.range)) return;
    const digits = decimals(span());
    const found = corners(drawn).map((corner) => corner.map((value) => Number(value.toFixed(digits))).join(","));
    Plotly.relayout(ready(), { selections: [] });
    if (new Set(found).size > 2) tell("lasso", found.join("/"));
  }

  function listen() {
    const gd = ready();
    if (gd._asapListening) return;
    gd._asapListening = true;
    for (const event of ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"]) gd.on(event, moved);
    gd.on("plotly_selected", selected);
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-zoom], [data-pointer]");
      if (button && button.dataset.zoom) zoom(button.dataset.zoom);
      else if (button) use(button.dataset.pointer);
    });
    use("pan");
    resized();
  }

  // Waits for Plotly, then listens; every call after the first returns at once.
  async function begin() {
    while (!ready()) await new Promise((done) => setTimeout(done, 16));
    listen();
  }

  const on = (kind, listener) => listeners[kind].push(listener);
  asap.view = { begin, on, ready, range, size, toPixels, toPlane, adopt, zoom, reveal, use, tool };
})();
