"""SequenceImputer against plain loops: what is filled in, what is dropped, and what stays."""

import copy
import datetime as dt
import pickle
import statistics
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbseq import SequenceEncoder, load, save
from skbseq.exceptions import SequenceFrameError
from skbseq.preprocessing import SequenceImputer

MONDAY = dt.datetime(2026, 3, 2)
HOUR = dt.timedelta(hours=1)
NAN = float("nan")

FRAME = {
    "user": [7, 8, 9],
    "what": [["view", None, "buy"], ["view"], []],
    "product": [[3, None, 4], [3], []],
    "price": [[1.0, None, 4.0], [None], []],
    "size": [[2.0, 3.0, None], [5.0], []],
    "flag": [[True, None, False], [None], []],
    "when": [[MONDAY, MONDAY + HOUR, MONDAY + 4 * HOUR], [MONDAY], []],
    "country": ["DE", None, "FR"],
}
FILLING = (
    *("auto", "constant", "mean", "median", "most_frequent"),
    *("ffill", "linear", "nearest", "knn", "iterative"),
)
ALL = ("drop", *FILLING)


def one(values, **more):
    """A frame of one row, whose channel `x` holds these values."""
    return pa.table({"x": [values], **more})


def flat(table, name="x"):
    """The values of a list column of an Arrow table, end to end."""
    return table[name].combine_chunks().flatten().to_pylist()


def rows_of(table):
    return table.to_pylist()


# ------------------------------------------------------------------ histories at random

VALUES = st.none() | st.floats(-1e6, 1e6)
EVENTS = st.lists(
    st.tuples(st.integers(0, 10**6), VALUES, st.none() | st.sampled_from("abc")), max_size=6
)
HISTORIES = st.lists(EVENTS.map(lambda row: sorted(row, key=lambda e: e[0])), min_size=1)


def to_table(histories):
    """Histories of (seconds, number, string) as a sequence frame."""
    times = [[MONDAY + dt.timedelta(seconds=s) for s, _, _ in row] for row in histories]
    return pa.table(
        {
            "when": pa.array(times, pa.list_(pa.timestamp("us"))),
            "x": pa.array([[x for _, x, _ in row] for row in histories], pa.list_(pa.float64())),
            "s": pa.array([[s for _, _, s in row] for row in histories], pa.list_(pa.string())),
        }
    )


# The first row makes sure that fit sees a value of each channel.
KNOWN = [(0, 1.5, "b"), (5, None, None), (9, 4.0, "a")]
FRAMES = HISTORIES.map(lambda histories: [KNOWN, *histories[:6]])


def plain_median(histories):
    return statistics.median(x for row in histories for _, x, _ in row if x is not None)


def plain_mode(histories):
    known = [s for row in histories for _, _, s in row if s is not None]
    return min(sorted(set(known)), key=lambda s: -known.count(s))


def plain_ffill(row, i, at, fallback):
    return next((row[j][at] for j in range(i, -1, -1) if row[j][at] is not None), fallback)


def plain_nearest(row, i, at, fallback):
    known = [j for j in range(len(row)) if row[j][at] is not None]
    if not known:
        return fallback
    # Of events at one distance the earlier; among those before, the last; after, the first.
    best = min(known, key=lambda j: (abs(row[j][0] - row[i][0]), j > i, abs(j - i)))
    return row[best][at]


def plain_linear(row, i, at, fallback):
    before = [j for j in range(i) if row[j][at] is not None]
    after = [j for j in range(i + 1, len(row)) if row[j][at] is not None]
    if not before and not after:
        return fallback
    if not before or not after:
        return row[before[-1] if before else after[0]][at]
    (t0, x0, _), (t1, x1, _) = row[before[-1]], row[after[0]]
    return x0 if t0 == t1 else x0 + (x1 - x0) * (row[i][0] - t0) / (t1 - t0)


@given(histories=FRAMES)
@pytest.mark.parametrize(
    ("strategy", "plain"),
    [("ffill", plain_ffill), ("nearest", plain_nearest), ("linear", plain_linear)],
)
@settings(max_examples=50)
def test_fills_within_a_row_are_those_of_a_plain_loop(strategy, plain, histories):
    filled = SequenceImputer(strategy).fit_transform(to_table(histories))
    median, mode = plain_median(histories), plain_mode(histories)
    for row, x, s in zip(histories, filled["x"].to_pylist(), filled["s"].to_pylist(), strict=True):
        expected = [plain(row, i, 1, median) if e[1] is None else e[1] for i, e in enumerate(row)]
        assert x == pytest.approx(expected, rel=1e-9, abs=1e-9)
        how = plain if strategy != "linear" else (lambda row, i, at, fallback: fallback)
        assert s == [how(row, i, 2, mode) if e[2] is None else e[2] for i, e in enumerate(row)]


@given(histories=FRAMES)
@pytest.mark.parametrize("strategy", FILLING)
@settings(max_examples=15)
def test_nothing_missing_remains_and_what_is_known_stays(strategy, histories):
    table = to_table(histories)
    imputer = SequenceImputer(strategy, add_indicator=True, random_state=0)
    filled = imputer.fit_transform(table)
    assert filled["when"].equals(table["when"])
    for name in ("x", "s"):
        was, now, flags = flat(table, name), flat(filled, name), flat(filled, f"{name}_missing")
        assert None not in now and NAN not in now
        assert [b for a, b in zip(was, now, strict=True) if a is not None] == [
            a for a in was if a is not None
        ]
        assert flags == [float(a is None) for a in was]
        assert filled[f"{name}_missing"].type == pa.list_(pa.float32())
        lengths = filled[name].combine_chunks().value_lengths()
        assert lengths.equals(table[name].combine_chunks().value_lengths())


@given(histories=FRAMES, others=HISTORIES)
@pytest.mark.parametrize("strategy", ALL)
@settings(max_examples=10)
def test_a_row_does_not_depend_on_the_other_rows(strategy, histories, others):
    imputer = SequenceImputer(strategy, random_state=0).fit(to_table(histories))
    together = rows_of(imputer.transform(to_table([*others, *histories])))
    for row, expected in zip([*others, *histories], together, strict=True):
        [alone] = rows_of(imputer.transform(to_table([row])))
        # Sums of matrix products may differ in their last digits.
        assert alone.pop("x") == pytest.approx(expected.pop("x"), rel=1e-9)
        assert alone == expected


@given(histories=FRAMES, cut=st.integers(0, 6))
@pytest.mark.parametrize("strategy", ["median", "ffill", "knn", "iterative"])
@settings(max_examples=10)
def test_later_events_have_no_say_but_under_linear_and_nearest(strategy, histories, cut):
    imputer = SequenceImputer(strategy, random_state=0).fit(to_table(histories))
    whole = rows_of(imputer.transform(to_table(histories)))
    short = rows_of(imputer.transform(to_table([row[:cut] for row in histories])))
    for row, expected in zip(short, whole, strict=True):
        assert row["x"] == pytest.approx(expected["x"][:cut], rel=1e-9)
        assert row["s"] == expected["s"][:cut]


@given(histories=FRAMES)
@settings(max_examples=40)
def test_dropping_keeps_the_channels_aligned(histories):
    dropped = SequenceImputer("drop").fit_transform(to_table(histories))
    kept = [[e for e in row if None not in e] for row in histories]
    assert rows_of(dropped) == rows_of(to_table(kept))
    one_only = SequenceImputer({"s": "drop", "x": "constant"}, fill_value=0)
    kept = [[(t, x or 0.0, s) for t, x, s in row if s is not None] for row in histories]
    assert rows_of(one_only.fit_transform(to_table(histories))) == rows_of(to_table(kept))


# ------------------------------------------------------------------ one strategy at a time


@pytest.mark.parametrize(
    ("strategy", "values", "statistic"),
    [
        ("auto", [1.0, None, 4.0, NAN], 2.5),
        ("mean", [1.0, None, 4.0, 4.0], 3.0),
        ("median", [1.0, 3.0, 100.0, None], 3.0),
        ("most_frequent", [7.0, 2.0, 7.0, 2.0, 1.0, None], 2.0),
        ("auto", ["b", "a", None, "b"], "b"),
        ("auto", [4, 4, 9, None], 4),
        ("median", [4, 4, 9, 9, 9, None], 9),  # integers are categories
        ("mean", ["b", "a", None], "a"),
        ("knn", [True, None, True, False], True),
        ("constant", [1.5, None], 0.0),
        ("constant", [1, None], 0),
        ("constant", ["a", None], "missing"),
        ("constant", [True, None], False),
        ("ffill", [None, 1.0, 4.0], 2.5),
        ("ffill", [None, "a"], "a"),
        ("mean", [1.7e308, 1.7e308, None], 1.7e308),
        ("median", [1.5e308, 1.7e308, None], 1.6e308),
        ("auto", [], None),
    ],
)
def test_statistics_are_those_of_the_training_events(strategy, values, statistic):
    table = one(values)
    imputer = SequenceImputer(strategy).fit(table)
    found = imputer.statistics_["x"]
    assert found == (statistic if not isinstance(statistic, float) else pytest.approx(statistic))
    assert type(found) is type(statistic)
    filled = flat(imputer.transform(table))
    if strategy != "ffill":
        assert [v for v, was in zip(filled, values, strict=True) if was in (None, NAN)] == [
            found for was in values if was in (None, NAN)
        ]


def test_the_training_samples_alone_are_learnt_from():
    imputer = SequenceImputer("mean").fit(one([1.0, 3.0]))
    assert flat(imputer.transform(one([100.0, None, NAN]))) == [100.0, 2.0, 2.0]
    assert imputer.statistics_ == {"x": 2.0}


def test_statistics_are_of_the_events_that_are_kept():
    table = pa.table({"x": [[1.0, 9.0, None, 2.0]], "s": [["a", None, "a", "a"]]})
    imputer = SequenceImputer({"s": "drop", "x": "mean"}).fit(table)
    assert imputer.statistics_ == {"x": 1.5}
    assert flat(imputer.transform(table)) == [1.0, 1.5, 2.0]


def test_a_dict_leaves_the_other_channels_as_they_are():
    imputer = SequenceImputer({"price": "ffill", "what": "most_frequent"})
    filled = imputer.fit_transform(pa.table(FRAME))
    expected = FRAME | {
        "price": [[1.0, 1.0, 4.0], [2.5], []],
        "what": [["view", "view", "buy"], ["view"], []],
    }
    assert rows_of(filled) == rows_of(pa.table(expected))


def test_columns_choose_among_the_channels():
    filled = SequenceImputer("median", columns=["size"]).fit_transform(pa.table(FRAME))
    expected = FRAME | {"size": [[2.0, 3.0, 3.0], [5.0], []]}
    assert rows_of(filled) == rows_of(pa.table(expected))
    nothing = SequenceImputer(columns=[]).fit_transform(pa.table(FRAME))
    assert rows_of(nothing) == rows_of(pa.table(FRAME))


def test_a_missing_time_can_be_dropped():
    table = pa.table({"t": [[MONDAY, None, MONDAY + HOUR]], "x": [[1.0, 2.0, None]]})
    for strategy in ("drop", {"t": "drop", "x": "linear"}):
        dropped = SequenceImputer(strategy).fit_transform(table)
        assert None not in flat(dropped, "t")
    assert flat(dropped) == [1.0, 1.0]
    assert flat(SequenceImputer("ffill").fit_transform(table), "t")[1] is None


def test_constants_by_channel():
    imputer = SequenceImputer("constant", fill_value={"price": -1, "what": "none"})
    filled = imputer.fit_transform(pa.table(FRAME))
    assert flat(filled, "price") == [1.0, -1.0, 4.0, -1.0]
    assert flat(filled, "what") == ["view", "none", "buy", "view"]
    assert flat(filled, "product") == [3, 0, 4, 3] and flat(filled, "flag")[3] is False


def test_of_several_channels_of_times_one_is_named():
    table = pa.table(
        {
            "x": [[0.0, None, 9.0]],
            "t": [[MONDAY, MONDAY + HOUR, MONDAY + 3 * HOUR]],
            "u": [["2026-03-02", "2026-03-03", "2026-03-04"]],
        }
    )
    assert flat(SequenceImputer("linear").fit_transform(table)) == [0, 3, 9]
    by_strings = SequenceImputer("linear", time="u").fit_transform(table)
    assert flat(by_strings) == [0, 4.5, 9]


def test_at_one_moment_the_line_is_the_earlier_value():
    table = one([1.0, None, 5.0], t=[[MONDAY] * 3])
    for strategy in ("linear", "nearest"):
        assert flat(SequenceImputer(strategy).fit_transform(table)) == [1, 1, 5]


# ------------------------------------------------------------------ models of the events


def events_at_random(rng, n_rows=30):
    """Histories with two numbers that go together, a fifth of them missing."""
    rows = {"x": [], "y": [], "when": []}
    for _ in range(n_rows):
        n = int(rng.integers(0, 7))
        x = rng.normal(5, 2, n)
        y = 1000 * x + rng.normal(0, 100, n)
        rows["x"].append([None if rng.random() < 0.2 else v for v in x.tolist()])
        rows["y"].append([None if rng.random() < 0.2 else v for v in y.tolist()])
        seconds = np.sort(rng.integers(0, 10**5, n)).tolist()
        rows["when"].append([MONDAY + dt.timedelta(seconds=s) for s in seconds])
    return rows


def plain_features(rows):
    """One event a row: its numbers, the last known before it, and the gap; by a loop."""
    features = []
    times = rows.get("when") or [[None] * len(x) for x in rows["x"]]
    for x, y, when in zip(rows["x"], rows["y"], times, strict=True):
        before = {"x": NAN, "y": NAN}
        for i, event in enumerate(zip(x, y, strict=True)):
            numbers = [NAN if v is None else v for v in event]
            features.append([*numbers, before["x"], before["y"]])
            if "when" in rows:
                gap = (when[i] - when[i - 1]).total_seconds() if i else 0
                features[-1].append(np.log1p(gap))
            for name, value in zip("xy", event, strict=True):
                before[name] = before[name] if value is None else value
    return np.array(features)


@pytest.mark.filterwarnings(
    "ignore:.IterativeImputer. Early:sklearn.exceptions.ConvergenceWarning"
)
@pytest.mark.parametrize(
    ("strategy", "imputer"),
    [
        ("knn", KNNImputer(n_neighbors=3)),
        ("iterative", IterativeImputer(Ridge(alpha=0.1))),
    ],
)
def test_models_are_those_of_scikit_learn(strategy, imputer, rng):
    rows = events_at_random(rng)
    if strategy == "knn":  # which leaves it to chance who of many at one distance is taken
        del rows["when"]
    ours = SequenceImputer(strategy, n_neighbors=3, estimator=Ridge(alpha=0.1), random_state=0)
    filled = ours.fit_transform(pa.table(rows))
    features = plain_features(rows)
    training = features[~np.isnan(features[:, :2]).all(axis=1)]
    scaler = StandardScaler().fit(training)
    imputer.fit(scaler.transform(training))
    expected = scaler.inverse_transform(imputer.transform(scaler.transform(features)))
    expected = np.clip(expected, np.nanmin(training, axis=0), np.nanmax(training, axis=0))
    for i, name in enumerate("xy"):
        assert flat(filled, name) == pytest.approx(expected[:, i].tolist(), rel=1e-9)


@pytest.mark.parametrize("strategy", ["knn", "iterative"])
def test_models_see_what_the_median_does_not(strategy, rng):
    rows = events_at_random(rng, n_rows=100)
    del rows["when"]
    truth = plain_features(rows)[:, 0]
    hidden = [[None if i % 3 == 1 else v for i, v in enumerate(row)] for row in rows["x"]]
    filled, median = (
        np.array(flat(SequenceImputer(s).fit_transform(pa.table(rows | {"x": hidden}))))
        for s in (strategy, "median")
    )
    errors = [np.nanmean(np.abs(found - truth)) for found in (filled, median)]
    assert errors[0] < errors[1] / 2, errors


def test_among_equally_near_neighbours_other_rows_have_no_say(rng):
    x = rng.integers(0, 3, (60, 5)).astype(float)
    x[rng.random(x.shape) < 0.3] = NAN
    x, y = x.tolist(), rng.normal(size=(60, 5)).tolist()
    table = pa.table({"x": pa.array(x, from_pandas=True), "y": pa.array(y)})
    hidden = table.set_column(1, "y", pa.array([[None, 1.0, None, 2.0, None]] * 60))
    imputer = SequenceImputer("knn").fit(table)
    together = rows_of(imputer.transform(hidden))
    alone = [rows_of(imputer.transform(hidden.slice(i, 1)))[0] for i in range(60)]
    assert alone == together
    np.random.default_rng(1).shuffle(order := list(range(60)))
    shuffled = rows_of(imputer.transform(hidden.take(order)))
    assert shuffled == [together[i] for i in order]


def test_a_network_can_fill_in(rng):
    table = pa.table(events_at_random(rng))
    network = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", max_iter=500, tol=0.1)
    imputer = SequenceImputer("iterative", estimator=network, random_state=0)
    filled = imputer.fit_transform(table)
    assert None not in flat(filled, "x") + flat(filled, "y")
    assert filled.equals(clone(imputer).fit_transform(table))


def test_what_models_fill_in_lies_within_the_training_values():
    known = {"x": [[1.0, 2.0, 3.0, 4.0]], "y": [[10.0, 20.0, 30.0, 40.0]]}
    imputer = SequenceImputer("iterative", random_state=0).fit(pa.table(known))
    far = imputer.transform(pa.table({"x": [[None]], "y": [[1e6]]}))
    assert flat(far) == [4.0]


def test_max_samples_draws_the_training_events(rng):
    table = pa.table(events_at_random(rng, n_rows=60))

    def filled(random_state, max_samples=10):
        imputer = SequenceImputer("knn", max_samples=max_samples, random_state=random_state)
        return imputer.fit_transform(table)["x"].to_pylist()

    assert filled(0) == filled(0) == filled(np.random.RandomState(0)) != filled(1)
    assert filled(0, 10_000) == filled(1, 10_000)


@pytest.mark.parametrize("strategy", ["knn", "iterative"])
def test_a_channel_that_the_drawn_events_know_nothing_of_gets_its_median(strategy):
    values = {"x": [[9.0, *[None] * 30]], "y": [[None, *range(1, 31)]], "z": [[100.0] * 31]}
    table = pa.table({n: pa.array(v, pa.list_(pa.float64())) for n, v in values.items()})
    filled = SequenceImputer(strategy, max_samples=3, random_state=0).fit_transform(table)
    assert flat(filled) == [9.0] * 31
    assert 1 <= flat(filled, "y")[0] <= 30 and flat(filled, "y")[1:] == [*range(1, 31)]


@pytest.mark.parametrize("strategy", ["knn", "iterative"])
def test_a_channel_that_models_know_nothing_of(strategy):
    table = pa.table({"x": [[1.0, None, 2.0]], "y": [[None, None, None]]})
    table = table.set_column(1, "y", pa.array([[None] * 3], pa.list_(pa.float64())))
    imputer = SequenceImputer({"x": strategy}, random_state=0).fit(table)
    assert 1 <= flat(imputer.transform(table))[1] <= 2
    # And one that has no event at all to learn from.
    nothing = pa.table({"x": pa.array([[], []], pa.list_(pa.float64()))})
    assert SequenceImputer(strategy).fit_transform(nothing).equals(nothing)


def test_times_that_run_backwards_or_miss_only_cost_models_the_gap():
    when = [[MONDAY + HOUR, None, MONDAY, MONDAY + HOUR]]
    table = pa.table({"x": [[1.0, 2.0, None, 4.0]], "when": when})
    for strategy in ("knn", "iterative"):
        assert None not in flat(SequenceImputer(strategy, random_state=0).fit_transform(table))


# ------------------------------------------------------------------ types


@pytest.mark.parametrize(
    ("strategy", "values", "expected"),
    [
        ({"x": "median"}, pa.array([1, None, 3], pa.int16()), pa.array([1, 2, 3], pa.int16())),
        ({"x": "median"}, pa.array([1, None, 4], pa.int16()), pa.array([1, 2.5, 4])),
        ({"x": "linear"}, pa.array([1, None, 3], pa.int16()), pa.array([1.0, 2.0, 3.0])),
        ({"x": "ffill"}, pa.array([2**62 + 1, None]), pa.array([2**62 + 1] * 2)),
        ("auto", pa.array([2**64 - 1, None], pa.uint64()), pa.array([2**64 - 1] * 2, pa.uint64())),
        ("mean", pa.array([1, None, 2], pa.float32()), pa.array([1, 1.5, 2], pa.float32())),
        ("linear", pa.array([1, None, 2], pa.float32()), pa.array([1, 1.5, 2], pa.float32())),
        ("mean", pa.array(np.float16([1, NAN, 2])), pa.array([1, 1.5, 2], pa.float32())),
        (
            "mean",
            pa.array([Decimal("1.25"), None, Decimal("1.75")]),
            pa.array([1.25, 1.5, 1.75]),
        ),
        ("auto", pa.array(["a", None, "a"]).dictionary_encode(), pa.array(["a", "a", "a"])),
        (
            "ffill",
            pa.array(["a", None], pa.large_string()),
            pa.array(["a"] * 2, pa.large_string()),
        ),
        ("nearest", pa.array([False, None]), pa.array([False, False])),
        ("constant", pa.array([None, None]), pa.array(["missing"] * 2)),
    ],
)
def test_types(strategy, values, expected):
    offsets = [0, len(values)]
    times = pa.array([[MONDAY + i * HOUR for i in range(len(values))]])
    table = pa.table({"x": pa.ListArray.from_arrays(offsets, values), "t": times})
    filled = SequenceImputer(strategy).fit_transform(table)["x"].combine_chunks().flatten()
    assert filled.type == expected.type and filled.equals(expected)


@pytest.mark.parametrize(
    ("fitted", "given", "expected"),
    [
        ([1, 2, 1], [2.5, None], [2.5, 1.0]),
        ([1.0, 2.0], [2, None], [2.0, 1.5]),
        ([1000, 1000], pa.array([2, None], pa.int8()), [2.0, 1000.0]),
        ([1.5], pa.array([None, None]), [1.5, 1.5]),
        (["a"], pa.array([None]), ["a"]),
        (["a"], pa.array(["b", None]).dictionary_encode(), ["b", "a"]),
        ([True], pa.array([], pa.null()), []),
    ],
)
def test_a_batch_may_be_of_a_kindred_type(fitted, given, expected):
    given = given if isinstance(given, pa.Array) else pa.array(given)
    table = pa.table({"x": pa.ListArray.from_arrays([0, len(given)], given)})
    assert flat(SequenceImputer().fit(one(fitted)).transform(table)) == expected


def test_vectors_pass_and_can_be_dropped():
    vectors = pa.array([[[1.0, 2.0], None], [[3.0, 4.0]]], pa.list_(pa.list_(pa.float64(), 2)))
    table = pa.table({"x": [[None, 1.0], [3.0]], "v": vectors})
    filled = SequenceImputer().fit_transform(table)
    assert flat(filled) == [2, 1, 3] and filled["v"].to_pylist() == vectors.to_pylist()
    dropped = SequenceImputer({"v": "drop"}).fit_transform(table)
    assert rows_of(dropped) == [{"x": [None], "v": [[1.0, 2.0]]}, {"x": [3.0], "v": [[3.0, 4.0]]}]


# ------------------------------------------------------------------ frames


@pytest.mark.parametrize("strategy", ALL)
def test_every_library_in_is_the_library_out(strategy, frame_lib):
    imputer = SequenceImputer(strategy, add_indicator=True, random_state=0)
    frame = frame_lib.make(FRAME)
    filled = imputer.fit(frame).transform(frame)
    assert type(filled) is type(frame)
    arrow = clone(imputer).fit_transform(pa.table(FRAME))
    assert frame_lib.to_pylist(filled) == rows_of(arrow)
    columns = filled.column_names if frame_lib.name == "pyarrow" else list(filled.columns)
    assert imputer.get_feature_names_out().tolist() == columns
    assert columns[: len(FRAME)] == list(FRAME)
    assert imputer.feature_names_in_.tolist() == list(FRAME)
    assert imputer.n_features_in_ == len(FRAME)
    # Columns in another order and of another library, and more of them.
    other = dict(reversed(FRAME.items())) | {"extra": [1, 2, 3], "lists": [[1] * 3, [2], []]}
    assert imputer.transform(pa.table(other)).equals(arrow)


def test_empty_histories_and_no_rows(frame_lib):
    frame = frame_lib.make(FRAME)
    imputer = SequenceImputer("linear", add_indicator=True).fit(frame)
    expected = frame_lib.to_pylist(imputer.transform(frame))
    assert frame_lib.to_pylist(imputer.transform(frame[2:3])) == expected[2:]
    none = imputer.transform(frame[:0])
    assert type(none) is type(frame) and frame_lib.to_pylist(none) == []
    with pytest.raises(SequenceFrameError, match="The frame has no rows; fit needs at least one"):
        SequenceImputer().fit(frame[:0])


def test_null_lists_are_empty_histories():
    frame = pd.DataFrame({"x": [[1.0, None], None], "s": [["a", "b"], None]})
    imputer = SequenceImputer().fit(frame)
    assert imputer.transform(frame)["x"].tolist() == [[1, 1], []]
    assert imputer.transform(pd.DataFrame({"x": [None], "s": [None]}))["x"].tolist() == [[]]
    assert len(imputer.transform(frame.iloc[:0])) == 0


def test_ordinary_columns_pass_untouched():
    frame = pd.DataFrame(
        {
            "id": pd.array([1, None, 3], "Int64"),
            "x": [[1.0, None], [3.0], []],
            "size": pd.Categorical(["S", "M", "S"], ["M", "S"], ordered=True),
            "at": pd.to_datetime(["2026-01-01", None, "2026-01-02"]).tz_localize("Europe/Berlin"),
            "note": pd.Series(["a", None, "b"], dtype=object),
        },
        index=[5, 3, 5],
    )
    before = frame.copy(deep=True)
    filled = SequenceImputer(add_indicator=True).fit_transform(frame)
    assert list(filled) == [*frame, "x_missing"]
    pd.testing.assert_frame_equal(filled[["id", "size", "at", "note"]], before.drop(columns="x"))
    pd.testing.assert_frame_equal(frame, before)
    assert filled["x"].tolist() == [[1, 2], [3], []]


def test_forms_of_python():
    rows = [[1.0, None], [3.0, 5.0, 1.0], []]
    filled = SequenceImputer().fit_transform(rows)
    assert isinstance(filled, pd.DataFrame) and filled["x0"].tolist() == [[1, 2], [3, 5, 1], []]
    column = np.empty(3, dtype=object)
    column[:] = rows
    assert SequenceImputer().fit_transform(column)["x0"].tolist() == filled["x0"].tolist()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output(frame_lib, library):
    wanted = pytest.importorskip(library).DataFrame
    imputer = SequenceImputer(add_indicator=True).set_output(transform=library)
    filled = imputer.fit_transform(frame_lib.make(FRAME))
    assert isinstance(filled, wanted)
    assert list(filled.columns) == imputer.get_feature_names_out().tolist()
    assert filled["price"].to_list() == [[1, 2.5, 4], [2.5], []]


def test_before_an_encoder():
    frame = pd.DataFrame(FRAME).assign(cutoff=MONDAY + 9 * HOUR)
    plain = make_pipeline(SequenceImputer(), SequenceEncoder(time=[]))
    assert plain.fit_transform(frame).columns.tolist() == [
        *("what", "product", "price", "size", "flag")
    ]
    flagged = make_pipeline(SequenceImputer(add_indicator=True), SequenceEncoder(time=[]))
    encoded = flagged.fit_transform(frame)
    assert encoded.columns.tolist() == flagged.get_feature_names_out().tolist()
    assert encoded.columns.tolist()[5:] == [f"{name}_missing" for name in encoded.columns[:5]]
    first, *others = encoded["price_missing"].tolist()
    assert first[0] == first[2] != first[1] == others[0][0]
    flagged.set_params(sequenceimputer__strategy="drop").fit(frame)
    assert flagged.transform(frame)["what"].tolist() == [[2], [], []]


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"strategy": {"z": "mean"}}, SequenceFrameError, "no list column 'z', which Sequence"),
        ({"strategy": {"user": "mean"}}, SequenceFrameError, "no list column 'user'"),
        ({"strategy": {"price": "mode"}}, ValueError, "linear, knn, iterative; got 'mode' for 'p"),
        ({"strategy": {"what": "mean"}}, SequenceFrameError, "'what' holds string values, and st"),
        ({"strategy": {"flag": "linear"}}, SequenceFrameError, "'flag' holds boolean values, and"),
        (
            {"strategy": {"when": "ffill"}},
            SequenceFrameError,
            "'when' holds timestamp values, which strategy 'ffill' cannot fill: .* Use 'drop'",
        ),
        ({"columns": ["when"]}, SequenceFrameError, "'when' holds timestamp values, which strat"),
        ({"columns": ["z"]}, SequenceFrameError, "no list column 'z'"),
        ({"time": "z"}, SequenceFrameError, "no list column 'z'"),
        (
            {"strategy": "linear", "time": "product"},
            SequenceFrameError,
            "'product' holds integer values, which are not times",
        ),
        (
            {"strategy": {"price": "mean"}, "columns": ["price"]},
            ValueError,
            "columns= has no effect",
        ),
        (
            {"strategy": "constant", "fill_value": "x"},
            SequenceFrameError,
            "fill_value='x' does not suit 'product', which holds integer values. Give a dict",
        ),
        (
            {"strategy": "constant", "fill_value": 0},
            SequenceFrameError,
            "fill_value=0 does not suit 'what', which holds string",
        ),
        (
            {"strategy": {"price": "constant"}, "fill_value": NAN},
            SequenceFrameError,
            "fill_value=nan does not suit 'price'",
        ),
        (
            {"strategy": {"price": "constant"}, "fill_value": True},
            SequenceFrameError,
            "fill_value=True does not suit 'price'",
        ),
        ({"fill_value": {"z": 1}}, SequenceFrameError, "no list column 'z'"),
        (
            {"strategy": "iterative", "estimator": "network"},
            TypeError,
            "estimator must be a regressor with fit and predict; got 'network'",
        ),
    ],
)
def test_what_is_told_is_checked(parameters, error, message):
    imputer = SequenceImputer(**parameters)
    with pytest.raises(error, match=message):
        imputer.fit(pa.table(FRAME))
    with pytest.raises(NotFittedError):
        imputer.transform(pa.table(FRAME))


@pytest.mark.parametrize(
    "parameters",
    [
        {"strategy": "mode"},
        {"strategy": None},
        {"fill_value": [1]},
        {"n_neighbors": 0},
        {"max_samples": 0},
        {"add_indicator": "yes"},
        {"time": 3},
        {"columns": "price"},
        {"random_state": "x"},
    ],
)
def test_parameters_are_checked(parameters):
    name = next(iter(parameters))
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SequenceImputer must be"):
        SequenceImputer(**parameters).fit(pa.table(FRAME))


TIMES = {"x": [[1.0], [None, 2.0]], "t": [[MONDAY], [MONDAY, MONDAY + HOUR]]}


@pytest.mark.parametrize(
    ("strategy", "columns", "message"),
    [
        ("median", {"x": [[1.0], [2.0, np.inf]]}, "Row 1 of 'x' holds an infinite value"),
        ("drop", {"x": [[1.0], [2.0]], "y": [[1], [1, 2]]}, "Row 1 has 1 values in 't' but 2 in"),
        ("linear", TIMES | {"t": [[MONDAY], [MONDAY, None]]}, "Row 1 of 't' holds a missing time"),
        (
            "nearest",
            TIMES | {"t": [[MONDAY], [MONDAY, MONDAY - HOUR]]},
            "Row 1 of 't' goes back in time; order the events of a row oldest first",
        ),
        ("median", {"x": [["a"], ["b"]]}, "'x' holds string values, but held float values at"),
        (
            "median",
            {"x": [["a"], [None]]},
            "'x' holds string values, but held float values at fit",
        ),
        ("knn", {"x": [["a"], ["b"]]}, "'x' holds string values, but fit saw numbers or"),
    ],
)
def test_rows_that_are_not_fit_are_refused(strategy, columns, message):
    imputer = SequenceImputer(strategy).fit(pa.table(TIMES))
    columns = {"t": [[MONDAY + HOUR] * len(row) for row in columns.get("x", TIMES["x"])]} | columns
    with pytest.raises(SequenceFrameError, match=message):
        imputer.transform(pa.table(columns))


@pytest.mark.parametrize("strategy", [s for s in FILLING if s != "constant"])
def test_a_channel_without_a_value_is_refused(strategy):
    times = [[MONDAY, MONDAY], [MONDAY]]
    nothing = pa.array([[], [None]], pa.list_(pa.float64()))
    table = pa.table({"x": nothing, "t": [[], [MONDAY]]})
    message = "Row 1 of 'x' holds a missing value, and fit saw no value of 'x' at all"
    with pytest.raises(SequenceFrameError, match=message):
        SequenceImputer(strategy).fit(table)
    empty = pa.table({"x": pa.array([[]], pa.list_(pa.float64())), "t": [times[1][:0]]})
    empty = empty.set_column(1, "t", pa.array([[]], pa.list_(pa.timestamp("us"))))
    imputer = SequenceImputer(strategy).fit(empty)
    with pytest.raises(SequenceFrameError, match=message):
        imputer.transform(table)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "needs the time of the events, and the frame has 0 channels of timestamps. Name one"),
        (
            {"t": [[MONDAY] * 2], "u": [[MONDAY] * 2]},
            "Strategy 'linear' of 'x' needs .* has 2 channels of timestamps: 't', 'u'. Name one",
        ),
    ],
)
def test_strategies_in_time_need_one_channel_of_times(columns, message):
    table = one([1.0, None], **columns)
    with pytest.raises(SequenceFrameError, match=message):
        SequenceImputer("linear").fit(table)
    SequenceImputer("ffill").fit(table)


def test_an_indicator_takes_no_name_that_is_there():
    table = pa.table({"x": [[1.0, None]], "x_missing": [["yes", "no"]]})
    with pytest.raises(SequenceFrameError, match="The indicator of 'x' would be called 'x_miss"):
        SequenceImputer(add_indicator=True).fit(table)
    SequenceImputer().fit(table)


def test_a_missing_column_is_refused():
    imputer = SequenceImputer().fit(pa.table(FRAME))
    for name, kind in (("what", "list"), ("when", "list"), ("country", "ordinary")):
        fewer = {key: value for key, value in FRAME.items() if key != name}
        with pytest.raises(SequenceFrameError, match=f"no {kind} column '{name}', which the imp"):
            imputer.transform(pa.table(fewer))


# ------------------------------------------------------------------ arrays


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("auto", [[1, 3, 4, NAN], [NAN] * 4, [3, 3, 5, 0]]),
        ("constant", [[1, 0, 4, NAN], [NAN] * 4, [0, 3, 5, 0]]),
        ("ffill", [[1, 1, 4, NAN], [NAN] * 4, [3, 3, 5, 0]]),
        ("linear", [[1, 2.5, 4, NAN], [NAN] * 4, [3, 3, 5, 0]]),
        ("nearest", [[1, 1, 4, NAN], [NAN] * 4, [3, 3, 5, 0]]),
        ("drop", [[1, 4, NAN, NAN], [NAN] * 4, [3, 5, 0, NAN]]),
    ],
)
def test_arrays(strategy, expected, dtype):
    X = np.array([[1, NAN, 4, NAN], [NAN] * 4, [NAN, 3, 5, 0]], dtype)
    filled = SequenceImputer(strategy).fit_transform(X)
    assert filled.dtype == dtype
    np.testing.assert_array_equal(filled, np.array(expected, dtype))


@pytest.mark.parametrize("strategy", ["median", "linear", "ffill", "iterative", "drop"])
def test_arrays_of_channels(strategy):
    X = np.array([[[1, 10], [NAN, 20], [3, NAN], [NAN, NAN]], [[5, 50]] * 4])
    lists = [[[1, None, 3], [5] * 4], [[10, 20, None], [50] * 4]]
    steps = [[MONDAY + i * HOUR for i in range(n)] for n in (3, 4)]
    types = pa.list_(pa.float64())
    table = pa.table({n: pa.array(v, types) for n, v in zip("ab", lists, strict=True)})
    if strategy == "linear":
        table = table.append_column("t", pa.array(steps))
    filled = SequenceImputer(strategy, random_state=0).fit_transform(X)
    expected = SequenceImputer(strategy, random_state=0).fit_transform(table)
    for i, name in enumerate("ab"):
        padded = [row + [NAN] * (4 - len(row)) for row in expected[name].to_pylist()]
        np.testing.assert_allclose(filled[..., i], padded)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"strategy": {"x0": "mean"}}, "The channels of an array have no names"),
        ({"columns": ["x0"]}, "The channels of an array have no names"),
        ({"add_indicator": True}, "The channels of an array have no names"),
        ({"time": "x0"}, "The channels of an array have no names"),
        ({"strategy": "constant", "fill_value": "a"}, "fill_value='a' does not suit 'X'"),
    ],
)
def test_parameters_that_arrays_do_not_take(parameters, message):
    with pytest.raises(ValueError, match=message):
        SequenceImputer(**parameters).fit(np.ones((2, 3)))


def test_arrays_that_are_not_fit_are_refused():
    for X in (np.ones((2, 3, 0)), np.ones((2, 3, 1, 1))):
        with pytest.raises(ValueError, match="X has shape"):
            SequenceImputer().fit(X)
    with pytest.raises(ValueError, match="infinity"):
        SequenceImputer().fit([[1.0, np.inf]])
    with pytest.raises(ValueError, match="fitted on an array of 2 dimensions and 1 channels"):
        SequenceImputer().fit(np.ones((2, 3))).transform(np.ones((2, 3, 1)))
    with pytest.raises(ValueError, match="three dimensions cannot become a table"):
        SequenceImputer().set_output(transform="pandas").fit_transform(np.ones((2, 3, 2)))
    with pytest.raises(SequenceFrameError, match="on an array of 2 dimensions; got a Table"):
        SequenceImputer().fit(np.ones((2, 3))).transform(pa.table(FRAME))
    with pytest.raises(SequenceFrameError, match="on a sequence frame with the channels 'what'"):
        SequenceImputer().fit(pa.table(FRAME)).transform(np.ones((2, 3)))


# ------------------------------------------------------------------ state


@pytest.mark.parametrize("strategy", [*ALL, {"price": "knn", "size": "iterative"}])
def test_saved_pickled_and_copied(strategy, tmp_path):
    table = pa.table(FRAME)
    imputer = SequenceImputer(strategy, add_indicator=True, random_state=0).fit(table)
    save(imputer, tmp_path / "imputer.skbseq")
    for other in (
        load(tmp_path / "imputer.skbseq"),
        pickle.loads(pickle.dumps(imputer)),
        copy.deepcopy(imputer),
    ):
        assert other.transform(table).equals(imputer.transform(table))
        assert other.statistics_ == imputer.statistics_
        names = other.get_feature_names_out().tolist()
        assert names == imputer.get_feature_names_out().tolist()


def test_a_refit_leaves_nothing_of_the_former_one():
    imputer = SequenceImputer()
    for X in (pa.table(FRAME), np.ones((3, 4)), [["a"], []], np.ones((3, 2, 2)), pa.table(FRAME)):
        fresh = SequenceImputer().fit(X)
        assert vars(imputer.fit(X)).keys() == vars(fresh).keys()
        assert imputer.get_feature_names_out().tolist() == fresh.get_feature_names_out().tolist()
        assert imputer.statistics_ == fresh.statistics_


def test_a_failed_fit_leaves_the_imputer_as_it_was():
    imputer, table = SequenceImputer("mean"), pa.table(FRAME)
    bad = pa.table({"a": [["b"]] * 2, "x": [[1.0], [np.inf]]})
    before = imputer.fit(table).transform(table)
    with pytest.raises(SequenceFrameError, match="Row 1 of 'x' holds an infinite value"):
        imputer.fit(bad)
    assert imputer.transform(table).equals(before)


@pytest.mark.parametrize("strategy", ["auto", "knn", "iterative"])
def test_transform_changes_nothing(strategy):
    table = pa.table(FRAME)
    imputer = SequenceImputer(strategy, random_state=0).fit(table)
    state = pickle.dumps(imputer)
    imputer.transform(table)
    assert pickle.dumps(imputer) == state


def test_an_unfitted_imputer_says_so():
    imputer = SequenceImputer()
    for ask in (lambda: imputer.transform(pa.table(FRAME)), imputer.get_feature_names_out):
        with pytest.raises(NotFittedError, match="SequenceImputer instance is not fitted yet"):
            ask()
    assert not hasattr(imputer, "statistics_")
