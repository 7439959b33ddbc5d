"""Products that have features: their encoding, and predictions of products without events."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skbseq import MarkovChain, NextBehaviorPredictor, _frames, load, save
from skbseq.preprocessing._item_features import ItemEncoder

N_KINDS, N_PRODUCTS, N_SEEN = 10, 100, 80
IDS = np.array([f"p{i:03}" for i in range(N_PRODUCTS)])
KINDS = np.arange(N_PRODUCTS) % N_KINDS
PRODUCTS = pd.DataFrame(
    {
        "product": IDS,
        "kind": pd.Series([f"kind {kind}" for kind in KINDS], dtype="category"),
        "price": np.where(np.arange(N_PRODUCTS) % 7 == 0, np.nan, np.arange(N_PRODUCTS) % 13),
    }
)
OPTIONS = {"network": "bag", "units": 8, "epochs": 4, "learning_rate": 0.02, "random_state": 0}


def next_kind(kind):
    return (kind + 3) % N_KINDS


def histories(n, rng, seen=True):
    """Each product is of the kind that follows the one before; of products with events."""
    rows = []
    for _ in range(n):
        kind, row = rng.integers(N_KINDS), []
        for _ in range(rng.integers(2, 8)):
            among = np.flatnonzero((KINDS == kind) & ((np.arange(N_PRODUCTS) < N_SEEN) == seen))
            row.append(IDS[rng.choice(among)])
            kind = next_kind(kind)
        rows.append(row)
    return pd.DataFrame({"product": rows})


def kind_of(product):
    return KINDS[np.flatnonzero(IDS == product)[0]]


@pytest.fixture(scope="module")
def model():
    """Mixed with counts, on products of which a fifth has no event."""
    X = histories(300, np.random.default_rng(0))
    predictor = NextBehaviorPredictor(item_features=PRODUCTS, counting=[MarkovChain()], **OPTIONS)
    return predictor.fit(X)


# ------------------------------------------------------------------ the matrix


def encode(columns, rng=0):
    table = _frames.to_arrow(pd.DataFrame(columns))
    encoder = ItemEncoder(table, "id", np.random.default_rng(rng))
    return encoder, encoder.transform(table)


def test_features_of_every_kind(frame_lib):
    n = 60
    columns = {
        "id": list(range(n)),
        "kind": [None if i == 3 else "xyz"[i % 3] for i in range(n)],
        "sale": [i % 2 == 0 for i in range(n)],
        "shelf": [i // 2 for i in range(n)],
        "price": [None if i == 5 else float(i) for i in range(n)],
        "text": [None if i == 7 else f"{['red', 'blue'][i % 2]} mug {i}" for i in range(n)],
        "vector": [None if i == 9 else [float(i), 1.0] for i in range(n)],
        "tags": [["new", "old"][: i % 3] for i in range(n)],
        "same": [1] * n,
    }
    table = _frames.to_arrow(frame_lib.make(columns))
    encoder = ItemEncoder(table, "id", np.random.default_rng(0))
    features = encoder.transform(table)
    assert [part.name for part in encoder.parts] == [
        *("kind", "sale", "shelf", "shelf", "price", "text", "vector", "tags")
    ]
    assert features.shape == (n, encoder.n_features) and features.dtype == np.float32
    assert np.isfinite(features).all()
    # All columns of the table weigh the same, and one number is 1 on average.
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-5)
    sizes = np.cumsum([0, *map(len, encoder._means)])
    variances = np.add.reduceat(features.var(axis=0), sizes[:-1])
    np.testing.assert_allclose(variances, sizes[-1] / 8, rtol=1e-4)
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(again.transform(table.slice(0, 9)), features[:9])


def test_a_category_of_one_product_is_among_the_others():
    _, features = encode({"id": range(6), "kind": pd.Categorical(list("aabbcd"))})
    assert len(np.unique(features, axis=0)) == 3
    np.testing.assert_array_equal(features[4], features[5])


def test_many_categories_share_columns_and_stay_apart():
    _, features = encode({"id": range(800), "brand": np.arange(800) // 2 + 1000})
    assert features.shape[1] == 64 + 2  # and, being integers, an amount
    cosines = np.corrcoef(features[::2, :64])
    assert (np.abs(cosines - np.eye(400)) < 0.8).all()
    np.testing.assert_array_equal(features[::2], features[1::2] * 1.0)


def test_texts_that_share_words_are_alike():
    kinds = ["garden chair", "kitchen knife", "party candle"]
    texts = [f"{kinds[i % 3]} model{i}" for i in range(30)]
    _, features = encode({"id": range(30), "text": texts})
    alike = features @ features.T
    assert all((alike[i].argsort()[-10:] % 3 == i % 3).all() for i in range(30))
    unspaced = ["红色杯子", "蓝色杯子", "红色椅子", "蓝色椅子"]
    encoder, features = encode({"id": range(4), "text": unspaced})
    assert encoder.parts[0].analyzer == "char"
    assert features[0] @ features[1] > features[0] @ features[3]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "item_features has no column but the ids, 'id'"),
        ({"a": [1, 1, 1], "b": ["x", "x", "x"]}, "tells products apart. .* are in 'a', 'b'"),
        ({"a": [{"x": 1}] * 3}, "Column 'a' of item_features holds struct<.*> values"),
        ({"a": [1.0, np.inf, 2.0]}, "Row 1 of 'a' holds an infinite value"),
        ({"a": [[1.0], [1.0, 2.0], [3.0]]}, "Row 1 of 'a' holds a vector of 2 numbers"),
    ],
    ids=str,
)
def test_columns_that_are_no_features(columns, message):
    with pytest.raises(ValueError, match=message):
        encode({"id": [1, 2, 3]} | columns)


# ------------------------------------------------------------------ predictions


def hits(model, X, truth, **options):
    lists = model.predict_top_k(X, **options)["product"]
    return np.mean([y in list(row) for y, row in zip(truth, lists, strict=True)])


def test_products_without_events_are_found(model):
    rng = np.random.default_rng(1)
    X = histories(200, rng)
    wanted = [next_kind(kind_of(row[-1])) for row in X["product"]]
    new = [IDS[rng.choice(np.flatnonzero(KINDS == kind)[-2:])] for kind in wanted]
    assert not set(new) & set(model.classes_)
    # By chance, 10 of the 100 hold the right one in a tenth of the cases.
    assert hits(model, X, new, k=10, candidates=IDS) >= 5 * 0.1
    assert hits(model, X, new, k=2, candidates=IDS[N_SEEN:]) >= 5 * 0.1


def test_products_without_events_are_read_in_histories(model):
    new = histories(60, np.random.default_rng(2), seen=False)
    lists = model.predict_top_k(new, k=5)["product"]
    right = [
        kind_of(product) == next_kind(kind_of(row[-1]))
        for row, found in zip(new["product"], lists, strict=True)
        for product in found
    ]
    assert np.mean(right) > 0.5
    unknown = pd.DataFrame({"product": [["?" for _ in row] for row in new["product"]]})
    assert not np.allclose(model.predict_proba(new), model.predict_proba(unknown))
    paths = model.sample_paths(new, 2, temperature=0)["product"]
    assert all(set(path) <= set(model.classes_) for path in paths)
    seen = model.predict_top_k(new, k=90, candidates=IDS, exclude_seen=True)["product"]
    assert not any(set(a) & set(b) for a, b in zip(seen, new["product"], strict=True))


def test_what_is_asked_for_changes_no_other_score(model):
    X = histories(5, np.random.default_rng(3))
    everything = model.predict_top_k(X, k=N_PRODUCTS, candidates=IDS)
    plain = model.predict_top_k(X, k=N_SEEN)
    for a, b in zip(everything.itertuples(), plain.itertuples(), strict=True):
        found, known = dict(zip(a.product, a.score, strict=True)), set(model.classes_)
        np.testing.assert_allclose([found[i] for i in b.product], b.score, rtol=1e-6)
        assert len(set(found) - known) == N_PRODUCTS - N_SEEN
    own = [[IDS[-1], IDS[0]], [IDS[-2]], [], IDS[:1], IDS[:2]]
    by_row = model.predict_top_k(X, k=3, candidates=own)
    assert [len(row) for row in by_row["product"]] == [2, 1, 0, 1, 2]
    assert by_row["score"][1][0] == pytest.approx(
        dict(zip(everything["product"][1], everything["score"][1], strict=True))[IDS[-2]], rel=1e-6
    )


def test_a_table_of_new_products_as_candidates(model, frame_lib):
    new = frame_lib.make(
        {
            "product": ["new4", "new7", "p000"],
            "kind": ["kind 4", "kind 7", None],
            "price": [1, 2, 3],
        }
    )
    X = pd.DataFrame({"product": [["p001"], ["p004"], ["new4"]]})
    found = model.predict_top_k(X, k=1, candidates=new)["product"]
    assert [list(row) for row in found] == [["new4"], ["new7"], ["new7"]]
    with pytest.raises(ValueError, match="lacks the column 'kind', which item_features had"):
        model.predict_top_k(X, k=1, candidates=pd.DataFrame({"product": ["new"]}))
    with pytest.raises(ValueError, match="candidates describes 'p1' twice, in rows 0 and 1"):
        twice = pd.DataFrame({"product": ["p1", "p1"], "kind": "kind 1", "price": 1.0})
        model.predict_top_k(X, k=1, candidates=twice)
    with pytest.warns(UserWarning, match="1 of the candidates was never seen at fit: 'strange'"):
        model.predict_top_k(X, k=1, candidates=["strange", "p099"])


def test_counting_takes_a_new_product_for_those_like_it(model):
    asked = model._items
    shares = model._alike(np.arange(len(asked.ids))).toarray()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    kinds = np.array([kind_of(product) for product in model._catalogue()])
    for product, row in zip(asked.ids, shares, strict=True):
        assert row[kinds == kind_of(product)].sum() > 0.5


def test_clone_pickle_and_file(model, tmp_path):
    X = pd.DataFrame({"product": [["p001", "p095"], []]})
    expected = model.predict_top_k(X, k=5, candidates=IDS)
    save(model, tmp_path / "model.skbseq")
    for again in (pickle.loads(pickle.dumps(model)), load(tmp_path / "model.skbseq")):
        assert again.predict_top_k(X, k=5, candidates=IDS).equals(expected)
        pd.testing.assert_frame_equal(again.item_features, PRODUCTS)
        assert clone(again).item_features.equals(PRODUCTS)


# ------------------------------------------------------------------ the network


def test_folding_changes_no_output(monkeypatch):
    """Sampled and tied: the vector of an id is its own part and what its features give."""
    kept = {}
    fold = NextBehaviorPredictor._fold_features

    def remember(self):
        kept["model"] = self._sequence_model
        fold(self)

    monkeypatch.setattr(NextBehaviorPredictor, "_fold_features", remember)
    monkeypatch.setattr("skbseq.estimators._next_predictor._ranking_loss._MANY_IDS", 20)
    # Ids are integers in histories, and written as text in the table.
    rows = [
        [int(i[1:]) for i in row] for row in histories(40, np.random.default_rng(0))["product"]
    ]
    X, products = pd.DataFrame({"product": rows}), PRODUCTS.assign(product=PRODUCTS.index.map(str))
    options = OPTIONS | {"epochs": 2, "tied": True, "n_negatives": 15, "counting": None}
    model = NextBehaviorPredictor(item_features=products, **options).fit(X)
    before = kept["model"]
    assert before.spec.head.n_features and not model.spec_.head.n_features
    data = model._sequences(X)
    run = {"device": "cpu", "precision": "float32"}
    queries = before.outputs(data, **run)
    folded = model._sequence_model.outputs(data, **run)
    np.testing.assert_allclose(folded, queries, rtol=1e-4, atol=1e-5)
    # The plain formula, of ids with events and without.
    features = before.weight("item_features/features")
    kernel = before.weight("feature_projection_0/kernel")
    shift = before.weight("output_embedding_0/feature_bias")
    own, bias = before.weight("embedding_0/embeddings"), before.weight("output_embedding_0/bias")
    new = model._items.features
    vectors = np.concatenate([(own + features @ kernel)[model._codes], own[1] + new @ kernel])
    biases = np.concatenate([(bias + features @ shift)[model._codes], bias[1] + new @ shift])
    odds = np.exp(queries @ vectors.T + biases)
    odds /= odds[:, : len(model.classes_)].sum(axis=1, keepdims=True)
    ids = [*model._catalogue(), *model._items.ids]
    found = model.predict_top_k(X, k=len(ids), candidates=ids)
    for row, expected in zip(found.itertuples(), odds, strict=True):
        scores = dict(zip(row.product, row.score, strict=True))
        np.testing.assert_allclose([scores[i] for i in ids], expected, rtol=1e-3)


def test_rows_of_codes_with_features():
    import tensorflow as tf

    from skbseq._training._tables import Described, rows_of, size_of, whole

    rng = np.random.default_rng(0)
    own, features, kernel = (rng.normal(size=size) for size in ((5, 3), (5, 2), (2, 3)))
    features[4] = 0  # no features, so it keeps its own part
    hidden = np.array([False, False, True, False, True])
    table = Described(*map(tf.constant, (own, features, kernel, hidden)))
    expected = own[[0, 1, 1, 3, 4]] + features @ kernel
    np.testing.assert_allclose(whole(table), expected)
    np.testing.assert_allclose(rows_of(table, tf.constant([2, 4, 2])), expected[[2, 4, 2]])
    assert int(size_of(table)) == 5
    plain = Described(*map(tf.constant, (own, features, kernel)), None)
    np.testing.assert_allclose(whole(plain), own + features @ kernel)


# ------------------------------------------------------------------ wrong tables


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (["p000"], "item_features must be a table with a row for each product"),
        (PRODUCTS.rename(columns={"product": "id"}), "no column 'product', the ids of the target"),
        (PRODUCTS[["product"]], "item_features has no column but the ids"),
        (pd.concat([PRODUCTS, PRODUCTS[3:4]]), "describes 'p003' twice, in rows 3 and 100"),
        (PRODUCTS.assign(product=[None, *IDS[1:]]), "Row 0 of item_features has no id"),
        (
            PRODUCTS.assign(product=np.arange(100.0)),
            "item_features holds float values, unlike the",
        ),
        (PRODUCTS[N_SEEN:], "80 of the 80 ids with events have no row in item_features, such as"),
    ],
    ids=range(7),
)
def test_wrong_tables(table, message):
    X = histories(100, np.random.default_rng(0))
    with pytest.raises(ValueError, match=message):
        NextBehaviorPredictor(item_features=table, **OPTIONS).fit(X)


def test_ids_without_a_row_are_learned_from_their_events():
    X = histories(100, np.random.default_rng(0))
    options = OPTIONS | {"epochs": 1, "counting": None, "validation_split": 0}
    predictor = NextBehaviorPredictor(item_features=PRODUCTS[:70], **options)
    with pytest.warns(UserWarning, match=r"10 of the 80 ids with events have no row .*frequent"):
        predictor.fit(X)
    assert set(IDS[70:N_SEEN]) <= set(predictor.classes_)


def test_a_table_of_products_needs_features_at_fit(model):
    plain = pickle.loads(pickle.dumps(model))
    plain._items = None  # as of a fit without
    with pytest.raises(ValueError, match="fitted without item_features"):
        plain.predict_top_k(pd.DataFrame({"product": [["p000"]]}), candidates=PRODUCTS)


def test_other_options_work_with_features():
    X = histories(60, np.random.default_rng(0))
    options = OPTIONS | {"network": "hstu", "epochs": 1, "end": True, "loss": "gbce"}
    options |= {"tied": True, "temperature": 0.5, "negatives": "popularity", "n_negatives": 9}
    predictor = NextBehaviorPredictor(item_features=PRODUCTS, **options).fit(X)
    new = IDS[N_SEEN + 3]
    asked = pd.DataFrame({"product": [["p001", new], [new, "p004", "p007"]]})
    after_each = predictor.predict_each(asked)["product"].tolist()
    assert [row[-1] for row in after_each] == predictor.predict(asked).tolist()
    probabilities = predictor.predict_proba(asked)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    both = predictor.predict_top_k(asked, k=2, candidates=["p001", new])
    assert [set(row) for row in both["product"].tolist()] == [{"p001", new}] * 2
    assert (predictor.predict_end_proba(asked) < 1).all()
    with pytest.raises(ValueError, match="warm_start=True cannot continue with item_features"):
        predictor.set_params(warm_start=True).fit(X)
