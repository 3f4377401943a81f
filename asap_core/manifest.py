"""A table of images, CSV or Parquet: a path column, and label, generator, category, split and any others.

A path is absolute or relative to the table's folder. Columns are found by name, without case; what is not
named below is kept as metadata.
"""

import datetime
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from . import layouts
from .errors import CatalogueError
from .layouts import Place

CSV, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
SUFFIXES = CSV + PARQUET

# What a column may be called, the best name first.
PATH = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "image_path",
    "img",
    "img_path",
)
LABEL = ("is_fake", "is_real", "label", "fake", "real", "is_ai", "target", "class")
GENERATOR = ("generator", "model", "source")
CATEGORY = ("category", "class", "object", "subject")
SPLIT = ("split", "subset", "fold")

YES, NO = {"1", "1.0", "true", "yes", "t", "y"}, {"0", "0.0", "false", "no", "f", "n"}


@dataclass(frozen=True)
class Row:
    """One line of a manifest. `number` counts from 1, without the header; a `place` of None has no label."""

    number: int
    path: str
    place: Place | None


@dataclass(frozen=True)
class Manifest:
    rows: list[Row]
    metadata: dict[str, list]  # further columns, aligned with rows
    notes: tuple[str, ...]


def read(source: Path, unlabelled: bool = False) -> Manifest:
    """Read a table; raise CatalogueError where it is not one, lacks a column or holds an unknown label."""
    table = _table(source)
    columns = Columns(table.column_names)
    path = columns.take(PATH)
    if path is None:
        raise CatalogueError(
            f"{source} has no column of paths: found {_listed(table.column_names)}, expected one called path or file"
        )
    label, generator = columns.take(LABEL), columns.take(GENERATOR)
    category, split = columns.take(CATEGORY), columns.take(SPLIT)
    if label is None and generator is None and not unlabelled:
        raise CatalogueError(
            f"{source} does not say what is real: found the columns {_listed(table.column_names)}, "
            "expected one called label (real or fake) or is_fake (true or false)"
        )
    texts = {name: _texts(table, name) for name in (path, label, generator, category, split) if name}
    empty = [""] * table.num_rows
    lines = zip(*(texts[name] if name else empty for name in (path, label, generator, category, split)), strict=True)
    rows = []
    for number, (path_text, label_text, *others) in enumerate(lines, start=1):
        said = Said(label, label_text, *others)
        try:
            rows.append(Row(number, path_text, _explored(said) if unlabelled else _place(said)))
        except CatalogueError as error:
            raise CatalogueError(f"{source}, row {number}: {error}") from error
    metadata, left_out = _metadata(table, columns.rest)
    notes = (f"columns of {source.name} left out, as they hold no plain values: {_listed(left_out)}",)
    return Manifest(rows, metadata, notes if left_out else ())


class Columns:
    """The columns of a table that nobody has taken yet."""

    def __init__(self, names: Sequence[str]) -> None:
        self.rest = list(names)

    def take(self, aliases: Sequence[str]) -> str | None:
        """The column that has the first of these names, without case; None where there is none."""
        for alias in aliases:
            for name in self.rest:
                if name.strip().lower().replace(" ", "_").replace("-", "_") == alias:
                    self.rest.remove(name)
                    return name
        return None


def is_fake(text: str, column: str = "label") -> bool | None:
    """What a label's text says, in a column of that name: True, False, or None where it is not known.

    1 and true mean fake, unless the column asks whether it is real.
    """
    word = text.strip().lower()
    asks_real = "real" in layouts.words(column)
    if word in YES | NO:
        return (word in YES) != asks_real
    return layouts.label(word)


@dataclass(frozen=True)
class Said:
    """What a row says; "" for what it does not. `column` is the label's, None if there is none."""

    column: str | None
    label: str
    generator: str
    category: str
    split: str


def _explored(said: Said) -> Place:
    return Place(None, "unknown", said.category, layouts.split(said.split) or said.split)


def _place(said: Said) -> Place | None:
    """What a row says of its image, None without a label: without such a column the generator is one."""
    text, column = said.label, said.column or "label"
    if said.column is None and said.generator:
        text = "real" if layouts.label(said.generator) is False else "fake"
    if not text:
        return None
    fake = is_fake(text, column)
    if fake is None:
        raise CatalogueError(
            f"the {column} {text!r} is not known; expected real or fake (or 0 for real and 1 for fake)"
        )
    if fake and layouts.label(said.generator) is False:
        raise CatalogueError(f"labelled fake, but made by {said.generator!r}; correct one of them")
    generator = (said.generator or "fake") if fake else "real"
    return Place(fake, generator, said.category, layouts.split(said.split) or said.split)


def _table(source: Path) -> pa.Table:
    """The table in a file, each column once."""
    try:
        table = parquet.read_table(source) if source.suffix.lower() in PARQUET else _csv(source)
    except (OSError, pa.ArrowException) as error:
        raise CatalogueError(
            f"{source} cannot be read as a table ({str(error).splitlines()[0]}); "
            "expected CSV in UTF-8 with a line of column names, or Parquet"
        ) from error
    names = [name.strip().lower() for name in table.column_names]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise CatalogueError(f"{source} has two columns called {_listed(sorted(twice))}; name each once")
    return table


def _csv(source: Path) -> pa.Table:
    """Text stays text in the columns that mean something to us; the types of others are inferred."""
    with source.open("rb") as file:
        first = file.readline()
    delimiter = max((",", ";", "\t", "|"), key=lambda sign: first.count(sign.encode()))
    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    with csv.open_csv(source, parse_options=parse) as reader:
        names = reader.schema.names
    ours = {*PATH, *LABEL, *GENERATOR, *CATEGORY, *SPLIT}
    as_text = {name: pa.string() for name in names if Columns([name]).take(tuple(ours))}
    convert = csv.ConvertOptions(column_types=as_text, strings_can_be_null=True, null_values=["", "NA", "NaN", "nan"])
    return csv.read_csv(source, parse_options=parse, convert_options=convert)


def _texts(table: pa.Table, name: str) -> list[str]:
    """A column as text, "" where a value is missing."""
    kind = table.schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise CatalogueError(f"the column {name!r} holds {kind}; expected text, such as the names of image files")
    return ["" if value is None or value != value else str(value).strip() for value in table[name].to_pylist()]


def _metadata(table: pa.Table, names: Sequence[str]) -> tuple[dict[str, list], list[str]]:
    """Columns as lists of what JSON can hold, and the names of those that cannot be."""
    metadata, left_out = {}, []
    for name in names:
        values = table[name].to_pylist()
        if not name.strip() or name.startswith("__index_level"):
            continue  # pandas' row numbers
        if any(isinstance(value, (dict, list, bytes)) for value in values):
            left_out.append(name)
        else:
            metadata[name] = [_plain(value) for value in values]
    return metadata, left_out


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")


def locate(root: Path, text: str) -> str:
    """A manifest's path as a catalogue's: relative to root with forward slashes, absolute where outside."""
    if "\\" in text and not os.path.lexists(root / text):
        text = text.replace("\\", "/")  # written on Windows
    path = os.path.normpath(root / text)
    return path.removeprefix(f"{root}{os.sep}").replace(os.sep, "/")


def objection(row: Row, root: Path, path: str) -> str | None:
    """Why a row cannot be an image of the catalogue; None if it can, as far as is known before reading it."""
    if not row.path:
        return "no path"
    try:
        (root / path).stat()
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return f"cannot be opened: {(error.strerror or str(error)).lower()}"
    except ValueError as error:
        return f"cannot be opened: {error}"
    return None
