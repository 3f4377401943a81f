"""How `mini` is trained: steps over a pool, on a schedule of minutes, resumed where they were cut."""

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ... import demo
from .. import mini, trunk, words
from . import captions, losses
from .losses import Weights, unit
from .pool import Pool

PARTS = [f"the {name}" for name in demo.PARTS]  # position by position, against the text tower
OF_THE_TRUNK = [captions.of_category(name) for name in mini.CLASSES]
LEAST = 20  # images of a category, to be asked for it
TOGETHER = 48  # texts read at once
DECOYS = 12  # strings that no image of a batch shows


@dataclass(frozen=True)
class TrainingSettings:
    """One run."""

    minutes: float = 60.0  # of steps; drawing pools comes on top
    rounds: int = 3  # pools, drawn afresh as the run goes on
    batch: int = 48
    portraits: float = 0.45  # share of a batch: they have most to tell
    kept: float = 0.35  # share of the positions that a step sees; all of them in the last fifth
    classes: int = 32  # of the trunk's thousand, in a step
    rate: float = 1e-3
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


class Trainer:
    """A model in training: the trunk apart, everything else learning."""

    def __init__(self, settings: TrainingSettings) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.rng = np.random.default_rng([settings.seed, 9])
        self.trunk = trunk.load()
        self.classifier = trunk.classifier()
        self.model = mini.build(self.trunk)
        self.visual: Any = self.model.visual
        self.visual.conv1.trunk = nn.Identity()  # its maps come from the pool
        self.visual.patch_dropout = self.subset = Subset()
        self.visual.output_tokens = True
        self.seen = torch.zeros(self.model.vocab_size, dtype=torch.bool)  # tokens trained
        named = [*self.model.named_parameters()]
        plain = [value for name, value in named if value.ndim < 2 or "embedding" in name]
        ranks = [value for name, value in named if value.ndim >= 2 and "embedding" not in name]
        groups = [{"params": ranks, "weight_decay": settings.decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, settings.rate, (0.9, 0.98), fused=True)
        self.step, self.elapsed = 0, 0.0

    def name(self, features: Tensor) -> list[str]:
        """The trunk's class of pooled features (n, 1280)."""
        return [mini.CLASSES[row] for row in self.classifier(features).argmax(1).tolist()]

    def standardise(self, pool: Pool) -> None:
        """Fix what the projections are standardised by, from some of the first pool."""
        rows = np.sort(self.rng.choice(len(pool), min(1024, len(pool)), replace=False))
        projection = self.visual.conv1.projection
        for number, seen in enumerate(self.maps(pool, rows)):
            mean, scale = losses.moments(seen)
            getattr(projection, f"mean{number}").copy_(mean)
            getattr(projection, f"scale{number}").copy_(scale)

    def maps(self, pool: Pool, rows: NDArray) -> trunk.Maps:
        """The trunk's maps of some rows of a pool."""
        shallow, middle, last = (torch.from_numpy(np.array(each[rows], np.float32)) for each in pool.maps)
        with torch.inference_mode(False), torch.no_grad():
            return self.trunk.finish((shallow, middle, last))

    def run(self, pools: Sequence[Pool], until: float, report) -> None:
        """Steps until so many seconds of steps have gone by; report(trainer, losses) after each."""
        self.model.train()
        while self.elapsed < until:
            start = time.perf_counter()
            found = self.take(pools)
            self.elapsed += time.perf_counter() - start
            report(self, found)

    def take(self, pools: Sequence[Pool]) -> dict[str, float]:
        """One step; returns each loss."""
        settings = self.settings
        through = min(self.elapsed / (60 * settings.minutes), 1.0)
        rate = settings.rate * min(1.0, (self.step + 1) / settings.warm) * (0.5 + 0.5 * math.cos(math.pi * through))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
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
        settings, rng = self.settings, self.rng
        rows = self.batch(pool)
        maps, scale = self.maps(pool, rows), self.model.logit_scale.exp()
        grid = pool.parts.shape[1]
        places = torch.arange(grid * grid)
        if not whole:
            places = torch.from_numpy(np.sort(rng.permutation(grid * grid)[: round(settings.kept * grid * grid)]))
        self.subset.kept = places
        joint, tokens = self.visual(maps)
        joint, tokens = unit(joint), unit(tokens @ self.visual.proj)  # (n, e), (n, t, e)

        drawn = torch.from_numpy((pool.parts[rows] < len(demo.PARTS)).any((1, 2)))
        written = [pool.words[row] for row in rows]
        said = [pool.said[row] for row in rows]
        things = captions.in_template(said, rng)
        things = [captions.with_word(each, word) if word and word not in each else each
                  for each, word in zip(things, written, strict=True)]  # fmt: skip
        different = sorted(set(things))
        own = torch.tensor([different.index(each) for each in things])

        with torch.no_grad():
            evidence = self.classifier(maps[2].mean((2, 3))).softmax(1)  # (n, 1000)
        chosen = self.choose(evidence[~drawn])
        strings = sorted({word for word in written if word})
        decoys = [each for each in self.decoys() if each not in strings]
        short = captions.in_template([OF_THE_TRUNK[each] for each in chosen.tolist()], rng)
        phrases = [list(each.values()) for each in captions.QUESTIONS.values()]
        spelt_out = [captions.the_word(each) for each in strings + decoys]
        spoken = self.speak([*short, *PARTS, *spelt_out, *(text for each in phrases for text in each)])
        classes, parts, spelt, answers = spoken.split([len(short), len(PARTS), len(spelt_out), sum(map(len, phrases))])

        found = {"captions": losses.contrast(joint @ self.speak(different).T, own, scale)}
        photographed = ~drawn
        found["classes"] = losses.likeness(joint[photographed] @ classes.T, evidence[photographed][:, chosen], scale)
        coded = torch.from_numpy(np.array(pool.answers[rows]))
        questions = [
            losses.choice(joint @ texts.T, coded[:, number], scale)
            for number, texts in enumerate(answers.split([len(each) for each in phrases]))
        ]
        found["questions"] = torch.stack(questions).mean()
        alike = [losses.apart(texts) for texts in answers.split([len(each) for each in phrases])]
        found["apart"] = torch.stack(alike).mean() + losses.apart(spelt)
        spelling = torch.tensor([strings.index(word) if word else -1 for word in written])
        found["words"] = losses.choice(joint @ spelt.T, spelling, scale)
        where = torch.from_numpy(np.array(pool.parts[rows], np.int64)).flatten(1)[:, places]  # (n, t)
        where[where >= len(PARTS)] = -1
        found["parts"] = losses.choice((tokens @ parts.T).flatten(0, 1), where.flatten(), scale)
        with torch.no_grad():
            coarse = self.classifier(maps[2][photographed].flatten(2).mT)[..., chosen].softmax(-1)  # (m, g g / 4, c)
            at = (places // grid // 2) * (grid // 2) + places % grid // 2  # the trunk's last map is half as fine
        found["places"] = losses.likeness(tokens[photographed] @ classes.T, coarse[:, at], scale)
        return found

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
        torch.save(state, folder / "checkpoint.draft")
        (folder / "checkpoint.draft").replace(folder / "checkpoint.pt")

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


def rehearse(trainer: Trainer, pool: Pool) -> dict[str, float]:
    """How well the model does on a pool that it was not trained on: shares of right answers."""
    trainer.model.eval()
    trainer.subset.kept = None
    found: dict[str, float] = {}

    def ask(name: str, vectors: Tensor, texts: Sequence[str], truth: Tensor) -> None:
        if len(truth):
            told = (vectors @ trainer.speak(texts).T).argmax(1)
            found[name] = (told == truth).float().mean().item()

    with torch.inference_mode():
        seen = [trainer.visual(trainer.maps(pool, rows)) for rows in np.array_split(np.arange(len(pool)), 16)]
        joint = unit(torch.cat([each[0] for each in seen]))
        tokens = unit(torch.cat([each[1] for each in seen]) @ trainer.visual.proj)
        photographed = [row for row, answers in enumerate(pool.answers) if (answers < 0).all() and not pool.words[row]]
        counted = Counter(pool.said[row] for row in photographed)
        things = sorted(thing for thing, count in counted.items() if count >= LEAST)
        rows = [row for row in photographed if pool.said[row] in things]
        truth = torch.tensor([things.index(pool.said[row]) for row in rows])
        ask("categories", joint[rows], [f"a photo of {each}" for each in things], truth)
        for number, (question, phrases) in enumerate(captions.QUESTIONS.items()):
            coded = torch.from_numpy(np.array(pool.answers[:, number])).long()
            ask(question, joint[coded >= 0], list(phrases.values()), coded[coded >= 0])
        where = torch.from_numpy(np.array(pool.parts, np.int64)).flatten(1)
        ask("parts", tokens[where < len(PARTS)], PARTS, where[where < len(PARTS)])
        rows = [row for row, word in enumerate(pool.words) if word]
        strings = sorted({pool.words[row] for row in rows})
        truth = torch.tensor([strings.index(pool.words[row]) for row in rows])
        ask("reading", joint[rows], [captions.the_word(each) for each in strings], truth)
    trainer.model.train()
    return found
