"""The head: relief of the face, skin with its colours, pores and freckles, ears, and the neck."""

import math

import numpy as np

from . import light
from .canvas import SOFT, TEXTURE, Field, Window, blurred, bump, clouds, colour, mix, power, resized, step
from .person import OPEN_EARS
from .scene import Scene

TONES = [
    (0.0, (238, 202, 182)),
    (0.25, (226, 182, 154)),
    (0.5, (206, 154, 120)),
    (0.75, (152, 102, 76)),
    (1.0, (96, 64, 52)),
]


def tone(value: float) -> Field:
    """Skin colour, fair (0) to dark (1), (3, 1, 1)."""
    at = [t for t, _ in TONES]
    table = np.stack([colour(*rgb)[:, 0, 0] for _, rgb in TONES])
    return np.array([np.interp(value, at, table[:, c]) for c in range(3)], np.float32).reshape(3, 1, 1)


def relief(scene: Scene) -> Field:
    """Depth of the head towards the eye, (SOFT, SOFT), face units."""
    s, who = scene.shape, scene.who
    u, v = scene.uv
    side = np.abs(u)
    inside = np.clip(1 - power(scene.outline, 2.3), 0.0, 1)
    depth = 0.95 * np.sqrt(inside + 0.004)
    man = who.sex == "man"
    eye = s.eye_distance
    depth -= 0.12 * bump(side - eye, v - 0.0, 0.2, 0.14)
    depth += 0.085 * bump(side - eye, v - 0.01, 0.17, 0.12)  # the eyeball in its socket
    depth += (0.06 if man else 0.035) * bump(side - eye * 0.9, v + 0.25, 0.26, 0.09)
    cheek = mix(0.06, 0.1, max(0.0, s.smile))
    depth += cheek * bump(side - 0.5, v - (0.42 - 0.04 * s.smile), 0.24, 0.2)
    depth -= 0.05 * bump(side - 0.62, v - 0.74, 0.2, 0.26) * (1.5 - s.cheeks)
    mouth = mouth_line(scene)
    depth += 0.07 * bump(u, v - mouth, 0.36, 0.2)
    depth -= 0.045 * bump(u, v - mouth - 0.21, 0.2, 0.055)
    depth += 0.08 * bump(u, v - mouth - 0.36, 0.2, 0.13)
    depth -= 0.02 * bump(u, v - mouth + 0.16, 0.035, 0.09)
    depth += nose(scene, u, v)
    fold = 0.012 + 0.03 * max(0.0, s.smile) + 0.03 * max(0.0, who.age - 0.4)
    t = np.clip((v - 0.5) * np.float32(2.6), 0, 1)
    at = 0.215 + (0.17 + 0.07 * s.smile) * t
    along = step(0.0, 0.25, t) * step(1.0, 0.7, t)
    depth -= fold * np.exp(-(((side - at) / 0.05) ** 2)) * along
    depth += 0.6 * fold * np.exp(-(((side - at - 0.08) / 0.08) ** 2)) * along
    return depth.astype(np.float32)


def nose(scene: Scene, u: Field, v: Field) -> Field:
    """Height of the nose above the face."""
    wide, end = scene.shape.nose_width, 0.53 * scene.shape.nose_length
    t = np.clip((v + 0.2) / (end + 0.2), 0, 1)
    ridge = (0.045 + 0.2 * t * t) * step(-0.34, -0.02, v) * step(end + 0.17, end - 0.03, v)
    height = ridge * np.exp(-((u / (0.085 * wide + 0.05 * t)) ** 2))
    height += 0.1 * bump(u, v - end + 0.01, 0.1 * wide, 0.1)
    height += 0.085 * bump(np.abs(u) - 0.135 * wide, v - end - 0.02, 0.065, 0.065)
    return height


def mouth_line(scene: Scene) -> float:
    """v of the line between the lips, at the middle."""
    return 0.82 * mix(1.0, scene.shape.length, 0.8)


def complexion(scene: Scene) -> Field:
    """Albedo of the face without texture: base tone, blush, shaved chin, shade round the eyes. (3, SOFT, SOFT)."""
    who, s = scene.who, scene.shape
    rng = scene.stream("skin")
    u, v = scene.uv
    side = np.abs(u)
    base = tone(who.tone)
    red = 0.5 * bump(side - 0.52, v - 0.44, 0.24, 0.2) + 0.55 * bump(u, v - 0.5, 0.15, 0.13)
    red += 0.3 * bump(u, v - 1.12, 0.2, 0.12) + 0.25 * bump(side - s.eye_distance, v - 0.17, 0.2, 0.06)
    red *= float(rng.uniform(0.5, 1.25)) * (1.25 if who.lipstick else 1)
    red += 0.12 * clouds(rng, 7, SOFT, 2)[scene.patch]
    paler = colour(255, 214, 172) / colour(236, 186, 152)
    flush = np.log(np.array([1.06, 0.66, 0.66], np.float32).reshape(3, 1, 1)) * mix(0.8, 0.5, who.tone)
    skin = np.exp(flush * np.clip(red, -0.3, 1.2))
    skin *= base
    skin *= 1 + (paler - 1) * (0.25 * bump(u, v + 0.75, 0.6, 0.35))
    hollow = bump(side - s.eye_distance * 0.96, v - 0.02, 0.2, 0.13) * mix(0.1, 0.24, who.age)
    skin *= 1 - hollow * np.array([0.8, 1.1, 0.95], np.float32).reshape(3, 1, 1)
    if who.sex == "man" and who.beard in ("none", "stubble", "moustache", "goatee"):
        shade = 0.12 * jaw_area(scene)
        skin *= 1 - shade * np.array([1.2, 1.0, 0.8], np.float32).reshape(3, 1, 1)
    return skin


def jaw_area(scene: Scene) -> Field:
    """Where a beard grows, 0 to 1, (SOFT, SOFT)."""
    u, v = scene.uv
    side = np.abs(u)
    mouth = mouth_line(scene)
    top = 0.62 - 0.75 * step(0.42, 0.98, side) + 0.13 * step(0.2, 0.4, side) * step(0.75, 0.5, side)
    return step(-0.06, 0.08, v - top) * (1 - bump(u, v - mouth - 0.02, 0.26, 0.1))


def texture(scene: Scene, window: Window) -> Field:
    """Pores, fine lines, freckles: a factor on skin, 1 on average, (h, w)."""
    who, canvas = scene.who, scene.canvas
    rng = scene.stream("skin")
    grain = rng.standard_normal((TEXTURE, TEXTURE), np.float32)
    rough = mix(0.04, 0.054, who.age) * mix(0.85, 1.15, who.tone)
    factor = _spread(grain, 1.1, canvas.side, window)
    factor *= np.float32(3.9 * rough)  # pores of deviation 1, times how rough this skin is
    factor += 1
    factor += 0.03 * scene.fine(clouds(rng, 24, SOFT, 2)[scene.patch], window, smooth=False)
    if who.freckles:
        factor *= 1 - freckles(scene, rng, window)
    if who.age > 0.45:
        factor *= 1 - lines(scene, (who.age - 0.45) / 0.55, window)
    return factor


def _spread(spots: Field, sigma: float, side: int, window: Window) -> Field:
    """A window of a field of TEXTURE, blurred and enlarged to `side`; blurs only what the window shows."""
    margin = 6
    near = [range(side)[part] for part in window]
    kept = [slice(max(0, n.start * TEXTURE // side - margin), n.stop * TEXTURE // side + margin) for n in near]
    soft = np.zeros_like(spots)
    soft[kept[0], kept[1]] = blurred(spots[kept[0], kept[1]], sigma)
    return resized(soft, side, window)


def freckles(scene: Scene, rng: np.random.Generator, window: Window) -> Field:
    """Darkness of freckles, over nose and cheeks, (h, w)."""
    spots = np.zeros((TEXTURE, TEXTURE), np.float32)
    rows, columns = rng.integers(0, TEXTURE, (2, 2600))
    spots[rows, columns] = rng.uniform(0.4, 2.4, 2600)
    spots = _spread(spots, 0.95, scene.canvas.side, window)
    u, v = (field[window] for field in scene.fine_uv)
    return np.clip(spots, 0, 0.5) * bump(u, v - 0.36, 0.62, 0.24)


def lines(scene: Scene, strength: float, window: Window) -> Field:
    """Darkness of wrinkles: across the forehead, beside and under the eyes. (h, w)."""
    u, v = (field[window] for field in scene.fine_uv)
    dark = np.zeros_like(u)
    brow = _rows(v, -0.8, -0.42)
    wave = v[brow] + 0.03 * np.cos(5 * u[brow])
    fade = 0.16 * step(0.55, 0.2, np.abs(u[brow]))
    for at in (-0.5, -0.61, -0.71):
        dark[brow] += np.exp(-(((wave - at) / 0.014) ** 2)) * fade
    beside = _rows(v, -0.25, 0.35)
    side, v = np.abs(u[beside]), v[beside]
    eye = scene.shape.eye_distance
    reach = 0.2 * step(eye + 0.2, eye + 0.3, side) * step(eye + 0.42, eye + 0.3, side)
    for slope in (-0.45, 0.0, 0.4):
        dark[beside] += np.exp(-(((v - 0.02 - slope * (side - eye - 0.12)) / 0.013) ** 2)) * reach
    bag = np.hypot((side - eye) / 0.24, (v + 0.06) / 0.25) - 1
    dark[beside] += np.exp(-((bag / 0.06) ** 2)) * step(0.06, 0.16, v) * 0.2
    return np.float32(strength) * dark


def _rows(v: Field, low: float, high: float) -> slice:
    """The rows in which v lies between two values anywhere."""
    rows = np.flatnonzero((v > low).any(1) & (v < high).any(1))
    return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0)


def head(scene: Scene) -> None:
    """Paint the head."""
    window = scene.canvas.around(scene.outline < 1.05)
    near = scene.near(window, 13)  # hollows are dark from farther off
    depth = relief(near)
    shadow = light.shadows(near, depth)
    lit, normal = light.diffuse(near, blurred(depth, 0.7), light.SKIN, shadow)
    lit *= light.occlusion(depth, 5.0, 1.6)
    shine = (0.05 * light.gloss(near, normal, 12) + 0.11 * light.gloss(near, normal, 48)) * (0.35 + 0.65 * shadow)
    lit *= complexion(near)
    paint = near.fine(lit, window)
    paint *= texture(near, window)
    paint += near.fine(shine * shine_mask(near), window)
    alpha = near.fine(near.outline - 1, window)
    scene.canvas.over(paint, scene.edge(alpha * 1.05), "skin", window)


def shine_mask(scene: Scene) -> Field:
    """Where skin is oily: forehead, nose, cheekbones, chin. (SOFT, SOFT)."""
    u, v = scene.uv
    return (
        0.45
        + 0.8 * bump(u, v - 0.3, 0.16, 0.4)
        + 0.45 * bump(u, v + 0.6, 0.5, 0.3)
        + 0.3 * bump(np.abs(u) - 0.5, v - 0.36, 0.2, 0.15)
    )


def ear_at(scene: Scene, side: int) -> float:
    """Distance of the left (-1) or right (1) ear from the middle."""
    away = side * float(math.sin(scene.shape.turn))  # > 0: this ear turns away, behind the head
    return 0.95 * (0.5 + 0.5 * scene.shape.cheeks) - (0.45 if away > 0 else -0.1) * away


def ears(scene: Scene) -> None:
    """Paint both ears, behind the head."""
    if scene.who.hair not in OPEN_EARS:
        return
    base = tone(scene.who.tone) * np.array([1.02, 0.84, 0.8], np.float32).reshape(3, 1, 1)
    for side in (-1, 1):
        # The far ear hides behind the head, the near one comes forward.
        out, wide = ear_at(scene, side), 0.135
        window = scene.window(scene.flat_place(side * (out + 0.07), 0.2), 0.45)
        near = scene.near(window)
        x, y = near.xy
        ex, ey = (x * side - out - 0.07) + (y - 0.2) * 0.16, y - 0.17
        r = np.hypot(ex / wide, ey / (0.29 - 0.05 * step(0.0, 0.4, ey)))
        hollow = bump(ex + 0.015, ey + 0.02, 0.062, 0.13)
        depth = 0.1 * np.sqrt(np.clip(1.02 - r * r, 0, 1)) - 0.085 * hollow
        depth += 0.03 * bump(ex + 0.07, ey - 0.03, 0.03, 0.06)
        lit, _ = light.diffuse(near, depth.astype(np.float32), light.SKIN)
        lit *= 0.9 - 0.35 * hollow
        edge = scene.edge(near.fine((r - 1) * wide, window))
        scene.canvas.over(near.fine(base * lit, window), edge, "ear", window)


def neck_half(scene: Scene, y: Field) -> Field:
    """Half the neck's width, wider towards the shoulders."""
    return (0.59 if scene.who.sex == "man" else 0.49) + 0.3 * step(1.3, 2.3, y) ** 2


def neck(scene: Scene) -> None:
    """Paint the neck, with the shadow of the chin on it."""
    s = scene.shape
    x, y = _neck_axis(scene)
    window = scene.canvas.around((np.abs(x) < neck_half(scene, y) + 0.05) & (y > 0.6))
    near = scene.near(window)
    x, y = _neck_axis(near)
    half = neck_half(scene, y)
    t = x / half
    depth = 0.75 * np.sqrt(np.clip(1.01 - t * t, 0.0, 1)) * half
    cord = np.abs(np.abs(x) - mix(0.3, 0.1, step(1.0, 1.9, y)))
    depth += 0.025 * np.exp(-((cord / 0.07) ** 2))
    lit, _ = light.diffuse(near, depth.astype(np.float32), light.SKIN)
    lx, ly, _ = s.light
    chin = np.hypot((x + 0.35 * lx) / (0.85 * s.jaw), (y - 0.72 + 0.35 * ly) / 0.85)
    lit *= power(mix(0.3, 1.0, step(0.82, 1.22, chin)), np.array([0.85, 1.0, 1.05]).reshape(3, 1, 1))
    paint = near.fine(tone(scene.who.tone) * lit, window)
    alpha = scene.edge(near.fine(np.abs(x) - half, window))
    scene.canvas.over(paint, alpha * step(0.6, 0.65, near.fine(y, window)), "neck", window)


def _neck_axis(scene: Scene) -> tuple[Field, Field]:
    """Coordinates of the neck, which stands upright when the head tilts: across from its middle, and down."""
    x, y = scene.xy
    s = scene.shape
    return x - np.float32(0.1 * math.sin(s.turn)) + (y - 1) * np.float32(math.tan(s.tilt) * 0.7), y
