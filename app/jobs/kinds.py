"""What may be asked of the worker: questions from the browser, checked; and what is answered already.

Rows, shares of tokens, phrases and names of patterns are all that passes; no path, no code, nothing else.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap_core import findings, selections, texts
from asap_core.analysis import Analysis
from asap_core.errors import SettingsError
from asap_core.identification import ordinary, store
from asap_core.identification.patterns import REMOVALS
from asap_core.maps import METHOD

OCCLUDERS = ("drop", "mean", "blur", "swap")  # of asap_core/identification/occlusion.py, which only the worker can open
REGIONS = 64  # in one question
LONGEST = 20_000  # characters of a phrase
DECIMALS = 3  # of a share


@dataclass(frozen=True)
class Question:
    """A checked question: the same one has the same id, whoever asks."""

    id: str
    kind: str
    arguments: Mapping[str, Any]
    size: int  # images
    rows: NDArray[np.int64]


def understand(made: Analysis, kind: Any, arguments: Any) -> Question:
    """A question as it came from the browser, checked; SettingsError where it is none."""
    if not isinstance(kind, str) or kind not in KINDS or not isinstance(arguments, dict):
        raise SettingsError(f"no job {str(kind)[:40]!r}: expected {', '.join(KINDS)}, and arguments")
    asked, rows = KINDS[kind](made, arguments)
    if not len(rows):
        raise SettingsError("no image is in it: choose others")
    which = findings.digest(rows)  # a tag or a pattern may name others tomorrow
    text = json.dumps([made.fingerprint, kind, asked, which], sort_keys=True)
    size = len(asked.get("regions", rows))
    return Question(hashlib.sha256(text.encode()).hexdigest()[:20], kind, asked, size, rows)


def answer(made: Analysis, question: Question, before: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What is known already, from what was kept or a result `before`; None where somebody must work."""
    if question.kind == "relevance":
        missing = len(question.rows) - int(np.count_nonzero(explained(made)[question.rows]))
        lost = before.get("lost", 0) if before else 0
        return {"images": len(question.rows), "lost": missing} if missing <= lost else None
    if question.kind == "text":
        return None if texts.known(made, question.arguments["words"]) is None else dict(question.arguments)
    if before is None or question.kind == "counterfactual":
        return None if before is None or _merged_since(made, question.arguments) else dict(before)
    there = findings.read(findings.folder_in(made) / str(before.get("key"))) is not None
    return dict(before) if there else None


def _merged_since(made: Analysis, asked: Mapping[str, Any]) -> bool:
    """Whether a pattern has other regions now, though in the same images."""
    kept = "pattern" in asked and set(REMOVALS) <= set(asked["occluders"])
    return kept and not findings.is_measured(made, asked["pattern"])


def mapped(made: Analysis) -> NDArray[np.bool_]:
    """Which images have their maps, (n,)."""
    kept = store.read(made, METHOD)
    return np.zeros(made.n, np.bool_) if kept is None else np.asarray(kept.done)


def explained(made: Analysis) -> NDArray[np.bool_]:
    """Which images have all that the worker makes for them, (n,): maps, and sensitivities where these can be."""
    kept = store.read(made, METHOD)
    if kept is None:
        return np.zeros(made.n, np.bool_)
    return kept.done & ~np.isnan(kept.sensitivity) if len(ordinary.reference(made)) else np.asarray(kept.done)


def _relevance(made: Analysis, arguments: dict[str, Any]) -> tuple[dict[str, Any], NDArray[np.int64]]:
    if set(arguments) == {"rows"}:
        if not isinstance(arguments["rows"], list):
            raise SettingsError("rows: expected a list of numbers")
        rows = np.unique([_row(made, each) for each in arguments["rows"]]).astype(np.int64)
        return {"rows": rows.tolist()}, rows
    return _of(made, arguments)


def _counterfactual(made: Analysis, arguments: dict[str, Any]) -> tuple[dict[str, Any], NDArray[np.int64]]:
    occluders = arguments.get("occluders", list(OCCLUDERS))
    if not isinstance(occluders, list) or not occluders or set(map(str, occluders)) - set(OCCLUDERS):
        raise SettingsError(f"occluders: expected some of {', '.join(OCCLUDERS)}")
    used = {"occluders": [name for name in OCCLUDERS if name in occluders]}
    rest = {name: value for name, value in arguments.items() if name != "occluders"}
    if set(rest) == {"pattern"}:
        which = _text(rest["pattern"])
        return {"pattern": which, **used}, findings.rows_with(made, which)
    if set(rest) == {"regions"}:
        regions = rest["regions"]
        if not isinstance(regions, list) or not 1 <= len(regions) <= REGIONS:
            raise SettingsError(f"regions: expected 1 to {REGIONS}")
        asked = [_region(made, each) for each in regions]
        return {"regions": asked, **used}, np.unique([row for row, _ in asked]).astype(np.int64)
    asked, rows = _of(made, rest)
    return {**asked, **used}, rows


def _of(made: Analysis, arguments: dict[str, Any]) -> tuple[dict[str, Any], NDArray[np.int64]]:
    if set(arguments) != {"of"}:
        raise SettingsError(f"expected the images that are meant, found {', '.join(map(str, arguments)) or 'nothing'}")
    phrase = _text(arguments["of"] or "")
    return {"of": phrase}, selections.rows_of(made, phrase)


def _row(made: Analysis, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < made.n:
        raise SettingsError(f"no image {str(value)[:20]}: expected 0 to {made.n - 1}")
    return value


def _region(made: Analysis, value: Any) -> tuple[int, list[float]]:
    rows, columns = made.info["encoder"]["grid"]
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
        raise SettingsError("a region: expected an image and the share of each of its tokens")
    shares = value[1]
    if len(shares) != rows * columns or not all(_is_share(share) for share in shares) or not any(shares):
        raise SettingsError(f"a region: expected {rows * columns} shares of tokens, 0 to 1, not all 0")
    return _row(made, value[0]), [round(float(share), DECIMALS) for share in shares]


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1  # nan is not


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or re.search(r"[\x00-\x1f]", value):
        raise SettingsError("expected a phrase in words")
    return value


def _read(made: Analysis, arguments: dict[str, Any]) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """A text to be read; it is of no image, and takes as long as one."""
    if set(arguments) != {"words"}:
        raise SettingsError("expected the words to be read")
    return {"words": texts.tidy(_text(arguments["words"]))}, np.zeros(1, np.int64)


Checked = Callable[[Analysis, dict[str, Any]], tuple[dict[str, Any], NDArray[np.int64]]]
KINDS: Mapping[str, Checked] = {
    "relevance": _relevance,
    "patterns": _of,
    "counterfactual": _counterfactual,
    "text": _read,
}


def regions(arguments: Mapping[str, Any], grid: Sequence[int]) -> list[tuple[int, NDArray[np.float32]]]:
    """Checked regions as the core takes them: rows and shares (g, g)."""
    return [(row, np.array(shares, np.float32).reshape(*grid)) for row, shares in arguments["regions"]]
