"""Calibration: compare predicted probabilities with observed frequencies."""

from numbers import Integral, Number

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_consistent_length

from skbseq._checks import (
    Interval,
    StrOptions,
    shown,
    to_array,
    to_numbers,
    validate_parameter_constraints,
)

__all__ = ["expected_calibration_error"]

_Z = 1.96  # of a 95% interval
_CONSTRAINTS = {
    "n_bins": [Interval(Integral, 1, 10**6, closed="both")],
    "strategy": [StrOptions({"quantile", "uniform"})],
}


def expected_calibration_error(
    y_true, y_prob, *, n_bins=10, strategy="quantile", labels=None, pos_label=None
):
    """Expected calibration error (ECE): mean distance of predicted and observed probability.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_prob : array-like of shape (n_samples,) or (n_samples, n_classes)
        Probability of the positive class, or of each class. With two columns, the second is used.
    n_bins : int, default=10
        Number of bins. More bins find finer errors, but also more noise of the labels.
    strategy : {"quantile", "uniform"}, default="quantile"
        "quantile": about the same number of samples in each bin. "uniform": bins of equal width.
    labels : array-like of shape (n_classes,), default=None
        Labels in the order of the columns of y_prob, as in ``classes_``. None: those of y_true
        in ascending order.
    pos_label : int, float, bool or str, default=None
        The positive class, if y_prob has one dimension. None: 1, for labels 0 and 1, -1 and 1,
        or booleans.

    Returns
    -------
    float
        Between 0, perfectly calibrated, and 1.

    Raises
    ------
    ValueError
        If y_prob does not hold probabilities, the lengths differ, or the positive class is
        ambiguous.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : Plots the bins that this function summarises.
    sklearn.calibration.CalibratedClassifierCV : Calibrates a classifier.
    sklearn.metrics.brier_score_loss : Needs no bins, and also measures the ranking.

    Notes
    -----
    With the samples in bins :math:`B_1, \\dots, B_m` by predicted probability [1]_ [2]_

    .. math::

        \\mathrm{ECE} = \\sum_b \\frac{|B_b|}{n}
        \\Big| \\frac{1}{|B_b|} \\sum_{i \\in B_b} (z_i - p_i) \\Big|

    For two classes, :math:`p_i` is the probability of the positive one and :math:`z_i` whether
    the label is positive. For more classes, :math:`p_i` is the largest probability and
    :math:`z_i` whether that class is right. This is the *top-label* error, which ignores the other
    classes.

    The labels of a bin vary by chance, so even true probabilities have an error of about
    :math:`\\sqrt{2 m \\bar p (1 - \\bar p) / (\\pi n)}`: 0.017 with 10 bins, 4,000 samples and a
    quarter of positives. A constant prediction of the base rate has no error, so check a ranking
    score too.

    References
    ----------
    .. [1] Naeini, Cooper, Hauskrecht (2015). Obtaining well calibrated probabilities using
       Bayesian binning. AAAI.
    .. [2] Guo, Pleiss, Sun, Weinberger (2017). On calibration of modern neural networks. ICML.

    Examples
    --------
    >>> from skbseq.inspection import expected_calibration_error
    >>> y_true = [0, 0, 0, 1, 0, 1, 1, 1]
    >>> y_prob = [0.2, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9, 0.9]
    >>> expected_calibration_error(y_true, y_prob, n_bins=2)
    0.1
    """
    given = {"n_bins": n_bins, "strategy": strategy}
    validate_parameter_constraints(
        _CONSTRAINTS, given, caller_name=expected_calibration_error.__name__
    )
    y_true = _read_column("y_true", y_true)
    y_prob = _read_probabilities(y_prob)
    check_consistent_length(y_true, y_prob)
    if y_prob.ndim == 1:
        positive = _positive(y_true, pos_label)
    else:
        y_prob, positive = _reduce_columns(y_true, y_prob, labels)
    bins = _bins(y_prob, n_bins, strategy)
    distances = np.bincount(bins, weights=positive - y_prob)
    return float(np.abs(distances).sum() / len(y_prob))


def _read_column(name, values):
    values = to_array(name, values)
    if values.ndim == 2 and values.shape[1] == 1:
        return column_or_1d(values, warn=True)
    if values.ndim != 1:
        raise ValueError(
            f"{name} must have one dimension, a label for each sample; got shape {values.shape}."
        )
    return values


def _read_probabilities(y_prob):
    y_prob = to_numbers("y_prob", y_prob)
    if y_prob.ndim not in (1, 2) or y_prob.size == 0:
        raise ValueError(
            f"y_prob has shape {y_prob.shape}; expected (n_samples,), the probability of the "
            "positive class, or (n_samples, n_classes)."
        )
    good = (y_prob >= 0) & (y_prob <= 1)
    if not good.all():
        row = int(np.argmin(good if good.ndim == 1 else good.all(axis=1)))
        raise ValueError(
            f"Row {row} of y_prob holds {y_prob[row].tolist()}, which is not a probability "
            "between 0 and 1. Pass the result of predict_proba."
        )
    if y_prob.ndim == 2:
        _check_sums(y_prob)
    return y_prob


def _check_sums(y_prob):
    far = np.abs(y_prob.sum(axis=1) - 1) > 1e-3  # float16 may be this inexact
    if far.any():
        row = int(np.argmax(far))
        raise ValueError(
            f"Row {row} of y_prob sums to {y_prob[row].sum():.3f}, not to 1. Give a column for "
            "each class, as predict_proba does."
        )


def _distinct(y_true):
    try:
        return np.unique(y_true).tolist()
    except TypeError as error:  # several types, or missing labels
        raise ValueError(
            f"The labels of y_true cannot be compared: {error}. Give all of them one type, and "
            "leave out rows without a label."
        ) from error


def _positive(y_true, pos_label):
    """Whether each label is the positive one."""
    found = _distinct(y_true)
    if pos_label is None:
        if not (set(found) <= {0, 1} or set(found) <= {-1, 1}):
            raise ValueError(
                f"y_true holds the labels {found[:5]}, so the positive class is ambiguous. Name "
                "it by pos_label, or give y_prob with a column for each class."
            )
        pos_label = 1
    if len(found) > 2:
        raise ValueError(
            f"y_true holds {len(found)} labels, but y_prob one probability per sample. Give "
            "y_prob with a column for each class."
        )
    if not isinstance(pos_label, (Number, str, np.bool_)):
        raise ValueError(f"pos_label must be a label; got {shown(pos_label)}.")
    if len(found) == 2 and pos_label not in found:
        raise ValueError(f"pos_label={pos_label!r} is not one of the labels of y_true, {found}.")
    return y_true == pos_label


def _reduce_columns(y_true, y_prob, labels):
    """One probability per sample, and whether its class is the true one."""
    labels = np.array(_distinct(y_true)) if labels is None else _read_column("labels", labels)
    if len(labels) != y_prob.shape[1]:
        raise ValueError(
            f"y_prob has {y_prob.shape[1]} columns for the {len(labels)} labels "
            f"{labels.tolist()[:5]}. Give the classifier's classes_ as labels."
        )
    try:
        unseen = np.setdiff1d(y_true, labels)
    except TypeError as error:
        raise ValueError(
            f"The labels of y_true cannot be compared with labels={labels.tolist()[:5]}: {error}."
        ) from error
    if unseen.size:
        raise ValueError(
            f"y_true holds {unseen.tolist()[0]!r}, which is not among the labels "
            f"{labels.tolist()[:5]}."
        )
    if len(labels) == 2:
        return y_prob[:, 1], y_true == labels[1]
    return y_prob.max(axis=1), y_true == labels[y_prob.argmax(axis=1)]


def _bins(y_prob, n_bins, strategy):
    """Bin of each probability, as in scikit-learn's calibration_curve; equal ones share a bin."""
    shares = np.linspace(0, 1, n_bins + 1)
    edges = np.quantile(y_prob, shares) if strategy == "quantile" else shares
    return np.searchsorted(edges[1:-1], y_prob)


def calibration_points(y, probability, n_bins=10):
    """Mean prediction and observed share of bins of about equal numbers of samples.

    Parameters
    ----------
    y : ndarray of bool of shape (n_samples,)
    probability : ndarray of shape (n_samples,)
    n_bins : int, default=10

    Returns
    -------
    predicted, observed, below, above : ndarray of shape (n_bins,)
        ``below`` and ``above`` are the distances to the ends of Wilson's 95% interval. Equal
        predictions share a bin.
    """
    edges = np.quantile(probability, np.linspace(0, 1, n_bins + 1)[1:-1])
    bins = np.unique(np.searchsorted(edges, probability), return_inverse=True)[1]
    n, yes = np.bincount(bins), np.bincount(bins, weights=y)
    predicted, observed = np.bincount(bins, weights=probability) / n, yes / n
    middle = (yes + _Z**2 / 2) / (n + _Z**2)
    half = _Z / (n + _Z**2) * np.sqrt(yes * (n - yes) / n + _Z**2 / 4)
    # Rounding must not make a distance of zero negative.
    ends = observed - middle + half, middle + half - observed
    return predicted, observed, *(np.maximum(distance, 0) for distance in ends)
