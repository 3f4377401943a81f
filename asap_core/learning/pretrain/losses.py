"""What training asks of `mini`: to know an image by its caption, and what is where in it.

Every loss is a cross-entropy between cosines, times the model's own scale, and who belongs to whom.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Weights:
    """How much each loss counts."""

    captions: float = 1.0
    classes: float = 1.0
    categories: float = 1.0
    questions: float = 3.0
    words: float = 0.5
    apart: float = 3.0
    parts: float = 0.3
    places: float = 0.3


def contrast(cosines: Tensor, own: Tensor, scale: Tensor) -> Tensor:
    """Images (n) and different captions (m) finding one another, cosines (n, m), `own` (n,) each image's caption.

    Radford et al. 2021 (arXiv 2103.00020); a caption that several images share is found by all of them alike.
    """
    logits = scale * cosines
    belongs = F.one_hot(own, cosines.shape[1]).to(logits.dtype)  # (n, m)
    texts = belongs.sum(0) > 0  # alternatives that no image has are only ever to be avoided
    share = (belongs / belongs.sum(0).clamp(min=1)).T[texts]
    return (F.cross_entropy(logits, own) + F.cross_entropy(logits.T[texts], share)) / 2


def likeness(cosines: Tensor, wanted: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy of what is said (…, m) against shares wanted (…, m) of the same texts, weighted by their sum."""
    told = F.log_softmax(scale * cosines, -1)
    return -(wanted * told).sum() / wanted.sum().clamp(min=1e-6)


def choice(cosines: Tensor, answer: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy of cosines (n, m) against answers (n,); -1 is no answer, and counts for nothing."""
    if not (answer >= 0).any():
        return cosines.sum() * 0
    return F.cross_entropy(scale * cosines, answer.long(), ignore_index=-1)


def apart(texts: Tensor, near: float = 0.3) -> Tensor:
    """How far different texts (m, e) are nearer to one another than a cosine of `near`: mean square.

    Phrases that differ in one word begin almost alike; while they are, no image can learn to tell them, and they
    have no reason to part.
    """
    cosines = texts @ texts.T - torch.eye(len(texts), device=texts.device)
    return (cosines - near).clamp(min=0).square().mean()


def unit(vectors: Tensor) -> Tensor:
    """Vectors (…, e) made unit length."""
    return F.normalize(vectors, dim=-1)


def moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of every channel of a map (n, c, h, w): (1, c, 1, 1) each."""
    deviation, mean = torch.std_mean(values.float(), (0, 2, 3), keepdim=True, correction=0)
    return mean, deviation.clamp(min=1e-3)
