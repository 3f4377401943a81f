"""The status bar at the foot of the page: what the worker does, how far it is, what waits, and what went wrong.

Drawn by `assets/jobs/status.js` from what `assets/jobs/jobs.js` hears of the server.
"""

from dash import html

from asap_core.analysis import Analysis

from .. import theme


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
            html.Div(parts, id=ids.bar, className="status-bar"),
            html.Ol(id=ids.list, className="status-list", hidden=True, **theme.attributes(aria_label="Jobs")),
            html.Div(id=ids.said, className="spoken", **theme.attributes(aria_live="polite")),
        ],
        className="status",
        **theme.attributes(aria_label="Jobs"),
    )


def _button(name: str, text: str, title: str, **marks: str) -> html.Button:
    return html.Button(text, id=name, className="text-button", hidden=True, title=title, **theme.attributes(**marks))
