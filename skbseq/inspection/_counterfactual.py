"""counterfactual_events: few events without which the answer turns."""

import numpy as np

from skbseq import _frames
from skbseq._checks import check_count, is_real, shown
from skbseq._sequences import offsets_of
from skbseq.inspection._answers import Answers
from skbseq.inspection._sentences import EventNames
from skbseq.inspection._subsets import Subsets

__all__ = ["counterfactual_events"]


def counterfactual_events(
    model,
    X,
    *,
    target=None,
    threshold=None,
    max_events=10,
    columns=None,
    time=None,
    cutoff="cutoff",
):
    """Find for each history a small set of events without which the answer turns.

    Events are removed greedily: in each round the one whose removal brings the answer nearest to
    its turn. Then those are put back that turn out not to be needed. A single event that suffices
    is always found. Of larger sets a smaller one may exist; to be sure would need predictions for
    all subsets.

    Parameters
    ----------
    model : estimator
        As for :func:`explain_events`.
    X : sequence frame of shape (n_samples, n_columns)
        Histories.
    target : object, default=None
        Class, or a class for each row, whose loss or gain is a turn. None: the predicted class;
        with a ``threshold`` as for :func:`explain_events`.
    threshold : float, default=None
        The answer turns where it crosses this number: the probability of the target, or what a
        regressor predicts. None: it turns where the predicted class changes; a regressor needs a
        threshold.
    max_events : int, default=10
        Most events to remove from a history.
    columns : str or list of str, default=None
        List columns that name an event in ``described``. None: those of strings, or else those of
        integers and booleans.
    time : str, default=None
        List column with the times of the events. None: the first of timestamps; without one the
        place of the event is given.
    cutoff : str, default="cutoff"
        Ordinary column with the moment of prediction. If X has none, the date of the event is
        given.

    Returns
    -------
    table of n_samples rows
        Of the library of X: ``events``, the places of the events in their history, from 0;
        ``described``, the same events in words; ``before`` and ``after``, what the model says with
        all events and without these: the log-odds of the target (without a threshold, against the
        most probable other class), the decision function or the prediction; and ``turned``,
        whether that is a turn. If no turn was found, the events are those that brought it nearest.

    Raises
    ------
    ValueError
        If the threshold is missing or not valid, or the model does not predict the target.
    SequenceFrameError
        If X is not a sequence frame, or a named column is not a list column of X.

    See Also
    --------
    explain_events : Contributions of all events.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import SequenceVectorizer
    >>> from skbseq.inspection import counterfactual_events
    >>> X = pd.DataFrame({"what": [["view", "cart"], ["view", "exit"]] * 20})
    >>> imputer = SimpleImputer(keep_empty_features=True)
    >>> model = make_pipeline(SequenceVectorizer(), imputer, LogisticRegression())
    >>> model = model.fit(X, [1, 0] * 20)
    >>> counterfactual_events(model, X[:1])["described"].tolist()
    [['cart (event 2 of 2)']]
    """
    check_count("max_events", max_events)
    subsets = Subsets(X)
    names = EventNames(subsets.columns, columns, time, cutoff)  # before the first prediction
    turns = _Turns(model, X, target, threshold)
    search = _Search(turns, subsets)
    search.remove(max_events)
    search.put_back()
    removed = np.flatnonzero(~search.kept)
    offsets = offsets_of(~search.kept)[subsets.offsets]
    described = names.describe(removed)
    columns = {
        "events": _frames.Lists(_frames.make_array(subsets.places[removed]), offsets),
        "described": _frames.Lists(_frames.string_array(described), offsets),
        "before": turns.answers.values,
        "after": turns.to_answers(search.margins),
        "turned": search.margins < 0,
    }
    return _frames.build_frame(columns, like=X)


class _Turns:
    """Distances of answers from their turn: positive at first, negative once turned.

    Parameters
    ----------
    model, X, target
        As for `Answers`.
    threshold : float or None
    """

    def __init__(self, model, X, target, threshold):
        self.answers = Answers(model, X, target, duel=threshold is None)
        self._level = _read_level(self.answers, threshold)
        self._signs = np.where(self.answers.values >= self._level, 1.0, -1.0)
        self.values = self._signs * (self.answers.values - self._level)

    def of_variants(self, subsets, rows, kept_of):
        """Distances for histories with some events left out."""
        found = self.answers.of_variants(subsets, rows, kept_of)
        return self._signs[rows] * (found - self._level)

    def to_answers(self, margins):
        """The answers of all rows at these distances."""
        return self._signs * margins + self._level


def _read_level(answers, threshold):
    """The answer at which a turn happens."""
    if threshold is None:
        if answers.unit == "prediction":
            raise ValueError(
                "The model predicts a number, which has no turn of its own. Give a threshold: "
                "the number that the prediction is to cross."
            )
        return 0.5 if answers.unit == "match" else 0.0
    if not is_real(threshold) or not np.isfinite(threshold):
        raise ValueError(f"threshold must be a finite number; got {shown(threshold)}.")
    if answers.unit == "match":
        raise ValueError(
            f"threshold={threshold!r} has no use: the model gives no probability. Leave it out."
        )
    if answers.unit != "log-odds":
        return float(threshold)
    if not 0 < threshold < 1:
        raise ValueError(
            f"threshold={threshold!r} is a probability here; it must be between 0 and 1."
        )
    return float(np.log(threshold) - np.log1p(-threshold))


class _Search:
    """The events that are kept of each history, while more and more are removed.

    Attributes
    ----------
    kept : ndarray of bool of shape (n_events,)
    margins : ndarray of float64 of shape (n_samples,)
        Distance of each row from its turn, with these events.
    """

    def __init__(self, turns, subsets):
        self._turns, self._subsets = turns, subsets
        self.kept = np.ones(subsets.n_events, bool)
        self.margins = turns.values.copy()

    def remove(self, most):
        """Remove the best event of each row that has not turned, again and again.

        A step may lead away before the next one turns the answer; if none does, each row goes back
        to where it was nearest to its turn.
        """
        lengths = self._subsets.lengths
        kept, margins = self.kept.copy(), self.margins.copy()
        for _ in range(most):
            open_rows = np.repeat(self.margins >= 0, lengths)
            if not (events := np.flatnonzero(self.kept & open_rows)).size:
                break
            self._change(events, better_than=np.inf)
            nearer = self.margins < margins
            kept = np.where(np.repeat(nearer, lengths), self.kept, kept)
            margins = np.where(nearer, self.margins, margins)
        self.kept, self.margins = kept, margins

    def put_back(self):
        """Put back events without which rows have turned just as well."""
        tried = np.zeros_like(self.kept)
        while True:
            closed = np.repeat(self.margins < 0, self._subsets.lengths)
            events = np.flatnonzero(~self.kept & closed & ~tried)
            if not events.size:
                break
            # One per row at a time, because the next depends on it.
            first = np.unique(self._subsets.rows_of_events[events], return_index=True)[1]
            tried[events[first]] = True
            self._change(events[first], better_than=0.0)

    def _change(self, events, *, better_than):
        """Remove, or put back, of some events the best of each row, if it is good enough."""
        subsets = self._subsets
        rows = subsets.rows_of_events[events]

        def kept_of(part):
            at, begins = subsets.whole(rows[part])
            kept = self.kept[at]
            changed = begins[:-1] + subsets.places[events[part]]
            kept[changed] = ~kept[changed]
            return kept

        margins = self._turns.of_variants(subsets, rows, kept_of)
        order = np.lexsort((margins, rows))
        best = order[np.unique(rows[order], return_index=True)[1]]
        best = best[margins[best] < better_than]
        self.kept[events[best]] = ~self.kept[events[best]]
        self.margins[rows[best]] = margins[best]
