"""Read a time column, and refuse times that only a wrong unit explains."""

from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._time import format_instant, ticks_per_second, to_instant, to_timedelta
from skbseq.exceptions import InvalidLogError

_YEAR = 365.2425 * 86_400
# Nobody logged shop visits before 1980 or will after 2100, and the four spans that this gives
# to s, ms, us and ns do not touch: the unit of an epoch number can be told from its size.
_EARLIEST, _LATEST = 10 * _YEAR, 130 * _YEAR
_SUSPECT_LATEST = 230 * _YEAR
_EPOCH_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass(frozen=True)
class Clock:
    """How a log tells time: the length of a tick, the time zone, and how it was recognised."""

    unit: str
    zone: str | None
    source: str

    def instant(self, value, name):
        """Ticks of a moment that a user wrote."""
        return to_instant(value, unit=self.unit, zone=self.zone, name=name)

    def span(self, value, name):
        """Ticks of a duration that a user wrote."""
        return int(to_timedelta(value, name=name).astype(np.int64)) * (
            1000 if self.unit == "ns" else 1
        )

    def say(self, ticks):
        """A moment for a person."""
        return format_instant(ticks, unit=self.unit, zone=self.zone)


def read_times(column, *, name, time_unit, invalid_times):
    """Read a column of datetimes, ISO strings or epoch numbers.

    Returns
    -------
    ticks : ndarray of int64
        Ticks since 1970, in UTC where the column has a time zone; zero where missing.
    missing : ndarray of bool
    clock : Clock
    """
    kind = _frames.kind_of(_frames.decode_strings(column).type)
    if kind in ("integer", "float"):
        ticks, missing, clock = _read_epoch(column, name, time_unit)
        bad = np.zeros(len(ticks), bool)
    elif kind in ("timestamp", "string"):
        if time_unit is not None:
            raise InvalidLogError(
                f"time_unit={time_unit!r} was given but column {name!r} holds {kind}s, which "
                "carry their own unit. Leave time_unit out."
            )
        ticks, missing, bad, unit, zone = _frames.time_ticks(column)
        clock = Clock(unit, zone, "datetimes" if kind == "timestamp" else "ISO 8601 strings")
    elif kind == "null":
        raise InvalidLogError(f"Column {name!r} is missing in every row; it must say when.")
    else:
        raise InvalidLogError(
            f"Column {name!r} holds {kind} values, which are not times. "
            "Give datetimes, ISO 8601 strings or epoch numbers."
        )
    if bad.any() and invalid_times != "null":
        row = _frames.first_row(bad)
        raise InvalidLogError(
            f"Row {row} of column {name!r} holds {column[row].as_py()!r}, which is not a time. "
            "Mend it, or pass invalid_times='null' to treat such times as missing."
        )
    if invalid_times != "keep":
        suspect = _suspect(ticks, missing | bad, ticks_per_second(clock.unit))
        if suspect.any() and invalid_times != "null":
            _raise_suspect(column, name, ticks, suspect, clock)
        bad = bad | suspect
    return np.where(bad, 0, ticks), missing | bad, clock


def _read_epoch(column, name, time_unit):
    values = _frames.numbers(column)
    missing = np.isnan(values)
    if np.isinf(values).any():
        row = _frames.first_row(np.isinf(values))
        raise InvalidLogError(f"Row {row} of column {name!r} is infinite, which is not a time.")
    source = f"epoch {_UNIT_NAMES.get(time_unit, '')}, as told"
    if time_unit is None:
        time_unit = _recognise(values[~missing], name)
        source = f"epoch {_UNIT_NAMES[time_unit]}, recognised from their size"
    unit = "ns" if time_unit == "ns" else "us"
    scale = ticks_per_second(unit) // _EPOCH_UNITS[time_unit]
    if _frames.kind_of(column.type) == "integer":
        # Integers go round the floats, which hold only 53 bits of a nanosecond time.
        values = _frames.integers(column)
        huge = np.abs(values) > np.iinfo(np.int64).max // scale
    else:
        values = np.rint(np.where(missing, 0, values) * scale)
        huge = np.abs(values) >= 2.0**63
        scale = 1
    if huge.any():
        row = _frames.first_row(huge)
        raise InvalidLogError(
            f"Row {row} of column {name!r} holds {values[row]}, beyond any year as epoch "
            f"{_UNIT_NAMES[time_unit]}. Check time_unit."
        )
    return (values * scale).astype(np.int64), missing, Clock(unit, None, source)


def _recognise(values, name):
    typical = float(np.median(values)) if values.size else 0.0
    for unit, per_second in _EPOCH_UNITS.items():
        if _EARLIEST <= typical / per_second <= _LATEST:
            return unit
    raise InvalidLogError(
        f"Cannot recognise the unit of the times in column {name!r}: their median is "
        f"{typical:g}, which lies between 1980 and 2100 neither as s, ms, us nor ns. "
        "Pass time_unit='s', 'ms', 'us' or 'ns', and invalid_times='keep' where the times "
        "are not dates."
    )


def _suspect(ticks, missing, per_second):
    """Times in 1970 or far in the future beside times of our days, or all in early 1970.

    Seconds read as milliseconds land in January 1970, milliseconds read as seconds in the
    year 50,000.
    """
    if missing.all():
        return np.zeros(len(ticks), bool)
    seconds = ticks / per_second
    near_epoch = (seconds > -86_400) & (seconds < _YEAR)
    typical = np.median(seconds[~missing])
    all_at_epoch = (near_epoch & (seconds < 60 * 86_400))[~missing].all()
    suspect = seconds > _SUSPECT_LATEST
    if typical >= _EARLIEST or all_at_epoch:
        suspect |= near_epoch
    return suspect & ~missing


def _raise_suspect(column, name, ticks, suspect, clock):
    row = _frames.first_row(suspect)
    try:
        reading = clock.say(ticks[row])
    except OverflowError:
        reading = f"the year {1970 + int(ticks[row] / ticks_per_second(clock.unit) / _YEAR):,}"
    raise InvalidLogError(
        f"Row {row} of column {name!r} holds {column[row].as_py()!r}, which reads as {reading}: "
        f"a sign of a wrong or mixed unit ({int(suspect.sum()):,} such rows). Give time_unit, "
        "mend the rows, pass invalid_times='null' to treat them as missing, or "
        "invalid_times='keep' if they are right."
    )
