"""Edits: what people made of patterns: names, patterns that belong together, patterns to pass over.

Kept among the notes, by what a pattern is (`recognition`), so that they hold for the patterns of the same selection's
next search too, in this build and others; the patterns stay as they were found, so every edit can be taken back. A
pattern is known by its members' numbers, "3" or "0-3": a merged one has a name of its own, and its members have theirs
again when it is split. What was measured of edited patterns is no note, and is kept beside the patterns:

    measured/0-3.json   which images flip without the regions of patterns 0 and 3 taken together
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import integrity, notes, pattern_notes, storage
from .analysis import Analysis
from .errors import AnalysisError, SettingsError
from .pattern_notes import Edits, Kept, Members, key

if TYPE_CHECKING:
    from .findings import Findings

LONGEST = 80  # characters of a name
_known: dict[tuple[str, str, str], tuple[int, Edits]] = {}  # as they were last read
_reading = Lock()


def read(made: Analysis, found: "Findings") -> Edits:
    """The edits that hold for some findings."""
    with notes.reading(made) as kept:
        if kept is None:
            return Edits()
        turn = notes.changes(kept, "patterns")
        groups = np.stack([found.groups.row, found.groups.pattern])
        which = (
            str(made.notes),
            str(made.built),
            hashlib.sha256(groups.tobytes() + found.looked.tobytes()).hexdigest(),
        )
        with _reading:
            before = _known.get(which)
        if before is not None and before[0] == turn:
            return before[1]
        kept.execute("BEGIN")  # one look, whatever is written meanwhile
        turn, now = notes.changes(kept, "patterns"), pattern_notes.read(kept, made, found)
    with _reading:
        if len(_known) > 64:
            _known.clear()
        _known[which] = turn, now
    return now


def state(made: Analysis) -> int:
    """A number that is another after every edit of a pattern; 0 where there was none."""
    with notes.reading(made) as kept:
        return 0 if kept is None else notes.changes(kept, "patterns")


def every(made: Analysis) -> list[Kept]:
    """All edited patterns, as they are noted."""
    with notes.reading(made) as kept:
        return [] if kept is None else pattern_notes.every(kept)


def rename(made: Analysis, found: "Findings", number: int, name: str | None) -> Edits:
    """Call a pattern something else, or None: as it was found."""
    text = " ".join((name or "").split())
    if len(text) > LONGEST:
        raise SettingsError(f"a name of {len(text)} characters: expected at most {LONGEST}")

    def edit(now: Edits) -> Edits:
        names = {each: called for each, called in now.names.items() if each != key(now.members(number))}
        return replace(now, names=names | ({key(now.members(number)): text} if text else {}))

    return _change(made, found, edit)


def hide(made: Analysis, found: "Findings", number: int, hidden: bool) -> Edits:
    """Pass over a pattern, or show it again."""

    def edit(now: Edits) -> Edits:
        mine = frozenset([key(now.members(number))])
        return replace(now, hidden=now.hidden | mine if hidden else now.hidden - mine)

    return _change(made, found, edit)


def merge(made: Analysis, found: "Findings", numbers: Sequence[int]) -> Edits:
    """Make one pattern of several; SettingsError where these are not several, or move verdicts to different sides."""
    toward = [pattern.toward for pattern in found.patterns]

    def edit(now: Edits) -> Edits:
        parts = {now.members(number) for number in numbers}
        together = tuple(sorted(member for part in parts for member in part))
        if len(parts) < 2:
            raise SettingsError("one pattern alone cannot be merged: choose at least two")
        if len({toward[number] for number in together}) > 1:
            raise SettingsError("these move verdicts to different sides: only patterns toward the same side can be one")
        return replace(now, merged=(*(each for each in now.merged if each not in parts), together))

    return _change(made, found, edit)


def split(made: Analysis, found: "Findings", number: int) -> Edits:
    """Make a merged pattern what was found again."""

    def edit(now: Edits) -> Edits:
        return replace(now, merged=tuple(each for each in now.merged if each != now.members(number)))

    return _change(made, found, edit)


def keep_measured(folder: Path, members: Members, rows: NDArray, changed: NDArray) -> None:
    """Keep which images (r,) flipped without the pattern's regions, with each of `patterns.REMOVALS` (r, 2)."""
    content = {"rows": np.asarray(rows).tolist(), "changed": np.asarray(changed, int).tolist()}
    storage.write_text(folder / "measured" / f"{key(members)}.json", integrity.seal(content))


def measured(folder: Path, members: Members) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """What `keep_measured` kept last; None where nothing was measured."""
    try:
        kept = integrity.unseal((folder / "measured" / f"{key(members)}.json").read_text("utf-8"))
        return np.asarray(kept["rows"], np.int64), np.asarray(kept["changed"], bool).reshape(-1, 2)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnalysisError(f"{folder / 'measured'} is damaged ({error}); delete it, and measure again") from error


def _change(made: Analysis, found: "Findings", edit: Callable[[Edits], Edits]) -> Edits:
    """One edit, read and written in one transaction."""
    with notes.changing(made) as kept:
        before = pattern_notes.read(kept, made, found)
        pattern_notes.write(kept, made, found, before, edit(before))
    return read(made, found)
