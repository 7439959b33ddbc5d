"""The view of a log in a notebook: its roles in words, and its events over time."""

import datetime as dt
import pickle
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from event_logs import ROLES, TWO, at, make_log

from skbseq import EventLog
from skbseq.events import _summary

DAY = 24 * 60


def parse(log):
    """The view as a tree; it fails if the view is not well formed."""
    return ET.fromstring(log._repr_html_())


def cells(log):
    """The rows of the table, by label."""
    rows = parse(log).findall("table/tbody/tr")
    return {row.find("th").text: row.find("td").text for row in rows}


def bars(log):
    """The numbers of events that the chart shows, by the beginning of the bar."""
    hints = [bar.find("title").text for bar in parse(log).findall("svg/rect")]
    return {begin: int(count.replace(",", "")) for begin, count in (h.split(": ") for h in hints)}


def caption(log):
    return parse(log).findall("p")[-1].text


# ------------------------------------------------------------------ text


def test_the_view_says_what_the_repr_says(frame_lib):
    events = {"who": [1, None, 2], "when": [at(1), at(2), at(9)], "what": ["a", "b", None]}
    log = EventLog(frame_lib.make(events), **ROLES, until=at(12))
    title, *lines = repr(log).splitlines()
    assert parse(log).find("p").text == title
    said = {line.split()[0]: " ".join(line.split()[1:]) for line in lines}
    assert list(said) == ["user", "time", "behavior", "missing", "unclean"]
    assert cells(log) == said | {"until": "2026-01-01 00:12:00"}


def test_the_end_is_named_only_where_the_last_event_does_not_show_it():
    assert "until" not in cells(make_log([1, 1], [0, 9]))
    cut = make_log([1, 1], [0, 9], until=at(5))
    assert cells(cut)["until"] == "2026-01-01 00:05:00"
    assert cells(cut)["cut"] == "1 after until, 2026-01-01 00:05:00"


def test_names_and_values_of_others_are_text():
    bad = "<script>alert('x')</script>&"
    table = pa.table({"who": [1, 1], "when": [at(0), at(9)], bad: [bad, None], "<b>": [1, 2]})
    log = EventLog(table, user="who", time="when", behavior=bad)
    assert "<script" not in log._repr_html_() and "<b>" not in log._repr_html_()
    assert cells(log)["behavior"] == f"{bad} ({bad} 1)"
    assert cells(log)["others"] == "<b>"


def test_long_values_are_cut():
    log = make_log([1, 1], [0, 9], ["v" * 100_000, "w"])
    assert len(log._repr_html_()) < 10_000
    assert cells(log)["behavior"].endswith("v…")


def test_no_colour_is_set_for_light_and_dark_pages():
    page = make_log([1, 1], [0, 9])._repr_html_()
    assert not re.search(r"#[0-9a-f]{3}|rgb|black|white|background", page)
    assert 'fill="currentColor"' in page


# ------------------------------------------------------------------ chart


def test_bars_count_the_events_of_a_day():
    # 70 days from noon on 1 January; two events on the third, none on the others but the last.
    minutes = [DAY // 2, 2 * DAY, 3 * DAY - 1, 70 * DAY]
    log = make_log([2, 1, 3, 1], minutes)
    assert bars(log) == {"2026-01-01": 1, "2026-01-03": 2, "2026-03-12": 1}
    assert caption(log) == "Events per day, at most 2"
    assert parse(log).find("svg").get("aria-label") == "Events per day, at most 2"
    ends = [span.text for span in parse(log).findall("div/span")]
    assert ends == ["2026-01-01", "2026-03-12"]
    heights = [float(bar.get("height")) for bar in parse(log).findall("svg/rect")]
    assert heights == [40, 80, 40]


@pytest.mark.parametrize(
    "minutes, unit",
    [
        (1, "second"),
        (10, "15 seconds"),
        (80, "5 minutes"),
        (60 * 12, "15 minutes"),
        (DAY * 3, "hour"),
        (DAY * 79, "day"),
        (DAY * 80, "7 days"),
        (DAY * 365 * 4, "28 days"),
        (DAY * 365 * 50, "365 days"),
        (DAY * 365 * 100, "730 days"),
    ],
)
def test_the_width_of_a_bar_follows_the_span(minutes, unit):
    assert caption(make_log([1, 1], [0, minutes])) == f"Events per {unit}, at most 1"


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_days_begin_at_midnight_where_the_log_is(unit):
    # Local midnight in Shanghai is 16:00 UTC of the day before.
    first = pd.Timestamp("2026-05-01 23:59", tz="Asia/Shanghai").as_unit(unit)
    when = [first, first + pd.Timedelta("2min"), first + pd.Timedelta("60D")]
    log = EventLog(pd.DataFrame({"who": 1, "when": when}), **TWO)
    counts = bars(log)
    assert list(counts.values()) == [1, 1, 1]
    assert list(counts)[:2] == ["2026-05-01 00:00:00+08:00", "2026-05-02 00:00:00+08:00"]


def test_every_event_is_counted_once(monkeypatch, rng):
    monkeypatch.setattr(_summary, "_BLOCK", 7)
    minutes = rng.integers(0, 60 * DAY, 100)
    log = make_log(rng.integers(0, 9, 100), minutes.tolist())
    days, counts = np.unique(minutes // DAY, return_counts=True)
    expected = {
        f"{at(0) + dt.timedelta(int(day)):%Y-%m-%d}": n
        for day, n in zip(days, counts, strict=True)
    }
    assert bars(log) == expected


def test_events_far_from_the_rest_do_not_squeeze_the_chart():
    hours = pd.Timestamp("2017-11-25") + pd.to_timedelta(np.arange(216), "h")
    when = [*hours, pd.Timestamp("2037-01-01"), pd.NaT]
    log = EventLog(pd.DataFrame({"who": np.arange(218) % 9, "when": when}), **TWO)
    assert caption(log) == "Events per 3 hours, at most 3; 1 far from the rest not drawn"
    assert sum(bars(log).values()) == 216
    assert caption(log.clean(latest="2018-01-01")) == "Events per 3 hours, at most 3"


def test_no_chart_where_there_is_no_time_to_show():
    one = make_log([1, 2], [5, 5])
    none = EventLog(pa.table({"who": pa.array([], "int64"), "when": []}), **TWO, until=at(3))
    for log in (one, none):
        assert parse(log).find("svg") is None
    assert cells(none)["user"] == "who"


def test_years_beyond_the_calendar_are_drawn():
    seconds = [0, 400_000_000_000]  # in the year 14645
    table = pa.table({"who": [1, 1], "when": seconds})
    log = EventLog(table, **TWO, time_unit="s", invalid_times="keep")
    assert list(bars(log).values()) == [1, 1]


# ------------------------------------------------------------------ computed once


def test_the_view_is_computed_once_and_again_for_another_log(monkeypatch):
    log = make_log([1, 1, 2], [0, 1, 2], ["a", "b", "a"])
    page = log._repr_html_()
    copied = pickle.loads(pickle.dumps(log))
    few = log.clean(behaviors=["a"])
    assert cells(few)["behavior"] == "what (a 2)"
    assert len(few) == 2 and "2 events of 2 users" in parse(few).find("p").text
    monkeypatch.setattr(_summary, "count_over_time", None)
    assert log._repr_html_() == copied._repr_html_() == page
