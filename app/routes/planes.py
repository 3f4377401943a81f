"""The planes' cells as the browser gets them: glyph pictures, tables and hover cards, by URL.

    /glyphs/<fingerprint>/<plane>/<side>/<detail>-<theme>.svg?of=PHRASE
    /cells/<fingerprint>/<plane>/<side>.json?of=PHRASE
    /cards/<fingerprint>/<plane>/<side>/<code>.json?of=PHRASE
    /legend/<fingerprint>/<theme>.svg

PHRASE is the filter: what it does not name is in no cell. The newest answers are kept, zipped.
"""

import json
from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core.analysis import PLANES, Analysis
from asap_core.learning import verdicts
from asap_core.projection import cells, glyphs
from asap_core.projection.cells import Cells
from asap_core.projection.glyphs import Glyphs

from .. import responses
from ..figures import glyph, legend
from ..figures.palette import PALETTES
from ..groups import Groups
from ..kept import Kept
from . import cards

KEPT = 24  # planes under a filter whose cells are remembered; at 200,000 images each takes 2 MB


class Planes:
    """Cells and glyphs of one analysis under a filter, summarised when first asked for."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.analysis: Analysis = groups.analysis
        self._codes = Kept()
        self._cells, self._glyphs, self._sent = Kept(KEPT), Kept(KEPT), Kept(2 * KEPT)

    def codes(self, plane: str, side: int) -> NDArray[np.int32]:
        """The cell of every image, (n,)."""
        return self._codes.get((plane, side), lambda: cells.cut(self.analysis.positions(plane), side))

    def named(self, of: str | None) -> Hashable:
        """A key for the images that a phrase names: the phrase, or a digest of them where they may change."""
        return (of or "") if self.groups.lasting(of) else sha256(self.groups.mask(of).tobytes()).digest()

    def cells(self, plane: str, side: int, of: str | None = None) -> Cells:
        """The cells that hold images which the phrase names, and those images."""
        rows = self.groups.rows(of) if of else None
        key = (plane, side, self.named(of))
        return self._cells.get(key, lambda: cells.members(self.codes(plane, side), rows))

    def glyphs(self, plane: str, side: int, of: str | None = None) -> Glyphs:
        """The numbers of each of these cells."""
        held, study = self.cells(plane, side, of), self.analysis
        return self._glyphs.get(
            (plane, side, self.named(of)),
            lambda: glyphs.summarise(
                held,
                scores=study.scores,
                logits=study.logits,
                distilled=study.distilled,
                is_fake=study.is_fake,
            ),
        )

    def svg(self, plane: str, side: int, detail: str, theme: str, of: str | None = None) -> tuple[bytes, bytes]:
        """The picture of all glyphs: plain and zipped."""
        return self._send(
            (plane, side, detail, theme, self.named(of)),
            lambda: glyph.sheet(marks(self.glyphs(plane, side, of)), side, PALETTES[theme], detail),
        )

    def table(self, plane: str, side: int, of: str | None = None) -> tuple[bytes, bytes]:
        """What the browser knows of every cell: plain and zipped."""
        return self._send(
            (plane, side, self.named(of)),
            lambda: json.dumps(cards.table(self.glyphs(plane, side, of), side), separators=(",", ":"), allow_nan=False),
        )

    def card(self, plane: str, side: int, code: int, of: str | None = None) -> dict[str, Any] | None:
        """What a hover card shows beside the table's numbers; None where the cell is empty."""
        summary = self.glyphs(plane, side, of)
        at = int(np.searchsorted(summary.codes, code))
        if at == len(summary) or summary.codes[at] != code:
            return None
        return cards.card(self.analysis, self.cells(plane, side, of).of(code), summary, at)

    def _send(self, key: Hashable, make: Callable[[], str]) -> tuple[bytes, bytes]:
        def both() -> tuple[bytes, bytes]:
            body = make().encode()
            return body, responses.pack(body)

        return self._sent.get(key, both)


def marks(summary: Glyphs) -> glyph.Marks:
    """What a sheet of glyphs draws of the cells' numbers; the verdicts' share where the truth is unknown."""
    nothing = np.zeros(len(summary), np.int64)
    return glyph.Marks(
        codes=summary.codes,
        n=summary.n,
        n_fake=summary.n_called_fake if summary.n_fake is None else summary.n_fake,
        false_alarms=nothing if summary.false_alarms is None else summary.false_alarms,
        misses=nothing if summary.misses is None else summary.misses,
        level=verdicts.levels(summary.severity[:, 2]),
        few=glyphs.FEW,
    )


def legend_url(analysis: Analysis, theme: str) -> str:
    """Where the browser finds the enlarged glyph of the legend."""
    return f"/legend/{analysis.fingerprint}/{theme}.svg?v={responses.edition()}"


def check(study: Analysis, fingerprint: str, plane: str, side: int = cells.SIDES[0], theme: str = "light") -> None:
    """404 for another analysis, and for what there is not."""
    if fingerprint != study.fingerprint or plane not in PLANES or side not in cells.SIDES or theme not in PALETTES:
        abort(404)


def settle(response: Response, lasting: bool) -> Response:
    """An answer that may change is asked for again each time."""
    if not lasting:
        response.headers["Cache-Control"] = "no-cache"
    return response


def register(app: Dash, planes: Planes) -> None:
    """Add the routes."""
    study, lasting = planes.analysis, planes.groups.lasting

    @app.server.get("/glyphs/<fingerprint>/<plane>/<int:side>/<detail>-<theme>.svg", endpoint="glyphs")
    def picture(fingerprint: str, plane: str, side: int, detail: str, theme: str) -> Response:
        check(study, fingerprint, plane, side, theme)
        if detail not in glyph.DETAILS:
            abort(404)
        of = request.args.get("of")
        body, packed = planes.svg(plane, side, detail, theme, of)
        return settle(responses.immutable(body, "image/svg+xml", packed), lasting(of))

    @app.server.get("/legend/<fingerprint>/<theme>.svg", endpoint="legend")
    def explanation(fingerprint: str, theme: str) -> Response:
        check(study, fingerprint, PLANES[0], theme=theme)
        drawn = legend.draw(PALETTES[theme], study.is_fake is not None)
        return responses.immutable(drawn.encode(), "image/svg+xml")

    @app.server.get("/cells/<fingerprint>/<plane>/<int:side>.json", endpoint="cells")
    def table(fingerprint: str, plane: str, side: int) -> Response:
        check(study, fingerprint, plane, side)
        of = request.args.get("of")
        body, packed = planes.table(plane, side, of)
        return settle(responses.immutable(body, "application/json", packed), lasting(of))

    @app.server.get("/cards/<fingerprint>/<plane>/<int:side>/<int:code>.json", endpoint="cards")
    def card(fingerprint: str, plane: str, side: int, code: int) -> Response:
        check(study, fingerprint, plane, side)
        of = request.args.get("of")
        found = planes.card(plane, side, code, of)
        if found is None:
            abort(404)
        return responses.answer(found, lasting(of))
