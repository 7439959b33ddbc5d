"""The first and last moment of a log: single events far from the rest do not decide them."""

from dataclasses import dataclass

import numpy as np

# At most this share of the events can lie apart from the rest.
_ONE_IN = 200
# Events lie apart if the gap to the rest is longer than _GAPS times the longest gap between other
# events. In a log with fewer than _FEW events, gaps vary too much; there the gap must be longer
# than _GAPS times the span of all others.
_GAPS, _FEW = 20, 100
_LEAST_SHARE = 0.01  # of the span of the rest
_LEAST_DAYS, _LEAST_DAYS_OF_FEW = 2, 300
_FEWEST_TIMES = 5


@dataclass(frozen=True)
class FarEvents:
    """Events far before or after the rest of a log.

    ``edge`` is the first or last moment of the rest and ``extreme`` that of the log; ``row`` is
    the first such row, and ``example`` its moment. All moments are ticks.
    """

    side: str
    n_events: int
    edge: int
    extreme: int
    row: int
    example: int

    def mask(self, times):
        """Which times are apart."""
        return times > self.edge if self.side == "after" else times < self.edge

    def describe(self, n_events, clock):
        """A sentence that names the events."""
        verb = "lies" if self.n_events == 1 else "lie"
        does = "end" if self.side == "after" else "begin"
        return (
            f"{self.n_events:,} of {n_events:,} events {verb} far {self.side} the rest of the "
            f"log: row {self.row} is dated {clock.format(self.example)}, but the others {does} at "
            f"{clock.format(self.edge)}."
        )

    def advice(self, clock):
        """The parameters that keep the events, or drop them without a warning."""
        name = "latest" if self.side == "after" else "earliest"
        # Messages give whole seconds. Rounded up, `latest` includes the event that it names.
        up = clock.per_second - 1 if self.side == "after" else 0
        keep, drop = (clock.format(ticks + up) for ticks in (self.extreme, self.edge))
        return (
            f"Pass clean({name}={keep!r}) to keep such events, or clean({name}={drop!r}) to drop "
            "them without a warning."
        )


def find_far_events(ticks, present, per_second):
    """Events far before or after the rest of a log.

    A wrong date, such as the year 2037 among nine days of 2017, would move the end of the log, and
    with it the labels that count as known.

    Parameters
    ----------
    ticks : ndarray of int64 of shape (n_rows,)
    present : ndarray of bool of shape (n_rows,)
        Rows that have a time.
    per_second : int
        Ticks in a second.

    Returns
    -------
    list of FarEvents
        At most one for each side.
    """
    times = ticks if present.all() else ticks[present]
    found = []
    for side, sign in (("before", -1), ("after", 1)):
        edge = _edge(times if sign > 0 else -times, 86_400 * per_second)
        if edge is None:
            continue
        far = present & (sign * ticks > edge)
        row = int(np.flatnonzero(far)[0])
        extreme = int((sign * ticks[far]).max())
        found.append(
            FarEvents(side, int(far.sum()), sign * edge, sign * extreme, row, int(ticks[row]))
        )
    return found


def _edge(times, day):
    """Last moment before events that lie far after the rest; None without such events."""
    n_far = max(1, len(times) // _ONE_IN)
    if len(times) <= 2 * n_far + _FEWEST_TIMES:
        return None
    # Two selections in linear time spare most logs the sort.
    low, high = np.partition(times, [n_far, len(times) - 1 - n_far])[[n_far, -1 - n_far]]
    few = len(times) < _FEW
    least = (_LEAST_DAYS_OF_FEW if few else _LEAST_DAYS) * day
    least = max(least, (_GAPS if few else _LEAST_SHARE) * (int(high) - int(low)))
    if int(times.max()) - int(high) <= least:
        return None
    rest = np.unique(times[times >= low])
    gaps = np.diff(rest)
    inside = np.searchsorted(rest, high)  # gaps[:inside] are between events that are not far
    if inside + 1 < _FEWEST_TIMES:
        return None
    longest = np.maximum.accumulate(gaps)[inside - 1 : -1]
    apart = (gaps[inside:] > _GAPS * longest.astype(float)) & (gaps[inside:] > least)
    return int(rest[inside + np.flatnonzero(apart)[0]]) if apart.any() else None
