"""Status."""

from dash import html

from asap_core.analysis import Analysis


def layout(analysis: Analysis) -> html.Footer:
    """The panel."""
    return html.Footer([], className="status")
