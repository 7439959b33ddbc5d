"""The ways of writing numbers, and which of them fits a whole column."""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_SPACES = "[ \u00a0\u2009\u202f]"
_APOSTROPHES = "['\u2019]"
_WHOLE = r"(?:0|[1-9]\d*)"  # not "007": the leading zeros of an id would be lost
_INFINITE = r"[-+]?(?i:inf|infinity)"
INTEGER = r"^\s*-?(?:0|[1-9]\d*)\s*$"
_ADDRESS = r"^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$"


@dataclass(frozen=True)
class Numerals:
    """A way of writing numbers, by its marks.

    Parameters
    ----------
    decimal : str
    thousands : str, default=None
    """

    decimal: str
    thousands: str | None = None

    @property
    def pattern(self):
        """Regular expression of a number."""
        point, group = re.escape(self.decimal), _escape(self.thousands)
        # Groups of two are Indian: 12,34,567.
        grouped = rf"[1-9]\d{{0,2}}(?:{group}\d{{2,3}})*{group}\d{{3}}|" if group else ""
        whole = rf"(?:{grouped}{_WHOLE})"
        # An integer with a plus is more likely a telephone number.
        signed = rf"-?(?:{whole}(?:{point}\d*)?|{point}\d+)|\+{whole}?{point}\d+"
        return rf"^\s*(?:(?:{signed})(?:[eE][-+]?\d+)?|{_INFINITE})\s*$"

    def fits(self, column):
        """Whether all values of a string column are such numbers."""
        return pc.all(pc.match_substring_regex(column, self.pattern), min_count=0).as_py()

    def read(self, column):
        """The numbers of a string column that fits, as integers if all are whole."""
        column = pc.utf8_trim_whitespace(column)
        if self.thousands is not None:
            column = pc.replace_substring_regex(column, _escape(self.thousands), "")
        if self.decimal != ".":
            column = pc.replace_substring(column, self.decimal, ".")
        if pc.all(pc.match_substring_regex(column, INTEGER), min_count=0).as_py():
            return read_integers(column)
        return column.cast(pa.float64())

    def __str__(self):
        mark = "" if self.thousands is None else f", thousands={self.thousands!r}"
        return f"decimal={self.decimal!r}{mark}"


PLAIN = Numerals(".")
_READINGS = (
    PLAIN,
    Numerals(","),
    Numerals(".", ","),
    Numerals(",", "."),
    Numerals(".", " "),
    Numerals(",", " "),
    Numerals(".", "'"),
    Numerals(",", "'"),
)


def _escape(mark):
    if mark is None:
        return ""
    return {" ": _SPACES, "'": _APOSTROPHES}.get(mark, re.escape(mark))


def readings_for(options):
    """The ways of writing numbers that the options leave open."""
    found = [
        each
        for each in (*_READINGS, Numerals(".", "_"), Numerals(",", "_"))
        if options.decimal in (None, each.decimal)
        and (options.thousands == each.thousands if options.thousands else each.thousands != "_")
    ]
    plain = options.decimal in (None, ".") and options.thousands != "."
    return [*([PLAIN] if plain else []), *(each for each in found if each != PLAIN)]


def fitting(column, sample, readings):
    """Those ways of writing numbers that fit all values of a column, one for each result.

    Parameters
    ----------
    column : pyarrow.Array of strings, without null
    sample : pyarrow.Array
        Some of its values, which are looked at first.
    readings : list of Numerals

    Returns
    -------
    dict of Numerals to pyarrow.Array
        The numbers that each reads.
    """
    if are_addresses(column):
        return {}
    results = {}
    for reading in readings:
        if not (reading.fits(sample) and reading.fits(column)):
            continue
        values = reading.read(column)
        if not any(values.equals(other) for other in results.values()):
            results[reading] = values
    return results


def are_addresses(column):
    """Whether all values are IP addresses, which may look like numbers in groups."""
    return pc.all(pc.match_substring_regex(column, _ADDRESS), min_count=0).as_py()


def read_integers(column):
    """Integers of strings, or the strings if an integer needs more than 64 bits."""
    for dtype in (pa.int64(), pa.uint64()):
        try:
            return column.cast(dtype)
        except pa.ArrowInvalid:
            continue
    return column


def are_numbers_one_by_one(sample):
    """Whether each value is a number in some way of writing them, and one has a mark."""
    if are_addresses(sample):
        return False
    fit = None
    for reading in _READINGS:
        each = pc.match_substring_regex(sample, reading.pattern)
        fit = each if fit is None else pc.or_(fit, each)
    whole = pc.match_substring_regex(sample, INTEGER)
    return pc.all(fit).as_py() and not pc.all(whole).as_py()
