"""Estimators of behaviour: scikit-learn on the outside, Keras networks within."""

from skbseq.estimators._bag_classifier import BagBehaviorClassifier
from skbseq.estimators._cnn_classifier import CNNBehaviorClassifier
from skbseq.estimators._gru_classifier import GRUBehaviorClassifier
from skbseq.estimators._lstm_classifier import LSTMBehaviorClassifier
from skbseq.estimators._rnn_classifier import RNNBehaviorClassifier
from skbseq.estimators._transformer_classifier import TransformerBehaviorClassifier

__all__ = [
    "BagBehaviorClassifier",
    "CNNBehaviorClassifier",
    "GRUBehaviorClassifier",
    "LSTMBehaviorClassifier",
    "RNNBehaviorClassifier",
    "TransformerBehaviorClassifier",
]
