"""The demo collection: drawn portraits, authentic and fake, whose flaws and their places are known.

    folder/
      manifest.csv             path,label,generator,category,caption,flaws,masks,strengths, then a person's attributes
      real/ upsampler/ denoiser/
      .masks/                  a small PNG for every flaw; hidden, so that nobody takes masks for images

The same seed, size and versions give the same bytes, whatever the number of workers.
"""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import storage, tables
from .errors import SettingsError
from .portrait import camera, painter
from .portrait.canvas import PARTS
from .portrait.flaws import NAMES
from .portrait.painter import Portrait
from .portrait.person import Person, caption
from .progress import Report, silent

__all__ = ["NAMES", "PARTS", "DemoSettings", "Portrait", "caption", "draw", "generator", "parts", "portrait"]

VERSION = 3  # of the drawing: the same version and seed give the same portraits
MIXTURE = ("real", "real", "upsampler", "denoiser")  # every four portraits, in random order
SIZES = (64, 1024)
CHUNK = 12  # portraits a worker draws before it reports
KEPT = 30 << 20  # bytes; glibc heeds no block beyond 32 MB

ATTRIBUTES = tuple(field.name for field in fields(Person) if field.name not in ("age", "tone"))
COLUMNS = (
    "path",
    "label",
    "generator",
    "category",
    "caption",
    "flaws",
    "masks",
    "strengths",
    "age",
    "skin",
    *ATTRIBUTES,
)

portrait = painter.portrait


@dataclass(frozen=True)
class DemoSettings:
    """What to draw: how many portraits, of how many pixels a side, from which seed, in how many processes."""

    count: int = 1200
    size: int = 160
    seed: int = 0
    workers: int | None = None  # None: one for every processor

    def __post_init__(self) -> None:
        if self.count < len(MIXTURE):
            raise SettingsError(f"{self.count} portraits are too few: ask for at least {len(MIXTURE)}")
        if not SIZES[0] <= self.size <= SIZES[1]:
            raise SettingsError(f"portraits of {self.size} px: choose from {SIZES[0]} to {SIZES[1]}")
        if self.seed < 0:
            raise SettingsError(f"seed {self.seed}: choose 0 or more")


def generator(seed: int, index: int) -> str:
    """Who makes portrait `index`: "real" for two of every four, one of the two generators for the others."""
    block, place = divmod(index, len(MIXTURE))
    return MIXTURE[np.random.default_rng([seed, block, 99]).permutation(len(MIXTURE))[place]]


def parts(seed: int, index: int, size: int = 160) -> NDArray[np.uint8]:
    """What is where in authentic portrait `index`: (size, size), into PARTS."""
    return portrait(seed, index, "real", size).parts


def draw(folder: Path, settings: DemoSettings, report: Report = silent) -> Path:
    """Draw a collection into a new folder and return its manifest; SettingsError where something is there already.

    Drawn beside the folder and renamed when complete: a run that is killed leaves nothing half.
    """
    folder = Path(folder).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(f"{folder} is there already: name a new or an empty folder for the demo collection")
    with storage.writing_folder(folder) as draft:
        for name in {*MIXTURE}:
            (draft / name).mkdir()
            (draft / ".masks" / name).mkdir(parents=True)
        rows: list[dict[str, str]] = []
        for some in _drawn(draft, settings):
            rows += some
            report(len(rows), settings.count)
        _write_manifest(draft / "manifest.csv", rows)
    return folder / "manifest.csv"


def _drawn(folder: Path, settings: DemoSettings) -> Iterator[list[dict[str, str]]]:
    """Rows of the manifest, chunk by chunk, in order."""
    starts = range(0, settings.count, CHUNK)
    tasks = [(folder, settings, range(start, min(start + CHUNK, settings.count))) for start in starts]
    workers = min(settings.workers or os.cpu_count() or 1, len(tasks))
    if workers == 1:
        yield from map(_draw_some, tasks)
        return
    # Spawned, not forked: the caller may hold threads and models.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _keep_memory) as pool:
        yield from pool.map(_draw_some, tasks)


def _keep_memory() -> None:
    """Let a worker keep what it frees: given back, a thousand pages a portrait are asked for again.

    glibc raises both of its thresholds when a block as large as this is freed; elsewhere nothing changes.
    """
    np.empty(KEPT, np.uint8)


def _draw_some(task: tuple[Path, DemoSettings, range]) -> list[dict[str, str]]:
    folder, settings, indices = task
    return [_draw_one(folder, settings, index) for index in indices]


def _draw_one(folder: Path, settings: DemoSettings, index: int) -> dict[str, str]:
    """Write one portrait and its masks; returns its row."""
    maker = generator(settings.seed, index)
    drawn = portrait(settings.seed, index, maker, settings.size)
    path = f"{maker}/{index:05d}.jpg"
    (folder / path).write_bytes(camera.jpeg(drawn.picture))
    masks = {kind: f".masks/{maker}/{index:05d}-{kind}.png" for kind in drawn.masks}
    for kind, mask in masks.items():
        Image.fromarray(drawn.masks[kind]).save(folder / mask, optimize=True)
    return _row(path, maker, drawn, masks)


def _row(path: str, maker: str, drawn: Portrait, masks: dict[str, str]) -> dict[str, str]:
    """One line of the manifest; lists are joined by semicolons, flaws, masks and strengths in one order."""
    who = drawn.who
    attributes = {name: str(value).lower() if isinstance(value, bool) else value for name, value in asdict(who).items()}
    return {name: attributes[name] for name in ATTRIBUTES} | {
        "path": path,
        "label": "real" if maker == "real" else "fake",
        "generator": maker,
        "category": who.background,
        "caption": caption(who),
        "flaws": ";".join(NAMES[flaw.kind] for flaw in drawn.flaws),
        "masks": ";".join(masks[flaw.kind] for flaw in drawn.flaws),
        "strengths": ";".join(f"{flaw.strength:.3f}" for flaw in drawn.flaws),
        "age": f"{who.age:.2f}",
        "skin": who.skin,
    }


def _write_manifest(path: Path, rows: list[dict[str, str]]) -> None:
    """ASAP reads it back: nothing in it is marked for spreadsheets."""
    lines = tables.csv_lines([COLUMNS, *([row[name] for name in COLUMNS] for row in rows)], marked=False)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
