"""ConformalClassifier: coverage, its numbers by hand, and its place in scikit-learn."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    PredefinedSplit,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skbseq import (
    ConformalClassifier,
    LSTMBehaviorClassifier,
    SequenceEncoder,
    SequenceVectorizer,
    load,
    save,
)
from skbseq.model_selection import UserKFold

METHODS = pytest.mark.parametrize("method", ["lac", "aps"])


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are its features."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.n_seen_ = len(y)
        self.weight_ = sample_weight
        return self

    def predict_proba(self, X):
        return np.asarray(X)

    def predict(self, X):
        return self.classes_[np.asarray(X).argmax(axis=1)]


def given_classes(n_classes):
    return FrozenEstimator(Given().fit(None, np.arange(n_classes)))


def draw(rng, n, n_classes, *, confused=0.3):
    """Probabilities that are partly wrong, and labels."""
    truth = rng.dirichlet(np.ones(n_classes), n)
    y = (rng.random((n, 1)) > truth.cumsum(axis=1)).sum(axis=1)
    believed = (1 - confused) * truth + confused * rng.dirichlet(np.ones(n_classes), n)
    return believed, y


def covered(model, X, y):
    return model.predict_set(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]


# ---------------------------------------------------------------- coverage


@METHODS
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize(("n", "level"), [(19, 0.9), (50, 0.8)])
def test_coverage_is_that_of_the_theory(rng, method, n_classes, n, level):
    # Given the calibration samples the coverage is Beta(k, n + 1 - k), k the rank of the
    # quantile; of its mean over many draws five standard errors are allowed.
    model = ConformalClassifier(given_classes(n_classes), confidence_level=level, method=method)
    coverages = []
    for _ in range(400):
        model.fit(*draw(rng, n, n_classes))
        coverages.append(covered(model, *draw(rng, 200, n_classes)).mean())
    rank = math.ceil((n + 1) * level)
    expected = rank / (n + 1)
    error = math.sqrt(expected * (1 - expected) * (1 / (n + 2) + 1 / 200) / 400)
    assert level <= expected <= level + 1 / (n + 1)
    assert abs(np.mean(coverages) - expected) < 5 * error


def test_by_class_each_class_is_covered(rng):
    def draw_uneven(n):
        y = (rng.random(n) < 0.1).astype(int)
        p = np.clip(rng.normal(0.15 + 0.15 * y, 0.1), 0.01, 0.99)
        return np.column_stack([1 - p, p]), y

    marginal = ConformalClassifier(given_classes(2))
    by_class = clone(marginal).set_params(by_class=True)
    found = {False: [], True: []}
    for _ in range(60):
        samples, (X, y) = draw_uneven(800), draw_uneven(2000)
        for model in marginal, by_class:
            inside = covered(model.fit(*samples), X, y)
            found[model.by_class].append([inside[y == label].mean() for label in (0, 1)])
    assert np.mean(found[False], axis=0)[1] < 0.5  # the rare class pays for the frequent one
    assert (np.abs(np.mean(found[True], axis=0) - 0.9) < 0.02).all()


def test_a_better_classifier_has_smaller_sets(rng):
    sizes = []
    for confused in (0.8, 0.3, 0):
        model = ConformalClassifier(given_classes(5)).fit(*draw(rng, 3000, 5, confused=confused))
        sizes.append(model.predict_set(draw(rng, 3000, 5, confused=confused)[0]).sum(1).mean())
    assert sizes[0] > sizes[1] > sizes[2]


def test_lac_has_the_smaller_sets(rng):
    samples, (X, _) = draw(rng, 3000, 6), draw(rng, 3000, 6)
    lac, aps = (
        ConformalClassifier(given_classes(6), confidence_level=0.8, method=method)
        .fit(*samples)
        .predict_set(X)
        for method in ("lac", "aps")
    )
    assert lac.sum(1).mean() < aps.sum(1).mean()


# ---------------------------------------------------------------- numbers


def score_by_hand(row, k, method):
    if method == "lac":
        return 1 - row[k]
    lot = max(row) * 1e4 % 1
    order = sorted(range(len(row)), key=lambda j: -row[j])  # stable: ties by class
    before = 0.0
    for j in order:
        if j == k:
            return before + lot * row[k]
        before += row[j]


@METHODS
@given(
    n=st.integers(9, 40),
    n_classes=st.integers(2, 4),
    level=st.sampled_from([0.3, 0.5, 0.7, 0.9]),
    digits=st.sampled_from([1, 3, 15]),
    seed=st.integers(0, 10**6),
)
def test_sets_are_those_of_a_plain_loop(method, n, n_classes, level, digits, seed):
    rng = np.random.default_rng(seed)
    X, y = draw(rng, n, n_classes)
    X, new = X.round(digits), draw(rng, 10, n_classes)[0].round(digits)
    model = ConformalClassifier(given_classes(n_classes), confidence_level=level, method=method)
    sets = model.fit(X, y).predict_set(new)
    scores = sorted(score_by_hand(row, k, method) for row, k in zip(X.tolist(), y, strict=True))
    rank = next(k for k in range(1, n + 1) if k / (n + 1) >= level - 1e-12)
    threshold = scores[rank - 1]
    np.testing.assert_allclose(model.thresholds_, threshold, atol=1e-12)
    for row, found in zip(new.tolist(), sets, strict=True):
        for k in range(n_classes):
            score = score_by_hand(row, k, method)
            assert found[k] == (score <= threshold) or abs(score - threshold) < 1e-9


@METHODS
def test_a_row_alone_has_the_set_that_it_has_among_others(rng, method):
    X, y = draw(rng, 300, 4)
    model = ConformalClassifier(given_classes(4), method=method).fit(X, y)
    order = rng.permutation(300)
    np.testing.assert_array_equal(model.predict_set(X[order]), model.predict_set(X)[order])
    np.testing.assert_array_equal(model.predict_set(X[:1]), model.predict_set(X)[:1])
    assert model.predict_set(X[:0]).shape == (0, 4)


def test_a_higher_level_has_larger_sets(rng):
    samples, (X, _) = draw(rng, 500, 4), draw(rng, 100, 4)
    levels = [0.5, 0.8, 0.95]
    sets = [
        ConformalClassifier(given_classes(4), confidence_level=level).fit(*samples).predict_set(X)
        for level in levels
    ]
    assert (sets[0] <= sets[1]).all() and (sets[1] <= sets[2]).all()
    assert sets[0].sum() < sets[1].sum() < sets[2].sum()


# ---------------------------------------------------------------- splits


def test_an_int_holds_out_one_part_stratified(rng):
    X, y = draw(rng, 200, 2)
    model = ConformalClassifier(Given(), cv=4, random_state=0).fit(X, y)
    assert model.n_calibration_ == 50 and model.estimator_.n_seen_ == 150
    assert ConformalClassifier(Given(), cv=None).fit(X, y).n_calibration_ == 40
    again, other = (clone(model).set_params(random_state=seed).fit(X, y) for seed in (0, 1))
    assert again.thresholds_[0] == model.thresholds_[0] != other.thresholds_[0]


def test_the_last_split_of_a_splitter_calibrates(rng):
    X, y = draw(rng, 100, 2)
    split = PredefinedSplit(np.repeat([0, 1], [80, 20]))
    model = ConformalClassifier(Given(), cv=split).fit(X, y)
    assert model.n_calibration_ == 20
    by_hand = ConformalClassifier(FrozenEstimator(Given().fit(X[:80], y[:80]))).fit(X[80:], y[80:])
    np.testing.assert_array_equal(model.thresholds_, by_hand.thresholds_)


def test_users_are_kept_together(rng):
    X = pd.DataFrame({"who": np.arange(90) // 3, "what": [["a", "b"], ["b"], ["a"]] * 30})
    seen = []

    class Recorder(Given):
        def fit(self, X, y):
            seen.extend(X["who"])
            return super().fit(X, y)

        def predict_proba(self, X):
            seen_now = set(X["who"])
            assert not seen_now & set(seen) and len(X) == 3 * len(seen_now)
            return np.full((len(X), 2), 0.5)

    ConformalClassifier(Recorder(), cv=UserKFold(5, user="who")).fit(X, [0, 1] * 45)
    assert len(seen) == 72


def test_a_frozen_estimator_is_not_trained(rng):
    X, y = draw(rng, 100, 3)
    fitted = Given().fit(X, y)
    model = ConformalClassifier(FrozenEstimator(fitted)).fit(X, y)
    assert model.n_calibration_ == 100
    with pytest.raises(TypeError, match="has no use for sample_weight"):
        model.fit(X, y, sample_weight=np.ones(100))
    with pytest.raises(NotFittedError):
        ConformalClassifier(FrozenEstimator(LogisticRegression())).fit(X, y)


def test_weights_go_to_the_classifier_cut_to_its_samples(rng):
    X, y = draw(rng, 100, 2)
    weight = np.arange(100.0)
    split = PredefinedSplit(np.where(np.arange(100) % 4, -1, 0))
    model = ConformalClassifier(Given(), cv=split).fit(X, y, sample_weight=weight)
    assert model.estimator_.weight_.tolist() == [w for w in range(100) if w % 4]


def test_weights_and_groups_are_routed(rng):
    X, y = draw(rng, 100, 2)
    with config_context(enable_metadata_routing=True):
        estimator = Given().set_fit_request(sample_weight=True)
        model = ConformalClassifier(estimator, cv=GroupKFold(5))
        model.fit(X, y, sample_weight=np.ones(100), groups=np.arange(100) // 10)
        assert len(model.estimator_.weight_) == 80
        with pytest.raises(TypeError, match="stranger"):
            model.fit(X, y, stranger=1)


# ---------------------------------------------------------------- in scikit-learn


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 6, 300)
    what = [rng.choice(["view", "cart", "exit"], n).tolist() for n in lengths]
    y = np.array(["buys" if row[-1] == "cart" or rng.random() < 0.1 else "no" for row in what])
    return {"what": what, "n": lengths}, y


def vectorized():
    return make_pipeline(SequenceVectorizer(), LogisticRegression())


@METHODS
def test_frames_of_every_library_have_the_same_sets(sequences, frame_lib, method):
    columns, y = sequences
    X = frame_lib.make(columns)
    model = ConformalClassifier(vectorized(), method=method, random_state=0).fit(X, y)
    assert model.classes_.tolist() == ["buys", "no"]
    sets = model.predict_set(X)
    assert sets.shape == (300, 2) and sets.dtype == bool
    reference = ConformalClassifier(vectorized(), method=method, random_state=0)
    lists = pd.DataFrame(columns)
    np.testing.assert_array_equal(sets, reference.fit(lists, y).predict_set(lists))
    np.testing.assert_array_equal(model.predict(X), model.estimator_.predict(X))
    np.testing.assert_array_equal(model.predict_proba(X), model.estimator_.predict_proba(X))
    assert model.feature_names_in_.tolist() == ["what", "n"] and model.n_features_in_ == 2


def test_lists_and_sparse_arrays(sequences, rng):
    columns, y = sequences
    model = ConformalClassifier(vectorized(), random_state=0).fit(columns["what"], y)
    assert covered(model, columns["what"], y).mean() > 0.85
    X = rng.normal(size=(300, 3)).round()
    sparse = ConformalClassifier(LogisticRegression(), random_state=0).fit(coo_matrix(X), y)
    dense = clone(sparse).fit(X, y)
    np.testing.assert_allclose(sparse.thresholds_, dense.thresholds_)


def coverage_scorer(model, X, y):
    return covered(model, X, y).mean()


def test_in_searches_pipelines_and_cross_validation(sequences):
    columns, y = sequences
    X = pd.DataFrame(columns)
    model = ConformalClassifier(vectorized(), random_state=0)
    scores = cross_val_score(model, X, y, cv=3, scoring=coverage_scorer, error_score="raise")
    assert (scores > 0.75).all()
    grid = {"estimator__logisticregression__C": [0.01, 1], "method": ["lac", "aps"]}
    search = GridSearchCV(model, grid, cv=2, scoring="neg_log_loss", error_score="raise")
    assert search.fit(X, y).best_params_["estimator__logisticregression__C"] == 1
    last = make_pipeline(SequenceVectorizer(), ConformalClassifier(LogisticRegression()))
    assert last.fit(X, y).score(X, y) > 0.8
    assert last[-1].predict_set(last[:-1].transform(X)).shape == (300, 2)


@pytest.mark.parametrize("way", ["save", "pickle"])
def test_a_fitted_one_is_kept(sequences, tmp_path, way):
    columns, y = sequences
    X = pd.DataFrame(columns)
    frozen = FrozenEstimator(vectorized().fit(X, y))
    for estimator in vectorized(), frozen:
        model = ConformalClassifier(estimator, by_class=True, random_state=0).fit(X, y)
        if way == "save":
            save(model, tmp_path / "model.skbseq")
            again = load(tmp_path / "model.skbseq")
        else:
            again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict_set(X), model.predict_set(X))


def test_around_the_lstm(sequences, tmp_path):
    columns, y = sequences
    X = pd.DataFrame(columns)
    lstm = LSTMBehaviorClassifier(units=4, epochs=8, learning_rate=0.03, random_state=0)
    model = ConformalClassifier(make_pipeline(SequenceEncoder(), lstm), random_state=0).fit(X, y)
    # Nine in ten are promised; 60 samples calibrate, so this may be 0.04 off as a rule.
    assert covered(model, X, y).mean() > 0.8
    save(model, tmp_path / "model.skbseq")
    again = load(tmp_path / "model.skbseq")
    np.testing.assert_array_equal(again.predict_set(X), model.predict_set(X))


def test_a_failed_fit_leaves_it_as_it_was(rng):
    X, y = draw(rng, 100, 2)
    model = ConformalClassifier(Given(), random_state=0).fit(X, y)
    before = model.predict_set(X)
    with pytest.raises(ValueError, match="one class only"):
        model.fit(X, np.zeros(100))
    np.testing.assert_array_equal(model.predict_set(X), before)


# ---------------------------------------------------------------- bad inputs


@pytest.mark.parametrize("level", [0, 1, 0.0, 1.0, -0.1, 90, "0.9", float("nan")])
def test_levels_out_of_range_are_refused(rng, level):
    model = ConformalClassifier(Given(), confidence_level=level)
    with pytest.raises(ValueError, match="'confidence_level' parameter"):
        model.fit(*draw(rng, 100, 2))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"method": "raps"}, "'method' parameter"),
        ({"cv": 1}, "'cv' parameter"),
        ({"by_class": "yes"}, "'by_class' parameter"),
        ({"estimator": LinearSVC()}, "implementing 'fit' and 'predict_proba'"),
    ],
)
def test_parameters_are_checked(rng, parameters, message):
    model = ConformalClassifier(Given()).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(*draw(rng, 100, 2))


def test_nine_samples_calibrate_nine_tenths_and_eight_do_not(rng):
    X, y = draw(rng, 200, 2)
    model = ConformalClassifier(given_classes(2))
    assert model.fit(X[:9], y[:9]).n_calibration_ == 9
    message = "Samples that calibrate: 8; confidence_level=0.9 needs at least 9. Give more samples"
    with pytest.raises(ValueError, match=message):
        model.fit(X[:8], y[:8])


def test_too_few_of_one_class_are_told_before_training(rng):
    class Untrainable(Given):
        def fit(self, X, y):
            raise AssertionError("trained for nothing")

    y = np.repeat(["often", "rare"], [180, 20])
    model = ConformalClassifier(Untrainable(), by_class=True, random_state=0)
    with pytest.raises(ValueError, match=r"of class 'rare' that calibrate: 4; .* at least 9"):
        model.fit(np.ones((200, 2)), y)


def test_a_class_without_calibration_samples(rng):
    X, y = draw(rng, 100, 3)
    with pytest.raises(ValueError, match="No sample of class 2 calibrates"):
        ConformalClassifier(given_classes(3), by_class=True).fit(X[y < 2], y[y < 2])
    marginal = ConformalClassifier(given_classes(3)).fit(X[y < 2], y[y < 2])
    assert marginal.predict_set(X).shape == (100, 3)


def test_labels_unknown_to_the_classifier(rng):
    X, y = draw(rng, 100, 3)
    with pytest.raises(ValueError, match=r"hold the label 2, which is not among .* \[0, 1\]"):
        ConformalClassifier(given_classes(2)).fit(X[:, :2], y)


def test_probabilities_that_are_none(rng):
    X, y = draw(rng, 100, 2)
    X[7, 1] = np.nan
    with pytest.raises(ValueError, match="gave row 7 the probabilities"):
        ConformalClassifier(given_classes(2)).fit(X, y)


def test_unfitted_and_unequal(rng):
    X, y = draw(rng, 100, 2)
    for method in ("predict_set", "predict_proba", "predict"):
        with pytest.raises(NotFittedError):
            getattr(ConformalClassifier(Given()), method)(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ConformalClassifier(Given()).fit(X, y[:-1])
    with pytest.raises(TypeError, match="got dict"):
        ConformalClassifier(Given()).fit({"a": 1}, y)


# ---------------------------------------------------------------- thresholds by cost


def gain(y_true, y_pred, *, value=30.0, cost=4.0):
    """Money: each contact costs, and each contacted buyer brings the value of a purchase."""
    contacted = np.asarray(y_pred, bool)
    return value * (contacted & np.asarray(y_true, bool)).sum() - cost * contacted.sum()


@pytest.fixture
def cut_lib(frame_lib):
    """Libraries of whose tables this scikit-learn takes the rows of a fold."""
    if frame_lib.name == "pyarrow" and sklearn.__version__.startswith("1.6."):
        pytest.skip("scikit-learn takes rows of Arrow tables from 1.7 on")
    return frame_lib


@pytest.mark.parametrize("model", [vectorized(), DecisionTreeClassifier])
def test_a_threshold_is_tuned_by_gain_on_frames(sequences, cut_lib, model):
    columns, labels = sequences
    y = labels == "buys"
    if model is DecisionTreeClassifier:
        model = make_pipeline(SequenceVectorizer(), DecisionTreeClassifier(max_depth=3))
    X = cut_lib.make(columns)
    tuned = TunedThresholdClassifierCV(model, scoring=make_scorer(gain), cv=3).fit(X, y)
    fixed = clone(model).fit(X, y)
    assert tuned.best_threshold_ < 0.5  # a contact is cheap beside a purchase
    assert gain(y, tuned.predict(X)) >= gain(y, fixed.predict(X))
    proba = tuned.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(tuned.predict(X), proba >= tuned.best_threshold_)


def test_a_threshold_is_tuned_for_the_lstm_at_the_end_of_a_pipeline(sequences, cut_lib):
    columns, labels = sequences
    X, y = cut_lib.make(columns), labels == "buys"
    lstm = LSTMBehaviorClassifier(units=4, epochs=2, random_state=0)
    tuned = TunedThresholdClassifierCV(lstm, scoring=make_scorer(gain), cv=2)
    model = make_pipeline(SequenceEncoder(), tuned).fit(X, y)
    proba = model.predict_proba(X)[:, 1]
    np.testing.assert_array_equal(model.predict(X), proba >= tuned.best_threshold_)


def test_a_split_and_one_label_are_needed(sequences):
    columns, y = sequences
    X = pd.DataFrame(columns)
    with pytest.raises(ValueError, match=r"cv=\[\] gives no split"):
        ConformalClassifier(vectorized(), cv=[]).fit(X, y)
    with pytest.raises(ValueError, match="y has 2 columns; a set is of the classes of one label"):
        ConformalClassifier(vectorized()).fit(X, np.column_stack([y == "no", y == "buys"]))
