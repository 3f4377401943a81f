"""Folds for out-of-fold verdicts: stratified by class, and images of one group never apart. numpy only."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cut(is_fake: ArrayLike, groups: ArrayLike, folds: int, seed: int) -> NDArray[np.int32]:
    """The fold of each image, (n,) 0..folds-1.

    Both classes are spread evenly, rare ones too. Groups of several images (duplicates) are placed first,
    the largest first, each where its classes are rarest; single images then level the folds.
    """
    fake = np.asarray(is_fake, bool)
    rng = np.random.default_rng(seed)
    _, group, size = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)  # (n,), (g,)
    fakes = np.bincount(group, fake, len(size)).astype(np.int64)  # (g,)
    make_up = np.stack([size - fakes, fakes], 1)  # (g, 2) real, fake
    place = np.zeros(len(size), np.int32)  # (g,)
    held = np.zeros((folds, 2), np.int64)
    share = np.maximum(make_up.sum(0), 1) / folds  # (2,)
    shuffled = rng.permutation(len(size))
    for g in shuffled[np.argsort(-size[shuffled], kind="stable")][: np.count_nonzero(size > 1)]:
        place[g] = np.argmin((make_up[g] / share) @ (held / share).T)
        held[place[g]] += make_up[g]
    for kind in (0, 1):
        single = shuffled[(size[shuffled] == 1) & (make_up[shuffled, kind] == 1)]
        place[single] = _level(held[:, kind], len(single))
    return place[group]


def most(is_fake: ArrayLike, groups: ArrayLike) -> int:
    """How many folds the rarer class can fill: the groups it appears in."""
    fake, groups = np.asarray(is_fake, bool), np.asarray(groups)
    return min(len(np.unique(groups[fake])), len(np.unique(groups[~fake])))


def _level(held: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The fold of each of n further images, (n,), always into the emptiest: as water fills a vessel."""
    heights = held[:, None] + np.arange(n)  # (folds, n)
    order = np.argsort(heights, axis=None, kind="stable")
    order = order[np.argsort(heights.ravel()[order], kind="stable")][:n]
    return order // max(n, 1)
