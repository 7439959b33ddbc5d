"""Rates that change, gradients that are clipped, and stopping, in both ways of training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skbseq import BagBehaviorClassifier, GRUBehaviorClassifier, LSTMBehaviorClassifier

# Nothing is held out: 10 steps an epoch.
QUICK = dict(units=4, epochs=4, batch_size=16, validation_split=0, random_state=0)
QUICK["device"] = "/CPU:0"
# Steps written out, and through the layers, of which the bag has fewest.
both = pytest.mark.parametrize("kind", [LSTMBehaviorClassifier, BagBehaviorClassifier])
eager = pytest.mark.steps("eager")  # where a few steps take less time than to trace one


@pytest.fixture(scope="module")
def frame():
    """Encoded histories of 0 to 9 events; 1 if the last code is 2."""
    rng = np.random.default_rng(0)
    codes = [rng.integers(1, 5, n).tolist() for n in rng.integers(0, 10, 160)]
    y = np.array([int(bool(row) and row[-1] == 2) for row in codes])
    return pd.DataFrame({"what": codes}), y


@pytest.fixture
def rates():
    """A callback with the learning rate at the end of each epoch."""
    import keras

    class Rates(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.seen = []

        def on_epoch_end(self, epoch, logs=None):
            rate = keras.ops.convert_to_tensor(self.model.optimizer.learning_rate)
            self.seen.append(float(rate.numpy()))

    return Rates()


def decay():
    import keras

    return keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=10, decay_rate=0.5)


@both
def test_a_schedule_acts_from_step_to_step(frame, rates, kind):
    model = kind(**QUICK, optimizer__learning_rate=decay(), callbacks=[rates]).fit(*frame)
    np.testing.assert_allclose(rates.seen, 0.02 * 0.5 ** np.arange(1, 5), rtol=1e-5)
    still = clone(model).set_params(optimizer__learning_rate=0.02).fit(*frame)
    assert (still.predict_proba(frame[0]) != model.predict_proba(frame[0])).any()


@both
def test_a_schedule_of_an_instance_is_the_same(frame, kind):
    import keras

    routed = kind(**QUICK, optimizer__learning_rate=decay()).fit(*frame)
    instance = kind(**QUICK, optimizer=keras.optimizers.Adam(decay())).fit(*frame)
    expected = routed.predict_proba(frame[0])
    np.testing.assert_array_equal(instance.predict_proba(frame[0]), expected)


@both
def test_a_schedule_goes_on_where_a_fit_goes_on(frame, rates, kind):
    schedule = {"optimizer__learning_rate": decay(), "callbacks": [rates]}
    model = kind(**{**QUICK, "epochs": 2}, warm_start=True, **schedule)
    model.fit(*frame).fit(*frame).partial_fit(*frame)
    np.testing.assert_allclose(rates.seen, 0.02 * 0.5 ** np.arange(1, 6), rtol=1e-5)


@both
def test_a_schedule_is_searched(frame, kind):
    grid = {"optimizer__learning_rate": [1e-6, decay()]}
    search = GridSearchCV(kind(**QUICK), grid, cv=2, scoring="neg_log_loss", error_score="raise")
    search.fit(*frame)
    assert search.best_index_ == 1


@both
def test_a_scheduler_sets_the_rate_of_each_epoch(frame, rates, kind):
    import keras

    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model = kind(**QUICK, learning_rate=0.02, callbacks=[halve, rates]).fit(*frame)
    np.testing.assert_allclose(rates.seen, 0.02 * 0.5 ** np.arange(1, 5), rtol=1e-5)
    # The next fit begins with the rate of its own.
    again = clone(model).set_params(callbacks=None).fit(*frame)
    fresh = kind(**QUICK, learning_rate=0.02).fit(*frame)
    np.testing.assert_array_equal(again.predict_proba(frame[0]), fresh.predict_proba(frame[0]))


@both
def test_a_plateau_lowers_the_rate(frame, rates, kind):
    import keras

    plateau = keras.callbacks.ReduceLROnPlateau(
        monitor="loss", factor=0.5, patience=1, min_delta=10.0
    )
    kind(**QUICK, learning_rate=0.02, callbacks=[plateau, rates]).fit(*frame)
    np.testing.assert_allclose(rates.seen, [0.02, 0.01, 0.005, 0.0025], rtol=1e-5)


@eager
@both
@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipped_gradients_move_weights_so_far_at_most(frame, kind, clip):
    # One step of plain descent at a rate of 1 moves the weights by their gradients.
    one = {**QUICK, "epochs": 1, "batch_size": 160, "optimizer": "sgd", "learning_rate": 1.0}
    begun = kind(**{**one, "learning_rate": 1e-12}).fit(*frame).weights_
    found = kind(**one, **{f"optimizer__{clip}": 1e-3}).fit(*frame).weights_
    moved = [a.astype(np.float64) - b for a, b in zip(found, begun, strict=True)]
    if clip == "clipvalue":
        most = max(np.abs(part).max() for part in moved)
    elif clip == "clipnorm":
        most = max(np.linalg.norm(part) for part in moved)
    else:
        most = np.sqrt(sum((part**2).sum() for part in moved))
    assert most == pytest.approx(1e-3, rel=0.01)


@both
def test_training_stops_early_and_goes_back_to_an_epoch_as_good_as_the_best(frame, kind):
    X, y = frame[0], np.random.default_rng(1).integers(0, 2, 160)  # nothing to learn but noise
    options = {"learning_rate": 0.05, "epochs": 40, "validation_split": 0.2}
    model = kind(**{**QUICK, "units": 16, **options}, early_stopping=2).fit(X, y)
    losses = model.history_["val_loss"]
    assert len(losses) == np.argmin(losses) + 3 < 40
    best = clone(model).set_params(epochs=model.best_epoch_).fit(X, y)
    np.testing.assert_array_equal(best.predict_proba(X), model.predict_proba(X))


@both
@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_a_large_penalty_leaves_small_kernels(frame, kind, penalty):
    sizes = [
        sum(
            float(np.abs(weight).sum())
            for name, weight in zip(
                model._sequence_model.weight_names, model.weights_, strict=True
            )
            if name.endswith("kernel")
        )
        for model in (kind(**QUICK, **{penalty: value}).fit(*frame) for value in (0.0, 1.0))
    ]
    assert sizes[1] < 0.95 * sizes[0]


@eager
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (LSTMBehaviorClassifier, "dropout"),  # fused
        (LSTMBehaviorClassifier, "recurrent_dropout"),  # by the layers
        (GRUBehaviorClassifier, "embedding_dropout"),
    ],
)
def test_hidden_parts_disturb_training_and_not_prediction(frame, kind, name):
    X, y = frame[0][:40], frame[1][:40]
    steps = {**QUICK, "epochs": 1, "batch_size": 40}
    model = kind(**steps, **{name: 0.5}).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))
    plain = kind(**steps).fit(X, y)
    assert (model.predict_proba(X) != plain.predict_proba(X)).any()
    np.testing.assert_array_equal(clone(model).fit(X, y).predict_proba(X), model.predict_proba(X))
