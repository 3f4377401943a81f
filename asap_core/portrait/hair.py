"""Hair, painted: the mass behind the head, the cap over it, fringes and buns."""

import math

import numpy as np

from . import strands
from .canvas import Field, blurred, clouds, step
from .cuts import Growth
from .person import OPEN_EARS
from .scene import Scene
from .skin import ear_at
from .strands import Flow


def behind(scene: Scene, hair: Growth) -> None:
    """Paint what is behind head and neck: long hair, curls, a bun."""
    style, tuft, (x, y) = hair.style, hair.strands, scene.xy
    if scene.who.hair == "bun":
        _bun(scene, tuft)
    if not (style.long or style.flow == "curls"):
        return
    flow = hair.flow
    if style.long:
        flow = Flow((0.9 * x + 0.03 * np.sin(5 * y)).astype(np.float32), flow.along, flow.depth)
    end = style.end + (0.12 if style.long else 0.6)
    distance = np.maximum(hair.outer, y - end + 0.3 * x * x)
    window, alpha = strands.ragged(scene, distance, flow.across, tuft, 0.03)
    inside = 1 - 0.72 * step(-0.02, -0.3, hair.outer) * step(-0.6, 0.3, y)
    strands.paint(scene, window, alpha, flow, tuft, inside)


def _bun(scene: Scene, tuft: Field) -> None:
    rng = np.random.default_rng([scene.seed, scene.index, 23])
    x, y = scene.xy
    radius = float(rng.uniform(0.3, 0.4))
    dx, dy = x - float(rng.uniform(-0.22, 0.22)) + 0.4 * math.sin(scene.shape.turn), y + 1.4
    r = np.sqrt(dx * dx + dy * dy) / radius
    depth = radius * np.sqrt(np.clip(1.03 - r * r, 0, 1)) + 0.03 * np.sin(9 * r + 2 * np.arctan2(dy, dx))
    flow = Flow((0.3 * r + 0.04 * np.arctan2(dy, dx)).astype(np.float32), (dx + 0.6 * dy), depth.astype(np.float32))
    window, alpha = strands.ragged(scene, (r - 1) * radius, flow.across, tuft, 0.02)
    strands.paint(scene, window, alpha, flow, tuft, 0.9)


def front(scene: Scene, hair: Growth) -> None:
    """Paint the cap over the head, and a fringe, with their shadow on the face."""
    style, flow, (_, y) = hair.style, hair.flow, scene.xy
    ends = (y - style.end) * np.float32(1.0)
    if style.long:
        ends = ends - 0.12 * np.sin(flow.across * 9)
    if style.flow == "curls":
        opening = hair.face + 0.045 * clouds(np.random.default_rng([scene.seed, scene.index, 24]), 16, y.shape[0], 2)
    else:
        opening = hair.face
    distance = np.maximum(np.maximum(hair.outer, opening), ends).astype(np.float32)
    if scene.who.hair in OPEN_EARS:
        distance = np.maximum(distance, _around_ears(scene))
    _shadow(scene, step(0.04, -0.04, distance), 0.45)
    soft = {"cropped": 0.02, "receding": 0.022, "bun": 0.01}.get(scene.who.hair, 0.02)
    window, alpha = strands.ragged(scene, distance, flow.across, hair.strands, soft)
    roots = 1 - 0.42 * step(-0.16, 0.0, opening) * (1.0 if style.flow == "draped" else 0.5)
    strands.paint(scene, window, alpha, flow, hair.strands, roots)
    if style.fringe:
        _fringe(scene, hair)


def _around_ears(scene: Scene) -> Field:
    """Signed distance from where hair makes room for the ears, positive there."""
    x, y = scene.xy
    near = [np.hypot((x * side - ear_at(scene, side) - 0.06) / 0.75, (y - 0.24) / 1.25) for side in (-1, 1)]
    return (0.29 - np.minimum(*near)).astype(np.float32)


def _shadow(scene: Scene, cover: Field, strength: float) -> None:
    """Darken what lies under `cover` (soft grid), moved away from the light."""
    lx, ly, _ = scene.shape.light
    shift = [round(-0.1 * part / scene.soft_pixel) for part in (ly, lx)]
    moved = blurred(np.roll(cover, shift, (0, 1)), 2.6)
    dark = strength * np.clip(moved, 0, 1)
    tint = np.array([0.8, 1.0, 1.05], np.float32).reshape(3, 1, 1)
    window = scene.canvas.around(dark > 0.01)
    figure = scene.canvas.parts[window] != 0
    scene.canvas.shade(1 - scene.canvas.fine(dark, window) * figure * tint, window)


def _fringe(scene: Scene, hair: Growth) -> None:
    """Strands that fall from the crown over the forehead."""
    x, y = scene.xy
    turned = np.float32(0.55 * math.sin(scene.shape.turn))
    dx = x - turned
    angle = np.arctan2(dx, y + 1.75)
    lower = hair.style.fringe + 0.14 * dx * dx + 0.05 * np.sin(angle * 21 + scene.index)
    distance = np.maximum(np.maximum(y - lower, hair.outer), np.abs(dx) - 0.83).astype(np.float32)
    distance = np.maximum(distance, -1.12 - y)
    depth = 0.75 * np.sqrt(np.clip(1.05 - (dx / 0.98) ** 2 - ((y + 0.35) / 1.05) ** 2, 0.004, 1)) + 0.02 * np.sin(
        angle * 30
    )
    flow = Flow((1.2 * angle).astype(np.float32), y, depth.astype(np.float32))
    _shadow(scene, step(0.03, -0.03, distance), 0.4)
    window, alpha = strands.ragged(scene, distance, flow.across, hair.strands, 0.04)
    alpha = np.clip(alpha * scene.canvas.fine(step(-1.1, -0.72, y), window), 0, 1)
    strands.paint(scene, window, alpha, flow, hair.strands, 1.0)
