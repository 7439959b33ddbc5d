"""TransitionGraphDisplay: behaviours as circles, and arrows to what follows them."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import is_real, shown
from skbseq.inspection._drawing import (
    OTHER_COLOR,
    as_percent,
    check_is_display_data,
    colors_of,
    keywords,
)
from skbseq.inspection._flat_events import check_limit
from skbseq.inspection._transitions import Transitions, read_transitions

__all__ = ["TransitionGraphDisplay"]

_MOST_TEXTS = 16
_BEND = 0.18
_DARKER = "#a0a0a0"  # a thin arrow of the grey of "other" would hardly be seen


@dataclass(eq=False, repr=False, kw_only=True)
class TransitionGraphDisplay(Transitions):
    """Plot which behaviour follows which, as a graph of circles and arrows.

    Use :meth:`from_log` to create a display. Its data are stored as attributes;
    :meth:`~TransitionGraphDisplay.plot` plots them again.

    Parameters
    ----------
    counts : ndarray of int of shape (n_categories, n_categories)
        Number of times that the column's behaviour was the next one after the row's.
    names : list of str
        Behaviours, the most frequent first.
    n_events : ndarray of int of shape (n_categories,)
        Number of events of each behaviour.

    Attributes
    ----------
    nodes_ : matplotlib.collections.PathCollection
        The circles; their area grows with the number of events.
    arrows_ : dict of (str, str) to matplotlib.patches.FancyArrowPatch
        The arrow of each pair of behaviours that is drawn.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    See Also
    --------
    TransitionMatrixDisplay : All numbers, also those of rare transitions.

    Notes
    -----
    An arrow has the colour of the behaviour that it comes from, and its width is the share of the
    transitions from there. How often a behaviour follows itself is written below its name.

    :meth:`frame` has one row for each pair, with the columns ``from``, ``to``, ``count`` and
    ``share``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.inspection import TransitionGraphDisplay
    >>> days = pd.date_range("2026-01-01", periods=4)
    >>> events = pd.DataFrame({"who": 1, "when": days, "what": ["view", "buy", "view", "buy"]})
    >>> log = EventLog(events, user="who", time="when", behavior="what")
    >>> sorted(TransitionGraphDisplay.from_log(log).arrows_)
    [('buy', 'view'), ('view', 'buy')]
    """

    counts: np.ndarray
    names: list
    n_events: np.ndarray

    @classmethod
    def from_log(cls, log, *, column=None, max_categories=8, min_share=0.1, ax=None, **arrow_kw):
        """Count the transitions of a log, and plot them.

        Parameters
        ----------
        log : EventLog
            A clean log.
        column : str, default=None
            Column of the categories. None: the behaviours.
        max_categories : int, default=8
            The most frequent categories are shown, at most 10; the others become "other".
        min_share : float, default=0.1
            Only transitions with at least this share of those from their behaviour are drawn.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **arrow_kw : dict
            Keywords for matplotlib's ``FancyArrowPatch``.

        Returns
        -------
        TransitionGraphDisplay
            The plotted display.

        Raises
        ------
        InvalidLogError
            If the log is not clean, has no such column, or no user has two events.
        TypeError
            If ``log`` is no EventLog, or ``ax`` not axes.
        ValueError
            If ``max_categories`` or ``min_share`` is out of range. Also if matplotlib does not
            take a keyword.
        """
        check_limit(max_categories)
        events, counts = read_transitions(log, column, max_categories)
        display = cls(counts=counts, names=events.names, n_events=events.counts)
        return display.plot(ax, min_share=min_share, **arrow_kw)

    def plot(self, ax=None, *, min_share=0.1, **arrow_kw):
        """Plot the graph.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        min_share : float, default=0.1
            Only transitions with at least this share of those from their behaviour are drawn.
        **arrow_kw : dict
            Keywords for matplotlib's ``FancyArrowPatch``.

        Returns
        -------
        TransitionGraphDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``min_share`` is out of range, or the attributes do not fit together. Also if
            matplotlib does not take a keyword.
        """
        if not is_real(min_share) or not 0 <= min_share <= 1:
            raise ValueError(f"min_share must be between 0 and 1; got {shown(min_share)}.")
        check_is_display_data(self, "counts", "names", "n_events")
        ax = self._open(ax, (7.5, 6))
        n, shares = len(self.names), np.nan_to_num(self.shares)
        angles = np.pi / 2 - 2 * np.pi * np.arange(n) / n
        places = np.column_stack([np.cos(angles), np.sin(angles)])
        sizes = (100 + 900 * self.n_events / self.n_events.max()) * self._room.scale**2
        colors = colors_of(self.names)
        self.nodes_ = ax.scatter(*places.T, s=sizes, c=colors, edgecolor="black", zorder=3)
        pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
        drawn = [(a, b) for a, b in pairs if shares[a, b] >= min_share and self.counts[a, b]]
        self.arrows_ = {}
        for a, b in drawn:
            color = _DARKER if colors[a] == OTHER_COLOR else colors[a]
            with keywords(arrow_kw):
                arrow = _arrow(
                    *(places[[a, b]], sizes[[a, b]], shares[a, b], color, self._room.scale),
                    arrow_kw,
                )
            self.arrows_[self.names[a], self.names[b]] = ax.add_patch(arrow)
            if len(drawn) <= _MOST_TEXTS * self._room.scale**4:
                size = self._room.size("x-small")
                _write_share(ax, places[a], places[b], shares[a, b], size)
        self._write_names(ax, places, np.diag(shares))
        ax.set(xlim=(-1.9, 1.9), ylim=(-1.45, 1.45), aspect="equal")
        ax.set_axis_off()
        return self

    def _write_names(self, ax, places, again):
        # Next to the graph there is a fifth of the width on each side.
        labels, font = self._room.labels(self.names, share=0.2)
        size = self._room.size("small")
        for label, (x, y), share in zip(labels, places, again, strict=True):
            side = "center" if abs(x) < 0.1 else ("left" if x > 0 else "right")
            level = "center" if side != "center" else ("bottom" if y > 0 else "top")
            text = f"{label}\nagain: {as_percent(share)}" if share else label
            ax.text(1.2 * x, 1.2 * y, text, ha=side, va=level, size=size, **font)


def _arrow(places, sizes, share, color, scale, options):
    from matplotlib.patches import FancyArrowPatch

    start, end = np.sqrt(sizes) / 2 + 1  # radii in points
    style = {
        "arrowstyle": "-|>",
        "mutation_scale": (10 + 8 * share) * scale,
        "linewidth": (0.5 + 6 * share) * scale,
        "color": color,
        "connectionstyle": f"arc3,rad={_BEND}",
        "shrinkA": start,
        "shrinkB": end,
    }
    return FancyArrowPatch(*places, **style | options)


def _write_share(ax, start, end, share, size):
    """The share on its arrow, nearer to its beginning, where fewer arrows cross."""
    along, at = end - start, 0.33
    # The arrow is a quadratic curve; its middle point is off the line by the bend.
    control = (start + end) / 2 + _BEND * np.array([along[1], -along[0]])
    x, y = (1 - at) ** 2 * start + 2 * at * (1 - at) * control + at**2 * end
    box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "linewidth": 0, "alpha": 0.85}
    ax.text(x, y, as_percent(share), size=size, ha="center", va="center", bbox=box, zorder=4)
