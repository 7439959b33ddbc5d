"""The exceptions of skbseq.

Each is also a :class:`ValueError`, so that code written for scikit-learn catches it too. The
warning is a :class:`UserWarning`.
"""

__all__ = [
    "CensoredLabelError",
    "InvalidLogError",
    "ModelFileError",
    "SequenceFrameError",
    "SequenceFrameWarning",
]


class InvalidLogError(ValueError):
    """The event log cannot be read: a column is missing or holds invalid values."""


class SequenceFrameError(ValueError):
    """A sequence frame is invalid: no channel, ragged rows, or values of the wrong type."""


class CensoredLabelError(ValueError):
    """A label cannot be known yet, because its horizon reaches past the end of the log."""


class ModelFileError(ValueError):
    """A model file is damaged, not written by skbseq, or holds untrusted types."""


class SequenceFrameWarning(UserWarning):
    """A sequence frame can be used, but probably not as it was meant.

    Of a column whose values suggest another use than its type, histories without events, texts
    without a known word. The message says which parameter to set.
    """
