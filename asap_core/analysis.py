"""Analysis: the finished artefact of a build, and the contract between `asap_core` and `app`.

A folder of `analysis.json` (facts), `rows.json` (what is text, row by row), one `.npy` an array and
`weights.safetensors`. Never changed once finished; arrays are memory-mapped and refuse writing.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import AnalysisError

VERSION = 2
PLANES = ("content", "decision")

# Every array an analysis holds. n images, k spell-free width, d dimensions, e width of the joint embedding.
ARRAYS = {
    "is_fake": "(n,) bool: the truth; absent where the images are unlabelled",
    "generator": "(n,) int32: into info['generators']",
    "category": "(n,) int32: into info['categories']",
    "split": "(n,) int32: into info['splits']",
    "size": "(n, 2) int32: width, height in pixels, upright",
    "group": "(n,) int64: images that share a number are duplicates or near-duplicates",
    "fold": "(n,) int16: the image's fold, whose head judged it unseen; absent where the mean head judged all",
    "logits": "(n,) float32: verdicts, out-of-fold; > 0 is fake",
    "scores": "(n,) float32: calibrated fakeness, 0 to 1",
    "distilled": "(n, d) float32: the dimensions, which all heads read",
    "spell_free": "(n, k) float16",
    "joint": "(n, e) float16: the joint-space embedding, for text and search",
    "content": "(n, 2) float32: positions in the plane of the spell-free vectors, 0 to 1",
    "decision": "(n, 2) float32: positions in the plane of the distilled vectors, 0 to 1",
}
OPTIONAL = {"is_fake", "fold"}


@dataclass(frozen=True)
class Analysis:
    """An analysis on disk, opened read-only.

    `info` is `analysis.json`; its keys are listed in `asap_core/pipeline.py`, which writes them.
    """

    folder: Path
    info: Mapping[str, Any]
    paths: Sequence[str]  # (n,) relative to root, or absolute
    metadata: Mapping[str, Sequence]  # further columns of a manifest, each (n,)
    arrays: Mapping[str, NDArray]

    @property
    def fingerprint(self) -> str:
        return self.info["fingerprint"]

    @property
    def root(self) -> Path:
        return Path(self.info["root"])

    @property
    def n(self) -> int:
        return len(self.paths)

    @property
    def is_fake(self) -> NDArray[np.bool_] | None:
        return self.arrays.get("is_fake")

    @property
    def logits(self) -> NDArray[np.float32]:
        return self.arrays["logits"]

    @property
    def scores(self) -> NDArray[np.float32]:
        return self.arrays["scores"]

    @property
    def distilled(self) -> NDArray[np.float32]:
        return self.arrays["distilled"]

    @property
    def fold(self) -> NDArray[np.int16] | None:
        """The fold of each image, (n,); None where the mean head judged them all."""
        return self.arrays.get("fold")

    @cached_property
    def heads(self) -> NDArray[np.float32]:
        """The weights of every fold's head, (folds, d)."""
        return np.asarray(self.info["head"]["weights"], np.float32)

    @cached_property
    def head(self) -> NDArray[np.float32]:
        """The mean head's weights, (d,): it judges new images."""
        return np.asarray(self.heads.mean(0), np.float32)

    def folds_of(self, rows: Sequence[int] | NDArray) -> NDArray[np.int16] | None:
        """The folds of some images, (m,), as a detector judges them by; None where the mean head does."""
        return None if self.fold is None else self.fold[np.asarray(rows, np.intp)]

    def judging(self, rows: Sequence[int] | NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weights (m, d) and offsets (m,) of the heads that judged some images: logit = weights . d + offset."""
        folds = self.folds_of(rows)
        if folds is None:
            return np.tile(self.head, (len(rows), 1)), np.full(len(rows), self._offsets.mean(), np.float32)
        return np.take(self.heads, folds, axis=0), np.take(self._offsets, folds)

    @cached_property
    def contributions(self) -> NDArray[np.float32]:
        """What each dimension adds to each verdict, (n, d), in logits: w_j (d_ij - mean real d_j), w of the head that
        judged the image. With `constants` they sum to `logits`."""
        return np.asarray(self.judging(np.arange(self.n))[0] * (self.distilled - self._real_mean), np.float32)

    @cached_property
    def constants(self) -> NDArray[np.float32]:
        """What contributions leave of each verdict, (n,): what the image's head says of the mean real image."""
        weights, offsets = self.judging(np.arange(self.n))
        return np.asarray(offsets + weights @ self._real_mean, np.float32)

    @cached_property
    def _offsets(self) -> NDArray[np.float32]:
        return np.asarray(self.info["head"]["offsets"], np.float32)

    @cached_property
    def _real_mean(self) -> NDArray[np.float32]:
        return np.asarray(self.info["head"]["real_mean"], np.float32)

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """What the build measured: accuracy and AUC with intervals, counts, stages (`summary.json`)."""
        return json.loads((self.folder / "summary.json").read_text("utf-8"))

    @cached_property
    def levels(self) -> Mapping[str, tuple[list[str], NDArray[np.int64]]]:
        """Of each metadata column its distinct values, as text, and which of them each image has (n,)."""
        found = {}
        for column, values in self.metadata.items():
            names, codes = np.unique(np.asarray([str(value) for value in values]), return_inverse=True)
            found[column] = names.tolist(), codes
        return found

    @cached_property
    def texts(self) -> Sequence[str]:
        """What is written of each image, (n,), for searching: its path and metadata, case folded."""
        columns = [self.paths, *self.metadata.values()]
        return ["\n".join(map(str, each)).casefold() for each in zip(*columns, strict=True)]

    def positions(self, plane: str) -> NDArray[np.float32]:
        """Where the images lie in the content or the decision plane, (n, 2), each 0 to 1."""
        return self.arrays[plane]

    def path(self, row: int) -> Path:
        """The file of one image."""
        return self.root / self.paths[row]


def save(
    folder: Path,
    info: Mapping[str, Any],
    paths: Sequence[str],
    metadata: Mapping[str, Sequence],
    arrays: Mapping[str, NDArray],
    weights: bytes,
    summary: Mapping[str, Any],
) -> None:
    """Write an analysis whole or not at all: into a hidden sibling, then renamed.

    `weights` is a safetensors file's content. An analysis that stood at `folder` is replaced; anything
    else there raises AnalysisError.
    """
    assert set(ARRAYS) - OPTIONAL <= set(arrays) <= set(ARRAYS), f"not the contract's arrays: {set(arrays)}"
    folder = folder.absolute()
    refuse_foreign(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, array in arrays.items():
            np.save(draft / f"{name}.npy", array, allow_pickle=False)
        (draft / "weights.safetensors").write_bytes(weights)
        _write_json(draft / "rows.json", {"paths": list(paths), "metadata": dict(metadata)})
        _write_json(draft / "summary.json", summary)
        _write_json(draft / "analysis.json", {"version": VERSION, **info})
        draft.chmod(0o755)  # mkdtemp made it private
        _replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load(folder: Path) -> Analysis:
    """Open a saved analysis; raise AnalysisError where it is missing, damaged or of another version."""
    try:
        info = json.loads((folder / "analysis.json").read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise AnalysisError(
            f"no analysis in {folder}: expected a folder with analysis.json; "
            f"make one with 'python run.py build SOURCE --out {folder}'"
        ) from None
    except (OSError, ValueError) as error:
        raise AnalysisError(f"{folder / 'analysis.json'} cannot be read ({error}); build it again") from error
    if not isinstance(info, dict) or info.get("version") != VERSION:
        found = info.get("version") if isinstance(info, dict) else "none"
        raise AnalysisError(f"{folder} is of version {found}, expected {VERSION}; build it again")
    try:
        rows = json.loads((folder / "rows.json").read_text("utf-8"))
        paths, metadata = list(rows["paths"]), dict(rows["metadata"])
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ARRAYS
            if name not in OPTIONAL or (folder / f"{name}.npy").exists()
        }
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise AnalysisError(f"{folder} is damaged ({error}); build it again") from error
    short = [name for name, array in arrays.items() if len(array) != len(paths)]
    if short:
        raise AnalysisError(f"{folder} is damaged: not one row an image in {', '.join(short)}; build it again")
    return Analysis(folder, info, paths, metadata, arrays)


def refuse_foreign(folder: Path) -> None:
    """Raise AnalysisError unless `folder` is free, empty or an analysis: nothing else is overwritten."""
    if folder.is_dir() and (not any(folder.iterdir()) or (folder / "analysis.json").is_file()):
        return
    if folder.exists():
        raise AnalysisError(
            f"{folder} exists and is not an analysis: nothing was written; name a new or empty folder with --out"
        )


def _replace(draft: Path, folder: Path) -> None:
    old = draft.with_name(draft.name + "-old")
    if folder.exists():
        folder.replace(old)
    draft.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False), "utf-8")
