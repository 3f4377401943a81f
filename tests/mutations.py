"""Does a test notice a wrong line? One-line changes in the numeric core, each made in a copy of the tree.

`python -m tests.mutations [WORD...]`, with words only those whose file or lines hold one of them. Prints a table; exits
1 where a change was not noticed, 2 where a line is no longer there or its tests fail without the change. Minutes.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
I2, L, P = "asap_core/identification", "asap_core/learning", "asap_core/projection"
TI, TL, TP = "tests/core/identification", "tests/core/learning", "tests/core/projection"
NOTICED, SURVIVED, BROKEN = "noticed", "SURVIVED", "BROKEN"


@dataclass(frozen=True)
class Mutation:
    """One wrong line: text that stands exactly once in a file, what stands there instead, and tests that must fail."""

    file: str
    right: str
    wrong: str
    tests: str  # arguments of pytest

    def apply(self, root: Path) -> str:
        """Change the file under `root`; its text before. ValueError where the right text is not there once."""
        path = root / self.file
        before = path.read_text("utf-8")
        if before.count(self.right) != 1:
            raise ValueError(f"{self.file} has {before.count(self.right)} times {self.right!r}: expected once")
        path.write_text(before.replace(self.right, self.wrong), "utf-8")
        return before


MUTATIONS = (
    # maps and what is read from them
    Mutation("asap_core/maps.py", "(group.contribution > 0) == (self", "(group.contribution > 0) != (self",
             "tests/core/test_maps.py -k sensitivity_is"),
    Mutation(f"{I2}/ordinary.py", "(remainder + usual.sum(", "(remainder - usual.sum(", f"{TI}/test_ordinary.py"),
    Mutation(f"{I2}/ordinary.py", "np.quantile(np.abs(away), quiet)", "np.quantile(away, quiet)",
             f"{TI}/test_ordinary.py"),
    Mutation(f"{I2}/pixels.py", "clipped = np.clip(np.asarray(maps, np.float32), -sharp, sharp)",
             "clipped = np.asarray(maps, np.float32)", f"{TI}/test_ordinary.py"),
    Mutation(f"{I2}/pixels.py", "key=lambda group: -abs(group.contribution)", "key=lambda group: -group.contribution",
             f"{TI}/test_pixels.py -k groups_are"),
    Mutation(f"{I2}/direct.py", "last - last.mean(1, keepdim=True)", "last", f"{TI}/test_relevance.py -k slowly"),
    Mutation(f"{I2}/gradients.py", "(attended * gradient).clamp(min=0)", "(attended * gradient)",
             f"{TI}/test_gradients.py -k published"),
    Mutation(f"{I2}/occlusion.py", "gone = flat >= 0.5", "gone = flat > 0.5", f"{TI}/test_counterfactual.py -k half"),
    Mutation(f"{I2}/occlusion.py", "share = stays / stays.sum(2, keepdim=True)", "share = stays / stays.shape[2]",
             f"{TI}/test_counterfactual.py -k 'dropped and mini-all'"),
    Mutation(f"{I2}/counterfactual.py", "* t / np.maximum(t - r, 1)", "", f"{TI}/test_counterfactual.py -k predict"),
    # faithfulness
    Mutation(f"{I2}/faithfulness.py", "first[len(first) - many :]", "first[: len(first) - many]",
             f"{TI}/test_faithfulness.py"),
    Mutation(f"{I2}/faithfulness.py", "/ total / np.mean(flaw)", "/ total", f"{TI}/test_faithfulness.py"),
    Mutation(f"{I2}/faithfulness.py", "default_rng(seed).multinomial", "default_rng(0).multinomial",
             f"{TI}/test_faithfulness.py"),
    Mutation(f"{I2}/faithfulness.py", "(2 * np.arange(1, t + 1) - t - 1)", "(2 * np.arange(t) - t - 1)",
             f"{TI}/test_faithfulness.py"),
    # contributions, names, clusters
    Mutation(f"{I2}/contribution.py", "np.sqrt(squares / max(n - 1, 1))", "np.sqrt(squares / max(n, 1))",
             f"{TI}/test_contribution.py"),
    Mutation(f"{I2}/contribution.py", "3 / (4 * free - 1)", "3 / (4 * free + 1)", f"{TI}/test_contribution.py"),
    Mutation(f"{I2}/contribution.py", "robust * c / max(c - 1, 1)", "robust", f"{TI}/test_contribution.py"),
    Mutation(f"{I2}/patterns.py", "_mean(sums, looked.duplicates[rows], seed)", "_mean(sums, rows, seed)",
             f"{TI}/test_patterns.py"),
    Mutation(f"{I2}/naming.py", "normalise(texts - texts.mean(0))", "normalise(texts)", f"{TI}/test_naming.py"),
    Mutation(f"{I2}/naming.py", "lean = regions.mean(0) - usual", "lean = regions.mean(0)", f"{TI}/test_naming.py"),
    Mutation(f"{I2}/naming.py", "margin > MARGIN", "margin >= 0", f"{TI}/test_naming.py"),
    Mutation(f"{I2}/clusters.py", "seen_by_a @ b.T - both, 1)", "seen_by_a @ b.T, 1)", f"{TI}/test_clusters.py"),
    Mutation(f"{I2}/likeness.py", "own = images[near] == image", "own = images[near] != image",
             f"{TI}/test_likeness.py"),
    # learning
    Mutation(f"{L}/verdicts.py", "np.cumsum(size) - (size - 1) / 2", "np.cumsum(size)", f"{TL}/test_verdicts.py"),
    Mutation(f"{L}/verdicts.py", "goal, weight = (m + 1) / (m + 2)", "goal, weight = m / m", f"{TL}/test_verdicts.py"),
    Mutation(f"{L}/verdicts.py", 'np.asarray(scores), side="right")', 'np.asarray(scores), side="left")',
             f"{TL}/test_verdicts.py"),
    Mutation(f"{L}/logistic.py", "+ penalty * line.v", "", f"{TL}/test_distiller.py -k scikit"),
    Mutation(f"{L}/folds.py", "default_rng(seed)", "default_rng(0)", f"{TL}/test_distiller.py -k another_seed"),
    Mutation(f"{L}/spelling.py", "scale *= np.repeat(np.sqrt(widths / widths.mean()), widths)",
             "scale *= np.repeat(widths / widths.mean(), widths)", f"{TL}/test_spelling.py -k blocks"),
    Mutation(f"{L}/distiller.py", "return self.heads[folds], self.offsets[folds]",
             "return self.head, self.offsets.mean()",
             f"{TL}/test_distiller.py -k 'contributions or fitted_without'"),
    Mutation(f"{L}/verdicts.py", "calibrate(logits[~mine], fake[~mine])", "calibrate(logits, fake)",
             f"{TL}/test_verdicts.py -k not_seen"),
    Mutation("asap_core/explanation.py", "shown - maps.sum((2, 3)", "shown + maps.sum((2, 3)",
             "tests/core/test_heads.py"),
    Mutation("asap_core/reversal.py", "if (group.contribution > 0) == (made.logits[row] > 0)]",
             "if (group.contribution > 0) != (made.logits[row] > 0)]", "tests/core/test_reversal.py -k taken_away"),
    Mutation(f"{L}/dimensions.py", "np.argsort(-np.abs(heads.mean(0))", "np.argsort(np.abs(heads.mean(0))",
             f"{TL}/test_distiller.py -k dimensions"),
    # projection
    Mutation(f"{P}/cells.py", "(side - 1 - steps[:, 1])", "(steps[:, 1])", f"{TP}/test_cells.py"),
    Mutation(f"{P}/glyphs.py", "z**2 / (4 * n**2)", "z**2 / (4 * n)", f"{TP}/test_glyphs.py"),
    Mutation(f"{P}/plane.py", "np.log2(k)", "np.log(k)", f"{TP}/test_plane.py -k weights"),
    # precision
    Mutation("asap_core/what_if.py", ".cpu().double()", ".double().cpu()",
             "tests/core/test_devices.py -k without_regions"),
    Mutation(f"{I2}/trials.py", "images.cpu().double()", "images.double()",
             "tests/core/test_devices.py -k edges"),
    Mutation(f"{I2}/trials.py", "each.cpu().double()", "each.double().cpu()",
             "tests/core/test_devices.py -k all_that_is_done"),
    Mutation(f"{I2}/direct.py", ".to(like.dtype).to(like.device)", ".to(like.device).to(like.dtype)",
             "tests/core/test_devices.py -k 'maps and mini'"),
    Mutation(f"{I2}/relevance.py", "@precision.single()", "", "tests/core/test_devices.py -k 'autocast and plain'"),
    Mutation(f"{I2}/regions.py", "@precision.single()", "", "tests/core/test_devices.py -k 'autocast and plain'"),
)  # fmt: skip


def passes(tests: str, root: Path) -> bool:
    """Whether tests pass in a tree; RuntimeError where they cannot be run, or none is there."""
    command = f"{sys.executable} -m pytest -q -x -p no:cacheprovider {tests}"
    done = subprocess.run(command, shell=True, cwd=root, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"pytest {tests} ended with {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return done.returncode == 0


def tried(mutation: Mutation, root: Path) -> str:
    """What becomes of a mutation in a tree, which is then as it was."""
    try:
        before = mutation.apply(root)
    except ValueError as error:
        return f"{BROKEN}: {error}"
    try:
        return SURVIVED if passes(mutation.tests, root) else NOTICED
    except RuntimeError as error:
        return f"{BROKEN}: {error}"
    finally:
        (root / mutation.file).write_text(before, "utf-8")


def main(words: Sequence[str]) -> int:
    """Try them and print a line each."""
    chosen = [each for each in MUTATIONS if not words or any(word in f"{each.file} {each.right}" for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(ROOT, Path(folder) / "tree", ignore=shutil.ignore_patterns(".git", "cache")))
        for tests in dict.fromkeys(each.tests for each in chosen):
            if not passes(tests, root):
                print(f"{BROKEN}: {tests} fails without any change")
                return 2
        found = []
        for each in chosen:
            start = time.perf_counter()
            found.append(tried(each, root))
            seconds = time.perf_counter() - start
            print(f"{found[-1]:<10}{seconds:>5.0f} s  {each.file:<44}{each.right}  ->  {each.wrong or '(nothing)'}")
            sys.stdout.flush()
    print(f"{found.count(NOTICED)} of {len(found)} noticed")
    return 0 if found.count(NOTICED) == len(found) else 2 if any(each.startswith(BROKEN) for each in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
