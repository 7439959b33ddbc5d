"""Association rules: how often a set of items comes with another."""

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from skbseq import _frames
from skbseq._checks import check_choice, check_count, is_real, shown
from skbseq._sequences import offsets_of, ranges
from skbseq.association._itemsets import to_lists
from skbseq.association._sets import SetTree
from skbseq.association._statistics import normal_quantile, wilson_interval
from skbseq.association._support import MAX_CANDIDATES

__all__ = ["association_rules"]

METRICS = (
    "support",
    "confidence",
    "confidence_low",
    "lift",
    "lift_low",
    "leverage",
    "conviction",
)


def association_rules(
    itemsets,
    *,
    metric="confidence",
    min_value=0.5,
    level=0.95,
    max_consequent=None,
    max_candidates=MAX_CANDIDATES,
):
    """Rules of the form "groups with A often have B too", from frequent itemsets.

    Parameters
    ----------
    itemsets : table
        The whole result of :func:`frequent_itemsets`: with a set it needs all its subsets.
    metric : {"support", "confidence", "confidence_low", "lift", "lift_low", "leverage", \
"conviction"}, default="confidence"
        Column of the result by which rules are chosen and sorted.
    min_value : float, default=0.5
        Smallest value of ``metric``.
    level : float, default=0.95
        Level of the confidence intervals.
    max_consequent : int, default=None
        Largest number of items of B. None: no limit.
    max_candidates : int, default=1000000
        Largest number of rules to look at. More are an error, before they take memory.

    Returns
    -------
    table of the library of the itemsets
        One row per rule, the largest ``metric`` first, with the columns

        - ``antecedent``, ``consequent``: lists of items, A and B;
        - ``count``: number of groups with all items of both;
        - ``support``: their share of all groups, :math:`P(A, B)`;
        - ``antecedent_support``, ``consequent_support``: :math:`P(A)` and :math:`P(B)`;
        - ``confidence``: :math:`P(B \\mid A)`, with ``confidence_low`` and ``confidence_high``;
        - ``lift``: :math:`P(B \\mid A) / P(B)`, with ``lift_low`` and ``lift_high``;
        - ``leverage``: :math:`P(A, B) - P(A) P(B)`;
        - ``conviction``: :math:`(1 - P(B)) / (1 - P(B \\mid A))`, infinite if the confidence
          is 1.

    Raises
    ------
    ValueError
        If the table is not a result of :func:`frequent_itemsets` or lacks subsets, a parameter
        is out of range, or there are more rules than ``max_candidates``.
    TypeError
        If ``itemsets`` is not a table.

    See Also
    --------
    frequent_itemsets : Makes the table that this function reads.

    Notes
    -----
    The interval of the confidence is Wilson's [1]_. That of the lift is on the logarithm, with
    the variance of the delta method for a multinomial sample of :math:`n` groups,

    .. math::

        \\frac{1}{n} \\Big( \\frac{1}{P(A, B)} - \\frac{1}{P(A)} - \\frac{1}{P(B)}
        + 2\\,\\mathrm{lift} - 1 \\Big).

    An interval is valid for one rule chosen beforehand. The rules at the top of a long table are
    there partly by chance, so their true values are mostly lower. Choosing them by
    ``metric="lift_low"`` prefers rules with enough groups.

    References
    ----------
    .. [1] Wilson (1927). Probable inference, the law of succession, and statistical inference.
       Journal of the American Statistical Association 22.

    Examples
    --------
    >>> import pandas as pd
    >>> from skbseq import EventLog
    >>> from skbseq.association import association_rules, frequent_itemsets
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer": [1, 1, 2, 2, 2, 3],
    ...         "day": pd.to_datetime(["2026-01-01"] * 6),
    ...         "article": ["tea", "cup", "tea", "cup", "jam", "tea"],
    ...     }
    ... )
    >>> log = EventLog(lines, user="customer", time="day", product="article")
    >>> rules = association_rules(frequent_itemsets(log, min_support=2), min_value=0.6)
    >>> rules[["antecedent", "consequent", "confidence", "confidence_low", "lift"]].round(2)
      antecedent consequent  confidence  confidence_low  lift
    0    ['cup']    ['tea']        1.00            0.34   1.0
    1    ['tea']    ['cup']        0.67            0.21   1.0
    """
    check_choice("metric", metric, METRICS)
    if not is_real(min_value) or np.isnan(min_value):
        raise ValueError(f"min_value must be a number; got {shown(min_value)}.")
    if not is_real(level) or not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, such as 0.95; got {shown(level)}.")
    check_count("max_candidates", max_candidates)
    if max_consequent is not None:
        check_count("max_consequent", max_consequent)
    sets = _read_itemsets(itemsets)
    _check_number(sets, max_consequent, max_candidates)
    rules = _Rules(sets, level, metric, min_value)
    for size in range(2, len(sets.members) + 1):
        rules.add_size(size, size - 1 if max_consequent is None else max_consequent)
    return _frames.frame_from_columns(rules.columns(), like=_frames.library_of(itemsets))


# ------------------------------------------------------------------ the table of sets


@dataclass(frozen=True)
class _Itemsets:
    """Sets of a table by size, each in ascending order, and their counts."""

    values: Any
    members: list
    counts: list
    tree: SetTree
    n_groups: int

    def find(self, sets):
        """Numbers of subsets, and their counts."""
        found = self.tree.find(sets)
        if (found < 0).any():
            raise ValueError(self._text_of_missing(sets[_frames.first_row(found < 0)]))
        return found, self.counts[sets.shape[1] - 1][found]

    def _text_of_missing(self, codes):
        items = _frames.to_objects(_frames.take(self.values, codes)).tolist()
        return (
            f"The itemsets lack {shown(items)}, a subset of another one. Pass the whole table of "
            "frequent_itemsets, and choose among the rules."
        )


def _read_itemsets(itemsets):
    names = _frames.column_names(itemsets)
    lacking = [name for name in ("items", "count", "support") if name not in names]
    if lacking:
        raise ValueError(
            f"The itemsets have no column {lacking[0]!r}; they have "
            f"{', '.join(map(repr, names))}. Pass the table of frequent_itemsets."
        )
    table = _frames.to_arrow(_frames.select_columns(itemsets, ["items", "count", "support"]))
    if not table.num_rows:
        return _Itemsets(_frames.make_array(np.zeros(0, str)), [], [], SetTree(0, []), 1)
    counts, n_groups = _read_counts(table["count"], table["support"])
    codes, values, offsets = _read_sets(table["items"])
    members, ordered = [], []
    for size in range(1, int(np.diff(offsets).max()) + 1):
        rows = np.flatnonzero(np.diff(offsets) == size)
        sets = np.sort(codes[offsets[rows][:, None] + np.arange(size)], axis=1)
        order = np.lexsort(sets.T[::-1])
        members.append(sets[order])
        ordered.append(counts[rows[order]])
        _check_distinct(sets, rows, members[-1], values)
    result = _Itemsets(values, members, ordered, SetTree(len(values), []), n_groups)
    single = members[0][:, 0]
    if len(single) < len(values):
        code = np.setdiff1d(np.arange(len(values)), single)[:1]
        raise ValueError(result._text_of_missing(code))
    for sets in members[1:]:  # a set is added after those that it is found by
        parents = result.find(sets[:, :-1])[0] if len(sets) else np.zeros(0, np.int64)
        result.tree.keys.append(parents * len(values) + sets[:, -1])
    return result


def _read_counts(counts, supports):
    """Counts, and the number of groups that they are out of."""
    numbers = {}
    for name, column in (("count", counts), ("support", supports)):
        kind = _frames.kind_of(column.type)
        if kind not in ("integer", "float"):
            raise ValueError(f"Column {name!r} of the itemsets holds {kind} values, not numbers.")
        numbers[name] = _frames.numbers(column)
    counts, supports = numbers["count"], numbers["support"]
    good = (counts >= 1) & (counts == np.floor(counts)) & (supports > 0) & (supports <= 1)
    if good.all():
        largest = int(np.argmax(counts))
        n_groups = round(counts[largest] / supports[largest])
        good = np.abs(counts / n_groups - supports) * n_groups < 0.5
    if not good.all():
        row = _frames.first_row(~good)
        raise ValueError(
            f"Row {row} of the itemsets has the count {counts[row]:g} and the support "
            f"{supports[row]:g}, which do not belong to the same groups as the other rows. Pass "
            "the table of one call of frequent_itemsets."
        )
    return counts.astype(np.int64), n_groups


def _read_sets(column):
    """Codes of the items of all rows, the items, and the offset of each row."""
    if _frames.kind_of(column.type) != "list":
        raise ValueError(
            f"Column 'items' of the itemsets holds {_frames.kind_of(column.type)} values, not "
            "lists of items. Pass the table of frequent_itemsets."
        )
    lists = _frames.to_lists(column, "items")
    bad = lists.lengths == 0
    missing = np.flatnonzero(_frames.is_missing(lists.values))
    bad[np.searchsorted(lists.offsets, missing, side="right") - 1] = True
    if bad.any():
        raise ValueError(
            f"Row {_frames.first_row(bad)} of the itemsets has no items, or a missing one."
        )
    codes, values = _frames.encode_sorted(lists.values)
    return codes.astype(np.int64), values, lists.offsets


def _check_distinct(sets, rows, ordered, values):
    twice = (sets[:, 1:] == sets[:, :-1]).any(axis=1)
    if twice.any():
        row = rows[_frames.first_row(twice)]
        raise ValueError(f"Row {row} of the itemsets holds an item twice; it must be a set.")
    again = (ordered[1:] == ordered[:-1]).all(axis=1)
    if again.any():
        codes = ordered[_frames.first_row(again)]
        items = _frames.to_objects(_frames.take(values, codes)).tolist()
        raise ValueError(f"The itemsets hold {shown(items)} twice. Drop one of the rows.")


def _check_number(sets, max_consequent, max_candidates):
    number = 0
    for size, members in enumerate(sets.members, start=1):
        most = size - 1 if max_consequent is None else min(size - 1, max_consequent)
        number += len(members) * sum(comb(size, r) for r in range(1, most + 1))
    if number > max_candidates:
        fewer = "" if max_consequent == 1 else "set max_consequent=1, "
        raise ValueError(
            f"These itemsets have {number:,} rules, more than max_candidates="
            f"{max_candidates:,}. Make the itemsets with a larger min_support or a smaller "
            f"max_size, {fewer}or pass max_candidates={number}."
        )


# ------------------------------------------------------------------ the rules


class _Rules:
    """Rules above a bound, collected size by size."""

    def __init__(self, sets, level, metric, min_value):
        self._sets, self._metric, self._min_value = sets, metric, min_value
        self._z = normal_quantile(level)
        self._codes = {"antecedent": [], "consequent": []}
        self._columns = []

    def add_size(self, size, max_consequent):
        """Add the rules of all sets of a size."""
        for n in range(1, min(size - 1, max_consequent) + 1):
            for places in combinations(range(size), n):
                self._add(self._sets.members[size - 1], list(places))

    def _add(self, sets, places):
        antecedents, consequents = np.delete(sets, places, axis=1), sets[:, places]
        of_a, count_a = self._sets.find(antecedents)
        of_b, count_b = self._sets.find(consequents)
        count = self._sets.counts[sets.shape[1] - 1]
        columns = measures(count, count_a, count_b, self._sets.n_groups, self._z)
        columns["n_a"] = np.full(len(sets), antecedents.shape[1])
        columns["n_b"] = np.full(len(sets), consequents.shape[1])
        columns["of_a"], columns["of_b"] = of_a, of_b
        kept = columns[self._metric] >= self._min_value
        self._columns.append({name: values[kept] for name, values in columns.items()})
        self._codes["antecedent"].append(antecedents[kept].ravel())
        self._codes["consequent"].append(consequents[kept].ravel())

    def columns(self):
        """All rules as columns of a table, the largest metric first."""
        none = np.zeros(0, np.int64)
        empty = measures(none, none, none, 1, self._z)
        empty |= dict.fromkeys(("n_a", "n_b", "of_a", "of_b"), none)
        parts = [empty, *self._columns]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in empty}
        sizes = {"antecedent": columns.pop("n_a"), "consequent": columns.pop("n_b")}
        # Sets of a size are numbered in the order of their items.
        ties = (columns.pop("of_b"), sizes["consequent"], columns.pop("of_a"), sizes["antecedent"])
        order = np.lexsort([*ties, -columns["count"], -columns[self._metric]])
        lists = {name: self._lists(name, sizes[name], order) for name in sizes}
        return lists | {name: values[order] for name, values in columns.items()}

    def _lists(self, name, sizes, order):
        codes = np.concatenate([np.zeros(0, np.int64), *self._codes[name]])
        starts = offsets_of(sizes)[:-1]
        places, _ = ranges(starts[order], (starts + sizes)[order])
        return to_lists([codes[places]], sizes[order], self._sets.values)


def measures(count, count_a, count_b, n_groups, z):
    """Measures of rules from counts of groups: with both sides, with A, with B.

    Parameters
    ----------
    count, count_a, count_b : ndarray of int of shape (n_rules,)
    n_groups : int
    z : float
        Quantile of the normal distribution that sets the width of the intervals.

    Returns
    -------
    dict of str to ndarray of shape (n_rules,)
    """
    support, of_a, of_b = (c / n_groups for c in (count, count_a, count_b))
    confidence = count / count_a
    low, high = wilson_interval(count, count_a, z)
    lift = confidence / of_b
    variance = (1 / support - 1 / of_a - 1 / of_b + 2 * lift - 1) / n_groups
    factor = np.exp(z * np.sqrt(np.maximum(variance, 0)))  # rounding may make it negative
    with np.errstate(divide="ignore", invalid="ignore"):
        conviction = np.where(confidence < 1, (1 - of_b) / (1 - confidence), np.inf)
    return {
        "count": count,
        "support": support,
        "antecedent_support": of_a,
        "consequent_support": of_b,
        "confidence": confidence,
        "confidence_low": low,
        "confidence_high": high,
        "lift": lift,
        "lift_low": lift / factor,
        "lift_high": lift * factor,
        "leverage": support - of_a * of_b,
        "conviction": conviction,
    }
