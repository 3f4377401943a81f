// A heat map's numbers and colours; `asap.colour` and the legend's scale are the same colours.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;

  asap.token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // The measure of every cell that is wanted.
  asap.heat = function ({ plane, side, of, measure, pattern }) {
    const asked = { of, pattern: measure === "pattern" ? pattern : null, v: asap.edition() };
    return asap.fetchJson(asap.query("heat", `${plane}/${side}/${measure}.json`, asked));
  };

  const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

  function mix(stops, at) {
    const place = Math.min(Math.max(at, 0), 1) * (stops.length - 1);
    const k = Math.min(Math.floor(place), stops.length - 2);
    const [one, other] = [channels(stops[k]), channels(stops[k + 1])];
    return `rgb(${one.map((channel, i) => Math.round(channel + (other[i] - channel) * (place - k))).join(" ")})`;
  }

  const RAMPS = {
    severity: ["--severity-0", "--severity-1", "--severity-2", "--severity-3"],
    classes: ["--real", "--heat-middle", "--fake"],
    contribution: ["--real", "--heat-middle", "--fake"],
  };
  const ramp = (scale) => (RAMPS[scale] || ["--heat-low", "--heat-high"]).map(asap.token);

  asap.colour = function (field, value) {
    const colours = ramp(field.scale);
    if (field.scale === "severity") return colours[field.steps.filter((step) => value >= step).length];
    if (field.scale === "count") return mix(colours, Math.log(value) / Math.log(field.high));
    return mix(colours, (value - field.low) / (field.high - field.low));
  };

  // A value in words, as it stands at the scale and on the hover card.
  asap.measured = function (field, value) {
    if (value === null || value === undefined) return "not known";
    if (field.scale === "count") return asap.number(Math.round(value));
    if (field.scale === "severity") return value.toFixed(2);
    if (field.scale === "logits") return `${value.toFixed(2)} logits`;
    if (field.scale !== "contribution") return asap.percent(value);
    return value === 0 ? "0" : `${Math.abs(value).toFixed(2)} toward ${value > 0 ? "fake" : "real"}`;
  };

  // The scale of a heat map: a bar with its ends named; what is not known is hatched.
  asap.heatScale = function (field, levels) {
    const parts = [make("div", "heat-scale-title", field.title)];
    if (field.scale === "severity") {
      const swatches = levels.map((name, k) => {
        const swatch = make("span", "heat-swatch");
        swatch.style.background = asap.token(`--severity-${k}`);
        return make("span", "heat-scale-step", [swatch, name]);
      });
      parts.push(make("div", "heat-scale-steps", swatches));
    } else {
      const bar = make("div", "heat-scale-bar");
      bar.style.background = `linear-gradient(90deg, ${ramp(field.scale).join(", ")})`;
      const middle = field.scale === "count" ? Math.sqrt(field.high) : (field.low + field.high) / 2;
      const ends = [field.low, middle, field.high].map((value) => make("span", "", asap.measured(field, value)));
      parts.push(bar, make("div", "heat-scale-ends", ends));
    }
    const beside = [make("span", "heat-scale-step", [make("span", "heat-swatch small"), `fewer than ${field.few} images`])];
    if (field.value.some((value) => value === null)) beside.push(make("span", "heat-scale-step", [make("span", "heat-swatch hatched"), "not known"]));
    parts.push(make("div", "heat-scale-steps", beside));
    if (field.note) parts.push(make("p", "hint", field.note));
    return make("div", "heat-scale", parts);
  };
})();
