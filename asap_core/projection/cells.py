"""Cells: a plane cut into squares, level by level, and who is in each.

Sides are powers of two and positions lie in 0..1, so a cell of a coarser side is exactly the union of four
cells of the next finer one: multiplying by a power of two rounds nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDES = (8, 16, 32, 64)


@dataclass(frozen=True)
class Cells:
    """The occupied cells and their images: cell j holds `rows[starts[j]:starts[j + 1]]`."""

    codes: NDArray[np.int32]  # (m,) ascending; row * side + column, row 0 at the top
    starts: NDArray[np.int64]  # (m + 1,)
    rows: NDArray[np.int64]  # (n,) the images' rows, cell after cell, ascending within a cell

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many images each cell holds, (m,)."""
        return np.diff(self.starts)

    @property
    def owner(self) -> NDArray[np.int64]:
        """Which cell, 0 to m - 1, each of `rows` is in, (n,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def of(self, code: int) -> NDArray[np.int64]:
        """The images of one cell by its code, ascending; none where the cell is empty."""
        j = int(np.searchsorted(self.codes, code))
        if j == len(self) or self.codes[j] != code:
            return self.rows[:0]
        return self.rows[self.starts[j] : self.starts[j + 1]]


def cut(positions: NDArray, side: int) -> NDArray[np.int32]:
    """The cell of each image, (n,): row * side + column; y points up, so row 0 holds the largest y.

    positions (n, 2), each 0 to 1; the far edges belong to the last cell.
    """
    assert side in SIDES, f"side {side} is not one of {SIDES}"
    assert positions.ndim == 2 and positions.shape[1] == 2, f"positions of shape {positions.shape}"
    assert np.isfinite(positions).all(), "a position is not a number"
    steps = np.clip(np.floor(positions * side), 0, side - 1).astype(np.int32)  # (n, 2) column, height
    return (side - 1 - steps[:, 1]) * side + steps[:, 0]


def members(codes: NDArray, rows: NDArray | None = None) -> Cells:
    """Group images by cell: codes (n,) as `cut` gives them; `rows` (r,) keeps only those images."""
    chosen = np.arange(len(codes)) if rows is None else np.unique(np.asarray(rows, np.int64))
    assert chosen.size == 0 or chosen[0] >= 0, "a negative row"
    order = np.argsort(codes[chosen].astype(np.int16), kind="stable")  # 64 * 64 codes fit: a radix sort
    grouped = codes[chosen][order]  # (r,) ascending
    first = np.flatnonzero(np.diff(grouped, prepend=-1))  # (m,)
    starts = np.append(first, len(grouped)).astype(np.int64)
    return Cells(grouped[first].astype(np.int32), starts, chosen[order].astype(np.int64))
