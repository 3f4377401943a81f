"""Takeover: what people wrote beside earlier analyses of a collection becomes notes of a new build.

Version 1 kept `tags.json` and `patterns/<key>/edits.json` in the analysis' folder, by row numbers.
"""

import hashlib
import json
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import analysis, analysis_folder, notes, pattern_notes, recognition, tags
from .analysis import Analysis
from .errors import AnalysisError
from .identification.patterns import Groups
from .notes import Key
from .pattern_notes import Part
from .recognition import SIDE


def take_over(folder: Path, made: Analysis) -> None:
    """Make notes of what people wrote in `folder` and beside it of the same collection, and let the notes know the
    build `made`, which is about to stand in `folder`; AnalysisError where it cannot be read. What was taken over once
    is not taken over again."""
    beside = folder.parent.glob(f"*/{analysis_folder.FACTS}") if folder.parent.name == "analyses" else ()
    for place in sorted({folder, *(each.parent for each in beside)}):
        facts = analysis_folder.stands(place)
        if facts.get("version") == 1 and (place == folder or facts.get("root") == made.info["root"]):
            Earlier(place, facts, made).take_over()
    if (made.notes / notes.FILE).is_file():
        with suppress(AnalysisError), notes.changing(made):
            pass  # they meet the build; notes that may only be read are matched when they are read


class Earlier:
    """An analysis of version 1, and the build that follows it."""

    def __init__(self, folder: Path, facts: dict[str, Any], made: Analysis) -> None:
        self.folder, self.facts, self.made = folder, facts, made

    def take_over(self) -> None:
        """Its tags and edited patterns, in one transaction."""
        edited = sorted(self.folder.glob("patterns/*/edits.json"))
        if not edited and not (self.folder / "tags.json").is_file():
            return
        try:
            self.paths: list[str] = json.loads((self.folder / "rows.json").read_text("utf-8"))["paths"]
            with notes.changing(self.made) as kept:
                if (self.folder / "tags.json").is_file():
                    self.tags(kept, json.loads((self.folder / "tags.json").read_text("utf-8")))
                for file in edited:
                    digest = f"edits {hashlib.sha256(str(file.parent.name).encode() + file.read_bytes()).hexdigest()}"
                    if not notes.changes(kept, digest):
                        self.patterns(kept, file.parent, json.loads(file.read_text("utf-8")))
                        notes.count_change(kept, digest)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise AnalysisError(
                f"what people wrote in {self.folder} cannot be taken over ({type(error).__name__}: {error}), so it was "
                "left as it is; mend it, or move tags.json and patterns/ away"
            ) from error

    def keys(self, rows: list[int]) -> list[Key]:
        """What its images are known by: contents are those of the new build's images of the same paths."""
        now = self.made.by_path
        found = [(self.paths[row], now.get(self.paths[row])) for row in rows]
        return [(notes.keys(self.made, there[:1])[0][0] if there else b"", path) for path, there in found]

    def tags(self, kept: sqlite3.Connection, content: dict[str, Any]) -> None:
        """Tags of this very analysis; those of another that stood here before were none of its own."""
        if content["fingerprint"] == self.facts.get("fingerprint"):
            for name, rows in content["tags"].items():
                tags.add_to(kept, name, self.keys(rows))

    def patterns(self, kept: sqlite3.Connection, folder: Path, edits: dict[str, Any]) -> None:
        """Names, hidden and merged patterns of some findings."""
        found = json.loads((folder / "patterns.json").read_text("utf-8"))
        looked = np.load(folder / "looked.npy", allow_pickle=False).tolist()
        keys = self.keys(looked)
        digests = np.frombuffer(b"".join(content.ljust(32, b"\0") for content, _ in keys), np.uint8).reshape(-1, 32)
        marks = analysis.marks(digests, [path for _, path in keys])
        names, hidden = dict(edits["names"]), set(edits["hidden"])
        merged = {"-".join(map(str, sorted(members))) for members in edits["merged"]}
        parts: dict[int, int] = {}
        for each in sorted({*names, *hidden, *merged}):
            numbers = [int(number) for number in each.split("-")]
            for number in numbers:
                if number not in parts:
                    facts = found["patterns"][number]
                    part = Part(facts["name"]["text"], facts["toward"], found.get("of") or "", marks)
                    parts[number] = pattern_notes.note(kept, part, *self.regions(folder, number, facts["toward"]))
            pattern = pattern_notes.note_pattern(kept, [parts[number] for number in numbers])
            state = (names.get(each), each in hidden, each in merged, pattern)
            kept.execute("UPDATE pattern SET name = ?, hidden = ?, merged = ? WHERE id = ?", state)
        notes.count_change(kept, "patterns")

    def regions(self, folder: Path, number: int, toward: str) -> tuple[list[Key], NDArray[np.float32]]:
        """The images that have a pattern, and where."""
        row, pattern, held, seen = (
            np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("row", "pattern", "held", "seen")
        )
        m, blank = len(row), np.zeros((len(row), 0), np.float32)
        groups = Groups(row, pattern, blank, blank, held, seen, blank, blank, blank, np.zeros(m, bool))
        sizes = np.load(self.folder / "size.npy", allow_pickle=False)
        mark = recognition.marked(groups, pattern == number, sizes, toward)
        return self.keys(mark.rows.tolist()), mark.areas.reshape(-1, SIDE * SIDE)
