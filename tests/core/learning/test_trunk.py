"""The embedded encoder against timm's network and slow formulas; nothing but the known weights is read."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from asap_core.errors import EncoderError
from asap_core.learning import encoder, moments, trunk
from asap_core.learning.encoder import EncoderSettings


@pytest.fixture(scope="module")
def mini() -> trunk.Trunk:
    return trunk.load()


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    """Twenty images, (20, 3, s, s) uint8: noise, gradients, and one that is flat."""
    dice = torch.Generator().manual_seed(3)
    noise = torch.randint(0, 256, (20, 3, trunk.SIZE, trunk.SIZE), generator=dice, dtype=torch.uint8)
    noise[5:10] = (torch.arange(trunk.SIZE) * 255 // trunk.SIZE).to(torch.uint8)
    noise[10] = 200
    return noise


def test_readings_are_the_moments_of_timms_own_blocks(mini: trunk.Trunk, pixels: torch.Tensor):
    theirs, outputs = trunk.trained(trunk.weights()), []
    parts = [theirs.bn1, *(block for stage in theirs.blocks for block in stage), theirs.bn2]  # pyright: ignore
    for part in parts:
        assert isinstance(part, nn.Module)
        part.register_forward_hook(lambda _, __, output: outputs.append(output.clone()))
    with torch.inference_mode():
        some = pixels[[0, 5, 10]]
        joint, everything = mini.read(some, True)
        theirs.forward_features((some.float() - 127) / 128)  # pyright: ignore
    assert everything is not None
    for row in range(3):
        expected = []
        for output in outputs:
            channels = list(output[row].double())
            expected += [channel.mean() for channel in channels]
            expected += [((channel - channel.mean()) ** 2).mean().sqrt() for channel in channels]
        np.testing.assert_allclose(everything[row], expected, atol=1e-4)
    np.testing.assert_allclose(joint, outputs[-1].mean((2, 3)), atol=1e-4)


def test_shapes_are_told(mini: trunk.Trunk, pixels: torch.Tensor):
    with torch.inference_mode():
        joint, everything = mini.read(pixels[:1], True)
    assert everything is not None
    assert everything.shape == (1, sum(mini.columns)) == (1, 6240)
    assert joint.shape == (1, mini.joint_width) == (1, 1280)
    assert len(mini.columns) == 18
    assert mini.grid == (trunk.SIZE // 16, trunk.SIZE // 16)


def test_a_batch_equals_its_images_one_by_one_and_itself_again(mini: trunk.Trunk, pixels: torch.Tensor):
    with torch.inference_mode():
        batch, again = (mini.read(pixels, True)[1] for _ in range(2))
        single = [mini.read(pixels[row : row + 1], True)[1] for row in (0, 7, 10, 19)]
    assert batch is not None and again is not None
    assert torch.equal(batch, again)
    for row, alone in zip((0, 7, 10, 19), single, strict=True):
        assert alone is not None
        np.testing.assert_allclose(batch[row], alone[0], atol=1e-4)


def test_reading_leaves_the_network_as_it_was(mini: trunk.Trunk, pixels: torch.Tensor):
    before = {name: value.clone() for name, value in mini.state_dict().items()}
    with torch.inference_mode():
        mini.read(pixels[:2], True)
    assert not any(module._forward_hooks for module in mini.modules())
    assert not mini.training and not any(parameter.requires_grad for parameter in mini.parameters())
    assert all(torch.equal(before[name], value) for name, value in mini.state_dict().items())


def test_hooks_go_even_if_the_pass_fails(mini: trunk.Trunk):
    with pytest.raises(RuntimeError), moments.recording(mini.parts, moments.of):
        mini(torch.zeros(1, 5, 8, 8))
    assert not any(module._forward_hooks for module in mini.modules())


def test_the_central_square_is_seen():
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    square = trunk.load().prepare(wide)
    assert square.shape == (3, trunk.SIZE, trunk.SIZE) and square.dtype == torch.uint8
    inside = square[:, :, 4:-4]  # at the cut, the neighbours' colour counts a little
    assert (inside[2] == 255).all() and (inside[0] == 0).all()


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


def test_mini_is_an_encoder_of_two_readings(pixels: torch.Tensor):
    last = encoder.open(EncoderSettings("mini", "last", "cpu"))
    everything = encoder.open(EncoderSettings("mini", device="cpu"))
    assert (last.layers, last.width, last.blocks) == ("last", 1280, ())
    assert (everything.layers, everything.width, sum(everything.blocks)) == ("all", 6240, 6240)
    assert last.identity != everything.identity
    short, long = last.encode(pixels[:3]), everything.encode(pixels[:3])
    assert short.all is None and short.used is short.joint and long.used is long.all
    np.testing.assert_array_equal(short.joint, long.joint)
    assert encoder.available("mini")
