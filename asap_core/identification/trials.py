"""Trials of token maps: for a batch of images, tokens are removed in the order of every map, and f is asked again.

f is the logit toward the verdict that is shown: each image is tried on the head that judged it unseen. Every method's
maps are tried on the same images with the same masks, beside random orders, a bell in the centre and the image's own
edges, which know nothing of the model.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..errors import SettingsError
from ..learning.detector import Detector
from ..learning.encoder import Encoder
from . import counterfactual, faithfulness, relevance
from .ordinary import unusual

CLAMPED = ("paper", "paper_all")  # do not add up
UNUSUAL = "unusual"  # `direct` less what is ordinary in real images
METHODS = ("direct", UNUSUAL, *(name for name in relevance.METHODS if name != "direct"))
PLAIN = ("random", "centre", "edges")  # what a map has to beat
Maps = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class ScrutinySettings:
    """How hard the maps are tried."""

    methods: Sequence[str] = METHODS
    images: int = 100  # a seeded sample, half of it fake
    seed: int = 0
    steps: int = 10  # of a curve: a tenth of the tokens each
    painted: str = "mean"  # the other occluder
    steps_painted: int = 4  # which costs whole passes
    random: int = 3  # orders
    subsets: int = 40
    share: float = 0.2  # of the tokens in a subset
    checked: int = 8  # images of the sanity checks

    def __post_init__(self) -> None:
        unknown = [name for name in self.methods if name not in METHODS]
        if unknown or not self.methods:
            raise SettingsError(
                f"no relevance method {', '.join(unknown) or 'named'}: expected some of {', '.join(METHODS)}"
            )


@dataclass(eq=False)
class Trials:
    """What was measured, image by image: lists of n."""

    rows: list[int] = field(default_factory=list)
    start: list[float] = field(default_factory=list)  # f with nothing removed
    side: list[int] = field(default_factory=list)  # 1 judged fake, -1 judged real
    maps: dict[str, list] = field(default_factory=lambda: defaultdict(list))  # toward the verdict, (g, g)
    missed: dict[str, list] = field(default_factory=lambda: defaultdict(list))  # logits that do not add up
    curves: dict[tuple[str, str], list] = field(default_factory=lambda: defaultdict(list))  # (2, steps): MIF, LIF
    correlations: dict[str, list] = field(default_factory=lambda: defaultdict(list))


class Trial:
    """One batch of images on which all maps are tried."""

    def __init__(
        self,
        trials: Trials,
        eye: Encoder,
        detector: Detector,
        settings: ScrutinySettings,
        folds: NDArray | None,
        usual: NDArray | None,
    ) -> None:
        """`folds` (b,): whose heads judge the images, which they have not seen; None: the mean head. `usual`: the mean
        map of real images toward fake, as these heads read it (b, g, g), for the method that asks for it."""
        self.trials, self.eye, self.detector, self.settings = trials, eye, detector, settings
        self.folds, self.usual = folds, usual

    def run(self, images: Tensor, rows: NDArray[np.intp], logits: NDArray) -> None:
        """Prepared images (b, 3, s, s) of rows (b,), and the verdicts that are shown of them (b,)."""
        logits = np.asarray(logits, np.float64)
        self.side = np.where(logits > 0, 1, -1)
        self.rngs = [np.random.default_rng((self.settings.seed, row)) for row in rows.tolist()]
        maps = self.maps(images)
        self.trials.rows += rows.tolist()
        self.trials.start += (self.side * logits).tolist()
        self.trials.side += self.side.tolist()
        for name, each in maps.items():
            self.trials.maps[name] += list(each)
        self.remove(images, maps, "drop", self.settings.steps, self.settings.random)
        self.remove(images, maps, self.settings.painted, self.settings.steps_painted, 1)
        self.correlate(images, maps)

    def maps(self, images: Tensor) -> Maps:
        """Every method's and every plain map toward the verdicts, (b, g, g) each."""
        found: Maps = {}
        now = self.detector.judge(self.eye.encode(images).used, self.folds).logits  # shown ones are of half precision
        for name in self.settings.methods:
            found[name], sums = np.zeros((len(images), *self.eye.grid)), np.zeros(len(images))
            for side in np.unique(self.side):  # the published rule, which has no sign, must be asked for the verdict
                chosen = np.flatnonzero(self.side == side)
                asked = self.detector if side > 0 else turned(self.detector)
                method = "direct" if name == UNUSUAL else name
                folds = None if self.folds is None else self.folds[chosen]
                made = relevance.token_maps(self.eye, asked, images[chosen], ["logit"], method, folds)
                laid, rest = (each.cpu().double().numpy() for each in (made.maps, made.remainder))
                if name == UNUSUAL and self.usual is not None:
                    laid, rest = unusual(laid, rest, side * self.usual[chosen, None])
                found[name][chosen], sums[chosen] = laid[:, 0], rest[:, 0] + laid[:, 0].sum((1, 2))
            self.trials.missed[name] += np.abs(sums - self.side * now).tolist()
        down, across = np.indices(self.eye.grid) - (np.array(self.eye.grid) - 1)[:, None, None] / 2
        bell = np.exp(-((down / self.eye.grid[0]) ** 2 + (across / self.eye.grid[1]) ** 2) * 8)
        found["centre"] = np.repeat(bell[None], len(images), 0)
        found["edges"] = edges(images, self.eye.grid)
        return found

    def remove(self, images: Tensor, maps: Maps, occluder: str, steps: int, random: int) -> None:
        """The curves of all orders."""
        tokens = int(np.prod(self.eye.grid))
        gone = faithfulness.counts(tokens, steps)
        names = [*maps, *["random"] * random]
        held = np.stack(
            [
                [
                    faithfulness.removals(first, gone)
                    for first in [
                        *(faithfulness.order(maps[name][i], rng) for name in maps),
                        *(rng.permutation(tokens) for _ in range(random)),
                    ]
                ]
                for i, rng in enumerate(self.rngs)
            ]
        )  # fmt: skip  (b, orders, 2, steps - 1, t)
        f = self.judged(images, held.reshape(len(images), -1, tokens), occluder).reshape(held.shape[:-1])
        start = np.broadcast_to(np.array(self.trials.start[-len(images) :])[:, None, None, None], (*f.shape[:-1], 1))
        curves = np.concatenate([start, f], 3)  # (b, orders, 2, steps)
        for name in dict.fromkeys(names):
            same = [number for number, each in enumerate(names) if each == name]
            self.trials.curves[occluder, name] += list(curves[:, same].mean(1))

    def correlate(self, images: Tensor, maps: Maps) -> None:
        """Falls of f without random subsets, against what maps say of them."""
        tokens = int(np.prod(self.eye.grid))
        masks = np.stack(
            [faithfulness.subsets(tokens, self.settings.share, self.settings.subsets, rng) for rng in self.rngs]
        )  # fmt: skip  (b, subsets, t)
        start = np.array(self.trials.start[-len(images) :])
        falls = start[:, None] - self.judged(images, masks, "drop")
        for name, each in maps.items():
            self.trials.correlations[name] += list(map(faithfulness.fall_correlation, each, masks, falls))

    def judged(self, images: Tensor, gone: NDArray[np.bool_], occluder: str) -> NDArray[np.float64]:
        """f of images without tokens (b, m, t): (b, m)."""
        held = gone.reshape(*gone.shape[:2], *self.eye.grid)
        judged = counterfactual.each_without(self.eye, self.detector, images, held, occluder, folds=self.folds)
        return self.side[:, None] * judged.logits.astype(np.float64).reshape(gone.shape[:2])


def turned(detector: Detector) -> Detector:
    """The detector whose logits speak for real."""
    learnt = detector.distiller
    return replace(detector, distiller=replace(learnt, heads=-learnt.heads, offsets=-learnt.offsets))


def edges(images: Tensor, grid: tuple[int, int]) -> NDArray[np.float64]:
    """How steep images (n, 3, s, s) are in each token, (n, g, g): a map that knows nothing of any model."""
    grey = images.cpu().double().mean(1)
    steep = grey.diff(dim=1)[:, :, :-1].square() + grey.diff(dim=2)[:, :-1].square()
    return F.adaptive_avg_pool2d(steep.sqrt()[:, None], grid)[:, 0].numpy()
