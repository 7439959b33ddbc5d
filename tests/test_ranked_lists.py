"""Ranked lists of next-event models: what each row may choose from."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbseq import MarkovChain, MostFrequent
from skbseq._next_event._diversity import Diversity

LOG = [["a", "b", "c", "a"], ["b", "c"], ["d", "a", "b"], []]
SEEN = ["a", "b", "c", "d"]


def lists_of(table):
    return [list(row) for row in table.iloc[:, 0]]


@settings(max_examples=20)
@given(
    own=st.lists(st.lists(st.sampled_from(SEEN), max_size=6), min_size=4, max_size=4),
    k=st.integers(1, 4),
    exclude_seen=st.booleans(),
)
def test_candidates_of_rows_are_those_of_each_row_alone(own, k, exclude_seen):
    model = MarkovChain().fit(LOG)
    found = model.predict_top_k(LOG, k=k, exclude_seen=exclude_seen, candidates=pd.Series(own))
    for i, ids in enumerate(own):
        size = min(k, len(set(ids)))
        row = found.iloc[i]
        if not size:
            assert list(row["x0"]) == list(row["score"]) == []
            continue
        options = {"k": size, "exclude_seen": exclude_seen, "candidates": ids}
        alone = model.predict_top_k([LOG[i]], **options).iloc[0]
        assert list(row["x0"]) == list(alone["x0"])
        assert list(row["score"]) == list(alone["score"])


def test_some_rows_at_a_time_make_no_difference(monkeypatch):
    model, own = MostFrequent().fit(LOG), [["a"], ["d", "b"], [], ["c", "a", "d"]]
    whole = model.predict_top_k(LOG, k=2, candidates=own)
    assert lists_of(whole) == [["a"], ["b", "d"], [], ["a", "c"]]
    monkeypatch.setattr("skbseq._targets._CELLS", 8)
    assert whole.equals(model.predict_top_k(LOG, k=2, candidates=own))


def test_candidates_of_rows_in_every_form(frame_lib):
    own = [["c", "a"], ["d", "b"]]
    table = frame_lib.make({"region": ["north", "south"], "sold": own})
    forms = [table, table["sold"], own, tuple(own), np.array(own), [np.array(ids) for ids in own]]
    model = MostFrequent().fit(LOG)
    for form in forms:
        # A default k of 10 is longer than any of the lists, which is no error: lists are data.
        assert lists_of(model.predict_top_k([[], []], candidates=form)) == [["a", "c"], ["b", "d"]]


def test_numbers_as_candidates_of_rows():
    model = MostFrequent().fit([[3, 3, 1], [2]])
    assert lists_of(model.predict_top_k([[], []], candidates=np.array([[1, 3], [2, 2]]))) == [
        [3, 1],
        [2],
    ]
    assert lists_of(model.predict_top_k([[]], candidates=pa.array([["2", "3"]]))) == [[3, 2]]


def test_unknown_candidates_of_rows_are_left_out_with_one_warning():
    model, own = MostFrequent().fit(LOG), [["new", "a"], ["new", None], []]
    with pytest.warns(UserWarning, match="2 of the candidates were .*: None, 'new'. They") as said:
        found = model.predict_top_k([[]] * 3, candidates=own)
    assert len(said) == 1 and said[0].filename == __file__
    assert lists_of(found) == [["a"], [], []]
    with pytest.raises(ValueError, match=r"2 of the candidates.*pass unknown"):
        model.predict_top_k([[]] * 3, candidates=own, unknown_candidates="error")


def test_rows_without_candidates_have_empty_lists():
    model = MostFrequent().fit(LOG)
    found = model.predict_top_k(pa.table({"x0": [["a"], []]}), k=3, candidates=[[], []])
    assert found.to_pylist() == [{"x0": [], "score": []}] * 2
    assert found["x0"].type == pa.list_(pa.string())


# ------------------------------------------------------------------ diversity


def plain_mmr(scores, kinds, weight, k):
    """Maximal marginal relevance of one row, as its formula says."""
    order, chosen = np.argsort(-scores, kind="stable"), []
    while len(chosen) < k:
        gains = {
            i: (1 - weight) * scores[i] / scores.max()
            - weight * max((np.mean(kinds[i] == kinds[j]) for j in chosen), default=0)
            for i in order
            if i not in chosen
        }
        chosen.append(max(gains, key=gains.get))
    return chosen


@settings(max_examples=50)
@given(
    scores=st.lists(st.integers(1, 9), min_size=6, max_size=6),
    kinds=st.lists(st.tuples(*[st.integers(0, 2)] * 2), min_size=6, max_size=6),
    weight=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    k=st.integers(1, 6),
)
def test_maximal_marginal_relevance_is_that_of_the_formula(scores, kinds, weight, k):
    scores, kinds = np.array([scores, scores[::-1]], float), np.array(kinds)
    lengths, found, best = Diversity(weight, kinds).rank(scores, np.arange(6), k)
    assert lengths.tolist() == [k, k]
    expected = [plain_mmr(row, kinds, weight, k) for row in scores]
    assert found.reshape(2, k).tolist() == expected
    assert best.tolist() == [
        row[i] for row, ids in zip(scores, expected, strict=True) for i in ids
    ]


def test_lists_with_diversity_mix_the_categories(frame_lib):
    log = [["a1"] * 9, ["a2"] * 8, ["a3"] * 7, ["b1"] * 3, ["b2"] * 2, ["c1"]]
    model = MostFrequent().fit(log)
    kinds = {"a1": "a", "a2": "a", "a3": "a", "b1": "b", "b2": "b", "c1": "c", "never": "a"}
    table = frame_lib.make({"x0": list(kinds), "kind": list(kinds.values())})
    for categories in (kinds, pd.Series(kinds), table):
        found = model.predict_top_k([[]], k=3, diversity=0.3, categories=categories)
        # 0.7 * 8 / 9 - 0.3 for the second a; 0.7 * 3 / 9 for the first b.
        assert lists_of(found) == [["a1", "a2", "a3"]]
        found = model.predict_top_k([[]], k=4, diversity=0.6, categories=categories)
        assert lists_of(found) == [["a1", "b1", "c1", "a2"]]
        assert list(found["score"][0]) == [9 / 30, 3 / 30, 1 / 30, 8 / 30]


def test_diversity_among_the_candidates_of_rows():
    model = MostFrequent().fit([["a1", "a1", "a1", "a2", "a2", "b1", "b2"]])
    options = {"diversity": 0.5, "categories": {"a1": 0, "a2": 0, "b1": 1}}
    found = model.predict_top_k(
        [[], [], ["a1"]],
        k=3,
        candidates=[["a1", "a2", "b1"], [], ["a1"]],
        exclude_seen=True,
        **options,
    )
    assert lists_of(found) == [["a1", "b1", "a2"], [], []]
    # An id without a category is like no other.
    assert lists_of(model.predict_top_k([[]], k=4, **options)) == [["a1", "b1", "b2", "a2"]]
    plain = model.predict_top_k([[]], k=4)
    assert plain.equals(model.predict_top_k([[]], k=4, categories=options["categories"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diversity": 1.5}, "diversity must be a number from 0 to 1; got 1.5"),
        ({"diversity": "much"}, "diversity must be a number from 0 to 1; got 'much'"),
        ({"diversity": 0.3}, r"diversity=0.3 needs categories, .* a column 'x0' of ids"),
        ({"categories": ["a", "b"]}, "categories must be a dict from ids"),
        ({"categories": {}}, "categories is empty"),
        ({"categories": {"z": 1}}, "None of the 1 ids of categories was seen at fit. .* 'a'"),
        ({"categories": {1: 1}}, "categories holds integer values"),
        ({"categories": {"a": 1.5}}, "Column 'categories' of categories holds float values"),
        ({"categories": pd.DataFrame({"id": ["a"]})}, "no column 'x0' of ids; it has 'id'"),
        ({"categories": pd.DataFrame({"x0": ["a"]})}, "no column of categories; it has 'x0'"),
        ({"categories": pd.Series([1, 2], index=["a", "a"])}, "categories names 'a' 2 times"),
    ],
    ids=str,
)
def test_wrong_diversity(options, message):
    with pytest.raises(ValueError, match=message):
        MostFrequent().fit(LOG).predict_top_k(LOG, k=1, **options)
