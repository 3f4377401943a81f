"""The status bar at the foot of the page: what the worker does, how far it is, what waits, and what went wrong.

Drawn by `assets/jobs/status.js` from what `assets/jobs/jobs.js` hears of the server. Above it stands which files of the
analysis are damaged, and what makes them again; nothing where all is well.
"""

from collections.abc import Sequence

from dash import Dash, Input, Output, dcc, html

from asap_core.analysis import Analysis
from asap_core.integrity import Broken

from .. import theme
from ..verification import Verification

LOOK = 2000  # milliseconds between two looks, until the verification is over
MOST = 3  # damaged files that are named


class ids:
    """Ids of this view."""

    bar = "status-bar"
    what = "status-what"  # what runs
    progress = "status-progress"
    far = "status-far"  # how far it is, and what is left
    cancel = "status-cancel"
    others = "status-others"  # opens the list
    error = "status-error"
    dismiss = "status-dismiss"
    last = "status-last"  # what finished last
    replaced = "status-replaced"  # that a newer build is there
    maps = "status-maps"  # how many images have theirs
    compute = "status-compute"
    list = "status-list"  # all jobs, above the bar
    damaged = "status-damaged"
    verifying = "status-verifying"  # the clock that asks whether something is
    said = "status-said"  # for ears: what began, ended, failed


def layout(analysis: Analysis) -> html.Footer:
    """The bar, empty until the browser has heard of the jobs."""
    parts = [
        html.Span(id=ids.error, className="status-error", hidden=True),
        _button(ids.dismiss, "×", "Dismiss this message", aria_label="Dismiss this message"),
        html.Span(id=ids.what, className="status-what"),
        html.Progress(id=ids.progress, hidden=True, **theme.attributes(aria_label="Progress")),
        html.Span(id=ids.far, className="status-far"),
        _button(ids.cancel, "Cancel", "Stop this job; what it has made so far is kept"),
        html.Span(id=ids.last, className="status-last"),
        html.Span(id=ids.maps, className="status-maps"),
        _button(ids.compute, "Compute all", f"Compute the maps of all {analysis.n:,} images"),
        html.Span(id=ids.replaced, className="status-replaced", hidden=True),
        html.Button(
            id=ids.others,
            className="text-button status-others",
            hidden=True,
            **theme.attributes(aria_expanded="false", aria_controls=ids.list),
        ),
    ]
    return html.Footer(
        [
            html.Div(id=ids.damaged, className="banner", role="alert", hidden=True),
            dcc.Interval(id=ids.verifying, interval=LOOK),
            html.Div(parts, id=ids.bar, className="status-bar"),
            html.Ol(id=ids.list, className="status-list", hidden=True, **theme.attributes(aria_label="Jobs")),
            html.Div(id=ids.said, className="spoken", **theme.attributes(aria_live="polite")),
        ],
        className="status",
        **theme.attributes(aria_label="Jobs"),
    )


def _button(name: str, text: str, title: str, **marks: str) -> html.Button:
    return html.Button(text, id=name, className="text-button", hidden=True, title=title, **theme.attributes(**marks))


def register(app: Dash, verified: Verification) -> None:
    """Say which files are damaged as soon as it is known."""
    app.server.extensions["verification"] = verified

    @app.callback(
        Output(ids.damaged, "children"),
        Output(ids.damaged, "hidden"),
        Output(ids.verifying, "disabled"),
        Input(ids.verifying, "n_intervals"),
    )
    def say(looks: int | None) -> tuple[list[html.Div], bool, bool]:
        """What is damaged, and whether that is all."""
        over = verified.over  # first: what is found meanwhile is told by the next look
        return told(verified.broken, str(verified.analysis.folder)), not verified.broken, over


def told(broken: Sequence[Broken], folder: str) -> list[html.Div]:
    """A line a file, and how many more there are."""
    lines = [html.Div([html.Strong(f"{each.file} is damaged. "), f"To mend it, {each.mend}"]) for each in broken[:MOST]]
    more = len(broken) - MOST
    return lines + ([html.Div(f"{more:,} more; python run.py check {folder} lists them.")] if more > 0 else [])
