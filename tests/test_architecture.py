"""Who may import whom, and how heavy an import is."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "open_clip", "timm", "umap", "sklearn"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports anywhere in it, dotted, relative ones resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def importers(of: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for folder in ("asap_core", "app")
        for path in (ROOT / folder).rglob("*.py")
        if any(name == of or name.startswith(f"{of}.") for name in imports(path))
    }


def test_one_file_knows_each_awkward_library():
    assert importers("open_clip") == {f"asap_core/learning/{name}.py" for name in ("encoder", "mini", "tower")}
    assert importers("umap") == {"asap_core/projection/plane.py"}


def test_the_core_knows_nothing_of_the_page():
    for library in ("app", "dash", "flask", "plotly"):
        assert not {path for path in importers(library) if path.startswith("asap_core/")}, library


def test_figures_know_nothing_of_dash_and_views_not_of_views():
    assert not {path for path in importers("dash") if path.startswith("app/figures/")}
    views = {path.stem for path in (ROOT / "app/views").glob("*.py")} - {"__init__"}
    for view in views:
        assert importers(f"app.views.{view}") <= {
            "app/layout.py",
            "app/__init__.py",
            "app/views/__init__.py",
        }, view


def test_no_file_is_a_drawer_for_everything():
    names = {path.stem for folder in ("asap_core", "app") for path in (ROOT / folder).rglob("*.py")}
    assert not names & {"utils", "helpers", "base", "common", "misc", "manager"}


def test_the_web_process_stays_light():
    code = "import sys, app.server; print(*sorted(m for m in sys.modules if '.' not in m))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY
