"""Read JSON: one object per line, or a list of objects."""

import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from skbseq._frames._objects import objects_to_arrow
from skbseq._frames._read._encodings import (
    decode,
    find_encoding,
    is_utf8,
    refuse_encoding,
    warn_of_utf8,
)
from skbseq.exceptions import InvalidLogError


def read_json(data, options, path):
    """A file of JSON objects as a table; strings stay strings unless they are ISO times."""
    encoding, skip = find_encoding(bytes(memoryview(data)[:4096]), options.encoding, path)
    data = data.slice(skip)
    if encoding != "utf-8":
        warn_of_utf8(bytes(data), options.encoding, path)
        data = pa.py_buffer(decode(bytes(data), encoding, path).removeprefix("\ufeff").encode())
    elif not is_utf8(data):
        refuse_encoding(bytes(data), path)
    if bytes(memoryview(data)[:100]).lstrip().startswith(b"["):
        return _from_objects(_read_list(data, path), path)
    try:
        table = pa.json.read_json(pa.BufferReader(data))
        if not any(_may_be_rounded(column) for column in table.columns):
            return table
    except pa.ArrowInvalid:  # of mixed types, which Python reads, or damaged, which it explains
        pass
    return _from_objects(_read_lines(data, path), path)


def _may_be_rounded(column):
    """Whether a column of floats may have held integers of more than 64 bits."""
    if not pa.types.is_floating(column.type):
        return False
    return bool(pc.any(pc.greater_equal(pc.abs(column), 2.0**63)).as_py())


def _read_list(data, path):
    try:
        rows = json.loads(bytes(data).decode())
    except json.JSONDecodeError as error:
        raise InvalidLogError(f"Cannot read {path!r}: {error}.") from error
    return [(i, row) for i, row in enumerate(rows)]


def _read_lines(data, path):
    rows = []
    for i, line in enumerate(bytes(data).decode().splitlines()):
        if not line.strip():
            continue
        try:
            rows.append((i + 1, json.loads(line)))
        except json.JSONDecodeError as error:
            raise InvalidLogError(
                f"Cannot read {path!r}: line {i + 1} is not a JSON object ({error.msg}). Write "
                "one object per line."
            ) from error
    return rows


def _from_objects(rows, path):
    for place, row in rows:
        if not isinstance(row, dict):
            raise InvalidLogError(
                f"Cannot read {path!r}: entry {place} is a {type(row).__name__}, not an object "
                "with a value for each column."
            )
    names = dict.fromkeys(name for _, row in rows for name in row)
    columns = {name: [row.get(name) for _, row in rows] for name in names}
    return pa.table({name: _to_array(cells, name) for name, cells in columns.items()})


def _to_array(cells, name):
    kinds = {type(cell) for cell in cells if cell is not None}
    if str in kinds and kinds <= {str, int}:  # ids of both kinds
        cells = [None if cell is None else str(cell) for cell in cells]
    if kinds == {int} and max(abs(cell) for cell in cells if cell is not None) >= 2**63:
        cells = [None if cell is None else str(cell) for cell in cells]
    return objects_to_arrow(cells, name)
