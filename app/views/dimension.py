"""Dimension View: what each dimension adds to the verdicts of a group, or of two; one dimension in full; what if.

Everything is drawn by the scripts in `assets/dimensions` from the small files of `app/routes/dimensions.py`.
"""

from dash import ClientsideFunction, Dash, Input, Output, html

from asap_core.analysis import Analysis

from .. import selection, theme


class ids:
    """Ids of this view."""

    groups = "dimension-groups"
    tools = "dimension-tools"
    bars = "dimension-bars"
    detail = "dimension-detail"
    drawn = "dimension-drawn"


def layout(analysis: Analysis) -> html.Section:
    """The panel: the groups A and B above, bars, and the chosen dimension."""
    return html.Section(
        [
            html.Header(
                [html.H2("Dimensions"), html.Div(id=ids.tools, className="dimension-tools")], className="panel-head"
            ),
            html.Div(
                id=ids.groups, className="dimension-groups", role="group", **theme.attributes(aria_label="Groups")
            ),
            html.Div(
                [
                    html.Div(id=ids.bars, className="dimension-bars", **theme.attributes(aria_busy="true")),
                    html.Div(id=ids.detail, className="dimension-detail", hidden=True),
                ],
                className="dimension-body",
            ),
            html.Div(id=ids.drawn, hidden=True),
        ],
        className="panel dimension",
        **theme.attributes(aria_label="Dimension View"),
    )


def register(app: Dash) -> None:
    """Draw when the groups, the chosen dimension or the opened image change."""
    here = selection.ids
    app.clientside_callback(
        ClientsideFunction("dimensions", "draw"),
        Output(ids.drawn, "children"),
        Input(here.a, "data"),
        Input(here.b, "data"),
        Input(here.filter, "data"),
        Input(here.target, "data"),
        Input(here.image, "data"),
        Input(here.order, "data"),
        Input(here.focus, "data"),
    )
