"""A group's images in order, page by page: /tiles/<fingerprint>?of=PHRASE&sort=…&page=….

The browser draws the tiles; it keeps what it has seen.
"""

from pathlib import PurePosixPath
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core import selections
from asap_core.analysis import Analysis
from asap_core.identification import store
from asap_core.learning import verdicts
from asap_core.maps import METHOD
from asap_core.projection import glyphs

from .. import responses
from ..groups import Groups
from ..kept import Kept

PAGE = 100  # images
NEAR = tuple(f"{key}=" for key in selections.NEAREST)
SORTS = ("errors", "severity", "row", "sensitivity", "alike", "dimension")


class Gallery:
    """The images of any group in any order; orders of the whole collection are kept."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.analysis: Analysis = groups.analysis
        self._kept = Kept()

    def rows(self, phrase: str | None, sort: str, by: int | str = 0) -> NDArray[np.int64]:
        """The rows of a group's images in order, (r,); `by` is a dimension, or the condition that says what is near."""
        rows = self.groups.rows(phrase)
        if len(rows) == self.analysis.n and sort in ("errors", "severity"):
            return self._kept.get(sort, lambda: order(self.analysis, rows, sort, by))
        return order(self.analysis, rows, sort, by)

    def around(self, a: str | None, chosen: str | None, sort: str, target: str | int) -> NDArray[np.int64]:
        """The rows as the Image View shows them: of group `a` under the filter `chosen`, in its order."""
        phrase = "&".join(filter(None, (a, chosen)))
        by = {"dimension": None if target == "logit" else target, "alike": near_to(phrase)}.get(sort, 0)
        return self.rows(phrase, "severity", 0) if by is None else self.rows(phrase, sort, by)

    def page(self, phrase: str | None, sort: str, by: int | str, page: int) -> dict[str, Any]:
        """One page of tiles, and what is said above them."""
        rows = self.rows(phrase, sort, by)
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
            "values": values(self.analysis, shown, sort, by),
        }


def near_to(phrase: str | None) -> str | None:
    """The condition of a phrase that names the images nearest to something; None where it has none."""
    return next((each for each in selections.conditions(phrase) if each.startswith(NEAR)), None)


def order(analysis: Analysis, rows: NDArray, sort: str, by: int | str = 0) -> NDArray[np.int64]:
    """Rows (r,) sorted; ties go by row.

    errors: the most confident mistakes, then the rest by severity (the least certain first where the truth is
    unknown). severity: the highest score first. sensitivity: the highest first, unknown last. dimension: what
    dimension `by` adds, toward fake first. alike: the nearest to what the condition `by` says first. row: as in the
    catalogue.
    """
    if sort == "row":
        return np.sort(rows)
    if sort == "errors":
        return _errors_first(analysis, rows)
    keys = measured(analysis, rows, sort, by)
    return rows[np.lexsort((rows, -np.where(np.isnan(keys), -np.inf, keys)))]


def measured(analysis: Analysis, rows: NDArray, sort: str, by: int | str) -> NDArray[np.float32]:
    """What a sort goes by, (r,); nan where it is unknown."""
    if sort == "alike":
        return selections.closeness(analysis, str(by))[rows]
    if sort == "dimension":
        return np.take(analysis.contributions[:, int(by)], rows)
    if sort == "sensitivity":
        known = store.read(analysis, METHOD)
        return np.full(len(rows), np.nan, np.float32) if known is None else np.take(known.sensitivity, rows)
    return np.take(analysis.scores, rows)


def values(analysis: Analysis, rows: NDArray, sort: str, by: int | str) -> list[float | None] | None:
    """What each tile is sorted by, where its caption does not say it already."""
    if sort not in ("alike", "dimension", "sensitivity"):
        return None
    found = measured(analysis, rows, sort, by)
    return [None if np.isnan(value) else round(float(value), 3) for value in found]


def _errors_first(analysis: Analysis, rows: NDArray) -> NDArray[np.int64]:
    logit = np.take(analysis.logits, rows)
    if analysis.is_fake is None:
        return rows[np.lexsort((rows, np.abs(logit)))]
    wrong = (logit > 0) != np.take(analysis.is_fake, rows)
    keys = np.where(wrong, -np.abs(logit), -np.take(analysis.scores, rows))
    return rows[np.lexsort((rows, keys, ~wrong))]


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

    @app.server.get("/tiles/<fingerprint>", endpoint="tiles")
    def tile_page(fingerprint: str) -> Response:
        asked = request.args
        phrase, sort, by = asked.get("of", ""), asked.get("sort", SORTS[0]), asked.get("by", 0, type=int)
        limit = len(study.head) if sort == "dimension" else study.n
        if fingerprint != study.fingerprint or sort not in SORTS or not 0 <= by < limit:
            abort(404)
        goes_by = near_to(phrase) or f"like={by}" if sort == "alike" else by
        content = gallery.page(phrase, sort, goes_by, asked.get("page", 1, type=int))
        return responses.answer(content, gallery.groups.lasting(phrase) and sort != "sensitivity")
