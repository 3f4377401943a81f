"""Journeys through the Representation Overview in a real browser: zoom, modes, lassos, filters, keys, links."""

import re
from math import cos, pi, sin
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

from asap_core import selections
from asap_core.analysis import Analysis
from tests.browser import Visit, middle

STAGE = "#overview-stage"


def asked(page: Any, key: str) -> str | None:
    """What the URL says of one key."""
    return parse_qs(urlsplit(page.url).query).get(key, [None])[0]


def scene(page: Any, kind: str) -> None:
    page.wait_for_selector(f"{STAGE}[data-scene^='{kind}']", state="attached")


def drag_around(page: Any, tool: str, shift: bool = False) -> None:
    """Draw around the fullest cell, and a little more."""
    page.click(f"[data-pointer={tool}]")
    page.keyboard.press("Escape")
    cell = middle(page)
    reach = 45
    if shift:
        page.keyboard.down("Shift")
    page.mouse.move(cell["x"] + reach, cell["y"])
    if tool == "box":
        page.mouse.move(cell["x"] - reach, cell["y"] - reach)
    page.mouse.down()
    for k in range(1, 25):
        turn = 2 * pi * k / 24
        corner = (cos(turn), sin(turn)) if tool == "lasso" else (k / 12 - 1, k / 12 - 1)
        page.mouse.move(cell["x"] + reach * corner[0], cell["y"] + reach * corner[1])
    page.mouse.up()
    if shift:
        page.keyboard.up("Shift")


def test_zooming_in_goes_from_cells_to_single_images_and_one_opens(visit: Visit, address: str):
    page = visit.open(address)
    scene(page, "donuts/8")
    at = page.evaluate(
        """async () => {
            const { columns, at } = await asap.cells("content", 8, null);
            const row = columns.medoid[at.get(asap.fullest({ columns }))];
            const [[x, y]] = await asap.points.locate("content", [row]);
            const [left, top] = asap.view.toPixels(x, y);
            const frame = document.querySelector("#overview-stage").getBoundingClientRect();
            return [frame.left + left, frame.top + top];
        }"""
    )
    page.mouse.move(*at)
    kinds = []
    for _ in range(60):
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(20)
        seen = page.get_attribute(STAGE, "data-scene")
        if not kinds or kinds[-1] != seen:
            kinds.append(seen)
        if seen.startswith("points"):
            break
    sides = [int(each.split("/")[1]) for each in kinds]
    assert sides == sorted(sides) and sides[0] == 8 and sides[-1] == 64
    page.wait_for_selector(".single img", state="attached")
    page.wait_for_function("() => asap.current.view")
    shown = page.locator(".single").first
    box, row = shown.bounding_box(), shown.get_attribute("data-row")
    assert box and row
    found = page.evaluate(
        """() => [...document.querySelectorAll(".single")].map((each) => {
            const box = each.getBoundingClientRect();
            return [each.dataset.row, box.left + box.width / 2, box.top + box.height / 2];
        })"""
    )
    stage = page.locator(STAGE).bounding_box()
    assert stage
    inside = [
        (row, x, y)
        for row, x, y in found
        if stage["x"] < x < stage["x"] + stage["width"] and stage["y"] < y < stage["y"] + stage["height"]
    ]
    row, x, y = inside[0]
    near = {other for other, u, v in inside if np.hypot(u - x, v - y) < 3}
    page.mouse.click(x, y)
    page.wait_for_selector("#opened-dialog[open]")
    assert asked(page, "image") in near


def test_a_view_is_in_the_link_and_back_and_forward_bring_it(visit: Visit, address: str):
    page = visit.open(f"{address}?view=0.2,0.3,0.45,0.55")
    other = visit.open(address)

    def seen(of: Any) -> list[float]:
        return of.evaluate("() => { const { x0, y0, x1, y1 } = asap.view.range(); return [x0, y0, x1, y1]; }")

    x0, y0, x1, y1 = seen(page)
    assert x0 <= 0.201 and y0 <= 0.301 and x1 >= 0.449 and y1 >= 0.549 and min(x1 - x0, y1 - y0) < 0.3
    assert seen(other)[2] - seen(other)[0] > 1
    assert "view" not in other.url
    other.click("[data-zoom=in]")
    other.wait_for_function("() => asap.current.view")
    close = seen(other)
    other.locator(".overview [data-choice='plane=decision']").click()
    other.wait_for_selector(f"{STAGE}[data-ready^=decision]", state="attached")
    other.wait_for_function("() => asap.view.range().x1 - asap.view.range().x0 > 1")
    other.go_back()
    other.wait_for_selector(f"{STAGE}[data-ready^=content]", state="attached")
    other.wait_for_function("() => asap.view.range().x1 - asap.view.range().x0 < 0.8")
    assert seen(other) == pytest.approx(close, abs=0.003)


def on_plane(page: Any, x: float, y: float) -> list[float]:
    """The place of the plane that lies under a point of the window."""
    return page.evaluate("([clientX, clientY]) => asap.view.toPlane({ clientX, clientY })", [x, y])


def test_the_wheel_zooms_about_the_pointer_and_a_hand_moves_the_plane(visit: Visit, address: str):
    page = visit.open(address)
    stage = page.locator(STAGE).bounding_box()
    assert stage
    x, y = round(stage["x"] + 0.3 * stage["width"]), round(stage["y"] + 0.6 * stage["height"])
    held, width = on_plane(page, x, y), "() => asap.view.range().x1 - asap.view.range().x0"
    before = page.evaluate(width)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -500)
    page.wait_for_function(f"before => ({width})() < 0.51 * before", arg=before)
    assert page.evaluate(width) == pytest.approx(before / 2)
    assert on_plane(page, x, y) == pytest.approx(held)
    page.mouse.down()
    page.mouse.move(x + 60, y - 30, steps=4)
    page.mouse.up()
    assert on_plane(page, x + 60, y - 30) == pytest.approx(held)
    assert page.evaluate("asap.current.a") is None  # a move is not a click
    page.wait_for_function("() => asap.current.view")
    for _ in range(4):
        page.mouse.wheel(0, 900)
    page.wait_for_function("() => asap.current.view === null")
    assert page.evaluate(width) == pytest.approx(before)


def test_two_fingers_zoom(chromium: Any, address: str):
    visit = Visit(chromium, has_touch=True)
    page = visit.open(address)
    stage = page.locator(STAGE).bounding_box()
    assert stage
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    touch = visit.context.new_cdp_session(page)
    held, before = on_plane(page, x, y), page.evaluate("asap.view.size().plane")
    for kind, apart in (("touchStart", 50), ("touchMove", 70), ("touchMove", 100), ("touchEnd", 0)):
        points = [{"x": x - apart, "y": y}, {"x": x + apart, "y": y}] if apart else []
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_function("() => asap.current.view")
    assert page.evaluate("asap.view.size().plane") == pytest.approx(2 * before, rel=0.02)
    assert on_plane(page, x, y) == pytest.approx(held, abs=0.003)
    assert visit.said == []
    visit.context.close()


def test_escape_drops_what_is_being_drawn(visit: Visit, address: str):
    page = visit.open(address)
    page.click("[data-pointer=lasso]")
    page.focus(STAGE)
    cell = middle(page)
    page.mouse.move(cell["x"] - 50, cell["y"] - 50)
    page.mouse.down()
    for step in ((50, -50), (50, 50), (-50, 50)):
        page.mouse.move(cell["x"] + step[0], cell["y"] + step[1])
    page.wait_for_selector(".drawing path[d]", state="attached")
    page.keyboard.press("Escape")
    assert page.locator(".drawing").count() == 0
    page.mouse.up()
    page.keyboard.press("p")
    page.wait_for_selector("[data-pointer=pan][aria-pressed=true]")
    assert asked(page, "a") is None and asked(page, "view") is None


@pytest.mark.parametrize("tool", ["lasso", "box"])
def test_what_is_drawn_around_is_a_group_and_the_polygon_is_in_the_link(
    visit: Visit, address: str, toy_analysis: Analysis, tool: str
):
    page = visit.open(address)
    for group, shift in (("a", False), ("b", True)):
        drag_around(page, tool, shift)
        page.wait_for_function("group => asap.current[group]", arg=group)
        phrase = asked(page, group)
        assert phrase and phrase.startswith("lasso=content/") and 4 <= len(phrase.split("/")) - 1 <= 60
        assert len(selections.rows_of(toy_analysis, phrase)) > 0
        page.wait_for_selector(f".rings .group.{group}.outer", state="attached")
    page.wait_for_selector(f"#image-tiles[data-of='{asked(page, 'a')}']")
    rows = selections.rows_of(toy_analysis, asked(page, "a"))
    assert page.locator(".tile").count() == min(len(rows), 100)
    assert page.locator(f"[data-pointer={tool}]").get_attribute("aria-pressed") == "true"  # until another is taken


def test_a_lasso_around_nobody_chooses_nothing_and_says_so(visit: Visit, address: str):
    page = visit.open(f"{address}?view=-0.5,-0.5,1.5,1.5")
    page.click("[data-pointer=box]")
    stage = page.locator(STAGE).bounding_box()
    assert stage
    page.mouse.move(stage["x"] + 5, stage["y"] + 5)
    page.mouse.down()
    page.mouse.move(stage["x"] + 40, stage["y"] + 40, steps=5)
    page.mouse.up()
    page.wait_for_function("() => document.querySelector('#overview-message').textContent.includes('No images inside')")
    assert asked(page, "a") is None


def test_shift_click_compares_and_a_second_click_clears(visit: Visit, address: str):
    page = visit.open(address)
    cell = middle(page)
    page.mouse.click(cell["x"], cell["y"])
    page.wait_for_selector(".rings .group.a.outer", state="attached")
    page.keyboard.down("Shift")
    page.mouse.click(cell["x"], cell["y"])
    page.keyboard.up("Shift")
    page.wait_for_selector(".rings .group.b.inner", state="attached")
    assert asked(page, "a") == asked(page, "b") == cell["phrase"]
    page.locator("[data-choice='side=32']").evaluate("button => button.click()")
    page.wait_for_selector(f"{STAGE}[data-ready='content/32']", state="attached")
    assert page.locator(".rings .group.outer").count() == 2  # made at another side, still there
    page.go_back()
    page.wait_for_selector(f"{STAGE}[data-ready='content/8']", state="attached")
    page.mouse.click(cell["x"], cell["y"])
    page.wait_for_function("() => asap.current.a === null")
    assert page.locator(".rings .group.a").count() == 0


def test_every_mode_draws_and_says_what_it_shows(visit: Visit, address: str):
    page = visit.open(address)
    for choice, kind, words in (
        ("show=thumbnails", "frames", "Thumbnails"),
        ("show=points", "points", "Points"),
        ("show=heat&measure=errors", "heat", "Heat: error rate"),
        ("show=heat&measure=d3", "heat", "Heat: dimension 4"),
        ("show=glyphs", "donuts", "Glyphs"),
    ):
        page.click("#overview-mode")
        page.click(f"#overview-menu [data-choice='{choice}']")
        scene(page, kind)
        assert page.inner_text("#overview-mode") == words
        assert page.locator("#overview-menu[open]").count() == 0
        if "d3" in choice:
            said = page.inner_text("#overview-key")
            assert "dimension 4" in said and "toward real" in said and "toward fake" in said
        if kind == "points":
            assert "240 in view" in page.inner_text("#overview-state")


def test_the_legend_filters_and_the_plane_the_table_and_the_card_follow(
    visit: Visit, address: str, toy_analysis: Analysis
):
    page = visit.open(address)
    fakes = len(selections.rows_of(toy_analysis, "fake"))
    page.locator("#overview-key").get_by_role("button", name="fake", exact=True).click()
    page.wait_for_selector(f"{STAGE}[data-of=fake]", state="attached")
    assert f"{fakes} of 240" in page.inner_text("#overview-state")
    assert page.locator("#overview-key [aria-pressed=true]").all_inner_texts() == ["fake"]
    cell = middle(page)
    page.mouse.move(cell["x"], cell["y"])
    page.wait_for_selector("#overview-card:not([hidden])")
    assert f"{cell['n']} images" in page.inner_text("#overview-card")
    assert "100 %" in page.inner_text("#overview-card")
    page.mouse.move(5, 5)
    page.click("#overview-mode")
    page.get_by_role("button", name="Table", exact=True).click()
    page.wait_for_selector(".cell-table tbody tr")
    counts = [int(text) for text in page.locator(".cell-table tbody td:nth-child(2)").all_inner_texts()]
    assert sum(counts) == fakes
    page.locator(".cell-table .compare").first.click()
    page.wait_for_function("() => asap.current.b")
    assert re.fullmatch(r"cell=content/8/\d+", asked(page, "b") or "")


def test_the_keyboard_compares_cells_and_brings_them_into_view(visit: Visit, address: str):
    page = visit.open(f"{address}?side=16&view=0.3,0.3,0.5,0.5")
    page.focus(STAGE)
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".rings .focused", state="attached")
    before = page.evaluate("() => asap.view.range().x0")
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(30)
    page.wait_for_function("before => asap.view.range().x0 < before - 0.02", arg=before)
    stage, ring = page.locator(STAGE).bounding_box(), page.locator(".rings .focused").bounding_box()
    assert (
        stage and ring and stage["x"] - 2 <= ring["x"] and ring["x"] + ring["width"] <= stage["x"] + stage["width"] + 2
    )
    page.keyboard.press("c")
    page.wait_for_function("() => asap.current.b")
    assert asked(page, "a") is None
    page.keyboard.press("Enter")
    page.wait_for_function("() => asap.current.a === asap.current.b")


def test_an_image_is_shown_in_the_plane(visit: Visit, address: str):
    page = visit.open(f"{address}?image=7&view=0.9,0.9,1,1")
    page.wait_for_selector(".rings .place", state="attached")
    page.evaluate("asap.showInPlane(7)")
    page.wait_for_selector("#opened-dialog:not([open])", state="attached")
    page.wait_for_function("() => asap.current.a === 'rows=7'")
    stage = page.locator(STAGE).bounding_box()
    assert stage
    page.wait_for_function(
        """() => {
            const pin = document.querySelector(".rings .place");
            if (!pin) return false;
            const stage = document.querySelector("#overview-stage");
            const [box, frame] = [pin, stage].map((each) => each.getBoundingClientRect());
            const across = box.left >= frame.left && box.right <= frame.right;
            return across && box.top >= frame.top && box.bottom <= frame.bottom;
        }"""
    )


def test_the_dark_plane_fits_the_smallest_window(chromium: Any, address: str, tmp_path: Path):
    visit = Visit(chromium, color_scheme="dark")
    page = visit.open(f"{address}?show=heat&measure=sensitivity")
    scene(page, "heat")
    head = page.locator(".overview .panel-head")
    assert head.evaluate("head => head.scrollWidth <= head.clientWidth && head.offsetHeight === 44")
    assert page.locator(".legend-content").evaluate("key => key.scrollWidth <= key.clientWidth")
    page.screenshot(path=tmp_path / "dark.png")
    with Image.open(tmp_path / "dark.png") as picture:
        assert picture.size == (1280, 800)
    assert visit.said == []
    visit.context.close()
