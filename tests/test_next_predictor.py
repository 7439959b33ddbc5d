"""NextBehaviorPredictor against plain NumPy, and what it must and must not know."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from skbseq import (
    MarkovChain,
    NextBehaviorPredictor,
    SequenceEncoder,
    SequenceImputer,
    load,
    save,
)
from skbseq.estimators._next_predictor import _fit_inputs, _ranking_loss
from skbseq.exceptions import SequenceFrameError, SequenceFrameWarning
from skbseq.metrics import hold_out_last, ranking_scorer

pytestmark = pytest.mark.steps("eager")
traced = pytest.mark.steps("traced")  # where many steps take more time than to trace one
SMALL = {"units": 8, "epochs": 2, "batch_size": 32, "random_state": 0}
BAG = SMALL | {"network": "bag"}  # where the network is not the point


def pages(histories):
    return pa.table({"page": pa.array(histories, pa.list_(pa.string()))})


def sums(n, seed, length=6):
    """Each event is the sum of the two before it modulo 3: one of them alone says nothing."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, length), int)
    x[:, :2] = rng.integers(0, 3, (n, 2))
    for t in range(2, length):
        x[:, t] = (x[:, t - 1] + x[:, t - 2]) % 3
    return pages(np.array(["no", "one", "two"])[x].tolist())


def shop(n=60, seed=0):
    """Products with prices, times, a missing id here and there, and a country."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 7, n)
    lengths[0] = 3
    products = [rng.choice(list("abcdef"), k, p=[0.3, 0.25, 0.2, 0.1, 0.1, 0.05]) for k in lengths]
    products = [[None if rng.random() < 0.05 else str(p) for p in row] for row in products]
    begin = pd.Timestamp("2026-01-05")
    times = [begin + pd.to_timedelta(np.cumsum(rng.integers(1, 9, k)), unit="h") for k in lengths]
    return pa.table(
        {
            "product": pa.array(products, pa.list_(pa.string())),
            "price": pa.array([rng.random(k) for k in lengths], pa.list_(pa.float64())),
            "time": pa.array([list(t) for t in times], pa.list_(pa.timestamp("us"))),
            "country": pa.array(rng.choice(["PL", "CZ"], n)),
        }
    )


@pytest.fixture(scope="module")
def fitted():
    """Fitted on ids, prices, times and a country."""
    encoder = SequenceEncoder(context=["country"], time_features=("gap", "hour"))
    return NextBehaviorPredictor("product", encoder=encoder, **SMALL).fit(shop())


@pytest.fixture(scope="module")
def simple():
    """Fitted on a single channel."""
    return NextBehaviorPredictor(**SMALL).fit(sums(30, 0))


# -------------------------------------------------------------- plain references


def plain_queries(model, codes):
    """What the network looks for before each event and after the last, of one channel."""
    w = dict(zip([v.path for v in model.model_.weights], model.weights_, strict=True))
    x = np.concatenate([[0], codes])
    x = w["embedding_0/embeddings"][x].astype(float)
    units = model.units
    h = c = np.zeros(units)
    queries = []
    for event in x:
        gates = event @ w["lstm_0/lstm_cell/kernel"] + h @ w["lstm_0/lstm_cell/recurrent_kernel"]
        i, f, g, o = np.split(gates + w["lstm_0/lstm_cell/bias"], 4)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        query = np.concatenate([h, event]) if model.bypass else h
        if model.tied:
            query = (
                query @ w["query_projection_0/kernel"] + w["query_projection_0/bias"]
            ) / event.size**0.5
        queries.append(query)
    return np.array(queries), w


def plain_probabilities(model, history):
    """Probabilities of the ids of ``classes_`` at each step, over all codes of the network."""
    place = {value: 2 + k for k, value in enumerate(model.encoder_.categories_["page"])}
    queries, w = plain_queries(model, [place.get(event, 1) for event in history])
    table = w["embedding_0/embeddings"] if model.tied else w["output_embedding_0/code_vectors"]
    scores = queries @ table.T.astype(float) + w["output_embedding_0/bias"]
    scores = np.exp(scores[:, 2:])  # nobody looks for padding and the unknown
    return (scores / scores.sum(axis=1, keepdims=True))[:, [place[c] - 2 for c in model.classes_]]


@pytest.mark.parametrize("options", [{}, {"tied": True}, {"bypass": False}], ids=str)
def test_probabilities_and_loss_of_plain_numpy(options):
    X = sums(20, 1, length=5)
    model = NextBehaviorPredictor(
        units=6,
        optimizer="sgd",
        learning_rate=1e-9,  # so the weights after the step are those before it
        dropout=0,
        epochs=1,
        validation_split=0,
        early_stopping=False,
        random_state=0,
        **options,
    ).fit(X)
    histories = X["page"].to_pylist()
    plain = [plain_probabilities(model, history) for history in histories]
    np.testing.assert_allclose(model.predict_proba(X), [p[-1] for p in plain], rtol=1e-4)
    classes = model.classes_.tolist()
    right = [
        p[t, classes.index(event)]
        for p, history in zip(plain, histories, strict=True)
        for t, event in enumerate(history)
    ]
    assert model.history_["loss"] == pytest.approx([-np.log(right).mean()], rel=1e-4)


def test_every_event_weighs_the_same_in_both_losses(monkeypatch):
    """Whatever the length of its history, the batch it falls into, and whether it is held out."""
    from skbseq._training import _events
    from skbseq._training._hold_out import split_rows

    monkeypatch.setattr(_events, "_AT_ONCE", 3)
    rng = np.random.default_rng(0)
    histories = [["no"]] * 12 + [rng.choice(["no", "one", "two"], 5).tolist() for _ in range(8)]
    following = [None, "two"] * 10
    weights = rng.integers(1, 4, 20).astype(float)
    model = NextBehaviorPredictor(
        units=6,
        optimizer="sgd",
        learning_rate=1e-9,
        dropout=0,
        epochs=1,
        batch_size=4,
        validation_split=0.4,
        random_state=0,
    ).fit(pages(histories), following, sample_weight=weights)
    classes = model.classes_.tolist()
    losses, counts = np.zeros(20), np.zeros(20)
    for row, (history, last) in enumerate(zip(histories, following, strict=True)):
        told = history + [last] * (last is not None)
        plain = plain_probabilities(model, history)
        losses[row] = -sum(np.log(plain[t, classes.index(e)]) for t, e in enumerate(told))
        counts[row] = len(told)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    parts = split_rows(np.zeros(20), 0.4, np.random.default_rng([seed, 1]))
    expected = [losses[r] @ weights[r] / (counts[r] @ weights[r]) for r in parts]
    found = [model.history_["loss"][0], model.history_["val_loss"][0]]
    assert found == pytest.approx(expected, rel=1e-5)


@traced
def test_every_event_weighs_the_same_in_a_step():
    """One step in all, or as many as histories: under a small rate the weights move alike."""
    X = pages([["a"]] * 12 + [["b", "a", "b", "b", "a", "b"]] * 4)
    moved = []
    for batch_size in (1, 16):
        model = NextBehaviorPredictor(
            units=3,
            optimizer="sgd",
            # So often as much is moved by a step of a sixteenth of the histories' number.
            learning_rate=1e-2 * batch_size / 16,
            dropout=0,
            epochs=1,
            batch_size=batch_size,
            validation_split=0,
            average_weights=False,
            random_state=0,
        )
        begun = clone(model).set_params(learning_rate=1e-12).fit(X).weights_
        moved.append([w - b for w, b in zip(model.fit(X).weights_, begun, strict=True)])
    for one, other in zip(*moved, strict=True):
        np.testing.assert_allclose(one, other, atol=0.05 * np.abs(other).max() + 2e-7)


def test_what_is_looked_for_is_dropped_in_training():
    from skbseq._training._batches import pad_batch
    from skbseq.networks._graph import build_network

    model = NextBehaviorPredictor(**SMALL | {"epochs": 1}, dropout=0.25).fit(sums(30, 0))
    network = build_network(model.spec_)
    network.set_weights(model.weights_)
    data = model._sequences(sums(60, 0))
    batch = pad_batch(data, np.arange(60))
    # The part that goes past the network is dropped nowhere else.
    queries, whole = (
        np.asarray(network(batch, training=training)[1])[:, 1:, model.units :]
        for training in (True, False)
    )
    kept = queries != 0
    assert 0.7 < kept.mean() < 0.8
    np.testing.assert_allclose(queries[kept], whole[kept] / 0.75, rtol=1e-5)


@traced
@pytest.mark.parametrize("penalty", [{"l1": 0.05}, {"l2": 0.05}], ids=str)
def test_penalties_shrink_kernels(penalty):
    X, options = sums(60, 0, length=10), SMALL | {"epochs": 10, "learning_rate": 0.02}
    options["early_stopping"] = False
    sizes = []
    for given in ({}, penalty):
        model = NextBehaviorPredictor(**options, **given).fit(X)
        named = zip(model._sequence_model.weight_names, model.weights_, strict=True)
        sizes.append(sum(np.abs(w).sum() for name, w in named if name.endswith("kernel")))
    assert sizes[1] < 0.7 * sizes[0]


# -------------------------------------------------------------- what it learns


@traced
def test_learns_what_one_event_cannot_tell():
    X, new = sums(300, 0, 10), sums(100, 1, 10)
    model = NextBehaviorPredictor(
        units=32, epochs=15, dropout=0.1, learning_rate=0.01, batch_size=32, random_state=0
    ).fit(X)
    assert model.score(new) > 0.95
    assert MarkovChain().fit(X).score(new) < 0.6


@traced
def test_draws_teach_what_all_codes_teach():  # without `tied`: by the next test
    X, new = sums(300, 0, 10), sums(100, 1, 10)
    model = NextBehaviorPredictor(
        units=32,
        epochs=15,
        tied=True,
        n_negatives=3,
        dropout=0.1,
        learning_rate=0.01,
        batch_size=32,
        random_state=0,
    ).fit(X)
    assert model.score(new) > 0.9


@traced
def test_a_large_catalogue_has_short_vectors_and_draws(monkeypatch):
    monkeypatch.setattr(_ranking_loss, "_MANY_IDS", 2)
    monkeypatch.setattr(_ranking_loss, "_NEGATIVES", 5)
    X, new = sums(300, 0, 10), sums(100, 1, 10)
    model = NextBehaviorPredictor(
        units=32, epochs=15, dropout=0.1, learning_rate=0.01, batch_size=32, random_state=0
    ).fit(X)
    weights = dict(zip(model._sequence_model.weight_names, model.weights_, strict=True))
    assert (
        weights["output_embedding_0/code_vectors"].shape == weights["embedding_0/embeddings"].shape
    )
    assert model._negatives() == 5
    assert model.score(new) > 0.9


@traced
def test_y_is_one_event_more():
    X = pages([["a", "b"]] * 30)
    options = SMALL | {"epochs": 30, "learning_rate": 0.03, "validation_split": 0.0}
    without = NextBehaviorPredictor(**options).fit(pages([["a", "b"]] * 20 + [["c"]] * 10))
    y = ["c"] * 30
    with pytest.raises(ValueError, match="y holds"):
        NextBehaviorPredictor(**options).fit(X, y=[1.5] * 30)
    told = NextBehaviorPredictor(**options).fit(pages([["a", "b"]] * 30 + [["c"]]), [*y, None])
    assert told.predict(X).tolist() == y
    place = told.classes_.tolist().index("c")
    assert told.predict_proba(X)[0, place] > without.predict_proba(X)[0, place] + 0.3


def test_an_id_of_y_that_no_history_holds_is_left_out():
    with pytest.warns(UserWarning, match="4 values of y stand in no history, such as 'z'"):
        model = NextBehaviorPredictor(**BAG).fit(pages([["a", "b"]] * 4), ["z"] * 4)
    assert model.classes_.tolist() == ["a", "b"]


def test_an_id_of_y_that_the_encoder_leaves_out_is_no_stranger():
    X = pages([["a", "b"], ["b", "c"]] * 10)
    rare = NextBehaviorPredictor(encoder=SequenceEncoder(min_frequency=15), **BAG)
    assert rare.fit(X, ["a", "b"] * 10).classes_.tolist() == ["b"]


@traced
def test_weights_say_what_counts():
    X = pages([["a", "b"]] * 30 + [["a", "c"]] * 30)
    weights = np.repeat([1.0, 0.0], 30)
    options = SMALL | {"epochs": 30, "learning_rate": 0.03}
    model = NextBehaviorPredictor(**options).fit(X, sample_weight=weights)
    assert model.predict(pages([["a"]])).tolist() == ["b"]
    model.fit(X, sample_weight=1 - weights)
    assert model.predict(pages([["a"]])).tolist() == ["c"]


# -------------------------------------------------------------- what it must not know


@pytest.mark.parametrize("bypass", [False, True])
def test_no_event_knows_a_later_one(bypass):
    X = shop()
    encoder = SequenceEncoder(context=["country"], time_features=("gap",))
    model = NextBehaviorPredictor("product", encoder=encoder, bypass=bypass, **SMALL).fit(X)
    data = model._sequences(X)
    network, rows = model.model_, np.flatnonzero(data.lengths == 6)[:4]
    at = data.starts[rows][:, None] + np.arange(6)
    whole = {
        "codes": data.codes[at],
        "numbers": data.numbers[at],
        "context": data.context[rows],
        "lengths": np.full(len(rows), 6, np.int32),
    }
    _, queries = network(whole)
    for t in range(6):
        other = {name: values.copy() for name, values in whole.items()}
        other["codes"][:, t:] = np.where(other["codes"][:, t:] == 2, 3, 2)
        other["numbers"][:, t:] += 1
        changed = network(other)[1]
        np.testing.assert_allclose(changed[:, : t + 1], queries[:, : t + 1], atol=1e-6)
        assert np.abs(changed[:, t + 1] - queries[:, t + 1]).max() > 1e-3
        # What a prediction looks for is what was learned at that step.
        before = {name: values[:, :t] for name, values in whole.items() if values.ndim == 3}
        before = {name: np.pad(v, [(0, 0), (0, 1), (0, 0)]) for name, v in before.items()}
        short = whole | before | {"lengths": np.full(len(rows), t, np.int32)}
        np.testing.assert_allclose(network(short)[0], queries[:, t], atol=1e-5)


def timed_shop():
    return shop().append_column("cutoff", pa.array([pd.Timestamp("2027-01-01")] * 60))


def test_age_is_refused():
    encoder = SequenceEncoder(time_features=("age", "hour"), max_length=5)
    model = NextBehaviorPredictor("product", encoder=encoder, **BAG)
    message = "'age' of 'time' tells each event how much of its history"
    with pytest.raises(ValueError, match=message) as caught:
        model.fit(timed_shop())
    advice = str(caught.value).split("encoder=")[1].rstrip(".")
    assert advice == "SequenceEncoder(max_length=5, time_features=('hour',))"
    model.set_params(encoder=eval(advice)).fit(timed_shop())
    assert model.encoder_.max_length == 5


@pytest.mark.parametrize(
    "options",
    [{"time": []}, {"time_features": ("gap",)}, {"time_features": ()}, {"cutoff": "other"}],
)
def test_an_encoder_without_age_is_accepted(options):
    encoder = SequenceEncoder(**options)
    _fit_inputs.refuse_age(encoder.fit(timed_shop()))
    untimed = timed_shop().drop_columns(["time"])  # without times there is no age
    _fit_inputs.refuse_age(SequenceEncoder().fit(untimed))
    texts = timed_shop()
    at = [[str(moment) for moment in row] for row in texts["time"].to_pylist()]
    texts = texts.set_column(texts.column_names.index("time"), "time", pa.array(at))
    with pytest.raises(ValueError, match="'age' of 'time'"):
        _fit_inputs.refuse_age(SequenceEncoder(time=["time"]).fit(texts))


def test_the_target_is_not_doubted():
    X = pages([[f"p{i}-{j}" for j in range(3)] for i in range(30)])  # nearly unique
    with pytest.warns(SequenceFrameWarning, match="nearly unique"):
        SequenceEncoder().fit(X)
    model = NextBehaviorPredictor(**BAG).fit(X)
    assert len(model.classes_) == 90


def test_the_default_encoder_has_no_age(fitted):
    model = NextBehaviorPredictor("product", **BAG).fit(shop().drop_columns(["country"]))
    assert set(model.encoder_.get_feature_names_out()) == {
        "product",
        "price",
        *("time_gap", "time_hour_sin", "time_hour_cos", "time_weekday_sin", "time_weekday_cos"),
    }
    assert "country_PL" in fitted.encoder_.get_feature_names_out()


# -------------------------------------------------------------- odd histories


def test_empty_histories_are_answered(fitted):
    X = shop().slice(0, 2)
    empty = X.slice(0, 1)
    for name in ("product", "price", "time"):
        column = pa.array([[]], empty[name].type)
        empty = empty.set_column(empty.column_names.index(name), name, column)
    probabilities = fitted.predict_proba(empty)
    assert probabilities.sum() == pytest.approx(1)
    assert fitted.predict_proba(X.slice(0, 0)).shape == (0, 6)
    assert fitted.predict(X.slice(0, 0)).shape == (0,)


def test_unseen_and_missing_ids_are_events_of_unknown_kind(simple):
    X = pages([["one", "zwei"], ["one", "drei"], ["one"]])
    first, second, third = simple.predict_proba(X)
    np.testing.assert_allclose(first, second)
    assert np.abs(first - third).max() > 1e-4


def test_missing_ids_are_read_and_never_predicted(fitted):
    assert None in fitted.encoder_.categories_["product"].tolist()
    assert fitted.classes_.tolist() == list("abcdef")
    assert fitted.predict_proba(shop()).shape == (60, 6)
    present = [e for row in shop()["product"].to_pylist() for e in row if e is not None]
    counts = [present.count(c) for c in fitted.classes_]
    assert fitted.class_count_.tolist() == counts


def test_rare_ids_are_read_as_unknown_and_never_predicted():
    X = pages([["a", "b", "a", "b", "rare"]] * 4 + [["odd"]])
    encoder = SequenceEncoder(min_frequency=5)
    model = NextBehaviorPredictor(encoder=encoder, **BAG).fit(X)
    assert model.classes_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="never seen at fit: 'rare'"):
        model.predict_top_k(X, k=1, candidates=["rare"])
    assert model.score(X) == 0  # each ends in a rare one
    with pytest.raises(ValueError, match="an id that the encoder keeps"):
        NextBehaviorPredictor(encoder=SequenceEncoder(min_frequency=99), **BAG).fit(X)


def test_integers_and_booleans_are_ids():
    X = pd.DataFrame({"n": [[30, 7, 30], [7, 30]] * 10, "flag": [[True, False, True]] * 20})
    X["flag"] = [row[: len(n)] for row, n in zip(X["flag"], X["n"], strict=True)]
    numbers = NextBehaviorPredictor("n", **BAG).fit(X)
    assert numbers.classes_.tolist() == [7, 30] and numbers.predict(X).dtype.kind == "i"
    flags = NextBehaviorPredictor("flag", **BAG).fit(X)
    assert flags.predict(X).dtype == bool


# -------------------------------------------------------------- lists and paths


def test_top_k(frame_lib, fitted):
    X = frame_lib.make(shop())
    best = fitted.predict_top_k(X, k=3)
    assert type(best) is type(X)
    table = pa.Table.from_pylist(frame_lib.to_pylist(best))
    assert table.column_names == ["product", "score"]
    probabilities = fitted.predict_proba(X)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :3]
    assert table["product"].to_pylist() == fitted.classes_[order].tolist()
    np.testing.assert_allclose(
        table["score"].to_pylist(), np.take_along_axis(probabilities, order, 1), rtol=1e-6
    )


def test_top_k_among_some_and_without_what_was_seen(fitted):
    X = shop()
    some = fitted.predict_top_k(X, k=2, candidates=["f", "b"])
    assert {frozenset(row) for row in some["product"].to_pylist()} == {frozenset("bf")}
    new = fitted.predict_top_k(X, k=6, exclude_seen=True)["product"].to_pylist()
    for seen, listed in zip(X["product"].to_pylist(), new, strict=True):
        assert set(listed) == set("abcdef") - set(seen)


def test_scores_of_the_last_event(fitted):
    X = shop()
    before, truth = hold_out_last(X, "product")
    assert fitted.score(X) == (fitted.predict(before) == truth).mean()
    scores = ranking_scorer(k=3)(fitted, before, truth)
    assert 0 < scores["mrr@3"] < scores["recall@3"] < 1


def test_paths_are_reproducible_and_of_the_library(frame_lib, fitted):
    X = frame_lib.make(shop())
    paths = fitted.sample_paths(X, 4, random_state=3)
    assert type(paths) is type(X)
    paths = pa.Table.from_pylist(frame_lib.to_pylist(paths))
    assert paths.column_names == ["product"] and paths.num_rows == 60
    assert {len(path) for path in paths["product"].to_pylist()} == {4}
    again = pa.Table.from_pylist(frame_lib.to_pylist(fitted.sample_paths(X, 4, random_state=3)))
    assert paths["product"].to_pylist() == again["product"].to_pylist()
    other = pa.Table.from_pylist(frame_lib.to_pylist(fitted.sample_paths(X, 4, random_state=4)))
    assert paths["product"].to_pylist() != other["product"].to_pylist()


def test_a_cold_path_is_the_likeliest(simple):
    X = sums(30, 5, length=4)
    paths = simple.sample_paths(X, 3, temperature=0)["page"].to_pylist()
    histories = X["page"].to_pylist()
    for step in range(3):
        grown = [h + p[:step] for h, p in zip(histories, paths, strict=True)]
        assert simple.predict(pages(grown)).tolist() == [p[step] for p in paths]


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_paths_are_as_frequent_as_probable(simple, temperature):
    X = pages([["no", "one"]] * 6_000)
    paths = simple.sample_paths(X, 2, temperature=temperature, random_state=0)
    paths = np.array(paths["page"].to_pylist())

    def expected(history):
        p = simple.predict_proba(pages([history]))[0] ** (1 / temperature)
        return p / p.sum()

    first = [(paths[:, 0] == c).mean() for c in simple.classes_]
    np.testing.assert_allclose(first, expected(["no", "one"]), atol=0.03)
    second = paths[paths[:, 0] == "two", 1]
    shares = [(second == c).mean() for c in simple.classes_]
    np.testing.assert_allclose(shares, expected(["no", "one", "two"]), atol=0.06)


def test_other_channels_of_a_path_are_those_the_id_was_last_seen_with():
    X = pd.DataFrame(
        {
            "product": [["a", "b", "a"], ["b", "a", "b"]] * 10,
            "price": [[1.0, 5.0, 2.0], [6.0, 3.0, 7.0]] * 10,
        }
    )
    model = NextBehaviorPredictor(**SMALL).fit(X)
    data = model._sequences(X)
    longer = model._with_event(data, np.zeros(20, int))  # the most frequent
    at = longer.starts + longer.lengths - 1
    assert model._catalogue()[0] == "a"
    last_a = model._sequences(X.iloc[[-1]]).numbers[1]  # 3.0
    np.testing.assert_array_equal(longer.numbers[at], np.tile(last_a, (20, 1)))
    grown = X.assign(
        product=[[*row, "a"] for row in X["product"]], price=[[*row, 3.0] for row in X["price"]]
    )
    np.testing.assert_allclose(
        model._queries(longer).queries, model._queries(model._sequences(grown)).queries, atol=1e-6
    )


# -------------------------------------------------------------- in scikit-learn


def test_the_same_seed_gives_the_same(simple):
    again = clone(simple).fit(sums(30, 0))
    for one, other in zip(simple.weights_, again.weights_, strict=True):
        np.testing.assert_array_equal(one, other)
    other = clone(simple).set_params(random_state=1).fit(sums(30, 0))
    assert any((a != b).any() for a, b in zip(simple.weights_, other.weights_, strict=True))


def test_drawn_codes_are_seeded_too():
    model = NextBehaviorPredictor(n_negatives=2, **BAG)
    one, other = (clone(model).fit(sums(20, 0)).history_ for _ in range(2))
    assert one == other


def test_parameters_are_those_of_scikit_learn():
    model = NextBehaviorPredictor("page", units=4, optimizer__clipnorm=1.0)
    assert is_classifier(model)
    twin = clone(model)
    assert twin.get_params()["units"] == 4 and twin.optimizer__clipnorm == 1.0
    with pytest.raises(NotFittedError):
        model.predict(sums(2, 0))
    assert not twin.set_params(bypass=False).bypass


def test_pickle_and_file(fitted, tmp_path):
    X = shop(seed=3)
    expected = fitted.predict_proba(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    save(fitted, tmp_path / "model.skbseq")
    loaded = load(tmp_path / "model.skbseq")
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    paths = [m.sample_paths(X, 2, random_state=0)["product"] for m in (fitted, loaded)]
    assert paths[0].equals(paths[1])


def test_search_and_pipeline():
    X = shop().select(["product"])
    small = SMALL | {"epochs": 1, "network": "bag"}
    pipe = make_pipeline(SequenceImputer(), NextBehaviorPredictor(**small))
    search = GridSearchCV(
        pipe,
        [
            {"nextbehaviorpredictor__units": [4]},
            {"nextbehaviorpredictor__units": [8], "nextbehaviorpredictor__n_negatives": [2]},
        ],
        cv=KFold(2),
        error_score="raise",
    ).fit(X)
    assert search.best_estimator_.predict(X).shape == (60,)
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_libraries_agree(frame_lib, fitted):
    X = frame_lib.make(shop())
    model = clone(fitted).fit(X)
    np.testing.assert_array_equal(model.predict_proba(X), fitted.predict_proba(shop()))


def test_a_failed_fit_leaves_what_was(simple):
    model = clone(simple).fit(sums(30, 0))
    with pytest.raises(ValueError):
        model.fit(pages([[], []]))
    assert model.predict(sums(5, 1)).tolist() == simple.predict(sums(5, 1)).tolist()


def test_nothing_is_kept_to_go_on_from(fitted):
    assert fitted._sequence_model.optimizer_state is None
    assert fitted.n_iter_ == len(fitted.history_["loss"]) == 2


# -------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "model"}, "target 'model' is not a list column.*'product' \\(string\\)"),
        ({"target": "price"}, "target 'price' holds float values"),
        ({"target": "country"}, "'country' is not a list column. It is an ordinary column"),
    ],
)
def test_bad_targets(options, message):
    with pytest.raises(SequenceFrameError, match=message):
        NextBehaviorPredictor(**options).fit(shop())


def test_a_target_must_have_codes():
    encoder = SequenceEncoder(categorical=["page"])
    X = pd.DataFrame({"page": [["a", "b"]] * 4, "part": [["x", "y"]] * 4})
    with pytest.raises(SequenceFrameError, match="makes no codes of the target 'part'"):
        NextBehaviorPredictor("part", encoder=encoder, **SMALL).fit(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "perceptron"}, "network='perceptron' is not known. There are 'bag', 'cnn'"),
        ({"n_negatives": 0}, "n_negatives"),
        ({"bypass": 3}, "bypass"),
        ({"dropout": 1.0}, "dropout"),
        ({"unit": 3}, "has no parameter 'unit'"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        NextBehaviorPredictor(**options).fit(sums(4, 0))


def test_there_must_be_events():
    with pytest.raises(ValueError, match="none of the 2 histories in 'page' holds an event"):
        NextBehaviorPredictor(**SMALL).fit(pages([[], []]))
    with pytest.raises(ValueError, match="X has 2 rows and y 1"):
        NextBehaviorPredictor(**SMALL).fit(pages([["a"], []]), ["a"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 4}, "k=4 is too large: only 3 ids were seen"),
        ({"k": 0}, "k must be an integer of at least 1"),
        ({"k": 2, "candidates": ["no"]}, "k=2 is too large: only 1 distinct"),
        ({"k": 1, "candidates": ["ten"]}, "1 of the candidates was never seen at fit: 'ten'"),
    ],
)
def test_bad_lists(simple, options, message):
    with pytest.raises(ValueError, match=message):
        simple.predict_top_k(sums(2, 0), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be an integer of at least 1; got 0"),
        ({"steps": True}, "steps must be an integer"),
        ({"steps": 2, "temperature": -1.0}, "zero or more; got -1.0"),
        ({"steps": 2, "temperature": np.nan}, "zero or more; got nan"),
        ({"steps": 2, "temperature": "warm"}, "zero or more; got 'warm'"),
    ],
)
def test_bad_paths(simple, options, message):
    with pytest.raises(ValueError, match=message):
        simple.sample_paths(sums(2, 0), **options)


def test_a_frame_must_have_what_it_had_at_fit(fitted):
    with pytest.raises(SequenceFrameError, match="price"):
        fitted.predict(shop().drop_columns(["price"]))


# ---------------------------------------------------------------- whole histories


def test_what_the_encoder_cut_off_was_seen_all_the_same():
    rng = np.random.default_rng(0)
    X = pages([rng.permutation(list("abcdefgh"))[: 3 + i % 6].tolist() for i in range(40)])
    model = NextBehaviorPredictor(encoder=SequenceEncoder(max_length=2), **BAG).fit(X)
    lists = model.predict_top_k(X, k=8, exclude_seen=True)
    for row, offered in zip(X["page"].to_pylist(), lists["page"].to_pylist(), strict=True):
        assert sorted(row + offered) == list("abcdefgh")
    counts = np.unique(np.concatenate(X["page"].to_pylist()), return_counts=True)[1]
    np.testing.assert_array_equal(model.class_count_, counts)


def test_only_weights_of_histories_with_events_count():
    X = pages([["a", "b"], []] * 10)
    with pytest.raises(ValueError, match="every history with an event has weight zero"):
        NextBehaviorPredictor(**SMALL).fit(X, sample_weight=[0.0, 1.0] * 10)


@pytest.mark.parametrize(
    ("candidates", "message"),
    [(3, "candidates must be a list of ids; got 3"), ([], "candidates is empty")],
)
def test_candidates_must_be_some(candidates, message):
    model = MarkovChain().fit(pages([["a", "b"]]))
    with pytest.raises(ValueError, match=message):
        model.predict_top_k(pages([["a"]]), k=1, candidates=candidates)
    with pytest.raises(ValueError, match="only 1 distinct candidates"):
        model.predict_top_k(pages([["a"]]), k=2, candidates=["a", "a"])


def test_histories_without_any_event_are_named():
    with pytest.raises(SequenceFrameError, match="None of the histories holds an event"):
        MarkovChain().fit(pa.table({"page": pa.array([[], []], pa.list_(pa.null()))}))
