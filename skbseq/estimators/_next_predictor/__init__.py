"""The predictor of next events by a network, and what it is made of."""

from skbseq.estimators._next_predictor._predictor import NextBehaviorPredictor

__all__ = ["NextBehaviorPredictor"]
