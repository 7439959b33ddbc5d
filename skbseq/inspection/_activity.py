"""ActivityDisplay: how many events there are over time, by behaviour."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import check_choice
from skbseq.inspection._drawing import (
    Display,
    check_is_display_data,
    colors_of,
    keywords,
)
from skbseq.inspection._flat_events import (
    FlatEvents,
    check_limit,
    check_log,
    flat_events,
    local_ticks,
)
from skbseq.inspection._periods import PERIODS, period_of, start_of

__all__ = ["ActivityDisplay"]

_FEW, _MOST = 120, 5_000


@dataclass(eq=False, repr=False, kw_only=True)
class ActivityDisplay(Display):
    """Plot the number of events over time, stacked by behaviour.

    Use :meth:`from_log` to create a display. Its data are stored as attributes;
    :meth:`~ActivityDisplay.plot` plots them again.

    Parameters
    ----------
    starts : ndarray of datetime64 of shape (n_periods,)
        Beginning of each period, in the time zone of the log.
    counts : ndarray of int of shape (n_periods, n_categories)
        Number of events.
    names : list of str
        Categories, the most frequent first.
    period : {"hour", "day", "week", "month", "year"}
        Length of the periods.
    last_is_complete : bool, default=True
        Whether the log covers the last period to its end.

    Attributes
    ----------
    bars_ : list of matplotlib.patches.StepPatch
        The counts of each category, stacked.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Notes
    -----
    Periods are those of the calendar in the time zone of the log; weeks begin on Monday.

    :meth:`frame` has one row for each period and category, with the columns ``start``,
    ``category`` and ``count``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.inspection import ActivityDisplay
    >>> days = ["2026-01-05", "2026-01-05", "2026-01-07"]
    >>> events = pd.DataFrame({"who": [1, 1, 2], "when": days, "what": ["view", "buy", "view"]})
    >>> log = EventLog(events, user="who", time="when", behavior="what")
    >>> display = ActivityDisplay.from_log(log, period="day")
    >>> display.names, display.counts.tolist()
    (['view', 'buy'], [[1, 1], [0, 0], [1, 0]])
    """

    starts: np.ndarray
    counts: np.ndarray
    names: list
    period: str
    last_is_complete: bool = True

    @classmethod
    def from_log(cls, log, *, column=None, period=None, max_categories=10, ax=None, **stairs_kw):
        """Count the events of each period, and plot them.

        Parameters
        ----------
        log : EventLog
            A clean log.
        column : str, default=None
            Column of the categories. None: the behaviours; all events in one category if the log
            has none.
        period : {"hour", "day", "week", "month", "year"}, default=None
            Length of the periods. None: the shortest one with at most 120 periods.
        max_categories : int, default=10
            The most frequent categories are shown, at most 10; the others become "other".
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **stairs_kw : dict
            Keywords for matplotlib's ``stairs``.

        Returns
        -------
        ActivityDisplay
            The plotted display.

        Raises
        ------
        InvalidLogError
            If the log is not clean, has no events or no such column.
        TypeError
            If ``log`` is no EventLog, or ``ax`` not axes.
        ValueError
            If ``max_categories`` is out of range, or there are more than 5,000 periods. Also if
            matplotlib does not take a keyword.
        """
        check_choice("period", period, (None, *PERIODS))
        check_limit(max_categories)
        check_log(log)
        if column is None and log.behavior is None:
            n_events = len(log._index.times)
            events = FlatEvents(np.zeros(n_events, np.int64), ["events"], log._index.offsets, "")
        else:
            events = flat_events(log, column).folded(max_categories)
        ticks = local_ticks(log, np.append(log._index.times, log._until + 1))
        period = _choose_period(ticks[:-1], log._clock) if period is None else period
        numbers = period_of(ticks, period, log._clock)
        low, high = int(numbers[:-1].min()), int(numbers[:-1].max())
        if high - low >= _MOST:
            raise ValueError(
                f"The log has {high - low + 1:,} {period}s, more than {_MOST:,}. Choose a longer "
                "period."
            )
        counts = count_periods(numbers[:-1] - low, events.codes, len(events.names))
        display = cls(
            starts=start_of(np.arange(low, high + 1), period),
            counts=counts,
            names=events.names,
            period=period,
            last_is_complete=bool(numbers[-1] > high),
        )
        return display.plot(ax, **stairs_kw)

    def _columns(self):
        return {
            "start": np.repeat(self.starts, len(self.names)),
            "category": np.tile(np.array(self.names, object), len(self.starts)),
            "count": self.counts.ravel(),
        }

    def plot(self, ax=None, **stairs_kw):
        """Plot the counts.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **stairs_kw : dict
            Keywords for matplotlib's ``stairs``.

        Returns
        -------
        ActivityDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``starts`` and ``counts`` do not fit together. Also if matplotlib does not take a
            keyword.
        """
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

        check_is_display_data(self, "starts", "counts")
        ax = self._open(ax, (8.5, 4))
        edges = date2num(np.append(self.starts, _end_of(self.starts[-1], self.period)))
        labels, font = self._room.labels(self.names)
        tops = np.cumsum(self.counts, axis=1)
        self.bars_ = []
        for i, color in enumerate(colors_of(self.names)):
            below = tops[:, i - 1] if i else 0
            style = {"fill": True, "facecolor": color, "label": labels[i]} | stairs_kw
            with keywords(stairs_kw):
                self.bars_.append(ax.stairs(tops[:, i], edges, baseline=below, **style))
        if not self.last_is_complete:
            ax.axvspan(
                *edges[-2:],
                fill=False,
                hatch="///",
                linewidth=0,
                label=f"incomplete {self.period}",
            )
        few = {"minticks": 2, "maxticks": max(3, int(1.8 * self._room.width))}
        locator = AutoDateLocator(**few if self._room.is_small else {})
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        ax.set(ylabel=f"Events per {self.period}", xlim=(edges[0], edges[-1]), ylim=(0, None))
        self._room.dress(ax)
        self._room.legend_right(ax, font)
        return self


def count_periods(periods, codes, n_categories):
    """Number of events of each period and category, of shape (n_periods, n_categories)."""
    cells = np.bincount(periods * n_categories + codes)
    n_periods = int(periods.max()) + 1
    cells = np.pad(cells, (0, n_periods * n_categories - len(cells)))
    return cells.reshape(n_periods, n_categories)


def _choose_period(ticks, clock):
    for period in PERIODS[:-1]:
        low, high = period_of(np.array([ticks.min(), ticks.max()]), period, clock)
        if high - low < _FEW:
            return period
    return PERIODS[-1]


def _end_of(start, period):
    """The beginning of the next period."""
    if period == "week":
        return start + np.timedelta64(7, "D")
    code = {"hour": "h", "day": "D", "month": "M", "year": "Y"}[period]
    return (start.astype(f"datetime64[{code}]") + 1).astype("datetime64[s]")
