"""How hair looks close up: strands that follow a flow, with the sheen that runs across them."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage

from . import light
from .canvas import Field, Window, colour, mix, power, step
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

    def within(self, patch: Window) -> "Flow":
        """This flow on a patch of the soft grid."""
        return Flow(self.across[patch], self.along[patch], self.depth[patch])


def table(rng: np.random.Generator) -> Field:
    """Strand by strand, how light it is: (ACROSS, ALONG), mean 0, deviation 1, wraps round."""
    noise = rng.standard_normal((ACROSS, ALONG), np.float32)
    spread_fine, spread_clumps = _spreads()
    fine = np.fft.irfft2(np.fft.rfft2(noise) * spread_fine)
    clumps = np.fft.irfft2(np.fft.rfft2(noise[::-1]) * spread_clumps)
    mixed = fine / fine.std() + 0.8 * clumps / clumps.std()
    return (mixed / mixed.std()).astype(np.float32)


@cache
def _spreads() -> tuple[Field, Field]:
    """How noise is spread into single strands and into clumps of them: Gaussian blurs as factors on frequencies."""
    point = np.zeros((ACROSS, ALONG), np.float32)
    point[0, 0] = 1
    strand, clump = (ndimage.gaussian_filter(point, sigma, mode="wrap") for sigma in ((0.6, 5), (3.5, 9)))
    return np.fft.rfft2(strand).real, np.fft.rfft2(clump).real


def sampled(strands: Field, across: Field, along: Field) -> Field:
    """The table at the places given (face units), linear between samples, wrapping."""
    rows, columns = across * np.float32(1 / STRAND), along * np.float32(1 / RUN)
    top, left = np.floor(rows), np.floor(columns)
    rows -= top
    columns -= left
    wide = ALONG + 1
    # The table's first row and column stand at its end once more, so that no neighbour needs to be wrapped.
    flat = np.pad(strands, (0, 1), mode="wrap").ravel()
    # Whole numbers of the width that `take` wants, or it would convert them at each of four calls.
    at = ((top.astype(np.int32) & (ACROSS - 1)) * wide + (left.astype(np.int32) & (ALONG - 1))).astype(np.intp)
    above = mix(flat.take(at), flat.take(at + 1), columns)
    at += wide
    below = mix(flat.take(at), flat.take(at + 1), columns)
    return mix(above, below, rows)


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
    if scene.whole is None:
        scene = scene.near(window)
        flow = flow.within(scene.patch)
        dark = dark[scene.patch] if isinstance(dark, np.ndarray) else dark
    lit, normal = light.diffuse(scene, flow.depth, light.CLOTH)
    lit *= dark
    noise = sampled(strands, *(scene.fine(field, window, smooth=False) for field in (flow.across, flow.along)))
    sheen = scene.fine(_sheen(scene, flow, normal), window, smooth=False)
    facing = scene.fine(power(normal[2], 1.5) * dark, window, smooth=False)
    base = dye(scene)
    pale = float(base.mean())
    contrast = mix(0.32, 0.2, min(1.0, pale * 2))
    sheen += np.float32(0.09) * noise
    first = _band(sheen, -0.12, 0.2) * (0.55 + 0.45 * np.clip(noise, -1, 1.5)) * facing
    second = _band(sheen, 0.16, 0.34) * facing
    grain = 1.05 + contrast * np.clip(noise, -2.2, 2.5)
    body = scene.fine(base * lit, window)
    # Light that glances off keeps its own colour; light that has been in the hair takes the hair's.
    glancing = 0.085 * (0.35 + np.sqrt(base)) * (1.5 - 1.3 * pale)
    for plane, own, through in zip(body, glancing.ravel(), 0.5 * base.ravel(), strict=True):
        plane *= grain
        plane += own * first
        plane += through * second
    scene.canvas.over(body, alpha, part, window)


def _band(sheen: Field, at: float, width: float) -> Field:
    """How bright a band of sheen is, 1 in its middle."""
    off = (sheen - np.float32(at)) * np.float32(1 / width)
    off *= off
    return np.exp(-off)


def ragged(scene: Scene, distance: Field, across: Field, strands: Field, reach: float) -> tuple[Window, Field]:
    """A shape whose edge is strands, as window and opacity; `distance` and `across` soft, `reach` in face units."""
    window = scene.canvas.around(distance < 3 * reach)
    distance, across = scene.canvas.fine(distance, window), scene.canvas.fine(across, window)
    near = np.abs(distance) < 3 * reach
    jitter = np.zeros_like(distance)
    jitter[near] = sampled(strands, across[near], distance[near] * np.float32(0.5))
    alpha = scene.edge(distance + reach * np.clip(jitter, -1.6, 2.2), 2.0) * step(2.6 * reach, 0.8 * reach, distance)
    return window, alpha
