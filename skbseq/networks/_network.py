"""From inputs to outputs: events embedded, read by one kind of network, pooled, and judged."""

from collections.abc import Callable
from dataclasses import dataclass, field

import keras

from skbseq.networks._bag import bag
from skbseq.networks._cnn import cnn
from skbseq.networks._gru import gru
from skbseq.networks._lstm import lstm
from skbseq.networks._parts import embed_events, judge, leaves_random_alone, pool, sequence_inputs
from skbseq.networks._rnn import rnn
from skbseq.networks._transformer import transformer


@dataclass(frozen=True)
class Kind:
    """A kind of network.

    Parameters
    ----------
    read : callable
        A function of the embedded events, of shape (batch, steps, features), of the inputs and of
        the spec. It returns one vector per event, which has seen no later one unless the spec is
        bidirectional, and one per sequence, which has seen all.
    stacks : bool, default=True
        Whether it has ``n_layers``.
    two_way : bool, default=False
        Whether it can be bidirectional.
    options : dict
        Parameters of this kind alone, and their defaults.
    """

    read: Callable
    stacks: bool = True
    two_way: bool = False
    options: dict = field(default_factory=dict)

    def __call__(self, x, inputs, spec):
        """Vectors of the events and of the sequences."""
        return self.read(x, inputs, spec)


NETWORKS = {
    "bag": Kind(bag, stacks=False),
    "cnn": Kind(cnn, options={"kernel_size": 3}),
    "gru": Kind(gru, two_way=True),
    "lstm": Kind(lstm, two_way=True),
    "rnn": Kind(rnn, two_way=True),
    "transformer": Kind(
        transformer, two_way=True, options={"n_heads": 4, "feed_forward_units": None}
    ),
}


def kind_of_network(name):
    """The kind of a name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in NETWORKS:
        there = ", ".join(map(repr, NETWORKS))
        raise ValueError(f"network={name!r} is not known. There are {there}.")
    return NETWORKS[name]


def check_kind(name, *, n_layers, bidirectional):
    """Refuse what would change nothing in a network.

    Raises
    ------
    ValueError
        If there is no such network, or it takes no such parameter.
    """
    kind = kind_of_network(name)
    if n_layers > 1 and not kind.stacks:
        raise ValueError(
            f"network={name!r} has one layer, so n_layers={n_layers} would change nothing. "
            "Leave it at 1."
        )
    if bidirectional and not kind.two_way:
        able = ", ".join(repr(other) for other, k in NETWORKS.items() if k.two_way)
        raise ValueError(
            f"network={name!r} reads in one direction, so bidirectional=True would change "
            f"nothing. Leave it out, or take one of {able}."
        )


@leaves_random_alone
def build_network(spec):
    """Build the network that gives one vector of outputs per sequence.

    Parameters
    ----------
    spec : NetworkSpec

    Returns
    -------
    keras.Model
        From the inputs of ``sequence_inputs`` to outputs of shape (batch, n_outputs).
    """
    inputs = sequence_inputs(spec)
    events, last = NETWORKS[spec.network](embed_events(inputs, spec), inputs, spec)
    if spec.pooling != "last":
        last = pool(events, inputs["lengths"], spec)
    model = keras.Model(inputs, judge(last, inputs["context"], spec))
    for name in spec.frozen:
        model.get_layer(name).trainable = False
    return model
