"""A page that is served says which of its analysis' files are damaged; nothing where all is well."""

import json
import time
from pathlib import Path

import numpy as np
from dash import Dash

from app import create_app, verification
from app.views import status
from asap_core import integrity
from asap_core.analysis import Analysis, load
from tests import toy

SOON = 20  # seconds, after which a test gives up


def said(app: Dash) -> tuple[str, bool, bool]:
    """What the notice says, as a browser asks: its text as JSON, whether it is hidden, whether that is all."""
    ids = status.ids
    output = f"..{ids.damaged}.children...{ids.damaged}.hidden...{ids.verifying}.disabled.."
    outputs = [{"id": each, "property": name} for each, name in (
        (ids.damaged, "children"), (ids.damaged, "hidden"), (ids.verifying, "disabled"),
    )]  # fmt: skip
    asked = {"output": output, "outputs": outputs, "changedPropIds": [],
             "inputs": [{"id": ids.verifying, "property": "n_intervals", "value": None}]}  # fmt: skip
    answer = app.server.test_client().post("/_dash-update-component", json=asked)
    told = json.loads(answer.text)["response"]
    notice = told[ids.damaged]
    return json.dumps(notice["children"]), notice["hidden"], told[ids.verifying]["disabled"]


def verified(made: Analysis, cache: Path) -> Dash:
    app = create_app(made, cache)
    verification.of(app).start()
    end = time.monotonic() + SOON
    while not said(app)[2]:
        assert time.monotonic() < end
    return app


def test_nothing_is_said_where_all_is_well(tmp_path: Path):
    app = verified(toy.make(tmp_path, 30, drawn=1), tmp_path / "cache")
    assert said(app) == ("[]", True, True)


def test_a_large_file_that_is_damaged_is_named_with_what_mends_it(tmp_path: Path):
    folder = toy.make(tmp_path, 40, drawn=1).folder
    large = load(folder).built / "joint.npy"
    np.save(large, np.zeros((40, integrity.SMALL // 40), np.float16))
    made = load(toy.resealed(folder))
    body = bytearray(large.read_bytes())
    body[-5] ^= 16
    large.write_bytes(body)
    text, hidden, over = said(verified(made, tmp_path / "cache"))
    assert not hidden and over
    assert "joint.npy is damaged" in text and f"run.py build SOURCE --out {made.folder}" in text


def test_many_are_counted(tmp_path: Path):
    some = [integrity.Broken(tmp_path / f"{k}.npy", "this", "that", "do so") for k in range(9)]
    lines = status.told(some, "study")
    assert len(lines) == status.MOST + 1 and "6 more" in str(lines[-1]) and "check study" in str(lines[-1])
