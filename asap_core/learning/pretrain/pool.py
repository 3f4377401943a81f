"""What `mini` is trained on, as the frozen trunk sees it.

Up to its tail the trunk never changes, so it looks at each image once, and training reads its maps from disk: ten
times as fast. A pool is one round of examples, in a folder of its own.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ... import storage
from ...progress import Report, silent
from .. import mini
from ..trunk import Trunk
from . import captions
from .examples import AHEAD, UNKNOWN, Example, Photos, RoundSettings, chunks, examples

MAPS = ("shallow", "middle", "last")
OTHERS = ("parts", "answers")
AT_ONCE = 4  # images in one pass of the trunk
LEAST = 20  # images of a category, to be asked for it
Named = Callable[[Tensor], list[str]]  # pooled features (n, 1280) -> what the trunk takes them for


@dataclass(frozen=True)
class Pool:
    """n examples as training reads them."""

    maps: tuple[NDArray[np.float16], ...]  # (n, 40, g, g), (n, 112, g, g): what `Trunk.begin` gives
    last: NDArray[np.float16]  # (n, 320, g/2, g/2): what ImageNet's own tail has before its head
    parts: NDArray[np.uint8]  # (n, g, g), into demo.PARTS, or UNKNOWN
    answers: NDArray[np.int8]  # (n, questions), into a question's phrases, -1 for none
    said: list[str]
    words: list[str]  # "" for none

    def __len__(self) -> int:
        return len(self.said)


def look(body: Trunk, named: Named, some: Sequence[Example]) -> dict[str, NDArray | list[str]]:
    """What a pool keeps of some examples."""
    seen: list[list[NDArray]] = [[], [], []]
    said: list[str] = []
    transform = mini.transform()
    with torch.inference_mode():
        for few in chunks(some, AT_ONCE):
            shallow, middle = body.begin(torch.stack([transform(each.image) for each in few]))
            last = body.tail[:-1](middle)
            for kept, each in zip(seen, (shallow, middle, last), strict=True):
                kept.append(each.contiguous().half().numpy())
            things = named(body.tail[-1](last).mean((2, 3)))
            said += [each.said or captions.of_category(thing) for each, thing in zip(few, things, strict=True)]
    side = mini.SIZE // mini.STRIDE
    blank = np.full((side, side), UNKNOWN, np.uint8)
    return {
        **{name: np.concatenate(kept) for name, kept in zip(MAPS, seen, strict=True)},
        "parts": np.stack([blank if each.parts is None else each.parts for each in some]),
        "answers": np.stack([_coded(each.answers) for each in some]),
        "said": said,
        "words": [each.word for each in some],
    }


def _coded(answers: dict[str, str]) -> NDArray[np.int8]:
    known = captions.QUESTIONS.items()
    return np.array([list(phrases).index(answers[name]) if name in answers else -1 for name, phrases in known], np.int8)


def draw(
    folder: Path,
    body: Trunk,
    named: Named,
    given: Sequence[Photos],
    settings: RoundSettings,
    seed: int,
    report: Report = silent,
) -> Pool:
    """A round's pool, drawn into `folder` unless it is there already."""
    if not (folder / "texts.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        total = settings.portraits + round(settings.alone * settings.portraits)
        total += sum(min(len(each.files) * settings.views, settings.photos) for each in given)
        pieces: list[dict] = []
        every = examples(given, settings, seed)
        while some := list(islice(every, AHEAD)):
            pieces.append(look(body, named, some))
            report(sum(len(piece["said"]) for piece in pieces), total)
        for name in (*MAPS, *OTHERS):
            np.save(folder / f"{name}.npy", np.concatenate([piece.pop(name) for piece in pieces]))
        texts = {name: [text for piece in pieces for text in piece[name]] for name in ("said", "words")}
        storage.write_text(folder / "texts.json", json.dumps(texts))
    return read(folder)


def read(folder: Path) -> Pool:
    """A pool on disk, memory-mapped."""
    shallow, middle, *rest = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in (*MAPS, *OTHERS))
    return Pool((shallow, middle), *rest, *json.loads((folder / "texts.json").read_text()).values())


def often(pool: Pool) -> list[str]:
    """What at least LEAST photographs of a pool show."""
    told = zip(pool.said, pool.words, pool.answers, strict=True)
    counted = Counter(thing for thing, word, answers in told if not word and (answers < 0).all())
    return sorted(thing for thing, count in counted.items() if count >= LEAST)
