"""Findings told: as text for people, as JSON for other programs; renamed and merged as people left them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .findings import Findings, Shown
from .identification.patterns import sentence


def as_json(found: Findings, kept: Sequence[Shown], key: str) -> dict[str, Any]:
    """What other programs rely on (`run.py patterns --json`)."""
    return {
        "of": found.of,
        "images": found.images,
        "groups": len(found.groups),
        "level": found.level,
        "note": found.note,
        "key": key,
        "patterns": [_as_json(each) for each in kept if not each.hidden],
    }


def table(found: Findings, kept: Sequence[Shown]) -> str:
    """Findings as text: a sentence a pattern, then its figures; those that were hidden are counted."""
    if found.note:
        return found.note
    seen = [each for each in kept if not each.hidden]
    lines = [f"{len(seen)} patterns in {len(found.groups)} pixel groups of {found.images} images"]
    if len(seen) < len(kept):
        lines[0] += f"; {len(kept) - len(seen)} hidden"
    for place, each in enumerate(seen, start=1):
        pattern = each.pattern
        through = ", ".join(f"{k + 1} ({value:+.1f})" for k, value in pattern.dimensions)
        near = "; ".join(pattern.name.near)
        steady = "put together by hand" if pattern.stability is None else f"stability {pattern.stability:.2f}"
        lines += [
            f"\n{place:3d}  {sentence(pattern)}",
            f"     groups {pattern.n_groups}, images {pattern.n_images}: {pattern.share_fake:.0%} of fakes, "
            f"{pattern.share_real:.0%} of real; {steady}; dimensions {through}",
            f"     nearest words: {near} (fit {pattern.name.fit:.2f}, needed {pattern.name.needed:.2f}, "
            f"margin {pattern.name.margin:.2f})",
        ]
        lines += [f"     found as: {', '.join(each.found_as)}"] if each.renamed or len(each.members) > 1 else []
    return "\n".join(lines)


def _as_json(each: Shown) -> dict[str, Any]:
    facts = asdict(each.pattern)
    name = facts.pop("name")
    return {
        "name": name["text"],
        "number": each.number,
        "members": list(each.members),
        "found_as": list(each.found_as),
        "share_real": each.pattern.share_real,
        "share_fake": each.pattern.share_fake,
        "sentence": sentence(each.pattern),
        "fit": name,
        **facts,
    }
