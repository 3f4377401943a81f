"""One flipped bit is noticed wherever it is, a kill is no damage, and what is said names the file and what mends it."""

import json
import random
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from asap_core import analysis, edits, inspection, integrity, texts, trust
from asap_core.analysis import Analysis
from asap_core.errors import AnalysisError
from asap_core.identification import store
from asap_core.maps import Maps
from tests import toy

ROOT = Path(__file__).parents[2]
FLIPS = 12  # places tried in each file


@pytest.fixture
def whole(tmp_path: Path) -> Analysis:
    """A toy with every store that there is."""
    made = toy.make(tmp_path, 60, drawn=2)
    toy.explained(made)
    edits.keep_measured(toy.found(made, "fake"), (0, 3), np.arange(4), np.ones((4, 2)))
    texts.keep(made, "a dog on the moon", np.ones(8, np.float32))
    trust.write(made, {"fingerprint": made.fingerprint, "images": 3, "methods": {}})
    notes = sqlite3.connect(_folder(made.notes) / "notes.sqlite")
    notes.execute("CREATE TABLE tags (name TEXT)")
    notes.commit()
    notes.close()
    weights = np.random.default_rng(0).bytes(5000)
    (made.built / "weights.safetensors").write_bytes(weights)
    toy.resealed(made.folder)
    return analysis.load(made.folder)


def _folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def flipped(file: Path, dice: random.Random, within: int | None = None) -> bytes:
    """Flip one bit at a random place (among the first bytes, where `within`); what the file held before."""
    body = file.read_bytes()
    damaged = bytearray(body)
    damaged[dice.randrange(min(within or len(body), len(body)))] ^= 1 << dice.randrange(8)
    file.write_bytes(damaged)
    return body


def files(made: Analysis) -> list[Path]:
    """All that is verified."""
    beside = [made.derived / name for name in ("relevance", "patterns", "texts")]
    found = [made.folder / "analysis.json", *(made.built / name for name in made.info["files"])]
    found += [file for folder in beside for file in folder.rglob("[!.]*") if file.is_file()]
    return sorted({*found, made.derived / trust.FILE})


def test_a_flipped_bit_is_noticed_in_every_file(whole: Analysis):
    assert inspection.inspect(whole.folder).broken == ()
    dice, tried = random.Random(13), files(whole)
    kinds = {file.suffix for file in tried}
    assert len(tried) > 35 and kinds == {".json", ".npy", ".npz", ".safetensors"}
    for file in tried:
        for turn in range(FLIPS):
            body = flipped(file, dice, within=(None, 130)[turn % 2])
            found = inspection.inspect(whole.folder).broken
            near = {each.file.parent for each in found} if "relevance" in file.parts else {each.file for each in found}
            assert (file.parent if "relevance" in file.parts else file) in near, file
            assert all(each.found and each.expected and each.mend for each in found)
            file.write_bytes(body)
    assert inspection.inspect(whole.folder).broken == ()


def test_what_is_opened_notices_it_at_once(whole: Analysis):
    dice = random.Random(14)
    for name in ["analysis.json", *whole.info["files"]]:
        file = whole.folder / name if name == "analysis.json" else whole.built / name
        for turn in range(FLIPS):
            body = flipped(file, dice, within=(None, 130)[turn % 2])
            with pytest.raises(AnalysisError, match=r"run\.py build") as said:
                analysis.load(whole.folder)
            assert name in str(said.value) or name == "analysis.json"
            file.write_bytes(body)
    assert analysis.load(whole.folder).n == 60


def test_large_files_are_left_to_the_background_and_a_missing_one_is_not(tmp_path: Path):
    made = toy.make(tmp_path, 40, drawn=1)
    large = made.built / "joint.npy"
    np.save(large, np.zeros((40, integrity.SMALL // 40), np.float16))
    toy.resealed(made.folder)
    flipped(large, random.Random(1))
    assert analysis.load(made.folder).n == 40
    (broken,) = analysis.damage(made := analysis.load(made.folder))
    assert broken.file == large and broken.mend == made.again
    assert inspection.inspect(made.folder).broken == (broken,)
    (made.built / "is_fake.npy").unlink()
    with pytest.raises(AnalysisError, match=r"is_fake\.npy is damaged: found no such file"):
        analysis.load(made.folder)


def test_rows_of_maps_are_verified_as_they_are_read(whole: Analysis):
    place = store.place(whole, "direct")
    for name in ("maps", "remainder", "profile", "box"):
        kept = store.read(whole, "direct")
        assert kept is not None
        array = getattr(kept, name)
        width, body = array[0].nbytes, (place / f"{name}.npy").read_bytes()
        damaged = bytearray(body)
        damaged[len(body) - array.nbytes + 7 * width + 1] ^= 4  # of row 7
        (place / f"{name}.npy").write_bytes(damaged)
        maps = Maps.of(whole)
        assert maps is not None
        assert maps.unusual([6, 8])[0].shape[0] == 2
        for read in (lambda maps=maps: maps.unusual([7]), lambda maps=maps: maps.box(7)):
            with pytest.raises(AnalysisError, match=r"row 7.*delete it"):
                read()
        (broken,) = inspection.inspect(whole.folder).broken
        assert "row 7" in broken.found and "--relevance all" in broken.mend
        (place / f"{name}.npy").write_bytes(body)


def test_sensitivities_are_verified_as_they_are_read(whole: Analysis):
    file = store.place(whole, "direct") / "sensitivity.npy"
    kept, body = store.read(whole, "direct"), file.read_bytes()
    assert kept is not None and np.isfinite(kept.sensitivity).all()
    for bit in range(64):  # of the value, and of its checksum
        damaged = bytearray(body)
        damaged[len(body) - 8 * 60 + 8 * 5 + bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        damaged_store = store.read(whole, "direct")
        assert damaged_store is not None
        with pytest.raises(AnalysisError, match="row 5"):
            _ = damaged_store.sensitivity
    file.write_bytes(body)


def test_numbers_that_are_not_finite_are_told(whole: Analysis):
    kept = store.open_for_writing(whole, "direct", 4)
    rest = [each[3:4] for each in (kept.remainder, kept.profile, kept.box)]
    kept.write([3], np.full(kept.maps[:1].shape, np.nan), *rest)
    (broken,) = inspection.inspect(whole.folder).broken
    assert "not finite" in broken.found and "row 3" in broken.found


def test_a_killed_write_is_no_damage(whole: Analysis):
    """Whatever of a row is on disk when its checksum is not."""
    kept = store.open_for_writing(whole, "libra", 4)
    ones = [np.ones_like(each[:1]) for each in (kept.maps, kept.remainder, kept.profile, kept.box)]
    kept.write([2], *ones)
    for array, one in zip((kept.maps, kept.remainder, kept.profile, kept.box), ones, strict=True):
        array[5:6] = one
        array.flush()  # pyright: ignore
        assert inspection.inspect(whole.folder).broken == ()
        again = store.read(whole, "libra")
        assert again is not None and np.flatnonzero(again.done).tolist() == [2]
    for name in (".rows.json-1", "patterns/.abc-1/row.npy", "texts/.x", "relevance/direct/.maps.npy"):
        file = whole.derived / name
        _folder(file.parent)
        file.write_bytes(b"half a fi")
    assert inspection.inspect(whole.folder).broken == ()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_store_killed_as_it_is_written_is_whole(tmp_path: Path):
    made = toy.make(tmp_path, 60, drawn=1)
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from asap_core import analysis; from asap_core.identification import store\n"
        "made = analysis.load(Path(sys.argv[1])); kept = store.open_for_writing(made, 'direct', 4)\n"
        "print('begun', flush=True)\n"
        "dice = np.random.default_rng(0)\n"
        "while True:\n"
        "    rows = dice.integers(0, 60, 20)\n"
        "    rows = np.unique(rows[~kept.done[rows]])\n"
        "    if not len(rows): kept.check[:] = 0; continue\n"
        "    arrays = (kept.maps, kept.remainder, kept.profile, kept.box)\n"
        "    kept.write(rows, *(dice.normal(size=each[rows].shape) for each in arrays))\n"
        "    kept.weigh(rows, dice.random(len(rows)))\n"
    )
    dice = random.Random(0)
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", code, made.folder], cwd=ROOT, stdout=subprocess.PIPE) as writing:
            assert writing.stdout is not None and writing.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                writing.wait(dice.uniform(0.02, 0.3))
            writing.kill()
        assert inspection.inspect(made.folder).broken == ()


def test_damage_of_stores_is_said_where_they_are_opened(whole: Analysis):
    (text,) = (whole.derived / texts.FOLDER).glob("*.npy")
    flipped(text, random.Random(3))
    with pytest.raises(AnalysisError, match="delete it"):
        texts.known(whole, "a dog on the moon")
    flipped(store.place(whole, "direct") / store.REFERENCE, random.Random(3))
    with pytest.raises(AnalysisError, match=r"reference\.npz is damaged"):
        Maps.of(whole)
    flipped(whole.derived / trust.FILE, random.Random(3))
    assert trust.read(whole) is None


def test_a_sealed_text_is_read_only_as_it_was_written():
    content = {"a": [1, 0.1, "ü", None], "b": {"c": True}}
    text = integrity.seal(content)
    assert integrity.unseal(text) == content
    for other in (text + "\n", text.replace("0.1", "0.10"), text.replace("ü", "u"), json.dumps(content), "[]"):
        with pytest.raises(ValueError, match="checksum"):
            integrity.unseal(other)


def test_a_database_of_notes_is_looked_at(whole: Analysis):
    (whole.notes / "notes.sqlite").write_bytes(b"no database" * 100)
    (broken,) = inspection.inspect(whole.folder).broken
    assert broken.file.name == "notes.sqlite" and "copy" in broken.mend


def check(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "run.py", "check", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_says_what_is_broken_and_what_mends_it(whole: Analysis, tmp_path: Path):
    done = check(whole.folder)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 1 and not done.stderr.strip()
    flipped(whole.built / "content.npy", random.Random(5))
    (found,) = (whole.derived / "patterns").glob("*/row.npy")
    flipped(found, random.Random(5))
    done = check(whole.folder)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    for said in ("content.npy", "row.npy", "run.py build", f"run.py patterns {whole.folder} --of fake"):
        assert said in done.stdout
    told = json.loads(check(whole.folder, "--json").stdout)
    assert [Path(each["file"]).name for each in told["broken"]] == ["content.npy", "row.npy"]
    assert set(told["broken"][0]) == {"file", "found", "expected", "mend"}
    (whole.folder / "analysis.json").write_text("{")
    done = check(whole.folder, "--json")
    assert done.returncode == 1 and Path(json.loads(done.stdout)["broken"][0]["file"]).name == "analysis.json"
    done = check(tmp_path / "nowhere")
    assert done.returncode == 1 and "no analysis" in done.stderr and not done.stdout


def test_what_was_damaged_is_built_again_by_what_is_said(flawed: Path, tmp_path: Path):
    """A build's own command, as it is said; only the stages that are remembered elsewhere make it quick."""
    folder = shutil.copytree(flawed, tmp_path / "study with blanks")
    large = analysis.load(folder).built / "weights.safetensors"
    flipped(large, random.Random(6))
    (broken,) = inspection.inspect(folder).broken
    said = re.fullmatch(r"build it again: (python run\.py build .*)", broken.mend)
    assert said
    command = said[1].replace("python", sys.executable, 1) + f" --cache {flawed.parent / 'cache'}"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert inspection.inspect(folder).broken == ()


def test_damaged_weights_judge_nothing(flawed: Path, tmp_path: Path):
    from asap_core.learning.detector import Detector

    folder = shutil.copytree(flawed, tmp_path / "study")
    assert Detector.of(folder).matrix.size
    flipped(analysis.load(folder).built / "weights.safetensors", random.Random(7))
    with pytest.raises(AnalysisError, match=r"weights\.safetensors is damaged"):
        Detector.of(folder)
