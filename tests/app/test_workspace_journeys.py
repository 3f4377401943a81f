"""Journeys across the views in a real browser: images and what moves them, judged again by the real model."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asap_core import analysis, texts
from asap_core.analysis import Analysis
from asap_core.maps import Maps
from tests import toy
from tests.browser import Visit, served

READY = "#image-tiles[data-of][aria-busy=false]"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """240 landscapes with maps, and findings."""
    found = toy.make(tmp_path_factory.mktemp("workspace"), 240)
    toy.explained(found)
    toy.found(found)
    return found


@pytest.fixture(scope="module")
def address(made: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(made, tmp_path_factory.mktemp("cache")) as url:
        yield url


def test_maps_over_images_and_away_while_space_is_held(visit: Visit, address: str, made: Analysis):
    page = visit.open(f"{address}?a=misses&sort=sensitivity")
    known = Maps.of(made)
    assert known is not None
    order = page.locator(".tile").evaluate_all("tiles => tiles.map((tile) => Number(tile.dataset.row))")
    assert np.all(np.diff(known.sensitivity[order]) <= 0)
    page.locator("#image-overlay").click()
    page.wait_for_function(
        "() => document.querySelectorAll('.tile .map').length === document.querySelectorAll('.tile').length"
    )
    page.wait_for_function("() => document.querySelector('.tile .map').naturalWidth > 0")
    page.locator("#image-target").select_option("3")
    page.wait_for_function("() => document.querySelector('.tile .map').src.includes('/3/')")
    assert "target=3" in page.url and "overlay=on" in page.url
    page.locator("#image-tiles").focus()
    page.keyboard.down(" ")
    page.wait_for_function("() => getComputedStyle(document.querySelector('.tile .map')).opacity === '0'")
    page.keyboard.up(" ")
    page.wait_for_function("() => getComputedStyle(document.querySelector('.tile .map')).opacity > 0.5")


def test_an_opened_image_shows_its_regions_and_its_neighbours(visit: Visit, address: str, made: Analysis):
    known = Maps.of(made)
    assert known is not None
    row = int(np.nanargmax(known.sensitivity))
    page = visit.open(f"{address}?overlay=on&image={row}")
    page.wait_for_selector(".opened-frame .outlines path")
    assert page.locator(".region-list li").count() == len(known.groups(row))
    map_box, picture = (page.locator(f"#opened-frame > {kind}").first.bounding_box() for kind in (".map", "img"))
    assert map_box == picture  # a map lies where it belongs
    page.wait_for_function("() => document.querySelectorAll('.alike-tile').length === 6")
    page.keyboard.press("m")
    middle = page.locator("#opened-frame").bounding_box()
    page.mouse.move(middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2)
    page.wait_for_selector("#opened-frame .lens:not([hidden])")
    other = page.locator(".alike-tile").first.get_attribute("data-go")
    page.locator(".alike-tile").first.click()
    page.wait_for_url(lambda url: str(other) in url)
    page.get_by_role("button", name="More like this").click()
    page.wait_for_selector("#opened-dialog:not([open])", state="attached")
    page.wait_for_function("() => document.querySelectorAll('.tile .sorted-by').length === 100")
    assert page.locator(".sorted-by").first.inner_text() == "cosine 1.00"


def test_a_filter_holds_everywhere_and_is_in_the_link(visit: Visit, address: str, made: Analysis):
    page = visit.open(address)
    page.get_by_role("button", name="Filter", exact=True).click()
    page.locator("#filters-menu [data-value='vista-xl']").click()
    fakes = int((made.arrays["generator"] == 2).sum())
    page.wait_for_function("n => document.querySelector('.filter-count').textContent.startsWith(n)", arg=str(fakes))
    page.locator("#filters-menu [data-value='misses']").click()
    page.wait_for_url(lambda url: "generator%3Dvista-xl%26misses" in url)
    page.keyboard.press("Escape")
    page.wait_for_selector(f"#image-tiles[data-of='generator=vista-xl&misses']{READY[12:]}")
    shown = page.locator(".tile").count()
    other = visit.open(page.url)
    assert other.locator(".tile").count() == shown
    page.get_by_role("button", name="Remove the filter misses").click()
    page.wait_for_function("n => document.querySelector('.filter-count').textContent.startsWith(n)", arg=str(fakes))
    page.keyboard.press("/")
    page.keyboard.type("0003")
    page.wait_for_url(lambda url: "text%3D0003" in url)


def test_images_are_tagged_and_found_by_their_tag(visit: Visit, address: str):
    page = visit.open(f"{address}?a=false-alarms")
    n = page.locator(".tile").count()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.locator("#image-tags input").fill("look again")
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"look again ({n})").click()
    page.wait_for_url(lambda url: "filter=tag%3Dlook" in url)
    page.wait_for_function("n => document.querySelector('.filter-count').textContent.startsWith(n)", arg=str(n))


def test_one_panel_enlarged_and_all_again(visit: Visit, address: str):
    page = visit.open(address)
    before = page.locator(".panel.images").bounding_box()
    page.locator(".panel.images .enlarge").click()
    page.wait_for_function("() => document.body.dataset.focus === 'image'")
    after = page.locator(".panel.images").bounding_box()
    assert after["width"] > 1.5 * before["width"] and not page.locator(".panel.pattern").is_visible()
    page.go_back()
    page.wait_for_function("() => document.body.dataset.focus === ''")
    assert page.locator(".panel.images").bounding_box() == before


def test_the_next_error_by_a_key(visit: Visit, address: str, made: Analysis):
    wrong = (made.logits > 0) != np.asarray(made.is_fake)
    page = visit.open(address)
    seen = []
    for _ in range(3):
        before = page.url
        page.keyboard.press("e")
        page.wait_for_url(lambda url, before=before: url != before)
        page.wait_for_selector("#opened-dialog[open]")
        seen.append(page.evaluate("asap.current.image"))
    assert len(set(seen)) == 3 and wrong[seen].all()


def test_a_region_is_removed_and_the_model_judges_again(chromium: Any, flawed: Path, tmp_path: Path):
    """The faces journey: a cell of fakes, its most telling image, the region that speaks, and without it."""
    folder = tmp_path / "analysis"
    shutil.copytree(flawed, folder, ignore=shutil.ignore_patterns("derived"))
    study = analysis.load(folder)
    with served(study, tmp_path / "cache", working=True) as address:
        without_a_region(Visit(chromium), address, study)


def without_a_region(seen: Visit, address: str, study: Analysis):
    page = seen.open(f"{address}?a=fake%26right&overlay=on")
    page.wait_for_function(
        "() => document.querySelectorAll('.tile .map').length === document.querySelectorAll('.tile').length",
        timeout=90_000,
    )  # maps come by themselves for what is looked at
    known = Maps.of(study)
    assert known is not None
    rows = np.flatnonzero(known.done & np.asarray(study.is_fake)).tolist()
    row = max(rows, key=lambda row: len(known.groups(row)))
    page.goto(f"{address}?overlay=on&image={row}")
    page.wait_for_selector("[data-region='0']")
    page.locator("button[data-region='0']").click()
    page.wait_for_selector("#opened-measured tbody tr", timeout=60_000)
    assert page.locator("#opened-measured tbody tr").count() == 4
    change = page.locator("#opened-measured tbody tr").first.locator("td").nth(1).inner_text()
    group = known.groups(int(row))[0].contribution
    assert float(change.replace("−", "-")) * group < 0  # what spoke for a side is gone
    page.get_by_role("button", name="Mark a region").click()
    box = page.locator("canvas.brush").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 90, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Remove what is marked").click()
    page.wait_for_function("() => document.querySelector('#opened-measured .hint')")
    page.wait_for_selector("#opened-measured tbody tr", timeout=60_000)
    looked_for(seen, address, study)
    assert seen.said == []
    seen.context.close()


def looked_for(seen: Visit, address: str, study: Analysis):
    """Images that look like words, as the real encoder reads them."""
    page = seen.open(address)
    page.keyboard.press("/")
    page.keyboard.type("a blue sky ")
    page.wait_for_url(lambda url: "text%3Da+blue+sky" in url)
    page.keyboard.type("at dusk")  # the space before it was not taken away
    page.wait_for_selector("#search-looks:text-is('Images that look like “a blue sky at dusk”')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "shows%3Da+blue+sky+at+dusk" in url and "text" not in url, timeout=60_000)
    page.wait_for_selector(f"#image-tiles[data-of='shows=a blue sky at dusk']{READY[12:]}")
    nearest = texts.closeness(study, "a blue sky at dusk")
    order = [int(row) for row in page.locator(".tile").evaluate_all("tiles => tiles.map((tile) => tile.dataset.row)")]
    assert order == np.argsort(-nearest, kind="stable").tolist()
    assert page.locator(".tile .sorted-by").first.inner_text() == f"cosine {nearest.max():.2f}"
    assert page.locator("#filters-chosen .chip-name").inner_text() == "Looks like: a blue sky at dusk"
    assert page.input_value("#search-words") == "" and page.is_hidden("#search-looks")
