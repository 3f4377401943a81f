"""I2. Token maps finer than tokens: the image moved by fractions of a patch, its maps laid where they belong.

Every window's map says how much a patch matters, wherever its edges fell; their average has the grid of the
fractions. It costs as many passes as there are windows, so it is for the image that is looked at.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..errors import SettingsError
from ..learning.detector import Detector
from ..learning.encoder import Encoder
from .relevance import token_maps
from .targets import Target, TokenMaps


def sharpened(
    encoder: Encoder,
    detector: Detector,
    images: Tensor,
    targets: Sequence[Target] | None = None,
    method: str = "direct",
    fractions: int = 2,
) -> TokenMaps:
    """Prepared images (n, 3, s, s) -> maps (n, T, fractions g, fractions g), each cell the mean of those that cover it.

    Values are means over the windows; what the cells do not hold is in the remainder. Beyond the image its edge is
    repeated. SettingsError where a patch cannot be cut into so many pixels.
    """
    rows, columns = encoder.grid
    steps = images.shape[2] / rows / fractions, images.shape[3] / columns / fractions
    if fractions < 1 or any(step != int(step) for step in steps):
        raise SettingsError(
            f"a patch of {images.shape[2] / rows:g} pixels cannot be moved by {fractions} fractions: "
            "choose a number that divides it"
        )
    total, times, found = torch.zeros(()), torch.zeros(()), []
    for down, across in _windows(fractions):
        moved = _moved(_moved(images, 2, down * int(steps[0])), 3, across * int(steps[1]))
        seen = token_maps(encoder, detector, moved, targets, method)
        found.append(seen)
        fine = seen.maps.repeat_interleave(fractions, 2).repeat_interleave(fractions, 3) / fractions**2
        total = total + _laid(fine, down, across)
        times = times + _laid(torch.ones_like(fine[:1, :1]), down, across)
    maps = total / times
    values, profile = (torch.stack([getattr(each, name) for each in found]).mean(0) for name in ("values", "profile"))
    return TokenMaps(maps, values - maps.sum((2, 3)), values, profile)


def _windows(fractions: int) -> Iterator[tuple[int, int]]:
    """How far each window is moved, down and across, in fractions of a patch."""
    moves = range(-(fractions // 2), fractions - fractions // 2)
    return ((down, across) for down in moves for across in moves)


def _moved(images: Tensor, axis: int, by: int) -> Tensor:
    """What a window sees that stands `by` pixels further along an axis."""
    size = images.shape[axis]
    return images.index_select(axis, (torch.arange(size, device=images.device) + by).clamp(0, size - 1))


def _laid(fine: Tensor, down: int, across: int) -> Tensor:
    """A window's map where it belongs on the image; what lies beyond the image is left out."""
    h, w = fine.shape[2:]
    lay = torch.zeros_like(fine)
    lay[:, :, max(down, 0) : h + min(down, 0), max(across, 0) : w + min(across, 0)] = fine[
        :, :, max(-down, 0) : h - max(down, 0), max(-across, 0) : w - max(across, 0)
    ]
    return lay
