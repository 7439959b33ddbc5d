"""TransitionMatrixDisplay: how often one behaviour follows another."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import check_choice
from skbseq.exceptions import InvalidLogError
from skbseq.inspection._drawing import Display, check_is_display_data, draw_matrix
from skbseq.inspection._flat_events import check_limit, flat_events

__all__ = ["TransitionMatrixDisplay"]

_MOST_ROWS = 50


def count_transitions(events):
    """Numbers of pairs of adjacent events of a user, of shape (n_categories, n_categories)."""
    n = len(events.names)
    before = np.flatnonzero(events.continues)
    pairs = events.codes[before] * n + events.codes[before + 1]
    return np.bincount(pairs, minlength=n * n).reshape(n, n)


def row_shares(counts):
    """Counts as shares of their row; NaN in rows without counts."""
    totals = counts.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return counts / totals


class Transitions(Display):
    """What the displays of ``counts`` of transitions between ``names`` share."""

    @property
    def shares(self):
        """Shares of the transitions from each behaviour, NaN where there is none."""
        return row_shares(self.counts)

    def _columns(self):
        n = len(self.names)
        return {
            "from": np.repeat(np.array(self.names, object), n),
            "to": np.tile(np.array(self.names, object), n),
            "count": self.counts.ravel(),
            "share": self.shares.ravel(),
        }


def read_transitions(log, column, max_categories):
    """The folded events of a log and the counts of their transitions, at least one.

    Raises
    ------
    InvalidLogError
        If no user has two events.
    """
    events = flat_events(log, column).folded(max_categories)
    counts = count_transitions(events)
    if not counts.any():
        raise InvalidLogError(
            f"No user of the log has two events, so there is no transition in "
            f"{events.column!r}. Check the column of the users, {log.user!r}."
        )
    return events, counts


@dataclass(eq=False, repr=False, kw_only=True)
class TransitionMatrixDisplay(Transitions):
    """Plot which behaviour follows which, as a matrix.

    Use :meth:`from_log` to create a display. Its data are stored as attributes;
    :meth:`~TransitionMatrixDisplay.plot` plots them again.

    Parameters
    ----------
    counts : ndarray of int of shape (n_categories, n_categories)
        Number of times that the column's behaviour was the next one after the row's.
    names : list of str
        Behaviours, the most frequent first.

    Attributes
    ----------
    image_ : matplotlib.image.AxesImage
        The cells.
    text_ : ndarray of object of shape (n_categories, n_categories), or None
        The numbers in the cells; None if there are too many.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    See Also
    --------
    skbseq.MarkovChain : Predicts the next event from these transitions.

    Notes
    -----
    Only adjacent events of one user count. To count within sessions only, make each session a
    user: ``log.sessions(gap="30min").by("session")``. Rare behaviours are counted as "other".

    :meth:`frame` has one row for each pair, with the columns ``from``, ``to``, ``count`` and
    ``share``, the share of all transitions from there.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.inspection import TransitionMatrixDisplay
    >>> events = pd.DataFrame(
    ...     {"who": [1] * 4 + [2] * 2, "when": range(6), "what": list("vvbvvb")}
    ... )
    >>> log = EventLog(events, user="who", time="when", behavior="what", time_unit="s",
    ...     invalid_times="keep")
    >>> TransitionMatrixDisplay.from_log(log).frame()
      from to  count     share
    0    v  v      1  0.333333
    1    v  b      2  0.666667
    2    b  v      1  1.000000
    3    b  b      0  0.000000
    """

    counts: np.ndarray
    names: list

    @classmethod
    def from_log(cls, log, *, column=None, max_categories=10, ax=None, **image_kw):
        """Count the transitions of a log, and plot them.

        Parameters
        ----------
        log : EventLog
            A clean log.
        column : str, default=None
            Column of the categories. None: the behaviours.
        max_categories : int, default=10
            The most frequent categories are shown, at most 50; the others become "other".
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **image_kw : dict
            Keywords for matplotlib's ``imshow``.

        Returns
        -------
        TransitionMatrixDisplay
            The plotted display.

        Raises
        ------
        InvalidLogError
            If the log is not clean, has no such column, or no user has two events.
        TypeError
            If ``log`` is no EventLog, or ``ax`` not axes.
        ValueError
            If ``max_categories`` is out of range. Also if matplotlib does not take a keyword.
        """
        check_limit(max_categories, _MOST_ROWS)
        events, counts = read_transitions(log, column, max_categories)
        return cls(counts=counts, names=events.names).plot(ax, **image_kw)

    def plot(self, ax=None, *, values="share", **image_kw):
        """Plot the matrix.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        values : {"share", "joint"}, default="share"
            "share": of the transitions from each behaviour, so that each row adds up to 1.
            "joint": of all transitions.
        **image_kw : dict
            Keywords for matplotlib's ``imshow``.

        Returns
        -------
        TransitionMatrixDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``values`` is invalid, or ``counts`` and ``names`` do not fit together. Also if
            matplotlib does not take a keyword.
        """
        check_choice("values", values, ("share", "joint"))
        check_is_display_data(self, "counts", "names")
        shares = self.shares if values == "share" else self.counts / self.counts.sum()
        n = len(self.names)
        ax = self._open(ax, (3.4 + 0.42 * min(n, 20), 2.6 + 0.36 * min(n, 20)))
        label = "Share of the transitions" + (" from the row" if values == "share" else "")
        self.image_, self.text_ = draw_matrix(
            ax,
            shares,
            rows=self.names,
            columns=self.names,
            label=label,
            room=self._room,
            **image_kw,
        )
        ax.set(xlabel="Next event", ylabel="Event")
        self._room.dress(ax)
        return self
