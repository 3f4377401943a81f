"""A canonical form for the distilled dimensions: the same images give the same dimensions, up to noise.

One logit leaves the rows of a linear distiller arbitrary: any basis of any space that holds the detector's own
direction gives the same verdicts. This choice is our addition, not the paper's. The space: the detector's
direction, then those in which the *fakes* vary most where all images vary alike (kinds of fakes). The basis:
activations uncorrelated, of variance 1, turned by FastICA (Hyvärinen 1999) so that each fires rarely and
strongly, with a barrier that leaves none without a share of the logit. Detectors of two halves of a collection agree
far better so than with an arbitrary basis (docs/measurements.md).
"""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
COMPONENTS = 2  # per dimension: principal components of all images among which kinds of fakes are looked for
BARRIER = 0.1
ROWS = 10_000  # images that the turn is found from
RESTARTS, STEPS, STILL = 6, 200, 1e-6


def choose(x: NDArray, is_fake: NDArray[np.bool_], v: Doubles, count: int) -> tuple[Doubles, Doubles]:
    """Directions (d, k) and weights (d,) > 0 with x.v = weights . directions x for every image.

    x (n, k) has column means 0. Activations x directions^T are uncorrelated with variance 1, sorted by
    weight, whose square is the dimension's share of the logit's variance. d is at most `count` and the rank of x.
    """
    spread = (x.T @ x).astype(np.float64) / len(x)  # (k, k)
    candidates = np.concatenate([v[None], _kinds(x[is_fake], spread, COMPONENTS * count)])  # (c, k)
    basis = _uncorrelated(candidates, spread, count)  # (d, k), its first row along v
    if len(basis) == 0:
        return np.zeros((1, len(v))), np.zeros(1)
    size = np.sqrt(max(v @ spread @ v, 0.0))  # standard deviation of the logit
    if size < 1e-9:  # nothing was learnt: there is nothing to share out
        return basis, np.zeros(len(basis))
    rows = np.linspace(0, len(x) - 1, min(len(x), ROWS)).astype(np.int64)
    white = x[rows].astype(np.float64) @ basis.T  # (s, d)
    sense = np.where((white**3).mean(0) < 0, -1.0, 1.0)  # fixed by the images, so that the starts below are
    basis, white = sense[:, None] * basis, white * sense
    size *= sense[0]
    turn = _turn(white)  # (d, d)
    weights = size * turn[:, 0]
    order = np.argsort(-np.abs(weights), kind="stable")
    sign = np.where(weights < 0, -1.0, 1.0)[order]
    return sign[:, None] * (turn @ basis)[order], np.abs(weights)[order]


def _kinds(fakes: NDArray, spread: Doubles, components: int) -> Doubles:
    """Directions (c, k) in which fakes vary, most first, where all images vary by 1; a principal subspace."""
    values, vectors = np.linalg.eigh(spread)
    kept = np.flatnonzero(values > 1e-9 * max(values[-1], 1e-30))[::-1][:components]
    white = vectors[:, kept] / np.sqrt(values[kept])  # (k, p)
    seen = fakes.astype(np.float64) @ white  # (f, p)
    seen -= seen.mean(0)
    _, axes = np.linalg.eigh(seen.T @ seen)
    return (white @ axes[:, ::-1]).T


def _uncorrelated(candidates: Doubles, spread: Doubles, count: int) -> Doubles:
    """Gram and Schmidt in the metric of the images' covariance: at most `count` rows (d, k), B S B^T = I."""
    basis: list[Doubles] = []
    for row in candidates:
        before = row @ spread @ row
        for _ in range(2):  # twice is enough
            for other in basis:
                row = row - (other @ spread @ row) * other
        left = row @ spread @ row
        if left > 1e-8 * before and before > 1e-30:
            basis.append(row / np.sqrt(left))
        if len(basis) == count:
            break
    return np.array(basis).reshape(len(basis), candidates.shape[1])


def _turn(white: Doubles) -> Doubles:
    """The rotation (d, d) that makes activations (n, d) least Gaussian and shares the first among all rows.

    Several fixed starts, the best of them kept: ICA has local optima.
    """
    d = white.shape[1]
    rng = np.random.default_rng(0)  # of the starts only: part of the definition, not a seed
    best, best_worth = np.eye(d), -np.inf
    for _ in range(RESTARTS if d > 1 else 0):
        turn = _spread_out(np.linalg.qr(rng.standard_normal((d, d)))[0])
        for _ in range(STEPS):
            activations = np.tanh(white @ turn.T)  # (n, d)
            pull = activations.T @ white / len(white) - (1 - activations**2).mean(0)[:, None] * turn
            share = np.where(np.abs(turn[:, 0]) < 0.02, np.copysign(0.02, turn[:, 0]), turn[:, 0])
            pull *= np.where((pull * turn).sum(1) < 0, -1.0, 1.0)[:, None]
            pull[:, 0] += BARRIER / (d * share)
            u, _, vt = np.linalg.svd(pull)
            moved = np.abs((u @ vt * turn).sum(1)).min()
            turn = u @ vt
            if moved > 1 - STILL:
                break
        worth = _worth(white, turn)
        if worth > best_worth:
            best, best_worth = turn, worth
    return best


def _spread_out(turn: Doubles) -> Doubles:
    """The rotation with its first column brought to equal shares by a reflection (Householder)."""
    normal = turn[:, 0] - np.full(len(turn), len(turn) ** -0.5)
    size = normal @ normal
    return turn if size < 1e-12 else turn - 2 * np.outer(normal, normal @ turn) / size


def _worth(white: Doubles, turn: Doubles) -> float:
    """How far from Gaussian the activations are, and how evenly the logit is shared."""
    activations = white @ turn.T
    gaussian = 0.37457  # mean of log cosh of a standard normal
    away = np.abs(np.logaddexp(activations, -activations).mean(0) - np.log(2) - gaussian).sum()
    return float(away + BARRIER * np.log(np.maximum(np.abs(turn[:, 0]), 1e-6)).mean())
