"""The dashboard as a server: one process, threads, and a port that is free."""

import ctypes
import errno
import logging
import socket
import sys
import threading
import webbrowser

from waitress.server import create_server

from asap_core.analysis import Analysis
from asap_core.errors import SettingsError

from . import create_app, verification
from .routes import jobs

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORTS_TRIED = 50
IN_USE = (errno.EADDRINUSE, errno.EACCES)
M_ARENA_MAX = -8  # of glibc's mallopt(3)


def serve(analysis: Analysis, host: str, port: int, open_browser: bool) -> None:
    """Serve one analysis until interrupted; print its address."""
    one_heap()
    app = create_app(analysis)
    listener = listen(host, port)
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}/"
    if host not in LOOPBACK:
        print(
            "note: whoever reaches this machine's address can see the images; there is no login",
            file=sys.stderr,
        )
    print(f"ASAP shows {analysis.info['name']} at {address}  (Ctrl-C stops it)", flush=True)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a page of thumbnails is no reason to warn
    server = create_server(app.server, sockets=[listener], threads=8)
    work = jobs.of(app)
    work.start()
    verification.of(app).start()
    if open_browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    try:
        server.run()
    finally:
        server.close()
        work.close()


def one_heap() -> None:
    """Let all threads share one heap, where the system's allocator can be told so; call before threads start.

    glibc gives each thread a heap of its own, and what that frees back to the system: arrays of 200,000 images were
    then paged in anew at every answer, which took twice as long, and more memory.
    """
    tell = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if tell is not None:
        tell(M_ARENA_MAX, 1)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `port`, or to the next one that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + PORTS_TRIED, 65536)
    for candidate in range(port, last):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen()  # some systems let two sockets bind and only refuse the second here
        except OSError as error:
            listener.close()
            if isinstance(error, socket.gaierror) or error.errno not in IN_USE:
                raise SettingsError(f"cannot listen on {host}: {error}; name another with --host") from error
        else:
            return listener
    raise SettingsError(f"ports {port} to {last - 1} are all taken; name another with --port")
