"""What if: images of an analysis judged again without a region of each, and what that did to their verdicts.

A region is a row and the share of each token that it holds (g, g): a pixel group's `held`, a pattern's groups, or,
for an image or a cell, the `strongest` group of each image.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from . import analysis, explanation
from .analysis import Analysis
from .errors import AnalysisError
from .folder import Skipped
from .identification import counterfactual, occlusion, relevance
from .identification.counterfactual import Effect
from .learning.detector import Detector, Judged, encoder_of
from .learning.encoder import Encoder
from .progress import Report, silent

Region = tuple[int, NDArray]
BATCH = 16  # images at once
SPACES = ("spell_free", "distilled")


@dataclass(frozen=True, eq=False)
class Removed:
    """Verdicts on m regions' images, before and after, in their order; those whose images are lost are left out."""

    rows: NDArray[np.intp]  # (m,)
    held: NDArray[np.float32]  # (m, g, g)
    before: Judged  # m rows
    after: Mapping[str, Judged]  # by occluder
    expected: Mapping[str, NDArray[np.float64]]  # (m,) change of the logit that the maps predict, by occluder
    skipped: tuple[Skipped, ...]

    def effects(self, made: Analysis) -> dict[str, Effect]:
        """What every occluder did; near-duplicates share their fate."""
        groups, seed = made.arrays["group"][self.rows], made.info["seed"]
        return {
            name: counterfactual.effect(self.before, after, self.expected[name], seed, groups)
            for name, after in self.after.items()
        }


def remove(
    folder: Path,
    regions: Sequence[Region],
    occluders: Sequence[str] = ("drop",),
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Removed | None:
    """Judge images of the analysis in `folder` without a region each, by every occluder; None where stopped.

    Regions of one image are taken away one by one. "swap" takes the place of the nearest real image. SettingsError
    for an unknown occluder, AnalysisError where there is nothing to take away or no image can be read.
    """
    if not regions:
        raise AnalysisError("no region to take away: choose images, a group or a pattern")
    made = analysis.load(folder)
    eye, detector = encoder_of(made, device), Detector.of(made.built)
    usual = None
    if set(occluders) - {"drop"}:
        known = explanation.compared(made.built, device=device, workers=workers, stop=stop)
        if known is None:
            return None
        usual = known.usual[-1]
    row_of = np.array([row for row, _ in regions])
    rows, done, parts, placed, lost = np.unique(row_of), 0, [], [], []
    for seen, images, gone in explanation.prepared(made, eye, rows, BATCH, workers):
        lost += gone
        here = np.flatnonzero(np.isin(row_of, seen))
        if len(here):
            mine = images[np.searchsorted(seen, row_of[here])].to(eye.device)
            held = np.stack([np.asarray(regions[number][1], np.float32) for number in here.tolist()])
            donors = _donors(made, eye, row_of[here], mine, workers) if "swap" in occluders else None
            placed.append(here)
            parts.append(_removed(eye, detector, row_of[here], mine, held, donors, usual, occluders))
        done += len(seen) + len(gone)
        report(done, len(rows))
        if stop():
            return None
    if not parts:
        raise AnalysisError(f"none of the {len(rows)} images can be read any more: {lost[0].reason}")
    return _joined(parts, np.argsort(np.concatenate(placed)), tuple(lost))


def strongest(
    folder: Path,
    rows: Sequence[int] | NDArray,
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> list[Region] | None:
    """The pixel group of each row that speaks most for its verdict; none for an image in which nothing stands out.

    See `maps.Maps.strongest`; maps that are missing are computed first. None where it was stopped.
    """
    explanation.complete(folder, rows, device, workers, report, stop)
    known = None if stop() else explanation.compared(folder, device, workers)
    if known is None:
        return None
    chosen = np.unique(np.asarray(rows, np.intp))
    found = [(int(row), known.strongest(int(row))) for row in chosen[known.done[chosen]]]
    return [(row, group.held) for row, group in found if group is not None]


def across(made: Analysis, row: int, space: str = "spell_free") -> int | None:
    """The nearest image with the other verdict, by spell-free or distilled vectors; None where all agree."""
    assert space in SPACES, f"no space {space}"
    return counterfactual.across(made.arrays[space], made.logits, row)


def _removed(
    eye: Encoder,
    detector: Detector,
    rows: NDArray[np.intp],
    images: torch.Tensor,
    held: NDArray[np.float32],
    donors: torch.Tensor | None,
    usual: NDArray | None,
    occluders: Sequence[str],
) -> Removed:
    maps = relevance.token_maps(eye, detector, images, ["logit"]).maps[:, 0].double().cpu().numpy()
    gone = occlusion.taken(held).numpy()
    after = {name: counterfactual.without(eye, detector, images, held, name, donors) for name in occluders}
    expected = {name: counterfactual.predicted(maps, gone, None if name == "drop" else usual) for name in occluders}
    return Removed(rows, held, detector.judge(eye.encode(images).used), after, expected, ())


def _donors(
    made: Analysis, eye: Encoder, rows: NDArray[np.intp], like: torch.Tensor, workers: int | None
) -> torch.Tensor:
    """Of each row, the nearest real image that is no near-duplicate of it, prepared; itself where there is none."""
    real = np.flatnonzero(made.logits <= 0 if made.is_fake is None else ~made.is_fake)
    vectors, group = np.asarray(made.arrays["spell_free"][real], np.float32), made.arrays["group"]
    chosen = []
    for row in rows:
        away = vectors - np.asarray(made.arrays["spell_free"][row], np.float32)
        distance = np.where(group[real] == group[row], np.inf, np.einsum("nk,nk->n", away, away))
        chosen.append(int(real[distance.argmin()]) if np.isfinite(distance).any() else int(row))
    donors = like.clone()
    for seen, images, _ in explanation.prepared(made, eye, np.unique(chosen), BATCH, workers):
        for number in np.flatnonzero(np.isin(chosen, seen)):
            donors[number] = images[int(np.searchsorted(seen, chosen[number]))]
    return donors


def _joined(parts: Sequence[Removed], order: NDArray[np.intp], lost: tuple[Skipped, ...]) -> Removed:
    def whole(some: Sequence[NDArray]) -> NDArray:
        return np.concatenate(some)[order]

    def judged(some: Sequence[Judged]) -> Judged:
        return Judged(*(whole([getattr(each, field.name) for each in some]) for field in fields(Judged)))

    return Removed(
        whole([part.rows for part in parts]),
        whole([part.held for part in parts]),
        judged([part.before for part in parts]),
        {name: judged([part.after[name] for part in parts]) for name in parts[0].after},
        {name: whole([part.expected[name] for part in parts]) for name in parts[0].expected},
        lost,
    )
