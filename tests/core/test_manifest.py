"""Manifests: spellings of columns and labels, paths, metadata, and what is refused."""

import datetime
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from asap_core import manifest, sources
from asap_core.errors import CatalogueError
from asap_core.layouts import Place
from tests import hostile


def table(folder: Path, text: str, name: str = "images.csv", encoding: str = "utf-8") -> Path:
    """Write a table; the images that tests name lie beside it."""
    for image in ("a.png", "b.png", "deep/c.png"):
        (folder / image).parent.mkdir(exist_ok=True)
        (folder / image).write_bytes(hostile.encoded(hostile.picture(len(image)), "PNG"))
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def labels(source: Path) -> dict[str, bool | None]:
    listed = sources.listing(source)
    return {path: place.is_fake for path, place in zip(listed.paths, listed.places, strict=True)}


@pytest.mark.parametrize(
    "header, real, fake",
    [
        ("path,label", "real", "fake"),
        ("PATH,Label", "REAL", "Fake"),
        ("file,label", "0", "1"),
        ("filename,label", "0.0", "1.0"),
        ("image,is_fake", "false", "TRUE"),
        ("file_name,is_fake", "no", "yes"),
        ("img,is_real", "1", "0"),
        ("filepath,is_real", "True", "False"),
        ("File Path,real", "yes", "no"),
        ("path,class", "nature", "ai"),
        ("path,target", "0_real", "1_fake"),
        ("path,is_fake", "real", "fake"),
        ("path,is_real", "real", "fake"),
        ("path,is_ai", "0", "1"),
        ("path,label", "authentic", "ai-generated"),
        ("path,generator", "real", "stylegan2"),
    ],
)
def test_spellings(tmp_path: Path, header: str, real: str, fake: str):
    source = table(tmp_path, f"{header}\na.png,{real}\nb.png,{fake}\n")
    assert labels(source) == {"a.png": False, "b.png": True}


def test_all_columns(tmp_path: Path):
    source = table(
        tmp_path,
        "path,label,generator,category,split,prompt,score,seen\n"
        'deep/c.png,fake,sd3,horse,Training,"a horse, galloping",0.5,2024-05-01\n'
        "a.png,real,,cat,holdout,,nan,\n",
    )
    listed = sources.listing(source)
    assert listed.paths == ["a.png", "deep/c.png"]
    assert listed.places == [Place(False, "real", "cat", "holdout"), Place(True, "sd3", "horse", "train")]
    assert listed.metadata == {
        "prompt": [None, "a horse, galloping"],
        "score": [None, 0.5],
        "seen": [None, "2024-05-01"],
    }


@pytest.mark.parametrize("label", ["maybe", "2", "horse", "stylegan2", "t/f"])
def test_an_unknown_label_is_named_with_its_row(tmp_path: Path, label: str):
    source = table(tmp_path, f"path,label\na.png,real\nb.png,{label}\n")
    with pytest.raises(CatalogueError, match=f"row 2: the label '{label}' is not known; expected real or fake"):
        sources.listing(source)


def test_a_fake_made_by_nobody_is_refused(tmp_path: Path):
    with pytest.raises(CatalogueError, match="row 1: labelled fake, but made by 'real'"):
        sources.listing(table(tmp_path, "path,label,generator\na.png,fake,real\n"))


def test_what_cannot_be_an_image_is_skipped_with_a_reason(tmp_path: Path):
    source = table(
        tmp_path,
        "path,label\na.png,real\nb.png,\ngone.png,fake\n,fake\na.png,real\n./a.png,fake\ndeep,fake\ndeep/c.png,fake\n",
    )
    listed = sources.listing(source)
    assert listed.paths == ["a.png", "deep", "deep/c.png"]  # a folder is noticed when it is read
    assert {each.path: each.reason for each in listed.skipped} == {
        "b.png": "no label: row 2",
        "gone.png": "no such file",
        "images.csv, row 4": "no path",
        "a.png": "named twice: in rows 1 and 5",
        "./a.png": "named twice: in rows 1 and 6, and not said to be the same",
    }


def test_paths_inside_and_outside(tmp_path: Path):
    (tmp_path / "lists").mkdir()
    outside, inside = tmp_path / "out.png", tmp_path / "lists" / "a.png"
    outside.write_bytes(b"")
    source = table(tmp_path / "lists", f"path,label\n../out.png,real\n{inside},fake\ndeep\\c.png,fake\n")
    assert labels(source) == {outside.as_posix(): False, "a.png": True, "deep/c.png": True}


@pytest.mark.parametrize(
    "text, name, encoding",
    [
        ("path;label\na.png;real\nb.png;fake\n", "a.csv", "utf-8"),
        ("path\tlabel\na.png\treal\nb.png\tfake\n", "a.tsv", "utf-8"),
        ("path|label\r\na.png|real\r\nb.png|fake", "a.txt", "utf-8"),
        ("path,label\na.png,real\nb.png,fake\n", "A.CSV", "utf-8-sig"),
        ('"path","label","prompt"\n"a.png","real","two\nlines"\n"b.png","fake",""\n', "a.csv", "utf-8"),
        (",path,label\n0,a.png,real\n1,b.png,fake\n", "pandas.csv", "utf-8"),
    ],
)
def test_dialects(tmp_path: Path, text: str, name: str, encoding: str):
    assert labels(table(tmp_path, text, name, encoding)) == {"a.png": False, "b.png": True}


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "cannot be read as a table"),
        ("path,label\n", "no images in"),
        ("name,label\na.png,real\n", "no column of paths: found name, label, expected one called path"),
        ("path,width\na.png,3\n", "does not say what is real: found the columns path, width"),
        ("path,label,LABEL\na.png,real,fake\n", "two columns called label"),
        ("path,label\na.png,real,extra\n", "cannot be read as a table"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, text: str, words: str):
    with pytest.raises(CatalogueError, match=words):
        sources.listing(table(tmp_path, text))


def test_other_encodings_are_refused_plainly(tmp_path: Path):
    source = table(tmp_path, "path,label\ncafé.png,real\n", encoding="latin-1")
    with pytest.raises(CatalogueError, match="expected CSV in UTF-8"):
        sources.listing(source)


def test_numbers_that_are_names_stay_text(tmp_path: Path):
    source = table(tmp_path, "path,label,category\n007,real,01\n")
    assert [row.path for row in manifest.read(source).rows] == ["007"]
    assert manifest.read(source).rows[0].place == Place(False, "real", "01")


def test_parquet(tmp_path: Path):
    table(tmp_path, "")
    columns: dict[str, Any] = {
        "image_path": pa.array(["b.png", "a.png"]).dictionary_encode(),
        "is_fake": [True, False],
        "model": ["flux", None],
        "price": [Decimal("1.5"), None],
        "when": [datetime.datetime(2024, 5, 1, 12), None],
        "box": [[1, 2], [3]],
        "bytes": [b"\xff", None],
        "ratio": [math.inf, 0.25],
        "__index_level_0__": [0, 1],
    }
    parquet.write_table(pa.table(columns), tmp_path / "images.parquet")
    listed = sources.listing(tmp_path / "images.parquet")
    assert listed.paths == ["a.png", "b.png"]
    assert listed.places == [Place(False, "real"), Place(True, "flux")]
    assert listed.metadata == {
        "price": [None, 1.5],
        "when": [None, "2024-05-01T12:00:00"],
        "ratio": [0.25, None],
    }
    assert listed.notes == ["columns of images.parquet left out, as they hold no plain values: box, bytes"]


def test_images_inside_a_table_are_refused(tmp_path: Path):
    parquet.write_table(pa.table({"image": [{"bytes": b"", "path": "a"}], "label": [0]}), tmp_path / "a.parquet")
    with pytest.raises(CatalogueError, match="the column 'image' holds struct"):
        sources.listing(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(CatalogueError, match="cannot be read as a table"):
        sources.listing(tmp_path / "b.parquet")


def test_unlabelled(tmp_path: Path):
    source = table(tmp_path, "path,prompt\nb.png,x\na.png,y\n")
    listed = sources.listing(source, unlabelled=True)
    assert listed.places == [Place(None, "unknown")] * 2
    assert listed.metadata == {"prompt": ["y", "x"]}
    odd = table(tmp_path, "path,label\na.png,horse\n")
    assert sources.listing(odd, unlabelled=True).places == [Place(None, "unknown")]
