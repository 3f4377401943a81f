"""I2. Token maps -> pixel maps, where they belong on the original image -> pixel groups.

A pixel group is a connected region in which a map stays above a level, or below its negative. The level is one for
an analysis, never an image's own: an image in which nothing speaks has no groups. A region of several hills is cut
where the valley between them is clearly lower: what touches need not be one thing.

What is spread thin, like skin without pores, stands out nowhere by itself. So maps are looked at on two scales, each
with its level: place by place, and smoothed (as in scale selection, Lindeberg 1998). On the broad scale nothing counts
for more than the sharp level, and what exceeds its level more by itself does not count at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]  # left, top, right, bottom in the original's pixels

FINE = 4  # cells to a token, each way, on which groups have their outline
SMALLEST = 0.5  # tokens: smaller regions are no group
HILL = 1.5  # a hill rises to so many times the valley between it and the next
BREADTH = 1 / 6  # of the grid's shorter side: the deviation of the Gaussian that smooths maps
BROAD = 4.0  # tokens: smaller regions on the broad scale are no group
COUNTED = 0.85  # share of its surroundings that a place is told by at least: less, and loud places get a halo


@dataclass(frozen=True)
class Levels:
    """What a place must exceed to stand out, without regard to sign."""

    sharp: float  # by itself
    broad: float  # by the `surroundings` of it


@dataclass(frozen=True, eq=False)
class PixelGroup:
    """A region of one image, and what it adds to the verdict."""

    mask: NDArray[np.bool_]  # (FINE g, FINE g), of what the encoder sees
    area: float  # share of what the encoder sees
    box: Box
    centre: tuple[float, float]  # across and down the original image, 0 to 1, by weight
    contribution: float  # logits, above 0 toward fake
    dimensions: Floats  # (d,) what of it comes through which dimension
    broad: bool  # whether it stands out on the broad scale

    @property
    def held(self) -> Floats:
        """The share of each token that is the group's, (g, g)."""
        return _held(self.mask)


def enlarge(token_map: NDArray, seen: Box, size: tuple[int, int]) -> Floats:
    """A token map (g, g) over the whole original image (h, w), size = (w, h): units a token, 0 where nothing is seen.

    Bilinear between the tokens' centres. `seen` is `ClipTower.box` of the image.
    """
    rows, columns = token_map.shape
    left, top, right, bottom = seen
    across, down = columns / (right - left), rows / (bottom - top)
    picture = Image.fromarray(np.ascontiguousarray(token_map, np.float32))
    lay = (across, 0, -left * across, 0, down, -top * down)
    return np.array(picture.transform(size, Image.Transform.AFFINE, lay, Image.Resampling.BILINEAR))


def surroundings(maps: NDArray, sharp: float, counted: NDArray | None = None) -> Floats:
    """Gaussian means of maps (…, g, g) around each place, in which nothing counts for more than `sharp`.

    Where something is not `counted` (g, g; 0 to 1), the mean is of the rest: normalised convolution (Knutsson and
    Westin 1993), as if at least COUNTED of the surroundings were known.
    """
    clipped = np.clip(np.asarray(maps, np.float32), -sharp, sharp)
    if counted is None:
        return _smooth(clipped)
    share = _smooth(counted) / _smooth(np.ones_like(counted))  # of the surroundings
    return np.divide(_smooth(clipped * counted), np.maximum(share, COUNTED), dtype=np.float32)


def _smooth(maps: NDArray) -> Floats:
    """Maps (…, g, g) smoothed; beyond their border there is nothing."""
    width = BREADTH * min(maps.shape[-2:])
    return ndimage.gaussian_filter(maps, width, mode="constant", axes=(-2, -1))  # pyright: ignore


def groups(
    logit_map: NDArray, dimension_maps: NDArray, at: Levels, seen: Box, size: tuple[int, int]
) -> list[PixelGroup]:
    """The pixel groups of one image, the strongest first, from its logit's map (g, g) and its dimensions' (d, g, g).

    `dimension_maps` are in logits too, so that they sum to the logit's: each dimension's map times its weight. No two
    groups share a place.
    """
    logit_map = np.asarray(logit_map, np.float32)
    fine, wide = _refined(logit_map), _refined(surroundings(logit_map, at.sharp))
    sharp, taken, louder = [], np.zeros(fine.shape, bool), np.zeros(fine.shape, bool)
    for sign in (1, -1):
        for mask in _regions(_hills(sign * fine, max(at.sharp, 0)), SMALLEST):
            sharp.append(mask)
            taken |= mask
            if (sign * fine)[mask].max() * at.broad >= (sign * wide)[mask].max() * at.sharp:
                louder |= mask
    rest = _refined(surroundings(logit_map, at.sharp, 1 - _held(louder))) if louder.any() else wide
    broad = [mask for sign in (1, -1) for mask in _regions(_labelled((sign * rest > at.broad) & ~taken), BROAD)]
    found = [
        _group(mask, spread, fine, logit_map, dimension_maps, seen, size)
        for spread, masks in ((False, sharp), (True, broad))
        for mask in masks
    ]
    return sorted(found, key=lambda group: -abs(group.contribution))


def outline(mask: NDArray[np.bool_], seen: Box) -> list[Floats]:
    """The borders of a mask (h, w) that covers `seen`: closed polygons (m, 2), x and y in the original's pixels.

    A corner only where the border turns; holes are borders too.
    """
    left, top, right, bottom = seen
    step = np.array([(right - left) / mask.shape[1], (bottom - top) / mask.shape[0]])
    follows: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for (y, x), sides in _borders(mask):
        corners = ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1))  # clockwise, so the mask lies to the right
        for side in sides:
            follows.setdefault(corners[side], []).append(corners[(side + 1) % 4])
    found = []
    while follows:
        path = [next(iter(follows))]
        while path[-1] in follows:
            ends = follows[path[-1]]
            path.append(ends.pop())
            if not ends:
                del follows[path[-2]]
        found.append((np.array([left, top]) + _turns(path[:-1]) * step).astype(np.float32))
    return found


def _borders(mask: NDArray[np.bool_]) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Cells of a mask with those of their sides (above, right, below, left) beyond which it ends."""
    around = np.pad(mask, 1)
    beyond = np.stack([around[:-2, 1:-1], around[1:-1, 2:], around[2:, 1:-1], around[1:-1, :-2]], -1)
    ends = mask[..., None] & ~beyond  # (h, w, 4)
    for y, x in np.argwhere(ends.any(-1)).tolist():
        yield (y, x), np.flatnonzero(ends[y, x]).tolist()


def _turns(path: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """The corners (m, 2) of a closed path of unit steps."""
    points = np.array(path)
    before, after = points - np.roll(points, 1, 0), np.roll(points, -1, 0) - points
    return points[(before != after).any(1)]


def _labelled(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The connected regions of a mask (h, w), numbered from 1; 0 elsewhere."""
    return ndimage.label(mask)[0]  # pyright: ignore


def _regions(labels: NDArray[np.int32], smallest: float) -> list[NDArray[np.bool_]]:
    """The masks (h, w) of numbered regions of so many tokens, or more."""
    sizes = np.bincount(labels.ravel())[1:]
    return [labels == number for number in np.flatnonzero(sizes >= smallest * FINE**2) + 1]


def _hills(fine: Floats, at: float) -> NDArray[np.int32]:
    """The regions above a level, numbered from 1, those of several hills cut: (h, w), 0 for what lies below."""
    whole = _labelled(fine > at)
    found, count = np.zeros(fine.shape, np.int32), 0
    for number in range(1, int(whole.max()) + 1):
        region = whole == number
        tops = _tops(fine, region, at) if at > 0 else [region]
        seeds = np.zeros(fine.shape, np.int32)
        for top in tops:
            count += 1
            seeds[top] = count
        nearest = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
        found[region] = seeds[tuple(nearest)][region]  # pyright: ignore
    return found


def _tops(fine: Floats, region: NDArray[np.bool_], height: float) -> list[NDArray[np.bool_]]:
    """The hills of a region: what stays apart, and no smaller than a group, when the level rises."""
    parts = _regions(_labelled(region & (fine > height * HILL)), SMALLEST)
    if not parts:
        return [region]
    return [top for part in parts for top in _tops(fine, part, height * HILL)]


def _group(
    mask: NDArray[np.bool_],
    broad: bool,
    fine: Floats,
    logit_map: NDArray,
    dimension_maps: NDArray,
    seen: Box,
    size: tuple[int, int],
) -> PixelGroup:
    left, top, right, bottom = seen
    cell = ((right - left) / mask.shape[1], (bottom - top) / mask.shape[0])  # pixels across and down
    rows, columns = ndimage.find_objects(mask.view(np.int8))[0]
    box = (left + columns.start * cell[0], top + rows.start * cell[1],
           left + columns.stop * cell[0], top + rows.stop * cell[1])  # fmt: skip
    weight = np.abs(fine) * mask
    down, across = (np.arange(length) + 0.5 for length in mask.shape)
    middle = (
        left + cell[0] * (weight.sum(0) @ across / weight.sum()),
        top + cell[1] * (weight.sum(1) @ down / weight.sum()),
    )
    held = _held(mask)  # (g, g) share of each token
    return PixelGroup(
        mask=mask,
        area=float(mask.mean()),
        box=box,
        centre=(middle[0] / size[0], middle[1] / size[1]),
        contribution=float((held * logit_map).sum(dtype=np.float64)),
        dimensions=np.einsum("hw,dhw->d", held, dimension_maps).astype(np.float32),
        broad=broad,
    )


def _refined(token_map: Floats) -> Floats:
    """A map (g, g) on the finer grid, bilinear."""
    rows, columns = token_map.shape
    picture = Image.fromarray(np.ascontiguousarray(token_map))
    return np.array(picture.resize((columns * FINE, rows * FINE), Image.Resampling.BILINEAR))


def _held(mask: NDArray[np.bool_]) -> Floats:
    """The share of each token that a mask on the finer grid covers, (g, g)."""
    rows, columns = (length // FINE for length in mask.shape)
    return mask.reshape(rows, FINE, columns, FINE).mean((1, 3), dtype=np.float32)
