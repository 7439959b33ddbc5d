"""From inputs to outputs: events embedded, read by one kind of network, pooled, and judged."""

import keras

from skbseq.networks._bag import bag
from skbseq.networks._cnn import cnn
from skbseq.networks._gru import gru
from skbseq.networks._lstm import lstm
from skbseq.networks._parts import embed_events, judge, leaves_random_alone, pool, sequence_inputs
from skbseq.networks._rnn import rnn
from skbseq.networks._transformer import transformer

# A network is a function of the embedded events, of shape (batch, steps, features), of the inputs
# and of the spec; it returns one vector per event, which has seen no later one unless the spec is
# bidirectional, and one per sequence, which has seen all.
NETWORKS = {
    "bag": bag,
    "cnn": cnn,
    "gru": gru,
    "lstm": lstm,
    "rnn": rnn,
    "transformer": transformer,
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
        last = pool(events, inputs["lengths"], spec)
    model = keras.Model(inputs, judge(last, inputs["context"], spec))
    for name in spec.frozen:
        model.get_layer(name).trainable = False
    return model
