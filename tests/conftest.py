"""What tests share: toy analyses, the page served, and a browser."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from asap_core.analysis import Analysis
from tests import toy
from tests.browser import Visit, served

SIDE = 192  # pixels of an image whose flaw is known
CHROMIUM = Path("/usr/bin/chromium")
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="session")
def toy_analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """240 drawn landscapes, labelled."""
    return toy.make(tmp_path_factory.mktemp("toy"), 240)


@pytest.fixture(scope="session")
def unlabelled_analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """Landscapes of unknown origin."""
    return toy.make(tmp_path_factory.mktemp("unlabelled"), 60, labelled=False)


@pytest.fixture(scope="session")
def address(toy_analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The toy's page, served as run.py serves it; its URL."""
    with served(toy_analysis, tmp_path_factory.mktemp("cache")) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless browser; skips where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: install chromium for the journeys in a browser")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        yield browser
        browser.close()


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


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visit]:
    """A browser of its own, whose console must stay empty."""
    found = Visit(chromium)
    yield found
    assert found.said == []
    found.context.close()
