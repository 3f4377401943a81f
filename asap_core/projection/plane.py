"""Plane: vectors -> positions, by UMAP, seeded; the only import of umap.

umap-learn compiles itself anew in every process. What it would compile longest is done here with BLAS and
numpy: the neighbours, exactly, and the weights of the graph. Only its optimisation of the layout is called.

Two geometries: unit vectors are compared by the cosine; all others have every dimension standardised first
and are compared by the Euclidean distance.

Measured on 10,000 images: two principal components are as good a start as umap's spectral one (neighbours
kept, order of distances, purity of classes) and cost nothing; 200 rounds keep nearly all the neighbours that
500 keep (docs/measurements.md). Images outside the sample keep more of their neighbours at the median of those
neighbours than at their weighted mean, and as many as after 100 rounds of umap's own transform.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SettingsError
from ..progress import Report, silent

MARGIN = 0.03  # of the plane's side, on each side: room for what lies far out
OUTLYING = 0.5  # per cent of the positions on each side of each axis that count as far out
CHUNK = 2**24  # similarities in memory at a time: 64 MB
UNIT = 0.01  # how far the norms of unit vectors may be from 1: half precision and to spare
SMALL = 4_000  # so many images get 500 rounds, more get 200, as umap does at 10,000
BISECTIONS = 64
FLOOR = 1e-3  # least width of a neighbourhood, of the mean distance (umap's MIN_K_DIST_SCALE)


@dataclass(frozen=True)
class PlaneSettings:
    """How the plane is laid out.

    neighbours: how many an image is kept close to; min_distance: how close UMAP packs them;
    fit_at_most: more images than that are placed on a plane that was fitted to a sample of so many.
    """

    neighbours: int = 15
    min_distance: float = 0.1
    fit_at_most: int = 20_000

    def __post_init__(self) -> None:
        if not 2 <= self.neighbours <= 200:
            raise SettingsError(f"neighbours is {self.neighbours}: expected 2 to 200")
        if not 0 <= self.min_distance < 1:
            raise SettingsError(f"min_distance is {self.min_distance}: expected 0 or more, less than 1")
        if self.fit_at_most <= self.neighbours:
            raise SettingsError(f"fit_at_most is {self.fit_at_most}: expected more than the neighbours")


def place(
    vectors: NDArray, settings: PlaneSettings, seed: int, report: Report = silent
) -> tuple[NDArray[np.float32], str | None]:
    """Where images lie in the plane, (n, 2), each 0 to 1, and a sentence where that is not plain UMAP of all.

    vectors (n, w). UMAP: McInnes, Healy & Melville 2018 (arXiv 1802.03426). Raises SettingsError for a
    vector that is not a number.
    """
    points, angular = _comparable(vectors)  # (n, w)
    n, most = len(points), settings.fit_at_most
    if n == 0 or not np.ptp(points, axis=0).any():
        return np.full((n, 2), 0.5, np.float32), "All images have the same vector: they lie in the middle."
    if n <= settings.neighbours:
        note = f"{n} images are too few for UMAP: the plane shows their two principal components."
        return fill(_principal(points)), note
    if n <= most:
        positions = _lay_out(points, angular, settings, seed, lambda done: report(done // 2, n))
        report(n, n)
        return fill(positions), None
    sample = np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
    positions = np.empty((n, 2), np.float32)
    positions[sample] = _lay_out(points[sample], angular, settings, seed, lambda done: report(done // 2, n))
    rest = np.setdiff1d(np.arange(n), sample)
    nearest, _ = neighbours(
        points[rest], points[sample], settings.neighbours, report=lambda done: report(most + done, n)
    )
    positions[rest] = np.median(positions[sample][nearest], axis=1)
    note = (
        f"UMAP was fitted to {most:,} of {n:,} images, chosen at random; "
        "each of the others lies at the median of its nearest fitted neighbours."
    )
    return fill(positions), note


def fill(positions: NDArray) -> NDArray[np.float32]:
    """Stretch positions (n, 2) over the unit square, each axis by itself.

    UMAP's axes have no unit, so each is stretched until all but the OUTLYING per cent at either end lie
    between the margins. What lies farther out is drawn into the margin, in order and without a jump, so that
    one stray image neither squeezes the others nor is lost.
    """
    low, high = np.percentile(positions, [OUTLYING, 100 - OUTLYING], axis=0)
    span = np.where(high > low, high - low, 1.0)
    inner = 1 - 2 * MARGIN
    x = inner * (positions - np.where(high > low, low, low - 0.5)) / span  # (n, 2), mostly 0 to inner
    below = MARGIN * np.exp(np.minimum(x, 0) / MARGIN)  # slope 1 at the margin, never below 0
    above = 1 - MARGIN * np.exp(np.minimum(inner - x, 0) / MARGIN)
    return np.where(x < 0, below, np.where(x > inner, above, x + MARGIN)).astype(np.float32)


def neighbours(
    points: NDArray, among: NDArray | None, k: int, report: Callable[[int], None] = lambda done: None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k nearest, exactly: rows of `among` (q, k) and squared distances (q, k), nearest first.

    points (q, w), among (m, w) float32, k <= m. Without `among` they are sought among the points
    themselves, and each point comes first in its own row.
    """
    own, among = among is None, points if among is None else among
    half = 0.5 * np.einsum("ij,ij->i", among, among)  # (m,)
    rows = max(1, min(1024, CHUNK // len(among)))
    nearest = np.empty((len(points), k), np.int64)
    squared = np.empty((len(points), k), np.float32)
    for start in range(0, len(points), rows):
        stop = min(start + rows, len(points))
        nearness = points[start:stop] @ among.T - half  # (rows, m), falls with the distance
        if own:
            nearness[np.arange(stop - start), np.arange(start, stop)] = np.inf
        found = _greatest(nearness, k)
        gaps = points[start:stop, None] - among[found]  # (rows, k, w): exact, where nearness has rounded
        distance = np.einsum("ikw,ikw->ik", gaps, gaps)
        if own:
            distance[found == np.arange(start, stop)[:, None]] = -1
        order = np.argsort(distance, axis=1, kind="stable")
        nearest[start:stop] = np.take_along_axis(found, order, axis=1)
        squared[start:stop] = np.maximum(np.take_along_axis(distance, order, axis=1), 0)
        report(stop)
    return nearest, squared


def _greatest(values: NDArray, k: int) -> NDArray[np.int64]:
    """Where the k greatest of each row stand, (r, k), in no order.

    A row is cut into groups of `depth`, one from each stride; the k greatest are among the k groups with the
    greatest maxima. That reads the matrix once, where a partition reads and writes it several times.
    """
    r, m = values.shape
    depth = 16
    width = m // depth
    if width < 2 * k:
        return np.argpartition(values, m - k, axis=1)[:, m - k :]
    tops = values[:, : depth * width].reshape(r, depth, width).max(axis=1)  # (r, width)
    groups = np.argpartition(tops, width - k, axis=1)[:, width - k :]  # (r, k)
    inside = (groups[:, None] + width * np.arange(depth)[:, None]).reshape(r, -1)  # (r, depth k)
    left = np.broadcast_to(np.arange(depth * width, m), (r, m - depth * width))  # what the cut left over
    candidates = np.concatenate([inside, left], axis=1)
    among = np.take_along_axis(values, candidates, axis=1)
    best = np.argpartition(among, among.shape[1] - k, axis=1)[:, among.shape[1] - k :]
    return np.take_along_axis(candidates, best, axis=1)


def memberships(distances: NDArray) -> NDArray[np.float64]:
    """How much each neighbour counts, (n, k): 1 up to the nearest, then falling; UMAP's equations 1 and 2.

    distances (n, k), ascending; the first is the image itself where it is 0, and does not count.
    The widths are found by bisection, so that the weights of a row sum to log2 k.
    """
    distances = distances.astype(np.float64)
    k = distances.shape[1]
    nearest = np.where(distances > 0, distances, np.inf).min(axis=1)  # (n,) to one that is not a duplicate
    beyond = np.maximum(distances - np.where(np.isinf(nearest), 0, nearest)[:, None], 0)  # (n, k)
    low, high = np.zeros(len(distances)), np.full(len(distances), np.inf)
    width = np.ones(len(distances))
    for _ in range(BISECTIONS):
        wide = np.exp(-beyond[:, 1:] / width[:, None]).sum(axis=1) > np.log2(k)
        low, high = np.where(wide, low, width), np.where(wide, width, high)
        width = np.where(np.isinf(high), 2 * width, (low + high) / 2)
    least = np.where(np.isinf(nearest), distances.mean(), distances.mean(axis=1))
    width = np.maximum(width, np.maximum(FLOOR * least, 1e-300))
    return np.exp(-beyond / width[:, None])


def _comparable(vectors: NDArray) -> tuple[NDArray[np.float32], bool]:
    """Unit vectors, or standardised ones, (n, w), w at least 2; and whether the cosine is meant."""
    points = np.asarray(vectors, np.float32)
    assert points.ndim == 2, f"vectors of shape {points.shape}"
    if not np.isfinite(points).all():
        raise SettingsError("a vector is not a number: expected finite vectors to lay out; build again")
    norms = np.linalg.norm(points, axis=1, keepdims=True)  # (n, 1)
    if points.shape[1] > 1 and (abs(norms - 1) < UNIT).all():
        return points / norms, True
    if len(points):
        varied = np.ptp(points, axis=0) > 0  # (w,); of the others rounding would make noise
        spread = np.where(varied, points.std(axis=0), 1)
        points = np.where(varied, (points - points.mean(axis=0)) / spread, 0).astype(np.float32)
    return np.pad(points, ((0, 0), (0, max(0, 2 - points.shape[1])))), False


def _principal(points: NDArray) -> NDArray[np.float32]:
    """Points along their two widest directions, (n, 2)."""
    centred = points - points.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)  # (w, w), widest last
    return centred @ directions[:, :-3:-1]


def _graph(points: NDArray, angular: bool, k: int, report: Callable[[int], None]) -> sparse.csr_matrix:
    """UMAP's graph of neighbours, (n, n): the fuzzy union of how much each counts for the other."""
    nearest, squared = neighbours(points, None, k, report)
    n = len(points)
    weights = memberships(squared / 2 if angular else np.sqrt(squared))
    weights[:, 0] = 0  # the image itself
    rows = np.repeat(np.arange(n), k)
    graph = sparse.csr_matrix((weights.ravel().astype(np.float32), (rows, nearest.ravel())), shape=(n, n))
    return sparse.csr_matrix(graph + graph.T - graph.multiply(graph.T))


def _lay_out(
    points: NDArray, angular: bool, settings: PlaneSettings, seed: int, report: Callable[[int], None]
) -> NDArray[np.float32]:
    """UMAP's positions of all points, (n, 2), in no particular scale."""
    graph = _graph(points, angular, settings.neighbours, report)
    random = np.random.RandomState(seed)
    start = _principal(points)
    start *= 10 / max(np.abs(start).max(), 1e-12)  # a sample of equal vectors: noise alone
    start += random.normal(scale=1e-4, size=start.shape).astype(np.float32)  # duplicates must be able to part
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImportWarning)  # Tensorflow is missing, says umap; it is not needed
        from umap.umap_ import find_ab_params, simplicial_set_embedding  # slow: only where it is needed
    a, b = find_ab_params(1.0, settings.min_distance)
    positions, _ = simplicial_set_embedding(
        data=points,
        graph=graph,
        n_components=2,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=500 if len(points) <= SMALL else 200,
        init=start,
        random_state=random,
        metric="euclidean",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
    )
    return positions
