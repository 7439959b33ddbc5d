"""Versions of the file format, and of the libraries that wrote a file."""

import importlib.metadata

from skbseq import __version__

__all__ = ["FORMAT", "WATCHED", "versions"]

FORMAT = 1
WATCHED = ("skbseq", "scikit-learn")


def versions():
    """Versions of skbseq, scikit-learn and Keras, by name."""
    # Read from the installed packages, because importing keras loads TensorFlow.
    others = {name: importlib.metadata.version(name) for name in ("scikit-learn", "keras")}
    return {"skbseq": __version__} | others
