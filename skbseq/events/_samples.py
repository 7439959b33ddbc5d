"""Samples (pairs of user and cutoff) and their histories up to the cutoff."""

import numpy as np

from skbseq import _frames
from skbseq._checks import check_count, check_random_state, is_real, is_several, shown
from skbseq._sequences import ranges
from skbseq.events._state import CUTOFF, SEEN, LogState
from skbseq.exceptions import InvalidLogError

# Random moments of all users at most, which take some 50 GB.
_MOST_MOMENTS = 10**9
_WAYS = ("at", "every", "n_random", "after_first", "before_last")


class SampleMethods(LogState):
    """Samples, prefixes and histories of a log."""

    def samples(
        self,
        *,
        at=None,
        every=None,
        n_random=None,
        after_first=None,
        before_last=None,
        start=None,
        end=None,
        min_events=1,
        min_age=None,
        random_state=None,
    ):
        """Choose samples: one row per user and cutoff.

        Exactly one of ``at``, ``every``, ``n_random``, ``after_first`` and ``before_last``
        determines the cutoffs. A sample needs an event at or before its cutoff.

        Parameters
        ----------
        at : str, datetime.datetime, numpy.datetime64, list of those, or table, default=None
            One cutoff for all users, several cutoffs, or a table with the user column and
            ``cutoff``. Without a time zone it is read in that of the log.
        every : str or timedelta, default=None
            Regular cutoffs, such as "30D": at ``end`` and at this interval before it, down to
            ``start``. They are counted from the end, so that the newest events are used.
        n_random : int, default=None
            Number of random moments per user, uniform between the user's first event (or
            ``start``, if that is later) and ``end``.
        after_first : str or timedelta, default=None
            One cutoff per user, this long after the first event; "0D": at the first event.
        before_last : str or timedelta, default=None
            One cutoff per user, this long before the last event. Caution: at that moment it is
            not known that another event will follow.
        start : str or datetime, default=None
            No cutoff before this moment. None: the first event of the log.
        end : str or datetime, default=None
            No cutoff after this moment. None: the end of the log. Choose it so that ``end`` plus
            the horizon of the labels does not reach past the log.
        min_events : int, default=1
            Minimum number of events of a sample at or before its cutoff.
        min_age : str or timedelta, default=None
            Minimum span between the first event of a sample and its cutoff.
        random_state : int, RandomState instance or None, default=None
            Seed of the random moments.

        Returns
        -------
        table of the library of the log
            The user and a column ``cutoff``, in ascending order of both. For a table given as
            ``at``: its rows with enough events, in its order.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or no sample is left.
        ValueError
            If none or several of these parameters are given, or a moment or duration cannot be
            read.
        TypeError
            If a duration is not a string or timedelta.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> times = ["2026-01-01", "2026-01-05", "2026-02-01"]
        >>> log = EventLog(pd.DataFrame({"u": [2, 1, 3], "t": times}), user="u", time="t")
        >>> log.samples(at="2026-01-15")
           u     cutoff
        0  1 2026-01-15
        1  2 2026-01-15
        >>> log.samples(every="14D", start="2026-01-10")
           u     cutoff
        0  1 2026-01-18
        1  1 2026-02-01
        2  2 2026-01-18
        3  2 2026-02-01
        4  3 2026-02-01
        >>> log.samples(after_first="7D", end="2026-01-31")["cutoff"].dt.day.tolist()
        [12, 8]
        """
        self._check_clean()
        ways = dict(zip(_WAYS, (at, every, n_random, after_first, before_last), strict=True))
        chosen = [name for name, value in ways.items() if value is not None]
        if len(chosen) != 1:
            raise ValueError(
                f"Pass exactly one of {', '.join(_WAYS)}; got {' and '.join(chosen) or 'none'}."
            )
        check_count("min_events", min_events)
        random = check_random_state(random_state)
        if chosen == ["at"] and _frames.is_frame(at):
            return self._samples_of_table(at, min_events, min_age)
        first, last = self._bounds(start, end)
        way = getattr(self, f"_cutoffs_{chosen[0]}")
        if chosen == ["n_random"]:
            users, cutoffs = way(n_random, first, last, random)
        elif chosen == ["at"]:
            users, cutoffs = way(at)
        else:
            users, cutoffs = way(ways[chosen[0]], first, last)
        kept = self._known_enough(users, cutoffs, min_events, min_age)
        users, cutoffs = users[kept], cutoffs[kept]
        if users.size == 0:
            self._raise_no_samples(chosen[0], ways[chosen[0]], min_events, min_age)
        order = np.lexsort((cutoffs, users))
        return self._make_samples(users[order], cutoffs[order])

    def _bounds(self, start, end):
        first = self._first() if start is None else self._clock.instant(start, "start")
        last = self._until if end is None else self._clock.instant(end, "end")
        if first > last:
            raise ValueError(
                f"start={self._clock.format(first)} is after end={self._clock.format(last)}."
            )
        return first, last

    def _cutoffs_at(self, at):
        return self._everyone_at(self._moments(at))

    def _moments(self, at):
        several = at if is_several(at) else [at]
        moments = [self._clock.instant(moment, "at") for moment in several]
        if not moments:
            raise ValueError("at is an empty list. Name at least one cutoff.")
        # A repeated cutoff would give every sample twice.
        return np.unique(np.array(moments, np.int64))

    def _cutoffs_every(self, every, first, last):
        step = self._clock.span(every, "every")
        n_moments = (last - first) // step + 1
        if n_moments > max(_MOST_MOMENTS // max(len(self._index.users), 1), 1):
            raise ValueError(
                f"every={every!r} makes {n_moments:,} cutoffs for each of "
                f"{len(self._index.users):,} users, which is too many. Make it longer, or limit "
                "the cutoffs by start and end."
            )
        return self._everyone_at(np.arange(last, first - 1, -step, dtype=np.int64))

    def _everyone_at(self, moments):
        """Pairs of a cutoff and a user whose first event is at or before it."""
        begins = self._index.times[self._index.offsets[:-1]]
        # In order of first events, the users known at any cutoff are the first ones.
        order = np.argsort(begins, kind="stable")
        counts = np.searchsorted(begins[order], moments, side="right")
        positions, _ = ranges(np.zeros(len(moments), np.int64), counts)
        return order[positions], np.repeat(moments, counts)

    def _cutoffs_n_random(self, n_random, first, last, random):
        n_users = len(self._index.users)
        # Some arrays of 8 bytes per moment.
        check_count("n_random", n_random, most=max(_MOST_MOMENTS // n_users, 1))
        begins = np.maximum(self._index.times[self._index.offsets[:-1]], first)
        shares = random.random_sample((len(begins), n_random))
        # Plus 1, so that `last` itself can be drawn.
        cutoffs = (begins[:, None] + shares * (last - begins + 1)[:, None]).astype(np.int64)
        users = np.repeat(np.arange(len(begins)), n_random)
        possible = np.repeat(begins <= last, n_random)  # the user has joined by then
        # The same moment may be drawn twice for a user; a sample is unique.
        pairs = np.unique(np.column_stack([users, cutoffs.ravel()])[possible], axis=0)
        return pairs[:, 0], pairs[:, 1]

    def _cutoffs_after_first(self, span, first, last):
        begins = self._index.times[self._index.offsets[:-1]]
        cutoffs = self._clock.after(begins, span, "after_first", zero=True)
        return self._within(cutoffs, first, last)

    def _cutoffs_before_last(self, span, first, last):
        ends = self._index.times[self._index.offsets[1:] - 1]
        cutoffs = self._clock.before(ends, span, "before_last", zero=True)
        return self._within(cutoffs, first, last)

    def _within(self, cutoffs, first, last):
        users = np.flatnonzero((cutoffs >= first) & (cutoffs <= last))
        return users, cutoffs[users]

    def _known_enough(self, users, cutoffs, min_events, min_age):
        starts = self._index.starts(users)
        kept = self._index.count_until(users, cutoffs) - starts >= min_events
        if min_age is not None:
            oldest = self._clock.before(cutoffs, min_age, "min_age")
            kept &= (users >= 0) & (self._index.times[starts] <= oldest)
        return kept

    def _samples_of_table(self, table, min_events, min_age):
        users, cutoffs = self._read_samples(table)
        kept = self._known_enough(users, cutoffs, min_events, min_age)
        if not kept.any():
            self._raise_no_samples("at", "table", min_events, min_age)
        return _frames.filter_rows(table, kept)

    def _raise_no_samples(self, way, value, min_events, min_age):
        span = (
            f"the log runs from {self._clock.format(self._first())} to "
            f"{self._clock.format(self._until)}"
        )
        if way == "at" and value != "table" and min_events == 1 and min_age is None:
            moment = self._clock.format(self._moments(value).max())
            raise InvalidLogError(f"at={moment} is before all events; {span}.")
        raise InvalidLogError(
            f"No user can be sampled with {way}={value!r}, min_events={min_events} and "
            f"min_age={min_age!r}; {span}."
        )

    def _make_samples(self, users, cutoffs, **columns):
        columns = {
            self.user: _frames.take(self._index.users, users),
            CUTOFF: self._to_times(cutoffs),
            **columns,
        }
        return _frames.frame_from_columns(columns, like=self._library)

    def prefixes(self, *, n_events=None, share=None):
        """Samples whose history is only the beginning of each user's or session's events.

        Use them to evaluate early prediction: after three clicks, or after half a session, will
        it end in a purchase? The samples have a column ``events_seen``. :meth:`histories` and the
        labels respect it even if several events have the same time.

        Parameters
        ----------
        n_events : int or list of int, default=None
            Number of first events to include. Users with fewer are left out.
        share : float or list of float, default=None
            Share of the events to include, above 0 and at most 1, rounded up. Caution: the length
            of a session is not known while it lasts.

        Returns
        -------
        table of the library of the log
            The user (or session), ``cutoff`` (the time of the last included event) and
            ``events_seen``, in ascending order.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or no user has enough events.
        ValueError
            If not exactly one of ``n_events`` and ``share`` is given, or it is out of range.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> events = pd.DataFrame({"u": [1, 1, 1, 2], "t": ["2026-01-01"] * 4, "n": range(4)})
        >>> log = EventLog(events, user="u", time="t")
        >>> log.histories(log.prefixes(n_events=2))[["u", "events_seen", "n"]]
           u  events_seen      n
        0  1            2  [0 1]
        """
        self._check_clean()
        if (n_events is None) == (share is None):
            raise ValueError("Give either n_events or share.")
        lengths = np.diff(self._index.offsets)
        seen = []
        asked = n_events if share is None else share
        several = is_several(asked)
        for value in asked if several else [asked]:
            if share is None:
                check_count("n_events", value)
                seen.append(np.where(lengths >= value, value, 0))
            else:
                if not is_real(value) or not 0 < value <= 1:
                    raise ValueError(f"share must be above 0 and at most 1; got {shown(value)}.")
                # Subtracting 1e-9 prevents rounding errors: 0.7 * 10 must not become 8.
                seen.append(np.ceil(lengths * value - 1e-9).astype(np.int64))
        if not seen:
            raise ValueError("Give at least one n_events or share; got an empty list.")
        users = np.tile(np.arange(len(lengths)), len(seen))
        # Several shares may give the same number of events.
        pairs = np.unique(np.column_stack([users, np.concatenate(seen)]), axis=0)
        users, counts = pairs[pairs[:, 1] > 0].T
        if users.size == 0:
            longest = lengths.max(initial=0)
            raise InvalidLogError(
                f"No {self.user!r} has {n_events!r} events; the longest has {longest:,}."
            )
        cutoffs = self._index.times[self._index.offsets[users] + counts - 1]
        return self._make_samples(users, cutoffs, **{SEEN: counts})

    def histories(self, samples, *, lookback=None, max_events=None):
        """The events of each sample up to its cutoff, as a sequence frame.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``; further columns are kept as context. A user who
            is not in the log has an empty history.
        lookback : str or timedelta, default=None
            Include only events within this span before the cutoff, such as "90D"; an event at
            exactly this distance is not included. None: all.
        max_events : int, default=None
            Include only the last ``max_events`` events of each sample. None: all.

        Returns
        -------
        table of the library of the samples, of shape (n_samples, n_columns)
            The columns of the samples, with the same rows, and one list column for each other
            column of the log, oldest event first. Behaviors and products that are floats, as
            pandas stores integers of which some are missing, become integers again.

        Raises
        ------
        InvalidLogError
            If the log is not clean, or the samples lack a column or hold a missing value.
        ValueError
            If ``lookback`` or ``max_events`` is not positive.
        TypeError
            If ``samples`` is not a table, or ``lookback`` neither a string nor a timedelta.

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
        users, cutoffs, stop = self._read_windows(samples)
        start = self._index.starts(users)
        if lookback is not None:
            earliest = self._clock.before(cutoffs, lookback, "lookback")
            # A prefix may end before the lookback begins; its history is empty then.
            start = np.minimum(self._index.count_until(users, earliest), stop)
        if max_events is not None:
            check_count("max_events", max_events)
            start = np.maximum(start, stop - max_events)
        rows, offsets = ranges(start, stop)
        columns = {}
        for name in self._channels(samples):
            # Times come from the index; the column may hold strings or epoch numbers.
            values = self._to_times(self._index.times[rows]) if name == self.time else None
            if values is None:
                values = _frames.decode_strings(_frames.take(self._ids(name), rows))
            columns[name] = _frames.Lists(values, offsets)
        return _frames.attach_columns(samples, columns)

    def _ids(self, name):
        """A column; ids that are floats because some are missing as integers."""
        column = self._table[name]
        if name not in (self.behavior, self.product):
            return column
        # Of the whole log, so that the type does not depend on the samples.
        return _frames.whole_to_integers(_frames.as_array(column))

    def _channels(self, samples):
        names = [name for name in self._table.column_names if name != self.user]
        taken = sorted(set(names) & set(_frames.column_names(samples)))
        if taken:
            raise InvalidLogError(
                f"Both the samples and the log have a column {taken[0]!r}. Rename the one in the "
                "samples."
            )
        return names
