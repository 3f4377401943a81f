"""Tiny real towers of open_clip, kept as safetensors and opened the way a user's checkpoint is."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import toy

SIDE = 192  # pixels of an image whose flaw is known
VISION = {"image_size": 32, "patch_size": 8, "width": 32, "layers": 3, "head_width": 8}
TEXT = {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}
TOWERS = {
    "asap-plain": VISION,
    "asap-average": VISION | {"no_ln_pre": True, "pool_type": "avg", "final_ln_after_pool": True},
    "asap-pooler": VISION | {"attentional_pool": True, "attn_pooler_heads": 4, "output_tokens": True},
    "asap-resnet": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8},
}


@pytest.fixture(scope="session")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with NAME.json and NAME.safetensors for each of TOWERS, known to open_clip."""
    from safetensors.torch import save_file

    from asap_core.learning import encoder, weights  # here, so that tests without towers need not wait for torch

    open_clip, torch, folder = encoder.open_clip, encoder.torch, tmp_path_factory.mktemp("towers")
    for name, vision in TOWERS.items():
        config = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT}
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    for seed, name in enumerate(TOWERS):
        torch.manual_seed(seed)
        with weights.quiet():
            model = open_clip.create_model(name)
        save_file(model.state_dict(), folder / f"{name}.safetensors")
    return folder


@pytest.fixture(scope="session")
def plain(towers: Path) -> str:
    """The encoder's name for the tiny vision transformer."""
    return f"asap-plain/{towers / 'asap-plain.safetensors'}"


@pytest.fixture(scope="session")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An analysis of 40 drawn landscapes by mini; the fakes have a chequered square, whose place a mask says."""
    from asap_core import pipeline
    from asap_core.progress import Clock
    from asap_core.request import Request

    folder, dice, rows = tmp_path_factory.mktemp("built"), np.random.default_rng(0), []
    (folder / "masks").mkdir()
    for number in range(40):
        pixels = np.array(toy.draw(False, "dusk", number).crop((0, 0, SIDE, SIDE)))
        if number % 2:
            y, x = dice.integers(16, SIDE - 64, 2)
            where = np.s_[y : y + 40, x : x + 40]
            pixels[where] = np.clip(pixels[where] + 24.0 * (np.indices((40, 40)).sum(0) // 2 % 2)[..., None], 0, 255)
            mask = np.zeros((SIDE, SIDE), np.uint8)
            mask[where] = 255
            Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append((f"{number}.png", ("real", "fake")[number % 2], f"masks/{number}.png" if number % 2 else ""))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "masks"), *rows])
    request = Request(folder / "manifest.csv", encoder="mini")
    return pipeline.analyse(request, folder / "cache", folder / "analysis", Clock())
