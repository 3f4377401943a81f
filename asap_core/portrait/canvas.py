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
    raised = np.log(np.maximum(base, np.float32(1e-30))) * np.asarray(exponent, np.float32)
    return np.exp(raised, out=raised)


def mix(a, b, t):
    """From `a` (t = 0) to `b` (t = 1)."""
    mixed = (b - a) * t
    mixed += a
    return mixed


def step(low: float, high: float, x):
    """0 below `low`, 1 above `high`, smooth between; exactly 0 and 1 outside. `low` may exceed `high`."""
    t = x - low
    t *= np.float32(1 / (high - low))
    t = np.clip(t, 0, 1, out=t if isinstance(t, np.ndarray) else None)
    curve = 2 * t
    curve = 3 - curve
    curve *= t
    curve *= t
    return curve


def bump(x, y, width: float, height: float):
    """A Gaussian hill of height 1 at the origin of (x, y)."""
    square = x * x * np.float32(1 / width**2) + y * y * np.float32(1 / height**2)
    return np.exp(np.negative(square, out=square), out=square)


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
    """A window of square fields (..., h, w) enlarged to `side`, bicubic if `smooth`, else bilinear.

    `values` are a patch of fields of SOFT, or whole fields of any size.
    """
    rows, columns = (range(side)[part] for part in window)
    whole = values.shape[-1] if patch == FULL else SOFT
    top, left = (range(whole)[part].start for part in patch)
    if whole == side:
        kept = values[..., rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        return kept.copy() if values.ndim > 2 else kept  # colours are painted on
    if 2 * whole == side:
        taps = _BICUBIC if smooth else _BILINEAR
        first = max(0, rows.start // 2 - top - 2)
        near = values[..., first : rows.stop // 2 - top + 3, :]
        wide = _doubled(near, -1, (columns.start - 2 * left, columns.stop - 2 * left), taps)
        above = 2 * (top + first)
        return _doubled(wide, -2, (rows.start - above, rows.stop - above), taps)
    if values.ndim > 2:
        return np.stack([resized(plane, side, window, smooth, patch) for plane in values])
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


def _doubled(values: Field, axis: int, span: tuple[int, int], taps: tuple[float, float, float, float]) -> Field:
    """Places `span` along an axis of fields of twice its length: as Pillow enlarges, but for the outermost."""
    first, last = span[0] // 2, (span[1] + 1) // 2
    count, beside = last - first, (slice(None),) * (-1 - axis)
    near = _reaching(values, axis, first - 2, last + 2)

    def shifted(field: Field, by: int) -> Field:
        return field[..., by : by + count, *beside]

    far, before, nearest, after = (np.float32(tap) for tap in taps)
    middle = shifted(near, 2) * nearest
    out = np.empty((*middle.shape[:axis], count, 2, *middle.shape[middle.ndim + axis + 1 :]), np.float32)
    near_before = near * before
    near_far, near_after = (near * far, near * after) if far else (None, None)
    for half, places in enumerate(((0, 1, 3), (4, 3, 1))):
        place = out[..., half, *beside]
        # Along the last axis the pairs lie interleaved, where sums are slow: they are made beside, then copied.
        row = np.add(middle, shifted(near_before, places[1]), out=None if axis == -1 else place)
        if near_far is not None and near_after is not None:
            row += shifted(near_far, places[0])
            row += shifted(near_after, places[2])
        if axis == -1:
            place[...] = row
    doubled = out.reshape(*middle.shape[:axis], 2 * count, *middle.shape[middle.ndim + axis + 1 :])
    start = span[0] - 2 * first
    return doubled[..., start : start + span[1] - span[0], *beside]


def _reaching(values: Field, axis: int, low: int, high: int) -> Field:
    """Places `low` to `high` along an axis; beyond the ends, the outermost again."""
    beside, length = (slice(None),) * (-1 - axis), values.shape[axis]
    near = values[..., max(low, 0) : high, *beside]
    if low >= 0 and high <= length:
        return near
    before, after = near[..., :1, *beside], near[..., -1:, *beside]
    return np.concatenate([before] * max(-low, 0) + [near] + [after] * max(high - length, 0), axis)


def part_of(window: Window, wanted: NDArray[np.bool_]) -> tuple[Window, Window]:
    """The smallest part of a window that holds everything wanted, (h, w) of it: on the grid, and within the window."""
    bounds, within = [], []
    for axis, part in enumerate(window):
        places = np.flatnonzero(wanted.any(1 - axis))
        low, high = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
        bounds.append(slice(part.start + low, part.start + high))
        within.append(slice(low, high))
    return (bounds[0], bounds[1]), (within[0], within[1])


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
        return resized(values, self.side, window, smooth and values.ndim == 2, patch)

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
