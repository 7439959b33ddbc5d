"""The items of each user, session or invoice of a log, in time order."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skbseq import _frames
from skbseq._checks import shown
from skbseq._sequences import offsets_of
from skbseq.events._state import LogState, check_column
from skbseq.exceptions import InvalidLogError

# Types of values that can be items.
ITEM_TYPES = ("string", "integer", "boolean")


@dataclass(frozen=True)
class ItemGroups:
    """Events that have an item, group by group and in time order within a group.

    Group ``i`` has the events ``offsets[i]`` to ``offsets[i + 1]``; it may have none. ``codes``
    holds the item of each event as a position in ``values``, whose items are in ascending order.
    ``times`` holds ticks, or is None if there are no times. ``span`` maps a duration and the name
    of its parameter to ticks. ``noun`` says what the groups are, for messages, and ``library`` is
    that of the data.
    """

    codes: np.ndarray
    values: Any
    offsets: np.ndarray
    times: np.ndarray | None
    span: Any
    noun: str
    library: str

    @property
    def group_of_event(self):
        """Number of the group of each event."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def group_items(log, by, item):
    """The items of a log by group; events without an item are left out.

    Parameters
    ----------
    log : EventLog
    by : str
        "user", "session" or the name of a column.
    item : str or None
        "product", "behavior" or the name of a column. None: the products, or the behaviours of a
        log without products.

    Returns
    -------
    ItemGroups
        Only groups with an item.

    Raises
    ------
    InvalidLogError
        If the log is not clean or has no events, a column does not exist or has the wrong type,
        no event has an item, or an event with an item has no group.
    TypeError
        If ``log`` is no EventLog.
    """
    if not isinstance(log, LogState):
        raise TypeError(
            f"log must be an EventLog; got {type(log).__name__}. Make one: EventLog(table, "
            "user=..., time=...)."
        )
    log._check_clean()
    if not len(log._index.times):
        raise InvalidLogError("The log has no events, so there is nothing to count.")
    by, item = _find_group(log, by), _find_item(log, item)
    if by == item:
        raise InvalidLogError(
            f"by and item are the same column, {by!r}, so each group would have one item. Name "
            "another column in one of them."
        )
    column = _frames.decode_strings(_frames.whole_to_integers(_frames.as_array(log._table[item])))
    _check_items(column, item)
    rows = np.flatnonzero(~_frames.is_missing(column))
    if not len(rows):
        raise InvalidLogError(f"Column {item!r}, the items, is missing in all events.")
    rows, offsets = _sort_groups(log, by, rows)
    codes, values = _frames.encode_sorted(_frames.take(column, rows))
    times = log._index.times[rows]
    return ItemGroups(
        codes, values, offsets, times, log._clock.span, f"groups by {by!r}", log._library
    )


def _find_group(log, by):
    session = None if log._sessions is None else log._sessions[0]
    if session is None and log._session_gap is not None:  # the sessions are in the role of users
        session = log.user
    return _find_column(
        log,
        by,
        "by",
        {"user": log.user, "session": session},
        "The log has no sessions. Make them: log.sessions(gap=...).",
    )


def _find_item(log, item):
    if item is None:
        item = "behavior" if log.product is None else "product"
        if log.product is None and log.behavior is None:
            raise InvalidLogError(
                "The log has no product and no behaviour column. Name the column of the items: "
                f"item=...; there are {', '.join(map(repr, log._table.column_names))}."
            )
    roles = {"product": log.product, "behavior": log.behavior}
    return _find_column(
        log,
        item,
        "item",
        roles,
        f"The log has no {item} column. Name it: EventLog(..., {item}=...).",
    )


def _find_column(log, name, parameter, roles, without_role):
    """The column that a parameter names, by its role or by its own name."""
    role = roles.get(name) if isinstance(name, str) else None
    names = log._table.column_names
    if role is not None and role != name and name in names:
        raise InvalidLogError(
            f"{parameter}={name!r} may be the column of this name, or the role {name!r}, which "
            f"{role!r} has. Name the latter by {parameter}={role!r}, or rename the former."
        )
    if role is not None:
        return role
    if isinstance(name, str) and name in roles and name not in names:
        raise InvalidLogError(without_role)
    check_column(log._table, name, parameter)
    return name


def _check_items(column, name):
    kind = _frames.kind_of(column.type)
    if kind not in (*ITEM_TYPES, "null"):
        raise InvalidLogError(
            f"Column {name!r} holds {kind} values; items are strings, integers or booleans. "
            "Convert it, or name another column: item=..."
        )


def _sort_groups(log, by, rows):
    """Events in the order of groups and times, and the offset of each group."""
    if by == log.user:
        group = log._index.user_of_event[rows]
        counts = np.bincount(group)
        return rows, offsets_of(counts[counts > 0])
    column = _frames.take(log._table[by], rows)
    if _frames.kind_of(column.type) == "list":
        raise InvalidLogError(
            f"Column {by!r} holds list values, which cannot identify groups. Name another: by=..."
        )
    missing = _frames.is_missing(column)
    if missing.any():
        raise InvalidLogError(_text_of_missing(log, by, rows[missing]))
    codes, values = _frames.encode_sorted(column)
    order = np.lexsort((log._index.times[rows], codes))
    return rows[order], offsets_of(np.bincount(codes, minlength=len(values)))


def _text_of_missing(log, by, rows):
    user = _frames.to_objects(_frames.take(log._table[log.user], rows[:1]))[0]
    moment = log._clock.format(log._index.times[rows[0]])
    advice = f"To drop and count them: log.by({by!r}).clean(), then by='user'."
    if by in (log.behavior, log.product):  # a column cannot be the user as well
        advice = "Drop these rows from the table before you make the log."
    return (
        f"Column {by!r} is missing in {len(rows):,} events, the first of {log.user} "
        f"{shown(user)} at {moment}. {advice}"
    )
