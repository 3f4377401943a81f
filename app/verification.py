"""Verification: while a page is served, its analysis' files are held against what was written into them."""

import logging
from collections.abc import Sequence
from threading import Thread

from dash import Dash

from asap_core import inspection
from asap_core.analysis import Analysis
from asap_core.errors import AsapError
from asap_core.integrity import Broken

LOG = logging.getLogger(__name__)


class Verification:
    """What is broken of one analysis; large files too, which are not verified as they are opened."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.broken: Sequence[Broken] = ()
        self._thread: Thread | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will be found."""
        return self._thread is None or not self._thread.is_alive()

    def start(self) -> None:
        """Begin, once, beside everything else."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="verification", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self.broken = inspection.inspect(self.analysis.built, maps=False).broken
        except (AsapError, OSError) as error:  # another build may have taken its place
            LOG.warning("the analysis cannot be verified: %s", error)
        for each in self.broken:
            LOG.warning("%s", each)


def of(app: Dash) -> Verification:
    """The verification of a page."""
    return app.server.extensions["verification"]
