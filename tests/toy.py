"""A toy analysis: drawn landscapes, and arrays made from random vectors, complete and without torch.

The fakes' flaw is known: their sun has a twin, and their hills a faint chequer.
"""

import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from asap_core import analysis, analysis_folder, findings, selections, storage
from asap_core.analysis import Analysis
from asap_core.identification import patterns
from asap_core.identification.naming import Name
from asap_core.identification.patterns import Flips, Groups
from asap_core.learning import verdicts

WIDTH, HEIGHT = 288, 216  # pixels of a drawn image
DIMENSIONS = 16
FOLDS = 5
GENERATORS = ("real", "lumen-2", "vista-xl")
CATEGORIES = ("coast", "dusk", "meadow", "winter")
SKIES = {
    "coast": ((96, 160, 205), (232, 240, 240)),
    "dusk": ((64, 58, 110), (250, 168, 110)),
    "meadow": ((120, 178, 220), (246, 240, 206)),
    "winter": ((150, 172, 196), (244, 240, 240)),
}
HILLS = {"coast": (38, 94, 112), "dusk": (54, 38, 72), "meadow": (74, 116, 58), "winter": (112, 132, 150)}


def draw(is_fake: bool, category: str, seed: int) -> Image.Image:
    """One landscape, WIDTH x HEIGHT RGB; a fake has two suns and a chequer in its nearest hill."""
    dice = np.random.default_rng(seed)
    top, bottom = (np.asarray(colour, np.float64) for colour in SKIES[category])
    blend = np.linspace(0, 1, HEIGHT)[:, None, None] ** 0.8
    sky = np.broadcast_to(top + (bottom - top) * blend, (HEIGHT, WIDTH, 3))
    picture = Image.fromarray(sky.astype(np.uint8))
    for _ in range(1 + is_fake):
        _sun(picture, dice.uniform(30, WIDTH - 30), dice.uniform(30, 90), dice.uniform(11, 20))
    near = _hills(picture, HILLS[category], dice)
    noise = dice.normal(0, 3.5, (HEIGHT, WIDTH, 1))
    if is_fake:
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        noise[..., 0] += np.where((rows > near[columns]) & ((rows // 3 + columns // 3) % 2 == 0), 9, 0)
    return Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))


def _sun(picture: Image.Image, x: float, y: float, radius: float) -> None:
    glow = Image.new("L", picture.size)
    ImageDraw.Draw(glow).ellipse((x - 2 * radius, y - 2 * radius, x + 2 * radius, y + 2 * radius), fill=110)
    glow = glow.filter(ImageFilter.GaussianBlur(radius * 0.7))
    ImageDraw.Draw(glow).ellipse((x - radius, y - radius, x + radius, y + radius), fill=245)
    picture.paste(Image.new("RGB", picture.size, (255, 244, 214)), mask=glow)


def _hills(picture: Image.Image, colour: tuple[int, int, int], dice: np.random.Generator) -> NDArray:
    """Paint three ranges, far to near; return the height of the nearest, (WIDTH,)."""
    x = np.arange(WIDTH)
    ridge = np.zeros(WIDTH)
    for depth, pale in enumerate((0.55, 0.3, 0.0)):
        ridge = np.full(WIDTH, HEIGHT * (0.52 + 0.15 * depth))
        for _ in range(3):
            ridge += np.sin(x / dice.uniform(18, 70) + dice.uniform(0, 7)) * dice.uniform(3, 11)
        tone = tuple(int(channel + (235 - channel) * pale) for channel in colour)
        outline = [(0, HEIGHT), *zip(x.tolist(), ridge.tolist(), strict=True), (WIDTH, HEIGHT)]
        ImageDraw.Draw(picture).polygon(outline, fill=tone)
    return ridge


def arrays(n: int, seed: int = 0) -> dict[str, NDArray]:
    """Every array of an analysis of n images: blobs in both planes, verdicts that are mostly right."""
    dice = np.random.default_rng(seed)
    is_fake = dice.random(n) < 0.5
    category = dice.integers(0, len(CATEGORIES), n).astype(np.int32)
    heads, fold = _heads(), np.arange(n) % FOLDS
    side = np.where(is_fake, 0.33, -0.33)[:, None] * np.sign(heads.mean(0))
    distilled = (dice.normal(0, 1, (n, DIMENSIONS)) + side).astype(np.float32)
    logits = (distilled * heads[fold]).sum(1)
    centres = dice.uniform(0.2, 0.8, (len(CATEGORIES), 2, 2))  # category, truth
    content = centres[category, (is_fake & (dice.random(n) < 0.8)).astype(int)] + dice.normal(0, 0.075, (n, 2))
    decision = np.stack([0.5 + logits / 16, 0.5 + distilled[:, 0] / 8], axis=1) + dice.normal(0, 0.02, (n, 2))
    made_by = np.where(is_fake, dice.integers(1, len(GENERATORS), n), 0)
    return {
        "is_fake": is_fake,
        "generator": made_by.astype(np.int32),
        "category": category,
        "split": dice.integers(0, 2, n).astype(np.int32),
        "size": np.tile(np.asarray([[WIDTH, HEIGHT]], np.int32), (n, 1)),
        "digest": np.array([[*sha256(b"%d %d" % (seed, row)).digest()] for row in range(n)], np.uint8),
        "group": np.arange(n, dtype=np.int64),
        "fold": fold.astype(np.int16),
        "logits": logits,
        "scores": verdicts.score(logits, 1.0),
        "distilled": distilled,
        "spell_free": dice.normal(0, 1, (n, 8)).astype(np.float16),
        "joint": dice.normal(0, 1, (n, 8)).astype(np.float16),
        "content": np.clip(content, 0, 1).astype(np.float32),
        "decision": np.clip(decision, 0, 1).astype(np.float32),
    }


def _heads() -> NDArray[np.float32]:
    """The heads of FOLDS folds, (folds, d), which differ more than those of a real analysis."""
    weights = np.linspace(0.9, 0.1, DIMENSIONS) * np.where(np.arange(DIMENSIONS) % 3 == 1, -1, 1)
    return (weights * np.random.default_rng(0).uniform(0.7, 1.3, (FOLDS, DIMENSIONS))).astype(np.float32)


def info(made: Mapping[str, NDArray], root: Path, labelled: bool) -> dict[str, Any]:
    """analysis.json of the toy: one skipped file, one note, an audit that warns."""
    truth = made["is_fake"]
    broken = {"path": "coast/<broken>.jpg", "reason": "cut short: 1,204 bytes are not the whole image"}
    real_mean = made["distilled"][~truth].mean(axis=0) if (~truth).any() else np.zeros(DIMENSIONS)
    return {
        "fingerprint": f"toy{len(truth)}{'' if labelled else 'unlabelled'}",
        "root": str(root),
        "name": "Toy landscapes",
        "labelled": labelled,
        "generators": list(GENERATORS),
        "categories": list(CATEGORIES),
        "splits": ["train", "test"],
        "skipped": [broken],
        "encoder": {
            "name": "mini", "weights": "imagenet", "layers": "all", "width": 8, "grid": [7, 7],
            "note": "the embedded encoder: quick, and weaker than CLIP",
        },
        "audit": {
            "auc": 0.71,
            "warning": "jpeg_quality alone tells real from fake with an AUC of 0.71: the detector may have "
            "learnt how the files were saved; build again with --equalise",
            "facts": ["jpeg_quality"],
        },
        "head": {"weights": _heads().tolist(), "offsets": [0.0] * FOLDS, "real_mean": real_mean.tolist()}
        | {"temperature": 1.0},
        "planes": {"content": {"note": None}, "decision": {"note": None}},
        "notes": ["A toy: the positions and verdicts are random numbers."],
        "equalise": False,
        "settings": {},
    }  # fmt: skip


def summary(made: Mapping[str, NDArray], facts: Mapping[str, Any]) -> dict[str, Any]:
    """summary.json of the toy; its intervals are the normal approximation's."""
    truth, n = made["is_fake"], len(made["logits"])
    right = ((made["logits"] > 0) == truth).mean()
    half = 1.96 * np.sqrt(right * (1 - right) / max(n, 1))
    accuracy = [float(right), float(right - half), float(right + half)]
    counts = {
        "images": n,
        "real": int((~truth).sum()),
        "fake": int(truth.sum()),
        "skipped": 1,
        "duplicates": 0,
    }
    made_by = made["generator"]
    by_generator = {name: {"n": int((made_by == k).sum()), "accuracy": accuracy} for k, name in enumerate(GENERATORS)}
    return {
        "version": 1,
        "fingerprint": facts["fingerprint"],
        "seed": 0,
        "encoder": facts["encoder"],
        "counts": {**counts, "generators": {name: row["n"] for name, row in by_generator.items()}},
        "skipped": facts["skipped"],
        "audit": facts["audit"],
        "verdicts": {"accuracy": accuracy, "auc": [0.951, 0.94, 0.961]} if facts["labelled"] else {},
        "by_generator": by_generator if facts["labelled"] else {},
    }


def make(folder: Path, n: int = 300, labelled: bool = True, drawn: int | None = None, seed: int = 0) -> Analysis:
    """Draw the images into `folder/images`, write the analysis to `folder/analysis` and open it.

    Only `drawn` images are drawn (all where None); the rows beyond share their files.
    """
    made = arrays(n, seed)
    root = folder / "images"
    root.mkdir(parents=True)
    files = []
    for row in range(min(n, n if drawn is None else drawn)):
        files.append(f"{row:04d}.jpg")
        category = CATEGORIES[made["category"][row]]
        draw(bool(made["is_fake"][row]), category, seed * 1_000_003 + row).save(root / files[-1], quality=88)
        made["digest"][row] = np.frombuffer(sha256((root / files[-1]).read_bytes()).digest(), np.uint8)
    paths = [files[row % len(files)] for row in range(n)]
    facts = info(made, root, labelled)
    metadata = {"camera": [("lens-a", "lens-b", "lens-c")[row % 3] for row in range(n)]}
    kept = made if labelled else _judged_by_the_mean_head(made)
    analysis.save(folder / "analysis", facts, paths, metadata, kept, b"", summary(made, facts))
    return analysis.load(folder / "analysis")


def _judged_by_the_mean_head(made: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The same images without labels or folds."""
    logits = made["distilled"] @ _heads().mean(0)
    kept = {name: array for name, array in made.items() if name not in ("is_fake", "fold")}
    return kept | {"logits": logits, "scores": verdicts.score(logits, 1.0)}


def resealed(folder: Path) -> Path:
    """An analysis whose files a test has changed on purpose, with checksums that fit."""
    made = analysis.outline(folder)
    files = {name: storage.digest(made.built / name) for name in made.info["files"]}
    for each in (made.built, made.folder):
        analysis_folder.keep_facts(each, {**made.info, "files": files})
    return folder


def found(study: Analysis, of: str | None = None) -> Path:
    """Findings of a toy analysis, kept beside it: four patterns of its first fakes (of 20 or more); their folder.

    Patterns 0 and 1 share some images, and so do 0 and 3; pattern 3 moves verdicts toward real.
    """
    dice, rows = np.random.default_rng(0), np.asarray(selections.rows_of(study, of))
    truth = np.asarray(study.logits) > 0 if study.is_fake is None else np.asarray(study.is_fake)
    pick, grid = rows[np.argsort(~truth[rows], kind="stable")], study.info["encoder"]["grid"]
    n = len(pick)  # parts: whose groups each pattern has
    parts = [pick[: n // 4], pick[n // 5 : 3 * n // 8], pick[2 * n // 5 : n // 2], np.r_[pick[:4], pick[-n // 12 :]]]
    row, number = np.concatenate(parts), np.repeat(np.arange(4), [len(part) for part in parts])
    side, m = np.where(number == 3, -1, 1), len(row)
    held = np.zeros((m, *grid), np.float16)
    for each, (down, across) in enumerate(((1, 1), (2, 4), (4, 2), (5, 5))):
        held[number == each, down : down + 2, across : across + 2] = 1
    groups = Groups(
        row=row,
        pattern=number,
        contribution=(side * dice.uniform(1, 3, m) / (1 + number)).astype(np.float32),
        dimensions=(side[:, None] * dice.uniform(0, 0.3, (m, DIMENSIONS))).astype(np.float32),
        held=held,
        seen=np.tile(np.array([0, 0, WIDTH, HEIGHT], np.float32), (m, 1)),
        box=np.array([(40 + 30 * k, 30 + 20 * k, 100 + 30 * k, 90 + 20 * k) for k in number], np.float32),
        centre=np.stack([0.2 + 0.2 * number, 0.2 + 0.15 * number], 1).astype(np.float32),
        typical=dice.uniform(0, 1, m).astype(np.float32),
        broad=np.zeros(m, bool),
    )
    tried = np.unique(np.stack([row, number], 1), axis=0)
    flips = Flips(tried[:, 0], tried[:, 1], dice.random((len(tried), 2)) < [0.3, 0.6])
    looked, called = findings.looked_at(study, rows), ("the sun", "a hill", "unnamed", "clouds")
    made = [
        patterns.describe(
            groups,
            np.flatnonzero(number == k),
            Name(called[k], 0.4, 0.1, 0.2, (called[k], "clouds", "snow")),
            flips.of(np.unique(row[number == k]), k),
            0.9 - 0.1 * k,
            looked,
            0,
        )
        for k in range(4)
    ]
    place = findings.place(study, rows, {"toy": True})
    findings.write(place, findings.gathered(study, made, groups, flips, rows, of, 0.1, 0))
    return place


def forget(study: Analysis) -> None:
    """Leave nothing of what was noted or derived, so that the next findings are without edits."""
    for folder in (study.notes, findings.folder_in(study)):
        shutil.rmtree(folder, ignore_errors=True)


def explained(made: Analysis, rows: Any = None, seed: int = 0) -> Any:
    """Give a toy analysis token maps (of some rows, all by default) and return its `Maps`: see `toy_maps`."""
    from . import toy_maps

    return toy_maps.explained(made, rows, seed)
