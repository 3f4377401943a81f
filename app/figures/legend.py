"""The legend: one enlarged glyph, labelled, and what its sizes and shades stand for."""

from . import glyph
from .palette import Palette

WIDTH, HEIGHT = 216, 480  # CSS pixels
FONT = "-apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
RADIUS = 52.0
MIDDLE = (WIDTH / 2, 104.0)
EXAMPLE = (100, 45, 9, 12)  # n, fake, false alarms, misses


def draw(palette: Palette, labelled: bool, sizes: tuple[int, int, int], few: int, levels: tuple[str, ...]) -> str:
    """The legend as SVG, WIDTH x HEIGHT."""
    x, y = MIDDLE
    counts = EXAMPLE if labelled else (100, 45, 0, 0)
    parts = [glyph.donut(x, y, RADIUS, counts, 2, False), *_names(labelled)]
    parts += _severities(y + 126, levels)
    parts += _sizes(y + 212, sizes, few)
    parts += _squares(y + 318, labelled)
    text = (
        f"<style>text{{font:12px {FONT};fill:{palette.ink}}}.q{{fill:{palette.quiet};font-size:11.5px}}"
        f".k{{font-weight:600}}.l{{fill:none;stroke:{palette.quiet};stroke-width:1}}.c{{text-anchor:middle}}"
        f".z{{text-anchor:end}}.o{{fill:none;stroke:{palette.quiet};stroke-width:1.5}}"
        f".s{{stroke:{palette.quiet};stroke-width:1}}</style>"
    )
    return glyph.svg(WIDTH, HEIGHT, glyph.style(palette) + text + "".join(parts))


def _names(labelled: bool) -> list[str]:
    """Labels around the glyph, each with a line to what it names."""
    x, y = MIDDLE
    right, left = WIDTH - 1, 1
    verb = "" if labelled else "judged "
    parts = [
        f'<text class="k c" x="{x + 70:g}" y="{y + 67:g}">{verb}real</text>',
        f'<path class="l" d="M{x + 37} {y + 26}L{x + 66} {y + 53}"/>',
        f'<text class="k c" x="{x - 70:g}" y="{y + 67:g}">{verb}fake</text>',
        f'<path class="l" d="M{x - 37} {y + 26}L{x - 66} {y + 53}"/>',
    ]
    if labelled:
        parts += [
            f'<text class="k z" x="{right}" y="{y - 84}">false alarms</text>',
            f'<text class="q z" x="{right}" y="{y - 70}">real, judged fake</text>',
            f'<path class="l" d="M{x + 15} {y - 42}L{x + 34} {y - 64}"/>',
            f'<text class="k" x="{left}" y="{y - 84}">misses</text>',
            f'<text class="q" x="{left}" y="{y - 70}">fake, judged real</text>',
            f'<path class="l" d="M{x - 15} {y - 42}L{x - 34} {y - 64}"/>',
        ]
    return parts


def _severities(y: float, levels: tuple[str, ...]) -> list[str]:
    """Four shades with their names."""
    parts = [
        f'<text class="k" x="1" y="{y - 26}">Hole</text>',
        f'<text class="q" x="36" y="{y - 26}">median severity</text>',
    ]
    for level, name in enumerate(levels):
        x = 26 + level * (WIDTH - 52) / 3
        parts.append(f'<circle class="h{level} s" cx="{x:g}" cy="{y:g}" r="11"/>')
        parts.append(f'<text class="q c" x="{x:g}" y="{y + 27:g}">{name}</text>')
    return parts


def _squares(y: float, labelled: bool) -> list[str]:
    """What is drawn of cells too small for a donut."""
    parts = [f'<text class="k" x="1" y="{y:g}">Small cells</text>']
    if not labelled:
        parts.append(f'<text class="q" x="74" y="{y:g}">as judged</text>')
    parts.append(glyph.square(9, y + 20, 8, (2, 0, 0, 0), False))
    parts.append(f'<text class="q" x="22" y="{y + 24:g}">mostly real</text>')
    parts.append(glyph.square(119, y + 20, 8, (2, 2, 0, 0), False))
    parts.append(f'<text class="q" x="132" y="{y + 24:g}">mostly fake</text>')
    if labelled:
        parts.append(f'<circle class="b" cx="9" cy="{y + 42:g}" r="4.5"/>')
        parts.append(f'<text class="q" x="22" y="{y + 46:g}">some judged wrong</text>')
    return parts


def _sizes(y: float, sizes: tuple[int, int, int], few: int) -> list[str]:
    """Four sizes with the n at which they begin; a dashed ring for few images."""
    parts = [
        f'<text class="k" x="1" y="{y - 26}">Size</text>',
        f'<text class="q" x="36" y="{y - 26}">images in the cell</text>',
    ]
    for size, begins in enumerate((1, *sizes)):
        x, radius = 26 + size * (WIDTH - 52) / 3, glyph.RADII[size] * 0.38
        parts.append(f'<circle class="o" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>')
        parts.append(f'<text class="q c" x="{x:g}" y="{y + 34:g}">{begins:,}+</text>')
    parts.append(f'<circle class="d" cx="14" cy="{y + 64:g}" r="9"/>')
    parts.append(f'<text class="q" x="36" y="{y + 68:g}">fewer than {few}: read with care</text>')
    return parts
