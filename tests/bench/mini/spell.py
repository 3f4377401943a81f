"""Does it read, and what is left of it after forgetting to spell, for several k; and what any forgetting could win."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import distance_transform_edt

from asap_core import images
from asap_core.learning import spelling, subspace, words
from asap_core.learning.encoder import Encoder
from asap_core.learning.pretrain import captions
from asap_core.learning.spelling import SpellingSettings, Standard

from .figures import Line, line, share
from .reading import SEED, described, joint, of_cifake, triples

LEARNT = (32, 64, 96, 128)  # k of the map as it is learnt; it keeps three quarters of the directions that images take
WHOLE = (128, 160, 192, 224, 240, 252)  # of 256: the closed form in the whole space, noise and all


def spell(eye: Encoder, folder: Path, limit: int | None) -> Iterator[Line]:
    """Does it read, and what is left of it after forgetting; categories of photographs with a word on them, which
    neither forgetting nor its images knew."""
    yield reading(eye)
    files, truth, names = of_cifake(folder, limit or 2000)
    plain = [words.fit(images.read(file), 256) for file in files]
    rng = np.random.default_rng(SEED)
    strings = new_strings(len(plain), rng)
    worded = [words.write(each, word, words.draw_style(rng))[0] for each, word in zip(plain, strings, strict=True)]
    categories = described(eye, [captions.of_category(name) for name in names])
    seen, marked = joint(eye, plain), joint(eye, worded)

    def right(vectors: NDArray, matrix: NDArray | None = None) -> NDArray[np.bool_]:
        left, heads = (x if matrix is None else spelling.normalise(x @ matrix.T) for x in (vectors, categories))
        return (left @ heads.T).argmax(1) == truth

    before = right(marked)
    yield share("categories before forgetting, no word", right(seen))
    yield share("categories before forgetting, a word on each", before)
    for how in COVERS:
        covered = [cover(each, marks, how) for each, marks in zip(plain, worded, strict=True)]
        yield share(f"categories before forgetting, {how}", right(joint(eye, covered)))
    yield share("categories, a word on each, by a linear reading that was told them, out-of-fold", told(marked, truth))
    others = of_cifake(folder, SpellingSettings().pairs, "cifake-train")[0]
    pairs = triples(eye, [images.read(file) for file in others])[0]
    for case, matrix in maps(seen, pairs):
        for name, (old, new) in spelling.report(Standard.identity(seen.shape[1]), matrix, *pairs).items():
            yield line(f"{case}: {name}", new, "", len(pairs[0]) // spelling.HELD_OUT, baseline=old)
        after = right(marked, matrix)
        yield share(f"{case}: categories, a word on each", after)
        yield change(f"{case}: categories, a word on each, more than before", before, after)


def reading(eye: Encoder) -> Line:
    """Does it read words?"""
    rng = np.random.default_rng(SEED)
    strings = [each.lower() for each in words.draw_strings(200, rng)]
    blank = Image.new("RGB", (256, 256), "white")
    alone = joint(eye, [words.write(blank, each, words.draw_style(rng))[1] for each in strings])
    found = (alone @ eye.describe([captions.the_word(each) for each in strings]).T).argmax(1)
    return share("reads a word alone on white, of 200", found == np.arange(200))


def new_strings(count: int, rng: np.random.Generator) -> list[str]:
    """Different strings, none of which forgetting is learnt from."""
    known = {each.lower() for each in words.draw_strings(SpellingSettings().pairs, np.random.default_rng(SEED))}
    drawn = words.draw_strings(2 * count + len(known), rng)
    return [each for each in drawn if each.lower() not in known][:count]


COVERS = ("the word's shape filled from around it", "its box in the mean colour", "its box blurred")


def cover(plain: Image.Image, worded: Image.Image, how: str) -> Image.Image:
    """What a word covers is covered, but by no word."""
    pixels = np.array(plain)
    shape = (pixels != np.asarray(worded)).any(2)
    if not shape.any():
        return plain
    if how == COVERS[0]:
        nearest = distance_transform_edt(shape, return_distances=False, return_indices=True)
        return Image.fromarray(pixels[tuple(nearest)])  # pyright: ignore
    rows, columns = (np.flatnonzero(shape.any(axis)) for axis in (1, 0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    blurred = np.asarray(plain.filter(ImageFilter.GaussianBlur(min(plain.size) / 8)))
    pixels[box] = pixels.mean((0, 1)) if how == COVERS[1] else blurred[box]
    return Image.fromarray(pixels)


def told(vectors: NDArray, truth: NDArray) -> NDArray[np.bool_]:
    """Right answers of logistic regression on vectors (n, e), out-of-fold: what a linear reading can tell at best."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict

    return cross_val_predict(LogisticRegression(C=1.0, max_iter=500), vectors, truth, cv=5) == truth


def maps(seen: NDArray, pairs: list[NDArray]) -> Iterator[tuple[str, NDArray]]:
    """Maps that forget, and what they are called."""
    width = seen.shape[1]
    for k in LEARNT:
        for method in ("learned", "closed"):
            how = SpellingSettings(width=k, method=method)
            matrix = spelling.learn(seen, *pairs, standard=Standard.identity(width), settings=how, seed=SEED)
            yield f"joint, k = {len(matrix)}, {method}", matrix
    plain, worded = (each[: len(each) - len(each) // spelling.HELD_OUT] for each in pairs[:2])
    for k in WHOLE:
        yield f"joint, k = {k}, closed, of the whole space", spelling.closed_form(seen, worded - plain, k)
    change = np.linalg.eigh((worded - plain).T @ (worded - plain))[1][:, ::-1].T  # strongest first
    for dropped in (1, 2, 4, 8):
        yield f"joint, k = {width - dropped}, without what words change most", subspace.orthonormal(change[dropped:])


def change(case: str, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Line:
    """How many more are right after than before, in points, image by image, with the normal interval."""
    gained = 100 * (after.astype(float) - before)
    half = 1.96 * gained.std(ddof=1) / np.sqrt(len(gained))
    return line(case, gained.mean(), "points", len(gained), gained.mean() - half, gained.mean() + half)
