"""Tables: comma-separated values as they leave ASAP, safe to be opened in a spreadsheet, and read back as they were.

A text that a spreadsheet would compute is marked: an apostrophe goes before it. Numbers stay numbers.
"""

import io
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from numbers import Number

SIGNS = tuple("=+-@")
BREAKS = tuple("\t\r\n")
DIGITS = frozenset("+-.eE0123456789")
MARK = "'"


def csv_lines(rows: Iterable[Sequence[object]], marked: bool = True) -> Iterator[str]:
    """Rows as lines, each with its line feed; without `marked`, for programs that compute nothing, texts stay as they
    are."""
    for row in rows:
        cells = [_cell(value, marked) for value in row]
        yield ",".join(cells if cells != [""] else ['""']) + "\n"  # an empty line would be no row


def print_lines(rows: Iterable[Sequence[object]]) -> None:
    """Print rows as they are, in UTF-8, whatever the console's language and line ends."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for line in csv_lines(rows):
        sys.stdout.write(line)


def as_path(path: str) -> str:
    """A path that is no formula and names the same file, so that programs can open what they read: ./=1.jpg."""
    return f"./{path}" if is_computed(path) else path


def is_computed(text: str) -> bool:
    """Whether a spreadsheet might compute a text: after blanks and what is not seen it begins with a sign, in whatever
    width; or it begins with a tab or a line break."""
    if text.startswith(BREAKS):
        return True
    seen = next((each for each in text if unicodedata.category(each)[0] not in "CZ"), "")
    return unicodedata.normalize("NFKC", seen).startswith(SIGNS)


def _cell(value: object, marked: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, Number) and set(str(value)) <= DIGITS:  # infinity is a name to a spreadsheet
        return str(value)
    text = str(value).encode("utf-8", "backslashreplace").decode("utf-8")  # names of files may hold what is no text
    blank = text[:1].isspace() or text[-1:].isspace()
    if marked and is_computed(text):
        text = MARK + text
    if blank or any(each in '",' or unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in text):
        return '"' + text.replace('"', '""') + '"'
    return text
