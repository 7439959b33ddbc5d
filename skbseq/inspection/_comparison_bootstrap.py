"""Bootstrap of the scores of fitted models by user, on their own test sets."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import check_scoring
from sklearn.utils.metaestimators import available_if

from skbseq import _frames

_MOST_UNDEFINED = 0.5


def user_codes(users, n_samples):
    """Number of the user of each sample; each is its own without users.

    Raises
    ------
    ValueError
        If there is not one user for each sample, one is missing, or there are fewer than two.
    """
    if users is None:
        return np.arange(n_samples)
    codes, names = _frames.encode(_frames.make_array(users))
    if len(codes) != n_samples:
        raise ValueError(f"users holds {len(codes):,} values for {n_samples:,} samples.")
    if (codes < 0).any():
        raise ValueError(
            f"users is missing for sample {int(np.argmax(codes < 0))} ({int((codes < 0).sum()):,} "
            "such samples). Drop these samples, or give each a user of its own."
        )
    if len(names) < 2:
        raise ValueError("users names one user only; a bootstrap needs at least two.")
    return codes


def draw_users(codes, n_draws, rng):
    """How often each user is drawn, of shape (n_draws, n_users)."""
    n_users = int(codes.max()) + 1
    return rng.multinomial(n_users, np.full(n_users, 1 / n_users), n_draws)


def score_draws(estimators, splits, X, y, codes, drawn, scoring):
    """Score of each fitted estimator on each draw of its test users.

    Parameters
    ----------
    estimators : list of estimator
        One for each split.
    splits : list of (ndarray, ndarray)
        Rows for training and for testing.
    X : array-like or sequence frame
    y : array-like
    codes : ndarray of int of shape (n_samples,)
        User of each sample.
    drawn : ndarray of int of shape (n_draws, n_users)
    scoring : str, callable or None

    Returns
    -------
    ndarray of float of shape (n_splits, n_draws)
        NaN where the score of a draw is not defined, such as ROC AUC of one class.
    """
    y, found = np.asarray(y), np.full((len(splits), len(drawn)), np.nan)
    for i, (estimator, (_, test)) in enumerate(zip(estimators, splits, strict=True)):
        test = np.asarray(test)
        if scoring is None or not isinstance(scoring, str):
            answers, read = estimator, lambda rows, test=test: _rows(X, test[rows])
        else:  # its scores need predictions only, which a draw does not change
            answers, read = _Predicted(estimator, _rows(X, test)), lambda rows: rows
        scorer = check_scoring(answers, scoring=scoring)
        for draw, times in enumerate(drawn):
            rows = np.repeat(np.arange(len(test)), times[codes[test]])
            found[i, draw] = _score(scorer, answers, read, rows, y[test])
    return found


def _score(scorer, answers, read, rows, y):
    if not len(rows):
        return np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        try:
            return scorer(answers, read(rows), y[rows])
        except ValueError:  # scikit-learn's way to say that a score needs two classes
            return np.nan


def mean_of_draws(scores):
    """Mean over splits and seeds of each draw, of those splits on which all models have a score.

    Parameters
    ----------
    scores : ndarray of float of shape (n_models, n_splits, n_seeds, n_draws)

    Returns
    -------
    ndarray of float of shape (n_models, n_kept)

    Raises
    ------
    ValueError
        If the score is undefined in more than half of the draws.
    """
    defined = np.isfinite(scores).all(axis=(0, 2))
    kept = defined.any(axis=0)
    if kept.mean() < _MOST_UNDEFINED:
        raise ValueError(
            f"The score is undefined in {int((~kept).sum()):,} of {len(kept):,} draws, because "
            "the test sets have too few users of a class. Use fewer splits, another scoring, or "
            'interval="t".'
        )
    weights = defined[:, kept] / defined[:, kept].sum(axis=0)
    return np.einsum("mskd,sd->md", np.nan_to_num(scores[..., kept]), weights) / scores.shape[2]


def percentile_interval(draws, level):
    """Percentiles of draws, and the two-sided p-value that the value is 0.

    Parameters
    ----------
    draws : ndarray of float of shape (n_rows, n_draws)
    level : float

    Returns
    -------
    low, high, p_value : ndarray of shape (n_rows,)
    """
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2], axis=1)
    n_draws = draws.shape[1]
    tail = np.minimum((draws <= 0).sum(axis=1), (draws >= 0).sum(axis=1))
    return low, high, np.minimum(2 * (1 + tail) / (1 + n_draws), 1.0)


def _rows(X, rows):
    if _frames.is_frame(X):
        return _frames.pick_rows(X, rows)
    return X[rows] if hasattr(X, "shape") else [X[row] for row in rows]


def _has(method):
    return available_if(lambda self: hasattr(self.estimator, method))


class _Predicted(BaseEstimator):
    """The predictions of an estimator for samples that are named by their numbers."""

    def __init__(self, estimator, X):
        self.estimator, self.X = estimator, X
        self._found = {}

    def __sklearn_tags__(self):
        return self.estimator.__sklearn_tags__()

    def __sklearn_is_fitted__(self):
        return True

    @property
    def classes_(self):
        return self.estimator.classes_

    def fit(self, X, y):
        raise NotImplementedError("only for scores")

    def _of(self, method, rows):
        if method not in self._found:
            self._found[method] = np.asarray(getattr(self.estimator, method)(self.X))
        return self._found[method][rows]

    def predict(self, rows):
        return self._of("predict", rows)

    @_has("predict_proba")
    def predict_proba(self, rows):
        return self._of("predict_proba", rows)

    @_has("decision_function")
    def decision_function(self, rows):
        return self._of("decision_function", rows)
