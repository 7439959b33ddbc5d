"""Contrast patterns: what the histories of two classes of users differ in."""

import warnings
from numbers import Number

import numpy as np

from skbseq import _frames
from skbseq._checks import check_flag, is_real, is_several, shown
from skbseq._inputs import check_is_raw
from skbseq._targets import check_is_histories, present_values
from skbseq._time import ticks_per_second, to_timedelta
from skbseq.association._itemsets import to_lists, too_many_sets
from skbseq.association._patterns import TooManyPatternsError
from skbseq.association._sequences import search_patterns, too_many_patterns
from skbseq.association._sets import Incidence, TooManyError, count_sets, mine_sets
from skbseq.association._statistics import fisher_p, holm, normal_quantile, odds_ratio_interval
from skbseq.association._support import MAX_CANDIDATES, check_gap, check_sizes, least_count
from skbseq.events._groups import ITEM_TYPES, ItemGroups
from skbseq.exceptions import SequenceFrameError

__all__ = ["contrast_patterns"]


def contrast_patterns(
    X,
    y,
    *,
    item=None,
    ordered=True,
    min_support=0.05,
    max_size=2,
    max_gap=None,
    min_count=5,
    pos_label=None,
    level=0.95,
    max_candidates=MAX_CANDIDATES,
):
    """Items and patterns that are more frequent in the histories of one of two classes.

    Parameters
    ----------
    X : sequence frame of shape (n_samples, n_columns)
        One row per user, with the raw values: not the codes of an encoder. Each row counts once
        for a pattern, however often the pattern occurs in it.
    y : array-like of shape (n_samples,)
        The class of each row, one of two.
    item : str, default=None
        List column of the items: strings, integers or booleans. None: the only such column.
        Events without an item are left out.
    ordered : bool, default=True
        True: patterns are items in this order, as in :func:`sequential_patterns`. False: sets of
        items in any order, as in :func:`frequent_itemsets`.
    min_support : float or int, default=0.05
        Smallest support of a pattern in all rows together. A float is a share of the rows, above
        0 and at most 1. An int is a number of rows.
    max_size : int, default=2
        Largest number of items of a pattern. None: no limit. More patterns need stronger
        evidence, see ``p_holm``.
    max_gap : int, str or timedelta, default=None
        With ``ordered``: largest distance of two events that follow one another in a pattern. An
        int is a number of events: 1 means the next event with an item. A duration such as "7D" is
        a span of time, and needs one list column of times. None: no limit.
    min_count : int, default=5
        With a share as ``min_support``: a pattern must occur in at least this many rows. A
        warning says if it is more than the share.
    pos_label : int, float, bool or str, default=None
        The positive class. None: 1, for labels 0 and 1, -1 and 1, or booleans.
    level : float, default=0.95
        Level of the confidence intervals.
    max_candidates : int, default=1000000
        Largest number of patterns, or of candidate sets of one size. More are an error, before
        they take memory.

    Returns
    -------
    table of the library of X
        One row per pattern, the smallest p-value first, with the columns

        - ``items``: list of the items, in the order in which they occur or ascending;
        - ``size``: number of items;
        - ``count``, ``count_positive``: rows with the pattern, and positive ones among them;
        - ``support_positive``, ``support_negative``: share of the rows of each class with the
          pattern;
        - ``odds_ratio``: odds of the pattern in the positive class over those in the negative
          one, with ``odds_ratio_low`` and ``odds_ratio_high``;
        - ``p_value``: of Fisher's exact test, two-sided;
        - ``p_holm``: the same, corrected for the number of rows of this table.

    Raises
    ------
    SequenceFrameError
        If X is not a sequence frame of raw values, or the items or times cannot be found.
    ValueError
        If y does not hold two classes, a parameter is out of range, or there are more candidates
        than ``max_candidates``.
    TypeError
        If ``max_gap`` is neither a number nor a duration.

    Warns
    -----
    UserWarning
        If ``min_count`` raises the least support, or users have several rows.

    See Also
    --------
    sequential_patterns : Frequent patterns of a log, without classes.

    Notes
    -----
    Patterns are chosen by their support in all rows, without regard to the classes. So Holm's
    method [1]_ bounds the probability that any ``p_holm`` is at most 0.05 by chance by 5%. The
    test assumes that rows are independent, which rows of the same user are not.

    The interval of the odds ratio is Woolf's. Where one of the four counts is zero, 0.5 is added
    to each, so that ratio and interval are finite.

    A difference is not a cause. Longer histories hold more patterns, so take histories of equal
    span (``lookback``) before you compare.

    References
    ----------
    .. [1] Holm (1979). A simple sequentially rejective multiple test procedure. Scandinavian
       Journal of Statistics 6.

    Examples
    --------
    >>> from skbseq.association import contrast_patterns
    >>> X = [["view", "cart"]] * 8 + [["cart", "view"]] * 8
    >>> y = [1] * 8 + [0] * 8
    >>> table = contrast_patterns(X, y, min_support=8)
    >>> table["items"].tolist()
    [['cart', 'view'], ['view', 'cart'], ['cart'], ['view']]
    >>> table["p_holm"].round(4).tolist()
    [0.0006, 0.0006, 1.0, 1.0]
    """
    check_flag("ordered", ordered)
    max_size = check_sizes(max_size, max_candidates)
    if not is_real(level) or not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, such as 0.95; got {shown(level)}.")
    if max_gap is not None and not ordered:
        raise ValueError("max_gap needs ordered=True; sets have no order.")
    groups = _read_items(X, item, timed=check_gap(max_gap))
    positive = _read_classes(y, len(groups.offsets) - 1, pos_label)
    least = least_count(min_support, min_count, len(positive), groups.noun)
    try:
        if ordered:
            found = _find_patterns(groups, least, max_gap, max_size, max_candidates, positive)
        else:
            found = _find_sets(groups, least, max_size, max_candidates, positive)
    except TooManyError as error:
        raise ValueError(too_many_sets(*error.args, least, groups, max_candidates)) from error
    except TooManyPatternsError as error:
        raise ValueError(too_many_patterns(*error.args, least, groups, max_candidates)) from error
    columns = _compare(found, groups.values, positive, normal_quantile(level))
    return _frames.frame_from_columns(columns, like=groups.library)


# ------------------------------------------------------------------ inputs


def _read_items(X, item, timed):
    """The items of each row; with times, if a gap is a span of time."""
    check_is_histories(X)
    columns = _frames.split_sequences(X, channels=() if item is None else (item,), nested=True)
    check_is_raw(columns)
    name = _find_items(columns, item)
    _warn_of_repeats(columns)
    values, offsets, places = present_values(columns.lists[name])
    if not len(values):
        raise SequenceFrameError(f"No history in {name!r} holds an item.")
    codes, values = _frames.encode_sorted(values)
    times, span = _read_times(columns, places, offsets) if timed else (None, None)
    return ItemGroups(codes, values, offsets, times, span, "rows of X", _frames.library_of(X))


def _find_items(columns, item):
    kinds = {n: _kind(c) for n, c in columns.lists.items()}
    there = ", ".join(f"{n!r} ({kind})" for n, kind in kinds.items())
    if item is None:
        fitting = [name for name, kind in kinds.items() if kind in ITEM_TYPES]
        if len(fitting) != 1:
            which = "More than one" if fitting else "None"
            raise SequenceFrameError(
                f"{which} of the list columns can hold the items, which are strings, integers or "
                f"booleans: {there}. Name it: item=..."
            )
        return fitting[0]
    if not isinstance(item, str) or item not in kinds:
        raise SequenceFrameError(
            f"item must be the name of a list column; got {shown(item)}. There are {there}."
        )
    if kinds[item] not in (*ITEM_TYPES, "null"):
        raise SequenceFrameError(
            f"Column {item!r} holds {kinds[item]} values; items are strings, integers or "
            f"booleans. Convert them, or name another list column; there are {there}."
        )
    return item


def _kind(column):
    return _frames.kind_of(_frames.decode_strings(column.values).type)


def _warn_of_repeats(columns):
    """Warn if EventLog.samples made several rows of a user, which are not independent."""
    names = list(columns.ordinary)
    if "cutoff" not in names[1:]:
        return
    user = names[names.index("cutoff") - 1]  # as in the samples of a log
    n_users = len(_frames.count_values(columns.ordinary[user])[0])
    if n_users < columns.n_rows:
        warnings.warn(
            f"The {columns.n_rows:,} rows of X have {n_users:,} different values of {user!r}. "
            "Rows of the same user are not independent, so the p-values are too small. Keep one "
            "row of each, such as samples at one cutoff.",
            UserWarning,
            stacklevel=4,
        )


def _read_times(columns, places, offsets):
    """Ticks of the events with an item, and a function that reads a duration in ticks."""
    timed = [name for name, column in columns.lists.items() if _kind(column) == "timestamp"]
    if len(timed) != 1:
        raise SequenceFrameError(
            "A duration as max_gap needs one list column of times; there are "
            f"{', '.join(map(repr, timed)) or 'none'}. Give a number of events instead, or keep "
            "one such column."
        )
    moments = _frames.read_moments(columns.lists[timed[0]].values, timed[0])
    ticks, missing, unit, _ = _frames.time_ticks(moments)
    ticks, missing = ticks[places], missing[places]
    bad = missing.copy()
    bad[1:] |= ticks[1:] < ticks[:-1]
    begins = offsets[:-1][np.diff(offsets) > 0]
    bad[begins] = missing[begins]
    if bad.any():
        at = _frames.first_row(bad)
        row = int(np.searchsorted(offsets, at, side="right")) - 1
        what = "a missing time" if missing[at] else "a time earlier than that of the event before"
        raise SequenceFrameError(f"Row {row} of {timed[0]!r} holds {what}. Sort or fill it.")

    def span(value, name):
        microseconds = int(to_timedelta(value, name=name).astype(np.int64))
        return min(microseconds * (ticks_per_second(unit) // 10**6), np.iinfo(np.int64).max)

    return ticks, span


def _read_classes(y, n_rows, pos_label):
    """Whether each row is of the positive class."""
    if not is_several(y) or not hasattr(y, "__len__") or getattr(y, "ndim", 1) != 1:
        raise ValueError(
            f"y must have one dimension, a class for each row of X; got {type(y).__name__}"
            f"{f' of shape {y.shape}' if hasattr(y, 'shape') else ''}."
        )
    if len(y) != n_rows:
        raise ValueError(f"X has {n_rows:,} rows and y {len(y):,} values; expected one per row.")
    column = _frames.decode_strings(_frames.read_column(y, "y"))
    missing = _frames.is_missing(column)
    if missing.any():
        raise ValueError(f"Row {_frames.first_row(missing)} of y is missing. Leave such rows out.")
    codes, values = _frames.encode_sorted(column)
    classes = _frames.to_objects(values).tolist()
    if len(classes) != 2:
        said = ", ".join(map(shown, classes[:5])) + (", ..." if len(classes) > 5 else "")
        raise ValueError(
            f"y must hold two classes to compare; it holds {len(classes)}: {said}. For more "
            "classes, compare one with all others: y == label."
        )
    return codes == classes.index(_positive_class(classes, pos_label))


def _positive_class(classes, pos_label):
    if pos_label is None:
        if classes not in ([0, 1], [-1, 1]):  # False equals 0
            raise ValueError(
                f"y holds the labels {classes}, so the positive class is ambiguous. Name it by "
                "pos_label."
            )
        return classes[1]
    if not isinstance(pos_label, (Number, str, np.bool_)) or pos_label not in classes:
        raise ValueError(f"pos_label={shown(pos_label)} is not one of the labels of y, {classes}.")
    return pos_label


# ------------------------------------------------------------------ counts and tests


def _find_patterns(groups, least, max_gap, max_size, max_candidates, positive):
    """For each size: patterns, rows with each, positive rows with each."""
    search = search_patterns(groups, least, max_gap, max_size, max_candidates, positive)
    in_positive = np.concatenate(search.positives)
    return [(patterns, counts, in_positive[ids]) for patterns, counts, ids in search.by_size()]


def _find_sets(groups, least, max_size, max_candidates, positive):
    """The same for sets."""
    incidence = Incidence.of_events(groups)
    found = mine_sets(incidence, least, max_size, max_candidates)
    kept = np.sort(found[0][0][:, 0])
    incidence = incidence.keep_groups(positive).keep_items(kept)
    return [
        (sets, counts, count_sets(incidence, np.searchsorted(kept, sets)))
        for sets, counts in found
    ]


def _compare(found, values, positive, z):
    """Patterns and tests as columns of a table, the smallest p-value first."""
    n_rows, n_positive = len(positive), int(positive.sum())
    none = np.zeros(0, np.int64)
    sizes = np.concatenate([none, *(np.full(len(p), p.shape[1]) for p, _, _ in found)])
    count = np.concatenate([none, *(counts for _, counts, _ in found)])
    in_positive = np.concatenate([none, *(counts for _, _, counts in found)])
    in_negative = count - in_positive
    n_negative = n_rows - n_positive
    table = np.array(
        [[in_positive, n_positive - in_positive], [in_negative, n_negative - in_negative]]
    ).transpose(2, 0, 1)
    ratio, low, high = odds_ratio_interval(table, z)
    p_value = fisher_p(count, in_positive, n_rows, n_positive)
    columns = {
        "size": sizes,
        "count": count,
        "count_positive": in_positive,
        "support_positive": in_positive / n_positive,
        "support_negative": in_negative / n_negative,
        "odds_ratio": ratio,
        "odds_ratio_low": low,
        "odds_ratio_high": high,
        "p_value": p_value,
        "p_holm": holm(p_value),
    }
    codes = _padded(found)
    order = np.lexsort([*codes.T[::-1], sizes, -np.abs(np.log(ratio)), p_value])
    codes = codes[order]
    items = to_lists([codes[codes >= 0]], sizes[order], values)
    return {"items": items} | {name: values[order] for name, values in columns.items()}


def _padded(found):
    """Patterns of all sizes as rows of one array, -1 after the last item."""
    width = max((patterns.shape[1] for patterns, _, _ in found), default=0)
    rows = [np.zeros((0, width), np.int64)]
    for patterns, _, _ in found:
        short = ((0, 0), (0, width - patterns.shape[1]))
        rows.append(np.pad(patterns, short, constant_values=-1))
    return np.concatenate(rows)
