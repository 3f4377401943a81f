"""The dashboard: `create_app(analysis)` is all that the outside needs."""

from pathlib import Path

from dash import Dash

from asap_core.analysis import Analysis

from . import gallery, images, layout, planes, responses, selection, theme
from .views import image, opened, overview

HERE = Path(__file__).resolve().parents[1]


def create_app(analysis: Analysis, cache: Path = HERE / "cache") -> Dash:
    """A page that shows one analysis. Nothing is kept outside of it but thumbnails, in `cache`/thumbnails."""
    app = Dash(
        __name__,
        assets_folder=str(HERE / "assets"),
        assets_ignore=rf"^{theme.EARLY_SCRIPT}$",
        include_assets_files=True,
        serve_locally=True,
        title=f"{analysis.info['name']} · ASAP",
        update_title="",
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.index_string = theme.page(app.get_asset_url(""))
    places = planes.Planes(analysis)
    pages = gallery.Gallery(places)
    images.register(app, analysis, cache / "thumbnails")
    planes.register(app, places)
    gallery.register(app, pages)
    app.layout = layout.page(analysis)
    selection.register(app)
    theme.register(app)
    overview.register(app, places)
    image.register(app, pages)
    opened.register(app, pages)
    responses.nothing_else(app, ("img", "thumb", "glyphs", "legend", "cells", "tiles"))
    responses.guard(app)
    return app
