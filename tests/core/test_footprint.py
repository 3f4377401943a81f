"""What one file takes: at the largest size that is accepted a process stays below 700 MB, also with several at once."""

import sys
import threading
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asap_core import facts, footprint, images
from asap_core.errors import ImageError
from tests import hostile
from tests.bench import memory

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F", "I;16", "YCbCr", "HSV")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize(
    ("case", "how"), [("PNG, grey, 16 bits", "whole"), ("PNG, RGBA, 16 bits, on its side", "look")]
)
def test_the_largest_png_stays_below_700_mb_with_several_at_once(tmp_path: Path, case: str, how: str):
    file = tmp_path / "large.png"
    memory.CASES[case](file)
    peak, said = memory.peak(file, how, threads=3)
    assert said == "" and peak < memory.AIM, (peak, said)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("case", ["JPEG, progressive", "WebP"])
def test_what_decoders_keep_is_counted(tmp_path: Path, case: str):
    file = tmp_path / f"large{images.FORMATS[case.split(',')[0].upper()][0]}"
    memory.CASES[case](file)
    peak, said = memory.peak(file)
    assert said == "" and peak < memory.AIM, (peak, said)


@pytest.mark.parametrize(
    "format, options, pixels",
    [
        ("WEBP", {"method": 0}, 45_000_000),
        ("JPEG", {"progressive": True, "subsampling": 0}, 80_000_000),
        ("TIFF", {"compression": "tiff_adobe_deflate", "tiffinfo": {footprint.ROWS: 100_000}}, 100_000_000),
    ],
)
def test_what_would_take_more_is_refused_before_it_is_decoded(tmp_path: Path, format: str, options: dict, pixels: int):
    """Each is below the limit on pixels, and a file of a few kilobytes."""
    assert pixels < images.MAX_PIXELS
    file = tmp_path / f"large{images.FORMATS[format][0]}"
    memory.saved("RGB", format, pixels, **options)(file)
    for read in (images.read, facts.look):
        with pytest.raises(ImageError, match=rf"oversized: \d+ × \d+ pixels of {format} would take [\d,]+ MB"):
            read(file)


def test_a_large_file_counts_too():
    data = hostile.bomb(9_000, 9_000)
    assert images.header(data).size == (9_000, 9_000)
    with pytest.raises(ImageError, match="would take 624 MB"):
        images.header(data + bytes(300_000_000 - len(data)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("turned", range(1, 9))
def test_what_is_very_large_comes_out_as_everything_else(mode: str, turned: int):
    """The way that large images take, tile by tile through a file, on images of several tiles."""
    picture = drawn(mode)
    expected = images.upright(images.rgb(picture.copy()), turned)
    made = images._spooled(picture, turned)
    assert made.size == expected.size and made.tobytes() == expected.tobytes()


def drawn(mode: str) -> Image.Image:
    """2.4 million pixels, 1,300 wide: tiles of 806 rows and a rest; nothing alike under any turn."""
    rng = np.random.default_rng(1)
    grey = rng.integers(0, 256, (1847, 1300), np.uint8)
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257 - grey)
    if mode in ("I", "F"):
        return Image.fromarray((grey.astype(np.float32) * 200).astype(np.int32 if mode == "I" else np.float32))
    if mode in ("RGBA", "LA"):
        colours = Image.fromarray(np.stack([grey, grey[::-1], grey[:, ::-1], grey[::-1, ::-1]], -1))
        return colours if mode == "RGBA" else colours.convert("LA")
    return Image.fromarray(grey).convert("RGB").convert(mode)


@pytest.mark.parametrize("size", [(footprint.LARGE + 1, 1), (1, footprint.LARGE + 1), (5_000, 5_000)])
def test_large_images_of_any_shape_are_read(size: tuple[int, int]):
    stream = BytesIO()
    Image.new("L", size, 77).save(stream, "PNG", compress_level=1)
    made = images.read(stream.getvalue())
    assert made.size == size and made.getextrema() == ((77, 77),) * 3


def test_what_is_very_large_may_come_smaller():
    stream = BytesIO()
    gradient = Image.linear_gradient("L").resize((5_000, 5_200))
    gradient.save(stream, "PNG", compress_level=1)
    made = images.read(stream.getvalue(), at_least=300)
    assert 300 <= min(made.size) < 1_300
    difference = np.abs(np.asarray(made.convert("L"), float) - np.asarray(gradient.resize(made.size), float))
    assert difference.mean() < 1
    assert images.read(stream.getvalue()).size == (5_000, 5_200)


def test_threads_share_a_room():
    """Nobody gets in while too little is left; who needs more than there is gets all of it, alone."""
    room, held, most = footprint.Room(100), [0], [0]
    lock = threading.Lock()

    def work(need: int) -> None:
        with room.taken(need):
            with lock:
                held[0] += min(need, 100)
                most[0] = max(most[0], held[0])
            with lock:
                held[0] -= min(need, 100)

    threads = [threading.Thread(target=work, args=(need,)) for need in (40, 40, 40, 100, 1000, 60, 1) * 20]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert 0 < most[0] <= 100 and held[0] == 0


def test_room_is_given_back_after_an_error():
    room = footprint.Room(10)
    for _ in range(3):
        with pytest.raises(ValueError, match="damaged"), room.taken(10):
            raise ValueError("damaged")
