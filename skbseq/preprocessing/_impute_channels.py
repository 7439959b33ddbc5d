"""Imputation of one channel: statistics, neighbours in time, linear interpolation."""

from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._checks import is_real, is_text, is_whole, shown
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing._place import read_moments

NUMERIC = ("mean", "median", "linear", "knn", "iterative")
IN_TIME = ("linear", "nearest")
JOINT = ("knn", "iterative")
STRATEGIES = ("auto", "drop", "constant", "most_frequent", "ffill", "nearest", *NUMERIC)
FILLABLE = ("float", "integer", "boolean", "string", "null")

# Constants used if `fill_value` is None; a channel without a type gets a string.
_CONSTANTS = {"float": 0, "integer": 0, "boolean": False, "string": "missing", "null": "missing"}


@dataclass(frozen=True)
class Events:
    """The events of all rows end to end: values by channel, and the offset of each row."""

    values: dict
    offsets: np.ndarray

    def __len__(self):
        return int(self.offsets[-1])

    def row_of(self, position):
        """Row of the sample that holds an event."""
        return int(np.searchsorted(self.offsets, position, side="right")) - 1

    def keep(self, kept):
        """Only the events where a mask is True; all rows are kept."""
        if kept.all():
            return self
        positions = np.flatnonzero(kept)
        before = np.concatenate([[0], np.cumsum(kept)])
        values = {name: _frames.take(column, positions) for name, column in self.values.items()}
        return Events(values, before[self.offsets])

    def last_known(self, known):
        """Position of the last known value up to each event, within its row; -1 for none."""
        # Over all rows at once; a position before the row's own start belongs to another row.
        positions = np.maximum.accumulate(np.where(known, np.arange(len(self)), -1))
        starts = np.repeat(self.offsets[:-1], np.diff(self.offsets))
        return np.where(positions >= starts, positions, -1)

    def next_known(self, known):
        """Position of the first known value from each event on, within its row; -1 for none."""
        positions = np.where(known, np.arange(len(self)), len(self))
        positions = np.minimum.accumulate(positions[::-1])[::-1]
        stops = np.repeat(self.offsets[1:], np.diff(self.offsets))
        return np.where(positions < stops, positions, -1)

    def numbers(self, name):
        """The values of a channel as float64, NaN for missing ones; infinity is refused."""
        kind = _frames.kind_of(self.values[name].type)
        if kind not in ("float", "integer", "null"):
            raise SequenceFrameError(
                f"{name!r} holds {kind} values, but fit saw numbers or the strategy needs them. "
                "Convert the values to numbers."
            )
        values = _frames.numbers(self.values[name])
        infinite = np.isinf(values)
        if infinite.any():
            raise SequenceFrameError(
                f"Row {self.row_of(_frames.first_row(infinite))} of {name!r} holds an infinite "
                "value. Replace it by a number, or by null if it is unknown."
            )
        return values

    def ticks(self, name):
        """Ticks of the time channel; times must be known and ascending within a row."""
        moments = read_moments(self.values[name], name, self)
        ticks, missing, _, _ = _frames.time_ticks(moments)
        if missing.any():
            raise SequenceFrameError(
                f"Row {self.row_of(_frames.first_row(missing))} of {name!r} holds a missing time, "
                "so values cannot be interpolated. Drop such events: name "
                f"{name!r} with 'drop' in strategy."
            )
        backwards = np.zeros(len(ticks), bool)
        backwards[1:] = np.diff(ticks) < 0
        backwards[self.offsets[:-1][self.offsets[:-1] < len(ticks)]] = False
        if backwards.any():
            raise SequenceFrameError(
                f"Row {self.row_of(_frames.first_row(backwards))} of {name!r} goes back in time; "
                "order the events of a row oldest first."
            )
        return ticks


# ------------------------------------------------------------------ learned at fit


def plain(values):
    """The same values in a general type of their kind, with null instead of NaN."""
    values = _frames.nan_to_null(_frames.decode_strings(values))
    if str(values.type).startswith("decimal"):  # their mean may not be a decimal of this type
        return _frames.make_array(_frames.numbers(values))
    return values


def resolve_strategy(name, strategy, kind, *, named, as_number):
    """The strategy for a channel of this kind, or None to leave the channel unchanged.

    Parameters
    ----------
    name, strategy, kind : str
    named : bool
        Whether the user named the channel, so that an impossible strategy is an error.
    as_number : bool
        Whether the strategy was given to this channel alone, so that its integers are numbers.
    """
    if strategy == "drop":
        return strategy
    if kind not in FILLABLE:
        if named:
            raise SequenceFrameError(
                f"{name!r} holds {kind} values, which strategy {strategy!r} cannot fill: events "
                "without one can only be dropped. Use 'drop', or do not name the channel."
            )
        return None
    if strategy == "auto":
        return "median" if kind == "float" else "most_frequent"
    if strategy in NUMERIC and kind != "float":
        if not as_number:  # integers are mostly ids, whose mean means nothing
            return "most_frequent"
        if kind not in ("integer", "null"):
            raise SequenceFrameError(
                f"{name!r} holds {kind} values, and strategy {strategy!r} needs numbers. Use "
                "'most_frequent', 'constant', 'ffill', 'nearest' or 'drop'."
            )
    return strategy


def _statistic(name, strategy, values, fill_value):
    """The value to fill with, as an Arrow array; of length 0 if fit saw no value."""
    kind = _frames.kind_of(values.type)
    if strategy == "constant":
        return _as_kind(_constant(name, kind, fill_value), values)
    if strategy == "most_frequent" or (strategy not in NUMERIC and kind != "float"):
        return _mode(values)
    known = _frames.numbers(values)
    known = known[~np.isnan(known)]
    if known.size == 0:
        return _frames.make_array(known)
    # Scaled down, so that a sum of very large floats cannot overflow. A power of two is exact.
    center = np.mean if strategy == "mean" else np.median
    value = float(np.ldexp(center(np.ldexp(known, -40)), 40))
    whole = strategy in ("mean", "median") and kind == "integer" and value.is_integer()
    return _as_kind(int(value), values) if whole else _frames.make_array([value])


def _constant(name, kind, fill_value):
    if fill_value is None:
        return _CONSTANTS[kind]
    boolean = isinstance(fill_value, (bool, np.bool_))
    suits = {
        "boolean": boolean,
        "string": isinstance(fill_value, str) and is_text(fill_value),
        "null": True,
    }.get(kind, _is_finite(fill_value))
    if not suits:
        raise SequenceFrameError(
            f"fill_value={shown(fill_value)} does not suit {name!r}, which holds {kind} values. "
            "Give a dict with one value per channel, or name the channels in columns=."
        )
    return fill_value.item() if isinstance(fill_value, np.generic) else fill_value


def _is_finite(value):
    """Whether a value is a finite number, which as an integer fits into 64 bits."""
    return is_real(value) and (abs(value) < 2**63 if is_whole(value) else np.isfinite(value))


def _as_kind(value, like):
    """An array of one value, with the type of ``like`` if that can hold it."""
    one = _frames.make_array([value])
    if "null" in (_frames.kind_of(like.type), _frames.kind_of(one.type)):
        return one
    try:
        return one.cast(like.type)
    except ValueError:  # a fraction or too large a number for an integer type
        return one


def _mode(values):
    """The most frequent value; among ties the smallest, so that row order does not matter."""
    codes, distinct = _frames.encode(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    rank, _ = _frames.sorted_rank(distinct)
    order = np.lexsort((rank, -counts))
    return _frames.take(distinct, order[counts[order] > 0][:1])


# ------------------------------------------------------------------ one channel


class ChannelFiller:
    """Fills one channel from the values seen at fit and from other events of the same row."""

    def __init__(self, name, strategy, events, fill_value):
        self.name = name
        self.strategy = strategy
        values = plain(events.values[name])
        if _frames.kind_of(values.type) == "float":
            events.numbers(name)  # refuses infinite values
        self.statistic = _statistic(name, strategy, values, fill_value)
        missing = _frames.is_missing(values)
        self.flagged = bool(missing.any())
        if self.flagged and len(self.statistic) == 0:
            self._refuse(events, missing)

    def transform(self, events, ticks, predicted):
        """The channel without missing values, and a mask of where they were.

        Parameters
        ----------
        events : Events
        ticks : ndarray of int64 or None
            Times of the events, for the strategies that use them.
        predicted : ndarray of float64 or None
            Prediction of a model for each missing value.

        Returns
        -------
        values : Arrow array
        missing : ndarray of bool
        """
        values = self._read(events)
        missing = _frames.is_missing(values)
        if missing.any():
            values = self._fill(values, missing, events, ticks, predicted)
        return values, missing

    def _read(self, events):
        values = plain(events.values[self.name])
        now, then = (_frames.kind_of(v.type) for v in (values, self.statistic))
        if now == "float":
            events.numbers(self.name)
        if now == "null":
            return values if then == "null" else values.cast(self.statistic.type)
        numbers = {"integer", "float"}
        if now != then and then != "null" and not {now, then} <= numbers:
            raise SequenceFrameError(
                f"{self.name!r} holds {now} values, but held {then} values at fit. Convert them "
                "to the type used at fit."
            )
        return _floats(values) if (now, then) == ("integer", "float") else values

    def _fill(self, values, missing, events, ticks, predicted):
        if self.strategy == "ffill":
            values = _take_known(values, events.last_known(~missing))
        elif self.strategy == "nearest":
            values = _take_known(values, _nearest(events, ~missing, ticks))
        elif self.strategy == "linear":
            values = _replace(values, missing, _line(values, missing, events, ticks))
        elif predicted is not None:
            values = _replace(values, missing, predicted[missing])
        # Rows without any known value, and events before the first known one, get the statistic.
        left = _frames.is_missing(values)
        if not left.any():
            return values
        if len(self.statistic) == 0:
            self._refuse(events, left)
        return _fill_null(values, self.statistic[0].as_py())

    def _refuse(self, events, missing):
        raise SequenceFrameError(
            f"Row {events.row_of(_frames.first_row(missing))} of {self.name!r} holds a missing "
            f"value, and fit saw no value of {self.name!r} at all, so strategy "
            f"{self.strategy!r} learned nothing. Use 'constant' or 'drop' for this channel, or "
            "leave it out of strategy or columns."
        )

    def __getstate__(self):
        # As bytes in a NumPy array, which a model file can hold.
        return vars(self) | {"statistic": _frames.pack_array(self.statistic)}

    def __setstate__(self, state):
        vars(self).update(state | {"statistic": _frames.unpack_array(state["statistic"])})


def _floats(values):
    return _frames.make_array(_frames.numbers(values))


def _take_known(values, source):
    """Values from other positions; -1 keeps the missing value."""
    return _frames.take(values, np.where(source < 0, np.arange(len(source)), source))


def _replace(values, missing, fills):
    numbers = _frames.numbers(values).copy()
    numbers[missing] = fills
    return _frames.make_array(numbers).cast(values.type)


def _fill_null(values, value):
    try:
        return values.fill_null(value)
    except (OverflowError, ValueError):  # the integer type is narrower than at fit
        return _floats(values).fill_null(float(value))


def _nearest(events, known, ticks):
    """Position of the known value that is nearest in time; among ties the earlier."""
    before, after = events.last_known(known), events.next_known(known)
    later = (before < 0) | ((after >= 0) & (ticks[after] - ticks < ticks - ticks[before]))
    return np.where(later, after, before)


def _line(values, missing, events, ticks):
    """Linear interpolation in time for each missing value; NaN in rows without known values."""
    numbers = _frames.numbers(values)
    at = np.flatnonzero(missing)
    before, after = events.last_known(~missing)[at], events.next_known(~missing)[at]
    span = ticks[after] - ticks[before]
    inside = (before >= 0) & (after >= 0) & (span > 0)
    weight = np.where(inside, (ticks[at] - ticks[before]) / np.where(inside, span, 1), 0)
    first = np.where(before < 0, after, before)
    last = np.where(inside, after, first)
    a, b = numbers[first], numbers[last]
    # A weighted sum, because the difference of two large numbers could overflow. Clipping keeps
    # rounding errors between the two values.
    line = np.clip(a * (1 - weight) + b * weight, np.minimum(a, b), np.maximum(a, b))
    return np.where(first < 0, np.nan, line)
