"""Facets: what the images can be filtered by, and how many there are of each: /facets/<fingerprint>?of=PHRASE."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core import tags
from asap_core.learning import verdicts

from .. import responses
from ..groups import Groups

VALUES = 40  # of a column, at most; a column of more is searched, not listed
LABELS = {
    "Truth": {"real": "real", "fake": "fake"},
    "Verdict": {"judged-real": "judged real", "judged-fake": "judged fake"},
    "Outcome": {"right": "judged right", "wrong": "judged wrong", "misses": "misses", "false-alarms": "false alarms"},
    "Certainty": {"inconclusive": "inconclusive", "conclusive": "conclusive"},
}
NEED_TRUTH = ("Truth", "Outcome")


def facets(groups: Groups, phrase: str) -> dict[str, Any]:
    """How many images a phrase names, of how many, and by every facet: [label, condition, n, of all]."""
    study, mask = groups.analysis, groups.mask(phrase)
    found = []
    for title, options in LABELS.items():
        if study.is_fake is not None or title not in NEED_TRUTH:
            rows = [[label, key, *_count(mask, groups.mask(key))] for key, label in options.items()]
            found.append({"title": title, "key": None, "options": rows})
    for title, key, names, codes in _columns(groups):
        if 1 < len(names) <= VALUES:
            ours, all_ = (np.bincount(each, minlength=len(names)).tolist() for each in (codes[mask], codes))
            rows = [[name or "–", encode(name), *each] for name, *each in zip(names, ours, all_, strict=True)]
            found.append({"title": title, "key": key, "options": rows})
    named = tags.read(study)
    if named:
        rows = [[name, encode(name), int(mask[rows].sum()), len(rows)] for name, rows in named.items()]
        found.append({"title": "Tag", "key": "tag", "options": rows})
    levels = np.bincount(verdicts.levels(np.asarray(study.scores))[mask], minlength=len(verdicts.LEVELS)).tolist()
    severity = {"thresholds": [0, *verdicts.THRESHOLDS, 1], "names": list(verdicts.LEVELS), "n": levels}
    return {"n": int(mask.sum()), "total": study.n, "facets": found, "severity": severity}


def encode(value: str) -> str:
    """A value as it stands in a phrase."""
    return quote(value, safe=" !\"#$'()*+,-./:;<>?@[\\]^_`{}~") if any(sign in value for sign in "%&|=") else value


def _count(mask: NDArray[np.bool_], holds: NDArray[np.bool_]) -> tuple[int, int]:
    return int((mask & holds).sum()), int(holds.sum())


def _columns(groups: Groups) -> list[tuple[str, str, Sequence[str], NDArray]]:
    study = groups.analysis
    made = [
        ("Generator", "generator", study.info["generators"], np.asarray(study.arrays["generator"])),
        ("Category", "category", study.info["categories"], np.asarray(study.arrays["category"])),
        ("Split", "split", study.info["splits"], np.asarray(study.arrays["split"])),
    ]
    return made + [(column, f"meta.{encode(column)}", *each) for column, each in study.levels.items()]


def register(app: Dash, groups: Groups) -> None:
    """Add the route."""

    @app.server.get("/facets/<fingerprint>", endpoint="facets")
    def table(fingerprint: str) -> Response:
        if fingerprint != groups.analysis.fingerprint:
            abort(404)
        return responses.answer(facets(groups, request.args.get("of", "")), lasting=False)
