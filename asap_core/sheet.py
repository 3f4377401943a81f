"""A contact sheet: the patterns of an analysis as one picture, a row each, for a slide or a report."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from . import images, storage
from .analysis import Analysis
from .errors import ImageError, SettingsError
from .findings import Shown
from .identification.patterns import EXEMPLARS, Exemplar, Pattern, sentence

CROP, GAP, HEAD = 128, 8, 58  # pixels
KINDS = ("typical", "strongest", "contradicting")
WIDTH = GAP + len(KINDS) * (EXEMPLARS * (CROP + GAP) + GAP)
CONTEXT = 0.6  # of a box's longer side, shown around it
SMALLEST = 0.25  # of the image's shorter side: smaller crops say nothing
PAPER, INK, FAINT = (255, 255, 255), (30, 30, 34), (110, 110, 118)
COLOURS = {"fake": (213, 94, 0), "real": (0, 114, 178)}  # vermilion and blue, as on the page


def write(file: Path, made: Analysis, kept: Sequence[Shown], note: str | None) -> None:
    """Draw the exemplars of each pattern, with its sentence, into an image file of the suffix's format.

    SettingsError where nothing was found, or the file cannot be written.
    """
    found = [each.pattern for each in kept if not each.hidden]
    if not found:
        raise SettingsError(f"no patterns, so no sheet: {note or 'nothing recurs in these images'}")
    if file.suffix.lower() not in (".webp", ".png", ".jpg", ".jpeg"):
        raise SettingsError(f"a sheet {file.name!r}: expected a name that ends in .webp, .png or .jpg")
    sheet = Image.new("RGB", (WIDTH, GAP + len(found) * (HEAD + CROP + 22 + GAP)), PAPER)
    for number, pattern in enumerate(found):
        sheet.paste(_row(made, pattern, number + 1), (0, GAP + number * (HEAD + CROP + 22 + GAP)))
    try:
        with storage.writing(file) as draft:
            sheet.save(draft, images_format(file), quality=88)
    except (OSError, ValueError) as error:
        raise SettingsError(f"the sheet {file} cannot be written: {error}") from error


def images_format(file: Path) -> str:
    """Pillow's name for a file's format."""
    return {".webp": "WEBP", ".png": "PNG"}.get(file.suffix.lower(), "JPEG")


def crop(size: tuple[int, int], box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A square around a box and what surrounds it, inside an image (width, height): left, top, right, bottom."""
    left, top, right, bottom = box
    shorter = min(size)
    side = min(max((1 + CONTEXT) * max(right - left, bottom - top), SMALLEST * shorter), shorter)
    x, y = ((low + high - side) / 2 for low, high in ((left, right), (top, bottom)))
    x, y = (min(max(at, 0), length - side) for at, length in zip((x, y), size, strict=True))
    return x, y, x + side, y + side


def _row(made: Analysis, pattern: Pattern, number: int) -> Image.Image:
    row = Image.new("RGB", (WIDTH, HEAD + CROP + 22), PAPER)
    pen, colour = ImageDraw.Draw(row), COLOURS[pattern.toward]
    pen.rectangle((0, 0, 4, row.height), colour)
    said = sentence(pattern).replace("*", "")
    steady = "put together by hand" if pattern.stability is None else f"stability {pattern.stability:.2f}"
    more = f"{steady}; {pattern.share_fake:.0%} of fakes, {pattern.share_real:.0%} of real"
    for line, text in enumerate(textwrap.wrap(f"{number}. {said}; {more}", WIDTH // 8)[:3]):
        pen.text((GAP + 4, 18 * line), text, INK, ImageFont.load_default(15))
    for block, why in enumerate(KINDS):
        x = GAP + block * (EXEMPLARS * (CROP + GAP) + GAP)
        pen.text((x, HEAD), why, FAINT, ImageFont.load_default(12))
        some = [each for each in pattern.exemplars if each.why == why]
        for place, each in enumerate(some):
            row.paste(_thumbnail(made, each), (x + place * (CROP + GAP), HEAD + 18))
    return row


def _thumbnail(made: Analysis, exemplar: Exemplar) -> Image.Image:
    """An exemplar's crop with its box; grey where the image cannot be read any more."""
    try:
        image = images.read(made.path(exemplar.row))
    except ImageError:
        return Image.new("RGB", (CROP, CROP), (200, 200, 200))
    left, top, right, bottom = crop(image.size, exemplar.box)
    scale = CROP / (right - left)
    shown = image.resize((CROP, CROP), Image.Resampling.BICUBIC, (left, top, right, bottom))
    edges = [(edge - start) * scale for edge, start in zip(exemplar.box, (left, top, left, top), strict=True)]
    edges = [min(max(edge, 1), CROP - 2) for edge in edges]
    pen = ImageDraw.Draw(shown)
    pen.rectangle(edges, outline=(255, 255, 255), width=3)
    pen.rectangle(edges, outline=COLOURS["fake" if exemplar.contribution > 0 else "real"], width=1)
    return shown
