"""The legend's picture: one enlarged glyph with lines that lead to the words beside it.

The words are buttons on the page (`assets/overview/legend.js`), since each of them is a filter too.
"""

from . import glyph
from .palette import Palette

WIDTH, HEIGHT = 106, 88  # CSS pixels
RADIUS = 36.0
MIDDLE = (WIDTH / 2, HEIGHT / 2)
EXAMPLE = (100, 45, 9, 12)  # n, fake, false alarms, misses
LINES = ((14, -31, 53, -33), (34, 14, 53, 33))  # from the glyph to the right edge, as seen from its middle


def draw(palette: Palette, labelled: bool) -> str:
    """The picture as SVG, WIDTH x HEIGHT; without the truth there are no errors to show."""
    x, y = MIDDLE
    counts = EXAMPLE if labelled else (100, 45, 0, 0)
    lines = [
        f'<path class="l" d="M{x + side * ax:g} {y + ay:g}L{x + side * bx:g} {y + by:g}"/>'
        for ax, ay, bx, by in (LINES if labelled else LINES[1:])
        for side in (1, -1)
    ]
    style = f"<style>.l{{fill:none;stroke:{palette.quiet};stroke-width:1}}</style>"
    return glyph.svg(
        WIDTH, HEIGHT, glyph.style(palette) + style + glyph.donut(x, y, RADIUS, counts, 2, False) + "".join(lines)
    )
