"""I3. What each dimension adds to verdicts, of a selection of images and of two selections compared.

An image's contributions (n, d) are `Distiller.contributions`: w (d - mean real d), in logits, above 0 toward fake.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000


@dataclass(frozen=True)
class Summary:
    """A selection's contributions, dimension by dimension."""

    n: int
    mean: Floats  # (d,)
    deviation: Floats  # (d,) between images
    low: Floats  # (d,) 95 % percentile bootstrap of the mean
    high: Floats  # (d,)


@dataclass(frozen=True)
class Difference:
    """Selection A less selection B, dimension by dimension."""

    n: tuple[int, int]
    mean: Floats  # (d,)
    low: Floats  # (d,) 95 % percentile bootstrap
    high: Floats  # (d,)
    effect: Floats  # (d,) Hedges' g: in pooled deviations, corrected for few images

    @property
    def order(self) -> NDArray[np.intp]:
        """Dimensions, those that differ most first."""
        return np.argsort(-np.abs(self.mean), kind="stable")


def summarise(contributions: NDArray, seed: int, groups: NDArray | None = None) -> Summary:
    """A selection's contributions (n, d); whole groups are resampled, as duplicates share their fate."""
    values = np.asarray(contributions, np.float64)
    assert len(values), "a selection without images has no contributions"
    low, high = np.percentile(_means(values, groups, np.random.default_rng(seed)), (2.5, 97.5), axis=0)
    return Summary(len(values), values.mean(0), _deviation(values), low, high)


def compare(
    a: NDArray, b: NDArray, seed: int, groups: tuple[NDArray, NDArray] | tuple[None, None] = (None, None)
) -> Difference:
    """Two selections' contributions (n, d) and (m, d), resampled apart."""
    rng, values = np.random.default_rng(seed), [np.asarray(each, np.float64) for each in (a, b)]
    assert all(map(len, values)), "a selection without images has no contributions"
    drawn = [_means(each, of, rng) for each, of in zip(values, groups, strict=True)]  # (RESAMPLES, d) each
    low, high = np.percentile(drawn[0] - drawn[1], (2.5, 97.5), axis=0)
    n, m = map(len, values)
    mean, free = values[0].mean(0) - values[1].mean(0), max(n + m - 2, 1)
    pooled = np.sqrt(((n - 1) * _deviation(values[0]) ** 2 + (m - 1) * _deviation(values[1]) ** 2) / free)
    correction = 1 - 3 / (4 * free - 1)  # Hedges 1981
    effect = np.divide(mean * correction, pooled, out=np.zeros_like(mean), where=pooled > 0)
    return Difference((n, m), mean, low, high, effect)


def _deviation(values: Floats) -> Floats:
    """Of a sample (n, d); 0 where there is but one."""
    return values.std(0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])


def _means(values: Floats, groups: NDArray | None, rng: np.random.Generator) -> Floats:
    """Means of resampled values, (RESAMPLES, d)."""
    _, rows = np.unique(np.arange(len(values)) if groups is None else groups, return_inverse=True)
    count = int(rows.max()) + 1
    sizes = np.bincount(rows).astype(np.float64)  # (groups,)
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, rows, values)
    means = np.empty((RESAMPLES, values.shape[1]))
    for start in range(0, RESAMPLES, 100):
        times = rng.multinomial(count, np.full(count, 1 / count), 100).astype(np.float64)  # (100, groups)
        means[start : start + 100] = times @ sums / np.maximum(times @ sizes, 1)[:, None]
    return means
