"""When a history ends: what is learned, against plain counts, and who has not ended."""

from contextlib import nullcontext

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss

from skbseq import MarkovChain, MostFrequent, NextBehaviorPredictor, SequenceEncoder, load, save

pytestmark = pytest.mark.steps("eager")
SMALL = {"network": "bag", "units": 8, "batch_size": 32, "random_state": 0, "end": True}


def pages(histories):
    return pa.table({"page": pa.array(histories, pa.list_(pa.string()))})


def sessions(n, seed=0):
    """Each ends with "pay"; only after "pay" does one end."""
    rng = np.random.default_rng(seed)
    return pages([[*rng.choice(["view", "cart"], rng.integers(0, 5)), "pay"] for _ in range(n)])


# ------------------------------------------------------------ counting models


def test_shares_of_plain_counts(frame_lib):
    histories = [["a", "b"], ["b", "b", None], ["a"], []]
    X = frame_lib.make({"page": pages(histories)["page"]})
    chain, everyone = MarkovChain(end=True).fit(X), MostFrequent(end=True).fit(X)
    share = 3.5 / 7  # of 6 events 3 are the last of a history
    assert everyone.predict_end_proba(X).tolist() == [share, share, share, 0]
    of_a, of_b = (1 + share) / 3, (1 + share) / 4
    asked = pages([["b", "a"], ["b"], ["z"], []])
    np.testing.assert_allclose(chain.predict_end_proba(asked), [of_a, of_b, share, 0])
    each = frame_lib.to_pylist(chain.predict_end_proba_each(X))
    assert [row["end"] for row in each] == [[of_a, of_b], [of_b, of_b, share], [of_a], []]


@pytest.mark.parametrize("model", [MarkovChain(end=True), MostFrequent(end=True)], ids=str)
def test_who_has_a_known_next_event_has_not_ended(model):
    X = pages([["a"], ["a"], ["a"]])
    before = model.fit(X).predict_end_proba(X)[0]
    after = model.fit(X, ["a", "a", None]).predict_end_proba(X)[0]
    assert before > 0.8 and 0.3 < after < 0.5


def test_other_predictions_are_not_changed_by_ends():
    X = sessions(9)
    with_ends, without = MarkovChain(end=True).fit(X), MarkovChain().fit(X)
    np.testing.assert_array_equal(with_ends.predict_proba(X), without.predict_proba(X))
    with pytest.raises(ValueError, match="MarkovChain has not learned when histories end"):
        without.predict_end_proba(X)
    again = with_ends.set_params(end=False).fit(X)
    with pytest.raises(ValueError, match="has not learned when histories end"):
        again.predict_end_proba_each(X)


# ------------------------------------------------------------ network


@pytest.fixture(scope="module")
def ending():
    return NextBehaviorPredictor(
        learning_rate=0.1, epochs=5, dropout=0, counting=None, **SMALL
    ).fit(sessions(90))


def test_a_network_learns_what_ends(ending, tmp_path):
    X = sessions(40, seed=1)
    each = ending.predict_end_proba_each(X)["end"].to_pylist()
    last = [[*[0] * (len(row) - 1), 1] for row in each]
    found, truth = np.concatenate(each), np.concatenate(last)
    baseline = MostFrequent(end=True).fit(sessions(90)).predict_end_proba_each(X)["end"]
    assert log_loss(truth, found) < 0.5 * log_loss(truth, np.concatenate(baseline.to_pylist()))
    np.testing.assert_allclose(ending.predict_end_proba(X), [row[-1] for row in each], rtol=1e-5)
    assert ending.predict_end_proba(pages([[]])).tolist() == [0]
    save(ending, tmp_path / "model")
    found = load(tmp_path / "model").predict_end_proba(X)
    np.testing.assert_array_equal(found, ending.predict_end_proba(X))


def test_next_ids_stay_conditional_on_one_more(ending):
    X = sessions(5, seed=1)
    assert "end" not in ending.classes_ and len(ending.classes_) == 3
    np.testing.assert_allclose(ending.predict_proba(X).sum(axis=1), 1)
    scores = ending.score_each(X)["score"].to_pylist()
    assert all(0 < score <= 1 for row in scores for score in row)


def test_paths_stop_where_histories_end(ending):
    X = pages([["view"], ["view", "pay"], []] * 40)
    paths = ending.sample_paths(X, 4, random_state=0)["page"].to_pylist()
    lengths = np.array([len(path) for path in paths])
    assert lengths.max() == 4 and lengths[2::3].min() >= 1  # an empty history does not end
    going = 1 - ending.predict_end_proba(X)
    assert going[1] < 0.3 and abs((lengths[1::3] > 0).mean() - going[1]) < 0.2
    surest = ending.sample_paths(X, 4, temperature=0)["page"].to_pylist()
    assert surest[1] == [] and surest[0]
    assert all(path[-1] == "pay" or len(path) == 4 for path in surest if path)


@pytest.mark.parametrize("y", [None, ["a", "new", None, None]], ids=["complete", "followed"])
def test_loss_of_plain_numpy(y):
    """Means over events; who is followed, also by a new id, has not ended."""
    X = pages([["a", "b"], ["b"], ["a", "a", "b"], []])
    options = SMALL | {"batch_size": 4, "optimizer": "sgd", "learning_rate": 1e-9}
    model = NextBehaviorPredictor(epochs=1, dropout=0, validation_split=0, **options)
    with pytest.warns(UserWarning, match="stand in no history") if y else nullcontext():
        model.fit(X, y)
    ids = np.log(np.concatenate(model.score_each(X)["score"].to_pylist()).astype(float))
    if y:
        ids = np.append(ids, np.log(model.predict_proba(pages([["a", "b"]]))[0, 0]))
    p = np.concatenate(model.predict_end_proba_each(X)["end"].to_pylist())
    ended = np.array([0, 0 if y else 1, 0 if y else 1, 0, 0, 1])
    expected = -ids.mean() - np.log(np.where(ended, p, 1 - p)).mean()
    assert model.history_["loss"] == pytest.approx([expected], rel=1e-4)


def test_ends_after_each_event_where_the_encoder_cuts():
    X = sessions(30)
    encoder = SequenceEncoder(max_length=2)
    model = NextBehaviorPredictor(encoder=encoder, epochs=1, counting=None, **SMALL).fit(X)
    rows = X["page"].to_pylist()
    cut = pages([row[: t + 1] for row in rows for t in range(len(row))])
    found = np.concatenate(model.predict_end_proba_each(X)["end"].to_pylist())
    np.testing.assert_allclose(found, model.predict_end_proba(cut), rtol=1e-5)
    each = np.concatenate(model.predict_each(X)["score"].to_pylist())
    np.testing.assert_allclose(each, model.predict_proba(cut).max(axis=1), rtol=1e-5)


def test_a_network_without_ends_says_so():
    X = sessions(9)
    model = NextBehaviorPredictor(epochs=1, **SMALL | {"end": False}).fit(X)
    with pytest.raises(ValueError, match="Fit it with end=True, on complete histories"):
        model.predict_end_proba(X)
    model.end = True  # without another fit
    with pytest.raises(ValueError, match="fitted with end=False"):
        model.predict_end_proba_each(X)
    assert [len(path) for path in model.sample_paths(X, 2)["page"].to_pylist()] == [2] * 9
