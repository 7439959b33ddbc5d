"""SequenceImputer: fill missing values in histories, or drop their events."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skbseq import _frames
from skbseq._checks import (
    Interval,
    StrOptions,
    as_names,
    check_feature_names_in,
    fit_context,
    output_library,
    shown,
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
    resolve_strategy,
)
from skbseq.preprocessing._impute_events import EventModel
from skbseq.preprocessing._place import read_moments

_FITTED = ("fillers_", "models_", "lists_", "columns_", "time_", "dropping_", "array_ndim_")


class SequenceImputer(FillsParameters, TransformerMixin, BaseEstimator):
    """Impute missing values in the histories of a sequence frame, or drop their events.

    The result is the same sequence frame without missing values in the chosen channels. Its
    columns are in the order of fit, and ordinary columns are unchanged. In a pipeline, place it
    before :class:`SequenceEncoder`. Null and NaN are both missing. Values are imputed from the
    training samples and from the same row, never from other rows of the same call.

    A numeric array of shape (n_samples, n_steps) or (n_samples, n_steps, n_channels) stays an
    array. NaN at the end of a row is padding and is kept; NaN before it is filled. The step
    number serves as the time.

    Parameters
    ----------
    strategy : str or dict of str to str, default="auto"
        Strategy for all channels, or by channel. Channels that a dict does not name are
        unchanged.

        - "auto": "median" for floats, "most_frequent" for other channels.
        - "drop": drop the event from every list of the row.
        - "constant": ``fill_value``.
        - "mean", "median", "most_frequent": statistic of the training events.
        - "ffill": the last known value in the same row. Before the first known value: the
          training median for floats, otherwise the most frequent training value.
        - "linear": linear interpolation in time between known values of the same row; at the
          ends of the row, the nearest known value. Without any: the training median.
        - "nearest": the value nearest in time in the same row; among ties, the earlier. Without
          any: as "ffill".
        - "knn": mean over the most similar training events.
        - "iterative": predicted by regressions of each number on the others.

        "mean", "median", "linear", "knn" and "iterative" need numbers. Given for all channels,
        they apply to floats only, because integers in logs are mostly ids; the other channels
        get "most_frequent". Name an integer channel in a dict to treat it as numbers.
    fill_value : int, float, str, bool or dict, default=None
        For "constant": one value, or a dict by channel. None: 0, "missing" or False.
    n_neighbors : int, default=5
        For "knn": number of training events to average.
    estimator : estimator, default=None
        For "iterative": the regressor, for instance scikit-learn's ``MLPRegressor``. If its
        random state is unset, it is set from ``random_state``. None: ``BayesianRidge``.
    max_samples : int, default=2000
        For "knn" and "iterative": maximum number of training events, drawn at random.
    add_indicator : bool, default=False
        Add a channel ``<name>_missing``, 1 where a value was imputed and 0 elsewhere, for each
        channel with missing values at fit.
    time : str, default=None
        Channel of timestamps, for "linear" and "nearest". None: the only one.
    columns : list of str, default=None
        Channels to which a single ``strategy`` applies. None: all except those of times.
    random_state : int, RandomState instance or None, default=None
        Seed for drawing ``max_samples`` events, and for ``estimator``.

    Attributes
    ----------
    statistics_ : dict of str to object
        By channel, the value used if the row itself gives none; None if fit saw no value.
        Channels with strategy "drop" have none.
    n_features_in_ : int
        Number of columns of the frame, or of time steps of an array, seen at fit.
    feature_names_in_ : ndarray of str
        Names of the columns, if X was a frame.

    Raises
    ------
    SequenceFrameError
        If a strategy does not suit the values of its channel, a number is infinite, a value is
        missing and fit saw no value of its channel, or times that a strategy needs are missing
        or run backwards.

    Notes
    -----
    For "knn" and "iterative" each event is a row of features, standardized to mean 0 and variance
    1: the numbers of its channels (floats, and integers with a numeric strategy in a dict), the
    last known number of each channel before it in the same row, and the logarithm of the time
    since the preceding event. "iterative" is scikit-learn's
    :class:`~sklearn.impute.IterativeImputer` with at most ten rounds (van Buuren and
    Groothuis-Oudshoorn, 2011). "knn" gives the results of :class:`~sklearn.impute.KNNImputer`,
    except that the choice among equally near events never depends on the rest of a batch. Imputed
    values lie between the smallest and the largest training value.

    Only "linear" and "nearest" use later events of the row. These all lie before the cutoff, so
    no label leaks. If events are processed one by one as they arrive, choose another strategy.

    Integers stay integers if the imputed value is whole. They become floats with "linear", "knn"
    and "iterative", or if the mean or median is a fraction. Categoricals become strings.

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
        """Learn the values to impute.

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

        Raises
        ------
        SequenceFrameError
            If X is a sequence frame without channels, or a column does not fit or cannot be read.
        ValueError
            If a parameter holds an invalid value, or X is an array that
            cannot be read as numbers.
        TypeError
            If X is not data, such as None or a string, or ``estimator`` has no ``predict``.
        """
        self._check_parameters()
        with all_or_nothing(self):
            for name in (*_FITTED, "feature_names_in_"):
                vars(self).pop(name, None)
            if _frames.is_sequence_frame(X):
                self._fit_frame(X)
            else:
                self._fit_array(X)
        return self

    def _check_parameters(self):
        if isinstance(self.strategy, dict):
            if self.columns is not None:
                raise ValueError("columns= has no effect if strategy is a dict; leave it out.")
            for name, strategy in self.strategy.items():
                if not isinstance(strategy, str) or strategy not in STRATEGIES:
                    raise ValueError(
                        f"strategy may be {', '.join(STRATEGIES)}; got {shown(strategy)} for "
                        f"{name!r}."
                    )
        if self.estimator is not None and not hasattr(self.estimator, "predict"):
            raise TypeError(
                f"estimator must be a regressor with fit and predict; got {self.estimator!r}."
            )

    def _fit_frame(self, X):
        by_name = self.strategy if isinstance(self.strategy, dict) else {}
        by_value = self.fill_value if isinstance(self.fill_value, dict) else {}
        specified = as_names("strategy", list(by_name), empty=True)
        specified += as_names("columns", self.columns or (), empty=True)
        specified += [] if self.time is None else [self.time]
        specified += as_names("fill_value", list(by_value), empty=True)
        # A channel that is named holds lists, even if all of its rows are null.
        columns = _frames.split_sequences(X, channels=specified, nested=True)
        if columns.n_rows == 0:
            raise SequenceFrameError("The frame has no rows; fit needs at least one sample.")
        for name in specified:
            _check_column(name, columns.lists, "list", "SequenceImputer")
        events = _to_events(columns.lists)
        if self.time is not None:  # also if no strategy needs it
            read_moments(events.values[self.time], self.time, events)
        names = _frames.all_names(X)
        self.columns_ = names
        self._fit_events(events)
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
                "treat channels separately."
            )
        X = validate_sequence_array(self, X, reset=True)
        self.array_ndim_ = X.ndim
        self._fit_events(_array_events(X))

    def _fit_events(self, events):
        self.lists_ = list(events.values)
        chosen = self._choose(events)
        self.dropping_ = [name for name, strategy in chosen.items() if strategy == "drop"]
        # First, so that dropped events count in no statistic.
        events = self._drop(events)
        filled = {name: how for name, how in chosen.items() if how != "drop"}
        self.fillers_ = [
            ChannelFiller(name, how, events, self._fill_value(name))
            for name, how in filled.items()
        ]
        self.time_ = self._time_channel(events, filled)
        self.models_ = self._fit_models(events, filled)
        self._read_ticks(events)  # refuses missing or descending times already at fit

    def _choose(self, events):
        """The strategy of each channel that is not left unchanged, in the order of the columns."""
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
                chosen[name] = resolve_strategy(
                    name, wanted[name], kind, named=named, as_number=by_name
                )
        return {name: strategy for name, strategy in chosen.items() if strategy is not None}

    def _fill_value(self, name):
        if not isinstance(self.fill_value, dict):
            return self.fill_value
        return self.fill_value.get(name)

    def _time_channel(self, events, filled):
        """Name of the time channel; None if there is none and no strategy needs one."""
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
                # EventModel expects the targets first.
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
        """Impute missing values.

        Parameters
        ----------
        X : sequence frame, or array of shape (n_samples, n_steps[, n_channels])
            Samples with the columns seen at fit, in any order.

        Returns
        -------
        sequence frame or ndarray
            For a frame, a frame of the same library with the columns of fit, followed by the
            indicators; for an array, an array of its shape.

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
        """Values by channel, masks of missing values by channel, and the offsets of the rows."""
        events = self._drop(events)
        ticks = self._read_ticks(events)
        # Models predict from the original values, not from those that other strategies fill in.
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
        # In an array, the number of the step is the time.
        return np.arange(len(events)) if self.time_ is None else events.ticks(self.time_)

    def _flagged(self):
        return [f for f in self.fillers_ if self.add_indicator and f.flagged]

    def _write(self, X, lists, ordinary):
        library = output_library(self)
        names = [*self.columns_, *(name for name in lists if name not in self.columns_)]
        kept = [name for name in self.columns_ if name not in lists]
        if library is None and kept and _frames.is_frame(X):
            # Ordinary columns do not pass through Arrow, so they keep any type.
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
                "An array of three dimensions cannot become a table, which set_output requires. "
                "Leave it at 'default', or give a sequence frame."
            )
        filled, _, offsets = self._fill(events)
        lengths = np.diff(offsets)
        steps = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        result = np.full_like(X, np.nan)  # padding stays NaN
        values = np.column_stack([_frames.numbers(column) for column in filled.values()])
        rows = np.repeat(np.arange(len(X)), lengths)
        result[rows, steps] = values[:, 0] if X.ndim == 2 else values
        return result

    # -------------------------------------------------------------- fitted state

    @property
    def statistics_(self):
        """By channel, the value used if the row itself gives none."""
        check_is_fitted(self)
        found = {f.name: _frames.to_objects(f.statistic).tolist() for f in self.fillers_}
        return {name: values[0] if values else None for name, values in found.items()}

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
    """The steps of each row up to the last one that is known in any channel."""
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
            f"There is no {kind} column {name!r}, which {wanted_by} needs; the {kind} columns "
            f"are {', '.join(map(repr, columns)) or 'none'}."
        )


def _check_free(flagged, names):
    taken = [name for name in flagged if f"{name}_missing" in names]
    if taken:
        raise SequenceFrameError(
            f"The indicator of {taken[0]!r} would be called '{taken[0]}_missing', but the frame "
            "already has such a column. Rename it."
        )
