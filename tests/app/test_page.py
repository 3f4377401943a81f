"""What the page is made of: ids, stores, and two pages in one process."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from plotly.utils import PlotlyJSONEncoder

from app import create_app, selection
from app.figures.palette import PALETTES
from app.views import header
from asap_core import trust
from asap_core.analysis import Analysis

ROOT = Path(__file__).parents[2]
OWNERS = ("selection", "theme", "header", "filters", "overview", "image", "pattern", "dimension", "status", "opened")


@pytest.fixture(scope="module")
def app(toy_analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Dash:
    return create_app(toy_analysis, tmp_path_factory.mktemp("cache"))


def components(app: Dash) -> list[Any]:
    layout: Any = app.layout
    return [layout, *layout._traverse()]


def ids(app: Dash) -> list[str]:
    return [component.id for component in components(app) if getattr(component, "id", None)]


def outputs(callback: dict) -> list[str]:
    return [] if callback.get("no_output") else callback["output"].strip(".").split("...")


def test_ids_are_unique_and_begin_with_their_owners_name(app: Dash):
    assert not [name for name, n in Counter(ids(app)).items() if n > 1]
    assert {name.split("-")[0] for name in ids(app)} <= set(OWNERS)


def test_every_id_that_a_callback_names_is_on_the_page(app: Dash):
    named = set()
    for callback in app._callback_list:
        named |= {entry["id"] for entry in [*callback["inputs"], *callback["state"]]}
        named |= {output.rsplit(".", 1)[0] for output in outputs(callback)}
    assert named <= set(ids(app)) and len(named) > 10


def test_every_store_has_one_writer(app: Dash):
    written = Counter(output for callback in app._callback_list for output in outputs(callback))
    stores = {part.id for part in components(app) if getattr(part, "_type", "") == "Store"}
    assert set(selection.STORES) < stores
    for store in stores - {selection.ids.defaults}:
        assert written[f"{store}.data"] == 1, store


def test_the_page_loads_nothing_from_elsewhere_and_no_plotly(app: Dash):
    """Plotly's graphs can send what they show; the page draws its own, and every script and style is its own."""
    answer = app.server.test_client().get("/")
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*?(?:src|href)=\"([^\"]+)\"", answer.text)
    assert len(loaded) > 10 and not [each for each in loaded if not re.match(r"/[^/]", each)]
    kinds = {f"{part._namespace}.{part._type}" for part in components(app) if hasattr(part, "_type")}
    assert "dash_core_components.Store" in kinds and "dash_core_components.Graph" not in kinds
    assert not [each for each in loaded if "plotly" in each.lower()]
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'self'" and not re.search(r"https?:|\*", " ".join(policy.values()))


def test_two_pages_live_in_one_process(toy_analysis: Analysis, unlabelled_analysis: Analysis, tmp_path: Path):
    first = create_app(toy_analysis, tmp_path / "a").server.test_client()
    second = create_app(unlabelled_analysis, tmp_path / "b").server.test_client()
    for client, own, other in (
        (first, toy_analysis, unlabelled_analysis),
        (second, unlabelled_analysis, toy_analysis),
    ):
        assert own.fingerprint in json.dumps(client.get("/_dash-layout").json)
        assert client.get(f"/cells/{own.fingerprint}/content/8.json").status_code == 200
        assert client.get(f"/cells/{other.fingerprint}/content/8.json").status_code == 404
        assert len(client.get("/_dash-dependencies").json) == len(first.get("/_dash-dependencies").json)


def ask(app: Dash, output: str, values: dict[str, Any]) -> dict:
    """Run one callback through the front door."""
    client = app.server.test_client()
    wanted = next(entry for entry in client.get("/_dash-dependencies").json if output in entry["output"])

    def filled(entries: list[dict]) -> list[dict]:
        return [{**entry, "value": values[entry["id"]]} for entry in entries]

    written = outputs(wanted)
    body = {
        "output": wanted["output"],
        "outputs": [{"id": name.rsplit(".", 1)[0], "property": name.rsplit(".", 1)[1]} for name in written],
        "inputs": filled(wanted["inputs"]),
        "state": filled(wanted["state"]),
        "changedPropIds": [f"{wanted['inputs'][0]['id']}.{wanted['inputs'][0]['property']}"],
    }
    if len(body["outputs"]) == 1:
        body["outputs"] = body["outputs"][0]
    answer = client.post("/_dash-update-component", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json["response"]


def test_an_opened_image_says_all_that_is_known(app: Dash, toy_analysis: Analysis):
    chosen = {selection.ids.a: None, selection.ids.filter: None, selection.ids.target: "logit"}
    values = {**chosen, selection.ids.image: 7, selection.ids.sort: "row"}
    text = json.dumps(ask(app, "opened-content", values), ensure_ascii=False)
    truth = toy_analysis.is_fake
    assert truth is not None
    steps = ("8 of 240", "image=6&page=1", "image=8&page=1")
    for words in (toy_analysis.paths[7], "288 × 216 pixels", "lens-b", *steps):
        assert words in text, words
    assert f"{toy_analysis.scores[7]:.3f}" in text
    assert ask(app, "opened-content", {**values, selection.ids.image: None})["opened-content"]["children"] == []


def test_contributions_and_the_constant_sum_to_the_logit_that_is_shown(app: Dash, toy_analysis: Analysis):
    from app.views import opened

    summed = toy_analysis.contributions.sum(axis=1) + toy_analysis.constants
    assert abs(toy_analysis.logits - summed).max() < 1e-4
    text = json.dumps(opened.bars(toy_analysis, 7, 1.0).to_plotly_json(), default=str, ensure_ascii=False)
    assert f"they sum to {opened.signed(float(toy_analysis.logits[7]))}" in text and "fold 3 of 5" in text


def test_the_header_says_what_must_be_known(app: Dash):
    text = json.dumps(app.server.test_client().get("/_dash-layout").json, ensure_ascii=False)
    for words in (
        "Toy landscapes",
        "Embedded encoder",
        "1 skipped",
        "cut short",
        "--equalise",
        "Out-of-fold",
        "lumen-2",
    ):
        assert words in text, words


def test_the_header_says_how_far_maps_can_be_trusted(toy_analysis: Analysis):
    def page() -> str:
        return json.dumps(header.layout(toy_analysis).to_plotly_json(), cls=PlotlyJSONEncoder, ensure_ascii=False)

    assert "How far the maps can be trusted" not in page()
    measured = {"srg": [2.5, 2.3, 2.75], "correlation": [0.9, 0.8, 0.95], "pointing": None}
    found = {"fingerprint": toy_analysis.fingerprint, "images": 60, "methods": {"direct": measured},
             "localised": {"images": 0}, "errors": {}}  # fmt: skip
    trust.write(toy_analysis, found)
    try:
        said = page()
        for words in ("How far the maps can be trusted", "On 60 images", "2.50 (2.30 to 2.75)", "Correlation"):
            assert words in said, words
        assert "On the flaw" not in said  # nothing is known of flaws here
        trust.write(toy_analysis, {**found, "localised": {"images": 20, "chance": 0.18}})
        assert "of 20 fakes whose flaws are known" in page() and "by chance 18%" in page()
        shares = {"drop": [0.5, 0.4, 0.6]}, {"drop": [0.1, 0.05, 0.2]}
        misses = {"n": 12, "of": 12, "with_region": 9, "without_region": shares[0], "without_random": shares[1]}
        trust.write(toy_analysis, {**found, "errors": {"misses": misses, "false_alarms": {"n": 0, "of": 0}}})
        assert "Of 12 misses, 50% (40% to 60%) are judged right" in page() and "In 3 of them no region" in page()
        assert "false alarms, " not in page()
        trust.write(toy_analysis, {**found, "fingerprint": "another"})
        assert "How far the maps can be trusted" not in page()
    finally:
        (toy_analysis.derived / trust.FILE).unlink()


def test_both_places_hold_the_same_colours():
    css = (ROOT / "assets/tokens.css").read_text()
    light, dark = css.split('[data-bs-theme="dark"]', 1)
    for part, name in ((light, "light"), (dark, "dark")):
        palette = PALETTES[name]
        for token in ("ink", "quiet", "paper", "real", "fake"):
            assert f"--{token}: {getattr(palette, token)};" in part, (name, token)


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours #rrggbb."""

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_colours_can_be_read_on_their_paper():
    for palette in PALETTES.values():
        assert contrast(palette.ink, palette.paper) >= 7
        assert contrast(palette.quiet, palette.paper) >= 4.5
        assert min(contrast(palette.real, palette.paper), contrast(palette.fake, palette.paper)) >= 3
        steps = [contrast(shade, palette.paper) for shade in palette.severity]
        assert steps == sorted(steps)
