"""From a person to a picture: every part in its order, back to front."""

from . import background, clothing, eyes, hair, mouth, skin, worn
from .canvas import Canvas, stream
from .person import person
from .scene import Scene, shape


def scene_of(seed: int, index: int, size: int) -> Scene:
    """The scene of portrait `index`, nothing painted yet."""
    who = person(seed, index)
    return Scene(seed, index, who, shape(stream(seed, index, "shape"), who), Canvas(size))


def paint(scene: Scene) -> None:
    background.behind(scene)
    hair.behind(scene)
    skin.neck(scene)
    clothing.body(scene)
    skin.ears(scene)
    skin.head(scene)
    mouth.nostrils(scene)
    mouth.lips(scene)
    for side, look in zip((-1, 1), eyes.looks(scene), strict=True):
        eyes.eye(scene, side, look)
    worn.beard(scene)
    eyes.brows(scene)
    worn.glasses(scene)
    pair = worn.jewels(scene)
    hair.front(scene)
    if pair:
        for side, jewel in zip((-1, 1), pair, strict=True):
            worn.earring(scene, side, jewel)
