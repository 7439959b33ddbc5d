"""Displays of behaviour: their numbers equal a plain count, and stand in the artists."""

import datetime as dt
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from event_logs import EVENTS, make_log
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib import font_manager
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import EventLog
from skbseq.exceptions import InvalidLogError
from skbseq.inspection import (
    ActivityDisplay,
    CohortRetentionDisplay,
    EmbeddingMapDisplay,
    EventAttributionDisplay,
    FunnelDisplay,
    GapDistributionDisplay,
    LiftCurveDisplay,
    StepMatrixDisplay,
    StepSankeyDisplay,
    TrainingHistoryDisplay,
    TransitionGraphDisplay,
    TransitionMatrixDisplay,
    _drawing,
    _labels,
)
from skbseq.inspection._activity import count_periods
from skbseq.inspection._cohorts import count_cohorts
from skbseq.inspection._flat_events import flat_events
from skbseq.inspection._funnel import count_steps
from skbseq.inspection._gaps import as_span, gaps_of, span_ticks
from skbseq.inspection._labels import Room, _shorten, labels_of
from skbseq.inspection._lift import curve
from skbseq.inspection._periods import PERIODS, period_of, start_of, text_of
from skbseq.inspection._step_matrix import count_at_steps
from skbseq.inspection._step_sankey import count_flows
from skbseq.inspection._transitions import count_transitions

mpl.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def log_of(events):
    """A log of (user, minute, behaviour)."""
    who, when, what = zip(*events, strict=True)
    return make_log(list(who), list(when), pa.array(what, pa.string()))


def histories(log):
    """Lists of (time, behaviour) of each user, in the order of the log."""
    rows = log.to_frame().to_pylist()
    for _, events in itertools.groupby(rows, key=lambda row: row["who"]):
        yield [(event["when"], event["what"] or "(missing)") for event in events]


def shares_in(texts):
    return [text.get_text() for text in texts.ravel()]


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


SHOP = log_of(
    [
        *((1, minute, what) for minute, what in enumerate(["view", "view", "cart", "buy"])),
        *((2, minute, what) for minute, what in enumerate(["cart", "view", "buy"])),
        *((3, minute, what) for minute, what in enumerate(["view", "cart"])),
    ]
)
ONE = log_of([(1, 0, "view")])

# ------------------------------------------------------------------ transitions


@given(EVENTS)
def test_transitions_are_those_of_a_plain_count(events):
    log = log_of(events)
    flat = flat_events(log)
    counted = np.zeros((len(flat.names),) * 2, int)
    for history in histories(log):
        for (_, before), (_, after) in itertools.pairwise(history):
            counted[flat.names.index(before), flat.names.index(after)] += 1
    assert (count_transitions(flat) == counted).all()


def test_a_matrix_shows_the_shares_of_its_rows():
    display = TransitionMatrixDisplay.from_log(SHOP)
    assert display.names == ["view", "cart", "buy"]
    assert display.counts.tolist() == [[1, 2, 1], [1, 0, 1], [0, 0, 0]]
    assert display.image_.get_array().tolist()[:2] == [[0.25, 0.5, 0.25], [0.5, 0, 0.5]]
    assert shares_in(display.text_) == ["25%", "50%", "25%", "50%", "0%", "50%", "", "", ""]
    assert labels(display.ax_.xaxis) == labels(display.ax_.yaxis) == display.names
    joint = display.plot(values="joint")
    assert joint.image_.get_array()[0].tolist() == pytest.approx([1 / 6, 2 / 6, 1 / 6])


def test_rare_behaviours_become_other():
    display = TransitionMatrixDisplay.from_log(SHOP, max_categories=1)
    assert display.names == ["view", "other (2 values)"]
    assert display.counts.tolist() == [[1, 3], [1, 1]]
    assert _drawing.colors_of(display.names) == [_drawing.PALETTE[0], _drawing.OTHER_COLOR]
    one_left = TransitionMatrixDisplay.from_log(SHOP, max_categories=2)
    assert one_left.names == ["view", "cart", "buy"]


def test_tables_are_of_the_library_that_is_asked_for(frame_lib):
    table = TransitionMatrixDisplay.from_log(SHOP).frame(frame_lib.name)
    assert isinstance(table, getattr(frame_lib.module, "DataFrame", pa.Table))
    rows = frame_lib.to_pylist(table)
    assert rows[1] == {"from": "view", "to": "cart", "count": 2, "share": 0.5}


# ------------------------------------------------------------------ funnels


def steps_by_hand(history, steps, within):
    """The most steps that some choice of events reaches, by trying each first event."""
    most = 0
    for first, (start, what) in enumerate(history):
        reached = 0
        if what == steps[0]:
            reached = 1
            for time, what in history[first + 1 :]:
                late = within is not None and time - start > within
                if reached < len(steps) and what == steps[reached] and not late:
                    reached += 1
        most = max(most, reached)
    return most


@given(
    EVENTS,
    st.lists(st.sampled_from(["view", "buy", "(missing)"]), min_size=2, max_size=4),
    st.sampled_from([None, 0, 2, 5]),
)
def test_funnels_are_those_of_a_plain_search(events, steps, minutes):
    log = log_of(events)
    flat = flat_events(log)
    if not set(steps) <= set(flat.names):
        return
    within = None if minutes is None else dt.timedelta(minutes=minutes)
    codes = np.array([flat.names.index(step) for step in steps])
    span = None if minutes is None else minutes * 60 * log._clock.per_second
    found = count_steps(flat, log._index.times, codes, span)
    assert found.tolist() == [steps_by_hand(each, steps, within) for each in histories(log)]


def test_a_funnel_shows_users_and_both_shares():
    display = FunnelDisplay.from_log(SHOP, ["view", "cart", "buy"])
    assert [bar.get_width() for bar in display.bars_] == [3, 2, 1]
    assert [text.get_text() for text in display.ax_.texts] == [
        "3",
        "2: 67% of starters, 67% of those left",
        "1: 33% of starters, 50% of those left",
    ]
    assert labels(display.ax_.yaxis) == ["view", "cart", "buy"]
    assert display.frame()["share_of_previous"].tolist() == pytest.approx([1, 2 / 3, 1 / 2])
    quick = FunnelDisplay.from_log(SHOP, ["view", "buy"], within="1min")
    assert quick.counts.tolist() == [3, 1]


def test_a_funnel_without_starters_has_no_shares():
    display = FunnelDisplay(steps=["a", "b"], counts=np.array([0, 0]), n_users=4).plot()
    assert np.isnan(display.frame()["share_of_starters"]).all()
    assert [text.get_text() for text in display.ax_.texts] == ["0", "0"]


# ------------------------------------------------------------------ lift


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=40))
def test_lift_is_the_mean_over_all_orders_of_ties(samples):
    y, scores = (np.array(each) for each in zip(*samples, strict=True))
    if y.all() or not y.any():
        return
    contacted = np.arange(len(y) + 1) / len(y)
    # A sample counts as much as the mean of those that have its score.
    expected = [y[scores == score].mean() for score in sorted(scores, reverse=True)]
    gain = np.append(0, np.cumsum(expected)) / y.sum()
    assert np.interp(contacted, *curve(y, scores.astype(float))) == pytest.approx(gain)


def test_a_lift_curve_is_drawn_with_its_limits():
    display = LiftCurveDisplay.from_predictions([1, 0, 0, 1, 0], [5, 4, 3, 2, 1], name="$a$ b")
    assert display.line_.get_xdata().tolist() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert display.line_.get_ydata().tolist() == pytest.approx([2.5, 2.5, 1.25, 5 / 6, 1.25, 1])
    assert display.best_line_.get_ydata()[[0, 79, -1]] == pytest.approx([2.5, 2.5, 1])
    assert (display.chance_line_.get_ydata() == 1).all()
    assert display.lift_at(0.4) == pytest.approx(1.25)
    display.plot(kind="gain")
    assert display.line_.get_ydata().tolist() == [0, 0.5, 0.5, 0.5, 1, 1]
    assert display.chance_line_.get_ydata()[-1] == display.best_line_.get_ydata()[79] == 1
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == [r"\$a\$ b", "Perfect ranking", "Random ranking"]
    again = LiftCurveDisplay.from_predictions([1, 0], [2, 1], ax=display.ax_, name="c")
    assert len(again.ax_.get_legend().get_texts()) == 4
    assert again.line_.get_color() != display.line_.get_color()


def test_lift_takes_the_probability_of_the_positive_class():
    X, y = np.zeros((4, 1)), ["no", "yes", "no", "no"]
    model = DummyClassifier(strategy="prior").fit(X, y)
    model.predict_proba = lambda X: np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    assert LiftCurveDisplay.from_estimator(model, X, y).lift_at(0.25) == 4
    no = LiftCurveDisplay.from_estimator(model, X, y, pos_label="no")
    assert (no.lift_at(0.25), no.base_rate, no.name) == (4 / 3, 0.75, "DummyClassifier")


@pytest.mark.parametrize(("pos_label", "lift"), [("yes", 4), ("no", 4 / 3)])
def test_lift_takes_decision_values_with_the_sign_of_the_positive_class(pos_label, lift):
    X, y = np.array([[0.0], [5.0], [1.0], [2.0]]), ["no", "yes", "no", "no"]
    model = RidgeClassifier().fit(X, y)
    display = LiftCurveDisplay.from_estimator(model, X, y, pos_label=pos_label)
    assert display.lift_at(0.25) == pytest.approx(lift)


# ------------------------------------------------------------------ periods


def start_by_hand(moment, period):
    """The beginning of the calendar period of a moment."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "hour": moment.replace(minute=0, second=0, microsecond=0),
        "day": day,
        "week": day - dt.timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "year": day.replace(month=1, day=1),
    }[period]


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), st.sampled_from(PERIODS))
@example(dt.datetime(1969, 12, 28, 23, 59, 59), "week")  # a Sunday
@example(dt.datetime(2026, 11, 30), "week")
def test_periods_are_those_of_the_calendar(moment, period):
    ticks = np.array([moment], "datetime64[us]").astype(np.int64)
    number = period_of(ticks, period, SHOP._clock)
    begin = start_by_hand(moment, period)
    assert start_of(number, period)[0].item() == begin
    assert text_of(number, period)[0] == begin.strftime(
        {"year": "%Y", "month": "%Y-%m", "hour": "%Y-%m-%d %H:%M"}.get(period, "%Y-%m-%d")
    )


# ------------------------------------------------------------------ cohorts

VISITS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(0, 9)), min_size=1, max_size=20, unique=True
)


@given(VISITS, st.integers(1, 5))
def test_cohorts_are_those_of_a_plain_count(visits, n_periods):
    users = {user: sorted(p for who, p in visits if who == user) for user, _ in visits}
    offsets = np.cumsum([0, *(len(periods) for periods in users.values())])
    numbers = np.concatenate(list(users.values()))
    first, sizes, active = count_cohorts(offsets, numbers, n_periods)
    assert first.tolist() == sorted({periods[0] for periods in users.values()})
    for cohort, size, row in zip(first, sizes, active, strict=True):
        members = [set(periods) for periods in users.values() if periods[0] == cohort]
        assert size == len(members)
        assert row.tolist() == [
            sum(cohort + later in each for each in members) for later in range(n_periods + 1)
        ]


MONTHS = pd.DataFrame(
    {
        "who": [1, 1, 2, 3, 3, 3, 4],
        "when": pd.to_datetime(
            [
                *("2026-01-05 00:00", "2026-02-01 00:00", "2026-01-09 00:00", "2026-02-08 00:00"),
                *("2026-02-09 00:00", "2026-03-31 23:30", "2026-03-01 00:00"),
            ]
        ),
    }
)


def test_retention_leaves_out_periods_that_are_not_over():
    log = EventLog(MONTHS, user="who", time="when")
    display = CohortRetentionDisplay.from_log(log)
    assert (display.cohorts, display.sizes.tolist()) == (
        ["2026-01", "2026-02", "2026-03"],
        [2, 1, 1],
    )
    # March is not over: its last half hour is missing.
    assert labels(display.ax_.xaxis) == ["0", "1"]
    assert shares_in(display.text_) == ["100%", "50%", "100%", "", "100%", ""]
    whole = EventLog(MONTHS, user="who", time="when", until="2026-03-31 23:59:59.999999999")
    display = CohortRetentionDisplay.from_log(whole)
    assert np.ma.filled(display.image_.get_array(), -1).tolist() == [
        [1, 0.5, 0],
        [1, 1, -1],
        [1, -1, -1],
    ]
    assert labels(display.ax_.yaxis)[0] == "2026-01 (2)"


def test_periods_are_local(frame_lib):
    # In Shanghai the last event lies in April already.
    times = pa.array(MONTHS["when"]).cast(pa.timestamp("us", "UTC"))
    times = times.cast(pa.timestamp("us", "Asia/Shanghai"))
    frame = frame_lib.make({"who": MONTHS["who"].tolist(), "when": times})
    log = EventLog(frame, user="who", time="when")
    display = ActivityDisplay.from_log(log, period="month")
    assert display.starts.astype("datetime64[M]").astype(str).tolist()[-1] == "2026-04"
    assert display.counts.ravel().tolist() == [2, 3, 1, 1]


def test_of_many_cohorts_the_last_are_drawn():
    days = pd.date_range("2026-01-01", periods=40)
    log = EventLog(pd.DataFrame({"who": range(40), "when": days}), user="who", time="when")
    display = CohortRetentionDisplay.from_log(log, period="day", n_periods=2)
    assert len(display.cohorts) == 40 and display.image_.get_array().shape == (24, 3)
    assert display.ax_.get_ylabel() == "Day of the first event (users), last 24 of 40"


# ------------------------------------------------------------------ gaps


@given(EVENTS)
def test_gaps_are_those_of_a_plain_loop(events):
    log = log_of(events)
    expected = [
        (after - before).total_seconds()
        for history in histories(log)
        for (before, _), (after, _) in itertools.pairwise(history)
    ]
    assert gaps_of(log).tolist() == expected


def test_gaps_are_drawn_on_a_scale_of_minutes_and_days():
    log = make_log([1] * 6 + [2] * 2, [0, 0, 1, 11, 71, 1511, 0, 1], list("aaaaaabb"))
    display = GapDistributionDisplay.from_log(log, n_bins=4)
    # 60, 60, 600, 3600 and 86,400 s lie in bins of ratio 6.16: from 60, 370, 2277, 14022.
    assert display.bars_.get_data().values.tolist() == display.counts.tolist() == [2, 1, 1, 1]
    assert display.bars_.get_data().edges == pytest.approx(60 * 1440 ** (np.arange(5) / 4))
    assert display.n_zero == 1 and "(1 of length zero not drawn)" in display.ax_.get_xlabel()
    assert display.median_line_.get_xdata()[0] == pytest.approx(330)
    assert labels(display.ax_.xaxis) == ["1 min", "10 min", "1 h", "6 h", "1 d"]
    table = display.frame()
    assert table["share"].tolist() == pytest.approx([1 / 6, 2 / 6, 1 / 6, 1 / 6, 1 / 6])
    alike = make_log([1] * 3, [0, 5, 10], list("aaa"))
    assert GapDistributionDisplay.from_log(alike).counts.sum() == 2


def test_spans_are_short_texts():
    seconds = [0.002, 45, 90, 720, 5400, 86_400 * 1.5, 86_400 * 3.5, 86_400 * 29.2, 86_400 * 4000]
    assert [as_span(each) for each in seconds] == [
        *("0.002 s", "45 s", "90 s", "12 min", "90 min", "36 h", "3.5 d", "29 d", "4,000 d"),
    ]
    assert len(span_ticks(1e-9, 4e9)[1]) < 12
    places, texts = span_ticks(61, 65)
    assert len(texts) == len(set(texts)) and places[0] >= 61


# ------------------------------------------------------------------ activity


@given(EVENTS, st.sampled_from(["hour", "day"]))
def test_activity_is_that_of_a_plain_count(events, period):
    log = log_of(events)
    flat = flat_events(log)
    numbers = period_of(log._index.times, period, log._clock)
    counts = count_periods(numbers - numbers.min(), flat.codes, len(flat.names))
    expected = {}
    for moment, what in itertools.chain(*histories(log)):
        key = start_by_hand(moment, period), what
        expected[key] = expected.get(key, 0) + 1
    starts = start_of(numbers.min() + np.arange(len(counts)), period).tolist()
    found = {
        (starts[i], flat.names[k]): counts[i, k] for i, k in zip(*np.nonzero(counts), strict=True)
    }
    assert found == expected


def test_activity_is_stacked():
    log = make_log([1] * 4, [0, 1, 2, 60 * 50], ["view", "view", "buy", "buy"])
    display = ActivityDisplay.from_log(log, period="day")
    assert display.names == ["buy", "view"] and not display.last_is_complete
    below, above = (bar.get_data() for bar in display.bars_)
    assert (below.values.tolist(), above.values.tolist()) == ([1, 0, 1], [3, 0, 1])
    assert above.baseline.tolist() == below.values.tolist()
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["buy", "view", "incomplete day"]
    assert ActivityDisplay.from_log(log).period == "hour"
    assert ActivityDisplay.from_log(NO_ROLE).names == ["events"]


# ------------------------------------------------------------------ steps


@given(EVENTS, st.integers(1, 6), st.sampled_from(["start", "end"]))
def test_steps_are_those_of_a_plain_count(events, n_steps, align):
    log = log_of(events)
    flat = flat_events(log)
    users = [[what for _, what in history] for history in histories(log)]
    n_steps = min(n_steps, max(map(len, users)))
    expected = np.zeros((len(flat.names) + 1, n_steps), int)
    for history in users:
        for step in range(n_steps):
            at = step if align == "start" else len(history) - n_steps + step
            row = flat.names.index(history[at]) if 0 <= at < len(history) else -1
            expected[row, step] += 1
    assert (count_at_steps(flat, n_steps, align) == expected).all()


def test_a_step_matrix_shows_who_is_left():
    display = StepMatrixDisplay.from_log(SHOP, n_steps=3)
    assert display.names == ["view", "cart", "buy", "(ended)"]
    assert shares_in(display.text_)[-3:] == ["0%", "0%", "33%"]
    assert display.image_.get_array()[0].tolist() == pytest.approx([2 / 3, 2 / 3, 0])
    assert labels(display.ax_.xaxis) == ["1", "2", "3"]
    last = StepMatrixDisplay.from_log(SHOP, n_steps=3, align="end")
    assert last.frame()["step"].tolist()[:3] == [-3, -2, -1]
    assert last.names[-1] == "(not begun)"
    assert last.counts[:, -1].tolist() == [0, 1, 2, 0]


# ------------------------------------------------------------------ graphs and flows


def test_a_graph_has_an_arrow_for_each_frequent_transition():
    display = TransitionGraphDisplay.from_log(SHOP, min_share=0.3)
    assert set(display.arrows_) == {("view", "cart"), ("cart", "view"), ("cart", "buy")}
    widths = {pair: arrow.get_linewidth() for pair, arrow in display.arrows_.items()}
    assert widths["view", "cart"] == pytest.approx(0.5 + 6 * 0.5)
    assert display.nodes_.get_sizes().tolist() == pytest.approx([1000, 775, 550])
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts == ["50%", "50%", "50%", "view\nagain: 25%", "cart", "buy"]
    rows = display.frame("pyarrow").to_pylist()
    assert rows[1] == {"from": "view", "to": "cart", "count": 2, "share": 0.5}
    assert len(display.plot(min_share=0).arrows_) == 4


@given(EVENTS, st.integers(2, 5))
def test_flows_are_those_of_a_plain_count(events, n_steps):
    log = log_of(events)
    flat = flat_events(log)
    users = [[flat.names.index(what) for _, what in history] for history in histories(log)]
    n_steps = max(min(n_steps, max(map(len, users))), 2)
    expected = np.zeros((n_steps - 1, *[len(flat.names) + 1] * 2), int)
    for history in users:
        padded = history + [-1] * n_steps
        for step in range(n_steps - 1):
            expected[step, padded[step], padded[step + 1]] += 1
    assert (count_flows(flat, n_steps) == expected).all()


def test_ribbons_leave_and_reach_their_blocks():
    display = StepSankeyDisplay.from_log(SHOP, n_steps=3)
    assert display.names == ["view", "cart", "buy", "(ended)"]
    heights = [[bar.get_height() for bar in bars] for bars in display.blocks_]
    assert heights == [[2, 2, 0], [1, 1, 1], [0, 0, 1], [0, 0, 1]]
    bottoms = [bar.get_y() for bar in display.blocks_[1]]
    assert bottoms == [2, 2, 0]
    ribbon = display.ribbons_[1, "view", "cart"].get_path().vertices
    assert ribbon[[0, 3, 4], 1].tolist() == [1, 2, 3]
    assert set(display.ribbons_) == {
        *((1, "view", "view"), (1, "view", "cart"), (1, "cart", "view")),
        *((2, "view", "cart"), (2, "view", "buy"), (2, "cart", "(ended)")),
    }
    assert display.frame()["users"].tolist() == [1] * 6


# ------------------------------------------------------------------ attributions

CONTRIBUTIONS = [[0.1, 0.2], [-0.5, 0.1], [0.0, 0.4]]


def test_bars_are_the_sums_over_channels():
    display = EventAttributionDisplay.from_contributions(
        CONTRIBUTIONS,
        ["view", "remove", "view"],
        times=["2026-05-01 00:00", "2026-05-29 00:00", "2026-05-31 12:00"],
        cutoff="2026-06-01",
        channels=["behavior", "price"],
        baseline=-1.0,
    )
    assert [bar.get_height() for bar in display.bars_] == pytest.approx([0.3, -0.4, 0.4])
    assert display.image_.get_array().tolist() == np.transpose(CONTRIBUTIONS).tolist()
    ticks = ["view / 31 d", "remove / 3 d", "view / 12 h"]
    assert labels(display.channel_ax_.xaxis) == ticks == display.labels()
    assert labels(display.channel_ax_.yaxis) == ["behavior", "price"]
    assert display.ax_.get_title("left") == "log-odds: -1.00 without events, -0.70 with all"
    assert display.frame()["contribution"].tolist() == np.ravel(CONTRIBUTIONS).tolist()
    low, high = (display.bars_[i].get_facecolor() for i in (1, 0))
    assert low != high == display.bars_[2].get_facecolor()


def test_early_events_are_drawn_as_their_sum():
    display = EventAttributionDisplay.from_contributions(
        CONTRIBUTIONS, ["a", "b", "c"], channels=["x", "y"], max_events=1
    )
    assert [bar.get_height() for bar in display.bars_] == pytest.approx([-0.1, 0.4])
    assert labels(display.channel_ax_.xaxis) == ["2 earlier events", "c"]
    assert "age_seconds" not in display.frame()
    display.plot(max_events=2)  # a sum of one event needs no name of its own
    assert labels(display.channel_ax_.xaxis) == ["a", "b", "c"]
    assert len(display.plot(max_events=25).bars_) == 3


def test_attributions_share_the_place_of_given_axes():
    figure, (left, right) = plt.subplots(1, 2)
    one = EventAttributionDisplay.from_contributions([1.0], ["a"], ax=left)
    assert one.ax_ is left and one.channel_ax_ is None and one.image_ is None
    two = EventAttributionDisplay.from_contributions(
        [[1, 2]], ["a"], channels=["x", "y"], ax=right
    )
    assert two.figure_ is figure and right not in figure.axes
    assert two.ax_.get_position().y0 > two.channel_ax_.get_position().y1


# ------------------------------------------------------------------ embeddings, histories


def test_a_map_shows_principal_components(rng):
    vectors = np.column_stack([rng.normal(0, 3, 30), rng.normal(0, 2, 30), np.zeros(30)])
    labels = ["a"] * 20 + [None] * 6 + ["b"] * 4
    display = EmbeddingMapDisplay.from_vectors(vectors, labels=labels)
    centred = vectors - vectors.mean(axis=0)
    assert display.variance.sum() == pytest.approx(1)
    drawn = np.asarray(display.points_.get_offsets())
    inner = drawn @ drawn.T
    assert inner == pytest.approx(centred @ centred.T)  # equal up to a rotation
    assert display.names == ["a", "(missing)", "b"]
    colors = display.points_.get_facecolors()
    assert len({tuple(color) for color in colors}) == 3 and (colors[0] == colors[19]).all()
    assert f"({display.variance[0]:.0%} of the variance)" in display.ax_.get_xlabel()
    assert display.frame()["label"].tolist()[20] == "(missing)"


def test_a_map_takes_a_transformer():
    scaler = StandardScaler().fit(np.eye(3))
    display = EmbeddingMapDisplay.from_estimator(scaler, np.eye(3))
    assert display.points.shape == (3, 2) and display.ax_.get_legend() is None


class Network(BaseEstimator):
    """A fitted estimator with a history, as those of skbseq."""

    def fit(self, X, y=None):
        self.history_ = {
            "loss": [0.7, 0.4, 0.3],
            "val_loss": [0.7, 0.5, 0.6],
            "auc": [0.5, 0.6, 0.7],
        }
        return self


def test_histories_are_found_inside_pipelines():
    pipeline = make_pipeline(StandardScaler(), Network()).fit(np.eye(2))
    display = TrainingHistoryDisplay.from_estimator(pipeline)
    assert display.line_.get_xydata().tolist() == [[1, 0.7], [2, 0.4], [3, 0.3]]
    assert display.held_out_line_.get_ydata().tolist() == [0.7, 0.5, 0.6]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["training samples", "held-out samples", "lowest: epoch 2"]
    assert display.frame()["epoch"].tolist() == [1, 2, 3]
    display.plot(quantity="auc")
    assert display.held_out_line_ is None and display.ax_.get_ylabel() == "Auc"


def test_a_ranking_of_held_out_samples_is_best_where_it_is_highest():
    history = {
        "loss": [3.0, 2.0, 1.0],
        "val_loss": [3.0, 2.0, 2.5],
        "val_ndcg@10": [0.1, 0.3, 0.2],
    }
    display = TrainingHistoryDisplay(history=history).plot(quantity="ndcg@10")
    assert display.line_ is None and display.held_out_line_.get_ydata().tolist() == [0.1, 0.3, 0.2]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["held-out samples", "highest: epoch 2"]
    assert display.ax_.get_ylabel() == "NDCG@10"
    with pytest.raises(ValueError, match="quantity 'val_loss'; it has 'loss', 'ndcg@10'"):
        display.plot(quantity="val_loss")


# ------------------------------------------------------------------ labels


LONG = "a name of a behaviour that is much too long for any axis, number {}"


def test_long_names_lose_their_middle_and_stay_distinct():
    texts, _ = labels_of([LONG.format(1), LONG.format(2), "x" * 60 + "1", "x" * 59 + "y1", "a\nb"])
    assert texts[0].endswith("number 1") and texts[1].endswith("number 2")
    assert len(set(texts)) == 5 and max(map(len, texts)) <= 25
    assert texts[-1] == "a b"
    assert labels_of(["view", "view"])[0] == ["view", "view"]
    assert labels_of(["$1$", " "])[0] == [r"\$1\$", "(empty)"]
    assert _shorten("浏览商品详情页面加入购物车提交订单支付成功", 11) == "浏览商…成功"


def test_a_missing_font_is_a_clear_warning(monkeypatch):
    # Without fonts matplotlib would remember that it found none.
    monkeypatch.setattr(_labels, "_without_glyph", lambda characters, families: characters)
    log = log_of([(1, 0, "浏览"), (1, 1, "购买")])
    match = "No installed font has the characters '.*浏.*fonts-noto"
    with pytest.warns(UserWarning, match=match) as raised:
        display = TransitionMatrixDisplay.from_log(log)
    assert len(raised) == 1  # rows and columns have the same names
    with pytest.warns(UserWarning, match=match) as raised:
        display.plot()
        EventAttributionDisplay.from_contributions(
            [[1.0, 2], [2, 3]], ["浏览", "购买"], channels=["行为", "产品"], unit="分"
        )
    assert len(raised) == 2  # one for each plot


def test_a_font_that_has_the_characters_is_used(monkeypatch):
    font = {"family": "Noto Sans CJK SC"}
    entry = type("Entry", (), {"name": font["family"]})
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [entry])
    has = lambda characters, families: set() if font["family"] in families else characters  # noqa: E731
    monkeypatch.setattr(_labels, "_without_glyph", has)
    keywords = _labels.font_for(["浏览"])
    assert keywords == {"fontfamily": [*mpl.rcParams["font.family"], font["family"]]}
    assert _labels.legend_font(keywords) == {"prop": {"family": keywords["fontfamily"]}}


def test_the_word_missing_is_not_null():
    log = log_of([(1, 0, None), (1, 1, "(missing)"), (2, 0, None)])
    assert sorted(TransitionMatrixDisplay.from_log(log).names) == ["'(missing)'", "(missing)"]
    assert FunnelDisplay.from_log(log, [None, "(missing)"]).counts.tolist() == [2, 1]
    only_null = log_of([(1, 0, None), (1, 1, "view")])
    assert FunnelDisplay.from_log(only_null, ["(missing)", "view"]).counts.tolist() == [1, 1]
    labels = EmbeddingMapDisplay.from_vectors(np.eye(3), labels=["(missing)", None, "a"]).names
    assert sorted(labels) == ["'(missing)'", "(missing)", "a"]


def test_contributions_without_a_unit():
    display = EventAttributionDisplay.from_contributions(
        [1, 2.0], list("ab"), unit=None, baseline=1
    )
    assert display.ax_.get_ylabel() == "Contribution"
    assert display.ax_.get_title(loc="left") == "+1.00 without events, +4.00 with all"
    several = EventAttributionDisplay.from_contributions(
        [[1, 2.0]], ["a"], channels=["x", "y"], unit=None
    )
    assert several.image_.colorbar.ax.get_ylabel() == "Contribution"
    with pytest.raises(ValueError, match="unit must be a string or None; got 5"):
        EventAttributionDisplay.from_contributions([1], ["a"], unit=5)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_labels_of_a_lift_curve_are_named(missing):
    labels = np.array([1, missing, 0, 1], object)
    with pytest.raises(ValueError, match=r"labels of y_true are missing in row 1 \(1 such rows\)"):
        LiftCurveDisplay.from_predictions(labels, [0.1, 0.2, 0.3, 0.4])


# ------------------------------------------------------------------ small axes

PREFIX = "a long name of a behaviour " * 2
MANY = log_of(
    [
        (user, minute * 1000, f"{PREFIX}{(user * 7 + minute * 3) % 40}")
        for user in range(20)
        for minute in range(12)
    ]
)
IN_GRID = [
    lambda ax: TransitionMatrixDisplay.from_log(MANY, ax=ax),
    lambda ax: StepSankeyDisplay.from_log(MANY, ax=ax),
    lambda ax: ActivityDisplay.from_log(MANY, ax=ax),
    lambda ax: FunnelDisplay.from_log(MANY, [f"{PREFIX}{step}" for step in (0, 3, 6)], ax=ax),
    lambda ax: GapDistributionDisplay.from_log(MANY, ax=ax),
    lambda ax: EventAttributionDisplay.from_contributions(
        np.arange(24.0), flat_events(MANY).names[:24], baseline=1, ax=ax
    ),
]


def _overlap(axis, side, renderer):
    """Whether upright labels of ticks overlap along an axis."""
    texts = [t for t in axis.get_ticklabels() if t.get_text() and t.get_visible()]
    boxes = [t.get_window_extent(renderer) for t in texts if not t.get_rotation()]
    ends = sorted((getattr(b, f"{side}0"), getattr(b, f"{side}1")) for b in boxes)
    return any(low < high for (_, high), (low, _) in itertools.pairwise(ends))


def test_text_fits_small_axes():
    figure, grid = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    drawn = [draw(ax) for draw, ax in zip(IN_GRID, grid.flat, strict=True)]
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    for ax in figure.axes:
        assert not _overlap(ax.xaxis, "x", renderer) and not _overlap(ax.yaxis, "y", renderer)
        assert ax.xaxis.label.get_size() < 7 and len(ax.get_yticks()) <= 12
    for display, ax in zip(drawn, grid.flat, strict=True):
        assert display.ax_ is ax
        inside = ax.get_window_extent()  # the layout keeps half of each place for the axes
        assert inside.width > 0.25 * figure.bbox.width / 3, display
        label = ax.xaxis.label.get_window_extent(renderer)
        assert label.width < 1.3 * inside.width or not label.width
    assert drawn[0].text_ is None  # no room for numbers
    assert max(len(each.get_text()) for each in drawn[0].ax_.get_yticklabels()) <= 22
    assert "\n" in drawn[3].ax_.texts[1].get_text()
    for text in drawn[5].ax_.get_xticklabels():
        assert text.get_size() < 6


def test_text_has_its_usual_size_in_usual_axes():
    usual, own = plt.subplots()[1], FunnelDisplay.from_log(SHOP, ["view", "cart"])
    for display in (own, FunnelDisplay.from_log(SHOP, ["view", "cart"], ax=usual)):
        assert display.ax_.yaxis.label.get_size() == mpl.rcParams["font.size"]
        assert "\n" not in display.ax_.texts[1].get_text()
    assert Room(usual).scale == 1 and not Room(usual).is_small
    assert Room(plt.figure(figsize=(2, 1)).add_subplot()).scale == 0.55
    assert Room(plt.figure(figsize=(2, 1)).add_subplot(), is_given=False).scale == 1
    assert Room(plt.subplots(2, 2)[1][0, 0]).size() == pytest.approx(0.55 * 10, rel=0.2)


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    "draw",
    [
        lambda **kw: ActivityDisplay.from_log(SHOP, **kw),
        lambda **kw: attribute([1.0], ["a"], **kw),
        lambda **kw: EmbeddingMapDisplay.from_vectors(np.eye(3), **kw),
        lambda **kw: FunnelDisplay.from_log(SHOP, ["view", "buy"], **kw),
        lambda **kw: GapDistributionDisplay.from_log(SHOP, **kw),
        lambda **kw: LiftCurveDisplay.from_predictions([0, 1], [1, 2], **kw),
        lambda **kw: StepMatrixDisplay.from_log(SHOP, **kw),
        lambda **kw: StepSankeyDisplay.from_log(SHOP, **kw),
        lambda **kw: TrainingHistoryDisplay(history={"loss": [1.0]}).plot(**kw),
        lambda **kw: TransitionGraphDisplay.from_log(SHOP, **kw),
    ],
)
def test_keywords_reach_the_artists(draw):
    draw(alpha=0.3)
    with pytest.raises(ValueError, match=r"matplotlib cannot draw with \{'colour': 'red'\}"):
        draw(colour="red")


attribute = EventAttributionDisplay.from_contributions
FITTED = DummyClassifier().fit(np.zeros((2, 1)), [0, 1])
EMPTY = EventLog(
    pd.DataFrame({"who": [], "when": [], "what": []}),
    user="who",
    time="when",
    behavior="what",
    until="2026-01-01",
)
NO_ROLE = EventLog(pd.DataFrame({"u": [1, 1], "t": ["2026-01-01"] * 2}), user="u", time="t")
DECADES = EventLog(
    pd.DataFrame(
        {"u": [1, 1, 2, 2], "t": ["2000-01-01", "2010-01-01", "2015-01-01", "2020-01-01"]}
    ),
    user="u",
    time="t",
)
UNCLEAN = make_log([1, None], [0, 1], ["a", "b"])


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: TransitionMatrixDisplay.from_log([1]), TypeError, "log must be an EventLog; got"),
        (lambda: TransitionMatrixDisplay.from_log(EMPTY), InvalidLogError, "log has no events"),
        (lambda: TransitionMatrixDisplay.from_log(UNCLEAN), InvalidLogError, "Call clean"),
        (lambda: TransitionMatrixDisplay.from_log(ONE), InvalidLogError, "No user of the log has"),
        (lambda: TransitionMatrixDisplay.from_log(NO_ROLE), InvalidLogError, "no behaviour colum"),
        (
            lambda: TransitionMatrixDisplay.from_log(SHOP, column="x"),
            InvalidLogError,
            "no column 'x'",
        ),
        (
            lambda: TransitionMatrixDisplay.from_log(SHOP, max_categories=51),
            ValueError,
            "max_categories must be at most 50",
        ),
        (lambda: TransitionMatrixDisplay.from_log(SHOP, ax=3), TypeError, "ax must be the axes"),
        (
            lambda: TransitionMatrixDisplay(counts=np.eye(2), names=["a"]).plot(),
            ValueError,
            "counts, names must have one length",
        ),
        (
            lambda: TransitionMatrixDisplay.from_log(SHOP).plot(values="x"),
            ValueError,
            "values must be one of",
        ),
        (lambda: TransitionMatrixDisplay.from_log(SHOP).frame("x"), ValueError, "library must be"),
        (lambda: FunnelDisplay.from_log(SHOP, "view"), ValueError, "steps must be a list"),
        (lambda: FunnelDisplay.from_log(SHOP, ["view"]), ValueError, "2 to 10 behaviours; got 1"),
        (lambda: FunnelDisplay.from_log(SHOP, ["view"] * 11), ValueError, "got 11. Show a longer"),
        (
            lambda: FunnelDisplay.from_log(SHOP, ["view", "vew"]),
            ValueError,
            "'vew', which does not occur in 'what'; its values are 'buy', 'cart', 'view'",
        ),
        (
            lambda: FunnelDisplay.from_log(SHOP, ["view", "buy"], within=3),
            TypeError,
            "within",
        ),
        (lambda: CohortRetentionDisplay.from_log(SHOP), InvalidLogError, "before a whole month"),
        (
            lambda: CohortRetentionDisplay.from_log(SHOP, period="minute"),
            ValueError,
            "period must be one of 'hour', 'day'",
        ),
        (
            lambda: CohortRetentionDisplay.from_log(SHOP, n_periods=0),
            ValueError,
            "n_periods must be a whole number of at least 1",
        ),
        (lambda: GapDistributionDisplay.from_log(ONE), InvalidLogError, "two different times"),
        (lambda: GapDistributionDisplay.from_log(NO_ROLE), InvalidLogError, "two different times"),
        (lambda: GapDistributionDisplay.from_log(SHOP, n_bins=0), ValueError, "n_bins must be"),
        (lambda: ActivityDisplay.from_log(EMPTY), InvalidLogError, "log has no events"),
        (
            lambda: ActivityDisplay.from_log(SHOP, max_categories=11),
            ValueError,
            "max_categories must be at most 10",
        ),
        (
            lambda: ActivityDisplay.from_log(DECADES, period="hour"),
            ValueError,
            "The log has 175,321 hours, more than 5,000. Choose a longer period",
        ),
        (
            lambda: StepMatrixDisplay.from_log(SHOP, align="x"),
            ValueError,
            "align must be one of 'start', 'end'",
        ),
        (lambda: StepMatrixDisplay.from_log(SHOP, n_steps=41), ValueError, "at most 40"),
        (lambda: TransitionGraphDisplay.from_log(ONE), InvalidLogError, "No user of the log has"),
        (
            lambda: TransitionGraphDisplay.from_log(SHOP, min_share=2),
            ValueError,
            "min_share must be between 0 and 1; got 2",
        ),
        (lambda: StepSankeyDisplay.from_log(SHOP, n_steps=1), ValueError, "at least 2; got 1"),
        (lambda: StepSankeyDisplay.from_log(SHOP, n_steps=11), ValueError, "n_steps must be at m"),
        (
            lambda: StepSankeyDisplay(flows=np.zeros((1, 2, 2)), names=["a"]).plot(),
            ValueError,
            r"flows must have the shape \(n_steps - 1, 1, 1\)",
        ),
        (lambda: attribute([], []), ValueError, "with at least one event"),
        (lambda: attribute([np.nan], ["a"]), ValueError, "those of event 0 are not"),
        (lambda: attribute([1, 2], ["a"]), ValueError, "a name for each of the 2 events"),
        (lambda: attribute([[1, 2]], ["a"]), ValueError, "the names of the 2 columns"),
        (lambda: attribute([1], ["a"], times="2026"), ValueError, "times must be a list"),
        (lambda: attribute([1], ["a"], times=[None]), ValueError, "got 1, 1 of them missing"),
        (
            lambda: attribute([1], ["a"], times=["2026-02-01"], cutoff="2026-01-01"),
            ValueError,
            "Event 0 is later than the cutoff",
        ),
        (lambda: attribute([1], ["a"], max_events=0), ValueError, "max_events must be"),
        (
            lambda: attribute(
                [[1, 2]], ["a"], channels=["x", "y"], ax=plt.figure().add_axes([0, 0, 1, 1])
            ),
            ValueError,
            "ax was placed by hand",
        ),
        (lambda: EmbeddingMapDisplay.from_vectors([[1, 2]]), ValueError, "minimum of 2"),
        (lambda: EmbeddingMapDisplay.from_vectors([[1], [2]]), ValueError, "minimum of 2"),
        (lambda: EmbeddingMapDisplay.from_vectors(np.ones((3, 2))), ValueError, "All vectors are"),
        (
            lambda: EmbeddingMapDisplay.from_vectors(np.eye(3), labels=[1]),
            ValueError,
            "inconsistent",
        ),
        (lambda: EmbeddingMapDisplay.from_estimator(3, [[1]]), TypeError, "fitted transformer"),
        (
            lambda: EmbeddingMapDisplay.from_estimator(StandardScaler(), np.eye(2)),
            NotFittedError,
            "not fitted",
        ),
        (lambda: TrainingHistoryDisplay.from_estimator(3), TypeError, "fitted estimator; got 3"),
        (lambda: TrainingHistoryDisplay.from_estimator(FITTED), TypeError, "has no history_"),
        (
            lambda: TrainingHistoryDisplay.from_estimator(DummyClassifier()),
            NotFittedError,
            "not fitted",
        ),
        (
            lambda: TrainingHistoryDisplay(history={"loss": [1.0]}).plot(quantity="auc"),
            ValueError,
            "no quantity 'auc'; it has 'loss'",
        ),
        (
            lambda: LiftCurveDisplay.from_predictions([1, 1], [0.1, 0.2]),
            ValueError,
            "only samples of the positive class 1",
        ),
        (
            lambda: LiftCurveDisplay.from_predictions([0, 0], [0.1, 0.2]),
            ValueError,
            "no samples of the positive class 1",
        ),
        (
            lambda: LiftCurveDisplay.from_predictions(["a", "b"], [0.1, 0.2]),
            ValueError,
            "ambiguous. Name it by pos_label",
        ),
        (
            lambda: LiftCurveDisplay.from_predictions([0, 1, 2], [1, 2, 3], pos_label=1),
            ValueError,
            "holds 3 labels",
        ),
        (lambda: LiftCurveDisplay.from_predictions([0, 1], [1]), ValueError, "inconsistent"),
        (lambda: LiftCurveDisplay.from_predictions([0, 1], [[1, 2]]), ValueError, "one dimension"),
        (
            lambda: LiftCurveDisplay.from_predictions([0, 1], [1, np.nan]),
            ValueError,
            "finite numbers; row 1 holds nan",
        ),
        (
            lambda: LiftCurveDisplay.from_predictions([0, 1], [1, 2]).plot(kind="x"),
            ValueError,
            "kind must be one of 'gain', 'lift'",
        ),
        (
            lambda: LiftCurveDisplay.from_predictions([0, 1], [1, 2]).lift_at(0),
            ValueError,
            "share must be above 0",
        ),
        (
            lambda: LiftCurveDisplay.from_estimator(DummyClassifier(), [[0]], [0]),
            NotFittedError,
            "not fitted",
        ),
        (
            lambda: LiftCurveDisplay.from_estimator(3, [[0]], [0]),
            TypeError,
            "must be a fitted classifier; got 3",
        ),
        (
            lambda: LiftCurveDisplay.from_estimator(DummyRegressor().fit([[0]], [0]), [[0]], [0]),
            ValueError,
            "it is no classifier",
        ),
        (
            lambda: LiftCurveDisplay.from_estimator(FITTED, [[0]] * 2, [0, 1], pos_label=5),
            ValueError,
            "pos_label=5 is not one of the classes",
        ),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call()
