"""Facts of a file: digest, size, JPEG quality and the small grey picture."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asap_core import facts
from asap_core.duplicates import SIDE
from asap_core.errors import ImageError
from tests import hostile

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


def look(folder: Path, data: bytes, name: str = "image.jpg") -> facts.Look:
    (folder / name).write_bytes(data)
    return facts.look(folder / name)


@pytest.mark.parametrize("quality", range(1, 101))
def test_jpeg_quality_is_found_again(tmp_path: Path, quality: int):
    assert look(tmp_path, hostile.jpeg(1, quality=quality)).jpeg_quality == quality


def test_quality_of_a_table_that_is_not_libjpegs():
    scaled = np.clip(facts.TABLES[84] + np.arange(64) % 2, 1, 255)  # quality 85, a little off
    assert abs(facts.estimate_quality(tuple(scaled.tolist())) - 85) <= 2
    assert math.isnan(facts.estimate_quality(()))


@pytest.mark.parametrize("number, name", [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_subsampling(tmp_path: Path, number: int, name: str):
    assert look(tmp_path, hostile.jpeg(1, subsampling=number)).subsampling == name


def test_what_one_look_tells(tmp_path: Path):
    data = hostile.turned(6, 6)
    seen = look(tmp_path, data)
    assert seen.digest == hashlib.sha256(data).digest()
    assert (seen.width, seen.height) == (40, 48)
    assert (seen.format, seen.mode, seen.bytes, seen.exif) == ("JPEG", "RGB", len(data), True)
    assert seen.grey.shape == (SIDE, SIDE)
    assert seen.grey.dtype == np.uint8


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_what_does_not_apply_is_said_so(tmp_path: Path, mode: str):
    image = hostile.deep(1, mode) if mode == "I;16" else hostile.picture(1, mode=mode)
    seen = look(tmp_path, hostile.encoded(image, "PNG"), "image.png")
    assert (seen.format, seen.mode, seen.subsampling, seen.exif) == ("PNG", mode, "", False)
    assert math.isnan(seen.jpeg_quality)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_grey_picture_is_upright(tmp_path: Path, orientation: int):
    """The picture of a turned copy is that of the original."""
    original = hostile.picture(6, (320, 240))
    turns = {number: getattr(Image.Transpose, name) for number, name in BACK.items()}
    stored = original.transpose(turns[orientation]) if orientation in turns else original
    exif = Image.Exif()
    exif[0x0112] = orientation
    seen = look(tmp_path, hostile.encoded(stored, "JPEG", exif=exif, quality=95))
    plain = np.asarray(original.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), float)
    assert np.abs(seen.grey - plain).max() < 12
    assert (seen.width, seen.height) == (320, 240)


BACK = {  # how a camera stores what is shown upright under this orientation
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_90",
    7: "TRANSVERSE",
    8: "ROTATE_270",
}


def test_a_file_cut_at_any_place_is_noticed(tmp_path: Path):
    """Also where only the draft is decoded, and down to the last bytes of the picture."""
    whole = hostile.encoded(hostile.picture(1, (640, 480)), "JPEG", quality=90)
    assert look(tmp_path, whole)
    for kept in (10, 300, 2000, len(whole) // 2, len(whole) - 200, len(whole) - 20):
        with pytest.raises(ImageError, match="cut short"):
            look(tmp_path, whole[:kept])


def test_columns_line_up(tmp_path: Path):
    jpeg = look(tmp_path, hostile.jpeg(1, quality=70))
    png = look(tmp_path, hostile.encoded(hostile.picture(2, (10, 40), "L"), "PNG"), "image.png")
    table = facts.columns([jpeg, png])
    assert {len(column) for column in table.values()} == {2}
    assert table["format"].tolist() == ["JPEG", "PNG"]
    assert table["mode"].tolist() == ["RGB", "L"]
    assert table["aspect"].tolist() == pytest.approx([48 / 40, 10 / 40])
    assert table["bytes_per_pixel"].tolist() == pytest.approx([jpeg.bytes / (48 * 40), png.bytes / 400])
    assert table["jpeg_quality"][0] == 70
    assert np.isnan(table["jpeg_quality"][1])
