"""Light and dark, and the page's frame: one place for what every view looks like."""

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

# The theme is set before anything is painted, so nothing flashes; the script is a file because of the
# Content-Security-Policy.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<title>{%title%}</title>
<script src="SCRIPT"></script>
<link rel="icon" type="image/svg+xml" href="ICON">
{%css%}
</head>
<body>
{%app_entry%}
<noscript>ASAP draws its page with JavaScript, which is switched off here.</noscript>
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>"""
EARLY_SCRIPT = "theme.js"  # not among the scripts that Dash adds at the end


class ids:  # noqa: N801, a namespace
    """The switch between light and dark, and the store it writes."""

    button = "theme-button"
    name = "theme-name"  # "light" or "dark"


def switch() -> html.Div:
    """The button; its sign is drawn by the style sheet."""
    label = "Switch between light and dark"
    button = html.Button(id=ids.button, className="icon-button", title=label, **attributes(aria_label=label))
    return html.Div([button, dcc.Store(id=ids.name)])


def register(app: Dash) -> None:
    """Toggle in the browser, which also remembers; the first call only reads."""
    app.clientside_callback(
        ClientsideFunction("theme", "toggle"), Output(ids.name, "data"), Input(ids.button, "n_clicks")
    )


def attributes(**values: str) -> dict[str, Any]:
    """data- and aria- attributes for a component: `aria_label` becomes `aria-label`."""
    return {name.replace("_", "-"): value for name, value in values.items()}


def page(prefix: str) -> str:
    """The page's frame, with its own files under `prefix` (an asset URL ending in a slash)."""
    return PAGE.replace("SCRIPT", prefix + EARLY_SCRIPT).replace("ICON", prefix + "icon.svg")
