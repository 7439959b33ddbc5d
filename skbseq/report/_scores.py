"""Scores of the model and of baselines, with paired bootstrap intervals by user."""

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from skbseq.preprocessing import SequenceVectorizer

MODEL = "The model"
_WEIGHTS_AT_ONCE = 2**22
_LEAST = 1e-15  # probabilities of 0 have no logarithm


def make_baselines(task, model, given, cutoff, seed):
    """Baselines by name, not fitted.

    Parameters
    ----------
    task : Task
    model : estimator
        Its choice of columns is that of the baseline, too.
    given : dict of str to estimator or None
        Baselines of the user in place of boosting.
    cutoff : str
    seed : int

    Returns
    -------
    dict of str to estimator
    """
    simplest = {"Most frequent": DummyClassifier(strategy="prior")}
    boosting = HistGradientBoostingClassifier(random_state=seed)
    if task.kind == "regression":
        simplest = {"Mean": DummyRegressor()}
        boosting = HistGradientBoostingRegressor(random_state=seed)
    if given is not None:
        return simplest | {name: clone(baseline) for name, baseline in given.items()}
    vectorizer = SequenceVectorizer(cutoff=cutoff, sparse_output=False, **_columns_of(model))
    return simplest | {"Boosting": make_pipeline(vectorizer, boosting)}


def _columns_of(model):
    """The columns that a model takes as categories and as numbers, where it names them."""
    for part in [model, *(step for _, step in getattr(model, "steps", ()))]:
        parameters = part.get_params(deep=False) if hasattr(part, "get_params") else {}
        if {"categorical", "numeric"} <= set(parameters):
            return {name: parameters[name] or None for name in ("categorical", "numeric")}
    inner = getattr(model, "estimator", None)
    return _columns_of(inner) if inner is not None else {}


class Task:
    """What is predicted: kind of task, labels, and predictions as numbers.

    Parameters
    ----------
    kind : {"binary", "multiclass", "regression"}
    classes : list or None
    y : ndarray of shape (n_test,)
        Test labels: positions among the classes, or numbers.
    """

    def __init__(self, kind, classes, y):
        self.kind, self.classes, self.y = kind, classes, y

    def predict(self, model, X):
        """Probabilities of shape (n_test, n_classes), or numbers of shape (n_test,)."""
        if self.kind == "regression":
            found = np.asarray(model.predict(X), float)
            if found.size != len(self.y):
                raise ValueError(
                    f"{type(model).__name__} predicts an array of shape {found.shape} for "
                    f"{len(self.y)} samples. A report needs one number for each sample."
                )
            return found.reshape(len(self.y))
        found = np.asarray(model.predict_proba(X), float)
        return found[:, [list(model.classes_).index(each) for each in self.classes]]

    def scores(self, predicted):
        """For each score a function of weights of shape (n_draws, n_test)."""
        if self.kind == "regression":
            error = np.abs(predicted - self.y)
            return {
                "mean absolute error": lambda w: _mean(error, w),
                "root mean squared error": lambda w: np.sqrt(_mean(error**2, w)),
            }
        found = {}
        rows = np.arange(len(self.y))
        loss = -np.log(np.maximum(predicted[rows, self.y], _LEAST))
        if self.kind == "binary":
            if 0 < self.y.mean() < 1:
                found["ROC AUC"] = lambda w: weighted_auc(self.y == 1, predicted[:, 1], w)
        else:
            right = (predicted.argmax(axis=1) == self.y).astype(float)
            found["accuracy"] = lambda w: _mean(right, w)
        return found | {"log loss": lambda w: _mean(loss, w)}


GREATER_IS_BETTER = ("ROC AUC", "accuracy")


def _mean(values, weights):
    return weights @ values / weights.sum(axis=1)


def weighted_auc(positive, scores, weights):
    """Area under the ROC curve for several weightings of the samples; ties count half.

    Parameters
    ----------
    positive : ndarray of bool of shape (n_samples,)
    scores : ndarray of float of shape (n_samples,)
    weights : ndarray of shape (n_draws, n_samples)

    Returns
    -------
    ndarray of float of shape (n_draws,)
        NaN where a class has no weight.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf) > 0)
    positive, weights = positive[order], weights[:, order].astype(float)
    found = np.add.reduceat(weights * positive, starts, axis=1)
    rest = np.add.reduceat(weights * ~positive, starts, axis=1)
    below = np.cumsum(rest, axis=1) - rest / 2
    total = found.sum(axis=1) * rest.sum(axis=1)
    return np.divide(
        (found * below).sum(axis=1), total, out=np.full(len(weights), np.nan), where=total > 0
    )


def bootstrap(task, predictions, units, n_draws, rng):
    """Scores of all models on the test samples, and on draws of users with replacement.

    Parameters
    ----------
    task : Task
    predictions : dict of str to ndarray
    units : ndarray of int of shape (n_test,)
        User of each sample.
    n_draws : int
    rng : RandomState

    Returns
    -------
    dict of (str, str) to (float, ndarray of shape (n_draws,))
        By model and score.
    """
    n_units = int(units.max()) + 1
    step = max(1, _WEIGHTS_AT_ONCE // len(units))
    functions = {
        (name, score): function
        for name, predicted in predictions.items()
        for score, function in task.scores(predicted).items()
    }
    drawn = {key: [] for key in functions}
    for start in range(0, n_draws, step):
        size = min(step, n_draws - start)
        weights = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size)[:, units]
        for key, function in functions.items():
            drawn[key].append(function(weights))
    once = np.ones((1, len(units)))
    return {key: (float(f(once)[0]), np.concatenate(drawn[key])) for key, f in functions.items()}


def score_rows(found, level):
    """Each score with its interval as a list of dicts."""
    rows = []
    for (name, score), (value, draws) in found.items():
        low, high = _interval(draws, level)
        rows.append({"model": name, "score": score, "value": value, "low": low, "high": high})
    return rows


def difference_rows(found, level):
    """Paired differences of the model from each baseline, each with a sentence."""
    rows = []
    for (name, score), (value, draws) in found.items():
        if name == MODEL:
            continue
        own, own_draws = found[MODEL, score]
        low, high = _interval(own_draws - draws, level)
        row = {"baseline": name, "score": score, "difference": own - value}
        row |= {"low": low, "high": high}
        rows.append(row | {"sentence": _sentence(**row)})
    return rows


def _interval(draws, level):
    ends = np.nanquantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return float(ends[0]), float(ends[1])


def _sentence(baseline, score, difference, low, high):
    said = f"{difference:+.3f}, interval [{low:+.3f}, {high:+.3f}]"
    if low <= 0 <= high:
        return f"No difference shown from {baseline} in {score} ({said})."
    better = (difference > 0) == (score in GREATER_IS_BETTER)
    return f"{'Better' if better else 'Worse'} than {baseline} in {score} ({said})."
