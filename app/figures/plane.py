"""The plane as a Plotly figure: one picture of all glyphs under one layer of markers that are not seen.

The markers carry each cell's code; hits, the keyboard and later a lasso go by them. Both axes run from 0 to
1 at every side, so a zoom survives a change of side.
"""

from base64 import b64encode
from typing import Any

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.012  # of the plane, around it


def draw(codes: NDArray, side: int, picture: str, name: str) -> dict[str, Any]:
    """A figure, as a dict, of the occupied cells `codes` (m,); `picture` is the URL of their glyphs.

    `name` tells planes apart: a zoom is kept while it stays the same.
    """
    row, column = np.divmod(np.asarray(codes), side)
    axis = {
        "range": [-MARGIN, 1 + MARGIN],
        "minallowed": -0.5,
        "maxallowed": 1.5,
        "visible": False,
        "showgrid": False,
        "zeroline": False,
    }
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "x": _typed((column + 0.5) / side, "f4"),
                "y": _typed(1 - (row + 0.5) / side, "f4"),
                "customdata": _typed(codes, "i4"),
                "marker": {"opacity": 0, "size": 12},
                "hoverinfo": "skip",
            }
        ],
        "layout": {
            "xaxis": axis,
            "yaxis": {**axis, "scaleanchor": "x"},
            "images": [
                {
                    "source": picture,
                    "xref": "x",
                    "yref": "y",
                    "x": 0,
                    "y": 1,
                    "sizex": 1,
                    "sizey": 1,
                    "sizing": "stretch",
                    "layer": "below",
                }
            ],
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "dragmode": "pan",
            "hovermode": False,
            "showlegend": False,
            "uirevision": name,
            "meta": {"side": side, "plane": name},
        },
    }


def _typed(values: NDArray, kind: str) -> dict[str, str]:
    """An array as Plotly's typed array: little-endian bytes in base 64, a third of what a list weighs."""
    data = np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()
    return {"dtype": kind, "bdata": b64encode(data).decode("ascii")}
