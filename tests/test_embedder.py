"""BehaviorEmbedder, and estimators that begin from one."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from skbseq import (
    BehaviorEmbedder,
    LSTMBehaviorClassifier,
    NextBehaviorPredictor,
    SequenceEncoder,
    load,
    save,
)
from skbseq._sequences import Sequences
from skbseq.exceptions import SequenceFrameError

eager = pytest.mark.steps("eager")  # where a few steps take less time than to trace one
OBJECTIVES = ("next", "masked", "contrastive")


def walks(n, seed=0):
    """Walks round eight products by steps of one or three, and which; prices go with products."""
    rng = np.random.default_rng(seed)
    rows, labels = [], rng.integers(0, 2, n)
    for label in labels:
        walk = [int(rng.integers(0, 8))]
        for _ in range(rng.integers(3, 12)):
            step = (1, 3)[label] if rng.random() < 0.85 else int(rng.integers(0, 8))
            walk.append((walk[-1] + step) % 8)
        rows.append(walk)
    product = [[f"p{i}" for i in walk] for walk in rows]
    price = [[float(i) for i in walk] for walk in rows]
    return pd.DataFrame({"product": product, "price": price}), labels


@pytest.fixture(scope="module")
def data():
    return walks(400)


@pytest.fixture(scope="module")
def fitted(data):
    return {
        objective: BehaviorEmbedder(
            network="bag" if objective == "contrastive" else "lstm",
            objective=objective,
            bidirectional=objective == "masked",
            units=4 if objective == "masked" else 8,
            epochs=4,
            learning_rate=0.02,
            random_state=0,
        ).fit(data[0])
        for objective in OBJECTIVES
    }


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_training_lowers_the_loss(fitted, objective):
    losses = fitted[objective].history_["loss"]
    assert losses[-1] < 0.97 * losses[0]


def test_vectors_know_what_their_histories_have_in_common(data, fitted):
    X, y = data
    vectors = fitted["next"].transform(X)
    model = LogisticRegression(max_iter=1000).fit(vectors[:300], y[:300])
    # The shares of the products say nothing; the order of the last ones does.
    assert roc_auc_score(y[300:], model.predict_proba(vectors[300:])[:, 1]) > 0.75


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rows_do_not_depend_on_each_other(data, fitted, objective):
    X, _ = data
    together = fitted[objective].transform(X)
    assert together.shape == (400, 8)
    assert together.dtype == np.float32
    alone = fitted[objective].transform(X.iloc[[7]])
    np.testing.assert_allclose(alone[0], together[7], atol=1e-6)
    backwards = fitted[objective].transform(X.iloc[::-1])
    np.testing.assert_allclose(backwards[::-1], together, atol=1e-6)


def test_the_same_seed_gives_the_same_vectors(data, fitted):
    X = data[0][:60]
    embedder = clone(fitted["masked"]).set_params(epochs=2, random_state=3)
    first, again = (clone(embedder).fit(X).transform(X) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_an_empty_history_gives_zeros(fitted):
    X = pd.DataFrame({"product": [["p1"], []], "price": [[1.0], []]})
    vectors = fitted["next"].transform(X)
    assert np.any(vectors[0])
    assert not np.any(vectors[1])


def test_both_directions_make_vectors_twice_as_wide(data, fitted):
    embedder = fitted["masked"]
    assert embedder.bidirectional and embedder.units == 4
    assert embedder.transform(data[0][:60]).shape == (60, 8)
    assert len(embedder.get_feature_names_out()) == 8


def test_frames_of_each_library(data, frame_lib, fitted):
    X = data[0][:30]
    frame = frame_lib.make({"product": X["product"].tolist(), "price": X["price"].tolist()})
    np.testing.assert_allclose(
        fitted["next"].transform(frame), fitted["next"].transform(X), atol=1e-6
    )


def test_numbers_alone_are_told(data):
    X = data[0][["price"]]
    embedder = BehaviorEmbedder(units=4, epochs=6, learning_rate=0.02, random_state=0).fit(X)
    assert embedder.history_["loss"][-1] < 0.95 * embedder.history_["loss"][0]


# ------------------------------------------------------------------ what is learned from


def trainer_columns(kind, share=0.5, seed=0):
    """What a pretraining step gets of two sequences of three events and of one."""
    from skbseq._training._pretraining import PretrainingLoss, PretrainingTrainer

    codes = np.array([[2], [3], [4], [2]], np.int32)
    numbers = np.array([[0.2], [0.3], [0.4], [0.2]], np.float32)
    data = Sequences(
        codes, numbers, np.zeros((2, 0), np.float32), np.array([0, 3]), np.array([3, 1])
    )
    trainer = object.__new__(PretrainingTrainer)
    trainer.loss, trainer._heads = PretrainingLoss(kind, (0,), share=share), []
    samples = data, np.zeros(2, np.float32), np.array([1, 2], np.float32)
    return trainer._columns(samples, np.array([0, 1]), np.random.default_rng(seed))


@pytest.mark.parametrize(("kind", "share"), [("next_events", 1.0), ("masked_events", 0.5)])
def test_what_is_asked_is_counted_beforehand(kind, share):
    from skbseq._training._pretraining import PretrainingLoss, PretrainingTrainer

    trainer = object.__new__(PretrainingTrainer)
    trainer.loss = PretrainingLoss(kind, (0,), share=share)
    codes, lengths = np.array([[2], [1], [4], [2], [3]], np.int32), np.array([3, 0, 2])
    data = Sequences(
        codes, np.zeros((5, 1), np.float32), np.zeros((3, 0)), np.array([0, 3, 3]), lengths
    )
    samples = data, np.zeros(3, np.float32), np.array([1, 5, 2], np.float32)
    # Of codes that are known, and of numbers; the weights of the first and of the last history.
    expected = [1 + 2, 2 + 2] if kind == "next_events" else [0.5 * (2 + 4), 0.5 * (3 + 4)]
    assert trainer._totals(samples).tolist() == expected


def test_the_loss_does_not_depend_on_the_batches(data):
    losses = []
    for size in (1, 7, 64):
        embedder = BehaviorEmbedder(
            network="bag",
            units=4,
            epochs=1,
            batch_size=size,
            learning_rate=1e-9,
            dropout=0.0,
            validation_split=0.0,
            random_state=0,
        )
        losses += embedder.fit(data[0][:60]).history_["loss"]
    assert losses[1:] == pytest.approx(losses[:1] * 2, rel=1e-4)


@eager
def test_temperature_is_that_of_the_training(data):
    X, tables = data[0][:30], []
    for temperature in (0.1, 1.0):
        embedder = BehaviorEmbedder(
            network="bag",
            objective="contrastive",
            temperature=temperature,
            units=4,
            epochs=1,
            validation_split=0.0,
            random_state=0,
        ).fit(X)
        tables.append(embedder.item_vectors("product")[1])
    assert np.abs(tables[0] - tables[1]).max() > 1e-3


def test_each_event_is_to_foretell_the_one_behind_it():
    batch, numbers, codes, weight, _ = trainer_columns("next_events")
    assert batch["codes"][:, :, 0].tolist() == [[2, 3, 4], [2, 0, 0]]
    assert codes[:, :, 0].tolist() == [[3, 4, 0], [0, 0, 0]]
    assert weight.tolist() == [[1, 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(numbers[0, :2, 0], [0.3, 0.4])


def test_hidden_events_are_asked_and_not_shown():
    asked = shown = 0
    for seed in range(40):
        batch, numbers, codes, weight, _ = trainer_columns("masked_events", seed=seed)
        real = np.array([[2, 3, 4], [2, 0, 0]])
        hidden = codes[:, :, 0] > 0
        np.testing.assert_array_equal(codes[:, :, 0][hidden], real[hidden])
        np.testing.assert_array_equal(batch["codes"][:, :, 0], np.where(hidden, 0, real))
        np.testing.assert_array_equal(weight, hidden * np.array([[1], [2]]))
        assert not batch["numbers"][:, :, 0][hidden].any()
        np.testing.assert_allclose(numbers[0, :, 0], [0.2, 0.3, 0.4])
        asked, shown = asked + hidden.sum(), shown + (~hidden & (real > 0)).sum()
    assert 0.4 < asked / (asked + shown) < 0.6


def test_parts_of_histories_lie_within_them():
    from skbseq._training._contrast import ContrastLoss, ContrastTrainer

    lengths = np.array([2, 5, 9])
    n_events = lengths.sum()
    codes = np.arange(2, 2 + n_events, dtype=np.int32)[:, None]
    starts = np.array([0, 2, 7])
    empty = np.zeros((n_events, 0), np.float32)
    data = Sequences(codes, empty, np.zeros((3, 0), np.float32), starts, lengths)
    trainer = object.__new__(ContrastTrainer)
    trainer.loss = ContrastLoss()
    samples = data, np.zeros(3, np.float32), np.ones(3, np.float32)
    seen = {row: set() for row in range(3)}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        batch, weight = trainer._columns(samples, np.arange(3), rng)
        assert weight.shape == (6,)
        for i, row in enumerate([0, 1, 2, 0, 1, 2]):
            part = batch["codes"][i, : batch["lengths"][i], 0]
            first, last = 2 + starts[row], 2 + starts[row] + lengths[row]
            assert len(part) >= np.ceil(0.3 * lengths[row])
            np.testing.assert_array_equal(part, np.arange(part[0], part[0] + len(part)))
            assert first <= part[0]
            assert part[-1] < last
            seen[row].add((part[0], len(part)))
    assert len(seen[0]) == 3  # of two events: the first, the second, both
    assert (2 + starts[1], 5) in seen[1]


def test_the_loss_of_pairs_is_that_of_the_formula():
    import tensorflow as tf

    from skbseq._training._contrast import pair_loss

    rng = np.random.default_rng(0)
    vectors, weight = rng.normal(size=(6, 4)), np.array([1, 2, 0, 1, 2, 0.0])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = 0.0
    for i in range(6):
        similar = [np.exp(units[i] @ units[j] / 0.5) for j in range(6)]
        others = sum(similar[j] for j in range(6) if j != i)
        expected -= weight[i] * np.log(similar[(i + 3) % 6] / others)
    found = pair_loss(tf.constant(vectors, tf.float32), tf.constant(weight, tf.float32), 0.5)
    assert float(found) == pytest.approx(expected / weight.sum(), rel=1e-5)


# ------------------------------------------------------------------ what came later


def timed_frame(rng, n=40):
    """Histories of days, with cutoffs, as EventLog.histories gives them."""
    first, rows, cutoffs = np.datetime64("2026-01-01", "s"), [], []
    for n_events in rng.integers(0, 6, n):
        days = np.sort(rng.choice(200, n_events, replace=False))
        rows.append([first + np.timedelta64(int(day), "D") for day in days])
        cutoffs.append(first + np.timedelta64(200 + int(rng.integers(0, 50)), "D"))
    what = [[f"p{int(rng.integers(0, 3))}" for _ in row] for row in rows]
    return pd.DataFrame({"time": rows, "what": what, "cutoff": cutoffs})


def test_cut_histories_end_at_their_moments_and_labels_begin_there(rng):
    from skbseq.preprocessing._cut_back import read_times

    X = timed_frame(rng)
    times = read_times(X, "cutoff")
    horizons = np.array([5, 40, 120]) * 86_400 * (10**6 if times.unit == "us" else 1)
    moments, counts = times.cut(rng)
    cut = times.truncate(X, moments, counts, "cutoff")
    labels = times.labels(moments, counts, horizons)
    seen = set()
    for i in range(len(X)):
        moment = pd.Timestamp(cut["cutoff"][i])
        before = [t for t in X["time"][i] if pd.Timestamp(t) <= moment]
        assert list(map(pd.Timestamp, cut["time"][i])) == list(map(pd.Timestamp, before))
        assert list(cut["what"][i]) == X["what"][i][: len(before)]
        later = [pd.Timestamp(t) for t in X["time"][i] if pd.Timestamp(t) > moment]
        for k, days in enumerate([5, 40, 120]):
            end = moment + pd.Timedelta(days=days)
            if later:
                expected = float(later[0] <= end)
            else:
                expected = 0.0 if end <= pd.Timestamp(X["cutoff"][i]) else np.nan
            np.testing.assert_equal(float(labels[i, k]), expected)
            seen.add(str(expected))
    assert seen == {"0.0", "1.0", "nan"}


def test_how_soon_people_come_back_is_learnt(rng):
    # Half of them come every two days and half every twenty; what they do says nothing.
    first, rows, cutoffs, often = np.datetime64("2026-01-01", "s"), [], [], rng.integers(0, 2, 300)
    for quick in often:
        step = 2 if quick else 20
        days = step * np.cumsum(rng.uniform(0.5, 1.5, 8))
        rows.append([first + np.timedelta64(int(86_400 * day), "s") for day in days])
        cutoffs.append(rows[-1][-1] + np.timedelta64(int(86_400 * step * rng.uniform()), "s"))
    X = pd.DataFrame({"time": rows, "cutoff": cutoffs})
    embedder = BehaviorEmbedder(
        objective="future", units=8, epochs=10, learning_rate=0.02, random_state=0
    ).fit(X)
    assert embedder.history_["loss"][-1] < 0.7 * embedder.history_["loss"][0]
    assert embedder.transform(X).shape == (300, 8)
    again = pickle.loads(pickle.dumps(embedder))
    np.testing.assert_array_equal(again.transform(X), embedder.transform(X))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda X: X.drop(columns="cutoff"), SequenceFrameError, "needs the cutoff"),
        (lambda X: X.drop(columns="time"), SequenceFrameError, "there are none"),
        (lambda X: X.assign(also=X["time"]), SequenceFrameError, "there are 'time', 'also'"),
        (lambda X: X[X["time"].map(len) < 2], ValueError, "no history holds two events"),
    ],
)
def test_a_future_needs_times_and_cutoffs(rng, change, error, message):
    X = change(timed_frame(rng))
    with pytest.raises(error, match=message):
        BehaviorEmbedder(objective="future", epochs=1).fit(X)


# ------------------------------------------------------------------ ids


@eager
def test_a_channel_named_as_the_result_is_refused():
    X = pd.DataFrame({"neighbor": [["a", "b"], ["b", "c"]] * 5})
    model = BehaviorEmbedder(network="bag", units=4, epochs=1, random_state=0).fit(X)
    with pytest.raises(ValueError, match="named 'neighbor', as a column of the result"):
        model.most_similar(["a"], k=1)


def test_one_id_is_no_list_of_ids(fitted):
    with pytest.raises(ValueError, match="ids must be a list of ids; got 'p3'"):
        fitted["next"].most_similar("p3", k=1)


def test_similar_ids_are_those_of_the_largest_cosine(fitted):
    ids, vectors = fitted["next"].item_vectors("product")
    assert sorted(ids) == [f"p{i}" for i in range(8)]
    table = fitted["next"].most_similar(["p3", "p0"], k=3)
    assert table["product"].tolist() == ["p3", "p0"]
    for row, name in enumerate(["p3", "p0"]):
        mine = vectors[list(ids).index(name)]
        cosines = {
            other: mine @ v / np.linalg.norm(mine) / np.linalg.norm(v)
            for other, v in zip(ids, vectors, strict=True)
            if other != name
        }
        best = sorted(cosines, key=cosines.get, reverse=True)[:3]
        assert list(table["neighbor"][row]) == best
        np.testing.assert_allclose(
            table["similarity"][row], [cosines[other] for other in best], rtol=1e-5
        )


@pytest.mark.parametrize(
    ("ids", "options", "message"),
    [
        (["p9"], {"k": 1}, "'p9' of 'product' was never seen"),
        (["p1"], {"k": 8}, "k must be an integer of 1 to 7"),
        (["p1"], {"k": 0}, "k must be an integer of 1 to 7"),
        (["p1"], {"channel": "price"}, "channel='price' is not a categorical channel"),
    ],
)
def test_what_has_no_neighbours_is_refused(fitted, ids, options, message):
    with pytest.raises(ValueError, match=message):
        fitted["next"].most_similar(ids, **options)


# ------------------------------------------------------------------ in scikit-learn


@eager
def test_in_a_pipeline_and_a_search(data):
    X, y = data[0][:60], data[1][:60]
    embedder = BehaviorEmbedder(network="bag", epochs=1, random_state=0)
    search = GridSearchCV(
        make_pipeline(embedder, LogisticRegression()),
        {"behaviorembedder__units": [2, 4]},
        cv=2,
        scoring="roc_auc",
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_["behaviorembedder__units"] in (2, 4)


def test_files_and_pickles_hold_all(data, fitted, tmp_path):
    X = data[0][:20]
    expected = fitted["masked"].transform(X)
    save(fitted["masked"], tmp_path / "embedder.skbseq")
    for again in (
        load(tmp_path / "embedder.skbseq"),
        pickle.loads(pickle.dumps(fitted["masked"])),
    ):
        np.testing.assert_array_equal(again.transform(X), expected)
        assert again.most_similar(["p0"], k=1)["neighbor"][0][0].startswith("p")


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"bidirectional": True}, None, "lets the network see"),
        ({"objective": "best"}, None, "objective"),
        ({"mask_share": 1.0}, None, "mask_share"),
        ({"network": "hopfield"}, None, "'hopfield' is not known"),
        ({}, pd.DataFrame({"product": [["a"], ["b"], []]}), "at least 2 events; of the 3 there"),
        (
            {"objective": "masked", "bidirectional": True},
            pd.DataFrame({"product": [["a"], []]}),
            "at least 1 events",
        ),
        ({"objective": "masked"}, None, "only sees those before. Set bidirectional=True"),
    ],
)
def test_what_cannot_be_learnt_is_refused(data, parameters, X, message):
    X = data[0][:20] if X is None else X
    with pytest.raises(ValueError, match=message):
        BehaviorEmbedder(epochs=1, **parameters).fit(X)


def test_labels_and_numbers_are_no_frame():
    with pytest.raises(SequenceFrameError, match="no channel"):
        BehaviorEmbedder().fit(pd.DataFrame({"product": ["a", "b"]}))


# ------------------------------------------------------------------ a start for others


def start_from(embedder, **parameters):
    given = {"units": 8, "epochs": 3, "learning_rate": 0.02, "random_state": 0} | parameters
    model = LSTMBehaviorClassifier(**{"init": embedder} | given)
    return make_pipeline(FrozenEstimator(embedder.encoder_), model)


def names_of(model):
    return dict(zip(model._sequence_model.weight_names, model.weights_, strict=True))


def test_a_classifier_begins_where_the_embedder_ended(data, fitted):
    X, y = data
    model = start_from(fitted["next"], epochs=1, learning_rate=1e-12).fit(X, y)[-1]
    theirs = names_of(fitted["next"])
    for name, weight in names_of(model).items():
        if name.startswith(("embedding", "lstm")):
            np.testing.assert_allclose(weight, theirs[name], atol=1e-6)


def test_few_labels_go_further(fitted):
    X, y = walks(600, seed=1)
    rows = slice(0, 16)
    options = {"epochs": 15, "validation_split": 0}
    tuned = start_from(fitted["next"], **options).fit(X[rows], y[rows])
    scratch = clone(tuned).set_params(lstmbehaviorclassifier__init=None).fit(X[rows], y[rows])
    aucs = [roc_auc_score(y[16:], m.predict_proba(X[16:])[:, 1]) for m in (tuned, scratch)]
    assert aucs[0] > aucs[1] + 0.02


@eager
@pytest.mark.parametrize(
    ("freeze", "kept", "compiled"),
    [
        ("network", ("embedding_0", "lstm_0"), True),
        ("embeddings", ("embedding_0",), True),
        (["lstm_0"], ("lstm_0",), True),
        (["lstm_0"], ("lstm_0",), False),
    ],
)
def test_frozen_layers_stay_as_they_are(data, fitted, freeze, kept, compiled):
    X, y = data[0][:30], data[1][:30]
    # Dropout in the recurrence is what the written-out steps do not serve.
    options = {"epochs": 2} if compiled else {"epochs": 2, "recurrent_dropout": 0.1}
    model = start_from(fitted["next"], freeze=freeze, **options).fit(X, y)[-1]
    theirs = names_of(fitted["next"])
    for name, weight in names_of(model).items():
        if name.startswith(kept):
            np.testing.assert_array_equal(weight, theirs[name])
        elif name in theirs:
            assert np.abs(weight - theirs[name]).max() > 1e-4


@eager
def test_what_was_never_learnt_is_not_frozen(data, fitted):
    X, y = data[0][:30], data[1][:30]
    options = {"freeze": "network", "pooling": "attention"}
    models = [start_from(fitted["next"], epochs=n, **options).fit(X, y)[-1] for n in (1, 2)]
    once, twice = map(names_of, models)
    same = {name for name, weight in once.items() if np.array_equal(weight, twice[name])}
    assert {name.partition("/")[0] for name in same} == {"embedding_0", "lstm_0"}


def test_in_cross_validation_the_embedder_is_frozen(data, fitted):
    X, y = data[0][:100], data[1][:100]
    model = start_from(fitted["next"], epochs=1)
    with pytest.raises(ValueError, match="is not fitted"):
        clone(model).fit(X, y)
    model.set_params(lstmbehaviorclassifier__init=FrozenEstimator(fitted["next"]))
    assert len(cross_val_score(model, X, y, cv=2, error_score="raise")) == 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"units": 4}, "units differs from that of the embedder"),
        ({"n_layers": 2}, "n_layers differs"),
        (
            {"freeze": ["lstm_7"]},
            "names the layer 'lstm_7', which the network does not have.",
        ),
        ({"freeze": "everything"}, "names the layer 'everything'"),
        (
            {"freeze": "logits"},
            "'logits', which begins at random. Learned are embedding_0, ",
        ),
        (
            {"freeze": "network", "init": None},
            "freeze='network' leaves layers at their initial",
        ),
        ({"freeze": "logits", "init": None}, "without init are random. Give init"),
    ],
)
def test_what_does_not_fit_the_embedder_is_refused(data, fitted, parameters, message):
    with pytest.raises(ValueError, match=message):
        start_from(fitted["next"], **parameters).fit(data[0][:50], data[1][:50])


@pytest.mark.parametrize(
    "encoder", [SequenceEncoder(categorical=["product", "price"]), SequenceEncoder(numeric=[])]
)
def test_channels_of_another_encoder_are_refused(data, fitted, encoder):
    X, y = data[0][:50], data[1][:50]
    model = make_pipeline(encoder, LSTMBehaviorClassifier(units=8, init=fitted["next"]))
    with pytest.raises(ValueError, match="Encode with the embedder's own encoder"):
        model.fit(X, y)


@eager
def test_codes_beyond_the_embedders_are_refused(data):
    X, y = data[0][:20], data[1][:20]
    small = BehaviorEmbedder(SequenceEncoder(max_categories=3), units=4, epochs=1).fit(X)
    model = make_pipeline(SequenceEncoder(), LSTMBehaviorClassifier(units=4, init=small))
    with pytest.raises(ValueError, match="Encode with the embedder's own encoder"):
        model.fit(X, y)


def other_walks(n=60):
    """Walks of the same products, but the rare ones are the frequent ones of `walks`."""
    X, y = walks(n, seed=5)
    X = X.assign(product=[[p if i % 3 else "p7" for i, p in enumerate(r)] for r in X["product"]])
    return X, y


@pytest.mark.parametrize("native", ["pandas", "pyarrow"])
@pytest.mark.parametrize("products", [None, ("p2", "p5")])
def test_codes_of_other_meanings_are_refused(fitted, native, products):
    X, y = other_walks()
    if products:  # fewer codes than the embedder has
        X = X.assign(product=[[products[i % 2] for i, _ in enumerate(r)] for r in X["product"]])
    X = X if native == "pandas" else pa.Table.from_pandas(X)
    model = make_pipeline(SequenceEncoder(), LSTMBehaviorClassifier(units=8, init=fitted["next"]))
    with pytest.raises(ValueError, match="'product' was not encoded by the encoder of the embed"):
        model.fit(X, y)


def test_a_scale_of_another_encoder_is_refused(data, fitted):
    X, y = data[0][:50], data[1][:50]
    own = fitted["next"].encoder_.transform(X)
    other = SequenceEncoder().fit(X.assign(price=[[9 * p for p in r] for r in X["price"]]))
    mixed = own.assign(price=other.transform(X)["price"])
    model = LSTMBehaviorClassifier(units=8, init=fitted["next"])
    with pytest.raises(ValueError, match="'price' was not encoded by the encoder of the embed"):
        model.fit(mixed, y)


def test_where_the_encoder_cannot_be_told_that_is_said(data, fitted):
    pl = pytest.importorskip("polars")
    X, y = data
    rarest = fitted["next"].encoder_.categories_["product"][-1]
    few = X[X["product"].map(lambda walk: rarest not in walk)][:40]
    frame = pl.DataFrame({name: few[name].tolist() for name in few})
    encoded = fitted["next"].encoder_.transform(frame)
    model = LSTMBehaviorClassifier(units=8, epochs=1, init=fitted["next"], random_state=0)
    with pytest.warns(UserWarning, match="does not tell which encoder made it, as those of pola"):
        model.fit(encoded, y[few.index])


def test_few_samples_need_not_show_all_codes(data, fitted):
    X, y = data
    short = X[X["product"].map(lambda walk: "p7" not in walk)]
    model = start_from(fitted["next"], epochs=1).fit(short, y[short.index])
    assert model[-1].schema_.vocabulary_sizes == fitted["next"].schema_.vocabulary_sizes
    assert model.predict_proba(X).shape == (400, 2)


@eager
def test_a_fitted_model_refuses_codes_of_another_encoder(data):
    X, y = data[0][:60], data[1][:60]
    model = make_pipeline(SequenceEncoder(), LSTMBehaviorClassifier(units=2, epochs=1)).fit(X, y)
    other = SequenceEncoder().fit(other_walks()[0]).transform(X)
    assert model.predict_proba(X).shape == (60, 2)
    for use in (model[-1].predict_proba, lambda Z: model[-1].partial_fit(Z, y)):
        with pytest.raises(SequenceFrameError, match="'product' was encoded by another Sequence"):
            use(other)
    plain = pd.DataFrame({name: other[name].tolist() for name in other})
    assert model[-1].predict_proba(plain).shape == (60, 2)  # of which nothing is known


def test_only_an_embedder_is_a_start(data):
    X, y = data[0][:50], data[1][:50]
    model = make_pipeline(SequenceEncoder(), LSTMBehaviorClassifier(init=NextBehaviorPredictor()))
    with pytest.raises(TypeError, match="must be a fitted BehaviorEmbedder; got NextBehavior"):
        model.fit(X, y)


@eager
def test_training_goes_on_with_frozen_layers(data, fitted):
    X, y = data[0][:30], data[1][:30]
    model = start_from(fitted["next"], freeze="network", epochs=1).fit(X, y)
    before = {name: weight.copy() for name, weight in names_of(model[-1]).items()}
    model[-1].partial_fit(model[0].transform(X), y)
    after = names_of(model[-1])
    np.testing.assert_array_equal(
        after["lstm_0/lstm_cell/kernel"], before["lstm_0/lstm_cell/kernel"]
    )
    assert np.abs(after["logits/kernel"] - before["logits/kernel"]).max() > 0


def test_what_was_trained_before_can_be_frozen_without_an_embedder(data):
    X = SequenceEncoder().fit_transform(data[0][:100])
    model = LSTMBehaviorClassifier(units=4, epochs=1, warm_start=True, random_state=0)
    before = names_of(model.fit(X, data[1][:100]))
    after = names_of(model.set_params(freeze="network").fit(X, data[1][:100]))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"logits/kernel", "logits/bias"}


def test_a_part_of_a_history_is_a_view():
    data = Sequences(
        np.zeros((3, 1), np.int32),
        np.zeros((3, 0), np.float32),
        np.zeros((1, 0), np.float32),
        np.array([0]),
        np.array([3]),
    )
    assert replace(data, lengths=np.array([2])).codes is data.codes
