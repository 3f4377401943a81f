"""Token maps of an analysis' images, kept as they are made: each is computed once.

    relevance/<method>/maps.npy        (n, T, g, g) float16, of all dimensions and the logit, in their own units
                       remainder.npy   (n, T) float32
                       done.npy        (n,) bool: which images have theirs

Memory-mapped, and readable while a job writes: an image counts as done only when its maps are on disk. Half
precision keeps a number to one part in 2,048. Beside the analysis, which itself never changes; made for one
detector, and begun anew where another is found.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..analysis import Analysis
from ..errors import AnalysisError

LARGEST = float(np.finfo(np.float16).max)
ARRAYS = {"maps": np.float16, "remainder": np.float32, "done": np.bool_}


@dataclass(frozen=True, eq=False)
class RelevanceStore:
    """One method's token maps, memory-mapped; `done` is read anew from disk by every look at it."""

    folder: Path
    maps: NDArray[np.float16]  # (n, T, g, g)
    remainder: NDArray[np.float32]  # (n, T)
    done: NDArray[np.bool_]  # (n,)

    @property
    def missing(self) -> NDArray[np.intp]:
        """Rows without maps."""
        return np.flatnonzero(~self.done)

    def write(self, rows: Sequence[int] | NDArray, maps: NDArray, remainder: NDArray) -> None:
        """Keep some images' maps (m, T, g, g) and remainders (m, T), then count them in."""
        rows = np.asarray(rows)
        self.maps[rows] = np.clip(maps, -LARGEST, LARGEST)
        self.remainder[rows] = remainder
        for array in (self.maps, self.remainder):
            array.flush()  # pyright: ignore
        self.done[rows] = True
        self.done.flush()  # pyright: ignore


def place(made: Analysis, method: str) -> Path:
    """Where an analysis keeps a method's maps."""
    return made.folder / "relevance" / method


def open_for_writing(made: Analysis, method: str) -> RelevanceStore:
    """The store of an analysis' detector, made where there is none; another detector's is thrown away."""
    folder, shape = place(made, method), _shape(made)
    folder.mkdir(parents=True, exist_ok=True)
    key = {"fingerprint": made.fingerprint, "shape": list(shape)}
    if _key(folder) != key:
        (folder / "store.json").unlink(missing_ok=True)
        for name, kind in ARRAYS.items():
            size = {"maps": shape, "remainder": shape[:2], "done": shape[:1]}[name]
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, size).flush()  # zeros: nothing is done
        draft = folder / ".store.json"
        draft.write_text(json.dumps(key), "utf-8")
        draft.replace(folder / "store.json")
    return _opened(folder, "r+")


def read(made: Analysis, method: str) -> RelevanceStore | None:
    """The store, read-only; None where nothing was computed for this detector yet."""
    folder = place(made, method)
    return (
        _opened(folder, "r") if _key(folder) == {"fingerprint": made.fingerprint, "shape": list(_shape(made))} else None
    )


def _opened(folder: Path, mode) -> RelevanceStore:
    try:
        return RelevanceStore(folder, *(np.load(folder / f"{name}.npy", mode, allow_pickle=False) for name in ARRAYS))
    except (OSError, ValueError) as error:
        raise AnalysisError(f"{folder} is damaged ({error}); delete it, and its maps are computed again") from error


def _key(folder: Path) -> dict | None:
    try:
        return json.loads((folder / "store.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _shape(made: Analysis) -> tuple[int, int, int, int]:
    rows, columns = made.info["encoder"]["grid"]
    return made.n, len(made.head) + 1, rows, columns
