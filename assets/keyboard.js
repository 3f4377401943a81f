// Keys that work everywhere: / ? e c space m r p. Arrows, Enter and Esc belong to what has the focus.
(function () {
  const asap = (window.asap = window.asap || {});

  const writing = (target) => target.closest?.("input:not([type=range]), textarea, select, [contenteditable]");

  // The next image that is judged wrong: from the opened one on in the gallery's order, the first where none is open.
  async function nextError() {
    const { image } = asap.current;
    if (!asap.labelled()) return;
    const asked = { ...asap.gallery.asked(1), of: asap.both(asap.shown(asap.current.a), "wrong"), sort: "errors" };
    for (let page = 1, pages = 1, take = image === null; page <= pages; page++) {
      const shown = await asap.fetchJson(asap.query("tiles", "", { ...asked, page }));
      pages = shown.pages;
      const rows = shown.tiles.map(([row]) => row);
      const at = take ? 0 : rows.indexOf(image) + 1;
      if ((take || at > 0) && at < rows.length) return asap.go({ image: rows[at] }, image !== null);
      if (at > 0) take = true; // it was the last of its page
      if (page === pages && !take && rows.length) return asap.go({ image: (await asap.fetchJson(asap.query("tiles", "", asked))).tiles[0][0] }, true);
    }
  }

  // Said where people look: beside the opened image, or above the images.
  function untold(error) {
    const place = document.getElementById("opened-said") || document.getElementById("image-facts");
    place.textContent = `The next error could not be found: ${error.message}.`;
  }

  const KEYS = {
    "/": () => document.getElementById("search-words").focus(),
    "?": () => document.getElementById("header-keys").showModal(),
    e: () => nextError().catch(untold),
    c: () => asap.current.a && asap.go({ b: asap.current.a, a: asap.current.b }),
    m: () => asap.opened.pick("magnify"),
    r: () => asap.opened.pick("mark"),
    p: () => asap.current.image !== null && asap.showInPlane(asap.current.image),
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
    if (event.key === " " && !event.target.closest("button, a, summary, [role=option], [role=radio]")) {
      event.preventDefault();
      if (!event.repeat && asap.current.overlay !== "on") asap.go({ overlay: "on" }, true);
      else document.body.classList.add("without-maps");
      return;
    }
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  document.addEventListener("keyup", (event) => {
    if (event.key === " ") document.body.classList.remove("without-maps");
  });
  window.addEventListener("blur", () => document.body.classList.remove("without-maps"));

  // Panels: one button enlarges, and shows all again.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-focus]");
    if (!button || button === document.body) return;
    asap.go({ focus: asap.current.focus === button.dataset.focus ? null : button.dataset.focus });
  });
})();
