"""Maps: an analysis' token maps as people see them, opened without the model; numpy and Pillow only.

What is unusual in an image: its direct maps less the mean real image's (`identification/ordinary.py`). Everything
here is in logits, of dimensions too: a dimension's map is times its weight in the head that judged the image, so that
above 0 is toward fake in every map, the dimensions' maps add up to the logit's, and a map with its remainder sums to a
contribution.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import integrity
from .analysis import Analysis
from .errors import AnalysisError
from .identification import ordinary, pixels, store
from .identification.ordinary import QUIET
from .identification.pixels import Box, Levels, PixelGroup
from .identification.store import RelevanceStore

Floats = NDArray[np.float32]
Target = int | Literal["logit"]
METHOD = "direct"
FULL = 4.0  # levels at which a map has its full colour: most flaws that are found reach it, real images hardly half


@dataclass(frozen=True, eq=False)
class Reference:
    """What is ordinary in real images, in the maps' own units; kept beside the store once it is known."""

    rows: NDArray[np.intp]  # (r,) whose maps it is of
    usual: Floats  # (d, g, g) the mean of their dimensions' maps; a head says what is then ordinary of the logit
    remainder: Floats  # (d,) their mean remainder
    profile: Floats  # (d, blocks) their mean profile
    level: Floats  # (T,) what a place must exceed to stand out by itself, of dimensions and the logit
    broad: Floats  # (T,) and what its surroundings must

    @classmethod
    def of(cls, made: Analysis, kept: RelevanceStore, rows: NDArray[np.intp], quiet: float = QUIET) -> "Reference":
        """From real images that have their maps; `quiet` is the share of their places that stay below the level."""
        kept.verify(rows)
        maps = np.asarray(kept.maps[rows], np.float32)
        usual = ordinary.ordinary(maps[:, :-1])
        every = [*usual, _read(made.judging(rows)[0], usual)]  # of the logit, (r, g, g)
        at = [ordinary.levels(maps[:, target], each, quiet) for target, each in enumerate(every)]
        sharp, broad = np.array([(each.sharp, each.broad) for each in at], np.float32).T
        remainder, profile = (each[rows, :-1].astype(np.float32).mean(0) for each in (kept.remainder, kept.profile))
        return cls(rows, usual, remainder, profile, sharp, broad)

    def keep(self, kept: RelevanceStore) -> None:
        """Write it beside the store, whole or not at all."""
        written = io.BytesIO()
        np.savez(written, **vars(self))
        integrity.keep(kept.folder / store.REFERENCE, written.getvalue())


def reference(made: Analysis, kept: RelevanceStore) -> Reference | None:
    """What is ordinary, as it was kept or from maps that are all there; None while they are not."""
    file = kept.folder / store.REFERENCE
    if file.is_file():
        try:
            with np.load(io.BytesIO(integrity.body(file)), allow_pickle=False) as found:
                return Reference(**found)
        except (OSError, ValueError, TypeError) as error:
            raise AnalysisError(f"{file} is damaged ({error}); delete it, and it is computed again") from error
    rows = ordinary.reference(made)
    return Reference.of(made, kept, rows) if len(rows) and kept.done[rows].all() else None


def _read(weights: NDArray, of_dimensions: NDArray) -> Floats:
    """What heads (m, d) make of something of each dimension (d, …): (m, …)."""
    return np.tensordot(weights, of_dimensions, 1).astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class Maps:
    """An analysis' maps in logits, memory-mapped: what a job adds meanwhile is seen."""

    made: Analysis
    kept: RelevanceStore
    reference: Reference

    @classmethod
    def of(cls, made: Analysis) -> "Maps | None":
        """The maps of an analysis; None until the real images that all are compared with have theirs."""
        kept = store.read(made, METHOD)
        known = None if kept is None else reference(made, kept)
        return None if kept is None or known is None else cls(made, kept, known)

    def weigh(self, rows: Sequence[int] | NDArray) -> Floats:
        """The sensitivities of rows that are done, computed: (m,)."""
        found = [self.strongest(int(row)) for row in rows]
        return np.array([0.0 if group is None else abs(group.contribution) for group in found], np.float32)

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which images have their maps, (n,)."""
        return self.kept.done

    @property
    def sensitivity(self) -> NDArray[np.float32]:
        """By how many logits a verdict would be weaker without the `strongest` group, by the maps: (n,), at least 0.

        To first order: nothing is run again. 0 where nothing speaks for the verdict; nan where it is not known.
        """
        return self.kept.sensitivity

    def usual(self, rows: Sequence[int] | NDArray) -> Floats:
        """The logit's map of the mean real image, (m, g, g), as the heads that judged some images read it."""
        return _read(self.made.judging(rows)[0], self.reference.usual)

    @cached_property
    def level(self) -> Floats:
        """What a place must exceed to stand out by itself, (T,): nearly all places of real images stay below. By the
        mean head's weights."""
        return self.reference.level * np.abs(np.append(self.made.head, np.float32(1)))

    @cached_property
    def scale(self) -> Floats:
        """What has the full colour, (T,): one scale for the whole collection."""
        return self.level * FULL

    def unusual(self, rows: Sequence[int] | NDArray) -> tuple[Floats, Floats]:
        """Maps (m, T, g, g) and remainders (m, T) of rows that are done.

        The remainders are less real images' mean one: a map and its remainder sum to the contribution
        w (d - mean real d) of the reference; the logit's to the logit less that of the mean real image.
        """
        rows = np.asarray(rows, np.intp)
        assert self.done[rows].all(), "only of images that have their maps"
        self.kept.verify(rows)
        weights, offsets = self.made.judging(rows)
        maps = self._less(self.kept.maps[rows], self.reference.usual, weights)
        remainder = self._less(self.kept.remainder[rows], self.reference.remainder, weights)
        remainder[:, -1] -= offsets
        return maps, remainder

    def profile(self, rows: Sequence[int] | NDArray) -> Floats:
        """What of each `unusual` map's sum comes from which block of the encoder, (m, T, blocks)."""
        rows = np.asarray(rows, np.intp)
        self.kept.verify(rows)
        return self._less(self.kept.profile[rows], self.reference.profile, self.made.judging(rows)[0])

    @staticmethod
    def _less(kept: NDArray, usual: NDArray, weights: NDArray) -> Floats:
        """What is kept of targets (m, T, …) less what is usual of dimensions (d, …), in logits by heads (m, d)."""
        left = np.array(kept, np.float32)
        left[:, :-1] -= usual
        left[:, :-1] *= weights.reshape(*weights.shape, *[1] * (left.ndim - 2))
        left[:, -1] -= _read(weights, usual)
        return left

    def box(self, row: int) -> Box:
        """What the encoder sees of an image: left, top, right, bottom in the original's pixels, or beyond them."""
        self.kept.verify([row])
        left, top, right, bottom = self.kept.box[row].tolist()
        return left, top, right, bottom

    def groups(self, row: int, target: Target = "logit") -> list[PixelGroup]:
        """The pixel groups of a row that is done, the strongest first: of the logit, or of what a dimension adds."""
        maps = self.unusual([row])[0][0]  # (T, g, g)
        at = len(maps) - 1 if target == "logit" else target
        through = maps[:-1] if target == "logit" else maps[:-1] * (np.arange(len(maps) - 1) == at)[:, None, None]
        weight = abs(float(np.append(self.made.judging([row])[0], 1)[at]))
        levels = Levels(float(self.reference.level[at]) * weight, float(self.reference.broad[at]) * weight)
        width, height = self.made.arrays["size"][row].tolist()
        return pixels.groups(maps[at], through, levels, self.box(row), (width, height))

    def strongest(self, row: int) -> PixelGroup | None:
        """The pixel group of a row that speaks most for its verdict; None where nothing that stands out does."""
        for_it = (group for group in self.groups(row) if (group.contribution > 0) == (self.made.logits[row] > 0))
        return next(for_it, None)
