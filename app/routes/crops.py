"""Crops: a pixel group of a pattern and some of what surrounds it, /crop/<fingerprint>/<key>/<group>?s=<pixels>.

Which image and which part of it come from the findings' own table, never from the browser.
"""

from pathlib import Path

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from asap_core import images, sheet
from asap_core.errors import ImageError
from asap_core.identification import pixels
from asap_core.identification.patterns import Groups

from .. import responses
from ..figures.palette import PALETTES
from . import images as pictures
from .findings import Discoveries

SIZES = (96, 192)  # pixels a side
FINER = 6  # steps of an outline within a token
DASH = 5  # pixels of a dash, and of the gap after it, for what moves a verdict toward real
SMOOTHER = 2  # lines are drawn this much larger, then made smaller


def draw(data: bytes, groups: Groups, group: int, shape: tuple[int, int], size: int) -> Image.Image:
    """A square of an image (width, height) around a group, outlined solid toward fake, dashed toward real."""
    left, top, right, bottom = sheet.crop(shape, tuple(groups.box[group].tolist()))
    side = SMOOTHER * size
    with images.reading(data, at_least=int(np.ceil(side * min(shape) / (right - left)))) as picture:
        scale = picture.width / shape[0]
        box = (left * scale, top * scale, right * scale, bottom * scale)
        drawn = picture.resize((side, side), Image.Resampling.BICUBIC, box)
    pen, toward = ImageDraw.Draw(drawn), "fake" if groups.contribution[group] > 0 else "real"
    lines = [(line - (left, top)) * side / (right - left) for line in outlines(groups, group)]
    for colour, width in (("#ffffff", 3.4), (getattr(PALETTES["light"], toward), 1.8)):
        for line in lines:
            _trace(pen, line, colour, round(width * SMOOTHER), toward == "real")
    return drawn.resize((size, size), Image.Resampling.LANCZOS)


def outlines(groups: Groups, group: int) -> list[NDArray[np.float32]]:
    """The borders of a group: closed lines (m, 2), x and y in the original's pixels."""
    held = np.asarray(groups.held[group], np.float32)
    across = (held.shape[1] * FINER, held.shape[0] * FINER)
    fine = np.asarray(Image.fromarray(held).resize(across, Image.Resampling.BILINEAR))
    seen: pixels.Box = tuple(groups.seen[group].tolist())  # pyright: ignore
    return pixels.outline(fine > held.max() / 2, seen)


def _trace(pen: ImageDraw.ImageDraw, line: NDArray, colour: str, width: int, dashed: bool) -> None:
    points = np.concatenate([line, line[:2]])  # round the last corner too
    if not dashed:
        pen.line([tuple(point) for point in points.tolist()], colour, width, joint="curve")
        return
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    gone, dash = np.append(0, np.cumsum(steps)), DASH * SMOOTHER
    for start in np.arange(0, gone[-1], 2 * dash):
        at = np.unique(np.clip([start, *gone[(gone > start) & (gone < start + dash)], start + dash], 0, gone[-1]))
        x, y = (np.interp(at, gone, points[:, axis]) for axis in (0, 1))
        pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), colour, width, joint="curve")


def register(app: Dash, known: Discoveries, folder: Path) -> None:
    """Add the route; crops are kept among the thumbnails in `folder`."""
    kept, study = pictures.cache(folder), known.analysis

    @app.server.get("/crop/<fingerprint>/<key>/<int:group>", endpoint="crop")
    def crop(fingerprint: str, key: str, group: int) -> Response:
        size = request.args.get("s", default=SIZES[0], type=int)
        entry = known.entry(key) if fingerprint == study.fingerprint and key.isalnum() else None
        if entry is None or size not in SIZES or group >= len(entry.found.groups):
            abort(404)
        groups = entry.found.groups
        row = int(groups.row[group])
        width, height = study.arrays["size"][row].tolist()
        what = f"{key}-{group}-{size}"
        try:
            made = pictures.once(study, row, what, kept, lambda data: draw(data, groups, group, (width, height), size))
        except ImageError as error:
            return responses.missing(str(error))
        return responses.immutable(made, "image/webp")
