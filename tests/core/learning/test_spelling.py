import numpy as np
import pytest
import torch
from PIL import Image

from asap_core.errors import SettingsError
from asap_core.learning import spelling, subspace, verdicts
from asap_core.learning.spelling import SpellingSettings, Standard


def planted(seed: int = 0, n: int = 600, m: int = 200, e: int = 96, letters: int = 12):
    """Readings in which images and words live in different directions: (images, plain, worded, word_only, where)."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.standard_normal((e, e)))[0]
    sees = axes[:, :40].T * np.geomspace(3, 0.5, 40)[:, None]  # (40, e) what images show
    spells = axes[:, 40 : 40 + letters].T  # (letters, e)

    def image(count):
        return rng.standard_normal((count, 40)) @ sees + 0.3 * rng.standard_normal((count, letters)) @ spells

    plain = image(m)
    words = 5 * rng.standard_normal((m, letters)) @ spells
    alone = words + 0.3 * image(m)
    images = image(n)
    return *(x.astype(np.float32) for x in (images, plain, plain + words, alone)), spells


@pytest.mark.parametrize("method", ["learned", "closed"])
def test_forgetting_raises_the_cosine_and_loses_the_word(method):
    images, *pairs, _ = planted()
    standard = Standard.of(images)
    settings = SpellingSettings(width=32, subspace=60, method=method, steps=200, rate=1e-2)
    matrix = spelling.learn(images, *pairs, standard=standard, settings=settings, seed=0)
    assert matrix.shape == (32, 96)
    assert np.abs(matrix @ matrix.T - np.eye(32)).max() < 1e-5
    changed = spelling.report(standard, matrix, *pairs)
    before, after = changed["cosine"]
    assert after > before + 0.15
    before, after = changed["retrieval"]
    assert before > 0.8 and after < before / 2


def test_forget_is_the_formula():
    rng = np.random.default_rng(0)
    readings = rng.normal(3, 2, (50, 7)).astype(np.float16)
    matrix = subspace.orthonormal(rng.standard_normal((4, 7)))
    standard = Standard.of(readings)
    mean, scale = readings.astype(float).mean(0), readings.astype(float).std(0)
    forgotten = spelling.forget(readings, standard, matrix)
    for x, r in zip(readings.astype(float), forgotten, strict=True):
        z = [(a - m) / s for a, m, s in zip(x, mean, scale, strict=True)]
        z = np.array(z) / np.sqrt(sum(a * a for a in z))
        slow = [sum(w * a for w, a in zip(row, z, strict=True)) for row in matrix]
        assert r == pytest.approx(np.array(slow) / np.sqrt(sum(a * a for a in slow)), abs=1e-5)


def test_loss_is_the_formula():
    rng = np.random.default_rng(0)
    a, b = (subspace.normalise(rng.standard_normal((5, 3))) for _ in range(2))
    slow = 0.0
    for u, v in ((a, b), (b, a)):
        for i in range(5):
            cosines = [float(u[i] @ v[j]) for j in range(5)]
            slow -= np.log(np.exp(cosines[i]) / sum(np.exp(c) for c in cosines)) / 10
    assert float(spelling.retrieval_loss(torch.from_numpy(a), torch.from_numpy(b))) == pytest.approx(slow)


def test_closed_form_solves_the_generalised_eigenproblem():
    rng = np.random.default_rng(0)
    images, change = rng.standard_normal((80, 6)), rng.standard_normal((50, 6)) * np.arange(1, 7)
    v = spelling.closed_form(images.astype(np.float32), change.astype(np.float32), 1, ridge=1e-6)[0]
    between, spell = images.T @ images / 80, change.T @ change / 50

    def ratio(x):
        return (x @ between @ x) / (x @ spell @ x)

    assert all(ratio(v) >= ratio(x) for x in rng.standard_normal((2000, 6)))


def test_the_principal_subspace_is_that_of_an_exact_decomposition():
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((300, 50)) * np.geomspace(10, 0.1, 50)).astype(np.float32)
    coordinates, basis = subspace.principal(x, 10, seed=0)
    exact = np.linalg.svd(x, full_matrices=False)[2][:10]
    assert np.abs(basis @ basis.T - np.eye(10)).max() < 1e-5
    assert np.linalg.svd(basis @ exact.T)[1].min() > 0.99
    assert coordinates == pytest.approx(x @ basis.T, abs=1e-3)


def test_blocks_count_alike_however_wide():
    images = np.random.default_rng(0).normal(3, np.repeat([1, 9, 0.1], [2, 30, 8]), (500, 40)).astype(np.float32)
    standard = Standard.of(images, (2, 30, 8))
    spread = np.square((images - standard.mean) / standard.scale).sum(0)
    blocks = [spread[:2].sum(), spread[2:32].sum(), spread[32:].sum()]
    np.testing.assert_allclose(blocks, sum(blocks) / 3, rtol=1e-4)
    np.testing.assert_allclose(sum(blocks), 500 * 40, rtol=1e-4)
    np.testing.assert_allclose(Standard.of(images).scale, images.std(0), rtol=1e-4)


def test_many_images_pay_for_more_directions():
    many = np.random.default_rng(0).standard_normal((8800, 1000), np.float32)
    settings, pair = SpellingSettings(method="closed"), [many[:40], many[40:80], many[80:120]]
    for n, k in ((8800, 440), (1500, 384)):
        matrix = spelling.learn(many[:n], *pair, standard=Standard.identity(1000), settings=settings, seed=0)
        assert matrix.shape == (k, 1000)


def test_width_follows_the_reading_and_shrinks_with_a_note():
    images, *pairs, _ = planted()
    standard, settings = Standard.identity(96), SpellingSettings(steps=2)
    matrix = spelling.learn(images, *pairs, standard=standard, settings=settings, seed=0)
    assert len(matrix) == 39  # three quarters of the 52 directions there are
    note = spelling.shortfall(len(images), matrix, settings)
    assert note and "39" in note and "48" in note
    few = spelling.learn(images[:8], *pairs, standard=standard, settings=settings, seed=0)
    assert few.shape == (6, 96)
    asked = SpellingSettings(width=20, steps=2)
    matrix = spelling.learn(images, *pairs, standard=standard, settings=asked, seed=0)
    assert len(matrix) == 20 and spelling.shortfall(len(images), matrix, asked) is None
    none = [x[:0] for x in pairs]
    assert len(spelling.learn(images, *none, standard=standard, settings=asked, seed=0)) == 20
    assert spelling.report(standard, matrix, *none)["cosine"] == [0.0, 0.0]
    for wrong in (SpellingSettings(width=0), SpellingSettings(method="magic")):
        with pytest.raises(SettingsError):
            spelling.learn(images, *pairs, standard=standard, settings=wrong, seed=0)


def test_the_same_seed_gives_the_same_bytes():
    images, *pairs, _ = planted()
    standard = Standard.of(images)
    settings = SpellingSettings(width=20, steps=20)
    first, again = (
        spelling.learn(images, *pairs, standard=standard, settings=settings, seed=1).tobytes() for _ in range(2)
    )
    assert first == again


def test_standard_leaves_constant_columns_finite():
    readings = np.random.default_rng(0).normal(5, 2, (9000, 3)).astype(np.float16)
    readings[:, 1] = 7.0
    standard = Standard.of(readings)
    assert standard.mean == pytest.approx(readings.astype(float).mean(0), rel=1e-4)
    assert standard.scale == pytest.approx(
        [readings[:, 0].astype(float).std(), 1, readings[:, 2].astype(float).std()], rel=1e-4
    )
    assert np.isfinite(standard.apply(readings)).all()
    assert np.isfinite(standard.apply(np.tile(standard.mean, (2, 1)))).all()


def test_detection_is_a_left_out_ridge_regression():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 8)).astype(np.float32)
    is_fake = x[:, 0] + rng.standard_normal(60) > 0
    parts = np.arange(60) % 5
    gram = (x @ x.T).astype(float)
    gram += np.trace(gram) / 60
    slow = []
    for penalty in (0.3, 3.0):
        c, judged = penalty * np.trace(gram) / 60, np.empty(60)
        for part in range(5):
            seen = parts != part
            alpha = np.linalg.solve(gram[np.ix_(seen, seen)] + c * np.eye(seen.sum()), np.where(is_fake, 1, -1)[seen])
            judged[~seen] = gram[np.ix_(~seen, seen)] @ alpha
        slow.append(verdicts.auc(judged, is_fake))
    assert spelling.ridge_auc(x, is_fake, parts) == pytest.approx(max(slow), abs=1e-9)


def test_detection_knows_signal_from_none():
    rng = np.random.default_rng(0)
    is_fake = np.arange(2000) % 2 == 0
    readings = rng.standard_normal((2000, 30)) + is_fake[:, None] * np.r_[2.0, np.zeros(29)]
    deaf = subspace.orthonormal(np.eye(30)[5:25])
    standard = Standard.of(readings)
    forgotten = spelling.forget(readings, standard, deaf)
    without, with_ = spelling.detection(readings, forgotten, standard, is_fake, np.arange(2000), 0)
    assert without > 0.85 and abs(with_ - 0.5) < 0.08


def tiny_eye(images) -> np.ndarray:
    """A small random convolution's pooled features, (n, 64): an encoder that cannot read."""
    torch.manual_seed(0)
    first, second = torch.nn.Conv2d(3, 24, 5, 2), torch.nn.Conv2d(24, 32, 3, 2)
    x = np.stack([np.asarray(image.resize((64, 64))) for image in images])
    with torch.inference_mode():
        x = torch.relu(second(torch.relu(first(torch.from_numpy(x).permute(0, 3, 1, 2) / 127.5 - 1))))
    return torch.cat([x.mean((2, 3)), x.std((2, 3))], 1).numpy()


def test_forgetting_on_drawn_pairs():
    rng = np.random.default_rng(0)
    small = (rng.integers(0, 256, (4, 4, 3), np.uint8) for _ in range(160))
    images = [Image.fromarray(x).resize((96, 96), Image.Resampling.BICUBIC) for x in small]
    settings = SpellingSettings(width=16, pairs=160, canvas=96, steps=150)
    drawn = list(spelling.pairs(images, 3, settings))
    assert len({string.lower() for *_, string in drawn}) == len(drawn) == 160
    again = list(spelling.pairs(images, 3, settings))
    assert all(a[1].tobytes() == b[1].tobytes() and a[3] == b[3] for a, b in zip(drawn, again, strict=True))
    plain, worded, word_only = (tiny_eye([each[i] for each in drawn]) for i in range(3))
    standard = Standard.of(plain)
    matrix = spelling.learn(plain, plain, worded, word_only, standard, settings, 0)
    before, after = spelling.report(standard, matrix, plain, worded, word_only)["cosine"]
    assert after > before
