"""Representation Overview: the plane of the images, its table twin, its legend and the hover card's place.

Nothing of it is computed in a callback: `assets/overview/plane.js` follows the selection and draws from small files.
"""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, html

from asap_core.analysis import PLANES, Analysis
from asap_core.projection import cells

from .. import selection, theme
from ..figures import legend, palette
from ..routes import planes

TITLES = {"content": "Content", "decision": "Decision"}
HINTS = {
    "content": "Images that look alike lie close together.",
    "decision": "Images that the detector reads alike lie close together.",
}
SHOWS = {"glyphs": "Glyphs", "thumbnails": "Thumbnails", "points": "Points", "table": "Table"}
MEASURES = {
    "n": "Images",
    "fake": "Fake share",
    "errors": "Error rate",
    "severity": "Severity",
    "sensitivity": "Sensitivity",
    "pattern": "Chosen pattern",
}
TOOLS = {
    "pan": ("Pan", "Move the plane (P); a click chooses a cell"),
    "lasso": ("Lasso", "Draw around images (L); hold shift for group B"),
    "box": ("Box", "Draw a box around images (B); hold shift for group B"),
}
ZOOM = (("−", "out", "Zoom out (-)"), ("+", "in", "Zoom in (+)"), ("⤢", "all", "Show the whole plane (0)"))


class ids:
    """Ids of this view."""

    stage = "overview-stage"
    menu = "overview-menu"
    mode = "overview-mode"
    state = "overview-state"
    world = "overview-world"
    dots = "overview-dots"
    singles = "overview-singles"
    rings = "overview-rings"
    message = "overview-message"
    legend = "overview-legend"
    key = "overview-key"
    note = "overview-note"
    table = "overview-table"
    card = "overview-card"
    spoken = "overview-spoken"
    followed = "overview-followed"


def layout(analysis: Analysis) -> html.Section:
    """The panel."""
    main = html.Div([_tools(), _stage()], className="overview-main")
    body = [
        html.Div([main, _legend(analysis)], className="overview-inner"),
        html.Div(id=ids.table, className="cell-table"),
    ]
    head = html.Header([html.H2("Overview"), _planes(), _menu(len(analysis.head))], className="panel-head")
    return html.Section(
        [head, html.Div(body, className="overview-body")],
        className="panel overview",
        **theme.attributes(aria_label="Representation Overview"),
    )


def _choice(text: str, title: str = "", **choice: Any) -> html.Button:
    """A button that sets what `choice` says; it is pressed while that is so."""
    goes = "&".join(f"{key}={value}" for key, value in choice.items())
    moves = "&view=" if "plane" in choice else ""
    return html.Button(
        text,
        className="option",
        title=title or None,
        **theme.attributes(data_go=goes + moves, data_choice=goes, aria_pressed="false"),
    )


def _planes() -> html.Div:
    buttons = [_choice(TITLES[name], HINTS[name], plane=name) for name in PLANES]
    return html.Div(buttons, className="segments", role="group", **theme.attributes(aria_label="Plane"))


def _menu(dimensions: int) -> html.Details:
    """What the plane shows, and how finely; the summary says what is chosen."""

    def group(title: str, buttons: list[html.Button], kind: str) -> html.Div:
        named = theme.attributes(aria_label=title)
        return html.Div([html.H3(title), html.Div(buttons, className=kind)], role="group", **named)

    heats = [_choice(text, show="heat", measure=name) for name, text in MEASURES.items()]
    adds = [
        _choice(f"{k + 1}", f"Mean contribution of dimension {k + 1}", show="heat", measure=f"d{k}")
        for k in range(dimensions)
    ]
    content = [
        group("Show", [_choice(text, show=name) for name, text in SHOWS.items()], "options"),
        group("Heat map of", heats, "options"),
        group("Heat map of what a dimension adds", adds, "options few"),
        group("Cells a side, seen whole", [_choice(f"{side}", side=side) for side in cells.SIDES], "options few"),
    ]
    label = theme.attributes(aria_label="What the plane shows")
    return html.Details(
        [html.Summary(id=ids.mode, className="menu-button", **label), html.Div(content, className="menu-card")],
        id=ids.menu,
        className="menu",
    )


def _tools() -> html.Div:
    modes = [
        html.Button(text, className="option", title=title, **theme.attributes(data_pointer=name, aria_pressed="false"))
        for name, (text, title) in TOOLS.items()
    ]
    steps = [
        html.Button(sign, className="icon-button", title=label, **theme.attributes(data_zoom=how, aria_label=label))
        for sign, how, label in ZOOM
    ]
    return html.Div(
        [
            html.Div(modes, className="segments", role="group", **theme.attributes(aria_label="Pointer")),
            html.Div(steps, className="zoom"),
            html.Div(id=ids.state, className="overview-state"),
        ],
        className="overview-tools",
    )


def _stage() -> html.Div:
    layers = html.Div(
        [
            html.Div(id=ids.world, className="world"),
            html.Canvas(id=ids.dots, className="dots"),
            html.Div(id=ids.singles, className="singles"),
            html.Div(id=ids.rings, className="rings"),
        ],
        className="layers",
        **theme.attributes(aria_hidden="true"),
    )
    label = (
        "Plane of cells. Arrow keys go from cell to cell, Enter makes one group A, C makes it group B, "
        "plus and minus zoom."
    )
    reached = {"tabIndex": "0", "role": "application", **theme.attributes(aria_label=label)}
    return html.Div(
        [
            html.Div([layers], id=ids.stage, className="stage", **reached),
            html.Div(id=ids.message, className="message", role="status"),
            html.Div(id=ids.card, className="card", hidden=True, **theme.attributes(aria_hidden="true")),
            html.Div(id=ids.spoken, className="spoken", **theme.attributes(aria_live="polite")),
            html.Div(id=ids.followed, hidden=True),
        ],
        className="stage-frame",
    )


def _legend(analysis: Analysis) -> html.Details:
    """A fold with the legend of what is shown; assets/overview/legend.js fills it and remembers whether it is open."""
    pictures = [
        html.Img(
            src=planes.legend_url(analysis, shade),
            alt="",
            width=legend.WIDTH,
            height=legend.HEIGHT,
            className=f"legend only-{shade}",
        )
        for shade in palette.PALETTES
    ]
    notes = [analysis.info.get("planes", {}).get(name, {}).get("note") or "" for name in PLANES]
    hints = [
        html.Span(f"{HINTS[name]} {note}".strip(), className="hint", **theme.attributes(data_plane=name))
        for name, note in zip(PLANES, notes, strict=True)
    ]
    if analysis.is_fake is None:
        hints.insert(0, html.Span("Origin unknown: rings show verdicts. ", className="hint"))
    title = html.Summary([html.Span("Legend"), html.Span(hints, id=ids.note)], className="legend-title")
    content = [html.Div(pictures, hidden=True), html.Div(id=ids.key, className="key")]
    return html.Details(
        [title, html.Div(content, className="legend-content")],
        id=ids.legend,
        className="legend-fold",
        open=True,
    )


def register(app: Dash) -> None:
    """Follow the selection in the browser."""
    here = selection.ids
    followed = ("plane", "side", "show", "measure", "window", "filter", "a", "b", "image", "pattern")
    app.clientside_callback(
        ClientsideFunction("plane", "follow"),
        Output(ids.followed, "children"),
        *(Input(getattr(here, name), "data") for name in followed),
        Input(theme.ids.name, "data"),
        prevent_initial_call=True,
    )
