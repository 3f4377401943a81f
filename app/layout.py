"""The page: a strip and the filter above, the views, the status below; it fills the window and only panels scroll."""

from typing import Any

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
    parts: Any = section.children
    label = f"Enlarge this panel ({name}), or show all again"
    marks = theme.attributes(data_focus=name, aria_label=label)
    enlarge = html.Button(className="icon-button enlarge", title=label, **marks)
    parts[0].children = [*parts[0].children, enlarge]
    return section
