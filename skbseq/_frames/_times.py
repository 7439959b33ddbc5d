"""Columns of times as ticks since 1970."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skbseq._frames._columns import as_array, decode_strings, encode, first_row, kind_of
from skbseq._time import fixed_offset, parse_iso, ticks_per_second
from skbseq.exceptions import SequenceFrameError


def time_array(ticks, *, unit, zone=None, missing=None):
    """An Arrow timestamp array of integer ticks since 1970."""
    return pa.array(ticks, mask=missing).cast(pa.timestamp(unit, tz=zone))


def to_timestamps(column):
    """A column of timestamps, dates or ISO strings as timestamps.

    Returns
    -------
    timestamps : pyarrow.Array
        In UTC if strings carry offsets. Null where a string cannot be read.
    unreadable : ndarray of bool
        Where a string is not a time, or differs from the first time in having a time zone.
        :func:`why_unreadable` explains one.

    Raises
    ------
    ValueError
        If a time does not fit into 64 bits of microseconds.
    """
    array = decode_strings(as_array(column))
    unreadable = np.zeros(len(array), bool)
    if kind_of(array.type) == "string":
        array, unreadable = _parse_strings(array)
    if not pa.types.is_timestamp(array.type):  # dates, or only nulls
        array = array.cast(pa.timestamp("us"))
    unit = "ns" if array.type.unit == "ns" else "us"
    return array.cast(pa.timestamp(unit, tz=array.type.tz)), unreadable


def read_moments(column, name, *, row_of=int):
    """Timestamps of a column of a frame: timestamps, dates or ISO 8601 strings.

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
        moments, unreadable = to_timestamps(column)
    except ValueError as error:
        raise SequenceFrameError(f"{name!r} cannot be read as times: {error}.") from error
    if unreadable.any():
        at = first_row(unreadable)
        why = why_unreadable(column[at].as_py())
        raise SequenceFrameError(f"Row {row_of(at)} of {name!r} holds {why}.")
    return moments


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


def why_unreadable(value):
    """Explain why :func:`to_timestamps` could not read a string."""
    moment = parse_iso(value)
    if moment is None:
        return f"{value!r}, which is not a time in ISO 8601"
    lacks = "without" if moment.tzinfo is None else "with"
    return f"{value!r}, {lacks} a time zone unlike the times before it"


def _parse_strings(array):
    """Timestamps of ISO 8601 strings, and a mask of the unreadable ones."""
    unreadable = np.zeros(len(array), bool)
    parsed = _cast_strings(array)
    if parsed is None:
        array, unreadable = _without_unreadable(array)
        parsed = _cast_strings(array)
    if parsed is None:
        parsed = _parse_each(array)
    return parsed, unreadable


def _cast_strings(array):
    """Timestamps by Arrow's fast parser, or None if it cannot read all strings."""
    # Nanoseconds come last, for strings with more digits than microseconds hold.
    for dtype in (
        pa.timestamp("us"),
        pa.timestamp("us", tz="UTC"),
        pa.timestamp("ns"),
        pa.timestamp("ns", tz="UTC"),
    ):
        try:
            return array.cast(dtype)
        except pa.ArrowInvalid:
            continue
    return None


def _without_unreadable(array):
    """The trimmed strings, with null for those that are not times, and a mask of these."""
    array = pc.utf8_trim_whitespace(array.cast(pa.large_string()))
    codes, values = encode(array)
    # 0: not a time. 1: a time without a zone. 2: a time with a zone.
    kinds = [_kind_of_moment(parse_iso(text)) for text in values.to_pylist()]
    kinds = np.append(np.array(kinds, np.int8), 0)[codes]
    present = codes >= 0
    readable = kinds[kinds > 0]
    norm = readable[0] if readable.size else 1  # the first time decides for all
    unreadable = present & (kinds != norm)
    nothing = pa.scalar(None, array.type)
    return pc.if_else(pa.array(unreadable), nothing, array), unreadable


def _kind_of_moment(moment):
    return 0 if moment is None else 1 + (moment.tzinfo is not None)


def _parse_each(array):
    """Timestamps of strings that Arrow cannot read: one Python call per distinct string."""
    codes, values = encode(array)
    moments = [parse_iso(text) for text in values.to_pylist()]
    zone = "UTC" if any(moment.tzinfo is not None for moment in moments) else None
    moments = pa.array(moments, pa.timestamp("us", tz=zone))
    return moments.take(pa.array(codes, mask=codes < 0))
