// What lies on the plane: pictures of glyphs, framed thumbnails, a heat map, or the picture of all points.
// A new picture is shown when it is there; until then the old one stays and moves along.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;
  const ACROSS = 1024; // px of a heat map's canvas
  const FRAMES = [34, 38, 42, 46].map((radius) => (0.7 * radius) / 100); // pictures in frames, see app/figures/glyph.py
  let across = 1; // px of the plane, as it was laid out last
  let shown = ""; // the key of what is shown
  let thumbs = null; // the box of thumbnails, where there are any

  const world = () => document.getElementById("overview-world");
  const share = (value) => `${(100 * value).toFixed(4)}%`;

  // Move everything to where the view is. While it moves, what is there is scaled; `anew` lays it out at its true size,
  // since pictures in a scaled box snap to that box's pixels.
  function place(anew) {
    const { x0, y1 } = asap.view.range();
    const { plane } = asap.view.size();
    const box = world();
    if (anew) {
      across = plane;
      box.style.width = box.style.height = `${plane}px`;
    }
    box.style.transform = `translate(${-x0 * plane}px, ${(y1 - 1) * plane}px) scale(${plane / across})`;
    box.style.willChange = anew ? "" : "transform";
  }

  async function picture(url) {
    const image = new Image();
    image.src = url;
    image.alt = "";
    await image.decode();
    return image;
  }

  const asked = (want) => ({ of: want.of, v: asap.edition() });

  async function sheet(want) {
    const image = await picture(asap.query("glyphs", `${want.plane}/${want.side}/${want.kind}-${want.theme}.svg`, asked(want)));
    image.className = "sheet";
    return want.kind === "frames" ? [image, make("div", "thumbs")] : [image];
  }

  // Pictures into the frames of the cells that are seen.
  function fillThumbs(table) {
    if (!thumbs) return;
    const { x0, x1, y0, y1 } = asap.view.range();
    const { side, columns, sizes } = table;
    const seen = new Set();
    columns.code.forEach((code, j) => {
      const [x, y] = [(code % side) / side, Math.floor(code / side) / side];
      if (x > x1 || x + 1 / side < x0 || 1 - y < y0 || 1 - y - 1 / side > y1) return;
      seen.add(String(code));
      if (thumbs.querySelector(`[data-code="${code}"]`)) return;
      const radius = FRAMES[sizes.filter((begins) => columns.n[j] >= begins).length] / side;
      const image = make("img", "", [], {
        src: asap.url("thumb", `${columns.medoid[j]}?s=128`), alt: "", decoding: "async", "data-code": code, draggable: "false",
      });
      Object.assign(image.style, {
        left: share(x + 0.5 / side - radius), top: share(y + 0.5 / side - radius), width: share(2 * radius), height: share(2 * radius),
      });
      thumbs.append(image);
    });
    for (const image of [...thumbs.children]) if (!seen.has(image.dataset.code)) image.remove();
  }

  async function heat(want) {
    const field = await asap.heat(want);
    const canvas = make("canvas", "sheet", [], { width: ACROSS, height: ACROSS });
    const block = ACROSS / want.side;
    const pen = canvas.getContext("2d");
    const unknown = hatch(pen);
    [pen.strokeStyle, pen.lineWidth] = [asap.token("--heat-edge"), 2]; // the palest colours are as pale as the paper
    field.code.forEach((code, j) => {
      const [x, y] = [(code % want.side) * block, Math.floor(code / want.side) * block];
      const inset = Math.round(block * (field.n[j] < field.few ? 0.27 : 0.02));
      pen.fillStyle = field.value[j] === null ? unknown : asap.colour(field, field.value[j]);
      pen.fillRect(x + inset, y + inset, block - 2 * inset, block - 2 * inset);
      pen.strokeRect(x + inset + 1, y + inset + 1, block - 2 * inset - 2, block - 2 * inset - 2);
    });
    return [canvas];
  }

  function hatch(pen) {
    const tile = make("canvas", "", [], { width: 16, height: 16 });
    const line = tile.getContext("2d");
    line.strokeStyle = asap.token("--quiet");
    line.lineWidth = 2.5;
    line.beginPath();
    for (const shift of [-16, 0, 16]) {
      line.moveTo(shift, 16);
      line.lineTo(shift + 16, 0);
    }
    line.stroke();
    return pen.createPattern(tile, "repeat");
  }

  // All images of a part of the plane, drawn by the server.
  async function cloud(want) {
    const { window: part, pixels } = want;
    const view = part.join(",");
    const image = await picture(asap.query("points", `${want.plane}/${want.theme}-${pixels}.png`, { ...asked(want), view }));
    image.className = "cloud";
    const [x0, y0, x1, y1] = part;
    Object.assign(image.style, { left: share(x0), top: share(1 - y1), width: share(x1 - x0), height: share(y1 - y0) });
    return [image];
  }

  const DRAW = { squares: sheet, donuts: sheet, frames: sheet, heat, cloud, points: async () => [] };

  // Fetches what is wanted; what it returns puts it on the page.
  async function prepare(want) {
    const content = want.key === shown ? null : await DRAW[want.kind](want);
    return () => {
      if (content) {
        world().replaceChildren(...content);
        thumbs = content.find((each) => each.className === "thumbs") || null;
        shown = want.key;
      }
      place(true);
      fillThumbs(want.table);
    };
  }

  asap.layers = { place, prepare };
})();
