"""What the worker does: each kind of job as one call of the core. The only file of the page that needs torch."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from asap_core import analysis, discovery, explanation, findings, selections, texts, what_if
from asap_core.analysis import Analysis
from asap_core.identification import patterns
from asap_core.learning.detector import encoder_of
from asap_core.progress import Report
from asap_core.what_if import Region, Removed

from . import kinds

FEW = 40  # regions that are told one by one
Stop = Callable[[], bool]
Task = Callable[[Path, Mapping[str, Any], Report, Stop], dict[str, Any] | None]


def prepare(folder: Path) -> None:
    """Open the model, which stays open; EncoderError where it cannot be had."""
    encoder_of(analysis.load(folder), None)


def relevance(folder: Path, asked: Mapping[str, Any], report: Report, stop: Stop) -> dict[str, Any] | None:
    """Maps, and how much verdicts lose without their strongest region; kept image by image."""
    made = analysis.load(folder)
    rows = np.array(asked["rows"]) if "rows" in asked else selections.rows_of(made, asked["of"])
    lost = explanation.complete(folder, rows, report=report, stop=stop)
    if stop() and not kinds.explained(made)[rows].all():
        return None
    return {"images": len(rows), "lost": len(lost), "reasons": sorted({each.reason for each in lost})[:5]}


def find_patterns(folder: Path, asked: Mapping[str, Any], report: Report, stop: Stop) -> dict[str, Any] | None:
    """What recurs across images and moves their verdicts; kept beside the analysis."""
    settings, made = discovery.DiscoverySettings(), analysis.load(folder)
    found = discovery.discover(folder, asked["of"] or None, settings, report=report, stop=stop)
    if found is None:
        return None
    key = discovery.place_of(made, asked["of"] or None, settings).name
    return {"key": key, "patterns": len(found.patterns), "groups": len(found.groups), "images": found.images,
            "note": found.note}  # fmt: skip


def counterfactual(folder: Path, asked: Mapping[str, Any], report: Report, stop: Stop) -> dict[str, Any] | None:
    """Verdicts without a region of each image, by every occluder."""
    made = analysis.load(folder)
    regions = _regions(made, asked, report, stop)
    found = None if regions is None else what_if.remove(folder, regions, asked["occluders"], report=report, stop=stop)
    if found is None:
        return None
    if "pattern" in asked and set(patterns.REMOVALS) <= set(found.after):
        flipped = [(found.after[name].logits > 0) != (found.before.logits > 0) for name in patterns.REMOVALS]
        taken = list(zip(found.rows.tolist(), found.held, strict=True))
        findings.keep_flips(made, asked["pattern"], taken, np.stack(flipped, 1))
    images = len(selections.rows_of(made, asked["of"])) if "of" in asked else len(np.unique(found.rows))
    return told(made, found) | {"of": images}  # nothing stands out in the rest


def read(folder: Path, asked: Mapping[str, Any], report: Report, stop: Stop) -> dict[str, Any] | None:
    """A text as the encoder reads it; kept, so that images can be found by it."""
    texts.read(analysis.load(folder), asked["words"])
    report(1, 1)
    return dict(asked)


def _regions(made: Analysis, asked: Mapping[str, Any], report: Report, stop: Stop) -> list[Region] | None:
    if "regions" in asked:
        return kinds.regions(asked, made.info["encoder"]["grid"])
    if "pattern" in asked:
        return list(findings.regions_of(made, asked["pattern"]))
    return what_if.strongest(made.built, selections.rows_of(made, asked["of"]), report=report, stop=stop)


def told(made: Analysis, found: Removed) -> dict[str, Any]:
    """What a counterfactual found, as JSON: of few regions each, of all their effects. Logits; above 0 toward fake."""
    rows = found.rows.tolist()
    few = [
        {
            "row": row,
            "before": _short(found.before.logits[number]),
            "after": {name: _short(after.logits[number]) for name, after in found.after.items()},
            "expected": {name: _short(change[number]) for name, change in found.expected.items()},
            "dimensions": {
                name: [_short(each) for each in made.head * (after.distilled[number] - found.before.distilled[number])]
                for name, after in found.after.items()
            },
        }
        for number, row in enumerate(rows if len(rows) <= FEW else [])
    ]
    effects = {
        name: {
            "images": effect.images,
            "change": _each(effect.change),
            "flips": _each(effect.flips),
            "dimensions": _each(made.head * effect.dimensions),
            "correlation": _each(effect.correlation),
            "slope": _each(effect.slope),
        }
        for name, effect in found.effects(made).items()
    }
    return {"images": few, "effects": effects, "regions": len(rows), "lost": len(found.skipped)}


def _each(values: Any) -> list[float | None] | None:
    return None if values is None else [_short(value) for value in values]


def _short(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


TASKS: Mapping[str, Task] = {
    "relevance": relevance,
    "patterns": find_patterns,
    "counterfactual": counterfactual,
    "text": read,
}
YIELDING = ("relevance",)  # what may stop for a smaller job, since it goes on where it was
