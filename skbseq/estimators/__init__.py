"""Estimators of behaviour: scikit-learn on the outside, Keras networks within."""

from skbseq.estimators._conformal import ConformalClassifier
from skbseq.estimators._lstm_classifier import LSTMBehaviorClassifier
from skbseq.estimators._lstm_regressor import LSTMBehaviorRegressor

__all__ = ["ConformalClassifier", "LSTMBehaviorClassifier", "LSTMBehaviorRegressor"]
