"""Storage: files and folders written whole or not at all, and one lock; the only place that renames anything.

What is written goes to a hidden sibling first, with the modes that the umask gives, and takes its name when it is
complete. Nothing here renames a file that is open or a folder onto another: Windows does neither.
"""

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import DTypeLike, NDArray

from .errors import AnalysisError

TRIES, PAUSE = 20, 0.05  # a file that is open elsewhere on Windows is soon let go, by virus scanners above all


def unique() -> str:
    """A name that nothing else has; later ones sort after earlier ones."""
    return f"{time.time_ns() // 1_000_000:012x}-{secrets.token_hex(4)}"


@contextmanager
def writing(file: Path) -> Iterator[Path]:
    """A draft's path beside `file`, which it replaces at the end; on an error it is removed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}-{secrets.token_hex(4)}")
    try:
        yield draft
        move(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with writing(file) as draft:
        draft.write_bytes(content)


def write_text(file: Path, content: str) -> None:
    """Write a text as UTF-8, whole or not at all."""
    write_bytes(file, content.encode())


def write_json(file: Path, content: Any) -> None:
    """Write JSON for programs and people, whole or not at all; ValueError where it holds NaN."""
    write_text(file, json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False))


def write_array(file: Path, array: NDArray) -> None:
    """Write a `.npy`, whole or not at all."""
    with writing(file) as draft, draft.open("wb") as out:
        np.save(out, array, allow_pickle=False)
        out.flush()


def write_blank(file: Path, shape: tuple[int, ...], kind: DTypeLike, value: float = 0) -> None:
    """Write a `.npy` of one value, whole or not at all; zeros take no room until they are written over."""
    with writing(file) as draft:
        array = np.lib.format.open_memmap(draft, "w+", np.dtype(kind), shape)
        if value != 0:
            array[...] = value
        array.flush()
        held = array._mmap
        del array
        held.close()  # pyright: ignore  # a file that is mapped cannot be renamed on Windows


@contextmanager
def writing_folder(folder: Path) -> Iterator[Path]:
    """A draft folder that takes the name `folder` at the end; on an error it is removed.

    Where somebody else was faster and something is there by then, that stays, and the draft goes.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    draft.mkdir()
    try:
        yield draft
        with suppress(OSError):
            folder.rmdir()  # where it is empty
        if not folder.exists():
            move(draft, folder)
    finally:
        remove(draft)


def move(draft: Path, target: Path) -> None:
    """Give a draft its name; a file that had it is replaced. AnalysisError where it is held open for long."""
    patiently(lambda: draft.replace(target), target)


def patiently(act: Callable[[], object], target: Path) -> None:
    """Do what an open file may prevent for a moment; AnalysisError where it does so for a second."""
    for turn in range(TRIES):
        try:
            act()
        except PermissionError as error:
            if turn == TRIES - 1:
                raise AnalysisError(
                    f"{target} cannot be replaced ({error.strerror}): it may be open in another program, or the folder "
                    "may be read-only; close what uses it, and do the same again"
                ) from error
            time.sleep(PAUSE)
        else:
            return


def remove(path: Path) -> None:
    """Remove a file or a folder as far as that is possible: what somebody still has open may stay on some systems."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One at a time in a folder, among all threads and processes; a lock ends with its process."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield


def digest(file: Path) -> str:
    """The sha256 of a file's content, hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
