"""Who is portrayed: attributes drawn at random, and the sentence that tells them."""

from dataclasses import dataclass

import numpy as np

from .canvas import stream

# Name -> sRGB. The order is that of the probabilities below.
HAIR_COLOURS = {
    "black": (26, 22, 24),
    "dark brown": (62, 40, 28),
    "brown": (104, 68, 42),
    "auburn": (120, 56, 36),
    "red": (160, 80, 46),
    "blonde": (214, 172, 108),
    "grey": (150, 147, 144),
    "white": (204, 200, 194),
    "pink": (214, 110, 140),
    "blue": (58, 96, 150),
}
EYE_COLOURS = {
    "brown": (96, 56, 28),
    "hazel": (130, 98, 48),
    "green": (88, 124, 76),
    "blue": (82, 128, 172),
    "grey": (128, 142, 152),
}
CLOTH_COLOURS = {
    "white": (226, 224, 218),
    "black": (34, 34, 38),
    "grey": (120, 124, 130),
    "navy": (36, 52, 90),
    "blue": (78, 114, 158),
    "red": (156, 58, 56),
    "green": (62, 104, 76),
    "mustard": (196, 152, 74),
    "pink": (220, 150, 160),
    "teal": (38, 118, 120),
    "burgundy": (100, 42, 56),
    "cream": (222, 204, 174),
}
SKINS = ("fair", "light", "olive", "brown", "dark")

STYLES = {
    # What each style may be told as; "" where nothing is worth saying.
    "cropped": "short",
    "swept": "swept-back",
    "fringed": "short",
    "bob": "bobbed",
    "long": "long",
    "wavy": "long wavy",
    "curly": "curly",
    "bun": "tied-up",
    "receding": "receding",
    "bald": "",
}
OPEN_EARS = ("cropped", "swept", "fringed", "bun", "receding", "bald")  # styles that leave the ears free
SMILES = ("smiling", "laughing")  # teeth show

BACKGROUNDS = {
    "foliage": "blurred foliage behind",
    "street": "a blurred street behind",
    "lights": "city lights at night behind",
    "interior": "a room behind",
    "window": "a bright window behind",
    "sea": "the sea behind",
    "studio": "a plain studio wall behind",
}


@dataclass(frozen=True)
class Person:
    """What a portrait shows. Numbers are 0 to 1 unless said otherwise."""

    sex: str  # woman, man
    age: float
    tone: float  # of the skin, from fair to dark
    hair: str  # of STYLES
    hair_colour: str
    eyes: str
    expression: str  # neutral, serious, slight smile, smiling, laughing, surprised
    glasses: str  # none, round, square, cat-eye
    beard: str  # none, stubble, moustache, goatee, full
    earrings: str  # none, stud, hoop, drop
    clothing: str  # T-shirt, shirt, jumper, jacket, top
    clothing_colour: str
    freckles: bool
    lipstick: bool
    background: str
    light: str  # left, front, right

    @property
    def skin(self) -> str:
        return SKINS[min(int(self.tone * len(SKINS)), len(SKINS) - 1)]

    @property
    def age_word(self) -> str:
        return "young" if self.age < 0.3 else "older" if self.age > 0.7 else ""


_EXPRESSION_ODDS = {
    "smiling": 0.34,
    "laughing": 0.12,
    "slight smile": 0.2,
    "neutral": 0.2,
    "serious": 0.08,
    "surprised": 0.06,
}
_BACKGROUND_ODDS = {
    "foliage": 0.22,
    "street": 0.16,
    "lights": 0.1,
    "interior": 0.18,
    "window": 0.1,
    "sea": 0.12,
    "studio": 0.12,
}


def person(seed: int, index: int) -> Person:
    """Draw the attributes of portrait `index`. Knows nothing of flaws: both classes come from one distribution."""
    rng = stream(seed, index, "person")
    pick = _picker(rng)
    sex = pick({"woman": 0.5, "man": 0.5})
    woman = sex == "woman"
    age, tone = float(rng.random()), float(rng.beta(1.1, 1.2))
    old = age > 0.7
    expression = pick(_EXPRESSION_ODDS)
    hair = pick(_styles(woman, old))
    beard = "none"
    if not woman:
        beard = pick({"none": 0.46, "stubble": 0.2, "moustache": 0.07, "goatee": 0.09, "full": 0.18})
    earrings = "none"
    if hair in OPEN_EARS:
        wears = (
            {"none": 0.2, "stud": 0.25, "hoop": 0.3, "drop": 0.25}
            if woman
            else {"none": 0.86, "stud": 0.07, "hoop": 0.07}
        )
        earrings = pick(wears)
    return Person(
        sex=sex,
        age=age,
        tone=tone,
        hair=hair,
        hair_colour=pick(_hair_colours(tone, age)),
        eyes=pick(_eye_colours(tone)),
        expression=expression,
        glasses=pick({"none": 0.74, "round": 0.09, "square": 0.12, "cat-eye": 0.05 if woman else 0.0}),
        beard=beard,
        earrings=earrings,
        clothing=pick({"T-shirt": 0.3, "shirt": 0.22, "jumper": 0.24, "jacket": 0.14, "top": 0.1 if woman else 0.0}),
        clothing_colour=pick(dict.fromkeys(CLOTH_COLOURS, 1.0)),
        freckles=bool(rng.random() < (0.3 if tone < 0.45 else 0.05)),
        lipstick=bool(rng.random() < (0.45 if woman else 0.0)),
        background=pick(_BACKGROUND_ODDS),
        light=pick({"left": 0.4, "front": 0.2, "right": 0.4}),
    )


def _picker(rng: np.random.Generator):
    def pick(weights: dict[str, float]) -> str:
        edges = np.cumsum(list(weights.values()))
        return list(weights)[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]

    return pick


def _styles(woman: bool, old: bool) -> dict[str, float]:
    if woman:
        return {
            "long": 0.2, "wavy": 0.2, "bob": 0.16, "bun": 0.16, "curly": 0.12, "swept": 0.05, "fringed": 0.07,
            "cropped": 0.04,
        }  # fmt: skip
    return {
        "cropped": 0.3, "swept": 0.24, "fringed": 0.14, "curly": 0.1, "wavy": 0.04, "bun": 0.02,
        "receding": 0.16 if old else 0.02, "bald": 0.14 if old else 0.05,
    }  # fmt: skip


def _hair_colours(tone: float, age: float) -> dict[str, float]:
    fair = max(0.0, 1 - tone / 0.5)
    grey = max(0.0, age - 0.6) * 2.5
    return {
        "black": 0.1 + 0.7 * tone,
        "dark brown": 0.25,
        "brown": 0.1 + 0.15 * fair,
        "auburn": 0.04 + 0.08 * fair,
        "red": 0.02 + 0.18 * fair,
        "blonde": 0.02 + 0.3 * fair,
        "grey": 0.6 * grey,
        "white": 0.3 * grey,
        "pink": 0.01,
        "blue": 0.01,
    }


def _eye_colours(tone: float) -> dict[str, float]:
    fair = max(0.0, 1 - tone / 0.55)
    return {
        "brown": 0.3 + tone,
        "hazel": 0.16,
        "green": 0.02 + 0.2 * fair,
        "blue": 0.02 + 0.35 * fair,
        "grey": 0.1 * fair,
    }


_EXPRESSIONS = {
    "neutral": "",
    "serious": "serious",
    "slight smile": "gently smiling",
    "surprised": "surprised",
}
_BEARDS = {"stubble": "stubble", "moustache": "a moustache", "goatee": "a goatee", "full": "a full beard"}
_EARRINGS = {"stud": "stud earrings", "hoop": "hoop earrings", "drop": "drop earrings"}


def caption(who: Person) -> str:
    """One sentence, such as "a smiling woman with red hair and glasses, blurred foliage behind"."""
    words = [
        _EXPRESSIONS.get(who.expression, who.expression),
        who.age_word,
        "bald" if who.hair == "bald" else "",
        who.sex,
    ]
    subject = " ".join(word for word in words if word)
    with_ = []
    if who.hair != "bald":
        with_.append(" ".join(word for word in (STYLES[who.hair], who.hair_colour, "hair") if word))
    with_ += [table[kind] for table, kind in ((_BEARDS, who.beard), (_EARRINGS, who.earrings)) if kind != "none"]
    if who.glasses != "none":
        with_.append("glasses")
    if who.freckles:
        with_.append("freckles")
    article = "an" if subject[0] in "aeiou" else "a"
    features = f" with {_listed(with_)}" if with_ else ""
    return f"{article} {subject}{features}, in a {who.clothing_colour} {who.clothing}, {BACKGROUNDS[who.background]}"


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
