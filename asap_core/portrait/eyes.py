"""Eyes, lids, lashes and brows."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .canvas import Field, Window, clouds, colour, mix, part_of, step
from .person import EYE_COLOURS, HAIR_COLOURS
from .scene import Scene
from .skin import tone


@dataclass(frozen=True)
class Look:
    """What one eye looks like. Lengths are in half widths of the eye; x runs to the right in the picture."""

    iris: tuple[float, float, float]  # sRGB
    gaze: tuple[float, float]
    glint: tuple[float, float]
    glint_size: float
    wobble: float  # how far the pupil is from round


def looks(scene: Scene) -> tuple[Look, Look]:
    """Both eyes (left and right in the picture) of an authentic person: they agree."""
    rng = scene.stream("eyes")
    red, green, blue = np.array(EYE_COLOURS[scene.who.eyes]) * rng.uniform(0.85, 1.15)
    x, y, _ = scene.shape.light
    glint = (float(0.3 * x), float(0.27 * y - 0.04))
    look = Look((float(red), float(green), float(blue)), scene.shape.gaze, glint, float(rng.uniform(0.1, 0.125)), 0.0)
    return look, look


@dataclass(frozen=True)
class Lids:
    """An eye's window: local coordinates, and the curves of its lids."""

    window: tuple[slice, slice]
    x: Field  # outward, -1 inner corner, 1 outer corner
    y: Field
    upper: Field
    lower: Field
    unit: float  # face units in a half width of the eye

    def part(self, wanted: NDArray[np.bool_]) -> tuple["Lids", Window]:
        """These lids in the part of their window that holds everything wanted, and which part that is."""
        window, here = part_of(self.window, wanted)
        curves = {name: getattr(self, name)[here] for name in ("x", "y", "upper", "lower")}
        return replace(self, window=window, **curves), here


def lids(scene: Scene, side: int) -> Lids:
    """The lids of the left (-1) or right (1) eye."""
    s = scene.shape
    window = scene.window(scene.place(side * s.eye_distance, 0.0), s.eye_size * 1.9)
    u, v = (field[window] for field in scene.fine_uv)
    x = (side * u - s.eye_distance) / np.float32(s.eye_size)
    y = v / np.float32(s.eye_size) + np.float32(s.eye_tilt) * x
    # Nothing of an eye is drawn beyond these.
    window, here = part_of(window, (np.abs(x) < 1.32) & (y > -1.5) & (y < 1.1))
    x, y = x[here], y[here]
    lean = np.clip(1 - (x - 0.1 * (1 - np.minimum(x * x, 1.0)) * -1) ** 2, 0, 1)
    surprise = 1.18 if scene.who.expression == "surprised" else 1.0
    squint = max(0.0, s.smile - 0.3)
    upper = -0.54 * s.openness * surprise * (1 - 0.14 * squint) * lean**0.72
    lower = 0.37 * (1 - 0.42 * squint) * lean**0.85
    return Lids(window, x, y, upper, lower, s.eye_size)


def opening(scene: Scene, lid: Lids) -> Field:
    """Opacity of what is seen between the lids."""
    distance = np.maximum(lid.upper - lid.y, lid.y - lid.lower) * np.float32(lid.unit)
    return scene.edge(distance) * (np.abs(lid.x) < 1)


def eye(scene: Scene, side: int, look: Look) -> None:
    """Paint one eye: eyeball, lids, lashes."""
    lid = lids(scene, side)
    alpha = opening(scene, lid)
    _crease(scene, lid)
    open_, here = lid.part(alpha > 0)
    scene.canvas.over(ball(scene, open_, side, look), alpha[here], "eye", open_.window)
    _lashes(scene, lid)


def ball(scene: Scene, lid: Lids, side: int, look: Look) -> Field:
    """The eyeball as if there were no lids but their shadow, (3, h, w)."""
    across, y = lid.x * side, lid.y - np.float32(scene.shape.eye_tilt) * lid.x
    shape = scene.shape
    lx, _, _ = shape.light
    round_ = np.clip(1 - 0.3 * (lid.x**2) - 0.25 * y * y, 0, 1) + 0.1 * lx * across
    white = colour(236, 228, 222) * (0.74 * round_) * mix(1.0, 0.9, scene.who.age)
    white = white * mix(1.0, np.array([1.0, 0.72, 0.66], np.float32).reshape(3, 1, 1), step(-0.62, -1.0, lid.x) * 0.8)
    dx, dy = across - np.float32(look.gaze[0]), y - np.float32(look.gaze[1] - 0.05)
    radius = np.sqrt(dx * dx + dy * dy)
    iris = _iris(scene, look, dx, dy, radius, side)
    soft = 1.6 * scene.pixel / lid.unit
    paint = mix(white, iris, step(0.53 + soft / 2, 0.53 - soft, radius))
    lid_shadow = step(-0.02, 0.36, lid.y - lid.upper)
    paint = paint * mix(0.42, 1.0, lid_shadow)
    paint *= 0.5 + 0.62 * float(np.clip(0.6 + 0.4 * shape.light[2] + 0.25 * lx * side, 0.3, 1.1))
    gx, gy = (
        across - np.float32(look.gaze[0] + look.glint[0]),
        y - np.float32(look.gaze[1] - 0.05 + look.glint[1]),
    )
    r = np.sqrt(gx * gx + gy * gy)
    paint = mix(paint, np.float32(1.25), step(look.glint_size + soft, look.glint_size - soft, r))
    fill = np.hypot(dx + look.glint[0] * 0.9, dy + look.glint[1] * 0.9)
    return mix(paint, np.float32(0.75), 0.4 * step(0.11, 0.03, fill))


def _iris(scene: Scene, look: Look, dx: Field, dy: Field, radius: Field, side: int) -> Field:
    """Iris and pupil: streaks, a paler ring round the pupil, a dark rim, light pooled opposite the glint."""
    rng = np.random.default_rng([scene.seed, scene.index, 7, side + 1])
    angle = np.arctan2(dy, dx)
    streaks = np.interp(angle, np.linspace(-np.pi, np.pi, 73), rng.uniform(-1, 1, 73)).astype(np.float32)
    base = colour(*look.iris)
    inner = colour(*(0.55 * np.array(look.iris) + 0.45 * np.array([214, 160, 84])))
    paint = mix(inner, base, step(0.2, 0.38, radius)) * (1 + 0.32 * streaks)
    lx, ly = look.glint
    pool = np.clip(-(dx * np.float32(lx) + dy * np.float32(ly)) * 4.2, -0.35, 1)
    paint = paint * (1.25 + 1.1 * pool)
    paint = paint * mix(0.28, 1.0, step(0.55, 0.43, radius))
    hole = 0.215 * (1 + np.float32(look.wobble) * np.sin(2 * angle + 1.0) * 0.5 + look.wobble * 0.3 * np.sin(3 * angle))
    return mix(paint, colour(14, 11, 11), step(0.04, -0.04, radius - hole))


def _crease(scene: Scene, lid: Lids) -> None:
    """Fold and shade of the upper lid, and the fullness below the eye."""
    woman = scene.who.sex == "woman"
    above = lid.upper - lid.y  # > 0 above the upper lid
    gap = 0.25 - 0.09 * scene.who.age
    fade = step(1.3, 0.75, np.abs(lid.x))
    fold = np.exp(-(((above - gap * (1.0 - 0.35 * lid.x**2)) / 0.075) ** 2)) * fade
    on_lid = step(-0.05, 0.02, above) * step(gap + 0.02, gap - 0.1, above) * fade
    dark = 0.42 * fold + (0.2 if woman and scene.who.lipstick else 0.06) * on_lid
    under = np.exp(-(((lid.y - lid.lower - 0.22) / 0.09) ** 2)) * step(1.15, 0.5, np.abs(lid.x))
    dark = dark + (0.08 + 0.1 * scene.who.age + 0.08 * max(0.0, scene.shape.smile)) * under
    scene.canvas.shade(1 - dark * np.array([0.85, 1.05, 1.0], np.float32).reshape(3, 1, 1), lid.window)


def _lashes(scene: Scene, lid: Lids) -> None:
    """The dark edge of the upper lid with its lashes, and a light and a thin line below."""
    woman = scene.who.sex == "woman"
    rng = scene.stream("eyes")
    heavy = 1.0 if woman else 0.55
    x = np.clip(lid.x, -1.2, 1.3)
    curve = np.where(np.abs(lid.x) <= 1, lid.upper, 0.0) - 0.16 * heavy * np.clip(lid.x - 0.93, 0, 0.4)
    above = curve - lid.y
    at, long = np.linspace(-1.2, 1.3, 46), rng.uniform(0.2, 1, 46)
    fan = np.interp(x - 0.5 * above * np.sign(x - 0.1), at, long).astype(np.float32)
    thick = (0.05 + 0.085 * heavy * step(-1.0, 0.9, x)) * step(1.02 + 0.2 * heavy, 0.85, x) * step(-1.02, -0.8, x)
    reach = thick + (0.17 * heavy * fan * fan * step(-0.7, 0.8, x) * step(1.25, 0.95, x))
    unit = np.float32(lid.unit)
    there = step(0.0, 0.02, thick)
    solid = scene.edge(np.maximum(above - thick, -above - 0.05) * unit) * there
    hairs = 0.62 * scene.edge(np.maximum(above - reach, -above) * unit) * there
    ink = colour(24, 16, 14)
    scene.canvas.over(ink, np.maximum(0.9 * solid, hairs), None, lid.window)
    below = (lid.y - lid.lower) * unit
    inside = step(1.0, 0.9, np.abs(lid.x))
    rim = np.exp(-(((below - 0.006) / 0.011) ** 2)) * inside
    scene.canvas.over(
        tone(scene.who.tone) * np.array([0.95, 0.72, 0.68], np.float32).reshape(3, 1, 1),
        0.5 * rim,
        None,
        lid.window,
    )
    line = np.exp(-(((below - 0.024) / 0.012) ** 2)) * inside * step(-0.9, 0.6, lid.x) * (0.5 * heavy + 0.12)
    scene.canvas.over(ink, line, None, lid.window)


def brows(scene: Scene) -> None:
    """Paint both brows, hair by hair."""
    s, who = scene.shape, scene.who
    rgb = np.array(HAIR_COLOURS[who.hair_colour], float)
    if who.hair_colour in ("pink", "blue"):
        rgb = np.array(HAIR_COLOURS["dark brown"], float)
    ink = colour(*(rgb * (0.5 if rgb.mean() > 60 else 0.85)))
    raised = 0.07 if who.expression == "surprised" else 0.03 * max(0.0, s.smile - 0.7)
    frown = 0.05 if who.expression == "serious" else 0.0
    strands = clouds(scene.stream("eyes"), 60, 128)
    for side in (-1, 1):
        window = scene.window(scene.place(side * s.eye_distance, -s.brow_height), 0.42)
        u, v = (field[window] for field in scene.fine_uv)
        t = (side * u - 0.13) / np.float32(0.48)
        tt = np.clip(t, 0, 1)
        arch = np.float32(s.brow_arch) * np.sin(np.pi * np.clip(tt * 0.95, 0, 1)) - 0.05 * tt**3
        curve = -(s.brow_height + raised) + frown * (1 - tt) - arch + 0.0
        half = (0.028 + 0.024 * s.brow_weight) * step(-0.12, 0.2, t) * (1 - 0.72 * tt**1.5)
        across = (v - curve) / np.maximum(half, 1e-3)
        window, here = part_of(window, (np.abs(across) < 2.5) & (t > -0.15) & (t < 1.07))  # beyond, no hair reaches
        across, t, tt = across[here], t[here], tt[here]
        lean = np.clip((tt * 48 + across * 3.2) % 128, 0, 127).astype(np.intp)
        row = np.clip(64 + across * 10, 0, 127).astype(np.intp)
        hairs = strands[row, lean]
        body = step(1.35, 0.3, np.abs(across) + 0.5 * hairs) * step(-0.14, 0.12, t) * step(1.06, 0.9, t)
        strength = min(0.95, 0.62 + 0.22 * s.brow_weight) * (
            0.8 if who.hair_colour in ("blonde", "white", "grey") else 1.0
        )
        scene.canvas.over(ink * (1 + 0.35 * hairs), body * strength, "brow", window)
