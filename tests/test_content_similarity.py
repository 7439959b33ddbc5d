"""Content-based recommendation against a slow plain one, and products without events."""

import math
import pickle
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skbseq import (
    ContentSimilarity,
    HistoryFrequency,
    MostFrequent,
    NextBehaviorPredictor,
    _frames,
    load,
    save,
)
from skbseq.preprocessing._item_match import ItemMatcher

PRODUCTS = pd.DataFrame(
    {
        "page": list("abcdef"),
        "kind": pd.Categorical(["x", "y", "x", "y", None, "z"]),
        "price": [1.0, 2.0, 4.0, np.nan, 3.0, 1.5],
        "text": ["red mug", "blue mug", "red garden chair", "garden chair", None, "red mug"],
    }
)
KNOWN, NEW = list("abcd"), list("ef")
logs = st.lists(st.lists(st.sampled_from(KNOWN), max_size=6), min_size=1, max_size=5)
logs = logs.map(lambda rows: [*rows, KNOWN])
asked = st.lists(st.lists(st.sampled_from("abcdefz"), max_size=6), min_size=1, max_size=4)
WEIGHTS = {"kind": 0.5, "price": 0.2, "text": 0.3}
MODELS = [
    ContentSimilarity(item_features=PRODUCTS, feature_weights=WEIGHTS, repeats=True),
    ContentSimilarity(
        item_features=PRODUCTS,
        feature_weights={"text": 2, "price": 1},
        repeats=False,
        decay=0.5,
        power=1,
        n_last=3,
        smoothing=0.2,
    ),
]
each_model = pytest.mark.parametrize("model", MODELS, ids=["all", "some"])


def frame(rows):
    return pd.DataFrame({"page": pd.Series(rows, dtype=object)})


# ------------------------------------------------------------ the plain model


def plain_text(texts):
    """TF-IDF of words and pairs of words that two texts have."""
    terms = []
    for text in texts:
        words = (text or "").split()
        terms.append(words + [" ".join(pair) for pair in pairwise(words)])
    found = Counter(term for row in terms for term in set(row))
    n = sum(text is not None for text in texts)
    rows = [
        {t: row.count(t) * (math.log((1 + n) / (1 + found[t])) + 1) for t in row if found[t] > 1}
        for row in terms
    ]
    return [unit(row) for row in rows]


def unit(row):
    length = math.sqrt(sum(value**2 for value in row.values()))
    return {key: value / length for key, value in row.items()} if length else {}


def plain_numbers(numbers):
    """Shares of the two nearest of nine quantiles."""
    present = [x for x in numbers if not math.isnan(x)]
    knots = sorted(set(np.quantile(present, np.linspace(0, 1, 9))))
    rows = []
    for x in numbers:
        row = {}
        for i, knot in enumerate(knots):
            if not math.isnan(x) and x == knot:
                row = {i: 1.0}
            elif i and knots[i - 1] < x < knot:
                share = (x - knots[i - 1]) / (knot - knots[i - 1])
                row = {i - 1: 1 - share, i: share}
        rows.append(unit(row))
    return rows


def plain_kinds(kinds):
    counts = Counter(kinds)
    return [{k: 1.0} if isinstance(k, str) and counts[k] > 1 else {} for k in kinds]


ROWS = {
    "kind": plain_kinds(PRODUCTS["kind"].tolist()),
    "price": plain_numbers(PRODUCTS["price"].tolist()),
    "text": plain_text([t if isinstance(t, str) else None for t in PRODUCTS["text"]]),
}


def plain_likeness(weights, one, other):
    i, j = "abcdef".index(one), "abcdef".index(other)
    total = 0.0
    for name, weight in weights.items():
        a, b = ROWS[name][i], ROWS[name][j]
        total += weight * sum(value * b.get(key, 0) for key, value in a.items())
    return total / sum(weights.values())


def plain_scores(model, log, history):
    """Scores of all products, as shares of the votes for those with events."""
    counts = Counter(event for row in log for event in row)
    shares = {event: counts[event] / sum(counts.values()) for event in KNOWN}
    history = [event for event in history if event in "abcdef"]
    if model.n_last is not None:
        history = history[-model.n_last :]
    votes, most = dict.fromkeys("abcdef", 0.0), 0.0
    for r, voter in enumerate(dict.fromkeys(reversed(history))):
        most += model.decay**r
        for other in votes:
            if other != voter or model.repeats:
                alike = plain_likeness(model.feature_weights, voter, other)
                votes[other] += model.decay**r * alike**model.power
    total, s = sum(votes[event] for event in KNOWN), model.smoothing
    if not total:
        known = dict(shares)
        new = {event: votes[event] / (most or 1) for event in NEW}
    else:
        known = {event: votes[event] / total for event in KNOWN}
        new = {event: votes[event] / total for event in NEW}
    known = {event: (1 - s) * share + s * shares[event] for event, share in known.items()}
    least = min(shares.values())
    return known | {event: (1 - s) * share + s * least for event, share in new.items()}


@each_model
@settings(max_examples=25)
@given(log=logs, histories=asked)
def test_scores_are_those_of_the_plain_model(model, log, histories):
    model = clone(model).fit(frame(log))
    table = model.predict_top_k(frame(histories), k=6, candidates=list("abcdef"))
    shares = model.predict_proba(frame(histories))
    for history, row, share in zip(histories, table.itertuples(), shares, strict=True):
        expected = plain_scores(model, log, history)
        found = dict(zip(row.page, row.score, strict=True))
        assert found == pytest.approx(expected, rel=1e-6)
        assert share == pytest.approx([expected[event] for event in KNOWN], rel=1e-6)


@each_model
@settings(max_examples=15)
@given(log=logs, histories=asked)
def test_predictions_after_each_event_are_those_of_beginnings(model, log, histories):
    model = clone(model).fit(frame(log))
    each = model.predict_each(frame(histories))
    for history, found, scores in zip(histories, each["page"], each["score"], strict=True):
        begun = frame([history[: i + 1] for i in range(len(history))])
        if len(begun):
            assert list(found) == model.predict(begun).tolist()
            assert list(scores) == pytest.approx(model.predict_proba(begun).max(axis=1))


def test_some_likenesses_at_a_time_change_nothing(monkeypatch):
    model = clone(MODELS[1]).fit(frame([KNOWN, ["a", "c"]]))
    X = frame([["a", "e"], ["b", "f"], list("abcdef"), []])
    expected = model.predict_top_k(X, k=6, candidates=PRODUCTS)
    monkeypatch.setattr("skbseq._next_event._content._CELLS", 7)
    pd.testing.assert_frame_equal(model.predict_top_k(X, k=6, candidates=PRODUCTS), expected)


# ------------------------------------------------------------------ what is chosen


def test_the_column_that_matters_gets_the_weight(rng):
    kinds = np.arange(40) % 5
    products = pd.DataFrame(
        {
            "page": [f"p{i}" for i in range(40)],
            "kind": pd.Categorical([f"k{kind}" for kind in kinds]),
            "noise": pd.Categorical([f"n{i}" for i in rng.permutation(40) % 5]),
        }
    )
    among = [np.flatnonzero(kinds == kind) for kind in range(5)]
    rows = [[f"p{i}" for i in rng.choice(among[row % 5], 4)] for row in range(45)]
    model = ContentSimilarity(item_features=products).fit(frame(rows))
    assert model.feature_weights_["kind"] > 0.6
    assert sum(model.feature_weights_.values()) == pytest.approx(1)
    same = model.predict_top_k(frame([["p7"]]), k=5, exclude_seen=True)["page"][0]
    assert {int(page[1:]) % 5 for page in same} == {2}


@pytest.mark.parametrize(("log", "repeats"), [([["a", "b", "a"]], True), ([["a", "b"]], False)])
def test_ids_vote_for_themselves_where_a_last_event_repeats(log, repeats):
    assert ContentSimilarity(item_features=PRODUCTS[:4]).fit(frame([*log, KNOWN])).repeats_ == (
        repeats
    )


# ------------------------------------------------------------------ likenesses


def test_likenesses_of_every_kind(frame_lib):
    table = frame_lib.make(
        {
            "id": list(range(4)),
            "kind": ["x", "x", "y", None],
            "sale": [True, False, True, False],
            "price": [1.0, 1.0, 9.0, None],
            "vector": [[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], None],
            "tags": [["a", "b"], ["b", "a"], ["c"], []],
            "same": [7, 7, 7, 7],
        }
    )
    matcher = ItemMatcher(_frames.to_arrow(table), "id")
    assert [part.name for part in matcher.parts] == ["kind", "sale", "price", "vector", "tags"]
    rows = matcher.rows(_frames.to_arrow(table)).toarray()
    ends = np.cumsum([0, *matcher.sizes])
    alike = {
        part.name: rows[:, a:b] @ rows[:, a:b].T
        for part, (a, b) in zip(matcher.parts, pairwise(ends), strict=True)
    }
    for name in ("kind", "price", "vector", "tags"):
        assert alike[name][0, 1] == pytest.approx(1)
        assert not alike[name][3].any()  # missing
    assert alike["vector"][0, 2] == pytest.approx(-1)
    assert alike["kind"][0, 2] == alike["tags"][0, 2] == 0
    assert alike["sale"][0].tolist() == [1, 0, 1, 0]
    # Equal products end to end; a table may lack no column.
    with pytest.raises(ValueError, match="lacks the column 'sale'"):
        matcher.rows(_frames.to_arrow(table).drop_columns(["sale"]))


# ------------------------------------------------------------------ new products


def test_new_products_are_recommended_and_vote(frame_lib):
    texts = [text if isinstance(text, str) else None for text in PRODUCTS["text"]]
    products = frame_lib.make({"page": list("abcdef"), "text": texts})
    X = frame_lib.make({"page": [["a", "b"], ["c", "d"]]})
    model = ContentSimilarity(item_features=products, repeats=False).fit(X)
    later = frame_lib.make({"page": ["new", "old"], "text": ["garden chair", "blue mug"]})
    asked = frame_lib.make({"page": [["d"], ["b"], ["f"]]})
    lists = frame_lib.to_pylist(model.predict_top_k(asked, k=1, candidates=later))
    assert [row["page"] for row in lists] == [["new"], ["old"], ["old"]]
    votes = frame_lib.to_pylist(model.predict_top_k(asked, k=1))
    assert votes[2]["page"] == ["a"]  # "f" has the same text
    with pytest.warns(UserWarning, match="1 of the candidates was never seen at fit: 'strange'"):
        model.predict_top_k(asked, k=1, candidates=["f", "strange"])
    seen = frame_lib.to_pylist(
        model.predict_top_k(asked, k=5, candidates=products, exclude_seen=True)
    )
    assert "f" not in seen[2]["page"]


def test_clone_pickle_and_file(tmp_path):
    X = frame([KNOWN, ["a", "c"]])
    model = ContentSimilarity(item_features=PRODUCTS).fit(X)
    expected = model.predict_top_k(X, k=6, candidates=PRODUCTS)
    save(model, tmp_path / "model.skbseq")
    for again in (pickle.loads(pickle.dumps(model)), load(tmp_path / "model.skbseq")):
        assert again.predict_top_k(X, k=6, candidates=PRODUCTS).equals(expected)
        pd.testing.assert_frame_equal(clone(again).item_features, PRODUCTS)


BAD = [
    ({"item_features": None}, "ContentSimilarity needs item_features, a table with a row"),
    ({"item_features": [1]}, "item_features must be a table with a row for each product"),
    ({"item_features": PRODUCTS[["page"]]}, "item_features has no column but the ids, 'page'"),
    ({"item_features": PRODUCTS.assign(page=1)}, "describes 1 twice, in rows 0 and 1"),
    ({"item_features": PRODUCTS[4:]}, "4 of the 4 ids with events have no row"),
    (
        {"item_features": pd.DataFrame({"page": KNOWN, "kind": ["x"] * 4})},
        "tells products apart. .* are in 'kind'",
    ),
    ({"feature_weights": {"colour": 1}}, "feature_weights names 'colour', which is no column"),
    ({"feature_weights": {"kind": -1}}, r"feature_weights\['kind'\] must be a number from 0; got"),
    ({"feature_weights": {"kind": 0}}, "gives no column that tells products apart a weight"),
    ({"decay": 0}, "'decay' parameter of ContentSimilarity"),
    ({"power": 0}, "'power' parameter of ContentSimilarity"),
    ({"repeats": "yes"}, "'repeats' parameter of ContentSimilarity"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        ContentSimilarity(**{"item_features": PRODUCTS} | options).fit(frame([KNOWN]))


# ------------------------------------------------------------------ in the mixture

FAST = {"network": "bag", "units": 4, "epochs": 1, "learning_rate": 0.02, "random_state": 0}


@pytest.fixture(scope="module")
def mixed():
    """Histories of products of one kind of five; the last ten of fifty have no events."""
    rng = np.random.default_rng(0)
    kinds = np.arange(50) % 5
    products = pd.DataFrame(
        {"page": [f"p{i}" for i in range(50)], "kind": [f"k{kind}" for kind in kinds]}
    )
    among = [np.flatnonzero(kinds == kind)[:8] for kind in range(5)]
    rows = [[f"p{i}" for i in rng.choice(among[i % 5], 5)] for i in range(150)]
    model = NextBehaviorPredictor(item_features=products, **FAST).fit(frame(rows))
    return model, products


@pytest.mark.steps("eager")
def test_the_mixture_counts_content_where_products_are_described(mixed):
    model, products = mixed
    names = ["network", "markovchain", "itemcooccurrence", "historyfrequency", "contentsimilarity"]
    assert list(model.mixture_weights_) == names
    assert model._new_weights.sum() == pytest.approx(1) and (model._new_weights >= 0).all()
    asked = frame([["p0", "p5"], ["p3"], ["p47", "p42"]])
    new = products["page"][40:].tolist()
    lists = model.predict_top_k(asked, k=2, candidates=new)["page"]
    assert [set(row) for row in lists] == [{"p40", "p45"}, {"p43", "p48"}, {"p42", "p47"}]
    # What is asked for changes no other score.
    scores = model.predict_top_k(asked, k=50, candidates=products)
    found = dict(zip(scores["page"][0], scores["score"][0], strict=True))
    proba = dict(zip(model.classes_, model.predict_proba(asked)[0], strict=True))
    assert {page: found[page] for page in proba} == pytest.approx(proba, rel=1e-6)
    each = model.predict_each(asked)["page"].tolist()
    assert [row[-1] for row in each] == model.predict(asked).tolist()


@pytest.mark.steps("eager")
def test_a_new_product_that_was_bought_may_be_bought_again(mixed):
    _, products = mixed
    X = frame([[f"p{i}", f"p{i + 5}", f"p{i}"] for i in range(35)])
    model = NextBehaviorPredictor(
        item_features=products, counting=[HistoryFrequency()], validation_split=0.3, **FAST
    )
    model.fit(X)
    among = ["p42", "p47"]  # alike, so that only the history tells them apart
    for own in among:
        lists = model.predict_top_k(frame([["p0", own, own]]), k=2, candidates=among)
        assert lists["page"][0][0] == own


@pytest.mark.steps("eager")
def test_the_mixture_is_saved_with_its_content(mixed, tmp_path):
    model, products = mixed
    asked = frame([["p0", "p41"], []])
    later = products.assign(page="q" + products["page"])
    expected = model.predict_top_k(asked, k=9, candidates=later)
    save(model, tmp_path / "model.skbseq")
    again = load(tmp_path / "model.skbseq")
    assert again.predict_top_k(asked, k=9, candidates=later).equals(expected)


@pytest.mark.steps("eager")
def test_a_content_based_model_in_the_mixture_needs_a_table():
    counting = [MostFrequent(), ContentSimilarity()]
    with pytest.raises(ValueError, match="Give the table of products as item_features="):
        NextBehaviorPredictor(counting=counting, **FAST).fit(frame([KNOWN] * 9))
    own = [ContentSimilarity(item_features=PRODUCTS[:4])]
    model = NextBehaviorPredictor(counting=own, **FAST).fit(frame([KNOWN] * 9))
    assert list(model.mixture_weights_) == ["network", "contentsimilarity"]
