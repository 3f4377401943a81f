"""Arrays that grow shard by shard in plain .npy files; whatever kills the writer, finished shards stay.

A shard's rows go to their final place in `NAME.npy.part`; then `done.json`, replaced in one move, counts them
in. So nothing is copied or held twice: 200,000 images x 27,648 columns are 11 GB on disk, and stay 11 GB.
Rows that were written but not counted are written again, with the same bytes (as they are when two processes
are at the same work). A complete array is renamed to `NAME.npy`.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import storage
from ..errors import SettingsError

KIND = np.dtype(np.float16)


class Shards:
    """Float16 arrays of n rows in a folder, and how many rows of them are done."""

    def __init__(self, folder: Path, key: str, rows: int, widths: Mapping[str, int]) -> None:
        """Go on where a writer with the same key stopped; another's rows are thrown away.

        Raise SettingsError where the disk has no room for what is still to come.
        """
        self.folder, self.key, self.rows, self.widths = folder, key, rows, dict(widths)
        folder.mkdir(parents=True, exist_ok=True)
        counted = self._counted()
        self.done, self._earlier = counted or (0, 0.0)
        self._start = time.perf_counter()
        self.fresh = self.done == 0
        self._check_room()
        if counted is None:
            for name in self.widths:
                self._begin(name)
            self._count()

    def write(self, start: int, arrays: Mapping[str, NDArray]) -> None:
        """Write a shard's rows from `start` on, into every array, and count them in."""
        (count,) = {len(array) for array in arrays.values()}
        for name, array in arrays.items():
            assert array.shape[1] == self.widths[name], f"{name}: {array.shape}"
            with self._path(name).open("r+b") as file:
                np.lib.format.read_magic(file)
                np.lib.format.read_array_header_1_0(file)
                file.seek(file.tell() + start * self.widths[name] * KIND.itemsize)
                file.write(np.ascontiguousarray(array, KIND).data)
                file.flush()
                os.fsync(file.fileno())
        self.done = start + count
        self._count()

    @property
    def seconds(self) -> float:
        """Time spent on the rows so far, by all the writers it took; what a kill cost is not in it."""
        return self._earlier + time.perf_counter() - self._start

    def finish(self) -> dict[str, NDArray[np.float16]]:
        """The complete arrays, memory-mapped, read-only."""
        assert self.done == self.rows, f"{self.done} of {self.rows} rows"
        for name in self.widths:
            with contextlib.suppress(FileNotFoundError):  # a second process was faster, or an earlier call
                storage.move(self._part(name), self._file(name))
        return {name: np.load(self._file(name), mmap_mode="r", allow_pickle=False) for name in self.widths}

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

    def _part(self, name: str) -> Path:
        return self.folder / f"{name}.npy.part"

    def _begin(self, name: str) -> None:
        header = {"descr": KIND.str, "fortran_order": False, "shape": (self.rows, self.widths[name])}
        self._file(name).unlink(missing_ok=True)
        with self._part(name).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)

    def _path(self, name: str) -> Path:
        return self._part(name) if self._part(name).exists() else self._file(name)

    def _counted(self) -> tuple[int, float] | None:
        """Rows and seconds that writers with this key counted in; None if there was none, or its arrays are gone."""
        try:
            content = json.loads((self.folder / "done.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        here = all(self._path(name).is_file() for name in self.widths)
        return (content["done"], content["seconds"]) if here and content["key"] == self.key else None

    def _count(self) -> None:
        content = {"key": self.key, "done": self.done, "seconds": self.seconds}
        storage.write_text(self.folder / "done.json", json.dumps(content))

    def _check_room(self) -> None:
        needed = (self.rows - self.done) * sum(self.widths.values()) * KIND.itemsize
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise SettingsError(
                f"the embeddings need {needed / 1e9:.1f} GB in {self.folder}, where {free / 1e9:.1f} GB are "
                "free; make room, or use --layers last or --limit"
            )
