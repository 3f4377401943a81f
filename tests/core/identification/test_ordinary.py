"""What is ordinary cancels over real images, and nothing of a value is lost."""

import numpy as np
import pytest

from asap_core.identification import ordinary, pixels


def test_real_images_cancel_and_every_value_stays():
    rng = np.random.default_rng(0)
    maps, remainder = rng.normal(2, 1, (30, 3, 4, 4)), rng.normal(size=(30, 3))
    usual = ordinary.ordinary(maps)
    left, rest = ordinary.unusual(maps, remainder, usual)
    np.testing.assert_allclose(left.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(left.sum((2, 3)) + rest, maps.sum((2, 3)) + remainder, atol=1e-4)


def test_a_map_and_its_remainder_make_the_contribution():
    """Less the mean of the remainders that real images are left with, both sum to w (d - mean real d)."""
    rng = np.random.default_rng(1)
    maps, remainder = rng.normal(2, 1, (30, 3, 4, 4)), rng.normal(size=(30, 3))
    values = maps.sum((2, 3)) + remainder
    left, rest = ordinary.unusual(maps, remainder, ordinary.ordinary(maps))
    np.testing.assert_allclose(left.sum((2, 3)) + rest - rest.mean(0), values - values.mean(0), atol=1e-4)


def test_without_real_images_nothing_is_ordinary():
    with pytest.raises(AssertionError, match="no real image"):
        ordinary.ordinary(np.zeros((0, 3, 4, 4)))


def test_the_level_is_what_few_places_of_real_images_pass():
    rng = np.random.default_rng(2)
    maps, usual = rng.normal(2, 1, (50, 4, 4)), np.full((4, 4), 2.0)
    at = ordinary.levels(maps, usual, 0.9)
    assert (np.abs(maps - usual) > at.sharp).mean() == pytest.approx(0.1, abs=0.005)
    around = pixels.surroundings(maps - usual, at.sharp)
    assert (np.abs(around) > at.broad).mean() == pytest.approx(0.1, abs=0.005)


def test_surroundings_are_gaussian_means_of_what_is_clipped():
    """By hand, at one place of a map whose loud place counts for no more than the level."""
    token_map = np.random.default_rng(3).normal(size=(12, 12))
    token_map[6, 7] = 50
    expected = (np.clip(token_map, -1.5, 1.5) * _gaussian(5, 6)).sum()
    assert pixels.surroundings(token_map, 1.5)[6, 5] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("hidden", "few"), [(np.s_[6, 7], False), (np.s_[:, 4:], True)])
def test_surroundings_are_told_by_the_rest_where_some_are_not_counted(hidden: tuple, few: bool):
    """By hand; but where few are left, no more is made of them than they are."""
    token_map, counted = np.random.default_rng(4).normal(1, 0.2, size=(12, 12)), np.ones((12, 12), np.float32)
    token_map[hidden], counted[hidden] = -1.5, 0
    weight = _gaussian(5, 6)
    share = (weight * counted).sum() / weight.sum()
    assert (share < pixels.COUNTED) == few
    expected = (token_map * weight * counted).sum() / max(share, pixels.COUNTED)
    assert pixels.surroundings(token_map, 1.5, counted)[6, 5] == pytest.approx(expected, abs=2e-3)


def _gaussian(across: int, down: int) -> np.ndarray:
    """How much each place of a grid of twelve counts at one of them; all would add up to 1 if there were no border."""
    y, x = np.mgrid[:12, :12]
    wide, long = 2 * (12 * pixels.BREADTH) ** 2, np.arange(-8, 9)
    return np.exp(-((x - across) ** 2 + (y - down) ** 2) / wide) / np.exp(-(long**2) / wide).sum() ** 2
