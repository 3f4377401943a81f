"""What the server answers, asked as a browser asks."""

import gzip
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from app.routes.images import SIZES
from asap_core.analysis import Analysis
from asap_core.projection import cells
from tests import toy

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client(toy_analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(toy_analysis, tmp_path_factory.mktemp("cache")).server.test_client()


def ask(client: FlaskClient, url: str) -> Any:
    """The JSON at a URL."""
    return json.loads(client.get(url).text)


@pytest.fixture
def fingerprint(toy_analysis: Analysis) -> str:
    return toy_analysis.fingerprint


def every_url(fingerprint: str) -> list[str]:
    return [
        f"/img/{fingerprint}/0",
        f"/thumb/{fingerprint}/0?s=128",
        f"/glyphs/{fingerprint}/content/16/donuts-light.svg",
        f"/glyphs/{fingerprint}/decision/64/squares-dark.svg",
        f"/legend/{fingerprint}/dark.svg",
        f"/cells/{fingerprint}/decision/32.json",
        f"/tiles/{fingerprint}?sort=severity&page=2",
    ]


def test_what_has_a_fingerprint_is_kept_for_good_and_asked_for_once(client: FlaskClient, fingerprint: str):
    for url in every_url(fingerprint):
        first = client.get(url)
        assert first.status_code == 200, url
        assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b""), url


def test_another_fingerprint_is_not_found(client: FlaskClient, fingerprint: str):
    for url in every_url("f" * 20):
        assert client.get(url).status_code == 404, url


@pytest.mark.parametrize(
    "path",
    [
        "/img/{f}/..%2f..%2fetc%2fpasswd",
        "/img/{f}/../../../../etc/passwd",
        "/img/{f}/-1",
        "/img/{f}/240",
        "/img/{f}/99999999999999999999",
        "/img/{f}/0000.jpg",
        "/thumb/{f}/0?s=129",
        "/thumb/{f}/0?s=100000",
        "/thumb/{f}/0?s=0",
        "/glyphs/{f}/content/17/donuts-light.svg",
        "/glyphs/{f}/content/16/stars-light.svg",
        "/glyphs/{f}/content/16/donuts-pink.svg",
        "/glyphs/{f}/elsewhere/16/donuts-light.svg",
        "/tiles/{f}?sort=dimension&by=16",
        "/tiles/{f}?sort=name",
        "/tiles/{f}/content/16/3",
        "/assets/../app/__init__.py",
    ],
)
def test_what_is_not_in_the_table_is_not_found(client: FlaskClient, fingerprint: str, path: str):
    assert client.get(path.format(f=fingerprint)).status_code == 404


def test_pictures_are_sent_zipped_where_that_is_understood(client: FlaskClient, fingerprint: str):
    url = f"/glyphs/{fingerprint}/content/16/donuts-light.svg"
    plain, packed = client.get(url), client.get(url, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and len(packed.data) < len(plain.data) / 3
    assert gzip.decompress(packed.data) == plain.data
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


def test_every_answer_guards_the_page(client: FlaskClient, fingerprint: str):
    for url in ["/", "/nowhere", *every_url(fingerprint)]:
        headers = client.get(url).headers
        policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert policy["default-src"] == "'self'" and policy["object-src"] == "'none'"
        assert not re.search(r"unsafe-(inline|eval)|https?:|\*", policy["script-src"])


def test_originals_and_thumbnails_are_the_image_of_their_row(
    client: FlaskClient, toy_analysis: Analysis, fingerprint: str, tmp_path: Path
):
    assert client.get(f"/img/{fingerprint}/3").data == toy_analysis.path(3).read_bytes()
    for size in SIZES:
        answer = client.get(f"/thumb/{fingerprint}/3?s={size}")
        assert answer.content_type == "image/webp"
        (tmp_path / "small").write_bytes(answer.data)
        with Image.open(tmp_path / "small") as small:
            assert min(small.size) == min(size, toy.HEIGHT)  # never enlarged
            assert max(small.size) <= 2 * min(small.size)


def test_tiles_are_sorted_and_paged(client: FlaskClient, toy_analysis: Analysis, fingerprint: str):
    def page(sort: str, number: int) -> dict:
        return ask(client, f"/tiles/{fingerprint}?sort={sort}&page={number}")

    truth, logits = toy_analysis.is_fake, toy_analysis.logits
    assert truth is not None
    wrong = (logits > 0) != truth
    score = toy_analysis.scores
    sentence = sorted(range(240), key=lambda i: (not wrong[i], -abs(logits[i]) if wrong[i] else -score[i], i))
    rows = [tile[0] for number in (1, 2, 3) for tile in page("errors", number)["tiles"]]
    assert rows == sentence
    scores = [tile[3] for number in (1, 2, 3) for tile in page("severity", number)["tiles"]]
    assert scores == sorted(scores, reverse=True)
    first = page("row", 1)
    assert [tile[0] for tile in first["tiles"]] == list(range(100))
    assert (first["n"], first["pages"], first["right"]) == (240, 3, int((~wrong).sum()))
    assert page("row", 99)["page"] == 3  # a page beyond the last is the last


def test_every_image_is_in_one_cell(client: FlaskClient, toy_analysis: Analysis, fingerprint: str):
    for plane in ("content", "decision"):
        for side in cells.SIDES:
            columns = ask(client, f"/cells/{fingerprint}/{plane}/{side}.json")["columns"]
            assert sum(columns["n"]) == toy_analysis.n
    seen: list[int] = []
    for code in columns["code"]:
        seen += [tile[0] for tile in ask(client, f"/tiles/{fingerprint}?of=cell=decision/64/{code}")["tiles"]]
    assert sorted(seen) == list(range(toy_analysis.n))


def test_cards_say_what_the_cell_holds(client: FlaskClient, toy_analysis: Analysis, fingerprint: str):
    columns = ask(client, f"/cells/{fingerprint}/content/8.json")["columns"]
    truth, called = toy_analysis.is_fake, toy_analysis.logits > 0
    assert truth is not None
    codes = cells.cut(toy_analysis.positions("content"), 8)
    for j, code in enumerate(columns["code"]):
        inside = codes == code
        assert columns["fake"][j] == int(truth[inside].sum())
        assert columns["misses"][j] == int((truth & ~called)[inside].sum())
        assert columns["alarms"][j] == int((~truth & called)[inside].sum())
        card = ask(client, f"/cards/{fingerprint}/content/8/{code}.json")
        strongest = int(np.abs(toy_analysis.contributions[inside].mean(axis=0)).argmax())
        assert card["top"][0][0] == strongest
        assert card["exemplars"][0] == columns["medoid"][j] and inside[card["exemplars"][0]]
        assert [digits.count("z") > 0 for digits in card["shape"]] == [
            bool((~truth)[inside].any()),
            bool(truth[inside].any()),
        ]


def test_the_violin_counts_scores_by_level(tmp_path: Path):
    made = toy.make(tmp_path, 40, drawn=1)
    client = create_app(made, tmp_path / "cache").server.test_client()
    table = ask(client, f"/cells/{made.fingerprint}/content/8.json")
    codes, edges = cells.cut(made.positions("content"), 8), table["thresholds"]
    for code in table["columns"]["code"]:
        for fake, digits in enumerate(ask(client, f"/cards/{made.fingerprint}/content/8/{code}.json")["shape"]):
            steps = len(digits) // 4
            scores = made.scores[(codes == code) & (made.arrays["is_fake"] == bool(fake))]
            for level in range(4):
                filled = any(digit != "0" for digit in digits[level * steps : (level + 1) * steps])
                assert filled == any(edges[level] <= score < edges[level + 1] for score in scores)


def test_without_the_truth_only_verdicts_are_shown(unlabelled_analysis: Analysis, tmp_path: Path):
    client = create_app(unlabelled_analysis, tmp_path).server.test_client()
    name = unlabelled_analysis.fingerprint
    columns = ask(client, f"/cells/{name}/content/8.json")["columns"]
    assert sum(columns["called"]) == int((unlabelled_analysis.logits > 0).sum())
    assert not {"fake", "misses", "alarms", "low"} & set(columns)
    page = ask(client, f"/tiles/{name}")
    assert "right" not in page and {tile[1] for tile in page["tiles"]} == {None}
    uncertain = np.argsort(np.abs(unlabelled_analysis.logits), kind="stable")
    assert [tile[0] for tile in page["tiles"]] == uncertain.tolist()
    assert 'class="e"' not in client.get(f"/legend/{name}/light.svg").text
    errors = ask(client, f"/heat/{name}/content/8/errors.json")
    assert set(errors["value"]) == {None} and "unknown" in errors["note"]
    assert "origin unknown" in json.dumps(ask(client, "/_dash-layout"))


def test_the_web_process_never_loads_a_model_library():
    heavy = "{'torch', 'open_clip', 'timm', 'umap', 'sklearn'}"
    code = f"import sys, app, app.server; sys.exit(str({heavy} & set(sys.modules) or '') or None)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nothing_is_loaded_from_elsewhere(client: FlaskClient):
    namespaces = r"http://www\.w3\.org/(2000/svg|1999/xlink)"
    written = [path for path in (ROOT / "assets").rglob("*") if path.suffix in (".css", ".js", ".svg")]
    assert written
    for path in [*written, *(ROOT / "app").rglob("*.py")]:
        assert not re.findall(rf"https?://(?!{namespaces[7:]})\S+\.\w", path.read_text("utf-8")), path
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', client.get("/").text)


def test_svgs_are_well_formed(client: FlaskClient, fingerprint: str):
    for url in every_url(fingerprint):
        if url.endswith(".svg"):
            assert ET.fromstring(client.get(url).text).tag == "{http://www.w3.org/2000/svg}svg"
