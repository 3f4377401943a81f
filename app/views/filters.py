"""The filter: which images every view is of. A bar of what is chosen, a menu of what can be, and the search."""

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from asap_core.analysis import Analysis

from .. import selection, theme


class ids:
    """Ids of this view."""

    chosen = "filters-chosen"
    menu = "filters-menu"
    search = "filters-search"
    drawn = "filters-drawn"


def layout(analysis: Analysis) -> html.Div:
    """The bar, and the menu that its button opens."""
    search = dcc.Input(
        id=ids.search,
        type="search",
        placeholder="Search names and metadata  ( / )",
        className="search",
        maxLength=200,
        debounce=0.4,
        autoComplete="off",
    )
    opens = theme.attributes(data_open=ids.menu, aria_haspopup="dialog")
    button = html.Button("Filter", className="text-button", **opens)
    return html.Div(
        [
            button,
            html.Div(id=ids.chosen, className="chosen", **theme.attributes(aria_live="polite")),
            search,
            html.Dialog(id=ids.menu, className="dialog filter-menu", **theme.attributes(aria_label="Filter")),
            html.Div(id=ids.drawn, hidden=True),
        ],
        className="filter-bar",
        role="search",
    )


def register(app: Dash) -> None:
    """Draw the bar and the menu when the filter changes; the search box writes it."""
    app.clientside_callback(
        ClientsideFunction("filters", "draw"),
        Output(ids.drawn, "children"),
        Input(selection.ids.filter, "data"),
    )
    app.clientside_callback(
        ClientsideFunction("filters", "search"), Input(ids.search, "value"), prevent_initial_call=True
    )
    app.clientside_callback(
        ClientsideFunction("filters", "searched"), Output(ids.search, "value"), Input(selection.ids.filter, "data")
    )
