"""Regions of a small real analysis are taken away, and verdicts follow."""

from pathlib import Path

import numpy as np
import pytest
import torch

from asap_core import analysis, truth, what_if
from asap_core.errors import AnalysisError, SettingsError
from asap_core.identification import counterfactual, occlusion
from asap_core.learning import embedding
from asap_core.learning.detector import Detector, encoder_of
from asap_core.learning.embedding import EmbeddingSettings


def flaws(folder: Path, many: int) -> list[what_if.Region]:
    """The planted flaws of some fakes, as regions."""
    made = analysis.load(folder)
    tower = encoder_of(made, "cpu").tower
    return [
        (int(row), truth.flaw(made, int(row), tower, tower.grid)) for row in np.flatnonzero(truth.known(made))[:many]
    ]


def test_without_their_flaws_fakes_look_less_fake_whatever_takes_their_place(flawed: Path):
    told: list = []
    regions = flaws(flawed, 5)
    regions = [regions[3], *regions]  # an image may have several
    found = what_if.remove(flawed, regions, occlusion.OCCLUDERS, report=lambda *each: told.append(each))
    assert found is not None and found.rows.tolist() == [row for row, _ in regions] and told[-1] == (5, 5)
    made, effects = analysis.load(flawed), found.effects(analysis.load(flawed))
    for name in occlusion.OCCLUDERS:
        assert effects[name].images == 6 and effects[name].dimensions.shape == (len(made.head),)
        assert np.isfinite(effects[name].change).all()
    assert effects["drop"].change[0] < 0 and effects["swap"].change[0] < 0
    assert np.corrcoef(found.expected["drop"], found.after["drop"].logits - found.before.logits)[0, 1] > 0.3
    np.testing.assert_allclose(found.before.distilled, made.distilled[found.rows], atol=0.05)
    eye, detector, row = encoder_of(made, "cpu"), Detector.of(made.built), regions[1][0]
    image = eye.prepare(embedding.read(made.path(row), eye, EmbeddingSettings()))[None]
    alone = counterfactual.without(eye, detector, image, torch.as_tensor(regions[1][1])[None])
    at = found.rows.tolist().index(row)
    np.testing.assert_allclose(found.after["drop"].logits[at], alone.logits[0], atol=1e-3)


def test_the_strongest_group_speaks_for_the_verdict(flawed: Path):
    made = analysis.load(flawed)
    fakes = [row for row, _ in flaws(flawed, 4) if made.logits[row] > 0]
    regions = what_if.strongest(flawed, fakes)
    assert regions and {row for row, _ in regions} <= set(fakes)
    found = what_if.remove(flawed, regions)
    assert found is not None and (found.expected["drop"] < 0).all()


def test_the_nearest_image_with_the_other_verdict(flawed: Path):
    made = analysis.load(flawed)
    for space in what_if.SPACES:
        other = what_if.across(made, 0, space)
        assert other is not None and (made.logits[other] > 0) != (made.logits[0] > 0)


def test_what_cannot_be_done_is_said_and_a_stop_is_heard(flawed: Path):
    made, regions = analysis.load(flawed), flaws(flawed, 2)
    with pytest.raises(AnalysisError, match="no region to take away"):
        what_if.remove(flawed, [])
    with pytest.raises(SettingsError, match="no occluder 'black'"):
        what_if.remove(flawed, regions, ["black"])
    assert what_if.remove(flawed, regions, stop=lambda: True) is None
    gone = made.path(regions[0][0])
    aside = gone.rename(gone.with_suffix(".away"))
    try:
        found = what_if.remove(flawed, regions)
        assert found is not None and found.rows.tolist() == [regions[1][0]]
        assert [skipped.path for skipped in found.skipped] == [str(gone)]
        with pytest.raises(AnalysisError, match="none of the 1 images"):
            what_if.remove(flawed, regions[:1])
    finally:
        aside.rename(gone)
