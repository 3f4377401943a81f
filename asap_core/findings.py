"""Findings: the patterns found in an analysis, kept beside it, and which images they were looked for in.

    patterns/<key>/patterns.json    what was asked, and each pattern
                   row.npy …        `Groups`, an array each; where.npy (patterns, g, g)

The key stands for the detector, the selection and the settings. numpy only: the page reads this too.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .analysis import Analysis
from .errors import AnalysisError, SettingsError
from .identification.naming import Name
from .identification.patterns import Exemplar, Groups, Pattern, places, sentence
from .projection import cells

VERSION = 3
SELECTIONS = "misses, false-alarms, generator=NAME, or cell=PLANE/SIDE/CODE"


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found in a selection of an analysis' images."""

    patterns: tuple[Pattern, ...]
    groups: Groups  # of all patterns, and those in none
    where: NDArray[np.float32]  # (patterns, g, g) the share of a pattern's groups that hold each token
    of: str | None  # the selection; None: everything
    images: int  # looked at
    level: float  # logits a token: what stands out
    note: str | None  # why nothing was looked for

    def as_json(self) -> dict[str, Any]:
        """What other programs rely on (`run.py patterns --json`)."""
        return {
            "of": self.of,
            "images": self.images,
            "groups": len(self.groups),
            "level": self.level,
            "note": self.note,
            "patterns": [_as_json(pattern) for pattern in self.patterns],
        }


def rows_of(made: Analysis, of: str | None) -> NDArray[np.int64]:
    """The rows of a selection, ascending; SettingsError where it is not understood or holds no image."""
    kind, _, what = (of or "").partition("=")
    if not of:
        chosen = np.ones(made.n, bool)
    elif of in ("misses", "false-alarms"):
        if made.is_fake is None:
            raise SettingsError(f"{of} need labels, and {made.folder} has none: choose a cell, or everything")
        chosen = (made.is_fake == (of == "misses")) & ((made.logits > 0) != made.is_fake)
    elif kind == "generator":
        if what not in made.info["generators"]:
            raise SettingsError(f"no generator {what!r}: expected {', '.join(made.info['generators'])}")
        chosen = made.arrays["generator"] == made.info["generators"].index(what)
    elif kind == "cell":
        chosen = _in_cell(made, what)
    else:
        raise SettingsError(f"no selection {of!r}: expected {SELECTIONS}")
    found = np.flatnonzero(chosen)
    if not len(found):
        raise SettingsError(f"{of}: no image of {made.folder} is in it")
    return found


def place(made: Analysis, of: str | None, settings: Mapping[str, Any]) -> Path:
    """Where an analysis keeps what was found for a selection with some settings."""
    asked = [VERSION, made.fingerprint, of, dict(settings)]
    return made.folder / "patterns" / hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:20]


def write(folder: Path, found: Findings) -> None:
    """Keep findings, whole or not at all: into a hidden sibling, then renamed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for field in fields(Groups):
            np.save(draft / f"{field.name}.npy", getattr(found.groups, field.name), allow_pickle=False)
        np.save(draft / "where.npy", found.where, allow_pickle=False)
        facts = {name: getattr(found, name) for name in ("of", "images", "level", "note")}
        content = {**facts, "patterns": [asdict(pattern) for pattern in found.patterns]}
        (draft / "patterns.json").write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
        draft.chmod(0o755)  # mkdtemp made it private
        shutil.rmtree(folder, ignore_errors=True)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read(folder: Path) -> Findings | None:
    """What was kept, memory-mapped; None where nothing was, AnalysisError where it is damaged."""
    if not (folder / "patterns.json").is_file():
        return None
    try:
        content = json.loads((folder / "patterns.json").read_text("utf-8"))
        arrays = {
            field.name: np.load(folder / f"{field.name}.npy", mmap_mode="r", allow_pickle=False)
            for field in fields(Groups)
        }
        found = tuple(_pattern(each) for each in content.pop("patterns"))
        return Findings(found, Groups(**arrays), np.load(folder / "where.npy", allow_pickle=False), **content)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise AnalysisError(f"{folder} is damaged ({error}); delete it, and patterns are looked for again") from error


def gathered(patterns: list[Pattern], groups: Groups, of: str | None, images: int, level: float) -> Findings:
    """Findings, with the places of each pattern."""
    return Findings(tuple(patterns), groups, places(groups), of, images, level, None)


def table(found: Findings) -> str:
    """Findings as text: a sentence a pattern, then its figures."""
    if found.note:
        return found.note
    lines = [f"{len(found.patterns)} patterns in {len(found.groups)} pixel groups of {found.images} images"]
    for number, pattern in enumerate(found.patterns, start=1):
        through = ", ".join(f"{k} ({value:+.1f})" for k, value in pattern.dimensions)
        near = "; ".join(pattern.name.near)
        lines += [
            f"\n{number:3d}  {sentence(pattern)}",
            f"     groups {pattern.n_groups}, images {pattern.n_images}: {pattern.share_fake:.0%} of fakes, "
            f"{pattern.share_real:.0%} of real; stability {pattern.stability:.2f}; dimensions {through}",
            f"     nearest words: {near} (fit {pattern.name.fit:.2f}, needed {pattern.name.needed:.2f}, "
            f"margin {pattern.name.margin:.2f})",
        ]
    return "\n".join(lines)


def _in_cell(made: Analysis, what: str) -> NDArray[np.bool_]:
    plane, _, rest = what.partition("/")
    side, _, code = rest.partition("/")
    if plane not in ("content", "decision") or not (side.isdigit() and code.isdigit()) or int(side) not in cells.SIDES:
        raise SettingsError(f"no cell {what!r}: expected PLANE/SIDE/CODE, as in content/16/120")
    return cells.cut(np.asarray(made.positions(plane)), int(side)) == int(code)


def _as_json(pattern: Pattern) -> dict[str, Any]:
    facts = asdict(pattern)
    name = facts.pop("name")
    return {
        "name": name["text"],
        "share_real": pattern.share_real,
        "share_fake": pattern.share_fake,
        "sentence": sentence(pattern),
        "fit": name,
        **facts,
    }


def _pattern(facts: dict[str, Any]) -> Pattern:
    name, exemplars = facts.pop("name"), facts.pop("exemplars")
    tuples: dict[str, Any] = {key: tuple(value) for key, value in facts.items() if isinstance(value, list)}
    tuples["dimensions"] = tuple((int(k), float(value)) for k, value in facts["dimensions"])
    tuples["generators"] = {key: (have, of) for key, (have, of) in facts["generators"].items()}
    shown = tuple(Exemplar(**{**each, "box": tuple(each["box"])}) for each in exemplars)
    return Pattern(**{**facts, **tuples, "name": Name(**{**name, "near": tuple(name["near"])}), "exemplars": shown})
