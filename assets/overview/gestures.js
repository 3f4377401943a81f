// The pointer on the plane: it moves and zooms what is seen, or draws around images with a lasso or a box.
(function () {
  const asap = (window.asap = window.asap || {});
  const STILL = 4; // px that a drawing needs; less is a click
  const CORNERS = 60; // of a lasso: few enough for a link
  const DOUBLE = 500; // px of a wheel that double what is seen, or halve it
  const UNITS = [1, 25, 400]; // px, lines and pages, as a wheel may count
  const PINCH = 10; // a trackpad's pinch comes as a wheel with Ctrl held, in small steps

  const down = new Map(); // pointers that are down, by id: where they were last
  let tool = "pan";
  let drawn = null; // what is being drawn: corners on the plane, and the path that shows it
  let tellLasso = null;

  const stage = () => document.getElementById("overview-stage");

  function use(name) {
    tool = name;
    stage().dataset.tool = name;
    for (const button of document.querySelectorAll("[data-pointer]")) {
      button.setAttribute("aria-pressed", String(button.dataset.pointer === name));
    }
  }

  // Where the fingers are: their middle, and how far apart they lie.
  function grip() {
    const [one, two] = [...down.values()];
    if (!two) return { clientX: one.clientX, clientY: one.clientY, apart: 0 };
    const apart = Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
    return { clientX: (one.clientX + two.clientX) / 2, clientY: (one.clientY + two.clientY) / 2, apart };
  }

  function press(event) {
    if (event.button !== 0 || down.size > 1) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
    forget(); // a second finger zooms, it does not draw
    if (tool !== "pan" && down.size === 1) drawn = { from: event, corners: [asap.view.toPlane(event)], path: null };
  }

  function drag(event) {
    if (!down.has(event.pointerId)) return;
    const before = grip();
    down.set(event.pointerId, event);
    if (drawn) return draw(event);
    const after = grip();
    asap.view.pan(after.clientX - before.clientX, after.clientY - before.clientY);
    if (before.apart && after.apart) asap.view.scale(before.apart / after.apart, ...asap.view.toPlane(after));
  }

  function draw(event) {
    if (!drawn.path && Math.hypot(event.clientX - drawn.from.clientX, event.clientY - drawn.from.clientY) < STILL) return;
    if (!drawn.path) drawn.path = outline();
    const [x, y] = asap.view.toPlane(event);
    const [[left, top]] = drawn.corners;
    if (tool === "lasso") drawn.corners.push([x, y]);
    else drawn.corners = [[left, top], [x, top], [x, y], [left, y]];
    const points = drawn.corners.map((corner) => asap.view.toPixels(...corner).map(Math.round).join(" "));
    drawn.path.setAttribute("d", `M${points.join("L")}Z`);
  }

  function outline() {
    const [picture, path] = [asap.draw("svg", { class: "drawing" }), asap.draw("path", {})];
    picture.append(path);
    stage().append(picture);
    return path;
  }

  function forget() {
    if (drawn && drawn.path) drawn.path.parentNode.remove();
    drawn = null;
  }

  function lift(event) {
    if (!down.delete(event.pointerId) || !drawn) return;
    const { path, corners } = drawn;
    forget();
    if (!path || event.type !== "pointerup") return;
    const found = thinned(corners).map(asap.view.rounded);
    if (new Set(found).size > 2) tellLasso(found.join("/"));
  }

  // Few enough corners, the ones that lie too close to the one before left out.
  function thinned(corners) {
    let kept = corners;
    for (let step = 0.0005; kept.length > CORNERS; step *= 1.5) {
      let last = null;
      kept = corners.filter(([x, y]) => {
        if (last && Math.hypot(x - last[0], y - last[1]) < step) return false;
        last = [x, y];
        return true;
      });
    }
    return kept;
  }

  function wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * UNITS[event.deltaMode] * (event.ctrlKey ? PINCH : 1);
    asap.view.scale(2 ** (pixels / DOUBLE), ...asap.view.toPlane(event));
  }

  // `lassoed` is told of every drawing: its corners, as a phrase of the selection has them.
  function begin(lassoed) {
    const place = stage();
    tellLasso = lassoed;
    place.addEventListener("pointerdown", press);
    place.addEventListener("pointermove", drag);
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) place.addEventListener(end, lift);
    place.addEventListener("wheel", wheel, { passive: false });
    place.addEventListener("keydown", (event) => event.key === "Escape" && (down.clear(), forget()));
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-zoom], [data-pointer]");
      if (button && button.dataset.zoom) asap.view.zoom(button.dataset.zoom);
      else if (button) use(button.dataset.pointer);
    });
    use("pan");
  }

  asap.gestures = { begin, use };
})();
