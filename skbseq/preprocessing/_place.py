"""Positions of values in a frame: which are used, and which row an error has to name."""

import copy
import warnings

import numpy as np

from skbseq import _frames
from skbseq._sequences import ranges
from skbseq._time import convert_ticks
from skbseq.exceptions import SequenceFrameError


class RowPlace:
    """Positions in an ordinary column, which has one value per row."""

    # Calls between a warning and the user's call of transform, including scikit-learn's wrapper.
    _depth = 6

    def row_of(self, position):
        """Row of a value."""
        return position

    def cut(self, values):
        """The values that are used."""
        return values

    def warn_of_missing(self, name, missing, *, taken_as):
        """Warn, at the line that called transform, of missing values where fit saw none."""
        warnings.warn(
            f"{int(missing.sum()):,} values of {name!r} are missing, the first in row "
            f"{self.row_of(_frames.first_row(missing))}, but none were at fit: they are treated "
            f"as {taken_as}.",
            UserWarning,
            stacklevel=self._depth,
        )


class Place(RowPlace):
    """Positions in list columns: the offsets of their rows, and the cutoffs of the rows.

    Attributes
    ----------
    offsets : ndarray of int64
        Where the rows begin among the events that are used.
    kept : ndarray of int64 or None
        Positions of the events that are used; None for all.
    whole : Place
        The place of all events, for features that need the preceding event.
    """

    _depth = 5

    def __init__(self, columns, cutoff_name):
        self.offsets = next(iter(columns.lists.values())).offsets
        self.cutoff = columns.ordinary.get(cutoff_name)
        self.cutoff_name = cutoff_name
        self.kept = None
        self.whole = self

    def last(self, max_length):
        """The place of the last ``max_length`` events of each row; None for all events."""
        if max_length is None or np.diff(self.offsets).max(initial=0) <= max_length:
            return self
        starts = np.maximum(self.offsets[:-1], self.offsets[1:] - max_length)
        place = copy.copy(self)  # `whole` of the copy is still the place of all events
        place.kept, place.offsets = ranges(starts, self.offsets[1:])
        return place

    def cut(self, values):
        """The values of the events that are used, from those of all, in NumPy or Arrow."""
        if self.kept is None:
            return values
        if isinstance(values, np.ndarray):
            return values[self.kept]
        return _frames.take(values, self.kept)

    def row_of(self, position):
        """Row of the sample that holds an event."""
        # From the right, because empty rows have the offset of the next row.
        return int(np.searchsorted(self.offsets, position, side="right")) - 1

    def cutoff_ticks(self, unit, zone):
        """Ticks of the cutoff of each row, for events with or without a time zone."""
        if self.cutoff is None:
            raise SequenceFrameError(
                f"The frame has no ordinary column {self.cutoff_name!r}, which gave the time to "
                "the cutoff at fit. Add it, or leave 'age' out of time_features."
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
                f"The {has} have a time zone and the {lacks} have none. Use a time zone in both, "
                "or in neither."
            )
        return convert_ticks(ticks, source=found, target=unit)


def read_moments(values, name, place):
    """Timestamps of a column of timestamps, dates or strings of one reading."""
    return _frames.read_moments(values, name, row_of=place.row_of)


def read_numbers(values, name, place):
    """Numbers of a column as float64, NaN for missing ones; infinite ones are refused."""
    kind = _frames.kind_of(values.type)
    if kind not in ("float", "integer", "boolean", "null"):
        raise SequenceFrameError(
            f"{name!r} holds {kind} values, which are not numbers. Convert them, or name it in "
            "categorical=."
        )
    values = _frames.numbers(values)
    infinite = np.isinf(values)
    if infinite.any():
        raise SequenceFrameError(
            f"Row {place.row_of(_frames.first_row(infinite))} of {name!r} holds an infinite "
            "value. Replace it by a number, or by null if it is unknown."
        )
    return values
