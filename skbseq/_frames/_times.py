"""Columns of times as ticks since 1970."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skbseq._frames._columns import as_array, decode_strings, first_row, kind_of
from skbseq._frames._time_strings import TimeFormError, TimeStrings, read_time_strings
from skbseq._time import fixed_offset, ticks_per_second
from skbseq.exceptions import SequenceFrameError

_NUMBER = r"-?[0-9]+(\.[0-9]*)?"


def time_array(ticks, *, unit, zone=None, missing=None):
    """An Arrow timestamp array of integer ticks since 1970."""
    return pa.array(ticks, mask=missing).cast(pa.timestamp(unit, tz=zone))


def to_timestamps(column, time_format=None):
    """A column of timestamps, dates or strings as timestamps.

    Parameters
    ----------
    column : pyarrow.Array
    time_format : str, default=None
        Of strings; see :func:`read_time_strings`.

    Returns
    -------
    TimeStrings
        Its timestamps are in UTC if strings carry offsets. A string is unreadable if it is not a
        time, or differs from the first time in having a time zone.

    Raises
    ------
    TimeFormError
        If a column of strings has no single reading.
    ValueError
        If a time does not fit into 64 bits of microseconds.
    """
    array = decode_strings(as_array(column))
    if kind_of(array.type) == "string":
        read = read_time_strings(array, time_format)
    else:
        read = TimeStrings(array, np.zeros(len(array), bool), "datetimes", None, None)
    array = read.timestamps
    if not pa.types.is_timestamp(array.type):  # dates, or only nulls
        array = array.cast(pa.timestamp("us"))
    unit = "ns" if array.type.unit == "ns" else "us"
    return replace(read, timestamps=array.cast(pa.timestamp(unit, tz=array.type.tz)))


def read_moments(column, name, *, row_of=int):
    """Timestamps of a column of a frame: timestamps, dates or strings of one reading.

    Raises
    ------
    SequenceFrameError
        If it holds something else. ``row_of`` maps a position to the row in the message.
    """
    kind = kind_of(decode_strings(column).type)
    if kind not in ("timestamp", "string", "null"):
        raise SequenceFrameError(
            f"{name!r} holds {kind} values, which are not times. Give timestamps."
        )
    try:
        read = to_timestamps(column)
    except TimeFormError as error:
        formats = [] if error.partly else error.formats
        if error.advice and not formats:
            raise SequenceFrameError(f"{name!r} {error.said(row_of)} {error.advice}") from error
        ways = [f"pandas.to_datetime(values, format={each!r})" for each in formats]
        example = f", for instance with {' or '.join(ways)}" if ways else ""
        raise SequenceFrameError(
            f"{name!r} {error.said(row_of)} Convert it to timestamps first{example}."
        ) from error
    except ValueError as error:
        raise SequenceFrameError(f"{name!r} cannot be read as times: {error}.") from error
    if read.unreadable.any():
        at = first_row(read.unreadable)
        raise SequenceFrameError(
            f"Row {row_of(at)} of {name!r} holds {read.why(column[at].as_py())}."
        )
    return read.timestamps


def numbers_in_text(column):
    """Integers or floats of a column of strings that are all numbers, else None."""
    text = decode_strings(as_array(column))
    if text.null_count == len(text):
        return None
    text = pc.utf8_trim_whitespace(text)
    first = text.drop_null()[0].as_py()
    # Most columns are of times in words or in parts, which their first value shows.
    if re.fullmatch(_NUMBER, first, re.ASCII) is None:
        return None
    if not pc.all(pc.match_substring_regex(text, f"^{_NUMBER}$"), min_count=0).as_py():
        return None
    for dtype in (pa.int64(), pa.float64()):
        try:
            return text.cast(dtype)
        except pa.ArrowInvalid:
            continue
    return None


def time_ticks(timestamps):
    """Ticks since 1970 of an array made by :func:`to_timestamps`.

    Returns
    -------
    ticks : ndarray of int64
        Zero where missing. In UTC if the column has a zone.
    missing : ndarray of bool
    unit : {"us", "ns"}
    zone : str or None
    """
    ticks = pc.fill_null(timestamps.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    missing = timestamps.is_null().to_numpy(zero_copy_only=False)
    return ticks, missing, timestamps.type.unit, timestamps.type.tz


def local_ticks(timestamps, zone):
    """Ticks in the local time of a zone; ``None`` returns the ticks unchanged."""
    ticks, _, unit, _ = time_ticks(timestamps)
    if zone is None:
        return ticks
    offset = fixed_offset(zone)  # not every version of Arrow supports fixed offsets
    if offset is not None:
        return ticks + int(offset.total_seconds()) * ticks_per_second(unit)
    return time_ticks(pc.local_timestamp(timestamps.cast(pa.timestamp(unit, zone))))[0]


def assume_zone(ticks, *, unit, zone):
    """Convert ticks in the local time of a zone to UTC.

    An hour that occurs twice (end of daylight saving) is read as the first of the two. A skipped
    hour is read as if the clock had not been changed yet.
    """
    offset = fixed_offset(zone)
    if offset is not None:
        return ticks - int(offset.total_seconds()) * ticks_per_second(unit)

    def in_utc(local):
        array = pa.array(local).cast(pa.timestamp(unit))
        zoned = pc.assume_timezone(array, zone, ambiguous="earliest", nonexistent="latest")
        return zoned, time_ticks(zoned)[0]

    # A skipped local time does not survive the round trip. Convert the hour before, which exists.
    hour = 3600 * ticks_per_second(unit)
    zoned, result = in_utc(ticks)
    skipped = time_ticks(pc.local_timestamp(zoned))[0] != ticks
    return np.where(skipped, in_utc(ticks - hour)[1] + hour, result)
