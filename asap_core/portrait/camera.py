"""The one camera that takes every portrait: lens, sensor, white balance, JPEG."""

import io

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
    side = image.shape[1]
    size = side // SUPERSAMPLING
    cells = [image[:, row::SUPERSAMPLING, column::SUPERSAMPLING] for row, column in _CELL]
    seen = sum(cells[1:], cells[0]) * np.float32(1 / len(cells))
    lens = 0.38 * size / 160
    seen = np.stack([blurred(plane, lens) for plane in seen])
    exposure = float(rng.uniform(0.95, 1.05))
    warm = float(rng.normal(0, 0.025))
    balance = np.array([1 + warm, 1, 1 - warm], np.float32).reshape(3, 1, 1) * exposure
    centres = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    fall = 1 - float(rng.uniform(0.05, 0.13)) * (centres[None, :] ** 2 + centres[:, None] ** 2)
    seen *= balance * fall
    noise = rng.standard_normal((3, size, size), np.float32)
    noise = 0.6 * noise + 0.5 * noise[1]  # grain is mostly brightness
    seen += noise * np.sqrt(np.float32(3e-6) + np.maximum(seen, 0) * np.float32(0.5e-4))
    return (_tone(np.clip(seen, 0, None)) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)


def _tone(linear: Field) -> Field:
    """The camera's curve: sRGB's power, a little contrast, and a shoulder instead of a cut."""
    bright = linear ** np.float32(1 / 2.2)
    bright = bright + 0.05 * np.sin(2 * np.pi * (np.clip(bright, 0, 1) - 0.5)) * 0.5
    over = np.maximum(bright - 0.8, 0)
    return np.clip(np.where(bright > 0.8, 0.8 + 0.2 * (1 - np.exp(-over * 5)), bright), 0, 1)


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
