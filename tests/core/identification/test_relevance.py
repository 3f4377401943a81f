"""Token maps, written slowly with loops for one image; and what must hold for every tower and every reading."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from asap_core.errors import EncoderError, SettingsError
from asap_core.identification import attention, direct, relevance
from asap_core.learning import encoder
from asap_core.learning.detector import Detector
from asap_core.learning.distiller import Distiller
from asap_core.learning.encoder import Encoder, EncoderSettings
from asap_core.learning.spelling import Standard

CASES = [(name, layers) for name in ("asap-plain", "asap-average", "mini") for layers in ("last", "all")]


def opened(towers: Path, name: str, layers: str) -> Encoder:
    full = name if name == "mini" else f"{name}/{towers / name}.safetensors"
    return encoder.open(EncoderSettings(full, layers, "cpu"))


def pictures(eye: Encoder, n: int) -> Tensor:
    side = eye.tower.image_size
    return torch.randint(0, 256, (n, 3, side, side), generator=torch.Generator().manual_seed(4), dtype=torch.uint8)


def random_detector(width: int, k: int = 12, d: int = 4) -> Detector:
    """A detector of random numbers, with everything in it that a real one has: three heads that differ."""
    dice = np.random.default_rng(8)
    matrix = np.linalg.qr(dice.normal(size=(width, k)))[0].T.astype(np.float32)
    weight = dice.normal(size=(d, k)).astype(np.float32)
    standard = Standard(*(part.astype(np.float32) for part in (dice.normal(size=width), dice.uniform(0.5, 2, width))))
    return Detector(standard, matrix, Distiller(weight, dice.normal(size=d).astype(np.float32),
                    dice.uniform(0.1, 1, (3, d)).astype(np.float32), np.array([0.3, -0.2, 0.5], np.float32), 1.0,
                    np.zeros(d, np.float32)))  # fmt: skip


def slow(eye: Encoder, detector: Detector, image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """One image's maps (d, g, g) and remainder (d,), number by number, from the formulas in the module's docstring."""
    visual, (rows, columns) = eye.tower.visual, eye.grid
    blocks = list(visual.transformer.resblocks)  # pyright: ignore
    held: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    watched = [*eye.tower.blocks, *blocks, *(block.attn for block in blocks)]
    hooks = [each.register_forward_hook(lambda m, i, o: held.__setitem__(m, (i[0], o))) for each in watched]
    read = eye.tower.read(image[None], eye.layers == "all")
    for hook in hooks:
        hook.remove()
    reading = (read[0] if eye.layers == "last" else read[1]).double().numpy()[0]  # pyright: ignore
    learnt, standard = detector.distiller, detector.standard
    spelt = detector.matrix.astype(float) / standard.scale
    size = np.linalg.norm(spelt @ (reading - standard.mean))
    weight = learnt.weight.astype(float) @ spelt / size  # (d, e)
    constant = learnt.bias - weight @ standard.mean

    def taken(block, target: np.ndarray) -> np.ndarray:
        """What [CLS] takes from every token in a block, for a target (w,) in the residual stream: (t,)."""
        tokens, heads = held[block.attn][0][0].double().numpy(), block.attn.num_heads
        w = tokens.shape[1]
        q, k, v = (
            tokens @ block.attn.in_proj_weight[s : s + w].double().numpy().T
            + block.attn.in_proj_bias[s : s + w].numpy()
            for s in (0, w, 2 * w)
        )
        out, each = block.attn.out_proj.weight.double().numpy(), w // heads
        total = np.zeros(len(tokens))
        for h in range(heads):
            part = slice(h * each, (h + 1) * each)
            scores = np.exp(q[0, part] @ k[:, part].T / np.sqrt(each))
            for j in range(len(tokens)):
                total[j] += scores[j] / scores.sum() * (target @ out[:, part] @ v[j, part])
        return total[1:]

    maps = np.zeros((len(weight), rows, columns))
    spatial = np.zeros(len(weight))

    def lay(target: int, values: np.ndarray) -> None:
        """Add a finer or coarser map, by area."""
        spatial[target] += values.sum()
        for y, x in np.ndindex(*values.shape):
            tall, wide = values.shape[0] / rows, values.shape[1] / columns
            for gy in range(int(y / tall), int(np.ceil((y + 1) / tall))):
                for gx in range(int(x / wide), int(np.ceil((x + 1) / wide))):
                    over = (min(y + 1, (gy + 1) * tall) - max(y, gy * tall)) * (
                        min(x + 1, (gx + 1) * wide) - max(x, gx * wide)
                    )
                    maps[target, gy, gx] += over * values[y, x]

    if eye.layers == "last":
        post = visual.ln_post
        tokens = held[blocks[-1]][1][0].double().detach().numpy()
        for k in range(len(weight)):
            back = post.weight.detach().double().numpy() * (visual.proj.detach().double().numpy() @ weight[k])  # pyright: ignore
            back = back - back.mean()
            pooled = tokens[0] if visual.pool_type == "tok" else tokens[1:].mean(0)  # pyright: ignore
            back = back / np.sqrt(pooled.var() + post.eps)  # pyright: ignore
            if visual.pool_type == "tok":
                for block in blocks:
                    lay(k, taken(block, back).reshape(rows, columns))
            else:
                lay(k, (tokens[1:] @ back / len(tokens[1:])).reshape(rows, columns))
    else:
        start = 0
        for number, block in enumerate(eye.tower.blocks):
            output = held[block][1][0].double().detach().numpy()
            if output.ndim == 2:
                w = output.shape[1]
                for k in range(len(weight)):
                    for earlier in [each for each in blocks if each in list(eye.tower.blocks)[: number + 1]]:
                        lay(k, taken(earlier, weight[k, start : start + w]).reshape(rows, columns))
                start, output = start + w, output[1:].T.reshape(w, rows, columns)
            c, h, w = output.shape
            mean, deviation = output.mean((1, 2)), output.std((1, 2))
            for k in range(len(weight)):
                m, s = weight[k, start : start + c], weight[k, start + c : start + 2 * c]
                share = np.einsum("c,chw->hw", m, output) / (h * w)
                squares = (output - mean[:, None, None]) ** 2
                share += np.einsum("c,chw->hw", s / np.maximum(deviation, 1e-12), squares) / (h * w)
                lay(k, share)
            start += 2 * c
        assert start == len(reading)
    return maps, weight @ reading + constant - spatial


@pytest.mark.parametrize(("name", "layers"), CASES)
def test_direct_is_its_formula_written_slowly(towers: Path, name: str, layers: str):
    eye = opened(towers, name, layers)
    eye.tower.visual.double()
    detector, image = random_detector(eye.width), pictures(eye, 1)
    with torch.no_grad():
        maps, remainder = slow(eye, detector, image[0])
    found = relevance.token_maps(eye, detector, image, range(4))
    scale = np.abs(maps).max()
    np.testing.assert_allclose(found.maps[0], maps, atol=1e-9 * scale, rtol=0)
    np.testing.assert_allclose(found.remainder[0], remainder, atol=1e-9 * max(scale, 1), rtol=0)
    np.testing.assert_allclose(found.profile[0].sum(1), maps.sum((1, 2)), atol=1e-9 * scale)


@pytest.mark.parametrize(("name", "layers"), CASES)
def test_maps_and_remainder_are_the_detectors_own_values(towers: Path, name: str, layers: str):
    eye = opened(towers, name, layers)
    detector, images = random_detector(eye.width), pictures(eye, 6)
    judged = detector.judge(eye.encode(images).used)
    found = relevance.token_maps(eye, detector, images)
    total = (found.maps.sum((2, 3)) + found.remainder).numpy()
    np.testing.assert_allclose(total[:, :-1], judged.distilled, atol=1e-4)
    np.testing.assert_allclose(total[:, -1], judged.logits, atol=1e-4)
    assert found.maps.shape == (6, 5, *eye.grid)


@pytest.mark.parametrize(("name", "layers"), CASES)
@pytest.mark.parametrize("method", ["direct", "libra", "paper"])
def test_a_logit_is_that_of_each_images_own_head(towers: Path, name: str, layers: str, method: str):
    eye = opened(towers, name, layers)
    detector, images, folds = random_detector(eye.width), pictures(eye, 5), np.array([2, 0, 1, 0, 2])
    judged = detector.judge(eye.encode(images).used, folds)
    assert np.abs(judged.logits - detector.judge(eye.encode(images).used).logits).min() > 1e-3
    found = relevance.token_maps(eye, detector, images, ["logit", 1], method, folds)
    total = (found.maps.sum((2, 3)) + found.remainder).numpy()
    np.testing.assert_allclose(total[:, 0], judged.logits, atol=1e-4)
    np.testing.assert_allclose(total[:, 1], judged.distilled[:, 1], atol=1e-4)
    for row, fold in enumerate(folds.tolist()):
        alone = relevance.token_maps(eye, detector.of_fold(fold), images[[row]], ["logit"], method)
        torch.testing.assert_close(found.maps[row, 0], alone.maps[0, 0], atol=1e-5, rtol=1e-3)


def test_a_logits_map_is_the_heads_sum_of_the_dimensions_maps(towers: Path):
    eye = opened(towers, "mini", "all")
    detector = random_detector(eye.width)
    found = relevance.token_maps(eye, detector, pictures(eye, 2))
    summed = torch.einsum("d,ndhw->nhw", torch.from_numpy(detector.distiller.head), found.maps[:, :-1])
    torch.testing.assert_close(summed, found.maps[:, -1], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("name", "layers"), CASES)
def test_a_batch_equals_its_images_and_some_targets_equal_all(towers: Path, name: str, layers: str):
    eye = opened(towers, name, layers)
    detector, images = random_detector(eye.width), pictures(eye, 5)
    together = relevance.token_maps(eye, detector, images)
    alone = relevance.token_maps(eye, detector, images[3:4], [2, "logit"])
    torch.testing.assert_close(together.maps[3:4, [2, 4]], alone.maps, atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(together.profile[3:4, [2, 4]], alone.profile, atol=1e-5, rtol=1e-3)


def test_recording_changes_no_output_and_leaves_the_model_as_it_was(towers: Path):
    eye = opened(towers, "mini", "all")
    visual, images = eye.tower.visual, pictures(eye, 3)
    before, modules = eye.encode(images), list(visual.modules())
    heard: list[tuple[int, Tensor]] = []
    blocks = list(visual.transformer.resblocks)  # pyright: ignore
    for whole in (False, True):
        with attention.recording(blocks, lambda number, weights, _: heard.append((number, weights)), whole):
            during = eye.encode(images)
        np.testing.assert_allclose(during.used, before.used, atol=1e-4)
    assert [number for number, _ in heard] == [*range(len(blocks))] * 2
    torch.testing.assert_close(heard[0][1], heard[len(blocks)][1][:, :, 0])  # [CLS]'s row of all rows
    torch.testing.assert_close(heard[0][1].sum(-1), torch.ones(3, 4))
    with pytest.raises(ZeroDivisionError), attention.recording(blocks, lambda *_: 1 / 0):  # type: ignore[arg-type]
        eye.encode(images)
    assert list(visual.modules()) == modules and not any(module._forward_hooks for module in modules)
    np.testing.assert_array_equal(eye.encode(images).used, before.used)


@pytest.mark.parametrize("name", ["asap-pooler", "asap-resnet"])
def test_towers_that_cannot_be_followed_say_so(towers: Path, name: str):
    eye = opened(towers, name, "last")
    with pytest.raises(EncoderError, match="token maps need a vision transformer"):
        relevance.token_maps(eye, random_detector(eye.width), pictures(eye, 1))


def test_unknown_methods_are_answered_with_what_there_is(towers: Path):
    eye = opened(towers, "asap-plain", "last")
    with pytest.raises(SettingsError, match="expected direct, libra, signed_attention, paper"):
        relevance.token_maps(eye, random_detector(eye.width), pictures(eye, 1), method="chefer")


@pytest.mark.parametrize(("of", "onto"), [(7, 3), (3, 7), (4, 12), (12, 4), (5, 5)])
def test_changing_the_grid_keeps_the_sum(of: int, onto: int):
    values = torch.rand(2, 3, of, of, dtype=torch.float64)
    change = direct.summed if of > onto else direct.spread_out
    changed = change(values, (onto, onto))
    assert changed.shape == (2, 3, onto, onto)
    torch.testing.assert_close(changed.sum((2, 3)), values.sum((2, 3)))
