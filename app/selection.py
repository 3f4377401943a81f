"""What is selected, and how it travels: a click or a key -> the URL -> these stores -> the views.

The URL is the state: `?plane=decision&a=cell%3Ddecision/32/412&image=7`. `assets/selection.js` changes it, one
browser callback reads it into the stores, and nothing else writes them. So links, back and forward work.
"""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from asap_core.analysis import PLANES, Analysis
from asap_core.projection import cells

from . import responses, theme
from .routes import gallery

SMALL = 5000  # images; fewer start with the coarsest cells
SHOWS = ("glyphs", "thumbnails", "heat", "points", "table")
MEASURES = ("n", "fake", "errors", "severity", "sensitivity", "pattern")
RANKS = ("impact", "n", "flips", "share", "here")
ORDERS = ("size", "difference", "number")
PANELS = ("overview", "image", "pattern", "dimension")
LONGEST = 4000  # characters of a phrase in a link


class ids:  # noqa: N801, a namespace
    """Ids of the stores, and of the URL they are read from."""

    url = "selection-url"
    defaults = "selection-defaults"
    root = "selection-root"  # carries what the browser needs to build URLs
    plane = "selection-plane"  # one of PLANES
    side = "selection-side"  # one of cells.SIDES: cells a side when the whole plane is seen
    show = "selection-show"  # one of SHOWS
    measure = "selection-measure"  # of the heat map: one of MEASURES, or d0, d1, …
    window = "selection-window"  # "x0,y0,x1,y1": the part of the plane that is seen, or none
    filter = "selection-filter"  # a phrase of asap_core.selections, or none
    a = "selection-a"  # a phrase: the group that is looked at, or none
    b = "selection-b"  # a phrase: the group that it is compared with, or none
    sort = "selection-sort"  # one of gallery.SORTS
    page = "selection-page"  # from 1
    image = "selection-image"  # a row, or none
    overlay = "selection-overlay"  # "on" or "off": maps over the images
    target = "selection-target"  # what maps are of: "logit", or a dimension from 0
    of = "selection-of"  # a phrase: in which images patterns were looked for; none: in all
    pattern = "selection-pattern"  # KEY/NUMBER, or none
    rank = "selection-rank"  # the order of the patterns, one of RANKS
    toward = "selection-toward"  # the patterns that are listed: "all", or those toward "fake" or "real"
    order = "selection-order"  # of the dimensions: one of ORDERS, or none: by difference where two groups are compared
    focus = "selection-focus"  # the panel that is enlarged, one of PANELS, or none


# What the URL says and a store carries, in the order in which assets/selection.js reads them.
CARRIED = (
    "plane", "side", "show", "measure", "view", "filter", "a", "b", "sort", "page", "image", "overlay", "target",
    "of", "pattern", "rank", "toward", "order", "focus",
)  # fmt: skip
# What only scripts look at. set: what if, "K:CONTRIBUTION,…", dimensions that are set, or none; pin: "on": A stays, and
# what is chosen next becomes B.
STATE = (*CARRIED, "set", "pin")
STORES = tuple(getattr(ids, "window" if key == "view" else key) for key in CARRIED)


def defaults(analysis: Analysis) -> dict[str, Any]:
    """What is selected where the URL says nothing."""
    side = cells.SIDES[0] if analysis.n < SMALL else cells.SIDES[1]
    first = {"plane": PLANES[0], "side": side, "show": SHOWS[0], "measure": MEASURES[0], "sort": gallery.SORTS[0]}
    rest = {"page": 1, "overlay": "off", "target": "logit", "rank": RANKS[0], "toward": "all", "pin": "off"}
    return dict.fromkeys(STATE) | first | rest


def choices(analysis: Analysis) -> dict[str, Any]:
    """What the URL may say: lists of values, the number that whole numbers stay below, or a pattern of texts."""
    d = len(analysis.head)
    phrase = f".{{1,{LONGEST}}}"
    return {
        "plane": list(PLANES),
        "side": list(cells.SIDES),
        "show": list(SHOWS),
        "measure": [*MEASURES, *(f"d{k}" for k in range(d))],
        "view": r"(-?\d*\.?\d+)(,-?\d*\.?\d+){3}",
        "filter": phrase,
        "a": phrase,
        "b": phrase,
        "sort": list(gallery.SORTS),
        "page": analysis.n + 1,
        "image": analysis.n,
        "overlay": ["off", "on"],
        "target": ["logit", *range(d)],
        "of": phrase,
        "pattern": r"[0-9a-f]{8,40}/\d{1,4}",
        "rank": list(RANKS),
        "toward": ["all", "fake", "real"],
        "order": list(ORDERS),
        "focus": list(PANELS),
        "set": r"\d{1,3}:-?\d{1,4}\.\d{3}(,\d{1,3}:-?\d{1,4}\.\d{3}){0,63}",
        "pin": ["off", "on"],
    }


def layout(analysis: Analysis) -> html.Div:
    """The URL, the stores, and what the browser needs to know of the analysis."""
    return html.Div(
        [
            dcc.Location(id=ids.url, refresh=False),
            dcc.Store(id=ids.defaults, data={"values": defaults(analysis), "choices": choices(analysis)}),
            *(dcc.Store(id=store) for store in STORES),
        ],
        id=ids.root,
        **theme.attributes(
            data_fingerprint=analysis.fingerprint,
            data_edition=responses.edition(),
            data_truth="yes" if analysis.is_fake is not None else "no",
            data_images=str(analysis.n),
            data_dimensions=str(len(analysis.head)),
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
