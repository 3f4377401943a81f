"""L1. `mini`: the embedded encoder, a small CLIP whose patches are read by a pretrained trunk.

Everything but `conv1` is open_clip's own: class token, positions, blocks, `ln_post`, projection, text tower,
tokenizer. In the place of `conv1` stand the trunk and 1 x 1 projections of what it sees at three depths, summed
on its grid. `mini.safetensors` holds what was trained here (see MINI.md and `python -m
asap_core.learning.pretrain`): all but the trunk up to its tail.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .. import storage
from ..errors import EncoderError
from . import operators as operators
from . import trunk
from .tower import ClipTower
from .trunk import MEAN, SCALE, SIZE, STRIDE, Maps, Trunk  # isort: split

import open_clip
from open_clip.model import CustomTextCLIP
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from torchvision.transforms import Compose, Normalize, ToTensor

FILE = Path(__file__).with_name("mini.safetensors")
SEEN = 256  # pixels: an image's shorter side before the crop, at most; up to there its pixels are left as they are
CONTEXT = 40  # tokens of a text
AT_ONCE = 4  # images in one pass: with more, activations leave the cache, and memory is asked for anew each time
BLOCKS, WIDTH, HEAD = 2, 256, 64  # of the image tower's transformer; the width of one of its heads
SHAPE = {
    "embed_dim": 256,
    "vision_cfg": {"image_size": SIZE, "patch_size": STRIDE, "width": WIDTH, "layers": BLOCKS, "head_width": HEAD},
    "text_cfg": {"context_length": CONTEXT, "width": 256, "heads": 4, "layers": 2},
}
CLASSES = IMAGENET_CLASSNAMES  # what the trunk tells apart, in order
TRUNK = "visual.conv1.trunk."  # its weights come from elsewhere,
TAIL = TRUNK + "tail."  # but for these
RESBLOCKS = "visual.transformer.resblocks."
TOKENS = "text.token_embedding.weight"
TOKEN_IDS = "text.token_embedding.ids"


class Square:
    """The middle SIZE pixels of an image whose shorter side is made SIZE to SEEN pixels.

    Made smaller, an image loses the finest traces of what made it: of faces of 256 px, 98.6 % are told from
    generated ones by the middle 192 of their own pixels, 97.3 % when the whole is made 192 (linear probe, five folds).
    """

    def __call__(self, image: Image.Image) -> Image.Image:
        """An RGB image -> (SIZE, SIZE)."""
        return image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, self.box(image.size))

    def box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """What is seen of an image (width, height), in its own pixels: left, top, right, bottom."""
        side = min(size) * SIZE / min(max(min(size), SIZE), SEEN)
        left, top = (size[0] - side) / 2, (size[1] - side) / 2
        if side == SIZE:  # between pixels, the crop would blur after all
            left, top = int(left), int(top)
        return left, top, left + side, top + side

    def __repr__(self) -> str:
        return f"Square({SIZE} of {SEEN})"


class Patches(nn.Module):
    """In the place of `conv1`: pixels -> the trunk's maps -> tokens (n, width, g, g)."""

    def __init__(self, trunk: Trunk, width: int) -> None:
        super().__init__()
        self.trunk, self.projection = trunk, Projection(width)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.projection(self.trunk(pixels))


class Projection(nn.Module):
    """The trunk's maps, each standardised, through 1 x 1 convolutions, summed on the finest grid."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in trunk.WIDTHS)
        for number, channels in enumerate(trunk.WIDTHS):  # of the channels, over positions of images trained on
            self.register_buffer(f"mean{number}", torch.zeros(1, channels, 1, 1))
            self.register_buffer(f"scale{number}", torch.ones(1, channels, 1, 1))

    def forward(self, maps: Maps) -> Tensor:
        size = maps[0].shape[-2:]
        total = torch.zeros(())
        for number, (seen, convolution) in enumerate(zip(maps, self.maps, strict=True)):
            standard = (seen - getattr(self, f"mean{number}")) / getattr(self, f"scale{number}")
            projected = convolution(standard)
            total = total + (projected if seen.shape[-2:] == size else F.interpolate(projected, size))
        return total


def transform() -> Compose:
    """How an image is prepared, in open_clip's form."""
    return Compose([Square(), ToTensor(), Normalize((MEAN / 255,) * 3, (SCALE / 255,) * 3)])


def tokenize(texts: Sequence[str]) -> Tensor:
    """Texts -> open_clip's tokens (m, CONTEXT)."""
    return open_clip.tokenize(list(texts), CONTEXT)


def speak(model: CustomTextCLIP, tokens: Tensor) -> Tensor:
    """What the text tower says of tokens (m, CONTEXT): (m, e), without computing the places after the longest text.

    A text is read from left to right up to its end, so what stands behind changes nothing.
    """
    text: Any = model.text
    tokens = tokens[:, : int((tokens != 0).sum(1).max())]
    length = tokens.shape[1]
    x = text.token_embedding(tokens) + text.positional_embedding[:length]
    x = text.ln_final(text.transformer(x, attn_mask=text.attn_mask[:length, :length]))
    return x[torch.arange(len(x)), tokens.argmax(1)] @ text.text_projection


def build(body: Trunk, blocks: int = BLOCKS, width: int = WIDTH) -> CustomTextCLIP:
    """The architecture on a trunk, all else random."""
    shape = {**SHAPE, "vision_cfg": {**SHAPE["vision_cfg"], "layers": blocks, "width": width}}
    model = CustomTextCLIP(**shape)  # pyright: ignore
    visual: Any = model.visual
    visual.conv1 = Patches(body, width)
    return model


def load(file: Path = FILE) -> CustomTextCLIP:
    """The trained model, as deep and wide as its weights are, frozen; EncoderError where they are missing or are not
    its."""
    body = trunk.load()
    try:
        packed = load_file(file)
        blocks = {name.removeprefix(RESBLOCKS).split(".")[0] for name in packed if name.startswith(RESBLOCKS)}
        model = build(body, len(blocks), len(packed["visual.class_embedding"]))
        kept = unpack(packed, model.state_dict())
        wanted = {name for name in model.state_dict() if ours(name)}
        if kept.keys() != wanted:
            raise EncoderError(f"{sorted(wanted ^ kept.keys())[:3]} do not fit")
        model.load_state_dict(kept, strict=False)
    except (OSError, SafetensorError, RuntimeError, KeyError, EncoderError) as error:
        raise EncoderError(
            f"{file} does not hold mini's weights, get it again from ASAP: {str(error)[:300]}"
        ) from error
    return model.eval().requires_grad_(False)


def tower(model: CustomTextCLIP) -> ClipTower:
    """How the image tower is read: in the `all` reading, the trunk's parts come before the transformer's blocks."""
    visual: Any = model.visual
    blocks = [*visual.conv1.trunk.parts, *visual.transformer.resblocks]
    return ClipTower(visual, transform(), blocks, AT_ONCE, SEEN)


def ours(name: str) -> bool:
    """Whether a tensor of this name was trained here."""
    return name.startswith(TAIL) or not name.startswith(TRUNK)


def pack(state: Mapping[str, Tensor], trained: Tensor) -> dict[str, Tensor]:
    """A state as it is kept: half precision, ours alone, and of the tokens' rows the trained (v,) bool alone."""
    kept = {name: value.half() for name, value in state.items() if ours(name)}
    kept[TOKENS] = kept[TOKENS][trained]
    kept[TOKEN_IDS] = trained.nonzero()[:, 0].to(torch.int32)
    return {name: value.contiguous() for name, value in kept.items()}


def unpack(kept: dict[str, Tensor], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state that `pack` took; a token that was never trained is nothing but its place."""
    full = {name: value.float() for name, value in kept.items() if name != TOKEN_IDS}
    full[TOKENS] = torch.zeros_like(state[TOKENS]).index_copy(0, kept[TOKEN_IDS].long(), full[TOKENS])
    return full


def save(model: nn.Module, trained: Tensor, file: Path) -> None:
    """Write the weights, whole or not at all."""
    with storage.writing(file) as draft:
        save_file(pack(model.state_dict(), trained), draft)
