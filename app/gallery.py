"""A cell's images in order, page by page: /tiles/<fingerprint>/<plane>/<side>/<cell>?sort=…&page=….

`all` in place of a cell is the whole collection. The browser draws the tiles; it keeps what it has seen.
"""

import json
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core.analysis import PLANES, Analysis
from asap_core.learning import verdicts
from asap_core.projection import cells, glyphs

from . import responses
from .planes import Kept, Planes

PAGE = 100  # images
SORTS = ("errors", "severity", "row")
Cell = int | None  # a cell's code; None is the whole collection


class Gallery:
    """The images of any cell in any order; orders of the whole collection are kept."""

    def __init__(self, planes: Planes) -> None:
        self.planes = planes
        self.analysis: Analysis = planes.analysis
        self._kept = Kept()

    def rows(self, plane: str, side: int, cell: Cell, sort: str) -> NDArray[np.int64]:
        """The rows of a cell's images in order, (r,)."""
        if cell is None:
            return self._kept.get(sort, lambda: order(self.analysis, np.arange(self.analysis.n), sort))
        return order(self.analysis, self.planes.cells(plane, side).of(cell), sort)

    def page(self, plane: str, side: int, cell: Cell, sort: str, page: int) -> dict[str, Any]:
        """One page of tiles, and what is said above them."""
        rows = self.rows(plane, side, cell, sort)
        pages = max(1, -(-len(rows) // PAGE))
        page = min(max(page, 1), pages)
        shown = rows[(page - 1) * PAGE : page * PAGE]
        return {
            "n": len(rows),
            "page": page,
            "pages": pages,
            "first": (page - 1) * PAGE + 1,
            **share(self.analysis, rows),
            "tiles": tiles(self.analysis, shown),
        }


def order(analysis: Analysis, rows: NDArray, sort: str) -> NDArray[np.int64]:
    """Rows (r,) sorted; ties go by row.

    errors: the most confident mistakes, then the rest by severity (the least certain first where the truth
    is unknown). severity: the highest score first. row: as in the catalogue.
    """
    if sort == "row":
        return np.sort(rows)
    score = np.take(analysis.scores, rows)
    if sort == "severity":
        return rows[np.lexsort((rows, -score))]
    logit = np.take(analysis.logits, rows)
    if analysis.is_fake is None:
        return rows[np.lexsort((rows, np.abs(logit)))]
    wrong = (logit > 0) != np.take(analysis.is_fake, rows)
    return rows[np.lexsort((rows, np.where(wrong, -np.abs(logit), -score), ~wrong))]


def share(analysis: Analysis, rows: NDArray) -> dict[str, Any]:
    """How many of these images are fake and judged right, with the 95 % interval, if that is known."""
    called = np.take(analysis.logits, rows) > 0
    found: dict[str, Any] = {"called": int(called.sum())}
    if analysis.is_fake is not None:
        truth = np.take(analysis.is_fake, rows)
        right = int((called == truth).sum())
        low, high = glyphs.wilson(np.asarray(right), np.asarray(len(rows)))
        found |= {"fake": int(truth.sum()), "right": right, "low": float(low), "high": float(high)}
    return found


def tiles(analysis: Analysis, rows: NDArray) -> list[list[Any]]:
    """[row, truth (0, 1, null), called fake, score in thousandths, inconclusive, name, tiny] by image."""
    numbers: list[int] = rows.tolist()
    scores = np.take(analysis.scores, rows)
    truth = None if analysis.is_fake is None else np.take(analysis.is_fake, rows).astype(int).tolist()
    return [
        [
            row,
            None if truth is None else truth[i],
            int(analysis.logits[row] > 0),
            round(1000 * float(scores[i])),
            int(verdicts.inconclusive(scores[i])),
            PurePosixPath(analysis.paths[row]).name,
            int(analysis.arrays["size"][row].min() <= 64),
        ]
        for i, row in enumerate(numbers)
    ]


def register(app: Dash, gallery: Gallery) -> None:
    """Add the route."""
    study = gallery.analysis

    @app.server.get("/tiles/<fingerprint>/<plane>/<int:side>/<cell>", endpoint="tiles")
    def tile_page(fingerprint: str, plane: str, side: int, cell: str) -> Response:
        sort, page = request.args.get("sort", SORTS[0]), request.args.get("page", 1, type=int)
        known = plane in PLANES and side in cells.SIDES and sort in SORTS
        if fingerprint != study.fingerprint or not known or not (cell == "all" or cell.isdecimal()):
            abort(404)
        code = None if cell == "all" else int(cell)
        if code is not None and code >= side * side:
            abort(404)
        body = json.dumps(gallery.page(plane, side, code, sort, page), separators=(",", ":"), ensure_ascii=False)
        return responses.immutable(body.encode(), "application/json")
