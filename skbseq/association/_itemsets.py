"""Frequent itemsets: which items occur together."""

import numpy as np

from skbseq import _frames
from skbseq._sequences import offsets_of
from skbseq.association._sets import Incidence, TooManyError, mine_sets
from skbseq.association._support import MAX_CANDIDATES, check_sizes, least_count
from skbseq.events._groups import group_items

__all__ = ["frequent_itemsets"]


def frequent_itemsets(
    log,
    min_support,
    *,
    by="user",
    item=None,
    max_size=None,
    min_count=5,
    max_candidates=MAX_CANDIDATES,
):
    """Sets of items that many users, sessions or invoices have in common.

    Parameters
    ----------
    log : EventLog
        A clean log.
    min_support : float or int
        Smallest support of a set. A float is a share of the groups, above 0 and at most 1. An
        int is a number of groups.
    by : str, default="user"
        What a group is: "user", "session" (of a log with :meth:`~skbseq.EventLog.sessions`) or
        the name of a column, such as that of the invoice. A group counts once for a set, however
        often the items occur in it. Groups without any item are not counted.
    item : str, default=None
        What an item is: "product", "behavior" or the name of a column of strings, integers or
        booleans. None: the products, or the behaviours of a log without products. Events
        without an item are left out.
    max_size : int, default=None
        Largest number of items of a set. None: no limit.
    min_count : int, default=5
        With a share as ``min_support``: a set must occur in at least this many groups, because
        few groups are mostly chance. A warning says if it is more than the share.
    max_candidates : int, default=1000000
        Largest number of candidate sets of one size. More are an error, before they take memory.

    Returns
    -------
    table of the library of the log
        One row per set, the smaller sets first, then by count, with the columns

        - ``items``: list of the items in ascending order, as they are in the log;
        - ``size``: number of items;
        - ``count``: number of groups that have all of them;
        - ``support``: share of the groups that have all of them.

    Raises
    ------
    InvalidLogError
        If the log is not clean, has no events, or no events with an item. If a column does not
        exist, has another type, or is missing in an event that has an item.
    ValueError
        If a parameter is out of range, or there are more candidates than ``max_candidates``.
    TypeError
        If ``log`` is no EventLog.

    Warns
    -----
    UserWarning
        If ``min_count`` raises the least support.

    See Also
    --------
    association_rules : What follows from what, with confidence and lift.
    sequential_patterns : The same with an order of the items.

    Notes
    -----
    The Apriori algorithm [1]_: a set can only be frequent if all its subsets are. Pairs are
    counted by a product of sparse matrices, larger sets by bit sets, so the result is exact.

    References
    ----------
    .. [1] Agrawal, Srikant (1994). Fast algorithms for mining association rules. VLDB.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.association import frequent_itemsets
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer": [1, 1, 2, 2, 2, 3],
    ...         "day": pd.to_datetime(["2026-01-01"] * 6),
    ...         "article": ["tea", "cup", "tea", "cup", "jam", "tea"],
    ...     }
    ... )
    >>> log = EventLog(lines, user="customer", time="day", product="article")
    >>> frequent_itemsets(log, min_support=2)
              items  size  count   support
    0       ['tea']     1      3  1.000000
    1       ['cup']     1      2  0.666667
    2 ['cup' 'tea']     2      2  0.666667
    """
    max_size = check_sizes(max_size, max_candidates)
    groups = group_items(log, by, item)
    n_groups = len(groups.offsets) - 1
    least = least_count(min_support, min_count, n_groups, groups.noun)
    try:
        found = mine_sets(Incidence.of_events(groups), least, max_size, max_candidates)
    except TooManyError as error:
        raise ValueError(too_many_sets(*error.args, least, groups, max_candidates)) from error
    columns = set_columns(found, groups.values)
    columns["support"] = columns["count"] / n_groups
    return _frames.frame_from_columns(columns, like=groups.library)


def set_columns(found, values):
    """Sets as columns of a table, ordered by size, count and items.

    Parameters
    ----------
    found : list of tuple of (ndarray of shape (n_sets, size), ndarray of shape (n_sets,))
        As of :func:`mine_sets`.
    values : pyarrow.Array
        The items.

    Returns
    -------
    dict
    """
    parts = []
    for sets, counts in found:
        order = np.lexsort([*sets.T[::-1], -counts])
        parts.append((sets[order], counts[order]))
    sizes = np.concatenate([np.full(len(sets), sets.shape[1]) for sets, _ in parts])
    return {
        "items": to_lists([sets.ravel() for sets, _ in parts], sizes, values),
        "size": sizes,
        "count": np.concatenate([counts for _, counts in parts]),
    }


def to_lists(codes, sizes, values):
    """A list column of items, from arrays of their codes end to end and the length of each row."""
    return _frames.Lists(_frames.take(values, np.concatenate(codes)), offsets_of(sizes))


def too_many_sets(number, size, least, groups, max_candidates):
    """The message of too many candidates."""
    n_groups = len(groups.offsets) - 1
    what = "frequent pairs" if size == 2 else f"candidate sets of {size} items"
    return (
        f"With a support of {least:,} of {n_groups:,} {groups.noun} there are "
        f"{number:,} {what}, more than max_candidates={max_candidates:,}. Raise min_support, set "
        f"max_size={size - 1}, or pass max_candidates={number} or more."
    )
