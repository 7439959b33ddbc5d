"""Where values lie in a frame, so that an error can name the row."""

import warnings

import numpy as np

from skbseq import _frames
from skbseq._time import convert_ticks
from skbseq.exceptions import SequenceFrameError


class RowPlace:
    """The place of an ordinary column: its values are the rows."""

    def row_of(self, position):
        """Row of a value."""
        return position

    def warn(self, message):
        """Warn from the line that called transform."""
        warnings.warn(message, UserWarning, stacklevel=5)


class Place(RowPlace):
    """The place of list columns: the offsets of their rows, and the rows' cutoffs."""

    def __init__(self, columns, cutoff_name):
        self.offsets = next(iter(columns.lists.values())).offsets
        self.cutoff = columns.ordinary.get(cutoff_name)
        self.cutoff_name = cutoff_name

    def row_of(self, position):
        """Row of the sample that holds an event."""
        return int(np.searchsorted(self.offsets, position, side="right")) - 1

    def cutoff_ticks(self, unit):
        """Ticks of the cutoff of each row."""
        if self.cutoff is None:
            raise SequenceFrameError(
                f"The frame has no ordinary column {self.cutoff_name!r}, from which the time to "
                "the cutoff was made at fit. Give it, or leave 'age' out of time_features."
            )
        ticks, missing, bad, found, _ = _frames.time_ticks(self.cutoff)
        if (missing | bad).any():
            row = _frames.first_row(missing | bad)
            raise SequenceFrameError(f"Row {row} of {self.cutoff_name!r} is not a time.")
        return convert_ticks(ticks, source=found, target=unit)
