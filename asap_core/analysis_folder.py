"""Analysis folder: what lies where in an analysis' folder, and which build of it stands.

The tree is drawn in `analysis`, which reads and writes what the files hold.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from . import integrity, renewal, storage
from .errors import AnalysisError

VERSION = 2
FACTS, SUMMARY, BUILDS, DERIVED, NOTES = "analysis.json", "summary.json", "builds", "derived", "notes"
DRAFT = re.compile(
    rf"\.({re.escape(FACTS)}|{re.escape(SUMMARY)})-[0-9a-f]{{8}}"
)  # of a save that goes on, or was killed
# What version 1 kept beside analysis.json, besides tags.json, which people wrote.
EARLIER = ("rows.json", "weights.safetensors", "faithfulness.json", "relevance", "patterns", "texts")


def stands(folder: Path) -> dict[str, Any]:
    """`analysis.json` of whatever stands in a folder; empty where it cannot be read."""
    try:
        found = json.loads((folder / FACTS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: each for name, each in found.items() if name != integrity.CHECKSUM} if isinstance(found, dict) else {}


def keep_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `analysis.json`, whole or not at all, with its own checksum."""
    storage.write_text(folder / FACTS, integrity.seal(facts))


def is_build(folder: Path) -> bool:
    """Whether a folder is named as `analysis.save` names that of a build."""
    return folder.parent.name == BUILDS and re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{8}", folder.name) is not None


def refuse_foreign(folder: Path) -> None:
    """Raise AnalysisError unless `folder` is free, empty, an analysis or what a killed build left: nothing else is
    overwritten."""
    if folder.is_dir():
        inside = {each.name for each in folder.iterdir() if not DRAFT.fullmatch(each.name)}
        begun = inside <= {BUILDS, NOTES, ".lock"} and all(map(is_build, (folder / BUILDS).glob("*")))
        noted = NOTES not in inside or any((folder / NOTES).glob("*.sqlite"))
        if FACTS in inside or (begun and noted):
            return
    if folder.exists():
        raise AnalysisError(
            f"{folder} exists and is not an analysis: nothing was written; name a new or empty folder with --out"
        )


def tidy(folder: Path, kept: Iterable[Mapping[str, Any]], taken_over: Iterable[str] | None) -> None:
    """Remove what is neither of this build nor of the one before: older ones, drafts of saves that were killed.

    And what version 1 left, these arrays among it, where the notes in it were taken over.
    """
    builds, fingerprints = ({each.get(name) for each in kept} for name in ("build", "fingerprint"))
    for place, names in ((BUILDS, builds), (DERIVED, fingerprints)):
        for each in (folder / place).glob("*"):
            if each.name not in names:
                storage.remove(each)
    for each in folder.iterdir():
        if DRAFT.fullmatch(each.name):
            storage.remove(each)
    for name in () if taken_over is None else (*EARLIER, *taken_over):
        storage.remove(folder / name)


def facts(folder: Path) -> dict[str, Any]:
    """`analysis.json` of this version; AnalysisError where it is missing, damaged or of another one."""
    try:
        text = (folder / FACTS).read_text("utf-8")
        info = json.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        if is_build(folder) and (folder.parent.parent / FACTS).is_file():
            home = folder.parent.parent
            raise AnalysisError(
                f"this build of {home} is no longer there: newer ones took its place; stop the page, and serve "
                f"{home} again"
            ) from None
        raise AnalysisError(
            f"no analysis in {folder}: expected a folder with analysis.json; "
            f"make one with 'python run.py build SOURCE --out {folder}'"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise AnalysisError(f"{folder / FACTS} cannot be read ({error}); {renewal.again(folder)}") from error
    found = info.get("version") if isinstance(info, dict) else "none"
    if found == 1:
        raise AnalysisError(
            f"{folder} is an analysis of version 1, expected {VERSION}; bring it up to date with "
            f"'{renewal.command(folder, info)}': embeddings are kept, so it takes seconds, and so "
            "are tags and patterns' names"
        )
    if found != VERSION:
        raise AnalysisError(f"{folder} is of version {found}, expected {VERSION}; {renewal.again(folder)}")
    try:
        return integrity.unseal(text)
    except ValueError as error:
        raise AnalysisError(f"{folder / FACTS} is damaged ({error}); {renewal.again(folder)}") from error
