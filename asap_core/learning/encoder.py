"""L1. A frozen image encoder and its two readings: the joint embedding, and every block's moments."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..errors import EncoderError, SettingsError
from . import trunk

LAYERS = ("last", "all")


@dataclass(frozen=True)
class EncoderSettings:
    """Which encoder, what is read from it, where it runs; None: the preset's or the machine's best."""

    name: str = "mini"  # mini, b32, b16, l14, MODEL/TAG of open_clip, MODEL/file.safetensors
    layers: str | None = None  # last or all
    device: str | None = None  # cpu, cuda or mps

    def __post_init__(self) -> None:
        if self.layers not in (None, *LAYERS):
            raise SettingsError(f"layers {self.layers!r}: expected last or all")


@dataclass(frozen=True)
class Reading:
    """What an encoder says of n images."""

    joint: NDArray[np.float32]  # (n, e), not normalised
    all: NDArray[np.float32] | None  # (n, sum of the encoder's blocks); None for layers=last

    @property
    def used(self) -> NDArray[np.float32]:
        """What is learnt from: `all` where it was read, else the joint embedding."""
        return self.joint if self.all is None else self.all


class Tower(Protocol):
    """An image tower, frozen: mini's trunk, or one of open_clip's."""

    image_size: int
    grid: tuple[int, int]
    joint_width: int
    columns: tuple[int, ...]  # of the `all` reading, block by block; empty if it has none

    def prepare(self, image: Image.Image) -> Tensor: ...

    def read(self, pixels: Tensor, everything: bool) -> tuple[Tensor, Tensor | None]: ...


class Encoder:
    """An image tower on its device, and how it is read."""

    def __init__(
        self, name: str, weights: str, digest: str, layers: str, device: torch.device, tower: Tower
    ) -> None:
        self.name, self.weights, self.layers, self.device, self.tower = name, weights, layers, device, tower
        self.image_size, self.grid = tower.image_size, tower.grid  # pixels; rows and columns of tokens
        self.joint_width = tower.joint_width
        self.blocks = tower.columns if layers == "all" else ()  # columns of the `all` reading, block by block
        self.width = sum(self.blocks) or self.joint_width  # of the reading used
        self.identity = f"{name} {digest} {layers}"

    def prepare(self, image: Image.Image) -> Tensor:
        """An RGB image -> what `encode` takes a stack of: (3, s, s)."""
        return self.tower.prepare(image)

    @torch.inference_mode()
    def encode(self, batch: Tensor) -> Reading:
        """Prepared images (n, 3, s, s) -> their reading; half precision on a GPU, single on a CPU."""
        with torch.autocast(self.device.type, enabled=self.device.type != "cpu"):
            joint, everything = self.tower.read(batch.to(self.device), self.layers == "all")
        return Reading(_numpy(joint), None if everything is None else _numpy(everything))


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()


def open(settings: EncoderSettings) -> Encoder:
    """The encoder that the settings name, weights loaded; EncoderError where something cannot be had."""
    device = _device(settings.device)
    if settings.name == "mini":
        tower, weights, digest = trunk.load(), "ImageNet", trunk.SHA256[:16]
        return Encoder(
            "mini",
            weights,
            f"{digest} {tower.image_size}",
            settings.layers or "all",
            device,
            tower.to(device),
        )
    raise EncoderError(f"no encoder {settings.name!r}")


def available(name: str) -> bool:
    """Whether an encoder's weights are there, or can be had; takes three seconds at most."""
    return name == "mini"


def _device(name: str | None) -> torch.device:
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name is None:
        return torch.device(next(each for each, there in has.items() if there))
    if name not in has:
        raise EncoderError(f"no device {name!r}: expected cpu, cuda or mps")
    if not has[name]:
        there = " or ".join(each for each in has if has[each])
        raise EncoderError(f"this machine (or this build of torch) has no {name}: use --device {there}")
    return torch.device(name)
