"""Early stopping: when training stops, and which weights are kept."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss

from skbseq import BehaviorClassifier, BehaviorRegressor
from skbseq._training import _callbacks
from skbseq._training._callbacks import EarlyStopping, is_as_good
from skbseq.estimators._sequence_model import SequenceModel

pytestmark = pytest.mark.steps("eager")


@pytest.fixture(autouse=True)
def _few_are_enough(monkeypatch):
    monkeypatch.setattr(_callbacks, "_LEAST_HELD_OUT", 1)


class Network:
    """Stands for a network whose weights are the number of the epoch."""

    epoch = 0
    stop_training = False

    def get_weights(self):
        return [self.epoch]

    def set_weights(self, weights):
        self.epoch = weights[0]


def run(losses, weights=None, patience=2, by_sample=True):
    """Epoch whose weights are kept, and the last one, both from 1; losses are by epoch."""
    losses = np.array(losses, float)
    weights = np.ones(losses.shape[1]) if weights is None else np.array(weights, float)
    network, found = Network(), [None]
    stopping = EarlyStopping("loss", patience, lambda: found[0])
    stopping.set_model(network)
    stopping.on_train_begin()
    for epoch, values in enumerate(losses):
        network.epoch = last = epoch + 1
        found[0] = (values, weights) if by_sample else None
        logs = {"val_loss": float(np.average(values, weights=weights))}
        stopping.on_epoch_end(epoch, logs)
        if network.stop_training:
            break
    stopping.on_train_end()
    assert network.epoch == stopping.best_epoch + 1
    return network.epoch, last


def test_the_latest_epoch_as_good_as_the_best_is_kept():
    # The third and the fourth epoch are worse by less than the standard error; the fifth is not.
    losses = [[1, 1, 1], [0.5, 0.5, 0.5], [0.4, 0.7, 0.5], [0.5, 0.4, 0.7], [0.7, 0.7, 0.7]]
    assert run(losses, patience=9) == (4, 5)
    assert run(losses, patience=9, by_sample=False) == (2, 5)


def test_of_few_held_out_samples_the_lowest_loss_is_kept(monkeypatch):
    losses = [[1, 1, 1], [0.5, 0.5, 0.5], [0.4, 0.7, 0.5]]
    assert run(losses) == (3, 3)
    monkeypatch.setattr(_callbacks, "_LEAST_HELD_OUT", 4)
    assert run(losses) == (2, 3)


def test_training_stops_as_if_only_the_lowest_loss_counted():
    losses = [[0.5, 0.5], [0.4, 0.7], [0.4, 0.7], [0.1, 0.1]]
    assert run(losses, patience=2) == (3, 3)


def test_a_new_best_epoch_takes_over():
    losses = [[0.5, 0.5], [0.4, 0.7], [0.1, 0.2], [0.3, 0.4]]
    assert run(losses, patience=2) == (3, 4)


def test_a_clearly_worse_epoch_between_does_not_matter():
    assert run([[0.5, 0.5], [0.9, 0.9], [0.3, 0.8]], patience=9) == (3, 3)


def test_weights_of_samples_count():
    rng = np.random.default_rng(0)
    best, later = rng.random(50), rng.random(50)
    weights = rng.integers(0, 4, 50).astype(float)
    excess = later - best
    mean = (weights * excess).sum() / weights.sum()
    variance = (weights**2 * (excess - mean) ** 2).sum() / weights.sum() ** 2
    for shift in (-0.02, 0.02):
        moved = later - mean + variance**0.5 + shift
        assert is_as_good(moved, weights, than=best) == (shift < 0)


def test_a_single_sample_keeps_the_best():
    assert run([[0.5], [0.6], [0.5]], patience=9) == (3, 3)  # equal losses are as good


# ---------------------------------------------------------------------- in estimators


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"page": [rng.integers(2, 9, 5).tolist() for _ in range(120)]})
    return X, rng.integers(0, 2, 120)


def make(kind=BehaviorClassifier, **parameters):
    return kind("bag", **({"units": 4, "learning_rate": 0.02, "random_state": 3} | parameters))


@pytest.mark.parametrize("kind", [BehaviorClassifier, BehaviorRegressor])
def test_estimators_compare_the_losses_of_samples(kind, noise):
    model = make(kind, validation_split=0.3, early_stopping=3).fit(*noise)
    lowest = np.argmin(model.history_["val_loss"]) + 1
    assert lowest < model.best_epoch_ <= model.n_iter_ == lowest + 3


def test_sample_weights_decide_which_epoch_is_as_good(noise, monkeypatch):
    seen = []
    monkeypatch.setattr(_callbacks, "is_as_good", lambda *given, than: seen.append(given))
    weights = np.arange(len(noise[1])) % 3
    make(validation_split=0.3).fit(*noise, sample_weight=weights)
    # Those of weight zero are not held out.
    found = np.unique(seen[0][1])
    assert_allclose(found / found[0], [1, 2], rtol=1e-6)


def test_the_weights_kept_are_those_of_the_best_epoch(noise):
    X, y = noise
    model = make(validation_split=0.3).fit(X, y)
    again = make(validation_split=0.3, early_stopping=False, epochs=model.best_epoch_).fit(X, y)
    assert model.best_epoch_ < model.n_iter_
    assert_allclose(model.predict_proba(X), again.predict_proba(X), rtol=1e-5)
    assert log_loss(y, model.predict_proba(X)) < 1


def test_without_early_stopping_the_last_epoch_is_kept(noise):
    assert make(early_stopping=False, epochs=2).fit(*noise).best_epoch_ == 2
    assert make(validation_split=0.0, epochs=2).fit(*noise).best_epoch_ == 2


def test_models_of_earlier_versions_kept_the_lowest_loss(noise):
    model = make(epochs=2).fit(*noise)  # a model of its own, for it is changed
    state = vars(model._sequence_model) | {"history": {"loss": [3, 2], "val_loss": [1.0, 2.0]}}
    del state["best_epoch"]
    earlier = object.__new__(SequenceModel)
    vars(earlier).update(state)
    model._sequence_model = earlier
    assert model.best_epoch_ == 1
    assert model.set_params(early_stopping=False).best_epoch_ == 2
