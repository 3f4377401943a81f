"""L3 and L4: the distiller d = W r + b, the head logit = w.d + offset, and verdicts nobody was trained on.

Balanced log loss and uncorrelated activations (|I - D^T D|_F, D the standardised activations of all images;
the idea of clip-cues, arXiv 2602.12381). Distiller and head are linear, so the log loss sees only v = W^T w, and
every v has a W whose activations are exactly uncorrelated: both terms reach their minimum together, v by a
penalised logistic regression (`logistic.py`), W by `dimensions.py`, whatever the weight between them. numpy only.
"""

from dataclasses import dataclass

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
    """Spell-free vectors -> dimensions, of mean 0 and variance 1 over the images trained on -> logits."""

    weight: Floats  # (d, k)
    bias: Floats  # (d,)
    head: Floats  # (d,) >= 0, falling: a high dimension speaks for fake
    offset: float
    temperature: float  # score = sigmoid(logit / temperature)
    real_mean: Floats  # (d,) mean of each dimension over real images

    def distil(self, spell_free: NDArray) -> Floats:
        """(n, k) -> (n, d)."""
        return np.asarray(spell_free, np.float32) @ self.weight.T + self.bias

    def logits(self, distilled: NDArray) -> Floats:
        """(n, d) -> (n,); above 0 is fake."""
        return (np.asarray(distilled, np.float32) @ self.head + np.float32(self.offset)).astype(np.float32)

    def contributions(self, distilled: NDArray) -> tuple[Floats, float]:
        """What each dimension adds to each logit, (n, d), against the mean real image; and the constant left."""
        constant = self.offset + float(self.head.astype(np.float64) @ self.real_mean)
        return (self.head * (distilled - self.real_mean)).astype(np.float32), constant


@dataclass(frozen=True)
class Trained:
    """The detector fitted on all images, and what detectors that had not seen an image say of it."""

    distiller: Distiller
    logits: Floats  # (n,) out-of-fold
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

    The penalty is chosen fold by fold on a fifth of that fold's training part; the median is used in every
    fold and for the final fit: all logits then have one scale, and one temperature, found on the out-of-fold
    logits, fits all.
    """
    is_fake = np.asarray(is_fake, bool)
    check(is_fake)
    count, dims, note = _afford(is_fake, groups, settings)
    fold = folds.cut(is_fake, groups, count, seed)  # (n,)
    x, mean, scale = _centre(spell_free)
    parts = [np.flatnonzero(fold != f) for f in range(count)]  # rows trained on
    starts, steps = [], 2 * count + 2
    for f, rows in enumerate(parts):
        starts.append(_penalty(x, is_fake, groups, rows, settings.smoothing, seed))
        report(f + 1, steps)
    penalty = float(np.median([p for p, _ in starts]))
    logits = np.empty(len(x), np.float32)
    for f, (rows, (_, start)) in enumerate(zip(parts, starts, strict=True)):
        line = _fit(x[rows], is_fake[rows], penalty, start, settings.smoothing)
        judged = fold == f
        logits[judged] = line.logits(x[judged])
        report(count + f + 1, steps)
    whole = _fit(x, is_fake, penalty, starts[0][1], settings.smoothing)
    report(steps - 1, steps)
    temperature = verdicts.calibrate(logits, is_fake)
    distiller = _canonical(x, is_fake, whole, dims, mean, scale, temperature)
    report(steps, steps)
    return Trained(distiller, logits, fold, note)


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
    count, dims = min(settings.folds, most), min(settings.dimensions, len(is_fake) // PER_DIMENSION)
    notes = []
    if dims < settings.dimensions:
        notes.append(f"{len(is_fake)} images are few: {dims} dimensions instead of {settings.dimensions}.")
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
    x: NDArray, is_fake: NDArray, line: Line, count: int, mean: Floats, scale: float, temperature: float
) -> Distiller:
    """The line as a distiller of `count` dimensions, written for spell-free vectors as they come."""
    directions, head = dimensions.choose(x, is_fake, line.v, count)  # (d, k), (d,)
    weight = directions / scale
    bias = -weight @ mean.astype(np.float64)
    real_mean = (x[~is_fake].mean(0, dtype=np.float64) @ directions.T).astype(np.float32)
    single = (weight.astype(np.float32), bias.astype(np.float32), head.astype(np.float32))
    return Distiller(*single, float(line.b), float(temperature), real_mean)
