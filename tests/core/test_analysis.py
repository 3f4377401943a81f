"""An analysis is written whole or not at all, opened read-only, and refused in plain words when damaged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asap_core import analysis
from asap_core.errors import AnalysisError

N, D = 5, 3
HEADS, OFFSETS = [[1.0, 0.5, 2.0], [0.8, -0.1, 3.0]], [0.25, -1.0]


def parts(n: int = N) -> dict[str, Any]:
    arrays: dict[str, Any] = {name: np.zeros(n, np.float32) for name in analysis.ARRAYS}
    arrays |= {"distilled": np.arange(n * D, dtype=np.float32).reshape(n, D), "is_fake": np.arange(n) > 2}
    arrays |= {"digest": np.arange(n * 32, dtype=np.uint8).reshape(n, 32)}
    arrays["fold"] = np.arange(n, dtype=np.int16) % 2
    return {
        "info": {
            "fingerprint": "f" * 20,
            "root": "/pictures",
            "head": {"weights": HEADS, "real_mean": [3.0, 4.0, 5.0], "offsets": OFFSETS},
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
    mean = [3.0, 4.0, 5.0]
    for i in range(N):
        head, offset = HEADS[i % 2], OFFSETS[i % 2]
        for j in range(D):
            expected = head[j] * (loaded.distilled[i, j] - mean[j])
            assert loaded.contributions[i, j] == pytest.approx(expected)
        logit = sum(head[j] * loaded.distilled[i, j] for j in range(D)) + offset
        assert loaded.contributions[i].sum() + loaded.constants[i] == pytest.approx(logit)


def test_without_folds_the_mean_head_judges(tmp_path):
    given = parts()
    del given["arrays"]["fold"], given["arrays"]["is_fake"]
    analysis.save(tmp_path / "study", **given)
    loaded = analysis.load(tmp_path / "study")
    for i in range(N):
        expected = [
            (a + b) / 2 * (d - m) for a, b, d, m in zip(*HEADS, loaded.distilled[i], [3.0, 4.0, 5.0], strict=True)
        ]
        assert loaded.contributions[i].tolist() == pytest.approx(expected)
        logit = np.mean([np.dot(head, loaded.distilled[i]) + b for head, b in zip(HEADS, OFFSETS, strict=True)])
        assert loaded.contributions[i].sum() + loaded.constants[i] == pytest.approx(logit)
    assert loaded.folds_of([1, 2]) is None


def test_an_image_in_another_fold_is_explained_otherwise_as_it_is_judged_otherwise(tmp_path):
    given, moved = parts(), parts()
    moved["arrays"]["fold"] = given["arrays"]["fold"].copy()
    moved["arrays"]["fold"][3] = 0
    for name, each in (("study", given), ("moved", moved)):
        d, fold = each["arrays"]["distilled"], each["arrays"]["fold"]
        each["arrays"]["logits"] = np.array([np.dot(HEADS[f], x) + OFFSETS[f] for f, x in zip(fold, d, strict=True)])
        analysis.save(tmp_path / name, **each)
    one, other = (analysis.load(tmp_path / name) for name in ("study", "moved"))
    for each in (one, other):
        assert each.contributions.sum(1) + each.constants == pytest.approx(np.asarray(each.logits), abs=1e-4)
    assert np.abs(one.contributions - other.contributions).max(1).astype(bool).tolist() == [i == 3 for i in range(N)]
    assert (one.logits != other.logits).tolist() == [i == 3 for i in range(N)]


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
