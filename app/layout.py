"""The page: a strip and the filter above, the views, the status below; it fills the window and only panels scroll."""

from dash import html

from asap_core.analysis import Analysis

from . import selection, theme
from .views import dimension, filters, header, image, opened, overview, pattern, status


def page(analysis: Analysis) -> html.Div:
    """Everything on the page."""
    views = (("overview", overview), ("image", image), ("pattern", pattern), ("dimension", dimension))
    return html.Div(
        [
            selection.layout(analysis),
            html.Div([header.layout(analysis), filters.layout(analysis)], className="top"),
            html.Main([_panel(name, view.layout(analysis)) for name, view in views], className="workspace"),
            status.layout(analysis),
            opened.layout(analysis),
        ],
        className="page",
    )


def _panel(name: str, section: html.Section) -> html.Section:
    """A view's panel, with the button that enlarges it over the others at the end of its head."""
    head, *_ = section.children
    label = f"Enlarge, or show all panels again: {name}"
    enlarge = html.Button(
        className="icon-button enlarge", title=label, **theme.attributes(data_focus=name, aria_label=label)
    )
    head.children = [*head.children, enlarge]
    return section
