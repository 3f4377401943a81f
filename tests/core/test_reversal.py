"""Errors without the region that speaks most for them: counted by hand, and on a small real analysis."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asap_core import analysis, reversal, trust
from asap_core.maps import Maps
from asap_core.reversal import Parts, ReversalSettings
from tests import toy


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Maps:
    return toy.explained(toy.make(tmp_path_factory.mktemp("toy"), 160, drawn=20))


def wrong(maps: Maps) -> list[int]:
    assert maps.made.is_fake is not None
    return np.flatnonzero((maps.made.logits > 0) != maps.made.is_fake).tolist()


def test_parts_sum_to_the_wrong_verdict(maps: Maps):
    errors = wrong(maps)
    assert len(errors) > 5
    for row in errors:
        groups, side = maps.groups(row), 1 if maps.made.logits[row] > 0 else -1
        parts = Parts.of(maps, row, groups)
        assert sum(vars(parts).values()) == pytest.approx(side * maps.made.logits[row], abs=1e-4)
        assert parts.strongest >= 0 and parts.others >= 0 and parts.against <= 0
        speaking = [side * group.contribution for group in groups if side * group.contribution > 0]
        assert parts.strongest == pytest.approx(max(speaking, default=0))
        assert parts.strongest + parts.others == pytest.approx(sum(speaking), abs=1e-4)


def test_what_is_taken_away_is_the_strongest_region_all_of_them_and_the_same_shape_elsewhere(maps: Maps):
    groups = {row: maps.groups(row) for row in range(60)}  # right or wrong is no matter to this
    for found in filter(None, groups.values()):  # and a louder one that speaks against it
        other = np.roll(found[0].mask, 3, 1)
        found.insert(0, replace(found[0], mask=other, contribution=-2 * found[0].contribution))
    assert any(groups.values()) and not all(groups.values())
    regions, kinds = reversal._regions(maps.made, groups, ReversalSettings(moves=3))
    assert [row for row, _ in regions] == [row for row, _ in kinds]
    for row, found in groups.items():
        mine = [(kind, held) for (_, held), (at, kind) in zip(regions, kinds, strict=True) if at == row]
        speaking = [group for group in found if (group.contribution > 0) == (maps.made.logits[row] > 0)]
        assert [kind for kind, _ in mine] == (["region", "all", *["random"] * 3] if speaking else [])
        if speaking:
            strongest = max(speaking, key=lambda group: abs(group.contribution))
            np.testing.assert_array_equal(mine[0][1], strongest.held)
            for _, held in mine[2:]:
                assert sorted(held.ravel().tolist()) == sorted(strongest.held.ravel().tolist())


def test_shares_are_of_all_that_were_tried():
    """Four misses, two with a region: one of these becomes right without it; of six moves two do."""
    kinds = [(row, kind) for row in (3, 8) for kind in ("region", "all", "random", "random", "random")]
    right = {"drop": np.array([1, 1, 0, 1, 0, 0, 1, 1, 0, 0.0]), "swap": np.zeros(10)}
    parts = {row: Parts(1.0, 0.5, -0.5, 0.25, 0.0, float(row)) for row in (3, 5, 8, 9)}
    told = reversal._told(np.array([3, 5, 8, 9]), 7, kinds, right, parts)
    assert told["n"] == 4 and told["of"] == 7 and told["with_region"] == 2
    assert told["without_region"]["drop"][0] == pytest.approx(1 / 4)
    assert told["without_all"]["drop"][0] == pytest.approx(2 / 4)
    assert told["without_random"]["drop"][0] == pytest.approx((2 / 3) / 4)  # two moves of six, two images of four
    assert told["without_region"]["swap"][0] == 0 and 0.3 < told["without_region"]["swap"][2] < 0.6  # Wilson's
    assert told["parts"]["usual"] == pytest.approx((3 + 5 + 8 + 9) / 4) and told["parts"]["strongest"] == 1
    assert reversal._told(np.zeros(0, np.intp), 0, kinds, right, parts) == {"n": 0, "of": 0}


def test_a_real_analysis_is_tried_and_told(flawed: Path):
    made, told = analysis.load(flawed), []
    assert made.is_fake is not None
    found = reversal.examine(flawed, ReversalSettings(moves=2), report=lambda *each: told.append(each))
    assert found is not None and list(found) == ["misses", "false_alarms"]
    errors = np.flatnonzero((made.logits > 0) != made.is_fake)
    assert found["misses"]["of"] == int(made.is_fake[errors].sum())
    assert found["false_alarms"]["of"] == len(errors) - found["misses"]["of"]
    for each in found.values():
        assert each["n"] == each["of"]
        for kind in ("without_region", "without_all", "without_random") if each["n"] else ():
            for value, low, high in each[kind].values():
                assert 0 <= low <= value <= high <= 1
    assert all(done <= total for done, total in told)
    text = "\n".join(trust._errors(found))
    assert "misses" in text and "false alarms" in text
    assert reversal.examine(flawed, ReversalSettings(), stop=lambda: True) is None or not len(errors)


def test_without_labels_there_are_no_errors(tmp_path: Path):
    unlabelled: Any = toy.make(tmp_path, 30, labelled=False, drawn=2)
    assert reversal.examine(unlabelled.folder, ReversalSettings()) == {}
