"""Journeys through the Pattern View: a pattern is chosen, renamed, merged, its images listed; jobs are asked for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from asap_core import edits, findings
from asap_core.analysis import Analysis
from asap_core.findings import Findings
from tests import toy
from tests.browser import Visit, served

DRAWN = "#pattern-list[aria-busy=false]"
FAKE_JOBS = """() => {
  window.asked = [];
  asap.jobs = { can: true, cancel: (id) => window.asked.push(["cancel", id]), all: () => [], state: () => ({}),
    ask: (kind, wanted) => { window.asked.push([kind, wanted]); return Promise.resolve("j1"); } };
}"""
TELL = """(job) => document.dispatchEvent(new CustomEvent("asap:job", { detail: job }))"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return toy.make(tmp_path_factory.mktemp("patterns"), 240, drawn=60)


@pytest.fixture
def key(made: Analysis) -> str:
    toy.forget(made)
    return toy.found(made).name


def kept(made: Analysis, key: str) -> Findings:
    found = findings.read(findings.folder_in(made) / key)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def address(made: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(made, tmp_path_factory.mktemp("cache")) as url:
        yield url


def opened(visit: Visit, address: str, query: str = "") -> Any:
    page = visit.open(address + query)
    page.wait_for_selector(DRAWN)
    return page


def test_a_pattern_is_renamed_and_its_images_are_listed(visit: Visit, address: str, made: Analysis, key: str):
    page = opened(visit, address)
    page.wait_for_selector(".pattern-row")
    assert page.locator(".pattern-row").count() == 4
    page.locator('.pattern-open[data-number="0"]').click()
    page.wait_for_selector(".pattern-row.pattern-chosen .pattern-brief")
    assert f"pattern={key}%2F0" in page.url
    page.get_by_role("button", name="Details").click()
    page.wait_for_selector(".pattern-card.pattern-chosen")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Name of the pattern").fill("<i>two suns</i>")
    page.keyboard.press("Enter")
    page.wait_for_selector(".pattern-chosen .pattern-name:text-is('<i>two suns</i>')")
    assert "Found as: the sun." in page.locator(".pattern-chosen").inner_text()
    assert edits.read(made, kept(made, key)).names == {"0": "<i>two suns</i>"}
    page.locator(".pattern-chosen").get_by_role("button", name="as group A").click()
    rows = findings.rows_with(made, f"{key}/0")
    page.wait_for_selector(f'#image-tiles[aria-busy=false]:has([data-row="{rows[0]}"])', state="attached")
    assert page.locator("#image-tiles .tile").count() == len(rows)
    listed = page.locator("#image-tiles .tile").evaluate_all("all => all.map((tile) => Number(tile.dataset.row))")
    assert sorted(listed) == rows.tolist()
    page.wait_for_selector(".pattern-chosen .quiet:has-text('of A’s')")
    page.locator("#pattern-said").get_by_role("button", name="Undo").click()
    page.wait_for_selector(".pattern-chosen .pattern-name:text-is('the sun')")


def test_patterns_are_hidden_merged_and_split(visit: Visit, address: str, made: Analysis, key: str):
    page = opened(visit, address, f"?focus=pattern&pattern={key}/0")
    page.wait_for_selector(".pattern-card.pattern-chosen")
    box = page.get_by_role("combobox", name="Merge “the sun” with another pattern")
    assert box.locator("option").count() == 3  # not the one toward real
    box.select_option("1")
    page.wait_for_selector(".pattern-chosen :text('merged of 2')")
    assert "not measured yet" in page.locator(".pattern-chosen").inner_text()
    page.locator("#pattern-said").get_by_role("button", name="Undo").click()
    page.wait_for_selector(".pattern-chosen :text('merged of 2')", state="detached")
    page.locator(".pattern-chosen").get_by_role("button", name="Hide").click()
    page.wait_for_selector('.pattern-open[data-number="0"]', state="detached")
    page.get_by_role("button", name="that is hidden").click()
    page.locator(".pattern-chosen").get_by_role("button", name="Show again").click()
    page.wait_for_selector("#pattern-said:has-text('is shown again')")
    page.get_by_role("combobox", name="Which patterns").select_option("real")
    page.wait_for_selector(".pattern-card:only-child")
    page.get_by_role("combobox", name="Order of the patterns").select_option("n")
    page.wait_for_function("() => asap.current.rank === 'n'")
    other = opened(visit, address, f"?{urlsplit(page.url).query}")
    other.wait_for_selector(".pattern-card:only-child")
    assert other.get_by_role("combobox", name="Order of the patterns").input_value() == "n"


def test_the_list_is_walked_with_the_keyboard(visit: Visit, address: str, key: str):
    page = opened(visit, address)
    page.wait_for_selector(".pattern-row")
    page.locator(".pattern-open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".pattern-row:nth-child(2) .pattern-brief")
    focused = page.evaluate("() => document.activeElement.dataset.number")
    assert f"pattern={key}%2F{focused}" in page.url
    assert page.locator(".pattern-row:nth-child(2) .pattern-open").get_attribute("aria-label").startswith("In ")


def test_patterns_are_looked_for_and_appear_by_themselves(visit: Visit, address: str, made: Analysis, key: str):
    page = opened(visit, address)
    page.evaluate(FAKE_JOBS)
    page.locator(".pattern-set", has_text="Everything").click()
    page.evaluate("() => asap.patterns.render()")
    page.get_by_role("button", name="Find patterns of misses").click()
    assert page.evaluate("() => window.asked") == [["patterns", {"of": "misses"}]]
    page.wait_for_url("**of=misses*")
    job = {
        "id": "j1",
        "kind": "patterns",
        "arguments": {"of": "misses"},
        "done": 40,
        "total": 100,
        "left": 30,
        "error": None,
    }
    page.evaluate(TELL, job | {"state": "running"})
    page.wait_for_selector("#pattern-list progress[value='40']")
    assert "about 30 s left" in page.locator("#pattern-list").inner_text()
    page.locator("#pattern-list").get_by_role("button", name="Cancel").click()
    assert page.evaluate("() => window.asked.at(-1)") == ["cancel", "j1"]
    page.evaluate(TELL, job | {"state": "failed", "error": "no room is left"})
    page.wait_for_selector("#pattern-list :text('no room is left')")
    toy.found(made, "misses")
    page.evaluate(TELL, job | {"state": "done"})
    page.wait_for_selector(".pattern-row")
    assert page.locator(".pattern-set[aria-pressed=true]").inner_text().split() == ["Misses", "4"]


def test_a_merged_pattern_is_measured_by_a_job(visit: Visit, address: str, made: Analysis, key: str):
    place = findings.folder_in(made) / key
    edits.merge(made, kept(made, key), [0, 1])
    page = opened(visit, address, f"?focus=pattern&pattern={key}/0")
    page.wait_for_selector(".pattern-card.pattern-chosen")
    page.evaluate(FAKE_JOBS)
    page.evaluate("() => asap.patterns.render()")
    page.locator(".pattern-chosen").get_by_role("button", name="judge them again").click()
    asked = {"pattern": f"{key}/0", "occluders": ["drop", "swap"]}
    assert page.evaluate("() => window.asked") == [["counterfactual", asked]]
    job = {"id": "j1", "kind": "counterfactual", "arguments": asked, "done": 1, "total": 4, "left": None, "error": None}
    page.evaluate(TELL, job | {"state": "running"})
    page.wait_for_selector(".pattern-chosen progress[value='1']")
    regions = findings.regions_of(made, f"{key}/0")
    findings.keep_flips(made, f"{key}/0", regions, np.array([[True, False]] * len(regions)))
    page.evaluate(TELL, job | {"state": "done"})
    page.wait_for_selector(".pattern-chosen .pattern-value:text-is('100 %')")
    assert Path(place / "measured" / "0-1.json").is_file()
