"""SequenceEncoder on categories without end: hashed codes, and limits by column."""

import datetime as dt
import decimal
import pickle
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbseq import SequenceEncoder, _frames
from skbseq.exceptions import SequenceFrameError

MOMENT = dt.datetime(2026, 3, 2, 9, 30)


def one(values, **more):
    """A frame of one row, whose channel `x` holds these values."""
    values = values if isinstance(values, pa.Array) else pa.array(values)
    return pa.table({"x": pa.ListArray.from_arrays([0, len(values)], values)} | more)


def flat(table, name="x"):
    """The values of a list column of an Arrow table, end to end."""
    return table[name].combine_chunks().flatten().to_pylist()


# ------------------------------------------------------------------ hashed categories


NULL = 0x9E3779B97F4A7C15


def plain_hash(value):
    if value is None:
        return NULL
    return int(pd.util.hash_array(np.array([value], dtype=object))[0])


def plain_codes(training, most, n_buckets, new):
    """The rule of the documentation, one value at a time."""
    counts = Counter(training)
    order = sorted(counts, key=lambda value: (-counts[value], value is None, value or ""))
    own, rest = order[:most], order[most:]
    used = sorted({plain_hash(value) % n_buckets for value in rest})
    codes = []
    for value in new:
        bucket, again = plain_hash(value) % n_buckets, plain_hash(value) // n_buckets
        if value in own:
            codes.append(2 + own.index(value))
        elif not used:
            codes.append(1)
        else:
            bucket = bucket if bucket in used else used[again % len(used)]
            codes.append(2 + len(own) + bucket)
    return codes


WORDS = st.none() | st.text(max_size=3)


@given(
    training=st.lists(WORDS, min_size=1, max_size=20),
    most=st.integers(1, 5),
    n_buckets=st.integers(1, 6),
    new=st.lists(WORDS, max_size=10),
)
def test_hashed_codes_are_those_of_the_plain_rule(training, most, n_buckets, new):
    encoder = SequenceEncoder(max_categories=most, hash_buckets=n_buckets)
    fitted = encoder.fit(one(pa.array(training, pa.string())))
    seen = set(flat(encoder.transform(one(pa.array(training, pa.string())))))
    found = flat(fitted.transform(one(pa.array(new, pa.large_string()))))
    assert found == plain_codes(training, most, n_buckets, new)
    # A model that was trained on the codes of fit has met every code that is to come.
    assert set(found) <= seen | {1}
    assert encoder.categories_["x"].size <= most


def test_hashes_are_the_same_for_ever():
    # Were they to change, fitted models would read the wrong codes.
    found = _frames.hash_values(pa.array(["a", "b", "", None, "Straße", "鞋"]))
    assert found.tolist() == [
        *(13950350942979735504, 12688059582079114975, 1760245841805064774),
        *(NULL, 2448204401815844038, 899280261460174358),
    ]
    found = _frames.hash_values(pa.array([1, 2, None]))
    assert found.tolist() == [6238072747940578789, 15839785061582574730, NULL]


def test_every_library_gives_the_same_hashed_codes(frame_lib):
    columns = {
        "name": [["a", "a", "b", "c"], ["d", None], []],
        "id": [[7, 7, 8, 9], [-1, 2**40], []],
        "when": [[MOMENT] * 3 + [MOMENT + dt.timedelta(hours=1)], [MOMENT, None], []],
    }
    options = {"max_categories": 1, "hash_buckets": 50, "categorical": ["name", "id", "when"]}
    encoder = SequenceEncoder(**options).fit(frame_lib.make(columns))
    arrow = SequenceEncoder(**options).fit(pa.table(columns))
    new = columns | {"name": [["x", "y", "b", "z"], ["d", None], []]}
    expected = arrow.transform(pa.table(new)).to_pylist()
    assert frame_lib.to_pylist(encoder.transform(frame_lib.make(new))) == expected
    assert encoder.transform(pa.table(new)).to_pylist() == expected
    assert len({code for row in expected for code in row["name"]}) > 2


STRINGS = pa.array(["a", "bc", "a", None, "ä"])
NUMBERS = pa.array([3, 5, 3, None, 100], pa.int64())
TIMES = pa.array([0, 1000, 0, None, -1000], pa.int64())


def stamps(unit, zone=None):
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    ticks = [None if t is None else t * scale for t in TIMES.to_pylist()]
    return pa.array(ticks, pa.timestamp(unit, zone))


@pytest.mark.parametrize(
    ("values", "others"),
    [
        (
            STRINGS,
            [
                STRINGS.cast(pa.large_string()),
                STRINGS.dictionary_encode(),
                pa.array(STRINGS.to_pylist(), pa.string_view()),
                pa.DictionaryArray.from_arrays(
                    [1, 0, 1, None, 2], ["bc", "a", "ä", "none has it"]
                ),
            ],
        ),
        (
            NUMBERS,
            [
                *(NUMBERS.cast(t) for t in (pa.int8(), pa.uint8(), pa.int32(), pa.uint64())),
                *(NUMBERS.cast(t) for t in (pa.float64(), pa.float32(), pa.decimal128(22, 2))),
                pa.array(np.float16([3, 5, 3, np.nan, 100])),
            ],
        ),
        (stamps("s"), [stamps("ms"), stamps("us"), stamps("ns")]),
        (stamps("us", "UTC"), [stamps("ns", "UTC"), stamps("us", "Europe/Berlin")]),
        (pa.array([1.5, 2.5, float("nan")]), [pa.array([1.5, 2.5, None], pa.float32())]),
        (pa.array([0.0, 2.0**63]), [pa.array([-0.0, 2.0**63]), pa.array([0, 2**63], pa.uint64())]),
        (pa.array([-(2**63), 2**62]), [pa.array([-(2.0**63), 2.0**62])]),
    ],
)
def test_equal_values_of_other_types_have_equal_hashes(values, others):
    expected = _frames.hash_values(values)
    assert len(set(expected.tolist())) == len(set(map(str, values.to_pylist())))
    for other in others:
        np.testing.assert_array_equal(_frames.hash_values(other), expected)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_equal_integers_and_floats_have_equal_hashes(values):
    floats = pa.array([float(v) for v in values])
    exact = pa.array([decimal.Decimal(float(v)) for v in values], pa.decimal256(40))
    inside = [abs(float(v)) < 2**63 for v in values]
    whole = pa.array([int(float(v)) if ok else None for v, ok in zip(values, inside, strict=True)])
    expected = np.where(inside, _frames.hash_values(floats), np.uint64(NULL))
    np.testing.assert_array_equal(_frames.hash_values(whole.cast(pa.int64())), expected)
    np.testing.assert_array_equal(_frames.hash_values(exact), _frames.hash_values(floats))


@pytest.mark.parametrize(
    ("values", "new"),
    [
        ([True, True, False], [None, False]),
        (pa.array([1, 1, 2], pa.duration("s")), pa.array([3, None], pa.duration("s"))),
        (pa.array([1, 1, 2], pa.time64("us")), pa.array([3, None], pa.time64("us"))),
        (pa.array([b"a", b"a", b"b"]), pa.array([b"c", None])),
        (pa.array([dt.date(2026, 3, 2)] * 2 + [None]), pa.array([dt.date(2026, 3, 3), None])),
        (pa.array([None, None]), pa.array(["a", "b"])),
        (["a", "a", "b"], pa.array([None, None])),
    ],
)
def test_values_of_every_type_are_hashed(values, new):
    encoder = SequenceEncoder(categorical=["x"], max_categories=1, hash_buckets=1)
    assert set(flat(encoder.fit_transform(one(values)))) <= {2, 3}
    expected = 3 if len(set(map(str, pa.array(values).to_pylist()))) > 1 else 1
    assert flat(encoder.transform(one(new))) == [expected] * 2


def test_buckets_unused_at_fit_give_their_values_to_the_others():
    training = ["top"] * 9 + [f"rare {i}" for i in range(5)]
    encoder = SequenceEncoder(max_categories=1, hash_buckets=1000).fit(one(training))
    seen = set(flat(encoder.transform(one(training)))) - {2}
    assert len(seen) == 5 and min(seen) > 2
    found = Counter(flat(encoder.transform(one([f"new {i}" for i in range(1000)]))))
    # All are used, and none much more than the others.
    assert found.keys() == seen and min(found.values()) > 150


def test_without_a_rare_category_at_fit_there_is_no_bucket():
    encoder = SequenceEncoder(hash_buckets=10).fit(one(["a", "b"]))
    assert flat(encoder.transform(one(["a", "b", "c", None]))) == [2, 3, 1, 1]


def test_what_has_a_hashed_code_is_not_unknown():
    strict = {"handle_unknown": "error", "hash_buckets": 10}
    encoder = SequenceEncoder(max_categories=1, **strict).fit(one(["a", "a", "b"]))
    assert min(flat(encoder.transform(one(["c", None, "a"])))) == 2
    with pytest.raises(
        SequenceFrameError, match="Row 0 of 'x' holds 'c', which is not in the voc"
    ):
        SequenceEncoder(**strict).fit(one(["a", "b"])).transform(one(["c"]))


def test_hashed_codes_do_not_depend_on_other_rows(rng):
    words = [f"w{i}" for i in np.minimum(rng.pareto(1, 300) * 5, 99).astype(int)]
    table = pa.table({"x": [words[i : i + 10] for i in range(0, 300, 10)]})
    encoder = SequenceEncoder(max_categories=5, hash_buckets=7).fit(table)
    whole = encoder.transform(table)
    parts = pa.concat_tables([encoder.transform(table.slice(i, 1)) for i in range(30)])
    assert whole.to_pylist() == parts.to_pylist()
    order = rng.permutation(30)
    shuffled = SequenceEncoder(max_categories=5, hash_buckets=7).fit(table.take(order))
    assert shuffled.transform(table).equals(whole)


def test_context_has_no_buckets():
    table = pa.table({"x": [["a"], ["a"], ["b"]], "c": ["u", "u", "v"]})
    encoder = SequenceEncoder(context=["c"], max_categories=1, hash_buckets=1).fit(table)
    encoded = encoder.transform(table)
    assert encoded.column_names == ["x", "c_unknown", "c_u"]
    assert flat(encoded) == [2, 2, 3] and encoded["c_unknown"].to_pylist() == [0, 0, 1]


# ------------------------------------------------------------------ limits by column


def test_limits_may_be_given_by_column():
    rows = ["a", "a", "b", "b", "c"]
    table = pa.table({"x": [rows], "y": [rows], "c": ["u"]})
    encoder = SequenceEncoder(
        context=["c"],
        min_frequency={"x": 2, "c": 0.5},
        max_categories={"y": 1},
        hash_buckets={"y": 1},
    ).fit(table)
    assert encoder.categories_["x"].tolist() == ["a", "b"]
    assert encoder.categories_["y"].tolist() == ["a"]
    encoded = encoder.transform(table)
    assert flat(encoded, "x") == [2, 2, 3, 3, 1] and flat(encoded, "y") == [2, 2, 3, 3, 3]
    assert pickle.loads(pickle.dumps(encoder)).get_params() == encoder.get_params()


@pytest.mark.parametrize(
    ("limits", "error", "message"),
    [
        (
            {"max_categories": {"z": 5}},
            SequenceFrameError,
            "max_categories= names 'z', which is no",
        ),
        (
            {"max_categories": {"n": 5}},
            SequenceFrameError,
            "not a categorical column; those are 'x",
        ),
        ({"hash_buckets": {"c": 5}}, SequenceFrameError, "hash_buckets= names 'c', which is no"),
        ({"max_categories": {"x": 0}}, ValueError, r"max_categories\['x'\].* must be an int in"),
        ({"min_frequency": {"x": 1.5}}, ValueError, r"min_frequency\['x'\].* must be an int in"),
        ({"hash_buckets": {"x": {}}}, ValueError, r"hash_buckets\['x'\].* must be an int in"),
    ],
)
def test_limits_by_column_are_checked(limits, error, message):
    table = one(["a"], n=[[1.0]], c=["u"])
    with pytest.raises(error, match=message):
        SequenceEncoder(context=["c"], **limits).fit(table)
