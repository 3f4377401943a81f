// The groups A and B: their names in words, the chips, the menu of comparisons, a pin that keeps A, names people give.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make, button } = asap;
  const KEPT = "asap-named-groups";
  const WHOLE = { "fake&right": "correctly found fakes", "real&right": "correctly judged real" };
  const patterns = (asap.patternNames = new Map()); // phrase -> name, as the server has them
  let asked = null;

  const number = (phrase) => phrase.split("/").pop();
  const decode = (value) => decodeURIComponent(value.replace(/%(?![0-9A-F]{2})/gi, "%25"));

  // Names that people gave, by phrase; of this analysis only.
  const shelf = () => `${KEPT}/${document.getElementById("selection-root").dataset.fingerprint}`;
  function named() {
    try {
      return Object.entries(JSON.parse(localStorage.getItem(shelf()) || "{}")).filter(([, name]) => typeof name === "string");
    } catch {
      return []; // no storage, or not ours
    }
  }
  function keep(entries) {
    try {
      localStorage.setItem(shelf(), JSON.stringify(Object.fromEntries(entries)));
    } catch {
      // a browser without storage forgets names
    }
  }

  function place(values) {
    if (values.length > 1) return asap.plural(values.length, "cell", "cells");
    const [plane, side, code] = values[0].split("/");
    const elsewhere = asap.current.plane && plane !== asap.current.plane ? ` of ${plane}` : "";
    return asap.cellName(Number(code), Number(side)) + elsewhere;
  }

  const NAMES = {
    cell: place,
    lasso: (values) => (values.length > 1 ? `${values.length} lassos` : "lasso"),
    pattern: (values) => values.map((value) => patterns.get(`pattern=${value}`) || `pattern ${Number(number(value)) + 1}`).join(" or "),
    rows: (values) => (values.length === 1 ? `image ${values[0]}` : asap.plural(values.length, "image", "images")),
    like: (values) => `like image ${values[0]}`,
    shows: (values) => `looks like “${values.map(decode).join("” or “")}”`,
    severity: ([range]) => `severity ${range.replace("..", " to ")}`,
    text: (values) => `“${values.map(decode).join(" ")}”`,
  };

  function say(condition) {
    const [key, ...rest] = condition.split("=");
    if (!rest.length) return key.replace("-", " ");
    const values = rest.join("=").split("|");
    if (NAMES[key]) return NAMES[key](values);
    return `${decode(key.replace(/^meta\./, ""))} ${values.map(decode).join(" or ")}`;
  }

  // A phrase in words: "Cell 5, 3", "misses", "generator upsampler"; the name that somebody gave it, if any.
  asap.phraseName = function (phrase) {
    if (!phrase) return "everything";
    const given = named().find(([known]) => known === phrase);
    return given ? given[1] : WHOLE[phrase] || asap.conditions(phrase).map(say).join(", ");
  };

  // What can be compared under the filter; patterns' names come with it.
  function ready() {
    asked = asap.fetchJson(asap.query("comparisons", "", { of: asap.current.filter })).then((found) => {
      for (const [, options] of found.groups) for (const [phrase, , name] of options) if (name) patterns.set(phrase, name);
      return found;
    });
    asked.catch(() => (asked = null));
    return asked;
  }

  const pinned = () => asap.current.pin === "on";

  // With A pinned, what would become A becomes B; whoever names both means both.
  document.addEventListener("DOMContentLoaded", () => {
    const go = asap.go;
    asap.go = (changes, quietly) => {
      const turned = pinned() && changes.a && !("b" in changes) && asap.current.a;
      if ("a" in changes && !changes.a) changes = { ...changes, pin: null };
      go(turned ? { ...changes, a: asap.current.a, b: changes.a === asap.current.a ? null : changes.a } : changes, quietly);
    };
  });

  const PIN = "M5 1h6l-1 5 3 3v1.5H8.6V15h-1.2v-4.5H3V9l3-3z";

  function icon(path) {
    const svg = asap.draw("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
    svg.append(asap.draw("path", { d: path }));
    return svg;
  }

  function chip(letter, phrase, n, everything) {
    const words = phrase ? asap.phraseName(phrase) : everything;
    const brief = words.replace(/^(generator|category) (?!.*,)/, ""); // a chip is narrow; its title has it all
    const parts = [make("span", `letter ${letter.toLowerCase()}`, letter), make("span", "chip-name", brief)];
    if (n !== null) parts.push(make("span", "chip-n", asap.number(n)));
    if (phrase && letter === "A") {
      const label = pinned() ? "A is pinned: what you click becomes B. Let it go" : "Pin A: what you click next becomes B";
      parts.push(button(label, "chip-pin", icon(PIN), () => asap.go({ pin: pinned() ? null : "on" }, true), { "aria-pressed": String(pinned()) }));
    }
    if (phrase) parts.push(button(`Clear ${letter}`, "chip-remove", "×", () => asap.go({ [letter.toLowerCase()]: null, page: null })));
    return make("span", `group-chip${phrase ? "" : " nobody"}`, parts, { title: `${letter}: ${words}${n === null ? "" : `, ${asap.plural(n, "image", "images")}`}` });
  }

  // The chips, from the bars' numbers of images; the menu's button is made once and stays.
  let last = null;
  function redraw(shown = last) {
    last = shown;
    const place = document.getElementById("dimension-groups");
    const { a, b, filter } = asap.current;
    const kept = place.querySelector(".compare-button") || opener();
    const count = (side) => (shown && shown[side] ? shown[side].n : shown ? 0 : null);
    const open = () => kept.click();
    const second = b ? chip("B", b, count("b")) : button("B: none yet. Shift-click a cell, or choose a comparison", "group-chip nobody", [make("span", "letter b", "B"), make("span", "chip-name", "none")], open);
    kept.classList.toggle("brief", Boolean(a && b));
    const swap = button("Swap A and B", "icon-button swap", "⇄", () => asap.go({ a: b, b: a, page: null }), a && b ? {} : { disabled: "" });
    const parts = [chip("A", a, count("a"), filter ? "all that pass" : "everything"), swap, second];
    asap.refill(place, [...parts, kept]);
    if (`${a}${b}`.includes("pattern=") && !asked) ready().then(() => redraw(), () => {});
  }

  function opener() {
    const menu = make("div", "compare-menu", [], { popover: "auto", id: "dimension-compare", role: "dialog", "aria-label": "Choose what to compare" });
    const opens = button("Choose what to compare", "text-button compare-button", [make("span", "word", "Compare"), make("span", "sign", "▼")], () => menu.togglePopover(), { "aria-haspopup": "dialog" });
    document.body.append(menu);
    menu.addEventListener("toggle", (event) => event.newState === "open" && fill(menu, opens));
    return opens;
  }

  async function fill(menu, opens) {
    const box = opens.getBoundingClientRect();
    menu.style.right = `${Math.max(8, window.innerWidth - box.right)}px`;
    const above = box.top > window.innerHeight / 2;
    menu.style.top = above ? "auto" : `${box.bottom + 4}px`;
    menu.style.bottom = above ? `${window.innerHeight - box.top + 4}px` : "auto";
    menu.style.maxHeight = `${(above ? box.top : window.innerHeight - box.bottom) - 16}px`;
    menu.replaceChildren(make("p", "quiet", "Counting…"));
    await list(menu);
    menu.querySelector("button")?.focus();
  }

  async function list(menu) {
    try {
      const found = await ready();
      asap.refill(menu, content(menu, found));
    } catch (error) {
      menu.replaceChildren(make("p", "quiet", `The comparisons could not be loaded: ${error.message}.`));
    }
  }

  function choose(menu, changes) {
    menu.hidePopover();
    asap.go({ ...changes, page: null });
  }

  function content(menu, found) {
    const pair = ([a, b, n, m]) => button(`Compare ${asap.phraseName(a)} with ${asap.phraseName(b)}`, "pair", [
      make("span", "letter a", "A"), make("span", "pair-name", asap.phraseName(a)), make("span", "chip-n", asap.number(n)),
      make("span", "letter b", "B"), make("span", "pair-name", asap.phraseName(b)), make("span", "chip-n", asap.number(m)),
    ], () => choose(menu, { a, b }));
    const parts = [make("h3", "", "Ready comparisons"), ...found.pairs.map(pair), make("h3", "", "Any two groups"), own(menu, found)];
    return [...parts, ...saved(menu)];
  }

  // Two lists of all groups, beginning with the present A and B.
  function own(menu, found) {
    const now = [["Now", ["a", "b"].filter((side) => asap.current[side]).map((side) => [asap.current[side], null, null])]];
    const mine = named().length ? [["Named", named().map(([phrase]) => [phrase, null, null])]] : [];
    const listed = [...(now[0][1].length ? now : []), ...mine, ...found.groups];
    const choice = (letter) => {
      const groups = listed.map(([title, options]) => make("optgroup", "", options.map(([phrase, n]) =>
        make("option", "", asap.phraseName(phrase) + (n === null ? "" : ` (${asap.number(n)})`), { value: phrase })), { label: title }));
      const select = make("select", "", [make("option", "", "everything", { value: "" }), ...groups], { "aria-label": `Group ${letter}` });
      select.value = asap.current[letter.toLowerCase()] || "";
      return select;
    };
    const [a, b] = [choice("A"), choice("B")];
    b.firstChild.textContent = "none";
    const compare = button("Compare these groups", "text-button", "Compare", () => choose(menu, { a: a.value || null, b: b.value || null }));
    return make("div", "own", [make("span", "letter a", "A"), a, make("span", "letter b", "B"), b, compare]);
  }

  // Groups that people named; and a name for what is A now.
  function saved(menu) {
    const parts = named().map(([phrase, name]) => make("div", "named", [
      make("span", "pair-name", name),
      button(`${name} as A`, "text-button", "as A", () => choose(menu, { a: phrase, b: asap.current.b })),
      button(`${name} as B`, "text-button", "as B", () => choose(menu, { b: phrase })),
      button(`Forget the name ${name}`, "chip-remove", "×", () => { keep(named().filter(([known]) => known !== phrase)); fillAgain(menu); }),
    ]));
    const { a } = asap.current;
    if (a) {
      const input = make("input", "", [], { type: "text", maxlength: 40, placeholder: `A name for ${asap.phraseName(a)}`, "aria-label": "A name for A" });
      const save = (event) => {
        event.preventDefault();
        const name = input.value.trim();
        if (name) keep([...named().filter(([known]) => known !== a), [a, name]]);
        fillAgain(menu);
      };
      const form = make("form", "named", [input, make("button", "text-button", "Keep", { type: "submit" })]);
      form.addEventListener("submit", save);
      parts.push(form);
    }
    return parts.length ? [make("h3", "", "Named groups, kept in this browser"), ...parts] : [];
  }

  async function fillAgain(menu) {
    await list(menu);
    redraw();
    document.dispatchEvent(new CustomEvent("asap:names"));
  }

  let drawn = "off"; // whether the pin was on when the chips were drawn
  document.addEventListener("asap:state", () => {
    if (asap.current.pin !== drawn && last) redraw();
    drawn = asap.current.pin;
  });

  asap.groups = { redraw };
})();
