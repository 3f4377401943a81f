"""The numbers of a glyph against loops that count image by image."""

from typing import Any

import numpy as np
import pytest

from asap_core.learning import verdicts
from asap_core.projection import cells, glyphs

N, D = 600, 5


@pytest.fixture(scope="module")
def images() -> dict[str, Any]:
    """Arrays as an analysis has them, with duplicates, equal scores and lonely images."""
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 2, N).astype(np.float32)
    logits[::50] = 0
    distilled = rng.normal(size=(N, D)).astype(np.float32)
    distilled[100:120] = distilled[100]
    return {
        "logits": logits,
        "scores": verdicts.score(logits, 1.3),
        "distilled": distilled,
        "is_fake": rng.random(N) < 0.4,
    }


@pytest.fixture(scope="module")
def codes():
    rng = np.random.default_rng(8)
    return cells.cut(rng.beta(2, 2, (N, 2)).astype(np.float32), 8)


def slowly(rows: list[int], images: dict[str, Any]) -> dict[str, Any]:
    """One cell's numbers by loops over its rows."""
    fake = [r for r in rows if images["is_fake"][r]]
    real = [r for r in rows if not images["is_fake"][r]]
    level = {r: sum(images["scores"][r] >= edge for edge in verdicts.THRESHOLDS) for r in rows}
    mean = sum(images["distilled"][r].astype(float) for r in rows) / len(rows)
    distance = {r: float(((images["distilled"][r] - mean) ** 2).sum()) for r in rows}
    wrong = {r for r in fake if images["logits"][r] <= 0} | {r for r in real if images["logits"][r] > 0}
    taken = []

    def take(candidates, key, count):
        found = sorted((r for r in candidates if r not in taken), key=lambda r: (key(r), r))[:count]
        taken.extend(found)
        return found + [-1] * (count - len(found))

    typical = take(rows, lambda r: round(distance[r], 4), 2)
    errors = take(wrong, lambda r: -abs(images["logits"][r]), 2)
    extreme = take(rows, lambda r: -images["scores"][r], 1) + take(rows, lambda r: images["scores"][r], 1)
    return {
        "n": len(rows),
        "n_called_fake": sum(images["logits"][r] > 0 for r in rows),
        "n_fake": len(fake),
        "misses": len(wrong & set(fake)),
        "false_alarms": len(wrong & set(real)),
        "inconclusive": sum(0.3 < images["scores"][r] < 0.7 for r in rows),
        "levels": [sum(level[r] == k for r in rows) for k in range(4)],
        "levels_by_class": [[sum(level[r] == k for r in c) for k in range(4)] for c in (real, fake)],
        "medoid": typical[0],
        "exemplars": typical + errors + extreme,
        "severity": [np.quantile(images["scores"][rows], q) for q in glyphs.QUANTILES],
        "severity_by_class": [
            [np.quantile(images["scores"][c], q) if c else np.nan for q in glyphs.QUANTILES] for c in (real, fake)
        ],
        "centres": mean,
    }


@pytest.mark.parametrize("some", [False, True], ids=["all rows", "a subset"])
def test_every_number_is_what_a_loop_counts(images, codes, some):
    chosen = np.flatnonzero(np.random.default_rng(1).random(N) < 0.3) if some else None
    grouped = cells.members(codes, chosen)
    found = glyphs.summarise(grouped, **images)
    assert len(found) == len(grouped) > 10
    for j, code in enumerate(grouped.codes):
        for name, expected in slowly(grouped.of(code).tolist(), images).items():
            np.testing.assert_allclose(getattr(found, name)[j], expected, atol=1e-5, err_msg=name)


def test_without_labels_nothing_is_said_about_the_truth(images, codes):
    grouped = cells.members(codes)
    labelled = glyphs.summarise(grouped, **images)
    found = glyphs.summarise(grouped, **(images | {"is_fake": None}))
    for name in ("n_fake", "misses", "false_alarms", "severity_by_class", "levels_by_class"):
        assert getattr(found, name) is None
    for name in ("n", "n_called_fake", "inconclusive", "levels", "severity", "medoid", "centres"):
        np.testing.assert_array_equal(getattr(found, name), getattr(labelled, name))
    assert (found.exemplars[:, glyphs.ERRORS] == -1).all()


def test_exemplars_are_members_and_none_is_shown_twice(images, codes):
    grouped = cells.members(codes)
    found = glyphs.summarise(grouped, **images)
    for code, exemplars, n in zip(grouped.codes, found.exemplars, found.n, strict=True):
        shown = exemplars[exemplars >= 0]
        assert len(set(shown)) == len(shown) and set(shown) <= set(grouped.of(code))
        assert len(shown) == n or (exemplars[glyphs.EXTREME] >= 0).all()


def test_counts_of_four_cells_add_up_to_the_cell_above(images):
    positions = np.random.default_rng(2).random((N, 2)).astype(np.float32)
    fine, coarse = (glyphs.summarise(cells.members(cells.cut(positions, s)), **images) for s in (16, 8))
    above = np.searchsorted(coarse.codes, fine.codes // 32 * 8 + fine.codes % 16 // 2)
    for name in ("n", "n_fake", "misses", "false_alarms", "inconclusive"):
        np.testing.assert_array_equal(np.bincount(above, getattr(fine, name)), getattr(coarse, name))


def test_no_images_no_glyphs(images, codes):
    found = glyphs.summarise(cells.members(codes, np.zeros(0, int)), **images)
    assert len(found) == 0
    assert found.exemplars.shape == (0, 6) and found.centres.shape == (0, D)
    assert found.severity_by_class is not None and found.severity_by_class.shape == (0, 2, 5)


def test_a_read_only_memory_map_will_do(images, codes, tmp_path):
    mapped = {}
    for name, array in images.items():
        np.save(tmp_path / f"{name}.npy", array)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    grouped = cells.members(codes)
    expected, found = glyphs.summarise(grouped, **images), glyphs.summarise(grouped, **mapped)
    np.testing.assert_array_equal(found.exemplars, expected.exemplars)
    np.testing.assert_array_equal(found.centres, expected.centres)


def test_wilson_interval():
    low, high = glyphs.wilson(np.array([0, 5, 10, 81, 0]), np.array([10, 10, 10, 263, 0]))
    # Newcombe 1998, table I, method 3: 81/263 -> 0.2553..0.3662, 0/20 and the like by the formula's roots
    np.testing.assert_allclose([low[3], high[3]], [0.2553, 0.3662], atol=1e-4)
    np.testing.assert_allclose([low[1] + high[1], low[0], high[2]], [1, 0, 1], atol=1e-12)
    assert (low[4], high[4]) == (0, 1)
    for share, n in ((0.0, 10), (0.5, 10), (1.0, 10)):  # the ends solve |p - share| = z sqrt(p (1 - p) / n)
        for p in (float(x) for x in glyphs.wilson(np.array(share * n), np.array(n))):
            if 0 < p < 1:
                assert abs(p - share) == pytest.approx(1.96 * np.sqrt(p * (1 - p) / n))
