"""Targets of classifiers and regressors: labels that can be compared, and finite numbers."""

import math
from decimal import Decimal
from numbers import Number, Real

import numpy as np

from skbseq import _frames
from skbseq._checks import to_array


def read_label_table(y):
    """Labels of which several may hold at once, or None where y has one column.

    Returns
    -------
    labels : ndarray of float64 of shape (n_samples, n_labels)
        0 and 1.
    names : ndarray of shape (n_labels,) or None
        Names of the columns of a table.

    Raises
    ------
    ValueError
        If there are several columns and they hold anything but 0 and 1, or False and True.
    """
    is_table = _frames.is_frame(y)
    if is_table and not len(y.columns):
        raise ValueError("y is a table without columns.")
    if not is_table and not isinstance(y, (list, tuple, np.ndarray)):
        return None
    try:
        labels = np.asarray(y)
    except ValueError:  # rows of several lengths, which the reader of labels refuses
        return None
    if labels.ndim != 2 or labels.shape[1] < 2:
        return None
    names = np.array(_frames.all_names(y), dtype=object) if is_table else None
    bad = np.argwhere(~_are_binary(labels))
    if bad.size or labels.dtype.kind in "SU":  # NumPy finds 1 among ["1"]
        row, column = bad[0] if bad.size else (0, 0)
        name = column if names is None else repr(names[column])
        raise ValueError(
            f"y has {labels.shape[1]} columns, each a label that holds or not, but row {row} of "
            f"column {name} holds {labels[row].tolist()[column]!r}. Use 0 and 1, or one column of "
            "classes."
        )
    return labels.astype(np.float64), names


def _are_binary(labels):
    if labels.dtype != object:
        return np.isin(labels, (0, 1))
    # pandas.NA cannot be compared.
    flat = [isinstance(v, (Number, np.bool_)) and v in (0, 1) for v in labels.ravel()]
    return np.array(flat, bool).reshape(labels.shape)


def read_labels(y, *, name="y"):
    """Labels that NumPy can compare: of one kind, and none missing.

    A list of several kinds would become strings in NumPy, and objects cannot be sorted.

    Returns
    -------
    array-like
        As it was, but for an object array of numbers or booleans, which becomes one of these.
    """
    array = to_array(name, y)  # refuses rows of several lengths
    labels = y if isinstance(y, (list, tuple)) and array.ndim == 1 else array
    if labels is array and array.dtype != object:
        return y
    if array.ndim == 2 and array.shape[1] == 1:  # a column, which scikit-learn warns of
        read_labels(array[:, 0], name=name)
        return y
    if array.ndim != 1:
        return y
    kinds = {kind: _label_kind(kind) for kind in set(map(type, labels))}
    if len(set(kinds.values())) > 1 or None in kinds.values():
        _refuse_labels(labels, kinds, name)
    return np.array(list(labels)) if set(kinds.values()) == {"number"} else y


def _label_kind(kind):
    """Which labels a type can be compared with: a word, or None for missing ones."""
    if kind.__name__ in ("NoneType", "NAType", "NaTType"):
        return None
    if issubclass(kind, (Number, np.bool_)):
        return "number"
    return "string" if issubclass(kind, str) else kind.__name__


def _refuse_labels(y, kinds, name):
    first = None
    for row, label in enumerate(y):
        kind = kinds[type(label)]
        if kind is None or (isinstance(label, float) and np.isnan(label)):
            raise ValueError(
                f"Row {row} of {name} holds {label!r}, a missing label. Drop the rows without a "
                "label, or give them one."
            )
        first = first or kind
        if kind != first:
            raise ValueError(
                f"Row {row} of {name} holds {label!r}, a {kind}, where those before it are of the "
                f"kind {first}. Give all labels one type."
            )


def check_class_weight(class_weight):
    """Refuse weights of classes that a sample weight may not be."""
    if isinstance(class_weight, str):
        return
    largest = float(np.finfo(np.float32).max)
    for label, weight in class_weight.items():
        if not isinstance(weight, Real) or not 0 <= weight <= largest:
            raise ValueError(
                f"class_weight gives the class {label!r} the weight {weight!r}; a weight is a "
                "finite number of zero or more."
            )


def check_numbers(y):
    """Refuse targets that are no finite numbers, naming the first.

    NumPy would make counts of days of dates and numbers of strings of digits, without a word.

    Raises
    ------
    ValueError
        If y holds strings, times, or missing or infinite values.
    """
    if _frames.is_frame(y) and not len(y.columns):
        raise ValueError("y is a table without columns.")
    values = to_array("y", y)
    if values.ndim == 0 or values.dtype.kind not in "fOSUMm":
        return
    if values.dtype.kind == "f":
        bad = ~np.isfinite(values)
    else:
        bad = np.array([not _is_finite(value) for value in values.ravel()], dtype=bool)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        _refuse_number(values.ravel()[at], row=np.unravel_index(at, values.shape)[0])


def _is_finite(value):
    # A timedelta64 is one of NumPy's integers.
    is_number = isinstance(value, (Real, Decimal)) and not isinstance(value, np.timedelta64)
    return is_number and math.isfinite(value)


def _refuse_number(value, *, row):
    value = value.item() if isinstance(value, (np.floating, np.str_)) else value
    advice = "Give every sample a number, or drop the rows without."
    if isinstance(value, float) and math.isinf(value):
        advice = (
            "Where nothing happened within the horizon, clip y to the horizon's length, or train "
            "on the samples with whom something did."
        )
    raise ValueError(f"y must hold finite numbers; row {row} holds {value!r}. {advice}")
