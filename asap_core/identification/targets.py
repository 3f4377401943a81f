"""I1. What token maps are of: distilled dimensions and the logit, as they depend on a reading; and what a map is."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import EncoderError
from ..learning.detector import Detector
from ..learning.encoder import Encoder

Target = int | Literal["logit"]


@dataclass(frozen=True)
class TokenMaps:
    """Of n images and T targets; maps.sum((2, 3)) + remainder = values."""

    maps: Tensor  # (n, T, g, g)
    remainder: Tensor  # (n, T)
    values: Tensor  # (n, T)
    profile: Tensor  # (n, T, blocks): what of the maps comes from which block, a dimension's depth

    @classmethod
    def joined(cls, some: Sequence["TokenMaps"]) -> "TokenMaps":
        """Those of several batches as one."""
        return cls(*(torch.cat([getattr(each, field.name) for each in some]) for field in fields(cls)))

    def take(self, rows: NDArray) -> "TokenMaps":
        """Those of some images, in this order."""
        return TokenMaps(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Linear:
    """Targets as they depend on a reading x (n, e): weight (x - mean) / |matrix (x - mean) / scale| + bias.

    The matrix is the detector's own, not a copy: over every block it is larger than what a few images need.
    """

    weight: Tensor  # (T, e)
    bias: Tensor  # (T,)
    mean: Tensor  # (e,)
    scale: Tensor  # (e,)
    matrix: Tensor  # (k, e)

    @classmethod
    def of(cls, detector: Detector, targets: Sequence[Target], like: Tensor) -> "Linear":
        """A detector's dimensions and its mean head's logit, in the kind of number and on the device of `like`."""

        def tensor(array) -> Tensor:
            return torch.as_tensor(array, dtype=like.dtype).to(like.device)

        learnt = detector.distiller
        matrix, scale = tensor(detector.matrix), tensor(detector.standard.scale)
        dimensions, bias, head = tensor(learnt.weight) @ matrix / scale, tensor(learnt.bias), tensor(learnt.head)
        every = torch.cat([dimensions, (head @ dimensions)[None]])
        biases = torch.cat([bias, (head @ bias)[None] + float(learnt.offsets.mean())])
        rows = [len(bias) if target == "logit" else target for target in targets]
        return cls(every[rows], biases[rows], tensor(detector.standard.mean), scale, matrix)

    def values(self, reading: Tensor) -> tuple[Tensor, Tensor]:
        """Readings (n, e) -> targets (n, T) and what they were divided by (n, 1)."""
        centred = reading - self.mean
        size = (centred / self.scale @ self.matrix.T).norm(dim=1, keepdim=True)
        return centred @ self.weight.T / size + self.bias, size


def every_target(detector: Detector) -> list[Target]:
    """All dimensions, then the logit."""
    return [*range(detector.distiller.heads.shape[1]), "logit"]


def passes(encoder: Encoder, images: Tensor) -> Sequence[Tensor]:
    """Images as many at a time as the encoder wants."""
    return images.split(encoder.tower.at_once or max(len(images), 1))


def check(encoder: Encoder) -> Any:
    """The encoder's transformer; EncoderError where its maps cannot be computed."""
    visual: Any = encoder.tower.visual
    if not hasattr(visual, "transformer") or getattr(visual, "attn_pool", 1) is not None or visual.pool_type == "none":
        raise EncoderError(
            f"{encoder.name}: token maps need a vision transformer of open_clip that reads [CLS] or the mean of its "
            "tokens; towers with attention pooling are not supported"
        )
    return visual
