"""Ranks, metrics, the truth held out, and the scorer."""

import itertools
import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline

from skbseq import MarkovChain, MostFrequent, SequenceImputer, SequenceVectorizer
from skbseq.exceptions import SequenceFrameError
from skbseq.metrics import (
    hold_out_last,
    mrr_at_k,
    ndcg_at_k,
    ranking_scorer,
    recall_at_k,
    true_ranks,
)

METRICS = {"recall": recall_at_k, "mrr": mrr_at_k, "ndcg": ndcg_at_k}
GAINS = {
    "recall": lambda rank: 1.0,
    "mrr": lambda rank: 1 / rank,
    "ndcg": lambda rank: 1 / np.log2(1 + rank),
}
metric_names = pytest.mark.parametrize("name", METRICS)


# ----------------------------------------------------------------------- ranks


def mean_over_orders(scores, true, k, gain):
    """The gain of one row by every order of its items that its scores allow."""
    gains = []
    for order in itertools.permutations(range(len(scores))):
        if any(scores[a] < scores[b] for a, b in itertools.pairwise(order)):
            continue
        rank = 1 + order.index(true)
        gains.append(gain(rank) if rank <= k else 0.0)
    return np.mean(gains)


rows = st.lists(st.integers(0, 2), min_size=1, max_size=5)


@metric_names
@given(scores=rows, true=st.integers(-1, 4), k=st.integers(1, 7))
def test_ties_count_by_the_mean_over_all_orders(name, scores, true, k):
    true = min(true, len(scores) - 1)
    expected = 0.0 if true < 0 else mean_over_orders(scores, true, k, GAINS[name])
    ranks = true_ranks([scores], [true])
    assert METRICS[name](ranks, k=k) == pytest.approx(expected, abs=1e-12)


@metric_names
@given(ranks=st.lists(st.sampled_from([1, 2, 3, 7, float("inf")]), min_size=1, max_size=8))
def test_metrics_of_ranks(name, ranks):
    gains = [GAINS[name](rank) if rank <= 3 else 0.0 for rank in ranks]
    assert METRICS[name](ranks, k=3) == pytest.approx(np.mean(gains))
    assert METRICS[name](np.stack([ranks, ranks], axis=1), k=3) == METRICS[name](ranks, k=3)


def test_numbers_by_hand():
    ranks = [1, 2, 3, 21, np.inf]
    assert recall_at_k(ranks) == pytest.approx(3 / 5)
    assert mrr_at_k(ranks) == pytest.approx((1 + 1 / 2 + 1 / 3) / 5)
    assert ndcg_at_k(ranks) == pytest.approx((1 + 1 / np.log2(3) + 1 / 2) / 5)


def test_what_scores_all_alike_gains_what_chance_does():
    ranks = true_ranks(np.zeros((7, 100)), np.arange(7))
    assert recall_at_k(ranks, k=20) == pytest.approx(0.2)


def test_infinite_scores_have_ranks():
    scores = [[np.inf, 0, -np.inf], [-np.inf, -np.inf, -np.inf]]
    np.testing.assert_array_equal(true_ranks(scores, [2, 0]), [[3, 3], [1, 3]])


@pytest.mark.parametrize(
    ("scores", "index", "message"),
    [
        ([0.1, 0.2], [0], r"of shape \(n_samples, n_items\) .* got \(2,\) and \(1,\)"),
        ([[0.1, 0.2]], [0, 1], r"got \(1, 2\) and \(2,\)"),
        ([[0.1, 0.2], [0.1, 0.2]], [0, 2], r"Row 1 of true_index is 2; there are 2 items"),
        ([[0.1, 0.2]], [-2], r"Row 0 of true_index is -2"),
        ([[0.1, 0.2]], [0.5], r"must hold integers; got float64"),
        ([[0.1, 0.2], [0.3, np.nan]], [0, 0], r"Row 1 of scores holds NaN"),
    ],
)
def test_wrong_scores(scores, index, message):
    with pytest.raises(ValueError, match=message):
        true_ranks(scores, index)


@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        ([], "no row to score"),
        (np.zeros((0, 2)), "no row to score"),
        ([1, 0], r"Row 1 of ranks is 0.0; ranks begin at 1"),
        ([[1, 2], [3, 2]], r"Row 1 of ranks is \[3.0, 2.0\]"),
        ([np.nan], "Row 0 of ranks is nan"),
        ([[1, np.inf]], "Row 0"),
        (np.ones((2, 3)), r"got \(2, 3\)"),
    ],
)
@metric_names
def test_wrong_ranks(name, ranks, message):
    with pytest.raises(ValueError, match=message):
        METRICS[name](ranks)


@metric_names
@pytest.mark.parametrize("k", [0, -1, 2.5, True, "3"])
def test_wrong_k(name, k):
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        METRICS[name]([1], k=k)


# ------------------------------------------------------------------- the truth


def test_the_last_event_is_held_out(frame_lib):
    X = frame_lib.make(
        {
            "user": [1, 2, 3],
            "page": [["a", "b", "a"], [], ["c"]],
            "price": [[1.0, 2.0, 3.0], [], [None]],
        }
    )
    before, truth = hold_out_last(X, target="page")
    assert frame_lib.to_pylist(before) == [
        {"user": 1, "page": ["a", "b"], "price": [1.0, 2.0]},
        {"user": 3, "page": [], "price": []},
    ]
    assert truth.tolist() == ["a", "c"]


def test_a_frame_of_lists_alone(frame_lib):
    before, truth = hold_out_last(frame_lib.make({"page": [["a", "b"], [], ["c"]]}))
    assert frame_lib.to_pylist(before) == [{"page": ["a"]}, {"page": []}]
    assert truth.tolist() == ["b", "c"]


def test_the_index_is_kept():
    X = pd.DataFrame({"page": [[1], [], [2, 3]], "n": 1}, index=["x", "y", "z"])
    before, truth = hold_out_last(X)
    assert before.index.tolist() == ["x", "z"]
    assert truth.tolist() == [1, 3]


def test_of_a_missing_last_value_the_one_before_is_held_out():
    X = pa.table({"page": [["a", None, "b", None, None], [None]], "n": [[1.0, 2, 3, 4, 5], [6.0]]})
    before, truth = hold_out_last(X)
    assert before.to_pylist() == [{"page": ["a", None], "n": [1.0, 2.0]}]
    assert truth.tolist() == ["b"]


@pytest.mark.parametrize(
    "wrap", [list, lambda X: np.array(X, dtype=object)], ids=["list", "array"]
)
def test_lists_become_a_table(wrap):
    before, truth = hold_out_last(wrap([["a", "b"], [], ["c", "d", "e"]]))
    assert [list(row) for row in before["x0"]] == [["a"], ["c", "d"]]
    assert truth.tolist() == ["b", "e"]


def test_vectors_of_events_are_cut_too():
    X = pa.table({"page": [[1, 2], [3]], "vector": [[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6]]]})
    before, _ = hold_out_last(X)
    assert before["vector"].to_pylist() == [[[0.1, 0.2]], []]


@given(
    histories=st.lists(st.lists(st.sampled_from(["a", "b", None]), max_size=4), min_size=1),
)
def test_what_is_left_and_what_is_taken_make_the_history(histories):
    known = [h for h in histories if any(v is not None for v in h)]
    if not known:
        with pytest.raises(ValueError, match="No history in 'x0' holds an event"):
            hold_out_last(pa.table({"x0": pa.array(histories, pa.list_(pa.string()))}))
        return
    before, truth = hold_out_last(pa.table({"x0": pa.array(histories, pa.list_(pa.string()))}))
    for history, left, last in zip(known, before["x0"].to_pylist(), truth, strict=True):
        assert history[: len(left) + 1] == [*left, last]
        assert all(value is None for value in history[len(left) + 1 :])


@pytest.mark.parametrize(
    ("X", "target", "message"),
    [
        (
            pa.table({"a": [["x"]], "b": [[1]]}),
            None,
            r"More than one .* 'a' \(string\), 'b' \(int",
        ),
        (pa.table({"a": [[0.5]]}), None, r"None of the list columns .* 'a' \(float\). Name it"),
        (
            pa.table({"a": [["x"]]}),
            "z",
            r"The target 'z' is not a list column\. The list columns are",
        ),
        (pa.table({"a": [["x"]], "z": [1]}), "z", r"It is an ordinary column\."),
        (pa.table({"a": [[0.5]]}), "a", r"'a' holds float values; ids are strings, integers"),
        (np.ones((3, 2)), None, r"Expected a sequence frame, .* got ndarray"),
    ],
)
def test_a_target_that_is_not_there(X, target, message):
    with pytest.raises(SequenceFrameError, match=message):
        hold_out_last(X, target)


# ------------------------------------------------------------------ the scorer


@pytest.fixture
def sessions(rng):
    """Sessions of a walk through ten pages, now and then back."""
    steps = [rng.choice([1, 1, 1, 2, -1], rng.integers(2, 9)) for _ in range(120)]
    return pd.DataFrame({"page": [list(map(int, np.cumsum(s) % 10)) for s in steps]})


def test_the_scorer_gives_all_metrics_by_name(sessions):
    model = MarkovChain().fit(sessions)
    X, y = hold_out_last(sessions)
    index = np.searchsorted(model.classes_, y)
    ranks = true_ranks(model.predict_proba(X), index)
    expected = {f"{name}@2": metric(ranks, k=2) for name, metric in METRICS.items()}
    scorer = ranking_scorer(k=2)
    assert scorer(model, sessions) == scorer(model, X, y) == pytest.approx(expected)
    assert 0 < expected["recall@2"] < 1
    assert list(ranking_scorer(k=5, metrics=["mrr"])(model, sessions)) == ["mrr@5"]


def test_an_unknown_truth_is_missed_and_not_dropped():
    model = MostFrequent().fit([["a", "b"], ["a"]])
    scorer = ranking_scorer(k=2, metrics="recall")
    assert scorer(model, [["a"], ["b"]], ["a", "z"]) == {"recall@2": 0.5}


def test_the_scorer_is_pickled_and_says_what_it_is():
    scorer = pickle.loads(pickle.dumps(ranking_scorer(k=7, metrics=("mrr",))))
    assert repr(scorer) == "ranking_scorer(k=7, metrics=('mrr',))"
    assert scorer(MostFrequent().fit([["a"]]), [["a"]]) == {"mrr@7": 1.0}


def test_cross_validation_and_search(sessions):
    folds = KFold(3)
    result = cross_validate(
        MarkovChain(), sessions, cv=folds, scoring=ranking_scorer(k=3), error_score="raise"
    )
    train, test = next(folds.split(sessions))
    one = ranking_scorer(k=3)(MarkovChain().fit(sessions.iloc[train]), sessions.iloc[test])
    assert {name: result[f"test_{name}"][0] for name in one} == one
    search = GridSearchCV(
        make_pipeline(SequenceImputer("most_frequent"), MarkovChain()),
        {"markovchain__order": [1, 2]},
        cv=folds,
        scoring=ranking_scorer(k=3),
        refit="recall@3",
        error_score="raise",
    ).fit(sessions)
    assert search.cv_results_["mean_test_recall@3"].max() == search.best_score_
    whole = ranking_scorer(k=3)(search, sessions)
    assert whole == ranking_scorer(k=3)(search.best_estimator_, sessions)


class Spy(LogisticRegression):
    """Remembers how many rows it was asked for at a time."""

    def predict_proba(self, X):
        self.asked_ = [*getattr(self, "asked_", []), X.shape[0]]
        return super().predict_proba(X)


def test_any_classifier_is_scored_once_and_some_rows_at_a_time(sessions, frame_lib, monkeypatch):
    X, y = hold_out_last(frame_lib.make({"page": sessions["page"].tolist()}))
    model = make_pipeline(SequenceVectorizer(["counts"]), Spy(max_iter=1000)).fit(X, y)
    monkeypatch.setattr("skbseq._targets._CELLS", 25 * len(model.classes_))
    scores = ranking_scorer(k=2)(model, X, y)
    assert model[-1].asked_ == [25, 25, 25, 25, 20]
    ranks = true_ranks(model.predict_proba(X), np.searchsorted(model.classes_, y))
    assert scores == pytest.approx({f"{n}@2": metric(ranks, k=2) for n, metric in METRICS.items()})


def test_our_models_are_scored_some_rows_at_a_time(sessions, monkeypatch):
    model = MarkovChain(order=2).fit(sessions)
    whole = ranking_scorer()(model, sessions)
    asked = []
    scores_of = MarkovChain._scores
    monkeypatch.setattr("skbseq._targets._CELLS", 70)
    monkeypatch.setattr(
        MarkovChain, "_scores", lambda self, h: asked.append(len(h)) or scores_of(self, h)
    )
    assert ranking_scorer()(model, sessions) == whole
    assert sum(asked) == len(sessions)
    assert max(asked) == 7


@pytest.mark.parametrize("metrics", ["precision", ["recall", "auc"], []])
def test_unknown_metrics(metrics):
    with pytest.raises(ValueError, match="metrics must name some of 'recall', 'mrr', 'ndcg'; got"):
        ranking_scorer(metrics=metrics)


def test_wrong_k_of_the_scorer():
    with pytest.raises(ValueError, match="k must be an integer of at least 1; got 0"):
        ranking_scorer(k=0)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", None], "Row 1 of y is missing"),
        (["a"], "X has 2 rows and y 1 values"),
        ([1, 2], "y holds integer values, unlike the ids seen at fit, such as 'a'"),
        ([0.5, 1.0], "Row 0 of y holds 0.5; ids are strings"),
        ([["a"], ["b"]], "y holds list values"),
        ("ab", "y must have one dimension, .* got str"),
        (np.array([["a"], ["b"]]), r"got ndarray of shape \(2, 1\)"),
    ],
)
def test_a_wrong_truth(y, message):
    model = MostFrequent().fit([["a", "b"], ["a"]])
    with pytest.raises(ValueError, match=message):
        ranking_scorer()(model, [["a"], ["b"]], y)


# ------------------------------------------------------------------- without what was seen


def test_seen_ids_are_left_out_of_the_ranks():
    X = [["a", "b", "c"], ["a", "b"], ["b", "c"], ["c", "d"], ["b", "a"], []]
    y = ["d", "c", "b", "a", "c", "a"]
    model = MarkovChain(order=2).fit(X)
    ranks = model.true_ranks(X, y, exclude_seen=True)
    for history, true, (first, last), shares in zip(
        X, y, ranks, model.predict_proba(X), strict=True
    ):
        left = {i: p for i, p in zip(model.classes_, shares, strict=True) if i not in history}
        if true not in left:
            assert first == last == np.inf
            continue
        assert first == 1 + sum(p > left[true] for p in left.values())
        assert last == sum(p >= left[true] for p in left.values())
    found = ranking_scorer(k=2, exclude_seen=True)(model, X, y)
    assert found == {
        "recall@2": recall_at_k(ranks, 2),
        "mrr@2": mrr_at_k(ranks, 2),
        "ndcg@2": ndcg_at_k(ranks, 2),
    }
    assert found["mrr@2"] != ranking_scorer(k=2)(model, X, y)["mrr@2"]


def test_ranks_without_seen_ids_agree_with_lists(sessions):
    model = MarkovChain().fit(sessions)
    before, truth = hold_out_last(sessions)
    lists = model.predict_top_k(before, k=2, exclude_seen=True)[model.target_]
    hits = [t in list(ids) for t, ids in zip(truth, lists, strict=True)]
    scorer = ranking_scorer(k=2, metrics="recall", exclude_seen=True)
    # Ties are ordered in lists, and count by their mean in the scorer.
    assert scorer(model, sessions)["recall@2"] == pytest.approx(np.mean(hits), abs=0.2)
    assert repr(scorer) == "ranking_scorer(k=2, metrics=('recall',), exclude_seen=True)"
    assert scorer(model, sessions) == pickle.loads(pickle.dumps(scorer))(model, sessions)


def test_seen_ids_are_known_to_models_of_the_next_event_alone():
    classifier = LogisticRegression().fit([[0], [1]], ["a", "b"])
    with pytest.raises(TypeError, match="exclude_seen=True needs a model of the next event"):
        ranking_scorer(exclude_seen=True)(classifier, [["a"], ["b"]], ["a", "b"])
    with pytest.raises(ValueError, match="exclude_seen must be"):
        ranking_scorer(exclude_seen="yes")
