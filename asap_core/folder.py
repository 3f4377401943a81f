"""What lies in a folder: image files in order, without reading them, and what had to be left out and why.

Links are followed once, pipes and devices never opened, hidden and system files not looked at.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from . import images

SYSTEM = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "lost+found"}
MET = "the same file or folder is in the catalogue already, by another path"


@dataclass(frozen=True, order=True)
class Skipped:
    """A file or folder that was left out, and why, in plain words."""

    path: str
    reason: str

    @property
    def kind(self) -> str:
        """The reason without its details: few enough to count by."""
        return self.reason.split(":")[0]


@dataclass(frozen=True, order=True)
class File:
    """A regular file: path relative to the walked folder, with forward slashes."""

    path: str
    size: int
    mtime_ns: int

    @property
    def named_as_image(self) -> bool:
        return Path(self.path).suffix.lower() in images.EXTENSIONS


def file(root: Path, path: str) -> File:
    """One file below (or, with an absolute path, anywhere beside) a root, as it is now."""
    status = (root / path).stat()
    return File(path, status.st_size, status.st_mtime_ns)


@dataclass
class Walk:
    """A walk through a folder. `files` and `skipped` are its result, sorted by path."""

    root: Path
    files: list[File] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    _seen: set[tuple[int, int]] = field(default_factory=set)  # device and inode of files and folders


def walk(root: Path) -> Walk:
    """All regular files below `root`. What really lies there goes first, links after it, each thing once."""
    found = Walk(root)
    found._seen.add(_identity(root.stat()))
    above = {_identity(folder.stat()) for folder in root.resolve().parents}
    folders, links = [""], []
    while folders or links:
        if folders:
            here = folders.pop()
            for path, entry in _entries(found, here):
                if entry.is_symlink():
                    links.append(path)
                else:
                    _take(found, path, folders)
            if not folders:
                links.sort(reverse=True)
        else:
            _follow(found, links.pop(), folders, above)
    found.files.sort()
    found.skipped.sort()
    return found


def _entries(found: Walk, here: str) -> Iterator[tuple[str, os.DirEntry]]:
    """The entries of one folder that count, with their path relative to the root."""
    try:
        with os.scandir(found.root / here) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        _skip(found, here or ".", f"the folder cannot be opened: {_words(error)}")
        return
    for entry in listed:
        path = f"{here}/{entry.name}" if here else entry.name
        if entry.name.startswith(".") or entry.name.lower() in SYSTEM:
            continue
        if not _is_text(entry.name):
            _skip(found, path, "its name is not valid UTF-8; rename it")
            continue
        yield path, entry


def _take(found: Walk, path: str, folders: list[str]) -> None:
    """Note a file, or a folder to be walked, unless it was met before; hard links are files of their own."""
    try:
        status = (found.root / path).stat()
    except OSError as error:
        _skip(found, path, f"cannot be opened: {_words(error)}")
        return
    is_folder, met = stat.S_ISDIR(status.st_mode), _identity(status) in found._seen
    found._seen.add(_identity(status))
    if met and (is_folder or status.st_nlink == 1):  # below a link, which may lead in a circle
        _skip(found, path, MET)
    elif is_folder:
        folders.append(path)
    elif stat.S_ISREG(status.st_mode):
        found.files.append(File(path, status.st_size, status.st_mtime_ns))
    else:
        _skip(found, path, "a pipe, socket or device, not a file")


def _follow(found: Walk, path: str, folders: list[str], above: set[tuple[int, int]]) -> None:
    """Take what a link leads to, unless that is nothing, was met before, or holds the root itself."""
    try:
        identity = _identity((found.root / path).stat())
    except FileNotFoundError:
        _skip(found, path, f"a link to nothing: {_shown(str((found.root / path).readlink()))} does not exist")
        return
    except OSError as error:
        _skip(found, path, f"a link that cannot be followed: {_words(error)}")
        return
    if identity in above:
        _skip(found, path, "a link to a folder that this one lies in")
    elif identity in found._seen:
        _skip(found, path, MET)
    else:
        _take(found, path, folders)


def _skip(found: Walk, path: str, reason: str) -> None:
    found.skipped.append(Skipped(_shown(path), reason))


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(path: str) -> str:
    """A path that can be printed and stored: bytes that are no UTF-8 as \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
