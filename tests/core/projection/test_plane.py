"""Exact neighbours, UMAP's weights and a full plane; one small fixture pays for compiling UMAP."""

from math import exp, log2

import numpy as np
import pytest

from asap_core.errors import SettingsError
from asap_core.projection import cells, plane
from asap_core.projection.plane import PlaneSettings

CLUSTERS, EACH, WIDTH = 4, 60, 12


def clustered(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors, the first twenty equal, (240, 12), and the cluster of each, (240,)."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(CLUSTERS), EACH)
    vectors = 3 * np.eye(WIDTH)[cluster] + rng.normal(0, 0.3, (len(cluster), WIDTH))
    vectors[:20] = vectors[0]
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), cluster


@pytest.fixture(scope="session")
def placed():
    """One plane by UMAP: vectors, clusters, positions, note, and what was reported."""
    vectors, cluster = clustered(0)
    reports = []
    positions, note = plane.place(vectors, PlaneSettings(), 3, lambda *report: reports.append(report))
    return vectors, cluster, positions, note, reports


def purity(positions: np.ndarray, cluster: np.ndarray) -> float:
    """The share of images whose nearest other image in the plane is of their own cluster."""
    distance = np.linalg.norm(positions[:, None].astype(float) - positions, axis=2)
    np.fill_diagonal(distance, np.inf)
    return float((cluster[distance.argmin(axis=1)] == cluster).mean())


def test_clusters_stay_together_and_the_plane_is_used(placed):
    _, cluster, positions, note, reports = placed
    assert note is None
    assert positions.shape == (240, 2) and positions.dtype == np.float32
    assert positions.min() >= 0 and positions.max() <= 1
    assert purity(positions, cluster) > 0.98
    assert (np.percentile(positions, 99, axis=0) - np.percentile(positions, 1, axis=0) > 0.85).all()
    done = [d for d, _ in reports]
    assert done == sorted(done) and reports[-1] == (240, 240)


def test_the_same_seed_gives_the_same_plane_and_another_seed_another(placed):
    vectors, _, positions, _, _ = placed
    np.testing.assert_array_equal(plane.place(vectors, PlaneSettings(), 3)[0], positions)
    assert (plane.place(vectors, PlaneSettings(), 4)[0] != positions).any()


def test_more_images_than_are_fitted_are_all_placed_and_it_is_said(placed):
    vectors, cluster, _, _, _ = placed
    settings = PlaneSettings(fit_at_most=120)
    reports = []
    positions, note = plane.place(vectors, settings, 3, lambda *report: reports.append(report))
    assert note is not None and "120 of 240" in note
    assert np.isfinite(positions).all() and purity(positions, cluster) > 0.95
    np.testing.assert_array_equal(plane.place(vectors, settings, 3)[0], positions)
    done = [d for d, _ in reports]
    assert done == sorted(done) and reports[-1] == (240, 240)


def test_vectors_with_many_duplicates_are_laid_out():
    vectors = np.repeat(np.eye(3, 16, dtype=np.float32), 50, axis=0)
    positions, _ = plane.place(vectors, PlaneSettings(), 0)
    assert np.isfinite(positions).all() and positions.min() >= 0 and positions.max() <= 1


def test_a_sample_of_equal_vectors_is_laid_out():
    vectors = np.zeros((60, 3))
    vectors[7] = 1
    positions, note = plane.place(vectors, PlaneSettings(fit_at_most=16), 0)
    assert np.isfinite(positions).all() and note is not None


def test_the_scale_of_a_dimension_does_not_matter_unless_vectors_are_of_unit_length():
    rng = np.random.default_rng(6)
    vectors = rng.normal(size=(12, 5)).astype(np.float32)
    settings = PlaneSettings()
    stretched = vectors * np.array([1, 1000, 1, 0.001, 1]) + 2
    np.testing.assert_allclose(plane.place(vectors, settings, 0)[0], plane.place(stretched, settings, 0)[0], atol=2e-3)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    points, angular = plane._comparable(unit.astype(np.float16))
    assert angular
    np.testing.assert_allclose(points, unit, atol=1e-3)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 15])
def test_a_few_images_are_laid_out_without_umap_and_it_is_said(n):
    vectors = np.random.default_rng(n).normal(size=(n, 7))
    positions, note = plane.place(vectors, PlaneSettings(), 0)
    assert positions.shape == (n, 2) and note is not None
    assert positions.min() >= 0 and positions.max() <= 1
    assert len(np.unique(positions, axis=0)) == n


@pytest.mark.parametrize("vectors", [np.zeros((0, 3)), np.full((50, 3), 0.1), np.full((50, 1), 2)])
def test_equal_vectors_lie_in_the_middle(vectors):
    positions, note = plane.place(vectors, PlaneSettings(), 0)
    assert (positions == 0.5).all() and len(positions) == len(vectors) and note is not None


def test_vectors_of_one_dimension_lie_on_a_line():
    positions, _ = plane.place(np.arange(9.0)[:, None], PlaneSettings(), 0)
    order = np.argsort(positions[:, 0]).tolist()
    assert order in (list(range(9)), list(range(9))[::-1]) and np.ptp(positions[:, 1]) == 0


def test_what_is_not_a_number_is_refused():
    with pytest.raises(SettingsError, match="not a number"):
        plane.place(np.array([[1.0, np.nan], [0.0, 1.0]]), PlaneSettings(), 0)


@pytest.mark.parametrize("wrong", [{"neighbours": 1}, {"min_distance": 1.0}, {"fit_at_most": 15}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingsError, match="expected"):
        PlaneSettings(**wrong)


@pytest.mark.parametrize("m", [30, 700, 1303])
def test_neighbours_are_the_nearest_by_a_full_sort(m):
    rng = np.random.default_rng(m)
    points = rng.normal(size=(m, 6)).astype(np.float32)
    points[:9] = points[0]  # duplicates
    distance = ((points[:, None].astype(float) - points) ** 2).sum(axis=2)  # (m, m)
    nearest, squared = plane.neighbours(points, None, 12)
    assert (nearest[:, 0] == np.arange(m)).all() and (squared[:, 0] == 0).all()
    assert all(len(set(row)) == 12 for row in nearest.tolist())
    np.testing.assert_allclose(squared, np.sort(distance, axis=1)[:, :12], rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(squared, np.take_along_axis(distance, nearest, axis=1), rtol=1e-5, atol=1e-9)


def test_neighbours_among_others():
    rng = np.random.default_rng(1)
    points, among = rng.normal(size=(40, 6)).astype(np.float32), rng.normal(size=(900, 6)).astype(np.float32)
    distance = ((points[:, None].astype(float) - among) ** 2).sum(axis=2)  # (40, 900)
    nearest, squared = plane.neighbours(points, among, 5)
    np.testing.assert_array_equal(nearest, np.argsort(distance, axis=1)[:, :5])
    np.testing.assert_allclose(squared, np.sort(distance, axis=1)[:, :5], rtol=1e-5)


def test_weights_of_neighbours_fall_from_one_and_sum_to_the_logarithm():
    rng = np.random.default_rng(2)
    distances = np.concatenate([np.zeros((50, 1)), np.sort(rng.gamma(2, 1, (50, 14)), axis=1)], axis=1)
    distances[7, :3] = 0  # two duplicates
    weights = plane.memberships(distances.astype(np.float32))
    for row, found in zip(distances.astype(np.float32).astype(float), weights, strict=True):
        nearest = min(d for d in row if d > 0)
        low, high = 1e-9, 1e9
        for _ in range(200):
            width = (low * high) ** 0.5
            total = sum(exp(-max(d - nearest, 0) / width) for d in row[1:])
            low, high = (low, width) if total > log2(15) else (width, high)
        expected = [exp(-max(d - nearest, 0) / width) for d in row]
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert sum(found[1:]) == pytest.approx(log2(15))


def test_one_stray_point_neither_squeezes_the_others_nor_is_lost():
    rng = np.random.default_rng(4)
    positions = rng.normal(size=(1000, 2))
    alone = cells.cut(plane.fill(positions), 16)
    positions[0] = (500, -900)
    filled = plane.fill(positions)
    assert len(np.unique(cells.cut(filled, 16))) > 0.9 * len(np.unique(alone))
    assert filled[0, 0] == filled[:, 0].max() <= 1 and filled[0, 1] == filled[:, 1].min() >= 0


def test_filling_keeps_the_order_along_each_axis():
    rng = np.random.default_rng(5)
    positions = rng.standard_t(2, (2000, 2))  # long tails
    filled = plane.fill(positions)
    assert filled.min() >= 0 and filled.max() <= 1
    for axis in (0, 1):
        assert (np.diff(filled[np.argsort(positions[:, axis]), axis]) >= 0).all()
