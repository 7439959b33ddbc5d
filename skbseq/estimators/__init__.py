"""Estimators of behaviour: scikit-learn on the outside, Keras networks, or counts, within."""

from skbseq.estimators._augmentation import Augmentation
from skbseq.estimators._bag_classifier import BagBehaviorClassifier
from skbseq.estimators._bag_regressor import BagBehaviorRegressor
from skbseq.estimators._cnn_classifier import CNNBehaviorClassifier
from skbseq.estimators._cnn_regressor import CNNBehaviorRegressor
from skbseq.estimators._conformal import ConformalClassifier
from skbseq.estimators._embedder import BehaviorEmbedder
from skbseq.estimators._gru_classifier import GRUBehaviorClassifier
from skbseq.estimators._gru_regressor import GRUBehaviorRegressor
from skbseq.estimators._lstm_classifier import LSTMBehaviorClassifier
from skbseq.estimators._lstm_regressor import LSTMBehaviorRegressor
from skbseq.estimators._markov_chain import MarkovChain
from skbseq.estimators._next_baselines import ItemCooccurrence, LastEvent, MostFrequent
from skbseq.estimators._next_predictor import NextBehaviorPredictor
from skbseq.estimators._rnn_classifier import RNNBehaviorClassifier
from skbseq.estimators._rnn_regressor import RNNBehaviorRegressor
from skbseq.estimators._transformer_classifier import TransformerBehaviorClassifier
from skbseq.estimators._transformer_regressor import TransformerBehaviorRegressor

__all__ = [
    "Augmentation",
    "BagBehaviorClassifier",
    "BagBehaviorRegressor",
    "BehaviorEmbedder",
    "CNNBehaviorClassifier",
    "CNNBehaviorRegressor",
    "ConformalClassifier",
    "GRUBehaviorClassifier",
    "GRUBehaviorRegressor",
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
