"""Connections that are held open, on the server as run.py starts it: the next visitor does not wait for them."""

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from app import connections, create_app, server
from app.responses import LARGEST
from tests import toy

ENOUGH = 2.0  # seconds that a visitor may wait
HELD = 2 * connections.LIMIT + 100  # connections that somebody holds
CLIENT = b"GET /assets/page.css HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    made = toy.make(tmp_path / "toy", 6)
    listener = server.listen("127.0.0.1", 0)
    found = connections.Server(create_app(made, tmp_path / "cache").server, listener)
    thread = threading.Thread(target=found.run, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    found.task_dispatcher.shutdown()
    found.close()
    thread.join(5)


def waited(port: int) -> float:
    """Seconds until a visitor has the page."""
    start = time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        assert answer.status == 200 and answer.read()
    return time.monotonic() - start


def held(stack: ExitStack, port: int, said: bytes) -> socket.socket:
    """A connection on which something was said, and then nothing."""
    end = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
    end.sendall(said)
    return end


@pytest.mark.parametrize(
    "said",
    [b"", CLIENT, CLIENT + b"\r\n", b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"],
    ids=["silent", "half a head", "kept alive", "half a body"],
)
def test_hundreds_of_idle_connections_keep_nobody_waiting(port: int, said: bytes):
    waited(port)
    with ExitStack() as stack:
        for _ in range(HELD):
            held(stack, port, said)
        assert max(waited(port) for _ in range(3)) < ENOUGH


def test_a_visitor_who_is_busy_is_kept_and_the_longest_idle_go(port: int):
    with ExitStack() as stack:
        first = held(stack, port, b"")
        for _ in range(connections.LIMIT + 50):
            held(stack, port, b"")
        mine = held(stack, port, CLIENT)
        assert first.recv(1) == b""  # gone
        mine.sendall(b"\r\n")
        assert mine.recv(12) == b"HTTP/1.1 200"


def test_who_asks_or_listens_for_ever_is_let_go(tmp_path: Path):
    made = toy.make(tmp_path / "toy", 6)
    page = create_app(made, tmp_path / "cache").server
    with server.listen("127.0.0.1", 0) as listener, ExitStack() as stack:
        found: Any = connections.Server(page, listener)
        ends = [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(2)]
        for end in ends:
            end.sendall(CLIENT)
        while len(found.active_channels) < 2:
            found.handle_accept()
        slow, unread = found.active_channels.values()
        slow.handle_read()
        now = time.time()
        found.maintenance(now + connections.SLOW - 1)
        assert not slow.will_close
        slow.received(b"X-Still: there\r\n")  # a byte now and then does not help
        found.maintenance(now + connections.SLOW + 1)
        assert slow.will_close
        unread.requests, unread.total_outbufs_len = [object()], 1  # an answer that nobody takes
        found.maintenance(now + connections.IDLE - 1)
        assert not unread.will_close
        found.maintenance(now + connections.IDLE + 1)
        assert unread.will_close
        unread.requests, unread.total_outbufs_len = [], 0
        for channel in (slow, unread):
            channel.handle_close()
        found.task_dispatcher.shutdown()
        found.close()


def said(port: int, head: bytes, body: bytes) -> bytes:
    """What the server says to a POST; what it does not take any more is its own affair."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as end:
        end.sendall(b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + head + b"\r\n")
        try:
            for start in range(0, len(body), 65536):
                end.sendall(body[start : start + 65536])
        except OSError:
            pass
        found = b""
        try:
            while chunk := end.recv(65536):
                found += chunk
        except OSError:
            pass
        return found


@pytest.mark.parametrize("size", [LARGEST + 1, 2 * LARGEST + 1, 60_000_000])
def test_what_is_too_large_is_refused_however_it_is_sent(port: int, size: int):
    whole = said(port, b"Connection: close\r\nContent-Length: %d\r\n" % size, b" " * size)
    assert whole.startswith(b"HTTP/1.1 413"), whole[:100]
    chunks = b"".join(b"%x\r\n%s\r\n" % (65536, b" " * 65536) for _ in range(size // 65536 + 1)) + b"0\r\n\r\n"
    parts = said(port, b"Connection: close\r\nTransfer-Encoding: chunked\r\n", chunks)
    assert parts.startswith(b"HTTP/1.1 413"), parts[:100]


def test_what_is_a_little_too_large_is_refused_in_our_words(port: int):
    answer = said(port, b"Connection: close\r\nContent-Length: %d\r\n" % (LARGEST + 1), b" " * (LARGEST + 1))
    assert "ask for less" in json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]


def test_two_servers_never_share_a_port():
    with server.listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with server.listen("127.0.0.1", port) as second:
            assert second.getsockname()[1] > port
