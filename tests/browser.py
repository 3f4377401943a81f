"""A page in a real browser, for journeys: served, opened, and listened to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from waitress.server import create_server

from app import create_app
from app.routes import jobs
from asap_core.analysis import Analysis

SIZE: Any = {"width": 1280, "height": 800}


@contextmanager
def served(study: Analysis, cache: Path, tasks: str | None = None, working: bool = False) -> Iterator[str]:
    """An analysis' page as run.py serves it; its address. With `working`, jobs are worked on, by `tasks` if given."""
    app = create_app(study, cache)
    if tasks:
        jobs.of(app).supervisor.tasks = tasks
    if working:
        jobs.of(app).start()
    server: Any = create_server(app.server, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}/"
    finally:
        jobs.of(app).close()
        server.close()
        thread.join(timeout=0.5)  # a browser may hold its connections open


class Visit:
    """A page in a browser of its own, and what its console said."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(viewport=SIZE, **options)
        self.said: list[str] = []

    def open(self, url: str) -> Any:
        page = self.context.new_page()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("response", lambda answer: self.said.extend([answer.url] if answer.status >= 400 else []))
        page.goto(url)
        page.wait_for_selector("#overview-stage[data-ready]", state="attached")
        page.wait_for_selector("#image-tiles[data-of][aria-busy=false]", state="attached")
        return page


def middle(page: Any, code: int | None = None) -> dict[str, Any]:
    """Where a cell is in the window; the fullest one's place where no code is given."""
    return page.evaluate(
        """async (code) => {
            const { plane, side, filter } = asap.current;
            const table = await asap.cells(plane, side, filter);
            code = code ?? asap.fullest(table);
            const frame = document.querySelector("#overview-stage").getBoundingClientRect();
            const [column, row] = [code % side, Math.floor(code / side)];
            const [x, y] = asap.view.toPixels((column + 0.5) / side, 1 - (row + 0.5) / side);
            return {
                code,
                phrase: `cell=${plane}/${side}/${code}`,
                n: table.columns.n[table.at.get(code)],
                x: frame.left + x,
                y: frame.top + y,
            };
        }""",
        code,
    )
