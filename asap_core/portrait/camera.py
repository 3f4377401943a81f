"""The one camera that takes every portrait: lens, sensor, white balance, JPEG."""

import io
import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .canvas import SUPERSAMPLING, Field, blurred, stream

QUALITY = 92
SUBSAMPLING = 0  # 4:4:4
_CELL = tuple(np.ndindex(SUPERSAMPLING, SUPERSAMPLING))  # fine pixels of a pixel


def develop(image: Field, seed: int, index: int) -> NDArray[np.uint8]:
    """Linear light (3, side, side) -> what the sensor saw, sRGB (size, size, 3).

    The noise field depends on seed, index and size alone, never on what is in the picture.
    """
    rng = stream(seed, index, "camera")
    size = image.shape[1] // SUPERSAMPLING
    seen = _lens(image)
    exposure = float(rng.uniform(0.95, 1.05))
    warm = float(rng.normal(0, 0.025))
    balance = np.array([1 + warm, 1, 1 - warm], np.float32).reshape(3, 1, 1) * exposure
    centres = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    fall = 1 - float(rng.uniform(0.05, 0.13)) * (centres[None, :] ** 2 + centres[:, None] ** 2)
    seen *= balance * fall
    noise = rng.standard_normal((3, size, size), np.float32)
    grey = 0.5 * noise[1]  # grain is mostly brightness
    noise *= np.float32(0.6)
    noise += grey
    seen = np.maximum(seen, 0)
    noise *= np.sqrt(np.float32(3e-6) + seen * np.float32(0.5e-4))
    seen += noise
    return _tone(seen).transpose(1, 2, 0)


def _lens(image: Field) -> Field:
    """The light that falls on every pixel, a little out of focus: (3, side, side) -> (3, size, size)."""
    cells = [image[:, row::SUPERSAMPLING, column::SUPERSAMPLING] for row, column in _CELL]
    seen = sum(cells[1:], cells[0]) * np.float32(1 / len(cells))
    return blurred(seen, 0.38 * seen.shape[1] / 160)


_STEPS, _BRIGHTEST = 12_000, 2.0  # of the curve's table; light is tabled by its root, more finely where it is dark


def _tone(linear: Field) -> NDArray[np.uint8]:
    """The camera's curve, read from a table; nearer than half a grey level."""
    root = np.sqrt(np.clip(linear, 0, _BRIGHTEST))
    root *= np.float32(_STEPS / math.sqrt(_BRIGHTEST))
    root += np.float32(0.5)
    return _curve().take(root.astype(np.int32))


@cache
def _curve() -> NDArray[np.uint8]:
    """sRGB's power, a little contrast, and a shoulder instead of a cut: (_STEPS + 1,), over the light's root."""
    linear = (np.arange(_STEPS + 1) / _STEPS) ** 2 * _BRIGHTEST
    bright = linear ** (1 / 2.2)
    bright = bright + 0.05 * np.sin(2 * np.pi * (np.clip(bright, 0, 1) - 0.5)) * 0.5
    over = np.maximum(bright - 0.8, 0)
    bright = np.where(bright > 0.8, 0.8 + 0.2 * (1 - np.exp(-over * 5)), bright)
    return (np.clip(bright, 0, 1) * 255 + 0.5).astype(np.uint8)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """The file the camera writes: always of one length for a size.

    Cameras that record at a fixed rate fill the rest of each record. Here a comment of blanks does it, so that a
    file's length says nothing about how well its content compresses, and so nothing about its class.
    """
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY, subsampling=SUBSAMPLING)
    data = buffer.getvalue()
    record = 2048 + picture.shape[0] * picture.shape[1] * 3 // 4
    missing = -len(data) % record
    if 0 < missing < 4:
        missing += record
    blanks = []
    while missing:
        # A comment segment is marker (2 bytes), length (2 bytes) and at most 65,533 bytes of text.
        part = missing if missing <= 65_537 else min(65_537, missing - 4)
        blanks.append(b"\xff\xfe" + (part - 2).to_bytes(2, "big") + b" " * (part - 4))
        missing -= part
    return data[:2] + b"".join(blanks) + data[2:]
