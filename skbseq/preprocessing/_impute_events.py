"""Models that fill the numbers of an event from its other numbers and from the one before."""

import warnings
from contextlib import contextmanager

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from skbseq import _frames
from skbseq._time import ticks_per_second
from skbseq.preprocessing._place import read_moments


class EventModel:
    """Nearest neighbours or regressions over events.

    Each event is a row. Its features are its numbers, the last known number of each channel
    before it in the same row, and the logarithm of the time since the event before. They are
    brought to one scale first, or the largest numbers alone would say who is near whom.
    """

    def __init__(self, strategy, targets, numeric, time, events, options):
        self.targets = targets
        self.numeric = numeric
        self.time = time
        self.imputer = None
        features = self._features(events)
        rows = np.flatnonzero(~np.isnan(features[:, : len(targets)]).all(axis=1))
        if rows.size == 0:  # nothing to learn from
            return
        random_state = check_random_state(options["random_state"])
        if rows.size > options["max_samples"]:
            chosen = random_state.choice(rows.size, options["max_samples"], replace=False)
            rows = rows[np.sort(chosen)]
        features = features[rows]
        self.kept = ~np.isnan(features).all(axis=0)
        features = features[:, self.kept]
        self.low, self.high = np.nanmin(features, axis=0), np.nanmax(features, axis=0)
        self.scaler = StandardScaler().fit(features)
        features = self.scaler.transform(features)
        if strategy == "knn":
            self.imputer = Neighbors(options["n_neighbors"], features)
        else:
            self.imputer = Chain(_seeded(options["estimator"], random_state), features)

    def predict(self, events):
        """What to fill into each target channel: float64 per event, NaN where none is missing."""
        result = {name: np.full(len(events), np.nan) for name in self.targets}
        features = self._features(events)
        rows = np.flatnonzero(np.isnan(features[:, : len(self.targets)]).any(axis=1))
        if self.imputer is None or rows.size == 0:
            return result
        n_targets = np.count_nonzero(self.kept[: len(self.targets)])
        filled = self.scaler.transform(features[rows][:, self.kept])
        filled = self.imputer.transform(filled, n_targets)
        # A line fitted to the known values may run far beyond them.
        filled = np.clip(self.scaler.inverse_transform(filled), self.low, self.high)
        for i, name in enumerate(self.targets):
            if self.kept[i]:
                result[name][rows] = filled[:, np.count_nonzero(self.kept[:i])]
        return result

    def _features(self, events):
        """Targets first, then the other numbers, then those before, then the gap."""
        now = [events.numbers(name) for name in self.numeric]
        columns = [*now, *(_previous(events, values) for values in now)]
        if self.time is not None:
            columns.append(_log_gap(events, self.time))
        return np.column_stack(columns)


class Neighbors:
    """What :class:`~sklearn.impute.KNNImputer` does, without its chance among equals.

    That one takes distances from products of matrices, whose rounding depends on the other rows
    of a batch; among equally near neighbours, which are many where prices repeat, it decides.
    Here differences are squared one by one, so that a row is always filled alike.
    """

    # Pairs of a row and a training event at a time: their distances fit into a core's cache.
    _pairs = 100_000

    def __init__(self, n_neighbors, X):
        self.n_neighbors = n_neighbors
        self.X = X
        self.means = np.nanmean(X, axis=0)

    def transform(self, X, n_columns):
        """Fill the first columns of some rows."""
        X = X.copy()
        step = max(self._pairs // len(self.X), 1)
        for begin in range(0, len(X), step):
            self._fill(X[begin : begin + step], n_columns)
        return X

    def _fill(self, X, n_columns):
        distances = self._distances(X)
        for column in range(n_columns):
            rows = np.flatnonzero(np.isnan(X[:, column]))
            donors = np.flatnonzero(~np.isnan(self.X[:, column]))
            X[rows, column] = self._mean(distances[np.ix_(rows, donors)], donors, column)

    def _mean(self, distances, donors, column):
        n_neighbors = min(self.n_neighbors, len(donors))
        nearest = np.argpartition(distances, n_neighbors - 1, axis=1)[:, :n_neighbors]
        comparable = np.isfinite(np.take_along_axis(distances, nearest, axis=1))
        total = (self.X[donors[nearest], column] * comparable).sum(axis=1)
        count = comparable.sum(axis=1)
        return np.where(count > 0, total / np.maximum(count, 1), self.means[column])

    def _distances(self, X):
        """Mean square of the differences that are known; infinite where none is."""
        known, trained = ~np.isnan(X), ~np.isnan(self.X)
        X, donors = np.where(known, X, 0), np.where(trained, self.X, 0)
        total, square = np.zeros((2, len(X), len(donors)))
        for i in range(X.shape[1]):
            np.subtract(X[:, i, None], donors[:, i], out=square)
            square *= square
            square *= trained[:, i]
            square *= known[:, i, None]
            total += square
        # Of whole numbers the product is exact, however it is summed.
        n_known = known.astype(float) @ trained.T.astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(n_known > 0, total / n_known, np.inf)


class Chain:
    """The regressions of an :class:`~sklearn.impute.IterativeImputer`, applied as it does.

    Taken out of it, because a model file could not hold the imputer without trust in types of
    scikit-learn's private side.
    """

    def __init__(self, estimator, X):
        imputer = IterativeImputer(estimator)
        with _no_word_of_rounds():
            imputer.fit(X)
        self.start = imputer.initial_imputer_.statistics_
        self.steps = [
            (int(feature), np.asarray(others), regressor)
            for feature, others, regressor in imputer.imputation_sequence_
        ]

    def transform(self, X, n_columns):
        """Fill some rows."""
        missing = np.isnan(X)
        X = np.where(missing, self.start, X)
        for feature, others, regressor in self.steps:
            rows = np.flatnonzero(missing[:, feature])
            if rows.size:
                X[rows, feature] = regressor.predict(X[np.ix_(rows, others)])
        return X


def _seeded(estimator, random_state):
    """The regressor with every random state set that is not, for the imputer sets none."""
    if estimator is None:
        return None
    estimator = clone(estimator)
    parameters = estimator.get_params()
    names = [name for name in sorted(parameters) if name.split("__")[-1] == "random_state"]
    unset = [name for name in names if parameters[name] is None]
    return estimator.set_params(**{name: int(random_state.randint(2**31 - 1)) for name in unset})


@contextmanager
def _no_word_of_rounds():
    # Their number is fixed, so no one could act on the warning that more would help.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\[IterativeImputer\]", ConvergenceWarning)
        yield


def _previous(events, values):
    """The last known value before each event, within its row; NaN for none."""
    before = np.full(len(values), -1)
    before[1:] = events.last_known(~np.isnan(values))[:-1]
    before[_firsts(events)] = -1
    return np.append(values, np.nan)[before]


def _log_gap(events, time):
    """log(1 + seconds) since the event before, 0 for the first; NaN where it is not known."""
    ticks, missing, unit, _ = _frames.time_ticks(read_moments(events.values[time], time, events))
    gap, unknown = np.zeros(len(ticks)), missing.copy()
    gap[1:] = np.diff(ticks)
    unknown[1:] |= missing[:-1]
    first = _firsts(events)
    gap[first], unknown[first] = 0, missing[first]
    logarithm = np.log1p(np.maximum(gap, 0) / ticks_per_second(unit))
    return np.where(unknown | (gap < 0), np.nan, logarithm)


def _firsts(events):
    """Positions of the first events of the rows that have one."""
    return events.offsets[:-1][np.diff(events.offsets) > 0]
