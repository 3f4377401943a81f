"""The catalogue: a hostile folder, then order, samples, groups and what a fingerprint covers."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asap_core import catalogue
from asap_core.catalogue import CatalogueSettings
from asap_core.errors import CatalogueError
from tests import hostile

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")
DATA = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[catalogue.Catalogue, list[hostile.Case]]:
    root = tmp_path_factory.mktemp("hostile") / "collection"
    root.mkdir()
    cases = hostile.build(root)
    return catalogue.read(root, CatalogueSettings(workers=2)), cases


def test_every_hostile_file_has_its_outcome(folder):
    found, cases = folder
    reasons = {skipped.path: skipped.reason for skipped in found.skipped}
    wrong = []
    for case in cases:
        read, reason = case.path in found.paths, reasons.get(case.path)
        if case.outcome == hostile.READ:
            right = read and reason is None
        elif case.outcome == hostile.IGNORED:
            right = not read and reason is None
        else:
            right = not read and reason is not None and case.outcome in reason
        if not right:
            wrong.append((case, "read" if read else reason))
    assert not wrong


def test_nothing_in_the_hostile_folder_is_unaccounted_for(folder):
    found, cases = folder
    known = {case.path for case in cases}
    assert len({case.outcome for case in cases}) >= 25
    assert set(found.paths) == {case.path for case in cases if case.outcome == hostile.READ}
    assert {skipped.path for skipped in found.skipped} <= known
