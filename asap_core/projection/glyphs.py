"""Glyphs: the numbers that stand for the images of a cell, all cells at once.

Errors are told from the out-of-fold logits: a miss is a fake with logit <= 0, a false alarm a real image
with logit > 0. Severity is an image's calibrated score. Classes are ordered (real, fake) throughout.
The medoid, the exemplars and the choice of quantiles are our own definitions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..learning import verdicts
from .cells import Cells

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FEW = 5  # with fewer images the 95 % interval of a share spans two thirds of the scale: draw with care
TYPICAL, ERRORS, EXTREME = slice(0, 2), slice(2, 4), slice(4, 6)  # columns of `exemplars`


@dataclass(frozen=True)
class Glyphs:
    """One entry a cell, in the order of the cells; what needs the truth is None for unlabelled images."""

    codes: NDArray[np.int32]  # (m,) the cells
    n: NDArray[np.int64]  # (m,) images
    n_called_fake: NDArray[np.int64]  # (m,) images with logit > 0
    inconclusive: NDArray[np.int64]  # (m,) images whose score is in the inconclusive band
    severity: NDArray[np.float32]  # (m, 5) QUANTILES of the score
    levels: NDArray[np.int64]  # (m, 4) images at each of verdicts.LEVELS
    centres: NDArray[np.float32]  # (m, d) mean distilled vector
    exemplars: NDArray[np.int64]  # (m, 6) rows: TYPICAL, ERRORS, EXTREME; -1 where there is none
    n_fake: NDArray[np.int64] | None = None  # (m,) images that are fake
    misses: NDArray[np.int64] | None = None  # (m,) fakes taken for real
    false_alarms: NDArray[np.int64] | None = None  # (m,) real images taken for fake
    severity_by_class: NDArray[np.float32] | None = None  # (m, 2, 5), nan where a cell has none of a class
    levels_by_class: NDArray[np.int64] | None = None  # (m, 2, 4)

    @property
    def medoid(self) -> NDArray[np.int64]:
        """Row of the image nearest to the cell's mean distilled vector, (m,)."""
        return self.exemplars[:, 0]

    def __len__(self) -> int:
        return len(self.codes)


def summarise(
    cells: Cells,
    *,
    scores: NDArray,
    logits: NDArray,
    distilled: NDArray,
    is_fake: NDArray | None = None,
) -> Glyphs:
    """Count, sort and average what each cell holds.

    The arrays are the analysis' own, a row an image: scores, logits, is_fake (n,), distilled (n, d). Only the rows
    that are in `cells` are looked at.
    """
    rows, owner, m = cells.rows, cells.owner, len(cells)
    score, logit = np.take(scores, rows), np.take(logits, rows)  # (r,), cell after cell
    fake = None if is_fake is None else np.take(is_fake, rows)  # (r,) bool
    wrong = np.zeros(len(rows), np.bool_) if fake is None else (logit > 0) != fake  # (r,)
    level = verdicts.levels(score)  # (r,) into LEVELS
    ordered, of_fake = _sorted(score, owner, wrong if fake is None else fake)
    vectors = np.take(distilled, rows, axis=0)  # (r, d), several times faster than distilled[rows]
    centres = _means(vectors, cells)  # (m, d)
    return Glyphs(
        codes=cells.codes,
        n=cells.counts,
        n_called_fake=_count(owner[logit > 0], m),
        inconclusive=_count(owner[verdicts.inconclusive(score)], m),
        severity=_quantiles(ordered, cells.counts),
        levels=_table(owner, level, m),
        centres=centres,
        exemplars=_exemplars(cells, _distance(vectors, centres, cells), score, np.abs(logit), wrong),
        **({} if fake is None else _by_truth(owner, m, fake, wrong, level, (ordered[~of_fake], ordered[of_fake]))),
    )


def wilson(successes: NDArray, trials: NDArray, z: float = 1.96) -> tuple[NDArray, NDArray]:
    """Where a share lies with 95 % confidence: low and high, of the arguments' shape; 0 and 1 for no trials.

    Wilson 1927: right for small numbers and for shares at 0 and 1.
    """
    n = np.maximum(np.asarray(trials, np.float64), 1e-9)
    share = np.asarray(successes, np.float64) / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    empty = np.asarray(trials) == 0
    return np.where(empty, 0.0, np.maximum(centre - half, 0)), np.where(empty, 1.0, np.minimum(centre + half, 1))


def _by_truth(
    owner: NDArray, m: int, fake: NDArray, wrong: NDArray, level: NDArray, ordered: tuple[NDArray, NDArray]
) -> dict[str, NDArray]:
    """The columns of Glyphs that need the truth; `ordered` are the real and the fake images' scores, sorted by cell."""
    halves = 2 * owner + fake  # (r,) 0 to 2 m - 1: the real and the fake half of every cell
    counts = _count(halves, 2 * m).reshape(m, 2)
    return {
        "n_fake": counts[:, 1],
        "misses": _count(owner[wrong & fake], m),
        "false_alarms": _count(owner[wrong & ~fake], m),
        "severity_by_class": np.stack([_quantiles(ordered[k], counts[:, k]) for k in (0, 1)], axis=1),
        "levels_by_class": _table(halves, level, 2 * m).reshape(m, 2, len(verdicts.LEVELS)),
    }


def _count(bins: NDArray, size: int) -> NDArray[np.int64]:
    return np.bincount(bins, minlength=size)


def _table(groups: NDArray, level: NDArray, size: int) -> NDArray[np.int64]:
    """How many of each group are at each level, (size, 4)."""
    width = len(verdicts.LEVELS)
    return _count(width * groups + level, width * size).reshape(size, width)


def _means(values: NDArray, cells: Cells) -> NDArray[np.float32]:
    """Mean of each cell's values, (r, d) -> (m, d)."""
    if not len(cells):
        return np.zeros((0, values.shape[1]), np.float32)
    sums = np.add.reduceat(values, cells.starts[:-1], axis=0, dtype=np.float64)
    return (sums / cells.counts[:, None]).astype(np.float32)


def _distance(vectors: NDArray, centres: NDArray, cells: Cells) -> NDArray:
    """Squared distance of each vector (r, d) to its cell's centre, (r,)."""
    away = vectors - np.repeat(centres, cells.counts, axis=0)
    return np.einsum("ij,ij->i", away, away)


def _sorted(values: NDArray, owner: NDArray, flag: NDArray) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Values (r,) ascending within each owner, and their flags in that order.

    No value is below 0, so that its bits sort as it does; owner, value and flag are one whole number, since numpy
    sorts numbers faster than it finds their order.
    """
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    keys = np.sort(owner.astype(np.uint64) << np.uint64(33) | bits << np.uint64(1) | flag.astype(np.uint64))
    return (keys >> np.uint64(1)).astype(np.uint32).view(np.float32), (keys & np.uint64(1)).astype(np.bool_)


def _quantiles(ordered: NDArray, counts: NDArray) -> NDArray[np.float32]:
    """QUANTILES of groups (m,), whose values lie sorted one group after the other, (m, 5); nan for an empty group.

    Linear between neighbours.
    """
    filled = np.flatnonzero(counts)  # (f,)
    n, first = counts[filled, None], (np.cumsum(counts) - counts)[filled, None]  # (f, 1)
    place = (n - 1) * np.asarray(QUANTILES)  # (f, 5)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, n - 1)
    low, high = ordered[first + below], ordered[first + above]
    quantiles = np.full((len(counts), len(QUANTILES)), np.nan, np.float32)
    quantiles[filled] = low + (high - low) * (place - below)
    return quantiles


def _first_least(keys: NDArray, cells: Cells) -> NDArray[np.int64]:
    """Where each cell's least key stands, (m,), the first of equals; -1 where all are infinite."""
    if not len(cells):
        return np.zeros(0, np.int64)
    least = np.minimum.reduceat(keys, cells.starts[:-1])  # (m,)
    hits = np.flatnonzero(keys == np.repeat(least, cells.counts))[::-1]  # of equals the first is written last
    place = np.empty(len(cells), np.int64)
    place[cells.owner[hits]] = hits
    return np.where(np.isinf(least), -1, place)


def _exemplars(
    cells: Cells, distance: NDArray, score: NDArray, confidence: NDArray, wrong: NDArray
) -> NDArray[np.int64]:
    """Six rows a cell, (m, 6), none twice; -1 where a cell has no image left to choose.

    In this order: two nearest to the mean, two most confidently wrong, highest and lowest score.
    """
    mistaken = np.where(wrong, -confidence, np.inf)
    taken = np.zeros(len(distance), np.bool_)
    chosen = np.full((len(cells), 6), -1, np.int64)
    for column, keys in enumerate((distance, distance, mistaken, mistaken, -score, score)):
        places = _first_least(np.where(taken, np.inf, keys), cells)
        found = places >= 0
        taken[places[found]] = True
        chosen[found, column] = cells.rows[places[found]]
    return chosen
