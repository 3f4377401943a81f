"""One measure of every cell, for the heat map and for the rings of a pattern.

    /heat/<fingerprint>/<plane>/<side>/<measure>.json?of=PHRASE&pattern=KEY/NUMBER

A measure is n, fake, errors, severity, sensitivity, pattern, or d0, d1, … for what a dimension adds. What is not
known is null, never zero.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
from dash import Dash
from flask import Response, abort, request
from numpy.typing import NDArray

from asap_core import maps
from asap_core.learning import verdicts
from asap_core.projection import glyphs
from asap_core.projection.cells import Cells

from .. import responses
from .planes import Planes, check

Values = NDArray[np.floating]
Scale = Literal["count", "share", "classes", "severity", "contribution", "logits"]


@dataclass(frozen=True)
class Field:
    """One measure of the occupied cells, and how it is to be read."""

    title: str
    scale: Scale  # count: by its logarithm; classes: real to fake; contribution: toward real to toward fake
    values: Values  # (m,) nan where it is not known
    note: str = ""  # why something is not known

    @property
    def ends(self) -> tuple[float, float]:
        """What has the first and the last colour."""
        known = self.values[np.isfinite(self.values)]
        most = float(np.abs(known).max(initial=0))
        if self.scale in ("classes", "severity"):
            return 0.0, 1.0
        if self.scale == "contribution":
            return -(most or 1.0), most or 1.0
        return (1.0, max(most, 2.0)) if self.scale == "count" else (0.0, most or 1.0)


def field(planes: Planes, plane: str, side: int, name: str, of: str | None = None, pattern: str = "") -> Field:
    """A measure of each cell; `pattern` is the KEY/NUMBER of the one whose share is asked for."""
    study = planes.analysis
    if found := re.fullmatch(r"d(\d+)", name):
        k = int(found[1])
        held = planes.cells(plane, side, of)
        sums = np.bincount(held.owner, study.contributions[held.rows, k], len(held))
        return Field(f"What dimension {k + 1} adds, mean", "contribution", sums / held.counts)
    if name == "sensitivity":
        return _sensitivity(planes, planes.cells(plane, side, of))
    if name == "pattern":
        return _pattern(planes, planes.cells(plane, side, of), pattern)
    return MEASURES[name](planes.glyphs(plane, side, of), study.is_fake is not None)


def _count(summary: glyphs.Glyphs, _: bool) -> Field:
    return Field("Number of images", "count", summary.n.astype(np.float32))


def _fake(summary: glyphs.Glyphs, labelled: bool) -> Field:
    fakes = summary.n_fake if summary.n_fake is not None else summary.n_called_fake
    return Field("Share of fakes" if labelled else "Share judged fake", "classes", fakes / summary.n)


def _errors(summary: glyphs.Glyphs, _: bool) -> Field:
    empty = Field("Share judged wrong", "share", np.full(len(summary), np.nan, np.float32))
    if summary.misses is None or summary.false_alarms is None:
        return replace(empty, note="The images' origin is unknown, so errors are not known.")
    return replace(empty, values=(summary.misses + summary.false_alarms) / summary.n)


def _severity(summary: glyphs.Glyphs, _: bool) -> Field:
    return Field("Median severity", "severity", summary.severity[:, 2])


MEASURES: dict[str, Callable[[glyphs.Glyphs, bool], Field]] = {
    "n": _count,
    "fake": _fake,
    "errors": _errors,
    "severity": _severity,
}


def _sensitivity(planes: Planes, held: Cells) -> Field:
    """The mean of those images of a cell whose sensitivity is known."""
    known = maps.Maps.of(planes.analysis)
    rows = held.rows
    values = np.full(len(rows), np.nan) if known is None else np.take(known.sensitivity, rows).astype(np.float64)
    there = np.isfinite(values)  # (r,)
    counts = np.bincount(held.owner[there], minlength=len(held))
    sums = np.bincount(held.owner[there], values[there], minlength=len(held))
    means = np.where(counts, sums / np.maximum(counts, 1), np.nan)
    note = "" if there.all() else f"Known of {there.sum():,} of {len(values):,} images; maps of the others come first."
    if len(values) and not there.any():
        note = "Not computed yet: it needs the images' maps."
    return Field("Sensitivity, mean", "logits", means, note)


def _pattern(planes: Planes, held: Cells, pattern: str) -> Field:
    """The share of a cell's images that have the pattern."""
    title = "Share with the pattern"
    if not pattern:
        return Field(title, "share", np.full(len(held), np.nan), "No pattern is chosen.")
    has = planes.groups.mask(f"pattern={quote(pattern, safe='/')}")  # (n,)
    found = np.bincount(held.owner[np.take(has, held.rows)], minlength=len(held))
    return Field(title, "share", found / np.maximum(held.counts, 1))


def content(found: Field, held: Cells) -> dict[str, Any]:
    """A field as the browser gets it, cells without images left out."""
    low, high = found.ends
    whole = found.scale == "count"
    values = [None if np.isnan(value) else int(value) if whole else round(value, 3) for value in found.values.tolist()]
    return {
        "title": found.title,
        "scale": found.scale,
        "low": low,
        "high": high,
        "note": found.note,
        "steps": list(verdicts.THRESHOLDS) if found.scale == "severity" else [],
        "few": glyphs.FEW,
        "code": held.codes.tolist(),
        "n": held.counts.tolist(),
        "value": values,
    }


def register(app: Dash, planes: Planes) -> None:
    """Add the route."""
    study = planes.analysis
    known = {*MEASURES, "sensitivity", "pattern", *(f"d{k}" for k in range(len(study.head)))}

    @app.server.get("/heat/<fingerprint>/<plane>/<int:side>/<measure>.json", endpoint="heat")
    def heat(fingerprint: str, plane: str, side: int, measure: str) -> Response:
        check(study, fingerprint, plane, side)
        if measure not in known:
            abort(404)
        of, pattern = request.args.get("of"), request.args.get("pattern", "")
        found = field(planes, plane, side, measure, of, pattern)
        lasting = planes.groups.lasting(of) and measure not in ("sensitivity", "pattern")
        return responses.answer(content(found, planes.cells(plane, side, of)), lasting)
