"""Glyphs as SVG: a donut for the shares, a hatched wedge for the errors, a hole for the severity.

A cell is UNIT wide and a glyph stands in its middle. Angles begin at 12 o'clock and go clockwise: real
first, then fake. False alarms begin at 12 o'clock on the real arc, misses end there on the fake arc, so
that all errors meet at the top and read as one wedge.
"""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from .palette import Palette

UNIT = 100.0
RADII = (22.0, 30.0, 38.0, 46.0)  # of a glyph, by class of n: the area grows about four times in all
HOLE = 0.5  # radius of the hole, as a share of the glyph's
FRAME = 0.78  # the same where a picture stands in the hole, the band of severity around it included
BAND = 0.7  # the picture's radius, as a share of the glyph's
FRAMES = (34.0, 38.0, 42.0, 46.0)  # RADII of frames: pictures need room
DETAILS = ("donuts", "squares", "frames")  # squares are what remains legible below 24 pixels a cell


@dataclass(frozen=True)
class Marks:
    """What a sheet of glyphs draws, one entry a cell."""

    codes: NDArray  # (m,) row * side + column
    n: NDArray  # (m,)
    n_fake: NDArray  # (m,) fakes in truth, or called fake where the truth is unknown
    false_alarms: NDArray  # (m,) among the real; zeros where the truth is unknown
    misses: NDArray  # (m,) among the fake
    level: NDArray  # (m,) 0 to 3: of the median severity
    few: int  # with fewer images a glyph is pale and dashed


def edges(largest: int) -> tuple[int, int, int]:
    """The n at which the second, third and fourth size begin: 1, 2 or 5 times a power of ten."""
    marks: list[int] = []
    for share in (1 / 27, 1 / 9, 1 / 3):
        floor = marks[-1] + 1 if marks else 2
        marks.append(max(floor, _round_number(largest * share)))
    return marks[0], marks[1], marks[2]


def _round_number(value: float) -> int:
    candidates = [mantissa * 10**power for power in range(9) for mantissa in (1, 2, 5)]
    return min(candidates, key=lambda number: abs(np.log(number / max(value, 1e-9))))


def sector(x: float, y: float, inner: float, outer: float, start: float, stop: float) -> str:
    """The path of a ring's piece between two shares of the turn (0 to 1); a whole turn is two circles."""
    if stop - start >= 1:
        return f"{_ring(x, y, outer)}{_ring(x, y, inner)}"
    (ax, ay), (bx, by) = _turn(start), _turn(stop)
    long = int(stop - start > 0.5)
    return (
        f"M{x + outer * ax:.1f} {y + outer * ay:.1f}"
        f"A{outer:g} {outer:g} 0 {long} 1 {x + outer * bx:.1f} {y + outer * by:.1f}"
        f"L{x + inner * bx:.1f} {y + inner * by:.1f}"
        f"A{inner:g} {inner:g} 0 {long} 0 {x + inner * ax:.1f} {y + inner * ay:.1f}Z"
    )


def _ring(x: float, y: float, radius: float) -> str:
    half = f"A{radius:g} {radius:g} 0 1 1 {x:g}"
    return f"M{x:g} {y - radius:g}{half} {y + radius:g}{half} {y - radius:g}Z"


def _turn(share: float) -> tuple[float, float]:
    angle = 2 * pi * share
    return sin(angle), -cos(angle)


def donut(x: float, y: float, radius: float, counts: tuple[int, int, int, int], level: int, few: bool) -> str:
    """One glyph; counts are n, n_fake, false_alarms, misses."""
    inner = HOLE * radius
    parts = [f'<circle class="h{level}" cx="{x:g}" cy="{y:g}" r="{inner:g}"/>', *ring(x, y, inner, radius, counts)]
    return _pale("".join(parts), x, y, radius) if few else "".join(parts)


def frame(x: float, y: float, radius: float, counts: tuple[int, int, int, int], level: int, few: bool) -> str:
    """A glyph around a picture, which is laid over it: the hole's shade is left as a band."""
    hole = f'<circle class="h{level}" cx="{x:g}" cy="{y:g}" r="{FRAME * radius:g}"/>'
    parts = [hole, *ring(x, y, FRAME * radius, radius, counts)]
    return _pale("".join(parts), x, y, radius) if few else "".join(parts)


def ring(x: float, y: float, inner: float, radius: float, counts: tuple[int, int, int, int]) -> list[str]:
    """The arcs of a glyph: shares of real and fake, and the errors on them."""
    n, n_fake, false_alarms, misses = counts
    real = 1 - n_fake / n
    pieces = (("r", 0, real), ("f", real, 1), ("e", 0, false_alarms / n), ("m", 1 - misses / n, 1))
    return [
        f'<path class="{name}" d="{sector(x, y, inner, radius, start, stop)}"/>'
        for name, start, stop in pieces
        if stop > start
    ]


def _pale(drawn: str, x: float, y: float, radius: float) -> str:
    """Of few images: pale, in a dashed circle."""
    return f'<g class="p">{drawn}</g><circle class="d" cx="{x:g}" cy="{y:g}" r="{radius + 4:g}"/>'


def square(x: float, y: float, radius: float, counts: tuple[int, int, int, int], few: bool) -> str:
    """One cell too small for a donut: round if most are real, square if most are fake, a dot for errors."""
    n, n_fake, false_alarms, misses = counts
    fake = 2 * n_fake > n
    pale = " p" if few else ""
    size = 0.92 * radius
    corner = 0 if fake else size
    mark = (
        f'<rect class="{"f" if fake else "r"}{pale}" x="{x - size:g}" y="{y - size:g}" '
        f'width="{2 * size:g}" height="{2 * size:g}" rx="{corner:g}"/>'
    )
    if not false_alarms + misses:
        return mark
    return mark + f'<circle class="b" cx="{x:g}" cy="{y:g}" r="{max(size * 0.45, 11):g}"/>'


def sheet(marks: Marks, side: int, palette: Palette, detail: str) -> str:
    """All glyphs of a plane as one SVG, side x UNIT wide and high; a cell without images has nothing."""
    sizes = np.searchsorted(edges(int(marks.n.max(initial=0))), marks.n, side="right")  # (m,) 0 to 3
    drawn = []
    columns = (marks.codes, sizes, marks.n, marks.n_fake, marks.false_alarms, marks.misses, marks.level)
    for code, size, n, *errors, level in zip(*(column.tolist() for column in columns), strict=True):
        row, column = divmod(code, side)
        x, y = (column + 0.5) * UNIT, (row + 0.5) * UNIT
        counts = (n, *errors)
        if detail == "donuts":
            drawn.append(donut(x, y, RADII[size], counts, level, n < marks.few))
        elif detail == "frames":
            drawn.append(frame(x, y, FRAMES[size], counts, level, n < marks.few))
        else:
            drawn.append(square(x, y, RADII[size], counts, n < marks.few))
    width = round(side * UNIT)
    return svg(width, width, style(palette) + "".join(drawn))


def svg(width: int, height: int, content: str) -> str:
    """An SVG file of a size in pixels."""
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{content}</svg>'


def style(palette: Palette) -> str:
    """The classes of glyphs: r real, f fake, e and m errors on them, h0 to h3 holes, p pale, d dashed."""
    holes = "".join(f".h{level}{{fill:{colour}}}" for level, colour in enumerate(palette.severity))
    return (
        f"<defs>{_dots('dots', palette.fake)}"
        f"{_hatch('alarm', palette.real, palette.hatch)}{_hatch('miss', palette.fake, palette.hatch)}</defs>"
        f"<style>.r{{fill:{palette.real}}}.f{{fill:url(#dots)}}.r,.f,.e,.m{{fill-rule:evenodd}}.r,.f{{stroke:{palette.paper};stroke-width:1.5}}"
        f".e{{fill:url(#alarm)}}.m{{fill:url(#miss)}}.e,.m{{stroke:{palette.ink};stroke-width:1.6}}"
        f"{holes}.p{{opacity:.55}}"
        f".d{{fill:none;stroke:{palette.quiet};stroke-width:2;stroke-dasharray:6 5}}"
        f".b{{fill:{palette.ink};stroke:{palette.paper};stroke-width:5}}</style>"
    )


def _dots(name: str, colour: str) -> str:
    """A class's second cue: its colour with fine light dots."""
    dot = '<circle cx="3.5" cy="3.5" r="1.1" fill="#fff" fill-opacity=".55"/>'
    return _pattern(name, 7, colour, dot)


def _hatch(name: str, colour: str, stripe: str) -> str:
    """An error: dark stripes on the colour of the class that is misread."""
    return _pattern(name, 5, colour, f'<rect width="2.6" height="5" fill="{stripe}"/>')


def _pattern(name: str, size: int, colour: str, over: str) -> str:
    return (
        f'<pattern id="{name}" width="{size}" height="{size}" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)">'
        f'<rect width="{size}" height="{size}" fill="{colour}"/>{over}</pattern>'
    )
