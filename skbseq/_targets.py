"""The target of next-event models: its channel, its ids, and the true next events."""

import warnings
from collections.abc import Mapping, Set

import numpy as np

from skbseq import _frames
from skbseq._checks import shown, why_unordered
from skbseq._inputs import check_is_raw
from skbseq._sequences import offsets_of
from skbseq.exceptions import SequenceFrameError

# Types of values that can be ids.
_ID_TYPES = ("string", "integer", "boolean")
_ID_TYPES_TEXT = "strings, integers or booleans"
# Scores in memory at a time: 32 MB of float64.
_CELLS = 2**22


def rows_at_a_time(n_classes):
    """Number of rows whose scores are computed at a time."""
    return max(1, _CELLS // max(n_classes, 1))


def split_target(X, name=None, *, but=None):
    """Split a sequence frame into its columns and find the list column that holds the ids.

    Parameters
    ----------
    X : sequence frame
        In any of its forms. A list of lists may also hold numbers; each is an id.
    name : str, default=None
        The column. None: the only list column of strings, integers or booleans.
    but : str, default=None
        A column that is not the target.

    Returns
    -------
    columns : SequenceColumns
    name : str

    Raises
    ------
    SequenceFrameError
        If there is no such column, or several and no ``name``.
    """
    check_is_histories(X)
    if name is not None and not isinstance(name, str):
        raise SequenceFrameError(
            f"target must be the name of a list column or None; got {shown(name)}."
        )
    columns = _frames.split_sequences(X, channels=() if name is None else (name,), nested=True)
    check_is_raw(columns)
    kinds = {n: _frames.kind_of(_plain(c.values).type) for n, c in columns.lists.items()}
    there = ", ".join(f"{n!r} ({kind})" for n, kind in kinds.items())
    if name is None:
        found = [n for n, kind in kinds.items() if kind in _ID_TYPES and n != but]
        if not found and set(kinds.values()) == {"null"}:
            raise SequenceFrameError(
                f"None of the histories holds an event in any list column: {there}. "
                "Give at least one history with an event."
            )
        if len(found) != 1:
            which = "None" if not found else "More than one"
            raise SequenceFrameError(
                f"{which} of the list columns can be the target, which must hold "
                f"{_ID_TYPES_TEXT}: {there}. Name it: target=..."
            )
        return columns, found[0]
    if name not in kinds:
        is_ordinary = " It is an ordinary column." if name in columns.ordinary else ""
        raise SequenceFrameError(
            f"The target {name!r} is not a list column.{is_ordinary} The list columns are {there}."
        )
    if kinds[name] not in (*_ID_TYPES, "null"):
        raise SequenceFrameError(
            f"The target {name!r} holds {kinds[name]} values; ids are {_ID_TYPES_TEXT}. Convert "
            f"them, or name another list column; there are {there}."
        )
    return columns, name


def check_is_histories(X):
    """Refuse what is not a sequence frame in any of its forms."""
    if (unordered := why_unordered(X)) is not None:
        raise SequenceFrameError(unordered)
    if not _frames.is_sequence_frame(X, bare_lists=True) and not _frames.is_frame(X):
        raise SequenceFrameError(
            f"Expected a sequence frame, with histories in list columns; got {type(X).__name__}. "
            "Make one with EventLog.histories, or give a list of lists."
        )


def _plain(values):
    return _frames.decode_strings(values)


def present_values(column):
    """The values of a list column without the missing ones.

    Returns
    -------
    values : pyarrow.Array
        Without nulls.
    offsets : ndarray of int64 of shape (n_rows + 1,)
        Where each row begins in ``values``.
    places : ndarray of int64
        Position of each value among all values of the column.
    """
    values = _plain(column.values)
    present = ~_frames.is_missing(values)
    places = np.flatnonzero(present)
    if len(places) < len(values):
        values = _frames.take(values, places)
    return values, offsets_of(present)[column.offsets], places


def basket_starts(columns, name, target=None):
    """Where the basket of each event begins, among the events of all rows.

    Parameters
    ----------
    columns : SequenceColumns
    name : str
        List column. Its equal values next to each other in a history make a basket; an event
        without a value is a basket of its own.
    target : str, default=None
        The column that holds the ids, which has no baskets.

    Returns
    -------
    ndarray of int64 of shape (n_events,)

    Raises
    ------
    SequenceFrameError
        If there is no such list column, or it is the target.

    Warns
    -----
    UserWarning
        If a value comes back after another one.
    """
    wrong = None
    if not isinstance(name, str):
        wrong = f"basket must be the name of a list column or None; got {shown(name)}"
    elif name == target:
        wrong = f"basket={name!r} is the target itself"
    elif name not in columns.lists:
        wrong = f"There is no list column {name!r}"
        if name in columns.ordinary:
            wrong = f"The basket {name!r} is an ordinary column, not a list column"
    if wrong is not None:
        raise SequenceFrameError(
            f"{wrong}. The list columns are {', '.join(map(repr, columns.lists))}. Give a list "
            "column whose equal values mark events that happened together, such as invoice "
            "numbers or times."
        )
    column = columns.lists[name]
    codes, _ = _frames.encode(_frames.nan_to_null(_frames.decode_strings(column.values)))
    begins = np.ones(len(codes), bool)
    begins[1:] = (codes[1:] != codes[:-1]) | (codes[1:] < 0)
    begins[column.offsets[:-1][np.diff(column.offsets) > 0]] = True
    _warn_of_baskets_that_come_back(codes, begins, column, name)
    return np.maximum.accumulate(np.where(begins, np.arange(len(codes)), 0))


def _warn_of_baskets_that_come_back(codes, begins, column, name):
    """Warn if a value stands in two baskets of a history, as if its events were not together."""
    at = np.flatnonzero(begins & (codes >= 0))
    rows = np.searchsorted(column.offsets, at, side="right") - 1
    keys = rows * (int(codes.max(initial=0)) + 1) + codes[at]
    _, first = np.unique(keys, return_index=True)
    again = np.setdiff1d(np.arange(len(keys)), first)
    if len(again):
        example = column.values[int(at[again[0]])].as_py()
        warnings.warn(
            f"{len(again):,} baskets have a value of {name!r} that came before another one in the "
            f"same history, such as {example!r} in row {rows[again[0]]}. They count as baskets of "
            "their own. If the events of a basket belong together, sort them together.",
            UserWarning,
            stacklevel=2,
        )


def to_ids(values):
    """Arrow values without nulls as a NumPy array of strings, integers or booleans."""
    if _frames.kind_of(values.type) != "string":
        return values.to_numpy(zero_copy_only=False).copy()
    objects = _frames.to_objects(values)
    # NumPy's own strings cannot end in NUL; such ids stay objects.
    cut_short = any(value.endswith("\0") for value in objects)
    return objects if cut_short or not len(objects) else objects.astype(str)


def read_ids(ids, name):
    """A list of ids as an Arrow array.

    Raises
    ------
    ValueError
        If it is not a list.
    """
    if not _is_column(ids):
        raise ValueError(f"{name} must be a list of ids; got {shown(ids)}.")
    return _frames.read_column(ids, name)


def _is_column(values):
    """Whether values may be a column: a list, an array of one dimension, or a Series."""
    if isinstance(values, (str, bytes, type, Mapping, Set)) or not hasattr(values, "__len__"):
        return False
    return getattr(values, "ndim", 1) == 1


def read_next(y, n_rows):
    """Next events as an Arrow array, null for a missing one.

    Raises
    ------
    ValueError
        If they are not ids, or not one per row.
    """
    if not _is_column(y):
        raise ValueError(
            f"y must have one dimension, an id for each row of X; got {type(y).__name__}"
            f"{f' of shape {y.shape}' if hasattr(y, 'shape') else ''}."
        )
    if len(y) != n_rows:
        raise ValueError(f"X has {n_rows:,} rows and y {len(y):,} values; expected one per row.")
    values = _plain(_frames.read_column(y, "y"))
    kind = _frames.kind_of(values.type)
    if kind == "float":  # pandas stores integers with missing values as floats
        return _whole_numbers(values)
    if kind not in (*_ID_TYPES, "null"):
        raise ValueError(f"y holds {kind} values; ids are {_ID_TYPES_TEXT}. Convert them.")
    return values


def _whole_numbers(values):
    values = _frames.nan_to_null(values)
    numbers = _frames.numbers(values)
    missing = np.isnan(numbers)
    # From 2**53 on, floats cannot represent every integer, so the id may have been rounded.
    odd = ~missing & ((numbers != np.floor(numbers)) | (np.abs(numbers) >= 2.0**53))
    if odd.any():
        row = _frames.first_row(odd)
        raise ValueError(
            f"Row {row} of y holds {numbers[row]}; ids are {_ID_TYPES_TEXT}. Convert y to one of "
            "these."
        )
    ids = np.where(missing, 0, numbers).astype(np.int64)
    return _frames.make_array(ids) if not missing.any() else _with_nulls(ids, missing)


def _with_nulls(ids, missing):
    objects = ids.astype(object)
    objects[missing] = None
    return _frames.make_array(objects)


def true_index(y, n_rows, classes):
    """Position of each true next event among the classes, -1 if it is not one of them.

    Raises
    ------
    ValueError
        If one is missing, or their type differs from that of the classes.
    """
    values = read_next(y, n_rows)
    missing = _frames.is_missing(values)
    if missing.any():
        raise ValueError(
            f"Row {_frames.first_row(missing)} of y is missing, so there is no true next event to "
            "compare with. Leave such rows out."
        )
    return index_in_classes(values, classes, "y")


def index_in_classes(values, classes, name):
    """Position of each Arrow value among the classes, -1 if it is not one of them."""
    try:
        return _frames.index_in(values, _frames.make_array(classes))
    except TypeError as error:
        raise ValueError(
            f"{name} holds {_frames.kind_of(values.type)} values, unlike the ids seen at fit, "
            f"such as {classes.tolist()[0]!r}: {error}. Convert them to the type used at fit."
        ) from error
