"""Labels: what the user of each sample did after the cutoff."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._checks import check_choice, is_several, shown
from skbseq._sequences import ranges
from skbseq.events._state import LogState, check_column
from skbseq.exceptions import CensoredLabelError, InvalidLogError

_CENSORED = ("raise", "observed", "nan")
_DAY = 86_400


@dataclass(frozen=True)
class Window:
    """The events after each sample's cutoff and within its horizon, as positions.

    ``open_`` is True where the horizon reaches past the end of the log.
    """

    start: np.ndarray
    stop: np.ndarray
    cutoffs: np.ndarray
    ends: np.ndarray
    open_: np.ndarray


class LabelMethods(LogState):
    """Labels of samples."""

    def label_behavior(
        self, samples, *, behavior=None, horizon, gap=None, kind="any", censored="raise"
    ):
        """Whether, how often or when the user of each sample shows a behaviour after the cutoff.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        behavior : object or list of objects, default=None
            Value or values of the behaviour column. None: any event at all.
        horizon : str, timedelta, list of those, or None
            Span after the cutoff (and the gap), such as "7D", including its end. A list gives a
            table with one column per horizon. None, only in a log by sessions: to the end of the
            session.
        gap : str or timedelta, default=None
            Span between the cutoff and the horizon, whose events do not count. None: no gap.
        kind : {"any", "count", "time"}, default="any"
            Whether there is such an event, how many there are, or the days from the cutoff to
            the first one (infinite if there is none within the horizon).
        censored : {"raise", "observed", "nan"}, default="raise"
            Label of a sample whose horizon reaches past the end of the log, if the label is not
            yet decided: raise an error, use what has been observed so far, or NaN (labels are
            then floats). "any" and "time" are decided by the first such event, "count" only at
            the end of the horizon.

        Returns
        -------
        ndarray of shape (n_samples,)
            Bool, int or float, depending on ``kind``; float if ``censored="nan"``. For several
            horizons, a table of the library of the samples with one column per horizon.

        Raises
        ------
        CensoredLabelError
            If a horizon reaches past the end of the log and ``censored="raise"``.
        InvalidLogError
            If the log is not clean, has no behaviour column, or never holds the behaviour.
        ValueError
            If a parameter cannot be read or has an invalid value.
        TypeError
            If ``samples`` is not a table, or a duration neither a string nor a timedelta.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> events = pd.DataFrame(
        ...     {"u": [1, 2, 1, 2], "t": ["2026-01-01", "2026-01-01", "2026-01-09", "2026-02-01"]}
        ... )
        >>> log = EventLog(events, user="u", time="t")
        >>> samples = log.samples(at="2026-01-08")
        >>> log.label_behavior(samples, horizon="7D")
        array([ True, False])
        >>> log.label_behavior(samples, horizon="7D", kind="time")
        array([ 1., inf])
        >>> log.label_behavior(samples, horizon=["7D", "24D"], kind="count")
           7D  24D
        0   1    1
        1   0    1
        """
        check_choice("kind", kind, ("any", "count", "time"))
        check_choice("censored", censored, _CENSORED)
        if isinstance(horizon, (list, tuple)):
            options = {"behavior": behavior, "gap": gap, "kind": kind, "censored": censored}
            return self._several(self.label_behavior, samples, horizon, options)
        window = self._window(samples, horizon, gap)
        matches, begin, end = self._matches_within(behavior, window)
        count = end - begin
        if kind == "count":
            return self._decided(count, window.open_, window, censored)
        found = count > 0
        undecided = window.open_ & ~found
        if kind == "any":
            return self._decided(found, undecided, window, censored)
        first = begin[found] if matches is None else matches[begin[found]]
        # Infinite and not missing: it is known that there is no such event within the horizon.
        days = np.full(len(found), np.inf)
        elapsed = self._index.times[first] - window.cutoffs[found]
        days[found] = elapsed / (self._clock.per_second * _DAY)
        return self._decided(days, undecided, window, censored)

    def label_churn(self, samples, *, horizon, behavior=None, gap=None, censored="raise"):
        """Whether the user of each sample has no event within the horizon after the cutoff.

        A return is known at once, but churn only when the whole horizon has passed. If the
        horizon reaches past the end of the log, a user without an event is right-censored.
        Dropping only these would leave only returning users among the latest samples. Drop all
        samples whose horizon is not over, or choose earlier cutoffs.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        horizon : str, timedelta, or list of those
            Span after the cutoff (and the gap), such as "90D". A list gives a table with one
            column per horizon.
        behavior : object or list of objects, default=None
            Behaviour that counts as a return, such as "buy". None: any event.
        gap : str or timedelta, default=None
            Span between the cutoff and the horizon, whose events do not count. None: no gap.
        censored : {"raise", "observed", "nan"}, default="raise"
            Label of a sample without a return yet whose horizon reaches past the end of the log:
            raise an error, True (churned so far), or NaN (labels are then floats).

        Returns
        -------
        ndarray of bool of shape (n_samples,)
            Float if ``censored="nan"``; a table for several horizons.

        Raises
        ------
        CensoredLabelError
            If a label is not decided at the end of the log and ``censored="raise"``.
        InvalidLogError
            If the log is not clean.
        ValueError
            If a parameter cannot be read or has an invalid value.
        TypeError
            If ``samples`` is not a table, or a duration neither a string nor a timedelta.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> times = ["2026-01-01", "2026-01-01", "2026-03-01"]
        >>> events = pd.DataFrame({"u": [1, 2, 1], "t": times})
        >>> log = EventLog(events, user="u", time="t")
        >>> log.label_churn(log.samples(at="2026-01-02"), horizon="58D")
        array([False,  True])
        """
        check_choice("censored", censored, _CENSORED)
        if isinstance(horizon, (list, tuple)):
            options = {"behavior": behavior, "gap": gap, "censored": censored}
            return self._several(self.label_churn, samples, horizon, options)
        seen = self.label_behavior(
            samples, behavior=behavior, horizon=horizon, gap=gap, censored=censored
        )
        return 1 - seen if censored == "nan" else ~seen  # with NaN, labels are floats

    def label_next(
        self, samples, column=None, *, behavior=None, horizon=None, none=None, censored="raise"
    ):
        """A value of the next event after the cutoff of each sample, such as the next product.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        column : str, default=None
            Column to read, such as the product column. None: the behaviour column.
        behavior : object or list of objects, default=None
            Only events of this behaviour count: the next product *bought*. None: any event.
        horizon : str or timedelta, default=None
            Span after the cutoff that must contain the event. None: no limit.
        none : object, default=None
            Label of a sample without an event within the horizon.
        censored : {"raise", "observed", "nan"}, default="raise"
            Label of a sample without a next event whose horizon reaches past the end of the log
            (always the case without a horizon): raise an error, the label ``none``, or a missing
            value.

        Returns
        -------
        ndarray of shape (n_samples,)
            Values of the column; an array of objects with None if a label is missing.

        Raises
        ------
        CensoredLabelError
            If a label is not decided at the end of the log and ``censored="raise"``.
        InvalidLogError
            If the log is not clean or lacks the column.
        ValueError
            If a parameter cannot be read or has an invalid value.
        TypeError
            If ``samples`` is not a table, or a duration neither a string nor a timedelta.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> times = ["2026-01-01", "2026-01-01", "2026-01-03", "2026-01-09"]
        >>> events = pd.DataFrame({"u": [1, 2, 1, 1], "t": times, "b": ["in", "in", "up", "out"]})
        >>> log = EventLog(events, user="u", time="t", behavior="b")
        >>> samples = log.samples(at="2026-01-02")
        >>> log.label_next(samples, horizon="7D", none="nothing").tolist()
        ['up', 'nothing']
        >>> log.label_next(samples, censored="nan")
        array(['up', None], dtype=object)
        """
        check_choice("censored", censored, _CENSORED)
        column = self._label_column(column)
        window = self._window(samples, horizon, None, endless=True)
        matches, begin, end = self._matches_within(behavior, window)
        found = end > begin
        first = begin[found] if matches is None else matches[begin[found]]
        undecided = window.open_ & ~found
        endless = horizon is None and self._session_gap is None
        self._check_decided(undecided, window, censored, endless=endless)
        labels = np.empty(len(found), dtype=object)
        labels.fill(none)  # not by assignment, because `none` may itself be a sequence
        if censored == "nan":
            labels[undecided] = None
        labels[found] = _frames.to_objects(_frames.take(self._table[column], first))
        kinds = {type(label) for label in labels}
        # NumPy would convert labels of several types to strings.
        alike = len(kinds) == 1 and type(None) not in kinds and not is_several(labels[0])
        return np.array(labels.tolist()) if alike else labels

    def _label_column(self, column):
        name = self.behavior if column is None else column
        if name is None:
            raise InvalidLogError(
                "The log has no behaviour column to read the next event from. Name it: "
                "EventLog(..., behavior=...), or pass column=."
            )
        return self._check_column(name)

    def _check_column(self, name, parameter="column"):
        check_column(self._table, name, parameter)
        return name

    def label_sum(self, samples, column, *, horizon, behavior=None, gap=None, censored="raise"):
        """The sum of a numeric column over the horizon of each sample, such as the spend.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        column : str
            Numeric column; a missing value adds nothing.
        horizon : str, timedelta, list of those, or None
            Span after the cutoff (and the gap), such as "90D". A list gives a table with one
            column per horizon. None, only in a log by sessions: to the end of the session.
        behavior : object or list of objects, default=None
            Only events of this behaviour count. None: any event.
        gap : str or timedelta, default=None
            Span between the cutoff and the horizon, whose events do not count. None: no gap.
        censored : {"raise", "observed", "nan"}, default="raise"
            Label of a sample whose horizon reaches past the end of the log: raise an error, the
            sum so far, or NaN.

        Returns
        -------
        ndarray of float of shape (n_samples,)
            Zero if there is no event; a table for several horizons.

        Raises
        ------
        CensoredLabelError
            If a horizon reaches past the end of the log and ``censored="raise"``.
        InvalidLogError
            If the log is not clean, or the column does not exist or is not numeric.
        ValueError
            If a parameter cannot be read or has an invalid value.
        TypeError
            If ``samples`` is not a table, or a duration neither a string nor a timedelta.

        Examples
        --------
        >>> import pandas as pd
        >>> from skbseq import EventLog
        >>> times = ["2026-01-01", "2026-01-03", "2026-01-04", "2026-01-09"]
        >>> events = pd.DataFrame({"u": [1, 1, 1, 1], "t": times, "paid": [9.0, 2.0, 3.5, 7.0]})
        >>> log = EventLog(events, user="u", time="t")
        >>> log.label_sum(log.samples(at="2026-01-02"), "paid", horizon="3D")
        array([5.5])
        """
        check_choice("censored", censored, _CENSORED)
        if isinstance(horizon, (list, tuple)):
            options = {"behavior": behavior, "gap": gap, "censored": censored}
            ask = lambda samples, **each: self.label_sum(samples, column, **each)  # noqa: E731
            return self._several(ask, samples, horizon, options)
        kind = _frames.kind_of(self._table[self._check_column(column)].type)
        if kind not in ("integer", "float", "boolean", "null"):
            raise InvalidLogError(f"Column {column!r} holds {kind} values; a sum needs numbers.")
        window = self._window(samples, horizon, gap)
        rows, offsets = ranges(window.start, window.stop)
        values = _frames.numbers(_frames.take(self._table[column], rows))
        if np.isinf(values).any():
            at = _frames.first_row(np.isinf(values))
            row = int(np.searchsorted(offsets, at, side="right")) - 1
            raise InvalidLogError(
                f"Column {column!r} holds an infinite value within the horizon of row {row} of "
                "the samples. Drop it with clean(rules=...)."
            )
        values = np.where(np.isnan(values), 0.0, values)
        matches = self._matches(behavior)
        if matches is not None:
            values = np.where(matches[rows], values, 0.0)
        sample_of = np.repeat(np.arange(len(window.start)), np.diff(offsets))
        # Not a difference of cumulative sums: small values would be lost after a large early one.
        sums = np.bincount(sample_of, weights=values, minlength=len(window.start))
        return self._decided(sums, window.open_, window, censored)

    # ------------------------------------------------------------------ windows

    def _several(self, ask, samples, horizons, options):
        """A table with the labels of each horizon."""
        names = [str(horizon) for horizon in horizons]
        if len(set(names)) < len(names) or not names:
            raise ValueError(f"horizon must name different spans, at least one; got {names}.")
        labels = {
            name: ask(samples, horizon=horizon, **options)
            for name, horizon in zip(names, horizons, strict=True)
        }
        return _frames.build_frame(labels, like=samples)

    def _window(self, samples, horizon, gap, *, endless=False):
        """Events after each cutoff and within the horizon.

        Without a horizon, ``endless`` means no limit; otherwise the end of the session.
        """
        users, cutoffs, start = self._read_windows(samples)
        begins = cutoffs
        if gap is not None:  # its events are neither in the history nor in the label
            begins = self._clock.after(cutoffs, gap, "gap")
            start = self._index.count_until(users, begins)
        if horizon is not None:
            ends = self._clock.after(begins, horizon, "horizon")
            stop = self._index.count_until(users, ends)
            return Window(start, stop, cutoffs, ends, ends > self._until)
        stop = np.maximum(self._index.stops(users), start)
        if endless and self._session_gap is None:
            open_ = np.ones(len(start), bool)
            return Window(start, stop, cutoffs, np.full(len(start), self._until), open_)
        if self._session_gap is None:
            raise ValueError(
                "horizon=None means to the end of the session, but this log is not by sessions. "
                "Give a horizon such as '7D', or use log.sessions(gap='30min').by('session')."
            )
        # A session is over when its gap has passed without an event.
        last = np.where(users >= 0, self._index.times[np.maximum(stop - 1, 0)], cutoffs)
        ends = last + self._session_gap
        return Window(start, stop, cutoffs, ends, ends > self._until)

    def _decided(self, labels, undecided, window, censored):
        self._check_decided(undecided, window, censored)
        return np.where(undecided, np.nan, labels) if censored == "nan" else labels

    def _check_decided(self, undecided, window, censored, *, endless=False):
        if not undecided.any() or censored != "raise":
            return
        row = _frames.first_row(undecided)
        if endless:
            raise CensoredLabelError(
                f"The label of row {row} cannot be known: its user has no later event by "
                f"the end of the log at {self._clock.format(self._until)} "
                f"({int(undecided.sum()):,} such samples). Pass censored='nan' to leave these "
                "undecided, or give a horizon, after which a label is decided."
            )
        raise CensoredLabelError(
            f"The label of row {row} cannot be known: its horizon ends at "
            f"{self._clock.format(window.ends[row])} but the log at "
            f"{self._clock.format(self._until)} "
            f"({int(undecided.sum()):,} such samples). Use an earlier cutoff or a shorter "
            "horizon, pass EventLog(until=...) if the log is complete to a later moment, or "
            "pass censored='observed' or 'nan'."
        )

    def _matches_within(self, behavior, window):
        """Positions of the events with a behaviour, and the range of them in each window.

        None instead of the positions means all events.
        """
        matches = self._matches(behavior)
        if matches is None:
            return None, window.start, window.stop
        at = np.flatnonzero(matches)
        return at, np.searchsorted(at, window.start), np.searchsorted(at, window.stop)

    def _matches(self, behavior):
        """Mask of the events with a behaviour; None for all events."""
        if behavior is None:
            return None
        if self.behavior is None:
            raise InvalidLogError(
                f"behavior={behavior!r} was given, but the log has no behaviour column. "
                "Name it: EventLog(..., behavior=...)."
            )
        several = is_several(behavior)
        wanted = list(behavior) if several else [behavior]
        if not wanted:
            raise ValueError(
                "behavior is an empty list. Name at least one, or pass None for any event."
            )
        codes, values = _frames.encode(self._table[self.behavior])
        known = list(_frames.to_objects(values))
        number = {value: i for i, value in enumerate(known)}
        for value in wanted:
            if not isinstance(value, Hashable):
                raise ValueError(
                    f"behavior must be a value of {self.behavior!r} or a list of such values; it "
                    f"holds {shown(value)}."
                )
        # An event without a behaviour has code -1. One comparison per behaviour takes a twentieth
        # of the time of indexing a table by the codes.
        matches = [codes == number.get(value, -2) for value in wanted]
        for value, mask in zip(wanted, matches, strict=True):
            if not mask.any():
                present = np.unique(codes[codes >= 0])
                listed = ", ".join(repr(known[code]) for code in present[:10]) or "none at all"
                raise InvalidLogError(
                    f"No event has {self.behavior} = {value!r}; the log holds {listed}."
                )
        return np.logical_or.reduce(matches)
