"""Which regions are alike: what is found again and again is a cluster, and noise stays noise."""

from dataclasses import replace

import numpy as np
import pytest

from asap_core.identification import clusters
from asap_core.identification.clusters import ClusterSettings, Runs
from asap_core.learning import subspace

SETTINGS = ClusterSettings(runs=6)
SMALL = replace(SETTINGS, fewest=2)


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Three kinds of 40 regions, and 12 of no kind: the kinds, and unit vectors."""
    dice = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2, 3], [40, 40, 40, 12])
    found = dice.normal(0, 0.15, (132, 12)) + np.eye(4, 12)[kind]
    found[kind == 3] = dice.normal(size=(12, 12))
    return kind, subspace.normalise(found)


def test_kinds_are_clusters_that_are_found_again(drawn):
    kind, found = drawn
    labels, stable = clusters.steady(found, np.arange(132) // 2, SETTINGS, 0)
    assert len(stable) == labels.max() + 1 == 3
    assert min(stable) > 0.8 and max(stable) <= 1
    for k in range(3):
        mine = labels[kind == k]
        assert np.bincount(mine[mine >= 0]).max() > 36
    again = clusters.steady(found, np.arange(132) // 2, SETTINGS, 0)
    np.testing.assert_array_equal(labels, again[0])
    np.testing.assert_array_equal(stable, again[1])


def test_what_is_not_found_again_is_no_cluster(drawn):
    _, found = drawn
    labels, stable = clusters.steady(found, np.arange(132), replace(SETTINGS, steady=1.01), 0)
    assert (labels == -1).all() and stable.shape == (0,)


def runs(*found: list[int], drawn: np.ndarray | None = None) -> Runs:
    """Runs by the labels that each gave to the same regions."""
    labels = [np.array(each) for each in found]
    member = [each == c for each in labels for c in range(each.max() + 1)]
    run = [number for number, each in enumerate(labels) for _ in range(each.max() + 1)]
    seen = np.ones((len(found), len(found[0]))) if drawn is None else drawn
    return Runs(np.array(member, np.float32), seen.astype(np.float32), np.array(run))


def test_a_region_goes_where_most_runs_put_it():
    apart, together = [0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 0, 0]
    labels = clusters.elected(runs(apart, apart, together), SMALL)
    assert len(set(labels)) == 3 and all(len(set(labels[each : each + 2])) == 1 for each in (0, 2, 4))
    labels = clusters.elected(runs(apart, together, together), SMALL)
    assert len(set(labels)) == 1
    once = clusters.elected(runs([0, 0, 0, -1], *[[-1, -1, -1, -1]] * 3), SMALL)
    assert (once == -1).all()  # a quarter of the runs is too few


def test_of_a_cluster_and_its_parts_the_more_stable_are_taken():
    whole, parts = [0] * 12 + [1] * 4, [0] * 4 + [2] * 4 + [3] * 4 + [1] * 4
    for often, seldom, count in ((whole, parts, 2), (parts, whole, 4)):
        labels = clusters.elected(runs(often, often, often, seldom, seldom), SMALL)
        assert set(labels.tolist()) == set(range(count))
        assert all(len(set(labels[each : each + 4].tolist())) == 1 for each in (0, 4, 8, 12))


def test_a_run_says_nothing_of_what_it_did_not_see():
    seen = np.array([[1, 1, 1, 1], [1, 1, 0, 1]])
    two = runs([0, 0, 0, -1], [0, 0, -1, -1], drawn=seen)
    assert clusters.elected(two, SMALL).tolist() == [0, 0, 0, -1]
    held = np.array([[True, True, True, False]])
    assert clusters.stability(held, two).tolist() == [1]
    blind = runs([0, 0, 0, -1], [0, 0, -1, -1])
    assert clusters.stability(held, blind).tolist() == pytest.approx([(1 + 2 / 3) / 2])


def test_sets_are_compared_on_what_both_could_hold():
    dice = np.random.default_rng(3)
    seen_by_a, seen_by_b = dice.random((3, 30)) < 0.8, dice.random((4, 30)) < 0.8
    a, b = seen_by_a & (dice.random((3, 30)) < 0.5), seen_by_b & (dice.random((4, 30)) < 0.5)
    found = clusters.jaccard(*(each.astype(np.float32) for each in (a, seen_by_a, b, seen_by_b)))
    for i in range(3):
        for j in range(4):
            both = seen_by_a[i] & seen_by_b[j]
            assert found[i, j] == pytest.approx((a[i] & b[j]).sum() / ((a[i] | b[j]) & both).sum())


def test_too_few_regions_are_no_cluster():
    few = np.eye(12)[:9]
    assert (clusters.clusters(few, 8, SETTINGS) == -1).all()
    for some in (few, few[:0]):
        labels, stable = clusters.steady(some, np.arange(len(some)), SETTINGS, 0)
        assert (labels == -1).all() and stable.shape == (0,)
