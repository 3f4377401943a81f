"""Images of every kind, and images that are no longer what they were."""

import stat
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from diskcache import Cache
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from app.private import BytesOnly
from asap_core import analysis
from asap_core.analysis import Analysis
from tests import toy

KINDS = ("plain.jpg", "cmyk.jpg", "scan.tif", "sixteen.png", "turned.jpg", "moving.gif", "wide.png")


def picture(size: tuple[int, int] = (60, 40)) -> Image.Image:
    return toy.draw(False, "coast", 1).resize(size)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """An analysis of one image of each kind."""
    folder = tmp_path_factory.mktemp("odd")
    root = folder / "images"
    root.mkdir()
    made = picture()
    made.save(root / "plain.jpg")
    made.convert("CMYK").save(root / "cmyk.jpg")
    made.save(root / "scan.tif")
    Image.fromarray(np.asarray(made.convert("L"), np.uint16) * 257).save(root / "sixteen.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    made.transpose(Image.Transpose.ROTATE_90).save(root / "turned.jpg", exif=exif)
    made.save(root / "moving.gif", save_all=True, append_images=[made.rotate(180)])
    picture((400, 20)).save(root / "wide.png")
    arrays = toy.arrays(len(KINDS))
    arrays["size"] = np.asarray([(400, 20) if name == "wide.png" else (60, 40) for name in KINDS], np.int32)
    info = toy.info(arrays, root, labelled=True)
    analysis.save(folder / "analysis", info, list(KINDS), {}, arrays, b"", toy.summary(arrays, info))
    return analysis.load(folder / "analysis")


@pytest.fixture
def client(odd: Analysis, tmp_path: Path) -> FlaskClient:
    return create_app(odd, tmp_path).server.test_client()


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("row", range(len(KINDS)), ids=KINDS)
def test_every_kind_is_shown_in_a_format_that_browsers_know(client: FlaskClient, odd: Analysis, row: int):
    original = client.get(f"/img/{odd.fingerprint}/{row}")
    assert original.status_code == 200
    assert original.content_type in ("image/jpeg", "image/png", "image/gif")
    assert opened(original.data).mode in ("RGB", "L", "P", "I;16")
    small = opened(client.get(f"/thumb/{odd.fingerprint}/{row}?s=128").data)
    width, height = odd.arrays["size"][row].tolist()
    assert small.size == (
        min(width, 2 * height),
        height,
    )  # upright, not enlarged


def test_a_turned_photograph_stands_upright(client: FlaskClient, odd: Analysis):
    small = opened(client.get(f"/thumb/{odd.fingerprint}/{KINDS.index('turned.jpg')}").data)
    difference = np.abs(np.asarray(small, float) - np.asarray(picture(), float)).mean()
    assert difference < 10


def test_what_was_changed_or_lost_is_a_grey_picture_with_the_reason(tmp_path: Path):
    made = toy.make(tmp_path, 6)
    client = create_app(made, tmp_path / "cache").server.test_client()
    client.get(f"/thumb/{made.fingerprint}/1")
    made.path(0).unlink()
    picture((10, 10)).save(made.path(1))
    made.path(2).write_text("<script>alert(1)</script>")
    made.path(3).unlink()
    made.path(3).symlink_to("/etc/hostname")
    made.path(4).unlink()
    made.path(4).symlink_to(made.path(4))
    reasons = ("no such file", "has changed since", "web page|text|unknown", "text", "too many|loop|cannot")
    for row, reason in enumerate(reasons):
        for kind in ("img", "thumb"):
            answer = client.get(f"/{kind}/{made.fingerprint}/{row}")
            assert (answer.status_code, answer.mimetype) == (404, "image/svg+xml"), row
            assert answer.headers["Cache-Control"] == "no-store"
            assert any(words in answer.text for words in reason.split("|")), answer.text
            assert "<script>" not in answer.text
    assert client.get(f"/thumb/{made.fingerprint}/5").status_code == 200


def test_a_path_that_climbs_out_of_the_root_is_refused(tmp_path: Path):
    made = toy.make(tmp_path, 2)
    picture((toy.WIDTH, toy.HEIGHT)).save(tmp_path / "outside.png")
    climbing = Analysis(made.folder, made.info, ["../outside.png", made.paths[1]], made.metadata, made.arrays)
    client = create_app(climbing, tmp_path / "cache").server.test_client()
    answer = client.get(f"/img/{made.fingerprint}/0")
    assert answer.status_code == 404 and "outside" in answer.text


def test_thumbnails_are_private_and_nothing_is_unpickled(toy_analysis: Analysis, tmp_path: Path):
    client = create_app(toy_analysis, tmp_path).server.test_client()
    assert client.get(f"/thumb/{toy_analysis.fingerprint}/0").status_code == 200
    assert stat.S_IMODE((tmp_path / "thumbnails").stat().st_mode) == 0o700
    with Cache(str(tmp_path / "stranger")) as pickled:
        pickled["key"] = {"not": "bytes"}
    with (
        Cache(str(tmp_path / "stranger"), disk=BytesOnly) as kept,
        pytest.raises(ValueError, match="pickled"),
    ):
        kept.get("key")
