"""Explanations: contributions with known values, all kinds of models, and bad input."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skbseq import MarkovChain, SequenceVectorizer
from skbseq.exceptions import SequenceFrameError
from skbseq.inspection import (
    channel_importance,
    counterfactual_events,
    deletion_insertion,
    explain_events,
)

mpl.use("Agg")
WEIGHT = {"view": 0.5, "cart": 2.0, "exit": -1.0, "buy": 0.0, None: 0.25}


class Sums(RegressorMixin, BaseEstimator):
    """Sums of the weights of events: the contribution of each is its weight."""

    def fit(self, X, y=None):
        self.is_fitted_ = True
        return self

    def predict(self, X):
        what = X["what"]
        lists = what.to_pylist() if hasattr(what, "to_pylist") else what.to_list()
        return np.array([sum(WEIGHT[event] for event in row) for row in lists])


class Both(Sums):
    """Log-odds of 3 where view and cart come both, else 0: no event alone makes a difference."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X):
        logit = np.array([3.0 * ({"view", "cart"} <= set(row)) for row in X["what"]])
        yes = 1 / (1 + np.exp(-logit))
        return np.column_stack([1 - yes, yes])


class Labels(ClassifierMixin, Sums):
    """A classifier with predict alone."""

    classes_ = np.array(["loses", "wins"])

    def predict(self, X):
        return self.classes_[(super().predict(X) > 0).astype(int)]


HISTORIES = [["view", "cart", "exit"], [], ["exit"], ["view", "view", "exit", "exit"]]


def make_counts(estimator):
    return make_pipeline(
        SequenceVectorizer(), SimpleImputer(keep_empty_features=True), StandardScaler(), estimator
    )


@pytest.fixture
def frame():
    return pd.DataFrame({"what": HISTORIES})


@pytest.fixture(scope="module")
def shop():
    """Histories that end well if the last event is a cart, and a model of counts."""
    rng = np.random.default_rng(0)
    events = np.array(["view", "cart", "exit"])
    histories = [events[rng.integers(0, 3, rng.integers(2, 7))].tolist() for _ in range(120)]
    start = np.datetime64("2026-03-01T00:00", "us")
    X = pd.DataFrame(
        {
            "user_id": [f"u{i}" for i in range(len(histories))],
            "cutoff": [start + np.timedelta64(i, "D") for i in range(len(histories))],
            "what": histories,
            "when": [
                [
                    start + np.timedelta64(24 * i - (1 + i % 5) * (len(h) - j), "h")
                    for j in range(len(h))
                ]
                for i, h in enumerate(histories)
            ],
            "colour": [events[rng.integers(0, 3, len(h))].tolist() for h in histories],
        }
    )
    y = np.array([h.count("cart") > h.count("exit") for h in histories])
    return X, y, make_counts(LogisticRegression(max_iter=1000)).fit(X, y)


# ------------------------------------------------------------------ contributions


@pytest.mark.parametrize("method", ["removal", "shapley"])
def test_contributions_of_a_sum_are_its_parts(frame_lib, method):
    X = frame_lib.make({"what": HISTORIES})
    explanation = explain_events(Sums().fit(X), X, method=method, random_state=0)
    expected = [[WEIGHT[event] for event in row] for row in HISTORIES]
    table = frame_lib.make({"c": [[0.0]]})  # so that the column has a table of its library
    assert type(explanation.frame()) is type(table)
    column = explanation.contributions
    found = column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()
    for row, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(row, wanted, atol=1e-12)
    np.testing.assert_allclose(explanation.values, [sum(row) for row in expected])
    assert explanation.baselines.tolist() == [0, 0, 0, 0]
    assert explanation.unit == "prediction" and explanation.targets is None


def test_shapley_shares_out_what_events_do_together(frame):
    model = Both().fit(frame)
    X = pd.DataFrame({"what": [["view", "buy", "cart"]]})
    removal = explain_events(model, X)
    shapley = explain_events(model, X, method="shapley", max_evals=1000, random_state=0)
    # Removal counts what both do twice, and Shapley once.
    np.testing.assert_allclose(removal.flat, [3, 0, 3], atol=1e-9)
    assert shapley.flat[1] == 0
    np.testing.assert_allclose(shapley.flat.sum(), 3)
    assert 0 < shapley.flat[0] < 3


def test_shapley_is_exact_for_two_events_and_adds_up(shop):
    X, _, model = shop
    X = X.iloc[:40]
    explanation = explain_events(model, X, method="shapley", random_state=0)
    sums = [row.sum() for row in np.split(explanation.flat, np.cumsum(explanation.lengths)[:-1])]
    np.testing.assert_allclose(sums, explanation.values - explanation.baselines)
    again = explain_events(model, X, method="shapley", random_state=0)
    np.testing.assert_array_equal(explanation.flat, again.flat)
    two = X[explanation.lengths == 2]
    one, other = (explain_events(model, two, method="shapley", random_state=s) for s in (1, 2))
    np.testing.assert_allclose(one.flat, other.flat)


def test_removal_is_the_difference_of_log_odds(shop):
    X, _, model = shop
    explanation = explain_events(model, X.iloc[:5])
    for row in range(5):
        history = X.iloc[[row]]
        n = len(history["what"].iloc[0])
        for event in range(n):
            less = history.copy()
            for name in ("what", "when", "colour"):
                values = list(history[name].iloc[0])
                less[name] = pd.Series([values[:event] + values[event + 1 :]], index=less.index)
            odds = [
                np.subtract(*model.predict_log_proba(each)[0, ::-1]) for each in (history, less)
            ]
            at = explanation.lengths[:row].sum() + event
            assert explanation.flat[at] == pytest.approx(odds[0] - odds[1], abs=1e-9)


def test_a_target_is_a_class_or_one_for_each_row(shop):
    X, _, model = shop
    X = X.iloc[:3]
    second, first = explain_events(model, X), explain_events(model, X, target=False)
    np.testing.assert_allclose(first.flat, -second.flat)
    mixed = explain_events(model, X, target=[True, False, True])
    signs = np.repeat([1, -1, 1], mixed.lengths)
    np.testing.assert_allclose(mixed.flat, signs * second.flat)
    assert mixed.targets.tolist() == [True, False, True]


def test_models_without_probabilities(shop):
    X, y, _ = shop
    machine = make_counts(LinearSVC(random_state=0)).fit(X, y)
    explanation = explain_events(machine, X.iloc[:4])
    assert explanation.unit == "decision"
    np.testing.assert_allclose(explanation.values, machine.decision_function(X.iloc[:4]))
    labels = Labels().fit(X)
    explanation = explain_events(labels, pd.DataFrame({"what": [["cart", "exit"], ["exit"]]}))
    assert explanation.unit == "match" and explanation.targets.tolist() == ["wins", "loses"]
    assert explanation.flat.tolist() == [1, 0, 0]


def test_probabilities_that_do_not_add_up_are_of_labels():
    class Tags(Both):
        classes_ = np.arange(2)

        def predict_proba(self, X):
            return np.array([[0.9, 0.8] if row else [0.5, 0.2] for row in X["what"]])

    X = pd.DataFrame({"what": [["view"]]})
    with pytest.raises(ValueError, match=r"predicts 2 labels per history.*one of 0, 1"):
        explain_events(Tags().fit(X), X)
    explanation = explain_events(Tags().fit(X), X, target=1)
    assert explanation.flat == pytest.approx(np.log([4 / 0.25]))


def test_searches_and_next_events(shop):
    X, y, _ = shop
    search = GridSearchCV(
        make_counts(LogisticRegression(max_iter=1000)),
        {"logisticregression__C": [1.0]},
        cv=2,
    ).fit(X, y)
    assert np.isfinite(explain_events(search, X.iloc[:3]).flat).all()
    chain = MarkovChain(target="what").fit(X)
    explanation = explain_events(chain, X.iloc[:3])
    assert explanation.targets.tolist() == chain.predict(X.iloc[:3]).tolist()
    # Only the last event decides what a chain of order one predicts.
    before_last = np.delete(explanation.flat, np.cumsum(explanation.lengths) - 1)
    np.testing.assert_allclose(before_last, 0, atol=1e-12)
    told = explain_events(chain, X.iloc[:3], target="exit")
    assert told.targets.tolist() == ["exit"] * 3


def test_batches_do_not_change_contributions(shop, monkeypatch):
    X, _, model = shop
    whole = explain_events(model, X)
    monkeypatch.setattr("skbseq.inspection._subsets._EVENTS_AT_ONCE", 7)
    np.testing.assert_allclose(
        explain_events(model, X.iloc[:8]).flat, whole.flat[: whole.lengths[:8].sum()]
    )


def test_lists_of_lists_and_text():
    X = [["view", "cart"], ["exit"]]
    model = MarkovChain().fit(X)
    explanation = explain_events(model, X)
    assert explanation.frame().columns.tolist() == ["row", "x0", "contribution"]
    assert "2 histories by removal" in repr(explanation)


# ------------------------------------------------------------------ in words


def test_frame_has_raw_values(shop):
    X, _, model = shop
    table = explain_events(model, X.iloc[5:7]).frame()
    assert list(table) == ["row", "user_id", "cutoff", "what", "when", "colour", "contribution"]
    assert table["what"].tolist() == [*X["what"].iloc[5], *X["what"].iloc[6]]
    assert table["user_id"].iloc[0] == "u5" and table["row"].iloc[-1] == 1


def test_sentences_name_the_largest_contributions():
    X = pd.DataFrame(
        {
            "cutoff": pd.to_datetime(["2026-03-01", "2026-03-01", "2026-03-01"]),
            "what": [["exit", "buy", "cart", "view"], [], ["view"]],
            "when": [
                pd.to_datetime(
                    [
                        "2026-01-31T00:00",
                        "2026-02-01T00:00",
                        "2026-02-28T12:00",
                        "2026-02-28T23:59",
                    ]
                ).tolist(),
                [],
                [None],
            ],
        }
    )
    explanation = explain_events(Sums().fit(X), X)
    assert explanation.top(3) == [
        [
            "cart 12 hours before: +2.00",
            "exit 29 days before: −1.00",
            "view 60 seconds before: +0.50",
        ],
        [],
        ["view at an unknown time: +0.50"],
    ]
    assert explanation.top(1, cutoff="none") == [
        ["cart on 2026-02-28 12:00: +2.00"],
        [],
        ["view at an unknown time: +0.50"],
    ]
    bare = explain_events(Sums().fit(X), X[["what"]])
    assert bare.top(1) == [["cart (event 3 of 4): +2.00"], [], ["view (event 1 of 1): +0.50"]]
    with pytest.raises(SequenceFrameError, match="columns='which' is not one of the list columns"):
        explanation.top(columns="which")
    with pytest.raises(ValueError, match="n must be a whole number of at least 1"):
        explanation.top(0)


def test_names_of_the_result_must_be_free(frame):
    X = frame.assign(row=0)
    with pytest.raises(SequenceFrameError, match=r"X has a column 'row'.*Rename it"):
        explain_events(Sums().fit(X), X).frame()


# ------------------------------------------------------------------ bad input


def test_bad_input_of_explain_events(shop):
    X, y, model = shop
    unfitted = make_pipeline(SequenceVectorizer(), LogisticRegression())
    with pytest.raises(NotFittedError):
        explain_events(unfitted, X)
    with pytest.raises(TypeError, match="model must be a fitted estimator; got 'lstm'"):
        explain_events("lstm", X)
    with pytest.raises(TypeError, match="SequenceVectorizer has none of predict_proba"):
        explain_events(model[0], X)
    with pytest.raises(ValueError, match=r"target='gone' is not one of .*: False, True"):
        explain_events(model, X, target="gone")
    with pytest.raises(ValueError, match=r"target='x' \(row 1\) is not one of"):
        explain_events(model, X.iloc[:2], target=[True, "x"])
    with pytest.raises(ValueError, match="target has 1 values for the 120 rows"):
        explain_events(model, X, target=[True])
    with pytest.raises(ValueError, match=r"predicts one number.*Leave target at None"):
        explain_events(Sums().fit(X), X, target=1)
    with pytest.raises(SequenceFrameError, match="X has no rows"):
        explain_events(model, X.iloc[:0])
    with pytest.raises(SequenceFrameError, match="X must be a sequence frame"):
        explain_events(model, np.zeros((3, 4)))
    with pytest.raises(ValueError, match="method must be one of 'removal'"):
        explain_events(model, X, method="lime")
    fragile = make_pipeline(SequenceVectorizer(), LogisticRegression()).fit(X[["what"]], y)
    with pytest.raises(ValueError, match=r"(?s)not if events are left out.*SimpleImputer"):
        explain_events(fragile, X[["what"]])
    with pytest.raises(TypeError, match=r"got LogisticRegression\. Use method='removal'"):
        explain_events(model, X, method="gradients")


def test_shapley_says_its_cost_before_it_begins(frame):
    X = pd.DataFrame({"what": [["view"], ["view"] * 10_000]})
    with pytest.raises(SequenceFrameError, match=r"Row 1 has 10,000 events.* 19,998 predictions"):
        explain_events(Both().fit(frame), X, method="shapley")
    few = pd.DataFrame({"what": [["view", "cart", "exit", "exit"]]})
    with pytest.raises(SequenceFrameError, match="Pass max_evals=6"):
        explain_events(Sums().fit(few), few, method="shapley", max_evals=5)
    explanation = explain_events(Sums().fit(few), few, method="shapley", max_evals=6)
    np.testing.assert_allclose(explanation.flat, [0.5, 2, -1, -1])


class Untouched(Sums):
    """A model that must not be asked."""

    def predict(self, X):
        raise AssertionError("asked before the cost was said")


def test_removal_says_its_cost_before_it_begins(monkeypatch):
    X = pd.DataFrame({"what": [["view"], ["view"] * 10_000]})
    match = r"Row 1 has 10,000 events.* 10,000 predictions, which read 99,990,000 events"
    with pytest.raises(SequenceFrameError, match=match):
        explain_events(Untouched().fit(X), X, max_evals=9_999)
    match = r"10,001 predictions, which read 99,990,000 events; row 1 alone has 10,000 events"
    with (
        pytest.warns(UserWarning, match=match),
        pytest.raises(AssertionError, match="asked before"),
    ):
        explain_events(Untouched().fit(X), X)
    with pytest.raises(AssertionError, match="asked before"):  # the advice: no warning
        explain_events(Untouched().fit(X), X, max_evals=10_000)


def test_forests_of_certain_probabilities_stay_finite(shop):
    class Certain(Both):
        def predict_proba(self, X):
            return np.round(super().predict_proba(X))

    X = pd.DataFrame({"what": [["view", "cart"]]})
    assert explain_events(Certain().fit(X), X).flat == pytest.approx(np.log([1e9, 1e9]))


# ------------------------------------------------------------------ counterfactuals


def test_counterfactuals_are_named_as_asked():
    X = pd.DataFrame({"what": [["view", "cart"]], "where": [["web", "app"]]})
    days = pd.to_datetime(["2026-01-01", "2026-01-03"])
    X = X.assign(seen=[list(days)], sent=[list(days + pd.Timedelta("1D"))])
    X = X.assign(asked=pd.Timestamp("2026-01-10"), cutoff=pd.Timestamp("2026-02-01"))
    find = lambda **names: counterfactual_events(  # noqa: E731
        Sums().fit(X), X, threshold=1.0, **names
    )["described"].tolist()
    assert find() == [["cart, app 29 days before"]]
    names = {"columns": "where", "time": "sent", "cutoff": "asked"}
    assert find(**names) == [["app 6 days before"]]
    with pytest.raises(SequenceFrameError, match="columns='x' is not one of the list columns"):
        counterfactual_events(Untouched().fit(X), X, columns=["x"])


def test_counterfactuals_are_small(frame_lib):
    X = frame_lib.make(
        {"what": [["view", "cart", "exit"], ["exit", "view"], ["cart", "cart", "view"]]}
    )
    found = counterfactual_events(Sums().fit(X), X, threshold=1.0)
    rows = frame_lib.to_pylist(found)
    assert [row["events"] for row in rows] == [[1], [0], [0, 1]]
    assert rows[0]["described"] == ["cart (event 2 of 3)"]
    # The second row can be no more than 0.5.
    assert [row["turned"] for row in rows] == [True, False, True]
    assert [row["before"] for row in rows] == [1.5, -0.5, 4.5]
    assert [row["after"] for row in rows] == [-0.5, 0.5, 0.5]


def test_counterfactuals_turn_the_predicted_class(shop):
    X, _, model = shop
    found = counterfactual_events(model, X, max_events=6)
    assert found["turned"].any() and found.index.equals(X.index)
    for row in range(20):
        removed = set(found["events"].iloc[row])
        history = X.iloc[[row]].copy()
        for name in ("what", "when", "colour"):
            values = history[name].iloc[0]
            left = [value for i, value in enumerate(values) if i not in removed]
            history[name] = pd.Series([left], index=history.index)
        turned = model.predict(history)[0] != model.predict(X.iloc[[row]])[0]
        assert turned == found["turned"].iloc[row]


def test_events_that_are_not_needed_are_put_back():
    class Odd(Sums):
        """The best first step, without c, is not needed in the end: without a and b it turns."""

        def predict(self, X):
            table = {"abc": 9, "bc": 8, "ac": 8, "ab": 6, "c": -1, "b": 3, "a": 3, "": -2}
            return np.array([table["".join(row)] for row in X["what"]], float)

    X = pd.DataFrame({"what": [["a", "b", "c"]]})
    found = counterfactual_events(Odd().fit(X), X, threshold=0.0)
    assert found["events"].tolist() == [[0, 1]] and found["after"].tolist() == [-1]


def test_bad_input_of_counterfactuals(shop):
    X, _, model = shop
    with pytest.raises(ValueError, match="Give a threshold"):
        counterfactual_events(Sums().fit(X), X)
    with pytest.raises(ValueError, match=r"threshold=1\.5 is a probability here"):
        counterfactual_events(model, X, threshold=1.5)
    with pytest.raises(ValueError, match="threshold must be a finite number; got 'x'"):
        counterfactual_events(model, X, threshold="x")
    with pytest.raises(ValueError, match="max_events must be a whole number of at least 1"):
        counterfactual_events(model, X, max_events=0)


# ------------------------------------------------------------------ faithfulness


def test_areas_of_a_sum_are_known():
    X = pd.DataFrame({"what": [["cart", "exit"], []]})
    model = Sums().fit(X)
    result = deletion_insertion(model, X, explain_events(model, X), n_steps=2, random_state=0)
    # Chosen order: 1, without the cart -1, without both 0. Reversed: 1, 2, 0.
    np.testing.assert_allclose(result.deletion["chosen"], [1, -1, 0])
    np.testing.assert_allclose(result.deletion["reversed"], [1, 2, 0])
    np.testing.assert_allclose(result.insertion["chosen"], [0, 2, 1])
    np.testing.assert_allclose(result.gaps, [1.25 - -0.25, np.nan])
    assert result.frame()["deletion"].tolist()[:2] == [-0.25, 1.25]
    assert not result.is_faithful  # of one row there is no interval


def test_shuffled_contributions_are_not_faithful(shop):
    X, _, model = shop
    explanation = explain_events(model, X)
    result = deletion_insertion(model, X, explanation, random_state=0)
    assert result.is_faithful and result.gap > 10 * abs(result.random_gap)
    assert "faithful" in repr(result)
    rng = np.random.default_rng(0)
    rows = np.split(explanation.flat, np.cumsum(explanation.lengths)[:-1])
    shuffled = [rng.permutation(row) for row in rows]
    result = deletion_insertion(model, X, shuffled, random_state=0)
    assert not result.is_faithful and "not shown to be faithful" in repr(result)


def test_bad_contributions(shop):
    X, _, model = shop
    explanation = explain_events(model, X)
    with pytest.raises(SequenceFrameError, match="contributions has 120 rows and X has 3"):
        deletion_insertion(model, X.iloc[:3], explanation)
    one = pd.DataFrame({"what": [["view", "cart"]]})
    with pytest.raises(SequenceFrameError, match="Row 0 has 1 contributions and 2 events"):
        deletion_insertion(Sums().fit(one), one, [[1.0]])
    with pytest.raises(SequenceFrameError, match="Row 0 of contributions holds a missing"):
        deletion_insertion(Sums().fit(one), one, [[1.0, None]])
    with pytest.raises(SequenceFrameError, match="must be an EventExplanation or a list column"):
        deletion_insertion(Sums().fit(one), one, [1.0])
    empty = pd.DataFrame({"what": pd.Series([[]])})
    with pytest.raises(ValueError, match="No row of X has an event"):
        deletion_insertion(Sums().fit(one), one.assign(what=empty["what"]), [[]])


# ------------------------------------------------------------------ importance


def test_importance_finds_the_channel_that_counts(shop):
    X, y, model = shop
    options = {"scoring": "roc_auc", "n_repeats": 2, "random_state": 0}
    importance = channel_importance(model, X, y, **options)
    table = importance.frame().set_index("channel")
    assert table.index[0] == "what" and table.loc["what", "importance"] > 0.2
    assert abs(table.loc["colour", "importance"]) < 0.1
    assert table.loc["user_id", "importance"] == 0
    assert set(table.index) == {"user_id", "what", "when", "colour", "(order)"}
    assert importance.importances.shape == (5, 2) and importance.score > 0.9
    again = channel_importance(model, X, y, **options)
    np.testing.assert_array_equal(importance.importances, again.importances)


def test_channels_are_exchanged_between_rows_of_one_length(frame_lib):
    class Spy(Sums):
        seen = []

        def score(self, X, y):
            self.seen.append(frame_lib.to_pylist(X))
            return 0.0

    rows = {
        "what": [["a", "b"], ["c", "d"], ["e", "f"], ["g"]],
        "price": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0]],
        "age": [30, 40, 50, 60],
    }
    X = frame_lib.make(rows)
    model = Spy().fit(X)
    groups = {"both": ["what", "price"], "what": ["what"], "age": ["age"], "(order)": "(order)"}
    found = channel_importance(model, X, [0] * 4, groups=groups, n_repeats=20, random_state=0)
    of = dict(zip("abcdefg", range(1, 8), strict=True))
    both, what, age, order = (Spy.seen[1 + 20 * i : 21 + 20 * i] for i in range(4))
    for frame in both:
        for row in frame:  # jointly: the price belongs to its event
            assert [of[w] for w in row["what"]] == row["price"]
        assert frame[3]["what"] == ["g"]
    assert any(row["price"] != [of[w] for w in row["what"]] for frame in what for row in frame)
    assert all(frame[3]["what"] == ["g"] for frame in what)
    assert {tuple(row["age"] for row in frame) for frame in age} > {(30, 40, 50, 60)}
    pairs = [pair for f in order for pair in zip(f, rows["what"], strict=True)]
    assert all(sorted(row["what"]) == w for row, w in pairs)
    assert any(row["what"] != w for row, w in pairs)
    shares = dict(zip(found.names, found.own_shares, strict=True))
    same = [[row["what"] == w for row, w in zip(f, rows["what"], strict=True)] for f in what]
    assert shares["what"] == np.mean(same) and 0.25 <= shares["what"] < 1


def test_times_move_with_the_cutoff(shop):
    X, _, _ = shop
    seen = []

    class Spy(Sums):
        def score(self, X, y):
            seen.append(X)
            return 0.0

    channel_importance(Spy().fit(X), X, X.index, groups=["when"], n_repeats=1, random_state=0)
    ages = [
        [tuple(cutoff - pd.DatetimeIndex(times)) for cutoff, times in zip(*pair, strict=True)]
        for pair in ((frame["cutoff"], frame["when"]) for frame in (seen[1], X))
    ]
    assert ages[0] != ages[1] and sorted(ages[0]) == sorted(ages[1])


def test_bad_input_of_importance(shop):
    X, y, model = shop
    with pytest.raises(SequenceFrameError, match="groups names 'gone', which is not a column"):
        channel_importance(model, X, y, groups=["gone"])
    with pytest.raises(ValueError, match="groups is empty"):
        channel_importance(model, X, y, groups={})
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        channel_importance(model, X, y[:-1])
    with pytest.raises(ValueError, match="n_repeats must be a whole number"):
        channel_importance(model, X, y, n_repeats=0)
    with pytest.raises(TypeError, match="model must be a fitted estimator"):
        channel_importance(None, X, y)


# ------------------------------------------------------------------ pictures


def test_a_plot_has_the_numbers_of_its_row(frame_lib):
    start = pd.Timestamp("2026-03-01").to_pydatetime()
    hours = [[72, 5, 1], [], [2, 1]]
    X = frame_lib.make(
        {
            "cutoff": [start] * 3,
            "what": [["exit", "view", "cart"], [], ["cart", None]],
            "when": [[start - pd.Timedelta(hours=h).to_pytimedelta() for h in h] for h in hours],
        }
    )
    explanation = explain_events(Sums().fit(X), X)
    display = explanation.plot()
    assert [bar.get_height() for bar in display.bars_] == [-1, 0.5, 2]
    assert display.labels() == ["exit / 3 d", "view / 5 h", "cart / 60 min"]
    assert display.ax_.get_ylabel() == "Contribution (prediction)"
    assert display.ax_.get_title("left") == "prediction: +0.00 without events, +1.50 with all"
    display = explanation.plot(2, plt.figure().gca(), cutoff="none", color="gray")
    assert display.labels() == ["cart / 60 min", "event 2 / 0 s"]
    assert [bar.get_height() for bar in display.bars_] == [2, 0.25]
    assert len({bar.get_facecolor() for bar in display.bars_}) == 1
    assert len(explanation.plot(0, max_events=1).bars_) == 2
    with pytest.raises(ValueError, match="Row 1 has no events, so there is nothing to plot"):
        explanation.plot(1)
    with pytest.raises(ValueError, match="row must be at most 2; got 3"):
        explanation.plot(3)


def test_a_plot_of_removal_has_the_prediction_in_its_title():
    X = pd.DataFrame({"what": [["view", "buy", "cart"], ["cart"]]})
    display = explain_events(Both().fit(X), X).plot()
    assert display.labels() == ["view", "buy", "cart"]
    # Both events count for 3, and together as well: a sum of contributions would be 6.
    assert display.ax_.get_title("left") == (
        "log-odds of yes: +0.00 without events, +3.00 with all"
    )
