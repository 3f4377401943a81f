"""How a region is taken away from an image: its tokens are dropped, or its pixels are painted over.

Dropping leaves no artefact (Jain et al. 2022, arXiv 2204.08945), which matters to a detector of artefacts: a token
leaves after its position was added, so no other attends to it, and no mean or deviation counts it. Of a convolutional
trunk (`mini`) the positions are left out of means and deviations at each stage's own resolution; of a position that
a stage sees as larger than a token, the share that is left counts.

What leaks: a convolution's neighbours have seen the region, so what stays of a trunk's maps, and the tokens made of
them, still knows of it as far as its receptive field reaches (some pixels in the first stages, most of the image in
the last). Painting over pixels does not leak, but leaves an edge and a patch that nobody ever photographed.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..errors import SettingsError
from ..learning import moments, precision
from ..learning.encoder import Encoder
from . import targets
from .direct import spread_out, summed

OCCLUDERS = ("drop", "mean", "blur", "swap")
AT_ONCE = 64  # masks in one pass of a transformer


def taken(held: Tensor | NDArray) -> Tensor:
    """Shares held of each token (m, g, g), 0 to 1 -> which are taken (m, g, g) bool: those held by half or more.

    Where none is, the most held; where all are, the least held stays, as nothing at all cannot be judged.
    """
    shares = torch.as_tensor(held).float()
    flat = shares.flatten(1)
    gone = flat >= 0.5
    small = (flat.amax(1) > 0) & ~gone.any(1)
    gone[small] = F.one_hot(flat[small].argmax(1), flat.shape[1]).bool()
    whole = gone.all(1)
    gone[whole] = ~F.one_hot(flat[whole].argmin(1), flat.shape[1]).bool()
    return gone.view(shares.shape)


def painted(images: Tensor, gone: Tensor, occluder: str, donors: Tensor | None = None) -> Tensor:
    """Prepared images (n, 3, s, s) uint8 with tokens (n, g, g) bool painted over, as uint8.

    "mean": the image's mean colour; "blur": itself, blurred by a token's side; "swap": the same place of a donor
    (n, 3, s, s). SettingsError for another occluder, or where donors are missing.
    """
    if occluder not in OCCLUDERS[1:]:
        raise SettingsError(f"no occluder {occluder!r}: expected {', '.join(OCCLUDERS)}")
    if occluder == "swap" and (donors is None or donors.shape != images.shape):
        found = "none" if donors is None else f"donors of shape {tuple(donors.shape)}"
        raise SettingsError(f"occluder swap needs a donor for each image, {tuple(images.shape)}: found {found}")
    if occluder == "swap":
        paint = donors
    elif occluder == "mean":
        paint = images.float().mean((2, 3), keepdim=True).round().to(torch.uint8)
    else:
        paint = _blurred(images, images.shape[-1] / gone.shape[-1])
    where = F.interpolate(gone[:, None].float(), images.shape[-2:]).bool().to(images.device)
    return torch.where(where, paint, images)  # pyright: ignore


def _blurred(images: Tensor, deviation: float) -> Tensor:
    """Images (n, 3, s, s) through a Gaussian, edges repeated."""
    reach = int(2 * deviation)
    steps = torch.arange(-reach, reach + 1, device=images.device) / deviation
    bell = torch.exp(-(steps**2) / 2)
    bell = (bell / bell.sum()).expand(3, 1, 1, -1)
    wide = F.pad(images.float(), (reach,) * 4, "replicate")
    smooth = F.conv2d(F.conv2d(wide, bell, groups=3), bell.mT.contiguous(), groups=3)
    return smooth.round().clamp(0, 255).to(torch.uint8)


class Dropping:
    """Images seen once, and read again as often as asked with tokens dropped.

    One pass of the trunk and of the embedding of patches serves all masks of an image; only the transformer runs
    for each, on the tokens that stay.
    """

    @torch.inference_mode()
    @precision.single()
    def __init__(self, encoder: Encoder, images: Tensor) -> None:
        """Prepared images (n, 3, s, s) uint8; EncoderError where the encoder has no tokens that can be followed."""
        self.encoder, self.visual = encoder, targets.check(encoder)
        tower = encoder.tower
        self.blocks = list(self.visual.transformer.resblocks)
        everything = encoder.layers == "all"
        stages = tower.blocks[: len(tower.blocks) - len(self.blocks)] if everything else ()
        tokens, maps = [], [[] for _ in stages]
        for some in targets.passes(encoder, images.to(encoder.device)):
            with moments.recording(stages, self._laid) as kept:
                pixels = tower.normalise(some.to(next(self.visual.parameters()).dtype).div(255))
                tokens.append(self.visual._embeds(pixels))
            for stage, laid in zip(maps, kept, strict=True):
                stage.append(laid)
        self.tokens = torch.cat(tokens)  # (n, 1 + t, w)
        self.maps = [torch.cat(stage) for stage in maps]  # (n, 3, c, t) each: middle, values about it, their squares

    def _laid(self, output: Tensor) -> Tensor:
        """A stage's output (n, c, h, w) -> its means, and differences and squares on the tokens' grid (n, 3, c, t)."""
        output = moments.exact(output)
        middle = output.mean((2, 3), keepdim=True)
        about = output - middle  # so that nothing cancels in a deviation
        grid, share = self.encoder.grid, output.shape[2] * output.shape[3]
        on_grid = [spread_out(summed(each, grid), grid).flatten(2) for each in (about, about.square())]
        laid = [each * (grid[0] * grid[1] / share) for each in on_grid]
        return torch.stack([middle.flatten(2).expand_as(laid[0]), *laid], 1)

    @torch.inference_mode()
    @precision.single()
    def readings(self, gone: Tensor) -> NDArray[np.float32]:
        """What is read of each image without tokens: gone (n, m, g, g) bool -> (n, m, e), as `Encoder.encode` reads."""
        n, m = gone.shape[:2]
        stays = ~gone.flatten(2).to(self.encoder.device)  # (n, m, t)
        trunk = [_moments(stage, stays) for stage in self.maps]  # (n, m, 2c) each
        stays = stays.flatten(0, 1)  # (n m, t)
        counts = stays.sum(1)
        assert bool((counts > 0).all()), "an image of which nothing stays cannot be read"
        rest: Tensor | None = None
        for count in counts.unique().tolist():  # as many tokens as each other pass together
            for rows in (counts == count).nonzero()[:, 0].split(AT_ONCE):
                read = self._transformed(rows, m, stays[rows].nonzero()[:, 1].view(len(rows), count))
                rest = read.new_empty(n * m, read.shape[1]) if rest is None else rest
                rest[rows] = read
        assert rest is not None, "no mask was given"
        return torch.cat([*trunk, rest.unflatten(0, (n, m))], 2).float().cpu().numpy()

    def _transformed(self, rows: Tensor, m: int, places: Tensor) -> Tensor:
        """The transformer's part of a reading, from tokens at places (r, count) of rows of the m masks: (r, e)."""
        places = torch.cat([torch.zeros_like(places[:, :1]), places + 1], 1)  # [CLS] always stays
        x, kept = self.tokens[(rows // m)[:, None], places], []
        for block in self.blocks:
            x = block(x)
            if self.encoder.layers == "all":
                kept.append(torch.cat([moments.exact(x[:, 0]), moments.of(x[:, 1:])], 1))
        return torch.cat(kept, 1) if kept else moments.exact(self.visual._pool(x)[0] @ self.visual.proj)


def _moments(stage: Tensor, stays: Tensor) -> Tensor:
    """Means and deviations of a stage (n, 3, c, t) over the tokens that stay (n, m, t): (n, m, 2c)."""
    middle, about, squares = stage.unbind(1)  # (n, c, t) each
    share = stays / stays.sum(2, keepdim=True)  # (n, m, t)
    off = share @ about.mT  # (n, m, c)
    spread = (share @ squares.mT - off.square()).clamp(min=0).sqrt()
    return torch.cat([middle[:, :, 0][:, None] + off, spread], 2)
