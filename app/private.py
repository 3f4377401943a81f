"""Private: folders of bytes that the page keeps between starts, closed to others; nothing is ever unpickled."""

from pathlib import Path
from typing import Any

from diskcache import UNKNOWN, Cache, Disk
from diskcache.core import MODE_PICKLE


class BytesOnly(Disk):
    """A cache's disk that never unpickles: whatever was not stored as bytes or text counts as damaged."""

    def get(self, key, raw):
        """A stored key; ValueError where it would have to be unpickled."""
        if not raw:
            raise ValueError("a pickled key among what is kept")
        return super().get(key, raw)

    def fetch(self, mode, filename, value, read):
        """A stored value; ValueError where it would have to be unpickled."""
        if mode == MODE_PICKLE:
            raise ValueError("a pickled value among what is kept")
        return super().fetch(mode, filename, value, read)

    def store(self, value, read, key=UNKNOWN):
        """Store bytes, nothing else."""
        assert isinstance(value, bytes), f"a {type(value).__name__} is not kept here"
        return super().store(value, read, key=key)


def cache(folder: Path, **settings: Any) -> Cache:
    """A cache of bytes in a folder that is made, and closed to others."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return Cache(str(folder), disk=BytesOnly, **settings)
