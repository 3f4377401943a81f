"""Images/s of both readings, in turns with the trunk's own moments."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from asap_core.learning import encoder, mini, moments, trunk
from asap_core.learning.encoder import Encoder, EncoderSettings

from .figures import Line, line


def speed(eye: Encoder, folder: Path, limit: int | None) -> Iterator[Line]:
    """Images/s of both readings, in turns with the trunk's own moments."""
    pixels = torch.randint(0, 256, (128, 3, mini.SIZE, mini.SIZE), dtype=torch.uint8)
    body = trunk.load()

    def alone() -> None:
        with torch.inference_mode(), moments.recording(body.parts, lambda each: moments.of(moments.tokens_of(each))):
            for some in pixels.split(mini.AT_ONCE):
                body((some.float() - trunk.MEAN) / trunk.SCALE)

    last = encoder.open(EncoderSettings("mini", "last", "cpu"))
    runs: dict[str, Callable] = {
        "trunk": alone,
        "all": partial(eye.encode, pixels),
        "last": partial(last.encode, pixels),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(6):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            found[name].append(len(pixels) / (time.perf_counter() - start))
    rate = {name: float(np.median(each[1:])) for name, each in found.items()}
    for name in ("all", "last"):
        yield line(f"speed, {name}", rate[name], "images/s", 5, aim=60, baseline=rate["trunk"])
