"""Sequential patterns: which items follow one another."""

import numpy as np

from skbseq import _frames
from skbseq.association._itemsets import set_columns
from skbseq.association._patterns import Ordered, PatternSearch, TooManyPatternsError
from skbseq.association._sets import Incidence
from skbseq.association._support import MAX_CANDIDATES, check_gap, check_sizes, least_count
from skbseq.events._groups import group_items

__all__ = ["sequential_patterns"]


def sequential_patterns(
    log,
    min_support,
    *,
    by="user",
    item=None,
    max_gap=None,
    max_size=None,
    min_count=5,
    max_candidates=MAX_CANDIDATES,
):
    """Items that follow one another in the histories of many users, in this order.

    Parameters
    ----------
    log : EventLog
        A clean log. Events of equal time have the order of the log (``EventLog(ties=...)``).
    min_support : float or int
        Smallest support of a pattern. A float is a share of the groups, above 0 and at most 1.
        An int is a number of groups.
    by : str, default="user"
        What a group is: "user", "session" (of a log with :meth:`~skbseq.EventLog.sessions`) or
        the name of a column. A group counts once for a pattern, however often the pattern occurs
        in it. Groups without any item are not counted.
    item : str, default=None
        What an item is: "product", "behavior" or the name of a column of strings, integers or
        booleans. None: the products, or the behaviours of a log without products. Events
        without an item are left out.
    max_gap : int, str or timedelta, default=None
        Largest distance of two events that follow one another in a pattern. An int is a number
        of events: 1 means the next event with an item. A duration such as "7D" is a span of time.
        None: no limit, any events may lie between.
    max_size : int, default=None
        Largest number of items of a pattern. None: no limit.
    min_count : int, default=5
        With a share as ``min_support``: a pattern must occur in at least this many groups,
        because few groups are mostly chance. A warning says if it is more than the share.
    max_candidates : int, default=1000000
        Largest number of patterns. More are an error, before they take memory.

    Returns
    -------
    table of the library of the log
        One row per pattern, the shorter patterns first, then by count, with the columns

        - ``items``: list of the items in the order in which they occur;
        - ``size``: number of items;
        - ``count``: number of groups with the pattern;
        - ``support``: share of the groups with the pattern.

    Raises
    ------
    InvalidLogError
        If the log is not clean, has no events, or no events with an item. If a column does not
        exist, has another type, or is missing in an event that has an item.
    ValueError
        If a parameter is out of range, or there are more patterns than ``max_candidates``.
    TypeError
        If ``log`` is no EventLog, or ``max_gap`` is neither a number nor a duration.

    Warns
    -----
    UserWarning
        If ``min_count`` raises the least support.

    See Also
    --------
    frequent_itemsets : The same without an order.
    contrast_patterns : Patterns that are more frequent in one of two classes.

    Notes
    -----
    Patterns grow item by item, as in PrefixSpan [1]_. Without a gap, only the earliest occurrence
    in each group has to be followed; with one, all of them.

    References
    ----------
    .. [1] Pei et al. (2001). PrefixSpan: mining sequential patterns efficiently by
       prefix-projected pattern growth. ICDE.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.association import sequential_patterns
    >>> events = pd.DataFrame(
    ...     {
    ...         "who": [1, 1, 1, 2, 2],
    ...         "day": ["2026-01-01", "2026-01-02", "2026-01-09", "2026-01-03", "2026-01-03"],
    ...         "what": ["view", "cart", "buy", "buy", "view"],
    ...         "row": range(5),
    ...     }
    ... )
    >>> log = EventLog(events, user="who", time="day", behavior="what", ties=["row"])
    >>> patterns = sequential_patterns(log, min_support=1, max_size=2)
    >>> patterns["items"].tolist()[3:]
    [['buy', 'view'], ['cart', 'buy'], ['view', 'buy'], ['view', 'cart']]
    >>> near = sequential_patterns(log, min_support=1, max_size=2, max_gap="2D")
    >>> near["items"].tolist()[3:]
    [['buy', 'view'], ['view', 'cart']]
    """
    max_size = check_sizes(max_size, max_candidates)
    check_gap(max_gap)
    groups = group_items(log, by, item)
    n_groups = len(groups.offsets) - 1
    least = least_count(min_support, min_count, n_groups, groups.noun)
    try:
        search = search_patterns(groups, least, max_gap, max_size, max_candidates)
    except TooManyPatternsError as error:
        raise ValueError(too_many_patterns(*error.args, least, groups, max_candidates)) from error
    found = [(patterns, counts) for patterns, counts, _ in search.by_size()]
    columns = set_columns(found, groups.values)
    columns["support"] = columns["count"] / n_groups
    return _frames.frame_from_columns(columns, like=groups.library)


def search_patterns(groups, least, max_gap, max_size, max_patterns, labels=None):
    """Find the patterns of at least ``least`` groups; items are the codes of the groups."""
    kept = np.flatnonzero(Incidence.of_events(groups).counts() >= least)
    ordered = Ordered.of_groups(groups, kept, max_gap)
    search = PatternSearch(ordered, least, max_size, max_patterns, labels).run()
    search.items = [kept[items] for items in search.items]
    return search


def too_many_patterns(number, size, least, groups, max_patterns):
    """The message of too many patterns."""
    n_groups = len(groups.offsets) - 1
    return (
        f"With a support of {least:,} of {n_groups:,} {groups.noun}, {number:,} "
        f"patterns of up to {size} items were found and the search is not over, more than "
        f"max_candidates={max_patterns:,}. Raise min_support, set max_size or max_gap, or pass a "
        "larger max_candidates."
    )
