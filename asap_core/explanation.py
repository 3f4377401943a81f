"""Explanation: token maps of an analysis' images, computed for those that lack them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from . import analysis
from .analysis import Analysis
from .errors import AnalysisError, ImageError
from .folder import Skipped
from .identification import relevance, store
from .identification.ordinary import ENOUGH
from .identification.ordinary import ordinary as mean_map
from .learning import embedding
from .learning.detector import Detector, encoder_of
from .learning.embedding import EmbeddingSettings
from .learning.encoder import Encoder
from .progress import Report, silent

BATCH = 32  # images whose maps a kill can cost


def explain(
    folder: Path,
    rows: Sequence[int] | NDArray | None = None,
    method: str = "direct",
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Skipped, ...]:
    """Compute and keep the token maps of some rows (all by default) of the analysis in `folder`.

    What is there already is not computed again; killed or stopped, the same call goes on from there. Returns the
    images that cannot be read any more, whose maps stay missing.
    """
    made = analysis.load(folder)
    kept = store.open_for_writing(made, method)
    wanted = np.arange(made.n) if rows is None else np.unique(np.asarray(rows, np.intp))
    todo, skipped = wanted[~kept.done[wanted]], []
    report(len(wanted) - len(todo), len(wanted))
    if not len(todo):
        return ()
    eye, detector = encoder_of(made, device), Detector.of(folder)
    done = len(wanted) - len(todo)
    for seen, images, lost in prepared(made, eye, todo, BATCH, workers):
        skipped += lost
        if len(seen):
            found = relevance.token_maps(eye, detector, images.to(eye.device), method=method)
            kept.write(seen, *(each.float().cpu().numpy() for each in (found.maps, found.remainder)))
        done += len(seen) + len(lost)
        report(done, len(wanted))
        if stop():
            break
    return tuple(skipped)


def ordinary(
    folder: Path,
    method: str = "direct",
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
) -> NDArray[np.float32]:
    """The mean token maps (T, g, g) of an analysis' real images, or of those judged real where the truth is not known.

    Of a seeded sample, whose maps are computed and kept by `explain`. AnalysisError where no image is real.
    """
    made = analysis.load(folder)
    real = np.flatnonzero(made.logits <= 0 if made.is_fake is None else ~made.is_fake)
    some = np.sort(np.random.default_rng(made.info["seed"]).permutation(real)[:ENOUGH])
    explain(folder, some, method, device, workers, report)
    kept = store.read(made, method)
    there = some[kept.done[some]] if kept is not None and len(some) else some[:0]
    if kept is None or not len(there):
        raise AnalysisError(f"{folder} has no real image that can be read: what is ordinary is not known")
    return mean_map(kept.maps[there])


def prepared(
    made: Analysis, eye: Encoder, rows: Sequence[int] | NDArray, batch: int, workers: int | None = None
) -> Iterator[tuple[NDArray[np.intp], torch.Tensor, list[Skipped]]]:
    """An analysis' images as its encoder saw them, by the batch: rows (m,), prepared (m, 3, s, s), those lost."""
    loading = EmbeddingSettings(batch=batch, shard=batch, workers=workers, equalise=made.info["equalise"])

    def prepare(row: int) -> tuple[int, torch.Tensor | Skipped]:
        try:
            return row, eye.prepare(embedding.read(made.path(row), eye, loading))
        except ImageError as error:
            return row, Skipped(str(made.path(row)), str(error))

    side = eye.tower.image_size
    for some in embedding.ahead(prepare, np.asarray(rows, np.intp).tolist(), loading):
        seen = {row: each for row, each in some if isinstance(each, torch.Tensor)}
        images = torch.stack([*seen.values()]) if seen else torch.zeros((0, 3, side, side), dtype=torch.uint8)
        yield np.array([*seen], np.intp), images, [each for _, each in some if isinstance(each, Skipped)]
