// The opened image: its map, its regions, a magnifier, and a brush that marks a region to judge the image without.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make, toward } = asap;
  const LENS = 190; // px across
  const POWER = 3; // times
  const BRUSH = 0.06; // of the image's shorter side, radius

  let latest = 0;
  let regions = null; // what /groups said of the image that is open
  let tool = null;
  let asked = null; // the counterfactual that is waited for: {id, held}
  let mapping = null; // the job that makes the open image's map: its id

  const here = (id) => document.getElementById(id);
  const frame = () => here("opened-frame");
  const say = (words) => here("opened-said") && here("opened-said").replaceChildren(...[].concat(words));

  async function draw(content, target, overlay, row) {
    const turn = ++latest;
    if (!content || !content.length || row === null) {
      pick(null);
      return dash_clientside.no_update;
    }
    // React writes the content into the page after this call.
    while (!frame() || frame().querySelector("img").getAttribute("src") !== asap.url("img", row)) {
      await new Promise((done) => requestAnimationFrame(done));
      if (turn !== latest) return dash_clientside.no_update;
    }
    here("opened-target").value = String(target);
    document.querySelector(".opened-tools [data-overlay]").setAttribute("aria-pressed", String(overlay === "on"));
    frame().querySelectorAll(".map, .outlines").forEach((each) => each.remove());
    if (frame().dataset.row !== String(row)) {
      frame().dataset.row = row;
      pick(null);
      asked = mapping = null;
      neighbours(row);
    }
    regions = null;
    await look(turn, { row, target, overlay }, () => missing(row));
    return dash_clientside.no_update;
  }

  // The regions of the open image; `none` says what is done where its map is missing.
  async function look(turn, { row, target, overlay }, none) {
    try {
      const found = await asap.fetchJson(asap.query("groups", `${target}/${row}`, { v: asap.edition() }));
      if (turn !== latest || regions) return; // another look was quicker
      if (found.groups) show(found, row, target, overlay === "on");
      else none();
    } catch (error) {
      if (turn === latest) unknown("warn", `The regions could not be loaded: ${error.message}.`);
    }
  }

  function unknown(kind, words) {
    regions = null;
    here("opened-regions").replaceChildren(make("h3", "", "Regions"), make("p", kind, words));
  }

  function missing(row) {
    if (!asap.jobs.can) return unknown("hint", "This image has no map yet, and none can be computed here.");
    unknown("hint", "The map of this image is being computed.");
    asap.jobs.ask("relevance", { rows: [row] }).then(
      (id) => asap.current.image === row && (mapping = id),
      (error) => asap.current.image === row && !regions && unknown("warn", error.message)
    );
  }

  // A job has made maps, or has not: the open image's may be there. It is not asked for again.
  function mapped(job) {
    const now = { ...asap.current, row: asap.current.image };
    if (job.id !== mapping || ["waiting", "running"].includes(job.state)) return look(latest, now, () => {});
    if (job.state === "cancelled") return unknown("hint", "The map of this image is not there: its computation was cancelled.");
    const why = job.error || (job.result?.reasons || []).join("; ") || "no reason is known";
    return look(latest, now, () => unknown("warn", `The map of this image could not be computed: ${why}.`));
  }

  function show(found, row, target, on) {
    regions = Object.assign(found, { target });
    if (on) {
      const map = make("img", "map", [], { alt: "", src: asap.query("map", `${target}/${row}.png`, { fit: "whole", v: asap.edition() }) });
      frame().querySelector("img").after(map);
      frame().append(outlines(found));
    }
    const of = target === "logit" ? "the verdict" : `dimension ${target + 1}`;
    const parts = [make("h3", "", `Regions that move ${of}`)];
    if (!found.groups.length) parts.push(make("p", "hint", "Nothing in this image stands out against real images."));
    parts.push(make("ol", "region-list", found.groups.map(line)));
    const rest = [`elsewhere ${toward(found.elsewhere)}`, `not in any place ${toward(found.remainder)}`];
    parts.push(make("p", "hint", `Against the mean real image, in logits: ${rest.join("; ")}; in all ${toward(found.sum)}. What the detector used, not what is fake.`));
    parts.push(make("div", "measured", [], { id: "opened-measured", "aria-live": "polite" }));
    here("opened-regions").replaceChildren(...parts);
    outcome();
  }

  function line(group, number) {
    const side = group.contribution > 0 ? "fake" : "real";
    const through = group.dimensions.map(([k, value]) => `${k + 1} (${asap.signed(value)})`).join(", ");
    const words = [make("strong", `mark ${side}`, toward(group.contribution)), make("span", "quiet", `${asap.percent(group.area)} of the area${group.broad ? ", spread thin" : ""}; dimensions ${through}`)];
    const remove = make("button", "text-button", "Remove", {
      type: "button", "data-region": number, title: "Judge the image again without this region", "aria-label": `Judge again without region ${number + 1}`,
    });
    return make("li", "", [make("span", "region-words", words), remove], { "data-region-line": number });
  }

  // The regions' borders: solid toward fake, dashed toward real.
  function outlines({ groups, size }) {
    const svg = asap.draw("svg", { viewBox: `0 0 ${size[0]} ${size[1]}`, class: "outlines" });
    groups.forEach((group, number) => {
      const d = group.outline.map((points) => "M" + points.map((point) => point.join(" ")).join("L") + "Z").join("");
      const path = asap.draw("path", { d, class: group.contribution > 0 ? "fake" : "real", "data-region": number });
      path.append(asap.draw("title", {}, `Region ${number + 1}: ${toward(group.contribution)}`));
      svg.append(path);
    });
    return svg;
  }

  async function neighbours(row) {
    const found = await asap.fetchJson(asap.query("neighbours", String(row), { v: asap.edition() })).catch((error) => ({ error }));
    if (frame()?.dataset.row !== String(row)) return;
    const title = make("h3", "", "Most alike, by cosine");
    if (found.error) return here("opened-alike").replaceChildren(title, make("p", "warn", `They could not be found: ${found.error.message}.`));
    const kinds = asap.labelled() ? { real: "real", fake: "fake" } : { real: "judged real", fake: "judged fake" };
    const lines = Object.entries(kinds).map(([kind, name]) => make("div", "alike-line", [
      make("span", `mark ${kind}`, `nearest ${name}`),
      make("span", "alike-tiles", found[kind].tiles.map(([other, , called, score, , label], i) => make("button", "alike-tile", [
        make("img", "", [], { src: asap.url("thumb", `${other}?s=128`), alt: label, width: 64, height: 64 }),
        make("span", "quiet", found[kind].values[i].toFixed(2)),
      ], { type: "button", "data-go": `image=${other}`, title: `${label}: judged ${called ? "fake" : "real"} ${(score / 1000).toFixed(2)}, cosine ${found[kind].values[i]}` }))),
    ]));
    here("opened-alike").replaceChildren(title, ...lines);
  }

  // Taking a region away: the shares of the tokens go to the worker, which judges again.
  async function remove(held) {
    if (!asap.jobs.can) return say("No worker can run here, so nothing can be judged again.");
    const row = Number(frame().dataset.row);
    asked = { row, held: held.flat(), id: null };
    outcome("Judging the image without the region…");
    try {
      asked.id = await asap.jobs.ask("counterfactual", { regions: [[row, asked.held]] });
    } catch (error) {
      outcome(error.message);
      asked = null;
    }
  }

  document.addEventListener("asap:job", (event) => {
    const job = event.detail;
    if (frame() && job.kind === "relevance" && regions === null && frame().dataset.row === String(asap.current.image)) mapped(job);
    if (!asked || job.id !== asked.id) return;
    asked.result = job.result;
    if (job.state === "done") outcome();
    else if (job.state === "failed") outcome(job.error);
    else if (job.state === "cancelled") outcome("Cancelled.");
    else outcome(job.total ? `Judging the image without the region… ${job.done} of ${job.total}` : undefined);
  });

  function outcome(words) {
    const place = here("opened-measured");
    if (!place || !asked) return;
    if (words) return place.replaceChildren(make("p", "hint", words));
    const found = asked.result && asked.result.images && asked.result.images[0];
    if (!found) return;
    const rows = Object.entries(found.after).map(([name, after]) => make("tr", "", [
      make("th", "", asap.occluders[name] || name, { scope: "row" }),
      make("td", "", `${asap.signed(found.before)} → ${asap.signed(after)}`),
      make("td", "", asap.signed(after - found.before)),
      make("td", "", found.expected ? asap.signed(found.expected[name]) : ""),
      make("td", after > 0 !== found.before > 0 ? "flipped" : "", after > 0 !== found.before > 0 ? `now judged ${after > 0 ? "fake" : "real"}` : "same verdict"),
    ]));
    const head = make("tr", "", ["Region replaced by", "Logit", "Change", "Predicted", "Verdict"].map((name) => make("th", "", name, { scope: "col" })));
    place.replaceChildren(make("h3", "", "Judged again without the region"), make("table", "plain-table", [make("thead", "", head), make("tbody", "", rows)]),
      make("p", "hint", `Tokens dropped, dimension by dimension: ${asap.strongest(found.dimensions.drop)}. By the head that gave the verdict. Predicted: what the map says; a difference is what the map cannot tell.`));
  }

  // Tools: one at a time.
  function pick(name) {
    tool = name === tool ? null : name;
    document.querySelectorAll("[data-tool][aria-pressed]").forEach((each) => each.setAttribute("aria-pressed", String(each.dataset.tool === tool)));
    frame()?.querySelectorAll(".lens, .brush").forEach((each) => each.remove());
    if (!frame()) return;
    frame().classList.toggle("marking", tool === "mark");
    say("");
    if (tool === "magnify") frame().append(make("div", "lens", [], { hidden: "" }));
    if (tool === "mark") startMarking();
  }

  function magnify(event) {
    const lens = frame().querySelector(".lens");
    const box = frame().getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    lens.hidden = x < 0 || y < 0 || x > box.width || y > box.height;
    Object.assign(lens.style, {
      width: `${LENS}px`, height: `${LENS}px`, left: `${x - LENS / 2}px`, top: `${y - LENS / 2}px`,
      backgroundImage: `url("${frame().querySelector("img").getAttribute("src")}")`,
      backgroundSize: `${box.width * POWER}px ${box.height * POWER}px`,
      backgroundPosition: `${LENS / 2 - x * POWER}px ${LENS / 2 - y * POWER}px`,
    });
  }

  function startMarking() {
    if (!regions) return say("The map must be there first: it says which part of the image the encoder sees.");
    const [width, height] = regions.size;
    const scale = 512 / Math.max(width, height);
    frame().append(make("canvas", "brush", [], { width: Math.round(width * scale), height: Math.round(height * scale) }));
    const clear = make("button", "text-button", "Clear", { type: "button", "data-brush": "clear" });
    const run = make("button", "text-button primary", "Remove what is marked", { type: "button", "data-brush": "remove" });
    say([make("span", "", "Paint over the region. "), clear, run]);
  }

  function paint(event) {
    const canvas = frame().querySelector("canvas.brush");
    if (!canvas || !(event.buttons & 1)) return;
    const box = canvas.getBoundingClientRect();
    const pen = canvas.getContext("2d");
    const at = [((event.clientX - box.left) / box.width) * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height];
    const radius = Math.max(BRUSH * Math.min(canvas.width, canvas.height), 4);
    Object.assign(pen, { lineWidth: 2 * radius, lineCap: "round", strokeStyle: "rgb(90 58 154)" });
    pen.beginPath();
    pen.moveTo(...(canvas.from || at));
    pen.lineTo(at[0] + 0.01, at[1]);
    pen.stroke();
    canvas.from = at;
  }

  // The share of each token that is painted, row by row.
  function marked() {
    const canvas = frame().querySelector("canvas.brush");
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const [[rows, columns], [left, top, right, bottom]] = [regions.grid, regions.seen];
    const scale = canvas.width / regions.size[0];
    const [sums, counts] = [new Float64Array(rows * columns), new Float64Array(rows * columns)];
    for (let y = 0; y < canvas.height; y++) {
      const row = Math.floor((((y + 0.5) / scale - top) / (bottom - top)) * rows);
      if (row < 0 || row >= rows) continue;
      for (let x = 0; x < canvas.width; x++) {
        const column = Math.floor((((x + 0.5) / scale - left) / (right - left)) * columns);
        if (column < 0 || column >= columns) continue;
        sums[row * columns + column] += data.data[4 * (y * canvas.width + x) + 3] / 255;
        counts[row * columns + column] += 1;
      }
    }
    return [...sums].map((sum, i) => Math.round((100 * sum) / Math.max(counts[i], 1)) / 100);
  }

  document.addEventListener("pointermove", (event) => {
    if (!frame() || asap.current.image === null) return;
    if (tool === "magnify") magnify(event);
    if (tool === "mark") paint(event);
  });
  document.addEventListener("pointerdown", (event) => {
    const canvas = event.target.closest?.("canvas.brush");
    if (!canvas) return;
    canvas.from = null;
    paint(event);
    event.preventDefault();
  });

  document.addEventListener("change", (event) => {
    if (event.target.id === "opened-target") asap.go({ target: event.target.value, overlay: "on" }, true);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tool], [data-region], [data-brush]");
    if (!button || !frame()) return;
    const { tool: name, region, brush } = button.dataset;
    if (name === "plane") asap.showInPlane(Number(frame().dataset.row));
    else if (name) pick(name);
    else if (!regions) return; // another map is on its way
    else if (region !== undefined) remove(regions.groups[Number(region)].held);
    else if (brush === "clear") {
      const canvas = frame().querySelector("canvas.brush");
      canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    } else if (brush === "remove") {
      const held = marked();
      if (held.some((share) => share > 0.02)) remove(held);
      else say([make("span", "warn", "Nothing is marked in the part of the image that the encoder sees. ")]);
    }
  });

  document.addEventListener("pointerover", (event) => {
    const over = event.target.closest?.("[data-region-line], .outlines path");
    if (!frame()) return;
    const number = over ? over.dataset.regionLine ?? over.dataset.region : null;
    document.querySelectorAll(".outlines path, [data-region-line]").forEach((each) =>
      each.classList.toggle("pointed", number !== null && (each.dataset.regionLine ?? each.dataset.region) === number));
  });

  asap.opened = { pick };
  window.dash_clientside = Object.assign({}, window.dash_clientside, { opened: { draw } });
})();
