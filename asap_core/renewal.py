"""Renewal: how an analysis that is damaged, or of an earlier version, is built again."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def again(folder: Path, info: Mapping[str, Any] | None = None) -> str:
    """How the analysis in `folder` is built again, in words, by what its facts say of it."""
    how = (info or {}).get("command", "build SOURCE")
    return f"build it again: python run.py {how} --out {shlex.quote(str(folder))}"


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
