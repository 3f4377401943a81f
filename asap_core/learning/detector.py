"""Detector: all that was learnt (L2, L3, L4), as it is kept in an analysis and applied to images."""

from dataclasses import dataclass, replace
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

    def judge(self, readings: NDArray, folds: NDArray | None = None) -> "Judged":
        """Readings (n, e) -> distilled vectors, logits and calibrated scores.

        Images of the collection are judged by the heads of their folds (n,), new ones by the mean head.
        """
        return self.judge_spell_free(spelling.forget(readings, self.standard, self.matrix), folds)

    def judge_spell_free(self, spell_free: NDArray[np.float32], folds: NDArray | None = None) -> "Judged":
        """The same from spell-free vectors (n, k)."""
        distilled = self.distiller.distil(spell_free)  # (n, d)
        logits = self.distiller.logits(distilled, folds)  # (n,)
        return Judged(spell_free, distilled, logits, verdicts.score(logits, self.distiller.temperature))

    def of_fold(self, fold: int) -> "Detector":
        """With the head of one fold alone."""
        return replace(self, distiller=self.distiller.of_fold(fold))

    def to_bytes(self) -> bytes:
        """A safetensors file's content; `folds.lines` and `folds.constants` are the heads as they read spell-free
        vectors, for programs that have no use for dimensions."""
        d = self.distiller
        lines, constants = d.lines
        tensors = {
            "standard.mean": self.standard.mean,
            "standard.scale": self.standard.scale,
            "spelling.matrix": self.matrix,
            "distiller.weight": d.weight,
            "distiller.bias": d.bias,
            "distiller.real_mean": d.real_mean,
            "heads.weight": d.heads,
            "heads.offset": d.offsets,
            "folds.lines": lines.astype(np.float32),
            "folds.constants": constants.astype(np.float32),
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
                    heads=tensors["heads.weight"],
                    offsets=tensors["heads.offset"],
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
