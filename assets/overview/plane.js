// The overview in the hand (app/views/overview.py): what is drawn at which zoom, what is under the pointer, clicks, keys and gestures.
(function () {
  const asap = (window.asap = window.asap || {});
  const SIDES = [8, 16, 32, 64];
  const DWELL = 125; // ms before a card appears
  const STILL = 4; // px a click may wander
  const PLAIN = 24; // px a cell; below it a ring cannot be read
  const FRAME = 40; // px a cell; below it a thumbnail cannot
  const CLOSE = 96; // px a cell; from here finer cells are shown, or framed thumbnails where there are none
  const SINGLE = 192; // px a cell; from here its images are shown one by one

  let scene = null; // what is drawn, with its table
  let latest = 0; // the newest call of `settle`; older ones give up
  let focused = null; // code of the cell that the keyboard is on
  let hovered = null; // a cell's code, or a single image
  let dwell = 0;
  let pressed = null;

  const stage = () => document.getElementById("overview-stage");

  // What is to be drawn at this zoom.
  function wanted() {
    const now = asap.current;
    const pixels = asap.view.size().plane;
    const theme = document.documentElement.getAttribute("data-bs-theme");
    let side = SIDES.find((each) => each >= now.side && pixels / each < CLOSE) || 64;
    if (now.show === "thumbnails") while (side > 8 && pixels / side < FRAME) side /= 2;
    const cell = pixels / side;
    const want = { plane: now.plane, side, of: now.filter, theme, measure: now.measure, pattern: now.pattern };
    if (now.show === "heat") want.kind = "heat";
    else if (now.show === "points" || cell >= SINGLE) want.kind = "points";
    else if (now.show === "thumbnails" || cell >= CLOSE) want.kind = "frames";
    else want.kind = cell < PLAIN ? "squares" : "donuts";
    return want;
  }

  // Asks for what the kind needs, and names it.
  async function complete(want) {
    want.table = await asap.cells(want.plane, want.side, want.of);
    if (want.kind === "heat") want.field = await asap.heat(want);
    if (want.kind === "points") {
      want.window = asap.points.part();
      want.pixels = asap.points.pixels(want.window);
      want.found = await asap.points.ask(want);
      if (!want.found.rows) want.kind = "cloud";
    }
    want.key = JSON.stringify([want.kind, want.plane, want.side, want.of, want.theme, want.kind === "heat" && [want.measure, want.pattern], want.kind === "cloud" && [want.window, want.pixels]]);
    return asap.layers.prepare(want);
  }

  async function settle() {
    if (!asap.view.ready() || !asap.current.plane) return;
    const turn = ++latest;
    const want = wanted();
    try {
      const put = await complete(want);
      if (turn !== latest) return;
      const kept = scene && scene.plane === want.plane && scene.side === want.side && scene.of === want.of;
      scene = want;
      put();
      asap.points.show(want.kind === "points" ? want.found : null);
      if (!kept) {
        leave();
        say(want.table.columns.code.length ? "" : "No images under this filter.");
      }
      if (!kept || !want.table.at.has(focused)) focused = null;
      surround();
    } catch (error) {
      if (turn === latest) say(`The plane could not be drawn: ${error.message}.`);
    }
  }

  // Rings, legend and words around what was just drawn.
  function surround() {
    const now = asap.current;
    asap.rings.groups(scene.plane, now.a, now.b);
    asap.rings.pointer(hovered, focused, scene.side);
    asap.legend.state(scene, scene.found ? scene.found.n : 0);
    asap.legend.draw(scene);
    asap.rings.named(scene);
    const place = stage();
    place.dataset.ready = `${now.plane}/${now.side}`;
    place.dataset.scene = `${scene.kind}/${scene.side}`;
    place.dataset.of = scene.of || "";
  }

  // Make one image group A, and see where it lies.
  asap.showInPlane = async function (row) {
    const table = asap.current.show === "table";
    asap.go({ a: `rows=${row}`, page: null, image: null, focus: null, ...(table ? { show: "glyphs" } : {}) });
    try {
      const [[x, y]] = await asap.points.locate(asap.current.plane, [row]);
      asap.view.reveal(x, y, 0);
    } catch (error) {
      say(`The image’s place could not be found: ${error.message}.`);
    }
  };

  const say = (words) => (document.getElementById("overview-message").textContent = words);

  function moved() {
    leave();
    asap.layers.place(false);
    asap.points.place();
    asap.rings.place();
  }

  // What is under a point of the window: {row, …}, a cell's code, or null.
  function hit(event) {
    if (!scene || !asap.view.ready()) return null;
    const point = scene.kind === "points" ? asap.points.hit(event) : null;
    if (point || scene.kind === "points") return point;
    const [x, y] = asap.view.toPlane(event);
    const column = Math.floor(x * scene.side);
    const row = scene.side - 1 - Math.floor(y * scene.side);
    if (column < 0 || row < 0 || column >= scene.side || row >= scene.side) return null;
    const code = row * scene.side + column;
    return scene.table.at.has(code) ? code : null;
  }

  // A cell's or an image's place in the window, in px.
  function box(what) {
    const frame = stage().getBoundingClientRect();
    const cell = asap.view.size().plane / scene.side;
    const single = typeof what !== "number";
    const [u, v] = single ? [what.x, what.y] : [(what % scene.side) / scene.side, 1 - Math.floor(what / scene.side) / scene.side];
    const [left, top] = asap.view.toPixels(u, v);
    return single ? { left: frame.left + left - 20, top: frame.top + top - 20, size: 40 } : { left: frame.left + left, top: frame.top + top, size: cell };
  }

  function leave() {
    clearTimeout(dwell);
    if (hovered !== null && scene) asap.rings.pointer(null, focused, scene.side);
    hovered = null;
    asap.card.hide();
  }

  const same = (one, other) => one === other || (one && other && one.row !== undefined && one.row === other.row);

  function move(event) {
    if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > STILL) pressed.wandered = true;
    if ((pressed && pressed.wandered) || !stage().contains(event.target)) return hovered === null ? null : leave();
    const what = hit(event);
    stage().classList.toggle("points-at", what !== null);
    if (same(what, hovered)) return;
    leave();
    hovered = what;
    if (what === null) return;
    asap.rings.pointer(what, focused, scene.side);
    if (typeof what === "number") asap.card.fetch(scene, what);
    dwell = setTimeout(() => asap.card.show(scene, what, box(what)), DWELL);
  }

  function lift(event) {
    const start = pressed;
    pressed = null;
    if (!start || event.button !== 0 || start.wandered) return;
    const what = hit(event);
    if (what === null) return;
    if (typeof what !== "number") return asap.go({ image: what.row });
    focused = what;
    choose(cellPhrase(what), event.shiftKey ? "b" : "a");
  }

  const cellPhrase = (code) => `cell=${scene.plane}/${scene.side}/${code}`;

  function choose(phrase, group) {
    asap.go({ [group]: phrase === asap.current[group] ? null : phrase, page: null });
  }

  let shifted = false;

  async function lassoed(corners) {
    const phrase = `lasso=${asap.current.plane}/${corners}`;
    const group = shifted ? "b" : "a";
    const found = await asap.fetchJson(asap.query("points", `${asap.current.plane}.json`, { of: asap.both(phrase, asap.current.filter), v: asap.edition() })).catch((error) => ({ error }));
    if (found.error) return say(`The images inside could not be counted: ${found.error.message}.`);
    if (!found.n) return say("No images inside. Nothing was chosen.");
    asap.go({ [group]: phrase, page: null });
  }

  // The occupied cell that an arrow leads to: ahead, and rather straight than near.
  function neighbour(code, dx, dy) {
    const place = (c) => [c % scene.side, Math.floor(c / scene.side)];
    const [x, y] = place(code);
    let best = null;
    let least = Infinity;
    for (const other of scene.table.columns.code) {
      const [u, v] = place(other);
      const ahead = (u - x) * dx + (v - y) * dy;
      const aside = Math.abs((u - x) * dy) + Math.abs((v - y) * dx);
      if (ahead > 0 && ahead + 2 * aside < least) [best, least] = [other, ahead + 2 * aside];
    }
    return best;
  }

  function focus(code) {
    focused = code;
    const { side, table } = scene;
    document.getElementById("overview-spoken").textContent = asap.spoken(table, table.at.get(code));
    asap.view.reveal((code % side) / side, 1 - (Math.floor(code / side) + 1) / side, 1 / side);
    leave();
    asap.rings.pointer(null, focused, side);
    asap.card.show(scene, code, box(code));
  }

  // Where the arrows begin: at group A's cell, or at the fullest one that is seen.
  function begin() {
    const [, plane, side, code] = /^cell=(\w+)\/(\d+)\/(\d+)$/.exec(asap.current.a || "") || [];
    if (plane === scene.plane && Number(side) === scene.side && scene.table.at.has(Number(code))) return neighbourOf(Number(code));
    const { x0, x1, y0, y1 } = asap.view.range();
    const inside = (c) => {
      const [x, y] = [(c % scene.side + 0.5) / scene.side, 1 - (Math.floor(c / scene.side) + 0.5) / scene.side];
      return x > x0 && x < x1 && y > y0 && y < y1;
    };
    return asap.fullest(scene.table, inside) ?? asap.fullest(scene.table);
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let arrow = null;
  const neighbourOf = (code) => neighbour(code, ...arrow) ?? code;

  const KEYS = {
    Enter: () => focused !== null && choose(cellPhrase(focused), "a"),
    c: () => focused !== null && choose(cellPhrase(focused), "b"),
    p: () => asap.gestures.use("pan"),
    l: () => asap.gestures.use("lasso"),
    b: () => asap.gestures.use("box"),
    "+": () => asap.view.zoom("in"),
    "-": () => asap.view.zoom("out"),
    0: () => asap.view.zoom("all"),
    Escape: () => (leave(), asap.card.hide(), false), // others may close something too
  };

  function key(event) {
    if (!scene || event.ctrlKey || event.metaKey || event.altKey) return;
    arrow = ARROWS[event.key];
    if (arrow && scene.table.columns.code.length) {
      event.preventDefault();
      const to = focused === null ? begin() : neighbour(focused, ...arrow);
      if (to !== null) focus(to);
    } else if (KEYS[event.key] && KEYS[event.key]() !== false) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  // The code of the cell with most images, among those that `fits` lets through.
  asap.fullest = function (table, fits = () => true) {
    const { code, n } = table.columns;
    let best = null;
    code.forEach((each, j) => {
      if (fits(each) && (best === null || n[j] > n[best])) best = j;
    });
    return best === null ? null : code[best];
  };

  function listen() {
    const place = stage();
    if (place.dataset.listening) return;
    place.dataset.listening = "yes";
    window.addEventListener("pointermove", move);
    place.addEventListener("pointerleave", leave);
    place.addEventListener("pointerdown", (event) => {
      pressed = { x: event.clientX, y: event.clientY };
      shifted = event.shiftKey;
    }, true);
    window.addEventListener("pointerup", lift, true);
    place.addEventListener("keydown", key);
    place.addEventListener("blur", () => {
      focused = null;
      leave();
      if (scene) asap.rings.pointer(null, null, scene.side);
    });
    asap.view.on("move", moved);
    asap.view.on("settle", settle);
    asap.view.begin();
    asap.gestures.begin(lassoed);
  }

  // The selection has changed: the view first, then what is drawn in it.
  async function follow() {
    const now = asap.current;
    if (!now.plane) return dash_clientside.no_update;
    asap.legend.choices();
    asap.table.draw();
    listen();
    asap.view.adopt(now.view);
    await settle();
    return dash_clientside.no_update;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { plane: { follow } });
})();
