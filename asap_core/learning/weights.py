"""Where an encoder's weights are: in a file given, put into a folder, kept from a download, or to be had.

Nothing here loads weights. Whether a server can be reached is asked before a download is tried, because the
libraries that download retry for a minute, and say so at length.
"""

import contextlib
import hashlib
import logging
import ssl
import threading
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub
from huggingface_hub import constants

from .. import offline
from ..errors import EncoderError

PLACE = Path(__file__).parents[2] / "cache" / "weights"
PATIENCE = 3.0  # seconds within which a server has to answer
UNSAFE = (".pt", ".pth", ".bin", ".ckpt", ".pkl", ".npz", ".npy")


@dataclass(frozen=True)
class Source:
    """Where a model's published weights come from: a repository of the Hugging Face hub, or an address."""

    model: str
    tag: str
    repository: str
    files: tuple[str, ...]  # in the repository, the safer one first
    address: str

    @classmethod
    def of(cls, model: str, tag: str, config: Mapping[str, str]) -> "Source":
        """The source that an open_clip entry describes; names as its download tries them."""
        repository, _, name = config.get("hf_hub", "").rpartition("/")
        if name:
            files = (str(Path(name).with_suffix(".safetensors")), name)
        else:
            files = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
        return cls(model, tag, repository, files if repository else (), config.get("url", ""))

    @property
    def place(self) -> Path:
        """Where a person may put the weights by hand."""
        return PLACE / f"{self.model}-{self.tag}.safetensors"

    def here(self) -> Path | None:
        """The weights on this machine: put by hand, or kept from an earlier download."""
        if self.place.is_file():
            return self.place
        for name in self.files:
            kept = huggingface_hub.try_to_load_from_cache(self.repository, name)
            if isinstance(kept, str):
                return Path(kept)
        kept = Path.home() / ".cache" / "clip" / self.address.rpartition("/")[2]
        return kept if self.address and not self.repository and kept.is_file() else None

    def obstacle(self) -> str | None:
        """Why the weights cannot be downloaded now, None if they can; takes three seconds at most."""
        if forbidden := offline.why():
            return forbidden
        if self.repository and constants.HF_HUB_OFFLINE:
            return "HF_HUB_OFFLINE is set"
        return unreachable(constants.ENDPOINT if self.repository else self.address)

    def missing(self, reason: str) -> EncoderError:
        """The error for weights that are not here and cannot be had."""
        page = f"{constants.ENDPOINT}/{self.repository}" if self.repository else self.address
        return EncoderError(
            f"weights of {self.model}/{self.tag} are not here and cannot be downloaded ({reason}). Put"
            f" the .safetensors file of {page} at {self.place}, "
            + ("run this once without --offline where there is a network, " if offline.why() else "")
            + "or use --encoder mini, which needs no download"
        )


def unreachable(address: str) -> str | None:
    """Why the server of an address cannot be reached, proxies considered; None if it answers in time."""
    parts = urlsplit(address)
    answer = [f"{parts.hostname} did not answer within {PATIENCE:.0f} seconds"]

    def ask() -> None:
        answer[0] = _ask(f"{parts.scheme}://{parts.netloc}/")

    # A thread of its own: looking a name up knows no time limit.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answer[0] or None


def _ask(address: str) -> str:
    host = urlsplit(address).hostname
    try:
        request = urllib.request.Request(address, method="HEAD", headers={"User-Agent": "asap"})
        urllib.request.urlopen(request, timeout=PATIENCE).close()
    except urllib.error.HTTPError as error:  # an answer; which one says more about the address than about the net
        return f"{host} answers {error.code}" if error.code in (403, 407) or error.code >= 500 else ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        # The download brings certificates of its own.
        return "" if isinstance(reason, ssl.SSLCertVerificationError) else f"{host}: {reason}"
    return ""


def checkpoint(model: str, given: str) -> Path:
    """The file that MODEL/file names; EncoderError where there is none, or not a safetensors file."""
    path = Path(given).expanduser()
    if path.suffix.lower() in UNSAFE:
        raise EncoderError(
            f"{given}: weights are read from .safetensors only, because reading {path.suffix} can run code. "
            'Convert one that you trust: python -c "import torch; from safetensors.torch import save_file; '
            f"w = torch.load('{given}', map_location='cpu', weights_only=True); w = w.get('state_dict', w); "
            f"save_file({{k: v.contiguous() for k, v in w.items()}}, '{path.stem}.safetensors')\""
        )
    for candidate in (path, Path("/") / path):  # MODEL/home/me/file is understood as MODEL//home/me/file
        if candidate.is_file():
            return candidate
    raise EncoderError(f"no weights at {path}; expected --encoder {model}/path/to/file.safetensors")


def sha256(file: Path) -> str:
    """A file's sha256, hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence the log and warnings inside the block: what matters is raised, and said in our words."""
    disabled, handlers = logging.root.manager.disable, logging.root.handlers[:]
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        logging.root.handlers[:] = handlers  # open_clip's calls of logging.info add one
