"""Contributions of selections: plain formulas, intervals that hold what they promise."""

import numpy as np
import pytest

from asap_core.identification import contribution


def test_a_summary_is_mean_and_deviation_with_an_interval_about_the_mean():
    values = np.random.default_rng(0).normal([1.0, -2.0], [0.5, 3.0], (200, 2))
    found = contribution.summarise(values, 1)
    assert found.n == 200
    np.testing.assert_allclose(found.mean, values.mean(0))
    np.testing.assert_allclose(found.deviation, values.std(0, ddof=1))
    expected = 1.96 * values.std(0) / 200**0.5
    np.testing.assert_allclose((found.high - found.low) / 2, expected, rtol=0.15)
    assert (found.low < found.mean).all() and (found.mean < found.high).all()


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(2)
    held = 0
    for seed in range(150):
        a, b = rng.normal(0.4, 1, (40, 1)), rng.normal(0.0, 2, (60, 1))
        found = contribution.compare(a, b, seed)
        held += bool(found.low[0] <= 0.4 <= found.high[0])
    assert 0.88 < held / 150 <= 1.0


def test_a_difference_has_an_effect_size_and_an_order():
    rng = np.random.default_rng(3)
    a, b = rng.normal([0, 1, 0.2], [1, 1, 0.01], (30, 3)), rng.normal(0, [1, 1, 0.01], (20, 3))
    found = contribution.compare(a, b, 0)
    for dimension in range(3):
        x, y = a[:, dimension], b[:, dimension]
        pooled = np.sqrt((29 * x.var(ddof=1) + 19 * y.var(ddof=1)) / 48)
        expected = (x.mean() - y.mean()) / pooled * (1 - 3 / (4 * 48 - 1))
        assert found.effect[dimension] == pytest.approx(expected)
    assert found.n == (30, 20) and found.order[0] == 1
    turned = contribution.compare(b, a, 0)
    np.testing.assert_allclose(turned.mean, -found.mean)


def test_duplicates_are_drawn_together():
    values = np.random.default_rng(4).normal(size=(40, 1))
    copies, groups = np.repeat(values, 5, 0), np.repeat(np.arange(40), 5)
    once, kept = contribution.summarise(values, 5), contribution.summarise(copies, 5, groups)
    fooled = contribution.summarise(copies, 5)
    assert kept.high[0] - kept.low[0] == pytest.approx(once.high[0] - once.low[0], rel=0.02)
    assert fooled.high[0] - fooled.low[0] < 0.6 * (kept.high[0] - kept.low[0])


def test_one_image_and_equal_images_have_no_spread():
    found = contribution.compare(np.ones((1, 2)), np.ones((3, 2)), 0)
    assert (found.effect == 0).all() and (found.low == 0).all() and (found.high == 0).all()
    with pytest.raises(AssertionError, match="without images"):
        contribution.summarise(np.zeros((0, 3)), 0)
