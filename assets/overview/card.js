// The hover card: one cell in a violin, six pictures and its strongest dimensions. It appears at once, with the table's
// numbers; what else it shows was asked for when the pointer came, and fills its place.
(function () {
  const asap = (window.asap = window.asap || {});
  const GAP = 14; // px between cell and card
  const KINDS = ["typical", "typical", "error", "error", "highest", "lowest"];
  const { make, draw } = asap;
  const known = new Map(); // details of cells, by URL
  let latest = 0; // the newest card that was asked for

  // Two violins (real, fake), or one: how the scores spread over the levels of severity, severe on top.
  function violin(table, shapes) {
    const [width, height, left, top] = [176, 132, 66, 4];
    const svg = draw("svg", { width, height: height + 22, viewBox: `0 0 ${width} ${height + 22}`, class: "violin" });
    const levels = table.levels.length;
    table.levels.forEach((name, k) => {
      const y = top + height - 4 - ((k + 0.5) * (height - 8)) / levels;
      svg.append(draw("text", { x: 0, y: y + 4 }, name));
      const line = top + height - 4 - (k * (height - 8)) / levels;
      svg.append(draw("line", { x1: left - 6, x2: width, y1: line, y2: line }));
    });
    const column = (width - left) / shapes.length;
    shapes.forEach((digits, k) => {
      const middle = left + column * (k + 0.5);
      const kind = shapes.length === 1 ? "all" : ["real", "fake"][k];
      const bins = [...digits].map((digit) => parseInt(digit, 36) / 35);
      if (bins.some((bin) => bin > 0)) svg.append(draw("path", { d: outline(bins, middle, column * 0.42, top, height), class: kind }));
      else svg.append(draw("text", { x: middle, y: height / 2, class: "nobody" }, "no images"));
      svg.append(draw("text", { x: middle, y: height + 18, class: "class " + kind }, kind));
    });
    return svg;
  }

  function outline(bins, middle, reach, top, height) {
    const smooth = bins.map((bin, i) => (bin * 2 + (bins[i - 1] ?? bin) + (bins[i + 1] ?? bin)) / 4);
    const most = Math.max(...smooth);
    const y = (i) => (top + height - 4 - ((i + 0.5) / bins.length) * (height - 8)).toFixed(1);
    const edge = (sign) => (value, i) => `${(middle + sign * ((value / most) * reach + 0.6)).toFixed(1)} ${y(i)}`;
    const from = smooth.findIndex((value) => value > 0);
    const to = smooth.findLastIndex((value) => value > 0) + 1;
    const right = smooth.map(edge(1)).slice(from, to);
    const left = smooth.map(edge(-1)).slice(from, to).reverse();
    return `M${right.join("L")}L${left.join("L")}Z`;
  }

  function pictures(exemplars) {
    const kinds = KINDS.map((_, k) => k).filter((k) => asap.labelled() || KINDS[k] !== "error");
    return kinds.map((k) => {
      const row = exemplars ? exemplars[k] : null;
      const frame = row === null || row < 0
        ? make("div", "no-picture", row === null ? "" : "–")
        : make("img", "", [], { src: asap.url("thumb", `${row}?s=128`), alt: "", width: 56, height: 56 });
      return make("figure", "", [frame, make("figcaption", "", KINDS[k])]);
    });
  }

  function dimensions(top) {
    const most = Math.max(...top.map(([, value]) => Math.abs(value)), 1);
    return top.map(([k, value]) => {
      const side = value > 0 ? "fake" : "real";
      const bar = make("span", `bar ${side}`);
      bar.style.width = `${(50 * Math.abs(value)) / most}%`;
      return make("div", "dimension", [
        make("span", "", `Dimension ${k + 1}`),
        make("span", "bar-cell", bar),
        make("span", "value", asap.toward(value / 100)),
      ]);
    });
  }

  function facts(table, j) {
    const c = table.columns;
    const n = c.n[j];
    const line = (label, value, beside) => make("div", "fact", [
      make("span", "label", label),
      make("span", "value", [value, make("span", "beside", beside || "")]),
    ]);
    const lines = [];
    if (asap.labelled()) {
      const right = n - c.misses[j] - c.alarms[j];
      lines.push(line("Fake", asap.percent(c.fake[j] / n), `${asap.number(c.fake[j])} of ${asap.number(n)}`));
      lines.push(line("Judged right", asap.percent(right / n), `95 %: ${asap.span(c.low[j] / 1000, c.high[j] / 1000)}`));
      lines.push(line("Errors", asap.plural(c.misses[j], "miss", "misses"), asap.plural(c.alarms[j], "false alarm", "false alarms")));
    } else lines.push(line("Judged fake", asap.percent(c.called[j] / n), `${asap.number(c.called[j])} of ${asap.number(n)}`));
    lines.push(line("Inconclusive", asap.number(c.unsure[j]), asap.percent(c.unsure[j] / n)));
    lines.push(line("Severity", table.levels[c.level[j]], `median ${(c.severity[j] / 100).toFixed(2)}`));
    return lines;
  }

  function fill(card, scene, code, details) {
    const { table, field } = scene;
    const j = table.at.get(code);
    const n = table.columns.n[j];
    const head = [make("strong", "", asap.cellName(code, table.side)), make("span", "", asap.plural(n, "image", "images"))];
    if (n < table.few) head.push(make("span", "warn", "few: read with care"));
    const numbers = facts(table, j);
    if (field && !["n", "fake", "errors", "severity"].includes(scene.measure)) {
      numbers.push(make("div", "fact", [make("span", "label", field.title), make("span", "value", asap.measured(field, field.value[field.code.indexOf(code)]))]));
    }
    card.replaceChildren(
      make("header", "", head),
      make("div", "card-middle", [make("div", "card-facts", numbers), details ? violin(table, details.shape) : make("div", "card-wait")]),
      make("div", "card-pictures", pictures(details && details.exemplars)),
      make("div", "card-dimensions", [make("div", "label", "Strongest dimensions, mean of the cell"), ...(details ? dimensions(details.top) : [make("div", "card-wait")])]),
      make("footer", "", "click: A, shift-click: B")
    );
  }

  // One image where single images are shown.
  function fillSingle(card, { row, kind }) {
    const fake = kind & 1;
    const truth = asap.labelled() ? [make("span", `mark ${fake ? "fake" : "real"}`, fake ? "fake" : "real")] : [];
    const verdict = (kind & 2 ? !fake : fake) ? "judged fake" : "judged real";
    const flag = kind & 2 ? (fake ? "miss" : "false alarm") : kind & 4 ? "inconclusive" : "";
    card.replaceChildren(
      make("img", "", [], { src: asap.url("thumb", `${row}?s=256`), alt: "", width: 180, height: 180 }),
      make("div", "card-single", [...truth, make("span", "", verdict), flag ? make("strong", "", flag) : ""]),
      make("footer", "", "click: open the image")
    );
  }

  // What a cell's card shows beside the table's numbers; the newest are remembered.
  function fetchDetails(scene, code) {
    const url = asap.query("cards", `${scene.plane}/${scene.side}/${code}.json`, { of: scene.of, v: asap.edition() });
    if (!known.has(url)) {
      known.set(url, asap.fetchJson(url).catch(() => (known.delete(url), null)));
      if (known.size > 100) known.delete(known.keys().next().value);
    }
    return known.get(url);
  }

  // Beside the cell, on the side that has room, inside the window.
  function place(card, at) {
    const { width, height } = card.getBoundingClientRect();
    const right = at.left + at.size + GAP;
    const left = right + width + 8 <= window.innerWidth ? right : at.left - GAP - width;
    const top = at.top + at.size / 2 - height / 2;
    card.style.left = `${Math.max(8, left)}px`;
    card.style.top = `${Math.min(Math.max(8, top), window.innerHeight - height - 8)}px`;
  }

  asap.card = {
    fetch: (scene, code) => void fetchDetails(scene, code),
    async show(scene, what, at) {
      const card = document.getElementById("overview-card");
      const turn = ++latest;
      const single = typeof what !== "number";
      card.classList.toggle("of-image", single);
      if (single) fillSingle(card, what);
      else fill(card, scene, what, null);
      card.hidden = false;
      place(card, at);
      const details = single ? null : await fetchDetails(scene, what);
      if (turn !== latest || !details) return;
      fill(card, scene, what, details);
      place(card, at);
    },
    hide() {
      latest += 1;
      const card = document.getElementById("overview-card");
      if (card) card.hidden = true;
    },
  };
})();
