"""FunnelDisplay: how many users reach each step of a path, such as view, cart, buy."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import is_several, shown
from skbseq.inspection._drawing import (
    MOST_CATEGORIES,
    PALETTE,
    Display,
    as_percent,
    check_is_display_data,
    keywords,
)
from skbseq.inspection._flat_events import flat_events, positions_of

__all__ = ["FunnelDisplay"]


@dataclass(eq=False, repr=False, kw_only=True)
class FunnelDisplay(Display):
    """Plot how many users reach each step of a path.

    Use :meth:`from_log` to create a display. Its data are stored as attributes;
    :meth:`~FunnelDisplay.plot` plots them again.

    Parameters
    ----------
    steps : list of str
        Behaviours in the order of the path.
    counts : ndarray of int of shape (n_steps,)
        Number of users who reached each step.
    n_users : int
        Number of users of the log.

    Attributes
    ----------
    bars_ : matplotlib.container.BarContainer
        One bar for each step.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Notes
    -----
    A user reaches a step with an event of this behaviour after the event of the step before; other
    events may lie between. With ``within`` all steps must follow the first one within this span.
    Each event of the first behaviour may be the start, and the longest path of a user counts.

    :meth:`frame` has one row for each step, with the columns ``step``, ``users``,
    ``share_of_starters`` and ``share_of_previous``, the share of those left at the step before.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.inspection import FunnelDisplay
    >>> events = pd.DataFrame(
    ...     {
    ...         "who": ["ann", "ann", "ann", "bob", "bob", "cyd"],
    ...         "when": pd.date_range("2026-01-01", periods=6, freq="h"),
    ...         "what": ["view", "cart", "buy", "cart", "view", "view"],
    ...     }
    ... )
    >>> log = EventLog(events, user="who", time="when", behavior="what")
    >>> FunnelDisplay.from_log(log, ["view", "cart", "buy"]).counts.tolist()
    [3, 1, 1]
    """

    steps: list
    counts: np.ndarray
    n_users: int

    @classmethod
    def from_log(cls, log, steps, *, column=None, within=None, ax=None, **bar_kw):
        """Count the users who reach each step, and plot them.

        Parameters
        ----------
        log : EventLog
            A clean log. To count sessions instead of users, pass
            ``log.sessions(gap="30min").by("session")``.
        steps : list
            Two to ten behaviours in the order of the path. The same one may occur twice.
        column : str, default=None
            Column of the steps. None: the behaviours.
        within : str or timedelta, default=None
            Longest span from the first step to any other, such as "7D". None: no limit.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **bar_kw : dict
            Keywords for matplotlib's ``barh``.

        Returns
        -------
        FunnelDisplay
            The plotted display.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or has no such column.
        TypeError
            If ``log`` is no EventLog, ``within`` no duration, or ``ax`` not axes.
        ValueError
            If there are fewer than two or more than ten steps, or one does not occur in the log.
            Also if matplotlib does not take a keyword.
        """
        events = flat_events(log, column)
        steps = _read_steps(steps)
        codes = positions_of(steps, events, "steps")
        span = None if within is None else log._clock.span(within, "within")
        depths = count_steps(events, log._index.times, codes, span)
        counts = (depths[:, None] > np.arange(len(codes))).sum(axis=0)
        names = [events.names[code] for code in codes]
        return cls(steps=names, counts=counts, n_users=len(depths)).plot(ax, **bar_kw)

    def _columns(self):
        counts = np.asarray(self.counts, np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            previous = counts / np.concatenate([counts[:1], counts[:-1]])
            starters = counts / counts[0]
        return {
            "step": list(self.steps),
            "users": np.asarray(self.counts),
            "share_of_starters": starters,
            "share_of_previous": previous,
        }

    def plot(self, ax=None, **bar_kw):
        """Plot a bar for each step, with its shares.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **bar_kw : dict
            Keywords for matplotlib's ``barh``.

        Returns
        -------
        FunnelDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``steps`` and ``counts`` do not fit together. Also if matplotlib does not take a
            keyword.
        """
        check_is_display_data(self, "steps", "counts")
        ax = self._open(ax, (7.5, 1.4 + 0.55 * len(self.steps)))
        labels, font = self._room.labels(self.steps)
        style = {"color": PALETTE[0], "height": 0.7} | bar_kw
        with keywords(bar_kw):
            self.bars_ = ax.barh(range(len(labels)), self.counts, **style)
        texts, room = self._texts(), self._room
        if room.is_small:
            texts = [room.wrap(text, 0.45 * room.width, "small") for text in texts]
        ax.bar_label(self.bars_, texts, padding=4, fontsize=room.size("small"))
        ax.set_yticks(range(len(labels)), labels, **font)
        ax.invert_yaxis()
        ax.set(xlabel=f"Users, of {self.n_users:,}", xlim=(0, 1.7 * max(*self.counts, 1)))
        ax.spines[["top", "right"]].set_visible(False)
        room.dress(ax)
        return self

    def _texts(self):
        table = self._columns()
        texts = [f"{self.counts[0]:,}"]
        shares = zip(table["share_of_starters"], table["share_of_previous"], strict=True)
        for count, (start, before) in zip(self.counts[1:], list(shares)[1:], strict=True):
            said = f": {as_percent(start)} of starters, {as_percent(before)} of those left"
            texts.append(f"{count:,}{said if count else ''}")
        return texts


def _read_steps(steps):
    if not is_several(steps):
        raise ValueError(f"steps must be a list of behaviours; got {shown(steps)}.")
    steps = list(steps)
    if not 2 <= len(steps) <= MOST_CATEGORIES:
        raise ValueError(
            f"steps must hold 2 to {MOST_CATEGORIES} behaviours; got {len(steps)}. Show a longer "
            "path in several funnels."
        )
    return steps


def count_steps(events, times, codes, span):
    """Number of steps that each user reaches, of shape (n_users,).

    From each event of the first step, the earliest next event of each further step is followed;
    no other choice reaches a step sooner.
    """
    at = np.flatnonzero(events.codes == codes[0])
    stops = np.repeat(events.offsets[1:], np.diff(events.offsets))
    depths = np.zeros(len(events.offsets) - 1, np.int64)
    begin, users = at, events.users
    np.maximum.at(depths, users[at], 1)
    for reached, code in enumerate(codes[1:], start=2):
        places = np.append(np.flatnonzero(events.codes == code), len(events.codes))
        at_next = places[np.searchsorted(places, at, side="right")]
        left = at_next < stops[at]
        if span is not None:
            elapsed = times[np.where(left, at_next, 0)] - times[begin]
            left &= elapsed <= span
        at, begin = at_next[left], begin[left]
        np.maximum.at(depths, users[at], reached)
    return depths
