"""Examples with words: what was read before is not read again, and nothing comes out otherwise for it."""

from itertools import chain

import numpy as np
import pytest
from PIL import Image

from asap_core.learning import embedding, encoder, spelling, worded
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.learning.encoder import Encoder, EncoderSettings
from asap_core.learning.spelling import SpellingSettings

SIZES = ((120, 100), (40, 40), (300, 200), (256, 96), (257, 120), (96, 95), (130, 130))  # three at their own size
LOADING = EmbeddingSettings(batch=4, shard=8, workers=2)


@pytest.fixture(scope="module")
def eye(plain: str) -> Encoder:
    return encoder.open(EncoderSettings(plain, "all", "cpu"))


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    dice = np.random.default_rng(2)
    coarse = (Image.fromarray(dice.integers(0, 256, (6, 8, 3), np.uint8)) for _ in SIZES)
    return [each.resize(size, Image.Resampling.BICUBIC) for each, size in zip(coarse, SIZES, strict=True)]


def test_readings_are_those_of_every_image_read(eye: Encoder, pictures: list[Image.Image]):
    settings = SpellingSettings(pairs=len(SIZES))
    own = embedding.encode_images(eye, pictures, LOADING).reading
    seen: list[tuple[int, int]] = []
    found = worded.read(eye, iter(pictures), own, 5, settings, LOADING, lambda *done: seen.append(done))
    drawn = chain.from_iterable(each[:3] for each in spelling.pairs(pictures, 5, settings))
    slow = embedding.encode_images(eye, drawn, LOADING).reading
    for start, name in enumerate(("plain", "worded", "word_only")):
        np.testing.assert_allclose(found[name], slow[start::3], rtol=2e-3, atol=2e-3)
    assert seen[-1] == (3 * len(SIZES), 3 * len(SIZES)) and seen == sorted(seen)


def test_a_picture_at_its_own_size_is_not_read_again(eye: Encoder, pictures: list[Image.Image]):
    marked = np.full((len(SIZES), eye.width), 7, np.float16)
    plain = worded.read(eye, pictures, marked, 5, SpellingSettings(pairs=len(SIZES)), LOADING)["plain"]
    assert [bool((row == 7).all()) for row in plain] == [True, False, False, True, False, False, True]
    assert (marked == 7).all()
