"""The filter: which images every view is of. A bar of what is chosen, a menu of what can be, and the search."""

from dash import ClientsideFunction, Dash, Input, Output, html

from asap_core.analysis import Analysis

from .. import selection, theme


class ids:
    """Ids of this view."""

    chosen = "filters-chosen"
    menu = "filters-menu"
    search = "filters-search"
    searched = "filters-searched"
    drawn = "filters-drawn"


def layout(analysis: Analysis) -> html.Div:
    """The bar, and the menu that its button opens."""
    opens = theme.attributes(data_open=ids.menu, aria_haspopup="dialog")
    button = html.Button("Filter", className="text-button", **opens)
    return html.Div(
        [
            button,
            html.Div(id=ids.chosen, className="chosen", **theme.attributes(aria_live="polite")),
            html.Div(id=ids.search, className="search-box"),
            html.Dialog(id=ids.menu, className="dialog filter-menu", **theme.attributes(aria_label="Filter")),
            html.Div(id=ids.drawn, hidden=True),
            html.Div(id=ids.searched, hidden=True),
        ],
        className="filter-bar",
        role="search",
    )


def register(app: Dash) -> None:
    """Draw the bar and the menu when the filter changes; the search box says what it holds."""
    app.clientside_callback(
        ClientsideFunction("filters", "draw"),
        Output(ids.drawn, "children"),
        Input(selection.ids.filter, "data"),
    )
    app.clientside_callback(
        ClientsideFunction("search", "draw"), Output(ids.searched, "children"), Input(selection.ids.filter, "data")
    )
