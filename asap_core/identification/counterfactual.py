"""What a detector would have said without a region: the region is taken away, and the image judged again."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..learning.detector import Detector, Judged
from ..learning.encoder import Encoder
from .occlusion import Dropping, painted, taken

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
