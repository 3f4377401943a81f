"""Jobs: long work that the page asks of the model worker, shared by all who look at the analysis.

POST /jobs (kind, arguments) asks, GET /jobs lists, GET /jobs/<id> has the result too, POST /jobs/<id>/cancel and
/dismiss do what they say. In `app/jobs`, `kinds` has what may be asked, `queue` the records, `tasks` what is done.
"""

import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request

from asap_core.analysis import Analysis, is_replaced

from .. import responses
from ..jobs import kinds
from ..jobs.queue import CANCELLED, DONE, FAILED, Queue, Record
from ..jobs.supervisor import Supervisor
from ..jobs.worker import TASKS

LATELY = 600  # seconds that what has ended stays in the list
LARGE = 2000  # characters of arguments that the list leaves out


class Jobs:
    """The jobs of one analysis, and who sees to them."""

    def __init__(self, analysis: Analysis, folder: Path, tasks: str = TASKS) -> None:
        self.analysis, self.queue = analysis, Queue(folder)
        self.supervisor = Supervisor(self.queue, analysis.built, tasks)  # this build, whatever is built there meanwhile
        self._looked: tuple[int, bool] = (0, False)  # when analysis.json was written; does it name another?

    def start(self) -> None:
        """Let the worker start when something is asked; what was left of an earlier start is taken up."""
        self.supervisor.start()

    def close(self) -> None:
        """End the worker, if there is one."""
        self.supervisor.close()
        self.queue.close()

    def ask(self, kind: Any, arguments: Any) -> Record:
        """The job that answers a question: new, shared, or done already; SettingsError where it is no question."""
        question = kinds.understand(self.analysis, kind, arguments)
        before = self.queue.record(question.id)
        result = self.queue.result(question.id) if before and before["state"] == DONE else None
        known = kinds.answer(self.analysis, question, result)
        record = self.queue.put(question.id, question.kind, question.arguments, question.size, known)
        self.supervisor.wake()
        return record

    def list(self) -> dict[str, Any]:
        """All that is to be seen: jobs that wait, run, or ended lately, and how many images have their maps."""
        return {
            "jobs": [self.shown(record) for record in self.queue.records() if _visible(record)],
            "maps": {"done": int(np.count_nonzero(kinds.mapped(self.analysis))), "of": self.analysis.n},
            "trouble": self.supervisor.trouble,
            "replaced": self.replaced(),
        }

    def replaced(self) -> bool:
        """Whether a newer build stands where the one that is shown was opened."""
        try:
            written = (self.analysis.folder / "analysis.json").stat().st_mtime_ns
        except OSError:
            return False
        if written != self._looked[0]:
            self._looked = written, is_replaced(self.analysis)
        return self._looked[1]

    def shown(self, record: Record, whole: bool = False) -> dict[str, Any]:
        """A job as the browser gets it; `whole` with its result."""
        arguments = self.queue.arguments(record["id"])
        if not whole and len(str(arguments)) > LARGE:
            arguments = {name: value for name, value in arguments.items() if len(str(value)) <= LARGE}
        names = ("id", "kind", "size", "state", "done", "total", "left", "error", "read", "asked", "ended")
        shown = {name: record[name] for name in names} | {"arguments": arguments, "cancelling": record["cancelling"]}
        return shown | ({"result": self.queue.result(record["id"])} if whole else {})


def _visible(record: Record) -> bool:
    if record["state"] == FAILED:
        return not record["read"]
    return record["state"] not in (DONE, CANCELLED) or record["ended"] > time.time() - LATELY


def register(app: Dash, analysis: Analysis, folder: Path, tasks: str = TASKS) -> Jobs:
    """Add the routes; the queue is kept below `folder`, and made private. Nothing runs until `start`.

    A copy of an analysis has a queue of its own: what is computed is kept beside the one that was asked.
    """
    which = sha256(f"{analysis.fingerprint} {analysis.folder.resolve()}".encode()).hexdigest()[:20]
    jobs = Jobs(analysis, folder / which, tasks)
    app.server.extensions["jobs"] = jobs

    @app.server.post("/jobs", endpoint="ask")
    def ask() -> Response:
        content = _guarded()
        if jobs.supervisor.trouble:
            return responses.answer({"error": f"No worker can start: {jobs.supervisor.trouble}"}, False, 503)
        if set(content) - {"kind", "arguments"}:
            return responses.answer({"error": "expected a kind and arguments"}, False, 400)
        record = jobs.ask(content.get("kind"), content.get("arguments"))
        return responses.answer(jobs.shown(record, whole=True), lasting=False)

    @app.server.get("/jobs", endpoint="jobs")
    def every() -> Response:
        return responses.answer(jobs.list(), lasting=False)

    @app.server.get("/jobs/<job>", endpoint="job")
    def one(job: str) -> Response:
        return responses.answer(jobs.shown(_known(jobs, job), whole=True), lasting=False)

    @app.server.post("/jobs/<job>/cancel", endpoint="cancel")
    def cancel(job: str) -> Response:
        _guarded()
        jobs.queue.cancel(_known(jobs, job)["id"])
        return responses.answer(jobs.shown(_known(jobs, job)), lasting=False)

    @app.server.post("/jobs/<job>/dismiss", endpoint="dismiss")
    def dismiss(job: str) -> Response:
        _guarded()
        jobs.queue.dismiss(_known(jobs, job)["id"])
        return responses.answer(jobs.shown(_known(jobs, job)), lasting=False)

    return jobs


def of(app: Dash) -> Jobs:
    """The jobs of a page."""
    return app.server.extensions["jobs"]


def _known(jobs: Jobs, job: str) -> Record:
    record = jobs.queue.record(job)
    if record is None:
        abort(404)
    return record


def _guarded() -> dict[str, Any]:
    """The JSON of a request from this page itself; 400, 403, 413 or 415 for others."""
    if request.mimetype != "application/json":
        abort(415)
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        abort(403)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(403)
    return responses.asked()
