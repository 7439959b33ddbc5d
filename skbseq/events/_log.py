"""The event log: told once who, when, what; asked at any moment what was known then."""

import numpy as np

from skbseq import _frames
from skbseq._sequences import offsets_of, ranges
from skbseq._time import convert_ticks
from skbseq.events._cleaning import CleaningReport, duplicate_rows
from skbseq.events._index import build_index
from skbseq.events._times import check_present, read_times
from skbseq.exceptions import CensoredLabelError, InvalidLogError

_CUTOFF = "cutoff"
_USER_KINDS = ("string", "integer", "float", "boolean", "timestamp", "null")


class EventLog:
    """A log of events with its roles named, sorted by user and time.

    Everything asked of a log is answered from its index of users and times: who can be sampled
    at a cutoff, what was their history, what did they do next. Histories end at the cutoff and
    labels begin after it, so that nothing of the future leaks into a feature.

    A log never changes; :meth:`clean` returns a new one.

    Parameters
    ----------
    events : pandas, polars or pyarrow table, or path of a CSV or Parquet file
        One row per event.
    user : str
        Column that says who.
    time : str
        Column that says when: datetimes (with a time zone or without), ISO 8601 strings, or
        epoch numbers.
    behavior : str, default=None
        Column that says what was done (view, buy, ...).
    product : str, default=None
        Column that says on which product.
    time_unit : {"s", "ms", "us", "ns"}, default=None
        Unit of epoch numbers. None: recognised from their size (dates between 1980 and 2100)
        and told in the repr.
    until : str or datetime, default=None
        Moment up to which the log is complete. None: its last event. A label whose horizon
        reaches past it cannot be known yet.
    invalid_times : {"raise", "null", "keep"}, default="raise"
        What to do about times that cannot be read (also a string without a time zone where
        others have one), and about those that only a wrong unit explains (the year 1970 or
        50,000 beside times of our days): raise an error that names the first row, treat them as
        missing (:meth:`clean` drops and counts them), or keep the strange ones as they are
        (unreadable ones still raise).

    Attributes
    ----------
    report : CleaningReport or None
        What :meth:`clean` dropped to make this log.

    Raises
    ------
    InvalidLogError
        If a column is missing, stands twice or mixes kinds of values, the log is empty, no row
        has a user, or a time cannot be read.

    Notes
    -----
    Events of a user with equal times keep the order of the rows. Times are compared in UTC
    where the column has a time zone, and moments given without a zone are read in the zone of
    the column.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> events = pd.DataFrame(
    ...     {
    ...         "who": ["ann", "ann", "bob", "ann", "ann"],
    ...         "when": ["2026-05-01", "2026-05-03", "2026-05-04", "2026-06-02", "2026-06-20"],
    ...         "what": ["view", "view", "view", "buy", "view"],
    ...     }
    ... )
    >>> log = EventLog(events, user="who", time="when", behavior="what").clean()
    >>> samples = log.samples(at="2026-06-01")
    >>> samples["who"].tolist()
    ['ann', 'bob']
    >>> X = log.histories(samples)
    >>> X["what"].tolist()[0]
    ['view', 'view']
    >>> log.label_behavior(samples, behavior="buy", horizon="7D")
    array([ True, False])
    """

    def __init__(
        self,
        events,
        *,
        user,
        time,
        behavior=None,
        product=None,
        time_unit=None,
        until=None,
        invalid_times="raise",
    ):
        _check_choice("time_unit", time_unit, (None, "s", "ms", "us", "ns"))
        _check_choice("invalid_times", invalid_times, ("raise", "null", "keep"))
        table, self._library = _frames.read_table(events)
        roles = {"user": user, "time": time, "behavior": behavior, "product": product}
        _check_columns(table, roles)
        ticks, no_time, self._clock = read_times(
            table[time], name=time, time_unit=time_unit, invalid_times=invalid_times
        )
        no_user = _frames.is_missing(table[user])
        check_present(user, no_user)
        check_present(time, no_time)
        self.user, self.time, self.behavior, self.product = user, time, behavior, product
        self.report = None
        # Rows without user or time have no place in the order; they wait to be counted.
        self._unplaced = {
            f"missing {user}": int(no_user.sum()),
            f"missing {time}": int((no_time & ~no_user).sum()),
        }
        placed = ~(no_user | no_time)
        if not placed.all():
            rows = np.flatnonzero(placed)
            table, ticks = _frames.take_rows(table, rows), ticks[rows]
        self._until = self._read_until(until, ticks)
        order, self._index = build_index(table[user], ticks)
        self._table = table if order is None else _frames.take_rows(table, order)

    def _read_until(self, until, ticks):
        if ticks.size == 0:
            raise InvalidLogError(f"No row has both {self.user!r} and {self.time!r}.")
        last = int(ticks.max())
        if until is None:
            return last
        moment = self._clock.instant(until, "until")
        if moment < last:
            raise InvalidLogError(
                f"until={self._clock.say(moment)} lies before the last event, "
                f"{self._clock.say(last)}."
            )
        return moment

    def __len__(self):
        return self._table.num_rows + sum(self._unplaced.values())

    def __repr__(self):
        times = self._index.times
        span = f"{self._clock.say(times.min())} to {self._clock.say(times.max())}"
        lines = [f"EventLog: {len(self):,} events of {len(self._index.users):,} users, {span}"]
        zone = f", {self._clock.zone}" if self._clock.zone else ""
        lines.append(f"  user      {self.user}")
        lines.append(f"  time      {self.time} ({self._clock.source}{zone})")
        for role in ("behavior", "product"):
            name = getattr(self, role)
            if name is not None:
                lines.append(f"  {role:<8}  {name} ({_say_values(self._table[name])})")
        roles = (self.user, self.time, self.behavior, self.product)
        others = [name for name in self._table.column_names if name not in roles]
        if others:
            lines.append(f"  others    {', '.join(others)}")
        waiting = [f"{count:,} {reason}" for reason, count in self._unplaced.items() if count]
        if waiting:
            lines.append(f"  unclean   {'; '.join(waiting)}: call clean()")
        return "\n".join(lines)

    def clean(self):
        """Drop events without user or time, and exact duplicates.

        Returns
        -------
        EventLog
            A new log; its ``report`` says how many events went for which reason.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> events = pd.DataFrame({"u": [1, 1, None], "t": ["2026-01-01"] * 3})
        >>> print(EventLog(events, user="u", time="t").clean().report)
        Cleaning: 3 events in, 1 out, 2 dropped
          missing u            1  (33.3%)
          missing t            0  (0.0%)
          exact duplicate      1  (33.3%)
        """
        duplicate = duplicate_rows(self._table, self._index)
        dropped = self._unplaced | {"exact duplicate": int(duplicate.sum())}
        return self._without(duplicate, CleaningReport(len(self), dropped))

    def _without(self, drop, report):
        """The same log without some of its placed events."""
        log = object.__new__(EventLog)
        vars(log).update(vars(self), report=report, _unplaced=dict.fromkeys(self._unplaced, 0))
        if drop.any():
            rows = np.flatnonzero(~drop)
            log._table = _frames.take_rows(self._table, rows)
            _, log._index = build_index(log._table[self.user], self._index.times[rows])
        return log

    def samples(self, *, at):
        """Everyone who can be sampled at a cutoff: users with an event at or before it.

        Parameters
        ----------
        at : str, datetime.datetime or numpy.datetime64
            The cutoff. Without a time zone it is read in that of the log.

        Returns
        -------
        table of the library of the log
            One row per user in ascending order, with the user and a column ``cutoff``.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or the cutoff lies before all events.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> times = ["2026-01-01", "2026-01-05", "2026-02-01"]
        >>> events = pd.DataFrame({"u": [2, 1, 3], "t": times})
        >>> EventLog(events, user="u", time="t").samples(at="2026-01-15")
           u     cutoff
        0  1 2026-01-15
        1  2 2026-01-15
        """
        self._check_clean()
        cutoff = self._clock.instant(at, "at")
        everyone = np.arange(len(self._index.users))
        moments = np.full(len(everyone), cutoff)
        known = everyone[self._index.count_until(everyone, moments) > self._index.starts(everyone)]
        if known.size == 0:
            raise InvalidLogError(
                f"at={self._clock.say(cutoff)} lies before all events; the log runs from "
                f"{self._clock.say(self._index.times.min())} to {self._clock.say(self._until)}."
            )
        columns = {
            self.user: _frames.take(self._index.users, known),
            _CUTOFF: self._to_times(moments[: len(known)]),
        }
        return _frames.frame_from_columns(columns, like=self._library)

    def histories(self, samples, *, lookback=None, max_events=None):
        """The events of each sample up to its cutoff, as a sequence frame.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``; further columns stay as context. A user whom
            the log does not know has an empty history.
        lookback : str or timedelta, default=None
            Only events later than the cutoff less this, such as "90D". None: all.
        max_events : int, default=None
            Only the last so many events of each sample. None: all.

        Returns
        -------
        table of the library of the samples, of shape (n_samples, n_columns)
            The columns of the samples, in their order of rows, and one list column for each
            other column of the log, oldest event first.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or the samples lack a column or hold a missing value.
        ValueError
            If ``lookback`` or ``max_events`` is not above zero.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> events = pd.DataFrame(
        ...     {"u": [1, 1, 1], "t": ["2026-01-01", "2026-01-09", "2026-02-01"], "n": [5, 6, 7]}
        ... )
        >>> log = EventLog(events, user="u", time="t")
        >>> samples = log.samples(at="2026-01-15")
        >>> log.histories(samples)["n"].tolist()[0]
        [5, 6]
        >>> log.histories(samples, lookback="7D")["n"].tolist()[0]
        [6]
        """
        users, cutoffs = self._read_samples(samples)
        start, stop = self._index.starts(users), self._index.count_until(users, cutoffs)
        if lookback is not None:
            earliest = self._clock.before(cutoffs, lookback, "lookback")
            start = self._index.count_until(users, earliest)
        if max_events is not None:
            _check_count("max_events", max_events)
            start = np.maximum(start, stop - max_events)
        rows, offsets = ranges(start, stop)
        columns = {}
        for name in self._channels(samples):
            values = self._to_times(self._index.times[rows]) if name == self.time else None
            if values is None:
                values = _frames.decode_strings(_frames.take(self._table[name], rows))
            columns[name] = _frames.Lists(values, offsets)
        return _frames.attach_columns(samples, columns)

    def _channels(self, samples):
        names = [name for name in self._table.column_names if name != self.user]
        taken = sorted(set(names) & set(_frames.column_names(samples)))
        if taken:
            raise InvalidLogError(
                f"The samples and the log both have a column {taken[0]!r}. Rename the one in the "
                "samples."
            )
        return names

    def label_behavior(self, samples, *, behavior=None, horizon, censored="raise"):
        """Whether each sample's user shows a behaviour within the horizon after the cutoff.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        behavior : object or list of objects, default=None
            Value or values of the behaviour column. None: any event at all.
        horizon : str or timedelta
            Span after the cutoff, such as "7D"; its end belongs to it.
        censored : {"raise", "false", "nan"}, default="raise"
            What to say of a sample whose horizon reaches past the end of the log and in which
            the behaviour has not been seen yet: raise an error, False, or NaN (labels are
            floats then).

        Returns
        -------
        ndarray of bool of shape (n_samples,)
            Of float where ``censored="nan"``.

        Raises
        ------
        CensoredLabelError
            If a horizon reaches past the end of the log and ``censored="raise"``.
        InvalidLogError
            If the log is not clean, has no behaviour column, or never holds the behaviour.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> events = pd.DataFrame(
        ...     {"u": [1, 2, 1, 2], "t": ["2026-01-01", "2026-01-01", "2026-01-09", "2026-02-01"]}
        ... )
        >>> log = EventLog(events, user="u", time="t")
        >>> log.label_behavior(log.samples(at="2026-01-08"), horizon="7D")
        array([ True, False])
        """
        _check_choice("censored", censored, ("raise", "false", "nan"))
        users, cutoffs = self._read_samples(samples)
        ends = self._clock.after(cutoffs, horizon, "horizon")
        start = self._index.count_until(users, cutoffs)
        stop = self._index.count_until(users, ends)
        if behavior is None:
            found = stop > start
        else:
            before = offsets_of(self._shows(behavior))
            found = before[stop] > before[start]
        unknown = (ends > self._until) & ~found
        if unknown.any() and censored == "raise":
            row = _frames.first_row(unknown)
            raise CensoredLabelError(
                f"The label of row {row} cannot be known: its horizon ends at "
                f"{self._clock.say(ends[row])} but the log at {self._clock.say(self._until)} "
                f"({int(unknown.sum()):,} such samples). Take an earlier cutoff or a shorter "
                "horizon, give EventLog(until=...) if the log is complete to a later moment, or "
                "pass censored='false' or 'nan'."
            )
        return np.where(unknown, np.nan, found) if censored == "nan" else found

    def _shows(self, behavior):
        if self.behavior is None:
            raise InvalidLogError(
                f"behavior={behavior!r} was asked for, but the log has no behaviour column. "
                "Name it: EventLog(..., behavior=...)."
            )
        several = isinstance(behavior, (list, tuple, set, np.ndarray))
        wanted = list(behavior) if several else [behavior]
        if not wanted:
            raise ValueError(
                "behavior is an empty list. Name at least one, or pass None for any event."
            )
        codes, values = _frames.encode(self._table[self.behavior])
        present = np.bincount(codes[codes >= 0], minlength=len(values)) > 0
        known = [v for v, seen in zip(_frames.to_objects(values), present, strict=True) if seen]
        strangers = [value for value in wanted if value not in known]
        if strangers:
            listed = ", ".join(repr(value) for value in known[:10])
            raise InvalidLogError(
                f"No event has {self.behavior} = {strangers[0]!r}; the log holds {listed}."
            )
        # The False at the end answers code -1, an event without a behaviour.
        return np.array([*(value in wanted for value in _frames.to_objects(values)), False])[codes]

    def _read_samples(self, samples):
        """Number of the user, and ticks of the cutoff, of each sample."""
        self._check_clean()
        names = _frames.column_names(samples)
        for name in (self.user, _CUTOFF):
            if name not in names:
                raise InvalidLogError(
                    f"The samples have no column {name!r}; they have "
                    f"{', '.join(map(repr, names))}. Make them with EventLog.samples."
                )
        table = _frames.to_arrow(_frames.select_columns(samples, [self.user, _CUTOFF]))
        for name in (self.user, _CUTOFF):
            missing = _frames.is_missing(table[name])
            if missing.any():
                raise InvalidLogError(
                    f"Row {_frames.first_row(missing)} of the samples has no {name!r}."
                )
        try:
            users = _frames.index_in(table[self.user], self._index.users)
        except TypeError as error:
            raise InvalidLogError(
                f"Column {self.user!r} of the samples does not fit that of the log: {error}. Give "
                "the users of both one type."
            ) from error
        return users, self._read_cutoffs(table[_CUTOFF])

    def _read_cutoffs(self, column):
        if len(column) == 0:
            return np.zeros(0, np.int64)
        ticks, _, clock = read_times(column, name=_CUTOFF, time_unit=None, invalid_times="keep")
        if (clock.zone is None) != (self._clock.zone is None):
            has, lacks = ("log", "cutoffs") if clock.zone is None else ("cutoffs", "log")
            raise InvalidLogError(
                f"The times of the {has} have a time zone and those of the {lacks} have none. "
                "Give both one, or none."
            )
        return convert_ticks(ticks, source=clock.unit, target=self._clock.unit)

    def _check_clean(self):
        waiting = {reason: count for reason, count in self._unplaced.items() if count}
        if waiting:
            said = " and ".join(
                f"{count:,} {'row' if count == 1 else 'rows'} with {reason}"
                for reason, count in waiting.items()
            )
            raise InvalidLogError(
                f"The log is not clean: {said}. Call clean(), which drops and counts them."
            )

    def _to_times(self, ticks):
        return _frames.time_array(ticks, unit=self._clock.unit, zone=self._clock.zone)


def _check_columns(table, roles):
    for role, name in roles.items():
        if name is None and role in ("behavior", "product"):
            continue
        if name not in table.column_names:
            raise InvalidLogError(
                f"The log has no column {name!r} for {role}=; it has "
                f"{', '.join(map(repr, table.column_names))}."
            )
    named = [name for name in roles.values() if name is not None]
    if len(set(named)) < len(named):
        raise InvalidLogError(f"One column cannot play two roles; got {roles}.")
    if _CUTOFF in table.column_names:
        raise InvalidLogError(
            f"The log has a column {_CUTOFF!r}, the name that samples give to the moment of "
            "prediction. Rename it."
        )
    if table.num_rows == 0:
        raise InvalidLogError("The log is empty: it has columns but no rows.")
    kind = _frames.kind_of(table[roles["user"]].type)
    if kind not in _USER_KINDS:
        raise InvalidLogError(
            f"Column {roles['user']!r} holds {kind} values, which do not name users. Give "
            "strings or numbers."
        )


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}.")


def _check_count(name, value):
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}.")


def _say_values(column):
    values, counts = _frames.count_values(column)
    if len(values) > 12:
        return f"{len(values):,} values"
    common = np.argsort(-counts, kind="stable")
    return ", ".join(f"{values[i]} {counts[i]:,}" for i in common)
