"""Stages are remembered by key, whole or not at all."""

from dataclasses import dataclass

import numpy as np
import pytest

from asap_core import cache


@dataclass(frozen=True)
class Fine:
    step: float = 0.5


@dataclass(frozen=True)
class Coarse:
    step: float = 0.5


def test_a_key_changes_with_everything_that_it_stands_for():
    keys = [
        cache.key("plane", 1, Fine(), "input"),
        cache.key("plane", 2, Fine(), "input"),
        cache.key("plane", 1, Fine(0.25), "input"),
        cache.key("plane", 1, Coarse(), "input"),
        cache.key("plane", 1, Fine(), "other input"),
        cache.key("cells", 1, Fine(), "input"),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == cache.key("plane", 1, Fine(), "input")


def test_a_key_refuses_what_it_cannot_spell_out():
    with pytest.raises(TypeError, match="part of a key"):
        cache.key("plane", 1, np.zeros(3))


def test_a_stage_is_computed_once(tmp_path):
    stages = cache.StageCache(tmp_path)
    calls = []

    def compute():
        calls.append(1)
        return {"positions": np.arange(6, dtype=np.float32).reshape(3, 2)}, {"note": "naïve"}

    first, second = (stages.remember("plane-1", compute) for _ in range(2))
    assert len(calls) == 1
    assert (first.fresh, second.fresh) == (True, False)
    assert second.seconds == first.seconds and second.facts == {"note": "naïve"}
    np.testing.assert_array_equal(second.arrays["positions"], [[0, 1], [2, 3], [4, 5]])
    assert not second.arrays["positions"].flags.writeable


def test_a_stage_that_fails_leaves_nothing(tmp_path):
    stages = cache.StageCache(tmp_path)

    def compute():
        return {"bad": np.array([object()])}, {}

    with pytest.raises(ValueError, match="allow_pickle"):
        stages.remember("plane-1", compute)
    assert list(tmp_path.iterdir()) == []
