"""Are planted flaws found as patterns of their own? Purity and recall for each kind of the demo's flaws; a null set.

`python -m tests.bench.patterns [--json] [--analysis DIR] [--count N] [--null N] [--seed N] [--draws N]`. Without an
analysis the demo is drawn and built anew, with `mini`. `--draws N` looks N times more, each time with other authentic
images and regions to compare with, and prints the lowest figures of all draws.

A pixel group *is of* a flaw where a third of its area lies on the flaw's mask, or it covers half of the mask.
*Purity*: the share of a pattern's groups that are of the kind; its baseline is that share among all groups toward fake.
*Recall*: the share of fakes that have the flaw and are judged fake (out-of-fold) in which a group of the pattern is of
the kind; its baseline, and its ceiling, is the share in which any group toward fake is. It is told also of the fakes
that have no other flaw, and of those that have. Each kind gets a pattern of its own: those that fit best together (F1,
assigned one to one). *Null*: authentic portraits with labels by the toss of a coin, in which nothing should be found.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import linear_sum_assignment

from asap_core import analysis, demo, discovery, pipeline
from asap_core.analysis import Analysis
from asap_core.discovery import DiscoverySettings
from asap_core.findings import Findings
from asap_core.learning.mini import Square
from asap_core.portrait import camera
from asap_core.progress import Clock
from asap_core.request import Request

PURITY, RECALL = 0.85, 0.7
ON, COVERED = 1 / 3, 1 / 2
SPREAD = "waxy"  # the kind that stands out nowhere by itself


def masks(made: Analysis) -> dict[str, dict[int, NDArray[np.float32]]]:
    """Kind -> row -> the share of each token that lies on that flaw, (g, g)."""
    kinds = {name: kind for kind, name in demo.NAMES.items()}
    found: dict[str, dict[int, NDArray[np.float32]]] = {kind: {} for kind in demo.NAMES}
    rows, columns = made.info["encoder"]["grid"]
    for row in range(made.n):
        names, files = (str(made.metadata[column][row] or "").split(";") for column in ("flaws", "masks"))
        for name, file in zip(names, files, strict=True):
            if name:
                with Image.open(made.root / file) as mask:
                    grey = mask.convert("F")
                small = grey.resize((columns, rows), Image.Resampling.BOX, Square().box(grey.size))
                found[kinds[name]][row] = np.asarray(small, np.float32) / np.float32(255)
    return found


def belongs(found: Findings, flaws: dict[int, NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Which pixel groups are of a kind of flaw, (m,)."""
    held, yes = np.asarray(found.groups.held, np.float32), np.zeros(len(found.groups), bool)
    for each, row in enumerate(found.groups.row.tolist()):
        if row in flaws:
            shared = float((held[each] * flaws[row]).sum())
            yes[each] = shared >= ON * held[each].sum() or shared >= COVERED * flaws[row].sum()
    return yes


def recovery(made: Analysis, found: Findings) -> list[dict]:
    """Purity and recall of each kind."""
    flaws, fakeward = masks(made), found.groups.contribution > 0
    of = {kind: belongs(found, flaws[kind]) & fakeward for kind in flaws}
    judged = {kind: [row for row in flaws[kind] if made.logits[row] > 0] for kind in flaws}
    table = np.zeros((len(flaws), max(len(found.patterns), len(flaws)), 2))  # purity, recall
    for i, kind in enumerate(flaws):
        for j in range(len(found.patterns)):
            mine = found.groups.pattern == j
            hit = np.unique(found.groups.row[mine & of[kind]])
            table[i, j] = of[kind][mine].mean(), np.isin(judged[kind], hit).mean() if judged[kind] else 0
    both = 2 * table.prod(2) / np.maximum(table.sum(2), 1e-9)
    lines = []
    for i, j in zip(*linear_sum_assignment(-both), strict=True):
        kind = list(flaws)[i]
        ceiling = np.isin(judged[kind], np.unique(found.groups.row[of[kind]])).mean() if judged[kind] else 0
        n, m = len(judged[kind]), int((found.groups.pattern == j).sum())
        hit = np.unique(found.groups.row[(found.groups.pattern == j) & of[kind]])
        others = {row for other in flaws if other != kind for row in flaws[other]}
        alone, beside = ([row for row in judged[kind] if (row in others) == also] for also in (False, True))
        lines += [
            line(f"{kind}: purity (pattern {j + 1}, {m} groups)", table[i, j, 0], of[kind][fakeward].mean(), PURITY),
            line(f"{kind}: recall (of {n} fakes)", table[i, j, 1], ceiling, RECALL),
            line(f"{kind}: recall, no other flaw (of {len(alone)})", share(alone, hit), ceiling),
            line(f"{kind}: recall, beside another (of {len(beside)})", share(beside, hit), ceiling),
        ]
    return lines


def share(rows: list[int], hit: NDArray) -> float:
    """How many of some rows were hit; 0 of none."""
    return float(np.isin(rows, hit).mean()) if rows else 0.0


def searched(folder: Path, draws: int, clock: Clock) -> Iterator[dict]:
    """Each kind's figures, of a search with the usual draw and of `draws` others; then the lowest of all."""
    every: dict[str, list[float]] = {}
    for seed in range(draws + 1):
        with clock.stage(f"patterns, draw {seed}", unit="steps") as report:
            found = discovery.discover(folder, settings=DiscoverySettings(seed=seed), report=report)
        assert found is not None, "nobody stopped it"
        for each in recovery(analysis.load(folder), found):
            yield each | {"case": f"draw {seed}, {each['case']}" if seed else each["case"]}
            kind, _, what = each["case"].partition(": ")
            if each["aim"] is not None and kind != SPREAD:
                every.setdefault(what.split()[0], []).append(each["value"])
    for what, values in every.items():
        yield line(f"lowest {what} but {SPREAD}'s, {draws + 1} draws", min(values), 0)


def line(case: str, value: float, baseline: float, aim: float | None = None, unit: str = "share") -> dict:
    """One figure, as benchmarks print it."""
    ratio = round(float(value / baseline), 3) if baseline else None
    return {
        "case": case,
        "value": round(float(value), 3),
        "unit": unit,
        "baseline": round(float(baseline), 3),
        "ratio": ratio,
        "aim": aim,
    }


def coin_tosses(folder: Path, count: int, seed: int) -> Path:
    """Authentic portraits in real/ and fake/, by the toss of a coin."""
    dice = np.random.default_rng(seed)
    for name in ("real", "fake"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        name = "fake" if dice.random() < 0.5 else "real"
        picture = demo.portrait(seed, index, "real").picture
        (folder / name / f"{index:05d}.jpg").write_bytes(camera.jpeg(picture))
    return folder


def built(source: Path, folder: Path, out: str, clock: Clock) -> Path:
    """An analysis of some images with mini."""
    return pipeline.analyse(Request(source=source, encoder="mini"), folder / "cache", folder / out, clock)


def main(arguments: list[str]) -> int:
    """Print the figures, a line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.patterns", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--analysis", type=Path, metavar="DIR", help="of a demo collection, built before")
    parser.add_argument("--count", type=int, default=1200, metavar="N", help="portraits (default: 1200)")
    parser.add_argument("--null", type=int, default=400, metavar="N", help="portraits of the null set (0: none)")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--draws", type=int, default=0, metavar="N", help="other draws of what is compared with")
    options, clock = parser.parse_args(arguments), Clock(bars=True)
    folder = Path(tempfile.mkdtemp(prefix="asap-patterns-"))
    lines: list[dict] = []
    try:
        if options.analysis is None:
            source = demo.draw(folder / "demo", demo.DemoSettings(options.count, seed=options.seed))
            options.analysis = built(source, folder, "analysis", clock)
        lines += searched(options.analysis, options.draws, clock)
        if options.null:
            nothing = discovery.discover(built(coin_tosses(folder / "null", options.null, options.seed + 1),
                                               folder, "null-analysis", clock))  # fmt: skip
            assert nothing is not None, "nobody stopped it"
            lines.append(line(f"null set of {options.null}", len(nothing.patterns), 0, 0, "patterns"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for each in lines:
        text = "{case:<44} {value} {unit} (baseline {baseline}, aim {aim})".format(**each)
        print(json.dumps(each) if options.json else text, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
