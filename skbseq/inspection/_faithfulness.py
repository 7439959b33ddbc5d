"""deletion_insertion: whether the events that are said to matter change the prediction most."""

import numpy as np

from skbseq import _frames
from skbseq._checks import check_count, check_random_state, shown, to_numbers
from skbseq._sequences import offsets_of
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection._answers import Answers
from skbseq.inspection._explanation import EventExplanation
from skbseq.inspection._subsets import Subsets, of_lowest_ranks, ranks_of

__all__ = ["Faithfulness", "deletion_insertion"]

_ORDERS = ("chosen", "reversed", "random")
# Of a normal distribution: 99.9% of it lies within so many standard errors.
_Z = 3.291


class Faithfulness:
    """Areas under the curves of :func:`deletion_insertion`, which makes it.

    The parameters are also attributes.

    Parameters
    ----------
    shares : ndarray of float64 of shape (n_steps + 1,)
        Shares of the events that are deleted, or inserted, from 0 to 1.
    deletion, insertion : dict of str to ndarray of float64 of shape (n_steps + 1,)
        Mean answers at these shares by order of the events: "chosen", from the largest
        contribution to the smallest; "reversed"; and "random".
    gaps : ndarray of float64 of shape (n_samples,)
        For each row, the area under the deletion curve in the reversed order less that in the
        chosen one; NaN for rows without events.
    random_gaps : ndarray of float64 of shape (n_samples,)
        The same for random orders and their reverse.
    unit : str
        Unit of the answers, areas and gaps.

    See Also
    --------
    deletion_insertion : Measures how faithful contributions are.

    Examples
    --------
    >>> import numpy as np
    >>> from skbseq.inspection import Faithfulness
    >>> falls, rises, line = np.array([2.0, 0.0, 0.0]), np.array([2.0, 4.0, 0.0]), np.ones(3)
    >>> result = Faithfulness(
    ...     shares=np.array([0.0, 0.5, 1.0]),
    ...     deletion={"chosen": falls, "reversed": rises, "random": line},
    ...     insertion={"chosen": rises[::-1], "reversed": falls[::-1], "random": line},
    ...     gaps=np.array([2.0, 2.1, 1.9]),
    ...     random_gaps=np.array([0.0, 0.1, -0.1]),
    ...     unit="log-odds",
    ... )
    >>> result.gap, result.is_faithful
    (2.0, True)
    >>> result.frame()
          order  deletion  insertion
    0    chosen       0.5        2.5
    1  reversed       2.5        0.5
    2    random       1.0        1.0
    """

    def __init__(self, *, shares, deletion, insertion, gaps, random_gaps, unit):
        self.shares, self.deletion, self.insertion = shares, deletion, insertion
        self.gaps, self.random_gaps, self.unit = gaps, random_gaps, unit

    def __repr__(self):
        low, high = self.interval
        return (
            f"<Faithfulness: gap {self.gap:.2f} {self.unit} ({low:.2f} to {high:.2f} above random "
            f"orders), {'faithful' if self.is_faithful else 'not shown to be faithful'}>"
        )

    @property
    def gap(self):
        """Mean of ``gaps``."""
        return float(np.nanmean(self.gaps))

    @property
    def random_gap(self):
        """Mean of ``random_gaps``: near 0."""
        return float(np.nanmean(self.random_gaps))

    @property
    def interval(self):
        """Interval of 99.9% of the mean difference of ``gaps`` and ``random_gaps``, over rows."""
        difference = (self.gaps - self.random_gaps)[~np.isnan(self.gaps)]
        if len(difference) < 2:
            return -np.inf, np.inf
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        return float(difference.mean() - _Z * error), float(difference.mean() + _Z * error)

    @property
    def is_faithful(self):
        """Whether the interval lies above 0: the order is better than a random one."""
        return bool(self.interval[0] > 0)

    def frame(self):
        """Areas by order.

        Returns
        -------
        pandas.DataFrame
            ``order``; ``deletion``, the area under the deletion curve, small if the first events
            matter most; and ``insertion``, large if they do.
        """
        areas = {"order": list(_ORDERS)}
        for name in ("deletion", "insertion"):
            areas[name] = [_area(getattr(self, name)[order][None])[0] for order in _ORDERS]
        return _frames.frame_from_columns(areas)


def deletion_insertion(
    model, X, contributions, *, target=None, n_steps=10, n_random=5, random_state=None
):
    """Measure how faithful contributions are, by deleting events in their order.

    If contributions are faithful, then the answer falls fast when the events with the largest are
    deleted first, and rises when those with the smallest are.

    Parameters
    ----------
    model : estimator
        The fitted model whose predictions are explained.
    X : sequence frame of shape (n_samples, n_columns)
        The histories that are explained.
    contributions : EventExplanation, or list column of n_samples rows
        Result of :func:`explain_events`, or a number for each event of each row.
    target : object, default=None
        As for :func:`explain_events`. None: that of the explanation, or the default.
    n_steps : int, default=10
        Number of steps from no event to all.
    n_random : int, default=5
        Number of random orders to compare with.
    random_state : int, RandomState instance or None, default=None
        Seed of the random orders.

    Returns
    -------
    Faithfulness
        Curves, areas, gaps, and whether the order is better than a random one.

    Raises
    ------
    SequenceFrameError
        If the contributions are not one number for each event of X.
    ValueError
        If no row has an event, or a parameter is not valid.

    See Also
    --------
    explain_events : Makes contributions.

    Notes
    -----
    The area under a deletion curve is the mean answer while the events of a history are deleted
    one after the other [1]_, and that under an insertion curve the same while they are inserted
    into an empty history. Inserting in an order passes through the same histories as deleting in
    the reverse order, so the gap of the reversed and the chosen deletion area is that of the
    insertion and the deletion area of the chosen order, too.

    Half-empty histories are unlike those of the training data. The figures compare explanations
    of one model; they do not compare models.

    References
    ----------
    .. [1] Petsiuk, V., Das, A. and Saenko, K. (2018). RISE: Randomized input sampling for
       explanation of black-box models. BMVC.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skbseq import SequenceVectorizer
    >>> from skbseq.inspection import deletion_insertion, explain_events
    >>> X = pd.DataFrame({"what": [["view", "cart", "view"], ["exit", "view", "view"]] * 20})
    >>> imputer = SimpleImputer(keep_empty_features=True)
    >>> model = make_pipeline(SequenceVectorizer(), imputer, LogisticRegression())
    >>> model = model.fit(X, [1, 0] * 20)
    >>> result = deletion_insertion(model, X, explain_events(model, X), random_state=0)
    >>> result.is_faithful
    True
    """
    check_count("n_steps", n_steps)
    check_count("n_random", n_random)
    rng, subsets = check_random_state(random_state), Subsets(X)
    keys = _read_contributions(contributions, subsets)
    if target is None and isinstance(contributions, EventExplanation):
        target = contributions.targets
        if target is not None and contributions.unit == "prediction":
            target = target[0]
    answers = Answers(model, X, target)
    if not subsets.n_events:
        raise ValueError("No row of X has an event, so there is nothing to delete.")
    curves = _Curves(answers, subsets, n_steps)
    chosen = ranks_of(-keys, subsets.lengths)
    chosen, against = curves.both_ways(chosen)
    draws = [rng.random_sample(subsets.n_events) for _ in range(n_random)]
    pairs = [curves.both_ways(ranks_of(draw, subsets.lengths)) for draw in draws]
    random = np.mean([np.mean(pair, axis=0) for pair in pairs], axis=0)
    some = subsets.lengths > 0
    deletion = dict(zip(_ORDERS, (chosen, against, random), strict=True))
    # Inserting in an order is deleting in the reverse order, read backwards.
    insertion = dict(zip(_ORDERS, (against, chosen, random), strict=True))
    gaps = [_area(back) - _area(forth) for forth, back in [(chosen, against), *pairs]]
    gaps = np.where(some, gaps, np.nan)
    return Faithfulness(
        shares=np.linspace(0, 1, n_steps + 1),
        deletion={name: curve[some].mean(axis=0) for name, curve in deletion.items()},
        insertion={name: curve[some, ::-1].mean(axis=0) for name, curve in insertion.items()},
        gaps=gaps[0],
        random_gaps=gaps[1:].mean(axis=0),
        unit=answers.unit,
    )


class _Curves:
    """Answers while events are deleted.

    Parameters
    ----------
    answers : Answers
    subsets : Subsets
    n_steps : int
    """

    def __init__(self, answers, subsets, n_steps):
        self._answers, self._subsets, self._n = answers, subsets, n_steps
        steps = np.arange(n_steps + 1)
        lengths = subsets.lengths[:, None]
        # Rounded so that what is deleted and what is left are symmetric.
        low = lengths * steps // n_steps
        high = lengths - lengths * (n_steps - steps) // n_steps
        self._counts = np.where(2 * steps <= n_steps, low, high)

    def both_ways(self, ranks):
        """Deletion curves in the order of the ranks and in the reverse order.

        Returns
        -------
        tuple of two ndarray of shape (n_samples, n_steps + 1)
        """
        lengths = self._subsets.lengths
        reverse = np.repeat(lengths - 1, lengths) - ranks
        # What is left when the first are deleted are the first of the reverse order.
        return self._kept(reverse)[:, ::-1], self._kept(ranks)[:, ::-1]

    def _kept(self, ranks):
        """Answers for more and more events, in the order of the ranks."""
        rows = np.repeat(np.arange(len(self._subsets)), self._n + 1)
        lengths, begins = self._subsets.lengths[rows], self._subsets.offsets[:-1][rows]
        kept_of = of_lowest_ranks(ranks, begins, lengths, self._counts.ravel())
        found = self._answers.of_variants(self._subsets, rows, kept_of)
        return found.reshape(-1, self._n + 1)


def _area(curves):
    """Area under each curve, with shares from 0 to 1."""
    return (curves[:, 1:] + curves[:, :-1]).mean(axis=1) / 2


def _read_contributions(contributions, subsets):
    """One number per event."""
    if isinstance(contributions, EventExplanation):
        flat, lengths = contributions.flat, contributions.lengths
    else:
        column = _frames.read_column(contributions, "contributions")
        if _frames.kind_of(column.type) != "list":
            raise SequenceFrameError(
                "contributions must be an EventExplanation or a list column with a number for "
                f"each event; got {shown(contributions)}."
            )
        lists = _frames.to_lists(column, "contributions")
        flat, lengths = to_numbers("contributions", _frames.numbers(lists.values)), lists.lengths
    if len(lengths) != len(subsets):
        raise SequenceFrameError(
            f"contributions has {len(lengths):,} rows and X has {len(subsets):,}. Give the "
            "explanation of these very rows."
        )
    if (lengths != subsets.lengths).any():
        row = _frames.first_row(lengths != subsets.lengths)
        raise SequenceFrameError(
            f"Row {row} has {lengths[row]} contributions and {subsets.lengths[row]} events. Give "
            "one number for each event of X."
        )
    if not np.isfinite(flat).all():
        at = _frames.first_row(~np.isfinite(flat))
        row = int(np.searchsorted(offsets_of(lengths), at, side="right")) - 1
        raise SequenceFrameError(f"Row {row} of contributions holds a missing or infinite number.")
    return flat
