"""Journeys through the Dimension View in a real browser."""

from typing import Any

from tests.browser import Visit


def order(page: Any) -> list[str]:
    return page.locator(".dimension-row").evaluate_all("rows => rows.map((row) => row.dataset.k)")


def test_two_generators_are_compared_down_to_one_dimension_and_what_if(visit: Visit, address: str):
    page = visit.open(address)
    page.wait_for_selector(".dimension-row")
    page.locator(".compare-button").click()
    page.get_by_role("button", name="Compare generator lumen-2 with generator vista-xl").click()
    page.wait_for_selector(".dimension-chart.paired .dot")
    n = page.evaluate(
        """async () => {
            const found = await asap.fetchJson(asap.query("dimensions", "", { a: asap.current.a, b: asap.current.b }));
            const size = (k) => Math.abs(found.difference.mean[k]);
            const order = found.a.mean.map((_, k) => k).sort((i, j) => size(j) - size(i) || i - j);
            return { a: found.a.n, b: found.b.n, order: order.map(String) };
        }"""
    )
    assert order(page) == n["order"]  # what differs most comes first
    assert page.get_attribute(".panel.dimension", "data-groups") == f"{n['a']} {n['b']}"
    assert page.locator(".group-chip .chip-n").all_inner_texts() == [str(n["a"]), str(n["b"])]

    page.locator(".dimension-row").first.click()
    page.wait_for_selector(".ridges")
    assert page.locator(".dimension-bars").is_hidden()  # no room for both
    assert f"target={n['order'][0]}" in page.url
    page.locator("[data-focus=dimension]").click()
    page.wait_for_selector(".dimension-row[aria-pressed=true]")
    page.locator(".dimension-detail .presets button", has_text="as in real images").click()
    page.wait_for_selector(".setting.moved")
    page.wait_for_selector(".flips strong")
    flips = page.evaluate(
        """async () => {
            const found = await asap.fetchJson(
                asap.query("what-if", "", { a: asap.current.a, set: `${asap.current.target}:0` }));
            return found.to_fake + found.to_real;
        }"""
    )
    page.wait_for_selector(f".flips[data-flips='{flips}']")
    assert page.inner_text(".flips strong") == f"{flips} of {n['a']}"
    other = visit.open(page.url)  # the link holds what is set
    other.wait_for_selector(f".flips[data-flips='{flips}']")
    assert other.locator(".setting.moved output").inner_text() == "set to 0.00"

    page.get_by_role("button", name="Swap A and B").click()
    page.wait_for_selector(f".panel.dimension[data-groups='{n['b']} {n['a']}']")
    page.locator("#dimension-tools button", has_text="Table").click()
    assert page.locator(".dimension-table tbody tr").count() == len(n["order"])
    page.go_back()
    page.wait_for_selector(f".panel.dimension[data-groups='{n['a']} {n['b']}']")


def test_a_pinned_group_is_kept_and_what_is_clicked_next_is_compared_with_it(visit: Visit, address: str):
    page = visit.open(f"{address}?a=misses")
    page.wait_for_selector(".dimension-row")
    page.locator(".chip-pin").click()
    page.wait_for_selector(".chip-pin[aria-pressed=true]")
    page.evaluate("() => asap.go({ a: 'false-alarms' })")
    page.wait_for_selector(".dimension-chart.paired")
    assert page.evaluate("() => [asap.current.a, asap.current.b]") == ["misses", "false-alarms"]
    other = visit.open(page.url)
    other.wait_for_selector(".chip-pin[aria-pressed=true]")
    page.get_by_role("button", name="Clear A").click()
    page.wait_for_function("() => asap.current.a === null && asap.current.pin === 'off'")


def test_a_slider_is_moved_by_keys_and_keeps_the_focus(visit: Visit, address: str):
    page = visit.open(f"{address}?target=2&focus=dimension")
    slider = page.get_by_role("slider", name="Set dimension 3")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    page.wait_for_function("() => (asap.current.set || '').startsWith('2:')")
    assert slider.evaluate("slider => slider === document.activeElement")
    page.go_back()  # steps of a slider leave no trail
    assert page.url == "about:blank"


def test_a_group_keeps_the_name_that_it_was_given(visit: Visit, address: str):
    page = visit.open(f"{address}?a=generator%3Dlumen-2%26wrong")
    page.wait_for_selector(".dimension-row")
    assert page.evaluate("() => asap.phraseName(asap.current.a)") == "generator lumen-2, wrong"
    page.locator(".compare-button").click()
    page.get_by_label("A name for A").fill("odd ones")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_selector(".group-chip .chip-name:text('odd ones')")
    page.reload()
    page.wait_for_selector(".group-chip .chip-name:text('odd ones')")
