"""L2's examples as the encoder reads them: images, the same with a word on them, the words alone."""

from collections.abc import Iterable, Iterator
from itertools import tee

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..progress import Report, silent
from . import embedding, spelling
from .embedding import EmbeddingSettings
from .encoder import Encoder
from .spelling import SpellingSettings

PLAIN, WORDED, ALONE = range(3)


def read(
    encoder: Encoder,
    pictures: Iterable[Image.Image],
    own: NDArray[np.float16],
    seed: int,
    settings: SpellingSettings,
    loading: EmbeddingSettings,
    report: Report = silent,
) -> dict[str, NDArray[np.float16]]:
    """Readings of `pictures`, RGB, as `spelling.learn` takes them: "plain", "worded" and "word_only", (m, width) each.

    `own` (m, width) are the collection's readings of the same pictures. Where words are drawn at a picture's own
    size the plain one has the very pixels that were read before, and is not read again.
    """
    plain = np.array(own)
    kinds: list[int] = []  # of every image that is read
    again: list[int] = []  # rows whose plain picture is among them
    total = 3 * len(plain)

    def drawn() -> Iterator[Image.Image]:
        known, taken = tee(pictures)
        examples = zip(known, spelling.pairs(taken, seed, settings), strict=False)
        for row, (picture, (same, marked, alone, _)) in enumerate(examples):
            if same.size != picture.size:
                again.append(row)
                kinds.append(PLAIN)
                yield same
            kinds.extend((WORDED, ALONE))
            yield marked
            yield alone

    def tell(done: int, _: int) -> None:
        report(done + kinds.count(WORDED) - len(again), total)

    found = embedding.encode_images(encoder, drawn(), loading, tell).reading
    plain[again] = found[np.array(kinds) == PLAIN]
    return {"plain": plain, "worded": found[np.array(kinds) == WORDED], "word_only": found[np.array(kinds) == ALONE]}
