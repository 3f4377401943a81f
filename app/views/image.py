"""Image View: the images of group A, or of the whole collection, a hundred at a time, with their maps over them.

The tiles are drawn by `assets/images/gallery.js` from one small file a page; a click on one opens it.
"""

from dash import ClientsideFunction, Dash, Input, Output, html

from asap_core.analysis import Analysis

from .. import selection, theme

SORTS = {
    "errors": "Errors first",
    "severity": "Severity",
    "sensitivity": "Sensitivity",
    "dimension": "Dimension",
    "alike": "Alike",
    "row": "Catalogue",
}
UNLABELLED_SORTS = SORTS | {"errors": "Least certain"}


class ids:
    """Ids of this view."""

    title = "image-title"
    facts = "image-facts"
    tiles = "image-tiles"
    pager = "image-pager"
    choose_sort = "image-choose-sort"
    overlay = "image-overlay"
    target = "image-target"
    opacity = "image-opacity"
    mapped = "image-mapped"
    tags = "image-tags"
    without = "image-without"
    drawn = "image-drawn"


def layout(analysis: Analysis) -> html.Section:
    """The panel."""
    names = UNLABELLED_SORTS if analysis.is_fake is None else SORTS
    sort = html.Label(
        [html.Span("Sort", className="choice-label"), _select(ids.choose_sort, names)], className="choice-group"
    )
    return html.Section(
        [
            html.Header([html.H2("Images"), sort], className="panel-head"),
            html.Div(
                [html.Div(id=ids.title, className="set-title"), html.Div(id=ids.facts, className="set-facts")],
                className="set",
            ),
            _overlay(analysis),
            html.Div(id=ids.tiles, className="tiles", tabIndex="-1"),
            html.Div(id=ids.pager, className="pager"),
            html.Div(id=ids.drawn, hidden=True),
            html.Dialog(id=ids.tags, className="dialog", **theme.attributes(aria_label="Tags")),
            html.Dialog(id=ids.without, className="dialog", **theme.attributes(aria_label="Judged again")),
        ],
        className="panel images",
        **theme.attributes(aria_label="Image View"),
    )


def _select(name: str, options: dict[str, str]) -> html.Select:
    """A native list: `assets/images/gallery.js` hears its change and shows the state."""
    return html.Select([html.Option(label, value=value) for value, label in options.items()], id=name)


def _overlay(analysis: Analysis) -> html.Div:
    """The maps' switch, what they are of, and how strongly they cover the images."""
    targets = {"logit": "the verdict", **{f"{k}": f"dimension {k + 1}" for k in range(len(analysis.head))}}
    switch = html.Button(
        "Maps",
        id=ids.overlay,
        className="text-button switch",
        title="Show what moves the detector, over the images (hold the space bar to see without)",
        **theme.attributes(aria_pressed="false", data_overlay="yes"),
    )
    of = html.Label([html.Span("of", className="choice-label"), _select(ids.target, targets)], className="choice-group")
    return html.Div(
        [switch, of, html.Span(id=ids.opacity), html.Span(id=ids.mapped, className="mapped")], className="overlay-bar"
    )


def register(app: Dash) -> None:
    """Draw the tiles when what they show changes."""
    here = selection.ids
    app.clientside_callback(
        ClientsideFunction("gallery", "draw"),
        Output(ids.drawn, "children"),
        *(Input(store, "data") for store in (here.a, here.filter, here.sort, here.page, here.target, here.overlay)),
        prevent_initial_call=True,
    )
