"""Maps, regions and the orders that go by them, asked as a browser asks."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from app.routes.maps import LONG, SHORT, coloured
from asap_core.analysis import Analysis
from asap_core.maps import Maps
from tests import toy


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy.make(tmp_path_factory.mktemp("maps"), 80, drawn=10)


@pytest.fixture(scope="module")
def known(made: Analysis) -> Maps:
    """Maps of all images but the last ten of the fakes."""
    fakes = np.flatnonzero(np.asarray(made.is_fake))
    return toy.explained(made, np.setdiff1d(np.arange(80), fakes[-10:]))


@pytest.fixture(scope="module")
def client(made: Analysis, known: Maps, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(made, tmp_path_factory.mktemp("cache")).server.test_client()


def ask(client: FlaskClient, path: str, **asked: Any) -> Any:
    return json.loads(client.get(path, query_string=asked).text)


def picture(client: FlaskClient, path: str) -> Image.Image:
    answer = client.get(path)
    assert answer.status_code == 200 and answer.content_type == "image/png"
    return Image.open(io.BytesIO(answer.data))


def test_without_maps_nothing_is_promised(unlabelled_analysis: Analysis, tmp_path: Path):
    client = create_app(unlabelled_analysis, tmp_path).server.test_client()
    name = unlabelled_analysis.fingerprint
    assert ask(client, f"/maps/{name}", rows="1,2") == {"done": [], "n": 0, "total": 60, "full": None}
    assert client.get(f"/map/{name}/logit/1.png").status_code == 404
    assert ask(client, f"/groups/{name}/logit/1") == {"row": 1, "groups": None}
    assert ask(client, f"/tiles/{name}", sort="sensitivity")["values"][:2] == [None, None]


def test_what_has_maps_is_said(client: FlaskClient, made: Analysis, known: Maps):
    done = known.done
    found = ask(client, f"/maps/{made.fingerprint}", rows=",".join(map(str, range(80))))
    assert found["done"] == np.flatnonzero(done).tolist() and found["n"] == done.sum() == 70
    assert np.allclose(found["full"], known.scale, rtol=1e-3)
    missing = int(np.flatnonzero(~done)[0])
    assert client.get(f"/map/{made.fingerprint}/logit/{missing}.png").status_code == 404


def test_a_map_lies_on_its_image_in_the_colours_of_its_sides(client: FlaskClient, made: Analysis, known: Maps):
    row = int(np.flatnonzero(np.asarray(made.is_fake) & known.done)[0])
    whole = picture(client, f"/map/{made.fingerprint}/logit/{row}.png?fit=whole")
    assert whole.mode == "RGBA" and max(whole.size) == LONG
    assert whole.width / whole.height == pytest.approx(toy.WIDTH / toy.HEIGHT, rel=0.01)
    small = picture(client, f"/map/{made.fingerprint}/3/{row}.png")
    assert min(small.size) == SHORT
    pixels = np.asarray(whole).astype(int)
    strongest = np.unravel_index(pixels[..., 3].argmax(), pixels.shape[:2])
    group = known.groups(row)[0]
    x, y = ((edge + 0.5) * toy.WIDTH / whole.width for edge in (strongest[1], strongest[0]))
    left, top, right, bottom = max(known.groups(row), key=lambda each: np.abs(each.contribution) / each.area).box
    assert left - 20 <= x <= right + 20 and top - 20 <= y <= bottom + 20
    assert group.contribution != 0


def test_colours_say_the_side_and_strength():
    drawn = np.asarray(coloured(np.array([[-4.0, -1.0, 0.0, 0.4, 4.0, 9.0]]), 1.0, 4.0))[0].astype(int)
    assert drawn[0, 2] > drawn[0, 0] and drawn[4, 0] > drawn[4, 2]  # blue toward real, vermilion toward fake
    assert drawn[2, 3] == drawn[3, 3] == 0  # what is ordinary is clear
    assert drawn[0, 3] == drawn[4, 3] == drawn[5, 3] > drawn[1, 3] > 0


def test_regions_add_up_and_lie_inside_what_is_seen(client: FlaskClient, made: Analysis, known: Maps):
    row = int(np.flatnonzero(np.asarray(made.is_fake) & known.done)[1])
    for target in ("logit", "2"):
        found = ask(client, f"/groups/{made.fingerprint}/{target}/{row}")
        added = sum(group["contribution"] for group in found["groups"])
        assert added + found["elsewhere"] + found["remainder"] == pytest.approx(found["sum"], abs=0.01)
        left, top, right, bottom = found["seen"]
        for group in found["groups"]:
            points = np.concatenate([np.array(each) for each in group["outline"]])
            assert (points >= [left - 0.1, top - 0.1]).all() and (points <= [right + 0.1, bottom + 0.1]).all()
            assert np.allclose([*points.min(0), *points.max(0)], group["box"], atol=0.2)
            assert np.shape(group["held"]) == tuple(found["grid"]) and 0 < np.max(group["held"]) <= 1


@pytest.mark.parametrize(
    "path",
    [
        "/maps/{f}?rows=x",
        "/maps/{f}?rows=80",
        "/map/{f}/16/0.png",
        "/map/{f}/verdict/0.png",
        "/map/{f}/logit/80.png",
        "/map/{f}/logit/0.png?fit=huge",
        "/groups/{f}/99/0",
        "/groups/{f}/logit/80",
        "/map/other/logit/0.png",
    ],
)
def test_nothing_else_is_found(client: FlaskClient, made: Analysis, path: str):
    assert client.get(path.format(f=made.fingerprint)).status_code == 404


def test_images_are_sorted_by_sensitivity_dimension_and_likeness(client: FlaskClient, made: Analysis, known: Maps):
    def page(**asked: Any) -> tuple[list[int], list]:
        found = ask(client, f"/tiles/{made.fingerprint}", **asked)
        return [tile[0] for tile in found["tiles"]], found["values"]

    rows, values = page(sort="sensitivity")
    assert values[:70] == sorted(values[:70], reverse=True) and values[70:] == [None] * 10
    assert set(rows[70:]) == set(np.flatnonzero(~known.done).tolist())
    rows, values = page(sort="dimension", by=4)
    assert rows == np.argsort(-made.contributions[:, 4], kind="stable").tolist()
    rows, values = page(sort="alike", by=4, of="like=4")
    assert rows[0] == 4 and values[0] == pytest.approx(1, abs=0.01)
