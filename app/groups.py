"""Groups: the images that a phrase of the selection names, kept for whoever asks next."""

from threading import Condition

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from asap_core import selections
from asap_core.analysis import Analysis

KEPT = 64  # phrases; a mask is a byte an image


class Groups:
    """Rows and masks of one analysis, by phrase; see `asap_core.selections` for what a phrase may say."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self._masks: LRUCache[str, NDArray[np.bool_]] = LRUCache(KEPT)
        self._find = cached(self._masks, key=str, condition=Condition())(self._found)

    def mask(self, phrase: str | None) -> NDArray[np.bool_]:
        """Which images a phrase names, (n,), read-only; SettingsError where it is not understood."""
        found = np.ones(self.analysis.n, np.bool_)
        for condition in selections.conditions(phrase):
            found &= self._mask(condition)
        return found

    def rows(self, phrase: str | None) -> NDArray[np.int64]:
        """The rows that a phrase names, ascending, (r,)."""
        return np.flatnonzero(self.mask(phrase))

    def lasting(self, phrase: str | None) -> bool:
        """Whether the phrase will always name the same images."""
        return selections.lasting(phrase)

    def _mask(self, condition: str) -> NDArray[np.bool_]:
        """Condition by condition, so that a filter and a group in it are each found once."""
        lasting = selections.lasting(condition)
        return self._find(condition) if lasting else selections.mask_of(self.analysis, condition)

    def _found(self, condition: str) -> NDArray[np.bool_]:
        found = selections.mask_of(self.analysis, condition)
        found.flags.writeable = False
        return found
