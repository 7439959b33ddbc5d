"""From inputs to outputs: events embedded, read by one kind of network, pooled, and judged."""

import keras

from skbseq.networks._lstm import lstm
from skbseq.networks._parts import (
    PoolSteps,
    embed_events,
    judge,
    leaves_random_alone,
    sequence_inputs,
)

# A network is a function of the embedded events, of shape (batch, steps, features), of the inputs
# and of the spec; it returns one vector per event, which has seen no later one unless the spec is
# bidirectional, and one per sequence, which has seen all.
NETWORKS = {
    "lstm": lstm,
}


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
        last = PoolSteps(spec.pooling, name="pooling")(events, inputs["lengths"])
    model = keras.Model(inputs, judge(last, inputs["context"], spec))
    for name in spec.frozen:
        model.get_layer(name).trainable = False
    return model
