"""Token maps of an analysis' images, kept as they are made: each is computed once.

    relevance/<method>/maps.npy         (n, T, g, g) float16, of all dimensions and the logit, in their own units
                       remainder.npy    (n, T) float32
                       profile.npy      (n, T, blocks) float16: what of a map comes from which block
                       box.npy          (n, 4) float32: what the encoder sees of the original, in its pixels
                       sensitivity.npy  (n,) float32: see `maps.Maps.sensitivity`; nan where it is not known
                       done.npy         (n,) bool: which images have their maps
                       reference.npz    what is ordinary in real images, once that is known; see `maps`

Below `Analysis.derived`. Memory-mapped, and readable while a job writes: an image counts as done only when its maps
are on disk. Half precision keeps a number to one part in 2,048. Made for one detector, and begun anew where another
is found, or an older version's.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import storage
from ..analysis import Analysis
from ..errors import AnalysisError

VERSION = 3
LARGEST = float(np.finfo(np.float16).max)
ARRAYS = {
    "maps": np.float16,
    "remainder": np.float32,
    "profile": np.float16,
    "box": np.float32,
    "sensitivity": np.float32,
    "done": np.bool_,
}
REFERENCE = "reference.npz"


@dataclass(frozen=True, eq=False)
class RelevanceStore:
    """One method's token maps, memory-mapped; `done` is read anew from disk by every look at it."""

    folder: Path
    maps: NDArray[np.float16]  # (n, T, g, g)
    remainder: NDArray[np.float32]  # (n, T)
    profile: NDArray[np.float16]  # (n, T, blocks)
    box: NDArray[np.float32]  # (n, 4) left, top, right, bottom; beyond the image where it was padded
    sensitivity: NDArray[np.float32]  # (n,) logits, nan where unknown
    done: NDArray[np.bool_]  # (n,)

    def write(
        self, rows: Sequence[int] | NDArray, maps: NDArray, remainder: NDArray, profile: NDArray, box: NDArray
    ) -> None:
        """Keep some images' maps (m, T, g, g), remainders (m, T), profiles (m, T, blocks) and boxes (m, 4), then
        count them in."""
        rows = np.asarray(rows)
        self.maps[rows] = np.clip(maps, -LARGEST, LARGEST)
        self.remainder[rows] = remainder
        self.profile[rows] = np.clip(profile, -LARGEST, LARGEST)
        self.box[rows] = box
        for array in (self.maps, self.remainder, self.profile, self.box):
            array.flush()  # pyright: ignore
        self.done[rows] = True
        self.done.flush()  # pyright: ignore

    def weigh(self, rows: Sequence[int] | NDArray, sensitivity: NDArray) -> None:
        """Keep some images' sensitivities (m,)."""
        self.sensitivity[np.asarray(rows)] = sensitivity
        self.sensitivity.flush()  # pyright: ignore


def place(made: Analysis, method: str) -> Path:
    """Where an analysis keeps a method's maps."""
    return made.derived / "relevance" / method


def open_for_writing(made: Analysis, method: str, blocks: int) -> RelevanceStore:
    """The store of an analysis' detector, made where there is none; another detector's is thrown away."""
    folder, key = place(made, method), _wanted(made)
    if _key(folder) != key:
        with storage.locked(folder):
            if _key(folder) != key:  # nobody was faster
                _begin(folder, key, blocks)
    return _opened(folder, "r+")


def _begin(folder: Path, key: dict[str, Any], blocks: int) -> None:
    """Arrays of images of which none is done; whoever reads older ones keeps reading those."""
    for name in ("store.json", REFERENCE):
        (folder / name).unlink(missing_ok=True)
    for draft in folder.glob(".*.npy-*"):  # of somebody who was killed
        storage.remove(draft)
    n, targets, *_ = shape = tuple(key["shape"])
    sizes = {"maps": shape, "profile": (n, targets, blocks), "remainder": (n, targets), "box": (n, 4)}
    for name, kind in ARRAYS.items():
        blank = np.nan if name == "sensitivity" else 0
        storage.write_blank(folder / f"{name}.npy", sizes.get(name, (n,)), kind, blank)
    storage.write_text(folder / "store.json", json.dumps(key))


def read(made: Analysis, method: str) -> RelevanceStore | None:
    """The store, read-only; None where nothing was computed for this detector yet."""
    folder = place(made, method)
    return _opened(folder, "r") if _key(folder) == _wanted(made) else None


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


def _wanted(made: Analysis) -> dict[str, Any]:
    rows, columns = made.info["encoder"]["grid"]
    return {"version": VERSION, "fingerprint": made.fingerprint, "shape": [made.n, len(made.head) + 1, rows, columns]}
