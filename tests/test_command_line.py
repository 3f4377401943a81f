"""The command line as a person types it: builds, kills, resumes, predicts, refuses."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asap_core import analysis

ROOT = Path(__file__).parents[1]
N = 90


def draw(path: Path, fake: bool, rng: np.random.Generator) -> None:
    """Smooth colours; a fake carries a faint chequer."""
    small = Image.fromarray(rng.integers(0, 255, (4, 4, 3), np.uint8)).resize((64, 64), Image.Resampling.BICUBIC)
    pixels = np.asarray(small, np.float32) + rng.normal(0, 4, (64, 64, 3))
    if fake:
        y, x = rng.integers(0, 32, 2)
        pixels[y : y + 32, x : x + 32] += 14 * ((np.indices((32, 32)).sum(0) % 2) * 2 - 1)[..., None]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path, quality=95)


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """A folder with real/ and two generators, and one file that is no image."""
    root, rng = tmp_path_factory.mktemp("collection") / "photos", np.random.default_rng(5)
    for row in range(N):
        folder = ("real", "real", "stylegan2", "sdxl")[row % 4]
        draw(root / folder / f"{row:03}.jpg", folder != "real", rng)
    (root / "real" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of an image")
    return root


def run(*arguments: object, cache: Path | None = None) -> subprocess.CompletedProcess:
    command = [sys.executable, str(ROOT / "run.py"), *map(str, arguments)]
    command += ["--cache", str(cache)] if cache else []
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def study(photos, tmp_path_factory) -> Path:
    """An analysis built without interruption."""
    folder = tmp_path_factory.mktemp("built")
    done = run("build", photos, "--out", folder / "study", "--encoder", "mini", cache=folder / "cache")
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout and "embedding" in done.stderr
    return folder / "study"


def arrays(folder: Path) -> dict[str, bytes]:
    """What must not depend on interruptions: every array and the weights."""
    built = analysis.load(folder).built
    return {path.name: path.read_bytes() for path in built.iterdir() if path.suffix in (".npy", ".safetensors")}


def test_the_summary_keeps_its_contract(study):
    made = json.loads((study / "summary.json").read_text("utf-8"))
    assert made["counts"] | {"duplicates": 0} == {
        "images": N,
        "found": N,
        "real": 46,
        "fake": 44,
        "skipped": 1,
        "skipped_by_reason": made["counts"]["skipped_by_reason"],
        "duplicates": 0,
        "generators": {"real": 46, "sdxl": 22, "stylegan2": 22},
    }
    assert made["skipped"][0]["path"] == "real/broken.jpg" and made["skipped"][0]["reason"]
    assert set(made["encoder"]) == {"name", "weights", "layers", "width", "grid"}
    assert set(made["verdicts"]) == {
        "accuracy", "balanced_accuracy", "auc", "average_precision", "calibration_error", "inconclusive",
    }  # fmt: skip
    for value, low, high in made["verdicts"].values():
        assert 0 <= low <= value <= high <= 1
    assert made["verdicts"]["auc"][0] > 0.8  # the chequer is seen
    assert set(made["spelling"]) == {"cosine", "retrieval", "auc"}
    assert {"catalogue", "embedding", "spelling", "distiller", "content", "decision"} <= set(made["stages"])
    assert made["peak_memory_mb"] > 100 and made["versions"]["torch"]


def test_an_analysis_opens_with_every_row_in_place(study, photos):
    made = analysis.load(study)
    assert made.is_fake is not None
    for row, path in enumerate(made.paths):
        assert (photos / path).is_file()
        assert made.is_fake[row] == (not path.startswith("real/"))
        assert made.info["generators"][made.arrays["generator"][row]] == path.split("/")[0]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("stage", ["embedding", "words", "content"])
def test_a_killed_build_resumes_to_the_same_bytes(study, photos, tmp_path, stage):
    out = tmp_path / "study"
    command = [sys.executable, str(ROOT / "run.py"), "build", str(photos), "--out", str(out)]
    command += ["--encoder", "mini", "--cache", str(tmp_path / "cache")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as building:
        assert building.stderr is not None
        said = b""
        while stage.encode() not in said:
            piece = os.read(building.stderr.fileno(), 4096)
            assert piece, f"the build ended before {stage}: {said!r}"
            said += piece
        building.send_signal(signal.SIGKILL)
    assert building.returncode == -signal.SIGKILL
    assert not out.exists()
    done = run("build", photos, "--out", out, "--encoder", "mini", cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert arrays(out) == arrays(study)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_finished_build_is_found_again(study, photos):
    done = run("build", photos, "--out", study, "--encoder", "mini", "--json", cache=study.parent / "cache")
    assert done.returncode == 0 and "embedding" not in done.stderr
    assert json.loads(done.stdout) == json.loads((study / "summary.json").read_text("utf-8"))


@pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")
def test_a_folder_is_built_served_and_moved_to_the_next_free_port(study, photos):
    command = [sys.executable, str(ROOT / "run.py"), str(photos), "--encoder", "mini", "--no-browser"]
    command += ["--cache", str(study.parent / "cache"), "--port", "8650"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as first,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as second,
    ):
        assert first.stdout is not None and second.stdout is not None
        addresses = []
        for serving in (first, second):
            said = serving.stdout.readline() if serving.stdout else ""
            addresses.append(re.findall(r"http://127\.0\.0\.1:\d+/", said)[0])
        assert len(set(addresses)) == 2
        for address in addresses:
            with urllib.request.urlopen(address, timeout=30) as page:
                assert page.status == 200 and b"photos" in page.read()
        for serving in (first, second):
            serving.send_signal(signal.SIGINT)
        assert [serving.wait(timeout=30) for serving in (first, second)] == [0, 0]


def test_a_copy_elsewhere_reuses_the_stages_but_shows_its_own_pictures(study, photos, tmp_path):
    shutil.copytree(photos, tmp_path / "moved")
    done = run("build", tmp_path / "moved", "--out", tmp_path / "again", "--encoder", "mini",
               cache=study.parent / "cache")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "again/summary.json").read_text("utf-8"))["stages"]["embedding"]["remembered"]
    assert analysis.load(tmp_path / "again").root == tmp_path / "moved"
    assert arrays(tmp_path / "again") == arrays(study)


def test_predict_judges_new_images(study, tmp_path):
    rng = np.random.default_rng(99)
    for row in range(24):
        draw(tmp_path / "new" / f"{'fake' if row % 2 else 'real'}-{row}.jpg", bool(row % 2), rng)
    (tmp_path / "new" / "empty.png").touch()
    done = run("predict", study, tmp_path / "new", "--csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(rows[0]) == ["path", "is_fake", "score", "logit", "inconclusive", "dimensions"]
    assert len(rows) == 24 and "empty.png" in done.stderr
    for row in rows:
        assert (row["is_fake"] == "true") == (float(row["logit"]) > 0) == (float(row["score"]) > 0.5)
        assert len(row["dimensions"].split()) == 3
    right = sum((row["is_fake"] == "true") == Path(row["path"]).name.startswith("fake") for row in rows)
    assert right >= 17
    (tmp_path / "=1 + 1.jpg").write_bytes((tmp_path / "new" / "real-0.jpg").read_bytes())
    command = [sys.executable, str(ROOT / "run.py"), "predict", str(study), "=1 + 1.jpg", "--csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True)
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert row["path"] == "./=1 + 1.jpg" and (tmp_path / row["path"]).is_file()
    plain = run("predict", study, tmp_path / "new" / "real-0.jpg")
    assert plain.returncode == 0 and plain.stdout.startswith("verdict")


def test_images_of_unknown_origin_are_explored_with_another_detector(study, photos, tmp_path):
    out = tmp_path / "unknown"
    done = run("build", photos / "sdxl", "--unlabelled", "--using", study, "--out", out, cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    made = analysis.load(out)
    assert made.is_fake is None and made.n == 22
    assert "not known" in " ".join(made.info["notes"])
    assert json.loads((out / "summary.json").read_text("utf-8"))["verdicts"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["build", "{tmp}/nowhere"], 1, "does not exist"),
        (["build", "{tmp}/odd"], 1, "real/"),
        (["build", "{tmp}/tiny", "--encoder", "mini"], 1, "20"),
        (["build", "{photos}", "--encoder", "nonsense"], 1, "nonsense"),
        (["build", "{photos}", "--out", "{tmp}/odd"], 1, "nothing was written"),
        (["build", "{photos}", "--unlabelled"], 1, "--using"),
        (["build", "{photos}", "--limit", "0"], 2, "at least 1"),
        (["build"], 2, "SOURCE"),
        (["serve", "{tmp}/nowhere"], 1, "no analysis"),
        (["predict", "{tmp}/nowhere", "x.jpg"], 1, "no analysis"),
    ],
)
def test_bad_input_gets_plain_words(photos, tmp_path, arguments, code, says):
    rng = np.random.default_rng(1)
    for row in range(4):
        draw(tmp_path / "odd" / ("left", "right")[row % 2] / f"{row}.jpg", False, rng)
        draw(tmp_path / "tiny" / ("real", "fake")[row % 2] / f"{row}.jpg", row % 2 == 1, rng)
    done = run(*(each.format(tmp=tmp_path, photos=photos) for each in arguments))
    assert done.returncode == code, done.stderr
    assert says in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals as a terminal sends them")
def test_ctrl_c_leaves_nothing_half_written(photos, tmp_path):
    command = [sys.executable, str(ROOT / "run.py"), "build", str(photos), "--out", str(tmp_path / "study")]
    command += ["--encoder", "mini", "--cache", str(tmp_path / "cache")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as building:
        assert building.stderr is not None
        said = b""
        while b"embedding" not in said:
            said += os.read(building.stderr.fileno(), 4096)
        building.send_signal(signal.SIGINT)
        said += building.stderr.read()
    assert building.returncode == 1
    assert b"stopped" in said and b"Traceback" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]
