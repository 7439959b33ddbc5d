"""Labels: what each sample's user did after the cutoff."""

from dataclasses import dataclass

import numpy as np

from skbseq import _frames
from skbseq._sequences import ranges
from skbseq.events._state import LogState, check_choice
from skbseq.exceptions import CensoredLabelError, InvalidLogError

_CENSORED = ("raise", "observed", "nan")
_DAY = 86_400


@dataclass(frozen=True)
class Window:
    """The events after each sample's cutoff within its horizon, as positions.

    ``open_`` says where the horizon reaches past what the log can tell.
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
        """Whether, how often or when each sample's user shows a behaviour after the cutoff.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        behavior : object or list of objects, default=None
            Value or values of the behaviour column. None: any event at all.
        horizon : str, timedelta, list of those, or None
            Span after the cutoff (and the gap), such as "7D"; its end belongs to it. A list
            gives a table with a column for each. None, in a log by sessions only: to the end of
            the session.
        gap : str or timedelta, default=None
            Span between the cutoff and the horizon, in which nothing counts. None: no gap.
        kind : {"any", "count", "time"}, default="any"
            Whether there is such an event, how many there are, or the days from the cutoff to
            the first, infinite if there is none within the horizon.
        censored : {"raise", "observed", "nan"}, default="raise"
            What to say of a sample whose horizon reaches past the end of the log, so that the
            label is not yet decided: raise an error, say what has been observed so far, or NaN
            (labels are floats then). That a behaviour was seen is decided at once; a count is
            not before the end.

        Returns
        -------
        ndarray of shape (n_samples,)
            Bool, int or float, as ``kind`` says; floats where ``censored="nan"``. For several
            horizons a table of the library of the samples, a column for each.

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
        shows, begin, end = self._showing(behavior, window)
        count = end - begin
        if kind == "count":
            return self._decided(count, window.open_, window, censored)
        found = count > 0
        undecided = window.open_ & ~found
        if kind == "any":
            return self._decided(found, undecided, window, censored)
        first = begin[found] if shows is None else shows[begin[found]]
        days = np.full(len(found), np.inf)
        elapsed = self._index.times[first] - window.cutoffs[found]
        days[found] = elapsed / (self._clock.per_second * _DAY)
        return self._decided(days, undecided, window, censored)

    def label_churn(self, samples, *, horizon, behavior=None, gap=None, censored="raise"):
        """Whether each sample's user stays away: no event within the horizon after the cutoff.

        Who comes back is known at once; that somebody stays away is known only when the whole
        horizon has passed. Where it reaches past the end of the log, a user without an event is
        right-censored. Dropping those alone would leave only the faithful among the youngest
        samples: drop all samples whose horizon is not over, or choose earlier cutoffs.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        horizon : str, timedelta, or list of those
            Span after the cutoff (and the gap), such as "90D". A list gives a table with a
            column for each.
        behavior : object or list of objects, default=None
            What counts as coming back, such as "buy". None: any event.
        gap : str or timedelta, default=None
            Span between the cutoff and the horizon, in which nothing counts. None: no gap.
        censored : {"raise", "observed", "nan"}, default="raise"
            What to say of a sample whose horizon reaches past the end of the log and who has
            not come back yet: raise an error, True (churned so far), or NaN (labels are floats
            then).

        Returns
        -------
        ndarray of bool of shape (n_samples,)
            Of float where ``censored="nan"``; a table for several horizons.

        Raises
        ------
        CensoredLabelError
            If a label is not decided at the end of the log and ``censored="raise"``.
        InvalidLogError
            If the log is not clean.

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
        return 1 - seen if censored == "nan" else ~seen

    def label_next(
        self, samples, column=None, *, behavior=None, horizon=None, none=None, censored="raise"
    ):
        """What each sample's user does next: a value of the next event after the cutoff.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        column : str, default=None
            Column to read. None: the behaviour column; the product column is the next product.
        behavior : object or list of objects, default=None
            Only events of such a behaviour count: the next product *bought*. None: any event.
        horizon : str or timedelta, default=None
            Span after the cutoff within which the event must lie. None: however late.
        none : object, default=None
            Label of who does nothing within the horizon.
        censored : {"raise", "observed", "nan"}, default="raise"
            What to say of a sample without a next event whose horizon reaches past the end of
            the log (as it always does without a horizon): raise an error, the label ``none``, or
            a missing value.

        Returns
        -------
        ndarray of shape (n_samples,)
            Values of the column; an array of objects with None where a label is missing.

        Raises
        ------
        CensoredLabelError
            If a label is not decided at the end of the log and ``censored="raise"``.
        InvalidLogError
            If the log is not clean or lacks the column.

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
        shows, begin, end = self._showing(behavior, window)
        found = end > begin
        first = begin[found] if shows is None else shows[begin[found]]
        undecided = window.open_ & ~found
        endless = horizon is None and self._session_gap is None
        self._check_decided(undecided, window, censored, endless=endless)
        labels = np.empty(len(found), dtype=object)
        labels[:] = [none]
        labels[undecided] = None if censored == "nan" else none
        labels[found] = _frames.to_objects(_frames.take(self._table[column], first))
        kinds = {type(label) for label in labels}
        # A NumPy array of several types would make strings of all of them.
        alike = len(kinds) == 1 and type(None) not in kinds
        return np.array(labels.tolist()) if alike else labels

    def _label_column(self, column):
        name = self.behavior if column is None else column
        if name is None:
            raise InvalidLogError(
                "The log has no behaviour column to read the next event from. Name it: "
                "EventLog(..., behavior=...), or pass column=."
            )
        return self._check_column(name)

    def _check_column(self, name):
        if name not in self._table.column_names:
            raise InvalidLogError(
                f"The log has no column {name!r}; it has "
                f"{', '.join(map(repr, self._table.column_names))}."
            )
        return name

    def label_sum(self, samples, column, *, horizon, behavior=None, gap=None, censored="raise"):
        """The sum of a numeric column over each sample's horizon, such as the spend.

        Parameters
        ----------
        samples : table of shape (n_samples, n_columns)
            With the user column and ``cutoff``.
        column : str
            Numeric column; a missing value adds nothing.
        horizon : str, timedelta, list of those, or None
            Span after the cutoff (and the gap), such as "90D". A list gives a table with a
            column for each. None, in a log by sessions only: to the end of the session.
        behavior : object or list of objects, default=None
            Only events of such a behaviour count. None: any event.
        gap : str or timedelta, default=None
            Span between the cutoff and the horizon, in which nothing counts. None: no gap.
        censored : {"raise", "observed", "nan"}, default="raise"
            What to say of a sample whose horizon reaches past the end of the log: raise an
            error, the sum so far, or NaN.

        Returns
        -------
        ndarray of float of shape (n_samples,)
            Zero where nothing happened; a table for several horizons.

        Raises
        ------
        CensoredLabelError
            If a horizon reaches past the end of the log and ``censored="raise"``.
        InvalidLogError
            If the log is not clean, or the column is not there or not numeric.

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
        shows = self._shows(behavior)
        if shows is not None:
            values = np.where(shows[rows], values, 0.0)
        sample_of = np.repeat(np.arange(len(window.start)), np.diff(offsets))
        # Not the difference of running sums, in which a large early value would drown small ones.
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

        With ``endless`` no horizon means for ever; else it means to the end of the session.
        """
        users, cutoffs, start = self._read_windows(samples)
        begins = cutoffs
        if gap is not None:
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
                "horizon=None means to the end of the session, and this log is not one of "
                "sessions: log.sessions(gap='30min').by('session'). Give a horizon such as '7D'."
            )
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
                f"The label of row {row} cannot be known: nothing more was seen of its user by "
                f"the end of the log at {self._clock.say(self._until)} "
                f"({int(undecided.sum()):,} such samples). Pass censored='nan' to leave these "
                "open, or give a horizon, after which nobody is waited for."
            )
        raise CensoredLabelError(
            f"The label of row {row} cannot be known: its horizon ends at "
            f"{self._clock.say(window.ends[row])} but the log at {self._clock.say(self._until)} "
            f"({int(undecided.sum()):,} such samples). Take an earlier cutoff or a shorter "
            "horizon, give EventLog(until=...) if the log is complete to a later moment, or "
            "pass censored='observed' or 'nan'."
        )

    def _showing(self, behavior, window):
        """Positions of the events that show a behaviour, and each window's part of them.

        None in the place of the positions stands for all events.
        """
        shows = self._shows(behavior)
        if shows is None:
            return None, window.start, window.stop
        shows = np.flatnonzero(shows)
        return shows, np.searchsorted(shows, window.start), np.searchsorted(shows, window.stop)

    def _shows(self, behavior):
        """Where the events show a behaviour; None for all of them."""
        if behavior is None:
            return None
        if self.behavior is None:
            raise InvalidLogError(
                f"behavior={behavior!r} was asked for, but the log has no behaviour column. "
                "Name it: EventLog(..., behavior=...)."
            )
        several = hasattr(behavior, "__iter__") and not isinstance(behavior, (str, bytes))
        wanted = list(behavior) if several else [behavior]
        if not wanted:
            raise ValueError(
                "behavior is an empty list. Name at least one, or pass None for any event."
            )
        codes, values = _frames.encode(self._table[self.behavior])
        known = list(_frames.to_objects(values))
        # An event without a behaviour has the code -1. A comparison per behaviour takes a
        # twentieth of the time of a look-up by codes.
        shows = [codes == (known.index(v) if v in known else -2) for v in wanted]
        for value, mask in zip(wanted, shows, strict=True):
            if not mask.any():
                present = np.unique(codes[codes >= 0])
                listed = ", ".join(repr(known[code]) for code in present[:10]) or "none at all"
                raise InvalidLogError(
                    f"No event has {self.behavior} = {value!r}; the log holds {listed}."
                )
        return np.logical_or.reduce(shows)
