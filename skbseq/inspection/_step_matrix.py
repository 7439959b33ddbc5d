"""StepMatrixDisplay: what users do at their first, second, ... event."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import check_choice, check_count
from skbseq.inspection._drawing import Display, check_is_display_data, draw_matrix
from skbseq.inspection._flat_events import check_limit, flat_events

__all__ = ["StepMatrixDisplay"]

_MOST_STEPS = 40
NO_EVENT = {"start": "(ended)", "end": "(not begun)"}


@dataclass(eq=False, repr=False, kw_only=True)
class StepMatrixDisplay(Display):
    """Plot the share of users with each behaviour at each step of their histories.

    Use :meth:`from_log` to create a display. Its data are stored as attributes;
    :meth:`~StepMatrixDisplay.plot` plots them again.

    Parameters
    ----------
    counts : ndarray of int of shape (n_categories + 1, n_steps)
        Number of users with this behaviour at this step. The last row counts the users without
        an event at this step, so that each column adds up to all users.
    names : list of str
        Behaviours, the most frequent first, and the name of the last row.
    align : {"start", "end"}, default="start"
        Whether steps are counted from the first or from the last event.

    Attributes
    ----------
    image_ : matplotlib.image.AxesImage
        The cells.
    text_ : ndarray of object of shape (n_categories + 1, n_steps), or None
        The numbers in the cells; None if there are too many.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    Notes
    -----
    :meth:`frame` has one row for each cell, with the columns ``category``, ``step``, ``users`` and
    ``share``. Steps count from 1, or from the end as -1, -2 and so on.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.inspection import StepMatrixDisplay
    >>> days = pd.date_range("2026-01-01", periods=3)
    >>> events = pd.DataFrame({"who": [1, 1, 2], "when": days, "what": ["view", "buy", "view"]})
    >>> log = EventLog(events, user="who", time="when", behavior="what")
    >>> display = StepMatrixDisplay.from_log(log, n_steps=2)
    >>> display.names, display.counts.tolist()
    (['view', 'buy', '(ended)'], [[2, 0], [0, 1], [0, 1]])
    """

    counts: np.ndarray
    names: list
    align: str = "start"

    @classmethod
    def from_log(
        cls,
        log,
        *,
        column=None,
        n_steps=10,
        align="start",
        max_categories=10,
        ax=None,
        **image_kw,
    ):
        """Count what users do at each step, and plot the shares.

        Parameters
        ----------
        log : EventLog
            A clean log.
        column : str, default=None
            Column of the categories. None: the behaviours.
        n_steps : int, default=10
            Number of steps, at most 40; no more than the longest history has.
        align : {"start", "end"}, default="start"
            Whether steps are counted from the first or from the last event of a user.
        max_categories : int, default=10
            The most frequent categories are shown, at most 50; the others become "other".
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **image_kw : dict
            Keywords for matplotlib's ``imshow``.

        Returns
        -------
        StepMatrixDisplay
            The plotted display.

        Raises
        ------
        InvalidLogError
            If the log is not clean, has no events or no such column.
        TypeError
            If ``log`` is no EventLog, or ``ax`` not axes.
        ValueError
            If a parameter is out of range. Also if matplotlib does not take a keyword.
        """
        check_count("n_steps", n_steps, most=_MOST_STEPS)
        check_choice("align", align, tuple(NO_EVENT))
        check_limit(max_categories, 50)
        events = flat_events(log, column).folded(max_categories)
        counts = count_at_steps(events, n_steps, align)
        names = [*events.names, NO_EVENT[align]]
        return cls(counts=counts, names=names, align=align).plot(ax, **image_kw)

    @property
    def shares(self):
        """Share of all users, for each cell."""
        return self.counts / self.counts[:, :1].sum()

    @property
    def steps(self):
        """Numbers of the steps: 1, 2, ... or ..., -2, -1."""
        n_steps = self.counts.shape[1]
        return np.arange(1, n_steps + 1) if self.align == "start" else np.arange(-n_steps, 0)

    def _columns(self):
        return {
            "category": np.repeat(np.array(self.names, object), self.counts.shape[1]),
            "step": np.tile(self.steps, len(self.names)),
            "users": self.counts.ravel(),
            "share": self.shares.ravel(),
        }

    def plot(self, ax=None, **image_kw):
        """Plot the shares as a matrix.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **image_kw : dict
            Keywords for matplotlib's ``imshow``.

        Returns
        -------
        StepMatrixDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``counts`` and ``names`` do not fit together, or ``align`` is invalid. Also if
            matplotlib does not take a keyword.
        """
        check_choice("align", self.align, tuple(NO_EVENT))
        check_is_display_data(self, "counts", "names")
        n_rows, n_steps = self.counts.shape
        ax = self._open(ax, (3.6 + 0.45 * min(n_steps, 20), 1.4 + 0.36 * min(n_rows, 20)))
        self.image_, self.text_ = draw_matrix(
            ax,
            self.shares,
            rows=self.names,
            columns=[str(step) for step in self.steps],
            # Those without an event are often most; the colours are for the others.
            most=float(self.shares[:-1].max(initial=0)),
            label="Share of the users",
            room=self._room,
            **image_kw,
        )
        side = "first" if self.align == "start" else "last"
        ax.set(xlabel=f"Event of the user, from the {side} one", ylabel="Behaviour")
        self._room.dress(ax)
        return self


def count_at_steps(events, n_steps, align):
    """Number of users of each category at each step; the last row counts those without event."""
    lengths = np.diff(events.offsets)
    n_steps, n_rows = min(n_steps, int(lengths.max())), len(events.names) + 1
    steps = events.steps
    if align == "end":
        steps = steps + np.repeat(n_steps - lengths, lengths)
    inside = (steps >= 0) & (steps < n_steps)
    cells = events.codes[inside] * n_steps + steps[inside]
    counts = np.bincount(cells, minlength=n_rows * n_steps).reshape(n_rows, n_steps)
    counts[-1] = len(lengths) - counts.sum(axis=0)
    return counts
