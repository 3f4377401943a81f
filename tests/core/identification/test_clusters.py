"""Which regions are alike: what authentic regions vary in anyway does not count, and noise stays noise."""

import numpy as np
import pytest

from asap_core.identification import clusters
from asap_core.identification.clusters import ClusterSettings

SETTINGS = ClusterSettings(subspace=40, kept=12, resamples=4)


@pytest.fixture(scope="module")
def drawn():
    """Readings of two blocks: two kinds of 40 regions, and 10 of no kind; what differs most is what always does."""
    dice = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], [40, 40, 10])

    def block(width: int, count: int) -> np.ndarray:
        found = dice.normal(0, 0.3, (count, width)).astype(np.float32)
        found[:, :4] += dice.normal(0, 6, (count, 4))  # hair, skin, light
        return found

    regions, authentic = [block(20, 90), block(30, 90)], [block(20, 300), block(30, 300)]
    for each in regions:
        each[kind == 0, 10] += 3
        each[kind == 1, 11] += 3
        each[kind == 2] += dice.normal(0, 1.5, (10, each.shape[1]))
    return kind, regions, authentic


def test_kinds_are_told_apart_although_other_things_differ_more(drawn):
    kind, regions, authentic = drawn
    found = clusters.vectors(regions, authentic, SETTINGS, 0)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1)
    labels = clusters.clusters(found, SETTINGS)
    best = [max(np.mean((labels == c)[kind == k]) for c in range(labels.max() + 1)) for k in (0, 1)]
    assert min(best) > 0.9
    mixed = [len({k for k in (0, 1) if ((labels == c) & (kind == k)).sum() > 2}) for c in range(labels.max() + 1)]
    assert max(mixed) == 1
    steady = clusters.stability(found, labels, np.arange(90) // 2, SETTINGS, 0)
    assert steady.shape == (labels.max() + 1,)
    assert steady.max() > 0.8 and steady.max() <= 1


def test_what_fine_clusters_lose_a_broad_one_keeps(drawn, monkeypatch: pytest.MonkeyPatch):
    kind, regions, authentic = drawn
    found, images = clusters.vectors(regions, authentic, SETTINGS, 0), np.arange(90)
    fine, broad = np.where(kind == 0, 0, np.where(np.arange(90) % 2 + 1 > 1, 1, 2)), np.where(kind == 2, -1, kind)
    surely = {SETTINGS.slow: (fine, [0.9, 0.3, 0.2]), SETTINGS.slower: (broad, [0.95, 0.8])}
    monkeypatch.setattr(clusters, "clusters", lambda _, settings: surely[settings.slow][0])
    monkeypatch.setattr(clusters, "stability", lambda *all: np.array(surely[all[3].slow][1]))
    labels, stable = clusters.steady(found, images, SETTINGS, 0)
    assert labels.tolist() == broad.tolist()  # kind 0 from the fine clusters, kind 1 whole from the broad ones
    assert stable.tolist() == [0.9, 0.8]


def test_the_same_vectors_have_the_same_clusters(drawn):
    _, regions, authentic = drawn
    once, again = (clusters.clusters(clusters.vectors(regions, authentic, SETTINGS, 0), SETTINGS) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_too_few_regions_are_no_cluster():
    few = np.eye(12)[:9]
    assert (clusters.clusters(few, SETTINGS) == -1).all()
    assert clusters.stability(few, np.full(9, -1), np.arange(9), SETTINGS, 0).shape == (0,)
    none = np.zeros(0, np.int64)
    assert clusters.stability(few[:0], none, none, SETTINGS, 0).shape == (0,)
