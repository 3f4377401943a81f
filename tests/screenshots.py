"""The README's pictures of the page: `python -m tests.screenshots [ANALYSIS] [--out DIR]`.

Without ANALYSIS the demo collection is drawn and analysed first. Maps and patterns that are missing are made. Needs
Chromium and playwright.
"""

import argparse
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from asap_core import analysis, demo, discovery, explanation, pipeline, selections
from asap_core.analysis import Analysis
from asap_core.maps import Maps
from asap_core.progress import Clock
from asap_core.request import Request
from tests.browser import served
from tests.conftest import CHROMIUM, QUIET

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1440, "height": 900}
# By name: the theme, and the state of the page as a link says it.
PICTURES = {
    "workspace": ("light", "?overlay=on&a=generator%3Dupsampler%26right&sort=severity"),
    "dimensions": ("dark", "?a=generator%3Ddenoiser&b=generator%3Dupsampler&focus=dimension&target=1"),
    "opened": ("light", "?overlay=on&a=generator%3Dupsampler%26right&sort=sensitivity&image={image}"),
}


def main(arguments: list[str]) -> int:
    """Take the pictures; print their files."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("analysis", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "screenshots")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.analysis or _demo(Path(scratch))
        made = analysis.load(folder)
        explanation.complete(folder)
        discovery.discover(folder)
        with served(made, Path(scratch) / "page", working=True) as address, sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
            for name, (theme, state) in PICTURES.items():
                link = address + state.format(image=_telling(made))
                print(_picture(browser, link, theme, options.out / f"{name}.webp"))
            browser.close()
    return 0


def _demo(scratch: Path) -> Path:
    """An analysis of the demo collection, with the embedded encoder."""
    manifest = demo.draw(scratch / "demo", demo.DemoSettings())
    return pipeline.analyse(Request(manifest, encoder="mini"), scratch / "cache", None, Clock(bars=True))


def _telling(made: Analysis) -> int:
    """The fake of the upsampler whose verdict hangs most on one place."""
    known = Maps.of(made)
    assert known is not None, "maps were computed"
    rows = selections.rows_of(made, "generator=upsampler&right")
    return int(rows[np.nanargmax(known.sensitivity[rows])])


def _picture(browser: Any, address: str, theme: str, file: Path) -> Path:
    """The page in one state, once all its pictures are there."""
    context = browser.new_context(viewport=SIZE, color_scheme=theme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#overview-stage[data-ready]", state="attached")
    page.wait_for_selector("#image-tiles[data-of][aria-busy=false]", state="attached")
    page.wait_for_load_state("networkidle")  # pictures beyond the edge wait until they are scrolled to
    Image.open(BytesIO(page.screenshot())).convert("RGB").save(file, quality=88, method=6)
    context.close()
    return file


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
