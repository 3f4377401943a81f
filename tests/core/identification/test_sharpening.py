"""Maps finer than tokens: every cell is the mean of the windows that cover it, number by number."""

from pathlib import Path

import numpy as np
import pytest
import torch

from asap_core.errors import SettingsError
from asap_core.identification import relevance
from asap_core.identification.sharpening import sharpened
from tests.core.identification.test_relevance import opened, pictures, random_detector


@pytest.mark.parametrize(("name", "fractions"), [("asap-plain", 2), ("asap-plain", 4), ("mini", 2)])
def test_a_cell_is_the_mean_of_the_windows_that_cover_it(towers: Path, name: str, fractions: int):
    eye = opened(towers, name, "all")
    detector, images = random_detector(eye.width), pictures(eye, 2)
    found = sharpened(eye, detector, images, [1, "logit"], fractions=fractions)
    rows, columns = eye.grid
    side, step = images.shape[2], images.shape[2] // rows // fractions
    sums = np.zeros((2, 2, rows * fractions, columns * fractions))
    times, values = np.zeros(sums.shape[2:]), []
    for down in range(-(fractions // 2), fractions - fractions // 2):
        for across in range(-(fractions // 2), fractions - fractions // 2):
            y, x = (np.clip(np.arange(side) + by * step, 0, side - 1) for by in (down, across))
            seen = relevance.token_maps(eye, detector, images[:, :, y][:, :, :, x], [1, "logit"])
            values.append(seen.values.numpy())
            for row in range(rows * fractions):
                for column in range(columns * fractions):
                    a, b = row + down, column + across  # where the cell lies on the image
                    if 0 <= a < rows * fractions and 0 <= b < columns * fractions:
                        times[a, b] += 1
                        token = seen.maps[:, :, row // fractions, column // fractions].numpy()
                        sums[:, :, a, b] += token / fractions**2
    np.testing.assert_allclose(found.maps, sums / times, atol=1e-5)
    np.testing.assert_allclose(found.values, np.mean(values, 0), atol=1e-5)
    np.testing.assert_allclose(found.maps.sum((2, 3)) + found.remainder, found.values, atol=1e-4)


def test_one_fraction_is_the_map_itself(towers: Path):
    eye = opened(towers, "asap-plain", "last")
    detector, images = random_detector(eye.width), pictures(eye, 3)
    plain, same = relevance.token_maps(eye, detector, images), sharpened(eye, detector, images, fractions=1)
    assert torch.equal(plain.maps, same.maps) and torch.equal(plain.profile, same.profile)


def test_a_patch_must_divide(towers: Path):
    eye = opened(towers, "asap-plain", "last")
    with pytest.raises(SettingsError, match="patch of 8 pixels cannot be moved by 3 fractions"):
        sharpened(eye, random_detector(eye.width), pictures(eye, 1), fractions=3)
