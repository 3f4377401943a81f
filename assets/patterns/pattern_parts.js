// What a pattern is drawn of: crops, bars, where it sits, a compact row, a card with everything. See patterns.js.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make, button } = asap;
  const UNNAMED = "unnamed";
  const WHY = { typical: "Typical", strongest: "Strongest", contradicting: "Against the truth" };
  const SHADES = [0.2, 0.4, 0.6, 0.8, 1]; // of a place's share

  const signed = (value) => asap.signed(value, 1);
  const percent = (share) => `${Math.round(100 * share)} %`;
  const truths = () => (asap.labelled() ? ["fake", "real"] : ["judged fake", "judged real"]);

  // A pattern's name, or what it is nearest to.
  const title = (p) => (p.name === UNNAMED ? `unnamed, nearest: ${p.near[0]}` : p.name);
  const which = (context, p) => `${context.key}/${p.number}`;

  // "**an ear**" and "*upsampler*" as they are meant; text stays text.
  function rich(text) {
    return text.split(/(\*\*.+?\*\*|\*.+?\*)/).map((part) => {
      if (/^\*\*.+\*\*$/.test(part)) return make("strong", "", part.slice(2, -2));
      return /^\*.+\*$/.test(part) ? make("em", "", part.slice(1, -1)) : part;
    });
  }

  function picture(context, group, size) {
    const url = (s) => asap.query("crop", `${context.key}/${group}`, { s });
    return make("img", "pattern-crop", [], { src: url(size > 48 ? 192 : 96), srcset: size > 48 ? `${url(192)} 1x` : `${url(96)} 1x, ${url(192)} 2x`, alt: "", loading: "lazy", decoding: "async", width: size, height: size });
  }

  // An exemplar opens its image.
  function exemplar(context, [group, row, pull, truth, called], size) {
    const words = [truth === null ? "" : `${truth ? "fake" : "real"} in truth`, `judged ${called ? "fake" : "real"}`, `this region: ${signed(pull)} logits`];
    const kind = truth === null ? (called ? "fake" : "real") : truth ? "fake" : "real";
    const caption = make("span", `mark ${kind} pattern-pull`, signed(pull));
    return button(`Image ${row}, ${words.filter(Boolean).join(", ")}`, "pattern-exemplar", [picture(context, group, size), caption], null, { "data-go": `image=${row}` });
  }

  // Mean contribution from a middle line, toward real to the left and toward fake to the right, with its interval.
  function bar(context, p) {
    const [value, low, high] = p.contribution;
    const at = (x) => 50 + (48 * x) / context.most;
    const span = (from, to) => `left: ${Math.min(at(from), at(to)).toFixed(1)}%; width: ${Math.max(Math.abs(at(to) - at(from)), 1).toFixed(1)}%`;
    const parts = [make("span", `pattern-fill ${p.toward}`, [], { style: span(0, value) }), make("span", "pattern-whisker", [], { style: span(low, high) })];
    return make("span", "pattern-bar", parts, { "aria-hidden": "true" });
  }

  // Of real and fake images looked at, the share that has it.
  function shares(p) {
    const line = (kind, name, [have, of]) => {
      const share = have / Math.max(of, 1);
      return make("span", "pattern-share", [
        make("span", `mark ${kind}`, name),
        make("span", "pattern-track", make("span", `pattern-fill ${kind}`, [], { style: `width: ${(100 * share).toFixed(1)}%` })),
        make("span", "pattern-figure", asap.percent(share)),
        make("span", "quiet", `${asap.number(have)} of ${asap.number(of)}`),
      ]);
    };
    const [fake, real] = truths();
    const lines = [["fake", fake], ["real", real]].filter(([kind]) => p[kind][1]); // of misses, no real image is looked at
    return make("div", "pattern-shares", lines.map(([kind, name]) => line(kind, name, p[kind])));
  }

  // Where it usually sits: each place by the share of the pattern's regions that hold it.
  function places(context, p) {
    const [rows, columns] = context.grid;
    const most = Math.max(...p.where, 1);
    const attributes = { viewBox: `0 0 ${columns} ${rows}`, class: `pattern-where ${p.toward}`, role: "img", "aria-label": `Where it usually sits: ${most} % of its regions hold its commonest place` };
    const svg = asap.draw("svg", attributes);
    for (const [i, shade] of SHADES.entries()) {
      const below = i ? SHADES[i - 1] : 0.04;
      const path = p.where.map((share, at) => (share / most > below && share / most <= shade ? `M${at % columns} ${Math.floor(at / columns)}h1v1h-1z` : "")).join("");
      svg.append(asap.draw("path", { d: path, opacity: shade }));
    }
    return svg;
  }

  const rate = (interval) => (interval ? percent(interval[0]) : "–");
  const spread = (interval, n) => (interval ? `95 %: ${Math.round(100 * interval[1])} – ${percent(interval[2])}, n ${asap.number(n)}` : "not measured yet");

  function figure(name, value, beside, more) {
    return make("div", "pattern-measure", [make("span", "quiet", name), make("span", "pattern-value", value), ...(more ? [more] : []), ...(beside ? [make("span", "quiet", beside)] : [])]);
  }

  function figures(context, p) {
    const [value, low, high] = p.contribution;
    const steady = p.stability === null ? ["–", "put together by hand"] : [p.stability.toFixed(2), "how surely found again"];
    return make("div", "pattern-figures", [
      figure(`Toward ${p.toward}`, `${signed(value)} logits`, `95 %: ${signed(low)} to ${signed(high)}`, bar(context, p)),
      figure("Flips when dropped", rate(p.drop), spread(p.drop, p.flips)),
      figure("With a real image’s pixels", rate(p.swap), spread(p.swap, p.flips)),
      figure("Stability", steady[0], steady[1]),
    ]);
  }

  function exemplars(context, p, size) {
    const blocks = Object.entries(WHY).filter(([why]) => p.exemplars[why].length);
    return make("div", "pattern-exemplars", blocks.map(([why, name]) => {
      const title = why === "contradicting" ? `${p.toward === "fake" ? "Authentic" : "Generated"} images that it moves toward ${p.toward}` : `The ${why} of its regions`;
      return make("div", `pattern-block ${why}`, [make("span", "quiet", name, { title }), make("div", "pattern-strip", p.exemplars[why].map((each) => exemplar(context, each, size)))]);
    }));
  }

  // How many images, and of the group that is looked at, how many.
  function count(context, p) {
    const here = p.here === null ? "" : ` · ${asap.number(p.here)} of ${context.hereName}’s ${asap.number(context.here)}`;
    return `${asap.plural(p.n, "image", "images")}${here}${p.broad ? " · spread thin" : ""}`;
  }

  // The same in little: n, and the shares of fake and of real images; or how many of the group's.
  function few(context, p) {
    if (p.here !== null) return make("span", "quiet", `${asap.number(p.here)} of ${context.hereName}’s ${asap.number(context.here)} · n ${asap.number(p.n)}`);
    const both = ["fake", "real"].filter((kind) => p[kind][1]);
    return make("span", "quiet", [`n ${asap.number(p.n)}`, ...both.map((kind) => make("span", `mark ${kind}`, percent(p[kind][0] / p[kind][1])))]);
  }

  function row(context, p) {
    const chosen = context.chosen === p.number;
    const unnamed = p.name === UNNAMED;
    const words = make("span", "pattern-words", [make("span", `pattern-name${unnamed ? " nameless" : ""}`, [unnamed ? `near “${p.near[0]}”` : p.name, ...(p.broad ? [make("span", "quiet", " spread thin")] : [])]), few(context, p)]);
    const value = make("span", "pattern-pulls", [bar(context, p), make("span", "", signed(p.contribution[0]))]);
    const open = button(`${p.sentence.replaceAll("*", "")}${p.hidden ? "; hidden" : ""}`, "pattern-open", [
      make("span", "pattern-thumbs", p.exemplars.typical.slice(0, 3).map(([group]) => picture(context, group, 34))),
      words,
      value,
      make("span", "pattern-flip", rate(p.drop)),
    ], null, { "data-go": `pattern=${chosen ? "" : which(context, p)}`, "data-number": p.number, "aria-expanded": String(chosen) });
    const parts = [open];
    if (chosen) parts.push(make("div", "pattern-brief", [make("p", "", rich(p.sentence)), make("div", "pattern-buttons", [...context.look(p), button("", "text-button", "Details", null, { "data-go": "focus=pattern" })])]));
    return make("div", `pattern-row${chosen ? " pattern-chosen" : ""}${p.hidden ? " passed-over" : ""}`, parts, { role: "listitem" });
  }

  function heading(context, p, chosen) {
    const kind = make("span", `mark ${p.toward} pattern-side`, `toward ${p.toward}`);
    const name = make("span", `pattern-name${p.name === UNNAMED ? " nameless" : ""}`, title(p));
    const facts = [kind, make("span", "quiet", count(context, p)), ...(p.merged ? [make("span", "quiet", `merged of ${p.found_as.length}`)] : []), ...(p.hidden ? [make("span", "quiet", "hidden")] : [])];
    return button(p.sentence.replaceAll("*", ""), "pattern-open", [name, ...facts], null, { "data-go": `pattern=${chosen ? "" : which(context, p)}`, "data-number": p.number, "aria-expanded": String(chosen) });
  }

  // What a chosen pattern adds to its card: what it is found through, whose images have it, what can be done with it.
  function detail(context, p) {
    const through = p.dimensions.map(([k, value]) => button(`Dimension ${k + 1}: ${signed(value)} logits an image. Look at it`, "pattern-dimension", [`dimension ${k + 1}`, make("span", "quiet", signed(value))], null, { "data-go": `target=${k}` }));
    const lines = p.generators.map(([name, have, of]) => make("tr", "", [make("th", "", name, { scope: "row" }), make("td", "", asap.number(have)), make("td", "", asap.number(of)), make("td", "", asap.percent(have / Math.max(of, 1)))]));
    const head = make("tr", "", ["Generator", "have it", "of", "share"].map((name) => make("th", "", name, { scope: "col" })));
    const original = p.renamed || p.merged ? [make("p", "quiet", `Found as: ${p.found_as.join(", ")}.`)] : [];
    const near = make("p", "quiet", `Nearest words: ${p.near.join(", ")}.`);
    return make("div", "pattern-detail", [
      make("div", "pattern-facts", [make("h3", "", "Comes through"), make("div", "pattern-buttons", through), ...original, near]),
      make("table", "pattern-generators", [make("thead", "", head), make("tbody", "", lines)]),
      make("div", "pattern-buttons pattern-actions", context.actions(p)),
    ]);
  }

  function card(context, p) {
    const chosen = context.chosen === p.number;
    const head = make("div", "pattern-card-head", [heading(context, p, chosen), make("div", "pattern-buttons", context.look(p))]);
    const body = make("div", "pattern-card-body", [places(context, p), make("div", "pattern-numbers", [shares(p), figures(context, p)])]);
    const parts = [head, make("p", "pattern-sentence", rich(p.sentence)), body, exemplars(context, p, chosen ? 72 : 52)];
    if (chosen) parts.push(detail(context, p));
    return make("article", `pattern-card${chosen ? " pattern-chosen" : ""}${p.hidden ? " passed-over" : ""}`, parts, { role: "listitem" });
  }

  asap.patternParts = { UNNAMED, row, card, title, which };
})();
