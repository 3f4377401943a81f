"""A name is the best phrase, if it fits better than random regions have one."""

from pathlib import Path

import numpy as np
import pytest

from asap_core.errors import SettingsError
from asap_core.identification import naming
from asap_core.learning.subspace import normalise

WORDS = [f"word {number}" for number in range(30)]


@pytest.fixture(scope="module")
def space():
    dice = np.random.default_rng(0)
    return dice, normalise(dice.normal(size=(30, 24))), dice.normal(size=(400, 24))


def test_regions_are_called_what_they_look_like(space):
    dice, texts, authentic = space
    found = naming.name(dice.normal(size=(30, 24)) + 3 * texts[7], authentic, texts, WORDS, 0)
    assert found.text == found.near[0] == "word 7"
    assert found.fit > found.needed
    assert 0 < found.margin <= 2


def test_ordinary_regions_are_mostly_unnamed(space):
    dice, texts, authentic = space
    named = [naming.name(dice.normal(size=(30, 24)), authentic, texts, WORDS, k).text for k in range(20)]
    assert named.count(naming.UNNAMED) >= 15


def test_the_vocabulary_is_a_file_anyone_may_edit(tmp_path: Path):
    assert len(naming.phrases()) > 50
    file = tmp_path / "words.txt"
    file.write_text("# parts\nteeth\n\nan eye  # one\nteeth\n")
    assert naming.phrases(file) == ["teeth", "an eye"]
    file.write_text("# nothing\n")
    with pytest.raises(SettingsError, match="0 phrases"):
        naming.phrases(file)
    with pytest.raises(SettingsError, match="cannot be read"):
        naming.phrases(tmp_path / "missing.txt")


def test_two_phrases_that_fit_alike_name_nothing(space):
    dice, texts, authentic = space
    regions, twice = dice.normal(size=(30, 24)) + 3 * texts[7], texts.copy()
    assert naming.name(regions, authentic, texts, WORDS, 0).text == "word 7"
    twice[8] = twice[7]
    found = naming.name(regions, authentic, twice, WORDS, 0)
    assert found.text == naming.UNNAMED and set(found.near[:2]) == {"word 7", "word 8"}


def test_what_all_phrases_share_and_what_all_regions_share_says_nothing(space):
    """CLIP's texts all lie one way, and its images another: regions that only look like every text have no name."""
    dice, texts, authentic = space
    way = normalise(dice.normal(size=(1, 24)))
    shared = normalise(0.3 * texts + way)  # phrases that differ little
    found = naming.name(dice.normal(size=(30, 24)) + 3 * texts[7] - 2 * way, authentic, shared, WORDS, 0)
    assert found.text == "word 7" and found.fit > 0.5  # though it points away from all of them
    away = 20 * texts[3]  # where all images lie
    found = naming.name(dice.normal(size=(30, 24)) + 3 * texts[7] + away, authentic + away, texts, WORDS, 0)
    assert found.text == "word 7" and found.fit > 0.6
