"""The colours that SVG files need, where the page's CSS does not reach; `assets/tokens.css` holds the same,
and `assets/overview/overview.css` the shades of severity.

Real is blue and fake vermilion (Okabe and Ito), lighter twins in the dark. A class always has a second cue
as well: its place, its texture, its shape or its name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """One theme's colours, #rrggbb."""

    paper: str
    ink: str
    hatch: str  # the stripes of an error, dark in both themes
    quiet: str  # text and lines of second rank
    real: str
    fake: str
    severity: tuple[str, str, str, str]  # none, minor, moderate, severe: further and further from the paper


PALETTES = {
    "light": Palette(
        paper="#ffffff",
        ink="#16191f",
        hatch="#16191f",
        quiet="#5c6470",
        real="#0072b2",
        fake="#d55e00",
        severity=("#f3f0f7", "#cfc3e0", "#9377b8", "#4c2a7c"),
    ),
    "dark": Palette(
        paper="#171a20",
        ink="#eceef2",
        hatch="#0b0d11",
        quiet="#a2aab6",
        real="#56b4e9",
        fake="#ff8f4d",
        severity=("#25222e", "#4d4166", "#8d74b8", "#d9c9f5"),
    ),
}
