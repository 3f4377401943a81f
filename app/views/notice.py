"""The notice above all: files of the analysis that are damaged, and what makes them again. Nothing where all is well."""

from collections.abc import Sequence

from dash import Dash, Input, Output, dcc, html

from asap_core.integrity import Broken

from ..verification import Verification

LOOK = 2000  # milliseconds between two looks, until the verification is over
MOST = 3  # files that are named


class ids:
    """Ids of this view."""

    banner = "notice-banner"
    clock = "notice-clock"


def layout() -> html.Div:
    """An empty banner, and the clock that asks for what it says."""
    banner = html.Div(id=ids.banner, className="banner", role="alert", hidden=True)
    return html.Div([banner, dcc.Interval(id=ids.clock, interval=LOOK)])


def register(app: Dash, verified: Verification) -> None:
    """Say what is broken as soon as it is known."""
    app.server.extensions["verification"] = verified

    @app.callback(
        Output(ids.banner, "children"),
        Output(ids.banner, "hidden"),
        Output(ids.clock, "disabled"),
        Input(ids.clock, "n_intervals"),
    )
    def say(looks: int | None) -> tuple[list, bool, bool]:
        """What is broken, and whether to ask again."""
        over = verified.over  # first: what is found meanwhile is told by the next look
        found = verified.broken
        return [each for broken in found[:MOST] for each in _told(broken)] + _rest(found), not found, over


def _told(broken: Broken) -> list:
    return [html.Div([html.Strong(f"{broken.file} is damaged. "), html.Span(f"To mend it, {broken.mend}")])]


def _rest(found: Sequence[Broken]) -> list:
    more = len(found) - MOST
    return [html.Div(f"{more:,} more: python run.py check DIR lists them.")] if more > 0 else []
