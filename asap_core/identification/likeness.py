"""What is unusual about regions: their readings less those of authentic regions most like them, as unit vectors.

A flawed eye behind glasses is compared with authentic eyes behind glasses, so that neither eye nor glasses speak. What
is left is told in units of how far authentic regions lie from those most like *them*: whitening by that covariance,
with shrinkage. Alike is what lies close in the joint embedding. scikit-learn is imported where it is needed: it is
slow to load.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..learning import subspace

Floats = NDArray[np.float64]
SPARE = 6  # times as many neighbours are looked through for those of other images


@dataclass(frozen=True, eq=False)
class Readings:
    """What the encoder sees in m regions."""

    image: NDArray[np.int64]  # (m,) of which image
    broad: NDArray[np.bool_]  # (m,) on which scale they, or regions of their shape, stand out
    blocks: list[NDArray[np.float32]]  # (m, c) each
    joint: NDArray[np.float32]  # (m, e)

    def take(self, which: NDArray) -> "Readings":
        """Some of the regions."""
        blocks = [each[which] for each in self.blocks]
        return Readings(self.image[which], self.broad[which], blocks, self.joint[which])


@dataclass(frozen=True)
class LikenessSettings:
    """How regions are described; chosen on the demo's planted flaws (`python -m tests.bench.patterns`)."""

    ends: float = 1 / 6  # share of the blocks left out at either end: the first see edges, the last whole images
    subspace: int = 256  # directions kept before whitening
    like: int = 5  # authentic regions that each region is compared with
    shrinkage: float = 0.1  # of the largest variance, added to each
    kept: int = 64  # directions kept after it


def vectors(ours: Readings, authentic: Readings, settings: LikenessSettings, seed: int) -> Floats:
    """Readings of m regions, and of authentic ones -> what is unusual about the m, unit vectors (m, kept)."""
    both = np.concatenate(_standardised(ours, authentic, settings.ends))  # (m + r, sum of c)
    found = subspace.principal(both, settings.subspace, seed)[0].astype(np.float64)
    m, middle = len(ours.joint), authentic.joint.mean(0)
    meaning = [subspace.normalise(each.joint - middle) for each in (ours, authentic)]
    usual = found[m:], meaning[1], authentic.image
    left = _less_alike(found[m:], meaning[1], authentic.image, usual, settings.like)  # (r, q)
    values, turn = np.linalg.eigh(left.T @ left / len(left))
    white = turn / np.sqrt(np.maximum(values, 0) + settings.shrinkage * values[-1])
    unit = subspace.normalise(_less_alike(found[:m], meaning[0], ours.image, usual, settings.like) @ white)
    kept = subspace.principal((unit - unit.mean(0)).astype(np.float32), settings.kept, seed)[0]
    return subspace.normalise(kept.astype(np.float64))


def _standardised(ours: Readings, authentic: Readings, ends: float) -> tuple[NDArray, NDArray]:
    """Readings of the middle blocks side by side, in units of authentic regions; each block counts alike."""
    skipped, found = round(ends * len(ours.blocks)), []
    for here, real in list(zip(ours.blocks, authentic.blocks, strict=True))[skipped : len(ours.blocks) - skipped]:
        size = (real.std(0) + 1e-6) * np.sqrt(real.shape[1])
        found.append([((each - real.mean(0)) / size).astype(np.float32) for each in (here, real)])
    first, second = (np.hstack(each) for each in zip(*found, strict=True))
    return first, second


def _less_alike(
    found: Floats, meaning: NDArray, image: NDArray, usual: tuple[Floats, NDArray, NDArray], like: int
) -> Floats:
    """Vectors (m, q) less the mean of the authentic ones of other images that mean nearly the same."""
    from sklearn.neighbors import NearestNeighbors

    theirs, meanings, images = usual
    count = min(SPARE * like, len(theirs))
    near = NearestNeighbors(n_neighbors=count).fit(meanings).kneighbors(meaning, return_distance=False)
    own = images[near] == image[:, None]  # (m, count)
    order = np.argsort(own, axis=1, kind="stable")[:, :like]  # the nearest of others; its own where there are no more
    return found - theirs[np.take_along_axis(near, order, 1)].mean(1)
