"""scikit-learn's own checks: those of its list, and those that it keeps beside it."""

from functools import partial

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skbseq import (
    BagBehaviorClassifier,
    BagBehaviorRegressor,
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
# One network of written-out steps and one of Keras' layers pass all checks: what fits and predicts
# is theirs alike.
NETWORKS = [
    LSTMBehaviorClassifier(**SMALL),
    BagBehaviorClassifier(**SMALL),
    LSTMBehaviorRegressor(epochs=30, learning_rate=0.03, batch_size=32, validation_split=0),
    BagBehaviorRegressor(**{**SMALL, "epochs": 2, "learning_rate": 0.01}),
]
# What the others have of their own are parameters, and of these what is built.
OTHER_NETWORKS = [
    GRUBehaviorClassifier(),
    RNNBehaviorClassifier(),
    CNNBehaviorClassifier(),
    TransformerBehaviorClassifier(),
    GRUBehaviorRegressor(),
    RNNBehaviorRegressor(),
    CNNBehaviorRegressor(),
    TransformerBehaviorRegressor(),
]
ESTIMATORS = [
    SequenceEncoder(),
    SequenceImputer(),
    SequenceVectorizer(),
    *NETWORKS,
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
    return KNOWN if isinstance(estimator, tuple(map(type, NETWORKS))) else {}


# Checks that `parametrize_with_checks` does not run, although they hold of every estimator.
BESIDE = [
    estimator_checks.check_dataframe_column_names_consistency,
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


@pytest.fixture(scope="module", autouse=True)
def room_for_all_programs():
    """Else the checks beside, which come last, would build every network again."""
    from skbseq._training import _program

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_program, "_KEEP", 16)
        yield


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=known_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


# Of scikit-learn's list those that train nothing.
WITHOUT_TRAINING = {
    "check_complex_data",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimator_tags_renamed",
    "check_estimators_empty_data_messages",
    "check_estimators_unfitted",
    "check_fit1d",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_supervised_y_no_nan",
    "check_valid_tag_types",
}


def checks_of_the_others():
    for estimator in OTHER_NETWORKS:
        name = type(estimator).__name__
        for _, check in estimator_checks.estimator_checks_generator(estimator):
            if check.func.__name__ in WITHOUT_TRAINING:
                yield pytest.param(estimator, check, id=f"{name}-{check.func.__name__}")
        check = partial(estimator_checks.check_param_validation, name)
        yield pytest.param(estimator, check, id=f"{name}-check_param_validation")


@pytest.mark.parametrize(("estimator", "check"), list(checks_of_the_others()))
def test_scikit_learns_checks_of_parameters(estimator, check):
    check(estimator)


def test_no_check_of_parameters_is_misspelt():
    names = {param.id.partition("-")[2] for param in checks_of_the_others()}
    assert names >= WITHOUT_TRAINING


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
