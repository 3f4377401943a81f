"""L1. One of open_clip's image towers, and what is read from it."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..errors import EncoderError
from . import moments
from . import operators as operators  # isort: split

from open_clip.transform import ResizeKeepRatio
from torchvision.transforms import Compose, Normalize, Resize


class ClipTower:
    """A tower of open_clip; with `blocks`, those whose outputs make the `all` reading, in order."""

    def __init__(
        self,
        visual: nn.Module,
        transform: Compose,
        blocks: Sequence[nn.Module] = (),
        at_once: int | None = None,
        shorter_side: int | None = None,
    ) -> None:
        """`at_once`: images in one pass; `shorter_side`: pixels, if an image is cropped from more than is seen."""
        self.visual, self.transform, self.blocks, self.at_once = visual, transform, blocks, at_once
        # open_clip's own steps; the last two work on numbers, and are done for a whole batch at once.
        *self.crop, _, self.normalise = transform.transforms
        assert isinstance(self.normalise, Normalize), f"open_clip prepares images in another way: {transform}"
        size = visual.image_size
        self.image_size = max(size) if isinstance(size, tuple) else int(size)  # pyright: ignore
        self.shorter_side = shorter_side or self.image_size
        device = next(visual.parameters()).device
        blank = self.prepare(Image.new("RGB", (self.image_size, self.image_size)))[None].to(device)
        with torch.inference_mode(), moments.recording(blocks, _summary) as kept:
            joint = self.joint(blank)
        self.joint_width = joint.shape[1]
        self.columns = tuple(block.shape[1] for block in kept)  # of the `all` reading; empty where it has none
        self.grid = _grid(visual)  # rows and columns of tokens

    def prepare(self, image: Image.Image) -> Tensor:
        """An RGB image resized and cropped as open_clip does for this model: (3, s, s) uint8."""
        for step in self.crop:
            image = step(image)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """What is seen of an image (width, height), in its own pixels: left, top, right, bottom.

        Beyond the image where it was padded; EncoderError where the preparation is of an unknown kind.
        """
        first = self.crop[0]
        if hasattr(first, "box"):
            return first.box(size)
        width, height = size
        if isinstance(first, Resize) and not isinstance(first.size, int):  # squashed
            return 0.0, 0.0, float(width), float(height)
        if isinstance(first, Resize | ResizeKeepRatio):
            longest = isinstance(first, ResizeKeepRatio) and first.longest == 1
            side = float(max(size) if longest else min(size))
            left, top = (width - side) / 2, (height - side) / 2
            return left, top, left + side, top + side
        raise EncoderError(f"where the encoder looks is not known: it prepares images by {first}")

    def read(self, pixels: Tensor, everything: bool) -> tuple[Tensor, Tensor | None]:
        """Prepared (n, 3, s, s) -> joint (n, e) and, if asked, what every block holds (n, sum of columns)."""
        joints, alls = [], []
        for some in pixels.split(self.at_once or len(pixels)):
            with moments.recording(self.blocks if everything else (), _summary) as kept:
                joints.append(self.joint(some))
            if kept:
                alls.append(torch.cat(kept, 1))
        return torch.cat(joints), torch.cat(alls) if alls else None

    def joint(self, pixels: Tensor) -> Tensor:
        """Prepared (n, 3, s, s) -> the joint embedding (n, e)."""
        joint = self.visual(self.normalise(pixels.to(next(self.visual.parameters()).dtype).div_(255)))
        return joint[0] if isinstance(joint, tuple) else joint  # CoCa gives its tokens as well


def _summary(output: Tensor) -> Tensor:
    """What a block holds: of tokens (n, 1 + t, w) [CLS], mean and deviation of the patches (n, 3 w); of a map
    (n, c, h, w) mean and deviation over its own positions (n, 2 c)."""
    if output.ndim == 4:
        return moments.of(moments.tokens_of(output))
    return torch.cat([moments.exact(output[:, 0]), moments.of(output[:, 1:])], 1)


def _grid(visual: nn.Module) -> tuple[int, int]:
    """Rows and columns of tokens; (1, 1) where a tower does not say."""
    patches = getattr(getattr(visual, "trunk", visual), "patch_embed", None)
    found = getattr(visual, "grid_size", None) or getattr(patches, "grid_size", None)
    return (int(found[0]), int(found[1])) if found else (1, 1)
