"""How a stage says how far it is: absolute numbers, so that a report may be missed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

Report = Callable[[int, int], None]
"""Called with (done, total); the unit is the stage's own, mostly images."""


def silent(done: int, total: int) -> None:
    """Report to nobody."""


class Clock:
    """Times the stages of a build and, if asked, draws each as a bar on stderr."""

    def __init__(self, bars: bool = False) -> None:
        self.bars = bars
        self.stages: dict[str, dict[str, float | bool | None]] = {}

    @contextmanager
    def stage(self, name: str, images: int | None = None, unit: str = "images", delay: float = 0) -> Iterator[Report]:
        """Time one stage; `images` is what its rate counts, else the last total that it reported in `unit`s.

        The bar is there from the start, or when `delay` seconds have passed.
        """
        start, totals = time.perf_counter(), [images]
        with tqdm(
            desc=f"{name:<11}", unit=f" {unit}", disable=not self.bars, dynamic_ncols=True, mininterval=0.2, delay=delay
        ) as bar:

            def report(done: int, total: int) -> None:
                bar.total, totals[0] = total, images or total
                bar.update(done - bar.n)

            yield report
            if bar.total is None and images is not None:  # a short stage says nothing on its way
                report(images, images)
        self.record(name, time.perf_counter() - start, totals[0])

    def record(self, name: str, seconds: float, images: int | None, remembered: bool = False) -> None:
        """Keep a stage's time; of a remembered one, what it took when it was computed."""
        rate = round(images / seconds, 1) if images and seconds > 0 else None
        self.stages[name] = {"seconds": round(seconds, 3), "per_second": rate, "remembered": remembered}
