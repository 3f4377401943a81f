"""Does decoding starve the encoder? Images/s from files on disk, against the model's on ready batches.

`python -m tests.bench.loading [--json]`. Both are measured in turns in the same run, so that a busy machine
bears on both; the figure is the ratio, and 0.9 or more is the aim. JPEGs of 640 x 480 pixels are drawn at run
time; weights of `b32` are random, which costs the same time as trained ones.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from safetensors.torch import save_file

from asap_core.learning import embedding, encoder, weights
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.learning.encoder import Encoder, EncoderSettings  # isort: split

import open_clip

AIM = 0.9
COUNT, TURNS = 192, 4  # images, and how often both are measured
MODEL = "ViT-B-32-quickgelu"


def draw(folder: Path, count: int) -> list[Path]:
    """JPEGs of 640 x 480, quality 90, about as detailed (80 to 100 kB) as a photograph."""
    rng = np.random.default_rng(0)
    files = [folder / f"{number:04}.jpg" for number in range(count)]
    for file in files:
        coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8)).resize(
            (640, 480), Image.Resampling.BICUBIC
        )
        fine = Image.fromarray(rng.integers(0, 256, (480, 640, 3), np.uint8)).filter(ImageFilter.GaussianBlur(1))
        Image.blend(coarse, fine, 0.35).save(file, quality=90)
    return files


def random_b32(folder: Path) -> Encoder:
    """ViT-B/32 with random weights, through the way a checkpoint on disk takes."""
    file = folder / "random.safetensors"
    with weights.quiet():
        save_file(open_clip.create_model(MODEL).state_dict(), file)
    return encoder.open(EncoderSettings(f"{MODEL}/{file}", device="cpu"))


def measure(eye: Encoder, files: list[Path], folder: Path) -> tuple[float, float]:
    """(pipeline, model only) in images/s: medians of TURNS, taken in turns."""
    settings = EmbeddingSettings()
    ready = torch.stack([eye.prepare(embedding.read(file, eye, settings)) for file in files[: settings.batch]])
    pipeline, model = [], []
    for turn in range(TURNS + 1):
        start = time.perf_counter()
        for _ in range(len(files) // settings.batch):
            eye.encode(ready)
        between = time.perf_counter()
        embedding.embed(eye, files, settings, folder / f"{turn}")
        end = time.perf_counter()
        model.append(len(files) / (between - start))
        pipeline.append(len(files) / (end - between))
    return statistics.median(pipeline[1:]), statistics.median(model[1:])  # the first turn warms up


def main() -> None:
    """Measure both encoders and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    as_json = parser.parse_args().json
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = draw(folder, COUNT)
        eyes = {"b32 shapes": random_b32(folder), "mini": encoder.open(EncoderSettings(device="cpu"))}
        if not as_json:
            size = statistics.mean(file.stat().st_size for file in files) / 1000
            load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
            print(f"{COUNT} JPEGs, 640 x 480, {size:.0f} kB; {torch.get_num_threads()} torch threads{load}")
            print(f"{'case':<22}{'pipeline':>10}{'model':>10}{'ratio':>8}   images/s; aim at a ratio of {AIM}")
        for case, eye in eyes.items():
            value, baseline = measure(eye, files, folder / case)
            ratio = value / baseline
            if as_json:
                line = {
                    "case": f"loading {case}, layers {eye.layers}",
                    "value": round(value, 2),
                    "unit": "images/s",
                }
                print(json.dumps(line | {"baseline": round(baseline, 2), "ratio": round(ratio, 3), "aim": AIM}))
            else:
                print(f"{case + ', ' + eye.layers:<22}{value:>10.1f}{baseline:>10.1f}{ratio:>8.2f}")


if __name__ == "__main__":
    main()
