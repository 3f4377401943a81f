"""The trunk against timm's network; nothing but the known weights is read."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from asap_core.errors import EncoderError
from asap_core.learning import moments, trunk


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    """Three images as the trunk wants them, (3, 3, s, s): noise, a gradient, and one that is flat."""
    noise = torch.randn(3, 3, trunk.SIZE, trunk.SIZE, generator=torch.Generator().manual_seed(3))
    noise[1] = torch.linspace(-1, 1, trunk.SIZE)
    noise[2] = 0.6
    return noise


def test_maps_and_classes_are_those_of_timms_own_network(pixels: torch.Tensor):
    theirs, outputs = trunk.trained(trunk.weights()), []
    blocks = [block for stage in theirs.blocks for block in stage]  # pyright: ignore
    for part in (blocks[trunk.SHALLOW], blocks[trunk.MIDDLE], theirs.bn2):
        assert isinstance(part, nn.Module)
        part.register_forward_hook(lambda _, __, output: outputs.append(output.clone()))
    with torch.inference_mode():
        expected = theirs(pixels)
        ours = trunk.load()(pixels)
        told = trunk.classifier()(ours[2].mean((2, 3)))
    outputs[0] = outputs[0].unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).mean((3, 5))  # four positions to one
    for mine, yours, width in zip(ours, outputs, trunk.WIDTHS, strict=True):
        assert mine.shape[1] == width
        np.testing.assert_allclose(mine, yours, atol=1e-3)
    np.testing.assert_allclose(told, expected, atol=1e-3)


def test_the_tail_can_be_left_for_later(pixels: torch.Tensor):
    body = trunk.load()
    with torch.inference_mode():
        kept = body.begin(pixels)
        assert [tuple(each.shape[1:]) for each in kept] == [(40, 12, 12), (112, 12, 12)]
        for later, at_once in zip((*kept, body.tail(kept[1])), body(pixels), strict=True):
            assert torch.equal(later, at_once)
    assert len(body.parts) == trunk.PARTS


def test_hooks_go_even_if_the_pass_fails():
    body = trunk.load()
    with pytest.raises(RuntimeError), moments.recording(body.parts, moments.of):
        body(torch.zeros(1, 5, 8, 8))
    assert not any(module._forward_hooks for module in body.modules())


def test_moments_stay_exact_where_the_mean_is_large():
    values = torch.tensor([[[10000.0], [10001.0], [10002.0]]])  # (1, 3, 1)
    np.testing.assert_allclose(moments.of(values), [[10001.0, (2 / 3) ** 0.5]], rtol=1e-6)
    assert moments.of(torch.full((1, 1000, 2), 7.3))[:, 2:].abs().max() < 1e-5


def test_another_file_is_not_read(tmp_path: Path):
    bait = tmp_path / "efficientnet-lite0-57934424.pth"
    bait.write_bytes(pickle.dumps(_Trap(tmp_path / "sprung")))
    with pytest.raises(EncoderError, match="sha256"):
        trunk.trained(bait)
    with pytest.raises(EncoderError, match="no file"):
        trunk.trained(tmp_path / "nothing.pth")
    assert not (tmp_path / "sprung").exists()


class _Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)
