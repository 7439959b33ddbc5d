"""The event log: roles are named once; samples, histories and labels come from its index."""

import numpy as np

from skbseq import _frames
from skbseq._time_forms import check_time_format
from skbseq.events._labels import LabelMethods
from skbseq.events._reshaping import ReshapeMethods
from skbseq.events._samples import SampleMethods
from skbseq.events._state import RESERVED, as_names, check_choice, check_roles
from skbseq.events._times import check_present, read_times
from skbseq.exceptions import InvalidLogError


class EventLog(ReshapeMethods, SampleMethods, LabelMethods):
    """A log of events with named roles, sorted by user and time.

    A log answers all questions from its index of users and times: who can be sampled at a cutoff,
    what was their history, what did they do next. Histories end at the cutoff and labels begin
    after it, so that no future event leaks into a feature.

    A log never changes; :meth:`clean`, :meth:`collapse`, :meth:`sessions` and :meth:`by` return
    new logs.

    Parameters
    ----------
    events : pandas, polars or pyarrow table, or path of a CSV or Parquet file
        One row per event.
    user : str
        Column of the users.
    time : str
        Column of the times: datetimes (with or without a time zone), ISO 8601 strings, or epoch
        numbers.
    behavior : str, default=None
        Column of the behaviours (view, buy, ...).
    product : str, default=None
        Column of the products.
    time_unit : {"s", "ms", "us", "ns"}, default=None
        Unit of epoch numbers. None: recognised from their size (dates between 1980 and 2100)
        and shown in the repr.
    until : str or datetime, default=None
        Moment up to which the log is complete. None: its last event. A label whose horizon
        reaches past it cannot be known yet.
    invalid_times : {"raise", "null", "keep"}, default="raise"
        How to handle invalid times. These are times that cannot be read (including a string
        without a time zone if others have one), and times that indicate a wrong unit (the year
        1970 or 50,000 among present-day times). "raise": raise an error that names the first row.
        "null": treat them as missing, so that :meth:`clean` drops and counts them. "keep": keep
        times that indicate a wrong unit; unreadable ones still raise.

    ties : {"values", "rows"} or list of str, default="values"
        Order of events with equal user and time. "values": by behaviour, product and then the
        other columns from left to right, so that the order of the rows does not matter. A list
        of columns, such as a sequence number: by these columns first. "rows": the order of the
        rows.

    Attributes
    ----------
    report : CleaningReport or None
        Report of the :meth:`clean` call that made this log.

    Raises
    ------
    InvalidLogError
        If a column is missing, occurs twice or mixes types of values, the log is empty, no row
        has a user, or a time cannot be read.

    Notes
    -----
    Times are compared in UTC if the column has a time zone. Moments given without a zone are read
    in the zone of the column. Among tied events, missing values come last.

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
        ties="values",
        time_format=None,
    ):
        check_choice("time_unit", time_unit, (None, "s", "ms", "us", "ns"))
        check_choice("invalid_times", invalid_times, ("raise", "null", "keep"))
        check_time_format(time_format)
        # Ids may look like numbers: "007" and "7" are different users.
        ids = [name for name in (user, product) if name is not None]
        table, self._library = _frames.read_table(events, ids=ids)
        roles = {"user": user, "time": time, "behavior": behavior, "product": product}
        _check_columns(table, roles)
        _check_ties(table, ties)
        ticks, no_time, self._clock = read_times(
            table[time],
            name=time,
            time_unit=time_unit,
            invalid_times=invalid_times,
            time_format=time_format,
        )
        check_present(time, no_time)
        self.user, self.time, self.behavior, self.product = user, time, behavior, product
        self.ties, self.report = ties, None
        self._sessions = self._session_gap = None
        self._take_in(table, ticks, no_time)
        self._until, self._until_told = self._read_until(until), until is not None

    def _take_in(self, table, ticks, no_time):
        """Index the events that have user and time; set the others aside, to be counted."""
        no_user = _frames.is_missing(table[self.user])
        check_present(self.user, no_user)
        # An event that lacks both counts only once.
        lacking = {f"missing {self.user}": no_user, f"missing {self.time}": no_time & ~no_user}
        self._unplaced = {reason: int(mask.sum()) for reason, mask in lacking.items()}
        self._unplaced_examples = {
            reason: _frames.take_rows(table, np.flatnonzero(mask)[:3])
            for reason, mask in lacking.items()
            if mask.any()
        }
        placed = ~(no_user | no_time)
        if not placed.any():
            raise InvalidLogError(f"No row has both {self.user!r} and {self.time!r}.")
        if not placed.all():  # complete tables are not copied
            rows = np.flatnonzero(placed)
            table, ticks = _frames.take_rows(table, rows), ticks[rows]
        self._place(table, ticks)

    def _read_until(self, until):
        last = int(self._index.times.max())
        if until is None:
            return last
        moment = self._clock.instant(until, "until")
        if moment < last:
            raise InvalidLogError(
                f"until={self._clock.format(moment)} is before the last event, "
                f"{self._clock.format(last)}."
            )
        return moment

    @property
    def start(self):
        """Moment of the first event, as a datetime in the zone of the log."""
        return self._to_times(np.array([self._index.times.min()])).to_pylist()[0]

    @property
    def until(self):
        """Moment up to which the log is complete, as a datetime in the zone of the log."""
        return self._to_times(np.array([self._until])).to_pylist()[0]

    def __len__(self):
        # Includes the events without user or time, which only clean() drops.
        return self._table.num_rows + sum(self._unplaced.values())

    def __repr__(self):
        times = self._index.times
        span = f"{self._clock.format(times.min())} to {self._clock.format(times.max())}"
        lines = [f"EventLog: {len(self):,} events of {len(self._index.users):,} users, {span}"]
        zone = f", {self._clock.zone}" if self._clock.zone else ""
        lines.append(f"  user      {self.user}")
        lines.append(f"  time      {self.time} ({self._clock.source}{zone})")
        for role in ("behavior", "product"):
            name = getattr(self, role)
            if name is not None:
                lines.append(f"  {role:<8}  {name} ({_format_values(self._table[name])})")
        roles = (self.user, self.time, self.behavior, self.product)
        others = [name for name in self._table.column_names if name not in roles]
        if others:
            lines.append(f"  others    {', '.join(others)}")
        waiting = [f"{count:,} {reason}" for reason, count in self._unplaced.items() if count]
        if waiting:
            lines.append(f"  unclean   {'; '.join(waiting)}: call clean()")
        return "\n".join(lines)


def _check_columns(table, roles):
    check_roles(table, roles)
    for name, meaning in RESERVED.items():
        if name in table.column_names:
            raise InvalidLogError(
                f"The log has a column {name!r}, but samples use this name for {meaning}. "
                "Rename it."
            )
    if table.num_rows == 0:
        raise InvalidLogError("The log is empty: it has columns but no rows.")


def _format_values(column):
    values, counts = _frames.count_values(column)
    if len(values) > 12:
        return f"{len(values):,} values"
    common = np.argsort(-counts, kind="stable")
    return ", ".join(f"{values[i]} {counts[i]:,}" for i in common)


def _check_ties(table, ties):
    if isinstance(ties, str):
        check_choice("ties", ties, ("values", "rows"))
    for name in [] if isinstance(ties, str) else as_names(ties):
        if name not in table.column_names:
            raise InvalidLogError(
                f"The log has no column {name!r} for ties=; it has "
                f"{', '.join(map(repr, table.column_names))}."
            )
