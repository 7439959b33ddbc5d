"""Keras networks over sequences: channels and lengths in, one vector of logits out."""

from skbseq.networks._initial import initial_weights
from skbseq.networks._lstm import LSTMSpec, build_lstm
from skbseq.networks._lstm_steps import LSTMSteps

__all__ = ["LSTMSpec", "LSTMSteps", "build_lstm", "initial_weights"]
