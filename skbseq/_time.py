"""Durations and moments as integers: the one place that reads them from what users write."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import numpy as np

__all__ = ["convert_ticks", "format_instant", "ticks_per_second", "to_instant", "to_timedelta"]

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
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d|w)\s*", re.IGNORECASE)


def ticks_per_second(unit):
    """Ticks in a second of a time unit, "us" or "ns"."""
    return {"us": 10**6, "ns": 10**9}[unit]


def convert_ticks(ticks, *, source, target):
    """Ticks of one unit in another; what the coarser cannot hold is cut off."""
    if source == target:
        return ticks
    return ticks * 1000 if target == "ns" else ticks // 1000


def to_timedelta(value, *, name="duration"):
    """Read a duration.

    Parameters
    ----------
    value : str, datetime.timedelta or numpy.timedelta64
        A string is a number and a unit of us, ms, s, min, h, D or W: "30min", "7D", "1.5h".
    name : str, default="duration"
        How an error calls it.

    Returns
    -------
    numpy.timedelta64
        In microseconds, always above zero.

    Raises
    ------
    ValueError
        If it cannot be read, or is not above zero.
    TypeError
        If it is neither a string nor a timedelta; a bare number has no unit.

    Examples
    --------
    >>> from skbseq._time import to_timedelta
    >>> to_timedelta("7D").astype("timedelta64[h]").item().days
    7
    """
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        if match is None:
            raise ValueError(
                f"{name}={value!r} is not a duration. Write a number and a unit of "
                "us, ms, s, min, h, D or W, such as '30min' or '90D'."
            )
        number, unit = match.groups()
        result = np.timedelta64(round(float(number) * _MICROSECONDS[unit.lower()]), "us")
    elif isinstance(value, (dt.timedelta, np.timedelta64)):
        result = np.timedelta64(value).astype("timedelta64[us]")
    else:
        raise TypeError(
            f"{name} must be a string such as '90D' or a timedelta; got {value!r}. "
            "A bare number has no unit."
        )
    if np.isnat(result) or result <= np.timedelta64(0, "us"):
        raise ValueError(f"{name} must be longer than zero; got {value!r}.")
    return result


def to_instant(value, *, unit, zone, name="at"):
    """Read a moment as ticks since 1970-01-01, in UTC where the log has a time zone.

    Parameters
    ----------
    value : str, datetime.datetime, datetime.date or numpy.datetime64
        A string is ISO 8601: "2026-06-01" or "2026-06-01 12:00:00+02:00".
    unit : {"us", "ns"}
        Length of a tick.
    zone : str or None
        Time zone of the log. A moment without a zone is read in it.
    name : str, default="at"
        How an error calls it.

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
    if moment.tzinfo is not None:
        if zone is None:
            raise ValueError(
                f"{name}={value!r} has a time zone but the times of the log have none. "
                "Give it without one, in the log's own clock."
            )
        moment = moment.astimezone(dt.UTC).replace(tzinfo=None)
    elif zone is not None:
        moment = moment.replace(tzinfo=_zone(zone)).astimezone(dt.UTC).replace(tzinfo=None)
    microseconds = (moment - _EPOCH) // dt.timedelta(microseconds=1)
    return microseconds if unit == "us" else microseconds * 1000 + extra


def _to_datetime(value):
    """A datetime, and the nanoseconds that it cannot hold."""
    if isinstance(value, np.datetime64):
        if np.isnat(value):
            raise ValueError("not a time")
        nanoseconds = int(value.astype("datetime64[ns]").astype(np.int64) % 1000)
        return value.astype("datetime64[us]").item(), nanoseconds
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value), 0
    if isinstance(value, dt.datetime):
        if value != value:  # pandas' NaT is a datetime that does not equal itself
            raise ValueError("not a time")
        return value, getattr(value, "nanosecond", 0)
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day), 0
    raise TypeError(f"cannot read {type(value).__name__}")


def _zone(name):
    """A tzinfo from an IANA name or an offset such as "+02:00", which Arrow also allows."""
    if re.fullmatch(r"[+-]\d\d:?\d\d", name):
        return dt.datetime.strptime(name, "%z").tzinfo
    return ZoneInfo(name)


def format_instant(ticks, *, unit, zone=None):
    """Write ticks since 1970 for a person, down to seconds, in the log's own zone."""
    moment = _EPOCH + dt.timedelta(microseconds=int(ticks) // (1 if unit == "us" else 1000))
    if zone is not None:
        moment = moment.replace(tzinfo=dt.UTC).astimezone(_zone(zone))
    text = moment.isoformat(sep=" ", timespec="seconds")
    return text.removesuffix(" 00:00:00")
