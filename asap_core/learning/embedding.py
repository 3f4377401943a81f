"""L1. Images to embeddings: decoded ahead of the encoder, kept in shards that survive a kill."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from .. import images
from ..errors import EncoderError, ImageError, SettingsError
from ..progress import Report, silent
from .encoder import Encoder
from .shards import Shards

QUALITY = 90  # JPEG quality at which `equalise` writes every image
LARGEST = float(np.finfo(np.float16).max)

Source = TypeVar("Source")
Prepared = TypeVar("Prepared")


@dataclass(frozen=True)
class EmbeddingSettings:
    """How images are loaded; only `equalise` changes what they are, and `batch` their last digits."""

    batch: int = 64  # images in one pass
    shard: int = 512  # images that a kill can cost; a multiple of batch, so that no batch straddles two shards
    workers: int | None = None  # threads that decode; None: one a processor
    equalise: bool = False  # re-encode every image alike first

    def __post_init__(self) -> None:
        if self.batch < 1 or self.shard % self.batch:
            raise SettingsError(f"shard {self.shard} is not a multiple of batch {self.batch}")
        if self.workers is not None and self.workers < 1:
            raise SettingsError(f"workers {self.workers}: expected 1 or more")


@dataclass(frozen=True)
class Embeddings:
    """What an encoder says of n images, as it is kept."""

    joint: NDArray[np.float16]  # (n, e)
    reading: NDArray[np.float16]  # (n, width); joint itself for layers=last
    seconds: float = 0.0  # that it took, in all the calls that it took
    fresh: bool = True  # all of it made by one call


def embed(
    encoder: Encoder,
    files: Sequence[Path],
    settings: EmbeddingSettings,
    folder: Path,
    report: Report = silent,
) -> Embeddings:
    """Encode files, in order, into `folder`, which is these files' own; memory-mapped from there.

    A killed call goes on at its last finished shard and ends with the same bytes. Raise ImageError naming
    a file that cannot be read, EncoderError naming one of which the encoder makes no finite numbers.
    """
    widths = {"joint": encoder.joint_width} | ({"reading": encoder.width} if encoder.layers == "all" else {})
    shards = Shards(folder, _key(encoder, files, settings), len(files), widths)
    report(shards.done, len(files))
    start, kept = shards.done, []
    todo = files[start:]
    for batch in _batches(lambda file: encoder.prepare(read(file, encoder, settings)), todo, settings):
        first = start + sum(len(each.joint) for each in kept)
        kept.append(_encode(encoder, batch, lambda row, first=first: str(files[first + row])))
        end = first + len(batch)
        if end - start == settings.shard or end == len(files):
            shards.write(start, {name: np.concatenate([getattr(each, name) for each in kept]) for name in widths})
            start, kept = end, []
        report(end, len(files))
    seconds, arrays = shards.seconds, shards.finish()
    return Embeddings(arrays["joint"], arrays.get("reading", arrays["joint"]), seconds, shards.fresh)


def encode_images(
    encoder: Encoder, pictures: Iterable[Image.Image], settings: EmbeddingSettings, report: Report = silent
) -> Embeddings:
    """Encode RGB images in memory, as `embed` does files; an image of a file should come from `read`."""
    done, kept = 0, [_encode(encoder, torch.zeros(0), str)]
    for batch in _batches(encoder.prepare, pictures, settings):
        kept.append(_encode(encoder, batch, lambda row, done=done: f"image {done + row}"))
        done += len(batch)
        report(done, done)
    joint, reading = (np.concatenate([getattr(each, name) for each in kept]) for name in ("joint", "reading"))
    return Embeddings(joint, reading)


def read(source: Path | bytes, encoder: Encoder, settings: EmbeddingSettings) -> Image.Image:
    """An image as the encoder is to see it: the same rule for a collection and for what is judged later.

    A JPEG is decoded no larger than the encoder needs; but where images are equalised each is decoded in
    full, since a shortcut that only one format has would be a difference between them.
    """
    try:
        if settings.equalise:
            with images.reading(source) as picture:
                return equalise(picture, encoder.tower.image_size)
        return images.read(source, encoder.shorter_side)
    except ImageError as error:
        raise ImageError(f"{source if isinstance(source, Path) else 'image'}: {error}") from error


def equalise(image: Image.Image, side: int) -> Image.Image:
    """An image's central square at one size and one JPEG quality, whatever it was before."""
    shorter = min(image.size)
    left, top = (image.width - shorter) / 2, (image.height - shorter) / 2
    box = (left, top, left + shorter, top + shorter)
    stream = BytesIO()
    image.resize((side, side), Image.Resampling.BICUBIC, box).save(stream, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return images.read(stream.getvalue())


def _batches(
    prepare: Callable[[Source], Tensor], sources: Iterable[Source], settings: EmbeddingSettings
) -> Iterator[Tensor]:
    """Prepared sources in order, stacked by the batch."""
    return map(torch.stack, ahead(prepare, sources, settings))


def ahead(
    prepare: Callable[[Source], Prepared], sources: Iterable[Source], settings: EmbeddingSettings
) -> Iterator[list[Prepared]]:
    """Prepared sources in order, by the batch; one batch is prepared while another is being used.

    Threads, because Pillow decodes and resizes outside Python's lock; processes would cost a copy of
    every picture and of torch. Never more than two batches are held.
    """
    waiting: deque[Future[Prepared]] = deque()
    rest = iter(sources)
    pool = ThreadPoolExecutor(settings.workers or os.cpu_count(), "decode")
    try:
        while True:
            waiting.extend(pool.submit(prepare, each) for each in islice(rest, 2 * settings.batch - len(waiting)))
            if not waiting:
                return
            yield [waiting.popleft().result() for _ in range(min(settings.batch, len(waiting)))]
    finally:
        pool.shutdown(cancel_futures=True)


def _encode(encoder: Encoder, batch: Tensor, name: Callable[[int], str]) -> Embeddings:
    """A batch's embeddings in half precision; EncoderError with the name of a row that is not finite."""
    if not len(batch):
        joint, reading = (np.empty((0, width), np.float16) for width in (encoder.joint_width, encoder.width))
        return Embeddings(joint, reading)
    read = encoder.encode(batch)
    for values in (read.joint, read.used):
        bad = ~np.isfinite(values).all(1)
        if bad.any():
            raise EncoderError(f"encoder {encoder.name} makes no finite numbers of {name(int(bad.argmax()))}")
    # Beyond half precision's range a number is only ever "very large".
    joint, reading = (np.clip(values, -LARGEST, LARGEST).astype(np.float16) for values in (read.joint, read.used))
    return Embeddings(joint, reading)


def _key(encoder: Encoder, files: Sequence[Path], settings: EmbeddingSettings) -> str:
    """What rows in a folder depend on besides the contents of files, which the folder's owner answers for."""
    facts = (encoder.identity, settings.batch, settings.equalise, *(file.name for file in files))
    return hashlib.sha256("\0".join(map(str, facts)).encode("utf-8", "surrogateescape")).hexdigest()
