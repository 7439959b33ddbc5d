"""The event log: roles are named once; samples, histories and labels come from its index."""

from collections.abc import Set

import numpy as np

from skbseq import _frames
from skbseq._checks import as_names, check_choice
from skbseq._time_forms import check_time_format
from skbseq.events._ends import find_far_events
from skbseq.events._labels import LabelMethods
from skbseq.events._reshaping import ReshapeMethods
from skbseq.events._samples import SampleMethods
from skbseq.events._state import RESERVED, check_column, check_roles
from skbseq.events._summary import SummaryMethods
from skbseq.events._times import check_present, read_times
from skbseq.exceptions import InvalidLogError


class EventLog(SummaryMethods, ReshapeMethods, SampleMethods, LabelMethods):
    """A log of events with named roles, sorted by user and time.

    A log answers three questions about any cutoff: which users can be sampled, what was their
    history, and what did they do next. Histories end at the cutoff and labels begin after it, so
    no future event leaks into a feature.

    A log never changes; :meth:`clean`, :meth:`collapse`, :meth:`sessions` and :meth:`by` return
    new logs. It prints its roles, span, counts and what is missing; in a notebook it also shows a
    chart of its events over time.

    Parameters
    ----------
    events : pandas, polars or pyarrow table, path, or list of paths
        One row per event. A path may be that of a file, of a folder, or a pattern such as
        ``logs/*.csv``. :func:`skbseq.read_events` lists the formats, and shows the table.
    user : str
        Column of the users.
    time : str
        Column of the times: datetimes (with or without a time zone), strings in an unambiguous
        format (such as ISO 8601, "2011/2/18 2:54 PM" or "18 Feb 2011"), epoch numbers (also as
        text), or dates as numbers (20110218).
    behavior : str, default=None
        Column of the behaviours (view, buy, ...).
    product : str, default=None
        Column of the products.
    time_unit : {"s", "ms", "us", "ns"}, default=None
        Unit of epoch numbers. None: recognised from their size (dates between 1980 and 2100)
        and shown in the repr.
    until : str or datetime, default=None
        Moment up to which the log is complete. None: its last event. A label whose horizon
        reaches past it cannot be known yet. Events after it are not part of the log; the repr and
        the report of :meth:`clean` count them. A log without any events, such as that of a new
        visitor, needs it; all its histories are empty.
    invalid_times : {"raise", "null", "keep"}, default="raise"
        How to handle invalid times. These are times that cannot be read (including a string
        without a time zone if others have one), and times that indicate a wrong unit (the year
        1970 or 50,000 among present-day times) or a missing value (the years 1, 1900 or 9999).
        "raise": raise an error that names the first row.
        "null": treat them as missing, so that :meth:`clean` drops and counts them. "keep": keep
        times that indicate a wrong unit; unreadable ones still raise.

    ties : {"values", "rows"} or list of str, default="values"
        Order of events with equal user and time. "values": by behaviour, product and then the
        other columns from left to right, so that the order of the rows does not matter. A list
        of columns, such as a sequence number: by these columns first. "rows": the order of the
        rows.
    time_format : str, default=None
        Format of times that are strings: a strftime format such as "%d/%m/%Y %H:%M" (one of only
        the date also reads a time of day after it), or "mixed" for several unambiguous formats in
        one column. None: found from the values. If these do not show the order of day and month,
        an error names both formats.
    encoding, separator, decimal, thousands : str, default=None
        How a text file was written. None: recognised. See :func:`skbseq.read_events`.
    na_values : list of str or dict of str to list of str, default=None
        Cells of a text file that are missing besides empty ones.
    names : list of str, default=None
        Names of the columns of a text file without a header line.

    Attributes
    ----------
    report : CleaningReport or None
        Report of the :meth:`clean` call that made this log.
    time_format : str or None
        The given one, or the format of numeric dates whose order of day and month the column as
        a whole has shown. Pass it on when you read a part of the log.

    Raises
    ------
    InvalidLogError
        If a column is missing, occurs twice or mixes types of values, the log is empty and
        ``until`` is None, no row has a user, or a time cannot be read.
    ValueError
        If a parameter has an invalid value, or ``until`` cannot be read.
    TypeError
        If ``events`` is neither a table nor a path.
    FileNotFoundError
        If there is no file of this path.

    Notes
    -----
    A few events that lie far before or after all others, such as one of the year 2037 in a log of
    nine days of 2017, do not decide where the log begins or ends. :meth:`clean` drops them with a
    warning, unless its ``earliest`` or ``latest`` says otherwise.

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
        encoding=None,
        separator=None,
        decimal=None,
        thousands=None,
        na_values=None,
        names=None,
    ):
        check_choice("time_unit", time_unit, (None, "s", "ms", "us", "ns"))
        check_choice("invalid_times", invalid_times, ("raise", "null", "keep"))
        check_time_format(time_format)
        # Ids may look like numbers: "007" and "7" are different users.
        ids = [name for name in (user, product) if name is not None]
        options = _frames.ReadOptions(encoding, separator, decimal, thousands, na_values, names)
        table, self._library = _frames.read_table(events, ids=ids, options=options)
        roles = {"user": user, "time": time, "behavior": behavior, "product": product}
        _check_columns(table, roles)
        for name in ids:
            _check_exact(table, name)
        _check_ties(table, ties)
        if table.num_rows == 0:
            _check_until(until)
        ticks, no_time, self._clock = read_times(
            table[time],
            name=time,
            time_unit=time_unit,
            invalid_times=invalid_times,
            time_format=time_format,
        )
        check_present(time, no_time)
        if table.num_rows == 0:
            self._clock = self._clock.in_zone_of(until)
        self.user, self.time, self.behavior, self.product = user, time, behavior, product
        self.ties, self.report = ties if isinstance(ties, str) else list(ties), None
        self.time_format = self._clock.time_format
        self._sessions = self._session_gap = None
        self._until_told = until is not None
        present = ~(no_time | _frames.is_missing(table[user]))
        self._far = find_far_events(ticks, present, self._clock.per_second)
        kept = self._cut_after(until, table, ticks, no_time)
        self._take_in(*(kept or (table, ticks, no_time)))
        if until is None:
            ends = [far.edge for far in self._far if far.side == "after"]
            self._until = ends[0] if ends else int(self._index.times.max())

    def _cut_after(self, until, table, ticks, no_time):
        """Leave the events after ``until`` out and count them; None if there are none."""
        self._cut, self._cut_examples = {}, {}
        if until is None:
            return None
        # A given end confirms the late events before it, and cuts the others.
        self._far = [far for far in self._far if far.side == "before"]
        self._until = self._clock.instant(until, "until")
        after = ~no_time & (ticks > self._until)
        if not after.any():
            return None
        said = self._clock.format(self._until)
        if (after | no_time).all():
            first = self._clock.format(ticks[~no_time].min())
            raise InvalidLogError(
                f"until={said} is before the first event, {first}, so that no event is left."
            )
        self._cut = {f"after until, {said}": int(after.sum())}
        examples = _frames.take_rows(table, np.flatnonzero(after)[:3])
        self._cut_examples = dict.fromkeys(self._cut, examples)
        rows = np.flatnonzero(~after)
        return _frames.take_rows(table, rows), ticks[rows], no_time[rows]

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
        if not placed.any() and table.num_rows:
            raise InvalidLogError(f"No row has both {self.user!r} and {self.time!r}.")
        if not placed.all():  # complete tables are not copied
            rows = np.flatnonzero(placed)
            table, ticks = _frames.take_rows(table, rows), ticks[rows]
        self._place(table, ticks)

    @property
    def start(self):
        """Moment of the first event, as a datetime in the zone of the log.

        In a log without events it is ``until``.
        """
        return self._to_times(np.array([self._first()])).to_pylist()[0]

    @property
    def until(self):
        """Moment up to which the log is complete, as a datetime in the zone of the log."""
        return self._to_times(np.array([self._until])).to_pylist()[0]

    def __len__(self):
        # Includes the events without user or time, which only clean() drops.
        return self._table.num_rows + sum(self._unplaced.values())


def _check_columns(table, roles):
    check_roles(table, roles)
    for name, meaning in RESERVED.items():
        if name in table.column_names:
            raise InvalidLogError(
                f"The log has a column {name!r}, but samples use this name for {meaning}. "
                "Rename it."
            )


def _check_exact(table, name):
    """Refuse ids that a reader has rounded: floats so large that some integers are left out."""
    column = table[name]
    if _frames.kind_of(column.type) != "float":
        return
    values = _frames.numbers(column)
    limit = 2.0 ** _frames.mantissa_bits(column.type)
    present = values[~np.isnan(values)]
    whole = np.isfinite(present).all() and (present == np.floor(present)).all()
    if whole and (rounded := np.abs(values) >= limit).any():  # False for NaN
        row = _frames.first_row(rounded)
        raise InvalidLogError(
            f"Row {row} of column {name!r} holds {values[row]:.17g}, an id as a float. Floats of "
            f"{limit:,.0f} or more are rounded, so different ids may have become one. Read the "
            f"ids as text: EventLog(path), or pandas.read_csv(path, dtype={{{name!r}: str}})."
        )


def _check_until(until):
    """Refuse an empty log, unless it is said up to when nothing happened."""
    if until is None:
        raise InvalidLogError(
            "The log is empty: it has columns but no rows. If nothing has happened yet, pass "
            "until=, the moment up to which this is known."
        )


def _check_ties(table, ties):
    if isinstance(ties, str):
        check_choice("ties", ties, ("values", "rows"))
        return
    if isinstance(ties, Set):
        raise ValueError(f"ties={ties!r} is a set, which has no order. Give a list of columns.")
    for name in as_names("ties", ties, empty=True):
        check_column(table, name, "ties")
