"""What a fitted model is worth: calibration error, and early decisions."""

import datetime as dt

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import calibration_curve
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, make_scorer
from sklearn.pipeline import make_pipeline

from skbseq import EventLog, SequenceEncoder, SequenceVectorizer
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection import EarlyDecisionDisplay, expected_calibration_error

# ---------------------------------------------------------------- calibration error


def error_by_hand(z, p, n_bins, strategy):
    """A plain loop over bins that are open on the left, but for the first."""
    inner = np.linspace(0, 1, n_bins + 1)[1:-1]
    edges = list(np.quantile(p, inner) if strategy == "quantile" else inner)
    total = 0
    for low, high in zip([-1, *edges], [*edges, 2], strict=True):
        inside = [(zi, pi) for zi, pi in zip(z, p, strict=True) if low < pi <= high]
        if inside:
            total += abs(sum(zi for zi, _ in inside) - sum(pi for _, pi in inside))
    return total / len(p)


PAIRS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 20).map(lambda k: k / 20)), min_size=1, max_size=60
)


@given(PAIRS, st.integers(1, 12), st.sampled_from(["quantile", "uniform"]))
def test_the_error_is_that_of_a_plain_loop(pairs, n_bins, strategy):
    z, p = map(np.array, zip(*pairs, strict=True))
    found = expected_calibration_error(z, p, n_bins=n_bins, strategy=strategy)
    assert found == pytest.approx(error_by_hand(z, p, n_bins, strategy), abs=1e-12)
    assert 0 <= found <= 1
    both = np.column_stack([1 - p, p])
    again = expected_calibration_error(
        z, both, n_bins=n_bins, strategy=strategy, labels=[False, True]
    )
    assert again == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_the_bins_are_those_of_scikit_learns_curve(rng, strategy):
    p = rng.random(1000)
    z = rng.random(1000) < p**2
    true, predicted = calibration_curve(z, p, n_bins=10, strategy=strategy)
    error = expected_calibration_error(z, p, strategy=strategy)
    if strategy == "quantile":  # the bins are of one size
        assert error == pytest.approx(np.abs(true - predicted).mean(), abs=1e-3)
    counts = np.histogram(p, np.linspace(0, 1, 11))[0]
    if strategy == "uniform":
        assert error == pytest.approx(np.abs(true - predicted) @ counts / 1000)


def test_even_the_truth_has_the_error_that_the_notes_tell(rng):
    p = rng.beta(2, 6, 4000)
    errors = [expected_calibration_error(rng.random(4000) < p, p) for _ in range(50)]
    told = np.sqrt(2 * 10 * 0.25 * 0.75 / (np.pi * 4000))
    assert 0.7 * told < np.mean(errors) <= 1.05 * told
    assert expected_calibration_error(rng.random(4000) < p, p / 2) > 0.1


def test_of_several_classes_the_likeliest_counts():
    y = np.array(["a", "b", "c", "a"])
    p = np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [0.3, 0.1, 0.6]])
    # Top labels a, a, c, c; right, wrong, right, wrong: |1 - 1.6| + |1 - 1.2| over four.
    assert expected_calibration_error(y, p, n_bins=2) == pytest.approx(0.2)
    assert expected_calibration_error(y[:3], p[:3], labels=["a", "b", "c"]) > 0
    with pytest.raises(ValueError, match="3 columns for the 2 labels"):
        expected_calibration_error(y[:2], p[:2])


def test_labels_say_which_class_is_positive():
    y, p = ["no", "yes", "yes"], [0.1, 0.9, 0.7]
    assert expected_calibration_error(y, p, pos_label="yes", n_bins=1) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="positive class is ambiguous"):
        expected_calibration_error(y, p)
    assert expected_calibration_error([-1, 1, 1], p, n_bins=1) == pytest.approx(0.1)
    assert expected_calibration_error([0, 0], [0.5, 0.5]) == 0.5


@pytest.mark.parametrize(
    ("y", "p", "options", "message"),
    [
        ([0, 1], [0.5, 1.2], {}, "Row 1 of y_prob holds 1.2, which is not a prob"),
        ([0, 1], [np.nan, 0.5], {}, "Row 0 of y_prob holds nan"),
        ([0, 1], [[0.5, 0.5], [0.2, 0.5]], {}, r"Row 1 of y_prob sums to 0\.700"),
        ([0, 1], [0.5], {}, "inconsistent numbers of samples"),
        ([], [], {}, r"y_prob has shape \(0,\)"),
        ([0, 1, 2], [0.1, 0.2, 0.3], {"pos_label": 1}, "3 labels, but y_prob one prob"),
        ([0, 9], [[0.5, 0.5], [0.2, 0.8]], {"labels": [0, 1]}, "9, which is not among the labels"),
        (["u", "v"], [0.5, 0.5], {"pos_label": "U"}, "pos_label='U' is not one of the"),
        (["u", None], [0.5, 0.5], {"pos_label": "u"}, "cannot be compared"),
        ([0, 1], [0.5, 0.5], {"n_bins": 0}, "'n_bins' parameter"),
        ([0, 1], [0.5, 0.5], {"strategy": "equal"}, "'strategy' parameter"),
    ],
)
def test_what_is_no_probability_is_refused(y, p, options, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(y, p, **options)


def test_it_serves_as_a_scorer(rng):
    X = rng.normal(size=(200, 2))
    y = X[:, 0] + rng.normal(size=200) > 0
    model = LogisticRegression().fit(X, y)
    scorer = make_scorer(
        expected_calibration_error, response_method="predict_proba", greater_is_better=False
    )
    expected = -expected_calibration_error(y, model.predict_proba(X))
    assert scorer(model, X, y) == pytest.approx(expected)


# ---------------------------------------------------------------- early decisions

START = dt.datetime(2026, 1, 1)
HISTORIES = [["a", "b", "c", "d"], ["x"], [], ["a", "x", "x"], ["x", "a"]]


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def columns_of(histories, **others):
    times = [[START + dt.timedelta(hours=h) for h in range(len(row))] for row in histories]
    return {"user": list(range(len(histories))), "what": histories, "when": times, **others}


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is asked about; says the share of "x"."""

    def __init__(self, asked):
        self.asked = asked
        self.classes_ = np.array([0, 1])

    def fit(self, X, y):
        raise AssertionError("a display trains nothing")

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X):
        self.asked.append(X)
        p = np.array([row.count("x") / max(len(row), 1) for row in _rows(X)])
        return np.column_stack([1 - p, p])


def _rows(X):
    return [list(row) for row in X["what"].to_numpy()]


Y = [0, 1, 0, 1, 1]


def early(X, y=Y, **options):
    asked = []
    display = EarlyDecisionDisplay.from_estimator(Recorder(asked), X, y, **options)
    return display, asked


def test_histories_are_cut_to_their_first_events(frame_lib):
    X = frame_lib.make(columns_of(HISTORIES, cutoff=[START] * 5))
    display, asked = early(X, n_events=[3, 1], scoring="roc_auc")
    assert display.seen.tolist() == [1, 3] and display.seen_by == "n_events"
    for n, part in zip([1, 3], asked, strict=True):
        assert type(part) is type(X)
        expected = [
            row | {"what": row["what"][:n], "when": row["when"][:n]}
            for row in frame_lib.to_pylist(X)
        ]
        found = frame_lib.to_pylist(part)
        assert found == expected and list(found[0]) == list(expected[0])
    np.testing.assert_allclose(display.seen_whole, [2 / 5, 4 / 5])


@given(st.lists(st.integers(0, 12), min_size=2, max_size=8), st.floats(0.01, 1))
def test_shares_are_rounded_up(lengths, share):
    histories = [["x"] * n for n in lengths]
    X = pa.table(columns_of([["x"], *histories]))
    y = [0, 1] + [0] * (len(lengths) - 1)
    _, asked = early(X, y, shares=share, scoring="accuracy")
    plt.close("all")
    for n, row in zip(lengths, _rows(asked[0])[1:], strict=True):
        assert len(row) == next(k for k in range(n + 1) if k >= n * share - 1e-9)


def test_tenths_by_default_and_the_last_is_the_score_of_all(frame_lib):
    X = frame_lib.make(columns_of(HISTORIES))
    display, asked = early(X, scoring="neg_log_loss")
    np.testing.assert_allclose(display.seen, np.arange(1, 11) / 10)
    assert display.scores[-1] == get_scorer("neg_log_loss")(Recorder([]), X, Y)
    assert display.seen_whole[-1] == 1 and len(asked) == 10
    assert frame_lib.to_pylist(asked[-1]) == frame_lib.to_pylist(X)


def test_the_index_and_vectors_stay():
    X = pd.DataFrame(columns_of(HISTORIES), index=[9, 8, 7, 6, 5])
    X["vector"] = [[[1.0, 2.0]] * len(row) for row in HISTORIES]
    X["country"] = pd.Categorical(["fr", "de", "fr", "fr", "de"])
    _, (part,) = early(X, n_events=2)
    assert part.index.tolist() == X.index.tolist() and part.columns.equals(X.columns)
    assert part["country"].dtype == X["country"].dtype
    assert [len(row) for row in part["vector"]] == [2, 1, 0, 2, 2]


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_lead_times_are_medians_to_a_moment(frame_lib, unit):
    # Known until 10 hours after the start; the fourth is never known, the third has no events.
    end = START + dt.timedelta(hours=10)
    columns = columns_of(HISTORIES)
    columns["paid"] = pa.array([end, end, end, None, end], pa.timestamp(unit))
    X = frame_lib.make(columns)
    display, _ = early(X, n_events=[1, 2, 4], time="when", until="paid")
    hours = display.lead_times / np.timedelta64(1, "h")
    # Last seen at 0, 0, 0; at 1, 0, 1; at 3, 0, 1 hours.
    assert hours.tolist() == [10, 9, 9]


def test_without_any_moment_there_is_no_lead_time():
    columns = columns_of(HISTORIES, paid=pa.array([None] * 5, pa.timestamp("us")))
    display, _ = early(pa.table(columns), n_events=1, time="when", until="paid")
    assert np.isnat(display.lead_times).all()


def test_seen_early_is_what_prefixes_gives(rng):
    events = pd.DataFrame(
        {
            "who": rng.integers(0, 30, 200),
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.permutation(200), unit="h"),
            "what": rng.choice(["view", "cart"], 200),
        }
    )
    log = EventLog(events, user="who", time="when", behavior="what").clean()
    whole = log.histories(log.prefixes(share=1.0))
    half = log.histories(log.prefixes(share=0.5))
    y = np.arange(len(whole)) % 2
    _, (part,) = early(whole, y, shares=[0.5])
    assert _rows(part) == _rows(half)


def test_on_a_pipeline_with_encoder(frame_lib):
    end = START + dt.timedelta(hours=10)
    X = frame_lib.make(columns_of(HISTORIES * 4, cutoff=[end] * 20))
    model = make_pipeline(SequenceVectorizer(), HistGradientBoostingClassifier()).fit(X, Y * 4)
    encoder = SequenceEncoder().fit(X)
    _, asked = early(X, Y * 4, n_events=1)
    assert encoder.transform(asked[0]) is not None  # no event lies behind its cutoff
    display = EarlyDecisionDisplay.from_estimator(model, X, Y * 4, time="when")
    assert display.scores[-1] == get_scorer("roc_auc")(model, X, Y * 4)
    assert display.name == "Pipeline" and display.score_name == "Roc auc"
    assert (np.diff(display.lead_times.astype(int)) <= 0).all()


# ---------------------------------------------------------------- the drawing


def test_what_is_drawn_is_what_is_kept():
    end = START + dt.timedelta(hours=10)
    X = pa.table(columns_of(HISTORIES, cutoff=[end] * 5))
    _, ax = plt.subplots()
    display, _ = early(X, n_events=[1, 2], time="when", ax=ax, name="model", color="red")
    assert display.ax_ is ax and display.figure_ is ax.figure
    assert display.line_.get_xdata().tolist() == [1, 2]
    assert display.line_.get_ydata().tolist() == display.scores.tolist()
    assert display.line_.get_color() == "red" and display.line_.get_label() == "model"
    assert ax.get_xlabel() == "Events seen" and ax.get_ylabel() == "Roc auc"
    assert display.lead_ax_.get_ylabel() == "Median lead time (hours, dashed)"
    np.testing.assert_allclose(display.lead_line_.get_ydata(), [10, 9])
    before = display.line_
    assert display.plot(name="again") is display and display.line_ is not before
    assert display.ax_ is not ax and display.line_.get_label() == "again"


@pytest.mark.parametrize(
    ("hours", "unit"), [(72, "days"), (3, "hours"), (0.5, "minutes"), (None, "minutes")]
)
def test_lead_times_are_drawn_in_a_unit_that_can_be_read(hours, unit):
    lead = "NaT" if hours is None else int(hours * 3600 * 10**6)
    display = EarlyDecisionDisplay(
        seen=np.array([1]),
        scores=np.array([0.5]),
        seen_whole=np.array([1.0]),
        seen_by="n_events",
        lead_times=np.array([lead], "timedelta64[us]"),
    ).plot()
    assert display.lead_ax_.get_ylabel() == f"Median lead time ({unit}, dashed)"
    assert display.ax_.get_ylabel() == "Score" and display.ax_.get_legend() is None


def test_the_points_are_a_table():
    leads = np.array([3, 1], "timedelta64[D]")
    display = EarlyDecisionDisplay(
        seen=np.array([0.5, 1.0]),
        scores=np.array([0.6, 0.9]),
        seen_whole=np.array([0.0, 1.0]),
        seen_by="share",
    )
    table = display.frame()
    assert table.columns.tolist() == ["seen", "score", "seen_whole"]
    assert table["score"].tolist() == [0.6, 0.9]
    display.lead_times = leads.astype("timedelta64[us]")
    assert display.frame()["lead_time"].dt.days.tolist() == [3, 1]


def test_without_lead_times_there_is_one_axis():
    display, _ = early(pa.table(columns_of(HISTORIES)))
    assert display.lead_ax_ is None and display.lead_line_ is None and display.lead_times is None
    assert display.ax_.get_xlabel() == "Share of the events seen"


def scorer_of_ours(model, X, y):
    return 0.25


@pytest.mark.parametrize(
    ("scoring", "name"),
    [(None, "Score"), (scorer_of_ours, "Scorer of ours"), ("accuracy", "Accuracy")],
)
def test_any_scorer_serves(scoring, name):
    display, _ = early(pa.table(columns_of(HISTORIES)), n_events=1, scoring=scoring)
    assert display.score_name == name and 0 <= display.scores[0] <= 1


# ---------------------------------------------------------------- bad inputs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shares": [0.5], "n_events": [1]}, "Give either shares or n_events, not both"),
        ({"shares": [0.5, 0]}, "shares must be above 0 and at most 1; got 0"),
        ({"shares": [1.1]}, r"got 1\.1"),
        ({"shares": [float("nan")]}, "got nan"),
        ({"shares": "half"}, "got 'half'"),
        ({"shares": [True]}, "got True"),
        ({"shares": []}, "got none"),
        ({"n_events": [0, 1]}, "n_events must be whole numbers of at least 1; got 0"),
        ({"n_events": [1.5]}, r"got 1\.5"),
        ({"scoring": "auc"}, "'scoring' parameter of check_scoring must be"),
        ({"scoring": ["roc_auc", "accuracy"]}, "must be one score"),
        ({"time": "what", "until": "user"}, "'what' holds 'a' in row 0, which is not a time"),
        ({"time": "stamp"}, r"time='stamp' is not one of the list columns .* which are 'wh"),
        ({"time": "when"}, r"until='cutoff' is not one of the ordinary .* are 'user'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        early(pa.table(columns_of(HISTORIES)), **options)


def test_an_estimator_that_is_not_fitted_is_refused():
    model = make_pipeline(SequenceVectorizer(), LogisticRegression())
    for estimator in (model, LogisticRegression()):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            EarlyDecisionDisplay.from_estimator(estimator, columns_of(HISTORIES), Y)


def test_times_with_and_without_a_zone_do_not_mix():
    columns = columns_of(HISTORIES, cutoff=pa.array([START] * 5, pa.timestamp("us", "UTC")))
    with pytest.raises(SequenceFrameError, match="'cutoff' has a time zone and 'when' has none"):
        early(pa.table(columns), time="when")


def test_an_unreadable_time_is_named_by_its_row():
    X = pa.table({"when": [["2026-01-01"], ["2026-01-02", "soon"]], "cutoff": [START, START]})
    with pytest.raises(SequenceFrameError, match="Row 1 of 'when' holds 'soon'"):
        early(X, [0, 1], time="when")


@pytest.mark.parametrize("X", [HISTORIES, np.ones((5, 3)), None])
def test_what_is_no_table_is_refused(X):
    with pytest.raises(TypeError, match="X must be a sequence frame"):
        early(X)


def test_a_table_without_lists_and_labels_of_another_length():
    with pytest.raises(SequenceFrameError, match="has no channel"):
        early(pd.DataFrame({"a": ["b"] * 5}))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        early(pa.table(columns_of(HISTORIES)), [0, 1])
