"""What the browser knows of the cells of a plane: a table of all, in columns, and a card of one, when it is pointed at.

Shares are in thousandths, scores and contributions in hundredths, whole numbers all.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap_core.analysis import Analysis
from asap_core.learning import verdicts
from asap_core.projection import glyphs
from asap_core.projection.glyphs import Glyphs

from ..figures import glyph

STEPS = 6  # bins of a violin within each level of severity
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
TOP = 4  # dimensions shown on a card


def table(summary: Glyphs, side: int) -> dict[str, Any]:
    """Columns of m entries, one an occupied cell, and what they have in common."""
    columns: dict[str, Any] = {
        "code": summary.codes.tolist(),
        "n": summary.n.tolist(),
        "called": summary.n_called_fake.tolist(),
        "unsure": summary.inconclusive.tolist(),
        "severity": _whole(summary.severity[:, 2], 100),
        "level": verdicts.levels(summary.severity[:, 2]).tolist(),
        "medoid": summary.medoid.tolist(),
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
        "thresholds": [0, *verdicts.THRESHOLDS, 1],
        "few": glyphs.FEW,
        "sizes": list(glyph.edges(int(summary.n.max(initial=0)))),
        "columns": columns,
    }


def card(analysis: Analysis, rows: NDArray, summary: Glyphs, at: int) -> dict[str, Any]:
    """Of one cell, the one at place `at` in the summary: its violins, strongest dimensions and six images."""
    return {
        "shape": shapes(analysis, rows),
        "top": strongest(analysis.contributions[rows].mean(0, dtype=np.float64)),
        "exemplars": summary.exemplars[at].tolist(),
    }


def shapes(analysis: Analysis, rows: NDArray) -> list[str]:
    """The violins of some images, [real, fake] or [all]: a digit (base 36) a bin, its share of the fullest bin.

    Every level of severity has STEPS bins, so that levels are equally tall.
    """
    bounds = np.asarray([0, *verdicts.THRESHOLDS, 1])
    inner = [np.linspace(low, high, STEPS, endpoint=False) for low, high in pairwise(bounds)]
    edges = np.concatenate(inner)  # (bins,) where each begins
    place = np.searchsorted(edges, np.take(analysis.scores, rows), side="right") - 1  # (r,)
    truth = analysis.is_fake
    classes = [place] if truth is None else [place[np.take(truth, rows) == fake] for fake in (False, True)]
    counts = np.stack([np.bincount(each, minlength=len(edges)) for each in classes])  # (classes, bins)
    fullest = np.maximum(counts.max(axis=1, keepdims=True), 1)
    heights = np.ceil(counts / fullest * 35).astype(int)  # only nobody is 0
    return ["".join(DIGITS[height] for height in each) for each in heights.tolist()]


def strongest(contributions: NDArray) -> list[list[int]]:
    """The TOP dimensions of a cell by the size of what they add, (d,): [dimension, hundredths] each."""
    order = np.argsort(-np.abs(contributions), kind="stable")[:TOP]
    return [[int(k), round(100 * float(contributions[k]))] for k in order]


def _whole(values: NDArray, scale: int) -> list[int]:
    return np.rint(np.asarray(values, np.float64) * scale).astype(int).tolist()
