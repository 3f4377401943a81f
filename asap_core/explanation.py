"""Explanation: token maps of an analysis' images, computed for those that lack them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from . import analysis, maps
from .analysis import Analysis
from .errors import AnalysisError, ImageError
from .folder import Skipped
from .identification import relevance, store
from .identification.ordinary import reference
from .learning import embedding
from .learning.detector import Detector, encoder_of
from .learning.embedding import EmbeddingSettings
from .learning.encoder import Encoder
from .maps import Maps, Reference
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
    then: Callable[[NDArray[np.intp]], None] = lambda rows: None,
) -> tuple[Skipped, ...]:
    """Compute and keep the token maps of some rows (all by default) of the analysis in `folder`.

    What is there already is not computed again; killed or stopped, the same call goes on from there. `then` is told
    the rows of each batch that was kept. Returns the images that cannot be read any more, whose maps stay missing.
    """
    made = analysis.load(folder)
    kept = store.read(made, method)
    wanted = np.arange(made.n) if rows is None else np.unique(np.asarray(rows, np.intp))
    todo, skipped = wanted if kept is None else wanted[~kept.done[wanted]], []
    done = len(wanted) - len(todo)
    report(done, len(wanted))
    if not len(todo):
        return ()
    eye, detector = encoder_of(made, device), Detector.of(made.built)
    for seen, images, lost in prepared(made, eye, todo, BATCH, workers):
        skipped += lost
        if len(seen):
            found = relevance.token_maps(eye, detector, images.to(eye.device), method=method)
            laid = [each.float().cpu().numpy() for each in (found.maps, found.remainder, found.profile)]
            box = [eye.tower.box((width, height)) for width, height in made.arrays["size"][seen].tolist()]
            kept = store.open_for_writing(made, method, found.profile.shape[2])
            kept.write(seen, laid[0], laid[1], laid[2], np.array(box, np.float32))
            then(seen)
        done += len(seen) + len(lost)
        report(done, len(wanted))
        if stop():
            break
    return tuple(skipped)


def compared(
    folder: Path,
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Maps | None:
    """The maps of an analysis, with what they are compared with: real images' maps.

    Those are computed and kept by `explain`; of those that can be read, if some are lost. None where it was
    stopped; AnalysisError where no image is real.
    """
    made = analysis.load(folder)
    found, rows = Maps.of(made), reference(made)
    if found is not None:
        report(len(rows), len(rows))
        return found
    explain(made.built, rows, device=device, workers=workers, report=report, stop=stop)
    if stop():
        return None
    kept = store.read(made, maps.METHOD)
    there = rows if kept is None else rows[kept.done[rows]]
    if kept is None or not len(there):
        raise AnalysisError(f"{folder} has no real image that can be read: what is ordinary is not known")
    Reference.of(kept, there).keep(kept)
    return Maps.of(made)


def complete(
    folder: Path,
    rows: Sequence[int] | NDArray | None = None,
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Skipped, ...]:
    """Compute and keep all that the page shows of some rows (all by default): first the reference, then maps and
    sensitivities, batch by batch.

    Stopped or killed, the same call goes on from there. Without real images there are maps, and no sensitivities.
    Returns the images that cannot be read any more.
    """
    made = analysis.load(folder)
    wanted, first = np.arange(made.n) if rows is None else np.unique(np.asarray(rows, np.intp)), reference(made)
    if not len(first):
        return explain(made.built, wanted, device=device, workers=workers, report=report, stop=stop)
    total, beside = len(np.union1d(wanted, first)), len(np.setdiff1d(first, wanted))
    known = compared(made.built, device, workers, lambda done, _: report(done, total), stop)
    if known is None:
        return ()
    kept = store.open_for_writing(made, maps.METHOD, known.kept.profile.shape[2])

    def weigh(some: NDArray[np.intp]) -> None:
        kept.weigh(some, known.weigh(some))

    unweighed = wanted[kept.done[wanted] & np.isnan(kept.sensitivity[wanted])]
    there = beside + int(kept.done[wanted].sum()) - len(unweighed)
    for start in range(0, len(unweighed), BATCH):
        if stop():
            return ()
        weigh(unweighed[start : start + BATCH])
        report(there + min(start + BATCH, len(unweighed)), total)
    return explain(
        made.built, wanted, device=device, workers=workers, report=lambda done, _: report(beside + done, total),
        stop=stop, then=weigh,
    )  # fmt: skip


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
