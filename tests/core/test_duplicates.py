"""Duplicates: copies are found, what only looks empty is not, and the fast way agrees with the slow one."""

from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from scipy.fft import dctn

from asap_core import duplicates
from asap_core.duplicates import SIDE
from tests import hostile


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))


def groups(images: list[Image.Image]) -> list[int]:
    """Groups of images whose contents all differ."""
    digests = [i.to_bytes(32, "big") for i in range(len(images))]
    return duplicates.group(digests, np.stack([grey(image) for image in images])).tolist()


def slow_hash(picture: np.ndarray) -> int:
    """The signs of the lowest frequencies but the first, nearest to the corner first."""
    spectrum: np.ndarray = np.asarray(dctn(picture.astype(float), type=2))
    places = [(u, v) for u in range(SIDE) for v in range(SIDE)]
    places.sort(key=lambda place: place[0] ** 2 + place[1] ** 2)  # rows first among equals
    bits = ["1" if spectrum[place] > 0 else "0" for place in places[1:65]]
    return int("".join(bits), 2)


def slow_candidates(numbers: list[int]) -> set[tuple[int, int]]:
    found = set()
    for (i, a), (j, b) in combinations(enumerate(numbers), 2):
        bands = any((a >> shift) % 65536 == (b >> shift) % 65536 for shift in (0, 16, 32, 48))
        if bands and (a ^ b).bit_count() <= duplicates.NEAR:
            found.add((i, j))
    return found


def slow_groups(digests: list[bytes], pictures: np.ndarray) -> list[int]:
    """Join whatever is alike, again and again until nothing changes."""
    labels = list(range(len(digests)))
    numbers = [slow_hash(picture) for picture in pictures]
    near = slow_candidates(numbers)
    joined = []
    for i, j in combinations(range(len(digests)), 2):
        a, b = pictures[i].astype(float), pictures[j].astype(float)
        alike = min(a.std(), b.std()) >= duplicates.CONTRAST
        alike &= (a - b).std() <= duplicates.DIFFERENCE * min(a.std(), b.std())
        if digests[i] == digests[j] or ((i, j) in near and alike):
            joined.append((i, j))
    for _ in labels:
        for i, j in joined:
            labels[i] = labels[j] = min(labels[i], labels[j])
    return [sorted(set(labels)).index(label) for label in labels]


def family(seed: int, size: int, noise: float) -> np.ndarray:
    """Pictures of which about each third is a noisy copy of an earlier one, (size, SIDE, SIDE)."""
    rng = np.random.default_rng(seed)
    pictures: list[np.ndarray] = []
    for i in range(size):
        if i and rng.random() < 0.3:
            picture = pictures[rng.integers(i)] + rng.normal(0, noise, (SIDE, SIDE))
        else:
            picture = grey(hostile.picture(int(rng.integers(10_000)))).astype(float)
        pictures.append(np.clip(picture, 0, 255))
    return np.stack(pictures).astype(np.uint8)


def test_hashes_are_those_of_the_slow_way():
    pictures = family(1, 50, 3)
    assert duplicates.hashes(pictures).tolist() == [slow_hash(picture) for picture in pictures]


@pytest.mark.parametrize("seed", range(6))
def test_candidates_are_those_of_the_slow_way(seed: int):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 2**63, 60, dtype=np.uint64) * np.uint64(2)
    for i in range(30):  # some that are 0 to 19 bits from another
        flips = sum(1 << int(bit) for bit in rng.choice(64, rng.integers(0, 20), replace=False))
        numbers[i] = numbers[30 + rng.integers(30)] ^ np.uint64(flips)
    batches = duplicates.candidates(numbers)
    found = {(min(pair), max(pair)) for a, b in batches for pair in zip(a.tolist(), b.tolist(), strict=True)}
    assert found == slow_candidates(numbers.tolist())
    assert len(found) > 3


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("noise", [2.0, 8.0])
def test_groups_are_those_of_the_slow_way(seed: int, noise: float):
    pictures = family(seed, 60, noise)[np.arange(60) % 55]  # five have the content of another
    digests = [bytes([i % 55]) * 32 for i in range(60)]
    found = duplicates.group(digests, pictures).tolist()
    assert found == slow_groups(digests, pictures)
    assert 10 < len(set(found)) < 60


def again(image: Image.Image, quality: int) -> Image.Image:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


CHANGES = {
    "JPEG at quality 30": lambda image: again(image, 30),
    "half the size": lambda image: image.resize((160, 120)),
    "twice the size": lambda image: image.resize((640, 480)),
    "another shape": lambda image: image.resize((200, 200)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.08),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.15),
    "without colour": lambda image: image.convert("L"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found(change: str):
    originals = [hostile.picture(seed, (320, 240)) for seed in range(20)]
    found = groups(originals + [CHANGES[change](image) for image in originals])
    assert found[:20] == list(range(20))
    assert np.equal(found[20:], found[:20]).sum() >= 18  # a hash may miss a copy; it joins no strangers
    assert len(set(found)) <= 22


def test_different_images_stay_apart():
    assert groups([hostile.picture(seed, (64, 64)) for seed in range(300)]) == list(range(300))


def test_the_same_shapes_with_other_details_stay_apart():
    """Nearly equal in the frequencies of the hash: only the pictures themselves can tell."""
    plain = grey(hostile.picture(1)).astype(float) * 0.5 + 64
    fine = 0.4 * plain.std() * (-1.0) ** np.add.outer(np.arange(SIDE), np.arange(SIDE))
    pictures = np.stack([plain, plain + fine, plain + 1]).astype(np.uint8)
    assert any(len(a) for a, _ in duplicates.candidates(duplicates.hashes(pictures[:2])))
    assert duplicates.group([b"a", b"b", b"c"], pictures).tolist() == [0, 1, 0]


def test_mirrored_images_stay_apart():
    image = hostile.picture(1, (64, 64))
    assert groups([image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]) == [0, 1]


def blank(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    level = int(rng.integers(256))
    return Image.fromarray(np.clip(rng.normal(level, 3, (64, 64)), 0, 255).astype(np.uint8))


def test_blank_images_are_not_duplicates_of_one_another():
    white = [Image.new("L", (64, 64), 255) for _ in range(5)]
    assert groups([blank(seed) for seed in range(60)] + white) == list(range(65))


def test_small_figures_on_white_are_told_apart():
    """Most of the picture is equal; what differs is small, but it is all there is."""
    images = []
    for row in range(4):
        for column in range(4):
            image = Image.new("L", (64, 64), 255)
            ImageDraw.Draw(image).rectangle((16 * column, 16 * row, 16 * column + 11, 16 * row + 11), fill=0)
            images.append(image)
    assert groups(images) == list(range(16))


def test_equal_contents_share_a_group_whatever_they_show():
    pictures = np.stack([grey(blank(0))] * 3)
    assert duplicates.group([b"a" * 32, b"b" * 32, b"a" * 32], pictures).tolist() == [0, 1, 0]


def test_numbers_are_in_order_of_first_appearance():
    pictures = family(3, 80, 2.0)
    found = duplicates.group([i.to_bytes(32, "big") for i in range(80)], pictures)
    _, first = np.unique(found, return_index=True)
    assert (np.diff(first) > 0).all()
    assert found[0] == 0


def test_a_single_image_and_none():
    assert groups([hostile.picture(1)]) == [0]
    empty = np.empty((0, SIDE, SIDE), np.uint8)
    assert duplicates.group([], empty).tolist() == []


@pytest.mark.parametrize("crowded", [False, True])
def test_many_hashes_cost_little(crowded: bool):
    """Also where all of them agree in a band, nobody is compared with more than a few others."""
    numbers = np.random.default_rng(0).integers(0, 2**63, 50_000, dtype=np.uint64)
    if crowded:
        numbers >>= np.uint64(16)  # the highest band of all is zero
    pairs = list(duplicates.candidates(numbers))
    assert len(pairs) <= 4 * duplicates.WINDOW
    for a, b in pairs:
        assert (np.bitwise_count(numbers[a] ^ numbers[b]) <= duplicates.NEAR).all()


def test_thousands_of_frames_of_one_scene_are_one_group():
    scene = grey(hostile.picture(1)).astype(float)
    noise = np.random.default_rng(0).normal(0, 2, (3000, SIDE, SIDE))
    frames = np.clip(scene + noise, 0, 255).astype(np.uint8)
    found = duplicates.group([i.to_bytes(32, "big") for i in range(3000)], frames)
    assert not found.any()
