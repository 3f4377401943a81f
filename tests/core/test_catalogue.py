"""The catalogue: a hostile folder, then order, samples, groups and what a fingerprint covers."""

import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asap_core import catalogue
from asap_core.catalogue import CatalogueSettings
from tests import hostile
from tests.hostile import fill

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")
DATA = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[catalogue.Catalogue, list[hostile.Case]]:
    root = tmp_path_factory.mktemp("hostile") / "collection"
    root.mkdir()
    cases = hostile.build(root)
    return catalogue.read(root, CatalogueSettings(workers=2)), cases


def test_every_hostile_file_has_its_outcome(folder):
    found, cases = folder
    reasons = {skipped.path: skipped.reason for skipped in found.skipped}
    wrong = []
    for case in cases:
        read, reason = case.path in found.paths, reasons.get(case.path)
        if case.outcome == hostile.READ:
            right = read and reason is None
        elif case.outcome == hostile.IGNORED:
            right = not read and reason is None
        else:
            right = not read and reason is not None and case.outcome in reason
        if not right:
            wrong.append((case, "read" if read else reason))
    assert not wrong


def test_nothing_in_the_hostile_folder_is_unaccounted_for(folder):
    found, cases = folder
    known = {case.path for case in cases}
    assert len({case.outcome for case in cases}) >= 25
    assert set(found.paths) == {case.path for case in cases if case.outcome == hostile.READ}
    assert {skipped.path for skipped in found.skipped} <= known


def small(root: Path) -> Path:
    return fill(root, {"real/a.png": 1, "real/b.png": 2, "fake/sd3/c.png": 3, "fake/flux/d.png": 4})


def many(root: Path) -> Path:
    """60 real, 30 by sd3, 10 by flux."""
    counts = {"real": 60, "fake/sd3": 30, "fake/flux": 10}
    names = [f"{folder}/{i:02}.png" for folder, count in counts.items() for i in range(count)]
    return fill(root, {name: seed for seed, name in enumerate(names)})


def test_rows(tmp_path: Path):
    found = catalogue.read(small(tmp_path))
    assert found.root == tmp_path
    assert found.paths == ("fake/flux/d.png", "fake/sd3/c.png", "real/a.png", "real/b.png")
    assert found.is_fake is not None
    assert found.is_fake.tolist() == [True, True, False, False]
    assert found.generators == ("flux", "sd3", "real", "real")
    assert found.categories == found.splits == ("",) * 4
    assert found.sizes.tolist() == [[48, 40]] * 4
    assert found.sizes.dtype == np.int32
    assert found.groups.tolist() == [0, 1, 2, 3]
    assert (found.found, found.duplicates, found.skipped, found.notes) == (4, 0, (), ())
    assert {len(column) for column in found.facts.values()} == {4}


def test_every_column_has_a_row_for_each_hostile_image(folder):
    found, _ = folder
    n = len(found.paths)
    columns = [found.is_fake, found.generators, found.categories, found.splits, found.sizes, found.groups]
    assert {len(column) for column in [*columns, *found.facts.values()]} == {n}
    assert list(found.paths) == sorted(found.paths)
    assert list(found.skipped) == sorted(found.skipped)
    assert found.found == n
    assert all((found.root / path).is_file() for path in found.paths)
    turned = found.paths.index("real/turned.jpg")
    assert found.sizes[turned].tolist() == [40, 48]


def test_two_readings_are_the_same_whatever_the_threads(folder):
    found, _ = folder
    again = catalogue.read(found.root, CatalogueSettings(workers=1))
    assert again.fingerprint == found.fingerprint
    assert again.paths == found.paths
    assert again.skipped == found.skipped
    assert (again.groups == found.groups).all()


def test_packed_and_unpacked_it_is_the_same(folder, tmp_path: Path):
    for found in (folder[0], catalogue.read(small(tmp_path), CatalogueSettings(unlabelled=True))):
        arrays, plain = found.pack()
        again = catalogue.Catalogue.unpack(arrays, json.loads(json.dumps(plain)))
        for each in fields(found):
            one, other = getattr(found, each.name), getattr(again, each.name)
            np.testing.assert_equal(other, one, err_msg=each.name)
            assert type(one) is type(other)


def test_a_moved_folder_is_the_same_collection(tmp_path: Path):
    before = catalogue.read(small(tmp_path / "here")).fingerprint
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert catalogue.read(tmp_path / "there").fingerprint == before


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "real/a.png").rename(root / "real/z.png"),
        lambda root: (root / "real/a.png").rename(root / "fake/sd3/a.png"),
        lambda root: (root / "fake/sd3").rename(root / "fake/sd2"),
        lambda root: (root / "real/a.png").unlink(),
        lambda root: fill(root, {"real/a.png": 9}),
        lambda root: fill(root, {"real/new.png": 9}),
    ],
)
def test_fingerprint_and_glance_notice_a_change(tmp_path: Path, change):
    root = small(tmp_path)
    before, glanced = catalogue.read(root).fingerprint, catalogue.glance(root)
    assert catalogue.glance(root) == glanced
    change(root)
    assert catalogue.read(root).fingerprint != before
    assert catalogue.glance(root) != glanced


def test_fingerprint_covers_what_a_manifest_says(tmp_path: Path):
    root = small(tmp_path)
    table = root / "images.csv"
    columns = "path,label,generator,category,split,note\n"
    said = ["fake,sd3,x,a,z", "real,,x,a,z", "fake,sd2,x,a,z", "fake,sd3,y,a,z", "fake,sd3,x,b,z", "fake,sd3,x,a,w"]
    prints = set()
    for row in said:
        table.write_text(f"{columns}real/a.png,real,,x,a,z\nfake/sd3/c.png,{row}\n")
        prints.add(catalogue.read(table).fingerprint)
    assert len(prints) == len(said)


def test_a_glance_notices_times_but_not_other_files(tmp_path: Path):
    root = small(tmp_path)
    before = catalogue.glance(root)
    (root / "notes.txt").write_text("words")
    assert catalogue.glance(root) == before
    os.utime(root / "real/a.png", ns=(1, 1))
    assert catalogue.glance(root) != before
    assert catalogue.read(root).fingerprint  # same content, read again


def test_a_glance_at_a_manifest(tmp_path: Path):
    root = small(tmp_path)
    table = root / "images.csv"
    table.write_text("path,label\nreal/a.png,real\nfake/sd3/c.png,fake\n")
    before = catalogue.glance(table)
    assert catalogue.glance(table) == before
    fill(root, {"real/b.png": 9})  # not in the table
    assert catalogue.glance(table) == before
    fill(root, {"real/a.png": 9})
    changed = catalogue.glance(table)
    assert changed != before
    table.write_text("path,label\nreal/a.png,fake\nfake/sd3/c.png,fake\n")
    assert catalogue.glance(table) != changed


@pytest.mark.parametrize("limit", [3, 10, 40, 99])
def test_a_sample_has_each_generators_share(tmp_path: Path, limit: int):
    found = catalogue.read(many(tmp_path), CatalogueSettings(limit=limit, seed=1))
    counts = Counter(found.generators)
    assert len(found.paths) == limit
    assert found.found == 100
    for name, share in {"real": 0.6, "sd3": 0.3, "flux": 0.1}.items():
        assert abs(counts[name] - share * limit) <= 1.2
        assert counts[name] >= 1


def test_samples_depend_on_the_seed_alone(tmp_path: Path):
    def sample(seed: int) -> tuple[str, ...]:
        return catalogue.read(many(tmp_path), CatalogueSettings(limit=20, seed=seed)).paths

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)
    assert list(sample(1)) == sorted(sample(1))
    everything = catalogue.read(tmp_path, CatalogueSettings(limit=100))
    assert everything.fingerprint == catalogue.read(tmp_path).fingerprint


def test_broken_images_do_not_shorten_a_sample(tmp_path: Path):
    root = many(tmp_path)
    for path in sorted(root.rglob("*.png"))[::2]:
        path.write_bytes(b"")
    found = catalogue.read(root, CatalogueSettings(limit=40))
    assert len(found.paths) == 40
    assert found.found == 100 - len(found.skipped)
    assert len(catalogue.read(root, CatalogueSettings(limit=60)).paths) == 50


def test_progress_rises_to_the_total(tmp_path: Path):
    seen: list[tuple[int, int]] = []
    catalogue.read(many(tmp_path), report=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 100) for done in range(1, 101)]


def test_copies_share_a_group_and_a_contradiction_is_said(tmp_path: Path):
    root = small(tmp_path)
    shutil.copy(root / "real/a.png", root / "real/copy.png")
    shutil.copy(root / "real/b.png", root / "fake/flux/stolen.png")
    picture = hostile.picture(1)
    picture.save(root / "real/smaller.jpg", quality=60)
    found = catalogue.read(root)
    groups = dict(zip(found.paths, found.groups.tolist(), strict=True))
    assert groups["real/a.png"] == groups["real/copy.png"] == groups["real/smaller.jpg"]
    assert groups["real/b.png"] == groups["fake/flux/stolen.png"]
    assert len(set(groups.values())) == 4
    assert found.duplicates == 3
    (note,) = found.notes
    assert "fake/flux/stolen.png and real/b.png" in note


def test_metadata_stay_with_their_images(tmp_path: Path):
    root = many(tmp_path)
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))[::-1]
    lines = [f"{path},{'real' if path.startswith('real') else 'fake'},about {path}" for path in paths]
    (root / "images.csv").write_text("\n".join(["path,label,note", *lines]))
    (root / paths[3]).write_bytes(b"")
    for limit in (None, 30):
        found = catalogue.read(root / "images.csv", CatalogueSettings(limit=limit))
        assert found.metadata["note"] == [f"about {path}" for path in found.paths]
        assert len(found.paths) == (limit or 99)


EXPECTED = {
    "faces-test": (400, {"real": 200, "stylegan2": 150, "stable_diffusion_3": 50}, {"faces"}),
    "biased-raw": (180, {"real": 120, "stable_diffusion_3": 60}, {"biased"}),
    "objects": (1200, {"real": 600, "fake": 600}, {"objects"}),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_public_sets(tmp_path: Path, name: str):
    archive = DATA / f"{name}.zip"
    if not archive.exists():
        pytest.skip(f"{archive.name} is not on this machine")
    shutil.unpack_archive(archive, tmp_path)
    found = catalogue.read(tmp_path)
    images, generators, categories = EXPECTED[name]
    assert len(found.paths) == images
    assert Counter(found.generators) == generators
    assert set(found.categories) == categories
    assert not found.skipped
    assert found.duplicates <= images // 10
    truth = found.is_fake
    assert truth is not None
    for number in np.unique(found.groups):
        assert len(set(truth[found.groups == number])) == 1  # no real image resembles a fake one


def test_cifake(tmp_path: Path):
    archive = DATA / "cifake-test.zip"
    if not archive.exists():
        pytest.skip(f"{archive.name} is not on this machine")
    shutil.unpack_archive(archive, tmp_path)
    found = catalogue.read(tmp_path)
    assert Counter(found.generators) == {"real": 5000, "fake": 5000}
    assert set(Counter(found.categories).values()) == {1000}
    assert set(found.facts["jpeg_quality"]) == {75.0}
    assert found.duplicates <= 20  # many look alike, hardly any is the same


def test_each_image_has_the_digest_of_its_content(tmp_path):
    for row, label in enumerate(("real", "fake", "fake")):
        (tmp_path / label).mkdir(exist_ok=True)
        Image.effect_noise((40, 40), 60).convert("RGB").save(tmp_path / label / f"{row}.png")
    found = catalogue.read(tmp_path)
    expected = [hashlib.sha256((tmp_path / path).read_bytes()).digest() for path in found.paths]
    assert [each.tobytes() for each in found.columns()["digest"]] == expected
    assert np.array_equal(catalogue.Catalogue.unpack(*found.pack()).digests, found.digests)
