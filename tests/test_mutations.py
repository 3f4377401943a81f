"""The mutation check itself: its lines are there, and it tells a test that notices from one that does not."""

from pathlib import Path

import pytest

from tests.mutations import BROKEN, MUTATIONS, NOTICED, ROOT, SURVIVED, Mutation, tried


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: f"{each.file}:{each.right}")
def test_every_line_stands_once_and_changes(mutation: Mutation):
    assert (ROOT / mutation.file).read_text("utf-8").count(mutation.right) == 1
    assert mutation.right != mutation.wrong and (ROOT / mutation.tests.split()[0]).is_file()


def test_a_wrong_line_is_noticed_survives_or_is_told(tmp_path: Path):
    (tmp_path / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "test_sums.py").write_text(
        "from sums import add\n\n\ndef test_good():\n    assert add(1, 2) == 3\n\n\n"
        "def test_poor():\n    assert add(2, 2) == 4\n"
    )
    good = Mutation("sums.py", "a + b", "a - b", "test_sums.py")
    assert tried(good, tmp_path) == NOTICED
    assert tried(Mutation("sums.py", "a + b", "a * b", "test_sums.py -k poor"), tmp_path) == SURVIVED
    assert tried(Mutation("sums.py", "a / b", "a * b", "test_sums.py"), tmp_path).startswith(f"{BROKEN}: sums.py has 0")
    assert "ended with 5" in tried(Mutation("sums.py", "a + b", "a - b", "test_sums.py -k nothing"), tmp_path)
    assert (tmp_path / "sums.py").read_text() == "def add(a, b):\n    return a + b\n"
