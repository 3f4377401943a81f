"""Recognition: which patterns of a search are those of an earlier one, by the regions that they have in common.

A pattern is what it marks: in each of its images, the area that its pixel groups hold. Areas are laid on one raster of
the original image, so that encoders with other grids, and images saved again in another size, can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .identification.patterns import Groups

SIDE = 16  # of the raster
ENOUGH = 0.2  # of two patterns that are the same, at least this much must overlap: TODO measure

Areas = NDArray[np.float32]  # (k, SIDE * SIDE) the share of each place of the raster that is held, 0 to 1


@dataclass(frozen=True, eq=False)
class Marked:
    """What a pattern marks: the images that have it, ascending, and where."""

    rows: NDArray[np.int64]  # (k,)
    areas: Areas
    toward: str  # fake or real

    def within(self, rows: NDArray) -> "Marked":
        """The same of some rows only."""
        mine = np.isin(self.rows, rows)
        return Marked(self.rows[mine], self.areas[mine], self.toward)


def marked(groups: Groups, which: NDArray[np.bool_], sizes: NDArray, toward: str) -> Marked:
    """What some of the groups (m,) mark, in images of these widths and heights (n, 2)."""
    mine = groups.take(which)
    width, height = np.asarray(sizes, np.float64)[mine.row].T
    down = _shares(mine.seen[:, 1] / height, mine.seen[:, 3] / height, mine.held.shape[1])
    across = _shares(mine.seen[:, 0] / width, mine.seen[:, 2] / width, mine.held.shape[2])
    areas = (down @ mine.held.astype(np.float64) @ across.transpose(0, 2, 1)).reshape(len(mine), -1)
    rows, at = np.unique(mine.row, return_inverse=True)
    found = np.zeros((len(rows), SIDE * SIDE), np.float32)
    np.add.at(found, at, areas.astype(np.float32))
    return Marked(rows, found.clip(0, 1), toward)


def _shares(low: NDArray, high: NDArray, count: int) -> NDArray[np.float64]:
    """How much of each place of the raster lies in each of `count` tokens between two edges, (m, SIDE, count)."""
    edges = low[:, None] + (high - low)[:, None] * np.arange(count + 1) / count
    own = np.arange(SIDE + 1) / SIDE
    first = np.maximum(own[:-1, None], edges[:, None, :-1])
    last = np.minimum(own[1:, None], edges[:, None, 1:])
    return (last - first).clip(0) * SIDE


def overlap(one: Marked, other: Marked) -> float:
    """How much of two patterns is the same, 0 to 1: over the images that have either, the mean of what their areas
    share over what they cover together."""
    rows, mine, theirs = np.intersect1d(one.rows, other.rows, assume_unique=True, return_indices=True)
    if not len(rows):
        return 0.0
    a, b = one.areas[mine], other.areas[theirs]
    shared = np.minimum(a, b).sum(1) / np.maximum(np.maximum(a, b).sum(1), 1e-9)
    return float(shared.sum()) / (len(one.rows) + len(other.rows) - len(rows))


def recognised(known: Mapping[int, Marked], found: Sequence[Marked], common: Mapping[int, NDArray]) -> dict[int, int]:
    """Which of the patterns found each known one is, by its place in `found`; one is one, the likest first.

    Compared on the images that both searches looked at: `common` has these rows for each known one. Patterns that move
    verdicts to different sides are never the same.
    """
    pairs = []
    for key, one in known.items():
        mine = one.within(common[key])
        for number, other in enumerate(found):
            if one.toward == other.toward:
                pairs.append((overlap(mine, other.within(common[key])), key, number))
    chosen: dict[int, int] = {}
    for share, key, number in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
        if share >= ENOUGH and key not in chosen and number not in chosen.values():
            chosen[key] = number
    return chosen
