"""SequenceImputer: what is missing in histories is filled in, or its event dropped."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import (
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
    output_library,
    validate_sequence_array,
)
from skbseq._sequences import offsets_of
from skbseq._state import FillsParameters, all_or_nothing
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._impute_channels import (
    IN_TIME,
    JOINT,
    NUMERIC,
    STRATEGIES,
    ChannelFiller,
    Events,
    settle,
)
from skbseq.preprocessing._impute_events import EventModel

_LEARNT = ("fillers_", "models_", "lists_", "columns_", "time_", "dropping_", "array_ndim_")


class SequenceImputer(FillsParameters, TransformerMixin, BaseEstimator):
    """Fill in what is missing in the histories of a sequence frame, or drop the event.

    What comes out is the same sequence frame: its columns in the order of fit, ordinary columns
    as they came, and no missing value in the channels that were asked for. It stands before
    :class:`SequenceEncoder` in a pipeline. Null and NaN are both missing. What to fill in is
    learnt from the samples that it is fitted on, and from the same row; never from another row.

    A numeric array of shape (n_samples, n_steps) or (n_samples, n_steps, n_channels) stays an
    array: NaN at the end of a row is padding and stays, NaN before it is filled. The number of
    the step is the time.

    Parameters
    ----------
    strategy : str or dict of str to str, default="auto"
        What to do about missing values, for all channels, or by channel; those that a dict does
        not name are left as they are.

        - "auto": "median" for floats, "most_frequent" for all else.
        - "drop": drop the event, that is its place in every list of the row.
        - "constant": ``fill_value``.
        - "mean", "median", "most_frequent": of the training events.
        - "ffill": the last known value before, in the same row; before the first one the
          training median of floats, the most frequent value of all else.
        - "linear": on the line in time between the known values about it in the same row, at
          the ends the nearest; in a row that knows none, the training median.
        - "nearest": the value nearest in time in the same row, of two the earlier; in a row
          that knows none, as "ffill".
        - "knn": mean over the training events that are most alike.
        - "iterative": predicted by regressions of each number on the others.

        "mean", "median", "linear", "knn" and "iterative" need numbers. Given for all channels,
        they go to floats, and to integers only if a dict names them: in logs integers mostly are
        names of things. The other channels then get "most_frequent".
    fill_value : int, float, str, bool or dict, default=None
        For "constant": one value, or one by channel. None: 0, "missing" or False.
    n_neighbors : int, default=5
        For "knn": how many training events to take the mean of.
    estimator : estimator, default=None
        For "iterative": the regressor, a network such as scikit-learn's ``MLPRegressor`` or any
        other; a random state that it leaves open is set from ``random_state``. None:
        ``BayesianRidge``.
    max_samples : int, default=2000
        For "knn" and "iterative": learn from at most so many training events, drawn at random.
    add_indicator : bool, default=False
        Add a channel ``<name>_missing``, 1 where a value was filled in and else 0, for each
        channel that missed values at fit.
    time : str, default=None
        Channel of timestamps, for "linear" and "nearest". None: the only one.
    columns : list of str, default=None
        Channels that a ``strategy`` for all means. None: all but those of times.
    random_state : int, RandomState instance or None, default=None
        For the draw of ``max_samples``, and for ``estimator``.

    Attributes
    ----------
    statistics_ : dict of str to object
        By channel, the value that is filled in where the row itself does not tell; None if fit
        saw no value. Channels whose events are dropped have none.
    n_features_in_ : int
        Number of columns of the frame, or of time steps of an array, seen at fit.
    feature_names_in_ : ndarray of str
        Names of the columns, where X was a frame.

    Raises
    ------
    SequenceFrameError
        If a strategy does not suit the values of its channel, a number is infinite, a value is
        missing and fit saw none to learn from, or times are missing or run backwards where a
        strategy needs them.

    Notes
    -----
    For "knn" and "iterative" each event is a row of features, brought to mean 0 and variance 1:
    the numbers of its channels (floats, and the integers that a dict gives a numeric strategy),
    the last known number of each before it in the same row, and the logarithm of the time since
    the event before. "iterative" is scikit-learn's :class:`~sklearn.impute.IterativeImputer`, in
    ten rounds at most, after van Buuren and Groothuis-Oudshoorn (2011); "knn" gives what
    :class:`~sklearn.impute.KNNImputer` gives, but that the rest of a batch never decides among
    equally near events. What they fill in lies between the least and the largest value of the
    training events.

    Only "linear" and "nearest" look at later events of the row. All of those lie before the
    cutoff, so that no label leaks; but where events are used one by one, as they arrive, choose
    another.

    Integers stay integers where a whole number is filled in, and become floats under "linear",
    "knn" and "iterative" or where the mean or the median is a fraction. Categoricals come out as
    strings.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq.preprocessing import SequenceImputer
    >>> X = pd.DataFrame({"what": [["view", None], ["view"]], "price": [[1.0, None], [3.0]]})
    >>> imputer = SequenceImputer(add_indicator=True).fit(X)
    >>> imputer.statistics_
    {'what': 'view', 'price': 2.0}
    >>> Z = imputer.transform(X)
    >>> Z["price"].tolist(), Z["price_missing"].tolist()
    ([[1.0, 2.0], [3.0]], [[0.0, 1.0], [0.0]])
    >>> SequenceImputer({"price": "ffill"}).fit_transform(X)["price"].tolist()
    [[1.0, 1.0], [3.0]]
    """

    _parameter_constraints = {
        "strategy": [StrOptions(set(STRATEGIES)), dict],
        "fill_value": [Real, str, "boolean", dict, None],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "estimator": "no_validation",
        "max_samples": [Interval(Integral, 1, None, closed="left")],
        "add_indicator": ["boolean"],
        "time": [str, None],
        "columns": [list, tuple, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        strategy="auto",
        *,
        fill_value=None,
        n_neighbors=5,
        estimator=None,
        max_samples=2000,
        add_indicator=False,
        time=None,
        columns=None,
        random_state=None,
    ):
        self.strategy = strategy
        self.fill_value = fill_value
        self.n_neighbors = n_neighbors
        self.estimator = estimator
        self.max_samples = max_samples
        self.add_indicator = add_indicator
        self.time = time
        self.columns = columns
        self.random_state = random_state

    # -------------------------------------------------------------- fit

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn what to fill in.

        Parameters
        ----------
        X : sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            The training samples.
        y : None
            Ignored.

        Returns
        -------
        SequenceImputer
            The fitted imputer itself.
        """
        self._check_parameters()
        with all_or_nothing(self):
            for name in (*_LEARNT, "feature_names_in_"):
                vars(self).pop(name, None)
            if _frames.is_sequence_frame(X):
                self._fit_frame(X)
            else:
                self._fit_array(X)
        return self

    def _check_parameters(self):
        if isinstance(self.strategy, dict):
            if self.columns is not None:
                raise ValueError("columns= has no say where strategy is a dict; leave it out.")
            for name, strategy in self.strategy.items():
                if strategy not in STRATEGIES:
                    raise ValueError(
                        f"strategy may be {', '.join(STRATEGIES)}; got {strategy!r} for {name!r}."
                    )
        if self.estimator is not None and not hasattr(self.estimator, "predict"):
            raise TypeError(
                f"estimator must be a regressor with fit and predict; got {self.estimator!r}."
            )

    def _fit_frame(self, X):
        by_name = self.strategy if isinstance(self.strategy, dict) else {}
        told = [*by_name, *(self.columns or ())]
        told += [] if self.time is None else [self.time]
        told += list(self.fill_value) if isinstance(self.fill_value, dict) else []
        columns = _frames.split_sequences(X, channels=told, nested=True)
        if columns.n_rows == 0:
            raise SequenceFrameError("The frame has no rows; fit needs at least one sample.")
        for name in told:
            _check_column(name, columns.lists, "list", "SequenceImputer")
        names = _frames.all_names(X)
        self.columns_ = names
        self._fit_events(_to_events(columns.lists))
        _check_free([f.name for f in self._flagged()], names)
        self.n_features_in_ = len(names)
        if _frames.is_frame(X):
            self.feature_names_in_ = np.array(names, dtype=object)

    def _fit_array(self, X):
        by_name = (self.columns, self.time) != (None, None) or self.add_indicator
        if by_name or isinstance(self.strategy, dict) or isinstance(self.fill_value, dict):
            raise ValueError(
                "The channels of an array have no names: strategy and fill_value cannot be dicts, "
                "columns and time must be None and add_indicator False. Give a sequence frame to "
                "treat channels apart."
            )
        X = validate_sequence_array(self, X, reset=True)
        self.array_ndim_ = X.ndim
        self._fit_events(_array_events(X))

    def _fit_events(self, events):
        self.lists_ = list(events.values)
        chosen = self._choose(events)
        self.dropping_ = [name for name, strategy in chosen.items() if strategy == "drop"]
        events = self._drop(events)
        filled = {name: how for name, how in chosen.items() if how != "drop"}
        self.fillers_ = [
            ChannelFiller(name, how, events, self._fill_value(name))
            for name, how in filled.items()
        ]
        self.time_ = self._time_channel(events, filled)
        self.models_ = self._fit_models(events, filled)
        self._read_ticks(events)

    def _choose(self, events):
        """The strategy of each channel that is not left as it is, in the order of the columns."""
        by_name = isinstance(self.strategy, dict)
        named = by_name or self.columns is not None
        wanted = self.strategy
        if not by_name:
            names = events.values if self.columns is None else self.columns
            wanted = dict.fromkeys(names, self.strategy)
        chosen = {}
        for name, values in events.values.items():
            if name in wanted:
                kind = _frames.kind_of(values.type)
                chosen[name] = settle(name, wanted[name], kind, named=named, as_number=by_name)
        return {name: strategy for name, strategy in chosen.items() if strategy is not None}

    def _fill_value(self, name):
        if not isinstance(self.fill_value, dict):
            return self.fill_value
        return self.fill_value.get(name)

    def _time_channel(self, events, filled):
        """Name of the channel of times, None if there is none and none is needed."""
        if self.time is not None or hasattr(self, "array_ndim_"):
            return self.time
        kinds = {name: _frames.kind_of(values.type) for name, values in events.values.items()}
        times = [name for name, kind in kinds.items() if kind == "timestamp"]
        needy = [name for name, how in filled.items() if how in IN_TIME]
        if needy and len(times) != 1:
            raise SequenceFrameError(
                f"Strategy {filled[needy[0]]!r} of {needy[0]!r} needs the time of the events, and "
                f"the frame has {len(times)} channels of timestamps"
                f"{': ' * bool(times)}{', '.join(map(repr, times))}. Name one in time=."
            )
        return times[0] if len(times) == 1 else None

    def _fit_models(self, events, filled):
        models = {}
        for strategy in JOINT:
            targets = [name for name, how in filled.items() if how == strategy]
            if targets:
                numeric = [name for name in events.values if self._is_number(name, events, filled)]
                numeric = targets + [name for name in numeric if name not in targets]
                options = self.get_params(deep=False)
                models[strategy] = EventModel(
                    strategy, targets, numeric, self.time_, events, options
                )
        return models

    def _is_number(self, name, events, filled):
        kind = _frames.kind_of(events.values[name].type)
        return kind == "float" or (kind == "integer" and filled.get(name) in NUMERIC)

    # -------------------------------------------------------------- transform

    def transform(self, X):
        """Fill in what is missing.

        Parameters
        ----------
        X : sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples with the columns seen at fit, in any order.

        Returns
        -------
        sequence frame or ndarray
            A frame of the library of X with the columns of fit, and the indicators at its end;
            for an array, an array of its shape.
        """
        check_is_fitted(self)
        if hasattr(self, "array_ndim_"):
            return self._transform_array(X)
        names = self.lists_
        columns = _frames.split_if_sequences(X, bare_lists=True, channels=names, nested=True)
        if columns is None:
            raise SequenceFrameError(
                "The imputer was fitted on a sequence frame with the channels "
                f"{', '.join(map(repr, names))}; got a {type(X).__name__} without lists."
            )
        for name in self.columns_:
            kind = "list" if name in self.lists_ else "ordinary"
            found = columns.lists if kind == "list" else columns.ordinary
            _check_column(name, found, kind, "the imputer")
        events = _to_events({name: columns.lists[name] for name in self.lists_})
        filled, flags, offsets = self._fill(events)
        flags = {
            f"{name}_missing": _frames.make_array(flag.astype(np.float32))
            for name, flag in flags.items()
        }
        lists = {name: _frames.Lists(v, offsets) for name, v in (filled | flags).items()}
        return self._write(X, lists, columns.ordinary)

    def _fill(self, events):
        """Values by channel, masks of what was missing by channel, and the rows' offsets."""
        events = self._drop(events)
        ticks = self._read_ticks(events)
        predicted = {}
        for model in self.models_.values():
            predicted |= model.predict(events)
        filled, masks = dict(events.values), {}
        for filler in self.fillers_:
            name = filler.name
            filled[name], masks[name] = filler.transform(events, ticks, predicted.get(name))
        return filled, {f.name: masks[f.name] for f in self._flagged()}, events.offsets

    def _drop(self, events):
        kept = np.ones(len(events), bool)
        for name in self.dropping_:
            kept &= ~_frames.is_missing(events.values[name])
        return events.keep(kept)

    def _read_ticks(self, events):
        if not any(filler.strategy in IN_TIME for filler in self.fillers_):
            return None
        return np.arange(len(events)) if self.time_ is None else events.ticks(self.time_)

    def _flagged(self):
        return [f for f in self.fillers_ if self.add_indicator and f.flagged]

    def _write(self, X, lists, ordinary):
        library = output_library(self)
        names = [*self.columns_, *(name for name in lists if name not in self.columns_)]
        kept = [name for name in self.columns_ if name not in lists]
        if library is None and kept and _frames.is_frame(X):
            # Ordinary columns that make no way through Arrow keep their type, whatever it is.
            frame = _frames.attach_columns(_frames.select_columns(X, kept), lists)
            return _frames.select_columns(frame, names)
        columns = {name: lists[name] if name in lists else ordinary[name] for name in names}
        return _frames.build_frame(columns, like=X, library=library)

    def _transform_array(self, X):
        if _frames.is_sequence_frame(X):
            raise SequenceFrameError(
                f"The imputer was fitted on an array of {self.array_ndim_} dimensions; got a "
                f"{type(X).__name__} that is a sequence frame."
            )
        X = validate_sequence_array(self, X, reset=False)
        events = _array_events(X)
        if X.ndim != self.array_ndim_ or list(events.values) != self.lists_:
            raise ValueError(
                f"X has shape {X.shape}; the imputer was fitted on an array of "
                f"{self.array_ndim_} dimensions and {len(self.lists_)} channels."
            )
        if X.ndim == 3 and output_library(self) is not None:
            raise ValueError(
                "An array of three dimensions cannot become a table, which set_output asks for. "
                "Leave it at 'default', or give a sequence frame."
            )
        filled, _, offsets = self._fill(events)
        lengths = np.diff(offsets)
        steps = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        result = np.full_like(X, np.nan)
        values = np.column_stack([_frames.numbers(column) for column in filled.values()])
        rows = np.repeat(np.arange(len(X)), lengths)
        result[rows, steps] = values[:, 0] if X.ndim == 2 else values
        return result

    # -------------------------------------------------------------- what is known of it

    @property
    def statistics_(self):
        """By channel, the value that is filled in where the row itself does not tell."""
        check_is_fitted(self)
        found = {f.name: _frames.to_objects(f.statistic).tolist() for f in self.fillers_}
        return {name: values[0] if values else None for name, values in found.items()}

    def get_feature_names_out(self, input_features=None):
        """Names of the columns that come out.

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
        flags = [f"{f.name}_missing" for f in self._flagged()]
        return np.array([*input_features, *flags], dtype=object)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "fillers_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _to_events(lists):
    offsets = next(iter(lists.values())).offsets
    return Events({name: column.values for name, column in lists.items()}, offsets)


def _array_events(X):
    """The steps of an array up to the last that is known in any channel."""
    channels = X[..., None] if X.ndim == 2 else X
    known = ~np.isnan(channels).all(axis=2)
    lengths = np.where(known.any(axis=1), X.shape[1] - known[:, ::-1].argmax(axis=1), 0)
    inside = channels[np.arange(X.shape[1]) < lengths[:, None]]
    names = ["X"] if X.ndim == 2 else [f"X[..., {i}]" for i in range(X.shape[2])]
    values = {
        name: _frames.make_array(np.ascontiguousarray(inside[:, i]))
        for i, name in enumerate(names)
    }
    return Events(values, offsets_of(lengths))


def _check_column(name, columns, kind, wanted_by):
    if name not in columns:
        raise SequenceFrameError(
            f"There is no {kind} column {name!r}, which {wanted_by} asks for; the {kind} columns "
            f"are {', '.join(map(repr, columns)) or 'none'}."
        )


def _check_free(flagged, names):
    taken = [name for name in flagged if f"{name}_missing" in names]
    if taken:
        raise SequenceFrameError(
            f"The indicator of {taken[0]!r} would be called '{taken[0]}_missing', as a column of "
            "the frame is. Rename that column."
        )
