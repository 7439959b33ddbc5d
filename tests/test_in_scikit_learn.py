"""The pipeline in scikit-learn's own machinery, on a sequence frame."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skbseq import BagBehaviorClassifier, EventLog, SequenceEncoder
from skbseq.datasets import make_shop_log

QUICK = dict(units=4, epochs=2, random_state=0)


@pytest.fixture(scope="module")
def shop():
    """Histories of 270 users of a shop, and whether they buy."""
    data = make_shop_log(n_users=300, random_state=0)
    log = EventLog(data.events, **data.roles).clean()
    X = log.histories(data.samples, max_events=20)
    return X, log.label_behavior(data.samples, behavior="buy", horizon=data.horizon)


def pipeline(**parameters):
    return make_pipeline(SequenceEncoder(), BagBehaviorClassifier(**{**QUICK, **parameters}))


@pytest.mark.parametrize("scoring", ["roc_auc", "neg_log_loss", "accuracy"])
def test_cross_validation_scores(shop, scoring):
    scores = cross_val_score(pipeline(), *shop, cv=2, scoring=scoring, error_score="raise")
    assert np.isfinite(scores).all()


def test_cross_validation_is_stratified(shop):
    X, y = shop
    order = np.argsort(y)  # unstratified folds of sorted labels would hold one class only
    result = cross_validate(
        pipeline(), X.iloc[order], y[order], cv=3, return_indices=True, error_score="raise"
    )
    for rows in result["indices"]["test"]:
        assert abs(y[order][rows].mean() - y.mean()) < 0.02


def test_calibrated(shop):
    X, y = shop
    model = CalibratedClassifierCV(pipeline(), cv=2).fit(X, y)
    assert model.predict_proba(X.iloc[:1]).shape == (1, 2)


def test_voting_and_stacking(shop):
    X, y = shop
    members = [("a", pipeline()), ("b", pipeline(random_state=1))]
    voting = VotingClassifier(members, voting="soft").fit(X, y)
    mean = np.mean([m.predict_proba(X) for m in voting.estimators_], axis=0)
    np.testing.assert_allclose(voting.predict_proba(X), mean)
    stacking = StackingClassifier(members, LogisticRegression(), cv=2).fit(X, y)
    assert stacking.predict_proba(X).shape == (len(X), 2)


def test_permutation_importance_of_one_channel_and_context(shop):
    X, y = shop
    X = X[["user_id", "behavior_type"]].assign(weight=np.random.default_rng(0).normal(size=len(X)))
    encoder = SequenceEncoder(context=["weight"])
    model = make_pipeline(encoder, BagBehaviorClassifier(**QUICK)).fit(X, y)
    result = permutation_importance(
        model, X, y, n_repeats=2, random_state=0, scoring="neg_log_loss"
    )
    importance = dict(zip(X.columns, result.importances_mean, strict=True))
    assert importance["user_id"] == 0 != importance["behavior_type"]


def test_permutation_of_one_of_several_channels_is_refused_clearly(shop):
    X, y = shop
    model = pipeline().fit(X, y)
    with pytest.raises(ValueError, match="permutation_importance"):
        permutation_importance(model, X, y, n_repeats=1, random_state=0)


def test_roc_display(shop):
    import matplotlib

    matplotlib.use("Agg")
    X, y = shop
    display = RocCurveDisplay.from_estimator(pipeline().fit(X, y), X, y)
    assert 0 <= display.roc_auc <= 1
    matplotlib.pyplot.close("all")


# joblib replaces a worker whose memory grew, and says so from a thread; as an error that would end
# the thread, and the search would wait for ever.
@pytest.mark.filterwarnings("ignore:A worker stopped while some jobs:UserWarning")
def test_grid_search_in_two_processes_acts_on_routed_names(shop):
    X, y = shop
    grid = {
        "bagbehaviorclassifier__epochs": [1, 2],
        "bagbehaviorclassifier__optimizer__learning_rate": [0.001, 0.05],
        "sequenceencoder__max_length": [5],
    }
    search = GridSearchCV(
        pipeline(), grid, cv=2, n_jobs=2, scoring="neg_log_loss", error_score="raise"
    ).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores.round(6))) == 4
    alone = cross_val_score(
        search.best_estimator_, X, y, cv=StratifiedKFold(2), scoring="neg_log_loss"
    )
    assert search.best_score_ == pytest.approx(alone.mean(), abs=1e-6)


@pytest.mark.parametrize("resource", ["n_samples", "bagbehaviorclassifier__epochs"])
def test_halving_search(shop, resource):
    X, y = shop
    rates = {"bagbehaviorclassifier__learning_rate": [0.001, 0.01, 0.05]}  # all of one program
    search = HalvingGridSearchCV(
        pipeline(),
        rates,
        resource=resource,
        max_resources=200 if resource == "n_samples" else 3,
        min_resources=60 if resource == "n_samples" else 1,
        cv=2,
        random_state=0,
        error_score="raise",
    ).fit(X, y)
    (name,), (values,) = zip(*rates.items(), strict=True)
    assert search.best_params_[name] in values
    assert len(set(search.cv_results_["iter"])) > 1


def test_sample_weight_is_routed(shop):
    X, y = shop
    weight = np.where(y, 20.0, 1.0)
    with config_context(enable_metadata_routing=True):
        classifier = BagBehaviorClassifier(**QUICK).set_fit_request(sample_weight=True)
        classifier.set_score_request(sample_weight=True)
        routed = make_pipeline(SequenceEncoder(), classifier).fit(X, y, sample_weight=weight)
        scores = cross_validate(
            make_pipeline(SequenceEncoder(), classifier),
            X,
            y,
            cv=2,
            params={"sample_weight": weight},
            error_score="raise",
        )
    named = pipeline().fit(X, y, bagbehaviorclassifier__sample_weight=weight)
    np.testing.assert_array_equal(routed.predict_proba(X), named.predict_proba(X))
    assert (named.predict_proba(X) != pipeline().fit(X, y).predict_proba(X)).any()
    assert np.isfinite(scores["test_score"]).all()


def seen(X):
    return X[["user_id"]].assign(n_events=X["behavior_type"].list.len().astype(float))[
        ["n_events"]
    ]


def test_feature_union_with_another_transformer(shop):
    X, y = shop
    count = make_pipeline(FunctionTransformer(seen), StandardScaler())
    union = make_union(SequenceEncoder(), count, verbose_feature_names_out=False)
    model = make_pipeline(
        union.set_output(transform="pandas"), BagBehaviorClassifier(**QUICK)
    ).fit(X, y)
    assert len(model[-1].schema_.context) == 1
    assert roc_auc_score(y, model.predict_proba(X)[:, 1]) > 0


def test_column_transformer_with_another_transformer(shop):
    X, y = shop
    X = X.assign(age=np.random.default_rng(0).normal(40, 9, len(X)))
    encode = make_column_transformer(
        (SequenceEncoder(), ["cutoff", "timestamp", "behavior_type", "price"]),
        (StandardScaler(), ["age"]),
    ).set_output(transform="pandas")
    model = make_pipeline(encode, BagBehaviorClassifier(**QUICK)).fit(X, y)
    assert model[-1].schema_.context == ["standardscaler__age"]
    assert model.predict_proba(X.iloc[:1]).shape == (1, 2)


def test_a_category_never_seen_predicts(shop):
    X, y = shop
    model = pipeline().fit(X, y)
    new = X.iloc[:2].copy()
    new["behavior_type"] = [["returns"] * len(row) for row in new["behavior_type"]]
    assert np.isfinite(model.predict_proba(new)).all()


def test_nothing_after_the_cutoff_changes_a_prediction(shop):
    data = make_shop_log(n_users=300, random_state=0)
    model = pipeline().fit(*shop)
    past = data.events[data.events["timestamp"] <= data.at]
    for events in (data.events, past, past.sample(frac=1, random_state=0)):
        X = EventLog(events, **data.roles).clean().histories(data.samples, max_events=20)
        np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(shop[0]))
