"""A pattern's name: the phrase of a vocabulary that its regions, in CLIP's joint space, come closest to.

Regions are compared less what authentic regions look like on average, phrases less the mean phrase, so that what all
share says nothing. As many random regions of authentic images lean toward some phrase too: a pattern must lean
further toward its own than nineteen in twenty of those, point its way (FIT), and no other phrase may do nearly as
well (MARGIN).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..learning.subspace import normalise

FILE = Path(__file__).with_name("vocabulary.txt")
UNNAMED = "unnamed"
DRAWS = 200  # random sets of regions a name is measured against
SURE = 0.95  # share of them that must lean less far
FIT, MARGIN = 0.25, 0.02  # chosen on the demo: below them the nearest phrases were as often wrong as right


@dataclass(frozen=True)
class Name:
    """What a pattern is called."""

    text: str  # a phrase of the vocabulary, or UNNAMED
    fit: float  # cosine of the best phrase
    margin: float  # by how much it fits better than the next
    needed: float  # the fit that a name needs, beside a margin of MARGIN
    near: tuple[str, ...]  # the best three phrases, fitting or not


def phrases(file: Path = FILE) -> list[str]:
    """The vocabulary, one phrase a line; # begins a comment. SettingsError for an empty or unreadable file."""
    try:
        lines = [line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the vocabulary {file} cannot be read: {error}") from error
    found = list(dict.fromkeys(line for line in lines if line))
    if len(found) < 2:
        raise SettingsError(f"the vocabulary {file} has {len(found)} phrases: expected at least two, one a line")
    return found


def name(regions: NDArray, authentic: NDArray, texts: NDArray, vocabulary: Sequence[str], seed: int) -> Name:
    """Name a pattern from its regions' joint readings (m, e), authentic ones (r, e) and unit texts (v, e)."""
    usual = authentic.mean(0)
    said = normalise(texts - texts.mean(0))  # (v, e)
    lean = regions.mean(0) - usual  # (e,)
    length = max(float(np.linalg.norm(lean)), 1e-12)
    fits = said @ lean / length  # (v,)
    drawn = np.random.default_rng(seed).integers(0, len(authentic), (DRAWS, len(regions)))
    others = np.stack([authentic[rows].mean(0) for rows in drawn]) - usual  # (DRAWS, e)
    needed = max(FIT, float(np.quantile((others @ said.T).max(1), SURE)) / length)
    best = np.argsort(-fits)[:3]
    fit, margin = float(fits[best[0]]), float(fits[best[0]] - fits[best[1]])
    near = tuple(str(vocabulary[each]) for each in best)
    return Name(near[0] if fit > needed and margin > MARGIN else UNNAMED, fit, margin, needed, near)
