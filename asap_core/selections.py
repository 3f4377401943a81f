"""Selections: phrases that name images, as links, filters, groups and the command line say them. numpy only.

A phrase is conditions joined by `&`, all of which must hold; a condition is a key, or key=value with alternatives
joined by `|`. What holds one of & | = % is written %26, %7C, %3D, %25. The empty phrase is everything.

    real fake  judged-real judged-fake  right wrong misses false-alarms  inconclusive conclusive
    generator=A|B  category=A  split=A  meta.COLUMN=A  severity=0.2..0.6  text=WORDS  tag=NAME
    cell=PLANE/SIDE/CODE  lasso=PLANE/X,Y/X,Y/X,Y…  pattern=KEY/NUMBER  rows=1|5|9  like=ROW  shows=WORDS
"""

import re
from collections.abc import Callable, Sequence
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from . import findings, tags, texts
from .analysis import PLANES, Analysis
from .errors import SettingsError
from .learning import verdicts
from .projection import cells

Mask = NDArray[np.bool_]
ALIKE = 100  # images that `like` and `shows` name
NEAREST = ("like", "shows")  # keys that name the images nearest to something
CORNERS = 400  # of a lasso, at most
CHANGING = ("pattern", "tag")  # what these name may change while an analysis is looked at

TRUTHS = ("real", "fake", "right", "wrong", "misses", "false-alarms")
VERDICTS = ("judged-real", "judged-fake", "inconclusive", "conclusive")
KEYS = ("generator", "category", "split", "meta.COLUMN", "severity", "text", "tag", "cell", "lasso", "pattern",
        "rows", "like", "shows")  # fmt: skip


def rows_of(made: Analysis, phrase: str | None) -> NDArray[np.int64]:
    """The rows that a phrase names, ascending, (r,); SettingsError where it is not understood."""
    return np.flatnonzero(mask_of(made, phrase))


def mask_of(made: Analysis, phrase: str | None) -> Mask:
    """Which images a phrase names, (n,); SettingsError where it is not understood."""
    chosen = np.ones(made.n, np.bool_)
    for condition in conditions(phrase):
        chosen &= _holds(made, condition)
    return chosen


def conditions(phrase: str | None) -> list[str]:
    """The conditions of a phrase, still encoded."""
    return [condition for condition in (phrase or "").split("&") if condition]


def words_in(phrase: str | None) -> list[str]:
    """The texts that a phrase's images look like; the encoder must have read them (`texts.read`)."""
    found = [rest for key, _, rest in (each.partition("=") for each in conditions(phrase)) if key == "shows"]
    return [unquote(words) for rest in found for words in rest.split("|")]


def lasting(phrase: str | None) -> bool:
    """Whether a phrase names the same images for as long as the analysis stands."""
    return not any(condition.partition("=")[0] in CHANGING for condition in conditions(phrase))


def _holds(made: Analysis, condition: str) -> Mask:
    key, equals, rest = condition.partition("=")
    if not equals and key in TRUTHS:
        return _by_truth(made, key)
    if not equals and key in VERDICTS:
        return _by_verdict(made, key)
    values = [unquote(value) for value in rest.split("|")]
    if equals and key.startswith("meta."):
        return _by_metadata(made, unquote(key[5:]), values)
    finder = FINDERS.get(key)
    if not equals or finder is None:
        known = ", ".join([*TRUTHS, *VERDICTS, *(f"{name}=…" for name in KEYS)])
        raise SettingsError(f"no selection {condition!r}: expected some of {known}, joined by &")
    return finder(made, values)


def _by_truth(made: Analysis, key: str) -> Mask:
    truth = made.is_fake
    if truth is None:
        raise SettingsError(f"'{key}' needs labels, and {made.folder} has none: choose by verdict, cell or lasso")
    called = made.logits > 0
    if key in ("real", "fake"):
        return truth == (key == "fake")
    if key in ("right", "wrong"):
        return (truth == called) == (key == "right")
    return (truth != called) & (truth == (key == "misses"))


def _by_verdict(made: Analysis, key: str) -> Mask:
    if key.startswith("judged"):
        return (made.logits > 0) == (key == "judged-fake")
    return verdicts.inconclusive(np.asarray(made.scores)) == (key == "inconclusive")


def _named(array: str, names: str) -> Callable[[Analysis, Sequence[str]], Mask]:
    def find(made: Analysis, values: Sequence[str]) -> Mask:
        known = list(made.info[names])
        for value in values:
            if value not in known:
                raise SettingsError(f"no {array} {value!r}: expected {', '.join(known) or 'none, there are none here'}")
        return np.isin(made.arrays[array], [known.index(value) for value in values])

    return find


def _by_metadata(made: Analysis, column: str, values: Sequence[str]) -> Mask:
    if column not in made.metadata:
        raise SettingsError(f"no column {column!r}: expected {', '.join(made.metadata) or 'none, there are none here'}")
    names, codes = made.levels[column]
    return np.isin(codes, [names.index(value) for value in values if value in names])


def _by_severity(made: Analysis, values: Sequence[str]) -> Mask:
    low, between, high = values[0].partition("..")
    try:
        least, most = float(low or 0), float(high or 1)
    except ValueError:
        least, most = 1.0, 0.0
    if not between or not 0 <= least <= most <= 1:
        raise SettingsError(f"no range {values[0]!r} of severity: expected LOW..HIGH between 0 and 1, as in 0.2..0.6")
    return (made.scores >= least) & (made.scores <= most)


def _by_text(made: Analysis, values: Sequence[str]) -> Mask:
    words = " ".join(values).casefold().split()
    return np.fromiter((all(word in text for word in words) for text in made.texts), np.bool_, made.n)


def _by_cell(made: Analysis, values: Sequence[str]) -> Mask:
    chosen = np.zeros(made.n, np.bool_)
    for value in values:
        plane, side, code = [*value.split("/"), "", ""][:3]
        known = plane in PLANES and re.fullmatch(r"\d{1,2}", side) and int(side) in cells.SIDES
        if not known or not re.fullmatch(r"\d{1,4}", code) or int(code) >= int(side) ** 2:
            raise SettingsError(f"no cell {value!r}: expected PLANE/SIDE/CODE, as in content/16/120")
        chosen |= cells.cut(np.asarray(made.positions(plane)), int(side)) == int(code)
    return chosen


def _by_lasso(made: Analysis, values: Sequence[str]) -> Mask:
    chosen = np.zeros(made.n, np.bool_)
    for value in values:
        plane, *corners = value.split("/")
        try:
            polygon = np.array([[float(at) for at in corner.split(",")] for corner in corners], np.float64)
        except ValueError:
            polygon = np.zeros(0)
        shaped = polygon.shape == (len(corners), 2) and 3 <= len(polygon) <= CORNERS
        if plane not in PLANES or not shaped or not np.isfinite(polygon).all():
            raise SettingsError(f"no lasso {value[:40]!r}: expected PLANE/X,Y/X,Y/X,Y with 3 to {CORNERS} corners")
        chosen |= inside(np.asarray(made.positions(plane)), polygon)
    return chosen


def inside(points: NDArray, polygon: NDArray) -> Mask:
    """Which points (n, 2) lie in a polygon (m, 2), by the even-odd rule."""
    found = np.zeros(len(points), np.bool_)
    low, high = polygon.min(0), polygon.max(0)
    near = np.flatnonzero(((points >= low) & (points <= high)).all(1))  # most lie outside its box
    x, y = points[near].T.astype(np.float64)
    odd = np.zeros(len(near), np.bool_)
    for (ax, ay), (bx, by) in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        if ay != by:
            crosses = (ay > y) != (by > y)
            odd ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    found[near] = odd
    return found


def _by_rows(made: Analysis, values: Sequence[str]) -> Mask:
    chosen = np.zeros(made.n, np.bool_)
    chosen[[_row(made, value) for value in values]] = True
    return chosen


def _by_likeness(made: Analysis, values: Sequence[str]) -> Mask:
    chosen = np.zeros(made.n, np.bool_)
    chosen[alike(made, _row(made, values[0]))[: ALIKE + 1]] = True
    return chosen


def alike(made: Analysis, row: int) -> NDArray[np.int64]:
    """All rows, those whose spell-free vectors are nearest to that of `row` first, itself foremost."""
    closeness = likeness(made, row)
    closeness[row] = np.inf
    return np.argsort(-closeness, kind="stable")


def likeness(made: Analysis, row: int) -> NDArray[np.float32]:
    """The cosine of each image's spell-free vector with that of `row`, (n,)."""
    vectors = made.arrays["spell_free"]
    return texts.cosines(vectors, vectors[row])


def closeness(made: Analysis, condition: str) -> NDArray[np.float32]:
    """How near each image comes to what a condition `like=…` or `shows=…` names first, cosines (n,)."""
    key, _, rest = condition.partition("=")
    first = unquote(rest.split("|")[0])
    assert key in NEAREST, f"{key!r} does not say what images are near to"
    return texts.closeness(made, first) if key == "shows" else likeness(made, _row(made, first))


def _by_showing(made: Analysis, values: Sequence[str]) -> Mask:
    chosen = np.zeros(made.n, np.bool_)
    for words in values:
        chosen[np.argsort(-texts.closeness(made, words), kind="stable")[:ALIKE]] = True
    return chosen


def _row(made: Analysis, text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) >= made.n:
        raise SettingsError(f"no image {text!r}: expected a number below {made.n}")
    return int(text)


def _by_pattern(made: Analysis, values: Sequence[str]) -> Mask:
    chosen = np.zeros(made.n, np.bool_)
    for value in values:
        chosen[findings.rows_with(made, value)] = True
    return chosen


def _by_tag(made: Analysis, values: Sequence[str]) -> Mask:
    chosen, known = np.zeros(made.n, np.bool_), tags.read(made)
    for value in values:
        chosen[known.get(value, [])] = True
    return chosen


FINDERS: dict[str, Callable[[Analysis, Sequence[str]], Mask]] = {
    "generator": _named("generator", "generators"),
    "category": _named("category", "categories"),
    "split": _named("split", "splits"),
    "severity": _by_severity,
    "text": _by_text,
    "cell": _by_cell,
    "lasso": _by_lasso,
    "rows": _by_rows,
    "like": _by_likeness,
    "shows": _by_showing,
    "pattern": _by_pattern,
    "tag": _by_tag,
}
