"""Attributes and the sentence that tells them."""

from collections import Counter
from dataclasses import replace

from asap_core.portrait import flaws, person

PEOPLE = [person.person(0, index) for index in range(4000)]


def test_caption_tells_what_is_there():
    for who in PEOPLE[:800]:
        text = person.caption(who)
        assert text.startswith(("a ", "an ")) and f" {who.sex}" in text.split(",")[0]
        assert ("glasses" in text) == (who.glasses != "none")
        assert ("earrings" in text) == (who.earrings != "none")
        assert ("freckles" in text) == who.freckles
        assert (f"{who.hair_colour} hair" in text) == (who.hair != "bald")
        assert ("bald" in text.split()) == (who.hair == "bald")
        assert (" smiling" in text) == (who.expression in ("smiling", "slight smile"))
        assert f"{who.clothing_colour} {who.clothing}" in text
        assert text.endswith(person.BACKGROUNDS[who.background])
        assert "  " not in text and " ," not in text


def test_caption_reads_well():
    who = replace(
        PEOPLE[0], sex="woman", age=0.5, hair="bun", hair_colour="red", expression="smiling", glasses="round",
        beard="none", earrings="none", freckles=False, clothing="shirt", clothing_colour="blue", background="foliage",
    )  # fmt: skip
    assert person.caption(who) == (
        "a smiling woman with tied-up red hair and glasses, in a blue shirt, blurred foliage behind"
    )
    assert person.caption(replace(who, expression="neutral", age=0.9)).startswith("an older woman with ")


def test_every_attribute_varies():
    for name in ("sex", "hair", "hair_colour", "eyes", "expression", "glasses", "beard", "earrings", "clothing",
                 "clothing_colour", "background", "light", "freckles", "lipstick", "skin", "age_word"):  # fmt: skip
        counts = Counter(getattr(who, name) for who in PEOPLE)
        assert len(counts) > 1, name
        assert min(counts.values()) >= 8, (name, counts)
    assert {who.hair for who in PEOPLE} == set(person.STYLES)
    assert not any(who.sex == "woman" and (who.beard != "none" or who.hair == "bald") for who in PEOPLE)


def test_flaws_are_possible_one_or_two_and_of_every_kind():
    counts: Counter[str] = Counter()
    for maker, kinds in flaws.GENERATORS.items():
        for index, who in enumerate(PEOPLE[:1500]):
            chosen = flaws.choose(0, index, maker, who)
            assert 1 <= len(chosen) <= 2
            assert len({flaw.kind for flaw in chosen}) == len(chosen)
            for flaw in chosen:
                assert flaw.kind in kinds and flaws.possible(flaw.kind, who)
                assert 0 < flaw.strength <= 1
            counts.update(flaw.kind for flaw in chosen)
    assert set(counts) == set(flaws.KINDS) == set(flaws.NAMES)
    assert min(counts.values()) > 40
    assert flaws.choose(0, 0, "real", PEOPLE[0]) == ()
