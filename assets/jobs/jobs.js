// Jobs of the model worker: asked here, heard of by every view through "asap:job". See app/routes/jobs.py.
(function () {
  const asap = (window.asap = window.asap || {});
  const SOON = 1000; // milliseconds between two looks while something runs or waits
  const LATER = 10000; // and while nothing does: another page may have asked
  const known = new Map(); // id -> what was last heard
  const asked = new Map(); // id -> arguments, of jobs of this page
  let heard = null; // the server's last answer
  let silent = false; // the server does not answer
  let timer = 0;
  let looking = null;

  const active = (job) => job.state === "waiting" || job.state === "running";
  const same = (a, b) => a && ["state", "done", "total", "left", "error", "cancelling", "read"].every((key) => a[key] === b[key]);

  const tell = (job) => document.dispatchEvent(new CustomEvent("asap:job", { detail: job }));

  // What was heard of one job; views are told where it changed. A job that ended is fetched whole, once.
  async function hear(job, quietly) {
    const before = known.get(job.id);
    const now = Object.assign({ result: null }, before && same(before, job) ? before : {}, job);
    if (asked.has(job.id)) now.arguments = asked.get(job.id);
    if (before && same(before, job)) return;
    known.set(job.id, now);
    if (quietly) return;
    if (job.state === "done" && !now.result) {
      try {
        now.result = (await asap.fetchJson(`/jobs/${job.id}`)).result;
      } catch {
        known.delete(job.id); // forgotten meanwhile, or the server is gone: look again
        return;
      }
    }
    tell(now);
  }

  async function look() {
    clearTimeout(timer);
    try {
      const answer = await asap.fetchJson("/jobs");
      const first = heard === null;
      const could = asap.jobs.can;
      heard = answer;
      silent = false;
      asap.jobs.can = !answer.trouble;
      await Promise.all(answer.jobs.map((job) => hear(job, first && !active(job) && job.state !== "failed")));
      for (const id of [...known.keys()]) if (!answer.jobs.some((job) => job.id === id)) known.delete(id);
      if (could && answer.trouble) {
        tell({ id: null, kind: "relevance", arguments: {}, state: "failed", done: 0, total: 0, left: null, error: answer.trouble, result: null });
      }
    } catch {
      silent = true;
    }
    document.dispatchEvent(new CustomEvent("asap:jobs"));
    const wait = !silent && heard && heard.jobs.some(active) ? SOON : LATER;
    timer = setTimeout(() => (document.hidden ? null : again()), wait);
  }

  // One look at a time.
  function again() {
    looking = looking || look().finally(() => (looking = null));
    return looking;
  }

  asap.jobs = {
    can: true, // until it is known: `ask` waits for that
    all: () => (heard ? heard.jobs.map((job) => known.get(job.id) || job) : []),
    state: () => ({ maps: heard && heard.maps, trouble: heard && heard.trouble, replaced: heard && heard.replaced, silent }),

    // Ask for something; the same question is the same job, whoever asks. Resolves to the job's id.
    ask(kind, wanted) {
      const promise = (async () => {
        if (heard === null) await again();
        if (!asap.jobs.can) throw new Error(`No worker can start: ${heard.trouble}`);
        const job = await asap.post("/jobs", { kind, arguments: wanted }).catch((error) => {
          again(); // the status bar says how things stand
          throw error;
        });
        asked.set(job.id, wanted);
        setTimeout(() => { // after the caller has the id
          known.delete(job.id); // an answer that was there already is told as well
          hear(job);
          again();
        });
        return job.id;
      })();
      promise.catch(() => {}); // who does not wait for the id reads the status bar
      return promise;
    },

    // Whatever comes of it, the status bar then says how things stand.
    cancel: (id) => asap.post(`/jobs/${id}/cancel`, {}).then(again, again),
    dismiss: (id) => asap.post(`/jobs/${id}/dismiss`, {}).then(again, again),
  };

  document.addEventListener("visibilitychange", () => document.hidden || again());
  window.addEventListener("load", again);
})();
