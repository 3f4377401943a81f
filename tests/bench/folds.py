"""One space for all folds' heads, or today's with a rest: what each costs. And who judges new images best?

`python -m tests.bench.folds ANALYSIS [--new FOLDER] [--json]`. Of an analysis that is built: how much of the verdicts
a space of the mean line alone leaves out (the rest), how many errors hang on it; how alike dimensions of two disjoint
halves of the images are; how many dimensions tell folds apart and nothing else. With labelled images in --new: the mean
of the heads against one line fitted on all images.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from asap_core import analysis, catalogue
from asap_core.analysis import Analysis
from asap_core.catalogue import CatalogueSettings
from asap_core.learning import dimensions, distiller, embedding, folds, logistic, verdicts
from asap_core.learning.detector import Detector, encoder_of
from asap_core.learning.distiller import Distiller, DistillerSettings
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.learning.logistic import Line

from .mini.figures import line, text

HALVES = 3  # ways of cutting the images into halves
SEED = 0


@dataclass(frozen=True, eq=False)
class Learnt:
    """Images as the distiller sees them, and what it learns."""

    x: NDArray[np.float32]  # (n, k) centred, scaled
    is_fake: NDArray[np.bool_]  # (n,)
    folds: NDArray[np.int32]  # (n,)
    lines: NDArray[np.float64]  # (folds, k)
    logits: NDArray[np.float64]  # (n,) out-of-fold

    @classmethod
    def of(cls, spell_free: NDArray, is_fake: NDArray, groups: NDArray) -> "Learnt":
        """From spell-free vectors (n, k), as a build learns."""
        trained = distiller.train(spell_free, is_fake, groups, DistillerSettings(), SEED)
        learnt, x = trained.distiller, np.asarray(spell_free, np.float32)
        lines, constants = learnt.lines
        mean, scale = x.mean(0, dtype=np.float64), float(np.sqrt(np.mean(np.square(x - x.mean(0)), dtype=np.float64)))
        logits = np.einsum("nk,nk->n", x, lines[trained.folds]) + constants[trained.folds]
        return cls(((x - mean) / scale).astype(np.float32), is_fake, trained.folds, lines * scale, logits)


def rest(learnt: Learnt, count: int) -> Iterator[dict]:
    """What a space that holds the mean line alone leaves of the verdicts; and what the heads' own space does."""
    x, n = learnt.x, len(learnt.x)
    spread = (x.T @ x).astype(np.float64) / n
    wrong = (learnt.logits > 0) != learnt.is_fake
    spaces = {"mean line's space": learnt.lines.mean(0, keepdims=True), "heads' space": learnt.lines}
    for name, held in spaces.items():
        directions, _ = dimensions.choose(x, learnt.is_fake, held, count)
        heads = learnt.lines @ spread @ directions.T  # (folds, d)
        left = np.einsum("nk,nk->n", x, (learnt.lines - heads @ directions)[learnt.folds])
        without = (learnt.logits - left > 0) != learnt.is_fake
        yield line(f"{name}: rest, share of the logits' variance", float(np.var(left) / np.var(learnt.logits)), "", n)
        yield line(f"{name}: errors that it explains by the wrong sign", (wrong & ~without).sum(), "", wrong.sum())
        alone = np.abs(heads.mean(0)) < heads.std(0)
        yield line(f"{name}: dimensions that tell folds apart and nothing else", alone.sum(), "", len(alone))


def agreement(spell_free: NDArray, is_fake: NDArray, groups: NDArray, count: int) -> Iterator[dict]:
    """Mean matched |correlation| of the dimensions of two disjoint halves, on all images."""
    every = Learnt.of(spell_free, is_fake, groups)
    found: dict[str, list[float]] = {"mean line's space": [], "heads' space": []}
    for seed in range(HALVES):
        half = folds.cut(is_fake, groups, 2, seed)
        learnt = [Learnt.of(spell_free[half == h], is_fake[half == h], groups[half == h]) for h in (0, 1)]
        for name in found:
            seen = []
            for each in learnt:
                held = each.lines if name == "heads' space" else each.lines.mean(0, keepdims=True)
                seen.append(every.x @ dimensions.choose(each.x, each.is_fake, held, count)[0].T)
            alike = np.abs(np.corrcoef(seen[0].T, seen[1].T)[:count, count:])
            found[name].append(float(alike[linear_sum_assignment(-alike)].mean()))
    for name, each in found.items():
        yield line(f"{name}: matched correlation of two halves' dimensions", float(np.mean(each)), "", len(is_fake),
                   min(each), max(each))  # fmt: skip


def new_images(made: Analysis, folder: Path) -> Iterator[dict]:
    """The accuracy of the mean head and of one line fitted on all images, on images that no head has seen."""
    images, detector, eye = (
        catalogue.read(folder, CatalogueSettings()),
        Detector.of(made.built),
        encoder_of(made, None),
    )
    assert images.is_fake is not None and made.is_fake is not None, "labelled images are needed"
    how, truth = EmbeddingSettings(equalise=made.info["equalise"]), images.is_fake
    files = (embedding.read(images.root / path, eye, how) for path in images.paths)
    mean = detector.judge(embedding.encode_images(eye, files, how).reading)
    one = _fitted_on_all(made, detector.distiller).logits(mean.spell_free.astype(np.float64))
    right = np.stack([(logits > 0) == truth for logits in (mean.logits, one)]).astype(float)
    for name, each, logits in zip(
        ("mean of the heads", "one line fitted on all"), right, (mean.logits, one), strict=True
    ):
        yield line(f"new images, {name}: accuracy", 100 * each.mean(), "%", len(truth))
        yield line(f"new images, {name}: AUC", verdicts.auc(logits, truth), "", len(truth))
    drawn = np.random.default_rng(SEED).integers(0, len(truth), (1000, len(truth)))
    low, high = np.percentile(100 * (right[0] - right[1])[drawn].mean(1), (2.5, 97.5))
    yield line("new images, the mean's accuracy less the other's", 100 * (right[0] - right[1]).mean(), "%", len(truth),
               low, high)  # fmt: skip


def _fitted_on_all(made: Analysis, learnt: Distiller) -> Line:
    """One line for spell-free vectors as they come, with the penalty that stands out as the folds' own."""
    x, is_fake = np.asarray(made.arrays["spell_free"], np.float64), np.asarray(made.is_fake)
    mean, scale = x.mean(0), float(np.sqrt(np.mean(np.square(x - x.mean(0)))))
    x, size = (x - mean) / scale, float(np.linalg.norm(learnt.lines[0][0] * scale))
    weight, target = verdicts.balance(is_fake), logistic.smooth(is_fake, 0)
    outside = np.asarray(made.fold) != 0
    sizes = []
    for penalty in logistic.PENALTIES:  # that with which fold 0 has the line it has
        start = Line(np.zeros(x.shape[1]), 0.0)
        fitted = logistic.fit(x[outside], target[outside], verdicts.balance(is_fake[outside]), penalty, start, 40)
        sizes.append(abs(float(np.linalg.norm(fitted.v)) - size))
    found = logistic.fit(x, target, weight, logistic.PENALTIES[int(np.argmin(sizes))], Line(0 * x[0], 0.0), 40)
    return Line(found.v / scale, found.b - float(found.v @ mean) / scale)


def main() -> None:
    """Print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("analysis", type=Path)
    parser.add_argument("--new", type=Path, metavar="FOLDER", help="labelled images that the analysis does not hold")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    made = analysis.load(options.analysis)
    vectors, is_fake, groups = (np.asarray(made.arrays[name]) for name in ("spell_free", "is_fake", "group"))
    count = made.heads.shape[1]

    def every() -> Iterator[dict]:
        yield from rest(Learnt.of(vectors, is_fake, groups), count)
        yield from agreement(vectors, is_fake, groups, count)
        if options.new:
            yield from new_images(made, options.new)

    for found in every():
        print(json.dumps(found) if options.json else text(found), flush=True)


if __name__ == "__main__":
    main()
