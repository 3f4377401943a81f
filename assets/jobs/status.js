// The status bar: jobs in words. See app/views/status.py.
(function () {
  const asap = (window.asap = window.asap || {});
  const STEPS = ["patterns"]; // kinds whose progress is no number of images
  const said = new Map(); // id -> the state that was spoken
  let open = false;

  const here = (name) => document.getElementById(`status-${name}`);
  const named = (phrase, all) => (phrase ? asap.phraseName(phrase) : all);

  const WHAT = {
    relevance: ({ rows, of }, size) => (of !== undefined ? `Maps of ${named(of, "all images")}` : rows && rows.length === 1 ? `Map of image ${rows[0]}` : `Maps of ${asap.plural(size, "image", "images")}`),
    text: ({ words }) => `Images that look like “${words}”`,
    patterns: ({ of }) => `Patterns in ${named(of, "all images")}`,
    counterfactual({ pattern, of, regions }, size) {
      if (pattern) return `Images without ${named(`pattern=${pattern}`, "a pattern")}`;
      if (of !== undefined) return `${named(of, "all images")} without their strongest regions`;
      return regions && regions.length === 1 ? `Image ${regions[0][0]} without a region` : `Images without ${asap.plural(size, "region", "regions")}`;
    },
  };

  const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  asap.jobName = (job) => upper(WHAT[job.kind](job.arguments || {}, job.size));

  // Seconds in words: "8 s", "1 min 20 s", "2 h 5 min".
  asap.lasting = function (seconds) {
    const s = Math.max(1, Math.round(seconds));
    if (s < 60) return `${s} s`;
    if (s < 600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
    if (s < 3600) return `${Math.round(s / 60)} min`;
    return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`;
  };

  function far(job) {
    if (job.cancelling) return "stopping…";
    if (job.state === "waiting" || !job.total) return "opening the model…";
    const steps = STEPS.includes(job.kind);
    const done = steps ? asap.percent(job.done / job.total) : `${asap.number(job.done)} of ${asap.plural(job.total, "image", "images")}`;
    return job.left === null ? done : `${done}, ${asap.lasting(job.left)} left`;
  }

  // Text or nothing: what says nothing takes no place.
  function put(name, text) {
    const element = here(name);
    if (element.textContent !== text) element.textContent = text;
    element.hidden = !text;
    if (text && name !== "others") element.title = text;
  }

  function draw() {
    if (!here("bar")) return;
    const jobs = asap.jobs.all();
    const now = asap.jobs.state();
    const focused = here("bar").contains(document.activeElement) && document.activeElement;
    const waiting = jobs.filter((job) => job.state === "waiting");
    const shown = jobs.find((job) => job.state === "running") || waiting[0];
    const failed = jobs.filter((job) => job.state === "failed" && !job.read);
    running(shown);
    errors(failed, now);
    rest(jobs, now, shown);
    put("replaced", now.replaced ? "A newer build of this analysis is there. This page goes on with the one that it opened: serve the analysis again to see the new one." : "");
    const others = waiting.filter((job) => job !== shown).length;
    const words = [others && `${asap.number(others)} more ${others === 1 ? "waits" : "wait"}`, failed.length > 1 && `${failed.length} failed`];
    put("others", words.filter(Boolean).join(", ") || (jobs.length ? "Jobs" : ""));
    list(jobs);
    if (focused && focused.hidden) here("others").focus(); // what was pressed is done with
  }

  function running(job) {
    const bar = here("progress");
    put("what", job ? asap.jobName(job) : "");
    put("far", job ? far(job) : "");
    bar.hidden = !job;
    here("cancel").hidden = !job || job.cancelling;
    if (!job) return;
    here("cancel").dataset.job = job.id;
    if (job.state === "running" && job.total && !job.cancelling) {
      bar.max = job.total;
      bar.value = job.done;
    } else bar.removeAttribute("value");
  }

  function errors(failed, now) {
    const job = failed[failed.length - 1];
    const reason = job ? `${asap.jobName(job)} failed: ${job.error}` : "";
    const trouble = now.trouble ? `Nothing new can be computed: ${now.trouble}. What is there can be seen.` : "";
    put("error", now.silent ? "The server does not answer. It may have been stopped." : reason || trouble);
    here("dismiss").hidden = !job || now.silent;
    if (job) here("dismiss").dataset.job = job.id;
  }

  function rest(jobs, now, shown) {
    const ended = jobs.filter((job) => job.state === "done").sort((a, b) => a.ended - b.ended).pop();
    put("last", !shown && ended ? `Done: ${asap.jobName(ended)}` : "");
    const maps = now.maps;
    const all = maps && maps.done >= maps.of;
    const words = maps && (all ? `Maps: all ${asap.number(maps.of)} images have theirs` : `Maps: ${asap.number(maps.done)} of ${asap.number(maps.of)} images have theirs`);
    put("maps", !shown && words ? words : "");
    here("compute").hidden = Boolean(shown) || !maps || all || !asap.jobs.can;
  }

  // All jobs above the bar, those that run first.
  const STATES = { waiting: "waits", running: "runs", done: "done", failed: "failed", cancelled: "cancelled" };

  function list(jobs) {
    const place = here("list");
    place.hidden = !open || !jobs.length;
    here("others").setAttribute("aria-expanded", String(!place.hidden));
    if (place.hidden) return;
    const order = ["running", "waiting", "failed", "done", "cancelled"];
    const sorted = [...jobs].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.asked - b.asked);
    const focused = document.activeElement && place.contains(document.activeElement) ? document.activeElement.dataset : null;
    place.replaceChildren(...sorted.map(line));
    if (focused) (place.querySelector(`[data-job="${focused.job}"]`) || here("others")).focus();
  }

  function line(job) {
    const active = job.state === "waiting" || job.state === "running";
    const words = job.state === "running" ? far(job) : job.state === "failed" ? `failed: ${job.error}` : STATES[job.state];
    const parts = [asap.make("strong", "", asap.jobName(job)), asap.make("span", job.state === "failed" ? "status-error" : "quiet", words)];
    const does = active ? "cancel" : job.state === "failed" ? "dismiss" : null;
    if (does && !job.cancelling) {
      const attributes = { type: "button", "data-job": job.id, "data-does": does, "aria-label": `${does === "cancel" ? "Cancel" : "Dismiss"}: ${asap.jobName(job)}` };
      parts.push(asap.make("button", "text-button", does === "cancel" ? "Cancel" : "×", attributes));
    }
    return asap.make("li", job.state, parts);
  }

  function speak(job) {
    if (!job.id || !here("said") || said.get(job.id) === job.state) return;
    said.set(job.id, job.state);
    const words = { waiting: "asked for", running: "begun", done: "done", failed: `failed: ${job.error}`, cancelled: "cancelled" };
    here("said").textContent = `${asap.jobName(job)}: ${words[job.state]}`;
  }

  document.addEventListener("asap:jobs", draw);
  document.addEventListener("asap:state", draw); // the page is there: jobs may have been heard of before
  document.addEventListener("asap:job", (event) => {
    draw();
    speak(event.detail);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#status-bar button, #status-list button");
    if (!button) {
      if (open && !event.target.closest("#status-list")) toggle(false);
      return;
    }
    const does = button.dataset.does || button.id.replace("status-", "");
    if (does === "cancel") asap.jobs.cancel(button.dataset.job);
    if (does === "dismiss") asap.jobs.dismiss(button.dataset.job);
    if (does === "compute") asap.jobs.ask("relevance", { of: "" });
    if (does === "others") toggle(!open);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open) return;
    event.stopImmediatePropagation(); // closes the list, nothing else
    toggle(false);
    here("others").focus();
  }, true);

  function toggle(now) {
    open = now;
    draw();
  }
})();
