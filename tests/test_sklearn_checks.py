"""scikit-learn's own checks: those of its list, and those that it keeps beside it."""

import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skbseq import (
    BagBehaviorClassifier,
    BagBehaviorRegressor,
    BehaviorClassifier,
    BehaviorRegressor,
    CNNBehaviorClassifier,
    CNNBehaviorRegressor,
    ConformalClassifier,
    GRUBehaviorClassifier,
    GRUBehaviorRegressor,
    LSTMBehaviorClassifier,
    LSTMBehaviorRegressor,
    RNNBehaviorClassifier,
    RNNBehaviorRegressor,
    SequenceEncoder,
    SequenceImputer,
    SequenceVectorizer,
    TransformerBehaviorClassifier,
    TransformerBehaviorRegressor,
)

# Steps are what these checks cost, so there are few and long ones, and nothing is held out of the
# few rows. The 27 of the check of sample weights are more than a batch.
SMALL = dict(units=8, epochs=5, learning_rate=0.06, batch_size=24, validation_split=0)
LONG = dict(epochs=15, learning_rate=0.03, batch_size=64, validation_split=0)
# All checks run on a classifier whose steps are fused, and on a regressor that is made of Keras'
# layers. The others share all of their code with these but the network, so they take the checks
# that fit nothing.
FITTED = [LSTMBehaviorClassifier(**SMALL), BehaviorRegressor("rnn", **LONG)]
CONSTRUCTED = [
    BagBehaviorClassifier(),
    BagBehaviorRegressor(),
    BehaviorClassifier(),
    BehaviorRegressor(),
    CNNBehaviorClassifier(),
    CNNBehaviorRegressor(),
    GRUBehaviorClassifier(),
    GRUBehaviorRegressor(),
    LSTMBehaviorRegressor(),
    RNNBehaviorClassifier(),
    RNNBehaviorRegressor(),
    TransformerBehaviorClassifier(),
    TransformerBehaviorRegressor(),
]
ESTIMATORS = [
    SequenceEncoder(),
    SequenceImputer(),
    SequenceVectorizer(),
    *FITTED,
    # The checks have few rows, too few to calibrate nine tenths.
    ConformalClassifier(LogisticRegression(), confidence_level=0.5, cv=2, random_state=0),
]

# What fails for a reason that will stay; each must fail.
KNOWN = {
    "check_sample_weight_equivalence_on_dense_data": (
        "training goes by random batches, in which a sample of weight two is not two samples"
    )
}


def known_failures(estimator):
    return KNOWN if isinstance(estimator, tuple(map(type, FITTED))) else {}


# Checks that `parametrize_with_checks` does not run, although they hold of every estimator.
BESIDE = [
    estimator_checks.check_dataframe_column_names_consistency,
    estimator_checks.check_param_validation,
]
# Those of scikit-learn's list, and beside it, that look at parameters, tags and clones.
CHECKS_OF_CONSTRUCTION = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_valid_tag_types,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_mixin_order,
    estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
    estimator_checks.check_estimators_unfitted,
    estimator_checks.check_param_validation,
]
BESIDE_FOR_TRANSFORMERS = [
    estimator_checks.check_global_output_transform_pandas,
    estimator_checks.check_global_set_output_transform_polars,
    estimator_checks.check_set_output_transform,
    estimator_checks.check_set_output_transform_pandas,
    estimator_checks.check_set_output_transform_polars,
    estimator_checks.check_transformer_get_feature_names_out,
    estimator_checks.check_transformer_get_feature_names_out_pandas,
]


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=known_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", CHECKS_OF_CONSTRUCTION, ids=lambda check: check.__name__)
@pytest.mark.parametrize("estimator", CONSTRUCTED, ids=lambda e: type(e).__name__)
def test_scikit_learns_checks_that_fit_nothing(estimator, check):
    check(type(estimator).__name__, clone(estimator))


def checks_beside(estimators):
    for estimator in estimators:
        checks = BESIDE + (BESIDE_FOR_TRANSFORMERS if hasattr(estimator, "transform") else [])
        for check in checks:
            name = type(estimator).__name__
            yield pytest.param(name, estimator, check, id=f"{name}-{check.__name__}")


# The checks of set_output fit on a table and transform an array, and the other way round.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.filterwarnings("ignore:X has feature names, but:UserWarning")
@pytest.mark.parametrize(("name", "estimator", "check"), list(checks_beside(ESTIMATORS)))
def test_scikit_learns_other_checks(name, estimator, check):
    check(name, estimator)
