"""Does it read, and what is left of it after forgetting to spell, for several k."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from asap_core import images
from asap_core.learning import spelling, words
from asap_core.learning.encoder import Encoder
from asap_core.learning.pretrain import captions
from asap_core.learning.spelling import SpellingSettings, Standard

from .figures import Line, line, share
from .reading import SEED, described, joint, of_cifake, triples


def spell(eye: Encoder, folder: Path, limit: int | None) -> Iterator[Line]:
    """Does it read, and what is left of it after forgetting; categories of photographs with a word on them."""
    rng = np.random.default_rng(SEED)
    strings = [each.lower() for each in words.draw_strings(200, rng)]
    blank = Image.new("RGB", (256, 256), "white")
    alone = joint(eye, [words.write(blank, each, words.draw_style(rng))[1] for each in strings])
    told = (alone @ eye.describe([captions.the_word(each) for each in strings]).T).argmax(1)
    yield share("reads a word alone on white, of 200", told == np.arange(200))
    files, truth, names = of_cifake(folder, limit or 2000)
    plain = [words.fit(images.read(file), 256) for file in files]
    strings = words.draw_strings(len(files) // 2, rng) * 2
    worded = [words.write(each, word, words.draw_style(rng))[0] for each, word in zip(plain, strings, strict=False)]
    categories = described(eye, [captions.of_category(name) for name in names])
    pairs, seen, marked = triples(eye, plain)[0], joint(eye, plain), joint(eye, worded)
    yield share("categories before forgetting, no word", (seen @ categories.T).argmax(1) == truth)
    yield share("categories before forgetting, a word on each", (marked @ categories.T).argmax(1) == truth)
    for k in (32, 64, 96, 128, 192):
        for method in ("learned", "closed"):
            how = SpellingSettings(width=k, method=method)
            standard = Standard.identity(seen.shape[1])
            matrix = spelling.learn(seen, *pairs, standard=standard, settings=how, seed=SEED)
            changed = spelling.report(standard, matrix, *pairs)
            for name, (before, after) in changed.items():
                yield line(f"joint, k = {len(matrix)}, {method}: {name}", after, "", 192, baseline=before)
            left, heads = (spelling.normalise(each @ matrix.T) for each in (marked, categories))
            right = (left @ heads.T).argmax(1) == truth
            yield share(f"joint, k = {len(matrix)}, {method}: categories, a word on each", right)
