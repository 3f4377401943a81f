"""Catalogue: the images of a folder or a manifest in a fixed order, what each is, and what was left out.

Row i is the same image everywhere in ASAP. Each file is read once, by a few threads.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import duplicates, facts, sources
from .errors import CatalogueError, ImageError
from .facts import Look
from .folder import Skipped
from .layouts import Place
from .progress import Report, silent
from .sources import Listing

VERSION = 3  # of what is kept of a source: raised where it must be read again
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
    digests: NDArray[np.uint8]  # (n, 32) sha256 of each file's content
    facts: dict[str, NDArray]  # of the files, each (n,): see `facts.columns`
    groups: NDArray[np.int64]  # (n,) copies and near-copies share a number
    duplicates: int  # images that are a copy or near-copy of an earlier one
    skipped: tuple[Skipped, ...]
    found: int  # readable images before the limit, as far as they were tried
    fingerprint: str  # sha256 of names, labels and contents, hexadecimal
    notes: tuple[str, ...] = ()  # what somebody should know, in sentences

    def columns(self) -> dict[str, NDArray]:
        """What is known of each image, as an analysis keeps it: names as int32 codes into the sorted names."""
        named = {"generator": self.generators, "category": self.categories, "split": self.splits}
        coded = {name: np.unique(values, return_inverse=True)[1] for name, values in named.items()}
        arrays = {name: codes.astype(np.int32) for name, codes in coded.items()}
        arrays |= {"size": self.sizes, "group": self.groups, "digest": self.digests}
        return arrays if self.is_fake is None else {**arrays, "is_fake": self.is_fake}

    def pack(self) -> tuple[dict[str, NDArray], dict]:
        """Itself as arrays and as what JSON can hold; `unpack` takes it back."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        arrays = {name: plain.pop(name) for name in ("sizes", "groups", "digests", "is_fake")}
        arrays |= {f"facts.{name}": column for name, column in plain.pop("facts").items()}
        plain |= {"root": str(self.root), "skipped": [astuple(each) for each in self.skipped]}
        return {name: array for name, array in arrays.items() if array is not None}, plain

    @classmethod
    def unpack(cls, arrays: dict[str, NDArray], plain: dict) -> "Catalogue":
        """A catalogue as `pack` left it."""
        columns = {name.partition(".")[2]: array for name, array in arrays.items() if "." in name}
        own: dict[str, Any] = {name: arrays.get(name) for name in ("sizes", "groups", "digests", "is_fake")}
        listed = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
        listed |= {"root": Path(plain["root"]), "skipped": tuple(Skipped(*each) for each in plain["skipped"])}
        return cls(**listed, **own, facts=columns)


def read(source: Path, settings: CatalogueSettings | None = None, report: Report = silent) -> Catalogue:
    """Read a folder or a manifest; raise CatalogueError without readable images or a known layout."""
    settings = settings or CatalogueSettings()
    listed = sources.listing(source, settings.unlabelled)
    looks, broken = _look(listed, settings, report)
    if not looks:
        raise CatalogueError(sources.nothing(source, [*listed.skipped, *broken]))
    return _catalogue(listed, looks, broken, settings.unlabelled)


def glance(source: Path, settings: CatalogueSettings | None = None) -> str:
    """A digest of the names, sizes and times of all image files (and of a manifest): did anything change?"""
    settings = settings or CatalogueSettings()
    files = sources.files(source, settings.unlabelled)
    digest = hashlib.sha256(b"" if source.is_dir() else source.read_bytes())
    for file in files:
        digest.update(json.dumps([file.path, file.size, file.mtime_ns]).encode())
    return digest.hexdigest()


def _look(listed: Listing, settings: CatalogueSettings, report: Report) -> tuple[dict[int, Look], list[Skipped]]:
    """Look at files until there are enough: row -> Look, and the broken ones."""
    n = len(listed.paths)
    wanted = n if settings.limit is None else min(settings.limit, n)
    order = list(range(n)) if wanted == n else _sample_order(listed.places, settings.seed)
    looks: dict[int, Look] = {}
    broken: list[Skipped] = []
    tried = 0
    while len(looks) < wanted and tried < n:  # more than once only where a sample held broken files
        rows = order[tried : tried + wanted - len(looks)]
        results = _in_threads([listed.root / listed.paths[row] for row in rows], settings.workers)
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, Look):
                looks[row] = result
            else:
                broken.append(Skipped(listed.paths[row], str(result)))
            tried += 1
            report(tried, max(wanted, tried))
    return looks, broken


def _sample_order(places: Sequence[Place], seed: int) -> list[int]:
    """All rows, ordered so that any first few have each generator's share, and at least one of each."""
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


def _catalogue(listed: Listing, by_row: dict[int, Look], broken: Sequence[Skipped], unlabelled: bool) -> Catalogue:
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
        digests=np.frombuffer(b"".join(look.digest for look in looks), np.uint8).reshape(len(looks), 32),
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


def _contradictions(paths: Sequence[str], places: Sequence[Place], looks: Sequence[Look]) -> list[str]:
    """A sentence if the same bytes are labelled both real and fake."""
    rows = list(zip(paths, places, looks, strict=True))
    real = {look.digest: path for path, place, look in rows if place.is_fake is False}
    fake = [(path, real[look.digest]) for path, place, look in rows if place.is_fake and look.digest in real]
    return [
        f"Images labelled fake with the same content as one labelled real: {len(fake)}, for instance "
        f"{path} and {other}; one of the labels must be wrong."
        for path, other in fake[:1]
    ]
