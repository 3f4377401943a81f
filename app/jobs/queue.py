"""The queue of jobs: records that the page, its supervisor and the worker share, as JSON bytes on disk.

    job/<id>      the record: see `Record`
    asked/<id>    its arguments
    result/<id>   what came of it
    ended         how the last worker ended, in words

Every change is one transaction, so that processes may meet here. Nothing here knows what a job does. What cannot be
read is dropped: a job can be asked again.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..private import Kept, mended

Record = dict[str, Any]  # see FIELDS
WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
STATES = (WAITING, RUNNING, DONE, FAILED, CANCELLED)
NUMBER, NONE = (int, float), type(None)
FIELDS: Mapping[str, Any] = {
    "id": str, "kind": str, "size": int, "state": str, "done": int, "total": int, "left": (*NUMBER, NONE),
    "error": (str, NONE), "attempts": int, "asked": NUMBER, "ended": (*NUMBER, NONE), "cancelling": bool, "read": bool,
}  # fmt: skip
ATTEMPTS = 2  # a job that a worker did not survive so often is given up
TIERS = (8, 128)  # images: smaller jobs go before larger ones
LASTING = 24 * 3600  # seconds that a finished job is remembered
MOST = 200  # records


class Queue(Kept):
    """The jobs of one analysis."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, eviction_policy="none")

    @mended
    def record(self, job: str) -> Record | None:
        """One job's record; None where there is none."""
        found = self._read(f"job/{job}")
        if found is not None and not _is_record(found, job):
            self._cache.drop(f"job/{job}")
            return None
        return found

    @mended
    def arguments(self, job: str) -> dict[str, Any]:
        """What a job was asked."""
        return self._read(f"asked/{job}") or {}

    @mended
    def result(self, job: str) -> dict[str, Any] | None:
        """What came of a job that is done."""
        return self._read(f"result/{job}")

    @mended
    def records(self) -> list[Record]:
        """All jobs, in the order in which they were asked."""
        found = [self.record(name.removeprefix("job/")) for name in self._cache.names("job/")]
        return sorted((each for each in found if each), key=lambda each: each["asked"])

    @mended
    def active(self) -> list[Record]:
        """Those that run or wait."""
        return [each for each in self.records() if each["state"] in (WAITING, RUNNING)]

    @mended
    def put(self, job: str, kind: str, arguments: Mapping[str, Any], size: int, answer: Mapping | None) -> Record:
        """Ask a job: one that runs or waits is shared; with its `answer` known, it is done already."""
        with self._cache.transact():
            record = self.record(job)
            if record is None or record["state"] not in (WAITING, RUNNING):
                record = {"id": job, "kind": kind, "size": size, "state": WAITING, "done": 0, "total": size,
                          "left": None, "error": None, "attempts": 0, "asked": time.time(), "ended": None,
                          "cancelling": False, "read": False}  # fmt: skip
                if answer is not None:
                    record |= {"state": DONE, "done": size, "ended": time.time()}
                    self._write(f"result/{job}", answer)
                self._write(f"asked/{job}", arguments)
                self._write(f"job/{job}", record)
                self._forget()
            elif record["cancelling"]:  # asked again before it had stopped
                record["cancelling"] = False
                self._write(f"job/{job}", record)
        return record

    @mended
    def take(self) -> Record | None:
        """Begin the next job: small ones first, then in the order in which they were asked."""
        with self._cache.transact():
            waiting = [each for each in self.records() if each["state"] == WAITING]
            if not waiting:
                return None
            first = min(waiting, key=lambda each: (tier(each), each["asked"]))
            return self._change(first["id"], state=RUNNING, attempts=first["attempts"] + 1, left=None)

    @mended
    def report(self, job: str, done: int, total: int, left: float | None) -> str | None:
        """Note how far a job is; answers with why it should stop: "cancelled", "smaller" (job waits), or None."""
        with self._cache.transact():
            record = self._change(job, done=done, total=total, left=left)
            if record is None or record["cancelling"]:
                return "cancelled"
            smaller = any(tier(each) < tier(record) for each in self.records() if each["state"] == WAITING)
            return "smaller" if smaller else None

    @mended
    def finish(self, job: str, result: Mapping[str, Any]) -> None:
        """A job is done."""
        with self._cache.transact():
            self._write(f"result/{job}", result)
            record = self.record(job) or {}
            self._end(job, state=DONE, done=record.get("total", 0))

    @mended
    def fail(self, job: str, error: str) -> None:
        """A job could not be done; the error stays until it is read."""
        self._end(job, state=FAILED, error=error)

    @mended
    def put_back(self, job: str) -> None:
        """A job stopped for another, or because the worker goes: it waits again, and nothing is held against it."""
        self._update(job, lambda record: {"state": WAITING, "left": None, "attempts": record["attempts"] - 1})

    @mended
    def hand_back(self) -> None:
        """The only worker goes in the middle of a job, and not for the job's sake."""
        with self._cache.transact():
            for record in self.records():
                if record["state"] == RUNNING:
                    self.put_back(record["id"])

    @mended
    def cancel(self, job: str) -> None:
        """Stop a job that runs, forget one that waits; it may be asked again."""
        with self._cache.transact():
            record = self.record(job)
            if record and record["state"] == WAITING:
                self._end(job, state=CANCELLED)
            elif record and record["state"] == RUNNING:
                self._change(job, cancelling=True)

    @mended
    def cancelled(self, job: str) -> None:
        """A job that ran has stopped."""
        self._end(job, state=CANCELLED)

    @mended
    def dismiss(self, job: str) -> None:
        """What became of a job was read."""
        self._update(job, lambda record: {"read": record["state"] not in (WAITING, RUNNING)})

    @mended
    def recover(self) -> None:
        """Take up the jobs that ran when their worker ended; call where no other worker can be at work."""
        with self._cache.transact():
            for record in self.records():
                if record["state"] != RUNNING:
                    continue
                if record["cancelling"]:
                    self.cancelled(record["id"])
                elif record["attempts"] >= ATTEMPTS:
                    how = (self._read("ended") or {}).get("how", "it was killed")
                    self.fail(
                        record["id"],
                        f"The worker ended {ATTEMPTS} times during this job ({how}). That is often a lack of memory: "
                        f"ask for fewer images. Details are in {self.folder / 'worker.log'}",
                    )
                else:
                    self._change(record["id"], state=WAITING, left=None)

    @mended
    def give_up(self, error: str) -> None:
        """No worker can start: whatever waits has failed."""
        for record in self.active():
            self.fail(record["id"], error)

    @mended
    def note_end(self, how: str) -> None:
        """Keep how a worker ended, for the error of a job that it did not survive."""
        self._write("ended", {"how": how})

    def _read(self, key: str) -> dict[str, Any] | None:
        """What is kept under a key; None where it is no JSON object, and then it is dropped."""
        found = self._cache.get(key)
        if found is None:
            return None
        try:
            content = json.loads(found)
            json.dumps(content, ensure_ascii=False, allow_nan=False).encode()  # it must go to the browser
        except (ValueError, RecursionError):
            content = None
        if isinstance(content, dict):
            return content
        self._cache.drop(key)
        return None

    def _write(self, key: str, content: Mapping[str, Any]) -> None:
        self._cache.set(key, json.dumps(content, ensure_ascii=False, allow_nan=False).encode())

    def _change(self, job: str, **changes: Any) -> Record | None:
        return self._update(job, lambda _: changes)

    def _end(self, job: str, **changes: Any) -> None:
        self._change(job, left=None, ended=time.time(), cancelling=False, **changes)

    def _update(self, job: str, changes: Callable[[Record], Mapping[str, Any]]) -> Record | None:
        with self._cache.transact():
            record = self.record(job)
            if record is not None:
                record |= changes(record)
                self._write(f"job/{job}", record)
            return record

    def _forget(self) -> None:
        """Drop what ended long ago, and the oldest of too many."""
        ended = [each for each in self.records() if each["ended"] is not None]
        old = [each for each in ended if each["ended"] < time.time() - LASTING]
        for record in old + ended[: max(0, len(ended) - MOST)]:
            for key in ("job", "asked", "result"):
                self._cache.delete(f"{key}/{record['id']}")


def _is_record(found: Mapping[str, Any], job: str) -> bool:
    """Whether this is the record of a job, as `put` writes it."""
    if found.keys() != FIELDS.keys() or not all(isinstance(found[name], kind) for name, kind in FIELDS.items()):
        return False
    return (
        found["id"] == job
        and found["state"] in STATES
        and (found["ended"] is None) == (found["state"] in (WAITING, RUNNING))
    )


def tier(record: Record) -> int:
    """How large a job is: 0 for a few images, then more."""
    return sum(record["size"] > limit for limit in TIERS)
