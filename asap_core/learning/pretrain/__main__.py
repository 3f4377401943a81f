"""Train the embedded encoder: `python -m asap_core.learning.pretrain FOLDER[=WHAT IT SHOWS]... --minutes M`.

A run keeps everything in one folder: pools, checkpoint, a line of figures for each look at the held-out images,
and the best weights. Killed, the same command goes on from the last checkpoint. No label is ever read.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from ...errors import AsapError, SettingsError
from ...progress import Clock
from .. import mini, trunk
from . import examples, pool, rehearsal
from .examples import Photos, RoundSettings
from .pool import Pool
from .training import Trainer, TrainingSettings

FIGURES = "figures.jsonl"
EVERY = 240.0  # seconds of steps between looks at held-out images
REHEARSED = RoundSettings(photos=500, views=1, portraits=400)


def main(arguments: list[str]) -> int:
    """Train, or go on training."""
    options = command_line().parse_args(arguments)
    try:
        learnt = train(options)
    except AsapError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 1
    print(learnt)
    return 0


def command_line() -> argparse.ArgumentParser:
    """The parser."""
    parser = argparse.ArgumentParser(prog="python -m asap_core.learning.pretrain", description=__doc__)
    add = parser.add_argument
    add("data", nargs="+", metavar="FOLDER[=TEXT]", help="photographs; TEXT says what all of them show, else their "
        "folders do, else the trunk's own classes")  # fmt: skip
    add("--minutes", type=float, default=60.0, metavar="M", help="of training; drawing comes on top (default: 60)")
    add("--out", type=Path, default=mini.FILE.parents[2] / "cache" / "pretrain", metavar="DIR", help="the run's folder")
    add("--rounds", type=int, default=3, metavar="N", help="pools of images, drawn one after another (default: 3)")
    add("--portraits", type=int, default=RoundSettings.portraits, metavar="N", help="drawn for each pool")
    add("--photos", type=int, default=RoundSettings.photos, metavar="N", help="of each folder in a pool, at most")
    add("--batch", type=int, default=TrainingSettings.batch, metavar="N", help="images in a step")
    add("--start", type=Path, metavar="FILE", help="weights to begin with (default: random, on ImageNet's trunk)")
    add("--steps", type=int, metavar="N", help="of each round, at most (default: as many as the minutes allow)")
    add("--blocks", type=int, default=TrainingSettings.blocks, metavar="N", help="of the transformer (default: "
        f"{TrainingSettings.blocks}; with --start, that file's)")  # fmt: skip
    add("--width", type=int, default=TrainingSettings.width, metavar="N", help="of the transformer, a multiple of "
        f"{mini.HEAD} (default: {TrainingSettings.width}; with --start, that file's)")  # fmt: skip
    add("--tail", type=float, default=TrainingSettings.tail, metavar="SHARE", help="of the rate, at which the trunk's "
        f"tail learns; 0 freezes it (default: {TrainingSettings.tail})")  # fmt: skip
    add("--seed", type=int, default=0, metavar="N")
    return parser


def train(options: argparse.Namespace) -> Path:
    """Run to the end of its minutes; returns the file of the best weights."""
    if options.minutes <= 0 or options.rounds < 1:
        raise SettingsError(f"{options.minutes} minutes in {options.rounds} rounds: ask for more than none")
    if options.blocks < 1 or options.width < mini.HEAD or options.width % mini.HEAD:
        raise SettingsError(
            f"{options.blocks} blocks {options.width} wide: expected at least one, and a multiple of {mini.HEAD}"
        )
    named = ("minutes", "rounds", "batch", "steps", "blocks", "width", "tail", "seed")
    settings = TrainingSettings(**{name: getattr(options, name) for name in named})
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    given, held_out = ([examples.photos(each, kept) for each in options.data] for kept in (False, True))
    asked = RoundSettings(photos=options.photos, portraits=options.portraits)
    body, trainer, clock = trunk.load(), Trainer(settings, options.start), Clock(bars=True)

    def drawn(name: str, sources: list[Photos], what: RoundSettings, seed: int) -> Pool:
        with clock.stage(name) as report:
            return pool.draw(folder / name, body, trainer.name, sources, what, seed, report)

    unseen = drawn("held-out", held_out, REHEARSED, settings.seed + 1_000_000)
    resumed, seconds = trainer.resume(folder), 60 * settings.minutes
    for number in range(settings.rounds):
        end, steps = seconds * (number + 1) / settings.rounds, (number + 1) * (settings.steps or sys.maxsize)
        if trainer.elapsed >= end or trainer.step >= steps:
            continue
        rounds = range(number + 1)  # this one's pool, and all before
        pools = [drawn(f"pool-{each}", given, asked, settings.seed + 1000 * (each + 1)) for each in rounds]
        if not (resumed or trainer.started) and number == 0:
            trainer.standardise(pools[0])
        _train_until(end, seconds, steps, trainer, pools, unseen, folder)
    return folder / "mini.safetensors"


def _train_until(
    end: float, seconds: float, steps: int, trainer: Trainer, pools: Sequence[Pool], unseen: Pool, folder: Path
) -> None:
    """Steps up to a time, of all the seconds there are, or a number of steps; now and then a look at what was held out,
    and a checkpoint."""
    running: dict[str, float] = {}
    with tqdm(total=round(seconds), initial=round(trainer.elapsed), unit="s", dynamic_ncols=True) as bar:

        def report(at: Trainer, found: dict[str, float]) -> None:
            for name, value in found.items():
                running[name] = 0.97 * running.get(name, value) + 0.03 * value
            bar.update(round(at.elapsed) - bar.n)
            bar.set_postfix({name: f"{value:.2f}" for name, value in running.items()}, refresh=False)

        while trainer.elapsed < end and trainer.step < steps:
            trainer.run(pools, min(trainer.elapsed + EVERY, end), steps, report)
            figures = rehearsal.rehearse(trainer, unseen)
            mean = sum(figures.values()) / len(figures)
            if mean > _best(folder / FIGURES):
                mini.save(trainer.model, trainer.seen, folder / "mini.safetensors")
            line = {"at": time.time(), "step": trainer.step, "seconds": round(trainer.elapsed), "mean": mean}
            with (folder / FIGURES).open("a") as file:
                file.write(json.dumps({**line, **figures, "losses": running}) + "\n")
            trainer.save(folder)


def _best(file: Path) -> float:
    """The best mean of figures so far."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return max((json.loads(line)["mean"] for line in lines), default=0.0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
