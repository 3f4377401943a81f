"""What is ordinary, and what is unusual: token maps against those of real images.

A decomposition gives every place its share of a value, and most of it is what any image has there. Less the mean map
of real images, what is ordinary cancels and what is unusual speaks: a map then sums, with its remainder, to the value
as before, and its part of the logit is a part of the contribution w (d - mean real d), to which real images add up to
nothing on average.
"""

import numpy as np
from numpy.typing import NDArray

from ..analysis import Analysis
from .pixels import Levels, surroundings

Floats = NDArray[np.float32]
ENOUGH = 256  # real images: their mean is then known to a sixteenth of what they differ by
QUIET = 0.985  # share of the places of real images that stay below the level of pixel groups


def reference(made: Analysis) -> NDArray[np.intp]:
    """The real images that all maps of an analysis are compared with: a seeded sample of them, rows ascending.

    Those judged real where the truth is not known; empty where there are none.
    """
    real = np.flatnonzero(made.logits <= 0 if made.is_fake is None else ~made.is_fake)
    return np.sort(np.random.default_rng(made.info.get("seed", 0)).permutation(real)[:ENOUGH])


def ordinary(maps: NDArray) -> Floats:
    """The mean of real images' maps (n, T, g, g), in their units: (T, g, g)."""
    assert len(maps), "no real image, so nothing is known to be ordinary"
    return np.asarray(np.mean(maps, axis=0, dtype=np.float64), np.float32)


def unusual(maps: NDArray, remainder: NDArray, usual: NDArray) -> tuple[Floats, Floats]:
    """Maps (n, T, g, g) and remainders (n, T) less what is ordinary (T, g, g), or in each image (n, T, g, g); both sum
    to the value as before."""
    left = np.asarray(maps, np.float32) - usual
    return left, (remainder + usual.sum((-2, -1), dtype=np.float64)).astype(np.float32)


def levels(maps: NDArray, usual: NDArray, quiet: float = QUIET) -> Levels:
    """What stands out: nearly all places of real images' maps (n, g, g) lie nearer to `usual`, on both scales."""
    away = np.asarray(maps, np.float32) - usual
    sharp = float(np.quantile(np.abs(away), quiet))
    return Levels(sharp, float(np.quantile(np.abs(surroundings(away, sharp)), quiet)))
