"""Single images at their places: /points/<fingerprint>/<plane>.json and .png, ?of=PHRASE&view=x0,y0,x1,y1.

The JSON holds each image of the view, or only their number where they are more than EXACT; the picture
(<theme>-<pixels>.png) draws them all, none left out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core.analysis import Analysis
from asap_core.errors import SettingsError
from asap_core.learning import verdicts

from .. import responses
from ..figures import points
from ..figures.palette import PALETTES
from ..kept import Kept
from .planes import Planes, check, settle

EXACT = 3000  # images that the browser gets one by one
PIXELS = range(64, 2049, 64)  # a picture's width and height
STEPS = 100_000  # of a coordinate, in the JSON
KEPT = 24  # pictures
Window = tuple[float, float, float, float]  # x0, y0, x1, y1; y points up


@dataclass(frozen=True)
class Seen:
    """The images of a part of the plane."""

    rows: NDArray[np.int64]  # (r,) ascending
    x: NDArray[np.float32]  # (r,)
    y: NDArray[np.float32]  # (r,)


def seen(planes: Planes, plane: str, window: Window, of: str | None = None) -> Seen:
    """Which images that the phrase names lie in a window, its edges included."""
    x, y = np.asarray(planes.analysis.positions(plane)).T  # (n,) each
    x0, y0, x1, y1 = window
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    if of:
        inside &= planes.groups.mask(of)
    rows = np.flatnonzero(inside)
    return Seen(rows, x[rows], y[rows])


def kinds(analysis: Analysis, rows: NDArray) -> NDArray[np.uint8]:
    """What each image is, (r,): 1 fake (judged fake where the truth is unknown) + 2 judged wrong + 4 inconclusive."""
    called = np.take(analysis.logits, rows) > 0
    truth = called if analysis.is_fake is None else np.take(analysis.is_fake, rows)
    unsure = verdicts.inconclusive(np.take(analysis.scores, rows))
    return (truth + 2 * (truth != called) + 4 * unsure).astype(np.uint8)


def content(planes: Planes, plane: str, window: Window, of: str | None = None) -> dict[str, Any]:
    """The images of a window as the browser gets them; coordinates in STEPS, y upward."""
    found = seen(planes, plane, window, of)
    answer: dict[str, Any] = {"n": len(found.rows), "rows": None}
    if len(found.rows) <= EXACT:
        answer |= {
            "rows": found.rows.tolist(),
            "x": np.rint(found.x * STEPS).astype(int).tolist(),
            "y": np.rint(found.y * STEPS).astype(int).tolist(),
            "kind": kinds(planes.analysis, found.rows).tolist(),
        }
    return answer


def window_of(text: str | None) -> Window:
    """What ?view= says; the whole plane where it says nothing, SettingsError where it is not understood."""
    if not text:
        return 0.0, 0.0, 1.0, 1.0
    try:
        x0, y0, x1, y1 = (float(number) for number in text.split(","))
    except ValueError:
        x0 = y0 = x1 = y1 = np.nan
    if not (x0 < x1 and y0 < y1 and np.isfinite([x0, y0, x1, y1]).all()):
        raise SettingsError(f"no view {text[:40]!r}: expected x0,y0,x1,y1, as in 0.2,0.1,0.4,0.3")
    return x0, y0, x1, y1


def register(app: Dash, planes: Planes) -> None:
    """Add the routes."""
    study, groups, kept = planes.analysis, planes.groups, Kept(KEPT)

    @app.server.get("/points/<fingerprint>/<plane>.json", endpoint="points")
    def places(fingerprint: str, plane: str) -> Response:
        check(study, fingerprint, plane)
        of = request.args.get("of")
        return responses.answer(content(planes, plane, window_of(request.args.get("view")), of), groups.lasting(of))

    @app.server.get("/points/<fingerprint>/<plane>/<theme>-<int:pixels>.png", endpoint="points-picture")
    def picture(fingerprint: str, plane: str, theme: str, pixels: int) -> Response:
        check(study, fingerprint, plane, theme=theme)
        if pixels not in PIXELS:
            abort(404)
        of, window = request.args.get("of"), window_of(request.args.get("view"))

        def draw() -> bytes:
            found = seen(planes, plane, window, of)
            what = kinds(study, found.rows)
            return points.draw(found.rows, found.x, found.y, what, window, pixels, PALETTES[theme])

        body = kept.get((plane, theme, pixels, window, planes.named(of)), draw)
        return settle(responses.immutable(body, "image/png"), groups.lasting(of))
