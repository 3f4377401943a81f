"""Light on a relief: a wide key light with soft shadows, light from the sky and the ground, and a rim from behind."""

import numpy as np

from .canvas import Field, blurred, step
from .scene import Scene, normals

# How far light creeps round a form: in skin red goes farthest, which is what makes it look alive.
SKIN = (0.42, 0.26, 0.2)
CLOTH = (0.2, 0.2, 0.2)


def shadows(scene: Scene, depth: Field, reach: float = 0.42, steps: int = 7) -> Field:
    """1 where the key light arrives, 0 where the relief itself is in its way; soft. (SOFT, SOFT)."""
    x, y, z = scene.shape.light
    flat = float(np.hypot(x, y)) + 1e-6
    climb = 0.62 * z / flat
    height, width = depth.shape
    blocked = np.zeros_like(depth)
    for k in range(1, steps + 1):
        far = reach * (k / steps) ** 1.4
        down, across = (round(far * part / flat / scene.soft_pixel) for part in (y, x))
        here = np.s_[max(0, -down) : height - max(0, down), max(0, -across) : width - max(0, across)]
        there = np.s_[max(0, down) : height + min(0, down), max(0, across) : width + min(0, across)]
        np.maximum(blocked[here], depth[there] - depth[here] - np.float32(far * climb), out=blocked[here])
    return 1 - blurred(step(0.0, 0.07, blocked), 1.3)


def diffuse(
    scene: Scene, depth: Field, wrap=SKIN, shadow: Field | None = None
) -> tuple[Field, tuple[Field, Field, Field]]:
    """Light that arrives and is scattered, (3, SOFT, SOFT), and the normals."""
    normal = normals(depth, scene.soft_pixel)
    nx, ny, nz = normal
    lx, ly, lz = scene.shape.light
    facing = nx * np.float32(lx) + ny * np.float32(ly) + nz * np.float32(lz)
    key, sky, ground = scene.light_colours
    up = 0.5 - 0.5 * ny
    light = ground + (sky - ground) * up
    light *= 0.55 + 0.45 * nz
    for channel, width in enumerate(wrap):
        part = np.clip((facing + np.float32(width)) / np.float32(1 + width), 0, 1)
        part = part * np.sqrt(part)
        if shadow is not None:
            # Shadows on skin redden at their edge.
            part = part * (shadow if channel else np.sqrt(shadow))
        light[channel] += key[channel] * part
    behind = np.clip(-nx * np.float32(np.sign(lx) or 1) * 0.9 - ny * 0.3, 0, 1) * (1 - nz) ** 2
    light += sky * (0.9 * behind)
    return light, normal


def gloss(scene: Scene, normal: tuple[Field, Field, Field], sharpness: float) -> Field:
    """The key light's reflection (Blinn's half vector), (SOFT, SOFT), 1 at its brightest."""
    lx, ly, lz = scene.shape.light
    half = np.array([lx, ly, lz + 1])
    half /= np.linalg.norm(half)
    nx, ny, nz = normal
    facing = np.clip(nx * np.float32(half[0]) + ny * np.float32(half[1]) + nz * np.float32(half[2]), 1e-3, 1)
    return np.exp(np.log(facing) * np.float32(sharpness))


def occlusion(depth: Field, sigma: float, strength: float) -> Field:
    """Hollows get less light from around: a factor, (SOFT, SOFT)."""
    return np.clip(1 - strength * np.clip(blurred(depth, sigma) - depth, -0.03, 0.2), 0.3, 1.08)
