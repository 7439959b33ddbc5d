"""What decides a network's graph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworkSpec:
    """Everything that decides the graph of a network; equal specs share one graph.

    Fitted estimators keep these fields, also in files: one that is added needs a default.

    Parameters
    ----------
    vocabulary_sizes, embedding_dims : tuple of int
        Of each categorical channel.
    n_numbers, n_context : int
        Numeric channels and context columns.
    n_outputs : int
        Numbers given for each sequence.
    units : int
        Size of the vector of an event.
    n_layers : int
    bidirectional : bool
    dropout, recurrent_dropout : float
    pooling : {"last", "mean", "max", "attention"}
        How the vectors of all events become one.
    policy : str
        Keras' dtype policy.
    network : str
        A key of ``NETWORKS``.
    embedding_dropout : float
        Share of events whose embedding is zero in training.
    options : tuple of (str, object)
        Parameters of this kind of network alone.
    frozen : tuple of str
        Layers whose weights stay as they begin.
    """

    vocabulary_sizes: tuple
    embedding_dims: tuple
    n_numbers: int
    n_context: int
    n_outputs: int
    units: int
    n_layers: int
    bidirectional: bool
    dropout: float
    recurrent_dropout: float
    pooling: str
    policy: str
    network: str = "lstm"
    embedding_dropout: float = 0.0
    options: tuple = ()
    frozen: tuple = ()

    def option(self, name):
        """A parameter of this kind of network alone."""
        return dict(self.options)[name]
