// Rings on the plane: groups A (solid) and B (double), the cells of a pattern, the opened image's place, what is
// pointed at and what the keyboard is on. Drawn in the plane's own units, so they follow every zoom.
(function () {
  const asap = (window.asap = window.asap || {});
  const { draw } = asap;
  const PINS = 40; // single images whose place is marked
  let latest = null; // what was drawn last
  let svg = null;
  let inPlane = null; // the group that is moved and scaled
  let pins = []; // [element, x, y]: what keeps its size and upright place
  const marks = { groups: [], pattern: [], place: [], pointer: [] };

  function begin() {
    if (svg) return;
    svg = draw("svg", {});
    inPlane = svg.appendChild(draw("g", {}));
    document.getElementById("overview-rings").append(svg);
  }

  function place() {
    if (!svg) return;
    const [x, y] = asap.view.toPixels(0, 1); // y points down here
    inPlane.setAttribute("transform", `translate(${x} ${y}) scale(${asap.view.size().plane})`);
    for (const [element, u, v] of pins) {
      const [left, top] = asap.view.toPixels(u, v);
      element.setAttribute("transform", `translate(${left} ${top})`);
    }
  }

  // The shapes of one phrase on a plane: its cells and lassos, y pointing down.
  function shapes(phrase, plane) {
    const found = [];
    for (const condition of asap.conditions(phrase)) {
      const [, key, values] = /^(cell|lasso)=(.*)$/.exec(condition) || [];
      for (const value of key ? values.split("|") : []) {
        const [where, ...rest] = value.split("/");
        if (where !== plane) continue;
        if (key === "cell") found.push(square(Number(rest[1]), Number(rest[0])));
        else found.push(rest.map((corner) => corner.split(",").map(Number)).map(([x, y]) => [x, 1 - y]));
      }
    }
    return found;
  }

  function square(code, side) {
    const [x, y, w] = [(code % side) / side, Math.floor(code / side) / side, 1 / side];
    return [[x, y], [x + w, y], [x + w, y + w], [x, y + w]];
  }

  const outline = (corners, kind) => draw("path", { d: `M${corners.map((corner) => corner.join(" ")).join("L")}Z`, class: kind });

  // Groups: an outline and a letter, so that nobody needs to know the strokes.
  function group(phrase, plane, letter) {
    const kind = letter.toLowerCase();
    return shapes(phrase, plane).flatMap((corners) => {
      const [x, y] = corners.reduce((best, corner) => (corner[0] + corner[1] < best[0] + best[1] ? corner : best));
      const pin = draw("g", { class: `ring-letter ${kind}` });
      pin.append(draw("rect", { x: -9, y: -9, width: 18, height: 18, rx: 5 }), draw("text", { y: 4.5 }, letter));
      const lines = [outline(corners, `group ${kind} halo`), outline(corners, `group ${kind} outer`)];
      if (letter === "B") lines.push(outline(corners, "group b inner"));
      return [...lines.map((line) => ({ line })), { pin, x, y: 1 - y }];
    });
  }

  function put(kind, found) {
    begin();
    marks[kind] = found;
    const all = [...marks.pattern, ...marks.groups, ...marks.pointer, ...marks.place];
    inPlane.replaceChildren(...all.filter((each) => each.line).map((each) => each.line));
    for (const [element] of pins) element.remove();
    pins = all.filter((each) => each.pin).map(({ pin, x, y }) => [pin, x, y]);
    svg.append(...pins.map(([element]) => element));
    place();
  }

  function groups(plane, a, b) {
    put("groups", [...group(b, plane, "B"), ...group(a, plane, "A")]);
  }

  // The cells that hold a pattern's images; the stronger the ring, the larger its share of the cell.
  function pattern(field, side) {
    const found = [];
    (field ? field.code : []).forEach((code, j) => {
      if (!field.value[j]) return;
      const line = outline(square(code, side), "patterned");
      const strength = field.value[j] / field.high;
      line.style.strokeWidth = `${(1 + 2.5 * strength).toFixed(2)}px`;
      line.style.strokeOpacity = (0.35 + 0.65 * strength).toFixed(2);
      found.push({ line });
    });
    put("pattern", found);
  }

  // Where single images lie: the opened one, and those that a group names one by one.
  function images(places) {
    put("place", places.map(([x, y]) => {
      const pin = draw("g", { class: "place" });
      pin.append(draw("circle", { r: 11 }), draw("circle", { r: 11 }), draw("circle", { r: 2.5 }));
      return { pin, x, y };
    }));
  }

  // Images that are named one by one: the opened one, and those of a group's rows=….
  function pinned() {
    const { image, a, b } = asap.current;
    const named = asap.conditions(`${a || ""}&${b || ""}`).filter((each) => /^rows=[\d|]+$/.test(each));
    const rows = named.flatMap((each) => each.slice(5).split("|").map(Number));
    return [...new Set(image === null ? rows : [image, ...rows])].slice(0, PINS);
  }

  // Rings whose places must be asked for: of the chosen pattern, and of single images.
  async function named(scene) {
    latest = scene;
    const { pattern: chosen, show, measure } = asap.current;
    const rows = pinned();
    const heat = show === "heat" && measure === "pattern"; // the map says it already
    const [field, places] = await Promise.all([
      chosen && !heat ? asap.heat({ ...scene, measure: "pattern", pattern: chosen }).catch(() => null) : null,
      rows.length ? asap.points.locate(scene.plane, rows).catch(() => []) : [],
    ]);
    if (scene !== latest) return;
    pattern(field, scene.side);
    images(places);
  }

  // What is pointed at, and what the keyboard is on.
  function pointer(hovered, focused, side) {
    const found = [];
    if (focused !== null) found.push({ line: outline(square(focused, side), "focused") });
    if (hovered !== null && typeof hovered === "number" && hovered !== focused) found.push({ line: outline(square(hovered, side), "hovered") });
    if (hovered && hovered.row !== undefined) {
      const pin = draw("g", { class: "hovered-point" });
      pin.append(draw("circle", { r: 14 }));
      found.push({ pin, x: hovered.x, y: hovered.y });
    }
    put("pointer", found);
  }

  asap.rings = { place, groups, named, pointer };
})();
