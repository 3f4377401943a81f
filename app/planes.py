"""The planes' cells as the browser gets them: glyph pictures and hover cards, by URL.

/glyphs/<fingerprint>/<plane>/<side>/<detail>-<theme>.svg and /cells/<fingerprint>/<plane>/<side>.json; both
are made when first asked for and kept, zipped, as long as the app lives.
"""

import json
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort

from asap_core.analysis import PLANES, Analysis
from asap_core.learning import verdicts
from asap_core.projection import cells, glyphs
from asap_core.projection.cells import Cells
from asap_core.projection.glyphs import Glyphs

from . import cards, responses
from .figures import glyph, legend
from .figures.palette import PALETTES


class Kept:
    """Results by key, each made once whoever asks first; the others wait for it."""

    def __init__(self) -> None:
        self._results: dict[Hashable, Any] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` returned for this key, now or earlier."""
        with self._lock:
            if key not in self._results:
                self._results[key] = make()
            return self._results[key]


class Planes:
    """Cells and glyphs of one analysis, summarised when first asked for."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self._cells, self._glyphs, self._sent = Kept(), Kept(), Kept()

    def cells(self, plane: str, side: int) -> Cells:
        """The occupied cells of a plane and their images."""
        return self._cells.get((plane, side), lambda: cells.members(cells.cut(self.analysis.positions(plane), side)))

    def glyphs(self, plane: str, side: int) -> Glyphs:
        """The numbers of each occupied cell."""
        held, study = self.cells(plane, side), self.analysis
        return self._glyphs.get(
            (plane, side),
            lambda: glyphs.summarise(
                held,
                scores=study.scores,
                logits=study.logits,
                distilled=study.distilled,
                contributions=study.contributions,
                is_fake=study.is_fake,
            ),
        )

    def largest(self, plane: str, side: int) -> int:
        """How many images the fullest cell holds."""
        return int(self.cells(plane, side).counts.max(initial=0))

    def svg(self, plane: str, side: int, detail: str, theme: str) -> tuple[bytes, bytes]:
        """The picture of all glyphs: plain and zipped."""
        return self._send(
            (plane, side, detail, theme),
            lambda: glyph.sheet(marks(self.glyphs(plane, side)), side, PALETTES[theme], detail),
        )

    def cards(self, plane: str, side: int) -> tuple[bytes, bytes]:
        """What the hover cards and the table show: plain and zipped."""
        return self._send(
            (plane, side),
            lambda: json.dumps(
                cards.table(self.analysis, self.cells(plane, side), self.glyphs(plane, side), side),
                separators=(",", ":"),
                allow_nan=False,
            ),
        )

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


def glyphs_url(analysis: Analysis, plane: str, side: int, detail: str, theme: str) -> str:
    """Where the browser finds the glyphs of a plane."""
    return f"/glyphs/{analysis.fingerprint}/{plane}/{side}/{detail}-{theme}.svg?v={responses.edition()}"


def legend_url(analysis: Analysis, plane: str, side: int, theme: str) -> str:
    """Where the browser finds the legend of a plane."""
    return f"/legend/{analysis.fingerprint}/{plane}/{side}/{theme}.svg?v={responses.edition()}"


def register(app: Dash, planes: Planes) -> None:
    """Add the routes."""
    study = planes.analysis

    def check(fingerprint: str, plane: str, side: int, theme: str = "light") -> None:
        known = plane in PLANES and side in cells.SIDES and theme in PALETTES
        if fingerprint != study.fingerprint or not known:
            abort(404)

    @app.server.get("/glyphs/<fingerprint>/<plane>/<int:side>/<detail>-<theme>.svg", endpoint="glyphs")
    def picture(fingerprint: str, plane: str, side: int, detail: str, theme: str) -> Response:
        check(fingerprint, plane, side, theme)
        if detail not in glyph.DETAILS:
            abort(404)
        body, packed = planes.svg(plane, side, detail, theme)
        return responses.immutable(body, "image/svg+xml", packed)

    @app.server.get("/legend/<fingerprint>/<plane>/<int:side>/<theme>.svg", endpoint="legend")
    def explanation(fingerprint: str, plane: str, side: int, theme: str) -> Response:
        check(fingerprint, plane, side, theme)
        sizes = glyph.edges(planes.largest(plane, side))
        labelled = study.is_fake is not None
        drawn = legend.draw(PALETTES[theme], labelled, sizes, glyphs.FEW, verdicts.LEVELS)
        return responses.immutable(drawn.encode(), "image/svg+xml")

    @app.server.get("/cells/<fingerprint>/<plane>/<int:side>.json", endpoint="cells")
    def table(fingerprint: str, plane: str, side: int) -> Response:
        check(fingerprint, plane, side)
        body, packed = planes.cards(plane, side)
        return responses.immutable(body, "application/json", packed)
