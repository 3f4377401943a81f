"""Truth: where the flaws of a collection lie, if its manifest says so.

The column `masks` names pictures, relative to the manifest's folder and parted by semicolons, that are white where a
flaw is, each as large as its image. The demo collection has them.
"""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from .analysis import Analysis
from .errors import AnalysisError
from .learning.tower import ClipTower

COLUMN = "masks"
WHITE = 128  # and above


def known(made: Analysis) -> NDArray[np.bool_]:
    """Which images of an analysis have masks, (n,)."""
    return np.array([bool(text) for text in made.metadata.get(COLUMN, [None] * made.n)])


def flaw(made: Analysis, row: int, tower: ClipTower, grid: tuple[int, int]) -> NDArray[np.float32]:
    """The share of each token of an image that lies on its flaws (rows, columns); AnalysisError for a missing mask."""
    whole: Image.Image | None = None
    for name in str(made.metadata[COLUMN][row]).split(";"):
        mask = _mask(made.root / name)
        whole = mask if whole is None else ImageChops.lighter(whole, mask)
    assert whole is not None
    width, height = whole.size
    left, top, right, bottom = tower.box((width, height))
    over = math.ceil(max(0.0, -left, -top, right - width, bottom - height))  # a padded image is seen beyond its edge
    canvas = Image.new("L", (width + 2 * over, height + 2 * over))
    canvas.paste(whole, (over, over))
    seen = (left + over, top + over, right + over, bottom + over)
    shares = canvas.convert("F").resize((grid[1], grid[0]), Image.Resampling.BOX, seen)
    return np.clip(np.asarray(shares, np.float32) / np.float32(255), 0, 1)


def _mask(file: Path) -> Image.Image:
    try:
        with Image.open(file) as opened:
            return opened.convert("L").point([255 * (value >= WHITE) for value in range(256)])
    except OSError as error:
        raise AnalysisError(f"the mask {file}, which the manifest names, cannot be read: {error}") from error
