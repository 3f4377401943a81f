"""Maps as the browser gets them: which images have theirs, pictures to lay over images, and pixel groups.

/maps/<fingerprint>?rows=1,2 says what there is; /map/<fingerprint>/<target>/<row>.png is a map in colours, clear
where nothing is unusual; /groups/<fingerprint>/<target>/<row> are the regions that stand out in it.
"""

from io import BytesIO
from threading import Lock
from typing import Any, Literal

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray
from PIL import Image

from asap_core.analysis import Analysis
from asap_core.identification import pixels
from asap_core.identification.pixels import PixelGroup
from asap_core.maps import Maps, Target

from .. import responses
from ..figures.palette import PALETTES
from . import images

SHORT, LONG = 64, 256  # pixels of a map's picture: a thumbnail's shorter side, a whole image's longer one
QUIET = 0.5  # levels below which nothing is drawn
DENSEST = 235  # of 255: what is below stays to be seen
ASKED = 200  # images in one question
TYPICAL = 3  # dimensions named of a group
FITS = ("thumb", "whole")


class Shown:
    """An analysis' maps, opened when first there."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self._maps: Maps | None = None
        self._lock = Lock()

    def maps(self) -> Maps | None:
        """The maps; None while those that all are compared with are missing."""
        with self._lock:
            self._maps = self._maps or Maps.of(self.analysis)
            return self._maps

    def of(self, row: int) -> Maps | None:
        """The maps, if this image has its own."""
        known = self.maps()
        return known if known is not None and known.done[row] else None


def state(shown: Shown, rows: list[int]) -> dict[str, Any]:
    """Which of some rows have maps, how many images have, and what is drawn in full colour."""
    known = shown.maps()
    if known is None:
        return {"done": [], "n": 0, "total": shown.analysis.n, "full": None}
    done = known.done
    return {
        "done": [row for row in rows if done[row]],
        "n": int(done.sum()),
        "total": shown.analysis.n,
        "full": np.round(known.scale.astype(float), 4).tolist(),
    }


def picture(known: Maps, row: int, target: Target, fit: Literal["thumb", "whole"]) -> bytes:
    """A map as a PNG with an alpha channel, of the shape of the row's thumbnail, or of the whole image."""
    width, height = known.made.arrays["size"][row].tolist()
    scale = SHORT / min(width, height) if fit == "thumb" else LONG / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    box = tuple(edge * scale for edge in known.box(row))
    at = -1 if target == "logit" else target
    drawn = pixels.enlarge(known.unusual([row])[0][0, at], box, size)  # (h, w)  # pyright: ignore
    if fit == "thumb":
        drawn = images.middle(drawn)
    written = BytesIO()
    coloured(drawn, float(known.level[at]), float(known.scale[at])).save(written, "PNG", compress_level=6)
    return written.getvalue()


def coloured(values: NDArray, level: float, full: float) -> Image.Image:
    """A map (h, w) in the colours of real and fake, denser the more unusual, clear where nothing is."""
    strength = np.clip((np.abs(values) - QUIET * level) / max(full - QUIET * level, 1e-12), 0, 1)
    rgba = np.empty((*values.shape, 4), np.uint8)
    real, fake = (bytes.fromhex(getattr(PALETTES["light"], kind)[1:]) for kind in ("real", "fake"))
    rgba[..., :3] = np.where((values > 0)[..., None], np.frombuffer(fake, np.uint8), np.frombuffer(real, np.uint8))
    rgba[..., 3] = np.rint(DENSEST * np.sqrt(strength))
    return Image.fromarray(rgba)


def groups(known: Maps, row: int, target: Target) -> dict[str, Any]:
    """The pixel groups of a row's map, what they add, their outlines in the image's pixels, and what is elsewhere."""
    found, box = known.groups(row, target), known.box(row)
    maps, remainder = known.unusual([row])
    at = -1 if target == "logit" else target
    total = float(maps[0, at].sum(dtype=np.float64))
    added = sum(group.contribution for group in found)
    return {
        "row": row,
        "grid": list(known.reference.usual.shape[1:]),
        "seen": list(box),
        "size": known.made.arrays["size"][row].tolist(),
        "groups": [_group(group, box) for group in found],
        "elsewhere": round(total - added, 4),
        "remainder": round(float(remainder[0, at]), 4),
        "sum": round(total + float(remainder[0, at]), 4),
        "level": round(float(known.level[at]), 5),
        "full": round(float(known.scale[at]), 5),
    }


def _group(group: PixelGroup, box: pixels.Box) -> dict[str, Any]:
    order = np.argsort(-np.abs(group.dimensions), kind="stable")[:TYPICAL]
    outline = pixels.outline(group.mask, box)
    return {
        "contribution": round(group.contribution, 4),
        "area": round(group.area, 4),
        "broad": group.broad,
        "box": [round(edge, 1) for edge in group.box],
        "outline": [np.round(each, 1).tolist() for each in outline],
        "held": np.round(group.held.astype(float), 2).tolist(),
        "dimensions": [[int(k), round(float(group.dimensions[k]), 3)] for k in order],
    }


def target_of(text: str, dimensions: int) -> Target:
    """A target as a URL says it; 404 where there is none."""
    if text == "logit":
        return "logit"
    if not text.isdecimal() or len(text) > 4 or int(text) >= dimensions:
        abort(404)
    return int(text)


def register(app: Dash, shown: Shown) -> None:
    """Add the routes."""
    study = shown.analysis

    def check(fingerprint: str, row: int = 0) -> None:
        if fingerprint != study.fingerprint or row >= study.n:
            abort(404)

    @app.server.get("/maps/<fingerprint>", endpoint="maps")
    def which(fingerprint: str) -> Response:
        check(fingerprint)
        texts = [text for text in request.args.get("rows", "").split(",") if text]
        if len(texts) > ASKED or not all(text.isdecimal() and len(text) < 10 and int(text) < study.n for text in texts):
            abort(404)
        return responses.answer(state(shown, [int(text) for text in texts]), lasting=False)

    @app.server.get("/map/<fingerprint>/<target>/<int:row>.png", endpoint="map")
    def drawn(fingerprint: str, target: str, row: int) -> Response:
        check(fingerprint, row)
        fit, known = request.args.get("fit", "thumb"), shown.of(row)
        if known is None or fit not in FITS:
            abort(404)
        return responses.immutable(picture(known, row, target_of(target, len(study.head)), fit), "image/png")

    @app.server.get("/groups/<fingerprint>/<target>/<int:row>", endpoint="groups")
    def regions(fingerprint: str, target: str, row: int) -> Response:
        check(fingerprint, row)
        known = shown.of(row)
        if known is None:
            return responses.answer({"row": row, "groups": None}, lasting=False)
        return responses.answer(groups(known, row, target_of(target, len(study.head))))
