"""A group's images to take away, /export/<fingerprint>.csv?of=PHRASE, and to keep under a name, /tags/<fingerprint>."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core import tables, tags
from asap_core.analysis import Analysis
from asap_core.errors import SettingsError
from asap_core.learning import verdicts

from .. import responses
from ..groups import Groups

LISTED = 100  # images that are not there, at most
AT_ONCE = 2000  # rows of a table between two looks at the browser


def table(analysis: Analysis, rows: NDArray) -> Iterator[str]:
    """Images as comma-separated values: path, truth, verdict, score and all that the catalogue knows."""
    info, arrays, truth = analysis.info, analysis.arrays, analysis.is_fake
    made_by = {"generator": "generators", "category": "categories", "split": "splits"}
    kept = tags.read(analysis)
    held = {name: set(of) for name, of in kept.items()}
    head = ["row", "path", "truth", "verdict", "logit", "score", "severity", "inconclusive", "fold", *made_by, "tags"]
    yield from tables.csv_lines([[*head, *analysis.metadata]])
    for start in range(0, len(rows), AT_ONCE):
        lines = []
        for row in rows[start : start + AT_ONCE].tolist():
            score = float(analysis.scores[row])
            lines.append([
                row,
                analysis.paths[row],
                "" if truth is None else ("fake" if truth[row] else "real"),
                "fake" if analysis.logits[row] > 0 else "real",
                round(float(analysis.logits[row]), 4),
                round(score, 4),
                verdicts.LEVELS[int(verdicts.levels(np.asarray(score)))],
                int(verdicts.inconclusive(np.asarray(score))),
                "" if analysis.fold is None else int(analysis.fold[row]) + 1,
                *(info[names][int(arrays[one][row])] if info[names] else "" for one, names in made_by.items()),
                "; ".join(name for name, of in held.items() if row in of),
                *(column[row] for column in analysis.metadata.values()),
            ])  # fmt: skip
        yield "".join(tables.csv_lines(lines))


def _told(study: Analysis, found: tags.Tags) -> dict[str, Any]:
    """How many images have each tag; and which that have it are not in this analysis, where there are any."""
    lost = [[name, each.path, each.reason] for name, some in tags.lost(study).items() for each in some]
    told: dict[str, Any] = {"tags": {name: len(rows) for name, rows in found.items()}}
    return told | ({"lost": lost[:LISTED], "n_lost": len(lost)} if lost else {})


def register(app: Dash, groups: Groups) -> None:
    """Add the routes."""
    study = groups.analysis

    @app.server.get("/export/<fingerprint>.csv", endpoint="export")
    def export(fingerprint: str) -> Response:
        if fingerprint != study.fingerprint:
            abort(404)
        rows = groups.rows(request.args.get("of", ""))
        response = Response(table(study, rows), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="asap-{len(rows)}-images.csv"'
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.server.get("/tags/<fingerprint>", endpoint="tags")
    def known(fingerprint: str) -> Response:
        if fingerprint != study.fingerprint:
            abort(404)
        return responses.answer(_told(study, tags.read(study)), lasting=False)

    @app.server.post("/tags/<fingerprint>", endpoint="tag")
    def tag(fingerprint: str) -> Response:
        if fingerprint != study.fingerprint:
            abort(404)
        said = responses.asked()
        name, phrase, add = said.get("name"), said.get("of"), said.get("add", True)
        if not isinstance(name, str) or not isinstance(phrase, str) or not isinstance(add, bool):
            raise SettingsError("a tag needs a name and the images it is for, as texts")
        found = tags.change(study, name, groups.rows(phrase), add)
        return responses.answer(_told(study, found), lasting=False)
