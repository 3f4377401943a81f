"""Nose openings, lips, teeth."""

import math
from dataclasses import dataclass

import numpy as np

from .canvas import Field, colour, mix, part_of, step
from .scene import Scene
from .skin import mouth_line, tone

# Widths of the upper teeth from the middle outwards, in half widths of the mouth.
TEETH = (0.215, 0.165, 0.175, 0.145, 0.135, 0.13)


@dataclass(frozen=True)
class Mouth:
    """The window of the mouth: m runs from corner (-1) to corner (1); the rest are v of the curves of the lips."""

    window: tuple[slice, slice]
    m: Field
    v: Field
    top: Field
    upper: Field
    lower: Field
    bottom: Field
    half: float


def mouth(scene: Scene) -> Mouth:
    """Where the lips are."""
    s = scene.shape
    half = s.mouth_width * (1 + 0.24 * max(0.0, s.smile) - (0.22 if scene.who.expression == "surprised" else 0))
    line = mouth_line(scene)
    window = scene.window(scene.place(0.0, line + 0.03), half * 1.45)
    u, v = (field[window] for field in scene.fine_uv)
    m = u / np.float32(half)
    mm = np.minimum(m * m, 1.0)
    arch = 1 - mm
    line_at = line + 0.01 - 0.125 * s.smile * (mm - 0.35)
    gape = s.gape * arch ** (0.75 if s.smile > 0.4 else 0.55)
    full = 0.062 * s.lips * (1 - 0.2 * max(0.0, s.smile))
    bow = 1 + 0.16 * np.exp(-(((np.abs(m) - 0.2) / 0.16) ** 2)) - 0.22 * np.exp(-((m / 0.1) ** 2))
    upper = line_at - gape * 0.34
    lower = line_at + gape * 0.66
    wave = 0.007 * np.cos(7.5 * m) * arch if s.gape == 0 else 0.0
    return Mouth(
        window,
        m,
        v,
        upper - full * bow * arch**0.72,
        upper + wave,
        lower + wave,
        lower + 1.42 * full * arch**0.62,
        half,
    )


def lips(scene: Scene, fused: float = 0.0) -> None:
    """Paint the mouth; `fused` (0 to 1) melts the teeth into one another."""
    where = mouth(scene)
    if scene.shape.gape > 0:
        inside(scene, where, fused)
    skin = tone(scene.who.tone)
    tint = np.array([0.9, 0.44, 0.46], np.float32).reshape(3, 1, 1)
    pink = skin * tint ** mix(1.0, 0.6, scene.who.tone) * mix(1.0, 1.25, scene.who.tone)
    if scene.who.lipstick:
        rng = scene.stream("mouth")
        stick = [(176, 42, 56), (196, 88, 96), (142, 36, 62), (206, 96, 84), (168, 84, 80)][int(rng.integers(5))]
        pink = mix(pink, colour(*stick), 0.72)
    lx, _, lz = scene.shape.light
    lit = 0.62 + 0.45 * lz + 0.16 * lx * where.m
    edge = 1.6 * scene.pixel
    corner = step(1.03, 0.86, np.abs(where.m))
    for low, high, upper in ((where.top, where.upper, True), (where.lower, where.bottom, False)):
        alpha = step(-edge, edge, where.v - low) * step(edge, -edge, where.v - high) * corner
        window, here = part_of(where.window, alpha > 0)
        alpha, m, low, high = alpha[here], where.m[here], low[here], high[here]
        t = np.clip((where.v[here] - low) / np.maximum(high - low, 1e-3), 0, 1)
        form = mix(0.8, 0.56, t) if upper else 0.72 + 0.5 * np.sin(np.pi * np.clip(t, 0, 0.999)) ** 1.2 * (1 - 0.55 * t)
        furrows = 1 + 0.06 * np.sin(m * 46 + 5 * np.sin(m * 9))
        paint = pink * (form * lit[here] * furrows)
        if not upper:
            at = np.hypot((m - 0.3 * lx) / 0.36, (t - 0.3) / 0.2)
            wet = 0.17 if scene.who.lipstick else 0.09
            paint = paint + wet * step(1.0, 0.1, at) * (0.75 + 0.25 * np.sin(m * 60))
        scene.canvas.over(paint, alpha * (0.93 if scene.who.lipstick else 0.86), "mouth", window)
    _lines(scene, where)


def _lines(scene: Scene, where: Mouth) -> None:
    """The dark line between closed lips, the corners, and the shade under the lower lip."""
    dark = np.zeros_like(where.m)
    if scene.shape.gape == 0:
        dark += 0.62 * np.exp(-(((where.v - where.upper) / 0.011) ** 2)) * step(1.04, 0.92, np.abs(where.m))
    corner = np.hypot((np.abs(where.m) - 1.0) * where.half / 0.035, (where.v - where.upper) / 0.03)
    dark += 0.5 * np.exp(-(corner**2))
    below = where.v - where.bottom
    dark += 0.16 * np.exp(-(((below - 0.03) / 0.035) ** 2)) * step(0.85, 0.2, np.abs(where.m))
    scene.canvas.shade(1 - np.clip(dark, 0, 0.9) * np.array([0.9, 1.0, 1.0], np.float32).reshape(3, 1, 1), where.window)


def mouth_opening(scene: Scene, where: Mouth) -> Field:
    """Opacity of what is seen between open lips."""
    return scene.edge(np.maximum(where.upper - where.v, where.v - where.lower)) * (np.abs(where.m) < 1)


def teeth_area(scene: Scene, where: Mouth) -> Field:
    """Opacity of the teeth between open lips, whether fused or not."""
    return mouth_opening(scene, where) * scene.edge(where.v - _biting_edge(scene, where))


def _biting_edge(scene: Scene, where: Mouth) -> Field:
    """v of the lower end of the upper teeth."""
    long = 0.125 if scene.shape.smile > 0.4 else 0.05
    scallop = 0.008 * np.abs(np.sin(where.m * np.pi / 0.4))
    return where.upper + np.minimum(long, 0.9 * (where.lower - where.upper) + 0.01) - scallop - 0.03 * where.m**2


def inside(scene: Scene, where: Mouth, fused: float) -> None:
    """The dark of the mouth, the tongue, the upper teeth."""
    alpha = mouth_opening(scene, where)
    depth = np.clip((where.v - where.upper) / np.maximum(where.lower - where.upper, 1e-3), 0, 1)
    tongue = np.exp(-(((where.m) / 0.5) ** 2)) * step(0.55, 1.0, depth)
    scene.canvas.over(mix(colour(58, 18, 20), colour(176, 84, 84), tongue), alpha, "mouth", where.window)
    paint = teeth(scene, where, 0.0)
    area = teeth_area(scene, where)
    if fused > 0:
        paint = teeth(scene, where, fused)
    scene.canvas.over(paint, area, "teeth", where.window)


def teeth(scene: Scene, where: Mouth, fused: float) -> Field:
    """The row of upper teeth, (3, h, w): each rounded, gaps between, darker towards the corners."""
    m = where.m + np.float32(0.02 * math.sin(scene.index))
    rng = scene.stream("mouth")
    edges = (np.concatenate([[0.0], np.cumsum(TEETH)]) * 0.98).astype(np.float32)
    if fused > 0:
        # A denoiser forgets how many teeth there are: more of them, of unlike widths, leaning, running together.
        wrong = np.cumsum(np.concatenate([[0.0], rng.uniform(0.06, 0.24, len(TEETH))]))
        edges = mix(edges, wrong, fused).astype(np.float32)
        m = m + np.float32(0.16 * fused) * np.sin((where.v - where.upper) * 40 + 3 * where.m)
    at = np.abs(m)
    which = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(TEETH) - 1)
    low, high = edges[which], edges[which + 1]
    t = np.clip((at - low) / (high - low), 0, 1).astype(np.float32)
    gap = np.exp(-(((np.minimum(t, 1 - t) * (high - low)) / 0.02) ** 2))
    form = 1 - 0.2 * (2 * t - 1) ** 2
    form = form * (1 - (0.62 * gap))
    if fused > 0:
        smear = 0.9 + 0.1 * np.sin(9 * m + 6 * np.sin(5 * m))
        form = mix(form, smear, min(1.0, 0.25 + 0.85 * fused))
    cavity = 1 - 0.72 * np.clip(np.abs(where.m), 0, 1) ** 2.6
    under_lip = mix(0.62, 1.0, step(0.0, 0.05, where.v - where.upper))
    enamel = mix(colour(242, 236, 224), colour(226, 208, 176), 0.7 * scene.who.age)
    lx = scene.shape.light[0]
    return (enamel * (form * cavity * under_lip * (0.9 + 0.1 * lx * where.m))).astype(np.float32)


def nostrils(scene: Scene) -> None:
    """Paint the openings of the nose and the creases of its wings."""
    s = scene.shape
    end = 0.53 * s.nose_length
    window = scene.window(scene.place(0.0, end + 0.05), 0.34)
    u, v = (field[window] for field in scene.fine_uv)
    side = np.abs(u)
    wide = s.nose_width
    hole = np.hypot((side - 0.085 * wide) / (0.052 * wide), (v - end - 0.085 + 0.28 * (side - 0.085)) / 0.024)
    dark = 0.8 * step(1.3, 0.45, hole)
    wing = np.hypot((side - 0.125 * wide) / (0.088 * wide), (v - end - 0.025) / 0.088)
    dark += 0.3 * np.exp(-(((wing - 1) / 0.17) ** 2)) * step(0.1, 0.18, side) * step(-0.12, 0.02, v - end)
    dark += 0.2 * np.exp(-(((v - end - 0.108) / 0.018) ** 2)) * step(0.14, 0.05, side)
    scene.canvas.shade(1 - np.clip(dark, 0, 0.85) * np.array([0.82, 1.0, 1.0], np.float32).reshape(3, 1, 1), window)
    nose_part = (side < 0.2 * wide) & (v > end - 0.45) & (v < end + 0.13)
    scene.canvas.parts[window][nose_part] = 7
