"""What the page costs: the server's time, the size of what is sent, the first page, memory.

`python -m tests.bench.page [--images 1000,20000,200000] [--json]`. Analyses are made of random vectors, with token
maps of a few images. The page is driven in headless Chromium, as a person would: cells are clicked, the filter and the
plane are changed. What it asked the server is then asked again, in the same order, of a server that was just started
and has the machine to itself; every answer's processor time is taken inside the server and added up over an
interaction, however many views ask; p95 over the interactions. The floor, measured in the same run, is what numpy needs
to read every contribution once and to count the images of every cell.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
from playwright.sync_api import Page, sync_playwright

from asap_core import analysis
from asap_core.analysis import Analysis
from asap_core.projection import cells
from tests import toy
from tests.conftest import CHROMIUM, QUIET

SIZES = (1_000, 20_000, 200_000)
TURNS = 12  # interactions of a kind
SIZE: Any = {"width": 1440, "height": 900}
FILTERS = (
    "fake",
    "generator=lumen-2",
    "misses",
    "severity=0.2..0.8",
    "meta.camera=lens-a",
    "real&category=dusk",
    "wrong",
    "judged-fake",
    "category=coast|winter",
    "inconclusive",
    "meta.camera=lens-b|lens-c",
    None,
)
SETTLED = 250  # ms without a request, then an interaction is over
AIMS = {"cell": 150, "filter": 200, "redraw": 100, "bytes": 150_000, "memory": 600}  # ms, bytes, MB
FIRST = {1_000: 2.0, 20_000: 2.0, 200_000: 4.0}  # s

SERVER = """
import json, logging, os, sys, time
from pathlib import Path
from waitress.server import create_server
from app import create_app
from app.server import one_heap
from asap_core import analysis

one_heap()
app = create_app(analysis.load(Path(sys.argv[1])), Path(sys.argv[2])).server
inner = app.wsgi_app

def tell(what):
    os.write(1, (json.dumps(what) + chr(10)).encode())  # a line at once: threads answer

def timed(environ, start):
    begun = time.thread_time()
    body = b"".join(inner(environ, start))
    spent = 1000 * (time.thread_time() - begun)
    asked = environ["PATH_INFO"] + "?" + environ["QUERY_STRING"]
    tell([environ["REQUEST_METHOD"], asked, spent, len(body)])
    return [body]

app.wsgi_app = timed
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
server = create_server(app, host="127.0.0.1", port=0, threads=8)
tell(server.effective_port)
server.run()
"""


class Served:
    """The page in a process of its own, which tells of every answer."""

    def __init__(self, made: Analysis, cache: Path) -> None:
        command = [sys.executable, "-c", SERVER, str(made.folder), str(cache)]
        self.log = (cache / "answers.jsonl").open("w+")
        self.process = subprocess.Popen(command, stdout=self.log)
        while not (found := self.answers(0)):
            assert self.process.poll() is None, "the server ended"
            time.sleep(0.02)
        self.address = f"http://127.0.0.1:{found[0]}/"

    def answers(self, since: int) -> list[Any]:
        """What was answered after the first `since` lines: [method, URL, ms, bytes]."""
        lines = Path(self.log.name).read_text().splitlines()
        return [json.loads(line) for line in lines[since:]]

    def memory(self) -> dict[str, float]:
        """MB: resident in all, and without the files that are mapped."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        found = dict(line.split(":", 1) for line in lines if ":" in line)
        return {name: int(found[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon")}

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()
        self.log.close()


def settle(page: Page) -> None:
    """Wait until no request was under way for a while."""
    page.evaluate(
        """async (still) => {
            let last = performance.now(), seen = performance.getEntriesByType("resource").length;
            while (performance.now() - last < still) {
                await new Promise((done) => setTimeout(done, 25));
                const now = performance.getEntriesByType("resource").length;
                if (now !== seen || document.querySelector("[aria-busy=true]")) [seen, last] = [now, performance.now()];
            }
        }""",
        SETTLED,
    )


def asked(served: Served, since: int) -> list[str]:
    """What was asked after the first `since` answers, pictures of images and Dash's own calls left out."""
    left_out = ("/thumb", "/img", "/crop", "/_dash")
    return [url for method, url, *_ in served.answers(since) if method == "GET" and not url.startswith(left_out)]


def interact(served: Served, page: Page, changes: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """What the page asks at each change of its state."""
    page.evaluate("performance.setResourceTimingBufferSize(100000)")
    found = []
    for change in changes:
        before = len(served.answers(0))
        page.evaluate("change => asap.go(change)", change)
        settle(page)
        found.append(asked(served, before))
    return found


def again(served: Served, interactions: Iterable[Sequence[str]]) -> dict[str, Any]:
    """Server time and size of interactions whose questions are asked again."""
    spent, sizes, slowest = [], [], ["", 0.0]
    for urls in interactions:
        before = len(served.answers(0))
        for url in urls:
            urlopen(Request(served.address.rstrip("/") + url, headers={"Accept-Encoding": "gzip"})).read()
        told = served.answers(before)
        spent.append(sum(ms for _, _, ms, _ in told))
        sizes.append(sum(size for _, url, _, size in told if not url.partition("?")[0].endswith((".svg", ".png"))))
        slowest = max([slowest, *([url.split("/")[1], ms] for _, url, ms, _ in told)], key=lambda each: each[1])
    p50, p95 = np.percentile(spent, (50, 95))
    return {"p50": p50, "p95": p95, "bytes": max(sizes), "slowest": slowest}


def floor(made: Analysis) -> dict[str, float]:
    """ms to read every contribution once, and to count the images of every cell."""

    def least(task: Callable[[], Any]) -> float:
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            task()
            times.append(1000 * (time.perf_counter() - begun))
        return min(times)

    positions = np.asarray(made.positions("content"))
    return {
        "read": least(lambda: np.asarray(made.distilled).sum(0)),
        "count": least(lambda: np.bincount(cells.cut(positions, 16))),
    }


def measure(n: int, folder: Path) -> dict[str, Any]:
    """All figures of one size."""
    toy.make(folder / "toy", n, drawn=50)
    made = analysis.load(folder / "toy" / "analysis")
    toy.explained(made, np.arange(min(n, 1000)))
    with running(made, folder / "browsed") as served, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        found, questions = _driven(served, browser.new_context(viewport=SIZE).new_page(), made)
    with running(made, folder / "alone") as served:
        timed = {kind: again(served, interactions) for kind, interactions in questions.items()}
    return {"images": n, **found, **timed, "floor": floor(made)}


@contextmanager
def running(made: Analysis, cache: Path) -> Iterator[Served]:
    """A server for as long as it is needed."""
    cache.mkdir()
    served = Served(made, cache)
    try:
        yield served
    finally:
        served.close()


def _driven(served: Served, page: Page, made: Analysis) -> tuple[dict[str, Any], dict[str, list[list[str]]]]:
    """The first page and memory; and what the page asked when it was opened and at every interaction."""
    begun = time.perf_counter()
    page.goto(served.address)
    page.wait_for_selector("#overview-stage[data-ready]", state="attached")
    page.wait_for_selector("#image-tiles[data-of][aria-busy=false]")
    first = time.perf_counter() - begun
    settle(page)
    side = page.evaluate("asap.current.side")
    held = cells.members(cells.cut(np.asarray(made.positions("content")), side))
    fullest = held.codes[np.argsort(-held.counts)[:TURNS]].tolist()
    planes = [{"plane": plane, "side": side} for plane in ("decision", "content") for side in (8, 16, 32, 64)]
    changes = {
        "cell": [{"a": f"cell=content/{side}/{code}"} for code in fullest],
        "compare": [{"b": f"cell=content/{side}/{code}"} for code in fullest],
        "filter": [{"a": None, "b": None, "filter": phrase} for phrase in FILTERS],
        "redraw": planes,
    }
    questions = {"open": [asked(served, 1)]}  # the first line is the port
    questions |= {kind: interact(served, page, each) for kind, each in changes.items()}
    return {"first": first, "memory": served.memory()}, questions


def text(found: Mapping[str, Any]) -> str:
    """One size's figures against the aims, and how far from the floor they are."""
    n, least = found["images"], found["floor"]
    lines = [f"{n:,} images: first page {found['first']:.2f} s (aim {FIRST.get(n, 4.0):g})"]
    for name in ("cell", "compare", "filter", "redraw"):
        each, aim = found[name], AIMS.get(name, AIMS["cell"])
        away = each["p95"] / (least["read"] + least["count"])
        lines.append(
            f"  {name:<8} server p50 {each['p50']:6.1f}, p95 {each['p95']:6.1f} ms (aim {aim}), {away:.0f} x floor; "
            f"JSON {each['bytes'] / 1000:.0f} kB at most (aim {AIMS['bytes'] // 1000}); "
            f"slowest /{each['slowest'][0]} {each['slowest'][1]:.0f} ms"
        )
    memory = found["memory"]
    lines.append(
        f"  memory {memory['VmRSS']:.0f} MB (aim {AIMS['memory']}), {memory['RssAnon']:.0f} without mapped files"
    )
    lines.append(f"  floor: contributions read {least['read']:.2f} ms, cells counted {least['count']:.2f} ms")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", default=",".join(map(str, SIZES)), metavar="N,N")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for n in map(int, options.images.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(n, Path(folder))
        print(json.dumps(found) if options.json else text(found), flush=True)


if __name__ == "__main__":
    main()
