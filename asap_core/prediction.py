"""Prediction: what an analysis' detector, the mean of its heads, says of new images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from PIL import Image

from . import analysis, tables
from .errors import CatalogueError, ImageError
from .folder import Skipped, walk
from .learning import embedding, verdicts
from .learning.detector import Detector, encoder_of
from .learning.embedding import EmbeddingSettings
from .progress import Clock

COLUMNS = ("path", "is_fake", "score", "logit", "inconclusive", "dimensions")
TOP = 3


@dataclass(frozen=True)
class Prediction:
    """The verdict on one image; `dimensions` are the strongest (number, contribution in logits)."""

    path: str
    is_fake: bool
    score: float
    logit: float
    inconclusive: bool
    dimensions: tuple[tuple[int, float], ...]

    def values(self) -> tuple[str | Decimal, ...]:
        """One text or number a column."""
        dimensions = " ".join(f"{number}:{contribution:+.3f}" for number, contribution in self.dimensions)
        fake, unsure = str(self.is_fake).lower(), str(self.inconclusive).lower()
        score, logit = Decimal(f"{self.score:.4f}"), Decimal(f"{self.logit:.4f}")
        return tables.as_path(self.path), fake, score, logit, unsure, dimensions


@dataclass(frozen=True)
class Found:
    """The predictions, in the order of the images given, and what could not be judged."""

    predictions: tuple[Prediction, ...]
    skipped: tuple[Skipped, ...]


def predict(folder: Path, given: Sequence[Path], device: str | None, workers: int | None, clock: Clock) -> Found:
    """Judge files, and all images below folders, as the analysis in `folder` judges.

    An image that cannot be read is skipped with its reason; CatalogueError if none can.
    """
    made = analysis.load(folder)
    detector = Detector.of(made.built)
    eye = encoder_of(made, device)
    loading = EmbeddingSettings(workers=workers, equalise=made.info["equalise"])
    files, skipped = _files(given)
    read: list[Path] = []

    def pictures() -> Iterator[Image.Image]:
        for file in files:
            try:
                yield embedding.read(file, eye, loading)
                read.append(file)
            except ImageError as error:
                skipped.append(Skipped(str(file), str(error).removeprefix(f"{file}: ")))

    with clock.stage("predict", len(files)) as report:
        embeddings = embedding.encode_images(eye, pictures(), loading, lambda done, _: report(done, len(files)))
    if not read:
        reasons = "; ".join(f"{each.path}: {each.reason}" for each in skipped[:3])
        raise CatalogueError(f"none of {len(given)} path(s) holds a readable image ({reasons or 'all are empty'})")
    return Found(tuple(_predictions(detector, read, embeddings.reading)), tuple(skipped))


def _files(given: Sequence[Path]) -> tuple[list[Path], list[Skipped]]:
    files, skipped = [], []
    for path in given:
        if path.is_dir():
            walked = walk(path)
            files += [path / file.path for file in walked.files if file.named_as_image]
            skipped += [Skipped(str(path / each.path), each.reason) for each in walked.skipped]
        elif path.is_file():
            files.append(path)
        else:
            skipped.append(Skipped(str(path), "does not exist"))
    return files, skipped


def _predictions(detector: Detector, files: Sequence[Path], readings: np.ndarray) -> Iterator[Prediction]:
    judged = detector.judge(readings)
    contributions, _ = detector.distiller.contributions(judged.distilled)  # (n, d)
    strongest = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :TOP]  # (n, 3)
    unsure = verdicts.inconclusive(judged.scores)
    for row, file in enumerate(files):
        yield Prediction(
            path=str(file),
            is_fake=bool(judged.logits[row] > 0),
            score=float(judged.scores[row]),
            logit=float(judged.logits[row]),
            inconclusive=bool(unsure[row]),
            dimensions=tuple((int(j) + 1, float(contributions[row, j])) for j in strongest[row]),
        )


def table(predictions: Sequence[Prediction]) -> str:
    """Predictions for people, a line an image."""
    lines = [f"{'verdict':<14}{'score':>6}{'logit':>8}  strongest dimensions (logits, + toward fake)"]
    for each in predictions:
        verdict = ("fake" if each.is_fake else "real") + ("?" if each.inconclusive else "")
        dimensions = "  ".join(f"{number}: {contribution:+.2f}" for number, contribution in each.dimensions)
        lines.append(f"{verdict:<14}{each.score:>6.2f}{each.logit:>+8.2f}  {dimensions:<36}  {each.path}")
    if any(each.inconclusive for each in predictions):
        low, high = verdicts.INCONCLUSIVE
        lines.append(f"? inconclusive: a calibrated score between {low} and {high}")
    return "\n".join(lines)
