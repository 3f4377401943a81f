"""The demo collection on disk: the same bytes every time, complete or not there, and clean of file facts."""

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from asap_core import demo
from asap_core.demo import DemoSettings
from asap_core.errors import SettingsError
from asap_core.portrait import flaws, person

SMALL = DemoSettings(count=32, size=64, seed=5, workers=1)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return demo.draw(tmp_path_factory.mktemp("demo") / "small", SMALL)


def test_same_bytes_from_one_worker_or_two(small, tmp_path):
    done: list[tuple[int, int]] = []
    settings = DemoSettings(SMALL.count, SMALL.size, SMALL.seed, workers=2)
    again = demo.draw(tmp_path / "again", settings, lambda *progress: done.append(progress))
    assert contents(again.parent) == contents(small.parent)
    assert done[-1] == (32, 32) and done == sorted(done)


def test_manifest_lists_everything_in_its_place(small):
    rows = rows_of(small)
    assert tuple(rows[0]) == demo.COLUMNS
    assert Counter(row["generator"] for row in rows) == {"real": 16, "upsampler": 8, "denoiser": 8}
    files = {path for path in contents(small.parent) if not path.startswith(".masks/")}
    assert files == {row["path"] for row in rows} | {"manifest.csv"}
    for row in rows:
        index = int(Path(row["path"]).stem)
        assert row["generator"] == demo.generator(SMALL.seed, index) == Path(row["path"]).parts[0]
        assert row["label"] == ("real" if row["generator"] == "real" else "fake")
        assert row["caption"] == person.caption(person.person(SMALL.seed, index))
        assert row["hair_colour"] == person.person(SMALL.seed, index).hair_colour


def test_masks_and_strengths_belong_to_flaws(small):
    masks = {path for path in contents(small.parent) if path.startswith(".masks/")}
    for row in rows_of(small):
        if row["label"] == "real":
            assert row["flaws"] == row["masks"] == row["strengths"] == ""
            continue
        named, files, strengths = (row[name].split(";") for name in ("flaws", "masks", "strengths"))
        assert len(named) == len(files) == len(strengths)
        assert set(named) <= set(flaws.NAMES.values())
        for file, strength in zip(files, strengths, strict=True):
            assert 0 < float(strength) <= 1
            with Image.open(small.parent / file) as mask:
                assert mask.size == (64, 64) and np.asarray(mask).any()
            masks.remove(file)
    assert not masks


def test_classes_show_the_same_people():
    """Attributes have one distribution: the largest gap between the classes is what chance would give."""
    makers = [demo.generator(0, index) for index in range(4000)]
    people = [person.person(0, index) for index in range(4000)]
    for name in ("sex", "hair", "expression", "glasses", "earrings", "background", "light"):
        shares = []
        for fake in (False, True):
            some = Counter(
                getattr(who, name) for who, maker in zip(people, makers, strict=True) if (maker != "real") == fake
            )
            shares.append({value: count / 2000 for value, count in some.items()})
        for value in shares[0]:
            p = shares[0][value]
            assert abs(p - shares[1].get(value, 0)) < 4 * np.sqrt(2 * p * (1 - p) / 2000) + 1e-3, (name, value)


def test_file_facts_give_nothing_away(tmp_path):
    manifest = demo.draw(tmp_path / "facts", DemoSettings(count=160, size=64, seed=3, workers=2))
    facts, fake = [], []
    for row in rows_of(manifest):
        data = (manifest.parent / row["path"]).read_bytes()
        with Image.open(io.BytesIO(data)) as image:
            tables = [sum(table) for table in image.quantization.values()]  # type: ignore[attr-defined]
            layers = [component for layer in image.layer for component in layer[1:]]  # type: ignore[attr-defined]
            facts.append([len(data) / (image.width * image.height), image.width, image.height, *tables, *layers])
            assert image.format == "JPEG" and image.mode == "RGB"
        fake.append(row["label"] == "fake")
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = GradientBoostingClassifier(n_estimators=40, random_state=0)
    scores = np.asarray(cross_val_predict(model, np.array(facts), fake, cv=folds, method="predict_proba"))[:, 1]
    assert abs(roc_auc_score(fake, scores) - 0.5) <= 0.05


def test_nothing_half_is_left(tmp_path):
    class StoppedError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        demo.draw(tmp_path / "stopped", SMALL, stop)
    assert not list(tmp_path.iterdir())


def test_plain_errors(small, tmp_path):
    with pytest.raises(SettingsError, match="there already"):
        demo.draw(small.parent, SMALL)
    (tmp_path / "empty").mkdir()
    settings = DemoSettings(count=4, size=64, workers=1)
    assert demo.draw(tmp_path / "empty", settings) == tmp_path / "empty" / "manifest.csv"
    for wrong in ({"count": 3}, {"size": 10}, {"size": 5000}, {"seed": -1}):
        with pytest.raises(SettingsError):
            DemoSettings(**wrong)


def test_parts_come_without_drawing_a_collection():
    labels = demo.parts(5, 0, 64)
    assert labels.shape == (64, 64)
    assert labels.max() < len(demo.PARTS)
