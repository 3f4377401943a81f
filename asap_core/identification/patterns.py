"""Patterns: pixel groups that recur across images, what they share, and what they do to verdicts. numpy only."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from . import contribution
from .naming import Name
from .pixels import Box, PixelGroup

EXEMPLARS = 4  # of each kind
TYPICAL = 3  # dimensions named
REMOVALS = ("drop", "swap")  # how a pattern is taken away; see `occlusion`

Interval = tuple[float, float, float]  # value, 95 % low and high


@dataclass(frozen=True, eq=False)
class Groups:
    """The pixel groups of many images, one a row; m groups, a grid of g, d dimensions."""

    row: NDArray[np.int64]  # (m,) the analysis' image
    pattern: NDArray[np.int64]  # (m,) -1: in none
    contribution: NDArray[np.float32]  # (m,) logits beyond the same places of authentic images, above 0 toward fake
    dimensions: NDArray[np.float32]  # (m, d) what of it comes through which dimension
    held: NDArray[np.float16]  # (m, g, g) share of each token
    seen: NDArray[np.float32]  # (m, 4) what the tokens cover: left, top, right, bottom in the original's pixels
    box: NDArray[np.float32]  # (m, 4) left, top, right, bottom in the original's pixels
    centre: NDArray[np.float32]  # (m, 2) across and down the original, 0 to 1
    typical: NDArray[np.float32]  # (m,) how alike the others of its pattern; 0 in none
    broad: NDArray[np.bool_]  # (m,) whether it is spread thin: `PixelGroup.broad`

    @classmethod
    def of(cls, found: Sequence[tuple[int, Box, PixelGroup]], grid: tuple[int, int], dimensions: int) -> "Groups":
        """Rows, what is seen of them, and their pixel groups as a table, in no pattern yet."""
        m, each = len(found), [group for _, _, group in found]
        return cls(
            row=np.array([row for row, _, _ in found], np.int64),
            pattern=np.full(m, -1),
            contribution=np.array([group.contribution for group in each], np.float32),
            dimensions=np.array([group.dimensions for group in each], np.float32).reshape(m, dimensions),
            held=np.array([group.held for group in each], np.float16).reshape(m, *grid),
            seen=np.array([seen for _, seen, _ in found], np.float32).reshape(m, 4),
            box=np.array([group.box for group in each], np.float32).reshape(m, 4),
            centre=np.array([group.centre for group in each], np.float32).reshape(m, 2),
            typical=np.zeros(m, np.float32),
            broad=np.array([group.broad for group in each], bool),
        )

    def __len__(self) -> int:
        return len(self.row)

    def take(self, which: NDArray) -> "Groups":
        """Some of the groups."""
        return Groups(*(getattr(self, field.name)[which] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Flips:
    """Whether an image's verdict changed when all its groups of one pattern were taken away; p of these trials."""

    row: NDArray[np.int64]  # (p,)
    pattern: NDArray[np.int64]  # (p,)
    changed: NDArray[np.bool_]  # (p, 2) with each of REMOVALS

    def __len__(self) -> int:
        return len(self.row)

    def of(self, rows: NDArray, pattern: int) -> NDArray[np.float64]:
        """Of images (r,) and a pattern: 1 where the verdict changed, 0 where not, NaN where not tried; (r, 2)."""
        found, mine = np.full((len(rows), len(REMOVALS)), np.nan), np.flatnonzero(self.pattern == pattern)
        at = {int(row): i for i, row in enumerate(rows)}
        for each in mine:
            if int(self.row[each]) in at:
                found[at[int(self.row[each])]] = self.changed[each]
        return found


@dataclass(frozen=True)
class Exemplar:
    """A group that stands for its pattern: among the most typical, the strongest, or against its image's truth."""

    why: str  # typical, strongest or contradicting
    group: int  # in the table of groups
    row: int
    path: str
    box: tuple[float, float, float, float]
    contribution: float


@dataclass(frozen=True)
class Pattern:
    """What many images share that moves their verdicts; intervals are [value, low, high], 95 % bootstrap."""

    name: Name
    toward: str  # fake or real
    broad: bool  # whether most of its groups are spread thin
    n_groups: int
    n_images: int
    n_real: int  # images of each truth that have it, of so many looked at
    n_fake: int
    of_real: int
    of_fake: int
    generators: dict[str, tuple[int, int]]  # images that have it, of how many
    contribution: Interval  # logits an image, mean over the images that have it
    flip_rate: (
        Interval | None
    )  # share whose verdict changes when all its groups' tokens are dropped; None: not measured
    swap_flip_rate: Interval | None  # the same where a real image's pixels take their place
    n_flips: int  # images that these two were measured on
    stability: float | None  # Jaccard index, 0 to 1: how surely it is found again; None: put together by hand
    dimensions: tuple[tuple[int, float], ...]  # the strongest, and the logits that come through each
    centre: tuple[float, float]  # across and down, 0 to 1: where it usually is
    exemplars: tuple[Exemplar, ...]

    @property
    def share_real(self) -> float:
        """Of the real images looked at, how many have it, 0 to 1."""
        return self.n_real / max(self.of_real, 1)

    @property
    def share_fake(self) -> float:
        """Of the fakes looked at, how many have it, 0 to 1."""
        return self.n_fake / max(self.of_fake, 1)


@dataclass(frozen=True, eq=False)
class Looked:
    """The images that were looked at, and what an analysis knows of all (n,)."""

    rows: NDArray[np.int64]  # (r,)
    is_fake: NDArray[np.bool_]  # (n,) the truth, or the verdict where that is not known
    generator: Sequence[str]  # (n,)
    paths: Sequence[str]  # (n,)
    duplicates: NDArray[np.int64]  # (n,) images that share a number are resampled together


def describe(
    groups: Groups,
    which: NDArray[np.intp],
    name: Name,
    flips: NDArray[np.float64],
    stability: float | None,
    looked: Looked,
    seed: int,
) -> Pattern:
    """One pattern from some of the groups (m,), and which of its images, by ascending rows, flipped with which
    of REMOVALS (images, 2): 1, 0, or NaN where that is not known."""
    mine = groups.take(which)
    rows, at = np.unique(mine.row, return_inverse=True)
    sums = np.bincount(at, mine.contribution)  # (images,) logits
    fake = looked.is_fake[rows]
    of_fake = int(looked.is_fake[looked.rows].sum())
    toward_fake = bool(sums.mean() > 0)
    middle = np.average(mine.centre, axis=0, weights=np.abs(mine.contribution) + 1e-9)
    through = mine.dimensions.sum(0) / len(rows)  # (d,) logits an image
    order = np.argsort(-through if toward_fake else through)[:TYPICAL]
    tried = ~np.isnan(flips).any(1)
    rates = [_mean(each[tried], looked.duplicates[rows[tried]], seed) if tried.any() else None for each in flips.T]
    return Pattern(
        name=name,
        toward="fake" if toward_fake else "real",
        broad=bool(mine.broad.mean() > 0.5),
        n_groups=len(mine),
        n_images=len(rows),
        n_real=int((~fake).sum()),
        n_fake=int(fake.sum()),
        of_real=len(looked.rows) - of_fake,
        of_fake=of_fake,
        generators=_by_generator(rows, looked),
        contribution=_mean(sums, looked.duplicates[rows], seed),
        flip_rate=rates[0],
        swap_flip_rate=rates[1],
        n_flips=int(tried.sum()),
        stability=None if stability is None else round(float(stability), 3),
        dimensions=tuple((int(k), float(through[k])) for k in order),
        centre=(float(middle[0]), float(middle[1])),
        exemplars=tuple(_exemplars(mine, which, looked)),
    )


def no_flips() -> Flips:
    """Of no trial at all."""
    return Flips(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, len(REMOVALS)), bool))


def places(groups: Groups) -> NDArray[np.float32]:
    """Where each pattern usually sits: the share of its groups that hold each token, (patterns, g, g)."""
    count = int(groups.pattern.max(initial=-1)) + 1
    found = [groups.held[groups.pattern == c].mean(0, dtype=np.float32) for c in range(count)]
    return np.array(found, np.float32).reshape(count, *groups.held.shape[1:])


def sentence(pattern: Pattern) -> str:
    """A pattern in plain words, with its numbers."""
    among_fakes = pattern.share_fake >= pattern.share_real
    have, of = (pattern.n_fake, pattern.of_fake) if among_fakes else (pattern.n_real, pattern.of_real)
    kind = "fakes" if among_fakes else "authentic images"
    for name, (some, total) in pattern.generators.items():
        if among_fakes and name != "real" and some >= 0.8 * pattern.n_fake and total < pattern.of_fake:
            have, of, kind = some, total, f"fakes of *{name}*"
    named = pattern.name.text
    nearest = f"unnamed, nearest: {pattern.name.near[0]}"
    what = f"**{named}**" if named != "unnamed" else f"something at {_place(pattern.centre)} ({nearest})"
    what += ", spread thin" if pattern.broad else ""
    value, low, high = pattern.contribution
    moved = f"({value:+.1f} logits, 95 % {low:.1f} to {high:.1f})"
    return (
        f"In {have} of {of} {kind}, the detector is moved toward {pattern.toward} by {what} {moved}; {_flips(pattern)}"
    )


def _flips(pattern: Pattern) -> str:
    if pattern.flip_rate is None or pattern.swap_flip_rate is None:
        return "what removing the region changes is not measured yet"
    (flips, least, most), swapped = ([round(100 * each) for each in rate]
                                     for rate in (pattern.flip_rate, pattern.swap_flip_rate))  # fmt: skip
    return (
        f"removing the region flips {flips} % ({least} to {most} %, n = {pattern.n_flips}), "
        f"a real image's in its place {swapped[0]} % ({swapped[1]} to {swapped[2]} %)"
    )


def _place(centre: tuple[float, float]) -> str:
    down = ("the top", "the middle", "the bottom")[min(int(3 * max(centre[1], 0)), 2)]
    across = (" left", "", " right")[min(int(3 * max(centre[0], 0)), 2)]
    return down + across


def _by_generator(rows: NDArray, looked: Looked) -> dict[str, tuple[int, int]]:
    every = np.asarray(looked.generator, str)
    seen, have = every[looked.rows], every[rows]
    return {str(name): (int((have == name).sum()), int((seen == name).sum())) for name in np.unique(seen)}


def _mean(values: NDArray, duplicates: NDArray, seed: int) -> Interval:
    found = contribution.summarise(values[:, None], seed, duplicates)
    return float(found.mean[0]), float(found.low[0]), float(found.high[0])


def _exemplars(groups: Groups, which: NDArray, looked: Looked) -> list[Exemplar]:
    """The most typical, the strongest, and those against the truth; an image stands once for each."""
    against = (groups.contribution > 0) != looked.is_fake[groups.row]
    strength, found = np.abs(groups.contribution), []
    orders = {
        "typical": np.argsort(-groups.typical, kind="stable"),
        "strongest": np.argsort(-strength, kind="stable"),
        "contradicting": np.argsort(-np.where(against, strength, -1), kind="stable")[: against.sum()],
    }
    for why, order in orders.items():
        _, first = np.unique(groups.row[order], return_index=True)
        for each in order[np.sort(first)[:EXEMPLARS]]:
            box = tuple(round(float(edge), 1) for edge in groups.box[each])
            row, pulls = int(groups.row[each]), round(float(groups.contribution[each]), 3)
            found.append(Exemplar(why, int(which[each]), row, looked.paths[row], box, pulls))  # pyright: ignore
    return found
