"""Representation Overview: the plane of glyphs, its table twin, and the hover card's place."""

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from asap_core.analysis import PLANES, Analysis
from asap_core.projection import cells

from .. import planes, selection, theme
from ..figures import palette
from ..figures import plane as plane_figure
from ..planes import Planes

DONUTS_UP_TO = 16  # cells a side that are large enough for donuts at first; the browser measures and corrects
TITLES = {"content": "Content", "decision": "Decision"}
HINTS = {
    "content": "Images that look alike lie close together.",
    "decision": "Images that the detector reads alike lie close together.",
}


class ids:
    """Ids of this view."""

    plane = "overview-plane"
    stage = "overview-stage"
    choose_plane = "overview-choose-plane"
    choose_side = "overview-choose-side"
    choose_show = "overview-choose-show"
    legend_light = "overview-legend-light"
    legend_dark = "overview-legend-dark"
    hint = "overview-hint"
    note = "overview-note"
    table = "overview-table"
    card = "overview-card"
    spoken = "overview-spoken"
    marked = "overview-marked"
    tabled = "overview-tabled"


def layout(analysis: Analysis) -> html.Section:
    """The panel."""
    return html.Section(
        [
            _toolbar(),
            html.Div([_side(), _stage(), html.Div(id=ids.table, className="cell-table")], className="overview-body"),
        ],
        className="panel overview",
        **theme.attributes(aria_label="Representation Overview"),
    )


def _toolbar() -> html.Header:
    planes_shown = [{"label": TITLES[name], "value": name} for name in PLANES]
    sides = [{"label": f"{side}", "value": side} for side in cells.SIDES]
    shows = [{"label": "Glyphs", "value": "glyphs"}, {"label": "Table", "value": "table"}]
    return html.Header(
        [
            html.H2("Overview"),
            _choice("Plane", ids.choose_plane, planes_shown),
            _choice("Cells a side", ids.choose_side, sides),
            _choice("Show as", ids.choose_show, shows),
        ],
        className="panel-head",
    )


def _choice(label: str, name: str, options: list[dict]) -> html.Div:
    return html.Div(
        [html.Span(label, className="choice-label"), dcc.RadioItems(options, id=name, className="choice")],
        className="choice-group",
        role="group",
        **theme.attributes(aria_label=label),
    )


def _side() -> html.Aside:
    key = html.Div(
        [
            html.P(id=ids.hint, className="hint"),
            html.Img(id=ids.legend_light, className="legend only-light", alt="Legend of the glyphs"),
            html.Img(id=ids.legend_dark, className="legend only-dark", alt="Legend of the glyphs"),
            html.P(id=ids.note, className="hint quiet"),
        ],
        className="overview-key",
    )
    return html.Aside([key, _zoom()], className="overview-side")


def _zoom() -> html.Div:
    steps = (("+", "in", "Zoom in"), ("−", "out", "Zoom out"), ("⤢", "all", "Show the whole plane"))
    buttons = [
        html.Button(sign, className="icon-button", title=label, **theme.attributes(data_zoom=how, aria_label=label))
        for sign, how, label in steps
    ]
    return html.Div(buttons, className="zoom")


def _stage() -> html.Div:
    graph = dcc.Graph(id=ids.plane, config=theme.GRAPH_CONFIG, responsive=True, className="plane")
    label = "Plane of cells. Arrow keys go from cell to cell, Enter shows a cell's images."
    reached = {"tabIndex": "0", "role": "application", **theme.attributes(aria_label=label)}
    return html.Div(
        [
            html.Div([graph], id=ids.stage, className="stage", **reached),
            html.Div(id=ids.card, className="card", hidden=True, **theme.attributes(aria_hidden="true")),
            html.Div(id=ids.spoken, className="spoken", **theme.attributes(aria_live="polite")),
            html.Div(id=ids.marked, hidden=True),
            html.Div(id=ids.tabled, hidden=True),
        ],
        className="stage-frame",
    )


def register(app: Dash, places: Planes) -> None:
    """Draw the plane when the plane, side or theme changes; mark the selected cell in the browser."""
    analysis = places.analysis
    here = selection.ids

    @app.callback(
        Output(ids.plane, "figure"),
        Input(here.plane, "data"),
        Input(here.side, "data"),
        Input(theme.ids.name, "data"),
        prevent_initial_call=True,
    )
    def draw(plane: str, side: int, shade: str) -> dict:
        """The figure of one plane and side."""
        detail = "donuts" if side <= DONUTS_UP_TO else "squares"
        picture = planes.glyphs_url(analysis, plane, side, detail, shade)
        return plane_figure.draw(places.cells(plane, side).codes, side, picture, plane)

    @app.callback(
        Output(ids.legend_light, "src"),
        Output(ids.legend_dark, "src"),
        Output(ids.hint, "children"),
        Output(ids.note, "children"),
        Input(here.plane, "data"),
        Input(here.side, "data"),
        prevent_initial_call=True,
    )
    def explain(plane: str, side: int) -> tuple[str, str, str, str]:
        """The legend of one plane and side, and what its nearness means."""
        light, dark = (planes.legend_url(analysis, plane, side, shade) for shade in palette.PALETTES)
        notes = [analysis.info.get("planes", {}).get(plane, {}).get("note") or ""]
        if analysis.is_fake is None:
            notes.append("The images' origin is unknown: rings show verdicts, and errors cannot be known.")
        return light, dark, HINTS[plane], " ".join(notes).strip()

    choices = ((ids.choose_plane, here.plane), (ids.choose_side, here.side), (ids.choose_show, here.show))
    for control, store in choices:
        app.clientside_callback(ClientsideFunction("selection", "show"), Output(control, "value"), Input(store, "data"))
    app.clientside_callback(
        ClientsideFunction("selection", "choose"),
        *(Input(control, "value") for control, _ in choices),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("plane", "mark"),
        Output(ids.marked, "children"),
        Input(ids.plane, "figure"),
        Input(here.cell, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("table", "draw"),
        Output(ids.tabled, "children"),
        Input(here.plane, "data"),
        Input(here.side, "data"),
        Input(here.cell, "data"),
        Input(here.show, "data"),
        prevent_initial_call=True,
    )
