"""L1. What an encoder needs of an image tower, and open_clip's towers in that shape."""

from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from . import moments
from . import operators as operators  # isort: split

from torchvision.transforms import Compose, Normalize


class Tower(Protocol):
    """An image tower, frozen: mini's trunk, or one of open_clip's."""

    image_size: int
    grid: tuple[int, int]  # rows and columns of tokens
    joint_width: int
    columns: tuple[int, ...]  # of the `all` reading, block by block; empty where it has none

    def prepare(self, image: Image.Image) -> Tensor:
        """An RGB image -> (3, s, s) uint8."""
        ...

    def read(self, pixels: Tensor, everything: bool) -> tuple[Tensor, Tensor | None]:
        """Prepared (n, 3, s, s) -> joint (n, e) and, if asked, the `all` reading (n, sum of columns)."""
        ...


class ClipTower:
    """A tower of open_clip; with `blocks`, those of a transformer whose first token is [CLS]."""

    def __init__(self, visual: nn.Module, transform: Compose, blocks: nn.ModuleList | None) -> None:
        self.visual, self.transform, self.blocks = visual, transform, blocks
        # open_clip's own steps; the last two work on numbers, and are done for a whole batch at once.
        *self.crop, _, self.normalise = transform.transforms
        assert isinstance(self.normalise, Normalize), f"open_clip prepares images in another way: {transform}"
        size = visual.image_size
        self.image_size = max(size) if isinstance(size, tuple) else int(size)  # pyright: ignore
        device = next(visual.parameters()).device
        blank = self.prepare(Image.new("RGB", (self.image_size, self.image_size)))[None].to(device)
        with torch.inference_mode():
            joint, _ = self.read(blank, False)
            with moments.recording(blocks or (), _summary) as kept:
                visual(self._normalised(blank))
        self.joint_width = joint.shape[1]
        self.columns = tuple(block.shape[1] for block in kept)  # 3 width each
        self.grid = _grid(visual)

    def prepare(self, image: Image.Image) -> Tensor:
        """An RGB image resized and cropped as open_clip does for this model: (3, s, s) uint8."""
        for step in self.crop:
            image = step(image)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1)

    def read(self, pixels: Tensor, everything: bool) -> tuple[Tensor, Tensor | None]:
        """Prepared (n, 3, s, s) -> joint (n, e) and, if asked, [CLS], mean, deviation of every block."""
        with moments.recording(self.blocks if everything and self.blocks else (), _summary) as kept:
            joint = self.visual(self._normalised(pixels))
        joint = joint[0] if isinstance(joint, tuple) else joint  # CoCa gives its tokens as well
        return joint, torch.cat(kept, 1) if kept else None

    def _normalised(self, pixels: Tensor) -> Tensor:
        return self.normalise(pixels.float().div_(255))


def _summary(tokens: Tensor) -> Tensor:
    """A block's tokens (n, 1 + t, w) -> [CLS], mean and deviation of the patches (n, 3 w), float32."""
    return torch.cat([tokens[:, 0].float(), moments.of(tokens[:, 1:])], 1)


def _grid(visual: nn.Module) -> tuple[int, int]:
    """Rows and columns of tokens; (1, 1) where a tower does not say."""
    patches = getattr(getattr(visual, "trunk", visual), "patch_embed", None)
    found = getattr(visual, "grid_size", None) or getattr(patches, "grid_size", None)
    return (int(found[0]), int(found[1])) if found else (1, 1)
