"""Networks that look for codes at every event: vectors to hold against those of all codes."""

import keras
from keras import ops

from skbseq.networks._network import kind_of_network
from skbseq.networks._parts import (
    PoolSteps,
    embed_events,
    leaves_random_alone,
    pool,
    sequence_inputs,
)


@leaves_random_alone
def build_event_network(spec):
    """Build a network that reads events and, at each, looks for codes.

    Options of the spec: ``targets``, the places of the channels whose codes are looked for;
    ``begin``, whether an event of zeros stands before the first, so that vector ``t`` has seen
    ``t`` events and none is needed to look for the first; ``tied``, whether a code's vector is
    its embedding (Press & Wolf 2017) or one of its own; ``bypass``, whether the last event's
    embedding goes to what is looked for directly as well, beside the network (False);
    ``compact``, whether vectors of their own are of the size of the embeddings too (False);
    ``numbers``, whether the numbers of events are told too, in one more output (False).

    Parameters
    ----------
    spec : NetworkSpec

    Returns
    -------
    keras.Model
        From the inputs of ``sequence_inputs`` to a list: the vector of each sequence, of shape
        (batch, width), and for each target the vectors of its events, of shape
        (batch, steps, size of a code's vector). With ``begin`` there is one step more, and the
        vector of a sequence is the last of the first target.
    """
    inputs = sequence_inputs(spec)
    shifted = _begin(inputs) if spec.option("begin") else inputs
    embedded = embed_events(shifted, spec)
    events, last = kind_of_network(spec.network)(embedded, shifted, spec)
    if spec.pooling != "last":
        last = pool(events, shifted["lengths"], spec)
    if spec.n_context:
        events = _join(events, inputs["context"], spec)
    if dict(spec.options).get("bypass"):
        events = keras.layers.Concatenate()([events, embedded])
    if spec.dropout:
        events = keras.layers.Dropout(spec.dropout, dtype=spec.policy)(events)
    queries = [_look(events, i, spec) for i in spec.option("targets")]
    if spec.n_numbers and dict(spec.options).get("numbers"):
        queries.append(keras.layers.Dense(spec.n_numbers, dtype="float32", name="told")(events))
    if spec.option("begin"):
        last = PoolSteps("last")(queries[0], shifted["lengths"])
    return keras.Model(inputs, [keras.ops.cast(last, "float32"), *queries])


def _begin(inputs):
    """The same sequences behind an event of zeros; no real event has the code 0."""

    def shift(x):
        return ops.pad(x, [[0, 0], [1, 0], [0, 0]])

    return {
        "codes": shift(inputs["codes"]),
        "numbers": shift(inputs["numbers"]),
        "context": inputs["context"],
        "lengths": inputs["lengths"] + 1,
    }


def _join(events, context, spec):
    """Events beside what is known of the whole sequence."""
    spread = ops.expand_dims(context, 1) + 0 * events[:, :, :1]
    x = keras.layers.Concatenate()([events, spread])
    return keras.layers.Dense(spec.units, activation="relu", dtype=spec.policy, name="joined")(x)


def _look(events, channel, spec):
    size, dim = spec.vocabulary_sizes[channel], spec.embedding_dims[channel]
    if spec.option("tied") or dict(spec.options).get("compact"):
        events = keras.layers.Dense(dim, dtype=spec.policy, name=f"sought_{channel}")(events)
    if spec.option("tied"):
        # Embeddings begin with a spread of 1; so divided, their products do too.
        events = ops.cast(events, "float32") / dim**0.5
    return CodeVectors(size, own=not spec.option("tied"), name=f"codes_{channel}")(events)


@keras.saving.register_keras_serializable(package="skbseq")
class CodeVectors(keras.layers.Layer):
    """A vector and a bias for each code; vectors that look for codes go through as they are.

    The products with all codes are not made here, for of a million codes most are not needed.
    """

    def __init__(self, n_codes, own, **kwargs):
        super().__init__(**kwargs)
        self.n_codes, self.own = n_codes, own
        self.vectors = None

    def get_config(self):
        """Arguments to make the layer anew."""
        return {**super().get_config(), "n_codes": self.n_codes, "own": self.own}

    def build(self, shape):
        """Make the weights."""
        if self.own:
            self.vectors = self.add_weight((self.n_codes, shape[-1]), name="code_vectors")
        self.bias = self.add_weight((self.n_codes,), name="bias")

    def call(self, x):
        """The same as float32."""
        return ops.cast(x, "float32")

    def compute_output_shape(self, shape):
        """The same."""
        return shape
