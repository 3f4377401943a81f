"""The dashboard as a server: one process, threads, a port that is free, and connections that nobody can hold back."""

import ctypes
import errno
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence

from asap_core.analysis import Analysis
from asap_core.errors import SettingsError

from . import access, connections, create_app, verification
from .access import Access
from .routes import jobs

PORTS_TRIED = 50
IN_USE = (errno.EADDRINUSE, errno.EACCES)
M_ARENA_MAX = -8  # of glibc's mallopt(3)


def serve(
    analysis: Analysis,
    host: str,
    port: int,
    open_browser: bool,
    trusted: Sequence[str] = (),
    with_token: bool = True,
) -> None:
    """Serve one analysis until interrupted; print its address.

    Beyond this machine the address has a token, unless it is to be `with_token=False`. `trusted` are names that are
    answered to beside the server's own. SettingsError where it cannot listen, or a name is none.
    """
    names = access.trusted(trusted)
    one_heap()
    with listen(host, port) as listener:
        who = Access(host, listener.getsockname()[1], names)
        if with_token and not who.is_local:
            who = Access(host, who.port, names, access.new_token())
        app = create_app(analysis, who=who)
        print(f"ASAP shows {analysis.info['name']} at {link(who)}  (Ctrl-C stops it)", flush=True)
        warn(who)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a page of thumbnails is no reason to warn
        server = connections.Server(app.server, listener)
        work = jobs.of(app)
        work.start()
        verification.of(app).start()
        if open_browser:
            threading.Timer(0.5, webbrowser.open, [link(who)]).start()
        try:
            server.run()
        finally:
            server.close()
            work.close()


def link(who: Access) -> str:
    """Where a browser on this machine finds the page, token included."""
    shown = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(who.listens, who.listens)
    place = f"http://{f'[{shown}]' if ':' in shown else shown}:{who.port}/"
    return place if who.token is None else f"{place}?{access.PARAMETER}={who.token}"


def warn(who: Access) -> None:
    """Say what others can reach; loudly where nothing keeps them out."""
    if who.is_local:
        return
    if who.token is None:
        words = "WARNING: without a token, whoever reaches this machine's address sees the images and changes the notes"
    else:
        words = (
            "note: other machines open this link too, with this machine's name in place of the address; "
            "whoever has the link sees the images"
        )
    print(words, file=sys.stderr, flush=True)


def one_heap() -> None:
    """Let all threads share one heap, where the system's allocator can be told so; call before threads start.

    glibc gives each thread a heap of its own, and what that frees back to the system: arrays of 200,000 images were
    then paged in anew at every answer, which took twice as long, and more memory.
    """
    tell = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if tell is not None:
        tell(M_ARENA_MAX, 1)


def exclusive(system: str = sys.platform) -> int:
    """The option that lets a port be taken again after a stop, but never by two servers at once.

    SO_REUSEADDR does; on Windows it would let a second server share the port, and there this other one does.
    """
    return getattr(socket, "SO_EXCLUSIVEADDRUSE", -5) if system == "win32" else socket.SO_REUSEADDR


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `port`, or to the next one that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last = min(port + PORTS_TRIED, 65536)
    for candidate in range(port, last):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, exclusive(), 1)
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
