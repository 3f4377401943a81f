// Tags: a name for the images that are shown, kept beside the analysis; a filter goes by it.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;

  const dialog = () => document.getElementById("image-tags");

  // Images that were tagged and are not in this analysis: how many, and which.
  function gone({ lost, n_lost: count }) {
    if (!lost) return [];
    const lines = lost.map(([tag, path, reason]) => make("li", "", [path, make("span", "quiet", ` ${tag}; ${reason}`)]));
    if (count > lost.length) lines.push(make("li", "quiet", `and ${asap.number(count - lost.length)} more: python run.py notes DIR`));
    const says = `${asap.plural(count, "tagged image is", "tagged images are")} not in this analysis; the tags are kept`;
    return [make("details", "lost", [make("summary", "quiet", says), make("ul", "", lines)])];
  }

  function draw(known, words) {
    const { tags } = known;
    const of = asap.shown(asap.current.a);
    const n = document.getElementById("image-tiles").dataset.n || "0";
    const close = make("button", "icon-button", "×", { type: "button", "data-close": "image-tags", "aria-label": "Close" });
    const name = make("input", "search", [], { type: "text", maxlength: 60, placeholder: "A name", "aria-label": "Name of the tag", list: "image-tag-names" });
    const names = make("datalist", "", Object.keys(tags).map((tag) => make("option", "", tag)), { id: "image-tag-names" });
    const add = make("button", "text-button primary", "Tag them", { type: "button", "data-tag": "add" });
    const take = make("button", "text-button", "Take it from them", { type: "button", "data-tag": "take" });
    const listed = Object.entries(tags).map(([tag, count]) => make("button", "text-button", `${tag} (${asap.number(count)})`, {
      type: "button", "data-go": `filter=${encodeURIComponent(`tag=${asap.encode(tag)}`)}&page=`, "data-close": "image-tags", title: "Show only these",
    }));
    dialog().replaceChildren(
      make("header", "dialog-head", [make("h2", "", `Tag ${asap.number(Number(n))} images`), close]),
      make("div", "dialog-text", [
        make("p", "quiet", of ? "The images that are shown now, on all pages." : "All images of the collection."),
        make("div", "tag-line", [name, names, add, take]),
        make("p", words ? "" : "quiet", words || (listed.length ? "Tags so far; one shows its images:" : "No tags so far.")),
        make("div", "tag-names", listed),
        ...gone(known),
      ])
    );
    name.focus();
  }

  async function change(add) {
    const name = dialog().querySelector("input").value;
    try {
      const found = await asap.post(asap.query("tags", "", {}), { name, of: asap.shown(asap.current.a), add });
      draw(found, add ? `Tagged “${name}”.` : `“${name}” was taken from them.`);
      document.dispatchEvent(new CustomEvent("asap:tags"));
    } catch (error) {
      dialog().querySelector("p:last-of-type").textContent = error.message;
    }
  }

  document.addEventListener("click", async (event) => {
    if (event.target.closest("[data-tags]")) {
      const known = await asap.fetchJson(asap.query("tags", "", {})).catch((error) => ({ tags: {}, error }));
      dialog().showModal(); // first, so that the name has the focus
      draw(known, known.error && `The tags could not be loaded: ${known.error.message}.`);
    }
    const button = event.target.closest("[data-tag]");
    if (button) change(button.dataset.tag === "add");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.closest("#image-tags input")) change(true);
  });
})();
