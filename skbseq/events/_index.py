"""The index of a log: its users, and the range of each user's events in time order."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skbseq import _frames
from skbseq._sequences import offsets_of


@dataclass(frozen=True)
class EventIndex:
    """Users in ascending order, with offsets into the events sorted by user and time.

    User ``i`` has the events ``offsets[i]`` to ``offsets[i + 1]``; ``times`` holds ticks.
    """

    users: object
    offsets: np.ndarray
    times: np.ndarray

    @cached_property
    def user_index(self):
        """Finds the numbers of a few users without reading all users."""
        return _frames.ValueIndex(self.users)

    @property
    def user_of_event(self):
        """Number of the user of each event."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def count_until(self, users, moments):
        """Position after each user's last event at or before a moment.

        This is one binary search for all samples at once. The number of steps is the logarithm
        of the longest history, for any number of samples.

        Parameters
        ----------
        users : ndarray of int of shape (n_samples,)
            Number of the user, -1 for a user who is not in the log.
        moments : ndarray of int64 of shape (n_samples,)
            Ticks.

        Returns
        -------
        ndarray of int64 of shape (n_samples,)
        """
        low, high = self.starts(users), self.stops(users)
        while (open_ := low < high).any():
            middle = (low + high) >> 1
            # A finished search may point past the last event; it reads position 0 instead.
            before = open_ & (self.times[np.where(open_, middle, 0)] <= moments)
            low = np.where(before, middle + 1, low)
            high = np.where(open_ & ~before, middle, high)
        return low

    def starts(self, users):
        """Position of each user's first event; 0 for a user who is not in the log."""
        return np.where(users >= 0, self.offsets[users], 0)

    def stops(self, users):
        """Position after each user's last event; 0 for a user who is not in the log."""
        return np.where(users >= 0, self.offsets[users + 1], 0)

    def keep(self, rows):
        """The index of some of the events, without users who have none left.

        Parameters
        ----------
        rows : ndarray of int
            Ascending positions.

        Returns
        -------
        EventIndex
        """
        counts = np.diff(np.searchsorted(rows, self.offsets))
        present = np.flatnonzero(counts)
        users = self.users
        if present.size < len(counts):
            users = _frames.take(users, present)
        return EventIndex(users, offsets_of(counts[present]), self.times[rows])


def build_index(user_column, ticks, *, stable):
    """Sort events by user and time.

    Parameters
    ----------
    user_column : pyarrow.Array
    ticks : ndarray of int64
    stable : bool
        Whether events with equal user and time must keep the order of the rows.

    Returns
    -------
    order : ndarray of int64 or None
        The rows in their new order; None if they are in this order already.
    index : EventIndex
    """
    codes, users = _frames.encode_sorted(user_column)
    order = _order(codes, ticks, stable)
    if order is not None:
        ticks = ticks[order]
    offsets = offsets_of(np.bincount(codes, minlength=len(users)))
    return order, EventIndex(users, offsets, ticks)


def _order(codes, ticks, stable):
    in_time = ticks[1:] >= ticks[:-1]
    if ((codes[1:] > codes[:-1]) | ((codes[1:] == codes[:-1]) & in_time)).all():
        return None
    # Most logs are in time order, so only users must be sorted. NumPy sorts 16-bit keys stably in
    # linear time (radix sort), several times as fast as a comparison sort. If rows may be swapped,
    # its vectorised quicksort is four times as fast as the stable sort.
    order = None
    if not in_time.all():
        span = int(ticks.max()) - int(ticks.min()) + 1
        if not stable and span * (int(codes.max()) + 1) < 2**63:
            return np.argsort(codes * np.int64(span) + (ticks - ticks.min()))
        order = np.argsort(ticks, kind="stable")
    # Radix sort by hand for 32-bit codes: the low 16 bits first, then the high ones.
    for shift in (0, 16) if codes.max(initial=0) >= 2**16 else (0,):
        keys = ((codes if order is None else codes[order]) >> shift).astype(np.uint16)
        step = np.argsort(keys, kind="stable")
        order = step if order is None else order[step]
    return order


def order_ties(table, order, index, names):
    """Sort events of equal user and time by their values.

    So a history does not depend on the order of the rows, which a database does not guarantee.

    Parameters
    ----------
    table : pyarrow.Table
        Events in their original order.
    order : ndarray of int64 or None
        Rows sorted by user and time, from :func:`build_index`.
    index : EventIndex
    names : list of str
        Columns to compare, in order of priority; missing values come last.

    Returns
    -------
    ndarray of int64 or None
        The rows in their new order. Remaining ties are equal in all of these columns.
    """
    tied, group = tied_events(index)
    for name in names:  # each column only sorts the events that are still tied
        if tied.size == 0:
            break
        order = np.arange(len(index.times)) if order is None else order
        rank = _rank(_frames.take(table[name], order[tied]))
        key = group * (rank.max() + 1) + rank
        by_value = np.argsort(key)
        order[tied] = order[tied[by_value]]
        tied, group = _still_tied(tied, key[by_value])
    return order


def tied_events(index):
    """Events that share user and time with a neighbour, and a number for each such group.

    Returns
    -------
    positions, group : ndarray of int64, ascending
    """
    times, first = index.times, np.zeros(len(index.times), bool)
    first[index.offsets[:-1]] = True
    same = np.zeros(len(times) + 1, bool)
    same[1:-1] = (times[1:] == times[:-1]) & ~first[1:]
    positions = np.flatnonzero(same[1:] | same[:-1])
    return positions, np.cumsum(~same[:-1][positions])


def _rank(column):
    """Rank of each value; NaN and then null come after all other values."""
    codes, values = _frames.encode(column)
    rank, _ = _frames.sorted_rank(values)
    return np.append(rank, len(rank)).astype(np.int64)[codes]


def _still_tied(positions, key):
    same = np.zeros(len(key) + 1, bool)
    same[1:-1] = key[1:] == key[:-1]
    tied = same[1:] | same[:-1]
    return positions[tied], np.cumsum(~same[:-1])[tied]
