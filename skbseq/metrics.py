"""Metrics of ranked next-event predictions, over the full catalogue.

Each row has one relevant item, the true next one. A model scores every item of the catalogue, and
the metrics use the rank of the true one. Ranks among sampled negatives are not offered, because
they order models differently from ranks in the full catalogue (Krichene and Rendle (2020), "On
Sampled Metrics for Item Recommendation", KDD).
"""

import numpy as np

from skbseq import _frames
from skbseq._checks import (
    as_names,
    check_flag,
    check_is_data,
    is_whole,
    shown,
    to_array,
    to_numbers,
)
from skbseq._sequences import ranges
from skbseq._targets import (
    basket_starts,
    present_values,
    rows_at_a_time,
    split_target,
    to_ids,
    true_index,
)

__all__ = [
    "hold_out_last",
    "mrr_at_k",
    "ndcg_at_k",
    "ranking_scorer",
    "recall_at_k",
    "true_ranks",
]

# ------------------------------------------------------------------ ranks


def true_ranks(scores, true_index):
    """Range of ranks of the true item of each row; rank 1 is the best.

    Items with equal scores are tied. The true item may then have any rank from

    .. math:: r_1 = 1 + \\#\\{j : s_j > s\\} \\quad\\text{to}\\quad r_2 = \\#\\{j : s_j \\ge s\\}

    where :math:`s` is its own score. The metrics use both and compute the exact mean over all
    orders of the tied items, so that a model gains nothing by giving all items the same score.

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_items)
        Higher means more probable. Infinite scores are allowed, NaN is not.
    true_index : array-like of int of shape (n_samples,)
        Column of the true item; -1 if it is not in the catalogue.

    Returns
    -------
    ndarray of float64 of shape (n_samples, 2)
        First and last possible rank. Both are infinite, and so a miss at any k, if the true item
        is not in the catalogue.

    Raises
    ------
    ValueError
        If the shapes do not match, a score is NaN, or an index is out of range.

    Examples
    --------
    >>> from skbseq.metrics import true_ranks
    >>> true_ranks([[0.7, 0.2, 0.1], [0.4, 0.4, 0.2], [0.5, 0.3, 0.2]], [1, 1, -1])
    array([[ 2.,  2.],
           [ 1.,  2.],
           [inf, inf]])
    """
    scores, index = to_array("scores", scores), to_array("true_index", true_index)
    _check_scores(scores, index)
    ranks = np.full((len(index), 2), np.inf)
    known = index >= 0
    if known.any():
        # Unknown items read column 0 and stay infinite.
        own = np.take_along_axis(scores, np.where(known, index, 0)[:, None], axis=1)
        ranks[known, 0] = 1 + np.count_nonzero(scores > own, axis=1)[known]
        ranks[known, 1] = np.count_nonzero(scores >= own, axis=1)[known]
    return ranks


def _check_scores(scores, index):
    if scores.dtype.kind not in "biuf":
        raise ValueError(f"scores must be numbers; got {scores.dtype}.")
    if scores.ndim != 2 or index.ndim != 1 or len(scores) != len(index):
        raise ValueError(
            "scores must be of shape (n_samples, n_items) and true_index of shape (n_samples,); "
            f"got {scores.shape} and {index.shape}."
        )
    if index.size and not np.issubdtype(index.dtype, np.integer):
        raise ValueError(f"true_index must hold integers; got {index.dtype}.")
    outside = (index < -1) | (index >= scores.shape[1])
    if outside.any():
        row = _frames.first_row(outside)
        raise ValueError(
            f"Row {row} of true_index is {index[row]}; there are {scores.shape[1]:,} items, and "
            "-1 means an item that is not among them."
        )
    unclear = np.isnan(scores).any(axis=1)
    if unclear.any():
        raise ValueError(
            f"Row {_frames.first_row(unclear)} of scores holds NaN, which has no rank."
        )


# ------------------------------------------------------------------ metrics


def recall_at_k(ranks, k=20):
    """Share of the rows whose true item is among the first k (recall, or hit rate).

    Parameters
    ----------
    ranks : array-like of shape (n_samples,) or (n_samples, 2)
        Ranks of the true items, counted from 1; infinite for items that are not in the catalogue.
        Two columns are the first and last possible rank, from :func:`true_ranks`.
    k : int, default=20
        Length of the list.

    Returns
    -------
    float
        Between 0 and 1. Ties count as the mean over all orders of the tied items.

    Raises
    ------
    ValueError
        If k is not a positive integer, there is no row, or a rank is less than 1 or NaN.

    Examples
    --------
    >>> from skbseq.metrics import recall_at_k
    >>> recall_at_k([1, 3, float("inf")], k=2)
    0.333...
    """
    return _mean_gain(ranks, k, np.ones_like)


def mrr_at_k(ranks, k=20):
    """Mean reciprocal rank: 1/rank of the true item, 0 beyond k.

    Parameters
    ----------
    ranks : array-like of shape (n_samples,) or (n_samples, 2)
        Ranks of the true items, counted from 1; infinite for items that are not in the catalogue.
        Two columns are the first and last possible rank, from :func:`true_ranks`.
    k : int, default=20
        Length of the list.

    Returns
    -------
    float
        Between 0 and 1. Ties count as the mean over all orders of the tied items.

    Raises
    ------
    ValueError
        If k is not a positive integer, there is no row, or a rank is less than 1 or NaN.

    Examples
    --------
    >>> from skbseq.metrics import mrr_at_k
    >>> mrr_at_k([1, 4, float("inf")], k=20)
    0.416...
    """
    return _mean_gain(ranks, k, np.reciprocal)


def ndcg_at_k(ranks, k=20):
    """Normalised discounted cumulative gain: 1/log2(1 + rank) of the true item, 0 beyond k.

    With one relevant item the best possible gain is 1, so no normalisation is needed.

    Parameters
    ----------
    ranks : array-like of shape (n_samples,) or (n_samples, 2)
        Ranks of the true items, counted from 1; infinite for items that are not in the catalogue.
        Two columns are the first and last possible rank, from :func:`true_ranks`.
    k : int, default=20
        Length of the list.

    Returns
    -------
    float
        Between 0 and 1. Ties count as the mean over all orders of the tied items.

    Raises
    ------
    ValueError
        If k is not a positive integer, there is no row, or a rank is less than 1 or NaN.

    Examples
    --------
    >>> from skbseq.metrics import ndcg_at_k
    >>> ndcg_at_k([1, 3, float("inf")], k=20)
    0.5
    """
    return _mean_gain(ranks, k, lambda ranks: 1 / np.log2(1 + ranks))


# Beyond any catalogue; the gains of so many ranks take less than a gigabyte.
_LONGEST = 10**8
_METRICS = {"recall": recall_at_k, "mrr": mrr_at_k, "ndcg": ndcg_at_k}


def _check_k(k):
    if not is_whole(k) or k < 1:
        raise ValueError(f"k must be an integer of at least 1; got {shown(k)}.")
    if k > _LONGEST:
        raise ValueError(f"k must be at most {_LONGEST:,}; got {k!r}.")


def _mean_gain(ranks, k, gain_of):
    """Mean gain of the rows; the gain of a row is the mean over its range of ranks."""
    _check_k(k)
    first, last = _check_ranks(ranks)
    known = np.isfinite(first)
    first, last = (np.where(known, rank, 1) for rank in (first, last))
    # Not of all k: no rank is larger than the last one that occurs.
    gains = gain_of(np.arange(1.0, min(k, last.max()) + 1))
    # Cumulative gains give the sum over any range of ranks without a loop over rows.
    before = np.append(0, np.cumsum(gains))
    lo, hi = (np.minimum(rank, len(gains)).astype(np.int64) for rank in (first - 1, last))
    gain = (before[hi] - before[lo]) / (last - first + 1)
    return float(np.where(known, gain, 0).mean())


def _check_ranks(ranks):
    ranks = to_numbers("ranks", ranks)
    if ranks.ndim not in (1, 2) or (ranks.ndim == 2 and ranks.shape[1] != 2):
        raise ValueError(
            f"ranks must be of shape (n_samples,) or (n_samples, 2); got {ranks.shape}."
        )
    first, last = (ranks, ranks) if ranks.ndim == 1 else ranks.T
    if not len(first):
        raise ValueError("There is no row to score: ranks are empty.")
    # Negated comparisons, so that NaN is refused too.
    wrong = ~(first >= 1) | ~(last >= first) | (np.isinf(first) != np.isinf(last))
    if wrong.any():
        row = _frames.first_row(wrong)
        raise ValueError(
            f"Row {row} of ranks is {ranks[row].tolist()!r}; ranks begin at 1, the first possible "
            "rank comes before the last, and both are infinite for an item that is not in the "
            "catalogue."
        )
    return first, last


# ------------------------------------------------------------------ the truth


def hold_out_last(X, target=None, *, basket=None):
    """Hold out the last event of each history, or its last basket, to be predicted.

    Parameters
    ----------
    X : sequence frame
        Histories, oldest event first.
    target : str, default=None
        List column whose last value is the truth. None: the only one of strings, integers or
        booleans.
    basket : str, default=None
        List column whose equal values next to each other mark events that happened together, such
        as invoice numbers or times. All events of the last basket are then held out. Each is the
        truth of a row of its own, and all these rows hold what came before the basket. An event
        without a value is a basket of its own.

    Returns
    -------
    X : sequence frame
        The rows that have an event, without their last event in all list columns. It has the
        library of ``X``, or pandas if that was a list or an array. Histories may become empty.
        With ``basket``, each row is repeated for each id of its last basket.
    y : ndarray of shape (n_rows_left,)
        The values of the held-out events.

    Raises
    ------
    SequenceFrameError
        If the target does not exist or is ambiguous, or there is no such ``basket``.
    ValueError
        If no history holds an event.

    Notes
    -----
    If the last value is missing, the last event with a value is held out, and all events after it
    are dropped. An id that a basket holds several times is held out once. Ordinary columns are
    unchanged. A column computed from the last event, such as the number of events, would leak it.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq.metrics import hold_out_last
    >>> X = pd.DataFrame({"page": [["home", "news", "news"], ["home"], []]})
    >>> before, truth = hold_out_last(X)
    >>> before["page"].tolist()
    [['home', 'news'], []]
    >>> truth.tolist()
    ['news', 'home']

    The two products of the last invoice are held out together:

    >>> bought = pd.DataFrame({"product": [["a", "b", "c"]], "invoice": [[1, 2, 2]]})
    >>> before, truth = hold_out_last(bought, "product", basket="invoice")
    >>> before["product"].tolist(), truth.tolist()
    ([['a'], ['a']], ['b', 'c'])
    """
    columns, target = split_target(X, target, but=basket)
    values, offsets, places = present_values(columns.lists[target])
    rows = np.flatnonzero(np.diff(offsets))
    if not rows.size:
        raise ValueError(
            f"No history in {target!r} holds an event, so there is none to hold out. Pass y, or "
            "histories with events."
        )
    last = offsets[rows + 1] - 1
    stops = places[last]
    if basket is not None:
        first = basket_starts(columns, basket, target)
        rows, last, stops = _last_baskets(first, (values, places), rows, last)
    starts = columns.lists[target].offsets[rows]
    lists = columns.cut(starts, stops)
    return _with_lists(X, columns, rows, lists), to_ids(_frames.take(values, last))


def _last_baskets(first, present, rows, last):
    """Row and place of each id of the last baskets, and where what stands before them ends.

    Parameters
    ----------
    first : ndarray of int
        Where the basket of each event begins among all events.
    present : tuple of (pyarrow.Array, ndarray)
        The values of the target, and their places among all events.
    rows : ndarray of int
        Rows that hold a value.
    last : ndarray of int
        Place of their last value in ``present``.
    """
    values, places = present
    begin = first[places[last]]
    at, offsets = ranges(np.searchsorted(places, begin), last + 1)
    owner = np.repeat(np.arange(len(rows)), np.diff(offsets))
    codes, _ = _frames.encode(_frames.take(values, at))
    _, distinct = np.unique(owner * (codes.max() + 1) + codes, return_index=True)
    distinct = np.sort(distinct)
    owner, at = owner[distinct], at[distinct]
    return rows[owner], at, begin[owner]


def _with_lists(X, columns, rows, lists):
    """Some rows of a frame with other lists."""
    if _frames.is_frame(X):  # filtering keeps its library and index
        # The lists are new, so they are not copied with the rows.
        nothing = dict.fromkeys(lists, _frames.make_array(np.zeros(columns.n_rows)))
        picked = _frames.pick_rows(_frames.replace_columns(X, nothing), rows)
        return _frames.replace_columns(picked, lists)
    ordinary = {name: _frames.take(column, rows) for name, column in columns.ordinary.items()}
    names = _frames.all_names(X)
    return _frames.frame_from_columns({name: (lists | ordinary)[name] for name in names})


# ------------------------------------------------------------------ the scorer


def ranking_scorer(k=20, metrics=("recall", "mrr", "ndcg"), exclude_seen=False, basket=None):
    """Make a ranking scorer, for ``scoring=`` of scikit-learn's tools.

    Parameters
    ----------
    k : int, default=20
        Length of the list of recommendations.
    metrics : tuple of {"recall", "mrr", "ndcg"}, default=("recall", "mrr", "ndcg")
        Metrics to compute: :func:`recall_at_k`, :func:`mrr_at_k`, :func:`ndcg_at_k`.
    exclude_seen : bool, default=False
        Whether the ids of each row's own history are left out of its list. A true item that the
        history holds then counts as a miss. Only for models of the next event.
    basket : str, default=None
        List column of the baskets. Without ``y``, the last basket of each history is held out,
        and not the last event; each of its ids counts as a row. None: that of the estimator.

    Returns
    -------
    callable
        ``scorer(estimator, X, y=None)`` returns a dict with one number per metric, under names
        such as "recall@20". Without ``y``, the last event of each history is held out
        (:func:`hold_out_last`) and predicted from those before it.

    Raises
    ------
    ValueError
        If k is not a positive integer, a metric is unknown, exclude_seen is not a boolean, or
        basket not a name.
    TypeError
        If the scorer gets no data, or an estimator without ``predict_proba`` or ``classes_``; or
        with ``exclude_seen`` one that is no model of the next event.

    Notes
    -----
    The scorer accepts any classifier with ``classes_`` and ``predict_proba``. Scores are computed
    once for all metrics, for some rows at a time, so that a large catalogue needs no more memory
    than a small one. In a search, name the metric to optimise: ``refit="recall@20"``.

    Examples
    --------
    >>> from sklearn.model_selection import cross_validate
    >>> from skbseq import MarkovChain
    >>> from skbseq.metrics import ranking_scorer
    >>> X = [["home", "news", "sport"], ["home", "news"], ["news", "sport"], ["home", "news"]]
    >>> scores = cross_validate(MarkovChain(), X, cv=2, scoring=ranking_scorer(k=1))
    >>> scores["test_recall@1"].tolist()
    [1.0, 1.0]
    """
    return _RankingScorer(k, metrics, exclude_seen, basket)


class _RankingScorer:
    """The scorer of :func:`ranking_scorer`; unlike a nested function, it can be pickled."""

    exclude_seen, basket = False, None  # of pickles of earlier versions

    def __init__(self, k, metrics, exclude_seen=False, basket=None):
        check_flag("exclude_seen", exclude_seen)
        if basket is not None and not isinstance(basket, str):
            raise ValueError(f"basket must be the name of a list column; got {shown(basket)}.")
        names = as_names("metrics", metrics, empty=True)
        unknown = [name for name in names if name not in _METRICS]
        if unknown or not names:
            raise ValueError(
                f"metrics must name some of {', '.join(map(repr, _METRICS))}; got {metrics!r}."
            )
        _check_k(k)
        self.k = int(k)
        self.metrics = tuple(names)
        self.exclude_seen = bool(exclude_seen)
        self.basket = basket

    def __repr__(self):
        rest = ", exclude_seen=True" if self.exclude_seen else ""
        rest += "" if self.basket is None else f", basket={self.basket!r}"
        return f"ranking_scorer(k={self.k}, metrics={self.metrics}{rest})"

    def __call__(self, estimator, X, y=None):
        """Score a fitted estimator."""
        check_is_data(X)
        if y is None:
            last = _last_step_of(estimator)
            basket = getattr(last, "_basket", None) if self.basket is None else self.basket
            X, y = hold_out_last(X, getattr(last, "target_", None), basket=basket)
        ranks = _ranks(estimator, X, y, self.exclude_seen)
        return {f"{name}@{self.k}": _METRICS[name](ranks, self.k) for name in self.metrics}


def _last_step_of(estimator):
    """The estimator that predicts: the best of a search, the last step of a pipeline."""
    estimator = getattr(estimator, "best_estimator_", estimator)
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _ranks(estimator, X, y, exclude_seen):
    estimator = getattr(estimator, "best_estimator_", estimator)
    last = _last_step_of(estimator)
    if not hasattr(last, "true_ranks"):
        if exclude_seen:
            raise TypeError(
                "exclude_seen=True needs a model of the next event, such as MarkovChain, which "
                f"knows what a history holds; got {shown(last)}. Leave it at False."
            )
        return _ranks_by_probability(estimator, X, y)
    # All rows in one call: looking up the ids in a large catalogue for each few rows is slow.
    if last is not estimator and len(estimator.steps) > 1:
        X = estimator[:-1].transform(X)
    return last.true_ranks(X, y, exclude_seen)


def _ranks_by_probability(estimator, X, y):
    if not hasattr(estimator, "predict_proba") or not hasattr(estimator, "classes_"):
        raise TypeError(
            "The ranking scorer needs a fitted classifier with predict_proba and classes_; got "
            f"{shown(estimator)}."
        )
    n_rows, classes = _frames.n_rows(X), estimator.classes_
    index = true_index(y, n_rows, classes)
    # In parts, because the scores of all rows over a large catalogue would fill the memory.
    step = rows_at_a_time(len(classes))
    parts = [np.zeros((0, 2))]
    for start in range(0, n_rows, step):
        part = _frames.slice_rows(X, start, start + step)
        parts.append(true_ranks(estimator.predict_proba(part), index[start : start + step]))
    return np.concatenate(parts)
