"""The regressor of each network: it learns, and takes what the network's classifier takes."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import skbseq
from skbseq import estimators, load, save
from skbseq.estimators._regressor import BaseBehaviorRegressor

QUICK = dict(units=8, epochs=12, batch_size=16, learning_rate=0.02, random_state=0)
KINDS = [
    kind
    for kind in (getattr(estimators, name) for name in estimators.__all__)
    if issubclass(kind, BaseBehaviorRegressor) and kind is not skbseq.BehaviorRegressor
]
# What is of one network alone, and few layers: to build a graph takes longer than to train it.
OWN = {
    "cnn": {"n_layers": 1, "kernel_size": 2, "dropout": 0.0},
    "transformer": {"n_layers": 1, "n_heads": 2, "feed_forward_units": 5, "dropout": 0.0},
}
# What others take and this one does not.
WITHOUT = {
    "bag": ["n_layers", "pooling", "bidirectional", "recurrent_dropout"],
    "cnn": ["bidirectional", "recurrent_dropout", "n_heads"],
    "gru": ["kernel_size"],
    "lstm": ["n_heads"],
    "rnn": ["feed_forward_units"],
    "transformer": ["recurrent_dropout", "kernel_size"],
}


@pytest.fixture(scope="module")
def frame():
    """Histories of 1 to 6 events; their last decides, and as much the share of another."""
    rng = np.random.default_rng(0)
    codes = [rng.integers(2, 5, n).tolist() for n in rng.integers(1, 7, 240)]
    X = pd.DataFrame({"what": codes, "age": rng.normal(size=240)})
    last = np.array([row[-1] == 2 for row in codes])
    share = np.array([row.count(3) / len(row) for row in codes])
    return X, 100 * last + 150 * share + rng.normal(0, 5, 240)


@pytest.fixture(scope="module")
def fitted(frame):
    X, y = frame
    return {kind: make(kind).fit(X[:160], y[:160]) for kind in KINDS}


def make(kind, **parameters):
    return kind(**{**QUICK, **OWN.get(kind.network, {}), **parameters})


def classifier_of(kind):
    return getattr(skbseq, kind.__name__.replace("Regressor", "Classifier"))


def test_every_network_has_a_regressor():
    from skbseq.networks import NETWORKS

    assert sorted(kind.network for kind in KINDS) == sorted(NETWORKS)
    assert all(kind.network == classifier_of(kind).network for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_what_a_mean_does_not_tell(frame, fitted, kind):
    X, y = frame
    score = fitted[kind].score(X[160:], y[160:])  # the mean has 0
    assert score > (0.2 if kind.network == "bag" else 0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_takes_the_same_in_both(kind):
    def defaults(cls, *but):
        parameters = inspect.signature(cls).parameters
        return {name: p.default for name, p in parameters.items() if name not in but}

    ours = defaults(kind, "loss", "quantile")
    assert ours == defaults(classifier_of(kind), "class_weight", "label_smoothing")


@pytest.mark.parametrize("kind", KINDS)
def test_both_make_the_same_network_of_their_parameters(fitted, kind):
    model = fitted[kind]
    parameters = model.get_params() | {"embedding_dropout": 0.25}
    names = parameters.keys() - {"loss", "quantile"}
    other = classifier_of(kind)(**{name: parameters[name] for name in names})
    spec = clone(model).set_params(embedding_dropout=0.25)
    other._sequence_model = spec._sequence_model = model._sequence_model
    assert spec._network_spec(n_outputs=1) == other._network_spec(n_outputs=1)
    for name, value in OWN.get(kind.network, {}).items():
        assert model.spec_.arguments()[name] == value


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in KINDS for name in WITHOUT[kind.network]]
)
def test_what_would_do_nothing_is_refused(frame, kind, name):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no parameter '{name}'"):
        make(kind, **{name: 1}).fit(*frame)


# One of written-out steps and one of Keras' layers: each program more takes another from the pool.
@pytest.mark.parametrize("kind", [skbseq.LSTMBehaviorRegressor, skbseq.BagBehaviorRegressor])
def test_quantiles_have_a_column_each(frame, kind):
    X, y = frame
    model = make(kind, epochs=1, loss="quantile", quantile=[0.1, 0.5, 0.9]).fit(X, y)
    found = model.predict(X)
    assert found.shape == (240, 3)
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_kept_in_a_file_and_a_pickle_and_goes_on(frame, fitted, kind, tmp_path):
    X, y = frame
    expected = fitted[kind].predict(X)
    save(fitted[kind], tmp_path / "model.skbseq")
    again, copy = load(tmp_path / "model.skbseq"), pickle.loads(pickle.dumps(fitted[kind]))
    assert type(again) is kind
    np.testing.assert_array_equal(again.predict(X), expected)
    np.testing.assert_array_equal(copy.predict(X), expected)
    again.partial_fit(X, y)
    assert again.n_iter_ == fitted[kind].n_iter_ + 1
    assert (again.predict(X) != expected).any()


def test_docstrings_tell_of_numbers_once():
    for kind in KINDS:
        doc = inspect.getdoc(kind)
        for title in "Parameters", "Attributes", "Raises", "Notes", "Examples":
            assert doc.count(f"\n{title}\n{'-' * len(title)}\n") == 1, (kind, title)
        assert "\nquantile : float or list of float, default=0.5\n" in doc
        assert "giving numbers on its own scale" in doc and "giving logits" not in doc
        assert "holds values that are not finite numbers" in doc and "only one class" not in doc
        assert "classes_ :" not in doc
        for name in inspect.signature(kind).parameters:
            assert doc.count(f"\n{name} : ") == (name != "routed")


def test_what_a_network_takes_is_told_once_for_both():
    for kind in KINDS:
        for doc in inspect.getdoc(kind), inspect.getdoc(classifier_of(kind)):
            assert ("Size of the state of each layer." in doc) == (
                kind.network in ("lstm", "gru", "rnn")
            )
            assert ("kernel_size : int, default=3\n    Events that a convolution sees" in doc) == (
                kind.network == "cnn"
            )
