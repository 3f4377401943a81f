"""Training of the embedded encoder: what it is told, what it is asked, and that it learns and resumes."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from asap_core import demo
from asap_core.errors import SettingsError
from asap_core.learning import mini, trunk
from asap_core.learning.pretrain import __main__ as command
from asap_core.learning.pretrain import captions, examples, losses, pool, training
from asap_core.learning.pretrain.examples import RoundSettings
from asap_core.learning.pretrain.pool import Pool
from asap_core.learning.pretrain.training import Trainer, TrainingSettings
from asap_core.portrait.person import person

SMALL = RoundSettings(photos=8, views=2, portraits=26, worded=0.5, alone=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plain colours in real/red, real/blue, fake/red and fake/blue, 24 px, ten of each."""
    root, rng = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for label in ("real", "fake"):
        for colour in ("red", "blue"):
            (root / label / colour).mkdir(parents=True)
            for number in range(10):
                shade = np.array(Image.new("RGB", (24, 24), colour)) * 0.7 + rng.integers(0, 60, (24, 24, 3))
                Image.fromarray(shade.astype(np.uint8)).save(root / label / colour / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return Trainer(TrainingSettings(minutes=0.05, batch=16, classes=12))


@pytest.fixture(scope="module")
def drawn(folder: Path, trainer: Trainer, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    given = [examples.photos(str(folder))]
    place = tmp_path_factory.mktemp("pool") / "pool"
    return pool.draw(place, trunk.load(), trainer.name, given, SMALL, 3)


def test_a_caption_tells_what_is_seen_and_never_who_made_it():
    for number in range(40):
        who, rng = person(5, number), np.random.default_rng(number)
        said = captions.of_person(who, rng)
        assert set(said.replace(",", "").split()) <= set(demo.caption(who).replace(",", "").split())
        assert captions.with_word(said, "Apple").endswith(', with the word "apple" written on it')
    for phrase in (text for each in captions.QUESTIONS.values() for text in each.values()):
        assert not {"real", "fake", "generated", *demo.NAMES.values()} & {phrase, *phrase.split()}
    assert captions.of_category("African_elephant") == "an african elephant"


def test_every_answer_of_a_portrait_is_among_its_questions_phrases():
    answered = set()
    for number in range(200):
        for question, answer in captions.answers(person(6, number)).items():
            assert answer in captions.QUESTIONS[question]
            answered.add(question)
    assert answered == set(captions.QUESTIONS)


def test_a_fourth_of_the_photographs_is_held_out_and_labels_are_read_past(folder: Path):
    told, kept = examples.photos(str(folder)), examples.photos(str(folder), held_out=True)
    assert len(told.files) + len(kept.files) == 40 and 2 <= len(kept.files) <= 20
    assert not set(told.files) & set(kept.files) and all(examples.is_held_out(file) for file in kept.files)
    for file, thing in zip(told.files, told.things, strict=True):
        assert thing == f"a {file.parent.name}"  # the category; nothing of real/ or fake/
    assert set(examples.photos(f"{folder}=a colour").things) == {"a colour"}


def test_photographs_without_categories_are_left_to_the_trunk(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "fake").mkdir()
    for number in range(4):
        for label in ("real", "fake"):
            Image.new("RGB", (30, 30), (number * 60, 0, 0)).save(tmp_path / label / f"{number}.png")
    assert set(examples.photos(str(tmp_path)).things) == {""}
    example = examples.Example(Image.new("RGB", (30, 30), "green"), "")
    seen = pool.look(trunk.load(), lambda features: ["tabby_cat"] * len(features), [example])
    assert seen["said"] == ["a tabby cat"]


def test_a_pool_holds_what_the_trunk_sees(drawn: Pool, folder: Path, trainer: Trainer, tmp_path: Path):
    n = len(drawn)
    assert n == 8 + SMALL.portraits + round(SMALL.alone * SMALL.portraits)
    assert [each.shape for each in (*drawn.maps, drawn.last)] == [(n, 40, 12, 12), (n, 112, 12, 12), (n, 320, 6, 6)]
    portraits = (drawn.answers >= 0).any(1)
    assert portraits.sum() == SMALL.portraits
    np.testing.assert_array_equal(portraits, (drawn.parts != examples.UNKNOWN).any((1, 2)))
    worded = [bool(word) for word in drawn.words]
    assert 5 < sum(worded) < n - 5
    given = [examples.photos(str(folder))]
    again = pool.draw(tmp_path / "again", trunk.load(), trainer.name, given, SMALL, 3)
    assert (again.said, again.words) == (drawn.said, drawn.words)
    for one, other in zip(drawn.maps, again.maps, strict=True):
        np.testing.assert_array_equal(one, other)


def test_parts_are_counted_by_the_position():
    parts = np.zeros((160, 160), np.uint8)
    parts[:, 80:] = 3
    parts[:80, :8] = 5  # half of the first column of positions, and a little more
    grid = examples.on_grid(parts, 12)
    assert (grid[:, 6:] == 3).all() and (grid[6:, :6] == 0).all()
    assert (grid[:6, 0] == 5).all() and (grid[:6, 1:6] == 0).all()


def test_contrast_is_a_cross_entropy_both_ways_between_images_and_shared_captions():
    cosines, own, scale = torch.randn(5, 3, dtype=torch.float64), torch.tensor([0, 2, 2, 0, 2]), torch.tensor(3.0)
    z = (scale * cosines).numpy()  # nobody has caption 1
    images = -np.mean([z[i, own[i]] - math.log(sum(math.exp(each) for each in z[i])) for i in range(5)])
    texts = []
    for caption in (0, 2):
        having = [i for i in range(5) if own[i] == caption]
        texts.append(np.mean([math.log(sum(math.exp(each) for each in z[:, caption])) - z[i, caption] for i in having]))
    expected = (images + np.mean(texts)) / 2
    assert losses.contrast(cosines, own, scale).item() == pytest.approx(expected)


def test_likeness_weighs_by_what_was_wanted_and_choice_skips_what_was_not_answered():
    cosines, scale = torch.randn(4, 3, dtype=torch.float64), torch.tensor(2.0)
    wanted = torch.tensor([[0.5, 0.2, 0.0], [0.0, 0.0, 0.0], [0.1, 0.1, 0.1], [0.0, 0.9, 0.0]], dtype=torch.float64)
    z = (scale * cosines).numpy()
    told = z - np.log(np.exp(z).sum(1, keepdims=True))
    assert losses.likeness(cosines, wanted, scale).item() == pytest.approx(-(wanted.numpy() * told).sum() / 1.9)
    answer = torch.tensor([2, -1, 0, -1])
    expected = -(told[0, 2] + told[2, 0]) / 2
    assert losses.choice(cosines, answer, scale).item() == pytest.approx(expected)
    assert losses.choice(cosines, torch.full((4,), -1), scale).item() == 0


def test_training_on_kept_maps_is_training_the_model(drawn: Pool, trainer: Trainer):
    trainer.subset.kept = None
    rows = np.arange(4)
    whole = mini.build(trainer.trunk).eval()
    state = trainer.model.state_dict()
    missing, unexpected = whole.load_state_dict(state, strict=False)
    assert not unexpected and not any(mini.ours(name) for name in missing)
    blank = torch.zeros(1, 3, mini.SIZE, mini.SIZE)
    with torch.inference_mode():
        fed, tokens = trainer.model.visual(trainer.maps(drawn, rows))
        assert fed.shape == (4, 256) and tokens.shape == (4, 144, 256)
        torch.testing.assert_close(trainer.model.visual(trainer.trunk.begin(blank))[0], whole.visual(blank))


def test_a_subset_keeps_the_class_token_and_some_positions():
    subset, tokens = training.Subset(), torch.arange(10.0).reshape(1, 10, 1)
    assert torch.equal(subset(tokens), tokens)
    subset.kept = torch.tensor([1, 4])
    assert subset(tokens).flatten().tolist() == [0.0, 2.0, 5.0]


def test_steps_teach_and_a_checkpoint_goes_on(drawn: Pool, tmp_path: Path):
    settings = TrainingSettings(minutes=1, batch=16, classes=12, warm=2)
    trainer = Trainer(settings)
    trainer.standardise(drawn)
    before = {name: value.clone() for name, value in trainer.trunk.state_dict().items()}
    found = [sum(trainer.take([drawn]).values()) for _ in range(14)]
    assert np.mean(found[-3:]) < np.mean(found[:3])
    assert all(torch.equal(before[name], value) for name, value in trainer.trunk.state_dict().items())
    assert not torch.equal(before["tail.0.conv_pw.weight"], trainer.model.state_dict()[mini.TAIL + "0.conv_pw.weight"])
    assert 20 < trainer.seen.sum() < 2000 and trainer.seen[mini.tokenize(["a man"])[0, :3]].all()
    trainer.elapsed = 7.0
    trainer.save(tmp_path)
    other = Trainer(settings)
    assert not other.resume(tmp_path / "nowhere") and other.resume(tmp_path)
    assert (other.step, other.elapsed) == (14, 7.0) and torch.equal(other.seen, trainer.seen)
    for one, two in zip(trainer.model.state_dict().values(), other.model.state_dict().values(), strict=True):
        assert torch.equal(one, two)


def test_a_run_ends_with_its_minutes_or_its_steps(drawn: Pool):
    trainer = Trainer(TrainingSettings(minutes=2, rounds=2, steps=10, batch=16, classes=12, warm=1))
    for elapsed, step, expected in ((30.0, 4, 0.25), (12.0, 10, 0.5), (12.0, 20, 1.0), (500.0, 3, 1.0)):
        trainer.elapsed, trainer.step = elapsed, step
        assert trainer.through == expected
        trainer.take([drawn])
        at = trainer.optimiser.param_groups[0]["lr"]
        assert at == pytest.approx(1e-3 * (1 + math.cos(math.pi * expected)) / 2)
    trainer.elapsed, trainer.settings = 30.0, TrainingSettings(minutes=2, rounds=2)
    assert trainer.through == 0.25


def test_depth_and_width_are_settings_and_a_frozen_tail_stays_as_it_is(drawn: Pool, tmp_path: Path):
    settings = TrainingSettings(minutes=1, batch=16, classes=12, warm=2, blocks=1, width=128, tail=0.0)
    trainer = Trainer(settings)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.take([drawn])
    changed = {name for name, value in trainer.model.state_dict().items() if not torch.equal(before[name], value)}
    assert changed and not any(name.startswith(mini.TAIL) for name in changed)
    mini.save(trainer.model, trainer.seen, tmp_path / "small.safetensors")
    again: Any = mini.load(tmp_path / "small.safetensors")
    assert len(again.visual.transformer.resblocks) == 1 and again.visual.class_embedding.shape == (128,)
    started = Trainer(TrainingSettings(), tmp_path / "small.safetensors")
    assert started.visual.proj.shape == (128, 256)


def test_the_command_trains_looks_and_keeps_the_best(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    asked = [str(folder), "--out", str(tmp_path / "run"), "--steps", "2", "--rounds", "2", "--portraits", "26"]
    assert command.main([*asked, "--photos", "6", "--batch", "8", "--start", str(mini.FILE)]) == 0
    kept = Path(capsys.readouterr().out.strip())
    mini.load(kept)
    lines = [json.loads(each) for each in (tmp_path / "run" / "figures.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert {"glasses", "parts", "mean"} <= lines[-1].keys() and "captions" in lines[-1]["losses"]
    assert {each.name for each in (tmp_path / "run").glob("pool-*")} == {"pool-0", "pool-1"}
    for wrong, said in (("--minutes 0", "more than none"), ("--width 100", "multiple of 64"), ("--blocks 0", "one")):
        with pytest.raises(SettingsError, match=said):
            command.train(command.command_line().parse_args([str(folder), *wrong.split()]))
