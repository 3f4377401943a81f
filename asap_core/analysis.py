"""Analysis: the finished artefact of a build, and the contract between `asap_core` and `app`.

A folder of `analysis.json` (facts), `rows.json` (what is text, row by row), one `.npy` an array and
`weights.safetensors`. Never changed once finished; arrays are memory-mapped and refuse writing.
"""

import json
import shlex
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import integrity
from .errors import AnalysisError
from .integrity import Broken

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
    "logits": "(n,) float32: verdicts, out-of-fold; > 0 is fake",
    "scores": "(n,) float32: calibrated fakeness, 0 to 1",
    "distilled": "(n, d) float32: by the detector fitted on all images",
    "spell_free": "(n, k) float16",
    "joint": "(n, e) float16: the joint-space embedding, for text and search",
    "content": "(n, 2) float32: positions in the plane of the spell-free vectors, 0 to 1",
    "decision": "(n, 2) float32: positions in the plane of the distilled vectors, 0 to 1",
}
OPTIONAL = {"is_fake"}


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
    def built(self) -> Path:
        """The folder of what the build wrote."""
        return self.folder

    @property
    def derived(self) -> Path:
        """The folder of what can be made again."""
        return self.folder

    @property
    def notes(self) -> Path:
        """The folder of what people wrote."""
        return self.folder / "notes"

    @property
    def again(self) -> str:
        """How what the build wrote is made again, in words."""
        return again(self.folder, self.info)

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

    @cached_property
    def head(self) -> NDArray[np.float32]:
        """The head's weights, (d,)."""
        return np.asarray(self.info["head"]["weights"], np.float32)

    @cached_property
    def contributions(self) -> NDArray[np.float32]:
        """What each dimension adds to each verdict, (n, d)."""
        return self.contribution(self.distilled)

    def contribution(self, distilled: NDArray) -> NDArray[np.float32]:
        """What each dimension of distilled vectors (..., d) adds, logit units: w_j (d_ij - mean real d_j)."""
        real_mean = np.asarray(self.info["head"]["real_mean"], np.float32)
        return (self.head * (distilled - real_mean)).astype(np.float32, copy=False)

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
        facts = {"version": VERSION, **info, "files": integrity.digests(draft)}
        (draft / "analysis.json").write_text(integrity.seal(facts), "utf-8")
        draft.chmod(0o755)  # mkdtemp made it private
        _replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load(folder: Path) -> Analysis:
    """Open a saved analysis; raise AnalysisError where it is missing, damaged or of another version.

    Small files are held against their checksums; `damage` does so with the large ones.
    """
    info = facts(folder)
    try:
        rows = json.loads((folder / "rows.json").read_text("utf-8"))
        paths, metadata = list(rows["paths"]), dict(rows["metadata"])
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ARRAYS
            if name not in OPTIONAL or f"{name}.npy" in info["files"]
        }
    except Exception as error:  # whatever numpy and json say of a damaged file, it means one thing
        _refuse_damage(folder, info)  # names it
        raise AnalysisError(f"{folder} is damaged ({error}); {again(folder, info)}") from error
    short = [name for name, array in arrays.items() if len(array) != len(paths)]
    if short:
        said = f"not one row an image in {', '.join(short)}"
        raise AnalysisError(f"{folder} is damaged: {said}; {again(folder, info)}")
    _refuse_damage(folder, info)
    return Analysis(folder, info, paths, metadata, arrays)


def facts(folder: Path) -> dict[str, Any]:
    """`analysis.json`, verified; raise AnalysisError as `load` does."""
    file = folder / "analysis.json"
    try:
        text = file.read_text("utf-8")
        info = json.loads(text)
        if not isinstance(info, dict) or info.get("version") != VERSION:
            found = info.get("version") if isinstance(info, dict) else "none"
            raise AnalysisError(f"{folder} is of version {found}, expected {VERSION}; {again(folder)}")
        return integrity.unseal(text)
    except (FileNotFoundError, NotADirectoryError):
        raise AnalysisError(
            f"no analysis in {folder}: expected a folder with analysis.json; "
            f"make one with 'python run.py build SOURCE --out {folder}'"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise AnalysisError(f"{file} is damaged and cannot be read ({error}); {again(folder)}") from error


def damage(made: Analysis) -> list[Broken]:
    """What of the files that a build wrote is not as it was, the large ones too."""
    return list(integrity.broken(made.built, made.info["files"], made.again))


def content(folder: Path, name: str) -> bytes:
    """The bytes of a file that the build of the analysis in `folder` wrote; AnalysisError where it is damaged."""
    made = Analysis(folder, facts(folder), (), {}, {})
    for each in integrity.broken(made.built, {name: made.info["files"].get(name, "none")}, made.again):
        raise AnalysisError(str(each))
    return (made.built / name).read_bytes()


def _refuse_damage(folder: Path, info: Mapping[str, Any]) -> None:
    for each in integrity.broken(folder, info["files"], again(folder, info), integrity.is_small):
        raise AnalysisError(str(each))


def again(folder: Path, info: Mapping[str, Any] | None = None) -> str:
    """How the analysis in `folder` is built again, in words, by what its facts say of it."""
    how = (info or {}).get("command", "build SOURCE")
    return f"build it again: python run.py {how} --out {shlex.quote(str(folder))}"


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
