"""I1 by decomposition: all targets at about the price of one forward pass.

A reading is a sum over positions, exactly:

    mean of a channel          position p's share is f_p / t
    deviation of a channel     (f_p - mean)^2 / (t deviation), the mean and the deviation held fixed
    [CLS] after a block        what it took from p in this block and all before, head by head: a_p W_O v_p
                               (Gandelsman et al. 2024, arXiv 2310.05916); its own start, the MLPs and biases
                               belong to no place
    joint embedding            the same after the last block, the deviation of `ln_post` held fixed

Two normalisations lie between a reading and its dimensions; they divide by |W s|, held fixed too. Direct means
direct: what a position did to others, and they to [CLS], counts as theirs.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..learning.detector import Detector
from ..learning.encoder import Encoder
from ..learning.moments import exact
from . import attention
from .targets import Linear, Target, TokenMaps, check, passes


@torch.no_grad()
def direct(encoder: Encoder, detector: Detector, images: Tensor, targets: Sequence[Target]) -> TokenMaps:
    """Prepared images (n, 3, s, s) -> their maps, by exact decomposition."""
    return TokenMaps.joined([Pass(encoder, detector, targets).run(some) for some in passes(encoder, images)])


class Pass:
    """One forward pass, listened to.

    After `run`, `parts` are the maps by block (n, T, blocks, g, g), `size` what the values were divided by (n, 1).
    """

    def __init__(self, encoder: Encoder, detector: Detector, targets: Sequence[Target]) -> None:
        self.tower, self.grid, self.everything = encoder.tower, encoder.grid, encoder.layers == "all"
        self.visual = check(encoder)
        self.resblocks = list(self.visual.transformer.resblocks)
        self.linear = Linear.of(detector, targets, exact(next(self.visual.parameters())))
        self.first = len(self.tower.blocks) - len(self.resblocks)  # resblock 0 among the blocks
        if self.everything:
            self.columns = self.linear.weight.split(self.tower.columns, 1)
            class_token = [self.columns[self.first + number][:, : self._width] for number in range(len(self.resblocks))]
        else:
            post = self.visual.ln_post
            last = self.linear.weight @ self.visual.proj.to(self.linear.weight).T * post.weight
            self.last = last - last.mean(1, keepdim=True)  # `ln_post` takes the mean away
            class_token = [self.last if self.visual.pool_type == "tok" else 0 * self.last]
        # What a block adds to [CLS] is in its own reading and in all that follow.
        total, self.readouts = torch.zeros_like(class_token[-1]), []
        for number in reversed(range(len(self.resblocks))):
            total = total + class_token[min(number, len(class_token) - 1)] * (self.everything or not self.readouts)
            self.readouts.insert(0, attention.readout(self.resblocks[number], total))
        self.parts = self.size = self.reading = torch.zeros(())

    @property
    def _width(self) -> int:
        return self.visual.ln_post.normalized_shape[0]

    def run(self, pixels: Tensor) -> TokenMaps:
        """(n, 3, s, s) uint8 -> maps."""
        # All that stays is allocated before the pass: between what comes and goes, it would keep that from being freed.
        weight, blocks = self.linear.weight, len(self.tower.blocks)
        self.parts = weight.new_zeros(len(pixels), len(weight), blocks, *self.grid)
        self.reading = weight.new_empty(len(pixels), weight.shape[1] if self.everything else 0)
        hooks = [
            block.register_forward_hook(partial(self.heard, number)) for number, block in enumerate(self.tower.blocks)
        ]
        try:
            with attention.recording(self.resblocks, self.attend):
                joint = self.tower.joint(pixels)
        finally:
            for hook in hooks:
                hook.remove()
        if self.everything:
            values, size = self.linear.values(self.reading)
        else:
            values, size = self.linear.values(exact(joint))
            size = size * self.finish()
        self.size = size
        self.parts /= size[:, :, None, None, None]
        maps = self.parts.sum(2)
        return TokenMaps(maps, values - maps.sum((2, 3)), values, self.parts.sum((3, 4)))

    def heard(self, number: int, _: nn.Module, __: object, output: Tensor) -> None:
        """A hook's way of saying `hear`."""
        self.hear(number, exact(output))

    def attend(self, number: int, weights: Tensor, values: Tensor) -> None:
        """What [CLS] takes in a block: weights (n, heads, 1 + t), values (n, heads, 1 + t, w/h)."""
        read = torch.einsum("nhjd,thd->nhtj", exact(values[:, :, 1:]), self.readouts[number])  # (n, heads, T, t)
        said = (read * exact(weights[:, :, None, 1:])).sum(1)  # (n, T, t)
        self.parts[:, :, self.first + number] += said.unflatten(2, self.grid)

    def hear(self, number: int, output: Tensor) -> None:
        """A block's output: what its means and deviations take from every position."""
        if output.ndim == 3:
            if not self.everything:
                self.tokens = output
                return
            self.mine(number)[:, : output.shape[2]] = output[:, 0]
            output = output[:, 1:].mT.unflatten(2, self.grid)  # (n, w, g, g)
        elif not self.everything:
            return
        channels, h, w = output.shape[1:]
        mean = output.mean((2, 3), keepdim=True)
        squares = (output - mean).square_()
        deviation = squares.mean((2, 3)).sqrt()  # (n, c)
        self.mine(number)[:, -2 * channels :] = torch.cat([mean[:, :, 0, 0], deviation], 1)
        by_mean, by_deviation = self.columns[number][:, -2 * channels :].split(channels, 1)  # (T, c)
        shares = by_deviation / deviation.clamp(min=1e-12)[:, None]  # (n, T, c)
        here, spread = (summed(each, self.grid).flatten(2) for each in (output, squares))
        said = (by_mean @ here + shares @ spread) / (h * w)  # (n, T, positions)
        size = (min(h, self.grid[0]), min(w, self.grid[1]))
        self.parts[:, :, number] += spread_out(said.unflatten(2, size), self.grid)

    def mine(self, number: int) -> Tensor:
        """A block's part of the reading, (n, columns)."""
        return self.reading.split(self.tower.columns, 1)[number]

    def finish(self) -> Tensor:
        """For the joint embedding: what the average takes from every position; `ln_post`'s deviation (n, 1), or 1."""
        post, visual, tokens = self.visual.ln_post, self.visual, self.tokens
        if visual.pool_type == "avg":
            if not visual.final_ln_after_pool:  # every token is normalised on its own
                tokens = tokens / deviation_of(tokens, post)
            said = tokens[:, 1:] @ self.last.T / (tokens.shape[1] - 1)  # (n, t, T)
            self.parts[:, :, -1] += said.mT.unflatten(2, self.grid)
            if not visual.final_ln_after_pool:
                return torch.ones_like(tokens[:, 0, :1])
        return deviation_of(self.pooled(self.tokens), post)

    def pooled(self, tokens: Tensor) -> Tensor:
        """What is projected to the joint embedding, but for what `ln_post` divides all of it by: (n, w)."""
        if self.visual.pool_type == "tok":
            return tokens[:, 0]
        if self.visual.final_ln_after_pool:
            return tokens[:, 1:].mean(1)
        return (tokens / deviation_of(tokens, self.visual.ln_post).detach())[:, 1:].mean(1)


def summed(values: Tensor, grid: tuple[int, int]) -> Tensor:
    """A map (n, c, h, w) finer than the grid, added up by area: (n, c, g, g); a coarser one as it is."""
    h, w = values.shape[2:]
    if h <= grid[0] and w <= grid[1]:
        return values
    if h % grid[0] == 0 and w % grid[1] == 0:
        factor = (h // grid[0], w // grid[1])
        return F.avg_pool2d(values, factor) * (factor[0] * factor[1])
    return _overlap(h, grid[0], values) @ values @ _overlap(w, grid[1], values).T


def spread_out(values: Tensor, grid: tuple[int, int]) -> Tensor:
    """A map (n, T, h, w) coarser than the grid, divided by area: (n, T, g, g)."""
    if values.shape[2:] == grid:
        return values
    return _overlap(values.shape[2], grid[0], values) @ values @ _overlap(values.shape[3], grid[1], values).T


def _overlap(of: int, onto: int, like: Tensor) -> Tensor:
    """The share of every one of `of` equal pieces of a line that lies in every one of `onto`: (onto, of)."""
    low, high = (torch.arange(start, of + start, dtype=torch.float64) / of for start in (0, 1))
    left, right = (torch.arange(start, onto + start, dtype=torch.float64)[:, None] / onto for start in (0, 1))
    return ((torch.minimum(high, right) - torch.maximum(low, left)).clamp(min=0) * of).to(like.dtype).to(like.device)


def deviation_of(vectors: Tensor, norm: Any) -> Tensor:
    """What a LayerNorm divides by: (…, 1)."""
    return (vectors.var(-1, correction=0, keepdim=True) + norm.eps).sqrt()
