"""What tests share: toy analyses, the page served, and a browser."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waitress.server import create_server

from app import create_app
from asap_core.analysis import Analysis
from tests import toy

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
    app = create_app(toy_analysis, tmp_path_factory.mktemp("cache"))
    server: Any = create_server(app.server, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}/"
    server.close()
    thread.join(timeout=10)


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
