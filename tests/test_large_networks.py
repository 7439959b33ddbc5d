"""What large networks need: gradient checkpointing, gradient accumulation, depth, precision."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from skbseq import (
    BagBehaviorClassifier,
    BehaviorClassifier,
    BehaviorEmbedder,
    BehaviorRegressor,
    LSTMBehaviorClassifier,
    NextBehaviorPredictor,
    TransformerBehaviorClassifier,
    load,
    save,
)
from skbseq.networks import NETWORKS, NetworkSpec
from skbseq.networks._network import FIELDS

pytestmark = pytest.mark.steps("eager")

ABLE = [name for name, network in NETWORKS.items() if network.takes("checkpoint")]
TINY = {"units": 4, "epochs": 1, "batch_size": 16, "random_state": 0, "device": "/CPU:0"}
N = 32


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    codes = [rng.integers(1, 5, n).tolist() for n in rng.integers(2, 6, N)]
    return pd.DataFrame({"what": codes}), np.array([row[-1] % 2 for row in codes])


@pytest.fixture(scope="module")
def raw():
    # All of one length, so that batches of any size hold as many targets.
    rng = np.random.default_rng(1)
    return pd.DataFrame({"what": [rng.choice(list("abcd"), 4).tolist() for _ in range(N)]})


# ------------------------------------------------------------------ checkpointing


def spec_of(name, policy="float32", dropout=0.3):
    own = {n: o.default for n, o in NETWORKS[name].own_options.items() if n not in FIELDS}
    return NetworkSpec(
        vocabulary_sizes=(9, 7),
        embedding_dims=(4, 3),
        n_numbers=1,
        n_context=0,
        n_outputs=2,
        units=8,
        n_layers=1,
        bidirectional=False,
        dropout=dropout,
        recurrent_dropout=0.0,
        pooling="last",
        policy=policy,
        network=name,
        options=tuple((own | {"n_heads": 2}).items()),
        gap=0 if name == "hstu" else None,
    )


def pair_of(spec):
    """The network of a spec without and with checkpointing, of the same weights."""
    from skbseq.networks._graph import build_network, initial_weights, weight_names

    plain, checked = build_network(spec), build_network(replace(spec, checkpoint=True))
    assert weight_names(checked) == weight_names(plain)
    weights = initial_weights(plain, np.random.default_rng(0))
    for model in (plain, checked):
        model.set_weights(weights)
        seeds = [v for v in model.variables if v.path.endswith("seed_generator_state")]
        for i, seed in enumerate(seeds):
            seed.assign([3, i])
    return plain, checked


def gradient_step(model, traced=False):
    """A function of nothing: output and gradients of a training step on fixed histories."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    batch = {
        "codes": tf.constant(rng.integers(1, 7, (5, 6, 2)), tf.int32),
        "numbers": tf.constant(rng.normal(size=(5, 6, 1)), tf.float32),
        "context": tf.zeros((5, 0)),
        "lengths": tf.constant([6, 5, 4, 1, 0]),
    }

    def step():
        with tf.GradientTape() as tape:
            output = model(batch, training=True)
            loss = tf.reduce_sum(tf.cast(output, tf.float32) ** 2)
        found = tape.gradient(loss, model.trainable_variables)
        return output, [tf.convert_to_tensor(gradient) for gradient in found]

    return tf.function(step, autograph=False) if traced else step


def assert_same_step(one, other, tolerance):
    (output, gradients), (other_output, others) = one, other
    np.testing.assert_allclose(output, other_output, rtol=0, atol=tolerance)
    largest = max(float(np.abs(gradient).max()) for gradient in gradients)
    for gradient, found in zip(gradients, others, strict=True):
        np.testing.assert_allclose(gradient, found, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("name", ABLE)
def test_checkpointing_changes_no_output_and_no_gradient(name):
    # With dropout: had the second pass other masks, the gradients would differ.
    plain, checked = (gradient_step(model) for model in pair_of(spec_of(name)))
    first = checked()
    assert_same_step(plain(), first, 1e-6)
    if name == "transformer":  # the next step has masks of its own
        second = checked()
        assert np.abs(first[0] - second[0]).max() > 1e-3
        assert_same_step(plain(), second, 1e-6)


def test_checkpointing_with_a_history_token():
    plain, checked = pair_of(replace(spec_of("transformer"), history_token=True))
    assert_same_step(gradient_step(plain)(), gradient_step(checked)(), 1e-6)


def test_checkpointing_in_half_precision():
    # Numbers that enter a block are cast by its layers, as without one.
    plain, checked = pair_of(spec_of("transformer", "mixed_bfloat16"))
    assert_same_step(gradient_step(plain)(), gradient_step(checked)(), 1e-6)


def test_checkpointing_in_a_traced_step():
    plain, checked = pair_of(spec_of("sasrec"))
    assert_same_step(gradient_step(plain)(), gradient_step(checked, traced=True)(), 1e-6)


def test_blocks_run_once_more_in_the_backward_pass_and_keep_nothing(monkeypatch):
    import tensorflow as tf

    from skbseq.networks._graph._layers import Attention

    found, call = [], Attention.call

    def watched(self, query, key, value, lengths):
        found.append(call(self, query, key, value, lengths))
        return found[-1]

    models = pair_of(spec_of("transformer", dropout=0.0))
    monkeypatch.setattr(Attention, "call", watched)
    for model, expected in zip(models, (1, 2), strict=True):
        found.clear()
        gradient_step(model)()
        assert len(found) == expected
    # Nothing inside of a block is on the tape: it knows no gradient there.
    block = next(layer for layer in models[1].layers if layer.name == "block_0")
    found.clear()
    x = tf.ones((1, 3, 8))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = block(x, tf.constant([3]), training=True)
    assert tape.gradient(y, found[0]) is None


def test_frozen_layers_stay_frozen_inside_a_block():
    from skbseq.networks._graph import build_network

    spec = replace(spec_of("sasrec"), frozen=("query_0", "norm_0_a"))
    model = build_network(replace(spec, checkpoint=True))
    paths = [v.path for v in model.trainable_variables]
    assert paths == [v.path for v in build_network(spec).trainable_variables]
    assert "query_0/kernel" not in paths
    assert all(np.isfinite(gradient).all() for gradient in gradient_step(model)()[1])


def test_fits_are_the_same(frame, raw):
    makers = [  # a single step each: an eager step of attention takes long
        (partial_of(BehaviorRegressor, "hstu"), frame),
        (partial_of(NextBehaviorPredictor, "what", network="esasrec"), (raw,)),
    ]
    for make, data in makers:
        plain, checked = (make(network__checkpoint=value).fit(*data) for value in (False, True))
        for one, other in zip(plain.weights_, checked.weights_, strict=True):
            np.testing.assert_allclose(one, other, atol=2e-5)
        assert [v.path for v in checked.model_.weights] == [v.path for v in plain.model_.weights]
        assert plain.spec_ != checked.spec_


ONE_STEP = {"dropout": 0.2, "n_layers": 1, "batch_size": N, "validation_split": 0.0}


def partial_of(kind, *args, **kwargs):
    return lambda **more: kind(*args, **kwargs, **TINY | ONE_STEP, **more)


def test_checkpointing_may_differ_from_the_embedder_and_the_file(raw, frame, tmp_path):
    X, y = raw, frame[1]
    shared = TINY | {"n_layers": 1, "network": "transformer", "batch_size": N}
    embedder = BehaviorEmbedder(**shared, network__checkpoint=True).fit(X)
    start = {"init": FrozenEstimator(embedder), "freeze": "network"}
    model = BehaviorClassifier(**shared, **start)
    coded = embedder.encoder_.transform(X)
    checked = clone(model).set_params(network__checkpoint=True).fit(coded, y)
    np.testing.assert_allclose(
        checked.predict_proba(coded), model.fit(coded, y).predict_proba(coded), atol=1e-6
    )
    pipeline = make_pipeline(FrozenEstimator(embedder.encoder_), checked)
    save(pipeline, tmp_path / "model.skbseq")
    again = load(tmp_path / "model.skbseq")[-1]
    np.testing.assert_array_equal(again.predict_proba(coded), checked.predict_proba(coded))
    before = again.weights_
    again.set_params(network__checkpoint=False).partial_fit(coded, y)
    for one, other in zip(before, again.weights_, strict=True):
        assert one.shape == other.shape


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network": "sasrec", "network__checkpoint": "yes"}, "'network__checkpoint' parameter"),
        ({"network": "sasrec", "network__checkpoint": 2}, "'network__checkpoint' parameter"),
        ({"network": "lstm", "network__checkpoint": True}, "'lstm' has no option 'checkpoint'"),
    ],
)
def test_mistakes_of_checkpointing_are_named(frame, parameters, message):
    with pytest.raises(ValueError, match=message):
        BehaviorClassifier(**TINY, **parameters).fit(*frame)


def test_the_named_class_has_the_parameter(frame):
    assert TransformerBehaviorClassifier().checkpoint is False
    with pytest.raises(ValueError, match="'checkpoint' parameter of Transformer"):
        TransformerBehaviorClassifier(**TINY, checkpoint="yes").fit(*frame)


def test_an_argument_of_a_users_function_keeps_its_meaning(frame):
    def mine(events, lengths, units=4, checkpoint="none"):
        import keras

        assert checkpoint == "every"
        return keras.layers.Dense(units)(events)

    model = BehaviorClassifier(mine, **TINY, network__checkpoint="every").fit(*frame)
    assert (model.spec_.checkpoint, model.spec_.option("checkpoint")) == (False, "every")


# ------------------------------------------------------------------ accumulation

PLAIN = TINY | {"epochs": 2, "dropout": 0.0, "validation_split": 0.0, "average_weights": False}
ACCUMULATED = {"batch_size": N // 4, "optimizer__gradient_accumulation_steps": 4}


def assert_same_weights(one, other, tolerance=1e-5):
    for a, b in zip(one.weights_, other.weights_, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: LSTMBehaviorClassifier(l2=0.01, **k),
        lambda **k: BehaviorClassifier("transformer", n_layers=1, network__checkpoint=True, **k),
    ],
    ids=["fused", "layers"],
)
def test_four_batches_make_the_step_of_one(frame, make):
    # SGD, because Adam enlarges the last digits of gradients near zero.
    options = PLAIN | {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 1}
    one = make(**options | {"batch_size": N}).fit(*frame)
    four = make(**options | ACCUMULATED).fit(*frame)
    assert_same_weights(one, four)
    if one.network == "lstm":  # a step for each batch is another thing
        apart = make(**options | {"batch_size": N // 4}).fit(*frame)
        with pytest.raises(AssertionError):
            assert_same_weights(one, apart, 1e-3)


def test_accumulation_in_a_compiled_program(frame, monkeypatch):
    one = BehaviorClassifier("rnn", **PLAIN | {"batch_size": N}).fit(*frame)
    monkeypatch.setenv("_SKBSEQ_STEPS_IN_TESTS", "compiled")
    four = BehaviorClassifier("rnn", **PLAIN | ACCUMULATED).fit(*frame)
    assert_same_weights(one, four)


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: BehaviorEmbedder(**k),
        lambda **k: NextBehaviorPredictor("what", network="gru", **k),
    ],
    ids=["embedder", "predictor"],
)
def test_accumulation_in_training_at_each_event(raw, make):
    options = {name: value for name, value in PLAIN.items() if name != "average_weights"}
    one = make(**options | {"batch_size": N}).fit(raw)
    assert_same_weights(one, make(**options | ACCUMULATED).fit(raw))


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_batches_left_over_make_a_step_of_their_own(frame, precision):
    # Two batches of 16 of the four that a step waits for: in Keras, no step at all.
    few = PLAIN | {"batch_size": N // 2, "optimizer__gradient_accumulation_steps": 4}
    scaled = {"precision": precision, "optimizer": "sgd", "learning_rate": 0.1}
    tolerance = 1e-5 if precision == "float32" else 1e-3
    one = BagBehaviorClassifier(**PLAIN | scaled | {"batch_size": N}).fit(*frame)
    two = BagBehaviorClassifier(**few | scaled).fit(*frame)
    assert_same_weights(one, two, tolerance)
    one.partial_fit(*frame)
    two.partial_fit(*frame)
    assert_same_weights(one, two, tolerance)


def test_a_schedule_counts_batches(frame):
    import keras

    # The rate is zero but for the fourth batch, which makes the update.
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2, 3], [0.0, 0.001, 0.0])
    options = PLAIN | {"optimizer__learning_rate": schedule, "epochs": 1}
    rate = {"optimizer__learning_rate": 0.001, "batch_size": N}
    one = BagBehaviorClassifier(**options | rate).fit(*frame)
    four = BagBehaviorClassifier(**options | ACCUMULATED).fit(*frame)
    assert_same_weights(one, four)


def test_large_tables_are_updated_by_the_accumulated_step():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"what": rng.integers(2, 10_000, (N, 3)).tolist()})
    y = rng.integers(0, 2, N)
    one = BagBehaviorClassifier(**PLAIN | {"batch_size": N, "epochs": 1}).fit(X, y)
    four = BagBehaviorClassifier(**PLAIN | ACCUMULATED | {"epochs": 1}).fit(X, y)
    assert one.spec_.vocabulary_sizes[0] > 2**13
    assert_same_weights(one, four)


def test_several_devices_refuse_accumulation():
    import keras

    from skbseq._training._accumulation import check_one_device

    optimizer = keras.optimizers.Adam(gradient_accumulation_steps=4)
    with pytest.raises(ValueError, match=r"steps=4 is not possible .* Use device='/GPU:0'"):
        check_one_device(optimizer, "/GPU:0,/GPU:1")
    check_one_device(keras.optimizers.Adam(), "/GPU:0,/GPU:1")


# ------------------------------------------------------------------ depth and precision


def test_twelve_layers_learn_from_the_default_call():
    X = pd.DataFrame({"what": [list("abcabc"), list("cbacba")] * 8})
    options = TINY | {"units": 8, "epochs": 3, "validation_split": 0}
    model = BehaviorEmbedder(network="transformer", n_layers=12, **options).fit(X)
    losses = model.history_["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.9 * losses[0]
