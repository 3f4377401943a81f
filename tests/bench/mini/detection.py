"""Real or fake: for every reading the whole path, a linear probe, and the floors below which nothing is learnt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from asap_core import catalogue, demo, images
from asap_core.catalogue import Catalogue, CatalogueSettings
from asap_core.learning import detector, distiller, embedding, encoder, mini, spelling, trunk, verdicts
from asap_core.learning.distiller import DistillerSettings
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.learning.encoder import Encoder
from asap_core.learning.spelling import SpellingSettings, Standard

from .figures import Line, line, share
from .reading import SEED, triples  # isort: split

from open_clip.model import CustomTextCLIP


@dataclass(frozen=True)
class Set:
    """A collection read whole: what is learnt from, and what is judged; out-of-fold where `judged` is None."""

    name: str
    learnt: Catalogue
    judged: Catalogue | None
    aim: float


@dataclass(frozen=True, eq=False)
class Cut:
    """One reading of a collection, or some columns of it."""

    learnt: NDArray  # (n, e)
    judged: NDArray | None  # (m, e)
    pairs: Sequence[NDArray]  # plain, worded, the word alone: (p, e) each
    blocks: Sequence[int]  # columns of each block; none of the joint embedding


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
            for reading, cut in cuts.items():
                aim = each.aim if opened is eye and reading == "all" else None
                yield from judge(f"{each.name}, {who}{reading}", chosen, cut, aim)
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


def readings(eye: Encoder, what: Set, folder: Path) -> dict[str, Cut]:
    """Every reading of a collection, by name."""

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

    def cut(columns: slice, blocks: Sequence[int]) -> Cut:
        rest = judged.reading[:, columns] if judged else None
        return Cut(learnt.reading[:, columns], rest, [each[:, columns] for each in wide], blocks)

    return {
        "all": cut(slice(None), eye.tower.columns),
        "last": Cut(learnt.joint, judged.joint if judged else None, narrow, ()),
        "its trunk, all": cut(slice(body), parts),
        "its trunk, last": cut(pooled, [trunk.WIDTHS[-1]]),
    }


def judge(case: str, what: Set, cut: Cut, aim: float | None) -> Iterator[Line]:
    """The real path, and a linear probe on all of the reading."""
    learnt, judged, pairs = cut.learnt, cut.judged, cut.pairs
    truth = origin = what.learnt.is_fake
    assert origin is not None
    standard = Standard.of(learnt, cut.blocks) if cut.blocks else Standard.identity(learnt.shape[1])
    matrix = spelling.learn(learnt, *pairs, standard=standard, settings=SpellingSettings(), seed=SEED)
    spell_free = spelling.forget(learnt, standard, matrix)
    trained = distiller.train(spell_free, origin, what.learnt.groups, DistillerSettings(), SEED)
    logits = trained.distiller.logits(trained.distiller.distil(spell_free), trained.folds)
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
