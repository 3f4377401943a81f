"""What the browser knows of every cell of a plane, in columns: cards, table and keys need no round trip.

Shares are in thousandths, scores and contributions in hundredths, whole numbers all.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap_core.analysis import Analysis
from asap_core.learning import verdicts
from asap_core.projection import glyphs
from asap_core.projection.cells import Cells
from asap_core.projection.glyphs import Glyphs

STEPS = 6  # bins of a violin within each level of severity
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
TOP = 4  # dimensions shown on a card


def table(analysis: Analysis, cells: Cells, summary: Glyphs, side: int) -> dict[str, Any]:
    """Columns of m entries, one an occupied cell, and what they have in common."""
    columns: dict[str, Any] = {
        "code": summary.codes.tolist(),
        "n": summary.n.tolist(),
        "called": summary.n_called_fake.tolist(),
        "unsure": summary.inconclusive.tolist(),
        "severity": _whole(summary.severity[:, 2], 100),
        "level": verdicts.levels(summary.severity[:, 2]).tolist(),
        "shape": shapes(analysis, cells),
        "top": strongest(summary.contributions),
        "exemplars": summary.exemplars.tolist(),
    }
    if summary.n_fake is not None and summary.misses is not None and summary.false_alarms is not None:
        right = summary.n - summary.misses - summary.false_alarms
        low, high = glyphs.wilson(right, summary.n)
        columns |= {
            "fake": summary.n_fake.tolist(),
            "misses": summary.misses.tolist(),
            "alarms": summary.false_alarms.tolist(),
            "low": _whole(low, 1000),
            "high": _whole(high, 1000),
        }
    return {
        "side": side,
        "levels": list(verdicts.LEVELS),
        "thresholds": list(verdicts.THRESHOLDS),
        "few": glyphs.FEW,
        "columns": columns,
    }


def shapes(analysis: Analysis, cells: Cells) -> list[list[str]]:
    """The violins of each cell, [real, fake] or [all]: a digit (base 36) a bin, its share of the fullest bin.

    Every level of severity has STEPS bins, so that levels are equally tall.
    """
    bounds = np.asarray([0, *verdicts.THRESHOLDS, 1])
    inner = [np.linspace(low, high, STEPS, endpoint=False) for low, high in pairwise(bounds)]
    edges = np.concatenate(inner)  # (bins,) where each begins
    place = np.searchsorted(edges, np.take(analysis.scores, cells.rows), side="right") - 1  # (n,)
    truth = analysis.is_fake
    classes = 1 if truth is None else 2
    group = cells.owner * classes + (0 if truth is None else np.take(truth, cells.rows))
    bins = len(edges)
    counts = np.bincount(group * bins + place, minlength=len(cells) * classes * bins).reshape(-1, bins)
    fullest = np.maximum(counts.max(axis=1, keepdims=True), 1)
    heights = np.ceil(counts / fullest * 35).astype(int)  # only nobody is 0
    texts = ["".join(DIGITS[height] for height in row) for row in heights.tolist()]
    return [texts[j * classes : (j + 1) * classes] for j in range(len(cells))]


def strongest(contributions: NDArray) -> list[list[int]]:
    """The TOP dimensions of each cell by the size of what they add: [dimension, hundredths, dimension, …]."""
    order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :TOP]  # (m, TOP)
    values = np.take_along_axis(contributions, order, axis=1)
    pairs = np.stack([order, np.rint(100 * values).astype(int)], axis=2)  # (m, TOP, 2)
    return pairs.reshape(len(pairs), -1).tolist()


def _whole(values: NDArray, scale: int) -> list[int]:
    return np.rint(np.asarray(values, np.float64) * scale).astype(int).tolist()
