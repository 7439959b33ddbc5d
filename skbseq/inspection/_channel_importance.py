"""channel_importance: what a model's score loses when a channel belongs to someone else."""

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils.validation import check_consistent_length

from skbseq import _frames
from skbseq._checks import as_names, check_count, check_random_state, shown
from skbseq._sequences import ranges
from skbseq._time import convert_ticks
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection._subsets import Subsets, ranks_of

__all__ = ["ChannelImportance", "channel_importance"]

# The group that shuffles the events of each row instead of exchanging channels between rows.
ORDER = "(order)"


class ChannelImportance:
    """Importances of the channels of histories for the score of a model.

    :func:`channel_importance` makes it. The parameters are also attributes.

    Parameters
    ----------
    names : list of str
        Of the groups of columns.
    importances : ndarray of float64 of shape (n_groups, n_repeats)
        The score less that with the group permuted.
    own_shares : ndarray of float64 of shape (n_groups,)
        Share of the rows that drew themselves, so that nothing changed for them: of these the
        importance says nothing.
    score : float
        The score of X as it is.
    score_name : str
        Name of the score.
    library : {"pandas", "polars", "pyarrow"}, default="pandas"
        Library of the table that :meth:`frame` makes.

    See Also
    --------
    channel_importance : Measures the importances.

    Examples
    --------
    >>> import numpy as np
    >>> from skbseq.inspection import ChannelImportance
    >>> importance = ChannelImportance(
    ...     names=["price", "what"],
    ...     importances=np.array([[0.0, 0.02], [0.1, 0.3]]),
    ...     own_shares=np.array([0.1, 0.1]),
    ...     score=0.8,
    ...     score_name="roc_auc",
    ... )
    >>> importance.frame()
      channel  importance   std  own_share
    0    what        0.20  0.10        0.1
    1   price        0.01  0.01        0.1
    """

    def __init__(self, *, names, importances, own_shares, score, score_name, library="pandas"):
        self.names, self.importances, self.own_shares = names, importances, own_shares
        self.score, self.score_name, self.library = score, score_name, library

    def __repr__(self):
        return f"<ChannelImportance of {', '.join(self.names)} for {self.score_name}>"

    def frame(self):
        """Table of the groups, the most important first.

        Returns
        -------
        table
            Of the library of X: ``channel``; ``importance`` and ``std``, mean and standard
            deviation over the repeats; and ``own_share``.
        """
        means = self.importances.mean(axis=1)
        order = np.argsort(-means, kind="stable")
        columns = {
            "channel": [self.names[i] for i in order],
            "importance": means[order],
            "std": self.importances.std(axis=1)[order],
            "own_share": self.own_shares[order],
        }
        return _frames.frame_from_columns(columns, like=self.library)


def channel_importance(
    model,
    X,
    y,
    *,
    scoring=None,
    groups=None,
    n_repeats=5,
    cutoff="cutoff",
    random_state=None,
):
    """Measure how much a score falls when whole channels are exchanged between rows.

    A channel of a row is replaced by the same channel of another row with as many events, so that
    the lists of a row stay equally long. scikit-learn's ``permutation_importance`` cannot do that.

    Parameters
    ----------
    model : estimator
        A fitted model that takes X, such as a pipeline.
    X : sequence frame of shape (n_samples, n_columns)
        Histories that the model was not fitted on.
    y : array-like of shape (n_samples,)
        Their labels.
    scoring : str or callable, default=None
        A name from :func:`sklearn.metrics.get_scorer_names`, or a callable with the arguments
        estimator, X and y. None: the model's own ``score``.
    groups : list of str, or dict of str to list of str, default=None
        Columns to permute, one at a time, or groups of columns to permute jointly, by name. List
        columns and ordinary ones may be mixed. "(order)" shuffles the order of the events of each
        row, while times stay where they are. None: each list column, each ordinary column but
        the cutoff, and "(order)".
    n_repeats : int, default=5
        Number of permutations of each group.
    cutoff : str, default="cutoff"
        Ordinary column with the moment of prediction. Times of another row are moved by the
        difference of the two cutoffs, so that no event lies after its cutoff.
    random_state : int, RandomState instance or None, default=None
        Seed of the permutations.

    Returns
    -------
    ChannelImportance
        Importances, and the share of the rows that drew themselves: those whose number of events
        is unique cannot draw others. If the share is large, the importance is understated.

    Raises
    ------
    SequenceFrameError
        If X is not a sequence frame, or a column of ``groups`` does not exist.
    ValueError
        If y does not fit X, or a parameter is not valid.

    See Also
    --------
    explain_events : Which events matter for single predictions.

    Notes
    -----
    A permuted channel is drawn independently of all others, so rows arise that never occur. If two
    channels say the same, as a product and its category, the model can fall back on the other, and
    neither seems important: permute them jointly.

    Breiman, L. (2001). Random forests. Machine Learning, 45(1).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import SequenceVectorizer
    >>> from skbseq.inspection import channel_importance
    >>> X = pd.DataFrame({"what": [["cart"], ["exit"]] * 20, "where": [["web"], ["web"]] * 20})
    >>> y = [1, 0] * 20
    >>> model = make_pipeline(SequenceVectorizer(), LogisticRegression()).fit(X, y)
    >>> importance = channel_importance(model, X, y, groups=["what", "where"], random_state=0)
    >>> importance.frame()[["channel", "importance"]].round(1)
      channel  importance
    0    what         0.5
    1   where         0.0
    """
    check_count("n_repeats", n_repeats)
    if not hasattr(model, "fit"):
        raise TypeError(f"model must be a fitted estimator; got {shown(model)}.")
    if not (scoring is None or isinstance(scoring, str) or callable(scoring)):
        raise ValueError(f"scoring={shown(scoring)} must be one score, by name or as a function.")
    rng, subsets = check_random_state(random_state), Subsets(X)
    check_consistent_length(X, y)
    groups = _read_groups(groups, subsets.columns, cutoff)
    scorer = check_scoring(model, scoring=scoring)
    exchange = _Exchange(X, subsets, cutoff)
    score = float(scorer(model, X, y))
    importances = np.zeros((len(groups), n_repeats))
    own = np.zeros((len(groups), n_repeats))
    for i, names in enumerate(groups.values()):
        for j in range(n_repeats):
            permuted, own[i, j] = exchange(names, rng)
            importances[i, j] = score - scorer(model, permuted, y)
    return ChannelImportance(
        names=list(groups),
        importances=importances,
        own_shares=own.mean(axis=1),
        score=score,
        score_name=scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score"),
        library=subsets.library,
    )


def _read_groups(groups, columns, cutoff):
    """Columns of each group, by name."""
    there = [*columns.lists, *columns.ordinary]
    if groups is None:
        return {name: [name] for name in [*there, ORDER] if name != cutoff}
    if not isinstance(groups, dict):
        groups = {name: [name] for name in as_names("groups", groups)}
    read = {str(name): as_names(f"groups[{name!r}]", group) for name, group in groups.items()}
    for name in {name for group in read.values() for name in group}:
        if name not in there and name != ORDER:
            raise SequenceFrameError(
                f"groups names {name!r}, which is not a column of X. Its columns are "
                f"{', '.join(map(repr, there))}; {ORDER!r} is the order of events."
            )
    if not read:
        raise ValueError("groups is empty; name at least one column, or pass None for all.")
    return read


class _Exchange:
    """Frames in which some columns come from other rows.

    Parameters
    ----------
    X : sequence frame
    subsets : Subsets
    cutoff : str
    """

    def __init__(self, X, subsets, cutoff):
        self._X, self._subsets, self._cutoff = X, subsets, cutoff
        self._columns = subsets.columns

    def __call__(self, names, rng):
        """The frame with these columns permuted jointly, and the share of unchanged rows."""
        changed, same = {}, np.ones(len(self._subsets), bool)
        if ORDER in names:
            changed, same = self._shuffled(rng)
        names = [name for name in names if name != ORDER]
        if names:
            lengths = self._subsets.lengths
            if all(name in self._columns.ordinary for name in names):
                lengths = np.zeros_like(lengths)  # then rows of any length can exchange
            donors = _donors(lengths, rng)
            changed |= {name: self._from(name, names, donors) for name in names}
            same &= donors == np.arange(len(donors))
        return self._with(changed), float(same.mean())

    def _with(self, changed):
        if _frames.is_frame(self._X):
            return _frames.replace_columns(self._X, changed)
        made = {**self._columns.lists, **self._columns.ordinary, **changed}
        return _frames.frame_from_columns({n: made[n] for n in _frames.all_names(self._X)})

    def _is_time(self, name):
        return _frames.kind_of(self._columns.lists[name].values.type) == "timestamp"

    def _from(self, name, names, donors):
        """A column whose rows are those of the donors."""
        if name in self._columns.ordinary:
            return _frames.take(self._columns.ordinary[name], donors)
        offsets, column = self._subsets.offsets, self._columns.lists[name]
        at, _ = ranges(offsets[:-1][donors], offsets[1:][donors])
        values = _frames.take(column.values, at)
        if (
            self._is_time(name)
            and self._cutoff in self._columns.ordinary
            and (
                self._cutoff not in names  # then it comes along
            )
        ):
            values = self._moved(name, values, donors)
        return _frames.Lists(values, offsets)

    def _moved(self, name, values, donors):
        """Times of donors, moved by the difference of the cutoffs."""
        ticks, missing, unit, zone = _frames.time_ticks(_frames.read_moments(values, name))
        moments = _frames.read_moments(self._columns.ordinary[self._cutoff], self._cutoff)
        cutoffs, unknown, source, _ = _frames.time_ticks(moments)
        cutoffs = convert_ticks(cutoffs, source=source, target=unit)
        shift = np.where(unknown | unknown[donors], 0, cutoffs - cutoffs[donors])
        ticks = ticks + np.repeat(shift, self._subsets.lengths)
        return _frames.time_array(ticks, unit=unit, zone=zone, missing=missing)

    def _shuffled(self, rng):
        """All channels but times, with the events of each row in another order."""
        offsets, lengths = self._subsets.offsets, self._subsets.lengths
        ranks = ranks_of(rng.random_sample(self._subsets.n_events), lengths)
        at = np.repeat(offsets[:-1], lengths) + ranks
        lists = self._columns.lists
        names = [name for name in lists if not self._is_time(name)]
        changed = {n: _frames.Lists(_frames.take(lists[n].values, at), offsets) for n in names}
        moved = np.bincount(
            self._subsets.rows_of_events,
            weights=ranks != self._subsets.places,
            minlength=len(lengths),
        )
        return changed, moved == 0


def _donors(lengths, rng):
    """A row of the same length for each row, each exactly once."""
    donors = np.empty(len(lengths), np.int64)
    donors[np.argsort(lengths, kind="stable")] = np.lexsort(
        (rng.random_sample(len(lengths)), lengths)
    )
    return donors
