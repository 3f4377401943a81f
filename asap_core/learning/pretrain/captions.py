"""What is said of an image that `mini` is trained on: never who made it, nor what is wrong with it."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...portrait.person import (
    BACKGROUNDS,
    CLOTH_COLOURS,
    HAIR_COLOURS,
    OPEN_EARS,
    SKINS,
    SMILES,
    STYLES,
    Person,
    caption,
)

TEMPLATES = (
    "{}",
    "a photo of {}",
    "a small photo of {}",
    "a blurry photo of {}",
    "a close-up photo of {}",
    "a bright photo of {}",
    "a picture of {}",
    "an image of {}",
)

# What a portrait is asked: answer -> phrase. The words are those of `caption`.
QUESTIONS: Mapping[str, Mapping[str, str]] = {
    "sex": {"woman": "a woman", "man": "a man"},
    "age": {"young": "a young person", "": "a person of middle age", "older": "an older person"},
    "smile": {"yes": "a smiling person", "no": "a serious person who is not smiling"},
    "glasses": {"yes": "a person with glasses", "no": "a person without glasses"},
    "hair colour": {name: f"a person with {name} hair" for name in HAIR_COLOURS},
    "hair": {told or "bald": f"a person with {told} hair" if told else "a bald person" for told in STYLES.values()},
    "beard": {"yes": "a man with a beard", "no": "a person without a beard"},
    "earrings": {"yes": "a person with earrings", "no": "a person without earrings"},
    "clothes": {name: f"a person in {name} clothes" for name in CLOTH_COLOURS},
    "skin": {name: f"a person with {name} skin" for name in SKINS},
    "lips": {"yes": "a person with red lipstick", "no": "a person without lipstick"},
    "background": {name: f"a person, {told}" for name, told in BACKGROUNDS.items()},
}


def of_category(name: str) -> str:
    """A category's or class' name as a thing: "a horse", "an airplane"."""
    name = name.replace("_", " ").strip().lower()
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def of_person(who: Person, rng: np.random.Generator) -> str:
    """The person's sentence, or one that leaves some of it out."""
    whole = caption(who)
    if rng.random() < 0.4:
        return whole
    subject, *rest = whole.split(", ")
    return ", ".join([subject, *(part for part in rest if rng.random() < 0.5)])


def answers(who: Person) -> dict[str, str]:
    """What the portrait answers to QUESTIONS; a question it leaves open is left out."""
    found = {
        "sex": who.sex,
        "age": who.age_word,
        "glasses": _yes(who.glasses != "none"),
        "hair": STYLES[who.hair] or "bald",
        "clothes": who.clothing_colour,
        "skin": who.skin,
        "lips": _yes(who.lipstick),
        "background": who.background,
    }
    if who.expression != "slight smile":
        found["smile"] = _yes(who.expression in SMILES)
    if who.hair != "bald":
        found["hair colour"] = who.hair_colour
    if who.beard != "stubble":
        found["beard"] = _yes(who.beard != "none")
    if who.hair in OPEN_EARS:
        found["earrings"] = _yes(who.earrings != "none")
    return found


def with_word(said: str, word: str) -> str:
    """The caption of an image that a word was written on."""
    return f"{said}, with {the_word(word)} written on it"


def the_word(word: str) -> str:
    """How a written word is spoken of."""
    return f'the word "{word.lower()}"'


def in_template(things: Sequence[str], rng: np.random.Generator) -> list[str]:
    """The same template for all of them, so that nothing but the things tells them apart."""
    template = TEMPLATES[int(rng.integers(len(TEMPLATES)))]
    return [template.format(thing) for thing in things]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
