"""L1. A frozen image encoder and its two readings: the joint embedding, and every block's moments."""

import difflib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from .. import offline
from ..errors import EncoderError, SettingsError
from . import mini, precision, trunk, weights
from . import operators as operators
from .tower import ClipTower
from .weights import Source  # isort: split

import open_clip
from open_clip.transformer import VisionTransformer
from torchvision.transforms import Compose

LAYERS = ("last", "all")
PRESETS = {
    "b32": "ViT-B-32-quickgelu/openai",
    "b16": "ViT-B-16-quickgelu/openai",
    "l14": "ViT-L-14-quickgelu/openai",
}
EXPECTED = f"expected mini, {', '.join(PRESETS)}, MODEL/TAG of open_clip, or MODEL/path/to/file.safetensors"


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


@dataclass(frozen=True)
class Reader:
    """The text tower that belongs to an image tower, and its tokenizer."""

    model: nn.Module
    tokenize: Callable[[list[str]], Tensor]


class Encoder:
    """An image tower on its device, and how it is read."""

    def __init__(
        self,
        name: str,
        loaded: str,
        identity: str,
        layers: str,
        device: torch.device,
        tower: ClipTower,
        reader: Reader | None = None,
    ):
        self.name, self.weights, self.layers, self.device, self.tower = name, loaded, layers, device, tower
        self.shorter_side, self.grid = tower.shorter_side, tower.grid  # pixels it wants; rows and columns of tokens
        self.joint_width = tower.joint_width
        self.blocks = tower.columns if layers == "all" else ()  # columns of the `all` reading, block by block
        self.width = sum(self.blocks) or self.joint_width  # of the reading used
        self.identity = f"{identity} {layers}"  # same identity, same readings
        self.reader = reader

    @property
    def facts(self) -> dict[str, Any]:
        """What a summary says of it."""
        facts = {name: getattr(self, name) for name in ("name", "weights", "layers", "width")}
        return {**facts, "grid": list(self.grid)}

    def prepare(self, image: Image.Image) -> Tensor:
        """An RGB image -> what `encode` takes a stack of: (3, s, s) uint8."""
        return self.tower.prepare(image)

    @torch.inference_mode()
    @precision.single()
    def encode(self, batch: Tensor) -> Reading:
        """Prepared images (n, 3, s, s) -> their reading, in the numbers of `precision`."""
        joint, everything = self.tower.read(batch.to(self.device), self.layers == "all")
        return Reading(_numpy(joint), None if everything is None else _numpy(everything))

    @torch.inference_mode()
    @precision.single()
    def describe(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Texts -> unit vectors (m, e) in the joint space; of an encoder opened with `text`."""
        assert self.reader is not None, "an encoder that is to read texts is opened with text=True"
        said = self.reader.model.encode_text(self.reader.tokenize(list(texts)).to(self.device))  # pyright: ignore
        return _numpy(F.normalize(said.float(), dim=1))


def _numpy(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()


def open(settings: EncoderSettings, text: bool = False) -> Encoder:
    """The encoder that the settings name, weights loaded, with its text tower if asked; EncoderError where
    something cannot be had."""
    precision.refuse_tf32()
    device = _device(settings.device)
    if settings.name == "mini":
        whole = mini.load().to(device)
        tower = mini.tower(whole)
        identity = " ".join(f"mini {_digest(whole.visual)} {tower.transform}".split())
        reader = Reader(whole, mini.tokenize) if text else None
        return Encoder("mini", "trained with ASAP", identity, settings.layers or "all", device, tower, reader)
    model, asked = _parse(settings.name)
    if _is_tag(model, asked):
        file, config, loaded = _published(model, asked), _config(model, asked), asked
    else:
        file, config = weights.checkpoint(model, asked), _usual_config(model)
        loaded = f"{file.name} sha256:{weights.sha256(file)[:16]}"
    whole, transform = _create(model, file, config, device)
    visual: nn.Module = whole.visual  # pyright: ignore
    blocks = visual.transformer.resblocks if isinstance(visual, VisionTransformer) else ()
    tower = ClipTower(visual, transform, blocks)  # pyright: ignore
    layers = settings.layers or "last"
    if layers == "all" and not tower.columns:
        raise SettingsError(f"{settings.name} is no plain vision transformer: it can be read with --layers last only")
    identity = " ".join(f"{model} {_digest(visual)} {transform}".split())
    reader = _reader(model, whole) if text else None
    return Encoder(settings.name, loaded, identity, layers, device, tower, reader)


def available(name: str) -> bool:
    """Whether an encoder's weights are here or can be downloaded; takes three seconds at most."""
    if name == "mini":
        return trunk.weights().is_file() and mini.FILE.is_file()
    model, asked = _parse(name)
    if not _is_tag(model, asked):
        return weights.checkpoint(model, asked).is_file()
    source = Source.of(model, asked, _config(model, asked))
    return source.here() is not None or source.obstacle() is None


def _parse(name: str) -> tuple[str, str]:
    """A name -> open_clip's model, and a tag or a path; EncoderError with near matches if there is none."""
    full, models = PRESETS.get(name, name), open_clip.list_models()
    pieces = full.split("/")
    for cut in range(1, len(pieces)):  # open_clip takes ViT-B/32 for ViT-B-32
        model, asked = "-".join(pieces[:cut]), "/".join(pieces[cut:])
        if model in models:
            if _is_tag(model, asked) or Path(asked).suffix.lower() in (".safetensors", *weights.UNSAFE):
                return model, asked
            tags = open_clip.list_pretrained_tags_by_model(model)
            near = difflib.get_close_matches(asked, tags, 5, 0.5) or tags
            raise EncoderError(f"{model} has no weights {asked!r}; it has {', '.join(near) or 'none of its own'}")
    if full in models:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(full))
        raise EncoderError(f"{full} needs weights: {full}/TAG with one of {tags}; or {full}/file.safetensors")
    near = difflib.get_close_matches(pieces[0], [*PRESETS, "mini", *models], 5, 0.5)
    raise EncoderError(f"no encoder {name!r}; {'near it: ' + ', '.join(near) + '; ' if near else ''}{EXPECTED}")


def _is_tag(model: str, asked: str) -> bool:
    return bool(_config(model, asked))


def _config(model: str, tag: str) -> Mapping:
    return open_clip.get_pretrained_cfg(model, tag)


def _usual_config(model: str) -> Mapping:
    """How images are prepared for a checkpoint that does not say: as for the model's published weights."""
    tags = open_clip.list_pretrained_tags_by_model(model)
    return {**_config(model, tags[0]), "quick_gelu": False} if tags else {}


def _published(model: str, tag: str) -> Path:
    """The file of a model's published weights, downloaded by open_clip if need be."""
    config = _config(model, tag)
    source = Source.of(model, tag, config)
    here = source.here()
    if here is not None and (source.repository or here == source.place or offline.why()):
        return here  # else open_clip checks its own earlier download, or makes one
    obstacle = None if here else source.obstacle()
    if obstacle:
        raise source.missing(obstacle)
    try:
        with weights.quiet():
            return Path(open_clip.pretrained.download_pretrained(dict(config)))
    except Exception as error:  # whatever a download raises, it means one thing
        raise source.missing(str(error)[:200]) from error


def _create(model: str, file: Path, config: Mapping, device: torch.device) -> tuple[nn.Module, Compose]:
    """A model with a file's weights, frozen, and how it wants images prepared."""
    try:
        with weights.quiet():
            whole, _, transform = open_clip.create_model_and_transforms(
                model,
                pretrained=str(file),
                device=device,
                force_quick_gelu=bool(config.get("quick_gelu")),  # of weights published under a plain model's name
                image_mean=config.get("mean"),
                image_std=config.get("std"),
                image_interpolation=config.get("interpolation"),
                image_resize_mode=config.get("resize_mode"),
            )
    except Exception as error:  # open_clip, safetensors and torch each have their own for a file that does not fit
        raise EncoderError(f"{file} does not hold weights of {model}: {str(error)[:300]}") from error
    return whole.eval().requires_grad_(False), transform  # pyright: ignore


def _reader(model: str, whole: nn.Module) -> Reader:
    """A model's text tower; EncoderError where its tokenizer, which some models download, cannot be had."""
    try:
        with weights.quiet():
            return Reader(whole, open_clip.get_tokenizer(model))
    except Exception as error:  # each library that brings tokenizers has its own
        why = offline.why() or str(error)[:300]
        raise EncoderError(
            f"the tokenizer of {model} is not here and cannot be downloaded ({why}); search in words once where there "
            "is a network, or build with --encoder mini"
        ) from error


def _digest(module: nn.Module) -> str:
    """Sixteen digits that stand for a module's weights, wherever they came from."""
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode())
        digest.update(
            tensor.cpu().flatten().contiguous().view(torch.uint8).numpy() if tensor.ndim else str(tensor).encode()
        )
    return digest.hexdigest()[:16]


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
