"""How a stage says how far it is: absolute numbers, so that a report may be missed."""

from collections.abc import Callable

Report = Callable[[int, int], None]
"""Called with (done, total); the unit is the stage's own, mostly images."""


def silent(done: int, total: int) -> None:
    """Report to nobody."""
