"""Summary: what a build found, in numbers that other programs rely on (`summary.json`) and in words."""

import platform
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .catalogue import Catalogue

PACKAGES = (
    "torch",
    "open_clip_torch",
    "timm",
    "numpy",
    "scipy",
    "scikit-learn",
    "umap-learn",
    "pillow",
    "dash",
)


def name(source: Path) -> str:
    """What a collection is called: its folder, or its manifest unless that has an everyday name."""
    everyday = {"manifest", "labels", "metadata", "index", "images"}
    return source.name if source.is_dir() else source.parent.name if source.stem in everyday else source.stem


def counts(images: Catalogue) -> dict[str, Any]:
    """How many images there are, of what kind, and how many were left out for which reason."""
    fake = None if images.is_fake is None else int(images.is_fake.sum())
    return {
        "images": len(images.paths),
        "found": images.found,
        "real": None if fake is None else len(images.paths) - fake,
        "fake": fake,
        "skipped": len(images.skipped),
        "skipped_by_reason": dict(Counter(skipped.kind for skipped in images.skipped).most_common()),
        "duplicates": images.duplicates,
        "generators": dict(sorted(Counter(images.generators).items())),
    }


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def peak_memory_mb() -> float:
    """The most memory this process has held, in MB."""
    if sys.platform == "win32":
        import psutil

        return round(psutil.Process().memory_info().peak_wset / 1e6, 1)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)  # bytes there, kB elsewhere


def text(made: Mapping[str, Any], folder: Path) -> str:
    """A summary for people."""
    lines = [*_what(made), *_how_well(made), *_how_long(made), f"analysis   {folder}"]
    if warning := made["audit"]["warning"]:
        lines += ["", f"warning: {warning}"]
    return "\n".join([*lines, *(f"note: {note}" for note in made["notes"])])


def _what(made: Mapping[str, Any]) -> list[str]:
    n, encoder = made["counts"], made["encoder"]
    kinds = ", ".join(f"{name} {count:,}" for name, count in n["generators"].items())
    lines = [
        f"images     {n['images']:,} ({kinds})",
        f"encoder    {encoder['name']} ({encoder['weights']}), layers {encoder['layers']}, {encoder['width']:,} wide",
    ]
    if n["skipped"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in n["skipped_by_reason"].items())
        lines.insert(1, f"skipped    {n['skipped']:,} ({reasons})")
    if n["duplicates"]:
        lines.insert(1, f"duplicates {n['duplicates']:,}, kept in the fold of their twins")
    return lines


def _how_well(made: Mapping[str, Any]) -> list[str]:
    if not made["verdicts"]:
        return []

    def percent(name: str) -> str:
        value, low, high = (100 * share for share in made["verdicts"][name])
        return f"{value:.1f} % ({low:.1f} to {high:.1f})"

    lines = [
        "verdicts   out-of-fold, with 95 % bootstrap intervals",
        f"           accuracy {percent('accuracy')}, balanced {percent('balanced_accuracy')}",
        f"           AUC {percent('auc')}, average precision {percent('average_precision')}",
        f"           calibration error {percent('calibration_error')}",
        f"           inconclusive {percent('inconclusive')}",
    ]
    for name, row in made["by_generator"].items():
        value, low, high = (100 * share for share in row["accuracy"])
        lines.append(f"           {name}: {value:.1f} % ({low:.1f} to {high:.1f}) of {row['n']:,} judged right")
    spelling = made["spelling"]
    pairs = ", ".join(f"{name} {before:.2f} -> {after:.2f}" for name, (before, after) in spelling.items())
    return [*lines, f"spelling   before -> after forgetting: {pairs}"]


def _how_long(made: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, stage in made["stages"].items():
        rate = f", {stage['per_second']:,.0f} images/s" if stage["per_second"] else ""
        again = ", remembered" if stage.get("remembered") else ""
        lines.append(f"           {name} {stage['seconds']:.1f} s{rate}{again}")
    lines[0] = "stages    " + lines[0][10:]
    return [*lines, f"memory     {made['peak_memory_mb']:,.0f} MB at most"]
