"""Images that `mini` is trained on, and what is said of each: photographs in a new crop, portraits that were never
drawn before, words written on some of both. Without torch, so that processes which draw start at once.
"""

import hashlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ... import demo, images, sources
from ...errors import CatalogueError, ImageError
from ...portrait import camera
from .. import words
from . import captions

UNKNOWN = 255  # a position of no part
CELL = 16  # pixels to a position, where parts are counted
DRAWN = 24  # portraits in one task of a process
AHEAD = 384  # examples that are held at once
ENGLISH = 0.75  # share of words that are English; others are random letters
HELD_OUT = 4  # of the 16 first digits of an image's SHA-256, those that are never trained on


@dataclass(frozen=True)
class RoundSettings:
    """What one round is made of."""

    photos: int = 12_000  # of each source, at most
    views: int = 3  # of a photograph in a small source, at most
    portraits: int = 5_000
    worded: float = 0.25  # share of images with a word written on them
    alone: float = 0.4  # words on plain white, for each portrait
    canvas: int = 256  # pixels, longer side of a drawing
    grid: int = 12  # positions a side


@dataclass(frozen=True)
class Photos:
    """A source of photographs: files, and what each shows; "" where only the trunk can say."""

    files: tuple[Path, ...]
    things: tuple[str, ...]


@dataclass
class Example:
    """An image on its way to the trunk."""

    image: Image.Image
    said: str
    word: str = ""
    parts: NDArray[np.uint8] | None = None  # (g, g)
    answers: dict[str, str] = field(default_factory=dict)


def photos(source: str, held_out: bool = False) -> Photos:
    """FOLDER, or FOLDER=WHAT IT SHOWS: its images that are (not) held out. Labels are read past, never kept."""
    folder, _, thing = source.partition("=")
    try:
        listed = sources.listing(Path(folder))
    except CatalogueError:
        listed = sources.listing(Path(folder), unlabelled=True)
    categories = [place.category for place in listed.places]
    told = len(set(categories)) > 1
    files, things = [], []
    for path, category in zip(listed.paths, categories, strict=True):
        file = listed.root / path
        if is_held_out(file) == held_out:
            files.append(file)
            things.append(thing or (captions.of_category(category) if told else ""))
    return Photos(tuple(files), tuple(things))


def is_held_out(file: Path) -> bool:
    """Whether an image is kept from training, by its content: a fourth of any collection."""
    return int(hashlib.sha256(file.read_bytes()).hexdigest()[0], 16) < HELD_OUT


def examples(given: Sequence[Photos], settings: RoundSettings, seed: int) -> Iterator[Example]:
    """One round."""
    rng = np.random.default_rng([seed, 0])
    for number, source in enumerate(given):
        rows = np.concatenate([rng.permutation(len(source.files)) for _ in range(settings.views)])[: settings.photos]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for some in chunks(list(enumerate(rows)), AHEAD):
                dice = [np.random.default_rng([seed, 1, number, place]) for place, _ in some]
                read = threads.map(partial(_photo, source, settings), [row for _, row in some], dice)
                yield from (example for example in read if example is not None)
    for number, made in enumerate(portraits(seed, settings)):
        yield _worded(made, settings, np.random.default_rng([seed, 2, number]))
    for number in range(round(settings.alone * settings.portraits)):
        dice = np.random.default_rng([seed, 3, number])
        word = _word(dice)
        blank = Image.new("RGB", (settings.canvas, settings.canvas), "white")
        yield Example(words.write(blank, word, words.draw_style(dice))[1], captions.the_word(word), word.lower())


def _photo(source: Photos, settings: RoundSettings, row: int, rng: np.random.Generator) -> Example | None:
    """A photograph as training wants it; None where it cannot be read."""
    try:
        image = images.read(source.files[row], settings.canvas)
    except ImageError:
        return None
    return _worded(Example(_view(image, rng), source.things[row]), settings, rng)


def _worded(made: Example, settings: RoundSettings, rng: np.random.Generator) -> Example:
    """Now and then with a word written on it."""
    if rng.random() < settings.worded:
        word = _word(rng)
        image = words.write(words.fit(made.image, settings.canvas), word, words.draw_style(rng))[0]
        made = replace(made, image=image, word=word.lower())
    return made


def _word(rng: np.random.Generator) -> str:
    """A word to be written: mostly an English one, that others show too, so that reading it pays."""
    if rng.random() < ENGLISH:
        word = words.ENGLISH[int(rng.integers(len(words.ENGLISH)))]
        return (word, word.upper(), word.title())[int(rng.integers(3))]
    return words.draw_strings(1, rng)[0]


def _view(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A photograph mirrored or cut a little; its pixels are not resampled."""
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.5:
        side = int(min(image.size) * rng.uniform(0.75, 1))
        left, top = (int(rng.integers(0, room - side + 1)) for room in image.size)
        image = image.crop((left, top, left + side, top + side))
    return image


def portraits(seed: int, settings: RoundSettings) -> Iterator[Example]:
    """Portraits of the demo's kind, authentic and flawed alike, whose flaws nobody is told."""
    tasks = [(seed, some, settings.grid) for some in chunks(range(settings.portraits), DRAWN)]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as processes:
        for some in chunks(tasks, AHEAD // DRAWN):
            for drawn in processes.map(_draw, some):
                yield from drawn


def _draw(task: tuple[int, range, int]) -> list[Example]:
    seed, numbers, grid = task
    return [_portrait(seed, number, grid) for number in numbers]


def _portrait(seed: int, number: int, grid: int) -> Example:
    made = demo.portrait(seed, number, demo.generator(seed, number))
    image = images.read(camera.jpeg(made.picture))
    said = captions.of_person(made.who, np.random.default_rng([seed, 4, number]))
    return Example(image, said, "", on_grid(made.parts, grid), captions.answers(made.who))


def on_grid(parts: NDArray[np.uint8], grid: int) -> NDArray[np.uint8]:
    """Of a picture's parts (s, s) that which fills most of each position (g, g); UNKNOWN where none fills half."""
    large = np.array(Image.fromarray(parts).resize((grid * CELL, grid * CELL), Image.Resampling.NEAREST))
    cells = large.reshape(grid, CELL, grid, CELL).swapaxes(1, 2).reshape(grid * grid, -1)
    counts = np.stack([(cells == part).sum(1) for part in range(len(demo.PARTS))], 1)  # (g g, parts)
    most = np.where(counts.max(1) * 2 > cells.shape[1], counts.argmax(1), UNKNOWN)
    return most.reshape(grid, grid).astype(np.uint8)


def chunks(items: Sequence, size: int) -> Iterator:
    """Runs of `size` items, the last one shorter."""
    return (items[start : start + size] for start in range(0, len(items), size))
