"""The errors that skbseq raises beyond Python's own.

Each is also a :class:`ValueError` or :class:`ImportError`, so that code written for
scikit-learn's habits catches it too.
"""

__all__ = ["CensoredLabelError", "InvalidLogError", "ModelFileError", "SequenceFrameError"]


class InvalidLogError(ValueError):
    """The event log cannot be read as one: a column is missing, or holds what it must not."""


class SequenceFrameError(ValueError):
    """A sequence frame is not one: no channel, ragged rows, or values of the wrong kind."""


class CensoredLabelError(ValueError):
    """A label cannot be known yet, because its horizon reaches past the end of the log."""


class ModelFileError(ValueError):
    """A model file is damaged, foreign, or holds types that are not trusted."""
