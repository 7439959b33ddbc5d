"""Keras networks over sequences of events. Importing this package does not load TensorFlow."""

from skbseq.networks._network import ClassTexts, Network
from skbseq.networks._spec import EventHead, NetworkSpec, check_size
from skbseq.networks._table import NETWORKS, describe_networks, find_network

__all__ = [
    "NETWORKS",
    "ClassTexts",
    "EventHead",
    "Network",
    "NetworkSpec",
    "check_size",
    "describe_networks",
    "find_network",
]
