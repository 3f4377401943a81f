"""Renewal: how an analysis of an earlier version is brought up to date."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def command(folder: Path, info: Mapping[str, Any]) -> str:
    """The command that builds an analysis of an earlier version again, where it stands."""
    try:
        source = str(json.loads((folder / "summary.json").read_text("utf-8"))["source"])
    except (OSError, ValueError, KeyError, TypeError):
        source = "SOURCE"
    words = ["python", "run.py", "build", source]
    by_default = folder.absolute().parent.name == "analyses" and folder.absolute().name == info.get("fingerprint")
    words += ["--cache", str(folder.absolute().parents[1])] if by_default else ["--out", str(folder)]
    if info.get("labelled") is False:
        return shlex.join(words) + " --unlabelled --using DIR"
    encoder = info.get("encoder", {})
    for option, value in (
        ("encoder", encoder.get("name")),
        ("layers", encoder.get("layers")),
        ("seed", info.get("seed")),
    ):
        words += [f"--{option}", str(value)] if value else []
    return shlex.join([*words, *(["--equalise"] if info.get("equalise") else [])])
