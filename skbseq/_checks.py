"""Private names of scikit-learn that skbseq uses, so that one file follows their changes."""

from collections.abc import Iterator, Mapping, Set

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y
from sklearn.utils.validation import validate_data as _validate_data

try:  # scikit-learn 1.9 and later
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """An empty base class for versions of scikit-learn without callbacks."""

    def with_callbacks(method):
        """The method itself, for versions of scikit-learn without callbacks."""
        return method


# Types that are neither a table nor an array, and the advice that the error gives.
_NO_DATA = (
    (Mapping, "Make a table of it, such as pandas.DataFrame(X)."),
    ((Iterator, Set), "Make a list of it."),
    ((str, bytes, type(None)), "Give the samples themselves."),
)


def check_is_data(X):
    """Refuse data that cannot be samples, before NumPy converts it to a meaningless array.

    Raises
    ------
    TypeError
        If X is None, a string, a dict, a set, a generator or a lazy table.
    """
    kind = type(X).__name__
    advice = next((advice for types, advice in _NO_DATA if isinstance(X, types)), None)
    if kind == "LazyFrame":  # by name, so that polars need not be imported
        advice = "Call collect() first."
    if advice is not None and not hasattr(X, "shape"):  # some sparse arrays of SciPy are dicts
        raise TypeError(f"X must be a sequence frame or an array of numbers; got {kind}. {advice}")


def validate_data(estimator, X, **options):
    """scikit-learn's function of this name, with a clear error for data that is no array."""
    check_is_data(X)
    return _validate_data(estimator, X, **options)


def validate_sequence_array(estimator, X, *, reset, dtype=(np.float64, np.float32)):
    """An array of shape (n_samples, n_steps) or (n_samples, n_steps, n_channels), NaN allowed.

    Raises
    ------
    ValueError
        If it has more dimensions, or no channel.
    """
    X = validate_data(
        estimator,
        X,
        reset=reset,
        dtype=list(dtype),
        allow_nd=True,
        ensure_all_finite="allow-nan",
    )
    if X.ndim > 3 or X.shape[-1] == 0:
        raise ValueError(
            f"X has shape {X.shape}; an array is of shape (n_samples, n_steps) or "
            "(n_samples, n_steps, n_channels), with at least one channel."
        )
    return X


def output_library(estimator):
    """The dataframe library that set_output chose for a transformer, or None."""
    library = _get_output_config("transform", estimator)["dense"]
    return None if library == "default" else library


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_feature_names_in",
    "check_is_data",
    "check_method_params",
    "check_sample_weight",
    "check_y",
    "fit_context",
    "output_library",
    "validate_data",
    "validate_parameter_constraints",
    "validate_sequence_array",
    "with_callbacks",
]
