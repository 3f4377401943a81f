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
    def stage(self, name: str, images: int | None = None) -> Iterator[Report]:
        """Time one stage; `images` is what its rate counts, else the last total that it reported."""
        start = time.perf_counter()
        with tqdm(
            desc=f"{name:<11}", unit=" images", disable=not self.bars, dynamic_ncols=True, mininterval=0.2
        ) as bar:
            seen = [images]

            def report(done: int, total: int) -> None:
                bar.total, seen[0] = total, images if images is not None else total
                bar.update(done - bar.n)

            yield report
        self.record(name, time.perf_counter() - start, seen[0])

    def record(self, name: str, seconds: float, images: int | None, remembered: bool = False) -> None:
        """Keep a stage's time; of a remembered one, what it took when it was computed."""
        rate = round(images / seconds, 1) if images and seconds > 0 else None
        self.stages[name] = {"seconds": round(seconds, 3), "per_second": rate, "remembered": remembered}
