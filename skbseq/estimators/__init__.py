"""Estimators of behaviour: scikit-learn on the outside, Keras networks, or counts, within."""

from skbseq.estimators._conformal import ConformalClassifier
from skbseq.estimators._embedder import BehaviorEmbedder
from skbseq.estimators._lstm_classifier import LSTMBehaviorClassifier
from skbseq.estimators._lstm_regressor import LSTMBehaviorRegressor
from skbseq.estimators._markov_chain import MarkovChain
from skbseq.estimators._next_baselines import ItemCooccurrence, LastEvent, MostFrequent
from skbseq.estimators._next_predictor import NextBehaviorPredictor

__all__ = [
    "BehaviorEmbedder",
    "ConformalClassifier",
    "ItemCooccurrence",
    "LSTMBehaviorClassifier",
    "LSTMBehaviorRegressor",
    "LastEvent",
    "MarkovChain",
    "MostFrequent",
    "NextBehaviorPredictor",
]
