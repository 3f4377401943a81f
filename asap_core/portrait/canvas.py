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


def power(base: Field, exponent) -> Field:
    """`base` (0 or more) to a power: what ** gives but for the last digits, in half its time."""
    return np.exp(np.log(np.maximum(base, np.float32(1e-30))) * np.asarray(exponent, np.float32))


def mix(a, b, t):
    """From `a` (t = 0) to `b` (t = 1)."""
    return a + (b - a) * t


def step(low: float, high: float, x):
    """0 below `low`, 1 above `high`, smooth between; exactly 0 and 1 outside. `low` may exceed `high`."""
    t = np.clip((x - low) * np.float32(1 / (high - low)), 0, 1)
    curve = 3 - 2 * t
    curve *= t
    curve *= t
    return curve


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


# Weights of the samples round a place a quarter of a sample off the nearest: second before, before, nearest, after.
_BILINEAR = (0.0, 0.25, 0.75, 0.0)
_BICUBIC = (-0.0234375, 0.2265625, 0.8671875, -0.0703125)


def resized(values: Field, side: int, window: Window = FULL, smooth: bool = True, patch: Window = FULL) -> Field:
    """A window of a square field enlarged to `side`, bicubic if `smooth`, else bilinear.

    `values` are a patch of a field of SOFT, or a whole field of any size.
    """
    rows, columns = (range(side)[part] for part in window)
    whole = values.shape[0] if patch == FULL else SOFT
    top, left = (range(whole)[part].start for part in patch)
    if whole == side:
        return values[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    if 2 * whole == side:
        taps = _BICUBIC if smooth else _BILINEAR
        first = max(0, rows.start // 2 - top - 2)
        near = np.ascontiguousarray(values[first : rows.stop // 2 - top + 3].T, np.float32)
        wide = _doubled(near, (columns.start - 2 * left, columns.stop - 2 * left), taps)
        above = 2 * (top + first)
        return _doubled(np.ascontiguousarray(wide.T), (rows.start - above, rows.stop - above), taps)
    scale = whole / side
    box = (
        columns.start * scale - left,
        rows.start * scale - top,
        columns.stop * scale - left,
        rows.stop * scale - top,
    )
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    rule = Image.Resampling.BICUBIC if smooth else Image.Resampling.BILINEAR
    return np.array(picture.resize((len(columns), len(rows)), rule, box=box))


def _doubled(values: Field, span: tuple[int, int], taps: tuple[float, float, float, float]) -> Field:
    """Rows `span` of a field of twice the rows: as Pillow enlarges, but for the outermost, in a third of its time."""
    first, last = span[0] // 2, (span[1] + 1) // 2
    low, high = first - 2, last + 2
    near = values[max(low, 0) : high]
    near = np.concatenate([near[:1]] * -min(low, 0) + [near] + [near[-1:]] * max(high - len(values), 0))
    count = last - first
    far, before, nearest, after = (np.float32(tap) for tap in taps)
    out = np.empty((count, 2, near.shape[1]), np.float32)
    middle = near[2 : 2 + count] * nearest
    for half, places in enumerate(((0, 1, 3), (4, 3, 1))):
        row = out[:, half]
        np.add(middle, near[places[1] : places[1] + count] * before, out=row)
        if far:
            row += near[places[0] : places[0] + count] * far
            row += near[places[2] : places[2] + count] * after
    return out.reshape(2 * count, -1)[span[0] - 2 * first : span[1] - 2 * first]


def blurred(values: Field, sigma: float) -> Field:
    """Gaussian blur of one field, or of the three of a colour each, cut at 2.5 sigma."""
    spread = (0.0, sigma, sigma)[-values.ndim :]
    return ndimage.gaussian_filter(values, spread, mode="nearest", truncate=2.5)


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

    def fine(self, values: Field, window: Window = FULL, patch: Window = FULL, smooth: bool = True) -> Field:
        """A soft field, or the three of a colour, on (a window of) the fine grid; `values` may be a patch of it.

        Bilinear unless `smooth`, and for light and colour, which have no edges to keep.
        """
        if values.ndim == 3:
            return np.stack([resized(plane, self.side, window, False, patch) for plane in values])
        return resized(values, self.side, window, smooth, patch)

    def soft(self, window: Window, margin: int) -> Window:
        """The patch of the soft grid that a window of the fine grid is enlarged from, and a margin."""
        bounds = []
        for part in window:
            span = range(self.side)[part]
            low, high = (edge * SOFT // self.side for edge in (span.start, span.stop))
            bounds.append(slice(max(0, low - margin), min(SOFT, high + 1 + margin)))
        return bounds[0], bounds[1]

    def around(self, wanted: NDArray[np.bool_], patch: Window = FULL) -> Window:
        """The window of the fine grid that holds everything wanted on (a patch of) the soft grid, and a little more."""
        bounds = []
        for axis, part in enumerate(patch):
            places = np.flatnonzero(wanted.any(1 - axis)) + range(SOFT)[part].start
            if not len(places):
                return slice(0, 1), slice(0, 1)
            low, high = (int(place * (self.side / SOFT)) for place in (places[0] - 1, places[-1] + 2))
            bounds.append(slice(max(0, low), min(self.side, high)))
        return bounds[0], bounds[1]

    def over(self, paint, alpha: Field, part: str | None, window: Window = FULL) -> None:
        """Lay `paint` (broadcast to (3, h, w)) over the window with opacity `alpha` (h, w)."""
        rows, columns = window
        target = self.image[:, rows, columns]
        change = paint - target
        change *= alpha
        target += change
        if part is not None:
            self.parts[rows, columns][alpha > 0.5] = PARTS.index(part)

    def shade(self, factor, window: Window = FULL) -> None:
        """Multiply the window by `factor`, (h, w) or (3, h, w)."""
        rows, columns = window
        self.image[:, rows, columns] *= factor
