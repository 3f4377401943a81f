"""Where a dimension comes from: its pixel groups in A and in B, and the blocks that it is read from.

/evidence/<fingerprint>/<k>?a=&b=&of=. Only of images that have their maps; how many that are is always said.
"""

from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core.identification import pixels
from asap_core.maps import Maps

from .. import responses
from .dimensions import Dimensions
from .maps import Shown

LOOKED = 24  # images whose pixel groups are compared
CROPS = 12  # shown of each group
ASKED = 96  # images that a job is asked for at once
ENOUGH = 1000  # images whose profile is averaged, at most
AROUND = 1.5  # a crop's side, in its pixel group's longer side


class Evidence:
    """The pixel groups and depths of dimensions, from the maps that there are."""

    def __init__(self, dimensions: Dimensions, shown: Shown) -> None:
        self.dimensions, self.shown = dimensions, shown
        self.analysis = dimensions.analysis

    def of(self, k: int, phrases: dict[str, str]) -> dict[str, Any]:
        """What there is to see of a dimension in each group: {name: {n, done, looked, missing, crops, profile}}."""
        maps = self.shown.maps()
        return {
            "maps": maps is not None,
            "groups": {
                name: self._group(k, self.dimensions.groups.rows(phrase), maps) for name, phrase in phrases.items()
            },
        }

    def _group(self, k: int, rows: NDArray[np.int64], maps: Maps | None) -> dict[str, Any]:
        values = np.abs(self.dimensions.columns[k][rows])
        loudest = rows[np.argsort(-values, kind="stable")]
        done = np.zeros(len(rows), np.bool_) if maps is None else np.asarray(maps.done[loudest])
        found: dict[str, Any] = {
            "n": len(rows),
            "done": int(done.sum()),
            "looked": min(int(done.sum()), LOOKED),
            "missing": loudest[~done][:ASKED].tolist(),
            "crops": [],
            "profile": None,
        }
        if maps is not None and done.any():
            found["crops"] = self._crops(k, loudest[done][:LOOKED], maps)
            found["profile"] = _profile(k, np.sort(loudest[done]), maps)
        return found

    def _crops(self, k: int, rows: NDArray[np.int64], maps: Maps) -> list[dict[str, Any]]:
        """Around the strongest pixel group of each image, the loudest first."""
        found = []
        for row in rows.tolist():
            groups = maps.groups(row, k)
            if groups:
                width, height = self.analysis.arrays["size"][row].tolist()
                outline = pixels.outline(groups[0].mask, maps.box(row))
                found.append(
                    {
                        "row": row,
                        "value": round(groups[0].contribution, 3),
                        "size": [width, height],
                        "at": _around(groups[0].box, width, height),
                        "outline": [np.asarray(each, np.float64).round(1).tolist() for each in outline],
                    }
                )
        return sorted(found, key=lambda each: -abs(each["value"]))[:CROPS]


def _around(box: tuple[float, float, float, float], width: int, height: int) -> list[float]:
    """A square about a box, inside the image as far as it fits: its corner and side, in pixels."""
    left, top, right, bottom = box
    longer = max(right - left, bottom - top)
    side = min(longer * AROUND, max(longer, min(width, height)))
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    x = min(max(x, 0), width - side) if side <= width else (width - side) / 2
    y = min(max(y, 0), height - side) if side <= height else (height - side) / 2
    return [round(each, 1) for each in (x, y, side)]


def _profile(k: int, rows: NDArray[np.int64], maps: Maps) -> dict[str, Any]:
    """The mean over images of what each block adds to a dimension, in logits; of ENOUGH of them, evenly chosen."""
    some = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), ENOUGH)).astype(np.int64))]
    mean = maps.profile(some)[:, k].mean(0, dtype=np.float64)  # (blocks,)
    return {"n": len(some), "blocks": np.round(mean, 4).tolist()}


def register(app: Dash, dimensions: Dimensions, shown: Shown) -> None:
    """Add the route."""
    study, evidence = dimensions.analysis, Evidence(dimensions, shown)

    @app.server.get("/evidence/<fingerprint>/<int:k>", endpoint="evidence")
    def look(fingerprint: str, k: int) -> Response:
        if fingerprint != study.fingerprint or k >= len(study.head):
            abort(404)
        asked = {name: request.args[name] for name in ("a", "b") if request.args.get(name)}
        return responses.answer(evidence.of(k, asked or {"all": request.args.get("of", "")}), lasting=False)
