"""The plane as a Plotly figure: bare axes, on which `assets/plane.js` lays pictures, points and rings.

Both axes run from 0 to 1 at every side, y upward, so a zoom survives a change of side. Plotly gives pan, zoom,
lasso and box; it needs a trace to select in, so there is one, of two points that are not seen.
"""

from typing import Any

MARGIN = 0.012  # of the plane, around it
BEYOND = 1.5  # of the plane: how far it may be moved out of sight


def draw() -> dict[str, Any]:
    """The figure, as a dict."""
    axis = {
        "range": [-MARGIN, 1 + MARGIN],
        "minallowed": -BEYOND,
        "maxallowed": 1 + BEYOND,
        "visible": False,
        "showgrid": False,
        "zeroline": False,
    }
    corners = {"x": [0, 1], "y": [0, 1], "marker": {"opacity": 0, "size": 1}}
    return {
        "data": [{"type": "scatter", "mode": "markers", "hoverinfo": "skip", **corners}],
        "layout": {
            "xaxis": axis,
            "yaxis": {**axis, "scaleanchor": "x"},
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "dragmode": "pan",
            "hovermode": False,
            "showlegend": False,
            "uirevision": "kept",
        },
    }
