"""One image, opened: large, with its facts, the verdict, and what each dimension added to it."""

from typing import Any

import numpy as np
from dash import ClientsideFunction, Dash, Input, Output, State, html
from numpy.typing import NDArray

from asap_core.analysis import Analysis
from asap_core.learning import verdicts

from .. import selection, theme
from ..routes import images
from ..routes.gallery import PAGE, Gallery

ENLARGED = 12  # times, at most: beyond it pixels are all one sees
BEYOND = 99.9  # percentile of the collection's contributions at which a bar is full


class ids:
    """Ids of this view."""

    dialog = "opened-dialog"
    content = "opened-content"
    frame = "opened-frame"
    regions = "opened-regions"
    alike = "opened-alike"
    target = "opened-target"
    said = "opened-said"
    drawn = "opened-drawn"
    shown = "opened-shown"


def layout(analysis: Analysis) -> html.Dialog:
    """The dialog, empty; Esc closes it, as everywhere."""
    return html.Dialog(
        [
            html.Div(id=ids.content, className="opened"),
            *(html.Div(id=name, hidden=True) for name in (ids.shown, ids.drawn)),
        ],
        id=ids.dialog,
        className="dialog wide",
        **theme.attributes(aria_label="Image", data_deselect="image"),
    )


def register(app: Dash, gallery: Gallery) -> None:
    """Fill the dialog for the selected image, then open it in the browser, which draws maps and regions into it."""
    analysis, here = gallery.analysis, selection.ids
    full = float(np.percentile(np.abs(analysis.contributions), BEYOND)) or 1.0

    @app.callback(
        Output(ids.content, "children"),
        Input(here.image, "data"),
        *(State(store, "data") for store in (here.a, here.filter, here.sort, here.target)),
        prevent_initial_call=True,
    )
    def fill(row: int | None, a: str | None, chosen: str | None, sort: str, target: str | int) -> list:
        """The dialog's content; nothing where no image is selected."""
        if row is None:
            return []
        return content(analysis, row, gallery.around(a, chosen, sort, target), full)

    app.clientside_callback(
        ClientsideFunction("dialog", "sync"),
        Output(ids.shown, "children"),
        Input(here.image, "data"),
        Input(ids.content, "children"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("opened", "draw"),
        Output(ids.drawn, "children"),
        Input(ids.content, "children"),
        *(Input(store, "data") for store in (here.target, here.overlay)),
        State(here.image, "data"),
        prevent_initial_call=True,
    )


def content(analysis: Analysis, row: int, rows: NDArray, full: float) -> list:
    """The picture beside what is known of it; `rows` (r,) are its neighbours in the gallery's order."""
    name = analysis.paths[row]
    close = html.Button("×", className="icon-button", **theme.attributes(data_close=ids.dialog, aria_label="Close"))
    regions = html.Div(id=ids.regions, className="block regions")
    alike = html.Div(id=ids.alike, className="block alike")
    known = [verdict(analysis, row), regions, bars(analysis, row, full), alike, facts(analysis, row)]
    return [
        html.Div([_picture(analysis, row), _tools(analysis, row)], className="opened-left"),
        html.Div(
            [
                html.Header(
                    [html.H2(name.rsplit("/", 1)[-1], title=name), *_steps(row, rows), close],
                    className="dialog-head",
                ),
                html.Div(known, className="opened-text"),
            ],
            className="opened-side",
        ),
    ]


def _picture(analysis: Analysis, row: int) -> html.Div:
    """The image, in a frame of its shape that maps and regions are drawn into."""
    width, height = analysis.arrays["size"][row].tolist()
    picture = html.Img(src=images.url(analysis, row), alt=f"Image {analysis.paths[row]}", width=width, height=height)
    shape = {"--aspect": f"{width / height:.4f}", "--most": f"{ENLARGED * width}px"}
    return html.Div(html.Div(picture, id=ids.frame, className="opened-frame", style=shape), className="opened-picture")


def _tools(analysis: Analysis, row: int) -> html.Div:
    """What can be done with the picture; `assets/images/opened.js` hears it, and all where the selection changes."""
    targets = {"logit": "the verdict", **{f"{k}": f"dimension {k + 1}" for k in range(len(analysis.head))}}
    choices = [html.Option(label, value=value) for value, label in targets.items()]
    marks = theme.attributes

    def tool(label: str, title: str, key: str = "", **heard: str) -> html.Button:
        said = f"{title} ({key})" if key else title
        return html.Button(label, className="text-button switch", title=said, **marks(**heard))

    of = html.Label([html.Span("of", className="choice-label"), html.Select(choices, id=ids.target)])
    return html.Div(
        [
            tool("Maps", "What moves the detector; hold the space bar to see without", "space", data_overlay="yes"),
            of,
            tool("Magnify", "A magnifier that follows the pointer", "m", data_tool="magnify", aria_pressed="false"),
            tool("Mark a region", "Paint over a region to take it away and judge again", "r", data_tool="mark",
                 aria_pressed="false"),
            tool("Show in plane", "Close, and show where this image lies", "p", data_tool="plane"),
            tool("More like this", "The hundred images that are nearest to it", "",
                 data_go=f"a=like%3D{row}&sort=alike&image=&page="),
            html.Span(id=ids.said, className="quiet said", **marks(aria_live="polite")),
        ],
        className="opened-tools",
    )  # fmt: skip


def _steps(row: int, rows: NDArray) -> list:
    """Previous and next in the gallery's order, and where this image stands in it."""
    found = np.flatnonzero(rows == row)
    if not len(found):
        return []
    place = int(found[0])

    def step(sign: str, label: str, to: int) -> html.Button:
        there = 0 <= to < len(rows)
        choice = f"image={rows[to]}&page={to // PAGE + 1}" if there else ""
        marks = theme.attributes(data_go=choice, data_key=label, aria_label=f"{label} image")
        return html.Button(sign, className="icon-button", disabled=not there, title=f"{label} (arrow key)", **marks)

    return [
        step("‹", "Previous", place - 1),
        html.Span(f"{place + 1:,} of {len(rows):,}", className="place"),
        step("›", "Next", place + 1),
    ]


def verdict(analysis: Analysis, row: int) -> html.Div:
    """Truth against verdict, with the score on its scale."""
    score, logit = float(analysis.scores[row]), float(analysis.logits[row])
    called = "fake" if logit > 0 else "real"
    level = verdicts.LEVELS[int(verdicts.levels(score))]
    lines: list[Any] = []
    if analysis.is_fake is not None:
        truth = "fake" if analysis.is_fake[row] else "real"
        outcome = "judged right" if truth == called else ("a miss" if truth == "fake" else "a false alarm")
        lines.append(html.Span(["In truth ", html.Strong(truth, className=f"mark {truth}")]))
        lines.append(html.Span(outcome, className="outcome " + ("right" if truth == called else "wrong")))
    lines.insert(1, html.Span(["Judged ", html.Strong(called, className=f"mark {called}")]))
    if verdicts.inconclusive(score):
        lines.append(html.Span("inconclusive", className="outcome unsure"))
    low, high = (100 * edge for edge in verdicts.INCONCLUSIVE)
    scale = html.Div(
        [
            html.Div(className="band", style={"left": f"{low:g}%", "width": f"{high - low:g}%"}),
            html.Div(className="needle", style={"left": f"{100 * score:.1f}%"}),
        ],
        className="scale",
        role="img",
        **theme.attributes(aria_label=f"Score {score:.0%}; from {low:g} % to {high:g} % is inconclusive"),
    )
    ends = html.Div([html.Span("real"), html.Span("inconclusive"), html.Span("fake")], className="scale-ends")
    numbers = html.Div(
        [
            html.Span(["Score ", html.Strong(f"{score:.3f}")]),
            html.Span(["Logit ", html.Strong(signed(logit))]),
            html.Span(["Severity ", html.Strong(level)]),
        ],
        className="numbers",
    )
    return html.Div([html.Div(lines, className="truth"), scale, ends, numbers], className="block")


def bars(analysis: Analysis, row: int, full: float) -> html.Div:
    """What each dimension added, the strongest first, on one scale for the whole collection."""
    added = analysis.contributions[row]  # (d,)
    rows = []
    for dimension in np.argsort(-np.abs(added), kind="stable").tolist():
        value = float(added[dimension])
        side = "fake" if value > 0 else "real"
        width = f"{min(abs(value) / full, 1) * 50:.1f}%"
        bar = html.Span(className=f"bar {side}", style={"width": width})
        go = theme.attributes(data_go=f"target={dimension}&overlay=on", aria_label=f"Maps of dimension {dimension + 1}")
        chosen = html.Button(f"{dimension + 1}", className="text-button", **go)
        rows.append(
            html.Tr(
                [html.Th(chosen), html.Td(bar, className="bar-cell"), html.Td(signed(value))],
                title=f"Dimension {dimension + 1}: {abs(value):.2f} toward {side}",
            )
        )
    head = html.Div(
        [html.Span("← toward real", className="real"), html.Span("toward fake →", className="fake")],
        className="bar-ends",
    )
    note = (
        f"Dimension by dimension, logit units. With the constant {signed(float(analysis.constants[row]))} they sum to "
        f"{signed(float(analysis.logits[row]))}, the logit above, which {judged_by(analysis, row)}. "
        "What the detector used, not what is fake."
    )
    return html.Div(
        [
            html.H3("Contributions"),
            head,
            html.Table(html.Tbody(rows), className="bars"),
            html.P(note, className="hint"),
        ],
        className="block",
    )


def signed(value: float) -> str:
    """A number with its sign, a real minus."""
    return f"{value:+.2f}".replace("-", "−")


def judged_by(analysis: Analysis, row: int) -> str:
    """Whose verdict is shown of an image, and explained."""
    if analysis.fold is None:
        return f"is the mean of the {len(analysis.heads)} heads of the detector it came with"
    return (
        f"is that of fold {int(analysis.fold[row]) + 1} of {len(analysis.heads)}: its head was fitted without this "
        "image and its near-duplicates. What is learnt without labels, the penalty and the temperature of scores "
        "come from all images"
    )


def facts(analysis: Analysis, row: int) -> html.Div:
    """The file's facts and a manifest's further columns."""
    info, arrays = analysis.info, analysis.arrays
    width, height = arrays["size"][row].tolist()
    known = {"File": analysis.paths[row], "Size": f"{width:,} × {height:,} pixels"}
    for label, column, names in (
        ("Generator", "generator", "generators"),
        ("Category", "category", "categories"),
        ("Split", "split", "splits"),
    ):
        value = info[names][int(arrays[column][row])] if info[names] else ""
        if value:
            known[label] = value
    known |= {name: str(column[row]) for name, column in analysis.metadata.items()}
    pairs = [part for name, text in known.items() for part in (html.Dt(name), html.Dd(text))]
    return html.Div([html.H3("Facts"), html.Dl(pairs, className="facts")], className="block")
