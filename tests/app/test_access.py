"""Who is answered: by which name, and with which token."""

import re
import socket
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import access, create_app, server
from app.access import Access
from asap_core.analysis import Analysis
from asap_core.errors import SettingsError

TOKEN = "a-token_of-32-characters-or-more"
HERE = ("localhost", "LocalHost", "localhost.", "localhost:8050", "127.0.0.1", "127.0.0.1:1", "127.8.9.1", "[::1]",
        "[::1]:8050", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]")  # fmt: skip
ELSEWHERE = ("evil.example", "evil.example:8050", "localhost.evil.example", "127.0.0.1.evil.example", "evil.localhost",
             "10.0.0.1", "0.0.0.0", "[::]", "128.0.0.1", "[::2]", "localhost..", "notlocalhost")  # fmt: skip
MALFORMED = ("", " ", "localhost:", "localhost:80:80", "localhost:99999", "localhost:x", "me@localhost", "localhost/",
             "localhost, evil.example", "http://localhost", "[::1", "::1", "[::1%25lo]", "127.1", "2130706433",
             "0x7f.0.0.1", "localhost\t", "lócalhost")  # fmt: skip


@pytest.fixture(scope="module")
def client(toy_analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(toy_analysis, tmp_path_factory.mktemp("cache")).server.test_client()


@pytest.fixture
def closed(toy_analysis: Analysis, tmp_path: Path) -> FlaskClient:
    """A page that others reach, with a token."""
    who = Access("0.0.0.0", 8050, ("asap.example",), TOKEN)
    return create_app(toy_analysis, tmp_path, who).server.test_client()


def everything(fingerprint: str) -> list[tuple[str, str]]:
    """A question of every kind."""
    gets = ["/", "/nowhere", f"/img/{fingerprint}/0", f"/thumb/{fingerprint}/0", f"/tiles/{fingerprint}", "/jobs",
            f"/export/{fingerprint}.csv", "/_dash-layout", "/_dash-dependencies", "/assets/page.css",
            "/_dash-component-suites/dash/dash-renderer/build/dash_renderer.min.js"]  # fmt: skip
    posts = [f"/tags/{fingerprint}", "/jobs", f"/patterns/{fingerprint}/x", "/_dash-update-component"]
    return [("GET", url) for url in gets] + [("HEAD", "/"), ("OPTIONS", "/jobs")] + [("POST", url) for url in posts]


@pytest.mark.parametrize("host", HERE)
def test_this_machine_is_answered(client: FlaskClient, host: str):
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", [*ELSEWHERE, *MALFORMED])
def test_no_other_name_is_answered(client: FlaskClient, toy_analysis: Analysis, host: str):
    answer = client.get(f"/img/{toy_analysis.fingerprint}/0", headers={"Host": host})
    assert answer.status_code == 403 and answer.mimetype == "text/plain"
    assert len(answer.text.splitlines()) == 1 and "--trusted-host" in answer.text


def test_nothing_at_all_is_answered_to_another_name(client: FlaskClient, toy_analysis: Analysis):
    for method, url in everything(toy_analysis.fingerprint):
        answer = client.open(
            url, method=method, json={} if method == "POST" else None, headers={"Host": "evil.example"}
        )
        assert answer.status_code == 403, url
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_a_proxy_says_of_the_host_is_not_believed(client: FlaskClient):
    headers = {"X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"}
    assert client.get("/", headers={**headers, "Host": "evil.example"}).status_code == 403
    assert client.get("/", headers={"X-Forwarded-Host": "evil.example", "Host": "localhost"}).status_code == 200


def test_a_question_without_a_host_is_not_answered(client: FlaskClient):
    assert client.get("/", environ_overrides={"HTTP_HOST": None}).status_code == 403


def test_the_address_it_listens_on_and_trusted_names_are_answered():
    who = Access("192.0.2.7", 8050, access.trusted(["ASAP.Example.org.", "2001:db8::5", "bücher.example"]))
    for host in ("192.0.2.7", "192.0.2.7:9", "asap.example.org", "asap.EXAMPLE.org.:80", "[2001:DB8:0::5]:80",
                 "xn--bcher-kva.example", "localhost"):  # fmt: skip
        assert who.answers_to(host), host
    for host in ("192.0.2.8", "example.org", "www.asap.example.org", "[2001:db8::6]", socket.gethostname() + ".evil"):
        assert not who.answers_to(host), host


def test_who_listens_everywhere_answers_to_the_machines_own_addresses_and_name():
    who = Access("0.0.0.0")
    here = [socket.gethostname(), *{info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}]
    for name in here:
        assert who.answers_to(f"[{name}]:80" if ":" in str(name) else f"{name}:80"), name
    for name in ("192.0.2.1", "203.0.113.9", "[2001:db8::1]", "evil.example", "224.0.0.1", "255.255.255.255"):
        assert not who.answers_to(name), name


@pytest.mark.parametrize("name", ["", "http://x", "x:80", "*", "a b", "me@x", "x/y", "[", "x" * 300 + "\ud800"])
def test_what_is_no_name_cannot_be_trusted(name: str):
    with pytest.raises(SettingsError, match="no host"):
        access.trusted([name])


def test_nothing_is_answered_without_the_token(closed: FlaskClient, toy_analysis: Analysis):
    for method, url in everything(toy_analysis.fingerprint):
        answer = closed.open(url, method=method, json={} if method == "POST" else None)
        assert answer.status_code == 403, url
        assert answer.headers["Cache-Control"] == "no-store"
        assert method == "HEAD" or "open the link" in answer.text
        assert len(answer.data) < 600 and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é", "\udc80", "名" * 40, "\0"])
def test_another_token_opens_nothing(closed: FlaskClient, token: str):
    assert closed.get("/", query_string={"token": token.encode("utf-8", "surrogatepass")}).status_code == 403
    said = token.encode("utf-8", "surrogatepass").decode("latin-1").replace("\0", "")
    assert closed.get("/", headers={"Cookie": f"asap-8050={said}"}).status_code == 403
    assert closed.get("/", headers={"Cookie": f"asap-8051={TOKEN}"}).status_code == 403


def test_the_token_becomes_a_cookie_and_leaves_the_address(closed: FlaskClient, toy_analysis: Analysis):
    answer = closed.get(f"/?of=a%3Db%26c&token={TOKEN}&a=%C3%A9+x&token=again")
    assert answer.status_code == 303 and answer.headers["Location"] == "./?of=a%3Db%26c&a=%C3%A9+x"
    assert answer.headers["Cache-Control"] == "no-store" and TOKEN not in answer.text
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"asap-8050={TOKEN};")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"HttpOnly", "SameSite=Strict", "Path=/"}
    for method, url in everything(toy_analysis.fingerprint):
        if method == "GET":
            with closed.get(url) as answer:
                assert answer.status_code == 200, url
    assert closed.post(f"/tags/{toy_analysis.fingerprint}", json={}).status_code == 400  # it came as far as that


@pytest.mark.parametrize("path", ["/", "/img/x/7", "//evil.example", "/http://evil.example", "/a/\r\nX: y"])
def test_the_way_back_leads_nowhere_else(closed: FlaskClient, path: str):
    answer = closed.get(f"/?token={TOKEN}", environ_overrides={"PATH_INFO": path})
    assert answer.status_code == 303 and re.fullmatch(r"\./[^/\s]*", answer.headers["Location"])


def test_who_is_in_loses_an_old_token_from_the_address(closed: FlaskClient):
    closed.get(f"/?token={TOKEN}")
    answer = closed.get("/?token=of-yesterday")
    assert answer.status_code == 303 and answer.headers["Location"] == "./" and "Set-Cookie" not in answer.headers
    assert closed.get("/", headers={"Host": "evil.example"}).status_code == 403


def test_what_needs_a_token_is_in_no_cache_that_others_share(closed: FlaskClient, toy_analysis: Analysis):
    closed.get(f"/?token={TOKEN}")
    kept = closed.get(f"/img/{toy_analysis.fingerprint}/0").headers["Cache-Control"]
    assert kept == "private, max-age=31536000, immutable"


def test_a_token_is_of_a_server_that_others_reach():
    assert len(access.new_token()) >= 32 and access.new_token() != access.new_token()
    for host in ("127.0.0.1", "localhost", "::1", "127.1.2.3"):
        assert Access(host).is_local, host
    for host in ("0.0.0.0", "::", "", "192.0.2.1", "asap.example"):
        assert not Access(host).is_local, host
    assert server.link(Access("0.0.0.0", 9, (), TOKEN)) == f"http://127.0.0.1:9/?token={TOKEN}"
    assert server.link(Access("::", 9)) == "http://[::1]:9/"


def test_an_open_server_is_said_loudly(capsys: pytest.CaptureFixture):
    for who, words in ((Access("0.0.0.0"), "WARNING"), (Access("0.0.0.0", 0, (), TOKEN), "note"), (Access(), "")):
        server.warn(who)
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith(words) and bool(said.err) == bool(words)


def test_on_windows_a_port_is_never_shared():
    assert server.exclusive("win32") == getattr(socket, "SO_EXCLUSIVEADDRUSE", -5)
    assert server.exclusive("linux") == server.exclusive("darwin") == socket.SO_REUSEADDR
