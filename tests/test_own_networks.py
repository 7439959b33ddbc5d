"""Networks that users bring as a function: they work everywhere, and mistakes are named."""

import pickle
import random

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skbseq import (
    BehaviorClassifier,
    BehaviorEmbedder,
    BehaviorRegressor,
    NextBehaviorPredictor,
    SequenceEncoder,
    load,
    save,
)
from skbseq.exceptions import ModelFileError

# Most fits take two steps.
pytestmark = pytest.mark.steps("eager")

TINY = {"units": 4, "epochs": 1, "batch_size": 32, "random_state": 0, "device": "/CPU:0"}


def convolution(events, lengths, *, units, kernel_size=3):
    return keras.layers.Conv1D(units, kernel_size, padding="causal", activation="relu")(events)


def unusual(events, lengths, *, rate=0.3):
    """Own initializers, weights that are not trained, stateful dropout, names that we use too."""
    x = keras.layers.Dense(4, kernel_initializer="zeros", name="logits")(events)
    x = keras.layers.Add()([x, keras.layers.Dense(4, bias_initializer="ones")(events)])
    x = keras.layers.BatchNormalization(name="embedding_0")(x)
    x = keras.layers.Dropout(rate, seed=3)(x)
    return keras.layers.GRU(4, return_sequences=True, name="network")(x)


def history(events, lengths, mask, units):
    pooled = keras.layers.GlobalAveragePooling1D()(events, mask=mask)
    return keras.layers.Dense(units)(pooled)


def both(events, lengths, *, inputs):
    x = keras.layers.Concatenate()([events, inputs["numbers"]])
    x = keras.layers.SimpleRNN(3, return_sequences=True)(x)
    return x, keras.layers.Dense(2)(inputs["context"])


def adds_the_last_event(events, lengths):
    at = keras.ops.maximum(lengths - 1, 0)[:, None, None]
    return events + keras.ops.take_along_axis(events, at, axis=1)


@keras.saving.register_keras_serializable(package="tests")
class Decay(keras.layers.Layer):
    """Each event plus a learned share of the sum of those before."""

    def build(self, shape):
        self.share = self.add_weight(shape=(shape[-1],), initializer="zeros", name="share")

    def call(self, x):
        return x + self.share * (keras.ops.cumsum(x, axis=1) - x)


def custom_layer(events, lengths, *, units):
    return Decay()(keras.layers.Dense(units)(events))


def sees_the_future(events, lengths):
    return keras.ops.flip(keras.ops.cumsum(keras.ops.flip(events, 1), axis=1), 1)


def sees_the_future_once_trained(events, lengths, *, units):
    """Weights of zero hide at first that later events are seen."""
    later = keras.layers.Dense(units, kernel_initializer="zeros")(sees_the_future(events, lengths))
    return keras.layers.Add()([later, keras.layers.Dense(units)(events)])


def sees_padding(events, lengths):
    return keras.ops.mean(events, axis=1)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 8, 64)
    codes = [rng.integers(1, 5, n).tolist() for n in lengths]
    numbers = [rng.normal(size=n).round(3).tolist() for n in lengths]
    X = pd.DataFrame({"what": codes, "price": numbers, "age": rng.normal(size=64)})
    return X, np.array([int(bool(row) and row[-1] == 2) for row in codes])


@pytest.fixture(scope="module")
def raw():
    rng = np.random.default_rng(0)
    what = [rng.choice(list("abcd"), n).tolist() for n in rng.integers(2, 7, 40)]
    return pd.DataFrame({"what": what})


GOOD = [convolution, unusual, history, both, custom_layer]


@pytest.mark.parametrize("network", GOOD)
def test_it_trains_repeats_and_goes_on(frame, network):
    X, y = frame
    state = random.getstate()
    model = BehaviorClassifier(network, **TINY).fit(X, y)
    assert random.getstate() == state  # Keras draws the seeds of initializers from there
    again = clone(model).fit(X, y)
    for one, other in zip(model.weights_, again.weights_, strict=True):
        np.testing.assert_array_equal(one, other)
    other = clone(model).set_params(random_state=1).fit(X, y)
    assert (other.predict_proba(X) != model.predict_proba(X)).any()
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
    assert copy.partial_fit(X, y).n_iter_ == 2


def test_initializers_are_the_functions_own(frame):
    X, y = frame
    model = BehaviorClassifier(unusual, learning_rate=1e-12, **TINY).fit(X, y)
    named = dict(zip(model._sequence_model.weight_names, model.weights_, strict=True))
    np.testing.assert_allclose(named["network/logits/0_kernel"], 0, atol=1e-9)
    np.testing.assert_allclose(named["network/dense/1_bias"], 1, atol=1e-9)
    assert named["network/dense/0_kernel"].std() > 0.1
    assert named["logits/kernel"].std() > 0.1  # the head, which is ours


def test_weights_that_are_not_trained_follow_the_data(frame):
    X, y = frame
    model = BehaviorClassifier(unusual, **{**TINY, "epochs": 4}).fit(X, y)
    named = dict(zip(model._sequence_model.weight_names, model.weights_, strict=True))
    assert (named["network/embedding_0/2_moving_mean"] != 0).all()
    assert (named["network/embedding_0/3_moving_variance"] != 1).all()
    # In prediction they are used as they are: a row's company does not matter.
    np.testing.assert_allclose(model.predict_proba(X[:5]), model.predict_proba(X)[:5], atol=1e-6)


def test_context_and_all_inputs_reach_the_network(frame):
    X, y = frame
    model = BehaviorClassifier(both, **TINY).fit(X, y)
    older = X.assign(age=X["age"] + 1)
    assert (model.predict_proba(older) != model.predict_proba(X)).all()


def test_regularizers_of_its_layers_act(frame):
    sizes = []
    for factor in (0.0, 1.0):
        model = BehaviorClassifier(penalised, network__factor=factor, **{**TINY, "epochs": 9})
        model.set_params(learning_rate=0.05).fit(*frame)
        sizes.append(np.abs(model._sequence_model.weight("network/dense/0_kernel")).sum())
    assert sizes[1] < 0.5 * sizes[0]


def penalised(events, lengths, *, units, factor=0.0):
    return keras.layers.Dense(units, kernel_regularizer=keras.regularizers.L2(factor))(events)


def test_an_empty_history_has_a_vector_of_zeros(frame):
    X, y = frame
    model = BehaviorClassifier(history, **TINY).fit(X.drop(columns="age"), y)
    empty = pd.DataFrame({"what": [[]], "price": [[]]})
    bias = model._sequence_model.weight("logits/bias")
    found = model.predict_proba(empty)[0, 1]
    assert found == pytest.approx(1 / (1 + np.exp(-bias[0])), abs=1e-6)


@pytest.mark.parametrize("length", ["short", "long"])
def test_padding_and_company_do_not_matter(frame, length):
    X, y = frame
    model = BehaviorClassifier(history, **TINY).fit(X, y)
    n = 1 if length == "short" else 50
    more = pd.DataFrame({"what": [[2] * n], "price": [[0.0] * n], "age": [0.0]})
    found = model.predict_proba(pd.concat([X, more], ignore_index=True))[:-1]
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-6)


def test_arguments_are_searched_and_parameters_of_the_estimator_passed_on(frame):
    X, y = frame
    grid = [{"network__kernel_size": [size], "units": [1 + size]} for size in (1, 2)]
    search = GridSearchCV(BehaviorClassifier(convolution, **TINY), grid, cv=2).fit(X, y)
    best = search.best_estimator_
    kernel = best._sequence_model.weight("network/conv1d/0_kernel")
    found = {"network__kernel_size": kernel.shape[0], "units": kernel.shape[2]}
    assert found == search.best_params_


def test_saved_by_its_import_name(frame, tmp_path):
    X, y = frame
    model = BehaviorClassifier(convolution, network__kernel_size=2, **TINY).fit(X, y)
    save(model, tmp_path / "model.skbseq")
    name = f"{__name__}.convolution"
    with pytest.raises(ModelFileError, match=rf"not trusted: {name}\. .*trusted=\['{name}'\]"):
        load(tmp_path / "model.skbseq")
    for trusted in ([name], [convolution], convolution):
        again = load(tmp_path / "model.skbseq", trusted=trusted)
        np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.get_params()["network"] is convolution


def test_what_has_no_import_name_is_fitted_but_not_saved(frame, tmp_path, monkeypatch):
    def inner(events, lengths):
        return keras.layers.Dense(2)(events)

    for network in (lambda events, lengths: keras.layers.Dense(2)(events), inner):
        model = make_pipeline(FrozenEstimator(BehaviorClassifier(network, **TINY).fit(*frame)))
        with pytest.raises(TypeError, match=r"network=.*<.* cannot be saved: .* Define it with"):
            save(model, tmp_path / "model.skbseq")
    assert not list(tmp_path.iterdir())
    main = BehaviorClassifier(convolution, **TINY).fit(*frame)
    monkeypatch.setattr(convolution, "__module__", "__main__")
    monkeypatch.setattr("__main__.convolution", convolution, raising=False)
    with pytest.warns(UserWarning, match="network=convolution is defined in __main__"):
        save(main, tmp_path / "model.skbseq")


def test_a_pretrained_network_starts_a_classifier_and_is_frozen(raw):
    y = np.arange(40) % 2
    embedder = BehaviorEmbedder(network=custom_layer, **TINY).fit(raw)
    X = embedder.encoder_.transform(raw)
    options = TINY | {"init": embedder, "learning_rate": 0.1}
    model = BehaviorClassifier(custom_layer, freeze=["network/decay"], **options).fit(X, y)
    theirs = embedder._sequence_model
    for name, changes in (("network/decay/0_share", False), ("network/dense/0_kernel", True)):
        ours = model._sequence_model.weight(name)
        assert (ours != theirs.weight(name)).any() == changes
    with pytest.raises(ValueError, match=r"network differs .* is convolution here"):
        BehaviorClassifier(convolution, **options).fit(X, y)


def test_regressors_and_models_of_events_take_it_too(frame, raw):
    X, y = frame
    assert np.isfinite(BehaviorRegressor(convolution, **TINY).fit(X, 1.0 * y).predict(X)).all()
    model = NextBehaviorPredictor(network=unusual, network__rate=0.1, **TINY).fit(raw)
    assert model.predict_proba(raw).sum(axis=1) == pytest.approx(1)
    for objective in ("masked", "contrastive"):  # which later events may be seen by
        embedder = BehaviorEmbedder(network=sees_nothing_wrong, objective=objective, **TINY)
        assert embedder.fit_transform(raw).shape == (40, 4)


def sees_nothing_wrong(events, lengths, mask, *, units):
    """Both ways, and blind to padding."""
    real = keras.ops.cast(mask, "float32")[:, :, None]
    return keras.layers.Dense(units)(events * real + keras.ops.sum(events * real, 1, True))


def test_masked_layers_of_keras_raise_no_warning(frame, raw):
    X, y = frame
    for pooling in ("last", "attention"):
        BehaviorClassifier(masked, pooling=pooling, **TINY).fit(X, y).predict(X)
    NextBehaviorPredictor(network=masked, **TINY).fit(raw).predict(raw)


def masked(events, lengths, mask):
    """Keras passes the mask of a layer on to the layers after it."""
    return keras.layers.GRU(2, return_sequences=True)(events, mask=mask)


SHARED_LAYER = keras.layers.Dense(3)


def shared(events, lengths):
    return SHARED_LAYER(events)


def any_name(events, lengths, **options):
    return keras.layers.Dense(options.get("width", 2))(events)


def own_epochs(events, lengths, *, epochs=3):
    return keras.layers.Dense(epochs)(events)


def test_arguments_of_any_name_and_names_of_the_estimator(frame):
    X, y = frame
    model = BehaviorClassifier(any_name, network__width=5, **TINY).fit(X, y)
    assert model._sequence_model.weight("network/dense/0_kernel").shape[1] == 5
    with pytest.raises(ValueError, match="network=any_name has no option 'units'"):
        BehaviorClassifier(any_name, network__units=5, **TINY).fit(X, y)
    model = BehaviorClassifier(own_epochs, **TINY).fit(X, y)
    assert model.spec_.option("epochs") == 3


def test_one_vector_per_history_can_be_learned_without_targets(raw):
    model = BehaviorEmbedder(network=history, objective="contrastive", **TINY)
    assert model.fit_transform(raw).shape == (40, 4)


# ------------------------------------------------------------------ mistakes


def test_layers_made_outside_the_function_are_refused(frame):
    with pytest.raises(ValueError, match=r"network=shared uses the layer .* of an earlier call"):
        BehaviorClassifier(shared, **TINY).fit(*frame)


@pytest.mark.parametrize(("name", "value"), [("units", 0), ("units", "a"), ("dropout", 5)])
def test_arguments_that_the_estimator_knows_are_checked(frame, name, value):
    def network(events, lengths, *, units=2, dropout=None):
        return keras.layers.Dense(units)(events)

    model = BehaviorClassifier(network, **TINY).set_params(**{f"network__{name}": value})
    with pytest.raises(ValueError, match=f"The 'network__{name}' parameter of BehaviorClass"):
        model.fit(*frame)
    assert BehaviorClassifier(network, **TINY).fit(*frame).spec_.dropout == 0


@pytest.mark.parametrize("network", [sees_the_future, sees_the_future_once_trained])
@pytest.mark.parametrize("kind", [NextBehaviorPredictor, BehaviorEmbedder])
def test_a_network_that_sees_later_events_is_refused(raw, kind, network):
    with pytest.raises(ValueError, match=rf"network={network.__name__} sees later ev"):
        kind(network=network, **{**TINY, "learning_rate": 0.1}).fit(raw)


def knows_how_many_follow(events, lengths, *, units):
    share = keras.ops.cast(keras.ops.reshape(lengths, (-1, 1, 1)), events.dtype)
    return keras.layers.Dense(units)(events) * share


def test_a_network_that_knows_how_many_events_follow_is_refused(raw, frame):
    with pytest.raises(ValueError, match=r"sees later events: .* or with their number"):
        NextBehaviorPredictor(network=knows_how_many_follow, **TINY).fit(raw)
    BehaviorClassifier(knows_how_many_follow, **TINY).fit(*frame)  # which may know it


def mixes_histories(events, lengths):
    return events + keras.ops.mean(events, axis=0, keepdims=True)


@pytest.mark.parametrize("kind", [BehaviorClassifier, NextBehaviorPredictor])
def test_a_network_that_mixes_histories_is_refused(raw, frame, kind):
    data = frame if kind is BehaviorClassifier else (raw,)
    with pytest.raises(ValueError, match="network=mixes_histories mixes the histories of a batch"):
        kind(network=mixes_histories, **TINY).fit(*data)


def test_a_network_that_sees_padding_is_refused(frame):
    with pytest.raises(ValueError, match=r"network=sees_padding gives other results .* `lengths`"):
        BehaviorClassifier(sees_padding, **TINY).fit(*frame)


SHAPES = [
    (lambda events, lengths: None, "must return one vector per event, .* it returned NoneType"),
    (lambda events, lengths: keras.ops.sum(events, 2), r"it returned \(None, None\)"),
    (lambda events, lengths: keras.layers.Conv1D(2, 3)(events), "returned 9 vectors for 11 eve"),
    (lambda events, lengths: [events, events], r"it returned \(None, None, 4\), \(None, N"),
    (lambda events: events, r"first two arguments are the events and .* It takes \(events\)"),
    (lambda events, lengths, size: events, "needs its argument 'size', which has no default. Set"),
    (keras.layers.LSTM, "must be a function whose first two"),
    (lambda events, lengths: events[:, :, :0], r"returned vectors of width 0: \(None, None, 0\)"),
    (
        lambda events, lengths: keras.layers.LSTM(2)(events[:, 0]),
        "failed with ValueError when",
    ),
    (
        lambda events, lengths: keras.layers.Dense("x")(events),
        r"lambda> failed .*, None, 4\)",
    ),
    (lambda events, lengths: events.no_such, "network=.*lambda> failed with AttributeError"),
    (lambda events, lengths: events @ keras.ops.ones((9, 2)), "network=.*lambda> failed with Val"),
]


@pytest.mark.parametrize(("network", "message"), SHAPES)
def test_functions_that_cannot_be_a_network_are_refused(frame, network, message):
    with pytest.raises((TypeError, ValueError), match=message):
        BehaviorClassifier(network, **TINY).fit(*frame)


OPTIONS = [
    (
        {"network__rate": 1},
        "has no option 'rate': .* takes units, kernel_size",
    ),
    (
        {"n_layers": 2},
        "network=convolution has no argument 'n_layers', so n_layers=2 would",
    ),
    ({"bidirectional": True}, "has no argument 'bidirectional'"),
    ({"network": history, "pooling": "mean"}, r"one vector per history, .* pooling='mean' would"),
    ({"network__kernel_size": {}}, r"network__kernel_size=\{\} cannot be hashed"),
]


@pytest.mark.parametrize(("parameters", "message"), OPTIONS)
def test_parameters_that_change_nothing_are_refused(frame, parameters, message):
    model = BehaviorClassifier(**{"network": convolution, **TINY, **parameters})
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(*frame)


def test_one_vector_per_history_predicts_no_events(raw):
    with pytest.raises(ValueError, match=r"network=history returned one vector per hist"):
        NextBehaviorPredictor(network=history, **TINY).fit(raw)


def test_it_stands_in_a_pipeline(raw):
    y = np.arange(40) % 2
    model = make_pipeline(SequenceEncoder(), BehaviorClassifier(convolution, **TINY))
    model.set_params(behaviorclassifier__network__kernel_size=2).fit(raw, y)
    assert model[-1].spec_.option("kernel_size") == 2


@pytest.mark.parametrize("n_steps", [5, 8])  # with the padding of the check, or without
def test_as_many_rows_as_steps_are_no_reason_to_refuse(n_steps, rng):
    # Keras 3.15 takes the second term of a sum of shapes (n, n, 1) and (n, 1, 1) for a bias.
    X = pd.DataFrame({"price": list(rng.normal(size=(8, n_steps)))})
    model = BehaviorClassifier(adds_the_last_event, validation_split=0, **TINY)
    model.fit(X, np.arange(8) % 2)
    assert model.predict_proba(X).shape == (8, 2)
