"""The door for tables: what comes in, what goes out, and the columns between."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbseq import EventLog, SequenceEncoder, _frames
from skbseq._frames import Lists, _columns
from skbseq._sequences import Sequences, array_lengths, join_sequences, offsets_of, ranges
from skbseq.exceptions import SequenceFrameError

NOON = dt.datetime(2026, 3, 1, 12)
COLUMNS = {
    "a": [1, 2, None],
    "b": ["x", None, "z"],
    "c": [1.5, None, 2.5],
    "d": [NOON, None, NOON],
    "e": [[1, 2], [], None],
    "f": [True, None, False],
}


# ------------------------------------------------------------------ in and out


def test_tables_become_arrow_and_missing_values_null(frame_lib):
    frame = frame_lib.make(COLUMNS)
    assert _frames.is_frame(frame)
    assert _frames.n_rows(frame) == 3
    assert _frames.column_names(frame) == list(COLUMNS)
    table = _frames.to_arrow(frame)
    assert isinstance(table, pa.Table)
    assert table.to_pydict() == COLUMNS
    assert _frames.to_arrow(_frames.select_columns(frame, ["c", "a"])).to_pydict() == {
        "c": COLUMNS["c"],
        "a": COLUMNS["a"],
    }


@pytest.mark.parametrize("thing", [[1], {"a": [1]}, np.ones((2, 2)), "a", None, pd.Series([1])])
def test_what_is_no_table_is_none(thing):
    assert not _frames.is_frame(thing)
    with pytest.raises(TypeError, match="Expected a pandas, polars or pyarrow table; got"):
        _frames.to_arrow(thing)


def test_tables_are_made_in_every_library(frame_lib):
    columns = {
        "a": np.array([1, 2, 3]),
        "b": pa.array(["x", None, "z"]),
        "c": Lists(pa.array([1.0, None, 3.0]), np.array([0, 2, 2, 3])),
        "d": [1.5, float("nan"), 2.5],
    }
    table = _frames.frame_from_columns(columns, like=frame_lib.name)
    assert type(table) is type(frame_lib.make({"a": [1]}))
    assert frame_lib.to_pylist(table) == [
        {"a": 1, "b": "x", "c": [1.0, None], "d": 1.5},
        {"a": 2, "b": None, "c": [], "d": None},
        {"a": 3, "b": "z", "c": [3.0], "d": 2.5},
    ]


def test_columns_are_attached_in_every_library(frame_lib):
    frame = frame_lib.make({"a": [1, 2]})
    lists = Lists(pa.array(["x", "y"]), np.array([0, 0, 2]))
    wider = _frames.attach_columns(frame, {"b": lists, "c": lists})
    assert type(wider) is type(frame)
    assert frame_lib.to_pylist(wider) == [
        {"a": 1, "b": [], "c": []},
        {"a": 2, "b": ["x", "y"], "c": ["x", "y"]},
    ]
    assert _frames.column_names(frame) == ["a"]


def test_columns_are_replaced_in_their_places(frame_lib):
    frame = frame_lib.make(COLUMNS)
    lists = Lists(pa.array([7, 8]), np.array([0, 1, 1, 2]))
    replaced = _frames.replace_columns(frame, {"e": lists, "a": np.array([4, 5, 6])})
    assert type(replaced) is type(frame)
    expected = COLUMNS | {"e": [[7], [], [8]], "a": [4, 5, 6]}
    assert _frames.to_arrow(replaced).to_pydict() == expected
    assert _frames.column_names(replaced) == list(COLUMNS)
    assert _frames.to_arrow(frame).to_pydict() == COLUMNS


def test_rows_are_picked_in_every_library(frame_lib):
    frame = frame_lib.make(COLUMNS)
    picked = _frames.pick_rows(frame, np.array([2, 0]))
    assert type(picked) is type(frame)
    expected = {name: [values[2], values[0]] for name, values in COLUMNS.items()}
    assert _frames.to_arrow(picked).to_pydict() == expected
    assert _frames.n_rows(_frames.pick_rows(frame, np.array([], int))) == 0
    if frame_lib.name == "pandas":
        indexed = frame.set_axis([7, 8, 9])
        assert _frames.pick_rows(indexed, np.array([1, 1])).index.tolist() == [8, 8]
        replaced = _frames.replace_columns(indexed, {"a": [4, 5, 6]})
        assert replaced["a"].to_dict() == {7: 4, 8: 5, 9: 6}


def test_a_table_is_built_like_another_one(frame_lib):
    built = _frames.build_frame({"a": [1, 2]}, like=frame_lib.make({"z": [5, 6]}))
    assert type(built) is type(frame_lib.make({"a": [1]}))
    assert isinstance(_frames.build_frame({"a": [1]}, like=[[1]]), pd.DataFrame)
    like = pd.DataFrame({"z": [5, 6]}, index=["u", "u"])
    assert _frames.build_frame({"a": [1, 2]}, like=like).index.tolist() == ["u", "u"]
    built = _frames.build_frame({"a": [1, 2]}, like=like, library=frame_lib.name)
    assert type(built) is type(frame_lib.make({"a": [1]}))


def test_columns_of_unequal_length_make_no_table(frame_lib):
    with pytest.raises((ValueError, pa.ArrowInvalid), match="length"):
        _frames.frame_from_columns({"a": [1, 2], "b": [1]}, like=frame_lib.name)
    with pytest.raises(ValueError, match="'a': 1, 'the index': 3"):
        _frames.build_frame({"a": pa.array([[1]])}, like=pd.DataFrame({"z": [1, 2, 3]}))


def test_tables_of_the_same_names_are_changed_apart():
    numbers = pa.array([1, 2])  # in memory that Arrow lets nobody write to
    one, other = (_frames.frame_from_columns({"a": numbers, "b": numbers}) for _ in range(2))
    one.columns.name = "mine"
    one.loc[0, "a"] = 7
    assert other.columns.name is None
    assert (one["a"].tolist(), other["a"].tolist()) == ([7, 2], [1, 2])


@pytest.mark.parametrize("ending", ["csv", "CSV", "parquet"])
def test_tables_are_written_and_read(tmp_path, frame_lib, ending):
    columns = {name: COLUMNS[name] for name in "abcd"}
    path = tmp_path / f"table.{ending}"
    _frames.write_frame(frame_lib.make(columns), path)
    table, like = _frames.read_table(path)
    assert (table.to_pydict(), like) == (columns, "pandas")
    assert _frames.read_table(str(path))[0].equals(table)


def test_rows_are_taken_in_the_order_asked_for():
    table = pa.table({"a": pa.chunked_array([[1, 2], [3]]), "b": ["x", "y", "z"]})
    assert _frames.take_rows(table, np.array([2, 0, 2])).to_pydict() == {
        "a": [3, 1, 3],
        "b": ["z", "x", "z"],
    }


# ------------------------------------------------------------------ columns


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (pa.bool_(), "boolean"),
        (pa.uint8(), "integer"),
        (pa.float16(), "float"),
        (pa.decimal128(5, 2), "float"),
        (pa.timestamp("ns", tz="UTC"), "timestamp"),
        (pa.date32(), "timestamp"),
        (pa.string(), "string"),
        (pa.large_string(), "string"),
        (pa.string_view(), "string"),
        (pa.dictionary(pa.int32(), pa.int64()), "string"),
        (pa.duration("s"), "duration"),
        (pa.null(), "null"),
        (pa.list_(pa.int8()), "list"),
        (pa.list_(pa.int8(), 3), "list"),
        (pa.large_list_view(pa.int8()), "list"),
        (pa.binary(), "binary"),
    ],
)
def test_kinds_of_columns(dtype, kind):
    assert _frames.kind_of(dtype) == kind


VALUES = st.lists(st.none() | st.integers(-3, 3), max_size=20)


@given(values=VALUES)
def test_codes_and_values_give_the_column_back(values):
    codes, distinct = _frames.encode(pa.array(values, pa.int64()))
    assert [None if c < 0 else distinct[c].as_py() for c in codes.tolist()] == values
    assert distinct.to_pylist() == list(dict.fromkeys(v for v in values if v is not None))
    known, counts = _frames.count_values(pa.array(values, pa.int64()))
    assert dict(zip(known, counts, strict=True)) == {
        v: values.count(v) for v in values if v is not None
    }
    rank, ordered = _frames.sorted_rank(distinct)
    assert ordered.to_pylist() == sorted(distinct.to_pylist())
    assert ordered.take(pa.array(rank)).equals(distinct)


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (pa.array([0.0, -0.0, float("nan"), None, float("nan")]), [0, 0, 1, -1, 1]),
        (pa.array(np.float16([1.5, -0.0, 0.0])), [0, 1, 1]),
        (pa.array(["b", "a", None, "b"], pa.string_view()), [0, 1, -1, 0]),
        (pa.array([[1], None, [1], [2], []]), [0, -1, 0, 1, 2]),
        (pa.array([{"a": 1}, {"a": 1}, {"a": None}]), [0, 0, 1]),
        (pa.array([True, None, True]), [0, -1, 0]),
        (pa.nulls(2), [-1, -1]),
        (pa.DictionaryArray.from_arrays([2, 1, 0, None], ["a", None, "a"]), [0, -1, 0, -1]),
        (pa.chunked_array([["a"], [], ["b", "a"]]), [0, 1, 0]),
    ],
)
def test_equal_values_get_one_code(values, codes):
    assert _frames.encode(values)[0].tolist() == codes
    missing = [code < 0 for code in codes]
    nan = [v != v for v in values.to_pylist()] if values.type == pa.float64() else [False] * 9
    expected = [m or n for m, n in zip(missing, nan, strict=False)]
    assert _frames.is_missing(values).tolist() == expected


@pytest.mark.parametrize(
    ("values", "among", "positions"),
    [
        (pa.array([3, 1, 9]), pa.array([1, 2, 3]), [2, 0, -1]),
        (pa.array([3, 1], pa.int8()), pa.array([1, 3], pa.uint64()), [1, 0]),
        (pa.array([-1, 5]), pa.array([5, 2**64 - 1], pa.uint64()), [-1, 0]),
        (pa.array([2**53 + 1]), pa.array([2**53, 2**53 + 1], pa.uint64()), [1]),
        (pa.array([3.0, 1.5, None]), pa.array([1, 3]), [1, -1, -1]),
        (pa.array([0.0]), pa.array([-0.0]), [0]),
        (pa.array(["a"], pa.large_string()), pa.array(["a"]), [0]),
        (pa.array(["a"], pa.string_view()), pa.array(["a"]).dictionary_encode(), [0]),
        (pa.nulls(2), pa.array([1]), [-1, -1]),
        (pa.array([1]), pa.nulls(1), [-1]),
        (pa.array([], pa.string()), pa.array([1]), []),
        (pa.array([NOON], pa.timestamp("ns")), pa.array([NOON]), [0]),
    ],
)
def test_values_are_found_across_types(values, among, positions):
    assert _frames.index_in(values, among).tolist() == positions


def test_a_missing_value_is_found_only_if_asked_for():
    values, among = pa.array([None, 1]), pa.array([1, None])
    assert _frames.index_in(values, among).tolist() == [-1, 0]
    assert _frames.index_in(values, among, match_null=True).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "among"),
    [
        (pa.array([12, 3, None]), pa.array(["3", "a", "12"])),
        (pa.array([12.0, 3.0, None]), pa.array(["3", "a", "12"])),
        (pa.array(["12", "3", None]), pa.array([3, 0, 12])),
        (pa.array(["12", "3", None]).dictionary_encode(), pa.array([3.0, 0.5, 12.0])),
    ],
)
def test_numbers_are_found_among_the_strings_that_they_are_written_as(values, among):
    assert _frames.index_in(values, among).tolist() == [2, 0, -1]
    assert _frames.ValueIndex(among).find(values).tolist() == [2, 0, -1]


@pytest.mark.parametrize(
    ("values", "among", "message"),
    [
        (pa.array([1]), pa.array(["a"]), "integer values cannot be found among string values"),
        (pa.array(["a"]), pa.array([1]), "string values cannot be found among integer values"),
        (pa.array([1.5]), pa.array(["1"]), "float values cannot be found among string values"),
        (pa.array([1]), pa.array(["01", "1"]), "lost leading zeros, such as those of '01'"),
        (pa.array([True]), pa.array([1]), "boolean values cannot be found among integer values"),
        (pa.array([2.0**53]), pa.array([2**53 + 1]), "double and int64 values cannot be compared"),
    ],
)
def test_values_of_another_kind_are_not_looked_for(values, among, message):
    with pytest.raises(TypeError, match=message):
        _frames.index_in(values, among)


COLUMNS_TO_FIND = {
    "words": (st.text(max_size=2), [pa.string(), pa.large_string(), pa.string_view()]),
    "signed": (st.integers(-9, 9), [pa.int8(), pa.int64()]),
    "unsigned": (st.integers(0, 2**64 - 1), [pa.uint64()]),
    "mixed": (st.integers(0, 99), [pa.uint64(), pa.int16()]),
    "floats": (st.floats(width=16), [pa.float32(), pa.float64()]),
}


@given(st.data(), st.sampled_from(sorted(COLUMNS_TO_FIND)), st.booleans(), st.booleans())
@pytest.mark.parametrize("most_in_dict", [-1, 1_000])
def test_a_few_values_are_found_as_by_reading_all(most_in_dict, data, column, match_null, collide):
    cell, dtypes = COLUMNS_TO_FIND[column]
    cells = st.lists(st.one_of(st.none(), cell), max_size=30)
    drawn, dtype, other = (data.draw(s) for s in (cells, *[st.sampled_from(dtypes)] * 2))
    wanted = data.draw(cells) + drawn[:9]
    among = _frames.encode(pa.array(drawn, dtype))[1]
    among = _frames.append_null(among) if data.draw(st.booleans()) else among
    values, hashes = pa.array(wanted, other), _frames.hash_values
    if data.draw(st.booleans()):
        values = pa.chunked_array([values.slice(0, 3), values.slice(3)])
    if column == "words" and data.draw(st.booleans()):
        values = pa.array(wanted, pa.string()).dictionary_encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_columns, "_MANY", 0)
        patch.setattr(_columns, "_MOST_IN_DICT", most_in_dict)
        patch.setattr(_columns, "_ONE_IN", 0)
        if collide:
            patch.setattr(_columns, "hash_values", lambda values: hashes(values) % np.uint64(3))
        index = _frames.ValueIndex(among)
        found = index.find(values, match_null=match_null)
        again = pickle.loads(pickle.dumps(index)).find(values, match_null=match_null)
    expected = _frames.index_in(values, among, match_null=match_null).tolist()
    assert found.tolist() == again.tolist() == expected


@pytest.fixture
def read(monkeypatch):
    """How many values were read, by each look-up and for each hashing."""
    found = {"looked up": [], "hashed": [], "put in a dict": []}
    index_in, hash_values, places_of = (
        getattr(_columns, name) for name in ("index_in", "hash_values", "_places_of")
    )

    def note_look_up(values, among, **options):
        found["looked up"].append(len(among))
        return index_in(values, among, **options)

    def note_hashes(values):
        found["hashed"].append(len(values))
        return hash_values(values)

    def note_dict(values):
        found["put in a dict"].append(len(values))
        return places_of(values)

    monkeypatch.setattr(_columns, "_MOST_IN_DICT", 5_000)
    monkeypatch.setattr(_columns, "_places_of", note_dict)
    monkeypatch.setattr(_columns, "index_in", note_look_up)
    monkeypatch.setattr(_columns, "hash_values", note_hashes)
    return found


def test_a_few_values_are_found_without_reading_all(read):
    index = _frames.ValueIndex(pa.array([f"product {i}" for i in range(10_000)]))
    assert index.find(pa.array(["product 7", "none", "product 9999"])).tolist() == [7, -1, 9999]
    assert index.find(pa.array(["product 7"])).tolist() == [7]
    assert read == {"looked up": [], "hashed": [10_000, 3, 1], "put in a dict": [2, 1]}
    assert index.find(pa.array(["product 7"] * 100)).tolist() == [7] * 100
    assert read["looked up"] == [1]
    assert index.find(pa.array(["product 7"] * 1_000)).tolist() == [7] * 1_000
    assert read["looked up"] == [1, 10_000]
    with pytest.raises(TypeError, match="integer values cannot be found among string values"):
        index.find(pa.array([7]))


def test_a_few_among_some_are_neither_looked_up_nor_hashed(read):
    index = _frames.ValueIndex(pa.array([f"product {i}" for i in range(1_000)]))
    for _ in range(2):
        assert index.find(pa.array(["product 7", "none", None])).tolist() == [7, -1, -1]
    assert read == {"looked up": [], "hashed": [], "put in a dict": [1_000]}
    assert index.find(pa.array(["product 7"] * 100)).tolist() == [7] * 100
    assert read["looked up"] == [1_000]
    with pytest.raises(TypeError, match="integer values cannot be found among string values"):
        index.find(pa.array([7]))


def test_a_few_rows_and_samples_read_neither_all_products_nor_all_users(read):
    n = 10_000
    ids = [f"id {i}" for i in range(n)]
    events = pa.table({"who": ids, "when": [NOON] * n, "what": ids})
    log = EventLog(events, user="who", time="when", product="what")
    samples = log.samples(at=NOON)
    X = log.histories(samples)
    encoder = SequenceEncoder(categorical=["what"]).fit(X)
    expected, whole = encoder.transform(X), log.histories(samples)
    for numbers in read.values():
        numbers.clear()
    for first in (0, 4_321):
        assert log.histories(samples.slice(first, 3)).equals(whole.slice(first, 3))
        assert encoder.transform(X.slice(first, 3)).equals(expected.slice(first, 3))
    assert read["looked up"] == []
    assert sorted(read["hashed"]) == [3] * 4 + [n] * 2


def test_what_is_missing_has_one_hash():
    null, nan, zero = (
        int(_frames.hash_values(pa.array([value], pa.float64()))[0])
        for value in (None, float("nan"), 0.0)
    )
    assert null == nan != zero
    assert int(_frames.hash_values(pa.array([None], pa.string()))[0]) == null


@pytest.mark.parametrize("n", [5, 70_000])
def test_broken_strings_are_found_too(n):
    broken = pa.array([b"\xff", b"b", *(b"%d" % i for i in range(n))], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), len(broken), broken.buffers())
    assert _frames.ValueIndex(broken).find(broken.slice(0, 2)).tolist() == [0, 1]


def test_numbers_and_integers_of_columns():
    assert str(_frames.numbers(pa.array([1, None], pa.int8()))) == "[ 1. nan]"
    assert str(_frames.numbers(pa.nulls(2))) == "[nan nan]"
    assert _frames.numbers(pa.array([True, False])).tolist() == [1, 0]
    large = 2**62 + 1
    assert _frames.integers(pa.array([large, None])).tolist() == [large, 0]
    unsigned = pa.array([2**64 - 1, 5], pa.uint64())
    assert _frames.integers(unsigned, but=np.array([True, False])).tolist() == [0, 5]


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", None, "ü"]),
        pa.array([1, None]),
        pa.array(["a", "b", "a"]).dictionary_encode(),
        pa.array([NOON], pa.timestamp("ns", tz="Europe/Berlin")),
        pa.array([None, 2**64 - 1], pa.uint64()),
        pa.nulls(3),
    ],
)
def test_arrays_are_packed_as_bytes(array):
    packed = _frames.pack_array(array)
    assert packed.dtype == np.uint8
    assert _frames.unpack_array(packed).to_pylist() == array.to_pylist()


@given(position=st.integers(0, 10_000), value=st.integers(0, 255))
def test_damaged_bytes_are_an_error_and_no_crash(position, value):
    packed = _frames.pack_array(pa.array(["view", "buy", None]))
    packed[position % len(packed)] = value
    try:
        array = _frames.unpack_array(packed)
    except (pa.ArrowException, OSError, KeyError, ValueError, UnicodeDecodeError):
        return
    assert len(array.to_pylist()) == len(array)


def test_chunks_become_one_array():
    chunked = pa.chunked_array([["a"], [], ["b"]])
    assert _frames.as_array(chunked).to_pylist() == ["a", "b"]
    assert _frames.as_array(pa.chunked_array([], pa.int8())).to_pylist() == []
    one, other = (pa.array(values).dictionary_encode() for values in (["a"], ["b", "a"]))
    assert _frames.as_array(pa.chunked_array([one, other])).to_pylist() == ["a", "b", "a"]


# ------------------------------------------------------------------ sequence frames


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        ([[1], [1, 2]], True),
        ([["a"], ["b"]], True),
        ([[1, 2], [3, 4]], False),
        ([[True], [False]], False),
        ([[[1], [1, 2]], [[1], [2]]], True),
        ([1, 2], False),
        ([], False),
        (np.ones((2, 2)), False),
        (np.array([[1, 2]], dtype=object), False),
        (np.array([[None], [[1, 2]]], dtype=object), True),
        (np.array([[1], [1, 2]], dtype=object), True),
        (pd.DataFrame({"a": [1.0], "b": [True]}), False),
        (pd.DataFrame({"a": [[1.0]]}), True),
        (pd.DataFrame({"a": ["x"]}), True),
        (pd.DataFrame({0: [1.0], 1: [2.0]}), False),
        (5, False),
        (None, False),
    ],
)
def test_sequence_frames_are_told_from_arrays(data, is_one):
    assert _frames.is_sequence_frame(data) is is_one
    if isinstance(data, pd.DataFrame) and isinstance(data.iloc[0, 0], str):
        with pytest.raises(SequenceFrameError, match="none of its columns holds lists"):
            _frames.split_if_sequences(data)
    else:
        assert (_frames.split_if_sequences(data, nested=True) is not None) is is_one


def test_a_column_of_a_frame_has_a_name_that_is_a_string():
    frame = pd.DataFrame({1: [[1.0]]})
    with pytest.raises(
        SequenceFrameError, match="Column names must be strings; got 1 of type int"
    ):
        _frames.split_if_sequences(frame)


def test_bare_lists_are_what_they_were_at_fit():
    assert _frames.is_sequence_frame([[1, 2], [3, 4]], bare_lists=True)
    assert not _frames.is_sequence_frame([[1], [1, 2]], bare_lists=False)


def test_a_frame_is_taken_apart(frame_lib):
    frame = frame_lib.make({"a": [1, 2, 3], "e": COLUMNS["e"], "b": ["x", None, "z"]})
    columns = _frames.split_sequences(frame)
    assert list(columns.lists) == ["e"] and list(columns.ordinary) == ["a", "b"]
    assert columns.n_rows == 3
    assert columns.lists["e"].values.to_pylist() == [1, 2]
    assert columns.lists["e"].offsets.tolist() == [0, 2, 2, 2]
    assert columns.lists["e"].lengths.tolist() == [2, 0, 0]
    assert columns.ordinary["b"].to_pylist() == ["x", None, "z"]


ROWS = st.lists(st.none() | st.lists(st.none() | st.integers(0, 9), max_size=4), max_size=6)


@given(rows=ROWS, start=st.integers(0, 3), view=st.booleans())
def test_slices_of_lists_are_read_from_where_they_begin(rows, start, view):
    kind = pa.list_view(pa.int8()) if view else pa.list_(pa.int8())
    lists = _frames.split_sequences(pa.table({"x": pa.array(rows, kind).slice(start)})).lists["x"]
    expected = [row or [] for row in rows[start:]]
    assert lists.lengths.tolist() == [len(row) for row in expected]
    assert lists.values.to_pylist() == [value for row in expected for value in row]
    assert lists.to_arrow().to_pylist() == expected


def test_a_column_of_nulls_is_a_channel_where_it_is_known_to_be_one():
    frame = pd.DataFrame({"x": [None, None], "y": [None, None]})
    columns = _frames.split_sequences(frame, channels=["x"])
    assert list(columns.lists) == ["x"] and columns.n_rows == 2
    assert columns.lists["x"].lengths.tolist() == [0, 0]
    with pytest.raises(SequenceFrameError, match=r"no channel.* It has x \(null\), y \(null\)"):
        _frames.split_sequences(frame)


# ------------------------------------------------------------------ times


def test_times_are_made_of_ticks():
    array = _frames.time_array(
        np.array([0, 5]), unit="us", zone="UTC", missing=np.array([False, True])
    )
    assert array.to_pylist() == [dt.datetime(1970, 1, 1, tzinfo=dt.UTC), None]
    ticks, missing, unit, zone = _frames.time_ticks(array)
    assert (ticks.tolist(), missing.tolist(), unit, zone) == ([0, 0], [False, True], "us", "UTC")


def test_local_ticks_are_those_of_a_clock_on_the_wall():
    array = pa.array([NOON], pa.timestamp("us", tz="UTC"))
    for zone, hours in (("Asia/Tokyo", 9), ("-03:30", -3.5), ("UTC", 0), (None, 0)):
        moved = _frames.local_ticks(array, zone) - _frames.time_ticks(array)[0]
        assert moved.tolist() == [hours * 3600 * 10**6]


# ------------------------------------------------------------------ flat sequences


@given(lengths=st.lists(st.integers(0, 5), max_size=8))
def test_offsets_and_ranges_are_those_of_a_plain_loop(lengths):
    offsets = offsets_of(np.array(lengths, np.int64))
    assert offsets.tolist() == [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    starts = np.arange(len(lengths)) * 10
    positions, found = ranges(starts, starts + np.array(lengths, np.int64))
    expected = [start + i for start, n in zip(starts, lengths, strict=True) for i in range(n)]
    assert positions.tolist() == expected
    assert found.tolist() == offsets.tolist()


def test_joined_sequences_leave_out_what_is_behind_the_last_event():
    numbers = np.arange(5, dtype=np.float32)[:, None]
    context = np.zeros((2, 0), np.float32)
    part = Sequences(
        numbers.astype(np.int32), numbers, context, np.array([0, 2]), np.array([2, 1])
    )
    both = join_sequences([part, part])
    assert both.codes.ravel().tolist() == both.numbers.ravel().tolist() == [0, 1, 2, 0, 1, 2]
    assert both.starts.tolist() == [0, 2, 3, 5] and both.lengths.tolist() == [2, 1, 2, 1]


@given(rows=st.lists(st.integers(0, 3), max_size=6))
def test_samples_are_taken_from_flat_sequences(rows):
    lengths = [2, 0, 3, 1]
    numbers = np.arange(6, dtype=np.float32)[:, None]
    context = np.arange(4, dtype=np.float32)[:, None]
    starts = offsets_of(lengths)[:-1]
    whole = Sequences(numbers.astype(np.int32), numbers, context, starts, np.array(lengths))
    some = whole.take(np.array(rows, np.int64))
    assert len(whole) == 4 and len(some) == len(rows)
    assert some.lengths.tolist() == [lengths[row] for row in rows]
    assert some.context.ravel().tolist() == rows
    expected = [v for row in rows for v in range(sum(lengths[:row]), sum(lengths[: row + 1]))]
    at, _ = ranges(some.starts, some.starts + some.lengths)
    assert some.codes[at].ravel().tolist() == some.numbers[at].ravel().tolist() == expected
    assert np.shares_memory(some.codes, whole.codes)


@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=6), channels=st.integers(0, 2))
def test_lengths_of_padded_arrays(lengths, channels):
    shape = (len(lengths), 4, channels) if channels else (len(lengths), 4)
    X = np.full(shape, np.nan)
    for row, length in enumerate(lengths):
        X[row, :length] = 1
    assert array_lengths(X).tolist() == lengths


def test_nan_before_the_end_of_an_array_is_refused():
    with pytest.raises(SequenceFrameError, match="Row 1 holds NaN at step 0, before its last rea"):
        array_lengths(np.array([[1.0, np.nan], [np.nan, 1.0]]))
