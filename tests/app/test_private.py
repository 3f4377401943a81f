"""What lies in the page's own folders may be damaged, or planted: nothing of it is sent, and nothing stops the page."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.jobs.queue import Queue
from app.private import ByteCache, BytesOnly
from app.routes import images, jobs
from asap_core.analysis import Analysis
from tests import toy

SECRET = b"nobody may read this"


@pytest.fixture
def made(tmp_path: Path) -> Analysis:
    return toy.make(tmp_path / "toy", 6)


@pytest.fixture
def client(made: Analysis, tmp_path: Path) -> FlaskClient:
    return create_app(made, tmp_path / "cache").server.test_client()


def change(folder: Path, statement: str, *values: Any) -> int:
    """Change the rows of a cache from outside; how many were."""
    with closing(sqlite3.connect(folder / "cache.db")) as opened, opened:
        return opened.execute(statement, values).rowcount


@pytest.mark.parametrize("mode", [0, 1, 2, 3, 4, 9, None, "x"])
@pytest.mark.parametrize("where", ["{secret}", "../../secret.val", "link.val", "", None, 7, b"\xff\xfe"])
def test_a_row_that_names_a_file_is_drawn_anew(
    client: FlaskClient, made: Analysis, tmp_path: Path, mode: Any, where: Any
):
    secret, folder = tmp_path / "secret.val", tmp_path / "cache/thumbnails"
    url = f"/thumb/{made.fingerprint}/0"
    picture = client.get(url).data
    secret.write_bytes(SECRET)
    (folder / "link.val").symlink_to(secret)
    name = where.format(secret=secret) if isinstance(where, str) else where
    assert change(folder, "UPDATE Cache SET mode = ?, filename = ?, value = NULL", mode, name) == 1
    for _ in range(2):
        answer = client.get(url)
        assert answer.status_code == 200 and answer.data == picture and SECRET not in answer.data
    assert secret.read_bytes() == SECRET  # nor is it deleted
    assert change(folder, "UPDATE Cache SET tag = 1 WHERE mode = 1 AND filename IS NULL") == 1  # made anew, once


@pytest.mark.parametrize(
    "value", [None, b"", b"garbage", "text", "text that is no UTF-8", 7, 1.5, b"RIFF\x10\0\0\0WEBPVP8 "], ids=repr
)
def test_a_row_of_something_else_is_drawn_anew(client: FlaskClient, made: Analysis, tmp_path: Path, value: Any):
    url, folder = f"/thumb/{made.fingerprint}/0", tmp_path / "cache/thumbnails"
    picture = client.get(url).data
    if value == "text that is no UTF-8":
        change(folder, "UPDATE Cache SET value = CAST(x'fffe' AS TEXT)")
    else:
        change(folder, "UPDATE Cache SET value = ?", value)
    assert client.get(url).data == picture
    change(folder, "UPDATE Cache SET value = ?", picture[: len(picture) // 2])
    assert client.get(url).data == picture


def test_nothing_that_is_kept_lies_in_a_file_of_its_own(client: FlaskClient, made: Analysis, tmp_path: Path):
    for row in range(6):
        client.get(f"/thumb/{made.fingerprint}/{row}?s=512")
    assert {path.name for path in (tmp_path / "cache/thumbnails").iterdir()} <= {
        f"cache.db{part}" for part in ("", "-wal", "-shm")
    }


def test_only_an_own_file_is_ever_deleted(tmp_path: Path):
    folder, outside = tmp_path / "cache", tmp_path / "outside.val"
    with ByteCache(str(folder), disk=BytesOnly) as kept:
        (folder / "aa").mkdir()
        own, link = folder / "aa/own.val", folder / "link.val"
        for file in (own, outside):
            file.write_bytes(b"x")
        link.symlink_to(outside)
        for name in (
            str(outside),
            "../outside.val",
            "link.val",
            "cache.db",
            ".",
            "",
            None,
            3,
            b"x",
            "aa/own.val",
            "\0",
        ):
            kept.disk.remove(name)
    assert outside.exists() and (folder / "cache.db").exists() and not own.exists()


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "garbage": lambda file: file.write_bytes(b"garbage" * 5000),
    "empty": lambda file: file.write_bytes(b""),
    "cut short": truncated,
    "zeros inside": lambda file: file.write_bytes(file.read_bytes()[:4096] + bytes(40_000)),
    "another's": lambda file: (file.unlink(), sqlite3.connect(file).executescript("CREATE TABLE x (y)").close()),
    "gone": lambda file: file.unlink(),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_database_is_begun_anew_at_the_next_start(tmp_path: Path, how: str):
    for kind in (images.cache, Queue):
        folder = tmp_path / kind.__name__
        kind(folder).close()
        DAMAGE[how](folder / "cache.db")
        kept = kind(folder)
        if isinstance(kept, Queue):
            assert kept.records() == [] and kept.put("a", "patterns", {"of": ""}, 1, None)["state"] == "waiting"
        else:
            kept.set("a", b"picture")
            assert kept.get("a") == b"picture"
        kept.close()


@pytest.mark.parametrize("how", DAMAGE)
def test_a_database_that_is_damaged_while_the_page_runs_does_not_stop_it(made: Analysis, tmp_path: Path, how: str):
    app = create_app(made, tmp_path / "cache")
    client, url, work = app.server.test_client(), f"/thumb/{made.fingerprint}/0", jobs.of(app)
    picture = client.get(url).data
    work.ask("patterns", {"of": "real"})
    for file in (tmp_path / "cache/thumbnails/cache.db", work.queue.folder / "cache.db"):
        DAMAGE[how](file)
    for _ in range(2):
        assert client.get(url).data == picture
        assert client.get("/jobs").status_code == 200
    work.ask("patterns", {"of": "fake"})
    assert client.get("/jobs").json["jobs"]  # pyright: ignore
    work.close()


def test_a_folder_deleted_meanwhile_is_made_again(client: FlaskClient, made: Analysis, tmp_path: Path):
    picture = client.get(f"/thumb/{made.fingerprint}/0").data
    shutil.rmtree(tmp_path / "cache")
    assert client.get(f"/thumb/{made.fingerprint}/0").data == picture
    assert client.get("/jobs").status_code == 200
    assert (tmp_path / "cache/thumbnails/cache.db").is_file()


GOOD = {"id": "a", "kind": "patterns", "size": 1, "state": "waiting", "done": 0, "total": 1, "left": None,
        "error": None, "attempts": 0, "asked": 5.0, "ended": None, "cancelling": False, "read": False}  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        json.dumps({"id": "a"}).encode(),
        json.dumps(GOOD | {"id": "b"}).encode(),
        json.dumps(GOOD | {"state": "dancing"}).encode(),
        json.dumps(GOOD | {"state": "done"}).encode(),
        json.dumps(GOOD | {"asked": "yesterday"}).encode(),
        json.dumps(GOOD | {"asked": float("nan")}).encode(),
        json.dumps(GOOD | {"size": None}).encode(),
        json.dumps(GOOD | {"error": ["x"]}).encode(),
        json.dumps(GOOD).encode().replace(b"5.0", b"1e999"),
        json.dumps(GOOD | {"error": "\ud800"}).encode(),
    ],
    ids=lambda row: repr(row[:40]),
)
def test_a_damaged_record_is_dropped_and_can_be_asked_again(made: Analysis, tmp_path: Path, row: bytes):
    app = create_app(made, tmp_path / "cache")
    client, work = app.server.test_client(), jobs.of(app)
    work.queue._cache["job/a"] = row
    listed = client.get("/jobs")
    assert listed.status_code == 200 and listed.json["jobs"] == []  # pyright: ignore
    assert "job/a" not in work.queue._cache and client.get("/jobs/a").status_code == 404
    assert work.queue.put("a", "patterns", {"of": ""}, 1, None)["state"] == "waiting"
    assert client.get("/jobs/a").json["state"] == "waiting"  # pyright: ignore
    work.close()


def test_other_rows_of_the_queue_may_be_damaged_too(made: Analysis, tmp_path: Path):
    app = create_app(made, tmp_path / "cache")
    client, work = app.server.test_client(), jobs.of(app)
    work.queue.put("a", "patterns", {"of": ""}, 1, {"key": "x"})
    for key in ("asked/a", "result/a", "ended"):
        work.queue._cache[key] = b"\xff"
    change(work.queue.folder, "INSERT INTO Cache (key, raw, mode, value) VALUES (x'80', 0, 1, x'80')")  # a pickled key
    change(
        work.queue.folder, "INSERT INTO Cache (key, raw, mode, value) VALUES (CAST(x'6a6f622fff' AS TEXT), 1, 1, '')"
    )
    change(work.queue.folder, "INSERT INTO Cache (key, raw, mode, filename) VALUES ('job/b', 1, 2, '/etc/passwd')")
    change(work.queue.folder, "INSERT INTO Cache (key, raw, mode, value) VALUES ('job/c', 1, 4, x'80')")
    found = client.get("/jobs/a").json
    assert found["arguments"] == {} and found["result"] is None  # pyright: ignore
    assert [each["id"] for each in client.get("/jobs").json["jobs"]] == ["a"]  # pyright: ignore
    work.queue.recover()
    work.close()


def test_two_processes_find_each_other_again_after_damage(tmp_path: Path):
    """A page that starts again begins anew; a worker that is still there goes over to the new queue."""
    page, worker = Queue(tmp_path / "jobs"), Queue(tmp_path / "jobs")
    page.put("a", "patterns", {"of": ""}, 1, None)
    assert len(worker.records()) == 1
    page.close()
    DAMAGE["garbage"](tmp_path / "jobs/cache.db")
    for part in ("-wal", "-shm"):
        (tmp_path / f"jobs/cache.db{part}").unlink(missing_ok=True)
    page = Queue(tmp_path / "jobs")
    assert page.records() == []
    page.put("b", "patterns", {"of": ""}, 1, None)
    assert [each["id"] for each in worker.records()] == ["b"] == [each["id"] for each in page.records()]
    page.close()
    worker.close()
