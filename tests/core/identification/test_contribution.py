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
        found = contribution.summarise_and_compare(a, b, seed)[2]
        held += bool(found.low[0] <= 0.4 <= found.high[0])
    assert 0.88 < held / 150 <= 1.0


def test_a_difference_has_an_effect_size_and_an_order():
    rng = np.random.default_rng(3)
    a, b = rng.normal([0, 1, 0.2], [1, 1, 0.01], (30, 3)), rng.normal(0, [1, 1, 0.01], (20, 3))
    found = contribution.summarise_and_compare(a, b, 0)[2]
    for dimension in range(3):
        x, y = a[:, dimension], b[:, dimension]
        pooled = np.sqrt((29 * x.var(ddof=1) + 19 * y.var(ddof=1)) / 48)
        expected = (x.mean() - y.mean()) / pooled * (1 - 3 / (4 * 48 - 1))
        assert found.effect[dimension] == pytest.approx(expected)
    assert found.n == (30, 20) and found.order[0] == 1
    turned = contribution.summarise_and_compare(b, a, 0)[2]
    np.testing.assert_allclose(turned.mean, -found.mean)


def test_duplicates_are_drawn_together():
    values = np.random.default_rng(4).normal(size=(40, 1))
    copies, groups = np.repeat(values, 5, 0), np.repeat(np.arange(40), 5)
    once, kept = contribution.summarise(values, 5), contribution.summarise(copies, 5, groups)
    fooled = contribution.summarise(copies, 5)
    assert kept.high[0] - kept.low[0] == pytest.approx(once.high[0] - once.low[0], rel=0.02)
    assert fooled.high[0] - fooled.low[0] < 0.6 * (kept.high[0] - kept.low[0])


def bootstrap(values: np.ndarray, groups: np.ndarray, times: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % percentile bootstrap of the mean, written slowly: whole groups, drawn one by one."""
    rng, members = np.random.default_rng(9), [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = []
    for _ in range(times):
        rows = np.concatenate([members[which] for which in rng.integers(0, len(members), len(members))])
        drawn.append(values[rows].mean(0))
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return low, high


@pytest.mark.parametrize("shift", [-1, 0])
def test_both_kinds_of_interval_agree_where_one_takes_over_from_the_other(shift: int):
    rng, count = np.random.default_rng(6), contribution.ENOUGH + shift
    groups = np.sort(np.r_[np.arange(count), rng.integers(0, count // 4, 200)])
    shared = rng.gamma(2, size=(count, 3))  # leans to one side, as contributions do
    values = shared[groups] + rng.normal(0, 0.2, (len(groups), 3))
    found, (low, high) = contribution.summarise(values, 0, groups), bootstrap(values, groups)
    half = (high - low) / 2
    assert (np.abs(found.low - low) < 0.12 * half).all() and (np.abs(found.high - high) < 0.12 * half).all()


def test_the_normal_interval_is_the_cluster_robust_one():
    rng = np.random.default_rng(7)
    groups = rng.permutation(np.r_[np.arange(500), np.arange(100), np.arange(50)])
    values = rng.normal(size=(500, 2))[groups] + rng.normal(size=(650, 2))
    mean, total = values.mean(0), np.zeros(2)
    for group in range(500):
        total += (values[groups == group] - mean).sum(0) ** 2
    half = 1.959964 * np.sqrt(total * 500 / 499) / 650
    found = contribution.summarise(values, 0, groups)
    np.testing.assert_allclose([found.low, found.high], [mean - half, mean + half])


def test_few_against_many_is_drawn_from_both():
    rng = np.random.default_rng(8)
    few, many = rng.normal(1, 2, (60, 2)), rng.normal(0, 1, (3000, 2))
    both = contribution.summarise_and_compare(few, many, 0)
    assert both[2].n == (60, 3000) and both[0].n == 60 and both[1].n == 3000
    expected = 1.96 * np.sqrt(few.var(0, ddof=1) / 60 + many.var(0, ddof=1) / 3000)
    np.testing.assert_allclose((both[2].high - both[2].low) / 2, expected, rtol=0.15)


def test_one_image_and_equal_images_have_no_spread():
    found = contribution.summarise_and_compare(np.ones((1, 2)), np.ones((3, 2)), 0)[2]
    assert (found.effect == 0).all() and (found.low == 0).all() and (found.high == 0).all()
    with pytest.raises(AssertionError, match="without images"):
        contribution.summarise(np.zeros((0, 3)), 0)
