"""Pattern View: what recurs across images and moves their verdicts, in everything or in a selection.

Everything is drawn by `assets/patterns/patterns.js` from one small file, see `app/routes/findings.py`.
"""

from dash import ClientsideFunction, Dash, Input, Output, html

from asap_core.analysis import Analysis

from .. import selection, theme


class ids:
    """Ids of this view."""

    tools = "pattern-tools"
    sets = "pattern-sets"
    said = "pattern-said"
    list = "pattern-list"
    drawn = "pattern-drawn"


def layout(analysis: Analysis) -> html.Section:
    """The panel: which findings, what was done last, and the patterns."""
    return html.Section(
        [
            html.Header(
                [html.H2("Patterns"), html.Div(id=ids.tools, className="pattern-tools")], className="panel-head"
            ),
            html.Div(id=ids.sets, className="pattern-sets", role="group", **theme.attributes(aria_label="Patterns of")),
            html.Div(id=ids.said, className="pattern-said", role="status", hidden=True),
            html.Div(id=ids.list, className="pattern-list", **theme.attributes(aria_busy="true")),
            html.Div(id=ids.drawn, hidden=True),
        ],
        className="panel pattern",
        **theme.attributes(aria_label="Pattern View"),
    )


def register(app: Dash) -> None:
    """Draw when the findings asked for, the chosen pattern, the group, the order or the panel's size change."""
    here = selection.ids
    app.clientside_callback(
        ClientsideFunction("patterns", "draw"),
        Output(ids.drawn, "children"),
        Input(here.of, "data"),
        Input(here.pattern, "data"),
        Input(here.a, "data"),
        Input(here.filter, "data"),
        Input(here.rank, "data"),
        Input(here.toward, "data"),
        Input(here.focus, "data"),
    )
