"""Journeys through the page in a real browser: with a pointer, by a link, by keyboard, in the dark."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser import Visit, middle


def test_a_cell_its_images_one_of_them_and_back(visit: Visit, address: str):
    page = visit.open(address)
    assert page.locator(".tile").count() == 100
    cell = middle(page)
    page.mouse.move(cell["x"], cell["y"])
    page.wait_for_selector("#overview-card:not([hidden])")
    assert f"{cell['n']} images" in page.inner_text("#overview-card")
    page.mouse.click(cell["x"], cell["y"])
    page.wait_for_selector(f"#image-tiles[data-of='{cell['phrase']}']")
    assert page.locator(".tile").count() == min(cell["n"], 100)
    page.mouse.move(5, 5)
    page.wait_for_selector("#overview-card", state="hidden")

    first, second = (page.locator(".tile").nth(k).get_attribute("data-row") for k in (0, 1))
    page.locator(".tile").first.click()
    page.wait_for_selector("#opened-dialog[open]")
    page.wait_for_function("() => document.querySelector('.opened-picture img').naturalWidth === 288")
    assert page.url.endswith(f"a={quote(cell['phrase'], safe='')}&image={first}")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => document.querySelector('.opened-picture img').src.endsWith('/{second}')")
    page.keyboard.press("Escape")
    page.wait_for_selector("#opened-dialog:not([open])", state="attached")
    page.wait_for_url(re.compile(rf"a={quote(cell['phrase'], safe='')}(&page=1)?$"))
    page.get_by_role("button", name="Show all", exact=True).click()
    page.wait_for_selector("#image-tiles[data-of=all]")
    page.go_back()
    page.wait_for_selector(f"#image-tiles[data-of='{cell['phrase']}']")


def test_a_link_restores_the_page_in_another_browser(visit: Visit, address: str):
    page = visit.open(address)
    page.get_by_text("Decision", exact=True).click()
    page.wait_for_selector("#overview-stage[data-ready='decision/8']", state="attached")
    page.click("#overview-mode")
    page.click("#overview-menu [data-choice='side=16']")
    page.wait_for_selector("#overview-stage[data-ready='decision/16']", state="attached")
    cell = middle(page)
    page.mouse.click(cell["x"], cell["y"])
    page.wait_for_selector(f"#image-tiles[data-of='{cell['phrase']}']")
    page.locator(".tile").nth(1).click()
    page.wait_for_selector("#opened-dialog[open]")
    name = page.inner_text("#opened-content h2")

    other = visit.open(page.url)
    other.wait_for_selector("#opened-dialog[open]")
    assert other.inner_text("#opened-content h2") == name
    assert other.get_attribute("#overview-stage", "data-ready") == "decision/16"
    assert other.get_attribute("#image-tiles", "data-of") == cell["phrase"]
    pressed = other.locator(".overview [data-choice][aria-pressed=true]")
    assert pressed.evaluate_all("all => all.map((each) => each.dataset.choice)") == [
        "plane=decision",
        "show=glyphs",
        "side=16",
    ]
    assert other.locator(".rings .group.a.outer").count() == 1


def test_nonsense_in_a_link_is_passed_over(visit: Visit, address: str):
    page = visit.open(f"{address}?plane=moon&side=9&cell=-3&image=99999&page=x&sort=%3Cscript%3E")
    assert page.get_attribute("#overview-stage", "data-ready") == "content/8"
    assert page.get_attribute("#image-tiles", "data-of") == "all"
    assert page.locator("#opened-dialog[open]").count() == 0


def test_dark_when_the_system_is_and_remembered_when_chosen(chromium: Any, address: str):
    visit = Visit(chromium, color_scheme="dark")
    page = visit.open(address)

    def theme(of: Any) -> str:
        return of.evaluate("document.documentElement.dataset.bsTheme")

    def drawn_in(shade: str) -> None:
        page.wait_for_function(
            "shade => document.querySelector('#overview-world .sheet').src.includes(shade)",
            arg=shade,
        )

    assert theme(page) == "dark"
    drawn_in("dark")
    page.click("#theme-button")
    drawn_in("light")
    assert theme(page) == "light"
    assert theme(visit.open(address)) == "light"
    assert visit.said == []
    visit.context.close()


def test_by_keyboard_alone(visit: Visit, address: str):
    page = visit.open(address)

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached by the keyboard")

    tab_to("#overview-stage")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#overview-card:not([hidden])")
    begun = page.inner_text("#overview-spoken")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("text => document.querySelector('#overview-spoken').textContent !== text", arg=begun)
    spoken = page.inner_text("#overview-spoken")
    assert re.match(r"Cell \d+, \d+: \d+ images?, \d", spoken)
    page.keyboard.press("Enter")
    page.wait_for_selector("#image-tiles[data-of]:not([data-of=all])")
    assert page.inner_text("#image-title").startswith(spoken.split(":")[0])
    tab_to(".tile")
    row = page.evaluate("document.activeElement.dataset.row")
    page.keyboard.press("Enter")
    page.wait_for_selector("#opened-dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#opened-dialog:not([open])", state="attached")
    page.wait_for_function("row => document.activeElement.dataset.row === row", arg=row)


def test_the_table_is_the_planes_twin(visit: Visit, address: str):
    page = visit.open(f"{address}?show=table")
    page.wait_for_selector(".cell-table tbody tr")
    counts = [int(text) for text in page.locator(".cell-table tbody td:nth-child(2)").all_inner_texts()]
    assert sum(counts) == 240 and counts == sorted(counts, reverse=True)
    page.locator(".cell-table tbody button").first.click()
    page.wait_for_selector("#image-tiles[data-of]:not([data-of=all])")
    assert page.locator(".tile").count() == counts[0]
    page.click("#overview-mode")
    page.get_by_role("button", name="Glyphs", exact=True).click()
    page.wait_for_selector(".rings .group.a.outer", state="attached")


@pytest.mark.parametrize("size", [(1100, 640), (1280, 800), (1440, 900), (1920, 1080)])
def test_only_panels_scroll(chromium: Any, address: str, size: tuple[int, int]):
    visit = Visit(chromium)
    page = visit.open(address)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    reach = page.evaluate(
        """() => {
            const root = document.documentElement;
            const boxes = document.querySelectorAll(".strip > *, .panel, .panel-head > *, .stage");
            const ends = [...boxes].map((box) => box.getBoundingClientRect());
            const beyond = ends.flatMap((end) => [end.right - innerWidth, end.bottom - innerHeight]);
            return [root.scrollWidth, root.scrollHeight, ...beyond];
        }"""
    )
    assert reach[:2] == list(size) and max(reach[2:]) <= 0
    zoom, plane = (page.locator(name).bounding_box() for name in (".zoom", "#overview-stage"))
    assert zoom and plane and zoom["y"] + zoom["height"] <= plane["y"]  # no button covers a glyph
    visit.context.close()


def test_the_embedded_encoder_shows_its_model_card(visit: Visit, address: str):
    page = visit.open(address)
    page.get_by_role("button", name="The embedded encoder's model card").click()
    card = page.locator("#header-card[open]")
    card.locator("td", has_text="CIFAR categories, zero-shot").wait_for()
    assert card.locator("table").count() >= 4
    assert card.evaluate("card => card.scrollWidth <= card.clientWidth")
    card.locator("p").first.hover()
    page.mouse.wheel(0, 400)
    page.wait_for_function("() => document.querySelector('#header-card .dialog-text').scrollTop > 0")
    card.get_by_role("button", name="Close").click()
    page.wait_for_selector("#header-card:not([open])", state="attached")
