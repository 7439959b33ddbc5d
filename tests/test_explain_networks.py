"""Explanations of networks: gradients of all of them, and of every kind of estimator."""

import warnings

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from skbseq import (
    BehaviorClassifier,
    BehaviorRegressor,
    MarkovChain,
    NextBehaviorPredictor,
    SequenceEncoder,
)
from skbseq._sequences import Sequences
from skbseq._training._attribution import Attribution, Readout, integrated_gradients
from skbseq.estimators._keras import build_network, reading_part
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection import counterfactual_events, deletion_insertion, explain_events
from skbseq.networks import NETWORKS, NetworkSpec

pytestmark = pytest.mark.steps("eager")
N_SAMPLES = 40


@pytest.fixture(scope="module")
def histories():
    """Histories of a few events with a time and a price, and whether they hold more carts."""
    rng = np.random.default_rng(0)
    events = np.array(["view", "cart", "exit"])
    what = [events[rng.integers(0, 3, n)].tolist() for n in rng.integers(0, 6, N_SAMPLES)]
    start = pd.Timestamp("2026-03-01")
    X = pd.DataFrame(
        {
            "cutoff": [start] * N_SAMPLES,
            "age": rng.normal(size=N_SAMPLES),
            "what": what,
            "price": [rng.normal(size=len(row)).tolist() for row in what],
            "when": [
                [start - pd.Timedelta(hours=len(row) - i) for i in range(len(row))] for row in what
            ],
        }
    )
    # Types of columns whose first rows are empty are known.
    return X, np.array([row.count("cart") > row.count("exit") for row in what])


def smooth(events, lengths, units=4):
    """The fastest network whose gradients are smooth; all others are tested without a fit."""
    return keras.layers.Dense(units, activation="tanh")(events)


def fast(estimator, **options):
    options = {"network": smooth, "epochs": 2, "validation_split": 0} | options
    if estimator is not NextBehaviorPredictor and options["network"] is smooth:
        options["pooling"] = "mean"
    return estimator(units=4, random_state=0, learning_rate=0.05, **options)


@pytest.fixture(scope="module")
def classifier(histories):
    X, y = histories
    encoder = SequenceEncoder(context=["age"])
    return make_pipeline(encoder, fast(BehaviorClassifier)).fit(X, y)


def sums_of(explanation):
    rows = np.split(explanation.flat, np.cumsum(explanation.lengths)[:-1])
    return np.array([row.sum() for row in rows])


# ------------------------------------------------------------------ the program


def make_spec(name, **options):
    network = NETWORKS[name]
    own = {n: o.default for n, o in network.own_options.items()}
    fields = dict(
        vocabulary_sizes=(5, 4),
        embedding_dims=(3, 2),
        n_numbers=2,
        n_context=1,
        n_outputs=1,
        units=4,
        n_layers=1,
        bidirectional=False,
        dropout=0.0,
        recurrent_dropout=0.0,
        pooling="last",
        policy="float32",
        network=name,
        options=tuple(own.items()),
        gap=1 if network.wants("gaps") else None,
    )
    return NetworkSpec(**fields | options)


def make_data(rng, lengths):
    n = int(np.sum(lengths))
    codes = np.column_stack([rng.integers(1, 5, n), rng.integers(1, 4, n)]).astype(np.int32)
    numbers = rng.normal(size=(n, 2)).astype(np.float32)
    context = rng.normal(size=(len(lengths), 1)).astype(np.float32)
    starts = np.cumsum(lengths) - lengths
    return Sequences(codes, numbers, context, starts.astype(np.int64), np.asarray(lengths))


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_agree_with_central_differences(name, rng):
    spec = make_spec(name)
    model = build_network(spec, seed=0)
    part = reading_part(model, spec)
    assert len(part.weights) == len(model.weights) - 2  # all but the two embeddings
    attribution = Attribution(part, "classes", "identity", begin=False)
    # HSTU compares events in single precision whatever its layers have.
    exact, tolerance = (part, 5e-3) if name == "hstu" else (in_double_precision(part), 1e-4)
    data = make_data(rng, [3])
    leaves = {
        "codes": data.codes[None],
        "numbers": data.numbers[None],
        "context": data.context,
        "lengths": np.array([3], np.int32),
        "embeddings": [rng.normal(size=(1, 3, size)).astype(np.float32) for size in (3, 2)],
    }
    nothing = {
        "embeddings": [np.zeros(3, np.float32), np.zeros(2, np.float32)],
        "numbers": np.zeros(2, np.float32),
    }
    one, target = np.ones(1, np.float32), np.array([1], np.int32)
    arrays = leaves, nothing, one, one, target, Readout("classes").constants
    _, slopes = attribution.gradients(*to_tensors(arrays))
    for kind, index in (("embeddings", 0), ("embeddings", 1), ("numbers", None)):
        slope = np.asarray(slopes[kind] if index is None else slopes[kind][index])
        expected = central_differences(exact, leaves, kind, index)
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(
            slope, expected, rtol=0, atol=tolerance * np.abs(expected).max()
        )


def to_tensors(arrays):
    return keras.tree.map_structure(keras.ops.convert_to_tensor, arrays)


def in_double_precision(part):
    """The same network with the same weights, computed in float64."""

    def wide(layer):
        config = layer.get_config()
        if not isinstance(layer, keras.layers.InputLayer) or "float" in config["dtype"]:
            config["dtype"] = "float64"
        return type(layer).from_config(config)

    found = keras.models.clone_model(part, clone_function=wide)
    found.set_weights(part.get_weights())
    assert {weight.dtype for weight in found.weights} == {"float64"} == {found.output.dtype}
    return found


def central_differences(part, leaves, kind, index, step=3e-3):
    """Slopes by each number of a leaf, from one batch of all its changes."""
    leaf = leaves[kind] if index is None else leaves[kind][index]
    changes = np.concatenate([sign * step * np.eye(leaf.size) for sign in (1, -1)])
    # Keras reads inputs in single precision, so the steps are those between rounded numbers.
    changed = (leaf + changes.reshape(-1, *leaf.shape[1:])).astype(np.float32)
    steps = (changed.astype(np.float64) - leaf).reshape(len(changes), -1).sum(axis=1)
    tiled = keras.tree.map_structure(
        lambda x: np.repeat(x, len(changes), axis=0) if x.shape[0] == 1 else x, leaves
    )
    if index is None:
        tiled[kind] = changed
    else:
        tiled[kind][index] = changed
    answers = np.asarray(part(to_tensors(tiled), training=False), np.float64)[:, 0]
    upper, lower = slice(leaf.size), slice(leaf.size, None)
    found = (answers[upper] - answers[lower]) / (steps[upper] - steps[lower])
    return found.reshape(leaf.shape)


@pytest.mark.parametrize("name", NETWORKS)
def test_contributions_add_up_and_ignore_padding(name, rng):
    spec = make_spec(name)
    # With seed 0 the answers of HSTU are too rough at this tiny size for a quick sum.
    model = build_network(spec, seed=int(name == "hstu"))
    attribution = Attribution(reading_part(model, spec), "classes", "identity", begin=False)
    tables = [model.get_layer(f"embedding_{i}").get_weights()[0] for i in range(2)]
    data = make_data(rng, [3, 0, 1, 7])
    run = lambda part: integrated_gradients(  # noqa: E731
        attribution, tables, part, data, np.ones(len(part), int), Readout("classes")
    )
    found, baselines, errors = run(data)
    batch = {
        "codes": np.zeros((4, 7, 2), np.int32),
        "numbers": np.zeros((4, 7, 2), np.float32),
        "context": data.context,
        "lengths": data.lengths.astype(np.int32),
    }
    for row, (start, n) in enumerate(zip(data.starts, data.lengths, strict=True)):
        batch["codes"][row, :n] = data.codes[start : start + n]
        batch["numbers"][row, :n] = data.numbers[start : start + n]
    values = np.asarray(model(batch, training=False))[:, 0]
    rows = np.split(found, np.cumsum(data.lengths)[:-1])
    sums, sizes = np.array([(row.sum(), np.abs(row).sum()) for row in rows]).T
    change = values - baselines
    # Contributions that cancel need not be more exact than others.
    allowed = 0.01 * np.maximum(np.abs(change), sizes / 2)
    assert (np.abs(sums - change) <= allowed + 0.01 * np.median(np.abs(change))).all()
    assert baselines[1] == pytest.approx(values[1], abs=1e-6) and errors.shape == (4,)
    alone = run(data.take(np.array([0])))[0]
    np.testing.assert_allclose(alone, found[:3], atol=0.01 * np.abs(found[:3]).max())


# ------------------------------------------------------------------ estimators


def test_gradients_of_a_classifier(classifier, histories):
    X, _ = histories
    explanation = explain_events(classifier, X, method="gradients")
    assert set(explanation.by_channel) == {"what", "price", "when"}
    np.testing.assert_allclose(
        np.sum([*explanation.by_channel.values()], axis=0), explanation.flat
    )
    change = explanation.values - explanation.baselines
    np.testing.assert_allclose(sums_of(explanation), change, atol=0.01 * np.abs(change).max())
    probability = classifier.predict_proba(X)[:, 1]
    np.testing.assert_allclose(explanation.values, np.log(probability / (1 - probability)))
    against = explain_events(classifier, X, method="gradients", target=False)
    np.testing.assert_allclose(against.flat, -explanation.flat, atol=1e-6)
    table = explanation.frame()
    assert list(table)[-3:] == ["contribution_what", "contribution_price", "contribution_when"]


def test_a_plot_of_gradients_has_the_channels(classifier, histories):
    X, _ = histories
    explanation = explain_events(classifier, X, method="gradients")
    row = int(explanation.lengths.argmax())
    display = explanation.plot(row)
    begin = explanation.lengths[:row].sum()
    own = slice(begin, begin + explanation.lengths[row])
    heights = [bar.get_height() for bar in display.bars_]
    np.testing.assert_allclose(heights, explanation.flat[own])
    expected = [explanation.by_channel[name][own] for name in ("what", "price", "when")]
    assert display.channels == ["what", "price", "when"]
    np.testing.assert_array_equal(display.image_.get_array(), expected)
    ends = explanation.baselines[row], explanation.values[row]
    title = "log-odds of True: {:+.2f} for mean events, {:+.2f} with all".format(*ends)
    assert display.ax_.get_title("left") == title


def test_removal_encodes_histories_anew(classifier, histories):
    X, _ = histories
    explanation = explain_events(classifier, X)
    row = int(np.argmax(explanation.lengths))
    less = X.iloc[[row]].copy()
    for name in ("what", "price", "when"):
        less[name] = pd.Series([X[name].iloc[row][:1] + X[name].iloc[row][2:]], index=less.index)
    odds = [
        np.log(p[:, 1] / p[:, 0])[0]
        for p in (classifier.predict_proba(X.iloc[[row]]), classifier.predict_proba(less))
    ]
    at = explanation.lengths[:row].sum() + 1
    assert explanation.flat[at] == pytest.approx(odds[0] - odds[1], abs=1e-5)
    assert explanation.lengths.min() == 0  # histories without events have no contributions


def test_the_background_is_the_baseline(classifier, histories):
    X, _ = histories
    with pytest.warns(UserWarning, match=r"only 3 histories\. Pass background="):
        explain_events(classifier, X[:3], method="gradients")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        few = explain_events(classifier, X[:3], method="gradients", background=X)
    whole = explain_events(classifier, X, method="gradients")
    np.testing.assert_allclose(few.flat, whole.flat[: len(few.flat)], atol=1e-5)
    frozen = FrozenEstimator(classifier)
    again = explain_events(frozen, X[:3], method="gradients", background=X)
    np.testing.assert_allclose(again.flat, few.flat)
    empty = X[X["what"].str.len() == 0]
    with pytest.raises(SequenceFrameError, match=r"background has no events.*such as X_train"):
        explain_events(classifier, X, method="gradients", background=empty)


@pytest.mark.parametrize("background", [5, "X", np.ones((2, 3))])
def test_a_background_that_is_none_is_named(classifier, histories, background):
    with pytest.raises((TypeError, SequenceFrameError), match=r"^background must be a sequence"):
        explain_events(classifier, histories[0], method="gradients", background=background)


def test_events_beyond_max_length_contribute_nothing(histories):
    X, y = histories
    model = make_pipeline(SequenceEncoder(max_length=2), fast(BehaviorClassifier)).fit(X, y)
    explanation = explain_events(model, X, method="gradients")
    left = np.repeat(explanation.lengths, explanation.lengths)
    left -= np.concatenate([np.arange(n) for n in explanation.lengths])
    assert (explanation.flat[left > 2] == 0).all() and (explanation.flat[left <= 2] != 0).all()


@pytest.mark.parametrize("loss", ["poisson", "squared_log_error", "quantile"])
def test_gradients_of_regressors(histories, loss):
    X, _ = histories
    y = np.array([float(row.count("cart")) for row in X["what"]])
    options = {"quantile": [0.2, 0.8]} if loss == "quantile" else {}
    model = make_pipeline(SequenceEncoder(), fast(BehaviorRegressor, loss=loss, **options)).fit(
        X, y
    )
    target = 1 if options else None
    explanation = explain_events(model, X, method="gradients", target=target)
    predicted = model.predict(X)
    np.testing.assert_allclose(explanation.values, predicted[:, 1] if options else predicted)
    change = explanation.values - explanation.baselines
    np.testing.assert_allclose(sums_of(explanation), change, atol=0.01 * np.abs(change).max())
    if options:
        with pytest.raises(ValueError, match="predicts 2 numbers per history, so target must say"):
            explain_events(model, X)


def test_gradients_of_three_classes_and_of_labels(histories):
    X, _ = histories
    rng = np.random.default_rng(0)
    encoder = SequenceEncoder()
    three = make_pipeline(encoder, fast(BehaviorClassifier)).fit(X, np.arange(N_SAMPLES) % 3)
    explanation = explain_events(three, X, method="gradients")
    assert explanation.targets.tolist() == three.predict(X).tolist()
    change = explanation.values - explanation.baselines
    np.testing.assert_allclose(sums_of(explanation), change, atol=0.01 * np.abs(change).max())
    turned = counterfactual_events(three, X)
    assert (turned["before"] >= 0).all() and (turned["after"][turned["turned"]] < 0).all()
    y = pd.DataFrame(rng.integers(0, 2, (N_SAMPLES, 2)), columns=["a", "b"])
    labels = make_pipeline(SequenceEncoder(), fast(BehaviorClassifier)).fit(X, y)
    with pytest.raises(ValueError, match=r"predicts 2 labels per history.*one of 'a', 'b'"):
        explain_events(labels, X)
    explanation = explain_events(labels, X, method="gradients", target="b")
    np.testing.assert_allclose(explanation.values, labels.decision_function(X)[:, 1], atol=1e-5)
    frozen = explain_events(FrozenEstimator(labels), X[:5], target="b")
    np.testing.assert_allclose(frozen.values, explanation.values[:5], atol=1e-5)


def test_gradients_of_the_next_event(histories):
    X, _ = histories
    X = X[["what", "price"]]
    model = fast(NextBehaviorPredictor, target="what").fit(X)
    explanation = explain_events(model, X, method="gradients")
    assert explanation.targets.tolist() == model.predict(X).tolist()
    change = explanation.values - explanation.baselines
    np.testing.assert_allclose(sums_of(explanation), change, atol=0.01 * np.abs(change).max())
    one = explain_events(model, X, method="gradients", target="exit")
    column = model.classes_.tolist().index("exit")
    probability = model.predict_proba(X)[:, column]
    np.testing.assert_allclose(one.values, np.log(probability / (1 - probability)), atol=1e-4)
    some = one.contributions.iloc[:15]
    assert deletion_insertion(model, X[:15], some, n_steps=3, n_random=1, random_state=0).gap > 0


def test_mixtures_with_counts_have_no_gradients(histories):
    X = histories[0][["what", "price"]]
    options = {"validation_split": 0.5, "counting": [MarkovChain()], "epochs": 1}
    model = fast(NextBehaviorPredictor, target="what", **options).fit(X)
    assert model.mixture_weights_["markovchain"] > 0
    with pytest.raises(ValueError, match=r"\(mixture_weights_: markovchain \d+%\).*counting=None"):
        explain_events(model, X, method="gradients")
    assert explain_events(model, X[:3]).flat.any()


def test_points_at_once_do_not_change_gradients(rng, monkeypatch):
    spec = make_spec("bag")
    model = build_network(spec, seed=0)
    attribution = Attribution(reading_part(model, spec), "classes", "identity", begin=False)
    tables = [model.get_layer(f"embedding_{i}").get_weights()[0] for i in range(2)]
    data = make_data(rng, [3, 2, 1, 5])
    arrays = attribution, tables, data, data, np.ones(4, int), Readout("classes")
    monkeypatch.setattr("skbseq._training._attribution._MOST_POINTS", 8)
    whole = integrated_gradients(*arrays)
    for rows in (3, 9):  # one point of some rows at once; two points of all rows
        monkeypatch.setattr("skbseq._training._attribution._MOST_ROWS", rows)
        for found, expected in zip(integrated_gradients(*arrays)[:2], whole[:2], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_an_encoded_frame_without_a_pipeline(classifier, histories):
    encoded, model = classifier[0].transform(histories[0]), classifier[-1]
    explanation = explain_events(model, encoded, method="gradients")
    assert "when_gap" in explanation.by_channel
    assert np.isfinite(explain_events(model, encoded[:10]).flat).all()


def test_networks_that_gradients_do_not_reach(histories):
    X, y = histories

    def peeks(events, lengths, inputs):
        return keras.layers.Dense(3)(keras.ops.one_hot(inputs["codes"][:, :, 0], 8))

    model = make_pipeline(SequenceEncoder(), fast(BehaviorClassifier, network=peeks)).fit(X, y)
    with pytest.raises(ValueError, match=r"asks for `inputs`.*Use method='removal'"):
        explain_events(model, X, method="gradients")
    assert explain_events(model, X[:3]).flat.any()


def test_steps_that_drop_events_have_no_gradients(classifier, histories):
    class DropsFirst(SequenceEncoder):
        def transform(self, X):
            X = super().transform(X)
            return X.assign(
                **{
                    n: pd.Series([row[1:] for row in X[n].tolist()], index=X.index)
                    for n in X.columns
                    if n != "age"
                }
            )

    X, _ = histories
    model = make_pipeline(DropsFirst(context=["age"]).fit(X), classifier[-1])
    with pytest.raises(SequenceFrameError, match="cannot be assigned to events"):
        explain_events(model, X, method="gradients")
