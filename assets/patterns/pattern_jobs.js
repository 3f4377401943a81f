// What the Pattern View asks of the worker: patterns of a selection, and what changes without a pattern's regions.
(function () {
  const asap = (window.asap = window.asap || {});
  const { make, button } = asap;
  const jobs = new Map(); // by id, as they were last heard of
  const KINDS = ["patterns", "counterfactual"];

  const open = (job) => job.state === "waiting" || job.state === "running";

  // The latest job of a kind whose arguments fit, if it is not over.
  const find = (kind, fits) => [...jobs.values()].reverse().find((job) => job.kind === kind && fits(job.arguments || {}) && (open(job) || job.state === "failed"));

  async function ask(kind, asked) {
    try {
      await asap.jobs.ask(kind, asked);
    } catch (error) {
      asap.patterns.say(`That cannot be done now: ${error.message}.`, null);
    }
  }

  const left = (seconds) => (seconds > 0 ? `, about ${asap.lasting(seconds)} left` : "");

  function words(job) {
    if (job.state === "failed") return `It failed: ${job.error || "no reason is known"}`;
    if (job.state === "waiting") return "Waiting for its turn";
    return job.total ? `${Math.floor((100 * job.done) / job.total)} %${left(job.left)}` : "Begun";
  }

  function bar(job) {
    const attributes = { "aria-label": "Progress", max: job.total || 1 };
    if (job.total) attributes.value = job.done;
    return make("progress", "", [], attributes);
  }

  // How a job stands; null where there is none.
  function progress(kind, fits) {
    const job = find(kind, fits);
    if (!job) return null;
    const parts = [make("p", "", open(job) ? "Patterns are being looked for." : "Patterns could not be found."), ...(open(job) ? [bar(job)] : []), make("p", "quiet", `${words(job)}.`)];
    if (open(job)) parts.push(button("", "text-button", "Cancel", () => asap.jobs.cancel(job.id)));
    if (!open(job)) parts.push(button("", "text-button", "Try again", () => ask(kind, job.arguments)));
    return make("div", "pattern-nothing", parts, { role: "status" });
  }

  // The button that measures a pattern, or how that stands.
  function measure(shown, p) {
    const which = asap.patternParts.which(shown, p);
    const job = find("counterfactual", (asked) => asked.pattern === which);
    if (job && open(job)) return [make("span", "pattern-measuring", [bar(job), make("span", "quiet", words(job))], { role: "status" })];
    const failed = job ? [make("span", "quiet", words(job))] : [];
    if (!asap.jobs.can || p.drop) return failed; // what was measured would come out the same again
    const label = `Take its regions from ${asap.plural(p.n, "image", "images")} and judge them again`;
    return [button(label, "text-button", "Measure", () => ask("counterfactual", { pattern: which, occluders: ["drop", "swap"] })), ...failed];
  }

  document.addEventListener("asap:job", (event) => {
    const job = event.detail;
    if (!KINDS.includes(job.kind)) return;
    jobs.delete(job.id);
    jobs.set(job.id, job);
    if (job.state === "done") asap.patterns.reload();
    else asap.patterns.render();
  });

  asap.patternJobs = { ask, progress, measure };
})();
