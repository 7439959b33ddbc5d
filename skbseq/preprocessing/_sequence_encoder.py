"""SequenceEncoder: encode categories, numbers, times, texts and vectors of histories."""

from functools import cache
from numbers import Integral
from types import MappingProxyType

import numpy as np
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
from skbseq._inputs import check_is_raw
from skbseq._sequences import array_lengths
from skbseq._state import FillsParameters, all_or_nothing
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._channels import (
    TIME_FEATURES,
    CategoricalChannel,
    NumericChannel,
    SmoothScale,
    TimeChannel,
    fingerprint,
)
from skbseq.preprocessing._choice import (
    LIMITS,
    check_column,
    check_limits,
    choose_channels,
    specified_channels,
    with_limits,
)
from skbseq.preprocessing._context import ContextColumn
from skbseq.preprocessing._evidence import Facts, Owners, warn_if_empty, warn_of_choices
from skbseq.preprocessing._place import Place, RowPlace
from skbseq.preprocessing._summary import DescribesColumns
from skbseq.preprocessing._text import ANALYZERS, TextChannel, read_analysis
from skbseq.preprocessing._vector import VectorChannel

_CHANNELS = {
    "categorical": CategoricalChannel,
    "numeric": NumericChannel,
    "time": TimeChannel,
    "text": TextChannel,
    "vector": VectorChannel,
}
_FITTED = (
    *("channels_", "_marks", "feature_names_in_", "steps_scale_", "array_ndim_"),
    *("_columns", "_library"),
)


class SequenceEncoder(DescribesColumns, FillsParameters, TransformerMixin, BaseEstimator):
    """Encode a sequence frame: categories as codes, everything else as scaled floats.

    A sequence frame has one row per sample. Its list columns, the channels, hold the sample's
    history, oldest event first. Its ordinary columns hold what is known at the cutoff. The result
    is a sequence frame of the same library, whose list columns hold integer codes or floats and
    whose ordinary columns are numbers.

    A numeric array of shape (n_samples, n_steps) or (n_samples, n_steps, n_channels) is scaled
    and stays an array; NaN at the end of a row is padding. A frame of only numbers, without a
    list column, is read as such an array with its columns as time steps.

    Parameters
    ----------
    categorical : list of str, default=None
        Channels to encode as codes. None: those of strings, categoricals, booleans and integers.
    numeric : list of str, default=None
        Channels to scale. None: those of floats.
    time : list of str, default=None
        Channels of timestamps. None: all of them.
    text : list of str, default=None
        Channels of texts, such as product titles. Each becomes a few floats based on its words.
        None: none; strings are categories.
    vector : list of str, default=None
        Channels with a list of numbers per event, all of one size, such as embeddings of product
        images. Each component becomes a channel. None: those of lists of floats.
    context : list of str, default=None
        Ordinary columns to use. None: none, so that a user id never becomes a feature by
        accident. Numbers are scaled; other values become one column per category.
    min_frequency : int, float or dict, default=1
        Minimum number of occurrences at fit (float: share of the events) for a category to get
        a code of its own. A dict gives it by column; columns that it does not name have 1.
    max_categories : int or dict, default=None
        Maximum number of categories of a channel with codes of their own. None: no limit. A dict
        gives it by column.
    hash_buckets : int or dict, default=None
        Number of further codes that the categories without a code of their own share, chosen by
        a hash of the value. None: all of these have code 1. A dict gives it by channel. Context
        columns have no buckets.
    handle_unknown : {"encode", "error"}, default="encode"
        How to handle a category without a code, in a channel or a context column: give it code
        1, or raise an error. A category that was too rare at fit has no code either, unless
        ``hash_buckets`` gives it one.
    time_features : tuple of {"gap", "age", "hour", "weekday"}, \
default=("gap", "age", "hour", "weekday")
        Features of a time channel: logarithm of the seconds since the preceding event, and of
        the seconds until the cutoff; hour of the day and day of the week as points on a circle,
        in the time zone that the channel had at fit.
    max_length : int, default=None
        Keep the last ``max_length`` events of each history, and fit on these only. None: all.
    cutoff : str, default="cutoff"
        Ordinary column with the moment of prediction, for the feature "age".
    text_size : int, default=16
        Maximum number of components of a text channel. There are fewer if the texts differ in
        fewer directions.
    text_analyzer : {"word", "char", "char_wb"} or callable, default="word"
        What text channels are made of: words; n-grams of characters, for scripts without spaces
        and for spelling; or such n-grams within words only. A function is given a text and
        returns the list of its words. :func:`skbseq.save` needs one that can be imported.
    text_ngram_range : tuple of (int, int), default=None
        Shortest and longest n-gram of words or characters. None: (1, 1) for words and (1, 3) for
        characters. Has no use with a function.
    random_state : int, RandomState instance or None, default=None
        Seed of the randomized decomposition of texts. Nothing else is random.

    Attributes
    ----------
    categories_ : dict of str to ndarray of object
        For each categorical channel, its categories in order of frequency. The first has code
        2; code 0 is padding, code 1 is unknown or rare. Missing (None) is a category. Hashed
        categories are not listed; their codes follow after the last one.
    n_features_in_ : int
        Number of columns of the frame, or of time steps of an array, seen at fit.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a frame.

    Raises
    ------
    SequenceFrameError
        If the frame has no channel, the lists of a row differ in length, a value is infinite,
        vectors differ in size, an event lies after its cutoff, or times run backwards.

    Notes
    -----
    Numbers are scaled by the median and the quartiles,
    :math:`\\operatorname{arsinh}(2 (x - q_{50}) / (q_{75} - q_{25}))`. This is linear in the
    middle and logarithmic in the tails, so that outliers do not dominate but keep their order. A
    missing number becomes the median; if any was missing at fit, a channel ``<name>_missing``
    flags it. Missing texts and vectors become zeros, with the same flag.

    With ``hash_buckets=b``, a category without a code of its own gets the code
    ``2 + len(categories) + hash % b``. The hash is the same in each process and library. If no
    category of the training data fell into that bucket, a model would have learned nothing for
    its code, so a second hash picks one of the used buckets; if there is none, the code is 1. So
    a new product is treated like some of the rare ones.

    Texts are encoded by latent semantic analysis [1]_. Their words (or n-grams of characters, see
    ``text_analyzer``), ignoring case and limited to the 20,000 most frequent, are weighted by
    TF-IDF, and projected on the first singular vectors of the distinct texts of the training
    data.

    A type does not say all of a column. ``fit`` warns (:class:`~.exceptions.SequenceFrameWarning`)
    of channels that no parameter names and whose values contradict the choice, with the call that
    follows them and the call that keeps the choice:

    - strings or integers with at least 50 distinct values that are nearly unique: at least 0.9
      times as many values as events, or 90% of the events with a value of one history only (of
      at least 20), one moment, or one value of an ordinary column (of at least 100), as order
      numbers;
    - integers with more than 20 distinct values that look like quantities: by a word in the name
      (quantity, price, age, ...), or because the logarithms of the frequencies of neighbouring
      values have a correlation of at least 0.9, or of at least 0.4 while the smallest 5% of the
      values make up half of the events;
    - floats with more than 20 distinct values, all whole numbers and some missing, that do not
      look like quantities: integers that pandas converted.

    Vectors and the components of texts share one scale for all components, which keeps their
    direction: :math:`\\sqrt{d} \\, \\operatorname{arsinh}(|x| / m) \\, x / |x|` with the median
    length :math:`m` at fit and :math:`d` components. A vector with a missing component counts as
    missing.

    In pandas and pyarrow, each encoded list column carries an encoder fingerprint in its Arrow
    type: a hash of what the encoder learned from the channel. Estimators of skbseq store it at
    fit, and refuse frames from another encoder, including one fitted on other data.

    References
    ----------
    .. [1] Deerwester, S., Dumais, S. T., Furnas, G. W., Landauer, T. K. and Harshman, R. (1990).
       Indexing by latent semantic analysis. Journal of the American Society for Information
       Science, 41(6), 391-407.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import SequenceEncoder
    >>> X = pd.DataFrame({"what": [["view", "buy"], ["view"]], "price": [[1.0, 2.0], [5.0]]})
    >>> encoder = SequenceEncoder().fit(X)
    >>> encoder.categories_["what"].tolist()
    ['view', 'buy']
    >>> encoder.transform(X)["what"].tolist()
    [[2, 3], [2]]
    >>> encoder.get_feature_names_out().tolist()
    ['what', 'price']

    A title and an embedding per event become channels of floats:

    >>> X["title"] = [["red shoe", "red boot"], ["blue shoe"]]
    >>> X["image"] = [[[1.0, 0.0], [0.6, 0.8]], [[0.0, 1.0]]]
    >>> encoder = SequenceEncoder(text=["title"], text_size=2, random_state=0).fit(X)
    >>> encoder.get_feature_names_out().tolist()
    ['what', 'price', 'title_0', 'title_1', 'image_0', 'image_1']
    """

    _parameter_constraints = {
        "categorical": [list, tuple, None],
        "numeric": [list, tuple, None],
        "time": [list, tuple, None],
        "text": [list, tuple, None],
        "vector": [list, tuple, None],
        "context": [list, tuple, None],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            dict,
        ],
        "max_categories": [Interval(Integral, 1, None, closed="left"), None, dict],
        "hash_buckets": [Interval(Integral, 1, 2**30, closed="both"), None, dict],
        "handle_unknown": [StrOptions({"encode", "error"})],
        "time_features": [list, tuple],
        "max_length": [Interval(Integral, 1, None, closed="left"), None],
        "cutoff": [str],
        "text_size": [Interval(Integral, 1, None, closed="left")],
        "text_analyzer": [StrOptions(set(ANALYZERS)), callable],
        "text_ngram_range": [tuple, list, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        categorical=None,
        numeric=None,
        time=None,
        text=None,
        vector=None,
        context=None,
        min_frequency=1,
        max_categories=None,
        hash_buckets=None,
        handle_unknown="encode",
        time_features=TIME_FEATURES,
        max_length=None,
        cutoff="cutoff",
        text_size=16,
        text_analyzer="word",
        text_ngram_range=None,
        random_state=None,
    ):
        self.categorical = categorical
        self.numeric = numeric
        self.time = time
        self.text = text
        self.vector = vector
        self.context = context
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.hash_buckets = hash_buckets
        self.handle_unknown = handle_unknown
        self.time_features = time_features
        self.max_length = max_length
        self.cutoff = cutoff
        self.text_size = text_size
        self.text_analyzer = text_analyzer
        self.text_ngram_range = text_ngram_range
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn vocabularies and scales.

        Parameters
        ----------
        X : sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            The training samples.
        y : None
            Ignored.

        Returns
        -------
        SequenceEncoder
            The fitted encoder itself.

        Raises
        ------
        SequenceFrameError
            If X is a sequence frame without channels, or a column does not fit or cannot be read.
        ValueError
            If a parameter holds an invalid value, or X is an array that
            cannot be read as numbers.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        with all_or_nothing(self):
            # A fit on an array after one on a frame, or the reverse, must leave nothing behind.
            for name in _FITTED:
                vars(self).pop(name, None)
            if _frames.is_sequence_frame(X):
                self._fit_frame(X)
            else:
                self._fit_array(X)
        return self

    def _fit_frame(self, X):
        self._check_time_features()
        parameters = self.get_params(deep=False)
        read_analysis(parameters)  # fails before the columns are read
        specified = specified_channels(parameters)
        # A channel that is named holds lists, even if all of its rows are null.
        columns = _frames.split_sequences(X, channels=specified, nested=True)
        if columns.n_rows == 0:
            raise SequenceFrameError("The frame has no rows; fit needs at least one sample.")
        chosen = choose_channels(self, columns, specified)
        check_limits(parameters, self._parameter_constraints, chosen)
        place = Place(columns, self.cutoff).last(self.max_length)
        facts = self._warn(columns, chosen, specified, place)
        self.channels_ = self._fit_channels(columns, chosen, parameters, place)
        self._note_columns(columns, facts, place, _frames.library_of(X))
        # Context has no fingerprint, because ordinary pandas columns cannot carry one.
        coded = (c for c in self.channels_ if not isinstance(c, ContextColumn))
        # The attribute keeps its old name: saved encoders hold it.
        self._marks = {c.name: fingerprint(c.learned()) for c in coded}
        names = _frames.all_names(X)
        self.n_features_in_ = len(names)
        if _frames.is_frame(X):
            self.feature_names_in_ = np.array(names, dtype=object)

    def _check_time_features(self):
        for feature in self.time_features:
            if not isinstance(feature, str) or feature not in TIME_FEATURES:
                raise ValueError(
                    f"time_features may hold {', '.join(TIME_FEATURES)}; got {shown(feature)}."
                )

    def _warn(self, columns, chosen, specified, place):
        """Warn of choices that the values contradict; the facts about a column, by name."""

        @cache
        def facts(name):
            if name in columns.lists:
                return Facts(place.cut(columns.lists[name].values))
            return Facts(columns.ordinary[name])

        warn_if_empty(self, columns.n_rows, place.offsets[-1])
        clocks = [name for name, use in chosen.items() if use == "time"]
        times = {name: place.cut(columns.lists[name].values) for name in clocks}
        owners = Owners(columns, place.offsets, times)
        # Who gives a column limits of its own has thought about it.
        limits = [getattr(self, limit) for limit in LIMITS]
        named = {n for limit in limits if isinstance(limit, dict) for n in limit}
        warn_of_choices(self, chosen, {*specified, *named, *self._settled}, facts, owners)
        return facts

    def _fit_channels(self, columns, chosen, parameters, place):
        channels = []
        for name, kind in chosen.items():
            options = with_limits(parameters, name)
            channels.append(_CHANNELS[kind](name, columns.lists[name].values, options, place))
        if not any(channel.names for channel in channels):
            raise SequenceFrameError(
                f"Nothing is left to encode: time_features={self.time_features!r} gives no "
                "channel. Texts without words and columns without any vector give none either."
            )
        for name in self.context or ():
            options = with_limits(parameters, name)
            channels.append(ContextColumn(name, columns.ordinary[name], options))
        _check_names([name for channel in channels for name in channel.names])
        return channels

    def _fit_array(self, X):
        X = validate_sequence_array(self, X, reset=True)
        lengths = array_lengths(X)  # checks that padding comes last
        warn_if_empty(self, len(X), lengths.sum())
        self.steps_scale_ = [SmoothScale(values.ravel()) for values in _by_channel(X)]
        self.array_ndim_ = X.ndim

    def transform(self, X):
        """Encode samples.

        Parameters
        ----------
        X : sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples with the columns seen at fit, in any order.

        Returns
        -------
        sequence frame or ndarray
            For a frame, a frame of the same library with int32 and float32 lists and float32
            context; for an array, an array of its shape.

        Raises
        ------
        SequenceFrameError
            If X lacks a column seen at fit, or holds values of another type.
        ValueError
            If X is an array of another shape than at fit.
        TypeError
            If X is not data: None, a string, a dict, a set, a generator or a single value.
        """
        if hasattr(self, "steps_scale_"):
            return self._transform_array(X)
        if not hasattr(self, "channels_"):  # check_is_fitted alone would take a tenth of a call
            check_is_fitted(self)
        listed = [c.name for c in self.channels_ if not isinstance(c, ContextColumn)]
        columns = _frames.split_if_sequences(X, bare_lists=True, channels=listed, nested=True)
        if columns is None:
            raise SequenceFrameError(
                "The encoder was fitted on a sequence frame with the channels "
                f"{', '.join(repr(c.name) for c in self.channels_)}; got a "
                f"{type(X).__name__} without lists."
            )
        check_is_raw(columns, made=self._marks.values())  # a second encoder may read the first's
        place = Place(columns, self.cutoff).last(self.max_length)
        result, gap_scales = {}, gap_scales_of(self)
        for channel in self.channels_:
            if isinstance(channel, ContextColumn):
                check_column(channel.name, columns.ordinary, "the encoder", "ordinary")
                result |= channel.transform(columns.ordinary[channel.name], RowPlace())
                continue
            check_column(channel.name, columns.lists, "the encoder", "list")
            flat = channel.transform(columns.lists[channel.name].values, place)
            for name, values in flat.items():
                values = _frames.make_array(values)
                # So that a model can refuse codes from another encoder than that of its fit.
                mark = self._marks.get(channel.name)
                dtype = _frames.list_type(values.type, mark, gap_scales.get(name))
                result[name] = _frames.Lists(values, place.offsets, dtype)
        # Made here in the library that set_output chose; scikit-learn would convert the lists to
        # Python objects.
        return _frames.build_frame(result, like=X, library=output_library(self))

    def _transform_array(self, X):
        if _frames.is_sequence_frame(X):
            raise SequenceFrameError(
                f"The encoder was fitted on an array of {self.array_ndim_} dimensions; got a "
                f"{type(X).__name__} that is a sequence frame."
            )
        X = validate_sequence_array(self, X, reset=False)
        array_lengths(X)  # checks that padding comes last
        n_channels = len(self.steps_scale_)
        if X.ndim != self.array_ndim_ or (X.ndim == 3 and X.shape[2] != n_channels):
            raise ValueError(
                f"X has shape {X.shape}; the encoder was fitted on an array of "
                f"{self.array_ndim_} dimensions and {n_channels} channels."
            )
        if X.ndim == 3 and output_library(self) is not None:
            raise ValueError(
                "An array of three dimensions cannot become a table, which set_output requires. "
                "Leave it at 'default', or give a sequence frame."
            )
        result = np.empty_like(X)
        pairs = zip(self.steps_scale_, _by_channel(X), _by_channel(result), strict=True)
        for scale, values, scaled in pairs:
            scaled[...] = scale(values)
        return result

    # An encoder saved by an earlier version has none.
    _marks = MappingProxyType({})
    # Channels about whose use there is no doubt, such as the target of a model.
    _settled = ()

    @property
    def categories_(self):
        """Categories of each categorical channel, in order of frequency."""
        check_is_fitted(self)
        channels = getattr(self, "channels_", ())
        coded = [c for c in channels if isinstance(c, CategoricalChannel)]
        return {c.name: c.vocabulary.categories() for c in coded}

    def get_feature_names_out(self, input_features=None):
        """Names of the output columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            For arrays, names of the time steps; for frames, those of the columns at fit.

        Returns
        -------
        ndarray of str
            One name per column.
        """
        check_is_fitted(self)
        input_features = check_feature_names_in(self, input_features)
        if hasattr(self, "steps_scale_"):
            return input_features
        return np.array([name for c in self.channels_ for name in c.names], dtype=object)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "channels_") or hasattr(self, "steps_scale_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def fingerprints_of(encoder):
    """Fingerprint of each output channel of a fitted encoder, by name."""
    channels, found = getattr(encoder, "channels_", ()), encoder._marks
    return {name: found[c.name] for c in channels if c.name in found for name in c.names}


def sources_of(encoder):
    """Input column of each output column of a fitted encoder, by name."""
    return {name: c.name for c in getattr(encoder, "channels_", ()) for name in c.names}


def gap_scales_of(encoder):
    """Scale of each output column of gaps of a fitted encoder, by name: see `Lists.gap_scale`."""
    clocks = (c for c in getattr(encoder, "channels_", ()) if isinstance(c, TimeChannel))
    return {name: scale for clock in clocks for name, scale in clock.gap_scales().items()}


def time_features_of(encoder):
    """Features of each channel of times of a fitted encoder, by name."""
    channels = getattr(encoder, "channels_", ())
    return {c.name: c.features for c in channels if isinstance(c, TimeChannel)}


def _by_channel(X):
    """Views of the channels of an array, each of shape (n_samples, n_steps)."""
    return [X] if X.ndim == 2 else [X[..., i] for i in range(X.shape[2])]


def _check_names(names):
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise SequenceFrameError(
            f"Two output columns would be called {twice[0]!r}. Rename the input column that "
            "causes it."
        )
