"""EventExplanation: what each event contributed to predictions."""

import numpy as np

from skbseq import _frames
from skbseq._checks import check_count
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection._attribution_strip import EventAttributionDisplay
from skbseq.inspection._sentences import EventNames, signed
from skbseq.inspection._subsets import Subsets, ranks_of

__all__ = ["EventExplanation"]

_MEAN_EVENTS = "for mean events"


class EventExplanation:
    """Contributions of the events of histories to the predictions of a model.

    :func:`explain_events` makes it. The parameters are also attributes.

    Parameters
    ----------
    X : sequence frame
        The histories.
    flat : ndarray of float64 of shape (n_events,)
        Contributions of all events end to end.
    values : ndarray of float64 of shape (n_samples,)
        What the model says of each history, in ``unit``.
    baselines : ndarray of float64 of shape (n_samples,)
        What it says of the history without events; of mean events with ``method="gradients"``.
    targets : ndarray of shape (n_samples,) or None
        The class that is explained in each row, or the column of several numbers.
    unit : {"log-odds", "decision", "match", "prediction"}
        Unit of values and contributions: log-odds of the target; the decision function; 1 if the
        predicted class is the target, else 0; or what a regressor predicts.
    method : {"removal", "gradients", "shapley"}
        How the contributions were found.
    by_channel : dict of str to ndarray of float64 of shape (n_events,), default=None
        Contributions by list column, which add up to ``flat``; only for ``method="gradients"``.

    See Also
    --------
    explain_events : Explains predictions.
    deletion_insertion : Measures how faithful contributions are.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import SequenceVectorizer
    >>> from skbseq.inspection import explain_events
    >>> X = pd.DataFrame({"what": [["view", "cart"], ["view", "exit"]] * 20})
    >>> imputer = SimpleImputer(keep_empty_features=True)
    >>> model = make_pipeline(SequenceVectorizer(), imputer, LogisticRegression())
    >>> model = model.fit(X, [1, 0] * 20)
    >>> explanation = explain_events(model, X[:2])
    >>> explanation.frame()[["row", "what", "contribution"]].round(1)
       row  what  contribution
    0    0  view           0.7
    1    0  cart           3.0
    2    1  view          -0.7
    3    1  exit          -3.0
    """

    def __init__(self, X, flat, *, values, baselines, targets, unit, method, by_channel=None):
        self.X, self._subsets = X, Subsets(X)
        self._columns = self._subsets.columns
        self.flat, self.by_channel = flat, by_channel
        self.values, self.baselines, self.targets = values, baselines, targets
        self.unit, self.method = unit, method

    def __len__(self):
        return len(self.values)

    def __repr__(self):
        return (
            f"<EventExplanation of {len(self.flat):,} events of {len(self):,} histories by "
            f"{self.method}, in units of {self.unit}>"
        )

    @property
    def lengths(self):
        """Number of events of each history."""
        return self._subsets.lengths

    @property
    def contributions(self):
        """A list column of the library of X: one number per event, in the order of its rows."""
        lists = _frames.Lists(_frames.make_array(self.flat), self._subsets.offsets)
        return _frames.build_frame({"contribution": lists}, like=self.X)["contribution"]

    def frame(self):
        """Table with one row per event.

        Returns
        -------
        table
            Of the library of X: ``row``, the number of the row in X; the ordinary columns of that
            row; the list columns of the event; ``contribution``; and with
            ``method="gradients"`` one column ``contribution_<channel>`` for each list column.

        Raises
        ------
        SequenceFrameError
            If X has a column of one of these names.
        """
        rows = self._subsets.rows_of_events
        made = {"contribution": self.flat} | {
            f"contribution_{name}": values for name, values in (self.by_channel or {}).items()
        }
        there = {**self._columns.ordinary, **self._columns.lists}
        twice = [name for name in ("row", *made) if name in there]
        if twice:
            raise SequenceFrameError(
                f"X has a column {twice[0]!r}, which is the name of a column of the result. "
                "Rename it before explain_events."
            )
        columns = {"row": rows}
        columns |= {n: _frames.take(c, rows) for n, c in self._columns.ordinary.items()}
        columns |= {name: column.values for name, column in self._columns.lists.items()}
        return _frames.frame_from_columns(columns | made, like=self._subsets.library)

    def top(self, n=3, *, columns=None, time=None, cutoff="cutoff"):
        """The events that contributed most to each prediction, in words.

        Parameters
        ----------
        n : int, default=3
            Most sentences per row. Events that contribute nothing are left out.
        columns : str or list of str, default=None
            List columns that name an event. None: those of strings, or else those of integers and
            booleans.
        time : str, default=None
            List column with the times of the events. None: the first of timestamps; without one
            the place of the event is given.
        cutoff : str, default="cutoff"
            Ordinary column with the moment of prediction. If X has none, the date of the event is
            given.

        Returns
        -------
        list of list of str
            For each row, sentences such as "cart, p00017 2 days before: +0.83", the largest
            contribution first.

        Raises
        ------
        SequenceFrameError
            If a named column is not a list column of X, or does not hold times.
        ValueError
            If n is not a whole number of at least 1.
        """
        check_count("n", n)
        names = EventNames(self._columns, columns, time, cutoff)
        size = np.abs(self.flat)
        ranks = ranks_of(-size, self._subsets.lengths)
        chosen = np.flatnonzero((ranks < n) & (size > 0))
        rows = self._subsets.rows_of_events[chosen]
        chosen = chosen[np.lexsort((ranks[chosen], rows))]
        texts = names.describe(chosen)
        found = [[] for _ in range(len(self))]
        for row, text, size in zip(rows, texts, self.flat[chosen], strict=True):
            found[row].append(f"{text}: {signed(size)}")
        return found

    def plot(
        self, row=0, ax=None, *, columns=None, time=None, cutoff="cutoff", max_events=25, **bar_kw
    ):
        """Plot the contributions of the events of one history.

        With ``method="gradients"`` a matrix below the bars shows the channels.

        Parameters
        ----------
        row : int, default=0
            Position of the history in X.
        ax : matplotlib.axes.Axes, default=None
            Axes to plot on; its place is divided if there are several channels. None: a new
            figure.
        columns : str or list of str, default=None
            List columns that name an event, as for :meth:`top`.
        time : str, default=None
            List column with the times, as for :meth:`top`. If a time is missing, the labels have
            no times.
        cutoff : str, default="cutoff"
            Ordinary column with the moment of prediction. Without it, spans count to the last
            event.
        max_events : int, default=25
            The last events are drawn, at most 60. The others make one bar with their sum.
        **bar_kw : dict
            Keywords for matplotlib's ``bar``.

        Returns
        -------
        EventAttributionDisplay
            The plotted display. Its title gives the prediction for the whole history and the
            baseline.

        Raises
        ------
        SequenceFrameError
            If a named column is not a list column of X, or does not hold times.
        TypeError
            If ``ax`` is not the axes of a figure.
        ValueError
            If X has no such row, the row has no events, or one is later than its cutoff. Also if
            ``max_events`` is out of range, or matplotlib does not take a keyword.
        """
        check_count("row", row, least=0, most=len(self) - 1)
        events = np.arange(*self._subsets.offsets[row : row + 2])
        if not len(events):
            raise ValueError(f"Row {row} has no events, so there is nothing to plot.")
        names = EventNames(self._columns, columns, time, cutoff)
        times, end = names.times(events, row)
        parts = {"event": self.flat} if self.by_channel is None else self.by_channel
        return EventAttributionDisplay.from_contributions(
            np.column_stack([part[events] for part in parts.values()]),
            [name or f"event {i}" for i, name in enumerate(names.names(events), start=1)],
            times=times,
            cutoff=end,
            channels=list(parts),
            baseline=self.baselines[row],
            total=self.values[row],
            baseline_name=_MEAN_EVENTS if self.method == "gradients" else "without events",
            unit=self._unit_of(row),
            max_events=max_events,
            ax=ax,
            **bar_kw,
        )

    def _unit_of(self, row):
        """The unit with the class, or the column, that is explained in a row."""
        if self.targets is None:
            return self.unit
        named = "column" if self.unit == "prediction" else "of"
        return f"{self.unit} {named} {self.targets[row]}"
