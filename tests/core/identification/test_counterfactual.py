"""Images judged again without a region: against one image computed slowly, and what must hold for every tower."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from asap_core.errors import EncoderError, SettingsError
from asap_core.identification import counterfactual, occlusion
from asap_core.learning.detector import Judged
from asap_core.learning.encoder import Encoder
from tests.core.identification.test_relevance import CASES, opened, pictures, random_detector


def masks(eye: Encoder, n: int) -> Tensor:
    """A region an image (n, g, g), of different sizes, the first of none."""
    dice = torch.rand((n, *eye.grid), generator=torch.Generator().manual_seed(2))
    gone = dice < torch.linspace(0, 0.7, n)[:, None, None]
    return gone.float()


def slow(eye: Encoder, image: Tensor, gone: Tensor) -> np.ndarray:
    """One image's reading without tokens, position by position and channel by channel."""
    visual, reading = eye.tower.visual, []
    blocks = list(visual.transformer.resblocks)  # pyright: ignore
    outputs: list[Tensor] = []
    stages = eye.tower.blocks[: len(eye.tower.blocks) - len(blocks)] if eye.layers == "all" else []
    (rows, columns), held = eye.grid, gone.tolist()
    hooks = [stage.register_forward_hook(lambda m, i, o: outputs.append(o[0].double())) for stage in stages]
    entered: list[Tensor] = []
    hooks.append(visual.transformer.register_forward_pre_hook(lambda m, i: entered.append(i[0])))  # pyright: ignore
    eye.encode(image[None])
    for hook in hooks:
        hook.remove()
    for output in outputs:
        h, w = output.shape[1:]
        weight = np.zeros((h, w))
        for y, x in np.ndindex(h, w):  # of a position, its quarters: each lies in one token
            for i, j in np.ndindex(2, 2):
                row, column = (y + (i + 0.5) / 2) / h * rows, (x + (j + 0.5) / 2) / w * columns
                weight[y, x] += 0.25 * (not held[int(row)][int(column)])
        values = output.numpy().reshape(len(output), -1)
        mean = np.array([np.average(channel, weights=weight.ravel()) for channel in values])
        square = [np.average((c - m) ** 2, weights=weight.ravel()) for c, m in zip(values, mean, strict=True)]
        reading += [mean, np.sqrt(square)]
    with torch.inference_mode():
        x = entered[0][:, [0] + [1 + place for place in range(gone.numel()) if not gone.flatten()[place]]]
        for block in blocks:
            x = block(x)
            patches = x[0, 1:].double().numpy()
            reading += [x[0, 0].numpy(), patches.mean(0), patches.std(0)]
        if eye.layers == "last":
            pooled = visual.ln_post(x[0, 0] if visual.pool_type == "tok" else x[0, 1:].mean(0))  # pyright: ignore
            return (pooled @ visual.proj).numpy()  # pyright: ignore
    return np.concatenate(reading)


@pytest.mark.parametrize(("name", "layers"), CASES)
def test_dropped_tokens_are_gone_from_all_that_is_read(towers: Path, name: str, layers: str):
    eye = opened(towers, name, layers)
    images, gone = pictures(eye, 3), masks(eye, 3).bool()
    found = occlusion.Dropping(eye, images).readings(gone[:, None])[:, 0]
    for image, region, reading in zip(images, gone, found, strict=True):
        expected = slow(eye, image, region)
        np.testing.assert_allclose(reading, expected, atol=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("occluder", occlusion.OCCLUDERS)
@pytest.mark.parametrize(("name", "layers"), CASES)
def test_nothing_held_changes_nothing_in_any_order_and_the_model_stays(
    towers: Path, name: str, layers: str, occluder: str
):
    eye = opened(towers, name, layers)
    detector, images = random_detector(eye.width), pictures(eye, 4)
    donors, held = images.flip(0), masks(eye, 4)
    before, modules = eye.encode(images).used, list(eye.tower.visual.modules())
    plain = detector.judge(before)
    same = counterfactual.without(eye, detector, images, torch.zeros_like(held), occluder, donors)
    np.testing.assert_allclose(same.logits, plain.logits, atol=2e-4)
    np.testing.assert_allclose(same.distilled, plain.distilled, atol=5e-4)
    found = counterfactual.without(eye, detector, images, held, occluder, donors)
    assert np.abs(found.logits[1:] - plain.logits[1:]).min() > 1e-5
    order = [2, 0, 3, 1]
    turned = counterfactual.without(eye, detector, images[order], held[order], occluder, donors[order])
    np.testing.assert_allclose(turned.logits, found.logits[order], atol=2e-4)
    assert list(eye.tower.visual.modules()) == modules
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    np.testing.assert_array_equal(eye.encode(images).used, before)


@pytest.mark.parametrize("occluder", ["drop", "mean"])
def test_many_regions_of_an_image_are_each_judged_alone(towers: Path, occluder: str):
    eye = opened(towers, "mini", "all")
    detector, images = random_detector(eye.width), pictures(eye, 2)
    held = torch.stack([masks(eye, 3), masks(eye, 3).flip(0)])  # (2, 3, g, g)
    found = counterfactual.each_without(eye, detector, images, held, occluder).logits
    for number, (image, m) in enumerate(np.ndindex(2, 3)):
        alone = counterfactual.without(eye, detector, images[[image]], held[image, m][None], occluder)
        np.testing.assert_allclose(found[number], alone.logits[0], atol=2e-4)


def test_what_is_held_by_half_is_taken_else_what_is_held_most():
    held = torch.tensor([[[0.5, 0.2], [0.9, 0.0]], [[0.1, 0.2], [0.0, 0.0]], [[1, 1], [0.8, 1]], [[0, 0], [0, 0]]])
    expected = [[[1, 0], [1, 0]], [[0, 1], [0, 0]], [[1, 1], [0, 1]], [[0, 0], [0, 0]]]
    np.testing.assert_array_equal(occlusion.taken(held), np.array(expected, bool))
    np.testing.assert_array_equal(occlusion.taken(held.numpy() >= 0.5)[0], np.array(expected[0], bool))


def test_painting_stays_inside_the_region():
    image = torch.randint(0, 256, (1, 3, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    gone = torch.zeros(1, 4, 4, dtype=torch.bool)
    gone[0, 1, 2] = True
    where = np.zeros((32, 32), bool)
    where[8:16, 16:24] = True
    for occluder in occlusion.OCCLUDERS[1:]:
        found = occlusion.painted(image, gone, occluder, 255 - image).numpy()[0]
        np.testing.assert_array_equal(found[:, ~where], image.numpy()[0][:, ~where])
        inside = found[:, where].astype(float)
        if occluder == "mean":
            np.testing.assert_allclose(inside, image.float().mean((2, 3)).numpy().T @ np.ones((1, 64)), atol=0.51)
        elif occluder == "swap":
            np.testing.assert_array_equal(inside, 255 - image.numpy()[0][:, where])
        else:
            assert inside.std() < 0.2 * image.float().std().item()


def test_what_cannot_be_done_is_said(towers: Path):
    eye = opened(towers, "asap-plain", "last")
    detector, images = random_detector(eye.width), pictures(eye, 2)
    held = torch.ones((2, *eye.grid))
    with pytest.raises(SettingsError, match="no occluder 'black': expected drop, mean, blur, swap"):
        counterfactual.without(eye, detector, images, held, "black")
    with pytest.raises(SettingsError, match="a donor for each image"):
        counterfactual.without(eye, detector, images, held, "swap")
    with pytest.raises(EncoderError, match="attention pooling"):
        counterfactual.without(opened(towers, "asap-pooler", "last"), detector, images, held)


def judged(logits: np.ndarray, distilled: np.ndarray | None = None) -> Judged:
    d = np.zeros((len(logits), 2), np.float32) if distilled is None else distilled
    return Judged(d, d, np.asarray(logits, np.float32), np.asarray(logits, np.float32))


def test_what_maps_predict_of_a_mean_is_exact():
    """A logit that is a mean over tokens, and its map: dropping and painting, as arithmetic."""
    rng = np.random.default_rng(0)
    worth, usual, gone = rng.normal(size=(5, 4, 4)), rng.normal(size=(4, 4)), rng.random((5, 4, 4)) < 0.3
    dropped = counterfactual.predicted(worth / 16, gone)
    painted = counterfactual.predicted(worth / 16, gone, usual / 16)
    for i in range(5):
        assert dropped[i] == pytest.approx(worth[i][~gone[i]].mean() - worth[i].mean())
        assert painted[i] == pytest.approx(np.where(gone[i], usual, worth[i]).mean() - worth[i].mean())


def test_an_effect_counts_flips_and_measures_agreement():
    rng = np.random.default_rng(1)
    before = rng.normal(1, 2, 200)
    expected = rng.normal(-1, 1, 200)
    after = before + 0.5 * expected + rng.normal(0, 0.1, 200)
    distilled = rng.normal(size=(2, 200, 2)).astype(np.float32)
    found = counterfactual.effect(judged(before, distilled[0]), judged(after, distilled[1]), expected, 0)
    assert found.images == 200
    assert found.change[0] == pytest.approx((after - before).mean(), abs=1e-6)
    assert found.change[1] < found.change[0] < found.change[2]
    assert found.flips[0] == np.mean((before > 0) != (after > 0)) and 0 < found.flips[1] < found.flips[2] < 1
    assert found.correlation is not None and found.slope is not None
    assert found.correlation[0] == pytest.approx(np.corrcoef(expected, after - before)[0, 1], abs=1e-4)
    assert found.slope[0] == pytest.approx(np.polyfit(expected, after - before, 1)[0], abs=1e-4)
    assert found.slope[1] < found.slope[0] < found.slope[2] and abs(found.slope[0] - 0.5) < 0.03
    np.testing.assert_allclose(found.dimensions, (distilled[1] - distilled[0]).mean(0), atol=1e-6)
    few = counterfactual.effect(judged(before[:2]), judged(after[:2]), expected[:2], 0)
    assert few.correlation is None and few.slope is None
