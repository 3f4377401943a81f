"""A folder of everything that can go wrong with images on a disk, and what is to become of each.

`build(root)` fills a folder that has real/ and fake/ in it and returns its cases.
"""

import os
import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, features

READ, IGNORED = "read", "ignored"


@dataclass(frozen=True)
class Case:
    """One entry of the folder; `outcome` is READ, IGNORED, or a part of the reason it is skipped for."""

    path: str
    outcome: str


def picture(seed: int, size: tuple[int, int] = (48, 40), mode: str = "RGB") -> Image.Image:
    """Smooth random blotches: no two alike, and like a photograph to compress."""
    blotches = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(blotches).resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def jpeg(seed: int, **options: Any) -> bytes:
    return encoded(picture(seed), "JPEG", **options)


def fill(root: Path, images: dict[str, int]) -> Path:
    """Write PNGs: path -> seed of the picture."""
    for path, seed in images.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(encoded(picture(seed), "PNG"))
    return root


def turned(seed: int, orientation: int) -> bytes:
    """A JPEG that says how it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(seed, exif=exif)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is this large."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def animation(seed: int) -> bytes:
    frames = [picture(seed), picture(seed + 1)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def deep(seed: int, mode: str) -> Image.Image:
    """A picture of 16 bits (I;16), 32 bits (I) or floats (F)."""
    levels = np.asarray(picture(seed, mode="L"))
    types = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
    return Image.fromarray((levels.astype(np.float64) * (1 / 255 if mode == "F" else 257)).astype(types[mode]))


def readable() -> dict[str, bytes]:
    """Unusual files that are images all the same."""
    files = {
        "plain.jpg": jpeg(1),
        "LOUD.JPG": jpeg(2),
        "progressive.jpeg": jpeg(3, progressive=True),
        "grey.jfif": encoded(picture(4, mode="L"), "JPEG"),
        "cmyk.jpg": encoded(picture(5, mode="CMYK"), "JPEG"),
        "turned.jpg": turned(6, 6),
        "nonsense in exif.jpg": jpeg(7, exif=b"Exif\0\0nonsense"),
        "alpha.png": encoded(picture(8, mode="RGBA"), "PNG"),
        "grey alpha.png": encoded(picture(9, mode="LA"), "PNG"),
        "palette.png": encoded(picture(10, mode="P"), "PNG"),
        "see-through palette.png": encoded(picture(11, mode="P"), "PNG", transparency=0),
        "one bit.png": encoded(picture(12, mode="1"), "PNG"),
        "sixteen bits.png": encoded(deep(13, "I;16"), "PNG"),
        "integers.tif": encoded(deep(14, "I"), "TIFF"),
        "floats.tiff": encoded(deep(15, "F"), "TIFF"),
        "animated.gif": animation(16),
        "old.bmp": encoded(picture(18), "BMP"),
        "new.webp": encoded(picture(19), "WEBP"),
        "one pixel.png": encoded(picture(20, (1, 1)), "PNG"),
        "very wide.png": encoded(picture(21, (4000, 1)), "PNG"),
        "naïve 名前 🙂 'quoted' \"twice\" %20 <b>&amp;.png": encoded(picture(22), "PNG"),
        "two\nlines.png": encoded(picture(23), "PNG"),
        "back\\slash.png": encoded(picture(24), "PNG"),
        f"{'long' * 60}.png": encoded(picture(25), "PNG"),
        "trailing rubbish.jpg": jpeg(26) + b"rubbish" * 100,
    }
    if features.check("avif"):
        files["newest.avif"] = encoded(picture(27), "AVIF")
    return files


def broken() -> dict[str, tuple[bytes, str]]:
    """Files that are no images, or not whole ones, with the words of the reason that names it."""
    whole, png = jpeg(30), encoded(picture(31), "PNG")
    gif, tiff = encoded(picture(32), "GIF"), encoded(picture(33), "TIFF")
    damaged = bytearray(png)
    damaged[len(png) // 2] ^= 0xFF
    return {
        "empty.jpg": (b"", "an empty file"),
        "cut.jpg": (whole[: len(whole) * 3 // 4], "cut short"),
        "cut progressive.jpg": (jpeg(34, progressive=True)[:-200], "cut short"),
        "cut in the header.jpg": (whole[:100], "cut short"),
        "cut.png": (png[: len(png) // 2], "cut short"),
        "cut.gif": (gif[: len(gif) // 2], "cut short"),
        "cut.tif": (tiff[: len(tiff) // 2], "cut short"),
        "cut.bmp": (encoded(picture(35), "BMP")[:2000], "cut short"),
        "cut.webp": (encoded(picture(36), "WEBP")[:150], "cut short"),
        "flipped bits.png": (bytes(damaged), "damaged"),
        "zeros.jpg": (bytes(5000), "nothing but zero bytes"),
        "noise.png": (np.random.default_rng(0).bytes(5000), "unknown data"),
        "text.jpg": (b"I am not an image.\n", "holds text"),
        "page.jpg": (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        "pointer.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\n", "Git LFS pointer"),
        "paper.jpg": (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        "archive.jpg": (b"PK\x03\x04\x14\0\0\0", "a zip archive"),
        "drawing.png": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG images are not read"),
        "phone.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC images are not read"),
        "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC images are not read"),
        "bomb.png": (bomb(60_000, 60_000), "oversized: 3,600,000,000 pixels"),
        "small bomb.png": (bomb(12_000, 12_000), "oversized: 12000 × 12000 pixels"),
        "really a png.jpg": (encoded(picture(37), "PNG"), "wrongly named: named .jpg, but holds PNG"),
        "really a jpeg.png": (jpeg(38), "wrongly named: named .png, but holds JPEG"),
        "photo.txt": (jpeg(39), "wrongly named: named .txt, but holds JPEG"),
        "n01440764_18": (jpeg(40), "wrongly named: without an extension, but holds JPEG"),
        "lab.tif": (encoded(picture(41, mode="LAB"), "TIFF"), "LAB"),
    }


IGNORABLE = {
    "notes.txt": b"some words",
    "labels.json": b"{}",
    "Thumbs.db": jpeg(50),
    ".DS_Store": b"\0\0\0\1Bud1",
    "._photo.jpg": b"\0\5\x16\7",
    ".hidden/secret.jpg": jpeg(51),
    "__MACOSX/photo.jpg": jpeg(52),
    "nothing": b"",
}


def build(root: Path) -> list[Case]:
    """Fill real/ and fake/ below `root`; return every entry that has an outcome."""
    cases = [_written(root / "real", name, data, READ) for name, data in readable().items()]
    cases += [_written(root / "fake", f"{i}.jpg", jpeg(100 + i), READ) for i in range(4)]
    cases += [_written(root / "fake", name, data, outcome) for name, (data, outcome) in broken().items()]
    cases += [_written(root / "real", name, data, IGNORED) for name, data in IGNORABLE.items()]
    cases += [_written(root, "stray.png", encoded(picture(60), "PNG"), "no folder above it says real or fake")]
    (root / "fake" / "looks like one.jpg").mkdir()
    (root / "empty").mkdir()
    cases += _huge(root) + _links(root) + _specials(root) + _odd_bytes(root)
    return [Case(case.path.removeprefix(f"{root.as_posix()}/"), case.outcome) for case in cases]


def _written(folder: Path, name: str, data: bytes, outcome: str) -> Case:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Case(path.as_posix(), outcome)


def _huge(root: Path) -> list[Case]:
    """A file of one gigabyte, most of it a hole that takes no room."""
    path = root / "fake" / "gigabyte.bmp"
    with path.open("wb") as file:
        file.write(b"BM")
        file.truncate(2**30)
    return [Case(path.as_posix(), "oversized: 1,073,741,824 bytes")]


def _links(root: Path) -> list[Case]:
    """Links to files and folders: followed once, never in circles."""
    elsewhere = root.parent / f"{root.name}-elsewhere"
    outside = _written(elsewhere / "deeper", "linked.jpg", jpeg(70), READ)
    real = root / "real"

    def link(name: str, target: Path | str, outcome: str) -> Case:
        (real / name).symlink_to(target)
        return Case((real / name).as_posix(), outcome)

    cases = [
        link("nowhere.jpg", "gone.jpg", "a link to nothing: gone.jpg does not exist"),
        link("myself.jpg", "myself.jpg", "a link that cannot be followed"),
        link("again.jpg", "plain.jpg", "in the catalogue already"),
        link("home", root, "in the catalogue already"),
        link("up", root.parent, "a link to a folder that this one lies in"),
        link("sideways", elsewhere / "deeper", READ),
        link("zz same file.jpg", outside.path, "in the catalogue already"),
    ]
    (elsewhere / "deeper" / "back").symlink_to(elsewhere)  # a circle outside
    cases[5] = Case((real / "sideways" / "linked.jpg").as_posix(), READ)
    return [*cases, Case((real / "sideways" / "back" / "deeper").as_posix(), "in the catalogue already")]


def _specials(root: Path) -> list[Case]:
    """A pipe would be waited on for ever, a socket cannot be read."""
    makers: dict[str, Callable[[Path], object]] = {"pipe.jpg": os.mkfifo, "socket.png": _socket}
    for name, make in makers.items():
        make(root / "fake" / name)
    return [Case((root / "fake" / name).as_posix(), "a pipe, socket or device") for name in makers]


def _socket(path: Path) -> None:
    """Bound by a relative name, as socket names are short."""
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(path.name)
    finally:
        os.chdir(here)


def _odd_bytes(root: Path) -> list[Case]:
    """Names that are not UTF-8, of a file and of a folder."""
    folder = os.fsencode(root / "real")
    try:
        Path(os.fsdecode(folder + b"/caf\xe9.jpg")).write_bytes(jpeg(80))
        Path(os.fsdecode(folder + b"/dossier \xe9")).mkdir()
    except OSError:
        return []  # some file systems refuse them
    base = (root / "real").as_posix()
    names = (f"{base}/caf\\xe9.jpg", f"{base}/dossier \\xe9")
    return [Case(name, "its name is not valid UTF-8") for name in names]
