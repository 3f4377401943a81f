from dataclasses import fields

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from asap_core.errors import SettingsError
from asap_core.learning import dimensions, distiller, folds, logistic, verdicts
from asap_core.learning.distiller import DistillerSettings

SETTINGS = DistillerSettings()


def vectors(n: int = 800, k: int = 40, share: float = 0.5, seed: int = 0, gap: float = 1.0):
    """Unit rows (n, k) of which fakes differ in three ways, one for each kind of fake; labels (n,)."""
    rng = np.random.default_rng(seed)
    is_fake = np.arange(n) % round(1 / share) == 0
    x = rng.standard_normal((n, k)) * np.geomspace(2, 0.3, k)
    kind = rng.integers(0, 3, n)
    for j in range(3):
        x[:, 5 + j] += 4 * gap * (is_fake & (kind == j))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), is_fake


def unseen(trained: distiller.Trained, x: np.ndarray) -> np.ndarray:
    """The out-of-fold logits, (n,)."""
    return trained.distiller.logits(trained.distiller.distil(x), trained.folds)


@pytest.mark.parametrize("which", ["own", "mean"])
def test_contributions_and_constants_sum_to_the_logits(which):
    x, is_fake = vectors()
    trained = distiller.train(x, is_fake, np.arange(800), SETTINGS, 0)
    d, folds = trained.distiller, trained.folds if which == "own" else None
    distilled = d.distil(x)
    contributions, constants = d.contributions(distilled, folds)
    assert distilled.shape == contributions.shape == (800, 16) and constants.shape == (800,)
    assert contributions.sum(1) + constants == pytest.approx(d.logits(distilled, folds), abs=1e-4)
    assert d.contributions(distilled)[0][~is_fake].mean(0) == pytest.approx(np.zeros(16), abs=1e-4)
    for i in range(5):
        slow = [sum(w * r for w, r in zip(row, x[i], strict=True)) + b for row, b in zip(d.weight, d.bias, strict=True)]
        assert distilled[i] == pytest.approx(slow, abs=1e-4)
        said = [
            sum(w * v for w, v in zip(head, slow, strict=True)) + b for head, b in zip(d.heads, d.offsets, strict=True)
        ]
        logit = np.mean(said) if folds is None else said[folds[i]]
        assert d.logits(distilled, folds)[i] == pytest.approx(logit, abs=1e-3)


def test_an_image_is_judged_by_a_head_that_was_fitted_without_it():
    """Each fold's line, fitted anew on the other folds alone, says what is shown of that fold's images."""
    x, is_fake = vectors()
    trained = distiller.train(x, is_fake, np.arange(800), SETTINGS, 0)
    shown, (lines, constants) = unseen(trained, x), trained.distiller.lines
    x = x.astype(np.float64)
    centred, scale = x - x.mean(0), np.sqrt(np.mean((x - x.mean(0)) ** 2))
    z = centred / scale
    for fold in range(5):
        mine = trained.folds == fold
        assert shown[mine] == pytest.approx(x[mine] @ lines[fold] + constants[fold], abs=1e-4)
        errors = []
        for penalty in logistic.PENALTIES:  # which of them was chosen is the product's affair
            start = logistic.Line(np.zeros(40), 0.0)
            line = logistic.fit(z[~mine], is_fake[~mine], verdicts.balance(is_fake[~mine]), penalty, start, 60)
            errors.append(np.abs(line.logits(z[mine]) - shown[mine]).max())
        assert min(errors) < 0.05


def test_dimensions_are_uncorrelated_alive_and_in_order():
    x, is_fake = vectors()
    d = distiller.train(x, is_fake, np.arange(800), SETTINGS, 0).distiller
    distilled = d.distil(x).astype(float)
    np.testing.assert_allclose(d.head, sum(head for head in d.heads) / 5, rtol=1e-6)
    assert np.cov(distilled.T, bias=True) == pytest.approx(np.eye(16), abs=2e-3)
    share = d.head**2 / np.sum(d.head**2)
    assert np.all(np.diff(d.head) <= 0) and np.all(share > 0.005)
    assert np.sum(d.head**2) == pytest.approx(np.var(d.logits(distilled)), rel=1e-2)


def test_canonical_form_keeps_every_logit():
    x, is_fake = vectors()
    x = x.astype(float) - x.mean(0)
    lines = np.random.default_rng(1).standard_normal((3, 40)) * 0.2 + np.random.default_rng(2).standard_normal(40)
    for count in (3, 4, 16, 40):
        directions, heads = dimensions.choose(x, is_fake, lines, count)
        assert directions.shape == (count, 40) and heads.shape == (3, count)
        assert (x @ directions.T) @ heads.T == pytest.approx(x @ lines.T, abs=1e-8)
    directions, heads = dimensions.choose(x, is_fake, lines[:1], 1)
    assert x @ directions.T @ heads[0] == pytest.approx(x @ lines[0], abs=1e-8)
    alike, heads = dimensions.choose(x, is_fake, np.repeat(lines[:1], 3, 0), 8)
    assert (x @ alike.T) @ heads.T == pytest.approx(x @ np.repeat(lines[:1], 3, 0).T, abs=1e-8)
    directions, heads = dimensions.choose(x, is_fake, np.zeros((3, 40)), 4)
    assert np.all(heads == 0) and np.isfinite(directions).all()
    with pytest.raises(AssertionError, match="2 dimensions cannot hold 3 lines"):
        dimensions.choose(x, is_fake, lines, 2)


def test_canonical_form_does_not_depend_on_the_basis():
    x, is_fake = vectors()
    x = x.astype(float) - x.mean(0)
    lines = np.random.default_rng(1).standard_normal(40) + 0.1 * np.random.default_rng(3).standard_normal((5, 40))
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((40, 40)))[0]
    first, second = dimensions.choose(x, is_fake, lines, 8), dimensions.choose(x @ turn, is_fake, lines @ turn, 8)
    assert second[0] @ turn.T == pytest.approx(first[0], abs=1e-3)
    assert second[1] == pytest.approx(first[1], abs=1e-4)


def test_canonical_form_finds_planted_kinds():
    rng = np.random.default_rng(0)
    sources = rng.laplace(size=(6000, 4))
    is_fake = sources.sum(1) > 0
    sources -= sources.mean(0)
    mixing = rng.standard_normal((4, 4))
    x = sources @ mixing
    v = (np.linalg.inv(mixing) @ [1.0, 0.9, 0.8, 0.7]).astype(np.float64)  # each source has its share of the logit
    directions, _ = dimensions.choose(x, is_fake, v[None], 4)
    match = np.abs(np.corrcoef((x @ directions.T).T, sources.T)[:4, 4:])
    assert match.max(0).min() > 0.95


def test_logistic_regression_is_that_of_scikit_learn():
    x, is_fake = vectors(300, 8, 0.2)
    x = (10 * x).astype(np.float64)
    weight = verdicts.balance(is_fake)
    line = logistic.fit(x, logistic.smooth(is_fake, 0), weight, 0.01, logistic.Line(np.zeros(8), 0.0), 50)
    other = LogisticRegression(C=1 / (0.01 * 300), class_weight="balanced", tol=1e-8, max_iter=1000).fit(x, is_fake)
    assert line.v == pytest.approx(other.coef_[0], rel=1e-3, abs=1e-4)
    assert line.b == pytest.approx(other.intercept_[0], rel=1e-3, abs=1e-4)
    assert list(logistic.smooth(np.array([True, False]), 0.1)) == [0.95, 0.05]


def test_verdicts_are_as_good_as_a_plain_logistic_regression():
    x, is_fake = vectors(1500, gap=0.6)
    trained = distiller.train(x, is_fake, np.arange(1500), SETTINGS, 0)
    plain = max(
        np.mean(cross_val_predict(LogisticRegression(C=c, max_iter=500), x * 40**0.5, is_fake, cv=5) == is_fake)
        for c in (0.01, 0.1, 1)
    )
    assert np.mean((unseen(trained, x) > 0) == is_fake) > plain - 0.01
    assert trained.note is None


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_shuffled_labels_teach_nothing(smoothing):
    x, is_fake = vectors(1000)
    shuffled = is_fake[np.random.default_rng(0).permutation(1000)]
    trained = distiller.train(x, shuffled, np.arange(1000), DistillerSettings(smoothing=smoothing), 0)
    assert abs(verdicts.auc(unseen(trained, x), shuffled) - 0.5) < 0.07
    assert np.all(np.abs(verdicts.score(unseen(trained, x), trained.distiller.temperature) - 0.5) < 0.2)


def test_memorising_a_duplicate_does_not_help():
    """Noise, each vector twice under one label: in one fold the twin gives nothing away; apart, it would."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.standard_normal((150, 200)), 2, 0).astype(np.float32)
    is_fake = np.repeat(rng.random(150) < 0.5, 2)
    together = distiller.train(x, is_fake, np.repeat(np.arange(150), 2), SETTINGS, 0)
    apart = distiller.train(x, is_fake, np.arange(300), SETTINGS, 0)
    assert abs(verdicts.auc(unseen(together, x), is_fake) - 0.5) < 0.15
    assert verdicts.auc(unseen(apart, x), is_fake) > 0.8


def test_one_fake_in_fifty():
    x, is_fake = vectors(1530, share=1 / 51, gap=1.5)
    trained = distiller.train(x, is_fake, np.arange(1530), SETTINGS, 0)
    assert is_fake.sum() == 30
    assert verdicts.auc(unseen(trained, x), is_fake) > 0.8
    counts = np.bincount(trained.folds[is_fake])
    assert counts.max() - counts.min() <= 1
    measured = verdicts.measure(
        unseen(trained, x), verdicts.score(unseen(trained, x), trained.distiller.temperature), is_fake, 0
    )
    assert measured["balanced_accuracy"][0] > 0.7


def test_the_same_seed_gives_the_same_bytes():
    x, is_fake = vectors(300)
    first, again = (distiller.train(x, is_fake, np.arange(300), SETTINGS, 5) for _ in range(2))
    assert first.folds.tobytes() == again.folds.tobytes()
    for field in fields(first.distiller):
        a, b = getattr(first.distiller, field.name), getattr(again.distiller, field.name)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes(), field.name
        assert np.asarray(a).dtype == (np.float64 if field.name == "temperature" else np.float32)


def test_what_cannot_be_learnt_from_is_refused_in_plain_words():
    x, is_fake = vectors(40)
    rows = np.arange(40)
    cases = {
        "at least 20": (x[:19], is_fake[:19], rows[:19], SETTINGS),
        "at least two of each": (x, np.ones(40, bool), rows, SETTINGS),
        "duplicates of one another": (x, is_fake, np.where(is_fake, 0, rows + 1), SETTINGS),
        "folds": (x, is_fake, rows, DistillerSettings(folds=1)),
        "dimensions": (x, is_fake, rows, DistillerSettings(dimensions=0)),
    }
    for words, (vector, labels, groups, settings) in cases.items():
        with pytest.raises(SettingsError, match=words):
            distiller.train(vector, labels, groups, settings, 0)


def test_few_images_are_learnt_from_and_it_is_said():
    x, is_fake = vectors(20, 40, gap=3)
    trained = distiller.train(x, is_fake, np.arange(20), SETTINGS, 0)
    assert trained.distiller.weight.shape == (5, 40)  # each fold's head has its place
    assert trained.note and "5 dimensions instead of 16" in trained.note
    few = distiller.train(vectors(100)[0], vectors(100)[1], np.arange(100), DistillerSettings(dimensions=2), 0)
    assert few.distiller.weight.shape == (5, 40) and few.note and "5 dimensions instead of 2" in few.note
    is_fake = np.arange(200) < 2
    x = vectors(200)[0]
    trained = distiller.train(x, is_fake, np.arange(200), SETTINGS, 0)
    assert trained.folds.max() == 1
    assert trained.note and "2 folds" in trained.note
    assert np.isfinite(unseen(trained, x)).all()


def test_degenerate_vectors_do_not_break_it():
    _, is_fake = vectors(60)
    for x in (np.ones((60, 5), np.float32), np.where(is_fake, 1.0, -1.0)[:, None]):
        trained = distiller.train(x, is_fake, np.arange(60), SETTINGS, 0)
        assert np.isfinite(unseen(trained, x)).all() and np.isfinite(trained.distiller.weight).all()
        assert trained.distiller.distil(x).shape == (60, 1)
    assert np.all((unseen(trained, x) > 0) == is_fake)


def test_progress_is_absolute_and_ends():
    x, is_fake = vectors(100)
    seen: list[tuple[int, int]] = []
    distiller.train(x, is_fake, np.arange(100), SETTINGS, 0, lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, 11) for i in range(11)]


@pytest.mark.parametrize("share", [0.5, 1 / 51])
def test_groups_never_straddle_folds_and_classes_are_spread(share):
    rng = np.random.default_rng(0)
    is_fake = rng.random(2040) < share
    groups = np.where(rng.random(2040) < 0.4, rng.integers(0, 300, 2040), 1000 + np.arange(2040))
    fold = folds.cut(is_fake, groups, 5, 0)
    for group in np.unique(groups):
        assert len(set(fold[groups == group])) == 1
    for kind in (is_fake, ~is_fake):
        counts = np.bincount(fold[kind], minlength=5)
        assert counts.max() - counts.min() <= 2 + 0.02 * kind.sum()
    assert np.array_equal(fold, folds.cut(is_fake, groups, 5, 0))
    assert not np.array_equal(fold, folds.cut(is_fake, groups, 5, 1))


def test_another_seed_cuts_other_folds():
    is_fake, groups = np.arange(60) % 2 == 0, np.arange(60)
    first, again, other = (folds.cut(is_fake, groups, 5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_single_images_are_spread_evenly():
    is_fake = np.arange(103) < 11
    fold = folds.cut(is_fake, np.arange(103), 5, 0)
    assert sorted(np.bincount(fold[is_fake])) == [2, 2, 2, 2, 3]
    assert sorted(np.bincount(fold[~is_fake])) == [18, 18, 18, 19, 19]
    assert folds.most(is_fake, np.arange(103)) == 11
