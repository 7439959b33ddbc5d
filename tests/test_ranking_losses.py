"""Losses of the next id against plain NumPy: full sums, sampled sums, and their probabilities."""

import copy
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator

from skbseq import (
    BehaviorEmbedder,
    MarkovChain,
    NextBehaviorPredictor,
    SequenceEncoder,
    load,
    save,
)
from skbseq._gbce import Balance, log_odds_to_log_probability
from skbseq.estimators._next_predictor import _predictor
from skbseq.estimators._sequence_model import SequenceModel
from skbseq.inspection import explain_events

pytestmark = pytest.mark.steps("eager")

N_CODES, N_IDS = 12, 10
SAMPLERS = ["log-uniform", 0.0, 0.5, 1.0, "batch"]
SMALL = {"units": 4, "epochs": 2, "batch_size": 32, "random_state": 0, "counting": None}
BAG = SMALL | {"network": "bag"}


@pytest.fixture(scope="module")
def parts():
    """Queries, right codes, and output embeddings of the codes."""
    from skbseq._training._event_losses import Codes

    rng = np.random.default_rng(0)
    query, table = rng.normal(size=(8, 3)), rng.normal(size=(N_CODES, 3))
    bias, codes = rng.normal(size=N_CODES), rng.integers(2, N_CODES, 8)
    return np.float32(query), np.int32(codes), Codes(np.float32(table), np.float32(bias))


def plain_scores(parts, unit=False):
    query, _, of = parts
    table = of.table / np.linalg.norm(of.table, axis=1, keepdims=True) if unit else of.table
    return (query @ table.T + of.bias).astype(float)[:, 2:]


def counts_of(rng):
    return np.append([0, 0], rng.integers(1, 30, N_IDS))


def draws(how, n, rng, counts=None, n_events=0):
    """Negatives, those of a batch among targets that follow the counts."""
    from skbseq._training._negatives import make_sampler

    counts = counts_of(rng) if counts is None else counts
    targets = rng.choice(N_CODES, n_events, p=counts / counts.sum())[:, None]
    return make_sampler(how, N_CODES, counts).draw(n, targets, rng)


# -------------------------------------------------------------- sums over all ids


@pytest.mark.parametrize("how", SAMPLERS, ids=str)
def test_sampled_sums_are_unbiased(parts, how):
    """The mean of many sums of few draws is the sum over all wrong ids."""
    from skbseq._training._event_losses import sampled_scores

    n_sums, (query, codes, of) = 4_000, parts
    scores = np.exp(plain_scores(parts))
    expected = (scores * (np.arange(N_IDS) != codes[:, None] - 2)).sum(axis=1)
    negatives = draws(how, 20 * n_sums, np.random.default_rng(1), n_events=20 * n_sums + 1)
    rows = np.full(len(codes), 5)  # the event of this row is not among its own negatives
    _, found, log_draws = sampled_scores(query, codes, rows, of, negatives, in_batch=True)
    terms = np.exp((found - log_draws).numpy().astype(float))
    sums = n_sums * terms.reshape(len(codes), n_sums, 20).sum(axis=2)
    error = sums.std(axis=1) / np.sqrt(n_sums)
    assert (np.abs(sums.mean(axis=1) - expected) < 4 * error).all()
    assert (error < 0.02 * expected).all()


@pytest.mark.parametrize("how", SAMPLERS, ids=str)
def test_draws_follow_their_law(how):
    rng = np.random.default_rng(0)
    found = draws(how, 40_000, rng, n_events=50_000)
    share = np.bincount(found["codes"], minlength=N_CODES)[2:] / 40_000
    law = np.zeros(N_IDS)
    law[found["codes"] - 2] = np.exp(found["log_shares"])
    assert law.sum() == pytest.approx(1, rel=1e-5)
    assert_allclose(share, law, rtol=0.12, atol=0.002)
    assert (found["rows"] >= 0).all() == (how == "batch")


def test_a_batch_gives_its_other_histories():
    from skbseq._training._event_losses import sampled_scores
    from skbseq._training._negatives import BatchSampler

    counts = np.array([0, 0, 3, 2, 1, 0])
    targets = np.array([[2, 3, 0], [2, 4, 5]])
    found = BatchSampler(counts).draw(10, targets, np.random.default_rng(0))
    assert_array_equal(found["codes"], [2, 3, 2, 4, 5])
    assert_array_equal(found["rows"], [0, 0, 1, 1, 1])
    # A target that training does not have counts as if it had it once.
    assert_allclose(np.exp(found["log_shares"]), np.array([3, 2, 3, 1, 1]) / 7, rtol=1e-6)
    fewer = BatchSampler(counts).draw(2, targets, np.random.default_rng(0))
    assert len(fewer["codes"]) == 2
    parts = _any_parts(6, codes=[3, 2])
    log_draws = sampled_scores(*parts, found, in_batch=True)[2].numpy()
    used = log_draws < 100
    # The first query is of row 0 and has code 3; the second is of row 1 and has code 2.
    assert_array_equal(used, [[0, 0, 1, 1, 1], [0, 1, 0, 0, 0]])
    assert_allclose(log_draws[0, 3], np.log(3 * 1 / 7), rtol=1e-5)
    assert_allclose(log_draws[1, 1], np.log(2 * 2 / 7), rtol=1e-5)


def _any_parts(n_codes, codes):
    from skbseq._training._event_losses import Codes

    rng, n = np.random.default_rng(0), len(codes)
    of = Codes(np.float32(rng.normal(size=(n_codes, 3))), np.zeros(n_codes, np.float32))
    query = np.float32(rng.normal(size=(n, 3)))
    return query, np.int32(codes), np.arange(n, dtype=np.int32), of


def test_a_history_alone_in_its_batch_teaches_nothing_by_batch():
    from skbseq._training._event_losses import sampled_scores, sampled_softmax
    from skbseq._training._negatives import BatchSampler

    found = BatchSampler(np.ones(6)).draw(9, np.array([[2, 3]]), np.random.default_rng(0))
    query, codes, _, of = _any_parts(6, codes=[2, 3])
    scores = sampled_scores(query, codes, np.zeros(2, np.int32), of, found, in_batch=True)
    assert_array_equal(sampled_softmax(*scores, (0.2, 4)), [0, 0])


# -------------------------------------------------------------- softmax


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_full_softmax_of_plain_numpy(parts, smoothing):
    from skbseq._training._event_losses import full_softmax

    scores, right = plain_scores(parts), parts[1] - 2
    log_p = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    target = np.full(scores.shape, smoothing / N_IDS)
    target[np.arange(len(right)), right] += 1 - smoothing
    assert_allclose(full_softmax(*parts, smoothing), -(target * log_p).sum(axis=1), rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("how", ["log-uniform", 0.7])
def test_many_draws_are_as_good_as_all_ids(parts, how, smoothing):
    from skbseq._training._event_losses import full_softmax, sampled_scores, sampled_softmax

    rows = np.zeros(len(parts[1]), np.int32)
    found = sampled_scores(
        *parts[:2], rows, parts[2], draws(how, 100_000, np.random.default_rng(0))
    )
    sampled = sampled_softmax(*found, (smoothing, N_IDS))
    assert_allclose(sampled, full_softmax(*parts, smoothing), atol=0.05)


def test_few_draws_of_plain_numpy(parts):
    from skbseq._training._event_losses import sampled_scores, sampled_softmax
    from skbseq._training._negatives import from_whole_catalogue

    scores, codes = np.exp(plain_scores(parts)), parts[1]
    drawn, share = np.array([2, 3, 2, 8]), np.array([0.5, 0.2, 0.5, 0.1])
    losses = []
    for row, code in zip(scores, codes, strict=True):
        pairs = zip(drawn, share, strict=True)
        others = sum(row[d - 2] / (4 * s) for d, s in pairs if d != code)
        losses.append(-np.log(row[code - 2] / (row[code - 2] + others)))
    negatives = from_whole_catalogue(drawn, np.log(share))
    found = sampled_scores(*parts[:2], np.zeros(8, np.int32), parts[2], negatives)
    assert_allclose(sampled_softmax(*found), losses, rtol=1e-5)


def test_unit_vectors_are_compared_by_direction(parts):
    query, codes, of = parts
    of = replace(of, unit=True)
    plain = plain_scores(parts, unit=True)
    assert_allclose(of.all_scores(query)[:, 2:], plain, rtol=1e-4)
    assert_allclose(of.scores_of(query, np.array([4, 7])), plain[:, [2, 5]], rtol=1e-4)
    assert_allclose(of.own_scores(query, codes), plain[np.arange(8), codes - 2], rtol=1e-4)


# -------------------------------------------------------------- gbce


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gbce_of_plain_numpy(parts, smoothing):
    """With all ids as negatives it is the sum of the binary cross-entropies."""
    from skbseq._training._event_losses import binary_cross_entropy, weights_of_wrong

    scores, codes = plain_scores(parts), parts[1]
    target = np.full(scores.shape, smoothing / N_IDS)
    target[np.arange(8), codes - 2] += 1 - smoothing
    share = 1 / (1 + np.exp(-scores))
    expected = -(target * np.log(share) + (1 - target) * np.log(1 - share)).sum(axis=1)
    right = np.float32(scores[np.arange(8), codes - 2])
    weights, balance = weights_of_wrong(codes, N_IDS), Balance.of(N_IDS, None, 0.75)
    found = binary_cross_entropy(right, np.float32(scores), weights, balance, (smoothing, N_IDS))
    assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("calibration", [0.0, 0.6, 1.0])
def test_gbce_is_smallest_at_the_log_odds(calibration):
    """The scores that it prefers, less their offset, are the log-odds of the next id."""
    share = np.array([0.5, 0.3, 0.15, 0.05])
    balance = Balance.of(4, 2, calibration)
    best = np.log(share / (1 - share)) + balance.offset

    def loss(scores):
        # Each wrong id is a negative with a weight of 1 in all, as many draws give it.
        right, wrong = np.logaddexp(0, -scores), np.logaddexp(0, scores)
        return (share * balance.beta * right + (1 - share) * balance.alpha * wrong).sum()

    for step in (-0.05, 0.05):
        for i in range(4):
            assert loss(best + step * np.eye(4)[i]) > loss(best)
    assert_allclose(np.exp(log_odds_to_log_probability(best - balance.offset)), share)


def test_the_power_of_the_right_id():
    # As in the paper: t = 0 is binary cross-entropy, t = 1 has the power alpha.
    assert Balance.of(101, 25, 0.0).beta == 1
    assert Balance.of(101, 25, 1.0).beta == Balance.of(101, 25, 1.0).alpha == 0.25
    assert Balance.of(101, 25, 1.0).offset == 0
    # No more than all ids are negatives.
    assert Balance.of(101, 500, 0.5) == Balance.of(101, None, 0.5)


def test_extreme_scores_have_finite_probabilities():
    assert_allclose(log_odds_to_log_probability(np.array([-800.0, 0, 800])), [-800, -np.log(2), 0])


# -------------------------------------------------------------- the estimator


def ring(n, seed):
    """Walks around a ring of eight ids, from which one event in five jumps."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(n):
        walk = [int(rng.integers(8))]
        while len(walk) < 8:
            jumps = rng.random() < 0.2
            walk.append(int(rng.integers(8)) if jumps else (walk[-1] + 1) % 8)
        rows.append([f"p{i}" for i in walk])
    return rows


@pytest.mark.steps("traced")
@pytest.mark.parametrize(
    "options",
    [
        {"loss": "gbce", "n_negatives": 4, "gbce_t": 0.5},
        {"negatives": "batch", "temperature": 0.3, "tied": True},
    ],
    ids=str,
)
def test_probabilities_are_those_of_the_walks(options):
    """The next id of the ring has 0.8 + 0.2 / 8, every other 0.2 / 8."""
    model = NextBehaviorPredictor(
        units=8,
        network="bag",
        epochs=25,
        learning_rate=0.02,
        dropout=0.0,
        counting=None,
        validation_split=0.0,
        average_weights=False,  # of so few steps it would lag behind
        random_state=0,
        **options,
    ).fit(ring(300, 0))
    proba = model.predict_proba([[f"p{i}"] for i in range(8)])
    truth = np.roll(np.eye(8), 1, axis=1) * 0.8 + 0.2 / 8
    assert np.abs(proba - truth).mean() < 0.03
    assert np.abs(np.diag(np.roll(proba, -1, axis=1)).mean() - 0.825) < 0.06


def test_every_option_changes_the_fit():
    X, fits = ring(30, 1), {}
    for options in (
        {},
        {"embedding_dropout": 0.3},
        {"label_smoothing": 0.3},
        {"temperature": 0.5},
        {"negatives": "uniform", "n_negatives": 5},
        {"negatives": "popularity", "n_negatives": 5},
        {"negatives": "batch", "n_negatives": 5},
        {"negatives": "batch"},
        {"loss": "gbce", "n_negatives": 3},
        {"loss": "gbce", "n_negatives": 3, "gbce_t": 0.1},
        {"loss": "gbce", "n_negatives": 3, "label_smoothing": 0.3},
    ):
        model = NextBehaviorPredictor(**BAG | {"epochs": 1}, **options).fit(X)
        proba = model.predict_proba(X[:2])
        assert_allclose(proba.sum(axis=1), 1)
        fits[str(options)] = proba.ravel().round(7).tolist()
    assert len(set(map(tuple, fits.values()))) == len(fits)


def test_options_work_together():
    """Several channels, weights, next events, counts, a ranking to stop by, and all rows again."""
    walks = ring(40, 0)
    X = pd.DataFrame({"page": walks, "device": [["x", "y"] * 4] * 40, "price": [[1.5] * 8] * 40})
    for options in ({"loss": "gbce", "n_negatives": 3}, {"negatives": "batch", "tied": True}):
        model = NextBehaviorPredictor(
            "page",
            **BAG | {"counting": [MarkovChain()], "validation_split": 0.3},
            **options,
            monitor="ndcg@3",
            refit=True,
            temperature=0.3,
            label_smoothing=0.1,
        )
        weights = np.repeat([1.0, 0.0], 20)
        model.fit(X, [walk[0] for walk in walks], sample_weight=weights)
        assert_allclose(model.predict_proba(X[:2]).sum(axis=1), 1)
        assert list(model.mixture_weights_) == ["network", "markovchain"]


@pytest.mark.parametrize("form", ["softmax", "gbce"])
@pytest.mark.parametrize("how", ["log-uniform", 0.5, "batch"])
def test_a_step_changes_only_the_vectors_of_its_batch(form, how):
    """So that its cost does not grow with the number of ids."""
    import tensorflow as tf

    from skbseq._training._event_losses import (
        Codes,
        binary_cross_entropy,
        sampled_scores,
        sampled_softmax,
    )

    rng = np.random.default_rng(0)
    table = tf.Variable(rng.normal(size=(N_CODES, 3)).astype(np.float32))
    bias = tf.Variable(np.zeros(N_CODES, np.float32))
    query, codes = tf.constant(np.float32(rng.normal(size=(4, 3)))), tf.constant([2, 3, 4, 5])
    with tf.GradientTape() as tape:
        of = Codes(table.value(), bias.value(), unit=True)
        rows, drawn = tf.range(4), draws(how, 6, rng, n_events=9)
        right, wrong, log_draws = sampled_scores(query, codes, rows, of, drawn, in_batch=True)
        if form == "softmax":
            loss = sampled_softmax(right, wrong, log_draws, (0.1, N_IDS))
        else:
            parts = right, wrong, tf.exp(-log_draws), Balance.of(N_IDS, 6, 0.5)
            loss = binary_cross_entropy(*parts, (0.1, N_IDS))
    for slope in tape.gradient(loss, [table, bias]):
        assert isinstance(slope, tf.IndexedSlices)
        assert set(slope.indices.numpy()) <= {2, 3, 4, 5, *drawn["codes"].tolist()}


def test_names_of_samplers():
    def sampler(negatives, loss="softmax"):
        return NextBehaviorPredictor(negatives=negatives, loss=loss)._sampler()

    assert [sampler(0.5), sampler("uniform"), sampler("popularity")] == [0.5, 0.0, 1.0]
    assert [sampler("auto"), sampler("batch")] == ["log-uniform", "batch"]
    assert sampler("auto", "gbce") == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "bpr"}, "'loss' parameter .* must be a str among"),
        ({"gbce_t": 1.1}, "'gbce_t' parameter .* must be a float in the range"),
        ({"negatives": "hard"}, "'negatives' parameter"),
        ({"negatives": 2.0}, "'negatives' parameter"),
        ({"label_smoothing": 1.0}, "'label_smoothing' parameter"),
        ({"temperature": 0.0}, "'temperature' parameter"),
        ({"embedding_dropout": -0.1}, "'embedding_dropout' parameter"),
        ({"warm_start": "yes"}, "'warm_start' parameter"),
        (
            {"negatives": "uniform", "n_negatives": None},
            "negatives='uniform' would change nothing, because n_negatives=None",
        ),
    ],
    ids=str,
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        NextBehaviorPredictor(**BAG, **options).fit([["a", "b"]] * 3)


def test_explanations_are_of_the_probabilities():
    X = pd.DataFrame({"page": ring(20, 0)})
    options = {"loss": "gbce", "n_negatives": 3, "gbce_t": 0.2, "temperature": 0.5}
    model = NextBehaviorPredictor(**BAG, **options).fit(X)
    found = explain_events(model, X[:3], method="gradients", target="p1", background=X)
    share = model.predict_proba(X[:3])[:, 1]
    assert_allclose(found.values, np.log(share / (1 - share)), atol=1e-4)


@pytest.mark.parametrize("loss", ["softmax", "gbce"])
def test_a_file_gives_the_same_probabilities(tmp_path, loss):
    X = ring(30, 0)
    options = {"loss": loss, "n_negatives": 3, "temperature": 0.2, "tied": True}
    model = NextBehaviorPredictor(**BAG, **options).fit(X)
    save(model, tmp_path / "model.skbseq")
    other = load(tmp_path / "model.skbseq")
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    # What was fitted counts, and not what was set since.
    changed = other.set_params(loss="softmax", temperature=None).predict_proba(X)
    assert_array_equal(changed, model.predict_proba(X))


# -------------------------------------------------------------- fits that continue, or end early


def test_warm_start_continues_from_weights_and_optimizer(tmp_path):
    X = ring(20, 0)
    warm = NextBehaviorPredictor(**BAG | {"validation_split": 0.0}, warm_start=True).fit(X)
    first, state = warm.history_["loss"], warm._sequence_model.optimizer_state
    assert state["values"][0] > 0  # steps
    save(warm, tmp_path / "warm.skbseq")
    assert warm.fit(X).history_["loss"][-1] < first[-1]
    assert_array_equal(load(tmp_path / "warm.skbseq").fit(X).weights_[0], warm.weights_[0])
    again = clone(warm).set_params(warm_start=False).fit(X)
    assert again.history_["loss"] == first
    assert again._sequence_model.optimizer_state is None


def test_warm_start_keeps_the_ids_and_reports_new_ones():
    X, new = [["a", "b", "c"]] * 12, [["a", "z"], ["b", "z", "a"]] * 6
    model = NextBehaviorPredictor(**BAG | {"counting": [MarkovChain()]}, warm_start=True).fit(X)
    with pytest.warns(UserWarning, match="12 events of 'x0' have ids, such as 'z', that the fi"):
        model.fit(new)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.class_count_.tolist() == [12, 6, 0]
    assert_allclose(model.predict_proba(new).sum(axis=1), 1)
    assert model.sample_paths(new[:1], 3, random_state=0)["x0"][0][0] in "abc"
    with pytest.warns(UserWarning, match="have ids"):
        assert clone(model).fit(X).fit(new).class_count_.tolist() == [12, 6, 0]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"units": 5}, "units was changed since the last fit"),
        ({"tied": True}, r"tied was changed since the last fit \(False then, True now\)"),
        ({"bypass": False}, r"bypass was changed since the last fit \(True then, False now\)"),
        ({"target": "other"}, r"target was changed .* \('page' then, 'other' now\)"),
        ({"encoder": SequenceEncoder()}, "encoder was changed since the last fit"),
    ],
    ids=str,
)
def test_warm_start_refuses_another_network(started, changed, message):
    model, X = started
    before = model.get_params()
    try:
        with pytest.raises(ValueError, match=message):
            model.set_params(**changed).fit(X)
    finally:
        model.set_params(**before)


@pytest.fixture(scope="module")
def started():
    X = pd.DataFrame({"page": [["a", "b"]] * 6, "other": [["c", "d"]] * 6})
    return NextBehaviorPredictor("page", **BAG, warm_start=True).fit(X), X


@pytest.fixture(scope="module")
def embedder(started):
    options = {"network": "bag", "units": 4, "embedding_dim": 3, "epochs": 1, "random_state": 0}
    return BehaviorEmbedder(**options).fit(started[1])


@pytest.mark.parametrize("tied", [False, True])
def test_a_predictor_begins_with_the_weights_of_an_embedder(started, embedder, frame_lib, tied):
    X = pa.table({name: pa.array(started[1][name].iloc[:3]) for name in ("page", "other")})
    frozen = FrozenEstimator(embedder)
    options = BAG | {"validation_split": 0.0, "epochs": 1, "tied": tied, "init": frozen}
    model = clone(NextBehaviorPredictor("page", **options, freeze="network"))
    model.fit(frame_lib.make(X))
    below = embedder._sequence_model.weights_below_heads()
    assert len(below) >= 2
    for name, weight in below.items():
        assert_array_equal(model._sequence_model.weight(name), weight)
    assert model.classes_.tolist() == ["a", "b"]
    assert_allclose(model.predict_proba(frame_lib.make(X)).sum(axis=1), 1)
    free = clone(model).set_params(freeze=None, warm_start=True).fit(X).fit(X)
    name = "embedding_0/embeddings"
    moved = np.abs(free._sequence_model.weight(name) - below[name]).max()
    assert 0 < moved < 0.1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"encoder": SequenceEncoder()}, "with init the encoder of its embedder is used"),
        ({"units": 5}, "units differs from that of the embedder of init"),
        ({"target": "third"}, "'third' is not a list column"),
        ({"init": None, "freeze": "network"}, "leaves layers at their initial weights"),
    ],
    ids=str,
)
def test_an_embedder_that_does_not_fit_is_refused(started, embedder, changed, message):
    options = BAG | {"target": "page", "init": embedder} | changed
    with pytest.raises(ValueError, match=message):
        NextBehaviorPredictor(**options).fit(started[1])


def test_another_loss_may_continue(started):
    model, X = started
    options = {"loss": "gbce", "negatives": "batch", "temperature": 0.5}
    other = copy.deepcopy(model).set_params(**options).fit(X)
    assert_allclose(other.predict_proba(X).sum(axis=1), 1)


def test_the_last_epoch_is_reported_if_it_was_the_best():
    model = NextBehaviorPredictor(**BAG)
    model._sequence_model = SequenceModel(None, history={})

    def warned(values, monitor="loss", **options):
        model.set_params(**{"early_stopping": True, "epochs": 6, "monitor": monitor} | options)
        model._sequence_model.history.clear()
        model._sequence_model.history.update({f"val_{monitor}": values} if values else {})
        model._sequence_model = replace(model._sequence_model, weights=[])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model._warn_of_last_epoch()
        assert all(issubclass(one.category, ConvergenceWarning) for one in caught)
        return [str(one.message) for one in caught]

    falling = [2.0, 1.9, 1.8, 1.7, 1.6, 1.5]
    assert "The last of 6 epochs had the best val_loss" in warned(falling)[0]
    assert warned(falling, "ndcg@10") == []
    assert "best val_recall@5" in warned([0.1, 0.2, 0.1, 0.1, 0.2, 0.3], "recall@5")[0]
    assert warned([*falling[:4], 1.5, 1.6]) == []  # a better epoch came before
    assert warned([*falling[:5], 1.595]) == []  # hardly better
    assert warned(falling[:5]) == []  # stopped before the limit
    assert warned(falling, early_stopping=False) == []
    assert warned(falling, early_stopping=6) == []  # it could not have stopped
    assert warned([]) == []  # nothing was held out


@pytest.mark.filterwarnings("error")
def test_a_fit_warns_of_its_last_epoch():
    X = ring(40, 0)
    options = BAG | {"epochs": 3, "early_stopping": 2, "validation_split": 0.3}
    with pytest.warns(ConvergenceWarning, match="The last of 3 epochs"):
        NextBehaviorPredictor(**options, learning_rate=0.02).fit(X)
    NextBehaviorPredictor(**options | {"early_stopping": 3}, learning_rate=0.02).fit(X)


# -------------------------------------------------------------- tied vectors


def test_tied_queries_are_scaled_only_for_few_ids(monkeypatch):
    """And a model that was scaled, as those of earlier versions, stays so."""
    X, queries = ring(10, 0), {}
    for many in (2, 1_000):
        monkeypatch.setattr(_predictor, "_MANY_TO_SPREAD", many)
        model = NextBehaviorPredictor(**BAG, tied=True, warm_start=True).fit(X)
        assert model.spec_.head.scaled == (many == 1_000)
        head = replace(model.spec_.head, scaled=not model.spec_.head.scaled)
        data = model._sequences(X[:1])
        queries[many] = model._outputs_of(data)
        spec = replace(model.spec_, head=head)
        model._sequence_model = replace(model._sequence_model, spec=spec)
        ratio = model._outputs_of(data) / queries[many]
        size = model.spec_.embedding_dims[0]
        assert_allclose(ratio, size**0.5 if many == 1_000 else size**-0.5, rtol=1e-4)
        assert model.fit(X).spec_.head.scaled == head.scaled
