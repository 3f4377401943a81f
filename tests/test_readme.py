"""What the README says is true: its commands run, its folders and words exist."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def block(heading: str) -> str:
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.search(r"```\w*\n(.*?)```", section, re.DOTALL).group(1)  # type: ignore[union-attr]


def test_what_is_installed_is_in_the_repository():
    for heading in ("Install", "Test"):
        for file in re.findall(r"-r (\S+)", block(heading)):
            assert (ROOT / file).is_file(), file


def test_every_folder_and_file_in_the_tree_exists():
    parents: list[str] = []
    for line in block("Folders").splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 4
        parents[depth:] = [name]
        if name != "cache/":  # made on the first run
            assert (ROOT / "".join(parents)).exists(), "".join(parents)


def test_every_command_and_option_in_the_readme_is_understood():
    known = {"build", "serve", "predict", "patterns", "notes", "faithfulness", "check", "demo"}
    commands = set(re.findall(r"python run\.py (\w+)", README)) & known
    assert {"build", "serve", "predict", "demo"} <= commands
    helps = {name: shown(name, "--help") for name in commands | {"open"}}
    for line in re.findall(r"`python run\.py ([^`]*)`", README):
        words = line.split()
        command = words[0] if words and words[0] in helps else "open"
        for option in re.findall(r"--[\w-]+", line):
            assert option in helps[command] or option == "--help", (command, option)
    section = README.split("## Command line\n", 1)[1].split("\n## ", 1)[0]
    everything = "".join(helps.values())
    for option in re.findall(r"--[a-z][a-z-]+", section):
        assert option in everything, option


def shown(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout


@pytest.mark.parametrize("arguments", [("--help",), ("build", "--help"), ("predict", "--help")])
def test_help_teaches_without_loading_the_model(arguments):
    code = (
        "import sys, run\n"
        "try: run.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('torch' in sys.modules, 'dash' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "usage: run.py" in done.stdout
    assert done.stdout.splitlines()[-1] == "False False"


def test_every_word_of_the_glossary_is_a_name_in_the_code_or_said_on_the_page():
    section = README.split("## Words\n", 1)[1].split("\n## ", 1)[0]
    terms = [term.strip() for row in re.findall(r"^\| ([^|]+) \|", section, re.M)[2:] for term in row.split(",")]
    named = spoken()
    assert len(terms) > 15 and len(set(terms)) == len(terms)
    assert unspoken(["logit", "pixel group", "saliency", "lasagne", "hea"], named) == ["saliency", "lasagne", "hea"]
    assert not unspoken(terms, named)


def spoken() -> str:
    """The names of classes, functions, arguments and attributes, and what strings say to people, as words, one a line.

    Without docstrings and comments, where a word may outlive what it meant.
    """
    found: list[str] = []
    for file in (path for folder in ("asap_core", "app") for path in (ROOT / folder).rglob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        loose = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}  # docstrings
        for each in ast.walk(tree):
            for kind in ("name", "id", "arg", "attr"):
                found += [getattr(each, kind)] if isinstance(getattr(each, kind, None), str) else []
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in loose:
                found.append(each.value)
    return "\n".join(re.sub(r"[_-]", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", each)).lower() for each in found)


def unspoken(terms: list[str], named: str) -> list[str]:
    """Terms that are nowhere a whole word, in one number or the other."""
    return [term for term in terms if not re.search(rf"\b{re.escape(term.replace('-', ' ').lower())}s?\b", named)]
