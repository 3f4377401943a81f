"""Words drawn onto images: what forget-to-spell learns from (L2).

Strings are random letters (three to five, as Materzynska et al. 2022, arXiv 2206.07835, draw them) or
English words. They are varied in place, size, colour, rotation, outline and box, so that no single look
of a word is what gets forgotten. Pillow's embedded font; nothing is downloaded.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ENGLISH = """
    apple arm autumn baby bag ball banana bank basket bath bear bed bell berry bird blue boat body book
    bottle bowl box boy branch bread brick bridge brown brush bus butter button cake camera candle car
    card carpet castle cat chain chair chalk cheese cherry church circle city clock cloud coat coffee coin
    copper corn cotton cow crown cup dance desert desk dish doctor dog door dragon dream dress drum duck
    ear earth east egg engine eye face farm father feather field finger fire fish flag floor flower fly
    foot forest fork fox friend frog fruit garden gate ghost girl glass globe glove goat gold grape grass
    green guitar hair hammer hand hat heart hill honey horse hospital hotel house ice island jacket jewel
    judge juice key king kitchen kite knife ladder lake lamp leaf leather lemon letter light lion lock
    machine map market metal milk mirror monkey moon mother mountain mouse mouth music nail needle nest
    night north nose number ocean office onion orange oven owl paint paper park peach pen pencil pepper
    piano picture pig pillow pilot pink pipe plane planet plant plate pocket poem police pony potato
    prince purple queen rabbit radio rain red ribbon rice ring river road rocket roof room rope rose
    sail salt sand school sea seed shadow sheep ship shirt shoe shop silver sister sky smile snake snow
    soap sock song soup south spider spoon spring square stable stamp star station stone storm street
    sugar summer sun table tail taxi tea teacher temple tiger tooth tower toy train tree truck tunnel
    turtle umbrella valley village violin wall watch water wave west wheel white wind window wine wing
    winter wolf woman wood wool yellow zebra
""".split()  # noqa: SIM905
_HEX = "000000 ffffff d62728 1f4fd6 0a7a3b f5d000 f28c1e 7b2fb5 ff5fa8 17becf 5a3a1a 808080"
COLOURS = [tuple(bytes.fromhex(colour)) for colour in _HEX.split()]
SMALLEST = 96  # pixels: images are drawn on at a shorter side of at least this, so that letters are letters
LEGIBLE = 9  # pixels: no font is smaller


@dataclass(frozen=True)
class Style:
    """How one word looks; lengths are shares of the image, colours are RGB."""

    size: float  # font height over the shorter side
    place: tuple[float, float]  # 0..1: how far along the room that is left
    angle: float  # degrees
    ink: tuple[int, ...]
    outline: bool
    box: tuple[int, ...] | None


def draw_style(rng: np.random.Generator) -> Style:
    """Choose a look at random."""
    ink, box = (COLOURS[i] for i in rng.choice(len(COLOURS), 2, replace=False))
    if abs(_luminance(ink) - _luminance(box)) < 60:
        box = _contrast(ink)
    manner = rng.random()
    return Style(
        size=float(rng.uniform(0.12, 0.34)),
        place=(float(rng.random()), float(rng.random())),
        angle=float(rng.uniform(-25, 25)) if rng.random() < 0.6 else 0.0,
        ink=ink,
        outline=manner < 0.35,
        box=box if manner > 0.75 else None,
    )


def draw_strings(n: int, rng: np.random.Generator) -> list[str]:
    """n different strings, about half of them English words, in lower, upper or title case."""
    english = [ENGLISH[i] for i in rng.permutation(len(ENGLISH))[: n // 2]]
    seen = set(english)
    letters = []
    while len(english) + len(letters) < n:
        # three letters alone give 17,576 strings: repeats are drawn again
        string = "".join(chr(97 + c) for c in rng.integers(0, 26, rng.integers(3, 6)))
        if string not in seen:
            seen.add(string)
            letters.append(string)
    mixed = english + letters
    cases = (str.lower, str.upper, str.title)
    return [cases[rng.integers(3)](mixed[i]) for i in rng.permutation(n)]


def fit(image: Image.Image, cap: int) -> Image.Image:
    """The image at a size that words can be drawn on: shorter side >= SMALLEST, longer side <= cap pixels.

    A strip too thin for both is stretched to SMALLEST; encoders crop or squeeze it anyway.
    """
    image = image.convert("RGB")
    width, height = image.size
    scale = max(SMALLEST / min(width, height), 1.0)
    scale = min(scale, cap / max(width, height))
    target = (max(SMALLEST, round(width * scale)), max(SMALLEST, round(height * scale)))
    return image if target == image.size else image.resize(target, Image.Resampling.BICUBIC)


def write(image: Image.Image, string: str, style: Style) -> tuple[Image.Image, Image.Image]:
    """Draw a word onto a copy of the image, and alone on white: same string, place, font and rotation.

    On white, ink too light to be seen becomes black.
    """
    ink = style.ink
    worded = image.copy()
    layer = _layer(image.size, string, style, ink)
    along, down = style.place
    at = (round(along * (image.width - layer.width)), round(down * (image.height - layer.height)))
    worded.paste(layer, at, layer)
    if style.box is None and _luminance(ink) > 150:
        layer = _layer(image.size, string, style, (0, 0, 0))
    word_only = Image.new("RGB", image.size, "white")
    word_only.paste(layer, at, layer)
    return worded, word_only


def _layer(room: tuple[int, int], string: str, style: Style, ink: tuple[int, ...]) -> Image.Image:
    """The word on a transparent ground, rotated, no larger than `room` (w, h)."""
    size = max(LEGIBLE, round(style.size * min(room)))
    while True:
        layer = _text(string, size, style, ink)
        if style.angle:
            layer = layer.rotate(style.angle, Image.Resampling.BICUBIC, expand=True)
        excess = max(layer.width / room[0], layer.height / room[1])
        if excess <= 1 or size <= LEGIBLE:
            break
        size = max(LEGIBLE, min(size - 1, int(size / excess)))
    layer.thumbnail(room)  # only where even the smallest font is too long
    return layer


def _text(string: str, size: int, style: Style, ink: tuple[int, ...]) -> Image.Image:
    font = _font(size)
    stroke = max(1, size // 14) if style.outline else 0
    left, top, right, bottom = (round(v) for v in font.getbbox(string, stroke_width=stroke))
    pad = max(1, size // 6)
    extent = (right - left + 2 * pad, bottom - top + 2 * pad)
    ground = (*style.box, 255) if style.box else (*ink, 0)
    layer = Image.new("RGBA", extent, ground)
    contrast = _contrast(ink)
    ImageDraw.Draw(layer).text(
        (pad - left, pad - top), string, (*ink, 255), font, stroke_width=stroke, stroke_fill=(*contrast, 255)
    )
    return layer


@lru_cache(64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _contrast(colour: tuple[int, ...]) -> tuple[int, ...]:
    """Black or white, whichever can be told from the colour."""
    return (0, 0, 0) if _luminance(colour) > 127 else (255, 255, 255)


def _luminance(colour: tuple[int, ...]) -> float:
    """Rec. 601 luma, 0..255."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue
