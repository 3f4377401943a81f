"""While an analysis is replaced, readers find the old one or the new one whole; who has the old one open goes on."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from asap_core import analysis, findings, tags
from asap_core.errors import AnalysisError
from tests import toy

ROOT = Path(__file__).parents[2]
SAVING = """
import sys
from pathlib import Path
from tests import toy
from asap_core import analysis
folder, turn = Path(sys.argv[1]), int(sys.argv[2])
while True:
    turn += 1
    n = 200 + turn % 50
    arrays = toy.arrays(n, turn)
    arrays["logits"][:] = turn
    facts = toy.info(arrays, folder.parent / "images", True) | {"fingerprint": f"turn{turn}"}
    paths = [f"{turn}/{row}" for row in range(n)]
    analysis.save(folder, facts, paths, {}, arrays, b"weights", {"turn": turn})
    print(turn, flush=True)
"""


def check(folder: Path) -> int:
    """Every part of what is loaded is of one save; which."""
    made = analysis.load(folder)
    turn = int(made.info["fingerprint"].removeprefix("turn"))
    assert made.n == 200 + turn % 50 and (made.logits == turn).all() and made.summary == {"turn": turn}
    assert {path.split("/")[0] for path in made.paths} == {str(turn)}
    return turn


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_killed_at_any_moment_there_is_an_analysis_and_all_notes(tmp_path: Path):
    folder, dice, turn = tmp_path / "study", random.Random(0), 0
    for kill in range(11):
        command = [sys.executable, "-c", SAVING, str(folder), str(turn)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as saving:
            assert saving.stdout is not None
            turn = int(saving.stdout.readline())
            end = time.monotonic() + dice.uniform(0, 0.3)
            while time.monotonic() < end:  # readers meanwhile
                assert check(folder) >= turn
            saving.send_signal(signal.SIGKILL)
        turn = check(folder)
        made = analysis.load(folder)
        for earlier in range(kill):
            assert f"kill {earlier}" in {*tags.read(made), *tags.lost(made)}
        assert len(tags.lost(made)) == kill  # toy images are others at every turn
        tags.change(made, f"kill {kill}", range(5), add=True)
        assert len(list((folder / "builds").iterdir())) <= 3  # this one, the one before, a draft
    analysis.save(folder, **parts(7))
    assert len(list((folder / "builds").iterdir())) == 2  # drafts of what was killed are gone


def parts(seed: int, fingerprint: str = "last") -> dict:
    arrays = toy.arrays(30, seed)
    facts = toy.info(arrays, Path("/images"), True) | {"fingerprint": fingerprint}
    return {"info": facts, "paths": [f"{row}" for row in range(30)], "metadata": {}, "arrays": arrays,
            "weights": b"", "summary": {"seed": seed}}  # fmt: skip


def test_the_build_before_stays_until_the_next_and_is_opened_as_itself(tmp_path: Path):
    folder, opened = tmp_path / "study", []
    for seed in range(3):
        analysis.save(folder, **parts(seed, f"fp{seed}"))
        opened.append(analysis.load(folder))
        (opened[-1].derived / "texts").mkdir(parents=True)
        assert not analysis.is_replaced(opened[-1])
    first, second, third = opened
    assert analysis.is_replaced(first) and analysis.is_replaced(second)
    again = analysis.load(second.built)
    assert again.fingerprint == "fp1" and again.folder == folder and (again.logits == second.logits).all()
    assert again.built == second.built and again.notes == folder / "notes"
    assert second.derived.is_dir() and third.derived.is_dir() and not first.derived.exists()
    with pytest.raises(AnalysisError, match=r"newer ones took its place; .*serve .*study again"):
        analysis.load(first.built)
    assert json.loads((folder / "summary.json").read_text()) == {"seed": 2}


def test_the_files_of_a_build_have_their_digests(tmp_path: Path):
    from asap_core import storage

    made = toy.make(tmp_path, 30, drawn=1)
    files = {file.name: storage.digest(file) for file in made.built.iterdir() if file.name != "analysis.json"}
    assert made.info["files"] == files and {"rows.json", "digest.npy", "weights.safetensors", "summary.json"} <= set(
        files
    )
    assert made.info["version"] == 2 and made.built.name == made.info["build"]


def test_two_who_save_at_once_leave_one_whole_analysis(tmp_path: Path):
    code = SAVING.replace("while True:", "for _ in range(5):")
    command = [sys.executable, "-c", code, str(tmp_path / "study")]
    savers = [subprocess.Popen([*command, start], cwd=ROOT, stdout=subprocess.DEVNULL) for start in ("100", "300")]
    assert [each.wait(120) for each in savers] == [0, 0]
    assert check(tmp_path / "study") in (105, 305)
    assert len(list((tmp_path / "study" / "builds").iterdir())) == 2


def test_a_first_save_that_was_killed_does_not_stand_in_the_way(tmp_path: Path):
    left = tmp_path / "study" / "builds" / "0123456789ab-01234567"
    left.mkdir(parents=True)
    (left / "logits.npy").write_bytes(b"half")
    analysis.save(tmp_path / "study", **parts(0))
    assert analysis.load(tmp_path / "study").n == 30 and not left.exists()
    for name in ("builds/mine", "notes", "derived"):
        other = tmp_path / name.replace("/", "-")
        (other / name).mkdir(parents=True)
        (other / name / "thesis.txt").write_text("precious")
        with pytest.raises(AnalysisError, match="nothing was written"):
            analysis.save(other, **parts(0))
        assert (other / name / "thesis.txt").read_text() == "precious"


def test_what_another_build_derived_is_never_mixed_up(tmp_path: Path):
    made = toy.make(tmp_path, 120, drawn=1)
    place = toy.found(made)
    toy.explained(made)
    analysis.save(made.folder, **parts(1, "other"))
    other = analysis.load(made.folder)
    assert findings.folder_in(other) != findings.folder_in(made) and not findings.folder_in(other).exists()
    assert findings.read(place) is not None  # who has the old one open goes on
    assert np.asarray(made.logits).shape == (120,)
