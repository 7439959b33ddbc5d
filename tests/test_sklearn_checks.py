"""scikit-learn's own checks: those of its list, and those that it keeps beside it."""

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
CLASSIFIERS = [
    LSTMBehaviorClassifier(**SMALL),
    GRUBehaviorClassifier(**SMALL),
    RNNBehaviorClassifier(**{**SMALL, "epochs": 8, "learning_rate": 0.1}),
    CNNBehaviorClassifier(**SMALL, n_layers=1),
    TransformerBehaviorClassifier(**SMALL, n_layers=1, n_heads=2),
    BagBehaviorClassifier(**SMALL),
]
# Where steps are compiled, many cost little.
LONG = dict(epochs=30, learning_rate=0.03, batch_size=32, validation_split=0)
# One step of ten decides the numbers; to find it takes small batches rather than many epochs.
FEW = dict(units=8, epochs=12, learning_rate=0.01, batch_size=24, validation_split=0)
REGRESSORS = [
    LSTMBehaviorRegressor(**LONG),
    GRUBehaviorRegressor(**{**FEW, "units": 16, "epochs": 20, "learning_rate": 0.04}),
    RNNBehaviorRegressor(**{**FEW, "epochs": 8, "learning_rate": 0.03}),
    CNNBehaviorRegressor(**{**FEW, "epochs": 6}, n_layers=1, kernel_size=10, dropout=0),
    TransformerBehaviorRegressor(**FEW, n_layers=1, n_heads=1, dropout=0),
    BagBehaviorRegressor(**{**FEW, "epochs": 2}),
]
ESTIMATORS = [
    SequenceEncoder(),
    SequenceImputer(),
    SequenceVectorizer(),
    *CLASSIFIERS,
    *REGRESSORS,
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
    networks = tuple(map(type, CLASSIFIERS + REGRESSORS))
    return KNOWN if isinstance(estimator, networks) else {}


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
        patch.setattr(_program, "_KEEP", 64)
        yield


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=known_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


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
