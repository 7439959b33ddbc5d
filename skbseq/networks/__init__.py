"""Keras networks over sequences: channels and lengths in, one vector of logits out."""

from skbseq.networks._initial import initial_weights
from skbseq.networks._lstm import LSTMSpec, build_lstm

__all__ = ["LSTMSpec", "build_lstm", "initial_weights"]
