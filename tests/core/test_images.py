"""Reading one image: every mode becomes upright RGB of 8 bits, and reasons are plain."""

import os
import threading
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps, features

from asap_core import images
from asap_core.errors import CatalogueError, ImageError
from tests import hostile

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


def apart(one: Image.Image, other: Image.Image) -> float:
    """Mean difference in grey levels of 255."""
    assert one.size == other.size
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


@pytest.mark.parametrize("name", hostile.readable())
def test_whatever_is_readable_becomes_rgb(name: str):
    image = images.read(hostile.readable()[name])
    assert image.mode == "RGB"
    assert min(image.size) >= 1


@pytest.mark.parametrize("name", hostile.broken())
def test_whatever_is_broken_has_a_plain_reason(name: str):
    data, _ = hostile.broken()[name]
    if name in ("really a png.jpg", "really a jpeg.png", "photo.txt", "n01440764_18"):
        assert images.read(data)  # only the name is wrong
        return
    with pytest.raises(ImageError) as caught:
        images.read(data)
    reason = str(caught.value)
    assert len(reason) < 200
    assert "\n" not in reason
    assert not any(word in reason for word in ("BytesIO", "0x", "Traceback", "errno", "Error"))
    assert isinstance(caught.value, CatalogueError)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_turned_images_are_put_upright(orientation: int, format: str):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = hostile.picture(1)
    data = hostile.encoded(stored, format, exif=exif, **({"quality": 95} if format != "TIFF" else {}))
    named = Image.open(BytesIO(data))
    named.load()
    expected = ImageOps.exif_transpose(named).convert("RGB")
    assert apart(images.read(data), expected) == 0
    assert images.read(data).size == ((40, 48) if orientation >= 5 else (48, 40))


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_deep_images_keep_their_brightness(mode: str):
    data = hostile.encoded(hostile.deep(3, mode), "TIFF")
    assert apart(images.read(data), hostile.picture(3, mode="L").convert("RGB")) < 1


def test_big_endian_16_bits():
    levels = np.asarray(hostile.picture(3, mode="L"))
    big = Image.frombytes("I;16B", (48, 40), (levels.astype(np.uint16) * 257).astype(">u2").tobytes())
    assert apart(images.rgb(big), Image.fromarray(levels).convert("RGB")) < 1


def test_floats_without_end():
    values = np.full((4, 4), 0.5, np.float32)
    values[0, 0], values[1, 1], values[2, 2] = np.nan, np.inf, -3
    pixels = np.asarray(images.read(hostile.encoded(Image.fromarray(values), "TIFF")))
    assert (pixels[0, 0] == 0).all()
    assert (pixels[2, 2] == 0).all()
    assert (pixels[3, 3] == 128).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_becomes_white(mode: str):
    image = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, 3, 7), fill=(0, 0, 0, 255))
    pixels = np.asarray(images.read(hostile.encoded(image.convert(mode), "PNG")))
    assert (pixels[:, :4] == 0).all()
    assert (pixels[:, 4:] == 255).all()


@pytest.mark.parametrize("mode, key", [("RGB", (0, 0, 0)), ("L", 0), ("P", 0)])
def test_a_transparent_colour_becomes_white(mode: str, key: object):
    image = Image.new(mode, (4, 4))
    assert (np.asarray(images.read(hostile.encoded(image, "PNG", transparency=key))) == 255).all()


def test_cmyk_keeps_its_colours():
    data = hostile.encoded(Image.new("RGB", (16, 16), (200, 40, 60)).convert("CMYK"), "JPEG", quality=95)
    assert apart(images.read(data), Image.new("RGB", (16, 16), (200, 40, 60))) < 4


def test_an_animation_is_its_first_frame():
    still = Image.open(BytesIO(hostile.encoded(hostile.picture(16), "GIF"))).convert("RGB")
    assert apart(images.read(hostile.animation(16)), still) < 3


@pytest.mark.parametrize("at_least", [1, 37, 100, 224, 500])
def test_draft_is_never_smaller_than_asked_for(at_least: int):
    data = hostile.encoded(hostile.picture(5, (900, 448)), "JPEG", quality=90)
    whole, draft = images.read(data), images.read(data, at_least)
    assert whole.size == (900, 448)
    assert min(draft.size) >= min(at_least, 448)
    assert apart(draft, whole.resize(draft.size, Image.Resampling.BOX)) < 3
    assert (draft.size != whole.size) == (at_least <= 224)


def test_other_formats_are_always_read_whole():
    assert images.read(hostile.encoded(hostile.picture(5, (900, 448)), "PNG"), 32).size == (900, 448)


def test_a_pipe_is_not_waited_on(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.jpg")
    reasons: list[str] = []

    def read() -> None:
        with pytest.raises(ImageError) as caught:
            images.read(tmp_path / "pipe.jpg")
        reasons.append(str(caught.value))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(10)
    assert reasons == ["a pipe, socket or device, not a file"]


@pytest.mark.parametrize(
    "name, reason",
    [
        ("gone.jpg", "no such file"),
        ("folder.jpg", "a folder"),
        ("null\0byte.jpg", "null byte"),
        ("x" * 300, "too long"),
    ],
)
def test_paths_that_cannot_be_opened(tmp_path: Path, name: str, reason: str):
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(ImageError, match=reason):
        images.read(tmp_path / name)


def test_the_limit_on_pixels_is_ours(tmp_path: Path):
    """Just below it is decoded; Pillow's own limit, lower and only a warning, plays no part."""
    width = images.MAX_PIXELS // 10_000
    assert images.header(hostile.bomb(width, 10_000)).size == (width, 10_000)
    with pytest.raises(ImageError, match="oversized"):
        images.header(hostile.bomb(width + 1, 10_000))


def test_every_format_has_a_signature():
    for format in images.FORMATS:
        head = hostile.encoded(hostile.picture(1), format)[: images.HEAD]
        assert images.kind(head) == format
    assert ("AVIF" in images.FORMATS) == bool(features.check("avif"))


@pytest.mark.parametrize("seed", range(40))
def test_random_damage_never_raises_anything_else(seed: int):
    rng = np.random.default_rng(seed)
    whole = list(hostile.readable().values())
    data = bytearray(whole[seed % len(whole)])
    for at in rng.integers(0, len(data), 1 + seed % 20):
        data[at] = rng.integers(256)
    for cut in (len(data), len(data) // 2):
        try:
            assert images.read(bytes(data[:cut])).mode == "RGB"
        except ImageError as error:
            assert str(error)
