"""The separator and the header line of a text file, recognised from its first lines."""

import csv
import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass

from skbseq._frames._read._types import NA_WORDS
from skbseq.exceptions import InvalidLogError

SEPARATORS = (",", ";", "\t", "|")
# These are only suggested: text holds them too.
_RARE = ("::", "\x01", "^", "~", "#", ":", " ")
_MANY = 1000
_LEAST_SHARE = 0.75
_FEWEST_ROWS, _MOST_TITLES = 3, 20
_BEGINS_QUOTED = re.compile(r'\s*"')
_EXCEL_HINT = re.compile(r'"?sep=(.)"?[\r\n]+', re.IGNORECASE)
_LOOKS_TYPED = re.compile(
    r"\s*([-+]?[\d.,' ]*\d[\d.,' ]*(e[-+]?\d+)?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|"
    r"\d{1,4}年.*|[0-9a-f]{8}-[0-9a-f]{4}-.*)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialect:
    """How the lines of a text file are written.

    Parameters
    ----------
    separator : str
    names : list of str
        Names of the columns; a column without a name has an empty one.
    start : int
        Number of characters before the first row.
    n_cells : int
        Number of cells in a row.
    rows : list of list of str
        Some of the first rows.
    """

    separator: str
    names: list
    start: int
    n_cells: int
    rows: list


def read_dialect(text, *, whole, options, path):
    """Recognise separator, header and number of columns.

    Parameters
    ----------
    text : str
        The beginning of the file.
    whole : bool
        Whether it is all of the file.
    options : ReadOptions
    path : str

    Returns
    -------
    Dialect

    Raises
    ------
    InvalidLogError
        If there is no line, the separator is not one of :data:`SEPARATORS`, or the first line
        looks like data and no names are given.
    """
    lead = len(text) - len(text.lstrip())
    lead = (
        max(text.rfind(end, 0, lead) for end in "\r\n") + 1
    )  # keep the blanks of the line itself
    hint = _EXCEL_HINT.match(text, lead)
    separator = options.separator
    if hint is not None:
        lead, separator = hint.end(), separator or hint[1]
    if not text[lead:].strip():
        raise InvalidLogError(f"Cannot read {path!r}: it has no line but blank ones.")
    text = text[lead:]
    if separator is None:
        separator = _find_separator(text, whole, options.names, path)
    rows, ends = split_rows(text, separator, whole, _MANY)
    n_titles = count_titles(rows, options.names)
    warn_of_titles(rows[:n_titles], path)
    rows, ends = rows[n_titles:], [0, *ends][n_titles:]
    names, is_header = find_names(rows, options.names, path)
    start = lead + ends[is_header]
    rows = rows[1:] if is_header else rows
    # At a position, because a slice would copy the rest of the file.
    quoted = _BEGINS_QUOTED.match(text, start - lead) is not None
    names, n_cells = _fit_names(names, rows, quoted)
    return Dialect(separator, names, start, n_cells, rows)


def split_rows(text, separator, whole=True, most=None):
    """Cells of the rows of a text, and the position after each; blank lines are left out."""
    rows, ends = [], []
    for row, end, _ in iterate_rows(text, separator):
        rows.append(row)
        ends.append(end)
        if most is not None and len(rows) > most:
            break
    else:
        if not whole and len(rows) > 1:  # the last one may be cut
            rows, ends = rows[:-1], ends[:-1]
    return rows, ends


def iterate_rows(text, separator):
    """Cells, end position and first line of each row that is not blank."""
    position, line = 0, 1

    def lines():
        nonlocal position
        for each in io.StringIO(text, newline=""):
            position += len(each)
            yield each

    csv.field_size_limit(2**31 - 1)
    reader = csv.reader(lines(), delimiter=separator)
    for row in reader:
        if row and (len(row) > 1 or row[0].strip()):
            yield row, position, line
        line = reader.line_num + 1


def _find_separator(text, whole, names, path):
    """The separator that splits all of the first rows into equally many cells, the most."""
    rows = {separator: _try_rows(text, separator, whole) for separator in SEPARATORS}
    found = _consistencies(rows)
    if max(found.values(), default=(0.0,))[0] < _LEAST_SHARE:
        below = {each: some[count_titles(some, names) :] for each, some in rows.items()}
        found |= _consistencies({each: some for each, some in below.items() if some != rows[each]})
    if not found:
        return _without_separator(text, whole, path)
    best = max(found.values())
    equal = [separator for separator, fit in found.items() if fit == best]
    if len(equal) > 1:
        one, other = (f"separator={separator!r}" for separator in equal[:2])
        raise InvalidLogError(
            f"Cannot tell the separator of {path!r}: {equal[0]!r} and {equal[1]!r} both split "
            f"each line into {best[1]} cells. Pass {one} or {other}."
        )
    return equal[0]


def _try_rows(text, separator, whole):
    try:
        return split_rows(text, separator, whole, _MANY)[0]
    except csv.Error:
        return []


def _consistencies(rows):
    """Share of the rows with the most common number of cells, and the number, by separator."""
    found = {}
    for separator, some in rows.items():
        width = len(some[0]) if some else 0
        if width < 2:
            continue
        common, count = Counter(map(len, some[1:] or some)).most_common(1)[0]
        # One more or less: a separator at the end of lines, or names of rows.
        if abs(common - width) > 1:
            found[separator] = round(count / len(some) / 2, 2), width
        else:
            found[separator] = round(count / max(len(some) - 1, 1), 2), width
    return found


def _without_separator(text, whole, path):
    """The separator of a file with a single column, or the error that suggests a rare one."""
    lines = [line for line in text.splitlines() if line.strip()]
    lines = lines[: _MANY if whole or len(lines) == 1 else -1][:_MANY]
    for separator in _RARE:
        counts = {
            len(line.split() if separator == " " else line.split(separator)) for line in lines
        }
        if len(counts) == 1 and min(counts) > 1 and not lines[0].startswith('"'):
            raise InvalidLogError(
                f"{path!r} has the single column {lines[0][:60]!r}: its separator is none of "
                f"',', ';', tab and '|'. Pass separator={separator!r} if that is it."
            )
    return ","


def count_titles(rows, names):
    """Number of lines above the header, such as titles and comments, which fill fewer cells."""
    filled = [
        len(row) - next((i for i, c in enumerate(row[::-1]) if c.strip()), 0) for row in rows
    ]
    if len(rows) < _FEWEST_ROWS:
        return 0
    n_comments = next((i for i, row in enumerate(rows) if not row[0].startswith("#")), 0)
    usual = Counter(filled[max(n_comments, 1) :]).most_common(1)[0][0]
    n_titles = next((i for i, n in enumerate(filled) if n >= usual), 0)
    header, above = rows[n_titles], rows[:n_titles]
    is_data = any(map(looks_typed, header))
    for row, n in zip(above, filled, strict=False):
        # One cell less may be the names of all columns but a nameless one, as R writes them.
        if n >= usual - 1 and (n > 1 or is_data):
            return 0
        # Names of some columns only, followed by separators.
        some = names is None and len(row) == len(header)
        if some and not _looks_like_header(header, rows[n_titles + 1 :]):
            return 0
    return n_titles if n_titles <= _MOST_TITLES else 0


def _count_filled(row):
    """Number of cells without the empty ones at the end."""
    return len(row) - next((i for i, cell in enumerate(reversed(row)) if cell.strip()), 0)


def warn_of_titles(rows, path):
    """Say which lines above the header are left out."""
    if not rows:
        return
    said = ", ".join(repr(" ".join(cell.strip() for cell in row).strip()[:60]) for row in rows[:3])
    lines = "1 line above the header was" if len(rows) == 1 else f"{len(rows)} lines above the "
    lines += "" if len(rows) == 1 else "header were"
    more = ", ..." if len(rows) > 3 else ""
    warnings.warn(f"{path!r}: {lines} left out: {said}{more}.", UserWarning, stacklevel=2)


def find_names(rows, names, path):
    """Names of the columns, and whether the first row holds them."""
    first = [cell.strip() for cell in rows[0]]
    if names is not None:
        if list(names) == first:
            return first, True
        if len(names) != len(first):
            raise InvalidLogError(
                f"names={list(names)!r} has {len(names)} names, but the first line of {path!r} "
                f"has {len(first)} cells: {_shorten(first)}. Pass one name per cell."
            )
        _check_no_header(first, names, rows[1:], path)
        return list(names), False
    if _looks_like_data(first, rows[1:]):
        invented = [f"column_{i + 1}" for i in range(len(first))]
        raise InvalidLogError(
            f"The first line of {path!r} looks like data, not like the names of columns: "
            f"{_shorten(first)}. Pass names={invented!r}, with your names in place of these; if "
            f"that line does hold the names, pass names={first!r}."
        )
    return first, True


def _check_no_header(first, names, rows, path):
    """Refuse names for a file with a header line of others, which would become a row."""
    known = {name.casefold() for name in names}
    n_same = sum(cell.casefold() in known for cell in first)
    if n_same * 2 < len(names) and not _looks_like_header(first, rows):
        return
    raise InvalidLogError(
        f"names={list(names)!r} is for a file without a header line, but the first line of "
        f"{path!r} looks like one: {_shorten(first)}. If that line is a row, write your names "
        f"above it in the file. Otherwise leave names out. Pass names={first!r} to be explicit."
    )


def _looks_like_header(first, rows):
    """Whether a first line is unlike the rows below it: text above numbers or dates."""
    below = [[row[i].strip() for row in rows if i < len(row)] for i in range(len(first))]
    typed = [cells and sum(map(looks_typed, cells)) * 2 > len(cells) for cells in below]
    above = [cell for cell, is_typed in zip(first, typed, strict=True) if is_typed]
    return any(above) and not any(looks_typed(cell) or cell in ("", *NA_WORDS) for cell in above)


def _shorten(cells):
    return ", ".join(map(repr, cells[:8])) + (", ..." if len(cells) > 8 else "")


def _looks_like_data(first, rows):
    """Whether a first line is a row: typed like those below it, or with cells found below it."""
    if first == [str(i) for i in range(len(first))]:  # names that pandas gives
        return False
    rows = [row for row in rows if [cell.strip() for cell in row] != first]
    repeated = 0
    for i, cell in enumerate(first):
        column = [row[i].strip() for row in rows if i < len(row) and row[i].strip()]
        if looks_typed(cell) and sum(map(looks_typed, column)) * 2 >= len(column):
            return True
        repeated += bool(cell) and cell in column
    # One alone may be an accident: a column "type" with a value "type".
    return repeated * 2 > len(first)


def looks_typed(cell):
    """Whether a cell looks like a number, a date or a UUID, unlike the name of a column."""
    return _LOOKS_TYPED.fullmatch(cell) is not None


def _fit_names(names, rows, quoted):
    """Names for all cells of a row, where lines end with a separator or rows have names.

    ``quoted`` says whether the first row begins with a quoted cell, as R writes row names.
    """
    if not rows:
        return names, len(names)
    n_cells = Counter(map(len, rows)).most_common(1)[0][0]
    if n_cells == len(names) + 1:
        extra = [row[-1] for row in rows if len(row) == n_cells]
        if not any(cell.strip() for cell in extra):
            return [*names, ""], n_cells
        first = [row[0] for row in rows]
        # Without quotes the first column may be users, and a decimal comma the cell too many.
        if quoted and len(rows) > 1 and first == [str(i + 1) for i in range(len(rows))]:
            return ["", *names], n_cells
    if n_cells == len(names) - 1 and names[-1] == "":
        return names[:-1], n_cells
    return names, len(names)
