"""Shoulders and what is worn on them."""

import numpy as np

from . import light
from .canvas import Field, blurred, clouds, colour, step
from .person import CLOTH_COLOURS
from .scene import Scene


def _shoulders(scene: Scene) -> tuple[Field, Field, Field]:
    """Body coordinates x, y and the signed distance from the shoulders' outline; (SOFT, SOFT)."""
    man = scene.who.sex == "man"
    rng = scene.stream("clothing")
    across, down = scene.canvas.grid(scene.xy[0].shape[0])
    s = scene.shape
    middle = s.centre[0] - 0.9 * s.scale * np.sin(s.tilt) + 0.1 * s.scale * np.sin(s.turn)
    x = (across - middle) / s.scale + 0 * down
    y = (down - s.centre[1]) / s.scale + 0 * across
    wide = (1.75 if man else 1.5) * float(rng.uniform(0.94, 1.08))
    slope = float(rng.uniform(0.2, 0.34))
    side = np.abs(x)
    top = 1.4 + slope * np.maximum(side - 0.45, 0) + 0.16 * np.clip(0.75 - side, 0, 1) ** 2 * 0
    top = top + 1.5 * np.maximum(side - wide + 0.25, 0) ** 2
    return x.astype(np.float32), y.astype(np.float32), (top - y).astype(np.float32)


def _relief(scene: Scene, x: Field, y: Field, inside: Field) -> Field:
    """Depth of the cloth: a rounded body and folds."""
    rng = scene.stream("clothing")
    body = 0.9 * np.sqrt(np.clip(1 - (x / 2.1) ** 2, 0.02, 1)) * np.sqrt(np.clip(1 - np.exp(-3.2 * inside), 0.001, 1))
    folds = clouds(rng, 5, x.shape[0], 2)
    pulled = np.sin(5 * x * np.sign(x) + 3.5 * y + 3 * folds)
    soft = {"shirt": 1.0, "T-shirt": 0.9, "top": 0.7, "jumper": 0.8, "jacket": 0.55}[scene.who.clothing]
    return (body + soft * (0.035 * pulled * step(0.05, 0.5, inside) + 0.05 * folds)).astype(np.float32)


def _cloth(scene: Scene, x: Field, y: Field) -> Field:
    """The fabric's colour on the fine grid, (3, side, side): plain, striped, checked or knitted."""
    rng = scene.stream("clothing")
    who = scene.who
    base = colour(*np.clip(np.array(CLOTH_COLOURS[who.clothing_colour]) * rng.uniform(0.9, 1.08), 0, 255))
    second = colour(*list(CLOTH_COLOURS.values())[int(rng.integers(len(CLOTH_COLOURS)))])
    kind, fine = rng.random(), scene.canvas.fine
    if who.clothing == "jumper":
        row = np.sin(fine(y) * 95) * np.sin(fine(x) * 62 + 1.6 * np.sign(np.sin(fine(y) * 47)))
        return base * (1 + 0.13 * row)
    if who.clothing in ("T-shirt", "top") and kind < 0.28:
        bent = fine((y - 0.12 * np.cos(1.6 * x)).astype(np.float32))
        return base + (second - base) * step(-0.1, 0.1, np.sin(bent * 30) - 0.25)
    if who.clothing == "shirt" and kind < 0.35:
        lines = np.sin(fine(x) * 34) * 0.5 + np.sin(fine(y) * 34) * 0.5
        return base * (1 - 0.28 * step(0.1, 0.5, lines))
    return base * (1 + 0.02 * rng.standard_normal((1, 1, 1)).astype(np.float32))


def body(scene: Scene) -> None:
    """Paint shoulders and clothing over the neck; the neckline leaves the throat free."""
    who = scene.who
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
    fine = scene.canvas.fine
    distance = np.maximum(outside, -neckline)
    cloth = _cloth(scene, x, y)
    scene.canvas.over(cloth * fine(lit.astype(np.float32)), scene.edge(fine(distance)), "clothing")
    if who.clothing in ("T-shirt", "jumper"):
        band = 0.05 if who.clothing == "T-shirt" else 0.1
        rim = np.abs(neckline - band / 2) - band / 2
        alpha = scene.edge(fine(np.maximum(rim, outside - 0.06).astype(np.float32)))
        ribs = 1 + 0.1 * np.sin(fine(np.arctan2(x, 1.2 - y + 1).astype(np.float32)) * 160)
        round_ = 0.75 + 0.35 * np.sqrt(np.clip(1 - (2 * neckline / band - 1) ** 2, 0, 1))
        scene.canvas.over(cloth * fine((lit * round_ * 1.08).astype(np.float32)) * ribs, alpha, "clothing")
    if who.clothing in ("shirt", "jacket"):
        _collar(scene, x, y, cloth, lit)


def _neckline(scene: Scene, x: Field, y: Field) -> Field:
    """Signed distance from the opening at the throat, positive on the cloth."""
    kind = scene.who.clothing
    if kind == "jumper" and scene.stream("clothing").random() < 0.35:
        return (y - 1.2 + 0.1 * np.cos(1.5 * x)).astype(np.float32)  # a high neck
    wide, low = {"T-shirt": (0.62, 0.34), "jumper": (0.58, 0.27), "top": (0.82, 0.5), "shirt": (0.36, 0.62), "jacket": (0.36, 0.62)}[kind]
    if kind in ("shirt", "jacket"):
        return ((np.abs(x) / wide + (y - 1.28) / low - 1) * 0.3).astype(np.float32)
    return ((np.hypot(x / wide, (y - 1.35) / low) - 1) * 0.45).astype(np.float32)


def _collar(scene: Scene, x: Field, y: Field, cloth: Field, lit: Field) -> None:
    """Two flaps of a collar, or a jacket's lapels over a shirt."""
    jacket = scene.who.clothing == "jacket"
    side, fine = np.abs(x), scene.canvas.fine
    if jacket:
        shirt = colour(*[(228, 226, 220), (44, 46, 54), (150, 176, 206)][scene.index % 3])
        inner = np.maximum((side / 0.5 + (y - 1.3) / 1.6 - 1) * 0.4, 1.3 + 0.35 * (0.42 - side) - y)
        free = (1 - side / 0.3 - (y - 1.2) / 0.5) * 0.25
        mask = np.maximum(inner, free).astype(np.float32)
        scene.canvas.over(shirt * fine((lit * 1.02).astype(np.float32)), scene.edge(fine(mask)), "clothing")
    slant = 0.33 if jacket else 0.3
    outer = np.abs(side - 0.36 + slant * (y - 1.35) * 0.55) - (0.17 - 0.02 * y if jacket else 0.15)
    low = y - (1.95 if jacket else 1.72) + 0.9 * np.abs(side - 0.34)
    flap = np.maximum(np.maximum(outer, low), 1.22 + 0.3 * side - y).astype(np.float32)
    shade = blurred(step(0.05, -0.02, flap), 2.0) * (flap > 0)
    scene.canvas.shade(1 - 0.4 * fine(shade.astype(np.float32)) * (scene.canvas.parts == 11))
    form = (lit * (1.12 - 0.5 * np.clip(flap + 0.12, 0, 0.2))).astype(np.float32)
    scene.canvas.over(cloth * fine(form), scene.edge(fine(flap)), "clothing")
