"""Embeddings: the encoder's own numbers, whatever the batch, the threads and the kills in between."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from asap_core import images
from asap_core.errors import EncoderError, ImageError, SettingsError
from asap_core.learning import embedding, encoder
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.learning.encoder import Encoder, EncoderSettings

ROOT = Path(__file__).parents[3]
SMALL = EmbeddingSettings(batch=4, shard=8, workers=2)


@pytest.fixture(scope="module")
def eye(plain: str) -> Encoder:
    return encoder.open(EncoderSettings(plain, "all", "cpu"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Thirty pictures of several sizes and formats."""
    folder, dice = tmp_path_factory.mktemp("pictures"), np.random.default_rng(11)
    files = [folder / f"{number:02}.{('jpg', 'png', 'webp')[number % 3]}" for number in range(30)]
    for file in files:
        coarse = Image.fromarray(dice.integers(0, 256, (6, 8, 3), np.uint8))
        coarse.resize(tuple(dice.integers(30, 200, 2)), Image.Resampling.BICUBIC).save(file)
    return files


def test_rows_are_what_the_encoder_says_of_each_file(eye: Encoder, files: list[Path], tmp_path: Path):
    seen: list[tuple[int, int]] = []
    made = embedding.embed(eye, files, SMALL, tmp_path, lambda *done: seen.append(done))
    assert made.joint.shape == (30, 24) and made.reading.shape == (30, eye.width)
    assert made.joint.dtype == made.reading.dtype == np.float16
    for row, file in enumerate(files):
        alone = eye.encode(eye.prepare(images.read(file, 32))[None])
        np.testing.assert_allclose(made.reading[row], alone.used[0], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(made.joint[row], alone.joint[0], rtol=1e-3, atol=1e-4)
    assert seen[0] == (0, 30) and seen[-1] == (30, 30) and seen == sorted(seen)


def test_threads_and_shards_change_no_bit(eye: Encoder, files: list[Path], tmp_path: Path):
    settings = (SMALL, EmbeddingSettings(batch=4, shard=4, workers=1), EmbeddingSettings(batch=4, shard=100, workers=5))
    made = [embedding.embed(eye, files, each, tmp_path / f"{row}") for row, each in enumerate(settings)]
    assert len({each.reading.tobytes() for each in made}) == 1
    assert len({each.joint.tobytes() for each in made}) == 1


def test_images_in_memory_are_encoded_as_files_are(eye: Encoder, files: list[Path], tmp_path: Path):
    for equal in (False, True):
        settings = EmbeddingSettings(batch=4, shard=8, equalise=equal)
        kept = embedding.embed(eye, files, settings, tmp_path / str(equal))
        pictures = (embedding.read(file, eye, settings) for file in files)
        made = embedding.encode_images(eye, pictures, settings)
        np.testing.assert_array_equal(made.joint, kept.joint)
        np.testing.assert_array_equal(made.reading, kept.reading)


def test_no_images_are_no_rows(eye: Encoder):
    made = embedding.encode_images(eye, [], SMALL)
    assert made.joint.shape == (0, 24) and made.reading.shape == (0, eye.width)


def test_the_last_reading_is_the_joint_embedding_and_kept_once(plain: str, files: list[Path], tmp_path: Path):
    last = encoder.open(EncoderSettings(plain, "last", "cpu"))
    made = embedding.embed(last, files, SMALL, tmp_path)
    assert made.reading is made.joint
    assert not (tmp_path / "reading.npy").exists()


def test_images_are_taken_no_further_ahead_than_two_batches(eye: Encoder):
    taken, ahead = [], []

    def pictures():
        for _ in range(40):
            taken.append(1)
            yield Image.new("RGB", (40, 40))

    embedding.encode_images(eye, pictures(), SMALL, lambda done, _: ahead.append(len(taken) - done))
    assert 0 <= max(ahead) <= 2 * SMALL.batch


KILLED = """
import os, signal, sys
from pathlib import Path
from asap_core.learning import embedding, encoder
from asap_core.learning.embedding import EmbeddingSettings
config, name, pictures, folder, stop = sys.argv[1:]
encoder.open_clip.add_model_config(config)
eye = encoder.open(encoder.EncoderSettings(name, "all", "cpu"))

def report(done, total):
    if done >= int(stop):
        os.kill(os.getpid(), signal.SIGKILL)

files = sorted(Path(pictures).iterdir())
embedding.embed(eye, files, EmbeddingSettings(batch=4, shard=8, workers=2), Path(folder), report)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_killed_runs_go_on_and_end_with_the_same_bytes(
    eye: Encoder, plain: str, towers: Path, files: list[Path], tmp_path: Path
):
    whole = embedding.embed(eye, files, SMALL, tmp_path / "whole")
    broken = tmp_path / "broken"
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    for stop, kept in ((4, 0), (12, 8), (28, 24)):  # each in the middle of a shard, each going on from the last
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(towers), plain, str(files[0].parent), str(broken), str(stop)],
            cwd=ROOT,
            env=environment,
        )
        assert done.returncode == -signal.SIGKILL
        assert not (broken / "reading.npy").exists()
        assert json.loads((broken / "done.json").read_text())["done"] == kept
    starts: list[int] = []
    made = embedding.embed(eye, files, SMALL, broken, lambda done, _: starts.append(done))
    assert starts[0] == 24
    assert made.reading.tobytes() == whole.reading.tobytes()
    for name in ("joint.npy", "reading.npy"):
        assert (broken / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_file_that_changed_meanwhile_is_named(eye: Encoder, files: list[Path], tmp_path: Path):
    (tmp_path / "spoilt.jpg").write_bytes(b"\xff\xd8\xff and no more")
    for bad in ("spoilt.jpg", "gone.jpg"):
        with pytest.raises(ImageError, match=bad):
            embedding.embed(eye, [*files[:5], tmp_path / bad], SMALL, tmp_path / "out")


def altered(plain: str, file: Path, change: float) -> Encoder:
    """The tiny encoder with its joint projection multiplied."""
    model, _, weights = plain.partition("/")
    state = load_file(weights)
    state["visual.proj"] = state["visual.proj"] * change
    save_file(state, file)
    return encoder.open(EncoderSettings(f"{model}/{file}", "all", "cpu"))


def test_numbers_that_are_not_finite_are_an_error_naming_the_image(plain: str, files: list[Path], tmp_path: Path):
    broken = altered(plain, tmp_path / "broken.safetensors", float("nan"))
    with pytest.raises(EncoderError, match=r"no finite numbers of .*00\.jpg"):
        embedding.embed(broken, files, SMALL, tmp_path / "out")
    with pytest.raises(EncoderError, match="no finite numbers of image 0"):
        embedding.encode_images(broken, [Image.new("RGB", (40, 40))], SMALL)


def test_numbers_beyond_half_precision_stay_finite(plain: str, files: list[Path], tmp_path: Path):
    loud = altered(plain, tmp_path / "loud.safetensors", 1e6)
    made = embedding.embed(loud, files, SMALL, tmp_path / "out")
    assert np.isfinite(made.joint).all() and np.abs(made.joint).max() == np.finfo(np.float16).max


def test_equalised_images_do_not_show_what_files_they_were(eye: Encoder, files: list[Path], tmp_path: Path):
    """The same pictures as large PNG, TIFF and lossless WebP end alike; JPEGs too are decoded in full first."""
    settings = EmbeddingSettings(equalise=True)
    picture = Image.open(files[0]).convert("RGB").resize((400, 300))
    picture.save(tmp_path / "same.png")
    picture.save(tmp_path / "same.tiff")
    picture.save(tmp_path / "same.webp", lossless=True)
    seen = [embedding.read(tmp_path / f"same.{suffix}", eye, settings) for suffix in ("png", "tiff", "webp")]
    picture.save(tmp_path / "same.jpg", quality=100, subsampling="4:4:4")
    photo = embedding.read(tmp_path / "same.jpg", eye, settings)
    assert {each.size for each in (*seen, photo)} == {(32, 32)}
    assert len({each.tobytes() for each in seen}) == 1
    far = np.abs(np.asarray(photo, np.int16) - np.asarray(seen[0], np.int16))
    assert far.mean() < 2
    full = images.read(tmp_path / "same.jpg")
    assert embedding.equalise(full, 32).tobytes() == photo.tobytes()


def test_settings_that_make_no_sense():
    for batch, shard, workers in ((0, 512, None), (64, 100, None), (64, 512, 0)):
        with pytest.raises(SettingsError):
            EmbeddingSettings(batch, shard, workers)
