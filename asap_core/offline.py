"""Offline: whether this process, and those that it starts, may ask the network for anything.

Kept in the environment, which those that are started inherit; the libraries that look for weights read theirs as they
are imported.
"""

import os
import sys

ASKED = "ASAP_OFFLINE"


def stay() -> None:
    """Forbid it from now on."""
    for name in (ASKED, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        os.environ[name] = "1"
    if (hub := sys.modules.get("huggingface_hub.constants")) is not None:
        hub.HF_HUB_OFFLINE = True  # pyright: ignore


def why() -> str | None:
    """What forbids it, in words; None where it is allowed."""
    return "--offline forbids it" if os.environ.get(ASKED) else None
