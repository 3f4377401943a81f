"""Tasks for a worker without a model: slow on purpose, kept in a file, and killed or failing where they are told to.

A toy analysis has no model. What a job is told is in its phrase: the name of a camera that no image has.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from asap_core import storage
from asap_core.analysis import load
from asap_core.errors import AsapError
from asap_core.progress import Report

STEPS, PAUSE = 150, 0.02  # of a slow job, and seconds between two
HOLD = "hold"  # a file of this name beside an analysis: slow jobs wait half way until it is gone
BROKEN = "no-model"  # a file of this name beside an analysis: no model can be opened


def prepare(folder: Path) -> None:
    """As if a model were opened."""
    folder = load(folder).folder
    if (folder / BROKEN).exists():
        raise AsapError("the weights of another encoder were found")
    with (folder / "workers.txt").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")


def work(folder: Path, asked: Mapping[str, Any], report: Report, stop: Callable[[], bool]) -> dict[str, Any] | None:
    """Count to the size of the job, as slowly as it is told, from where an earlier worker came to."""
    made, told = load(folder), str(asked.get("of", ""))
    folder = made.folder
    with (folder / "begun.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asked) + "\n")
    if "fails" in told:
        raise AsapError("that cannot be done: try another")
    if "breaks" in told:
        raise ZeroDivisionError("division by zero")
    far = folder / "far.txt"
    begun = int(far.read_text()) if far.exists() and "slow" in told else 0
    total = STEPS if "slow" in told else 3
    for done in range(begun, total):
        report(done, total)
        while (folder / HOLD).exists() and done == total // 2 and not stop():
            time.sleep(PAUSE)
            report(done, total)
        if stop():
            return None
        if "slow" in told:
            storage.write_text(far, str(done))  # whoever is killed here left a whole number
            time.sleep(PAUSE)
        if "kills" in told:
            os.kill(os.getpid(), signal.SIGKILL)
    report(total, total)
    return {"begun": begun, "counted": total, "key": "none", "fingerprint": made.fingerprint}


TASKS = {"relevance": work, "patterns": work, "counterfactual": work}
YIELDING = ("relevance",)
