"""Layouts that people have, and names that could be read in two ways."""

import string

import numpy as np
import pytest

from asap_core import layouts
from asap_core.layouts import Place

REAL, FAKE = Place(False, "real"), Place(True, "fake")


def real(category: str = "", split: str = "") -> Place:
    return Place(False, "real", category, split)


def fake(generator: str = "fake", category: str = "", split: str = "") -> Place:
    return Place(True, generator, category, split)


NOTHING = Place(None, "")

# name -> folder -> what its images are
LAYOUTS: dict[str, dict[str, Place]] = {
    "two folders": {"real": real(), "fake": fake()},
    "capitals": {"REAL": real(), "FAKE": fake()},
    "numbered": {"0_real": real(), "1_fake": fake()},
    "GenImage": {
        "Midjourney/imagenet_midjourney/train/ai": fake("Midjourney", split="train"),
        "Midjourney/imagenet_midjourney/train/nature": real(split="train"),
        "Midjourney/imagenet_midjourney/val/ai": fake("Midjourney", split="val"),
        "stable_diffusion_v_1_4/imagenet_ai_0419_sdv4/train/ai": fake("stable_diffusion_v_1_4", split="train"),
        "stable_diffusion_v_1_4/imagenet_ai_0419_sdv4/train/nature": real(split="train"),
    },
    "ForenSynths": {
        "progan/horse/0_real": real("horse"),
        "progan/horse/1_fake": fake("progan", "horse"),
        "progan/cat/1_fake": fake("progan", "cat"),
        "biggan/0_real": real(),
        "biggan/1_fake": fake("biggan"),
        "whichtool/1_fake": fake("whichtool"),  # unknown, but on a level of generators
    },
    "one category of one generator": {
        "progan/horse/0_real": real("horse"),
        "progan/horse/1_fake": fake("progan", "horse"),
    },
    "generators beside a real folder": {
        "real": real(),
        "stylegan2": fake("stylegan2"),
        "sd3": fake("sd3"),
        "MyOwnTool": fake("MyOwnTool"),
    },
    "generators and categories beside a real folder": {
        "real/horse": real("horse"),
        "real/cat": real("cat"),
        "MyOwnTool/horse": fake("MyOwnTool", "horse"),
        "MyOwnTool/cat": fake("MyOwnTool", "cat"),
    },
    "further folders below a generator beside a real folder": {
        "real": real(),
        "MyOwnTool/run one": fake("MyOwnTool", "run one"),
        "MyOwnTool/run two": fake("MyOwnTool", "run two"),
    },
    "CIFAKE": {
        "train/REAL/horse": real("horse", "train"),
        "train/FAKE/horse": fake("fake", "horse", "train"),
        "test/FAKE/ship": fake("fake", "ship", "test"),
        "test/REAL/ship": real("ship", "test"),
    },
    "a category that only the fakes have": {
        "REAL/horse": real("horse"),
        "FAKE/horse": fake("fake", "horse"),
        "FAKE/unicorn": fake("fake", "unicorn"),
    },
    "generators below fake": {
        "faces/0_real": real("faces"),
        "faces/1_fake/stylegan2": fake("stylegan2", "faces"),
        "faces/1_fake/home made": fake("home made", "faces"),
    },
    "generators and categories below fake": {
        "real/horse": real("horse"),
        "real/cat": real("cat"),
        "fake/home made/horse": fake("home made", "horse"),
        "fake/home made/cat": fake("home made", "cat"),
    },
    "authentic images for each generator": {
        "real/stylegan2": real(),
        "fake/stylegan2": fake("stylegan2"),
        "real/sd3": real(),
        "fake/sd3": fake("sd3"),
    },
    "unknown names above are categories": {
        "horse/real": real("horse"),
        "horse/fake": fake("fake", "horse"),
        "cat/real": real("cat"),
        "cat/fake": fake("fake", "cat"),
    },
    "a folder round everything says nothing": {
        "download/REAL/horse": real("horse"),
        "download/REAL/cat": real("cat"),
        "download/FAKE/horse": fake("fake", "horse"),
    },
    "splits above, below and in the label": {
        "real/training": real(split="train"),
        "fake/Test": fake(split="test"),
        "validation/fake": fake(split="val"),
    },
    "splits in the label": {"training_real": real(split="train"), "training_fake": fake(split="train")},
    "fake smiles are a category of real ones": {
        "real/fake_smiles": real("fake_smiles"),
        "real/smiles": real("smiles"),
        "fake/smiles": fake("fake", "smiles"),
    },
    "the uppermost pair decides": {
        "real/fake": real("fake"),
        "real/ai": real("ai"),
        "fake/real": fake("fake", "real"),
    },
    "a real folder beside generators decides": {"real/fake": real("fake"), "sd3": fake("sd3")},
    "nature as a subject": {
        "nature/real": real("nature"),
        "nature/fake": fake("fake", "nature"),
        "faces/real": real("faces"),
        "faces/fake": fake("fake", "faces"),
    },
    "nature as a subject, without its pair": {
        "nature/1_fake": fake("fake", "nature"),
        "faces/0_real": real("faces"),
        "faces/1_fake": fake("fake", "faces"),
    },
    "a known generator beside both": {
        "real": real(),
        "fake": fake(),
        "midjourney": fake("midjourney"),
        "documents": NOTHING,
    },
    "a generator that is a category too": {
        "real/firefly": real(),
        "real/wasp": real("wasp"),
        "fake/firefly": fake("firefly"),
        "fake/wasp": fake("fake", "wasp"),
    },
    "one class": {"fake/sd3": fake("sd3"), "fake/flux": fake("flux")},
    "words": {"RealArt": real(), "AiArtData": fake()},
    "other letters": {"réel": NOTHING, "REAL images": real(), "AI-generated images": fake()},
    "nothing": {"cats": NOTHING, "dogs/train": Place(None, "", "", "train"), "": NOTHING},
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name: str):
    expected = {tuple(path.split("/")) if path else (): place for path, place in LAYOUTS[name].items()}
    assert layouts.places(expected, "collection") == expected


@pytest.mark.parametrize("root, generator", [("progan", "progan"), ("SD_1.5", "SD_1.5"), ("my-progan-tests", "fake")])
def test_the_folder_as_a_whole_may_name_the_generator(root: str, generator: str):
    found = layouts.places([("horse", "0_real"), ("horse", "1_fake")], root)
    assert found["horse", "1_fake"] == fake(generator, "horse")
    assert found["horse", "0_real"] == real("horse")


AUTHENTIC = "real REAL 0_real 0-real reals nature Natural authentic real_images original-photos RealArt real1"
GENERATED = "fake Fake 1_fake ai AI generated ai_generated AI-Generated synthetic fakes fake.faces AiArtData"
NEITHER = "real_vs_fake fake_smiles realistic unreal fakery aid main images train 0 1 stylegan2 surreal _ -"


@pytest.mark.parametrize("names, says", [(AUTHENTIC, False), (GENERATED, True), (NEITHER, None)])
def test_labels(names: str, says: bool | None):
    assert {name: layouts.label(name) for name in names.split()} == dict.fromkeys(names.split(), says)


KNOWN = """
    progan ProGAN BigGAN stylegan2 StyleGAN2-ADA stylegan3 ADM guided-diffusion ddim latent_diffusion ldm_200
    sd sd3 SD_1.5 sdv1.4 sdxl SDXL-Turbo stable_diffusion_3 stable-diffusion-v1-5 wukong VQDM glide_100_27
    DALL-E dalle3 dalle_2 Midjourney midjourney_v6 imagen3 flux imagenet_midjourney imagenet_ai_0508_adm
"""
UNKNOWN = """
    horse imagenet admin sand sdcard cats organ fluxes imagination 0_real train coco ffhq lsun celeba glider
"""


def test_generators_are_known_by_their_usual_spellings():
    assert [name for name in KNOWN.split() if not layouts.is_generator(name)] == []
    assert [name for name in UNKNOWN.split() if layouts.is_generator(name)] == []


def test_splits():
    expected = {"train": "train", "Training": "train", "train2017": "train", "test_set": "test", "VAL": "val"}
    expected |= {
        "validation": "val",
        "valid": "val",
        "dev": "val",
        "test tube": "",
        "trains": "",
        "train_test": "",
    }
    assert {name: layouts.split(name) for name in expected} == expected


def random_tree(rng: np.random.Generator) -> set[layouts.Folder]:
    names = [
        "real",
        "fake",
        "ai",
        "nature",
        "0_real",
        "1_fake",
        "train",
        "val",
        "progan",
        "sd3",
        "horse",
        "x",
        "y",
    ]
    return {tuple(rng.choice(names, rng.integers(0, 5)).tolist()) for _ in range(rng.integers(1, 12))}


@pytest.mark.parametrize("seed", range(30))
def test_any_tree_is_read_the_same_in_any_order(seed: int):
    tree = random_tree(np.random.default_rng(seed))
    forwards, backwards = layouts.places(sorted(tree), "x"), layouts.places(sorted(tree, reverse=True), "x")
    assert forwards == backwards
    for folder, place in forwards.items():
        assert (place.generator == "real") == (place.is_fake is False)
        assert (place.generator == "") == (place.is_fake is None)
        if place.is_fake is not None and not layouts.is_torn(folder):
            said = {layouts.label(name) for name in folder} - {None}
            assert said <= {place.is_fake}  # never against the only label on the path


def test_unlabelled_folders_become_categories():
    found = layouts.explored([("a", "train", "real"), ()])
    assert found == {
        ("a", "train", "real"): Place(None, "unknown", "a/real", "train"),
        (): Place(None, "unknown"),
    }


def test_a_tree_is_drawn_short():
    counts = {
        ("cats",): 1200,
        ("cats", "black"): 3,
        ("new\nline",): 1,
        **{("many", c): 1 for c in string.ascii_lowercase},
    }
    drawn = layouts.tree(counts, "pets").split("\n")
    assert drawn[0] == "pets/  1,230 images"
    assert drawn[1:3] == ["  cats/  1,203", "    black/  3"]
    assert "  new\\nline/  1" in drawn
    assert "    ..." in drawn
    assert len(drawn) == 1 + 2 + 10 + 1
