"""Token maps of an analysis' images, kept as they are made: each is computed once.

    relevance/<method>/maps.npy         (n, T, g, g) float16, of all dimensions and the logit, in their own units
                       remainder.npy    (n, T) float32
                       profile.npy      (n, T, blocks) float16: what of a map comes from which block
                       box.npy          (n, 4) float32: what the encoder sees of the original, in its pixels
                       check.npy        (n,) uint32: the checksum of a row of these; 0 where it is not done
                       sensitivity.npy  (n,) value float32, check uint32: see `maps.Maps.sensitivity`
                       reference.npz    what is ordinary in real images, once that is known; see `maps`

Memory-mapped, and readable while a job writes: an image is done when its checksum is there, which is written last, in
one piece. So a kill leaves a row done and right, or not done; and a row that changed later is noticed when it is read.
Half precision keeps a number to one part in 2,048. Below `Analysis.derived`; made for one
detector, and begun anew where another is found, or an older version's.
"""

import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import integrity, storage
from ..analysis import Analysis
from ..errors import AnalysisError

VERSION = 4
LARGEST = float(np.finfo(np.float16).max)
ARRAYS = {
    "maps": np.float16,
    "remainder": np.float32,
    "profile": np.float16,
    "box": np.float32,
    "check": np.uint32,
    "sensitivity": np.dtype([("value", np.float32), ("check", np.uint32)]),  # one word: written in one piece
}
UNFIT = "checksums that do not fit"
MEND = "delete it, and its maps are computed again when they are looked at"
REFERENCE = "reference.npz"


@dataclass(frozen=True, eq=False)
class RelevanceStore:
    """One method's token maps, memory-mapped; `done` is read anew from disk by every look at it."""

    folder: Path
    maps: NDArray[np.float16]  # (n, T, g, g)
    remainder: NDArray[np.float32]  # (n, T)
    profile: NDArray[np.float16]  # (n, T, blocks)
    box: NDArray[np.float32]  # (n, 4) left, top, right, bottom; beyond the image where it was padded
    check: NDArray[np.uint32]  # (n,) see `_checksum`
    weighed: NDArray  # (n,) sensitivities with their checksums

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which rows have their maps, (n,)."""
        return self.check != 0

    @property
    def sensitivity(self) -> NDArray[np.float32]:
        """Each row's, in logits, (n,), nan where it is unknown; AnalysisError where one is damaged."""
        now = np.array(self.weighed)
        if len(wrong := _misweighed(now)):
            raise self._damage("sensitivity", wrong)
        return np.where(now["check"] != 0, now["value"], np.float32(np.nan))

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
        self.check[rows] = [self._checksum(row) for row in rows.tolist()]
        self.check.flush()  # pyright: ignore

    def weigh(self, rows: Sequence[int] | NDArray, sensitivity: NDArray) -> None:
        """Keep some images' sensitivities (m,)."""
        rows = np.asarray(rows)
        kept = np.empty(len(rows), self.weighed.dtype)
        kept["value"] = sensitivity
        kept["check"] = _mixed(kept["value"], rows)
        self.weighed[rows] = kept
        self.weighed.flush()  # pyright: ignore

    def verify(self, rows: Sequence[int] | NDArray) -> None:
        """Raise AnalysisError unless rows that are done are as they were written; each is looked at once."""
        fresh = [row for row in np.asarray(rows).ravel().tolist() if not self._verified[row]]
        if wrong := [row for row in fresh if self.check[row] != self._checksum(row)]:
            raise self._damage("maps", wrong)
        self._verified[fresh] = True

    def inspect(self, then: Callable[[int], None] = lambda row: None) -> Iterator[tuple[str, str]]:
        """Which rows are broken: the name of a file, and how; `then` is told each row that was looked at."""
        wrong, odd = [], []
        for row in np.flatnonzero(self.done).tolist():
            if self.check[row] != self._checksum(row):
                wrong.append(row)
            elif not all(np.isfinite(array[row]).all() for array in self._rows):
                odd.append(row)
            then(row)
        if wrong:
            yield "maps.npy", f"{UNFIT} (or profile, remainder, box, check), {_listed(wrong)}"
        if odd:
            yield "maps.npy", f"numbers that are not finite (or profile, remainder, box), {_listed(odd)}"
        if len(rows := _misweighed(np.array(self.weighed))):
            yield "sensitivity.npy", f"{UNFIT}, {_listed(rows)}"

    @property
    def _rows(self) -> tuple[NDArray, ...]:
        return self.maps, self.remainder, self.profile, self.box

    @cached_property
    def _verified(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.check), np.bool_)

    def _checksum(self, row: int) -> int:
        """CRC-32 of a row of all arrays and its number; never 0."""
        found = zlib.crc32(row.to_bytes(8, "little"))
        for array in self._rows:
            found = zlib.crc32(array[row].tobytes(), found)
        return found or 1

    def _damage(self, name: str, rows: Sequence[int] | NDArray) -> AnalysisError:
        return AnalysisError(f"{self.folder} is damaged ({name}.npy: {UNFIT}, {_listed(rows)}); {MEND}")


def _mixed(values: NDArray[np.float32], rows: NDArray) -> NDArray[np.uint32]:
    """A checksum of each value (m,) and its row, never 0: every bit of it moves half of the bits (murmur's mixer)."""
    mixed = np.ascontiguousarray(values, np.float32).view(np.uint32) ^ (rows.astype(np.uint32) * np.uint32(0x9E3779B1))
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
    return np.maximum(mixed ^ (mixed >> np.uint32(16)), np.uint32(1))


def _misweighed(weighed: NDArray) -> NDArray[np.intp]:
    """Rows whose sensitivity does not fit its checksum; where it is unknown, both are 0."""
    known = weighed["check"] != 0
    fits = np.where(known, weighed["check"] == _mixed(weighed["value"], np.arange(len(weighed))), True)
    return np.flatnonzero(~fits)


def _header(array: NDArray) -> bytes:
    """What an array's file begins with."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
    return stream.getvalue()


def _listed(rows: Sequence[int] | NDArray) -> str:
    shown = ", ".join(map(str, rows[:5]))
    return f"row {shown}" if len(rows) == 1 else f"rows {shown}{', …' if len(rows) > 5 else ''} ({len(rows):,})"


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
        storage.write_blank(folder / f"{name}.npy", sizes.get(name, (n,)), kind)
    storage.write_text(folder / "store.json", integrity.seal(key))


def read(made: Analysis, method: str) -> RelevanceStore | None:
    """The store, read-only; None where nothing was computed for this detector yet."""
    folder = place(made, method)
    return _opened(folder, "r") if _key(folder) == _wanted(made) else None


def inspect(folder: Path, then: Callable[[int], None] = lambda row: None) -> Iterator[tuple[str, str]]:
    """What is broken in a store: the name of a file, and how. Nothing is where another version wrote it."""
    try:
        key = _key(folder)
    except AnalysisError:
        yield "store.json", "a checksum that does not fit"
        return
    if key is None or key["version"] != VERSION:
        return
    arrays = []
    for name, kind in ARRAYS.items():
        file = folder / f"{name}.npy"
        try:
            arrays.append(_array(file, kind, "r"))
        except Exception as error:  # whatever numpy says of a damaged head
            yield file.name, str(error)
            continue
        with file.open("rb") as stream:
            if stream.read(len(_header(arrays[-1]))) != _header(arrays[-1]):
                yield file.name, "another head than was written"
    if len(arrays) == len(ARRAYS) and not _fits(arrays, key["shape"]):
        yield "maps.npy", f"shapes {', '.join(str(array.shape) for array in arrays)} for {key['shape']}"
    elif len(arrays) == len(ARRAYS):
        yield from RelevanceStore(folder, *arrays).inspect(then)


def _fits(arrays: Sequence[NDArray], shape: Sequence[int]) -> bool:
    return list(arrays[0].shape) == shape and all(len(array) == shape[0] for array in arrays)


def _opened(folder: Path, mode) -> RelevanceStore:
    try:
        return RelevanceStore(folder, *(_array(folder / f"{name}.npy", kind, mode) for name, kind in ARRAYS.items()))
    except Exception as error:  # whatever numpy says of a damaged head
        raise AnalysisError(f"{folder} is damaged ({error}); {MEND}") from error


def _array(file: Path, kind: Any, mode) -> NDArray:
    array = np.load(file, mode, allow_pickle=False)
    size = file.stat().st_size - len(_header(array))
    if array.dtype != np.dtype(kind) or array.nbytes != size:
        raise ValueError(
            f"{file.name}: {size} bytes of {array.dtype} {array.shape}, expected {array.nbytes} of {np.dtype(kind)}"
        )
    return array


def _key(folder: Path) -> dict | None:
    """What a store was made for; None where there is none. AnalysisError where that is damaged."""
    try:
        text = (folder / "store.json").read_text("utf-8", "replace")
    except OSError:
        return None
    try:
        return integrity.unseal(text)
    except ValueError as error:
        if _is_older(text):
            return None
        raise AnalysisError(f"{folder / 'store.json'} is damaged ({error}); {MEND}") from error


def _is_older(text: str) -> bool:
    """Whether a version wrote this that knew no checksums."""
    try:
        return json.loads(text).get("version", 0) < VERSION and integrity.CHECKSUM not in text
    except (ValueError, AttributeError, TypeError):
        return False


def _wanted(made: Analysis) -> dict[str, Any]:
    rows, columns = made.info["encoder"]["grid"]
    return {"version": VERSION, "fingerprint": made.fingerprint, "shape": [made.n, len(made.head) + 1, rows, columns]}
