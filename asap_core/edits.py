"""Edits: what people made of findings: names, patterns that belong together, patterns to pass over.

    patterns/<key>/edits.json          names, hidden and merged
                   measured/0-3.json   which images flip without the regions of patterns 0 and 3 taken together

Beside the findings, which stay as they were found, so every edit can be taken back. A pattern is known by its members'
numbers, "3" or "0-3": a merged one has a name of its own, and its members have theirs again when it is split.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import AnalysisError, SettingsError

try:
    import fcntl
except ImportError:  # not on Windows: there, one page at a time edits an analysis
    fcntl = None

FILE = "edits.json"
LONGEST = 80  # characters of a name
Members = tuple[int, ...]  # ascending numbers of what is one pattern

_writing = Lock()


@dataclass(frozen=True)
class Edits:
    """What was changed of some findings."""

    names: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    merged: tuple[Members, ...] = ()

    def members(self, number: int) -> Members:
        """The pattern that a number is part of."""
        return next((each for each in self.merged if number in each), (number,))


def key(members: Members) -> str:
    """How a pattern is known in the files: "3", or "0-3" where it was merged."""
    return "-".join(map(str, members))


def read(folder: Path) -> Edits:
    """The edits of the findings in `folder`; AnalysisError where they are damaged."""
    try:
        kept = json.loads((folder / FILE).read_text("utf-8"))
        merged = tuple(tuple(sorted(map(int, each))) for each in kept["merged"])
        return Edits(dict(kept["names"]), frozenset(kept["hidden"]), merged)
    except FileNotFoundError:
        return Edits()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnalysisError(f"{folder / FILE} is damaged ({error}); mend or delete it") from error


def rename(folder: Path, number: int, name: str | None) -> Edits:
    """Call a pattern something else, or None: as it was found."""
    text = " ".join((name or "").split())
    if len(text) > LONGEST:
        raise SettingsError(f"a name of {len(text)} characters: expected at most {LONGEST}")

    def edit(now: Edits) -> Edits:
        names = {each: called for each, called in now.names.items() if each != key(now.members(number))}
        return replace(now, names=names | ({key(now.members(number)): text} if text else {}))

    return _change(folder, edit)


def hide(folder: Path, number: int, hidden: bool) -> Edits:
    """Pass over a pattern, or show it again."""

    def edit(now: Edits) -> Edits:
        mine = frozenset([key(now.members(number))])
        return replace(now, hidden=now.hidden | mine if hidden else now.hidden - mine)

    return _change(folder, edit)


def merge(folder: Path, numbers: Sequence[int], toward: Sequence[str]) -> Edits:
    """Make one pattern of several; `toward` is each found pattern's side, (patterns,).

    SettingsError where these are not several, or move verdicts to different sides.
    """

    def edit(now: Edits) -> Edits:
        parts = {now.members(number) for number in numbers}
        together = tuple(sorted(member for part in parts for member in part))
        if len(parts) < 2:
            raise SettingsError("one pattern alone cannot be merged: choose at least two")
        if len({toward[number] for number in together}) > 1:
            raise SettingsError("these move verdicts to different sides: only patterns toward the same side can be one")
        return replace(now, merged=(*(each for each in now.merged if each not in parts), together))

    return _change(folder, edit)


def split(folder: Path, number: int) -> Edits:
    """Make a merged pattern what was found again."""
    return _change(
        folder, lambda now: replace(now, merged=tuple(each for each in now.merged if each != now.members(number)))
    )


def keep_measured(folder: Path, members: Members, rows: NDArray, changed: NDArray) -> None:
    """Keep which images (r,) flipped without the pattern's regions, with each of `patterns.REMOVALS` (r, 2)."""
    (folder / "measured").mkdir(exist_ok=True)
    content = {"rows": np.asarray(rows).tolist(), "changed": np.asarray(changed, int).tolist()}
    _write(folder / "measured" / f"{key(members)}.json", content)


def measured(folder: Path, members: Members) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """What `keep_measured` kept last; None where nothing was measured."""
    try:
        kept = json.loads((folder / "measured" / f"{key(members)}.json").read_text("utf-8"))
        return np.asarray(kept["rows"], np.int64), np.asarray(kept["changed"], bool).reshape(-1, 2)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnalysisError(f"{folder / 'measured'} is damaged ({error}); delete it, and measure again") from error


def _change(folder: Path, edit: Callable[[Edits], Edits]) -> Edits:
    with _locked(folder):
        now = edit(read(folder))
        content = {"names": now.names, "hidden": sorted(now.hidden), "merged": [list(each) for each in now.merged]}
        _write(folder / FILE, content)
    return now


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One edit at a time, in this process and others: none is lost between reading and writing."""
    with _writing, (folder / "edits.lock").open("w") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        yield


def _write(file: Path, content: dict[str, Any]) -> None:
    handle, draft = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(content, out, ensure_ascii=False)
    Path(draft).chmod(0o644)  # mkstemp made it private
    Path(draft).replace(file)
