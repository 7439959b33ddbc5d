"""Ranked lists of next-event models: what each row may choose from."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbseq import MarkovChain, MostFrequent

LOG = [["a", "b", "c", "a"], ["b", "c"], ["d", "a", "b"], []]
SEEN = ["a", "b", "c", "d"]


def lists_of(table):
    return [list(row) for row in table.iloc[:, 0]]


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
