"""What the images are filtered, listed, tagged and exported by, asked as a browser asks."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from app import create_app
from app.groups import KEPT, Groups
from app.routes import facets
from asap_core import analysis, selections
from asap_core.analysis import Analysis
from tests import toy


@pytest.fixture
def made(tmp_path: Path) -> Analysis:
    return toy.make(tmp_path, 60, drawn=5)


@pytest.fixture
def client(made: Analysis, tmp_path: Path) -> FlaskClient:
    return create_app(made, tmp_path / "cache").server.test_client()


def ask(client: FlaskClient, path: str, **asked: Any) -> Any:
    return json.loads(client.get(path, query_string=asked).text)


def test_groups_are_what_phrases_name_and_few_are_kept(made: Analysis):
    groups = Groups(made)
    for code in range(2 * KEPT):
        phrase = f"fake&rows={code % 60}|{code // 60}"
        assert groups.rows(phrase).tolist() == selections.rows_of(made, phrase).tolist()
    assert groups.mask("fake").tolist() == np.asarray(made.is_fake).tolist()
    assert len(groups._masks) == KEPT
    with pytest.raises(ValueError, match="read-only"):
        groups._masks["fake"][0] = True


def test_facets_count_what_there_is_of_what(client: FlaskClient, made: Analysis):
    found = ask(client, f"/facets/{made.fingerprint}", of="misses")
    misses = selections.mask_of(made, "misses")
    assert (found["n"], found["total"]) == (int(misses.sum()), 60)
    listed = {}
    for facet in found["facets"]:
        for label, value, n, total in facet["options"]:
            phrase = f"{facet['key']}={value}" if facet["key"] else value
            mask = selections.mask_of(made, phrase)
            assert (n, total) == (int((mask & misses).sum()), int(mask.sum())), label
            listed[phrase] = label
    assert {"fake", "misses", "generator=vista-xl", "category=dusk", "meta.camera=lens-c"} <= set(listed)
    assert sum(found["severity"]["n"]) == found["n"]


def test_a_value_is_written_so_that_it_is_read_back():
    from urllib.parse import unquote

    for value in ("plain", "a b", "ä&b", "50 % = half|whole", "%25"):
        written = facets.encode(value)
        assert not set(written) & set("&|=") and unquote(written) == value


def test_what_is_not_understood_is_said_in_words(client: FlaskClient, made: Analysis):
    answer = client.get(f"/facets/{made.fingerprint}", query_string={"of": "moon"})
    assert answer.status_code == 400 and "expected some of real, fake" in answer.json["error"]  # pyright: ignore
    assert answer.headers["Cache-Control"] == "no-cache"


def test_a_group_is_exported_whole(client: FlaskClient, made: Analysis):
    ask_for = {"of": "judged-fake&meta.camera=lens-a"}
    answer = client.get(f"/export/{made.fingerprint}.csv", query_string=ask_for)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [int(row["row"]) for row in rows] == selections.rows_of(made, ask_for["of"]).tolist()
    assert {row["camera"] for row in rows} == {"lens-a"} and {row["verdict"] for row in rows} == {"fake"}
    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_table_holds_no_formula(tmp_path: Path):
    made = toy.make(tmp_path, 3, drawn=1)
    sly = Analysis(made.folder, made.info, made.paths, {"note": ["=1+1", "@x", "plain"]}, made.arrays)
    client = create_app(sly, tmp_path / "cache").server.test_client()
    rows = list(csv.DictReader(io.StringIO(client.get(f"/export/{made.fingerprint}.csv").text)))
    assert [row["note"] for row in rows] == ["'=1+1", "'@x", "plain"]


def test_a_line_break_in_a_value_makes_no_line_of_its_own(tmp_path: Path):
    made = toy.make(tmp_path, 4, drawn=1)
    notes = ["a\r=1+1", "two\nlines", '"q", ', "\r\n＝x"]
    sly = Analysis(made.folder, made.info, made.paths, {"note, \rof": notes, "number": [-1, 2.5, None, 3]}, made.arrays)
    client = create_app(sly, tmp_path / "cache").server.test_client()
    body = client.get(f"/export/{made.fingerprint}.csv").data.decode()
    rows = list(csv.DictReader(io.StringIO(body, newline="")))
    assert [row["note, \rof"] for row in rows] == [*notes[:3], f"'{notes[3]}"]
    assert [row["number"] for row in rows] == ["-1", "2.5", "", "3"]


def test_tags_are_given_listed_and_filtered_by(client: FlaskClient, made: Analysis):
    place = f"/tags/{made.fingerprint}"
    n = len(selections.rows_of(made, "misses"))
    assert client.post(place, json={"name": "fooled", "of": "misses"}).json == {"tags": {"fooled": n}}
    assert ask(client, place) == {"tags": {"fooled": n}}
    answer = client.get(f"/tiles/{made.fingerprint}", query_string={"of": "tag=fooled"})
    assert answer.json["n"] == n and answer.headers["Cache-Control"] == "no-cache"  # pyright: ignore
    tagged = next(facet for facet in ask(client, f"/facets/{made.fingerprint}")["facets"] if facet["key"] == "tag")
    assert tagged["options"] == [["fooled", "fooled", n, n]]
    assert client.post(place, json={"name": "fooled", "of": "", "add": False}).json == {"tags": {}}


def test_tagged_images_that_are_gone_are_told(client: FlaskClient, made: Analysis, tmp_path: Path):
    client.post(f"/tags/{made.fingerprint}", json={"name": "odd", "of": "rows=3|7"})
    kept = np.arange(60) != 7
    arrays = {name: np.asarray(each)[kept] for name, each in made.arrays.items()}
    paths = [path for path, stays in zip(made.paths, kept, strict=True) if stays]
    analysis.save(made.folder, {**made.info, "fingerprint": "new"}, paths, {}, arrays, b"", {})
    new = create_app(analysis.load(made.folder), tmp_path / "new").server.test_client()
    found = ask(new, "/tags/new")
    assert found["tags"] == {"odd": 1} and found["n_lost"] == 1
    assert found["lost"] == [["odd", made.paths[7], found["lost"][0][2]]]
    assert ask(client, f"/tags/{made.fingerprint}") == {"tags": {"odd": 2}}  # the page that goes on
    assert new.post("/tags/new", json={"name": "odd", "of": "rows=0"}).json["tags"] == {"odd": 2}  # pyright: ignore


@pytest.mark.parametrize(
    "content", [{"name": 3, "of": ""}, {"name": "x"}, {"name": "", "of": ""}, ["x"], {"name": "x", "of": "moon"}]
)
def test_tags_take_nothing_else(client: FlaskClient, made: Analysis, content: Any):
    answer = client.post(f"/tags/{made.fingerprint}", json=content)
    assert answer.status_code == 400 and "error" in answer.json  # pyright: ignore
    assert not made.notes.exists()


def test_a_form_of_another_site_changes_nothing(client: FlaskClient, made: Analysis):
    answer = client.post(f"/tags/{made.fingerprint}", data='{"name": "x", "of": ""}', content_type="text/plain")
    assert answer.status_code == 400 and not made.notes.exists()


def test_neighbours_are_the_nearest_of_either_class(client: FlaskClient, made: Analysis):
    found = ask(client, f"/neighbours/{made.fingerprint}/4")
    order = [row for row in selections.alike(made, 4).tolist() if row != 4]
    truth = np.asarray(made.is_fake)
    for kind, fake in (("real", False), ("fake", True)):
        expected = [row for row in order if truth[row] == fake][:3]
        assert [tile[0] for tile in found[kind]["tiles"]] == expected
        assert found[kind]["values"] == sorted(found[kind]["values"], reverse=True)
