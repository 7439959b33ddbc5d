"""CohortRetentionDisplay: which share of each period's new users comes back later."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import check_choice, check_count
from skbseq.exceptions import InvalidLogError
from skbseq.inspection._drawing import Display, check_is_display_data, draw_matrix
from skbseq.inspection._flat_events import check_log, local_ticks
from skbseq.inspection._periods import PERIODS, period_of, text_of

__all__ = ["CohortRetentionDisplay"]

_MOST_ROWS = 24
_MOST_PERIODS = 36


@dataclass(eq=False, repr=False, kw_only=True)
class CohortRetentionDisplay(Display):
    """Plot which share of the users of each cohort is active in later periods.

    A cohort consists of the users whose first event lies in one period. Use :meth:`from_log` to
    create a display. Its data are stored as attributes; :meth:`~CohortRetentionDisplay.plot` plots
    them again.

    Parameters
    ----------
    cohorts : list of str
        First day, month or year of each cohort, in order of time.
    sizes : ndarray of int of shape (n_cohorts,)
        Number of users of each cohort.
    users : ndarray of float of shape (n_cohorts, n_periods + 1)
        Number of these users with an event so many periods later. NaN where the log does not cover
        the whole period.
    period : {"hour", "day", "week", "month", "year"}
        Length of the periods.

    Attributes
    ----------
    image_ : matplotlib.image.AxesImage
        The cells.
    text_ : ndarray of object of shape (n_cohorts, n_periods + 1), or None
        The numbers in the cells; None if there are too many.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Notes
    -----
    Periods are those of the calendar in the time zone of the log; weeks begin on Monday. Any event
    counts as activity. To count purchases only, keep only these:
    ``log.clean(behaviors=["buy"])``. Cohorts are then those of the first purchase.

    Users who were customers before the log begins are in its first cohorts, which therefore seem
    to be more loyal than later ones.

    :meth:`frame` has one row for each cell, with the columns ``cohort``, ``size``, ``period``,
    ``users`` and ``share``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.inspection import CohortRetentionDisplay
    >>> days = ["2026-01-05", "2026-02-01", "2026-01-09", "2026-02-08", "2026-03-01"]
    >>> events = pd.DataFrame({"who": [1, 1, 2, 3, 3], "when": days})
    >>> log = EventLog(events, user="who", time="when", until="2026-04-01")
    >>> display = CohortRetentionDisplay.from_log(log, period="month")
    >>> display.frame()
        cohort  size  period  users  share
    0  2026-01     2       0    2.0    1.0
    1  2026-01     2       1    1.0    0.5
    2  2026-01     2       2    0.0    0.0
    3  2026-02     1       0    1.0    1.0
    4  2026-02     1       1    1.0    1.0
    5  2026-02     1       2    NaN    NaN
    """

    cohorts: list
    sizes: np.ndarray
    users: np.ndarray
    period: str

    @classmethod
    def from_log(cls, log, *, period="month", n_periods=12, ax=None, **image_kw):
        """Count the active users of each cohort, and plot their shares.

        Parameters
        ----------
        log : EventLog
            A clean log.
        period : {"hour", "day", "week", "month", "year"}, default="month"
            Length of the periods.
        n_periods : int, default=12
            How many periods after the first one are counted, at most 36.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **image_kw : dict
            Keywords for matplotlib's ``imshow``.

        Returns
        -------
        CohortRetentionDisplay
            The plotted display.

        Raises
        ------
        InvalidLogError
            If the log is not clean, has no events, or is too short for these periods.
        TypeError
            If ``log`` is no EventLog, or ``ax`` not axes.
        ValueError
            If ``period`` or ``n_periods`` is invalid. Also if matplotlib does not take a keyword.
        """
        check_choice("period", period, PERIODS)
        check_count("n_periods", n_periods, most=_MOST_PERIODS)
        check_log(log)
        numbers = period_of(local_ticks(log, log._index.times), period, log._clock)
        # A period is complete if the next moment after the log lies in a later one.
        complete = period_of(local_ticks(log, np.array([log._until + 1])), period, log._clock) - 1
        n_periods = min(n_periods, int(complete[0] - numbers.min()))
        if n_periods < 1:
            raise InvalidLogError(
                f"The log ends on {log._clock.format(log._until)}, before a whole {period} after "
                "its first one is over, so that nobody can have come back. Choose a shorter "
                "period, or pass EventLog(..., until=...) if the log is complete for longer."
            )
        first, sizes, users = count_cohorts(log._index.offsets, numbers, n_periods)
        late = first[:, None] + np.arange(n_periods + 1) > complete
        late[:, 0] = False  # each user has come once
        users = np.where(late, np.nan, users)
        names = text_of(first, period)
        return cls(cohorts=names, sizes=sizes, users=users, period=period).plot(ax, **image_kw)

    @property
    def shares(self):
        """Share of the users of each cohort who are active, by periods later."""
        return self.users / np.asarray(self.sizes)[:, None]

    def _columns(self):
        n = self.users.shape[1]
        return {
            "cohort": np.repeat(np.array(self.cohorts, object), n),
            "size": np.repeat(self.sizes, n),
            "period": np.tile(np.arange(n), len(self.sizes)),
            "users": self.users.ravel(),
            "share": self.shares.ravel(),
        }

    def plot(self, ax=None, **image_kw):
        """Plot the shares as a matrix; of more than 24 cohorts, the last 24.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **image_kw : dict
            Keywords for matplotlib's ``imshow``.

        Returns
        -------
        CohortRetentionDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``cohorts``, ``sizes`` and ``users`` do not fit together. Also if matplotlib does
            not take a keyword.
        """
        check_is_display_data(self, "cohorts", "sizes", "users")
        rows = slice(-_MOST_ROWS, None)
        shares, sizes = self.shares[rows], self.sizes[rows]
        names = [f"{c}  ({n:,})" for c, n in zip(self.cohorts[rows], sizes, strict=True)]
        n_rows, n_columns = shares.shape
        ax = self._open(ax, (3.6 + 0.45 * min(n_columns, 20), 2.4 + 0.3 * n_rows))
        # All users are there in their first period; the colours are for what comes later.
        most = float(np.nanmax(shares[:, 1:], initial=0)) or 1.0
        self.image_, self.text_ = draw_matrix(
            ax,
            shares,
            rows=names,
            columns=[str(k) for k in range(n_columns)],
            most=most,
            label="Share of the cohort",
            room=self._room,
            **image_kw,
        )
        of_all = "" if n_rows == len(self.cohorts) else f", last {n_rows} of {len(self.cohorts):,}"
        ax.set(
            xlabel=f"Number of {self.period}s since the first event",
            ylabel=f"{self.period.capitalize()} of the first event (users){of_all}",
        )
        self._room.dress(ax)
        return self


def count_cohorts(offsets, numbers, n_periods):
    """Cohorts and their active users.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_users + 1,)
    numbers : ndarray of int of shape (n_events,)
        Period of each event; ascending for each user.
    n_periods : int

    Returns
    -------
    first : ndarray of int of shape (n_cohorts,)
        Period of each cohort, ascending.
    sizes : ndarray of int of shape (n_cohorts,)
    users : ndarray of int of shape (n_cohorts, n_periods + 1)
    """
    n = n_periods + 1
    first, cohort_of_user = np.unique(numbers[offsets[:-1]], return_inverse=True)
    later = numbers - np.repeat(numbers[offsets[:-1]], np.diff(offsets))
    user = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    inside = later < n
    active = np.unique(user[inside] * n + later[inside])  # each user once in each period
    cells = cohort_of_user[active // n] * n + active % n
    users = np.bincount(cells, minlength=len(first) * n).reshape(-1, n)
    return first, users[:, 0], users
