"""Private: folders of bytes that the page keeps between starts, closed to others; nothing is ever unpickled.

Whoever can write there may have put anything: a value is bytes in the database itself, never a file that a row names.
A row that is anything else counts as not there, and a database that cannot be read is moved aside and begun anew.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from diskcache import UNKNOWN, Cache, Disk
from diskcache.core import DBNAME, MODE_PICKLE, MODE_RAW

INLINE = 2**62  # bytes below which a value stays in the database: all of them
ASIDE = ".damaged"  # added to the name of a database that could not be read
PARTS = ("", "-wal", "-shm")  # of a database on disk


class BytesOnly(Disk):
    """A cache's disk of values in the database: whatever was not stored as bytes there counts as damaged."""

    def get(self, key, raw):
        """A stored key; ValueError where it would have to be unpickled."""
        if not raw:
            raise ValueError("a pickled key among what is kept")
        return super().get(key, raw)

    def fetch(self, mode, filename, value, read):
        """A stored value; ValueError where it is a pickled one, in a file, or no bytes."""
        if mode == MODE_PICKLE:
            raise ValueError("a pickled value among what is kept")
        if mode != MODE_RAW or not isinstance(value, bytes):
            raise ValueError("a value that is not bytes among what is kept")
        return value

    def store(self, value, read, key=UNKNOWN):
        """Store bytes, nothing else."""
        assert isinstance(value, bytes), f"a {type(value).__name__} is not kept here"
        return super().store(value, read, key=key)

    def remove(self, file_path):
        """Delete a file that an earlier version kept; never one that lies elsewhere."""
        folder = Path(self._directory).resolve()
        with suppress(OSError, TypeError, ValueError):
            if (folder / file_path).resolve().is_relative_to(folder) and str(file_path).endswith(".val"):
                super().remove(file_path)


class ByteCache(Cache):
    """A cache in which damage is never fatal: a row is dropped, a whole database begun anew."""

    def get(self, key, *args, **more) -> bytes | None:
        """A value; None where there is none, or none that can be used, which is dropped."""
        try:
            return super().get(key, *args, **more)  # pyright: ignore
        except (ValueError, TypeError, sqlite3.OperationalError) as error:
            if self.is_damaged(error):
                raise
            self.drop(key)
            return None

    def drop(self, key: str) -> None:
        """Forget a row, whatever is in it."""
        self._sql("DELETE FROM Cache WHERE key = ? AND raw = 1", (key,))

    def names(self, start: str) -> list[str]:
        """The keys that begin so, ascending; those that are no text are nobody's."""
        rows = self._sql(
            "SELECT CAST(key AS BLOB) FROM Cache WHERE raw = 1 AND typeof(key) = 'text' AND key >= ? AND key < ? "
            "ORDER BY key",
            (start, start + "\U0010ffff"),
        )
        return [name.decode("utf-8", "ignore") for (name,) in rows.fetchall()]

    def is_damaged(self, error: Exception) -> bool:
        """Whether an error is the database's own, not that of a row, a lock or a disk that is full."""
        if not isinstance(error, sqlite3.DatabaseError):
            return False
        return not isinstance(error, sqlite3.OperationalError) or not is_sound(Path(self.directory) / DBNAME)


def is_sound(file: Path) -> bool:
    """Whether a database can be read, and has what a cache needs."""
    try:
        with closing(sqlite3.connect(file, timeout=10)) as opened:
            for table in ("Cache", "Settings"):
                opened.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
            return opened.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        return False


class Kept:
    """A cache in a folder: opened anew where its database turns out to be damaged, or was replaced or deleted."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self._settings = settings
        self._lock = threading.Lock()
        try:
            self._open()
        except (sqlite3.DatabaseError, ValueError, TypeError, KeyError):
            self._move_aside()
            self._open()

    def close(self) -> None:
        """Let go of the file."""
        self._cache.close()

    def _open(self) -> None:
        fixed = {"disk_min_file_size": INLINE, "sqlite_mmap_size": 0}  # a file cut short under a map ends the process
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        self._cache = ByteCache(str(self.folder), disk=BytesOnly, **fixed, **self._settings)
        self._which = self._there()

    def _there(self) -> int | None:
        """Which file the database is now; None where it is gone."""
        with suppress(FileNotFoundError):
            return (self.folder / DBNAME).stat().st_ino
        return None

    def _mend(self, broken: Cache) -> None:
        """Begin anew, unless somebody else has since."""
        with self._lock:
            if self._cache is broken:
                broken.close()
                if self._there() is not None and not is_sound(self.folder / DBNAME):
                    self._move_aside()
                self._open()

    def _move_aside(self) -> None:
        logging.getLogger(__name__).warning("%s cannot be read: it is moved aside and begun anew", self.folder / DBNAME)
        for part in PARTS:
            with suppress(FileNotFoundError):
                file = self.folder / f"{DBNAME}{part}"
                file.replace(file.with_name(f"{DBNAME}{ASIDE}{part}"))


P = ParamSpec("P")
T = TypeVar("T")


def mended(method: Callable[P, T]) -> Callable[P, T]:
    """A method of what is Kept, tried once more on a database begun anew where the old one cannot be read."""

    @wraps(method)
    def tried(*args: P.args, **more: P.kwargs) -> T:
        self: Any = args[0]
        if self._there() != self._which:
            self._mend(self._cache)
        before = self._cache
        try:
            return method(*args, **more)
        except sqlite3.DatabaseError as error:
            if self._cache is before and not before.is_damaged(error):
                raise
            self._mend(before)
            return method(*args, **more)

    return tried


class Pictures(Kept):
    """Small pictures by name."""

    @mended
    def get(self, name: str) -> bytes | None:
        """A picture that is kept."""
        return self._cache.get(name)

    @mended
    def set(self, name: str, picture: bytes) -> None:
        """Keep a picture."""
        self._cache.set(name, picture)
