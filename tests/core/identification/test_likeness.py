"""What is unusual about regions: what authentic regions like them have too does not count."""

import numpy as np
import pytest

from asap_core.identification import likeness
from asap_core.identification.likeness import LikenessSettings, Readings

SETTINGS = LikenessSettings(subspace=40, kept=12)


def readings(dice: np.random.Generator, count: int, first: int) -> tuple[Readings, np.ndarray]:
    """Two blocks of regions in three surroundings, which differ much and which the joint embedding knows."""
    around = dice.integers(3, size=count)
    blocks = []
    for width in (20, 30):
        block = dice.normal(0, 0.3, (count, width)).astype(np.float32)
        block[np.arange(count), around] += 6
        blocks.append(block)
    joint = np.eye(3, 8, dtype=np.float32)[around] + dice.normal(0, 0.05, (count, 8)).astype(np.float32)
    return Readings(np.arange(first, first + count), np.zeros(count, bool), blocks, joint), around


@pytest.fixture(scope="module")
def drawn() -> tuple[Readings, Readings, np.ndarray, np.ndarray]:
    """Regions with one of two flaws, authentic ones, and the flaws and surroundings of the former."""
    dice = np.random.default_rng(0)
    ours, around = readings(dice, 90, 0)
    authentic, _ = readings(dice, 300, 90)
    flaw = np.arange(90) % 2
    for block in ours.blocks:
        block[:, 10] += 3 * (flaw == 0)
        block[:, 11] += 3 * (flaw == 1)
    return ours, authentic, flaw, around


def test_the_same_flaw_is_alike_in_other_surroundings(drawn):
    ours, authentic, flaw, around = drawn
    found = likeness.vectors(ours, authentic, SETTINGS, 0)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    same, elsewhere = flaw[:, None] == flaw, around[:, None] != around
    assert np.quantile((found @ found.T)[same], 0.1) > 0.5 > np.quantile((found @ found.T)[~same], 0.9)

    def lost(found: np.ndarray) -> float:
        close = found @ found.T
        return close[same & ~elsewhere].mean() - close[same & elsewhere].mean()

    assert abs(lost(found)) < 0.05
    random = np.random.default_rng(1).normal(size=ours.joint.shape)  # compared with whatever
    unlike = Readings(ours.image, ours.broad, ours.blocks, random.astype(np.float32))
    assert lost(likeness.vectors(unlike, authentic, SETTINGS, 0)) > 0.15


def test_regions_are_compared_with_those_of_other_images(drawn):
    _, authentic, _, _ = drawn
    theirs = authentic.joint.astype(np.float64)
    twice = np.concatenate([theirs, theirs + 1e-6])  # every region's nearest is its own image's other region
    images = np.tile(authentic.image, 2)
    left = likeness._less_alike(twice, twice, images, (twice, twice, images), 1)
    for i in (0, 17, 299):
        far = np.linalg.norm(twice - twice[i], axis=1)
        far[images == images[i]] = np.inf
        np.testing.assert_allclose(left[i], twice[i] - twice[far.argmin()], atol=1e-5)


def test_few_authentic_regions_are_enough_to_go_on(drawn):
    ours, authentic, _, _ = drawn
    few = authentic.take(np.arange(3))
    assert np.isfinite(likeness.vectors(ours, few, SETTINGS, 0)).all()
