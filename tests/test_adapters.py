"""Low-rank adapters: classifiers, regressors and next-event models fine-tuned from an embedder."""

import inspect
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

import skbseq
from skbseq import (
    BehaviorClassifier,
    BehaviorEmbedder,
    BehaviorRegressor,
    NextBehaviorPredictor,
    SequenceEncoder,
    load,
    save,
)
from skbseq._training._batches import pad_batch
from skbseq.networks import NETWORKS, NetworkSpec
from skbseq.networks._graph import (
    build_network,
    head_layers,
    largest_ranks,
    merged_weights,
    named_layers,
    weight_names,
)
from skbseq.networks._graph._naming import is_adapter

pytestmark = pytest.mark.steps("eager")  # a few steps take less time than to trace one
TINY = {"units": 8, "n_layers": 1}


def walks(n, seed=0):
    """Walks round five products by steps of one or three, and which; prices go with products."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    start, length = rng.integers(0, 5, n), rng.integers(3, 7, n)
    rows = [(s + (1 + 2 * k) * np.arange(m)) % 5 for s, k, m in zip(start, y, length, strict=True)]
    product = [[f"p{i}" for i in row] for row in rows]
    return pd.DataFrame({"product": product, "price": [row * 1.0 for row in rows]}), y


def pretrained(network, X, **parameters):
    given = {"epochs": 1, "random_state": 0, "early_stopping": False} | TINY | parameters
    return BehaviorEmbedder(network=network, **given).fit(X)


def adapted(embedder, kind=BehaviorClassifier, **parameters):
    given = {"network": embedder.network, "epochs": 2, "random_state": 0, "validation_split": 0}
    given |= TINY | {"init": FrozenEstimator(embedder), "adapter_rank": 2}
    return kind(**given | parameters)


@pytest.fixture(scope="module")
def data():
    return walks(40)


@pytest.fixture(scope="module")
def transformer(data):
    return pretrained("transformer", data[0], network__n_heads=2)


@pytest.fixture(scope="module")
def bag(data):
    return pretrained("bag", data[0])


def weights_of(model):
    return dict(zip(model._sequence_model.weight_names, model.weights_, strict=True))


def differences(model, embedder):
    """What was added to each pretrained weight."""
    ours, theirs = weights_of(model), embedder._sequence_model.weights_below_heads()
    return {name: ours[name] - theirs[name] for name in ours if name in theirs}


def rank_of(kernel):
    singular = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)
    return int((singular > 1e-5 * max(singular[0], 1e-3)).sum())


def check_low_rank(model, embedder, rank):
    """All kernels below the head are changed, by no more than the rank, and nothing else."""
    added = differences(model, embedder)
    assert added
    for name, change in added.items():
        if name.endswith("kernel"):
            assert 1 <= rank_of(change) <= rank, name
        else:
            assert not change.any(), name


def test_kernels_are_changed_by_the_rank_and_nothing_else(data, transformer):
    X = transformer.encoder_.transform(data[0])
    options = {"network__n_heads": 2, "adapter_rank": 3}
    model = adapted(transformer, **options).fit(X, data[1])
    check_low_rank(model, transformer, 3)
    assert {"query_0/kernel", "feed_forward_0/kernel"} <= differences(model, transformer).keys()


def spec_of(network):
    known = NETWORKS.get(network) if isinstance(network, str) else None
    options = {} if known is None else {n: o.default for n, o in known.own_options.items()}
    shape = (6,), (3,), 1, 0, 1, 8, 1, False, 0.0, 0.0, "last", "float32"
    return NetworkSpec(*shape, network, options=tuple(options.items()))


def with_attention(events, lengths, units=8):
    """Attention of Keras, a nested model, and normalization of batches."""
    x = keras.layers.Dense(units, name="enter")(events)
    attend = keras.layers.MultiHeadAttention(2, units // 2, name="attend")
    x = x + attend(x, x, use_causal_mask=True)
    inner = keras.Sequential(
        [keras.layers.Dense(units, "relu"), keras.layers.BatchNormalization()], name="inner"
    )
    return inner(x)


@pytest.mark.parametrize("network", [*NETWORKS, with_attention])
def test_merged_weights_give_the_outputs_of_the_network_with_adapters(network, rng):
    spec = spec_of(network)
    plain = build_network(spec)
    layers = [n for n in named_layers(plain) if n not in head_layers(plain)]
    can = [n for n in largest_ranks(plain) if n in layers]
    assert bool(can) is not (network in NETWORKS and NETWORKS[network].is_recurrent)
    spec = replace(spec, frozen=(*layers,), adapters=tuple((n, 2) for n in can))
    model = build_network(spec)
    weights = [rng.random(weight.shape).astype("f4") - 0.4 for weight in model.weights]
    model.set_weights(weights)
    plain.set_weights(merged_weights(model, weights))
    assert weight_names(model) == weight_names(plain)
    trained = [w.path for w in model.trainable_weights if not is_adapter(w)]
    assert trained == ["logits/kernel", "logits/bias"]
    if network is with_attention:  # enter, four of attention, and within the nested model
        assert len(model.trainable_weights) == 2 * 6 + 2
    batch = {
        "codes": rng.integers(1, 6, (3, 4, 1)).astype("i4"),
        "numbers": rng.normal(size=(3, 4, 1)).astype("f4"),
        "context": np.zeros((3, 0), "f4"),
        "lengths": np.array([4, 2, 1], "i4"),
    }
    # In training too: normalization of batches learns nothing.
    found = model(batch, training=True)
    np.testing.assert_allclose(found, plain(batch), rtol=1e-3, atol=1e-4)


def test_a_network_without_kernels_is_refused(data):
    embedder = pretrained("rnn", data[0][:8])
    X = embedder.encoder_.transform(data[0][:8])
    message = "network='rnn' has no dense .* are 'bag', 'cnn', .* 'transformer', and functions"
    with pytest.raises(ValueError, match=message):
        adapted(embedder).fit(X, data[1][:8])


def test_classes_of_networks_without_kernels_have_no_such_parameter():
    kinds = [getattr(skbseq, name) for name in skbseq.__all__]
    named = [kind for kind in kinds if isinstance(getattr(kind, "network", None), str)]
    assert len(named) > 8
    for kind in named:
        has = "adapter_rank" in inspect.signature(kind).parameters
        assert has is not NETWORKS[kind.network].is_recurrent, kind


def test_few_weights_are_trained_and_merging_changes_no_prediction(data, transformer):
    seen = {}
    X = transformer.encoder_.transform(data[0])

    class Watch(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            seen["trained"] = sum(np.size(w) for w in self.model.trainable_variables)
            batch = pad_batch(model._read(X, reset=False), np.arange(len(X)))
            seen["logits"] = np.asarray(self.model(batch, training=False))[:, 0]

    options = {"network__n_heads": 2, "adapter_rank": 1, "callbacks": [Watch()]}
    model = adapted(transformer, **options)
    found = model.fit(X, data[1]).predict_proba(X)[:, 1]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-seen["logits"])), rtol=1e-5)
    # Two vectors for each of seven kernels, and the head.
    kernels = differences(model, transformer).items()
    sides = [sum(change.shape) for name, change in kernels if name.endswith("kernel")]
    assert len(sides) == 7
    assert seen["trained"] == sum(sides) + 8 + 1 < sum(map(np.size, model.weights_)) / 4


def test_the_fitted_model_is_an_ordinary_network(data, bag, tmp_path):
    X = bag.encoder_.transform(data[0])
    model, plain = adapted(bag).fit(X, data[1]), adapted(bag, adapter_rank=None).fit(X, data[1])
    assert model.spec_ == plain.spec_
    assert weights_of(model).keys() == weights_of(plain).keys()
    assert [w.path for w in model.model_.weights] == [w.path for w in plain.model_.weights]
    save(model, tmp_path / "model.skbseq")
    again = load(tmp_path / "model.skbseq")
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_the_same_seed_gives_the_same_fit(data, bag):
    X = bag.encoder_.transform(data[0])
    first, second, other = (adapted(bag, random_state=i).fit(X, data[1]) for i in (0, 0, 1))
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert np.abs(differences(first, other)["bag/kernel"]).max() > 1e-4


def test_regressors_have_adapters(data, bag):
    X = bag.encoder_.transform(data[0])
    model = adapted(bag, BehaviorRegressor, adapter_rank=1).fit(X, data[1] * 10.0)
    check_low_rank(model, bag, 1)


def test_next_event_models_have_adapters(data, bag):
    X = data[0]
    options = {"target": "product", "counting": None}
    model = adapted(bag, NextBehaviorPredictor, adapter_rank=1, **options).fit(X)
    check_low_rank(model, bag, 1)
    assert model.predict(X).shape == (40,)


def test_each_further_fit_adds_another_product(data, bag):
    X = bag.encoder_.transform(data[0])
    model = adapted(bag, adapter_rank=1, warm_start=True, epochs=1).fit(X, data[1])
    once = weights_of(model)["bag/kernel"]
    model.partial_fit(X, data[1])
    twice = weights_of(model)["bag/kernel"]
    assert rank_of(twice - once) == 1
    assert rank_of(differences(model, bag)["bag/kernel"]) == 2
    # All of the weights from here on.
    model.set_params(adapter_rank=None, init=None).fit(X, data[1])
    assert differences(model, bag)["embedding_0/embeddings"].any()


def test_what_was_trained_before_is_adapted_without_an_embedder(data, bag):
    X = bag.encoder_.transform(data[0])
    model = adapted(bag, adapter_rank=None, init=None, warm_start=True).fit(X, data[1])
    before = weights_of(model)
    after = weights_of(model.set_params(adapter_rank=1).fit(X, data[1]))
    assert rank_of(after["bag/kernel"] - before["bag/kernel"]) == 1
    assert np.array_equal(after["embedding_0/embeddings"], before["embedding_0/embeddings"])


def test_frozen_layers_get_no_adapter(data, transformer):
    X = transformer.encoder_.transform(data[0])
    freeze = ["input_projection", "feed_forward_0", "feed_forward_output_0"]
    model = adapted(transformer, network__n_heads=2, freeze=freeze).fit(X, data[1])
    changed = {n for n, change in differences(model, transformer).items() if change.any()}
    attention = ("query_0", "key_0", "value_0", "attention_output_0")
    assert changed == {f"{name}/kernel" for name in attention}


def test_penalties_pull_towards_the_pretrained_kernels(data, bag):
    X = bag.encoder_.transform(data[0])
    sizes = [
        np.abs(differences(model, bag)["bag/kernel"]).sum()
        for model in (adapted(bag, epochs=4, l2=l2).fit(X, data[1]) for l2 in (0.0, 10.0))
    ]
    assert sizes[1] < sizes[0] / 4


def test_a_search_finds_a_rank(data, bag):
    X = bag.encoder_.transform(data[0])
    search = GridSearchCV(adapted(bag, epochs=1), {"adapter_rank": [None, 1]}, cv=2)
    assert search.fit(X, data[1]).best_params_.keys() == {"adapter_rank"}


# ------------------------------------------------------------------ users' networks


def without_kernels(events, lengths):
    """A network without a kernel that can be adapted."""
    return keras.layers.LayerNormalization()(events)


def constrained(events, lengths, units=8):
    """A kernel with a constraint."""
    x = keras.layers.Dense(units, name="free")(events)
    return keras.layers.Dense(units, name="bound", kernel_constraint="non_neg")(x)


def test_an_own_network_without_a_kernel_is_refused(data):
    embedder = pretrained(without_kernels, data[0][:8])
    X = embedder.encoder_.transform(data[0][:8])
    message = "network=without_kernels has no dense or convolution kernel below"
    with pytest.raises(ValueError, match=message):
        adapted(embedder).fit(X, data[1][:8])


def test_a_kernel_with_a_constraint_is_left_out_as_advised(data):
    embedder = pretrained(constrained, data[0][:8])
    X = embedder.encoder_.transform(data[0][:8])
    message = r"'network/bound' has a constraint.*, or .* freeze=\['network/bound'\]"
    with pytest.raises(ValueError, match=message):
        adapted(embedder).fit(X, data[1][:8])
    model = adapted(embedder, freeze=["network/bound"]).fit(X, data[1][:8])
    changed = {name for name, change in differences(model, embedder).items() if change.any()}
    assert changed == {"network/free/0_kernel"}


# ------------------------------------------------------------------ histories of another shop


def of_another_shop(data):
    return data[0].assign(product=[[f"q{p}" for p in row] for row in data[0]["product"]]), data[1]


def test_ids_of_another_shop_are_reported(data, bag):
    X, y = of_another_shop(data)
    message = r"Of the events of 'product', 100% have an id .* \(0% when it was fitted\)"
    with pytest.warns(UserWarning, match=message):
        adapted(bag).fit(bag.encoder_.transform(X), y)
    with pytest.warns(UserWarning, match=r"SequenceEncoder\(categorical=\[\]\)"):
        adapted(bag, BehaviorRegressor).fit(bag.encoder_.transform(X), y * 1.0)


def test_channels_of_both_shops_need_no_warning(data):
    embedder = pretrained("bag", data[0], encoder=SequenceEncoder(categorical=[]))
    X, y = of_another_shop(data)
    model = adapted(embedder, adapter_rank=1).fit(embedder.encoder_.transform(X), y)
    assert model.schema_.channels == ["price"]


def test_rare_ids_that_the_encoder_left_out_are_no_surprise(data):
    embedder = pretrained("bag", data[0], encoder=SequenceEncoder(max_categories=1))
    X = embedder.encoder_.transform(data[0])
    assert np.mean(np.concatenate([np.asarray(row) for row in X["product"]]) == 1) > 0.6
    adapted(embedder).fit(X, data[1])


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"init": None}, "adapter_rank=2 adapts nothing: without init all weights are random"),
        ({"freeze": "network"}, r"freeze='network' keeps all layers that could have .* \(bag\)"),
        ({"freeze": ["bag"]}, "Leave freeze out; with adapters all layers from init are frozen"),
        ({"adapter_rank": 6}, "smaller side of the kernel of layer 'bag'. Give 5 at most.$"),
        ({"freeze": ["x"]}, "names the layer 'x', which the network does not have"),
    ],
)
def test_adapters_that_cannot_be_are_refused(data, bag, parameters, message):
    X = bag.encoder_.transform(data[0])
    with pytest.raises(ValueError, match=message):
        adapted(bag, **parameters).fit(X, data[1])


def test_a_layer_that_is_too_small_can_be_left_out(data):
    embedder = pretrained("sasrec", data[0], encoder=SequenceEncoder(numeric=[]))
    X = embedder.encoder_.transform(data[0])
    model, advice = adapted(embedder, adapter_rank=5), r"Give 4 at most, .* freeze=\['input_proj"
    with pytest.raises(ValueError, match=f"of layer 'input_projection'. {advice}ection'\\]"):
        model.fit(X, data[1])
    model.set_params(freeze=["input_projection"]).fit(X, data[1])
    assert rank_of(differences(model, embedder)["query_0/kernel"]) <= 5


def test_frozen_embeddings_agree_with_adapters(data, bag):
    X = bag.encoder_.transform(data[0])
    both = [adapted(bag, freeze=freeze).fit(X, data[1]) for freeze in (None, "embeddings")]
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in both))
