"""Bad inputs of `skbseq.association`: each error says what was wrong and what to do."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from bad_inputs import check, target

from skbseq import EventLog, SequenceEncoder
from skbseq.association import (
    association_rules,
    contrast_patterns,
    frequent_itemsets,
    sequential_patterns,
)
from skbseq.exceptions import InvalidLogError, SequenceFrameError

EVENTS = pd.DataFrame(
    {
        "u": ["a", "a", "b", "b", "c"],
        "t": pd.to_datetime(
            ["2026-01-01", "2026-01-05", "2026-01-03", "2026-01-09", "2026-02-01"]
        ),
        "what": ["view", "buy", "view", "view", "buy"],
        "thing": ["x", "y", "x", "x", "z"],
        "price": [1.5, 2.0, 3.0, 4.0, 5.0],
        "order": ["o1", "o1", None, "o2", "o3"],
        "tags": [["p"]] * 5,
        "due": pd.to_datetime(["2026-03-01"] * 5),
        "nothing": [None] * 5,
    }
)
LOG = EventLog(EVENTS, user="u", time="t", behavior="what", product="thing")
PLAIN = EventLog(EVENTS, user="u", time="t")
UNCLEAN = EventLog(EVENTS.assign(u=["a", None, "b", "b", "b"]), user="u", time="t")
EMPTY = EventLog(EVENTS[:0], user="u", time="t", product="thing", until="2026-01-01")

OF_LOGS = [
    row
    for function in (frequent_itemsets, sequential_patterns)
    for row in target(
        function.__name__,
        lambda function=function, **p: function(**{"log": LOG, "min_support": 1} | p),
        function,
    ).rows(
        ({"log": EVENTS}, TypeError, "log must be an EventLog; got DataFrame. Make one"),
        ({"log": None}, TypeError, "log must be an EventLog; got NoneType"),
        ({"log": UNCLEAN}, InvalidLogError, "not clean: 1 row with missing u. Call clean"),
        ({"log": EMPTY}, InvalidLogError, "The log has no events"),
        ({"log": PLAIN}, InvalidLogError, "no product and no behaviour column. Name .*'what'"),
        ({"log": PLAIN, "item": "product"}, InvalidLogError, r"no product column.*product=\.\.\."),
        ({"item": "x"}, InvalidLogError, "no column 'x' for item=; it has 'u', 't'"),
        ({"item": 3}, InvalidLogError, "no column 3 for item="),
        ({"item": ["what"]}, InvalidLogError, r"no column \['what'\] for item="),
        ({"item": "price"}, InvalidLogError, "'price' holds float values; items are strings"),
        ({"item": "tags"}, InvalidLogError, "'tags' holds list values; items are strings"),
        ({"item": "due"}, InvalidLogError, "'due' holds timestamp values; items are strings"),
        ({"item": "nothing"}, InvalidLogError, "'nothing', the items, is missing in all events"),
        ({"item": "u"}, InvalidLogError, "by and item are the same column, 'u'"),
        ({"by": "x"}, InvalidLogError, "no column 'x' for by="),
        ({"by": None}, InvalidLogError, "no column None for by="),
        ({"by": "session"}, InvalidLogError, r"has no sessions. Make them: log.sessions"),
        ({"by": "tags"}, InvalidLogError, "'tags' holds list values, which cannot identify"),
        (
            {"by": "order"},
            InvalidLogError,
            r"'order' is missing in 1 events, the first of u 'b' at 2026-01-03.*by\('order'\)",
        ),
        ({"min_support": 0}, ValueError, "min_support=0 is a whole number .* from 1 to 3"),
        ({"min_support": 4}, ValueError, "min_support=4 is a whole number .*groups by 'u'"),
        ({"min_support": 0.0}, ValueError, "min_support must be a share of the groups by 'u'"),
        ({"min_support": 1.5}, ValueError, "min_support must be a share.*got 1.5"),
        ({"min_support": np.nan}, ValueError, "min_support must be a share.*got nan"),
        ({"min_support": True}, ValueError, "min_support must be a share.*got True"),
        ({"min_support": "1%"}, ValueError, "min_support must be a share.*got '1%'"),
        ({"min_support": [0.1]}, ValueError, r"min_support must be a share.*got \[0.1\]"),
        ({"min_count": 0}, ValueError, "min_count must be a whole number of at least 1; got 0"),
        ({"max_size": 0}, ValueError, "max_size must be a whole number of at least 1; got 0"),
        ({"max_size": 2.0}, ValueError, "max_size must be a whole number of at least 1; got 2.0"),
        ({"max_candidates": None}, ValueError, "max_candidates must be a whole number"),
    )
]
HALF = EventLog(EVENTS, user="u", time="t", behavior="order", product="thing")
OF_LOGS += target(
    "sequential_patterns",
    lambda **p: sequential_patterns(HALF, min_support=1, **p),
    sequential_patterns,
).rows(
    ({"by": "behavior"}, InvalidLogError, "no column 'behavior' for by="),
    ({"by": "order"}, InvalidLogError, "'order' is missing in 1 events.*Drop these rows from"),
)
OF_LOGS += target(
    "sequential_patterns",
    lambda **p: sequential_patterns(LOG, min_support=1, **p),
    sequential_patterns,
).rows(
    ({"max_gap": 0}, ValueError, "max_gap must be a whole number of at least 1; got 0"),
    ({"max_gap": 1.5}, TypeError, "max_gap must be a string such as .*got 1.5"),
    ({"max_gap": True}, TypeError, "max_gap must be a string such as .*got True"),
    ({"max_gap": "soon"}, ValueError, "max_gap='soon' is not a duration"),
    ({"max_gap": "0D"}, ValueError, "max_gap must be longer than zero"),
    ({"max_gap": "1M"}, ValueError, "max_gap='1M' is not a duration"),
    ({"max_candidates": 2}, ValueError, "more than max_candidates=2"),
)

SETS = frequent_itemsets(LOG, min_support=1)
SIZE_1, PAIR = SETS[SETS["size"] == 1], SETS[SETS["size"] == 2]


def of_items(*items):
    """Itemsets that all occur in the only group."""
    return pa.table({"items": items, "count": [1] * len(items), "support": [1.0] * len(items)})


OF_RULES = target(
    "association_rules", lambda **p: association_rules(**{"itemsets": SETS} | p), association_rules
).rows(
    ({"itemsets": None}, TypeError, "Expected a pandas, polars or pyarrow table; got NoneType"),
    ({"itemsets": LOG}, TypeError, "Expected a pandas, polars or pyarrow table; got EventLog"),
    ({"itemsets": EVENTS}, ValueError, "no column 'items'; they have 'u'"),
    ({"itemsets": SETS.drop(columns="support")}, ValueError, "no column 'support'"),
    ({"itemsets": SETS.assign(items="x")}, ValueError, "'items' of the itemsets holds string"),
    ({"itemsets": SETS.assign(count="x")}, ValueError, "'count' of the itemsets holds string"),
    ({"itemsets": SETS.assign(count=1.5)}, ValueError, "Row 0 .* has the count 1.5"),
    ({"itemsets": SETS.assign(support=np.nan)}, ValueError, "Row 0 .*the support nan"),
    ({"itemsets": SETS.assign(support=0.5)}, ValueError, "do not belong to the same groups"),
    ({"itemsets": PAIR}, ValueError, r"itemsets lack \['x'\], a subset.*Pass the whole table"),
    (
        {"itemsets": SETS[SETS["items"].map(len) != 1]},
        ValueError,
        r"itemsets lack \['x'\], a subset",
    ),
    ({"itemsets": pd.concat([SETS, PAIR])}, ValueError, r"hold \['x', 'y'\] twice"),
    ({"itemsets": of_items([])}, ValueError, "Row 0 of the itemsets has no items"),
    ({"itemsets": of_items(["a"], ["a", None])}, ValueError, "Row 1 .*, or a missing one"),
    ({"itemsets": of_items(["a"], ["a", "a"])}, ValueError, "Row 1 .* holds an item twice"),
    ({"metric": "zhang"}, ValueError, "metric must be one of 'support', .*got 'zhang'"),
    ({"min_value": "x"}, ValueError, "min_value must be a number; got 'x'"),
    ({"min_value": np.nan}, ValueError, "min_value must be a number; got nan"),
    ({"level": 95}, ValueError, "level must be between 0 and 1, such as 0.95; got 95"),
    ({"level": None}, ValueError, "level must be between 0 and 1"),
    ({"max_consequent": 0}, ValueError, "max_consequent must be a whole number of at least 1"),
    ({"max_candidates": 0}, ValueError, "max_candidates must be a whole number of at least 1"),
    ({"max_candidates": 1}, ValueError, "These itemsets have 2 rules, more than max_candidates=1"),
)

X = pd.DataFrame(
    {
        "page": [["a", "b"], ["b"]],
        "n": [[1, 2], [3]],
        "w": [[1.0, 2.0], [1.0]],
        "t": [[pd.Timestamp("2026-01-02"), pd.Timestamp("2026-01-01")], [pd.NaT]],
    }
)
OF_CONTRASTS = target(
    "contrast_patterns",
    lambda **p: contrast_patterns(**{"X": X[["page", "t"]], "y": [0, 1], "min_support": 1} | p),
    contrast_patterns,
).rows(
    ({"X": None}, SequenceFrameError, "Expected a sequence frame.*got NoneType"),
    ({"X": np.zeros((2, 2))}, SequenceFrameError, "Expected a sequence frame.*got ndarray"),
    ({"X": [["a"], {"b"}]}, SequenceFrameError, "Row 1 of X is a set, which has no order"),
    ({"X": EVENTS[["u"]]}, SequenceFrameError, "The frame has no channel"),
    ({"X": X}, SequenceFrameError, "More than one of the list columns.*'page' .*item="),
    ({"X": X[["w"]]}, SequenceFrameError, r"None of the list columns.*'w' \(float\)"),
    ({"X": SequenceEncoder().fit_transform(X[["page"]])}, SequenceFrameError, "raw values"),
    ({"X": X[["page"]].map(lambda _: [])}, SequenceFrameError, "None of the list columns can"),
    ({"X": X[["page"]].map(lambda _: []), "item": "page"}, SequenceFrameError, "holds an item"),
    ({"item": "x"}, SequenceFrameError, r"got 'x'. There are 'page' \(string\)"),
    ({"item": 3}, SequenceFrameError, "item must be the name of a list column; got 3"),
    ({"item": "t"}, SequenceFrameError, "'t' holds timestamp values; items are strings"),
    ({"y": None}, ValueError, "y must have one dimension.*got NoneType"),
    ({"y": "ab"}, ValueError, "y must have one dimension.*got str"),
    ({"y": np.zeros((2, 2))}, ValueError, r"y must have one dimension.*of shape \(2, 2\)"),
    ({"y": [0]}, ValueError, "X has 2 rows and y 1 values"),
    ({"y": [1, 1]}, ValueError, "y must hold two classes to compare; it holds 1: 1"),
    ({"X": [["a"]] * 3, "y": [0, 1, 2]}, ValueError, "it holds 3: 0, 1, 2.*y == label"),
    ({"y": [None, 1]}, ValueError, "Row 0 of y is missing"),
    ({"y": ["a", "b"]}, ValueError, r"holds the labels \['a', 'b'\], so the positive class is"),
    ({"y": [3, 4]}, ValueError, r"holds the labels \[3, 4\], so the positive class is amb"),
    ({"pos_label": 2}, ValueError, r"pos_label=2 is not one of the labels of y, \[0, 1\]"),
    ({"pos_label": [1]}, ValueError, r"pos_label=\[1\] is not one of the labels"),
    ({"ordered": "yes"}, ValueError, "ordered must be True or False; got 'yes'"),
    ({"ordered": False, "max_gap": 1}, ValueError, "max_gap needs ordered=True"),
    ({"max_gap": 0}, ValueError, "max_gap must be a whole number of at least 1; got 0"),
    ({"max_gap": 1.5}, TypeError, "max_gap must be a string such as .*got 1.5"),
    ({"max_gap": "1D"}, SequenceFrameError, "Row 0 of 't' holds a time earlier"),
    ({"X": X[["page", "t"]][::-1], "max_gap": "1D"}, SequenceFrameError, "Row 0.*missing time"),
    ({"X": X[["page"]], "max_gap": "1D"}, SequenceFrameError, "needs one list column of times; t"),
    ({"level": 1}, ValueError, "level must be between 0 and 1, such as 0.95; got 1"),
    ({"min_support": 3}, ValueError, "from 1 to 2, the number of rows of X"),
    ({"min_support": 0.0}, ValueError, "a share of the rows of X"),
    ({"max_size": 0}, ValueError, "max_size must be a whole number of at least 1; got 0"),
    ({"max_candidates": 1}, ValueError, "more than max_candidates=1. Raise min_support"),
    (
        {"X": [[*"abc"]] * 2, "ordered": False, "max_candidates": 2},
        ValueError,
        "there are 3 frequent pairs, more than max_candidates=2",
    ),
)


@pytest.mark.parametrize(
    ("target", "given", "error", "match"), [*OF_LOGS, *OF_RULES, *OF_CONTRASTS]
)
def test_bad_input(target, given, error, match):
    check(target, given, error, match)


def test_the_advice_for_a_missing_group_works():
    table = frequent_itemsets(LOG.by("order").clean(), by="user", min_support=1, max_size=1)
    assert table["count"].tolist() == [2, 1, 1]
    assert table["support"].iloc[0] == 2 / 3


def test_the_advice_for_missing_sessions_works():
    table = frequent_itemsets(LOG.sessions(gap="5D"), by="session", min_support=1)
    assert table["support"].iloc[0] == 3 / 4
