"""Sequence models of user behaviour, as scikit-learn estimators.

An event log goes in, predictions of the users' next behaviour come out, and everything in
between is ordinary scikit-learn. Names are loaded on first use, so that ``import skbseq``
stays light and TensorFlow is loaded by the first estimator that is fitted.
"""

import importlib

__version__ = "0.1.0"

# Which module defines each public name.
_MODULE_OF = {
    "Augmentation": "estimators",
    "BagBehaviorClassifier": "estimators",
    "BagBehaviorRegressor": "estimators",
    "BehaviorClassifier": "estimators",
    "BehaviorEmbedder": "estimators",
    "BehaviorRegressor": "estimators",
    "CNNBehaviorClassifier": "estimators",
    "CNNBehaviorRegressor": "estimators",
    "ConformalClassifier": "estimators",
    "ContentSimilarity": "estimators",
    "EventLog": "events",
    "GRUBehaviorClassifier": "estimators",
    "GRUBehaviorRegressor": "estimators",
    "HistoryFrequency": "estimators",
    "ItemCooccurrence": "estimators",
    "LSTMBehaviorClassifier": "estimators",
    "LSTMBehaviorRegressor": "estimators",
    "LastEvent": "estimators",
    "MarkovChain": "estimators",
    "MostFrequent": "estimators",
    "NextBehaviorPredictor": "estimators",
    "RNNBehaviorClassifier": "estimators",
    "RNNBehaviorRegressor": "estimators",
    "SequenceEncoder": "preprocessing",
    "SequenceImputer": "preprocessing",
    "SequenceVectorizer": "preprocessing",
    "TransformerBehaviorClassifier": "estimators",
    "TransformerBehaviorRegressor": "estimators",
    "load": "persistence",
    "read_events": "events",
    "save": "persistence",
}
_MODULES = (
    "association",
    "datasets",
    "estimators",
    "events",
    "exceptions",
    "inspection",
    "metrics",
    "model_selection",
    "persistence",
    "preprocessing",
    "report",
)

__all__ = [*_MODULE_OF, *_MODULES]


def __getattr__(name):
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"skbseq.{_MODULE_OF[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"skbseq.{name}")
    raise AttributeError(f"module 'skbseq' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
