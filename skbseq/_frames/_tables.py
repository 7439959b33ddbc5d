"""Read tables of any library, and write them in the library of the user."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from skbseq._frames._columns import as_array, decode_strings, kind_of, take
from skbseq._frames._columns import numbers as numbers_of
from skbseq._frames._lists import Lists, is_list
from skbseq._frames._objects import check_moments, objects_to_arrow
from skbseq.exceptions import InvalidLogError, SequenceFrameError

# From this many rows on, one thread per column saves more time than it costs.
_MANY_ROWS = 100_000

_NULLABLE = {pa.bool_(): pd.BooleanDtype()} | {
    pa.type_for_alias(dtype.name.lower()): dtype
    for dtype in (
        *(pd.Int8Dtype(), pd.Int16Dtype(), pd.Int32Dtype(), pd.Int64Dtype()),
        *(pd.UInt8Dtype(), pd.UInt16Dtype(), pd.UInt32Dtype(), pd.UInt64Dtype()),
    )
}

# ------------------------------------------------------------------ in


def is_frame(data):
    """Whether this is a table of a dataframe library known to narwhals, and not a lazy one."""
    if isinstance(data, (pd.DataFrame, pa.Table)):  # 50 times as fast as narwhals
        check_unique_names(data)
        return True
    if not nw.dependencies.is_into_dataframe(data):
        return False
    check_unique_names(data)
    return isinstance(nw.from_native(data, eager_only=True, pass_through=True), nw.DataFrame)


def library_of(frame):
    """Name of the library of a table; "pandas" for a list or an array."""
    if isinstance(frame, pd.DataFrame) or not is_frame(frame):
        return "pandas"
    return nw.from_native(frame, eager_only=True).implementation.name.lower()


def check_unique_names(frame):
    """Refuse a table with a repeated column name, which narwhals cannot read."""
    if isinstance(frame, pd.DataFrame) and frame.columns.is_unique:  # pandas caches this
        return
    names = list(frame.column_names if isinstance(frame, pa.Table) else frame.columns)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SequenceFrameError(
            f"Column {twice!r} occurs {names.count(twice)} times. Rename or drop the copies."
        )


def column_names(frame):
    """Names of the columns; refuses a repeated name or one that is not a string."""
    _check_frame(frame)
    names = list(frame.column_names if isinstance(frame, pa.Table) else frame.columns)
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise SequenceFrameError(
            f"Column names must be strings; got {odd[0]!r} of type {type(odd[0]).__name__}. "
            "Rename the columns."
        )
    return names


def _check_frame(frame):
    if not is_frame(frame):
        raise TypeError(f"Expected a pandas, polars or pyarrow table; got {type_text(frame)}.")


def type_text(thing):
    """Name of a type, with advice for a lazy table."""
    name = type(thing).__name__
    return f"{name}: call collect() first" if name == "LazyFrame" else name


def n_rows(frame):
    """Number of rows of any table."""
    return frame.num_rows if isinstance(frame, pa.Table) else len(frame)


def to_arrow(frame, read_objects=objects_to_arrow):
    """An Arrow table with the columns of any table; nulls and pandas' NaN become nulls.

    ``read_objects`` reads a column of polars that Arrow has no type for, given its values as a
    list, and its name.
    """
    names = column_names(frame)
    if isinstance(frame, pd.DataFrame):
        return pa.table({name: pandas_to_arrow(series, name) for name, series in frame.items()})
    table = frame
    if not isinstance(frame, pa.Table):
        table = _narwhals_to_arrow(nw.from_native(frame, eager_only=True), read_objects)
    for i, name in enumerate(names):
        if pa.types.is_string_view(table.field(i).type):  # Arrow cannot take rows of these
            table = table.set_column(i, name, decode_strings(table[name]))
    return table


def _narwhals_to_arrow(frame, read_objects):
    try:
        table = frame.to_arrow()
        if not any(map(_holds_pointers, table.schema.types)):
            return table
    except pa.ArrowInvalid:  # of a type without a counterpart, such as integers of 128 bits
        pass
    return pa.table(
        {name: _series_to_arrow(frame[name], name, read_objects) for name in frame.columns}
    )


def _series_to_arrow(series, name, read_objects=objects_to_arrow):
    """A column of narwhals as an Arrow array."""
    try:
        array = series.to_arrow()
        if not _holds_pointers(array.type):
            return array
    except pa.ArrowInvalid:
        pass
    values = series.to_list()
    array = read_objects(values, name)
    if pa.types.is_temporal(array.type):
        check_moments(values, name)
    return array


def _holds_pointers(dtype):
    """Whether an array of polars holds addresses in memory, as those of its Python objects do."""
    if pa.types.is_nested(dtype):
        return any(_holds_pointers(dtype.field(i).type) for i in range(dtype.num_fields))
    return pa.types.is_fixed_size_binary(dtype)  # polars has no such type of its own


def pandas_to_arrow(series, name):
    """A pandas column as an Arrow array."""
    if isinstance(series.dtype, pd.ArrowDtype):  # pa.array(series) takes 30 times as long
        array = as_array(series.array.__arrow_array__())
    elif isinstance(series.dtype, pd.SparseDtype):
        return pandas_to_arrow(series.sparse.to_dense(), name)
    elif series.dtype.kind == "c" or series.dtype == np.longdouble != np.float64:
        _refuse_dtype(series, name)
    else:
        array = objects_to_arrow(series, name)
    if isinstance(array.type, pa.BaseExtensionType):
        _refuse_dtype(series, name)
    if pa.types.is_temporal(array.type) and series.dtype == object:
        check_moments(series, name)
    return array


def _refuse_dtype(series, name):
    raise SequenceFrameError(
        f"Column {name!r} holds {series.dtype} values, for which there is no Arrow type. "
        "Convert it to timestamps, numbers or strings, or drop it."
    )


# ------------------------------------------------------------------ out


def frame_from_columns(columns, like="pandas", index=None):
    """Make a table of the library ``like`` from arrays, lists or :class:`Lists`.

    A pandas table gets the index, if one is given.
    """
    columns = {name: _as_arrow(column) for name, column in columns.items()}
    if like == "pandas":
        return _pandas_frame(columns, index)
    table = pa.table(columns)
    if like == "pyarrow":
        return table
    return nw.DataFrame.from_arrow(table, backend=like).to_native()


def attach_columns(frame, columns):
    """The same table with columns appended; its library and index are kept."""
    kind = library_of(frame)
    if kind == "pandas":
        return pd.concat([frame, frame_from_columns(columns, index=frame.index)], axis=1)
    added = frame_from_columns(columns, like=kind)
    if kind == "pyarrow":
        for name in added.column_names:
            frame = frame.append_column(added.field(name), added[name])
        return frame
    return nw.concat([nw.from_native(frame), nw.from_native(added)], how="horizontal").to_native()


def replace_columns(frame, columns):
    """The same table with new values in some of its columns; the order of columns is kept."""
    kind = library_of(frame)
    if kind == "pandas":
        return frame.assign(**frame_from_columns(columns, index=frame.index))
    made = nw.from_native(frame_from_columns(columns, like=kind), eager_only=True)
    frame = nw.from_native(frame, eager_only=True)
    return frame.with_columns(*(made[name] for name in columns)).to_native()


def build_frame(columns, *, like, library=None):
    """Make a table in the library of another table, or in the given library.

    A pandas table gets the index of the other table, if that is a pandas table too.
    """
    if library is None:
        library = library_of(like)
    index = like.index if isinstance(like, pd.DataFrame) else None
    return frame_from_columns(columns, like=library, index=index)


def select_columns(frame, names):
    """The same table with only these columns."""
    return nw.from_native(frame, eager_only=True).select(names).to_native()


def slice_rows(data, start, stop):
    """Consecutive rows of a table, a list or an array."""
    if is_frame(data):
        return nw.from_native(data, eager_only=True)[start:stop].to_native()
    return data[start:stop]


def filter_rows(frame, mask):
    """The rows of a table where a mask is True; its library and index are kept."""
    if isinstance(frame, pa.Table):
        return frame.filter(pa.array(mask))
    return nw.from_native(frame, eager_only=True).filter(mask.tolist()).to_native()


def pick_rows(frame, rows):
    """Some rows of a table of any library, in the given order; its index is kept."""
    return nw.from_native(frame, eager_only=True)[rows].to_native()


def as_native(column, library):
    """A column as a pandas or polars Series, or as an Arrow array."""
    table = frame_from_columns({"column": column}, like=library)
    return table["column"]


def read_column(values, name):
    """An Arrow array of a Series of any library, an array or a list; NaN becomes null.

    Raises
    ------
    SequenceFrameError
        If the values have several types, or one that Arrow does not support.
    """
    if isinstance(values, pd.Series):
        return as_array(pandas_to_arrow(values, name))
    series = nw.from_native(values, series_only=True, pass_through=True)
    array = _series_to_arrow(series, name) if isinstance(series, nw.Series) else values
    if not isinstance(array, (pa.Array, pa.ChunkedArray)):
        array = objects_to_arrow(array, name)
    return as_array(array)


def to_mask(values, name, n_rows):
    """The result of a user's function as a boolean mask; a missing value counts as True.

    Raises
    ------
    InvalidLogError
        If they are not booleans, or not one per row.
    """
    series = nw.from_native(values, series_only=True, pass_through=True)
    array = _series_to_arrow(series, name) if isinstance(series, nw.Series) else values
    if not isinstance(array, (pa.Array, pa.ChunkedArray)):
        array = pa.array(np.atleast_1d(np.asarray(array)), from_pandas=True)
    if not pa.types.is_boolean(array.type) or len(array) != n_rows:
        raise InvalidLogError(
            f"{name} returned {len(array):,} {kind_of(array.type)} values; expected {n_rows:,} "
            "booleans, True for a value to keep."
        )
    return pc.fill_null(as_array(array), True).to_numpy(zero_copy_only=False)


def aggregate(table, group, ways):
    """Aggregate columns by group.

    Parameters
    ----------
    table : pyarrow.Table
    group : ndarray of int
        Group of each row, counted from 0.
    ways : dict of str to tuple of (str, str)
        For each name in the result, the column and Arrow's name of the aggregation.

    Returns
    -------
    dict of str to pyarrow.Array
        One value per group, in the order of the group numbers.
    """
    columns = {name: decode_strings(as_array(table[name])) for name, _ in ways.values()}
    for name, column in columns.items():
        if pa.types.is_null(column.type):
            columns[name] = column.cast(pa.float64())
    keyed = pa.table({**columns, "": pa.array(group)})
    wanted = list(dict.fromkeys(ways.values()))
    for name, how in wanted:
        if how == "sum" and pa.types.is_integer(columns[name].type):
            _check_sums(columns[name], group, name)
    # One thread: with several, the order within lists would be arbitrary.
    done = keyed.group_by("", use_threads=False).aggregate(wanted).sort_by("")
    return {out: as_array(done[f"{name}_{how}"]) for out, (name, how) in ways.items()}


def _check_sums(column, group, name):
    """Refuse sums that do not fit into 64 bits; Arrow overflows silently."""
    values = np.abs(np.nan_to_num(numbers_of(column)))
    if values.max(initial=0) * len(values) < 2.0**62:  # no sum can be that large
        return
    if np.bincount(group, weights=values).max() >= 2.0**63:
        raise InvalidLogError(
            f"The sums of column {name!r} are too large for 64-bit integers. Convert the column "
            "to floats."
        )


def pack_table(table):
    """An Arrow table as bytes, in Arrow's stream format."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return np.frombuffer(sink.getvalue(), np.uint8).copy()


def unpack_table(data):
    """The table packed by :func:`pack_table`, fully validated: the file may be untrusted."""
    table = pa.ipc.open_stream(pa.py_buffer(data)).read_all()
    table.validate(full=True)
    return table


def take_rows(table, rows):
    """Some rows of an Arrow table, in the given order."""
    rows = pa.array(rows)
    if len(rows) < _MANY_ROWS:
        return pa.table({name: take(table[name], rows) for name in table.column_names})
    # Arrow takes rows of a column in one thread, but releases the GIL, so columns run in parallel.
    with ThreadPoolExecutor(min(len(table.column_names), os.cpu_count() or 1)) as threads:
        taken = threads.map(lambda name: take(table[name], rows), table.column_names)
        return pa.table(dict(zip(table.column_names, taken, strict=True)))


def write_frame(frame, path):
    """Write a table as CSV or Parquet, depending on the file extension."""
    table = to_arrow(frame)
    if str(path).lower().endswith(".csv"):
        pa.csv.write_csv(table, path)
    else:
        pa.parquet.write_table(table, path)


def _as_arrow(column):
    if isinstance(column, Lists):
        return column.to_arrow()
    if isinstance(column, (pa.Array, pa.ChunkedArray)):
        return column
    return pa.array(column, from_pandas=True)


def _pandas_frame(columns, index):
    """A pandas table from Arrow arrays, by name."""
    lengths = {name: len(column) for name, column in columns.items()}
    if index is not None:
        lengths["the index"] = len(index)
    if len(set(lengths.values())) > 1:  # pandas would broadcast or fill in silently
        raise ValueError(f"The columns differ in length: {lengths}.")
    arrays = (_as_pandas(column, index) for column in columns.values())
    frame = pd.DataFrame(dict(enumerate(arrays)), index=index)
    if columns:
        # A view of the cached index, so that setting `columns.name` changes only this table.
        frame.columns = _kept_names(tuple(columns)).view()
    return frame


def _as_pandas(column, index):
    """A pandas column; lists stay Arrow, because pandas has no list type of its own."""
    if is_list(column.type):
        return pd.arrays.ArrowExtensionArray(column)
    # Of pandas' own types, only these hold integers and booleans alongside missing values.
    dtype = _NULLABLE.get(column.type) if column.null_count else None
    series = column.to_pandas() if dtype is None else pd.Series(dtype.__from_arrow__(column))
    return series if index is None else series.set_axis(index)


@lru_cache(maxsize=64)
def _kept_names(names):
    """A cached index of names; making one takes half the time of making a table of one row."""
    index = pd.Index(list(names))
    # Before pandas 3 it holds objects, in memory that all tables with these names share.
    if index.dtype == object:
        index.values.flags.writeable = False
    return index
