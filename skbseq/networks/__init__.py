"""Keras networks over sequences: channels and lengths in, one vector of outputs out."""

from skbseq.networks._event_network import build_event_network
from skbseq.networks._initial import initial_weights
from skbseq.networks._lstm_steps import LSTMSteps
from skbseq.networks._network import NETWORKS, build_network, check_kind, kind_of_network
from skbseq.networks._spec import NetworkSpec

__all__ = [
    "NETWORKS",
    "LSTMSteps",
    "NetworkSpec",
    "build_event_network",
    "build_network",
    "check_kind",
    "initial_weights",
    "kind_of_network",
]
