"""The canvas: a supersampled picture in linear light, the names of its parts, and the arithmetic of soft shapes.

Two grids cover the same square, x and y from -1 to 1, y down. Everything smooth (relief, light, distance fields) is
computed on the *soft* grid of 160 x 160 and enlarged; edges, strands and pores are drawn on the *fine* grid of twice
the picture's size. So a portrait looks the same at any size, and costs little.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Field = NDArray[np.floating]  # float32 in all that follows
Window = tuple[slice, slice]  # rows, columns of the fine grid
FULL: Window = (slice(None), slice(None))

SOFT = 160  # side of the soft grid
TEXTURE = 320  # side of the grid on which pores and grain are drawn
SUPERSAMPLING = 2
PARTS = (
    "background", "hair", "skin", "neck", "ear", "eye", "brow", "nose", "mouth", "teeth",
    "beard", "clothing", "glasses", "earring",
)  # fmt: skip

STREAMS = ("person", "shape", "hair", "skin", "eyes", "mouth", "clothing", "background", "camera", "flaws")


def stream(seed: int, index: int, name: str) -> np.random.Generator:
    """A random generator of its own for every theme of every portrait, so that one never disturbs another."""
    return np.random.default_rng([seed, index, STREAMS.index(name)])


def colour(red: float, green: float, blue: float) -> Field:
    """An sRGB colour (0 to 255) in linear light, shaped (3, 1, 1)."""
    return (np.array([red, green, blue], np.float32).reshape(3, 1, 1) / 255) ** np.float32(2.2)


def mix(a, b, t):
    """From `a` (t = 0) to `b` (t = 1)."""
    return a + (b - a) * t


def step(low: float, high: float, x):
    """0 below `low`, 1 above `high`, smooth between; exactly 0 and 1 outside. `low` may exceed `high`."""
    t = np.clip((x - low) * np.float32(1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)


def bump(x, y, width: float, height: float):
    """A Gaussian hill of height 1 at the origin of (x, y)."""
    return np.exp(-(x * x * np.float32(1 / width**2) + y * y * np.float32(1 / height**2)))


def clouds(rng: np.random.Generator, cells: int, side: int, octaves: int = 1) -> Field:
    """Smooth noise of about unit range -1 to 1: (side, side), `cells` hills across, finer octaves at half strength."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        n = cells * 2**octave + 3
        lattice = rng.uniform(-1, 1, (n, n)).astype(np.float32)
        box = (1.0, 1.0, n - 1.0, n - 1.0)
        enlarged = Image.fromarray(lattice).resize((side, side), Image.Resampling.BICUBIC, box=box)
        total += np.asarray(enlarged) * np.float32(0.5**octave)
    return total


def resized(values: Field, side: int, window: Window = FULL, rule=Image.Resampling.BICUBIC) -> Field:
    """A window of a square field enlarged to `side`."""
    rows, columns = (range(side)[part] for part in window)
    scale = values.shape[0] / side
    if scale == 1:
        return values[window]
    box = (columns.start * scale, rows.start * scale, columns.stop * scale, rows.stop * scale)
    picture = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(picture.resize((len(columns), len(rows)), rule, box=box))


def blurred(values: Field, sigma: float) -> Field:
    """Gaussian blur of one field, cut at 2.5 sigma."""
    return ndimage.gaussian_filter(values, sigma, mode="nearest", truncate=2.5)


def _before(places) -> int:
    return int(places[0]) - 1


def _after(places) -> int:
    return int(places[-1]) + 2


@dataclass
class Canvas:
    """What is painted, part over part."""

    size: int  # pixels of the finished picture's side
    image: Field = field(init=False)  # (3, side, side), linear light
    parts: NDArray[np.uint8] = field(init=False)  # (side, side), into PARTS

    def __post_init__(self) -> None:
        self.image = np.zeros((3, self.side, self.side), np.float32)
        self.parts = np.zeros((self.side, self.side), np.uint8)

    @property
    def side(self) -> int:
        return self.size * SUPERSAMPLING

    def grid(self, side: int) -> tuple[Field, Field]:
        """Centres of a grid's pixels: x as (1, side), y as (side, 1)."""
        centres = ((np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1).astype(np.float32)
        return centres[None, :], centres[:, None]

    def fine(self, values: Field, window: Window = FULL) -> Field:
        """A soft field, or the three of a colour, on (a window of) the fine grid."""
        if values.ndim == 3:
            rule = Image.Resampling.BILINEAR  # light and colour have no edges to keep
            return np.stack([resized(plane, self.side, window, rule) for plane in values])
        return resized(values, self.side, window)

    def around(self, wanted: NDArray[np.bool_]) -> Window:
        """The window of the fine grid that holds everything wanted on the soft grid, and a little more."""
        rows, columns = np.flatnonzero(wanted.any(1)), np.flatnonzero(wanted.any(0))
        if not len(rows):
            return slice(0, 1), slice(0, 1)
        scale = self.side / wanted.shape[0]
        low, high = [[int(f(along) * scale) for along in (rows, columns)] for f in (_before, _after)]
        return slice(max(0, low[0]), min(self.side, high[0])), slice(max(0, low[1]), min(self.side, high[1]))

    def over(self, paint, alpha: Field, part: str | None, window: Window = FULL) -> None:
        """Lay `paint` (broadcast to (3, h, w)) over the window with opacity `alpha` (h, w)."""
        rows, columns = window
        target = self.image[:, rows, columns]
        target += (paint - target) * alpha
        if part is not None:
            self.parts[rows, columns][alpha > 0.5] = PARTS.index(part)

    def shade(self, factor, window: Window = FULL) -> None:
        """Multiply the window by `factor`, (h, w) or (3, h, w)."""
        rows, columns = window
        self.image[:, rows, columns] *= factor
