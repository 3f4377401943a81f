"""A pattern is what it marks: it is recognised in another search, another build, another encoder's grid."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asap_core import analysis, edits, findings, notes_report, recognition, takeover
from asap_core.analysis import Analysis
from asap_core.findings import Findings
from asap_core.identification.patterns import Groups
from asap_core.recognition import SIDE, Marked
from tests import toy


@pytest.fixture
def study(tmp_path: Path) -> Analysis:
    return toy.make(tmp_path, 120, drawn=1)


def found_in(made: Analysis, of: str | None = None) -> Findings:
    found = findings.read(toy.found(made, of))
    assert found is not None
    return found


def rebuilt(made: Analysis, order: np.ndarray, fingerprint: str) -> Analysis:
    """Another build of some of the images, in another order, under other names."""
    arrays = {name: np.asarray(each)[order] for name, each in made.arrays.items()}
    paths = [f"renamed/{row}.jpg" for row in order]
    facts = {**made.info, "fingerprint": fingerprint}
    analysis.save(made.folder, facts, paths, {}, arrays, b"", made.summary,
                  lambda new: takeover.take_over(made.folder, new))  # fmt: skip
    return analysis.load(made.folder)


def searched(made: Analysis, before: Findings, order: np.ndarray, turn: np.ndarray, of: str | None = None) -> Findings:
    """The same patterns as another search finds them in another build: in another order, a tenth of them otherwise."""
    row_now = np.full(before.groups.row.max() + 1, -1)
    row_now[order[order < len(row_now)]] = np.flatnonzero(order < len(row_now))
    there = row_now[before.groups.row] >= 0
    there &= np.random.default_rng(1).random(len(there)) > 0.1
    groups = before.groups.take(there)
    groups = replace(groups, row=row_now[groups.row], pattern=turn[groups.pattern])
    back = np.argsort(turn)
    patterns = [
        replace(before.patterns[each], name=replace(before.patterns[each].name, text="otherwise")) for each in back
    ]
    looked = np.arange(made.n)
    found = findings.gathered(made, patterns, groups, before.flips, looked, of, 0.1, 0)
    place = findings.place(made, looked, {"again": fingerprint_of(turn)})
    findings.write(place, found)
    again = findings.read(place)
    assert again is not None
    return again


def fingerprint_of(turn: np.ndarray) -> str:
    return "".join(map(str, turn.tolist()))


def test_areas_are_laid_on_the_original(study: Analysis):
    sizes, seen = np.array([[200, 100]]), np.array([[50, 0, 150, 100]], np.float32)
    held = np.zeros((1, 2, 2), np.float16)
    held[0, 0, 1] = 0.5  # the right half of the upper half of the square in the middle
    blank = np.zeros((1, 0), np.float32)
    one = np.zeros(1, np.int64)
    groups = Groups(one, one, blank, blank, held, seen, blank, blank, blank, one.astype(bool))
    area = recognition.marked(groups, np.array([True]), sizes, "fake").areas.reshape(SIDE, SIDE)
    expected = np.zeros((SIDE, SIDE))
    expected[: SIDE // 2, SIDE // 2 : 3 * SIDE // 4] = 0.5
    np.testing.assert_allclose(area, expected, atol=1e-6)


def test_overlap_is_the_formula():
    dice = np.random.default_rng(0)
    one, other = (Marked(np.sort(dice.choice(9, 5, replace=False)), dice.random((5, SIDE * SIDE), np.float32), "fake")
                  for _ in range(2))  # fmt: skip
    total, images = 0.0, set(one.rows.tolist()) | set(other.rows.tolist())
    for row in images:
        if row in one.rows and row in other.rows:
            a, b = (each.areas[np.flatnonzero(each.rows == row)[0]].astype(float) for each in (one, other))
            total += sum(min(x, y) for x, y in zip(a, b, strict=True)) / sum(
                max(x, y) for x, y in zip(a, b, strict=True)
            )
    assert recognition.overlap(one, other) == pytest.approx(total / len(images), rel=1e-5)
    assert recognition.overlap(one, one) == pytest.approx(1)


def test_one_is_one_the_likest_first_and_never_of_the_other_side():
    rows, area = np.arange(10), np.zeros((10, SIDE * SIDE), np.float32)
    area[:, :10] = 1
    whole, half = Marked(rows, area, "fake"), Marked(rows[:5], area[:5], "fake")
    chosen = recognition.recognised({7: half, 8: whole}, [whole, half], {7: rows, 8: rows})
    assert chosen == {7: 1, 8: 0}
    assert recognition.recognised({7: half}, [replace(half, toward="real")], {7: rows}) == {}
    assert recognition.recognised({7: whole, 8: whole}, [whole], {7: rows, 8: rows}).keys() == {7}
    assert recognition.recognised({7: whole}, [half], {7: rows[:5]}) == {7: 0}  # the rest was not looked at


def test_names_merges_and_hidden_ones_follow_a_rebuild_and_another_search(study: Analysis):
    found = found_in(study)
    edits.rename(study, found, 0, "two suns")
    edits.merge(study, found, [0, 1])
    edits.rename(study, found, 0, "sky and land")
    edits.hide(study, found, 2, True)
    order, turn = np.random.default_rng(0).permutation(120)[:114], np.array([2, 0, 3, 1])
    made = rebuilt(study, order, "another")
    again = searched(made, found, order, turn)
    now = edits.read(made, again)
    assert now.merged == ((0, 2),) and now.names == {"0-2": "sky and land", "2": "two suns"}
    assert now.hidden == {"3"} and now.lost == ()
    edits.split(made, again, 0)
    assert edits.read(made, again).names["2"] == "two suns"
    edits.hide(made, again, 3, False)
    assert edits.read(made, again).hidden == frozenset()
    edits.rename(made, again, 2, None)
    assert "2" not in edits.read(made, again).names


def test_a_raise_of_the_version_keeps_what_people_made_of_patterns(study: Analysis):
    place = toy.found(study)
    found = findings.read(place)
    assert found is not None
    edits.rename(study, found, 1, "my hill")
    content = json.loads((place / "patterns.json").read_text("utf-8"))
    (place / "patterns.json").write_text(json.dumps(content | {"version": findings.VERSION - 1}))
    assert findings.read(place) is None
    again = searched(study, found, np.arange(120), np.array([3, 2, 1, 0]))
    assert edits.read(study, again).names == {"2": "my hill"}


def test_what_is_not_found_again_is_kept_and_listed(study: Analysis):
    found = found_in(study)
    edits.rename(study, found, 0, "two suns")
    edits.rename(study, found, 2, "lake")
    made = rebuilt(study, np.arange(120), "another")
    (waiting, _) = notes_report.report(made)["patterns"]
    assert waiting["name"] == "two suns" and not waiting["lost"] and waiting["patterns"] == []
    elsewhere = np.asarray(found.groups.held).copy()
    elsewhere[found.groups.pattern == 2] = np.roll(elsewhere[found.groups.pattern == 2], (3, 3), (1, 2))
    moved = replace(found, groups=replace(found.groups, held=elsewhere))
    again = searched(made, moved, np.arange(120), np.arange(4))
    now = edits.read(made, again)
    assert now.names == {"0": "two suns"} and [each.name for each in now.lost] == ["lake"]
    suns, lake = notes_report.report(made)["patterns"]
    assert lake["lost"] and lake["found_as"] == ["unnamed"] and suns["patterns"][0].endswith("/0") and not suns["lost"]
    said = notes_report.text(notes_report.report(made))
    assert "lake (found as unnamed): lost" in said
    edits.rename(made, again, 3, "clouds of mine")  # another edit does not take the lost one away
    assert [each.name for each in edits.read(made, again).lost] == ["lake"]


def test_edits_of_one_selection_are_not_those_of_another_but_the_same_images_are_one(study: Analysis):
    edits.rename(study, found_in(study), 0, "two suns")
    fakes = found_in(study, "fake")
    assert edits.read(study, fakes).names == {} and edits.read(study, fakes).lost == ()
    edits.rename(study, fakes, 1, "my hill")
    by_another_name = replace(fakes, of="generator=lumen-2|vista-xl")
    assert edits.read(study, by_another_name).names == {"1": "my hill"}
    assert edits.read(study, found_in(study)).names == {"0": "two suns"}


def first_version(made: Analysis) -> Path:
    """The analysis as version 1 kept it, with what people wrote beside it; the folder."""
    place = toy.found(made)
    folder, old = made.folder, made.folder.with_name("old")
    shutil.copytree(made.built, old)
    shutil.copytree(findings.folder_in(made), old / "patterns")
    facts = {name: value for name, value in made.info.items() if name not in ("build", "files")}
    (old / "analysis.json").write_text(json.dumps(facts | {"version": 1}))
    (old / "summary.json").write_text(json.dumps({"version": 1, "source": "/photos of 2024"}))
    (old / "digest.npy").unlink()
    (old / "tags.json").write_text(json.dumps({"fingerprint": made.fingerprint, "tags": {"odd": [3, 5], "hair": [7]}}))
    names = {"names": {"2": "lake", "0-1": "both"}, "hidden": ["3"], "merged": [[0, 1]]}
    (old / "patterns" / place.name / "edits.json").write_text(json.dumps(names))
    shutil.rmtree(folder)
    return old.rename(folder)


def test_an_analysis_of_version_1_says_what_to_do_and_its_notes_are_taken_over(tmp_path: Path):
    study = toy.make(tmp_path, 120)
    order, found = np.r_[0:5, 6:120], found_in(study)
    folder = first_version(study)
    with pytest.raises(analysis.AnalysisError, match=r"version 1.*python run\.py build '/photos of 2024' --out "):
        analysis.load(folder)
    arrays = {name: np.asarray(each)[order] for name, each in study.arrays.items()}
    facts = {**study.info, "fingerprint": "new"}
    paths = [str(study.paths[int(row)]) for row in order]
    analysis.save(folder, facts, paths, {}, arrays, b"", {}, lambda new: takeover.take_over(folder, new))
    made = analysis.load(folder)
    said = notes_report.report(made)
    assert said["tags"]["odd"] == {
        "images": [study.paths[3]],
        "lost": [{"path": study.paths[5], "reason": "no image has its content or its path"}],
    }
    assert said["tags"]["hair"]["images"] == [study.paths[7]]
    assert not (folder / "logits.npy").exists() and not (folder / "patterns").exists()
    again = searched(made, found, order, np.array([1, 0, 2, 3]))
    now = edits.read(made, again)
    assert now.names == {"0-1": "both", "2": "lake"} and now.hidden == {"3"} and now.merged == ((0, 1),)
    assert not (folder / "rows.json").exists()


def test_what_cannot_be_taken_over_is_left_as_it_is(tmp_path: Path):
    study = toy.make(tmp_path, 120, drawn=1)
    folder = first_version(study)
    (folder / "tags.json").write_text("{")
    arrays = {name: np.asarray(each) for name, each in study.arrays.items()}
    with pytest.raises(analysis.AnalysisError, match="left as it is"):
        analysis.save(
            folder, dict(study.info), study.paths, {}, arrays, b"", {}, lambda new: takeover.take_over(folder, new)
        )
    assert json.loads((folder / "analysis.json").read_text())["version"] == 1 and (folder / "logits.npy").is_file()
    assert (folder / "tags.json").read_text() == "{" and list((folder / "builds").iterdir()) == []
