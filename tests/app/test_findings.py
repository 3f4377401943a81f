"""Patterns through the front door: what is found is told, edits are checked and kept, crops come from the table."""

import json
import os
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from asap_core import findings
from asap_core.analysis import Analysis
from tests import toy


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy.make(tmp_path_factory.mktemp("patterns"), 120, drawn=40)


@pytest.fixture(scope="module")
def client(study: Analysis, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(study, tmp_path_factory.mktemp("cache")).server.test_client()


@pytest.fixture
def key(study: Analysis) -> str:
    toy.forget(study)
    return toy.found(study).name


def told(client: FlaskClient, study: Analysis, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/patterns/{study.fingerprint}{query}")
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def post(client: FlaskClient, study: Analysis, key: str, **asked: Any):
    return client.post(f"/patterns/{study.fingerprint}/{key}", json=asked)


def test_the_patterns_are_told_with_their_numbers(client: FlaskClient, study: Analysis, key: str):
    said = told(client, study)
    assert said["key"] == key and said["n"] == said["images"] == study.n and said["here"] is None
    first, fake = said["patterns"][0], np.asarray(study.is_fake)
    rows = findings.rows_with(study, f"{key}/0")
    assert first["name"] == "the sun" and first["n"] == len(rows)
    assert first["fake"] == [int(fake[rows].sum()), int(fake.sum())]
    assert first["contribution"][1] <= first["contribution"][0] <= first["contribution"][2]
    assert len(first["where"]) == 49 and max(first["where"]) == 100
    assert first["sentence"].startswith("In ") and "the sun" in first["sentence"]
    for why, exemplars in first["exemplars"].items():
        for group, row, pull, truth, called in exemplars:
            assert truth == int(fake[row]) and called == int(study.logits[row] > 0), (why, group, pull)
    assert {"of": "", "images": study.n, "patterns": 4} in said["known"]


def test_how_many_of_a_group_have_a_pattern(client: FlaskClient, study: Analysis, key: str):
    said = told(client, study, "?a=generator=lumen-2")
    mine = np.asarray(study.arrays["generator"]) == 1
    assert said["here"] == mine.sum()
    assert [each["here"] for each in said["patterns"]] == [
        int(mine[findings.rows_with(study, f"{key}/{number}")].sum()) for number in range(4)
    ]


def test_the_same_images_by_another_name_are_the_same_findings(client: FlaskClient, study: Analysis):
    place = toy.found(study, "fake")
    assert told(client, study, "?of=fake")["key"] == place.name
    assert told(client, study, "?of=generator=lumen-2|vista-xl")["key"] == place.name


def test_images_looked_at_twice_are_told_once_as_last_found(client: FlaskClient, study: Analysis, key: str):
    place = findings.folder_in(study) / key
    older = shutil.copytree(place, place.with_name("0" * 20))
    said = json.loads((older / "patterns.json").read_text("utf-8"))
    (older / "patterns.json").write_text(json.dumps(said | {"patterns": said["patterns"][:2]}))
    os.utime(older / "patterns.json", (1, 1))
    assert [each["patterns"] for each in told(client, study)["known"] if each["of"] == ""] == [4]
    shutil.rmtree(older)


def test_what_an_older_version_found_is_left_out_until_it_is_found_anew(
    client: FlaskClient, study: Analysis, key: str, monkeypatch: pytest.MonkeyPatch
):
    file, looks, read = findings.folder_in(study) / key / "patterns.json", [], findings.read
    monkeypatch.setattr(findings, "read", lambda folder: looks.append(folder.name) or read(folder))
    kept = file.read_text("utf-8")
    file.write_text(json.dumps(json.loads(kept) | {"version": findings.VERSION - 1}), "utf-8")
    for _ in range(3):
        assert told(client, study)["key"] is None
    assert looks.count(key) == 1
    file.write_text(kept, "utf-8")
    assert told(client, study)["key"] == key


def test_nothing_found_says_for_how_many_images(client: FlaskClient, study: Analysis, key: str):
    said = told(client, study, "?of=false-alarms")
    assert said["key"] is None
    assert said["n"] == said["ready"]["false-alarms"] > 0
    assert client.get(f"/patterns/{study.fingerprint}?of=nonsense").status_code == 400
    assert client.get("/patterns/other").status_code == 404


def test_edits_are_kept_for_everybody_and_taken_back(client: FlaskClient, study: Analysis, key: str):
    assert post(client, study, key, do="rename", number=0, name="<b>two suns</b>").status_code == 200
    assert post(client, study, key, do="hide", number=2).status_code == 200
    said = told(client, study)["patterns"]
    assert said[0]["name"] == "<b>two suns</b>" and said[0]["found_as"] == ["the sun"] and said[0]["renamed"]
    assert [each["hidden"] for each in said] == [False, False, True, False]
    post(client, study, key, do="rename", number=0, name=None)
    post(client, study, key, do="unhide", number=2)
    said = told(client, study)["patterns"]
    assert said[0]["name"] == "the sun" and not said[2]["hidden"]


def test_edited_patterns_that_are_not_shown_are_told(client: FlaskClient, study: Analysis, key: str):
    post(client, study, key, do="rename", number=0, name="two suns")
    assert told(client, study)["lost"] == []
    shutil.rmtree(findings.folder_in(study) / key)
    said = told(client, study)
    assert said["key"] is None and said["lost"] == ["two suns (found as the sun)"]
    assert told(client, study, "?of=misses")["lost"] == []  # of another selection
    toy.found(study)
    said = told(client, study)
    assert said["lost"] == [] and said["patterns"][0]["name"] == "two suns"


def test_a_merged_pattern_has_all_images_and_no_rate_yet(client: FlaskClient, study: Analysis, key: str):
    post(client, study, key, do="merge", numbers=[1, 0])
    merged = told(client, study)["patterns"][0]
    assert merged["merged"] and merged["drop"] is merged["swap"] is None and merged["stability"] is None
    rows = findings.rows_with(study, f"{key}/0")
    assert merged["n"] == len(rows)
    assert told(client, study, f"?a=pattern={key}/0")["here"] == len(rows)
    post(client, study, key, do="split", number=0)
    assert len(told(client, study)["patterns"]) == 4


def test_what_is_no_edit_is_refused_in_words(client: FlaskClient, study: Analysis, key: str):
    wrong: list[dict[str, Any]] = [
        {},
        {"do": "burn"},
        {"do": ["rename"]},
        {"do": "rename", "number": 99, "name": "x"},
        {"do": "rename", "number": True, "name": "x"},
        {"do": "rename", "number": 0, "name": 5},
        {"do": "rename", "number": 0, "name": "x" * 81},
        {"do": "merge", "numbers": 3},
        {"do": "merge", "numbers": [0]},
        {"do": "merge", "numbers": [0, 3]},
        {"do": "hide"},
    ]
    for asked in wrong:
        answer = post(client, study, key, **asked)
        assert answer.status_code == 400 and answer.get_json()["error"], asked
    plain = client.post(f"/patterns/{study.fingerprint}/{key}", data='{"do": "hide", "number": 0}')
    assert plain.status_code == 400  # a form of another site could send that
    assert post(client, study, "0" * 20, do="hide", number=0).status_code == 404
    assert client.post(f"/patterns/{study.fingerprint}/..%2f{key}", json={}).status_code in (404, 405)
    assert not any(each["hidden"] or each["renamed"] for each in told(client, study)["patterns"])


def test_a_crop_shows_the_group_of_the_table(client: FlaskClient, study: Analysis, key: str):
    found = findings.read(findings.folder_in(study) / key)
    assert found is not None
    answer = client.get(f"/crop/{study.fingerprint}/{key}/0?s=96")
    assert answer.status_code == 200 and answer.mimetype == "image/webp"
    with Image.open(BytesIO(answer.data)) as crop:
        assert crop.size == (96, 96)
        assert np.asarray(crop.convert("L")).std() > 5
    assert "immutable" in answer.headers["Cache-Control"]
    for wrong in (f"{key}/{len(found.groups)}", f"{key}/0?s=97", f"{'0' * 20}/0", f"{key}/-1", "../0"):
        assert client.get(f"/crop/{study.fingerprint}/{wrong}").status_code == 404


def test_what_is_damaged_is_left_out(client: FlaskClient, study: Analysis, key: str, tmp_path: Path):
    place = findings.folder_in(study) / key
    kept = (place / "patterns.json").read_text("utf-8")
    (place / "patterns.json").write_text("{")
    assert told(client, study)["key"] is None
    (place / "patterns.json").write_text(kept)
    assert told(client, study)["key"] == key
