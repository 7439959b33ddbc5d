"""Give columns of strings their types: numbers, booleans, dates and times, or text."""

import warnings
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from skbseq._frames._columns import INTEGER_ID, as_array
from skbseq._frames._read._numerals import (
    INTEGER,
    PLAIN,
    are_numbers_one_by_one,
    fitting,
    read_integers,
    readings_for,
)
from skbseq.exceptions import InvalidLogError

# What programs write for a missing number. In a column of text they are values: a user may be
# called NA, a product null.
NA_WORDS = (
    *("NA", "N/A", "n/a", "na", "<NA>", "#N/A", "#NA", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?"),
    *("NaN", "nan", "NAN", "-nan", "NaT", "NULL", "null", "Null", "(null)", "#NULL!", "\\N"),
    *("None", "none", "NONE", "nil", "-", "--", "?", "."),
)
_SAMPLE = 1000
_BOOLEAN = r"(?i)^\s*(?:true|false)\s*$"
_ISO_DATE = r"^\s*\d{4}-\d\d-\d\d"
_MOMENTS = (
    pa.date32(),
    *(pa.timestamp(unit, zone) for unit in ("s", "ns") for zone in (None, "UTC")),
)


@dataclass
class _Column:
    """What is known about a column.

    ``readings`` holds the ways of reading it as numbers, ``values`` its typed values, ``words``
    how often each word for a missing number occurs in it, ``asked`` is whether its type was.
    """

    text: pa.Array
    values: pa.Array | None = None
    readings: dict | None = None
    words: Counter | None = None
    asked: bool = False


def read_types(table, *, options, ids, text, separators, path):
    """A table of strings with a type for each column.

    Parameters
    ----------
    table : pyarrow.Table
    options : ReadOptions
    ids : collection of str
        Columns that hold ids. They become integers only if every value is written like an
        integer, because "007" and "7" are different users.
    text : collection of str
        Columns that stay text.
    separators : collection of str
        Those of the files.
    path : str
        Name of the log in messages.

    Returns
    -------
    pyarrow.Table
    """
    found = {}
    for name in table.column_names:
        column, final = _without_na(as_array(table[name]), name, options)
        if name in text:
            found[name] = _Column(column, column, asked=True)
        elif name in ids:
            found[name] = _Column(column, _read_ids(column), asked=True)
        else:
            found[name] = _look_at(column, options, words=() if final else NA_WORDS)
    _settle_numbers(found, separators, path)
    _warn_of_words(found, path)
    _warn_of_text(found, path)
    return pa.table({name: column.values for name, column in found.items()})


def _without_na(column, name, options):
    """The column with null for the cells that are missing by the options."""
    cells, final = options.missing_in(name)
    if cells:
        missing = pc.is_in(column, pa.array(cells, column.type))
        column = pc.if_else(missing, pa.scalar(None, column.type), column)
    return column, final


def _read_ids(column):
    """Integers if every value is written as an integer without a leading zero."""
    if column.null_count == len(column):
        return column.cast(pa.int64())
    plain = pc.match_substring_regex(column, INTEGER_ID)
    return column.cast(pa.int64()) if pc.all(plain, min_count=0).as_py() else column


def _look_at(column, options, words):
    present = column.drop_null()
    if len(present) == 0:
        return _Column(column, pa.nulls(len(column)))
    sample = present.slice(0, _SAMPLE)
    is_word = pc.is_in(sample, pa.array(words, column.type))
    if words and pc.any(is_word).as_py():
        others = sample.filter(pc.invert(is_word))
        if len(others) and not _may_be_typed(others, options):
            return _Column(column, column)
    elif not _may_be_typed(sample, options):
        return _Column(column, column)
    return _read_typed(column, present, options, words)


def _may_be_typed(sample, options):
    if any(_fits(sample, pattern) for pattern in (_BOOLEAN, _ISO_DATE)):
        return True
    return any(r.fits(sample) for r in readings_for(options)) or are_numbers_one_by_one(sample)


def _fits(column, pattern):
    return pc.all(pc.match_substring_regex(column, pattern), min_count=0).as_py()


def _read_typed(column, present, options, words):
    """The column as its type, without the words for missing numbers if it has any."""
    result = _read_present(present, options)
    found = None
    if result is None and words:
        is_word = pc.is_in(present, pa.array(words, column.type))
        others = present.filter(pc.invert(is_word))
        if len(others) < len(present) and len(others):
            result = _read_present(others, options)
        if result is not None:
            found = Counter(present.filter(is_word).to_pylist())
            is_word = pc.is_in(column, pa.array(words, column.type))
            column = pc.if_else(is_word, pa.scalar(None, column.type), column)
    if result is None:
        return _Column(column, column)
    valid = column.is_valid()
    if isinstance(result, dict):
        readings = {reading: _spread(values, valid) for reading, values in result.items()}
        return _Column(column, readings=readings, words=found)
    return _Column(column, _spread(result, valid), words=found)


def _spread(values, valid):
    """Values in the places of a mask, null elsewhere."""
    if len(values) == len(valid):
        return values
    places = pc.cumulative_sum(valid.cast(pa.int64()))
    places = pc.subtract(places, 1)
    return values.take(pc.if_else(valid, places, pa.scalar(None, places.type)))


def _read_present(present, options):
    """Typed values, a dict of values by way of writing numbers, or None for text."""
    sample = present.slice(0, _SAMPLE)
    if _fits(sample, INTEGER) and _fits(present, INTEGER):
        numbers = read_integers(pc.utf8_trim_whitespace(present))
        return None if pa.types.is_string(numbers.type) else numbers
    if _fits(sample, _BOOLEAN):
        return (
            pc.utf8_trim_whitespace(present).cast(pa.bool_()) if _fits(present, _BOOLEAN) else None
        )
    if _fits(sample, _ISO_DATE):
        return _read_moments(pc.utf8_trim_whitespace(present))
    if not pc.any(pc.match_substring_regex(sample, r"\d")).as_py():
        return None  # only infinities
    readings = fitting(present, sample, readings_for(options))
    readings = {r: v for r, v in readings.items() if not pa.types.is_string(v.type)}
    return readings or None


def _read_moments(column):
    for dtype in _MOMENTS:
        try:
            return column.cast(dtype)
        except pa.ArrowInvalid:
            continue
    return None


# ------------------------------------------------------------------ numbers


def _settle_numbers(found, separators, path):
    """Choose the one way of reading each column of numbers.

    Raises
    ------
    InvalidLogError
        If a column has two.
    """
    marks = {
        next(iter(column.readings)).decimal
        for column in found.values()
        if column.readings and len(column.readings) == 1
    }
    # A point is the decimal mark, unless the file is written where a comma is.
    local = ";" in separators or "," in marks
    for name, column in found.items():
        if column.readings is None:
            continue
        if PLAIN in column.readings and not local:
            column.values = column.readings[PLAIN]
            continue
        if len(column.readings) > 1:
            _refuse_readings(name, column, path)
        column.values = next(iter(column.readings.values()))


def _refuse_readings(name, column, path):
    (one, first), (other, second) = list(column.readings.items())[:2]
    differ = pc.index(pc.fill_null(pc.not_equal(first, second), False), True).as_py()
    cell = column.text[differ].as_py()
    raise InvalidLogError(
        f"Column {name!r} of {path!r} can be read in two ways: {cell!r} is {first[differ]} with "
        f"{_option(one, cell)}, and {second[differ]} with {_option(other, cell)}. Pass the "
        "right one."
    )


def _option(reading, cell):
    """The option that decides for a reading."""
    if reading.thousands is not None and reading.thousands in cell:
        return f"thousands={reading.thousands!r}"
    return f"decimal={reading.decimal!r}"


def _warn_of_words(found, path):
    """Warn of words that were read as missing, because the rest of their columns is typed."""
    typed = {name: column.words for name, column in found.items() if column.words}
    if not typed:
        return
    said = ", ".join(
        f"{name!r} ({', '.join(f'{word!r} in {_cells(n)}' for word, n in words.items())})"
        for name, words in typed.items()
    )
    confirm = {name: sorted(words) for name, words in typed.items()}
    keep = {name: [] for name in typed}
    warnings.warn(
        f"Words in columns of {path!r} that hold numbers, times or booleans were read as missing: "
        f"{said}. Pass na_values={confirm!r} if they are, or na_values={keep!r} to read these "
        "columns as text.",
        UserWarning,
        stacklevel=2,
    )


def _cells(count):
    return f"{count:,} {'cell' if count == 1 else 'cells'}"


def _warn_of_text(found, path):
    """Warn of columns of numbers that stay text, because their decimal marks differ."""
    for name, column in found.items():
        if column.asked or column.values is not column.text:
            continue
        present = column.text.drop_null().slice(0, _SAMPLE)
        if not pc.any(
            pc.match_substring_regex(present, r"\d")
        ).as_py() or not are_numbers_one_by_one(present):
            continue
        warnings.warn(
            f"Column {name!r} of {path!r} was read as text: its cells look like numbers, but no "
            f"one decimal mark fits them all, such as {_unlike(present)}.",
            UserWarning,
            stacklevel=2,
        )


def _unlike(present):
    """A cell with a point and one with a comma."""
    cells = present.to_pylist()
    some = [next((c for c in cells if mark in c), None) for mark in (".", ",")]
    return " and ".join(repr(c) for c in some if c is not None) or repr(cells[0])
