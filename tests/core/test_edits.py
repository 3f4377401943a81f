"""Edits are kept beside findings, can all be taken back, and a merged pattern is what its groups say."""

from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from asap_core import edits, findings, listing, notes
from asap_core.analysis import Analysis
from asap_core.errors import AnalysisError, SettingsError
from asap_core.findings import Findings, Shown
from tests import toy


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy.make(tmp_path_factory.mktemp("edited"), 120, drawn=2)


@pytest.fixture
def place(study: Analysis) -> Path:
    toy.forget(study)
    return toy.found(study)


def of(place: Path) -> Findings:
    found = findings.read(place)
    assert found is not None
    return found


def shown(study: Analysis, place: Path) -> dict[int, Shown]:
    found = findings.read(place)
    assert found is not None
    return {each.number: each for each in findings.shown(study, place, found)}


def test_without_edits_all_is_as_it_was_found(study: Analysis, place: Path):
    found = findings.read(place)
    assert found is not None
    assert tuple(each.pattern for each in shown(study, place).values()) == found.patterns


def test_a_name_is_kept_and_taken_back(study: Analysis, place: Path):
    edits.rename(study, of(place), 0, "  two \n suns ")
    named = shown(study, place)[0]
    assert named.pattern.name.text == "two suns" and named.found_as == ("the sun",) and named.renamed
    edits.rename(study, of(place), 0, None)
    assert shown(study, place)[0].pattern.name.text == "the sun"
    with pytest.raises(SettingsError, match="at most 80"):
        edits.rename(study, of(place), 0, "x" * 81)


def test_what_is_hidden_is_left_out_of_the_table_and_comes_back(study: Analysis, place: Path):
    found = findings.read(place)
    assert found is not None
    edits.hide(study, of(place), 1, True)
    kept = findings.shown(study, place, found)
    assert [each.number for each in kept if each.hidden] == [1]
    said = listing.table(found, kept)
    assert "1 hidden" in said and "a hill" not in said.replace("nearest", "")
    assert [each["number"] for each in listing.as_json(found, kept, place.name)["patterns"]] == [0, 2, 3]
    edits.hide(study, of(place), 1, False)
    assert not any(each.hidden for each in shown(study, place).values())


def test_a_merged_pattern_counts_its_groups_anew(study: Analysis, place: Path):
    edits.merge(study, of(place), [1, 0])
    kept, found = shown(study, place), findings.read(place)
    assert found is not None and list(kept) == [0, 2, 3]
    merged, mine = kept[0], np.isin(found.groups.pattern, [0, 1])
    rows = np.unique(found.groups.row[mine])
    truth = np.asarray(study.is_fake)
    assert merged.members == (0, 1) and merged.found_as == ("the sun", "a hill")
    assert merged.pattern.n_groups == mine.sum() and merged.pattern.n_images == len(rows)
    assert merged.pattern.n_fake == truth[rows].sum() and merged.pattern.of_fake == truth.sum()
    sums = [found.groups.contribution[mine & (found.groups.row == row)].sum() for row in rows]
    value, low, high = merged.pattern.contribution
    assert value == pytest.approx(np.mean(sums), rel=1e-5) and low < value < high
    np.testing.assert_allclose(merged.where, found.groups.held[mine].mean(0, dtype=np.float32), rtol=1e-5)
    assert merged.pattern.stability is None and merged.pattern.flip_rate is None
    which = f"{place.name}/0"
    np.testing.assert_array_equal(findings.rows_with(study, which), rows)
    np.testing.assert_array_equal(findings.rows_with(study, f"{place.name}/1"), rows)  # a link made before
    assert dict(findings.regions_of(study, which))[int(rows[0])].shape == found.groups.held.shape[1:]
    assert "put together by hand" in listing.table(found, list(kept.values()))


def test_a_split_pattern_has_its_names_and_figures_again(study: Analysis, place: Path):
    before = shown(study, place)
    edits.rename(study, of(place), 1, "my hill")
    edits.merge(study, of(place), [0, 1])
    edits.rename(study, of(place), 0, "both")
    assert shown(study, place)[0].pattern.name.text == "both"
    edits.split(study, of(place), 0)
    after = shown(study, place)
    assert after[0].pattern == before[0].pattern
    assert after[1].pattern.name.text == "my hill"


def test_only_several_patterns_of_one_side_are_merged(study: Analysis, place: Path):
    for numbers, why in (([0], "at least two"), ([0, 0], "at least two"), ([0, 3], "different sides")):
        with pytest.raises(SettingsError, match=why):
            edits.merge(study, of(place), numbers)
    edits.merge(study, of(place), [0, 1])
    edits.merge(study, of(place), [2, 0])
    assert edits.read(study, of(place)).merged == ((0, 1, 2),)


def test_a_merged_pattern_without_shared_images_has_its_rate_already(study: Analysis, place: Path):
    before = shown(study, place)
    edits.merge(study, of(place), [0, 2])
    merged = shown(study, place)[0].pattern
    rates = [before[each].pattern.flip_rate for each in (0, 2)]
    counts = [before[each].pattern.n_images for each in (0, 2)]
    assert merged.flip_rate is not None and rates[0] and rates[1]
    assert merged.flip_rate[0] == pytest.approx(np.average([each[0] for each in rates if each], weights=counts))


def test_what_was_measured_of_a_merged_pattern_is_kept(study: Analysis, place: Path):
    edits.merge(study, of(place), [0, 1])
    which = f"{place.name}/0"
    regions = findings.regions_of(study, which)
    rows = [row for row, _ in regions]
    changed = np.stack([np.arange(len(rows)) % 2 == 0, np.ones(len(rows), bool)], 1)
    assert not findings.is_measured(study, which)
    assert findings.keep_flips(study, which, regions, changed) and findings.is_measured(study, which)
    measured = shown(study, place)[0].pattern
    assert measured.flip_rate is not None and measured.flip_rate[0] == pytest.approx(changed[:, 0].mean())
    assert measured.swap_flip_rate == (1, 1, 1) and measured.n_flips == len(rows)
    edits.split(study, of(place), 0)
    edits.merge(study, of(place), [0, 1])
    assert shown(study, place)[0].pattern.n_flips == len(rows)


def test_what_was_measured_of_another_pattern_is_not_kept(study: Analysis, place: Path):
    which = f"{place.name}/0"
    regions = findings.regions_of(study, which)
    edits.merge(study, of(place), [0, 1])  # while they were measured
    assert not findings.keep_flips(study, which, regions, np.ones((len(regions), 2), bool))
    assert shown(study, place)[0].pattern.flip_rate is None


def test_two_who_edit_at_once_lose_nothing(study: Analysis, place: Path):
    def name(number: int) -> None:
        for turn in range(20):
            edits.rename(study, of(place), number, f"{number} {turn}")

    people = [Thread(target=name, args=(number,)) for number in range(4)]
    for each in people:
        each.start()
    for each in people:
        each.join()
    assert edits.read(study, of(place)).names == {str(number): f"{number} 19" for number in range(4)}


def test_damaged_notes_are_said_in_words(study: Analysis, place: Path):
    edits.hide(study, of(place), 0, True)
    (study.notes / notes.FILE).write_bytes(b"torn" * 1000)
    with pytest.raises(AnalysisError, match="cannot be read"):
        edits.read(study, of(place))
    with pytest.raises(AnalysisError, match="nothing was noted"):
        edits.hide(study, of(place), 0, False)
