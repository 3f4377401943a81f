"""Pattern View."""

from dash import html

from asap_core.analysis import Analysis


def layout(analysis: Analysis) -> html.Section:
    """The panel."""
    return html.Section([html.Header([html.H2("Patterns")], className="panel-head")], className="panel pattern")
