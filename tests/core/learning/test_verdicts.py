import numpy as np
import pytest
from sklearn import metrics

from asap_core.learning import verdicts


def drawn(n: int, seed: int = 0, gap: float = 1.5, share: float = 0.4, ties: bool = False):
    rng = np.random.default_rng(seed)
    is_fake = rng.random(n) < share
    logits = rng.normal(size=n) + gap * (is_fake - 0.5)
    return (np.round(logits, 1) if ties else logits), is_fake


@pytest.mark.parametrize("ties", [False, True])
def test_figures_equal_those_of_scikit_learn(ties):
    logits, is_fake = drawn(700, ties=ties)
    scores = verdicts.score(logits, 0.8)
    measured = verdicts.measure(logits, scores, is_fake, seed=0)
    expected = {
        "accuracy": metrics.accuracy_score(is_fake, logits > 0),
        "balanced_accuracy": metrics.balanced_accuracy_score(is_fake, logits > 0),
        "auc": metrics.roc_auc_score(is_fake, logits),
        "average_precision": metrics.average_precision_score(is_fake, logits),
        "inconclusive": np.mean((scores > 0.3) & (scores < 0.7)),
    }
    for name, value in expected.items():
        assert measured[name][0] == pytest.approx(value, abs=1e-6), name
    assert verdicts.auc(logits, is_fake) == pytest.approx(expected["auc"], abs=1e-12)


def test_calibration_error_is_the_mean_gap_over_bins_of_equal_mass():
    logits, is_fake = drawn(900, share=0.5)
    is_fake = np.sort(is_fake)[np.argsort(np.argsort(logits + np.random.default_rng(1).normal(size=900)))]
    is_fake[np.flatnonzero(is_fake)[: is_fake.sum() - 450]] = False
    is_fake[np.flatnonzero(~is_fake)[: 450 - is_fake.sum()]] = True  # 450 of each: every image weighs 1
    scores = verdicts.score(logits, 0.5).astype(float)
    order = np.argsort(logits)
    gaps = [
        60 * abs(scores[rows].mean() - is_fake[rows].mean())
        for rows in (order[start : start + 60] for start in range(0, 900, 60))
    ]
    measured = verdicts.measure(logits, scores, is_fake, seed=0)
    assert measured["calibration_error"][0] == pytest.approx(sum(gaps) / 900, abs=1e-9)


def test_intervals_hold_the_value_and_agree_with_a_slow_bootstrap():
    logits, is_fake = drawn(5000)  # more images than runs
    measured = verdicts.measure(logits, verdicts.score(logits, 1), is_fake, seed=0)
    for value, low, high in measured.values():
        assert low <= value <= high
    rng = np.random.default_rng(1)
    slow = []
    for _ in range(200):
        rows = rng.integers(0, 5000, 5000)
        slow.append(metrics.roc_auc_score(is_fake[rows], logits[rows]))
    low, high = np.percentile(slow, (2.5, 97.5))
    assert measured["auc"][1:] == pytest.approx([low, high], abs=0.003)


def test_duplicates_widen_the_interval():
    logits, is_fake = drawn(300)
    groups = np.repeat(np.arange(300), 9)
    logits, is_fake = logits[groups], is_fake[groups]
    scores = verdicts.score(logits, 1)
    alone = verdicts.measure(logits, scores, is_fake, 0)
    together = verdicts.measure(logits, scores, is_fake, 0, groups)

    def width(measured):
        return measured["accuracy"][2] - measured["accuracy"][1]

    assert width(together) / width(alone) == pytest.approx(3, rel=0.25)  # nine copies tell what one does
    names = np.where(is_fake, "gan", "real")
    by = [verdicts.by_generator(logits, is_fake, names, 0, g) for g in (None, groups)]
    assert [b["gan"]["accuracy"][0] for b in by] == [np.mean(logits[is_fake] > 0)] * 2
    narrow, wide = (b["gan"]["accuracy"][2] - b["gan"]["accuracy"][1] for b in by)
    assert wide / narrow == pytest.approx(3, rel=0.25)


def test_by_generator_counts_every_image_once():
    logits, is_fake = drawn(400)
    names = np.where(is_fake, np.where(np.arange(400) % 3 == 0, "gan", "diffusion"), "real")
    by = verdicts.by_generator(logits, is_fake, names.tolist(), 0)
    assert set(by) == {"gan", "diffusion", "real"}
    assert sum(b["n"] for b in by.values()) == 400
    for name, b in by.items():
        rows = names == name
        value, low, high = b["accuracy"]
        assert value == pytest.approx(np.mean((logits[rows] > 0) == is_fake[rows]))
        assert low <= value <= high


@pytest.mark.parametrize("scale", [0.2, 1.0, 7.0])
def test_temperature_undoes_a_scale(scale):
    rng = np.random.default_rng(0)
    is_fake = np.arange(20_000) % 2 == 0
    logits = rng.normal(size=20_000) + np.where(is_fake, 0.5, -0.5)  # log odds are the logit itself
    assert verdicts.calibrate(scale * logits, is_fake) == pytest.approx(scale, rel=0.05)


def test_temperature_is_the_slow_minimum():
    logits, is_fake = drawn(300, share=0.1)
    n_fake = is_fake.sum()
    weight = np.where(is_fake, 0.5 / n_fake, 0.5 / (300 - n_fake))
    goal = np.where(is_fake, (n_fake + 1) / (n_fake + 2), 1 / (302 - n_fake))

    def loss(t):
        p = 1 / (1 + np.exp(-logits / t))
        return -np.sum(weight * (goal * np.log(p) + (1 - goal) * np.log(1 - p)))

    grid = np.geomspace(0.3, 20, 4000)
    assert verdicts.calibrate(logits, is_fake) == pytest.approx(grid[np.argmin([loss(t) for t in grid])], rel=0.01)


def test_few_images_without_error_do_not_give_certainty():
    is_fake = np.arange(20) < 10
    t = verdicts.calibrate(np.where(is_fake, 2.0, -2.0), is_fake)
    assert verdicts.score(2.0, t) == pytest.approx(11 / 12, abs=1e-3)


def test_scores_levels_and_the_band():
    assert np.all(verdicts.score([-1e6, 0, 1e6], 1) == [0, 0.5, 1])
    assert list(verdicts.levels([0.0, 0.29, 0.3, 0.69, 0.7, 0.94, 0.95, 1])) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(verdicts.THRESHOLDS) + 1 == len(verdicts.LEVELS)
    assert list(verdicts.inconclusive([0.3, 0.31, 0.69, 0.7])) == [False, True, True, False]


def test_the_same_seed_gives_the_same_figures():
    logits, is_fake = drawn(500)
    scores = verdicts.score(logits, 1)
    first, second, other = (verdicts.measure(logits, scores, is_fake, seed) for seed in (3, 3, 4))
    assert first == second
    assert first["auc"][0] == other["auc"][0] and first["auc"] != other["auc"]


def test_one_fake_among_fifty():
    logits, is_fake = drawn(510, share=0)
    is_fake[::51] = True
    measured = verdicts.measure(logits, verdicts.score(logits, 1), is_fake, seed=0)
    assert all(np.isfinite(v).all() for v in measured.values())


def test_calibration_is_measured_with_temperatures_that_have_not_seen_the_fold():
    rng = np.random.default_rng(0)
    is_fake = np.arange(300) % 2 == 0
    logits = np.where(is_fake, 1.0, -1.0) * 2 + rng.normal(0, 2, 300)
    folds = np.arange(300) % 3
    logits[folds == 2] *= 20  # far too sure of itself, which the other folds' temperature does not know
    unseen = verdicts.scores_unseen(logits, is_fake, folds)
    for fold in range(3):
        mine = folds == fold
        temperature = verdicts.calibrate(logits[~mine], is_fake[~mine])
        for row in np.flatnonzero(mine)[:5]:
            assert unseen[row] == pytest.approx(1 / (1 + np.exp(-logits[row] / temperature)), abs=1e-6)
    scores = verdicts.score(logits, verdicts.calibrate(logits, is_fake))
    shown, honest = (verdicts.measure(logits, scores, is_fake, 0, unseen=each) for each in (None, unseen))
    alone = verdicts.measure(logits, unseen, is_fake, 0)
    assert honest["calibration_error"] == alone["calibration_error"] != shown["calibration_error"]
    assert {name: honest[name] for name in honest if name != "calibration_error"} == {
        name: shown[name] for name in shown if name != "calibration_error"
    }
