"""Read a time column, and refuse times that indicate a wrong unit."""

from dataclasses import dataclass, replace

import numpy as np

from skbseq import _frames
from skbseq._time import (
    format_instant,
    parse_iso,
    shift_ticks,
    ticks_per_second,
    to_instant,
    to_timedelta,
)
from skbseq.events._epochs import (
    EPOCH_UNITS,
    UNIT_NAMES,
    compact_format,
    find_unit,
    refuse_unit,
    warn_of_years,
)
from skbseq.exceptions import InvalidLogError

_YEAR = 365.2425 * 86_400
_EARLIEST = 10 * _YEAR
_SUSPECT_LATEST = 230 * _YEAR
_YEAR_2 = -718_797 * 86_400  # the first moment of the year 2
_SUSPECT_EARLIEST = -25_566 * 86_400  # 2 January 1900


@dataclass(frozen=True)
class Clock:
    """Unit and zone of the times of a log, and how they were recognised.

    ``time_format`` reads times of another log alike: it is the given one, or that of numeric dates
    of which only the column as a whole showed whether the day comes first.
    """

    unit: str
    zone: str | None
    source: str
    time_format: str | None = None

    def instant(self, value, name):
        """Ticks of a moment given by the user."""
        return to_instant(value, unit=self.unit, zone=self.zone, name=name)

    def in_zone_of(self, moment):
        """The clock of a column without values, which takes its zone from a moment."""
        aware = getattr(moment, "tzinfo", None) or getattr(parse_iso(str(moment)), "tzinfo", None)
        return self if self.zone is not None or not aware else replace(self, zone="UTC")

    @property
    def per_second(self):
        """Ticks in a second."""
        return ticks_per_second(self.unit)

    def after(self, ticks, span, name, *, zero=False):
        """Ticks of moments, each later by a duration given by the user."""
        return shift_ticks(ticks, self.span(span, name, zero=zero))

    def before(self, ticks, span, name, *, zero=False):
        """Ticks of moments, each earlier by a duration given by the user."""
        return shift_ticks(ticks, -self.span(span, name, zero=zero))

    def span(self, value, name, *, zero=False):
        """Ticks of a duration given by the user."""
        microseconds = int(to_timedelta(value, name=name, zero=zero).astype(np.int64))
        # In nanoseconds, a long duration may exceed 64 bits.
        return min(microseconds * (1000 if self.unit == "ns" else 1), np.iinfo(np.int64).max)

    def format(self, ticks):
        """A moment as text, for messages."""
        return format_instant(ticks, unit=self.unit, zone=self.zone)


def read_times(column, *, name, time_unit, invalid_times, time_format=None, advise=True):
    """Read a column of datetimes, strings or epoch numbers.

    With ``advise`` errors name the parameters of :class:`EventLog`.

    Returns
    -------
    ticks : ndarray of int64
        Ticks since 1970, in UTC if the column has a time zone; zero where missing.
    missing : ndarray of bool
    clock : Clock
    """
    column = _frames.decode_strings(_frames.as_array(column))
    kind = _frames.kind_of(column.type)
    if kind not in ("integer", "float", "timestamp", "string", "null"):
        raise InvalidLogError(
            f"Column {name!r} holds {kind} values, which are not times. "
            "Give datetimes, strings or epoch numbers."
        )
    check_present(name, _frames.is_missing(column))
    if kind == "string" and time_format is None:
        column = _as_epoch(column, time_unit)
        kind = _frames.kind_of(column.type)
    _check_parameters(name, kind, time_unit, time_format)
    compact = None
    if kind in ("integer", "float") and time_unit is None:
        compact = compact_format(column) if time_format is None else time_format
    if kind in ("integer", "float") and compact is None:
        ticks, missing, bad, clock, why = _read_epoch(column, name, time_unit)
    elif compact is not None:
        ticks, missing, bad, clock, why = _read_compact(column, name, compact, advise)
        clock = replace(clock, time_format=time_format)
    else:
        ticks, missing, bad, clock, why = _read_datetimes(column, name, time_format, advise)
    if bad.any() and invalid_times != "null":
        row = _frames.first_row(bad)
        reason, own_form = why(row)
        raise InvalidLogError(
            f"Row {row} of column {name!r} holds {reason}. Fix it"
            + (_advice(own_form) if advise else ".")
        )
    if invalid_times == "keep" and kind in ("integer", "float") and compact is None:
        warn_of_years(column, name, clock)
    if invalid_times != "keep":
        suspect = _suspect(ticks, missing | bad, ticks_per_second(clock.unit))
        if suspect.any() and invalid_times != "null":
            _raise_suspect(column, name, ticks, suspect, clock)
        bad = bad | suspect
    return np.where(bad, 0, ticks), missing | bad, clock


def _as_epoch(column, time_unit):
    """Strings of epoch numbers as numbers; other strings, such as 20110218, stay as they are."""
    numbers = _frames.numbers_in_text(column)
    if numbers is None:
        return column
    if time_unit is None and (compact_format(numbers) or find_unit(numbers) is None):
        return column
    return numbers


def _advice(own_form):
    form = ", pass time_format=... if it has a form of its own" if own_form else ""
    return f"{form}, or pass invalid_times='null' to treat such times as missing."


def _check_parameters(name, kind, time_unit, time_format):
    if time_unit is not None and time_format is not None:
        raise InvalidLogError(
            f"time_unit={time_unit!r} is for epoch numbers and time_format={time_format!r} for "
            "strings. Leave one of them out."
        )
    if time_unit is not None and kind not in ("integer", "float"):
        raise InvalidLogError(
            f"time_unit={time_unit!r} was given but column {name!r} holds {kind}s, which "
            "carry their own unit. Leave time_unit out."
        )
    numeric = kind in ("integer", "float") and time_format == "mixed"
    if time_format is not None and (kind == "timestamp" or numeric):
        raise InvalidLogError(
            f"time_format={time_format!r} was given but column {name!r} holds {kind}s, not "
            "strings. Leave time_format out."
        )


def check_present(name, missing):
    """Refuse rows without any value."""
    if len(missing) and missing.all():
        raise InvalidLogError(
            f"Column {name!r} is missing in all {len(missing):,} rows, from row 0 on, so no event "
            "has a user and a time. Name another column."
        )


def _read_datetimes(column, name, time_format, advise):
    try:
        read = _frames.to_timestamps(column, time_format)
    except _frames.TimeFormError as error:
        numbers = _frames.numbers_in_text(column)
        if numbers is not None and not error.formats:
            refuse_unit(numbers, name)
        advice = _form_advice(error) if advise else "Convert it to datetimes."
        raise InvalidLogError(f"Column {name!r} {error.said(int)} {advice}") from error
    except ValueError as error:
        raise InvalidLogError(f"Column {name!r} cannot be read as times: {error}.") from error
    ticks, missing, unit, zone = _frames.time_ticks(read.timestamps)
    clock = Clock(unit, zone, read.form, time_format or read.time_format)

    def why(row):
        value = column[row].as_py()
        return read.why(value), not read.is_known(value)

    # An unreadable string became null, but it is not missing.
    return ticks, missing & ~read.unreadable, read.unreadable, clock, why


def _read_compact(column, name, time_format, advise):
    """Read numbers such as 20110218."""
    read = _read_datetimes(_frames.number_strings(column), name, time_format, advise)
    return *read[:3], replace(read[3], source=f"numbers as {time_format}"), read[4]


def _form_advice(error):
    """What to pass so that a column of strings has one reading."""
    if not error.formats:
        return error.advice or (
            "Pass time_format, such as time_format='%d/%m/%Y %H:%M', or give another column or "
            "datetimes."
        )
    ways = " or ".join(f"time_format={each!r}" for each in error.formats)
    if error.partly:
        return f"Pass {ways}, with invalid_times='null' to treat the others as missing."
    return f"Pass {ways}."


def _read_epoch(column, name, time_unit):
    values = _frames.numbers(column)
    missing = np.isnan(values)
    source = f"epoch {UNIT_NAMES.get(time_unit, '')}, as specified"
    if time_unit is None and not values.size:
        time_unit, source = "s", "epoch numbers"  # any unit will do
    elif time_unit is None:
        time_unit = find_unit(column)
        if time_unit is None:
            refuse_unit(column, name)
        source = f"epoch {UNIT_NAMES[time_unit]}, recognised from their size"
    unit = "ns" if time_unit == "ns" else "us"
    scale = ticks_per_second(unit) // EPOCH_UNITS[time_unit]
    with np.errstate(over="ignore"):
        scaled = np.rint(np.where(missing, 0, values) * scale)
    huge = np.abs(scaled) >= 2.0**63
    if _frames.kind_of(column.type) == "integer":
        # Not via float, which holds only 53 bits of a time in nanoseconds.
        ticks = _frames.integers(column, but=huge) * scale
    else:
        ticks = np.where(huge, 0, scaled).astype(np.int64)

    def why(row):
        return f"{column[row].as_py()!r}, which is beyond any year ({source})", False

    return ticks, missing, huge, Clock(unit, None, source), why


def _suspect(ticks, missing, per_second):
    """Times in 1970, before 1900 or after 2200 among present-day times, or all in early 1970.

    Seconds read as milliseconds give January 1970; milliseconds read as seconds give the year
    50,000. Software writes the first or last day that it can hold for a missing time: the years 1,
    1601, 1753, 1899, 1900, 9999.
    """
    if missing.all():
        return np.zeros(len(ticks), bool)
    near_epoch = (ticks > -86_400 * per_second) & (ticks < _YEAR * per_second)
    near_epoch |= ticks < _SUSPECT_EARLIEST * per_second
    suspect = (ticks > _SUSPECT_LATEST * per_second) | (ticks < _YEAR_2 * per_second)
    if not (near_epoch.any() or suspect.any()):  # as in most logs; the median is slow
        return suspect
    typical = np.median(ticks[~missing]) / per_second
    at_epoch = near_epoch & (np.abs(ticks) < 60 * 86_400 * per_second)
    all_at_epoch = at_epoch[~missing].all()
    if typical >= _EARLIEST or all_at_epoch:
        suspect |= near_epoch
    return suspect & ~missing


def _raise_suspect(column, name, ticks, suspect, clock):
    unit = "Pass time_unit, fix" if clock.source.startswith("epoch") else "Fix"
    row = _frames.first_row(suspect)
    raise InvalidLogError(
        f"Row {row} of column {name!r} holds {_format_value(column[row])}, which reads as "
        f"{clock.format(ticks[row])}: a sign of a wrong or mixed unit, or of a "
        f"missing time ({int(suspect.sum()):,} such rows). {unit} the rows, pass "
        "invalid_times='null' to treat them as missing, or invalid_times='keep' if they are right."
    )


def _format_value(scalar):
    try:
        return repr(scalar.as_py())
    except (OverflowError, ValueError):  # Python's calendar ends with the year 9999
        return "a moment"
