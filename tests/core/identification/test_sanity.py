"""A shuffled model is put back as it was, and its maps are other maps."""

from pathlib import Path

import numpy as np
import pytest
import torch

from asap_core.identification import sanity
from tests.core.identification.test_relevance import opened, pictures, random_detector


def test_shuffling_keeps_the_numbers_and_is_undone(towers: Path):
    eye = opened(towers, "asap-plain", "all")
    visual, images = eye.tower.visual, pictures(eye, 2)
    before, said = {name: value.clone() for name, value in visual.state_dict().items()}, eye.encode(images).used
    blocks = list(eye.tower.blocks)
    with pytest.raises(RuntimeError, match="on purpose"), sanity.shuffled(blocks[-1:], 3):
        changed = {name for name, value in visual.state_dict().items() if not torch.equal(value, before[name])}
        assert changed and all(name.startswith("transformer.resblocks.2.") for name in changed)
        for name in changed:
            assert torch.equal(visual.state_dict()[name].flatten().sort()[0], before[name].flatten().sort()[0])
        raise RuntimeError("on purpose")
    assert all(torch.equal(value, before[name]) for name, value in visual.state_dict().items())
    np.testing.assert_array_equal(eye.encode(images).used, said)


@pytest.mark.parametrize(("method", "layers"), [("direct", "all"), ("direct", "last"), ("paper", "last")])
def test_maps_follow_the_model_and_the_dimension(towers: Path, method: str, layers: str):
    eye = opened(towers, "asap-plain", layers)
    detector, images = random_detector(eye.width), pictures(eye, 3)
    found = sanity.randomised(eye, detector, images, method, 0)
    assert list(found) == list(sanity.STEPS) and all(each.shape == (3,) for each in found.values())
    assert found[1.0].mean() < 0.9
    between = sanity.between_dimensions(eye, detector, images, method)
    assert between.shape == (3,) and (between < 1).all() and (between >= 0).all()
