"""What the server says: bytes that never change, what a browser may load, pictures of what is missing."""

import gzip
import json
import re
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dash import Dash
from dash.exceptions import DependencyException, PreventUpdate
from flask import Response, abort, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge

from asap_core.errors import AsapError, SettingsError

LARGEST = 2**20  # bytes of a body; the page sends some hundred thousand at the most, for 64 painted regions
WORDS = 600  # characters of an error, which may repeat what was asked
CALLBACKS = "/_dash-update-component"  # where Dash posts
SMALL = 1400  # bytes; what fits into one packet is not zipped
SOURCES = (".py", ".txt", ".md")
DRAWING = ("numpy", "scipy", "pillow")  # another version of these may answer otherwise
FOREVER = "public, max-age=31536000, immutable"  # the URL holds the fingerprint: new content, new URL


def immutable(body: bytes, kind: str, packed: bytes | None = None) -> Response:
    """A response that a browser may keep for good; 304 where it has it already.

    `packed` is the body gzipped, sent to browsers that take it.
    """
    response = Response(body, content_type=kind)
    if packed is not None:
        response.headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.accept_encodings:
            response.set_data(packed)
            response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = FOREVER
    response.set_etag(sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


def answer(content: Mapping[str, Any], lasting: bool = True, status: int = 200) -> Response:
    """JSON, zipped for browsers that take it; to be kept for good, or asked for again each time (304 if the same)."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    response = immutable(body, "application/json", pack(body) if len(body) > SMALL else None)
    if not lasting:
        response.headers["Cache-Control"] = "no-cache"
    response.status_code = status if status != 200 else response.status_code
    return response


def asked() -> dict[str, Any]:
    """The JSON object that was posted; SettingsError where it is none.

    Only as application/json: what a form of another site sends is refused. BadRequest where it is no JSON at all.
    """
    content = request.get_json() if request.mimetype == "application/json" else None
    if not isinstance(content, dict):
        raise SettingsError("expected a JSON object, sent as application/json")
    return content


def pack(body: bytes) -> bytes:
    """A body gzipped, the same bytes each time."""
    return gzip.compress(body, 5, mtime=0)


@cache
def edition() -> str:
    """A digest of what makes the answers: it is part of the URLs, so an update is seen at once."""
    return made_by(Path(__file__).parents[1])


def made_by(root: Path) -> str:
    """A digest of the page's and the core's own code and texts below `root`, and of the packages that compute and draw.

    Weights and the page's styles and scripts make no answer.
    """
    files = sorted(
        file for name in ("app", "asap_core") for kind in SOURCES for file in (root / name).rglob(f"*{kind}")
    )
    found = sha256("".join(f"{name} {version(name)}\n" for name in DRAWING).encode())
    for file in files:
        found.update(f"{file.relative_to(root).as_posix()} ".encode() + sha256(file.read_bytes()).digest())
    return found.hexdigest()[:8]


def missing(reason: str) -> Response:
    """A grey picture that says why there is no image; 404, not to be kept."""
    words = escape(reason if len(reason) <= 60 else reason[:59] + "…")
    lines = [words] if len(words) <= 30 else _halves(words)
    text = "".join(
        f'<text x="120" y="{150 + 16 * i}" text-anchor="middle" font-family="sans-serif" font-size="12" '
        f'fill="#555d69">{line}</text>'
        for i, line in enumerate(lines)
    )
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240" width="240" height="240">'
        '<rect width="240" height="240" fill="#d9dce1"/>'
        '<g fill="none" stroke="#8a919c" stroke-width="4" stroke-linejoin="round">'
        '<rect x="82" y="62" width="76" height="60" rx="6"/><path d="M84 112l22-24 16 16 14-12 20 20"/>'
        f'<circle cx="138" cy="80" r="5"/></g>{text}</svg>'
    )
    response = Response(svg, 404, content_type="image/svg+xml")
    response.headers["Cache-Control"] = "no-store"
    return response


def _halves(words: str) -> list[str]:
    middle = words.find(" ", len(words) // 2 - 4)
    return [words] if middle < 0 else [words[:middle], words[middle + 1 :]]


class StrictJSON(DefaultJSONProvider):
    """JSON as it may come from anybody: what could not be sent back, or is nested too deeply, is a ValueError."""

    def loads(self, s: str | bytes, **options: Any) -> Any:
        """Text or bytes -> objects, without NaN, infinities and halves of characters."""
        try:
            found = super().loads(s, **options)
            json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        return found


def explain_errors(app: Dash) -> None:
    """Say what was wrong with a question: {"error": words}, 400 in the core's own words, 413 where it is too large.

    Of what is posted a line goes to the log. Call when every route is there.
    """
    server = app.server
    server.json = StrictJSON(server)
    server.config["MAX_CONTENT_LENGTH"] = LARGEST

    def say(words: str, status: int) -> Response:
        words = words if len(words) <= WORDS else words[:WORDS] + " …"
        if request.method == "POST":
            server.logger.warning("%s refused: %s", ascii(request.path)[1:-1][:200], ascii(words)[1:-1][:200])
        return answer({"error": words}, lasting=False, status=status)

    def unclear(error: BadRequest) -> Response:
        is_usual = error.description == BadRequest.description  # Flask says no more where JSON is none
        return say("what was asked is no JSON, or nested too deeply" if is_usual else str(error.description), 400)

    def measure() -> None:
        """A body of unknown length is read no further than it may go; one that fills this was longer."""
        if request.method == "POST" and request.content_length is None and len(request.get_data()) >= LARGEST:
            raise RequestEntityTooLarge

    server.before_request(measure)
    too_large = f"more than {LARGEST:,} bytes at once: ask for less"
    server.register_error_handler(AsapError, lambda error: say(str(error), 400))
    server.register_error_handler(BadRequest, unclear)
    server.register_error_handler(RequestEntityTooLarge, lambda _: say(too_large, 413))
    server.register_error_handler(DependencyException, lambda _: Response("no such file\n", 404, mimetype="text/plain"))
    server.view_functions[CALLBACKS] = _plain_callbacks(server.view_functions[CALLBACKS])


def _plain_callbacks(view: Callable[..., Any]) -> Callable[..., Any]:
    """Dash's own answer to a callback; 400 where it stumbles over what was posted, which it does not check."""

    def dispatch(**parts: Any) -> Any:
        request.get_json()  # 400, 413 and 415
        try:
            return view(**parts)
        except (AsapError, HTTPException, PreventUpdate):
            raise
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            words = f"no callback of this page ({type(error).__name__} in {Path(where.filename).name}:{where.lineno})"
            raise BadRequest(words) from None

    return dispatch


def nothing_else(app: Dash) -> None:
    """Answer 404 below our routes' first names unless one knows better; Dash would answer with the page.

    Call when every route is there.
    """
    names = {rule.rule.split("/")[1] for rule in app.server.url_map.iter_rules()}
    for name in sorted(name for name in names if re.fullmatch(r"[a-z]+", name) and name != "assets"):
        app.server.add_url_rule(f"/{name}/<path:rest>", f"no-{name}", lambda rest: abort(404))


def guard(app: Dash) -> None:
    """Let pages load from this server only, and take nothing for what it is not declared to be.

    Call when every callback is registered: the hashes of Dash's own inline scripts are part of the rule.
    """
    scripts = " ".join(["'self'", *app.csp_hashes()])
    policy = "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",  # places in the plane are styles
            "img-src 'self' data: blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        ]
    )

    def say(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    app.server.after_request(say)
