"""Read text files into tables of strings; nothing but empty cells is missing."""

import csv
import re
import warnings
from dataclasses import replace
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from skbseq._frames._columns import as_array
from skbseq._frames._read._dialects import iterate_rows, read_dialect
from skbseq._frames._read._encodings import decode, find_encoding, refuse_encoding, warn_of_utf8
from skbseq._frames._read._quotes import check_quotes, unescape
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
        warn_of_utf8(bytes(data), options.encoding, path)
        text = decode(bytes(data), encoding, path).removeprefix("\ufeff")
        data, skip = pa.py_buffer(text.encode("utf-8", "surrogatepass")), 0
    data = data.slice(skip)
    shown = options.separator
    data = unescape(data, shown)
    if shown is not None and (len(shown) > 1 or shown == " "):
        data = _replace_separator(data, shown, path)
        options = replace(options, separator=_UNIT)
    sample, whole = _sample(data)
    if sample is None:
        refuse_encoding(bytes(data), path)
    dialect = read_dialect(sample, whole=whole, options=options, path=path)
    has_line_ends = check_quotes(data, dialect, dialect.rows, path)
    _check_header(dialect.names, path)
    rest = data.slice(len(sample[: dialect.start].encode()))
    if not has_line_ends:
        rest = _without_blank_lines(rest)
    try:
        table = _parse(rest, dialect, has_line_ends)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            refuse_encoding(bytes(data), path)
        _refuse_ragged(data, dialect, shown or dialect.separator, path)
        raise InvalidLogError(f"Cannot read {path!r}: {error}") from error
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


def _parse(data, dialect, has_line_ends):
    # Names that are repeated or empty would be lost in pyarrow's conversions.
    names = [f"f{i}" for i in range(dialect.n_cells)]
    if not bytes(memoryview(data)[:4096]).strip() and not bytes(data).strip():
        return pa.table({name: pa.array([], pa.string()) for name in names})
    read = partial(
        pa.csv.read_csv,
        # With line ends in cells pyarrow does not read in parallel.
        parse_options=pa.csv.ParseOptions(
            delimiter=dialect.separator, newlines_in_values=has_line_ends
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    try:
        return read(pa.BufferReader(data), read_options=pa.csv.ReadOptions(column_names=names))
    except pa.ArrowInvalid as error:
        if "straddl" not in str(error):
            raise
    # A row is longer than a block.
    block = pa.csv.ReadOptions(column_names=names, block_size=min(len(data), 2**31 - 1))
    return read(pa.BufferReader(data), read_options=block)


def _without_blank_lines(data):
    """The same rows without lines of spaces, which pyarrow takes for rows."""
    lines = re.compile(rb"(?m)^ +\r?(?:\n|\Z)")
    view = memoryview(data)
    if lines.search(view) is None:
        return data
    return pa.py_buffer(lines.sub(b"", view))


def _refuse_ragged(data, dialect, separator, path):
    """Raise an error that names the first line with another number of cells."""
    text = decode(bytes(data), "utf-8", path)
    try:
        for row, end, line in iterate_rows(text, dialect.separator):
            if end <= dialect.start or len(row) == dialect.n_cells:
                continue
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            raise InvalidLogError(
                f"Cannot read {path!r}: line {line} has {cells}, but the lines before it have "
                f"{dialect.n_cells}: {separator.join(row)[:80]!r}. Correct that line: a cell that "
                f"holds {separator!r} or a line break must be in double quotes, and a quote in it "
                "doubled. Remove the line if it is a comment or a total."
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
    said = "1 line that repeats the header line was"
    if count > 1:
        said = f"{count:,} lines that repeat the header line were"
    warnings.warn(f"{path!r}: {said} left out.", UserWarning, stacklevel=2)
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
