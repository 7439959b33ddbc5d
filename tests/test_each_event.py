"""Predictions at every event equal those for the beginnings of the histories, row by row."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from skbseq import (
    BehaviorClassifier,
    BehaviorRegressor,
    HistoryFrequency,
    ItemCooccurrence,
    LastEvent,
    MarkovChain,
    MostFrequent,
    NextBehaviorPredictor,
    SequenceEncoder,
)
from skbseq._next_event import _each
from skbseq.estimators import _each_event
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection import EarlyDecisionDisplay
from skbseq.inspection._one_pass import OnePass

pytestmark = pytest.mark.steps("eager")
SMALL = {"units": 4, "epochs": 1, "batch_size": 32, "random_state": 0}
# "gru" and "rnn" have the stack of "lstm".
NETWORKS = ["lstm", "cnn", "transformer", "hstu", "bag"]
ids = st.sampled_from("abcd")
logs = st.lists(st.lists(ids, max_size=6), min_size=1, max_size=6).filter(any)
asked = st.lists(st.lists(st.sampled_from(["a", "b", "d", "z", None]), max_size=7), max_size=5)


def pages(histories):
    return pa.table({"page": pa.array(histories, pa.list_(pa.string()))})


def shop(n, seed=0):
    """Products with prices and times, a missing or an unknown id here and there, a country."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 8, n)
    lengths[:3] = [0, 7, 1]
    names = [*"abcdef", None, "new" if seed else "a"]
    products = [[names[i] for i in rng.integers(0, 8, k)] for k in lengths]
    begin = pd.Timestamp("2026-01-05")
    times = [begin + pd.to_timedelta(np.cumsum(rng.integers(0, 9, k)), unit="h") for k in lengths]
    return pa.table(
        {
            "product": pa.array(products, pa.list_(pa.string())),
            "price": pa.array([rng.random(k) for k in lengths], pa.list_(pa.float64())),
            "time": pa.array([list(t) for t in times], pa.list_(pa.timestamp("us"))),
            "country": pa.array(rng.choice(["PL", "CZ"], n)),
        }
    )


def beginnings(X, *, after):
    """One row per event: what stands before it, or before and including it."""
    columns, rows = {}, X.to_pylist()
    lengths = [len(next(v for v in row.values() if isinstance(v, list))) for row in rows]
    cuts = [(i, t + after) for i, length in enumerate(lengths) for t in range(length)]
    for name in X.column_names:
        cells = [(rows[i][name], t) for i, t in cuts]
        columns[name] = [cell[:t] if isinstance(cell, list) else cell for cell, t in cells]
    return pa.table(columns, schema=X.schema)


def flat(table, name):
    return [value for row in table[name].to_pylist() for value in row]


def check_each(model, X, target):
    """Both methods against predictions for expanded beginnings."""
    each, scored = model.predict_each(X), model.score_each(X, exclude_seen=True)
    lengths = [len(row) for row in X[target].to_pylist()]
    for lists in (*each.columns, *scored.columns):
        assert [len(row) for row in lists.to_pylist()] == lengths
    if not sum(lengths):
        return
    probabilities = model.predict_proba(beginnings(X, after=True))
    np.testing.assert_allclose(flat(each, "score"), probabilities.max(axis=1), rtol=1e-4)
    best = np.searchsorted(model.classes_, flat(each, target))
    own = probabilities[np.arange(len(best)), best]
    np.testing.assert_allclose(own, flat(each, "score"), rtol=1e-4)
    truth = np.array(flat(X, target), object)
    before, known = beginnings(X, after=False), np.array([t is not None for t in truth])
    scores = np.append(model.predict_proba(before), np.zeros((len(truth), 1)), axis=1)
    place = {c: i for i, c in enumerate(model.classes_.tolist())}
    right = scores[np.arange(len(truth)), [place.get(t, -1) for t in truth]]
    found = np.array(flat(scored, "score"), float)
    assert (np.isnan(found) == ~known).all()
    np.testing.assert_allclose(found[known], right[known], rtol=1e-4)
    if known.any():
        ranks = model.true_ranks(before.filter(pa.array(known)), truth[known], exclude_seen=True)
        found = np.array(flat(scored, "rank"), float)[known]
        np.testing.assert_allclose(found, ranks.mean(axis=1))


# ------------------------------------------------------------ counting models


@pytest.mark.parametrize(
    "model",
    [
        MostFrequent(),
        LastEvent(),
        MarkovChain(order=3),
        HistoryFrequency(decay=0.5),
        ItemCooccurrence(decay=0.5, indirect=0.7),
        ItemCooccurrence(window=None, n_last=2, decay=0.5, indirect=0),
    ],
    ids=str,
)
@settings(max_examples=20)
@given(log=logs, X=asked)
def test_counting_models_predict_as_for_beginnings(model, log, X):
    check_each(model.fit(pages(log)), pages(X), "page")


def test_the_kind_of_table_and_plain_lists(frame_lib):
    log = [["a", "b", "a"], ["b", "a"]]
    model = MarkovChain().fit(pages(log))
    each = model.predict_each(frame_lib.make({"page": pages([["a", "z"], []])["page"]}))
    assert type(each) is type(frame_lib.make({"page": ["a"]}))
    rows = frame_lib.to_pylist(each)
    assert [row["page"] for row in rows] == [["b", "b"], []]
    assert MarkovChain().fit(log).score_each(log)["rank"].iloc[0] == [1, 1, 1]


def test_few_events_at_a_time_change_nothing(monkeypatch):
    X = pages([list("abcabcabc"), [], list("ddd"), ["a"]])
    model = ItemCooccurrence(decay=0.5, indirect=0).fit(X)
    expected = [model.predict_each(X), model.score_each(X, exclude_seen=True)]
    monkeypatch.setattr(_each, "_MOST_EVENTS", 4)
    found = [model.predict_each(X), model.score_each(X, exclude_seen=True)]
    assert all(f.equals(e) for f, e in zip(found, expected, strict=True))


def test_parts_have_few_rows_and_events():
    stops = np.array([3, 9, 9, 2, 0, 1])
    cuts = _each.Beginnings(np.zeros(9, int), np.zeros(6, int), stops).cuts(2)
    assert cuts == [0, 2, 4, 6]


def test_only_the_events_that_count_are_laid_out():
    """A chain reads the last events of each beginning, however long the history is."""
    X = pages([list("ab") * 3000])
    model = MarkovChain(order=2).fit(X)
    lengths = []
    scores = model._scores
    model._scores = lambda histories: lengths.append(histories.lengths.max()) or scores(histories)
    model.predict_each(X)
    assert max(lengths) == 2


def test_a_target_of_the_name_of_the_scores_is_refused():
    model = MarkovChain().fit(pa.table({"score": [["a", "b"]]}))
    with pytest.raises(ValueError, match="Rename it before fit"):
        model.score_each(pa.table({"score": [["a"]]}))
    with pytest.raises(SequenceFrameError, match="not a list column"):
        MarkovChain().fit(pages([["a"]])).predict_each(pa.table({"other": [["a"]]}))


# ------------------------------------------------------------ networks


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_predict_as_for_beginnings(monkeypatch, network):
    """With counting, features of time, context, and where the encoder cuts histories."""
    encoder = SequenceEncoder(context=["country"], time_features=("gap", "hour"), max_length=4)
    model = NextBehaviorPredictor("product", encoder=encoder, network=network, **SMALL)
    model.fit(shop(50))
    assert all(weight > 0 for weight in model.mixture_weights_.values())
    X = shop(12, seed=1)
    check_each(model, X, "product")
    expected = model.predict_each(X)
    monkeypatch.setattr(_each_event, "_CELLS", 300)  # some rows at a time
    found = model.predict_each(X)
    assert flat(found, "product") == flat(expected, "product")
    np.testing.assert_allclose(flat(found, "score"), flat(expected, "score"), rtol=1e-5)


@pytest.fixture(scope="module")
def encoded():
    encoder = SequenceEncoder(context=["country"], time_features=("gap", "hour")).fit(shop(50))
    X = shop(9, 1)
    return [encoder.transform(part) for part in (shop(50), X, beginnings(X, after=True))]


@pytest.mark.parametrize(
    ("network", "pooling"),
    [("lstm", "last"), ("bag", "mean"), ("bag", "max"), ("bag", "attention")],
)
def test_classifiers_predict_as_for_beginnings(encoded, network, pooling):
    train, X, cut = encoded
    y = np.arange(train.num_rows) % 3
    model = BehaviorClassifier(network, pooling=pooling, **SMALL).fit(train, y)
    each = model.predict_proba_each(X)
    assert each.column_names == ["0", "1", "2"]
    found = np.stack([flat(each, name) for name in each.column_names], axis=1)
    np.testing.assert_allclose(found, model.predict_proba(cut), rtol=1e-4)


def test_pooling_of_large_scores_and_many_steps(rng):
    """An early event keeps its weight before a later one of a much higher score."""
    from skbseq.networks._graph._each import PoolSoFar

    x, scores = rng.normal(size=(2, 37, 3)).astype("f"), rng.normal(size=(2, 37, 1)).astype("f")
    scores = 200 * scores
    found = PoolSoFar("attention")(x, scores).numpy()
    for t in (1, 2, 17, 37):
        weights = np.exp(scores[:, :t] - scores[:, :t].max(axis=1, keepdims=True))
        expected = (weights * x[:, :t]).sum(axis=1) / weights.sum(axis=1)
        np.testing.assert_allclose(found[:, t - 1], expected, rtol=1e-4, atol=1e-6)
    found = PoolSoFar("max")(x).numpy()
    np.testing.assert_array_equal(found, np.maximum.accumulate(x, axis=1))


def test_regressors_and_arrays(rng):
    X = rng.normal(size=(20, 5))
    X[0, 3:] = np.nan
    y = rng.normal(size=20)
    model = BehaviorRegressor("gru", **SMALL).fit(X, y)
    each = model.predict_each(X)
    assert each.shape == (20, 5) and np.isnan(each[0]).tolist() == [False] * 3 + [True] * 2
    np.testing.assert_allclose(each[1:, -1], model.predict(X)[1:], rtol=1e-4)
    X[:, 2:] = np.nan
    np.testing.assert_allclose(each[:, 1], model.predict(X), rtol=1e-4)
    both = BehaviorRegressor("bag", loss="quantile", quantile=[0.1, 0.9], **SMALL).fit(X, y)
    assert both.predict_each(X).shape == (20, 5, 2)
    frame = pd.DataFrame({"x": [[0.5, 1.0], []] * 10})
    quantiles = both.fit(frame, y).predict_each(frame)
    assert quantiles.columns.tolist() == ["0.1", "0.9"]
    np.testing.assert_allclose(quantiles["0.9"][0][-1], both.predict(frame)[0, 1], rtol=1e-4)


def looks_ahead(events, lengths, mask):
    import keras

    real = keras.ops.cast(mask, "float32")[:, :, None]
    return keras.layers.Dense(3)(events + keras.ops.sum(real * events, axis=1, keepdims=True))


def of_history(events, lengths):
    import keras

    last = keras.ops.maximum(lengths - 1, 0)[:, None, None]
    return keras.ops.take_along_axis(keras.layers.Dense(3)(events), last, axis=1)[:, 0]


def causal(events, lengths):
    import keras

    return keras.layers.Dense(3)(keras.ops.cumsum(events, axis=1))


@pytest.mark.parametrize(
    ("network", "message"),
    [(looks_ahead, "sees later events"), (of_history, "one vector per history")],
)
def test_networks_without_a_prediction_after_each_event_are_refused(encoded, network, message):
    X, _, _ = encoded
    model = BehaviorClassifier(network, **SMALL).fit(X, np.arange(X.num_rows) % 2)
    with pytest.raises(ValueError, match=message):
        model.predict_proba_each(X)


def test_two_way_networks_are_refused_and_own_causal_ones_are_not(rng):
    X, y = rng.normal(size=(20, 5)), np.arange(20) % 2
    two_way = BehaviorClassifier("rnn", bidirectional=True, **SMALL).fit(X, y)
    with pytest.raises(ValueError, match="fitted with bidirectional=True"):
        two_way.predict_proba_each(X)
    assert OnePass.of(two_way, X, 5) is None
    model = BehaviorClassifier(causal, **SMALL).fit(X, y)
    found = model.predict_proba_each(X)
    assert OnePass.of(model, X, 5) is None  # a user's function may look ahead
    X[:, 2:] = np.nan
    np.testing.assert_allclose(found[:, 1], model.predict_proba(X), rtol=1e-4)


# ------------------------------------------------------------ early decisions


def test_early_decisions_of_one_pass_are_those_of_cut_histories(monkeypatch):
    X, y = shop(50), np.arange(50) % 2
    encoder = SequenceEncoder(context=["country"], time_features=("gap", "hour"), max_length=7)
    model = make_pipeline(encoder, BehaviorClassifier("gru", **SMALL)).fit(X, y)
    assert OnePass.of(model, X, 7) is not None

    def scores():
        draw = EarlyDecisionDisplay.from_estimator
        shares = draw(model, X, y, scoring="neg_log_loss", shares=[0.3, 1]).scores
        numbers = draw(model, X, y, scoring="accuracy", n_events=[1, 4]).scores
        plt.close("all")
        return [*shares, *numbers]

    found = scores()
    monkeypatch.setattr(OnePass, "of", lambda *arguments: None)
    np.testing.assert_allclose(found, scores(), rtol=1e-4)


def test_one_pass_only_where_it_gives_the_same():
    X, y = shop(50), np.arange(50) % 2
    short = make_pipeline(SequenceEncoder(max_length=3), BehaviorClassifier("bag", **SMALL))
    assert OnePass.of(short.fit(X, y), X, 7) is None
    assert OnePass.of(MarkovChain("product").fit(X), X, 7) is None
