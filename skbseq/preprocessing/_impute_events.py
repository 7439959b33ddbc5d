"""Models that impute numbers of an event from its other numbers and the preceding event."""

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

    Each event is one sample of the model. Its features are its numbers, the last known number of
    each channel before it in the same row, and the logarithm of the time since the preceding
    event. They are standardized, because otherwise the largest numbers would dominate the
    distances.
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
            chosen = random_state.choice(rows.size, int(options["max_samples"]), replace=False)
            rows = rows[np.sort(chosen)]
        features = features[rows]
        # A feature without any known value has neither a scale nor a range.
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
        """Values for each target channel: float64 per event, NaN for events that miss none."""
        result = {name: np.full(len(events), np.nan) for name in self.targets}
        features = self._features(events)
        rows = np.flatnonzero(np.isnan(features[:, : len(self.targets)]).any(axis=1))
        if self.imputer is None or rows.size == 0:
            return result
        n_targets = np.count_nonzero(self.kept[: len(self.targets)])
        filled = self.scaler.transform(features[rows][:, self.kept])
        filled = self.imputer.transform(filled, n_targets)
        # A regression may extrapolate far beyond the known values.
        filled = np.clip(self.scaler.inverse_transform(filled), self.low, self.high)
        for i, name in enumerate(self.targets):
            if self.kept[i]:
                result[name][rows] = filled[:, np.count_nonzero(self.kept[:i])]
        return result

    def _features(self, events):
        """Targets, other numbers, preceding numbers, and the gap, in this order."""
        now = [events.numbers(name) for name in self.numeric]
        columns = [*now, *(_previous(events, values) for values in now)]
        if self.time is not None:
            columns.append(_log_gap(events, self.time))
        return np.column_stack(columns)


class Neighbors:
    """A :class:`~sklearn.impute.KNNImputer` whose result does not depend on the other rows.

    KNNImputer computes distances by matrix products, whose rounding depends on the other rows of
    a batch. Among equally near neighbours, which are frequent if prices repeat, the rounding
    decides. Here differences are squared one by one, so that a row is always filled the same way.
    """

    # Pairs of a row and a training event at a time; their distances fit into the cache of a core.
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
        """Mean square of the known differences; infinite if none is known."""
        known, trained = ~np.isnan(X), ~np.isnan(self.X)
        X, donors = np.where(known, X, 0), np.where(trained, self.X, 0)
        total, square = np.zeros((2, len(X), len(donors)))
        for i in range(X.shape[1]):
            np.subtract(X[:, i, None], donors[:, i], out=square)
            square *= square
            square *= trained[:, i]
            square *= known[:, i, None]
            total += square
        # This product may be a matrix product: it is exact for whole numbers.
        n_known = known.astype(float) @ trained.T.astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(n_known > 0, total / n_known, np.inf)


class Chain:
    """The regressions of an :class:`~sklearn.impute.IterativeImputer`, applied in its order.

    They are copied out of the imputer, because a model file with the imputer would require trust
    in private types of scikit-learn.
    """

    def __init__(self, estimator, X):
        imputer = IterativeImputer(estimator)
        with _without_convergence_warning():
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
    """A copy of the regressor with all unset random states set; the imputer sets none."""
    if estimator is None:
        return None
    estimator = clone(estimator)
    parameters = estimator.get_params()
    names = [name for name in sorted(parameters) if name.split("__")[-1] == "random_state"]
    unset = [name for name in names if parameters[name] is None]
    return estimator.set_params(**{name: int(random_state.randint(2**31 - 1)) for name in unset})


@contextmanager
def _without_convergence_warning():
    # It advises more rounds, but the user cannot change their number here.
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
    """log(1 + seconds) since the preceding event, 0 for the first one; NaN if unknown."""
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
