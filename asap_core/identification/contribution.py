"""I3. What each dimension adds to verdicts, of a selection of images and of two selections compared.

An image's contributions (n, d) are `Distiller.contributions`: w (d - mean real d), in logits, above 0 toward fake.

Intervals are of whole groups of near-duplicates, which share their fate. Below ENOUGH groups they are the percentile
bootstrap's, which knows that contributions lean to one side. From there on they are normal, with the cluster-robust
deviation of the mean (Liang and Zeger 1986): the two then differ by hardly more than two runs of the bootstrap do
(docs/measurements.md), and sums over the images replace a thousand resamples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000
ENOUGH = 400  # groups from which the interval is the normal one
NORMAL = 1.959964  # deviations of a normal distribution that hold 95 %
AT_ONCE = 200_000  # drawn numbers that fit the processor's own memory
PIECE = 4096  # images, likewise


@dataclass(frozen=True)
class Summary:
    """A selection's contributions, dimension by dimension."""

    n: int
    mean: Floats  # (d,)
    deviation: Floats  # (d,) between images
    low: Floats  # (d,) 95 % interval of the mean
    high: Floats  # (d,)


@dataclass(frozen=True)
class Difference:
    """Selection A less selection B, dimension by dimension."""

    n: tuple[int, int]
    mean: Floats  # (d,)
    low: Floats  # (d,) 95 % interval
    high: Floats  # (d,)
    effect: Floats  # (d,) Hedges' g: in pooled deviations, corrected for few images

    @property
    def order(self) -> NDArray[np.intp]:
        """Dimensions, those that differ most first."""
        return np.argsort(-np.abs(self.mean), kind="stable")


def summarise(contributions: NDArray, seed: int, groups: NDArray | None = None) -> Summary:
    """A selection's contributions (n, d); images that share a group count as one draw."""
    found = _Sample.of(contributions, groups)
    low, high = found.interval(np.random.default_rng(seed))
    return Summary(found.n, found.mean, found.deviation, low, high)


def summarise_and_compare(
    a: NDArray, b: NDArray, seed: int, groups: tuple[NDArray, NDArray] | tuple[None, None] = (None, None)
) -> tuple[Summary, Summary, Difference]:
    """Two selections' contributions (n, d) and (m, d), drawn apart: both summaries and the difference."""
    samples = _Sample.of(a, groups[0]), _Sample.of(b, groups[1])
    first, second = (
        Summary(each.n, each.mean, each.deviation, *each.interval(np.random.default_rng(seed))) for each in samples
    )
    return first, second, _difference(*samples, np.random.default_rng(seed))


@dataclass(frozen=True, eq=False)
class _Sample:
    """A selection as its intervals are found from it: n images in c groups."""

    values: NDArray  # (n, d)
    groups: NDArray | None  # (n,)
    count: int  # c
    mean: Floats  # (d,)
    deviation: Floats  # (d,) between images
    error: Floats  # (d,) the cluster-robust deviation of the mean

    @classmethod
    def of(cls, contributions: NDArray, groups: NDArray | None) -> "_Sample":
        values = np.asarray(contributions)
        n = len(values)
        assert n, "a selection without images has no contributions"
        mean, squares = _moments(values)
        order, starts = _members(groups, n)
        sizes, c = np.diff(np.r_[starts, n]), len(starts)
        shared = order[np.repeat(sizes > 1, sizes)]  # rows that are not alone in their group; nearly all are
        robust = squares
        if len(shared):
            left = values[shared] - mean
            sums = np.add.reduceat(left, np.cumsum(np.r_[0, sizes[sizes > 1][:-1]]))
            robust = np.maximum(squares - _squares(left), 0) + _squares(sums)
        return cls(values, groups, c, mean, np.sqrt(squares / max(n - 1, 1)), np.sqrt(robust * c / max(c - 1, 1)) / n)

    @property
    def n(self) -> int:
        return len(self.values)

    def interval(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """The 95 % interval of the mean, (d,) each."""
        if self.count >= ENOUGH:
            half = NORMAL * self.error
            return self.mean - half, self.mean + half
        return _between(self.drawn(rng))

    def drawn(self, rng: np.random.Generator) -> Floats:
        """Means that other draws of so many groups might have had, (RESAMPLES, d)."""
        count = self.count
        if count >= ENOUGH:
            return rng.normal(self.mean, self.error, (RESAMPLES, len(self.mean)))
        order, starts = _members(self.groups, self.n)
        sums = np.add.reduceat(np.asarray(self.values[order], np.float64), starts)  # (c, d)
        sizes = np.diff(np.r_[starts, self.n]).astype(np.float64)
        means, step = [], max(1, AT_ONCE // count)
        for start in range(0, RESAMPLES, step):
            some = min(step, RESAMPLES - start)
            which = rng.integers(0, count, (some, count)) + count * np.arange(some)[:, None]
            times = np.bincount(which.ravel(), minlength=some * count).reshape(some, count).astype(np.float64)
            means.append(times @ sums / (times @ sizes)[:, None])
        return np.concatenate(means)


def _difference(a: _Sample, b: _Sample, rng: np.random.Generator) -> Difference:
    mean = a.mean - b.mean
    if min(a.count, b.count) >= ENOUGH:
        half = NORMAL * np.hypot(a.error, b.error)
        low, high = mean - half, mean + half
    else:
        low, high = _between(a.drawn(rng) - b.drawn(rng))
    free = max(a.n + b.n - 2, 1)
    pooled = np.sqrt(((a.n - 1) * a.deviation**2 + (b.n - 1) * b.deviation**2) / free)
    correction = 1 - 3 / (4 * free - 1)  # Hedges 1981
    effect = np.divide(mean * correction, pooled, out=np.zeros_like(mean), where=pooled > 0)
    return Difference((a.n, b.n), mean, low, high, effect)


def _members(groups: NDArray | None, n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The images by group (n,), and where in that order each group begins (c,)."""
    if groups is None:
        return np.arange(n), np.arange(n)
    groups = np.asarray(groups)
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    return order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


def _moments(values: NDArray) -> tuple[Floats, Floats]:
    """The mean (d,) and the squared distances from it, summed (d,), piece by piece: no copy of all is made."""
    origin = np.asarray(values[0], np.float64)  # equal images then have no spread at all
    total, squares = np.zeros_like(origin), np.zeros_like(origin)
    for start in range(0, len(values), PIECE):
        some = values[start : start + PIECE] - origin
        total += np.ones(len(some)) @ some
        squares += _squares(some)
    mean = total / len(values)
    return origin + mean, np.maximum(squares - len(values) * mean**2, 0)


def _squares(values: Floats) -> Floats:
    return np.einsum("nd,nd->d", values, values)


def _between(drawn: Floats) -> tuple[Floats, Floats]:
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return low, high
