"""Notes: what people wrote of a collection's images and patterns. Never deleted by ASAP, and never lost to two at once.

One SQLite file, `notes.sqlite`, in WAL: every change is one transaction. It stands in the folder of an analysis that
was given one (`--out`), else with the user's data, one folder a collection; `--notes DIR` names another. An image is
known by its content (sha256) and its path, so that it is found again in another build: by its content where it was
renamed or moved, by its path where it was edited. What is not found again stays, and is listed.
"""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from platformdirs import user_data_path

from . import analysis, storage
from .analysis import Analysis
from .analysis_folder import NOTES
from .errors import AnalysisError

FILE = "notes.sqlite"
VERSION = 1
PATIENCE = 30  # seconds to wait while somebody else writes
HOME = "ASAP_NOTES"  # the environment's name for the folder of all collections' notes
Key = tuple[bytes, str]  # of an image: sha256 of its content, empty where that is not known, and its path
TABLES = """
CREATE TABLE image (id INTEGER PRIMARY KEY);
CREATE TABLE key (id INTEGER PRIMARY KEY, image INTEGER NOT NULL, content BLOB NOT NULL, path TEXT NOT NULL,
                  UNIQUE (content, path));
CREATE INDEX key_image ON key (image);
CREATE TABLE tag (name TEXT NOT NULL, image INTEGER NOT NULL, PRIMARY KEY (name, image)) WITHOUT ROWID;
CREATE TABLE looked (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, marks BLOB NOT NULL);
CREATE TABLE part (id INTEGER PRIMARY KEY, called TEXT NOT NULL, toward TEXT NOT NULL, of TEXT NOT NULL,
                   looked INTEGER);
CREATE TABLE region (part INTEGER NOT NULL, image INTEGER NOT NULL, area BLOB NOT NULL, PRIMARY KEY (part, image))
                   WITHOUT ROWID;
CREATE TABLE pattern (id INTEGER PRIMARY KEY, name TEXT, hidden INTEGER NOT NULL, merged INTEGER NOT NULL);
CREATE TABLE member (pattern INTEGER NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (pattern, part)) WITHOUT ROWID;
CREATE TABLE seen (content INTEGER NOT NULL, path INTEGER NOT NULL, PRIMARY KEY (content, path)) WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Lost:
    """An image that is noted, and is not in this analysis: what it was, and why it was not found again."""

    path: str
    reason: str


def place(root: Path, out: Path | None, asked: Path | None) -> Path | None:
    """Where the notes of a collection go: where people ask, else into the analysis' own folder `out` (None), else to
    the user's data, by the collection's `root`."""
    if asked is not None:
        return asked.absolute()
    if out is not None:
        return None
    home = Path(os.environ.get(HOME) or user_data_path("asap", appauthor=False) / "notes")
    return home.absolute() / f"{root.name or 'root'}-{hashlib.sha256(str(root).encode()).hexdigest()[:12]}"


def folder_of(folder: Path, where: Path | None) -> Path:
    """The folder that a `place` means, for the analysis in `folder`."""
    return folder / NOTES if where is None else where


@contextmanager
def reading(made: Analysis) -> Iterator[sqlite3.Connection | None]:
    """The notes as they are; None where nobody wrote any. Also of a folder that may only be read."""
    file = made.notes / FILE
    if not file.is_file():
        yield None
        return
    with ExitStack() as held:
        yield held.enter_context(closing(_opened(file, held)))


@contextmanager
def changing(made: Analysis) -> Iterator[sqlite3.Connection]:
    """The notes, to read and change in one transaction; nothing is changed where it ends in an error.

    AnalysisError where they cannot be written.
    """
    file = made.notes / FILE
    try:
        _begin(file)
        notes = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)
    except (OSError, sqlite3.Error, AnalysisError) as error:
        raise _unwritable(file, error) from error
    with closing(notes):
        try:
            notes.execute("BEGIN IMMEDIATE")
            _check(notes, file)
            meet(notes, made)
        except sqlite3.Error as error:
            raise _unwritable(file, error) from error
        try:
            yield notes
            notes.execute("COMMIT")
        except sqlite3.Error as error:
            raise _unwritable(file, error) from error
        finally:
            if notes.in_transaction:
                notes.execute("ROLLBACK")


def count_change(notes: sqlite3.Connection, what: str) -> None:
    """Say that `what` changed: `changes` is another number from now on."""
    begin = time.time_ns()  # other notes in their place, some day, count from elsewhere
    notes.execute("INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1", (what, begin))


def changes(notes: sqlite3.Connection, what: str) -> int:
    """A number that is another after every change of `what`; 0 where it was never changed."""
    found = notes.execute("SELECT value FROM fact WHERE name = ?", (what,)).fetchone()
    return found[0] if found else 0


def keys(made: Analysis, rows: Iterable[int]) -> list[Key]:
    """What images are known by."""
    return [(np.asarray(made.arrays["digest"][row]).tobytes(), made.paths[row]) for row in rows]


def images(notes: sqlite3.Connection, keys: Sequence[Key]) -> list[int]:
    """The ids by which images are noted, noted now if need be."""
    found = []
    for content, path in keys:
        known = notes.execute("SELECT image FROM key WHERE content = ? AND path = ?", (content, path)).fetchone()
        if known is None:
            known = (notes.execute("INSERT INTO image DEFAULT VALUES").lastrowid,)
            notes.execute("INSERT INTO key (image, content, path) VALUES (?, ?, ?)", (*known, content, path))
        found += known
    return found


def rows_of(notes: sqlite3.Connection, made: Analysis, which: str, *values: object) -> dict[int, int | Lost]:
    """The rows of noted images, `which` selects their ids; or why an image is not found again surely.

    An image may have had several keys, one build after the other: first the one that it has in this build counts, then
    whichever was given last.
    """
    known: dict[int, list[Key]] = {}
    every = f"SELECT image, content, path FROM key WHERE image IN ({which}) ORDER BY id DESC"
    for image, *key in notes.execute(every, values).fetchall():
        known.setdefault(image, []).append((key[0], key[1]))
    found: dict[int, int | Lost] = {}
    for image, mine in known.items():
        here = (row for content, path in mine for row in made.by_content.get(content, ()) if made.paths[row] == path)
        said = next(here, None)
        tried = [said] if said is not None else [_row_of(notes, made, *key) for key in mine]
        found[image] = next((row for row in tried if isinstance(row, int)), tried[0])
    return found


def _row_of(notes: sqlite3.Connection, made: Analysis, content: bytes, path: str) -> int | Lost:
    """The row of what had this key, and no longer has it.

    Of the same content: the only one, else the only one that was not there before, or that has the same name. Of
    another content: the one of the same path, unless that is another image that was moved there.
    """
    copies = made.by_content.get(content, [])
    if len(copies) == 1:
        return copies[0]
    if copies:
        new = [row for row in copies if not _seen(notes, content, "path =", made.paths[row])]
        named = [row for row in copies if PurePosixPath(made.paths[row]).name == PurePosixPath(path).name]
        only = next((some[0] for some in (new, named) if len(some) == 1), None)
        return Lost(path, f"{len(copies)} copies of it are there now") if only is None else only
    there = made.by_path.get(path, [])
    if len(there) != 1:
        return Lost(path, "no image has its content or its path")
    ((now, _),) = keys(made, there)
    moved_here = _seen(notes, now, "path <>", path)
    back = _seen(notes, now, "path =", path) and _seen(notes, content, "path <>", path)  # after what is noted was here
    return Lost(path, "another image has its path now") if moved_here or back else there[0]


def meet(notes: sqlite3.Connection, made: Analysis) -> None:
    """Let the notes know a build, once: what its images are known by there, and that these contents were met."""
    build = f"met {made.info['build']}"
    if changes(notes, build):
        return
    for image, row in rows_of(notes, made, "SELECT id FROM image").items():
        if isinstance(row, int):
            added = "INSERT OR IGNORE INTO key (image, content, path) VALUES (?, ?, ?)"
            notes.execute(added, (image, *keys(made, [row])[0]))
    notes.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?)", made.marks.view(np.int64).tolist())
    count_change(notes, build)


def _seen(notes: sqlite3.Connection, content: bytes, how: str, path: str) -> bool:
    """Whether a content was met in any build at a path (`path =`), or at another (`path <>`)."""
    mark = analysis.marks(np.frombuffer(content.ljust(32, b"\0"), np.uint8)[None], [path]).view(np.int64)
    return notes.execute(f"SELECT 1 FROM seen WHERE content = ? AND {how} ?", mark[0].tolist()).fetchone() is not None


def _begin(file: Path) -> None:
    """Notes without a word in them, whole or not at all."""
    if file.is_file():
        return
    with storage.locked(file.parent):
        if not file.is_file():
            with storage.writing(file) as draft:
                draft.touch()  # with the modes of the umask, which SQLite then keeps to
                with closing(sqlite3.connect(draft)) as notes:
                    notes.execute("PRAGMA journal_mode = WAL")
                    notes.executescript(f"{TABLES} PRAGMA user_version = {VERSION};")


def _opened(file: Path, held: ExitStack) -> sqlite3.Connection:
    """The notes, read-only; a copy, for as long as it is `held`, where the folder lets nobody open them in place."""
    try:
        try:
            return _readable(file)
        except sqlite3.OperationalError:  # WAL needs two files beside it, which cannot be made here
            spare = Path(held.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
            for each in (file, file.with_name(f"{FILE}-wal")):
                if each.is_file():
                    shutil.copyfile(each, spare / each.name)
            return _readable(spare / FILE)
    except (OSError, sqlite3.Error) as error:
        raise AnalysisError(f"{file} cannot be read ({error}): mend it, or move it away") from error


def _readable(file: Path) -> sqlite3.Connection:
    notes = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        _check(notes, file)
    except BaseException:
        notes.close()
        raise
    return notes


def _check(notes: sqlite3.Connection, file: Path) -> None:
    (version,) = notes.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise AnalysisError(f"{file} is of version {version}, expected {VERSION}: it was written by another ASAP")


def _unwritable(file: Path, error: Exception) -> AnalysisError:
    return AnalysisError(
        f"nothing was noted: {file} cannot be written ({error}); make its folder writable, "
        "or name another with 'build … --notes DIR'"
    )
