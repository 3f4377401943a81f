"""The model card says what the committed weights do: figures measured again on images that it did not see."""

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from asap_core import images
from asap_core.learning import embedding, encoder, mini, weights
from asap_core.learning.embedding import EmbeddingSettings
from asap_core.learning.encoder import Encoder, EncoderSettings
from asap_core.learning.pretrain import captions, examples
from asap_core.learning.pretrain.examples import RoundSettings

CARD = mini.FILE.with_name("MINI.md").read_text("utf-8")
SHARED = Path(__file__).parents[3] / "../shared/data"
SLICE = 200
NEW = 900_001  # a seed of portraits that neither training nor the card's figures drew from


@pytest.fixture(scope="module")
def eye() -> Encoder:
    return encoder.open(EncoderSettings("mini", "last", "cpu"), text=True)


def figure(name: str) -> float:
    """A share in one of the card's tables, 0 to 1."""
    row = re.search(rf"^\| {re.escape(name)} \| ([\d.]+) %", CARD, re.MULTILINE)
    assert row, f"the card has no row {name!r}"
    return float(row[1]) / 100


def agrees(right: np.ndarray, told: float) -> bool:
    """Whether a slice's share of right answers can be the card's: within four standard errors and an image."""
    return abs(right.mean() - told) < 4 * np.sqrt(told * (1 - told) / len(right)) + 1 / len(right)


def seen(eye: Encoder, pictures: list) -> np.ndarray:
    joint = embedding.encode_images(eye, pictures, EmbeddingSettings()).joint.astype(np.float32)
    return joint / np.linalg.norm(joint, axis=1, keepdims=True)


def test_portraits_answer_as_the_card_says(eye: Encoder):
    made = list(examples.portraits(NEW, RoundSettings(portraits=SLICE)))
    joint = seen(eye, [each.image for each in made])
    for question in ("smile", "glasses", "hair colour", "sex", "background"):
        phrases = captions.QUESTIONS[question]
        rows = [row for row, each in enumerate(made) if question in each.answers]
        truth = [list(phrases).index(made[row].answers[question]) for row in rows]
        right = (joint[rows] @ eye.describe(list(phrases.values())).T).argmax(1) == truth
        assert agrees(right, figure(f"portraits, {question} of {len(phrases)}")), (question, right.mean())


def test_categories_are_told_as_the_card_says(eye: Encoder, tmp_path: Path):
    archive = SHARED / "cifake-test.zip"
    if not archive.is_file():
        pytest.skip(f"no {archive}: CIFAKE's photographs are needed")
    with zipfile.ZipFile(archive) as file:
        real = sorted(name for name in file.namelist() if "/REAL/" in f"/{name}" and name.endswith(".jpg"))
        chosen = [real[row] for row in np.random.default_rng(7).permutation(len(real))[:SLICE]]
        joint = seen(eye, [images.read(file.read(name)) for name in chosen])
    names = sorted({name.split("/")[-2] for name in real})
    said = [eye.describe([each.format(captions.of_category(name)) for name in names]) for each in captions.TEMPLATES]
    right = (joint @ np.mean(said, 0).T).argmax(1) == [names.index(name.split("/")[-2]) for name in chosen]
    assert len(names) == 10 and agrees(right, figure("CIFAR categories, zero-shot")), right.mean()


def test_the_card_names_the_weights():
    assert f"sha256 {weights.sha256(mini.FILE)[:16]}" in CARD
    assert f"{mini.FILE.stat().st_size / 1e6:.1f} MB" in CARD
