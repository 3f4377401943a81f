"""The real worker with a real model: maps, patterns and counterfactuals of a small analysis, asked as a page asks."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.routes.jobs import Jobs
from asap_core import analysis, findings, selections, texts
from asap_core.errors import SettingsError
from asap_core.learning.detector import encoder_of
from asap_core.maps import Maps


@pytest.fixture(scope="module")
def work(flawed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    folder, bare = tmp_path_factory.mktemp("work"), shutil.ignore_patterns("derived")
    shutil.copytree(flawed, folder / "analysis", ignore=bare)
    found = Jobs(analysis.load(folder / "analysis"), folder / "jobs")
    found.start()
    yield found
    found.close()


def answer(work: Jobs, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The result of a job, once it is there."""
    job, end = work.ask(kind, asked)["id"], time.monotonic() + 120
    while time.monotonic() < end:
        record = work.queue.record(job)
        assert record and record["state"] in ("waiting", "running", "done"), record
        if record["state"] == "done":
            return work.queue.result(job) or {}
        time.sleep(0.05)
    raise AssertionError("it did not come to an end")


def test_maps_patterns_and_counterfactuals(work: Jobs):
    made = work.analysis
    assert Maps.of(made) is None
    assert answer(work, "relevance", {"rows": [3]}) == {"images": 1, "lost": 0, "reasons": []}
    maps = Maps.of(made)
    assert maps is not None and maps.done[3] and np.isfinite(maps.sensitivity[3])
    rows, columns = made.info["encoder"]["grid"]
    shares = np.zeros((rows, columns))
    shares[: rows // 2] = 1
    found = answer(work, "counterfactual", {"regions": [[3, shares.ravel().tolist()]]})
    (image,) = found["images"]
    assert image["row"] == 3 and set(image["after"]) == set(found["effects"]) == {"drop", "mean", "blur", "swap"}
    for name, after in image["after"].items():
        change = after - image["before"]
        assert found["effects"][name]["change"][0] == pytest.approx(change, abs=1e-3)
        assert sum(image["dimensions"][name]) == pytest.approx(change, abs=1e-2)  # in logits, so they add up
    found = answer(work, "patterns", {"of": ""})
    assert found["images"] == 40 and (findings.folder_in(made) / found["key"] / "patterns.json").is_file()
    assert maps.done.all()
    found = answer(work, "counterfactual", {"of": "fake", "occluders": ["drop"]})
    assert found["of"] == 20 >= found["regions"] == found["effects"]["drop"]["images"]


def test_a_text_is_read_once_and_images_are_found_by_it(work: Jobs):
    made = work.analysis
    with pytest.raises(SettingsError, match="has not read 'a chequered square' yet"):
        selections.rows_of(made, "shows=a chequered square")
    assert answer(work, "text", {"words": " a  chequered square"}) == {"words": "a chequered square"}
    said = encoder_of(made, "cpu", text=True).describe(["a chequered square"])[0]
    joint = np.asarray(made.arrays["joint"], np.float64)
    cosines = joint @ said / np.linalg.norm(joint, axis=1)
    assert texts.closeness(made, "a chequered square") == pytest.approx(cosines, abs=1e-3)
    again = work.ask("text", {"words": "a chequered square"})
    assert again["state"] == "done"  # at once
