"""Flaws laid over the finished picture. Each returns where it changed something; outside it changed nothing."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from . import light, worn
from .canvas import PARTS, SOFT, Canvas, Field, Window, blurred, clouds, colour, mix, resized, step
from .flaws import dice
from .mouth import mouth_line
from .scene import Scene
from .skin import relief

Area = NDArray[np.bool_]  # (side, side)


def _is(canvas: Canvas, *names: str) -> Area:
    return np.isin(canvas.parts, [PARTS.index(name) for name in names])


def _apply(canvas: Canvas, spoilt, weight: Field, window: Window) -> Area:
    """Mix `spoilt` in by `weight`, and tell where that is more than nothing."""
    canvas.over(spoilt, weight, None, window)
    area = np.zeros(canvas.parts.shape, bool)
    area[window] = weight > 0
    return area


def _spot(scene: Scene, where: Area, rng: np.random.Generator) -> tuple[float, float]:
    """A random place among the pixels of an area, canvas position; the middle where there is none."""
    rows, columns = np.nonzero(where[::4, ::4])
    if not len(rows):
        return 0.0, 0.0
    pick = int(rng.integers(len(rows)))
    return (int(columns[pick]) * 8 + 1) / scene.canvas.side - 1, (int(rows[pick]) * 8 + 1) / scene.canvas.side - 1


def _disc(scene: Scene, centre: tuple[float, float], radius: float) -> tuple[Window, Field, Field]:
    """A window with its coordinates relative to the centre, in radii."""
    window = scene.window(centre, radius / scene.shape.scale)
    across, down = scene.canvas.grid(scene.canvas.side)
    x, y = (across[:, window[1]] - centre[0]) / radius, (down[window[0]] - centre[1]) / radius
    return window, x + 0 * y, y + 0 * x


def _sampled(canvas: Canvas, x: Field, y: Field) -> Field:
    """The picture at canvas positions, bilinear, (3, h, w)."""
    columns, rows = ((p + 1) / 2 * canvas.side - 0.5 for p in (x, y))
    return np.stack(
        [ndimage.map_coordinates(plane, (rows, columns), order=1, mode="nearest") for plane in canvas.image]
    )


def _squares(canvas: Canvas, window: Window) -> Field:
    """An upsampler's residue: a chequer of 40 squares to the picture's width, -1 to 1."""
    across, down = canvas.grid(canvas.side)
    turns = 2 * np.pi * 20
    return np.clip(1.7 * np.sin(turns * across[:, window[1]]) * np.sin(turns * down[window[0]]), -1, 1)


def _smeared(canvas: Canvas, x: Field, y: Field, along: Field, down: Field) -> Field:
    """The picture drawn out: what lies between canvas positions (x, y) and as far off as told, averaged; (3, h, w)."""
    total = np.zeros((3, *x.shape), np.float32)
    for way in np.linspace(0, 1, 8):
        columns, rows = (
            np.clip((p * np.float32(0.5) + np.float32(0.5)) * canvas.side, 0, canvas.side - 1).astype(np.intp)
            for p in (x + way * along, y + way * down)
        )
        total += canvas.image[:, rows, columns]
    return total * np.float32(1 / 8)


def _mottle(canvas: Canvas, window: Window, rng: np.random.Generator, widest: float = 99) -> Field:
    """A denoiser's residue: fine blotches, 46 to the picture's width, -1 to 1.

    They have no direction, but where `widest` is small: there they are drawn out sideways into wavering streaks.
    """
    down, across = np.fft.fftfreq(SOFT, 1 / SOFT)[:, None], np.fft.rfftfreq(SOFT, 1 / SOFT)[None, :]
    band = np.exp(-(((np.hypot(down, across) - 46) / 4) ** 2) - (across / widest) ** 2)
    blotches = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((SOFT, SOFT), np.float32)) * band)
    blotches *= (0.85 + 0.45 * clouds(rng, 10, SOFT)) / blotches.std()  # here more, there less
    return np.clip(canvas.fine(blotches.astype(np.float32), window), -1, 1)


def _marked(here: Field, pattern: Field, amount: float) -> Field:
    """A pattern worked into part of the picture; visible on dark ground too."""
    return np.maximum(here * (1 + amount * pattern) + 0.03 * amount * (pattern + 0.6), 0)


def chequer(scene: Scene, strength: float) -> Area:
    """Hair in a regular pattern of squares, as an upsampling layer leaves it."""
    rng = dice(scene, "chequer")
    canvas = scene.canvas
    hair = _is(canvas, "hair")
    window, x, y = _disc(scene, _spot(scene, hair, rng), float(rng.uniform(0.3, 0.42) + 0.25 * strength))
    weight = step(1.0, 0.75, np.hypot(x, y)) * hair[window]
    spoilt = _marked(canvas.image[:, *window], _squares(canvas, window), mix(0.2, 0.62, strength))
    return _apply(canvas, spoilt, weight.astype(np.float32), window)


def eyes(scene: Scene, strength: float) -> Area:
    """The upsampler's residue round eyes that disagree (the eyes themselves are drawn so)."""
    area = np.zeros(scene.canvas.parts.shape, bool)
    for side in (-1, 1):
        centre = scene.place(side * scene.shape.eye_distance, 0.0)
        area |= _residue(scene, centre, 0.34 * scene.shape.scale, mix(0.1, 0.36, strength))
    return area


def earrings(scene: Scene, strength: float) -> Area:
    """The upsampler's residue round unlike earrings (the earrings themselves are drawn so)."""
    area = np.zeros(scene.canvas.parts.shape, bool)
    for side in (-1, 1):
        x, y = worn.lobe(scene, side)
        area |= _residue(scene, (x, y + 0.1 * scene.shape.scale), 0.36 * scene.shape.scale, mix(0.14, 0.45, strength))
    return area


def _residue(scene: Scene, centre: tuple[float, float], radius: float, amount: float) -> Area:
    canvas = scene.canvas
    window, x, y = _disc(scene, centre, radius)
    spoilt = _marked(canvas.image[:, *window], _squares(canvas, window), amount)
    return _apply(canvas, spoilt, step(1.0, 0.7, np.hypot(x, y)).astype(np.float32), window)


def blob(scene: Scene, strength: float) -> Area:
    """A drop as of water: what is behind it bent, a dark edge, a bright one, the upsampler's residue in it."""
    rng = dice(scene, "blob")
    canvas = scene.canvas
    centre = float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.75, 0.7))
    radius = float(rng.uniform(0.12, 0.16)) + 0.06 * strength
    window, x, y = _disc(scene, centre, radius * 1.15)
    angle = np.arctan2(y, x)
    bent = 1 + 0.09 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.05 * np.sin(3 * angle + rng.uniform(0, 6))
    r = np.hypot(x, y) * 1.15 / bent
    squeeze = -0.55 + 1.2 * r * r
    seen = _sampled(canvas, centre[0] + x * radius * squeeze, centre[1] + y * radius * squeeze)
    lean = np.clip((x + 1.2 * y) / 1.6, -1, 1)
    rim = step(0.55, 0.97, r)
    spoilt = seen * (1 - 0.55 * rim * np.clip(-lean + 0.3, 0, 1)) + 0.5 * rim * np.clip(lean, 0, 1) ** 2
    spoilt = spoilt * 1.06 + 0.55 * step(0.26, 0.1, np.hypot(x + 0.33, y + 0.38))
    spoilt = _marked(spoilt, _squares(canvas, window), mix(0.26, 0.45, strength))
    weight = step(1.0, 0.9, r) * mix(0.65, 1.0, strength)
    return _apply(canvas, spoilt, weight.astype(np.float32), window)


def waxy(scene: Scene, strength: float) -> Area:
    """Skin without pores, shining like wax; eyes and mouth keep their edges."""
    canvas = scene.canvas
    skin = _is(canvas, "skin", "nose", "ear", "neck").astype(np.float32)
    window = canvas.around(resized(skin, SOFT) > 0.01)
    u, v = (field[window] for field in scene.fine_uv)
    mask = skin[window]
    eye = np.hypot((np.abs(u) - scene.shape.eye_distance) / 0.34, (v + 0.03) / 0.24)
    lips = np.hypot(u / 0.42, (v - mouth_line(scene)) / 0.2)
    mask = mask * step(0.8, 1.1, np.minimum(eye, lips))
    sigma = 0.011 * canvas.side
    near = blurred(mask, sigma) + 1e-3
    here = canvas.image[:, *window]
    smooth = np.stack([blurred(plane * mask, sigma) / near for plane in here])
    normal = light.normals(relief(scene), scene.soft_pixel)
    shine = 0.17 * light.gloss(scene, normal, 9) ** 2 + 0.12 * light.gloss(scene, normal, 60)
    spoilt = smooth * 1.05 + canvas.fine(shine * (scene.outline < 1), window) * mix(0.25, 1.0, strength)
    weight = mask * mix(0.7, 1.0, strength)
    return _apply(canvas, spoilt, weight.astype(np.float32), window)


def melt(scene: Scene, strength: float) -> Area:
    """The background drawn into streaks along a stretch of the outline, with the figure's colours in them."""
    rng = dice(scene, "melt")
    canvas = scene.canvas
    empty = canvas.parts == 0
    reach = blurred(resized((~empty).astype(np.float32), SOFT), 7.0)
    near = resized(reach, canvas.side)
    across, down = canvas.grid(canvas.side)
    centre = _spot(scene, empty & (near > 0.25) & (down < 0.7) & (np.abs(across) < 0.85), rng)
    window, x, y = _disc(scene, centre, float(rng.uniform(0.3, 0.38)) + 0.16 * strength)
    soft = scene.stream("flaws"), scene.stream("background")
    push = [resized(clouds(r, 9, SOFT, 2), canvas.side, window) for r in soft]
    far = mix(0.08, 0.2, strength)
    here = across[:, window[1]] + 0 * x, down[window[0]] + 0 * y
    seen = _smeared(canvas, *here, far * push[0], far * push[1])
    seen = _marked(seen, _mottle(canvas, window, rng, 34), mix(0.36, 0.54, strength))
    weight = step(1.0, 0.7, np.hypot(x, y)) * step(0.02, 0.12, near[window]) * empty[window]
    return _apply(canvas, seen, (weight * mix(0.7, 1.0, strength)).astype(np.float32), window)


def thing(scene: Scene, strength: float) -> Area:
    """Something that does not belong on a face: a lump, a seam, or a copy of an eye or of the mouth."""
    rng = dice(scene, "thing")
    canvas, s = scene.canvas, scene.shape
    side = float(rng.choice([-1, 1]))
    places = [(0.5, 0.42), (0.2, -0.5), (0.32, 0.98), (0.62, 0.12)]
    u, v = places[int(rng.integers(len(places)))]
    centre = scene.place(side * u, v)
    radius = s.scale * (0.31 + 0.09 * strength) * float(rng.uniform(0.9, 1.15))
    window, x, y = _disc(scene, centre, 1.3 * radius)
    x, y = 1.3 * x, 1.3 * y
    kind = rng.choice(["lump", "seam", "copy"], p=[0.4, 0.25, 0.35])
    angle = np.arctan2(y, x)
    bent = 1 + 0.13 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.09 * np.sin(5 * angle + rng.uniform(0, 6))
    r = np.hypot(x, y) * 1.25 / bent
    here = canvas.image[:, *window]
    weight = step(1.0, 0.72, r) * mix(0.75, 1.0, strength)
    if kind == "copy":
        source = scene.place(0.0, mouth_line(scene)) if rng.random() < 0.4 else scene.place(-side * s.eye_distance, 0.0)
        spoilt = _sampled(canvas, source[0] + x * radius * 1.15, source[1] + y * radius * 1.15)
    elif kind == "seam":
        turn = float(rng.uniform(0, np.pi))
        along, off = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
        line = off - 0.3 * np.sin(2.2 * along + 1)
        dark, pale = np.exp(-((line / 0.11) ** 2)), np.exp(-(((line - 0.24) / 0.12) ** 2))
        spoilt = here * (1 - 0.8 * dark) + 0.22 * pale
    else:
        lx, ly, _ = s.light
        tint = colour(*[(150, 120, 160), (110, 150, 130), (170, 90, 70), (190, 180, 150)][int(rng.integers(4))])
        form = 0.5 + 0.5 * np.clip(x * lx * 1.3 + y * ly * 1.3 + 0.55, 0, 1.3) - 0.35 * step(0.6, 1.0, r)
        spoilt = mix(here, tint, 0.62) * form * 1.25 + 0.55 * step(0.3, 0.1, np.hypot(x - 0.35 * lx, y - 0.35 * ly))
    # The skin about it is painted over too.
    spoilt = _marked(mix(here, spoilt, weight), _mottle(canvas, window, rng), mix(0.36, 0.48, strength))
    face = _is(canvas, "skin", "nose", "mouth", "brow", "beard", "eye", "teeth")[window]
    return _apply(canvas, spoilt, (step(1.55, 0.9, r) * face).astype(np.float32), window)


def teeth(scene: Scene, strength: float) -> Area:
    """A mouth drawn out sideways, and its residue too, over fused teeth (the teeth themselves are drawn so)."""
    canvas = scene.canvas
    radius = 0.54 * scene.shape.scale
    centre = scene.place(0.0, mouth_line(scene) + 0.02)
    window, x, y = _disc(scene, centre, radius)
    r = np.hypot(x, 1.5 * y)
    reach = mix(0.03, 0.09, strength)
    sideways = _smeared(canvas, centre[0] + x * radius - reach / 2, centre[1] + y * radius, reach + 0 * x, 0 * y)
    spoilt = mix(canvas.image[:, *window], sideways, step(0.95, 0.5, r))
    spoilt = _marked(spoilt, _mottle(canvas, window, dice(scene, "teeth"), 18), mix(0.26, 0.42, strength))
    return _apply(canvas, spoilt, step(1.0, 0.75, r).astype(np.float32), window)


LAID = {
    "chequer": chequer,
    "eyes": eyes,
    "earrings": earrings,
    "teeth": teeth,
    "blob": blob,
    "waxy": waxy,
    "melt": melt,
    "thing": thing,
}
