"""Shards: what is counted in stays, what is not is written again, and another's rows are never taken."""

from pathlib import Path

import numpy as np
import pytest

from asap_core.errors import SettingsError
from asap_core.learning.shards import Shards

WIDTHS = {"joint": 3, "reading": 5}


def rows(start: int, end: int) -> dict[str, np.ndarray]:
    return {
        name: np.arange(start * width, end * width, dtype=np.float16).reshape(-1, width)
        for name, width in WIDTHS.items()
    }


def test_arrays_are_plain_read_only_files_without_remains(tmp_path: Path):
    shards = Shards(tmp_path, "key", 10, WIDTHS)
    for start in (0, 4, 8):
        shards.write(start, rows(start, min(start + 4, 10)))
    arrays = shards.finish()
    for name, expected in rows(0, 10).items():
        np.testing.assert_array_equal(np.load(tmp_path / f"{name}.npy"), expected)
        np.testing.assert_array_equal(arrays[name], expected)
        assert isinstance(arrays[name], np.memmap) and not arrays[name].flags.writeable
    assert sorted(file.name for file in tmp_path.iterdir()) == ["done.json", "joint.npy", "reading.npy"]
    again = Shards(tmp_path, "key", 10, WIDTHS)
    assert again.done == 10
    np.testing.assert_array_equal(again.finish()["joint"], rows(0, 10)["joint"])


def test_rows_that_were_written_but_not_counted_are_written_again(tmp_path: Path):
    Shards(tmp_path, "key", 10, WIDTHS).write(0, rows(0, 4))
    with (tmp_path / "joint.npy.part").open("ab") as file:
        file.write(b"torn")
    shards = Shards(tmp_path, "key", 10, WIDTHS)
    assert shards.done == 4
    shards.write(4, rows(4, 10))
    np.testing.assert_array_equal(shards.finish()["joint"], rows(0, 10)["joint"])


@pytest.mark.parametrize("damage", ["key", "journal", "array"])
def test_what_cannot_be_gone_on_with_is_begun_anew(tmp_path: Path, damage: str):
    Shards(tmp_path, "key", 10, WIDTHS).write(0, rows(0, 4))
    if damage == "journal":
        (tmp_path / "done.json").write_text('{"key": "ke')
    if damage == "array":
        (tmp_path / "reading.npy.part").unlink()
    assert Shards(tmp_path, "another" if damage == "key" else "key", 10, WIDTHS).done == 0


def test_two_at_the_same_work_do_not_harm_each_other(tmp_path: Path):
    one, two = (Shards(tmp_path, "key", 10, WIDTHS) for _ in range(2))
    one.write(0, rows(0, 4))
    two.write(0, rows(0, 4))
    one.write(4, rows(4, 10))
    finished = one.finish()
    two.write(4, rows(4, 10))
    for arrays in (finished, two.finish()):
        np.testing.assert_array_equal(arrays["reading"], rows(0, 10)["reading"])


def test_a_full_disk_is_said_before_anything_is_computed(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"GB in .* make room"):
        Shards(tmp_path, "key", 10**9, {"joint": 10**6})
