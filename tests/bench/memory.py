"""How much memory does one image file take? The peak of a process that reads it, at the largest size allowed.

`python -m tests.bench.memory [--json]`. Every kind of pixel, of each format that keeps its own buffers; also eight
threads that read the same file at once. Below 700 MB is the aim. Linux only: the peak is the kernel's.
"""

import argparse
import json
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from asap_core import footprint, images

AIM = 700  # MB
ROOT = Path(__file__).parents[2]
SIDE = 11_300  # pixels; 128 million in all
BITS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # samples a pixel, by PNG's colour type
READ = """
import sys
from pathlib import Path
from threading import Thread
from PIL import Image
from asap_core import facts, images
from asap_core.errors import ImageError

file, how, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def read():
    try:
        if how == "look":
            facts.look(file)
        else:
            with images.reading(file, 256 if how == "small" else 0) as picture:
                picture.resize((64, 64), Image.Resampling.BICUBIC)
    except ImageError as error:
        print(error)

readers = [Thread(target=read) for _ in range(threads)]
[reader.start() for reader in readers]
[reader.join() for reader in readers]
status = Path("/proc/self/status").read_text()
print(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
"""


def png(
    file: Path, colour: int, depth: int = 8, side: int = SIDE, extra: bytes = b"", interlaced: bool = False
) -> None:
    """A PNG of zeros, written without its pixels ever being in memory."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    row = bytes(1 + side * depth // 8 * BITS[colour])
    pack = zlib.compressobj(1)
    if interlaced:  # seven passes; each row has its own filter byte
        steps = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        body = b"".join(
            pack.compress(bytes(1 + len(range(x, side, across)) * BITS[colour])) for x, y, across, down in steps
            for _ in range(y, side, down))  # fmt: skip
    else:
        body = b"".join(pack.compress(row) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, depth, colour, 0, 0, int(interlaced))
    parts = [chunk(b"IHDR", header), extra and chunk(extra[:4], extra[4:])]
    parts += [chunk(b"PLTE", bytes(768)), chunk(b"tRNS", bytes(256))] if colour == 3 else []
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IDAT", body + pack.flush()) + chunk(b"IEND", b""))


def turned() -> bytes:
    """An EXIF chunk that says that the picture lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")


def saved(mode: str, format: str, pixels: int, **options: Any) -> Callable[[Path], None]:
    """Pillow's own file of one colour, so many pixels in all."""

    def draw(file: Path) -> None:
        side = int(pixels**0.5)
        Image.new(mode, (side, side)).save(file, format, **options)

    return draw


def largest(beside: float) -> int:
    """The most pixels whose decoder holds so many bytes beside each."""
    return int(min(images.MAX_PIXELS, (footprint.LIMIT - 3e6) / (footprint.PIXEL + beside)))


CASES: dict[str, Callable[[Path], None]] = {
    "PNG, grey": lambda file: png(file, 0),
    "PNG, grey, 16 bits": lambda file: png(file, 0, 16),
    "PNG, grey and alpha": lambda file: png(file, 4),
    "PNG, palette, see-through": lambda file: png(file, 3),
    "PNG, RGB": lambda file: png(file, 2),
    "PNG, RGB, on its side": lambda file: png(file, 2, extra=turned()),
    "PNG, RGB, interlaced": lambda file: png(file, 2, interlaced=True),
    "PNG, RGB, 16 bits": lambda file: png(file, 2, 16),
    "PNG, RGBA": lambda file: png(file, 6),
    "PNG, RGBA, 16 bits, on its side": lambda file: png(file, 6, 16, extra=turned()),
    "JPEG": saved("RGB", "JPEG", largest(0)),
    "JPEG, progressive": saved("RGB", "JPEG", largest(3), progressive=True),
    "JPEG, progressive, 4:4:4": saved("RGB", "JPEG", largest(6), progressive=True, subsampling=0),
    "JPEG, progressive, CMYK": saved("CMYK", "JPEG", largest(8), progressive=True),
    "TIFF, integers": saved("I", "TIFF", largest(0), compression="tiff_adobe_deflate"),
    "TIFF, floats": saved("F", "TIFF", largest(0), compression="tiff_adobe_deflate"),
    "TIFF, floats, one strip": saved("F", "TIFF", largest(4), compression="tiff_adobe_deflate",
                                     tiffinfo={footprint.ROWS: 100_000}),
    "TIFF, CMYK": saved("CMYK", "TIFF", largest(0), compression="tiff_lzw"),
    "GIF": saved("P", "GIF", largest(0)),
    "WebP": saved("RGB", "WEBP", largest(12), method=0),
    "WebP, alpha, lossless": saved("RGBA", "WEBP", largest(12), method=0, lossless=True),
    "AVIF, 4:4:4": saved("RGB", "AVIF", largest(12), speed=10, subsampling="4:4:4"),
    "AVIF, alpha": saved("RGBA", "AVIF", largest(12), speed=10),
}  # fmt: skip


def peak(file: Path, how: str = "whole", threads: int = 1) -> tuple[float, str]:
    """Megabytes that a process takes at most to read a file whole or small, or to look at it; and what it said."""
    command = [sys.executable, "-c", READ, str(file), how, str(threads)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *said, kilobytes = done.stdout.splitlines()
    return int(kilobytes) * 1.024 / 1000, "; ".join(sorted(set(said)))


def main() -> None:
    """Measure every case and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as name:
        for case, draw in CASES.items():
            kind = case.split(",", 1)[0].upper()
            file = Path(name) / f"image{images.FORMATS[kind][0]}"
            draw(file)
            for how, threads in (("whole", 1), ("small", 1), ("look", 1), ("whole", 8)):
                value, said = peak(file, how, threads)
                if as_json:
                    print(json.dumps({"case": f"memory {case}, {how}, {threads} at once", "value": round(value),
                                      "unit": "MB", "aim": AIM, "said": said}))  # fmt: skip
                else:
                    print(f"{case:<34}{how:<6} x{threads} {value:>6.0f} MB  {said}", flush=True)


if __name__ == "__main__":
    main()
