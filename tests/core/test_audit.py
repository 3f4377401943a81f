"""What separates the classes before an image is looked at is found, named and explained; chance is not."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from asap_core import audit, facts

N = 240


def table(rng: np.random.Generator, n: int = N) -> dict[str, Any]:
    """Facts that tell nothing: formats and sizes as a mixed collection has them, some constant."""
    jpeg = rng.random(n) < 0.6
    width = rng.choice([256, 512, 640], n)
    return {
        "format": np.where(jpeg, "JPEG", "PNG"),
        "width": width.astype(np.int32),
        "height": np.full(n, 512, np.int32),
        "aspect": (width / 512).astype(np.float32),
        "bytes_per_pixel": rng.gamma(4, 0.1, n).astype(np.float32),
        "jpeg_quality": np.where(jpeg, rng.choice([75, 90, 95], n), np.nan).astype(np.float32),
        "subsampling": np.where(jpeg, "4:2:0", ""),
        "mode": np.full(n, "RGB"),
        "exif": rng.random(n) < 0.3,
    }


@pytest.mark.parametrize("seed", range(6))
def test_facts_that_tell_nothing_are_not_warned_of(seed):
    rng = np.random.default_rng(seed)
    found = audit.run(table(rng), rng.random(N) < 0.4, np.arange(N), seed)
    assert found.warning is None and found.facts == ()
    assert found.auc is not None and abs(found.auc - 0.5) < 0.13
    assert found.interval is not None and found.interval[0] <= found.auc <= found.interval[1]


def test_classes_that_differ_only_in_jpeg_quality_are_caught(tmp_path: Path):
    """The same pictures, saved at two qualities by class; and, beside them, all at one quality."""
    rng = np.random.default_rng(5)
    is_fake = np.arange(80) % 2 == 1

    def looked_at(name: str, quality_of_fakes: int) -> dict[str, np.ndarray]:
        looks = []
        for row, fake in enumerate(is_fake):
            noise = rng.integers(0, 256, (8, 8, 3), np.uint8)
            picture = Image.fromarray(noise).resize((64, 64), Image.Resampling.BICUBIC)
            file = tmp_path / f"{name}{row}.jpg"
            picture.save(file, quality=quality_of_fakes if fake else 96)
            looks.append(facts.look(file))
        return facts.columns(looks)

    biased = looked_at("biased", 75)
    caught = audit.run(biased, is_fake, np.arange(80), 0)
    assert caught.auc == 1 and "jpeg_quality" in caught.facts[:2]
    assert caught.warning is not None and "--equalise" in caught.warning
    assert "JPEG quality (AUC 1.00): real always 96, fake always 75" in caught.warning
    assert not {"width", "height", "format", "mode", "exif"} & set(caught.facts)

    remedied = audit.run(biased, is_fake, np.arange(80), 0, equalised=True)
    assert remedied.warning is not None and "re-encoded alike" in remedied.warning
    assert "--equalise" not in remedied.warning

    clean = audit.run(looked_at("clean", 96), is_fake, np.arange(80), 0)
    assert clean.warning is None and clean.facts == ()


@pytest.mark.parametrize("name", ["format", "width", "subsampling", "exif"])
def test_one_planted_fact_is_named_and_no_other(name):
    rng = np.random.default_rng(11)
    is_fake = rng.random(N) < 0.5
    planted = table(rng)
    values = {
        "format": ("WEBP", "BMP"),
        "width": (300, 700),
        "subsampling": ("4:4:4", ""),
        "exif": (True, False),
    }
    real, fake = values[name]
    planted[name] = np.where(rng.random(N) < 0.1, planted[name], np.where(is_fake, fake, real))
    found = audit.run(planted, is_fake, np.arange(N), 0)
    assert found.auc is not None and found.auc > 0.9 and found.facts == (name,)
    assert found.warning is not None and str(audit.NAMES.get(name, name)) in found.warning


def test_rare_fakes_and_strong_facts_come_first():
    rng = np.random.default_rng(2)
    is_fake = np.arange(1020) % 51 == 0  # 1 in 51
    planted = table(rng, 1020)
    planted["width"] = np.where(is_fake, 1024, planted["width"])
    planted["exif"] = rng.random(1020) < np.where(is_fake, 0.1, 0.6)
    found = audit.run(planted, is_fake, np.arange(1020), 0)
    assert found.facts[0] == "width" and "exif" in found.facts
    assert found.auc == pytest.approx(1, abs=0.01)


def test_duplicates_do_not_vouch_for_each_other():
    """Twelve images, each twenty times: their bytes identify them, but tell nothing about others."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 20)
    is_fake = groups % 2 == 0
    copies = {"bytes_per_pixel": rng.permutation(12)[groups].astype(np.float32)}
    assert audit.run(copies, is_fake, np.arange(240), 0).auc == pytest.approx(1, abs=0.02)
    apart = audit.run(copies, is_fake, groups, 0)
    assert apart.auc is not None and apart.auc < 0.8 and apart.warning is None


def test_bytes_per_pixel_alone_is_not_blamed_on_how_files_were_saved():
    rng = np.random.default_rng(1)
    is_fake = rng.random(N) < 0.5
    found = audit.run({"bytes_per_pixel": rng.normal(np.where(is_fake, 0.5, 1.0), 0.2)}, is_fake, np.arange(N), 0)
    assert found.facts == ("bytes_per_pixel",)
    assert found.warning is not None and "the images themselves" in found.warning


def test_where_nothing_can_be_said():
    rng = np.random.default_rng(0)
    facts_of = table(rng)
    assert audit.run(facts_of, np.ones(N, bool), np.arange(N), 0) == audit.NONE
    assert audit.run(facts_of, np.arange(N) == 3, np.arange(N), 0) == audit.NONE
    same = {"width": np.full(N, 32), "jpeg_quality": np.full(N, np.nan)}
    assert audit.run(same, np.arange(N) < 90, np.arange(N), 0) == audit.Audit(0.5, (0.5, 0.5), None, ())
    few = {name: values[:6] for name, values in facts_of.items()}
    assert audit.run(few, np.arange(6) < 2, np.arange(6), 0).warning is None


def test_it_is_deterministic_and_fits_into_json():
    rng = np.random.default_rng(4)
    facts_of, is_fake = table(rng), rng.random(N) < 0.5
    found = audit.run(facts_of, is_fake, np.arange(N), 9)
    assert found == audit.run(facts_of, is_fake, np.arange(N), 9)
    for each in (found, audit.NONE):
        json.dump(asdict(each), io.StringIO(), allow_nan=False)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full(9, 512), "always 512"),
        (np.array([75.0] * 8 + [90.0, np.nan]), "mostly 75 (80%)"),
        (np.array([np.nan] * 3), "always none"),
        (np.linspace(0, 1000, 101), "half between 250 and 750"),
        (np.array([True, True, False]), "mostly present (67%)"),
        (np.array(["JPEG"] * 999 + ["PNG"]), "mostly JPEG (99%)"),
    ],
)
def test_values_in_a_few_words(values, words):
    assert audit.describe(values) == words
