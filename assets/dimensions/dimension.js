// One dimension in full: how it spreads over A, B and all, the images at its ends, its pixel groups, its depth.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make, draw } = asap;
  const TITLES = { a: "A", b: "B", all: "All" };
  const CROP = 68; // px
  let latest = 0;
  let now = null; // {asked, k, bars, one, evidence}

  const name = (group) => {
    const { filter } = asap.current;
    if (group === "all") return filter ? "all that pass" : "all";
    return asap.phraseName(asap.current[group]);
  };

  const badge = (group) => (group === "all" ? make("span", "letter all", "all") : make("span", `letter ${group}`, TITLES[group]));

  function section(title, content, beside) {
    const head = make("h3", "", [title, ...(beside ? [make("span", "quiet", ` ${beside}`)] : [])]);
    return make("section", "dimension-part", [head, ...content]);
  }

  // Fake above a line, real below it, each group's area alike; on the axis contributions in logits.
  const smooth = (bins) => bins.map((bin, i) => (bin * 2 + (bins[i - 1] ?? bin) + (bins[i + 1] ?? bin)) / 4);

  function ridges(one, width) {
    const [left, right, row, foot] = [58, 10, width < 380 ? 33 : 44, 30];
    const groups = ["a", "b", "all"].filter((group) => one.spread[group] && one.spread[group].n);
    const height = groups.length * row + foot;
    const x = asap.axis(one.edges, left, width - right);
    const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "ridges", role: "img", "aria-label": heard(one, groups) });
    const shapes = groups.map((group) => ["fake", "real"].map((kind) => smooth(smooth(one.spread[group][kind])).map((bin) => bin / one.spread[group].n)));
    const most = Math.max(...shapes.flat(2), 1e-9);
    svg.append(draw("line", { x1: x(0), x2: x(0), y1: 0, y2: height - foot + 4, class: "zero" }));
    groups.forEach((group, g) => {
      const y = row * (g + 0.5);
      shapes[g].forEach((bins, half) => svg.append(draw("path", { d: outline(bins, one.edges, x, y, ((half ? 1 : -1) * (row / 2 - 3)) / most), class: half ? "real" : "fake" })));
      svg.append(draw("line", { x1: left, x2: width - right, y1: y, y2: y, class: "base" }));
      const mean = x(one.spread[group].mean);
      svg.append(draw("line", { x1: mean, x2: mean, y1: y - row / 2 + 5, y2: y + row / 2 - 5, class: "mean" }));
      svg.append(draw("text", { x: 0, y: y - 1, class: "title" }, TITLES[group]), draw("text", { x: 0, y: y + 12 }, `n ${asap.number(one.spread[group].n)}`));
    });
    ticks(one.edges).forEach((value) => {
      svg.append(draw("text", { x: x(value), y: height - foot + 15, class: "tick" }, value ? `${Math.abs(value)}` : "0"));
      svg.append(draw("line", { x1: x(value), x2: x(value), y1: height - foot, y2: height - foot + 4, class: "base" }));
    });
    svg.append(draw("text", { x: left, y: height - 2, class: "end real" }, "◂ toward real"), draw("text", { x: width - right, y: height - 2, class: "end fake" }, "toward fake ▸"));
    return svg;
  }

  function outline(bins, [low, high], x, y, reach) {
    const step = (high - low) / bins.length;
    const points = bins.map((bin, i) => `${x(low + step * (i + 0.5)).toFixed(1)} ${(y + bin * reach).toFixed(1)}`);
    return `M${x(low).toFixed(1)} ${y}L${points.join("L")}L${x(high).toFixed(1)} ${y}Z`;
  }

  function ticks([low, high]) {
    const rough = (high - low) / 5;
    const size = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((times) => times * size).find((each) => each >= rough);
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(6)));
    return found;
  }

  function heard(one, groups) {
    const each = groups.map((group) => `${TITLES[group]}: mean ${asap.toward(one.spread[group].mean)}, ${asap.plural(one.spread[group].n, "image", "images")}`);
    return `Distribution of dimension ${one.k + 1}. ${each.join("; ")}`;
  }

  function thumb([row, value, truth, called, file]) {
    const kind = value < 0 ? "real" : "fake";
    const words = [file, truth === null ? "" : `${truth ? "fake" : "real"} in truth`, `judged ${called ? "fake" : "real"}`, asap.toward(value)].filter(Boolean).join(", ");
    const image = make("img", "", [], { src: asap.url("thumb", `${row}?s=128`), alt: "", loading: "lazy", decoding: "async", width: 56, height: 56 });
    const mark = truth === null ? [] : [make("span", `mark ${truth ? "fake" : "real"}`, "")];
    return make("button", "dimension-thumb", [image, make("span", kind, [...mark, `${Math.abs(value).toFixed(1)} ${kind}`])], { type: "button", "data-go": `image=${row}`, title: words, "aria-label": words });
  }

  function ends(one) {
    return ["a", "b", "all"].filter((group) => one.ends[group]).flatMap((group) => {
      const { strongest, weakest } = one.ends[group];
      if (!strongest.length) return [];
      const strip = (title, images) => make("div", "dimension-strip", [make("span", "strip-name", [badge(group), title]), make("div", "dimension-images", images.map(thumb))]);
      const weak = weakest[0][1] < 0 ? "most toward real" : "least toward fake";
      return [strip(strongest[0][1] > 0 ? "most toward fake" : "least toward real", strongest), strip(weak, weakest)];
    });
  }

  // A square of an image about a pixel group, which is outlined.
  function crop({ row, value, size: [width, height], at: [x, y, side], outline }) {
    const scale = CROP / side;
    const needed = scale * Math.min(width, height) * Math.min(window.devicePixelRatio || 1, 2);
    const whole = Math.max(width, height) > 2 * Math.min(width, height); // thumbnails are cut there
    const image = make("img", Math.min(width, height) <= 64 ? "tiny" : "", [], { src: whole ? asap.url("img", row) : asap.url("thumb", `${row}?s=${[128, 256].find((each) => each >= needed) || 512}`), alt: "", loading: "lazy", decoding: "async" });
    Object.assign(image.style, { width: `${width * scale}px`, height: `${height * scale}px`, left: `${-x * scale}px`, top: `${-y * scale}px` });
    const svg = draw("svg", { viewBox: `${x} ${y} ${side} ${side}`, "aria-hidden": "true" });
    const d = outline.map((loop) => `M${loop.map((point) => point.join(" ")).join("L")}Z`).join("");
    const kind = value < 0 ? "real" : "fake";
    svg.append(draw("path", { d, class: "casing" }), draw("path", { d, class: kind }));
    const words = `Image ${row}: this region adds ${asap.toward(value)}`;
    return make("button", "dimension-crop", [make("span", "cut", [image, svg]), make("span", kind, `${Math.abs(value).toFixed(2)} ${kind}`)], { type: "button", "data-go": `image=${row}&overlay=on`, title: words, "aria-label": words });
  }

  function maps(group, found) {
    const parts = [];
    if (found.done < found.n) {
      const words = make("span", "quiet", `maps of ${asap.number(found.done)} of ${asap.plural(found.n, "image", "images")}`);
      const can = asap.jobs.can;
      const ask = can ? asap.button("Compute the maps of these images in the background", "text-button", `Compute the ${found.missing.length === found.n - found.done ? "missing" : "loudest"} ${found.missing.length}`, (event) => {
        event.currentTarget.disabled = true;
        asap.jobs.ask("relevance", { rows: found.missing }).catch((error) => words.append(`: ${error.message}`));
      }) : make("span", "quiet", "; no worker runs here that could compute more");
      parts.push(words, ask);
    } else parts.push(make("span", "quiet", `maps of all ${asap.plural(found.n, "image", "images")}`));
    if (found.looked < found.done) parts.push(make("span", "quiet", `the strongest regions of the ${found.looked} where this dimension says most`));
    const head = make("div", "strip-name", [badge(group), make("span", "", name(group)), ...parts]);
    const nothing = found.done ? [make("p", "quiet", "Nothing stands out in this dimension's maps.")] : [];
    return make("div", "dimension-strip", [head, ...(found.crops.length ? [make("div", "dimension-images", found.crops.map(crop))] : nothing)]);
  }

  // Columns: what each block of the encoder adds, the first left; A and B side by side on one scale.
  function depth(groups, width) {
    const listed = Object.entries(groups).filter(([, found]) => found.profile);
    if (!listed.length) return [make("p", "quiet", "Known as soon as images have their maps.")];
    const most = Math.max(...listed.flatMap(([, found]) => found.profile.blocks.map(Math.abs)), 1e-9);
    return listed.map(([group, { profile, done }]) => {
      const [left, height] = [58, 46];
      const blocks = profile.blocks;
      const step = (width - left - 10) / blocks.length;
      const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "depth", role: "img", "aria-label": `${TITLES[group]}: ${shares(blocks)}` });
      svg.append(draw("text", { x: 0, y: height / 2 - 1, class: "title" }, TITLES[group]), draw("text", { x: 0, y: height / 2 + 12 }, `n ${asap.number(profile.n)}`));
      blocks.forEach((value, i) => {
        const tall = Math.max(1, (Math.abs(value) / most) * (height / 2 - 2));
        const drawn = draw("rect", { x: left + step * i + 1, width: Math.max(1, step - 2), y: value < 0 ? height / 2 : height / 2 - tall, height: tall, class: value < 0 ? "real" : "fake" });
        drawn.append(draw("title", {}, `block ${i + 1} of ${blocks.length}: ${asap.toward(value)}`));
        svg.append(drawn);
      });
      svg.append(draw("line", { x1: left, x2: width - 10, y1: height / 2, y2: height / 2, class: "base" }));
      const some = profile.n < done ? ` · of ${asap.number(profile.n)} images, evenly chosen among the ${asap.number(done)} that have maps` : "";
      return make("div", "", [svg, make("div", "depth-words", shares(blocks) + some)]);
    });
  }

  function shares(blocks) {
    const sizes = blocks.map(Math.abs);
    const all = sizes.reduce((sum, each) => sum + each, 0) || 1;
    const third = (part) => sizes.filter((_, i) => Math.min(2, Math.floor((3 * i) / sizes.length)) === part).reduce((sum, each) => sum + each, 0) / all;
    return `early blocks, texture: ${asap.percent(third(0))} · middle: ${asap.percent(third(1))} · late, meaning: ${asap.percent(third(2))}`;
  }

  function render() {
    const place = document.getElementById("dimension-detail");
    const width = Math.floor(place.clientWidth) - 28;
    if (!now || width < 120) return;
    if (place.querySelector("input:active")) { // a slider is held: what came waits until it is let go
      setTimeout(render, 500);
      return;
    }
    const { k, one, evidence, failed } = now;
    const top = place.scrollTop;
    if (k === null) {
      asap.refill(place, asap.flips.all(now));
    } else {
      const back = make("button", "text-button back", "‹ All dimensions", { type: "button", "data-go": "target=" });
      const others = asap.button("Set several dimensions at once", "text-button many", "What if: all dimensions", () => asap.go({ target: null }));
      const step = (by, label) => make("button", "icon-button", by < 0 ? "‹" : "›", { type: "button", "data-go": `target=${(k + by + asap.dimensions()) % asap.dimensions()}`, "aria-label": label });
      const head = make("header", "dimension-one", [back, make("h3", "", `Dimension ${k + 1}`), step(-1, "Previous dimension"), step(1, "Next dimension"), others]);
      const parts = failed ? [make("p", "trouble", failed)] : [];
      if (one) parts.push(section("Distribution", [ridges(one, width), asap.flips.one(now, width)], asap.labelled() ? "fake above the line, real below" : "judged fake above the line, judged real below"));
      if (evidence) parts.push(section("Pixel groups", Object.entries(evidence.groups).map(([group, found]) => maps(group, found)), "where it speaks loudest"));
      if (one) parts.push(section("Images at its ends", ends(one)));
      if (evidence) parts.push(section("Depth", depth(evidence.groups, width), "mean of what each block adds, the first block left"));
      asap.refill(place, [head, ...parts]);
    }
    place.scrollTop = top;
    place.dataset.k = k === null ? "" : k;
  }

  function look(asked, turn) {
    const { a, b, of, v } = asked;
    const k = String(now.k);
    const keep = (key) => (found) => {
      if (turn !== latest) return;
      now[key] = found;
      render();
    };
    const fail = (error) => turn === latest && ((now.failed = `Not all could be loaded: ${error.message}.`), render());
    asap.fetchJson(asap.query("dimension", k, { a, b, of, v })).then(keep("one")).catch(fail);
    asap.fetchJson(asap.query("evidence", k, { a, b, of })).then(keep("evidence")).catch(fail);
  }

  function show(asked, target, bars) {
    const turn = ++latest;
    const place = document.getElementById("dimension-detail");
    const k = typeof target === "number" ? target : null;
    if (!now || now.k !== k) place.scrollTop = 0;
    now = { asked, k, bars, one: null, evidence: null };
    place.hidden = false;
    if (!watching) (watching = new ResizeObserver(resized)).observe(place);
    if (k === null) render();
    else look(asked, turn);
  }

  let watching = null;
  let wide = 0;
  function resized([entry]) {
    if (Math.abs(entry.contentRect.width - wide) < 4) return;
    wide = entry.contentRect.width;
    render();
  }

  // Maps that a job adds are shown as they come, at most every three seconds.
  let due = null;
  document.addEventListener("asap:job", ({ detail }) => {
    if (detail.kind !== "relevance" || !now || now.k === null || !now.evidence) return;
    if (!["running", "done"].includes(detail.state) || due) return;
    const turn = latest;
    due = setTimeout(() => {
      due = null;
      if (turn === latest && now.k !== null) look(now.asked, turn);
    }, detail.state === "done" ? 200 : 3000);
  });

  // A scale: contributions to pixels.
  asap.axis = ([low, high], left, right) => (value) => left + ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * (right - left);
  asap.dimension = { show, render };
})();
