"""Token maps for a toy analysis, without torch: strong where the flaws are drawn, faint elsewhere.

A fake's second sun speaks through dimension 0, its chequered hill through dimension 3, as loudly as the verdict says;
what else moves a verdict lies somewhere, through dimension 6 toward fake or 1 toward real.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asap_core.analysis import Analysis
from asap_core.identification import ordinary, store
from asap_core.maps import METHOD, Maps, Reference

from . import toy

GRID = 7
BLOCKS = 4
SEEN = ((toy.WIDTH - toy.HEIGHT) / 2, 0.0, (toy.WIDTH + toy.HEIGHT) / 2, float(toy.HEIGHT))  # a square in the middle
TOKEN = toy.HEIGHT / GRID  # pixels
SUN, HILL, FAKE, REAL = 0, 3, 6, 1  # dimensions
EXACT = 1000  # rows whose sensitivities are computed; those beyond have nearly theirs


def explained(made: Analysis, rows: Sequence[int] | NDArray | None = None, seed: int = 0) -> Maps:
    """Write maps, boxes, profiles and sensitivities of some rows (all by default) and of the reference; open them.

    `seed` is the one the toy was made with.
    """
    first = ordinary.reference(made)
    wanted = np.arange(made.n) if rows is None else np.union1d(first, np.asarray(rows, np.intp))
    kept = store.open_for_writing(made, METHOD, BLOCKS)
    for some in np.array_split(wanted, range(500, len(wanted), 500)):
        said = _maps(made, some, seed)  # (m, d, g, g) in logits
        own = said / made.judging(some)[0][:, :, None, None]
        maps = np.concatenate([own, said.sum(1, keepdims=True)], 1)  # (m, T, g, g)
        values = np.concatenate([made.distilled[some], made.logits[some, None]], 1)
        depth = np.linspace(1, 3, BLOCKS) ** np.linspace(-1, 1, maps.shape[1])[:, None]  # (T, blocks)
        profile = maps.sum((2, 3))[..., None] * depth / depth.sum(1, keepdims=True)
        kept.write(some, maps, values - maps.sum((2, 3)), profile, np.tile(np.array(SEEN), (len(some), 1)))
    Reference.of(made, kept, first).keep(kept)
    known = Maps.of(made)
    assert known is not None, "the reference was written"
    kept.weigh(wanted[:EXACT], known.weigh(wanted[:EXACT]))
    for some in np.array_split(wanted[EXACT:], 20):
        loud, toward = known.unusual(some)[0][:, -1], np.where(made.logits[some] > 0, 1, -1)[:, None, None]
        kept.weigh(some, np.where(loud * toward > known.level[-1], loud * toward, 0).sum((1, 2)))
    return known


def second_sun(made: Analysis, row: int, seed: int = 0) -> tuple[float, float]:
    """Where a fake's twin of the sun is drawn: across and down, in pixels."""
    dice = np.random.default_rng(seed * 1_000_003 + int(Path(made.paths[row]).stem))
    for _ in range(2):
        x, y, _ = dice.uniform(30, toy.WIDTH - 30), dice.uniform(30, 90), dice.uniform(11, 20)
    return x, y


def _maps(made: Analysis, rows: NDArray, seed: int) -> NDArray[np.float32]:
    """What each dimension's map says in logits, (m, d, g, g)."""
    dice = np.random.default_rng([seed, *rows[:1]])
    maps = dice.normal(0, 0.02, (len(rows), toy.DIMENSIONS, GRID, GRID)).astype(np.float32)
    maps += np.linspace(-0.1, 0.1, GRID, dtype=np.float32)[:, None]  # what is ordinary: the sky, the ground
    truth = made.arrays.get("is_fake", made.logits > 0)
    for number, row in enumerate(rows.tolist()):
        loud = min(float(np.log1p(np.exp(made.logits[row]))), 6.0)  # toward fake
        calm = min(float(np.log1p(np.exp(-made.logits[row]))), 6.0)
        if truth[row]:
            x, y = second_sun(made, row, seed)
            maps[number, SUN] += _blob((x - SEEN[0]) / TOKEN, y / TOKEN, 0.45 * loud)
            maps[number, HILL, -1] += 0.1 * loud
        else:
            maps[number, FAKE] += _blob(dice.uniform(1, GRID - 1), dice.uniform(1, GRID - 1), 0.3 * max(loud - 0.5, 0))
        maps[number, REAL] -= _blob(dice.uniform(1, GRID - 1), dice.uniform(1, GRID - 1), 0.3 * max(calm - 0.5, 0))
    return maps


def _blob(across: float, down: float, height: float) -> NDArray[np.float32]:
    """A hill of a map, (g, g), its top at a place in tokens."""
    centre = np.arange(GRID) + 0.5
    away = (centre - across) ** 2 + (centre[:, None] - down) ** 2
    return (height * np.exp(-away / 1.2)).astype(np.float32)
