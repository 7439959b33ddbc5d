"""Scikit-learn estimators for event histories, based on Keras networks or on counts."""

from skbseq._next_event import (
    ContentSimilarity,
    HistoryFrequency,
    ItemCooccurrence,
    LastEvent,
    MarkovChain,
    MostFrequent,
)
from skbseq.estimators._classifier import BehaviorClassifier
from skbseq.estimators._conformal import ConformalClassifier
from skbseq.estimators._embedder import BehaviorEmbedder
from skbseq.estimators._lstm import LSTMBehaviorClassifier, LSTMBehaviorRegressor
from skbseq.estimators._named import (
    BagBehaviorClassifier,
    BagBehaviorRegressor,
    CNNBehaviorClassifier,
    CNNBehaviorRegressor,
    GRUBehaviorClassifier,
    GRUBehaviorRegressor,
    RNNBehaviorClassifier,
    RNNBehaviorRegressor,
    TransformerBehaviorClassifier,
    TransformerBehaviorRegressor,
)
from skbseq.estimators._next_predictor import NextBehaviorPredictor
from skbseq.estimators._regressor import BehaviorRegressor
from skbseq.preprocessing._augmentation import Augmentation

__all__ = [
    "Augmentation",
    "BagBehaviorClassifier",
    "BagBehaviorRegressor",
    "BehaviorClassifier",
    "BehaviorEmbedder",
    "BehaviorRegressor",
    "CNNBehaviorClassifier",
    "CNNBehaviorRegressor",
    "ConformalClassifier",
    "ContentSimilarity",
    "GRUBehaviorClassifier",
    "GRUBehaviorRegressor",
    "HistoryFrequency",
    "ItemCooccurrence",
    "LSTMBehaviorClassifier",
    "LSTMBehaviorRegressor",
    "LastEvent",
    "MarkovChain",
    "MostFrequent",
    "NextBehaviorPredictor",
    "RNNBehaviorClassifier",
    "RNNBehaviorRegressor",
    "TransformerBehaviorClassifier",
    "TransformerBehaviorRegressor",
]
