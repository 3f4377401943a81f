"""Pattern notes: edited patterns in the notes, and which of some findings' patterns they are.

A part is a pattern as it was found: the images that have it, and where (`recognition`); the selection and the images
that were looked at. An edited pattern is one part, or several that were merged, and what was made of it.
"""

import hashlib
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import notes, recognition
from .analysis import Analysis
from .identification.patterns import Groups
from .recognition import SIDE, Areas, Marked

if TYPE_CHECKING:
    from .findings import Findings

LARGEST = 4000  # images by which a pattern is known, at most: of more, those whose digests are the smallest
SAME = 0.8  # share of the images looked at by either of two searches that both looked at: then their selection is one
Members = tuple[int, ...]  # ascending numbers of what is one pattern
Looked = NDArray[np.uint64]  # (k, 2) `Analysis.marks` of the images that were looked at


@dataclass(frozen=True, eq=False)
class Part:
    """A pattern as it was found."""

    called: str
    toward: str  # fake or real
    of: str  # the selection; empty: everything
    looked: Looked


@dataclass(frozen=True)
class Kept:
    """An edited pattern as it is noted: what it was found as, and what was made of it."""

    id: int
    parts: tuple[int, ...]  # ids
    found_as: tuple[str, ...]
    of: str  # the selection; empty: everything
    images: int
    name: str | None
    hidden: bool
    merged: bool


@dataclass(frozen=True)
class Edits:
    """What was changed of some findings."""

    names: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    merged: tuple[Members, ...] = ()
    lost: tuple[Kept, ...] = ()  # of the same selection, but not found again
    parts: Mapping[int, int] = field(default_factory=dict)  # number -> the noted part that it is
    kept: Mapping[str, int] = field(default_factory=dict)  # key -> the noted pattern that it is

    def members(self, number: int) -> Members:
        """The pattern that a number is part of."""
        return next((each for each in self.merged if number in each), (number,))


def key(members: Members) -> str:
    """How a pattern is known: "3", or "0-3" where it was merged."""
    return "-".join(map(str, members))


def every(kept: sqlite3.Connection) -> list[Kept]:
    """All edited patterns."""
    parts: dict[int, list[tuple[int, str, str, int]]] = {}
    count = "(SELECT COUNT(*) FROM region WHERE region.part = part.id)"
    members = (
        f"SELECT pattern, part.id, called, of, {count} FROM member JOIN part ON part.id = member.part ORDER BY 1, 2"
    )
    for pattern, *part in kept.execute(members):
        parts.setdefault(pattern, []).append(tuple(part))
    found = []
    for pattern, name, hidden, merged in kept.execute("SELECT id, name, hidden, merged FROM pattern ORDER BY id"):
        ids, called, of, images = zip(*parts[pattern], strict=True)
        found.append(Kept(pattern, ids, called, of[0], sum(images), name, bool(hidden), bool(merged)))
    return found


def read(kept: sqlite3.Connection, made: Analysis, found: "Findings") -> Edits:
    """The edits of the patterns of some findings: of the same selection, and recognised by what they mark."""
    looked, common, mine = {}, {}, []
    for each in every(kept):
        for part in each.parts:
            looked[part] = _looked(kept, part)
            common[part] = _common(made, found, looked[part])
        part = each.parts[0]
        together = len(found.looked) + len(looked[part]) - len(common[part])
        if each.of == (found.of or "") or len(common[part]) >= SAME * together:
            mine.append(each)
    if not mine:
        return Edits()
    known = {}
    for part in {part for each in mine for part in each.parts}:
        known[part], common[part] = _marked(kept, made, part, common[part])
    numbers = recognition.recognised(known, of_findings(made, found), common)
    return _edits(mine, numbers)


def of_findings(made: Analysis, found: "Findings") -> list[Marked]:
    """What each pattern of some findings marks."""
    return [marked(made, found.groups, number, each.toward) for number, each in enumerate(found.patterns)]


def marked(made: Analysis, groups: Groups, number: int, toward: str) -> Marked:
    """What one pattern marks."""
    return recognition.marked(groups, np.asarray(groups.pattern) == number, made.arrays["size"], toward)


def _edits(mine: list[Kept], numbers: Mapping[int, int]) -> Edits:
    """Noted patterns as edits of the numbers that their parts are; those that are whole come first."""
    names, hidden, merged, lost, keys = {}, set(), [], [], {}
    for each in sorted(mine, key=lambda each: not all(part in numbers for part in each.parts)):
        members = tuple(sorted(numbers[part] for part in each.parts if part in numbers))
        whole = len(members) == len(each.parts)
        if not members or (not whole and key(members) in keys):
            lost.append(each)
        elif whole or each.merged:  # of one that was split again and is not whole, nothing is left to say
            keys[key(members)] = each.id
            names |= {key(members): each.name} if each.name else {}
            hidden |= {key(members)} if each.hidden else set()
            if each.merged and len(members) > 1 and not set(members) & {one for some in merged for one in some}:
                merged.append(members)
    by_number = {number: part for part, number in numbers.items()}
    return Edits(names, frozenset(hidden), tuple(merged), tuple(lost), by_number, keys)


def _looked(kept: sqlite3.Connection, part: int) -> Looked:
    """What stands for the images that were looked at when a part was found."""
    row = kept.execute("SELECT marks FROM looked JOIN part ON part.looked = looked.id WHERE part.id = ?", (part,))
    return np.frombuffer((row.fetchone() or (b"",))[0], np.uint64).reshape(-1, 2)


def _common(made: Analysis, found: "Findings", looked: Looked) -> NDArray[np.int64]:
    """The rows that were looked at then and now: of the same content, or of the same path."""
    now = made.marks[found.looked]
    return np.asarray(found.looked)[np.isin(now[:, 0], looked[:, 0]) | np.isin(now[:, 1], looked[:, 1])]


def _marked(kept: sqlite3.Connection, made: Analysis, part: int, common: NDArray) -> tuple[Marked, NDArray]:
    """What a part marks in the rows of this analysis, and the rows in which it is known what it marks."""
    (toward,) = kept.execute("SELECT toward FROM part WHERE id = ?", (part,)).fetchone()
    noted = dict(kept.execute("SELECT image, area FROM region WHERE part = ?", (part,)).fetchall())
    where = notes.rows_of(kept, made, "SELECT image FROM region WHERE part = ?", part)
    found = {row: np.frombuffer(noted[image], np.uint8) for image, row in where.items() if isinstance(row, int)}
    if len(noted) >= LARGEST and found:
        common = common[made.marks[common, 0] <= made.marks[[*found], 0].max()]
    rows = np.array(sorted(found), np.int64)
    areas = np.array([found[row] for row in rows.tolist()], np.float32).reshape(-1, SIDE * SIDE) / 255
    return Marked(rows, areas, toward), common


def write(kept: sqlite3.Connection, made: Analysis, found: "Findings", before: Edits, after: Edits) -> None:
    """Note what is otherwise in `after` than in `before`."""
    parts, ids = dict(before.parts), dict(before.kept)
    was, now = ({key(members) for members in each.merged} for each in (before, after))
    renamed = {each for each in {*before.names, *after.names} if before.names.get(each) != after.names.get(each)}
    for each in sorted((was ^ now) | renamed | (before.hidden ^ after.hidden)):
        numbers = [int(number) for number in each.split("-")]
        for number in numbers:
            if number not in parts:
                called, toward = found.patterns[number].name.text, found.patterns[number].toward
                mark = marked(made, found.groups, number, toward)
                part = Part(called, toward, found.of or "", made.marks[found.looked])
                parts[number] = note(kept, part, notes.keys(made, mark.rows.tolist()), mark.areas)
        if each not in ids:
            ids[each] = note_pattern(kept, [parts[number] for number in numbers])
        state = (after.names.get(each), each in after.hidden, each in now, ids[each])
        kept.execute("UPDATE pattern SET name = ?, hidden = ?, merged = ? WHERE id = ?", state)
    # What is as it was found again is no edit.
    kept.execute("DELETE FROM pattern WHERE name IS NULL AND NOT hidden AND NOT merged")
    kept.execute("DELETE FROM member WHERE pattern NOT IN (SELECT id FROM pattern)")
    kept.execute("DELETE FROM part WHERE id NOT IN (SELECT part FROM member)")
    kept.execute("DELETE FROM region WHERE part NOT IN (SELECT id FROM part)")
    notes.count_change(kept, "patterns")


def note(kept: sqlite3.Connection, part: Part, keys: Sequence[notes.Key], areas: Areas) -> int:
    """Note a part, which images have it, and where (k, SIDE * SIDE); its id."""
    content = np.ascontiguousarray(part.looked).tobytes()
    digest = hashlib.sha256(content).hexdigest()
    kept.execute("INSERT OR IGNORE INTO looked (digest, marks) VALUES (?, ?)", (digest, content))
    (at,) = kept.execute("SELECT id FROM looked WHERE digest = ?", (digest,)).fetchone()
    values = (part.called, part.toward, part.of, at)
    made = _inserted(kept, "INSERT INTO part (called, toward, of, looked) VALUES (?, ?, ?, ?)", values)
    chosen = sorted(range(len(keys)), key=lambda each: _mark(keys[each][0]))[:LARGEST]
    images = notes.images(kept, [keys[each] for each in chosen])
    bytes_each = np.rint(255 * areas[chosen]).astype(np.uint8)
    regions = [(made, image, area.tobytes()) for image, area in zip(images, bytes_each, strict=True)]
    kept.executemany("INSERT OR IGNORE INTO region VALUES (?, ?, ?)", regions)
    return made


def note_pattern(kept: sqlite3.Connection, parts: list[int]) -> int:
    """Note that these parts are, or were, one pattern; its id."""
    pattern = _inserted(kept, "INSERT INTO pattern (hidden, merged) VALUES (0, 0)", ())
    kept.executemany("INSERT INTO member VALUES (?, ?)", [(pattern, part) for part in parts])
    return pattern


def _mark(content: bytes) -> int:
    """What stands for a content in `Analysis.marks`; 0 where it is not known."""
    return int.from_bytes(content[:8], sys.byteorder)


def _inserted(kept: sqlite3.Connection, statement: str, values: tuple) -> int:
    found = kept.execute(statement, values).lastrowid
    assert found is not None
    return found
