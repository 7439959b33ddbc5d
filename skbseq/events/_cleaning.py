"""What cleaning dropped and why: rows in = rows out + rows dropped, always."""

from dataclasses import dataclass, field

import numpy as np

from skbseq import _frames


@dataclass(frozen=True)
class CleaningReport:
    """Account of the rows that :meth:`EventLog.clean` dropped.

    Parameters
    ----------
    rows_in : int
        Events before cleaning.
    dropped : dict of str to int, default={}
        Events dropped by reason. A row counts under its first reason only.

    Examples
    --------
    >>> from skbseq.events import CleaningReport
    >>> report = CleaningReport(rows_in=10, dropped={"exact duplicate": 2})
    >>> report.rows_out
    8
    >>> print(report)
    Cleaning: 10 events in, 8 out, 2 dropped
      exact duplicate    2  (20.0%)
    """

    rows_in: int
    dropped: dict = field(default_factory=dict)

    @property
    def rows_out(self):
        """Events left."""
        return self.rows_in - sum(self.dropped.values())

    def __str__(self):
        lost = sum(self.dropped.values())
        lines = [f"Cleaning: {self.rows_in:,} events in, {self.rows_out:,} out, {lost:,} dropped"]
        width = max((len(reason) for reason in self.dropped), default=0)
        digits = max((len(f"{count:,}") for count in self.dropped.values()), default=0)
        for reason, count in self.dropped.items():
            share = 100 * count / max(self.rows_in, 1)
            lines.append(f"  {reason:<{width}}  {count:>{digits + 2},}  ({share:.1f}%)")
        return "\n".join(lines)


def duplicate_rows(table, index):
    """Rows of a table sorted by user and time that repeat an earlier one in every column.

    Only events that share user and time with a neighbour can be duplicates, so the other
    columns are compared among those alone.

    Returns
    -------
    ndarray of bool of shape (n_events,)
    """
    times, user = index.times, index.user_of_event
    same = np.zeros(len(times) + 1, bool)
    same[1:-1] = (times[1:] == times[:-1]) & (user[1:] == user[:-1])
    rows = np.flatnonzero(same[1:] | same[:-1])
    group = np.cumsum(~same[:-1])[rows]
    duplicate = np.zeros(len(times), bool)
    if rows.size:
        for name in table.column_names:
            codes, _ = _frames.encode(_frames.take(table[name], rows))
            group = _pair_ids(group, codes.astype(np.int64) + 1)
        # The numbers rise with first appearance, so a first one is higher than all before it.
        duplicate[rows] = np.diff(np.maximum.accumulate(group), prepend=-1) == 0
    return duplicate


def _pair_ids(left, right):
    """One number for each pair of numbers, counting up from 0 in order of first appearance.

    Being dense, no product of them overflows. By hash: a sort would take five times as long.
    """
    pairs = left * (right.max() + 1) + right
    return _frames.encode(_frames.make_array(pairs))[0].astype(np.int64)
