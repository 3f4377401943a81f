"""Jobs through the front door: shared, in order, stopped, taken up after a kill, given up; and what is refused."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from app import create_app
from app.jobs import kinds, queue
from app.private import BytesOnly
from app.routes import jobs
from app.routes.jobs import Jobs
from asap_core import analysis
from asap_core.analysis import Analysis
from asap_core.errors import SettingsError
from tests import slow_tasks, toy

TASKS = "tests.slow_tasks"
TOLD = ("slow", "fails", "breaks", "kills", "quick")
SLOW, FAILS, BREAKS, KILLS, QUICK = ({"of": f"meta.camera={word}|lens-a|lens-b|lens-c"} for word in TOLD)


@pytest.fixture
def made(tmp_path: Path) -> Analysis:
    return toy.make(tmp_path / "toy", 300, drawn=2)


@pytest.fixture
def work(made: Analysis, tmp_path: Path) -> Iterator[Jobs]:
    """Jobs of a toy analysis with a worker that needs no model."""
    found = Jobs(made, tmp_path / "jobs", TASKS)
    found.start()
    yield found
    found.close()


@pytest.fixture(scope="module")
def client(toy_analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A page without a worker."""
    return create_app(toy_analysis, tmp_path_factory.mktemp("cache")).server.test_client()


def until(what: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to that in time")


def ended(work: Jobs, job: str) -> dict[str, Any]:
    """A job's record, once it has come to its end."""
    until(lambda: (work.queue.record(job) or {})["state"] not in ("waiting", "running"))
    return work.queue.record(job) or {}


def running(work: Jobs, job: str) -> dict[str, Any]:
    """A job's record, once it is on its way."""
    return until(lambda: (found := work.queue.record(job)) and found["state"] == "running" and found["done"] and found)


def begun(made: Analysis) -> list[dict[str, Any]]:
    """What the worker was asked, in its order."""
    return [json.loads(line) for line in (made.folder / "begun.jsonl").read_text("utf-8").splitlines()]


def test_the_same_question_is_one_job_and_its_answer_is_kept(work: Jobs, made: Analysis):
    first, second = (work.ask("counterfactual", {"of": "misses", "occluders": ["drop"]}) for _ in range(2))
    assert first["id"] == second["id"] != work.ask("counterfactual", {"of": "misses"})["id"]
    assert ended(work, first["id"])["state"] == "done"
    assert (work.queue.result(first["id"]) or {})["counted"] == 3
    until(lambda: not work.queue.active())
    again = work.ask("counterfactual", {"of": "misses", "occluders": ["drop"]})
    assert again["state"] == "done" and len(begun(made)) == 2
    (a, b, *_) = (work.ask("relevance", {"rows": rows})["id"] for rows in ([4, 2, 2], [2, 4]))
    assert a == b


def test_patterns_that_are_gone_are_looked_for_again(work: Jobs, made: Analysis):
    job = work.ask("patterns", {"of": "misses"})["id"]
    ended(work, job)  # its result names findings that are not there
    assert work.ask("patterns", {"of": "misses"})["state"] == "waiting"


def test_a_small_job_goes_before_a_large_one_which_goes_on_after_it(work: Jobs, made: Analysis):
    large = work.ask("relevance", SLOW)["id"]
    running(work, large)
    middling = work.ask("counterfactual", {"of": "rows=" + "|".join(map(str, range(40)))})["id"]
    small = work.ask("relevance", {"rows": [7]})["id"]
    assert ended(work, small)["ended"] < ended(work, middling)["ended"] < ended(work, large)["ended"]
    record, result = work.queue.record(large), work.queue.result(large)
    assert record and record["attempts"] == 1 and record["state"] == "done"
    assert result and 0 < result["begun"] < slow_tasks.STEPS  # not from the start


def test_progress_is_told_and_a_job_is_cancelled_and_goes_on_when_asked_again(work: Jobs, made: Analysis):
    job = work.ask("patterns", SLOW)["id"]
    seen = until(lambda: (found := work.queue.record(job)) and found["left"] and found)
    assert 0 < seen["done"] < seen["total"] == slow_tasks.STEPS
    assert seen["left"] > 0
    waiting = work.ask("patterns", QUICK)["id"]
    work.queue.cancel(waiting)
    assert (work.queue.record(waiting) or {})["state"] == "cancelled"
    work.queue.cancel(job)
    assert ended(work, job)["state"] == "cancelled"
    assert work.ask("patterns", SLOW)["state"] == "waiting"
    assert ended(work, job)["state"] == "done"
    result = work.queue.result(job)
    assert result and result["begun"] > 0


def test_a_killed_worker_is_started_again_and_its_job_goes_on(work: Jobs, made: Analysis):
    job = work.ask("relevance", SLOW)["id"]
    running(work, job)
    first = work.supervisor.process
    assert first
    os.kill(first, signal.SIGKILL)
    assert ended(work, job)["state"] == "done" and (work.queue.record(job) or {})["attempts"] == 2
    result = work.queue.result(job)
    assert result and result["begun"] > 0
    assert len((made.folder / "workers.txt").read_text().split()) == 2 and work.supervisor.process != first


def build_again(made: Analysis, fingerprint: str) -> None:
    """Another build where an analysis stands."""
    facts = {**made.info, "fingerprint": fingerprint}
    analysis.save(made.folder, facts, made.paths, {}, dict(made.arrays), b"", {})


def test_a_page_goes_on_with_its_build_and_says_that_a_newer_one_is_there(work: Jobs, made: Analysis, tmp_path: Path):
    assert not work.list()["replaced"]
    build_again(made, "another")
    assert work.list()["replaced"] and analysis.load(made.folder).fingerprint == "another"
    job = work.ask("patterns", QUICK)["id"]
    assert ended(work, job)["state"] == "done"
    assert (work.queue.result(job) or {})["fingerprint"] == made.fingerprint
    build_again(made, "a third")
    error = ended(work, work.ask("patterns", {"of": "fake"})["id"])["error"]
    assert "newer ones took its place" in error and "again" in error
    client = create_app(analysis.load(made.folder), tmp_path / "cache").server.test_client()
    assert json.loads(client.get("/jobs").text)["replaced"] is False


def test_a_job_that_kills_its_worker_twice_is_given_up_and_others_go_on(work: Jobs):
    job, other = work.ask("patterns", KILLS)["id"], work.ask("patterns", QUICK)["id"]
    record = ended(work, job)
    assert record["state"] == "failed" and "ended 2 times" in record["error"] and "signal 9" in record["error"]
    assert ended(work, other)["state"] == "done"
    assert [each["id"] for each in work.list()["jobs"] if each["state"] == "failed"] == [job]
    work.queue.dismiss(job)
    assert not [each for each in work.list()["jobs"] if each["state"] == "failed"]
    assert work.ask("patterns", KILLS)["state"] == "waiting"  # it may be tried again
    work.queue.cancel(job)


def test_an_error_is_told_in_plain_words_and_the_worker_lives(work: Jobs):
    plain, odd = work.ask("patterns", FAILS)["id"], work.ask("patterns", BREAKS)["id"]
    assert ended(work, plain)["error"] == "that cannot be done: try another"
    error = ended(work, odd)["error"]
    assert "ZeroDivisionError" in error and "worker.log" in error
    assert "Traceback" in (work.queue.folder / "worker.log").read_text("utf-8")
    assert ended(work, work.ask("patterns", QUICK)["id"])["state"] == "done"


def test_a_server_that_starts_again_takes_up_what_was_left(made: Analysis, tmp_path: Path):
    first = Jobs(made, tmp_path / "jobs", TASKS)
    first.start()
    job, other = first.ask("relevance", SLOW)["id"], first.ask("patterns", QUICK)["id"]
    running(first, job)
    worker = first.supervisor.process
    first.close()
    assert worker
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)  # no orphan
    second = Jobs(made, tmp_path / "jobs", TASKS)
    assert {each["id"]: each["state"] for each in second.list()["jobs"]} == {job: "waiting", other: "waiting"}
    second.start()
    assert ended(second, job)["state"] == ended(second, other)["state"] == "done"
    record, result = second.queue.record(job), second.queue.result(job)
    assert record and record["attempts"] == 1 and result and result["begun"] > 0
    second.close()


def test_two_pages_of_one_analysis_have_one_worker_at_work(made: Analysis, work: Jobs, tmp_path: Path):
    other = Jobs(made, tmp_path / "jobs", TASKS)
    other.start()
    job = work.ask("patterns", SLOW)["id"]
    running(work, job)
    assert other.ask("patterns", SLOW)["id"] == job
    quick = other.ask("patterns", QUICK)["id"]
    assert ended(other, quick)["ended"] > ended(work, job)["ended"]
    assert [each["of"] for each in begun(made)] == [SLOW["of"], QUICK["of"]]
    other.close()


def test_where_no_model_can_be_opened_it_is_said_and_the_page_works(made: Analysis, tmp_path: Path):
    (made.folder / slow_tasks.BROKEN).touch()
    app = create_app(made, tmp_path / "cache")
    work = jobs.of(app)
    work.supervisor.tasks = TASKS
    work.start()
    job = work.ask("relevance", QUICK)["id"]
    assert "weights of another encoder" in ended(work, job)["error"]
    assert "weights of another encoder" in str(work.list()["trouble"])
    assert app.server.test_client().get("/").status_code == 200
    work.close()


def test_without_a_worker_nothing_can_be_asked(client: FlaskClient):
    answer = client.post("/jobs", json={"kind": "relevance", "arguments": {"of": ""}})
    assert answer.status_code == 503 and "without a worker" in json.loads(answer.text)["error"]
    found = json.loads(client.get("/jobs").text)
    assert found["jobs"] == [] and found["maps"]["of"] == 240 and found["trouble"]


def test_only_this_page_may_ask(work: Jobs, made: Analysis, tmp_path: Path):
    app = create_app(made, tmp_path / "cache")
    app.server.extensions["jobs"].supervisor = work.supervisor
    client, content = app.server.test_client(), {"kind": "patterns", "arguments": QUICK}
    assert client.post("/jobs", data=json.dumps(content)).status_code == 415
    assert client.post("/jobs", data=content).status_code == 415
    assert client.post("/jobs", json=content, headers={"Origin": "http://elsewhere"}).status_code == 403
    assert client.post("/jobs", json=content, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    mine = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    asked = client.post("/jobs", json=content, headers=mine)
    assert asked.status_code == 200 and json.loads(asked.text)["state"] == "waiting"
    assert client.post("/jobs", data="{", content_type="application/json").status_code == 400
    assert client.post("/jobs", json={**content, "tasks": "os"}).status_code == 400
    job = json.loads(asked.text)["id"]
    assert client.post(f"/jobs/{job}/cancel", data="{}").status_code == 415
    assert json.loads(client.post(f"/jobs/{job}/cancel", json={}).text)["state"] == "cancelled"
    assert client.post("/jobs/nothing/dismiss", json={}).status_code == 404
    assert client.get("/jobs/nothing").status_code == 404


GRID = 49
GOOD = [1.0] + [0.0] * (GRID - 1)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("shell", {"of": ""}),
        ("relevance", {}),
        ("relevance", None),
        ("relevance", {"rows": [240]}),
        ("relevance", {"rows": [-1]}),
        ("relevance", {"rows": [1.5]}),
        ("relevance", {"rows": [True]}),
        ("relevance", {"rows": []}),
        ("relevance", {"rows": "all"}),
        ("relevance", {"of": "nonsense"}),
        ("relevance", {"of": "text=no image has this"}),
        ("relevance", {"of": ["misses"]}),
        ("relevance", {"of": "", "folder": "/"}),
        ("patterns", {"of": "a" * 30_000}),
        ("patterns", {"rows": [1]}),
        ("counterfactual", {"of": "", "occluders": ["black"]}),
        ("counterfactual", {"of": "", "occluders": []}),
        ("counterfactual", {"of": "", "regions": [[0, GOOD]]}),
        ("counterfactual", {"regions": []}),
        ("counterfactual", {"regions": [[0, GOOD]] * (kinds.REGIONS + 1)}),
        ("counterfactual", {"regions": [[0, GOOD[1:]]]}),
        ("counterfactual", {"regions": [[0, [0.0] * GRID]]}),
        ("counterfactual", {"regions": [[0, [2.0, *GOOD[1:]]]]}),
        ("counterfactual", {"regions": [[0, [float("nan"), *GOOD[1:]]]]}),
        ("counterfactual", {"regions": [[0, ["1", *GOOD[1:]]]]}),
        ("counterfactual", {"regions": [[500, GOOD]]}),
        ("counterfactual", {"regions": [0, GOOD]}),
        ("counterfactual", {"pattern": "../../etc/0"}),
        ("counterfactual", {"pattern": 3}),
    ],
)
def test_what_is_no_question_is_refused(toy_analysis: Analysis, kind: str, arguments: Any):
    with pytest.raises(SettingsError):
        kinds.understand(toy_analysis, kind, arguments)


def test_a_region_is_a_question(toy_analysis: Analysis):
    question = kinds.understand(toy_analysis, "counterfactual", {"regions": [[9, GOOD], [2, GOOD]]})
    assert question.rows.tolist() == [2, 9] and question.size == 2
    (row, held), _ = kinds.regions(question.arguments, (7, 7))
    assert row == 9 and held.shape == (7, 7) and held[0, 0] == 1


def test_maps_that_are_there_need_no_worker(made: Analysis, tmp_path: Path):
    toy.explained(made, [0, 1])
    work = Jobs(made, tmp_path / "jobs", TASKS)
    assert work.ask("relevance", {"rows": [0, 1]})["state"] == "done"
    assert work.ask("relevance", {"of": ""})["state"] == "waiting"
    assert work.list()["maps"]["done"] == np.count_nonzero(kinds.explained(made)) > 2
    work.close()


def test_the_queue_is_private_and_holds_no_pickle(work: Jobs):
    ended(work, work.ask("patterns", QUICK)["id"])
    assert stat.S_IMODE(work.queue.folder.stat().st_mode) == 0o700
    cache = work.queue._cache
    assert isinstance(cache.disk, BytesOnly) and vars(cache).get("eviction_policy") == "none"
    for key in cache.iterkeys():
        json.loads(bytes(cache[key]))  # pyright: ignore
    with pytest.raises(AssertionError):
        cache["job/x"] = {"state": "waiting"}
    with pytest.raises(ValueError, match="pickled"):
        cache.disk.get(b"\x80\x04.", False)


def test_the_queue_forgets_what_ended_long_ago(tmp_path: Path):
    some = queue.Queue(tmp_path / "jobs")
    for number in range(queue.MOST + 5):
        some.put(f"{number:020x}", "patterns", {"of": ""}, 1, {"key": "none"})
    left = some.records()
    assert queue.MOST <= len(left) <= queue.MOST + 1 and some.result(left[-1]["id"]) and not some.result(f"{0:020x}")
    some.close()
