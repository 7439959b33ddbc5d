"""History tokens: a vector that sums up a history, learned by predicting the events after it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from skbseq import (
    BehaviorClassifier,
    BehaviorEmbedder,
    BehaviorRegressor,
    NextBehaviorPredictor,
    TransformerBehaviorClassifier,
    load,
    save,
)
from skbseq.networks import NETWORKS, EventHead, NetworkSpec

pytestmark = pytest.mark.steps("eager")  # a few steps take less time than to trace one

TOKEN = {"network": "transformer", "network__history_token": True, "network__n_heads": 2}
TINY = {"units": 8, "n_layers": 1, "random_state": 0, "device": "/CPU:0"}
LENGTHS = [6, 4, 3, 1, 0]


def spec_of(*, head=True, token=True, **changes):
    own = {**{n: o.default for n, o in NETWORKS["transformer"].own_options.items()}, "n_heads": 2}
    fields = {"checkpoint": False, "history_token": token}
    spec = NetworkSpec(
        vocabulary_sizes=(9, 7),
        embedding_dims=(4, 3),
        n_numbers=1,
        n_context=0,
        n_outputs=2,
        units=8,
        n_layers=2,
        bidirectional=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        pooling="last",
        policy="float32",
        network="transformer",
        options=tuple((name, value) for name, value in own.items() if name not in fields),
        head=EventHead((0,), begin=False, tied=True) if head else None,
        **fields,
    )
    return replace(spec, **changes)


def model_of(spec):
    from skbseq.networks._graph import build_network, initial_weights

    model = build_network(spec)
    model.set_weights(initial_weights(model, np.random.default_rng(0)))
    return model


@pytest.fixture
def batch(rng):
    return {
        "codes": rng.integers(1, 7, (5, 6, 2)).astype(np.int32),
        "numbers": rng.normal(size=(5, 6, 1)).astype(np.float32),
        "context": np.zeros((5, 0), np.float32),
        "lengths": np.array(LENGTHS, np.int32),
    }


def walks(n, seed=0):
    """Walks round five products by steps of one or of three, and which."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    start, length = rng.integers(0, 5, n), rng.integers(4, 9, n)
    rows = [(s + (1 + k) * np.arange(m)) % 5 for s, k, m in zip(start, y, length, strict=True)]
    return pd.DataFrame({"product": [[f"p{i}" for i in row] for row in rows]}), y


@pytest.fixture(scope="module")
def data():
    return walks(64)


@pytest.fixture(scope="module")
def fitted(data):
    return BehaviorEmbedder(**TOKEN, **TINY, epochs=2, batch_size=16).fit(data[0])


# ------------------------------------------------------------------ what reads what


@pytest.fixture
def after_three(monkeypatch):
    """Every token comes after three events, in training."""
    from skbseq.networks._graph._history_token import HistoryToken

    monkeypatch.setattr(HistoryToken, "_draw", lambda self, lengths: 0 * lengths + 3)


def distances(training, draws=True, lengths=(5,)):
    from skbseq.networks._graph._history_token import HistoryToken

    layer, events = HistoryToken(draws), np.zeros((len(lengths), 5, 4), np.float32)
    return np.asarray(layer(events, np.array(lengths, np.int32), training=training)[1])


def test_later_events_read_the_token_in_place_of_earlier_ones(after_three):
    # A row for each of five events, and one for the token; the last column is the token.
    expected = [
        [0, -1, -1, -1, -1, -1],
        [1, 0, -1, -1, -1, -1],
        [2, 1, 0, -1, -1, -1],
        [-1, -1, -1, 0, -1, 1],
        [-1, -1, -1, 1, 0, 2],
        [2, 1, 0, -1, -1, 0],
    ]
    np.testing.assert_array_equal(distances(training=True)[0], expected)


@pytest.mark.parametrize(("training", "draws"), [(False, True), (True, False)])
def test_no_real_event_reads_a_token_after_the_last(after_three, training, draws):
    found = distances(training, draws, lengths=(4, 0))
    back = np.arange(4)[:, None] - np.arange(4)
    np.testing.assert_array_equal(found[0, :4, :4], np.where(back < 0, -1, back))
    assert (found[0, :4, 5] == -1).all()
    np.testing.assert_array_equal(found[:, 5], [[3, 2, 1, 0, -1, 0], [-1] * 5 + [0]])


def test_half_of_the_tokens_come_after_a_random_event():
    from skbseq.networks._graph._history_token import HistoryToken

    layer = HistoryToken(True)
    lengths = np.repeat(np.array([0, 1, 2, 7], np.int32), 2_000)
    found = np.asarray(layer._draw(lengths)).reshape(4, -1)
    assert set(found[0]) == {0}
    assert set(found[1]) == {1}
    assert set(found[2]) == {1, 2}
    places, counts = np.unique(found[3], return_counts=True)
    assert places.tolist() == [1, 2, 3, 4, 5, 7]
    np.testing.assert_allclose(counts / 2_000, [0.1] * 5 + [0.5], atol=0.03)


def queries_of_training(model, batch):
    return np.asarray(model(batch, training=True)[1])


def with_other_first_events(batch):
    codes = batch["codes"].copy()
    codes[:, :3] = 7 - codes[:, :3]
    return batch | {"codes": codes}


def test_later_events_depend_on_earlier_ones(after_three, batch):
    model, changed = model_of(spec_of()), with_other_first_events(batch)
    before, after = (queries_of_training(model, x) for x in (batch, changed))
    assert (np.abs(after - before)[:2, 3:].max(axis=2) > 1e-3).all()


def test_and_they_do_so_through_the_token_alone(after_three, batch, monkeypatch):
    from skbseq.networks._graph._history_token import HistoryToken

    call = HistoryToken.call

    def blind(self, x, lengths, training=False):
        import tensorflow as tf

        x, distance = call(self, x, lengths, training)
        steps = tf.range(tf.shape(distance)[1])
        hidden = (steps[:, None] == steps[-1]) & (steps != steps[-1])
        return x, tf.where(hidden, -1, distance)

    monkeypatch.setattr(HistoryToken, "call", blind)
    model, changed = model_of(spec_of()), with_other_first_events(batch)
    before, after = (queries_of_training(model, x) for x in (batch, changed))
    np.testing.assert_array_equal(after[:, 3:], before[:, 3:])
    assert (after[:, :3] != before[:, :3]).any()


def test_earlier_events_do_not_depend_on_the_token(after_three, batch):
    model = model_of(spec_of())
    found, whole = queries_of_training(model, batch), np.asarray(model(batch)[1])
    np.testing.assert_allclose(found[:3, :3], whole[:3, :3], atol=1e-6)


def test_a_network_of_one_block_learns_its_token_from_later_events(after_three, batch):
    import tensorflow as tf

    model = model_of(spec_of(n_layers=1))
    with tf.GradientTape() as tape:
        queries = model(batch, training=True)[1]
        loss = tf.reduce_sum(queries[:1, 4] ** 2)
    gradient = tape.gradient(loss, model.get_layer("history_token").vector.value)
    assert np.abs(gradient).max() > 1e-4


# ------------------------------------------------------------------ predictions


def test_events_are_predicted_as_without_a_token(batch):
    model, plain = model_of(spec_of()), model_of(spec_of(token=False))
    names = {weight.path: weight.numpy() for weight in model.weights}
    plain.set_weights([names[weight.path] for weight in plain.weights])
    found, expected = model(batch)[1], plain(batch)[1]
    for i, n in enumerate(LENGTHS):
        np.testing.assert_allclose(found[i, :n], expected[i, :n], atol=1e-6)


@pytest.mark.parametrize("head", [True, False])
def test_padding_and_later_events_change_nothing(batch, head):
    model = model_of(spec_of(head=head))
    wide = {**batch, "codes": np.pad(batch["codes"], [(0, 0), (0, 3), (0, 0)], constant_values=5)}
    wide["numbers"] = np.pad(batch["numbers"], [(0, 0), (0, 3), (0, 0)], constant_values=9.0)
    found, expected = (model(x)[0] if head else model(x) for x in (wide, batch))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    first = {**batch, "lengths": np.minimum(batch["lengths"], 2)}
    short = {**first, "codes": batch["codes"][:, :2], "numbers": batch["numbers"][:, :2]}
    found, expected = (model(x)[0] if head else model(x) for x in (first, short))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_half_precision_is_near_the_whole(batch):
    models = [model_of(spec_of(head=False, policy=p)) for p in ("float32", "mixed_float16")]
    whole, half = (np.asarray(model(batch)) for model in models)
    np.testing.assert_allclose(half, whole, atol=0.05)


def test_a_network_survives_a_file(batch, tmp_path):
    import keras

    model = model_of(spec_of(head=False))
    model.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(batch), model(batch))


# ------------------------------------------------------------------ estimators


def test_vectors_do_not_depend_on_other_rows_and_empty_ones_are_zero(data, fitted):
    X = pd.concat([data[0][:8], pd.DataFrame({"product": [[]]})], ignore_index=True)
    vectors = fitted.transform(X)
    assert vectors.shape == (9, 8)
    assert (vectors[8] == 0).all()
    for i in range(8):
        np.testing.assert_allclose(fitted.transform(X[i : i + 1])[0], vectors[i], atol=1e-5)


def test_the_same_seed_gives_the_same_vectors_also_from_a_file(data, fitted, tmp_path):
    expected = fitted.transform(data[0])
    np.testing.assert_array_equal(clone(fitted).fit(data[0]).transform(data[0]), expected)
    save(fitted, tmp_path / "embedder.skbseq")
    again = load(tmp_path / "embedder.skbseq")
    np.testing.assert_array_equal(again.transform(data[0]), expected)


def test_checkpointing_changes_no_vector(data, fitted):
    checked = clone(fitted).set_params(network__checkpoint=True).fit(data[0])
    np.testing.assert_allclose(checked.transform(data[0]), fitted.transform(data[0]), atol=1e-3)


def test_fine_tuning_begins_with_the_token_of_the_embedder(data, fitted):
    import keras

    from skbseq._training._batches import pad_batch

    X = fitted.encoder_.transform(data[0])
    model = BehaviorClassifier(
        **TOKEN, **TINY, epochs=1, init=FrozenEstimator(fitted), freeze="network"
    ).fit(X, data[1])
    network = model.model_
    state = keras.Model(network.input, network.get_layer("token_state").output)
    batch = pad_batch(model._sequence_model.read(X), np.arange(8))
    np.testing.assert_allclose(state(batch), fitted.transform(data[0][:8]), atol=1e-5)


def test_all_weights_of_a_network_with_a_token_are_trained(data, fitted):
    X, y = fitted.encoder_.transform(data[0]), data[1]
    model = BehaviorRegressor(**TOKEN, **TINY, epochs=1, init=FrozenEstimator(fitted)).fit(X, y)
    same = [
        name
        for name, weight in fitted._sequence_model.weights_below_heads().items()
        if (model._sequence_model.weight(name) == weight).all()
    ]
    # The products of a query with the bias of all keys are the same, and change no share.
    assert set(same) <= {"key_0/bias"}


def test_adapters_leave_the_token_as_it_is(data, fitted):
    X, y = fitted.encoder_.transform(data[0]), data[1]
    model = BehaviorClassifier(
        **TOKEN, **TINY, epochs=1, init=FrozenEstimator(fitted), adapter_rank=2
    ).fit(X, y)
    token, kernel = (
        model._sequence_model.weight(name) - fitted._sequence_model.weight(name)
        for name in ("history_token/token", "key_0/kernel")
    )
    assert (token == 0).all()
    assert np.linalg.matrix_rank(kernel, tol=1e-5) in (1, 2)


def test_a_classifier_learns_by_the_token_from_scratch():
    codes, y = [[4, 2, 2], [4, 3, 3]] * 8, [0, 1] * 8
    model = TransformerBehaviorClassifier(
        history_token=True,
        **TINY | {"random_state": 2},
        epochs=14,
        learning_rate=0.03,
        dropout=0,
        validation_split=0,
        average_weights=False,
    ).fit(codes, y)
    assert model.score(codes, y) == 1


def test_the_token_learns_what_later_events_need(after_three):
    # The first event comes back as the fifth, and only the token knows it from the fourth on.
    X = pd.DataFrame({"what": [[flag, "x", "x", "x", flag] for flag in "ab"] * 24})
    embedder = BehaviorEmbedder(
        **TOKEN, **TINY, epochs=12, batch_size=16, learning_rate=0.03, dropout=0
    ).fit(X)
    guessing = np.log(2) / 4  # one of four predicted events cannot be known without it
    assert embedder.history_["loss"][-1] < guessing / 2


def test_next_events_are_predicted_from_the_events(data, fitted):
    """The token is inserted in training alone, and predictions do not read it."""
    model = NextBehaviorPredictor("product", **TOKEN, **TINY, epochs=1, init=fitted).fit(data[0])
    before, trained = model.predict_proba(data[0][:5]), model._sequence_model
    named = zip(trained.weight_names, trained.weights, strict=True)
    other = [w + 1 if name == "history_token/token" else w for name, w in named]
    model._sequence_model = replace(trained, weights=other)
    np.testing.assert_array_equal(model.predict_proba(data[0][:5]), before)


def test_specs_of_files_without_the_option_have_no_token():
    spec, earlier = spec_of(token=False), spec_of(token=False)
    vars(earlier).pop("history_token")
    assert earlier == spec
    assert earlier.shaping() == spec.shaping()
    assert earlier.arguments()["history_token"] is False


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bidirectional": True}, "history_token=True needs bidirectional=False"),
        ({"pooling": "mean"}, "pooling='mean' would leave it unused"),
        ({"network__history_token": "yes"}, "'network__history_token' parameter"),
        ({"network": "gru"}, "'gru' has no option 'history_token' .only 'transformer' has it"),
    ],
)
def test_what_rules_a_token_out_is_named(parameters, message):
    given = {"network": "transformer", "network__history_token": True} | TINY | parameters
    with pytest.raises(ValueError, match=message):
        BehaviorClassifier(**given).fit([[2, 3], [3, 2]] * 4, [0, 1] * 4)


@pytest.mark.parametrize(
    ("both_ways", "message"),
    [(False, "objective='masked' needs a network that reads in both"), (True, "bidirectional=")],
)
def test_masked_events_need_no_token(data, both_ways, message):
    embedder = BehaviorEmbedder(**TOKEN, **TINY, objective="masked", bidirectional=both_ways)
    with pytest.raises(ValueError, match=message):
        embedder.fit(data[0])


def test_both_models_have_the_token_or_none(data, fitted):
    X = fitted.encoder_.transform(data[0])
    given = TINY | {"network": "transformer", "network__n_heads": 2, "init": fitted}
    with pytest.raises(ValueError, match=r"history_token differs .*: it is False here and True"):
        BehaviorClassifier(**given).fit(X, data[1])


def test_training_goes_on_with_the_same_token():
    codes, y = [[2, 3], [3, 2]] * 16, [0, 1] * 16
    model = TransformerBehaviorClassifier(history_token=True, **TINY, epochs=1).fit(codes, y)
    model.partial_fit(codes, y).set_params(history_token=False)
    with pytest.raises(ValueError, match="history_token was changed since the last fit"):
        model.partial_fit(codes, y)


def test_there_is_no_prediction_after_each_event():
    codes, y = [[2, 3], [3, 2]] * 16, [0, 1] * 16
    model = TransformerBehaviorClassifier(history_token=True, **TINY, epochs=1).fit(codes, y)
    with pytest.raises(ValueError, match="Fit it with history_token=False, or predict from the"):
        model.predict_proba_each(codes)
