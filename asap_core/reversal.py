"""Reversal: are errors explained? Wrong verdicts without the region that speaks most for them.

The region is taken away, and the head that gave the verdict judges again. Chance is a region of the same shape moved to
a random place. Errors in which nothing speaks for the wrong verdict count as not reversed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import analysis, explanation, what_if
from .analysis import Analysis
from .identification.pixels import PixelGroup
from .maps import Maps
from .progress import Report, silent
from .projection.glyphs import wilson
from .what_if import Region

OCCLUDERS = ("drop", "swap")
PARTS = ("strongest", "others", "against", "elsewhere", "remainder", "usual")


@dataclass(frozen=True)
class ReversalSettings:
    """How errors are tried."""

    most: int = 400  # errors tried, a seeded sample
    moves: int = 5  # random places of each region
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Parts:
    """What a wrong verdict is made of, in logits toward it; they sum to it."""

    strongest: float  # the region that speaks most for it
    others: float  # further regions for it
    against: float  # regions against it
    elsewhere: float  # places in no region
    remainder: float  # what belongs to no place
    usual: float  # what the head says of the mean real image

    @classmethod
    def of(cls, known: Maps, row: int, groups: list[PixelGroup]) -> "Parts":
        """Of an image whose pixel groups these are, the strongest first."""
        maps, remainder = known.unusual([row])
        logit, side = float(known.made.logits[row]), 1 if known.made.logits[row] > 0 else -1
        spoken = [side * group.contribution for group in groups]
        speaking = [value for value in spoken if value > 0]
        whole, rest = side * float(maps[0, -1].sum(dtype=np.float64)), side * float(remainder[0, -1])
        strongest = speaking[0] if speaking else 0.0
        return cls(
            strongest,
            sum(speaking) - strongest,
            sum(spoken) - sum(speaking),
            whole - sum(spoken),
            rest,
            side * logit - whole - rest,
        )


def examine(
    folder: Path,
    settings: ReversalSettings,
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any] | None:
    """Misses and false alarms of the analysis in `folder`: how many become right, and what they are made of.

    {"misses" | "false_alarms": {"n", "of", "with_region", "without_region" | "without_all" | "without_random":
    {occluder: [share, low, high]}, "parts": {PARTS: mean logits toward the wrong verdict}}}; the shares are of all n,
    with Wilson's intervals. None where it was stopped, and of unlabelled images {}.
    """
    made = analysis.load(folder)
    if made.is_fake is None:
        return {}
    wrong = np.flatnonzero((made.logits > 0) != made.is_fake)
    rows = np.sort(np.random.default_rng(settings.seed).permutation(wrong)[: settings.most])
    if not len(rows):
        return {name: {"n": 0, "of": 0} for name in ("misses", "false_alarms")}
    explanation.complete(folder, rows, device, workers, lambda done, total: report(done, 2 * total), stop)
    known = None if stop() else explanation.compared(folder, device, workers)
    if known is None:
        return None
    rows = rows[known.done[rows]]  # those that can be read still
    groups = {row: known.groups(row) for row in rows.tolist()}
    regions, kinds = _regions(made, groups, settings)
    reversed_ = _reversed(made, regions, device, workers, lambda d, n: report(n + d, 2 * n), stop)
    if reversed_ is None:
        return None
    parts = {row: Parts.of(known, row, groups[row]) for row in rows.tolist()}
    return {
        name: _told(rows[made.is_fake[rows] == fake], int((made.is_fake[wrong] == fake).sum()), kinds, reversed_, parts)
        for name, fake in (("misses", True), ("false_alarms", False))
    }


def _regions(
    made: Analysis, groups: dict[int, list[PixelGroup]], settings: ReversalSettings
) -> tuple[list[Region], list[tuple[int, str]]]:
    """What is taken away from each image, and of each what it is: (row, region | all | random)."""
    regions: list[Region] = []
    kinds: list[tuple[int, str]] = []
    rng = np.random.default_rng(settings.seed)
    for row, found in groups.items():
        speaking = [group.held for group in found if (group.contribution > 0) == (made.logits[row] > 0)]
        if not speaking:
            continue
        held = speaking[0]
        moves = rng.integers(0, held.shape, (settings.moves, 2)).tolist()
        each = [("region", held), ("all", np.sum(speaking, axis=0).clip(0, 1))]
        each += [("random", np.roll(held, move, (0, 1))) for move in moves]
        regions += [(row, some) for _, some in each]
        kinds += [(row, kind) for kind, _ in each]
    return regions, kinds


def _reversed(
    made: Analysis,
    regions: list[Region],
    device: str | None,
    workers: int | None,
    report: Report,
    stop: Callable[[], bool],
) -> dict[str, NDArray[np.float64]] | None:
    """By occluder, whether each region's image is judged right without it, (regions,); None where stopped."""
    if not regions:
        return {name: np.zeros(0) for name in OCCLUDERS}
    found = what_if.remove(made.built, regions, OCCLUDERS, device, workers, report, stop)
    if found is None:
        return None
    right = np.zeros((len(OCCLUDERS), len(regions)))
    there = np.isin([row for row, _ in regions], found.rows)  # an image that is lost meanwhile stays as it was
    assert made.is_fake is not None, "errors are of labelled images"
    for number, name in enumerate(OCCLUDERS):
        right[number, there] = (found.after[name].logits > 0) == made.is_fake[found.rows]
    return dict(zip(OCCLUDERS, right, strict=True))


def _told(
    rows: NDArray[np.intp],
    of: int,
    kinds: list[tuple[int, str]],
    reversed_: dict[str, NDArray[np.float64]],
    parts: dict[int, Parts],
) -> dict[str, Any]:
    n, row_of = len(rows), np.array([row for row, _ in kinds], np.intp)
    if not n:
        return {"n": 0, "of": of}
    kind_of = np.array([kind for _, kind in kinds])

    def share(kind: str, right: NDArray[np.float64]) -> list[float]:
        mine = np.isin(row_of, rows) & (kind_of == kind)
        each = right[mine].sum() / max(mine.sum() / max(len(np.unique(row_of[mine])), 1), 1)  # images, draws averaged
        low, high = wilson(np.asarray(each), np.asarray(n))
        return [float(each / n), float(low), float(high)]

    shares = {
        f"without_{kind}": {name: share(kind, right) for name, right in reversed_.items()}
        for kind in ("region", "all", "random")
    }
    mean = {name: float(np.mean([getattr(parts[row], name) for row in rows.tolist()])) for name in PARTS}
    return {"n": n, "of": of, "with_region": len(np.intersect1d(rows, row_of)), **shares, "parts": mean}
