"""How well `mini` does, while it is trained, on images that it is not trained on."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from . import captions
from .losses import unit
from .pool import Pool, often
from .training import PARTS, Trainer


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
        things = often(pool)
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
