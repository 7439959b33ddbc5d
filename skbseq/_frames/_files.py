"""Files of published data sets as Arrow tables: read as text, then cast to the given types."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from skbseq._frames._columns import as_array, kind_of
from skbseq._optional import import_optional
from skbseq.exceptions import InvalidLogError

_TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S")
_NULLS = ["", "nan", "NaN"]


def parse_parquet(data):
    """The table in the bytes of a Parquet file."""
    return pa.parquet.read_table(pa.BufferReader(data))


def format_parquet(table):
    """The bytes of a Parquet file that holds a table."""
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def parse_csv(data, delimiter=","):
    """The table in the bytes of a CSV file, each column as strings; empty cells are null.

    A file that is not UTF-8 is read as Windows-1252, the encoding of older spreadsheets.
    """
    try:
        text = data.decode("utf-8-sig")  # skips a byte order mark
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    # The names are read by hand: pyarrow needs them to read every column as strings.
    header = text.partition("\n")[0].rstrip("\r")
    names = [name.strip('"') for name in header.split(delimiter)]
    return pa.csv.read_csv(
        io.BytesIO(text.encode()),
        read_options=pa.csv.ReadOptions(column_names=names, skip_rows=1),
        parse_options=pa.csv.ParseOptions(delimiter=delimiter),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=_NULLS,
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def parse_excel(data):
    """The table in the first sheet of an Excel workbook, each column as strings."""
    import_optional("openpyxl", extra="excel", purpose="to read an Excel workbook")
    frame = pd.read_excel(io.BytesIO(data), dtype=str, engine="openpyxl")
    columns = {str(name): frame[name].astype(object) for name in frame.columns}
    return pa.table({n: pa.array(c, pa.string(), from_pandas=True) for n, c in columns.items()})


def cast_columns(columns, types):
    """An Arrow table of these columns, cast to the given types.

    Parameters
    ----------
    columns : mapping of str to pyarrow array or ndarray
        Strings are parsed.
    types : dict of str to str
        Names and types of the result, in this order. A type is the name of an Arrow type, "list"
        for lists of strings, "time" for timestamps in microseconds, or "id" for strings, which
        may also be made of numbers.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InvalidLogError
        If a column is missing or holds a value that cannot be read; the message names it.
    """
    names = columns.column_names if isinstance(columns, pa.Table) else list(columns)
    missing = [name for name in types if name not in names]
    if missing:
        raise InvalidLogError(
            f"Column {missing[0]!r} is missing; found {', '.join(map(repr, names))}."
        )
    return pa.table({name: _cast(columns[name], kind, name) for name, kind in types.items()})


def _cast(column, kind, name):
    if isinstance(column, np.ndarray):
        column = pa.array(column, from_pandas=True)
    array = as_array(column)
    try:
        return _CASTS.get(kind, _cast_plainly)(array, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        row, value = _first_unreadable(array, kind)
        raise InvalidLogError(
            f"Column {name!r} holds {value!r} in row {row}, which is not a valid {kind}."
        ) from error


def _cast_plainly(array, kind):
    return array.cast(pa.type_for_alias(kind))


def _cast_time(array, kind):
    if kind_of(array.type) != "string":
        return array.cast(pa.timestamp("us"))
    read = pa.nulls(len(array), pa.timestamp("us"))
    for form in _TIME_FORMATS:
        parsed = pc.strptime(array, format=form, unit="us", error_is_null=True)
        read = pc.coalesce(read, parsed)
    if read.null_count > array.null_count:
        raise pa.ArrowInvalid("no time")
    return read


def _cast_id(array, kind):
    # Integers with missing values became floats before: 17850.0 is customer 17850.
    return pc.replace_substring_regex(array.cast(pa.string()), r"^(\d+)\.0$", r"\1")


def _cast_list(array, kind):
    return array.cast(pa.list_(pa.string()))


_CASTS = {"time": _cast_time, "id": _cast_id, "list": _cast_list}


def _first_unreadable(array, kind):
    """Row and value at which a cast failed."""
    # By bisection, because Arrow's error does not name the row.
    start, stop = 0, len(array)
    while stop - start > 1:
        middle = (start + stop) // 2
        try:
            _CASTS.get(kind, _cast_plainly)(array.slice(start, middle - start), kind)
            start = middle
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            stop = middle
    return start, array[start].as_py() if len(array) else None
