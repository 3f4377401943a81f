"""Image View: the images of the selected cell, or of the whole collection, a hundred at a time.

The tiles are drawn by `assets/gallery.js` from one small file a page; a click on one opens it.
"""

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from asap_core.analysis import Analysis

from .. import selection, theme
from ..gallery import Gallery

SORTS = {"errors": "Errors", "severity": "Severity", "row": "Catalogue"}
UNLABELLED_SORTS = {"errors": "Least certain", "severity": "Severity", "row": "Catalogue"}


class ids:
    """Ids of this view."""

    title = "image-title"
    facts = "image-facts"
    tiles = "image-tiles"
    pager = "image-pager"
    choose_sort = "image-choose-sort"
    drawn = "image-drawn"


def layout(analysis: Analysis) -> html.Section:
    """The panel."""
    names = UNLABELLED_SORTS if analysis.is_fake is None else SORTS
    options = [{"label": label, "value": value} for value, label in names.items()]
    sort = html.Div(
        [
            html.Span("Sort", className="choice-label"),
            dcc.RadioItems(options, id=ids.choose_sort, className="choice"),
        ],
        className="choice-group",
        role="group",
        **theme.attributes(aria_label="Order of the images"),
    )
    return html.Section(
        [
            html.Header([html.H2("Images"), sort], className="panel-head"),
            html.Div(
                [
                    html.Div(id=ids.title, className="set-title"),
                    html.Div(id=ids.facts, className="set-facts"),
                ],
                className="set",
            ),
            html.Div(id=ids.tiles, className="tiles", tabIndex="-1"),
            html.Div(id=ids.pager, className="pager"),
            html.Div(id=ids.drawn, hidden=True),
        ],
        className="panel images",
        **theme.attributes(aria_label="Image View"),
    )


def register(app: Dash, gallery: Gallery) -> None:
    """Draw the tiles when the selection changes."""
    here = selection.ids
    app.clientside_callback(
        ClientsideFunction("gallery", "draw"),
        Output(ids.drawn, "children"),
        Input(here.plane, "data"),
        Input(here.side, "data"),
        Input(here.cell, "data"),
        Input(here.sort, "data"),
        Input(here.page, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("selection", "show"), Output(ids.choose_sort, "value"), Input(here.sort, "data")
    )
    app.clientside_callback(
        ClientsideFunction("selection", "chooseSort"),
        Input(ids.choose_sort, "value"),
        prevent_initial_call=True,
    )
