"""An analysis is written whole or not at all, opened read-only, and refused in plain words when damaged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asap_core import analysis
from asap_core.errors import AnalysisError

N, D = 5, 3


def parts(n: int = N) -> dict[str, Any]:
    arrays = {name: np.zeros(n, np.float32) for name in analysis.ARRAYS}
    arrays |= {"digest": np.arange(n * 32, dtype=np.uint8).reshape(n, 32)}
    arrays |= {"distilled": np.arange(n * D, dtype=np.float32).reshape(n, D), "is_fake": np.arange(n) > 2}
    return {
        "info": {
            "fingerprint": "f" * 20,
            "root": "/pictures",
            "head": {"weights": [1.0, 0.5, 2.0], "real_mean": [3.0, 4.0, 5.0], "offset": 0.25},
        },
        "paths": [f"real/{i} ü.jpg" for i in range(n)],
        "metadata": {"camera": ["a"] * n},
        "arrays": arrays,
        "weights": b"weights",
        "summary": {"version": 1},
    }


def built(folder: Path) -> Path:
    """The folder of the only build."""
    (found,) = (folder / "builds").iterdir()
    return found


def test_what_is_saved_is_loaded(tmp_path):
    analysis.save(tmp_path / "study", **parts())
    loaded = analysis.load(tmp_path / "study")
    assert loaded.n == N and loaded.paths[1] == "real/1 ü.jpg" and loaded.metadata["camera"][0] == "a"
    assert loaded.path(0).as_posix() == "/pictures/real/0 ü.jpg"
    assert loaded.is_fake is not None and loaded.is_fake.tolist() == [False, False, False, True, True]
    assert not loaded.distilled.flags.writeable


def test_contributions_are_the_formula(tmp_path):
    analysis.save(tmp_path / "study", **parts())
    loaded = analysis.load(tmp_path / "study")
    head, mean = [1.0, 0.5, 2.0], [3.0, 4.0, 5.0]
    for i in range(N):
        for j in range(D):
            expected = head[j] * (loaded.distilled[i, j] - mean[j])
            assert loaded.contributions[i, j] == pytest.approx(expected)


def test_unlabelled_has_no_truth(tmp_path):
    given = parts()
    del given["arrays"]["is_fake"]
    analysis.save(tmp_path / "study", **given)
    assert analysis.load(tmp_path / "study").is_fake is None


def test_saving_replaces_an_analysis_but_nothing_else(tmp_path):
    analysis.save(tmp_path / "study", **parts(5))
    analysis.save(tmp_path / "study", **parts(4))
    assert analysis.load(tmp_path / "study").n == 4
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(AnalysisError, match="not an analysis: nothing was written"):
        analysis.save(tmp_path / "thesis", **parts())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study", "thesis"]


def test_a_failed_save_leaves_nothing(tmp_path):
    given = {**parts(), "summary": {"accuracy": float("nan")}}
    with pytest.raises(ValueError, match="JSON"):
        analysis.save(tmp_path / "study", **given)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "analysis.json").unlink(), "no analysis in"),
        (lambda folder: (folder / "analysis.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "analysis.json").write_text(json.dumps({"version": 99})), "version 99"),
        (lambda folder: (built(folder) / "logits.npy").unlink(), "damaged"),
        (lambda folder: (built(folder) / "logits.npy").write_bytes(b"\x93NUMPY"), "damaged"),
        (lambda folder: np.save(built(folder) / "logits.npy", np.zeros(2)), "not one row an image in logits"),
        (lambda folder: np.save(built(folder) / "logits.npy", np.array([{}]), allow_pickle=True), "damaged"),
        (lambda folder: (built(folder) / "rows.json").write_text("[]"), "damaged"),
    ],
)
def test_damage_is_said_in_plain_words(tmp_path, damage, says):
    folder = tmp_path / "study"
    analysis.save(folder, **parts())
    damage(folder)
    with pytest.raises(AnalysisError, match=says):
        analysis.load(folder)


def test_a_missing_folder_says_how_to_make_one(tmp_path):
    with pytest.raises(AnalysisError, match=r"run\.py build"):
        analysis.load(tmp_path / "nowhere")
