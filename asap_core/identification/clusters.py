"""Which regions are alike: unit vectors -> clusters that are found again and again, some noise.

The neighbourhood graph's slowest directions (diffusion maps, Coifman and Lafon 2006) straighten what vectors say, and
HDBSCAN (Campello et al. 2013) finds what is dense in them. One such run hangs on its few settings, on who is in the
collection, and on a machine's last digits; so there are several, of nine tenths of the images each and along more or
fewer directions, and what they find is clustered in turn (Strehl and Ghosh 2002): clusters of clusters that share
most of their regions, to which a region belongs where enough runs put it there. Where some runs find one cluster and
others its parts, the more stable view is taken: of all that overlap, those whose regions times stability are the most.
scikit-learn is imported where it is needed: it is slow to load.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.linalg import eigsh
from scipy.spatial.distance import squareform
from threadpoolctl import threadpool_limits

from ..learning import subspace

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClusterSettings:
    """How regions are grouped; chosen on the demo's planted flaws (`python -m tests.bench.patterns`)."""

    neighbours: int = 15
    slow: tuple[int, ...] = (9, 10, 11)  # directions of the graph, one after the other: fewer make broader clusters
    fewest: int = 10  # regions in a cluster
    core: int = 10  # neighbours that make a place dense
    runs: int = 24
    drawn: float = 0.9  # share of the images in each
    votes: float = 1 / 3  # share of the runs that must put a region where it goes
    same: float = 0.5  # Jaccard index from which clusters of two runs are the same, on average
    overlap: float = 0.5  # share of the smaller one's regions from which two clusters of clusters exclude each other
    steady: float = 0.6  # stability that a cluster has at least; Hennig 2007 trusts none below


@dataclass(frozen=True, eq=False)
class Runs:
    """What several runs found: c clusters of m regions."""

    member: NDArray[np.float32]  # (c, m) 0 or 1
    drawn: NDArray[np.float32]  # (runs, m) 0 or 1
    run: NDArray[np.int64]  # (c,) which found it

    @property
    def seen(self) -> NDArray[np.float32]:
        """What each cluster's run was drawn from, (c, m)."""
        return self.drawn[self.run]


def steady(found: Floats, images: NDArray, settings: ClusterSettings, seed: int) -> tuple[NDArray[np.int64], Floats]:
    """Unit vectors (m, q) of regions of some images (m,) -> clusters that are found again (m,), the largest first, -1
    for none, and how surely (k,): each one's best Jaccard index in every run, mean."""
    with threadpool_limits(1):  # on matrices this small threads only wait for each other
        runs = several(found, images, settings, seed)
    if not len(runs.member):
        return np.full(len(found), -1), np.zeros(0)
    labels = _by_size(elected(runs, settings), settings.fewest)
    scores = stability(labels == np.arange(int(labels.max(initial=-1)) + 1)[:, None], runs)
    holds = scores >= settings.steady
    labels = np.append(np.where(holds, np.cumsum(holds) - 1, -1), -1)[labels]  # the last: in none
    return _joined(labels, _near(found, settings.neighbours)[1]), scores[holds]


def several(found: Floats, images: NDArray, settings: ClusterSettings, seed: int) -> Runs:
    """The clusters of several runs, of some of the images each."""
    rng, every = np.random.default_rng(seed), np.unique(images)
    drawn = np.zeros((settings.runs, len(found)), np.float32)
    member, run = [], []
    for number in range(settings.runs):
        chosen = rng.choice(every, max(1, round(settings.drawn * len(every))), replace=False) if len(every) else every
        which = np.flatnonzero(np.isin(images, chosen))
        drawn[number, which] = 1
        labels = np.full(len(found), -1)
        labels[which] = clusters(found[which], settings.slow[number % len(settings.slow)], settings)
        count = int(labels.max(initial=-1)) + 1
        member.append((labels == np.arange(count)[:, None]).astype(np.float32))
        run += [number] * count
    return Runs(np.concatenate(member), drawn, np.array(run, np.int64))


def elected(runs: Runs, settings: ClusterSettings) -> NDArray[np.int64]:
    """Where most runs put each region: a cluster of clusters, or -1 where too few agree; (m,)."""
    nobody = np.full((1, runs.drawn.shape[1]), np.nextafter(settings.votes, 0))
    share = _votes(runs, settings.same) / np.maximum(runs.drawn.sum(0), 1)  # (kin, m)
    member = share >= settings.votes
    taken = _apart(member, stability(member, runs), settings)
    return np.vstack([nobody, share[taken]]).argmax(0) - 1


def _votes(runs: Runs, same: float) -> NDArray[np.float32]:
    """How many runs put each region into which cluster of clusters, (kin, m)."""
    apart = 1 - jaccard(runs.member, runs.seen, runs.member, runs.seen)
    np.fill_diagonal(apart, 0)
    kin = np.zeros(1, np.int64)
    if len(apart) > 1:
        kin = fcluster(linkage(squareform(apart, checks=False), "average"), 1 - same, "distance") - 1
    return np.stack([runs.member[kin == each].sum(0) for each in range(kin.max() + 1)])


def _apart(member: NDArray[np.bool_], scores: Floats, settings: ClusterSettings) -> NDArray[np.intp]:
    """Which sets (k, m) of those that are steady to take, so that none overlap and most regions are surely held."""
    sound = np.flatnonzero((member.sum(1) >= settings.fewest) & (scores >= settings.steady))
    held = member[sound].astype(np.float32)
    size = held.sum(1)
    pairs = np.argwhere(np.triu(held @ held.T > settings.overlap * np.minimum.outer(size, size), 1))
    if not len(pairs):
        return sound
    either = np.zeros((len(pairs), len(sound)))
    np.put_along_axis(either, pairs, 1, 1)
    best = milp(-size * scores[sound], constraints=LinearConstraint(either, ub=1), integrality=1, bounds=Bounds(0, 1))
    return sound[best.x > 0.5]


def stability(member: NDArray, runs: Runs) -> Floats:
    """How surely sets of regions (k, m) are found again: each one's best Jaccard index in every run, mean; (k,)."""
    member = member.astype(np.float32)
    alike = jaccard(member, np.ones_like(member), runs.member, runs.seen)  # (k, c)
    best = [alike[:, runs.run == number].max(1, initial=0) for number in range(len(runs.drawn))]
    return np.stack(best).mean(0)


def jaccard(a: NDArray, seen_by_a: NDArray, b: NDArray, seen_by_b: NDArray) -> Floats:
    """How far sets (p, m) and (q, m) agree, 0 to 1, on what both could hold: (p, q)."""
    both = a @ b.T
    return both / np.maximum(a @ seen_by_b.T + seen_by_a @ b.T - both, 1)


def clusters(found: Floats, slow: int, settings: ClusterSettings) -> NDArray[np.int64]:
    """Unit vectors (m, q) -> the cluster of each, 0, 1, ... the largest first, -1 for none: (m,); one run."""
    from sklearn.cluster import HDBSCAN

    m = len(found)
    if m < max(2 * settings.fewest, settings.neighbours + 2):
        return np.full(m, -1)
    lay = diffusion(found, slow, settings.neighbours)
    dense = HDBSCAN(min_cluster_size=settings.fewest, min_samples=settings.core, copy=True)  # pyright: ignore
    return _by_size(_joined(dense.fit_predict(lay).astype(np.int64), _near(found, settings.neighbours)[1]))


def diffusion(found: Floats, slow: int, neighbours: int) -> Floats:
    """Unit vectors (m, q) -> unit vectors along the slowest directions of their neighbourhood graph (m, slow)."""
    graph = _graph(found, neighbours)
    degree = np.asarray(graph.sum(1)).ravel()  # (m,)
    scale = sparse.diags_array(1 / np.sqrt(degree))
    even, count = scale @ graph @ scale, min(slow + 1, len(found) - 1)
    values, lay = eigsh(even, count, which="LA", v0=np.sqrt(degree))  # v0: the same every time
    order = np.argsort(-values)[1:]
    return subspace.normalise(lay[:, order] / np.sqrt(degree)[:, None] * np.maximum(values[order], 0) ** 2)


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


def _by_size(labels: NDArray[np.int64], fewest: int = 1) -> NDArray[np.int64]:
    """Labels (m,) numbered anew, the largest cluster first; those with fewer regions are none."""
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes >= max(fewest, 1))]
    rank = np.full(len(sizes) + 1, -1)  # the last: in none
    rank[order] = np.arange(len(order))
    return rank[labels]
