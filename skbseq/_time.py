"""Durations and moments as integers, read from the values that users write."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import numpy as np

from skbseq._time_forms import read_text

__all__ = [
    "convert_ticks",
    "fixed_offset",
    "format_instant",
    "parse_iso",
    "parse_moment",
    "shift_ticks",
    "ticks_per_second",
    "to_instant",
    "to_timedelta",
]

_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECONDS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 7 * 86_400_000_000,
}
_NUMPY_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3_600 * 10**9,
    "D": 86_400 * 10**9,
    "W": 7 * 86_400 * 10**9,
}
_MAX_TICK = 2**63 - 1
_YEAR = 365.2425 * 86_400  # seconds in a mean Gregorian year
# `datetime.fromisoformat` alone accepts too much; see `parse_iso`.
_ISO = re.compile(r"(\d{4}-\d\d-\d\d|\d{8}|\d{4}-W\d\d(-\d)?|\d{4}W\d\d\d?)([Tt ].+)?")
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d|w)\s*", re.IGNORECASE)


def ticks_per_second(unit):
    """Ticks in a second of a time unit, "us" or "ns"."""
    return {"us": 10**6, "ns": 10**9}[unit]


def convert_ticks(ticks, *, source, target):
    """Convert ticks to another unit; a coarser unit truncates them.

    Nanoseconds cover the years 1677 to 2262. A moment outside becomes the first or last of these.
    """
    if source == target:
        return ticks
    if target == "us":
        return ticks // 1000
    return np.clip(ticks, -(_MAX_TICK // 1000), _MAX_TICK // 1000) * 1000


def shift_ticks(ticks, span):
    """Ticks shifted by a span, which may be negative; the result is clipped to 64 bits."""
    if span < 0:
        return ticks - np.minimum(-span, _MAX_TICK + np.minimum(ticks, 0))
    return ticks + np.minimum(span, _MAX_TICK - np.maximum(ticks, 0))


def to_timedelta(value, *, name="duration", zero=False):
    """Read a duration.

    Parameters
    ----------
    value : str, datetime.timedelta or numpy.timedelta64
        A string is a number and a unit of us, ms, s, min, h, D or W: "30min", "7D", "1.5h".
    name : str, default="duration"
        Name of the value in error messages.
    zero : bool, default=False
        Whether zero is allowed.

    Returns
    -------
    numpy.timedelta64
        In microseconds, never negative.

    Raises
    ------
    ValueError
        If it cannot be read, is not positive (with ``zero``: is negative), is too long for
        64 bits of microseconds, or is in months or years, which have no fixed length.
    TypeError
        If it is neither a string nor a timedelta. A bare number has no unit.

    Examples
    --------
    >>> from skbseq._time import to_timedelta
    >>> to_timedelta("7D").astype("timedelta64[h]").item().days
    7
    """
    if isinstance(value, str):
        if value.lstrip().startswith("-") and _DURATION.fullmatch(value.lstrip()[1:]):
            least = "of zero or more" if zero else "longer than zero"
            raise ValueError(f"{name} must be {least}; got {value!r}.")
        match = _DURATION.fullmatch(value)
        if match is None:
            raise ValueError(
                f"{name}={value!r} is not a duration. Write a number and a unit of "
                "us, ms, s, min, h, D or W, such as '30min' or '90D'."
            )
        number, unit = match.groups()
        microseconds = round(float(number) * _MICROSECONDS[unit.lower()])
    elif isinstance(value, np.timedelta64):
        microseconds = _numpy_microseconds(value, name)
    elif isinstance(value, dt.timedelta):
        microseconds = value // dt.timedelta(microseconds=1)
    else:
        raise TypeError(
            f"{name} must be a string such as '90D' or a timedelta; got {value!r}. "
            "A bare number has no unit."
        )
    if microseconds < 0 or (microseconds == 0 and not zero):
        least = "of zero or more" if zero else "longer than zero"
        raise ValueError(f"{name} must be {least}; got {value!r}.")
    if microseconds > _MAX_TICK:
        raise ValueError(f"{name}={value!r} is too long; the maximum is 292,000 years.")
    return np.timedelta64(microseconds, "us")


def _numpy_microseconds(value, name):
    # In Python integers, because NumPy's conversions and comparisons overflow silently.
    unit, count = np.datetime_data(value.dtype)
    if np.isnat(value):
        raise ValueError(f"{name} must be longer than zero; got {value!r}.")
    if unit not in _NUMPY_NANOSECONDS:
        raise ValueError(
            f"{name}={value!r} has no unit of fixed length. Give weeks, days or less, such as "
            "'90D'."
        )
    return int(value.astype(np.int64)) * count * _NUMPY_NANOSECONDS[unit] // 1000


def to_instant(value, *, unit, zone, name="at"):
    """Read a moment as ticks since 1970-01-01, in UTC if the log has a time zone.

    Parameters
    ----------
    value : str, datetime.datetime, datetime.date or numpy.datetime64
        A string is ISO 8601, "2026-06-01" or "2026-06-01 12:00:00+02:00", or another form that
        has one reading.
    unit : {"us", "ns"}
        Length of a tick.
    zone : str or None
        Time zone of the log, also assumed for a moment without a zone.
    name : str, default="at"
        Name of the value in error messages.

    Returns
    -------
    int
        Ticks since 1970-01-01.
    """
    try:
        moment, extra = _to_datetime(value)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{name}={value!r} is not a moment. Write it in ISO 8601, such as "
            "'2026-06-01' or '2026-06-01 12:00:00'."
        ) from error
    if moment.tzinfo is not None and zone is None:
        raise ValueError(
            f"{name}={value!r} has a time zone but the times of the log have none. "
            "Give it without one, in the log's own clock."
        )
    if zone is not None:
        moment = _in_utc(moment, zone, f"{name}={value!r}")
    ticks = (moment - _EPOCH) // dt.timedelta(microseconds=1)
    if unit == "ns":
        ticks = ticks * 1000 + extra
    if abs(ticks) > _MAX_TICK:
        raise ValueError(
            f"{name}={value!r} is out of range: the log counts nanoseconds, which cover the years "
            "1677 to 2262."
        )
    return ticks


def _in_utc(moment, zone, said):
    """A moment in UTC, as a datetime without a zone; ``zone`` applies if it has none."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(zone))
    try:
        return moment.astimezone(dt.UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise ValueError(f"{said} is outside the calendar, the years 1 to 9999.") from error


def _to_datetime(value):
    """A datetime, and the remaining nanoseconds, which a datetime cannot hold."""
    if isinstance(value, np.datetime64):
        moment = value.astype("datetime64[us]").item()
        if not isinstance(moment, dt.datetime):  # NaT, or a year beyond 9999
            raise ValueError("not a time")
        nanoseconds = int(value.astype("datetime64[ns]").astype(np.int64) % 1000)
        return moment, nanoseconds
    if isinstance(value, str):
        moment = parse_moment(value)
        if moment is None:
            raise ValueError("not a time")
        # `datetime` drops the digits after the sixth.
        digits = re.search(r"[.,]\d{6}(\d{1,3})", value)
        return moment, int(digits[1].ljust(3, "0")) if digits else 0
    if isinstance(value, dt.datetime):
        if value != value:  # pandas' NaT is a datetime that does not equal itself
            raise ValueError("not a time")
        return value, getattr(value, "nanosecond", 0)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day), 0
    raise TypeError(f"cannot read {type(value).__name__}")


def parse_iso(text):
    """A datetime from a string in ISO 8601, or None if it is not one.

    Python alone accepts any character, or none, between date and time. It would read
    "2026-06-01-05:00" as five o'clock, and the milliseconds 1612060712345 as the year 1612.
    """
    text = text.strip()
    if _ISO.fullmatch(text) is None:
        return None
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:  # the right form, but no such day or hour
        return None


def parse_moment(text):
    """A datetime from a string in ISO 8601, or in another form of one reading; otherwise None."""
    moment = parse_iso(text)
    return read_text(text) if moment is None else moment


def fixed_offset(zone):
    """The UTC offset of a zone such as "+02:00"; None for a named zone."""
    if not re.fullmatch(r"[+-]\d\d:?\d\d", zone):
        return None
    return dt.datetime.strptime(zone, "%z").utcoffset()


def _zone(name):
    """A tzinfo from an IANA name, or from an offset such as "+02:00", which Arrow also allows."""
    offset = fixed_offset(name)
    return ZoneInfo(name) if offset is None else dt.timezone(offset)


def format_instant(ticks, *, unit, zone=None):
    """Format ticks since 1970 for messages, to the second, in the log's own zone.

    For a moment outside Python's calendar only the year is given.
    """
    try:
        moment = _EPOCH + dt.timedelta(microseconds=int(ticks) // (1 if unit == "us" else 1000))
        if zone is not None:
            moment = moment.replace(tzinfo=dt.UTC).astimezone(_zone(zone))
    except OverflowError:
        return f"the year {1970 + int(ticks / ticks_per_second(unit) / _YEAR):,}"
    text = moment.isoformat(sep=" ", timespec="seconds")
    return text.removesuffix(" 00:00:00")
