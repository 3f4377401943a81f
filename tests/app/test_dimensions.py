"""What the server says of dimensions, asked as a browser asks and held against formulas written slowly."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from flask.testing import FlaskClient

from app import create_app
from app.routes import dimensions
from asap_core.analysis import Analysis
from asap_core.identification import contribution
from asap_core.selections import rows_of
from tests import toy, toy_maps

D = toy.DIMENSIONS
KINDS = ("dimensions", "dimension/0", "contributions/0", "comparisons", "evidence/0", "what-if", "ranges")


@pytest.fixture(scope="module")
def client(toy_analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(toy_analysis, tmp_path_factory.mktemp("cache")).server.test_client()


def ask(client: FlaskClient, study: Analysis, what: str, **asked: str) -> Any:
    """The JSON of a route, such as `dimension/3`."""
    kind, _, rest = what.partition("/")
    answer = client.get(f"/{kind}/{study.fingerprint}{'/' + rest if rest else ''}?{urlencode(asked)}")
    assert answer.status_code == 200, answer.text
    assert len(answer.data) < 150_000
    return json.loads(answer.text)


def test_bars_are_means_with_intervals_and_their_difference(client: FlaskClient, toy_analysis: Analysis):
    a, b = (toy_analysis.contributions[rows_of(toy_analysis, phrase)] for phrase in ("misses", "fake&right"))
    found = ask(client, toy_analysis, "dimensions", a="misses", b="fake&right")
    for name, values in (("a", a), ("b", b)):
        assert found[name]["n"] == len(values)
        np.testing.assert_allclose(found[name]["mean"], values.mean(0), atol=1e-4)
        np.testing.assert_allclose(found[name]["deviation"], values.std(0, ddof=1), atol=1e-4)
    between = contribution.summarise_and_compare(a, b, 0)[2]
    for name in ("mean", "low", "high", "effect"):
        np.testing.assert_allclose(found["difference"][name], getattr(between, name), atol=1e-4)
    assert found["scale"] == ask(client, toy_analysis, "dimensions", a="real")["scale"]  # one for the collection


def test_without_a_group_the_bars_are_of_all_that_pass(client: FlaskClient, toy_analysis: Analysis):
    everything = ask(client, toy_analysis, "dimensions")
    assert everything["a"]["n"] == toy_analysis.n and everything["b"] is everything["difference"] is None
    some = ask(client, toy_analysis, "dimensions", of="category=dusk")
    assert some["a"]["n"] == len(rows_of(toy_analysis, "category=dusk"))
    empty = ask(client, toy_analysis, "dimensions", a="real", b="real&fake")
    assert empty["a"]["n"] > 0 and empty["b"] is empty["difference"] is None
    assert ask(client, toy_analysis, "dimensions", a="real&fake", b="real")["a"] is None


def test_a_distribution_counts_every_image_once(client: FlaskClient, toy_analysis: Analysis):
    k, truth = 2, toy_analysis.is_fake
    assert truth is not None
    found = ask(client, toy_analysis, f"dimension/{k}", a="right", b="wrong", of="conclusive")
    low, high = found["edges"]
    for name, phrase in (("a", "right"), ("b", "wrong"), ("all", "conclusive")):
        rows = rows_of(toy_analysis, phrase)
        values, spread = toy_analysis.contributions[rows, k], found["spread"][name]
        assert spread["n"] == len(rows) and spread["mean"] == pytest.approx(values.mean(), abs=1e-4)
        for kind in (False, True):
            counted = np.zeros(dimensions.BINS, int)
            for value in values[truth[rows] == kind].astype(np.float64):
                place = int((value - low) / (high - low) * dimensions.BINS)
                counted[min(max(place, 0), dimensions.BINS - 1)] += 1
            ours = np.array(spread["fake" if kind else "real"])
            assert ours.sum() == counted.sum()
            assert np.abs(ours - counted).sum() <= 4  # a value on an edge may fall to either side


def test_the_images_at_a_dimensions_ends(client: FlaskClient, toy_analysis: Analysis):
    found = ask(client, toy_analysis, "dimension/4", a="fake")
    rows = rows_of(toy_analysis, "fake")
    order = rows[np.argsort(toy_analysis.contributions[rows, 4], kind="stable")].tolist()
    assert [tile[0] for tile in found["ends"]["a"]["weakest"]] == order[: dimensions.SHOWN]
    assert [tile[0] for tile in found["ends"]["a"]["strongest"]] == order[::-1][: dimensions.SHOWN]
    for row, value, is_fake, called, _ in found["ends"]["a"]["strongest"]:
        assert value == pytest.approx(toy_analysis.contributions[row, 4], abs=1e-3)
        assert is_fake == 1 and called == int(toy_analysis.logits[row] > 0)


def test_what_if_judges_each_image_again(client: FlaskClient, toy_analysis: Analysis):
    head, folds = toy_analysis.info["head"], toy_analysis.fold
    assert folds is not None
    to_fake = to_real = 0
    rows = rows_of(toy_analysis, "category=winter")
    for row in rows:
        vector = np.array(toy_analysis.distilled[row], np.float64)
        weights, offset = head["weights"][folds[row]], head["offsets"][folds[row]]
        before = vector @ weights + offset
        assert before == pytest.approx(toy_analysis.logits[row], abs=1e-4)
        for k, value in ((0, 0.5), (4, -1.0)):  # contributions, so w (d - mean) is the value
            vector[k] = head["real_mean"][k] + value / weights[k]
        after = vector @ weights + offset
        to_fake += before <= 0 < after
        to_real += after <= 0 < before
    found = ask(client, toy_analysis, "what-if", a="category=winter", set="0:0.5,4:-1")
    assert (found["n"], found["to_fake"], found["to_real"]) == (len(rows), to_fake, to_real)
    assert found["fake_after"] - found["fake_before"] == to_fake - to_real
    unmoved = ask(client, toy_analysis, "what-if", a="category=winter")
    assert unmoved["to_fake"] == unmoved["to_real"] == 0


def test_sliders_reach_what_real_and_fake_images_have(client: FlaskClient, toy_analysis: Analysis):
    found = ask(client, toy_analysis, "ranges")
    assert all(len(found[name]) == D for name in ("low", "high", "fake"))
    fake = toy_analysis.contributions[rows_of(toy_analysis, "fake")].mean(0)
    np.testing.assert_allclose(found["fake"], fake, atol=1e-4)
    for low, high, mean in zip(found["low"], found["high"], found["fake"], strict=True):
        assert low <= 0 <= high and low <= mean <= high


def test_comparisons_that_lie_ready_are_counted(client: FlaskClient, toy_analysis: Analysis):
    found = ask(client, toy_analysis, "comparisons", of="category=dusk")
    pairs = {(a, b): (n, m) for a, b, n, m in found["pairs"]}
    assert ("generator=lumen-2", "generator=vista-xl") in pairs and ("misses", "fake&right") in pairs
    for phrases, counts in pairs.items():
        for phrase, n in zip(phrases, counts, strict=True):
            assert n == len(rows_of(toy_analysis, f"{phrase}&category=dusk"))


def test_pixel_groups_and_depths_are_of_the_images_that_have_maps(tmp_path: Path):
    made = toy.make(tmp_path, 60)
    client = create_app(made, tmp_path / "cache").server.test_client()
    nothing = ask(client, made, "evidence/0", a="fake")["groups"]["a"]
    assert nothing["done"] == 0 and nothing["profile"] is None and not nothing["crops"]
    assert set(nothing["missing"]) == set(rows_of(made, "fake").tolist())
    fakes = rows_of(made, "fake")
    maps = toy_maps.explained(made, fakes[:12])
    found = ask(client, made, f"evidence/{toy_maps.SUN}", a="fake", b="real")["groups"]
    done = fakes[maps.done[fakes]]
    assert found["a"]["done"] == len(done) and set(found["a"]["missing"]) == set(fakes) - set(done)
    expected = np.mean([maps.profile([row])[0, toy_maps.SUN] for row in done], axis=0)
    np.testing.assert_allclose(found["a"]["profile"]["blocks"], expected, atol=1e-3)
    sizes = [abs(crop["value"]) for crop in found["a"]["crops"]]
    assert sizes and sizes == sorted(sizes, reverse=True)
    for crop in found["a"]["crops"]:
        x, y, side = crop["at"]
        assert crop["row"] in done and side > 0 and x >= 0 and y >= 0
        assert x + side <= toy.WIDTH + 0.1 and y + side <= toy.HEIGHT + 0.1


def test_where_the_truth_is_not_known_verdicts_stand_for_it(unlabelled_analysis: Analysis, tmp_path: Path):
    client = create_app(unlabelled_analysis, tmp_path).server.test_client()
    judged = int((unlabelled_analysis.logits > 0).sum())
    found = ask(client, unlabelled_analysis, "dimension/0")
    assert sum(found["spread"]["all"]["fake"]) == judged
    assert {tile[2] for tile in found["ends"]["all"]["strongest"]} == {None}
    pairs = [pair[:2] for pair in ask(client, unlabelled_analysis, "comparisons")["pairs"]]
    assert ["judged-real", "judged-fake"] in pairs and ["real", "fake"] not in pairs
    assert "right_before" not in ask(client, unlabelled_analysis, "what-if", set="0:1")


def test_wrong_questions_are_answered_in_words(client: FlaskClient, toy_analysis: Analysis):
    name = toy_analysis.fingerprint
    for kind in KINDS:
        word, _, rest = kind.partition("/")
        assert client.get(f"/{word}/{'f' * 20}/{rest}".rstrip("/")).status_code == 404, kind
    for url in (f"/dimension/{name}/{D}", f"/evidence/{name}/{D}", f"/contributions/{name}/{toy_analysis.n}"):
        assert client.get(url).status_code == 404, url
    for url in (f"/dimensions/{name}?a=nonsense", f"/what-if/{name}?set={D}:1", f"/what-if/{name}?set=0:nan",
                f"/what-if/{name}?set=0:1e99", f"/what-if/{name}?set=x"):  # fmt: skip
        answer = client.get(url)
        assert answer.status_code == 400 and answer.json and "expected" in answer.json["error"], url


def test_one_images_contributions(client: FlaskClient, toy_analysis: Analysis):
    values = ask(client, toy_analysis, "contributions/7")["values"]
    np.testing.assert_allclose(values, toy_analysis.contributions[7], atol=1e-4)
