"""The model worker: a process of its own that takes jobs from the queue, one after the other.

    python -m app.jobs.worker QUEUE ANALYSIS [TASKS]

It lives as long as its standard input stays open: a parent that ends, however it ends, closes it. One worker works
at a time on a queue; another waits for its place. Exit codes: 0 nothing more to do, 3 no model can be opened, as said
on the last line of standard output.
"""

import importlib
import os
import signal
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from asap_core.errors import AsapError

from .queue import Queue, Record

TASKS = "app.jobs.tasks"
BEAT = 0.2  # seconds between two looks at the queue
IDLE = 900  # seconds without a job, after which the model is let go
GRACE = 4  # seconds to finish a batch when the parent has gone
NO_MODEL = 3  # exit code


def main(arguments: list[str]) -> int:
    """Work until there is nothing to do, or nobody to work for."""
    folder, analysed, *tasks = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then says so
    if hasattr(os, "nice"):
        os.nice(5)  # the page answers first
    gone, at_work = threading.Event(), threading.Event()
    queue = Queue(Path(folder))

    def leave() -> None:
        if at_work.is_set():  # what was kept so far is kept; the next worker goes on
            queue.hand_back()
        os._exit(0)

    threading.Thread(target=_watch, args=(gone, leave), daemon=True).start()
    with _alone(Path(folder) / "worker.lock", gone):
        if gone.is_set():
            return 0
        queue.recover()
        at_work.set()
        return Worker(queue, Path(analysed), tasks[0] if tasks else TASKS, gone.is_set).run()


class Worker:
    """One worker, and the job it has in hand."""

    def __init__(self, queue: Queue, folder: Path, tasks: str, gone: Callable[[], bool]) -> None:
        self.queue, self.folder, self.name, self.gone = queue, folder, tasks, gone
        self.tasks: Any = None

    def run(self) -> int:
        """Job after job; an exit code."""
        last = time.monotonic()
        while not self.gone() and time.monotonic() - last < IDLE:
            if not self.queue.active():
                time.sleep(BEAT)
                continue
            if self.tasks is None and (reason := self.prepare()):
                print(reason, flush=True)
                return NO_MODEL
            record = self.queue.take()
            if record is not None:
                self.work(record)
            last = time.monotonic()
        return 0

    def prepare(self) -> str | None:
        """Import what jobs need and open the model; why that cannot be, in words."""
        try:
            tasks = importlib.import_module(self.name)
            tasks.prepare(self.folder)
        except ImportError as error:
            return f"{error.name or 'a library'} is not installed here, which the model needs"
        except (AsapError, OSError) as error:
            return " ".join(str(error).split())
        except Exception as error:
            traceback.print_exc()
            return f"the model cannot be opened ({type(error).__name__}: {' '.join(str(error).split())})"
        self.tasks = tasks
        return None

    def work(self, record: Record) -> None:
        """Do one job, and say what became of it."""
        job, kind = record["id"], record["kind"]
        beat = Beat(self.queue, job, kind in self.tasks.YIELDING, self.gone)
        try:
            result = self.tasks.TASKS[kind](self.folder, self.queue.arguments(job), beat.report, beat.stop)
        except AsapError as error:
            self.queue.fail(job, str(error))
        except OSError as error:
            traceback.print_exc()
            self.queue.fail(job, f"{error.strerror or error}: {error.filename or 'a file'} cannot be read or written")
        except Exception as error:
            traceback.print_exc()
            self.queue.fail(job, f"Something is wrong in ASAP ({type(error).__name__}: {error}); the details are in "
                            f"{self.queue.folder / 'worker.log'}")  # fmt: skip
        else:
            if result is not None:
                self.queue.finish(job, result)
            elif beat.why == "cancelled":
                self.queue.cancelled(job)
            else:
                self.queue.put_back(job)


class Beat:
    """Progress from a job to the queue, and from the queue whether to stop: not more often than people can see."""

    def __init__(self, queue: Queue, job: str, yielding: bool, gone: Callable[[], bool]) -> None:
        self.queue, self.job, self.yielding, self.gone = queue, job, yielding, gone
        self.why: str | None = None
        self.done = self.total = 0
        self.first: tuple[float, int] | None = None  # when, and how far it was then
        self.last = 0.0

    def report(self, done: int, total: int) -> None:
        """How far a job is; called as often as it likes."""
        now = time.monotonic()
        if self.first is None or total != self.total:  # a part of the job begins
            self.first = (now, done)
        self.done, self.total = done, total
        if now - self.last >= BEAT:
            self.beat(now)

    def stop(self) -> bool:
        """Whether to stop now."""
        now = time.monotonic()
        if now - self.last >= BEAT:
            self.beat(now)
        return self.why is not None or self.gone()

    def beat(self, now: float) -> None:
        """Tell and ask."""
        self.last = now
        why = self.queue.report(self.job, self.done, self.total, self.left(now))
        if why == "cancelled" or (why == "smaller" and self.yielding):
            self.why = why

    def left(self, now: float) -> float | None:
        """Seconds that the rest will take, at the rate so far; None while that is not known."""
        if self.first is None or self.done <= self.first[1] or now - self.first[0] < 1:
            return None
        return round((now - self.first[0]) / (self.done - self.first[1]) * (self.total - self.done), 1)


def _watch(gone: threading.Event, leave: Callable[[], None]) -> None:
    """Wait for the end of standard input; then end, in order if that is quick."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    gone.set()
    time.sleep(GRACE)
    leave()


@contextmanager
def _alone(file: Path, gone: threading.Event) -> Iterator[None]:
    """Wait until no other worker is at work on this queue; a lock that ends with the process, on every system."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        while not gone.is_set():
            try:
                lock.execute("BEGIN EXCLUSIVE")
                break
            except sqlite3.OperationalError:
                gone.wait(BEAT)
        yield
    finally:
        lock.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
