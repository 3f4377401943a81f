"""What is posted and cannot be understood: 400 or 413, a plain line, one line in the log, and never a trace."""

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from dash import Dash

from app import create_app
from app.responses import LARGEST
from asap_core.analysis import Analysis
from tests import toy

DEEP = 100_000
GARBAGE = {
    "nothing": b"",
    "a list, deep": b"[" * DEEP + b"]" * DEEP,
    "an object, deep": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a deep value": b'{"kind": "relevance", "arguments": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "cut short": b'{"name": "x", "of"',
    "null": b"null",
    "a number": b"3",
    "a text": b'"x"',
    "a list": b"[]",
    "infinity": b'{"name": 1e999, "output": 1e999}',
    "no number": b'{"name": NaN, "output": NaN}',
    "half a character": b'{"name": "\\ud800", "of": "", "output": "\\ud800"}',
    "a number of 5,000 digits": b'{"name": ' + b"9" * 5000 + b"}",
    "no UTF-8": b'{"name": "\xff\xfe"}',
    "bytes": bytes(range(256)),
}


@pytest.fixture
def made(tmp_path: Path) -> Analysis:
    return toy.make(tmp_path / "toy", 12, drawn=1)


@pytest.fixture
def app(made: Analysis, tmp_path: Path) -> Dash:
    return create_app(made, tmp_path / "cache")


def posts(app: Dash, fingerprint: str) -> list[str]:
    """Every place where something can be posted, as the server itself lists them."""
    rules = [rule.rule for rule in app.server.url_map.iter_rules() if "POST" in (rule.methods or ())]
    assert len(rules) >= 6
    return [
        rule.replace("<fingerprint>", fingerprint).replace("<key>", "0" * 20).replace("<job>", "x") for rule in rules
    ]


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_refused_wherever_it_is_posted(
    app: Dash, made: Analysis, name: str, caplog: pytest.LogCaptureFixture
):
    client = app.server.test_client()
    for url in posts(app, made.fingerprint):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            answer = client.post(url, data=GARBAGE[name], content_type="application/json")
        assert answer.status_code in (400, 404) if "/patterns/" in url else answer.status_code == 400, url
        if answer.status_code == 400:
            assert json.loads(answer.text)["error"] and len(answer.text) < 1000
            (record,) = caplog.records
            assert record.exc_info is None and "\n" not in record.getMessage()


@pytest.mark.parametrize(
    "change",
    [
        {"output": None},
        {"output": []},
        {"output": "nothing.data"},
        {"output": {"id": 1}},
        {"outputs": "x"},
        {"outputs": {"id": 3}},
        {"inputs": None},
        {"inputs": {}},
        {"inputs": [3]},
        {"inputs": [{"id": "selection-image"}]},
        {"inputs": [{"id": "selection-image", "property": "data", "value": {"x": [1]}}]},
        {"inputs": [{"id": "selection-image", "property": "data", "value": 10**30}]},
        {"inputs": [{"id": "selection-image", "property": "data", "value": -1}]},
        {"inputs": [{"id": "selection-image", "property": "data", "value": "7"}]},
        {"inputs": [{"id": {"a": []}, "property": [], "value": 1}]},
        {"state": 7},
        {"state": []},
        {"changedPropIds": 7},
        {"changedPropIds": [[]]},
    ],
)
def test_what_dash_would_stumble_over_is_refused(app: Dash, change: dict[str, Any], caplog: pytest.LogCaptureFixture):
    client = app.server.test_client()
    wanted = next(
        each for each in client.get("/_dash-dependencies").json if each["output"] == "opened-content.children"
    )
    values = {"selection-image": 7, "selection-sort": "row", "selection-target": "logit"}
    filled = {
        kind: [{**each, "value": values.get(each["id"])} for each in wanted[kind]] for kind in ("inputs", "state")
    }
    body = {"output": wanted["output"], "outputs": {"id": "opened-content", "property": "children"}, **filled,
            "changedPropIds": ["selection-image.data"]}  # fmt: skip
    assert client.post("/_dash-update-component", json=body).status_code == 200
    for each in (body | change, {name: value for name, value in body.items() if name not in change}):
        caplog.clear()
        answer = client.post("/_dash-update-component", json=each)
        assert answer.status_code in (200, 204, 400), answer.text
        assert not any(record.exc_info for record in caplog.records)
        if answer.status_code == 400:
            assert json.loads(answer.text)["error"] and len(caplog.records) == 1
    assert client.post("/_dash-update-component", data="x", content_type="text/plain").status_code == 415


@pytest.mark.parametrize("kind", [[], {}, None, 3, True, "shell", "x" * 10_000])
def test_a_kind_of_job_is_a_word(app: Dash, work_is_there: None, kind: Any):
    answer = app.server.test_client().post("/jobs", json={"kind": kind, "arguments": {"of": ""}})
    assert answer.status_code == 400 and len(answer.text) < 1000


@pytest.mark.parametrize("origin", ["http://[", "null", "", "http://localhost:1", "localhost", "http://evil.example"])
def test_another_origin_asks_for_no_job(app: Dash, origin: str):
    answer = app.server.test_client().post("/jobs", json={}, headers={"Origin": origin})
    assert answer.status_code == 403


def test_a_share_may_be_any_number(app: Dash, work_is_there: None):
    for share in (10**400, -(10**400), "1", None):
        asked = {"kind": "counterfactual", "arguments": {"regions": [[0, [share] + [0] * 48]]}}
        assert app.server.test_client().post("/jobs", json=asked).status_code == 400, share


def test_too_much_at_once_is_refused(app: Dash, made: Analysis):
    client = app.server.test_client()
    large = b'{"name": "' + b"x" * LARGEST + b'"}'
    for url in posts(app, made.fingerprint):
        if "/patterns/" in url:
            continue  # no pattern is there to be edited
        answer = client.post(url, data=large, content_type="application/json")
        assert answer.status_code == 413 and "1,048,576" in json.loads(answer.text)["error"], url
        chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        answer = client.post(url, input_stream=io.BytesIO(large), content_type="application/json",
                             environ_overrides={**chunked, "CONTENT_LENGTH": ""})  # fmt: skip
        assert answer.status_code == 413, url


def test_what_was_asked_is_not_told_back_at_length(app: Dash, made: Analysis):
    answer = app.server.test_client().post(f"/tags/{made.fingerprint}", json={"name": "x", "of": "y" * 500_000})
    assert answer.status_code == 400 and len(answer.text) < 1000


@pytest.fixture
def work_is_there(app: Dash) -> Any:
    """The page's worker looked after, though never started: a question is checked only then."""
    from app.routes import jobs

    work = jobs.of(app)
    work.supervisor.tasks = "tests.slow_tasks"
    work.start()
    yield
    work.close()
