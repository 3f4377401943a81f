"""Which regions are alike: regions' readings -> vectors in which only the unusual speaks -> clusters, some noise.

Directions in which the same places of authentic images differ anyway (skin, hair, light) are made small: readings are
standardised block by block, then whitened by the covariance of authentic regions, with shrinkage. The neighbourhood
graph's slowest directions (diffusion maps, Coifman and Lafon 2006) straighten what is left, and HDBSCAN (Campello et
al. 2013) finds what is dense in them. scikit-learn is imported where it is needed: it is slow to load.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import eigsh

from ..learning import subspace

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClusterSettings:
    """How regions are grouped; chosen on the demo's planted flaws (`python -m tests.bench.patterns`)."""

    subspace: int = 256  # directions kept before whitening
    shrinkage: float = 0.01  # of the largest variance, added to each
    kept: int = 64  # directions kept after it
    neighbours: int = 12
    slow: int = 12  # directions of the graph
    slower: int = 8  # where clusters along those are not found again surely: fewer directions, broader clusters
    fewest: int = 10  # regions in a cluster
    core: int = 10  # neighbours that make a place dense
    ends: float = 1 / 6  # share of the blocks left out at either end: the first see edges, the last whole images
    resamples: int = 10  # for stability, of four fifths of the images each
    steady: float = 0.5  # stability that a cluster has at least


def vectors(regions: list[NDArray], authentic: list[NDArray], settings: ClusterSettings, seed: int) -> Floats:
    """Block by block readings of regions (m, c) and of authentic ones (r, c) -> unit vectors (m, kept)."""
    ours, theirs = [], []
    skipped = round(settings.ends * len(regions))
    middle = slice(skipped, len(regions) - skipped)
    for here, real in zip(regions[middle], authentic[middle], strict=True):
        mean, deviation = real.mean(0), real.std(0) + 1e-6
        size = deviation * np.sqrt(here.shape[1])  # each block counts alike
        ours.append((here - mean) / size)
        theirs.append((real - mean) / size)
    both = np.concatenate([np.hstack(ours), np.hstack(theirs)]).astype(np.float32)  # (m + r, sum of c)
    found = subspace.principal(both, settings.subspace, seed)[0].astype(np.float64)
    m = len(ours[0])
    values, turn = np.linalg.eigh(np.cov(found[m:].T))
    white = found[:m] @ (turn / np.sqrt(np.maximum(values, 0) + settings.shrinkage * values[-1]))
    unit = subspace.normalise(white)
    kept = subspace.principal((unit - unit.mean(0)).astype(np.float32), settings.kept, seed)[0]
    return subspace.normalise(kept.astype(np.float64))


def steady(found: Floats, images: NDArray, settings: ClusterSettings, seed: int) -> tuple[NDArray[np.int64], Floats]:
    """Unit vectors (m, q) of regions of some images (m,) -> clusters that are found again (m,), -1 for none, and how
    surely (k,).

    What is alike along many directions first; what that leaves, or finds but once, along fewer: a broad cluster that
    holds is better than fine ones that do not.
    """
    labels, stable = np.full(len(found), -1), []
    for slow in (settings.slow, settings.slower):
        tried = replace(settings, slow=slow)
        again = clusters(found, tried)
        for c, score in enumerate(stability(found, again, images, tried, seed)):
            mine = again == c
            free = mine & (labels < 0)
            if score >= settings.steady and free.sum() >= max(settings.fewest, mine.sum() / 2):
                labels[free] = len(stable)
                stable.append(float(score))
    return labels, np.array(stable)


def clusters(found: Floats, settings: ClusterSettings) -> NDArray[np.int64]:
    """Unit vectors (m, q) -> the cluster of each, 0, 1, ... the largest first, -1 for none: (m,)."""
    from sklearn.cluster import HDBSCAN

    m = len(found)
    if m < max(2 * settings.fewest, settings.neighbours + 2):
        return np.full(m, -1)
    lay = diffusion(found, settings)
    dense = HDBSCAN(min_cluster_size=settings.fewest, min_samples=settings.core, copy=True)  # pyright: ignore
    return _by_size(_joined(dense.fit_predict(lay).astype(np.int64), _near(found, settings.neighbours)[1]))


def diffusion(found: Floats, settings: ClusterSettings) -> Floats:
    """Unit vectors (m, q) -> unit vectors along the slowest directions of their neighbourhood graph (m, slow)."""
    graph = _graph(found, settings.neighbours)
    degree = np.asarray(graph.sum(1)).ravel()  # (m,)
    scale = sparse.diags_array(1 / np.sqrt(degree))
    even, count = scale @ graph @ scale, min(settings.slow + 1, len(found) - 1)
    values, slow = eigsh(even, count, which="LA", v0=np.sqrt(degree))  # v0: the same every time
    order = np.argsort(-values)[1:]
    lay = slow[:, order] / np.sqrt(degree)[:, None] * np.maximum(values[order], 0) ** 2
    return subspace.normalise(lay)


def stability(found: Floats, labels: NDArray, images: NDArray, settings: ClusterSettings, seed: int) -> Floats:
    """How surely each cluster is found again: its best Jaccard index, mean over resamples of the images; (k,).

    Regions (m, q) with their clusters and images (m,); Hennig 2007 calls 0.75 stable, below 0.6 not to be trusted.
    """
    count, rng = int(labels.max(initial=-1)) + 1, np.random.default_rng(seed)
    scores = np.zeros((settings.resamples, count))
    every = np.unique(images)
    for scored in scores if count else ():
        drawn = np.isin(images, rng.choice(every, max(1, round(0.8 * len(every))), replace=False))
        again, before = clusters(found[drawn], settings), labels[drawn]
        for c in range(count):
            scored[c] = max((_jaccard(before == c, again == a) for a in range(again.max(initial=-1) + 1)), default=0.0)
    return scores.mean(0)  # (k,)


def _jaccard(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(a & b) / max(np.count_nonzero(a | b), 1))


def _graph(found: Floats, neighbours: int) -> sparse.csr_array:
    """Every vector's nearest neighbours, as weights of a symmetric graph; the scale is each one's own
    (Zelnik-Manor and Perona 2004)."""
    far, near = _near(found, neighbours)
    scale = np.maximum(far[:, min(7, neighbours) - 1], 1e-6)
    weight = np.exp(-(far**2) / (scale[:, None] * scale[near]))
    m = len(found)
    graph = sparse.csr_array((weight.ravel(), (np.repeat(np.arange(m), neighbours), near.ravel())), (m, m))
    return (graph.maximum(graph.T) + sparse.diags_array(np.full(m, 1e-9))).tocsr()


def _near(found: Floats, neighbours: int) -> tuple[Floats, NDArray[np.int64]]:
    """How far each vector's nearest others are, and which they are, (m, neighbours) each."""
    from sklearn.neighbors import NearestNeighbors

    far, near = NearestNeighbors(n_neighbors=neighbours + 1).fit(found).kneighbors(found)
    return far[:, 1:], near[:, 1:]


def _joined(labels: NDArray[np.int64], near: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels (m,) in which what is in no cluster joins the one that half of its neighbours (m, k) are in."""
    for _ in range(2):
        votes = np.stack([(labels[near] == c).sum(1) for c in range(-1, int(labels.max()) + 1)])[1:]  # (clusters, m)
        if not len(votes):
            break
        labels = np.where((labels < 0) & (votes.max(0) >= near.shape[1] / 2), votes.argmax(0), labels)
    return labels


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = np.bincount(labels[labels >= 0])
    rank = np.empty(len(sizes), np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.where(labels < 0, -1, rank[labels] if len(sizes) else -1)
