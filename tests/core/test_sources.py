"""Sources: what is refused, with what words, and what is taken as it is."""

from pathlib import Path

import pytest

from asap_core import catalogue
from asap_core.catalogue import CatalogueSettings
from asap_core.errors import CatalogueError
from tests import hostile
from tests.hostile import fill


def test_a_path_that_says_both_is_said(tmp_path: Path):
    found = catalogue.read(fill(tmp_path, {"real/fake/a.png": 1, "fake/b.png": 2}))
    assert found.is_fake is not None
    assert found.is_fake.tolist() == [True, False]
    assert found.notes == (
        "Folders with real and fake on their path: 1, for instance real/fake, whose images count as real.",
    )


def test_a_manifest_may_name_images_elsewhere(tmp_path: Path):
    fill(tmp_path / "images", {"real/a.png": 1, "fake/sd3/c.png": 3})
    (tmp_path / "lists").mkdir()
    table = tmp_path / "lists" / "images.csv"
    table.write_text("path,label\n../images/real/a.png,real\n../images/fake/sd3/c.png,fake\n")
    found = catalogue.read(table)
    assert found.paths == tuple((tmp_path / "images" / name).as_posix() for name in ("fake/sd3/c.png", "real/a.png"))
    assert all((found.root / path).is_file() for path in found.paths)


def test_unlabelled(tmp_path: Path):
    root = fill(tmp_path, {"x/a.png": 1, "b.png": 2, "x/y/c.png": 3})
    found = catalogue.read(root, CatalogueSettings(unlabelled=True))
    assert found.is_fake is None
    assert found.paths == ("b.png", "x/a.png", "x/y/c.png")
    assert found.generators == ("unknown",) * 3
    assert found.categories == ("", "x", "x/y")


def test_one_class_is_not_refused_here(tmp_path: Path):
    found = catalogue.read(fill(tmp_path, {"real/a.png": 1}))
    assert found.is_fake is not None
    assert found.is_fake.tolist() == [False]


def test_an_unknown_layout_shows_what_it_saw(tmp_path: Path):
    fill(tmp_path / "pets", {"cats/a.png": 1, "cats/b.png": 2, "dogs/small/c.png": 3})
    with pytest.raises(CatalogueError) as caught:
        catalogue.read(tmp_path / "pets")
    message = str(caught.value)
    assert f"cannot tell real images from fake ones in {tmp_path / 'pets'}" in message
    assert "pets/  3 images\n  cats/  2\n  dogs/  1\n    small/  1\n" in message
    assert "real/ and fake/" in message
    assert "path,label" in message
    assert len(message.splitlines()) < 15


@pytest.mark.parametrize(
    "files, words",
    [
        ({}, "no images in"),
        ({"notes.txt": b"words"}, "no images in"),
        ({"real/a.jpg": b"", "fake/b.jpg": b""}, r"no readable images in .*: an empty file \(2\)"),
        ({"real/a.txt": hostile.jpeg(1)}, r"no readable images in .*: wrongly named \(1\)"),
    ],
)
def test_sources_without_an_image(tmp_path: Path, files: dict[str, bytes], words: str):
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with pytest.raises(CatalogueError, match=words):
        catalogue.read(tmp_path)


def test_sources_that_are_none(tmp_path: Path):
    with pytest.raises(CatalogueError, match="does not exist; expected a folder"):
        catalogue.read(tmp_path / "gone")
    (tmp_path / "photo.jpg").write_bytes(hostile.jpeg(1))
    with pytest.raises(CatalogueError, match="neither a folder of images nor a table"):
        catalogue.read(tmp_path / "photo.jpg")


def test_a_missing_source_fails_a_glance_too(tmp_path: Path):
    with pytest.raises(CatalogueError, match="does not exist"):
        catalogue.glance(tmp_path / "gone")
