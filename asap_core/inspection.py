"""Inspection: every file of an analysis held against what was written into it, and what makes the broken ones again."""

import json
import shlex
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import analysis, analysis_folder, findings, integrity, renewal, texts, trust
from .analysis import Analysis
from .analysis_folder import FACTS, SUMMARY
from .errors import AnalysisError
from .identification import store
from .integrity import Broken
from .progress import Report, silent

DATABASES = (".sqlite", ".sqlite3", ".db")
FITS = "a checksum that fits"


@dataclass(frozen=True)
class Inspection:
    """What was looked at, and what of it is broken."""

    files: int
    broken: tuple[Broken, ...]


def inspect(folder: Path, maps: bool = True, report: Report = silent) -> Inspection:
    """Verify the analysis in `folder` and all that is kept beside it; without `maps`, not the rows of token maps, which
    are verified when they are read.

    Reports megabytes. AnalysisError where there is no analysis; where its facts are broken, the rest is not known.
    """
    file = folder / FACTS
    try:
        made = analysis.outline(folder)
    except AnalysisError as error:
        if not file.is_file():
            raise
        return Inspection(1, (Broken(file, str(error), FITS, renewal.again(folder)),))
    look = _Look(made, maps, report)
    look.at(file)
    broken = [*_built(made, look), *_patterns(made, look), *_small(made, look), *_notes(made, look)]
    for file in sorted((made.derived / "relevance").glob("*/store.json")) if maps else ():
        broken += _store(made, file.parent, look)
    look.end()
    return Inspection(look.files, tuple(broken))


class _Look:
    """How many files were looked at, and how far that is."""

    def __init__(self, made: Analysis, maps: bool, report: Report) -> None:
        folders = [made.built, *(made.derived / name for name in ("patterns", *(["relevance"] if maps else [])))]
        inside = (file for folder in folders for file in folder.glob("*" if folder == made.built else "**/*"))
        self.total, self.done, self.files, self.report = sum(map(_size, inside)), 0, 0, report

    def at(self, file: Path) -> None:
        """A whole file."""
        self.files += 1
        self.read(_size(file))

    def read(self, size: int) -> None:
        """Some bytes."""
        self.done += size
        self.report(min(self.done, self.total) // 10**6, self.total // 10**6)

    def end(self) -> None:
        """All of it."""
        self.report(self.total // 10**6, self.total // 10**6)


def _built(made: Analysis, look: _Look) -> Iterator[Broken]:
    """What the build wrote, and the copy of its summary that other programs read."""
    yield from integrity.broken(made.built, made.info["files"], made.again, then=look.at)
    if analysis.is_replaced(made):
        return
    copy = {SUMMARY: made.info["files"][SUMMARY]}
    yield from integrity.broken(made.folder, copy, made.again, then=look.at)
    look.at(made.built / FACTS)
    try:
        analysis_folder.facts(made.built)
    except AnalysisError as error:
        yield Broken(made.built / FACTS, str(error), FITS, made.again)


def _patterns(made: Analysis, look: _Look) -> Iterator[Broken]:
    """What was found, search by search; what an older version found is not read, and not looked at here."""
    for file in sorted((made.derived / "patterns").glob(f"[!.]*/{findings.FILE}")):
        look.at(file)
        mend = f"delete {file.parent}, then look again: python run.py patterns {shlex.quote(str(made.folder))}"
        text = file.read_bytes().decode(errors="replace")
        try:
            content = integrity.unseal(text)
        except ValueError as error:
            if not _is_older(text):
                yield Broken(file, str(error), FITS, mend)
            continue
        if content["of"]:
            mend += f" --of {shlex.quote(content['of'])}"
        yield from integrity.broken(file.parent, content["files"], mend, then=look.at)


def _is_older(text: str) -> bool:
    """Whether a version wrote these findings that knew no checksums."""
    try:
        return integrity.CHECKSUM not in text and json.loads(text)["version"] < findings.VERSION
    except (ValueError, KeyError, TypeError):
        return False


def _small(made: Analysis, look: _Look) -> Iterator[Broken]:
    """Files that carry their own checksum."""
    again = f"measure again: python run.py faithfulness {shlex.quote(str(made.folder))}"
    mends = {file: f"delete {file}, and its text is read again" for file in (made.derived / texts.FOLDER).glob("[!.]*")}
    for file in (made.derived / "relevance").glob(f"*/{store.REFERENCE}"):
        mends[file] = f"delete {file}, then {_relevance(made)}"
    for file in (made.derived / "patterns").glob("[!.]*/measured/[!.]*.json"):
        mends[file] = f"delete {file}, and measure again on the page"
    if (made.derived / trust.FILE).is_file():
        mends[made.derived / trust.FILE] = again
    for file, mend in sorted(mends.items()):
        look.at(file)
        try:
            integrity.unseal(file.read_text("utf-8")) if file.suffix == ".json" else integrity.body(file)
        except (OSError, ValueError) as error:
            yield Broken(file, str(error), FITS, mend)


def _store(made: Analysis, place: Path, look: _Look) -> Iterator[Broken]:
    """One method's token maps, row by row."""
    files = [place / "store.json", *(place / f"{name}.npy" for name in store.ARRAYS)]
    look.files += len(files)
    row = sum(map(_size, files)) // max(1, _size(place / "check.npy") // 4)
    for name, how in store.inspect(place, lambda _: look.read(row)):
        yield Broken(place / name, how, "what was written", f"delete {place}, then {_relevance(made)}")


def _relevance(made: Analysis) -> str:
    return f"compute its maps again: {made.again.partition(': ')[2]} --relevance all"


def _notes(made: Analysis, look: _Look) -> Iterator[Broken]:
    """What people wrote, as its database sees itself."""
    for file in sorted(file for file in made.notes.glob("*") if file.suffix in DATABASES):
        look.at(file)
        try:
            with sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True) as notes:
                said = [text for (text,) in notes.execute("PRAGMA integrity_check")]
            notes.close()
        except sqlite3.Error as error:
            said = [str(error)]
        if said != ["ok"]:
            mend = "nothing makes it again: put a copy back, or mend it with 'sqlite3 FILE .recover'"
            yield Broken(file, said[0], "a sound database", mend)


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0


def as_json(folder: Path, found: Inspection) -> dict[str, object]:
    """What was found, for programs."""
    broken = [{name: str(value) for name, value in vars(each).items()} for each in found.broken]
    return {"analysis": str(folder), "files": found.files, "broken": broken}


def text(folder: Path, found: Inspection) -> str:
    """What was found, for people: one line where all is well."""
    if not found.broken:
        return f"{folder}: {found.files:,} files, all as they were written"
    lines = [f"{folder}: {len(found.broken):,} of {found.files:,} files are damaged"]
    for each in found.broken:
        lines += ["", f"{each.file}", f"  found {each.found}, expected {each.expected}", f"  {each.mend}"]
    return "\n".join(lines)
