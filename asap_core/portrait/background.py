"""What is behind: colour fields out of focus, with depth and discs of light. Drawn on the soft grid."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .canvas import SOFT, Canvas, Field, blurred, clouds, colour, mix, power, resized, step
from .scene import Scene


def behind(scene: Scene) -> None:
    """Paint the background over the whole canvas."""
    rng = scene.stream("background")
    across, down = Canvas(SOFT // 2).grid(SOFT)
    picture = _DRAWN[scene.who.background](rng, across + 0 * down, down + 0 * across)
    picture *= float(rng.uniform(0.8, 1.12))
    for plane, soft in zip(scene.canvas.image, np.maximum(picture, 0.002), strict=True):
        plane[:] = resized(soft, scene.canvas.side, smooth=False)


_LINEAR = (np.arange(256, dtype=np.float32) / 255) ** np.float32(2.2)  # sRGB level -> light


_CENTRES = np.arange(SOFT, dtype=np.float32) + 0.5  # of the soft grid's pixels


def _discs(
    rng: np.random.Generator,
    picture: Field,
    count: int,
    radius: tuple[float, float],
    palette,
    strength: float,
    low=-1.0,
    high=1.0,
) -> Field:
    """Add lights out of focus: even discs with a brighter edge."""
    for _ in range(count):
        r = float(rng.uniform(*radius))
        x, y = rng.uniform(-1.05, 1.05), rng.uniform(low, high)
        tint = colour(*palette[int(rng.integers(len(palette)))]) * float(rng.uniform(0.35, 1)) * strength
        row, column, reach = (y + 1) / 2 * SOFT, (x + 1) / 2 * SOFT, r * SOFT / 2
        rows = slice(max(0, int(row - reach - 2)), max(0, int(row + reach + 3)))
        columns = slice(max(0, int(column - reach - 2)), max(0, int(column + reach + 3)))
        yy = _CENTRES[rows, None] - np.float32(row)
        xx = _CENTRES[None, columns] - np.float32(column)
        d = np.sqrt(yy * yy + xx * xx) * np.float32(1 / reach)
        edge = np.minimum(d, 1) ** 2
        picture[:, rows, columns] += tint * (np.clip((1 - d) * (reach * 0.7) + 0.5, 0, 1) * (0.72 + 0.4 * edge * edge))
    return picture


def _boxes(
    shapes: list[tuple[tuple[float, float, float, float], tuple[int, int, int]]], ground: Field, blur: float
) -> Field:
    """Rectangles (left, top, right, bottom from -1 to 1; sRGB) over a ground, out of focus."""
    picture = Image.fromarray((power(np.clip(ground, 0, 1), 1 / 2.2) * 255).astype(np.uint8).transpose(1, 2, 0))
    draw = ImageDraw.Draw(picture)
    for box, rgb in shapes:
        left, top, right, bottom = [(value + 1) / 2 * SOFT for value in box]
        draw.rectangle((left, top, max(left, right), max(top, bottom)), fill=rgb)
    picture = picture.filter(ImageFilter.GaussianBlur(blur))
    return _LINEAR[np.asarray(picture).transpose(2, 0, 1)]


def _foliage(rng, x: Field, y: Field) -> Field:
    season = [((38, 70, 34), (122, 158, 72)), ((30, 62, 44), (96, 150, 96)), ((84, 66, 28), (206, 152, 62))][
        int(rng.choice(3, p=[0.5, 0.3, 0.2]))
    ]
    dark, pale = colour(*season[0]), colour(*season[1])
    leaves = clouds(rng, 4, SOFT, 3) * 0.62
    high = np.clip(0.42 - 0.35 * y + 0.75 * leaves, 0, 1)
    picture = mix(dark * 0.8, pale, high[None])
    gaps = step(0.35, 0.95, clouds(rng, 5, SOFT, 2) - 0.5 * y)
    picture = mix(picture, colour(222, 230, 206), 0.75 * gaps[None])
    leaf = [season[1], (176, 198, 110), (236, 236, 190)]
    picture = _discs(rng, blurred(picture, 1.6), int(rng.integers(14, 30)), (0.05, 0.15), leaf, 0.34, -1, 0.5)
    return picture


def _street(rng, x: Field, y: Field) -> Field:
    sky = mix(colour(206, 218, 230), colour(236, 230, 216), np.clip(0.5 + 0.5 * y, 0, 1)[None])
    walls = [
        (172, 150, 128),
        (128, 118, 112),
        (190, 172, 150),
        (146, 98, 82),
        (104, 110, 122),
        (206, 196, 182),
    ]
    shapes = []
    left = -1.1
    while left < 1.1:
        width, top = float(rng.uniform(0.28, 0.6)), float(rng.uniform(-1.05, -0.2))
        rgb = np.array(walls[int(rng.integers(len(walls)))]) * rng.uniform(0.65, 1.05)
        wall = tuple(int(c) for c in np.clip(rgb, 0, 255))
        shapes.append(((left, top, left + width, 0.62), wall))
        glass = tuple(int(c) for c in np.clip(rgb * (0.5 if rng.random() < 0.7 else 1.5), 0, 255))
        for row in np.arange(top + 0.1, 0.4, 0.26):
            columns = np.arange(left + 0.06, left + width - 0.1, 0.19)
            shapes += [((float(x), float(row), float(x) + 0.1, float(row) + 0.15), glass) for x in columns]
        left += width
    shapes.append(((-1.1, 0.6, 1.1, 1.1), (104, 102, 104)))
    picture = _boxes(shapes, sky, 3.4)
    lamps = [(255, 214, 150), (255, 120, 90), (240, 240, 230), (120, 200, 160)]
    return _discs(rng, picture, int(rng.integers(4, 11)), (0.05, 0.11), lamps, 0.6, -0.1, 0.7)


def _lights(rng, x: Field, y: Field) -> Field:
    deep = [(16, 20, 44), (30, 18, 36), (14, 28, 40)][int(rng.integers(3))]
    picture = colour(*deep) * (1.0 + 0.9 * np.clip(0.5 - y, 0, 2))[None]
    picture = picture + colour(120, 66, 40) * (0.4 * np.exp(-((y - 0.3) ** 2) / 0.12))[None]
    lamps = [
        (255, 196, 110),
        (255, 150, 80),
        (255, 90, 84),
        (120, 190, 255),
        (250, 236, 210),
        (180, 120, 255),
    ]
    picture = _discs(rng, picture, int(rng.integers(22, 40)), (0.05, 0.14), lamps, 0.62, -0.9, 0.85)
    return picture


def _interior(rng, x: Field, y: Field) -> Field:
    wall = [
        (196, 178, 154),
        (150, 160, 162),
        (206, 196, 178),
        (126, 138, 126),
        (172, 142, 122),
        (110, 118, 136),
    ][int(rng.integers(6))]
    ground = colour(*wall) * (0.7 + 0.3 * np.cos(0.9 * (x - rng.uniform(-1, 1))))[None]
    shapes: list = []
    side = -1 if rng.random() < 0.5 else 1
    for shelf in np.arange(-0.85, 0.9, 0.42):
        left = side * 0.3 if side > 0 else -1.1
        shapes.append(((left, float(shelf) + 0.32, left + 0.8, float(shelf) + 0.36), (92, 68, 48)))
        at = left + 0.04
        while at < left + 0.72:
            width, tall = float(rng.uniform(0.05, 0.12)), float(rng.uniform(0.16, 0.3))
            rgb = tuple(int(c) for c in mix(rng.integers(50, 200, 3), 110, 0.5) * np.array([1.05, 0.92, 0.8]))
            shapes.append(((at, float(shelf) + 0.32 - tall, at + width, float(shelf) + 0.32), rgb))
            at += width + (0.12 if rng.random() < 0.2 else 0.01)
    frame = -side * rng.uniform(0.55, 0.7)
    shapes.append(((frame - 0.26, -0.72, frame + 0.26, -0.1), (72, 58, 48)))
    shapes.append(
        (
            (frame - 0.21, -0.66, frame + 0.21, -0.16),
            tuple(int(c) for c in mix(rng.integers(90, 220, 3), 165, 0.55)),
        )
    )
    picture = _boxes(shapes, ground, 3.2)
    return _discs(
        rng, picture, int(rng.integers(1, 4)), (0.12, 0.2), [(255, 210, 150), (255, 226, 180)], 0.5, -0.7, 0.1
    )


def _window(rng, x: Field, y: Field) -> Field:
    ground = colour(*[(150, 140, 130), (120, 126, 132), (168, 152, 132)][int(rng.integers(3))]) * (0.8 + 0 * x)[None]
    left = float(rng.uniform(-1.0, -0.2))
    outside = [(232, 238, 240), (214, 228, 236), (240, 232, 214)][int(rng.integers(3))]
    bar = (186, 178, 168)
    shapes = [((left - 0.06, -1.1, left + 1.16, 0.56), bar)]
    shapes += [((left + 0.55 * i, -1.1, left + 0.5 + 0.55 * i, 0.5), outside) for i in range(2)]
    picture = _boxes(shapes, ground, 2.4)
    trees = (
        step(0.1, 0.5, y + 0.45 * clouds(rng, 4, SOFT, 2))
        * step(0.52, 0.44, y)
        * step(left, left + 0.02, x)
        * step(left + 1.05, left + 1.0, x)
    )
    picture = mix(picture, colour(132, 158, 124), (0.8 * trees)[None])
    curtain = step(0.3, 0.1, np.abs(x - (left - 0.2))) * (0.85 + 0.15 * np.sin(42 * x))
    picture = mix(picture, colour(206, 190, 168) * (0.8 + 0.2 * np.sin(42 * x))[None], (0.9 * curtain)[None])
    return blurred(picture, 1.2)


def _sea(rng, x: Field, y: Field) -> Field:
    dusk = rng.random() < 0.35
    top, low = ((104, 120, 168), (244, 186, 142)) if dusk else ((112, 164, 214), (218, 232, 240))
    horizon = float(rng.uniform(-0.05, 0.35))
    picture = mix(colour(*top), colour(*low), np.clip((y + 1) / (1 + horizon), 0, 1)[None])
    drift = np.clip(clouds(rng, 3, SOFT, 3) * 0.8 + 0.1, 0, 1) * step(horizon, horizon - 0.5, y)
    picture = mix(picture, colour(250, 244, 238), (0.6 * drift)[None])
    ripple = clouds(rng, 40, SOFT) * 0.5 + np.sin(70 * y + 5 * clouds(rng, 6, SOFT)) * 0.5
    water = (
        mix(colour(42, 96, 128), colour(104, 158, 168), np.clip((y - horizon) * 1.2, 0, 1)[None])
        * (1 + 0.16 * ripple)[None]
    )
    picture = mix(picture, water, step(horizon - 0.01, horizon + 0.01, y)[None])
    sand = step(0.75, 0.9, y + 0.06 * np.sin(3 * x))
    picture = mix(picture, colour(216, 194, 160), sand[None])
    return _discs(
        rng, blurred(picture, 1.8), int(rng.integers(3, 9)), (0.04, 0.09), [(255, 246, 220)], 0.3, horizon, 0.75
    )


def _studio(rng, x: Field, y: Field) -> Field:
    wall = [
        (150, 158, 168),
        (186, 170, 152),
        (118, 130, 122),
        (96, 104, 122),
        (196, 180, 182),
        (142, 122, 110),
    ][int(rng.integers(6))]
    cx, cy = rng.uniform(-0.5, 0.5), rng.uniform(-0.4, 0.3)
    glow = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 1.5)
    return colour(*wall) * (0.45 + 0.85 * glow + 0.05 * clouds(rng, 3, SOFT, 2))[None]


_DRAWN = {
    "foliage": _foliage,
    "street": _street,
    "lights": _lights,
    "interior": _interior,
    "window": _window,
    "sea": _sea,
    "studio": _studio,
}
