"""Types of columns come out as they went in, in every library, and across files of one log."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_files import save

from skbseq import EventLog, SequenceEncoder, SequenceVectorizer
from skbseq.exceptions import InvalidLogError, SequenceFrameError

ROLES = {"user": "who", "time": "when"}
MOMENT = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2090, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)
WORD = st.text("abc07 é李", max_size=4)
TYPES = {
    **{t: (st.integers(-100, 100), pa.type_for_alias(t)) for t in ("int8", "int16", "int32")},
    "int64": (st.integers(-(2**63), 2**63 - 1), pa.int64()),
    **{t: (st.integers(0, 200), pa.type_for_alias(t)) for t in ("uint8", "uint16", "uint32")},
    "uint64": (st.integers(0, 2**64 - 1), pa.uint64()),
    "bool": (st.booleans(), pa.bool_()),
    "float32": (st.floats(width=32, allow_nan=False), pa.float32()),
    "float64": (st.floats(allow_nan=False), pa.float64()),
    "string": (WORD, pa.string()),
    "large_string": (WORD, pa.large_string()),
    "categorical": (WORD, pa.dictionary(pa.int32(), pa.string())),
    "binary": (st.binary(max_size=3), pa.binary()),
    "date": (st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)), pa.date32()),
    **{f"timestamp {u}": (MOMENT, pa.timestamp(u)) for u in ("s", "ms", "us", "ns")},
    "zoned": (MOMENT, pa.timestamp("us", "Europe/Berlin")),
    "duration": (st.integers(0, 10**6).map(lambda s: dt.timedelta(seconds=s)), pa.duration("us")),
    "time": (st.times().map(lambda t: t.replace(fold=0)), pa.time64("us")),
    "decimal": (st.integers(-999, 999).map(lambda i: Decimal(i) / 100), pa.decimal128(6, 2)),
    "list": (st.lists(st.integers(0, 9), max_size=2), pa.list_(pa.int64())),
    "list of strings": (st.lists(WORD, max_size=2), pa.list_(pa.string())),
}


def pandas_frame(table):
    """A pandas table as users have it: nullable types where integers or booleans are missing."""
    frame = table.to_pandas()
    for field in table.schema:
        kind = field.type
        whole = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
        if whole and table[field.name].null_count:
            frame[field.name] = pd.array(table[field.name].to_pylist(), _nullable(kind))
        if pa.types.is_list(kind):
            frame[field.name] = pd.arrays.ArrowExtensionArray(table[field.name])
    return frame


def _nullable(kind):
    name = str(kind)
    return "boolean" if name == "bool" else name.replace("i", "I", 1).replace("uI", "UI")


@given(st.data(), st.sampled_from(sorted(TYPES)), st.booleans())
# The fixture only names a library.
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_log_of_its_own_table_is_the_same(frame_lib, data, name, missing):
    cell, kind = TYPES[name]
    values = data.draw(st.lists(cell | st.none() if missing else cell, min_size=1, max_size=5))
    table = pa.table(
        {
            "who": pa.array(range(len(values))),
            "when": [dt.datetime(2026, 1, 1)] * len(values),
            "x": pa.array(values, kind),
        }
    )
    native = pandas_frame(table) if frame_lib.name == "pandas" else frame_lib.make(table)
    log = EventLog(native, **ROLES)
    out = log.to_frame()
    assert type(out) is type(native)
    again = EventLog(out, **ROLES)
    assert again._table["x"].to_pylist() == log._table["x"].to_pylist() == table["x"].to_pylist()
    assert again.to_frame().equals(out)


@pytest.mark.parametrize("dtype", ["int8", "uint64", "int64", "bool"])
def test_pandas_types_change_only_where_values_are_missing(dtype):
    values = [2**63, 1] if dtype == "uint64" else [1, 0]
    frame = pd.DataFrame({"who": [1, 2], "when": pd.to_datetime(["2026-01-01"] * 2)})
    frame["x"] = np.array(values, dtype)
    assert EventLog(frame, **ROLES).to_frame()["x"].dtype == dtype
    frame["x"] = pd.array([values[0], None], _nullable(pa.type_for_alias(dtype)))
    out = EventLog(frame, **ROLES).to_frame()["x"]
    assert out.dtype == frame["x"].dtype
    assert out.tolist()[0] == values[0] and out.isna().tolist() == [False, True]


def test_long_ids_beside_a_missing_one_are_ids(tmp_path):
    text = "who,when,order\n1,2026-01-01,123456789012345678\n1,2026-01-02,\n"
    log = EventLog(save(tmp_path, "a.csv", text), **ROLES).clean()
    assert log.to_frame()["order"].tolist()[0] == 123456789012345678
    assert log.to_frame()["order"].dtype == "Int64"


# ------------------------------------------------------------------ between fit and transform


def encoded(encoder, values):
    return encoder.transform(pa.table({"x": [values]}))["x"].to_pylist()[0]


TEXT = ["22423", "85123A", "7", "22423", None]
HASHED = {"max_categories": 1, "hash_buckets": 7}


@pytest.mark.parametrize("options", [{}, HASHED])
@pytest.mark.parametrize("dtype", [pa.int64(), pa.int8(), pa.uint64(), pa.float64()])
def test_integers_are_found_among_strings(options, dtype):
    encoder = SequenceEncoder(**options).fit(pa.table({"x": [TEXT]}))
    found = pa.array([7, 99, None, 7], dtype)
    column = pa.ListArray.from_arrays(pa.array([0, 4], pa.int32()), found)
    result = encoder.transform(pa.table({"x": column}))["x"].to_pylist()[0]
    assert result == encoded(encoder, ["7", "99", None, "7"])
    large = pa.array([[22423]], pa.list_(pa.int32()))
    result = encoder.transform(pa.table({"x": large}))["x"].to_pylist()[0]
    assert result == encoded(encoder, ["22423"])


@pytest.mark.parametrize("options", [{}, HASHED])
@pytest.mark.parametrize("values", [[7, 22423, 7, 5], [7.0, 22423.0, None, 7.0]])
def test_strings_are_found_among_numbers(options, values):
    encoder = SequenceEncoder(categorical=["x"], **options).fit(pa.table({"x": [values]}))
    assert encoded(encoder, ["7", "22423", "99"]) == encoded(encoder, [7, 22423, 99])


@pytest.mark.parametrize(
    ("fitted", "given", "message"),
    [
        (["007", "12"], [7, 12], "integer values have lost leading zeros, .* '007'"),
        (["007", "12"], [7.0, 12.0], "float values have lost leading zeros, .* '007'"),
        (["7", "a"], [7.5], "do not match its vocabulary"),
        (["7", "a"], [2.0**53], "do not match its vocabulary"),
        (["view", "buy"], [7], "do not match its vocabulary"),
        (["7", "a"], [True], "do not match its vocabulary"),
        ([7, 8], ["007"], "do not match its vocabulary"),
        ([7, 8], ["7", "A8"], "do not match its vocabulary"),
    ],
)
def test_what_would_lose_something_is_refused(fitted, given, message):
    encoder = SequenceEncoder().fit(pa.table({"x": [fitted]}))
    with pytest.raises(SequenceFrameError, match=message):
        encoded(encoder, given)


def test_counts_are_those_of_the_text():
    X = pa.table({"x": [["7", "A", "7"]], "cutoff": [dt.datetime(2026, 1, 1)]})
    vectorizer = SequenceVectorizer().fit(X)
    whole = X.set_column(0, "x", pa.array([[7, 7]]))
    text = X.set_column(0, "x", pa.array([["7", "7"]]))
    assert vectorizer.transform(whole).tolist() == vectorizer.transform(text).tolist()


# ------------------------------------------------------------------ what Arrow has no type for


def _polars_log(**column):
    pl = pytest.importorskip("polars")
    (name, (values, dtype)) = next(iter(column.items()))
    series = pl.Series(values, dtype=getattr(pl, dtype) if isinstance(dtype, str) else dtype(pl))
    days = [f"2026-05-0{day + 1}" for day in range(len(values))]
    columns = {"who": list("abcdef")[: len(values)], "when": days}
    return pl.DataFrame({**columns, name: series})


class Basket:
    """A thing without a column type."""


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (["x", None, "y"], "Object", ["x", None, "y"]),
        ([["a", "b"], [], None], "Object", [["a", "b"], [], None]),
        ([3, None, -(2**63)], "Int128", [3, None, -(2**63)]),
        ([[3], [], None], lambda pl: pl.List(pl.Int128), [[3], [], None]),
    ],
)
def test_polars_values_without_an_arrow_type_are_read_as_they_are(values, dtype, expected):
    log = EventLog(_polars_log(x=(values, dtype)), **ROLES)
    assert log.to_frame()["x"].to_list() == expected


@pytest.mark.parametrize(
    ("values", "dtype", "message"),
    [
        ([Basket(), Basket()], "Object", "Row 0 of column 'who' holds .*Basket.* of type Basket"),
        ([1, "a"], "Object", "'who' mixes kinds of values: row 1 holds 'a' of type str"),
        ([1, 2**63], "Int128", "Row 1 of column 'who' holds 9223372036854775808, .*64-bit"),
        ([[1], [2**90]], lambda pl: pl.List(pl.Int128), "Row 1 of column 'who'"),
        ([dt.date(2026, 1, 1), dt.datetime(2026, 1, 1)], "Object", "row 1 holds .* a datetime"),
    ],
)
def test_polars_values_of_no_column_type_are_named(values, dtype, message):
    with pytest.raises(InvalidLogError, match=message):
        EventLog(_polars_log(who=(values, dtype)), **ROLES)


def test_polars_objects_are_channels_and_targets():
    pl = pytest.importorskip("polars")
    lists = [["a", "b"], ["b"]]
    X = pl.DataFrame({"x": pl.Series(lists, dtype=pl.Object)})
    assert (
        SequenceEncoder()
        .fit_transform(X)
        .equals(SequenceEncoder().fit_transform(pl.DataFrame({"x": lists})))
    )
    with pytest.raises(SequenceFrameError, match="Row 0 of column 'x' is a set"):
        SequenceEncoder().fit(pl.DataFrame({"x": pl.Series([{"a"}, {"b"}], dtype=pl.Object)}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1j, 2]), "'x' holds complex128 values, for which there is no Arrow type"),
        ([Decimal(1), 2j], "Row 1 of column 'x' holds 2j of type complex"),
        ([None, 1j], "Row 1 of column 'x' holds 1j of type complex, .* drop it"),
        ([Basket, Basket], "Row 0 of column 'x' holds <class .*Basket'> of type type"),
    ],
)
def test_pandas_values_of_no_column_type_are_named(values, message):
    values = pd.Series(values, dtype=None if isinstance(values, np.ndarray) else object)
    frame = pd.DataFrame({"who": [1, 2], "when": ["2026-05-01"] * 2, "x": values})
    with pytest.raises(InvalidLogError, match=message):
        EventLog(frame, **ROLES)


def test_sparse_columns_of_pandas_are_their_values():
    sparse = pd.arrays.SparseArray([0, 0, 7])
    frame = pd.DataFrame({"who": sparse, "when": ["2026-05-01"] * 3})
    assert EventLog(frame, **ROLES).to_frame()["who"].tolist() == [0, 0, 7]
