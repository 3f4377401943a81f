"""Cells, glyphs, measures and points of the images that a filter names, asked as a browser asks."""

import json
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image

from app import create_app
from app.groups import Groups
from app.routes import planes, points
from asap_core import tags
from asap_core.analysis import Analysis
from asap_core.projection import cells
from tests import toy, toy_maps

SPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy.make(tmp_path_factory.mktemp("planes"), 400, drawn=1)


@pytest.fixture(scope="module")
def client(made: Analysis, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(made, tmp_path_factory.mktemp("cache")).server.test_client()


def ask(client: FlaskClient, url: str) -> Any:
    return json.loads(client.get(url).text)


def truth_of(made: Analysis) -> NDArray[np.bool_]:
    assert made.is_fake is not None
    return made.is_fake


def holds(made: Analysis, phrase: str) -> NDArray[np.bool_]:
    """The filters of these tests, written slowly."""
    truth, called = truth_of(made), made.logits > 0
    known = {
        "": np.ones(made.n, bool),
        "fake": truth,
        "misses": truth & ~called,
        "fake&severity=0.3..0.9": truth & (made.scores >= 0.3) & (made.scores <= 0.9),
        "rows=3|5": np.isin(np.arange(made.n), (3, 5)),
    }
    return known[phrase]


PHRASES = ("", "fake", "misses", "fake&severity=0.3..0.9", "rows=3|5")


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("side", [8, 64])
def test_only_images_that_the_filter_names_are_in_cells(client: FlaskClient, made: Analysis, phrase: str, side: int):
    inside = holds(made, phrase)
    codes = cells.cut(made.positions("decision"), side)[inside]
    expected, counts = np.unique(codes, return_counts=True)
    asked = f"{side}.json?of={quote(phrase)}"
    table = ask(client, f"/cells/{made.fingerprint}/decision/{asked}")
    assert table["columns"]["code"] == expected.tolist() and table["columns"]["n"] == counts.tolist()
    assert table["sizes"][0] >= 2 and inside[table["columns"]["medoid"]].all()
    heat = ask(client, f"/heat/{made.fingerprint}/decision/{side}/n.json?of={quote(phrase)}")
    assert (heat["code"], heat["value"], heat["n"]) == (expected.tolist(), counts.tolist(), counts.tolist())
    svg = client.get(f"/glyphs/{made.fingerprint}/decision/{side}/frames-light.svg?of={quote(phrase)}").text
    bands = [each for each in ET.fromstring(svg).iter(f"{SPACE}circle") if each.get("class", "").startswith("h")]
    assert len(bands) == len(expected)


def test_a_card_is_of_the_filters_images_and_an_empty_cell_has_none(client: FlaskClient, made: Analysis):
    base = f"/cards/{made.fingerprint}/content/8"
    codes = cells.cut(made.positions("content"), 8)
    wrong = holds(made, "misses")
    code = int(codes[wrong][0])
    card = ask(client, f"{base}/{code}.json?of=misses")
    rows = [row for row in card["exemplars"] if row >= 0]
    assert rows and wrong[rows].all() and (codes[rows] == code).all()
    assert set(card["shape"][0]) == {"0"}  # nobody real
    empty = next(code for code in range(64) if code not in codes)
    assert client.get(f"{base}/{empty}.json").status_code == 404


def test_what_a_phrase_may_not_say_is_answered_in_words(client: FlaskClient, made: Analysis):
    for url in ("cells/{}/content/8.json", "glyphs/{}/content/8/donuts-light.svg", "points/{}/content.json"):
        answer = client.get(f"/{url.format(made.fingerprint)}?of=moon")
        assert answer.status_code == 400 and "moon" in json.loads(answer.text)["error"], url
    assert client.get(f"/points/{made.fingerprint}/content.json?view=0,0,x,1").status_code == 400
    assert client.get(f"/points/{made.fingerprint}/content.json?view=1,0,0,1").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/heat/{f}/content/8/d16.json",
        "/heat/{f}/content/8/moons.json",
        "/heat/{f}/content/9/n.json",
        "/heat/x/content/8/n.json",
        "/cards/{f}/content/8/64.json",
        "/points/{f}/moon.json",
        "/points/{f}/content/light-65.png",
        "/points/{f}/content/light-99968.png",
        "/points/{f}/content/pink-64.png",
        "/points/{f}/nothing",
    ],
)
def test_what_is_not_in_the_table_is_not_found(client: FlaskClient, made: Analysis, path: str):
    assert client.get(path.format(f=made.fingerprint)).status_code == 404


def test_a_tag_changes_what_is_drawn_and_is_asked_for_again(tmp_path: Path):
    made = toy.make(tmp_path, 60, drawn=1)
    client = create_app(made, tmp_path / "cache").server.test_client()
    url = f"/cells/{made.fingerprint}/content/8.json?of=tag%3Dodd"
    for rows in ([1, 2], [1, 2, 3]):
        tags.change(made, "odd", rows, True)
        answer = client.get(url)
        assert sum(json.loads(answer.text)["columns"]["n"]) == len(rows)
        assert answer.headers["Cache-Control"] == "no-cache"


def by_cell(made: Analysis, values: NDArray, how: Any = np.mean) -> list[float]:
    codes = cells.cut(made.positions("content"), 8)
    return [float(how(values[codes == code])) for code in np.unique(codes)]


def test_measures_are_means_over_the_cells(client: FlaskClient, made: Analysis):
    truth, called = truth_of(made), made.logits > 0
    expected = {
        "fake": by_cell(made, truth),
        "errors": by_cell(made, truth != called),
        "severity": by_cell(made, made.scores, np.median),
        "d3": by_cell(made, made.contributions[:, 3]),
    }
    for name, values in expected.items():
        heat = ask(client, f"/heat/{made.fingerprint}/content/8/{name}.json")
        assert heat["value"] == pytest.approx(values, abs=6e-4), name
        assert heat["low"] <= min(values) and max(values) <= heat["high"] + 1e-6
    assert heat["low"] == -heat["high"]  # what a dimension adds is centred at nothing
    assert "Dimension" not in heat["title"] and "4" in heat["title"]


def test_what_is_not_known_is_null_and_never_nothing(tmp_path: Path):
    made = toy.make(tmp_path, 60)
    client = create_app(made, tmp_path / "cache").server.test_client()
    url = f"/heat/{made.fingerprint}/content/8/sensitivity.json"
    before = ask(client, url)
    assert set(before["value"]) == {None} and "Not computed" in before["note"]
    known = toy_maps.explained(made, [0, 1, 2]).sensitivity
    after = ask(client, url)
    codes = cells.cut(made.positions("content"), 8)
    for code, value in zip(after["code"], after["value"], strict=True):
        some = known[(codes == code) & np.isfinite(known)]
        assert (value is None) == (len(some) == 0)
        if value is not None:
            assert value == pytest.approx(some.mean(), abs=6e-4)
    assert client.get(url).headers["Cache-Control"] == "no-cache"
    assert "No pattern" in ask(client, f"/heat/{made.fingerprint}/content/8/pattern.json")["note"]


def test_points_are_all_images_of_the_view_in_their_places(client: FlaskClient, made: Analysis):
    x, y = made.positions("content").T
    truth, called = truth_of(made), made.logits > 0
    for phrase in ("", "fake"):
        inside = (x >= 0.3) & (x <= 0.6) & (y >= 0.2) & (y <= 0.7) & holds(made, phrase)
        found = ask(client, f"/points/{made.fingerprint}/content.json?view=0.3,0.2,0.6,0.7&of={phrase}")
        rows = np.flatnonzero(inside)
        assert found["rows"] == rows.tolist() and found["n"] == len(rows) > 3
        assert np.asarray(found["x"]) / points.STEPS == pytest.approx(x[rows], abs=1e-5)
        assert np.asarray(found["y"]) / points.STEPS == pytest.approx(y[rows], abs=1e-5)
        kinds = np.asarray(found["kind"])
        assert ((kinds & 1 > 0) == truth[rows]).all() and ((kinds & 2 > 0) == (truth != called)[rows]).all()


def test_many_points_are_counted_and_drawn_all(tmp_path: Path):
    made = toy.make(tmp_path, points.EXACT + 500, drawn=1)
    client = create_app(made, tmp_path / "cache").server.test_client()
    base = f"/points/{made.fingerprint}/content"
    assert ask(client, f"{base}.json") == {"n": made.n, "rows": None}
    assert len(ask(client, f"{base}.json?of=misses")["rows"]) == int(holds(made, "misses").sum())
    answer = client.get(f"{base}/dark-1024.png")
    assert answer.content_type == "image/png"
    drawn = np.asarray(Image.open(BytesIO(answer.data)).convert("RGBA"))
    assert drawn.shape == (1024, 1024, 4)
    x, y = made.positions("content").T
    column, line = (np.clip((at * 1024).astype(int), 0, 1023) for at in (x, 1 - y))
    assert (drawn[line, column, 3] == 255).all()


def test_only_the_newest_planes_are_remembered(made: Analysis):
    places = planes.Planes(Groups(made))
    for k in range(planes.KEPT + 5):
        places.table("content", 8, f"rows={k}")
    assert len(places._cells._results) == planes.KEPT
    first = places.cells("content", 8, "rows=28")
    assert places.cells("content", 8, "rows=28") is first
