"""What gives a drawn fake away: which flaws, how strong, and those that are drawn with the part they spoil.

Two "generators" make them. The *upsampler* leaves a chequer in the hair, lets the eyes or the earrings of a pair
differ, and drops blobs like water. The *denoiser* makes skin waxy, lets the background melt near the outline, leaves
things on faces, and fuses teeth.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import eyes, mouth, worn
from .canvas import mix, stream
from .eyes import Look
from .person import EYE_COLOURS, OPEN_EARS, SMILES, Person
from .scene import Scene
from .worn import Jewel

# Generator -> flaw -> how often it is picked, where it is possible.
GENERATORS: dict[str, dict[str, float]] = {
    "upsampler": {"chequer": 0.4, "eyes": 0.24, "earrings": 0.2, "blob": 0.3},
    "denoiser": {"waxy": 0.36, "melt": 0.3, "thing": 0.26, "teeth": 0.3},
}
NAMES = {
    "chequer": "chequered hair",
    "eyes": "eyes that disagree",
    "earrings": "unlike earrings",
    "blob": "a water-drop blob",
    "waxy": "waxy skin",
    "melt": "a background that melts near the outline",
    "thing": "a thing on the face",
    "teeth": "fused teeth",
}
KINDS = tuple(NAMES)


@dataclass(frozen=True)
class Flaw:
    """One flaw; a strength of 0 is hardly visible, 1 plain."""

    kind: str  # of KINDS
    strength: float


def possible(kind: str, who: Person) -> bool:
    """Whether this person has what the flaw spoils."""
    if kind == "teeth":
        return who.expression in SMILES
    if kind == "earrings":
        return who.earrings != "none" and who.hair in OPEN_EARS
    return kind != "chequer" or who.hair != "bald"


def choose(seed: int, index: int, generator: str, who: Person) -> tuple[Flaw, ...]:
    """Draw one or two flaws of a generator for this person; none for an authentic portrait."""
    if generator not in GENERATORS:
        return ()
    rng = stream(seed, index, "flaws")
    weights = {kind: weight for kind, weight in GENERATORS[generator].items() if possible(kind, who)}
    kinds, odds = list(weights), np.array(list(weights.values()))
    count = 2 if rng.random() < 0.55 else 1
    picked = rng.choice(len(kinds), min(count, len(kinds)), replace=False, p=odds / odds.sum())
    return tuple(Flaw(kinds[i], round(float(rng.uniform(0.15, 1)), 3)) for i in sorted(picked))


def dice(scene: Scene, kind: str) -> np.random.Generator:
    """A generator of random numbers for one flaw of one portrait."""
    return np.random.default_rng([scene.seed, scene.index, 50 + KINDS.index(kind)])


def unlike_eyes(scene: Scene, pair: tuple[Look, Look], strength: float) -> tuple[Look, Look]:
    """One eye of the pair in another colour, looking elsewhere, lit from elsewhere, its pupil out of round."""
    rng = dice(scene, "eyes")
    side = int(rng.integers(2))
    look, far = pair[side], 0.3 + 0.7 * strength
    others = [rgb for name, rgb in EYE_COLOURS.items() if name != scene.who.eyes]
    other = np.array(others[int(rng.integers(len(others)))], float)
    angle = float(rng.uniform(0, 2 * np.pi))
    iris = tuple(float(c) for c in mix(np.array(look.iris), other * 1.1, far))
    aside = 0.3 * far * float(np.sign(np.cos(angle)))
    odd = replace(
        look,
        iris=(iris[0], iris[1], iris[2]),
        gaze=(look.gaze[0] + aside, look.gaze[1] + 0.14 * far * float(np.sin(angle))),
        glint=(mix(look.glint[0], -look.glint[0] - 0.06, far), mix(look.glint[1], 0.2, far)),
        glint_size=look.glint_size * (1 + 0.5 * strength),
        wobble=0.75 * far,
    )
    return (odd, pair[1]) if side == 0 else (pair[0], odd)


def unlike_earrings(scene: Scene, pair: tuple[Jewel, Jewel], strength: float) -> tuple[Jewel, Jewel]:
    """One earring of another metal and size; when the flaw is strong, of another kind."""
    rng = dice(scene, "earrings")
    side = int(rng.integers(2))
    one = pair[side]
    metals = [name for name in worn.METALS if name != one.metal and {name, one.metal} != {"silver", "pearl"}]
    kinds = [kind for kind in ("stud", "hoop", "drop") if kind != one.kind]
    odd = Jewel(
        kind=kinds[int(rng.integers(2))] if strength > 0.35 else one.kind,
        metal=metals[int(rng.integers(len(metals)))],
        size=one.size * (1 + 0.45 * strength),
        length=one.length * (1 + 0.25 * strength),
    )
    return (odd, pair[1]) if side == 0 else (pair[0], odd)


def part_areas(
    scene: Scene, spoilt: Mapping[str, float], pairs: tuple[tuple[Jewel, Jewel], ...]
) -> dict[str, NDArray[np.bool_]]:
    """Where the flaws of parts are, (side, side): both eyes, both earrings (right and wrong), the teeth."""
    areas = {kind: np.zeros(scene.canvas.parts.shape, bool) for kind in ("eyes", "earrings", "teeth") if kind in spoilt}
    for number, side in enumerate((-1, 1)):
        if "eyes" in areas:
            lid = eyes.lids(scene, side)
            areas["eyes"][lid.window] |= eyes.opening(scene, lid) > 0
        if "earrings" in areas:
            for pair in pairs:
                window, alpha = worn.earring_area(scene, side, pair[number])
                areas["earrings"][window] |= alpha > 0
    if "teeth" in areas:
        where = mouth.mouth(scene)
        areas["teeth"][where.window] = mouth.teeth_area(scene, where) > 0
    return areas
