"""The strip above: what is shown, how far its verdicts can be trusted, and everything said about it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, dcc, html

import asap_core
from asap_core import trust
from asap_core.analysis import Analysis
from asap_core.learning import verdicts

from .. import theme

READINGS = {"all": "every block", "last": "last layer"}
LOW, HIGH = verdicts.INCONCLUSIVE
OUT_OF_FOLD = (
    "Out-of-fold",
    "Every image is judged, and explained, by the head of its fold, which was fitted without it and its "
    "near-duplicates. What needs no labels (forgetting to spell, standardisation), the penalty and the temperature "
    "come from all images; the calibration error is measured on scores whose temperature had not seen them. New images "
    "are judged by the mean of the heads.",
)
BORROWED = (
    "Verdicts",
    "Given, and explained, by the mean of the heads of another analysis; how often it is right here is not known.",
)
CARD = Path(asap_core.__file__).parent / "learning" / "MINI.md"
LIMITS = (
    ("Severity", "Our definition: the calibrated fakeness, 0 to 1; none, minor, moderate and severe."),
    ("Inconclusive", f"A score between {LOW} and {HIGH} is too close to call."),
    ("Contributions", "What the detector used, not what is fake: it may be right for a wrong reason."),
    ("Intervals", "95 %: Wilson's for cells, bootstrap for the whole collection."),
)
MAPS = {"srg": "Gain", "correlation": "Correlation", "pointing": "On the flaw", "mass_ratio": "Density on the flaw"}
KEYS = (
    ("P, L, B", "In the plane: drag to move, draw a lasso, draw a box; with shift it becomes group B"),
    ("+ - 0", "In the plane: zoom in, zoom out, show all"),
    ("Arrows", "From cell to cell in the plane; from image to image where one is open"),
    ("Enter", "Take the cell as group A, or open the image"),
    ("c", "Compare: in the plane, the cell becomes group B; elsewhere A and B change places"),
    ("Space", "Show the maps; while they are shown, hold it to see without"),
    ("e", "The next image that is judged wrong"),
    ("m, r", "In an opened image: magnify, mark a region"),
    ("p", "Show where the opened image lies in the plane"),
    ("/", "Search names and metadata; with Shift+Enter, images that look like the words"),
    ("Esc", "Close, or let go"),
    ("?", "This list"),
)


class ids:
    """Ids of this view."""

    about = "header-about"
    card = "header-card"
    card_button = "header-card-button"
    card_text = "header-card-text"
    skipped = "header-skipped"
    keys = "header-keys"


def layout(analysis: Analysis) -> html.Header:
    """The strip, a banner where the audit warns, and the dialogs."""
    info = analysis.info
    skipped = info.get("skipped", [])
    buttons = [_opener("About", ids.about), _opener("Keys", ids.keys)]
    if skipped:
        buttons.insert(0, _opener(f"{len(skipped):,} skipped", ids.skipped))
    strip = html.Div(
        [
            html.Div(
                [
                    html.Span("ASAP", className="wordmark"),
                    html.H1(info["name"], title=str(analysis.root), className="set-name"),
                ],
                className="brand",
            ),
            html.Div([*_counts(analysis), *_measures(analysis), _encoder(info)], className="measures"),
            html.Div([*buttons, theme.switch()], className="header-buttons"),
        ],
        className="strip",
    )
    return html.Header(
        [
            strip,
            *_banner(info),
            _about(analysis),
            _keys(),
            *_card(info),
            *([_skipped(skipped)] if skipped else []),
        ],
        className="header",
    )


def _opener(text: str, dialog: str) -> html.Button:
    return html.Button(text, className="text-button", **theme.attributes(data_open=dialog, aria_haspopup="dialog"))


def _measure(label: str, value: str, beside: str = "", title: str = "", kind: str = "") -> html.Div:
    return html.Div(
        [
            html.Span(label, className="measure-label"),
            html.Span([value, html.Span(beside, className="measure-beside")], className="measure-value"),
        ],
        className=f"measure {kind}",
        title=title,
    )


def _counts(analysis: Analysis) -> list[html.Div]:
    """How many images, of which kind, from which generators."""
    if analysis.is_fake is None:
        called = int((analysis.logits > 0).sum())
        beside = f"{analysis.n - called:,} judged real · {called:,} judged fake"
        return [_measure("Images, origin unknown", f"{analysis.n:,}", beside)]
    fake = int(analysis.is_fake.sum())
    made_by = [name for name in analysis.info["generators"] if name != "real"]
    shown = ", ".join(made_by[:2]) + (f" + {len(made_by) - 2}" if len(made_by) > 2 else "")
    return [
        _measure("Images", f"{analysis.n:,}", f"{analysis.n - fake:,} real · {fake:,} fake"),
        _measure(
            "Generator" if len(made_by) == 1 else "Generators",
            shown or "unknown",
            "",
            ", ".join(made_by),
            "bends",
        ),
    ]


def _measures(analysis: Analysis) -> list[html.Div]:
    """Out-of-fold accuracy and AUC with their intervals."""
    found = analysis.summary.get("verdicts") or {}
    shown = []
    if "accuracy" in found:
        value, low, high = (100 * share for share in found["accuracy"])
        title = "Out-of-fold, with the 95 % interval"
        shown.append(_measure("Accuracy", f"{value:.1f} %", f"{low:.1f} – {high:.1f}", title))
    if "auc" in found:
        value, low, high = found["auc"]
        title = "Area under the ROC curve, out-of-fold, with the 95 % interval"
        shown.append(_measure("AUC", f"{value:.3f}", f"{low:.3f} – {high:.3f}", title))
    return shown


def _encoder(info: Mapping[str, Any]) -> html.Div | html.Button:
    """Which encoder it was; mini's opens its model card."""
    encoder = info["encoder"]
    title = str(encoder.get("note") or f"{encoder['name']}, weights {encoder['weights']}")
    if encoder["name"] != "mini":
        return _measure("Encoder", encoder["name"], _reading(encoder), title)
    measure = _measure("Embedded encoder", "mini", _reading(encoder), title, "loud")
    opens = theme.attributes(data_open=ids.card, aria_haspopup="dialog", aria_label="The embedded encoder's model card")
    return html.Button(measure, id=ids.card_button, className="measure-button", **opens)


def _reading(encoder: Mapping[str, Any]) -> str:
    """Which of the encoder's layers were read, in words."""
    return READINGS.get(encoder["layers"], str(encoder["layers"]))


def _banner(info: Mapping[str, Any]) -> list[html.Div]:
    warning = info.get("audit", {}).get("warning")
    if not warning:
        return []
    return [html.Div([html.Strong("Read with care. "), html.Span(warning)], className="banner", role="alert")]


def _dialog(name: str, title: str, content: Sequence, kind: str = "") -> html.Dialog:
    close = html.Button("×", className="icon-button", **theme.attributes(data_close=name, aria_label="Close"))
    return html.Dialog(
        [
            html.Header([html.H2(title), close], className="dialog-head"),
            html.Div(content, className="dialog-text"),
        ],
        id=name,
        className=f"dialog {kind}".strip(),
        **theme.attributes(aria_label=title),
    )


def _about(analysis: Analysis) -> html.Dialog:
    info, summary = analysis.info, analysis.summary
    encoder = info["encoder"]
    reader = f"{encoder['name']} ({encoder['weights']}), {_reading(encoder)}"
    notes = [note for note in (encoder.get("note"), *info.get("notes", [])) if note]
    facts = [
        ("Encoder", f"{reader}, {encoder['width']:,} numbers an image"),
        ("Pictures", "re-encoded alike before reading" if info.get("equalise") else "read as they are"),
        ("Analysis", analysis.fingerprint),
    ]
    judged = BORROWED if analysis.is_fake is None else OUT_OF_FOLD
    parts: list[Any] = [_list([judged, *LIMITS]), html.H3("How it was made"), _list(facts)]
    if notes:
        parts += [html.H3("Notes"), html.Ul([html.Li(note) for note in dict.fromkeys(notes)])]
    if found := trust.read(analysis):
        parts += [html.H3("How far the maps can be trusted"), html.P(_tried(found)), _maps(found["methods"])]
        parts += [html.P(said) for said in _reversed(found["errors"])]
    if summary.get("by_generator"):
        parts += [html.H3("Judged right, by generator"), _by_generator(summary["by_generator"])]
    return _dialog(ids.about, "About these numbers", parts)


def _keys() -> html.Dialog:
    return _dialog(ids.keys, "Keys", [_list(KEYS)])


def _card(info: Mapping[str, Any]) -> list[html.Dialog]:
    """The place of mini's model card, which is kept beside its weights."""
    if info["encoder"]["name"] != "mini":
        return []
    title, _ = _model_card()
    return [_dialog(ids.card, title, [html.Div(id=ids.card_text)], "model")]


def _model_card() -> tuple[str, str]:
    """Its title and its text, as Markdown."""
    title, _, text = CARD.read_text("utf-8").partition("\n")
    return title.lstrip("# "), text


def _list(pairs: Sequence[tuple[str, str]]) -> html.Dl:
    return html.Dl([part for name, text in pairs for part in (html.Dt(name), html.Dd(text))], className="facts")


def _by_generator(rows: Mapping[str, Mapping[str, Any]]) -> html.Table:
    head = html.Tr([html.Th("Generator"), html.Th("Images"), html.Th("Judged right"), html.Th("95 % interval")])
    body = []
    for name, row in rows.items():
        value, low, high = (100 * share for share in row["accuracy"])
        cells = (name, f"{row['n']:,}", f"{value:.1f} %", f"{low:.1f} – {high:.1f}")
        body.append(html.Tr([html.Td(cell) for cell in cells]))
    return html.Table([html.Thead(head), html.Tbody(body)], className="plain-table")


def _tried(found: Mapping[str, Any]) -> str:
    """What was done to the maps, in words."""
    said = (
        f"On {found['images']:,} images, tokens were removed in the order of each map and the detector asked again. "
        "Gain: how much more the verdict loses without the most than without the least influential tokens; 0 is chance."
    )
    flaws = found["localised"]
    if flaws["images"]:
        said += (
            f" On the flaw: of {flaws['images']:,} fakes whose flaws are known and which were found, how often the "
            f"strongest place lies on one; by chance {flaws['chance']:.0%}."
        )
    return said


def _reversed(errors: Mapping[str, Any]) -> Iterator[str]:
    """How many wrong verdicts become right without the region that speaks most for them, in words."""
    for name, each in errors.items():
        if each["n"]:
            value, low, high = (f"{share:.0%}" for share in each["without_region"]["drop"])
            chance, silent = each["without_random"]["drop"][0], each["n"] - each["with_region"]
            yield (
                f"Of {each['n']:,} {name.replace('_', ' ')}, {value} ({low} to {high}) are judged right without the "
                "region that speaks most for the wrong verdict; "
                f"{chance:.0%} without as large a region at random. In {silent:,} of them no region speaks for it."
            )


def _maps(methods: Mapping[str, Mapping[str, Any]]) -> html.Table:
    """Every method's measures that apply, with their intervals."""
    names = [name for name in MAPS if any(each.get(name) for each in methods.values())]
    head = html.Tr([html.Th("Map"), *(html.Th(MAPS[name]) for name in names)])
    body = []
    for method, each in methods.items():
        cells = ["{:.2f} ({:.2f} to {:.2f})".format(*each[name]) if each.get(name) else "" for name in names]
        body.append(html.Tr([html.Td(cell) for cell in (method.replace("_", " "), *cells)]))
    return html.Table([html.Thead(head), html.Tbody(body)], className="plain-table")


def _skipped(skipped: Sequence[Mapping[str, str]]) -> html.Dialog:
    head = html.Tr([html.Th("File"), html.Th("Why it was skipped")])
    rows = [html.Tr([html.Td(entry["path"]), html.Td(entry["reason"])]) for entry in skipped]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="plain-table")
    return _dialog(ids.skipped, f"{len(skipped):,} files were skipped", [table])


def register(app: Dash, analysis: Analysis) -> None:
    """Write the model card when it is asked for: what lays out Markdown is not loaded before."""
    if analysis.info["encoder"]["name"] != "mini":
        return

    @app.callback(Output(ids.card_text, "children"), Input(ids.card_button, "n_clicks"), prevent_initial_call=True)
    def write(clicks: int) -> dcc.Markdown:
        """The card."""
        return dcc.Markdown(_model_card()[1], className="model-text")
