// The images of a group: one small file a page becomes a hundred tiles, with their maps over them if asked for.
// A click is heard by selection.js.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;
  let latest = 0;

  const VALUES = {
    alike: (value) => `cosine ${value.toFixed(2)}`,
    sensitivity: (value) => `sensitivity ${value.toFixed(1)}`,
    dimension: asap.toward,
  };

  function tile([row, truth, called, score, unsure, name, small], value) {
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
    if (value !== undefined) words.push(make("span", "sorted-by", value === null ? "not known yet" : VALUES[asap.current.sort](value)));
    const label = [name, kind && `${kind} in truth`, `judged ${verdict}`, `score ${(score / 1000).toFixed(2)}`, flag];
    const frame = make("span", "frame", flag ? [image, make("span", `flag ${wrong ? "wrong" : "unsure"}`, flag)] : [image]);
    const parts = [frame, make("span", "caption", words)];
    return make("button", `tile ${kind}${wrong ? " mistaken" : ""}`, parts, {
      type: "button", "data-go": `image=${row}`, "data-row": row, title: name, "aria-label": label.filter(Boolean).join(", "),
    });
  }

  // What is shown, and how many of them are judged right.
  function words(shown) {
    const { a, filter, sort } = asap.current;
    const title = a ? asap.phraseName(a) : filter ? "All that pass the filter" : "Whole collection";
    if (!shown.n) return [title, filter ? "No image of it passes the filter." : "It holds no images."];
    const parts = [asap.plural(shown.n, "image", "images")];
    if (asap.labelled()) {
      parts.push(`${asap.percent(shown.fake / shown.n)} fake`);
      parts.push(`${asap.percent(shown.right / shown.n)} right (95 %: ${asap.span(shown.low, shown.high)})`);
    } else parts.push(`${asap.percent(shown.called / shown.n)} judged fake`);
    if (!a && sort === "errors") parts.push(asap.labelled() ? "the most confident errors come first" : "the least certain come first");
    return [title, parts.join(" · ")];
  }

  function pager(shown) {
    if (shown.pages < 2) return [make("span", "", shown.n ? asap.plural(shown.n, "image", "images") : "")];
    const step = (sign, label, to) => {
      const attributes = { type: "button", "data-go": `page=${to}`, "aria-label": label };
      if (to < 1 || to > shown.pages) attributes.disabled = "";
      return make("button", "icon-button", sign, attributes);
    };
    const last = shown.first + shown.tiles.length - 1;
    const range = `${asap.number(shown.first)} – ${asap.number(last)} of ${asap.number(shown.n)}`;
    return [step("‹", "Previous page", shown.page - 1), make("span", "", range), step("›", "Next page", shown.page + 1)];
  }

  function heading(title) {
    const parts = [make("span", "set-name", title)];
    const here = { of: asap.shown(asap.current.a) };
    parts.push(
      make("a", "text-button", "CSV", { href: asap.query("export", "", here).replace(/\?|$/, (end) => ".csv" + end), download: "", title: "Save these images as a table" }),
      make("button", "text-button", "Without…", { type: "button", "data-without": "open", title: "Judge these images again without the strongest region of each" }),
      make("button", "text-button", "Tag", { type: "button", "data-tags": "yes", title: "Give these images a name" })
    );
    if (asap.current.a) parts.push(make("button", "text-button", "Show all", { type: "button", "data-go": "a=&page=&image=" }));
    return parts;
  }

  // What a sort goes by: a dimension, or the image that others are alike to, where the phrase does not say it.
  function by(sort) {
    if (sort === "dimension") return asap.current.target === "logit" ? null : asap.current.target;
    if (sort !== "alike") return 0;
    const said = asap.conditions(asap.shown(asap.current.a)).some((each) => /^(like|shows)=/.test(each));
    return said ? 0 : asap.current.image;
  }

  // The question behind a page of tiles; a sort that lacks what it goes by gives way to severity.
  asap.gallery = {
    asked: (page) => {
      const { a, sort } = asap.current;
      const number = by(sort);
      return { of: asap.shown(a), sort: number === null ? "severity" : sort, by: number || 0, page, v: asap.edition() };
    },
  };

  async function draw() {
    const turn = ++latest;
    const place = document.getElementById("image-tiles");
    controls();
    place.setAttribute("aria-busy", "true");
    const url = asap.query("tiles", "", asap.gallery.asked(asap.current.page));
    try {
      if (place.dataset.url !== url) {
        const shown = await asap.fetchJson(url);
        if (turn !== latest) return dash_clientside.no_update;
        const [title, facts] = words(shown);
        asap.refill(document.getElementById("image-title"), heading(title));
        document.getElementById("image-facts").textContent = facts;
        asap.refill(document.getElementById("image-pager"), pager(shown));
        place.replaceChildren(...shown.tiles.map((each, i) => tile(each, shown.values ? shown.values[i] : undefined)));
        place.scrollTop = 0;
        place.dataset.n = shown.n;
        place.dataset.url = url;
      }
    } catch (error) {
      if (turn !== latest) return dash_clientside.no_update;
      place.dataset.url = "";
      place.replaceChildren(make("p", "trouble", `The images could not be loaded: ${error.message}.`));
    }
    await overlay(turn, true);
    if (turn !== latest) return dash_clientside.no_update;
    place.setAttribute("aria-busy", "false");
    place.dataset.of = asap.shown(asap.current.a) || "all";
    return dash_clientside.no_update;
  }

  // The switches show the state, however it came about.
  function controls() {
    const { sort, target, overlay: on } = asap.current;
    const here = (id) => document.getElementById(id);
    here("image-choose-sort").value = sort;
    here("image-target").value = String(target);
    here("image-overlay").setAttribute("aria-pressed", String(on === "on"));
    const opacity = here("image-opacity");
    if (!opacity.firstChild) opacity.append(make("input", "", [], { type: "range", min: 0.1, max: 1, step: 0.05, value: 0.8, "aria-label": "Opacity of the maps", title: "Opacity" }));
    here("image-tiles").classList.toggle("with-maps", on === "on");
  }

  // Lay the maps of the target over the tiles.
  async function overlay(turn, ask) {
    try {
      await lay(turn, ask);
    } catch (error) {
      if (turn === latest) document.getElementById("image-mapped").replaceChildren(make("span", "warn", `The maps could not be loaded: ${error.message}.`));
    }
  }

  // Those that are missing are asked for when people look, once: a map that cannot be made, or was cancelled, is not again.
  async function lay(turn, ask) {
    const { target, overlay: on } = asap.current;
    const said = document.getElementById("image-mapped");
    const tiles = [...document.querySelectorAll("#image-tiles .tile")];
    if (on !== "on") {
      said.replaceChildren();
      tiles.forEach((each) => each.querySelector(".map")?.remove());
      return;
    }
    const rows = tiles.map((each) => Number(each.dataset.row));
    if (!rows.length) return said.replaceChildren();
    const state = await asap.fetchJson(asap.query("maps", "", { rows: rows.join(",") }));
    if (turn !== latest) return;
    const done = new Set(state.done);
    for (const each of tiles) {
      const row = Number(each.dataset.row);
      if (done.has(row)) cover(each, row, target);
      else each.querySelector(".map")?.remove();
    }
    const missing = rows.filter((row) => !done.has(row));
    const coming = ask || computing();
    said.replaceChildren(...legend(missing.length, rows.length, state, target, coming));
    if (missing.length && ask && asap.jobs.can) asap.jobs.ask("relevance", { rows: missing });
  }

  const computing = () => asap.jobs.all().some((job) => job.kind === "relevance" && ["waiting", "running"].includes(job.state));

  function cover(each, row, target) {
    const url = asap.query("map", `${target}/${row}.png`, { v: asap.edition() });
    let map = each.querySelector(".map");
    if (!map) {
      map = make("img", "map", [], { alt: "", loading: "lazy" });
      each.querySelector("img").after(map);
    }
    if (map.getAttribute("src") !== url) map.src = url;
  }

  function legend(missing, of, state, target, coming) {
    if (missing) {
      const there = `${of - missing} of ${of} maps are there`;
      return [make("span", "quiet", coming && asap.jobs.can ? `${there}, the rest are being computed` : there)];
    }
    const full = state.full[target === "logit" ? state.full.length - 1 : target];
    return [
      make("span", "mark real", "toward real"), make("span", "mark fake", "toward fake"),
      make("span", "quiet", `full colour: ${full.toPrecision(2)} logits a token`),
    ];
  }

  let later = 0;
  document.addEventListener("asap:job", (event) => {
    if (event.detail.kind !== "relevance" || asap.current.overlay !== "on") return;
    clearTimeout(later); // maps come by the batch: look once they have settled
    later = setTimeout(() => overlay(latest, false), 300);
  });

  document.addEventListener("change", (event) => {
    if (event.target.id === "image-choose-sort") asap.go({ sort: event.target.value, page: null });
    if (event.target.id === "image-target") asap.go({ target: event.target.value });
  });

  document.addEventListener("input", (event) => {
    if (event.target.matches("#image-opacity, #image-opacity *")) {
      document.documentElement.style.setProperty("--map-opacity", event.target.value);
    }
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-overlay]")) asap.go({ overlay: asap.current.overlay === "on" ? null : "on" });
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, { gallery: { draw } });
})();
