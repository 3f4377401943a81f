"""How `mini` is trained: steps over pools, on a schedule of minutes, resumed where they were cut."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ... import demo, storage
from .. import mini, trunk, words
from . import captions, losses
from .losses import Weights, unit
from .pool import Pool, often

PARTS = [f"the {name}" for name in demo.PARTS]  # position by position, against the text tower
OF_THE_TRUNK = [captions.of_category(name) for name in mini.CLASSES]
TOGETHER = 48  # texts read at once
DECOYS = 12  # strings that no image of a batch shows


@dataclass(frozen=True)
class TrainingSettings:
    """One run."""

    minutes: float = 60.0  # of steps; drawing pools comes on top
    rounds: int = 3  # pools, drawn afresh as the run goes on
    batch: int = 48
    steps: int | None = None  # of each round, at most; for trials
    blocks: int = mini.BLOCKS  # of the transformer, and how wide it is; weights to start from have their own
    width: int = mini.WIDTH
    portraits: float = 0.35  # share of a batch
    kept: float = 0.35  # share of the positions that a step sees; all of them in the last fifth
    classes: int = 96  # of the trunk's thousand, in a step
    rate: float = 1e-3
    tail: float = 0.3  # share of the rate at which the trunk's tail learns: it knows much already; 0 leaves it as it is
    warm: int = 100  # steps up to the full rate
    decay: float = 0.05
    seed: int = 0
    weights: Weights = field(default_factory=Weights)


class Subset(nn.Module):
    """In the place of patch dropout: the same positions kept in all images of a step."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: Tensor | None = None

    def forward(self, tokens: Tensor) -> Tensor:
        """Class token and all positions (n, 1 + t, w) -> class token and those kept."""
        if self.kept is None:
            return tokens
        return tokens[:, torch.cat([torch.zeros(1, dtype=torch.long), self.kept + 1])]


class Kept(nn.Module):
    """In the place of the trunk: what it sees before its tail comes from a pool."""

    def __init__(self, tail: nn.Module, learns: bool) -> None:
        super().__init__()
        self.tail = tail.requires_grad_(learns)

    def forward(self, maps: tuple[Tensor, Tensor]) -> trunk.Maps:
        """What `Trunk.begin` gives -> the trunk's three maps."""
        return *maps, self.tail(maps[1])


@dataclass(frozen=True, eq=False)
class Seen:
    """A batch of n images as the model sees it; unit vectors in the joint space."""

    rows: NDArray[np.intp]  # (n,) of the pool
    photographed: Tensor  # (n,) bool; others are drawn
    places: Tensor  # (t,) positions seen, of grid x grid
    grid: int
    joint: Tensor  # (n, e)
    tokens: Tensor  # (n, t, e)
    scale: Tensor  # what cosines are multiplied by


class Trainer:
    """A model in training: the trunk as it came is apart, its tail and everything after it learn."""

    def __init__(self, settings: TrainingSettings, start: Path | None = None) -> None:
        """Begin at random, or with the weights in `start`."""
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.rng = np.random.default_rng([settings.seed, 9])
        self.trunk = trunk.load()  # with ImageNet's own tail
        self.classifier = trunk.classifier()
        if start:
            self.model = mini.load(start).requires_grad_(True)
        else:
            self.model = mini.build(trunk.load(), settings.blocks, settings.width)
        self.started = start is not None
        self.visual: Any = self.model.visual
        self.visual.conv1.trunk = Kept(self.visual.conv1.trunk.tail, settings.tail > 0)
        self.visual.patch_dropout = self.subset = Subset()
        self.visual.output_tokens = True
        self.seen = torch.zeros(self.model.vocab_size, dtype=torch.bool)  # tokens trained
        if start:
            self.seen |= self.model.state_dict()[mini.TOKENS].any(1)
        groups = [{"params": [], "weight_decay": decay, "share": share} for share in (1, settings.tail)
                  for decay in (settings.decay, 0.0)]  # fmt: skip
        for name, value in self.model.named_parameters():
            plain = value.ndim < 2 or "embedding" in name
            groups[2 * name.startswith(mini.TAIL) + plain]["params"].append(value)
        self.optimiser = torch.optim.AdamW(groups, settings.rate, (0.9, 0.98), fused=True)
        self.step, self.elapsed = 0, 0.0

    def name(self, features: Tensor) -> list[str]:
        """The trunk's class of pooled features (n, 1280)."""
        return [mini.CLASSES[row] for row in self.classifier(features).argmax(1).tolist()]

    def standardise(self, pool: Pool) -> None:
        """Fix what the projections are standardised by, from some of a pool."""
        rows = np.sort(self.rng.choice(len(pool), min(1024, len(pool)), replace=False))
        projection = self.visual.conv1.projection
        with torch.no_grad():
            maps = self.visual.conv1.trunk(self.maps(pool, rows))
        for number, seen in enumerate(maps):
            mean, scale = losses.moments(seen)
            getattr(projection, f"mean{number}").copy_(mean)
            getattr(projection, f"scale{number}").copy_(scale)

    def maps(self, pool: Pool, rows: NDArray) -> tuple[Tensor, ...]:
        """What the trunk sees before its tail, of some rows of a pool."""
        return tuple(_read(each, rows) for each in pool.maps)

    @torch.no_grad()
    def evidence(self, pool: Pool, rows: NDArray) -> tuple[Tensor, Tensor]:
        """Of rows of a pool, what the trunk as it came takes images (n, 1000) and positions (n, g g / 4, 1000) for."""
        features = self.trunk.tail[-1](_read(pool.last, rows))
        return self.classifier(features.mean((2, 3))), self.classifier(features.flatten(2).mT)

    def run(self, pools: Sequence[Pool], until: float, steps: int, report) -> None:
        """Steps until so many seconds of steps have gone by, or so many steps; report(trainer, losses) after each."""
        self.model.train()
        while self.elapsed < until and self.step < steps:
            start = time.perf_counter()
            found = self.take(pools)
            self.elapsed += time.perf_counter() - start
            report(self, found)

    @property
    def through(self) -> float:
        """How much of the run is over, 0 to 1: of its minutes, or of its steps if those end first."""
        settings = self.settings
        of_steps = self.step / (settings.rounds * settings.steps) if settings.steps else 0.0
        return min(max(self.elapsed / (60 * settings.minutes), of_steps), 1.0)

    def take(self, pools: Sequence[Pool]) -> dict[str, float]:
        """One step; returns each loss."""
        settings, through = self.settings, self.through
        rate = settings.rate * min(1.0, (self.step + 1) / settings.warm) * (0.5 + 0.5 * math.cos(math.pi * through))
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        found = self.losses(pools[int(self.rng.integers(len(pools)))], whole=through > 0.8)
        weights = settings.weights
        total = sum(getattr(weights, name) * value for name, value in found.items())
        assert isinstance(total, Tensor)
        self.optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=math.log(100))
        self.step += 1
        return {name: value.item() for name, value in found.items()}

    def losses(self, pool: Pool, whole: bool) -> dict[str, Tensor]:
        """A batch's losses, by the names of their weights."""
        seen, rng = self.look(pool, whole), self.rng
        evidence, local = self.evidence(pool, seen.rows[seen.photographed.numpy()])
        chosen = self.choose(evidence.softmax(1))
        said, written = ([every[row] for row in seen.rows] for every in (pool.said, pool.words))
        things = captions.in_template(said, rng)
        things = [captions.with_word(each, word) if word and word not in each else each
                  for each, word in zip(things, written, strict=True)]  # fmt: skip
        strings = sorted({word for word in written if word})
        decoys = [each for each in self.decoys() if each not in strings]
        texts = {
            "captions": sorted(set(things)),
            "classes": captions.in_template([OF_THE_TRUNK[each] for each in chosen.tolist()], rng),
            "categories": captions.in_template(frequent := often(pool), rng),
            "words": [captions.the_word(each) for each in strings + decoys],
            "parts": PARTS,
            "answers": [text for phrases in captions.QUESTIONS.values() for text in phrases.values()],
        }
        spoken = self.speak([text for some in texts.values() for text in some])
        told = dict(zip(texts, spoken.split([len(some) for some in texts.values()]), strict=True))

        def choice(asked: str, options: list[str], answers: list[str]) -> Tensor:
            which = torch.tensor([options.index(each) if each in options else -1 for each in answers])
            return losses.choice(seen.joint @ told[asked].T, which, seen.scale)

        own = torch.tensor([texts["captions"].index(each) for each in things])
        return {
            "captions": losses.contrast(seen.joint @ told["captions"].T, own, seen.scale),
            "categories": choice("categories", frequent, said),
            "words": choice("words", strings, written),
            **_of_photographs(seen, told["classes"], evidence.softmax(1)[:, chosen], local[..., chosen].softmax(-1)),
            **_of_portraits(seen, pool, told["parts"], told["answers"]),
            "apart": _apart(told["answers"]) + losses.apart(told["words"]),
        }

    def look(self, pool: Pool, whole: bool) -> "Seen":
        """A batch, and what the image tower makes of all its positions or some."""
        rows, grid = self.batch(pool), pool.parts.shape[1]
        places = torch.arange(grid * grid)
        if not whole:
            kept = round(self.settings.kept * grid * grid)
            places = torch.from_numpy(np.sort(self.rng.permutation(grid * grid)[:kept]))
        self.subset.kept = places
        joint, tokens = self.visual(self.maps(pool, rows))
        photographed = ~torch.from_numpy((pool.parts[rows] < len(demo.PARTS)).any((1, 2)))
        return Seen(rows, photographed, places, grid, unit(joint), unit(tokens @ self.visual.proj),
                    self.model.logit_scale.exp())  # fmt: skip

    def batch(self, pool: Pool) -> NDArray[np.intp]:
        """Rows of a step, portraits and others in the share that was asked for, as far as there are both."""
        drawn = (pool.answers >= 0).any(1)
        portraits, others = np.flatnonzero(drawn), np.flatnonzero(~drawn)
        size = min(self.settings.batch, len(pool))
        few = max(size - len(others), min(round(self.settings.portraits * size), len(portraits)))
        chosen = [self.rng.choice(portraits, few, replace=False), self.rng.choice(others, size - few, replace=False)]
        return np.sort(np.concatenate(chosen))

    def choose(self, evidence: Tensor) -> Tensor:
        """Classes for a step: the likeliest ones of its photographs (m, 1000), and others at random."""
        total = evidence.sum(0) + 1e-3 * torch.from_numpy(self.rng.random(evidence.shape[1], np.float32))
        return total.topk(self.settings.classes).indices

    def decoys(self) -> list[str]:
        """Strings that are hardly written on any image of the batch."""
        return [each.lower() for each in words.draw_strings(DECOYS, self.rng)]

    def speak(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors (m, e) of texts; those of like length are read together, as none is then padded by much."""
        tokens = mini.tokenize(texts)
        self.seen[tokens.unique()] = True
        order = (tokens != 0).sum(1).argsort()
        said = torch.cat([mini.speak(self.model, tokens[some]) for some in order.split(TOGETHER)])
        return unit(said[order.argsort()])

    def save(self, folder: Path) -> None:
        """What it takes to go on."""
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": self.seen,
            "step": self.step,
            "elapsed": self.elapsed,
        }
        with storage.writing(folder / "checkpoint.pt") as draft:
            torch.save(state, draft)

    def resume(self, folder: Path) -> bool:
        """Go on from a checkpoint, if there is one."""
        if not (folder / "checkpoint.pt").is_file():
            return False
        state = torch.load(folder / "checkpoint.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.seen, self.step, self.elapsed = state["seen"], state["step"], state["elapsed"]
        self.rng = np.random.default_rng([self.settings.seed, 9, self.step])
        return True


def _of_photographs(seen: Seen, classes: Tensor, evidence: Tensor, local: Tensor) -> dict[str, Tensor]:
    """The trunk's own evidence for classes (c, e): of photographs (m, c), and of their positions (m, g g / 4, c)."""
    half = seen.grid // 2  # the trunk's last map is half as fine
    at = (seen.places // seen.grid // 2) * half + seen.places % seen.grid // 2
    joint, tokens = seen.joint[seen.photographed], seen.tokens[seen.photographed]
    return {
        "classes": losses.likeness(joint @ classes.T, evidence, seen.scale),
        "places": losses.likeness(tokens @ classes.T, local[:, at], seen.scale),
    }


def _of_portraits(seen: Seen, pool: Pool, parts: Tensor, answers: Tensor) -> dict[str, Tensor]:
    """Questions that portraits answer, and which part of them is where."""
    coded = torch.from_numpy(np.array(pool.answers[seen.rows]))  # (n, questions)
    asked = [losses.choice(seen.joint @ texts.T, coded[:, number], seen.scale)
             for number, texts in enumerate(_by_question(answers))]  # fmt: skip
    where = torch.from_numpy(np.array(pool.parts[seen.rows], np.int64)).flatten(1)[:, seen.places]  # (n, t)
    where[where >= len(parts)] = -1
    return {
        "questions": torch.stack(asked).mean(),
        "parts": losses.choice((seen.tokens @ parts.T).flatten(0, 1), where.flatten(), seen.scale),
    }


def _apart(answers: Tensor) -> Tensor:
    return torch.stack([losses.apart(texts) for texts in _by_question(answers)]).mean()


def _by_question(answers: Tensor) -> Sequence[Tensor]:
    return answers.split([len(phrases) for phrases in captions.QUESTIONS.values()])


def _read(kept: NDArray, rows: NDArray) -> Tensor:
    """Rows of a map on disk, as the trunk's convolutions want them."""
    return torch.from_numpy(np.array(kept[rows], np.float32)).contiguous(memory_format=torch.channels_last)
