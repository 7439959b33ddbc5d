"""Graphs of networks in Keras: building them, initial weights, fused recurrences."""

from skbseq.networks._graph._adapters import largest_ranks, merged_weights, put_in
from skbseq.networks._graph._build import build_network
from skbseq.networks._graph._each import stepwise_part
from skbseq.networks._graph._fused import FusedRecurrence
from skbseq.networks._graph._initial import initial_weights
from skbseq.networks._graph._naming import (
    head_layers,
    named_layers,
    weight_names,
    weight_names_of_layers,
)
from skbseq.networks._graph._reading import reading_part

__all__ = [
    "FusedRecurrence",
    "build_network",
    "head_layers",
    "initial_weights",
    "largest_ranks",
    "merged_weights",
    "named_layers",
    "put_in",
    "reading_part",
    "stepwise_part",
    "weight_names",
    "weight_names_of_layers",
]
