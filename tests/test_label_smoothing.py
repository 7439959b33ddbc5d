"""Smoothed labels: the formula, every way of training, and what they leave alone."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_expit, log_softmax
from sklearn.base import clone

import skbseq
from skbseq import LSTMBehaviorClassifier

# A step an epoch, untraced: each test is of other networks and targets.
pytestmark = pytest.mark.steps("eager")
STEPS = dict(units=4, epochs=2, batch_size=200, device="/CPU:0", random_state=0)
TARGETS = ["two classes", "many classes", "several labels"]


@pytest.fixture(scope="module")
def frame():
    """Encoded histories of 0 to 9 events, and targets of each kind."""
    rng = np.random.default_rng(0)
    codes = [rng.integers(1, 5, n).tolist() for n in rng.integers(0, 6, 80)]
    two = np.array([int(bool(row) and row[-1] == 2) for row in codes])
    many = np.array([row[-1] if row else 0 for row in codes])
    several = np.column_stack([two, [len(row) > 2 for row in codes]])
    return pd.DataFrame({"what": codes}), dict(zip(TARGETS, (two, many, several), strict=True))


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_losses_are_those_of_spread_labels(rng, smoothing):
    from skbseq._training import Loss

    logits = rng.normal(0, 3, (6, 4)).astype(np.float32)
    classes = np.array([0, 1, 2, 3, 0, 1])
    spread = (1 - smoothing) * np.eye(4)[classes] + smoothing / 4
    expected = -(spread * log_softmax(logits, axis=1)).sum(axis=1)
    found = Loss("classes")(classes.astype(np.float32), logits, smoothing)
    np.testing.assert_allclose(found, expected, rtol=1e-5)

    labels = rng.integers(0, 2, (6, 4)).astype(np.float32)
    spread = (1 - smoothing) * labels + smoothing / 2
    losses = -(spread * log_expit(logits) + (1 - spread) * log_expit(-logits))
    found = Loss("classes")(labels[:, 0], logits[:, :1], smoothing)
    np.testing.assert_allclose(found, losses[:, 0], rtol=1e-5)

    labels[2, 1], losses[2, 1] = np.nan, 0  # not known
    found = Loss("labels")(labels, logits, smoothing)
    np.testing.assert_allclose(found, losses.mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "target"),
    [(LSTMBehaviorClassifier, TARGETS[0]), *((skbseq.BagBehaviorClassifier, t) for t in TARGETS)],
)
def test_it_acts_on_training_and_not_on_val_loss(frame, kind, target):
    X, y = frame[0], frame[1][target]
    # So small a rate leaves the weights as they begin.
    still = kind(**{**STEPS, "learning_rate": 1e-12})
    plain, smooth = (
        clone(still).set_params(label_smoothing=s).fit(X, y).history_ for s in (0, 0.4)
    )
    np.testing.assert_allclose(smooth["val_loss"], plain["val_loss"], rtol=1e-6)
    assert abs(smooth["loss"][0] - plain["loss"][0]) > 1e-4
    model = kind(**STEPS).partial_fit(X, y)
    other = kind(**STEPS, label_smoothing=0.4).partial_fit(X, y)
    assert (model.predict_proba(X) != other.predict_proba(X)).any()


@pytest.mark.parametrize("target", TARGETS)
def test_the_layers_give_the_same_figures(frame, monkeypatch, target):
    from skbseq.estimators import _keras

    X, y = frame[0], frame[1][target]
    compiled = LSTMBehaviorClassifier(**STEPS, label_smoothing=0.2).fit(X, y)
    monkeypatch.setattr(_keras.FusedRecurrence, "supports", staticmethod(lambda spec: False))
    plain = clone(compiled).fit(X, y)
    np.testing.assert_allclose(compiled.history_["loss"], plain.history_["loss"], rtol=1e-4)
    np.testing.assert_allclose(compiled.predict_proba(X), plain.predict_proba(X), atol=1e-4)


@pytest.mark.steps("traced")
@pytest.mark.parametrize(
    ("y", "certain"), [([0, 1], 0.9), ([0, 1, 2, 3], 0.85), ([[0, 1], [1, 0]], 0.9)]
)
def test_what_is_certain_is_learnt_as_the_spread_label(y, certain):
    n = 400 // len(y)
    X = pd.DataFrame({"what": [[2 + k] for k in range(len(y))] * n})
    model = skbseq.BagBehaviorClassifier(
        units=8, epochs=40, learning_rate=0.02, label_smoothing=0.2, random_state=0
    ).set_params(validation_split=0)
    probability = model.fit(X, np.array(y * n)).predict_proba(X)
    np.testing.assert_allclose(probability.max(axis=1), certain, atol=0.01)


@pytest.mark.parametrize("label_smoothing", [1.0, -0.1, None])
def test_what_is_no_share_is_refused(frame, label_smoothing):
    message = "'label_smoothing' parameter of LSTMBehaviorClassifier must be a float"
    with pytest.raises(ValueError, match=message):
        LSTMBehaviorClassifier(label_smoothing=label_smoothing).fit(
            frame[0], frame[1]["two classes"]
        )
