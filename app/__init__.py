"""The dashboard: `create_app(analysis)` is all that the outside needs."""

from pathlib import Path

from dash import Dash

from asap_core.analysis import Analysis

from . import layout, responses, selection, theme
from .access import Access, Gate
from .groups import Groups
from .routes import (
    comparisons,
    crops,
    dimensions,
    evidence,
    facets,
    findings,
    flips,
    gallery,
    images,
    jobs,
    lists,
    maps,
    measures,
    neighbours,
    planes,
    points,
)
from .verification import Verification
from .views import dimension, filters, header, image, opened, overview, pattern, status

HERE = Path(__file__).resolve().parents[1]


def create_app(analysis: Analysis, cache: Path = HERE / "cache", who: Access | None = None) -> Dash:
    """A page that shows one analysis to `who` may ask (this machine); `jobs.of(app).start()` lets it ask for work.

    Nothing is kept outside of the analysis and its notes but thumbnails and the queue of jobs, in `cache`.
    """
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
    groups = Groups(analysis)
    places = planes.Planes(groups)
    pages = gallery.Gallery(groups)
    images.register(app, analysis, cache / "thumbnails")
    planes.register(app, places)
    measures.register(app, places)
    points.register(app, places)
    gallery.register(app, pages)
    facets.register(app, groups)
    lists.register(app, groups)
    drawn, spoken = maps.Shown(analysis), dimensions.Dimensions(groups)
    maps.register(app, drawn)
    neighbours.register(app, analysis)
    dimensions.register(app, spoken)
    evidence.register(app, spoken, drawn)
    flips.register(app, spoken)
    found = findings.Discoveries(groups)
    comparisons.register(app, found)
    findings.register(app, found)
    crops.register(app, found, cache / "thumbnails")
    jobs.register(app, analysis, cache / "jobs")
    app.layout = layout.page(analysis)
    selection.register(app)
    theme.register(app)
    header.register(app, analysis)
    status.register(app, Verification(analysis))
    filters.register(app)
    overview.register(app)
    image.register(app)
    pattern.register(app)
    dimension.register(app)
    opened.register(app, pages)
    responses.nothing_else(app)
    responses.explain_errors(app)
    responses.guard(app)
    app.server.wsgi_app = Gate(app.server.wsgi_app, who or Access())  # pyright: ignore
    return app
