"""How true a token map is: measures of one map, or of one image's runs without tokens. numpy and scipy only.

A map is signed toward the verdict: above 0 speaks for what the detector said. f is the logit toward that verdict.

    MIF, LIF       f as tokens are removed, the most or the least influential first (Samek et al. 2017)
    deletion       mean of MIF, insertion: mean of LIF, which read backwards is the most influential put in first
    SRG            mean of LIF - MIF (symmetric relevance gain; Bluecher et al. 2024, arXiv 2401.06654), here divided
                   by the mean of f as the curves are: 1 is as much as a mean verdict's logit
    correlation    Pearson's, between a random subset's sum in the map and the fall of f without it
                   (faithfulness correlation; Bhatt et al. 2020, arXiv 2005.00631)
    pointing       is the strongest token on the flaw? (pointing game; Zhang et al. 2016)
    mass ratio     share of what is above 0 that lies on the flaw / the flaw's share of the area
    average precision  of the map as a ranking of tokens, each weighing as much flaw as it holds

The curves are divided by the mean of f over images, none removed: an image's own may be next to nothing.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RESAMPLES = 1000


def counts(tokens: int, steps: int) -> NDArray[np.intp]:
    """How many tokens are gone at each of `steps` equal steps: from none on, never all."""
    return np.round(tokens * np.arange(steps) / steps).astype(np.intp)


def order(token_map: NDArray, rng: np.random.Generator) -> NDArray[np.intp]:
    """The tokens of a map (g, g), the most influential first (t,); ties broken at random."""
    values = np.asarray(token_map, np.float64).ravel()
    return np.lexsort((rng.permutation(len(values)), -values))


def removals(first: NDArray[np.intp], gone: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Masks of an order's curves but for their starts: (2, steps - 1, t), MIF then LIF."""
    masks = np.zeros((2, len(gone) - 1, len(first)), np.bool_)
    for row, many in enumerate(gone[1:]):
        masks[0, row, first[:many]] = masks[1, row, first[len(first) - many :]] = True
    return masks


def subsets(tokens: int, share: float, many: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Random masks of a share of all tokens: (many, t)."""
    size = max(1, round(share * tokens))
    return rng.permuted(np.tile(np.arange(tokens) < size, (many, 1)), axis=1)


def fall_correlation(token_map: NDArray, masks: NDArray[np.bool_], falls: NDArray) -> float:
    """Pearson's correlation of sums (many,) of a map (g, g) under masks (many, t) with falls (many,) of f."""
    return pearson(masks @ np.asarray(token_map, np.float64).ravel(), falls)


def pearson(a: NDArray, b: NDArray) -> float:
    """Pearson's correlation of two arrays of numbers; 0 where one does not vary."""
    a, b = (np.asarray(each, np.float64).ravel() - np.mean(each) for each in (a, b))
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else 0.0


def ranked(a: NDArray, b: NDArray) -> float:
    """Spearman's correlation of two maps (g, g), equal values sharing their mean rank; 0 where one does not vary."""
    from scipy.stats import spearmanr  # here: it is slow to load

    a, b = np.ravel(a), np.ravel(b)
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(spearmanr(a, b).statistic)  # pyright: ignore


def sparseness(token_map: NDArray) -> float:
    """Gini's coefficient of a map's sizes: 0 where all tokens speak alike, near 1 where one speaks alone."""
    sizes = np.sort(np.abs(np.asarray(token_map, np.float64)), axis=None)
    total, t = sizes.sum(), len(sizes)
    return float(((2 * np.arange(1, t + 1) - t - 1) * sizes).sum() / (t * total)) if total > 0 else 0.0


def pointing(token_map: NDArray, flaw: NDArray) -> float:
    """1 if the strongest token of a map (g, g) holds some of a flaw (g, g, shares of each token), else 0."""
    return float(np.ravel(flaw)[np.argmax(token_map)] > 0)


def mass_ratio(token_map: NDArray, flaw: NDArray) -> float:
    """How much denser a map's relevance above 0 lies on a flaw (g, g, shares of each token) than anywhere."""
    above = np.clip(np.asarray(token_map, np.float64), 0, None)
    total = above.sum()
    return float((above * flaw).sum() / total / np.mean(flaw)) if total > 0 else 0.0


def average_precision(token_map: NDArray, flaw: NDArray) -> float:
    """Of a map (g, g) as a ranking of tokens, each in the flaw (g, g) by the share of it that is; ties share alike."""
    values, share = np.ravel(token_map), np.ravel(np.asarray(flaw, np.float64))
    levels, where = np.unique(-values, return_inverse=True)  # the strongest first
    held = np.bincount(where, share, len(levels))  # (levels,)
    precision = np.cumsum(held) / np.cumsum(np.bincount(where, minlength=len(levels)))
    return float((held * precision).sum() / share.sum())


def interval(values: NDArray, seed: int, groups: NDArray | None = None) -> list[float]:
    """Mean over images (n,), and its 95 % percentile bootstrap: [value, low, high].

    Whole groups are drawn, as duplicates share their fate. One seed draws the same images for every measure, so a
    difference of two may be resampled as their difference.
    """
    return resampled(np.asarray(values, np.float64)[:, None], lambda means: means[:, 0], seed, groups)


def ratio(above: NDArray, below: NDArray, seed: int, groups: NDArray | None = None) -> list[float]:
    """A mean over images divided by another, [value, low, high]: both are resampled."""
    both = np.stack([above, below], 1).astype(np.float64)
    return resampled(both, lambda means: means[:, 0] / np.maximum(means[:, 1], 1e-12), seed, groups)


def resampled(
    values: Floats, measure: Callable[[Floats], Floats], seed: int, groups: NDArray | None = None
) -> list[float]:
    """A measure of the means of columns (n, c), called with (r, c) for (r,): [value, low, high] by bootstrap."""
    _, rows = np.unique(np.arange(len(values)) if groups is None else groups, return_inverse=True)
    many = int(rows.max()) + 1
    sizes, sums = np.bincount(rows).astype(np.float64), np.zeros((many, values.shape[1]))
    np.add.at(sums, rows, values)
    times = np.random.default_rng(seed).multinomial(many, np.full(many, 1 / many), RESAMPLES)  # (r, groups)
    drawn = measure(times @ sums / (times @ sizes)[:, None])
    low, high = np.percentile(drawn, (2.5, 97.5))
    return [float(measure(values.mean(0)[None])[0]), float(low), float(high)]
