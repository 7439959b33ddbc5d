"""Samples by every way of choosing cutoffs, and prefixes, against plain loops."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from event_logs import EVENTS, START, TWO, at, log_of, make_log
from hypothesis import given
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq.exceptions import InvalidLogError


def pairs_of(samples):
    return [(row["who"], row["cutoff"]) for row in samples.to_pylist()]


def minutes_of(events, who):
    return sorted(minute for user, minute, _ in events if user == who)


def plain_pairs(events, cutoffs_of, min_events, min_age):
    """Pairs of user and cutoff with enough events, the first of them old enough."""
    pairs = set()
    for who in {user for user, _, _ in events}:
        minutes = minutes_of(events, who)
        for cutoff in cutoffs_of(minutes):
            seen = [minute for minute in minutes if minute <= cutoff]
            if len(seen) >= min_events and cutoff - minutes[0] >= min_age:
                pairs.add((who, cutoff))
    return [(who, at(cutoff)) for who, cutoff in sorted(pairs)]


@given(
    events=EVENTS,
    way=st.sampled_from(["at", "every", "after_first", "before_last"]),
    span=st.integers(1, 6),
    bounds=st.tuples(st.integers(0, 8), st.integers(8, 20)),
    min_events=st.integers(1, 3),
    min_age=st.integers(0, 4),
)
def test_samples_are_those_of_a_plain_loop(events, way, span, bounds, min_events, min_age):
    first, last = bounds
    inside = lambda cutoffs: [c for c in cutoffs if first <= c <= last]  # noqa: E731
    minute = dt.timedelta(minutes=1)
    ways = {
        "at": ([at(span), at(2 * span)], lambda minutes: [span, 2 * span]),
        "every": (span * minute, lambda minutes: range(last, first - 1, -span)),
        "after_first": (span * minute, lambda minutes: inside([minutes[0] + span])),
        "before_last": (span * minute, lambda minutes: inside([minutes[-1] - span])),
    }
    value, cutoffs_of = ways[way]
    expected = plain_pairs(events, cutoffs_of, min_events, min_age)
    options = {"min_events": min_events, "start": at(first), "end": at(last)}
    if min_age:
        options["min_age"] = min_age * minute
    log = log_of(events)
    if not expected:
        with pytest.raises(InvalidLogError, match=r"No user can be sampled|is before all event"):
            log.samples(**{way: value}, **options)
        return
    assert pairs_of(log.samples(**{way: value}, **options)) == expected


@given(events=EVENTS, n=st.integers(1, 3), seed=st.integers(0, 5))
def test_random_cutoffs_lie_between_first_event_and_end(events, n, seed):
    log = log_of(events)
    pairs = pairs_of(log.samples(n_random=n, random_state=seed, end=at(30)))
    for who in {user for user, _, _ in events}:
        cutoffs = [cutoff for user, cutoff in pairs if user == who]
        assert len(cutoffs) == n and cutoffs == sorted(set(cutoffs))
        assert all(at(minutes_of(events, who)[0]) <= cutoff <= at(30) for cutoff in cutoffs)
    assert pairs == pairs_of(log.samples(n_random=n, random_state=seed, end=at(30)))


def test_random_cutoffs_are_uniform_and_follow_the_seed():
    log = make_log(list(range(2000)), [0] * 2000)
    cutoffs = log.samples(n_random=1, random_state=0, end=at(100))["cutoff"].to_pylist()
    minutes = np.array([(cutoff - START).total_seconds() / 60 for cutoff in cutoffs])
    np.testing.assert_allclose(np.quantile(minutes, [0.1, 0.5, 0.9]), [10, 50, 90], atol=4)
    other = log.samples(n_random=1, random_state=1, end=at(100))["cutoff"].to_pylist()
    assert other != cutoffs


def test_a_table_of_cutoffs_keeps_its_rows_and_columns(frame_lib):
    events = frame_lib.make({"who": [1, 1, 2], "when": [at(0), at(5), at(3)]})
    table = {"who": [2, 1, 7, 1], "cutoff": [at(3), at(2), at(9), at(5)], "note": list("abcd")}
    log = EventLog(events, **TWO)
    samples = log.samples(at=frame_lib.make(table))
    assert [row["note"] for row in frame_lib.to_pylist(samples)] == ["a", "b", "d"]
    samples = log.samples(at=frame_lib.make(table), min_events=2)
    assert frame_lib.to_pylist(samples) == [{"who": 1, "cutoff": at(5), "note": "d"}]
    assert type(samples) is type(events)
    with pytest.raises(InvalidLogError, match="No user can be sampled with at='table', min_even"):
        log.samples(at=frame_lib.make(table), min_events=3)


def test_a_table_of_pandas_keeps_its_index():
    log = EventLog(pd.DataFrame({"who": [1], "when": [START]}), **TWO)
    table = pd.DataFrame({"who": [5, 1], "cutoff": [START] * 2}, index=["x", "y"])
    assert log.samples(at=table).index.tolist() == ["y"]


def test_regular_cutoffs_end_with_the_log_and_reach_back():
    log = make_log([1, 1], [0, 100])
    cutoffs = [cutoff for _, cutoff in pairs_of(log.samples(every="30min"))]
    assert cutoffs == [at(10), at(40), at(70), at(100)]


def test_a_leap_day_and_times_before_1970_are_days_like_others():
    times = ["1968-02-28", "1968-03-01"]
    log = EventLog(pa.table({"who": [1, 1], "when": times}), **TWO, invalid_times="keep")
    samples = log.samples(every="1D", start="1968-02-28")
    days = [cutoff.day for _, cutoff in pairs_of(samples)]
    assert days == [28, 29, 1]
    labels = log.label_behavior(samples, horizon="1D", censored="nan")
    assert labels.tolist()[:2] == [0.0, 1.0] and np.isnan(labels[2])


def test_days_are_24_hours_also_when_clocks_change():
    zoned = pd.to_datetime(["2026-03-28 12:00", "2026-03-30 12:00"]).tz_localize("Europe/Berlin")
    log = EventLog(pd.DataFrame({"who": [1, 1], "when": zoned}), **TWO)
    cutoffs = log.samples(every="1D", start="2026-03-27", min_events=1)["cutoff"]
    assert cutoffs.dt.tz_convert("Europe/Berlin").dt.hour.tolist() == [12, 12]
    earlier = log.samples(at="2026-03-28 13:00")["cutoff"].iloc[0]
    assert cutoffs.iloc[0] - earlier == pd.Timedelta("22h")  # 23 on the clock, one of them gone
    label = log.label_behavior(log.samples(at="2026-03-28 12:00"), horizon="2D")
    assert label.tolist() == [True]


LOG = make_log([1, 1, 2], [0, 10, 5])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "Pass exactly one of at, every, .*; got none"),
        ({"at": START, "every": "1D"}, ValueError, "Pass exactly one of .*; got at and every"),
        ({"at": []}, ValueError, "at is an empty list"),
        ({"at": ["2026-01-01", "soon"]}, ValueError, "at='soon' is not a moment"),
        ({"every": "0D"}, ValueError, "every must be longer than zero"),
        ({"every": "month"}, ValueError, "every='month' is not a duration"),
        ({"n_random": 0}, ValueError, "n_random must be a whole number of at least 1"),
        ({"after_first": "-1D"}, ValueError, "after_first must be of zero or more; got '-1D'"),
        ({"after_first": "1D"}, InvalidLogError, "No user can be sampled with after_first='1D'"),
        ({"every": "1min", "min_events": 0}, ValueError, "min_events must be a whole number"),
        ({"every": "1min", "min_age": "0min"}, ValueError, "min_age must be longer than zero"),
        ({"every": "1min", "start": at(9), "end": at(8)}, ValueError, "start=.* is after end="),
        (
            {"at": START, "min_events": 3},
            InvalidLogError,
            "No user can be sampled with at=.*3 and",
        ),
    ],
)
def test_options_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        LOG.samples(**options)


# ------------------------------------------------------------------ prefixes


@given(events=EVENTS, n=st.integers(1, 4), share=st.sampled_from([0.2, 0.5, 0.7, 1.0]))
def test_prefixes_see_the_first_events_and_label_the_rest(events, n, share):
    log = log_of(events)
    rows = {who: [] for who in sorted({user for user, _, _ in events})}
    for row in sorted(range(len(events)), key=lambda row: (events[row][1], row)):
        rows[events[row][0]].append(row)
    by_share = log.prefixes(share=share)
    asked = [
        (by_share, {who: -(-round(share * 10) * len(own) // 10) for who, own in rows.items()})
    ]
    long = {who: n for who, own in rows.items() if len(own) >= n}
    if long:
        asked.append((log.prefixes(n_events=n), long))
    for samples, counts in asked:
        histories = log.histories(samples).to_pylist()
        assert [(row["who"], row["events_seen"]) for row in histories] == sorted(counts.items())
        assert [row["row"] for row in histories] == [rows[who][: counts[who]] for who in counts]
        left = log.label_behavior(samples, horizon="1D", kind="count", censored="observed")
        assert left.tolist() == [len(rows[who]) - counts[who] for who in counts]
        following = log.label_next(samples, "row", censored="nan").tolist()
        assert following == [(*rows[who][counts[who] :], None)[0] for who in counts]


def test_several_prefixes_of_each():
    samples = LOG.prefixes(n_events=[1, 2])
    assert samples.select(["who", "events_seen"]).to_pylist() == [
        {"who": 1, "events_seen": 1},
        {"who": 1, "events_seen": 2},
        {"who": 2, "events_seen": 1},
    ]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "Give either n_events or share"),
        ({"n_events": 1, "share": 0.5}, ValueError, "Give either n_events or share"),
        ({"n_events": 0}, ValueError, "n_events must be a whole number of at least 1; got 0"),
        ({"share": 1.5}, ValueError, "share must be above 0 and at most 1; got 1.5"),
        ({"n_events": 9}, InvalidLogError, "No 'who' has 9 events; the longest has 2"),
    ],
)
def test_prefix_options_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        LOG.prefixes(**options)


def test_events_seen_that_are_no_counts_are_refused():
    samples = pa.table({"who": [1], "cutoff": [at(0)], "events_seen": ["two"]})
    with pytest.raises(InvalidLogError, match="'events_seen' of the samples must hold whole numb"):
        LOG.histories(samples)
    with pytest.raises(InvalidLogError, match="a column 'events_seen', but samples use this name"):
        EventLog(pa.table({"who": [1], "when": [START], "events_seen": [1]}), **TWO)


# ------------------------------------------------------------------ odd clocks and odd logs


@pytest.mark.parametrize(
    ("moment", "utc"),
    [
        ("2026-10-25 02:30", "2026-10-25 00:30"),  # shown twice: the first of the two
        ("2026-03-29 02:30", "2026-03-29 01:30"),  # skipped: as if the clocks had not changed
    ],
)
def test_cutoffs_in_the_hours_that_clocks_repeat_and_skip(moment, utc):
    zoned = pd.to_datetime(["2026-01-01"]).tz_localize("Europe/Berlin")
    log = EventLog(pd.DataFrame({"who": [1], "when": zoned}), **TWO)
    cutoff = log.samples(at=moment)["cutoff"].iloc[0]
    assert cutoff == pd.Timestamp(utc, tz="UTC")


def test_a_user_with_a_million_events():
    n = 1_000_000
    table = {"who": np.zeros(n, int), "when": np.arange(n).astype("M8[s]").astype("M8[us]")}
    log = EventLog(pa.table(table), **TWO, invalid_times="keep").clean()
    samples = log.samples(every="4D")
    X = log.histories(samples, max_events=3)
    assert [len(times) for times in X["when"].to_pylist()] == [3] * len(samples)
    counts = log.label_behavior(samples, horizon="1h", kind="count", censored="observed")
    assert counts.tolist() == [3600] * (len(samples) - 1) + [0]


def test_a_log_tells_its_span():
    assert (LOG.start, LOG.until) == (at(0), at(10))
    assert make_log([1], [3], until=at(60)).until == at(60)
    zoned = pd.to_datetime(["2026-01-01 12:00"]).tz_localize("Europe/Berlin")
    log = EventLog(pd.DataFrame({"who": [1], "when": zoned}), **TWO)
    assert log.until.hour == 12 and log.until.utcoffset() == dt.timedelta(hours=1)


def test_cutoffs_of_a_table_without_a_zone_are_on_the_clock_of_the_log():
    zoned = pd.to_datetime(["2026-01-01"]).tz_localize("Europe/Berlin")
    log = EventLog(pd.DataFrame({"who": [1], "when": zoned}), **TWO)
    moments = ["2026-07-01 12:00", "2026-10-25 02:30", "2026-03-29 02:30"]
    samples = pd.DataFrame({"who": 1, "cutoff": moments})
    by_hand = [log.samples(at=moment)["cutoff"].iloc[0] for moment in moments]
    _, ticks = log._read_samples(samples)
    assert ticks.tolist() == [moment.value // 1000 for moment in by_hand]


def test_samples_begin_with_the_first_event_of_all():
    log = make_log([1, 2, 2], [5, 0, 9])
    assert min(pairs_of(log.samples(every="1min")))[1] == at(5)
    assert pairs_of(log.samples(every="9min")) == [(1, at(9)), (2, at(0)), (2, at(9))]
    cutoffs = [
        cutoff for _, cutoff in pairs_of(log.samples(n_random=50, start=at(7), random_state=0))
    ]
    assert min(cutoffs) >= at(7)


def test_events_seen_below_zero_are_refused():
    samples = pa.table({"who": [2], "cutoff": [at(9)], "events_seen": [-1]})
    for ask in (LOG.histories, lambda s: LOG.label_churn(s, horizon="1min")):
        with pytest.raises(InvalidLogError, match="whole numbers of at least 0"):
            ask(samples)
