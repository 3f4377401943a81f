"""Images by URL: /img/<fingerprint>/<row> and /thumb/<fingerprint>/<row>?s=<pixels>.

A row becomes a path by the analysis' table; a path never comes from the browser. What is sent was opened by
Pillow first and has the size that the analysis noted, so nothing else on the disk can leave through here.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from dash import Dash
from diskcache import Timeout
from flask import Response, abort, request
from numpy.typing import NDArray
from PIL import Image, ImageOps

from asap_core import images
from asap_core.analysis import Analysis
from asap_core.errors import ImageError

from .. import responses
from ..private import Pictures

SIZES = (128, 256, 512)  # pixels of a thumbnail's shorter side
LONGEST = 2  # a thumbnail's longer side, in shorter sides; what is beyond is cut off evenly
CACHE_BYTES = 2 * 2**30
# What every browser shows as it is.
SAFE = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
SAFE_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16"}


def url(analysis: Analysis, row: int) -> str:
    """Where the browser finds an image."""
    return f"/img/{analysis.fingerprint}/{row}"


def cache(folder: Path) -> Pictures:
    """What keeps small pictures, in a folder that is made private."""
    return Pictures(folder, size_limit=CACHE_BYTES, eviction_policy="least-recently-stored")


def register(app: Dash, analysis: Analysis, folder: Path) -> None:
    """Add both routes; thumbnails are kept in `folder`, which is made private."""
    kept = cache(folder)

    @app.server.get("/img/<fingerprint>/<int:row>", endpoint="image")
    def image(fingerprint: str, row: int) -> Response:
        _check(analysis, fingerprint, row)
        try:
            return responses.immutable(*original(analysis, row))
        except ImageError as error:
            return responses.missing(str(error))

    @app.server.get("/thumb/<fingerprint>/<int:row>", endpoint="thumbnail")
    def thumb(fingerprint: str, row: int) -> Response:
        _check(analysis, fingerprint, row)
        size = request.args.get("s", default=SIZES[0], type=int)
        if size not in SIZES:
            abort(404)
        try:
            return responses.immutable(thumbnail(analysis, row, size, kept), "image/webp")
        except ImageError as error:
            return responses.missing(str(error))


def _check(analysis: Analysis, fingerprint: str, row: int) -> None:
    if fingerprint != analysis.fingerprint or row >= analysis.n:
        abort(404)


def original(analysis: Analysis, row: int) -> tuple[bytes, str]:
    """An image's bytes and their type: the file as it is where browsers show it, else a PNG of it."""
    data, opened = _open(analysis, row)
    kind = opened.format or ""
    if kind in SAFE and opened.mode in SAFE_MODES:
        return data, SAFE[kind]
    converted = BytesIO()
    with images.reading(data) as picture:
        picture.save(converted, "PNG", compress_level=3)
    return converted.getvalue(), "image/png"


def thumbnail(analysis: Analysis, row: int, size: int, kept: Pictures) -> bytes:
    """A small upright WebP: shorter side at most `size`, never enlarged; made once per version of a file."""

    def draw(data: bytes) -> Image.Image:
        with images.reading(data, at_least=size) as picture:
            short = min(size, *picture.size)
            scale = short / min(picture.size)
            width, height = (min(max(1, round(side * scale)), LONGEST * short) for side in picture.size)  # see `middle`
            return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)

    return once(analysis, row, str(size), kept, draw)


def once(analysis: Analysis, row: int, what: str, kept: Pictures, draw: Callable[[bytes], Image.Image]) -> bytes:
    """A WebP drawn of an image's bytes, made once per version of the file; `what` says which drawing it is."""
    path = _path(analysis, row)
    try:
        status = path.stat()
    except OSError as error:
        raise ImageError(f"cannot be opened: {(error.strerror or str(error)).lower()}") from error
    key = f"{analysis.fingerprint}/{row}/{what}/{status.st_mtime_ns}/{status.st_size}"
    found = None
    with suppress(sqlite3.Error, Timeout):  # a picture that cannot be kept is drawn all the same
        found = kept.get(key)
    if found is not None and _is_whole(found):
        return found
    data, _ = _open(analysis, row)
    written = BytesIO()
    draw(data).save(written, "WEBP", quality=82, method=4)
    with suppress(sqlite3.Error, Timeout, OSError):
        kept.set(key, written.getvalue())
    return written.getvalue()


def _is_whole(data: bytes) -> bool:
    """Whether bytes are a WebP from its beginning to its end."""
    return images.kind(data) == "WEBP" and int.from_bytes(data[4:8], "little") + 8 == len(data)


def middle(pixels: NDArray) -> NDArray:
    """What of a whole picture (h, w) a thumbnail shows: no side longer than LONGEST times the other."""
    height, width = (min(side, LONGEST * min(pixels.shape[:2])) for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def _path(analysis: Analysis, row: int) -> Path:
    """The file of a row; a relative path that would climb out of the root is refused."""
    name = Path(analysis.paths[row])
    if not name.is_absolute() and ".." in name.parts:
        raise ImageError("lies outside the folder that was analysed")
    return analysis.path(row)


def _open(analysis: Analysis, row: int) -> tuple[bytes, Image.Image]:
    """A file's bytes and its header; ImageError where it is gone, no image, or not the one analysed."""
    data = images.content(_path(analysis, row))
    opened = images.header(data)
    noted = sorted(analysis.arrays["size"][row].tolist())  # upright; the header may lie on its side
    if sorted(opened.size) != noted:
        raise ImageError("has changed since it was analysed")
    return data, opened
