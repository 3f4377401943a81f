"""Dimensions as the browser gets them: bars of groups, one dimension in full, one image's values.

/dimensions/<fingerprint>?a=&b=&of= · /dimension/<fingerprint>/<k>?a=&b=&of= · /contributions/<fingerprint>/<row>.
a, b and of are phrases; without a it is everything in `of`. Contributions are in logits, above 0 toward fake, 0 as in
the mean real image.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core.identification import contribution
from asap_core.identification.contribution import Difference, Summary

from .. import responses
from ..groups import Groups
from ..kept import Kept

BINS = 48  # of a distribution
TAILS = (0.002, 0.998)  # shares of the collection between which the bins lie; the outer bins hold what is beyond
ENDS = (0.01, 0.99)  # shares between which a dimension can be set
SHOWN = 8  # images at each end
Values = NDArray[np.float32]


class Dimensions:
    """What the dimensions of one analysis say of groups of its images."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.analysis = groups.analysis
        self._kept = Kept()

    @cached_property
    def columns(self) -> Values:
        """The contributions dimension by dimension, (d, n): one of them is then read in one go."""
        return np.ascontiguousarray(self.analysis.contributions.T)

    @cached_property
    def fake(self) -> NDArray[np.bool_]:
        """Which images are fake, (n,); where that is not known, which are judged so."""
        truth = self.analysis.is_fake
        return np.asarray(self.analysis.logits > 0 if truth is None else truth)

    @cached_property
    def usual(self) -> Values:
        """The mean contributions of real and of fake images, (2, d); 0 for those there are none of."""
        return self._by_truth(np.mean)

    @cached_property
    def scale(self) -> tuple[float, float]:
        """What the bars of all groups are drawn between: real and fake images' means, a deviation to each side."""
        spread = self._by_truth(np.std)
        low, high = float((self.usual - spread).min()), float((self.usual + spread).max())
        return min(low, -0.1), max(high, 0.1)

    @cached_property
    def gap(self) -> float:
        """What the differences of all groups are drawn up to: half as much again as real and fake images differ."""
        return max(1.5 * float(np.abs(self.usual[1] - self.usual[0]).max()), 0.1)

    def bars(self, a: str, b: str, of: str) -> dict[str, Any]:
        """The summaries of A (or of everything in `of`), of B and their difference; null for what has no images."""
        first, second = self.groups.rows(a or of), self.groups.rows(b) if b else np.zeros(0, np.int64)
        (left, ours), (right, theirs) = self._values(first), self._values(second)
        seed = self.analysis.info.get("seed", 0)
        facts = {"scale": self.scale, "gap": self.gap}
        if len(first) and len(second):
            one, other, between = contribution.summarise_and_compare(left, right, seed, (ours, theirs))
            return facts | {"a": _summary(one), "b": _summary(other), "difference": _difference(between)}
        found = [_summary(contribution.summarise(each, seed, of)) if len(each) else None
                 for each, of in ((left, ours), (right, theirs))]  # fmt: skip
        return facts | {"a": found[0], "b": found[1], "difference": None}

    def one(self, k: int, a: str, b: str, of: str) -> dict[str, Any]:
        """A dimension's distribution in A, B and everything in `of`, and the images at its ends."""
        edges = self._edges(k)
        groups = {"all": of} | ({"a": a} if a else {}) | ({"b": b} if b else {})
        found = {name: self._spread(k, self.groups.rows(phrase), edges) for name, phrase in groups.items()}
        shown = [name for name in ("a", "b") if name in found] or ["all"]
        return {
            "k": k,
            "edges": [float(edges[0]), float(edges[-1])],
            "weight": float(self.analysis.head[k]),
            "spread": found,
            "ends": {name: self._ends(k, self.groups.rows(groups[name])) for name in shown},
        }

    def ranges(self) -> dict[str, Any]:
        """Between what the dimensions can be set, and where real and fake images' means are, (d,) each."""
        low, high = self._kept.get("ranges", lambda: np.quantile(self.columns, ENDS, axis=1))
        low, high = np.minimum(low, self.usual.min(0)), np.maximum(high, self.usual.max(0))
        return {"low": _short(low), "high": _short(high), "fake": _short(self.usual[1])}

    def _by_truth(self, figure: Callable[..., NDArray]) -> Values:
        found = np.zeros((2, len(self.columns)), np.float32)
        for kind in (False, True):
            if (self.fake == kind).any():
                found[int(kind)] = figure(self.columns[:, self.fake == kind], axis=1)
        return found

    def _values(self, rows: NDArray[np.int64]) -> tuple[Values, NDArray]:
        """The contributions of some rows and the groups of near-duplicates they are in; no copy where it is all."""
        every, groups = self.analysis.contributions, self.analysis.arrays["group"]
        return (every, np.asarray(groups)) if len(rows) == len(every) else (every[rows], groups[rows])

    def _edges(self, k: int) -> NDArray[np.float64]:
        """The edges of a dimension's bins over the whole collection, (BINS + 1,)."""

        def make() -> NDArray[np.float64]:
            low, high = np.quantile(self.columns[k], TAILS)
            low, high = min(low, 0.0), max(high, 0.0)
            return np.linspace(low, high if high > low else low + 1, BINS + 1)

        return self._kept.get(("edges", k), make)

    def _spread(self, k: int, rows: NDArray[np.int64], edges: NDArray) -> dict[str, Any]:
        """How one dimension spreads over some images: counts of real and fake ones in each bin, n and mean."""
        values = self.columns[k][rows]
        step = (BINS - 1e-3) / (edges[-1] - edges[0])
        bins = np.clip((values - np.float32(edges[0])) * np.float32(step), 0, BINS - 1).astype(np.int64)
        counts = np.bincount(bins + BINS * self.fake[rows], minlength=2 * BINS).reshape(2, BINS)
        mean = float(values.mean(dtype=np.float64)) if len(values) else None
        return {"n": len(rows), "mean": mean, "real": counts[0].tolist(), "fake": counts[1].tolist()}

    def _ends(self, k: int, rows: NDArray[np.int64]) -> dict[str, list]:
        """The images of a group in which a dimension speaks most toward fake, and least: of duplicates only one."""
        values = self.columns[k][rows]
        return {name: self._tiles(k, rows[_first(sign * values, rows, self.analysis.arrays["group"])])
                for name, sign in (("strongest", -1), ("weakest", 1))}  # fmt: skip

    def _tiles(self, k: int, rows: NDArray[np.int64]) -> list[list]:
        """[row, contribution, fake in truth (null: not known), judged fake, name] of each image."""
        study = self.analysis
        truth = study.is_fake
        numbers: list[int] = rows.tolist()
        return [
            [
                row,
                round(float(self.columns[k, row]), 3),
                None if truth is None else int(truth[row]),
                int(study.logits[row] > 0),
                PurePosixPath(study.paths[row]).name,
            ]
            for row in numbers
        ]


def _first(values: Values, rows: NDArray[np.int64], groups: NDArray) -> NDArray[np.intp]:
    """Where the SHOWN smallest values are, the smallest first; one image a group of near-duplicates."""
    some = min(len(values), 8 * SHOWN)
    near = np.argpartition(values, some - 1)[:some] if some else np.zeros(0, np.intp)
    near = near[np.lexsort((rows[near], values[near]))]
    _, once = np.unique(groups[rows[near]], return_index=True)
    return near[np.sort(once)[:SHOWN]]


def _summary(found: Summary) -> dict[str, Any]:
    return {name: value if name == "n" else _short(value) for name, value in asdict(found).items()}


def _difference(found: Difference) -> dict[str, Any]:
    return {name: _short(getattr(found, name)) for name in ("mean", "low", "high", "effect")}


def _short(values: NDArray) -> list[float]:
    return np.round(np.asarray(values, np.float64), 4).tolist()


def register(app: Dash, dimensions: Dimensions) -> None:
    """Add the routes."""
    study, groups = dimensions.analysis, dimensions.groups

    def phrases(fingerprint: str) -> tuple[str, str, str]:
        if fingerprint != study.fingerprint:
            abort(404)
        a, b, of = (request.args.get(name, "") for name in ("a", "b", "of"))
        return a, b, of

    def answer(content: dict[str, Any], asked: tuple[str, str, str]) -> Response:
        return responses.answer(content, lasting=all(map(groups.lasting, asked)))

    @app.server.get("/dimensions/<fingerprint>", endpoint="dimensions")
    def bars(fingerprint: str) -> Response:
        asked = phrases(fingerprint)
        return answer(dimensions.bars(*asked), asked)

    @app.server.get("/dimension/<fingerprint>/<int:k>", endpoint="dimension")
    def one(fingerprint: str, k: int) -> Response:
        asked = phrases(fingerprint)
        if k >= len(study.head):
            abort(404)
        return answer(dimensions.one(k, *asked), asked)

    @app.server.get("/contributions/<fingerprint>/<int:row>", endpoint="contributions")
    def image(fingerprint: str, row: int) -> Response:
        phrases(fingerprint)
        if row >= study.n:
            abort(404)
        return responses.answer({"row": row, "values": _short(study.contributions[row])})
