"""Phrases that name images, against the same said slowly."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asap_core import selections, tags, texts
from asap_core.analysis import Analysis
from asap_core.errors import SettingsError
from asap_core.projection import cells
from tests import toy


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy.make(tmp_path_factory.mktemp("selections"), 120, drawn=7)


def test_every_condition_names_what_it_says(made: Analysis):
    truth, called, scores = np.asarray(made.is_fake), made.logits > 0, made.scores
    generator = np.asarray(made.info["generators"])[made.arrays["generator"]]
    expected = {
        "": np.ones(120, bool),
        "real": ~truth,
        "fake": truth,
        "judged-real": ~called,
        "judged-fake": called,
        "right": truth == called,
        "wrong": truth != called,
        "misses": truth & ~called,
        "false-alarms": ~truth & called,
        "inconclusive": (scores > 0.3) & (scores < 0.7),
        "generator=lumen-2": generator == "lumen-2",
        "generator=real|vista-xl": generator != "lumen-2",
        "meta.camera=lens-b": np.arange(120) % 3 == 1,
        "severity=0.2..0.6": (scores >= 0.2) & (scores <= 0.6),
        "severity=..0.5": scores <= 0.5,
        "text=0003 LENS-A": [made.paths[row].startswith("0003") and row % 3 == 0 for row in range(120)],
        "rows=3|5": np.isin(np.arange(120), [3, 5]),
        "fake&generator=vista-xl&meta.camera=lens-a": truth & (generator == "vista-xl") & (np.arange(120) % 3 == 0),
        "real&fake": np.zeros(120, bool),
    }
    for phrase, mask in expected.items():
        assert selections.rows_of(made, phrase).tolist() == np.flatnonzero(mask).tolist(), phrase
    assert (selections.mask_of(made, "conclusive") ^ selections.mask_of(made, "inconclusive")).all()


def test_a_cell_is_the_cell_of_the_plane(made: Analysis):
    codes = cells.cut(made.positions("decision"), 8)
    for code in np.unique(codes).tolist():
        assert selections.rows_of(made, f"cell=decision/8/{code}").tolist() == np.flatnonzero(codes == code).tolist()


def winding(point: NDArray, polygon: NDArray) -> bool:
    """Whether a point lies in a polygon: the turn of the corners about it, added up."""
    to = polygon - point
    angles = np.arctan2(to[:, 1], to[:, 0])
    turns = (np.diff(np.append(angles, angles[0])) + np.pi) % (2 * np.pi) - np.pi
    return abs(turns.sum()) > np.pi


def test_a_lasso_holds_what_its_outline_goes_round(made: Analysis):
    dice = np.random.default_rng(1)
    angles = np.sort(dice.uniform(0, 2 * np.pi, 11))
    reach = dice.uniform(0.1, 0.45, 11)  # a star, so not convex
    polygon = 0.5 + np.stack([reach * np.cos(angles), reach * np.sin(angles)], 1)
    points = dice.random((500, 2))
    assert selections.inside(points, polygon).tolist() == [winding(point, polygon) for point in points]
    corners = "/".join(f"{x:.6f},{y:.6f}" for x, y in polygon)
    expected = np.flatnonzero(selections.inside(np.asarray(made.positions("content")), polygon))
    assert selections.rows_of(made, f"lasso=content/{corners}").tolist() == expected.tolist()


def test_what_is_alike_is_near_by_cosine(made: Analysis):
    vectors = np.asarray(made.arrays["spell_free"], np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    order = np.argsort(-(vectors @ vectors[9]), kind="stable")
    assert selections.alike(made, 9)[0] == 9
    assert set(selections.rows_of(made, "like=9")) == set(order[:101].tolist())


def test_what_looks_like_words_is_near_them_by_cosine(tmp_path: Path):
    made = toy.make(tmp_path, 300, drawn=1)
    words = "a sky | 50 % red"
    phrase = "shows=a sky %7C 50 %25 red"
    with pytest.raises(SettingsError, match="has not read"):
        selections.rows_of(made, phrase)
    text = np.random.default_rng(0).normal(size=8).astype(np.float32)
    texts.keep(made, words, text)
    vectors = np.asarray(made.arrays["joint"], np.float64)
    order = np.argsort(-(vectors @ text) / np.linalg.norm(vectors, axis=1), kind="stable")
    assert set(selections.rows_of(made, phrase)) == set(order[:100].tolist())
    assert np.argmax(selections.closeness(made, phrase)) == order[0]
    assert selections.words_in(f"fake&{phrase}|a%26b") == [words, "a&b"] and selections.words_in("fake") == []
    other = Analysis(made.folder, {**made.info, "fingerprint": "another"}, made.paths, {}, made.arrays)
    assert texts.known(other, words) is None
    for wrong in ("", " \n ", "x" * 201):
        with pytest.raises(SettingsError, match="expected 1 to 200"):
            texts.tidy(wrong)


def test_a_value_may_hold_any_sign(tmp_path: Path):
    made = toy.make(tmp_path, 12, drawn=1)
    names = ["a|b", "c&d=e", "100 %", ""] * 3
    odd = Analysis(made.folder, made.info, made.paths, {"odd|name": names}, made.arrays)
    for value, written in (("a|b", "a%7Cb"), ("c&d=e", "c%26d%3De"), ("100 %", "100 %25"), ("", "")):
        expected = [row for row in range(12) if names[row] == value]
        assert selections.rows_of(odd, f"meta.odd%7Cname={written}").tolist() == expected, value


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("moon", "expected some of real, fake"),
        ("real=yes", "no selection"),
        ("generator=dall-e", "expected real, lumen-2, vista-xl"),
        ("meta.lens=a", "expected camera"),
        ("severity=0.9..0.1", "LOW..HIGH"),
        ("severity=high", "LOW..HIGH"),
        ("cell=content/16", "PLANE/SIDE/CODE"),
        ("cell=content/8/64", "PLANE/SIDE/CODE"),
        ("cell=content/9/1", "PLANE/SIDE/CODE"),
        ("lasso=content/0,0/1,1", "3 to 400 corners"),
        ("lasso=content/0,0/1,1/nan,0", "3 to 400 corners"),
        ("rows=120", "below 120"),
        ("like=-1", "below 120"),
        ("pattern=../../etc/0", "no pattern"),
    ],
)
def test_what_is_not_understood_is_said(made: Analysis, phrase: str, words: str):
    with pytest.raises(SettingsError, match=words):
        selections.rows_of(made, phrase)


def test_without_the_truth_only_verdicts_choose(unlabelled_analysis: Analysis):
    with pytest.raises(SettingsError, match="needs labels"):
        selections.rows_of(unlabelled_analysis, "misses")
    assert len(selections.rows_of(unlabelled_analysis, "judged-fake")) == (unlabelled_analysis.logits > 0).sum()


def test_what_lasts():
    assert selections.lasting("fake&cell=content/8/3") and selections.lasting(None)
    assert not selections.lasting("fake&tag=odd") and not selections.lasting("pattern=abc/1")


def test_tags_are_kept_and_chosen_by(tmp_path: Path):
    made = toy.make(tmp_path, 20, drawn=1)
    assert tags.read(made) == {}
    assert tags.change(made, "  odd   eyes ", [3, 1, 3], add=True) == {"odd eyes": [1, 3]}
    tags.change(made, "odd eyes", np.array([7]), add=True)
    tags.change(made, "hair", [1], add=True)
    assert tags.read(made) == {"hair": [1], "odd eyes": [1, 3, 7]}
    assert selections.rows_of(made, "tag=odd eyes|hair").tolist() == [1, 3, 7]
    assert selections.rows_of(made, "tag=nobody").tolist() == []
    assert tags.change(made, "hair", [1, 2], add=False) == {"odd eyes": [1, 3, 7]}
    for name in ("", "   ", "x" * 61):
        with pytest.raises(SettingsError, match="expected 1 to 60"):
            tags.change(made, name, [0], add=True)
