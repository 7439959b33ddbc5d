"""compare_models: corrected t tests against a plain reference, seeds, names, bad input."""

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
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
from skbseq.inspection._comparison_bootstrap import mean_of_draws

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


def test_bootstrap_equals_a_plain_loop(rng):
    users = np.repeat(np.arange(30), 3)
    cv = list(GroupKFold(3).split(X, y, users))
    models = {"logistic": LOGISTIC, "constant": DummyClassifier(strategy="prior")}
    comparison = compare_models(
        *(models, X, y),
        cv=cv,
        scoring="neg_log_loss",
        interval="bootstrap",
        users=[f"user {u}" for u in users],
        n_bootstrap=20,
        level=0.8,
        random_state=5,
    )
    counts = np.random.RandomState(5).multinomial(30, np.full(30, 1 / 30), 20)
    fitted = [
        [clone(model).fit(X[train], y[train]) for train, _ in cv] for model in models.values()
    ]
    expected = []
    for times in counts:
        means = []
        for of_splits in fitted:
            scores = []
            for model, (_, test) in zip(of_splits, cv, strict=True):
                rows = [row for row in test for _ in range(times[users[row]])]
                p = model.predict_proba(X[rows])
                scores.append(np.mean(np.log(p[np.arange(len(rows)), y[rows]])))
            means.append(np.mean(scores))
        expected.append(means)
    expected = np.array(expected)
    np.testing.assert_allclose(comparison.draws, expected.T)
    row = comparison.frame("pyarrow").to_pylist()[1]
    difference = expected[:, 1] - expected[:, 0]
    assert row["difference_low"] == pytest.approx(np.quantile(difference, 0.1))
    assert row["high"] == pytest.approx(np.quantile(expected[:, 1], 0.9))
    assert row["p_value"] == pytest.approx(2 * (1 + (difference >= 0).sum()) / 21)
    assert ", bootstrap by user, against logistic" in str(comparison)
    plain = compare_models(models, X, y, cv=cv, scoring="neg_log_loss").frame("pyarrow")
    assert plain["mean"].to_pylist() == comparison.frame("pyarrow")["mean"].to_pylist()


@pytest.mark.parametrize(
    "scoring", ["roc_auc", "accuracy", None, lambda e, X, y: (e.predict(X) == y).mean()]
)
def test_bootstrap_takes_every_kind_of_score(scoring):
    rows = slice(0, 40)
    models = [LOGISTIC, DummyClassifier(strategy="prior")]
    found = compare_models(
        *(models, X[rows], y[rows]),
        cv=4,
        scoring=scoring,
        interval="bootstrap",
        n_bootstrap=20,
        random_state=0,
    )
    table = found.frame()
    assert found.draws.shape == (2, 20)
    assert (table["low"] <= table["mean"]).all() and (table["mean"] <= table["high"]).all()
    assert table["difference_high"][1] < 0 and table["p_value"][1] == pytest.approx(2 / 21)


def test_users_vary_more_than_their_samples():
    # Each user has ten equal samples, so there are 12 observations and not 120.
    users = np.repeat(np.arange(12), 10)
    many, labels = np.repeat(X[:12], 10, axis=0), np.repeat(y[:12], 10)
    options = {"cv": [(np.arange(120), np.arange(120))] * 2, "scoring": "neg_brier_score"}
    options |= {"interval": "bootstrap", "n_bootstrap": 60, "random_state": 0}
    models = [LogisticRegression(C=1e-3), DummyClassifier(strategy="prior")]
    by_user = compare_models(models, many, labels, groups=users, **options).draws[0].std()
    by_sample = compare_models(models, many, labels, **options).draws[0].std()
    assert 2 < by_user / by_sample < 5  # about the root of 10


def test_splits_without_a_score_are_left_out_of_the_draw():
    scores = np.array([[[[1.0, np.nan]], [[3, 5]]], [[[0, 0]], [[0, np.nan]]]])
    assert mean_of_draws(scores).tolist() == [[2.0], [0.0]]
    with pytest.raises(ValueError, match="undefined in 2 of 2 draws"):
        mean_of_draws(np.full((2, 2, 1, 2), np.nan))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interval": "normal"}, "interval"),
        ({"users": y}, 'users is for interval="bootstrap"'),
        ({"interval": "bootstrap", "users": y[1:]}, "users holds 89 values for 90 samples"),
        ({"interval": "bootstrap", "users": [None, *"ab" * 44, "c"]}, "missing for sample 0"),
        ({"interval": "bootstrap", "users": ["a"] * 90}, "names one user only"),
        ({"interval": "bootstrap", "n_bootstrap": 5}, "n_bootstrap .* at least 20"),
    ],
)
def test_bad_options_of_the_bootstrap(options, message):
    with pytest.raises(ValueError, match=message):
        compare_models([LOGISTIC, DummyClassifier()], X, y, **options)


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
