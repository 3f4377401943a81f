"""Who may ask: names that this server answers to, and the token of a server that others can reach.

A page of another site that makes its own name point at this machine (DNS rebinding) would be answered like our page:
so a question must name us as a visitor would. Beyond this machine a question needs the token too: the printed link
has it, and the first answer puts it into a cookie. Both are looked at before anything else is.
"""

import hmac
import ipaddress
import re
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote_plus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug import Request, Response

from asap_core.errors import SettingsError

HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[0-9A-Za-z._-]+)(:(?P<port>[0-9]{1,5}))?")
ANY = ("0.0.0.0", "::", "")  # listens on every address of this machine
PARAMETER = "token"
GUARD = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
CLOSED = """\
<!doctype html><html lang="en"><meta charset="utf-8"><title>ASAP</title>
<p>This page needs a token: open the link that ASAP printed when it was started.</p>
<p>Came here by that link? <a href="">Go on</a></p></html>
"""  # a browser keeps a strict cookie back from a visit that another site's link began; a click here is our own
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Access:
    """Who is answered."""

    listens: str = "127.0.0.1"  # the address, as --host says it
    port: int = 0
    trusted: tuple[str, ...] = ()  # more names, as visitors type them
    token: str | None = None  # without one, whoever reaches the server is answered

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the server."""
        return is_loopback(self.listens)

    @property
    def cookie(self) -> str:
        """The name of the cookie; cookies know no ports, so that each server of a machine has its own."""
        return f"asap-{self.port}"

    @cached_property
    def names(self) -> frozenset[str]:
        """Names and addresses that are answered to beside this machine's own loopback and, for some, its others."""
        own = [self.listens] if self.listens else []
        if self.listens in ANY:
            here = socket.gethostname()
            own += [here, f"{here}.local", socket.getfqdn()]
        return frozenset(spelt(name) for name in (*own, *self.trusted))

    def answers_to(self, host: str | None) -> bool:
        """Whether a Host header names this server; of one that listens everywhere, also by any address it has."""
        found = HOST.fullmatch(host or "")
        if found is None or int(found["port"] or 0) > 65535:
            return False
        name = spelt(found["name"])
        if is_loopback(name) or name in self.names:
            return True
        return self.listens in ANY and is_own(name)

    def knows(self, said: str | None) -> bool:
        """Whether this is the token; takes as long for any other of its length."""
        if self.token is None or said is None:
            return self.token is None
        return hmac.compare_digest(said.encode("utf-8", "surrogatepass"), self.token.encode())


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


def spelt(name: str) -> str:
    """A host's name or address in its one spelling: lower case, no brackets, no dot at the end."""
    name = name.removeprefix("[").removesuffix("]").lower().removesuffix(".")
    found = address(name)
    return name if found is None else str(found)


def trusted(names: Iterable[str]) -> tuple[str, ...]:
    """Names as --trusted-host takes them, spelt as browsers send them; SettingsError where one is none."""
    found = []
    for name in names:
        try:
            sent = name.removesuffix(".") if name.isascii() else name.encode("idna").decode()
        except UnicodeError:
            sent = ""
        whole = HOST.fullmatch(f"[{name}]" if address(name) and ":" in name else sent)
        if whole is None or whole["port"]:
            raise SettingsError(f"no host {name!r}: expected a name or address as visitors type it, without http:// "
                                "and port, as in asap.example.org")  # fmt: skip
        found.append(spelt(whole["name"]))
    return tuple(found)


def address(name: str) -> Address | None:
    """The IP address that a text is; None where it is none. One of IPv4 in IPv6's clothes is IPv4's."""
    if "%" in name:  # a zone, which no browser sends
        return None
    try:
        found = ipaddress.ip_address(name)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if found.version == 6 else found


def is_loopback(name: str) -> bool:
    """Whether a name or address means the machine that asks itself."""
    found = address(name)
    return name == "localhost" if found is None else found.is_loopback


def is_own(name: str) -> bool:
    """Whether an address is one of this machine's: then a socket can be bound to it."""
    found = address(name)
    if found is None or found.is_unspecified or found.is_multicast or found.is_reserved:
        return False
    try:
        with socket.socket(socket.AF_INET6 if found.version == 6 else socket.AF_INET) as probe:
            probe.bind((str(found), 0))
    except OSError:
        return False
    return True


class Gate:
    """Stands before the whole page: what does not pass here reaches no route."""

    def __init__(self, page: WSGIApplication, access: Access) -> None:
        self.page, self.access = page, access

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer, or let the page answer."""
        host = environ.get("HTTP_HOST")
        if not self.access.answers_to(host):
            shown = ascii(host)[1:-1][:80] if host else "no host"
            words = f"ASAP does not answer to {shown}; if it should, start it with --trusted-host NAME\n"
            return Response(words, 403, GUARD, content_type="text/plain; charset=utf-8")(environ, start)
        if self.access.token is None:
            return self.page(environ, start)
        return self._with_token(environ, start)

    def _with_token(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        asked = Request(environ)
        asks, said = environ["REQUEST_METHOD"] in ("GET", "HEAD"), asked.args.get(PARAMETER)
        has = self.access.knows(asked.cookies.get(self.access.cookie, ""))
        if asks and said is not None and (has or self.access.knows(said)):
            return self._enter(asked, has)(environ, start)
        if not has:
            return Response(CLOSED, 403, GUARD, content_type="text/html; charset=utf-8")(environ, start)

        def mine(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            """What one visitor may see is not for a cache that others share."""
            kept = [(name, re.sub(r"\bpublic\b", "private", value) if name.lower() == "cache-control" else value)
                    for name, value in headers]  # fmt: skip
            return start(status, kept, *rest)

        return self.page(environ, mine)

    def _enter(self, asked: Request, known: bool) -> Response:
        """To the same address without the token, which the cookie has from now on.

        The new address is a relative one: a proxy may have put the page below a path of its own.
        """
        parts = asked.query_string.decode("latin-1").split("&")
        left = "&".join(part for part in parts if unquote_plus(part.split("=", 1)[0]) != PARAMETER)
        place = "./" + quote(asked.path.rsplit("/", 1)[-1]) + ("?" + left if left else "")
        response = Response(status=303, headers={**GUARD, "Location": place})
        if not known:
            response.set_cookie(self.access.cookie, self.access.token or "", path="/", httponly=True, samesite="Strict")
        return response
