"""Tables hold what was put into them, row by row, and nothing that a spreadsheet would compute."""

import csv
import io
import random
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from pyarrow import csv as arrow

from asap_core import tables

ALPHABET = [*"=+-@＝＋－＠\t\r\n\v\f\0\x1b\x85\u00a0\u2003\u200b\u2028\ufeff '\",;|a1ü名🙂", "\r\n", "=1+1"]
SIGNS = "=+-@＝＋－＠"


def texts(n: int) -> list[str]:
    dice = random.Random(13)
    return ["".join(dice.choices(ALPHABET, k=dice.randrange(7))) for _ in range(n)]


def dangerous(text: str) -> bool:
    """The rule, said otherwise than in the code."""
    bare = re.sub(r"^[\s\x00-\x20\x7f-\xa0\u200b\u2028\ufeff]+", "", text)
    return text[:1] in ("\t", "\r", "\n") or (bare[:1] in (*SIGNS,) and bare != "")


def columns(rows: list[list[str]]) -> list[list[str]]:
    """A table as pyarrow reads it, which is stricter than csv, row by row."""
    body = "".join(tables.csv_lines(rows)).encode()
    names = [f"c{k}" for k in range(len(rows[0]))]
    read = arrow.read_csv(
        io.BytesIO(body),
        read_options=arrow.ReadOptions(column_names=names),
        parse_options=arrow.ParseOptions(newlines_in_values=True),
        convert_options=arrow.ConvertOptions(column_types=dict.fromkeys(names, "string"), strings_can_be_null=False),
    )
    return [list(row) for row in zip(*(read[name].to_pylist() for name in names), strict=True)]


@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_table_is_read_back_value_by_value(width: int):
    made = texts(3000 * width)
    rows = [made[k : k + width] for k in range(0, len(made), width)]
    expected = [[f"'{value}" if dangerous(value) else value for value in row] for row in rows]
    body = "".join(tables.csv_lines(rows))
    assert list(csv.reader(io.StringIO(body, newline=""))) == expected
    assert columns(rows) == expected
    plain = "".join(tables.csv_lines(rows, marked=False))
    assert list(csv.reader(io.StringIO(plain, newline=""))) == rows


def test_a_line_is_one_row_unless_it_is_quoted():
    for value in texts(2000):
        line = "".join(tables.csv_lines([["a", value]]))
        if any(each in value for each in "\r\n"):
            assert line.startswith('a,"') and line.endswith('"\n')
        if value != value.strip():
            assert line.startswith('a,"')


@pytest.mark.parametrize("value", [-1, -0.5, 1e-9, True, np.float32(-0.25), np.int64(-3), Decimal("-3.1200")])
def test_numbers_stay_numbers(value: object):
    assert "".join(tables.csv_lines([[value, None]])) == f"{value},\n"


def test_what_is_no_number_to_a_spreadsheet_is_marked():
    assert "".join(tables.csv_lines([[-np.inf, "-1", "－1", "﹦A1", "a=1"]])) == "'-inf,'-1,'－1,'﹦A1,a=1\n"


def test_names_that_are_no_text_are_written_all_the_same():
    assert "".join(tables.csv_lines([["caf\udce9.jpg"]])) == "caf\\udce9.jpg\n"


@pytest.mark.parametrize("name", ["=1+1.jpg", "-x.jpg", " @x.jpg", "\n=x.jpg", "＝x.jpg"])
def test_a_path_names_its_file_and_is_no_formula(tmp_path: Path, name: str):
    said = tables.as_path(name)
    assert not tables.is_computed(said)
    (tmp_path / name).write_text("x")
    assert (tmp_path / said).read_text() == "x"
    assert tables.as_path("a/=x.jpg") == "a/=x.jpg"


def test_printed_lines_are_the_same_on_every_console():
    code = "from asap_core import tables; tables.print_lines([['ü 名', 'a\\r\\nb']])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout == 'ü 名,"a\r\nb"\n'.encode()


def test_no_other_module_writes_tables():
    root = Path(__file__).parents[2]
    found = [root / "run.py", *(root / "app").rglob("*.py"), *(root / "asap_core").rglob("*.py")]
    assert [
        file.name for file in found if re.search(r"csv\.(writer|DictWriter)|write_csv", file.read_text("utf-8"))
    ] == []
