"""Sequence frames in all their forms: distinguish them from arrays, and split them."""

from collections.abc import Set
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from skbseq._frames._columns import as_array, kind_of, take
from skbseq._frames._lists import Lists, holds_matrices, is_list, stack_matrices, to_lists
from skbseq._frames._objects import objects_to_arrow
from skbseq._frames._tables import (
    check_unique_names,
    column_names,
    is_frame,
    pandas_to_arrow,
    to_arrow,
)
from skbseq._sequences import ranges
from skbseq.exceptions import SequenceFrameError

_NUMBERS = ("integer", "float", "boolean")


@dataclass(frozen=True)
class SequenceColumns:
    """The content of a sequence frame: list columns, ordinary columns, number of rows."""

    lists: dict
    ordinary: dict
    n_rows: int

    def cut(self, starts, stops):
        """The list columns restricted to a range of events per row, for all or some rows.

        Parameters
        ----------
        starts, stops : ndarray of int
            Positions among the events of all rows.

        Returns
        -------
        dict of str to Lists
        """
        places, offsets = ranges(starts, stops)
        return {name: Lists(take(c.values, places), offsets) for name, c in self.lists.items()}


def is_sequence_frame(data, *, bare_lists=None):
    """Whether data is a sequence frame, and not an array of numbers.

    Parameters
    ----------
    data : object
        A table of only numbers counts as an array: each column is a time step.
    bare_lists : bool, default=None
        Whether a bare list of lists is one channel. None: it is, unless its rows are numbers
        of equal length, which scikit-learn treats as an array.

    Returns
    -------
    bool
    """
    if isinstance(data, list):
        if not data or not all(map(_is_listlike, data)):
            return False
        return not _is_rectangular(data) if bare_lists is None else bare_lists
    if isinstance(data, np.ndarray):
        return data.dtype == object and data.ndim in (1, 2) and any(map(_is_listlike, data.flat))
    if isinstance(data, pd.DataFrame):
        return not _holds_numbers(data, next(data.items(), None))
    if isinstance(data, pa.Table):  # narwhals would take a tenth of a prediction of one row
        check_unique_names(data)
        return not all(kind_of(dtype) in _NUMBERS for dtype in data.schema.types)
    if nw.dependencies.is_into_series(data):
        raise SequenceFrameError(
            f"Expected a table, got a single column ({type(data).__name__}). Select it as a "
            "table: X[['name']], not X['name']."
        )
    if not is_frame(data):
        return False
    check_unique_names(data)
    schema = nw.from_native(data, eager_only=True).schema
    return not all(dtype.is_numeric() or dtype == nw.Boolean for dtype in schema.values())


def _holds_numbers(frame, first):
    """Whether a pandas frame holds only numbers; ``first`` is its first name and column."""
    check_unique_names(frame)
    # The first column mostly decides; looking up the types of all takes three times as long.
    if first is not None and first[1].dtype.kind not in "iufb":
        return False
    return all(dtype.kind in "iufb" for dtype in frame.dtypes)


def _is_rectangular(rows):
    if len({len(row) for row in rows}) > 1:
        return False
    try:
        return np.asarray(rows).dtype.kind in "biuf"
    except ValueError:  # ragged lists of lists
        return False


def _is_listlike(cell):
    return isinstance(cell, (list, tuple)) or (isinstance(cell, np.ndarray) and cell.ndim > 0)


def all_names(data):
    """Column names of a sequence frame in any of its forms."""
    if isinstance(data, list):
        return ["x0"]
    if isinstance(data, np.ndarray):
        return [f"x{i}" for i in range(data.shape[1] if data.ndim == 2 else 1)]
    return column_names(data)


def split_sequences(data, *, channels=(), nested=False):
    """Split a sequence frame into list columns and ordinary columns.

    Parameters
    ----------
    data : table, list of lists, or ndarray of lists of shape (n_samples[, n_columns])
        A bare list of lists is one channel, ``x0``.
    channels : collection of str, default=()
        Columns to treat as list columns even if their type is null. A column without rows, or
        with only null rows, may have no list type.
    nested : bool, default=False
        Whether a value in a list may itself be a list: the vector of an event.

    Returns
    -------
    SequenceColumns
        Null rows of a list column become empty lists.

    Raises
    ------
    SequenceFrameError
        If there is no list column, if the lists of a row differ in length, or if they are
        nested without ``nested=True``.
    """
    return _split(_read_columns(data), channels, nested)


def split_if_sequences(data, *, bare_lists=None, channels=(), nested=False):
    """:func:`split_sequences` if :func:`is_sequence_frame`, else None.

    For one row, inspecting the columns takes as long as reading them, so a pandas frame is
    inspected and read in one pass.
    """
    if not isinstance(data, pd.DataFrame):
        framed = is_sequence_frame(data, bare_lists=bare_lists)
        return split_sequences(data, channels=channels, nested=nested) if framed else None
    items = data.items()
    first = next(items, None)
    if _holds_numbers(data, first):
        return None
    return _split(_read_items(data, (first, *items)), channels, nested)


def _split(columns, channels, nested):
    lists = {
        name: to_lists(column, name, nested=nested)
        for name, column in columns.items()
        if is_list(column.type) or (name in channels and pa.types.is_null(column.type))
    }
    ordinary = {n: as_array(c) for n, c in columns.items() if n not in lists}
    if not lists:
        kinds = ", ".join(f"{n} ({kind_of(c.type)})" for n, c in ordinary.items())
        raise SequenceFrameError(
            f"The frame has no channel: none of its columns holds lists. It has {kinds}. "
            "Make histories with EventLog.histories, one row per sample."
        )
    _check_equal_lengths(lists)
    return SequenceColumns(lists, ordinary, len(next(iter(lists.values())).offsets) - 1)


def _read_columns(data):
    if isinstance(data, (list, np.ndarray)):
        names = all_names(data)
        one = isinstance(data, list) or data.ndim == 1
        cells = [data] if one else [data[:, i] for i in range(len(names))]
        return {n: _cells_to_arrow(list(c), n) for n, c in zip(names, cells, strict=True)}
    if isinstance(data, pd.DataFrame):
        return _read_items(data, data.items())
    table = to_arrow(data, _cells_to_arrow)
    return {name: table[name] for name in table.column_names}


def _read_items(frame, items):
    """Columns of a pandas frame, given its names and columns."""
    column_names(frame)  # checks them
    return {name: _series_to_arrow(series, name) for name, series in items}


def _series_to_arrow(series, name):
    is_arrow = isinstance(series.dtype, pd.ArrowDtype)  # faster than comparing with object
    if not is_arrow and series.dtype == object:
        cells = series.tolist()
        if holds_matrices(cells):
            return _cells_to_arrow(cells, name)
        _refuse_sets(cells, name)
    return pandas_to_arrow(series, name)


def _cells_to_arrow(cells, name):
    _refuse_sets(cells, name)
    if holds_matrices(cells):
        cells = stack_matrices(cells)
    return cells if isinstance(cells, pa.Array) else objects_to_arrow(cells, name)


def _refuse_sets(cells, name):
    """Refuse histories that are sets, which Arrow would read as lists in an arbitrary order."""
    kinds = set(map(type, cells))
    if any(issubclass(kind, Set) for kind in kinds):
        row = next(row for row, cell in enumerate(cells) if isinstance(cell, Set))
        raise SequenceFrameError(
            f"Row {row} of column {name!r} is a {type(cells[row]).__name__}, which has no order. "
            "Give a list of events, oldest first."
        )


def _check_equal_lengths(lists):
    (first, reference), *others = lists.items()
    for name, column in others:
        differs = np.flatnonzero(column.lengths != reference.lengths)
        if differs.size:
            row = differs[0]
            raise SequenceFrameError(
                f"Row {row} has {reference.lengths[row]} values in {first!r} but "
                f"{column.lengths[row]} in {name!r}; the list columns of a row must be of equal "
                "length. (Shuffling one of several channels, as permutation_importance does, "
                "mixes the rows: encode the frame first, and permute context columns or a "
                "single channel.)"
            )
