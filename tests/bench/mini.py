"""How good is the embedded encoder? The figures of its model card (asap_core/learning/MINI.md).

`python -m tests.bench.mini DATA [--json] [--only NAME...] [--limit N]`; DATA holds cifake-train.zip,
cifake-test.zip, faces-train.zip, faces-test.zip and objects.zip. Nothing measured here was trained on, but for
`faces-train`, `cifake-train` and `objects`, whose images (never their labels) were, except where it says "held out".
Intervals are 95 %: Wilson's for shares of right answers, bootstrap for verdicts.

    zero-shot   categories by their names alone; the thousand classes of ImageNet on photographs held out
    portraits   what is asked of portraits never drawn before
    words       does it read, and what forgetting to spell changes, for several k
    detection   real or fake, through spell-free, 16 dimensions and head; the trunk alone, a linear probe on all of
                the reading, the same architecture with random weights, and raw pixels of 32 x 32
    speed       images/s, against the trunk's own
"""

import argparse
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from asap_core import catalogue, demo, images
from asap_core.catalogue import Catalogue, CatalogueSettings
from asap_core.learning import detector, distiller, embedding, encoder, mini, moments, spelling, trunk, verdicts, words
from asap_core.learning.distiller import DistillerSettings
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.learning.encoder import Encoder, EncoderSettings
from asap_core.learning.pretrain import captions, examples
from asap_core.learning.pretrain.examples import RoundSettings
from asap_core.learning.spelling import SpellingSettings, Standard  # isort: split

from open_clip.model import CustomTextCLIP
from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from timm.data.imagenet_info import ImageNetInfo

SEED = 0
NEW_PORTRAITS = 900_000  # a seed that neither the demo nor training draws from
Line = dict[str, object]


def share(case: str, right: NDArray[np.bool_], aim: float | None = None) -> Line:
    """A share of right answers, per cent, with Wilson's interval."""
    n, value = len(right), float(np.mean(right))
    low, high = wilson(value, n)
    return line(case, 100 * value, "%", n, 100 * low, 100 * high, aim)


def wilson(value: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share of n."""
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return float(middle - half), float(middle + half)


def line(case: str, value: float, unit: str, n: int, low=None, high=None, aim=None, baseline=None) -> Line:
    """One figure, as benchmarks print it."""
    rounded = [None if each is None else round(float(each), 3) for each in (value, low, high, baseline)]
    ratio = None if not baseline else round(value / baseline, 3)
    return {"case": case, "value": rounded[0], "unit": unit, "low": rounded[1], "high": rounded[2], "n": n,
            "baseline": rounded[3], "ratio": ratio, "aim": aim}  # fmt: skip


def joint(eye: Encoder, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Unit joint embeddings (n, e) of pictures."""
    return spelling.normalise(embedding.encode_images(eye, pictures, EmbeddingSettings()).joint.astype(np.float32))


def described(eye: Encoder, things: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors (m, e) of things, each the mean over the templates of captions."""
    said = [eye.describe([template.format(thing) for thing in things]) for template in captions.TEMPLATES]
    return spelling.normalise(np.mean(said, 0))


def of_cifake(folder: Path, limit: int | None) -> tuple[list[Path], NDArray[np.int64], list[str]]:
    """CIFAKE's real photographs: files, category of each, categories."""
    files = sorted((folder / "cifake-test" / "REAL").rglob("*.jpg"))
    files = [files[row] for row in np.random.default_rng(SEED).permutation(len(files))[: limit or len(files)]]
    names = sorted({file.parent.name for file in files})
    return files, np.array([names.index(file.parent.name) for file in files]), names


def zero_shot(eye: Encoder, folder: Path, limit: int | None) -> Iterator[Line]:
    """Photographs told by the names of what they show."""
    files, truth, names = of_cifake(folder, limit)
    seen = joint(eye, [images.read(file) for file in files])
    told = (seen @ described(eye, [captions.of_category(name) for name in names]).T).argmax(1)
    yield share("CIFAR categories, zero-shot", told == truth, 80)
    classes = {name: row for row, name in enumerate(ImageNetInfo().label_names())}
    photographs = sorted((folder / "objects").rglob("*__real__n*.jpg"))
    held_out = [file for file in photographs if examples.is_held_out(file)]
    truth = np.array([classes[file.stem.split("__")[2].partition("_")[0]] for file in held_out])
    seen = joint(eye, [images.read(file) for file in held_out])
    cosines = seen @ described(eye, [captions.of_category(name) for name in IMAGENET_CLASSNAMES]).T
    order = np.argsort(-cosines, axis=1)
    yield share("ImageNet's 1,000 classes, zero-shot, first answer, held out", order[:, 0] == truth)
    yield share("ImageNet's 1,000 classes, zero-shot, among five, held out", (order[:, :5] == truth[:, None]).any(1))
    prepared = torch.stack([eye.prepare(images.read(file)) for file in held_out]).float()
    body, judge = trunk.load(), trunk.classifier()
    with torch.inference_mode():
        maps = [body((some - trunk.MEAN) / trunk.SCALE) for some in prepared.split(mini.AT_ONCE)]
        own = torch.cat([judge(each[2].mean((2, 3))).argmax(1) for each in maps]).numpy()
    yield share("ImageNet's 1,000 classes, the trunk's own classifier, held out", own == truth)


def portraits(eye: Encoder, folder: Path, limit: int | None) -> Iterator[Line]:
    """What is asked of portraits."""
    made = list(examples.portraits(NEW_PORTRAITS, RoundSettings(portraits=limit or 1000)))
    seen = joint(eye, [each.image for each in made])
    aims = {"smile": 90, "glasses": 90, "hair colour": 90}
    for question, phrases in captions.QUESTIONS.items():
        asked = [row for row, each in enumerate(made) if question in each.answers]
        truth = np.array([list(phrases).index(made[row].answers[question]) for row in asked])
        told = (seen[asked] @ eye.describe(list(phrases.values())).T).argmax(1)
        yield share(f"portraits, {question} of {len(phrases)}", told == truth, aims.get(question))


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


def triples(eye: Encoder, pictures: Sequence[Image.Image]) -> tuple[list[NDArray], list[NDArray]]:
    """Of pictures, of the same with a word on them, and of the words alone: joint (m, e) and whole reading each."""
    made = [each for triple in spelling.pairs(pictures, SEED, SpellingSettings()) for each in triple[:3]]
    read = embedding.encode_images(eye, made, EmbeddingSettings())
    joints, wholes = (
        [values[start::3].astype(np.float32) for start in range(3)] for values in (read.joint, read.reading)
    )
    return joints, wholes


@dataclass(frozen=True)
class Set:
    """A collection read whole: what is learnt from, and what is judged; out-of-fold where `judged` is None."""

    name: str
    learnt: Catalogue
    judged: Catalogue | None
    aim: float


def sets(folder: Path, limit: int | None) -> Iterator[Set]:
    """The four collections, one at a time."""
    how = CatalogueSettings(limit, SEED)
    for name, aim in (("cifake", 95), ("faces", 98)):
        read = [catalogue.read(folder / f"{name}-{part}", how) for part in ("train", "test")]
        yield Set(f"{name} test", read[0], read[1], aim)
    yield Set("objects, out-of-fold", catalogue.read(folder / "objects", how), None, 93)
    drawn = demo.draw(folder / "demo", demo.DemoSettings(count=min(limit or 1200, 1200)))
    yield Set("demo, out-of-fold", catalogue.read(drawn, how), None, 90)


def detection(eye: Encoder, folder: Path, limit: int | None) -> Iterator[Line]:
    """Real or fake, for every reading."""
    scratch = encoder.Encoder("mini", "random", "random", "all", eye.device, mini.tower(randomised()))
    for each in sets(folder, limit):
        for who, opened in (("", eye), ("random weights, ", scratch)):
            chosen = each if opened is eye else less(each)
            parts = readings(opened, chosen, folder / "shards" / f"{who}{each.name}")
            cuts = parts if opened is eye else {name: parts[name] for name in ("all", "last")}
            for reading, (learnt, judged, pairs) in cuts.items():
                aim = each.aim if opened is eye and reading == "all" else None
                yield from judge(f"{each.name}, {who}{reading}", chosen, learnt, judged, pairs, aim, opened is eye)
        yield pixels(each)


def less(what: Set) -> Set:
    """At most 3,000 images of each part, for floors."""
    return replace(what, learnt=few(what.learnt), judged=few(what.judged) if what.judged else None)


def few(images: Catalogue, most: int = 3000) -> Catalogue:
    """At most so many images of a catalogue."""
    if len(images.paths) <= most:
        return images
    rows = np.sort(np.random.default_rng(SEED).permutation(len(images.paths))[:most])
    assert images.is_fake is not None
    return replace(images, paths=tuple(images.paths[row] for row in rows), is_fake=images.is_fake[rows],
                   groups=images.groups[rows])  # fmt: skip


def randomised() -> CustomTextCLIP:
    """The architecture with no weights that were ever trained."""
    torch.manual_seed(SEED)
    body = trunk.Trunk(trunk.timm.create_model("tf_efficientnet_lite0", pretrained=False).eval())
    return mini.build(body).eval().requires_grad_(False)


Parts = dict[str, tuple[NDArray, NDArray | None, Sequence[NDArray]]]


def readings(eye: Encoder, what: Set, folder: Path) -> Parts:
    """Every reading of a collection: {name: (learnt (n, e), judged (m, e) or None, pairs)}."""

    def embed(images: Catalogue, name: str) -> embedding.Embeddings:
        files = [images.root / path for path in images.paths]
        return embedding.embed(eye, files, EmbeddingSettings(), folder / name, shown(f"{what.name}, {name}"))

    learnt = embed(what.learnt, "learnt")
    judged = embed(what.judged, "judged") if what.judged else None
    rows = np.random.default_rng(SEED).permutation(len(what.learnt.paths))[: SpellingSettings().pairs]
    pictures = [images.read(what.learnt.root / what.learnt.paths[row]) for row in rows]
    narrow, wide = triples(eye, pictures)
    parts = eye.tower.columns[: trunk.PARTS]
    body, pooled = sum(parts), slice(sum(parts[:-1]), sum(parts[:-1]) + trunk.WIDTHS[-1])

    def cut(columns: slice) -> tuple[NDArray, NDArray | None, Sequence[NDArray]]:
        rest = judged.reading[:, columns] if judged else None
        return learnt.reading[:, columns], rest, [each[:, columns] for each in wide]

    last = learnt.joint, judged.joint if judged else None, narrow
    return {
        "all": cut(slice(None)),
        "last": last,
        "trunk alone, all": cut(slice(body)),
        "trunk alone, last": cut(pooled),
    }


def judge(
    case: str, what: Set, learnt: NDArray, judged: NDArray | None, pairs: Sequence[NDArray], aim, probed: bool
) -> Iterator[Line]:
    """The real path, and a linear probe on all of the reading."""
    truth = origin = what.learnt.is_fake
    assert origin is not None
    everything = "last" not in case
    standard = Standard.of(learnt) if everything else Standard.identity(learnt.shape[1])
    matrix = spelling.learn(learnt, *pairs, standard=standard, settings=SpellingSettings(), seed=SEED)
    spell_free = spelling.forget(learnt, standard, matrix)
    trained = distiller.train(spell_free, origin, what.learnt.groups, DistillerSettings(), SEED)
    logits = trained.logits
    if judged is not None and what.judged is not None:
        logits = detector.Detector(standard, matrix, trained.distiller).judge(judged).logits
        truth = what.judged.is_fake
    assert truth is not None
    figures = verdicts.measure(logits, verdicts.score(logits, trained.distiller.temperature), truth, SEED)
    value, low, high = (100 * each for each in figures["accuracy"])
    yield line(f"{case}: accuracy", value, "%", len(truth), low, high, aim)
    value, low, high = figures["auc"]
    yield line(f"{case}: AUC", value, "", len(truth), low, high)
    changed = spelling.report(standard, matrix, *pairs)
    changed["detection AUC"] = spelling.detection(
        learnt,
        spell_free,
        standard,
        origin,
        what.learnt.groups,
        SEED,  # pyright: ignore
    )
    for name, (before, after) in changed.items():
        yield line(f"{case}: forgetting, {name}", after, "", len(pairs[0]) // 4, baseline=before)
    if probed:
        right = probe(what, standard.apply(learnt), None if judged is None else standard.apply(judged))
        yield share(f"{case}: linear probe on the whole reading", right)


def probe(what: Set, learnt: NDArray, judged: NDArray | None) -> NDArray[np.bool_]:
    """Right answers of logistic regression, out-of-fold or on what is judged."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    scale = np.sqrt(learnt.shape[1])
    model = LogisticRegression(C=0.003, max_iter=300)
    truth = what.learnt.is_fake
    if judged is None or what.judged is None:
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=SEED)
        return cross_val_predict(model, scale * learnt, truth, cv=folds, groups=what.learnt.groups) == truth
    return model.fit(scale * learnt, truth).predict(scale * judged) == what.judged.is_fake  # pyright: ignore


def pixels(what: Set) -> Line:
    """Raw pixels of 32 x 32 and logistic regression."""

    def flat(some: Catalogue) -> NDArray:
        opened = (images.read(some.root / path).resize((32, 32), Image.Resampling.BICUBIC) for path in some.paths)
        return np.stack([np.asarray(each, np.float32).ravel() / 255 for each in opened])

    what = less(what)
    learnt = flat(what.learnt)
    mean, scale = learnt.mean(0), learnt.std(0) + 1e-3
    norm = np.sqrt(learnt.shape[1])
    rest = (flat(what.judged) - mean) / scale / norm if what.judged else None
    return share(f"{what.name}, raw pixels: accuracy", probe(what, (learnt - mean) / scale / norm, rest))


def speed(eye: Encoder, folder: Path, limit: int | None) -> Iterator[Line]:
    """Images/s of both readings, in turns with the trunk's own moments."""
    pixels = torch.randint(0, 256, (128, 3, mini.SIZE, mini.SIZE), dtype=torch.uint8)
    body = trunk.load()

    def alone() -> None:
        with torch.inference_mode(), moments.recording(body.parts, lambda each: moments.of(moments.tokens_of(each))):
            for some in pixels.split(mini.AT_ONCE):
                body((some.float() - trunk.MEAN) / trunk.SCALE)

    last = encoder.open(EncoderSettings("mini", "last", "cpu"))
    runs: dict[str, Callable] = {
        "trunk": alone,
        "all": partial(eye.encode, pixels),
        "last": partial(last.encode, pixels),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(6):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            found[name].append(len(pixels) / (time.perf_counter() - start))
    rate = {name: float(np.median(each[1:])) for name, each in found.items()}
    for name in ("all", "last"):
        yield line(f"speed, {name}", rate[name], "images/s", 5, aim=60, baseline=rate["trunk"])


def shown(name: str):
    """A bar on stderr."""
    from tqdm import tqdm

    bar = tqdm(desc=name, unit=" images", dynamic_ncols=True)

    def report(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return report


SECTIONS = {"zero-shot": zero_shot, "portraits": portraits, "words": spell, "detection": detection, "speed": speed}


def main(arguments: list[str]) -> int:
    """Print the figures, a line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mini", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--limit", type=int, help="images of each collection, for a quick look")
    options = parser.parse_args(arguments)
    eye = encoder.open(EncoderSettings("mini", "all", "cpu"), text=True)
    with tempfile.TemporaryDirectory() as scratch:
        for archive in sorted(options.data.glob("*.zip")):
            with zipfile.ZipFile(archive) as file:
                file.extractall(Path(scratch) / archive.stem)
        for name in options.only:
            for found in SECTIONS[name](eye, Path(scratch), options.limit):
                print(json.dumps(found) if options.json else text(found), flush=True)
    return 0


def text(found: Line) -> str:
    """A figure for people."""
    interval = f" ({found['low']} to {found['high']})" if found["low"] is not None else ""
    extra = f", baseline {found['baseline']}, ratio {found['ratio']}" if found["baseline"] is not None else ""
    aim = f", aim {found['aim']}" if found["aim"] else ""
    return f"{found['case']:<72} {found['value']} {found['unit']}{interval}, n {found['n']}{extra}{aim}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
