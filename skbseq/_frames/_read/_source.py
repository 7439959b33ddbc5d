"""Read the source of a log: a table, or files of any known format."""

import os
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

from skbseq._frames._columns import as_array, kind_of, nan_to_null
from skbseq._frames._read import _containers as containers
from skbseq._frames._read._encodings import (
    TextEncodingError,
    describe_encoding,
    refuse_mixture,
)
from skbseq._frames._read._json import read_json
from skbseq._frames._read._options import TEXT_OPTIONS, ReadOptions
from skbseq._frames._read._paths import find_files, is_source
from skbseq._frames._read._progress import format_size, progress
from skbseq._frames._read._text import read_text, settle_names
from skbseq._frames._read._types import read_types
from skbseq._frames._read._workbooks import read_workbook
from skbseq._frames._tables import column_names, is_frame, library_of, to_arrow, type_text
from skbseq.exceptions import InvalidLogError, SequenceFrameError

_ALLOWED = {
    containers.TEXT: TEXT_OPTIONS,
    containers.EXCEL: ("decimal", "thousands", "na_values", "names"),
    containers.JSON: ("encoding",),
    containers.PARQUET: (),
    containers.ARROW: (),
}
_INDEX = r"__index_level_\d+__"


def read_table(source, *, ids=(), text=(), options=None):
    """Read a table, or files, into Arrow.

    Parameters
    ----------
    source : table, path, or list of paths
        A path may be that of a folder, or a pattern.
    ids : collection of str, default=()
        Columns of a text file that hold ids. They become integers only if every value is written
        like an integer, because "007" and "7" are different users.
    text : collection of str, default=()
        Columns of a text file that stay text.
    options : ReadOptions, default=None
        How the files were written.

    Returns
    -------
    table : pyarrow.Table
    like : str
        Library for the results: that of the table, or "pandas" for files.
    """
    options = options or ReadOptions()
    if is_source(source):
        return _read_files(source, options, ids, text), "pandas"
    try:
        if not is_frame(source):
            raise TypeError(
                "Expected a pandas, polars or pyarrow table or the path of a log file, such as "
                f"CSV or Parquet, or a list of paths; got {type_text(source)}."
            )
        options.only((), "the events are a table, which is read already")
        table = to_arrow(source)
        # pandas does not distinguish NaN from null. Convert NaN, so that all libraries give the
        # same results.
        table = pa.table({n: nan_to_null(table[n]) for n in table.column_names})
        return table, library_of(source)
    except SequenceFrameError as error:
        raise InvalidLogError(str(error)) from error


def _read_files(source, options, ids, text):
    files = find_files(source)
    size = sum(os.path.getsize(file.path) for file in files)
    many = len(files) > 1
    name = f"{len(files)} files" if many else repr(files[0].path)
    parts, separators = [], set()
    with progress(f"{name} ({format_size(size)})") as report:
        for i, file in enumerate(files):
            if many:
                report(f"file {i + 1} of {len(files)}")
            try:
                table, separator = _read_file(file.path, options)
            except TextEncodingError as error:
                refuse_mixture(error, _encodings_of(files) if many else {})
            parts.append((file.path, _add_parts(table, file)))
            separators.add(separator)
        label = files[0].path if not many else os.path.commonpath([f.path for f in files]) or name
        type_columns = partial(
            _type_columns, options=options, ids=ids, text=text, separators=separators, path=label
        )
        if len({_is_untyped(table) for _, table in parts}) > 1:  # text and Parquet, for example
            parts = [(path, type_columns(table)) for path, table in parts]
        table = type_columns(_concatenate(parts))
    return table.replace_schema_metadata(None)


def _encodings_of(files):
    """Encodings of those files that are text, by path."""
    opened = {file.path: containers.open_file(file.path) for file in files}
    text = (containers.TEXT, containers.JSON)
    return {p: describe_encoding(bytes(d)) for p, (d, kind) in opened.items() if kind in text}


def _untyped(table):
    return [field.name for field in table.schema if (field.metadata or {}).get(b"untyped")]


def _is_untyped(table):
    return len(_untyped(table)) > 0


def _type_columns(table, **how):
    """The table with types for the columns that are marked."""
    names = _untyped(table)
    if not names:
        return table
    typed = read_types(table.select(names), **how)
    columns = {n: typed[n] if n in names else table[n] for n in table.column_names}
    return pa.table(columns)


def _read_file(path, options):
    """A file as a table, whose columns without types are marked in the schema."""
    data, kind = containers.open_file(path)
    options = options.only(_ALLOWED[kind], f"{path!r} is {kind}")
    separator = None
    try:
        if kind == containers.TEXT:
            table, separator = read_text(data, options, path)
            table = _mark(table)
        elif kind == containers.EXCEL:
            columns, names = read_workbook(data, options, path)
            table = _mark(settle_names(columns, names, path))
        elif kind == containers.JSON:
            table = read_json(data, options, path)
        else:
            table = _read_parquet(data) if kind == containers.PARQUET else _read_arrow(data)
        column_names(table)
    except (pa.ArrowInvalid, SequenceFrameError, OSError) as error:
        said = f"Cannot read {path!r}: {str(error).rstrip('.')}."
        if kind in (containers.PARQUET, containers.ARROW):
            said += " If it is incomplete, copy or download it again."
        raise InvalidLogError(said) from error
    return table, separator


def _mark(table):
    """Mark columns of strings as without a type."""
    fields = [
        field.with_metadata({"untyped": "1"}) if pa.types.is_string(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _read_parquet(data):
    # pandas stores the index of a filtered or shuffled table as such a column.
    return _without_index(pa.parquet.read_table(pa.BufferReader(data)))


def _read_arrow(data):
    if bytes(memoryview(data)[:6]) == b"ARROW1":
        return _without_index(pa.ipc.open_file(pa.BufferReader(data)).read_all())
    return _without_index(pa.ipc.open_stream(pa.BufferReader(data)).read_all())


def _without_index(table):
    names = pa.array(table.column_names, pa.string())
    indexes = names.filter(pc.match_substring_regex(names, f"^{_INDEX}$")).to_pylist()
    return table.drop_columns(indexes)


def _add_parts(table, file):
    """The table with the values that the names of its folders give."""
    for name, value in file.parts.items():
        if name in table.column_names:
            raise InvalidLogError(
                f"Column {name!r} is in {file.path!r} and also in the name of its folder. "
                "Rename one."
            )
        field = pa.field(name, pa.string(), metadata={"untyped": "1"})
        table = table.append_column(field, pa.array([value] * table.num_rows, pa.string()))
    return table


def _concatenate(parts):
    """One table of several, which must have the same columns."""
    if len(parts) == 1:
        return parts[0][1]
    first_path, first = parts[0]
    tables = []
    for path, table in parts:
        lost = [name for name in first.column_names if name not in table.column_names]
        new = [name for name in table.column_names if name not in first.column_names]
        if lost or new:
            differs = f"lacks the column {lost[0]!r}" if lost else f"has the column {new[0]!r}"
            raise InvalidLogError(
                f"{path!r} {differs}, unlike {first_path!r}. Give files with the same columns."
            )
        tables.append(table.select(first.column_names))
    columns = {}
    for name in first.column_names:
        pieces = [table[name] for table in tables]
        paths = [path for path, _ in parts]
        columns[name] = _join(pieces, name, paths)
    fields = [
        pa.field(name, column.type, metadata=first.field(name).metadata)
        for name, column in columns.items()
    ]
    return pa.table(list(columns.values()), schema=pa.schema(fields))


def _join(pieces, name, paths):
    """One column of several of the same kind."""
    filled = [(p, path) for p, path in zip(pieces, paths, strict=True) if p.null_count < len(p)]
    kinds = {kind_of(piece.type): path for piece, path in reversed(filled)}
    if len(kinds) > 1 and set(kinds) != {"integer", "float"}:
        (one, path), (other, elsewhere) = list(kinds.items())[-2:][::-1]
        raise InvalidLogError(
            f"Column {name!r} holds {other} values in {elsewhere!r}, but {one} values in "
            f"{path!r}. Write it as one type."
        )
    pieces = [as_array(piece) for piece in pieces]
    if any(pa.types.is_dictionary(piece.type) for piece in pieces):
        pieces = [p.dictionary_decode() if pa.types.is_dictionary(p.type) else p for p in pieces]
    try:
        dtype = (
            pa.unify_schemas(
                [pa.schema([(name, piece.type)]) for piece in pieces], promote_options="permissive"
            )
            .field(0)
            .type
        )
        return pa.chunked_array([piece.cast(dtype) for piece in pieces], dtype)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InvalidLogError(
            f"Column {name!r} has types in the files that do not go together: {error}."
        ) from error
