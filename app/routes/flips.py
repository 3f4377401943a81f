"""What if: verdicts of a group with some dimensions set. /what-if/<fingerprint>?a=&set=K:VALUE,K:VALUE… and /ranges.

Exact, not an estimate: the verdict is linear in the dimensions. It begins from the verdicts that are shown.
"""

from typing import Any

import numpy as np
from dash import Dash
from flask import Response, abort, request

from asap_core.errors import SettingsError

from .. import responses
from .dimensions import Dimensions

FARTHEST = 1e4  # logits; no dimension can be set to more


class Flips:
    """Verdicts of one analysis with dimensions set to other values."""

    def __init__(self, dimensions: Dimensions) -> None:
        self.dimensions = dimensions

    def suppose(self, phrase: str, settings: dict[int, float]) -> dict[str, Any]:
        """How many verdicts of a group flip when dimensions of all its images are set to contributions, in logits."""
        rows = self.dimensions.groups.rows(phrase)
        before = self.dimensions.analysis.logits[rows]
        after = before.copy()
        for k, value in settings.items():
            after += np.float32(value) - self.dimensions.columns[k][rows]
        was, now = before > 0, after > 0
        found = {
            "n": len(rows),
            "to_fake": int((now & ~was).sum()),
            "to_real": int((was & ~now).sum()),
            "fake_before": int(was.sum()),
            "fake_after": int(now.sum()),
        }
        truth = self.dimensions.analysis.is_fake
        if truth is not None:
            mine = truth[rows]
            found |= {"right_before": int((was == mine).sum()), "right_after": int((now == mine).sum())}
        return found


def parse(text: str, d: int) -> dict[int, float]:
    """`3:0.5,7:-1.25` -> {3: 0.5, 7: -1.25}; SettingsError where it is not understood."""
    found: dict[int, float] = {}
    for part in filter(None, text.split(",")):
        number, _, value = part.partition(":")
        try:
            k, to = int(number), float(value)
        except ValueError:
            k, to = -1, 0.0
        if not 0 <= k < d or not abs(to) <= FARTHEST:
            raise SettingsError(
                f"no setting {part[:40]!r}: expected DIMENSION:LOGITS, as in 3:0.5, dimensions below {d}"
            )
        found[k] = to
    return found


def register(app: Dash, dimensions: Dimensions) -> None:
    """Add the routes."""
    study, flips = dimensions.analysis, Flips(dimensions)

    @app.server.get("/what-if/<fingerprint>", endpoint="what-if")
    def suppose(fingerprint: str) -> Response:
        if fingerprint != study.fingerprint:
            abort(404)
        settings = parse(request.args.get("set", ""), len(study.head))
        return responses.answer(flips.suppose(request.args.get("a", ""), settings), lasting=False)

    @app.server.get("/ranges/<fingerprint>", endpoint="ranges")
    def ranges(fingerprint: str) -> Response:
        if fingerprint != study.fingerprint:
            abort(404)
        return responses.answer(dimensions.ranges())
