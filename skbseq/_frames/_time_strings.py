"""Columns of times written as strings, in any form that has one reading."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skbseq._frames._columns import encode, first_row
from skbseq._time import parse_iso
from skbseq._time_forms import (
    ISO,
    find_layout,
    format_of,
    layout_by_format,
    normalize,
    read_layout,
)
from skbseq._time_words import USUAL_OFFSETS, missing_part

_ORDERS = ("dmy", "mdy")
_SHORT_ORDERS = ("dmy", "mdy", "ymd")
_N_TRIED = 100
_NANOSECOND_REACH = 9_223_372_036_854_775  # microseconds that nanoseconds of 64 bits hold


class TimeFormError(ValueError):
    """A column of strings has no single reading.

    Parameters
    ----------
    said : callable
        Maps a function, from positions to rows as the user counts them, to the message.
    formats : list of str, default=()
        Time formats that settle the reading.
    partly : bool, default=False
        Whether such a format leaves some of the strings unreadable.
    advice : str, default=None
        What to do where no format helps.
    """

    def __init__(self, said, formats=(), *, partly=False, advice=None):
        super().__init__(said(int))
        self.said, self.formats, self.partly = said, list(formats), partly
        self.advice = advice


@dataclass(frozen=True)
class TimeStrings:
    """Times read from strings.

    ``timestamps`` are null where a string is missing or ``unreadable``, and ``why`` explains an
    unreadable string. ``form`` says how the strings were read. ``time_format`` is the format of
    numeric dates of which only the column shows whether the day comes first, otherwise None.
    ``is_known`` tells whether an unreadable string is of a known form.
    """

    timestamps: pa.Array
    unreadable: np.ndarray
    form: str
    time_format: str | None
    why: object
    is_known: object = None


def read_time_strings(array, time_format=None):
    """Read strings as times.

    Parameters
    ----------
    array : pyarrow.Array of strings
    time_format : str, default=None
        A strftime format, "mixed" for several forms in one column, or None: one form, found from
        the values.

    Returns
    -------
    TimeStrings

    Raises
    ------
    TimeFormError
        If no string can be read, or the column has several forms or readings.
    """
    if time_format in (None, "mixed"):
        parsed = _cast_strings(array)
        if parsed is not None:
            return TimeStrings(parsed, np.zeros(len(array), bool), f"{ISO} strings", None, None)
    column = _Column(_normalized(array), time_format)
    check_readable(column)
    if time_format is None:
        check_order(column)
        check_one_form(column)
    timestamps, unreadable = column.read()
    return TimeStrings(
        timestamps,
        unreadable,
        column.describe(),
        column.order_format(),
        column.why,
        column.is_known,
    )


def _cast_strings(array):
    """Timestamps by Arrow's fast parser of ISO 8601, or None if it cannot read all strings."""
    # Each string that a cast cannot read takes microseconds, so a few are tried first.
    some = array.take(pa.array(np.arange(0, len(array), max(1, len(array) // _N_TRIED))))
    # Nanoseconds come last, for strings with more digits than microseconds hold.
    for dtype in (
        pa.timestamp("us"),
        pa.timestamp("us", tz="UTC"),
        pa.timestamp("ns"),
        pa.timestamp("ns", tz="UTC"),
    ):
        try:
            some.cast(dtype)
            return array.cast(dtype)
        except pa.ArrowInvalid:
            continue
    return None


def _normalized(array):
    """The same strings as :func:`skbseq._time_forms.normalize` makes them."""
    array = pc.utf8_trim_whitespace(array.cast(pa.large_string()))
    if pc.all(pc.string_is_ascii(array), min_count=0).as_py():
        return array
    return pc.utf8_trim_whitespace(pc.utf8_normalize(array, form="NFKC"))


class _Column:
    """Distinct strings of a column, their layouts and their moments.

    Strings of one shape have one layout, so that Python reads one string of each shape.

    Attributes
    ----------
    forms : ndarray of int of shape (n_values,)
        Number of the form of each distinct string, -1 without one.
    two : ndarray of bool of shape (n_values,)
        Whether the order of day and month is open in the layout.
    open : ndarray of bool of shape (n_values,)
        Whether both orders give a day of the calendar, and not the same one.
    usable : ndarray of bool of shape (n_values,)
        Whether one of the orders gives a day of the calendar.
    """

    def __init__(self, array, time_format):
        self.codes, self.values = encode(array)
        self.mixed = time_format == "mixed"
        self.given = None if self.mixed else time_format
        self._find = find_layout if self.given is None else layout_by_format(self.given)
        self._n = len(self.values)
        self._offsets, self._data = _buffers(self.values)
        self._shape_of, shapes = encode(self._shapes())
        self._shapes_of_layouts = shapes.to_pylist()
        self._layouts = [self._find(shape) for shape in self._shapes_of_layouts]
        self._read_layouts()
        names = dict.fromkeys(layout.form for layout in self._layouts if layout is not None)
        number = {name: i for i, name in enumerate(names)}
        self.forms = self._of_layouts(lambda layout: number[layout.form], -1)
        self.two = self._of_layouts(lambda layout: layout.two_readings, False)
        self.usable = self.valid.any(axis=0)
        self.open = self.two & self.valid.all(axis=0) & (self.ticks[0] != self.ticks[1])

    def _shapes(self):
        """The strings with every digit replaced by 0."""
        shapes = self._data.copy()
        shapes[(shapes >= ord("0")) & (shapes <= ord("9"))] = ord("0")
        offsets = pa.py_buffer(np.ascontiguousarray(self._offsets))
        buffers = [None, offsets, pa.py_buffer(shapes)]
        return pa.Array.from_buffers(pa.large_string(), self._n, buffers)

    def _read_layouts(self):
        # Day first, then month first; they differ only where the layout leaves the order open.
        self.ticks = np.zeros((2, self._n), np.int64)
        self.nanoseconds = np.zeros(self._n, np.int64)
        self.valid = np.zeros((2, self._n), bool)
        order = np.argsort(self._shape_of, kind="stable")
        counts = np.bincount(self._shape_of, minlength=len(self._layouts))
        for layout, rows in zip(
            self._layouts, np.split(order, np.cumsum(counts)[:-1]), strict=False
        ):
            if layout is None or layout.zone is not None or layout.short_year:
                continue
            starts = self._offsets[rows]
            byte_at = lambda at, starts=starts: self._data[starts + at]  # noqa: E731
            for k in (0, 1):
                if k == 0 or layout.two_readings:
                    ticks, rest, valid = read_layout(layout, byte_at, day_first=k == 0)
                self.ticks[k, rows], self.nanoseconds[rows], self.valid[k, rows] = (
                    ticks,
                    rest,
                    valid,
                )

    def _of_layouts(self, read, missing):
        """A value of the layout of each distinct string."""
        found = [missing if layout is None else read(layout) for layout in self._layouts]
        return np.array([*found, missing])[self._shape_of]

    @cached_property
    def main(self):
        """The first string that can be read, which decides the form of all; None without one."""
        sure = self.usable & ~self.open
        usable = sure if sure.any() else self.usable
        return first_row(usable) if usable.any() else None

    def text(self, value):
        """A distinct string."""
        return self.values[int(value)].as_py()

    def layout(self, value):
        """The layout of a distinct string."""
        return self._layouts[self._shape_of[value]]

    def row(self, value):
        """The first row with a distinct string."""
        return first_row(self.codes == value)

    def formats(self, value, orders):
        """Time formats of a distinct string that read as many strings as any of them can.

        A format of the date alone is a candidate too, because it reads any time of day after it.
        """
        text, layout = self.text(value), self.layout(value)
        counts = np.bincount(self._shape_of, minlength=len(self._layouts))
        best = {}
        for order in orders:
            for part in (text, text[: layout.date_end]):
                found = format_of(part, layout, order)
                find = layout_by_format(found)
                fits = [find(shape) is not None for shape in self._shapes_of_layouts]
                n_fits = int(counts[fits].sum())
                if n_fits > best.get(order, (None, 0))[1]:
                    best[order] = found, n_fits
        return [found for found, _ in best.values()]

    def choice(self):
        """0 where the day comes first, 1 where the month does, -1 where nothing shows which."""
        choice = np.zeros(self._n, np.int64)
        for form in np.unique(self.forms[self.two]):
            mine = self.forms == form
            day, month = self.decided(mine)
            choice[mine] = int(month.any()) if day.any() != month.any() else -1
        # A string of one reading needs no decision.
        alone = (choice < 0) & ~self.open
        choice[alone] = np.where(self.valid[0, alone], 0, 1)
        return choice

    def decided(self, among):
        """Masks of the strings that are a day only with the day first, or the month first."""
        return [among & self.valid[k] & ~self.valid[1 - k] for k in (0, 1)]

    def read(self):
        """Timestamps, and a mask of the rows that cannot be read."""
        choice = self.choice()
        chosen, at = np.maximum(choice, 0), np.arange(self._n)
        ticks, valid = self.ticks[chosen, at], self.valid[chosen, at] & (choice >= 0)
        if not self.mixed and self.main is not None:
            valid &= self.forms == self.forms[self.main]
        zoned = self._of_layouts(lambda layout: layout.zoned, False)
        self.zoned = bool(zoned[first_row(valid)]) if valid.any() else False
        valid &= zoned == self.zoned
        unit = "us"
        if self.nanoseconds[valid].any() and (np.abs(ticks[valid]) < _NANOSECOND_REACH).all():
            ticks, unit = np.where(valid, ticks, 0) * 1000 + self.nanoseconds, "ns"
        missing = np.append(~valid, True)[self.codes]
        moments = pa.array(np.append(ticks, 0)[self.codes], mask=missing)
        timestamps = moments.cast(pa.timestamp(unit, tz="UTC" if self.zoned else None))
        return timestamps, missing & (self.codes >= 0)

    def describe(self):
        """How the strings were read."""
        if self.given is not None:
            return f"strings as {self.given}"
        if self.main is None:
            return f"{ISO} strings"
        if len(np.unique(self.forms[self.usable])) > 1 and self.mixed:
            return "strings in several forms"
        text = self.text(self.main)
        return f"{ISO} strings" if parse_iso(text) else f"strings as {self._own_format()}"

    def _own_format(self):
        order = _ORDERS[self.choice()[self.main]]
        return format_of(self.text(self.main), self.layout(self.main), order)

    def order_format(self):
        """The format of numeric dates whose order the column as a whole has shown."""
        if self.given is not None or self.mixed or self.main is None or not self.two[self.main]:
            return None
        if not any(mask.any() for mask in self.decided(self.forms == self.forms[self.main])):
            return None
        return self.formats(self.main, [_ORDERS[self.choice()[self.main]]])[0]

    def is_known(self, value):
        """Whether no other time format helps with an unreadable string."""
        text = normalize(value)
        if self.given is not None:
            return True
        return self._find(text) is not None or missing_part(text) is not None

    def why(self, value):
        """Explain why a string cannot be read."""
        text = normalize(value)
        layout = self._find(text)
        if self.given is not None:
            if layout is None or layout.zoned == self.zoned:
                return f"{value!r}, which does not fit time_format={self.given!r}"
        elif layout is None:
            return f"{value!r}, {_why_unknown(text)}"
        elif layout.zone is not None:
            return f"{value!r}, whose time zone {layout.zone!r} has no single reading"
        elif layout.short_year:
            return f"{value!r}, whose year has two digits"
        elif layout.two_readings and _is_open(text):
            return f"{value!r}, which may be day first or month first"
        elif not self.mixed and layout.form != self.layout(self.main).form:
            return f"{value!r}, which is not of the form of {self.text(self.main)!r}"
        elif layout.zoned == self.zoned:
            return f"{value!r}, {_why_impossible(text, layout)}"
        lacks = "with" if layout.zoned else "without"
        return f"{value!r}, {lacks} a time zone unlike the times before it"


def _why_unknown(text):
    part = missing_part(text)
    return "which is not a time in a known form" if part is None else f"which names {part}"


def _why_impossible(text, layout):
    if layout.compact:
        return (
            "whose digits are read as a date and a time only from 1900 to 2099, because they may "
            "be an epoch number"
        )
    if text.startswith("0000"):
        return "which is not a time: databases write the year 0000 for a missing one"
    return "which is not a time: there is no such day or time of day"


def _buffers(values):
    """Offsets and bytes of an array of large strings."""
    _, offsets, data = values.buffers()
    offsets = np.frombuffer(offsets, np.int64)[values.offset :][: len(values) + 1]
    return offsets, np.frombuffer(b"" if data is None else data, np.uint8)


def _is_open(text):
    column = _Column(pa.array([text], pa.large_string()), None)
    return bool(column.open[0])


# ------------------------------------------------------------------ checks


def check_readable(column):
    """Refuse a column of which no string can be read."""
    if len(column.values) == 0 or column.main is not None:
        return
    layout, formats, advice = column.layout(0), [], None
    if column.given is not None:
        why = f"and no value fits time_format={column.given!r}"
    elif layout is None:
        why, advice = _why_unknown(column.text(0)), _why_partial(column.text(0))
        why += ", and neither is any other value" if advice is None else ""
    elif layout.short_year:
        why, formats = "whose year has two digits", _short_formats(column)
    elif layout.zone is not None:
        why, formats, advice = _why_zone(column)
    else:
        why = _why_impossible(column.text(0), layout)
        formats = column.formats(0, _ORDERS[:1]) if layout.compact else []
        advice = "No other value can be read either. Correct the times, or give another column."
    _refuse(
        column,
        [0],
        lambda row: f"holds {column.text(0)!r} in row {row}, {why}.",
        formats,
        advice=advice,
    )


def _why_partial(text):
    """What to do about parts of times."""
    part = missing_part(text)
    if part is None:
        return None
    span = part.removesuffix(" without a day")
    if span in ("a year", "a quarter", "a month"):
        return (
            f"Write a whole date, such as '2011-01-01', for all events of {span}, or give another "
            "column."
        )
    return "Write whole dates, such as '2011-02-18 14:54', or give another column."


def _why_zone(column):
    """Why names of zones are refused, a format that ignores a single one, and other advice."""
    zones = dict.fromkeys(
        column.text(value)[slice(*column.layout(value).spans["zone"])]
        for value in range(len(column.values))
        if column.layout(value) is not None and column.layout(value).zone is not None
    )
    offsets = {zone: USUAL_OFFSETS.get(zone.upper()) for zone in zones}
    known = [f"{zone!r} by {offset!r}" for zone, offset in offsets.items() if offset]
    why = f"whose time zone {next(iter(zones))!r} has no single reading"
    if len(zones) > 1:
        such = f"{' and '.join(known)} if these are meant" if known else "-05:00"
        return why, [], f"Replace the names of zones by offsets, such as {such}."
    why += "; give UTC or offsets such as -05:00, or take the name for plain text, so that the "
    return f"{why}log has no time zone", column.formats(0, _ORDERS[:1]), None


def _short_formats(column):
    """Formats of years with two digits, those that read the most strings."""
    fits = {
        time_format: int(_Column(column.values, time_format).usable.sum())
        for time_format in column.formats(0, _SHORT_ORDERS)
    }
    return [time_format for time_format, n in fits.items() if n == max(fits.values())]


def check_one_form(column):
    """Refuse a column of several forms."""
    if column.main is None:
        return
    main = column.main
    other = column.usable & (column.forms != column.forms[main])
    # A form whose order of day and month is open is no help in "mixed" either.
    other &= ~np.isin(column.forms, column.forms[column.choice() < 0])
    if other.any():
        odd = first_row(other)
        texts = [repr(column.text(value)) for value in (main, odd)]
        _refuse(
            column,
            [main, odd],
            lambda first, second: (
                f"is written in several forms: row {first} holds {texts[0]}, but row {second} "
                f"{texts[1]}."
            ),
            ["mixed"],
        )


def check_order(column):
    """Refuse a column in which the order of day and month is open, or changes."""
    if column.main is None or not column.two[column.main]:
        return
    same = column.forms == column.forms[column.main]
    decided = column.decided(same)
    if all(mask.any() for mask in decided):
        at = [first_row(mask) for mask in decided]
        texts = [repr(column.text(value)) for value in at]
        formats = [column.formats(at[k], [_ORDERS[k]])[0] for k in (0, 1)]
        _refuse(
            column,
            at,
            lambda day, month: (
                f"mixes two orders: row {day} holds {texts[0]}, day first, and row {month} "
                f"{texts[1]}, month first."
            ),
            formats,
            partly=True,
        )
    if (same & column.open).any() and not any(mask.any() for mask in decided):
        at = first_row(same & column.open)
        shown = repr(column.text(at))
        _refuse(
            column,
            [at],
            lambda row: (
                f"holds {shown} in row {row}, which may be day first or month first, and no value "
                "shows which."
            ),
            column.formats(at, _ORDERS),
        )


def _refuse(column, values, said, formats, *, partly=False, advice=None):
    rows = [column.row(value) for value in values]
    raise TimeFormError(
        lambda row_of: said(*map(row_of, rows)), formats, partly=partly, advice=advice
    )
