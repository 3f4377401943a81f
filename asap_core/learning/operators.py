"""Makes torchvision importable where its compiled operators are not: import this before open_clip or timm.

PyPI's torchvision is compiled against PyPI's torch, which brings CUDA. Beside a CPU-only torch its extension
fails to load, and importing it then stops at "operator torchvision::nms does not exist", because it describes
operators that nobody has defined. ASAP calls none of them (they find boxes in images): an empty definition is
enough.
"""

import importlib
import re

import torch

UNKNOWN = re.compile(r"operator (torchvision::\w+) does not exist")


def define_missing() -> list[str]:
    """Import torchvision, defining operators that its extension should have defined; return their names."""
    defined: list[str] = []
    while True:
        try:
            importlib.import_module("torchvision")
            return defined
        except RuntimeError as error:
            missing = UNKNOWN.search(str(error))
            if missing is None or missing[1] in defined:
                raise
            torch.library.define(missing[1], "() -> ()")
            defined.append(missing[1])


DEFINED = define_missing()
