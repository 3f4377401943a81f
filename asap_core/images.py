"""One image file: safely opened, decoded, upright and RGB.

Whatever is wrong with a file is an ImageError that says in plain words what was found. Pillow's limits are
not relied on: formats are an allow-list, and what decoding would take is checked before anything is decoded.
"""

import importlib
import re
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from PIL import Image, features

from . import footprint
from .errors import ImageError
from .footprint import LARGE

FORMATS: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
}
PLUGINS = ["Bmp", "Gif", "Jpeg", "Mpo", "Png", "Tiff", "WebP"]
if "avif" in features.modules and features.check("avif"):
    FORMATS["AVIF"] = (".avif",)
    PLUGINS.append("Avif")
for plugin in PLUGINS:  # before threads ask for them
    importlib.import_module(f"PIL.{plugin}ImagePlugin")

EXTENSIONS = {extension: name for name, extensions in FORMATS.items() for extension in extensions}
MAX_PIXELS = 128_000_000  # the largest phone cameras give 108 million
MAX_BYTES = 512 * 2**20
TILE = 2**20  # pixels that are converted at once

# Pillow's remarks about odd metadata concern nobody here; what matters is checked and raised.
warnings.filterwarnings("ignore", module=r"PIL\.")

# How a file begins, and what it is. The first that fits counts.
SIGNATURES = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"BM....\0\0\0\0", "BMP"),
    (rb"II\*\0|MM\0\*", "TIFF"),
    (rb"GIF8[79]a", "GIF"),
    (rb"....ftyp(avif|avis)", "AVIF"),
    (rb"....ftyp(hei[cx]|hev[cx]|mif1|msf1)", "HEIC"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "JPEG XL"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"8BPS", "Photoshop"),
    (rb"\s*(<\?xml[^>]*>\s*)?<svg", "SVG"),
)
OTHER_CONTENTS = (
    (rb"\0+$", "nothing but zero bytes"),
    (rb"version https://git-lfs", "a Git LFS pointer, not the image itself"),
    (rb"(?i)\s*<(!doctype html|html|head|body)", "a web page"),
    (rb"%PDF", "a PDF"),
    (rb"PK\x03\x04", "a zip archive"),
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"....ftyp|\x1aE\xdf\xa3", "a video"),
    (rb"[\t\n\r\x20-\x7e]+$", "text"),
)
HEAD = 64  # bytes of a file that `kind` looks at


def kind(head: bytes) -> str | None:
    """The image format that a file's first bytes announce, also one that is not read here; None if none."""
    return next((name for pattern, name in SIGNATURES if re.match(pattern, head, re.DOTALL)), None)


def found(head: bytes) -> str:
    """What a file's first bytes are, in words for a message."""
    named = kind(head)
    if named:
        return f"a {named} image" if named in FORMATS else f"a {named} image, which is not read here"
    return next((words for pattern, words in OTHER_CONTENTS if re.match(pattern, head, re.DOTALL)), "unknown data")


def content(path: Path) -> bytes:
    """A file's bytes; pipes and devices are never opened, nothing above MAX_BYTES is read."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("a folder, not a file")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("a pipe, socket or device, not a file")
        if status.st_size > MAX_BYTES:
            raise ImageError(f"oversized: {status.st_size:,} bytes, more than the {MAX_BYTES:,} allowed")
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be opened: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:  # a name with a zero byte in it
        raise ImageError(f"cannot be opened: {error}") from error
    if not data:
        raise ImageError("an empty file")
    return data


def header(data: bytes) -> Image.Image:
    """An image whose header was read and found acceptable; its pixels are not decoded yet."""
    with plain_errors(data):
        image = Image.open(BytesIO(data), formats=tuple(FORMATS))
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(f"oversized: {width} × {height} pixels, more than the {MAX_PIXELS:,} allowed")
    with plain_errors(data):
        need = footprint.needed(image.size, len(data), footprint.beside(image))
    if need > footprint.LIMIT:
        raise ImageError(
            f"oversized: {width} × {height} pixels of {image.format} would take {need / 1e6:,.0f} MB of memory, "
            f"more than the {footprint.LIMIT / 1e6:,.0f} allowed"
        )
    return image


def read(source: Path | bytes, at_least: int = 0) -> Image.Image:
    """An image, upright, RGB, 8 bits; of an animation the first frame; transparency becomes white.

    With `at_least` a JPEG, and what is very large, may come smaller, its shorter side not below that many pixels (nor
    enlarged).
    """
    with _decoded(source, at_least) as picture:
        return picture


@contextmanager
def reading(source: Path | bytes, at_least: int = 0) -> Iterator[Image.Image]:
    """`read`, for as long as the picture is used: so long it counts as memory, of which all threads share a limit."""
    with _decoded(source, at_least) as picture:
        try:
            yield picture
        finally:
            let_go(picture)


@contextmanager
def _decoded(source: Path | bytes, at_least: int) -> Iterator[Image.Image]:
    data = source if isinstance(source, bytes) else content(source)
    with loaded(header(data), data, at_least) as image:
        with plain_errors(data):
            picture = flat(image, at_least, orientation(image))
        if picture is not image:
            let_go(image)
        yield picture


def let_go(image: Image.Image) -> None:
    """Close an image whose pixels are large, before another takes their room: a name that still stands keeps them."""
    if image.width * image.height > LARGE:
        image.close()


@contextmanager
def loaded(image: Image.Image, data: bytes, at_least: int = 0, mode: str | None = None) -> Iterator[Image.Image]:
    """An image of which only the header was read, decoded; a JPEG as small, and in the mode, that is asked for."""
    with plain_errors(data):
        extra = footprint.beside(image)
        if at_least > 0:
            image.draft(mode, (at_least, at_least))
    with footprint.ROOM.taken(footprint.needed(image.size, len(data), extra)):
        with plain_errors(data):
            image.load()
        yield image


def flat(image: Image.Image, at_least: int = 0, turned: int = 1) -> Image.Image:
    """A loaded image as RGB, put upright; what is very large is closed on the way, and made smaller where it may be."""
    if image.width * image.height <= LARGE:
        return upright(rgb(image), turned)
    made = image if turned == 1 and _is_plain(image) else _spooled(image, turned)
    times = min(made.size) // (2 * at_least) if at_least > 0 else 1
    return made.reduce(times) if times > 1 else made


def _spooled(image: Image.Image, turned: int) -> Image.Image:
    """`upright(rgb(image))` with one copy in memory at a time: tiles that are finished wait in a file."""
    size, boxes = image.size, list(_boxes(image))
    with TemporaryFile() as spool:
        for tile in _tiles(image, boxes):
            spool.write(tile.tobytes())
        image.close()  # its pixels go, and make room for the result's
        spool.seek(0)
        made = Image.new("RGB", size if turned <= 4 else (size[1], size[0]))
        for left, top, right, bottom in boxes:
            shape = (right - left, bottom - top)
            tile = Image.frombytes("RGB", shape, spool.read(3 * shape[0] * shape[1]))
            x, y = (left, size[0] - right), (top, size[1] - bottom)  # from either edge
            place = {2: (x[1], y[0]), 3: (x[1], y[1]), 4: (x[0], y[1]), 5: (y[0], x[0]), 6: (y[1], x[0]),
                     7: (y[1], x[1]), 8: (y[0], x[1])}.get(turned, (left, top))  # fmt: skip
            made.paste(upright(tile, turned), place)
    return made


def orientation(image: Image.Image) -> int:
    """The EXIF orientation of a loaded image, 1 to 8; 1 where it says none or nonsense."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF is no reason to do without the picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image, turned: int) -> Image.Image:
    """Undo the EXIF orientation `turned`."""
    return image.transpose(TURNS[turned]) if turned in TURNS else image


def rgb(image: Image.Image) -> Image.Image:
    """Any mode that Pillow knows -> RGB, 8 bits; transparency over white."""
    if _is_plain(image):
        return image
    boxes = list(_boxes(image))
    made = Image.new("RGB", image.size)
    for box, tile in zip(boxes, _tiles(image, boxes), strict=True):
        made.paste(tile, box[:2])
    return made


def _is_plain(image: Image.Image) -> bool:
    return image.mode == "RGB" and "transparency" not in image.info


def _boxes(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Tiles of at most TILE pixels that make up an image: left, top, right, bottom."""
    width, height = image.size
    across = min(width, TILE)
    down = max(1, TILE // across)
    for top in range(0, height, down):
        for left in range(0, width, across):
            yield left, top, min(left + across, width), min(top + down, height)


def _tiles(image: Image.Image, boxes: Sequence[tuple[int, int, int, int]]) -> Iterator[Image.Image]:
    """The tiles of an image as RGB: conversions take many bytes a pixel, so few pixels at once."""
    white = 65535.0
    if image.mode in ("I", "F"):
        # Such files do not say what is white: the nearest usual range above the brightest pixel.
        brightest = max(_finite(image.crop(box)).max() for box in boxes)
        usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
        white = next((top for top in usual if brightest <= top), brightest)
    for box in boxes:
        yield _converted(image.crop(box), white)


def _converted(tile: Image.Image, white: float) -> Image.Image:
    if tile.mode.startswith("I;16"):
        return _eight_bits(np.asarray(tile.convert("I")), white)
    if tile.mode in ("I", "F"):
        return _eight_bits(_finite(tile), white)
    if tile.mode == "LAB":
        raise ImageError("in LAB colours, which are not read here: convert it to RGB")
    if tile.has_transparency_data:
        over = tile.convert("RGBA")
        paper = Image.new("RGBA", over.size, "white")
        paper.alpha_composite(over)
        return paper.convert("RGB")
    return tile.convert("RGB")


def _finite(tile: Image.Image) -> np.ndarray:
    return np.nan_to_num(np.asarray(tile, np.float64), posinf=0, neginf=0)


def _eight_bits(values: np.ndarray, white: float) -> Image.Image:
    scaled = np.clip(values * (255.0 / white), 0, 255)
    return Image.fromarray(np.round(scaled).astype(np.uint8)).convert("RGB")


@contextmanager
def plain_errors(data: bytes) -> Iterator[None]:
    """Whatever Pillow's decoders raise on hostile bytes, which is nearly anything, becomes an ImageError."""
    try:
        yield
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        pixels = re.search(r"\d+", str(error))
        size = f"{int(pixels[0]):,} pixels" if pixels else "too many pixels"
        raise ImageError(f"oversized: {size}, more than the {MAX_PIXELS:,} allowed") from error
    except Image.UnidentifiedImageError as error:
        what = kind(data[:HEAD])
        if what in FORMATS:
            raise ImageError(f"damaged or cut short: begins like {what}, but its header cannot be read") from error
        raise ImageError(f"not an image that can be read: holds {found(data[:HEAD])}") from error
    except MemoryError as error:
        raise ImageError("does not fit into memory") from error
    except Exception as error:
        shorter = data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 > len(data)  # WebP
        if shorter or re.search("truncated|unexpected end|not enough", str(error), re.IGNORECASE):
            raise ImageError(f"cut short: {len(data):,} bytes are not the whole image") from error
        raise ImageError(f"damaged: {str(error)[:120] or type(error).__name__}") from error
