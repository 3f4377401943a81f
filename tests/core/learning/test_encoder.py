"""open_clip's towers, read in one pass; and every way in which an encoder can fail to be had."""

import os
import pickle
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from asap_core.errors import EncoderError, SettingsError
from asap_core.learning import encoder
from asap_core.learning.encoder import Encoder, EncoderSettings  # isort: split

import open_clip

ROOT = Path(__file__).parents[3]
TRANSFORMERS = ("asap-plain", "asap-average", "asap-pooler")


def opened(towers: Path, name: str, layers: str) -> Encoder:
    return encoder.open(EncoderSettings(f"{name}/{towers / name}.safetensors", layers, "cpu"))


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    noise = np.random.default_rng(5).integers(0, 256, (50, 70, 3), np.uint8)
    return Image.fromarray(noise)


@pytest.mark.parametrize("name", [*TRANSFORMERS, "asap-resnet"])
def test_joint_is_what_open_clip_itself_says(towers: Path, picture: Image.Image, name: str):
    model, _, transform = open_clip.create_model_and_transforms(name, str(towers / f"{name}.safetensors"))
    model.eval()
    with torch.inference_mode():
        expected = model.visual(transform(picture)[None])  # pyright: ignore
    expected = expected[0] if isinstance(expected, tuple) else expected  # CoCa's comes with tokens
    ours = opened(towers, name, "last")
    read = ours.encode(ours.prepare(picture)[None])
    np.testing.assert_allclose(read.joint, expected, atol=1e-6)
    assert read.all is None and read.used is read.joint
    assert ours.width == ours.joint_width == 24 and ours.blocks == ()


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_all_is_each_blocks_first_token_mean_and_deviation(towers: Path, picture: Image.Image, name: str):
    ours = opened(towers, name, "all")
    batch = torch.stack([ours.prepare(picture), ours.prepare(picture.rotate(90))])
    read, visual = ours.encode(batch), ours.tower.visual  # pyright: ignore
    tokens: list[np.ndarray] = []
    hooks = [
        block.register_forward_hook(lambda _, __, out: tokens.append(out.numpy().astype(np.float64)))
        for block in visual.transformer.resblocks  # pyright: ignore
    ]
    with torch.inference_mode():
        visual(ours.tower.normalise(batch.float() / 255))  # pyright: ignore
    for hook in hooks:
        hook.remove()
    assert read.all is not None and read.all.shape == (2, ours.width) == (2, 3 * 3 * 32)
    assert ours.blocks == (96, 96, 96) and ours.grid == (4, 4)
    for row in range(2):
        expected = []
        for block in tokens:
            expected += list(block[row, 0])
            for statistic in (np.mean, np.std):
                expected += [statistic(block[row, 1:, column]) for column in range(32)]
        np.testing.assert_allclose(read.all[row], expected, atol=1e-5)
    np.testing.assert_allclose(read.joint, opened(towers, name, "last").encode(batch).joint, atol=1e-6)


def test_recording_leaves_the_model_as_it_was(towers: Path, picture: Image.Image):
    ours = opened(towers, "asap-plain", "all")
    visual: torch.nn.Module = ours.tower.visual  # pyright: ignore
    before = {name: value.clone() for name, value in visual.state_dict().items()}
    first, second = (ours.encode(ours.prepare(picture)[None]) for _ in range(2))
    assert first.all is not None and second.all is not None
    assert first.all.tobytes() == second.all.tobytes()
    assert not any(module._forward_hooks for module in visual.modules())
    assert not visual.training and not any(parameter.requires_grad for parameter in visual.parameters())
    assert all(torch.equal(before[name], value) for name, value in visual.state_dict().items())


def test_a_batch_equals_its_images_one_by_one(towers: Path):
    ours = opened(towers, "asap-plain", "all")
    batch = torch.randint(0, 256, (9, 3, 32, 32), dtype=torch.uint8)
    together = ours.encode(batch).used
    for row in range(9):
        np.testing.assert_allclose(ours.encode(batch[row : row + 1]).used[0], together[row], atol=1e-4)


def test_another_kind_of_tower_can_be_read_at_its_end_only(towers: Path):
    with pytest.raises(SettingsError, match="--layers last"):
        opened(towers, "asap-resnet", "all")


def test_identity_tells_weights_and_layers_apart(towers: Path, tmp_path: Path):
    model = open_clip.create_model("asap-plain", str(towers / "asap-plain.safetensors"))
    state = model.state_dict()
    save_file(state, tmp_path / "same.safetensors", {"written": "by another"})
    state["visual.proj"] = state["visual.proj"] + 1
    save_file(state, tmp_path / "other.safetensors")
    first, last = (opened(towers, "asap-plain", layers) for layers in ("all", "last"))
    same, other = (
        encoder.open(EncoderSettings(f"asap-plain/{tmp_path}/{name}.safetensors", "all", "cpu"))
        for name in ("same", "other")
    )
    assert first.identity == same.identity
    assert len({first.identity, last.identity, other.identity}) == 3
    assert re.fullmatch(r"other\.safetensors sha256:[0-9a-f]{16}", other.weights)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("b33", "near it: b32"),
        ("mimi", "near it: mini"),
        ("ViT-B-23/openai", "ViT-B-32"),
        ("ViT-B-32/opena1", "it has openai"),
        ("ViT-B-32", "needs weights: ViT-B-32/TAG with one of openai"),
        ("ViT-B-32/no/such.safetensors", "no weights at no/such.safetensors"),
        ("", "expected mini, b32, b16, l14"),
        ("../../etc/passwd", "expected mini"),
    ],
)
def test_unknown_names_are_answered_with_what_there_is(name: str, says: str):
    for ask in (lambda: encoder.open(EncoderSettings(name)), lambda: encoder.available(name)):
        with pytest.raises(EncoderError, match=re.escape(says)):
            ask()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt"])
def test_files_that_can_run_code_are_refused(tmp_path: Path, suffix: str):
    file, mark = tmp_path / f"weights{suffix}", tmp_path / "sprung"
    file.write_bytes(pickle.dumps(_Trap(mark)))
    with pytest.raises(EncoderError, match="run code") as caught:
        encoder.open(EncoderSettings(f"asap-plain/{file}"))
    assert "save_file" in str(caught.value) and not mark.exists()


class _Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_a_pickle_under_a_safe_name_is_not_unpickled(towers: Path, tmp_path: Path):
    file, mark = tmp_path / "weights.safetensors", tmp_path / "sprung"
    file.write_bytes(pickle.dumps(_Trap(mark)))
    with pytest.raises(EncoderError, match="does not hold weights of asap-plain"):
        encoder.open(EncoderSettings(f"asap-plain/{file}"))
    assert not mark.exists()


def test_weights_of_another_model_do_not_fit(towers: Path):
    with pytest.raises(EncoderError, match="does not hold weights of asap-plain"):
        encoder.open(EncoderSettings(f"asap-plain/{towers / 'asap-resnet.safetensors'}"))


def test_devices_and_layers_that_are_not_there():
    with pytest.raises(EncoderError, match="expected cpu, cuda or mps"):
        encoder.open(EncoderSettings(device="tpu"))
    with pytest.raises(SettingsError, match="last or all"):
        EncoderSettings(layers="some")
    for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if not there:
            with pytest.raises(EncoderError, match="use --device"):
                encoder.open(EncoderSettings(device=name))


ABSENT = "ViT-B-32/datacomp_s_s13m_b4k"
ASK = f"""
import time
from asap_core.errors import EncoderError
from asap_core.learning import encoder
start = time.perf_counter()
try:
    encoder.open(encoder.EncoderSettings({ABSENT!r}))
except EncoderError as error:
    print(time.perf_counter() - start)
    print(error)
print(encoder.available({ABSENT!r}))
"""


@pytest.mark.parametrize("server", ["closed", "silent", "forbidding proxy", "said to be offline"])
def test_without_a_network_the_answer_comes_soon_and_quietly(tmp_path: Path, server: str):
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections and says nothing
        port = listener.getsockname()[1]
        changes = {
            "closed": {"HF_ENDPOINT": "http://127.0.0.1:9"},
            "silent": {"HF_ENDPOINT": f"http://127.0.0.1:{port}"},
            "forbidding proxy": {"https_proxy": "http://127.0.0.1:9"},
            "said to be offline": {"HF_HUB_OFFLINE": "1"},
        }[server]
        plain = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        environment = {**plain, "HF_HOME": str(tmp_path), **changes}
        done = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    seconds, message, available = done.stdout.splitlines()
    assert float(seconds) < 5
    assert available == "False"
    for part in (ABSENT, "--encoder mini", ".safetensors"):
        assert part in message


KEPT = """
import numpy as np, torch
from asap_core.learning import encoder
assert encoder.available("b32")
eye = encoder.open(encoder.EncoderSettings("b32", "all", "cpu"))
read = eye.encode(torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8))
print(eye.weights, eye.tower.image_size, eye.grid, read.joint.shape, read.all.shape, np.isfinite(read.all).all())
"""


def test_b32_is_found_where_the_hub_keeps_it(tmp_path: Path):
    """The real architecture with random weights, in the hub's cache, with no network."""
    snapshot = tmp_path / "hub/models--timm--vit_base_patch32_clip_224.openai/snapshots/abc"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs/main").write_text("abc")
    model = open_clip.create_model("ViT-B-32-quickgelu", precision="fp16", pretrained=None, load_weights=False)
    save_file(model.state_dict(), snapshot / "open_clip_model.safetensors")
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", KEPT], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.strip() == "openai 224 (7, 7) (2, 512) (2, 27648) True"
