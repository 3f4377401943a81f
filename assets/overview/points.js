// Single images at their places: dots, or where few are seen, round thumbnails. Nothing is left out.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;
  const PICTURES = 120; // seen at once; of more there are dots
  const REACH = 14; // px around a point that still hit it
  const STEPS = 100000; // of a coordinate, see app/routes/points.py
  const GRID = 8; // steps of a view, so that small moves ask for nothing new
  let known = null; // what was asked for last: rows, x, y, kind

  const canvas = () => document.getElementById("overview-dots");
  const box = () => document.getElementById("overview-singles");

  // The part of the plane to ask for: what is seen and a little more.
  function part() {
    const { x0, x1, y0, y1 } = asap.view.range();
    const step = 2 ** Math.ceil(Math.log2(x1 - x0)) / GRID;
    const clip = (value) => Math.min(1, Math.max(0, value));
    const found = [Math.floor(x0 / step), Math.floor(y0 / step), Math.ceil(x1 / step), Math.ceil(y1 / step)].map((value) => clip(value * step));
    return found[0] < found[2] && found[1] < found[3] ? found : [0, 0, 1, 1];
  }

  // How large a picture of that part must be, in the sizes that the server draws.
  function pixels([x0, , x1]) {
    const wide = (x1 - x0) * asap.view.size().plane * 2; // small marks need more than the screen has
    return Math.min(2048, Math.max(64, 64 * Math.ceil(wide / 64)));
  }

  async function ask(want) {
    const asked = { of: want.of, view: want.window.join(","), v: asap.edition() };
    return asap.fetchJson(asap.query("points", `${want.plane}.json`, asked));
  }

  function show(found) {
    known = found && found.rows ? found : null;
    place();
  }

  // Which of them are seen: [index, x, y] in px.
  function seen() {
    const { width, height } = asap.view.size();
    const found = [];
    known.rows.forEach((_, i) => {
      const [x, y] = asap.view.toPixels(known.x[i] / STEPS, known.y[i] / STEPS);
      if (x > -20 && y > -20 && x < width + 20 && y < height + 20) found.push([i, x, y]);
    });
    return found;
  }

  function place() {
    const visible = known ? seen() : [];
    const few = visible.length <= PICTURES;
    if (few) canvas().width = 0;
    else dots(visible);
    pictures(few ? visible : []);
  }

  function dots(visible) {
    const place = canvas();
    const { width, height } = asap.view.size();
    const sharp = window.devicePixelRatio || 1;
    [place.width, place.height] = [width * sharp, height * sharp];
    const pen = place.getContext("2d");
    pen.scale(sharp, sharp);
    const radius = Math.min(7, Math.max(2.6, 0.16 * Math.sqrt((width * height) / visible.length)));
    const colours = [asap.token("--real"), asap.token("--fake")];
    [pen.strokeStyle, pen.lineWidth] = [asap.token("--paper"), 1];
    const order = [...visible].sort((one, other) => (known.kind[one[0]] & 2) - (known.kind[other[0]] & 2)); // errors last
    for (const [i, x, y] of order) {
      const fake = known.kind[i] & 1;
      pen.fillStyle = colours[fake];
      pen.beginPath();
      if (fake) triangle(pen, x, y, radius * 1.25);
      else pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
      if (known.kind[i] & 2) {
        pen.fillStyle = asap.token("--ink");
        pen.beginPath();
        pen.arc(x, y + (fake ? radius * 0.25 : 0), Math.max(1.4, radius * 0.42), 0, 2 * Math.PI);
        pen.fill();
      }
    }
  }

  function triangle(pen, x, y, reach) {
    pen.moveTo(x, y - reach);
    pen.lineTo(x + reach * 0.9, y + reach * 0.72);
    pen.lineTo(x - reach * 0.9, y + reach * 0.72);
    pen.closePath();
  }

  function pictures(visible) {
    const place = box();
    const { width, height } = asap.view.size();
    const across = Math.min(60, Math.max(22, 0.55 * Math.sqrt((width * height) / Math.max(visible.length, 1))));
    const kept = new Map([...place.children].map((each) => [each.dataset.row, each]));
    const fresh = visible.map(([i, x, y]) => {
      const row = String(known.rows[i]);
      const picture = kept.get(row) || single(row, known.kind[i]);
      kept.delete(row);
      picture.style.transform = `translate(${x - across / 2}px, ${y - across / 2}px)`;
      picture.style.width = picture.style.height = `${across}px`;
      return picture;
    });
    for (const old of kept.values()) old.remove();
    for (const picture of fresh) if (!picture.isConnected) place.append(picture);
  }

  function single(row, kind) {
    const image = make("img", "", [], { src: asap.url("thumb", `${row}?s=128`), alt: "", decoding: "async", draggable: "false" });
    const mark = kind & 2 ? [make("span", "single-mark", "!")] : kind & 4 ? [make("span", "single-mark unsure", "?")] : [];
    return make("div", `single ${kind & 1 ? "fake" : "real"}`, [image, ...mark], { "data-row": row });
  }

  // The image at a point of the browser's window: {row, kind, x, y}; null where there is none.
  function hit(event) {
    if (!known) return null;
    const [x, y] = asap.view.toPlane(event);
    const reach = REACH / asap.view.size().plane;
    let [best, least] = [null, reach];
    known.rows.forEach((_, i) => {
      const far = Math.hypot(known.x[i] / STEPS - x, known.y[i] / STEPS - y);
      if (far <= least) [best, least] = [i, far];
    });
    return best === null ? null : { row: known.rows[best], kind: known.kind[best], x: known.x[best] / STEPS, y: known.y[best] / STEPS };
  }

  // Where some images lie, whatever is seen: [x, y] each, in the order of their rows.
  async function locate(plane, rows) {
    const found = await asap.fetchJson(asap.query("points", `${plane}.json`, { of: `rows=${rows.join("|")}`, v: asap.edition() }));
    return found.rows.map((_, i) => [found.x[i] / STEPS, found.y[i] / STEPS]);
  }

  asap.points = { part, pixels, ask, show, place, hit, locate };
})();
