"""Figures have a command that makes them again, and the commands are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOLD = (ROOT / "docs/measurements.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"`python (-m tests\.bench\.\w+|-m asap_core\.[\w.]+|run\.py \w+)([^`]*)`", TOLD)))
FIGURE = r"\d[\d,]*(?:\.\d+)? ?(?:%|images a second)|[+-]\d\.\d \(\d\.\d to \d\.\d\)|0\.\d\d"


def prose(text: str) -> str:
    """A document without its tables, which are a row of the measurements each."""
    return " ".join(line for line in text.splitlines() if not line.startswith("|"))


def test_every_figure_of_the_readmes_prose_is_there():
    readme = (ROOT / "README.md").read_text("utf-8").split("## Measured\n", 1)[1].split("\n## ", 1)[0]
    known = re.sub(r"\s+", " ", TOLD)
    told = set(re.findall(FIGURE, prose(readme))) - {"95 %", "0.85"}  # the intervals', and an aim
    assert len(told) > 5
    missing = [each for each in told if each not in known and each.removesuffix(" %") not in known]
    assert not missing


def test_every_part_of_the_card_with_figures_is_there():
    card = (ROOT / "asap_core/learning/MINI.md").read_text("utf-8")
    parts = re.split(r"^## ", card, flags=re.M)[1:]
    with_tables = [part.splitlines()[0] for part in parts if "\n| " in part]
    assert len(with_tables) >= 4
    assert not [name for name in with_tables if name not in TOLD]


@pytest.mark.parametrize("command", sorted({what for what, _ in COMMANDS}))
def test_every_command_is_understood(command: str):
    done = subprocess.run(
        [sys.executable, *command.split(), "--help"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    for option in {option for what, rest in COMMANDS if what == command for option in re.findall(r"--[a-z-]+", rest)}:
        assert option in done.stdout, option
