// The part of the plane that is seen: coordinates, zoom, and its place in the URL.
// Both axes run from 0 to 1 at every side, y upward, so a zoom survives a change of side.
(function () {
  const asap = (window.asap = window.asap || {});
  const WHOLE = { x0: -0.012, x1: 1.012, y0: -0.012, y1: 1.012 };
  const LEAST = 0.004; // of the plane: nobody needs to see less
  const STEP = 1.6; // of a button
  const CALM = 140; // ms without movement before anything is fetched,
  const PATIENCE = 500; // ms of movement after which it is all the same

  const listeners = { move: [], settle: [] };
  const tell = (kind) => listeners[kind].forEach((each) => each());
  let goal = WHOLE; // what people want to see; where the stage has another shape, more is seen
  let frame = { width: 0, height: 0 }; // the stage's, px
  let written; // the view that this browser put into the URL last
  let wandered = false; // since the URL was written
  let calm = 0;
  let drawn = 0; // when it was settled last

  const stage = () => document.getElementById("overview-stage");
  const ready = () => frame.width > 0 && frame.height > 0;

  // The stage's size in px, and how many px the plane's whole width takes.
  function size() {
    const plane = Math.min(frame.width / (goal.x1 - goal.x0), frame.height / (goal.y1 - goal.y0));
    return { ...frame, plane };
  }

  function range() {
    const { width, height, plane } = size();
    const [x, y] = [(goal.x0 + goal.x1) / 2, (goal.y0 + goal.y1) / 2];
    const [u, v] = [width / plane / 2, height / plane / 2];
    return { x0: x - u, x1: x + u, y0: y - v, y1: y + v };
  }

  function toPixels(x, y) {
    const { x0, y1 } = range();
    const { plane } = size();
    return [(x - x0) * plane, (y1 - y) * plane];
  }

  // A point of the browser's window on the plane.
  function toPlane({ clientX, clientY }) {
    const box = stage().getBoundingClientRect();
    const { x0, y1 } = range();
    const { plane } = size();
    return [x0 + (clientX - box.left) / plane, y1 - (clientY - box.top) / plane];
  }

  const span = () => Math.min(goal.x1 - goal.x0, goal.y1 - goal.y0);

  // Coordinates as they stand in a URL.
  const rounded = (values) => values.map((value) => Number(value.toFixed(span() > 0.1 ? 3 : 5))).join(",");

  function text() {
    const { x0, x1, y0, y1 } = goal;
    return Math.max(x0, y0) <= 0 && Math.min(x1, y1) >= 1 ? null : rounded([x0, y0, x1, y1]);
  }

  // Take the view that the URL says, unless this browser has just put it there.
  function adopt(view) {
    if (view === written || (written === undefined && view === null)) return;
    written = view;
    const [x0, y0, x1, y1] = view ? view.split(",").map(Number) : [];
    const sound = view && x1 - x0 >= LEAST / 2 && y1 - y0 >= LEAST / 2 && x1 - x0 < 3 && x1 > -0.5 && x0 < 1.5;
    goal = sound ? { x0, x1, y0, y1 } : WHOLE;
    moved();
  }

  function moved() {
    if (!ready()) return;
    tell("move");
    if (Date.now() - drawn > PATIENCE) settled();
    clearTimeout(calm);
    calm = setTimeout(settled, CALM);
  }

  function settled() {
    if (!ready()) return;
    const now = text();
    if (wandered && now !== (asap.current.view ?? null)) {
      written = now;
      asap.go({ view: now }, true);
    }
    wandered = false;
    drawn = Date.now();
    tell("settle");
  }

  // Somebody wants to see this part.
  function see(part) {
    goal = part;
    wandered = true;
    moved();
  }

  // The middle of what is seen stays on the plane, so nobody gets lost.
  function shift(dx, dy) {
    const { x0, x1, y0, y1 } = goal;
    const within = (low, high, by) => Math.max(-(low + high) / 2, Math.min(1 - (low + high) / 2, by));
    const [u, v] = [within(x0, x1, dx), within(y0, y1, dy)];
    see({ x0: x0 + u, x1: x1 + u, y0: y0 + v, y1: y1 + v });
  }

  // Move what is seen by so many px, as a hand moves paper.
  const pan = (right, down) => shift(-right / size().plane, down / size().plane);

  // Show more (above 1) or less of the plane; a point of it stays where it is, by default the middle.
  function scale(factor, x = (goal.x0 + goal.x1) / 2, y = (goal.y0 + goal.y1) / 2) {
    const by = Math.max(factor, LEAST / span());
    if (by > 1 && span() * by >= WHOLE.x1 - WHOLE.x0) return see(WHOLE);
    const about = (value, point) => point + (value - point) * by;
    see({ x0: about(goal.x0, x), x1: about(goal.x1, x), y0: about(goal.y0, y), y1: about(goal.y1, y) });
  }

  const zoom = (how) => (how === "all" ? see(WHOLE) : scale(how === "in" ? 1 / STEP : STEP));

  // Move so that a square of the plane is seen, if it is not.
  function reveal(x, y, width) {
    const { x0, x1, y0, y1 } = range();
    if (x >= x0 && x + width <= x1 && y >= y0 && y + width <= y1) return;
    shift(x + width / 2 - (x0 + x1) / 2, y + width / 2 - (y0 + y1) / 2);
  }

  function begin() {
    const place = stage();
    const measure = () => {
      const [width, height] = [place.clientWidth, place.clientHeight];
      if (width === frame.width && height === frame.height) return;
      frame = { width, height };
      moved();
    };
    frame = { width: place.clientWidth, height: place.clientHeight };
    new ResizeObserver(measure).observe(place);
  }

  const on = (kind, listener) => listeners[kind].push(listener);
  asap.view = { begin, on, ready, range, size, toPixels, toPlane, rounded, adopt, pan, scale, zoom, reveal };
})();
