"""Kept: results that threads share, each made once by whoever asks first."""

import math
from collections.abc import Callable, Hashable
from threading import Condition
from typing import Any

from cachetools import LRUCache, cached


class Kept:
    """Results by key. While one is made, others of its key wait for it, and nobody else does.

    `most` forgets the longest unused.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._results: LRUCache[Hashable, Any] = LRUCache(most)
        self._get = cached(self._results, key=lambda key, make: key, condition=Condition())(lambda key, make: make())

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` returned for this key, now or earlier; a failure is not kept."""
        return self._get(key, make)
