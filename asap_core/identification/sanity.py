"""Sanity checks of token maps: a map that does not depend on the model, or on what is asked, explains neither.

Parameters are shuffled within each tensor, so that their sizes stay: first of the head, then of the encoder's
blocks from the last to the first (Adebayo et al. 2018, arXiv 1810.03292). Maps must come to resemble the originals
less and less. And maps of different dimensions must differ.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..learning.detector import Detector
from ..learning.encoder import Encoder
from . import faithfulness
from .relevance import token_maps

STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)  # shares of the blocks, shuffled from the last on; at 0 the head alone
DIMENSIONS = 6  # of which maps are compared: those with the greatest weights


def randomised(
    encoder: Encoder, detector: Detector, images: Tensor, method: str, seed: int, folds: NDArray | None = None
) -> dict[float, NDArray[np.float64]]:
    """How alike the logit's maps of images (n, 3, s, s) stay as the model is shuffled: STEPS -> correlations (n,)."""

    def logit_maps(of: Detector) -> NDArray:
        return token_maps(encoder, of, images, ["logit"], method, folds).maps[:, 0].float().cpu().numpy()

    before, strange = logit_maps(detector), _strange(detector, seed)
    blocks, found = list(encoder.tower.blocks) or list(encoder.tower.visual.transformer.resblocks), {}  # pyright: ignore
    for share in STEPS:
        last = len(blocks) - round(share * len(blocks))
        with shuffled(blocks[last:], seed):
            after = logit_maps(strange)
        found[share] = np.array([abs(faithfulness.ranked(*pair)) for pair in zip(before, after, strict=True)])
    return found


def between_dimensions(encoder: Encoder, detector: Detector, images: Tensor, method: str) -> NDArray[np.float64]:
    """How alike the maps of an image's dimensions are, pair by pair: mean correlation (n,), without sign."""
    chosen = np.argsort(-np.abs(detector.distiller.head), kind="stable")[:DIMENSIONS].tolist()
    maps = token_maps(encoder, detector, images, chosen, method).maps.float().cpu().numpy()  # (n, T, g, g)
    pairs = [[abs(faithfulness.ranked(a, b)) for a, b in combinations(image, 2)] for image in maps]
    return np.array(pairs).reshape(len(maps), -1).mean(1) if len(chosen) > 1 else np.zeros(len(maps))


@contextmanager
def shuffled(modules: Sequence[nn.Module], seed: int) -> Iterator[None]:
    """Inside the block, the parameters of modules stand in another order; after it, as they were."""
    parameters = [parameter for module in modules for parameter in module.parameters()]
    kept = [parameter.detach().clone() for parameter in parameters]
    dice = torch.Generator().manual_seed(seed)
    try:
        with torch.no_grad():
            for parameter in parameters:
                places = torch.randperm(parameter.numel(), generator=dice).to(parameter.device)
                parameter.copy_(parameter.flatten()[places].view_as(parameter))
        yield
    finally:
        with torch.no_grad():
            for parameter, before in zip(parameters, kept, strict=True):
                parameter.copy_(before)


def _strange(detector: Detector, seed: int) -> Detector:
    """The detector with the weights of its dimensions and its head shuffled."""
    learnt, rng = detector.distiller, np.random.default_rng(seed)
    weight = rng.permutation(learnt.weight.ravel()).reshape(learnt.weight.shape)
    return replace(detector, distiller=replace(learnt, weight=weight, heads=rng.permutation(learnt.heads, axis=1)))
