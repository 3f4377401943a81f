"""What the plane and its glyphs cost, against umap-learn as it comes and against a loop over the cells.

`python -m tests.bench.plane [--json]`. Both planes of 10,000 images (256 and 16 dimensions) are laid out in a
fresh process each way, because umap-learn compiles itself anew in every process. Vectors are random.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from asap_core.learning import verdicts
from asap_core.projection import cells, glyphs

N_PLANE, N_GLYPHS, SIDE, TURNS = 10_000, 200_000, 64, 9
AIM_PLANE, AIM_GLYPHS = 0.5, 0.2

VECTORS = f"""
import time; start, cpu = time.perf_counter(), time.process_time()
import numpy as np
rng = np.random.default_rng(0)
centres = rng.normal(size=(20, 256)) * 0.15
content = rng.normal(size=({N_PLANE}, 256)) * np.geomspace(1, 0.05, 256)
content += centres[rng.integers(0, 20, {N_PLANE})]
content = (content / np.linalg.norm(content, axis=1, keepdims=True)).astype(np.float32)
decision = (content @ rng.normal(size=(256, 16))).astype(np.float32)
"""
OURS = """
from asap_core.projection import plane
for vectors in (content, decision):
    plane.place(vectors, plane.PlaneSettings(), 0)
"""
PLAIN = """
import warnings; warnings.simplefilter("ignore")
import umap
umap.UMAP(metric="cosine", random_state=0).fit(content)
umap.UMAP(random_state=0).fit((decision - decision.mean(0)) / decision.std(0))
"""
SAY = "print(time.perf_counter() - start, time.process_time() - cpu)"


def fresh(code: str) -> tuple[float, float]:
    """Wall and CPU seconds of laying out both planes in a process of its own, imports included."""
    command = [sys.executable, "-c", VECTORS + code + SAY]
    wall, cpu = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-2:]
    return float(wall), float(cpu)


def images(n: int) -> dict[str, np.ndarray]:
    """The arrays of an analysis that the glyphs read."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, n).astype(np.float32)
    distilled = rng.normal(size=(n, 16)).astype(np.float32)
    return {
        "logits": logits,
        "scores": verdicts.score(logits, 1.5),
        "distilled": distilled,
        "contributions": distilled * np.float32(0.3),
        "is_fake": rng.random(n) < 0.5,
    }


def cell_by_cell(grouped: cells.Cells, arrays: dict[str, np.ndarray]) -> None:
    """Less than the glyphs hold, in a plain pass: counts, quantiles, means and the medoid of each cell."""
    for start, stop in zip(grouped.starts[:-1], grouped.starts[1:], strict=True):
        rows = grouped.rows[start:stop]
        fake, called = arrays["is_fake"][rows], arrays["logits"][rows] > 0
        np.bincount(2 * fake + called, minlength=4)
        np.quantile(arrays["scores"][rows], glyphs.QUANTILES)
        arrays["contributions"][rows].mean(axis=0)
        vectors = arrays["distilled"][rows]
        ((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1).argmin()


def milliseconds(run: Callable[[], object]) -> float:
    """The quickest of some runs: what it takes on a machine that does nothing else, nearly."""
    taken = []
    for _ in range(TURNS):
        start = time.perf_counter()
        run()
        taken.append(1000 * (time.perf_counter() - start))
    return min(taken)


def main() -> None:
    """Measure and print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    as_json = parser.parse_args().json
    (wall, cpu), (plain_wall, plain_cpu) = fresh(OURS), fresh(PLAIN)
    arrays = images(N_GLYPHS)
    positions = np.random.default_rng(2).random((N_GLYPHS, 2)).astype(np.float32)
    grouped = cells.members(cells.cut(positions, SIDE))
    ours = milliseconds(lambda: glyphs.summarise(grouped, **arrays))
    loop = milliseconds(lambda: cell_by_cell(grouped, arrays))
    lines = [
        (f"both planes of {N_PLANE:,}, fresh process", wall, "s", plain_wall, AIM_PLANE),
        (f"both planes of {N_PLANE:,}, CPU", cpu, "s", plain_cpu, AIM_PLANE),
        (f"glyphs of {N_GLYPHS:,}, side {SIDE}", ours, "ms", loop, AIM_GLYPHS),
    ]
    if not as_json and hasattr(os, "getloadavg"):
        print(f"load {os.getloadavg()[0]:.1f}; a ratio is ours / plain")
    for case, value, unit, baseline, aim in lines:
        line = {"case": case, "value": round(value, 2), "unit": unit, "baseline": round(baseline, 2)}
        line |= {"ratio": round(value / baseline, 3), "aim": aim}
        if as_json:
            print(json.dumps(line))
        else:
            print(f"{case:<40}{value:>9.1f} {unit:<3}{baseline:>9.1f} {unit:<3}{value / baseline:>7.2f}")


if __name__ == "__main__":
    main()
