"""What is written is whole or not there, nothing is renamed while it is open, and one lock holds for all."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from asap_core import storage
from asap_core.errors import AnalysisError
from asap_core.identification import store
from tests import toy, toy_maps

ROOT = Path(__file__).parents[2]


def test_a_file_is_whole_or_not_there(tmp_path: Path):
    storage.write_text(tmp_path / "deep" / "a.txt", "naïve")
    assert (tmp_path / "deep" / "a.txt").read_text("utf-8") == "naïve"
    with pytest.raises(ValueError, match="JSON"):
        storage.write_json(tmp_path / "deep" / "a.txt", {"accuracy": float("nan")})
    with pytest.raises(ZeroDivisionError), storage.writing(tmp_path / "deep" / "a.txt") as draft:
        draft.write_text("half")
        raise ZeroDivisionError
    assert [each.name for each in (tmp_path / "deep").iterdir()] == ["a.txt"]
    assert (tmp_path / "deep" / "a.txt").read_text("utf-8") == "naïve"


def test_a_folder_is_whole_and_the_first_one_stays(tmp_path: Path):
    (tmp_path / "room").mkdir()  # an empty folder gives way
    for word in ("first", "second"):
        with storage.writing_folder(tmp_path / "room") as draft:
            (draft / "word").write_text(word)
    with pytest.raises(ZeroDivisionError), storage.writing_folder(tmp_path / "other"):
        raise ZeroDivisionError
    assert [each.name for each in tmp_path.iterdir()] == ["room"]
    assert (tmp_path / "room" / "word").read_text() == "first"


def test_what_is_held_open_for_a_moment_is_waited_for_and_not_for_ever(tmp_path: Path):
    turns: list[int] = []

    def act(needed: int) -> None:
        turns.append(needed)
        if len(turns) < needed:
            raise PermissionError(13, "Access is denied")

    storage.patiently(lambda: act(3), tmp_path)
    assert turns == [3, 3, 3]
    with pytest.raises(AnalysisError, match=r"Access is denied.*another program"):
        storage.patiently(lambda: act(1000), tmp_path)
    assert len(turns) == 3 + storage.TRIES


def test_arrays_are_what_was_asked_for(tmp_path: Path):
    storage.write_blank(tmp_path / "zeros.npy", (3, 2), np.float16)
    storage.write_blank(tmp_path / "none.npy", (4,), np.float32, np.nan)
    zeros, none = (np.load(tmp_path / f"{name}.npy") for name in ("zeros", "none"))
    assert zeros.dtype == np.float16 and zeros.shape == (3, 2) and not zeros.any()
    assert none.dtype == np.float32 and np.isnan(none).all()


RENAMED: list[tuple[str, bool]] = []  # every rename of this process while it is watched, and whether the file was open
watched = False


def watch(event: str, arguments: tuple) -> None:
    if watched and event == "os.rename":
        source = str(arguments[0])
        mapped = source in Path("/proc/self/maps").read_text("utf-8")
        held = {str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()}
        RENAMED.append((source, mapped or source in held))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="what is mapped is read from /proc")
def test_no_file_is_open_when_it_is_renamed(tmp_path: Path):
    global watched
    sys.addaudithook(watch)
    watched = True
    try:
        open_map = np.lib.format.open_memmap(tmp_path / "open.npy", "w+", np.float32, (4,))
        (tmp_path / "open.npy").replace(tmp_path / "moved.npy")  # what must not be is seen
        assert [each for _, each in RENAMED] == [True]
        del open_map
        RENAMED.clear()
        made = toy.make(tmp_path / "toy", 30, drawn=1)
        store.open_for_writing(made, "direct", toy_maps.BLOCKS)
        toy.explained(made)
        toy.found(made)
    finally:
        watched = False
    names = {Path(source).name.split("-")[0] for source, _ in RENAMED}
    assert {".maps.npy", ".sensitivity.npy", ".store.json", ".analysis.json", ".reference.npz"} <= names
    assert [source for source, was_open in RENAMED if was_open] == []


def test_one_lock_for_threads_and_processes(tmp_path: Path):
    (tmp_path / "count").write_text("0")
    code = (
        "import sys; from pathlib import Path; from asap_core import storage; here = Path(sys.argv[1])\n"
        "for _ in range(50):\n"
        "    with storage.locked(here): (here / 'count').write_text(str(int((here / 'count').read_text()) + 1))"
    )
    others = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT) for _ in range(2)]

    def count() -> None:
        for _ in range(50):
            with storage.locked(tmp_path):
                (tmp_path / "count").write_text(str(int((tmp_path / "count").read_text()) + 1))

    threads = [Thread(target=count) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.wait(60) for each in others] == [0, 0]
    assert (tmp_path / "count").read_text() == "200"


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_modes_are_the_umasks(tmp_path: Path):
    before = os.umask(0o027)
    try:
        storage.write_text(tmp_path / "a", "a")
        with storage.writing_folder(tmp_path / "b"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o750
