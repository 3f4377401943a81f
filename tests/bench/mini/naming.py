"""Zero-shot: photographs told by the names of what they show, and what is asked of portraits."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from asap_core import images
from asap_core.learning import mini, trunk
from asap_core.learning.encoder import Encoder
from asap_core.learning.pretrain import captions, examples
from asap_core.learning.pretrain.examples import RoundSettings

from .figures import Line, share
from .reading import described, joint, of_cifake  # isort: split

from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES
from timm.data.imagenet_info import ImageNetInfo

NEW_PORTRAITS = 900_000  # a seed that neither the demo nor training draws from


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
