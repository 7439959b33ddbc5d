"""The events of a frame as flat arrays, and the state that the vectorizer learns about them."""

from functools import cached_property

import numpy as np

from skbseq import _frames
from skbseq._sequences import FIRST_CATEGORY, offsets_of
from skbseq._time import convert_ticks, ticks_per_second
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._channels import Vocabulary
from skbseq.preprocessing._place import RowPlace, read_moments

_DAY = 86_400
# Larger than any amount, but squares and sums of such numbers are still finite.
_LARGEST = 1e100


class Categories:
    """The categories of a channel, most frequent first, followed by one for all others."""

    def __init__(self, name, values, options):
        self.name = name
        self.vocabulary = Vocabulary(
            values,
            min_frequency=options["min_frequency"],
            max_categories=options["max_categories"],
        )
        known = ["missing" if c is None else str(c) for c in self.vocabulary.categories()]
        self.names = [*known, "other"]

    def read(self, values, place):
        """Positions among the names, codes of all distinct values, and the number of these.

        Each distinct value is looked up once, whatever the number of events.
        """
        exact, distinct = _frames.encode(_frames.nan_to_null(values))
        distinct = _frames.append_null(distinct)
        try:
            codes = self.vocabulary.codes(distinct)
        except TypeError as error:
            raise SequenceFrameError(
                f"The values of {self.name!r} do not match its vocabulary: {error}. Convert them "
                "to the type used at fit."
            ) from error
        other = len(self.vocabulary.values)
        places = np.where(codes < FIRST_CATEGORY, other, codes - FIRST_CATEGORY)
        # Null has code -1 and is the last element, so index -1 finds it.
        return places[exact], np.where(exact < 0, len(distinct) - 1, exact), len(distinct)


class Clock:
    """The time channel: spans in days, and local time where the events happened."""

    def __init__(self, name, values, place):
        self.name = name
        self.zone = read_moments(values, name, place).type.tz

    def read(self, values, place, cutoff):
        """Moments of the events, checked.

        Returns
        -------
        Moments
        """
        moments = read_moments(values, self.name, place)
        ticks, missing, unit, zone = _frames.time_ticks(moments)
        if len(ticks) and (self.zone is None) != (zone is None):
            now, then = ("have no", "one") if self.zone else ("have a", "none")
            raise SequenceFrameError(
                f"The times of {self.name!r} {now} time zone but had {then} at fit. Use a time "
                "zone in both, or in neither."
            )
        self._refuse(missing, place, "holds a missing time. Drop the event or give its time")
        gaps = np.diff(ticks, prepend=ticks[:1])
        gaps[place.offsets[:-1][place.offsets[:-1] < len(gaps)]] = 0
        self._refuse(gaps < 0, place, "goes back in time; order the events of a row oldest first")
        ages = None
        if cutoff is not None:
            ages = np.repeat(cutoff.read(unit, self.zone), np.diff(place.offsets)) - ticks
            self._refuse(
                ages < 0, place, "holds an event after its cutoff, which leaks the future"
            )
        return Moments(_frames.local_ticks(moments, self.zone), gaps, ages, unit)

    def _refuse(self, wrong, place, complaint):
        if wrong.any():
            row = place.row_of(_frames.first_row(wrong))
            raise SequenceFrameError(f"Row {row} of {self.name!r} {complaint}.")


class Cutoffs:
    """The ordinary column that holds the moment of prediction of each row."""

    def __init__(self, name, column):
        self.name = name
        self.column = column

    def read(self, unit, zone):
        """Ticks of each row, for events with or without a time zone."""
        moments = read_moments(self.column, self.name, RowPlace())
        ticks, missing, found, cutoff_zone = _frames.time_ticks(moments)
        if missing.any():
            raise SequenceFrameError(
                f"Row {_frames.first_row(missing)} of {self.name!r} is missing. Give the moment "
                "of prediction of every row."
            )
        if len(ticks) and (zone is None) != (cutoff_zone is None):
            has, lacks = ("cutoffs", "events") if zone is None else ("events", "cutoffs")
            raise SequenceFrameError(
                f"The {has} have a time zone and the {lacks} have none. Use a time zone in both, "
                "or in neither."
            )
        return convert_ticks(ticks, source=found, target=unit)


class Moments:
    """Times of the events: local time, time since the preceding event, time to the cutoff."""

    def __init__(self, local, gaps, ages, unit):
        self.local = local
        self.ages = ages
        self.gaps = gaps
        self.ticks_per_second = ticks_per_second(unit)

    def in_days(self, ticks):
        """Ticks as days."""
        return ticks / (_DAY * self.ticks_per_second)

    def within(self, span):
        """Mask of the events in a span before the cutoff, by the rule of EventLog's lookback."""
        return self.ages < int(span.astype(np.int64)) * (self.ticks_per_second // 10**6)

    def local_days(self):
        """Days since 1970 in local time."""
        return self.local // (_DAY * self.ticks_per_second)

    def local_hours(self):
        """Hours since midnight in local time."""
        return self.local // (3_600 * self.ticks_per_second) % 24


class EventPlace:
    """Positions of events in the rows, so that an error can name the row."""

    def __init__(self, offsets):
        self.offsets = offsets

    def row_of(self, position):
        """Row of the sample that holds an event."""
        return int(np.searchsorted(self.offsets, position, side="right")) - 1


class Events:
    """The events of all rows end to end, read for the features.

    Parameters
    ----------
    offsets : ndarray of int64 of shape (n_samples + 1,)
        Sample ``i`` has the events ``offsets[i]`` to ``offsets[i + 1]``.
    numbers : dict of str to ndarray of float64
    categories : dict of str to tuple
        Results of :meth:`Categories.read`.
    moments : Moments or None
    context : dict of str to ndarray
    """

    def __init__(self, offsets, *, numbers, categories=None, moments=None, context=None):
        self.offsets = offsets
        self.lengths = np.diff(offsets)
        self.numbers = {n: np.clip(v, -_LARGEST, _LARGEST) for n, v in numbers.items()}
        self.categories = categories or {}
        self.moments = moments
        self.context = context or {}

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.lengths)

    @cached_property
    def rows(self):
        """Row of each event."""
        return np.repeat(np.arange(self.n_samples), self.lengths)

    @cached_property
    def last_ages(self):
        """Days from the last event to the cutoff, NaN for an empty history."""
        return pick_last(self.moments.in_days(self.moments.ages), self.offsets)

    @cached_property
    def gaps(self):
        """Days between consecutive events of a row, end to end, and the offsets of the rows."""
        later = np.ones(len(self.moments.gaps), bool)
        later[self.offsets[:-1][self.lengths > 0]] = False
        return self.moments.in_days(self.moments.gaps[later]), keep_offsets(later, self.offsets)


# ------------------------------------------------------------------ row by row


def keep_offsets(kept, offsets):
    """Offsets of the rows after some of their values are dropped."""
    before = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(kept, out=before[1:])
    return before[offsets]


def count_rows(mask, offsets):
    """Number of events of each row where a mask is True."""
    return np.diff(keep_offsets(mask, offsets))


def reduce_rows(ufunc, values, offsets, empty):
    """Reduce each row by a ufunc; rows without values get ``empty``.

    The sum of a row is computed from its own values only. Differences of a cumulative sum would
    add rounding errors of other rows.
    """
    result = np.full(len(offsets) - 1, empty, np.float64)
    filled = offsets[1:] > offsets[:-1]  # `reduceat` gives a wrong value for an empty row
    if filled.any():
        result[filled] = ufunc.reduceat(values, offsets[:-1][filled])
    return result


def pick_last(values, offsets):
    """The last value of each row, NaN for an empty row."""
    result = np.full(len(offsets) - 1, np.nan)
    filled = offsets[1:] > offsets[:-1]
    result[filled] = values[offsets[1:][filled] - 1]
    return result


def divide(one, other):
    """Quotient; NaN if the divisor is zero."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(other == 0, np.nan, one / np.where(other == 0, 1, other))


def describe_rows(values, offsets):
    """Sum, mean, std, min, max and last value of each row; all but the sum may be NaN."""
    counts = np.diff(offsets)
    total = reduce_rows(np.add, values, offsets, 0.0)
    mean = divide(total, counts)
    # In two passes: the difference of mean square and squared mean would lose digits.
    off = values - np.repeat(mean, counts)
    spread = np.sqrt(divide(reduce_rows(np.add, off * off, offsets, 0.0), counts))
    return {
        "sum": total,
        "mean": mean,
        "std": spread,
        "min": reduce_rows(np.minimum, values, offsets, np.nan),
        "max": reduce_rows(np.maximum, values, offsets, np.nan),
        "last": pick_last(values, offsets),
    }


def array_events(X, lengths, names):
    """The events of an array of shape (n_samples, n_steps, n_channels)."""
    real = np.arange(X.shape[1]) < lengths[:, None]
    flat = X[real]
    numbers = {n: np.array(flat[:, i], np.float64) for i, n in enumerate(names)}
    return Events(offsets_of(lengths), numbers=numbers)
