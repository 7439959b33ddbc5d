"""What decides a network's graph, and the size of its weights."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields

from skbseq.networks._network import FIELDS, HISTORY_TOKEN, SHARED
from skbseq.networks._table import find_network

# A weight and the two moments that Adam keeps of it, in float32.
_BYTES = 12


@dataclass(frozen=True)
class EventHead:
    """Heads at each event, in place of one output per history.

    Parameters
    ----------
    targets : tuple of int
        Places of the categorical channels whose codes are predicted.
    begin : bool
        Whether an event of zeros comes before the first, so that vector ``t`` has seen ``t``
        events, and none is needed to predict the first.
    tied : bool
        Whether a code's output embedding is its input embedding (Press & Wolf 2017).
    bypass : bool, default=False
        Whether the last event's embedding also reaches the heads directly, past the network.
    compact : bool, default=False
        Whether output embeddings of their own have the size of the input embeddings too.
    numeric : bool, default=False
        Whether the numbers of events are predicted too, by one more output.
    end : bool, default=False
        Whether one more output, the last, is the logit that no event follows.
    waits : int, default=0
        Number of log-normal distributions whose mixture is that of the time until the next event.
    temperature : float or None, default=None
        Queries and output embeddings are compared by their cosine, divided by this. None: by
        their product.
    scaled : bool, default=True
        Whether tied queries are divided by the root of their size, so that products with
        embeddings of deviation 1 begin with deviation 1.
    n_features : int, default=0
        Number of features of each code of the first target. 0: there are none.
    own_dropout : float, default=0.0
        Share of codes whose own part is hidden in training, where codes have features.
    """

    targets: tuple
    begin: bool
    tied: bool
    bypass: bool = False
    compact: bool = False
    numeric: bool = False
    end: bool = False
    waits: int = 0
    temperature: float | None = None
    scaled: bool = True
    n_features: int = 0
    own_dropout: float = 0.0

    @property
    def n_extras(self):
        """Numbers of each step that come after its query."""
        return 3 * self.waits + self.end


@dataclass(frozen=True)
class NetworkSpec:
    """Everything that decides the graph of a network; equal specs share one graph.

    Fitted estimators keep it, also in files: a field that is added needs a default.

    Parameters
    ----------
    vocabulary_sizes, embedding_dims : tuple of int
        Of each categorical channel.
    n_numbers, n_context : int
        Numeric channels and context columns.
    n_outputs : int
        Outputs per history.
    units : int
        Size of the vector of each event.
    n_layers : int
    bidirectional : bool
    dropout, recurrent_dropout : float
    pooling : {"last", "mean", "max", "attention"}
        How the vectors of all events become one.
    policy : str
        Keras' dtype policy.
    network : str or callable
        A key of ``NETWORKS``, or a user's function.
    embedding_dropout : float
        Share of events whose embedding is zero in training.
    options : tuple of (str, object)
        Arguments of this network alone.
    frozen : tuple of str
        Layers whose weights stay at their initial values.
    adapters : tuple of (str, int)
        Frozen layers whose kernels are adapted, and by a product of which rank.
    head : EventHead or None
        None: one vector of outputs per history.
    checkpoint : bool
        Whether the activations of blocks are computed again in the backward pass. It is apart from
        the options, for it makes no difference to weights and outputs.
    gap : int or None
        Place, among the numbers, of the seconds since the previous event. None: there is none, or
        the network does not ask for them.
    history_token : bool
        Whether the vector of a history is that of a learned token.
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
    network: str | Callable = "lstm"
    embedding_dropout: float = 0.0
    options: tuple = ()
    frozen: tuple = ()
    head: EventHead | None = None
    gap: int | None = None
    adapters: tuple = ()
    checkpoint: bool = False
    history_token: bool = False

    @property
    def is_function(self):
        """Whether the network is a user's own function."""
        return callable(self.network)

    @property
    def predicts_events(self):
        """Whether the network has heads at its events."""
        return self.head is not None and bool(self.head.targets or self.head.numeric)

    def has_features(self, channel):
        """Whether the codes of a channel have features."""
        # A head from a file of an earlier version lacks the field, so the class gives it.
        return bool(self.head is not None and self.head.n_features) and (
            channel == self.head.targets[0]
        )

    def option(self, name):
        """An argument of this network alone."""
        return dict(self.options)[name]

    def arguments(self):
        """All arguments of the network's function but events, lengths and inputs."""
        network = find_network(self.network)
        shared = {name: getattr(self, name) for name in SHARED if network.takes(name)}
        if network.is_function:
            return shared | dict(self.options)
        shared |= {name: getattr(self, name) for name in FIELDS if network.takes(name)}
        if network.takes(HISTORY_TOKEN):
            shared["predicts_events"] = self.predicts_events
        return shared | dict(self.options)

    def shaping(self):
        """What decides the shapes of its weights, by name."""
        sizes = ("network", "embedding_dims", "units", "n_layers", "bidirectional")
        names = (*sizes, "gap", HISTORY_TOKEN)
        shaping = {name: getattr(self, name) for name in names}
        # Of the ways of pooling, only attention has weights.
        pooling = self.pooling if self.pooling == "attention" else "without weights"
        return {**shaping, "pooling": pooling, **dict(self.options)}

    @classmethod
    def of_fields(cls, state):
        """A spec from the fields that a file of version 0.1 holds as a dict.

        There the heads at each event were among the options.
        """
        options = dict(state.get("options", ()))
        head = None
        if "targets" in options:
            heads = {field.name for field in fields(EventHead)} - {"numeric", "end", "waits"}
            found = {name: options.pop(name) for name in heads & options.keys()}
            head = EventHead(**found, numeric=options.pop("numbers", False))
        return cls(**state | {"options": tuple(options.items()), "head": head})


def check_size(spec):
    """Refuse a network whose weights cannot fit into the memory of this machine.

    Raises
    ------
    MemoryError
        If its weights and the state of the optimizer are larger.
    """
    needed, memory = least_weights(spec) * _BYTES, _memory()
    if memory is not None and needed > memory:
        sizes = {"units": spec.units, "n_layers": spec.n_layers, **dict(spec.options)}
        raise MemoryError(
            f"The network would need at least {needed / 1e9:,.0f} GB for its weights and the "
            f"state of the optimizer; this machine has {memory / 1e9:,.0f} GB. Lower "
            f"{', '.join(f'{name}={value!r}' for name, value in sizes.items())}, or "
            f"embedding_dim, here {_text(spec.embedding_dims)} for {_text(spec.vocabulary_sizes)} "
            "codes."
        )


def least_weights(spec):
    """A lower bound of the number of weights of a network."""
    network, sizes = find_network(spec.network), spec.vocabulary_sizes
    count = sum(n * dim for n, dim in zip(sizes, spec.embedding_dims, strict=True))
    if network.least_weights is not None:
        width = sum(spec.embedding_dims) + spec.n_numbers
        count += network.least_weights(width, **spec.arguments())
    if spec.head is not None and spec.head.n_features:
        count += spec.head.n_features * sizes[spec.head.targets[0]]
    if spec.head is None:
        return count + spec.units * spec.n_outputs
    if not (spec.head.tied or spec.head.compact):
        count += spec.units * sum(sizes[place] for place in spec.head.targets)
    return count


def _memory():
    """Bytes of memory of this machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _text(sizes):
    return ", ".join(map(str, sizes)) or "none"
