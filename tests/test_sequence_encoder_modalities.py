"""SequenceEncoder on texts and vectors, and on all modalities at once."""

import copy
import math
import pickle
import statistics
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from skbseq import SequenceEncoder, _frames, load, save
from skbseq._inputs import InputSchema
from skbseq.exceptions import SequenceFrameError, SequenceFrameWarning


def one(values, **more):
    """A frame of one row, whose channel `x` holds these values."""
    values = values if isinstance(values, pa.Array) else pa.array(values)
    return pa.table({"x": pa.ListArray.from_arrays([0, len(values)], values)} | more)


def flat(table, name="x"):
    """The values of a list column of an Arrow table, end to end."""
    return table[name].combine_chunks().flatten().to_pylist()


def rows_of(table, name):
    """Components of the events of a channel, as an array with one row per event."""
    columns = [c for c in table.column_names if c.startswith(f"{name}_") and c[-1].isdigit()]
    return np.stack([flat(table, c) for c in columns], axis=1)


def same(table, other):
    return table.column_names == other.column_names and table.equals(other)


# ------------------------------------------------------------------ texts

TITLES = [
    ["Red shoe, size 42", "red boot"],
    ["Blue shoe", "blue boot", "red shoe, size 42"],
    ["Green tea", "black tea", "red boot"],
]


def plain_components(training, new, size):
    """The formula of the documentation, with a full decomposition, up to signs."""
    reader = TfidfVectorizer(token_pattern=r"\w+")
    weights = reader.fit_transform(sorted(set(training))).toarray()
    _, strengths, right = np.linalg.svd(weights, full_matrices=False)
    right = right[:size][strengths[:size] > 1e-6]
    lengths = np.linalg.norm(weights @ right.T, axis=1)
    middle = statistics.median(lengths[lengths > 0])
    found = []
    for text in new:
        vector = (reader.transform([text]).toarray() @ right.T)[0]
        length = np.linalg.norm(vector)
        factor = math.sqrt(len(right)) * math.asinh(length / middle) / length if length else 0
        found.append(vector * factor)
    return np.array(found)


@pytest.mark.parametrize("size", [1, 2, 3, 16])
def test_texts_are_read_by_the_formula(size):
    table = pa.table({"x": TITLES})
    encoder = SequenceEncoder(text=["x"], text_size=size, random_state=0).fit(table)
    training = [title for row in TITLES for title in row]
    new = [*training, "red tea", "something else", "", "42"]
    found = rows_of(encoder.transform(one(new)), "x")
    expected = plain_components(training, new, size)
    assert found.shape == expected.shape and found.shape[1] <= size
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)
    # Signs are the same for all texts.
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-3)


def test_titles_alike_lie_near_each_other():
    wear = [f"{colour} {thing}" for colour in ("red", "blue") for thing in ("shoe", "boot")]
    tea = [f"{kind} {thing}" for kind in ("green", "black") for thing in ("tea", "leaf")]
    encoder = SequenceEncoder(text=["x"], text_size=2, random_state=0).fit(one(wear + tea))
    # The first two have no word in common.
    shoe, boot, tea = rows_of(encoder.transform(one(["red shoe", "blue boot", "black tea"])), "x")

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    assert cosine(shoe, boot) > 0.99 and abs(cosine(shoe, tea)) < 0.01


TEXTS = st.text(alphabet="ab ", max_size=6) | st.sampled_from(["shoe", "red shoe", ""])


@given(
    rows=st.lists(st.lists(TEXTS, max_size=4), min_size=1, max_size=5),
    new=st.lists(TEXTS, min_size=1, max_size=5),
)
def test_a_text_does_not_depend_on_other_rows(rows, new):
    rows = [*rows, ["some words", "other words"]]
    table = pa.table({"x": rows})
    encoder = SequenceEncoder(text=["x"], random_state=0).fit(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SequenceFrameWarning)  # of texts without a known word
        together = rows_of(encoder.transform(one(new)), "x")
        alone = np.concatenate([rows_of(encoder.transform(one([text])), "x") for text in new])
    np.testing.assert_array_equal(together, alone)
    # Nor does what is learned depend on the order of the rows, or on how often a text occurs.
    again = SequenceEncoder(text=["x"], random_state=0).fit(
        pa.table({"x": [row[::-1] * 2 for row in rows[::-1]]})
    )
    assert same(again.transform(table), encoder.transform(table))


def test_every_library_reads_texts_alike(frame_lib):
    columns = {"x": [*TITLES, [None, "red"], []]}
    encoder = SequenceEncoder(text=["x"], random_state=0).fit(frame_lib.make(columns))
    arrow = SequenceEncoder(text=["x"], random_state=0).fit_transform(pa.table(columns))
    assert frame_lib.to_pylist(encoder.transform(frame_lib.make(columns))) == arrow.to_pylist()
    assert encoder.transform(pa.table(columns)).equals(arrow)
    assert frame_lib.to_pylist(encoder.transform(frame_lib.make(columns)[:0])) == []
    strings = pa.array(["red", None, "tea"])
    expected = encoder.transform(one(strings))
    for other in (strings.cast(pa.large_string()), strings.dictionary_encode()):
        assert same(encoder.transform(one(other)), expected)


def test_missing_texts_are_zeros_and_flagged():
    encoder = SequenceEncoder(text=["x"], random_state=0)
    encoded = encoder.fit_transform(one(["red shoe", None, "tea", ""]))
    assert encoded.column_names == ["x_0", "x_1", "x_missing"]
    assert encoder.get_feature_names_out().tolist() == encoded.column_names
    assert flat(encoded, "x_missing") == [0, 1, 0, 0]
    components = rows_of(encoded, "x")
    assert not components[[1, 3]].any() and components[[0, 2]].any(axis=1).all()
    assert {str(field.type) for field in encoded.schema} == {"list<item: float>"}


def test_texts_missing_at_transform_only_are_warned_of():
    encoder = SequenceEncoder(text=["x"], random_state=0).fit(one(["red shoe", "tea"]))
    with pytest.warns(UserWarning, match="1 values of 'x' are missing, .* as texts without") as w:
        encoded = encoder.transform(one(["tea", None]))
    assert w[0].filename == __file__
    assert not rows_of(encoded, "x")[1].any()


@pytest.mark.parametrize(
    ("texts", "size"),
    [
        (["red"], 1),
        (["red", "red", "red"], 1),
        (["red red", "red"], 1),
        (["red shoe", "red shoe", "tea"], 2),
        ([None, None], 0),
        (pa.nulls(2), 0),
        (pa.array(["a", None]).dictionary_encode(), 1),
    ],
)
def test_few_texts_have_few_components(texts, size):
    table = one(texts, y=[[1] * len(texts)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder = SequenceEncoder(text=["x"], random_state=0).fit(table)
        names = [f"x_{i}" for i in range(size)]
        names += ["x_missing"] * (pa.array(texts).null_count > 0)
        assert encoder.get_feature_names_out().tolist() == [*names, "y"]
        assert encoder.transform(table).column_names == [*names, "y"]
    new = encoder.transform(one(["something new", "red shoe", "a"], y=[[1, 1, 1]]))
    assert new.column_names == [*names, "y"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["", "!?", None], r"None of the 2 distinct texts of 'x' has a word .*analyzer='char'"),
        ([""], "None of the 1 distinct texts of 'x' has a word"),
        ([], "None of the 1 histories holds an event"),
    ],
)
def test_texts_that_give_nothing_are_warned_of(texts, message):
    table = one(texts, y=[[1] * len(texts)])
    with pytest.warns(SequenceFrameWarning, match=message) as caught:
        encoder = SequenceEncoder(text=["x"], random_state=0).fit(table)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert encoder.get_feature_names_out().tolist() == ["x_missing"] * (None in texts) + ["y"]


def test_texts_without_a_word_alone_leave_nothing():
    with (
        pytest.warns(SequenceFrameWarning, match="has a word"),
        pytest.raises(SequenceFrameError, match=r"encode: .* Texts without words"),
    ):
        SequenceEncoder(text=["x"]).fit(one(["", "!"]))


def test_words_are_cut_at_the_most_frequent(monkeypatch):
    monkeypatch.setattr("skbseq.preprocessing._text._MOST_WORDS", 2)
    encoder = SequenceEncoder(text=["x"], random_state=0).fit(one(["a b", "a c", "b a", "d a b"]))
    found = rows_of(encoder.transform(one(["a", "b", "c", "d"])), "x")
    assert found[:2].any(axis=1).all() and not found[2:].any()


def test_the_seed_makes_texts_repeatable(rng):
    titles = [" ".join(f"w{i}" for i in rng.integers(0, 300, 6)) for _ in range(300)]
    table = one(titles)

    def fit(seed):
        return SequenceEncoder(text=["x"], text_size=4, random_state=seed).fit_transform(table)

    assert same(fit(0), fit(0)) and not same(fit(0), fit(1))


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 2], "integer"), ([1.5], "float"), ([True], "boolean"), ([["a"]], "list")],
)
def test_what_is_not_text_is_refused(values, kind):
    with pytest.raises(SequenceFrameError, match=f"'x' holds {kind} values, which are not text"):
        SequenceEncoder(text=["x"]).fit(one(values))
    encoder = SequenceEncoder(text=["x"]).fit(one(["a"]))
    with pytest.raises(SequenceFrameError, match=f"'x' holds {kind} values, which are not text"):
        encoder.transform(one(values))


# ------------------------------------------------------------------ vectors

VECTORS = [[[3.0, 4.0], [0.0, 0.5]], [[0.0, -10.0]], []]


def plain_vectors(training, new):
    """The formula of the documentation, one vector at a time."""
    lengths = [math.hypot(*vector) for vector in training]
    middle = statistics.median([length for length in lengths if length > 0] or [1])
    found = []
    for vector in new:
        length = math.hypot(*vector)
        factor = math.sqrt(len(vector)) * math.asinh(length / middle) / length if length else 0
        found.append([component * factor for component in vector])
    return np.array(found)


NUMBER = st.floats(-1e6, 1e6, width=32).map(lambda v: round(v, 3))


@given(size=st.integers(1, 4), data=st.data())
def test_vectors_are_scaled_by_the_formula(size, data):
    vector = st.lists(NUMBER, min_size=size, max_size=size)
    training = data.draw(st.lists(vector, min_size=1, max_size=9))
    new = data.draw(st.lists(vector, min_size=1, max_size=5))
    encoder = SequenceEncoder().fit(one(training))
    found = rows_of(encoder.transform(one(new)), "x")
    np.testing.assert_allclose(found, plain_vectors(training, new), rtol=1e-5, atol=1e-6)
    alone = [rows_of(encoder.transform(one([v])), "x")[0] for v in new]
    np.testing.assert_array_equal(found, alone)


def test_blocks_of_events_are_scaled_as_one(monkeypatch, rng):
    vectors = rng.normal(size=(10, 3))
    encoder = SequenceEncoder().fit(one(vectors.tolist()))
    whole = encoder.transform(one(vectors.tolist()))
    monkeypatch.setattr("skbseq.preprocessing._vector._BLOCK", 3)
    assert same(encoder.transform(one(vectors.tolist())), whole)


def test_vectors_keep_their_direction_and_do_not_run_away():
    vectors = [[3.0, 4.0], [0.6, -0.8], [3e300, 4e300], [3e-300, 4e-300], [0.0, 0.0]]
    found = rows_of(SequenceEncoder().fit_transform(one(vectors)), "x")
    assert np.isfinite(found).all() and np.abs(found).max() < 700
    np.testing.assert_allclose(found[0] / np.linalg.norm(found[0]), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(found[1] / np.linalg.norm(found[1]), [0.6, -0.8], rtol=1e-6)
    np.testing.assert_allclose(found[2] / np.linalg.norm(found[2]), [0.6, 0.8], rtol=1e-6)
    assert np.linalg.norm(found[2]) > 100 * np.linalg.norm(found[0])
    assert not found[4].any()


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.list_(pa.float64())),
        pa.list_(pa.list_(pa.float32(), 2)),
        pa.large_list(pa.large_list(pa.float64())),
        pa.large_list(pa.list_(pa.float64(), 2)),
        pa.list_view(pa.list_(pa.float64())),
        pa.list_(pa.list_view(pa.float64())),
    ],
)
def test_every_type_of_nested_lists(kind):
    rows = [*VECTORS, [None], None, [[1.0, 2.0], None]]
    column = pa.array(rows, kind)
    expected = SequenceEncoder().fit_transform(pa.table({"x": pa.array(rows)})).to_pylist()
    assert expected[0].keys() == {"x_0", "x_1", "x_missing"}
    for table in (
        pa.table({"x": column}),
        pa.table({"x": pa.chunked_array([column.slice(0, 1), column.slice(1)])}),
    ):
        encoder = SequenceEncoder().fit(table)
        assert encoder.transform(table).to_pylist() == expected
        assert encoder.transform(table.slice(3, 3)).to_pylist() == expected[3:]


def test_every_library_scales_vectors_alike(frame_lib):
    columns = {"v": [*VECTORS, [None, [1.0, 2.0]]], "n": [[1.0, 2.0], [3.0], [], [4.0, 5.0]]}
    encoder = SequenceEncoder().fit(frame_lib.make(columns))
    encoded = encoder.transform(frame_lib.make(columns))
    assert isinstance(encoded, type(frame_lib.make(columns)))
    arrow = SequenceEncoder().fit_transform(pa.table(columns))
    assert arrow.column_names == ["v_0", "v_1", "v_missing", "n"]
    assert frame_lib.to_pylist(encoded) == arrow.to_pylist()
    assert frame_lib.to_pylist(encoder.transform(frame_lib.make(columns)[:0])) == []


def test_vectors_of_polars():
    polars = pytest.importorskip("polars")
    expected = SequenceEncoder().fit_transform(pa.table({"x": VECTORS})).to_pylist()
    for kind in (
        polars.List(polars.Array(polars.Float32, 2)),
        polars.List(polars.List(polars.Float64)),
    ):
        frame = polars.DataFrame({"x": VECTORS}, schema={"x": kind})
        assert SequenceEncoder().fit_transform(frame).to_dicts() == expected


@pytest.mark.parametrize(
    "rows",
    [
        VECTORS,
        [np.array(VECTORS[0]), np.array(VECTORS[1]), np.zeros((0, 2))],
        [np.float32(VECTORS[0]), np.array(VECTORS[1]), None],
        [np.array(VECTORS[0]), VECTORS[1], []],
        [np.array(VECTORS[0]), np.array(VECTORS[1]), np.array([])],
        [[np.array(v) for v in row] for row in VECTORS],
        [np.array(VECTORS[0]), [np.array(VECTORS[1][0])], float("nan")],
    ],
)
def test_objects_of_python_hold_vectors(rows):
    expected = SequenceEncoder().fit_transform(pa.table({"x": VECTORS}))
    objects = pd.Series(rows, dtype=object, index=[3, 1, 2])
    frame = pd.DataFrame({"a": [["u", "v"], ["u"], []], "x": objects.tolist()}, index=[3, 1, 2])
    encoded = SequenceEncoder().fit_transform(frame)
    assert list(encoded) == ["a", "x_0", "x_1"] and encoded.index.tolist() == [3, 1, 2]
    assert encoded["x_1"].tolist() == expected["x_1"].to_pylist()
    assert frame["x"].tolist() == objects.tolist() or any(isinstance(r, np.ndarray) for r in rows)
    column = np.empty(3, dtype=object)
    column[:] = rows
    again = SequenceEncoder().fit_transform(column)
    assert again["x0_1"].tolist() == expected["x_1"].to_pylist()


def test_two_dimensional_arrays_of_strings_and_of_several_widths():
    frame = pd.DataFrame({"x": [np.array([["a", "b"]]), np.array([["c", "d"]])]})
    with pytest.raises(SequenceFrameError, match="Column 'x' holds lists of lists of string"):
        SequenceEncoder().fit(frame)
    frame = pd.DataFrame({"x": [np.ones((2, 2)), np.ones((1, 3))]})
    with pytest.raises(SequenceFrameError, match="Row 1 of 'x' holds a vector of 3 numbers"):
        SequenceEncoder().fit(frame)
    frame = pd.DataFrame({"x": [np.ones((2, 2)), "a"]})
    with pytest.raises(SequenceFrameError, match="Column 'x' mixes kinds of values: row 1 holds"):
        SequenceEncoder().fit(frame)


def test_a_vector_that_lacks_a_component_is_missing():
    table = one([[3.0, 4.0], None, [float("nan"), 1.0], [None, 2.0], [6.0, 8.0]])
    encoder = SequenceEncoder().fit(table)
    encoded = encoder.transform(table)
    assert flat(encoded, "x_missing") == [0, 1, 1, 1, 0]
    expected = plain_vectors([[3, 4], [6, 8]], [[3, 4], [0, 0], [0, 0], [0, 0], [6, 8]])
    np.testing.assert_allclose(rows_of(encoded, "x"), expected, rtol=1e-6)
    arrays = pd.DataFrame({"x": [np.array([[3.0, 4.0], [np.nan, 1.0]])]})
    assert encoder.transform(arrays)["x_missing"].tolist() == [[0, 1]]


def test_vectors_missing_at_transform_only_are_warned_of():
    encoder = SequenceEncoder().fit(one([[3.0, 4.0]]))
    with pytest.warns(UserWarning, match="1 values of 'x' are missing, .* treated as zeros") as w:
        encoded = encoder.transform(one([[3.0, 4.0], None]))
    assert w[0].filename == __file__
    assert not rows_of(encoded, "x")[1].any()
    with pytest.warns(UserWarning, match="1 values of 'x' are missing"):
        encoder.transform(one([None]))  # a batch that does not say what it holds


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[], [[1.0, 2.0], [1.0]]], "Row 1 of 'x' holds a vector of 1 numbers; the first one at"),
        ([[[1.0, 2.0]], [[]]], "Row 1 of 'x' holds a vector of 0 numbers; .* null for an unk"),
        ([[[1.0, 2.0]], [[np.inf, 1.0]]], "Row 1 of 'x' holds a vector with an infinite compon"),
        ([[None], [None, [1.0, -np.inf]]], "Row 1 of 'x' holds a vector with an infinite compon"),
        ([[], [["a", "b"]]], "Column 'x' holds lists of lists of string values.* the products of"),
        ([[[[1.0]]]], "Column 'x' holds lists of lists of list values"),
        ([[[1, 2]]], r"Column 'x' holds lists of lists of integer .* pass vector=\['x'\]"),
        ([[[]]], "Row 0 of 'x' holds a vector of 0 numbers; fit saw none"),
    ],
)
def test_vectors_that_are_not_fit_are_refused(rows, message):
    with pytest.raises(SequenceFrameError, match=message):
        SequenceEncoder().fit(pa.table({"x": rows}))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[], [[1.0, 2.0, 3.0]]], "Row 1 of 'x' holds a vector of 3 numbers; the first .* had 2"),
        ([[[1.0, 2.0]], [[1.0]]], "Row 1 of 'x' holds a vector of 1 numbers"),
        ([[1.0]], "'x' holds float values, but each event must have a vec"),
        ([[["a"]]], "'x' holds lists of string values, but each event must have a vec"),
        ([[[[1.0]]]], "'x' holds lists of list values, but each event must have a vec"),
        ([[[1.0, np.inf]]], "Row 0 of 'x' holds a vector with an infinite component"),
    ],
)
def test_vectors_unlike_those_of_fit_are_refused(rows, message):
    encoder = SequenceEncoder().fit(pa.table({"x": VECTORS}))
    with pytest.raises(SequenceFrameError, match=message):
        encoder.transform(pa.table({"x": rows}))


def test_vectors_of_integers_are_told():
    whole = [[[3, 4], [0, 1]], [[0, -10]], []]
    encoded = SequenceEncoder(vector=["x"]).fit_transform(pa.table({"x": whole}))
    floats = [[[float(n) for n in v] for v in row] for row in whole]
    assert same(encoded, SequenceEncoder().fit_transform(pa.table({"x": floats})))


def test_nested_lists_are_left_out_where_told():
    table = pa.table({"a": [["u"]], "x": [[[1.0]]], "basket": [[["milk", "tea"]]]})
    assert SequenceEncoder(vector=[]).fit_transform(table).column_names == ["a"]
    told = SequenceEncoder(vector=["x"]).fit_transform(table)
    assert told.column_names == ["a", "x_0"]


def test_a_channel_without_a_vector():
    table = pa.table({"x": pa.array([[None]], pa.list_(pa.list_(pa.float64()))), "y": [["a"]]})
    encoder = SequenceEncoder().fit(table)
    assert encoder.transform(table).to_pylist() == [{"x_missing": [1.0], "y": [2]}]
    with pytest.raises(SequenceFrameError, match="a vector of 2 numbers; fit saw none"):
        encoder.transform(pa.table({"x": [[[1.0, 2.0]]], "y": [["a"]]}))
    with (
        pytest.warns(SequenceFrameWarning, match="None of the 1 histories"),
        pytest.raises(SequenceFrameError, match=r"encode: .* columns without any vector"),
    ):
        SequenceEncoder().fit(pa.table({"x": pa.array([[]], pa.list_(pa.list_(pa.float64())))}))


def test_whoever_takes_no_vectors_refuses_them_clearly():
    table = pa.table({"x": VECTORS})
    message = "Column 'x' holds lists of lists; .* SequenceEncoder turns vectors of numbers into"
    with pytest.raises(SequenceFrameError, match=message):
        _frames.split_sequences(table)
    with pytest.raises(SequenceFrameError, match=message):
        _frames.split_sequences(pd.DataFrame({"x": [np.ones((2, 2))]}))
    with pytest.raises(SequenceFrameError, match="'x' holds list values; a network takes"):
        InputSchema.of_frame(_frames.split_sequences(table, nested=True))


# ------------------------------------------------------------------ all of them at once

SHOP = {
    "product": [["p1", "p2", "p1"], ["p3"], [], ["p4", None]],
    "title": [["red shoe", "tea", "red shoe"], ["red boot"], [], ["green tea", None]],
    "image": [[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [[0.8, 0.6]], [], [[0.0, -2.0], None]],
    "price": [[9.5, 2.0, 9.5], [20.0], [], [3.0, None]],
}
OPTIONS = {"text": ["title"], "max_categories": 1, "hash_buckets": 4, "random_state": 0}


def test_modalities_meet_in_one_frame(frame_lib):
    frame = frame_lib.make(SHOP)
    encoder = SequenceEncoder(**OPTIONS).fit(frame)
    encoded = encoder.transform(frame)
    names = encoder.get_feature_names_out().tolist()
    assert names[0] == "product" and names[-2:] == ["price", "price_missing"]
    assert {"title_0", "title_missing", "image_0", "image_1", "image_missing"} <= set(names)
    # What comes out is what a network takes.
    schema = InputSchema.of_frame(_frames.split_sequences(encoded))
    sequences = schema.read_frame(_frames.split_sequences(encoded))
    assert sequences.numbers.shape == (6, len(names) - 1) and len(sequences) == 4
    # Also new categories keep to the codes that it has seen.
    new = SHOP | {"product": [["p7", "p8", "p9"], ["p10"], [], ["p11", "p12"]]}
    codes = schema.read_frame(
        _frames.split_sequences(encoder.transform(frame_lib.make(new)))
    ).codes
    assert set(codes.ravel()) <= set(sequences.codes.ravel())


@pytest.mark.parametrize("way", ["pickle", "deepcopy", "file"])
def test_modalities_are_kept_in_files(way, tmp_path):
    encoder = SequenceEncoder(min_frequency={"product": 1}, **OPTIONS).fit(pa.table(SHOP))
    if way == "file":
        save(encoder, tmp_path / "encoder.skbseq")
        other = load(tmp_path / "encoder.skbseq")
    else:
        other = (
            copy.deepcopy(encoder) if way == "deepcopy" else pickle.loads(pickle.dumps(encoder))
        )
    new = SHOP | {"title": [["new words", "tea", "red green"], ["red"], [], ["tea", None]]}
    assert same(other.transform(pa.table(new)), encoder.transform(pa.table(new)))
    state = pickle.dumps(encoder)
    encoder.transform(pa.table(new))
    assert pickle.dumps(encoder) == state
    with pytest.warns(SequenceFrameWarning, match="has a word"):
        wordless = SequenceEncoder(text=["x"]).fit(one(["", "!"], y=[["a", "b"]]))
    save(wordless, tmp_path / "wordless.skbseq")
    new = one(["a", "b"], y=[["a", "b"]])
    assert same(load(tmp_path / "wordless.skbseq").transform(new), wordless.transform(new))


def test_cut_histories_teach_their_last_events_alone():
    cut = {name: [row[-1:] for row in rows] for name, rows in SHOP.items()}
    short = SequenceEncoder(max_length=1, **OPTIONS).fit(pa.table(SHOP))
    expected = SequenceEncoder(**OPTIONS).fit(pa.table(cut)).transform(pa.table(cut))
    assert same(short.transform(pa.table(SHOP)), expected)


def test_set_output_takes_all_modalities():
    encoder = SequenceEncoder(**OPTIONS).set_output(transform="pandas")
    encoded = encoder.fit_transform(pa.table(SHOP))
    assert isinstance(encoded, pd.DataFrame)
    plain = SequenceEncoder(**OPTIONS).fit_transform(pa.table(SHOP))
    assert encoded["image_1"].tolist() == plain["image_1"].to_pylist()
