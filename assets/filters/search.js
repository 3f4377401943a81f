// The search: names and metadata as one types; and, when asked, images that look like the words. See asap_core/texts.py.
(function () {
  const asap = (window.asap = window.asap || {});
  const PAUSE = 400; // ms without a letter before what is typed becomes the filter
  const OTHERS = /^(text|shows)=/; // conditions that a search takes the place of
  let pause = 0;
  let awaited = null; // the job whose end is waited for, and its words

  // Made here, since Dash's own input moves the cursor while somebody writes.
  const box = asap.make("input", "search", [], {
    type: "search", id: "search-words", placeholder: "Search names and metadata  ( / )", maxlength: 200, autocomplete: "off",
    "aria-label": "Search names and metadata", "aria-describedby": "search-looks",
  });
  const offer = asap.make("button", "looks", [], {
    type: "button", id: "search-looks", hidden: "", title: "The nearest images in the encoder's joint space of images and texts (Shift+Enter)",
  });
  const words = () => box.value.trim();

  function search() {
    clearTimeout(pause);
    asap.filter.put("text", words() ? [asap.encode(words())] : []);
  }

  // What the box says; while somebody writes in it, that is theirs.
  function draw() {
    const place = document.getElementById("filters-search");
    if (!place.contains(box)) place.append(box, offer);
    if (document.activeElement !== box) box.value = asap.filter.values("text").map((text) => decodeURIComponent(text)).join(" ");
    return dash_clientside.no_update;
  }

  // The button below the box, while there is something in it.
  function show() {
    offer.hidden = !words() || asap.jobs.can === false;
    offer.textContent = `Images that look like “${words()}”`;
  }

  // Let the encoder read the words, then filter by them: the nearest images, the nearest first.
  async function look() {
    const asked = words();
    if (!asked) return;
    clearTimeout(pause);
    offer.disabled = true;
    offer.textContent = "Reading the words…";
    try {
      awaited = { id: await asap.jobs.ask("text", { words: asked }), words: asked };
    } catch (error) {
      done(error.message);
    }
  }

  function done(trouble) {
    awaited = null;
    offer.disabled = false;
    offer.hidden = !trouble;
    if (trouble) offer.textContent = trouble;
  }

  document.addEventListener("asap:job", ({ detail: job }) => {
    if (!awaited || job.id !== awaited.id || ["waiting", "running"].includes(job.state)) return;
    const condition = `shows=${asap.encode(awaited.words)}`;
    done(job.error);
    if (job.state !== "done") return;
    const kept = asap.conditions(asap.current.filter).filter((each) => !OTHERS.test(each));
    if (document.activeElement === box) box.blur();
    asap.go({ filter: [...kept, condition].join("&"), sort: "alike", page: null });
  });

  box.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(search, PAUSE);
    show();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && !offer.hidden) offer.focus();
    else if (event.key === "Enter") event.shiftKey ? look() : search();
    else return;
    event.preventDefault();
  });
  box.addEventListener("focus", show);
  for (const each of [box, offer]) {
    each.addEventListener("blur", (event) => {
      if (!offer.disabled && ![box, offer].includes(event.relatedTarget)) offer.hidden = true;
    });
  }
  offer.addEventListener("click", look);

  window.dash_clientside = Object.assign({}, window.dash_clientside, { search: { draw } });
})();
