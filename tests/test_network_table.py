"""One table of networks: estimators, errors and documentation read it, and it may grow."""

import inspect

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

import skbseq
from skbseq import (
    BehaviorClassifier,
    BehaviorEmbedder,
    BehaviorRegressor,
    NextBehaviorPredictor,
    SequenceEncoder,
    load,
    save,
)
from skbseq._parameters import ONE_OR_MORE, Option
from skbseq.estimators._classifier import BaseBehaviorClassifier
from skbseq.estimators._named import make_named_class
from skbseq.networks import NETWORKS, ClassTexts, Network, describe_networks

# Most fits take two steps.
pytestmark = pytest.mark.steps("eager")

TINY = {"units": 4, "epochs": 1, "batch_size": 32, "random_state": 0, "device": "/CPU:0"}
PREFIXES = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn", "CNN": "cnn", "Bag": "bag"} | {
    "Transformer": "transformer"
}


def _twice(events, lengths, *, units, times):
    import keras

    return keras.layers.Dense(units)(times * events)


@pytest.fixture
def twice(monkeypatch):
    """A network that is added while Python runs, as a file of skbseq/networks adds one."""
    texts = ClassTexts("Twice", "a multiple of their events", "Nothing more.", "None.", "None.")
    options = {
        "units": Option(32, ONE_OR_MORE, "int", "Size."),
        "times": Option(2, ONE_OR_MORE, "int", "Factor."),
    }
    network = Network("twice", _twice, "every event times a number", options, texts)
    monkeypatch.setitem(NETWORKS, "twice", network)
    return network


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    codes = [rng.integers(1, 5, n).tolist() for n in rng.integers(0, 6, 64)]
    return pd.DataFrame({"what": codes}), np.array([len(row) % 2 for row in codes])


def test_a_new_network_is_found_everywhere(twice, frame):
    X, y = frame
    raw = pd.DataFrame({"what": [["a", "b", "c"], ["b", "a"]] * 20})
    options = TINY | {"network": "twice", "network__times": 3}
    for model in (BehaviorClassifier(**options), BehaviorRegressor(**options)):
        assert model.fit(X, y).spec_.arguments() == {"units": 4, "times": 3}
    for model in (BehaviorEmbedder(**options), NextBehaviorPredictor(**options)):
        assert model.fit(raw).spec_.option("times") == 3
    with pytest.raises(ValueError, match="'transformer', 'twice'; or give a function"):
        BehaviorClassifier("thrice").fit(X, y)
    with pytest.raises(ValueError, match=r"'gru' has no option 'times' .only 'twice' has it"):
        BehaviorClassifier("gru", network__times=2).fit(X, y)
    row = ('``"twice"``', "every event times a number", "``units``, ``times``")
    assert row in describe_networks()


def test_classes_are_made_of_the_table(twice, frame):
    made = make_named_class(twice, BaseBehaviorClassifier, BehaviorClassifier)
    assert made.__name__ == "TwiceBehaviorClassifier"
    parameters = inspect.signature(made).parameters
    assert parameters["times"].default == 2
    assert not {"network", "n_layers", "bidirectional", "recurrent_dropout"} & set(parameters)
    assert "Classify sequences with a multiple of their events." in made.__doc__
    assert "times : int, default=2\n    Factor." in made.__doc__
    model = made(**{**TINY, "times": 3}).fit(*frame)
    assert clone(model).times == model.spec_.option("times") == 3


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_named_classes_have_the_defaults_of_the_table(prefix, kind):
    named = inspect.signature(getattr(skbseq, f"{prefix}Behavior{kind}")).parameters
    general = inspect.signature(getattr(skbseq, f"Behavior{kind}")).parameters
    network = NETWORKS[PREFIXES[prefix]]
    for name, option in network.options.items():
        assert named[name].default == option.default
    shared = set(named) & set(general) - set(network.options)
    assert {name: named[name] for name in shared} == {name: general[name] for name in shared}


@pytest.mark.parametrize("prefix", ["CNN", "GRU"])
def test_the_general_classifier_is_the_named_one(frame, prefix):
    X, y = frame
    named = getattr(skbseq, f"{prefix}BehaviorClassifier")(**TINY).fit(X, y)
    general = BehaviorClassifier(PREFIXES[prefix], **TINY).fit(X, y)
    assert general.spec_ == named.spec_
    np.testing.assert_array_equal(general.predict_proba(X), named.predict_proba(X))


def test_a_routed_option_goes_before_the_parameter(frame):
    X, y = frame
    model = BehaviorClassifier("gru", **TINY, n_layers=1, network__n_layers=2, network__units=3)
    spec = model.fit(X, y).spec_
    assert (spec.n_layers, spec.units) == (2, 3)


def test_one_search_covers_networks_and_their_options(tmp_path):
    X = pd.DataFrame({"what": [["view", "cart"], ["cart", "view"]] * 24})
    y = ["buys", "leaves"] * 24
    model = make_pipeline(SequenceEncoder(), BehaviorClassifier(**TINY))
    network, heads = "behaviorclassifier__network", "behaviorclassifier__network__n_heads"
    grid = [{network: ["bag"]}, {network: ["transformer"], heads: [1, 2]}]
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 3
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    save(search.best_estimator_, tmp_path / "model.skbseq")
    again = load(tmp_path / "model.skbseq")
    np.testing.assert_array_equal(again.predict_proba(X), search.predict_proba(X))


MISTAKES = [
    ({"network": "lsmt"}, ValueError, "There are " + ", ".join(map(repr, sorted(NETWORKS)))),
    ({"network": 3}, ValueError, "'network' parameter of BehaviorClassifier must be"),
    ({"network__n_heads": 2}, ValueError, "'n_heads' .only 'esasrec', .* have it"),
    ({"network": "transformer", "network__n_heads": 0}, ValueError, "'network__n_heads' param"),
    ({"network": "bag", "n_layers": 2}, ValueError, "has one layer, so n_layers=2 would change"),
    ({"network": "cnn", "bidirectional": True}, ValueError, "reads in one direction"),
    ({"network": "cnn", "recurrent_dropout": 0.1}, ValueError, "has no recurrent state"),
    ({"kernel_size": 2}, TypeError, "has no parameter 'kernel_size'.*begin with network__"),
]


@pytest.mark.parametrize(("parameters", "error", "message"), MISTAKES)
def test_mistakes_are_named(frame, parameters, error, message):
    with pytest.raises(error, match=message):
        BehaviorClassifier(**{**TINY, **parameters}).fit(*frame)


def test_named_classes_take_no_other_network(frame):
    for parameters in ({"network": "gru"}, {"network__units": 3}):
        with pytest.raises(TypeError, match="has no parameter 'network"):
            skbseq.CNNBehaviorClassifier(**parameters).fit(*frame)


@pytest.mark.parametrize("prefix", ["Transformer", "CNN", "RNN", "Bag"])
def test_every_network_starts_from_an_embedder(prefix):
    raw = pd.DataFrame({"what": [["a", "b", "c"], ["b", "a", "c"]] * 20})
    embedder = BehaviorEmbedder(network=PREFIXES[prefix], **TINY).fit(raw)
    X, y = embedder.encoder_.transform(raw), np.arange(40) % 2
    kind = getattr(skbseq, f"{prefix}BehaviorClassifier")
    layers = {} if prefix == "Bag" else {"n_layers": 1}
    model = kind(**TINY, **layers, init=embedder, freeze="network").fit(X, y)
    heads = ("logits",)
    for name, weight in zip(model._sequence_model.weight_names, model.weights_, strict=True):
        if not name.startswith(heads):
            np.testing.assert_array_equal(weight, embedder._sequence_model.weight(name))
    assert {n.partition("/")[0] for n in model._sequence_model.weight_names} - set(
        model.spec_.frozen
    ) == {"logits"}


def test_options_of_a_pretrained_network_must_be_the_same():
    raw = pd.DataFrame({"what": [["a", "b", "c"], ["b", "a", "c"]] * 20})
    embedder = BehaviorEmbedder(network="transformer", network__n_heads=2, **TINY).fit(raw)
    X = embedder.encoder_.transform(raw)
    model = BehaviorClassifier("transformer", n_layers=1, init=embedder, **TINY)
    with pytest.raises(ValueError, match="options differs from that of the embedder of init"):
        model.fit(X, np.arange(40) % 2)
    assert model.set_params(network__n_heads=2).fit(X, np.arange(40) % 2).n_iter_ == 1
