"""The supervisor: a thread of the web process that starts the worker with the first job, and anew if it was killed."""

import importlib.util
import subprocess
import sys
import threading
import time
from pathlib import Path

from .queue import Queue
from .worker import NO_MODEL, TASKS

NEEDED = ("torch", "open_clip")
LOOK = 0.5  # seconds between two looks
CRASHES = 3  # of a worker before its first job: then it is given up
AGAIN = 60  # seconds after which it may be tried again
GRACE = 6  # seconds that a worker has to end
HERE = Path(__file__).resolve().parents[2]


class Supervisor:
    """Keeps one worker alive while there is something to do."""

    def __init__(self, queue: Queue, analysed: Path, tasks: str = TASKS) -> None:
        self.queue, self.analysed, self.tasks = queue, analysed, tasks
        self._worker: subprocess.Popen | None = None
        self._thread: threading.Thread | None = None
        self._wake, self._closing = threading.Event(), threading.Event()
        self._trouble: tuple[float, str] | None = None
        self._crashes = 0

    @property
    def trouble(self) -> str | None:
        """Why no worker can work, in words; None where one can."""
        if self._thread is None:
            return "this page was started without a worker"
        missing = [name for name in NEEDED if self.tasks == TASKS and importlib.util.find_spec(name) is None]
        if missing:
            return f"{missing[0]} is not installed here, which the model needs"
        return self._trouble[1] if self._trouble and time.monotonic() - self._trouble[0] < AGAIN else None

    @property
    def process(self) -> int | None:
        """The worker's process id, while there is one."""
        return self._worker.pid if self._worker and self._worker.poll() is None else None

    def start(self) -> None:
        """Begin to look after the queue; the worker itself starts with the first job."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
            self._thread.start()

    def wake(self) -> None:
        """Something was asked: look now."""
        self._wake.set()

    def close(self) -> None:
        """End the worker, in order if that is quick; jobs that ran wait for the next start."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._worker is not None:
            with self._worker as worker:  # closes what is left open
                assert worker.stdin is not None
                worker.stdin.close()
                try:
                    worker.wait(GRACE)
                except subprocess.TimeoutExpired:
                    worker.kill()
            self._worker = None

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._worker is not None and self._worker.poll() is not None:
                self._ended(self._worker)
            if self._worker is None and self.queue.active():
                self._spawn()
            self._wake.wait(LOOK)
            self._wake.clear()
        self.queue.close()  # this thread's connection

    def _spawn(self) -> None:
        command = [sys.executable, "-m", "app.jobs.worker", str(self.queue.folder), str(self.analysed), self.tasks]
        with (self.queue.folder / "worker.log").open("w", encoding="utf-8") as log:
            self._worker = subprocess.Popen(
                command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def _ended(self, worker: subprocess.Popen) -> None:
        """Learn from a worker's end."""
        with worker:
            said = worker.stdout.read().strip().splitlines() if worker.stdout else []
        self._worker = None
        how = f"killed by signal {-worker.returncode}" if worker.returncode < 0 else f"exit code {worker.returncode}"
        self.queue.note_end(how)
        at_work = any(record["state"] == "running" for record in self.queue.active())
        self._crashes = 0 if at_work or worker.returncode == 0 else self._crashes + 1
        if worker.returncode == NO_MODEL:
            self._give_up(said[-1] if said else "the model cannot be opened")
        elif self._crashes >= CRASHES:
            self._give_up(f"the model worker ends at once ({how}); details are in {self.queue.folder / 'worker.log'}")

    def _give_up(self, reason: str) -> None:
        self._trouble, self._crashes = (time.monotonic(), reason), 0
        self.queue.give_up(f"No worker can start: {reason}")
