"""The one door for tables: pandas, polars and pyarrow go in and out here, Arrow lies between.

Everywhere else a table is an Arrow table, a list column is :class:`Lists`, and a column of
numbers is a NumPy array. This is the only file that names a dataframe library.
"""

import datetime as dt
import os
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from skbseq._sequences import offsets_of
from skbseq.exceptions import InvalidLogError, SequenceFrameError

_MAX_OFFSET = 2**31 - 1


@dataclass(frozen=True)
class Lists:
    """A list column: the values of all rows end to end, and where each row begins.

    Row ``i`` holds ``values[offsets[i]:offsets[i + 1]]``.
    """

    values: pa.Array
    offsets: np.ndarray

    @property
    def lengths(self):
        """Number of values of each row."""
        return np.diff(self.offsets)

    def to_arrow(self):
        """An Arrow list array that shares these values."""
        if len(self.values) > _MAX_OFFSET:
            return pa.LargeListArray.from_arrays(pa.array(self.offsets, pa.int64()), self.values)
        return pa.ListArray.from_arrays(pa.array(self.offsets, pa.int32()), self.values)


@dataclass(frozen=True)
class SequenceColumns:
    """What a sequence frame holds: its list columns, its ordinary columns, its length."""

    lists: dict
    ordinary: dict
    n_rows: int


# ------------------------------------------------------------------ tables in


def is_frame(data):
    """Whether this is a table of a dataframe library that narwhals knows."""
    return isinstance(nw.from_native(data, eager_only=True, pass_through=True), nw.DataFrame)


def _library(frame):
    return nw.from_native(frame, eager_only=True).implementation.name.lower()


def column_names(frame):
    """Names of the columns; refuses a name that stands twice or is not a string."""
    names = frame.column_names if isinstance(frame, pa.Table) else list(frame.columns)
    odd = [name for name in names if not isinstance(name, str)]
    if odd:
        raise SequenceFrameError(
            f"Column names must be strings; got {odd[0]!r} of type {type(odd[0]).__name__}. "
            "Rename the columns."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SequenceFrameError(
            f"Column {twice[0]!r} stands {names.count(twice[0])} times. Rename or drop the copies."
        )
    return names


def n_rows(frame):
    """Number of rows of any table."""
    return frame.num_rows if isinstance(frame, pa.Table) else len(frame)


def to_arrow(frame):
    """An Arrow table with the columns of any table; nulls and pandas' NaN become nulls."""
    if not is_frame(frame):
        raise TypeError(
            "Expected a pandas, polars or pyarrow table or the path of a CSV or Parquet file; "
            f"got {type(frame).__name__}."
        )
    names = column_names(frame)
    if isinstance(frame, pa.Table):
        return frame
    if _library(frame) != "pandas":
        return nw.from_native(frame, eager_only=True).to_arrow()
    return pa.table({name: _pandas_to_arrow(frame[name], name) for name in names})


def _pandas_to_arrow(series, name):
    try:
        return pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        row, found, expected = _first_odd(series)
        raise SequenceFrameError(
            f"Column {name!r} mixes kinds of values: row {row} holds {found!r} of type "
            f"{type(found).__name__} where rows before it hold {expected}. "
            "Give the column one type."
        ) from error


def _first_odd(series):
    """First row whose Python type differs from that of the rows before it."""
    expected = None
    row = value = None
    for row, value in enumerate(series):
        if value is None or value != value if not hasattr(value, "__len__") else False:
            continue
        if expected is not None and type(value) is not expected:
            return row, value, expected.__name__
        expected = type(value)
    return row, value, getattr(expected, "__name__", "nothing")


def read_table(source):
    """Read a table, or a CSV or Parquet file, into Arrow.

    Returns
    -------
    table : pyarrow.Table
    like : object
        What answers shall look like: the table itself, or "pandas" for a file.
    """
    if isinstance(source, (str, os.PathLike)):
        return _read_path(os.fspath(source)), "pandas"
    try:
        return to_arrow(source), _library(source)
    except SequenceFrameError as error:
        raise InvalidLogError(str(error)) from error


def _read_path(path):
    if not os.path.exists(path):
        raise FileNotFoundError(f"No file {path!r}. Give the path of a CSV or Parquet file.")
    lower = path.lower()
    try:
        if lower.endswith((".parquet", ".pq")):
            table = pa.parquet.read_table(path)
        elif lower.endswith((".csv", ".csv.gz", ".tsv")):
            options = pa.csv.ParseOptions(delimiter="\t" if lower.endswith(".tsv") else ",")
            strings = pa.csv.ConvertOptions(strings_can_be_null=True)
            table = pa.csv.read_csv(path, parse_options=options, convert_options=strings)
        else:
            raise InvalidLogError(
                f"Cannot tell the format of {path!r} from its ending. "
                "Use .csv, .csv.gz, .tsv or .parquet."
            )
        column_names(table)
    except (pa.ArrowInvalid, SequenceFrameError) as error:
        raise InvalidLogError(f"Cannot read {path!r}: {error}") from error
    return table


# ------------------------------------------------------------------ tables out


def frame_from_columns(columns, like="pandas"):
    """Make a table of the library named, from columns as arrays, lists or :class:`Lists`."""
    table = pa.table({name: _as_arrow(column) for name, column in columns.items()})
    if like == "pyarrow":
        return table
    if like == "pandas":
        return pd.DataFrame({name: _as_series(table[name]) for name in table.column_names})
    return nw.DataFrame.from_arrow(table, backend=like).to_native()


def attach_columns(frame, columns):
    """The same table with columns added at its end, in the same library, its index kept."""
    kind = _library(frame)
    if kind == "pandas":
        series = {n: _as_series(_as_arrow(c), index=frame.index) for n, c in columns.items()}
        return pd.concat([frame, pd.DataFrame(series, index=frame.index)], axis=1)
    added = frame_from_columns(columns, like=kind)
    if kind == "pyarrow":
        for name in added.column_names:
            frame = frame.append_column(added.field(name), added[name])
        return frame
    return nw.concat([nw.from_native(frame), nw.from_native(added)], how="horizontal").to_native()


def build_frame(columns, *, like):
    """A table of columns in the library of another table; in pandas with its index too."""
    if is_frame(like):
        result = frame_from_columns(columns, like=_library(like))
        if isinstance(result, pd.DataFrame):
            result.index = like.index
        return result
    return frame_from_columns(columns)


def select_columns(frame, names):
    """The same table with only these columns."""
    return nw.from_native(frame, eager_only=True).select(names).to_native()


def write_frame(frame, path):
    """Write a table as CSV or Parquet, by the ending of the path."""
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


def _as_series(column, index=None):
    """Lists stay Arrow, for pandas has no list type of its own; the rest becomes pandas' own."""
    if _is_list(column.type):
        chunks = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
        return pd.Series(pd.arrays.ArrowExtensionArray(chunks), index=index)
    series = column.to_pandas()
    return series if index is None else series.set_axis(index)


# ------------------------------------------------------------------ sequence frames


def is_sequence_frame(data):
    """Whether data is a table to be taken apart, and not an array of numbers.

    A table of numbers alone counts as an array: each column is a time step.
    """
    if isinstance(data, list):
        return len(data) > 0 and all(isinstance(row, (list, tuple, np.ndarray)) for row in data)
    if isinstance(data, np.ndarray):
        return data.dtype == object and data.ndim == 2 and any(map(_is_listlike, data[:1].flat))
    if not is_frame(data):
        return False
    schema = nw.from_native(data, eager_only=True).schema
    return not all(dtype.is_numeric() or dtype == nw.Boolean for dtype in schema.values())


def _is_listlike(cell):
    return isinstance(cell, (list, tuple, np.ndarray))


def all_names(data):
    """Names of the columns of a sequence frame in any of its forms."""
    if isinstance(data, list):
        return ["x0"]
    if isinstance(data, np.ndarray):
        return [f"x{i}" for i in range(data.shape[1])]
    return column_names(data)


def split_sequences(data):
    """Take a sequence frame apart.

    Parameters
    ----------
    data : table, list of lists, or ndarray of lists of shape (n_samples, n_columns)
        A bare list of lists is one channel, ``x0``.

    Returns
    -------
    SequenceColumns
        Null rows of a list column become empty lists.

    Raises
    ------
    SequenceFrameError
        If there is no list column, or if the lists of a row differ in length.
    """
    if isinstance(data, list):
        columns = {"x0": _objects_to_arrow(data, "x0")}
    elif isinstance(data, np.ndarray):
        columns = {f"x{i}": _objects_to_arrow(data[:, i], f"x{i}") for i in range(data.shape[1])}
    else:
        table = to_arrow(data)
        columns = {name: table[name] for name in table.column_names}
    lists = {n: _to_lists(c, n) for n, c in columns.items() if _is_list(c.type)}
    ordinary = {n: as_array(c) for n, c in columns.items() if n not in lists}
    if not lists:
        kinds = ", ".join(f"{n} ({kind_of(c.type)})" for n, c in ordinary.items())
        raise SequenceFrameError(
            f"The frame has no channel: none of its columns holds lists. It has {kinds}. "
            "Make histories with EventLog.histories, one row per sample."
        )
    _check_equal_lengths(lists)
    return SequenceColumns(lists, ordinary, len(next(iter(lists.values())).offsets) - 1)


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
                "breaks the rows: put the encoder before it and permute context columns or a "
                "single channel.)"
            )


def _objects_to_arrow(values, name):
    try:
        return pa.array(list(values), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise SequenceFrameError(
            f"Column {name!r} cannot be read as lists of one kind of value: {error}"
        ) from error


def _is_list(kind):
    return (
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _to_lists(column, name):
    array = as_array(column)
    if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        array = array.cast(pa.large_list(array.type.value_type))
    if _is_list(array.type.value_type):
        raise SequenceFrameError(
            f"Column {name!r} holds lists of lists; a channel has one value per event. "
            "Split the vectors into one column per component."
        )
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    return Lists(array.flatten(), offsets_of(lengths))


# ------------------------------------------------------------------ columns


def as_array(column):
    """One contiguous Arrow array of a column, whatever its chunks."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_string(column.type) and column.nbytes > _MAX_OFFSET:
        column = column.cast(pa.large_string())
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def take(column, rows):
    """Some rows of a column, in the order asked for."""
    return as_array(column).take(pa.array(rows))


def take_rows(table, rows):
    """Some rows of a table, in the order asked for."""
    return pa.table({name: take(table[name], rows) for name in table.column_names})


def is_missing(column):
    """Where a column is null or NaN."""
    return as_array(column).is_null(nan_is_null=True).to_numpy(zero_copy_only=False)


def nan_to_null(array):
    """The same values, NaN turned into null."""
    array = as_array(array)
    if not pa.types.is_floating(array.type):
        return array
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def append_null(array):
    """The same values and a null at the end."""
    return pa.concat_arrays([array, pa.nulls(1, array.type)])


def pack_array(array):
    """An Arrow array as bytes, in Arrow's stream format."""
    sink = pa.BufferOutputStream()
    batch = pa.record_batch({"values": decode_strings(array)})
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return np.frombuffer(sink.getvalue(), np.uint8).copy()


def unpack_array(data):
    """The array that :func:`pack_array` packed, checked in full: the bytes may be foreign."""
    array = as_array(pa.ipc.open_stream(pa.py_buffer(data)).read_all()["values"])
    array.validate(full=True)
    return array


def is_among(column, values):
    """Where a column holds one of some values."""
    return index_in(column, make_array(values)) >= 0


def make_array(values):
    """An Arrow array of Python or NumPy values; NaN becomes null."""
    return pa.array(values, from_pandas=True)


_KINDS = (
    ("boolean", pa.types.is_boolean),
    ("integer", pa.types.is_integer),
    ("float", pa.types.is_floating),
    ("float", pa.types.is_decimal),
    ("timestamp", pa.types.is_timestamp),
    ("timestamp", pa.types.is_date),
    ("string", pa.types.is_dictionary),
    ("string", pa.types.is_string),
    ("string", pa.types.is_large_string),
    ("string", pa.types.is_string_view),
    ("duration", pa.types.is_duration),
    ("null", pa.types.is_null),
    ("list", _is_list),
)


def kind_of(dtype):
    """What an Arrow type is to us: integer, float, boolean, string, timestamp, list and so on.

    A categorical counts as a string.
    """
    return next((name for name, test in _KINDS if test(dtype)), str(dtype))


def decode_strings(array):
    """The plain values of a dictionary (categorical) array; other arrays as they are."""
    if pa.types.is_dictionary(array.type):
        return as_array(array).dictionary_decode()
    return array


def encode(array):
    """Codes of the values in order of first appearance, -1 for null, and the values."""
    array = as_array(array)
    if pa.types.is_nested(array.type):  # Arrow hashes no lists and structs
        array = pa.array([None if v is None else repr(v) for v in array.to_pylist()], pa.string())
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    codes = pc.fill_null(array.indices.cast(pa.int32()), -1)
    return codes.to_numpy(zero_copy_only=False), array.dictionary


def count_values(array):
    """Distinct values (nulls left out) as objects, and how often each occurs."""
    codes, values = encode(array)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    seen = counts > 0
    return to_objects(values)[seen], counts[seen]


def to_objects(array):
    """The values as a NumPy array of Python objects, None for null."""
    result = np.empty(len(array), dtype=object)
    result[:] = array.to_pylist()
    return result


def sorted_rank(values):
    """Rank of each value in ascending order, and the values in that order."""
    order = pc.sort_indices(values).to_numpy()
    rank = np.empty(len(values), np.int32)
    rank[order] = np.arange(len(values), dtype=np.int32)
    return rank, values.take(pa.array(order))


def index_in(values, among, *, match_null=False):
    """Position of each value among others, -1 where it is not one of them."""
    values, among = decode_strings(as_array(values)), decode_strings(as_array(among))
    if values.type != among.type:
        kinds = {kind_of(values.type), kind_of(among.type)}
        if kinds <= {"integer", "float"}:
            values, among = values.cast(pa.float64()), among.cast(pa.float64())
        elif kinds == {"string"}:
            values, among = values.cast(pa.large_string()), among.cast(pa.large_string())
        elif "null" not in kinds:
            raise TypeError(
                f"cannot look {kind_of(values.type)} values up among {kind_of(among.type)} values"
            )
    if pa.types.is_null(values.type):
        values = values.cast(among.type)
    elif pa.types.is_null(among.type):
        among = among.cast(values.type)
    found = pc.index_in(values, value_set=among, skip_nulls=not match_null)
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def numbers(array):
    """Values as float64, NaN where null."""
    array = as_array(array)
    if pa.types.is_null(array.type):
        return np.full(len(array), np.nan)
    if not pa.types.is_float64(array.type):
        array = array.cast(pa.float64(), safe=False)
    return array.to_numpy(zero_copy_only=False)


def integers(array):
    """Values as int64, zero where null."""
    array = as_array(array)
    return pc.fill_null(array.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)


def first_row(mask):
    """First row where a boolean mask holds."""
    return int(np.flatnonzero(mask)[0])


# ------------------------------------------------------------------ times


def time_array(ticks, *, unit, zone=None, missing=None):
    """An Arrow timestamp array of integer ticks since 1970."""
    return pa.array(ticks, mask=missing).cast(pa.timestamp(unit, tz=zone))


def time_ticks(array):
    """Ticks since 1970 of a timestamp, date or ISO string column.

    Returns
    -------
    ticks : ndarray of int64
        Zero where missing. In UTC where the column has a zone.
    missing : ndarray of bool
        Where the column is null.
    unreadable : ndarray of bool
        Where a string is not a time.
    unit : {"us", "ns"}
        Coarser units are widened to microseconds.
    zone : str or None
    """
    array = decode_strings(as_array(array))
    unreadable = np.zeros(len(array), bool)
    if kind_of(array.type) == "string":
        array, unreadable = _parse_strings(array)
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("us"))
    unit = "ns" if array.type.unit == "ns" else "us"
    ticks = array.cast(pa.timestamp(unit, tz=array.type.tz)).cast(pa.int64())
    missing = array.is_null().to_numpy(zero_copy_only=False) & ~unreadable
    ticks = pc.fill_null(ticks, 0).to_numpy(zero_copy_only=False)
    return ticks, missing, unreadable, unit, array.type.tz


def _parse_strings(array):
    """Timestamps of ISO 8601 strings, and where they are not."""
    nothing = np.zeros(len(array), bool)
    for dtype in (pa.timestamp("us"), pa.timestamp("us", tz="UTC"), pa.timestamp("ns")):
        try:
            return array.cast(dtype), nothing
        except pa.ArrowInvalid:
            continue
    return _parse_each(array)


def _parse_each(array):
    """The slow road for what Arrow cannot read at once: one Python call per distinct string."""
    codes, values = encode(array)
    parsed = [_parse_one(text) for text in values.to_pylist()]
    zones = {moment.tzinfo is not None for moment in parsed if moment is not None}
    if len(zones) > 1:
        aware = np.array([m is not None and m.tzinfo is not None for m in parsed])
        row = first_row((codes >= 0) & (aware[codes] != aware[codes[codes >= 0][0]]))
        raise InvalidLogError(
            f"Times with and without a time zone are mixed: row {row} holds "
            f"{array[row].as_py()!r}, unlike the rows before it. Give all of them a zone or none."
        )
    zone = "UTC" if zones == {True} else None
    moments = pa.array(parsed, pa.timestamp("us", tz=zone))
    bad = np.array([moment is None for moment in parsed], bool)
    unreadable = (codes >= 0) & bad[codes] if len(bad) else np.zeros(len(codes), bool)
    return moments.take(pa.array(codes, mask=codes < 0)), unreadable


def _parse_one(text):
    try:
        return dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def local_ticks(array):
    """Ticks of a timestamp column on the clock of its own zone, and the unit."""
    array = as_array(array)
    if array.type.tz is not None:
        array = pc.local_timestamp(array)
    ticks, _, _, unit, _ = time_ticks(array)
    return ticks, unit
