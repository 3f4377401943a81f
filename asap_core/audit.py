"""Audit: before anything is learnt, do facts of the files alone tell real from fake?

A detector learns whatever separates the classes; if that is how the files were saved, its verdicts mean
little (Grommelt et al. 2024, "Fake or JPEG?", arXiv 2403.17608). A small model is cross-validated on the
facts together and, shallower, on each alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from .learning import folds, verdicts

SUSPICIOUS = 0.6  # an AUC above this is worth a warning
FOLDS = 5
ROUNDS = 40
LEAVES = 8
NAMES = {
    "format": "file format",
    "aspect": "aspect ratio",
    "bytes_per_pixel": "bytes per pixel",
    "jpeg_quality": "JPEG quality",
    "subsampling": "chroma subsampling",
    "mode": "colour mode",
    "exif": "EXIF data",
}
Facts = Mapping[str, NDArray]


@dataclass(frozen=True)
class Audit:
    """How well file facts alone tell real from fake; None where nothing can be said."""

    auc: float | None  # out of fold; 0.5 is chance
    interval: tuple[float, float] | None  # 95 %, bootstrap over groups
    warning: str | None  # plain words, where the AUC is suspicious
    facts: tuple[str, ...]  # the facts that give it away, the worst first


NONE = Audit(None, None, None, ())
REMEDY = "compare with a build with --equalise."
REMEDIED = "all images were re-encoded alike before the encoder saw them."


def run(facts: Facts, is_fake: NDArray, groups: NDArray, seed: int, equalised: bool = False) -> Audit:
    """Cross-validate a small model on file facts; warn where its AUC is above 0.6.

    facts {name: (n,)} text, numbers (nan: does not apply) or bool; is_fake (n,) bool; groups (n,) ints,
    equal for duplicates, which share a fold. A warning also needs an interval that leaves out chance, so that
    a handful of images does not cry wolf. `equalised` says that the encoder sees all images re-encoded alike: the
    files still differ, the advice changes. With fewer than two groups in a class the answer is NONE.
    """
    fake = np.asarray(is_fake, bool)
    splits = min(FOLDS, folds.most(fake, groups))
    if splits < 2:
        return NONE
    columns = {name: _numbers(values) for name, values in facts.items()}  # (n,) float64 each
    columns = {name: column for name, column in columns.items() if len(np.unique(column)) > 1}
    if not columns:
        return Audit(0.5, (0.5, 0.5), None, ())
    fold = folds.cut(fake, groups, splits, seed)  # (n,)
    boosted = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        learning_rate=0.2,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=_leaf(fake),
        early_stopping=False,  # pyright: ignore[reportArgumentType]
        class_weight="balanced",
        random_state=seed,
    )
    scores = _out_of_fold(boosted, np.stack(list(columns.values()), axis=1), fake, fold)
    auc, low, high = verdicts.measure(scores, scores, fake, seed, groups)["auc"]
    if auc <= SUSPICIOUS or low <= 0.5:
        return Audit(auc, (low, high), None, ())
    alone = {name: _alone(column, fake, fold, seed) for name, column in columns.items()}
    named = sorted((name for name in alone if alone[name] > SUSPICIOUS), key=lambda name: -alone[name])
    warning = _warning(auc, facts, fake, {name: alone[name] for name in named}, equalised)
    return Audit(auc, (low, high), warning, tuple(named))


def _numbers(values: NDArray) -> NDArray[np.float64]:
    """A fact as a column of numbers: text by its place in the alphabet, nan stays."""
    values = np.asarray(values)
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    return np.unique(values.astype(str), return_inverse=True)[1].astype(np.float64)


def _leaf(fake: NDArray) -> int:
    """How many images a leaf must hold: few where a class is rare, so that it can be told apart at all."""
    rarer = min(np.count_nonzero(fake), np.count_nonzero(~fake))
    return int(np.clip(rarer // 5, 2, 20))


def _out_of_fold(model, table: NDArray, fake: NDArray, fold: NDArray) -> NDArray[np.float64]:
    """The probability of fake for each image, (n,), by a model of the other folds; table (n, facts)."""
    scores = np.full(len(fake), 0.5)
    with threadpool_limits(1):  # on tables this small threads only wait for each other
        for left_out in np.unique(fold):
            test, train = fold == left_out, fold != left_out
            if fake[train].any() and not fake[train].all():
                scores[test] = model.fit(table[train], fake[train]).predict_proba(table[test])[:, 1]
    return scores


def _alone(column: NDArray, fake: NDArray, fold: NDArray, seed: int) -> float:
    """The out-of-fold AUC of one fact, (n,)."""
    tree = DecisionTreeClassifier(
        max_leaf_nodes=LEAVES, min_samples_leaf=_leaf(fake), class_weight="balanced", random_state=seed
    )
    return verdicts.auc(_out_of_fold(tree, column[:, None], fake, fold), fake)


def _warning(auc: float, facts: Facts, fake: NDArray, alone: Mapping[str, float], equalised: bool) -> str:
    """What gives it away, in plain words."""
    text = f"File facts alone tell real from fake with an AUC of {auc:.2f} (0.5 is chance). "
    advice = REMEDIED if equalised else REMEDY
    if not alone:
        return f"{text}No single fact does, but several together: {advice}"
    ways = (
        f"{NAMES.get(name, name)} (AUC {value:.2f}): real {describe(facts[name][~fake])}, "
        f"fake {describe(facts[name][fake])}"
        for name, value in alone.items()
    )
    text += f"What gives it away: {'; '.join(ways)}. "
    if set(alone) == {"bytes_per_pixel"}:
        return text + "This may be true of the images themselves: at one quality, detail takes bytes."
    return f"{text}A detector may learn this instead of the images: {advice}"


def describe(values: NDArray) -> str:
    """The values (n,) of a fact in a few words: the commonest one, or the middle half."""
    names, counts = np.unique([_plain(value) for value in values], return_counts=True)
    commonest, share = str(names[counts.argmax()]), counts.max() / len(values)
    if share == 1:
        return f"always {commonest}"
    if share >= 0.5 or values.dtype.kind not in "iuf":
        return f"mostly {commonest} ({min(share, 0.99):.0%})"
    known = values[np.isfinite(values)]
    low, high = (_plain(value) for value in np.quantile(known, [0.25, 0.75])) if len(known) else ("none", "none")
    return f"half between {low} and {high}"


def _plain(value) -> str:
    """A value as people write it."""
    if isinstance(value, bool | np.bool_):
        return "present" if value else "absent"
    if isinstance(value, str):
        return value or "none"
    if not np.isfinite(value):
        return "none"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"
