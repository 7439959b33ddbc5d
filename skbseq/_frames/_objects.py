"""Arrow arrays of Python objects, and errors that name the row that does not fit."""

import datetime as dt
import numbers

import numpy as np
import pandas as pd
import pyarrow as pa

from skbseq._checks import is_text, shown
from skbseq.exceptions import SequenceFrameError


def objects_to_arrow(values, name):
    """An Arrow array of a pandas Series or a list; NaN becomes null.

    Raises
    ------
    SequenceFrameError
        If the values have several types, or one without a column type.
    """
    try:
        return pa.array(values, from_pandas=True)
    except UnicodeEncodeError as e:
        row = next(row for row, value in enumerate(values) if not _is_unicode(value))
        raise SequenceFrameError(
            f"Row {row} of column {name!r} holds text that is not Unicode: {e.object!r} has half "
            "of a surrogate pair. Replace it: text.encode('utf-8', 'replace').decode()."
        ) from e
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as e:
        _refuse_huge(values, name)
        raise SequenceFrameError(_explain(values, name, e)) from e


def _explain(values, name, error):
    """Why values are no Arrow array, with the row of the first that does not fit."""
    odd = _first_odd(values)
    if odd is not None:
        row, found, expected = odd
        return (
            f"Column {name!r} mixes kinds of values: row {row} holds {shown(found)} of type "
            f"{type(found).__name__} where those before it are of type {expected}. "
            "Give the column one type."
        )
    foreign = next(((row, v) for row, v in enumerate(values) if not _is_known(v)), None)
    if foreign is not None:
        row, found = foreign
        kind = type(found).__name__
        said = shown(found) if shown(found) == f"a {kind}" else f"{shown(found)} of type {kind}"
        return (
            f"Row {row} of column {name!r} holds {said}, for which there is no column type. "
            "Convert the column to numbers, strings or timestamps, or drop it."
        )
    return f"Column {name!r} cannot be read as one kind of value: {error}. Give it one type."


def _is_known(value):
    try:
        pa.array([value], from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError):
        return False
    return True


def _refuse_huge(values, name):
    """Refuse integers beyond 64 bits, naming the row of the first."""
    for row, value in enumerate(values):
        for found in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(found, int) and not -(2**63) <= found < 2**63:
                raise SequenceFrameError(
                    f"Row {row} of column {name!r} holds {found}, which does not fit into 64-bit "
                    "integers. Convert ids to strings, or numbers to floats."
                )


def _is_unicode(value):
    if isinstance(value, (list, tuple, set)) or getattr(value, "ndim", 0) > 0:
        return all(map(_is_unicode, value))
    return is_text(str(value))


def _first_odd(values):
    """First row with a value, or with a list item, whose type differs from those before it."""
    expected = {}  # by depth: 0 for the cell, 1 for the items of a list
    for row, value in enumerate(values):
        listed = isinstance(value, (list, tuple, np.ndarray)) and getattr(value, "ndim", 1) > 0
        for depth, found in [(0, value), *((1, item) for item in (value if listed else ()))]:
            if pd.api.types.is_scalar(found) and pd.isna(found):
                continue
            kind = "list" if depth == 0 and listed else _python_kind(found)
            if expected.setdefault(depth, kind) != kind:
                return row, found, expected[depth]
    return None


def _python_kind(value):
    if isinstance(value, numbers.Number) and not isinstance(value, (bool, np.bool_)):
        return "number"
    return type(value).__name__


def check_moments(series, name):
    """Refuse what Arrow mixes silently: dates and datetimes, times with and without a zone."""
    first = None
    for row, value in enumerate(series):
        if not isinstance(value, dt.date) or pd.isna(value):
            continue
        kind = "a date"
        if isinstance(value, dt.datetime):
            kind = "a datetime " + ("without" if value.tzinfo is None else "with") + " a time zone"
        first = first or kind
        if kind != first:
            raise SequenceFrameError(
                f"Column {name!r} mixes kinds of values: row {row} holds {value!r}, {kind}, where "
                f"those before it are {first}. Give the column one type."
            )
