"""L1. Images to embeddings: decoding that does not starve the encoder, shards that survive a kill."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from .. import images
from ..progress import Report, silent
from .encoder import Encoder, Reading


@dataclass(frozen=True)
class EmbeddingSettings:
    """How images are loaded; none but `equalise` changes what is computed."""

    batch: int = 64
    shard: int = 512
    workers: int | None = None
    equalise: bool = False


@dataclass(frozen=True)
class Embeddings:
    """Every image's embeddings, memory-mapped."""

    joint: NDArray[np.float16]  # (n, e)
    reading: NDArray[np.float16]  # (n, width)


def embed(
    encoder: Encoder,
    files: Sequence[Path],
    settings: EmbeddingSettings,
    folder: Path,
    report: Report = silent,
) -> Embeddings:
    """Encode files into `folder`."""
    joint, reading = [], []
    for start in range(0, len(files), settings.batch):
        some = (images.read(file, encoder.image_size) for file in files[start : start + settings.batch])
        got = encode_images(encoder, some, settings)
        joint.append(got.joint)
        reading.append(got.used)
        report(min(start + settings.batch, len(files)), len(files))
    return Embeddings(np.concatenate(joint).astype(np.float16), np.concatenate(reading).astype(np.float16))


def encode_images(
    encoder: Encoder, pictures: Iterable[Image.Image], settings: EmbeddingSettings, report: Report = silent
) -> Reading:
    """Encode RGB images, as `embed` does files."""
    return encoder.encode(torch.stack([encoder.prepare(picture) for picture in pictures]))
