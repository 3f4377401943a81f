"""Gradient methods, written slowly for one image; the rule as it was published, and gradients that are complete."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from asap_core.identification import relevance
from asap_core.identification.direct import Pass
from asap_core.identification.targets import Linear
from asap_core.learning.encoder import Encoder
from tests.core.identification.test_relevance import CASES, opened, pictures, random_detector

METHODS = [method for method in relevance.METHODS if method != "direct"]


def forward(eye: Encoder, tokens: Tensor, attend: Callable, norm: Callable, gate: Callable) -> list[Tensor]:
    """One image's tokens (1 + t, w) through every block, head by head; what each block leaves."""
    left = []
    for number, block in enumerate(eye.tower.visual.transformer.resblocks):  # pyright: ignore
        inner, (q, k, v) = norm(tokens, block.ln_1), (None, None, None)
        w = tokens.shape[1]
        weight, bias = block.attn.in_proj_weight, block.attn.in_proj_bias
        q, k, v = (inner @ weight[s : s + w].T + bias[s : s + w] for s in (0, w, 2 * w))
        each = w // block.attn.num_heads
        heads = []
        for h in range(block.attn.num_heads):
            part = slice(h * each, (h + 1) * each)
            heads.append(attend(number, h, (q[:, part] @ k[:, part].T / each**0.5).softmax(1)) @ v[:, part])
        tokens = tokens + block.attn.out_proj(torch.cat(heads, 1))
        hidden = block.mlp.c_fc(norm(tokens, block.ln_2))
        tokens = tokens + block.mlp.c_proj(gate(hidden))
        left.append(tokens)
    return left


def plain_norm(tokens: Tensor, layer) -> Tensor:
    return torch.nn.functional.layer_norm(tokens, tokens.shape[1:], layer.weight, layer.bias, layer.eps)


def entering(eye: Encoder, image: Tensor) -> Tensor:
    """One image's tokens before the first block."""
    kept: list[Tensor] = []
    hook = eye.tower.visual.transformer.register_forward_pre_hook(lambda _, given: kept.append(given[0][0].clone()))  # pyright: ignore
    with torch.no_grad():
        eye.tower.joint(image[None])
    hook.remove()
    return kept[0]


def values(eye: Encoder, linear: Linear, left: list[Tensor], trunk: Tensor) -> Tensor:
    """The targets (T,) from what blocks leave, with all that bends in them."""
    if eye.layers == "all":
        pieces = [trunk]
        for tokens in left:
            patches = tokens[1:]
            pieces += [tokens[0], patches.mean(0), (patches - patches.mean(0)).square().mean(0).sqrt()]
        reading = torch.cat(pieces)
    else:
        visual, last = eye.tower.visual, left[-1]
        if visual.pool_type == "tok":
            pooled = plain_norm(last[:1], visual.ln_post)[0]
        else:  # the toy's is normalised after it was pooled
            pooled = plain_norm(last[1:].mean(0)[None], visual.ln_post)[0]
        reading = pooled @ visual.proj  # pyright: ignore
    return linear.values(reading[None])[0][0]


def prepared(towers: Path, name: str, layers: str) -> tuple:
    eye = opened(towers, name, layers)
    eye.tower.visual.double()
    detector, image = random_detector(eye.width), pictures(eye, 1)
    linear = Linear.of(detector, [0, 1, "logit"], torch.zeros((), dtype=torch.float64))
    body = sum(eye.tower.columns[: len(eye.tower.blocks) - len(eye.tower.visual.transformer.resblocks)])  # pyright: ignore
    with torch.no_grad():
        read = eye.tower.read(image, True)[1]
    return eye, detector, image, linear, entering(eye, image[0]), read[0, :body] if read is not None else torch.zeros(0)


@pytest.mark.parametrize(("name", "layers"), CASES)
def test_the_published_rule_and_its_signed_form(towers: Path, name: str, layers: str):
    eye, detector, image, linear, tokens, trunk = prepared(towers, name, layers)
    held: dict[tuple[int, int], Tensor] = {}

    def attend(number: int, head: int, weights: Tensor) -> Tensor:
        held[number, head] = weights.requires_grad_() if weights.is_leaf else weights
        return held[number, head]

    gate = torch.nn.functional.gelu
    found = values(eye, linear, forward(eye, tokens, attend, plain_norm, gate), trunk)
    blocks = max(number for number, _ in held) + 1
    heads = max(head for _, head in held) + 1
    for target in range(3):
        slopes = torch.autograd.grad(found[target], list(held.values()), retain_graph=True, allow_unused=True)
        product = {key: (slope * held[key]).detach() for key, slope in zip(held, slopes, strict=True)}
        rolled = torch.eye(len(tokens), dtype=torch.float64)
        for number in range(blocks):
            step = torch.stack([product[number, head].clamp(min=0) for head in range(heads)]).mean(0)
            if number == blocks - 1:
                last = step[0, 1:]
            rolled = rolled + step @ rolled
        signed = sum(product[blocks - 1, head] for head in range(heads))[0, 1:]  # pyright: ignore
        for method, expected in (
            ("paper", last),
            ("paper_all", rolled[0, 1:]),
            ("signed_attention", signed),
        ):
            maps = relevance.token_maps(eye, detector, image, [0, 1, "logit"], method).maps[0, target].flatten()
            scale = expected.abs().max().item() + 1e-12
            np.testing.assert_allclose(maps, expected, atol=1e-8 * scale)


@pytest.mark.parametrize(("name", "layers"), CASES)
def test_libra_is_the_gradient_of_a_network_in_which_nothing_bends(towers: Path, name: str, layers: str):
    eye, detector, image, linear, tokens, _ = prepared(towers, name, layers)
    visual, blocks = eye.tower.visual, len(eye.tower.visual.transformer.resblocks)  # pyright: ignore

    def norm(x: Tensor, layer) -> Tensor:
        size = (x.var(1, correction=0, keepdim=True) + layer.eps).sqrt().detach()
        return (x - x.mean(1, keepdim=True)) / size * layer.weight + layer.bias

    def gate(x: Tensor) -> Tensor:
        return x * (torch.nn.functional.gelu(x) / x).detach()

    with torch.no_grad():
        whole = forward(eye, tokens, lambda *given: given[2], plain_norm, torch.nn.functional.gelu)
        first = Pass(eye, detector, [0, 1, "logit"])
        direct = first.run(image)
    base = first.parts[0, :, : first.first].sum(1).flatten(1)  # the trunk's maps
    total = torch.zeros(3, len(tokens) - 1, dtype=torch.float64)
    starts = [tokens, *whole[:-1]]
    for entered in range(blocks):  # from every block's input on
        x = starts[entered].clone().requires_grad_()
        rest = torch.nn.Module()
        rest.tower, rest.layers = torch.nn.Module(), eye.layers  # pyright: ignore
        rest.tower.visual = torch.nn.Module()  # pyright: ignore
        rest.tower.visual.transformer = torch.nn.Module()  # pyright: ignore
        rest.tower.visual.transformer.resblocks = visual.transformer.resblocks[entered:]  # pyright: ignore
        left = forward(rest, x, lambda *given: given[2].detach(), norm, gate)  # pyright: ignore
        for later, out in enumerate(left):
            number = entered + later
            if layers == "all":
                weight = linear.weight.split(eye.tower.columns, 1)[first.first + number]
                centred = (out[1:] - out[1:].mean(0)).detach()
                spread = (centred * out[1:]).mean(0) / centred.square().mean(0).sqrt()
                read = weight @ torch.cat([out[0], out[1:].mean(0), spread]) / first.size[0]
            elif number == blocks - 1:
                pooled = out[0] if visual.pool_type == "tok" else out[1:].mean(0)  # pyright: ignore
                read = linear.weight @ (norm(pooled[None], visual.ln_post)[0] @ visual.proj)  # pyright: ignore
                read = read / linear.values(_joint(whole, visual)[None])[1][0]
            else:
                continue
            for target in range(3):
                slope = torch.autograd.grad(read[target], x, retain_graph=True)[0]
                total[target] += (x * slope).sum(1)[1:].detach() / (number + 1)
    found = relevance.token_maps(eye, detector, image, [0, 1, "logit"], "libra")
    expected = (base + total).numpy()
    np.testing.assert_allclose(found.maps[0].flatten(1), expected, atol=1e-8 * np.abs(expected).max())
    torch.testing.assert_close(found.values, direct.values)


def _joint(whole: list[Tensor], visual) -> Tensor:
    pooled = whole[-1][:1] if visual.pool_type == "tok" else whole[-1][1:].mean(0)[None]
    return plain_norm(pooled, visual.ln_post)[0] @ visual.proj


@pytest.mark.parametrize("method", METHODS)
def test_every_method_sums_to_the_detectors_values_and_leaves_the_model(towers: Path, method):
    for layers in ("last", "all"):
        eye = opened(towers, "mini", layers)
        detector, images = random_detector(eye.width), pictures(eye, 5)
        before, modules = eye.encode(images).used, list(eye.tower.visual.modules())
        found = relevance.token_maps(eye, detector, images, None, method)
        judged = detector.judge(before)
        total = (found.maps.sum((2, 3)) + found.remainder).numpy()
        np.testing.assert_allclose(total[:, :-1], judged.distilled, atol=1e-4)
        np.testing.assert_allclose(total[:, -1], judged.logits, atol=1e-4)
        alone = relevance.token_maps(eye, detector, images[4:], [1], method)
        torch.testing.assert_close(alone.maps, found.maps[4:, 1:2], atol=1e-5, rtol=1e-3)
        assert list(eye.tower.visual.modules()) == modules
        np.testing.assert_array_equal(eye.encode(images).used, before)


@pytest.mark.parametrize("method", ["signed_attention", "libra"])
def test_signed_maps_add_up_over_dimensions(towers: Path, method):
    eye = opened(towers, "asap-plain", "all")
    detector = random_detector(eye.width)
    found = relevance.token_maps(eye, detector, pictures(eye, 2), None, method)
    summed = torch.einsum("d,ndhw->nhw", torch.from_numpy(detector.distiller.head), found.maps[:, :-1])
    torch.testing.assert_close(summed, found.maps[:, -1], atol=1e-5, rtol=1e-3)
