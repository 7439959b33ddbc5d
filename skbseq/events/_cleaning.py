"""Cleaning rules and their report. Rows in always equal rows out plus rows dropped."""

import html
import re
from dataclasses import dataclass, field

import numpy as np

from skbseq import _frames
from skbseq._checks import check_choice, check_count, shown
from skbseq._time import to_timedelta
from skbseq.events._index import tied_events
from skbseq.exceptions import InvalidLogError

_EXAMPLES = 3
_RULE = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*")
_COMPARE = {
    ">=": np.greater_equal,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
}


@dataclass(frozen=True)
class CleaningReport:
    """Report of the rows that :meth:`EventLog.clean` dropped.

    It prints as text, displays as a table in a notebook, and :meth:`to_frame` returns a table.

    Parameters
    ----------
    rows_in : int
        Events before cleaning.
    dropped : dict of str to int, default={}
        Events dropped, by reason. A row counts only for its first reason.
    examples : dict of str to table, default={}
        The first few events dropped for each reason, in the library of the log.

    Raises
    ------
    ValueError
        If a count is not a whole number of zero or more, or ``dropped`` or ``examples`` no dict.

    Examples
    --------
    >>> from skbseq.events import CleaningReport
    >>> report = CleaningReport(rows_in=10, dropped={"exact duplicate": 2})
    >>> report.rows_out
    8
    >>> print(report)
    Cleaning: 10 events in, 8 out, 2 dropped
      exact duplicate    2  (20.0%)
    >>> report.to_frame()
                reason  rows  share
    0  exact duplicate     2    0.2
    """

    rows_in: int
    dropped: dict = field(default_factory=dict)
    examples: dict = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self):
        check_count("rows_in", self.rows_in, least=0)
        if not isinstance(self.dropped, dict):
            raise ValueError(
                f"dropped must be a dict of reasons and counts; got {shown(self.dropped)}."
            )
        for reason, count in self.dropped.items():
            check_count(f"dropped[{reason!r}]", count, least=0)
        if not isinstance(self.examples, dict):
            raise ValueError(
                f"examples must be a dict of reasons and tables; got {shown(self.examples)}."
            )

    @property
    def rows_out(self):
        """Events after cleaning."""
        return self.rows_in - sum(self.dropped.values())

    def to_frame(self, library="pandas"):
        """The report as a table: ``reason``, ``rows``, and ``share`` of the rows before cleaning.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}, default="pandas"
            Library of the table.

        Returns
        -------
        table of shape (n_reasons, 3)
            One row per reason.

        Raises
        ------
        ValueError
            If there is no such library.
        """
        check_choice("library", library, ("pandas", "polars", "pyarrow"))
        rows = np.array(list(self.dropped.values()), np.int64)
        columns = {
            "reason": list(self.dropped),
            "rows": rows,
            "share": rows / max(self.rows_in, 1),
        }
        return _frames.frame_from_columns(columns, like=library)

    def _title(self):
        lost = sum(self.dropped.values())
        return f"Cleaning: {self.rows_in:,} events in, {self.rows_out:,} out, {lost:,} dropped"

    def __str__(self):
        lines = [self._title()]
        width = max((len(reason) for reason in self.dropped), default=0)
        digits = max((len(f"{count:,}") for count in self.dropped.values()), default=0)
        for reason, count in self.dropped.items():
            share = 100 * count / max(self.rows_in, 1)
            lines.append(f"  {reason:<{width}}  {count:>{digits + 2},}  ({share:.1f}%)")
        return "\n".join(lines)

    def _repr_html_(self):
        rows = []
        for reason, count in self.dropped.items():
            share = 100 * count / max(self.rows_in, 1)
            shown = self.examples.get(reason)
            example = "" if shown is None else _format_example(shown)
            cells = (reason, f"{count:,}", f"{share:.1f}%", example)
            rows.append("".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
        head = "".join(f"<th>{name}</th>" for name in ("reason", "rows", "share", "such as"))
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return (
            f"<p>{html.escape(self._title())}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _format_example(table):
    row = _frames.to_arrow(table).slice(0, 1).to_pylist()[0]
    return ", ".join(f"{name} = {value}" for name, value in row.items())


class Sieve:
    """Drops events of a log, one reason after another, and counts them.

    Parameters
    ----------
    log : EventLog
        Its events without user or time are already separate.
    """

    def __init__(self, log):
        self._log = log
        self.rows = np.arange(len(log._index.times))
        self.index = log._index
        self._dropped = log._cut | log._unplaced
        self._examples = log._cut_examples | {
            reason: table for reason, table in log._unplaced_examples.items() if table.num_rows
        }

    def sorted_by(self, names):
        """Whether events that are equal in these columns are adjacent."""
        # True if ties were sorted by all columns; `ties="rows"` keeps the order of the rows.
        return self._log.ties != "rows" and set(names) == set(self._log._table.column_names)

    def column(self, name):
        """A column of the remaining events."""
        column = self._log._table[name]
        # Before the first drop, the column is shared and not copied.
        return column if len(self.rows) == len(column) else _frames.take(column, self.rows)

    def drop(self, mask, reason):
        """Drop remaining events.

        Parameters
        ----------
        mask : ndarray of bool of shape (n_events_left,)
        reason : str
        """
        # Also counts of 0, so that the report lists every rule that was applied.
        self._dropped[reason] = self._dropped.get(reason, 0) + int(mask.sum())
        if not mask.any():
            return
        first = self.rows[np.flatnonzero(mask)[:_EXAMPLES]]
        self._examples.setdefault(reason, _frames.take_rows(self._log._table, first))
        kept = np.flatnonzero(~mask)
        if kept.size == 0:
            raise InvalidLogError(
                f"Nothing is left of the log: its last {len(mask):,} events were dropped as "
                f"{reason!r}. Relax this rule, or check the column that it reads."
            )
        self.rows, self.index = self.rows[kept], self.index.keep(kept)

    def report(self):
        """The report so far."""
        examples = {
            reason: _frames.frame_from_columns(
                {name: table[name] for name in table.column_names}, like=self._log._library
            )
            for reason, table in self._examples.items()
        }
        rows_in = len(self._log) + sum(self._log._cut.values())
        return CleaningReport(rows_in, self._dropped, examples)


# ------------------------------------------------------------------ reasons


def duplicate_events(sieve, names):
    """Events that repeat an earlier one of the same user and time in these columns.

    Only events that share user and time with a neighbour can be duplicates, so only these are
    compared. If the events are sorted by all columns, each is compared only with its neighbour.

    Returns
    -------
    ndarray of bool of shape (n_events_left,)
    """
    rows, group = tied_events(sieve.index)
    duplicate = np.zeros(len(sieve.rows), bool)
    if rows.size and sieve.sorted_by(names):
        equal = np.diff(group, prepend=-1) == 0
        for name in names:
            codes, _ = _frames.encode(_frames.take(sieve.column(name), rows))
            equal &= np.diff(codes, prepend=-2) == 0  # -1 is the code of a missing value
        duplicate[rows] = equal
    elif rows.size:
        for name in names:
            codes, _ = _frames.encode(_frames.take(sieve.column(name), rows))
            group = pair_ids(group, codes.astype(np.int64) + 1)  # missing values become 0
        # Ids count up in order of first appearance, so a first event exceeds all ids before it.
        duplicate[rows] = np.diff(np.maximum.accumulate(group), prepend=-1) == 0
    return duplicate


def pair_ids(left, right):
    """One id for each pair of numbers, counting up from 0 in order of first appearance.

    The ids are dense, so that products of them do not overflow. They are found by hashing;
    sorting would take five times as long.
    """
    pairs = left * (right.max(initial=0) + 1) + right
    return _frames.encode(_frames.make_array(pairs))[0].astype(np.int64)


def key_of_events(sieve, names):
    """An id for each event, equal for events of one user that are equal in these columns."""
    key = sieve.index.user_of_event
    for name in names:
        codes, _ = _frames.encode(_frames.nan_to_null(sieve.column(name)))
        key = pair_ids(key, codes.astype(np.int64) + 1)
    return key


def repeated_events(sieve, names, tolerance):
    """Events that follow an equal one of the same user within a span, such as double clicks.

    In a series of quick repeats, each event is compared with the preceding one, so that only the
    first one is kept.
    """
    key = key_of_events(sieve, names)
    order = np.argsort(key, kind="stable")  # stable: events of a key stay in time order
    times = sieve.index.times[order]
    repeated = np.zeros(len(key), bool)
    near = (times[1:] - times[:-1] <= tolerance) & (key[order[1:]] == key[order[:-1]])
    repeated[order[1:]] = near
    return repeated


def cancelled_events(sieve, column, names):
    """Events with a negative number, and the earlier ones that they cancel.

    A negative event cancels the latest event up to its time that is of the same user, is equal in
    ``names``, has the same absolute number and is not cancelled yet. So pairs match like brackets:
    within one key, an opening bracket and its closing one are neighbours among those of equal
    depth.
    """
    values = sieve.column(column)
    if _frames.kind_of(values.type) not in ("integer", "float"):
        raise InvalidLogError(
            f"cancelled={column!r} holds {_frames.kind_of(values.type)} values; it must hold "
            "numbers, where a negative one cancels a positive one."
        )
    numbers = _frames.numbers(values)
    rows = np.flatnonzero(~np.isnan(numbers) & (numbers != 0))  # zero cancels nothing
    sizes, _ = _frames.encode(_frames.make_array(np.abs(numbers[rows])))
    key = pair_ids(key_of_events(sieve, names)[rows], sizes.astype(np.int64))
    # Positive numbers first: in a log by days, the cancelled event may come later in the rows.
    order = np.lexsort((numbers[rows] < 0, sieve.index.times[rows], key))
    rows, key = rows[order], key[order]
    opens = numbers[rows] > 0
    # Cumulative sums over all keys at once: a constant offset per key does not change the pairs.
    depth = np.cumsum(np.where(opens, 1, -1)) + ~opens
    by_depth = np.lexsort((np.arange(len(rows)), depth, key))
    left, right = by_depth[:-1], by_depth[1:]
    pair = (key[left] == key[right]) & (depth[left] == depth[right]) & opens[left] & ~opens[right]
    cancelled = np.zeros(len(numbers), bool)
    cancelled[rows[left[pair]]] = cancelled[rows[right[pair]]] = True
    return cancelled


def robot_users(index, limit, span):
    """Users with more than ``limit`` events within some span.

    Returns
    -------
    ndarray of bool of shape (n_users,)
    """
    n_users = len(index.users)
    robot = np.zeros(n_users, bool)
    if len(index.times) > limit:
        user = index.user_of_event
        # Events are sorted by user and time, so a burst is `limit + 1` consecutive ones.
        burst = (user[limit:] == user[:-limit]) & (
            index.times[limit:] - index.times[:-limit] < span
        )
        robot[user[limit:][burst]] = True
    return robot


def read_rate(value):
    """Events and span of a rate such as "300/h" or "20/10s".

    Returns
    -------
    limit : int
    span : numpy.timedelta64
    """
    parts = value.split("/") if isinstance(value, str) else []
    try:
        limit, span = int(parts[0]), parts[1].strip()
        if limit < 1 or len(parts) != 2:
            raise ValueError
        # "300/h" means "300/1h".
        return limit, to_timedelta(span if span[:1].isdigit() else f"1{span}", name="max_rate")
    except (ValueError, IndexError) as error:
        raise ValueError(
            f"max_rate={value!r} is not a rate. Write events, a slash and a span, such as "
            "'300/h' or '20/10s'."
        ) from error


def broken_rule(column, name, rule, native):
    """Events that violate a rule about a column; a missing value violates none.

    Parameters
    ----------
    column : pyarrow.Array
    name : str
    rule : str or callable
        A comparison such as ">= 0", several joined by "and", or a function that maps the column
        to booleans.
    native : callable
        Converts the column to the user's library for such a function.

    Returns
    -------
    broken : ndarray of bool
    reason : str
    """
    missing = _frames.is_missing(column)
    if callable(rule):
        try:
            found = rule(native(column))
        except Exception as error:
            raise ValueError(
                f"rules[{name!r}] is a function that failed on the column: "
                f"{type(error).__name__}: {error}"
            ) from error
        holds = _frames.to_mask(found, f"rules[{name!r}]", len(column))
        return ~holds & ~missing, f"{name} fails {getattr(rule, '__name__', 'its rule')}"
    holds = np.ones(len(column), bool)
    column = _frames.decode_strings(column)
    for part in str(rule).split(" and "):
        match = _RULE.fullmatch(part)
        if match is None:
            raise ValueError(
                f"rules[{name!r}]={rule!r} is not a rule. Write a comparison such as '>= 0', "
                "several joined by 'and', or give a function from the column to booleans."
            )
        holds &= _holds(column, name, *match.groups())
    return ~holds & ~missing, f"{name} not {rule}"


def _holds(column, name, sign, text):
    kind = _frames.kind_of(column.type)
    if kind == "integer" and re.fullmatch(r"-?\d+", text):  # floats hold only 53 bits
        return _COMPARE[sign](_frames.integers(column, unsigned=True), int(text))
    if kind in ("integer", "float", "boolean"):
        try:
            return _COMPARE[sign](_frames.numbers(column), float(text))
        except ValueError as error:
            raise ValueError(
                f"rules[{name!r}]={sign + ' ' + text!r} compares numbers with {text!r}."
            ) from error
    if kind != "string" or sign not in ("==", "!="):
        raise ValueError(
            f"rules[{name!r}]={sign + ' ' + text!r} does not apply to {kind} values. Give a "
            "function."
        )
    codes, values = _frames.encode(column)
    # Code -1, a missing value, points to the False at the end.
    equal = np.array([*(v == text.strip("'\"") for v in values.to_pylist()), False])[codes]
    return equal if sign == "==" else ~equal
