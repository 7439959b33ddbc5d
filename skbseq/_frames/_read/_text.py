"""Read text files into tables of strings; nothing but empty cells is missing."""

import csv
import re
import warnings
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from skbseq._frames._columns import as_array
from skbseq._frames._read._dialects import iterate_rows, read_dialect
from skbseq._frames._read._encodings import decode, find_encoding, refuse_encoding
from skbseq.exceptions import InvalidLogError

_SAMPLE = 1 << 20
_UNIT = "\x1f"  # ASCII's own separator, which text does not hold
_UNNAMED = re.compile(r"|Unnamed: \d+")


def read_text(data, options, path):
    """A text file as a table of strings.

    Parameters
    ----------
    data : pyarrow.Buffer
    options : ReadOptions
    path : str

    Returns
    -------
    table : pyarrow.Table
    separator : str
    """
    encoding, skip = find_encoding(bytes(memoryview(data)[:4096]), options.encoding, path)
    if encoding != "utf-8":
        text = decode(bytes(data), encoding, path).removeprefix("\ufeff")
        data, skip = pa.py_buffer(text.encode("utf-8", "surrogatepass")), 0
    data = data.slice(skip)
    shown = options.separator
    if shown is not None and (len(shown) > 1 or shown == " "):
        data = _replace_separator(data, shown, path)
        options = replace(options, separator=_UNIT)
    sample, whole = _sample(data)
    if sample is None:
        refuse_encoding(bytes(data), path)
    dialect = read_dialect(sample, whole=whole, options=options, path=path)
    _check_header(dialect.names, path)
    rest = data.slice(len(sample[: dialect.start].encode()))
    rest = _without_blank_lines(rest)
    try:
        table = _parse(rest, dialect)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            refuse_encoding(bytes(data), path)
        _refuse_ragged(data, dialect, shown or dialect.separator, path)
        raise InvalidLogError(f"Cannot read {path!r}: {error}") from error
    _check_last_quote(table, rest, path)
    table = _without_repeats(table, dialect.names, path)
    return settle_names(table.columns, dialect.names, path), dialect.separator


def _sample(data):
    """The beginning of a file as text, cut at a character, and whether it is all."""
    head = bytes(memoryview(data)[:_SAMPLE])
    whole = len(head) == len(data)
    for cut in range(1 if whole else 4):
        try:
            return head[: len(head) - cut].decode(), whole
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                return None, whole
    return None, whole


def _check_header(names, path):
    named = [name for name in names if name]
    for name in named:
        if named.count(name) > 1:
            raise InvalidLogError(
                f"Column {name!r} occurs {named.count(name)} times in the first line of {path!r}. "
                "Rename or drop the copies."
            )


def _replace_separator(data, separator, path):
    """The same rows with a separator of one character, which pyarrow needs."""
    text = decode(bytes(data), "utf-8", path)
    if separator == " ":
        text = re.sub(r"(?m)^[ \t]+|[ \t]+(?=\r?$)", "", text)
        separator = re.compile("[ \t]+")
    else:
        separator = re.compile(re.escape(separator))
    # Not within quotes.
    text = re.sub(rf'("(?:[^"]|"")*")|{separator.pattern}', lambda m: m[1] or _UNIT, text)
    return pa.py_buffer(text.encode())


def _parse(data, dialect):
    # Names that are repeated or empty would be lost in pyarrow's conversions.
    names = [f"f{i}" for i in range(dialect.n_cells)]
    if not bytes(memoryview(data)[:4096]).strip() and not bytes(data).strip():
        return pa.table({name: pa.array([], pa.string()) for name in names})
    return pa.csv.read_csv(
        pa.BufferReader(data),
        read_options=pa.csv.ReadOptions(column_names=names),
        parse_options=pa.csv.ParseOptions(
            delimiter=dialect.separator, newlines_in_values=_has_newlines_in_quotes(data)
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )


def _has_newlines_in_quotes(data):
    """Whether a quoted cell holds a line break, with which pyarrow cannot read in parallel."""
    view = np.frombuffer(data, np.uint8)
    inside = np.uint8(0)
    for start in range(0, len(view), 1 << 24):
        part = view[start : start + (1 << 24)]
        quotes = part == ord('"')
        if not quotes.any() and not inside:
            continue
        within = np.bitwise_xor.accumulate(quotes.view(np.uint8)) ^ inside
        if (within.astype(bool) & (part == ord("\n"))).any():
            return True
        inside = within[-1]
    return False


def _without_blank_lines(data):
    """The same rows without lines of spaces, which pyarrow takes for rows."""
    lines = re.compile(rb"(?m)^ +\r?(?:\n|\Z)")
    view = memoryview(data)
    if lines.search(view) is None or _has_newlines_in_quotes(data):
        return data
    return pa.py_buffer(lines.sub(b"", view))


def _check_last_quote(table, data, path):
    """Refuse a quote that is not closed: it would take all lines after it into one cell."""
    if table.num_rows == 0 or np.count_nonzero(np.frombuffer(data, np.uint8) == ord('"')) % 2 == 0:
        return
    last = table.slice(table.num_rows - 1).to_pylist()[0]
    open_cell = next((c for c in last.values() if c is not None and "\n" in c), None)
    if open_cell is not None:
        raise InvalidLogError(
            f"Cannot read {path!r}: a double quote is not closed; its cell begins with "
            f"{open_cell.partition(chr(10))[0][:60]!r} and reaches to the end of the file. Close "
            "the quote, or double it if it is part of the text."
        )


def _refuse_ragged(data, dialect, separator, path):
    """Raise an error that names the first line with another number of cells."""
    text = decode(bytes(data), "utf-8", path)
    try:
        for row, end, line in iterate_rows(text, dialect.separator):
            if end <= dialect.start or len(row) == dialect.n_cells:
                continue
            raise InvalidLogError(
                f"Cannot read {path!r}: line {line} has {len(row)} cells, but the lines before it "
                f"have {dialect.n_cells}: {separator.join(row)[:80]!r}. Correct that line: a cell "
                f"that holds {separator!r} must be in double quotes, and a quote in it doubled."
            )
    except csv.Error as error:
        raise InvalidLogError(f"Cannot read {path!r}: {error}.") from error


def _without_repeats(table, names, path):
    """The table without rows that repeat the header line, as files joined to one have."""
    cells = [(i, name) for i, name in enumerate(names) if name]
    if not cells:
        return table
    repeats = pc.equal(table.column(cells[0][0]), cells[0][1])
    if not pc.any(repeats).as_py():
        return table
    for i, name in cells[1:]:
        repeats = pc.and_(repeats, pc.equal(table.column(i), name))
    repeats = pc.fill_null(repeats, False)
    count = pc.sum(repeats).as_py()
    if not count:
        return table
    lines = "1 line that repeats" if count == 1 else f"{count:,} lines that repeat"
    warnings.warn(f"{path!r}: {lines} the header line was left out.", UserWarning, stacklevel=2)
    return table.filter(pc.invert(repeats))


def settle_names(columns, names, path):
    """A table of columns; leave out nameless ones without values or with row numbers."""
    kept, said = {}, []
    for i, name in enumerate(names):
        column = as_array(columns[i])
        if _UNNAMED.fullmatch(name):
            if name == "" and column.null_count == len(column):
                if len(column) and i < len(names) - 1:
                    said.append(f"Column {i + 1} has neither a name nor a value; it was left out")
                continue
            if i == 0 and _are_row_numbers(column):
                said.append("The first column has no name and holds row numbers; it was left out")
                continue
            if name == "":
                name = _free_name(f"column_{i + 1}", names)
                said.append(f"Column {i + 1} has no name; it is called {name!r}")
        kept[name] = column
    if said:
        warnings.warn(f"{path!r}: {'. '.join(said)}.", UserWarning, stacklevel=2)
    return pa.table(kept)


def _free_name(name, names):
    while name in names:
        name += "_"
    return name


def _are_row_numbers(column):
    """Whether a column holds distinct whole numbers."""
    if column.null_count or len(column) == 0:
        return False
    column = column.cast(pa.string())
    if not pc.all(pc.match_substring_regex(column, r"^\d{1,18}$")).as_py():
        return False
    return pc.count_distinct(column).as_py() == len(column)
