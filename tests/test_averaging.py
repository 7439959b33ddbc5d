"""The average of weights over the later part of training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skbseq import (
    BehaviorClassifier,
    BehaviorEmbedder,
    BehaviorRegressor,
    LSTMBehaviorClassifier,
    NextBehaviorPredictor,
    SequenceEncoder,
)

WORDS = ["view", "cart", "buy", "leave", "search"]


def make_samples(n=120):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"what": [rng.choice(WORDS, rng.integers(1, 6)).tolist() for _ in range(n)]})
    y = np.array(["buy" in row for row in X["what"]])
    return SequenceEncoder().fit_transform(X), y


def estimator(**parameters):
    given = {"network": "bag", "epochs": 3, "batch_size": 16, "random_state": 0}
    return BehaviorClassifier(**given | {"early_stopping": False} | parameters)


def test_average_is_the_one_of_its_formula():
    keras = pytest.importorskip("keras")
    from skbseq._training._averaging import WeightAverage

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    average, seen = WeightAverage(model), []
    for k in range(1, 8):
        seen.append(np.full((2, 1), k**2, np.float32))
        model.set_weights([seen[-1]])
        average.update()
    before = average.load()
    shares = [(k / 7) ** 4 - ((k - 1) / 7) ** 4 for k in range(1, 8)]
    expected = sum(share * value for share, value in zip(shares, seen, strict=True))
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-5)
    np.testing.assert_array_equal(before[0], seen[-1])


@pytest.mark.parametrize("n", [1, 7, 16, 17, 100, 1000])
def test_each_epoch_updates_the_average_about_equally_often(n):
    updates = updates_of(n)
    assert len(updates) in range(min(n, 9), 17)
    assert updates[-1] == n


def updates_of(n_batches, n_rows=1, **options):
    """After which batches of an epoch an average of a table of so many rows is updated."""
    keras = pytest.importorskip("keras")
    from skbseq._training._averaging import WeightAverage

    model = keras.Sequential([keras.Input((2,)), keras.layers.Embedding(n_rows, 4)])
    average, updates = WeightAverage(model, **options), [0]
    while updates[-1] < n_batches:
        updates.append(average.next_update(updates[-1], n_batches))
    return updates[1:]


def test_only_batches_that_end_a_step_of_the_optimizer_count():
    for n_accumulated in (2, 4):
        for n_steps in (3, 16, 50):
            expected = [n_accumulated * step for step in updates_of(n_steps)]
            n_batches = n_accumulated * n_steps
            assert updates_of(n_batches, n_accumulated=n_accumulated) == expected
    assert updates_of(5, n_accumulated=8) == [5]  # what is left at the end makes a step


@pytest.mark.parametrize("network", ["bag", "lstm"])
def test_averaging_changes_weights_and_is_repeatable(network):
    X, y = make_samples()
    plain = estimator(network=network, average_weights=False).fit(X, y)
    first, second = (estimator(network=network).fit(X, y) for _ in range(2))
    assert plain.history_["loss"] == first.history_["loss"], "training itself is the same"
    assert not np.allclose(plain.weights_[0], first.weights_[0])
    for one, other in zip(first.weights_, second.weights_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_calls_of_any_length_give_the_same_average():
    import keras

    class Watcher(keras.callbacks.Callback):  # makes calls of a single batch
        def on_train_batch_end(self, batch, logs=None):
            pass

    X, y = make_samples(400)
    model = LSTMBehaviorClassifier(units=4, epochs=2, batch_size=8, random_state=0)
    long = clone(model).fit(X, y)
    short = clone(model).set_params(callbacks=[Watcher()]).fit(X, y)
    for one, other in zip(long.weights_, short.weights_, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_frozen_weights_are_not_even_rounded():
    X, y = make_samples()
    raw = pd.DataFrame({"what": [WORDS[i:] for i in range(4)] * 10})
    embedder = BehaviorEmbedder(network="bag", units=32, epochs=1, random_state=0).fit(raw)
    X = embedder.encoder_.transform(raw)
    y = np.arange(len(raw)) % 2 == 0
    model = estimator(init=embedder, freeze="embeddings").fit(X, y)
    place = [
        i for i, name in enumerate(model._sequence_model.weight_names) if "embedding_0" in name
    ]
    np.testing.assert_array_equal(model.weights_[place[0]], embedder.weights_[0])


def test_an_average_of_the_optimizer_goes_first():
    X, y = make_samples()
    own = {"optimizer__use_ema": True, "optimizer__ema_momentum": 0.5}
    with_ours = estimator(**own).fit(X, y)
    without = estimator(average_weights=False, **own).fit(X, y)
    np.testing.assert_array_equal(with_ours.weights_[0], without.weights_[0])


def test_partial_fit_keeps_the_last_weights():
    X, y = make_samples()
    models = [estimator(average_weights=on).partial_fit(X, y) for on in (True, False)]
    np.testing.assert_array_equal(*(model.weights_[0] for model in models))


@pytest.mark.parametrize(("large", "expected"), [(False, 2), (True, 1 + 15 / 16)])
def test_large_tables_are_left_out_unless_asked_for(large, expected):
    keras = pytest.importorskip("keras")
    from skbseq._training._averaging import WeightAverage

    model = keras.Sequential([keras.Input((2,)), keras.layers.Embedding(300_000, 4)])
    average = WeightAverage(model, large=large)
    for k in (1.0, 2.0):
        model.set_weights([np.full((300_000, 4), k)])
        average.update()
    average.load()
    np.testing.assert_array_equal(model.get_weights()[0], np.float32(expected))


def test_updates_of_large_tables_are_further_apart():
    # Of a table of 1.2 million numbers every second batch is enough, of none each is.
    assert updates_of(6, 300_000, large=True) == [2, 4, 6]
    assert updates_of(6, 300_000, large=False) == [1, 2, 3, 4, 5, 6]


def test_tables_that_are_too_large_are_not_averaged(monkeypatch):
    monkeypatch.setattr("skbseq._training._averaging._MOST_LARGE", 10**6)
    assert updates_of(6, 300_000, large=True) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("network", ["bag", "lstm"])
def test_accumulated_batches_give_the_average_of_a_large_batch(network):
    X = pd.DataFrame({"c": [[2, 3, 4], [5, 4, 3]] * 32})  # of one length: the batches are alike
    y, options = [0, 1] * 32, {"dropout": 0.0, "learning_rate": 0.05, "validation_split": 0.0}
    large = estimator(network=network, batch_size=64, **options).fit(X, y)
    small = {"batch_size": 16, "optimizer__gradient_accumulation_steps": 4}
    accumulated = estimator(network=network, **small, **options).fit(X, y)
    left_over = small | {"optimizer__gradient_accumulation_steps": 8}
    with_rest = estimator(network=network, **left_over, **options).fit(X, y)
    expected = large.predict_proba(X)
    np.testing.assert_allclose(accumulated.predict_proba(X), expected, atol=1e-5)
    np.testing.assert_allclose(with_rest.predict_proba(X), expected, atol=1e-5)


def test_regressors_average_too():
    X, y = make_samples()
    models = [
        BehaviorRegressor(network="bag", epochs=2, random_state=0, average_weights=on).fit(
            X, y * 2.0
        )
        for on in (True, False)
    ]
    assert not np.array_equal(*(model.weights_[0] for model in models))


def next_page(**parameters):
    given = {"network": "bag", "units": 8, "epochs": 3, "batch_size": 16, "random_state": 0}
    pages = pd.DataFrame({"what": [WORDS[i:] for i in range(4)] * 20})
    return NextBehaviorPredictor(**given | {"early_stopping": False} | parameters).fit(pages)


def test_next_events_are_predicted_by_the_average_and_judged_by_it():
    plain, averaged = (next_page(average_weights=on) for on in (False, True))
    assert plain.history_["loss"] == averaged.history_["loss"], "training itself is the same"
    assert not np.array_equal(plain.weights_[0], averaged.weights_[0])
    assert plain.history_["val_loss"] != averaged.history_["val_loss"]


def test_the_vectors_of_many_ids_are_averaged_too(monkeypatch):
    from skbseq._training import _program, _sparse_adam

    monkeypatch.setattr(_sparse_adam, "_LARGE", 2)
    monkeypatch.setattr(_program, "_POOL", type(_program._POOL)())
    plain, averaged = (next_page(average_weights=on) for on in (False, True))
    for one, other in zip(plain.weights_, averaged.weights_, strict=True):
        assert not np.array_equal(one, other)


def test_training_on_all_histories_averages_too():
    plain, averaged = (next_page(average_weights=on, refit=True) for on in (False, True))
    assert not np.array_equal(plain.weights_[0], averaged.weights_[0])


def test_a_predictor_of_an_earlier_version_does_not_average():
    state = next_page(epochs=1).__getstate__()
    del state["average_weights"]
    earlier = NextBehaviorPredictor.__new__(NextBehaviorPredictor)
    earlier.__setstate__(state)
    assert clone(earlier).average_weights is False
