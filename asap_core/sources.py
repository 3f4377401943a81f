"""Sources: a folder of images or a manifest -> the images it names and what it says of each, undecoded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from . import facts, folder, images, layouts, manifest
from .errors import CatalogueError, ImageError
from .folder import File, Skipped
from .layouts import Folder, Place


@dataclass
class Listing:
    """The images that a source names: aligned lists, sorted by path."""

    root: Path
    paths: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    metadata: dict[str, list] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def listing(source: Path, unlabelled: bool = False) -> Listing:
    """Read a source; raise CatalogueError where there is none, or it does not say what is real."""
    source = source.absolute()
    if source.is_dir():
        listed = _of_folder(source, unlabelled)
    elif source.is_file() and source.suffix.lower() in manifest.SUFFIXES:
        listed = _of_manifest(source, unlabelled)
    elif source.exists():
        expected = ", ".join(manifest.SUFFIXES)
        raise CatalogueError(f"{source} is neither a folder of images nor a table ({expected})")
    else:
        raise CatalogueError(f"{source} does not exist; expected a folder of images, or a CSV or Parquet table")
    if not listed.paths:
        raise CatalogueError(nothing(source, listed.skipped))
    return listed


def files(source: Path, unlabelled: bool = False) -> list[File]:
    """The image files of a source with their sizes and times, sorted by path."""
    if source.is_dir():
        return [file for file in folder.walk(source).files if file.named_as_image]
    listed = listing(source, unlabelled)
    return [folder.file(listed.root, path) for path in listed.paths]


def _of_folder(root: Path, unlabelled: bool) -> Listing:
    walked = folder.walk(root)
    named = [file.path for file in walked.files if file.named_as_image]
    others = [file.path for file in walked.files if not file.named_as_image]
    listed = Listing(root, skipped=[*walked.skipped, *_images_in_disguise(root, others)])
    folders = Counter(_folder(path) for path in named)
    places = layouts.explored(folders) if unlabelled else layouts.places(folders, root.name)
    if folders and not unlabelled and all(place.is_fake is None for place in places.values()):
        raise CatalogueError(_unrecognised(root, folders))
    for path in named:
        place = places[_folder(path)]
        if place.is_fake is None and not unlabelled:
            listed.skipped.append(Skipped(path, "no folder above it says real or fake"))
        else:
            listed.paths.append(path)
            listed.places.append(place)
    listed.notes += _torn(places)
    return listed


def _folder(path: str) -> Folder:
    return PurePosixPath(path).parent.parts


def _images_in_disguise(root: Path, paths: Sequence[str]) -> Iterator[Skipped]:
    """Images among the files that are not named as images."""
    for path in paths:
        try:
            with (root / path).open("rb") as file:
                facts.refuse_misnamed(PurePosixPath(path).suffix, file.read(images.HEAD))
        except ImageError as error:
            yield Skipped(path, str(error))
        except OSError:
            continue  # neither named as an image nor to be opened: nobody's loss


def _torn(places: dict[Folder, Place]) -> list[str]:
    """A sentence if a path says both real and fake."""
    torn = [name for name, place in places.items() if place.is_fake is not None and layouts.is_torn(name)]
    return [
        f"Folders with real and fake on their path: {len(torn)}, for instance {'/'.join(name)}, "
        f"whose images count as {'fake' if places[name].is_fake else 'real'}."
        for name in torn[:1]
    ]


def _of_manifest(source: Path, unlabelled: bool) -> Listing:
    root, table = source.parent, manifest.read(source, unlabelled)
    listed = Listing(root, notes=list(table.notes))
    kept: dict[str, tuple[int, Place]] = {}
    for row in table.rows:
        path = manifest.locate(root, row.path)
        reason = manifest.objection(row, root, path)
        if path in kept:
            other = "" if kept[path][1] == row.place else ", and not said to be the same"
            reason = f"named twice: in rows {kept[path][0]} and {row.number}{other}"
        if reason or row.place is None:
            name = row.path or f"{source.name}, row {row.number}"
            listed.skipped.append(Skipped(name, reason or f"no label: row {row.number}"))
        else:
            kept[path] = row.number, row.place
    listed.paths = sorted(kept)
    listed.places = [kept[path][1] for path in listed.paths]
    numbers = [kept[path][0] for path in listed.paths]
    listed.metadata = {name: [values[number - 1] for number in numbers] for name, values in table.metadata.items()}
    return listed


def nothing(source: Path, skipped: Sequence[Skipped]) -> str:
    """The message for a source without a single image."""
    expected = ", ".join(images.FORMATS)
    if not skipped:
        return f"no images in {source}; expected {expected}"
    reasons = Counter(each.kind for each in skipped).most_common(5)
    listed = ", ".join(f"{kind} ({count})" for kind, count in reasons)
    return f"no readable images in {source}; expected {expected}; skipped: {listed}"


def _unrecognised(root: Path, folders: Counter[Folder]) -> str:
    return f"""\
cannot tell real images from fake ones in {root}. Found:

{layouts.tree(folders, root.name)}

Say what is real in one of these ways:
  1. two folders, real/ and fake/ (or real/ and one folder per generator), with the images in them
  2. a CSV file with the columns path,label and for every image a line such as photo.jpg,real"""
