"""Labels of every kind against a slow, obvious reference, and what a log cannot know."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from event_logs import EVENTS, SAMPLES, TWO, at, log_of, make_log, sample_table
from hypothesis import given, settings
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq.exceptions import CensoredLabelError, InvalidLogError

MINUTE = dt.timedelta(minutes=1)
PAID = st.sampled_from([None, 0.5, 2.0, -1.0, 1e9])


def plain_after(events, who, cutoff, horizon, behaviors=None, gap=0):
    """The events that count, in order, and whether the log ends before the horizon does."""
    begin, end = cutoff + gap, cutoff + gap + horizon
    found = [
        event
        for event in sorted(events, key=lambda event: event[1])
        if event[0] == who and begin < event[1] <= end
    ]
    if behaviors is not None:
        found = [event for event in found if event[2] in behaviors]
    return found, end > max(minute for _, minute, *_ in events)


def told(labels):
    """Labels as plain values, None for NaN."""
    return [None if value != value else value for value in np.asarray(labels, object).tolist()]


@settings(max_examples=300)
@given(
    events=EVENTS,
    pairs=SAMPLES,
    behaviors=st.sampled_from([None, ["view"], ["buy"], ["view", "buy"]]),
    horizon=st.integers(1, 20),
    gap=st.integers(0, 5),
    data=st.data(),
)
def test_labels_are_those_of_a_slow_reference(events, pairs, behaviors, horizon, gap, data):
    events = [*events, (3, 0, "view"), (3, 1, "buy")]  # so that both behaviours are known
    events = [(*event, data.draw(PAID)) for event in events]
    log, samples = log_of(events, "paid"), sample_table(pairs)
    asked = {"behavior": behaviors, "horizon": horizon * MINUTE}
    if gap:
        asked["gap"] = gap * MINUTE
    expected = {"any": [], "count": [], "time": [], "churn": [], "sum": []}
    for who, cutoff in pairs:
        found, open_ = plain_after(events, who, cutoff, horizon, behaviors, gap)
        undecided = open_ and not found
        days = (found[0][1] - cutoff) / (24 * 60) if found else np.inf
        expected["any"].append(None if undecided else float(bool(found)))
        expected["count"].append(None if open_ else len(found))
        expected["time"].append(None if undecided else days)
        expected["churn"].append(None if undecided else float(not found))
        expected["sum"].append(None if open_ else sum(event[3] or 0 for event in found))
    for kind in ("any", "count"):
        labels = log.label_behavior(samples, **asked, kind=kind, censored="nan")
        assert told(labels) == expected[kind]
    labels = told(log.label_behavior(samples, **asked, kind="time", censored="nan"))
    assert labels == pytest.approx(expected["time"])
    assert told(log.label_churn(samples, **asked, censored="nan")) == expected["churn"]
    labels = told(log.label_sum(samples, "paid", **asked, censored="nan"))
    assert labels == pytest.approx(expected["sum"])


@settings(max_examples=200)
@given(
    events=EVENTS,
    pairs=SAMPLES,
    behaviors=st.sampled_from([None, ["buy"]]),
    horizon=st.sampled_from([None, 1, 4, 20]),
)
def test_the_next_is_that_of_a_slow_reference(events, pairs, behaviors, horizon):
    events = [*events, (3, 1, "buy")]
    log, samples = log_of(events), sample_table(pairs)
    span = None if horizon is None else horizon * MINUTE
    expected = []
    for who, cutoff in pairs:
        found, open_ = plain_after(events, who, cutoff, horizon or 10**6, behaviors)
        first = min((e for e in found), key=lambda e: e[1], default=None)
        at_first = [e for e in events if first and e[:2] == first[:2]]
        at_first = [e for e in at_first if behaviors is None or e[2] in behaviors]
        undecided = first is None and (open_ or horizon is None)
        expected.append(None if undecided else "none" if first is None else at_first[0][2])
    options = {"behavior": behaviors, "horizon": span, "none": "none"}
    assert log.label_next(samples, **options, censored="nan").tolist() == expected
    if None not in expected:
        assert log.label_next(samples, **options).tolist() == expected


@given(events=EVENTS, cutoff=st.integers(0, 15), data=st.data())
def test_nothing_at_or_before_the_cutoff_changes_a_label(events, cutoff, data):
    last = (9, 15, "view")  # keeps the end of the log where it is
    others = [event for event in events if event[1] > cutoff or data.draw(st.booleans())]
    samples = sample_table([(1, cutoff), (2, cutoff)])
    answers = []
    for rows in (events, others):
        log = log_of([*[(*event, 2.0) for event in rows], (*last, 1.0)], "paid")
        asked = {"horizon": "9min", "censored": "nan"}
        answers.append(
            [
                told(log.label_sum(samples, "paid", **asked)),
                told(log.label_churn(samples, **asked)),
                told(log.label_behavior(samples, **asked, kind="time")),
                log.label_next(samples, censored="nan").tolist(),
            ]
        )
    assert answers[0] == answers[1]


def test_several_horizons_are_columns(frame_lib):
    events = frame_lib.make({"who": [1, 1, 2], "when": [at(0), at(9), at(60)], "n": [1, 2, 3]})
    log = EventLog(events, **TWO)
    samples = log.samples(at=at(1))
    both = ["5min", dt.timedelta(minutes=20)]
    table = log.label_behavior(samples, horizon=both)
    assert type(table) is type(events)
    assert frame_lib.to_pylist(table) == [{"5min": False, "0:20:00": True}]
    assert frame_lib.to_pylist(log.label_sum(samples, "n", horizon=["9min"])) == [{"9min": 2.0}]
    assert frame_lib.to_pylist(log.label_churn(samples, horizon=["9min"])) == [{"9min": False}]
    with pytest.raises(ValueError, match="horizon must name different spans, at least one; got"):
        log.label_behavior(samples, horizon=["9min", "9min"])


def test_labels_of_plain_kinds_have_plain_types():
    log = make_log([1, 1, 2], [0, 5, 90], ["in", "out", "in"])
    samples = sample_table([(1, 0), (2, 0)])
    next_ = log.label_next(samples, horizon="10min", none="nothing")
    assert next_.dtype.kind == "U" and next_.tolist() == ["out", "nothing"]
    assert log.label_next(samples, "who", horizon="90min").dtype.kind == "i"
    assert log.label_behavior(samples, horizon="9min", kind="count").dtype == np.int64
    assert log.label_behavior(samples, horizon="9min", kind="time").tolist() == [5 / 1440, np.inf]


def test_no_samples_have_no_labels():
    log, none = log_of([(1, 0, "view")]), sample_table([])
    assert log.label_next(none, horizon="1D").tolist() == []
    assert log.label_sum(none, "row", horizon="1D").tolist() == []
    assert log.label_churn(none, horizon="1D").tolist() == []
    assert log.label_behavior(none, horizon="1D", kind="time").tolist() == []


# ------------------------------------------------------------------ what a log cannot know


def test_a_count_is_not_decided_before_the_end_but_a_sighting_is():
    log = make_log([1, 1], [0, 5])
    samples = sample_table([(1, 0)])
    assert log.label_behavior(samples, horizon="9min").tolist() == [True]
    assert log.label_churn(samples, horizon="9min").tolist() == [False]
    for ask in (
        lambda **options: log.label_behavior(samples, kind="count", **options),
        lambda **options: log.label_sum(samples, "who", **options),
    ):
        with pytest.raises(CensoredLabelError, match="pass censored='observed' or 'nan'"):
            ask(horizon="9min")
        assert ask(horizon="9min", censored="observed").tolist() == [1]
        assert np.isnan(ask(horizon="9min", censored="nan")).all()


def test_sessions_end_when_their_pause_is_over():
    log = make_log([1, 1, 1], [0, 5, 100], ["view", "buy", "view"]).sessions(gap="30min")
    visits = log.by("session")
    samples = visits.prefixes(n_events=1)
    labels = visits.label_behavior(samples, behavior="buy", horizon=None, censored="nan")
    assert labels[0] == 1 and np.isnan(labels[1])
    with pytest.raises(CensoredLabelError, match="label of row 1 cannot be known"):
        visits.label_behavior(samples, behavior="buy", horizon=None)
    known = make_log([1, 1, 1], [0, 5, 100], ["view", "buy", "view"], until=at(130))
    visits = known.sessions(gap="30min").by("session")
    labels = visits.label_behavior(samples, behavior="buy", horizon=None)
    assert labels.tolist() == [True, False]
    assert visits.label_sum(samples, "who", horizon=None).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("kind", ["churn", "sum", "next", "behavior"])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"horizon": "0D"}, ValueError, "horizon must be longer than zero"),
        ({"horizon": "-3D"}, ValueError, "horizon must be longer than zero; got '-3D'"),
        ({"horizon": "1D", "censored": "drop"}, ValueError, "censored must be one of 'raise', 'o"),
        ({"horizon": "1D", "behavior": "bye"}, InvalidLogError, "No event has what = 'bye'"),
        ({"horizon": "1D", "gap": "0D"}, ValueError, "gap must be longer than zero"),
        ({"horizon": "1D", "gap": "week"}, ValueError, "gap='week' is not a duration"),
    ],
)
def test_options_are_checked(kind, options, error, message):
    if kind == "next" and "gap" in options:
        return
    log = make_log([1, 1], [0, 5], ["a", "b"])
    ask = {"sum": lambda s, **o: log.label_sum(s, "who", **o)}.get(kind)
    with pytest.raises(error, match=message):
        (ask or getattr(log, f"label_{kind}"))(sample_table([(1, 0)]), **options)


def test_columns_are_checked():
    log, samples = make_log([1, 1], [0, 5]), sample_table([(1, 0)])
    with pytest.raises(InvalidLogError, match="no behaviour column to read the next event from"):
        log.label_next(samples)
    with pytest.raises(
        InvalidLogError, match="The log has no column 'paid' for column=; it has 'who', 'when"
    ):
        log.label_sum(samples, "paid", horizon="1D")
    with pytest.raises(
        InvalidLogError, match="'when' holds timestamp values; a sum needs numbers"
    ):
        log.label_sum(samples, "when", horizon="1D")
    with pytest.raises(ValueError, match="kind must be one of 'any', 'count', 'time'; got 'sum'"):
        log.label_behavior(samples, horizon="1D", kind="sum")


def test_a_large_early_value_does_not_drown_small_later_ones():
    events = pa.table({"who": [1, 1, 2], "when": [at(0), at(5), at(60)], "n": [1e300, 0.1, 0.0]})
    log = EventLog(events, **TWO)
    assert log.label_sum(sample_table([(1, 1)]), "n", horizon="9min").tolist() == [0.1]


def test_a_behavior_may_come_as_any_collection():
    log = make_log([1, 1], [0, 5], ["a", "b"])
    samples = sample_table([(1, 0)])
    for several in (pd.Series(["b"]), frozenset("b"), {"b": 1}.keys(), np.array(["b"])):
        assert log.label_behavior(samples, behavior=several, horizon="5min").tolist() == [True]


def test_what_is_observed_so_far_counts_where_asked():
    log = make_log([1, 1, 2], [0, 5, 0], ["a", "b", "a"])
    samples = sample_table([(1, 0), (2, 0)])
    asked = {"horizon": "9min", "censored": "observed"}
    assert log.label_churn(samples, **asked).tolist() == [False, True]
    assert log.label_next(samples, **asked, none="nothing").tolist() == ["b", "nothing"]
    assert log.label_next(samples, horizon="9min", none="-", censored="nan").tolist() == [
        "b",
        None,
    ]


def test_the_next_keeps_the_types_of_values_and_of_none():
    log = make_log([1, 1, 2], [0, 5, 20], ["a", "b", "a"])
    samples = sample_table([(1, 0), (2, 0)])
    mixed = log.label_next(samples, "who", horizon="9min", none="nobody")
    assert mixed.tolist() == [1, "nobody"]
    mixed = log.label_next(samples, horizon="9min", none=np.nan)
    assert mixed[0] == "b" and np.isnan(mixed[1])


def test_infinity_has_no_sum():
    events = pa.table({"who": [1] * 3, "when": [at(m) for m in (0, 1, 9)], "n": [0, np.inf, 1.0]})
    log = EventLog(events, **TWO)
    with pytest.raises(InvalidLogError, match="infinite value within the horizon of row 1 of the"):
        log.label_sum(sample_table([(1, 2), (1, 0)]), "n", horizon="5min")


def test_a_session_is_over_when_its_own_pause_is():
    visits = make_log([1, 1], [0, 100]).sessions(gap="30min").by("session")
    samples = pa.table({"session": ["1/1"], "cutoff": [at(95)]})
    assert visits.label_churn(samples, horizon=None).tolist() == [True]


def test_a_next_event_that_nobody_waits_for_in_vain():
    events = pd.DataFrame(
        {"u": [1, 2, 1], "t": ["2026-01-01", "2026-01-01", "2026-01-03"], "b": ["in", "in", "up"]}
    )
    log = EventLog(events, user="u", time="t", behavior="b")
    with pytest.raises(CensoredLabelError, match="its user has no later event"):
        log.label_next(log.samples(at="2026-01-02"))
