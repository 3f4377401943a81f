"""The page: a strip above, the views below; it fills the window and only panels scroll."""

from dash import html

from asap_core.analysis import Analysis

from . import selection
from .views import header, image, opened, overview


def page(analysis: Analysis) -> html.Div:
    """Everything on the page."""
    return html.Div(
        [
            selection.layout(analysis),
            header.layout(analysis),
            html.Main([overview.layout(analysis), image.layout(analysis)], className="workspace"),
            opened.layout(analysis),
        ],
        className="page",
    )
