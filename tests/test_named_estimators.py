"""Classifiers and regressors named after a network: options, learning, files, docstrings.

What they share with the LSTM's is proven there, and what a network computes in
``test_networks.py``. So most fits here take one step, and run it untraced.
"""

import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline

import skbseq
from skbseq import SequenceEncoder, estimators, load, save
from skbseq.estimators._classifier import BaseBehaviorClassifier
from skbseq.estimators._documented import documented
from skbseq.estimators._regressor import BaseBehaviorRegressor
from skbseq.networks import NETWORKS

pytestmark = pytest.mark.steps("eager")

ONE_STEP = dict(
    units=4, epochs=1, batch_size=80, validation_split=0, random_state=0, device="/CPU:0"
)
PUBLIC = [getattr(estimators, name) for name in estimators.__all__]
NAMED = [
    kind
    for kind in PUBLIC
    if issubclass(kind, (BaseBehaviorClassifier, BaseBehaviorRegressor))
    and kind not in (skbseq.BehaviorClassifier, skbseq.BehaviorRegressor)
]
CLASSIFIERS = [kind for kind in NAMED if issubclass(kind, BaseBehaviorClassifier)]
REGRESSORS = [kind for kind in NAMED if issubclass(kind, BaseBehaviorRegressor)]
# Few layers: to build a graph takes longer than to train it. A transformer needs two, because in
# one the last event sees the same events, both ways or not.
FEW_LAYERS = {"cnn": {"n_layers": 1}, "transformer": {"n_layers": 2, "n_heads": 2}}
# Another value of each option. The RNN has those of the GRU, by the same function.
CHANGES = {
    "bag": {"units": 5, "dropout": 0.5},
    "cnn": {"units": 5, "n_layers": 2, "kernel_size": 2, "dropout": 0.5, "pooling": "max"},
    "gru": {"n_layers": 2, "bidirectional": True, "recurrent_dropout": 0.5, "pooling": "mean"},
    "transformer": {"n_heads": 3, "feed_forward_units": 3, "bidirectional": True, "n_layers": 1}
    | {"dropout": 0.5, "pooling": "attention"},
}
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
    return X, np.array([int(bool(row) and row[-1] == 2) for row in codes])


@pytest.fixture(scope="module")
def fitted(frame):
    """Each class after one step, fitted where a test first asks for it."""
    found = {}

    def fit(kind):
        if kind not in found:
            found[kind] = make(kind).fit(*frame)
        return found[kind]

    return fit


def make(kind, **parameters):
    return kind(**{**ONE_STEP, **FEW_LAYERS.get(kind.network, {}), **parameters})


def outputs(model, X):
    return model.predict_proba(X) if is_classifier(model) else model.predict(X)


def of_network(network):
    return next(kind for kind in CLASSIFIERS if kind.network == network)


def test_every_network_with_texts_has_a_classifier_and_a_regressor():
    # Those of the LSTM are written by hand, and need no texts.
    named = sorted({"lstm", *(name for name, network in NETWORKS.items() if network.texts)})
    for kinds in CLASSIFIERS, REGRESSORS:
        assert sorted(kind.network for kind in kinds) == named


@pytest.mark.parametrize("kind", REGRESSORS)
def test_a_network_takes_the_same_in_both(kind):
    def defaults(cls, *but):
        parameters = inspect.signature(cls).parameters
        return {name: p.default for name, p in parameters.items() if name not in but}

    ours = defaults(kind, "loss", "quantile")
    assert ours == defaults(of_network(kind.network), "class_weight", "label_smoothing")


@pytest.mark.parametrize(
    ("network", "change"),
    [(name, {key: value}) for name, own in CHANGES.items() for key, value in own.items()],
)
def test_every_option_acts(frame, fitted, network, change):
    X, y = frame
    before = fitted(of_network(network))
    model = make(of_network(network), **change).fit(X, y)
    assert not np.array_equal(model.predict_proba(X), before.predict_proba(X))


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in NAMED for name in WITHOUT[kind.network]]
)
def test_what_would_do_nothing_is_refused(frame, kind, name):
    with pytest.raises(TypeError, match=f"{kind.__name__} has no parameter '{name}'"):
        make(kind, **{name: 1}).fit(*frame)


@pytest.mark.parametrize(
    ("network", "change"),
    [
        ("cnn", {"kernel_size": 2}),
        ("transformer", {"n_heads": 1}),
        ("transformer", {"feed_forward_units": 5}),
        ("gru", {"pooling": "attention"}),
    ],
)
def test_a_fit_continues_only_with_the_same_shapes(frame, fitted, network, change):
    model = pickle.loads(pickle.dumps(fitted(of_network(network)))).set_params(**change)
    with pytest.raises(ValueError, match=f"{next(iter(change))} was changed since"):
        model.partial_fit(*frame)


def test_embedding_dropout_acts_and_is_repeatable(frame, fitted):
    X, y = frame
    model = make(skbseq.GRUBehaviorClassifier, embedding_dropout=0.5).fit(X, y)
    plain = fitted(skbseq.GRUBehaviorClassifier)
    assert not np.array_equal(model.predict_proba(X), plain.predict_proba(X))
    for a, b in zip(model.weights_, clone(model).fit(X, y).weights_, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.steps("traced")  # Keras warns of attention over a single step when it runs untraced
@pytest.mark.parametrize("network", ["gru", "transformer"])
def test_rows_and_their_company_do_not_matter(frame, fitted, network):
    X, _ = frame
    model = fitted(of_network(network))
    expected = model.predict_proba(X)
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_allclose(model.predict_proba(X.iloc[order]), expected[order], atol=1e-6)
    long = pd.DataFrame({"what": [[2] * 300], "price": [[0.0] * 300], "age": [0.0]})
    company = model.predict_proba(pd.concat([X, long], ignore_index=True))[:-1]
    np.testing.assert_allclose(company, expected, atol=1e-6)
    empty = pd.DataFrame({"what": [[], []], "price": [[], []], "age": [0.0, 1.0]})
    assert np.isfinite(model.predict_proba(empty)).all()


@pytest.mark.parametrize("kind", NAMED)
def test_kept_in_a_file_and_a_pickle_and_continues(frame, fitted, kind, tmp_path):
    X, y = frame
    expected = outputs(fitted(kind), X)
    save(fitted(kind), tmp_path / "model.skbseq")
    again = load(tmp_path / "model.skbseq")
    assert again.spec_ == fitted(kind).spec_ and type(again) is kind
    np.testing.assert_array_equal(outputs(again, X), expected)
    copy = pickle.loads(pickle.dumps(fitted(kind)))
    np.testing.assert_array_equal(outputs(copy, X), expected)
    assert again.partial_fit(X, y).n_iter_ == 2
    assert (outputs(again, X) != expected).any()


# ---------------------------------------------------------------- learning


@pytest.mark.steps("traced")
@pytest.mark.parametrize("kind", REGRESSORS)
def test_it_learns_what_a_mean_does_not_tell(kind):
    """The last event decides, and as much the share of another code."""
    rng = np.random.default_rng(0)
    codes = [rng.integers(2, 5, n).tolist() for n in rng.integers(1, 7, 240)]
    X = pd.DataFrame({"what": codes, "age": rng.normal(size=240)})
    last = np.array([row[-1] == 2 for row in codes])
    share = np.array([row.count(3) / len(row) for row in codes])
    y = 100 * last + 150 * share + rng.normal(0, 5, 240)
    options = {"units": 8, "epochs": 12, "batch_size": 16, "learning_rate": 0.02}
    few = {"n_layers": 1, "dropout": 0.0} if kind.network in FEW_LAYERS else {}
    model = kind(**options, **few, random_state=0).fit(X[:160], y[:160])
    score = model.score(X[160:], y[160:])  # the mean has 0
    assert score > (0.2 if kind.network == "bag" else 0.5)


@pytest.mark.steps("traced")
@pytest.mark.parametrize(("network", "score"), [("cnn", 1.0), ("bag", 0.5)])
def test_a_pipeline_is_searched_and_learns_order_unless_blind(network, score):
    X = pd.DataFrame({"what": [["view", "cart"], ["cart", "view"]] * 60})
    y = np.array([0, 1] * 60)
    classifier = make(of_network(network), units=8, epochs=15, batch_size=16, learning_rate=0.03)
    model = make_pipeline(SequenceEncoder(), classifier)
    grid = {f"{type(classifier).__name__.lower()}__l2": [0.0, 1e-5]}
    split = ShuffleSplit(1, test_size=0.3, random_state=0)
    search = GridSearchCV(model, grid, cv=split, scoring="roc_auc").fit(X, y)
    assert search.best_score_ == pytest.approx(score)


def test_quantiles_have_a_column_each(frame):
    X, y = frame
    levels = [0.1, 0.5, 0.9]
    model = make(skbseq.BagBehaviorRegressor, loss="quantile", quantile=levels).fit(X, y)
    found = model.predict(X)
    assert found.shape == (80, 3)
    assert (np.diff(found) >= 0).all()


def test_long_histories_are_predicted_in_small_batches(fitted, monkeypatch):
    from skbseq._training import _program

    sizes, predict_batch = [], _program.Program.predict_batch

    def note(self, batch):
        sizes.append(len(batch["lengths"]))
        return predict_batch(self, batch)

    monkeypatch.setattr(_program.Program, "predict_batch", note)
    n = 200
    X = pd.DataFrame({"what": [[2] * n] * 600, "price": [[0.0] * n] * 600, "age": [0.0] * 600})
    for network, size in {"transformer": 128, "cnn": 1024}.items():
        sizes.clear()
        fitted(of_network(network)).predict_proba(X)
        assert max(sizes) == size


# ---------------------------------------------------------------- docstrings


@pytest.mark.parametrize("kind", NAMED)
def test_shared_text_is_in_every_docstring_once(kind):
    doc, classifies = inspect.getdoc(kind), kind in CLASSIFIERS
    titles = ["Parameters", "Attributes", "Raises", "Notes", "Examples"]
    for title in titles + ["References"] * classifies:
        assert doc.count(f"\n{title}\n{'-' * len(title)}\n") == 1, title
    for name in inspect.signature(kind).parameters:
        assert doc.count(f"\n{name} : ") == (name != "routed")
    assert "Share of the samples held out for ``val_loss``, drawn at random" in doc
    assert ("\nclasses_ : ndarray of shape (n_classes,)\n" in doc) == classifies
    assert ("\nquantile : float or list of float, default=0.5\n" in doc) != classifies
    assert ("only one class" in doc) == classifies != ("values that are not finite" in doc)
    assert ("returns logits" in doc) == classifies != ("returns numbers on its own" in doc)
    recurrent = kind.network in ("lstm", "gru", "rnn")
    assert ("Size of the state of each layer." in doc) == recurrent
    assert ("Number of events in the kernel of a convolution." in doc) == (kind.network == "cnn")


def test_what_a_class_says_itself_goes_before_the_shared_text():
    doc = inspect.getdoc(skbseq.NextBehaviorPredictor)
    assert "units : int, default=128\n    Size of the network's state." in doc
    doc = inspect.getdoc(skbseq.BehaviorClassifier)
    assert "units : int, default=32\n    Size of the hidden state" in doc


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
