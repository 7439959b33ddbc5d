"""Where values lie in a frame, so that an error can name the row, and which are used."""

import copy
import warnings

import numpy as np

from skbseq import _frames
from skbseq._sequences import ranges
from skbseq._time import convert_ticks
from skbseq.exceptions import SequenceFrameError


class RowPlace:
    """The place of an ordinary column: its values are the rows."""

    # Calls between a warning and the user's call of transform, scikit-learn's wrapper among them.
    _depth = 6

    def row_of(self, position):
        """Row of a value."""
        return position

    def cut(self, values):
        """Those of all values that are used."""
        return values

    def warn_of_missing(self, name, missing, *, taken_as):
        """Warn, from the line that called transform, of what was never missing at fit."""
        warnings.warn(
            f"{int(missing.sum()):,} values of {name!r} are missing, the first in row "
            f"{self.row_of(_frames.first_row(missing))}, but none were at fit: they are taken as "
            f"{taken_as}.",
            UserWarning,
            stacklevel=self._depth,
        )


class Place(RowPlace):
    """The place of list columns: the offsets of their rows, and the rows' cutoffs.

    Attributes
    ----------
    offsets : ndarray of int64
        Where the rows begin among the events that are used.
    kept : ndarray of int64 or None
        Which events those are; None for all of them.
    whole : Place
        The place of all events, for what the one before an event tells of it.
    """

    _depth = 5

    def __init__(self, columns, cutoff_name):
        self.offsets = next(iter(columns.lists.values())).offsets
        self.cutoff = columns.ordinary.get(cutoff_name)
        self.cutoff_name = cutoff_name
        self.kept = None
        self.whole = self

    def last(self, max_length):
        """The place of the last so many events of each row; None for all of them."""
        if max_length is None or np.diff(self.offsets).max(initial=0) <= max_length:
            return self
        starts = np.maximum(self.offsets[:-1], self.offsets[1:] - max_length)
        place = copy.copy(self)
        place.kept, place.offsets = ranges(starts, self.offsets[1:])
        return place

    def cut(self, values):
        """Those of the values of all events, in NumPy or Arrow, that are used."""
        if self.kept is None:
            return values
        if isinstance(values, np.ndarray):
            return values[self.kept]
        return _frames.take(values, self.kept)

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
    return _frames.read_moments(values, name, row_of=place.row_of)


def read_numbers(values, name, place):
    """Numbers of a column as float64, NaN where missing; infinite ones are refused."""
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
            "value. Replace it by a number, or by null if it is not known."
        )
    return values
