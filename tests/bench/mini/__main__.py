"""How good is the embedded encoder? The figures of its model card (asap_core/learning/MINI.md).

`python -m tests.bench.mini DATA [--json] [--only NAME...] [--limit N]`; DATA holds cifake-train.zip,
cifake-test.zip, faces-train.zip, faces-test.zip and objects.zip. Nothing measured here was trained on, but for
`faces-train`, `cifake-train` and `objects`, whose images (never their labels) were, except where it says "held out".
Intervals are 95 %: Wilson's for shares of right answers, bootstrap for verdicts.

    zero-shot   categories by their names alone; the thousand classes of ImageNet on photographs held out
    portraits   what is asked of portraits never drawn before
    words       does it read, and what forgetting to spell changes, for several k
    detection   real or fake, through spell-free, 16 dimensions and head; the trunk alone, a linear probe on all of
                the reading, the same architecture with random weights, and raw pixels of 32 x 32
    speed       images/s, against the trunk's own
"""

import argparse
import json
import sys
import tempfile
import zipfile
from pathlib import Path

from asap_core.learning import encoder
from asap_core.learning.encoder import EncoderSettings

from .detection import detection
from .figures import text
from .naming import portraits, zero_shot
from .speed import speed
from .spell import spell

SECTIONS = {"zero-shot": zero_shot, "portraits": portraits, "words": spell, "detection": detection, "speed": speed}


def main(arguments: list[str]) -> int:
    """Print the figures, a line each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mini", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--limit", type=int, help="images of each collection, for a quick look")
    options = parser.parse_args(arguments)
    eye = encoder.open(EncoderSettings("mini", "all", "cpu"), text=True)
    with tempfile.TemporaryDirectory() as scratch:
        for archive in sorted(options.data.glob("*.zip")):
            with zipfile.ZipFile(archive) as file:
                file.extractall(Path(scratch) / archive.stem)
        for name in options.only:
            for found in SECTIONS[name](eye, Path(scratch), options.limit):
                print(json.dumps(found) if options.json else text(found), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
