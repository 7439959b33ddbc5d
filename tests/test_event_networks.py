"""Every network within the embedder and the predictor of the next event."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skbseq import BehaviorEmbedder, NextBehaviorPredictor
from skbseq.estimators._base import NetworkMixin
from skbseq.estimators._next_predictor import _ranking_loss

NETWORKS = ("bag", "cnn", "esasrec", "gru", "hstu", "lstm", "rnn", "sasrec", "transformer")
TWO_WAY = ("gru", "lstm", "rnn", "transformer")
TINY = {"units": 4, "epochs": 1, "validation_split": 0.0, "random_state": 0}
PREDICTORS = {"plain": {}, "tied": {"tied": True}, "compact": {}}


@pytest.fixture(scope="module")
def histories():
    rng = np.random.default_rng(0)
    first, lengths = pd.Timestamp("2026-01-01"), rng.integers(2, 6, 12)
    times = [first + pd.to_timedelta(np.cumsum(rng.integers(1, 9, n)), unit="D") for n in lengths]
    return pd.DataFrame(
        {
            "what": [rng.choice(list("abc"), n).tolist() for n in lengths],
            "time": [list(t) for t in times],
            "cutoff": [t[-1] + pd.Timedelta(days=5) for t in times],
        }
    )


@pytest.fixture
def untraced(monkeypatch):
    """A fit that takes one step, but traces and compiles nothing: that would take seconds."""
    import tensorflow as tf

    from skbseq.estimators import _keras
    from skbseq.networks._graph import build_network, weight_names

    built = []

    def fit_network(model_, samples, objective, regime, start):
        spec = objective.spec
        model = build_network(spec)
        built.append(model)
        with tf.GradientTape() as tape:
            outputs = _run(model, samples[0])
            targets = spec.head.targets if spec.head else ()
            heads = [model.get_layer(f"output_embedding_{i}") for i in targets]
            total = sum(tf.reduce_sum(x**2) for x in outputs)
            total += sum(tf.reduce_sum(v**2) for head in heads for v in head.weights)
        for variable, slope in zip(
            model.trainable_variables,
            tape.gradient(total, model.trainable_variables),
            strict=True,
        ):
            unused = variable.path.startswith("output_embedding_")
            assert slope is not None or unused, variable.path
        fitted = replace(
            model_,
            spec=spec,
            weights=model.get_weights(),
            weight_names=weight_names(model),
            history={"loss": [0.0], "shapes": [x.shape for x in outputs]},
            device="/CPU:0",
        )
        return fitted, np.zeros(0, int)  # nothing is held out

    monkeypatch.setattr(_keras, "fit_network", fit_network)
    monkeypatch.setattr(
        NetworkMixin, "_outputs_of", lambda self, data: np.asarray(_run(built[-1], data)[0])
    )


def _run(model, data):
    from skbseq._training._batches import pad_batch

    outputs = model(pad_batch(data, np.arange(len(data))))
    return outputs if isinstance(outputs, list) else [outputs]


def embedder(network, objective):
    options = TINY | {"bidirectional": objective == "masked", "learning_rate": 0.02}
    return BehaviorEmbedder(network=network, objective=objective, **options)


@pytest.mark.parametrize("objective", ["next", "masked", "contrastive", "future"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_serves_every_objective(histories, untraced, network, objective):
    model = embedder(network, objective)
    if objective == "masked" and network not in TWO_WAY:
        with pytest.raises(ValueError, match="reads in one direction, so bidirectional=True wou"):
            model.fit(histories)
        return
    model.fit(histories)
    vectors = model.transform(histories)
    names = model.get_feature_names_out()
    assert len(names) == (8 if objective == "masked" and network != "transformer" else 4)
    # With objective="future" those are what stands above the vectors.
    assert objective == "future" or vectors.shape == (12, len(names))
    assert np.isfinite(vectors).all() and np.ptp(vectors, axis=0).max() > 0
    if objective in ("next", "masked"):
        # One output predicts the code of each event, and one its numbers.
        assert model.history_["shapes"][1:] == [(12, 5, 3), (12, 5, len(model.schema_.numbers))]


@pytest.mark.parametrize("variant", PREDICTORS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_predicts_the_next_event(histories, untraced, monkeypatch, network, variant):
    if variant == "compact":
        monkeypatch.setattr(_ranking_loss, "_MANY_IDS", 2)
    model = NextBehaviorPredictor("what", network=network, **TINY, **PREDICTORS[variant])
    probabilities = model.fit(histories).predict_proba(histories)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    names = [name.partition("/")[0] for name in model._sequence_model.weight_names]
    assert ("query_projection_0" in names) == (variant != "plain")


def test_a_transformer_is_trained_with_every_head(histories):
    """Its own queries, and those that look for codes, once shared a name."""
    model = embedder("transformer", "next").fit(histories)
    assert model.transform(histories).shape == (12, 4)


@pytest.mark.parametrize("kind", [BehaviorEmbedder, NextBehaviorPredictor])
def test_a_network_that_reads_both_ways_predicts_no_next_event(histories, kind):
    model = kind(network="gru", network__bidirectional=True, **TINY)
    with pytest.raises(ValueError, match="lets the network see the events that"):
        model.fit(histories[["what"]])


def test_a_routed_direction_serves_masked_events(histories, untraced):
    model = BehaviorEmbedder(
        network="gru", network__bidirectional=True, objective="masked", **TINY
    )
    assert model.fit(histories).spec_.bidirectional


@pytest.mark.parametrize("kind", [BehaviorEmbedder, NextBehaviorPredictor])
def test_layers_that_would_change_nothing_are_refused(histories, kind):
    X = histories[["what"]]
    with pytest.raises(ValueError, match="network='bag' has one layer, so n_layers=3 would cha"):
        kind(network="bag", n_layers=3, **TINY).fit(X)
