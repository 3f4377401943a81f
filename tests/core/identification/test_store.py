"""Token maps are kept image by image, exactly enough, through kills; and computed once."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from asap_core import explanation, pipeline, what_if
from asap_core.analysis import Analysis, load
from asap_core.errors import AnalysisError
from asap_core.identification import relevance, store
from asap_core.learning import embedding
from asap_core.learning.detector import Detector, encoder_of
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.progress import Clock
from asap_core.request import Request
from tests import toy

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real analysis of 48 drawn landscapes, by mini."""
    folder = tmp_path_factory.mktemp("built")
    for label in ("real", "fake"):
        (folder / "images" / label).mkdir(parents=True)
        for number in range(24):
            toy.draw(label == "fake", "dusk", number).save(folder / "images" / label / f"{number:02}.png")
    return pipeline.analyse(Request(folder / "images", encoder="mini"), folder / "cache", folder / "analysis", Clock())


def test_every_image_is_explained_once_and_as_the_method_says(built: Path):
    made, told = load(built), []
    assert store.read(made, "direct") is None
    assert explanation.explain(built, [3, 7, 7], report=lambda done, total: told.append((done, total))) == ()
    kept = store.read(made, "direct")
    assert kept is not None and np.flatnonzero(kept.done).tolist() == [3, 7] and told == [(0, 2), (2, 2)]
    before = kept.maps[3].copy()
    explanation.explain(built, report=lambda *each: told.append(each))
    assert kept.done.all() and told[2] == (2, 48) and told[-1] == (48, 48)  # the open store sees it
    np.testing.assert_array_equal(kept.maps[3], before)
    eye, detector = encoder_of(made, None), Detector.of(made.built)
    for row in (3, 20):
        pixels = eye.prepare(embedding.read(made.path(row), eye, EmbeddingSettings()))[None]
        found = relevance.token_maps(eye, detector, pixels, folds=made.folds_of([row]))
        scale = found.maps.abs().max().item()
        np.testing.assert_allclose(kept.maps[row], found.maps[0], rtol=2**-10, atol=1e-5 * scale)
        np.testing.assert_allclose(kept.remainder[row], found.remainder[0], atol=0.02)
    total = kept.maps.astype(np.float64).sum((2, 3)) + kept.remainder  # (n, T)
    np.testing.assert_allclose(total[:, -1], made.logits, atol=1e-4)  # half precision is made good by the remainder
    np.testing.assert_allclose(total[:, :-1], made.distilled, atol=1e-4)
    told.clear()
    explanation.explain(built, report=lambda *each: told.append(each))
    assert told == [(48, 48)]  # nothing is computed again


def test_the_heads_are_kept_as_lines_that_other_programs_can_read(built: Path):
    made = load(built)
    assert made.fold is not None and set(made.fold.tolist()) == set(range(5))
    tensors = safetensors.numpy.load_file(made.built / "weights.safetensors")
    lines, constants = (tensors[f"folds.{name}"].astype(np.float64) for name in ("lines", "constants"))
    spell_free = made.arrays["spell_free"].astype(np.float64)
    assert lines.shape == (5, spell_free.shape[1]) and constants.shape == (5,)
    for row in range(made.n):
        slowly = spell_free[row] @ lines[made.fold[row]] + constants[made.fold[row]]
        assert slowly == pytest.approx(made.logits[row], abs=0.02)  # spell-free vectors are kept in half precision


def test_a_picture_that_changed_since_is_not_explained(built: Path, tmp_path: Path):
    made = load(built)
    row = int(np.argmax(made.logits))
    kept_aside = tmp_path / "kept.png"
    kept_aside.write_bytes(made.path(row).read_bytes())
    try:
        made.path(row).write_bytes(made.path(int(np.argmin(made.logits))).read_bytes())
        (skipped,) = explanation.explain(built, [row], "libra")
        assert "changed since it was analysed" in skipped.reason
        with pytest.raises(AnalysisError, match="changed since it was analysed"):
            what_if.remove(built, [(row, np.eye(*made.info["encoder"]["grid"]))])
    finally:
        made.path(row).write_bytes(kept_aside.read_bytes())
    assert explanation.explain(built, [row], "libra") == ()


def test_a_stopped_job_goes_on(built: Path):
    explanation.explain(built, method="paper", rows=range(40), stop=lambda: True)
    kept = store.read(load(built), "paper")
    assert kept is not None and kept.done.sum() == explanation.BATCH
    explanation.explain(built, method="paper", rows=range(40))
    assert kept.done[:40].all() and not kept.done[40:].any()


def test_an_image_that_is_gone_is_told_and_stays_missing(built: Path, tmp_path: Path):
    made = load(built)
    gone, method = made.path(5), "signed_attention"
    aside = gone.replace(tmp_path / gone.name)
    try:
        (skipped,) = explanation.explain(built, range(4, 8), method)
    finally:
        aside.replace(gone)
    assert str(gone) in skipped.path
    kept = store.read(made, method)
    assert kept is not None and np.flatnonzero(kept.done).tolist() == [4, 6, 7]
    explanation.explain(built, range(4, 8), method)
    assert kept.done[4:8].all()


def test_maps_of_another_detector_and_damaged_ones_are_not_shown(built: Path, toy_analysis: Analysis):
    made = load(built)
    other = Analysis(made.folder, {**made.info, "fingerprint": "another"}, made.paths, made.metadata, made.arrays)
    first = store.open_for_writing(made, "libra", 3)
    first.write([0], *(np.ones_like(each[:1]) for each in (first.maps, first.remainder, first.profile, first.box)))
    assert store.read(other, "libra") is None
    begun = store.open_for_writing(other, "libra", 3)
    assert not begun.done.any() and first.done[0] and begun.folder != first.folder
    (begun.folder / "maps.npy").write_bytes(b"torn")
    with pytest.raises(AnalysisError, match="delete it"):
        store.read(other, "libra")
    assert store.read(toy_analysis, "direct") is None


def test_large_numbers_stay_finite(built: Path):
    kept = store.open_for_writing(load(built), "libra", 3)
    rest = [np.zeros_like(each[:1]) for each in (kept.remainder, kept.profile, kept.box)]
    kept.write([1], np.full(kept.maps[:1].shape, 1e9), *rest)
    assert np.isfinite(kept.maps[1]).all() and torch.from_numpy(kept.maps[1].copy()).max() > 6e4


def test_build_explains_all_when_asked(built: Path, tmp_path: Path):
    images = built.parent / "images"
    command = [sys.executable, "run.py", "build", str(images), "--out", str(tmp_path / "out"), "--encoder", "mini"]
    command += ["--cache", str(built.parent / "cache"), "--relevance", "all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "relevance" in done.stderr
    kept = store.read(load(tmp_path / "out"), "direct")
    assert kept is not None and kept.done.all()
