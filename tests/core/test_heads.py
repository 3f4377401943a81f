"""On a real build of the demo: what is shown of an image is what explains it."""

from dataclasses import replace

import numpy as np
import pytest

from asap_core import analysis, demo, explanation, pipeline, what_if
from asap_core.analysis import Analysis
from asap_core.demo import DemoSettings
from asap_core.learning.detector import Detector
from asap_core.maps import Maps
from asap_core.progress import Clock
from asap_core.request import Request

COUNT = 64


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """Portraits, so few that many are judged wrong, with all their maps."""
    folder = tmp_path_factory.mktemp("demo")
    manifest = demo.draw(folder / "portraits", DemoSettings(COUNT, seed=11))
    place = pipeline.analyse(Request(manifest, encoder="mini"), folder / "cache", folder / "study", Clock())
    assert explanation.complete(place) == ()
    return analysis.load(place)


def errors(made: Analysis) -> np.ndarray:
    assert made.is_fake is not None
    return np.flatnonzero((made.logits > 0) != made.is_fake)


def test_contributions_and_constant_sum_to_every_verdict_shown(made: Analysis):
    np.testing.assert_allclose(made.contributions.sum(1) + made.constants, made.logits, atol=1e-4)
    assert made.fold is not None and set(made.fold.tolist()) == set(range(len(made.heads)))


def test_map_and_remainder_sum_to_every_verdict_shown(made: Analysis):
    maps = Maps.of(made)
    assert maps is not None
    total = maps.kept.maps.astype(np.float64).sum((2, 3)) + maps.kept.remainder  # (n, T)
    np.testing.assert_allclose(total[:, -1], made.logits, atol=1e-4)
    np.testing.assert_allclose(total[:, :-1], made.distilled, atol=1e-4)
    unusual, rest = maps.unusual(np.arange(made.n))
    assert made.is_fake is not None
    mean = made.distilled[maps.reference.rows].mean(0)  # of the real images that maps are compared with
    for row in range(made.n):
        weights, offset = (each[0] for each in made.judging([row]))
        away = made.logits[row] - (weights @ mean + offset)
        assert unusual[row, -1].sum(dtype=np.float64) + rest[row, -1] == pytest.approx(away, abs=1e-3)
        assert unusual[row, :-1].sum(dtype=np.float64) + rest[row, :-1].sum() == pytest.approx(away, abs=1e-3)


def test_the_sign_that_explains_an_error_is_the_one_that_is_shown(made: Analysis):
    wrong = errors(made)
    assert len(wrong) >= 5
    explained = made.contributions[wrong].sum(1) + made.constants[wrong]
    np.testing.assert_array_equal(explained > 0, made.logits[wrong] > 0)
    maps = Maps.of(made)
    assert maps is not None
    for row in wrong.tolist():
        strongest = maps.strongest(row)
        assert strongest is None or (strongest.contribution > 0) == (made.logits[row] > 0)


def test_judged_again_begins_from_the_verdict_that_is_shown(made: Analysis):
    rows, grid = errors(made)[:4], made.info["encoder"]["grid"]
    nearly_nothing = np.zeros(grid, np.float32)
    nearly_nothing[0, 0] = 1
    found = what_if.remove(made.folder, [(int(row), nearly_nothing) for row in rows])
    assert found is not None
    np.testing.assert_array_equal(found.before.logits, made.logits[rows])
    assert np.abs(found.after["drop"].logits - made.logits[rows]).max() < 1.0  # one token of 144, of the same head


def test_an_image_that_is_put_into_another_fold_is_judged_and_explained_by_that_one(made: Analysis):
    assert made.fold is not None
    detector, row = Detector.of(made.built), int(errors(made)[0])
    others = [fold for fold in range(len(made.heads)) if fold != made.fold[row]]
    fold = max(others, key=lambda other: abs(detector.of_fold(other).distiller.logits(made.distilled[[row]])[0]))
    folds = made.fold.copy()
    folds[row] = fold
    logits = detector.distiller.logits(made.distilled, folds)
    moved = replace(made, arrays={**made.arrays, "fold": folds, "logits": logits})
    np.testing.assert_allclose(moved.contributions.sum(1) + moved.constants, logits, atol=1e-4)
    changed = np.flatnonzero(np.abs(moved.logits - made.logits) > 1e-3)
    assert changed.tolist() == [row]
    assert np.flatnonzero(np.abs(moved.contributions - made.contributions).max(1) > 1e-4).tolist() == [row]


def test_new_images_are_judged_by_the_mean_of_the_heads(made: Analysis):
    detector = Detector.of(made.built)
    each = np.stack([detector.of_fold(fold).distiller.logits(made.distilled) for fold in range(len(made.heads))])
    np.testing.assert_allclose(detector.distiller.logits(made.distilled), each.mean(0), atol=1e-4)
