"""Checks of what users pass, and the private names of scikit-learn that skbseq uses.

One file follows the changes of these names.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from decimal import Decimal
from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context as fit_context
from sklearn.utils import check_random_state as _check_random_state
from sklearn.utils._param_validation import HasMethods as _HasMethods
from sklearn.utils._param_validation import Interval as _Interval
from sklearn.utils._param_validation import (
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


# Address of the built documentation, without a slash at its end. The estimators' HTML views link
# to it; without an address they link nowhere.
DOCUMENTATION = ""


class LinksToDocs:
    """A base class of estimators whose HTML view links to their page of the API documentation.

    List this class before scikit-learn's base classes, which read these attributes.
    """

    _doc_link_module = "skbseq"  # classes of users that inherit from ours have no page here

    @property
    def _doc_link_template(self):
        return f"{DOCUMENTATION}/generated/skbseq.{{name}}.html" if DOCUMENTATION else ""

    def _doc_link_url_param_generator(self):
        return {"name": type(self).__name__}


# Numbers of events, rows and items are 64-bit integers.
_MOST = 2**63 - 1


class Interval(_Interval):
    """scikit-learn's constraint of this name, without booleans and spans of NumPy.

    Integers without an upper bound end with 64 bits.
    """

    def __init__(self, type, left, right, *, closed):
        if type is Integral and right is None:
            right, closed = _MOST, "both" if closed == "left" else "right"
        super().__init__(type, left, right, closed=closed)

    def is_satisfied_by(self, val):
        """Whether a value lies in the interval."""
        # Python counts booleans among the integers, and NumPy spans, which it cannot compare.
        return not isinstance(val, (bool, np.timedelta64)) and super().is_satisfied_by(val)


class HasMethods(_HasMethods):
    """scikit-learn's constraint of this name, for instances: a class has the methods too."""

    def is_satisfied_by(self, val):
        """Whether a value is an instance with these methods."""
        return not isinstance(val, type) and super().is_satisfied_by(val)

    def __str__(self):
        return super().__str__().replace("an object", "an instance", 1)


# Types that are neither a table nor an array, and the advice that the error gives.
_NO_DATA = (
    (Mapping, "Make a table of it, such as pandas.DataFrame(X)."),
    ((Iterator, Set), "Make a list of it."),
    ((str, bytes, type(None)), "Give the samples themselves."),
)


def check_is_data(X, name="X"):
    """Refuse data that cannot be samples, before NumPy converts it to a meaningless array.

    Parameters
    ----------
    X : object
    name : str, default="X"
        Name of the parameter, for messages.

    Raises
    ------
    TypeError
        If X is None, a string, a dict, a set, a generator, a lazy table or a single value.
    ValueError
        If X is a table without columns.
    """
    kind = type(X).__name__
    if (unordered := why_unordered(X)) is not None:
        raise TypeError(unordered.replace("X ", f"{name} ", 1))
    advice = next((advice for types, advice in _NO_DATA if isinstance(X, types)), None)
    if kind == "LazyFrame":  # by name, so that polars need not be imported
        advice = "Call collect() first."
    if advice is not None and not hasattr(X, "shape"):  # some sparse arrays of SciPy are dicts
        raise TypeError(
            f"{name} must be a sequence frame or an array of numbers; got {kind}. {advice}"
        )
    is_data = any(hasattr(X, name) for name in ("shape", "__len__", "__array__"))
    if isinstance(X, type) or not is_data:
        raise TypeError(f"{name} must be a sequence frame or an array of numbers; got {shown(X)}.")
    if len(getattr(X, "columns", (1,))) == 0:
        raise ValueError(f"{name} is a table without columns.")


def validate_data(estimator, X, **options):
    """scikit-learn's function of this name, with a clear error for data that is no array."""
    check_is_data(X)
    try:
        return _validate_data(estimator, X, **options)
    except (TypeError, ValueError) as error:
        odd = _not_numeric(X)
        if odd is None:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"X cannot be read as an array of numbers: {odd} ({error}). Histories of other values "
            "are a sequence frame: a table with list columns."
        ) from error


def why_unordered(X):
    """What is wrong with a list of histories that holds a set; None if it holds none."""
    for row, history in enumerate(X if isinstance(X, list) else ()):
        if isinstance(history, Set):
            return (
                f"Row {row} of X is a {type(history).__name__}, which has no order. Give a list "
                "of events, oldest first."
            )
    return None


def _not_numeric(X):
    """What is no number in an array or a list; None if scikit-learn's own message says enough."""
    try:
        array = np.asarray(X)
    except ValueError:  # rows of several lengths
        first = _shape(X[0])
        row = next((i for i, row in enumerate(X) if _shape(row) != first), 0)
        return f"row {row}, {shown(X[row])}, does not have the length of row 0, {shown(X[0])}"
    if array.dtype.kind in "biufc":
        return None
    for at in np.ndindex(array.shape):
        try:
            float(array[at])
        except (TypeError, ValueError, OverflowError):
            place = f"row {at[0]} holds " if at else ""
            return f"{place}{shown(array[at])}, which is not a number"
    return None


def _shape(row):
    try:
        return np.shape(row)
    except ValueError:
        return None


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


# ------------------------------------------------------------------ parameters


def shown(value):
    """A value in a message: its repr, or only its type if that is long or fails."""
    try:
        text = repr(value.item() if isinstance(value, np.generic) else value)
    except Exception:  # whatever an object of the user raises
        text = "\n"
    return text if len(text) <= 80 and "\n" not in text else f"a {type(value).__name__}"


def check_choice(name, value, choices):
    """Refuse a value that is not one of the choices, which are strings or None."""
    # An array or pandas.NA cannot be compared with them.
    if not isinstance(value, (str, type(None))) or value not in choices:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, choices))}; got {shown(value)}."
        )


def check_count(name, value, *, least=1, most=_MOST):
    """Refuse a value that is not a whole number from ``least`` to ``most``."""
    if not is_whole(value) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; got {shown(value)}.")
    if value > most:
        raise ValueError(f"{name} must be at most {most:,}; got {shown(value)}.")


def is_whole(value):
    """Whether a value is a whole number. To Python booleans and spans of NumPy are, too."""
    return isinstance(value, Integral) and not isinstance(value, (bool, np.timedelta64))


def is_real(value):
    """Whether a value is a real number of Python or NumPy, and no boolean or span."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.timedelta64))


def is_several(value):
    """Whether a value is a list, an array or another collection, and not a string or a dict."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        return False
    return getattr(value, "ndim", 1) > 0


def check_flag(name, value):
    """Refuse a value that is not True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False; got {shown(value)}.")


def check_name(name, value):
    """Refuse a value that cannot be the name of a new column."""
    if not isinstance(value, str) or not is_text(value):
        raise ValueError(f"{name} must be a string, the name of a column; got {shown(value)}.")


def is_text(value):
    """Whether a string is valid Unicode: half a surrogate pair cannot be stored as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def as_names(name, value, *, empty=False):
    """The names of columns in a parameter, one or several, as a list.

    Parameters
    ----------
    name : str
        Name of the parameter, for messages.
    value : object
        What the user passed.
    empty : bool, default=False
        Whether there may be no name.

    Raises
    ------
    ValueError
        If it is neither a string nor a list of strings.
    """
    if isinstance(value, str):
        return [value]
    if not is_several(value) or isinstance(value, Iterator):
        raise ValueError(
            f"{name} must be the name of a column or a list of names; got {shown(value)}."
        )
    names = list(value)
    for each in names:
        if not isinstance(each, str):
            raise ValueError(
                f"{name} must be the name of a column or a list of names; it holds {shown(each)} "
                f"of type {type(each).__name__}."
            )
    if not names and not empty:
        raise ValueError(f"{name} is an empty list. Give the name of at least one column.")
    return names


def to_array(name, value):
    """A NumPy array of a parameter.

    Raises
    ------
    ValueError
        If NumPy cannot make an array of it, as of rows of several lengths.
    """
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} cannot be read as an array: {error}. Give rows of one length."
        ) from error


def read_sample_weight(sample_weight, n_samples):
    """Sample weights as float32, ones if there are none.

    Raises
    ------
    ValueError
        If they are not finite numbers of zero or more, one for each sample or one for all.
    """
    if sample_weight is None:
        return np.ones(n_samples, np.float32)
    weights = to_numbers("sample_weight", sample_weight)
    with np.errstate(over="ignore"):
        weights = check_sample_weight(
            weights if weights.ndim else float(weights),
            np.empty((n_samples, 0)),
            dtype=np.float32,
            ensure_non_negative=True,
        )
    if not np.isfinite(weights).all():
        row = int(np.flatnonzero(~np.isfinite(weights))[0])
        raise ValueError(f"sample_weight must hold finite numbers; row {row} is infinite or NaN.")
    return weights


def to_numbers(name, value):
    """An array of float64 of a parameter.

    Raises
    ------
    ValueError
        If it holds anything but numbers; the message names the first.
    """
    array = to_array(name, value)
    # NumPy would read strings of digits, spans and dates as numbers.
    if array.dtype.kind not in "biuf":
        for at in np.ndindex(array.shape):
            if not (is_real(array[at]) or isinstance(array[at], Decimal)):
                place = f"row {at[0]} holds" if at else "got"
                raise ValueError(f"{name} must hold numbers; {place} {shown(array[at])}.")
    return array.astype(np.float64)


def check_random_state(value):
    """The generator of a ``random_state``, with the parameter's name in the error."""
    given = {"random_state": value}
    validate_parameter_constraints({"random_state": ["random_state"]}, given, "skbseq")
    return _check_random_state(value)


# ------------------------------------------------------------------ output


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
    "as_names",
    "check_choice",
    "check_count",
    "check_feature_names_in",
    "check_flag",
    "check_is_data",
    "check_method_params",
    "check_name",
    "check_random_state",
    "check_sample_weight",
    "check_y",
    "fit_context",
    "is_real",
    "is_several",
    "is_text",
    "is_whole",
    "output_library",
    "read_sample_weight",
    "shown",
    "to_array",
    "to_numbers",
    "validate_data",
    "validate_parameter_constraints",
    "validate_sequence_array",
    "why_unordered",
    "with_callbacks",
]
