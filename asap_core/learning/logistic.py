"""Balanced logistic regression with a penalty chosen on images set aside: the convex part of L3 + L4.

Minimises, over v (k,) and b, the mean of weight * log loss(y, x.v + b), plus penalty / 2 |v|^2, classes weighted
alike, by Newton's method. The penalty falls step by step, and the descent stops early when the loss of the
validation part rises: early stopping, but along a path that every run walks alike. numpy only.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import verdicts

PENALTIES = tuple(10 ** (-e / 2) for e in range(13))  # strong to weak, for columns of mean square 1
PATIENCE = 2  # steps of the path without a better validation loss


@dataclass(frozen=True)
class Line:
    """logit = x.v + b; float64."""

    v: NDArray[np.float64]  # (k,)
    b: float

    def logits(self, x: NDArray) -> NDArray[np.float64]:
        """(n, k) -> (n,)."""
        return x @ self.v.astype(x.dtype) + self.b


def fit(x: NDArray, target: NDArray, weight: NDArray, penalty: float, start: Line, steps: int = 12) -> Line:
    """Newton's method from `start` until nothing moves; x (n, k), weight (n,) and target (n,), 0..1."""
    line = start
    share = weight / weight.sum()
    for _ in range(steps):
        p = 0.5 * (1 + np.tanh(line.logits(x) / 2))  # (n,)
        slope = share * (p - target)
        bend = share * np.maximum(p * (1 - p), 1e-6)
        gradient = np.r_[(slope.astype(x.dtype) @ x).astype(np.float64) + penalty * line.v, slope.sum()]
        crossed = bend.astype(x.dtype) @ x
        hessian = np.empty((len(gradient), len(gradient)))
        hessian[:-1, :-1] = _weighted_gram(x, bend) + penalty * np.eye(len(line.v))
        hessian[-1, :-1] = hessian[:-1, -1] = crossed
        hessian[-1, -1] = bend.sum()
        step = np.linalg.solve(hessian, gradient)
        # a step that would throw logits far beyond certainty is shortened: Newton may overshoot when separable
        step *= min(1.0, 8.0 / max(float(np.abs(x[:512] @ step[:-1].astype(x.dtype)).max(initial=0.0)), 1e-12))
        line = Line(line.v - step[:-1], line.b - step[-1])
        if np.abs(step).max() < 1e-4 * (1 + np.abs(line.v).max()):
            break
    return line


def fit_path(
    x: NDArray, is_fake: NDArray[np.bool_], validation: NDArray[np.bool_], smoothing: float
) -> tuple[float, Line]:
    """The penalty with the least balanced loss on the validation rows, and the line it gave."""
    held_x, held_y = x[validation], is_fake[validation]
    x, y = x[~validation], is_fake[~validation]
    goal, weight, held = smooth(y, smoothing), verdicts.balance(y), verdicts.balance(held_y)
    line = best_line = Line(np.zeros(x.shape[1]), 0.0)
    best, best_penalty, since = np.inf, PENALTIES[0], 0
    for penalty in PENALTIES:
        line = fit(x, goal, weight, penalty, line, steps=3)
        loss = held @ np.logaddexp(0, np.where(held_y, -1, 1) * line.logits(held_x)) / held.sum()
        if loss < best * (1 - 1e-4):
            best, best_penalty, best_line, since = loss, penalty, line, 0
        else:
            since += 1
        if since == PATIENCE:
            break
    return best_penalty, best_line


def smooth(is_fake: NDArray[np.bool_], smoothing: float) -> NDArray[np.float64]:
    """Targets (n,): label smoothing s makes 0 and 1 to s / 2 and 1 - s / 2."""
    return np.where(is_fake, 1 - smoothing / 2, smoothing / 2)


def _weighted_gram(x: NDArray, weight: NDArray, rows: int = 8192) -> NDArray[np.float64]:
    """x^T diag(weight) x, (k, k), some rows at a time."""
    total = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), rows):
        part = x[start : start + rows] * np.sqrt(weight[start : start + rows, None]).astype(x.dtype)
        total += part.T @ part
    return total
