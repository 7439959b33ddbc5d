"""SASRec, eSASRec and HSTU within estimators: positions, and the times between events."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
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
from skbseq._inputs import InputSchema
from skbseq.networks import NetworkSpec

pytestmark = pytest.mark.steps("eager")

TINY = {"units": 4, "epochs": 1, "batch_size": 32, "random_state": 0, "device": "/CPU:0"}
ONCE = TINY | {"validation_split": 0.0}
# "esasrec" takes its positions from the function that "sasrec" takes them from.
NAMES = ("hstu", "sasrec")
N_SAMPLES = 24


@pytest.fixture(scope="module")
def histories():
    """Histories with gaps of seconds to months."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 6, N_SAMPLES)
    seconds = [np.cumsum(10 ** rng.uniform(0, 7, n)).astype(int) for n in lengths]
    start = pd.Timestamp("2024-01-01")
    return pd.DataFrame(
        {
            "what": [rng.choice(list("abc"), n).tolist() for n in lengths],
            "when": [[start + pd.Timedelta(seconds=int(s)) for s in row] for row in seconds],
        }
    ), [np.diff(row, prepend=row[:1]) for row in seconds]


def encoder(**options):
    return SequenceEncoder(time_features=("weekday", "gap"), **options)


# ------------------------------------------------------------------ times


def test_gaps_are_read_in_seconds(histories):
    from skbseq.networks._graph._attention import GapSeconds

    X, gaps = histories
    fitted = encoder().fit(X)
    columns = fitted.transform(X)
    schema = BehaviorClassifier("hstu", **ONCE).fit(columns, np.arange(N_SAMPLES) % 2).schema_
    scale = schema.gap_scales["when_gap"]
    layer = GapSeconds()
    layer(np.zeros((1, 1), "float32"))
    layer.set_weights([np.array(scale)])
    for row, expected in zip(columns["when_gap"], gaps, strict=True):
        found = np.asarray(layer(np.array([row], "float32")))[0]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_elapsed_times_keep_their_digits_over_years():
    from skbseq.networks._graph._attention import N_DOUBLINGS, ElapsedDoublings

    gaps = np.array([[7.0, 1e8, 5.0, 0.0, 3e9]], "float32")
    found = np.asarray(ElapsedDoublings()(gaps))[0]
    moments = np.cumsum(gaps[0].astype(float))
    expected = np.log2(1 + np.maximum(moments[:, None] - moments, 0))
    np.testing.assert_allclose(found, np.minimum(expected, N_DOUBLINGS), rtol=1e-5)


def hstu_with_time(time_bias):
    """An HSTU to which events say nothing but their code and the time between them."""
    from skbseq.networks._graph import build_network, initial_weights, weight_names

    options = (("n_heads", 1), ("max_positions", 5))
    spec = NetworkSpec((5,), (3,), 1, 0, 1, 4, 1, False, 0.0, 0.0, "last", "float32")
    spec = NetworkSpec(**vars(spec) | {"network": "hstu", "options": options, "gap": 0})
    model = build_network(spec)
    weights = dict(
        zip(weight_names(model), initial_weights(model, np.random.default_rng(0)), strict=True)
    )
    weights["input_projection/kernel"][3:] = 0  # the gap as a number of the event
    weights["bias_0/time_bias"] += time_bias
    model.set_weights(list(weights.values()))
    return model


@pytest.mark.parametrize("learned", [True, False])
def test_the_time_between_events_has_an_effect_by_its_bias_alone(learned):
    model = hstu_with_time(np.linspace(1, -1, 33) if learned else np.zeros(33))
    batch = {
        "codes": np.array([[[2], [3], [4]]], "int32"),
        "numbers": np.zeros((1, 3, 1), "float32"),
        "context": np.zeros((1, 0), "float32"),
        "lengths": np.array([3], "int32"),
    }
    answers = [
        float(np.asarray(model(batch | {"numbers": np.float32([[[0], [0], [gap]]])}))[0, 0])
        for gap in (0.0, 0.5, 2.0)
    ]
    assert len(set(answers)) == (3 if learned else 1)
    # What lies before the first event is seen by no pair of events.
    first = model(batch | {"numbers": np.float32([[[2], [0], [0]]])})
    assert float(np.asarray(first)[0, 0]) == pytest.approx(answers[0])


def test_every_estimator_gives_the_scale_to_the_network(histories, tmp_path):
    X, _ = histories
    y = np.arange(N_SAMPLES) % 2
    for kind in (BehaviorClassifier, BehaviorRegressor):
        model = make_pipeline(encoder(), kind("hstu", **ONCE)).fit(X, y)
        spec, weights = model[-1].spec_, model[-1]._sequence_model
        assert model[-1].schema_.numbers[spec.gap] == "when_gap"
        scale = model[0].channels_[1].scales["gap"]
        expected = [scale.center, scale.width / 2]
        np.testing.assert_allclose(weights.weight("gaps/gap_scale"), expected, rtol=1e-6)
    save(model, tmp_path / "model.skbseq")
    for again in (load(tmp_path / "model.skbseq"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_allclose(clone(model).fit(X, y).predict(X), model.predict(X))


@pytest.mark.parametrize("kind", [BehaviorEmbedder, NextBehaviorPredictor])
def test_estimators_of_raw_frames_know_the_times(histories, frame_lib, kind):
    X = frame_lib.make({name: X.tolist() for name, X in histories[0].items()})
    model = kind(encoder=encoder(), network="hstu", **ONCE).fit(X)
    assert model.spec_.gap is not None
    scale = model.encoder_.channels_[1].scales["gap"]
    assert model._sequence_model.weight("gaps/gap_scale")[0] == pytest.approx(scale.center)


def test_frames_that_do_not_tell_the_scale_are_named(histories):
    pytest.importorskip("polars")
    X, y = histories[0], np.arange(N_SAMPLES) % 2
    silent = encoder().set_output(transform="polars")
    model = make_pipeline(silent, BehaviorClassifier("hstu", **ONCE))
    with pytest.warns(UserWarning, match=r"scale of 'when_gap'.*transform='pandas'"):
        model.fit(X, y)
    assert model[-1].spec_.gap is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent.set_output(transform="pandas")
        model.fit(X, y)
        make_pipeline(SequenceEncoder(time_features=()), model[-1]).fit(X[["what"]], y)
    assert model[-1].spec_.gap is None  # of the last fit, whose frame has no times


def reads_gaps(events, lengths, gaps, *, units, weight=1.0):
    """A user's function that asks for the gaps."""
    import keras

    if gaps is None:
        return keras.layers.Dense(units)(events)
    days = keras.ops.expand_dims(keras.ops.log1p(gaps), 2)
    return keras.layers.Dense(units)(keras.layers.Concatenate()([events, weight * days]))


def test_functions_of_users_may_ask_for_the_gaps(histories):
    X, y = histories[0], np.arange(N_SAMPLES) % 2
    model = make_pipeline(encoder(), BehaviorClassifier(reads_gaps, **ONCE)).fit(X, y)
    # An embedding of 3, the weekday as two numbers, the scaled gap, and its logarithm.
    assert model[-1].model_.get_layer("network").weights[0].shape == (3 + 3 + 1, 4)
    model.set_params(sequenceencoder__time_features=()).fit(X, y)
    assert model[-1].model_.get_layer("network").weights[0].shape == (3, 4)
    predictor = NextBehaviorPredictor("what", network=reads_gaps, **ONCE).fit(X)
    assert predictor.predict(X).shape == (N_SAMPLES,)


def test_networks_that_ask_for_no_times_share_their_graphs_as_before(histories):
    X, y = histories[0], np.arange(N_SAMPLES) % 2
    for network in ("sasrec", "bag"):
        model = make_pipeline(encoder(), BehaviorClassifier(network, **ONCE)).fit(X, y)
        assert model[-1].spec_.gap is None


def test_files_without_the_new_fields_load():
    schema = InputSchema({"what": 3}, ["when_gap"], [])
    del schema.gap_scales
    again = pickle.loads(pickle.dumps(schema))
    assert dict(again.gap_scales) == {}


# ------------------------------------------------------------------ positions


@pytest.mark.parametrize("name", NAMES)
def test_longer_histories_than_positions_work_and_are_named(histories, name):
    X = histories[0][["what"]]
    longest = int(X["what"].map(len).max())
    options = ONCE | {"network": name, "network__n_heads": 1, "n_layers": 1}
    few = NextBehaviorPredictor("what", **options, network__max_positions=3)
    with pytest.warns(UserWarning, match="knows 3 positions") as caught:
        few.fit(X)
    message = str(caught[0].message)
    assert f"network__max_positions={longest + 1}" in message and "max_length=2" in message
    assert np.isfinite(few.predict_proba(X)).all()
    with warnings.catch_warnings():  # the advice works
        warnings.simplefilter("error")
        clone(few).set_params(network__max_positions=longest + 1).fit(X)
        short = clone(few).set_params(encoder=SequenceEncoder(max_length=2)).fit(X)
    assert short.predict_proba(X).shape == (N_SAMPLES, 3)
    # A history to predict may be longer than any seen before.
    assert np.isfinite(few.predict_proba(pd.DataFrame({"what": [["a", "b"] * 30]}))).all()


# ------------------------------------------------------------------ pretrained


@pytest.mark.parametrize("name", NAMES)
def test_a_classifier_starts_from_an_embedder_and_freezes_it(histories, name):
    X, y = histories[0], np.arange(N_SAMPLES) % 2
    options = TINY | {"network": name, "network__n_heads": 2}
    embedder = BehaviorEmbedder(encoder=encoder(), n_layers=1, **options).fit(X)
    model = BehaviorClassifier(**options, n_layers=1, init=embedder, freeze="network")
    if name == "hstu":  # the scale of the times is known from the embedder
        pytest.importorskip("polars")
        embedder.encoder_.set_output(transform="polars")
    model = make_pipeline(FrozenEstimator(embedder.encoder_), model)
    weight = np.ones(N_SAMPLES)
    model.fit(X, y, behaviorclassifier__sample_weight=weight)
    assert model[-1].spec_.gap == embedder.spec_.gap
    heads = ("logits",)
    sequence_model = model[-1]._sequence_model
    for weight_name, weight in zip(sequence_model.weight_names, model[-1].weights_, strict=True):
        if not weight_name.startswith(heads):
            expected = embedder._sequence_model.weight(weight_name)
            np.testing.assert_array_equal(weight, expected)
