"""The classifiers beside the LSTM: own parameters, searches, files, shared docstrings."""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skbseq
from skbseq import SequenceEncoder, estimators, load, save
from skbseq.estimators._classifier import BaseBehaviorClassifier
from skbseq.estimators._documented import documented

QUICK = dict(units=4, epochs=2, batch_size=16, random_state=0)
ONE_STEP = dict(epochs=1, batch_size=80, validation_split=0)
KINDS = [
    kind
    for kind in (getattr(estimators, name) for name in estimators.__all__)
    if issubclass(kind, BaseBehaviorClassifier) and kind is not skbseq.BehaviorClassifier
]
# What acts on one network alone, and what others take that it does not.
OWN = {
    "BagBehaviorClassifier": (
        {"units": 5, "dropout": 0.5},
        ["n_layers", "pooling", "bidirectional", "recurrent_dropout"],
    ),
    "CNNBehaviorClassifier": (
        {"units": 5, "n_layers": 2, "kernel_size": 2, "dropout": 0.5, "pooling": "max"},
        ["bidirectional", "recurrent_dropout", "n_heads"],
    ),
    "GRUBehaviorClassifier": (
        {"bidirectional": True, "n_layers": 2, "recurrent_dropout": 0.5, "pooling": "attention"},
        ["kernel_size"],
    ),
    "LSTMBehaviorClassifier": ({"pooling": "attention"}, ["n_heads"]),
    "RNNBehaviorClassifier": (
        {"bidirectional": True, "n_layers": 2, "recurrent_dropout": 0.5, "pooling": "mean"},
        ["kernel_size"],
    ),
    "TransformerBehaviorClassifier": (
        {"n_heads": 3, "feed_forward_units": 3, "bidirectional": True, "n_layers": 1}
        | {"dropout": 0.5, "pooling": "attention"},
        ["recurrent_dropout", "kernel_size"],
    ),
}
BLIND = ["BagBehaviorClassifier"]
# Few blocks: to build a graph takes longer than to train it. (A transformer needs two, for in one
# the last event sees the same, both ways or not.)
FLAT = {
    "CNNBehaviorClassifier": {"n_layers": 1},
    "TransformerBehaviorClassifier": {"n_layers": 2, "n_heads": 2},
}


@pytest.fixture(scope="module")
def frame():
    """Encoded histories of 0 to 9 events; yes if the last code is 2."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 10, 80)
    codes = [rng.integers(1, 5, n).tolist() for n in lengths]
    X = pd.DataFrame(
        {
            "what": codes,
            "price": [rng.normal(size=n).round(3).tolist() for n in lengths],
            "age": rng.normal(size=80),
        }
    )
    y = np.array(["yes" if row and row[-1] == 2 else "no" for row in codes])
    return X, y


@pytest.fixture(scope="module")
def fitted(frame):
    return {kind: make(kind).fit(*frame) for kind in KINDS}


@pytest.fixture
def eager():
    """Steps run untraced: to trace one takes longer than to take it once."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def begun():
    """Classifiers of one step, fitted where a test first asks for them."""
    return {}


def make(kind, **parameters):
    return kind(**{**QUICK, **FLAT.get(kind.__name__, {}), **parameters})


def test_every_network_has_a_classifier():
    from skbseq.networks import NETWORKS

    assert {kind.network for kind in KINDS} == set(NETWORKS)
    assert {kind.__name__ for kind in KINDS} == set(OWN)


@pytest.mark.parametrize(
    ("name", "change"),
    [(name, {key: value}) for name, (own, _) in OWN.items() for key, value in own.items()],
)
def test_every_parameter_of_its_own_acts(frame, begun, eager, name, change):
    model = make(getattr(skbseq, name), **ONE_STEP)
    if name not in begun:
        begun[name] = clone(model).fit(*frame).predict_proba(frame[0])
    other = model.set_params(**change).fit(*frame)
    assert not np.array_equal(other.predict_proba(frame[0]), begun[name])


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, other) for name, (_, without) in OWN.items() for other in without],
)
def test_what_would_do_nothing_is_refused(frame, name, parameter):
    model = getattr(skbseq, name)(**QUICK, **{parameter: 1})
    with pytest.raises(TypeError, match=f"{name} has no parameter '{parameter}'"):
        model.fit(*frame)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("CNNBehaviorClassifier", {"kernel_size": 2}),
        ("TransformerBehaviorClassifier", {"n_heads": 1}),
        ("TransformerBehaviorClassifier", {"feed_forward_units": 5}),
        ("GRUBehaviorClassifier", {"pooling": "attention"}),
    ],
)
def test_a_fit_goes_on_with_the_same_shapes_alone(frame, fitted, name, change):
    model = pickle.loads(pickle.dumps(fitted[getattr(skbseq, name)])).set_params(**change)
    with pytest.raises(ValueError, match=f"{next(iter(change))} was changed since"):
        model.partial_fit(*frame)


@pytest.mark.parametrize("kind", KINDS)
def test_embedding_dropout_acts_and_is_repeatable(frame, eager, kind):
    model = make(kind, **ONE_STEP, embedding_dropout=0.5).fit(*frame)
    other = make(kind, **ONE_STEP).fit(*frame)
    assert not np.array_equal(model.predict_proba(frame[0]), other.predict_proba(frame[0]))
    again = clone(model).fit(*frame)
    for a, b in zip(model.weights_, again.weights_, strict=True):
        assert (a == b).all()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_and_their_company_do_not_matter(frame, fitted, kind):
    X, _ = frame
    expected = fitted[kind].predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    found = fitted[kind].predict_proba(X.iloc[order])
    np.testing.assert_allclose(found, expected[order], atol=1e-6)
    long = pd.DataFrame({"what": [[2] * 300], "price": [[0.0] * 300], "age": [0.0]})
    beside = fitted[kind].predict_proba(pd.concat([X, long], ignore_index=True))[:-1]
    np.testing.assert_allclose(beside, expected, atol=1e-6)
    empty = pd.DataFrame({"what": [[], []], "price": [[], []], "age": [0.0, 1.0]})
    assert np.isfinite(fitted[kind].predict_proba(empty)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_kept_in_a_file_and_a_pickle(frame, fitted, kind, tmp_path):
    X, _ = frame
    expected = fitted[kind].predict_proba(X)
    save(fitted[kind], tmp_path / "model.skbseq")
    again = load(tmp_path / "model.skbseq")
    assert again.spec_ == fitted[kind].spec_ and type(again) is kind
    np.testing.assert_array_equal(again.predict_proba(X), expected)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(fitted[kind])).predict_proba(X), expected
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_pipeline_is_searched_and_learns_order_unless_blind(kind):
    X = pd.DataFrame({"what": [["view", "cart"], ["cart", "view"]] * 60})
    y = np.array([0, 1] * 60)
    classifier = make(kind, units=8, epochs=15, learning_rate=0.03)
    model = make_pipeline(SequenceEncoder(), classifier)
    name = type(classifier).__name__.lower()
    search = GridSearchCV(model, {f"{name}__l2": [0.0, 1e-5]}, cv=2, scoring="roc_auc").fit(X, y)
    assert search.best_score_ == pytest.approx(0.5 if kind.__name__ in BLIND else 1.0)


def test_long_histories_are_predicted_in_small_batches(frame, fitted, monkeypatch):
    from skbseq._training import _program

    sizes, predict_batch = [], _program.Program.predict_batch

    def note(self, batch):
        sizes.append(len(batch["lengths"]))
        return predict_batch(self, batch)

    monkeypatch.setattr(_program.Program, "predict_batch", note)
    n = 200
    X = pd.DataFrame({"what": [[2] * n] * 600, "price": [[0.0] * n] * 600, "age": [0.0] * 600})
    most = {skbseq.TransformerBehaviorClassifier: 128, skbseq.CNNBehaviorClassifier: 1024}
    for kind, size in most.items():
        sizes.clear()
        fitted[kind].predict_proba(X)
        assert max(sizes) == size


# ---------------------------------------------------------------- docstrings


def test_shared_text_is_in_every_docstring_once():
    for kind in KINDS:
        doc = inspect.getdoc(kind)
        for title in "Parameters", "Attributes", "Raises", "Notes", "References", "Examples":
            assert doc.count(f"\n{title}\n{'-' * len(title)}\n") == 1, (kind, title)
        assert "Share of the samples held out for ``val_loss``, shuffled and" in doc
        assert "\nclasses_ : ndarray of shape (n_classes,)\n" in doc
        for name in inspect.signature(kind).parameters:
            assert len([line for line in doc.splitlines() if line.startswith(f"{name} : ")]) == (
                name != "routed"
            )


def test_what_a_class_says_itself_goes_before_the_shared_text():
    assert "units : int, default=32\n    Size of the state of each layer." in inspect.getdoc(
        skbseq.LSTMBehaviorClassifier
    )
    assert "units : int, default=32\n    Size of the vector of an event." in inspect.getdoc(
        skbseq.CNNBehaviorClassifier
    )


def test_a_parameter_that_is_not_there_cannot_be_documented():
    class Wrong(BaseBehaviorClassifier):
        """Classify.

        Parameters
        ----------
        size : int
            Of nothing.
        """

        def __init__(self, *, units=3):
            self.units = units

    with pytest.raises(TypeError, match=r"Wrong documents \['size'\], which it does not take"):
        documented()(Wrong)


def test_without_docstrings_nothing_is_filled_in():
    class Silent(BaseBehaviorClassifier):
        pass

    Silent.__doc__ = None
    assert documented()(Silent).__doc__ is None
