"""Patterns of a small real analysis whose flaw is planted: found where it is, measured, kept."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asap_core import analysis, discovery, findings, listing, truth
from asap_core.discovery import DiscoverySettings
from asap_core.findings import Findings
from asap_core.identification.clusters import ClusterSettings
from asap_core.identification.likeness import Readings
from asap_core.identification.patterns import Groups
from asap_core.learning.detector import encoder_of
from tests import toy

SETTINGS = DiscoverySettings(cluster=ClusterSettings(fewest=5, core=3, neighbours=5, slow=(3,), runs=3))


@pytest.fixture(scope="module")
def found(flawed: Path) -> Findings:
    found = discovery.discover(flawed, settings=SETTINGS)
    assert found is not None
    return found


def test_the_planted_flaw_is_a_pattern_of_the_fakes(flawed: Path, found: Findings):
    made = analysis.load(flawed)
    tower = encoder_of(made, "cpu").tower
    first = found.patterns[0]
    assert first.toward == "fake" and first.share_fake > first.share_real
    assert first.contribution[1] <= first.contribution[0] <= first.contribution[2]
    assert first.flip_rate is not None and len(found.flips)
    assert 0 <= first.flip_rate[1] <= first.flip_rate[0] <= first.flip_rate[2] <= 1
    mine = found.groups.take(found.groups.pattern == 0)
    shares = [
        (held * truth.flaw(made, row, tower, tower.grid)).sum() / held.sum()
        for row, held in zip(mine.row.tolist(), mine.held.astype(np.float32), strict=True)
        if truth.known(made)[row]
    ]
    assert len(shares) >= 0.8 * len(mine)
    assert np.median(shares) > 0.25  # the square is a tenth of what is seen


def test_what_is_spread_thin_has_patterns_of_its_own():
    """Three flaws, each on both scales: six patterns, none of regions of two scales."""
    dice = np.random.default_rng(0)

    def readings(count: int, flaw: int) -> Readings:
        block = dice.normal(size=(count, 24)).astype(np.float32)
        block[:, :3] += flaw * np.eye(3)[np.arange(count) % 3]
        joint = dice.normal(size=(count, 8)).astype(np.float32)
        return Readings(np.arange(count), np.arange(count) >= count // 2, [block] * 3, joint)

    m, settings = 240, DiscoverySettings(cluster=ClusterSettings(slow=(2,), runs=4))
    ours, theirs = readings(m, 12), readings(200, 0)
    groups = Groups(
        row=ours.image, pattern=np.full(m, -1), contribution=np.ones(m, np.float32),
        dimensions=np.ones((m, 1), np.float32), held=np.ones((m, 2, 2), np.float16),
        seen=np.ones((m, 4), np.float32), box=np.ones((m, 4), np.float32), centre=np.ones((m, 2), np.float32),
        typical=np.zeros(m, np.float32), broad=ours.broad,
    )  # fmt: skip
    placed, stable = discovery._Search.cluster(groups, ours, theirs, settings)
    assert len(stable) == 6
    for number in range(6):
        mine = placed.pattern == number
        assert mine.sum() >= 30 and len(set(groups.broad[mine])) == 1 and len(set(np.flatnonzero(mine) % 3)) == 1
    assert (placed.typical[placed.pattern >= 0] > 0).all()


def test_what_was_found_is_kept_and_told_again_at_once(flawed: Path, found: Findings):
    reports: list[tuple[int, int]] = []
    again = discovery.discover(flawed, settings=SETTINGS, report=lambda *each: reports.append(each))
    assert again is not None and again.patterns == found.patterns
    assert reports == [(discovery.ROUNDS, discovery.ROUNDS)]


def test_a_stopped_search_leaves_nothing(flawed: Path):
    other = replace(SETTINGS, seed=5)
    assert discovery.discover(flawed, settings=other, stop=lambda: True) is None
    assert findings.read(discovery.place_of(analysis.load(flawed), None, other)) is None


def test_a_detector_that_guesses_is_not_explained(flawed: Path, tmp_path: Path):
    guessing = shutil.copytree(flawed, tmp_path / "guessing", ignore=shutil.ignore_patterns("derived"))
    made = analysis.load(guessing)
    summary = {**made.summary, "verdicts": {**made.summary["verdicts"], "auc": [0.52, 0.46, 0.58]}}
    (made.built / "summary.json").write_text(json.dumps(summary))
    found = discovery.discover(toy.resealed(guessing))
    assert found is not None
    assert found.patterns == () and "does not tell real from fake" in (found.note or "")
    assert listing.table(found, []) == found.note


def test_what_is_not_surely_found_again_is_no_pattern(flawed: Path, found: Findings):
    surely = discovery.discover(flawed, settings=replace(SETTINGS, cluster=replace(SETTINGS.cluster, steady=1.01)))
    assert surely is not None and found.patterns
    assert not surely.patterns and len(surely.groups) == len(found.groups) and (surely.groups.pattern == -1).all()
