"""A pattern's figures are counts and means over its groups, written slowly here."""

from dataclasses import replace

import numpy as np
import pytest

from asap_core.identification import patterns
from asap_core.identification.naming import Name
from asap_core.identification.patterns import Flips, Groups, Looked

NAME = Name("teeth", 0.5, 0.1, 0.3, ("teeth", "lips", "a mouth"))
FLIPPED = np.array([[0, 1], [1, 1], [1, 1], [0, 0]], np.float64)  # dropped, swapped
ALL = np.arange(5)


@pytest.fixture
def groups() -> Groups:
    held = np.zeros((5, 4, 4), np.float16)
    held[:, 2, 1] = 1
    held[4, 0, 0] = 0.5
    return Groups(
        row=np.array([3, 1, 3, 5, 0]),
        pattern=np.array([0, 0, 0, 0, 0]),
        contribution=np.array([1.0, 2.0, 0.5, 3.0, 0.25], np.float32),
        dimensions=np.array([[0.2, 0.8], [1, 1], [0, 0.5], [1, 2], [0.25, 0]], np.float32),
        held=held,
        seen=np.tile(np.array([0, 0, 8, 8], np.float32), (5, 1)),
        box=np.tile(np.array([1, 2, 3, 4], np.float32), (5, 1)),
        centre=np.full((5, 2), (0.4, 0.7), np.float32),
        typical=np.arange(5, dtype=np.float32),
        broad=np.zeros(5, bool),
    )


@pytest.fixture
def looked() -> Looked:
    fake = np.array([False, True, False, True, True, True])
    makers = ["real", "a", "real", "a", "b", "b"]
    return Looked(np.arange(6), fake, makers, [f"{row}.png" for row in range(6)], np.arange(6))


def test_counts_shares_and_means(groups: Groups, looked: Looked):
    found = patterns.describe(groups, ALL, NAME, FLIPPED, 0.9, looked, 0)
    assert (found.n_groups, found.n_images, found.n_real, found.n_fake) == (5, 4, 1, 3)
    assert (found.share_real, found.share_fake) == (1 / 2, 3 / 4)
    assert found.generators == {"a": (2, 2), "b": (1, 2), "real": (1, 2)}
    value, low, high = found.contribution
    assert value == pytest.approx(np.mean([0.25, 2.0, 1.5, 3.0]))
    assert low < value < high
    assert found.flip_rate and found.flip_rate[0] == 0.5 and found.swap_flip_rate and found.swap_flip_rate[0] == 0.75
    assert found.toward == "fake"
    assert found.dimensions[0] == (1, pytest.approx(4.3 / 4))


def test_exemplars_are_typical_strongest_and_against_the_truth(groups: Groups, looked: Looked):
    found = patterns.describe(groups, ALL, NAME, np.zeros((4, 2)), 0.9, looked, 0).exemplars
    rows = {why: [each.row for each in found if each.why == why] for why in ("typical", "strongest", "contradicting")}
    assert rows == {"typical": [0, 5, 3, 1], "strongest": [5, 1, 3, 0], "contradicting": [0]}


def test_duplicates_widen_the_interval(groups: Groups):
    """Thirty images, four copies of each: twice as wide as if they were a hundred and twenty."""
    n, values = 120, np.repeat(np.random.default_rng(0).normal(2, 1, 30), 4)
    many = replace(groups.take(np.zeros(n, np.intp)), row=np.arange(n), contribution=values.astype(np.float32))
    apart, together = (
        patterns.describe(
            many,
            np.arange(n),
            NAME,
            np.zeros((n, 2)),
            0.9,
            Looked(np.arange(n), np.ones(n, bool), ["a"] * n, ["a.png"] * n, copies),
            0,
        ).contribution
        for copies in (np.arange(n), np.arange(n) // 4)
    )
    assert together[0] == apart[0] == pytest.approx(values.mean())
    assert together[2] - together[1] == pytest.approx(2 * (apart[2] - apart[1]), rel=0.15)


def test_the_sentence_says_it_in_words(groups: Groups, looked: Looked):
    found = patterns.describe(groups, ALL, NAME, FLIPPED, 0.9, looked, 0)
    said = patterns.sentence(found)
    assert said.startswith("In 3 of 4 fakes, the detector is moved toward fake by **teeth** (+1.7 logits, 95 %")
    assert "flips 50 %" in said and "in its place 75 %" in said
    thin = replace(groups, broad=np.array([True, False, True, True, False]))
    assert "by **teeth**, spread thin (+1.7" in patterns.sentence(
        patterns.describe(thin, ALL, NAME, FLIPPED, 0.9, looked, 0)
    )


def test_what_was_not_tried_has_no_rate(groups: Groups, looked: Looked):
    some = patterns.describe(groups, ALL, NAME, np.array([[1, 1], [np.nan, np.nan], [0, 1], [0, 0]]), 0.9, looked, 0)
    assert some.n_flips == 3 and some.flip_rate is not None and some.flip_rate[0] == pytest.approx(1 / 3)
    none = patterns.describe(groups, ALL, NAME, np.full((4, 2), np.nan), None, looked, 0)
    assert none.flip_rate is none.swap_flip_rate is None and none.n_flips == 0
    assert "not measured yet" in patterns.sentence(none)


def test_flips_are_looked_up_by_image():
    kept = Flips(np.array([4, 7, 4]), np.array([0, 0, 1]), np.array([[True, False], [False, True], [True, True]]))
    np.testing.assert_array_equal(kept.of(np.array([4, 5, 7]), 0), [[1, 0], [np.nan, np.nan], [0, 1]])
    np.testing.assert_array_equal(kept.of(np.array([4]), 1), [[1, 1]])
    assert not len(patterns.no_flips())


def test_where_a_pattern_sits(groups: Groups):
    where = patterns.places(groups)
    assert where.shape == (1, 4, 4)
    assert where[0, 2, 1] == 1 and where[0, 0, 0] == pytest.approx(0.1)
    assert patterns.places(groups.take(np.zeros(5, bool))).shape == (0, 4, 4)
