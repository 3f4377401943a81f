"""From a person to a picture: every part in its order, back to front, then the flaws that lie over all of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import background, camera, clothing, cuts, damage, eyes, flaws, hair, mouth, skin, worn
from .canvas import SUPERSAMPLING, Canvas, stream
from .flaws import Flaw
from .person import Person, person
from .scene import Scene, shape

Area = NDArray[np.bool_]


@dataclass(frozen=True)
class Portrait:
    """A finished portrait and everything known of it; s is the picture's size."""

    picture: NDArray[np.uint8]  # (s, s, 3)
    who: Person
    flaws: tuple[Flaw, ...]
    masks: dict[str, Area]  # flaw -> (s, s)
    parts: NDArray[np.uint8]  # (s, s), into canvas.PARTS


def portrait(seed: int, index: int, generator: str = "real", size: int = 160) -> Portrait:
    """Portrait `index`, as authentic ("real"), or as a generator would spoil it: same person, pose, light, camera."""
    who = person(seed, index)
    chosen = flaws.choose(seed, index, generator, who)
    scene = Scene(seed, index, who, shape(stream(seed, index, "shape"), who), Canvas(size))
    areas = paint(scene, chosen)
    picture = camera.develop(scene.canvas.image, seed, index)
    masks = {kind: np.asarray(_reduced(area).any((1, 3))) for kind, area in areas.items()}
    middle = SUPERSAMPLING // 2
    return Portrait(
        picture, who, chosen, masks, scene.canvas.parts[middle::SUPERSAMPLING, middle::SUPERSAMPLING].copy()
    )


def paint(scene: Scene, chosen: Sequence[Flaw] = ()) -> dict[str, Area]:
    """Paint the scene before the camera; returns where each flaw is, (side, side)."""
    spoilt = {flaw.kind: flaw.strength for flaw in chosen}
    locks = cuts.grow(scene)
    background.behind(scene)
    if locks:
        hair.behind(scene, locks)
    skin.neck(scene)
    clothing.body(scene)
    skin.ears(scene)
    skin.head(scene)
    mouth.nostrils(scene)
    mouth.lips(scene, spoilt.get("teeth", 0.0))
    gaze = eyes.looks(scene)
    if "eyes" in spoilt:
        gaze = flaws.unlike_eyes(scene, gaze, spoilt["eyes"])
    for side, look in zip((-1, 1), gaze, strict=True):
        eyes.eye(scene, side, look)
    worn.beard(scene)
    eyes.brows(scene)
    worn.glasses(scene)
    if locks:
        hair.front(scene, locks)
    pair = worn.jewels(scene)
    pairs = (pair,) if pair else ()
    if pair and "earrings" in spoilt:
        pairs = (pair, flaws.unlike_earrings(scene, pair, spoilt["earrings"]))
    for side, jewel in zip((-1, 1), pairs[-1] if pairs else (), strict=False):
        worn.earring(scene, side, jewel)
    areas = flaws.part_areas(scene, spoilt, pairs)
    for kind, laid in damage.LAID.items():
        if kind in spoilt:
            area = laid(scene, spoilt[kind])
            areas[kind] = areas[kind] | area if kind in areas else area
    return areas


def _reduced(area: Area) -> Area:
    """(side, side) -> (size, 2, size, 2): the fine pixels of every pixel."""
    size = area.shape[0] // SUPERSAMPLING
    return area.reshape(size, SUPERSAMPLING, size, SUPERSAMPLING)
