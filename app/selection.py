"""What is selected, and how it travels: a click or a key -> the URL -> these stores -> the views.

The URL is the state: `?plane=decision&side=32&cell=412&image=7`. `assets/selection.js` changes it, one
browser callback reads it into the stores, and nothing else writes them. So links, back and forward work.
"""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from asap_core.analysis import PLANES, Analysis
from asap_core.projection import cells

from . import gallery, responses, theme

SMALL = 1000  # images; fewer start with the coarsest cells


class ids:  # noqa: N801, a namespace
    """Ids of the stores, and of the URL they are read from."""

    url = "selection-url"
    defaults = "selection-defaults"
    root = "selection-root"  # carries what the browser needs to build URLs
    plane = "selection-plane"  # one of PLANES
    side = "selection-side"  # one of cells.SIDES
    show = "selection-show"  # "glyphs" or "table"
    cell = "selection-cell"  # a cell's code, or none
    sort = "selection-sort"  # one of gallery.SORTS
    page = "selection-page"  # from 1
    image = "selection-image"  # a row, or none


STORES = (ids.plane, ids.side, ids.show, ids.cell, ids.sort, ids.page, ids.image)


def defaults(analysis: Analysis) -> dict[str, Any]:
    """What is selected where the URL says nothing."""
    side = cells.SIDES[0] if analysis.n < SMALL else cells.SIDES[1]
    return {
        "plane": PLANES[0],
        "side": side,
        "show": "glyphs",
        "cell": None,
        "sort": gallery.SORTS[0],
        "page": 1,
        "image": None,
    }


def choices(analysis: Analysis) -> dict[str, Any]:
    """What the URL may say: lists of values, or the number that whole numbers stay below."""
    return {
        "plane": list(PLANES),
        "side": list(cells.SIDES),
        "show": ["glyphs", "table"],
        "cell": cells.SIDES[-1] ** 2,
        "sort": list(gallery.SORTS),
        "page": analysis.n + 1,
        "image": analysis.n,
    }


def layout(analysis: Analysis) -> html.Div:
    """The URL, the stores, and what the browser needs to know of the analysis."""
    first = defaults(analysis)
    return html.Div(
        [
            dcc.Location(id=ids.url, refresh=False),
            dcc.Store(id=ids.defaults, data={"values": first, "choices": choices(analysis)}),
            *(dcc.Store(id=store) for store in STORES),
        ],
        id=ids.root,
        **theme.attributes(
            data_fingerprint=analysis.fingerprint,
            data_edition=responses.edition(),
            data_truth="yes" if analysis.is_fake is not None else "no",
        ),
    )


def register(app: Dash) -> None:
    """URL -> stores, in the browser; a store is only written when its value changes."""
    app.clientside_callback(
        ClientsideFunction("selection", "read"),
        [Output(store, "data") for store in STORES],
        Input(ids.url, "search"),
        State(ids.defaults, "data"),
        [State(store, "data") for store in STORES],
    )
