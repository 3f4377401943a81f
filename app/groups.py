"""Groups: the images that a phrase of the selection names, kept for whoever asks next."""

from collections import OrderedDict
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from asap_core import selections
from asap_core.analysis import Analysis

KEPT = 64  # phrases; a mask is a byte an image


class Groups:
    """Rows and masks of one analysis, by phrase; see `asap_core.selections` for what a phrase may say."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self._masks: OrderedDict[str, NDArray[np.bool_]] = OrderedDict()
        self._lock = Lock()

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
        if not selections.lasting(condition):
            return selections.mask_of(self.analysis, condition)
        with self._lock:
            found = self._masks.pop(condition, None)
        if found is None:
            found = selections.mask_of(self.analysis, condition)
            found.flags.writeable = False
        with self._lock:
            self._masks[condition] = found  # last: the most recently asked for
            while len(self._masks) > KEPT:
                self._masks.popitem(last=False)
        return found
