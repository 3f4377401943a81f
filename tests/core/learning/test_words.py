import numpy as np
from PIL import Image

from asap_core.learning import words


def test_strings_are_distinct_seeded_and_half_english():
    strings = words.draw_strings(500, np.random.default_rng(0))
    assert strings == words.draw_strings(500, np.random.default_rng(0))
    lower = [s.lower() for s in strings]
    assert len(set(lower)) == 500
    assert sum(s in words.ENGLISH for s in lower) >= 250
    assert len(words.draw_strings(1, np.random.default_rng(0))) == 1


def test_a_word_changes_its_place_and_nothing_else():
    rng = np.random.default_rng(1)
    image = Image.fromarray(rng.integers(0, 256, (120, 160, 3), np.uint8))
    for string in words.draw_strings(40, rng):
        style = words.draw_style(rng)
        worded, alone = words.write(image, string, style)
        changed = np.any(np.asarray(worded) != np.asarray(image), axis=2)
        written = np.any(np.asarray(alone) != 255, axis=2)
        assert 0 < changed.mean() < 0.6, (string, style)
        assert written.any(), (string, style)
        if style.box is None:
            box = Image.fromarray(written).getbbox()
            assert box is not None
            left, top, right, bottom = box
            changed[max(0, top - 8) : bottom + 8, max(0, left - 8) : right + 8] = False
            assert not changed.any(), (string, style)  # same place on white


def test_images_come_to_a_size_that_can_be_written_on():
    for size, expected in {
        (32, 32): (96, 96),
        (1000, 500): (256, 128),
        (100, 200): (100, 200),
        (5000, 3): (256, 96),
        (1, 1): (96, 96),
    }.items():
        assert words.fit(Image.new("L", size), 256).size == expected
    assert words.fit(Image.new("L", (50, 50)), 256).mode == "RGB"


def test_the_longest_word_fits_the_smallest_image():
    image = words.fit(Image.new("RGB", (8, 8)), 96)
    for angle in (0, 25):
        style = words.Style(0.34, (1, 1), angle, (0, 0, 0), True, None)
        worded, alone = words.write(image, "Wwwwwwwwwwwwwwwwwwwww", style)
        assert worded.size == alone.size == (96, 96)
        assert np.any(np.asarray(alone) != 255)
