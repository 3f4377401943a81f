"""What can go wrong at the borders.

AsapError
├── CatalogueError   a source of images cannot be read as a catalogue
│   └── ImageError   one image cannot be read; a build skips it and lists the reason
├── SettingsError    a setting is out of range, or does not fit the images
├── EncoderError     an encoder, its weights or its device cannot be had
└── AnalysisError    a saved analysis is missing, damaged or of another version

A message says what was found, what was expected and what to do. `run.py` prints it as one line and
exits 1; every other exception is a bug and keeps its trace.
"""


class AsapError(Exception):
    """Anything ASAP tells its user in plain words."""


class CatalogueError(AsapError):
    """A source of images cannot be read as a catalogue."""


class ImageError(CatalogueError):
    """One image cannot be read."""


class SettingsError(AsapError):
    """A setting is out of range, or does not fit the images."""


class EncoderError(AsapError):
    """An encoder, its weights or its device cannot be had."""


class AnalysisError(AsapError):
    """A saved analysis is missing, damaged or of another version."""
