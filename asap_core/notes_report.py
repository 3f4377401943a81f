"""Notes told: tags and edited patterns, which of them are in an analysis, and which are not, as text and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from . import edits, findings, tags
from .analysis import Analysis
from .errors import AnalysisError
from .pattern_notes import Kept

FEW = 20  # images of a tag that the text names


def report(made: Analysis) -> dict[str, Any]:
    """What other programs rely on (`run.py notes --json`).

    A pattern is named KEY/NUMBER where it is among those that were found in this analysis; it is `lost` where its
    selection was searched and it is not, and neither where nobody looked yet.
    """
    here, lost = tags.read(made), tags.lost(made)
    found_at, not_found = _patterns(made)
    return {
        "folder": str(made.notes),
        "tags": {
            name: {
                "images": [made.paths[row] for row in here.get(name, [])],
                "lost": [{"path": each.path, "reason": each.reason} for each in lost.get(name, [])],
            }
            for name in sorted({*here, *lost})
        },
        "patterns": [
            {
                "name": each.name,
                "found_as": list(each.found_as),
                "of": each.of,
                "images": each.images,
                "hidden": each.hidden,
                "merged": each.merged,
                "patterns": found_at.get(each.id, []),
                "lost": each.id in not_found and each.id not in found_at,
            }
            for each in edits.every(made)
        ],
    }


def text(found: Mapping[str, Any]) -> str:
    """The same for people."""
    lines = [f"notes      {found['folder']}"]
    if not found["tags"] and not found["patterns"]:
        return "\n".join([*lines, "Nobody has tagged an image or edited a pattern yet."])
    for name, tag in found["tags"].items():
        gone = tag["lost"]
        lines.append(f"tag        {name}: {len(tag['images']):,} images" + (f", {len(gone):,} lost:" if gone else ""))
        lines += [f"             {each['path']}: {each['reason']}" for each in gone[:FEW]]
        lines += [f"             and {len(gone) - FEW:,} more"] if len(gone) > FEW else []
    for each in found["patterns"]:
        why = "lost: not among the patterns found since" if each["lost"] else "patterns were not looked for yet"
        of = f" of {each['of']}" if each["of"] else ""
        called = words(each["name"], each["found_as"], each["merged"], each["hidden"])
        lines.append(f"pattern    {called}{of}: {', '.join(each['patterns']) or why}")
    return "\n".join(lines)


def said(each: Kept) -> str:
    """An edited pattern in words."""
    return words(each.name, each.found_as, each.merged, each.hidden)


def words(name: str | None, found_as: Sequence[str], merged: bool, hidden: bool) -> str:
    """What a pattern is called, was found as, and what else was made of it."""
    facts = [f"found as {', '.join(found_as)}"] if name else []
    facts += [fact for fact, true in (("merged", merged), ("hidden", hidden)) if true]
    return f"{name or ', '.join(found_as)}" + (f" ({'; '.join(facts)})" if facts else "")


def _patterns(made: Analysis) -> tuple[dict[int, list[str]], set[int]]:
    """Where each edited pattern is, KEY/NUMBER, and those that a search of their selection did not find again."""
    at: dict[int, list[str]] = {}
    lost: set[int] = set()
    for folder in sorted(findings.folder_in(made).glob("[0-9a-f]*")):
        try:
            found = findings.read(folder)
        except AnalysisError:
            continue  # it can be looked for again
        if found is not None and found.fingerprint == made.fingerprint:
            now = edits.read(made, found)
            for key, pattern in now.kept.items():
                at.setdefault(pattern, []).append(f"{folder.name}/{key.partition('-')[0]}")
            lost |= {each.id for each in now.lost}
    return at, lost
