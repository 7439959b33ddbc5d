"""Classifiers and regressors named after a network, made from the table of networks.

Each is `BehaviorClassifier` or `BehaviorRegressor` for one network, whose options are parameters
of the class: ``CNNBehaviorClassifier(kernel_size=5)``. Those of the LSTM are written by hand, in
`_lstm`.
"""

import inspect

from skbseq.estimators._classifier import BaseBehaviorClassifier, BehaviorClassifier
from skbseq.estimators._documented import documented
from skbseq.estimators._regressor import BaseBehaviorRegressor, BehaviorRegressor
from skbseq.networks import NETWORKS
from skbseq.networks._network import SHARED

_CLASSIFIER_EXAMPLE = """
>>> import pandas as pd
>>> from sklearn.pipeline import make_pipeline
>>> from skbseq import {name}, SequenceEncoder
>>> X = pd.DataFrame({{"what": [["view", "cart"], {other}] * 40}})
>>> y = ["buys", "leaves"] * 40
>>> classifier = {name}(epochs=20, learning_rate=0.02, random_state=0)
>>> model = make_pipeline(SequenceEncoder(), classifier).fit(X, y)
>>> model.predict(X[:2]).tolist()
['buys', 'leaves']
"""
_REGRESSOR_EXAMPLE = """
>>> import pandas as pd
>>> from sklearn.pipeline import make_pipeline
>>> from skbseq import {name}, SequenceEncoder
>>> X = pd.DataFrame({{"what": [["view", "cart"], {other}] * 40}})
>>> spend = [200.0, 10.0] * 40
>>> regressor = {name}(learning_rate=0.03, batch_size=8, random_state=0)
>>> model = make_pipeline(SequenceEncoder(), regressor).fit(X, spend)
>>> model.score(X, spend) > 0.9
True
"""


def make_named_class(network, base, general):
    """The class of one network.

    Parameters
    ----------
    network : Network
        With texts.
    base : type
        `BaseBehaviorClassifier` or `BaseBehaviorRegressor`.
    general : type
        The estimator for every network, whose parameters and defaults the class has.

    Returns
    -------
    type
    """
    parameters = list(_parameters(network, general))
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}

    def __init__(self, **given):
        routed = {name: value for name, value in given.items() if name not in defaults}
        self._assign(
            defaults | {n: v for n, v in given.items() if n in defaults} | {"routed": routed}
        )

    # scikit-learn reads the names of parameters from it, and so do editors and documentation.
    __init__.__signature__ = inspect.Signature(
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *parameters]
    )
    own = {name: option.constraint for name, option in network.options.items()}
    constraints = {
        name: own.get(name, kinds)
        for name, kinds in {**base._parameter_constraints, **own}.items()
        if name in defaults
    }
    name = f"{network.texts.prefix}{general.__name__}"
    members = {
        "__doc__": _doc(name, network, issubclass(base, BaseBehaviorRegressor)),
        "__init__": __init__,
        "__module__": __name__,
        "_parameter_constraints": constraints,
        "network": network.name,
    }
    return documented(network.name)(type(name, (base,), members))


def _parameters(network, general):
    """Parameters of the class; options of the network alone follow ``n_layers``."""
    keyword_only, own = inspect.Parameter.KEYWORD_ONLY, network.options
    for parameter in inspect.signature(general).parameters.values():
        name = parameter.name
        # A parameter that the network does not have would do nothing, so the class has none.
        lacks = name in SHARED and name not in own
        lacks |= name == "adapter_rank" and network.is_recurrent
        if not (name == "network" or lacks or name in network.texts.without):
            default = own[name].default if name in own else parameter.default
            yield parameter if name == "routed" else parameter.replace(default=default)
        if name == "n_layers":
            for option, described in network.own_options.items():
                yield inspect.Parameter(option, keyword_only, default=described.default)


def _doc(name, network, regresses):
    """A docstring without its shared sections."""
    texts = network.texts
    if regresses:
        sections = {
            "Notes": f"""
            The losses are described in :class:`LSTMBehaviorRegressor`, the network and its
            training in :class:`{texts.prefix}BehaviorClassifier`.
            """,
            "Examples": _REGRESSOR_EXAMPLE,
        }
        summary = f"Predict numbers from sequences with {texts.title}."
    else:
        sections = {
            "Notes": texts.notes,
            "References": texts.references,
            "Examples": _CLASSIFIER_EXAMPLE,
        }
        summary = f"Classify sequences with {texts.title}."
    # The two histories of the example differ only in their order, which not every network sees.
    other = '["view", "view"]' if network.order_blind else '["cart", "view"]'
    sections["Examples"] = sections["Examples"].format(name=name, other=other)
    parts = [summary, inspect.cleandoc(texts.description)]
    parts += [f"{t}\n{'-' * len(t)}\n{inspect.cleandoc(text)}" for t, text in sections.items()]
    return "\n\n".join(parts)


def _make_all():
    """Classifier and regressor of each network with texts, by name."""
    for network in NETWORKS.values():
        if network.texts is not None:
            for base, general in (
                (BaseBehaviorClassifier, BehaviorClassifier),
                (BaseBehaviorRegressor, BehaviorRegressor),
            ):
                made = make_named_class(network, base, general)
                yield made.__name__, made


# Pickles and files find the classes by name in this module.
NAMED = dict(_make_all())
globals().update(NAMED)
