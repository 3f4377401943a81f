"""Maps of a small real analysis with known flaws are tried; what is found is kept, printed, and true."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asap_core import analysis, explanation, scrutiny, trust, truth
from asap_core.analysis import Analysis
from asap_core.errors import AnalysisError, SettingsError
from asap_core.identification.trials import METHODS, PLAIN, ScrutinySettings, Trials
from asap_core.learning.detector import encoder_of
from tests.conftest import SIDE
from tests.core.identification.test_relevance import opened

ROOT = Path(__file__).parents[2]
SETTINGS = ScrutinySettings(
    ("direct", "unusual", "paper"), images=6, steps=5, steps_painted=2, random=1, subsets=10, checked=1
)


@pytest.fixture(scope="module")
def found(flawed: Path) -> dict:
    found = scrutiny.examine(flawed, SETTINGS)
    assert found is not None
    return found


def test_every_map_is_tried_and_the_decomposition_is_truer_than_chance(flawed: Path, found: dict):
    made = analysis.load(flawed)
    assert found["images"] == 6 and list(found["methods"]) == [*SETTINGS.methods, *PLAIN]
    for each in (*found["methods"].values(), *found["against"]["mean"].values()):
        for name in ("deletion", "insertion", "srg"):
            value, low, high = each[name]
            assert low <= value <= high
    direct, paper = found["methods"]["direct"], found["methods"]["paper"]
    assert direct["over_paper"][1] > 0
    assert direct["srg"][0] > found["methods"]["random"]["srg"][0] + 0.5
    assert direct["correlation"][0] > 0.6
    assert direct["completeness"][2] < 1e-3 and paper["completeness"] is None
    assert found["methods"]["unusual"]["completeness"][2] < 1e-2
    assert 0 < direct["sparseness"][0] < 1
    assert direct["randomised"]["100%"][0] < 0.9 and direct["targets"][0] < 0.9
    kept = json.loads((made.derived / trust.FILE).read_text("utf-8"))
    assert kept.pop("checksum") and trust.read(made) == kept == found


def test_curves_are_summed_up_as_by_hand(unlabelled_analysis: Analysis, towers: Path):
    """Two images, f 2 and 4; half of the tokens gone in the second of two steps, the most influential and the least."""
    trials, settings = Trials([0, 1], [2.0, 4.0], [1, 1]), ScrutinySettings(("direct", "paper"), steps=2)
    curves = {"direct": [[[2, 0], [2, 1]], [[4, 1], [4, 3]]], "paper": [[[2, 1], [2, 0]], [[4, 2], [4, 2]]]}
    for name in (*settings.methods, *PLAIN):
        trials.maps[name] = [np.eye(4)] * 2
        for occluder in ("drop", "mean"):
            trials.curves[occluder, name] = list(np.array(curves.get(name, curves["paper"]), float))
    trials.missed["direct"] = [0.0, 0.0]
    found = scrutiny.summarised(trials, unlabelled_analysis, opened(towers, "asap-plain", "last"), settings)
    direct, paper = found["methods"]["direct"], found["methods"]["paper"]
    assert direct["deletion"][0] == pytest.approx((1 + 2.5) / 6)  # (2 + 0) / 2 and (4 + 1) / 2, of 2 + 4
    assert direct["insertion"][0] == pytest.approx((1.5 + 3.5) / 6)
    assert direct["srg"][0] == pytest.approx((0.5 + 1) / 6) and paper["srg"][0] == pytest.approx(-0.5 / 6)
    assert direct["over_paper"][0] == pytest.approx((1 + 1) / 6) and paper["over_paper"] is None


def test_flaws_whose_place_is_known_are_found(flawed: Path, found: dict):
    localised = found["localised"]
    assert 0 < localised["images"] <= 3 and 0 < localised["area"] < localised["chance"] < 0.2
    assert found["methods"]["direct"]["pointing"][0] > 0.7
    assert found["methods"]["unusual"]["mass_ratio"][0] > 1.5
    assert found["methods"]["random"]["pointing"] is None


def test_what_was_found_can_be_read(found: dict):
    text = trust.text(found)
    assert "6 images, tokens dropped in 5 steps" in text and "signed_attention" not in text
    assert any(line.startswith("direct") and " to " in line for line in text.splitlines())
    assert "fakes whose flaws are known" in text


def test_a_flaw_lies_where_the_encoder_sees_it(flawed: Path):
    made = analysis.load(flawed)
    tower, row = encoder_of(made, "cpu").tower, int(np.flatnonzero(truth.known(made))[0])
    shares = truth.flaw(made, row, tower, tower.grid)
    mask = np.asarray(Image.open(made.root / made.metadata["masks"][row])) > 0
    cell = SIDE // tower.grid[0]
    for y, x in np.ndindex(*tower.grid):
        expected = mask[y * cell : (y + 1) * cell, x * cell : (x + 1) * cell].mean()
        assert shares[y, x] == pytest.approx(expected, abs=0.01)
    lost = made.root / made.metadata["masks"][row]
    try:
        lost.rename(lost.with_suffix(".away"))
        with pytest.raises(AnalysisError, match="which the manifest names"):
            truth.flaw(made, row, tower, tower.grid)
    finally:
        lost.with_suffix(".away").rename(lost)


def test_what_is_ordinary_is_the_mean_of_real_maps(flawed: Path):
    made, known = analysis.load(flawed), explanation.compared(flawed)
    assert known is not None
    usual = known.reference.usual
    eye = encoder_of(made, "cpu")
    assert usual.shape == (len(made.head), *eye.grid)
    kept = explanation.store.read(made, "direct")
    assert kept is not None and made.is_fake is not None
    np.testing.assert_allclose(usual, kept.maps[~made.is_fake, :-1].astype(np.float64).mean(0), atol=1e-4)
    weights = made.judging([4])[0][0]
    np.testing.assert_allclose(
        known.usual([4])[0], sum(w * each for w, each in zip(weights, usual, strict=True)), rtol=1e-4
    )


def test_half_of_a_sample_is_fake_as_far_as_there_are(flawed: Path):
    made = analysis.load(flawed)
    assert made.is_fake is not None
    rows = scrutiny.sample(made, ScrutinySettings(images=10))
    assert made.is_fake[rows].sum() == 5 and len(set(rows.tolist())) == 10
    assert len(scrutiny.sample(made, ScrutinySettings(images=500))) == 40


def test_a_stopped_trial_leaves_what_was_found_before(flawed: Path, found: dict):
    told: list = []
    before = (analysis.load(flawed).derived / trust.FILE).read_bytes()
    settings = ScrutinySettings(("direct",), images=8, steps=2, steps_painted=2, random=1, subsets=1)
    assert scrutiny.examine(flawed, settings, report=lambda *each: told.append(each), stop=lambda: True) is None
    assert told == [(4, 8)] and (analysis.load(flawed).derived / trust.FILE).read_bytes() == before


def test_a_method_that_is_not_there_is_told():
    with pytest.raises(SettingsError, match="no relevance method gradcam: expected some of direct"):
        ScrutinySettings(("direct", "gradcam"))


def test_the_command_prints_the_contract(flawed: Path, found: dict):
    command = [sys.executable, "run.py", "faithfulness", str(flawed), "--methods", "direct", "--images", "1", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    printed = json.loads(done.stdout)
    wanted = {"deletion", "insertion", "srg", "correlation", "completeness", "pointing", "mass_ratio"}
    assert printed["images"] == 1 and wanted | {"average_precision"} <= printed["methods"]["direct"].keys()
    shown = subprocess.run([*command[:3], "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert ",".join(METHODS) in shown
