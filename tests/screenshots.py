"""The README's pictures of the page, light and dark: `python -m tests.screenshots [ANALYSIS] [--out DIR]`.

Without ANALYSIS the demo collection is drawn and analysed first. Needs Chromium and playwright.
"""

import argparse
import sys
import tempfile
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright
from waitress.server import create_server

from app import create_app
from asap_core import analysis, demo, pipeline
from asap_core.progress import Clock
from asap_core.request import Request
from tests.conftest import CHROMIUM, QUIET

ROOT = Path(__file__).parents[1]
SIZE = {"width": 1440, "height": 900}
THEMES = ("light", "dark")


def main(arguments: list[str]) -> int:
    """Take the pictures; print their files."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("analysis", type=Path, nargs="?")
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "screenshots")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.analysis or _demo(Path(scratch))
        server: Any = create_server(create_app(analysis.load(folder)).server, host="127.0.0.1", port=0, threads=4)
        threading.Thread(target=server.run, daemon=True).start()
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
            for theme in THEMES:
                print(_picture(browser, f"http://127.0.0.1:{server.effective_port}/", theme, options.out))
            browser.close()
        server.close()
    return 0


def _demo(scratch: Path) -> Path:
    """An analysis of the demo collection, with the embedded encoder."""
    manifest = demo.draw(scratch / "demo", demo.DemoSettings())
    return pipeline.analyse(Request(manifest, encoder="mini"), scratch / "cache", None, Clock(bars=True))


def _picture(browser: Any, address: str, theme: str, out: Path) -> Path:
    """The page as it opens, once all its pictures are there."""
    context = browser.new_context(viewport=SIZE, color_scheme=theme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#overview-stage[data-ready]", state="attached")
    page.wait_for_selector("#image-tiles[data-cell][aria-busy=false]")
    page.wait_for_load_state("networkidle")  # pictures beyond the edge wait until they are scrolled to
    file = out / f"demo-{theme}.webp"
    Image.open(BytesIO(page.screenshot())).convert("RGB").save(file, quality=88, method=6)
    context.close()
    return file


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
