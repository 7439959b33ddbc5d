"""Baselines of the next event against slow plain ones, and what all of them must do."""

import itertools
import math
import pickle
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

from skbseq import (
    HistoryFrequency,
    ItemCooccurrence,
    LastEvent,
    MarkovChain,
    MostFrequent,
    SequenceImputer,
    load,
    save,
)
from skbseq._next_event import _cooccurrence
from skbseq._next_event._markov_chain import discounts
from skbseq.exceptions import SequenceFrameError
from skbseq.metrics import hold_out_last, true_ranks

MODELS = [
    MostFrequent(),
    LastEvent(),
    MarkovChain(),
    MarkovChain(order=3),
    MarkovChain(order=2, smoothing="witten-bell"),
    HistoryFrequency(decay=0.8, smoothing=0.3),
    ItemCooccurrence(decay=0.6, indirect=0.7),
    ItemCooccurrence(
        window=2, distance_decay=1.0, backward=0.0, normalization=[0, 1], decay=0.3, indirect=0
    ),
    ItemCooccurrence(window=None, normalization="cosine", decay=0.5, indirect=0),
    ItemCooccurrence(
        window=None, normalization="conditional", n_last=2, decay=1, indirect=2, smoothing=0.2
    ),
]
each_model = pytest.mark.parametrize("model", MODELS, ids=str)
ids = st.sampled_from("abcd")
logs = st.lists(st.lists(ids, max_size=7), min_size=1, max_size=8).filter(any)
asked = st.lists(st.lists(st.sampled_from("abcdz"), max_size=7), min_size=1, max_size=5)


def frame(histories):
    return pa.table({"page": pa.array(histories, pa.list_(pa.string()))})


# ------------------------------------------------------------ plain references


def plain_popularity(log):
    counts = Counter(event for history in log for event in history)
    return {event: counts[event] / sum(counts.values()) for event in sorted(counts)}


def plain_most_frequent(model, log, history):
    return plain_popularity(log)


def plain_last_event(model, log, history):
    shares = plain_popularity(log)
    distinct = list(dict.fromkeys(e for e in reversed(history) if e in shares))
    d = len(distinct)
    weight = {event: 2 * (d + 1 - r) for r, event in enumerate(distinct, 1)}
    return {e: (weight.get(e, 0) + share) / (1 + d * (d + 1)) for e, share in shares.items()}


def plain_markov(model, log, history):
    result = plain_popularity(log)
    history = [event for event in history if event in result]
    for length in range(1, model.order + 1):
        followed = defaultdict(Counter)
        for past in log:
            for t in range(length, len(past)):
                followed[tuple(past[t - length : t])][past[t]] += 1
        counts = followed.get(tuple(history[-length:])) if len(history) >= length else None
        if counts is None:
            break
        total, kinds = sum(counts.values()), len(counts)
        if model.smoothing == "witten-bell":
            result = {e: (counts[e] + kinds * p) / (total + kinds) for e, p in result.items()}
        else:
            taken = plain_discounts([c for f in followed.values() for c in f.values()])
            off = {e: taken[min(counts[e], 3)] for e in result}
            back = sum(off.values())
            result = {e: (counts[e] - off[e] + back * p) / total for e, p in result.items()}
    return result


def plain_discounts(counts):
    n1, n2, n3, n4 = (counts.count(times) for times in (1, 2, 3, 4))
    if not n1 * n2 * n3 * n4:
        return [0] + 3 * [(n1 + 1) / (n1 + 2 * n2 + 2)]
    share = n1 / (n1 + 2 * n2)
    taken = [1 - 2 * share * n2 / n1, 2 - 3 * share * n3 / n2, 3 - 4 * share * n4 / n3]
    return [0] + [min(max(t, 0.1), most) for t, most in zip(taken, (0.9, 1.5, 1.5), strict=True)]


def plain_common(model, log, voter, event):
    if event == voter:
        return sum(past.count(event) >= 2 for past in log)
    return sum(event in past and voter in past for past in log)


def plain_pairs(model, log, voter, event):
    total = 0.0
    for past in log:
        for t, earlier in enumerate(past):
            for d, later in enumerate(past[t + 1 : t + 1 + model.window]):
                ahead = (earlier, later) == (voter, event)
                behind = (later, earlier) == (voter, event)
                total += model.distance_decay**d * (ahead + model.backward * behind)
    return total


def plain_similarity(model, log):
    by_history = model.window is None
    count = plain_common if by_history else plain_pairs
    popular = Counter(e for past in log for e in (set(past) if by_history else past))
    names = {"cosine": (0.5, 0.5), "conditional": (1, 0)}
    a, b = names.get(model.normalization if by_history else None, model.normalization)

    def votes(voter, event):
        return count(model, log, voter, event) / (popular[voter] ** a * popular[event] ** b)

    return {pair: votes(*pair) for pair in itertools.product(popular, repeat=2)}


def as_shares(votes):
    total = sum(votes.values())
    return {e: v / total if total else 0.0 for e, v in votes.items()}


def plain_cooccurrence(model, log, history):
    shares = plain_popularity(log)
    history = [event for event in history if event in shares]
    if model.n_last is not None:
        history = history[-model.n_last :]
    similarity = plain_similarity(model, log)
    weights = {v: model.decay**r for r, v in enumerate(dict.fromkeys(reversed(history)))}
    direct = as_shares({e: sum(w * similarity[v, e] for v, w in weights.items()) for e in shares})
    # No test log has more than ten ids, so all of them are passed on.
    on = {v: as_shares({e: similarity[v, e] for e in shares}) for v in shares}
    first = {e: sum(w * on[v][e] for v, w in weights.items()) for e in shares}
    second = as_shares({e: sum(first[v] * on[v][e] for v in shares) for e in shares})
    s, i = model.smoothing, model.indirect
    raw = {e: (1 - s) * (direct[e] + i * second[e]) / (1 + i) + s * p for e, p in shares.items()}
    return {e: p / sum(raw.values()) for e, p in raw.items()}


def plain_history_frequency(model, log, history):
    shares = plain_popularity(log)
    known = [event for event in history if event in shares]
    weights = [model.decay**r for r in range(len(known))]
    total = sum(weights)
    raw = Counter()
    for event, weight in zip(reversed(known), weights, strict=True):
        raw[event] += weight / total
    own, s = raw if known else shares, model.smoothing
    return {e: (1 - s) * own[e] + s * share for e, share in shares.items()}


PLAIN = {
    HistoryFrequency: plain_history_frequency,
    MostFrequent: plain_most_frequent,
    LastEvent: plain_last_event,
    MarkovChain: plain_markov,
    ItemCooccurrence: plain_cooccurrence,
}


@each_model
@given(log=logs, histories=asked)
def test_probabilities_are_those_of_the_plain_model(model, log, histories):
    model = clone(model).fit(frame(log))
    expected = [PLAIN[type(model)](model, log, history) for history in histories]
    assert model.classes_.tolist() == list(expected[0])
    found = model.predict_proba(frame(histories))
    np.testing.assert_allclose(found, [list(row.values()) for row in expected], rtol=1e-9)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found > 0).all()


@given(log=logs, k=st.integers(1, 4), histories=asked, exclude_seen=st.booleans(), data=st.data())
@each_model
def test_lists_are_those_of_the_plain_order(model, log, k, histories, exclude_seen, data):
    model = clone(model).fit(frame(log))
    candidates = data.draw(st.lists(st.sampled_from(model.classes_.tolist()), min_size=1))
    k = min(k, len(set(candidates)))
    table = model.predict_top_k(
        frame(histories), k=k, exclude_seen=exclude_seen, candidates=candidates
    )
    scores = model.predict_proba(frame(histories))
    for history, row, found in zip(histories, scores, table.to_pylist(), strict=True):
        places = {e: (-p, -n, e) for e, p, n in zip(model.classes_, row, model.class_count_)}  # noqa: B905
        seen = set(history) if exclude_seen else set()
        expected = sorted(set(candidates) - seen, key=places.get)[:k]
        assert found["page"] == expected
        assert found["score"] == [-places[event][0] for event in expected]


@given(counts=st.lists(st.integers(1, 6), min_size=1, max_size=40))
def test_discounts_are_less_than_the_counts(counts):
    taken = discounts(np.array(counts))
    np.testing.assert_allclose(taken, plain_discounts(counts))
    assert all(0 < d < times for times, d in enumerate(taken[1:], 1))


# ------------------------------------------------------------------ what they say


def test_a_chain_by_hand():
    model = MarkovChain(smoothing="witten-bell").fit([["a", "b", "a", "b"], ["a", "c"]])
    assert model.class_count_.tolist() == [3, 2, 1]
    # a was followed by b twice and by c once: n = 3, t = 2.
    expected = [2 * (3 / 6) / 5, (2 + 2 * (2 / 6)) / 5, (1 + 2 * (1 / 6)) / 5]
    np.testing.assert_allclose(model.predict_proba([["a"]])[0], expected)
    assert model.n_contexts_ == [2]


def test_a_chain_looks_back_so_far_as_it_is_told():
    log = [["a", "x", "a"], ["b", "x", "b"]] * 5
    assert MarkovChain(order=2).fit(log).predict([["a", "x"], ["b", "x"]]).tolist() == ["a", "b"]
    one = MarkovChain(order=1).fit(log).predict_proba([["a", "x"], ["b", "x"]])
    np.testing.assert_array_equal(one[0], one[1])


def test_the_last_event_leads_and_the_order_is_strict(rng):
    model = LastEvent().fit([list(map(int, rng.zipf(1.5, 50) % 40)) for _ in range(20)])
    history = list(map(int, rng.choice(model.classes_, 30)))
    recent = list(dict.fromkeys(reversed(history)))
    rest = [e for e in np.lexsort((model.classes_, -model.class_count_))]
    rest = [e for e in model.classes_[rest].tolist() if e not in recent]
    found = model.predict_top_k([history], k=len(model.classes_))["x0"].tolist()[0]
    assert list(found) == recent + rest
    assert model.predict([history])[0] == history[-1]


def test_neighbours_come_from_the_same_histories():
    log = [["tea", "cup"], ["cup", "tea", "pot"], ["nut", "nut"], ["nut", "oil"]]
    model = ItemCooccurrence().fit(log)
    assert model.predict([["tea"], ["oil"], ["pot", "oil"]]).tolist() == ["cup", "nut", "nut"]


def test_the_next_event_given_is_learnt_as_the_last_of_the_history():
    log, y = [["a", "b"], [], ["b"]], ["a", "c", None]
    for model in MODELS:
        given_y = clone(model).fit(frame(log), y)
        appended = clone(model).fit(frame([["a", "b", "a"], ["c"], ["b"]]))
        assert given_y.classes_.tolist() == ["a", "b", "c"]
        np.testing.assert_array_equal(
            given_y.predict_proba(frame(log)), appended.predict_proba(frame(log))
        )


def test_integers_with_missing_ones_as_pandas_has_them():
    X = pd.DataFrame({"product": [[1, 2], [2]]})
    model = MostFrequent().fit(X, pd.Series([3.0, np.nan]))
    assert model.classes_.tolist() == [1, 2, 3]
    assert model.classes_.dtype.kind == "i"


# -------------------------------------------------------------- common to all


@each_model
def test_frames_of_every_library(model, frame_lib):
    columns = {
        "user": [7, 8, 9],
        "page": [["a", "b", "a"], ["c", "b"], []],
        "price": [[1.0, 2.0, 3.0], [1.0, None], []],
    }
    X = frame_lib.make(columns)
    model = clone(model).fit(X)
    assert model.target_ == "page"
    assert model.n_features_in_ == 3
    assert model.feature_names_in_.tolist() == ["user", "page", "price"]
    expected = clone(model).fit(columns["page"])
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(columns["page"]))
    table = model.predict_top_k(X, k=2)
    assert type(table) is type(X)
    rows = frame_lib.to_pylist(table)
    assert [list(row) for row in rows] == [["page", "score"]] * 3
    assert [row["page"][0] for row in rows] == model.predict(X).tolist()
    assert 0 <= model.score(X) <= 1


def test_the_table_goes_beside_the_frame():
    X = pd.DataFrame({"page": [["a", "b"], ["a", "b", "c"]]}, index=["ann", "bob"])
    table = MostFrequent().fit(X).predict_top_k(X, k=2, exclude_seen=True)
    assert table.index.tolist() == ["ann", "bob"]
    long = table.explode(["page", "score"])
    assert long.loc["ann", "page"] == "c"
    assert pd.isna(long.loc["bob", "page"])


@each_model
@given(log=logs, data=st.data())
def test_the_order_of_rows_does_not_matter(model, log, data):
    order = data.draw(st.permutations(range(len(log))))
    one = clone(model).fit(frame(log))
    other = clone(model).fit(frame([log[i] for i in order]))
    found = other.predict_proba(frame([log[i] for i in order]))
    np.testing.assert_allclose(found, one.predict_proba(frame(log))[order], rtol=1e-12)


@each_model
@given(log=logs, data=st.data())
def test_the_event_to_predict_changes_nothing(model, log, data):
    changed = [h[:-1] + [data.draw(ids)] if h else h for h in log]
    model = clone(model).fit(frame([list("abcd"), *log]))
    before, other = hold_out_last(frame(log))[0], hold_out_last(frame(changed))[0]
    np.testing.assert_array_equal(model.predict_proba(before), model.predict_proba(other))


@each_model
@given(log=logs)
def test_a_row_alone_is_answered_as_among_others(model, log):
    model = clone(model).fit(frame(log))
    together = model.predict_proba(frame(log))
    alone = [model.predict_proba(frame([history]))[0] for history in log]
    np.testing.assert_array_equal(together, alone)


@each_model
def test_some_rows_at_a_time_make_no_difference(model, rng, monkeypatch):
    log = [list(rng.choice(list("abcdef"), rng.integers(0, 9))) for _ in range(50)]
    X = frame(log)
    model = clone(model).fit(X)

    def answers():
        table = model.predict_top_k(X, k=3, exclude_seen=True)
        ranks = model.true_ranks(X)
        return model.predict_proba(X), model.predict(X), ranks, table, model.score(X)

    *whole, table, score = answers()
    monkeypatch.setattr("skbseq._targets._CELLS", 20)
    *parts, other_table, other_score = answers()
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)
    assert table.equals(other_table)
    assert score == other_score


@each_model
def test_missing_and_unseen_events_are_passed_over(model):
    model = clone(model).fit(frame([["a", None, "b"], ["b", "c", "a"]]))
    assert model.classes_.tolist() == ["a", "b", "c"]
    found = model.predict_proba(frame([["a", None, "z"], ["z"], [None], []]))
    expected = model.predict_proba(frame([["a"], [], [], []]))
    np.testing.assert_array_equal(found, expected)


@each_model
def test_an_empty_history_is_answered_by_frequency(model):
    model = clone(model).fit(frame([["b", "a"], ["b", "c"], []]))
    np.testing.assert_allclose(model.predict_proba(frame([[]])), [[0.25, 0.5, 0.25]])
    assert model.predict(pa.table({"page": pa.array([None, None])})).tolist() == ["b", "b"]
    # Equally frequent ones in the order of classes_.
    assert model.predict_top_k(frame([[]]), k=3)["page"].to_pylist() == [["b", "a", "c"]]


@each_model
def test_no_rows_are_answered_by_none(model):
    model = clone(model).fit(frame([["b", "a"]]))
    assert model.predict_proba(frame([])).shape == (0, 2)
    assert model.predict(frame([])).tolist() == []
    assert model.predict_top_k(frame([]), k=2).to_pylist() == []


@each_model
def test_a_catalogue_of_one(model):
    model = clone(model).fit([["a", "a"], ["a"]])
    assert model.predict_proba([["a"], []]).tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize(
    "values",
    [[3, 1, 2], [True, False, True], ["b", "a", "ü"], ["a\0", "a", "b"]],
    ids=str,
)
def test_ids_of_every_kind(values):
    X = pa.table({"id": [values, values[:1]]})
    model = LastEvent().fit(X)
    assert model.classes_.tolist() == sorted(set(values))
    assert model.predict(X).tolist() == [values[-1], values[0]]
    assert model.score(X, [values[-1], values[0]]) == 1
    best = model.predict_top_k(X, k=1)["id"].to_pylist()
    assert best == [[values[-1]], [values[0]]]


def test_ids_of_64_bits():
    values = np.array([2**63 + 1, 5, 2**63 + 1], np.uint64)
    X = pa.table({"id": pa.ListArray.from_arrays(pa.array([0, 1, 3], pa.int32()), values)})
    model = LastEvent().fit(X, np.array([7, 5]))
    assert model.classes_.tolist() == [5, 7, 2**63 + 1]
    assert model.score(X, values[:2]) == 0.5
    assert model.predict_top_k(X, k=1, candidates=[5])["id"].to_pylist() == [[5], [5]]


def test_categoricals_are_strings():
    X = pa.table({"page": pa.array([["a", "b"], ["b"]], pa.list_(pa.string()))})
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, 1]), pa.array(["a", "b", "never"]))
    coded = pa.table({"page": pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), codes)})
    model = MarkovChain().fit(coded)
    assert model.classes_.tolist() == ["a", "b"]
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(coded))


def test_ranks_and_accuracy():
    model = MostFrequent().fit([["a", "a", "a", "b", "c"]])
    ranks = model.true_ranks([[], [], [], []], ["a", "b", "c", "z"])
    np.testing.assert_array_equal(ranks, [[1, 1], [2, 3], [2, 3], [np.inf, np.inf]])
    assert model.score([[], [], [], []], ["a", "b", "c", "z"]) == 0.25
    # Three rows have an event to hold out; of these one is the most frequent.
    assert model.score([["b", "a"], [], ["a", "b"], ["z"]]) == pytest.approx(1 / 3)


@each_model
@given(log=logs)
def test_ranks_are_those_of_the_probabilities(model, log):
    model = clone(model).fit(frame(log))
    X, y = hold_out_last(frame(log))
    index = np.searchsorted(model.classes_, y)
    np.testing.assert_array_equal(
        model.true_ranks(frame(log)), true_ranks(model.predict_proba(X), index)
    )


# --------------------------------------------------------------- scikit-learn


@each_model
def test_clone_pickle_and_file(model, tmp_path):
    X = frame([["a", "b", "c", "a"], ["b", "c", "ü"], []])
    fitted = clone(model).fit(X)
    assert is_classifier(fitted)
    assert clone(fitted).get_params() == model.get_params()
    save(fitted, tmp_path / "model.skbseq")
    for again in (pickle.loads(pickle.dumps(fitted)), load(tmp_path / "model.skbseq")):
        np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
        assert again.predict_top_k(X, k=2).equals(fitted.predict_top_k(X, k=2))
        assert again.classes_.tolist() == fitted.classes_.tolist()


@each_model
def test_what_is_not_fitted_says_so(model):
    X = frame([["a"]])
    for ask in ("predict", "predict_proba", "predict_top_k", "score", "true_ranks"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(clone(model), ask)(X)


@pytest.mark.parametrize("kind", sorted({type(m) for m in MODELS}, key=str))
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_param_validation,
    ],
    ids=lambda check: check.__name__,
)
def test_scikit_learns_checks_that_need_no_array(kind, check):
    check(kind.__name__, kind())


def test_pipelines_and_search(rng):
    X = pd.DataFrame({"page": [list(rng.choice(list("abc"), 6)) for _ in range(30)]})
    model = make_pipeline(SequenceImputer("most_frequent"), MarkovChain())
    assert model.fit(X).predict(X).shape == (30,)
    scores = cross_val_score(model, X, cv=3, error_score="raise")
    assert ((scores >= 0) & (scores <= 1)).all()
    search = GridSearchCV(model, {"markovchain__order": [1, 2]}, cv=3, error_score="raise")
    assert search.fit(X).best_params_["markovchain__order"] in (1, 2)
    X, y = hold_out_last(X)
    assert 0 <= search.fit(X, y).best_score_ <= 1


def test_a_failed_fit_leaves_the_model_as_it_was():
    model = MarkovChain().fit([["a", "b"]])
    with pytest.raises(ValueError, match="nothing to learn from"):
        model.fit(frame([[]]))
    assert model.predict([["a"]]).tolist() == ["b"]


# ------------------------------------------------------------------ bad inputs


TWO = pa.table({"a": [["x"]], "b": [["y"]], "n": [1]})


@pytest.mark.parametrize(
    ("target", "X", "message"),
    [
        (
            None,
            TWO,
            r"More than one of the list columns can be the target, .* 'a' \(string\), 'b'",
        ),
        (
            "n",
            TWO,
            r"The target 'n' is not a list column\. It is an ordinary column\. The list col",
        ),
        (
            "z",
            TWO,
            r"The target 'z' is not a list column\. The list columns are 'a' \(string\), 'b'",
        ),
        ("p", pa.table({"p": [[1.5]]}), r"The target 'p' holds float values; ids are strings,"),
        (None, pa.table({"n": [1]}), r"none of its columns holds lists"),
        (None, np.ones((2, 2)), r"Expected a sequence frame.*got ndarray"),
        (None, "ab", r"Expected a sequence frame.*got str"),
    ],
)
def test_a_target_that_is_not_there(target, X, message):
    with pytest.raises(SequenceFrameError, match=message):
        MarkovChain(target=target).fit(X)


def test_a_target_of_several_is_chosen_by_name():
    assert MostFrequent(target="b").fit(TWO).predict(TWO).tolist() == ["y"]
    with pytest.raises(SequenceFrameError, match="target 'b' is not a list column"):
        MostFrequent(target="b").fit(TWO).predict(TWO.drop_columns(["b"]))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a"], "X has 2 rows and y 1 values"),
        ([1, 2], "y holds integer values, but the events of 'page' are string values"),
        ([0.5, 1], "Row 0 of y holds 0.5"),
        (["a", 1], "mixes kinds of values: row 1 holds 1"),
    ],
)
def test_a_wrong_y_at_fit(y, message):
    with pytest.raises(ValueError, match=message):
        MarkovChain().fit(frame([["a"], ["b"]]), y)


def test_histories_of_another_kind_than_at_fit():
    model = MarkovChain().fit(frame([["a", "b"]]))
    with pytest.raises(ValueError, match="'page' holds integer values, unlike the ids seen at"):
        model.predict(pa.table({"page": [[1, 2]]}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 4}, "k=4 is too large: only 3 ids were seen at fit"),
        ({"k": 2, "candidates": ["a"]}, "k=2 is too large: only 1 distinct candidates"),
        ({"k": 1, "candidates": []}, "candidates is empty"),
        ({"k": 0}, "k must be an integer of at least 1; got 0"),
        ({"k": 1.0}, "k must be an integer of at least 1; got 1.0"),
        ({"k": 1, "candidates": ["z", None]}, "2 of .* never seen at fit: None, 'z'. No cand"),
        (
            {"k": 1, "candidates": ["a", "z"], "unknown_candidates": "error"},
            "1 of the candidates was never seen at fit: 'z'. Leave them out",
        ),
        ({"unknown_candidates": "raise"}, "must be 'warn' or 'error'; got 'raise'"),
        ({"k": 1, "candidates": [1]}, "candidates holds integer values, unlike the ids"),
        ({"k": 1, "candidates": "a"}, "candidates must be a list of ids; got 'a'"),
    ],
)
def test_wrong_lists(options, message):
    model = MarkovChain().fit([["a", "b", "c"]])
    with pytest.raises(ValueError, match=message):
        model.predict_top_k([["a"]], **options)


def test_a_target_named_as_the_probabilities():
    X = pa.table({"score": [["a"]]})
    model = MostFrequent().fit(X)
    assert model.predict(X).tolist() == ["a"]
    with pytest.raises(ValueError, match="The target is named 'score'"):
        model.predict_top_k(X, k=1)


@pytest.mark.parametrize(
    "model",
    [
        MarkovChain(order=0),
        MarkovChain(order=6),
        MarkovChain(smoothing="laplace"),
        HistoryFrequency(decay=0),
        HistoryFrequency(smoothing=1),
        ItemCooccurrence(normalization="jaccard"),
        ItemCooccurrence(decay=0),
        ItemCooccurrence(decay="best"),
        ItemCooccurrence(indirect=-0.1),
        ItemCooccurrence(indirect="best"),
        ItemCooccurrence(window=0),
        ItemCooccurrence(distance_decay=0),
        ItemCooccurrence(backward=1.5),
        ItemCooccurrence(normalization=0.5),
        ItemCooccurrence(n_last=0),
        ItemCooccurrence(smoothing=0),
        MostFrequent(target=1),
    ],
    ids=str,
)
def test_parameters_out_of_range(model):
    with pytest.raises(ValueError, match=rf"parameter of {type(model).__name__} must be"):
        model.fit([["a", "b"]])


@pytest.mark.parametrize("pair", [(0.5,), (0.5, -1), (0.5, "a"), (1, 2, 3), (0.5, np.inf)])
def test_exponents_that_are_none(pair):
    with pytest.raises(ValueError, match=r"normalization must be 'cosine', .* two exponents"):
        ItemCooccurrence(normalization=pair).fit([["a", "b"]])


DECAYS = (0.2, 0.4, 0.6, 0.8)


def plain_gains(log):
    """NDCG of the last events of a log under each decay, all else by default."""
    held_out = [(past[:-1], past[-1]) for past in log if len(past) > 1]
    repeats = any(true in past for past, true in held_out)
    rest = [past[:-1] if len(past) > 1 else past for past in log]
    popular, tried = Counter(e for past in rest for e in past), ItemCooccurrence()
    vote_of = {
        (one, other): plain_pairs(tried, rest, one, other)
        / (popular[one] ** 0.5 * popular[other] ** 0.1)
        for one in popular
        for other in popular
    }
    gains = np.zeros(len(DECAYS))
    for past, true in held_out:
        voters = list(dict.fromkeys(event for event in reversed(past) if event in popular))
        for i, decay in enumerate(DECAYS):
            votes = {
                e: sum(decay**r * vote_of[v, e] for r, v in enumerate(voters)) for e in popular
            }
            own = votes.get(true, 0.0)
            if not repeats:
                votes = {event: vote for event, vote in votes.items() if event not in past}
            above = sum(vote > own * (1 + 1e-9) for vote in votes.values())
            gains[i] += 1 / math.log2(2 + above) if own else 0.0
    return gains


@given(log=logs)
def test_the_decay_chosen_ranks_the_last_events_best(log):
    gains = plain_gains(log)
    chosen = DECAYS.index(ItemCooccurrence().fit(frame(log)).decay_)
    assert gains[chosen] == pytest.approx(gains.max(), abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_ids_of_the_history_are_not_ranked_where_nobody_takes_one_twice(seed):
    rng = np.random.default_rng(seed)
    log = [list(rng.permutation(list("abcdefghij"))[:5]) for _ in range(25)]
    gains = plain_gains(log)
    chosen = DECAYS.index(ItemCooccurrence().fit(frame(log)).decay_)
    assert gains[chosen] == pytest.approx(gains.max(), abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_indirect_votes_are_counted_where_they_rank_the_last_events_better(seed):
    rng = np.random.default_rng(seed)
    log = [list(rng.permutation(list("abcdefghijkl"))[:4]) for _ in range(12)]
    rest, truth = [past[:-1] for past in log], [past[-1] for past in log]
    gains = {}
    for indirect in (0.0, 0.3):
        # The ids of the held-out events are known to both, as they are to the whole model.
        plain = ItemCooccurrence(decay=0.6, indirect=indirect, smoothing=1e-9)
        votes = [plain_cooccurrence(plain, rest, past) for past in rest]
        gains[indirect] = sum(plain_gain(*row) for row in zip(votes, rest, truth, strict=True))
    chosen = ItemCooccurrence(decay=0.6).fit(frame(log)).indirect_
    assert chosen == (0.3 if gains[0.3] > 1.01 * gains[0.0] else 0.0)


def plain_gain(votes, past, true):
    left = {e: v for e, v in votes.items() if e not in past and v > 1e-6}
    if true not in left:
        return 0.0
    return 1 / math.log2(2 + sum(v > left[true] * (1 + 1e-9) for v in left.values()))


def test_votes_are_passed_on_by_ten_ids():
    # "z" precedes 12 ids, more often the later ones; each of them precedes one id of its own.
    log = [["z", f"m{i:02}"] for i in range(12) for _ in range(i + 1)]
    log += [[f"m{i:02}", f"e{i:02}"] for i in range(12)]
    model = ItemCooccurrence(indirect=1.0, decay=0.5, backward=0.0, normalization=(0, 0)).fit(log)
    found = dict(zip(model.classes_, model.predict_proba([["z"]])[0], strict=True))
    share = {name: p / model.class_count_[i] for i, (name, p) in enumerate(found.items())}
    reached = [name for name in share if name[0] == "e" and share[name] > 2 * share["e00"]]
    assert reached == [f"e{i:02}" for i in range(2, 12)]


def test_the_decay_follows_the_data():
    rng = np.random.default_rng(0)
    chain = [["a", "b", "c", "d"][i % 4] for i in range(400)]
    jumps = [chain[i : i + 8] for i in rng.integers(0, 300, 60)]
    assert ItemCooccurrence().fit(jumps).decay_ == 0.2
    assert ItemCooccurrence(decay=0.7).fit(jumps).decay_ == 0.7
    assert ItemCooccurrence().fit([["a"], ["b"]]).decay_ == 0.2  # nothing to choose by


@pytest.mark.parametrize("make", [list, np.array, pd.Series, pa.array])
def test_unknown_candidates_are_left_out_with_one_warning(make):
    model = MarkovChain().fit([["a", "b", "c"], ["b", "a"]])
    new = [f"new{i}" for i in range(7)]
    message = "7 of the candidates were never seen at fit: 'new0', .*'new4' and 2 more. They are"
    with pytest.warns(UserWarning, match=message) as caught:
        found = model.predict_top_k([["a"]] * 3, k=8, candidates=make(["a", *new, "a", new[0]]))
    assert len(caught) == 1 and caught[0].filename == __file__
    assert [list(row) for row in found["x0"]] == [["a"]] * 3
    with pytest.raises(ValueError, match="k=9 is too large: only 8 distinct candidates"):
        with pytest.warns(UserWarning, match="7 of the candidates"):
            model.predict_top_k([["a"]], k=9, candidates=make(["a", *new]))
    known = model.predict_top_k([["a"]], k=1, candidates=["a"], unknown_candidates="error")
    assert [list(row) for row in known["x0"]] == [["a"]]


def test_ids_may_be_text_at_fit_and_numbers_later():
    text = [["1", "2"], ["1", "2"], ["3", "4"]]
    model = ItemCooccurrence().fit(text)
    assert model.predict([[1], [3]]).tolist() == ["2", "4"]
    assert model.score([[1], [3]], [2, 4]) == 1
    numbers = ItemCooccurrence().fit([[1, 2], [1, 2], [3, 4]])
    assert numbers.predict([["1"], ["3"]]).tolist() == [2, 4]


def test_a_model_of_an_earlier_version_is_fitted_again_as_it_was():
    old = ItemCooccurrence(window=None, normalization="cosine", decay=0.5).fit([["a", "b"]])
    state = old.__getstate__()
    for added in ("window", "distance_decay", "backward", "decay_", "indirect", "indirect_"):
        del state[added]
    loaded = ItemCooccurrence.__new__(ItemCooccurrence)
    loaded.__setstate__(state)
    assert loaded.predict([["a"]]).tolist() == ["b"]
    assert clone(loaded).window is None


def test_parameters_are_chosen_in_parts_with_few_votes(monkeypatch):
    rng = np.random.default_rng(0)
    X = [[f"p{i}" for i in rng.zipf(1.5, rng.integers(1, 8)) % 30] for _ in range(80)]
    gains = []
    for most in (10**9, 50, 1):
        monkeypatch.setattr(_cooccurrence, "_MOST_VOTES", most)
        model = ItemCooccurrence().fit(X)
        gains.append((model.decay_, model.indirect_))
        histories = model._seen(X)
        cuts = _cooccurrence._cuts_by_votes(histories, np.full(len(model.classes_), 3))
        assert cuts[0] == 0 and cuts[-1] == len(X) and np.all(np.diff(cuts) > 0)
        assert (len(cuts) == 2) == (most == 10**9)
    assert gains[0] == gains[1] == gains[2]
