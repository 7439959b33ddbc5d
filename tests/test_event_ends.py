"""The ends of a log: single wrong dates do not move them, and `until` cuts."""

import datetime as dt
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbseq import EventLog
from skbseq.events._ends import find_far_events
from skbseq.exceptions import CensoredLabelError, InvalidLogError

DAY = dt.timedelta(days=1)
START = dt.datetime(2017, 11, 25)
END = dt.datetime(2017, 12, 3, 23, 30)
LATE, EARLY = dt.datetime(2037, 1, 1), dt.datetime(1997, 1, 1)
ROLES = {"user": "who", "time": "when"}


def nine_days(*more):
    """438 events of 40 users within nine days, and further moments of user 0."""
    steps = np.linspace(0, (END - START).total_seconds(), 438)
    when = [START + dt.timedelta(seconds=round(step)) for step in steps]
    users = [i % 40 for i in range(438)] + [0] * len(more)
    return pd.DataFrame({"who": users, "when": [*when, *more]})


def far(times):
    """Sides on which events lie apart, of moments in days."""
    ticks = (np.asarray(times, float) * 86_400e6).astype(np.int64)
    found = find_far_events(ticks, np.ones(len(ticks), bool), 10**6)
    return {each.side: each.n_events for each in found}


# ------------------------------------------------------------------ far events


@pytest.mark.parametrize(
    ("moment", "side", "name"), [(LATE, "after", "latest"), (EARLY, "before", "earliest")]
)
def test_one_wrong_date_does_not_move_the_ends(moment, side, name):
    log = EventLog(nine_days(moment), **ROLES)
    assert log.until == END
    assert f"1 far {side} the rest: call clean()" in repr(log)
    said = f"1 of 439 events lies far {side} the rest of the log: row 438 is dated {moment.date()}"
    with pytest.raises(InvalidLogError, match=said):
        log.samples(at=END)
    with pytest.warns(UserWarning, match=said) as caught:
        clean = log.clean()
    assert caught[0].filename == __file__ and len(caught) == 1
    assert clean.report.dropped[f"far {side} the rest"] == 1 and len(clean) == 438
    assert (clean.start, clean.until) == (START, END)
    expected = EventLog(nine_days(), **ROLES).clean()
    samples = clean.samples(every="1D")
    assert samples.equals(expected.samples(every="1D"))
    with pytest.raises(CensoredLabelError):
        clean.label_behavior(samples, horizon="7D")
    # The advice, followed literally: one way keeps the event, the other drops it.
    keep, drop = re.findall(rf"clean\({name}='(.*?)'\)", str(caught[0].message))
    assert len(log.clean(**{name: keep})) == 439
    kept_end = moment if side == "after" else END
    assert log.clean(**{name: keep}).until == kept_end
    dropped = log.clean(**{name: drop})
    assert (len(dropped), dropped.until, dropped.start) == (438, END, START)


def test_wrong_dates_on_both_sides_warn_once_each():
    events = nine_days(LATE, EARLY, LATE + DAY, LATE).astype({"who": float})
    events.loc[441, "who"] = np.nan  # so it counts as that
    log = EventLog(events, **ROLES)
    with pytest.warns(UserWarning) as caught:
        clean = log.clean()
    assert ["before" in str(each.message) for each in caught] == [True, False]
    assert "2 of 442 events lie far after" in str(caught[1].message)
    assert clean.report.dropped["far after the rest"] == 2
    assert clean.report.rows_out == len(clean) == 438
    again = clean.clean()  # nothing is far any more
    assert again.report.dropped == {"missing who": 0, "missing when": 0, "exact duplicate": 0}


def test_fractions_of_a_second_survive_the_advice():
    late = LATE + dt.timedelta(microseconds=5)
    events = nine_days(late, END + dt.timedelta(microseconds=7))
    log = EventLog(events, **ROLES)
    with pytest.warns(UserWarning) as caught:
        log.clean()
    keep, drop = re.findall(r"clean\(latest='(.*?)'\)", str(caught[0].message))
    assert (len(log.clean(latest=keep)), len(log.clean(latest=drop))) == (440, 439)


def test_until_confirms_late_events():
    events = nine_days(LATE)
    log = EventLog(events, **ROLES, until="2037-01-01")
    assert log.until == LATE and len(log.clean()) == 439


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([*range(10), 3000], {"after": 1}),  # a small log: far beyond its own span
        ([*range(10), 100], {}),
        ([1, 2, 3000], {}),  # too small to tell
        ([0] * 50 + [3000], {}),
        (
            [*np.linspace(0, 365, 500), 425],
            {"after": 1},
        ),  # a dense year, then sixty days of nothing
        ([*np.linspace(0, 365, 500), 372], {}),
        ([*np.linspace(0, 365, 500), *np.linspace(425, 430, 20)], {}),  # too many to be wrong
        ([*np.linspace(0, 90, 500), *np.linspace(365, 455, 500)], {}),  # seasons
        ([*np.linspace(0, 90, 500), *np.linspace(365, 455, 500), 730], {}),  # a season begins
        ([-9000, *np.linspace(0, 90, 500), 9000, 9001], {"before": 1, "after": 2}),
        ([*np.linspace(0, 0.04, 300), 1], {}),  # an hour, and an event on the next day
    ],
)
def test_what_lies_apart(times, expected):
    assert far(times) == expected
    assert far(np.random.default_rng(0).permutation(times)) == expected
    mirrored = {{"before": "after", "after": "before"}[side]: n for side, n in expected.items()}
    assert far(-np.asarray(times, float)) == mirrored


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 1500),
    law=st.sampled_from(
        ["uniform", "exponential", "visits", "growth", "days", "weeks", "seasons"]
    ),
)
def test_ordinary_logs_have_no_far_events(seed, n, law):
    rng = np.random.default_rng(seed)
    if law == "uniform":
        times = rng.uniform(0, 400, n)
    elif law == "exponential":
        times = np.cumsum(rng.exponential(rng.uniform(0.01, 3), n))
    elif law == "visits":  # short visits of many users
        times = rng.uniform(0, 400, max(1, n // 4)).repeat(4) + rng.exponential(
            0.01, n // 4 * 4 or 4
        )
    elif law == "growth":  # a service that becomes popular
        times = 400 * rng.uniform(0, 1, n) ** 0.4
    elif law == "days":
        times = np.floor(rng.uniform(0, 200, n))
    elif law == "weeks":
        times = 7.0 * rng.integers(0, 60, n) + rng.uniform(0.3, 0.8, n)
    else:
        times = 365.0 * rng.integers(0, 4, n) + rng.uniform(0, 90, n)
    assert far(times) == {}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(200, 2000),
    span=st.floats(5, 3000),
    years=st.integers(10, 60),
)
def test_wrong_years_are_found(seed, n, span, years):
    times = np.random.default_rng(seed).uniform(0, span, n)
    assert far([*times, span + 365 * years]) == {"after": 1}
    assert far([*times, -365 * years]) == {"before": 1}


# ------------------------------------------------------------------ until


def test_until_cuts_later_events(frame_lib):
    events = frame_lib.make(nine_days(LATE).to_dict("list"))
    log = EventLog(events, **ROLES, until="2017-12-02")
    n = sum(moment <= dt.datetime(2017, 12, 2) for moment in nine_days()["when"])
    assert log.until == dt.datetime(2017, 12, 2) and len(log) == n
    assert f"  cut       {439 - n} after until, 2017-12-02" in repr(log)
    assert f"EventLog: {n} events" in repr(log)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clean = log.clean()
        log.samples(at="2017-12-01")  # also without clean()
    assert clean.report.rows_in == 439 and clean.report.rows_out == len(clean) == n
    assert clean.report.dropped["after until, 2017-12-02"] == 439 - n
    assert len(frame_lib.to_pylist(clean.report.examples["after until, 2017-12-02"])) == 3
    kept = nine_days()
    kept = kept[kept["when"] <= dt.datetime(2017, 12, 2)]
    samples = clean.samples(at="2017-11-30")
    labels = clean.label_behavior(samples, horizon="2D")
    expected = EventLog(kept, **ROLES, until="2017-12-02").clean()
    assert labels.tolist() == expected.label_behavior(samples, horizon="2D").tolist()
    with pytest.raises(CensoredLabelError):
        clean.label_behavior(clean.samples(at="2017-12-02"), horizon="1D")


def test_until_after_the_log_cuts_nothing():
    log = EventLog(nine_days(), **ROLES, until="2017-12-31")
    assert "cut" not in repr(log) and log.clean().report.rows_in == 438
    assert log.until == dt.datetime(2017, 12, 31)


def test_missing_times_are_not_cut():
    events = nine_days(None, LATE)
    log = EventLog(events, **ROLES, until="2017-12-31").clean()
    assert log.report.dropped == {
        "after until, 2017-12-31": 1,
        "missing who": 0,
        "missing when": 1,
        "exact duplicate": 0,
    }


def test_until_before_the_log_leaves_nothing():
    with pytest.raises(
        InvalidLogError, match="until=2017-01-01 is before the first event, 2017-11-25"
    ):
        EventLog(nine_days(None), **ROLES, until="2017-01-01")
