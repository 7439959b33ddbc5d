"""What displays read of a log: flat arrays of categories, users and times."""

from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._checks import check_count, is_several, shown
from skbseq.events import EventLog
from skbseq.exceptions import InvalidLogError
from skbseq.inspection._drawing import MOST_CATEGORIES, fold

MISSING = "(missing)"


@dataclass(frozen=True)
class FlatEvents:
    """Events of a log, sorted by user and time.

    ``codes`` are positions in ``names``; user ``i`` has the events ``offsets[i]`` to
    ``offsets[i + 1]``. ``column`` is the name of the column of the categories.
    """

    codes: np.ndarray
    names: list
    offsets: np.ndarray
    column: str

    @property
    def counts(self):
        """Number of events of each category."""
        return np.bincount(self.codes, minlength=len(self.names))

    @property
    def users(self):
        """Number of the user of each event."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @property
    def steps(self):
        """Position of each event in the history of its user, from 0."""
        return np.arange(len(self.codes)) - np.repeat(self.offsets[:-1], np.diff(self.offsets))

    @property
    def continues(self):
        """Whether the next event is of the same user, for each event."""
        result = np.ones(len(self.codes), bool)
        result[self.offsets[1:] - 1] = False
        return result

    def folded(self, limit):
        """The same events with at most ``limit`` categories and "other"."""
        new_code, names = fold(self.counts, self.names, limit)
        return FlatEvents(new_code[self.codes], names, self.offsets, self.column)


def check_log(log, name="log"):
    """Refuse what is no clean log with events.

    Raises
    ------
    TypeError
        If it is no log.
    InvalidLogError
        If it is not clean or has no events.
    """
    if not isinstance(log, EventLog):
        raise TypeError(
            f"{name} must be an EventLog; got {shown(log)}. Make one: EventLog(table, user=..., "
            "time=..., behavior=...)."
        )
    log._check_clean()
    if not len(log._index.times):
        raise InvalidLogError(f"{name} has no events, so there is nothing to show.")


def flat_events(log, column=None, *, name="log"):
    """Read the categories of a column; missing values are a category, too.

    Parameters
    ----------
    log : EventLog
    column : str, default=None
        None: the behaviours.
    name : str, default="log"
        Name of the parameter, for messages.

    Returns
    -------
    FlatEvents
        Categories that do not occur are left out; the others are in ascending order.
    """
    check_log(log, name)
    column = column_of(log, column)
    codes, values = _frames.encode(log._table[column])
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    names = [as_name(value) for value in values.to_pylist()]
    order = sorted(np.flatnonzero(counts), key=lambda i: names[i])
    rank = np.full(len(values) + 1, len(order))  # the last one is that of code -1, missing
    rank[order] = np.arange(len(order))
    names = [names[i] for i in order] + ([MISSING] if (codes < 0).any() else [])
    return FlatEvents(rank[codes], names, log._index.offsets, column)


def as_name(value):
    """A value as the name of a category; null is not the text that stands for it.

    A text that reads like the name of null is quoted, and one that reads like that is quoted once
    more, so that different values have different names, in all logs.
    """
    if value is None:
        return MISSING
    if isinstance(value, str) and value.strip("'") == MISSING:
        return f"'{value}'"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"  # integers with missing values are floats in some tables
    return str(value)


def column_of(log, column):
    """The name of a column of categories; None is that of the behaviours."""
    if column is None and log.behavior is None:
        raise InvalidLogError(
            "The log has no behaviour column. Name it: EventLog(..., behavior=...), or pass "
            f"column=, one of {', '.join(map(repr, log._table.column_names))}."
        )
    column = log.behavior if column is None else column
    return log._check_column(column)


def positions_of(values, events, name):
    """Position of each value among the categories of events.

    Raises
    ------
    ValueError
        If values is not a list, or one of them does not occur.
    """
    if not is_several(values):
        raise ValueError(f"{name} must be a list of values; got {shown(values)}.")
    found = []
    for value in values:
        text = as_name(value)
        if text not in events.names and value == MISSING:
            text = MISSING  # as it stands in the plot
        if text not in events.names:
            some = ", ".join(map(repr, events.names[:20]))
            raise ValueError(
                f"{name} holds {shown(value)}, which does not occur in {events.column!r}; its "
                f"values are {some}{', ...' if len(events.names) > 20 else ''}."
            )
        found.append(events.names.index(text))
    return np.array(found, np.int64)


def check_limit(max_categories, most=MOST_CATEGORIES):
    """Refuse a number of categories that no reader could tell apart."""
    check_count("max_categories", max_categories, most=most)


def local_ticks(log, ticks):
    """Ticks of moments in the time zone of the log, for calendar days."""
    return _frames.local_ticks(log._to_times(ticks), log._clock.zone)
