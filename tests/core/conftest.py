"""Tiny real towers of open_clip, kept as safetensors and opened the way a user's checkpoint is."""

import json
from pathlib import Path

import pytest

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
