"""Shared state of the methods of a log: its table, index, clock and samples."""

import numpy as np

from skbseq import _frames
from skbseq._checks import shown
from skbseq._time import convert_ticks
from skbseq.events._index import build_index, order_ties
from skbseq.events._times import read_times
from skbseq.exceptions import InvalidLogError

CUTOFF = "cutoff"
SEEN = "events_seen"
_USER_KINDS = ("string", "integer", "float", "boolean", "timestamp", "null")
RESERVED = {CUTOFF: "the moment of prediction", SEEN: "the events of a prefix"}


class LogState:
    """State and helpers shared by the methods of :class:`EventLog`.

    ``_table`` holds the events sorted by user, time and values, ``_index`` their users and times,
    ``_clock`` the unit and zone of times, ``_until`` the moment up to which the log is complete,
    ``_far`` the events far from the rest, which :meth:`EventLog.clean` drops.
    """

    def _derive(self, **changes):
        """A copy of this log with some of its state replaced; logs never change in place."""
        log = object.__new__(type(self))  # `__init__` would read and sort the events again
        vars(log).update(vars(self))
        vars(log).pop("_summary", None)
        vars(log).update(changes)
        return log

    def _keep(self, rows, **changes):
        """The same log with some of its indexed events, at ascending positions."""
        if len(rows) == len(self._index.times):  # nothing was dropped, so nothing is copied
            return self._derive(**changes)
        return self._derive(
            _table=_frames.take_rows(self._table, rows), _index=self._index.keep(rows), **changes
        )

    def _place(self, table, ticks):
        """Sort and index events, all of which have a user and a time."""
        stable = self.ties == "rows"
        order, self._index = build_index(table[self.user], ticks, stable=stable)
        if not stable:
            order = order_ties(table, order, self._index, self._tie_columns(table))
        self._table = table if order is None else _frames.take_rows(table, order)

    def _first(self):
        """Ticks of the first event; in a log without events, the moment it is known until."""
        return int(self._index.times.min(initial=self._until))

    def _tie_columns(self, table):
        named = [] if self.ties == "values" else list(self.ties)
        roles = [name for name in (self.behavior, self.product) if name is not None]
        names = dict.fromkeys([*named, *roles, *table.column_names])
        # Time comes last, because equal moments may be written differently.
        return [*(n for n in names if n not in (self.user, self.time)), self.time]

    def _read_windows(self, samples):
        """User and cutoff of each sample, and the position after its last visible event."""
        users, cutoffs = self._read_samples(samples)
        stop = self._index.count_until(users, cutoffs)
        if SEEN not in _frames.column_names(samples):
            return users, cutoffs, stop
        column = _frames.to_arrow(_frames.select_columns(samples, [SEEN]))[SEEN]
        missing = _frames.is_missing(column)
        kind = _frames.kind_of(column.type)
        seen = None if kind != "integer" or missing.any() else _frames.integers(column)
        if seen is None or (seen < 0).any():
            raise InvalidLogError(
                f"Column {SEEN!r} of the samples must hold whole numbers of at least 0, the "
                f"numbers of visible events; got {kind} values, {int(missing.sum())} missing. "
                "Make it with EventLog.prefixes, or rename a column with another meaning."
            )
        # Several events may have the time of the cutoff; only the first `seen` are visible.
        return users, cutoffs, np.minimum(stop, self._index.starts(users) + seen)

    def _read_samples(self, samples):
        """Number of the user and ticks of the cutoff of each sample."""
        self._check_clean()
        names = _frames.column_names(samples)
        for name in (self.user, CUTOFF):
            if name not in names:
                raise InvalidLogError(
                    f"The samples have no column {name!r}; they have "
                    f"{', '.join(map(repr, names))}. Make them with EventLog.samples."
                )
        table = _frames.to_arrow(_frames.select_columns(samples, [self.user, CUTOFF]))
        for name in (self.user, CUTOFF):
            missing = _frames.is_missing(table[name])
            if missing.any():
                raise InvalidLogError(
                    f"Row {_frames.first_row(missing)} of the samples has no {name!r}."
                )
        try:
            users = self._index.user_index.find(table[self.user])
        except TypeError as error:
            raise InvalidLogError(
                f"Column {self.user!r} of the samples does not match that of the log: {error}. "
                "Convert both to the same type."
            ) from error
        return users, self._read_cutoffs(table[CUTOFF])

    def _read_cutoffs(self, column):
        # An empty column may have any type.
        return self._read_times_of(column, CUTOFF)[0] if len(column) else np.zeros(0, np.int64)

    def _waiting(self):
        """Counts of events that clean() drops in any case, by reason."""
        waiting = {reason: count for reason, count in self._unplaced.items() if count}
        return waiting | {f"far {far.side} the rest": far.n_events for far in self._far}

    def _check_clean(self):
        for far in self._far:
            said, advice = far.describe(len(self), self._clock), far.advice(self._clock)
            raise InvalidLogError(
                f"The log is not clean. {said} Call clean(), which drops and counts them. {advice}"
            )
        waiting = self._waiting()
        if waiting:
            said = " and ".join(
                f"{count:,} {'row' if count == 1 else 'rows'} with {reason}"
                for reason, count in waiting.items()
            )
            raise InvalidLogError(
                f"The log is not clean: {said}. Call clean(), which drops and counts them."
            )

    def _read_times_of(self, column, name):
        """Ticks of another column of times in the unit of the log, and a mask of missing ones.

        Times without a zone are read in the zone of the log.
        """
        ticks, missing, clock = read_times(
            column, name=name, time_unit=None, invalid_times="keep", advise=False
        )
        if clock.zone is None and self._clock.zone is not None:
            ticks = _frames.assume_zone(ticks, unit=clock.unit, zone=self._clock.zone)
        if clock.zone is not None and self._clock.zone is None:
            raise InvalidLogError(
                f"The times of {name!r} have a time zone and those of {self.time!r} have none. "
                "Use a time zone in both, or in neither."
            )
        return convert_ticks(ticks, source=clock.unit, target=self._clock.unit), missing

    def _to_times(self, ticks):
        return _frames.time_array(ticks, unit=self._clock.unit, zone=self._clock.zone)


def check_column(table, name, parameter):
    """Refuse a parameter that does not name a column of the table."""
    # An array or pandas.NA cannot be compared with names.
    if not isinstance(name, str) or name not in table.column_names:
        raise InvalidLogError(
            f"The log has no column {shown(name)} for {parameter}=; it has "
            f"{', '.join(map(repr, table.column_names))}."
        )


def check_roles(table, roles):
    """Refuse columns that do not exist, have two roles, or cannot identify users."""
    for role, name in roles.items():
        if name is None and role in ("behavior", "product"):
            continue
        check_column(table, name, role)
    named = [name for name in roles.values() if name is not None]
    if len(set(named)) < len(named):
        raise InvalidLogError(f"A column cannot have two roles; got {roles}.")
    kind = _frames.kind_of(table[roles["user"]].type)
    if kind not in _USER_KINDS:
        raise InvalidLogError(
            f"Column {roles['user']!r} holds {kind} values, which cannot identify users. Give "
            "strings or numbers."
        )
