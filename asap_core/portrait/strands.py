"""How hair looks close up: strands that follow a flow, with the sheen that runs across them."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from . import light
from .canvas import Field, Window, colour, mix, step
from .person import HAIR_COLOURS
from .scene import Scene

ACROSS, ALONG = 256, 64  # rows and columns of a table of strands
STRAND = 0.0125  # face units from strand to strand
RUN = 0.06  # face units along a strand from sample to sample


@dataclass(frozen=True)
class Flow:
    """Where strands run, in face units, on the soft grid: across them, along them, and the relief they lie on."""

    across: Field
    along: Field
    depth: Field


def table(rng: np.random.Generator) -> Field:
    """Strand by strand, how light it is: (ACROSS, ALONG), mean 0, deviation 1, wraps round."""
    noise = rng.standard_normal((ACROSS, ALONG), np.float32)
    fine = ndimage.gaussian_filter(noise, (0.6, 5), mode="wrap")
    clumps = ndimage.gaussian_filter(noise[::-1], (3.5, 9), mode="wrap")
    mixed = fine / fine.std() + 0.8 * clumps / clumps.std()
    return (mixed / mixed.std()).astype(np.float32)


def sampled(strands: Field, across: Field, along: Field) -> Field:
    """The table at the places given (face units), linear between samples, wrapping."""
    rows, columns = across * np.float32(1 / STRAND), along * np.float32(1 / RUN)
    top, left = np.floor(rows), np.floor(columns)
    down, right = rows - top, columns - left
    i, j = top.astype(np.int32) % ACROSS, left.astype(np.int32) % ALONG
    i1, j1 = (i + 1) % ACROSS, (j + 1) % ALONG
    flat = strands.ravel()
    above = flat[i * ALONG + j] * (1 - right) + flat[i * ALONG + j1] * right
    below = flat[i1 * ALONG + j] * (1 - right) + flat[i1 * ALONG + j1] * right
    return above * (1 - down) + below * down


def _sheen(scene: Scene, flow: Flow, normal: tuple[Field, Field, Field]) -> Field:
    """Cosine between the strands' direction and the half vector, (SOFT, SOFT)."""
    down, across = np.gradient(flow.across)
    length = np.sqrt(across * across + down * down) + 1e-6
    tx, ty = -down / length, across / length
    slope_y, slope_x = -normal[1] / normal[2], -normal[0] / normal[2]
    tz = slope_x * tx + slope_y * ty
    lx, ly, lz = scene.shape.light
    half = np.array([lx, ly, lz + 1])
    hx, hy, hz = (half / np.linalg.norm(half)).tolist()
    return (tx * hx + ty * hy + tz * hz) / np.sqrt(1 + tz * tz)


def dye(scene: Scene) -> Field:
    """The colour of this person's hair, each a little its own, (3, 1, 1)."""
    rng = scene.stream("hair")
    return colour(*np.clip(np.array(HAIR_COLOURS[scene.who.hair_colour]) * rng.uniform(0.88, 1.1), 0, 255))


def paint(
    scene: Scene,
    window: Window,
    alpha: Field,
    flow: Flow,
    strands: Field,
    dark: float | Field = 1.0,
    part: str = "hair",
) -> None:
    """Paint hair where `alpha` (h, w of the window) says, lit by the scene; `dark` dims it (soft grid)."""
    lit, normal = light.diffuse(scene, flow.depth, light.CLOTH)
    lit *= dark
    fine = scene.canvas.fine
    noise = sampled(strands, fine(flow.across, window), fine(flow.along, window))
    sheen = fine(_sheen(scene, flow, normal), window)
    base = dye(scene)
    pale = float(base.mean())
    contrast = mix(0.32, 0.2, min(1.0, pale * 2))
    body = base * fine(lit, window) * (1.05 + contrast * np.clip(noise, -2.2, 2.5))
    off = sheen + 0.09 * noise
    first = np.exp(-(((off + 0.12) / 0.2) ** 2)) * (0.55 + 0.45 * np.clip(noise, -1, 1.5))
    second = np.exp(-(((off - 0.16) / 0.34) ** 2))
    facing = fine(np.clip(normal[2], 0, 1) ** 1.5 * dark, window)
    tint = np.sqrt(base)
    body += (0.085 * first * facing) * (0.35 + tint) * (1.5 - 1.3 * pale)
    body += (0.5 * second * facing) * base
    scene.canvas.over(body, alpha, part, window)


def ragged(scene: Scene, distance: Field, across: Field, strands: Field, reach: float) -> tuple[Window, Field]:
    """A shape whose edge is strands, as window and opacity; `distance` and `across` soft, `reach` in face units."""
    window = scene.canvas.around(distance < 3 * reach)
    distance, across = scene.canvas.fine(distance, window), scene.canvas.fine(across, window)
    near = np.abs(distance) < 3 * reach
    jitter = np.zeros_like(distance)
    jitter[near] = sampled(strands, across[near], distance[near] * np.float32(0.5))
    alpha = scene.edge(distance + reach * np.clip(jitter, -1.6, 2.2), 2.0) * step(2.6 * reach, 0.8 * reach, distance)
    return window, alpha
