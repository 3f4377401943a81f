"""Texts: what people look for in images in their own words, as the encoder reads it.

A text is read once by the encoder's text tower, which is slow to open, and kept beside the analysis (`texts/`) as a
unit vector of the joint space. From then on numpy alone finds the images that come nearest to it.
"""

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import integrity
from .analysis import Analysis
from .errors import AnalysisError, SettingsError

FOLDER = "texts"
LONGEST = 200  # characters
PIECE = 8192  # images at a time: half precision on disk, and what is converted stays in the processor's cache


def tidy(words: str) -> str:
    """A text as it is kept; SettingsError for none, and for one that is too long."""
    text = " ".join(words.split())
    if not 0 < len(text) <= LONGEST:
        raise SettingsError(f"a text of {len(text)} characters: expected 1 to {LONGEST}")
    return text


def known(made: Analysis, words: str) -> NDArray[np.float32] | None:
    """The unit vector (e,) of a text that has been read; None where it has not."""
    try:
        return np.load(io.BytesIO(integrity.body(_file(made, words))), allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise AnalysisError(f"{_file(made, words)} is damaged ({error}); delete it, and it is read again") from error


def read(made: Analysis, words: str, device: str | None = None) -> NDArray[np.float32]:
    """The unit vector (e,) of a text, read now if need be, and kept; EncoderError where the model cannot be had."""
    from .learning.detector import encoder_of  # needs torch, which the page's web process does without

    found = known(made, words)
    if found is None:
        found = encoder_of(made, device, text=True).describe([tidy(words)])[0]
        keep(made, words, found)
    return found


def keep(made: Analysis, words: str, vector: NDArray[np.float32]) -> None:
    """Keep what a text was read as, a unit vector (e,)."""
    written = io.BytesIO()
    np.save(written, vector)
    integrity.keep(_file(made, words), written.getvalue())


def closeness(made: Analysis, words: str) -> NDArray[np.float32]:
    """The cosine of each image's joint embedding with a text, (n,); SettingsError for a text that nobody has read."""
    text = known(made, words)
    if text is None:
        raise SettingsError(f"the encoder has not read {tidy(words)!r} yet: search for it on the page")
    return cosines(made.arrays["joint"], text)


def cosines(vectors: NDArray, one: NDArray) -> NDArray[np.float32]:
    """The cosine of each of vectors (n, e) with one of them or another, (e,): (n,)."""
    mine = np.asarray(one, np.float32)
    found, size = np.empty(len(vectors), np.float32), float(np.linalg.norm(mine))
    for start in range(0, len(vectors), PIECE):
        some = np.asarray(vectors[start : start + PIECE], np.float32)
        lengths = np.sqrt(np.einsum("nk,nk->n", some, some)) * size
        found[start : start + PIECE] = some @ mine / np.maximum(lengths, 1e-12)
    return found


def _file(made: Analysis, words: str) -> Path:
    named = hashlib.sha256(f"{made.fingerprint} {tidy(words)}".encode()).hexdigest()[:20]
    return made.derived / FOLDER / f"{named}.npy"
