"""Measures of a map: against formulas written as loops, and against cases whose answer is known."""

import numpy as np
import pytest

from asap_core.identification import faithfulness


def test_curves_remove_in_order_and_never_everything():
    gone = faithfulness.counts(16, 5)
    np.testing.assert_array_equal(gone, [0, 3, 6, 10, 13])
    token_map = np.arange(16.0).reshape(4, 4)
    first = faithfulness.order(token_map, np.random.default_rng(0))
    np.testing.assert_array_equal(first, np.arange(16)[::-1])
    masks = faithfulness.removals(first, gone)
    assert masks.shape == (2, 4, 16)
    for step, many in enumerate(gone[1:]):
        np.testing.assert_array_equal(np.flatnonzero(masks[0, step]), np.arange(16 - many, 16))
        np.testing.assert_array_equal(np.flatnonzero(masks[1, step]), np.arange(many))


def test_ties_are_broken_at_random_but_the_same_way_again():
    flat = np.zeros((4, 4))
    orders = [faithfulness.order(flat, np.random.default_rng(seed)).tolist() for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == list(range(16))


def test_the_true_map_of_a_sum_wins_over_every_other():
    rng = np.random.default_rng(3)
    worth = rng.normal(size=(4, 4)) + 0.5
    gone = faithfulness.counts(16, 10)

    def gain(token_map: np.ndarray) -> float:
        """SRG where f is the sum of what stays."""
        masks = faithfulness.removals(faithfulness.order(token_map, rng), gone)
        left = ((~masks) * worth.ravel()).sum(2)  # (2, steps - 1)
        return float((left[1] - left[0]).mean())

    best = gain(worth)
    assert all(gain(rng.normal(size=(4, 4))) < best for _ in range(50))
    assert gain(-worth) == pytest.approx(-best)
    masks = faithfulness.subsets(16, 0.25, 200, rng)
    np.testing.assert_array_equal(masks.sum(1), 4)
    falls = masks @ worth.ravel()
    assert faithfulness.fall_correlation(worth, masks, falls) == pytest.approx(1)
    assert faithfulness.fall_correlation(-worth, masks, falls) == pytest.approx(-1)
    assert faithfulness.fall_correlation(np.ones((4, 4)), masks, falls) == 0


def test_sparseness_is_ginis_coefficient():
    values = np.abs(np.random.default_rng(4).normal(size=(3, 3)))
    pairs = sum(abs(a - b) for a in values.ravel() for b in values.ravel())
    assert faithfulness.sparseness(-values) == pytest.approx(pairs / (2 * 81 * values.mean()))
    assert faithfulness.sparseness(np.ones((4, 4))) == pytest.approx(0)
    assert faithfulness.sparseness(np.eye(1, 16).reshape(4, 4)) == pytest.approx(15 / 16)
    assert faithfulness.sparseness(np.zeros((2, 2))) == 0


def test_a_map_is_held_against_a_known_flaw():
    flaw = np.zeros((4, 4))
    flaw[1, 1], flaw[1, 2] = 1, 0.5
    on, off = np.zeros((4, 4)), np.zeros((4, 4))
    on[1, 2], off[3, 3] = 2, 2
    assert faithfulness.pointing(on, flaw) == 1 and faithfulness.pointing(off, flaw) == 0
    assert faithfulness.mass_ratio(np.ones((4, 4)), flaw) == pytest.approx(1)
    assert faithfulness.mass_ratio(flaw > 0.9, flaw) == pytest.approx(16 / 1.5)
    assert faithfulness.mass_ratio(-np.ones((4, 4)), flaw) == 0  # nothing speaks
    assert faithfulness.average_precision(flaw, flaw) == pytest.approx((1 * 1 + 0.5 * 1.5 / 2) / 1.5)
    assert faithfulness.average_precision(np.zeros((4, 4)), flaw) == pytest.approx(1.5 / 16)  # chance


def test_average_precision_of_whole_tokens_is_scikit_learns():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(5)
    for _ in range(20):
        values, flaw = np.round(rng.normal(size=(5, 5)), 1), rng.random((5, 5)) < 0.3
        expected = average_precision_score(flaw.ravel(), values.ravel())
        assert faithfulness.average_precision(values, flaw) == pytest.approx(expected)


def test_intervals_hold_means_and_ratios_and_draw_duplicates_together():
    rng = np.random.default_rng(6)
    values, below = rng.normal(2, 1, 300), rng.normal(4, 0.5, 300)
    value, low, high = faithfulness.interval(values, 0)
    assert value == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 300**0.5, rel=0.15)
    assert faithfulness.interval(values, 1)[1:] != [low, high] == faithfulness.interval(values, 0)[1:]
    value, low, high = faithfulness.ratio(values, below, 0)
    assert value == pytest.approx(values.mean() / below.mean()) and low < value < high
    groups = np.repeat(np.arange(60), 5)
    copies = np.repeat(values[:60], 5)
    honest, fooled = faithfulness.interval(copies, 0, groups), faithfulness.interval(copies, 0)
    assert honest[2] - honest[1] > 1.6 * (fooled[2] - fooled[1])


def test_correlations_of_what_does_not_vary_are_nothing():
    a = np.random.default_rng(7).normal(size=(3, 3))
    assert faithfulness.ranked(a, 5 * a + 1) == pytest.approx(1)
    assert faithfulness.ranked(a, np.exp(a)) == pytest.approx(1)
    assert faithfulness.pearson(a, np.ones((3, 3))) == 0
    assert faithfulness.ranked(a, np.ones((3, 3))) == faithfulness.ranked(np.zeros((3, 3)), a) == 0


def test_equal_values_share_their_rank():
    """By hand: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4."""
    ranks, others = np.array([1, 2.5, 2.5, 4]) - 2.5, np.array([1, 2, 3, 4]) - 2.5
    expected = ranks @ others / np.sqrt((ranks @ ranks) * (others @ others))
    assert faithfulness.ranked(np.array([[0, 7], [7, 9]]), np.array([[1, 2], [3, 4]])) == pytest.approx(expected)
    clamped = np.zeros(64)  # most of a clamped map is 0: the order of places must not count
    clamped[[5, 40]] = 1, 2
    assert faithfulness.ranked(clamped, clamped[::-1]) == pytest.approx(-2 / 63, abs=0.02)
