"""Where values lie in a frame, so that an error can name the row."""

import warnings

import numpy as np

from skbseq import _frames
from skbseq._time import convert_ticks
from skbseq.exceptions import SequenceFrameError


class RowPlace:
    """The place of an ordinary column: its values are the rows."""

    # Calls between a warning and the user's call of transform, scikit-learn's wrapper among them.
    _depth = 6

    def row_of(self, position):
        """Row of a value."""
        return position

    def warn(self, message):
        """Warn from the line that called transform."""
        warnings.warn(message, UserWarning, stacklevel=self._depth)


class Place(RowPlace):
    """The place of list columns: the offsets of their rows, and the rows' cutoffs."""

    _depth = 5

    def __init__(self, columns, cutoff_name):
        self.offsets = next(iter(columns.lists.values())).offsets
        self.cutoff = columns.ordinary.get(cutoff_name)
        self.cutoff_name = cutoff_name

    def row_of(self, position):
        """Row of the sample that holds an event."""
        return int(np.searchsorted(self.offsets, position, side="right")) - 1

    def cutoff_ticks(self, unit, zone):
        """Ticks of the cutoff of each row, for events with or without a time zone."""
        if self.cutoff is None:
            raise SequenceFrameError(
                f"The frame has no ordinary column {self.cutoff_name!r}, from which the time to "
                "the cutoff was made at fit. Give it, or leave 'age' out of time_features."
            )
        moments = read_moments(self.cutoff, self.cutoff_name, RowPlace())
        ticks, missing, found, cutoff_zone = _frames.time_ticks(moments)
        if missing.any():
            raise SequenceFrameError(
                f"Row {_frames.first_row(missing)} of {self.cutoff_name!r} is missing."
            )
        if (zone is None) != (cutoff_zone is None) and self.offsets[-1] > 0:
            has, lacks = ("cutoffs", "events") if zone is None else ("events", "cutoffs")
            raise SequenceFrameError(
                f"The {has} have a time zone and the {lacks} have none. Give both one, or none."
            )
        return convert_ticks(ticks, source=found, target=unit)


def read_moments(values, name, place):
    """Timestamps of a column of timestamps, dates or ISO 8601 strings."""
    kind = _frames.kind_of(_frames.decode_strings(values).type)
    if kind not in ("timestamp", "string", "null"):
        raise SequenceFrameError(
            f"{name!r} holds {kind} values, which are not times. Give timestamps."
        )
    try:
        moments, unreadable = _frames.to_timestamps(values)
    except ValueError as error:
        raise SequenceFrameError(f"{name!r} cannot be read as times: {error}.") from error
    if unreadable.any():
        at = _frames.first_row(unreadable)
        why = _frames.why_unreadable(values[at].as_py())
        raise SequenceFrameError(f"Row {place.row_of(at)} of {name!r} holds {why}.")
    return moments
