"""How much memory an image takes while it is read, and room for it, which all threads of a process share.

A file of a few bytes may say that it is a hundred million pixels, and decoders keep more than these: what counts is
the bytes that are held at the worst moment, measured by `python -m tests.bench.memory`.
"""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, JpegImagePlugin

LIMIT = 590_000_000  # bytes for the file and its pixels, so that a process stays below 700 million
LARGE = 24_000_000  # pixels above which no two copies are held at once
PIXEL = 4  # bytes; Pillow keeps RGB in four
# Bytes a pixel that a decoder holds beside the pixels it fills: whole canvases, planes of up to 12 bits.
BESIDE = {"WEBP": 12, "AVIF": 12}
COEFFICIENT = 2  # bytes; a progressive JPEG's are all kept until the last scan
ROWS, TILE_ROWS, TILE_COLUMNS, BITS, SAMPLES, PACKED = 278, 323, 322, 258, 277, 259  # tags of TIFF


def beside(image: Image.Image) -> int:
    """Bytes that the decoder holds beside the pixels, of an image whose header was read; before any draft of it."""
    width, height = image.size
    if image.format == "TIFF":
        return _strip(image)
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.info.get("progressive"):
        areas = [across * down for _, across, down, *_ in image.layer]
        return int(COEFFICIENT * width * height * sum(areas) / max(1, *areas))
    return BESIDE.get(image.format or "", 0) * width * height


def _strip(image: Image.Image) -> int:
    """One strip or tile of a packed TIFF, which is decoded as a whole; in some files it is the whole image."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(PACKED, 1) == 1:
        return 0
    width, height = image.size
    columns, rows = tags.get(TILE_COLUMNS, width), tags.get(TILE_ROWS, tags.get(ROWS, height))
    depth = max(tags.get(BITS, (8,))) * tags.get(SAMPLES, 1)
    return int(columns * min(rows, max(height, tags.get(TILE_ROWS, 0))) * depth / 8)


def needed(size: tuple[int, int], file: int, extra: int) -> int:
    """Bytes that reading takes at the worst moment: the file's, and `extra` or a second copy beside the pixels."""
    pixels = size[0] * size[1]
    return file + PIXEL * pixels + max(extra, PIXEL * pixels if pixels <= LARGE else 0)


class Room:
    """Bytes that threads share: who needs more than are left waits for others to finish."""

    def __init__(self, size: int) -> None:
        self._left = self._size = size
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, need: int) -> Iterator[None]:
        """Hold so many bytes, all there are at the most."""
        need = min(need, self._size)
        with self._changed:
            self._changed.wait_for(lambda: need <= self._left)
            self._left -= need
        try:
            yield
        finally:
            if need > LARGE * PIXEL:
                _give_back()
            with self._changed:
                self._left += need
                self._changed.notify_all()


def _give_back() -> None:
    """Let glibc return to the system what was freed: each thread has a heap of its own, and would keep some of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


ROOM = Room(LIMIT)
