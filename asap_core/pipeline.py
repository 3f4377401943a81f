"""The stages in order: images, catalogue, embeddings, spell-free, distilled and verdicts, planes, Analysis.

The only place where the order is written, and where results are remembered. Cells and glyphs are cut from
the planes when the page asks for them: they are cheaper to make than to keep.
"""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import analysis, analysis_folder, audit, cache, catalogue, notes, summary, takeover
from .analysis import Analysis
from .analysis_folder import NOTES
from .audit import Audit
from .cache import Arrays, StageCache
from .catalogue import Catalogue, CatalogueSettings
from .errors import AnalysisError
from .learning import distiller, embedding, encoder, spelling, verdicts, worded
from .learning.detector import Detector, Judged, encoder_of
from .learning.embedding import Embeddings, EmbeddingSettings
from .learning.encoder import Encoder, EncoderSettings
from .learning.spelling import Standard
from .progress import Clock, Report
from .projection import plane
from .request import Request, Settings

VERSION = 2  # of what is made of the images before anything is learnt: it lasts
LEARNING = 3  # of what is learnt
FALLBACK = (
    "The encoder is mini, a small embedded network: the weights of b32 (CLIP ViT-B/32) are not on this "
    "machine and could not be fetched. Verdicts are a first look; --encoder b32 takes the paper's encoder."
)


def analyse(
    request: Request, cache_folder: Path, out: Path | None, clock: Clock, settings: Settings | None = None
) -> Path:
    """Build an analysis, or find it finished; return its folder.

    Killed at any point, the same call goes on from the last finished piece and ends with the same arrays.
    """
    if out is not None:
        analysis.refuse_foreign(out)
    teacher = analysis.load(request.using) if request.using else None
    stages = StageCache(cache_folder / "stages")
    build = Build(request, settings or Settings(), stages, clock, teacher)
    folder = (out or cache_folder / "analyses" / build.fingerprint).absolute()
    place = notes.place(build.images.root.absolute(), out, request.notes)
    before = analysis_folder.stands(folder).get("notes_folder")
    if request.notes is not None:
        notes.carry(Path(before or folder / NOTES), request.notes.absolute())
    elif before is not None:
        place = Path(before)  # as it was asked for then
    if not is_finished(folder, build.fingerprint):
        build.save(folder, place)
        return folder
    made = analysis.load(folder)
    analysis.publish(made)
    if notes.folder_of(folder, place) != made.notes:
        analysis.keep_notes_in(made, place)
    return folder


def is_finished(folder: Path, fingerprint: str) -> bool:
    """Whether this very analysis stands in `folder`, undamaged."""
    try:
        made = analysis.load(folder)
        return made.fingerprint == fingerprint and not analysis.damage(made)
    except AnalysisError:
        return False


@dataclass(frozen=True)
class Learnt:
    """What the learning stages leave: the detector, and what it says of the images."""

    detector: Detector
    judged: Judged  # out-of-fold where there is a truth to be kept from
    folds: NDArray[np.int32] | None  # (n,) whose heads judged; None: the mean head
    spelling: dict[str, list[float]]  # what forgetting changed, [before, after]; empty where nothing was learnt
    key: str


class Build:
    """One analysis in the making; a method a stage."""

    def __init__(
        self, request: Request, settings: Settings, stages: StageCache, clock: Clock, teacher: Analysis | None
    ) -> None:
        self.request, self.settings = request, settings
        self.stages, self.clock, self.teacher = stages, clock, teacher
        self.notes: list[str] = []
        self.encoder = self.open_encoder()  # first: weights that cannot be had are known in seconds
        self.images = self.read()
        self.loading = EmbeddingSettings(
            workers=request.workers, equalise=teacher.info["equalise"] if teacher else request.equalise
        )
        self.seen = (self.images.fingerprint, self.encoder.identity, self.loading.equalise)
        learnt = teacher.fingerprint if teacher else (settings.spelling, settings.distiller)
        where = str(self.images.root)  # a copy elsewhere shares the stages, but not the pictures' addresses
        self.fingerprint = cache.key("", LEARNING, where, *self.seen, learnt, settings.plane, request.seed)[1:]

    def read(self) -> Catalogue:
        """Images on disk -> catalogue; read again only if a name, size or time changed."""
        request = self.request
        how = CatalogueSettings(request.limit, request.seed, request.workers, request.unlabelled)
        with self.clock.stage("catalogue") as report:
            what = (str(request.source.absolute()), catalogue.glance(request.source, how))
            key = cache.key("catalogue", catalogue.VERSION, *what, request.limit, request.seed, request.unlabelled)
            kept = self.stages.remember(key, lambda: catalogue.read(request.source, how, report).pack())
        images = Catalogue.unpack(kept.arrays, kept.facts)
        self.notes += images.notes
        if len(images.paths) < images.found:
            self.notes.append(f"A sample of {len(images.paths):,} of {images.found:,} images, as asked for.")
        self.again("catalogue", kept, len(images.paths))
        return images

    def open_encoder(self) -> Encoder:
        """The encoder asked for; else the teacher's; else b32, or mini with a note that says so."""
        request = self.request
        if self.teacher is not None:
            return encoder_of(self.teacher, request.device)
        name = request.encoder or ("b32" if encoder.available("b32") else "mini")
        if name != request.encoder and name == "mini":
            self.notes.append(FALLBACK)
        return encoder.open(EncoderSettings(name, request.layers, request.device))

    def save(self, folder: Path, place: Path | None) -> None:
        """Run the stages and write the analysis; notes are kept in `place`, or with it."""
        checked = self.audit()
        embeddings = self.embed()
        learnt = self.learn(embeddings) if self.teacher is None else self.borrow(embeddings, self.teacher)
        planes, plane_notes = self.place(learnt)
        judged = learnt.judged
        arrays = {**self.images.columns(), **planes, "logits": judged.logits, "scores": judged.scores}
        arrays |= {"distilled": judged.distilled, "joint": embeddings.joint}
        arrays["spell_free"] = judged.spell_free.astype(np.float16)
        if learnt.folds is not None:
            arrays["fold"] = learnt.folds.astype(np.int16)
        info = self.info(learnt, checked, plane_notes) | {"notes_folder": None if place is None else str(place)}
        weights = learnt.detector.to_bytes()
        made = self.summary(learnt, checked)
        written = (info, self.images.paths, self.images.metadata, arrays, weights, made)
        analysis.save(folder, *written, before=partial(takeover.take_over, folder))

    def audit(self) -> Audit:
        """Do facts about the files alone give the fakes away?"""
        images = self.images
        with self.clock.stage("audit", self.n):
            if images.is_fake is None:
                return audit.NONE
            return audit.run(images.facts, images.is_fake, images.groups, self.request.seed, self.loading.equalise)

    def embed(self) -> Embeddings:
        """L1. Catalogue -> embeddings."""
        key = cache.key("embedding", VERSION, *self.seen)
        files = [self.images.root / path for path in self.images.paths]
        with self.clock.stage("embedding", self.n) as report:
            embeddings = embedding.embed(self.encoder, files, self.loading, self.stages.room(key), report)
        self.clock.record("embedding", embeddings.seconds, self.n, remembered=not embeddings.fresh)
        return embeddings

    def draw_words(self, embeddings: Embeddings) -> Arrays:
        """Readings of some of the images, of the same with a word on them, and of the words alone."""
        how, seed, images = self.settings.spelling, self.request.seed, self.images
        chosen = np.random.default_rng(seed).permutation(self.n)[: how.pairs]

        def encode(report: Report) -> Arrays:
            files = (images.root / images.paths[row] for row in chosen)
            pictures = (embedding.read(file, self.encoder, self.loading) for file in files)
            own = embeddings.reading[chosen]
            return worded.read(self.encoder, pictures, own, seed, how, self.loading, report)

        key = cache.key("words", VERSION, *self.seen, how.pairs, how.canvas, seed)
        with self.clock.stage("words") as report:
            kept = self.stages.remember(key, lambda: (encode(report), {}))
        self.again("words", kept, 3 * len(chosen))
        return kept.arrays

    def learn(self, embeddings: Embeddings) -> Learnt:
        """L2, L3, L4. Embeddings -> spell-free -> distilled, verdicts."""
        images, settings, seed = self.images, self.settings, self.request.seed
        assert images.is_fake is not None
        distiller.check(images.is_fake)  # before minutes are spent on what cannot be learnt from
        pairs = self.draw_words(embeddings)
        with self.clock.stage("spelling", self.n, "steps") as report:
            readings = embeddings.reading
            blocks = self.encoder.blocks  # none where the joint embedding is read
            standard = Standard.of(readings, blocks) if blocks else Standard.identity(readings.shape[1])
            how = settings.spelling
            matrix = spelling.learn(readings, **pairs, standard=standard, settings=how, seed=seed, report=report)
            spell_free = spelling.forget(readings, standard, matrix)  # (n, k)
        with self.clock.stage("distiller", self.n, "fits") as report:
            trained = distiller.train(spell_free, images.is_fake, images.groups, settings.distiller, seed, report)
            detector = Detector(standard, matrix, trained.distiller)
            changed = spelling.report(standard, matrix, **pairs)
            changed["auc"] = spelling.detection(readings, spell_free, standard, images.is_fake, images.groups, seed)
        short = spelling.shortfall(self.n, matrix, settings.spelling)
        self.notes += [note for note in (trained.note, short) if note]
        judged = detector.judge_spell_free(spell_free, trained.folds)
        key = cache.key("learnt", LEARNING, *self.seen, settings.spelling, settings.distiller, seed)
        return Learnt(detector, judged, trained.folds, changed, key)

    def borrow(self, embeddings: Embeddings, teacher: Analysis) -> Learnt:
        """Judge images of unknown origin with another analysis' detector."""
        detector = Detector.of(teacher.built)
        with self.clock.stage("detector", self.n):
            judged = detector.judge(embeddings.reading)
        self.notes.append(
            "The origin of these images is not known. They are judged by the detector of "
            f"{teacher.info['name']}, which may not carry over to them; no accuracy can be given."
        )
        key = cache.key("borrowed", LEARNING, *self.seen, teacher.fingerprint)
        return Learnt(detector, judged, None, {}, key)

    def place(self, learnt: Learnt) -> tuple[Arrays, dict[str, str | None]]:
        """Vectors -> positions in the two planes, (n, 2) each, and what is to be said of each."""
        positions, notes = {}, {}
        for name, vectors in zip(analysis.PLANES, (learnt.judged.spell_free, learnt.judged.distilled), strict=True):
            key = cache.key(name, VERSION, learnt.key, self.settings.plane, self.request.seed)
            with self.clock.stage(name, self.n) as report:

                def lay_out(vectors: NDArray = vectors, report: Report = report) -> tuple[Arrays, dict]:
                    placed, note = plane.place(vectors, self.settings.plane, self.request.seed, report)
                    return {"positions": placed}, {"note": note}

                kept = self.stages.remember(key, lay_out)
            self.again(name, kept, self.n)
            positions[name], notes[name] = kept.arrays["positions"], kept.facts["note"]
        return positions, notes

    def info(self, learnt: Learnt, checked: Audit, plane_notes: dict[str, str | None]) -> dict[str, Any]:
        """`analysis.json`: facts that the page shows."""
        images, fitted = self.images, learnt.detector.distiller
        return {
            "fingerprint": self.fingerprint,
            "command": self.request.command(self.encoder.name, self.encoder.layers),
            "name": summary.name(self.request.source.absolute()),
            "root": str(images.root.absolute()),
            "labelled": images.is_fake is not None,
            "generators": sorted(set(images.generators)),
            "categories": sorted(set(images.categories)),
            "splits": sorted(set(images.splits)),
            "skipped": [{"path": each.path, "reason": each.reason} for each in images.skipped],
            "found": images.found,
            "encoder": {**self.encoder.facts, "identity": self.encoder.identity},
            "audit": asdict(checked),
            "head": {
                "weights": fitted.heads.tolist(),
                "offsets": fitted.offsets.tolist(),
                "real_mean": fitted.real_mean.tolist(),
                "temperature": fitted.temperature,
            },
            "planes": {name: {"note": note} for name, note in plane_notes.items()},
            "notes": self.notes,
            "equalise": self.loading.equalise,
            "settings": asdict(self.settings),
            "seed": self.request.seed,
        }

    def summary(self, learnt: Learnt, checked: Audit) -> dict[str, Any]:
        """`summary.json`: what other programs rely on."""
        images, seed = self.images, self.request.seed
        measured, by_generator = None, {}
        if images.is_fake is not None:
            with self.clock.stage("verdicts", self.n):
                logits, truth, folds = learnt.judged.logits, images.is_fake, learnt.folds
                assert folds is not None, "labelled images have folds"
                unseen = verdicts.scores_unseen(logits, truth, folds)
                measured = verdicts.measure(logits, learnt.judged.scores, truth, seed, images.groups, unseen)
                by_generator = verdicts.by_generator(logits, truth, images.generators, seed, images.groups)
        return {
            "version": analysis.VERSION,
            "fingerprint": self.fingerprint,
            "source": str(self.request.source.absolute()),
            "seed": seed,
            "versions": summary.versions(),
            "encoder": self.encoder.facts,
            "counts": summary.counts(images),
            "skipped": [{"path": each.path, "reason": each.reason} for each in images.skipped],
            "audit": asdict(checked),
            "verdicts": measured,
            "by_generator": by_generator,
            "spelling": learnt.spelling,
            "stages": self.clock.stages,
            "peak_memory_mb": summary.peak_memory_mb(),
            "notes": self.notes,
        }

    @property
    def n(self) -> int:
        """How many images there are."""
        return len(self.images.paths)

    def again(self, stage: str, kept: cache.Remembered, images: int) -> None:
        """Show what a remembered stage took when it was computed, not what remembering took."""
        if not kept.fresh:
            self.clock.record(stage, kept.seconds, images, remembered=True)
