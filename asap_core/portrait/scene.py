"""The scene: where the head is, how it is turned, where the light comes from, and the fields all parts share.

Lengths are in *face units*: 1 is about half the width of a face; the origin lies between the eyes, y points down.
`x, y` are flat coordinates of the tilted head; `u, v` run over its turned surface, so that a feature keeps its
(u, v) when the head turns.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from . import canvas as paper
from .canvas import FULL, Canvas, Field, Window, mix
from .person import Person


@dataclass(frozen=True)
class Shape:
    """What makes a face this person's: numbers around 1 are factors, others are in face units or radians."""

    scale: float
    centre: tuple[float, float]
    tilt: float
    turn: float
    nod: float
    cheeks: float
    jaw: float
    chin: float
    length: float
    eye_distance: float
    eye_size: float
    eye_tilt: float
    openness: float
    gaze: tuple[float, float]
    brow_height: float
    brow_arch: float
    brow_weight: float
    nose_width: float
    nose_length: float
    mouth_width: float
    lips: float
    smile: float
    gape: float
    light: tuple[float, float, float]
    warmth: float


_SMILE = {
    "neutral": 0.5,
    "serious": 0.2,
    "slight smile": 0.7,
    "smiling": 0.9,
    "laughing": 1.15,
    "surprised": 0.1,
}
_GAPE = {"smiling": 0.105, "laughing": 0.2, "surprised": 0.15}


def shape(rng: np.random.Generator, who: Person) -> Shape:
    """Draw the shape of a face and its pose; a man's and a woman's differ a little on average."""
    man = who.sex == "man"
    near = lambda mean, spread: float(mean + spread * np.clip(rng.standard_normal(), -2, 2))  # noqa: E731
    side = {"left": -1.0, "front": 0.0, "right": 1.0}[who.light]
    light = np.array([side * rng.uniform(0.45, 0.85) + rng.uniform(-0.15, 0.15), -rng.uniform(0.35, 0.75), 0.8])
    light /= np.linalg.norm(light)
    turn = near(0, 0.16)
    return Shape(
        scale=near(0.505, 0.02),
        centre=(near(0, 0.05), near(-0.06, 0.03)),
        tilt=near(0, 0.07),
        turn=turn,
        nod=near(0.02, 0.05),
        cheeks=near(0.97 if man else 0.96, 0.035),
        jaw=near(1.07 if man else 0.95, 0.055),
        chin=near(1.12 if man else 0.9, 0.12),
        length=near(1.05 if man else 1.01, 0.035),
        eye_distance=near(0.385, 0.014),
        eye_size=near(0.214 if man else 0.232, 0.009),
        eye_tilt=near(0.06 if man else 0.1, 0.05),
        openness=near(0.88 if man else 1.0, 0.1) - (0.1 if who.age > 0.7 else 0.0),
        gaze=(-0.6 * turn + near(0, 0.09), near(0.02, 0.05)),
        brow_height=near(0.25 if man else 0.28, 0.02),
        brow_arch=near(0.04 if man else 0.075, 0.02),
        brow_weight=near(1.1 if man else 0.75, 0.13),
        nose_width=near(1.05 if man else 0.92, 0.09) * mix(0.94, 1.2, who.tone),
        nose_length=near(1.02 if man else 0.97, 0.05),
        mouth_width=near(0.3 if man else 0.285, 0.018),
        lips=near(0.88 if man else 1.12, 0.12) * mix(0.92, 1.3, who.tone),
        smile=near(_SMILE[who.expression], 0.06),
        gape=_GAPE.get(who.expression, 0.0) * float(rng.uniform(0.85, 1.2)),
        light=(float(light[0]), float(light[1]), float(light[2])),
        warmth=float(rng.uniform(-1, 1)),
    )


@dataclass(frozen=True)
class Scene:
    """A person, a pose and a canvas; fields on the soft grid are computed once, when first asked for.

    The scene `near` a window knows only the patch of the soft grid that the window is enlarged from.
    """

    seed: int
    index: int
    who: Person
    shape: Shape
    canvas: Canvas
    patch: Window = FULL
    whole: "Scene | None" = None  # what this is a patch of

    def near(self, window: Window, margin: int = 4) -> "Scene":
        """This scene's patch for a window of the fine grid, and a margin: cheaper, and the same picture."""
        return replace(self, patch=self.canvas.soft(window, margin), whole=self)

    def around(self, wanted: NDArray[np.bool_]) -> Window:
        """The window of the fine grid that holds everything wanted on this patch, and a little more."""
        return self.canvas.around(wanted, self.patch)

    def fine(self, values: Field, window: Window, smooth: bool = True) -> Field:
        """A field of this patch of the soft grid, or the three of a colour, on a window of the fine grid."""
        return self.canvas.fine(values, window, self.patch, smooth)

    def stream(self, name: str) -> np.random.Generator:
        return paper.stream(self.seed, self.index, name)

    def _turned(self, x, y) -> tuple[Field, Field]:
        """Flat coordinates -> coordinates on the turned surface."""
        depth = 0.92 * np.sqrt(np.maximum(0.06, 1 - (x / 1.12) ** 2 - (y / 1.7) ** 2))
        shape = self.shape
        u = x * math.cos(shape.turn) - depth * math.sin(shape.turn)
        v = y * math.cos(shape.nod) - depth * math.sin(shape.nod)
        return u.astype(np.float32), v.astype(np.float32)

    def _flat(self, side: int) -> tuple[Field, Field]:
        across, down = self.canvas.grid(side)
        dx, dy = (
            (across - self.shape.centre[0]) / self.shape.scale,
            (down - self.shape.centre[1]) / self.shape.scale,
        )
        cos, sin = np.float32(math.cos(self.shape.tilt)), np.float32(math.sin(self.shape.tilt))
        return dx * cos + dy * sin, dy * cos - dx * sin

    @cached_property
    def xy(self) -> tuple[Field, Field]:
        """(x, y), each (SOFT, SOFT), as all that follows, or a patch of it."""
        if self.whole:
            return self.whole.xy[0][self.patch], self.whole.xy[1][self.patch]
        return self._flat(paper.SOFT)

    @cached_property
    def uv(self) -> tuple[Field, Field]:
        """(u, v) over the head's surface."""
        if self.whole:
            return self.whole.uv[0][self.patch], self.whole.uv[1][self.patch]
        return self._turned(*self.xy)

    @cached_property
    def fine_uv(self) -> tuple[Field, Field]:
        if self.whole:
            return self.whole.fine_uv
        u, v = (self.canvas.fine(field, smooth=False) for field in self.uv)
        return u, v

    @property
    def pixel(self) -> float:
        """A fine pixel's side in face units."""
        return 2 / self.canvas.side / self.shape.scale

    @property
    def soft_pixel(self) -> float:
        return 2 / paper.SOFT / self.shape.scale

    def place(self, u: float, v: float) -> tuple[float, float]:
        """The canvas position (-1 to 1) of a point of the surface: `_turned` undone by iteration."""
        shape = self.shape
        x, y = u, v
        for _ in range(8):
            depth = 0.92 * np.sqrt(max(0.06, 1 - (x / 1.12) ** 2 - (y / 1.7) ** 2))
            x = (u + depth * math.sin(shape.turn)) / math.cos(shape.turn)
            y = (v + depth * math.sin(shape.nod)) / math.cos(shape.nod)
        return self.flat_place(x, y)

    def flat_place(self, x: float, y: float) -> tuple[float, float]:
        """The canvas position (-1 to 1) of flat coordinates."""
        shape = self.shape
        cos, sin = math.cos(shape.tilt), math.sin(shape.tilt)
        return (
            float(shape.centre[0] + shape.scale * (x * cos - y * sin)),
            float(shape.centre[1] + shape.scale * (y * cos + x * sin)),
        )

    def window(self, place: tuple[float, float], radius: float) -> tuple[slice, slice]:
        """The square of the fine grid around a canvas position, `radius` in face units, cut at the edges."""
        side, reach = self.canvas.side, radius * self.shape.scale
        column, row = [(p + 1) / 2 * side for p in place]
        reach *= side / 2
        bounds = [(int(np.floor(c - reach)), int(np.ceil(c + reach))) for c in (row, column)]
        rows, columns = [slice(min(max(a, 0), side - 1), min(max(b, 1), side)) for a, b in bounds]
        return rows, columns

    def edge(self, distance, softness: float = 1.0):
        """Opacity of a shape from its signed distance (face units, negative inside), anti-aliased."""
        return np.clip(0.5 - distance * np.float32(1 / (self.pixel * softness)), 0, 1)

    @cached_property
    def outline(self) -> Field:
        """Polar distance from the head's outline: 0 at the centre, 1 on the outline."""
        if self.whole:
            return self.whole.outline[self.patch]
        x, y = self.xy
        y = y - np.float32(0.05)
        steps = 720
        table = self._radii(np.linspace(-np.pi, np.pi, steps + 1)).astype(np.float32)
        at = (np.arctan2(y, x) + np.float32(np.pi)) * np.float32(steps / (2 * np.pi))
        before = np.minimum(at.astype(np.int32), steps - 1)
        radius = mix(table.take(before), table.take(before + 1), at - before.astype(np.float32))
        return np.sqrt(x * x + y * y) / radius

    def _radii(self, angles):
        s = self.shape
        t = float(math.sin(s.turn))
        low = 0.05 + 1.17 * s.length
        right = [(0.52, -1.1), (0.84, -0.66), (0.935, -0.12), (0.9 * s.cheeks, 0.28), (0.7 * s.jaw, 0.74),
                 (0.4 * mix(1, s.chin, 0.5), 0.94 * low), (0.18 * s.chin, 1.0 * low)]  # fmt: skip
        points = [(0.0, -1.27), *right, (0.0, 1.015 * low), *[(-x, y) for x, y in reversed(right)]]
        # When the head turns, chin and nose move to one side, and that side's cheek grows narrow.
        moved = [(x + t * (0.3 * max(0.0, y) - 0.1 * min(0.0, y)) - 0.12 * t * abs(x), y - 0.05) for x, y in points]
        theta = np.unwrap([np.arctan2(y, x) for x, y in moved])
        radius = [np.hypot(x, y) for x, y in moved]
        spline = CubicSpline([*theta, theta[0] + 2 * np.pi], [*radius, radius[0]], bc_type="periodic")
        return spline(np.mod(angles - theta[0], 2 * np.pi) + theta[0])

    @cached_property
    def light_colours(self) -> tuple[Field, Field, Field]:
        """(key, sky, ground) light, each (3, 1, 1): warm or cool, coloured by what stands around."""
        if self.whole:
            return self.whole.light_colours
        warm = self.shape.warmth
        key = np.array([1.0 + 0.06 * warm, 0.97, 0.93 - 0.09 * warm], np.float32)
        tint = {
            "foliage": (0.9, 1.0, 0.84), "street": (0.95, 0.98, 1.04), "lights": (0.86, 0.86, 1.12),
            "sea": (0.9, 1.0, 1.1), "interior": (1.06, 0.97, 0.88), "window": (1.0, 1.0, 1.02),
            "studio": (1.0, 1.0, 1.0),
        }[self.who.background]  # fmt: skip
        sky = np.array(tint, np.float32) * 0.36
        ground = np.array([0.24, 0.19, 0.16], np.float32)
        return key.reshape(3, 1, 1) * 1.02, sky.reshape(3, 1, 1), ground.reshape(3, 1, 1)


def normals(depth: Field, spacing: float) -> tuple[Field, Field, Field]:
    """Unit normals (nx, ny, nz) of a height field whose samples lie `spacing` apart; z towards the eye."""
    down, across = np.gradient(depth, np.float32(spacing))
    z = 1 / np.sqrt(1 + across * across + down * down)
    return -across * z, -down * z, z
