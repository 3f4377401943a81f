"""The legend: one enlarged glyph, labelled, and what its sizes and shades stand for."""

from . import glyph
from .palette import Palette

WIDTH, HEIGHT = 236, 410  # CSS pixels
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
RADIUS = 52.0
MIDDLE = (WIDTH / 2, 104.0)
EXAMPLE = (100, 45, 9, 12)  # n, fake, false alarms, misses


def draw(
    palette: Palette, labelled: bool, sizes: tuple[int, int, int], few: int, levels: tuple[str, ...]
) -> str:
    """The legend as SVG, WIDTH x HEIGHT."""
    x, y = MIDDLE
    counts = EXAMPLE if labelled else (100, 45, 0, 0)
    parts = [glyph.donut(x, y, RADIUS, counts, 2, False), *_names(labelled)]
    parts += _severities(y + 116, levels)
    parts += _sizes(y + 198, sizes, few)
    text = (
        f"<style>text{{font:12px {FONT};fill:{palette.ink}}}.q{{fill:{palette.quiet};font-size:11.5px}}"
        f".k{{font-weight:600}}.l{{fill:none;stroke:{palette.quiet};stroke-width:1}}.c{{text-anchor:middle}}"
        f".z{{text-anchor:end}}.o{{fill:none;stroke:{palette.quiet};stroke-width:1.5}}"
        f".s{{stroke:{palette.quiet};stroke-width:1}}</style>"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"{glyph.style(palette)}{text}{''.join(parts)}</svg>"
    )


def _names(labelled: bool) -> list[str]:
    """Labels around the glyph, each with a line to what it names."""
    x, y = MIDDLE
    right, left = WIDTH - 1, 1
    verb = "" if labelled else "judged "
    parts = [
        f'<text class="k z" x="{right}" y="{y + 62}">{verb}real</text>',
        f'<path class="l" d="M{x + 40} {y + 24}L{x + 66} {y + 50}"/>',
        f'<text class="k" x="{left}" y="{y + 62}">{verb}fake</text>',
        f'<path class="l" d="M{x - 40} {y + 24}L{x - 66} {y + 50}"/>',
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
        x = 29 + level * (WIDTH - 58) / 3
        parts.append(f'<circle class="h{level} s" cx="{x:g}" cy="{y:g}" r="11"/>')
        parts.append(f'<text class="q c" x="{x:g}" y="{y + 27:g}">{name}</text>')
    return parts


def _sizes(y: float, sizes: tuple[int, int, int], few: int) -> list[str]:
    """Four sizes with the n at which they begin; a dashed ring for few images."""
    parts = [
        f'<text class="k" x="1" y="{y - 26}">Size</text>',
        f'<text class="q" x="36" y="{y - 26}">images in the cell</text>',
    ]
    for size, begins in enumerate((1, *sizes)):
        x, radius = 29 + size * (WIDTH - 58) / 3, glyph.RADII[size] * 0.38
        parts.append(f'<circle class="o" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>')
        parts.append(f'<text class="q c" x="{x:g}" y="{y + 34:g}">{begins:,}+</text>')
    parts.append(f'<circle class="d" cx="14" cy="{y + 64:g}" r="9"/>')
    parts.append(f'<text class="q" x="36" y="{y + 68:g}">fewer than {few}: read with care</text>')
    return parts
