"""Detector: all that was learnt (L2, L3, L4), as it is kept in an analysis and applied to new images."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from .. import analysis
from ..analysis import Analysis
from ..errors import AnalysisError, EncoderError
from . import encoder, spelling, verdicts
from .distiller import Distiller
from .encoder import Encoder, EncoderSettings
from .spelling import Standard


@dataclass(frozen=True)
class Detector:
    """The way from an encoder's reading to a verdict; every step is linear but for two normalisations."""

    standard: Standard
    matrix: NDArray[np.float32]  # (k, e), forget to spell
    distiller: Distiller

    def judge(self, readings: NDArray) -> "Judged":
        """Readings (n, e) -> distilled vectors, logits and calibrated scores."""
        return self.judge_spell_free(spelling.forget(readings, self.standard, self.matrix))

    def judge_spell_free(self, spell_free: NDArray[np.float32]) -> "Judged":
        """The same from spell-free vectors (n, k)."""
        distilled = self.distiller.distil(spell_free)  # (n, d)
        logits = self.distiller.logits(distilled)  # (n,)
        return Judged(spell_free, distilled, logits, verdicts.score(logits, self.distiller.temperature))

    def to_bytes(self) -> bytes:
        """A safetensors file's content."""
        d = self.distiller
        tensors = {
            "standard.mean": self.standard.mean,
            "standard.scale": self.standard.scale,
            "spelling.matrix": self.matrix,
            "distiller.weight": d.weight,
            "distiller.bias": d.bias,
            "distiller.real_mean": d.real_mean,
            "head.weight": d.head,
            "head.offset": np.array([d.offset]),
            "temperature": np.array([d.temperature]),
        }
        return save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})

    @classmethod
    def of(cls, analysis_folder: Path) -> "Detector":
        """The detector that an analysis holds; raise AnalysisError where its weights are damaged."""
        file = analysis_folder / "weights.safetensors"
        try:
            tensors = load(analysis.content(analysis_folder, file.name))  # verified
            return cls(
                Standard(tensors["standard.mean"], tensors["standard.scale"]),
                tensors["spelling.matrix"],
                Distiller(
                    weight=tensors["distiller.weight"],
                    bias=tensors["distiller.bias"],
                    head=tensors["head.weight"],
                    offset=float(tensors["head.offset"][0]),
                    temperature=float(tensors["temperature"][0]),
                    real_mean=tensors["distiller.real_mean"],
                ),
            )
        except (OSError, SafetensorError, KeyError) as error:
            raise AnalysisError(f"{file} cannot be read ({error}); build the analysis again") from error


@dataclass(frozen=True)
class Judged:
    """What a detector says of images, row by row."""

    spell_free: NDArray[np.float32]  # (n, k)
    distilled: NDArray[np.float32]  # (n, d)
    logits: NDArray[np.float32]  # (n,), > 0 is fake
    scores: NDArray[np.float32]  # (n,), calibrated


def encoder_of(made: Analysis, device: str | None, text: bool = False) -> Encoder:
    """The encoder that an analysis was made with, with its text tower if asked; raise EncoderError where other weights
    are found."""
    facts = made.info["encoder"]
    opened = _opened(EncoderSettings(facts["name"], facts["layers"], device), text)
    if opened.identity != facts["identity"]:
        raise EncoderError(
            f"{made.folder} was made with the encoder {facts['identity']!r}, found was {opened.identity!r}; "
            "put the same weights in place, or build that analysis again"
        )
    return opened


@lru_cache(maxsize=2)
def _opened(settings: EncoderSettings, text: bool) -> Encoder:
    """The last encoder stays open, with and without text: whoever asks one thing after another waits for it once."""
    return encoder.open(settings, text)
