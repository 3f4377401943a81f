"""Findings: the patterns found in an analysis, kept below `Analysis.derived`, and the images they were looked for in.

    patterns/<key>/patterns.json    what was asked, and each pattern
                   row.npy …        `Groups`, an array each; flips-*.npy `Flips`; where.npy (patterns, g, g)
                   looked.npy       (r,) the rows that were looked at
                   measured/        what was measured of them since, see `edits`

The key stands for the detector, the images looked at and the settings. numpy only: the page reads this too.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import edits, integrity, storage
from .analysis import Analysis
from .edits import Edits, Members
from .errors import AnalysisError, SettingsError
from .identification import patterns
from .identification.naming import UNNAMED, Name
from .identification.patterns import Exemplar, Flips, Groups, Looked, Pattern

VERSION = 11
FILE = "patterns.json"
MEND = "delete it, and patterns are looked for again"
PARTS = {"": Groups, "flips-": Flips}
FACTS = ("fingerprint", "of", "level", "seed", "note")


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found in a selection of an analysis' images."""

    patterns: tuple[Pattern, ...]
    groups: Groups  # of all patterns, and those in none
    flips: Flips
    where: NDArray[np.float32]  # (patterns, g, g) the share of a pattern's groups that hold each token
    looked: NDArray[np.int64]  # (r,) the rows looked at
    fingerprint: str  # of the analysis
    of: str | None  # the selection; None: everything
    level: float  # logits a token: what stands out
    seed: int
    note: str | None = None  # why nothing was looked for

    @property
    def images(self) -> int:
        """How many were looked at."""
        return len(self.looked)


@dataclass(frozen=True, eq=False)
class Shown:
    """A pattern after what people made of it."""

    number: int  # of its first member
    members: Members
    pattern: Pattern
    found_as: tuple[str, ...]  # what each member was called when it was found
    renamed: bool
    hidden: bool
    where: NDArray[np.float32]  # (g, g)


def place(made: Analysis, rows: NDArray, settings: Mapping[str, Any]) -> Path:
    """Where an analysis keeps what was found in some images with some settings."""
    asked = [VERSION, made.fingerprint, digest(rows), dict(settings)]
    return folder_in(made) / hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:20]


def folder_in(made: Analysis) -> Path:
    """The folder of all findings of an analysis, a folder each."""
    return made.derived / "patterns"


def digest(rows: NDArray) -> str:
    """What stands for a set of images, however it was named."""
    return hashlib.sha256(np.ascontiguousarray(rows, "<i8").tobytes()).hexdigest()[:20]


def write(folder: Path, found: Findings) -> None:
    """Keep findings, whole or not at all; what was kept there meanwhile by somebody faster stays."""
    if (folder / "patterns.json").is_file() and read(folder) is None:
        storage.remove(folder)  # of another version
    with storage.writing_folder(folder) as draft:
        for prefix, part in (("", found.groups), ("flips-", found.flips)):
            for field in fields(part):
                np.save(draft / f"{prefix}{field.name}.npy", getattr(part, field.name), allow_pickle=False)
        np.save(draft / "where.npy", found.where, allow_pickle=False)
        np.save(draft / "looked.npy", found.looked, allow_pickle=False)
        facts = {"version": VERSION, "digest": digest(found.looked), "images": found.images}
        facts |= {name: getattr(found, name) for name in FACTS}
        content = facts | {"patterns": [asdict(pattern) for pattern in found.patterns]}
        storage.write_text(draft / FILE, integrity.seal(content | {"files": integrity.digests(draft)}))


def read(folder: Path) -> Findings | None:
    """What this version kept, memory-mapped; None where it kept nothing, AnalysisError where it is damaged."""
    if not (folder / FILE).is_file():
        return None
    try:
        text = (folder / FILE).read_text("utf-8")
        if json.loads(text)["version"] != VERSION:
            return None
        content = integrity.unseal(text)
        for each in integrity.broken(folder, content["files"], MEND):
            raise ValueError(f"{each.file.name}: found {each.found}, expected {each.expected}")
        groups, flips = (
            part(**{
                field.name: np.load(folder / f"{prefix}{field.name}.npy", mmap_mode="r", allow_pickle=False)
                for field in fields(part)
            })
            for prefix, part in PARTS.items()
        )  # fmt: skip
        found = tuple(_pattern(each) for each in content["patterns"])
        where, looked = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("where", "looked"))
        return Findings(found, groups, flips, where, looked, **{name: content[name] for name in FACTS})  # pyright: ignore
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise AnalysisError(f"{folder} is damaged ({error}); {MEND}") from error


def gathered(
    made: Analysis,
    found: Sequence[Pattern],
    groups: Groups,
    flips: Flips,
    looked: NDArray,
    of: str | None,
    level: float,
    seed: int,
    note: str | None = None,
) -> Findings:
    """Findings, with the places of each pattern."""
    where = patterns.places(groups)
    return Findings(tuple(found), groups, flips, where, looked, made.fingerprint, of or None, level, seed, note)


def looked_at(made: Analysis, rows: NDArray) -> Looked:
    """Some images, and what is known of all; the verdict stands for the truth where that is not known."""
    is_fake = np.asarray(made.logits) > 0 if made.is_fake is None else np.asarray(made.is_fake)
    generators = np.asarray(made.info["generators"])[np.asarray(made.arrays["generator"])]
    return Looked(np.asarray(rows), is_fake, generators.tolist(), made.paths, np.asarray(made.arrays["group"]))


def folder_of(made: Analysis, which: str) -> tuple[Path, int]:
    """The folder and the number that KEY/NUMBER names; SettingsError where there is no such pattern."""
    form = re.fullmatch(r"([0-9a-f]{20})/(\d{1,4})", which)
    folder = folder_in(made) / form[1] if form else None
    if not form or folder is None or not (folder / "patterns.json").is_file():
        raise SettingsError(f"no pattern {which[:40]!r}: expected KEY/NUMBER of patterns that were found here")
    return folder, int(form[2])


def rows_with(made: Analysis, which: str) -> NDArray[np.int64]:
    """The images that have the pattern KEY/NUMBER, ascending, (r,); SettingsError where there is none."""
    found, members = _members(made, which)
    return np.unique(found.groups.row[np.isin(found.groups.pattern, members)])


def regions_of(made: Analysis, which: str) -> list[tuple[int, NDArray[np.float32]]]:
    """Each image that has the pattern KEY/NUMBER, ascending, and the share of each token that it holds, (g, g)."""
    found, members = _members(made, which)
    mine = found.groups.take(np.isin(found.groups.pattern, members))
    return [(int(row), _held(mine, row)) for row in np.unique(mine.row)]


def keep_flips(made: Analysis, which: str, regions: Sequence[tuple[int, NDArray]], changed: NDArray) -> bool:
    """Keep which images flip without a pattern's regions (`regions_of`), with each of `patterns.REMOVALS` (r, 2).

    False, and nothing is kept, where the pattern was merged or split since.
    """
    folder, _ = folder_of(made, which)
    now = dict(regions_of(made, which))
    if not all(row in now and np.allclose(now[row], held, atol=1e-3) for row, held in regions):
        return False
    rows = np.array([row for row, _ in regions], np.int64)
    edits.keep_measured(folder, _members(made, which)[1], rows, changed)
    return True


def is_measured(made: Analysis, which: str) -> bool:
    """Whether `keep_flips` kept something of a pattern as it is now."""
    return edits.measured(folder_of(made, which)[0], _members(made, which)[1]) is not None


def shown(made: Analysis, folder: Path, found: Findings) -> list[Shown]:
    """The patterns as people left them, the strongest first as they were found; hidden ones too."""
    now, done = edits.read(made, found), []
    for number in range(len(found.patterns)):
        members = tuple(each for each in now.members(number) if each < len(found.patterns))
        if number == min(members):
            done.append(_shown(made, folder, found, members, now))
    return done


def _shown(made: Analysis, folder: Path, found: Findings, members: Members, now: Edits) -> Shown:
    key, number = edits.key(members), min(members)
    first = found.patterns[number]
    kept = edits.measured(folder, members)
    pattern = first
    if len(members) > 1 or kept is not None:
        pattern = _described(made, found, members, kept)
    called = now.names.get(key) or now.names.get(str(number))
    return Shown(
        number=number,
        members=members,
        pattern=replace(pattern, name=replace(first.name, text=called)) if called else pattern,
        found_as=tuple(_called(found.patterns[each].name) for each in members),
        renamed=bool(called),
        hidden=key in now.hidden,
        where=np.average(found.where[list(members)], 0, [found.patterns[each].n_groups for each in members]),
    )


def _called(name: Name) -> str:
    return f"{UNNAMED}, nearest: {name.near[0]}" if name.text == UNNAMED else name.text


def _described(
    made: Analysis, found: Findings, members: Members, kept: tuple[NDArray[np.int64], NDArray[np.bool_]] | None
) -> Pattern:
    """A pattern of several, or one that was measured again."""
    first, which = found.patterns[min(members)], np.flatnonzero(np.isin(found.groups.pattern, members))
    rows = np.unique(found.groups.row[which])
    steady = first.stability if len(members) == 1 else None
    flips = np.stack([found.flips.of(rows, each) for each in members])  # (members, r, 2)
    has = np.stack([np.isin(rows, found.groups.row[found.groups.pattern == each]) for each in members])
    alone = has.sum(0) == 1  # their trial took away all that the pattern has in them
    known = np.where(alone[:, None], np.where(has[..., None], np.nan_to_num(flips, nan=-1), -1).max(0), np.nan)
    known[known < 0] = np.nan
    if kept is not None:
        again = Flips(kept[0], np.zeros(len(kept[0]), np.int64), kept[1]).of(rows, 0)
        known = np.where(np.isnan(again), known, again)
    elif not alone.all():
        known[:] = np.nan  # a rate of the others alone would be of another set of images
    return patterns.describe(found.groups, which, first.name, known, steady, looked_at(made, found.looked), found.seed)


def _members(made: Analysis, which: str) -> tuple[Findings, Members]:
    folder, number = folder_of(made, which)
    found = read(folder)
    if found is None:
        raise SettingsError(f"pattern {which!r} was found by an older version; look for patterns again")
    if number >= len(found.patterns):
        raise SettingsError(f"no pattern {which!r}: expected a number below {len(found.patterns)}")
    return found, edits.read(made, found).members(number)


def _held(groups: Groups, row: int) -> NDArray[np.float32]:
    return groups.held[groups.row == row].astype(np.float32).sum(0).clip(0, 1)


def _pattern(facts: dict[str, Any]) -> Pattern:
    name, exemplars = facts.pop("name"), facts.pop("exemplars")
    tuples: dict[str, Any] = {key: tuple(value) for key, value in facts.items() if isinstance(value, list)}
    tuples["dimensions"] = tuple((int(k), float(value)) for k, value in facts["dimensions"])
    tuples["generators"] = {key: (have, of) for key, (have, of) in facts["generators"].items()}
    shown = tuple(Exemplar(**{**each, "box": tuple(each["box"])}) for each in exemplars)
    return Pattern(**{**facts, **tuples, "name": Name(**{**name, "near": tuple(name["near"])}), "exemplars": shown})
