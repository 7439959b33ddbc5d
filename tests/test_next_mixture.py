"""Mixtures of a network and counting models: weights, ranks, monitors, refit."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skbseq import (
    HistoryFrequency,
    ItemCooccurrence,
    MarkovChain,
    MostFrequent,
    NextBehaviorPredictor,
)
from skbseq._monitors import best_epoch, check_monitor, gain_of
from skbseq._next_event import Histories, Trial, add_up, learn_counts
from skbseq._next_event._histories import repeats

pytestmark = pytest.mark.steps("eager")


def ring(n, rng, size=8):
    """Walks around a ring of ids, from which one event in five jumps."""
    rows = []
    for _ in range(n):
        walk = [int(rng.integers(size))]
        while len(walk) < rng.integers(2, 9):
            jumps = rng.random() < 0.2
            walk.append(int(rng.integers(size)) if jumps else (walk[-1] + 1) % size)
        rows.append([f"p{i}" for i in walk])
    return rows


@pytest.fixture(scope="module")
def walks():
    return ring(150, np.random.default_rng(0))


@pytest.fixture(scope="module")
def mixed(walks):
    return make(epochs=2).fit(walks)


def make(**parameters):
    fixed = {"units": 4, "validation_split": 0.3, "random_state": 0}
    return NextBehaviorPredictor(**(fixed | parameters))


# ------------------------------------------------------------------- weights


def trial_of(right, rivals=None):
    right = np.array(right, float)
    rivals = np.zeros((*right.shape, 1)) if rivals is None else np.array(rivals, float)
    return Trial(right, rivals)


def test_em_finds_the_most_probable_weights(rng):
    right = rng.random((2, 400)) * [[1.0], [0.7]]
    weight = trial_of(right).likeliest_weights()[0]
    tried = np.linspace(0, 1, 201)
    # One prior event, divided evenly, is the same as half an event of each model alone.
    log = [
        np.log(w * right[0] + (1 - w) * right[1]).sum()
        + 0.5 * (np.log(max(w, 1e-300)) + np.log(max(1 - w, 1e-300)))
        for w in tried
    ]
    assert weight == pytest.approx(tried[np.argmax(log)], abs=0.006)


def test_models_that_say_the_same_get_the_same_weight():
    assert_allclose(trial_of(np.full((3, 5), 0.2)).likeliest_weights(), 1 / 3)


def test_a_model_that_excludes_what_comes_keeps_some_weight():
    weights = trial_of([[0.5] * 9, [0.0] * 9]).likeliest_weights()
    assert_allclose(weights, [0.95, 0.05])


def test_ranking_takes_both_models_where_each_alone_misses_half():
    # Each model ranks the other's events second; their mean ranks all of them first.
    right = [[0.9, 0.3], [0.3, 0.9]]
    rivals = [[[0.1], [0.4]], [[0.4], [0.1]]]
    trial = trial_of(right, rivals)
    assert trial._ranks(np.array([1.0, 0])).tolist() == [1, 2]
    assert_allclose(trial.weights("recall@1"), [0.5, 0.5])


def test_ranking_leaves_out_a_model_that_does_harm():
    trial = trial_of([[0.5, 0.5], [0.0, 0.0]], [[[0.1], [0.1]], [[0.9], [0.9]]])
    assert trial.weights("ndcg@10").tolist() == [1, 0]


def test_level_rivals_count_half():
    assert trial_of([[0.5]], [[[0.5, 0.5, 0.6]]])._ranks(np.ones(1)).tolist() == [3]


def test_trial_ranks_like_the_full_catalogue(rng):
    n, n_classes = 40, 300
    offsets = np.append(0, np.cumsum(rng.integers(0, 6, n)))
    histories = Histories(rng.integers(0, n_classes, offsets[-1]), offsets)
    truth = rng.integers(0, n_classes, n)
    scores = rng.random((2, n, n_classes)) ** 4

    def score(part):
        # Rows are recognised by where they begin, because parts are slices.
        first = score.done
        score.done += len(part)
        return [s[first : first + len(part)].copy() for s in scores]

    score.done = 0
    trial = Trial.of(score, histories, truth, n_classes, "ndcg@10")
    shares = scores / scores.sum(axis=2, keepdims=True)
    assert_allclose(trial.right, shares[:, np.arange(n), truth])
    weights = np.array([0.3, 0.7])
    total = np.tensordot(weights, shares, axes=1)
    if not repeats(histories, truth).any():
        total[histories.rows, histories.codes] = -1
    slow = 1 + (total > total[np.arange(n), truth][:, None]).sum(axis=1)
    near_top = slow <= 20
    assert near_top.any()
    assert_array_equal(trial._ranks(weights)[near_top], slow[near_top])


@pytest.mark.parametrize(("k", "n_events"), [(10, 8), (150, 6)])
def test_long_lists_are_ranked_to_their_end(k, n_events, rng, monkeypatch):
    monkeypatch.setattr("skbseq._next_event._mixture._MOST_RIVALS", 900)
    histories = Histories(np.zeros(0, np.int64), np.zeros(9, np.int64))
    scores, truth = rng.random((1, 8, 400)), rng.integers(0, 400, 8)
    trial = Trial.of(lambda part: scores[:, : len(part)], histories, truth, 400, f"recall@{k}")
    slow = 1 + (scores[0] > scores[0, np.arange(8), truth][:, None]).sum(axis=1)
    assert trial.right.shape == (1, n_events)
    found = gain_of(f"recall@{k}")(trial._ranks(np.ones(1)))
    assert found.tolist() == (slow <= k)[:n_events].tolist()


def test_ids_of_the_history_are_no_rivals_unless_some_history_repeats_one():
    histories = Histories(np.array([0, 1]), np.array([0, 1, 2]))
    scores = np.array([[0.7, 0.1, 0.2], [0.1, 0.8, 0.1]])

    def ranks(truth):
        trial = Trial.of(lambda part: [scores.copy()], histories, np.array(truth), 3, "recall@1")
        return trial._ranks(np.ones(1)).tolist()

    assert ranks([2, 2]) == [1, 1.5]  # 0 and 1 are left out; 0 is level with 2 in the second
    assert ranks([2, 1]) == [2, 1]


def test_a_weighted_sum_of_shares():
    total = add_up([0.25, 0.75], [np.array([[1.0, 3.0]]), np.array([[2.0, 0.0]])])
    assert_allclose(total, [[0.0625 + 0.75, 0.1875]])


# ------------------------------------------------------------------- monitors


def test_gains_of_ranks():
    ranks = np.array([1, 2, 3.5, 11, np.inf])
    assert gain_of("recall@3")(ranks).tolist() == [1, 1, 0, 0, 0]
    assert_allclose(gain_of("ndcg@10")(ranks), [1, 1 / np.log2(3), 1 / np.log2(4.5), 0, 0])


def test_the_best_epoch_has_the_lowest_loss_or_the_highest_gain():
    assert best_epoch([3.0, 1.0, 2.0], "loss") == 2
    assert best_epoch([0.3, np.nan, 0.4], "ndcg@10") == 3


@pytest.mark.parametrize("monitor", ["ndcg", "recall@0", "ndcg@-1", "mrr@10", "val_loss", ""])
def test_a_monitor_that_does_not_exist(monitor):
    with pytest.raises(ValueError, match="monitor must be 'loss', or 'ndcg' or 'recall'"):
        check_monitor(monitor)


@pytest.mark.parametrize("repeating", [False, True])
def test_the_monitored_ranks_are_those_of_the_network(repeating):
    rng = np.random.default_rng(1)
    X = [[f"p{i}" for i in rng.permutation(12)[: rng.integers(1, 6)]] for _ in range(60)]
    if repeating:
        X = [[*row, row[0]] for row in X]
    model = make(monitor="recall@3", counting=None, epochs=1, early_stopping=False).fit(X)
    held_out = held_out_rows(model, len(X))
    shares = model.predict_proba([X[i][:-1] for i in held_out])
    ranks = []
    for i, row in zip(held_out, shares, strict=True):
        if not repeating:
            row[np.isin(model.classes_, X[i][:-1])] = -1
        ranks.append(1 + (row > row[list(model.classes_).index(X[i][-1])]).sum())
    assert model.history_["val_recall@3"] == [pytest.approx(np.mean(np.array(ranks) <= 3))]


def held_out_rows(model, n):
    from skbseq._training._hold_out import split_rows

    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    rng = np.random.default_rng([seed, 1])
    return split_rows(np.zeros(n), model.validation_split, rng)[1]


def test_the_monitor_stops_training(walks):
    # The learning rate is so small that no rank changes, so there is no improvement.
    model = make(
        monitor="ndcg@5", counting=None, epochs=9, early_stopping=2, learning_rate=1e-9
    ).fit(walks)
    assert model.n_iter_ == 3
    assert len(set(model.history_["val_ndcg@5"])) == 1


def test_refit_trains_on_all_histories_from_the_start(walks):
    found = make(monitor="recall@3", refit=True, epochs=3, counting=None).fit(walks)
    best = int(np.argmax(found.history_["val_recall@3"])) + 1
    assert found.n_iter_ == best
    plain = make(counting=None, epochs=best, validation_split=0.0).fit(walks)
    assert_array_equal(found.predict_proba(walks[:9]), plain.predict_proba(walks[:9]))
    assert "val_loss" in found.history_


# ------------------------------------------------------------------- the predictor


def test_probabilities_are_the_weighted_mean_of_those_of_the_models(mixed, walks):
    weights = mixed.mixture_weights_
    assert list(weights) == ["network", "markovchain", "itemcooccurrence", "historyfrequency"]
    assert sum(weights.values()) == pytest.approx(1)
    network = make(epochs=2, counting=None).fit(walks)
    counting = [MarkovChain(order=3), ItemCooccurrence(), HistoryFrequency()]
    models = [network, *(model.fit(walks) for model in counting)]
    asked = [*walks[:5], [], ["p3"]]
    mean = sum(w * m.predict_proba(asked) for w, m in zip(weights.values(), models, strict=True))
    assert_allclose(mixed.predict_proba(asked), mean, rtol=1e-6)


def test_the_mixture_beats_a_network_that_learned_too_little(mixed, walks):
    test = ring(80, np.random.default_rng(5))
    assert mixed.score(test) > make(epochs=2, counting=None).fit(walks).score(test) + 0.2


def test_weights_come_from_histories_that_no_model_counted():
    # Each history has a pair of its own, so counting knows all of its own and nothing of others.
    X = [[f"a{i}", f"b{i}"] for i in range(40)]
    model = make(epochs=1, counting=[MarkovChain(), MostFrequent()]).fit(X)
    weights = model.mixture_weights_
    # On its own histories the chain would be all; on held-out ones it says no more than shares.
    assert weights["markovchain"] < 0.6
    assert model.predict_proba([["a7"]])[0].argmax() == list(model.classes_).index("b7")


def test_next_events_count_and_weights_of_zero_do_not():
    X, y = [["a", "b"]] * 30 + [["a", "c"]] * 30, ["d"] * 30 + ["b"] * 30
    weight = np.repeat([1.0, 0.0], 30)
    X[0] = ["a", "b", "d"]
    model = make(epochs=1, counting=[MarkovChain()]).fit(X, y, sample_weight=weight)
    chain = model._mixture[1][0]
    plain = MarkovChain().fit(X[:30], y[:30])
    shares = pd.Series(plain.predict_proba([["b"]])[0], plain.classes_)
    kept = pd.Series(chain.predict_proba([["b"]])[0], chain.classes_)
    assert kept["d"] == pytest.approx(shares["d"], abs=0.02)


def test_a_shared_catalogue_gives_the_same_counts(walks, mixed):
    chain = learn_counts([MarkovChain(order=2)], mixed, mixed._seen(walks))[0]
    plain = MarkovChain(order=2).fit(walks)
    assert_allclose(chain.predict_proba(walks[:9]), plain.predict_proba(walks[:9]))


def test_two_models_of_a_class_are_numbered(walks):
    models = [MarkovChain(), MarkovChain(order=2), MostFrequent()]
    weights = make(epochs=1, counting=models).fit(walks).mixture_weights_
    assert list(weights) == ["network", "markovchain-1", "markovchain-2", "mostfrequent"]


@pytest.mark.parametrize("parameters", [{"validation_split": 0.0}, {"counting": None}])
def test_without_held_out_histories_the_network_is_alone(parameters, walks):
    assert make(epochs=1, **parameters).fit(walks).mixture_weights_ == {"network": 1.0}


def test_histories_of_one_event_are_weighed_by_it():
    model = make(epochs=1).fit([["a"], ["b"]] * 20)
    assert sum(model.mixture_weights_.values()) == pytest.approx(1)


def test_paths_at_a_low_temperature_follow_the_mixture(mixed):
    asked = [["p1", "p2"], ["p5"]]
    cold = mixed.sample_paths(asked, 3, temperature=0.001, random_state=0)
    assert cold.equals(mixed.sample_paths(asked, 3, temperature=0))


BAD = [
    ({"monitor": "ndcg@5", "validation_split": 0.0}, "monitor='ndcg@5' needs held-out histories"),
    ({"refit": True, "validation_split": 0.0}, "refit=True needs held-out histories"),
    ({"counting": [MarkovChain()], "validation_split": 0.0}, "counting needs held-out histories"),
    ({"counting": [NextBehaviorPredictor()]}, "counting must hold models that count"),
    ({"counting": [MarkovChain]}, "counting must hold models that count"),
    ({"counting": [MarkovChain("other")]}, "Leave its target at None"),
    ({"counting": [MarkovChain(order=9)]}, "'order' parameter of MarkovChain"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD)
def test_bad_parameters(parameters, message, walks):
    with pytest.raises(ValueError, match=message):
        make(**parameters).fit(walks)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"refit": True}, "refit=True"),
        ({"monitor": "recall@3"}, "monitor='recall@3'"),
        ({"counting": [MarkovChain()]}, "counting"),
    ],
)
def test_too_few_histories_to_hold_one_out(parameters, what):
    model = make(epochs=1, **parameters)
    with pytest.raises(ValueError, match=f"{what} needs held-out .* held out of 1. Give more"):
        model.fit([["a", "b", "c"]])


def test_too_few_histories_leave_the_network_alone():
    assert make(epochs=1).fit([["a", "b", "c"]]).mixture_weights_ == {"network": 1.0}
