"""LSTMBehaviorRegressor: losses, what they predict, scales, going on, errors."""

import datetime as dt
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import d2_pinball_score, mean_poisson_deviance, mean_squared_log_error
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from skbseq import (
    BagBehaviorRegressor,
    BehaviorRegressor,
    LSTMBehaviorRegressor,
    SequenceEncoder,
    load,
    save,
)

QUICK = dict(units=4, epochs=2, batch_size=16, device="/CPU:0", random_state=0)
TWO_STEPS = QUICK | {"batch_size": 120}
# One step of all samples, none held out: what a weight does is then arithmetic, not luck.
WHOLE = dict(
    units=4, epochs=3, batch_size=1000, validation_split=0, device="/CPU:0", random_state=0
)
eager = pytest.mark.steps("eager")  # where a few steps take less time than to trace one
LOSSES = [
    "squared_error",
    "absolute_error",
    "huber",
    "squared_log_error",
    "poisson",
    "quantile",
]


@pytest.fixture(scope="module")
def frame():
    """Encoded histories of 0 to 5 events, and numbers of zero or more with a long tail."""
    rng = np.random.default_rng(0)
    codes = [rng.integers(2, 5, n).tolist() for n in rng.integers(0, 6, 120)]
    X = pd.DataFrame({"what": codes, "age": rng.normal(size=120)})
    last = np.array([row[-1] if row else 0 for row in codes])
    return X, last * rng.gamma(1.0, 10.0, 120)


@pytest.fixture(scope="module")
def two_steps():
    """Predictions after two steps, made where a test first asks for them."""
    return {}


def groups(draw, n=300):
    """Three kinds of histories, and numbers that are drawn for each kind."""
    rng = np.random.default_rng(0)
    kind = np.arange(n) % 3
    X = pd.DataFrame({"what": [[2, 2], [3, 3], [4, 4]] * (n // 3)})
    return X, draw(rng, kind), kind


# ---------------------------------------------------------------- losses by their formulas


def by_hand(kind, targets, outputs, quantiles=()):
    """Loss of each sample, one number at a time."""
    return [_loss_of(kind, float(t), o, quantiles) for t, o in zip(targets, outputs, strict=True)]


def _loss_of(kind, target, outputs, quantiles):
    if kind == "quantiles":
        terms = [
            q * (target - f) if target >= f else (1 - q) * (f - target)
            for q, f in zip(quantiles, outputs, strict=True)
        ]
        return sum(terms) / len(terms)
    distance = abs(target - outputs[0])
    if kind == "squared":
        return distance**2
    if kind == "absolute":
        return distance
    if kind == "huber":
        return distance**2 / 2 if distance < 1 else distance - 0.5
    mean = np.exp(outputs[0])
    ratio = target * np.log(target / mean) if target > 0 else 0.0
    return 2 * (ratio - target + mean)


NUMBERS = st.floats(-5, 5, width=32)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=8))
def test_losses_are_those_of_the_formulas(rows):
    from skbseq._training import Loss

    targets, *outputs = np.array(rows, np.float32).T
    outputs = np.column_stack(outputs)
    for kind in ("squared", "absolute", "huber", "count"):
        y = np.abs(targets) if kind == "count" else targets
        found = np.asarray(Loss(kind)(y, outputs[:, :1]))
        np.testing.assert_allclose(found, by_hand(kind, y, outputs), rtol=1e-4, atol=2e-5)
    levels = (0.1, 0.7)
    found = np.asarray(Loss("quantiles", quantiles=levels)(targets, outputs))
    expected = by_hand("quantiles", targets, outputs, levels)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@eager
@pytest.mark.parametrize("loss", LOSSES)
def test_the_first_loss_of_history_is_that_of_the_first_outputs(frame, loss):
    """What is made small is the loss of the standardised numbers, weighted."""
    X, y = frame
    weights = np.random.default_rng(1).integers(0, 3, len(y)).astype(float)
    model = LSTMBehaviorRegressor(**{**WHOLE, "epochs": 1}, loss=loss, quantile=[0.2, 0.9])
    model.set_params(optimizer="sgd", learning_rate=1e-12).fit(X, y, sample_weight=weights)
    z = np.log1p(y) if loss == "squared_log_error" else y
    mean = np.average(z, weights=weights)
    spread = np.sqrt(np.average((z - mean) ** 2, weights=weights))
    outputs = model.predict(X).reshape(len(y), -1)
    if loss == "poisson":
        targets, outputs = y / mean, np.log(outputs / mean)
    else:
        outputs = np.log1p(outputs) if loss == "squared_log_error" else outputs
        targets, outputs = (z - mean) / spread, (outputs - mean) / spread
    if loss == "quantile":  # before they were sorted
        outputs = model._outputs(X)
    kinds = {"absolute_error": "absolute", "huber": "huber", "poisson": "count"}
    kind = "quantiles" if loss == "quantile" else kinds.get(loss, "squared")
    losses = by_hand(kind, targets, outputs, (0.2, 0.9))
    expected = np.average(losses, weights=weights)
    assert model.history_["loss"][0] == pytest.approx(expected, rel=1e-4)


# ---------------------------------------------------------------- what is predicted

# Steps of all samples: what is found is the minimum, without the noise of batches. What is about
# the loss or the scale of the targets, here and below, is tested on the network that takes least.
LEARNS = dict(
    units=8,
    epochs=200,
    batch_size=2000,
    learning_rate=0.02,
    validation_split=0,
    random_state=0,
)


def test_squared_error_finds_means_and_absolute_error_medians():
    # Of an exponential distribution the mean is 1 and the median log 2.
    X, y, kind = groups(lambda rng, kind: (kind + 1) * rng.exponential(10, len(kind)))
    for loss, statistic in ("squared_error", np.mean), ("absolute_error", np.median):
        found = BagBehaviorRegressor(**LEARNS, loss=loss).fit(X, y).predict(X[:3])
        expected = [statistic(y[kind == k]) for k in range(3)]
        np.testing.assert_allclose(found, expected, rtol=0.05)


def test_huber_is_not_pulled_by_a_few_large_numbers():
    X, y, kind = groups(lambda rng, kind: 10.0 * kind + rng.normal(size=len(kind)))
    y[::50] += 10_000
    found = BagBehaviorRegressor(**LEARNS, loss="huber").fit(X, y).predict(X[:3])
    means = np.array([y[kind == k].mean() for k in range(3)])
    # Up to a standard deviation, here of more than a thousand, an error counts as squared, so
    # that the numbers of the three kinds are not told apart; but beyond it no more than that.
    assert (found < means * 0.8).all()


def test_poisson_finds_rates():
    rates = np.array([0.2, 1.0, 6.0])
    X, y, kind = groups(lambda rng, kind: rng.poisson(rates[kind]))
    model = BagBehaviorRegressor(**LEARNS, loss="poisson").fit(X, y)
    expected = np.array([y[kind == k].mean() for k in range(3)])
    np.testing.assert_allclose(model.predict(X[:3]), expected, rtol=0.05)
    assert (model.predict(X) > 0).all()
    best = mean_poisson_deviance(y, expected[kind])
    assert mean_poisson_deviance(y, model.predict(X)) < best + 0.005


def test_squared_log_error_finds_means_of_logarithms():
    X, y, kind = groups(lambda rng, kind: np.expm1(rng.gamma(kind + 1.0, 1.0)))
    model = BagBehaviorRegressor(**LEARNS, loss="squared_log_error").fit(X, y)
    expected = np.expm1([np.log1p(y[kind == k]).mean() for k in range(3)])
    best = mean_squared_log_error(y, expected[kind])
    assert mean_squared_log_error(y, model.predict(X)) < best * 1.01
    assert (model.predict(X) >= 0).all()


def test_quantiles_cover_what_they_say():
    X, y, kind = groups(lambda rng, kind: (kind + 1) * rng.normal(10, 3, len(kind)), n=600)
    levels = [0.1, 0.5, 0.9]
    model = BagBehaviorRegressor(**LEARNS, loss="quantile", quantile=levels).fit(X, y)
    prediction = model.predict(X)
    assert prediction.shape == (600, 3) and (np.diff(prediction) >= 0).all()
    for k in range(3):
        covered = (y[kind == k, None] <= prediction[kind == k]).mean(axis=0)
        np.testing.assert_allclose(covered, levels, atol=0.04)
    for level, column in zip(levels, prediction.T, strict=True):
        assert d2_pinball_score(y, column, alpha=level) > 0.2


@eager
def test_quantiles_that_cross_are_sorted(frame):
    X, y = frame
    levels = [q / 20 for q in range(1, 20)]
    model = LSTMBehaviorRegressor(**TWO_STEPS, loss="quantile", quantile=levels).fit(X, y)
    assert (np.diff(model._outputs(X)) < 0).any()  # two epochs leave them in disorder
    prediction = model.predict(X)
    assert (np.diff(prediction) >= 0).all()
    expected = np.sort(model._outputs(X) * y.std() + y.mean())
    np.testing.assert_allclose(prediction, expected, rtol=1e-6)


@eager
def test_a_quantile_is_a_number_and_a_list_has_a_column_each(frame):
    X, y = frame
    one = BagBehaviorRegressor(**TWO_STEPS, loss="quantile", quantile=0.3).fit(X, y)
    listed = clone(one).set_params(quantile=[0.3]).fit(X, y)
    assert one.predict(X).shape == (120,) and listed.predict(X).shape == (120, 1)
    np.testing.assert_array_equal(one.predict(X), listed.predict(X)[:, 0])
    one.set_params(quantile=[0.3])  # a parameter of the next fit, not of this one
    assert one.predict(X).shape == (120,)
    one.partial_fit(X, y)  # the same levels, and so the same weights
    assert one.predict(X).shape == (120, 1)


# ---------------------------------------------------------------- scales


@eager
@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != "squared_log_error"])
@pytest.mark.parametrize("factor", [1e-6, 1e12])
def test_other_units_give_the_same_predictions_in_them(frame, two_steps, loss, factor):
    X, y = frame
    model = BagBehaviorRegressor(**TWO_STEPS, loss=loss)
    if loss not in two_steps:
        two_steps[loss] = clone(model).fit(X, y).predict(X)
    found = clone(model).fit(X, y * factor).predict(X)
    np.testing.assert_allclose(found, two_steps[loss] * factor, rtol=1e-4)


@eager
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_another_zero_moves_the_predictions(frame, two_steps, loss):
    X, y = frame
    model = BagBehaviorRegressor(**TWO_STEPS, loss=loss)
    if loss not in two_steps:
        two_steps[loss] = clone(model).fit(X, y).predict(X)
    found = clone(model).fit(X, y - 1e6).predict(X)
    np.testing.assert_allclose(found + 1e6, two_steps[loss], atol=1e-3)


@pytest.mark.parametrize("value", [3e-9, -7e9])
def test_a_constant_is_learnt_on_its_own_scale(frame, value):
    X, _ = frame
    model = BagBehaviorRegressor(**{**QUICK, "epochs": 40, "learning_rate": 0.02})
    found = model.fit(X, np.full(120, value)).predict(X)
    np.testing.assert_allclose(found, value, rtol=0.15)


@eager
def test_zeros_alone_are_a_constant_too(frame):
    X, _ = frame
    model = BagBehaviorRegressor(**TWO_STEPS).fit(X, np.zeros(120))
    assert np.isfinite(model.predict(X)).all()
    with pytest.raises(ValueError, match="All numbers of y are zero; loss='poisson'"):
        LSTMBehaviorRegressor(**QUICK, loss="poisson").fit(X, np.zeros(120))


# ---------------------------------------------------------------- weights


# Those whose scale or offset is computed from the weighted samples, each in a way of its own.
@eager
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "squared_log_error", "quantile"])
def test_weight_zero_is_left_out_and_two_is_two_samples(frame, loss):
    X, y = frame
    model = BagBehaviorRegressor(**WHOLE | {"epochs": 2}, loss=loss)
    weights = np.where(np.arange(120) < 90, 1.0, 0.0)
    left_out = clone(model).fit(X, y, sample_weight=weights).predict(X)
    np.testing.assert_array_equal(left_out, clone(model).fit(X[:90], y[:90]).predict(X))

    weights = np.where(np.arange(120) < 40, 2.0, 1.0)
    twice = pd.concat([X, X[:40]], ignore_index=True)
    weighted = clone(model).fit(X, y, sample_weight=weights).predict(X)
    doubled = clone(model).fit(twice, np.append(y, y[:40])).predict(X)
    np.testing.assert_allclose(weighted, doubled, rtol=1e-3, atol=1e-3)
    plain = clone(model).fit(X, y).predict(X)
    assert np.abs(weighted - plain).max() > 10 * np.abs(weighted - doubled).max()


def test_weights_of_zero_alone_leave_nothing(frame):
    with pytest.raises(ValueError, match=r"weight zero|at least one non-zero"):
        LSTMBehaviorRegressor(**QUICK).fit(*frame, sample_weight=np.zeros(120))


# ---------------------------------------------------------------- going on


@eager
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile"])
def test_partial_fit_and_warm_start_go_on(frame, loss):
    X, y = frame
    model = BagBehaviorRegressor(**TWO_STEPS, loss=loss).partial_fit(X[:60], y[:60])
    first = model.predict(X)
    model.partial_fit(X[60:], y[60:])
    assert model.n_iter_ == len(model.history_["loss"]) == 2
    assert (model.predict(X) != first).any()

    warm = BagBehaviorRegressor(**WHOLE, loss=loss, warm_start=True)
    begun = warm.fit(X, y).history_["loss"]
    assert warm.fit(X, y).history_["loss"][0] < begun[0]
    assert clone(warm).set_params(warm_start=False).fit(X, y).history_["loss"] == begun


def test_the_scale_is_that_of_the_first_call(frame):
    X, y = frame
    model = BagBehaviorRegressor(**QUICK).partial_fit(X, y)
    by_hand = model._outputs(X)[:, 0] * y.std() + y.mean()
    np.testing.assert_allclose(model.predict(X), by_hand, rtol=1e-6)
    model.partial_fit(X, y * 1000)
    by_hand = model._outputs(X)[:, 0] * y.std() + y.mean()
    np.testing.assert_allclose(model.predict(X), by_hand, rtol=1e-6)


@pytest.mark.parametrize(
    "change", [{"loss": "huber"}, {"quantile": 0.4}, {"quantile": [0.5, 0.6]}]
)
def test_another_loss_or_quantile_cannot_go_on(frame, change):
    X, y = frame
    model = BagBehaviorRegressor(**QUICK, loss="quantile", warm_start=True).fit(X, y)
    before = model.predict(X)
    model.set_params(**change)
    for go_on in model.fit, model.partial_fit:
        with pytest.raises(ValueError, match="loss and quantile were changed since the last fit"):
            go_on(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


def test_the_quantile_of_another_loss_may_change(frame):
    X, y = frame
    model = BagBehaviorRegressor(**QUICK, warm_start=True).fit(X, y)
    expected = pickle.loads(pickle.dumps(model)).fit(X, y).predict(X)
    np.testing.assert_array_equal(model.set_params(quantile=0.9).fit(X, y).predict(X), expected)


# ---------------------------------------------------------------- in scikit-learn


@pytest.fixture(scope="module")
def raw():
    """Raw histories, and numbers that the last event decides."""
    X = pd.DataFrame({"what": [["view", "cart"], ["cart", "view"], ["view"], []] * 30})
    return X, np.array([30.0, 3.0, 2.0, 1.0] * 30)


def pipeline(**parameters):
    return make_pipeline(SequenceEncoder(), LSTMBehaviorRegressor(**{**QUICK, **parameters}))


@pytest.fixture(scope="module")
def learned(raw):
    """A pipeline that learned them."""
    return pipeline(epochs=40, learning_rate=0.02).fit(*raw)


def test_a_regressor_in_a_pipeline(raw, learned, frame_lib):
    X, y = raw
    assert is_regressor(LSTMBehaviorRegressor()) and is_regressor(pipeline())
    model = learned
    assert model.score(X, y) > 0.9
    other = frame_lib.make({"what": X["what"].tolist()})
    np.testing.assert_array_equal(model.predict(other), model.predict(X))


@eager
def test_a_search_scored_by_absolute_error(raw):
    grid = {"lstmbehaviorregressor__loss": ["absolute_error", "squared_error"]}
    search = GridSearchCV(
        pipeline(batch_size=120),
        grid,
        cv=2,
        scoring="neg_mean_absolute_error",
        error_score="raise",
    ).fit(*raw)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(raw[0]).shape == (120,)


@eager
def test_cross_validated_predictions(raw):
    X, y = raw
    assert cross_val_predict(pipeline(batch_size=120), X, y, cv=3).shape == (120,)
    levels = pipeline(batch_size=120, loss="quantile", quantile=[0.1, 0.9])
    assert cross_val_predict(levels, X, y, cv=3).shape == (120, 2)


def test_a_transformed_target(raw):
    X, y = raw
    ranks = QuantileTransformer(n_quantiles=20, output_distribution="normal")
    model = TransformedTargetRegressor(pipeline(epochs=20), transformer=ranks)
    # What passes through the transformer lies between the least and the largest number.
    found = model.fit(X, y).predict(X)
    assert found.min() >= 1 and found.max() <= 30
    logs = TransformedTargetRegressor(pipeline(), func=np.log1p, inverse_func=np.expm1)
    by_loss = pipeline(loss="squared_log_error").fit(X, y).predict(X)
    np.testing.assert_allclose(logs.fit(X, y).predict(X), by_loss, rtol=1e-5)


@eager
@pytest.mark.parametrize("loss", ["squared_log_error", "poisson", "quantile"])
def test_a_kept_regressor_predicts_the_same_and_goes_on(frame, loss, tmp_path):
    X, y = frame
    model = BagBehaviorRegressor(**TWO_STEPS, loss=loss, quantile=[0.2, 0.8]).fit(X, y)
    save(model, tmp_path / "model.skbseq")
    kept = [load(tmp_path / "model.skbseq"), pickle.loads(pickle.dumps(model))]
    for other in kept:
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
    model.partial_fit(X, y)
    for other in kept:
        np.testing.assert_array_equal(other.partial_fit(X, y).predict(X), model.predict(X))


@eager
def test_same_seed_same_fit_bit_for_bit(frame):
    X, y = frame[0][:20], frame[1][:20]
    model = LSTMBehaviorRegressor(**QUICK, dropout=0.3, n_layers=2)
    a, b = (clone(model).fit(X, y).predict(X) for _ in range(2))
    np.testing.assert_array_equal(a, b)


@eager
@pytest.mark.parametrize(
    "change",
    [
        {"loss": "huber"},
        {"loss": "quantile", "quantile": 0.9},
        {"units": 5},
        {"pooling": "mean"},
        {"dropout": 0.5},
        {"embedding_dropout": 0.5},
        {"l2": 0.1},
        {"learning_rate": 0.1},
        {"validation_split": 0.5},
        {"optimizer__beta_1": 0.1},
    ],
)
def test_parameters_act(frame, two_steps, change):
    X, y = frame[0][:40], frame[1][:40]
    model = LSTMBehaviorRegressor(**{**WHOLE, "epochs": 2})
    if "whole" not in two_steps:
        two_steps["whole"] = clone(model).fit(X, y).predict(X)
    other = clone(model).set_params(**change).fit(X, y)
    assert not np.array_equal(other.predict(X), two_steps["whole"])


# ---------------------------------------------------------------- targets


@eager
def test_numbers_of_any_kind(frame):
    X, y = frame
    y = y.round()
    model = BagBehaviorRegressor(**WHOLE | {"epochs": 1})
    expected = clone(model).fit(X, y).predict(X)
    forms = [
        y.astype(int),
        y.tolist(),
        pd.Series(y, dtype="Int64"),
        pd.Series(y, dtype="float64[pyarrow]"),
        [Decimal(int(value)) for value in y],
    ]
    for form in forms:
        np.testing.assert_array_equal(clone(model).fit(X, form).predict(X), expected)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "row 2 holds nan. Give every sample a number, or drop"),
        (None, "row 2 holds None. Give every sample a number"),
        (pd.NA, "row 2 holds <NA>. Give every sample a number"),
        (float("inf"), "row 2 holds inf. Where nothing happened within the horizon, clip y"),
        ("much", "holds .*Give every sample a number"),
        (dt.datetime(2026, 1, 1), r"row 2 holds datetime.datetime\(2026, 1, 1"),
    ],
)
def test_what_is_no_finite_number_is_named(frame, value, message):
    X, y = frame
    bad = y.tolist()
    bad[2] = value
    forms = [np.array(bad, dtype=object)]
    forms += [bad, np.array(bad)] if isinstance(value, (float, str)) else []
    for form in forms:
        with pytest.raises(ValueError, match=f"y must hold finite numbers; {message}|{message}"):
            LSTMBehaviorRegressor(**QUICK).fit(X, form)


@pytest.mark.parametrize("kind", ["datetime64[s]", "timedelta64[s]", "U"])
def test_times_and_digits_in_strings_are_not_taken_for_numbers(frame, kind):
    X, y = frame
    bad = y.astype(int).astype(kind)
    for form in bad, bad.astype(object), pd.Series(bad):
        with pytest.raises(ValueError, match="y must hold finite numbers; row 0 holds"):
            LSTMBehaviorRegressor(**QUICK).fit(X, form)


@pytest.mark.parametrize("loss", ["squared_log_error", "poisson"])
def test_negative_numbers_are_refused_where_there_can_be_none(frame, loss):
    X, y = frame
    bad = np.where(np.arange(120) == 17, -0.5, y)
    model = LSTMBehaviorRegressor(**QUICK, loss=loss)
    message = f"loss='{loss}' takes numbers of zero or more; row 17 of y holds -0.5"
    for learn in model.fit, model.partial_fit:
        with pytest.raises(ValueError, match=message):
            learn(X, bad)


def test_shapes_of_targets(frame):
    X, y = frame
    model = LSTMBehaviorRegressor(**QUICK)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y[:-1])
    with pytest.raises(ValueError, match=r"1d array, got an array of shape \(120, 2\)"):
        model.fit(X, np.column_stack([y, y]))
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("quantile", "message"),
    [
        (0, "must be a float in the range"),
        (1.0, "must be a float in the range"),
        (True, "must be a float in the range"),
        ("half", "must be a float in the range"),
        (None, "must be a float in the range"),
        ([], "must be a number between 0 and 1, or a list of such"),
        ([0.5, 1.0], "must be a number between 0 and 1, or a list of such"),
        ([0.5, "high"], "must be a number between 0 and 1, or a list of such"),
        ([0.5, None], "must be a number between 0 and 1, or a list of such"),
        ([[0.1, 0.5]], "must be a number between 0 and 1, or a list of such"),
        ([0.9, 0.1], "must ascend, each level once"),
        ((0.5, 0.5), "must ascend, each level once"),
    ],
)
def test_senseless_quantiles_are_refused(frame, quantile, message):
    with pytest.raises(ValueError, match=message):
        LSTMBehaviorRegressor(**QUICK, loss="quantile", quantile=quantile).fit(*frame)


def test_a_senseless_loss_is_refused(frame):
    with pytest.raises(ValueError, match="The 'loss' parameter of LSTMBehaviorRegressor must be"):
        LSTMBehaviorRegressor(**QUICK, loss="mse").fit(*frame)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_numbers_of_any_size_are_predicted_in_their_own(size):
    X, y = [[2, 3], [3, 2]] * 20, np.array([1.0, 3.0] * 20)
    model = LSTMBehaviorRegressor(units=4, epochs=30, learning_rate=0.05, random_state=0)
    found = model.fit(X, y * size).predict(X) / size
    np.testing.assert_allclose(found, y, atol=0.5)


@eager
@pytest.mark.parametrize("network", ["lstm", "gru"])
def test_a_fit_that_goes_on_draws_other_dropout(network):
    # All rows are equal, so that their order makes no difference.
    X = SequenceEncoder().fit_transform(pd.DataFrame({"did": [["a", "b", "a"]] * 20}))
    options = {"units": 4, "dropout": 0.5, "optimizer": "sgd", "learning_rate": 1e-9, "epochs": 1}
    options |= {"validation_split": 0, "random_state": 0, "warm_start": True}
    model = BehaviorRegressor(network, **options)
    losses = [model.fit(X, np.ones(20)).history_["loss"][0] for _ in range(2)]
    assert abs(losses[0] - losses[1]) > 1e-4
