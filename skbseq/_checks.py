"""What skbseq uses of scikit-learn's private side, in one place, so that one file follows it."""

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    Interval,
    Options,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y
from sklearn.utils.validation import validate_data

try:  # scikit-learn 1.9 and later
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Nothing, before scikit-learn has callbacks."""

    def with_callbacks(method):
        """The method as it is, before scikit-learn has callbacks."""
        return method


def output_library(estimator):
    """The dataframe library that set_output asks of a transformer, None where it asks none."""
    library = _get_output_config("transform", estimator)["dense"]
    return None if library == "default" else library


__all__ = [
    "CallbackSupportMixin",
    "Interval",
    "Options",
    "RealNotInt",
    "StrOptions",
    "check_feature_names_in",
    "check_sample_weight",
    "check_y",
    "fit_context",
    "output_library",
    "validate_data",
    "validate_parameter_constraints",
    "with_callbacks",
]
