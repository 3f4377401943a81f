"""Catalogue: the images of a folder or a manifest in a fixed order, what each is, and what was left out and why.

Row i is the same image everywhere in ASAP. Each file is read once, by a few threads.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from . import duplicates, facts, folder, images, layouts, manifest
from .errors import CatalogueError, ImageError
from .facts import Look
from .folder import Skipped, walk
from .layouts import Place
from .progress import Report, silent

BLOCK = 32  # images a thread looks at before it reports


@dataclass(frozen=True)
class CatalogueSettings:
    """How a source is read. `limit` keeps a sample of that many, spread over the generators."""

    limit: int | None = None
    seed: int = 0
    workers: int | None = None  # None: as many as there are processors
    unlabelled: bool = False


@dataclass(frozen=True, eq=False)
class Catalogue:
    """n images in the order of their paths, with everything known about them before anything is learnt."""

    root: Path
    paths: tuple[str, ...]  # (n,) relative to root, forward slashes; absolute where outside
    is_fake: NDArray[np.bool_] | None  # (n,); None where unlabelled
    generators: tuple[str, ...]  # (n,) "real" for authentic images, "unknown" where unlabelled
    categories: tuple[str, ...]  # (n,) "" for none
    splits: tuple[str, ...]  # (n,) "" for none
    metadata: dict[str, list]  # further columns of a manifest, each (n,)
    sizes: NDArray[np.int32]  # (n, 2) width, height, upright
    facts: dict[str, NDArray]  # of the files, each (n,): see `_facts`
    groups: NDArray[np.int64]  # (n,) copies and near-copies share a number
    duplicates: int  # images that are a copy or near-copy of an earlier one
    skipped: tuple[Skipped, ...]
    found: int  # readable images before the limit, as far as they were tried
    fingerprint: str  # sha256 of names, labels and contents, hexadecimal
    notes: tuple[str, ...] = ()  # what somebody should know, in sentences


@dataclass
class Listing:
    """The images that a source names, before any is opened: aligned lists, sorted by path."""

    root: Path
    paths: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    metadata: dict[str, list] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(source: Path, settings: CatalogueSettings | None = None, report: Report = silent) -> Catalogue:
    """Read a folder or a manifest; raise CatalogueError where it has no readable images or no known layout."""
    settings = settings or CatalogueSettings()
    listed = listing(source, settings)
    looks, broken = _look(listed, settings, report)
    if not looks:
        raise CatalogueError(_nothing(source, [*listed.skipped, *broken]))
    return _catalogue(listed, looks, broken, settings.unlabelled)


def glance(source: Path, settings: CatalogueSettings | None = None) -> str:
    """A digest of the names, sizes and times of all image files (and of a manifest): did anything change?"""
    settings = settings or CatalogueSettings()
    digest = hashlib.sha256()
    if source.is_dir():
        files = [file for file in walk(source).files if file.named_as_image]
    else:
        listed = listing(source, settings)
        digest.update(source.read_bytes())
        files = [folder.file(listed.root, path) for path in listed.paths]
    for file in files:
        digest.update(json.dumps([file.path, file.size, file.mtime_ns]).encode())
    return digest.hexdigest()


def listing(source: Path, settings: CatalogueSettings | None = None) -> Listing:
    """The images that a source names and what it says of them; none is decoded."""
    settings = settings or CatalogueSettings()
    source = source.absolute()
    if source.is_dir():
        listed = _from_folder(source, settings.unlabelled)
    elif source.suffix.lower() in manifest.SUFFIXES and source.is_file():
        listed = _from_manifest(source, settings.unlabelled)
    elif source.exists():
        raise CatalogueError(
            f"{source} is neither a folder nor a table; expected one of them (.csv, .parquet)"
        )
    else:
        raise CatalogueError(
            f"{source} does not exist; expected a folder of images, or a CSV or Parquet table"
        )
    if not listed.paths:
        raise CatalogueError(_nothing(source, listed.skipped))
    return listed


def _from_folder(root: Path, unlabelled: bool) -> Listing:
    walked = walk(root)
    named = [file.path for file in walked.files if file.named_as_image]
    others = [file.path for file in walked.files if not file.named_as_image]
    listed = Listing(root, skipped=[*walked.skipped, *_images_in_disguise(root, others)])
    folders = Counter(PurePosixPath(path).parent.parts for path in named)
    places = layouts.explored(folders) if unlabelled else layouts.places(folders, root.name)
    if folders and not unlabelled and all(place.is_fake is None for place in places.values()):
        raise CatalogueError(_unrecognised(root, folders))
    for path in named:
        place = places[PurePosixPath(path).parent.parts]
        if place.is_fake is None and not unlabelled:
            listed.skipped.append(Skipped(path, "no folder above it says real or fake"))
        else:
            listed.paths.append(path)
            listed.places.append(place)
    torn = [
        folder for folder, place in places.items() if place.is_fake is not None and layouts.is_torn(folder)
    ]
    if torn:
        said = "fake" if places[torn[0]].is_fake else "real"
        listed.notes.append(
            f"{len(torn)} folder(s) have both real and fake in their path, for instance {'/'.join(torn[0])}, "
            f"whose images count as {said}."
        )
    return listed


def _images_in_disguise(root: Path, paths: Sequence[str]) -> Iterator[Skipped]:
    """Images among the files that are not named as images."""
    for path in paths:
        try:
            with (root / path).open("rb") as file:
                facts.refuse_misnamed(PurePosixPath(path).suffix, file.read(images.HEAD))
        except ImageError as error:
            yield Skipped(path, str(error))
        except OSError:
            continue  # not named as an image and not to be opened: nobody's loss


def _from_manifest(source: Path, unlabelled: bool) -> Listing:
    root, table = source.parent, manifest.read(source, unlabelled)
    listed, taken = Listing(root, notes=list(table.notes)), {}
    for row in table.rows:
        path = manifest.locate(root, row.path)
        reason = manifest.objection(row, root, path, taken)
        if reason:
            listed.skipped.append(Skipped(row.path or f"{source.name}, row {row.number}", reason))
        else:
            taken[path] = row
    kept = sorted(taken)
    listed.paths = kept
    listed.places = [place for path in kept if (place := taken[path].place)]
    listed.metadata = {
        name: [values[taken[path].number - 1] for path in kept] for name, values in table.metadata.items()
    }
    return listed


def _look(
    listed: Listing, settings: CatalogueSettings, report: Report
) -> tuple[dict[int, Look], list[Skipped]]:
    """Look at files until there are enough: row -> Look, and the broken ones."""
    n = len(listed.paths)
    wanted = n if settings.limit is None else min(settings.limit, n)
    order = range(n) if wanted == n else _sample_order(listed.places, settings.seed)
    looks: dict[int, Look] = {}
    broken: list[Skipped] = []
    tried = 0
    while len(looks) < wanted and tried < n:
        rows = order[tried : tried + wanted - len(looks)]
        for row, result in zip(
            rows, _in_threads([listed.root / listed.paths[i] for i in rows], settings.workers)
        ):
            if isinstance(result, Look):
                looks[row] = result
            else:
                broken.append(Skipped(listed.paths[row], str(result)))
            tried += 1
            report(tried, max(wanted, tried))
    return looks, broken


def _sample_order(places: Sequence[Place], seed: int) -> list[int]:
    """All rows, so ordered that every beginning is a sample with each generator's share, and at least one of each."""
    generators = np.array([place.generator for place in places])
    shuffled = np.random.default_rng(seed).permutation(len(places))
    turn = np.empty(len(places))
    for generator in np.unique(generators):
        rows = shuffled[generators[shuffled] == generator]
        turn[rows] = np.arange(len(rows)) / len(rows)
    return np.lexsort((shuffled, turn)).tolist()


def _in_threads(paths: Sequence[Path], workers: int | None) -> Iterator[Look | ImageError]:
    """A look at each file, in order; Pillow decodes without Python's lock."""
    blocks = [paths[start : start + BLOCK] for start in range(0, len(paths), BLOCK)]
    pool = ThreadPoolExecutor(workers or os.cpu_count())
    try:
        for block in pool.map(_look_at_all, blocks):
            yield from block
    finally:
        pool.shutdown(cancel_futures=True)


def _look_at_all(paths: Sequence[Path]) -> list[Look | ImageError]:
    results: list[Look | ImageError] = []
    for path in paths:
        try:
            results.append(facts.look(path))
        except ImageError as error:
            results.append(error)
    return results


def _catalogue(
    listed: Listing, by_row: dict[int, Look], broken: Sequence[Skipped], unlabelled: bool
) -> Catalogue:
    rows = sorted(by_row)
    looks = [by_row[row] for row in rows]
    paths = tuple(listed.paths[row] for row in rows)
    places = [listed.places[row] for row in rows]
    metadata = {name: [values[row] for row in rows] for name, values in listed.metadata.items()}
    groups = duplicates.group([look.digest for look in looks], np.stack([look.grey for look in looks]))
    truth = None if unlabelled else np.array([place.is_fake for place in places], bool)
    return Catalogue(
        root=listed.root,
        paths=paths,
        is_fake=truth,
        generators=tuple(place.generator for place in places),
        categories=tuple(place.category for place in places),
        splits=tuple(place.split for place in places),
        metadata=metadata,
        sizes=np.array([(look.width, look.height) for look in looks], np.int32),
        facts=facts.columns(looks),
        groups=groups,
        duplicates=len(groups) - len(np.unique(groups)),
        skipped=tuple(sorted([*listed.skipped, *broken])),
        found=len(listed.paths) - len(broken),
        fingerprint=_fingerprint(paths, places, metadata, looks),
        notes=(*listed.notes, *_contradictions(paths, places, looks)),
    )


def _fingerprint(
    paths: Sequence[str], places: Sequence[Place], metadata: dict[str, list], looks: Sequence[Look]
) -> str:
    digest = hashlib.sha256(json.dumps(list(metadata)).encode())
    for row, (path, place, look) in enumerate(zip(paths, places, looks, strict=True)):
        further = [values[row] for values in metadata.values()]
        digest.update(json.dumps([path, *astuple(place), look.digest.hex(), *further]).encode())
    return digest.hexdigest()


def _contradictions(paths: Sequence[str], places: Sequence[Place], looks: Sequence[Look]) -> Iterator[str]:
    """A sentence if the same bytes are labelled both real and fake."""
    real = {look.digest: path for path, place, look in zip(paths, places, looks) if place.is_fake is False}
    both = [
        (real[look.digest], path)
        for path, place, look in zip(paths, places, looks)
        if place.is_fake and look.digest in real
    ]
    if both:
        yield (
            f"{len(both)} file(s) labelled fake are byte for byte the same as one labelled real, for instance "
            f"{both[0][1]} and {both[0][0]}: one of the labels must be wrong."
        )


def _nothing(source: Path, skipped: Sequence[Skipped]) -> str:
    expected = ", ".join(images.FORMATS)
    if not skipped:
        return f"no images in {source}; expected {expected}"
    reasons = Counter(each.kind for each in skipped).most_common(5)
    listed = ", ".join(f"{count} × {kind}" for kind, count in reasons)
    return f"no readable images in {source}; skipped: {listed}; expected {expected}"


def _unrecognised(root: Path, folders: Counter[layouts.Folder]) -> str:
    return f"""\
cannot tell real images from fake ones in {root}. Found:

{layouts.tree(folders, root.name)}

Say what is real in one of these ways:
  1. two folders, real/ and fake/ (or real/ and one folder per generator), and the images in them
  2. a CSV file with the columns path,label, and a line such as photo.jpg,real for every image
To explore images whose origin is unknown: build SOURCE --unlabelled --using ANALYSIS"""
