// A group judged again without the strongest region of each of its images: how far verdicts hang on one place.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make } = asap;
  const OCCLUDERS = { drop: "tokens dropped", mean: "mean colour", blur: "blurred", swap: "a real image's pixels" };
  const TYPICAL = 3; // dimensions named

  let asked = null; // {id, of}

  const dialog = () => document.getElementById("image-without");
  const interval = ([value, low, high], show) => `${show(value)} (${show(low)} to ${show(high)})`;

  function strongest(changes) {
    const order = changes.map((change, k) => [k, change]).sort((one, other) => Math.abs(other[1]) - Math.abs(one[1]));
    return order.slice(0, TYPICAL).map(([k, change]) => `${k + 1} (${asap.signed(change)})`).join(", ");
  }

  // A table of what each occluder did to the verdicts.
  function table(effects) {
    const names = ["Replaced by", "Images", "Logit changes by", "Verdicts flipped", "Predicted and measured", "Dimensions"];
    const rows = Object.entries(effects).map(([name, effect]) => make("tr", "", [
      make("th", "", OCCLUDERS[name] || name, { scope: "row" }),
      make("td", "", asap.number(effect.images)),
      make("td", "", interval(effect.change, asap.signed)),
      make("td", "", interval(effect.flips, asap.percent)),
      make("td", "", effect.correlation && effect.correlation[0] !== null ? `r = ${effect.correlation[0].toFixed(2)}` : "too few"),
      make("td", "", strongest(effect.dimensions)),
    ]));
    const head = make("tr", "", names.map((each) => make("th", "", each, { scope: "col" })));
    return make("table", "plain-table", [make("thead", "", head), make("tbody", "", rows)]);
  }

  asap.occluders = OCCLUDERS;
  asap.strongest = strongest;

  function draw(words) {
    const of = asap.shown(asap.current.a);
    const n = Number(document.getElementById("image-tiles").dataset.n || 0);
    const close = make("button", "icon-button", "×", { type: "button", "data-close": "image-without", "aria-label": "Close" });
    const run = make("button", "text-button primary", "Judge them again", { type: "button", "data-without": "run" });
    if (!n || !asap.jobs.can) run.disabled = true;
    dialog().replaceChildren(
      make("header", "dialog-head", [make("h2", "", `Without the strongest region: ${asap.number(n)} images`), close]),
      make("div", "dialog-text", [
        make("p", "quiet", "In each image, the region that speaks most for its verdict is taken away, in four ways, and the detector judges again. Images in which nothing stands out are left out."),
        make("p", "", run),
        make("div", "", words ? make("p", "hint", words) : [], { id: "image-without-result", "aria-live": "polite" }),
      ])
    );
    if (!of && n > 2000) dialog().querySelector(".quiet").append(" This is long work for the whole collection: a group is quicker.");
  }

  function result(...children) {
    document.getElementById("image-without-result")?.replaceChildren(...children);
  }

  async function run() {
    const of = asap.shown(asap.current.a);
    result(make("p", "hint", "Waiting for the model…"));
    try {
      asked = { of, id: null };
      asked.id = await asap.jobs.ask("counterfactual", { of });
    } catch (error) {
      asked = null;
      result(make("p", "warn", error.message));
    }
  }

  document.addEventListener("asap:job", (event) => {
    const job = event.detail;
    if (!asked || (asked.id && job.id !== asked.id) || job.kind !== "counterfactual" || job.arguments?.of !== asked.of) return;
    if (job.state === "failed") result(make("p", "warn", job.error));
    else if (job.state === "cancelled") result(make("p", "hint", "Cancelled."));
    else if (job.state !== "done") result(make("p", "hint", job.total ? `${asap.number(job.done)} of ${asap.number(job.total)}…` : "Waiting for the model…"));
    else if (job.result) {
      const notes = "95 % bootstrap intervals; near-duplicates are resampled together. r: how well the maps predicted the change, image by image. By the heads that gave the verdicts.";
      result(table(job.result.effects), make("p", "hint", notes));
    }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-without]");
    if (!button) return;
    if (button.dataset.without === "run") return run();
    draw();
    dialog().showModal();
  });
})();
