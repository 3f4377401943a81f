"""Patterns as the browser gets them, and what people make of them.

/patterns/<fingerprint>?of=PHRASE&a=PHRASE are the patterns found in some images, and how many of the images in `a` have
each; POST /patterns/<fingerprint>/<key> with {"do": "rename", "number": 3, "name": "…"} and the like edits them.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Condition
from typing import Any

import numpy as np
from cachetools import LRUCache, cached
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core import edits, findings, notes_report
from asap_core.analysis import Analysis
from asap_core.errors import AnalysisError, SettingsError
from asap_core.findings import Findings, Shown
from asap_core.identification.patterns import Exemplar, sentence
from asap_core.pattern_notes import Kept

from .. import responses
from ..groups import Groups

LOG = logging.getLogger(__name__)
FEW = 12  # images; in fewer, what recurs may do so by chance
READ = 48  # findings kept in memory


@dataclass(frozen=True, eq=False)
class Entry:
    """Some findings as they lie on the disk."""

    made: Analysis
    folder: Path
    stamp: tuple[int, ...]
    found: Findings

    @cached_property
    def shown(self) -> list[Shown]:
        """The patterns as people left them."""
        return findings.shown(self.made, self.folder, self.found)

    @cached_property
    def digest(self) -> str:
        """What stands for the images that were looked at."""
        return findings.digest(self.found.looked)

    @cached_property
    def rows(self) -> dict[int, NDArray[np.int64]]:
        """The images that have each pattern."""
        groups = self.found.groups
        return {each.number: np.unique(groups.row[np.isin(groups.pattern, each.members)]) for each in self.shown}


class Discoveries:
    """All findings of one analysis, read again when they change."""

    def __init__(self, groups: Groups) -> None:
        self.groups, self.analysis = groups, groups.analysis
        kept = LRUCache(READ, getsizeof=lambda entry: entry is not None)  # what cannot be read takes no room
        self._entry = cached(kept, key=lambda key, stamp: (key, stamp), condition=Condition())(self._read)

    def every(self) -> list[Entry]:
        """What was found so far, the newest first, once for each set of images; what cannot be read is left out."""
        folders = [each for each in findings.folder_in(self.analysis).glob("*") if not each.name.startswith(".")]
        now = edits.state(self.analysis)
        read = [self.entry(each.name, now) for each in folders]
        ours = [each for each in read if each is not None and each.found.fingerprint == self.analysis.fingerprint]
        newest: dict[str, Entry] = {}
        for each in sorted(ours, key=lambda each: each.stamp, reverse=True):
            newest.setdefault(each.digest, each)
        return list(newest.values())

    def of(self, rows: NDArray) -> Entry | None:
        """What was found in these images, whoever asked and however; None where nothing was."""
        wanted = findings.digest(rows)
        return next((each for each in self.every() if each.digest == wanted), None)

    def entry(self, key: str, edited: int | None = None) -> Entry | None:
        """The findings of a key; None where there are none, or none that can be read. `edited` is `edits.state`."""
        folder = findings.folder_in(self.analysis) / key
        stamp = tuple(_changed(folder / name) for name in (findings.FILE, "measured"))
        if not any(stamp):
            return None
        return self._entry(key, (*stamp, edits.state(self.analysis) if edited is None else edited))

    def _read(self, key: str, stamp: tuple[int, ...]) -> Entry | None:
        """The same, read now; said once of what is damaged, and silent where an older version found it."""
        folder = findings.folder_in(self.analysis) / key
        try:
            found = findings.read(folder)
        except AnalysisError as error:
            LOG.warning("findings are left out: %s", error)
            return None
        return None if found is None else Entry(self.analysis, folder, stamp, found)


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def answer(known: Discoveries, of: str | None, a: str | None) -> dict[str, Any]:
    """Everything that the Pattern View draws: the patterns of `of`, how many in `a` have them, what else there is."""
    entry, groups = known.of(rows := known.groups.rows(of)), known.groups
    here = groups.mask(a) if a else None
    labelled = groups.analysis.is_fake is not None
    about = {"n": len(rows), "few": FEW, "here": None if here is None else int(here.sum())}
    about["ready"] = {name: len(groups.rows(name)) for name in ("misses", "false-alarms")} if labelled else {}
    about["known"] = [
        {"of": each.found.of or "", "images": each.found.images, "patterns": sum(not one.hidden for one in each.shown)}
        for each in known.every()
    ]
    about["lost"] = [notes_report.said(each) for each in _lost(groups.analysis, of, entry)]
    return about | ({"key": None} if entry is None else _found(entry, here))


def _lost(study: Analysis, of: str | None, entry: Entry | None) -> Iterable[Kept]:
    """Edited patterns that are not among those that are shown: all of the selection, where nothing was looked for."""
    if entry is None:
        return [each for each in edits.every(study) if each.of == (of or "")]
    return edits.read(study, entry.found).lost


def _found(entry: Entry, here: NDArray[np.bool_] | None) -> dict[str, Any]:
    found = entry.found
    return {
        "key": entry.folder.name,
        "note": found.note,
        "images": found.images,
        "groups": len(found.groups),
        "grid": list(found.groups.held.shape[1:]),
        "patterns": [_pattern(entry, each, here) for each in entry.shown],
    }


def _pattern(entry: Entry, each: Shown, here: NDArray[np.bool_] | None) -> dict[str, Any]:
    pattern = each.pattern
    against = {"typical": [], "strongest": [], "contradicting": []}
    for exemplar in pattern.exemplars:
        against[exemplar.why].append(_exemplar(entry.made, exemplar))
    return {
        "number": each.number,
        "name": pattern.name.text,
        "near": list(pattern.name.near),
        "found_as": list(each.found_as),
        "renamed": each.renamed,
        "merged": len(each.members) > 1,
        "hidden": each.hidden,
        "sentence": sentence(pattern),
        "toward": pattern.toward,
        "broad": pattern.broad,
        "n": pattern.n_images,
        "groups": pattern.n_groups,
        "here": None if here is None else int(here[entry.rows[each.number]].sum()),
        "real": [pattern.n_real, pattern.of_real],
        "fake": [pattern.n_fake, pattern.of_fake],
        "generators": [[name, have, of] for name, (have, of) in pattern.generators.items()],
        "contribution": _rounded(pattern.contribution),
        "drop": _rounded(pattern.flip_rate),
        "swap": _rounded(pattern.swap_flip_rate),
        "flips": pattern.n_flips,
        "stability": pattern.stability,
        "dimensions": [[k, round(value, 3)] for k, value in pattern.dimensions],
        "where": np.rint(100 * each.where).astype(int).ravel().tolist(),
        "exemplars": against,
    }


def _exemplar(made: Analysis, each: Exemplar) -> list[Any]:
    """[group, row, contribution, truth (0, 1 or null), called fake]."""
    truth = None if made.is_fake is None else int(made.is_fake[each.row])
    return [each.group, each.row, round(each.contribution, 2), truth, int(made.logits[each.row] > 0)]


def _rounded(interval: tuple[float, float, float] | None) -> list[float] | None:
    return None if interval is None else [round(float(each), 4) for each in interval]


def edit(entry: Entry, asked: Mapping[str, Any]) -> None:
    """Do one edit; SettingsError where it is none."""
    found, made = entry.found, entry.made

    def number(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(found.patterns):
            raise SettingsError(f"no pattern {str(value)[:20]!r}: expected a number below {len(found.patterns)}")
        return value

    def name(value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise SettingsError("a name is a text, or null for the original one")
        return value

    def numbers(value: Any) -> list[int]:
        if not isinstance(value, list):
            raise SettingsError("the patterns to merge are a list of numbers")
        return [number(each) for each in value]

    doing: dict[Any, Callable[[], Any]] = {
        "rename": lambda: edits.rename(made, found, number(asked.get("number")), name(asked.get("name"))),
        "hide": lambda: edits.hide(made, found, number(asked.get("number")), True),
        "unhide": lambda: edits.hide(made, found, number(asked.get("number")), False),
        "merge": lambda: edits.merge(made, found, numbers(asked.get("numbers"))),
        "split": lambda: edits.split(made, found, number(asked.get("number"))),
    }
    do = asked.get("do")
    if not isinstance(do, str) or do not in doing:
        raise SettingsError(f"no edit {str(do)[:20]!r}: expected {', '.join(doing)}")
    doing[do]()


def register(app: Dash, known: Discoveries) -> None:
    """Add the routes."""
    study = known.analysis

    @app.server.get("/patterns/<fingerprint>", endpoint="patterns")
    def found(fingerprint: str) -> Response:
        if fingerprint != study.fingerprint:
            abort(404)
        return responses.answer(answer(known, request.args.get("of"), request.args.get("a")), lasting=False)

    @app.server.post("/patterns/<fingerprint>/<key>", endpoint="edit-patterns")
    def change(fingerprint: str, key: str) -> Response:
        entry = known.entry(key) if fingerprint == study.fingerprint and key.isalnum() else None
        if entry is None:
            abort(404)
        asked = responses.asked()
        edit(entry, asked)
        return responses.answer({"done": True}, lasting=False)
