"""Frequent sets, rules, ordered patterns and contrasts against plain Python and formulas."""

import datetime as dt
from itertools import combinations, product

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from event_logs import at, make_log
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from skbseq import EventLog
from skbseq.association import (
    _patterns,
    _sets,
    association_rules,
    contrast_patterns,
    frequent_itemsets,
    sequential_patterns,
)
from skbseq.association._rules import measures
from skbseq.association._statistics import holm, normal_quantile, wilson_interval

ITEMS = "abcde"
# User, minute, item; None is an event without an item.
EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 12), st.sampled_from([*ITEMS, None])),
    min_size=1,
    max_size=40,
).filter(lambda events: any(item is not None for _, _, item in events))


def log_of(events):
    who, when, what = zip(*events, strict=True)
    return make_log(who, when, pa.array(what, pa.string()))


def histories(log):
    """Minutes and items of each user who has an item, in the order of the log."""
    frame = log.to_frame().to_pandas().dropna(subset="what")
    minutes = (frame["when"] - pd.Timestamp(at(0))) // pd.Timedelta("1min")
    groups = frame.assign(minute=minutes).groupby("who")
    return [list(zip(g["minute"], g["what"], strict=True)) for _, g in groups]


def as_dict(table):
    """Count of each set or pattern of a result."""
    rows = table.to_pylist()
    result = {tuple(row["items"]): row["count"] for row in rows}
    assert len(result) == len(rows)
    assert all(row["size"] == len(row["items"]) for row in rows)
    return result


def transactions(baskets, library=pa):
    """A log with one user per basket."""
    rows = [(i, item) for i, basket in enumerate(baskets) for item in basket]
    who, what = zip(*rows, strict=True)
    table = library.table({"basket": who, "item": what, "t": [dt.datetime(2026, 1, 1)] * len(who)})
    return EventLog(table, user="basket", time="t", product="item")


# ------------------------------------------------------------------ itemsets


def plain_itemsets(baskets, least, max_size):
    items = sorted(set().union(*baskets))
    counted = {
        items_: sum(basket.issuperset(items_) for basket in baskets)
        for size in range(1, max_size + 1)
        for items_ in combinations(items, size)
    }
    return {items_: count for items_, count in counted.items() if count >= least}


@settings(max_examples=200)
@given(EVENTS, st.integers(1, 3), st.sampled_from([1, 2, 3, None]))
def test_itemsets_equal_brute_force(events, least, max_size):
    log = log_of(events)
    baskets = [{item for _, item in history} for history in histories(log)]
    least = min(least, len(baskets))
    table = frequent_itemsets(log, min_support=least, max_size=max_size)
    assert as_dict(table) == plain_itemsets(baskets, least, max_size or 5)
    support = [count / len(baskets) for count in table["count"].to_pylist()]
    assert table["support"].to_pylist() == support


@pytest.fixture
def tiny_blocks(monkeypatch):
    """Everything in many blocks, as large data are."""
    monkeypatch.setattr(_sets, "_CELLS", 8)
    monkeypatch.setattr(_sets, "_WORDS", 4)
    monkeypatch.setattr(_sets, "_MOST_GROUPS", 64)
    monkeypatch.setattr(_patterns, "_BLOCK", 20)


def random_baskets(rng, n_baskets, n_items, share):
    table = rng.random((n_baskets, n_items)) < share * np.linspace(0.3, 1.7, n_items)
    return [set(np.flatnonzero(row).tolist()) for row in table if row.any()]


@pytest.mark.parametrize("share", [0.1, 0.5], ids=["sparse", "dense"])
@pytest.mark.parametrize("bits", ["of NumPy", "of a table"])
def test_large_data_are_counted_in_blocks(share, bits, rng, tiny_blocks, monkeypatch):
    if bits == "of a table":  # NumPy 1 counts no bits
        monkeypatch.setattr(_sets, "_POPCOUNT", None)
        monkeypatch.setattr(_sets, "_BITS_OF", _sets._bits_of_16())
    baskets = random_baskets(rng, 300, 12, share)
    table = frequent_itemsets(transactions(baskets), min_support=6, max_size=4)
    assert as_dict(table) == plain_itemsets(baskets, 6, 4)
    assert max(table["size"].to_pylist()) > 1


def test_pairs_are_counted_by_a_product_or_by_bits(rng, monkeypatch):
    calls = []
    original = _sets.count_sets
    monkeypatch.setattr(_sets, "count_sets", lambda *a: calls.append(1) or original(*a))
    for share, expected in ((0.05, 0), (0.9, 1)):
        calls.clear()
        frequent_itemsets(
            transactions(random_baskets(rng, 2000, 12, share)), min_support=3, max_size=2
        )
        assert len(calls) == expected


def test_itemsets_equal_those_of_mlxtend(rng):
    frequent_patterns = pytest.importorskip("mlxtend.frequent_patterns")
    baskets = random_baskets(rng, 400, 15, 0.25)
    log = transactions(baskets)
    table = frequent_itemsets(log, min_support=0.03, min_count=1)
    onehot = pd.DataFrame([{i: i in basket for i in range(15)} for basket in baskets])
    theirs = frequent_patterns.apriori(onehot, min_support=0.03, use_colnames=True)
    expected = {
        frozenset(s): v for s, v in zip(theirs["itemsets"], theirs["support"], strict=True)
    }
    ours = zip(table["items"].to_pylist(), table["support"].to_pylist(), strict=True)
    assert {frozenset(items): support for items, support in ours} == pytest.approx(expected)

    rules = association_rules(table, metric="lift", min_value=1.2).to_pandas()
    theirs = frequent_patterns.association_rules(theirs, metric="lift", min_threshold=1.2)
    assert len(rules) == len(theirs) > 100
    keys = ["antecedent", "consequent"]
    rules.index = [tuple(frozenset(side) for side in pair) for pair in rules[keys].to_numpy()]
    theirs.index = list(zip(theirs["antecedents"], theirs["consequents"], strict=True))
    names = ["support", "confidence", "lift", "leverage", "conviction"]
    pd.testing.assert_frame_equal(rules[names], theirs.loc[rules.index, names])


def test_the_result_is_a_table_of_the_users_library_in_raw_names(frame_lib):
    events = {
        "who": ["x", "x", "y", "y", "z", "z"],
        "when": [at(i) for i in range(6)],
        "what": ["view", "buy", "view", "buy", "view", None],
        "thing": [7, 9, 7, 9, 9, None],
    }
    log = EventLog(
        frame_lib.make(events), user="who", time="when", behavior="what", product="thing"
    )
    for options in ({}, {"item": "product"}, {"item": "thing"}):
        table = frequent_itemsets(log, min_support=2, **options)
        assert isinstance(table, type(frame_lib.make({"a": [1]})))
        assert frame_lib.to_pylist(table) == [
            {"items": [9], "size": 1, "count": 3, "support": 1.0},
            {"items": [7], "size": 1, "count": 2, "support": 2 / 3},
            {"items": [7, 9], "size": 2, "count": 2, "support": 2 / 3},
        ]
    table = frequent_itemsets(log, min_support=2, item="behavior", max_size=1)
    assert [row["items"] for row in frame_lib.to_pylist(table)] == [["view"], ["buy"]]
    rules = frame_lib.to_pylist(association_rules(frequent_itemsets(log, min_support=2)))
    assert [(row["antecedent"], row["consequent"]) for row in rules] == [([7], [9]), ([9], [7])]
    patterns = frame_lib.to_pylist(sequential_patterns(log, min_support=2))
    assert [row["items"] for row in patterns] == [[9], [7], [7, 9]]
    X = log.histories(log.samples(at=at(9)))
    contrast = contrast_patterns(X, [1, 0, 0], item="what", min_support=1)
    assert isinstance(contrast, type(X))
    assert {tuple(row["items"]) for row in frame_lib.to_pylist(contrast)} == {
        ("view",),
        ("buy",),
        ("view", "buy"),
    }


def test_groups_are_users_sessions_or_the_values_of_a_column():
    events = {
        "who": [1, 1, 1, 2],
        "when": [at(0), at(5), at(90), at(0)],
        "thing": ["tea", "cup", "jam", "tea"],
        "invoice": ["i", "i", "i", "j"],
    }
    log = EventLog(pa.table(events), user="who", time="when", product="thing")
    of_users = as_dict(frequent_itemsets(log, min_support=1))
    assert of_users[("cup", "jam", "tea")] == 1
    assert as_dict(frequent_itemsets(log, by="invoice", min_support=1)) == of_users
    assert as_dict(frequent_itemsets(log, by="who", min_support=1)) == of_users
    of_sessions = {("tea",): 2, ("cup",): 1, ("jam",): 1, ("cup", "tea"): 1}
    for sessions in (log.sessions(), log.sessions(name="visit"), log.sessions().by("session")):
        table = frequent_itemsets(sessions, by="session", min_support=1)
        assert as_dict(table) == of_sessions
        assert table["support"][0].as_py() == 2 / 3
    assert as_dict(sequential_patterns(log.sessions(), by="session", min_support=1)) == {
        ("tea",): 2,
        ("cup",): 1,
        ("jam",): 1,
        ("tea", "cup"): 1,
    }


def test_a_column_groups_events_of_several_users_in_time_order():
    log = make_log([1, 2, 1], [0, 1, 2], ["view", "cart", "buy"])
    events = log.to_frame().append_column("day", [["monday"] * 3])
    log = EventLog(events, user="who", time="when", behavior="what")
    patterns = as_dict(sequential_patterns(log, by="day", min_support=1))
    assert patterns[("view", "cart", "buy")] == 1
    assert len(patterns) == 7


def test_a_column_named_like_a_role_is_not_taken_by_accident():
    table = {"who": [1, 2], "when": [at(0), at(1)], "a": ["x", "y"], "user": [5, 5]}
    log = EventLog(pa.table(table), user="who", time="when", product="a")
    with pytest.raises(ValueError, match=r"by='user' may be .* by='who', or rename"):
        frequent_itemsets(log, min_support=1)
    assert as_dict(frequent_itemsets(log, by="who", min_support=1)) == {("x",): 1, ("y",): 1}
    # Without a product role, a column of this name is meant.
    log = EventLog(
        pa.table({"who": [1], "when": [at(0)], "product": ["x"]}), user="who", time="when"
    )
    assert as_dict(frequent_itemsets(log, item="product", min_support=1)) == {("x",): 1}


def test_items_may_be_integers_booleans_and_floats_that_pandas_made_of_integers():
    events = pd.DataFrame({"u": [1, 1, 2], "t": [at(0)] * 3, "n": [3, 1, np.nan]})
    log = EventLog(events, user="u", time="t", product="n")
    assert frequent_itemsets(log, min_support=1)["items"].tolist() == [[1], [3], [1, 3]]
    log = EventLog(
        events.assign(n=[True, False, True], c=pd.Categorical(["x", "y", "x"], ["y", "x", "z"])),
        user="u",
        time="t",
        product="n",
    )
    assert as_dict(pa.Table.from_pandas(frequent_itemsets(log, min_support=1))) == {
        (True,): 2,
        (False,): 1,
        (False, True): 1,
    }
    assert as_dict(pa.Table.from_pandas(frequent_itemsets(log, item="c", min_support=1))) == {
        ("x",): 2,
        ("y",): 1,
        ("x", "y"): 1,
    }


@pytest.mark.parametrize("share", [0.1, 0.3, 1 / 3, 0.7, 1.0])
@pytest.mark.parametrize("n_groups", [1, 10, 30, 49])
def test_a_share_is_compared_as_floats_are(share, n_groups):
    baskets = [{f"i{j}" for j in range(n_groups) if i <= j} for i in range(n_groups)]
    table = frequent_itemsets(
        transactions(baskets), min_support=share, min_count=1, max_size=1
    ).to_pylist()
    counts = sorted(row["count"] for row in table)
    assert counts == [c for c in range(1, n_groups + 1) if c / n_groups >= share]


def test_a_share_of_few_groups_is_raised_with_a_warning():
    log = transactions([{"a", "b"}] * 6 + [{"a", "c"}] * 3)
    message = r"0\.3 is 3 of 9 groups by 'basket', and min_count=5.*Pass min_count=3 to"
    with pytest.warns(UserWarning, match=message):
        raised = as_dict(frequent_itemsets(log, min_support=0.3))
    assert raised == as_dict(frequent_itemsets(log, min_support=5))
    assert ("c",) in as_dict(frequent_itemsets(log, min_support=0.3, min_count=3))
    assert ("c",) in as_dict(frequent_itemsets(log, min_support=3))
    # A share that is large enough is silent.
    assert as_dict(frequent_itemsets(log, min_support=0.6)) == raised


def test_too_many_candidates_are_counted_and_refused():
    log = transactions([set("abcdef"), set("abcdef"), set("ab")])
    with pytest.raises(ValueError, match=r"2 of 3 groups.* 20 candidate sets of 3 items.*max_si"):
        frequent_itemsets(log, min_support=2, max_candidates=19)
    with pytest.raises(ValueError, match=r"15 frequent pairs, more than max_candidates=14"):
        frequent_itemsets(log, min_support=2, max_candidates=14)
    assert len(frequent_itemsets(log, min_support=2, max_candidates=20)) == 63
    assert len(frequent_itemsets(log, min_support=2, max_candidates=15, max_size=2)) == 21


LISTS = ("items", "antecedent", "consequent")


def test_nothing_frequent_is_an_empty_table():
    log = transactions([{"a"}, {"b"}])
    for table in (
        frequent_itemsets(log, min_support=2),
        sequential_patterns(log, min_support=2),
        association_rules(frequent_itemsets(log, min_support=2)),
        association_rules(frequent_itemsets(log, min_support=1)),
        contrast_patterns(pa.table({"p": [["a"], ["b"]]}), [0, 1], min_support=2),
        contrast_patterns(pa.table({"p": [["a"], ["b"]]}), [0, 1], min_support=2, ordered=False),
    ):
        assert table.num_rows == 0
        lists = [name for name in table.column_names if name in LISTS]
        assert lists
        assert all(pa.types.is_list(table.schema.field(name).type) for name in lists)


# ------------------------------------------------------------------ rules


@given(
    st.lists(st.sets(st.sampled_from("abcd"), min_size=1), min_size=1, max_size=12),
    st.sampled_from([None, 1, 2]),
)
def test_rules_equal_brute_force(baskets, max_consequent):
    table = frequent_itemsets(transactions(baskets), min_support=1)
    rules = association_rules(table, min_value=0.4, max_consequent=max_consequent).to_pylist()
    n = len(baskets)

    def share(items):
        return sum(basket.issuperset(items) for basket in baskets) / n

    expected = {}
    for items in as_dict(table):
        for size in range(1, min(len(items) - 1, max_consequent or 9) + 1):
            for b in combinations(items, size):
                a = tuple(item for item in items if item not in b)
                confidence = share(items) / share(a)
                if confidence >= 0.4 - 1e-12:
                    expected[a, b] = (
                        *(share(items), share(a), share(b), confidence, confidence / share(b)),
                        share(items) - share(a) * share(b),
                        np.inf if share(items) == share(a) else (1 - share(b)) / (1 - confidence),
                    )
    names = ["support", "antecedent_support", "consequent_support", "confidence", "lift"]
    names += ["leverage", "conviction"]
    found = {
        (tuple(rule["antecedent"]), tuple(rule["consequent"])): tuple(rule[n] for n in names)
        for rule in rules
    }
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert found[key] == pytest.approx(values)
    confidences = [rule["confidence"] for rule in rules]
    assert confidences == sorted(confidences, reverse=True)


def test_rules_are_chosen_and_sorted_by_any_metric(rng):
    table = frequent_itemsets(transactions(random_baskets(rng, 200, 8, 0.4)), min_support=10)
    everything = association_rules(table, metric="support", min_value=0).to_pandas()
    for metric in ("lift", "lift_low", "confidence_low", "leverage", "conviction"):
        bound = everything[metric].median()
        rules = association_rules(table, metric=metric, min_value=bound).to_pandas()
        assert len(rules) == (everything[metric] >= bound).sum() < len(everything)
        assert rules[metric].is_monotonic_decreasing


def test_the_interval_of_the_confidence_is_wilsons():
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    successes, trials = np.array([81, 15, 0, 1]), np.array([263, 148, 20, 29])
    low, high = wilson_interval(successes, trials, normal_quantile(0.95))
    np.testing.assert_allclose(low, [0.2553, 0.0624, 0, 0.0061], atol=5e-5)
    np.testing.assert_allclose(high, [0.3662, 0.1605, 0.1611, 0.1718], atol=5e-5)
    assert wilson_interval(np.array([7]), np.array([7]), 2.0)[1].tolist() == [1.0]


def test_the_intervals_cover_the_true_values(rng):
    # Both sides, only A, only B, neither.
    shares = np.array([0.1, 0.15, 0.2, 0.55])
    counts = rng.multinomial(2000, shares, size=4000)
    both, only_a, only_b, _ = counts.T
    z = normal_quantile(0.9)
    result = measures(both, both + only_a, both + only_b, 2000, z)
    for name, true in (("confidence", 0.1 / 0.25), ("lift", 0.1 / 0.25 / 0.3)):
        inside = (result[f"{name}_low"] <= true) & (true <= result[f"{name}_high"])
        assert inside.mean() == pytest.approx(0.9, abs=0.02)


def test_more_rules_than_allowed_are_refused_before_they_are_made():
    table = frequent_itemsets(transactions([set("abcdef")] * 5), min_support=5)
    # Each item is on one of the two sides or out, and no side is empty.
    n_rules = 3**6 - 2 * 2**6 + 1
    with pytest.raises(
        ValueError, match=rf"have {n_rules} rules.*set max_consequent=1.*={n_rules}"
    ):
        association_rules(table, max_candidates=n_rules - 1)
    assert len(association_rules(table, max_candidates=n_rules)) == n_rules
    assert len(association_rules(table, max_candidates=n_rules - 1, max_consequent=1)) == 6 * 31


# ------------------------------------------------------------------ ordered patterns


def plain_patterns(sequences, max_gap, max_size):
    """Number of sequences with each pattern; a gap is a function of two places."""
    counts = {}
    for sequence in sequences:
        # Each found pattern with every place where it ends.
        found = {(item,): set() for _, item in sequence}
        for place, (_, item) in enumerate(sequence):
            found[(item,)].add(place)
        grown = dict(found)
        while grown:
            longer = {}
            for pattern, ends in grown.items():
                for end, place in product(ends, range(len(sequence))):
                    if end < place and len(pattern) < max_size and max_gap(sequence, end, place):
                        longer.setdefault((*pattern, sequence[place][1]), set()).add(place)
            found |= longer
            grown = longer
        for pattern in found:
            counts[pattern] = counts.get(pattern, 0) + 1
    return counts


GAPS = [
    (None, lambda sequence, a, b: True),
    (1, lambda sequence, a, b: b - a <= 1),
    (3, lambda sequence, a, b: b - a <= 3),
    ("2min", lambda sequence, a, b: sequence[b][0] - sequence[a][0] <= 2),
    (dt.timedelta(minutes=5), lambda sequence, a, b: sequence[b][0] - sequence[a][0] <= 5),
]


@settings(max_examples=200)
@given(EVENTS, st.integers(1, 3), st.sampled_from([1, 2, 3, 4]), st.sampled_from(GAPS))
def test_patterns_equal_a_plain_reference(events, least, max_size, gap):
    log = log_of(events)
    sequences = histories(log)
    least = min(least, len(sequences))
    counts = plain_patterns(sequences, gap[1], max_size)
    table = sequential_patterns(log, min_support=least, max_gap=gap[0], max_size=max_size)
    assert as_dict(table) == {p: c for p, c in counts.items() if c >= least}
    assert table["support"].to_pylist() == [c / len(sequences) for c in table["count"].to_pylist()]


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: str(gap[0]))
def test_patterns_are_found_in_blocks(gap, rng, tiny_blocks):
    events = [(int(u), int(t), ITEMS[i]) for u, t, i in rng.integers(0, (8, 60, 5), (90, 3))]
    log = log_of(events)
    counts = plain_patterns(histories(log), gap[1], 3)
    table = sequential_patterns(log, min_support=3, max_gap=gap[0], max_size=3)
    assert as_dict(table) == {p: c for p, c in counts.items() if c >= 3}


def test_patterns_of_any_length_end():
    log = make_log([1] * 30 + [2] * 20, [*range(30), *range(20)], ["view"] * 50)
    table = sequential_patterns(log, min_support=2)
    assert table["size"].to_pylist() == list(range(1, 21))
    assert sequential_patterns(log, min_support=2, max_gap=10**18)["size"].to_pylist()[-1] == 20


def test_too_many_patterns_are_refused():
    log = make_log([1] * 12, range(12), list("abcdefghijkl"))
    with pytest.raises(ValueError, match=r"patterns of up to \d+ items were found and the search"):
        sequential_patterns(log, min_support=1, max_candidates=4094)
    assert len(sequential_patterns(log, min_support=1, max_candidates=4095)) == 4095


def test_a_gap_counts_events_with_an_item():
    log = make_log([1] * 4, range(4), ["a", None, "b", "c"])
    assert ("a", "b") in as_dict(sequential_patterns(log, min_support=1, max_gap=1))
    assert ("a", "c") not in as_dict(sequential_patterns(log, min_support=1, max_gap=1))


def test_a_gap_counts_the_events_of_rare_items_too():
    log = make_log([1, 1, 1, 2, 2], [0, 1, 2, 0, 1], ["a", "rare", "b", "a", "b"])
    assert as_dict(sequential_patterns(log, min_support=2, max_gap=1)) == {("a",): 2, ("b",): 2}
    assert ("a", "b") in as_dict(sequential_patterns(log, min_support=2, max_gap=2))


# ------------------------------------------------------------------ contrasts

ROWS = st.lists(
    st.tuples(st.lists(st.sampled_from("abc"), max_size=5), st.booleans()), min_size=2, max_size=20
).filter(lambda rows: len({y for _, y in rows}) == 2 and any(x for x, _ in rows))


def holds(row, items, ordered):
    if not ordered:
        return set(items) <= set(row)
    rest = iter(row)
    return all(item in rest for item in items)


@given(ROWS, st.booleans())
def test_contrasts_equal_counting_and_fisher(rows, ordered):
    X, y = map(list, zip(*rows, strict=True))
    table = contrast_patterns(X, y, ordered=ordered, min_support=1)
    possible = [
        *product("abc", repeat=1),
        *(product("abc", repeat=2) if ordered else combinations("abc", 2)),
    ]
    there = {items for items in possible if any(holds(row, items, ordered) for row in X)}
    assert set(map(tuple, table["items"])) == there
    for row in table.to_dict("records"):
        has = np.array([holds(events, row["items"], ordered) for events in X])
        a, b = (has & y).sum(), (has & ~np.array(y)).sum()
        c, d = sum(y) - a, len(y) - sum(y) - b
        assert (row["count"], row["count_positive"]) == (a + b, a)
        assert row["support_positive"] == a / (a + c)
        assert row["support_negative"] == b / (b + d)
        if min(a, b, c, d):
            assert row["odds_ratio"] == pytest.approx(a * d / (b * c))
        else:
            assert row["odds_ratio"] == pytest.approx(
                (a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))
            )
        assert row["p_value"] == pytest.approx(fisher_exact([[a, b], [c, d]])[1])
        assert row["odds_ratio_low"] < row["odds_ratio"] < row["odds_ratio_high"]
    assert table["p_value"].is_monotonic_increasing
    np.testing.assert_array_equal(table["p_holm"], holm(table["p_value"].to_numpy()))


def test_holm_multiplies_step_by_step():
    # Holm (1979): the smallest of n is multiplied by n, the next by n - 1, and none falls.
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03, 0.2])), [0.09, 0.04, 0.09, 0.2])
    np.testing.assert_array_equal(holm(np.array([0.7, 0.9])), [1, 1])


def test_the_interval_of_the_odds_ratio_is_woolfs():
    X = [["a", "z"]] * 20 + [["z"]] * 10 + [["a", "z"]] * 5 + [["z"]] * 15
    table = contrast_patterns(X, [1] * 30 + [0] * 20, max_size=1, min_support=25).set_index(
        "count"
    )
    row = table.loc[25]
    se = np.sqrt(1 / 20 + 1 / 10 + 1 / 5 + 1 / 15)
    expected = [6, 6 * np.exp(-1.959964 * se), 6 * np.exp(1.959964 * se)]
    np.testing.assert_allclose(
        row[["odds_ratio", "odds_ratio_low", "odds_ratio_high"]].tolist(), expected, rtol=1e-6
    )
    wide = contrast_patterns(X, [1] * 30 + [0] * 20, max_size=1, min_support=25, level=0.99)
    assert wide["odds_ratio_high"].max() > expected[2]


def test_tiny_p_values_are_exact():
    X = [["a"]] * 300 + [["b"]] * 300
    table = contrast_patterns(X, [1] * 300 + [0] * 300, min_support=5)
    expected = fisher_exact([[300, 0], [0, 300]])[1]
    assert table["p_value"].tolist() == pytest.approx([expected] * 2, rel=1e-9)


def test_labels_that_mean_nothing_give_few_small_p_values(rng):
    # The rate of tables with any p_holm below 0.2 is at most 0.2.
    hits = 0
    for _ in range(60):
        X = [list(rng.choice(list("abcd"), 4)) for _ in range(40)]
        table = contrast_patterns(X, rng.permutation([0, 1] * 20), min_support=4)
        hits += (table["p_holm"] < 0.2).any()
    assert hits <= 20


def test_gaps_of_contrasts_are_events_or_spans_of_time():
    X = pa.table(
        {
            "when": [[at(0), at(1), at(30)], [at(0), at(40), at(41)]],
            "what": [["a", "b", "c"], ["a", "b", "c"]],
        }
    )
    patterns = {}
    for gap in (None, 1, "10min"):
        table = contrast_patterns(X, [0, 1], item="what", max_gap=gap, min_support=1, max_size=3)
        patterns[gap] = as_dict(table)
    assert patterns[None][("a", "c")] == 2
    assert ("a", "c") not in patterns[1]
    assert patterns[1][("a", "b", "c")] == 2
    assert {p: c for p, c in patterns["10min"].items() if len(p) > 1} == {
        ("a", "b"): 1,
        ("b", "c"): 1,
    }
    nanoseconds = pa.list_(pa.timestamp("ns"))
    X = X.set_column(0, "when", X["when"].cast(nanoseconds))
    table = contrast_patterns(X, [0, 1], max_gap="10min", min_support=1, max_size=3)
    assert as_dict(table) == patterns["10min"]


@pytest.mark.parametrize(
    ("y", "pos_label"),
    [
        ([True, False], None),
        ([1, 0], None),
        ([1, -1], None),
        (["yes", "no"], "yes"),
        (pd.Series([2.0, 7.0]), 2),
        (pa.array(["b", "a"]), "b"),
    ],
)
def test_the_positive_class(y, pos_label):
    table = contrast_patterns([["a"], ["b"]], y, min_support=1, pos_label=pos_label)
    positive = dict(zip(map(tuple, table["items"]), table["count_positive"], strict=True))
    assert positive == {("a",): 1, ("b",): 0}


def test_several_rows_of_a_user_are_a_warning():
    log = make_log([1, 1, 2], [0, 5, 0], ["view", "buy", "view"])
    X = log.histories(log.samples(at=[at(3), at(9)]))
    with pytest.warns(UserWarning, match="The 4 rows of X have 2 different values of 'who'"):
        contrast_patterns(X, [0, 0, 1, 1], min_support=1)
    X = log.histories(log.samples(at=at(9)))
    assert len(contrast_patterns(X, [0, 1], min_support=1)) == 3
