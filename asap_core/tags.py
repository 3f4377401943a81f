"""Tags: names that people give to images, kept beside the analysis (`tags.json`), which itself never changes."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from .analysis import Analysis
from .errors import AnalysisError, SettingsError

FILE = "tags.json"
LONGEST = 60  # characters of a name
MOST = 200  # names

_writing = Lock()  # one page, several people: no change is lost between reading and writing


def read(made: Analysis) -> dict[str, list[int]]:
    """Tags and the rows that have them, ascending; those of another analysis that stood here are none of ours."""
    try:
        kept = json.loads((made.folder / FILE).read_text("utf-8"))
        return kept["tags"] if kept["fingerprint"] == made.fingerprint else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnalysisError(f"{made.folder / FILE} is damaged ({error}); mend or delete it") from error


def change(made: Analysis, name: str, rows: Sequence[int] | NDArray, add: bool) -> dict[str, list[int]]:
    """Give rows a tag or take it from them; the tags as they are then. A tag that nobody has is gone."""
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST:
        raise SettingsError(f"a tag of {len(name)} characters: expected 1 to {LONGEST}")
    with _writing:
        tags = read(made)
        if add and name not in tags and len(tags) >= MOST:
            raise SettingsError(f"{len(tags)} tags already: remove some before you add {name!r}")
        had, some = np.asarray(tags.get(name, []), np.int64), np.asarray(rows, np.int64)
        tags[name] = (np.union1d(had, some) if add else np.setdiff1d(had, some)).tolist()
        tags = {each: tags[each] for each in sorted(tags) if tags[each]}
        _write(made.folder / FILE, {"fingerprint": made.fingerprint, "tags": tags})
    return tags


def _write(file: Path, content: dict) -> None:
    handle, draft = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(content, out, ensure_ascii=False)
    Path(draft).replace(file)
