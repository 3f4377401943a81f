"""L3 and L4: the distiller d = W r + b, and heads logit = w.d + offset, one a fold, that judge images unseen.

An image of the collection is judged, and explained, by the head of its own fold, which was fitted without it; a new
image by the mean of all heads. All read one distilled space, which holds each of them exactly (`dimensions.py`).

Balanced log loss and uncorrelated activations (|I - D^T D|_F, D the standardised activations of all images;
the idea of clip-cues, arXiv 2602.12381). Distiller and head are linear, so the log loss sees only v = W^T w, and
every v has a W whose activations are exactly uncorrelated: both terms reach their minimum together, v by a
penalised logistic regression (`logistic.py`), W by `dimensions.py`, whatever the weight between them. numpy only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..progress import Report, silent
from . import dimensions, folds, logistic, verdicts
from .logistic import Line

Floats = NDArray[np.float32]
FEWEST = 20  # images
PER_DIMENSION = 5  # images at least
ENOUGH = 20_000  # images from which the penalty is chosen


@dataclass(frozen=True)
class DistillerSettings:
    """How the detector is trained."""

    dimensions: int = 16
    folds: int = 5
    smoothing: float = 0.0  # of labels: 0.1 makes 0 and 1 to 0.05 and 0.95


@dataclass(frozen=True)
class Distiller:
    """Spell-free vectors -> dimensions, of mean 0 and variance 1 over the collection -> logits, by one of its heads."""

    weight: Floats  # (d, k)
    bias: Floats  # (d,)
    heads: Floats  # (folds, d); their mean is >= 0 and falls: a high dimension speaks for fake
    offsets: Floats  # (folds,)
    temperature: float  # score = sigmoid(logit / temperature)
    real_mean: Floats  # (d,) mean of each dimension over real images

    @property
    def head(self) -> Floats:
        """The mean head (d,), which judges new images."""
        return self.heads.mean(0)

    @property
    def lines(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The heads as they read spell-free vectors r: lines (folds, k) and constants (folds,), logit = line.r + c."""
        heads = self.heads.astype(np.float64)
        return heads @ self.weight, heads @ self.bias + self.offsets

    def of_fold(self, fold: int) -> "Distiller":
        """With the head of one fold alone."""
        return replace(self, heads=self.heads[fold : fold + 1], offsets=self.offsets[fold : fold + 1])

    def distil(self, spell_free: NDArray) -> Floats:
        """(n, k) -> (n, d)."""
        return np.asarray(spell_free, np.float32) @ self.weight.T + self.bias

    def logits(self, distilled: NDArray, folds: NDArray | None = None) -> Floats:
        """(n, d) -> (n,), above 0 is fake; by the heads of folds (n,), or by the mean head."""
        heads, offsets = self.judging(folds)
        return (np.asarray(distilled, np.float32) * heads).sum(-1, dtype=np.float32) + offsets

    def contributions(self, distilled: NDArray, folds: NDArray | None = None) -> tuple[Floats, Floats]:
        """What each dimension adds to each logit, (n, d), against the mean real image; and the constants left, (n,)."""
        heads, offsets = self.judging(folds)
        constants = np.broadcast_to(offsets + heads @ self.real_mean, len(distilled))
        return (heads * (distilled - self.real_mean)).astype(np.float32), constants.astype(np.float32)

    def judging(self, folds: NDArray | None) -> tuple[Floats, Floats]:
        """The heads and offsets of folds (n,), (n, d) and (n,); the mean ones where None, (d,) and ()."""
        if folds is None:
            return self.head, self.offsets.mean()
        return self.heads[folds], self.offsets[folds]


@dataclass(frozen=True)
class Trained:
    """What was learnt, and the fold of each image: the head that was fitted without it."""

    distiller: Distiller
    folds: NDArray[np.int32]  # (n,)
    note: str | None


def check(is_fake: NDArray[np.bool_]) -> None:
    """Raise SettingsError where nothing can be learnt: one class only, or too few images."""
    n, n_fake = len(is_fake), int(np.count_nonzero(is_fake))
    if n < FEWEST:
        raise SettingsError(f"found {n} images; learning needs at least {FEWEST}, real and fake")
    if min(n_fake, n - n_fake) < 2:
        raise SettingsError(
            f"found {n - n_fake} real and {n_fake} fake images; learning needs at least two of each. "
            "To look at images without labels, use --unlabelled --using DIR"
        )


def train(
    spell_free: NDArray,
    is_fake: NDArray[np.bool_],
    groups: NDArray,
    settings: DistillerSettings,
    seed: int,
    report: Report = silent,
) -> Trained:
    """Fit on spell-free vectors (n, k), labels (n,) and groups (n,), which never straddle folds.

    The penalty is chosen fold by fold on a fifth of that fold's training part; the median is used in every fold: all
    logits then have one scale, and one temperature, found on the out-of-fold logits, fits all.
    """
    is_fake = np.asarray(is_fake, bool)
    check(is_fake)
    count, dims, note = _afford(is_fake, groups, settings)
    fold = folds.cut(is_fake, groups, count, seed)  # (n,)
    x, mean, scale = _centre(spell_free)
    parts = [np.flatnonzero(fold != f) for f in range(count)]  # rows trained on
    starts, lines, steps = [], [], 2 * count + 1
    for f, rows in enumerate(parts):
        starts.append(_penalty(x, is_fake, groups, rows, settings.smoothing, seed))
        report(f + 1, steps)
    penalty = float(np.median([p for p, _ in starts]))
    for f, (rows, (_, start)) in enumerate(zip(parts, starts, strict=True)):
        lines.append(_fit(x[rows], is_fake[rows], penalty, start, settings.smoothing))
        report(count + f + 1, steps)
    logits = np.empty(len(x))
    for f, line in enumerate(lines):
        logits[fold == f] = line.logits(x[fold == f])
    temperature = verdicts.calibrate(logits, is_fake)
    distiller = _canonical(x, is_fake, lines, dims, mean, scale, temperature)
    report(steps, steps)
    return Trained(distiller, fold, note)


def _afford(is_fake: NDArray[np.bool_], groups: NDArray, settings: DistillerSettings) -> tuple[int, int, str | None]:
    """Folds and dimensions that so many images allow, and a note where they are fewer than asked for."""
    if settings.folds < 2 or settings.dimensions < 1:
        raise SettingsError(
            f"distiller: {settings.folds} folds, {settings.dimensions} dimensions; expected at least 2 and 1"
        )
    most = folds.most(is_fake, groups)
    if most < 2:
        raise SettingsError(
            "all images of one class are duplicates of one another: no detector could judge them unseen; "
            "add other images of that class"
        )
    count = min(settings.folds, most)
    dims = max(min(settings.dimensions, len(is_fake) // PER_DIMENSION), count)  # they hold every fold's head
    notes = []
    if dims < settings.dimensions:
        notes.append(f"{len(is_fake)} images are few: {dims} dimensions instead of {settings.dimensions}.")
    if dims > settings.dimensions:
        notes.append(f"{dims} dimensions instead of {settings.dimensions}: one for each fold's head, at least.")
    if count < settings.folds:
        notes.append(f"The rarer class is small: {count} folds instead of {settings.folds}.")
    return count, dims, " ".join(notes) or None


def _centre(spell_free: NDArray) -> tuple[Floats, Floats, float]:
    """Columns of mean 0, mean square 1 overall: (n, k), the means (k,) and the one scale; label-free.

    One scale for all columns: the penalty should weigh on directions in which images hardly differ.
    """
    x = np.array(spell_free, np.float32)
    mean = x.mean(0, dtype=np.float64).astype(np.float32)
    x -= mean
    scale = float(np.sqrt(np.mean(np.square(x), dtype=np.float64))) or 1.0
    x /= np.float32(scale)
    return x, mean, scale


def _penalty(
    x: NDArray, is_fake: NDArray, groups: NDArray, rows: NDArray, smoothing: float, seed: int
) -> tuple[float, Line]:
    """The best penalty for these rows, judged on a fifth of them, and a line to start from."""
    if len(rows) > ENOUGH:
        pieces = -(-len(rows) // ENOUGH)
        rows = rows[folds.cut(is_fake[rows], groups[rows], pieces, seed) == 0]
    inner = min(5, folds.most(is_fake[rows], groups[rows]))
    if inner < 2:  # a class of one: nothing to validate with
        penalty = logistic.PENALTIES[len(logistic.PENALTIES) // 3]
        return penalty, Line(np.zeros(x.shape[1]), 0.0)
    validation = folds.cut(is_fake[rows], groups[rows], inner, seed + 1) == 0
    return logistic.fit_path(x[rows], is_fake[rows], validation, smoothing)


def _fit(x: NDArray, is_fake: NDArray, penalty: float, start: Line, smoothing: float) -> Line:
    target, weight = logistic.smooth(is_fake, smoothing), verdicts.balance(is_fake)
    return logistic.fit(x, target, weight, penalty, start)


def _canonical(
    x: NDArray, is_fake: NDArray, lines: Sequence[Line], count: int, mean: Floats, scale: float, temperature: float
) -> Distiller:
    """The lines as a distiller of `count` dimensions, written for spell-free vectors as they come."""
    directions, heads = dimensions.choose(x, is_fake, np.stack([line.v for line in lines]), count)  # (d, k), (folds, d)
    weight = directions / scale
    bias = -weight @ mean.astype(np.float64)
    offsets = [line.b for line in lines]
    real_mean = x[~is_fake].mean(0, dtype=np.float64) @ directions.T
    weight, bias, heads, offsets, real_mean = (
        np.asarray(each, np.float32) for each in (weight, bias, heads, offsets, real_mean)
    )
    return Distiller(weight, bias, heads, offsets, float(temperature), real_mean)
