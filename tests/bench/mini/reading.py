"""What the sections read: joint embeddings of pictures and phrases, CIFAKE's photographs, pairs with words."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asap_core.learning import embedding, spelling
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.learning.encoder import Encoder
from asap_core.learning.pretrain import captions
from asap_core.learning.spelling import SpellingSettings

SEED = 0


def joint(eye: Encoder, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Unit joint embeddings (n, e) of pictures."""
    return spelling.normalise(embedding.encode_images(eye, pictures, EmbeddingSettings()).joint.astype(np.float32))


def described(eye: Encoder, things: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors (m, e) of things, each the mean over the templates of captions."""
    said = [eye.describe([template.format(thing) for thing in things]) for template in captions.TEMPLATES]
    return spelling.normalise(np.mean(said, 0))


def of_cifake(
    folder: Path, limit: int | None, part: str = "cifake-test"
) -> tuple[list[Path], NDArray[np.int64], list[str]]:
    """CIFAKE's real photographs: files, category of each, categories."""
    files = sorted((folder / part / "REAL").rglob("*.jpg"))
    files = [files[row] for row in np.random.default_rng(SEED).permutation(len(files))[: limit or len(files)]]
    names = sorted({file.parent.name for file in files})
    return files, np.array([names.index(file.parent.name) for file in files]), names


def triples(eye: Encoder, pictures: Sequence[Image.Image]) -> tuple[list[NDArray], list[NDArray]]:
    """Of pictures, of the same with a word on them, and of the words alone: joint (m, e) and whole reading each."""
    made = [each for triple in spelling.pairs(pictures, SEED, SpellingSettings()) for each in triple[:3]]
    read = embedding.encode_images(eye, made, EmbeddingSettings())
    joints, wholes = (
        [values[start::3].astype(np.float32) for start in range(3)] for values in (read.joint, read.reading)
    )
    return joints, wholes
