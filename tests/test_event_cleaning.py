"""Cleaning: each reason against a plain loop, and rows in = rows out + rows dropped."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from event_logs import ROLES, START, TWO, at, log_of
from hypothesis import given
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq.exceptions import InvalidLogError

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.integers(0, 12),
        st.sampled_from(["view", "buy", "odd", None]),
        st.sampled_from([-2, -1, 0, 1, 2, None]),
    ),
    max_size=20,
).map(lambda events: [(9, 0, "view", 5), *events])


def rows_of(log):
    """Numbers of the rows that are left, in the order of users and times."""
    return log.to_frame()["row"].to_pylist()


def in_order(events):
    return sorted(range(len(events)), key=lambda row: (events[row][:2], row))


def assert_adds_up(before, after):
    report = after.report
    assert len(before) == report.rows_in
    assert len(after) == report.rows_out == report.rows_in - sum(report.dropped.values())
    for reason, count in report.dropped.items():
        shown = report.examples.get(reason)
        assert (0 if shown is None else shown.num_rows) == min(count, 3), reason


@given(events=EVENTS, tolerance=st.integers(0, 4))
def test_repeats_within_a_tolerance(events, tolerance):
    log = log_of(events, "n")
    clean = log.clean(duplicates=["what"], tolerance=dt.timedelta(minutes=tolerance))
    last, kept = {}, []
    for row in in_order(events):
        who, minute, what, _ = events[row]
        if (who, what) not in last or minute - last[who, what] > tolerance:
            kept.append(row)
        last[who, what] = minute
    assert rows_of(clean) == kept
    assert_adds_up(log, clean)


@given(events=EVENTS)
def test_duplicates_by_some_columns(events):
    log = log_of(events, "n")
    clean = log.clean(duplicates=["what"])
    kept, seen = [], set()
    for row in in_order(events):
        if events[row][:3] not in seen:
            kept.append(row)
        seen.add(events[row][:3])
    assert rows_of(clean) == kept
    assert_adds_up(log, clean)
    assert rows_of(log.clean(duplicates=None)) == in_order(events)


@given(events=EVENTS)
def test_unknown_behaviors_and_impossible_values(events):
    log = log_of(events, "n")
    clean = log.clean(behaviors=["view", "buy"], rules={"n": ">= 0 and != 1"})
    left = [row for row in in_order(events) if events[row][2] in ("view", "buy")]
    broken = [row for row in left if events[row][3] in (-2, -1, 1)]
    assert rows_of(clean) == [row for row in left if row not in broken]
    assert clean.report.dropped == {
        "missing who": 0,
        "missing when": 0,
        "exact duplicate": 0,
        "unknown what": len(events) - len(left),
        "n not >= 0 and != 1": len(broken),
    }
    assert_adds_up(log, clean)


@given(events=EVENTS)
def test_cancelled_pairs(events):
    log = log_of(events, "n")
    clean = log.clean(cancelled="n")
    gone, waiting = set(), {}
    # Within a moment, a sale comes before what undoes it.
    for row in sorted(
        range(len(events)), key=lambda row: (events[row][:2], (events[row][3] or 0) < 0, row)
    ):
        who, _, _, n = events[row]
        if not n:
            continue
        stack = waiting.setdefault((who, abs(n)), [])
        if n > 0:
            stack.append(row)
        elif stack:
            gone |= {row, stack.pop()}
    assert rows_of(clean) == [row for row in in_order(events) if row not in gone]
    assert clean.report.dropped["cancelled n"] == len(gone)
    assert_adds_up(log, clean)


def test_a_cancellation_is_of_the_same_product():
    events = pa.table(
        {"who": [1] * 4, "when": [at(m) for m in range(4)], "p": list("aabb"), "n": [5, 3, -5, -3]}
    )
    assert EventLog(events, **TWO, product="p").clean(cancelled="n").report.rows_out == 4
    with pytest.raises(InvalidLogError, match="Nothing is left"):
        EventLog(events, **TWO).clean(cancelled="n")


@given(events=EVENTS, limit=st.integers(1, 4), span=st.integers(1, 5))
def test_robots_and_counts(events, limit, span):
    log = log_of(events, "n")
    robots = set()
    for who in {event[0] for event in events}:
        minutes = [event[1] for event in events if event[0] == who]
        if any(sum(m <= other < m + span for other in minutes) > limit for m in minutes):
            robots.add(who)
    if len(robots) == len({event[0] for event in events}):
        return
    clean = log.clean(max_rate=f"{limit}/{span}min")
    assert rows_of(clean) == [row for row in in_order(events) if events[row][0] not in robots]
    assert_adds_up(log, clean)
    counts = pd.Series([event[0] for event in events]).value_counts()
    inside = counts.index[(counts >= 1) & (counts <= 3)]
    clean = log.clean(min_events=1, max_events=3)
    assert rows_of(clean) == [row for row in in_order(events) if events[row][0] in inside]


@given(events=EVENTS, first=st.integers(0, 6), last=st.integers(6, 12))
def test_times_outside_a_span(events, first, last):
    events = [*events, (1, 6, "view", 0)]
    log = log_of(events, "n")
    clean = log.clean(earliest=at(first), latest=at(last))
    kept = [row for row in in_order(events) if first <= events[row][1] <= last]
    assert rows_of(clean) == kept
    assert_adds_up(log, clean)
    # What came after `latest` does not tell that the log is complete until then.
    end = max(event[1] for event in events if event[1] <= last)
    samples = pa.table({"who": [9], "cutoff": [at(0)]})
    labels = clean.label_behavior(samples, horizon=at(end) - START or "1us", censored="nan")
    assert not np.isnan(labels[0]) or end == 0
    assert np.isnan(clean.label_behavior(samples, horizon=f"{end + 1}min", censored="nan")[0])


def test_late_and_future_events():
    received = [at(5), at(4), at(50), None]
    events = pa.table({"who": [1] * 4, "when": [at(5)] * 4, "got": received, "n": range(4)})
    report = EventLog(events, **TWO).clean(received="got", max_delay="30min").report
    assert report.dropped["after its got"] == 1
    assert report.dropped["got later than 30min"] == 1
    assert report.rows_out == 2


def test_rules_may_be_functions_of_the_column(frame_lib):
    columns = {"who": [1, 1, 1], "when": [at(0)] * 3, "page": ["/a", "/admin", None]}
    log = EventLog(frame_lib.make(columns), **TWO)
    seen = []

    def public(column):
        seen.append(type(column))
        return pa.array([value != "/admin" for value in column.to_list()])

    if frame_lib.name == "pyarrow":
        public_ = lambda column: [value != "/admin" for value in column.to_pylist()]  # noqa: E731
        clean = log.clean(rules={"page": public_})
    else:
        clean = log.clean(rules={"page": public})
        assert seen == [type(frame_lib.make(columns)["page"])]
        assert clean.report.dropped["page fails public"] == 1
    assert frame_lib.to_pylist(clean.to_frame()) == [
        {"who": 1, "when": at(0), "page": page} for page in ("/a", None)
    ]
    text = log.clean(rules={"page": "!= '/admin'"})
    assert frame_lib.to_pylist(text.to_frame()) == frame_lib.to_pylist(clean.to_frame())


LOG = EventLog(
    pa.table({"who": [1, 2], "when": [at(0), at(1)], "what": ["a", "b"], "n": [1.0, 2.0]}), **ROLES
)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"duplicates": "what"}, ValueError, "duplicates must be 'exact', a list of columns or"),
        (
            {"duplicates": ["x"]},
            InvalidLogError,
            "The log has no column 'x' for duplicates=; it has 'who'",
        ),
        ({"tolerance": "2s"}, ValueError, "tolerance needs duplicates="),
        ({"behaviors": "view"}, ValueError, "behaviors must be a list of values; got 'view'"),
        ({"behaviors": ["c"]}, InvalidLogError, "Nothing is left .* dropped as 'unknown what'"),
        ({"rules": {"m": ">= 0"}}, InvalidLogError, "The log has no column 'm'"),
        ({"rules": {"n": "positive"}}, ValueError, r"rules\['n'\]='positive' is not a rule"),
        ({"rules": {"n": "> many"}}, ValueError, "compares numbers with 'many'"),
        ({"rules": {"what": "> 3"}}, ValueError, "does not apply to string values"),
        (
            {"rules": {"n": lambda n: n.to_pylist()}},
            InvalidLogError,
            "returned 2 float values; expec",
        ),
        (
            {"rules": {"n": lambda n: [True]}},
            InvalidLogError,
            "returned 1 boolean values; expected 2",
        ),
        ({"cancelled": "what"}, InvalidLogError, "cancelled='what' holds string values"),
        ({"max_rate": "100"}, ValueError, "max_rate='100' is not a rate"),
        ({"max_rate": "0/h"}, ValueError, "max_rate='0/h' is not a rate"),
        ({"max_delay": "1h"}, ValueError, "max_delay needs received="),
        (
            {"received": "n"},
            InvalidLogError,
            "Cannot recognise the unit of the times in column 'n",
        ),
        ({"min_events": 0}, ValueError, "min_events must be a whole number of at least 1; got 0"),
        ({"latest": "2025-01-01"}, InvalidLogError, "Nothing is left of the log"),
    ],
)
def test_options_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        LOG.clean(**options)


def test_a_log_without_behaviors_knows_no_unknown_ones():
    log = EventLog(pa.table({"who": [1], "when": [at(0)]}), **TWO)
    with pytest.raises(InvalidLogError, match="behaviors= was given, but the log has no behavio"):
        log.clean(behaviors=["view"])


def test_a_report_is_text_a_table_and_html(frame_lib):
    events = frame_lib.make({"who": [1, None, 1], "when": [at(0)] * 3, "n": [1, 2, 1]})
    report = EventLog(events, **TWO).clean(rules={"n": "< 9"}).report
    assert frame_lib.to_pylist(report.to_frame(frame_lib.name)) == [
        {"reason": "missing who", "rows": 1, "share": 1 / 3},
        {"reason": "missing when", "rows": 0, "share": 0.0},
        {"reason": "exact duplicate", "rows": 1, "share": 1 / 3},
        {"reason": "n not < 9", "rows": 0, "share": 0.0},
    ]
    assert frame_lib.to_pylist(report.examples["missing who"])[0]["n"] == 2
    page = report._repr_html_()
    assert "3 events in, 1 out, 2 dropped" in page
    assert "<td>n not &lt; 9</td><td>0</td>" in page
    assert "when = 2026-01-01 00:00:00, n = 1" in page


def test_cleaning_in_steps_keeps_the_end_of_the_log():
    log = EventLog(pa.table({"who": [1, 2], "when": [at(0), at(90)]}), **TWO)
    clean = log.clean(rules={"who": "< 2"})
    assert clean.label_behavior(clean.samples(at=at(0)), horizon="90min").tolist() == [False]


def test_a_sale_undone_at_the_same_moment_is_cancelled():
    events = pa.table({"who": [1] * 3, "when": [at(0), at(0), at(5)], "q": [2, -2, 1]})
    for ties in ("values", "rows"):
        assert EventLog(events, **TWO, ties=ties).clean(cancelled="q").report.rows_out == 1


def test_the_end_of_a_log_that_was_told_is_kept():
    events = pa.table({"who": [1, 1], "when": [at(0), at(9)], "n": [1, 2]})
    told = EventLog(events, **TWO, until=at(50))
    assert told.clean(latest=at(30)).until == at(30)
    assert told.clean(latest=at(60)).until == at(50)
    assert EventLog(events, **TWO).clean(latest=at(5)).until == at(0)
    assert EventLog(events, **TWO).clean(latest=at(9), rules={"n": "< 2"}).until == at(9)


def test_nan_is_null_in_every_library(frame_lib):
    events = frame_lib.make({"who": [1] * 3, "when": [at(0)] * 3, "x": [float("nan"), None, 2.0]})
    log = EventLog(events, **TWO)
    assert log.clean().report.dropped["exact duplicate"] == 1
    collapsed = frame_lib.to_pylist(
        log.collapse("who", aggregate={"x": ["sum", "count"]}).to_frame()
    )
    assert (collapsed[0]["x_sum"], collapsed[0]["x_count"]) == (2.0, 1)


def test_rules_compare_integers_exactly():
    events = pa.table({"who": [1] * 2, "when": [at(0)] * 2, "n": [2**53, 2**53 + 1]})
    clean = EventLog(events, **TWO).clean(rules={"n": f"== {2**53 + 1}"})
    assert clean.to_frame()["n"].to_pylist() == [2**53 + 1]


def test_duplicates_in_no_column_are_none():
    with pytest.raises(ValueError, match="duplicates is an empty list"):
        LOG.clean(duplicates=[])
