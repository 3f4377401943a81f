"""Results that threads share: each is made once, and a slow one keeps nobody from another."""

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import numpy as np
import pytest

from app.groups import KEPT, Groups
from app.kept import Kept
from app.routes import findings as route
from asap_core import findings
from tests import toy

SOON = 20  # seconds, after which a test gives up


def test_a_slow_key_keeps_no_other_waiting():
    kept, begun, free = Kept(), Event(), Event()

    def slow() -> str:
        begun.set()
        assert free.wait(SOON)
        return "slow"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(kept.get, "a", slow)
        assert begun.wait(SOON)
        assert kept.get("b", lambda: "quick") == "quick"  # while a is made
        assert not first.done()
        free.set()
        assert first.result(SOON) == "slow"


def test_a_key_is_made_once_whoever_asks():
    kept, together, made = Kept(), Barrier(8), []

    def ask(_: int) -> int:
        together.wait(SOON)
        return kept.get("key", lambda: made.append(1) or len(made))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(8))) == [1] * 8
    assert made == [1]


def test_a_failure_is_not_kept_and_who_waits_tries_itself():
    kept, together, tried = Kept(), Barrier(3), []

    def fails_first() -> int:
        tried.append(1)
        if len(tried) == 1:
            raise ValueError("no")
        return len(tried)

    def ask(_: int) -> Any:
        together.wait(SOON)
        try:
            return kept.get("key", fails_first)
        except ValueError:
            return "failed"

    with ThreadPoolExecutor(3) as threads:
        assert sorted(map(str, threads.map(ask, range(3)))) == ["2", "2", "failed"]


def test_the_longest_unused_is_forgotten():
    kept, made = Kept(2), []
    for key in "abacab":
        kept.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"]


def test_groups_are_found_once_and_a_slow_one_blocks_no_other(tmp_path: Path):
    groups = Groups(toy.make(tmp_path, 40, drawn=1))
    for code in range(2 * KEPT):
        groups.mask(f"rows={code % 40}|{code // 40}")
    assert groups.mask("fake").tolist() == np.asarray(groups.analysis.is_fake).tolist()
    assert groups._find.cache_lock is groups._find.cache_condition  # pyright: ignore  # computes outside of it


def test_findings_are_read_once_and_damage_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    made = toy.make(tmp_path, 60, drawn=1)
    first = toy.found(made, "fake")
    known = route.Discoveries(Groups(made))
    for number in range(route.READ + 20):  # more than are kept in memory
        shutil.copytree(first, first.with_name(f"{number:020}"))
        (first.with_name(f"{number:020}") / findings.FILE).write_text("{")
    entry = known.entry(first.name)
    assert entry is not None
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert [each.folder for each in known.every()] == [first]
    assert len(caplog.records) == route.READ + 20
    assert known.entry(first.name) is entry
    assert known.entry("nothing") is None and known.entry("0" * 20) is None
