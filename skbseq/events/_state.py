"""What every question to a log builds on: its table, its index, its clock, its samples."""

import numpy as np

from skbseq import _frames
from skbseq._time import convert_ticks
from skbseq.events._index import build_index, order_ties
from skbseq.events._times import read_times
from skbseq.exceptions import InvalidLogError

CUTOFF = "cutoff"
SEEN = "events_seen"
_USER_KINDS = ("string", "integer", "float", "boolean", "timestamp", "null")
RESERVED = {CUTOFF: "the moment of prediction", SEEN: "the events of a prefix"}


class LogState:
    """State of a log and what its methods share; :class:`EventLog` has the rest.

    ``_table`` holds the events sorted by user, time and values, ``_index`` says whose they are
    and when, ``_clock`` how time is told, ``_until`` up to when the log is complete.
    """

    def _derive(self, **changes):
        """A log like this one but for some of its state; logs never change."""
        log = object.__new__(type(self))
        vars(log).update(vars(self))
        vars(log).update(changes)
        return log

    def _keep(self, rows, **changes):
        """The same log with some of its placed events, ascending positions."""
        if len(rows) == len(self._index.times):
            return self._derive(**changes)
        return self._derive(
            _table=_frames.take_rows(self._table, rows), _index=self._index.keep(rows), **changes
        )

    def _place(self, table, ticks):
        """Sort events that all have a user and a time, and index them."""
        stable = self.ties == "rows"
        order, self._index = build_index(table[self.user], ticks, stable=stable)
        if not stable:
            order = order_ties(table, order, self._index, self._tie_columns(table))
        self._table = table if order is None else _frames.take_rows(table, order)

    def _tie_columns(self, table):
        named = [] if self.ties == "values" else list(self.ties)
        roles = [name for name in (self.behavior, self.product) if name is not None]
        names = dict.fromkeys([*named, *roles, *table.column_names])
        # The time last: equal moments may be written differently.
        return [*(n for n in names if n not in (self.user, self.time)), self.time]

    def _read_windows(self, samples):
        """Whose each sample is, its cutoff, and the position behind its last event seen."""
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
                f"events that may be seen; got {kind} values, {int(missing.sum())} missing. "
                "Make it with EventLog.prefixes, or rename a column that is something else."
            )
        return users, cutoffs, np.minimum(stop, self._index.starts(users) + seen)

    def _read_samples(self, samples):
        """Number of the user, and ticks of the cutoff, of each sample."""
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
                f"Column {self.user!r} of the samples does not fit that of the log: {error}. Give "
                "the users of both one type."
            ) from error
        return users, self._read_cutoffs(table[CUTOFF])

    def _read_cutoffs(self, column):
        return self._read_times_of(column, CUTOFF)[0] if len(column) else np.zeros(0, np.int64)

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

    def _read_times_of(self, column, name):
        """Ticks of another column of times on the clock of the log, and where it is missing.

        Times without a zone are those of the log's zone.
        """
        ticks, missing, clock = read_times(
            column, name=name, time_unit=None, invalid_times="keep", advise=False
        )
        if clock.zone is None and self._clock.zone is not None:
            ticks = _frames.assume_zone(ticks, unit=clock.unit, zone=self._clock.zone)
        if clock.zone is not None and self._clock.zone is None:
            raise InvalidLogError(
                f"The times of {name!r} have a time zone and those of {self.time!r} have none. "
                "Give both one, or none."
            )
        return convert_ticks(ticks, source=clock.unit, target=self._clock.unit), missing

    def _to_times(self, ticks):
        return _frames.time_array(ticks, unit=self._clock.unit, zone=self._clock.zone)


def check_choice(name, value, choices):
    """Refuse a value that is not one of the choices."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}; got {value!r}.")


def check_count(name, value, *, least=1):
    """Refuse what is not a whole number of at least so much."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}.")


def as_names(value):
    """A name, or several, as a list."""
    return [value] if isinstance(value, str) else list(value)


def check_roles(table, roles):
    """Refuse columns that are not there, play two roles, or cannot name users."""
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
    kind = _frames.kind_of(table[roles["user"]].type)
    if kind not in _USER_KINDS:
        raise InvalidLogError(
            f"Column {roles['user']!r} holds {kind} values, which do not name users. Give "
            "strings or numbers."
        )
