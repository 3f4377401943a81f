// What if: dimensions of all images of A set by sliders, and how many verdicts flip, as the server counts them.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;
  const WAIT = 40; // ms without a move
  let settings = new Map(); // dimension -> contribution in logits
  let ranges = null;
  let busy = false;
  let again = false;
  let timer = null;
  let shown = null; // {asked, bars}: whose verdicts
  let told = null; // [question, answer]: what a drawing anew begins with

  // Between what dimensions can be set; null until it is known. After a failure it is asked for with the next drawing.
  function limits() {
    if (!ranges || (ranges.trouble && ranges.of !== shown)) {
      ranges = { of: shown, found: null, trouble: null };
      asap.fetchJson(asap.query("ranges", "", { v: asap.edition() }))
        .then((found) => (ranges.found = found), (error) => (ranges.trouble = error.message))
        .then(() => asap.dimension.render());
    }
    return ranges.found;
  }

  const waiting = () => (ranges.trouble ? make("p", "trouble slim", `Nothing can be set: ${ranges.trouble}.`) : "");

  const group = () => (asap.current.a ? `A, ${asap.phraseName(asap.current.a)}` : asap.current.filter ? "all that pass the filter" : "everything");

  function said(found) {
    const flips = found.to_fake + found.to_real;
    const parts = [make("strong", "", `${asap.number(flips)} of ${asap.number(found.n)}`), ` verdicts of ${group()} flip`];
    const sides = [["real", found.to_real], ["fake", found.to_fake]].filter(([, n]) => n);
    sides.forEach(([side, n], i) => parts.push(i ? ", " : ": ", make("span", `mark ${side}`, `${asap.number(n)} to ${side}`)));
    return parts;
  }

  function before(found) {
    const parts = [`judged fake ${asap.number(found.fake_before)} → ${asap.number(found.fake_after)}`];
    if (found.right_before !== undefined) parts.push(`right ${asap.number(found.right_before)} → ${asap.number(found.right_after)}`);
    return `${parts.join(" · ")} of ${asap.number(found.n)}`;
  }

  const NOTE = "Exact, as verdicts are linear in the dimensions. Each image by the head that gave the verdict shown.";

  // The settings as they stand in a link.
  const text = () => [...settings].map(([k, value]) => `${k}:${value.toFixed(3)}`).join(",");

  // Take the settings that the URL says, unless they were put there from here.
  function adopt() {
    const said = asap.current.set || "";
    if (said === text()) return;
    const pairs = said ? said.split(",").map((pair) => pair.split(":").map(Number)) : [];
    settings = new Map(pairs.filter(([k]) => k < asap.dimensions()));
    for (const line of document.querySelectorAll(".setting")) label(line, Number(line.dataset.k));
    if (shown) soon();
  }

  const question = () => asap.query("what-if", "", { a: shown.asked.a || shown.asked.of, set: text() });

  async function ask() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    try {
      const url = question();
      const found = await asap.fetchJson(url);
      told = [url, found];
      for (const place of document.querySelectorAll(".flips")) tell(place, found);
    } catch (error) {
      for (const place of document.querySelectorAll(".flips")) place.replaceChildren(make("p", "trouble slim", `Not counted: ${error.message}.`));
    }
    busy = false;
    if (again) ask();
  }

  function tell(place, found) {
    place.dataset.flips = found.to_fake + found.to_real;
    const lines = settings.size ? [make("p", "", said(found)), make("p", "quiet", before(found))] : [make("p", "quiet", `Nothing is set yet. Move a slider: how many of ${asap.number(found.n)} verdicts of ${group()} would flip?`)];
    place.replaceChildren(...lines, make("p", "quiet note", NOTE));
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  }

  function put(k, value) {
    if (value === null) settings.delete(k);
    else settings.set(k, value);
    for (const line of document.querySelectorAll(`.setting[data-k="${k}"]`)) label(line, k);
    soon();
  }

  const keep = () => asap.go({ set: text() }, true);

  function label(line, k) {
    const value = settings.get(k);
    line.classList.toggle("moved", value !== undefined);
    line.querySelector("output").textContent = value === undefined ? "as it is" : `set to ${asap.toward(value)}`;
    const input = line.querySelector("input");
    if (value !== undefined) input.value = value;
    else input.value = input.dataset.rest;
    input.setAttribute("aria-valuetext", value === undefined ? "as it is" : asap.toward(value));
  }

  // A slider between the 1st and the 99th percentile; at rest it stands at the group's mean.
  function slider(k, found) {
    const input = make("input", "", [], { type: "range", min: found.low[k], max: found.high[k], step: "any", "aria-label": `Set dimension ${k + 1}` });
    input.step = (found.high[k] - found.low[k]) / 200;
    input.dataset.rest = shown.bars.a ? shown.bars.a.mean[k] : 0;
    input.addEventListener("input", () => put(k, Number(input.value)));
    input.addEventListener("change", keep); // when it is let go: a link need not follow every step
    const share = (value) => (100 * (value - found.low[k])) / (found.high[k] - found.low[k]);
    const tick = (value, className, title) => {
      const mark = make("span", `tick ${className}`, [], { title });
      mark.style.left = `calc(7px + ${share(value)} * (100% - 14px) / 100)`;
      return mark;
    };
    return make("span", "slider", [tick(0, "real", "as in real images"), tick(found.fake[k], "fake", "the mean of fakes"), input]);
  }

  function presets(which, found) {
    const all = (value) => () => (which.forEach((k) => put(k, value(k))), keep());
    return [
      asap.button("Set as in the mean real image", "text-button", "as in real images", all(() => 0)),
      asap.button("Set to the mean of fakes", "text-button", "the mean of fakes", all((k) => found.fake[k])),
      asap.button("Nothing is set any more", "text-button", "Reset", () => ([...settings.keys()].forEach((k) => put(k, null)), keep())),
    ];
  }

  function answer() {
    return make("div", "flips", [], { "aria-live": "polite" });
  }

  function finish(place) {
    for (const line of place.querySelectorAll(".setting")) label(line, Number(line.dataset.k));
    if (told && told[0] === question()) tell(place.querySelector(".flips"), told[1]);
    else soon();
    return place;
  }

  // The slider of one dimension, on the axis of its distribution above.
  function one(now, width) {
    shown = now;
    const found = limits();
    if (!found || !now.bars.a) return waiting();
    const { k } = now;
    const x = asap.axis(now.one.edges, 58, width - 10);
    const line = make("div", "setting aligned", [make("span", "name", "What if"), slider(k, found), make("output", "")], { "data-k": k });
    const [from, to] = [x(found.low[k]), x(found.high[k])];
    const place = line.querySelector(".slider");
    place.style.marginLeft = `${from - 7}px`;
    place.style.width = `${Math.max(60, to - from + 14)}px`;
    return finish(make("div", "what-if", [line, make("div", "presets", presets([k], found)), answer()]));
  }

  // Sliders of all dimensions; there is room for them in the enlarged panel.
  function all(now) {
    shown = now;
    const found = limits();
    const head = make("header", "dimension-one", [make("h3", "", "What if"), make("span", "quiet", "choose a dimension on the left for its images and pixel groups")]);
    if (!found || !now.bars.a) return [head, waiting()];
    const which = found.low.map((_, k) => k);
    const lines = which.map((k) => make("div", "setting", [make("span", "name", `${k + 1}`), slider(k, found), make("output", "")], { "data-k": k }));
    const words = make("p", "quiet", "Round ticks: as in real images; pointed: the mean of fakes.");
    return [head, finish(make("div", "what-if", [answer(), make("div", "presets", presets(which, found)), make("div", "settings", lines), words]))];
  }

  document.addEventListener("asap:state", adopt);
  asap.flips = { one, all };
})();
