"""Explanation: token maps of an analysis' images, computed for those that lack them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from . import analysis
from .errors import ImageError
from .folder import Skipped
from .identification import relevance, store
from .learning import embedding
from .learning.detector import Detector, encoder_of
from .learning.embedding import EmbeddingSettings
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
    loading = EmbeddingSettings(batch=BATCH, shard=BATCH, workers=workers, equalise=made.info["equalise"])

    def prepare(row: int) -> torch.Tensor | Skipped:
        try:
            return eye.prepare(embedding.read(made.path(row), eye, loading))
        except ImageError as error:
            return Skipped(str(made.path(row)), str(error))

    done = len(wanted) - len(todo)
    for batch in embedding.ahead(prepare, todo.tolist(), loading):
        rows_here = todo[done - (len(wanted) - len(todo)) :]
        seen = {row: each for row, each in zip(rows_here, batch, strict=False) if isinstance(each, torch.Tensor)}
        skipped += [each for each in batch if isinstance(each, Skipped)]
        if seen:
            found = relevance.token_maps(eye, detector, torch.stack([*seen.values()]).to(eye.device), method=method)
            kept.write([*seen], *(each.float().cpu().numpy() for each in (found.maps, found.remainder)))
        done += len(batch)
        report(done, len(wanted))
        if stop():
            break
    return tuple(skipped)
