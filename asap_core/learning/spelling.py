"""L2, forget to spell: a linear map that drops what an encoder knows of written words.

r = normalise(W normalise(z)), z the reading standardised block by block, W (k, e) with orthonormal rows and no
bias, learnt without labels from images with and without a word drawn on them (Materzynska, Torralba and Bau,
CVPR 2022, arXiv 2206.07835: `L1`, `L3` and the Frobenius term below; cosines at temperature 1). Our additions:
W = V P is learnt inside a principal subspace P of the images, begins as the first k components, and a term keeps
the images' own variance; without it forgetting costs detection.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from ..errors import SettingsError
from ..progress import Report, silent
from . import folds, subspace, verdicts, words
from .subspace import normalise

Floats = NDArray[np.float32]
AT_ONCE = 1 << 24  # numbers handled at once: 64 MB
SAMPLE = 6000  # readings that the principal subspace is found from, where they are not too wide:
SAMPLED = 60_000_000  # numbers in them at most
WIDTHS = (384, 1024)  # k at most: of few images, of many
EACH = 20  # images that pay for one more direction
ROOM = 4 / 3  # directions of the images for each one kept, at least: what is forgotten must be somewhere
HELD_OUT = 4  # every pair of the last quarter is for the report, never for learning


@dataclass(frozen=True)
class SpellingSettings:
    """How words are drawn and forgotten."""

    width: int | None = None  # k; None: half the reading (256 of 512, as in the paper), within WIDTHS
    subspace: int = 512  # principal components of the images within which W is learnt
    pairs: int = 768  # images drawn on
    canvas: int = 256  # pixels, longer side of a drawing
    method: str = "learned"  # or "closed": the closed form, a baseline
    spelling: float = 8.0  # beta, weight of -L3: the worded image must not find its word
    orthonormal: float = 1.0  # lambda, weight of |I - W W^T|_F
    keep: float = 8.0  # weight of the share of the images' variance that W keeps
    steps: int = 150
    batch: int = 128
    rate: float = 2e-3  # Adam's


@dataclass(frozen=True)
class Standard:
    """What a reading is standardised by; label-free."""

    mean: Floats  # (e,)
    scale: Floats  # (e,)

    @classmethod
    def of(cls, readings: NDArray, blocks: Sequence[int] = ()) -> "Standard":
        """Column means and standard deviations of readings (n, e); a constant column keeps scale 1.

        `blocks`, the columns of each block of the encoder: then all blocks count alike, however wide they are. Else
        the last and widest would drown the early ones, which see what gives images away: worse verdicts on all
        collections that were tried (docs/measurements.md).
        """
        n, total = len(readings), np.zeros(readings.shape[1])
        for rows in _parts(*readings.shape):
            total += readings[rows].sum(0, dtype=np.float64)
        mean = total / max(n, 1)
        square = np.zeros_like(mean)
        for rows in _parts(*readings.shape):
            square += np.square(readings[rows] - mean.astype(np.float32)).sum(0, dtype=np.float64)
        scale = np.sqrt(square / max(n, 1))
        scale[scale < 1e-6 * np.maximum(np.abs(mean), 1)] = 1.0
        if blocks:
            widths = np.asarray(blocks)
            scale *= np.repeat(np.sqrt(widths / widths.mean()), widths)
        return cls(mean.astype(np.float32), scale.astype(np.float32))

    @classmethod
    def identity(cls, width: int) -> "Standard":
        """Leaves readings of this width as they are: for the joint-space embedding."""
        return cls(np.zeros(width, np.float32), np.ones(width, np.float32))

    def apply(self, readings: NDArray) -> Floats:
        """normalise((x - mean) / scale), (n, e)."""
        return normalise((np.asarray(readings, np.float32) - self.mean) / self.scale)


def pairs(
    images: Iterable[Image.Image], seed: int, settings: SpellingSettings
) -> Iterator[tuple[Image.Image, Image.Image, Image.Image, str]]:
    """For each image, at most `settings.pairs`: (plain, with a word, the word alone on white, the word).

    No two strings are alike; all four depend only on the seed and the image's place in the sequence.
    """
    rng = np.random.default_rng(seed)
    strings = words.draw_strings(settings.pairs, rng)
    for string, image in zip(strings, images, strict=False):
        plain = words.fit(image, settings.canvas)
        worded, word_only = words.write(plain, string, words.draw_style(rng))
        yield plain, worded, word_only, string


def learn(
    readings: NDArray,
    plain: NDArray,
    worded: NDArray,
    word_only: NDArray,
    standard: Standard,
    settings: SpellingSettings,
    seed: int,
    report: Report = silent,
) -> Floats:
    """The matrix W (k, e), rows orthonormal, from readings (n, e) and readings of pairs, each (m, e).

    The last pairs are left for `report`. k shrinks to what the readings span: see `shortfall`.
    """
    wanted = _wanted(len(readings), readings.shape[1], settings)
    if wanted < 1 or settings.method not in ("learned", "closed"):
        raise SettingsError(
            f"spelling: width {settings.width}, method {settings.method!r}; "
            "expected a width of at least 1 and the method 'learned' or 'closed'"
        )
    size = max(settings.subspace, round(wanted * ROOM))
    images, basis = subspace.principal(_sample(readings, standard, seed), size, seed)  # (s, q), (q, e)
    k = max(1, min(wanted, int(len(basis) / ROOM)))
    m = len(plain) - len(plain) // HELD_OUT
    if m < 2 or k == len(basis) == 1:
        return subspace.orthonormal(basis[:k])
    a, b, c = (standard.apply(x[:m]) @ basis.T for x in (plain, worded, word_only))  # (m, q) each
    if settings.method == "closed":
        v = closed_form(images, b - a, k)
    else:
        v = _descend(images, a, b, c, k, settings, seed, report)
    return subspace.orthonormal(v @ basis)


def closed_form(images: NDArray, change: NDArray, k: int, ridge: float = 0.05) -> Floats:
    """The k directions in which images differ most for what a word changes: V (k, q), rows orthonormal.

    Generalised eigenvectors of (images' covariance, change's covariance + ridge), made orthonormal.
    images (n, q), change (m, q) = with the word - without.
    """
    between = images.T @ images / len(images)  # (q, q)
    spell = change.T @ change / len(change)  # (q, q)
    q = len(spell)
    spell = spell.astype(np.float64) + ridge * max(np.trace(spell) / q, 1e-12) * np.eye(q)
    root = np.linalg.inv(np.linalg.cholesky(spell))  # (q, q)
    _, vectors = np.linalg.eigh(root @ between @ root.T)  # ascending
    return subspace.orthonormal((vectors[:, ::-1][:, :k].T @ root).astype(np.float32))


def retrieval_loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Symmetric cross-entropy of a and b (n, k), unit rows, finding one another; temperature 1."""
    cosines, own = a @ b.T, torch.arange(len(a))  # (n, n)
    return (F.cross_entropy(cosines, own) + F.cross_entropy(cosines.T, own)) / 2


def _descend(
    images: NDArray,
    a: NDArray,
    b: NDArray,
    c: NDArray,
    k: int,
    settings: SpellingSettings,
    seed: int,
    report: Report,
) -> Floats:
    """V (k, q) by Adam on L1 - beta L3 + lambda |I - V V^T|_F - keep * share of variance kept."""
    generator = torch.Generator().manual_seed(seed)
    pairs_of = [torch.from_numpy(np.ascontiguousarray(x)) for x in (a, b, c)]
    spread = torch.from_numpy(np.square(images).sum(0))  # (q,) along principal components: no covariances
    spread /= spread[:k].sum()
    v = torch.eye(k, len(spread)).requires_grad_()
    optimiser, eye = torch.optim.Adam([v], settings.rate), torch.eye(k)
    for step in range(settings.steps):
        rows = torch.randperm(len(a), generator=generator)[: settings.batch]
        plain, worded, word = (F.normalize(x[rows] @ v.T, dim=1) for x in pairs_of)  # (batch, k)
        loss = retrieval_loss(worded, plain) - settings.spelling * retrieval_loss(worded, word)
        loss = loss + settings.orthonormal * torch.linalg.norm(eye - v @ v.T)
        loss = loss - settings.keep * (v.square() @ spread).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        report(step + 1, settings.steps)
    return v.detach().numpy()


def forget(readings: NDArray, standard: Standard, matrix: NDArray) -> Floats:
    """Spell-free vectors (n, k) of readings (n, e): normalise(W normalise((x - mean) / scale))."""
    out = np.empty((len(readings), len(matrix)), np.float32)
    for rows in _parts(*readings.shape):
        out[rows] = normalise(standard.apply(readings[rows]) @ matrix.T)
    return out


def shortfall(n: int, matrix: NDArray, settings: SpellingSettings) -> str | None:
    """A sentence for the notes where the spell-free width is smaller than was asked for, of n images."""
    k, wanted = len(matrix), _wanted(n, matrix.shape[1], settings)
    if k >= wanted:
        return None
    return (
        f"The spell-free vectors have {k} dimensions instead of {wanted}: "
        "the collection, or the encoder's reading, spans too little for more."
    )


def _wanted(n: int, width: int, settings: SpellingSettings) -> int:
    """k for n readings: the more images, the more directions pay (docs/measurements.md)."""
    widest = min(max(n // EACH, WIDTHS[0]), WIDTHS[1])
    return max(1, min(widest, width // 2)) if settings.width is None else settings.width


def report(
    standard: Standard, matrix: NDArray, plain: NDArray, worded: NDArray, word_only: NDArray
) -> dict[str, list[float]]:
    """What forgetting changed on the pairs that `learn` never used: {figure: [before, after]}.

    `cosine` of the image with the word and without, the mean; `retrieval`, how often the image with a word
    is nearest to its own word alone on white, among all held-out words.
    """
    held = slice(len(plain) - len(plain) // HELD_OUT, None)
    a, b, c = (standard.apply(x[held]) for x in (plain, worded, word_only))  # (h, e)
    if len(a) == 0:
        return {"cosine": [0.0, 0.0], "retrieval": [0.0, 0.0]}
    figures: dict[str, list[float]] = {"cosine": [], "retrieval": []}
    for w in (None, matrix):
        u, v, x = (y if w is None else normalise(y @ w.T) for y in (a, b, c))
        figures["cosine"].append(float((u * v).sum(1).mean()))
        figures["retrieval"].append(float(np.mean((v @ x.T).argmax(1) == np.arange(len(v)))))
    return figures


def detection(
    readings: NDArray,
    spell_free: NDArray,
    standard: Standard,
    is_fake: NDArray[np.bool_],
    groups: NDArray,
    seed: int,
    at_most: int = 1500,
) -> list[float]:
    """AUC of telling real from fake [without, with] forgetting, out-of-fold, by ridge regression.

    The same images (at most `at_most`), folds and estimator for both; without is the whole standardised
    reading.
    """
    fold = folds.cut(is_fake, groups, max(5, -(-len(readings) // at_most)), seed)
    rows = np.sort(np.argsort(fold, kind="stable")[:at_most])
    y = np.asarray(is_fake, bool)[rows]
    count = min(5, folds.most(y, groups[rows]))
    if count < 2:
        return [0.5, 0.5]
    parts = folds.cut(y, groups[rows], count, seed)
    before, after = standard.apply(readings[rows]), np.asarray(spell_free[rows], np.float32)
    return [ridge_auc(x - x.mean(0), y, parts) for x in (before, after)]


def ridge_auc(x: NDArray, y: NDArray[np.bool_], parts: NDArray, penalties: tuple = (0.3, 3.0)) -> float:
    """The best out-of-fold AUC over a few penalties, relative to the mean eigenvalue.

    With M = (X X^T + c I)^-1 a part's residual, had it been left out, is M_pp^-1 (M y)_p: one inverse serves all.
    """
    gram = (x @ x.T).astype(np.float64)  # (n, n)
    gram += np.trace(gram) / len(gram)  # an offset, hardly penalised
    target = np.where(y, 1.0, -1.0)
    best = 0.0
    for penalty in penalties:
        inverse = np.linalg.inv(gram + penalty * np.trace(gram) / len(gram) * np.eye(len(gram)))
        pulled, judged = inverse @ target, np.empty(len(y))
        for part in range(parts.max() + 1):
            p = np.flatnonzero(parts == part)
            judged[p] = target[p] - np.linalg.solve(inverse[np.ix_(p, p)], pulled[p])
        best = max(best, verdicts.auc(judged, y))
    return best


def _sample(readings: NDArray, standard: Standard, seed: int) -> Floats:
    """Some of the readings, standardised, (s, e)."""
    n, e = readings.shape
    rows = np.sort(np.random.default_rng(seed).choice(n, min(n, SAMPLE, SAMPLED // e), replace=False))
    x = np.empty((len(rows), e), np.float32)
    for part in _parts(*x.shape):
        x[part] = standard.apply(readings[rows[part]])
    return x


def _parts(n: int, e: int) -> Iterator[slice]:
    """All rows of (n, e), so many at a time that AT_ONCE numbers are not passed."""
    step = max(1, AT_ONCE // e)
    for start in range(0, n, step):
        yield slice(start, start + step)
