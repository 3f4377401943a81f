"""Every image is in exactly one cell, and coarser cells are unions of finer ones."""

import numpy as np
import pytest

from asap_core.projection import cells


@pytest.fixture
def positions():
    """Random positions, the corners, and points on and beside the lines of every grid, (n, 2)."""
    rng = np.random.default_rng(3)
    corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
    lines = rng.integers(0, 65, (500, 2)) / 64
    beside = np.clip(np.nextafter(lines.astype(np.float32), np.float32(0)), 0, 1)
    return np.concatenate([rng.random((5_000, 2)), corners, lines, beside]).astype(np.float32)


@pytest.mark.parametrize("side", cells.SIDES)
def test_a_cell_is_the_square_around_its_images(positions, side):
    codes = cells.cut(positions, side)
    assert codes.dtype == np.int32
    for (x, y), code in zip(positions.astype(float), codes, strict=True):
        row, column = divmod(int(code), side)
        assert column / side <= x < (column + 1) / side or (x == 1 and column == side - 1)
        assert (side - 1 - row) / side <= y < (side - row) / side or (y == 1 and row == 0)


def test_row_0_is_at_the_top():
    assert cells.cut(np.array([[0, 1], [1, 1], [0, 0], [1, 0]]), 8).tolist() == [0, 7, 56, 63]


@pytest.mark.parametrize("side", cells.SIDES[1:])
def test_coarser_cells_are_exact_unions_of_finer_ones(positions, side):
    row, column = np.divmod(cells.cut(positions, side), side)
    np.testing.assert_array_equal(row // 2 * (side // 2) + column // 2, cells.cut(positions, side // 2))


@pytest.mark.parametrize("side", cells.SIDES)
def test_every_image_is_in_exactly_one_cell(positions, side):
    codes = cells.cut(positions, side)
    grouped = cells.members(codes)
    assert sorted(grouped.rows.tolist()) == list(range(len(positions)))
    assert grouped.codes.tolist() == sorted(set(codes.tolist()))
    assert grouped.counts.sum() == len(positions) and (grouped.counts > 0).all()
    for j, code in enumerate(grouped.codes):
        rows = grouped.rows[grouped.starts[j] : grouped.starts[j + 1]]
        assert rows.tolist() == [i for i, c in enumerate(codes) if c == code]
        assert grouped.of(code).tolist() == rows.tolist()
        assert (grouped.owner[grouped.starts[j] : grouped.starts[j + 1]] == j).all()


def test_a_subset_of_rows(positions):
    codes = cells.cut(positions, 16)
    rows = np.random.default_rng(0).permutation(len(codes))[:700]
    grouped = cells.members(codes, rows)
    assert sorted(grouped.rows.tolist()) == sorted(rows.tolist())
    for j, code in enumerate(grouped.codes):
        members = grouped.rows[grouped.starts[j] : grouped.starts[j + 1]]
        assert members.tolist() == sorted(i for i in rows if codes[i] == code)


def test_no_rows_no_cells(positions):
    grouped = cells.members(cells.cut(positions, 8), np.zeros(0, int))
    assert len(grouped) == 0 and grouped.starts.tolist() == [0] and grouped.of(3).size == 0


def test_a_position_that_is_not_a_number_is_refused():
    with pytest.raises(AssertionError, match="not a number"):
        cells.cut(np.array([[0.5, np.nan]]), 8)
