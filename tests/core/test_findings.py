"""Findings survive the disk as they are; their images and regions are known by KEY/NUMBER."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asap_core import discovery, findings, listing, sheet
from asap_core.analysis import Analysis
from asap_core.errors import AnalysisError, SettingsError
from asap_core.findings import Findings
from tests import toy


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy.make(tmp_path_factory.mktemp("found"), 120)


@pytest.fixture(scope="module")
def place(study: Analysis) -> Path:
    return toy.found(study)


@pytest.fixture(scope="module")
def found(place: Path) -> Findings:
    read = findings.read(place)
    assert read is not None
    return read


def test_what_is_written_is_read(found: Findings, tmp_path: Path):
    place = tmp_path / "patterns" / "key"
    assert findings.read(place) is None
    findings.write(place, found)
    again = findings.read(place)
    assert again is not None
    assert again.patterns == found.patterns and again.fingerprint == found.fingerprint
    for name in ("held", "typical"):
        np.testing.assert_array_equal(getattr(again.groups, name), getattr(found.groups, name))
    np.testing.assert_array_equal(again.flips.changed, found.flips.changed)
    np.testing.assert_array_equal(again.where, found.where)
    np.testing.assert_array_equal(again.looked, found.looked)
    assert [each.name for each in place.parent.iterdir()] == ["key"]  # no draft is left
    (place / "row.npy").unlink()
    with pytest.raises(AnalysisError, match="damaged"):
        findings.read(place)


def test_what_an_older_version_found_is_not_shown_and_says_so(study: Analysis, place: Path):
    older = shutil.copytree(place, place.with_name("1" * 20))
    said = json.loads((older / "patterns.json").read_text("utf-8"))
    (older / "patterns.json").write_text(json.dumps(said | {"version": findings.VERSION - 1}))
    assert findings.read(older) is None
    with pytest.raises(SettingsError, match="older version"):
        findings.rows_with(study, f"{older.name}/0")
    shutil.rmtree(older)


def test_the_contract_of_the_json(study: Analysis, place: Path, found: Findings):
    kept = findings.shown(study, place, found)
    said = json.loads(json.dumps(listing.as_json(found, kept, place.name)))
    pattern = said["patterns"][0]
    assert {"name", "number", "n_groups", "n_images", "share_real", "share_fake", "contribution", "flip_rate",
            "exemplars", "dimensions", "found_as"} <= pattern.keys()  # fmt: skip
    assert pattern["name"] == "the sun" and said["key"] == place.name
    assert {"path", "box", "group"} <= pattern["exemplars"][0].keys()
    assert "the sun" in listing.table(found, kept)


def test_an_exemplar_names_its_group(found: Findings):
    for number, pattern in enumerate(found.patterns):
        for each in pattern.exemplars:
            assert found.groups.row[each.group] == each.row and found.groups.pattern[each.group] == number


def test_images_and_regions_of_a_pattern(study: Analysis, place: Path, found: Findings):
    which = f"{place.name}/1"
    rows = findings.rows_with(study, which)
    np.testing.assert_array_equal(rows, sorted(set(found.groups.row[found.groups.pattern == 1].tolist())))
    regions = findings.regions_of(study, which)
    assert [row for row, _ in regions] == rows.tolist()
    assert all(held.shape == found.groups.held.shape[1:] and held.max() == 1 for _, held in regions)
    for wrong in ("1", f"{place.name}/77", f"{'0' * 20}/0", f"../{place.name}/0", f"{place.name}/-1"):
        with pytest.raises(SettingsError, match="no pattern"):
            findings.rows_with(study, wrong)


def test_each_set_of_images_and_setting_has_its_place(study: Analysis):
    some = [(np.arange(4), {"seed": 0}), (np.arange(5), {"seed": 0}), (np.arange(4), {"seed": 1})]
    assert len({findings.place(study, *each) for each in some}) == 3


def test_an_empty_selection_is_refused(study: Analysis):
    with pytest.raises(SettingsError, match="no image"):
        discovery.rows_of(study, "misses&right")
    assert len(discovery.rows_of(study, None)) == study.n


def test_a_sheet_shows_the_exemplars(study: Analysis, place: Path, found: Findings, tmp_path: Path):
    kept = findings.shown(study, place, found)
    sheet.write(tmp_path / "sheet.webp", study, kept, None)
    with Image.open(tmp_path / "sheet.webp") as drawn:
        assert drawn.width == sheet.WIDTH
        assert np.asarray(drawn.convert("L")).std() > 20
    with pytest.raises(SettingsError, match=r"\.webp"):
        sheet.write(tmp_path / "sheet.txt", study, kept, None)
    with pytest.raises(SettingsError, match="no patterns"):
        sheet.write(tmp_path / "sheet.webp", study, [], "why not")


def test_a_crop_stays_inside_the_image():
    for box in ((0, 0, 10, 10), (190, 90, 200, 100), (0, 0, 200, 100), (-5, 20, 30, 60)):
        left, top, right, bottom = sheet.crop((200, 100), box)
        assert 0 <= left < right <= 200 and 0 <= top < bottom <= 100
        assert right - left == pytest.approx(bottom - top)
