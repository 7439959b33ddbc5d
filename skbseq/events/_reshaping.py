"""Methods that make new logs: clean, collapse several events into one, split into sessions."""

import warnings

import numpy as np

from skbseq import _frames
from skbseq._checks import as_names, check_count, check_flag, check_name, is_several, shown
from skbseq.events._cleaning import (
    Sieve,
    broken_rule,
    cancelled_events,
    duplicate_events,
    key_of_events,
    pair_ids,
    read_rate,
    repeated_events,
    robot_users,
)
from skbseq.events._state import LogState, check_roles
from skbseq.exceptions import InvalidLogError

_AGGREGATIONS = {
    "sum": "sum",
    "mean": "mean",
    "min": "min",
    "max": "max",
    "std": "stddev",
    "count": "count",
    "n_unique": "count_distinct",
    "any": "any",
    "all": "all",
    "list": "list",
}
# Aggregations whose result holds values of the column.
_KEEP_VALUES = ("first", "last", "min", "max", "list")
# Types of values that an aggregation accepts; the others accept any.
_NEEDS = {
    "sum": ("integer", "float", "boolean"),
    "mean": ("integer", "float", "boolean"),
    "std": ("integer", "float"),
    "any": ("boolean",),
    "all": ("boolean",),
    "min": ("integer", "float", "boolean", "timestamp", "string"),
    "max": ("integer", "float", "boolean", "timestamp", "string"),
}


class ReshapeMethods(LogState):
    """Methods of a log that return a new log."""

    def clean(
        self,
        *,
        duplicates="exact",
        tolerance=None,
        behaviors=None,
        rules=None,
        cancelled=None,
        earliest=None,
        latest=None,
        received=None,
        max_delay=None,
        max_rate=None,
        min_events=None,
        max_events=None,
    ):
        """Drop invalid events, and report how many were dropped for which reason.

        Events without user or time are always dropped, and exact duplicates by default. All other
        rules are optional. They are applied in the order of the parameters below, each to the
        events that are left.

        Parameters
        ----------
        duplicates : "exact", list of str or None, default="exact"
            "exact": drop events that repeat one of the same user and time in every column. A
            list: in these columns. None: keep duplicates.
        tolerance : str or timedelta, default=None
            With a list of columns: also drop repeats within this span after an equal event,
            such as "2s" for double clicks. In a series of quick repeats the first is kept.
        behaviors : list, default=None
            Behaviours to keep; others, and missing ones, are dropped as unknown.
        rules : dict of str to str or callable, default=None
            Conditions by column: ``{"price": ">= 0 and < 1000"}``, or a function that maps the
            column, in the library of the log, to booleans. A missing value violates no rule.
        cancelled : str, default=None
            Numeric column, such as a quantity, in which a negative value cancels an earlier
            positive one of the same user (and product, if the log has one) and absolute value.
            Both are dropped.
        earliest : str or datetime, default=None
            Drop events before this moment. None: drop a few events that lie far before all others,
            with a warning.
        latest : str or datetime, default=None
            Drop events after this moment, such as the time of the export. If the log reached past
            it, the new log is complete up to this moment if ``until`` was given, otherwise up to
            its last event. None: drop a few events that lie far after all others, with a warning.
        received : str, default=None
            Column with the time at which the event was received. An event later than its own
            receipt is dropped.
        max_delay : str or timedelta, default=None
            With ``received``: drop events received later than this after their time.
        max_rate : str, default=None
            Drop users with more events in any span than this rate allows, such as "300/h":
            robots.
        min_events, max_events : int, default=None
            Drop users with fewer, or more, events.

        Returns
        -------
        EventLog
            A new log. Its ``report`` counts the dropped events by reason, with examples.

        Raises
        ------
        InvalidLogError
            If a column does not exist or has the wrong type, or no event is left.
        ValueError
            If a parameter cannot be read.
        TypeError
            If a duration is not a string or timedelta.

        Warns
        -----
        UserWarning
            If it dropped events far from the rest.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> events = pd.DataFrame({"u": [1, 1, None], "t": ["2026-01-01"] * 3, "n": [2, 2, -1]})
        >>> print(EventLog(events, user="u", time="t").clean(rules={"n": ">= 0"}).report)
        Cleaning: 3 events in, 1 out, 2 dropped
          missing u            1  (33.3%)
          missing t            0  (0.0%)
          exact duplicate      1  (33.3%)
          n not >= 0           0  (0.0%)
        """
        sieve = Sieve(self)
        # The order matters, for the counts too: an event counts for the first reason only.
        self._drop_duplicates(sieve, duplicates, tolerance)
        if behaviors is not None:
            sieve.drop(~self._among(sieve, behaviors), f"unknown {self.behavior}")
        for name, rule in _read_rules(rules).items():
            column = sieve.column(self._check_column(name, "rules"))
            as_native = lambda column: _frames.as_native(column, self._library)  # noqa: E731
            sieve.drop(*broken_rule(column, name, rule, as_native))
        if cancelled is not None:
            names = [] if self.product is None else [self.product]
            mask = cancelled_events(sieve, self._check_column(cancelled, "cancelled"), names)
            sieve.drop(mask, f"cancelled {cancelled}")
        until = self._drop_times(sieve, earliest, latest)
        self._drop_late(sieve, received, max_delay)
        self._drop_users(sieve, max_rate, min_events, max_events)
        unplaced = dict.fromkeys(self._unplaced, 0)
        return self._keep(
            sieve.rows,
            report=sieve.report(),
            _unplaced=unplaced,
            _unplaced_examples={},
            _cut={},
            _cut_examples={},
            _far=[],
            _until=until,
        )

    def _drop_duplicates(self, sieve, duplicates, tolerance):
        if duplicates is None or (isinstance(duplicates, str) and duplicates == "exact"):
            if tolerance is not None:
                raise ValueError(
                    "tolerance needs duplicates=[...], the columns in which an event repeats "
                    "another; exact duplicates have the same time."
                )
            if duplicates is not None:
                sieve.drop(duplicate_events(sieve, self._table.column_names), "exact duplicate")
            return
        if isinstance(duplicates, str):
            raise ValueError(
                f"duplicates must be 'exact', a list of columns or None; got {duplicates!r}."
            )
        names = as_names("duplicates", duplicates)
        for name in names:
            self._check_column(name, "duplicates")
        reason = f"duplicate {', '.join(names)}"
        if tolerance is None:
            sieve.drop(duplicate_events(sieve, names), reason)
        else:
            span = self._clock.span(tolerance, "tolerance", zero=True)
            sieve.drop(repeated_events(sieve, names, span), f"{reason} within {tolerance}")

    def _among(self, sieve, behaviors):
        if self.behavior is None:
            raise InvalidLogError(
                "behaviors= was given, but the log has no behaviour column. Name it: "
                "EventLog(..., behavior=...)."
            )
        wanted = _read_values(behaviors)
        codes, values = _frames.encode(sieve.column(self.behavior))
        known = [value in wanted for value in _frames.to_objects(values)]
        return np.array([*known, False])[codes]  # code -1, a missing one, points to the end

    def _drop_times(self, sieve, earliest, latest):
        """Drop events outside a span of time; returns the end of the log."""
        until = self._until
        if earliest is not None:
            moment = self._clock.instant(earliest, "earliest")
            sieve.drop(sieve.index.times < moment, f"before {self._clock.format(moment)}")
        if latest is not None:
            moment = self._clock.instant(latest, "latest")
            sieve.drop(sieve.index.times > moment, f"after {self._clock.format(moment)}")
            kept = self._index.times[self._index.times <= moment]
            if until > moment:
                # Without `until`, the last remaining event shows how far the log is complete.
                until = moment if self._until_told else int(kept.max())
            elif any(far.side == "after" for far in self._far):  # `latest` confirms those it keeps
                until = int(kept.max())
        self._drop_far(sieve, earliest, latest)
        return until

    def _drop_far(self, sieve, earliest, latest):
        """Drop events far from the rest, unless a parameter says where the log begins or ends."""
        for far in self._far:
            mask = far.mask(sieve.index.times)
            bound = earliest if far.side == "before" else latest
            if bound is None and mask.any():
                sieve.drop(mask, f"far {far.side} the rest")
                warnings.warn(
                    f"{far.describe(len(self), self._clock)} Such events are dropped, "
                    f"because wrong dates move the ends of the log. {far.advice(self._clock)}",
                    UserWarning,
                    stacklevel=4,
                )

    def _drop_late(self, sieve, received, max_delay):
        if received is None:
            if max_delay is not None:
                raise ValueError("max_delay needs received=, the column with the time of receipt.")
            return
        column = sieve.column(self._check_column(received, "received"))
        ticks, missing = self._read_times_of(column, received)
        sieve.drop(~missing & (sieve.index.times > ticks), f"after its {received}")
        if max_delay is not None:
            # Read again, because the drop above has changed the remaining events.
            ticks, missing = self._read_times_of(sieve.column(received), received)
            latest = self._clock.after(sieve.index.times, max_delay, "max_delay", zero=True)
            sieve.drop(~missing & (ticks > latest), f"{received} later than {max_delay}")

    def _drop_users(self, sieve, max_rate, min_events, max_events):
        if max_rate is not None:
            limit, span = read_rate(max_rate)
            robot = robot_users(sieve.index, limit, self._clock.span(span, "max_rate"))
            sieve.drop(robot[sieve.index.user_of_event], f"{self.user} above {max_rate}")
        for name, bound in (("min_events", min_events), ("max_events", max_events)):
            if bound is None:
                continue
            check_count(name, bound)
            counts = np.diff(sieve.index.offsets)
            outside = counts < bound if name == "min_events" else counts > bound
            than = "fewer than" if name == "min_events" else "more than"
            reason = f"{self.user} with {than} {bound} events"
            sieve.drop(outside[sieve.index.user_of_event], reason)

    # ------------------------------------------------------------------ collapse

    def collapse(self, by, *, aggregate=None, runs=False, max_gap=None, count="n_events"):
        """Merge several events into one, such as the lines of an invoice or a run of equal events.

        An event should be one action of a user, however it was stored. The new event has the time
        of the last merged one, because it is known completely only then. So a group that continues
        past a cutoff is not in the history at all, not even in part. Collapse groups that end
        soon, such as invoices, or limit runs with ``max_gap``.

        Parameters
        ----------
        by : str or list of str
            Columns that are equal within a group, such as the invoice number. An event with a
            missing value in one of them is not merged.
        aggregate : dict of str to str or list of str, default=None
            Aggregations by column: "first", "last", "sum", "mean", "std" (with divisor n), "min",
            "max", "count" (of non-missing values), "n_unique", "any", "all" or "list". A single
            one keeps the name of the column, except where the column has a role (behavior,
            product, ``ties``, ``by`` or the session) and the result holds none of its values, as
            a number of products is no product: that becomes ``<column>_<aggregation>``, and the
            column itself keeps the value of the first event. Several give columns
            ``<column>_<aggregation>``, and the log loses the role of such a column. Other columns
            keep the value of the first event.
        runs : bool, default=False
            Merge only events that directly follow one another in the time order of the user.
        max_gap : str or timedelta, default=None
            With ``runs``: a longer gap between two events ends the run.
        count : str, default="n_events"
            Name of a new column with the number of merged events. None: no such column.

        Returns
        -------
        EventLog
            A new log.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or a column does not exist or cannot be aggregated so.
        ValueError
            If a parameter cannot be read.
        TypeError
            If a duration is not a string or timedelta.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> lines = pd.DataFrame(
        ...     {"u": [1, 1, 1], "t": ["2026-01-01"] * 2 + ["2026-01-02"], "invoice": [7, 7, 8]}
        ... )
        >>> log = EventLog(lines.assign(paid=[1.5, 2.0, 9.0]), user="u", time="t")
        >>> log.collapse("invoice", aggregate={"paid": "sum"}).to_frame()
           u          t  invoice  paid  n_events
        0  1 2026-01-01        7   3.5         2
        1  1 2026-01-02        8   9.0         1
        """
        self._check_clean()
        names = [self._check_column(name, "by") for name in as_names("by", by)]
        check_flag("runs", runs)
        if max_gap is not None and not runs:
            raise ValueError("max_gap needs runs=True.")
        group = self._run_groups(names, max_gap) if runs else self._key_groups(names)
        # Groups are numbered by their first event. The sort is stable, so that the events of a
        # group stay in time order.
        order = np.argsort(group, kind="stable")
        starts = np.flatnonzero(np.diff(group[order], prepend=-1))
        stops = np.append(starts[1:], len(order))[: len(starts)]  # none in a log without events
        first, last = order[starts], order[stops - 1]
        columns = self._aggregated(
            {} if aggregate is None else aggregate, group, first, last, {*self._roles(), *names}
        )
        columns[self.time] = self._to_times(self._index.times[last])
        if count is not None:
            check_name("count", count)
            if count in columns:
                raise ValueError(
                    f"count={count!r} is already the name of a column. Choose another name."
                )
            columns[count] = stops - starts
        kept = {role: getattr(self, role) for role in ("behavior", "product")}
        # Columns that were renamed by the aggregation lose their role.
        ties = self.ties if isinstance(self.ties, str) else [n for n in self.ties if n in columns]
        log = self._derive(
            **{role: name if name in columns else None for role, name in kept.items()}, ties=ties
        )
        log._place(_frames.frame_from_columns(columns, like="pyarrow"), self._index.times[last])
        return log

    def _key_groups(self, names):
        sieve = Sieve(self)
        single = np.zeros(len(sieve.rows), bool)
        for name in names:
            single |= _frames.is_missing(self._table[name])
        # An event with a missing key gets a number of its own, so that it is a group of one.
        alone = np.where(single, np.arange(1, len(single) + 1), 0)
        return pair_ids(key_of_events(sieve, names), alone)

    def _run_groups(self, names, max_gap):
        begins = np.zeros(len(self._index.times), bool)
        begins[self._index.offsets[:-1]] = True
        for name in names:
            codes, _ = _frames.encode(_frames.nan_to_null(self._table[name]))
            begins[1:] |= (codes[1:] != codes[:-1]) | (codes[1:] < 0)
        if max_gap is not None:
            gap = self._clock.span(max_gap, "max_gap")
            begins[1:] |= np.diff(self._index.times) > gap
        return np.cumsum(begins) - 1

    def _roles(self):
        """Names of the columns whose values have a meaning to the log."""
        ties = [] if isinstance(self.ties, str) else self.ties
        session = [] if self._sessions is None else [self._sessions[0]]
        return {self.behavior, self.product, *ties, *session} - {None}

    def _aggregated(self, aggregate, group, first, last, roles):
        if not isinstance(aggregate, dict):
            raise ValueError(
                "aggregate must be a dict of columns and aggregations, such as "
                f"{{'price': 'sum'}}; got {aggregate!r}."
            )
        fixed = (self.user, self.time)
        columns = {}
        by_arrow = {}
        for name in aggregate:
            if self._check_column(name, "aggregate") in fixed:
                raise ValueError(f"aggregate={{{name!r}: ...}}: user and time cannot be changed.")
        for name in self._table.column_names:
            ways = _read_ways(name, aggregate.get(name, "first"))
            # A number of products in the column of products would be taken for a product.
            replaced = name in roles and len(ways) == 1 and ways[0] not in _KEEP_VALUES
            if replaced:
                self._check_way(name, ways[0])
                ways = ["first", *ways]
            for way in ways:
                keeps = len(ways) == 1 or (replaced and way == "first")
                out = name if keeps else f"{name}_{way}"
                if out in columns or (out != name and out in self._table.column_names):
                    raise ValueError(f"Two columns would be called {out!r}. Rename {name!r}.")
                self._check_way(name, way)
                columns[out] = None  # keeps its place in the order of columns
                if way in ("first", "last"):
                    rows = first if way == "first" else last
                    columns[out] = _frames.take(self._table[name], rows)
                else:
                    by_arrow[out] = (name, _AGGREGATIONS[way])
        if by_arrow:
            columns |= _frames.aggregate(self._table, group, by_arrow)
        return columns

    def _check_way(self, name, way):
        kind = _frames.kind_of(self._table[name].type)
        if kind not in (*_NEEDS.get(way, (kind,)), "null") or (
            kind == "list" and way not in ("first", "last")
        ):
            raise InvalidLogError(f"Column {name!r} holds {kind} values, which have no {way!r}.")

    # ------------------------------------------------------------------ sessions

    def sessions(self, *, gap="30min", name="session"):
        """Number the sessions of each user: series of events without a long gap between them.

        Parameters
        ----------
        gap : str or timedelta, default="30min"
            A longer gap between two events begins a new session.
        name : str, default="session"
            Name of the session column, and prefix of the names of the others.

        Returns
        -------
        EventLog
            A new log with three more columns: ``session`` (user and session number),
            ``session_number`` (the user's sessions, counted from 1) and ``session_position`` (the
            events of the session, counted from 1). None of them depends on later events.
            ``by("session")`` turns it into a log with one history per session.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or already has a column of such a name.
        ValueError
            If ``gap`` cannot be read or is not positive, or ``name`` is not a string.
        TypeError
            If a duration is not a string or timedelta.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> times = ["2026-01-01 12:00", "2026-01-01 12:20", "2026-01-01 15:00"]
        >>> log = EventLog(pd.DataFrame({"u": [1, 1, 1], "t": times}), user="u", time="t")
        >>> log.sessions(gap="30min").to_frame()[["session_number", "session_position"]]
           session_number  session_position
        0               1                 1
        1               1                 2
        2               2                 1
        """
        self._check_clean()
        check_name("name", name)
        span = self._clock.span(gap, "gap")
        index = self._index
        begins = np.zeros(len(index.times), bool)
        begins[1:] = np.diff(index.times) > span
        begins[index.offsets[:-1]] = True
        session = np.cumsum(begins)
        starts = np.flatnonzero(begins)
        number = session - session[index.offsets[:-1]][index.user_of_event] + 1
        new = {
            name: _frames.join_strings(self._table[self.user], _frames.make_array(number), "/"),
            f"{name}_number": _frames.make_array(number),
            f"{name}_position": _frames.make_array(
                np.arange(len(session)) - starts[session - 1] + 1
            ),
        }
        table = self._table
        for column, values in new.items():
            if column in table.column_names:
                raise InvalidLogError(
                    f"The log already has a column {column!r}. Pass another name=, or rename it."
                )
            table = table.append_column(column, values)
        return self._derive(_table=table, _sessions=(name, span))

    def by(self, column):
        """Use another column, such as the session, in the role of the user.

        Parameters
        ----------
        column : str
            Samples, histories and labels refer to its values. :meth:`clean` drops events in
            which it is missing.

        Returns
        -------
        EventLog
            A new log.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or the column does not exist or already has a role.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> times = ["2026-01-01 12:00", "2026-01-01 12:20", "2026-01-01 15:00"]
        >>> log = EventLog(pd.DataFrame({"u": [1, 1, 1], "t": times}), user="u", time="t")
        >>> visits = log.sessions().by("session")
        >>> visits.samples(at="2026-01-02")["session"].tolist()
        ['1/1', '1/2']
        """
        self._check_clean()
        roles = {"time": self.time, "behavior": self.behavior, "product": self.product}
        check_roles(self._table, {"user": column, **roles})
        # With the gap, labels with horizon=None can tell when a session is over.
        of_sessions = self._sessions is not None and column == self._sessions[0]
        log = self._derive(
            user=column, _sessions=None, _session_gap=self._sessions[1] if of_sessions else None
        )
        log._take_in(self._table, self._index.times, np.zeros(len(self._index.times), bool))
        return log

    def to_frame(self):
        """The events as a table, sorted by user and time, with times as timestamps.

        Returns
        -------
        table of the library of the log
            Without events that lack user or time.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> events = pd.DataFrame({"u": [2, 1], "t": ["2026-01-01", "2026-01-02"]})
        >>> EventLog(events, user="u", time="t").to_frame()
           u          t
        0  1 2026-01-02
        1  2 2026-01-01
        """
        columns = {name: self._table[name] for name in self._table.column_names}
        columns[self.time] = self._to_times(self._index.times)
        return _frames.frame_from_columns(columns, like=self._library)


# ------------------------------------------------------------------ parameters


def _read_rules(rules):
    if rules is None:
        return {}
    if not isinstance(rules, dict):
        raise ValueError(
            "rules must be a dict of columns and conditions, such as {'price': '>= 0'}; got "
            f"{shown(rules)}."
        )
    return rules


def _read_values(behaviors):
    """The behaviours to keep, as a set."""
    if not is_several(behaviors):
        raise ValueError(f"behaviors must be a list of values; got {shown(behaviors)}.")
    try:
        return set(behaviors)
    except TypeError as error:
        raise ValueError(
            f"behaviors must be a list of values of the behaviour column; got {shown(behaviors)}."
        ) from error


def _read_ways(name, ways):
    """Names of the aggregations of a column."""
    ways = [ways] if isinstance(ways, str) else ways
    known = ("first", "last", *_AGGREGATIONS)
    right = isinstance(ways, (list, tuple)) and all(isinstance(way, str) for way in ways)
    wrong = [way for way in ways if way not in known] if right else [ways]
    if wrong:
        raise ValueError(
            f"aggregate={{{name!r}: {shown(wrong[0])}}} is unknown. Choose one or several of "
            f"{', '.join(known)}."
        )
    if not ways:
        raise ValueError(f"aggregate={{{name!r}: []}} names no aggregation. Leave the column out.")
    return ways
