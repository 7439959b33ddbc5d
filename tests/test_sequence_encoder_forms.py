"""SequenceEncoder on every form of a sequence frame, on arrays, and beside scikit-learn's own."""

import datetime as dt
import math
import statistics
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skbseq import SequenceEncoder
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


def plain_scale(training, value):
    """The formula of the documentation."""
    if len(training) == 1:
        training = training * 2
    low, median, high = statistics.quantiles(training, n=4, method="inclusive")
    width = high - low or (max(training) - min(training)) / 2 or 1
    return math.asinh(2 * (value - median) / width)


# ------------------------------------------------------------------ forms of frames


def test_every_library_in_is_the_library_out(frame_lib):
    frame = frame_lib.make(FRAME)
    encoder = SequenceEncoder(context=["country", "age"]).fit(frame)
    encoded = encoder.transform(frame)
    assert type(encoded) is type(frame)
    arrow = SequenceEncoder(context=["country", "age"]).fit_transform(pa.table(FRAME))
    assert frame_lib.to_pylist(encoded) == arrow.to_pylist()
    columns = encoded.column_names if frame_lib.name == "pyarrow" else list(encoded.columns)
    assert encoder.get_feature_names_out().tolist() == columns
    assert encoder.feature_names_in_.tolist() == list(FRAME)
    assert encoder.n_features_in_ == len(FRAME)
    # And an encoder fitted in one library takes frames of the others.
    assert encoder.transform(pa.table(FRAME)).equals(arrow)


@pytest.mark.parametrize(
    "rows",
    [
        [["a", "b"], ["a"], []],
        [("a", "b"), ("a",), ()],
        [np.array(["a", "b"], dtype=object), np.array(["a"]), None],
        [["a", "b"], ("a",), np.array([], dtype=object)],
    ],
)
def test_objects_of_python_are_lists(rows):
    expected = [[2, 3], [2], []]
    objects = pd.Series(rows, dtype=object)
    encoded = SequenceEncoder().fit_transform(pd.DataFrame({"x": objects}))
    assert encoded["x"].tolist() == expected
    bare = [[] if row is None else list(row) for row in rows]
    assert SequenceEncoder().fit_transform(bare)["x0"].tolist() == expected
    column = np.empty(3, dtype=object)
    column[:] = rows
    assert SequenceEncoder().fit_transform(column)["x0"].tolist() == expected
    assert SequenceEncoder().fit_transform(column[:, None])["x0"].tolist() == expected


def test_an_array_of_objects_holds_channels_and_context():
    array = np.empty((2, 3), dtype=object)
    array[:, 0] = [None, [1, 2]]
    array[:, 1] = [[], ["a", "b"]]
    array[:, 2] = [5, 7]
    encoded = SequenceEncoder(context=["x2"]).fit_transform(array)
    assert encoded["x0"].tolist() == encoded["x1"].tolist() == [[], [2, 3]]
    assert encoded["x2"].tolist() == pytest.approx([plain_scale([5, 7], v) for v in (5, 7)])


@pytest.mark.parametrize("rows", [[[1, 2], [1]], [["a"], ["b"]], [[1, None], [2, 3]], [[1.5], []]])
def test_a_bare_list_of_lists_is_a_channel(rows):
    encoder = SequenceEncoder()
    encoded = encoder.fit_transform(rows)
    expected = SequenceEncoder().fit_transform(pa.table({"x0": rows}))
    assert encoded["x0"].tolist() == expected["x0"].to_pylist()
    assert not hasattr(encoder, "feature_names_in_")
    assert encoder.get_feature_names_out().tolist() == list(encoded)
    # A batch that happens to be of equal lengths is read as fit read the training data.
    assert encoder.transform(rows[:1])["x0"].tolist() == encoded["x0"].tolist()[:1]


def test_a_rectangle_of_numbers_is_an_array():
    encoded = SequenceEncoder().fit_transform([[1, 2], [3, 4]])
    assert isinstance(encoded, np.ndarray) and encoded.shape == (2, 2)


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.int64()),
        pa.large_list(pa.int64()),
        pa.list_(pa.int64(), 2),
        pa.list_view(pa.int64()),
        pa.large_list_view(pa.int64()),
        pa.list_(pa.string()),
        pa.list_(pa.large_string()),
        pa.list_(pa.string_view()),
    ],
)
def test_every_list_type_of_arrow(kind):
    rows = [[5, 6], None, [5, None], [5, 5]]
    if kind.value_type != pa.int64():
        rows = [row and [None if v is None else str(v) for v in row] for row in rows]
    if not pa.types.is_fixed_size_list(kind):
        rows = [*rows, []]
    column = pa.array(rows, kind)
    codes = {5: 2, 6: 3, None: 4, "5": 2, "6": 3}
    expected = [[codes[value] for value in row or []] for row in rows]
    for table in (
        pa.table({"x": column}),
        pa.table({"x": pa.chunked_array([column.slice(0, 1), column.slice(1)])}),
    ):
        encoder = SequenceEncoder().fit(table)
        assert encoder.transform(table)["x"].to_pylist() == expected
        assert encoder.transform(table.slice(2, 1))["x"].to_pylist() == expected[2:3]


def test_the_lists_of_polars():
    polars = pytest.importorskip("polars")
    for kind in (
        polars.List(polars.String),
        polars.List(polars.Categorical),
        polars.List(polars.Enum(["a", "b", "c"])),
        polars.Array(polars.String, 2),
    ):
        frame = polars.DataFrame({"x": [["b", "a"], ["b", "b"]]}, schema={"x": kind})
        assert SequenceEncoder().fit_transform(frame)["x"].to_list() == [[2, 3], [2, 2]]


def test_empty_histories_and_no_rows(frame_lib):
    frame = frame_lib.make(FRAME)
    encoder = SequenceEncoder(context=["country"]).fit(frame)
    expected = frame_lib.to_pylist(encoder.transform(frame))
    assert frame_lib.to_pylist(encoder.transform(frame[2:3])) == expected[2:]
    none = encoder.transform(frame[:0])
    assert type(none) is type(frame)
    assert frame_lib.to_pylist(none) == []
    assert list(none.schema.names if frame_lib.name == "pyarrow" else none.columns) == list(
        encoder.get_feature_names_out()
    )
    empty = frame_lib.make({"x": pa.array([[], []], pa.list_(pa.string()))})
    with pytest.warns(SequenceFrameWarning, match="None of the 2 histories holds an event") as w:
        assert frame_lib.to_pylist(SequenceEncoder().fit_transform(empty)) == [{"x": []}] * 2
    assert len(w) == 1 and w[0].filename == __file__


def test_a_batch_that_does_not_say_that_it_holds_lists():
    columns = {"x": [["a", "b"], ["a"]], "when": [[MONDAY] * 2, [MONDAY]], "c": ["u", "v"]}
    frame = pd.DataFrame(columns)  # columns of objects
    encoder = SequenceEncoder(context=["c"]).fit(frame)
    assert len(encoder.transform(frame.iloc[:0])) == 0
    nothing = pd.DataFrame({"x": [None], "when": [None], "c": ["u"]})
    assert encoder.transform(nothing)["x"].tolist() == [[]]
    with pytest.warns(SequenceFrameWarning, match="None of the 1 histories"):
        told = SequenceEncoder(categorical=["x"], time=["when"]).fit(nothing)
    assert told.transform(nothing)["x"].tolist() == [[]]


@pytest.mark.parametrize(
    "index", [[5, 3, 5], pd.MultiIndex.from_tuples([(1, 1), (1, 2), (2, 1)], names=["a", "b"])]
)
def test_the_index_is_kept(index):
    frame = pd.DataFrame({"x": [["a"], [], ["b"]], "c": [1, 2, 3]}, index=index)
    encoded = SequenceEncoder(context=["c"]).fit_transform(frame)
    assert encoded.index.equals(frame.index) and encoded.index.names == frame.index.names


def test_columns_may_be_reordered_or_more_but_not_fewer(frame_lib):
    encoder = SequenceEncoder(context=["age"]).fit(frame_lib.make(FRAME))
    expected = frame_lib.to_pylist(encoder.transform(frame_lib.make(FRAME)))
    other = dict(reversed(FRAME.items())) | {"extra": [1, 2, 3], "lists": [[1, 2], [3], []]}
    found = frame_lib.to_pylist(encoder.transform(frame_lib.make(other)))
    assert found == expected
    for name, kind in (("what", "list"), ("when", "list"), ("age", "ordinary")):
        fewer = {key: value for key, value in FRAME.items() if key != name}
        with pytest.raises(SequenceFrameError, match=f"no {kind} column '{name}', which the enc"):
            encoder.transform(frame_lib.make(fewer))


# ------------------------------------------------------------------ frames that are not fit


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"x": ["a", "b"]}, r"The frame has no channel: .* It has x \(string\)"),
        ({"x": [["a"]], "y": [[1, 2]]}, "Row 0 has 1 values in 'x' but 2 in 'y'.*permutation_imp"),
        ({"x": [["a"], ["a"]], "y": [[1], []]}, "Row 1 has 1 values in 'x' but 0 in 'y'"),
        ({"x": [["a"], None], "y": [[1], [1]]}, "Row 1 has 0 values in 'x' but 1 in 'y'"),
        ({"x": [["a"], [1]]}, "Column 'x' mixes kinds of values: row 1 holds 1 of type int"),
        ({"x": [["a", 1]]}, "Column 'x' mixes kinds of values: row 0 holds 1 of type int"),
        ({"x": [["a"], "a"]}, "Column 'x' mixes .* row 1 holds 'a' of type str .* of type list"),
        ({"x": [np.ones((2, 2, 2))]}, "Row 0 of column 'x' holds a ndarray, for which"),
        ({"x": [[object()]]}, r"Row 0 of column 'x' holds \[<obj.* of type list, for which"),
        ({3: [["a"]]}, "Column names must be strings; got 3 of type int"),
        ({"x": pd.Series([], dtype=object)}, "The frame has no channel"),
    ],
)
def test_frames_that_are_not_fit_are_refused(frame, message):
    with pytest.raises(SequenceFrameError, match=message):
        SequenceEncoder().fit(pd.DataFrame(frame))


def test_a_name_that_stands_twice_is_refused():
    frame = pd.DataFrame([[["a"], ["b"]]], columns=["x", "x"])
    with pytest.raises(SequenceFrameError, match="Column 'x' occurs 2 times"):
        SequenceEncoder().fit(frame)


def test_no_rows_to_fit_are_refused(frame_lib):
    with pytest.raises(SequenceFrameError, match="The frame has no rows; fit needs at least one"):
        SequenceEncoder().fit(frame_lib.make(FRAME)[:0])


def test_a_single_column_is_told_to_be_a_table(frame_lib):
    column = frame_lib.make({"x": [["a"], ["b"]]})["x"]
    with pytest.raises(SequenceFrameError, match=r"got a single column .* X\[\['name'\]\]"):
        SequenceEncoder().fit(column)


@pytest.mark.parametrize("rows", [[[1, "a"], [2]], [["a"], [1]], [[[1], [1, 2]], [[3], [3]]]])
def test_bare_lists_that_are_not_fit_are_refused(rows):
    with pytest.raises(SequenceFrameError, match="Column 'x0'"):
        SequenceEncoder().fit(rows)


# ------------------------------------------------------------------ arrays


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_array_is_scaled_as_one_channel(dtype):
    X = np.array([[1, 2, 3], [4, np.nan, np.nan], [9, 5, np.nan]], dtype)
    training = [1, 2, 3, 4, 9, 5]
    Z = SequenceEncoder().fit_transform(X)
    assert Z.dtype == dtype and Z.shape == X.shape
    assert np.array_equal(np.isnan(Z), np.isnan(X))
    expected = [plain_scale(training, value) for value in X[~np.isnan(X)].tolist()]
    assert Z[~np.isnan(X)].tolist() == pytest.approx(expected, rel=1e-6)


def test_an_array_of_channels_is_scaled_channel_by_channel(rng):
    X = rng.normal(size=(5, 4, 2)) * [1, 1000]
    X[0, 2:] = np.nan
    Z = SequenceEncoder().fit_transform(X)
    for channel in range(2):
        alone = SequenceEncoder().fit_transform(X[..., channel])
        np.testing.assert_array_equal(Z[..., channel], alone)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([[1, np.nan, 2.0]]), "Row 0 holds NaN at step 1, before its last real step"),
        (np.array([[[1.0, 2.0], [1.0, np.nan]]]), "Row 0 holds NaN at step 1"),
        (np.ones((2, 3, 0)), r"X has shape \(2, 3, 0\)"),
        (np.ones((2, 3, 1, 1)), r"X has shape \(2, 3, 1, 1\)"),
        (np.array([[np.inf, 1.0]]), "infinity"),
        (np.ones(3), "Expected 2D array, got 1D array instead"),
    ],
)
def test_arrays_that_are_not_fit_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        SequenceEncoder().fit(X)


def test_rows_of_nothing_but_padding_are_empty():
    X = np.array([[np.nan, np.nan], [1.0, 2.0]])
    assert np.isnan(SequenceEncoder().fit_transform(X)[0]).all()
    with pytest.warns(SequenceFrameWarning, match="None of the 1 histories"):
        assert np.isnan(SequenceEncoder().fit_transform(X[:1])).all()


@pytest.mark.parametrize("shape", [(2, 3, 2), (2, 3)])
def test_an_array_of_another_shape_at_transform_is_refused(shape):
    encoder = SequenceEncoder().fit(np.ones((4, 3, 1)))
    with pytest.raises(ValueError, match=r"X has shape .* fitted on an array of 3 dimensions and"):
        encoder.transform(np.ones(shape))
    with pytest.raises(ValueError, match="X has 2 features, but SequenceEncoder is expecting 3"):
        encoder.transform(np.ones((4, 2, 1)))


def test_a_frame_of_numbers_is_an_array(frame_lib):
    columns = {"t0": [1.0, 3.0], "t1": [2.0, None]}
    frame = frame_lib.make(columns)
    encoder = SequenceEncoder().fit(frame)
    Z = encoder.transform(frame)
    expected = SequenceEncoder().fit_transform(np.array([[1, 2], [3, np.nan]]))
    np.testing.assert_array_equal(Z, expected)
    assert encoder.get_feature_names_out().tolist() == ["t0", "t1"]


# ------------------------------------------------------------------ with scikit-learn


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_makes_a_table_of_any_library_the_one_asked_for(frame_lib, library):
    wanted = pytest.importorskip(library).DataFrame
    frame = frame_lib.make(FRAME)
    encoder = SequenceEncoder(context=["age"]).set_output(transform=library)
    encoded = encoder.fit_transform(frame)
    assert isinstance(encoded, wanted)
    assert list(encoded.columns) == encoder.get_feature_names_out().tolist()
    plain = SequenceEncoder(context=["age"]).fit_transform(pa.table(FRAME))
    for name in plain.column_names:
        assert encoded[name].to_list() == plain[name].to_pylist()
    encoder.set_output(transform="default")
    assert type(encoder.transform(frame)) is type(frame)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_set_output_makes_tables_of_lists_and_arrays(library):
    wanted = pytest.importorskip(library).DataFrame
    encoder = SequenceEncoder().set_output(transform=library)
    assert isinstance(encoder.fit_transform([["a"], ["b", "c"]]), wanted)
    steps = encoder.fit_transform(np.array([[1.0, 2.0], [3.0, np.nan]]))
    assert isinstance(steps, wanted) and list(steps.columns) == ["x0", "x1"]
    with pytest.raises(ValueError, match="three dimensions cannot become a table"):
        encoder.fit_transform(np.ones((2, 3, 2)))


def test_set_output_keeps_the_index_of_pandas():
    frame = pd.DataFrame({"x": [["a"], ["b"]]}, index=[5, 3])
    encoded = SequenceEncoder().set_output(transform="pandas").fit_transform(frame)
    assert encoded.index.tolist() == [5, 3]


def test_the_global_configuration_is_heard():
    with sklearn.config_context(transform_output="pandas"):
        assert isinstance(SequenceEncoder().fit_transform(pa.table(FRAME)), pd.DataFrame)


def test_in_a_column_transformer():
    frame = pd.DataFrame(FRAME, index=[4, 2, 4])
    transformer = ColumnTransformer(
        [
            ("events", SequenceEncoder(), ["what", "price"]),
            ("country", OneHotEncoder(sparse_output=False), ["country"]),
            ("age", StandardScaler(), ["age"]),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    encoded = transformer.fit_transform(frame)
    alone = SequenceEncoder().fit_transform(frame[["what", "price"]])
    assert list(encoded)[:3] == ["what", "price", "price_missing"]
    pd.testing.assert_frame_equal(encoded[list(alone)], alone)
    assert encoded.index.tolist() == [4, 2, 4]
    assert transformer.get_feature_names_out().tolist() == list(encoded)
    # What comes out is a sequence frame again.
    again = SequenceEncoder(categorical=["what"], numeric=["price"]).fit_transform(encoded)
    assert again["what"].tolist() == alone["what"].tolist()


def test_in_a_feature_union():
    frame = pd.DataFrame({"x": [["a", "b"], ["a"]], "y": [[1.0, 2.0], [3.0]]})
    union = FeatureUnion(
        [
            ("codes", SequenceEncoder(numeric=[])),
            ("numbers", SequenceEncoder(categorical=[])),
        ]
    ).set_output(transform="pandas")
    encoded = union.fit_transform(frame)
    assert list(encoded) == ["codes__x", "numbers__y"]
    assert encoded["codes__x"].tolist() == [[2, 3], [2]]


def test_in_a_pipeline_of_two():
    frame = pd.DataFrame({"x": [["a", "b"], ["a"]]})
    pipeline = make_pipeline(SequenceEncoder(), SequenceEncoder(max_length=1))
    assert pipeline.fit_transform(frame)["x"].tolist() == [[3], [2]]
    assert pipeline.get_feature_names_out().tolist() == ["x"]


def test_names_of_features_in_are_checked():
    encoder = SequenceEncoder().fit(pa.table({"x": [["a"]]}))
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        encoder.get_feature_names_out(["y"])


def test_nothing_is_said_where_nothing_is_wrong():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X in (
            pa.table(FRAME),
            np.array([[1.0, np.nan], [1e300, -1e300]]),
            [[1e308, -1e308, 0]],
        ):
            SequenceEncoder().fit(X).transform(X)
