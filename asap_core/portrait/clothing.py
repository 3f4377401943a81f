"""Shoulders and what is worn on them."""

import math

import numpy as np

from . import light
from .canvas import SOFT, Field, Window, blurred, clouds, colour, step
from .person import CLOTH_COLOURS
from .scene import Scene
from .skin import neck_half


def _shoulders(scene: Scene) -> tuple[Field, Field, Field]:
    """Body coordinates x, y and the signed distance from the shoulders' outline, on the scene's patch."""
    man = scene.who.sex == "man"
    rng = scene.stream("clothing")
    across, down = scene.canvas.grid(SOFT)
    across, down = across[:, scene.patch[1]], down[scene.patch[0]]
    s = scene.shape
    middle = s.centre[0] - 0.9 * s.scale * math.sin(s.tilt) + 0.1 * s.scale * math.sin(s.turn)
    x = (across - middle) / s.scale + 0 * down
    y = (down - s.centre[1]) / s.scale + 0 * across
    wide = (1.75 if man else 1.5) * float(rng.uniform(0.94, 1.08))
    slope = float(rng.uniform(0.2, 0.34))
    side = np.abs(x)
    top = 1.4 + slope * np.maximum(side - 0.45, 0)
    top = top + 1.5 * np.maximum(side - wide + 0.25, 0) ** 2
    return x.astype(np.float32), y.astype(np.float32), (top - y).astype(np.float32)


def _relief(scene: Scene, x: Field, y: Field, inside: Field) -> Field:
    """Depth of the cloth: a rounded body and folds."""
    rng = scene.stream("clothing")
    body = 0.9 * np.sqrt(np.clip(1 - (x / 2.1) ** 2, 0.02, 1)) * np.sqrt(np.clip(1 - np.exp(-3.2 * inside), 0.001, 1))
    folds = clouds(rng, 5, SOFT, 2)[scene.patch]
    pulled = np.sin(5 * np.sqrt(x * x + 0.15) + 3.5 * y + 3 * folds)
    soft = {"shirt": 1.0, "T-shirt": 0.9, "top": 0.7, "jumper": 0.8, "jacket": 0.55}[scene.who.clothing]
    return (body + soft * (0.035 * pulled * step(0.05, 0.5, inside) + 0.05 * folds)).astype(np.float32)


def _cloth(scene: Scene, x: Field, y: Field, window: Window) -> Field:
    """The fabric's colour in a window, (3, h, w) or (3, 1, 1): plain, striped, checked or knitted."""
    rng = scene.stream("clothing")
    who = scene.who
    base = colour(*np.clip(np.array(CLOTH_COLOURS[who.clothing_colour]) * rng.uniform(0.9, 1.08), 0, 255))
    second = colour(*list(CLOTH_COLOURS.values())[int(rng.integers(len(CLOTH_COLOURS)))])
    kind, fine = rng.random(), lambda values: scene.fine(values, window)
    if who.clothing == "jumper":
        return base * (1 + 0.12 * np.sin(fine(x + 0.06 * np.sin(2.2 * y)) * 32))
    if who.clothing in ("T-shirt", "top") and kind < 0.28:
        bent = fine((y - 0.12 * np.cos(1.6 * x)).astype(np.float32))
        return base + (second - base) * step(-0.1, 0.1, np.sin(bent * 30) - 0.25)
    if who.clothing == "shirt" and kind < 0.35:
        lines = np.sin(fine(x) * 34) * 0.5 + np.sin(fine(y) * 34) * 0.5
        return base * (1 - 0.28 * step(0.1, 0.5, lines))
    return base * (1 + 0.02 * rng.standard_normal((1, 1, 1)).astype(np.float32))


def body(scene: Scene) -> None:
    """Paint shoulders and clothing over the neck; the neckline leaves the throat free."""
    who, canvas = scene.who, scene.canvas
    scene = scene.near(canvas.around(_shoulders(scene)[1] > 0.95))  # nothing of it lies higher
    x, y, outside = _shoulders(scene)
    inside = np.maximum(-outside, 0)
    depth = _relief(scene, x, y, inside)
    neckline = _neckline(scene, x, y)
    lit, _ = light.diffuse(scene, depth, light.CLOTH)
    lit *= light.occlusion(depth, 4.0, 2.0)
    lit *= 1 - 0.45 * step(0.34, 0.0, neckline) * step(0.5, 0.1, inside)
    lx, ly, _ = scene.shape.light
    under = np.hypot((x + 0.3 * lx) / 1.0, (y - 0.95 + 0.3 * ly) / 0.95)
    lit *= 0.5 + 0.5 * step(0.55, 1.1, under)
    window = scene.around(outside < 0.05)
    alpha = scene.edge(scene.fine(np.maximum(outside, -neckline), window))
    canvas.over(_cloth(scene, x, y, window) * scene.fine(lit, window), alpha, "clothing", window)
    if who.clothing in ("T-shirt", "jumper"):
        _band(scene, x, y, lit, neckline, outside)
    if who.clothing in ("shirt", "jacket"):
        _collar(scene, x, y, lit)


def _band(scene: Scene, x: Field, y: Field, lit: Field, neckline: Field, outside: Field) -> None:
    """The ribbed edge round the throat; a high neck stands up along it."""
    high, fine = _high_necked(scene), scene.fine
    wide = 0.05 if scene.who.clothing == "T-shirt" else 0.1
    rim = np.maximum(np.abs(neckline - wide / 2) - wide / 2, outside)
    across = neckline / wide
    if high:
        half = neck_half(scene, y) + 0.05
        lean = x - np.float32(0.1 * math.sin(scene.shape.turn))
        top = y - 1.16 - 0.07 * np.cos(1.8 * lean)
        rim = np.maximum(np.maximum(np.abs(lean) - half, -top), top - 0.38)
        across = top / 0.38
    window = scene.around(rim < 0.05)
    fade = fine(step(1.0, 0.75, across), window) if high else 1.0
    ribs = 1 + 0.1 * np.sin(fine(x if high else np.arctan2(x, 2.2 - y), window) * (60 if high else 160))
    form = lit * (0.75 + 0.35 * np.sqrt(np.clip(1 - (2 * across - 1) ** 2, 0, 1))) * 1.05
    if high:
        form = form * (1 - 0.4 * np.clip(x / half, -1, 1) ** 2)
    paint = _cloth(scene, x, y, window) * fine(form, window) * ribs
    scene.canvas.over(paint, scene.edge(fine(rim, window)) * fade, "clothing", window)


def _high_necked(scene: Scene) -> bool:
    return scene.who.clothing == "jumper" and scene.stream("clothing").random() < 0.35


def _neckline(scene: Scene, x: Field, y: Field) -> Field:
    """Signed distance from the opening at the throat, positive on the cloth."""
    kind = scene.who.clothing
    if _high_necked(scene):
        return (y - 1.2 + 0.1 * np.cos(1.5 * x)).astype(np.float32)
    wide, low = {
        "T-shirt": (0.62, 0.34),
        "jumper": (0.58, 0.27),
        "top": (0.82, 0.5),
        "shirt": (0.45, 0.52),
        "jacket": (0.45, 0.52),
    }[kind]
    if kind in ("shirt", "jacket"):
        return ((np.abs(x) / wide + (y - 1.05) / low - 1) * 0.3).astype(np.float32)
    return ((np.hypot(x / wide, (y - 1.35) / low) - 1) * 0.45).astype(np.float32)


def _collar(scene: Scene, x: Field, y: Field, lit: Field) -> None:
    """Two flaps of a collar, or a jacket's lapels over a shirt."""
    jacket = scene.who.clothing == "jacket"
    side = np.abs(x)
    window = scene.around((y > 1.05) & (y < 2.4) & (side < 0.9))
    if jacket:
        shirt = colour(*[(228, 226, 220), (44, 46, 54), (150, 176, 206)][scene.index % 3])
        open_ = np.maximum(_half(side, y, (0.5, 1.2), (0.0, 2.25)), _half(side, y, (0.02, 1.55), (0.46, 1.1)))
        alpha = scene.edge(scene.fine(open_, window))
        scene.canvas.over(shirt * scene.fine(lit, window), alpha, "clothing", window)
        _flaps(scene, x, y, shirt, lit, window, _SHIRT)
    _flaps(scene, x, y, _cloth(scene, x, y, window), lit, window, _LAPEL if jacket else _SHIRT)


# Corners of one flap of a collar, in order round it: half of the body, x outwards, y down.
_SHIRT = ((0.44, 1.08), (0.02, 1.56), (0.3, 1.83), (0.58, 1.24))
_LAPEL = ((0.5, 1.14), (0.04, 2.2), (0.5, 1.86), (0.66, 1.3))


def _half(x: Field, y: Field, start: tuple[float, float], end: tuple[float, float]) -> Field:
    """Signed distance from the line through two points, negative on the left of the way from start to end."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    return ((x - start[0]) * dy - (y - start[1]) * dx) / np.float32(np.hypot(dx, dy))


def _flaps(scene: Scene, x: Field, y: Field, cloth: Field, lit: Field, window: Window, corners) -> None:
    """Paint a collar's two flaps with the shadow they throw."""
    side = np.abs(x)
    ends = [*corners[1:], corners[0]]
    flap = -np.min([_half(side, y, a, b) for a, b in zip(corners, ends, strict=True)], axis=0)
    shade = blurred(step(0.06, -0.02, flap), 1.8) * step(-0.01, 0.01, flap)
    scene.canvas.shade(1 - 0.42 * scene.fine(shade, window), window)
    form = lit * (1.05 + 0.5 * np.clip(0.05 + flap, -0.1, 0.05) + 0.12 * step(-0.03, 0.0, flap))
    scene.canvas.over(cloth * scene.fine(form, window), scene.edge(scene.fine(flap, window)), "clothing", window)
