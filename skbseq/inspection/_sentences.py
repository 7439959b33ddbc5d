"""Events in words: their names, and how long before the cutoff they came."""

import numpy as np

from skbseq import _frames
from skbseq._checks import as_names
from skbseq._time import convert_ticks
from skbseq.exceptions import SequenceFrameError

# Microseconds, and the number of a unit from which on a span is given in it.
_UNITS = (("day", 86_400_000_000, 2), ("hour", 3_600_000_000, 2), ("minute", 60_000_000, 2))
_SECOND = 1_000_000


class EventNames:
    """Names of the events of a frame, in raw values.

    Parameters
    ----------
    columns : SequenceColumns
    names : str or list of str, default=None
        List columns whose values make up the name of an event. None: those of strings, or else
        those of integers and booleans.
    time : str, default=None
        List column of times. None: the first of timestamps, if there is one.
    cutoff : str, default="cutoff"
        Ordinary column with the moment until which spans count. Without it a date is given.
    """

    def __init__(self, columns, names=None, time=None, cutoff="cutoff"):
        self._lists = columns.lists
        self._offsets = next(iter(self._lists.values())).offsets
        names = self._default() if names is None else as_names("columns", names)
        self._named = [self._column(name, "columns") for name in names]
        times = self._of_kind("timestamp")
        time = (times or [None])[0] if time is None else time
        self._times = self._cutoffs = None
        if time is not None:
            moments = _moments(self._column(time, "time").values, time)
            self._times = moments
            if cutoff in columns.ordinary:
                self._cutoffs = _moments(columns.ordinary[cutoff], cutoff)

    def _of_kind(self, *kinds):
        return [
            name
            for name, column in self._lists.items()
            if _frames.kind_of(_frames.decode_strings(column.values).type) in kinds
        ]

    def _default(self):
        return self._of_kind("string") or self._of_kind("integer", "boolean")

    def _column(self, name, parameter):
        if name not in self._lists:
            raise SequenceFrameError(
                f"{parameter}={name!r} is not one of the list columns of X, which are "
                f"{', '.join(map(repr, self._lists))}."
            )
        return self._lists[name]

    def describe(self, events):
        """The name and the time of some events, by their positions among all.

        Returns
        -------
        list of str
        """
        rows = np.searchsorted(self._offsets, events, side="right") - 1
        pairs = zip(self.names(events), self._whens(events, rows), strict=True)
        return [" ".join(pair).strip() or "event" for pair in pairs]

    def names(self, events):
        """The names of some events; empty where all values are missing.

        Returns
        -------
        list of str
        """
        parts = [_frames.take(c.values, events).to_pylist() for c in self._named]
        return [
            ", ".join(str(part[i]) for part in parts if part[i] is not None)
            for i in range(len(events))
        ]

    def times(self, events, row):
        """Times of some events of a row, and its cutoff, in UTC without a zone.

        Returns
        -------
        times : ndarray of datetime64 or None
            None if one of them is not known.
        cutoff : datetime64 or None
            None if X has none there.
        """
        if self._times is None or self._times[1][events].any():
            return None, None
        times = self._times[0][events].astype("datetime64[us]")
        if self._cutoffs is None or self._cutoffs[1][row]:
            return times, None
        return times, self._cutoffs[0][row].astype("datetime64[us]")

    def _whens(self, events, rows):
        """When each event was: before the cutoff, at a date, or its place."""
        if self._times is None:
            places, lengths = events - self._offsets[rows], np.diff(self._offsets)[rows]
            return [f"(event {p + 1} of {n})" for p, n in zip(places, lengths, strict=True)]
        ticks, missing = self._times
        if self._cutoffs is None:
            moments = ticks[events].astype("datetime64[us]").astype("datetime64[m]")
            texts = [f"on {str(moment).replace('T', ' ')}" for moment in moments]
            return [
                "at an unknown time" if m else t
                for t, m in zip(texts, missing[events], strict=True)
            ]
        cutoffs, unknown = self._cutoffs
        spans = cutoffs[rows] - ticks[events]
        unknown = unknown[rows] | missing[events]
        return [
            "at an unknown time" if u else f"{span_in_words(s)} before"
            for s, u in zip(spans.tolist(), unknown, strict=True)
        ]


def span_in_words(span):
    """A span of microseconds: "2 days", "90 minutes"."""
    for name, size, least in _UNITS:
        if span >= least * size:
            return f"{round(span / size):,} {name}s"
    count = round(span / _SECOND)
    return f"{count} second{'' if count == 1 else 's'}"


def signed(number):
    """A contribution with its sign: "+0.83", "−1.20"."""
    text = f"{number:+.2f}" if abs(number) < 1e4 else f"{number:+.3g}"
    return text.replace("-", "−")


def _moments(values, name):
    """Microseconds since 1970, and a mask of missing ones."""
    ticks, missing, unit, _ = _frames.time_ticks(_frames.read_moments(values, name))
    return convert_ticks(ticks, source=unit, target="us"), missing
