"""Findings survive the disk as they are; a selection is a sentence that is understood or refused in plain words."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asap_core import findings, sheet
from asap_core.analysis import Analysis
from asap_core.errors import AnalysisError, SettingsError
from asap_core.findings import Findings
from asap_core.identification import patterns
from asap_core.identification.naming import Name
from asap_core.identification.patterns import Groups, Looked
from asap_core.projection import cells


@pytest.fixture(scope="module")
def found(toy_analysis: Analysis) -> Findings:
    """One pattern of 30 groups in the toy's fakes, and 5 groups in none."""
    assert toy_analysis.is_fake is not None
    dice, rows = np.random.default_rng(0), np.flatnonzero(toy_analysis.is_fake)[:35]
    groups = Groups(
        row=rows,
        pattern=np.repeat([0, -1], [30, 5]),
        contribution=dice.uniform(1, 2, 35).astype(np.float32),
        dimensions=dice.uniform(0, 1, (35, 16)).astype(np.float32),
        held=dice.uniform(0, 1, (35, 4, 4)).astype(np.float16),
        box=np.tile(np.array([20, 30, 90, 80], np.float32), (35, 1)),
        centre=np.full((35, 2), 0.5, np.float32),
    )
    makers = np.asarray(toy_analysis.info["generators"])[toy_analysis.arrays["generator"]].tolist()
    group = np.asarray(toy_analysis.arrays["group"])
    looked = Looked(np.arange(toy_analysis.n), np.asarray(toy_analysis.is_fake), makers, toy_analysis.paths, group)
    name = Name("the sky", 0.4, 0.1, 0.2, ("the sky", "clouds", "snow"))
    one = patterns.describe(groups.take(np.arange(30)), np.arange(30.0), name, np.ones((30, 2), bool), 0.8, looked, 0)
    return findings.gathered([one], groups, None, toy_analysis.n, 0.1)


def test_what_is_written_is_read(found: Findings, tmp_path: Path):
    place = tmp_path / "patterns" / "key"
    assert findings.read(place) is None
    findings.write(place, found)
    again = findings.read(place)
    assert again is not None
    assert again.patterns == found.patterns
    np.testing.assert_array_equal(again.groups.held, found.groups.held)
    np.testing.assert_array_equal(again.where, found.where)
    assert [each.name for each in place.parent.iterdir()] == ["key"]  # no draft is left
    (place / "row.npy").unlink()
    with pytest.raises(AnalysisError, match="damaged"):
        findings.read(place)


def test_the_contract_of_the_json(found: Findings):
    said = json.loads(json.dumps(found.as_json()))
    (pattern,) = said["patterns"]
    assert {"name", "n_groups", "n_images", "share_real", "share_fake", "contribution", "flip_rate", "exemplars",
            "dimensions"} <= pattern.keys()  # fmt: skip
    assert pattern["name"] == "the sky"
    assert pattern["flip_rate"] == pattern["swap_flip_rate"] == [1, 1, 1]
    assert {"path", "box"} <= pattern["exemplars"][0].keys()
    assert "the sky" in findings.table(found)


def test_selections(toy_analysis: Analysis, unlabelled_analysis: Analysis):
    fake, logits = np.asarray(toy_analysis.is_fake), np.asarray(toy_analysis.logits)
    assert len(findings.rows_of(toy_analysis, None)) == toy_analysis.n
    np.testing.assert_array_equal(findings.rows_of(toy_analysis, "misses"), np.flatnonzero(fake & (logits <= 0)))
    np.testing.assert_array_equal(findings.rows_of(toy_analysis, "false-alarms"), np.flatnonzero(~fake & (logits > 0)))
    assert fake[findings.rows_of(toy_analysis, "generator=lumen-2")].all()
    codes = cells.cut(np.asarray(toy_analysis.positions("content")), 8)
    np.testing.assert_array_equal(
        findings.rows_of(toy_analysis, f"cell=content/8/{codes[0]}"), np.flatnonzero(codes == codes[0])
    )
    for wrong in ("hits", "generator=nobody", "cell=content/7/1", "cell=8"):
        with pytest.raises(SettingsError, match="expected"):
            findings.rows_of(toy_analysis, wrong)
    with pytest.raises(SettingsError, match="need labels"):
        findings.rows_of(unlabelled_analysis, "misses")


def test_each_selection_and_setting_has_its_place(toy_analysis: Analysis):
    asked = [(None, {"seed": 0}), ("misses", {"seed": 0}), (None, {"seed": 1})]
    assert len({findings.place(toy_analysis, *each) for each in asked}) == 3


def test_a_sheet_shows_the_exemplars(toy_analysis: Analysis, found: Findings, tmp_path: Path):
    sheet.write(tmp_path / "sheet.webp", toy_analysis, found)
    with Image.open(tmp_path / "sheet.webp") as drawn:
        assert drawn.width == sheet.WIDTH
        assert np.asarray(drawn.convert("L")).std() > 20
    with pytest.raises(SettingsError, match=r"\.webp"):
        sheet.write(tmp_path / "sheet.txt", toy_analysis, found)


def test_a_crop_stays_inside_the_image():
    image = Image.new("RGB", (200, 100))
    for box in ((0, 0, 10, 10), (190, 90, 200, 100), (0, 0, 200, 100), (-5, 20, 30, 60)):
        left, top, right, bottom = sheet.crop(image, box)
        assert 0 <= left < right <= 200 and 0 <= top < bottom <= 100
        assert right - left == pytest.approx(bottom - top)
