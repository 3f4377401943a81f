"""I1. Token maps: how much every position of an image moves each distilled dimension, and the logit.

One interface for all methods. Signed (but for `paper`), in units of the target itself: maps and a remainder, which
belongs to no place, sum to the target's value. See `direct` and `gradients` for what each method is.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..errors import SettingsError
from ..learning import precision
from ..learning.detector import Detector
from ..learning.encoder import Encoder
from . import gradients
from .direct import direct
from .targets import Target, TokenMaps, every_target

METHODS: Mapping[str, Callable[..., TokenMaps]] = {
    "direct": direct,
    "libra": gradients.libra,
    "signed_attention": gradients.signed_attention,
    "paper": gradients.paper,
    "paper_all": partial(gradients.paper, blocks=None),
}


@precision.single()
def token_maps(
    encoder: Encoder,
    detector: Detector,
    images: Tensor,
    targets: Sequence[Target] | None = None,
    method: str = "direct",
    folds: NDArray | None = None,
) -> TokenMaps:
    """Prepared images (n, 3, s, s) -> their maps of some targets, by default all dimensions and the logit.

    The logit is that of the heads of folds (n,), for images of the collection; of the mean head where None.
    """
    if method not in METHODS:
        raise SettingsError(f"no relevance method {method!r}: expected {', '.join(METHODS)}")
    targets = every_target(detector) if targets is None else targets
    if folds is None:
        return METHODS[method](encoder, detector, images, targets)
    order = np.argsort(folds, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(folds[order])) + 1)
    found = [METHODS[method](encoder, detector.of_fold(int(folds[part[0]])), images[part], targets) for part in parts]
    return TokenMaps.joined(found).take(np.argsort(order))
