"""What do token maps cost? Time and memory of `direct` for 16 dimensions and the logit, against one forward pass.

`python -m tests.bench.relevance [--json] [--models mini b32 b16 l14] [--images N]`. Weights of b32, b16 and l14 are
random, which costs the same time as trained ones. Every figure is a ratio within one run: times in turns, memory
of fresh processes (on Linux). `paper` is the published rule over all blocks, one backward pass a target, sixteen of
them. Of `mini` it goes back through two blocks alone, which cost little beside the trunk, so that not even maps for
nothing would be ten times as fast.
"""

import argparse
import ctypes
import gc
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from asap_core.identification import relevance
from asap_core.learning import encoder, weights
from asap_core.learning.detector import Detector
from asap_core.learning.distiller import Distiller
from asap_core.learning.encoder import Encoder, EncoderSettings
from asap_core.learning.spelling import Standard  # isort: split

import open_clip

MODELS = {"mini": "mini", "b32": "ViT-B-32-quickgelu", "b16": "ViT-B-16-quickgelu", "l14": "ViT-L-14-quickgelu"}
LAYERS = ("last", "all")
DIMENSIONS, TURNS = 16, 3
AIMS = {"direct": 1.3, "paper": 0.1, "memory": 2.0}


def opened(model: str, layers: str, folder: Path) -> Encoder:
    """An encoder; other than mini with random weights, through the way a checkpoint on disk takes."""
    name, file = MODELS[model], folder / f"{model}.safetensors"
    if model != "mini" and not file.is_file():
        with weights.quiet():
            save_file(open_clip.create_model(name).state_dict(), file)
    return encoder.open(EncoderSettings(name if model == "mini" else f"{name}/{file}", layers, "cpu"))


def detector_of(width: int) -> Detector:
    """Random, of the shape that is learnt."""
    dice = np.random.default_rng(0)
    k = min(384, width // 2)
    matrix = dice.normal(size=(k, width)).astype(np.float32) / width**0.5
    learnt = Distiller(dice.normal(size=(DIMENSIONS, k)).astype(np.float32), np.zeros(DIMENSIONS, np.float32),
                       np.ones((1, DIMENSIONS), np.float32), np.zeros(1, np.float32), 1.0,
                       np.zeros(DIMENSIONS, np.float32))  # fmt: skip
    return Detector(Standard.identity(width), matrix, learnt)


def seconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure(model: str, layers: str, count: int, folder: Path) -> list[dict]:
    """The lines of one encoder and reading."""
    eye = opened(model, layers, folder)
    detector, side = detector_of(eye.width), eye.tower.image_size
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)
    runs = {
        "forward": lambda: eye.encode(images),
        "direct": lambda: relevance.token_maps(eye, detector, images),
        "paper": lambda: relevance.token_maps(eye, detector, images, range(DIMENSIONS), "paper_all"),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(TURNS + 1):
        for name, run in runs.items():
            if turn or name != "paper":
                found[name].append(seconds(run))
    took = {name: statistics.median(each[name != "paper" :]) for name, each in found.items()}
    case = f"{model}, {layers}"
    lines = [
        line(f"{case}: direct, of a forward pass", took["direct"], "s", took["forward"], AIMS["direct"]),
        line(f"{case}: direct, of {DIMENSIONS} backward passes", took["direct"], "s", took["paper"], AIMS["paper"]),
    ]
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        peak = {name: pool.apply(_peak, (model, layers, count, folder, name)) for name in ("forward", "direct")}
    return [*lines, line(f"{case}: memory of direct", peak["direct"], "MB", peak["forward"], AIMS["memory"])]


def _peak(model: str, layers: str, count: int, folder: Path, name: str) -> float:
    """What one pass needs beside what the process holds already, in MB; Linux' own count, begun anew before it."""
    eye = opened(model, layers, folder)
    detector, side = detector_of(eye.width), eye.tower.image_size
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what loading left behind would be used again, and not be counted
    Path("/proc/self/clear_refs").write_text("5")
    before = _held("VmRSS")
    eye.encode(images) if name == "forward" else relevance.token_maps(eye, detector, images)
    return (_held("VmHWM") - before) / 1e3


def _held(what: str) -> int:
    """A figure of this process' memory, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


def line(case: str, value: float, unit: str, baseline: float, aim: float) -> dict:
    """One figure, as benchmarks print it."""
    ratio = round(value / baseline, 3) if baseline else None
    return {
        "case": case,
        "value": round(value, 4),
        "unit": unit,
        "baseline": round(baseline, 4),
        "ratio": ratio,
        "aim": aim,
    }


def main(arguments: list[str]) -> int:
    """Print the figures, a line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.relevance", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--images", type=int, default=8, metavar="N", help="in a batch (default: 8)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            for layers in LAYERS:
                for each in measure(model, layers, options.images, Path(folder)):
                    text = "{case:<46} ratio {ratio} (aim {aim}; {value} of {baseline} {unit})".format(**each)
                    print(json.dumps(each) if options.json else text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
