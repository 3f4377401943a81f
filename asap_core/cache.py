"""What a stage returned, remembered in a folder of plain files: nothing is pickled.

A key is a digest of the stage's name and version, its settings and the keys of its inputs. Keys chain, so
no array is hashed. The folder is private scratch: delete it at will.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import storage

Arrays = dict[str, NDArray]


@dataclass(frozen=True)
class Remembered:
    """A stage's arrays (memory-mapped), its plain facts, and the seconds it took when it was computed."""

    arrays: Arrays
    facts: dict[str, Any]
    seconds: float
    fresh: bool


def key(stage: str, version: int, *inputs: Any) -> str:
    """A stage's key: settings (frozen dataclasses), other keys and plain values, digested in order."""
    text = json.dumps([stage, version, *inputs], default=_plain, sort_keys=True)
    return f"{stage}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {"": type(value).__name__, **dataclasses.asdict(value)}
    raise TypeError(f"{value!r} cannot be part of a key")


@dataclass(frozen=True)
class StageCache:
    """Results of stages under one folder, one sub-folder a key, each written whole or not at all."""

    folder: Path

    def room(self, name: str) -> Path:
        """A folder that a stage fills itself, in pieces that survive a kill (the encoder's shards)."""
        room = self.folder / name
        room.mkdir(parents=True, exist_ok=True, mode=0o700)
        return room

    def remember(self, name: str, compute: Callable[[], tuple[Arrays, Mapping[str, Any]]]) -> Remembered:
        """What `compute` returned under this key, now or at an earlier call."""
        home = self.folder / name
        if (home / "facts.json").is_file():
            return self._read(home, fresh=False)
        start = time.perf_counter()
        arrays, facts = compute()
        seconds = time.perf_counter() - start
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with storage.writing_folder(home) as draft:  # another process may be faster: then what it made is kept
            for array_name, array in arrays.items():
                np.save(draft / f"{array_name}.npy", array, allow_pickle=False)
            content = {"facts": facts, "seconds": seconds, "arrays": list(arrays)}
            (draft / "facts.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        return self._read(home, fresh=True)

    def _read(self, home: Path, fresh: bool) -> Remembered:
        content = json.loads((home / "facts.json").read_text("utf-8"))
        arrays = {name: np.load(home / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in content["arrays"]}
        return Remembered(arrays, content["facts"], content["seconds"], fresh)
