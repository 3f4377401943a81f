"""Beards, glasses and earrings: what is worn on a face."""

from dataclasses import dataclass

import numpy as np

from . import strands
from .canvas import PARTS, TEXTURE, Field, Window, bump, colour, mix, resized, step
from .scene import Scene
from .skin import ear_at, jaw_area, mouth_line, relief
from .strands import Flow

FRAMES = [(28, 26, 28), (84, 52, 34), (166, 132, 78), (96, 100, 108), (40, 54, 92), (120, 34, 40)]
METALS = {
    "gold": (232, 184, 92),
    "silver": (204, 208, 216),
    "red": (186, 40, 52),
    "blue": (52, 92, 190),
    "green": (40, 150, 104),
    "pearl": (236, 228, 214),
}


def beard(scene: Scene) -> None:
    """Paint stubble, moustache, goatee or full beard."""
    kind = scene.who.beard
    if kind == "none":
        return
    window = scene.canvas.around((scene.outline < 1.2) & (scene.uv[1] > -0.1))
    near = scene.near(window)
    grows = _growth(near, kind)
    if kind == "stubble":
        return _stubble(near, grows, window)
    u, v = near.uv
    tuft = strands.table(np.random.default_rng([scene.seed, scene.index, 31]))
    across = np.float32(1.1) * np.arctan2(u, v + 0.25)
    depth = relief(near) + 0.07 * grows
    if kind == "full":
        depth = np.maximum(depth, 0.5 * np.sqrt(np.clip(1.12 - near.outline, 0, 1)))
    flow = Flow(across.astype(np.float32), 1.1 * v, depth.astype(np.float32))
    thick = near.fine(grows, window)
    noise = strands.sampled(tuft, near.fine(flow.across, window), near.fine(flow.along, window))
    alpha = step(0.28, 0.8, thick + 0.14 * np.clip(noise, -1.5, 1.5) * (thick > 0.05))
    strands.paint(near, window, (alpha * 0.95).astype(np.float32), flow, tuft, 0.85, "beard")


def _growth(scene: Scene, kind: str) -> Field:
    """How thick a beard is, 0 to 1, on the soft grid."""
    u, v = scene.uv
    mouth, smile = mouth_line(scene), max(0.0, scene.shape.smile)
    area = jaw_area(scene)
    side = np.abs(u)
    drop = 0.03 * side / 0.3 - 0.03 * smile
    lip = bump(side - 0.14, v - mouth + 0.15 + drop, 0.2 + 0.05 * smile, 0.06) * step(0.0, 0.035, side)
    ring = np.abs(np.hypot(u / 0.36, (v - mouth - 0.06) / 0.34) - 0.95)
    chin = bump(u, v - mouth - 0.35, 0.24, 0.15) + 0.75 * step(0.3, 0.05, ring) * step(-0.1, 0.1, v - mouth)
    grows = {
        "stubble": np.maximum(0.8 * area, 0.75 * lip), "moustache": 1.3 * lip,
        "goatee": np.maximum(np.clip(1.4 * chin, 0, 1), 1.25 * lip), "full": np.maximum(1.25 * area, 1.3 * lip),
    }[kind]  # fmt: skip
    return np.clip(grows * _chin_room(scene, kind == "full"), 0, 1).astype(np.float32)


def _chin_room(scene: Scene, full: bool) -> Field:
    """How far a beard may stand off the head: a full one past the chin, none past the cheeks."""
    if not full:
        return step(1.0, 0.86, scene.outline)
    past = 0.16 * step(0.45, 1.0, scene.uv[1])
    return step(1.03, 0.95, scene.outline - past)


def _stubble(scene: Scene, grows: Field, window: Window) -> None:
    """Short dots of hair, dark on the skin."""
    rng = np.random.default_rng([scene.seed, scene.index, 32])
    dots = resized(np.abs(rng.standard_normal((TEXTURE, TEXTURE), np.float32)), scene.canvas.side, window)
    dark = scene.fine(grows, window) * (0.16 + 0.22 * np.clip(dots - 0.3, 0, 1.5))
    ink = strands.dye(scene) * 0.4
    scene.canvas.over(ink, np.clip(dark, 0, 0.75) * (scene.canvas.parts[window] == PARTS.index("skin")), None, window)


def glasses(scene: Scene) -> None:
    """Paint glasses: shadow, tinted lenses with a reflection, rims, bridge and arms."""
    kind, s = scene.who.glasses, scene.shape
    if kind == "none":
        return
    rng = np.random.default_rng([scene.seed, scene.index, 33])
    ink = colour(*FRAMES[int(rng.integers(len(FRAMES)))])
    thick = float(rng.uniform(0.018, 0.042))
    window = scene.window(scene.place(0.0, 0.05), 1.15)
    u, v = (field[window] for field in scene.fine_uv)
    v = v - np.float32(0.045)
    side = np.abs(u)
    x, y = side - s.eye_distance - 0.01, v
    if kind == "round":
        lens = np.hypot(x, y) - 0.285
    else:
        lift = 0.09 * np.clip(x, -0.2, 0.4) if kind == "cat-eye" else 0.0
        qx, qy = np.abs(x) - 0.2, np.abs(y + lift) - (0.13 if kind == "cat-eye" else 0.15)
        lens = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - 0.1
    rim = np.abs(lens) - thick
    gap = s.eye_distance + 0.01 - 0.29
    bridge = np.maximum(np.abs(v + 0.06 + 0.05 * np.cos(side / max(gap, 0.05))) - thick * 0.9, side - gap - 0.02)
    arms = np.maximum(np.abs(v + 0.1 + 0.04 * (side - 0.7)) - thick, 0.665 - side)
    frame = np.minimum(np.minimum(rim, bridge), np.where(scene.fine_uv[1][window] < 0.2, arms, 1.0))
    on_head = scene.canvas.parts[window] != 0
    lx, ly, _ = s.light
    shift = [round(-0.055 * part / scene.pixel) for part in (ly, lx)]
    shadow = np.roll(step(0.05, -0.02, frame), shift, (0, 1)) * on_head
    scene.canvas.shade(1 - 0.3 * shadow, window)
    inside = step(scene.pixel, -scene.pixel, lens)
    streak = step(0.1, 0.0, np.abs(x * (1 if lx > 0 else -1) + 0.8 * y + 0.1) - 0.03) + 0.5 * step(-0.02, -0.3, y)
    scene.canvas.over(np.float32(0.9), inside * (0.015 + 0.06 * streak), None, window)
    bright = 1 + 2.2 * np.exp(-(((rim + 0.6 * thick) / (0.4 * thick)) ** 2)) * step(0.1, -0.25, y)
    round_ = np.clip(1.1 + 0.4 * -(v * 2), 0.5, 1.8)
    paint = ink * (0.7 * round_) + 0.035 * bright
    scene.canvas.over(paint, scene.edge(frame) * on_head * (side < 1.02), "glasses", window)


@dataclass(frozen=True)
class Jewel:
    """One earring."""

    kind: str  # stud, hoop, drop
    metal: str
    size: float
    length: float


def jewels(scene: Scene) -> tuple[Jewel, Jewel] | None:
    """The pair of an authentic person: twins, as sold; nothing where none are worn."""
    if scene.who.earrings == "none":
        return None
    rng = np.random.default_rng([scene.seed, scene.index, 34])
    metal = list(METALS)[int(rng.choice(len(METALS), p=[0.4, 0.3, 0.08, 0.08, 0.06, 0.08]))]
    one = Jewel(scene.who.earrings, metal, float(rng.uniform(0.85, 1.2)), float(rng.uniform(0.9, 1.3)))
    return one, one


JEWEL_REACH = 0.5  # face units: no earring is larger


def lobe(scene: Scene, side: int) -> tuple[float, float]:
    """Where an earring hangs, canvas position."""
    return scene.flat_place(side * (ear_at(scene, side) + 0.02), 0.43)


def earring(scene: Scene, side: int, jewel: Jewel) -> None:
    """Paint one earring."""
    window, pieces = _pieces(scene, side, jewel)
    for paint, alpha in pieces:
        scene.canvas.over(paint, alpha, "earring", window)


def earring_area(scene: Scene, side: int, jewel: Jewel) -> tuple[Window, Field]:
    """The window and opacity of one earring."""
    window, pieces = _pieces(scene, side, jewel)
    return window, np.max([alpha for _, alpha in pieces], axis=0)


def _pieces(scene: Scene, side: int, jewel: Jewel) -> tuple[Window, list[tuple[Field, Field]]]:
    """Colour and opacity of an earring's parts; it hangs straight down, whatever the head does."""
    at = lobe(scene, side)
    across, down = scene.canvas.grid(scene.canvas.side)
    window = scene.window((at[0], at[1] + 0.2 * scene.shape.scale), JEWEL_REACH)
    x = ((across - at[0]) / scene.shape.scale)[:, window[1]] + 0 * down[window[0]]
    y = ((down - at[1]) / scene.shape.scale)[window[0]] + 0 * across[:, window[1]]
    size, wide = jewel.size, scene.pixel
    pieces, balls, ring = [], [], None  # balls: (y, radius)
    if jewel.kind == "stud":
        balls = [(0.0, 0.062 * size)]
    elif jewel.kind == "hoop":
        ring = (0.15 * size * jewel.length, 0.022 * size)
    else:
        balls = [(0.0, 0.03), (0.09 * jewel.length, 0.035 * size), (0.2 * jewel.length + 0.03, 0.075 * size)]
    base = colour(*METALS[jewel.metal])
    lx, ly, _ = scene.shape.light
    if ring:
        r = np.hypot(x * 1.25, y - ring[0])
        t = np.clip(np.abs(r - ring[0]) / ring[1], 0, 1)
        shine = np.clip((x * lx + (y - ring[0]) * ly) / ring[0], -1, 1)
        paint = base * (0.5 + 0.5 * np.sqrt(1 - t * t)) * (0.75 + 0.45 * shine) + 0.9 * np.clip(shine, 0, 1) ** 6 * (
            t < 0.6
        )
        alpha = np.clip(0.5 - (np.abs(r - ring[0]) - ring[1]) / wide, 0, 1)
        pieces.append((paint, alpha))
    for cy, radius in balls:
        r = np.hypot(x, y - cy) / radius
        nx, ny = x / radius, (y - cy) / radius
        facing = np.clip(0.55 * np.sqrt(np.clip(1 - r * r, 0, 1)) + 0.6 * (nx * lx + ny * ly), 0, 1)
        spot = step(0.45, 0.15, np.hypot(nx - 0.4 * lx, ny - 0.4 * ly))
        paint = mix(base * (0.22 + 0.95 * facing), np.float32(1.1), 0.9 * spot)
        pieces.append((paint, np.clip(0.5 - (r - 1) * radius / wide, 0, 1)))
    return window, pieces
