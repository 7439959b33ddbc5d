"""SequenceVectorizer against plain Python, feature by feature; and what must not matter to it."""

import copy
import datetime as dt
import math
import pickle
import statistics
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

import skbseq
from skbseq import SequenceEncoder
from skbseq._inputs import InputSchema
from skbseq.exceptions import SequenceFrameError, SequenceFrameWarning
from skbseq.preprocessing import SequenceVectorizer
from skbseq.preprocessing._vectorize_groups import GROUPS

MONDAY = dt.datetime(2026, 3, 2)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
NAN = math.nan
WINDOWS = ("2D", "12h")
SPANS = {"2D": 2 * DAY, "12h": 12 * HOUR}

FRAME = {
    "user": [7, 8, 9],
    "cutoff": [MONDAY + 100 * HOUR] * 3,
    "what": [["view", "buy", "view"], ["view"], []],
    "product": [[3, None, 3], [4], []],
    "price": [[1.0, 2.0, None], [5.0], []],
    "when": [[MONDAY, MONDAY + HOUR, MONDAY + 50 * HOUR], [MONDAY + 99 * HOUR], []],
    "country": ["DE", None, "FR"],
    "age": [30, 40, None],
}


def features(X, **options):
    """The features of a frame as a dict of lists."""
    vectorizer = SequenceVectorizer(**options).set_output(transform="pandas")
    return vectorizer.fit_transform(X).to_dict("list")


def same(found, expected):
    """Equal lists of numbers, NaN being NaN."""
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, equal_nan=True)


# ------------------------------------------------------------------ plain Python


def days(span):
    return span / DAY


def ratio(one, other):
    return one / other if other else NAN


def described(values):
    if not values:
        return {"sum": 0, "mean": NAN, "std": NAN, "min": NAN, "max": NAN, "last": NAN}
    return {
        "sum": sum(values),
        "mean": statistics.fmean(values),
        "std": statistics.pstdev(values),
        "min": min(values),
        "max": max(values),
        "last": values[-1],
    }


def vocabulary(lists, most=None, least=1):
    found = Counter(value for row in lists for value in row)
    order = sorted(found, key=lambda v: (-found[v], v is None, 0 if v is None else v))
    return [value for value in order if found[value] >= least][:most]


def named(value):
    return "missing" if value is None else str(value)


def in_window(row, span):
    return [row["cutoff"] - moment < span for moment in row["when"]]


def plain_times(row, kinds):
    """Recency, frequency, tenure, gaps, trend and profile of a row."""
    when, cutoff, n = row["when"], row["cutoff"], len(row["when"])
    found = {
        "recency": days(cutoff - when[-1]) if n else NAN,
        "frequency": n,
        "active_days": len({moment.date() for moment in when}),
        "tenure": days(cutoff - when[0]) if n else NAN,
    }
    for kind in [*kinds, "other"]:
        ages = [cutoff - t for t, what in zip(when, row["what"], strict=True) if what == kind]
        found[f"what_{named(kind)}_recency"] = days(min(ages)) if ages else NAN
    for name, span in SPANS.items():
        recent, both = sum(in_window(row, span)), sum(in_window(row, 2 * span))
        found[f"frequency_{name}"] = recent
        found[f"trend_{name}"] = math.log((1 + recent) / (1 + both - recent))
    gaps = [days(b - a) for a, b in pairwise(when)]
    numbers = described(gaps)
    found |= {f"gap_{k}": numbers[k] for k in ("mean", "std", "min", "max", "last")}
    found["gap_variation"] = ratio(numbers["std"], numbers["mean"])
    found["gap_last_ratio"] = ratio(numbers["last"], numbers["mean"])
    found["gap_overdue"] = ratio(found["recency"], numbers["mean"])
    for i, part in enumerate(("night", "morning", "afternoon", "evening")):
        found[f"daytime_{part}"] = ratio(sum(t.hour // 6 == i for t in when), n)
    for i, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
        found[f"weekday_{day}"] = ratio(sum(t.weekday() == i for t in when), n)
    return found


def plain_amounts(row, kinds):
    prices = [p for p in row["price"] if p is not None]
    found = {f"price_{k}": v for k, v in described(prices).items()}
    found["price_missing"] = len(row["price"]) - len(prices)
    for name, span in SPANS.items():
        inside = in_window(row, span)
        found[f"price_sum_{name}"] = sum(
            p or 0 for p, take in zip(row["price"], inside, strict=True) if take
        )
    for kind in [*kinds, "other"]:
        found[f"price_sum_{named(kind)}"] = sum(
            p or 0 for p, what in zip(row["price"], row["what"], strict=True) if what == kind
        )
    return found


def plain_categories(row, name, known):
    values, n = row[name], len(row[name])
    shown = [named(v) if v in known else "other" for v in values]
    found = {}
    for category in [*map(named, known), "other"]:
        found[f"{name}_{category}_count"] = shown.count(category)
        found[f"{name}_{category}_share"] = shown.count(category) / max(n, 1)
        found[f"{name}_{category}_last"] = shown[-1:] == [category]
        for window, span in SPANS.items() if name == "what" else ():
            inside = in_window(row, span)
            found[f"{name}_{category}_count_{window}"] = sum(
                s == category for s, take in zip(shown, inside, strict=True) if take
            )
    counts = Counter(values).values()
    found[f"{name}_entropy"] = -sum(c / n * math.log(c / n) for c in counts) if n else NAN
    found[f"{name}_distinct"] = len(counts)
    found[f"{name}_repeat"] = 1 - len(counts) / n if n else NAN
    return found


def plain_runs(row, n, known):
    runs = Counter(zip(*(row["what"][i:] for i in range(n)), strict=False))
    return {f"what_{'>'.join(run)}": runs[run] for run in known}


def plain_features(rows, most, lengths):
    kinds = vocabulary([row["what"] for row in rows])
    products = vocabulary([row["product"] for row in rows], most)
    runs = {}
    for n in range(lengths[0], lengths[1] + 1):
        found = [list(zip(*(r["what"][i:] for i in range(n)), strict=False)) for r in rows]
        runs[n] = vocabulary(found)
    result = []
    for row in rows:
        found = plain_times(row, kinds) | plain_amounts(row, kinds)
        found |= plain_categories(row, "what", kinds)
        found |= plain_categories(row, "product", products)
        for n, known in runs.items():
            found |= plain_runs(row, n, known)
        result.append(found)
    return result


def make_row(events, left):
    events = sorted(events, key=lambda event: event[0])
    moments = [MONDAY + dt.timedelta(minutes=minutes) for minutes, *_ in events]
    _, what, product, price = zip(*events, strict=True) if events else ((), (), (), ())
    return {
        "cutoff": (moments or [MONDAY])[-1] + dt.timedelta(minutes=left),
        "when": moments,
        "what": list(what),
        "product": list(product),
        "price": list(price),
    }


EVENT = st.tuples(
    st.integers(0, 10_000) | st.sampled_from([0, 720, 1440, 2880]),
    st.sampled_from(["view", "buy", "cart"]),
    st.sampled_from([1, 2, 3, 30, None]),
    st.sampled_from([0.5, 2.0, -1.25, 100.0, None]),
)
ROW = st.builds(
    make_row, st.lists(EVENT, max_size=7), st.integers(0, 5000) | st.sampled_from([0, 720, 2880])
)
# At least one event, and one missing price, so that the types are those of a whole log.
ROWS = st.lists(ROW, min_size=1, max_size=5).map(
    lambda rows: [*rows, make_row([(60, "view", 1, None), (90, "view", 2, 3.0)], 30)]
)


def table(rows):
    schema = pa.schema(
        {
            "cutoff": pa.timestamp("us"),
            "when": pa.list_(pa.timestamp("us")),
            "what": pa.list_(pa.string()),
            "product": pa.list_(pa.int64()),
            "price": pa.list_(pa.float64()),
        }
    )
    return pa.Table.from_pylist(rows, schema=schema)


@settings(max_examples=60)
@given(rows=ROWS, most=st.sampled_from([None, 1, 2]), lengths=st.sampled_from([(2, 2), (1, 3)]))
def test_every_feature_is_that_of_plain_python(rows, most, lengths):
    # Behaviors are `what` even where `max_categories` leaves fewer products.
    vectorizer = SequenceVectorizer(
        windows=WINDOWS, max_categories=None, ngram_range=lengths, behavior="what"
    )
    if most is not None:
        rows = [row | {"what": ["view"] * len(row["what"])} for row in rows]
        vectorizer.set_params(max_categories=most)
    found = vectorizer.fit_transform(table(rows))
    names = vectorizer.get_feature_names_out().tolist()
    expected = plain_features(rows, most, lengths)
    there = {name for row in expected for name, value in row.items() if not math.isnan(value)}
    assert set(names) == there
    assert len(names) == len(there)
    same(found, [[row[name] for name in names] for row in expected])


@settings(max_examples=40)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_neither_other_rows_nor_their_order_matter(rows, seed):
    X = table(rows)
    fitted = SequenceVectorizer(windows=WINDOWS).fit(X)
    whole = fitted.transform(X)
    order = np.random.default_rng(seed).permutation(len(rows))
    # Exactly so: no rounding of one row may leak into another.
    np.testing.assert_array_equal(fitted.transform(X.take(order)), whole[order])
    for row in range(len(rows)):
        np.testing.assert_array_equal(fitted.transform(X.slice(row, 1)), whole[[row]])
    again = SequenceVectorizer(windows=WINDOWS).fit(X.take(order))
    assert again.get_feature_names_out().tolist() == fitted.get_feature_names_out().tolist()
    np.testing.assert_array_equal(again.transform(X), whole)


@settings(max_examples=30)
@given(rows=ROWS, new=ROW)
def test_unseen_rows_get_the_features_known_at_fit(rows, new):
    train = table(rows)
    fitted = SequenceVectorizer(windows=WINDOWS, max_categories=2, behavior="what").fit(train)
    found = dict(zip(fitted.names_, fitted.transform(table([new]))[0], strict=True))
    for channel in ("what", "product"):
        known = fitted.categories_[channel].tolist()
        expected = plain_categories(new, channel, known)
        for name, value in expected.items():
            same(found.get(name, value), value)
        counts = [found[f"{channel}_{named(c)}_count"] for c in [*known, "other"]]
        assert sum(counts) == len(new["what"])


@settings(max_examples=30)
@given(rows=ROWS, log=st.booleans(), fill=st.sampled_from([NAN, 0.0, -1.0]))
def test_sparse_is_dense(rows, log, fill):
    X = table(rows)
    options = {"log": log, "fill_value": fill, "context": ["product_group"]}
    X = X.append_column("product_group", pa.array(["a", "b", None] * 3)[: len(rows)])
    dense = SequenceVectorizer(sparse_output=False, **options).fit_transform(X)
    thin = SequenceVectorizer(sparse_output=True, **options).fit_transform(X)
    assert sparse.issparse(thin)
    assert thin.format == "csr"
    np.testing.assert_array_equal(thin.toarray(), dense)


# ------------------------------------------------------------------ by hand


def test_times_by_hand():
    found = features(pa.table(FRAME), groups=["recency", "tenure", "gaps"], behavior="what")
    same(found["recency"], [50 / 24, 1 / 24, NAN])
    same(found["what_buy_recency"], [99 / 24, NAN, NAN])
    same(found["tenure"], [100 / 24, 1 / 24, NAN])
    same(found["gap_mean"], [25 / 24, NAN, NAN])
    same(found["gap_std"], [24 / 24, NAN, NAN])
    same(found["gap_variation"], [24 / 25, NAN, NAN])
    same(found["gap_last_ratio"], [49 / 25, NAN, NAN])
    same(found["gap_overdue"], [2, NAN, NAN])


def test_a_window_does_not_hold_its_beginning():
    # As EventLog.histories(lookback=...) has it.
    X = pa.table({"when": [[MONDAY, MONDAY + DAY]], "cutoff": [MONDAY + DAY]})
    found = features(X, windows=["1D", "25h"])
    assert found["frequency_1D"] == [1]
    assert found["frequency_25h"] == [2]


def test_windows_may_be_timedeltas():
    found = features(pa.table(FRAME), groups=["frequency"], windows=[3 * DAY, 12 * HOUR])
    assert list(found) == ["frequency", "active_days", "frequency_3D", "frequency_0.5D"]


def test_the_trend_compares_a_window_with_the_one_before():
    X = pa.table({"when": [[MONDAY, MONDAY, MONDAY + DAY]], "cutoff": [MONDAY + 1.5 * DAY]})
    same(features(X, groups=["trend"], windows=["1D"])["trend_1D"], [math.log(2 / 3)])


def test_the_profile_is_on_the_clock_seen_at_fit():
    zone = pa.timestamp("us", "Asia/Tokyo")
    when = pa.array([[MONDAY - 2 * HOUR, MONDAY]], pa.list_(zone))
    found = features(pa.table({"when": when}), groups=["profile"])
    # Sunday 22:00 and Monday 0:00 in UTC are Monday morning in Tokyo.
    assert found["weekday_mon"] == [1]
    assert found["daytime_morning"] == [1]
    fitted = SequenceVectorizer(["profile"]).fit(pa.table({"when": when}))
    utc = when.cast(pa.list_(pa.timestamp("us", "UTC")))
    same(fitted.transform(pa.table({"when": utc}))[0], [v[0] for v in found.values()])


def test_missing_values_are_counted_and_left_out():
    found = features(pa.table(FRAME), groups=["monetary"], categorical=[])
    assert found["price_sum"] == [3, 5, 0]
    assert found["price_missing"] == [1, 0, 0]
    same(found["price_last"], [2, 5, NAN])
    found = features(pa.table(FRAME), groups=["counts"], categorical=["product"])
    assert found["product_missing_count"] == [1, 0, 0]
    without = {"price": [[1.0], [2.0]]}
    assert "price_missing" not in features(pa.table(without))


def test_unknown_and_rare_categories_are_other():
    fitted = SequenceVectorizer(["counts"], min_frequency=2).fit(
        pa.table({"x": [["a", "a", "b"]]})
    )
    assert fitted.get_feature_names_out().tolist() == ["x_a_count", "x_other_count"]
    assert fitted.transform(pa.table({"x": [["a", "b", "c", None]]})).tolist() == [[1, 3]]


def test_entropy_looks_at_all_values_not_at_those_with_a_column():
    X = pa.table({"x": [["a", "b", "c", "d"]]})
    found = features(X, groups=["entropy"], max_categories=1)
    same(found["x_entropy"], [math.log(4)])
    assert found["x_distinct"] == [4]


def test_the_entropy_of_a_row_does_not_carry_the_rounding_of_others(rng):
    # The row before it decides in which order its values are found.
    for _ in range(20):
        row = rng.integers(0, 12, 40).tolist()
        fitted = SequenceVectorizer(["entropy"]).fit(pa.table({"x": [row]}))
        one = fitted.transform(pa.table({"x": [row]}))
        other = fitted.transform(pa.table({"x": [sorted(row), row]}))
        np.testing.assert_array_equal(other[[1]], one)


def test_runs_do_not_cross_rows():
    X = pa.table({"x": [["a", "b"], ["c"], [], ["d", "a", "b", "a", "b"]]})
    found = features(X, groups=["ngrams"])
    assert found == {"x_a>b": [1, 0, 0, 2], "x_b>a": [0, 0, 0, 1], "x_d>a": [0, 0, 0, 1]}
    assert list(features(X, groups=["ngrams"], max_ngrams=1)) == ["x_a>b"]
    assert list(features(X, groups=["ngrams"], min_frequency=0.4)) == ["x_other>other"]
    new = pa.table({"x": [["b", "c", "a", "b"]]})
    fitted = SequenceVectorizer(["ngrams"]).fit(X)
    assert fitted.transform(new).tolist() == [[1, 0, 0]]


def test_context_is_added_as_it_is():
    found = features(pa.table(FRAME), groups=["frequency"], windows=[], context=["age", "country"])
    same(found["age"], [30, 40, NAN])
    assert found["country_DE"] == [1, 0, 0]
    assert found["country_missing"] == [0, 1, 0]
    assert found["country_other"] == [0, 0, 0]
    assert list(found)[-1] == "country_other"


def test_context_alone():
    found = features(pa.table(FRAME), groups=[], context=["age"])
    assert list(found) == ["age"]


def test_logarithms_are_taken_of_what_has_no_bound():
    plain, logs = features(pa.table(FRAME)), features(pa.table(FRAME), log=True)
    assert logs.keys() == plain.keys()
    for name in ("recency", "frequency_90D", "price_sum", "what_view_count", "gap_overdue"):
        same(logs[name], np.log1p(plain[name]))
    for name in ("trend_7D", "what_view_share", "weekday_mon", "what_entropy", "what_view_last"):
        same(logs[name], plain[name])
    refund = pa.table({"x": [[-9.0]]})
    same(features(refund, log=True)["x_sum"], [-math.log(10)])


def test_what_does_not_exist_is_filled():
    found = features(pa.table(FRAME), fill_value=-1.0)
    assert found["recency"][2] == -1
    assert found["price_mean"][2] == -1
    assert found["price_sum"][2] == 0
    assert not any(math.isnan(value) for column in found.values() for value in column)


def test_a_feature_that_no_sample_has_is_left_out():
    # Gradient boosting refuses columns that are missing throughout.
    X = pa.table({"when": [[MONDAY], []], "cutoff": [MONDAY, MONDAY]})
    assert not [name for name in features(X) if name.startswith("gap")]
    fitted = SequenceVectorizer().fit(X)
    two = pa.table({"when": [[MONDAY, MONDAY + HOUR]], "cutoff": [MONDAY + DAY]})
    assert fitted.transform(two).shape == (1, len(fitted.names_))


def test_names_that_clash_are_told_apart():
    X = pa.table({"x": [["other", None, "missing", "zzz"]]})
    names = list(features(X, groups=["counts"], max_categories=3))
    assert names == ["x_missing_count", "x_other_count", "x_zzz_count", "x_other_count_"]
    assert len(set(features(X))) == len(features(X))


def test_amounts_beyond_reason_stay_finite():
    X = pa.table({"x": [[1.7e308, -1.7e308, 1.7e308], [1.0]]})
    assert np.isfinite(SequenceVectorizer(log=False).fit_transform(X)).all()


# ------------------------------------------------------------------ groups and channels


def test_all_groups_are_those_that_the_frame_allows():
    X = pa.table(FRAME)
    assert SequenceVectorizer().fit(X).groups_ == list(GROUPS)
    no_cutoff = SequenceVectorizer().fit(X.drop_columns("cutoff"))
    assert not {"recency", "tenure", "trend"} & set(no_cutoff.groups_)
    assert "gap_mean" in no_cutoff.names_
    assert "gap_overdue" not in no_cutoff.names_
    no_time = SequenceVectorizer().fit(X.drop_columns("when")).groups_
    expected = ["frequency", "monetary", "counts", "shares", "ngrams", "entropy", "last"]
    assert no_time == expected
    assert SequenceVectorizer(windows=[]).fit(X).groups_ == [g for g in GROUPS if g != "trend"]


@pytest.mark.parametrize(
    ("group", "columns", "need"),
    [
        (
            "recency",
            ["what", "when"],
            "an ordinary column 'cutoff' in addition to a channel of times",
        ),
        ("recency", ["what", "cutoff"], "a channel of times"),
        ("gaps", ["what"], "a channel of times"),
        ("monetary", ["what"], "a numeric channel"),
        ("counts", ["price"], "a categorical channel"),
        ("ngrams", ["price"], "a categorical channel"),
    ],
)
def test_a_group_asked_for_must_have_what_it_needs(group, columns, need):
    X = pa.table({name: FRAME[name] for name in columns})
    with pytest.raises(SequenceFrameError, match=f"The group '{group}' needs {need}, and there"):
        SequenceVectorizer(groups=[group]).fit(X)


def test_the_behavior_is_the_channel_with_the_fewest_categories():
    X = pa.table({"x": [["a", "b", "c"]], "y": [["k", "l", "k"]]})
    assert SequenceVectorizer().fit(X).behavior_ == "y"
    assert SequenceVectorizer(behavior="x").fit(X).behavior_ == "x"
    assert SequenceVectorizer(categorical=[]).fit(pa.table(FRAME)).behavior_ is None


def test_channels_can_be_named():
    vectorizer = SequenceVectorizer(categorical=["what"], numeric=["product"])
    names = vectorizer.fit(pa.table(FRAME)).names_
    assert "product_mean" in names
    assert not [name for name in names if name.startswith("price")]
    X = pa.table({"what": [["a"]], "unread": [[dt.timedelta(1)]]})
    assert SequenceVectorizer(categorical=["what"], numeric=[]).fit(X).names_
    vectors = pa.table({"what": [["a"]], "vector": [[[0.5, 1.0]]]})
    assert SequenceVectorizer(categorical=["what"], numeric=[]).fit(vectors).names_
    with pytest.raises(SequenceFrameError, match="Column 'vector' holds lists of list values"):
        SequenceVectorizer().fit(vectors)
    X = pa.table({"a": [[MONDAY]], "b": [[MONDAY]], "cutoff": [MONDAY + DAY]})
    assert features(X, time="b", groups=["recency"]) == {"recency": [1]}
    texts = pa.table({"when": [["2026-03-01", "2026-03-02"]]})
    assert features(texts, time="when", groups=["gaps"])["gap_mean"] == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": ["recent"]}, "groups may hold recency, frequency, .*; got 'recent'"),
        ({"ngram_range": (2, 1)}, r"ngram_range must be two integers.*got \(2, 1\)"),
        ({"ngram_range": (0, 1)}, "ngram_range must be two integers"),
        ({"ngram_range": (1, 2, 3)}, "ngram_range must be two integers"),
        ({"ngram_range": (1, 2.5)}, "ngram_range must be two integers"),
        ({"ngram_range": (40, 40)}, "ngram_range reaches 40, which is too long for 3 behaviors"),
        ({"windows": ["soon"]}, "windows='soon' is not a duration"),
        ({"windows": ["7D", "1w"]}, "holds the span '1w' twice"),
        ({"numeric": ["what"]}, "'what' holds string values, which are not numbers"),
        ({"numeric": ["cost"]}, "There is no list column 'cost', which numeric= needs"),
        ({"time": "what"}, "'what' holds 'view' in row 0, which is not a time"),
        ({"time": "price"}, "'price' holds float values, which are not times"),
        ({"time": "age"}, "There is no list column 'age', which time= needs"),
        ({"context": ["what"]}, "There is no ordinary column 'what', which context= needs"),
        ({"context": ["cutoff"]}, "Context column 'cutoff' holds timestamp values"),
        ({"behavior": "price"}, "behavior='price' is not one of the categorical channels"),
        ({"numeric": ["what"], "categorical": ["what"]}, "Column 'what' is named twice"),
        ({"groups": []}, "No feature is left: groups=.. and context=None"),
        ({"fill_value": math.inf}, "'fill_value' parameter"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises((ValueError, SequenceFrameError), match=message):
        SequenceVectorizer(**options).fit(pa.table(FRAME))


# A microsecond is enough.
LATE = {"when": [[], [MONDAY], [MONDAY + 100 * HOUR + dt.timedelta(microseconds=1)]]}
BACK = {"when": [[], [], [MONDAY + HOUR, MONDAY]]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (LATE, "Row 2 of 'when' holds an event after its cutoff, which leaks the future"),
        (BACK, "Row 2 of 'when' goes back in time"),
        ({"when": [[], [MONDAY, None], []]}, "Row 1 of 'when' holds a missing time"),
        ({"price": [[2.0], [1.0], [math.inf]]}, "Row 2 of 'price' holds an infinite value"),
        ({"cutoff": [MONDAY, None, MONDAY]}, "Row 1 of 'cutoff' is missing"),
        ({"age": [1.0, -math.inf, 2.0]}, "Row 1 of 'age' holds an infinite value"),
        ({"what": [["a"], ["a"], ["a", "b"]]}, "Row 2 has 2 values in 'what' but 1 in 'product'"),
        ({"what": [[1], [1], [1]]}, "values of 'what' do not match its vocabulary: integer"),
    ],
)
def test_wrong_frames_are_refused(columns, message):
    fitted = SequenceVectorizer(context=["age"]).fit(pa.table(FRAME))
    n = [len(cell) for cell in next(iter(columns.values()))] if "when" in columns else [1, 1, 1]
    fill = {
        "cutoff": [MONDAY + 100 * HOUR] * 3,
        "what": [["view"] * k for k in n],
        "product": [[3] * k for k in n],
        "price": [[1.0] * k for k in n],
        "when": [[MONDAY] * k for k in n],
        "age": [1, 2, 3],
    }
    fitted.transform(pa.table(fill))
    with pytest.raises(SequenceFrameError, match=message):
        fitted.transform(pa.table(fill | columns))


@pytest.mark.parametrize("name", ["cutoff", "when", "what", "price", "age"])
def test_a_lost_column_is_named(name):
    fitted = SequenceVectorizer(context=["age"]).fit(pa.table(FRAME))
    with pytest.raises(SequenceFrameError, match=f"There is no .* column '{name}'"):
        fitted.transform(pa.table(FRAME).drop_columns(name))


def test_time_zones_must_agree():
    zone = pa.timestamp("us", "UTC")
    when = pa.array([[MONDAY]], pa.list_(zone))
    with pytest.raises(SequenceFrameError, match="events have a time zone and the cutoffs have"):
        SequenceVectorizer().fit(pa.table({"when": when, "cutoff": [MONDAY]}))
    fitted = SequenceVectorizer().fit(pa.table({"when": when}))
    with pytest.raises(SequenceFrameError, match="times of 'when' have no time zone but had one"):
        fitted.transform(pa.table({"when": [[MONDAY]]}))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [[MONDAY]], "b": [[MONDAY]]}, "several channels of times, 'a', 'b'. Name the one"),
        ({"a": [[dt.timedelta(1)]]}, "Column 'a' holds lists of duration values"),
        ({"a": pa.array([], pa.list_(pa.int64()))}, "The frame has no rows"),
        ({"a": [1.5], "c": ["x"]}, "has no channel: none of its columns holds lists"),
    ],
)
def test_frames_without_sense_are_refused_at_fit(columns, message):
    with pytest.raises(SequenceFrameError, match=message):
        SequenceVectorizer().fit(pa.table(columns))


# ------------------------------------------------------------------ forms


def test_all_libraries_give_the_same(frame_lib):
    X = frame_lib.make(FRAME)
    expected = SequenceVectorizer(context=["age", "country"]).fit(pa.table(FRAME))
    fitted = SequenceVectorizer(context=["age", "country"]).fit(X)
    assert fitted.names_ == expected.names_
    assert fitted.feature_names_in_.tolist() == list(FRAME)
    np.testing.assert_array_equal(fitted.transform(X), expected.transform(pa.table(FRAME)))
    # Fitted on one library, given another, its columns in another order.
    turned = frame_lib.make(dict(reversed(FRAME.items())))
    np.testing.assert_array_equal(expected.transform(turned), fitted.transform(X))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_gives_tables(library):
    module = pytest.importorskip(library)
    X = pd.DataFrame(FRAME, index=[5, 3, 8])
    vectorizer = SequenceVectorizer().set_output(transform=library)
    found = vectorizer.fit_transform(X)
    assert isinstance(found, module.DataFrame)
    assert list(found.columns) == vectorizer.get_feature_names_out().tolist()
    if library == "pandas":
        assert found.index.tolist() == [5, 3, 8]


def test_wide_and_large_tables_are_sparse_unless_a_table_is_requested(monkeypatch):
    X = pd.DataFrame({"x": [[f"p{i}" for i in range(600)], ["p1"]]})
    options = {"categorical": ["x"], "max_categories": None}
    vectorizer = SequenceVectorizer(["counts", "shares"], **options)
    dense = vectorizer.fit_transform(X)  # wide, but small
    assert isinstance(dense, np.ndarray) and dense.shape == (2, 1202)
    monkeypatch.setattr("skbseq.preprocessing._sequence_vectorizer._LARGE", 2 * 1202 * 8 - 1)
    with pytest.warns(SequenceFrameWarning, match=r"2 rows of 1,202 columns .*output=False") as w:
        wide = vectorizer.fit_transform(X)
    assert w[0].filename == __file__
    assert sparse.issparse(wide) and wide.nnz == 2 * 601
    np.testing.assert_array_equal(wide.toarray(), dense)
    # Decided at fit, so that few rows come out like many.
    assert sparse.issparse(vectorizer.transform(X[:1]))
    del vectorizer.large_  # as of an earlier version, where the width alone decided
    assert sparse.issparse(vectorizer.transform(X[:1]))
    monkeypatch.setattr("skbseq.preprocessing._sequence_vectorizer._LARGE", 1)
    assert not sparse.issparse(SequenceVectorizer(["counts"], **options).fit_transform(X))
    frame = vectorizer.set_output(transform="pandas").fit_transform(X)
    np.testing.assert_array_equal(frame, wide.toarray())
    vectorizer.set_params(sparse_output=True)
    with pytest.raises(ValueError, match="outputs a scipy sparse matrix"):
        vectorizer.fit_transform(X)


@pytest.mark.parametrize("sparse_output", [False, True])
def test_no_rows_and_no_events(sparse_output, frame_lib):
    fitted = SequenceVectorizer(context=["age"], sparse_output=sparse_output)
    fitted.fit(frame_lib.make(FRAME))
    schema = pa.table(FRAME).schema
    n = len(fitted.names_)
    nothing = frame_lib.make({f.name: pa.array([], f.type) for f in schema})
    assert fitted.transform(nothing).shape == (0, n)
    lists = {f.name: pa.nulls(2) for f in schema if pa.types.is_list(f.type)}
    empty = fitted.transform(pa.table({"cutoff": [MONDAY] * 2, "age": [1, 2]} | lists))
    empty = empty.toarray() if sparse_output else empty
    row = dict(zip(fitted.names_, empty[0], strict=True))
    assert row["frequency"] == row["what_view_count"] == row["price_sum"] == 0
    assert math.isnan(row["recency"])


def test_arrays_are_numeric_channels():
    X = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan], [np.nan] * 3])
    found = features(X)
    assert found["frequency"] == [2, 1, 0]
    same(found["x0_mean"], [1.5, 3, NAN])
    assert found["x0_sum"] == [3, 3, 0]
    both = SequenceVectorizer().fit(np.stack([X, 2 * X], axis=2))
    sums = both.transform(np.stack([X, 2 * X], axis=2))[:, both.names_.index("x1_sum")]
    assert sums.tolist() == [6, 6, 0]
    fitted = SequenceVectorizer().fit(X)
    with pytest.raises(
        SequenceFrameError, match="fitted on an array of 2 dimensions; got a Table"
    ):
        fitted.transform(pa.table(FRAME))
    with pytest.raises(SequenceFrameError, match="An array has no columns to name"):
        SequenceVectorizer(numeric=["x0"]).fit(X)
    with pytest.raises(ValueError, match=r"has shape .*; the vectorizer was fitted on an array"):
        SequenceVectorizer().fit(np.zeros((2, 3, 1))).transform(np.zeros((2, 3, 2)))
    with pytest.raises(SequenceFrameError, match="fitted on a sequence frame with the channels"):
        SequenceVectorizer().fit(pa.table(FRAME)).transform(X)


def test_a_bare_list_of_lists_is_one_channel():
    found = SequenceVectorizer(["counts"]).fit([["a", "b"], ["a"]])
    assert found.get_feature_names_out().tolist() == ["x0_a_count", "x0_b_count", "x0_other_count"]
    assert found.transform([["b", "b"]]).tolist() == [[0, 2, 0]]


# ------------------------------------------------------------------ state, and in scikit-learn


def test_state_survives(tmp_path):
    X = pa.table(FRAME)
    fitted = SequenceVectorizer(context=["country"], ngram_range=(1, 2)).fit(X)
    expected = fitted.transform(X)
    skbseq.save(fitted, tmp_path / "vectorizer.skbseq")
    for other in (
        pickle.loads(pickle.dumps(fitted)),
        copy.deepcopy(fitted),
        skbseq.load(tmp_path / "vectorizer.skbseq"),
        clone(fitted).fit(X),
    ):
        np.testing.assert_array_equal(other.transform(X), expected)
        assert other.get_feature_names_out().tolist() == fitted.names_


def test_transform_sets_nothing_and_a_failed_fit_changes_nothing():
    X = pa.table(FRAME)
    fitted = SequenceVectorizer().fit(X)
    before = dict(vars(fitted))
    expected = fitted.transform(X)
    assert vars(fitted).keys() == before.keys()
    with pytest.raises(SequenceFrameError, match="several channels of times"):
        fitted.fit(pa.table({"a": [[MONDAY]], "b": [[MONDAY]]}))
    np.testing.assert_array_equal(fitted.transform(X), expected)
    fitted.fit(np.zeros((2, 2)))
    assert not hasattr(fitted, "feature_names_in_")
    fitted.fit(X)
    np.testing.assert_array_equal(fitted.transform(X), expected)


def test_unfitted():
    with pytest.raises(NotFittedError):
        SequenceVectorizer().transform(pa.table(FRAME))
    with pytest.raises(NotFittedError):
        SequenceVectorizer().get_feature_names_out()


def shop(n=60):
    """Buyers come back to view; the others' last events lie far back."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    rows = []
    for target in y:
        events = [
            (int(m), str(w), int(p), float(m))
            for m, w, p in zip(
                rng.integers(0, 5000, 4),
                rng.choice(["view", "cart"], 4),
                rng.integers(0, 9, 4),
                strict=True,
            )
        ]
        rows.append(make_row(events, 10 if target else 4000))
    return table(rows), y


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(SequenceVectorizer(), HistGradientBoostingClassifier(max_iter=10)),
        make_pipeline(
            SequenceVectorizer(log=True, fill_value=0.0), StandardScaler(), LogisticRegression()
        ),
        make_pipeline(
            SequenceVectorizer(log=True, fill_value=0.0, sparse_output=True),
            MaxAbsScaler(),
            LogisticRegression(),
        ),
    ],
    ids=["boosting", "linear", "sparse"],
)
def test_models_learn_from_it(model):
    X, y = shop()
    assert model.fit(X.slice(0, 40), y[:40]).score(X.slice(40), y[40:]) > 0.9


def test_a_grid_search_chooses_groups():
    X, y = shop()
    model = make_pipeline(SequenceVectorizer(fill_value=0.0), LogisticRegression())
    grid = {"sequencevectorizer__groups": [["profile"], ["recency"]]}
    search = GridSearchCV(model, grid, cv=3).fit(X.to_pandas(), y)
    assert search.best_params_ == {"sequencevectorizer__groups": ["recency"]}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_beside_the_encoder_it_is_context_for_the_network(library):
    pytest.importorskip(library)
    X, _ = shop()
    flat = make_pipeline(SequenceVectorizer(log=True, fill_value=0.0), StandardScaler())
    union = make_union(SequenceEncoder(), flat).set_output(transform=library)
    frame = union.fit_transform(X.to_pandas())
    columns = skbseq._frames.split_sequences(frame)
    schema = InputSchema.of_frame(columns)
    sequences = schema.read_frame(columns)
    assert len(sequences) == X.num_rows
    assert schema.context == [f"pipeline__{name}" for name in flat.get_feature_names_out()]
    np.testing.assert_allclose(sequences.context, flat.transform(X), rtol=1e-6, atol=1e-6)
    assert "sequenceencoder__what" in schema.vocabulary_sizes
