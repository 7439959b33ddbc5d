"""StepSankeyDisplay: how users move from one behaviour to the next, step by step."""

from dataclasses import dataclass

import numpy as np

from skbseq._checks import check_count
from skbseq.inspection._drawing import (
    Display,
    check_is_display_data,
    colors_of,
    keywords,
)
from skbseq.inspection._flat_events import check_limit, flat_events
from skbseq.inspection._step_matrix import NO_EVENT

__all__ = ["StepSankeyDisplay"]

_MOST_STEPS = 10
_HALF = 0.08  # half the width of a block
_ENDED = "#f4f4f4"


@dataclass(eq=False, repr=False, kw_only=True)
class StepSankeyDisplay(Display):
    """Plot how users flow from one behaviour to the next, from step to step.

    Use :meth:`from_log` to create a display. Its data are stored as attributes;
    :meth:`~StepSankeyDisplay.plot` plots them again.

    Parameters
    ----------
    flows : ndarray of int of shape (n_steps - 1, n_categories + 1, n_categories + 1)
        Number of users with the row's behaviour at a step and the column's at the next step. The
        last row and column count the users whose history has ended.
    names : list of str
        Behaviours, the most frequent first, and the name of the last row.

    Attributes
    ----------
    blocks_ : list of matplotlib.container.BarContainer
        The blocks of each category at all steps.
    ribbons_ : dict of (int, str, str) to matplotlib.patches.PathPatch
        The ribbon of each flow, by step (from 1) and both behaviours.
    ax_ : matplotlib.axes.Axes
        Axes of the plot.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.

    See Also
    --------
    StepMatrixDisplay : The sizes of the blocks as numbers.

    Notes
    -----
    :meth:`frame` has one row for each flow that occurs, with the columns ``step``, ``from``,
    ``to`` and ``users``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.inspection import StepSankeyDisplay
    >>> days = pd.date_range("2026-01-01", periods=3)
    >>> events = pd.DataFrame({"who": [1, 1, 2], "when": days, "what": ["view", "buy", "view"]})
    >>> log = EventLog(events, user="who", time="when", behavior="what")
    >>> StepSankeyDisplay.from_log(log).frame()
       step  from       to  users
    0     1  view      buy      1
    1     1  view  (ended)      1
    """

    flows: np.ndarray
    names: list

    @classmethod
    def from_log(cls, log, *, column=None, n_steps=5, max_categories=6, ax=None, **ribbon_kw):
        """Count the flows between the first steps of a log, and plot them.

        Parameters
        ----------
        log : EventLog
            A clean log.
        column : str, default=None
            Column of the categories. None: the behaviours.
        n_steps : int, default=5
            Number of steps, from 2 to 10; no more than the longest history has.
        max_categories : int, default=6
            The most frequent categories are shown, at most 10; the others become "other".
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **ribbon_kw : dict
            Keywords for matplotlib's ``PathPatch``.

        Returns
        -------
        StepSankeyDisplay
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
        check_count("n_steps", n_steps, least=2, most=_MOST_STEPS)
        check_limit(max_categories)
        events = flat_events(log, column).folded(max_categories)
        flows = count_flows(events, n_steps)
        return cls(flows=flows, names=[*events.names, NO_EVENT["start"]]).plot(ax, **ribbon_kw)

    def _columns(self):
        step, before, after = np.nonzero(self._moving())
        names = np.array(self.names, object)
        return {
            "step": step + 1,
            "from": names[before],
            "to": names[after],
            "users": self.flows[step, before, after],
        }

    def _moving(self):
        """The flows without users whose history had ended before."""
        return self.flows[:, :-1, :]

    def plot(self, ax=None, **ribbon_kw):
        """Plot a block for each behaviour and step, and ribbons between them.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on. None: a new figure.
        **ribbon_kw : dict
            Keywords for matplotlib's ``PathPatch``.

        Returns
        -------
        StepSankeyDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If ``flows`` and ``names`` do not fit together. Also if matplotlib does not take a
            keyword.
        """
        flows, names = np.asarray(self.flows), self.names
        if flows.ndim != 3 or flows.shape[1:] != (len(names),) * 2:
            raise ValueError(
                f"flows must have the shape (n_steps - 1, {len(names)}, {len(names)}) for "
                f"{len(names)} names; got {flows.shape}."
            )
        check_is_display_data(self, "flows")
        n_steps = len(flows) + 1
        ax = self._open(ax, (2.6 + 1.5 * n_steps, 4.5))
        colors = [*colors_of(names[:-1]), _ENDED]
        sizes = np.concatenate([flows.sum(axis=2), flows[-1:].sum(axis=1)])
        bottoms = np.cumsum(sizes, axis=1) - sizes
        self.blocks_ = self._draw_blocks(ax, sizes, bottoms, colors)
        self.ribbons_ = {}
        for step, before, after, low, high, width in _ribbons(flows, bottoms):
            with keywords(ribbon_kw):
                patch = _ribbon(step, low, high, width, colors[before], ribbon_kw)
            self.ribbons_[step + 1, names[before], names[after]] = ax.add_patch(patch)
        ax.set_xticks(range(n_steps), [str(step + 1) for step in range(n_steps)])
        ax.set(xlabel="Event of the user", ylabel="Users", xlim=(-0.2, n_steps - 0.8))
        ax.set_ylim(0, sizes[0].sum())
        ax.spines[["top", "right"]].set_visible(False)
        self._room.dress(ax)
        return self

    def _draw_blocks(self, ax, sizes, bottoms, colors):
        labels, font = self._room.labels(self.names)
        bars = []
        for i, color in enumerate(colors):
            style = {"color": color, "label": labels[i], "edgecolor": "black", "linewidth": 0.4}
            steps = range(len(sizes))
            bars.append(ax.bar(steps, sizes[:, i], 2 * _HALF, bottoms[:, i], zorder=2, **style))
        # In the order of the blocks, from top to bottom.
        self._room.legend_right(ax, font, reverse=True)
        return bars


def count_flows(events, n_steps):
    """Numbers of users by behaviours at two adjacent steps.

    Returns
    -------
    ndarray of int of shape (n_steps - 1, n_categories + 1, n_categories + 1)
    """
    lengths, n = np.diff(events.offsets), len(events.names) + 1
    n_steps = max(min(n_steps, int(lengths.max())), 2)
    grid = np.full((len(lengths), n_steps), n - 1)
    inside = events.steps < n_steps
    grid[events.users[inside], events.steps[inside]] = events.codes[inside]
    cells = (np.arange(n_steps - 1) * n + grid[:, :-1]) * n + grid[:, 1:]
    return np.bincount(cells.ravel(), minlength=(n_steps - 1) * n * n).reshape(-1, n, n)


def _ribbons(flows, bottoms):
    """Each flow with where it leaves its block and where it reaches the next."""
    leaves = bottoms[:-1, :, None] + np.cumsum(flows, axis=2) - flows
    reaches = bottoms[1:, None, :] + np.cumsum(flows, axis=1) - flows
    for at in zip(*np.nonzero(flows), strict=True):
        yield (*map(int, at), leaves[at], reaches[at], flows[at])


def _ribbon(step, low, high, width, color, options):
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    left, right, middle = step + _HALF, step + 1 - _HALF, step + 0.5
    points = [
        *((left, low), (middle, low), (middle, high), (right, high)),
        *((right, high + width), (middle, high + width), (middle, low + width)),
        *((left, low + width), (left, low)),
    ]
    curve = [Path.CURVE4] * 3
    path = Path(points, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])
    return PathPatch(path, **{"facecolor": color, "alpha": 0.45, "linewidth": 0} | options)
