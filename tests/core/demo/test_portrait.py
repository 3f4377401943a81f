"""Portraits: reproducible, alike at every size, and spoilt exactly where their masks say."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from asap_core.portrait import camera, eyes, flaws, painter, person
from asap_core.portrait.canvas import PARTS, SOFT, Canvas, power, resized, stream
from asap_core.portrait.scene import Scene, shape

SEED = 11


def first(kind: str, start: int = 0) -> tuple[int, str]:
    """The first portrait that has a flaw, and the generator that made it."""
    maker = next(name for name, kinds in flaws.GENERATORS.items() if kind in kinds)
    for index in range(start, start + 400):
        if any(flaw.kind == kind for flaw in flaws.choose(SEED, index, maker, person.person(SEED, index))):
            return index, maker
    raise AssertionError(f"no portrait of {maker} has {kind}")


def grown(area: np.ndarray, by: int) -> np.ndarray:
    return np.asarray(ndimage.binary_dilation(area, iterations=by), bool)


def painted(index: int, chosen, size: int = 96) -> tuple[Canvas, dict[str, np.ndarray]]:
    who = person.person(SEED, index)
    scene = Scene(SEED, index, who, shape(stream(SEED, index, "shape"), who), Canvas(size))
    return scene.canvas, painter.paint(scene, chosen)


def test_same_seed_same_picture_other_seed_another():
    one, two = (painter.portrait(SEED, 3, "denoiser", 96) for _ in range(2))
    np.testing.assert_array_equal(one.picture, two.picture)
    assert camera.jpeg(one.picture) == camera.jpeg(two.picture)
    assert np.abs(one.picture - painter.portrait(SEED + 1, 3, "denoiser", 96).picture.astype(int)).mean() > 5


@pytest.mark.parametrize("kind", flaws.KINDS)
def test_fake_equals_its_twin_outside_its_masks(kind):
    index, maker = first(kind)
    chosen = flaws.choose(SEED, index, maker, person.person(SEED, index))
    twin, _ = painted(index, ())
    fake, areas = painted(index, chosen)
    assert set(areas) == {flaw.kind for flaw in chosen}
    differs = (fake.image != twin.image).any(0)
    outside = ~grown(np.any(list(areas.values()), axis=0), 2)
    assert not (differs & outside).any()
    # Every flaw shows inside its own mask, and no mask is a shrug.
    assert (differs & areas[kind]).any()
    assert 0 < areas[kind].mean() < 0.45


@pytest.mark.parametrize("kind", ["chequer", "thing"])
def test_noise_is_the_twins_noise(kind):
    index, maker = first(kind)
    fake, twin = painter.portrait(SEED, index, maker, 96), painter.portrait(SEED, index, "real", 96)
    assert fake.who == twin.who and not twin.masks
    # The lens spreads a flaw by a pixel; farther off the two pictures are equal, noise and all.
    inside = grown(np.any(list(fake.masks.values()), axis=0), 3)
    np.testing.assert_array_equal(fake.picture[~inside], twin.picture[~inside])
    assert (fake.picture[inside] != twin.picture[inside]).any()


def test_stronger_flaw_changes_more():
    for kind in flaws.KINDS:
        index, _ = first(kind)
        twin, _ = painted(index, ())
        weak, strong = (painted(index, [flaws.Flaw(kind, strength)])[0] for strength in (0.15, 1.0))
        by = [np.abs(canvas.image - twin.image).sum() for canvas in (weak, strong)]
        assert 0 < by[0] < by[1], kind


@pytest.mark.parametrize("size", [64, 97, 224])
def test_any_size_shows_the_same_portrait(size):
    def small(picture):
        means = [np.array_split(row, 16, axis=1) for row in np.array_split(picture.astype(float), 16, axis=0)]
        return np.array([[cell.mean((0, 1)) for cell in row] for row in means])

    reference = small(painter.portrait(SEED, 5, "real", 160).picture)
    other = painter.portrait(SEED, 5, "real", size).picture
    assert other.shape == (size, size, 3)
    assert np.abs(small(other) - reference).mean() < 4


@pytest.mark.parametrize(("smooth", "rule"), [(True, Image.Resampling.BICUBIC), (False, Image.Resampling.BILINEAR)])
def test_doubling_gives_what_pillow_gives(smooth, rule):
    soft = np.random.default_rng(0).uniform(-1, 1, (SOFT, SOFT)).astype(np.float32)
    whole = np.asarray(Image.fromarray(soft).resize((2 * SOFT, 2 * SOFT), rule))
    inner = slice(4, -4)
    np.testing.assert_allclose(resized(soft, 2 * SOFT, smooth=smooth)[inner, inner], whole[inner, inner], atol=1e-5)
    canvas, window = Canvas(SOFT), (slice(31, 98), slice(200, 289))
    patch = canvas.soft(window, 4)
    part = canvas.fine(soft[patch], window, patch, smooth)
    np.testing.assert_allclose(part, whole[window], atol=1e-5)


def test_power_is_a_power():
    base = np.linspace(0, 3, 50, dtype=np.float32)
    np.testing.assert_allclose(power(base, 2.3), base**2.3, rtol=1e-5, atol=1e-12)


def test_camera_curve_rises_from_black_to_white():
    levels = camera._tone(np.linspace(0, 3, 2000, dtype=np.float32))
    assert levels[0] == 0 and levels[-1] >= 250
    assert (np.diff(levels.astype(int)) >= 0).all() and len(np.unique(levels)) > 200


def test_parts_name_what_is_drawn():
    seen = set()
    for index in range(12):
        drawn = painter.portrait(SEED, index, "real", 80)
        names = {PARTS[i] for i in np.unique(drawn.parts)}
        assert {"background", "skin", "eye", "nose", "mouth", "clothing"} <= names
        assert ("hair" in names) == (drawn.who.hair != "bald")
        assert ("glasses" in names) == (drawn.who.glasses != "none")
        assert ("earring" in names) == (drawn.who.earrings != "none")
        assert ("teeth" in names) >= (drawn.who.expression == "laughing")
        seen |= names
    assert seen >= set(PARTS) - {"beard"}


def test_eyes_of_an_authentic_pair_agree_and_spoilt_ones_do_not():
    index, _ = first("eyes")
    who = person.person(SEED, index)
    scene = Scene(SEED, index, who, shape(stream(SEED, index, "shape"), who), Canvas(64))
    left, right = eyes.looks(scene)
    assert left == right
    odd_left, odd_right = flaws.unlike_eyes(scene, (left, right), 0.5)
    assert odd_left != odd_right and left in (odd_left, odd_right)


@pytest.mark.parametrize("size", [64, 160, 512])
def test_jpeg_is_padded_to_a_record_and_stays_readable(size):
    noisy = np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype=np.uint8)
    flat = np.full((size, size, 3), 128, np.uint8)
    record = 2048 + size * size * 3 // 4
    for picture in (noisy, flat):
        data = camera.jpeg(picture)
        assert len(data) % record == 0
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG" and image.size == (size, size)
            assert np.abs(np.asarray(image).astype(int) - picture).mean() < 12
