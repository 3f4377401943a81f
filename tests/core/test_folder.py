"""Walking a folder: order, links, and what cannot be opened."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from asap_core import folder
from tests import hostile

ROOT = Path(__file__).parents[2]


def names(root: Path) -> list[str]:
    return [file.path for file in folder.walk(root).files]


def test_files_come_in_the_order_of_their_paths(tmp_path: Path):
    paths = ["b/z.jpg", "b/a.jpg", "a.jpg", "B.jpg", "a/1.jpg", "a-1.jpg", "a/deep/er/x.jpg", "é.jpg"]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    found = folder.walk(tmp_path)
    assert [file.path for file in found.files] == sorted(paths)
    assert found.files == [folder.file(tmp_path, path) for path in sorted(paths)]
    assert not found.skipped


def test_what_really_lies_there_goes_before_links_to_it(tmp_path: Path):
    """Whatever the names: a link that sorts first does not take the place of the folder or file itself."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.jpg").write_bytes(b"x")
    (tmp_path / "a link").symlink_to("real")
    (tmp_path / "a.jpg").symlink_to("real/x.jpg")
    found = folder.walk(tmp_path)
    assert [file.path for file in found.files] == ["real/x.jpg"]
    assert [skipped.path for skipped in found.skipped] == ["a link", "a.jpg"]


def test_circles_end(tmp_path: Path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "x.jpg").write_bytes(b"x")
    (inside / "self").symlink_to(".")
    (inside / "there").symlink_to(outside)
    (inside / "there again").symlink_to(outside)
    (outside / "back").symlink_to(inside)
    (outside / "round").symlink_to("round")
    assert names(inside) == ["there/x.jpg"]


def test_a_link_to_the_whole_disk_is_not_followed(tmp_path: Path):
    (tmp_path / "root").symlink_to("/")
    assert [(each.path, each.kind) for each in folder.walk(tmp_path).skipped] == [
        ("root", "a link to a folder that this one lies in")
    ]


def test_hard_links_are_files_of_their_own(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    os.link(tmp_path / "a.jpg", tmp_path / "b.jpg")
    (tmp_path / "c.jpg").symlink_to("b.jpg")  # a soft one is not
    assert names(tmp_path) == ["a.jpg", "b.jpg"]


def test_folders_deeper_than_a_path_may_be(tmp_path: Path):
    """Made step by step, as no path that long can be opened."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    (skipped,) = folder.walk(tmp_path).skipped
    assert skipped.kind == "the folder cannot be opened" or "too long" in skipped.reason


def test_a_reason_is_counted_without_its_details():
    assert folder.Skipped("a.jpg", "oversized: 3 × 4 pixels").kind == "oversized"
    assert folder.Skipped("a.jpg", "an empty file").kind == "an empty file"


WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
from asap_core import catalogue
if os.geteuid() == 0:  # nothing is forbidden to root
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
found = catalogue.read(Path(sys.argv[1]))
print(*found.paths)
for skipped in found.skipped:
    print(skipped.path, skipped.reason, sep=" | ")
"""


def test_what_may_not_be_read_is_skipped():
    with tempfile.TemporaryDirectory() as place:  # not pytest's folder, which is closed to others
        root = Path(place)
        root.chmod(0o755)
        for name in ("real/a.jpg", "fake/b.jpg", "fake/secret.jpg", "shut/c.jpg"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(hostile.jpeg(len(name)))
        (root / "fake/secret.jpg").chmod(0)
        (root / "shut").chmod(0)
        command = [sys.executable, "-c", WITHOUT_RIGHTS, place]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        (root / "shut").chmod(0o755)
    assert done.stdout.splitlines() == [
        "fake/b.jpg real/a.jpg",
        "fake/secret.jpg | cannot be opened: permission denied",
        "shut | the folder cannot be opened: permission denied",
    ], done.stderr
