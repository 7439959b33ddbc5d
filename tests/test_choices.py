"""What encoder and vectorizer choose by type is told, and doubted where the values contradict."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from skbseq import SequenceEncoder, load, save
from skbseq.exceptions import ModelFileError, SequenceFrameError, SequenceFrameWarning
from skbseq.preprocessing import SequenceVectorizer
from skbseq.preprocessing._channels import fingerprint

BOTH = pytest.mark.parametrize("kind", [SequenceEncoder, SequenceVectorizer])


def split(values, lengths):
    return np.split(np.asarray(values), np.cumsum(lengths)[:-1])


def shop(n=120, seed=0):
    """Columns of each kind: order numbers, quantities, ids with holes, titles, prices, colours."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 12, n)
    total = lengths.sum()
    rows = np.repeat(np.arange(n), lengths)
    products = rng.zipf(1.3, total).clip(1, 400)
    ids = np.random.default_rng(1).permutation(9000)[products] + 20000.0
    columns = {
        "user": np.arange(n),
        "order": [f"o{row}-{i // 3}" for row, i in zip(rows, range(total), strict=True)],
        "number": rng.geometric(0.08, total),
        "product": products_as_ids(products),
        "sku": np.where(rng.random(total) < 0.1, np.nan, ids),
        "price": rng.lognormal(2, 1, total),
        "colour": rng.choice(["red", "blue", "green"], total),
        "note": [f"a note about event {i}" for i in range(total)],
    }
    return {
        name: values if name == "user" else [part.tolist() for part in split(values, lengths)]
        for name, values in columns.items()
    }


def products_as_ids(products):
    return np.random.default_rng(2).permutation(9000)[products]


def message_of(estimator, X):
    with pytest.warns(SequenceFrameWarning) as caught:
        estimator.fit(X)
    assert len(caught) == 1 and caught[0].filename == __file__
    return str(caught[0].message)


def advice_of(message):
    """The estimators of the two calls that the message gives."""
    lines = message.splitlines()[-2:]
    assert lines[0].startswith("To follow the values: ")
    assert lines[1].startswith("To keep the choice: ")
    return [eval(line.split(": ", 1)[1]) for line in lines]


@BOTH
def test_doubts_are_told_once_with_calls_that_work(kind, frame_lib):
    X = frame_lib.make(shop())
    message = message_of(kind(), X)
    assert "'order' (string) is taken as categorical: " in message
    assert "100% of which have a value found in one history only" in message
    assert "'number' (integer) is taken as categorical: " in message
    assert "the smallest " in message or "about equally frequent" in message
    assert "'sku' (float) is taken as numeric: " in message and " missing" in message
    assert "'note' (string)" in message and "nearly unique" in message
    assert not any(f"'{name}' (" in message for name in ("product", "price", "colour"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        follow, keep = (estimator.fit(X) for estimator in advice_of(message))
    assert set(follow.categories_) == {"product", "sku", "colour"}
    if kind is SequenceEncoder:
        assert follow.text == ["note"]
    assert follow.numeric == ["number", "price"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        silent = kind().fit(X)
    assert keep.get_feature_names_out().tolist() == silent.get_feature_names_out().tolist()


@BOTH
def test_the_call_keeps_the_other_parameters(kind):
    X = {name: shop()[name] for name in ("order", "colour")}
    message = message_of(kind(min_frequency=2, cutoff="at"), pa.table(X))
    call = f"{kind.__name__}(categorical=['colour'], cutoff='at', min_frequency=2)"
    assert message.splitlines()[-2] == f"To follow the values: {call}"


@pytest.mark.parametrize("column", ["quantity", "unitPrice", "AGE_years"])
def test_names_of_quantities_count(column):
    values = np.random.default_rng(0).permutation(np.repeat(np.arange(1, 41), 25)).reshape(100, -1)
    assert "a name of quantities" in message_of(
        SequenceEncoder(), pa.table({column: values.tolist()})
    )
    SequenceEncoder().fit(pa.table({"item": values.tolist()}))  # even counts may be ids
    SequenceEncoder().fit(pa.table({column: (values % 20).tolist()}))  # few values


def test_few_small_values_that_are_most_are_a_quantity():
    rng = np.random.default_rng(0)
    many = rng.zipf(1.7, 4000).clip(1, 5000)
    message = message_of(SequenceEncoder(), pa.table({"n": many.reshape(100, -1).tolist()}))
    assert "'n' (integer)" in message and "from 1 to " in message
    # The same counts in another order are ids, one of which is very frequent.
    ids = rng.permutation(5001)[many]
    SequenceEncoder().fit(pa.table({"n": ids.reshape(100, -1).tolist()}))


@pytest.mark.parametrize("start", [-(2**62), 2**63])
def test_very_large_numbers_are_ids(start):
    ids = [[start + 3 * i + j for j in range(3)] for i in range(40)]
    dtype = pa.list_(pa.uint64() if start > 0 else pa.int64())
    message = message_of(SequenceEncoder(), pa.table({"n": pa.array(ids, dtype)}))
    assert "120 distinct values in 120 events, nearly unique" in message


def test_values_of_one_moment_or_one_user_are_of_no_use():
    rng = np.random.default_rng(0)
    n = 300
    moments = pd.to_datetime("2026-01-01") + pd.to_timedelta(np.arange(n), "h")
    baskets = [[f"b{i}"] * 3 + [f"b{i + 1}"] * 3 for i in range(n - 1)]  # each in two histories
    times = [[moments[i]] * 3 + [moments[i + 1]] * 3 for i in range(n - 1)]
    message = message_of(SequenceEncoder(), pd.DataFrame({"basket": baskets, "when": times}))
    assert "found at one moment of 'when' only" in message
    users = np.arange(n - 1) // 2  # two cutoffs each
    visits = [[f"{u}/{k}" for k in range(3)] for u in users]
    colours = rng.choice(list("abc"), (n - 1, 3)).tolist()
    X = pd.DataFrame({"user": users, "visit": visits, "colour": colours})
    assert "found with one 'user' only" in message_of(SequenceEncoder(), X)
    SequenceEncoder().fit(X.drop(columns="user").assign(visit=colours))


def test_columns_that_are_named_or_limited_are_not_doubted():
    X = pa.table({name: shop()[name] for name in ("order", "colour")})
    SequenceEncoder(categorical=["order"]).fit(X)
    SequenceEncoder(hash_buckets={"order": 16}).fit(X)
    SequenceVectorizer(behavior="order").fit(X)
    assert "'order'" in message_of(SequenceEncoder(hash_buckets=16), X)


@BOTH
def test_only_events_that_are_used_count_and_little_data_is_not_doubted(kind):
    kind().fit(pa.table({"x": [["a", "b", "c"], ["d"]], "n": [[1, 2, 3], [4]]}))
    X = pa.table({"x": [[f"p{i}{j}" for j in range(9)] + ["a"] for i in range(30)]})
    assert "'x'" in message_of(kind(), X)
    SequenceEncoder(max_length=1).fit(X)


# ------------------------------------------------------------------ nested columns


def nested():
    lists = {
        "basket": [[["milk", "tea"], ["tea"]]],
        "counts": [[[1, 2], [3, 4]]],
        "payload": [[{"a": 1}, {"a": 2}]],
        "image": [[[0.5, 1.0], [1.0, 0.5]]],
        "what": [["a", "b"]],
    }
    return pa.table(lists)


def test_all_nested_columns_are_named_with_a_call_that_works():
    with pytest.raises(SequenceFrameError) as caught:
        SequenceEncoder(max_length=5).fit(nested())
    message = str(caught.value)
    assert "'basket' holds lists of lists of string" in message
    assert "'counts' holds lists of lists of integer" in message
    assert "'payload' holds lists of struct<a: int64>" in message
    assert "pass vector=['image', 'counts']" in message
    encoder = eval(message.rsplit("out: ", 1)[1].rstrip(".")).fit(nested())
    assert encoder.get_feature_names_out().tolist() == ["image_0", "image_1", "what"]
    assert encoder.max_length == 5
    X = nested().select(["counts", "image", "what"])
    SequenceEncoder(vector=["image", "counts"]).fit(X)


def test_the_vectorizer_names_all_nested_columns():
    with pytest.raises(SequenceFrameError) as caught:
        SequenceVectorizer(["counts"]).fit(nested())
    message = str(caught.value)
    assert all(f"'{name}'" in message for name in ("basket", "counts", "payload", "image"))
    vectorizer = eval(message.rsplit("out: ", 1)[1].rstrip(".")).fit(nested())
    assert list(vectorizer.categories_) == ["what"]


# ------------------------------------------------------------------ the table


def test_describe_tells_the_use_of_each_column(frame_lib):
    columns = {
        "user": [1, 2],
        "country": ["fr", None],
        "what": [["a", "b", "a"], ["c"]],
        "price": [[1.5, None, 2.5], [1.5]],
        "left": [["x", "x", "x"], ["y"]],
    }
    X = frame_lib.make(columns)
    encoder = SequenceEncoder(
        categorical=["what"], context=["country"], min_frequency={"what": 2}
    ).fit(X)
    table = encoder.describe()
    assert type(table) is type(X)
    rows = {row["column"]: row for row in map(without_nan, frame_lib.to_pylist(table))}
    fields = ("type", "use", "chosen_by", "outputs", "values", "missing", "unknown")
    assert {name: tuple(row[f] for f in fields) for name, row in rows.items()} == {
        "what": ("string", "categorical", "categorical=", 1, 3, 0, 0.5),
        "price": ("float", "numeric", "type", 2, 2, 0.25, None),
        "left": ("string", "not used", "categorical=", 0, None, None, None),
        "user": ("integer", "not used", "context=", 0, None, None, None),
        "country": ("string", "context", "context=", 3, 1, 0.5, 0),
    }
    page = encoder._repr_html_()
    assert estimator_html_repr(encoder) in page or "sk-estimator" in page
    assert "<td>what</td><td>string</td><td>categorical</td>" in page and "50.0%" in page
    assert encoder._repr_mimebundle_()["text/html"].endswith(
        page[page.index('<table class="skb') :]
    )


def without_nan(row):
    return {name: None if value != value else value for name, value in row.items()}


def test_the_table_of_times_texts_vectors_arrays_and_old_encoders(tmp_path):
    when = pd.to_datetime(["2026-01-01", "2026-01-02"])
    X = pd.DataFrame(
        {
            "cutoff": [when[1]],
            "when": [list(when)],
            "title": [["red shoe", None]],
            "image": [[[1.0, 2.0], [2.0, 1.0]]],
        }
    )
    encoder = SequenceEncoder(text=["title"]).fit(X)
    table = encoder.describe().set_index("column")
    assert table["use"].to_dict() == {
        "when": "time",
        "title": "text",
        "image": "vector",
        "cutoff": "cutoff",
    }
    assert table.loc["title", ["values", "missing"]].tolist() == [1, 0.5]
    save(encoder, tmp_path / "e.skbseq")
    pd.testing.assert_frame_equal(load(tmp_path / "e.skbseq").describe(), encoder.describe())
    old = pickle.loads(pickle.dumps(encoder))
    del old._columns, old._library
    assert old.describe()["use"].tolist() == ["time", "text", "vector"]
    assert "<td>when</td>" in old._repr_html_()
    array = SequenceEncoder().fit(np.ones((2, 3, 2))).describe()
    assert array["use"].tolist() == ["numeric"] * 2
    assert SequenceEncoder().fit(np.ones((2, 3))).describe()["column"].tolist() == [
        "x0",
        "x1",
        "x2",
    ]
    assert "skbseq-columns" not in SequenceEncoder()._repr_html_()
    named = pd.DataFrame({"<b>": [["a"]]})
    assert "<td>&lt;b&gt;</td>" in SequenceEncoder().fit(named)._repr_html_()


# ------------------------------------------------------------------ texts

CHINESE = ["红色连衣裙", "蓝色连衣裙", "红色皮鞋", "蓝色皮鞋女", "绿茶茶叶"]
JAPANESE = ["赤いワンピース", "青いワンピース", "赤い靴です", "青い靴です"]
THAI = ["ชุดเดรสสีแดง", "ชุดเดรสสีฟ้า", "รองเท้าสีแดง", "รองเท้าสีฟ้า"]


def texts(values, frame_lib=None):
    columns = {"title": pa.array([values], pa.list_(pa.string())), "n": [["a"] * len(values)]}
    return pa.table(columns) if frame_lib is None else frame_lib.make(columns)


def components(encoder, values):
    encoded = encoder.transform(texts(values))
    names = [n for n in encoded.column_names if n.startswith("title_")]
    return np.array([encoded[n].to_pylist()[0] for n in names]).T


def by_characters(analyzer="char", **options):
    return SequenceEncoder(text=["title"], text_analyzer=analyzer, random_state=0, **options)


@pytest.mark.parametrize("titles", [CHINESE, JAPANESE, THAI, [*CHINESE, "red shoe", "", "  "]])
def test_scripts_without_spaces_are_warned_of_and_read_by_characters(titles, frame_lib):
    X = texts(titles, frame_lib)
    words = SequenceEncoder(text=["title"], random_state=0)
    message = message_of(words, X)
    assert "'title' are in a script without spaces between words" in message
    call = message[message.index("SequenceEncoder(") : message.index("), or pass") + 1]
    encoder = eval(call).set_params(random_state=0)
    assert encoder.get_params() == by_characters().get_params()
    encoder.fit(X)
    new = titles[0] + titles[-1 if titles[-1].strip() else 1]  # a title that was never seen
    if titles is not THAI:  # whose vowel signs cut it into syllables
        with pytest.warns(SequenceFrameWarning, match="All texts of 'title' become zeros"):
            assert not components(words, [new]).any()
    found = components(encoder, [new, titles[0], ""])
    assert found[:2].any(axis=1).all() and not found[2].any()
    angle = found[0] @ found[1] / np.linalg.norm(found[0]) / np.linalg.norm(found[1])
    assert angle > 0.3
    same = by_characters().fit(texts(titles[::-1])).transform(texts(titles))
    assert same.equals(encoder.transform(texts(titles)))


@pytest.mark.parametrize(
    "titles",
    [
        ["红色 皮鞋", "蓝色 皮鞋", "红色 裙"],  # cut into words already
        ["red shoe", "blue shoe", "tea 茶"],
        ["red shoe"] * 3,
        ["", None],
        [*["red shoe of size " + str(i) for i in range(30)], "红色皮鞋"],
    ],
)
def test_texts_with_words_are_not_warned_of(titles):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*script without spaces")
        warnings.filterwarnings("ignore", message=".*has a word")
        SequenceEncoder(text=["title"]).fit(texts(titles))


def cut_pairs(text):
    """Pairs of characters: a stand-in for a segmenter."""
    return (text[i : i + 2] for i in range(len(text) - 1))


@pytest.mark.parametrize(
    "options",
    [
        {"text_analyzer": "char"},
        {"text_analyzer": "char_wb", "text_ngram_range": (2, 3)},
        {"text_ngram_range": [1, 2]},
        {"text_analyzer": cut_pairs},
    ],
)
def test_analyzers_are_kept_in_files_pickles_and_clones(options, tmp_path):
    titles = ["red shoe", "red boot", "green tea", "tea"]
    encoder = SequenceEncoder(text=["title"], random_state=0, **options).fit(texts(titles))
    new = ["red", "green shoe", "teas"]
    expected = components(encoder, new)
    assert np.array_equal(components(pickle.loads(pickle.dumps(encoder)), new), expected)
    assert np.array_equal(components(clone(encoder).fit(texts(titles)), new), expected)
    save(encoder, tmp_path / "e.skbseq")
    trusted = []
    if callable(options.get("text_analyzer")):
        with pytest.raises(ModelFileError, match=r"not trusted: .*cut_pairs"):
            load(tmp_path / "e.skbseq")
        trusted = [cut_pairs]
    assert np.array_equal(components(load(tmp_path / "e.skbseq", trusted=trusted), new), expected)
    plain = SequenceEncoder(text=["title"], random_state=0).fit(texts(titles))
    assert plain._marks["title"] != encoder._marks["title"]


def test_text_channels_of_earlier_versions_read_words():
    titles = ["red shoe", "red boot", "green tea"]
    encoder = SequenceEncoder(text=["title"], random_state=0).fit(texts(titles))
    old = pickle.loads(pickle.dumps(encoder))
    state = old.channels_[0].__getstate__()
    del state["analyzer"], state["ngram_range"]
    vars(old.channels_[0]).clear()
    old.channels_[0].__setstate__(state)
    assert old.transform(texts(titles)).equals(encoder.transform(texts(titles)))
    assert fingerprint(old.channels_[0].learned()) == encoder._marks["title"]


def test_pairs_by_a_function_are_pairs_by_name():
    by_name = by_characters(text_ngram_range=(2, 2)).fit(texts(CHINESE))
    by_function = by_characters(cut_pairs).fit(texts(CHINESE))
    np.testing.assert_allclose(
        components(by_name, CHINESE), components(by_function, CHINESE), atol=1e-5
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"analyzer": "words"}, ValueError, "text_analyzer"),
        (
            {"analyzer": str.upper},
            SequenceFrameError,
            r"must return a list of strings; for .*'TEA'",
        ),
        ({"analyzer": len}, SequenceFrameError, r"builtins.len must return .* it returned 3"),
        ({"analyzer": lambda t: [1]}, SequenceFrameError, "returned a list with 1"),
        ({"text_ngram_range": (2, 1)}, ValueError, r"shortest n-gram .* got \(2, 1\)"),
        ({"text_ngram_range": (0, 1)}, ValueError, r"got \(0, 1\)"),
        ({"text_ngram_range": (1.0, 2)}, ValueError, r"got \(1.0, 2\)"),
        ({"text_ngram_range": (1,)}, ValueError, r"got \(1,\)"),
        (
            {"analyzer": str.split, "text_ngram_range": (1, 2)},
            ValueError,
            "has no effect with a function",
        ),
    ],
)
def test_analyzers_that_cannot_be_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        by_characters(**options).fit(texts(["tea"]))


# ------------------------------------------------------------------ the first pipeline


def test_a_wide_table_suits_a_model_that_takes_no_sparse_matrix():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 700, (60, 20))
    X = pd.DataFrame({"code": [[f"c{i}" for i in row] for row in codes]})
    y = np.arange(60) % 2
    vectorizer = SequenceVectorizer(["counts", "shares"], max_categories=None)
    model = make_pipeline(vectorizer, HistGradientBoostingClassifier(max_iter=2)).fit(X, y)
    assert len(model[0].get_feature_names_out()) > 1000
    assert model.predict(X).shape == (60,)
    before = vectorizer.transform(X)
    assert isinstance(before, np.ndarray)
    sparse = clone(vectorizer).set_params(sparse_output=True).fit_transform(X)
    np.testing.assert_array_equal(sparse.toarray(), before)
