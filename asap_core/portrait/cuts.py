"""Hair cuts: their outlines, and how the strands run."""

import math
from dataclasses import dataclass

import numpy as np

from . import strands
from .canvas import Field, bump, clouds, power, step
from .scene import Scene
from .strands import Flow


@dataclass(frozen=True)
class Cut:
    """A hair cut in face units: how far hair stands off, and the opening for the face."""

    top: float  # volume above the skull
    sides: float
    wide: float  # half width of the opening
    high: float  # the hairline above the eyes
    arch: float  # power of the opening's arch: 2 an ellipse, less a parting
    end: float  # y where hair ends beside the face
    flow: str  # radial, draped, swept, curls
    long: bool = False  # falls beside and behind the neck
    wave: float = 0.0
    fringe: float = 0.0  # y of the lower end of a fringe; 0 for none


CUTS = {
    "cropped": Cut(0.06, 0.015, 0.86, 0.8, 2.6, 0.2, "radial"),
    "swept": Cut(0.13, 0.03, 0.85, 0.78, 2.5, 0.22, "swept"),
    "fringed": Cut(0.1, 0.045, 0.86, 0.7, 2.4, 0.24, "radial", fringe=-0.42),
    "bob": Cut(0.11, 0.17, 0.79, 0.9, 1.55, 1.02, "draped", long=True),
    "long": Cut(0.1, 0.13, 0.79, 0.92, 1.5, 2.1, "draped", long=True),
    "wavy": Cut(0.14, 0.24, 0.8, 0.9, 1.55, 1.75, "draped", long=True, wave=0.05),
    "curly": Cut(0.2, 0.13, 0.84, 0.74, 2.4, 0.34, "curls"),
    "bun": Cut(0.05, 0.015, 0.87, 0.82, 2.3, 0.12, "radial"),
    "receding": Cut(0.035, 0.015, 0.83, 1.02, 2.2, 0.2, "radial"),
}


def cut(scene: Scene) -> Cut:
    """This person's cut: the style's, varied."""
    rng = scene.stream("hair")
    style = CUTS[scene.who.hair]
    vary = lambda value, by: float(value * rng.uniform(1 - by, 1 + by))  # noqa: E731
    woman_curls = scene.who.hair == "curly" and scene.who.sex == "woman"
    length = (0.75, 1.25) if woman_curls else (0.86, 1.14)
    fringe = style.fringe
    if style.long and rng.random() < 0.3:
        fringe = -0.36
    return Cut(
        top=vary(style.top, 0.3) * (1.6 if woman_curls else 1),
        sides=vary(style.sides, 0.3) * (2.4 if woman_curls else 1),
        wide=style.wide,
        high=style.high - (0.12 if fringe and style.long else 0) + float(rng.uniform(-0.03, 0.03)),
        arch=2.2 if fringe else style.arch,
        end=style.end * float(rng.uniform(*length)) + (0.3 if woman_curls else 0),
        flow=style.flow,
        long=style.long,
        wave=vary(style.wave, 0.3),
        fringe=fringe and fringe + float(rng.uniform(-0.05, 0.05)),
    )


@dataclass(frozen=True)
class Growth:
    """One head of hair: signed distances on the soft grid (negative inside, face units), flow and strands."""

    style: Cut
    outer: Field  # from the hair's outline
    face: Field  # from the opening for the face
    parting: float  # x
    flow: Flow
    strands: Field


def grow(scene: Scene) -> Growth | None:
    """This person's hair; None for the bald."""
    if scene.who.hair == "bald":
        return None
    style = cut(scene)
    outer, face, parting = _outlines(scene, style)
    return Growth(
        style, outer, face, parting, _flow(scene, style, outer, face, parting), strands.table(scene.stream("hair"))
    )


def _outlines(scene: Scene, style: Cut) -> tuple[Field, Field, float]:
    """Distances from the hair's outline and from the opening for the face, and where it is parted."""
    rng = np.random.default_rng([scene.seed, scene.index, 21])
    x, y = scene.xy
    outline = scene.outline
    turned = 0.6 * math.sin(scene.shape.turn)
    parting = float(rng.uniform(-0.42, 0.42)) if style.flow in ("draped", "swept") else 0.0
    stand = style.sides + (style.top - style.sides) * step(-0.25, -1.05, y)
    if style.flow == "swept":
        stand = stand * (1 + 0.6 * math.copysign(1, -parting) * np.clip(x, -0.8, 0.8)) + 0.02
    outer = (outline - 1) * 0.98 - stand
    if style.flow == "curls":
        wide, tall = 0.99 + style.sides, 0.97 + style.top
        ball = np.hypot((x - 0.1 * turned) / wide, (y + 0.3) / tall) - 1
        outer = ball * wide + 0.05 * clouds(rng, 12, x.shape[0], 2)
    if style.long:
        # Below the temples hair leaves the head's outline and falls.
        widening = 0.06 + 0.5 * style.wave
        half = 0.94 + style.sides + widening * np.clip(y, 0, 2.2) - 0.16 * step(0.6, 2.2, y)
        half = half + 1.2 * style.wave * np.sin(5.2 * y + np.sign(x) * 1.3 + parting * 9) * step(0.2, 1.0, y)
        outer = np.where(y < 0, outer, outer + (np.abs(x - 0.2 * turned) - half - outer) * step(-0.05, 0.45, y))
    # Above the temples the opening is an arch, below it the opening's sides close in a little on long hair.
    close = 0.1 * step(0.1, 1.0, y) - 0.25 * step(1.0, 1.9, y) if style.long else 0.0
    across = np.abs(x - turned) / (style.wide - close)
    if style.arch < 2:
        across = np.abs(x - turned - parting * step(0.1, -0.9, y)) / (style.wide - close)
    rise = np.maximum(0, 0.1 - y) / (style.high + 0.1)
    if scene.who.hair == "receding":
        rise = rise * (1 - 0.16 * bump(np.abs(x - turned) - 0.42, 0, 0.2, 1) + 0.05 * bump(x - turned, 0, 0.18, 1))
    face = (power(power(across, style.arch) + power(rise, style.arch), 1 / style.arch) - 1) * 0.84
    return outer.astype(np.float32), -face.astype(np.float32), parting


def _flow(scene: Scene, style: Cut, outer: Field, face: Field, parting: float) -> Flow:
    """How the strands of the cap run."""
    x, y = scene.xy
    turned = np.float32(0.6 * math.sin(scene.shape.turn))
    rng = np.random.default_rng([scene.seed, scene.index, 22])
    warp = clouds(rng, 6, x.shape[0], 2)
    depth = 0.8 * np.sqrt(np.clip(1 - power(np.clip(1 + outer / 1.1, 0, 1), 2.2), 0, 1) + 0.003)
    if style.flow == "curls":
        curl = clouds(rng, 19, x.shape[0])
        depth = depth + 0.05 * (1 - np.abs(curl)) + 0.03 * clouds(rng, 34, x.shape[0])
        return Flow(0.22 * curl + 0.02 * warp, 0.3 * warp + 0.4 * x, depth.astype(np.float32))
    angle = np.arctan2(x - turned, 0.35 - y)
    if style.flow == "radial":
        lean = 0.14 * float(rng.uniform(-1, 1))
        return Flow(1.25 * angle + lean * scene.outline + 0.025 * warp, 1.1 * scene.outline, depth.astype(np.float32))
    if style.flow == "swept":
        lean = np.float32(0.95 * np.sign(parting))
        across = 1.25 * angle + lean * scene.outline + 0.05 * warp
        waves = depth + 0.03 * np.sin(9 * across + 3 * warp)
        return Flow(across.astype(np.float32), scene.outline + 0.4 * angle, waves.astype(np.float32))
    inner = np.clip(-face, 1e-3, 2)
    q = inner / (inner + np.clip(-outer, 1e-3, 2))
    down = np.where(y < 0.1, 1.15 * np.abs(angle), 1.15 * 1.3 + y)
    across = 0.62 * q + 0.02 * warp
    if style.wave:
        across = across + style.wave * 0.9 * np.sin(5.2 * y + 2.0 * warp + np.sign(x) * 1.3) * step(-0.6, 0.8, y)
    ridge = 0.022 * np.sin(across * 24 + 2 * warp)
    return Flow(across.astype(np.float32), down.astype(np.float32), (depth + ridge).astype(np.float32))
