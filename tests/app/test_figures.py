"""Numbers in, arcs out: the drawings checked by formula."""

import re
import xml.etree.ElementTree as ET
from io import BytesIO
from math import atan2, pi
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.figures import glyph, legend, points
from app.figures.palette import PALETTES

LIGHT = PALETTES["light"]
NUMBER = r"(-?[\d.]+)"
ARC = re.compile(rf"M{NUMBER} {NUMBER}A{NUMBER} {NUMBER} 0 ([01]) 1 {NUMBER} {NUMBER}L{NUMBER} {NUMBER}A{NUMBER}.*Z$")


def share(path: str, x: float, y: float) -> tuple[float, float]:
    """Where a sector begins and how far it goes, in turns clockwise from 12 o'clock."""
    match = ARC.match(path)
    assert match, path
    ax, ay, _, _, long, bx, by = (float(text) for text in match.groups()[:7])
    start, stop = (atan2(px - x, -(py - y)) / (2 * pi) % 1 for px, py in ((ax, ay), (bx, by)))
    size = (stop - start) % 1
    assert (size > 0.5) == bool(long) or abs(size - 0.5) < 0.02
    return start, size


def paths(svg: str) -> dict[str, str]:
    root = ET.fromstring(f"<svg>{svg}</svg>")
    return {element.attrib["class"]: element.attrib["d"] for element in root.iter("path")}


@pytest.mark.parametrize("counts", [(100, 40, 6, 10), (9, 3, 1, 2), (50, 45, 5, 1), (7, 1, 0, 1)])
def test_arcs_are_shares(counts: tuple[int, int, int, int]):
    n, n_fake, alarms, misses = counts
    drawn = paths(glyph.donut(50, 50, 46, counts, 1, False))
    expected = {
        "r": (0, 1 - n_fake / n),
        "f": (1 - n_fake / n, n_fake / n),
        "e": (0, alarms / n),
        "m": (1 - misses / n, misses / n),
    }

    for name, (start, size) in expected.items():
        if size == 0:
            assert name not in drawn
            continue
        found = share(drawn[name], 50, 50)
        assert found[1] == pytest.approx(size, abs=0.003)
        assert min(abs(found[0] - start), 1 - abs(found[0] - start)) < 0.003


def test_a_class_alone_is_a_whole_ring():
    for counts, kept, gone in (((5, 0, 0, 0), "r", "f"), ((5, 5, 0, 0), "f", "r")):
        drawn = paths(glyph.donut(50, 50, 30, counts, 0, False))
        assert gone not in drawn and drawn[kept].count("A30 30") == 2 and "L" not in drawn[kept]
    both = paths(glyph.donut(50, 50, 30, (4, 4, 0, 4), 0, False))
    assert set(both) == {"f", "m"}


def test_few_images_are_pale_and_dashed():
    assert 'class="d"' in glyph.donut(50, 50, 30, (3, 1, 0, 0), 0, True)
    assert 'class="d"' not in glyph.donut(50, 50, 30, (30, 1, 0, 0), 0, False)


def test_a_small_cell_has_a_second_cue_and_a_dot_for_errors():
    real, fake = (glyph.square(50, 50, 40, (9, k, 0, 0), False) for k in (2, 8))
    assert 'rx="0"' in fake and 'rx="0"' not in real
    assert "<circle" in glyph.square(50, 50, 40, (9, 8, 1, 0), False) and "<circle" not in fake


def marks(codes: list[int], n: list[int]) -> glyph.Marks:
    zeros = np.zeros(len(codes), int)
    return glyph.Marks(np.asarray(codes), np.asarray(n), zeros, zeros, zeros, zeros + 2, few=5)


@pytest.mark.parametrize("detail", glyph.DETAILS)
def test_a_sheet_draws_each_cell_in_its_place_and_no_other(detail: str):
    root = ET.fromstring(glyph.sheet(marks([0, 9, 63], [3, 30, 300]), 8, LIGHT, detail))
    space = "{http://www.w3.org/2000/svg}"
    assert root.attrib["viewBox"] == "0 0 800 800"
    drawn = [e for e in root.iter() if e.attrib.get("class") in ("h2", "r", "r p") and e.tag != f"{space}path"]

    def middle(element: ET.Element) -> tuple[float, float]:
        if element.tag == f"{space}circle":
            return float(element.attrib["cx"]), float(element.attrib["cy"])
        x, y, width = (float(element.attrib[name]) for name in ("x", "y", "width"))
        return x + width / 2, y + width / 2

    assert [middle(element) for element in drawn] == [(50, 50), (150, 150), (750, 750)]


def test_an_empty_plane_is_an_empty_picture():
    assert ET.fromstring(glyph.sheet(marks([], []), 16, LIGHT, "donuts")) is not None


@pytest.mark.parametrize("largest", [1, 3, 9, 40, 333, 5_000, 200_000])
def test_sizes_begin_at_round_numbers_that_rise(largest: int):
    edges = glyph.edges(largest)
    assert 1 < edges[0] < edges[1] < edges[2]
    if largest >= 100:
        assert all(str(edge)[0] in "125" and set(str(edge)[1:]) <= {"0"} for edge in edges)
        assert edges[2] <= largest


def test_the_legends_glyph_has_a_line_to_each_word_beside_it():
    drawn = {labelled: legend.draw(LIGHT, labelled) for labelled in (True, False)}
    assert [drawn[labelled].count('class="l"') for labelled in (True, False)] == [4, 2]
    assert 'class="e"' in drawn[True] and 'class="e"' not in drawn[False]


def test_a_frame_leaves_room_for_its_picture():
    frame = ET.fromstring(f"<svg>{glyph.frame(50, 50, 40, (9, 4, 1, 1), 3, False)}</svg>")
    [band] = frame.iter("circle")
    assert band.attrib["class"] == "h3" and float(band.attrib["r"]) > glyph.BAND * 40
    inner = [float(radius) for path in frame.iter("path") for radius in re.findall(r"A([\d.]+)", path.attrib["d"])]
    assert min(inner) == pytest.approx(glyph.FRAME * 40)
    # as in assets/overview/layers.js
    assert tuple(radius / glyph.UNIT for radius in glyph.FRAMES) == (
        0.34,
        0.38,
        0.42,
        0.46,
    )


def colours(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGBA"))


def of(name: str) -> list[int]:
    colour = getattr(LIGHT, name)
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def test_every_point_leaves_its_mark_in_its_place_and_colour():
    x, y = np.asarray([0.1, 0.5, 0.9]), np.asarray([0.9, 0.5, 0.1])
    drawn = colours(points.draw(np.arange(3), x, y, np.asarray([0, 1, 2]), (0, 0, 1, 1), 200, LIGHT))
    seen = drawn[..., 3] > 0
    for column, line, name in ((20, 20, "real"), (100, 100, "fake"), (180, 180, "real")):
        block = drawn[line - 4 : line + 5, column - 4 : column + 5]
        assert (block[..., :3][block[..., 3] > 0] == of(name)).all(axis=1).sum() > 8
        seen[line - 4 : line + 5, column - 4 : column + 5] = False
    assert not seen.any()
    assert drawn[180, 180, :3].tolist() == of("ink") and drawn[100, 100, :3].tolist() == of("fake")


def test_errors_lie_on_top_and_no_class_is_always_above():
    def top(rows: np.ndarray, kinds: np.ndarray) -> list[int]:
        here = np.full(len(rows), 0.5)
        return colours(points.draw(rows, here, here, kinds, (0, 0, 1, 1), 64, LIGHT))[32, 32, :3].tolist()

    pairs = [top(np.asarray([k, k + 1]), np.asarray([0, 1])) for k in range(0, 80, 2)]
    assert 10 < pairs.count(of("real")) < 30 and pairs.count(of("real")) + pairs.count(of("fake")) == 40
    rows = np.arange(400)
    assert top(rows, np.where(rows == 7, 3, 0)) == of("ink")


def test_the_heat_map_has_the_glyphs_shades():
    css = (Path(__file__).parents[2] / "assets" / "overview" / "overview.css").read_text("utf-8")
    light, dark = css.split('[data-bs-theme="dark"]', 1)
    for part, name in ((light, "light"), (dark, "dark")):
        for level, shade in enumerate(PALETTES[name].severity):
            assert f"--severity-{level}: {shade};" in part
