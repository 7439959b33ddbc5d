"""Double quotes in text files: escapes with backslashes, and quotes that are not closed."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from skbseq._frames._read._dialects import SEPARATORS, looks_typed
from skbseq.exceptions import InvalidLogError

_CHUNK = 1 << 24
_QUOTE, _LINE_END = ord('"'), ord("\n")
_SAMPLE = 1 << 20
_PLAIN = re.compile(rb'"[^"]*(?:""[^"]*)*(?:"|\Z)')
_ESCAPED = re.compile(rb'"[^"\\]*(?:(?:\\.|"")[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_ESCAPE = re.compile(rb'\\(["\\\r\n])')
_FEW = 3


def unescape(data, separator):
    """The same rows with quotes doubled where a backslash escapes them, as MySQL does.

    Parameters
    ----------
    data : pyarrow.Buffer
    separator : str or None
        None: any of the usual ones.

    Returns
    -------
    pyarrow.Buffer
        Unchanged unless fewer quotes stand in wrong places if backslashes escape them.
    """
    view = memoryview(data)
    first = re.search(rb'\\"', view)
    if first is None:
        return data
    # Not all of the file, because this looks at each cell in turn.
    start = 0 if first.start() < _SAMPLE // 2 else _line_start(data, first.start())
    sample = bytes(view[start : start + _SAMPLE])
    separators = [each.encode() for each in (SEPARATORS if separator is None else [separator])]
    if _count_bad(sample, _ESCAPED, separators) >= _count_bad(sample, _PLAIN, separators):
        return data
    return pa.py_buffer(_ESCAPE.sub(lambda match: b'""' if match[1] == b'"' else match[1], view))


def _count_bad(data, cell, separators):
    """Number of quoted cells that text follows, or that are not closed."""
    starts, at, bad = _cell_starts(separators), 0, 0
    while (start := starts.search(data, at)) is not None:
        at = cell.match(data, start.start()).end()
        bad += not _ends_cell(data, at, separators)
    return bad


def _cell_starts(separators):
    """Regular expression of the quotes that begin cells."""
    before = b"|".join(rb"(?<=%b)" % re.escape(each) for each in separators)
    return re.compile(rb'(?:\A|(?<=[\r\n])|%b)"' % before)


def _ends_cell(data, at, separators):
    """Whether a cell may end at a position."""
    if at >= len(data) or data[at] in b"\r\n":
        return True
    return any(data[at : at + len(each)] == each for each in separators)


# ------------------------------------------------------------------ checks


def check_quotes(data, dialect, rows, path):
    """Refuse a quote that is not closed, which would take the lines after it into its cell.

    Parameters
    ----------
    data : pyarrow.Buffer
    dialect : Dialect
        Its separator has one character.
    rows : list of list of str
        Some rows of the file, to know what a row looks like.
    path : str

    Returns
    -------
    bool
        Whether a quoted cell holds a line end.

    Raises
    ------
    InvalidLogError
        The message names the line in which the quote opens.
    """
    view = np.frombuffer(data, np.uint8)
    inside = _read_quotes(view, ord(dialect.separator))
    if inside is None:
        inside = _read_cells(data, dialect.separator, path)
    if len(inside.starts):
        _check_lines(data, inside, dialect, rows, path)
    return len(inside.starts) > 0


@dataclass(frozen=True)
class _Inside:
    """Starts and ends of lines that begin within a quoted cell, and the separators in each."""

    starts: np.ndarray
    ends: np.ndarray
    n_separators: np.ndarray


def _read_quotes(view, separator):
    """Lines that begin within quotes, or None if quotes stand elsewhere than around cells.

    Without stray quotes, a position is within a cell if the number of quotes before it is odd.
    """
    found, is_open = [], False
    for start, stop in _whole_lines(view):
        part = view[start:stop]
        quotes = np.flatnonzero(part == _QUOTE)
        if not (len(quotes) or is_open):
            continue
        opens = (np.arange(len(quotes)) + is_open) % 2 == 0
        before, after = quotes[opens] + start - 1, quotes[~opens] + start + 1
        around = np.concatenate([view[before[before >= 0]], view[after[after < len(view)]]])
        if not _may_stand_beside(around, separator).all():
            return None
        ends = np.flatnonzero(part == _LINE_END)
        within = ends[(np.searchsorted(quotes, ends) + is_open) % 2 == 1]
        if len(within):
            found.append(_lines_after(part, within, ends, separator, start))
        is_open = (len(quotes) + is_open) % 2 == 1
    return None if is_open else _join(found)


def _whole_lines(view):
    """Bounds of consecutive parts of the file that end with lines."""
    start = 0
    while start < len(view):
        stop = min(start + _CHUNK, len(view))
        if stop < len(view):
            ends = np.flatnonzero(view[start:stop] == _LINE_END)
            after = int(ends[-1]) + start if len(ends) else _line_end(view, stop)
            stop = min(after + 1, len(view))
        yield start, stop
        start = stop


def _lines_after(part, within, ends, separator, start):
    """The lines after some of the line ends of a part of the file."""
    stops = np.append(ends, len(part))[np.searchsorted(ends, within, side="right")]
    separators = np.flatnonzero(part == separator)
    counts = np.searchsorted(separators, stops) - np.searchsorted(separators, within)
    return _Inside(within + start + 1, stops + start, counts)


def _join(found):
    empty = _Inside(*(np.array([], np.int64) for _ in range(3)))
    columns = ("starts", "ends", "n_separators")
    return _Inside(*(np.concatenate([getattr(f, c) for f in [empty, *found]]) for c in columns))


def _read_cells(data, separator, path):
    """The same for files with quotes elsewhere, cell by cell in the lines that have them.

    Raises
    ------
    InvalidLogError
        If a quoted cell is followed by text, or not closed.
    """
    view, array = memoryview(data), np.frombuffer(data, np.uint8)
    starts, found, at = _cell_starts([separator.encode()]), [], 0
    for line in _odd_lines(array, ord(separator)).tolist():
        if line < at:
            continue
        at, stop = line, _line_end(data, line)
        while (start := starts.search(view, at, stop)) is not None:
            at = _read_cell(data, start.start(), separator.encode(), path)
            if at > stop:
                span = array[stop : _line_end(data, at)]
                ends = np.flatnonzero(span[: at - stop] == _LINE_END)
                all_ends = np.flatnonzero(span == _LINE_END)
                found.append(_lines_after(span, ends, all_ends, ord(separator), stop))
                stop = _line_end(data, at)
        at = stop
    return _join(found)


def _read_cell(data, start, separator, path):
    """Position after the quoted cell that begins at a position."""
    match = _PLAIN.match(memoryview(data), start)
    if match[0].count(b'"') % 2 == 1:
        _refuse_open(data, start, path)
    if not _ends_cell(memoryview(data), match.end(), [separator]):
        _refuse_stray(data, start, match.end(), path)
    return match.end()


def _odd_lines(view, separator):
    """Starts of the lines in which quotes stand elsewhere than around cells, taken alone."""
    found = [np.array([], np.int64)]
    for start, stop in _whole_lines(view):
        part = view[start:stop]
        quotes, ends = (np.flatnonzero(part == byte) for byte in (_QUOTE, _LINE_END))
        line = np.searchsorted(ends, quotes)
        opens = (np.arange(len(quotes)) - np.searchsorted(line, line)) % 2 == 0
        beside = np.clip(quotes + start + np.where(opens, -1, 1), 0, len(view) - 1)
        edge = (quotes + start == 0) & opens | (quotes + start == len(view) - 1) & ~opens
        odd = ~(edge | _may_stand_beside(view[beside], separator))
        odd |= opens & (np.searchsorted(line, line, side="right") == np.arange(len(quotes)) + 1)
        first = np.append(0, ends + 1)
        found.append(first[np.unique(line[odd])] + start)
    return np.concatenate(found)


def _may_stand_beside(characters, separator):
    """Whether characters may come before an opening quote, or after a closing one."""
    known = (characters == separator) | (characters == _LINE_END) | (characters == ord("\r"))
    return known | (characters == _QUOTE)


def _refuse_open(data, opens, path):
    raise InvalidLogError(
        f"Cannot read {path!r}: the double quote that opens in line {line_of(data, opens)} is not "
        f"closed, so its cell reaches to the end of the file: {_excerpt(data, opens)!r}. Close "
        "the quote, or double it if it is part of the text. If the file is cut off there, copy "
        "or download it again."
    )


def _refuse_stray(data, opens, at, path):
    line, stray = line_of(data, opens), line_of(data, at)
    if line == stray:
        raise InvalidLogError(
            f"Cannot read {path!r}: line {line} has text after a quoted cell: "
            f"{_excerpt(data, opens)!r}. Double a quote that is part of the text."
        )
    raise InvalidLogError(
        f"Cannot read {path!r}: the double quote that opens in line {line} is not closed before "
        f"line {stray}, where the next quote is followed by text: {_excerpt(data, opens)!r}. "
        "Close the quote, or double it if it is part of the text."
    )


def _check_lines(data, inside, dialect, rows, path):
    """Refuse a quoted cell that holds lines which look like rows."""
    candidates = np.flatnonzero(inside.n_separators == dialect.n_cells - 1)
    typed = _typed_columns(rows, dialect.n_cells)
    found = []
    for i in candidates:
        cells = _text(data, inside.starts[i], inside.ends[i]).split(dialect.separator)
        if all(looks_typed(cells[at].strip('" \r')) for at in typed):
            found.append(inside.starts[i])
        if len(found) > (0 if typed else _FEW):
            return _refuse_rows(data, found[0], dialect, path)
    return None


def _typed_columns(rows, n_cells):
    """Columns of which most cells are numbers or dates."""
    rows = [row for row in rows if len(row) == n_cells]
    return [
        at for at in range(n_cells) if sum(looks_typed(row[at]) for row in rows) * 2 > len(rows)
    ]


def _refuse_rows(data, row, dialect, path):
    opens = _opening(data, row, dialect.separator.encode())
    first, last = line_of(data, opens), line_of(data, _PLAIN.match(memoryview(data), opens).end())
    raise InvalidLogError(
        f"Cannot read {path!r}: the double quote that opens in line {first} is closed only in "
        f"line {last}, but the lines between look like rows: "
        f"{_text(data, row, _line_end(data, row))[:60]!r}. Close the quote in line {first}, or "
        "double it if it is part of the text. If these lines are the text of one cell, save the "
        "log as Parquet."
    )


def _opening(data, row, separator):
    """Position of the quote that begins the cell that holds the start of a line."""
    view, starts = memoryview(data), _cell_starts([separator])
    at = 0
    while (start := starts.search(view, at)) is not None:
        at = _PLAIN.match(view, start.start()).end()
        if at >= row:
            return start.start()
    raise AssertionError("no quoted cell holds the line")


def line_of(data, at):
    """Number of the line that holds a position."""
    head = bytes(memoryview(data)[:at])
    return head.count(b"\n") + 1 if b"\n" in head else head.count(b"\r") + 1


def _line_end(data, at):
    rest = np.frombuffer(data, np.uint8)[at:]
    for start in range(0, len(rest), 1 << 16):
        ends = np.flatnonzero(rest[start : start + (1 << 16)] == _LINE_END)
        if len(ends):
            return at + start + int(ends[0])
    return len(data)


def _line_start(data, at):
    return bytes(memoryview(data)[:at]).rfind(b"\n") + 1


def _text(data, start, stop):
    return bytes(memoryview(data)[start:stop]).decode("utf-8", "replace")


def _excerpt(data, at):
    """The beginning of a cell, up to the end of its line."""
    return _text(data, at, min(_line_end(data, at), at + 60)).rstrip("\r")
