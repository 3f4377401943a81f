"""I2. What an encoder sees in a region: every block's mean over it, and its tokens in the joint space.

Dense readings of one ordinary forward pass (as in MaskCLIP, Zhou et al. 2022, arXiv 2112.01071, but with the last
block's own tokens). Blocks speak of texture and of meaning; tokens in the joint space can be compared with texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..learning import moments, precision
from ..learning.encoder import Encoder
from . import targets
from .direct import summed


@dataclass(frozen=True)
class Dense:
    """What n images look like, place by place, to an encoder of grid (g, g)."""

    blocks: Sequence[Tensor]  # (n, c, h, w) each, h and w at most g
    joint: Tensor  # (n, e, g, g) tokens in the joint space

    def of(self, weights: Tensor, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Means over m regions: weights (m, g, g) that sum to 1, images (m,) -> each block's (m, c), joint (m, e)."""
        return [_mean(block, weights, images) for block in self.blocks], _mean(self.joint, weights, images)


@torch.inference_mode()
@precision.single()
def look(encoder: Encoder, images: Tensor) -> Dense:
    """Prepared images (n, 3, s, s) -> their dense readings; EncoderError where a tower has no such tokens."""
    visual, tower, grid = targets.check(encoder), encoder.tower, encoder.grid
    found: list[Dense] = []
    for some in targets.passes(encoder, images):
        with moments.recording(tower.blocks, lambda output: output) as kept:
            tower.joint(some.to(encoder.device))
        joint = _placed(visual.ln_post(kept[-1]) @ _projection(visual, kept[-1]), grid)
        found.append(Dense([_placed(block, grid) for block in kept], joint))
    blocks = [torch.cat(each) for each in zip(*(each.blocks for each in found), strict=True)]
    return Dense(blocks, torch.cat([each.joint for each in found]))


def _projection(visual: Any, like: Tensor) -> Tensor:
    return torch.eye(like.shape[-1]).to(like) if visual.proj is None else visual.proj


def _placed(output: Tensor, grid: tuple[int, int]) -> Tensor:
    """Tokens (n, 1 + t, c) or a map (n, c, h, w) as a map on the grid, or coarser."""
    if output.ndim == 3:
        return moments.exact(output[:, 1:]).mT.unflatten(2, grid)
    h, w = output.shape[2:]
    finer = max(1, h // grid[0]) * max(1, w // grid[1])
    return summed(moments.exact(output), grid) / finer


def _mean(values: Tensor, weights: Tensor, images: Tensor) -> Tensor:
    """Means of a map (n, c, h, w) over regions (m, g, g) of some images (m,): (m, c)."""
    h, w = values.shape[2:]
    if weights.shape[1:] != (h, w):
        weights = summed(weights[:, None], (h, w))[:, 0]
    found = torch.empty((len(images), values.shape[1]), device=values.device)
    for image in images.unique():
        where = images == image
        found[where] = weights[where].flatten(1) @ values[image].flatten(1).T
    return found
