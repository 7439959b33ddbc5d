"""Samples, histories and labels against plain loops over events, and the edges of their spans."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from event_logs import (
    EVENTS,
    MINUTE,
    ROLES,
    SAMPLES,
    START,
    TWO,
    at,
    log_of,
    make_log,
    make_samples,
    sample_table,
)
from hypothesis import given
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq.exceptions import CensoredLabelError, InvalidLogError

# ------------------------------------------------------------------ the plain reference


def plain_history(events, who, cutoff, lookback=None, max_events=None):
    """Numbers of the rows of a history."""
    seen = []
    for row, (user, minute, _) in enumerate(events):
        if user != who or minute > cutoff:
            continue
        if lookback is None or minute > cutoff - lookback:
            seen.append((minute, row))
    rows = [row for _, row in sorted(seen)]
    return rows if max_events is None else rows[-max_events:]


def plain_label(events, who, cutoff, behaviors, horizon):
    """True or False; None where the log ends before the horizon and nothing was seen."""
    for user, minute, what in events:
        if user == who and cutoff < minute <= cutoff + horizon:
            if behaviors is None or what in behaviors:
                return True
    return None if cutoff + horizon > max(minute for _, minute, _ in events) else False


@given(
    events=EVENTS,
    pairs=SAMPLES,
    lookback=st.none() | st.integers(1, 20),
    max_events=st.none() | st.integers(1, 5),
)
def test_histories_are_those_of_a_plain_loop(events, pairs, lookback, max_events):
    span = None if lookback is None else lookback * MINUTE
    log = log_of(events)
    found = log.histories(sample_table(pairs), lookback=span, max_events=max_events).to_pylist()
    for row, (who, cutoff) in zip(found, pairs, strict=True):
        expected = plain_history(events, who, cutoff, lookback, max_events)
        assert row["row"] == expected
        assert row["when"] == [at(events[i][1]) for i in expected]
        assert row["what"] == [events[i][2] for i in expected]
        assert (row["who"], row["cutoff"]) == (who, at(cutoff))


@given(events=EVENTS, cutoff=st.integers(-3, 20))
def test_samples_are_those_of_a_plain_loop(events, cutoff):
    expected = sorted({who for who, minute, _ in events if minute <= cutoff})
    log = log_of(events)
    if not expected:
        with pytest.raises(InvalidLogError, match="is before all events; the log runs from"):
            log.samples(at=at(cutoff))
        return
    samples = log.samples(at=at(cutoff))
    assert samples.to_pylist() == [{"who": who, "cutoff": at(cutoff)} for who in expected]
    assert all(row["row"] for row in log.histories(samples).to_pylist())


@given(
    events=EVENTS,
    pairs=SAMPLES,
    behaviors=st.sampled_from([None, ["view"], ["buy"], ["view", "buy"]]),
    horizon=st.integers(1, 20),
)
def test_labels_are_those_of_a_plain_loop(events, pairs, behaviors, horizon):
    events = [*events, (3, 0, "view"), (3, 1, "buy")]  # so that both behaviours are known
    log, samples, span = log_of(events), sample_table(pairs), horizon * MINUTE
    expected = [plain_label(events, *pair, behaviors, horizon) for pair in pairs]
    found = log.label_behavior(samples, behavior=behaviors, horizon=span, censored="nan")
    assert found.dtype == np.float64
    assert [None if np.isnan(y) else bool(y) for y in found] == expected
    found = log.label_behavior(samples, behavior=behaviors, horizon=span, censored="observed")
    assert found.dtype == bool and found.tolist() == [bool(y) for y in expected]
    if None not in expected:
        found = log.label_behavior(samples, behavior=behaviors, horizon=span)
        assert found.dtype == bool and found.tolist() == expected
        return
    message = f"label of row {expected.index(None)} .* {expected.count(None)} such samples"
    with pytest.raises(CensoredLabelError, match=message.replace(" .* ", r".*\(")):
        log.label_behavior(samples, behavior=behaviors, horizon=span)


# ------------------------------------------------------------------ no leak, no order


@given(events=EVENTS, cutoff=st.integers(0, 15), data=st.data())
def test_nothing_after_the_cutoff_changes_a_history(events, cutoff, data):
    past = [(who, minute, what) for who, minute, what in events if minute <= cutoff]
    past = [*past, (1, 0, "view")]
    future = st.tuples(
        st.sampled_from([1, 2, 3]), st.integers(cutoff + 1, 40), st.sampled_from(["view", "buy"])
    )
    others = data.draw(st.lists(future, max_size=10))
    pairs = [(who, cutoff) for who in (1, 2, 3)]
    # The rows that stay keep their numbers, for the future is put behind them.
    before = log_of(past).histories(sample_table(pairs))
    after = log_of(past + others).histories(sample_table(pairs))
    assert before.to_pylist() == after.to_pylist()
    assert log_of(past).samples(at=at(cutoff)) == log_of(past + others).samples(at=at(cutoff))


@given(events=EVENTS, cutoff=st.integers(0, 15), horizon=st.integers(1, 10), data=st.data())
def test_only_events_within_the_horizon_change_a_label(events, cutoff, horizon, data):
    inside = [event for event in events if cutoff < event[1] <= cutoff + horizon]
    minutes = st.integers(-20, cutoff) | st.integers(cutoff + horizon + 1, 60)
    outside = st.tuples(st.sampled_from([1, 2, 3]), minutes, st.sampled_from(["view", "buy"]))
    anchor = [(1, -30, "view"), (1, -30, "buy"), (1, 70, "view")]
    samples = sample_table([(who, cutoff) for who in (1, 2, 3)])
    labels = [
        log_of(anchor + inside + data.draw(st.lists(outside, max_size=8))).label_behavior(
            samples, behavior="buy", horizon=horizon * MINUTE
        )
        for _ in range(2)
    ]
    assert labels[0].tolist() == labels[1].tolist()


@given(events=EVENTS, prices=st.data())
def test_the_order_of_rows_does_not_matter(events, prices):
    price = st.sampled_from([None, 0.5, 1.0, float("nan")])
    events = [(*event, prices.draw(price)) for event in events]
    shuffled = prices.draw(st.permutations(events))
    samples = sample_table([(1, 8), (2, 8), (3, 8)])
    answers = []
    for rows in (events, shuffled):
        who, when, what, paid = zip(*rows, strict=True)
        when = [at(minute) for minute in when]
        columns = {"who": who, "when": when, "what": pa.array(what, pa.string()), "paid": paid}
        log = EventLog(pa.table(columns), **ROLES).clean()
        questions = [
            log.histories(samples, max_events=5).to_pylist(),
            log.label_behavior(samples, horizon="9min", censored="nan").tolist(),
            log.label_next(samples, "paid", censored="nan").tolist(),
            log.sessions(gap="3min").to_frame().to_pylist(),
            log.collapse("what", aggregate={"paid": ["sum", "list"]}).to_frame().to_pylist(),
            log.report.dropped,
            repr(log),
        ]
        answers.append([repr(answer) for answer in questions])
    assert answers[0] == answers[1]


TIED = {
    "who": [1, 2, 1, 1, 1, 1],
    "when": [at(m) for m in (5, 5, 5, 3, 5, 5)],
    "what": ["c", "x", "a", "z", None, "a"],
    "n": [1, 2, 3, 4, 5, 0],
}


@pytest.mark.parametrize(
    ("ties", "what", "n"),
    [
        ("values", ["z", "a", "a", "c", None], [4, 0, 3, 1, 5]),
        ("rows", ["z", "c", "a", None, "a"], [4, 1, 3, 5, 0]),
        (["n"], ["z", "a", "c", "a", None], [4, 0, 1, 3, 5]),
    ],
)
def test_events_at_one_time_stand_in_the_order_asked_for(ties, what, n):
    log = EventLog(pa.table(TIED), **ROLES, ties=ties)
    row = log.histories(sample_table([(1, 5)])).to_pylist()[0]
    assert (row["what"], row["n"]) == (what, n)


def test_ties_are_checked():
    with pytest.raises(ValueError, match="ties must be one of 'values', 'rows'; got 'row'"):
        EventLog(pa.table(TIED), **ROLES, ties="row")
    with pytest.raises(InvalidLogError, match="no column 'm' for ties=; it has 'who', 'when'"):
        EventLog(pa.table(TIED), **ROLES, ties=["m"])


# ------------------------------------------------------------------ edges of the spans


def test_an_event_at_the_cutoff_is_seen_and_is_no_label():
    log = make_log([1, 1], [5, 60], ["buy", "view"])
    samples = make_samples((1, 5), (1, 4))
    assert log.histories(samples)["what"].to_pylist() == [["buy"], []]
    assert log.label_behavior(samples, behavior="buy", horizon="10min").tolist() == [False, True]


def test_an_event_at_the_end_of_the_horizon_is_in_the_label():
    log = make_log([1, 1], [15, 60])
    labels = log.label_behavior(make_samples((1, 5), (1, 4)), horizon="10min")
    assert labels.tolist() == [True, False]


def test_an_event_at_the_start_of_the_lookback_is_not_seen():
    log = make_log([1, 1], [5, 6])
    histories = log.histories(make_samples((1, 15), (1, 14)), lookback="10min")
    assert histories["when"].to_pylist() == [[at(6)], [at(5), at(6)]]


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_spans_longer_than_time_reach_to_its_end(unit):
    when = pa.array([START, at(9)], pa.timestamp(unit))
    log = EventLog(pa.table({"who": [1, 1], "when": when}), **TWO)
    samples = log.samples(at=at(5))
    assert [len(h) for h in log.histories(samples, lookback="106000000D")["when"]] == [1]
    assert log.label_behavior(samples, horizon="106000000D").tolist() == [True]
    with pytest.raises(CensoredLabelError, match="label of row 0 cannot be known"):
        log.label_behavior(log.samples(at=at(9)), horizon="106000000D")


# ------------------------------------------------------------------ labels


@pytest.mark.parametrize(
    ("behavior", "expected"),
    [
        ("buy", [True, False]),
        (["buy"], [True, False]),
        (("view", "buy"), [True, True]),
        ({"view"}, [False, True]),
        (np.array(["view", "buy"]), [True, True]),
        (None, [True, True]),
    ],
)
def test_behaviors_are_one_or_several(behavior, expected):
    log = make_log([1, 2, 1, 2, 3], [1, 1, 5, 5, 20], ["view", "view", "buy", "view", "view"])
    samples = make_samples((1, 1), (2, 1))
    assert log.label_behavior(samples, behavior=behavior, horizon="9min").tolist() == expected


@pytest.mark.parametrize("values", [[1, 2], [1.5, 2.5], [True, False], [START, at(1)]])
def test_behaviors_need_not_be_strings(values):
    log = make_log([1, 1, 1], [1, 5, 20], [values[0], values[1], values[0]])
    samples = make_samples((1, 1), (1, 5))
    labels = log.label_behavior(samples, behavior=values[1], horizon="5min")
    assert labels.tolist() == [True, False]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"behavior": "bye"}, InvalidLogError, "No event has what = 'bye'; the log holds 'view'"),
        ({"behavior": ["view", 3]}, InvalidLogError, "No event has what = 3"),
        ({"behavior": []}, ValueError, "behavior is an empty list"),
        ({"censored": "drop"}, ValueError, "censored must be one of 'raise', 'observed', 'nan'"),
        ({"horizon": "0D"}, ValueError, "horizon must be longer than zero; got '0D'"),
        ({"horizon": "-3D"}, ValueError, "horizon must be longer than zero; got '-3D'"),
        ({"horizon": dt.timedelta(-3)}, ValueError, "horizon must be longer than zero"),
        ({"horizon": "week"}, ValueError, "horizon='week' is not a duration"),
        ({"horizon": 7}, TypeError, "horizon must be a string .* got 7. A bare number has no"),
        ({"horizon": None}, ValueError, "means to the end of the session, but this log is not"),
    ],
)
def test_label_options_are_checked(options, error, message):
    log = make_log([1, 1], [1, 5], ["view", "view"])
    with pytest.raises(error, match=message):
        log.label_behavior(make_samples((1, 1)), **{"horizon": "4min"} | options)


@pytest.mark.parametrize("lookback", ["0D", "-1D", "1 fortnight", dt.timedelta(0)])
def test_a_lookback_is_a_duration(lookback):
    with pytest.raises(ValueError, match="lookback"):
        make_log([1], [5]).histories(make_samples((1, 5)), lookback=lookback)


def test_behaviors_are_asked_of_a_log_that_has_them():
    with pytest.raises(InvalidLogError, match="behavior='buy' was given, but the log has no"):
        make_log([1], [5]).label_behavior(make_samples((1, 5)), behavior="buy", horizon="1D")


def test_a_horizon_past_the_end_of_the_log_is_not_known():
    log = make_log([1, 2, 1], [1, 2, 8], ["view", "view", "buy"])
    samples = make_samples((1, 2), (2, 2))
    with pytest.raises(
        CensoredLabelError,
        match=r"label of row 1 .* horizon ends at 2026-01-01 00:09:00 .* log at "
        r"2026-01-01 00:08:00 \(1 such samples\)",
    ):
        log.label_behavior(samples, behavior="buy", horizon="7min")
    options = {"behavior": "buy", "horizon": "7min"}
    assert log.label_behavior(samples, **options, censored="observed").tolist() == [True, False]
    found = log.label_behavior(samples, **options, censored="nan")
    assert found[0] == 1.0 and np.isnan(found[1])
    assert log.label_behavior(samples, behavior="buy", horizon="6min").tolist() == [True, False]


def test_until_says_that_the_log_is_complete():
    log = make_log([1, 2, 1], [1, 2, 8], ["view", "view", "buy"], until="2026-01-01 00:09")
    samples = make_samples((1, 2), (2, 2))
    assert log.label_behavior(samples, behavior="buy", horizon="7min").tolist() == [True, False]
    assert log.clean().label_behavior(samples, horizon="7min").tolist() == [True, False]
    with pytest.raises(CensoredLabelError, match="row 1"):
        log.label_behavior(samples, behavior="buy", horizon="8min")


def test_dropped_duplicates_do_not_shorten_the_log():
    log = make_log([1, 1, 1], [1, 8, 8]).clean()
    assert log.label_behavior(make_samples((1, 1)), horizon="7min").tolist() == [True]


# ------------------------------------------------------------------ cutoffs


@pytest.mark.parametrize(
    ("moment", "error", "message"),
    [
        ("2025-12-31", InvalidLogError, "at=2025-12-31 is before all events; the log runs from"),
        ("2026-13-01", ValueError, "at='2026-13-01' is not a moment"),
        (20260101, ValueError, "at=20260101 is not a moment"),
        (pd.NaT, ValueError, "at=NaT is not a moment"),
        ("2026-01-01T00:00Z", ValueError, "has a time zone but the times of the log have none"),
    ],
)
def test_a_cutoff_is_a_moment_of_the_log(moment, error, message):
    with pytest.raises(error, match=message):
        make_log([1], [5]).samples(at=moment)


@pytest.mark.parametrize(
    "moment",
    ["2026-01-02", START + dt.timedelta(1), dt.date(2026, 1, 2), np.datetime64("2026-01-02")],
)
def test_a_cutoff_is_written_in_many_ways(moment):
    samples = make_log([1, 2], [5, 6]).samples(at=moment)
    assert samples.to_pylist() == [{"who": u, "cutoff": dt.datetime(2026, 1, 2)} for u in (1, 2)]


@pytest.mark.parametrize("role", ["product", "behavior"])
def test_ids_that_pandas_made_floats_are_integers_again(role, frame_lib):
    columns = {"who": [1, 1, 1, 2], "when": [at(0), at(1), at(2), at(0)]}
    ids = pa.array([20725.0, None, 20726.0, float("nan")])
    log = EventLog(frame_lib.make(columns | {"x": ids, "y": ids}), **TWO, **{role: "x"})
    rows = frame_lib.to_pylist(log.histories(log.samples(at=at(9))))
    assert [row["x"] for row in rows] == [[20725, None, 20726], [None]]
    assert {type(value) for value in rows[0]["x"]} == {int, type(None)}
    # The type is that of the whole log; other columns, and floats that are no ids, stay.
    early = log.histories(log.samples(at=at(0)))
    assert isinstance(frame_lib.to_pylist(early)[0]["x"][0], int)
    assert isinstance(rows[0]["y"][0], float)
    for odd in (0.5, float("inf")):
        ids = pa.array([1.0, None, odd, 1.0])
        log = EventLog(frame_lib.make(columns | {"x": ids}), **TWO, **{role: "x"})
        rows = frame_lib.to_pylist(log.histories(log.samples(at=at(9))))
        assert rows[0]["x"][0] == 1.0 and isinstance(rows[0]["x"][0], float)


@pytest.mark.parametrize(("in_log", "in_samples"), [([7, 8], ["8", "7"]), (["7", "8"], [8, 7])])
def test_users_may_be_text_in_the_log_and_numbers_in_the_samples(in_log, in_samples):
    times = pd.to_datetime(["2026-01-01", "2026-01-02"])
    log = EventLog(pd.DataFrame({"u": in_log, "t": times}), user="u", time="t")
    samples = pd.DataFrame({"u": in_samples, "cutoff": times[[1, 1]]})
    first = [next(iter(history)) for history in log.histories(samples)["t"]]
    assert [str(time)[:10] for time in first] == ["2026-01-02", "2026-01-01"]
