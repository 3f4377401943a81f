"""Tags: names that people give to images, kept among the notes."""

import sqlite3
from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from . import notes
from .analysis import Analysis
from .errors import SettingsError
from .notes import Lost

LONGEST = 60  # characters of a name
MOST = 200  # names

Tags = dict[str, list[int]]
_known: dict[tuple[str, str], tuple[int, tuple[Tags, dict[str, list[Lost]]]]] = {}  # as they were last read
_reading = Lock()


def read(made: Analysis) -> Tags:
    """Tags and the rows that have them, ascending; without those whose images are not in this analysis."""
    return {name: list(rows) for name, rows in _read(made)[0].items()}


def lost(made: Analysis) -> dict[str, list[Lost]]:
    """Tags and the images that have them and are not in this analysis."""
    return _read(made)[1]


def change(made: Analysis, name: str, rows: Sequence[int] | NDArray, add: bool) -> Tags:
    """Give rows a tag or take it from them; the tags as they are then. A tag that nobody has is gone."""
    name, rows = " ".join(name.split()), np.asarray(rows, np.int64).tolist()
    if not 0 < len(name) <= LONGEST:
        raise SettingsError(f"a tag of {len(name)} characters: expected 1 to {LONGEST}")
    with notes.changing(made) as kept:
        if add:
            known = {each for (each,) in kept.execute("SELECT DISTINCT name FROM tag")}
            if name not in known and len(known) >= MOST:
                raise SettingsError(f"{len(known)} tags already: remove some before you add {name!r}")
            add_to(kept, name, notes.keys(made, rows))
        else:
            having = notes.rows_of(kept, made, "SELECT image FROM tag WHERE name = ?", name)
            taken = set(rows)
            gone = [(name, image) for image, row in having.items() if row in taken]
            kept.executemany("DELETE FROM tag WHERE name = ? AND image = ?", gone)
            notes.count_change(kept, "tags")
    return read(made)


def add_to(kept: sqlite3.Connection, name: str, keys: Sequence[notes.Key]) -> None:
    """Give images a tag, in a transaction."""
    images = notes.images(kept, keys)
    kept.executemany("INSERT OR IGNORE INTO tag VALUES (?, ?)", [(name, image) for image in images])
    notes.count_change(kept, "tags")


def _read(made: Analysis) -> tuple[Tags, dict[str, list[Lost]]]:
    with notes.reading(made) as kept:
        if kept is None:
            return {}, {}
        which, turn = (str(made.notes), str(made.built)), notes.changes(kept, "tags")
        with _reading:
            before = _known.get(which)
        if before is not None and before[0] == turn:
            return before[1]
        rows: dict[str, set[int]] = {}
        gone: dict[str, list[Lost]] = {}
        kept.execute("BEGIN")  # one look, whatever is written meanwhile
        turn = notes.changes(kept, "tags")
        where = notes.rows_of(kept, made, "SELECT image FROM tag")
        for name, image in kept.execute("SELECT name, image FROM tag ORDER BY name, image"):
            row = where[image]
            if isinstance(row, int):
                rows.setdefault(name, set()).add(row)
            else:
                gone.setdefault(name, []).append(row)
    found = {name: sorted(some) for name, some in rows.items()}, gone
    with _reading:
        if len(_known) > 8:
            _known.clear()
        _known[which] = turn, found
    return found
