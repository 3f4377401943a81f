"""What people wrote is found again in another build, by content and by path, and is lost to nobody."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from asap_core import analysis, notes, notes_report, tags, takeover
from asap_core.analysis import Analysis
from asap_core.errors import AnalysisError
from tests import toy

ROOT = Path(__file__).parents[2]
NOBODY = 65534
Images = list[tuple[str, str]]  # path, and what is in it


def built(folder: Path, images: Images, fingerprint: str) -> Analysis:
    """A build, in `folder`, of images that need not be drawn."""
    arrays = toy.arrays(len(images))
    arrays["digest"] = np.array([[*sha256(content.encode()).digest()] for _, content in images], np.uint8)
    facts = toy.info(arrays, folder / "images", True) | {"fingerprint": fingerprint}
    paths, summary = [path for path, _ in images], toy.summary(arrays, facts)
    before = lambda made: takeover.take_over(folder.absolute(), made)  # noqa: E731
    analysis.save(folder, facts, paths, {}, arrays, b"", summary, before)
    return analysis.load(folder)


def lost(made: Analysis, name: str) -> dict[str, str]:
    return {each.path: each.reason for each in tags.lost(made).get(name, [])}


def test_a_tag_finds_its_image_where_it_was_moved_renamed_or_edited(tmp_path: Path):
    one = [("a.png", "A"), ("b.png", "B"), ("c.png", "C"), ("d.png", "D"), ("e.png", "E")]
    tags.change(built(tmp_path, one, "1"), "odd", range(5), add=True)
    two = [("b.png", "B2"), ("deep/a.png", "A"), ("e.png", "D"), ("n.png", "N"), ("z.png", "C")]
    made = built(tmp_path, two, "2")  # edited, moved, over another, new, renamed; and E is gone
    assert tags.read(made) == {"odd": [0, 1, 2, 4]}
    assert lost(made, "odd") == {"e.png": "another image has its path now"}
    made = built(tmp_path, [("deep/a.png", "A2"), ("e.png", "E"), ("moved/b.png", "B2")], "3")
    assert tags.read(made) == {"odd": [0, 1, 2]}  # moved, then edited; back again; edited, then moved
    assert lost(made, "odd").keys() == {"e.png", "z.png"}  # D and C
    assert tags.read(built(tmp_path, one, "4")) == {"odd": [0, 1, 2, 3, 4]}  # as they were at first


def test_an_untagged_image_that_takes_a_name_does_not_take_the_tag(tmp_path: Path):
    tags.change(built(tmp_path, [("a.png", "A"), ("b.png", "B")], "1"), "odd", [0], add=True)
    made = built(tmp_path, [("a.png", "B")], "2")
    assert tags.read(made) == {} and lost(made, "odd") == {"a.png": "another image has its path now"}


def test_exact_copies_are_told_apart_by_their_paths(tmp_path: Path):
    one = [("a/1.png", "S"), ("b/2.png", "S"), ("c/3.png", "S")]
    tags.change(built(tmp_path, one, "1"), "odd", [1], add=True)
    assert tags.read(built(tmp_path, [one[0], ("new.png", "S"), one[2]], "2")) == {"odd": [1]}  # the only new one
    assert tags.read(built(tmp_path, [("x/3.png", "S"), ("x/1.png", "S"), ("x/new.png", "S")], "3")) == {"odd": [2]}
    made = built(tmp_path, [("y.png", "S"), ("z.png", "S")], "4")
    assert tags.read(made) == {} and lost(made, "odd") == {"x/new.png": "2 copies of it are there now"}
    assert tags.read(built(tmp_path, [("y.png", "S")], "5")) == {"odd": [0]}


def test_a_rebuild_with_a_twentieth_added_removed_and_renamed_keeps_what_it_can(tmp_path: Path):
    images = [(f"real/{row:04}.jpg", f"{row}") for row in range(400)]
    first = built(tmp_path, images, "1")
    tags.change(first, "all", range(400), add=True)
    tags.change(first, "some", range(0, 400, 7), add=True)
    gone, renamed = set(range(0, 400, 20)), set(range(5, 400, 20))
    now = [(f"renamed/{row}.jpg" if row in renamed else path, content)
           for row, (path, content) in enumerate(images) if row not in gone]  # fmt: skip
    now = sorted(now + [(f"real/new{row}.jpg", f"new {row}") for row in range(20)])
    made, held = built(tmp_path, now, "2"), {content: row for row, (_, content) in enumerate(now)}
    for name, rows in (("all", range(400)), ("some", range(0, 400, 7))):
        assert tags.read(made)[name] == sorted(held[f"{row}"] for row in rows if row not in gone)
        assert set(lost(made, name)) == {images[row][0] for row in rows if row in gone}
    said = notes_report.report(made)
    assert len(said["tags"]["all"]["lost"]) == 20 and "20 lost" in notes_report.text(said)


def test_two_processes_that_tag_lose_nothing(tmp_path: Path):
    made = toy.make(tmp_path, 600, drawn=1)
    code = (
        "import sys; from pathlib import Path; from asap_core import analysis, tags\n"
        "made, name = analysis.load(Path(sys.argv[1])), sys.argv[2]\n"
        "for row in range(500): tags.change(made, 'both' if row % 5 == 0 else name, [row], True)"
    )
    command = [sys.executable, "-c", code, str(made.folder)]
    people = [subprocess.Popen([*command, name], cwd=ROOT) for name in ("ann", "ben")]
    assert [each.wait(timeout=300) for each in people] == [0, 0]
    alone = [row for row in range(500) if row % 5]
    assert tags.read(made) == {"ann": alone, "ben": alone, "both": list(range(0, 500, 5))}


@contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody who may not write everywhere, as root may."""
    if os.name != "posix" or os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that others reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for each in [folder, *folder.rglob("*")]:
        each.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(os.name != "posix", reason="folders are made read-only by POSIX modes")
@pytest.mark.parametrize("left_open", [False, True])
def test_notes_in_a_read_only_folder_are_read_and_writing_says_why_not(shared: Path, left_open: bool):
    made = toy.make(shared / "toy", 30, drawn=1)
    tags.change(made, "odd", [3, 4], add=True)
    with closing(sqlite3.connect(made.notes / notes.FILE, isolation_level=None)) as writing:
        if left_open:  # what was written last is beside the file, in its log
            writing.execute("INSERT INTO tag SELECT 'last', image FROM tag")
            writing.execute("UPDATE fact SET value = value + 1 WHERE name = 'tags'")
            (made.notes / f"{notes.FILE}-shm").chmod(0o600)
        made.notes.chmod(0o555)
        with unprivileged():
            assert tags.read(made) == {"odd": [3, 4]} | ({"last": [3, 4]} if left_open else {})
            with pytest.raises(AnalysisError, match=r"nothing was noted: .* cannot be written .*--notes DIR"):
                tags.change(made, "new", [1], add=True)
            assert "new" not in tags.read(made)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_team_may_read_what_is_written(tmp_path: Path):
    before = os.umask(0o022)
    try:
        made = toy.make(tmp_path, 30, drawn=1)
        tags.change(made, "odd", [3], add=True)
        toy.found(made)
    finally:
        os.umask(before)
    for each in made.folder.rglob("*"):
        wanted = 0o755 if each.is_dir() else 0o644
        assert stat.S_IMODE(each.stat().st_mode) & wanted == wanted or each.name == ".lock", each


def test_where_notes_go_is_said_by_people_the_analysis_or_the_system(tmp_path: Path, made: Analysis):
    root = tmp_path / "photos"
    assert notes.place(root, tmp_path / "out", None) is None and made.notes == made.folder / "notes"
    assert notes.place(root, tmp_path / "out", Path("team")) == Path("team").absolute()
    code = "import sys, pathlib; from asap_core import notes; print(notes.place(pathlib.Path(sys.argv[1]), None, None))"

    def said(where: Path, **environment: str) -> Path:
        command = [sys.executable, "-c", code, str(where)]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True
        )
        return Path(done.stdout.strip())

    one, other = (said(where, ASAP_NOTES=str(tmp_path / "home")) for where in (root, tmp_path / "other" / "photos"))
    assert one.parent == other.parent == tmp_path / "home" and one != other
    plain = said(root, ASAP_NOTES="")
    assert plain.name == one.name and "asap" in plain.parts and "cache" not in plain.parts


def test_notes_elsewhere_are_recorded_and_shared_by_other_builds(tmp_path: Path):
    made = toy.make(tmp_path / "a", 30, drawn=1)
    analysis.keep_notes_in(made, tmp_path / "team")
    made = analysis.load(made.folder)
    assert made.notes == tmp_path / "team" == analysis.load(made.built).notes
    tags.change(made, "odd", [3], add=True)
    other = toy.make(tmp_path / "b", 30, drawn=1)
    analysis.keep_notes_in(other, tmp_path / "team")
    assert tags.read(analysis.load(other.folder)) == {"odd": [3]}
    assert not (made.folder / "notes").exists()


def test_notes_of_another_asap_are_left_alone(made: Analysis):
    tags.change(made, "odd", [3], add=True)
    with closing(sqlite3.connect(made.notes / notes.FILE)) as kept:
        kept.execute("PRAGMA user_version = 99")
    for act in (lambda: tags.read(made), lambda: tags.change(made, "even", [2], add=True)):
        with pytest.raises(AnalysisError, match="version 99, expected 1"):
            act()


def test_a_command_lists_what_people_wrote(tmp_path: Path):
    tags.change(built(tmp_path / "study", [("a.png", "A"), ("b.png", "B")], "1"), "odd", [0, 1], add=True)
    built(tmp_path / "study", [("b.png", "B")], "2")
    command = [sys.executable, "run.py", "notes", str(tmp_path / "study")]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "odd: 1 images, 1 lost" in text and "a.png" in text and str(tmp_path / "study" / "notes") in text
    said = json.loads(subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert said["tags"]["odd"]["images"] == ["b.png"] and said["patterns"] == []


@pytest.fixture
def made(tmp_path: Path) -> Analysis:
    return toy.make(tmp_path / "toy", 60, drawn=1)
