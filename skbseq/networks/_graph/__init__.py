"""Graphs of networks in Keras: building them, initial weights, the fused LSTM."""

from skbseq.networks._graph._build import build_network
from skbseq.networks._graph._fused_lstm import FusedLSTM
from skbseq.networks._graph._initial import initial_weights
from skbseq.networks._graph._naming import (
    head_layers,
    named_layers,
    weight_names,
    weight_names_of_layers,
)
from skbseq.networks._graph._reading import reading_part

__all__ = [
    "FusedLSTM",
    "build_network",
    "head_layers",
    "initial_weights",
    "named_layers",
    "reading_part",
    "weight_names",
    "weight_names_of_layers",
]
