"""All images of a part of the plane as one PNG: a round dot for a real image, a triangle for a fake, dark for an error.

Drawn in numpy: every image leaves its mark, in an order that favours no class, and errors last.
"""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .palette import Palette

# Marks, pixel by pixel; # is the class's colour, o the core of an error.
SHAPES = {
    "small": ((".#.", "#o#", ".#."), (".#.", "#o#", "###")),
    "large": ((".###.", "#####", "##o##", "#####", ".###."), ("..#..", ".###.", "#####", "##o##", "#####")),
}
CROWD = 0.03  # images a pixel; above it marks are small


def draw(
    rows: NDArray, x: NDArray, y: NDArray, kinds: NDArray, window: tuple[float, ...], pixels: int, palette: Palette
) -> bytes:
    """A PNG, `pixels` wide and high, of images (r,) at x, y in `window` (x0, y0, x1, y1; y upward).

    kinds (r,): 1 fake + 2 judged wrong; other bits are passed over.
    """
    canvas = np.zeros((pixels + 8, pixels + 8), np.uint8)  # colour numbers; a margin, so that marks may hang over
    x0, y0, x1, y1 = window
    column = np.clip(((x - x0) / (x1 - x0) * pixels).astype(np.int32), 0, pixels - 1) + 4
    line = np.clip(((y1 - y) / (y1 - y0) * pixels).astype(np.int32), 0, pixels - 1) + 4
    wrong = (kinds & 2) > 0
    shuffled = np.argsort(rows * np.int64(2654435761) % 2**32, kind="stable")
    order = np.concatenate([shuffled[~wrong[shuffled]], shuffled[wrong[shuffled]]])
    size = "small" if len(rows) > CROWD * pixels**2 else "large"
    at, kind = (line * canvas.shape[1] + column)[order], kinds[order] & 3
    flat = canvas.reshape(-1)
    for core in (False, True):  # of equal places the last wins
        for down, right, colours in _marks(size, core):
            colour = colours[kind]  # (r,) 0: this kind leaves this pixel alone
            painted = colour > 0
            flat[at[painted] + down * canvas.shape[1] + right] = colour[painted]
    return _png(canvas[4:-4, 4:-4], palette)


def _marks(size: str, core: bool) -> list[tuple[int, int, NDArray[np.uint8]]]:
    """The pixels of marks: down, right, and the colour by kind (4,): 0 none, 1 real, 2 fake, 3 error."""
    real, fake = SHAPES[size]
    half = len(real) // 2
    found = []
    for i, (one, other) in enumerate(zip(real, fake, strict=True)):
        for j, signs in enumerate(zip(one, other, strict=True)):
            colours = [
                (3 if wrong and sign == "o" else 0) if core else (0 if sign == "." else 1 + fakes)
                for wrong in (False, True)
                for fakes, sign in enumerate(signs)
            ]
            if any(colours):
                found.append((i - half, j - half, np.array(colours, np.uint8)))
    return found


def _png(canvas: NDArray[np.uint8], palette: Palette) -> bytes:
    """A picture of four colours, the first of them clear."""
    picture = Image.fromarray(canvas)
    colours = ("#000000", palette.real, palette.fake, palette.ink)
    picture.putpalette([int(colour[i : i + 2], 16) for colour in colours for i in (1, 3, 5)])
    written = BytesIO()
    picture.save(written, "PNG", transparency=0, compress_level=3)
    return written.getvalue()
