"""How far do colour statistics alone tell real from fake? The floor that any detector has to be held against.

`python -m tests.bench.colours DATA [--limit N]`; DATA holds cifake-train.zip and cifake-test.zip. Of each image, of its
pixels in RGB: means, deviations, skewnesses, the correlations of the channels, and a histogram of each channel. Then
logistic regression, standardised, fitted on the training set and judged on the test set; Wilson's interval.
"""

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from asap_core import catalogue
from asap_core.catalogue import CatalogueSettings
from asap_core.projection.glyphs import wilson

BINS = 16
SEED = 0
PENALTY = 0.1  # scikit-learn's C


def statistics(file: Path) -> NDArray[np.float64]:
    """What the colours of an image are, without where they are: (60,)."""
    with Image.open(file) as picture:
        pixels = np.asarray(picture.convert("RGB"), np.float64).reshape(-1, 3) / 255
    mean, deviation = pixels.mean(0), pixels.std(0) + 1e-6
    standard = (pixels - mean) / deviation
    together = (standard.T @ standard / len(pixels))[np.triu_indices(3, 1)]
    counts = [np.histogram(channel, BINS, (0, 1))[0] / len(pixels) for channel in pixels.T]
    return np.concatenate([mean, deviation, (standard**3).mean(0), together, *counts])


def read(folder: Path, limit: int | None) -> tuple[NDArray, NDArray[np.bool_]]:
    """The statistics of a collection's images (n, 60), and which are fake (n,)."""
    images = catalogue.read(folder, CatalogueSettings(limit, SEED))
    assert images.is_fake is not None, "the folders say what is real"
    return np.stack([statistics(images.root / path) for path in images.paths]), images.is_fake


def main(arguments: list[str]) -> int:
    """Print the figure."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.colours", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--limit", type=int, help="images of each set, for a quick look")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        sets = []
        for name in ("cifake-train", "cifake-test"):
            with zipfile.ZipFile(options.data / f"{name}.zip") as archive:
                archive.extractall(Path(scratch) / name)
            sets.append(read(Path(scratch) / name, options.limit))
    (learnt, truth), (judged, is_fake) = sets
    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=2000)).fit(learnt, truth)
    right = model.predict(judged) == is_fake
    low, high = wilson(right.sum(), np.asarray(len(right)))
    print(f"colour statistics, {len(judged):,} images after {len(learnt):,}: accuracy {right.mean():.1%} "
          f"({low:.1%} to {high:.1%})")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
