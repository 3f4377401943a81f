"""On a GPU without double precision, and inside somebody's autocast, everything is computed as on the CPU."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from asap_core import analysis, discovery, explanation, scrutiny, what_if
from asap_core.discovery import DiscoverySettings
from asap_core.identification import counterfactual, occlusion, regions, relevance
from asap_core.identification.clusters import ClusterSettings
from asap_core.identification.trials import ScrutinySettings, edges
from asap_core.learning import detector
from tests.core.identification.test_relevance import opened, pictures, random_detector
from tests.gpu import DEVICE, Gpu, Held, placed

TOWERS = [("asap-plain", "last"), ("asap-average", "all"), ("mini", "all")]
TRIED = ScrutinySettings(("direct", "unusual", "paper"), 2, steps=2, steps_painted=2, random=1, subsets=2, checked=1)
SOUGHT = DiscoverySettings(6, probes=1, cluster=ClusterSettings(fewest=3, core=2, neighbours=3, slow=(3,), runs=1))


@pytest.fixture
def on_gpu(flawed: Path, tmp_path: Path) -> Iterator[Path]:
    """An analysis of which nothing was computed yet, and its encoder, which stays open, on the GPU."""
    folder = Path(shutil.copytree(flawed, tmp_path / "it", ignore=shutil.ignore_patterns("relevance", "patterns")))
    detector._opened.cache_clear()
    placed(detector.encoder_of(analysis.load(folder), "cpu"))
    with Gpu():
        yield folder
    detector._opened.cache_clear()


def test_the_gpu_refuses_what_an_apple_gpu_refuses():
    here = torch.rand(2, 3)
    with Gpu():
        there = here.to(DEVICE)
        assert isinstance((there + 1).mean(0), Held) and there.device == DEVICE
        for wrong in (
            lambda: there.double(),
            lambda: there.to(torch.float64),
            lambda: here.double().to(DEVICE),
            lambda: here.double().to(there),
            lambda: torch.as_tensor(np.zeros(3)).to(DEVICE),
            lambda: torch.as_tensor(np.zeros(3), device="mps"),
            lambda: torch.linspace(0, 1, 3, dtype=torch.float64, device=there.device),
        ):
            with pytest.raises(TypeError, match="doesn't support float64"):
                wrong()
        with pytest.raises(TypeError, match=r"Use Tensor.cpu\(\) first"):
            there.numpy()
        with pytest.raises(RuntimeError, match="on the same device"):
            _ = there + here
        with torch.autocast("mps", torch.float16), pytest.raises(AssertionError, match="in half precision"):
            _ = there + 1
        np.testing.assert_array_equal(there.cpu().double().numpy(), here.double().numpy())


@pytest.mark.parametrize(("name", "layers"), TOWERS)
def test_verdicts_maps_and_regions_are_the_cpus(towers: Path, name: str, layers: str):
    found = []
    for where in (lambda eye: eye, placed):
        eye = where(opened(towers, name, layers))
        judge, images = random_detector(eye.width), pictures(eye, 2)
        held = torch.rand(2, 2, *eye.grid, generator=torch.Generator().manual_seed(1))
        weights = (held[:, 0] / held[:, 0].sum((1, 2), keepdim=True)).numpy()
        with Gpu():
            there = images.to(eye.device)
            numbers = [judge.judge(eye.encode(images).used).logits]
            for method in relevance.METHODS:
                made = relevance.token_maps(eye, judge, there, method=method)
                numbers += [made.maps.cpu().numpy(), (made.maps.sum((2, 3)) + made.remainder)[:, -1].cpu().numpy()]
            for occluder in occlusion.OCCLUDERS:
                numbers += [counterfactual.each_without(eye, judge, there, held, occluder, there.flip(0)).logits]
            seen, joint = regions.look(eye, images).of(
                torch.as_tensor(weights).to(eye.device), torch.arange(2).to(eye.device)
            )
            numbers += [each.cpu().numpy() for each in (*seen, joint)]
        found.append(numbers)
    for here, there in zip(*found, strict=True):
        np.testing.assert_allclose(there, here, atol=1e-5, rtol=1e-4)


def test_all_that_is_done_with_a_detector_is_done_there(on_gpu: Path):
    assert explanation.complete(on_gpu, [0, 1], "cpu") == ()
    tried = scrutiny.examine(on_gpu, TRIED, "cpu")
    assert tried is not None and all(tried["methods"][name]["completeness"][2] < 1e-2 for name in ("direct", "unusual"))
    sought = discovery.discover(on_gpu, "fake", SOUGHT, device="cpu")
    assert sought is not None and len(sought.groups)


def test_verdicts_without_regions_are_the_cpus(flawed: Path, on_gpu: Path):
    region = np.zeros(analysis.load(on_gpu).info["encoder"]["grid"], np.float32)
    region[2:5, 2:5] = 1
    there = what_if.remove(on_gpu, [(1, region), (2, region)], occlusion.OCCLUDERS, "cpu")
    detector._opened.cache_clear()
    here = what_if.remove(flawed, [(1, region), (2, region)], occlusion.OCCLUDERS, "cpu")
    assert there is not None and here is not None
    for name in occlusion.OCCLUDERS:
        np.testing.assert_allclose(there.after[name].logits, here.after[name].logits, atol=1e-3)
        np.testing.assert_allclose(there.expected[name], here.expected[name], atol=1e-3)


def test_edges_are_found_on_the_cpu():
    images = torch.randint(0, 256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    with Gpu():
        there = edges(images.to(DEVICE), (4, 4))
    np.testing.assert_array_equal(there, edges(images, (4, 4)))


@pytest.mark.parametrize(("name", "layers"), TOWERS)
def test_somebodys_autocast_rounds_neither_verdicts_nor_maps(towers: Path, name: str, layers: str):
    eye = opened(towers, name, layers)
    judge, images = random_detector(eye.width), pictures(eye, 1)
    gone = torch.zeros(1, 1, *eye.grid, dtype=torch.bool)
    gone[:, :, 0] = True

    def numbers() -> list[np.ndarray]:
        maps = [relevance.token_maps(eye, judge, images, method=each).maps.numpy() for each in relevance.METHODS]
        seen = regions.look(eye, images)
        return [eye.encode(images).used, *maps, occlusion.Dropping(eye, images).readings(gone), seen.joint.numpy()]

    plain = numbers()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = numbers()
    for one, other in zip(plain, rounded, strict=True):
        np.testing.assert_array_equal(one, other)
