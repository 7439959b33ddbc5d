"""GapDistributionDisplay: how much time passes between the events of a user."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import check_count
from skbseq.exceptions import InvalidLogError
from skbseq.inspection._drawing import PALETTE, Display, check_is_display_data, keywords
from skbseq.inspection._flat_events import check_log

__all__ = ["GapDistributionDisplay"]

_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_SUB = ((1e-9, "1 ns"), (1e-6, "1 µs"), (1e-3, "1 ms"))
_TICKS = (
    *((1, "1 s"), (10, "10 s"), (_MINUTE, "1 min"), (10 * _MINUTE, "10 min"), (_HOUR, "1 h")),
    *((6 * _HOUR, "6 h"), (_DAY, "1 d"), (7 * _DAY, "7 d"), (30 * _DAY, "30 d")),
    *((365 * _DAY, "1 y"), (3_650 * _DAY, "10 y"), (36_500 * _DAY, "100 y")),
)


@dataclass(eq=False, repr=False, kw_only=True)
class GapDistributionDisplay(Display):
    """Plot the distribution of the time between one event of a user and the next.

    It shows where a session ends: often there is one hump within sessions and one between them.
    Use :meth:`from_log` to create a display. Its data are stored as attributes;
    :meth:`~GapDistributionDisplay.plot` plots them again.

    Parameters
    ----------
    edges : ndarray of float of shape (n_bins + 1,)
        Edges of the bins in seconds, of equal width on a logarithmic scale.
    counts : ndarray of int of shape (n_bins,)
        Number of gaps in each bin; the last bin contains its right edge.
    n_zero : int
        Number of gaps of length zero, which have no place on this scale.
    levels : ndarray of float of shape (n_levels,)
        Levels of the quantiles.
    quantiles : ndarray of float of shape (n_levels,)
        Quantiles of all gaps in seconds, those of length zero included.

    Attributes
    ----------
    bars_ : matplotlib.patches.StepPatch
        The histogram.
    median_line_ : matplotlib.lines.Line2D or None
        The median; None if it is zero.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    See Also
    --------
    skbseq.EventLog.sessions : Splits a log into sessions at long gaps.

    Notes
    -----
    :meth:`frame` has one row for each bin, with the columns ``from_seconds``, ``to_seconds``,
    ``count`` and ``share``, the share of all gaps. The first row is that of gaps of length zero.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.inspection import GapDistributionDisplay
    >>> hours = ["2026-01-01 10:00", "2026-01-01 10:01", "2026-01-01 10:11", "2026-01-02 10:11"]
    >>> log = EventLog(pd.DataFrame({"who": 1, "when": hours}), user="who", time="when")
    >>> display = GapDistributionDisplay.from_log(log, n_bins=3)
    >>> display.counts.tolist()
    [2, 0, 1]
    >>> display.frame("pyarrow")["to_seconds"].to_pylist()[-1]
    86400.0
    """

    edges: np.ndarray
    counts: np.ndarray
    n_zero: int
    levels: np.ndarray
    quantiles: np.ndarray

    @classmethod
    def from_log(cls, log, *, n_bins=50, ax=None, **stairs_kw):
        """Measure the gaps of a log, and plot them.

        Parameters
        ----------
        log : EventLog
            A clean log.
        n_bins : int, default=50
            Number of bins, at most 1,000.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **stairs_kw : dict
            Keywords for matplotlib's ``stairs``.

        Returns
        -------
        GapDistributionDisplay
            The plotted display.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or no user has two events at different times.
        TypeError
            If ``log`` is no EventLog, or ``ax`` not axes.
        ValueError
            If ``n_bins`` is out of range. Also if matplotlib does not take a keyword.
        """
        check_count("n_bins", n_bins, most=1000)
        check_log(log)
        gaps = gaps_of(log)
        if not gaps.any():
            raise InvalidLogError(
                "No user of the log has events at two different times, so there are no gaps. "
                f"Check the column of the users, {log.user!r}."
            )
        edges, counts = count_gaps(gaps[gaps > 0], n_bins)
        display = cls(
            edges=edges,
            counts=counts,
            n_zero=int((gaps == 0).sum()),
            levels=np.array(_LEVELS),
            quantiles=np.quantile(gaps, _LEVELS),
        )
        return display.plot(ax, **stairs_kw)

    def _columns(self):
        counts = np.append(self.n_zero, self.counts)
        return {
            "from_seconds": np.append(0.0, self.edges[:-1]),
            "to_seconds": np.append(0.0, self.edges[1:]),
            "count": counts,
            "share": counts / counts.sum(),
        }

    def plot(self, ax=None, **stairs_kw):
        """Plot the histogram and the median.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **stairs_kw : dict
            Keywords for matplotlib's ``stairs``.

        Returns
        -------
        GapDistributionDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``levels`` and ``quantiles`` do not fit together. Also if matplotlib does not take a
            keyword.
        """
        check_is_display_data(self, "levels", "quantiles")
        ax = self._open(ax, (7.5, 4))
        style = {"fill": True, "color": PALETTE[0], "alpha": 0.8} | stairs_kw
        with keywords(stairs_kw):
            self.bars_ = ax.stairs(self.counts, self.edges, **style)
        ax.set_xscale("log")
        median = float(np.interp(0.5, self.levels, self.quantiles))
        self.median_line_ = None
        if median > 0:
            label = f"Median: {as_span(median)}"
            self.median_line_ = ax.axvline(median, color="black", linestyle="--", label=label)
            self._room.legend(ax)
        most = max(2, int(11 * self._room.width / 5)) if self._room.is_small else 11
        places, texts = span_ticks(self.edges[0], self.edges[-1], most)
        ax.set_xticks(places, texts)
        ax.set_xticks([], minor=True)
        zero = f" ({self.n_zero:,} of length zero not drawn)" if self.n_zero else ""
        ax.set(xlabel=f"Time between events of a user{zero}", ylabel="Number of gaps")
        ax.spines[["top", "right"]].set_visible(False)
        self._room.dress(ax)
        return self


def gaps_of(log):
    """Seconds from each event to the next one of the same user."""
    index = log._index
    inside = np.ones(max(len(index.times) - 1, 0), bool)
    inside[index.offsets[1:-1] - 1] = False
    return np.diff(index.times)[inside] / log._clock.per_second


def count_gaps(gaps, n_bins):
    """Histogram of positive gaps with bins of equal ratio."""
    low, high = float(gaps.min()), float(gaps.max())
    if high < 1.01 * low:  # one length has no width
        low, high = low / 1.5, high * 1.5
    edges = np.geomspace(low, high, n_bins + 1)
    edges[[0, -1]] = low, high
    return edges, np.histogram(gaps, edges)[0]


def span_ticks(low, high, most=11):
    """Places and texts of ticks such as 1 min, 1 h, 1 d, far enough apart to be read."""
    inside = [(at, text) for at, text in (*_SUB, *_TICKS) if low <= at <= high]
    if len(inside) < 2:
        inside = [(at, as_span(at)) for at in np.geomspace(low, high, 4)]
    apart = np.log(high / low) / most
    places, texts = [], []
    for at, text in inside:
        if not places or np.log(at / places[-1]) >= apart:
            places.append(at)
            texts.append(text)
    return places, texts


def as_span(seconds):
    """Seconds, at least 0, as a short text in a fitting unit: 45 s, 12 min, 3.5 h, 29 d."""
    units = ((1, 1, ""), (120, 1, "s"), (7_200, _MINUTE, "min"), (2 * _DAY, _HOUR, "h"))
    units = (*units, (np.inf, _DAY, "d"))
    size, unit = next((size, unit) for limit, size, unit in units if seconds < limit)
    if not unit:
        return f"{seconds:.2g} s"
    number = round(seconds / size, 1 if seconds < 10 * size else 0)
    return f"{number:,.0f} {unit}" if number == int(number) else f"{number:.1f} {unit}"
