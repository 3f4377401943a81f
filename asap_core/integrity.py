"""Integrity: whether a file still holds what was written into it.

What a build wrote is held against digests that `analysis.json` keeps. Every other file carries its own checksum, so
that file and checksum are there together or not at all: JSON as its last entry, anything else as its last line.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import storage

SMALL = 4 * 2**20  # bytes; what is not larger is verified each time it is opened
CHECKSUM = "checksum"
LINE = len(b"\nsha256 \n") + 64


@dataclass(frozen=True)
class Broken:
    """A file that does not hold what was written into it, and what makes it again."""

    file: Path
    found: str
    expected: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file} is damaged: found {self.found}, expected {self.expected}; {self.mend}"


def digests(folder: Path) -> dict[str, str]:
    """The digest of each file in a folder, by name; hidden ones and those in folders below are none of it."""
    return {
        file.name: storage.digest(file)
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(".")
    }


def is_small(file: Path) -> bool:
    """Whether a file is verified at once: it is small, or read whole in any case."""
    return not file.is_file() or file.suffix == ".json" or file.stat().st_size <= SMALL


def broken(
    folder: Path,
    files: Mapping[str, str],
    mend: str,
    which: Callable[[Path], bool] = lambda file: True,
    then: Callable[[Path], None] = lambda file: None,
) -> Iterator[Broken]:
    """Those of a folder's files {name: digest} which are not as they were; `then` is told each that was looked at."""
    for name, expected in files.items():
        file = folder / name
        if not which(file):
            continue
        try:
            found = storage.digest(file)
        except OSError as error:
            yield Broken(file, (error.strerror or str(error)).lower(), _short(expected), mend)
        else:
            if found != expected:
                yield Broken(file, _short(found), _short(expected), mend)
        then(file)


def _short(digest: str) -> str:
    return f"sha256 {digest[:12]}…"


def seal(content: Mapping[str, Any]) -> str:
    """JSON that carries its checksum; `unseal` reads it."""
    assert CHECKSUM not in content, "sealed already"
    return _json({**content, CHECKSUM: hashlib.sha256(_json(content).encode()).hexdigest()})


def unseal(text: str) -> dict[str, Any]:
    """What was sealed; ValueError unless the text is the very one that `seal` made."""
    content = json.loads(text)
    if not isinstance(content, dict) or content.pop(CHECKSUM, None) is None:
        raise ValueError("it carries no checksum")
    if seal(content) != text:
        raise ValueError("its checksum does not fit")
    return content


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)


def keep(file: Path, body: bytes) -> None:
    """Write a file that ends with its checksum, whole or not at all; `body` reads it."""
    storage.write_bytes(file, body + _line(body))


def body(file: Path) -> bytes:
    """What was kept in a file; ValueError where it does not fit its checksum."""
    written = file.read_bytes()
    found, line = written[:-LINE], written[-LINE:]
    if line != _line(found):
        raise ValueError("its checksum does not fit")
    return found


def _line(body: bytes) -> bytes:
    return f"\nsha256 {hashlib.sha256(body).hexdigest()}\n".encode()
