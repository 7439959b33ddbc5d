"""SequenceEncoder against plain formulas: codes, numbers, times, context; and its state."""

import datetime as dt
import math
import pickle
import statistics
from collections import Counter
from contextlib import nullcontext
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split

from skbseq import MarkovChain, SequenceEncoder, _frames, load, save
from skbseq.exceptions import SequenceFrameError, SequenceFrameWarning

MONDAY = dt.datetime(2026, 3, 2)  # a Monday
HOUR = dt.timedelta(hours=1)

FRAME = {
    "user": [7, 8, 9],
    "cutoff": [MONDAY + 100 * HOUR] * 3,
    "what": [["view", "buy"], ["view"], []],
    "product": [[3, None], [3], []],
    "price": [[1.0, 2.0], [None], []],
    "when": [[MONDAY, MONDAY + HOUR], [MONDAY + 5 * HOUR], []],
    "country": ["DE", None, "FR"],
    "age": [30, 40, 50],
}


def one(values, **more):
    """A frame of one row, whose channel `x` holds these values."""
    return pa.table({"x": [values], **more})


def flat(table, name="x"):
    """The values of a list column of an Arrow table, end to end."""
    return table[name].combine_chunks().flatten().to_pylist()


def plain_scale(training, value):
    """The formula of the documentation."""
    if len(training) == 1:
        training = training * 2
    low, median, high = statistics.quantiles(training, n=4, method="inclusive")
    width = high - low or (max(training) - min(training)) / 2 or 1
    return math.asinh(2 * (value - median) / width)


# ------------------------------------------------------------------ codes


def test_codes_run_in_order_of_frequency():
    encoder = SequenceEncoder().fit(one(["b", "a", "c", "c", "b", "c", "d"]))
    assert encoder.categories_["x"].tolist() == ["c", "b", "a", "d"]
    # 0 is padding and never appears, 1 is what fit has not seen.
    assert flat(encoder.transform(one(["c", "b", "a", "d", "e"]))) == [2, 3, 4, 5, 1]


@given(
    values=st.lists(st.sampled_from(["a", "b", "c", "d", None]), min_size=1, max_size=40),
    least=st.integers(1, 5) | st.sampled_from([0.1, 0.3, 0.5]),
    most=st.none() | st.integers(1, 4),
    new=st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), max_size=8),
)
def test_codes_are_those_of_a_plain_count(values, least, most, new):
    encoder = SequenceEncoder(categorical=["x"], min_frequency=least, max_categories=most)
    encoder.fit(one(pa.array(values, pa.string()).to_pylist()))
    counts = Counter(values)
    needed = least * len(values) if isinstance(least, float) else least
    # Ties stand in ascending order, missing last.
    order = sorted(counts, key=lambda value: (-counts[value], value is None, value or ""))
    kept = [value for value in order if counts[value] >= needed][:most]
    assert encoder.categories_["x"].tolist() == kept
    found = flat(encoder.transform(pa.table({"x": pa.array([new], pa.list_(pa.string()))})))
    assert found == [kept.index(value) + 2 if value in kept else 1 for value in new]


def test_what_is_missing_is_a_category():
    encoder = SequenceEncoder().fit(one(["a", None, None]))
    assert encoder.categories_["x"].tolist() == [None, "a"]
    assert flat(encoder.transform(one([None, "a", "b"]))) == [2, 3, 1]
    encoder = SequenceEncoder().fit(one(["a"]))
    assert flat(encoder.transform(one([None, "a"]))) == [1, 2]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False, True, None], [2, 3, 2, 4]),
        ([5, -5, 5], [2, 3, 2]),
        (pa.array([5, 2**64 - 1, 5], pa.uint64()), [2, 3, 2]),
        (pa.array(["b", "a", "b"]).dictionary_encode(), [2, 3, 2]),
        ([MONDAY, MONDAY + HOUR, MONDAY], [2, 3, 2]),
        ([1.5, float("nan"), 1.5, None], [2, 3, 2, 3]),
        ([0.0, -0.0, 1.0], [2, 2, 3]),
        (pa.array(np.float16([1.5, 2.5, 1.5])), [2, 3, 2]),
        (pa.array([None, None]), [2, 2]),
    ],
)
def test_categories_may_be_of_any_type(values, expected):
    values = values if isinstance(values, pa.Array) else pa.array(values)
    table = pa.table({"x": pa.ListArray.from_arrays([0, len(values)], values)})
    assert flat(SequenceEncoder(categorical=["x"]).fit_transform(table)) == expected


def test_codes_are_int32_and_numbers_float32():
    encoded = SequenceEncoder(context=["age"]).fit_transform(pa.table(FRAME))
    types = {str(field.type) for field in encoded.schema}
    assert types == {"list<item: int32>", "list<item: float>", "float"}


def test_the_order_of_rows_does_not_matter():
    table = pa.table({"x": [["a"], ["b", "c"], ["c", "b"], ["d"]]})
    one_way, other = SequenceEncoder().fit(table), SequenceEncoder().fit(table.take([3, 1, 0, 2]))
    assert one_way.categories_["x"].tolist() == other.categories_["x"].tolist()


@pytest.mark.parametrize("context", [False, True])
def test_an_unknown_category_can_be_an_error(context):
    table = pa.table({"x": [["a", "b"], ["a"]], "c": ["a", "b"]})
    options = {"context": ["c"]} if context else {}
    encoder = SequenceEncoder(handle_unknown="error", **options).fit(table)
    encoder.transform(table)
    name = "c" if context else "x"
    new = pa.table({"x": [["a"], ["b", "e"]], "c": ["a", "e"]})
    if context:
        new = new.set_column(0, "x", table["x"])
    with pytest.raises(
        SequenceFrameError, match=f"Row 1 of '{name}' holds 'e', which is not in the vocabulary"
    ):
        encoder.transform(new)


@pytest.mark.parametrize(
    ("fitted", "given", "message"),
    [
        (["a"], [1], "values of 'x' do not match its vocabulary: integer .* string"),
        ([1], ["a"], "values of 'x' do not match its vocabulary: string .* integer"),
        ([True], [1], "values of 'x' do not match its vocabulary"),
        ([1.5], ["a"], "'x' holds string values, which are not numbers"),
        ([MONDAY], [1], "'x' holds integer values, which are not times"),
        ([MONDAY], ["soon"], "'x' holds 'soon' in row 0, which is not a time"),
        ([2**53 + 1], [2.0**53], "values of 'x' do not match its vocabulary.*compared exactly"),
    ],
)
def test_a_channel_of_another_type_at_transform_is_refused(fitted, given, message):
    encoder = SequenceEncoder().fit(one(fitted))
    with pytest.raises(SequenceFrameError, match=message):
        encoder.transform(one(given))


def test_integers_may_come_back_as_floats():
    # As they do in pandas once one of them is missing.
    encoder = SequenceEncoder().fit(one([1, 2, 2]))
    assert flat(encoder.transform(one([2.0, 1.0, 1.5, None]))) == [2, 3, 1, 1]
    assert flat(encoder.transform(one(pa.array([2, 1], pa.int8()).to_pylist()))) == [2, 3]


# ------------------------------------------------------------------ numbers

NUMBERS = st.floats(-1e6, 1e6, width=32)


@given(values=st.lists(NUMBERS, min_size=1, max_size=30), new=st.lists(NUMBERS, max_size=10))
def test_numbers_are_scaled_by_the_formula(values, new):
    encoder = SequenceEncoder().fit(one(values))
    table = pa.table({"x": pa.array([new], pa.list_(pa.float64()))})
    expected = [plain_scale(values, value) for value in new]
    assert flat(encoder.transform(table)) == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_outliers_do_not_run_away_and_keep_their_order(values):
    scaled = flat(SequenceEncoder().fit_transform(one(values)))
    assert np.isfinite(scaled).all() and np.abs(scaled).max() < 700
    assert (np.diff(np.array(scaled)[np.argsort(values)]) >= 0).all()


def test_an_outlier_does_not_set_the_scale():
    calm = flat(SequenceEncoder().fit_transform(one([1.0, 2.0, 3.0, 4.0, 5.0])))
    wild = flat(SequenceEncoder().fit_transform(one([1.0, 2.0, 3.0, 4.0, 5e9])))
    assert wild[:4] == calm[:4] and 20 < wild[4] < 25


def test_where_the_quartiles_are_equal_the_range_sets_the_scale():
    scaled = flat(SequenceEncoder().fit_transform(one([0.0] * 8 + [4.0])))
    assert scaled == pytest.approx([0] * 8 + [math.asinh(4)])
    assert flat(SequenceEncoder().fit_transform(one([3.0, 3.0]))) == [0, 0]


def test_missing_numbers_are_the_median_and_flagged():
    encoder = SequenceEncoder().fit(one([1.0, None, 3.0, float("nan")]))
    encoded = encoder.transform(one([None, 2.0, float("nan"), 3.0]))
    assert encoded.column_names == ["x", "x_missing"]
    assert flat(encoded)[:3] == [0, 0, 0] and flat(encoded)[3] > 0
    assert flat(encoded, "x_missing") == [1, 0, 1, 0]
    assert flat(encoder.transform(one([1.0])), "x_missing") == [0]


def test_numbers_missing_at_transform_only_are_warned_of():
    table = pa.table({"x": [[1.0, 2.0], [3.0], []], "c": [1.0, 2.0, 3.0]})
    encoder = SequenceEncoder(context=["c"]).fit(table)
    new = pa.table({"x": [[1.0], [2.0, None], []], "c": [1.0, 2.0, None]})
    with pytest.warns(UserWarning) as caught:
        encoded = encoder.transform(new)
    assert encoded.column_names == ["x", "c"]
    assert flat(encoded)[2] == encoded["c"].to_pylist()[2] == 0
    for warning, name, row in zip(caught, "xc", (1, 2), strict=True):
        assert str(warning.message) == (
            f"1 values of '{name}' are missing, the first in row {row}, but none were at fit: "
            "they are treated as the median."
        )
        assert warning.filename == __file__


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinity_is_refused(infinity):
    table = pa.table({"x": [[1.0], [2.0, infinity]], "c": [1.0, 2.0]})
    with pytest.raises(SequenceFrameError, match="Row 1 of 'x' holds an infinite value"):
        SequenceEncoder().fit(table)
    encoder = SequenceEncoder().fit(table.slice(0, 1))
    with pytest.raises(SequenceFrameError, match="Row 1 of 'x' holds an infinite value"):
        encoder.transform(table)
    context = pa.table({"x": [[1.0]] * 3, "c": [1.0, 2.0, infinity]})
    with pytest.raises(SequenceFrameError, match="Row 2 of 'c' holds an infinite value"):
        SequenceEncoder(context=["c"]).fit(context)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2, 3], pa.int16()),
        pa.array([True, False, True]),
        pa.array(np.float16([1.5, 2.5, 3.5])),
        pa.array([1, 2, 3], pa.decimal128(6, 2)),
    ],
)
def test_what_can_be_a_number_can_be_told_to_be_one(values):
    table = pa.table({"x": pa.ListArray.from_arrays([0, 3], values)})
    plain = [float(value) for value in values.to_pylist()]
    found = flat(SequenceEncoder(numeric=["x"]).fit_transform(table))
    assert found == pytest.approx([plain_scale(plain, value) for value in plain])


def test_a_channel_without_a_value():
    for values in ([None, None], []):
        table = pa.table({"x": [values], "y": [[1] * len(values)]})
        empty = nullcontext() if values else pytest.warns(SequenceFrameWarning, match="None of")
        with empty:
            codes = SequenceEncoder().fit_transform(table)
            numbers = SequenceEncoder(numeric=["x"]).fit_transform(table)
        assert flat(codes) == [2] * len(values)
        assert flat(numbers) == [0] * len(values)


# ------------------------------------------------------------------ times


def plain_time_features(rows, cutoffs, zone):
    """Features by name, unscaled spans in log(1 + seconds), by loops over datetimes."""
    found = {name: [] for name in ("gap", "age", "hour_sin", "hour_cos", "week_sin", "week_cos")}
    for moments, cutoff in zip(rows, cutoffs, strict=True):
        for i, moment in enumerate(moments):
            gap = (moment - moments[i - 1]).total_seconds() if i else 0
            local = moment.astimezone(zone).replace(tzinfo=None) if zone else moment
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
            day = (local - midnight).total_seconds() / 86_400
            week = (local.weekday() + day) / 7
            found["gap"].append(math.log1p(gap))
            found["age"].append(math.log1p((cutoff - moment).total_seconds()))
            found["hour_sin"].append(math.sin(2 * math.pi * day))
            found["hour_cos"].append(math.cos(2 * math.pi * day))
            found["week_sin"].append(math.sin(2 * math.pi * week))
            found["week_cos"].append(math.cos(2 * math.pi * week))
    return found


# Up to 2035: Arrow 16 knows no summer time after 2037.
SECONDS = st.lists(st.integers(-(10**9), 3 * 10**8), max_size=6).map(sorted)


@given(
    rows=st.lists(SECONDS, min_size=1, max_size=4).filter(any),
    zone=st.sampled_from([None, "UTC", "Europe/Berlin", "America/St_Johns"]),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
)
def test_time_features_are_those_of_a_plain_loop(rows, zone, unit):
    start = MONDAY.replace(tzinfo=dt.UTC) if zone else MONDAY
    rows = [[start + dt.timedelta(seconds=s) for s in row] for row in rows]
    cutoffs = [max(row, default=start) + 3 * HOUR for row in rows]
    kind = pa.timestamp(unit, tz=zone)
    table = pa.table({"t": pa.array(rows, pa.list_(kind)), "cutoff": pa.array(cutoffs, kind)})
    encoded = SequenceEncoder().fit_transform(table)
    plain = plain_time_features(rows, cutoffs, ZoneInfo(zone) if zone else None)
    for name in ("gap", "age"):
        plain[name] = [plain_scale(plain[name], value) for value in plain[name]]
    assert encoded.column_names == [
        f"t_{name}"
        for name in ("gap", "age", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos")
    ]
    for column, expected in zip(encoded.column_names, plain.values(), strict=True):
        assert flat(encoded, column) == pytest.approx(expected, rel=1e-4, abs=1e-4), column


def test_time_features_by_hand():
    rows = [[MONDAY, MONDAY + 6 * HOUR, MONDAY + 84 * HOUR]]
    encoder = SequenceEncoder(time_features=("hour", "weekday"))
    encoded = encoder.fit_transform(pa.table({"t": rows}))
    assert flat(encoded, "t_hour_sin") == pytest.approx([0, 1, 0], abs=1e-6)
    assert flat(encoded, "t_hour_cos") == pytest.approx([1, 0, -1], abs=1e-6)
    # Monday 00:00 is the top of the week's circle, Thursday 12:00 its bottom.
    assert flat(encoded, "t_weekday_sin") == pytest.approx(
        [0, math.sin(math.pi / 14), 0], abs=1e-6
    )
    assert flat(encoded, "t_weekday_cos") == pytest.approx(
        [1, math.cos(math.pi / 14), -1], abs=1e-6
    )


def test_the_hour_is_that_of_the_zone_seen_at_fit():
    noon = MONDAY.replace(hour=12, tzinfo=dt.UTC)
    berlin = pa.table({"t": pa.array([[noon]], pa.list_(pa.timestamp("us", "Europe/Berlin")))})
    utc = pa.table({"t": pa.array([[noon]], pa.list_(pa.timestamp("us", "UTC")))})
    encoder = SequenceEncoder(time_features=("hour",)).fit(berlin)
    expected = pytest.approx([math.cos(2 * math.pi * 13 / 24)], abs=1e-6)
    assert flat(encoder.transform(berlin), "t_hour_cos") == expected
    assert flat(encoder.transform(utc), "t_hour_cos") == expected


@pytest.mark.parametrize(
    "rows",
    [
        [["2026-03-02", "2026-03-02 06:00"]],
        pa.array([["2026-03-02T00:00Z", "2026-03-02T08:00+02:00"]]),
        pa.array([[MONDAY, MONDAY + 6 * HOUR]], pa.list_(pa.timestamp("us", "+00:00"))),
    ],
)
def test_times_may_be_strings_and_dates(rows):
    encoded = SequenceEncoder(time=["t"]).fit_transform(pa.table({"t": rows}))
    assert flat(encoded, "t_hour_sin") == pytest.approx([0, 1], abs=1e-6)
    dates = pa.table({"t": [[dt.date(2026, 3, 2), dt.date(2026, 3, 3)]]})
    encoded = SequenceEncoder().fit_transform(dates)
    assert flat(encoded, "t_hour_cos") == [1, 1]


def test_time_features_are_chosen():
    table = pa.table({"t": [[MONDAY]], "cutoff": [MONDAY]})
    encoder = SequenceEncoder(time_features=["weekday", "age"]).fit(table)
    names = ["t_weekday_sin", "t_weekday_cos", "t_age"]
    assert encoder.get_feature_names_out().tolist() == names
    assert encoder.transform(table).column_names == names


def test_without_a_cutoff_there_is_no_age():
    table = pa.table({"t": [[MONDAY]], "end": [MONDAY]})
    assert "t_age" not in SequenceEncoder().fit(table).get_feature_names_out()
    assert "t_age" in SequenceEncoder(cutoff="end").fit(table).get_feature_names_out()


ZONED = MONDAY.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"t": [[], [MONDAY, None]], "cutoff": [MONDAY] * 2},
            "Row 1 of 't' holds a missing time",
        ),
        (
            {"t": [[MONDAY], [MONDAY + HOUR, MONDAY]], "cutoff": [MONDAY + HOUR] * 2},
            "Row 1 of 't' goes back in time; order the events of a row oldest first",
        ),
        (
            {"t": [[MONDAY], [MONDAY]], "cutoff": [MONDAY, MONDAY - dt.timedelta(microseconds=1)]},
            "Row 1 of 't' holds an event after its cutoff, which leaks the future",
        ),
        (
            {"t": pa.array([[2**62]], pa.list_(pa.timestamp("s"))), "cutoff": [MONDAY]},
            "'t' cannot be read as times: .* out of bounds",
        ),
        ({"t": [[MONDAY]]}, "no ordinary column 'cutoff', which gave the time to the cutoff"),
        ({"t": [[MONDAY], []], "cutoff": [MONDAY, None]}, "Row 1 of 'cutoff' is missing"),
        ({"t": [[MONDAY]], "cutoff": ["soon"]}, "'cutoff' holds 'soon' in row 0, which is not a"),
        ({"t": [[MONDAY]], "cutoff": [5]}, "'cutoff' holds integer values, which are not times"),
        ({"t": [[MONDAY]], "cutoff": [ZONED]}, "cutoffs have a time zone and the events have no"),
        ({"t": [[ZONED]], "cutoff": [ZONED]}, "times of 't' have a time zone but had none at fit"),
    ],
)
def test_times_that_are_not_fit_are_refused(columns, message):
    encoder = SequenceEncoder().fit(pa.table({"t": [[MONDAY, MONDAY]], "cutoff": [MONDAY]}))
    with pytest.raises(SequenceFrameError, match=message):
        encoder.transform(pa.table(columns))
    if "cutoff" in columns and "at fit" not in message:
        with pytest.raises(SequenceFrameError, match=message):
            SequenceEncoder().fit(pa.table(columns))


def test_an_event_at_the_cutoff_and_two_at_once_are_fine():
    table = pa.table({"t": [[MONDAY, MONDAY]], "cutoff": [MONDAY]})
    assert flat(SequenceEncoder().fit_transform(table), "t_age") == [0, 0]


def test_a_cutoff_of_another_unit_is_compared_exactly():
    late = pa.array([MONDAY], pa.timestamp("ns")).cast(pa.int64()).to_pylist()[0] + 1
    events = pa.array([[late]], pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("ns")))
    with pytest.raises(SequenceFrameError, match="Row 0 of 't' holds an event after its cutoff"):
        SequenceEncoder().fit(pa.table({"t": events, "cutoff": [MONDAY]}))


# ------------------------------------------------------------------ max_length


def test_max_length_keeps_the_last_events():
    table = pa.table(
        {
            "x": [["a", "b", "c"], [], ["a"]],
            "t": [[MONDAY, MONDAY + HOUR, MONDAY + 3 * HOUR], [], [MONDAY]],
        }
    )
    encoder = SequenceEncoder().fit(table)
    whole = encoder.transform(table)
    for length in (1, 2, 3, 9):
        short = encoder.set_params(max_length=length).transform(table)
        for name in whole.column_names:
            # Also the gap of the first event that is kept is the one to the event before it.
            assert short[name].to_pylist() == [row[-length:] for row in whole[name].to_pylist()]


def test_what_max_length_cuts_off_teaches_nothing():
    rows = {
        "x": [["old", "old", "old", "a"], ["b"], []],
        "n": [[1e9, None, 1.0, 2.0], [4.0], []],
        "t": [[MONDAY, MONDAY, MONDAY, MONDAY + HOUR], [MONDAY + 2 * HOUR], []],
        "cutoff": [MONDAY + 9 * HOUR, MONDAY + 5 * HOUR, MONDAY],
    }
    cut = {name: [row[-1:] for row in rows[name]] for name in "xnt"} | {"cutoff": rows["cutoff"]}
    encoder = SequenceEncoder(max_length=1, time_features=("age", "hour")).fit(pa.table(rows))
    assert encoder.categories_["x"].tolist() == ["a", "b"]
    assert encoder.get_feature_names_out().tolist()[:2] == ["x", "n"]  # and no n_missing
    other = SequenceEncoder(time_features=("age", "hour")).fit(pa.table(cut))
    expected = other.transform(pa.table(cut)).to_pylist()
    assert encoder.transform(pa.table(rows)).to_pylist() == expected
    # The gap of an event that is kept is still the one to the event before it.
    gaps = SequenceEncoder(max_length=1, time_features=("gap",)).fit_transform(pa.table(rows))
    spans = [math.log1p(3600), 0]
    assert flat(gaps, "t_gap") == pytest.approx([plain_scale(spans, s) for s in spans])
    # Nor is what is cut off an error, unless the order of the times is at stake.
    SequenceEncoder(max_length=1).fit(pa.table(rows | {"n": [[np.inf, 1, 1, 2.0], [4.0], []]}))
    backwards = [[MONDAY + HOUR, MONDAY, MONDAY + HOUR, MONDAY + HOUR], rows["t"][1], []]
    with pytest.raises(SequenceFrameError, match="Row 0 of 't' goes back in time"):
        encoder.set_params(time_features=("gap",)).fit(pa.table(rows | {"t": backwards}))


def test_errors_name_the_row_also_where_histories_are_cut():
    table = pa.table({"x": [[1.0, 2.0, 3.0], [], [4.0, 5.0, np.inf]]})
    with pytest.raises(SequenceFrameError, match="Row 2 of 'x' holds an infinite value"):
        SequenceEncoder(max_length=2).fit(table)


# ------------------------------------------------------------------ context


def test_context_numbers_and_categories():
    table = pa.table(
        {
            "x": [["a"]] * 4,
            "size": [1.0, 2.0, None, 4.0],
            "country": ["DE", "FR", None, "DE"],
            "member": [True, False, None, True],
            "nothing": pa.nulls(4),
            "age": [30, 40, 50, 60],
        }
    )
    context = ["member", "size", "country", "nothing", "age"]
    encoder = SequenceEncoder(context=context).fit(table)
    encoded = encoder.transform(table)
    names = [
        *("x", "member_unknown", "member_True", "member_False", "member_missing"),
        *("size", "size_missing", "country_unknown", "country_DE", "country_FR"),
        *("country_missing", "nothing_unknown", "nothing_missing", "age"),
    ]
    assert encoded.column_names == encoder.get_feature_names_out().tolist() == names
    assert encoded["country_DE"].to_pylist() == [1, 0, 0, 1]
    assert encoded["country_missing"].to_pylist() == encoded["size_missing"].to_pylist()
    assert encoded["country_missing"].to_pylist() == [0, 0, 1, 0]
    assert encoded["nothing_missing"].to_pylist() == [1] * 4
    assert encoded["size"].to_pylist()[2] == 0
    ages = table["age"].to_pylist()
    assert encoded["age"].to_pylist() == pytest.approx([plain_scale(ages, a) for a in ages])
    new = table.slice(0, 1).set_column(2, "country", pa.array(["IT"]))
    found = encoder.transform(new)
    assert found["country_unknown"].to_pylist() == [1] and found["country_DE"].to_pylist() == [0]


def test_rare_context_categories_are_unknown():
    table = pa.table({"x": [["a"]] * 3, "country": ["DE", "FR", "DE"]})
    encoded = SequenceEncoder(context=["country"], min_frequency=2).fit_transform(table)
    assert encoded.column_names == ["x", "country_unknown", "country_DE"]
    assert encoded["country_unknown"].to_pylist() == [0, 1, 0]


def test_categories_called_unknown_and_missing_have_columns_of_their_own():
    table = pa.table({"x": [["a"]] * 3, "c": ["unknown", "missing", None]})
    encoded = SequenceEncoder(context=["c"]).fit_transform(table)
    assert encoded.column_names == ["x", "c_unknown_", "c_missing", "c_unknown", "c_missing_"]
    assert [sum(encoded[name].to_pylist()) for name in encoded.column_names[1:]] == [0, 1, 1, 1]


def test_ordinary_columns_are_used_only_if_named():
    assert SequenceEncoder().fit_transform(pa.table(FRAME)).column_names == [
        *("what", "product", "price", "price_missing"),
        *(f"when_{name}" for name in ("gap", "age", "hour_sin", "hour_cos")),
        *("when_weekday_sin", "when_weekday_cos"),
    ]


# ------------------------------------------------------------------ which channels


def test_channels_are_told():
    table = pa.table({"a": [["1", "2"]], "b": [[1, 2]], "c": [[1.0, 2.0]], "d": [[MONDAY] * 2]})

    def names(**told):
        return SequenceEncoder(time_features=("gap",), **told).fit_transform(table).column_names

    assert names() == ["a", "b", "c", "d_gap"]
    assert names(numeric=["b"]) == ["a", "b", "d_gap"]
    assert names(categorical=("b", "c")) == ["b", "c", "d_gap"]
    assert names(categorical=[], time=[]) == ["c"]
    assert names(categorical=["d"], numeric=[], time=[]) == ["d"]


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        (
            {"categorical": ["z"]},
            SequenceFrameError,
            "no list column 'z', which categorical= need",
        ),
        ({"numeric": ["z"]}, SequenceFrameError, "no list column 'z', which numeric= needs"),
        ({"time": ["age"]}, SequenceFrameError, "no list column 'age', which time= needs; the"),
        ({"context": ["what"]}, SequenceFrameError, "no ordinary column 'what', which context="),
        ({"context": ["z"]}, SequenceFrameError, "ordinary columns are 'user', 'cutoff', 'count"),
        (
            {"categorical": ["price"], "numeric": ["price"]},
            ValueError,
            "Column 'price' is named twice: in categorical= and in numeric=",
        ),
        ({"context": ["age", "age"]}, ValueError, "Column 'age' is named twice: in context= and"),
        ({"numeric": ["what"]}, SequenceFrameError, "'what' holds string values, which are not n"),
        ({"numeric": ["when"]}, SequenceFrameError, "'when' holds timestamp values, which are no"),
        ({"time": ["product"]}, SequenceFrameError, "'product' holds integer values, which are"),
        ({"time": ["what"]}, SequenceFrameError, "'what' holds 'view' in row 0, which is not a t"),
        ({"context": ["cutoff"]}, SequenceFrameError, "Context column 'cutoff' holds timestamp"),
        (
            {"categorical": [], "numeric": [], "time": []},
            SequenceFrameError,
            "No channel is left to encode: .* and vector name none of 'what', 'product', 'pri",
        ),
        (
            {"categorical": [], "numeric": [], "time_features": ()},
            SequenceFrameError,
            r"Nothing is left to encode: time_features=\(\)",
        ),
        (
            {"time_features": ("gap", "minute")},
            ValueError,
            "gap, age, hour, weekday; got 'minute'",
        ),
        ({"time_features": ("gap", "gap")}, SequenceFrameError, "would be called 'when_gap'"),
    ],
)
def test_what_is_told_is_checked(told, error, message):
    encoder = SequenceEncoder(**told)
    with pytest.raises(error, match=message):
        encoder.fit(pa.table(FRAME))
    with pytest.raises(NotFittedError):
        encoder.transform(pa.table(FRAME))


def test_two_columns_of_one_name_cannot_come_out():
    table = pa.table({"price": [[1.0, None]], "price_missing": [["yes", "no"]]})
    with pytest.raises(SequenceFrameError, match="would be called 'price_missing'"):
        SequenceEncoder().fit(table)


def test_lists_that_cannot_be_encoded_are_refused_or_left_out():
    table = pa.table({"a": [["x"]], "b": pa.array([[1]], pa.list_(pa.duration("s")))})
    with pytest.raises(SequenceFrameError, match="Column 'b' holds lists of duration values"):
        SequenceEncoder().fit(table)
    told = SequenceEncoder(categorical=["a"], numeric=[], time=[])
    assert told.fit_transform(table).column_names == ["a"]


# ------------------------------------------------------------------ state


def test_a_refit_leaves_nothing_of_the_former_one():
    table, array = pa.table(FRAME), np.ones((3, 4))
    encoder = SequenceEncoder()
    for X in (table, array, table, np.ones((3, 2, 2)), [["a"], []], array):
        fresh = SequenceEncoder().fit(X)
        encoder.fit(X)
        assert vars(encoder).keys() == vars(fresh).keys()
        assert encoder.get_feature_names_out().tolist() == fresh.get_feature_names_out().tolist()
        assert encoder.categories_.keys() == fresh.categories_.keys()


@pytest.mark.parametrize("first", [pa.table(FRAME), np.arange(6.0).reshape(2, 3)])
def test_a_failed_fit_leaves_the_encoder_as_it_was(first):
    encoder = SequenceEncoder()
    bad = pa.table({"a": [["b"]] * 2, "x": [[1.0], [np.inf]]})
    with pytest.raises(SequenceFrameError, match="Row 1 of 'x' holds an infinite value"):
        encoder.fit(bad)
    with pytest.raises(NotFittedError):
        encoder.transform(first)
    before = pickle.dumps(encoder.fit(first).transform(first))
    with pytest.raises(SequenceFrameError, match="Row 1 of 'x' holds an infinite value"):
        encoder.fit(bad)
    assert pickle.dumps(encoder.transform(first)) == before


def test_another_form_at_transform_is_refused():
    table, array = pa.table(FRAME), np.ones((3, 4))
    with pytest.raises(
        SequenceFrameError, match="fitted on a sequence frame with the channels 'wh"
    ):
        SequenceEncoder().fit(table).transform(array)
    with pytest.raises(
        SequenceFrameError, match="fitted on an array of 2 dimensions; got a Table"
    ):
        SequenceEncoder().fit(array).transform(table)
    with pytest.raises(SequenceFrameError, match="fitted on an array of 2 dimensions; got a list"):
        SequenceEncoder().fit(array).transform([[1, 2], [1]])


def test_an_unfitted_encoder_says_so():
    encoder = SequenceEncoder()
    for ask in (lambda: encoder.transform(pa.table(FRAME)), encoder.get_feature_names_out):
        with pytest.raises(NotFittedError, match="SequenceEncoder instance is not fitted yet"):
            ask()
    assert not hasattr(encoder, "categories_")


def test_transform_changes_nothing():
    frame = pd.DataFrame(FRAME)
    before = frame.copy(deep=True)
    encoder = SequenceEncoder(context=["country"]).fit(frame)
    state = pickle.dumps(encoder)
    encoder.transform(frame)
    assert pickle.dumps(encoder) == state
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("X", [pa.table(FRAME), np.ones((3, 4)), [["a"], ["b", "c"]]])
def test_clones_and_pickles(X):
    encoder = SequenceEncoder(min_frequency=1, max_length=5)
    fitted = clone(encoder).fit(X)
    other = pickle.loads(pickle.dumps(fitted))
    first, second = fitted.transform(X), other.transform(X)
    same = np.array_equal(first, second) if isinstance(X, np.ndarray) else first.equals(second)
    assert same
    assert clone(fitted).get_params() == encoder.get_params()
    assert not vars(clone(fitted)).keys() - vars(encoder).keys()


def test_parameters_are_set():
    encoder = SequenceEncoder().set_params(max_categories=1, cutoff="end")
    assert encoder.get_params()["max_categories"] == 1 and encoder.get_params()["cutoff"] == "end"
    assert SequenceEncoder().get_params()["time_features"] == ("gap", "age", "hour", "weekday")
    assert flat(encoder.fit_transform(one(["a", "b", "a"]))) == [2, 1, 2]
    with pytest.raises(ValueError, match="Invalid parameter 'depth'"):
        encoder.set_params(depth=3)


@pytest.mark.parametrize(
    "parameters",
    [
        {"min_frequency": 0},
        {"min_frequency": 1.5},
        {"max_categories": 0},
        {"hash_buckets": 0},
        {"text": "what"},
        {"vector": "what"},
        {"text_size": 0},
        {"random_state": "x"},
        {"handle_unknown": "ignore"},
        {"max_length": 0},
        {"categorical": "what"},
        {"cutoff": None},
    ],
)
def test_parameters_are_checked(parameters):
    name = next(iter(parameters))
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SequenceEncoder must be"):
        SequenceEncoder(**parameters).fit(pa.table(FRAME))


# ------------------------------------------------------------------ marks


def events(n=30, seed=0, products="abc"):
    rng = np.random.default_rng(seed)
    product = [rng.choice(list(products), rng.integers(1, 5)).tolist() for _ in range(n)]
    return pa.table({"product": product, "price": [rng.random(len(p)).tolist() for p in product]})


def mark_of(table, name="product"):
    return _frames.split_sequences(table).lists[name].fingerprint


def test_fingerprints_in_files_of_earlier_versions_are_read():
    field = pa.field("item", pa.int32(), metadata={b"skbseq.mark": b"0123"})
    table = pa.table({"x": pa.array([[2]], pa.list_(field))})
    assert _frames.split_sequences(table).lists["x"].fingerprint == "0123"


def test_a_channel_is_marked_by_what_its_encoder_learnt(tmp_path):
    X = events()
    encoder = SequenceEncoder().fit(X)
    mark = mark_of(encoder.transform(X))
    assert mark and mark != mark_of(encoder.transform(X), "price")
    save(encoder, tmp_path / "encoder.skbseq")
    for alike in (
        clone(encoder).fit(X),
        clone(encoder).fit(X.to_pandas()),  # of objects
        pickle.loads(pickle.dumps(encoder)),
        load(tmp_path / "encoder.skbseq"),
    ):
        assert mark_of(alike.transform(X)) == mark
    for other in (events(products="abd"), events(products="cba", seed=3), events(n=31)):
        found = SequenceEncoder().fit(other).transform(X)
        assert mark_of(found) != mark or mark_of(found, "price") != mark_of(
            encoder.transform(X), "price"
        )


def test_a_mark_stays_with_its_column(tmp_path):
    X = events()
    encoder = SequenceEncoder().fit(X)
    mark = encoder._marks["product"]
    table = encoder.transform(X)
    pq.write_table(table, tmp_path / "encoded.parquet")
    for kept in (
        table.take([3, 1]),
        table.filter(pa.array([True, False] * 15)),
        pq.read_table(tmp_path / "encoded.parquet"),
    ):
        assert mark_of(kept) == mark
    frame = clone(encoder).set_output(transform="pandas").fit(X).transform(X)
    for kept in (
        frame,
        frame.iloc[[3, 1]],
        frame[frame.index > 3].sample(frac=1),
        frame.rename(columns={"price": "cost"}),
        pd.concat([frame, frame]),
        pickle.loads(pickle.dumps(frame)),
        train_test_split(frame, random_state=0)[0],
    ):
        assert mark_of(kept) == mark


@pytest.mark.parametrize("options", [{"text": ["product"]}, {"vector": ["two"]}, {}], ids=str)
def test_every_kind_of_channel_is_marked(options):
    X = events().to_pandas()
    X["time"] = [[pd.Timestamp("2026-01-01")] * len(row) for row in X["product"]]
    X["two"] = [[[1.0, float(i)] for i in range(len(row))] for row in X["product"]]
    columns = _frames.split_sequences(SequenceEncoder(**options).fit_transform(X))
    assert {column.fingerprint is None for column in columns.lists.values()} == {False}


@pytest.mark.parametrize("make", [pd.DataFrame, pa.table])
def test_codes_are_not_encoded_again(make):
    X = make({"page": [["1", "2"], ["2", "3"]]})
    encoder = SequenceEncoder().fit(X)
    codes = encoder.transform(X)
    chain = MarkovChain().fit(X)
    for call in (encoder.transform, chain.predict, MarkovChain().fit):
        with pytest.raises(SequenceFrameError, match="'page' hold what a SequenceEncoder made"):
            call(codes)
