"""The images nearest to one, of either class: /neighbours/<fingerprint>/<row>."""

from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort

from asap_core import selections
from asap_core.analysis import Analysis

from .. import responses
from . import gallery

NEAREST = 3  # of each class


def nearest(analysis: Analysis, row: int) -> dict[str, Any]:
    """The nearest real and the nearest fake images, as tiles, with their cosines; near-duplicates are left out."""
    closeness = selections.likeness(analysis, row)  # (n,)
    group = analysis.arrays["group"]
    closeness[np.asarray(group) == group[row]] = -np.inf
    fake = analysis.logits > 0 if analysis.is_fake is None else np.asarray(analysis.is_fake)
    found = {}
    for kind, among in (("real", ~fake), ("fake", fake)):
        rows = np.flatnonzero(among & np.isfinite(closeness))
        rows = rows[np.argsort(-closeness[rows], kind="stable")[:NEAREST]]
        cosines = [round(float(value), 3) for value in closeness[rows]]
        found[kind] = {"tiles": gallery.tiles(analysis, rows), "values": cosines}
    return found


def register(app: Dash, analysis: Analysis) -> None:
    """Add the route."""

    @app.server.get("/neighbours/<fingerprint>/<int:row>", endpoint="neighbours")
    def table(fingerprint: str, row: int) -> Response:
        if fingerprint != analysis.fingerprint or row >= analysis.n:
            abort(404)
        return responses.answer(nearest(analysis, row))
