"""compare_models: corrected t tests against a plain reference, seeds, names, bad input."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skbseq import SequenceVectorizer
from skbseq.inspection import ModelComparison, compare_models
from skbseq.inspection._comparison import corrected_t

X, y = make_classification(90, 4, random_state=1)
TREE, LOGISTIC = DecisionTreeClassifier(max_features=1), LogisticRegression()


def plain_test(differences, ratio):
    """Nadeau and Bengio's test, written with loops."""
    n = len(differences)
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
    t = mean / ((1 / n + ratio) * variance) ** 0.5
    return mean, 2 * stats.t.cdf(-abs(t), n - 1)


def test_differences_equal_a_plain_reference():
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    models = {"logistic": LOGISTIC, "constant": DummyClassifier()}
    table = compare_models(models, X, y, cv=cv, scoring="roc_auc").frame("pyarrow").to_pylist()
    scores = []
    for train, test in cv.split(X, y):
        scored = LogisticRegression().fit(X[train], y[train]).decision_function(X[test])
        ranks = stats.rankdata(scored)
        n_positive = y[test].sum()
        above = ranks[y[test] == 1].sum() - n_positive * (n_positive + 1) / 2
        scores.append(above / (n_positive * (len(test) - n_positive)))
    mean, p_value = plain_test([0.5 - score for score in scores], ratio=0.5)
    assert table[0]["mean"] == pytest.approx(np.mean(scores))
    assert table[1]["difference"] == pytest.approx(mean)
    assert table[1]["p_value"] == table[1]["p_holm"] == pytest.approx(p_value)
    assert table[0]["p_value"] is None or np.isnan(table[0]["p_value"])


def test_interval_and_p_value_agree(rng):
    values = rng.normal(0.5, 1, (200, 6))
    _, low, high, p = corrected_t(values, 0.2, 0.9)
    np.testing.assert_array_equal((low > 0) | (high < 0), p < 0.1)


def test_false_alarms_are_as_rare_as_the_level_says(rng):
    # 10 repeats of a hold-out: samples of two splits overlap, so the plain t test alarms often.
    n_alarms, n_plain, n_trials = 0, 0, 400
    for _ in range(n_trials):
        losses = rng.normal(size=100)
        tests = np.array([rng.permutation(100)[:20] for _ in range(10)])
        differences = losses[tests].mean(axis=1)
        n_alarms += corrected_t(differences[None], 0.25, 0.95)[3][0] < 0.05
        n_plain += stats.ttest_1samp(differences, 0).pvalue < 0.05
    assert n_alarms < 0.1 * n_trials < 0.2 * n_trials < n_plain


def test_equal_models_have_p_value_1():
    result = compare_models([LOGISTIC, LogisticRegression()], X, y, cv=3)
    row = result.frame("pyarrow").to_pylist()[1]
    assert row["model"] == "LogisticRegression 2"
    assert (row["difference"], row["p_value"]) == (0, 1)


def test_holm_corrects_for_the_number_of_models():
    models = {"a": LOGISTIC, "b": DummyClassifier(), "c": DecisionTreeClassifier(max_depth=1)}
    table = compare_models(models, X, y, cv=5, seeds=1).frame()
    p, corrected = table["p_value"].to_numpy()[1:], table["p_holm"].to_numpy()[1:]
    small = np.argmin(p)
    assert corrected[small] == pytest.approx(2 * p[small])
    assert corrected[1 - small] == pytest.approx(max(p[1 - small], 2 * p[small]))


def test_best_model_is_the_reference():
    models = {"constant": DummyClassifier(), "logistic": LOGISTIC}
    result = compare_models(models, X, y, cv=3, reference="best")
    assert result.reference == "logistic"
    assert np.isnan(result.frame()["difference"][1]) and result.frame()["difference"][0] < 0


class _SeedScore(ClassifierMixin, BaseEstimator):
    """Predicts well for an even seed only."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y):
        return float(self.random_state % 2 == 0)


def test_seeds_reach_the_last_step_of_a_pipeline():
    models = {"seeded": make_pipeline(StandardScaler(), _SeedScore()), "none": LOGISTIC}
    models["none"] = make_pipeline(StandardScaler(), DummyClassifierWithoutSeed())
    result = compare_models(models, X, y, cv=2, seeds=[4, 7, 9])
    assert result.scores[0].tolist() == [[1, 0, 0], [1, 0, 0]]
    table = result.frame("pyarrow").to_pylist()
    assert [row["n_fits"] for row in table] == [6, 2]
    assert table[0]["seed_std"] == pytest.approx(np.std([1, 0, 0], ddof=1))
    details = result.details("pyarrow").to_pylist()
    assert [row["seed"] for row in details] == [4, 7, 9, 4, 7, 9, None, None]
    assert models["seeded"][-1].random_state is None


class DummyClassifierWithoutSeed(ClassifierMixin, BaseEstimator):
    """Predicts the first class."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_sequence_frames_of_each_library(frame_lib):
    frame = frame_lib.make({"what": [["a", "b"], ["b"], ["c"]] * 8, "user": list(range(24))})
    labels = [1, 0, 0] * 8
    models = [make_pipeline(SequenceVectorizer(), TREE), DummyClassifier()]
    result = compare_models(models, frame, labels, cv=2, seeds=2)
    assert result.names == ["DecisionTreeClassifier", "DummyClassifier"]
    assert result.frame(frame_lib.name)["mean"].to_numpy()[0] == 1
    assert result.details("pyarrow").num_rows == 4 + 4


def test_groups_reach_the_splitter():
    groups = np.arange(90) // 30
    result = compare_models([TREE, LOGISTIC], X, y, cv=GroupKFold(3), groups=groups, seeds=1)
    assert result.scores.shape == (2, 3, 1)
    assert result.test_ratio == pytest.approx(0.5)


def test_one_line():
    result = ModelComparison(
        names=["a", "b"],
        scores=np.array([[[0.5, 0.5], [0.6, 0.6]], [[0.7, 0.7], [0.9, 0.9]]]),
        n_fits=[4, 4],
        test_ratio=0.1,
        score_name="accuracy",
        reference="a",
        seeds=[0, 1],
    )
    line = str(result)
    assert line.startswith("accuracy, 2 splits x 2 seeds, against a: a 0.550 [")
    assert "(+0.250, p = " in line and "\n" not in line
    assert line in repr(result)


BAD = {
    "one model": (([LOGISTIC],), {}, ValueError, "at least two"),
    "class": (({"a": LogisticRegression, "b": TREE},), {}, TypeError, r"LogisticRegression\(\)"),
    "no estimator": (([LOGISTIC, "tree"],), {}, TypeError, "must be an estimator"),
    "no dict": ((LOGISTIC,), {}, TypeError, "must be a dict"),
    "name": (({1: LOGISTIC, "b": TREE},), {}, TypeError, "names of models"),
    "mixed": (([LOGISTIC, DummyRegressor()],), {}, ValueError, "models of one kind"),
    "seed": (([TREE, LOGISTIC],), {"seeds": [-1]}, ValueError, "from 0 to"),
    "no seeds": (([TREE, LOGISTIC],), {"seeds": 0}, ValueError, "at least 1"),
    "seed twice": (([TREE, LOGISTIC],), {"seeds": [1, 1]}, ValueError, "twice"),
    "level": (([TREE, LOGISTIC],), {"level": 1}, ValueError, "level"),
    "scoring": (([TREE, LOGISTIC],), {"scoring": ["r2"]}, ValueError, "one score"),
    "unknown score": (([TREE, LOGISTIC],), {"scoring": "auc"}, ValueError, "scoring"),
    "reference": (([TREE, LOGISTIC],), {"reference": "x"}, ValueError, "'first', 'best'"),
    "cv": (([TREE, LOGISTIC],), {"cv": "five"}, ValueError, "number of splits"),
    "one split": (([TREE, LOGISTIC],), {"cv": [([0, 1], [2])]}, ValueError, "at least two"),
    "fit fails": (
        ([TREE, DecisionTreeClassifier(max_depth=-1)],),
        {"cv": 2, "seeds": [3]},
        ValueError,
        "'DecisionTreeClassifier 2' could not be fitted or scored with seed 3: .*max_depth",
    ),
}


@pytest.mark.parametrize(("args", "options", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_input(args, options, kind, message):
    with pytest.raises(kind, match=message):
        compare_models(*args, X, y, **options)


def test_a_score_that_is_not_finite_is_an_error():
    def score(model, X, y):
        return np.nan

    with pytest.raises(ValueError, match="'DecisionTreeClassifier' has the score nan on split 0"):
        compare_models([TREE, LOGISTIC], X, y, cv=StratifiedKFold(2), scoring=score)
