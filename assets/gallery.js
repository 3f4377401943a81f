// The images of a cell: one small file a page becomes a hundred tiles. A click is heard by selection.js.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;
  let latest = 0;

  function tile([row, truth, called, score, unsure, name, small]) {
    const verdict = called ? "fake" : "real";
    const kind = truth === null ? "" : truth ? "fake" : "real";
    const wrong = truth !== null && truth !== called;
    const flag = wrong ? (truth ? "miss" : "false alarm") : unsure ? "inconclusive" : "";
    const image = make("img", small ? "tiny" : "", [], {
      src: asap.url("thumb", `${row}?s=128`),
      srcset: `${asap.url("thumb", `${row}?s=128`)} 1x, ${asap.url("thumb", `${row}?s=256`)} 2x`,
      alt: name, loading: "lazy", decoding: "async", width: 128, height: 128,
    });
    const words = kind ? [make("span", `mark ${kind}`, kind)] : [];
    words.push(make("span", kind ? "verdict" : `mark ${verdict}`, `judged ${verdict} ${(score / 1000).toFixed(2)}`));
    const label = [name, kind && `${kind} in truth`, `judged ${verdict}`, `score ${(score / 1000).toFixed(2)}`, flag];
    const frame = make("span", "frame", flag ? [image, make("span", `flag ${wrong ? "wrong" : "unsure"}`, flag)] : image);
    const parts = [frame, make("span", "caption", words)];
    return make("button", `tile ${kind}${wrong ? " mistaken" : ""}`, parts, {
      type: "button", "data-go": `image=${row}`, "data-row": row, title: name, "aria-label": label.filter(Boolean).join(", "),
    });
  }

  function words(shown, cell, side) {
    if (cell === null) {
      const hint = asap.labelled() ? "the most confident errors come first" : "the least certain come first";
      return ["Whole collection", `Choose a cell to see its images. Until then: all of them${asap.current.sort === "errors" ? ", " + hint : ""}.`];
    }
    if (!shown.n) return [asap.cellName(cell, side), "This cell holds no images."];
    const parts = [];
    if (asap.labelled()) {
      parts.push(`${asap.percent(shown.fake / shown.n)} fake`);
      parts.push(`${asap.number(shown.right)} judged right (${asap.percent(shown.right / shown.n)}, 95 % interval ${asap.span(shown.low, shown.high)})`);
    } else parts.push(`${asap.percent(shown.called / shown.n)} judged fake`);
    return [`${asap.cellName(cell, side)}`, `${asap.plural(shown.n, "image", "images")} · ${parts.join(" · ")}`];
  }

  function pager(shown) {
    if (shown.pages < 2) return [make("span", "", shown.n ? `${asap.plural(shown.n, "image", "images")}` : "")];
    const step = (sign, label, to) => {
      const attributes = { type: "button", "data-go": `page=${to}`, "aria-label": label };
      if (to < 1 || to > shown.pages) attributes.disabled = "";
      return make("button", "icon-button", sign, attributes);
    };
    const last = shown.first + shown.tiles.length - 1;
    const range = `${asap.number(shown.first)} – ${asap.number(last)} of ${asap.number(shown.n)}`;
    return [step("‹", "Previous page", shown.page - 1), make("span", "", range), step("›", "Next page", shown.page + 1)];
  }

  function heading(title, cell) {
    const parts = [make("span", "", title)];
    if (cell !== null) parts.push(make("button", "text-button", "Show all", { type: "button", "data-go": "cell=&page=&image=" }));
    return parts;
  }

  async function draw(plane, side, cell, sort, page) {
    const turn = ++latest;
    const place = document.getElementById("image-tiles");
    const where = cell === null ? "all" : cell;
    place.setAttribute("aria-busy", "true");
    try {
      const url = asap.url("tiles", `${plane}/${side}/${where}?sort=${sort}&page=${page}&v=${asap.edition()}`);
      const shown = await asap.fetchJson(url);
      if (turn !== latest) return dash_clientside.no_update;
      const [title, facts] = words(shown, cell, side);
      document.getElementById("image-title").replaceChildren(...heading(title, cell));
      document.getElementById("image-facts").textContent = facts;
      document.getElementById("image-pager").replaceChildren(...pager(shown));
      place.replaceChildren(...shown.tiles.map(tile));
      place.scrollTop = 0;
    } catch (error) {
      if (turn !== latest) return dash_clientside.no_update;
      place.replaceChildren(make("p", "trouble", `The images could not be loaded: ${error.message}. Is the server still running?`));
    }
    place.setAttribute("aria-busy", "false");
    place.dataset.cell = where;
    return dash_clientside.no_update;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, { gallery: { draw } });
})();
