"""The embedded encoder: an open_clip model with a trunk, read block by block, kept in a file of its own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.model import CustomTextCLIP
from open_clip.transformer import VisionTransformer
from PIL import Image
from safetensors.torch import load_file, save_file

from asap_core.errors import EncoderError
from asap_core.learning import encoder, mini, trunk
from asap_core.learning.encoder import Encoder, EncoderSettings

LARGEST = 24_000_000  # bytes of our own weights


@pytest.fixture(scope="module")
def eye() -> Encoder:
    return encoder.open(EncoderSettings("mini", device="cpu"), text=True)


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    """Twenty images, (20, 3, s, s) uint8: noise, gradients, and one that is flat."""
    dice = torch.Generator().manual_seed(3)
    noise = torch.randint(0, 256, (20, 3, mini.SIZE, mini.SIZE), generator=dice, dtype=torch.uint8)
    noise[5:10] = (torch.arange(mini.SIZE) * 255 // mini.SIZE).to(torch.uint8)
    noise[10] = 200
    return noise


def test_it_is_open_clips_own_model_but_for_its_first_convolution(eye: Encoder):
    assert eye.reader is not None and isinstance(eye.reader.model, CustomTextCLIP)
    assert isinstance(eye.tower.visual, VisionTransformer)
    kept = {name for name in eye.tower.visual.state_dict() if not name.startswith("conv1.")}
    plain = CustomTextCLIP(**mini.SHAPE).visual.state_dict()  # pyright: ignore
    assert kept == {name for name in plain if not name.startswith("conv1.")}
    assert min(eye.grid) >= 10 and 128 <= mini.SIZE <= 224
    assert mini.FILE.stat().st_size < LARGEST


def test_all_is_every_parts_moments_and_every_blocks_first_token_and_moments(eye: Encoder, pixels: torch.Tensor):
    some = pixels[[0, 5, 10]]
    theirs, outputs = trunk.trained(trunk.weights()), []
    as_it_came = [block for stage in theirs.blocks for block in stage][: trunk.MIDDLE + 1]  # pyright: ignore
    parts = [theirs.bn1, *as_it_came, *eye.tower.visual.conv1.trunk.tail]  # pyright: ignore
    blocks = list(eye.tower.visual.transformer.resblocks)  # pyright: ignore
    hooks = [
        part.register_forward_hook(lambda _, __, output: outputs.append(output.double().numpy()))  # pyright: ignore
        for part in [*parts, *blocks]
    ]
    with torch.inference_mode():
        theirs.forward_features((some.float() - 127) / 128)  # pyright: ignore
        joint = eye.tower.visual((some.float() - 127) / 128)
    for hook in hooks:
        hook.remove()
    read = eye.encode(some)
    assert read.all is not None and read.all.shape == (3, eye.width) == (3, sum(eye.blocks))
    assert len(eye.blocks) == trunk.PARTS + len(blocks) == len(parts) + len(blocks)
    for row in range(3):
        expected = []
        for output in outputs:
            whole = output.ndim == 4
            channels = output[row].reshape(len(output[row]), -1) if whole else output[row, 1:].T
            expected += [] if whole else list(output[row, 0])
            expected += [np.mean(channel) for channel in channels] + [np.std(channel) for channel in channels]
        np.testing.assert_allclose(read.all[row], expected, atol=2e-4)
    np.testing.assert_allclose(read.joint, joint, atol=1e-4)


def test_a_batch_equals_its_images_one_by_one_and_itself_again(eye: Encoder, pixels: torch.Tensor):
    together, again = eye.encode(pixels), eye.encode(pixels)
    np.testing.assert_array_equal(together.used, again.used)
    np.testing.assert_array_equal(together.joint, again.joint)
    for row in (0, 7, 10, 19):
        alone = eye.encode(pixels[row : row + 1])
        np.testing.assert_allclose(together.used[row], alone.used[0], atol=2e-4)
        np.testing.assert_allclose(together.joint[row], alone.joint[0], atol=2e-4)


def test_reading_leaves_the_network_as_it_was(eye: Encoder, pixels: torch.Tensor):
    visual = eye.tower.visual
    before = {name: value.clone() for name, value in visual.state_dict().items()}
    eye.encode(pixels[:2])
    assert not any(module._forward_hooks for module in visual.modules())
    assert not visual.training and not any(parameter.requires_grad for parameter in visual.parameters())
    assert all(torch.equal(before[name], value) for name, value in visual.state_dict().items())


def test_it_is_an_encoder_of_two_readings(eye: Encoder, pixels: torch.Tensor):
    last = encoder.open(EncoderSettings("mini", "last", "cpu"))
    assert (last.layers, last.width, last.blocks) == ("last", eye.joint_width, ())
    assert eye.layers == "all" and last.identity != eye.identity
    short, long = last.encode(pixels[:3]), eye.encode(pixels[:3])
    assert short.all is None and short.used is short.joint and long.used is long.all
    np.testing.assert_array_equal(short.joint, long.joint)
    assert encoder.available("mini")


@pytest.mark.parametrize("side", [40, mini.SIZE, 224, mini.SEEN])
def test_up_to_a_size_the_middle_is_seen_at_its_own_pixels(side: int):
    noise = np.random.default_rng(side).integers(0, 256, (side, side + 30, 3), np.uint8)
    seen = np.asarray(mini.Square()(Image.fromarray(noise)))
    assert seen.shape == (mini.SIZE, mini.SIZE, 3)
    if side < mini.SIZE:
        whole = Image.fromarray(noise[:, 15 : 15 + side]).resize((mini.SIZE, mini.SIZE), Image.Resampling.BICUBIC)
        np.testing.assert_array_equal(seen[:, 12:-12], np.asarray(whole)[:, 12:-12])  # beyond the cut are neighbours
    else:
        top, left = (side - mini.SIZE) // 2, (side + 30 - mini.SIZE) // 2
        np.testing.assert_array_equal(seen, noise[top : top + mini.SIZE, left : left + mini.SIZE])


def test_of_a_large_image_the_middle_three_quarters_are_seen():
    wide = Image.new("RGB", (1200, 800), "red")
    wide.paste("blue", (300, 100, 900, 700))  # 600 of 800, in the middle
    seen = np.asarray(mini.Square()(wide))[4:-4, 4:-4]  # at the cut, the neighbours' colour counts a little
    assert (seen == [0, 0, 255]).all()


def test_texts_are_read_as_open_clip_reads_them(eye: Encoder):
    texts = ["a horse", "a smiling woman with long wavy red hair and glasses, blurred foliage behind", ""]
    assert eye.reader is not None and isinstance(eye.reader.model, CustomTextCLIP)
    tokens = mini.tokenize(texts)
    with torch.inference_mode():
        ours, theirs = mini.speak(eye.reader.model, tokens), eye.reader.model.encode_text(tokens)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    described = eye.describe(texts)
    np.testing.assert_allclose(np.linalg.norm(described, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(described, theirs / theirs.norm(dim=1, keepdim=True), atol=1e-5)


def test_weights_come_back_as_they_were_kept(tmp_path: Path):
    torch.manual_seed(1)
    model = mini.build(trunk.load())
    trained = torch.zeros(model.vocab_size, dtype=torch.bool)
    trained[[5, 320, 49407]] = True
    mini.save(model, trained, tmp_path / "kept.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["kept.safetensors"]
    kept = load_file(tmp_path / "kept.safetensors")
    assert {name for name in kept if "trunk" in name} == {name for name in model.state_dict() if mini.TAIL in name}
    again, state = mini.load(tmp_path / "kept.safetensors").state_dict(), model.state_dict()
    for name, value in state.items():
        if name == mini.TOKENS:
            assert not again[name][~trained].any()
            np.testing.assert_allclose(again[name][trained], value[trained].half().float())
        else:
            expected = value.half().float() if mini.ours(name) else value
            np.testing.assert_array_equal(again[name], expected)


def test_files_that_do_not_hold_its_weights_are_told(tmp_path: Path):
    kept = load_file(mini.FILE)
    missing = {name: value for name, value in kept.items() if name != "visual.proj"}
    save_file(missing, tmp_path / "missing.safetensors")
    save_file({**kept, "visual.proj": kept["visual.proj"][:, :7].contiguous()}, tmp_path / "other.safetensors")
    (tmp_path / "torn.safetensors").write_bytes(mini.FILE.read_bytes()[:1000])
    for name in ("missing", "other", "torn", "absent"):
        with pytest.raises(EncoderError, match=f"{name}.safetensors does not hold mini's weights"):
            mini.load(tmp_path / f"{name}.safetensors")
