"""Numbers that stand for times: epoch numbers, dates such as 20110218, and their look-alikes."""

import datetime as dt
import warnings

import numpy as np

from skbseq import _frames
from skbseq.exceptions import InvalidLogError

_YEAR = 365.2425 * 86_400
# Logs are assumed to lie between 1980 and 2100. The ranges of these dates in s, ms, us and ns do
# not overlap, so the size of an epoch number reveals its unit.
_EARLIEST, _LATEST = 10 * _YEAR, 130 * _YEAR
EPOCH_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_COMPACT = ((1, "%Y%m%d"), (10**4, "%Y%m%d%H%M"), (10**6, "%Y%m%d%H%M%S"))
_FIRST_YEAR, _LAST_YEAR = 1900, 2099
# Day 0 of Excel; its days from 1954 to 2119 are taken for such.
_EXCEL, _EXCEL_DAYS = dt.datetime(1899, 12, 30), (20_000, 80_000)

_WHOLE_DATES = "Write whole dates, such as 20110201, if they are. "


def compact_format(column, last_year=_LAST_YEAR):
    """The format of whole numbers such as 20110218 that are dates; otherwise None.

    A CSV reader makes numbers of them. Up to 2099 they are no epoch numbers between 1980 and 2100.
    """
    values = _values(column)
    for scale, time_format in _COMPACT:
        days = values // scale
        if _are_whole(values) and _in_years(days // 10_000, last_year):
            in_year = (days // 100 % 100 <= 12) & (days % 100 <= 31)
            return time_format if in_year.all() else None
    return None


def find_unit(column):
    """The unit in which the median of epoch numbers lies between 1980 and 2100, or None."""
    typical = _median(_values(column))
    for unit, per_second in EPOCH_UNITS.items():
        if _EARLIEST <= typical / per_second <= _LATEST:
            return unit
    return None


def refuse_unit(column, name):
    """Raise the error about numbers that are no epoch numbers of a known unit."""
    values = _values(column)
    said, advice = _look(column, values)
    raise InvalidLogError(
        f"Cannot recognise the unit of the times in column {name!r}: their median is "
        f"{_median(values):g}, which is not between 1980 and 2100 in s, ms, us or ns. {said}"
        f"{advice}Pass time_unit='s', 'ms', 'us' or 'ns', and invalid_times='keep' if the times "
        "are not dates."
    )


def warn_of_years(column, name, clock):
    """Warn if numbers that look like years or months are kept as moments of 1970."""
    values = _values(column)
    what = _name_part(values)
    if what is not None:
        warnings.warn(
            f"Column {name!r} is read as {clock.source}, but its values look like {what}s, such "
            f"as {values[0]:.0f}. {_WHOLE_DATES.strip()}",
            UserWarning,
            stacklevel=2,
        )


def _look(column, values):
    """What numbers look like, and what to do about it."""
    what = _name_part(values)
    if what is not None:
        return f"They look like {what}s, which name no day. ", _WHOLE_DATES
    later = compact_format(column, last_year=9999) if len(values) else None
    if later is not None:
        return "They look like dates after 2099. ", f"Pass time_format={later!r} if they are. "
    first, last = _EXCEL_DAYS
    if len(values) and values.min() >= first and values.max() <= last:
        day = _EXCEL + dt.timedelta(days=float(values[0]))
        return (
            f"They look like day numbers of Excel, of which {values[0]:g} is "
            f"{day.isoformat(' ', 'minutes').removesuffix(' 00:00')}. ",
            "Convert them if they are: pandas.to_datetime(values.astype(float), unit='D', "
            "origin='1899-12-30'). ",
        )
    return "", ""


def _name_part(values):
    """What all values look like, a year or a month; else None."""
    if not len(values) or not _are_whole(values):
        return None
    if _in_years(values):
        return "year"
    months = values % 100
    return "month" if _in_years(values // 100) and ((months >= 1) & (months <= 12)).all() else None


def _values(column):
    values = _frames.numbers(column)
    return values[np.isfinite(values)]


def _median(values):
    # Not the mean, so that a few wrong values do not decide.
    return float(np.median(values)) if values.size else 0.0


def _are_whole(values):
    return (values == np.rint(values)).all()


def _in_years(years, last=_LAST_YEAR):
    return ((years >= _FIRST_YEAR) & (years <= last)).all()
