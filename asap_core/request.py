"""What a person asks for, and how the stages then learn."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path

from .errors import SettingsError
from .learning.distiller import DistillerSettings
from .learning.spelling import SpellingSettings
from .projection.plane import PlaneSettings


@dataclass(frozen=True)
class Request:
    """What a person asks for: a source of images, and the choices that the command line offers."""

    source: Path
    encoder: str | None = None  # None: b32 if its weights can be had, else mini
    layers: str | None = None  # None: the encoder's default
    device: str | None = None
    limit: int | None = None
    workers: int | None = None
    seed: int = 0
    equalise: bool = False
    unlabelled: bool = False
    notes: Path | None = None  # where people's notes are kept; None: with the analysis or with the user's data
    using: Path | None = None  # the analysis whose detector judges unlabelled images

    def __post_init__(self) -> None:
        if self.unlabelled != (self.using is not None):
            raise SettingsError("--unlabelled and --using DIR go together: found one without the other")
        if self.using is not None and (self.encoder or self.layers or self.equalise):
            raise SettingsError("with --using, --encoder, --layers and --equalise are those of that analysis")

    def command(self, encoder: str, layers: str) -> str:
        """What is typed after `run.py` to build the same again, with the encoder that was taken."""
        said = ["build", str(self.source.absolute()), "--seed", str(self.seed)]
        if self.using is not None:
            said += ["--unlabelled", "--using", str(self.using.absolute())]
        else:
            said += ["--encoder", encoder, "--layers", layers, *(["--equalise"] if self.equalise else [])]
        return shlex.join(said + ([] if self.limit is None else ["--limit", str(self.limit)]))


@dataclass(frozen=True)
class Settings:
    """How the stages after the encoder learn."""

    spelling: SpellingSettings = field(default_factory=SpellingSettings)
    distiller: DistillerSettings = field(default_factory=DistillerSettings)
    plane: PlaneSettings = field(default_factory=PlaneSettings)
