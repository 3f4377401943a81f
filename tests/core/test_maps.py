"""Maps as people see them: against real images, in logits, where the flaws are; and what they say of a verdict."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asap_core import analysis, explanation
from asap_core.analysis import Analysis
from asap_core.errors import AnalysisError
from asap_core.identification import ordinary, store
from asap_core.maps import Maps
from tests import toy, toy_maps


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    made = toy.make(tmp_path_factory.mktemp("toy"), 160, drawn=20)
    toy.explained(made)
    return made


def opened(made: Analysis) -> Maps:
    maps = Maps.of(made)
    assert maps is not None
    return maps


def test_maps_are_contributions_less_what_is_ordinary(made: Analysis):
    maps, kept = opened(made), store.read(made, "direct")
    assert kept is not None and made.is_fake is not None
    real = np.flatnonzero(~made.is_fake)
    np.testing.assert_array_equal(maps.reference.rows, real)  # fewer than ENOUGH
    found, remainder = maps.unusual([3, 7])
    assert made.fold is not None and made.fold[3] != made.fold[7]
    for number, row in enumerate((3, 7)):
        head = made.info["head"]["weights"][made.fold[row]]
        for j in range(len(made.head)):
            usual = sum(kept.maps[each, j].astype(np.float64) for each in real) / len(real)
            slowly = head[j] * (kept.maps[row, j] - usual)
            np.testing.assert_allclose(found[number, j], slowly, atol=1e-3)
            whole = found[number, j].sum() + remainder[number, j]
            expected = head[j] * (made.distilled[row, j] - made.distilled[real, j].mean())
            np.testing.assert_allclose(whole, expected, atol=0.02)
        np.testing.assert_allclose(found[number, :-1].sum(0), found[number, -1], atol=0.02)
        np.testing.assert_allclose(remainder[number, :-1].sum(), remainder[number, -1], atol=0.02)
    every, rest = maps.unusual(real)
    weights = made.judging(real)[0]
    np.testing.assert_allclose((every[:, :-1] / weights[:, :, None, None]).mean(0), 0, atol=1e-3)
    np.testing.assert_allclose((rest[:, :-1] / weights).mean(0), 0, atol=1e-3)


def test_profiles_sum_to_maps_and_boxes_are_the_encoders(made: Analysis):
    maps = opened(made)
    found, profile = maps.unusual([0, 5])[0], maps.profile([0, 5])
    assert profile.shape == (2, len(made.head) + 1, toy_maps.BLOCKS)
    np.testing.assert_allclose(profile.sum(2), found.sum((2, 3)), atol=0.02)
    assert maps.box(4) == toy_maps.SEEN


def test_nearly_all_places_of_real_images_are_below_the_level(made: Analysis):
    maps = opened(made)
    rows = maps.reference.rows
    loud = np.abs(maps.unusual(rows)[0])  # (r, T, g, g)
    own = np.abs(np.append(made.judging(rows)[0], np.ones((len(rows), 1)), 1))  # (r, T) logits to a unit of a target
    below = loud < (maps.reference.level * own)[:, :, None, None]
    np.testing.assert_allclose(below.mean((0, 2, 3)), ordinary.QUIET, atol=0.005)
    np.testing.assert_allclose(maps.level[-1], maps.reference.level[-1])
    assert maps.scale.shape == maps.level.shape and (maps.scale > maps.level).all()


def test_groups_are_where_the_flaws_are(made: Analysis):
    maps, assured = opened(made), np.flatnonzero(made.arrays["is_fake"] & (made.logits > 2))
    for row in assured[:10].tolist():
        groups = maps.groups(row, toy_maps.SUN)
        x, y = toy_maps.second_sun(made, row)
        left, top, right, bottom = groups[0].box
        if toy_maps.SEEN[0] < x < toy_maps.SEEN[2]:
            assert left < x < right and top < y < bottom
        assert groups[0].contribution > 0
        assert np.flatnonzero(groups[0].dimensions).tolist() == [toy_maps.SUN]
        held, whole = groups[0].held, maps.unusual([row])[0][0, toy_maps.SUN]
        np.testing.assert_allclose(groups[0].contribution, (held * whole).sum(), rtol=1e-4)


def test_sensitivity_is_what_the_strongest_group_says_for_the_verdict(tmp_path: Path):
    """By hand: what speaks most is toward fake, so a miss is sensitive to the smaller region that spoke for real."""
    made = toy.make(tmp_path, 60, drawn=2)
    toy.explained(made, [])
    logit = len(made.head)  # the last target
    maps = np.zeros((1, logit + 1, toy_maps.GRID, toy_maps.GRID), np.float32)
    maps[0, :, 1:3, 1:3] = 4.0
    maps[0, :, 4:6, 4:6] = -2.5
    maps[0, :, 0, 6] = -0.01  # below any level
    rows = [int(np.argmax(made.logits)), int(np.argmin(made.logits))]
    kept, known = store.open_for_writing(made, "direct", toy_maps.BLOCKS), opened(made)
    usual = known.reference.usual  # (d, g, g), and what each image's own head makes of it
    flats = {row: np.concatenate([usual, known.usual([row])])[None] for row in rows}
    rest = np.zeros((1, logit + 1)), np.zeros((1, logit + 1, toy_maps.BLOCKS)), np.array([toy_maps.SEEN])
    for row in rows:
        kept.write([row], flats[row] + maps, *rest)
    known = opened(made)
    called_fake, called_real = known.weigh(rows).tolist()
    assert called_fake == pytest.approx(4 * 4.0, rel=0.2) and called_real == pytest.approx(4 * 2.5, rel=0.2)
    strongest = [known.strongest(row) for row in rows]
    assert [group is not None and group.contribution > 0 for group in strongest] == [True, False]
    kept.write(rows[:1], flats[rows[0]], *rest)
    assert known.strongest(rows[0]) is None and known.weigh(rows[:1]).tolist() == [0]


def test_nothing_is_shown_until_the_reference_is_there_and_new_maps_are_seen(tmp_path: Path):
    made = toy.make(tmp_path, 60, drawn=2)
    assert Maps.of(made) is None
    first = ordinary.reference(made)
    kept = store.open_for_writing(made, "direct", 2)
    shapes = [each.shape[1:] for each in (kept.maps, kept.remainder, kept.profile, kept.box)]
    for rows in (first[:-1], first[-1:]):
        assert Maps.of(made) is None
        kept.write(rows, *(np.ones((len(rows), *shape)) for shape in shapes))
    maps = opened(made)
    (other, *_) = np.setdiff1d(np.arange(60), first)
    assert not maps.done[other] and np.isnan(maps.sensitivity[other])
    with pytest.raises(AssertionError, match="have their maps"):
        maps.unusual([other])
    kept.write([other], *(np.full((1, *shape), 3.0) for shape in shapes))
    assert maps.done[other]
    weights = made.judging([other])[0][0]
    for j in range(len(made.head)):
        np.testing.assert_allclose(maps.unusual([other])[0][0, j], weights[j] * (3 - 1), rtol=1e-3)


def test_a_store_from_before_profiles_is_begun_anew(tmp_path: Path):
    made = toy.make(tmp_path, 30, drawn=2)
    toy.explained(made)
    folder = store.place(made, "direct")
    old = '{"fingerprint": "toy30", "shape": [30, 17, 7, 7]}'
    (folder / "store.json").write_text(old, "utf-8")
    (folder / "profile.npy").unlink()
    assert store.read(made, "direct") is None and Maps.of(made) is None
    assert not store.open_for_writing(made, "direct", 2).done.any()
    assert not (folder / store.REFERENCE).exists()


def test_a_damaged_reference_is_told(tmp_path: Path):
    made = toy.make(tmp_path, 30, drawn=2)
    toy.explained(made)
    (store.place(made, "direct") / store.REFERENCE).write_bytes(b"torn")
    with pytest.raises(AnalysisError, match="delete it"):
        Maps.of(made)


def test_the_reference_is_one_sample_of_real_images(tmp_path: Path):
    made = toy.make(tmp_path, 700, drawn=1)
    first = ordinary.reference(made)
    assert len(first) == ordinary.ENOUGH and not made.arrays["is_fake"][first].any()
    np.testing.assert_array_equal(first, ordinary.reference(made))
    blind = replace(made, arrays={name: each for name, each in made.arrays.items() if name != "is_fake"})
    assert (made.logits[ordinary.reference(blind)] <= 0).all()


def bare(flawed: Path, folder: Path) -> Path:
    """A copy of an analysis without what was computed since."""
    return Path(shutil.copytree(flawed, folder / "analysis", ignore=shutil.ignore_patterns("derived")))


def test_everything_is_computed_once_and_goes_on_where_it_stopped(flawed: Path, tmp_path: Path):
    folder, told = bare(flawed, tmp_path), []
    made = analysis.load(folder)
    assert explanation.complete(folder, [1, 3], stop=lambda: True) == ()
    first = ordinary.reference(made)
    assert explanation.complete(folder, [1, 3], report=lambda *each: told.append(each)) == ()
    assert told[-1] == (22, 22) and [done for done, _ in told] == sorted(done for done, _ in told)
    maps = opened(made)
    assert np.flatnonzero(maps.done).tolist() == sorted({1, 3, *first.tolist()})
    assert np.flatnonzero(~np.isnan(maps.sensitivity)).tolist() == [1, 3]
    explanation.complete(folder, report=lambda *each: told.append(each))
    assert told[-1] == (40, 40) and maps.done.all() and not np.isnan(maps.sensitivity).any()
    fakes = np.flatnonzero(made.arrays["is_fake"] & (made.logits > 0))
    assert np.median(maps.sensitivity[fakes]) > np.median(maps.sensitivity[first])
    assert maps.box(1) == (0, 0, 192, 192)
    profile, found = maps.profile([1]), maps.unusual([1])[0]
    np.testing.assert_allclose(profile.sum(2), found.sum((2, 3)), atol=0.05 * np.abs(profile).max())


def test_without_real_images_there_are_maps_and_no_sensitivities(flawed: Path, tmp_path: Path):
    folder = bare(flawed, tmp_path)
    made = analysis.load(folder)
    np.save(made.built / "is_fake.npy", np.ones(40, bool))
    made = analysis.load(toy.resealed(folder))
    explanation.complete(folder, [2])
    kept = store.read(made, "direct")
    assert kept is not None and kept.done[2] and np.isnan(kept.sensitivity).all() and Maps.of(made) is None
    with pytest.raises(AnalysisError, match="no real image"):
        explanation.compared(folder)
