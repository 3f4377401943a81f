"""A long job in the browser: its progress, a reload in the middle, another page, cancel, resume, and errors."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asap_core.analysis import Analysis
from tests import toy
from tests.browser import Visit, served
from tests.slow_tasks import HOLD

ASK = "(word) => asap.jobs.ask('relevance', {of: `meta.camera=${word}|lens-a|lens-b|lens-c`})"
COUNTED = re.compile(r"(\d+) of 150 images(, \d+ s left)?")


@pytest.fixture
def made(tmp_path: Path) -> Analysis:
    return toy.make(tmp_path / "toy", 300, drawn=12)


@pytest.fixture
def address(made: Analysis, tmp_path: Path) -> Iterator[str]:
    """A page whose worker has slow tasks and no model."""
    with served(made, tmp_path / "cache", "tests.slow_tasks", working=True) as url:
        yield url


def counted(page: Any) -> int:
    """How many images the bar says are done."""
    page.wait_for_selector("#status-far", state="attached")  # a page that was loaded anew is empty at first
    page.wait_for_function("() => /^[1-9]\\d* of 150 images/.test(document.getElementById('status-far').textContent)")
    found = COUNTED.match(page.inner_text("#status-far"))
    assert found
    return int(found[1])


def test_a_long_job_is_followed_shared_stopped_and_taken_up(visit: Visit, chromium: Any, made: Analysis, address: str):
    (made.folder / HOLD).touch()
    page = visit.open(address)
    page.wait_for_selector("#status-compute:visible")
    assert page.inner_text("#status-maps") == "Maps: 0 of 300 images have theirs"
    page.evaluate(ASK, "slow")
    assert counted(page) > 0 and page.inner_text("#status-what").startswith("Maps of camera slow")
    page.reload()  # in the middle
    before = counted(page)
    other = Visit(chromium)
    theirs = other.open(address)
    assert counted(theirs) >= before
    theirs.click("#status-cancel")
    page.wait_for_selector("#status-cancel", state="hidden")
    page.wait_for_selector("#status-maps:visible")
    theirs.evaluate(ASK, "slow")
    page.evaluate(ASK, "slow")  # the same job
    assert counted(theirs) >= before  # not from the start
    (made.folder / HOLD).unlink()
    for each in (page, theirs):
        each.wait_for_selector("#status-last:visible")
        assert each.inner_text("#status-last").startswith("Done: Maps of camera slow")
    page.click("#status-others")
    assert page.locator("#status-list li").count() == 1
    page.keyboard.press("Escape")
    assert page.is_hidden("#status-list")
    assert other.said == []
    other.context.close()


def test_an_error_stays_until_it_is_read(visit: Visit, address: str):
    page = visit.open(address)
    page.evaluate(ASK, "fails")
    page.wait_for_selector("#status-error:visible")
    assert page.inner_text("#status-error").endswith("that cannot be done: try another")
    assert "failed" in page.text_content("#status-said")
    page.reload()
    page.wait_for_selector("#status-error:visible")
    page.click("#status-dismiss")
    page.wait_for_selector("#status-error", state="hidden")
    page.reload()
    page.wait_for_selector("#status-maps:visible")
    assert page.is_hidden("#status-error")


def test_results_reach_the_page_that_asked(visit: Visit, address: str):
    page = visit.open(address)
    found = page.evaluate(
        """() => new Promise((resolve) => {
            let mine = null;
            document.addEventListener("asap:job", ({detail: job}) => {
                if (job.id === mine && job.state === "done") resolve(job);
            });
            asap.jobs.ask("counterfactual", {regions: [[5, [1, ...Array(48).fill(0)]]]}).then((id) => { mine = id; });
        })"""
    )
    assert found["result"]["counted"] == 3 and found["arguments"]["regions"][0][0] == 5


def test_without_a_worker_the_page_says_so_and_works(visit: Visit, made: Analysis, tmp_path: Path):
    with served(made, tmp_path / "idle") as url:
        page = visit.open(url)
        page.wait_for_selector("#status-error:visible")
        assert "without a worker" in page.inner_text("#status-error")
        assert page.is_hidden("#status-compute") and not page.evaluate("asap.jobs.can")
        assert page.evaluate("asap.jobs.ask('relevance', {of: ''}).catch((error) => error.message)").startswith(
            "No worker"
        )
        assert page.locator(".tile").count() == 100


def test_maps_that_cannot_be_made_are_asked_for_once(visit: Visit, address: str):
    page = visit.context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.goto(f"{address}?overlay=on&a=rows%3D3")
    page.wait_for_selector("#status-last:visible")  # the job is done, and no map is there
    page.wait_for_load_state("networkidle")
    assert len([url for url in asked if url.endswith("/jobs")]) == 1
