"""SequenceVectorizer: histories as rows of a flat feature table, for any model."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import (
    Interval,
    RealNotInt,
    StrOptions,
    check_feature_names_in,
    fit_context,
    output_library,
    shown,
    validate_sequence_array,
)
from skbseq._sequences import array_lengths
from skbseq._state import FillsParameters, all_or_nothing
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._evidence import code, warn, warn_if_empty
from skbseq.preprocessing._vectorize_events import array_events
from skbseq.preprocessing._vectorize_groups import GROUPS, context
from skbseq.preprocessing._vectorize_schema import Schema, specified_channels, warn_of_doubts

# With "auto", a table of more columns and of more bytes (1 GiB) is sparse. It is decided at fit,
# because a model that was trained on dense rows must get dense rows.
_WIDE = 1000
_LARGE = 2**30


class SequenceVectorizer(FillsParameters, TransformerMixin, BaseEstimator):
    """Turn each history into one row of named features, for any scikit-learn model.

    The features of a row depend only on that row and on the vocabularies learned at fit.

    A numeric array of shape (n_samples, n_steps) or (n_samples, n_steps, n_channels) is read as
    numeric channels without times; NaN at the end of a row is padding.

    Parameters
    ----------
    groups : "all" or list of str, default="all"
        Groups of features to compute; see Notes. "all": every group for which the frame has the
        required columns. A group requested by name must have them.
    categorical : list of str, default=None
        Channels to count. None: those of strings, categoricals, booleans and integers.
    numeric : list of str, default=None
        Channels to sum. None: those of floats.
    time : str, default=None
        Channel of the times of the events. None: the one of timestamps, if there is one.
    context : list of str, default=None
        Ordinary columns to add. None: none. Numbers are unchanged; other values become one
        column per category.
    behavior : str, default=None
        Categorical channel of the behaviors, for n-grams and for features per behavior. None:
        the channel with the fewest categories.
    windows : tuple of str or timedelta, default=("7D", "30D", "90D")
        Spans before the cutoff in which events are counted and amounts summed.
    ngram_range : tuple of (int, int), default=(2, 2)
        Shortest and longest n-gram of behaviors to count; (2, 2) counts transitions.
    max_ngrams : int, default=100
        Maximum number of n-grams of each length with a column; the most frequent are kept. None:
        no limit.
    min_frequency : int or float, default=1
        Minimum number of occurrences at fit (float: share of the events) for a category or
        n-gram to get a column of its own.
    max_categories : int, default=100
        Maximum number of categories of a channel with columns of their own. None: no limit.
    log : bool, default=False
        Replace unbounded features (days, counts, amounts) by
        :math:`\\operatorname{sign}(x) \\log(1 + |x|)`, which helps linear models and networks
        and makes no difference to trees.
    fill_value : float, default=nan
        Value of undefined features, such as the recency of an empty history.
    sparse_output : bool or "auto", default="auto"
        Whether to return a sparse matrix. "auto": if there are more than 1,000 columns, which for
        the samples of the fit would take more than 1 GiB as an array, and ``set_output`` does not
        request a table; a warning says so. Many models, such as
        :class:`~sklearn.ensemble.HistGradientBoostingClassifier`, take no sparse matrix.
    cutoff : str, default="cutoff"
        Ordinary column with the moment of prediction.

    Attributes
    ----------
    groups_ : list of str
        The computed groups of features.
    behavior_ : str or None
        The channel of the behaviors.
    categories_ : dict of str to ndarray of object
        For each categorical channel, the categories that have columns of their own, in order
        of frequency. Missing (None) is a category.
    n_features_in_ : int
        Number of columns of the frame, or of time steps of an array, seen at fit.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a frame.

    Raises
    ------
    SequenceFrameError
        If the frame has no channel, a group lacks a required column, the lists of a row differ in
        length, a value is infinite, an event lies after its cutoff, or times run backwards.

    Notes
    -----
    Spans are in days; logarithms are natural. ``w`` is a window, ``c`` a category or "missing" or
    "other", ``b`` a behavior, ``x`` a channel. The groups:

    - "recency": days from the last event to the cutoff, also by behavior (``x_b_recency``).
    - "frequency": number of events, number of days with events, number of events by window.
    - "tenure": days from the first event to the cutoff.
    - "monetary": sum, mean, std, min, max and last value of numeric channels; sums by window
      and by behavior; number of missing values, if fit saw any.
    - "counts": number of events of each category, and of each behavior by window.
    - "shares": share of each category among all events.
    - "ngrams": number of occurrences of each n-gram of behaviors.
    - "gaps": days between events: mean, std, min, max and last; ``gap_variation`` is std over
      mean, ``gap_last_ratio`` last over mean, ``gap_overdue`` recency over mean.
    - "trend": :math:`\\log((1 + n_1) / (1 + n_2))` with the number of events in the window and in
      the preceding window of equal length.
    - "entropy": entropy :math:`-\\sum p \\log p` of the values of categorical channels, number of
      distinct values, and share of events that repeat an earlier value.
    - "profile": share of the events by six-hour part of the day and by weekday, in the local
      time of the time zone seen at fit.
    - "last": 1 for the category of the last event.

    A window holds the events less than its length before the cutoff. Counts and sums of no events
    are 0. Undefined features (the mean of nothing, the gap of a single event, a ratio to 0) are
    ``fill_value``. A feature that is undefined for all training samples is left out. Standard
    deviations divide by n. Numbers beyond 1e100 are clipped.

    Recency, frequency and monetary value are the classic summary of a customer's history:
    Fader, Hardie and Lee (2005), "RFM and CLV", Journal of Marketing Research 42(4).

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq.preprocessing import SequenceVectorizer
    >>> days = pd.to_datetime(["2026-05-01", "2026-05-31"])
    >>> X = pd.DataFrame(
    ...     {
    ...         "cutoff": pd.to_datetime(["2026-06-01", "2026-06-01"]),
    ...         "when": [list(days), [days[1]]],
    ...         "what": [["view", "buy"], ["view"]],
    ...     }
    ... )
    >>> vectorizer = SequenceVectorizer(["frequency", "counts"], windows=["7D"])
    >>> vectorizer.set_output(transform="pandas").fit_transform(X).T
                           0    1
    frequency            2.0  1.0
    active_days          2.0  1.0
    frequency_7D         1.0  1.0
    what_view_count      1.0  1.0
    what_buy_count       1.0  0.0
    what_other_count     0.0  0.0
    what_view_count_7D   0.0  1.0
    what_buy_count_7D    1.0  0.0
    what_other_count_7D  0.0  0.0
    """

    _parameter_constraints = {
        "groups": [StrOptions({"all"}), list, tuple],
        "categorical": [list, tuple, None],
        "numeric": [list, tuple, None],
        "time": [str, None],
        "context": [list, tuple, None],
        "behavior": [str, None],
        "windows": [list, tuple],
        "ngram_range": [tuple, list],
        "max_ngrams": [Interval(Integral, 1, None, closed="left"), None],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
        ],
        "max_categories": [Interval(Integral, 1, None, closed="left"), None],
        "log": ["boolean"],
        "fill_value": [Interval(Real, None, None, closed="neither"), "nan"],
        "sparse_output": ["boolean", StrOptions({"auto"})],
        "cutoff": [str],
    }

    def __init__(
        self,
        groups="all",
        *,
        categorical=None,
        numeric=None,
        time=None,
        context=None,
        behavior=None,
        windows=("7D", "30D", "90D"),
        ngram_range=(2, 2),
        max_ngrams=100,
        min_frequency=1,
        max_categories=100,
        log=False,
        fill_value=np.nan,
        sparse_output="auto",
        cutoff="cutoff",
    ):
        self.groups = groups
        self.categorical = categorical
        self.numeric = numeric
        self.time = time
        self.context = context
        self.behavior = behavior
        self.windows = windows
        self.ngram_range = ngram_range
        self.max_ngrams = max_ngrams
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.log = log
        self.fill_value = fill_value
        self.sparse_output = sparse_output
        self.cutoff = cutoff

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn vocabularies and the names of the features.

        Parameters
        ----------
        X : sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            The training samples.
        y : None
            Ignored.

        Returns
        -------
        SequenceVectorizer
            The fitted vectorizer itself.

        Raises
        ------
        SequenceFrameError
            If X is a sequence frame without channels, or a column does not fit or cannot be read.
        ValueError
            If a parameter holds an invalid value, a window cannot be read, or X is an array that
            cannot be read as numbers.
        TypeError
            If X is not data, such as None or a string, or a window neither a string nor a
            timedelta.
        """
        with all_or_nothing(self):
            for name in ("feature_names_in_", "array_ndim_"):
                vars(self).pop(name, None)
            self._check_options()
            is_frame = _frames.is_sequence_frame(X)
            events = self._fit_frame(X) if is_frame else self._fit_array(X)
            self._fit_names(events)
            self._warn_of_sparse(events.n_samples)
        return self

    def _fit_names(self, events):
        """Name the features that are defined for at least one training sample."""
        names, found = [], []
        for block in self._blocks(events):
            names += block.names
            found.append(_has_values(block))
        # scikit-learn's gradient boosting refuses a column that is missing throughout.
        found = np.concatenate([*found, np.zeros(0, bool)])
        if not found.any():
            raise SequenceFrameError(
                f"No feature is left: groups={self.groups!r} and context={self.context!r} "
                "give no feature that is defined for any sample."
            )
        self.found_ = found
        n_columns = int(found.sum())
        self.large_ = n_columns > _WIDE and n_columns * events.n_samples * 8 > _LARGE
        self.names_ = make_unique([n for n, there in zip(names, found, strict=True) if there])

    def _warn_of_sparse(self, n_samples):
        if self.sparse_output == "auto" and self._is_sparse():
            n_columns = len(self.names_)
            warn(
                f"SequenceVectorizer returns a sparse matrix, because {n_samples:,} rows of "
                f"{n_columns:,} columns would take {n_samples * n_columns * 8 / 2**30:.1f} GiB as "
                "an array. For a model that takes no sparse matrix, such as "
                "HistGradientBoostingClassifier, make fewer columns, for instance by "
                f"{code(self, {'max_categories': 20, 'max_ngrams': 20})}, or "
                f"{code(self, {'sparse_output': False})}. To keep it sparse: "
                f"{code(self, {'sparse_output': True})}."
            )

    def _check_options(self):
        if not isinstance(self.groups, str):
            for name in self.groups:
                if not isinstance(name, str) or name not in GROUPS:
                    raise ValueError(f"groups may hold {', '.join(GROUPS)}; got {shown(name)}.")
        try:
            least, most = self.ngram_range
            right = 1 <= least <= most and isinstance(least + most, Integral)
        except (TypeError, ValueError):
            right = False
        if not right:
            raise ValueError(
                "ngram_range must be two integers, the shortest n-gram and the longest, such as "
                f"(1, 2); got {self.ngram_range!r}."
            )

    def _fit_frame(self, X):
        options = self.get_params(deep=False)
        columns = _frames.split_sequences(X, channels=specified_channels(options), nested=True)
        if columns.n_rows == 0:
            raise SequenceFrameError("The frame has no rows; fit needs at least one sample.")
        self.schema_ = Schema(columns, self)
        warn_of_doubts(self, columns, self.schema_)
        names = _frames.all_names(X)
        self.n_features_in_ = len(names)
        if _frames.is_frame(X):
            self.feature_names_in_ = np.array(names, dtype=object)
        events = self.schema_.read(columns)
        self.schema_.learn_events(events, options)
        return events

    def _fit_array(self, X):
        X = validate_sequence_array(self, X, reset=True)
        n_channels = X.shape[2] if X.ndim == 3 else 1
        options = self.get_params(deep=False)
        if self.context or specified_channels(options):
            raise SequenceFrameError(
                "An array has no columns to name; leave categorical, numeric, time and context "
                "at None, or give a sequence frame."
            )
        self.schema_ = Schema.of_array([f"x{i}" for i in range(n_channels)], options)
        self.array_ndim_ = X.ndim
        events = self._array_events(X)
        warn_if_empty(self, len(X), events.offsets[-1])
        self.schema_.learn_events(events, options)
        return events

    def _array_events(self, X):
        lengths = array_lengths(X)
        return array_events(X if X.ndim == 3 else X[..., None], lengths, self.schema_.numeric)

    def transform(self, X):
        """Compute the features of samples.

        Parameters
        ----------
        X : sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples with the columns seen at fit, in any order.

        Returns
        -------
        ndarray or CSR matrix of float64 of shape (n_samples, n_features)
            One row per sample; a table if ``set_output`` requests one.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen at fit, or holds values of another type.
        ValueError
            If X is an array of another shape than at fit.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        check_is_fitted(self)
        if hasattr(self, "array_ndim_"):
            return self._assemble(self._transform_array(X))
        channels = self.schema_.channels()
        columns = _frames.split_if_sequences(X, bare_lists=True, channels=channels, nested=True)
        if columns is None:
            raise SequenceFrameError(
                "The vectorizer was fitted on a sequence frame with the channels "
                f"{', '.join(map(repr, channels))}; got a {type(X).__name__} without lists."
            )
        return self._assemble(self.schema_.read(columns))

    def _transform_array(self, X):
        if _frames.is_sequence_frame(X):
            raise SequenceFrameError(
                f"The vectorizer was fitted on an array of {self.array_ndim_} dimensions; got a "
                f"{type(X).__name__} that is a sequence frame."
            )
        X = validate_sequence_array(self, X, reset=False)
        n_channels = len(self.schema_.numeric)
        if X.ndim != self.array_ndim_ or (X.ndim == 3 and X.shape[2] != n_channels):
            raise ValueError(
                f"X has shape {X.shape}; the vectorizer was fitted on an array of "
                f"{self.array_ndim_} dimensions and {n_channels} channels."
            )
        return self._array_events(X)

    def _blocks(self, events):
        """The blocks of columns of all groups, one after another."""
        for name in self.schema_.groups:
            yield from GROUPS[name][0](events, self.schema_)
        yield from context(events, self.schema_)

    def _assemble(self, events):
        """The blocks side by side.

        Each block is written into the result when it is made, so that there is never a second
        copy of all features in memory.
        """
        as_sparse = self._is_sparse()
        # Zeros, because sparse blocks only write their other values.
        result = None if as_sparse else np.zeros((events.n_samples, len(self.names_)))
        parts, seen, begin = [], 0, 0
        for block in self._blocks(events):
            found = self.found_[seen : seen + len(block.names)]
            seen += len(block.names)
            values = self._finish(block, found)
            end = begin + values.shape[1]
            if as_sparse:
                parts.append(sparse.csr_matrix(values))
            elif sparse.issparse(values):
                rows = np.repeat(np.arange(events.n_samples), np.diff(values.indptr))
                result[rows, begin + values.indices] = values.data
            else:
                result[:, begin:end] = values
            begin = end
        return sparse.hstack(parts, format="csr") if as_sparse else result

    def _is_sparse(self):
        if self.sparse_output != "auto":
            return self.sparse_output
        # A vectorizer saved by an earlier version has no `large_`: only the width decided.
        large = vars(self).get("large_", len(self.names_) > _WIDE)
        return bool(large) and output_library(self) is None

    def _finish(self, block, found):
        """Values of a block, with logarithms and ``fill_value`` applied."""
        if callable(block.values):
            values = block.values()
            if self.log and block.unbounded:  # the logarithm keeps zeros, so only the others
                values.data = _signed_log(values.data)
            return values
        values = block.values if found.all() else block.values[:, found]
        if self.log and block.unbounded:
            values = _signed_log(values)
        fill_value = float(self.fill_value)  # an integer may exceed 64 bits
        if not np.isnan(fill_value):
            values = np.where(np.isnan(values), fill_value, values)
        return values

    @property
    def groups_(self):
        """The computed groups of features."""
        check_is_fitted(self)
        return list(self.schema_.groups)

    @property
    def behavior_(self):
        """The channel of the behaviors; None if there is none."""
        check_is_fitted(self)
        return self.schema_.behavior

    @property
    def categories_(self):
        """Categories of each categorical channel, in order of frequency."""
        check_is_fitted(self)
        return {n: c.vocabulary.categories() for n, c in self.schema_.categories.items()}

    def get_feature_names_out(self, input_features=None):
        """Names of the features.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns at fit. They are checked and have no other effect.

        Returns
        -------
        ndarray of str
            One name per feature.
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return np.array(self.names_, dtype=object)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "names_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def _signed_log(values):
    return np.sign(values) * np.log1p(np.abs(values))


def _has_values(block):
    """Mask of the columns that are defined for some row."""
    if callable(block.values):  # sparse blocks have no NaN
        return np.ones(len(block.names), bool)
    return ~np.isnan(block.values).all(axis=0)


def make_unique(names):
    """The names; a repeated one gets underscores appended until it is unique."""
    taken, seen = set(names), set()
    for i, name in enumerate(names):
        if name in seen:
            while name in taken or name in seen:
                name = f"{name}_"
        seen.add(name)
        names[i] = name
    return names
