"""Connections: waitress' server, in which nobody keeps the next visitor waiting by holding connections open.

Waitress stops taking connections when there are many, until one has been idle for long. Here the one that has been
quiet for longest goes instead, and none may take for ever to ask or to listen.
"""

import select
import socket
import time
from contextlib import suppress
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from .responses import LARGEST

LIMIT = 200  # connections, beside those that are being answered
THREADS = 8
IDLE = 60  # seconds that a connection may be kept for the next question, or an answer lie there unread
SLOW = 30  # seconds that a question may take to come in
LOOK = 5  # seconds between two looks at that


class Channel(HTTPChannel):
    """One connection, which knows for how long it has been quiet."""

    begun = 0.0  # when the question began that is still coming in

    def received(self, data: bytes) -> bool:
        """Take in some bytes."""
        before = self.request
        taken = super().received(data)
        if self.request is not before:
            self.begun = time.time()
        return taken

    @property
    def quiet_since(self) -> float:
        """When a question began to come in, or else when something last went to or fro."""
        return self.last_activity if self.request is None else self.begun

    def is_slow(self, now: float) -> bool:
        """Whether this took too long to ask, or to listen."""
        if self.total_outbufs_len:
            return now - self.last_activity > IDLE
        return self.request is not None and not self.requests and now - self.begun > SLOW

    def let_go(self) -> None:
        """End this connection, also one that takes no more bytes; done by the loop, in its next turn."""
        self.will_close = True
        with suppress(OSError, AttributeError):  # closed already
            self.socket.shutdown(socket.SHUT_RDWR)  # pyright: ignore


class Server(TcpWSGIServer):
    """A server on a socket that listens already."""

    channel_class = Channel
    active_channels: dict[int, Channel]  # pyright: ignore
    _map: dict[int, Any]

    def __init__(self, page: Any, listener: socket.socket) -> None:
        settings = Adjustments(
            threads=THREADS,
            connection_limit=2 * LIMIT,
            channel_timeout=IDLE,
            cleanup_interval=LOOK,
            max_request_body_size=2 * LARGEST,  # what is a little too large is refused in our own words
            asyncore_use_poll=hasattr(select, "poll"),  # select knows no more than 1,024 files
        )
        which = (listener.family, listener.type, listener.proto, listener.getsockname())
        super().__init__(page, {}, _sock=listener, adj=settings, sockinfo=which, bind_socket=False)

    def set_reuse_addr(self) -> None:
        """Nothing: who made the socket has decided."""

    def readable(self) -> bool:
        """Whether a connection may be taken; makes room for it where there is none."""
        if len(self._map) >= LIMIT:
            idle = [each for each in self.active_channels.values() if not each.requests and not each.will_close]
            if idle:
                min(idle, key=lambda each: each.quiet_since).let_go()
        return super().readable()

    def maintenance(self, now: float) -> None:
        """Close what was quiet or slow for too long."""
        super().maintenance(now)  # pyright: ignore
        for channel in self.active_channels.values():
            if channel.is_slow(now):
                channel.let_go()
