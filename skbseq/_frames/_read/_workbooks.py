"""Read Excel workbooks."""

import datetime as dt
import io
import warnings

import pyarrow as pa

from skbseq._frames._read._dialects import count_titles, find_names, warn_of_titles
from skbseq._optional import import_optional
from skbseq.exceptions import InvalidLogError


def read_workbook(data, options, path):
    """The first sheet with cells as a table; columns of several kinds of cells are text."""
    openpyxl = import_optional("openpyxl", extra="excel", purpose="to read an Excel workbook")
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = {sheet.title: _rows(sheet) for sheet in book.worksheets}
        book.close()
    except Exception as error:  # openpyxl has no error of its own for damaged files
        raise InvalidLogError(
            f"Cannot read {path!r}: the workbook is damaged or of a kind that is not supported "
            f"({error}). Open it in a spreadsheet program, and save it as CSV."
        ) from error
    filled = [title for title, rows in sheets.items() if rows]
    if not filled:
        raise InvalidLogError(f"Cannot read {path!r}: its sheets are empty.")
    if len(filled) > 1:
        warnings.warn(
            f"{path!r} has {len(filled)} sheets; only the first, {filled[0]!r}, was read. Save "
            "the others as files, and pass a list of paths, if they belong to the log.",
            UserWarning,
            stacklevel=2,
        )
    rows = sheets[filled[0]]
    width = max(len(row) for row in rows)
    rows = [row + [None] * (width - len(row)) for row in rows]
    first = [_texts(row) for row in rows[:1000]]
    n_titles = count_titles(first, options.names)
    warn_of_titles(first[:n_titles], path)
    rows = rows[n_titles:]
    names, is_header = find_names(first[n_titles:], options.names, path)
    rows = rows[1:] if is_header else rows
    columns = [[row[i] for row in rows] for i in range(width)]
    return [_to_array(column) for column in columns], names


def _rows(sheet):
    """Cells of the rows with any, without the empty cells at their ends."""
    rows = []
    for cells in sheet.iter_rows(values_only=True):
        row = [None if cell == "" else cell for cell in cells]
        while row and row[-1] is None:
            row.pop()
        if row:
            rows.append(row)
    return rows


def _texts(row):
    return ["" if cell is None else _text(cell) for cell in row]


def _text(cell):
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat(" ") if isinstance(cell, dt.datetime) else str(cell)


def _to_array(cells):
    """An array of cells of one kind, else of their texts."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds:
        return pa.nulls(len(cells), pa.string())
    if len(kinds) == 1 and kinds < {int, float, bool, dt.datetime, dt.date}:
        return pa.array(cells)
    if kinds == {int, float}:
        return pa.array([None if cell is None else float(cell) for cell in cells])
    return pa.array([None if cell is None else _text(cell) for cell in cells], pa.string())
