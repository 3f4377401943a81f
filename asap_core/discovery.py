"""Discovery: the patterns of a selection of an analysis' images, found automatically and kept beside the analysis.

    token maps less the mean authentic image's -> pixel groups that stand out -> what the encoder sees in them
    less what it sees in authentic regions like them -> clusters -> names, impact with the region taken away, exemplars

A group speaks only where a map exceeds what nearly all places of authentic images reach: contributions are
differences from authentic images, as those of dimensions are.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from . import analysis, explanation, findings, selections, texts, what_if
from .analysis import Analysis
from .errors import AnalysisError, SettingsError
from .findings import Findings
from .identification import clusters, likeness, naming, patterns, regions, store
from .identification.clusters import ClusterSettings
from .identification.likeness import LikenessSettings, Readings
from .identification.ordinary import QUIET
from .identification.patterns import Flips, Groups, Pattern
from .learning import encoder
from .learning.detector import Detector, encoder_of
from .learning.encoder import Encoder, EncoderSettings
from .maps import METHOD, Maps, Reference
from .progress import Report, silent

BATCH = 32  # images looked at between two looks at `stop`
ROUNDS = 1000  # a report's total


@dataclass(frozen=True)
class DiscoverySettings:
    """What counts as standing out, and how alike is alike."""

    reference: int = 400  # authentic images that maps are compared with, at most
    quiet: float = QUIET  # share of the places of authentic images that stay below the level
    probes: int = 3  # authentic regions of the same shape and place, for each pixel group
    seed: int = 0
    likeness: LikenessSettings = field(default_factory=LikenessSettings)
    cluster: ClusterSettings = field(default_factory=ClusterSettings)


def discover(
    folder: Path,
    of: str | None = None,
    settings: DiscoverySettings | None = None,
    device: str | None = None,
    workers: int | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Findings | None:
    """The patterns of a selection (a phrase of `selections`; None: all images) of the analysis in `folder`.

    Found once and kept; token maps that are missing are computed first, and kept too. None where it was stopped.
    """
    settings, made = settings or DiscoverySettings(), analysis.load(folder)
    for words in selections.words_in(of):
        texts.read(made, words, device)
    rows = rows_of(made, of)
    at = findings.place(made, rows, asdict(settings))
    kept = findings.read(at)
    if kept is None:
        blind = _blind(made)
        if blind:
            none = Groups.of([], made.info["encoder"]["grid"], len(made.head))
            kept = findings.gathered(made, [], none, patterns.no_flips(), rows, of, 0.0, settings.seed, blind)
        else:
            kept = _Search(made, rows, of, settings, device, workers, report, stop).run()
        if kept is not None:
            findings.write(at, kept)
    report(ROUNDS, ROUNDS)
    return kept


def place_of(made: Analysis, of: str | None, settings: DiscoverySettings) -> Path:
    """Where the findings of a selection are kept; `findings.read` opens them."""
    return findings.place(made, rows_of(made, of), asdict(settings))


def rows_of(made: Analysis, of: str | None) -> NDArray[np.int64]:
    """The rows of a selection, ascending, (r,); SettingsError where it is not understood or holds no image."""
    found = selections.rows_of(made, of)
    if not len(found):
        raise SettingsError(f"{of}: no image of {made.folder} is in it")
    return found


def _blind(made: Analysis) -> str | None:
    """Why nothing is looked for: a detector that guesses has maps too, but they explain nothing."""
    auc = (made.summary.get("verdicts") or {}).get("auc")
    if auc and auc[1] <= 0.5:
        return (
            f"no patterns are looked for: the detector does not tell real from fake (AUC {auc[0]:.2f}, "
            f"95 % {auc[1]:.2f} to {auc[2]:.2f}), so its maps explain nothing"
        )
    return None


class _Search:
    """One search, step by step; each step reports its part of the whole."""

    def __init__(
        self,
        made: Analysis,
        rows: NDArray[np.int64],
        of: str | None,
        settings: DiscoverySettings,
        device: str | None,
        workers: int | None,
        report: Report,
        stop: Callable[[], bool],
    ) -> None:
        self.made, self.rows, self.of, self.settings = made, rows, of, settings
        self.device, self.workers, self.report, self.stop = device, workers, report, stop
        self.rng = np.random.default_rng(settings.seed)
        self.is_fake = np.asarray(made.logits) > 0 if made.is_fake is None else np.asarray(made.is_fake)
        real = np.flatnonzero(~self.is_fake)
        if not len(real):
            raise AnalysisError(f"{made.folder} has no authentic images to compare with: patterns need some")
        self.reference = np.sort(self.rng.choice(real, min(len(real), settings.reference), replace=False))

    def run(self) -> Findings | None:
        """All steps; None where one was stopped."""
        wanted = np.union1d(self.rows, self.reference)
        where = (self.made.built, wanted, self.device, self.workers)
        explanation.complete(*where, report=self.part(0, 350), stop=self.stop)
        if self.stop():
            return None
        self.eye, self.detector = encoder_of(self.made, self.device), Detector.of(self.made.built)
        groups, at = self.groups()
        seen = self.look(groups)
        if seen is None:
            return None
        groups, stable = self.cluster(groups, *seen, self.settings)
        flips = self.flips(groups)
        if flips is None:
            return None
        found = self.described(groups, stable, flips, *seen)
        return findings.gathered(self.made, found, groups, flips, self.rows, self.of, at, self.settings.seed)

    def part(self, low: int, high: int) -> Report:
        """A report of one step, as a part of the whole."""
        return lambda done, total: self.report(low + (high - low) * done // max(total, 1), ROUNDS)

    def groups(self) -> tuple[Groups, float]:
        """The pixel groups of the chosen images, of maps less the mean authentic one, and the sharp level."""
        kept = store.read(self.made, METHOD)
        assert kept is not None, "token maps were computed"
        kept.verify(np.flatnonzero(kept.done & np.isin(np.arange(self.made.n), [*self.reference, *self.rows])))
        reference = self.reference[kept.done[self.reference]]
        known = Maps(self.made, kept, Reference.of(self.made, kept, reference, self.settings.quiet))
        found, loud = [], []
        for row in self.rows[kept.done[self.rows]].tolist():
            found += [(row, known.box(row), group) for group in known.groups(row)]
            if len(found) > len(loud):
                strength = np.abs(known.unusual([row])[0][0, -1])  # (g, g)
                loud += [strength * group.held for _, _, group in found[len(loud) :]]
        self.weights = np.array(loud, np.float32).reshape(len(found), *self.eye.grid)
        return Groups.of(found, self.eye.grid, len(self.made.head)), float(known.level[-1])

    def look(self, groups: Groups) -> tuple[Readings, Readings] | None:
        """What the encoder sees in the groups, and in the same places of authentic images drawn at random."""
        m = len(groups)
        count = min(self.settings.probes * m, 6000)
        shapes = self.rng.permutation(np.arange(self.settings.probes * m) % max(m, 1))[:count]
        row = np.concatenate([groups.row, self.rng.choice(self.reference, count)])
        held = np.concatenate([self.weights, self.weights[shapes]])  # where it speaks loudest, it is looked at most
        held /= np.maximum(held.sum((1, 2), keepdims=True), 1e-9)
        rows, done = np.unique(row), 0
        blocks: list[NDArray] = []
        joint = np.zeros((len(row), self.eye.joint_width), np.float32)
        lost = np.ones(len(row), bool)
        for some, images, _ in explanation.prepared(self.made, self.eye, rows, BATCH, self.workers):
            here = np.flatnonzero(np.isin(row, some))
            if len(here):
                weights = torch.as_tensor(held[here]).to(self.eye.device)
                at = torch.as_tensor(np.searchsorted(some, row[here])).to(self.eye.device)
                found, words = regions.look(self.eye, images).of(weights, at)
                blocks = blocks or [np.zeros((len(row), each.shape[1]), np.float32) for each in found]
                for kept, each in zip(blocks, found, strict=True):
                    kept[here] = each.cpu().numpy()
                joint[here], lost[here] = words.cpu().numpy(), False
            done += len(some)
            self.part(350, 600)(done, len(rows))
            if self.stop():
                return None
        ours, theirs = np.arange(m), m + np.flatnonzero(~lost[m:])
        every = Readings(row, np.concatenate([groups.broad, groups.broad[shapes]]), blocks, joint)
        return every.take(ours), every.take(theirs)

    @staticmethod
    def cluster(groups: Groups, ours: Readings, theirs: Readings, how: DiscoverySettings) -> tuple[Groups, NDArray]:
        """Groups with their patterns, the strongest first, and how typical each is; the patterns' stability.

        Each side and each scale by itself: what is spread thin is described among what is.
        """
        labels, typical = np.full(len(groups), -1), np.zeros(len(groups), np.float32)
        settings, seed, stable, count = how.cluster, how.seed, [], 0
        for broad in (False, True):
            scale, usual = np.flatnonzero(ours.broad == broad), theirs.take(theirs.broad == broad)
            if min(len(scale), len(usual.image)) <= settings.fewest:
                continue
            vectors = likeness.vectors(ours.take(scale), usual, how.likeness, seed)
            for toward_fake in (True, False):
                side = np.flatnonzero((groups.contribution[scale] > 0) == toward_fake)
                found, scores = clusters.steady(vectors[side], groups.row[scale[side]], settings, seed)
                labels[scale[side]] = np.where(found < 0, -1, found + count)
                for each in range(len(scores)):
                    which = side[found == each]
                    typical[scale[which]] = vectors[which] @ vectors[which].mean(0)
                stable += scores.tolist()
                count += len(scores)
        impact = np.bincount(labels[labels >= 0], np.abs(groups.contribution)[labels >= 0], count)
        order = np.argsort(-impact, kind="stable")
        rank = np.full(count + 1, -1)  # the last: in no pattern
        rank[order] = np.arange(len(order))
        return replace(groups, pattern=rank[labels], typical=typical), np.asarray(stable)[order]

    def flips(self, groups: Groups) -> Flips | None:
        """Whether verdicts change when a pattern's groups are taken from its images; None where stopped."""
        pairs = sorted({(int(row), int(c)) for row, c in zip(groups.row, groups.pattern, strict=True) if c >= 0})
        if not pairs:
            return patterns.no_flips()
        held = [groups.held[(groups.row == row) & (groups.pattern == c)].sum(0).clip(0, 1) for row, c in pairs]
        found = what_if.remove(
            self.made.built,
            [(row, each) for (row, _), each in zip(pairs, held, strict=True)],
            patterns.REMOVALS,
            self.device,
            self.workers,
            self.part(650, ROUNDS),
            self.stop,
        )
        if found is None:
            return None
        before = found.before.logits > 0
        changed = np.stack([(found.after[name].logits > 0) != before for name in patterns.REMOVALS], 1)
        there = np.array([pair for pair in pairs if pair[0] in set(found.rows.tolist())], np.int64).reshape(-1, 2)
        return Flips(there[:, 0], there[:, 1], changed)  # an image that cannot be read any more has no answer

    def described(
        self,
        groups: Groups,
        stable: NDArray,
        flips: Flips,
        ours: Readings,
        theirs: Readings,
    ) -> list[Pattern]:
        """The patterns, named and measured."""
        vocabulary, seed = naming.phrases(), self.settings.seed
        texts = _reader(self.eye, self.device).describe(vocabulary)
        looked, found = findings.looked_at(self.made, self.rows), []
        for number, steady in enumerate(stable):
            which = np.flatnonzero(groups.pattern == number)
            changed = flips.of(np.unique(groups.row[which]), number)
            called = naming.name(ours.joint[which], theirs.joint, texts, vocabulary, seed)
            found.append(patterns.describe(groups, which, called, changed, steady, looked, seed))
        return found


def _reader(eye: Encoder, device: str | None) -> Encoder:
    """The same encoder with its text tower."""
    return encoder.open(EncoderSettings(eye.name, eye.layers, device), text=True)
