"""What one look at an image file tells: its digest, the facts of its header, a small grey picture of it.

The pixels are decoded (small, where the format allows it), so a file that is cut short is noticed here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from . import images
from .duplicates import SIDE
from .errors import ImageError

# Luminance table of the JPEG standard (Annex K), row by row; libjpeg scales it by the quality.
LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()
QUALITIES = np.arange(1, 101)
SUBSAMPLINGS = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


def _tables() -> NDArray[np.int64]:
    """libjpeg's luminance table at every quality, (100, 64)."""
    scale = np.where(QUALITIES < 50, 5000 // QUALITIES, 200 - 2 * QUALITIES)[:, None]
    return np.clip((LUMINANCE * scale + 50) // 100, 1, 255)


TABLES = _tables()


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one look at a file."""

    digest: bytes  # sha256 of the content
    format: str
    width: int  # upright
    height: int
    bytes: int
    mode: str
    exif: bool
    jpeg_quality: float  # nan where not a JPEG
    subsampling: str  # "" where it does not apply
    grey: NDArray[np.uint8]  # (SIDE, SIDE), upright, squeezed into the square


def look(path: Path) -> Look:
    """Read a file once; raise ImageError where it is not a whole image of the kind that it is named."""
    data = images.content(path)
    refuse_misnamed(path.suffix, data[: images.HEAD])
    image = images.header(data)
    (width, height), mode = image.size, image.mode
    jpeg = isinstance(image, JpegImagePlugin.JpegImageFile)
    quality = estimate_quality(tuple(image.quantization.get(0, ()))) if jpeg else float("nan")
    sampling = SUBSAMPLINGS.get(JpegImagePlugin.get_sampling(image), "") if jpeg else ""
    with images.loaded(image, data, 4 * SIDE, "L"), images.plain_errors(data):
        turned, exif = images.orientation(image), "exif" in image.info
        if turned >= 5:
            width, height = height, width
        plain = image.mode == "L" and "transparency" not in image.info
        grey = image if plain else images.flat(image, 4 * SIDE).convert("L")
        grey = images.upright(grey.resize((SIDE, SIDE), Image.Resampling.BOX), turned)
        images.let_go(image)
    return Look(
        digest=hashlib.sha256(data).digest(),
        format="JPEG" if jpeg else str(image.format),
        width=width,
        height=height,
        bytes=len(data),
        mode=mode,
        exif=exif,
        jpeg_quality=quality,
        subsampling=sampling,
        grey=np.asarray(grey),
    )


def refuse_misnamed(suffix: str, head: bytes) -> None:
    """Raise ImageError where a file begins like an image, but of another format than it is named."""
    held = images.kind(head)
    if held is None or held == images.EXTENSIONS.get(suffix.lower()):
        return
    if held not in images.FORMATS:
        raise ImageError(f"{held} images are not read here: convert it to PNG or JPEG")
    named = f"named {suffix}" if suffix else "without an extension"
    raise ImageError(f"wrongly named: {named}, but holds {held}; rename it to {images.FORMATS[held][0]}")


@lru_cache(maxsize=4096)
def estimate_quality(table: tuple[int, ...]) -> float:
    """The libjpeg quality, 1 to 100, whose luminance table is nearest to this one; nan without a table."""
    if len(table) != 64:
        return float("nan")
    distance = np.abs(TABLES - np.array(table)).sum(axis=1)  # (100,)
    return float(QUALITIES[distance.argmin()])


def columns(looks: Sequence[Look]) -> dict[str, NDArray]:
    """The facts by name, each (n,); what tells nothing about a picture but may tell real from fake."""
    sides = np.array([(look.width, look.height) for look in looks], np.float64).reshape(-1, 2)
    sizes = np.array([look.bytes for look in looks], np.float64)
    return {
        "format": np.array([look.format for look in looks]),
        "width": sides[:, 0].astype(np.int32),
        "height": sides[:, 1].astype(np.int32),
        "aspect": (sides[:, 0] / sides[:, 1]).astype(np.float32),
        "bytes_per_pixel": (sizes / sides.prod(axis=1)).astype(np.float32),
        "jpeg_quality": np.array([look.jpeg_quality for look in looks], np.float32),
        "subsampling": np.array([look.subsampling for look in looks]),
        "mode": np.array([look.mode for look in looks]),
        "exif": np.array([look.exif for look in looks], bool),
    }
