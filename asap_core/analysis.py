"""Analysis: the finished artefact of a build, and the contract between `asap_core` and `app`.

    DIR/analysis.json            facts, and which build stands here: replacing this file replaces the analysis
        summary.json             a copy for other programs
        builds/<id>/             what a build made, never changed: rows.json, one .npy an array, weights.safetensors,
                                 summary.json, analysis.json
        derived/<fingerprint>/   what can be made again: maps, patterns, texts, faithfulness
        notes/                   what people wrote, unless it is kept elsewhere: see `notes`

The build that stood here before stays until the next one is saved: who has it open goes on with it. Arrays are
memory-mapped and refuse writing.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import analysis_folder, integrity, renewal, storage
from .analysis_folder import BUILDS, DERIVED, FACTS, NOTES, SUMMARY, VERSION, refuse_foreign
from .errors import AnalysisError
from .integrity import Broken

PLANES = ("content", "decision")

# Every array an analysis holds. n images, k spell-free width, d dimensions, e width of the joint embedding.
ARRAYS = {
    "is_fake": "(n,) bool: the truth; absent where the images are unlabelled",
    "generator": "(n,) int32: into info['generators']",
    "category": "(n,) int32: into info['categories']",
    "split": "(n,) int32: into info['splits']",
    "size": "(n, 2) int32: width, height in pixels, upright",
    "digest": "(n, 32) uint8: sha256 of the file's content",
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
    summary: Mapping[str, Any] = field(default_factory=dict)  # what the build measured: `summary.json`

    @property
    def built(self) -> Path:
        """The folder of what the build made; `load` opens it as this very build, also when a newer one stands here."""
        return self.folder / BUILDS / self.info["build"]

    @property
    def derived(self) -> Path:
        """The folder of what can be made again from this build."""
        return self.folder / DERIVED / self.fingerprint

    @property
    def notes(self) -> Path:
        """The folder of what people wrote."""
        return Path(self.info.get("notes_folder") or self.folder / NOTES)

    @property
    def fingerprint(self) -> str:
        return self.info["fingerprint"]

    @property
    def again(self) -> str:
        """How what the build wrote is made again, in words."""
        return renewal.again(self.folder, self.info)

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

    @cached_property
    def by_content(self) -> Mapping[bytes, list[int]]:
        """The rows of each content, by its sha256; several are exact copies."""
        found: dict[bytes, list[int]] = {}
        for row, digest in enumerate(np.asarray(self.arrays["digest"])):
            found.setdefault(digest.tobytes(), []).append(row)
        return found

    @cached_property
    def by_path(self) -> Mapping[str, list[int]]:
        """The rows of each path; a catalogue has each once."""
        found: dict[str, list[int]] = {}
        for row, path in enumerate(self.paths):
            found.setdefault(path, []).append(row)
        return found

    @cached_property
    def marks(self) -> NDArray[np.uint64]:
        """What stands for each image's content and for its path, (n, 2)."""
        return marks(np.asarray(self.arrays["digest"]), self.paths)

    def positions(self, plane: str) -> NDArray[np.float32]:
        """Where the images lie in the content or the decision plane, (n, 2), each 0 to 1."""
        return self.arrays[plane]

    def path(self, row: int) -> Path:
        """The file of one image."""
        return self.root / self.paths[row]


def marks(digests: NDArray[np.uint8], paths: Sequence[str]) -> NDArray[np.uint64]:
    """What stands for contents (n, 32) and paths (n,), (n, 2)."""
    named = b"".join(hashlib.blake2b(path.encode(), digest_size=8).digest() for path in paths)
    return np.stack([digests[:, :8].copy().view(np.uint64)[:, 0], np.frombuffer(named, np.uint64)], 1)


def save(
    folder: Path,
    info: Mapping[str, Any],
    paths: Sequence[str],
    metadata: Mapping[str, Sequence],
    arrays: Mapping[str, NDArray],
    weights: bytes,
    summary: Mapping[str, Any],
    before: Callable[[Analysis], None] | None = None,
) -> None:
    """Write an analysis whole or not at all: at every instant `load` finds the one that stood here, or this one.

    `weights` is a safetensors file's content. `before` sees the new analysis before it takes the old one's place, and
    takes over what people wrote beside one of version 1. What is no analysis is not replaced: AnalysisError.
    """
    assert set(ARRAYS) - OPTIONAL <= set(arrays) <= set(ARRAYS), f"not the contract's arrays: {set(arrays)}"
    rows = {"paths": list(paths), "metadata": dict(metadata)}
    texts = {"rows.json": _json(rows), SUMMARY: _json(summary), FACTS: _json(info)}  # before anything is written
    folder = folder.absolute()
    refuse_foreign(folder)
    with storage.locked(folder):
        old, build = analysis_folder.stands(folder), storage.unique()
        draft = folder / BUILDS / build
        try:
            draft.mkdir(parents=True)
            for name, array in arrays.items():
                storage.write_array(draft / f"{name}.npy", array)
            storage.write_bytes(draft / "weights.safetensors", weights)
            for name in ("rows.json", SUMMARY):
                storage.write_text(draft / name, texts[name])
            facts = {**info, "version": VERSION, "build": build, "files": integrity.digests(draft)}
            analysis_folder.keep_facts(draft, facts)
            if before is not None:
                before(load(draft))
            analysis_folder.keep_facts(folder, facts)
        except BaseException:
            if analysis_folder.stands(folder).get("build") != build:
                storage.remove(draft)
            raise
        publish(Analysis(folder, facts, paths, metadata, {}))
        analysis_folder.tidy(folder, (facts, old), [f"{name}.npy" for name in ARRAYS] if before else None)


def load(folder: Path) -> Analysis:
    """Open a saved analysis, or (`Analysis.built`) one build of it.

    Small files are held against their checksums; `damage` does so with the large ones. AnalysisError where it is
    missing, damaged or of another version.
    """
    made = outline(folder)
    home, info = made.folder, made.info
    try:
        return _opened(made)
    except AnalysisError:
        if home is folder and analysis_folder.stands(folder).get("build") not in (None, info["build"]):
            return load(folder)  # it was replaced meanwhile
        raise


def outline(folder: Path) -> Analysis:
    """An analysis, or one build of it, of which nothing is opened but its facts."""
    info = analysis_folder.facts(folder)
    return Analysis(folder.parent.parent if analysis_folder.is_build(folder) else folder, info, (), {}, {})


def _opened(made: Analysis) -> Analysis:
    built, info = made.built, made.info
    try:
        rows = json.loads((built / "rows.json").read_text("utf-8"))
        paths, metadata = list(rows["paths"]), dict(rows["metadata"])
        summary = json.loads((built / SUMMARY).read_text("utf-8"))  # now: the build may be gone when it is asked for
        arrays = {
            name: np.load(built / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ARRAYS
            if name not in OPTIONAL or f"{name}.npy" in info["files"]
        }
    except Exception as error:  # whatever numpy and json say of a damaged file, it means one thing
        _refuse_damage(made)  # names it
        raise AnalysisError(f"{made.folder} is damaged ({error}); {made.again}") from error
    short = [name for name, array in arrays.items() if len(array) != len(paths)]
    if short:
        said = f"not one row an image in {', '.join(short)}"
        raise AnalysisError(f"{made.folder} is damaged: {said}; {made.again}")
    _refuse_damage(made)
    return replace(made, paths=paths, metadata=metadata, arrays=arrays, summary=summary)


def _refuse_damage(made: Analysis) -> None:
    for each in integrity.broken(made.built, made.info["files"], made.again, integrity.is_small):
        raise AnalysisError(str(each))


def damage(made: Analysis) -> list[Broken]:
    """What of the files that a build wrote is not as it was, the large ones too."""
    return list(integrity.broken(made.built, made.info["files"], made.again))


def content(folder: Path, name: str) -> bytes:
    """The bytes of a file that a build wrote, of an analysis or one build of it; AnalysisError where it is damaged."""
    made = outline(folder)
    for each in integrity.broken(made.built, {name: made.info["files"][name]}, made.again):
        raise AnalysisError(str(each))
    return (made.built / name).read_bytes()


def publish(made: Analysis) -> None:
    """Copy the summary to where other programs look for it, unless it is there."""
    copy, own = made.folder / SUMMARY, (made.built / SUMMARY).read_bytes()
    if not copy.is_file() or copy.read_bytes() != own:
        storage.write_bytes(copy, own)


def is_replaced(made: Analysis) -> bool:
    """Whether another build stands now where this one was opened."""
    return analysis_folder.stands(made.folder).get("build") not in (None, made.info["build"])


def keep_notes_in(made: Analysis, place: Path | None) -> None:
    """Say that the notes of an analysis are in another folder from now on; None: in its own."""
    with storage.locked(made.folder):
        for folder in (made.built, made.folder):
            facts = analysis_folder.stands(folder)
            if facts.get("build") == made.info["build"]:
                analysis_folder.keep_facts(folder, facts | {"notes_folder": None if place is None else str(place)})


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
