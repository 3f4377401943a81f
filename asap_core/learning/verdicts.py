"""What the detector says, in words and numbers: scores, levels, calibration and how good it all is.

A logit above 0 means fake. A score is the calibrated fakeness, 0 to 1; 0.5 lies at logit 0. All
figures carry a 95 % bootstrap interval. numpy only: the dashboard imports this module.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

INCONCLUSIVE = (0.3, 0.7)  # scores strictly between are too close to call
LEVELS = ("none", "minor", "moderate", "severe")
THRESHOLDS = (0.3, 0.7, 0.95)  # score at which minor, moderate and severe begin
BINS = 15  # of equal mass, for the calibration error
RESAMPLES = 1000
RUNS = 2000  # of neighbouring logits, in which images are counted for an interval
FIGURES = ("accuracy", "balanced_accuracy", "auc", "average_precision", "calibration_error", "inconclusive")
TEMPERATURES = (1e-3, 1e3)  # bounds, in units of the largest logit

Measured = dict[str, list[float]]  # name -> [value, low, high]


def score(logits: ArrayLike, temperature: float) -> NDArray[np.float32]:
    """The calibrated fakeness of each image, 0 to 1: sigmoid(logit / temperature)."""
    z = np.asarray(logits, np.float64) / temperature
    return (0.5 * (1 + np.tanh(z / 2))).astype(np.float32)  # cannot overflow


def levels(scores: ArrayLike) -> NDArray[np.int8]:
    """The severity level of each image, an index into LEVELS."""
    return np.searchsorted(THRESHOLDS, np.asarray(scores), side="right").astype(np.int8)


def inconclusive(scores: ArrayLike) -> NDArray[np.bool_]:
    """Which images are too close to call."""
    scores = np.asarray(scores)
    return (scores > INCONCLUSIVE[0]) & (scores < INCONCLUSIVE[1])


def balance(is_fake: ArrayLike) -> NDArray[np.float64]:
    """Weights (n,) that make the two classes count alike; they sum to n."""
    fake = np.asarray(is_fake, bool)
    n_fake = np.count_nonzero(fake)
    return np.where(fake, len(fake) / (2 * max(n_fake, 1)), len(fake) / (2 * max(len(fake) - n_fake, 1)))


def calibrate(logits: ArrayLike, is_fake: ArrayLike) -> float:
    """The temperature T that minimises the class-balanced log loss of sigmoid(logit / T).

    Guo et al. 2017 (arXiv 1706.04599), for out-of-fold logits. Both classes count alike, because the
    detector is trained so and a collection's share of fakes says nothing about the next image: a score
    of 0.9 means nine in ten *in a half-and-half mixture*. The goal of a class with m images is
    (m + 1) / (m + 2), not 1 (Platt 1999), so that a few images judged without error do not give
    certainty. The loss is convex in 1 / T: the root of its slope is found by bisection.
    """
    fake = np.asarray(is_fake, bool)
    signed = np.where(fake, 1.0, -1.0) * np.asarray(logits, np.float64)  # (n,)
    m = np.where(fake, np.count_nonzero(fake), np.count_nonzero(~fake))
    goal, weight = (m + 1) / (m + 2), balance(fake)
    size = max(float(np.abs(signed).max(initial=0.0)), 1e-12)
    low, high = (np.log(1 / (t * size)) for t in TEMPERATURES[::-1])  # of 1 / T
    for _ in range(60):
        middle = (low + high) / 2
        z = signed * np.exp(middle)
        slope = np.sum(weight * signed * (0.5 * (1 + np.tanh(z / 2)) - goal))  # d loss / d (1 / T)
        low, high = (middle, high) if slope < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def scores_unseen(logits: ArrayLike, is_fake: ArrayLike, folds: ArrayLike) -> NDArray[np.float32]:
    """Scores (n,), each fold's by the temperature of the other folds: what the calibration error is measured on."""
    logits, fake, folds = np.asarray(logits), np.asarray(is_fake, bool), np.asarray(folds)
    found = np.empty(len(logits), np.float32)
    for fold in np.unique(folds):
        mine = folds == fold
        found[mine] = score(logits[mine], calibrate(logits[~mine], fake[~mine]))
    return found


def auc(logits: ArrayLike, is_fake: ArrayLike) -> float:
    """How often a fake image's logit is above a real one's; ties count half (Mann and Whitney's U)."""
    fake, logits = np.asarray(is_fake, bool), np.asarray(logits, np.float64)
    _, run, size = np.unique(logits, return_inverse=True, return_counts=True)
    rank = np.cumsum(size) - (size - 1) / 2  # (runs,) mean rank, from 1
    n_fake = np.count_nonzero(fake)
    above = rank[run[fake]].sum() - n_fake * (n_fake + 1) / 2
    return float(above / (n_fake * (len(fake) - n_fake)))


def measure(
    logits: ArrayLike,
    scores: ArrayLike,
    is_fake: ArrayLike,
    seed: int,
    groups: ArrayLike | None = None,
    unseen: ArrayLike | None = None,
) -> Measured:
    """How good the verdicts are: {figure: [value, low, high]}, 95 % percentile bootstrap, 1,000 resamples.

    Whole groups are drawn, as duplicates share their fate. `accuracy`, `balanced_accuracy`, `auc` and
    `average_precision` are of the logits, `inconclusive` of the scores, `calibration_error` of the scores `unseen`
    (see `scores_unseen`) where they are given. The calibration error is the mean gap between score and truth over 15
    bins of equal mass, classes weighted alike (see `calibrate`); resampling inflates it, so its low end is kept from
    lying above its value. For the intervals alone images are counted in some 2,000 runs of neighbouring logits. Both
    classes must be there.
    """
    logits, scores, fake = (
        np.asarray(logits, np.float64),
        np.asarray(scores, np.float64),
        np.asarray(is_fake, bool),
    )
    assert fake.any() and not fake.all(), "figures need both classes"
    order = np.argsort(logits, kind="stable")  # (n,)
    unseen = scores if unseen is None else np.asarray(unseen, np.float64)
    logits, scores, unseen, fake = logits[order], scores[order], unseen[order], fake[order]
    groups = np.arange(len(fake)) if groups is None else np.asarray(groups)[order]
    ties = np.flatnonzero(np.r_[True, logits[1:] > logits[:-1]])  # where each run of equal logits starts
    mass = np.cumsum(balance(fake))
    bins = np.searchsorted(mass, np.arange(BINS) * mass[-1] / BINS, side="right")
    unsure = np.flatnonzero(np.diff(inconclusive(scores))) + 1
    cuts = np.r_[np.arange(0, len(fake), -(-len(fake) // RUNS)), bins, unsure[:RUNS], np.sum(logits <= 0)]
    coarse = ties[np.unique(np.searchsorted(ties, cuts, side="right") - 1)]
    exact, rough = (_Runs(starts, bins, logits, scores, unseen, fake) for starts in (ties, coarse))
    value = exact.figures(exact.count(fake)[None], exact.count(~fake)[None])[0]
    resampled = [rough.figures(*drawn) for drawn in _resample(rough.of, len(coarse), fake, groups, seed)]
    low, high = np.nanpercentile(np.concatenate(resampled), (2.5, 97.5), axis=0)
    low, high = np.minimum(low, value), np.maximum(high, value)
    rows = zip(FIGURES, value, low, high, strict=True)
    return {name: [float(v), float(lo), float(hi)] for name, v, lo, hi in rows}


class _Runs:
    """Images in the order of their logits, cut into runs, so that a resample is a table of counts."""

    def __init__(
        self,
        starts: NDArray,
        bins: NDArray,
        logits: NDArray,
        scores: NDArray,
        unseen: NDArray,
        fake: NDArray[np.bool_],
    ):
        self.of = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(fake)]))  # (n,) the run of each image
        self.size = len(starts)
        self.called_fake = logits[starts] > 0  # (c,)
        self.bins = np.unique(np.searchsorted(starts, bins, side="right") - 1)  # (15,) runs that start a bin
        kinds = (fake, ~fake)
        self.score = [self.count(k, unseen) / np.maximum(self.count(k), 1) for k in kinds]  # mean, (c,) each
        self.unsure = [self.count(k, inconclusive(scores)) / np.maximum(self.count(k), 1) for k in kinds]

    def count(self, which: NDArray[np.bool_], weight: NDArray | None = None) -> NDArray[np.float64]:
        """The images (or their weights) in each run, (c,)."""
        w = which * (np.ones(len(which)) if weight is None else weight)
        return np.bincount(self.of, w, self.size).astype(np.float64)

    def figures(self, fake: NDArray[np.float64], real: NDArray[np.float64]) -> NDArray[np.float64]:
        """FIGURES (r, 6) of r resamples, from how many fake and real images are in each run, (r, c) each."""
        n_fake, n_real = fake.sum(1), real.sum(1)
        n_fake[n_fake == 0], n_real[n_real == 0] = np.nan, np.nan
        hits, passes = fake[:, self.called_fake].sum(1), real[:, ~self.called_fake].sum(1)
        real_below = np.cumsum(real, 1) - real / 2  # (r, c), ties count half
        fake_above = np.cumsum(fake[:, ::-1], 1)[:, ::-1]  # (r, c) at or above
        above = fake_above + np.cumsum(real[:, ::-1], 1)[:, ::-1]
        precision = fake_above / np.maximum(above, 1)
        of_fake, of_real = fake / n_fake[:, None], real / n_real[:, None]
        gap = np.add.reduceat(of_fake * (self.score[0] - 1) + of_real * self.score[1], self.bins, 1)  # (r, 15)
        table = np.stack(
            [
                (hits + passes) / (n_fake + n_real),
                (hits / n_fake + passes / n_real) / 2,
                np.einsum("rc,rc->r", fake, real_below) / (n_fake * n_real),
                np.einsum("rc,rc->r", of_fake, precision),
                np.abs(gap).sum(1) / 2,
                (fake @ self.unsure[0] + real @ self.unsure[1]) / (n_fake + n_real),
            ],
            axis=1,
        )
        return np.clip(table, 0, 1)  # sums of shares may end a rounding above 1


def _resample(
    run: NDArray, runs: int, fake: NDArray[np.bool_], groups: NDArray, seed: int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Bootstrap resamples of groups, some at a time: fake and real images in each run, (r, c) each.

    Groups of one image that share class and run are alike: how many are drawn is one multinomial number.
    """
    rng = np.random.default_rng(seed)
    kind = run + runs * fake  # (n,) real ones first
    _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
    single = size[group] == 1  # (n,)
    alike = np.bincount(kind[single], minlength=2 * runs)  # (2c,)
    larger = np.flatnonzero(size > 1)  # (l,)
    share = np.r_[alike, np.ones(len(larger), np.int64)] / len(size)
    member = np.searchsorted(larger, group[~single])  # into `larger`
    order = np.argsort(kind[~single], kind="stable")
    member, kinds = member[order], kind[~single][order]
    starts = np.flatnonzero(np.r_[True, kinds[1:] > kinds[:-1]]) if len(kinds) else None
    left, at_once = RESAMPLES, max(1, 4_000_000 // (len(share) + len(member)))
    while left > 0:
        drawn = rng.multinomial(len(size), share, min(left, at_once)).astype(np.float64)  # (r, 2c + l)
        left -= len(drawn)
        counts = drawn[:, : 2 * runs]
        if starts is not None:
            counts[:, kinds[starts]] += np.add.reduceat(drawn[:, 2 * runs :][:, member], starts, 1)
        yield counts[:, runs:], counts[:, :runs]


def by_generator(
    logits: ArrayLike,
    is_fake: ArrayLike,
    generators: Sequence[str] | NDArray,
    seed: int,
    groups: ArrayLike | None = None,
) -> dict[str, dict]:
    """The accuracy by generator, "real" among them: {name: {"n", "accuracy": [value, low, high]}}.

    95 % bootstrap interval over groups, drawn as counts of groups that are alike (as many images, as many
    right), which is the same distribution and costs nothing.
    """
    right = (np.asarray(logits) > 0) == np.asarray(is_fake, bool)  # (n,)
    names, of = np.unique(np.asarray(generators, str), return_inverse=True)
    groups = np.arange(len(right)) if groups is None else np.asarray(groups)
    rng = np.random.default_rng(seed)
    report = {}
    for g, name in enumerate(names):
        rows = np.flatnonzero(of == g)
        _, member = np.unique(groups[rows], return_inverse=True)
        alike, count = np.unique(
            np.stack([np.bincount(member), np.bincount(member, right[rows])], 1), axis=0, return_counts=True
        )  # (kinds, 2) images, right ones; (kinds,)
        drawn = rng.multinomial(count.sum(), count / count.sum(), RESAMPLES) @ alike  # (1000, 2)
        low, high = np.percentile(drawn[:, 1] / drawn[:, 0], (2.5, 97.5))
        report[str(name)] = {"n": len(rows), "accuracy": [float(right[rows].mean()), float(low), float(high)]}
    return report
