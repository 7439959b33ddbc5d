"""Collapsed events, sessions and logs by another column, against plain loops."""

import math
import statistics

import pandas as pd
import pyarrow as pa
import pytest
from event_logs import EVENTS, ROLES, TWO, at, log_of, make_log
from hypothesis import given
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq.exceptions import InvalidLogError

PAID = st.sampled_from([None, 0.5, 2.0, -1.0])
BASKETS = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.integers(0, 6),
        st.sampled_from(["view", "buy"]),
        st.sampled_from(["x", "y", None]),
        PAID,
    ),
    min_size=1,
    max_size=15,
)
WAYS = ["sum", "mean", "std", "min", "max", "count", "n_unique", "first", "last", "list"]


def plain_groups(events):
    """Rows of each group in order of user and time; a row without a basket stands alone."""
    groups = {}
    for row in sorted(range(len(events)), key=lambda row: (events[row][:2], row)):
        who, basket = events[row][0], events[row][3]
        key = (who, basket) if basket is not None else (who, basket, row)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def plain_aggregates(values):
    known = [value for value in values if value is not None]
    return {
        "paid_sum": math.fsum(known) if known else None,
        "paid_mean": statistics.fmean(known) if known else None,
        "paid_std": statistics.pstdev(known) if known else None,
        "paid_min": min(known, default=None),
        "paid_max": max(known, default=None),
        "paid_count": len(known),
        "paid_n_unique": len(set(known)),
        "paid_first": values[0],
        "paid_last": values[-1],
        "paid_list": values,
    }


@given(events=BASKETS)
def test_collapsed_events_are_those_of_a_plain_loop(events):
    log = log_of(events, "basket", "paid")
    collapsed = log.collapse("basket", aggregate={"paid": WAYS})
    expected = []
    for rows in plain_groups(events):
        who, _, what, basket, _ = events[rows[0]]
        paid = plain_aggregates([events[row][4] for row in rows])
        event = {"who": who, "when": at(events[rows[-1]][1]), "what": what, "basket": basket}
        expected.append(event | paid | {"row": rows[0], "n_events": len(rows)})
    # Groups that end at one time stand as they did before.
    expected.sort(key=lambda event: (event["who"], event["when"]))
    found = collapsed.to_frame().to_pylist()
    assert sorted(map(repr, map(rounded, found))) == sorted(map(repr, map(rounded, expected)))
    times = [(event["who"], event["when"]) for event in found]
    assert times == sorted(times)


def rounded(event):
    event = {n: round(v, 9) + 0.0 if isinstance(v, float) else v for n, v in event.items()}
    return dict(sorted(event.items()))


@given(events=EVENTS, gap=st.sampled_from([None, 0, 1, 3]))
def test_runs_are_those_of_a_plain_loop(events, gap):
    log = log_of(events)
    span = None if gap is None else f"{gap}min" if gap else None
    if gap == 0:
        return
    runs = []
    last = None
    for row in sorted(range(len(events)), key=lambda row: (events[row][:2], row)):
        who, minute, what = events[row]
        same = last is not None and last[0] == who and last[2] == what is not None
        if same and (gap is None or minute - last[1] <= gap):
            runs[-1].append(row)
        else:
            runs.append([row])
        last = events[row]
    frame = log.collapse("what", aggregate={"row": "list"}, runs=True, max_gap=span).to_frame()
    assert sorted(frame["row"].to_pylist()) == sorted(runs)
    assert sum(frame["n_events"].to_pylist()) == len(events)


def test_a_collapsed_event_comes_when_all_of_it_is_known():
    # Were it stamped with its first time, a history of minute 3 would hold what minute 5 brought.
    log = make_log([1, 1, 1], [1, 5, 9], ["a", "a", "b"])
    collapsed = log.collapse("what")
    assert collapsed.to_frame()["when"].to_pylist() == [at(5), at(9)]
    with pytest.raises(InvalidLogError, match="is before all events"):
        collapsed.samples(at=at(3))


def test_every_library_collapses_alike(frame_lib):
    columns = {"who": [1, 1, 1], "when": [at(0), at(0), at(3)], "bill": ["a", "a", "b"]}
    more = {"item": ["x", "y", "z"], "ok": [True, False, True], "n": [1, 2, 3]}
    log = EventLog(frame_lib.make(columns | more), **TWO, product="item")
    ways = {"item": "list", "ok": ["any", "all"], "n": "sum"}
    collapsed = log.collapse("bill", aggregate=ways, count=None)
    assert frame_lib.to_pylist(collapsed.to_frame()) == [
        {"who": 1, "when": at(0), "bill": "a", "item": ["x", "y"]}
        | {"ok_any": True, "ok_all": False, "n": 3},
        {"who": 1, "when": at(3), "bill": "b", "item": ["z"]}
        | {"ok_any": True, "ok_all": True, "n": 3},
    ]
    X = collapsed.histories(collapsed.samples(at=at(9)))
    assert frame_lib.to_pylist(X)[0]["item"] == [["x", "y"], ["z"]]


@pytest.mark.parametrize("way", ["n_unique", "count", "sum", "mean", "std"])
def test_a_number_of_products_is_no_product(way, frame_lib):
    columns = {"who": [1, 1, 1], "when": [at(0), at(0), at(3)], "bill": [7, 7, 8]}
    more = {"item": [4, 5, 4], "kind": [1, 1, 2], "line": [2, 1, 1]}
    roles = TWO | {"product": "item", "behavior": "kind", "ties": ["line"]}
    log = EventLog(frame_lib.make(columns | more), **roles)
    ways = dict.fromkeys(["item", "kind", "line", "bill"], way)
    collapsed = log.collapse("bill", aggregate=ways, count=None)
    assert (collapsed.product, collapsed.behavior, collapsed.ties) == ("item", "kind", ["line"])
    rows = frame_lib.to_pylist(collapsed.to_frame())
    # Of the ties, line 1 comes first.
    assert [[r[n] for n in ("item", "kind", "line", "bill")] for r in rows] == [
        [5, 1, 1, 7],
        [4, 2, 1, 8],
    ]
    expected = {
        "n_unique": [2, 1],
        "count": [2, 1],
        "sum": [9, 4],
        "mean": [4.5, 4],
        "std": [0.5, 0],
    }
    assert [row[f"item_{way}"] for row in rows] == expected[way]
    # Columns without a role, and values that stay products, keep the name.
    plain = EventLog(frame_lib.make(columns | more), **TWO).collapse(
        "bill", aggregate={"item": way}
    )
    assert [r["item"] for r in frame_lib.to_pylist(plain.to_frame())] == expected[way]
    largest = log.collapse("bill", aggregate={"item": "max"}).to_frame()
    assert [r["item"] for r in frame_lib.to_pylist(largest)] == [5, 4]


def test_the_name_of_an_aggregate_of_a_role_must_be_free():
    columns = {"who": [1], "when": [at(0)], "item": ["x"], "item_count": [1]}
    log = EventLog(pd.DataFrame(columns), **TWO, product="item")
    with pytest.raises(ValueError, match="Two columns would be called 'item_count'"):
        log.collapse("item_count", aggregate={"item": "count"})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"by": "x"}, InvalidLogError, "The log has no column 'x'"),
        ({"by": "what", "max_gap": "1h"}, ValueError, "max_gap needs runs=True"),
        ({"by": "what", "count": "n"}, ValueError, "count='n' is already the name of a column"),
        ({"by": "what", "aggregate": {"n": "product"}}, ValueError, "'product'} is unknown"),
        (
            {"by": "what", "aggregate": {"what": "sum"}},
            InvalidLogError,
            "string values, which hav",
        ),
        ({"by": "what", "aggregate": {"who": "sum"}}, ValueError, "user and time cannot be chang"),
        ({"by": "what", "aggregate": {"m": "sum"}}, InvalidLogError, "no column 'm'"),
    ],
)
def test_collapse_options_are_checked(options, error, message):
    table = pa.table({"who": [1, 1], "when": [at(0), at(1)], "what": ["a", "b"], "n": [1, 2]})
    with pytest.raises(error, match=message):
        EventLog(table, **ROLES).collapse(**options)


# ------------------------------------------------------------------ sessions


@given(events=EVENTS, gap=st.integers(1, 5))
def test_sessions_are_those_of_a_plain_loop(events, gap):
    log = log_of(events).sessions(gap=f"{gap}min", name="visit")
    expected, last = [], None
    for row in sorted(range(len(events)), key=lambda row: (events[row][:2], row)):
        who, minute, _ = events[row]
        if last is None or last[0] != who:
            number, position = 1, 1
        elif minute - last[1] > gap:
            number, position = number + 1, 1
        else:
            position += 1
        last = events[row]
        expected.append((row, f"{who}/{number}", number, position))
    names = ["row", "visit", "visit_number", "visit_position"]
    found = log.to_frame().select(names).to_pylist()
    assert [tuple(row[name] for name in names) for row in found] == expected
    histories = log.by("visit").histories(log.by("visit").prefixes(share=1.0)).to_pylist()
    rows = {}
    for row, session, *_ in expected:
        rows.setdefault(session, []).append(row)
    assert {row["visit"]: row["row"] for row in histories} == rows


def test_sessions_do_not_overwrite_columns():
    log = make_log([1], [0]).sessions()
    with pytest.raises(InvalidLogError, match="already has a column 'session'"):
        log.sessions()
    assert "visit_position" in log.sessions(name="visit").to_frame().column_names
    with pytest.raises(ValueError, match="gap='half an hour' is not a duration"):
        log.sessions(gap="half an hour")


def test_by_drops_what_has_no_value_and_counts_it():
    table = pa.table({"who": [1, 1, 2], "when": [at(0), at(1), at(2)], "bill": ["x", None, "x"]})
    log = EventLog(table, **TWO).by("bill")
    assert len(log) == 3 and "1 missing bill: call clean()" in repr(log)
    clean = log.clean()
    assert clean.report.dropped["missing bill"] == 1
    X = clean.histories(clean.samples(at=at(9))).to_pylist()
    assert [(row["bill"], row["who"]) for row in X] == [("x", [1, 2])]
    with pytest.raises(InvalidLogError, match="The log has no column 'visit'"):
        log.clean().by("visit")
    with pytest.raises(InvalidLogError, match="A column cannot have two roles"):
        clean.by("when")


def test_sessions_do_not_depend_on_later_events():
    early = make_log([1, 2, 2], [0, 1, 50]).sessions().to_frame().to_pylist()
    late = make_log([1, 2, 2, 1, 1], [0, 1, 50, 60, 120]).sessions().to_frame().to_pylist()
    assert [row for row in late if row in early] == early


def test_a_collapsed_column_of_several_ways_loses_its_role():
    table = pa.table({"who": [1, 1], "when": [at(0)] * 2, "bill": ["x"] * 2, "n": [2, 1]})
    log = EventLog(table, **TWO, product="n", ties=["n"])
    bills = log.collapse("bill", aggregate={"n": ["list", "sum"]})
    assert bills.product is None and "n_list" in repr(bills)
    assert bills.to_frame()["n_list"].to_pylist() == [[1, 2]]
    assert bills.clean(cancelled="n_sum").report.rows_out == 1


def test_events_that_lack_any_key_stay_alone():
    table = pa.table(
        {"who": [1] * 4, "when": [at(0)] * 4, "a": ["x", None, None, "x"], "b": list("yyyy")}
    )
    assert len(EventLog(table, **TWO).collapse(["a", "b"])) == 3
    assert len(EventLog(table, **TWO).collapse(["b", "a"])) == 3


def test_sums_that_integers_do_not_hold_are_refused():
    table = pa.table({"who": [1] * 4, "when": [at(0)] * 4, "n": [2**62] * 4})
    with pytest.raises(InvalidLogError, match="sums of column 'n' are too large for 64-bit integ"):
        EventLog(table, **TWO).collapse("who", aggregate={"n": "sum"})
