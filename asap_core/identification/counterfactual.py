"""What a detector would have said without a region."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..learning.detector import Detector, Judged
from ..learning.encoder import Encoder
from ..projection import glyphs
from . import faithfulness
from .occlusion import Dropping, painted, taken

Floats = NDArray[np.float64]
CHUNK = 64  # copies of images held at once


def without(
    encoder: Encoder,
    detector: Detector,
    images: Tensor,
    held: Tensor | NDArray,
    occluder: str = "drop",
    donors: Tensor | None = None,
) -> Judged:
    """Judge images without a region of each: what the detector says, row by row.

    `images` are prepared (n, 3, s, s) uint8; `held` (n, g, g) is the share of each token to take away, 0 to 1, see
    `occlusion.taken`. `occluder` is "drop", "mean", "blur", or "swap" with `donors` (n, 3, s, s) uint8; see
    `occlusion` for what each does and what leaks. SettingsError for another, EncoderError where no tokens can be
    followed.
    """
    shares = torch.as_tensor(held)
    return each_without(encoder, detector, images, shares[:, None], occluder, donors)


def each_without(
    encoder: Encoder,
    detector: Detector,
    images: Tensor,
    held: Tensor | NDArray,
    occluder: str = "drop",
    donors: Tensor | None = None,
) -> Judged:
    """Judge every image without each of several regions: held (n, m, g, g), answer of n m rows, an image's together.

    Dropping passes each image once through the trunk, however many regions.
    """
    shares = torch.as_tensor(held)
    n, m = shares.shape[:2]
    gone = taken(shares.flatten(0, 1))  # (n m, g, g)
    if occluder == "drop":
        readings = Dropping(encoder, images).readings(gone.unflatten(0, (n, m)))
        return detector.judge(readings.reshape(n * m, -1))
    again = torch.arange(n).repeat_interleave(m)
    found = []
    for rows, some in zip(again.split(CHUNK), gone.split(CHUNK), strict=True):  # copies of a few images at a time
        theirs = None if donors is None else donors[rows]
        found.append(encoder.encode(painted(images[rows], some, occluder, theirs)).used)
    return detector.judge(np.concatenate(found))


def predicted(logit_maps: NDArray, gone: NDArray[np.bool_], usual: NDArray | None = None) -> Floats:
    """By how much maps say that logits change without tokens (m, g, g) bool: (m,), from maps of the logit (m, g, g).

    Painted over, a region takes its part of the map with it; of the map less the `usual` one of real images (g, g),
    if given. Dropped (`usual` None), what stays counts for more: of a mean over t tokens, the r of a region are left
    out and the rest is divided by t - r. So a region takes what it says beyond its share of the image's mean.
    """
    maps, region = np.asarray(logit_maps, np.float64), gone.astype(np.float64)
    said = (maps * region).sum((1, 2))
    if usual is not None:
        return -(said - (usual * region).sum((1, 2)))
    r, t = region.sum((1, 2)), region[0].size
    return -(said - r * maps.mean((1, 2))) * t / np.maximum(t - r, 1)


@dataclass(frozen=True)
class Effect:
    """What taking a region away did, over m images; intervals are [value, low, high], 95 %."""

    images: int
    change: list[float]  # of the logit, above 0 toward fake; bootstrap over images
    dimensions: Floats  # (d,) mean change of each
    flips: list[float]  # share of images whose verdict changed; Wilson
    correlation: list[float] | None  # of predicted and measured changes; None for fewer than three
    slope: list[float] | None  # measured logits to one predicted


def effect(before: Judged, after: Judged, expected: NDArray, seed: int, groups: NDArray | None = None) -> Effect:
    """Compare verdicts on m images before and after, and with what was expected (m,); whole groups are resampled."""
    change = (after.logits - before.logits).astype(np.float64)
    flipped = (after.logits > 0) != (before.logits > 0)
    low, high = glyphs.wilson(flipped.sum(), np.asarray(len(flipped)))
    columns = np.stack([expected, change, expected**2, change**2, expected * change], 1)

    def agreement(measure: Callable[[Floats], Floats]) -> list[float] | None:
        return faithfulness.resampled(columns, measure, seed, groups) if len(change) > 2 else None

    return Effect(
        len(change),
        faithfulness.interval(change, seed, groups),
        (after.distilled - before.distilled).mean(0, dtype=np.float64),
        [float(flipped.mean()), float(low), float(high)],
        agreement(lambda m: _covariance(m) / np.sqrt(np.maximum(_spread(m, 0) * _spread(m, 1), 1e-24))),
        agreement(lambda m: _covariance(m) / np.maximum(_spread(m, 0), 1e-12)),
    )


def _covariance(means: Floats) -> Floats:
    return means[:, 4] - means[:, 0] * means[:, 1]


def _spread(means: Floats, column: int) -> Floats:
    return means[:, 2 + column] - means[:, column] ** 2
