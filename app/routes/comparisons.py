"""Comparisons that lie ready, and the groups that can be named: /comparisons/<fingerprint>?of=PHRASE."""

from itertools import combinations
from typing import Any

from dash import Dash
from flask import Response, abort, request

from .. import responses
from .facets import encode
from .findings import Discoveries

LABELLED = (
    ("real", "fake"),
    ("right", "wrong"),
    ("misses", "fake&right"),
    ("false-alarms", "real&right"),
)
VERDICTS = (("judged-real", "judged-fake"), ("inconclusive", "conclusive"))
PAIRS = 15  # of generators, at most; others are paired by hand
PATTERNS = 12


def comparisons(known: Discoveries, of: str) -> dict[str, Any]:
    """Pairs of phrases and groups of one, each with how many images it names under a filter.

    `pairs`: [A, B, n of A, n of B]; `groups`: [title, [[phrase, n, name or null], …]].
    """
    groups, study = known.groups, known.analysis
    seen = groups.mask(of)

    def count(phrase: str) -> int:
        return int((groups.mask(phrase) & seen).sum())

    kinds = [*(LABELLED if study.is_fake is not None else ()), *VERDICTS]
    singles = list(dict.fromkeys(phrase for pair in kinds for phrase in pair))
    made = [
        f"generator={encode(name)}"
        for name in sorted(study.info["generators"], key=lambda name: name != "real")
        if name
    ]
    sorts = [f"category={encode(name)}" for name in study.info["categories"] if name]
    n = {phrase: count(phrase) for phrase in [*singles, *made, *sorts]}
    made, sorts = ([phrase for phrase in some if n[phrase]] for some in (made, sorts))
    largest = sorted(made, key=lambda phrase: -n[phrase])
    between = list(combinations([phrase for phrase in made if phrase in largest[:6]], 2))[:PAIRS]
    patterns = _patterns(known)
    listed = {
        "Truth and verdict": [[phrase, n[phrase], None] for phrase in singles],
        "Generators": [[phrase, n[phrase], None] for phrase in made],
        "Categories": [[phrase, n[phrase], None] for phrase in sorts],
        "Patterns": [[phrase, count(phrase), name] for phrase, name in patterns],
    }
    return {
        "pairs": [[a, b, n[a], n[b]] for a, b in [*kinds, *between] if n[a] and n[b]],
        "groups": [[title, options] for title, options in listed.items() if options],
    }


def _patterns(known: Discoveries) -> list[tuple[str, str]]:
    """The phrases and names of patterns that were found in this analysis, those of the last search first."""
    kept = [(entry, each) for entry in known.every() for each in entry.shown if not each.hidden]
    return [(f"pattern={entry.folder.name}/{each.number}", each.pattern.name.text) for entry, each in kept[:PATTERNS]]


def register(app: Dash, known: Discoveries) -> None:
    """Add the route."""

    @app.server.get("/comparisons/<fingerprint>", endpoint="comparisons")
    def ready(fingerprint: str) -> Response:
        if fingerprint != known.analysis.fingerprint:
            abort(404)
        return responses.answer(comparisons(known, request.args.get("of", "")), lasting=False)
