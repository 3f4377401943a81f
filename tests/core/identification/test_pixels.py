"""Pixel maps lie where they belong; groups are connected, signed, and add up."""

import numpy as np
import pytest
from PIL import Image

from asap_core.identification import pixels
from asap_core.identification.pixels import Levels, PixelGroup
from asap_core.learning import encoder, mini
from asap_core.learning.encoder import EncoderSettings

WHOLE = (0.0, 0.0, 48.0, 48.0)


def groups(logit_map: np.ndarray, sharp: float, broad: float = np.inf) -> list[PixelGroup]:
    """The groups of a map of one dimension."""
    return pixels.groups(logit_map, logit_map[None], Levels(sharp, broad), WHOLE, (48, 48))


def bump(across: float, down: float, width: float = 1.0, grid: int = 12) -> np.ndarray:
    y, x = np.mgrid[:grid, :grid]
    return np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * width**2)).astype(np.float32)


def test_a_map_is_bilinear_between_the_tokens_centres_and_nothing_where_nothing_is_seen():
    rng = np.random.default_rng(0)
    token_map, seen, size = rng.normal(size=(5, 5)).astype(np.float32), (10.0, 4.0, 40.0, 34.0), (50, 38)
    found = pixels.enlarge(token_map, seen, size)
    assert found.shape == (38, 50)
    for y, x in rng.integers(0, 38, (200, 2)):
        u, v = (x + 0.5 - 10) / 6 - 0.5, (y + 0.5 - 4) / 6 - 0.5  # tokens, from the first one's centre
        if not (-0.5 <= u < 4.5 and -0.5 <= v < 4.5):
            assert found[y, x] == 0
            continue
        u, v = np.clip(u, 0, 4), np.clip(v, 0, 4)
        i, j = min(int(v), 3), min(int(u), 3)
        a, b = v - i, u - j
        corners = token_map[i : i + 2, j : j + 2]
        assert found[y, x] == pytest.approx(np.array([1 - a, a]) @ corners @ np.array([1 - b, b]), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "size"), [("mini", (300, 220)), ("mini", (90, 120)), ("mini", (700, 1000)), ("plain", (70, 50))]
)
def test_what_is_seen_is_where_the_encoder_looks(name: str, size: tuple[int, int], plain: str):
    """A bright square is put where a token says it looks; that token, and no other, sees it."""
    eye = encoder.open(EncoderSettings("mini" if name == "mini" else plain, "last", "cpu"))
    left, top, right, _ = eye.tower.box(size)
    side, rows = eye.tower.image_size, eye.grid[0]
    token = (right - left) / rows
    row, column = rows // 2, rows // 3
    image = Image.new("RGB", size)
    corner = (round(left + column * token), round(top + row * token))
    image.paste("white", (*corner, round(left + (column + 1) * token), round(top + (row + 1) * token)))
    seen = eye.prepare(image)[0].float().reshape(rows, side // rows, rows, side // rows).mean((1, 3))
    assert seen.argmax().item() == row * rows + column
    assert seen.max() > 0.8 * 255 and seen.sum() - seen.max() < 0.35 * 255


def test_each_kind_of_preparation_has_its_box():
    transform = mini.transform().transforms[0]
    assert transform.box((192, 500)) == (0, 154, 192, 346)
    assert transform.box((100, 60)) == (20, 0, 80, 60)
    assert transform.box((1024, 512)) == (320, 64, 704, 448)
    prepared = encoder.open_clip.transform.image_transform
    size = (80, 50)
    for mode, box in (("shortest", (15, 0, 65, 50)), ("squash", (0, 0, 80, 50)), ("longest", (0, -15, 80, 65))):
        tower = encoder.open(EncoderSettings("mini", "last", "cpu")).tower
        tower.crop = prepared(32, is_train=False, resize_mode=mode).transforms[:-2]  # pyright: ignore
        assert tower.box(size) == box


def test_groups_are_the_regions_above_and_below():
    logit_map = 2 * bump(2, 3) - 3 * bump(8, 8, 1.5) + 0.01
    shares = np.stack([0.7 * logit_map, 0.3 * logit_map])
    found = pixels.groups(logit_map, shares, Levels(0.5, np.inf), WHOLE, (48, 48))
    assert [np.sign(group.contribution) for group in found] == [-1, 1]
    strong, weak = found
    assert not (strong.mask & weak.mask).any()
    for group, across, down in ((strong, 8, 8), (weak, 2, 3)):
        np.testing.assert_allclose(group.centre, [(across + 0.5) / 12, (down + 0.5) / 12], atol=0.01)
        left, top, right, bottom = group.box
        assert left < 4 * (across + 0.5) < right and top < 4 * (down + 0.5) < bottom
        np.testing.assert_allclose(group.dimensions, [0.7 * group.contribution, 0.3 * group.contribution], rtol=1e-5)
        by_hand = sum(logit_map[y // 4, x // 4] / 16 for y, x in np.argwhere(group.mask))
        assert group.contribution == pytest.approx(by_hand, rel=1e-5)
        assert group.area == pytest.approx(group.mask.sum() / 48**2)


def test_two_bumps_are_one_group_where_the_valley_between_them_is_high():
    logit_map = bump(2, 5) + bump(8, 5)
    logit_map[4:7, 2:9] = np.maximum(logit_map[4:7, 2:9], 0.7)
    (whole,) = groups(logit_map, 0.3)
    assert len(groups(logit_map, 0.72)) == 2  # the level is above it
    logit_map[4:7, 4:7] = np.minimum(logit_map[4:7, 4:7], 0.4)  # a valley, still above the level
    cut = groups(logit_map, 0.3)
    assert len(cut) == 2
    assert not (cut[0].mask & cut[1].mask).any()
    assert ((cut[0].mask | cut[1].mask) & ~whole.mask).sum() == 0
    np.testing.assert_allclose(cut[0].held.sum(), cut[0].mask.sum() / 16)
    assert groups(logit_map, 2.0) == []
    speck = np.zeros((12, 12), np.float32)
    speck[4, 4] = 0.6  # hardly above the level, in a region smaller than half a token
    assert groups(speck, 0.5) == []


def test_an_image_in_which_nothing_speaks_has_no_groups():
    assert groups(np.full((12, 12), 0.01, np.float32), 0.1, 0.05) == []


def test_what_is_spread_thin_is_a_broad_group():
    dice = np.random.default_rng(0)
    logit_map = dice.normal(0, 0.2, (12, 12)).astype(np.float32)
    assert not any(group.broad for group in groups(logit_map, 1.0, 0.15))
    logit_map[3:9, 3:9] += 0.4
    (thin,) = (group for group in groups(logit_map, 1.0, 0.15) if group.broad)
    assert thin.held[4:8, 4:8].mean() > 0.95 and thin.held[[0, -1]].max() == 0
    assert thin.contribution == pytest.approx((thin.held * logit_map).sum(), rel=1e-4)
    (mirrored,) = (group for group in groups(-logit_map, 1.0, 0.15) if group.broad)
    assert mirrored.contribution == pytest.approx(-thin.contribution)


def test_what_stands_out_by_itself_is_no_broad_group_and_no_place_is_of_two():
    loud = 6 * bump(5, 5)
    assert [group.broad for group in groups(loud, 0.5, 0.05)] == [False]
    thin = np.full((12, 12), 0.3, np.float32)
    thin[:, 8:] = 0
    thin[5:7, 5:7] = 0.6  # above the level, but less than its surroundings are above theirs
    found = groups(thin, 0.5, 0.1)
    assert sorted(group.broad for group in found) == [False, True]
    assert np.sum([group.mask for group in found], axis=0).max() == 1
    both = thin + 6 * bump(3, 3)
    (broad,) = (group for group in groups(both, 0.5, 0.1) if group.broad)
    assert broad.held[3, 3] == 0 and broad.held[9:, 1:6].min() > 0.9


def test_a_loud_place_does_not_silence_what_is_spread_thin_around_it():
    thin = np.zeros((12, 12), np.float32)
    thin[2:10, 2:10] = 0.4
    loud = thin.copy()
    loud[5:7, 5:7] = 9
    level = 0.7 * pixels.surroundings(thin, 0.5).max()
    (whole,) = groups(thin, 0.5, level)
    (around,) = (group for group in groups(loud, 0.5, level) if group.broad)
    assert whole.broad and around.held[5:7, 5:7].max() == 0
    assert around.held[whole.held > 0].mean() > 0.4
