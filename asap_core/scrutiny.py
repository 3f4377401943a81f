"""Scrutiny: how far the token maps of an analysis can be trusted, method by method, measured on its own images.

Maps are asked which tokens moved the verdict; then tokens are removed, and the detector is asked. `trust` says what
is kept of it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from . import analysis, explanation, reversal, trust, truth
from .analysis import Analysis
from .errors import SettingsError
from .identification import faithfulness, relevance, sanity
from .identification.trials import CLAMPED, PLAIN, UNUSUAL, ScrutinySettings, Trial, Trials
from .learning.detector import Detector, encoder_of
from .learning.encoder import Encoder
from .progress import Report, silent
from .reversal import ReversalSettings

BATCH = 4  # images tried together


def examine(
    folder: Path,
    settings: ScrutinySettings,
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
    report_errors: Report = silent,
) -> dict[str, Any] | None:
    """Try the maps of the analysis in `folder`; keep and return what was found, or None if stopped before the end.

    First a sample of images, then all errors, each with its own report. Images that cannot be read any more are left
    out. EncoderError where the encoder has no maps.
    """
    made = analysis.load(folder)
    eye, detector = encoder_of(made, device), Detector.of(made.built)
    rows, trials, done, known = sample(made, settings), Trials(), 0, None
    if UNUSUAL in settings.methods:
        known = explanation.compared(made.built, device=device, workers=workers)
        assert known is not None, "nobody stopped it"
    for seen, images, lost in explanation.prepared(made, eye, rows, BATCH, workers):
        if len(seen):
            usual = None if known is None else known.usual(seen)
            trial = Trial(trials, eye, detector, settings, made.folds_of(seen), usual)
            trial.run(images.to(eye.device), seen, made.logits[seen])
        done += len(seen) + len(lost)
        report(done, len(rows))
        if stop():
            return None
    if not trials.rows:
        raise SettingsError(f"none of the images of {folder} can be read any more; nothing was measured")
    errors = reversal.examine(made.built, ReversalSettings(seed=settings.seed), device, workers, report_errors, stop)
    if errors is None:
        return None
    found = summarised(trials, made, eye, settings) | {"errors": errors}
    for seen, images, _ in explanation.prepared(made, eye, trials.rows[: settings.checked], settings.checked, workers):
        for name in relevance.METHODS.keys() & set(settings.methods):
            found["methods"][name] |= _sane(
                eye, detector, images.to(eye.device), name, settings.seed, made.folds_of(seen)
            )
    trust.write(made, found)
    return found


def sample(made: Analysis, settings: ScrutinySettings) -> NDArray[np.intp]:
    """The rows tried: half fake, half real as far as there are; of unlabelled images, any."""
    rng = np.random.default_rng(settings.seed)
    if made.is_fake is None:
        return np.sort(rng.permutation(made.n)[: settings.images])
    fakes, reals = (rng.permutation(np.flatnonzero(made.is_fake == kind)) for kind in (True, False))
    n_real = min(len(reals), max(settings.images // 2, settings.images - len(fakes)))
    return np.sort(np.concatenate([reals[:n_real], fakes[: settings.images - n_real]]))


def summarised(trials: Trials, made: Analysis, eye: Encoder, settings: ScrutinySettings) -> dict[str, Any]:
    """What was measured, over images: the contract but for the sanity checks."""
    start, groups = np.array(trials.start), made.arrays["group"][trials.rows]
    gains = {key: np.diff(np.stack(each).mean(2), axis=1)[:, 0] for key, each in trials.curves.items()}

    def mean(values: list) -> list[float]:
        return faithfulness.interval(np.array(values), settings.seed, groups)

    def curves(occluder: str, name: str) -> dict[str, Any]:
        def relative(values: NDArray) -> list[float]:
            return faithfulness.ratio(values, start, settings.seed, groups)

        removed = np.stack(trials.curves[occluder, name]).mean(2)  # (n, 2)
        gain, published = gains[occluder, name], gains.get((occluder, "paper"))
        over = None if published is None or name == "paper" else relative(gain - published)
        return {"deletion": relative(removed[:, 0]), "insertion": relative(removed[:, 1]),
                "srg": relative(gain), "over_paper": over}  # fmt: skip

    where, localised = _localised(trials, made, eye, settings)
    methods = {}
    for name in (*settings.methods, *PLAIN):
        adds_up = name in settings.methods and name not in CLAMPED
        methods[name] = {
            **curves("drop", name),
            "correlation": mean(trials.correlations[name]) if name in trials.correlations else None,
            "completeness": mean(trials.missed[name]) if adds_up else None,
            **where.get(name, dict.fromkeys(LOCAL)),
            "sparseness": mean([faithfulness.sparseness(each) for each in trials.maps[name]])
            if name in settings.methods
            else None,
        }
    return {
        "images": len(trials.rows), "steps": settings.steps, "seed": settings.seed, "fingerprint": made.fingerprint,
        "methods": methods,
        "against": {settings.painted: {name: curves(settings.painted, name) for name in methods}},
        "localised": localised,
    }  # fmt: skip


LOCAL: dict[str, Callable[[NDArray, NDArray], float]] = {
    "pointing": faithfulness.pointing,
    "mass_ratio": faithfulness.mass_ratio,
    "average_precision": faithfulness.average_precision,
}


def _localised(
    trials: Trials, made: Analysis, eye: Encoder, settings: ScrutinySettings
) -> tuple[dict[str, dict[str, list[float]]], dict[str, Any]]:
    """Each map's measures against known flaws, and of what they were taken; empty where none are known."""
    if made.is_fake is None or eye.grid == (1, 1):
        return {}, {"images": 0, "chance": None, "area": None}
    judged_fake = (np.array(trials.side) > 0) & (made.logits[trials.rows] > 0)
    chosen = np.flatnonzero(judged_fake & made.is_fake[trials.rows] & truth.known(made)[trials.rows])
    flaws = {number: truth.flaw(made, trials.rows[number], eye.tower, eye.grid) for number in chosen.tolist()}
    flaws = {number: each for number, each in flaws.items() if each.any()}  # it may lie beyond what is seen
    if not flaws:
        return {}, {"images": 0, "chance": None, "area": None}
    groups = made.arrays["group"][[trials.rows[number] for number in flaws]]
    found = {
        name: {
            measure: faithfulness.interval(
                np.array([formula(maps[number], each) for number, each in flaws.items()]), settings.seed, groups
            )
            for measure, formula in LOCAL.items()
        }
        for name, maps in trials.maps.items()
    }
    every = np.stack([*flaws.values()])
    return found, {"images": len(flaws), "chance": float((every > 0).mean()), "area": float(every.mean())}


def _sane(
    eye: Encoder, detector: Detector, images: Tensor, name: str, seed: int, folds: NDArray | None
) -> dict[str, Any]:
    """A method's sanity checks, each as an interval over images."""
    steps = sanity.randomised(eye, detector, images, name, seed, folds)
    return {
        "randomised": {f"{share:.0%}": faithfulness.interval(each, seed) for share, each in steps.items()},
        "targets": faithfulness.interval(sanity.between_dimensions(eye, detector, images, name), seed),
    }
