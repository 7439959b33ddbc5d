"""All networks by name. Each file of this folder that defines NETWORK adds one."""

import importlib
import pkgutil
from pathlib import Path

from skbseq.networks._network import Network


def _read_files():
    """Networks of all files of this folder; reading them loads no TensorFlow."""
    here = [str(Path(__file__).parent)]
    package = __name__.rpartition(".")[0]
    for info in pkgutil.iter_modules(here):
        if not info.ispkg and f"{package}.{info.name}" != __name__:
            module = importlib.import_module(f"{package}.{info.name}")
            if hasattr(module, "NETWORK"):
                yield module.NETWORK


NETWORKS = {network.name: network for network in _read_files()}


def find_network(network):
    """The network of a name, or of a user's function.

    Parameters
    ----------
    network : str or callable

    Returns
    -------
    Network

    Raises
    ------
    TypeError
        If it is neither, or a function that cannot take events and lengths.
    ValueError
        If there is no network of this name.
    """
    if callable(network):
        return Network.of_function(network)
    if not isinstance(network, str):
        raise TypeError(f"network must be a name or a function; got {network!r}.")
    if network not in NETWORKS:
        raise ValueError(
            f"network={network!r} is not known. There are {network_names()}; or give a function "
            "of (events, lengths) that returns a vector per event."
        )
    return NETWORKS[network]


def network_names(which=lambda network: True):
    """Names of all networks, or of some, for messages and documentation."""
    return ", ".join(repr(name) for name, network in NETWORKS.items() if which(network))


def describe_networks():
    """Rows of the table of networks in the documentation: name, how it reads, its options.

    Returns
    -------
    list of tuple of (str, str, str)
    """
    return [
        (
            f'``"{name}"``',
            network.reads,
            ", ".join(f"``{option}``" for option in network.options) or "none",
        )
        for name, network in NETWORKS.items()
    ]
