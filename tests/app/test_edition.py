"""Answers that are kept for good carry the edition of all that makes them."""

import shutil
import time
from pathlib import Path

import pytest

from app import responses

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name in ("app", "asap_core"):
        leave = shutil.ignore_patterns("__pycache__", "*.safetensors")
        shutil.copytree(ROOT / name, root / name, ignore=leave)
    return root


def test_every_source_of_the_core_and_the_page_counts(copied: Path):
    before = responses.made_by(copied)
    assert before == responses.made_by(ROOT) == responses.edition()  # weights do not count
    for file in sorted(copied.rglob("*.py")):
        kept = file.read_bytes()
        file.write_bytes(kept + b"# changed\n")
        assert responses.made_by(copied) != before, file
        file.write_bytes(kept)
    assert responses.made_by(copied) == before


def test_what_names_patterns_counts_and_a_file_that_moves_does(copied: Path):
    before, words = responses.made_by(copied), copied / "asap_core/identification/vocabulary.txt"
    kept = words.read_text("utf-8")
    words.write_text(kept + "a lamp\n", "utf-8")
    assert responses.made_by(copied) != before
    words.write_text(kept, "utf-8")
    moved = (copied / "asap_core/maps.py").rename(copied / "asap_core/charts.py")
    assert responses.made_by(copied) != before
    moved.rename(copied / "asap_core/maps.py")


def test_it_is_computed_once_and_fast():
    start = time.perf_counter()
    responses.made_by(ROOT)
    assert time.perf_counter() - start < 2
    assert responses.edition() is responses.edition()
